"""The estimators among scikit-learn's tools: pipelines, searches, validation, pickles, metadata, output, display."""

from __future__ import annotations

import copy
import pickle
import warnings
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn import config_context
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_diabetes, load_wine
from sklearn.exceptions import NotFittedError
from sklearn.inspection import permutation_importance
from sklearn.model_selection import (
    GridSearchCV,
    RandomizedSearchCV,
    cross_val_predict,
    cross_validate,
    learning_curve,
)
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import pellucid as pl
from pellucid.estimators import Autoencoder, MLPClassifier, MLPRegressor, Perceptron

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

QUICK: dict[str, Any] = {"max_iter": 15, "learning_rate_init": 0.02, "random_state": 0}
ALL = [
    MLPClassifier((8,), **QUICK),
    MLPRegressor((8,), **QUICK),
    Perceptron(max_iter=5),
    Autoencoder(2, (4,), **QUICK),
]


def names(estimator: Any) -> str:
    return type(estimator).__name__


def data(estimator: Any) -> tuple[np.ndarray, np.ndarray]:
    return load_diabetes(return_X_y=True) if is_regressor(estimator) else load_wine(return_X_y=True)


def outcome(estimator: Any, x: Any) -> np.ndarray:
    return estimator.predict(x) if hasattr(estimator, "predict") else estimator.transform(x)


@pytest.mark.parametrize("estimator", ALL, ids=names)
def test_a_copy_predicts_the_same_and_can_go_on(estimator: Any, tmp_path: Path) -> None:
    x, y = data(estimator)
    fitted = clone(estimator).fit(x, y)
    first = outcome(fitted, x)
    joblib.dump(fitted, tmp_path / "estimator.joblib")
    copies = [pickle.loads(pickle.dumps(fitted)), copy.deepcopy(fitted), joblib.load(tmp_path / "estimator.joblib")]
    following = outcome(copy.deepcopy(fitted).partial_fit(x, y), x)
    for found in copies:
        np.testing.assert_array_equal(outcome(found, x), first)
        np.testing.assert_array_equal(outcome(found.partial_fit(x, y), x), following)
        assert found.get_params() == fitted.get_params()
    assert len(pickle.dumps(fitted)) < 100_000


@pytest.mark.parametrize("estimator", ALL, ids=names)
def test_the_same_seed_gives_the_same_bits_and_params_survive(estimator: Any) -> None:
    x, y = data(estimator)
    first, second = clone(estimator).fit(x, y), clone(estimator).fit(x, y)
    np.testing.assert_array_equal(outcome(first, x), outcome(second, x))
    assert clone(first).get_params() == estimator.get_params()
    assert not hasattr(clone(first), "model_")
    with pytest.raises(NotFittedError):
        outcome(clone(first), x)
    state = np.random.RandomState(3)
    other = clone(estimator).set_params(random_state=state)
    assert (outcome(clone(other).fit(x, y), x) == outcome(clone(other).fit(x, y), x)).all()


@pytest.mark.parametrize("estimator", ALL, ids=names)
def test_a_saved_model_predicts_what_the_estimator_does(estimator: Any, tmp_path: Path) -> None:
    x, y = data(estimator)
    fitted = clone(estimator).fit(x, y)
    fitted.save(tmp_path / "model")
    model = pl.load_model(tmp_path / "model")
    for name, array in fitted.model_.compute(x).items():
        np.testing.assert_array_equal(model.compute(x)[name], array)
    if hasattr(fitted, "predict"):
        np.testing.assert_array_equal(model.predict(x)["y"], fitted.predict(x))
    with pytest.raises(NotFittedError):
        clone(estimator).save(tmp_path / "other")


@pytest.mark.parametrize("estimator", ALL, ids=names)
def test_arrays_of_the_model_can_be_seen_and_not_written(estimator: Any) -> None:
    x, y = data(estimator)
    fitted = clone(estimator).fit(x, y)
    arrays = [fitted.coef_] if isinstance(fitted, Perceptron) else fitted.coefs_
    assert all(any(np.shares_memory(array, own) for own in fitted.model_.arrays.values()) for array in arrays)
    with pytest.raises(ValueError, match="read-only"):
        arrays[0][0, 0] = 1.0


def test_in_pipelines_and_searches() -> None:
    x, y = load_wine(return_X_y=True)
    pipeline = make_pipeline(StandardScaler(), Autoencoder(4, (8,), **QUICK), MLPClassifier((8,), **QUICK))
    assert pipeline.fit(x, y).score(x, y) > 0.8
    grid = GridSearchCV(
        MLPClassifier((4,), **QUICK), {"hidden_layer_sizes": [(), (8,)], "dropout": [0.0, 0.2]}, cv=2, n_jobs=2
    ).fit(x, y)
    assert grid.best_score_ > 0.85
    assert grid.predict(x).shape == y.shape
    random = RandomizedSearchCV(
        MLPRegressor((4,), **QUICK), {"alpha": stats.loguniform(1e-4, 1)}, n_iter=2, cv=2, random_state=0
    ).fit(x, y)
    assert 1e-4 < random.best_params_["alpha"] < 1


