"""PopulationSearchCV: the scores of scikit-learn's own search, to the bit, however many threads there are."""

from __future__ import annotations

import threading
import time

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from scipy.stats import loguniform, randint, uniform
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import make_classification, make_regression
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import Ridge
from sklearn.model_selection import GroupKFold, KFold, RandomizedSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

import pellucid as pl
from pellucid.estimators import Autoencoder, MLPClassifier, MLPRegressor, PopulationSearchCV
from pellucid.estimators import network_estimator as module

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SPACE = {
    "alpha": loguniform(1e-4, 1e-1),
    "learning_rate_init": loguniform(1e-3, 1e-1),
    "hidden_layer_sizes": [(4,), (8, 4), ()],
    "dropout": [0.0, 0.2, 0.4],
}


def classes(rows=90, **more):
    return make_classification(rows, 6, n_informative=4, n_classes=3, random_state=0, **more)


def numbers(rows=90):
    return make_regression(rows, 5, noise=3.0, random_state=0)


def network(kind=MLPClassifier, **more):
    given = {"hidden_layer_sizes": (6,), "max_iter": 4, "random_state": 3, "early_stopping": False, **more}
    return kind(**given)


def same(ours, theirs):
    """Compare all results but the times with those of scikit-learn, bit by bit."""
    assert list(ours.cv_results_) == list(theirs.cv_results_)
    for name, wanted in theirs.cv_results_.items():
        found = ours.cv_results_[name]
        if name.endswith("_time"):
            assert len(found) == len(wanted)
        elif name == "params":
            assert found == wanted
        elif name.startswith("param_"):
            assert type(found) is type(wanted) and found.tolist() == wanted.tolist()
        else:
            assert found.dtype == wanted.dtype and np.array_equal(found, wanted, equal_nan=True), name
    assert ours.best_index_ == theirs.best_index_ and ours.best_params_ == theirs.best_params_
    assert ours.best_score_ == theirs.best_score_ or (np.isnan(ours.best_score_) and np.isnan(theirs.best_score_))


def both(estimator, space, X, y, threads=2, fitted=None, **more):
    given = {"n_iter": 6, "cv": 3, "random_state": 5, **more}
    theirs = RandomizedSearchCV(estimator, space, **given).fit(X, y, **(fitted or {}))
    ours = PopulationSearchCV(estimator, space, n_jobs=threads, **given).fit(X, y, **(fitted or {}))
    same(ours, theirs)
    return ours, theirs


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_scores_are_those_of_scikit_learn_whatever_the_threads(threads):
    X, y = classes()
    ours, theirs = both(network(), SPACE, X, y, threads, return_train_score=True)
    assert np.array_equal(ours.predict_proba(X), theirs.predict_proba(X))


@pytest.mark.parametrize(
    "settings",
    [
        {"early_stopping": True, "metric": "accuracy"},
        {"solver": "lbfgs", "dropout": "auto"},
        {"n_members": 2},
        {"solver": "sgd", "learning_rate": "adaptive"},
        {"l1": 0.01, "clip_norm": 1.0, "layer_norm": True, "shortcuts": True},
        {"solver": pl.optimizers.AdamW(0.01), "class_weight": "balanced"},
        {"loss": pl.losses.SoftmaxCrossEntropy(label_smoothing=0.1), "executor": "interpret"},
        {"activation": ["gelu"]},
    ],
    ids=["stops early", "lbfgs", "ensemble", "sgd", "penalties", "an optimizer", "interpreted", "activations"],
)
def test_every_kind_of_network(settings):
    X, y = classes(60)
    both(network(**settings), {"alpha": loguniform(1e-4, 1), "hidden_layer_sizes": [(4,), (7,)]}, X, y, n_iter=4, cv=2)


