"""Estimators that go on learning, and the labels, weights and columns that they are given."""

from __future__ import annotations

import copy
import warnings
from typing import Any

import numpy as np
import pandas as pd
import polars as pl_frames
import pytest
from sklearn.datasets import load_iris

import pellucid as pl
from pellucid.estimators import MLPClassifier, Perceptron

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

QUICK: dict[str, Any] = {"hidden_layer_sizes": (8,), "max_iter": 10, "learning_rate_init": 0.02, "random_state": 0}


def iris() -> tuple[np.ndarray, np.ndarray]:
    return load_iris(return_X_y=True)


# -- going on ----------------------------------------------------------------------------------------------------------


def test_curves_of_the_held_out_part_grow_with_a_warm_start() -> None:
    x, y = iris()
    found = MLPClassifier(**{**QUICK, "max_iter": 3}, warm_start=True)
    first = list(found.fit(x, y).validation_loss_curve_)
    found.fit(x, y)
    assert found.validation_loss_curve_[:3] == first
    assert len(found.loss_curve_) == len(found.validation_loss_curve_) == len(found.validation_scores_) == 6
    assert found.best_validation_score_ == max(found.validation_scores_)
    assert len(found.set_params(warm_start=False).fit(x, y).validation_loss_curve_) == 3


@pytest.mark.parametrize(
    "changed",
    [{"alpha": 5.0}, {"learning_rate_init": 0.3}, {"dropout": 0.6}, {"clip_norm": 1e-3}, {"solver": "sgd"}],
)
def test_parameters_set_between_two_calls_of_partial_fit_hold_for_a_copy_and_the_original(changed: Any) -> None:
    x, y = iris()
    found = MLPClassifier(**QUICK).partial_fit(x, y)
    copied, unchanged = copy.deepcopy(found), copy.deepcopy(found).partial_fit(x, y)
    for each in (found, copied):
        each.set_params(**changed).partial_fit(x, y)
    np.testing.assert_array_equal(found.coefs_[0], copied.coefs_[0])
    assert (found.coefs_[0] != unchanged.coefs_[0]).any()


@pytest.mark.parametrize("sizes", [(9,), (8, 8), ()])
def test_another_network_can_not_go_on(sizes: tuple[int, ...]) -> None:
    x, y = iris()
    found = MLPClassifier(**QUICK, warm_start=True).fit(x, y).set_params(hidden_layer_sizes=sizes)
    for go_on in (found.fit, found.partial_fit):
        with pytest.raises(ValueError, match="another network"):
            go_on(x, y)


@pytest.mark.parametrize("found", [MLPClassifier(**QUICK), Perceptron()])
def test_classes_can_not_change_between_two_calls_of_partial_fit(found: Any) -> None:
    x, y = iris()
    found.partial_fit(x, y, classes=[0, 1, 2]).partial_fit(x, y, classes=[2, 0, 1])
    with pytest.raises(ValueError, match="not the same classes as before"):
        found.partial_fit(x, y, classes=[0, 1])


# -- labels and weights ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("found", [MLPClassifier(**QUICK), Perceptron()])
def test_a_class_without_weight_stays_a_class(found: Any) -> None:
    x, y = iris()
    found.fit(x, y, sample_weight=(y != 1).astype(float))
    assert found.classes_.tolist() == [0, 1, 2] and found.decision_function(x).shape == (150, 3)
    assert set(found.predict(x)) == {0, 2}


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (["a", None, "b"] * 50, r"y, row 1: a label is missing"),
        (np.array(["a", 1, "b"] * 50, object), r"y, row 1: labels are words and others: got 'a' and 1"),
        (pd.Series([True, None, False] * 50), r"y, row 1: a label is missing"),
    ],
)
def test_labels_that_are_missing_or_mixed_are_told_of(values: Any, told: str) -> None:
    for found in (MLPClassifier(**QUICK), Perceptron()):
        with pytest.raises(ValueError, match=told):
            found.fit(iris()[0], values)


def test_truth_values_may_be_of_dtype_object() -> None:
    x, y = iris()
    found = MLPClassifier(**QUICK).fit(x, (y == 0).astype(object))
    assert found.classes_.tolist() == [False, True] and found.predict(x).dtype == bool


def test_smoothing_is_for_every_cross_entropy_and_no_other_loss() -> None:
    x, y = iris()
    settings = {**QUICK, "label_smoothing": 0.2}
    usual = MLPClassifier(**settings).fit(x, y).predict_proba(x)
    for loss in ("softmax_cross_entropy", pl.losses.SoftmaxCrossEntropy()):
        np.testing.assert_array_equal(MLPClassifier(**settings, loss=loss).fit(x, y).predict_proba(x), usual)
    for loss, target in (("multiclass_hinge", y), ("hinge", y == 1)):
        with pytest.raises(ValueError, match="only a cross-entropy"):
            MLPClassifier(**settings, loss=loss).fit(x, target)


@pytest.mark.parametrize("threshold", [0.3, "f1", {"false_negative": 5.0}])
def test_a_threshold_is_for_two_classes(threshold: Any) -> None:
    x, y = iris()
    for target in (y, np.eye(3, dtype=int)[y]):
        with pytest.raises(ValueError, match="two classes"):
            MLPClassifier(**QUICK, threshold=threshold).fit(x, target)


# -- columns -----------------------------------------------------------------------------------------------------------


def test_a_column_that_names_the_rows_is_left_out_and_said_so() -> None:
    x, y = iris()
    frame = pd.DataFrame(x, columns=list("abcd"))
    named = frame.assign(name=[f"flower{row}" for row in range(150)])
    with pytest.warns(UserWarning, match=r"column 'name' is left out: text that differs in every row"):
        found = MLPClassifier(**QUICK).fit(named, y)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "column")
        without = MLPClassifier(**QUICK).fit(frame, y)
    assert found.model_.encoding.features == without.model_.encoding.features


def test_lazy_frames_are_refused_with_what_to_do() -> None:
    x, y = iris()
    with pytest.raises(ValueError, match=r"lazy frame.*collect"):
        MLPClassifier(**QUICK).fit(pl_frames.DataFrame(x).lazy(), y)