def test_in_validation_curves_and_meta_estimators() -> None:
    x, y = load_wine(return_X_y=True)
    classifier = MLPClassifier((8,), **QUICK)
    probabilities = cross_val_predict(classifier, x, y, cv=3, method="predict_proba")
    assert (probabilities.argmax(axis=1) == y).mean() > 0.85
    found = cross_validate(classifier, x, y, cv=2, scoring=["accuracy", "neg_log_loss"])
    assert found["test_accuracy"].mean() > 0.85
    assert learning_curve(classifier, x, y, cv=2, train_sizes=[0.5, 1.0])[2].shape == (2, 2)
    assert CalibratedClassifierCV(classifier, cv=2).fit(x, y).score(x, y) > 0.85
    assert MultiOutputClassifier(classifier).fit(x, np.column_stack([y, y % 2])).predict(x).shape == (len(y), 2)
    logarithm = TransformedTargetRegressor(MLPRegressor((8,), **QUICK), func=np.log, inverse_func=np.exp)
    assert (logarithm.fit(x, y + 1.0).predict(x) > 0).all()
    importance = permutation_importance(classifier.fit(x, y), x, y, n_repeats=2, random_state=0)
    assert importance.importances_mean.shape == (13,)


def test_tags_say_what_they_take() -> None:
    classifier, regressor, perceptron, autoencoder = (estimator.__sklearn_tags__() for estimator in ALL)
    assert is_classifier(ALL[0]) and is_regressor(ALL[1]) and is_classifier(ALL[2])
    assert classifier.classifier_tags.multi_label and not perceptron.classifier_tags.multi_label
    assert regressor.target_tags.multi_output
    assert all(tags.input_tags.sparse for tags in (classifier, regressor, perceptron, autoencoder))
    assert all(tags.input_tags.allow_nan for tags in (classifier, regressor, perceptron, autoencoder))


def test_metadata_are_routed() -> None:
    x, y = load_wine(return_X_y=True)
    weights = np.random.default_rng(0).uniform(0.5, 2.0, len(y))
    with config_context(enable_metadata_routing=True):
        asked = MLPClassifier((8,), **QUICK).set_fit_request(sample_weight=True, X_val=True, y_val=True)
        pipeline = make_pipeline(asked).fit(x, y, sample_weight=weights, X_val=x[:20], y_val=y[:20])
    direct = MLPClassifier((8,), **QUICK).fit(x, y, sample_weight=weights, X_val=x[:20], y_val=y[:20])
    np.testing.assert_array_equal(pipeline.predict_proba(x), direct.predict_proba(x))


def test_output_frames_and_display() -> None:
    x, y = load_wine(return_X_y=True, as_frame=True)
    autoencoder = Autoencoder(2, (4,), **QUICK).set_output(transform="pandas").fit(x)
    assert isinstance(autoencoder.transform(x), pd.DataFrame)
    assert autoencoder.set_output(transform="polars").transform(x).shape == (len(y), 2)
    for estimator in ALL:
        assert type(estimator).__name__ in estimator._repr_html_()
    assert repr(MLPClassifier((8,), alpha=0.5)) == "MLPClassifier(alpha=0.5, hidden_layer_sizes=(8,))"


def test_threads_of_joblib_fit_at_once() -> None:
    x, y = load_wine(return_X_y=True)
    alone = [MLPClassifier((4,), max_iter=5, random_state=seed).fit(x, y).coefs_[0] for seed in range(3)]
    together = joblib.Parallel(n_jobs=2, prefer="threads")(
        joblib.delayed(MLPClassifier((4,), max_iter=5, random_state=seed).fit)(x, y) for seed in range(3)
    )
    for mine, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(mine, other.coefs_[0])


def test_labels_may_be_words_truth_values_or_any_numbers() -> None:
    x, y = load_wine(return_X_y=True)
    for classes in (np.array(["a", "b", "c"]), np.array([-5, 7, 100]), np.array([-1.0, 1.0, 2.0])):
        fitted = MLPClassifier((8,), **QUICK).fit(x, classes[y])
        np.testing.assert_array_equal(fitted.classes_, classes)
        assert set(fitted.predict(x)) <= set(classes)
        assert fitted.score(x, classes[y]) > 0.85
    truth = MLPClassifier((8,), **QUICK).fit(x, y == 1)
    assert truth.predict(x).dtype == bool
    words = MLPClassifier((8,), **QUICK).fit(x, pd.Categorical.from_codes(y, ["low", "mid", "high"]))
    assert set(words.predict(x)) <= {"low", "mid", "high"}


def test_nothing_is_warned_of_where_nothing_is_wrong() -> None:
    x, y = load_wine(return_X_y=True, as_frame=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted = MLPClassifier((16,), random_state=0, n_iter_no_change=5, learning_rate_init=0.02, tol=0.01).fit(x, y)
        fitted.predict(x)
        fitted.predict_proba(x)