def test_every_number_that_may_differ_between_trainings_of_one_program():
    X, y = classes(60)
    space = {
        "alpha": uniform(0.001, 1),
        "l1": [0.0, 0.001, 0.1],
        "dropout": uniform(0.1, 0.5),
        "beta_1": uniform(0.5, 0.4),
        "beta_2": [0.9, 0.99],
        "epsilon": loguniform(1e-8, 1e-3),
        "clip_norm": [0.1, 1.0, None],
        "label_smoothing": [0.0, 0.1, 0.2],
        "learning_rate": ["constant", "invscaling"],
        "power_t": uniform(0, 1),
        "max_iter": randint(1, 6),
        "random_state": [0, 1],
        "scaling": ["standardize", "minmax", None],
        "limit": uniform(0, 3),
        "shuffle": [True, False],
        "batch_size": [8, 16],
        "momentum": uniform(0, 0.9),
        "solver": ["adam", "adamw", "nadam", "rmsprop", "lion", "sgd", "adagrad"],
    }
    both(network(executor="interpret"), space, X, y, n_iter=30, cv=2)


def test_regression_and_several_targets():
    X, y = numbers()
    both(network(MLPRegressor), SPACE, X, y, scoring="neg_mean_absolute_error")
    both(network(MLPRegressor), SPACE, X, np.column_stack([y, -y]))
    both(network(MLPRegressor, loss="gaussian_log_likelihood"), {"alpha": [0.1, 1.0]}, X, y, n_iter=2)


def test_labels_words_and_names():
    X, y = classes()
    both(network(), SPACE, X, np.array(["ant", "bee", "cow"], object)[y])
    both(network(), SPACE, X, np.column_stack([y == 0, y == 1]).astype(int))
    both(network(threshold="f1"), {"alpha": loguniform(1e-3, 1)}, X, y == 1, n_iter=3)


@pytest.mark.parametrize("kind", ["float32", "frame", "sparse", "missing", "list"])
def test_every_kind_of_table(kind):
    X, y = classes()
    words = np.array(["red", "green", "blue"])[np.arange(len(X)) % 3]
    X[X < -2] = np.nan if kind == "missing" else 0.0
    table = {
        "float32": X.astype(np.float32),
        "frame": pd.DataFrame({"a": X[:, 0], "b": X[:, 1], "color": words, "on": X[:, 2] > 0}),
        "sparse": sparse.csr_matrix(np.where(abs(X) > 1, X, 0)),
        "missing": X,
        "list": X.tolist(),
    }[kind]
    space = {"alpha": loguniform(1e-3, 1), "scaling": ["standardize", "robust"]}
    both(network(), space, table, y, n_iter=4)


def test_several_scores_refit_by_name_and_by_choice():
    X, y = classes()
    scoring = ["accuracy", "neg_log_loss"]
    ours, _ = both(network(), SPACE, X, y, scoring=scoring, refit="neg_log_loss", return_train_score=True)
    assert ours.multimetric_ and set(ours.scorer_) == set(scoring)

    def choose(results):
        return int(np.argmin(results["mean_test_accuracy"]))

    worst = PopulationSearchCV(network(), SPACE, scoring=scoring, refit=choose, cv=3, random_state=5, n_iter=6).fit(
        X, y
    )
    assert worst.best_index_ == choose(ours.cv_results_) and not hasattr(worst, "best_score_")


def test_groups_weights_and_scorers_of_ones_own():
    X, y = classes()
    weights, groups = np.linspace(0.1, 2.3, len(X)), np.arange(len(X)) % 7
    both(network(), SPACE, X, y, cv=GroupKFold(3), fitted={"groups": groups, "sample_weight": weights})

    def score(estimator, X, y):
        return {"right": float((estimator.predict(X) == y).mean()), "sure": float(estimator.predict_proba(X).max())}

    both(network(), SPACE, X, y, scoring=score, refit="sure")


