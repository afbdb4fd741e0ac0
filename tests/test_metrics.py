"""Metrics against scikit-learn's, weighted and not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk

import pellucid as pl
from pellucid.errors import UsageError
from pellucid.training.metrics import METRICS, metric, metrics_for, predicted_classes


def draw(seed, count=60, classes=3):
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.ones(classes), count)
    y = np.r_[np.arange(classes), rng.integers(0, classes, count - classes)]
    return p, y, rng.uniform(0.1, 2, count)


@given(seed=st.integers(0, 10**6))
def test_classification_metrics_agree(seed):
    p, y, w = draw(seed)
    guess = p.argmax(1)
    assert metric("accuracy").compute(p, y, w) == pytest.approx(sk.accuracy_score(y, guess, sample_weight=w))
    assert metric("log_loss").compute(p, y, w) == pytest.approx(sk.log_loss(y, p, sample_weight=w))
    expected = sk.balanced_accuracy_score(y, guess, sample_weight=w)
    assert metric("balanced_accuracy").compute(p, y, w) == pytest.approx(expected)


@given(seed=st.integers(0, 10**6))
def test_binary_metrics_agree_also_with_ties(seed):
    p, y, w = draw(seed, classes=2)
    score, target = np.round(p[:, 1:], 1), y[:, None].astype(float)
    assert metric("auc").compute(score, target, w) == pytest.approx(sk.roc_auc_score(y, score[:, 0], sample_weight=w))
    safe = np.clip(score, 0.05, 0.95)
    assert metric("log_loss").compute(safe, target, w) == pytest.approx(sk.log_loss(y, safe[:, 0], sample_weight=w))
    assert np.array_equal(predicted_classes(score), (score[:, 0] > 0.5).astype(int))


@given(seed=st.integers(0, 10**6), classes=st.integers(2, 5))
def test_what_is_found_of_each_class_agrees(seed, classes):
    p, y, w = draw(seed, classes=classes)
    if classes > 2:
        p = np.c_[p, np.zeros(len(p))]  # a class that is neither there nor found does not count
    average = "binary" if classes == 2 else "macro"
    for name, expected in (("f1", sk.f1_score), ("precision", sk.precision_score), ("recall", sk.recall_score)):
        oracle = expected(y, p.argmax(1), sample_weight=w, average=average, zero_division=0)
        assert metric(name).compute(p, y, w) == pytest.approx(oracle)
        if classes == 2:
            assert metric(name).compute(p[:, 1:], y[:, None], w) == pytest.approx(oracle)


def test_what_is_never_found_has_an_f1_of_0():
    p, y, w = np.full((4, 1), 0.1), np.array([0.0, 1, 0, 1]), np.ones(4)
    assert [metric(name).compute(p, y, w) for name in ("f1", "precision", "recall")] == [0, 0, 0]


@given(seed=st.integers(0, 10**6))
def test_average_precision_agrees_also_with_ties(seed):
    p, y, w = draw(seed, classes=2)
    score = np.round(p[:, 1:], 1)
    expected = sk.average_precision_score(y, score[:, 0], sample_weight=w)
    assert metric("average_precision").compute(score, y[:, None].astype(float), w) == pytest.approx(expected)


@given(seed=st.integers(0, 10**6), count=st.integers(1, 40), outputs=st.integers(1, 3), weighted=st.booleans())
def test_median_absolute_error_agrees(seed, count, outputs, weighted):
    rng = np.random.default_rng(seed)
    p, t = rng.standard_normal((count, outputs)), rng.standard_normal((count, outputs))
    w = rng.integers(1, 4, count).astype(float) if weighted else np.ones(count)
    # An example of weight 3 counts as three examples.
    expected = np.mean(np.median(np.repeat(np.abs(p - t), w.astype(int), axis=0), axis=0))
    assert metric("median_absolute_error").compute(p, t, w) == pytest.approx(expected)
    assert metric("median_absolute_error").compute(p, t, w) == pytest.approx(
        sk.median_absolute_error(t, p, sample_weight=w)
    )


@given(seed=st.integers(0, 10**6), outputs=st.integers(1, 3))
def test_regression_metrics_agree(seed, outputs):
    rng = np.random.default_rng(seed)
    p, t, w = rng.standard_normal((40, outputs)), rng.standard_normal((40, outputs)), rng.uniform(0.1, 2, 40)
    mean_square = sk.mean_squared_error(t, p, sample_weight=w)
    assert metric("rmse").compute(p, t, w) == pytest.approx(np.sqrt(mean_square))
    assert metric("mae").compute(p, t, w) == pytest.approx(sk.mean_absolute_error(t, p, sample_weight=w))
    assert metric("r2").compute(p, t, w) == pytest.approx(sk.r2_score(t, p, sample_weight=w))


def test_multilabel_metrics_agree():
    rng = np.random.default_rng(0)
    p, t, w = rng.random((50, 4)), (rng.random((50, 4)) < 0.5).astype(float), rng.uniform(0.1, 2, 50)
    assert metric("exact_match").compute(p, t, w) == pytest.approx(sk.accuracy_score(t, p > 0.5, sample_weight=w))
    expected = 1 - np.average((t != (p > 0.5)).mean(1), weights=w)
    assert metric("label_accuracy").compute(p, t, w) == pytest.approx(expected)
    each = [sk.log_loss(t[:, k], p[:, k], sample_weight=w) for k in range(4)]
    assert metric("log_loss").compute(p, t, w) == pytest.approx(sum(each))
    assert metric("f1").compute(p, t, w) == pytest.approx(sk.f1_score(t, p > 0.5, sample_weight=w, average="macro"))


def test_better_and_worse():
    accuracy, rmse = metric("accuracy"), metric("rmse")
    assert accuracy.is_better(0.9, 0.8) and not accuracy.is_better(0.8, 0.9) and not accuracy.is_better(0.9, 0.9)
    assert rmse.is_better(1.0, 2.0) and not rmse.is_better(1.9, 2.0, by=0.2)
    assert not rmse.is_better(float("nan"), 2.0) and rmse.is_better(2.0, float("nan"))


def test_reports_stay_short():
    listed = {task: [found.name for found in metrics_for(task) if found.listed] for task in ("binary", "regression")}
    assert listed["regression"] == ["rmse", "mae", "r2", "loss"]
    assert listed["binary"] == ["accuracy", "log_loss", "balanced_accuracy", "auc", "loss"]
    names = {found.name for found in metrics_for("binary")}
    assert {"f1", "precision", "recall", "average_precision"} < names


def test_names_and_tasks():
    assert next(found.name for found in metrics_for("regression")) == "rmse"
    assert all(found.doc and found.tasks for found in METRICS.values())
    with pytest.raises(UsageError, match="Did you mean 'accuracy'"):
        metric("acuracy")


def test_of_shares_of_classes_metrics_take_the_largest_for_the_truth():
    random = np.random.default_rng(0)
    x, shares = random.normal(size=(60, 3)), random.dirichlet(np.ones(4), 60)
    network = pl.Network([pl.Dense(4)], inputs=3)
    soft = pl.losses.SoftmaxCrossEntropy(soft_targets=True)
    data = pl.Dataset({"x": x}, shares)
    fitted = pl.fit(network, data, loss=soft, validation=data, epochs=3)
    probability = fitted.predict(x)
    truth = shares.argmax(axis=1)
    told, last = fitted.evaluate(data), fitted.history[fitted.best_epoch - 1]
    assert told["accuracy"] == np.mean(probability.argmax(axis=1) == truth) == last["validation_accuracy"]
    assert told["log_loss"] == pytest.approx(-np.log(probability[np.arange(60), truth]).mean(), rel=1e-5)
    assert told["loss"] == pytest.approx(-np.sum(shares * np.log(probability), axis=1).mean(), rel=1e-5)
