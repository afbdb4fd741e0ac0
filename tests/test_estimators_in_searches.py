"""The estimators within the searches of scikit-learn and Optuna, with threads and with processes."""

from __future__ import annotations

import joblib
import numpy as np
import optuna
import pytest
from sklearn.base import clone
from sklearn.datasets import make_classification, make_regression
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.metrics import accuracy_score
from sklearn.model_selection import (
    GridSearchCV,
    HalvingRandomSearchCV,
    KFold,
    ParameterGrid,
    RandomizedSearchCV,
    cross_val_predict,
    cross_val_score,
    train_test_split,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from pellucid.estimators import MLPClassifier, MLPRegressor, PopulationSearchCV

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = make_classification(80, 5, n_informative=4, n_redundant=0, random_state=0)
SPACE = {"alpha": [0.001, 0.1, 10.0], "hidden_layer_sizes": [(3,), (6,)]}
FOLDS = KFold(2, shuffle=True, random_state=0)


def network(**more):
    return MLPClassifier(**{"hidden_layer_sizes": (4,), "max_iter": 5, "random_state": 1, **more})


def by_hand(parameters, estimator=None):
    """Return the scores of a configuration on each fold, as anyone would write it."""
    found = []
    for train, test in FOLDS.split(X):
        fitted = clone(estimator or network()).set_params(**parameters).fit(X[train], Y[train])
        found.append(accuracy_score(Y[test], fitted.predict(X[test])))
    return found


@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_searches_of_scikit_learn_with_threads_and_processes(backend):
    with joblib.parallel_config(backend=backend, n_jobs=2):
        grid = GridSearchCV(network(), SPACE, cv=FOLDS).fit(X, Y)
        drawn = RandomizedSearchCV(network(), SPACE, n_iter=3, cv=FOLDS, random_state=0).fit(X, Y)
        halved = HalvingRandomSearchCV(
            network(), SPACE, cv=FOLDS, random_state=0, resource="max_iter", max_resources=4, min_resources=1, factor=2
        ).fit(X, Y)
    wanted = np.array([by_hand(parameters) for parameters in ParameterGrid(SPACE)])
    assert [grid.cv_results_[f"split{fold}_test_score"].tolist() for fold in (0, 1)] == wanted.T.tolist()
    places = [list(ParameterGrid(SPACE)).index(parameters) for parameters in drawn.cv_results_["params"]]
    assert drawn.cv_results_["mean_test_score"].tolist() == wanted.mean(axis=1)[places].tolist()
    last = halved.cv_results_["params"][-1]
    assert halved.cv_results_["mean_test_score"][-1] == np.mean(by_hand(last))
    assert halved.cv_results_["n_resources"].tolist() == sorted(halved.cv_results_["n_resources"].tolist())
    assert grid.predict_proba(X).shape == (80, 2)


def test_a_population_search_finds_what_a_grid_search_finds():
    grid = GridSearchCV(network(), SPACE, cv=FOLDS).fit(X, Y)
    ours = PopulationSearchCV(network(), SPACE, sampler="grid", cv=FOLDS, n_jobs=2).fit(X, Y)

    def table(search):
        results = search.cv_results_
        return sorted((*map(repr, sorted(found.items())), score) for found, score in scored(results))

    def scored(results):
        return zip(results["params"], results["mean_test_score"].tolist(), strict=True)

    assert table(ours) == table(grid) and ours.best_score_ == grid.best_score_


@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_cross_validation_of_scikit_learn(backend):
    steps = make_pipeline(StandardScaler(), network())
    with joblib.parallel_config(backend=backend, n_jobs=2):
        scores = cross_val_score(steps, X, Y, cv=FOLDS)
        predicted = cross_val_predict(network(), X, Y, cv=FOLDS, method="predict_proba")
    assert scores.tolist() == by_hand({}, steps)
    assert [accuracy_score(Y[test], predicted[test].argmax(axis=1)) for _, test in FOLDS.split(X)] == by_hand({})


def test_many_threads_train_networks_of_one_architecture_and_many_numbers():
    numbers = [{"alpha": alpha, "dropout": rate} for alpha in (0.01, 1.0) for rate in (0.1, 0.2, 0.3, 0.4)]
    alone = [network(**each).fit(X, Y).predict_proba(X) for each in numbers]
    jobs = [joblib.delayed(network(**each).fit)(X, Y) for each in numbers * 3]
    together = joblib.Parallel(n_jobs=6, backend="threading")(jobs)
    assert all(np.array_equal(found.predict_proba(X), alone[n % 8]) for n, found in enumerate(together))


@pytest.mark.parametrize("threads", [1, 2])
def test_an_objective_of_optuna(threads):
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    x, y = make_regression(90, 4, noise=1.0, random_state=0)
    train, test, target, wanted = train_test_split(x, y, random_state=0)

    def fitted(parameters):
        layers = (parameters["units"],) * parameters["layers"]
        more = {name: parameters[name] for name in ("alpha", "activation")}
        return MLPRegressor(layers, max_iter=6, random_state=0, early_stopping=False, **more).fit(train, target)

    def objective(trial):
        parameters = {
            "layers": trial.suggest_int("layers", 0, 2),
            "units": trial.suggest_categorical("units", [4, 8]),
            "activation": trial.suggest_categorical("activation", ["relu", "tanh"]),
            "alpha": trial.suggest_float("alpha", 1e-4, 1.0, log=True),
        }
        return fitted(parameters).score(test, wanted)

    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=0))
    study.optimize(objective, n_trials=12, n_jobs=threads)
    assert len(study.trials) == 12 and {trial.state.name for trial in study.trials} == {"COMPLETE"}
    assert study.best_value == fitted(study.best_params).score(test, wanted)


def test_pruning_epoch_by_epoch_with_optuna():
    def objective(trial):
        estimator = network(alpha=trial.suggest_float("alpha", 1e-4, 1.0, log=True), early_stopping=False)
        for epoch in range(4):
            estimator.partial_fit(X[:60], Y[:60])
            trial.report(estimator.score(X[60:], Y[60:]), epoch)
            if trial.should_prune():
                raise optuna.TrialPruned
        return estimator.score(X[60:], Y[60:])

    pruner = optuna.pruners.ThresholdPruner(lower=2.0, n_warmup_steps=2)
    study = optuna.create_study(direction="maximize", pruner=pruner, sampler=optuna.samplers.RandomSampler(seed=0))
    study.optimize(objective, n_trials=3)
    assert [len(trial.intermediate_values) for trial in study.trials] == [3, 3, 3]
    assert {trial.state.name for trial in study.trials} == {"PRUNED"}
