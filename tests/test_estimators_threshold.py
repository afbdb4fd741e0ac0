"""The decision threshold of two classes: chosen for a metric or a cost, as trying every one would choose it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import make_classification

import pellucid as pl
from pellucid.estimators import MLPClassifier
from pellucid.estimators.thresholds import choose_threshold

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def rates(said: np.ndarray, truth: np.ndarray, weight: np.ndarray) -> tuple[float, float, float, float]:
    """How much weighs what is rightly and wrongly said to be true, and rightly and wrongly to be false."""
    pairs = ((True, 1.0), (True, 0.0), (False, 0.0), (False, 1.0))
    return tuple(float(weight[(said == guess) & (truth == real)].sum()) for guess, real in pairs)  # type: ignore


def accuracy(true_positive: float, false_positive: float, true_negative: float, false_negative: float) -> float:
    return (true_positive + true_negative) / (true_positive + false_positive + true_negative + false_negative)


def balanced(true_positive: float, false_positive: float, true_negative: float, false_negative: float) -> float:
    recall = true_positive / (true_positive + false_negative)
    return (recall + true_negative / (true_negative + false_positive)) / 2


def f1(true_positive: float, false_positive: float, true_negative: float, false_negative: float) -> float:
    whole = 2 * true_positive + false_positive + false_negative
    return 2 * true_positive / whole if whole else 0.0


SCORES = {"accuracy": accuracy, "balanced_accuracy": balanced, "f1": f1}
ROWS = st.lists(st.tuples(st.integers(0, 20), st.booleans(), st.integers(1, 4)), min_size=4, max_size=15)


@settings(max_examples=30)
@given(ROWS, st.sampled_from(sorted(SCORES)))
def test_no_threshold_is_better_for_the_metric(rows: list[tuple[int, bool, int]], name: str) -> None:
    share, truth, weight = (np.array(column, float) for column in zip(*rows, strict=True))
    probability = (share + 0.5) / 22
    if truth.min() == truth.max():
        return

    def score(threshold: float) -> float:
        return SCORES[name](*rates(probability > threshold, truth, weight))

    found = choose_threshold(name, probability, truth, weight)
    assert score(found) >= max(score(threshold) for threshold in np.linspace(0.0, 1.0, 45)) - 1e-9


@settings(max_examples=30)
@given(ROWS, st.floats(0.1, 10.0), st.floats(0.1, 10.0))
def test_no_threshold_costs_less(rows: list[tuple[int, bool, int]], positive: float, negative: float) -> None:
    share, truth, weight = (np.array(column, float) for column in zip(*rows, strict=True))
    probability = (share + 0.5) / 22
    costs = {"false_positive": positive, "false_negative": negative}
    found = choose_threshold(costs, probability, truth, weight)

    def cost(threshold: float) -> float:
        said = probability > threshold
        return float(weight @ (positive * (said & (truth == 0)) + negative * (~said & (truth == 1))))

    assert cost(found) <= min(map(cost, np.linspace(0.0, 1.0, 43))) + 1e-9


def rare() -> tuple[np.ndarray, np.ndarray]:
    return make_classification(600, 6, weights=[0.88], flip_y=0.05, random_state=2)


QUICK: dict[str, Any] = {"hidden_layer_sizes": (8,), "max_iter": 40, "learning_rate_init": 0.01, "random_state": 0}


def test_costs_move_the_threshold() -> None:
    x, y = rare()
    held, learned = slice(0, 200), slice(200, None)
    found = {}
    for negative in (1.0, 10.0):
        costs = {"false_positive": 1.0, "false_negative": negative}
        fitted = MLPClassifier(threshold=costs, **QUICK)
        fitted.fit(x[learned], y[learned], X_val=x[held], y_val=y[held])
        found[negative] = fitted.threshold_
        said = fitted.predict(x[held])
        missed, wrong = ((said == 0) & (y[held] == 1)).sum(), ((said == 1) & (y[held] == 0)).sum()
        p = fitted.predict_proba(x[held])[:, 1]
        for other in np.linspace(0.01, 0.99, 99):
            guess = p > other
            cost = negative * (~guess & (y[held] == 1)).sum() + (guess & (y[held] == 0)).sum()
            assert missed * negative + wrong <= cost + 1e-9
    assert found[10.0] < found[1.0]


def test_the_metric_that_training_is_judged_by_chooses_the_threshold_too() -> None:
    x, y = rare()
    assert [MLPClassifier(metric=name, **QUICK).fit(x, y).threshold_ for name in ("loss", "auc")] == [0.5, 0.5]
    chosen = [
        MLPClassifier(metric="balanced_accuracy", threshold=given, **QUICK).fit(x, y).threshold_
        for given in ("auto", "balanced_accuracy")
    ]
    assert chosen[0] == chosen[1] != 0.5
    assert MLPClassifier(threshold=0.3, **QUICK).fit(x, y).threshold_ == 0.3


def test_the_threshold_decides_what_is_predicted() -> None:
    x, y = rare()
    labels = np.array(["rare", "usual"])[1 - y]
    fitted = MLPClassifier(threshold=0.9, **QUICK).fit(x, labels)
    second = fitted.predict_proba(x)[:, 1] > 0.9
    np.testing.assert_array_equal(fitted.predict(x), np.array(["rare", "usual"])[second.astype(int)])
    assert MLPClassifier(**QUICK).fit(x, np.arange(len(y)) % 3).threshold_ is None


def test_the_saved_model_has_the_threshold(tmp_path: Any) -> None:
    x, y = rare()
    fitted = MLPClassifier(threshold=0.9, **QUICK).fit(x, y)
    fitted.save(tmp_path / "model")
    for model in (fitted.model_, pl.load_model(tmp_path / "model")):
        np.testing.assert_array_equal(model.predict(x)["y"], fitted.predict(x))
    scores = MLPClassifier(threshold=0.7, loss="hinge", **QUICK).fit(x, y)
    np.testing.assert_array_equal(scores.model_.predict(x)["y"], scores.predict(x))


@pytest.mark.parametrize(
    ("threshold", "told"),
    [
        (1.5, "threshold: out of range"),
        ("auc", "a threshold can not be chosen for 'auc'"),
        ({"false_negatives": 2.0}, "Did you mean 'false_negative'"),
        ({"false_positive": -1.0}, "costs of mistakes are out of range"),
    ],
)
def test_bad_thresholds_are_told(threshold: Any, told: str) -> None:
    x, y = rare()
    with pytest.raises(ValueError, match=told):
        MLPClassifier(threshold=threshold).fit(x, y)
