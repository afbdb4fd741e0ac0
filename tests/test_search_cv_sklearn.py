"""PopulationSearchCV among scikit-learn's estimators: its checks, its routing, its errors, and its spaces."""

from __future__ import annotations

import warnings

import joblib
import numpy as np
import pytest
from scipy.stats import loguniform, randint
from sklearn import config_context
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.datasets import make_classification
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.model_selection import RandomizedSearchCV
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import Pipeline
from sklearn.utils.estimator_checks import estimator_checks_generator

import pellucid as pl
from pellucid.estimators import MLPClassifier, PopulationSearchCV
from pellucid.tuning.space import Space, log_uniform, uniform

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = make_classification(60, 4, n_informative=3, n_redundant=0, random_state=0)
TINY = MLPClassifier((3,), max_iter=3, random_state=0, executor="interpret", early_stopping=False)
LEARNED = {"solver": "lbfgs", "max_iter": 60, "random_state": 0, "executor": "interpret"}


def search(space, estimator=TINY, **more):
    return PopulationSearchCV(estimator, space, **{"n_iter": 3, "cv": 2, "random_state": 0, "n_jobs": 2, **more})


def checks(*estimators):
    """Return all checks but the one that runs only where SciPy was told of the array API before."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = [pair for estimator in estimators for pair in estimator_checks_generator(estimator)]
    names = [getattr(check, "func", check).__name__ for _, check in found]
    return [
        pytest.param(estimator, check, id=f"{type(estimator.estimator).__name__}-{name}")
        for (estimator, check), name in zip(found, names, strict=True)
        if name != "check_array_api_input"
    ]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("estimator", "check"),
    checks(
        search({"n_neighbors": [1, 3]}, KNeighborsRegressor(), n_iter=2),
        search({"alpha": [1e-3, 1e-2]}, SGDClassifier(random_state=0), n_iter=2, error_score="raise"),
        search({"alpha": [0.01, 0.1]}, MLPClassifier((8,), **LEARNED), n_iter=2),
    ),
)
def test_the_checks_of_scikit_learn(estimator, check):
    check(estimator)


def test_what_it_tells_of_itself():
    found = search({"alpha": [0.1, 1.0]})
    assert isinstance(found, RandomizedSearchCV) and is_classifier(found)
    assert clone(found).get_params()["estimator__alpha"] == TINY.alpha
    assert "alpha" in repr(found) and "PopulationSearchCV" in found._repr_html_()
    assert hasattr(found, "predict_proba") and not hasattr(search({"fit_intercept": [True]}, Ridge()), "predict_proba")
    names = set(RandomizedSearchCV(TINY, {}).get_params(deep=False))
    assert set(found.get_params(deep=False)) == names | {"sampler"}
    with pytest.raises(NotFittedError):
        found.predict(X)
    fitted = found.set_params(estimator__max_iter=2).fit(X, Y)
    assert fitted.best_estimator_.max_iter == 2 and fitted.classes_.tolist() == [0, 1] and fitted.n_features_in_ == 4
    assert fitted.score(X, Y) == accuracy_score(Y, fitted.predict(X))
    assert set(vars(fitted)) == set(vars(RandomizedSearchCV(TINY, {"alpha": [0.1, 1.0]}, n_iter=2, cv=2).fit(X, Y))) | {
        "sampler"
    }


def test_metadata_reaches_the_estimator_and_the_score():
    weights = np.linspace(0, 1, len(Y))
    with config_context(enable_metadata_routing=True):
        estimator = clone(TINY).set_fit_request(sample_weight=True)
        scorer = make_scorer(accuracy_score).set_score_request(sample_weight=True)
        given = {"n_iter": 2, "cv": 2, "random_state": 0, "scoring": scorer}
        ours = PopulationSearchCV(estimator, {"alpha": [0.1, 9.0]}, **given).fit(X, Y, sample_weight=weights)
        theirs = RandomizedSearchCV(estimator, {"alpha": [0.1, 9.0]}, **given).fit(X, Y, sample_weight=weights)
    assert np.array_equal(ours.cv_results_["mean_test_score"], theirs.cv_results_["mean_test_score"])


class Watcher(BaseEstimator):
    """An estimator that tells in which threads and settings it was trained."""

    def __init__(self, number=0, jobs=None):
        self.number, self.jobs = number, jobs

    def fit(self, X, y=None):
        def double(value):
            return 2 * value

        self.found_ = joblib.Parallel(n_jobs=self.jobs)(joblib.delayed(double)(value) for value in range(3))
        return self

    def score(self, X, y=None):
        return float(sum(self.found_) + self.number)


def test_estimators_that_ask_joblib_for_workers_themselves():
    found = search({"number": [1, 2, 3]}, Watcher(jobs=2)).fit(X, Y)
    assert found.best_score_ == 9.0 and found.best_estimator_.found_ == [0, 2, 4]
    with joblib.parallel_config(backend="threading", n_jobs=3):
        assert search({"number": [1, 2, 3]}, Watcher(), n_jobs=None).fit(X, Y).best_params_ == {"number": 3}


def test_verbose_and_pre_dispatch(capsys):
    search({"alpha": [0.1, 1.0, 2.0]}, verbose=3, pre_dispatch="n_jobs", refit=False).fit(X, Y)
    told = capsys.readouterr().out
    assert told.startswith("Fitting 2 folds for each of 3 candidates") and told.count("[CV 1/2] END") == 3


def test_texts_distributions_and_spaces_say_the_same():
    texts = {"alpha": "log_uniform(1e-3, 1)", "dropout": "uniform(0, 0.5) if hidden_layer_sizes != []"}
    texts["hidden_layer_sizes"] = "choice([], [3])"
    objects = {**texts, "alpha": log_uniform(1e-3, 1), "dropout": (uniform(0, 0.5), "if hidden_layer_sizes != []")}
    found = [search(space, n_iter=9, refit=False).fit(X, Y).cv_results_ for space in (texts, objects, Space(texts))]
    assert found[0]["params"] == found[1]["params"] == found[2]["params"]
    assert all(("dropout" in each) == (each["hidden_layer_sizes"] != ()) for each in found[0]["params"])
    assert all(1e-3 <= each["alpha"] <= 1 for each in found[0]["params"])
    assert found[0]["param_dropout"].mask.any() and not found[0]["param_dropout"].mask.all()
    again = search(texts, n_iter=12, refit=False).fit(X, Y).cv_results_["params"]
    assert again[:9] == found[0]["params"]


def test_forms_of_both_in_one_mapping():
    space = {"alpha": "log_uniform(1e-3, 1)", "hidden_layer_sizes": [(3,), (2, 2)], "max_iter": randint(1, 4)}
    space |= {"learning_rate_init": loguniform(1e-3, 1e-1), "batch_size": np.array([8, 16]), "callbacks": [(), [print]]}
    space["callbacks"] = [(), ()]
    found = search(space, n_iter=30, refit=False).fit(X, Y).cv_results_["params"]
    assert {each["max_iter"] for each in found} == {1, 2, 3} and {type(each["max_iter"]) for each in found} == {int}
    assert {each["hidden_layer_sizes"] for each in found} == {(3,), (2, 2)}
    assert all(1e-3 <= each["learning_rate_init"] <= 1e-1 for each in found)
    several = [{"alpha": "uniform(0, 1)"}, {"solver": ["sgd", "adam"]}]
    found = search(several, n_iter=12, refit=False).fit(X, Y).cv_results_["params"]
    assert {each.get("solver") for each in found} == {"sgd", "adam", None} and len(found) == 12


def test_a_finite_space_is_used_up_once():
    with pytest.warns(UserWarning, match="total space of parameters 3 is smaller than n_iter=8. Running 3"):
        found = search({"alpha": "choice(0.1, 1, 2)"}, n_iter=8, refit=False).fit(X, Y).cv_results_["params"]
    assert sorted(each["alpha"] for each in found) == [0.1, 1, 2]
    with pytest.warns(UserWarning, match="total space of parameters 3 is smaller than n_iter=8. Running 3"):
        search({"alpha": [0.1, 1, 2]}, n_iter=8, refit=False).fit(X, Y)


def test_a_grid_and_a_sampler_that_learns():
    found = search({"alpha": [0.1, 1.0], "dropout": "uniform(0, 0.5)"}, sampler="grid", refit=False).fit(X, Y)
    wanted = [{"alpha": alpha, "dropout": dropout} for alpha in (0.1, 1.0) for dropout in (0.0, 0.25, 0.5)]
    assert found.cv_results_["params"] == wanted
    space = {"number": "uniform(0, 1)", "jobs": "choice(1)"}
    learned = search(space, Watcher(), sampler="tpe", n_iter=48, n_jobs=1).fit(X, Y)
    again = search(space, Watcher(), sampler="tpe", n_iter=48, n_jobs=3).fit(X, Y)
    numbers = [each["number"] for each in learned.cv_results_["params"]]
    assert np.mean(numbers[24:]) > np.mean(numbers[:16]) + 0.1 and max(numbers) > 0.95
    assert again.cv_results_["params"] == learned.cv_results_["params"]
    assert len(learned.cv_results_["mean_test_score"]) == 48


@pytest.mark.parametrize(
    ("space", "more", "told"),
    [
        ({"alhpa": [1.0]}, {}, "Invalid parameter 'alhpa' for estimator MLPClassifier. Did you mean 'alpha'"),
        ({"net__alpha": [1.0]}, {}, "Invalid parameter 'net__alpha'"),
        (Space({"optimizer.rate": "uniform(0, 1)"}), {}, "Invalid parameter 'optimizer.rate'"),
        ({"alpha": []}, {}, "param_distributions, alpha: a parameter has no values"),
        ([], {}, "the search space is empty"),
        ({"alpha": "unform(0, 1)"}, {}, "no distribution unform. Did you mean 'uniform'"),
        ({"alpha": "uniform(1, 0)"}, {}, "alpha"),
        ({"alpha": "uniform(0, 1) if slover == sgd"}, {}, "slover"),
        ({"alpha": [1.0]}, {"sampler": "tpes"}, "no sampler is called 'tpes'. Did you mean 'tpe'"),
        ({"alpha": [1.0]}, {"sampler": "tpe", "scoring": ["accuracy", "f1"], "refit": False}, "needs one score"),
        ([{"alpha": [1.0]}, {"l1": [1.0]}], {"sampler": "tpe"}, "takes one mapping"),
        ({"alpha": "uniform(0, 1)", "l1": "integer(1, 1000000)"}, {"sampler": "grid"}, "too large a grid"),
        ({"alpha": "uniform(0, 1) if max_iter > 2", "max_iter": randint(1, 5)}, {}, "values have no text"),
        ({"alpha": [1.0]}, {"n_jobs": 0}, "n_jobs == 0"),
        ({"alpha": [1.0]}, {"n_iter": 0}, "n_iter"),
        ({"alpha": [1.0]}, {"scoring": ["accuracy", "f1"]}, "refit"),
        ({"alpha": [-1.0]}, {"error_score": "raise"}, r"alpha: out of range: got -1.0"),
        (7, {}, "param_distributions"),
    ],
)
def test_what_is_wrong_is_told(space, more, told):
    with warnings.catch_warnings(), pytest.raises((ValueError, TypeError), match=told):
        warnings.simplefilter("ignore")
        search(space, **more).fit(X, Y)


def test_other_mistakes():
    with pytest.raises(TypeError, match="a list is a mapping"):
        search([3]).fit(X, Y)
    with pytest.raises(ValueError, match=r"'estimator' parameter .* must be an object implementing 'fit'"):
        search({"alpha": [1.0]}, "no estimator").fit(X, Y)
    with pytest.raises(pl.UsageError, match="without quantiles"):
        search({"alpha": type("Drawn", (), {"rvs": lambda self, random_state: 1.0})()}, sampler="tpe").fit(X, Y)
    steps = Pipeline([("net", TINY)])
    found = search({"net": [TINY, LogisticRegression()], "net__tol": [1e-3]}, steps).fit(X, Y)
    assert len(found.cv_results_["params"]) == 2
    with pytest.raises(pl.UsageError, match="Did you mean 'net__alpha'"):
        search({"net__alhpa": [1.0]}, steps).fit(X, Y)