def test_pipelines_and_other_estimators():
    X, y = classes()
    steps = Pipeline([("scale", StandardScaler()), ("pca", PCA()), ("net", network())])
    space = {"pca__n_components": [2, 4], "net__alpha": loguniform(1e-3, 1), "scale": [StandardScaler(), "passthrough"]}
    theirs = RandomizedSearchCV(steps, space, n_iter=6, random_state=5, cv=3).fit(X, y)
    ours = PopulationSearchCV(steps, space, n_iter=6, random_state=5, cv=3, n_jobs=2).fit(X, y)
    for split in range(3):
        name = f"split{split}_test_score"
        assert np.array_equal(ours.cv_results_[name], theirs.cv_results_[name])
    both(RandomForestClassifier(5, random_state=0, n_jobs=2), {"max_depth": [2, 3, 4]}, X, y, n_iter=3)
    both(Ridge(), {"alpha": loguniform(0.1, 10)}, *numbers())
    wrapped = TransformedTargetRegressor(network(MLPRegressor))
    both(wrapped, {"regressor__alpha": loguniform(0.1, 10)}, *numbers(), n_iter=3)


def test_an_estimator_without_targets():
    X = classes()[0]
    coder = Autoencoder(2, hidden_layer_sizes=(), max_iter=4, random_state=0)
    both(coder, {"noise": uniform(0, 1), "n_components": [1, 2]}, X, None, n_iter=4)


def test_one_class_in_a_fold_is_an_error_of_that_fold_alone():
    X, y = np.random.default_rng(0).normal(size=(40, 3)), np.repeat([0, 1], 20)
    halves = [(np.arange(20), np.arange(20, 40)), (np.arange(0, 40, 2), np.arange(1, 40, 2))]
    given = {"n_iter": 2, "cv": halves, "random_state": 0, "refit": False, "error_score": -1.0}
    with pytest.warns(FitFailedWarning, match="only one class"):
        found = PopulationSearchCV(network(), {"alpha": [0.1, 1.0]}, **given).fit(X, y)
    assert (found.cv_results_["split0_test_score"] == -1).all() and (found.cv_results_["split1_test_score"] >= 0).all()
    with pytest.raises(pl.PellucidError, match="only one class"):
        PopulationSearchCV(network(), {"alpha": [0.1]}, **{**given, "n_iter": 1, "error_score": "raise"}).fit(X, y)


def test_rows_are_encoded_once_for_each_fold_not_for_each_candidate(monkeypatch):
    X, y = classes()
    seen = []
    encode = module.encode_features
    monkeypatch.setattr(module, "encode_features", lambda *given: seen.append(1) or encode(*given))
    space = {"alpha": loguniform(1e-3, 1), "hidden_layer_sizes": [(3,), (4,)]}
    PopulationSearchCV(network(), space, n_iter=9, cv=3, n_jobs=1, refit=False, random_state=0).fit(X, y)
    assert len(seen) == 3
    steps = Pipeline([("scale", StandardScaler()), ("net", network())])
    PopulationSearchCV(steps, {"net__alpha": [0.1, 0.2, 0.3]}, n_iter=3, cv=3, n_jobs=1, refit=False).fit(X, y)
    assert len(seen) == 6


def test_an_interrupt_ends_what_is_under_way(monkeypatch):
    X, y = classes()
    begun, fit = threading.Event(), MLPClassifier.fit

    def begin(self, *given, **more):
        begun.set()
        return fit(self, *given, **more)

    def interrupt(seconds, sleep=time.sleep):
        sleep(seconds)
        if begun.is_set():
            raise KeyboardInterrupt

    endless = network(max_iter=100_000_000, tol=0.0, n_iter_no_change=np.inf)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(MLPClassifier, "fit", begin)
        patch.setattr(time, "sleep", interrupt)  # joblib waits so
        PopulationSearchCV(endless, {"alpha": [0.1, 0.2]}, n_iter=2, cv=2, n_jobs=2).fit(X, y)
    before = time.perf_counter()
    while any(thread.name == "search" for thread in threading.enumerate()):
        assert time.perf_counter() - before < 60
        time.sleep(0.01)


def test_a_search_within_the_folds_of_another():
    X, y = classes(60)
    inner = PopulationSearchCV(network(), {"alpha": [0.1, 1.0]}, n_iter=2, cv=2)
    outer = PopulationSearchCV(inner, {"n_iter": [1, 2]}, n_iter=2, cv=KFold(2), n_jobs=2, random_state=0).fit(X, y)
    assert outer.best_estimator_.best_estimator_.n_features_in_ == 6
