"""The report: metrics and their intervals against other libraries and theory, what it says, and how it is laid out."""

import json
import math
import re
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from scipy import stats
from sklearn import metrics as oracle

from pellucid.data.targets import TargetEncoding
from pellucid.errors import UsageError
from pellucid.training.metrics import METRICS, declare_mean, metric, metrics_for
from pellucid.workflow.reports import intervals
from pellucid.workflow.reports.intervals import Bootstrap, Sums, percentiles, wilson_interval
from pellucid.workflow.reports.layout import as_text
from pellucid.workflow.reports.report import build_report
from pellucid.workflow.reports.report_parts import Comparison
from pellucid.workflow.reports.statistics import statistic_of
from pellucid.workflow.reports.view_report import tell_comparison, view_report

BINARY = TargetEncoding("binary", ("y",), ("no", "yes"), {})
NUMBERS = TargetEncoding("regression", ("price",), (), {})
COLORS = TargetEncoding("multiclass", ("color",), ("blue", "green", "red"), {})
LABELS = TargetEncoding("multilabel", ("hot", "wet", "new"), (0, 1), {})


def guesses(task, rows, seed=0, classes=3):
    """Predictions that know something of the truth, with ties among them; the truth; weights, some of them 0."""
    rng = np.random.default_rng(seed)
    weights = rng.choice([0.0, 0.5, 1.0, 2.5], rows)
    weights[0] = 1.0
    if task == "regression":
        truth = rng.normal(1000, 5, (rows, 1))
        return truth + rng.normal(0, 3, (rows, 1)), truth, weights
    if task == "multiclass":
        truth = rng.integers(0, classes, rows)
        p = rng.random((rows, classes)).round(1) + np.eye(classes)[truth] * 0.5 + 0.01
        return p / p.sum(axis=1, keepdims=True), truth, weights
    shape = (rows, 1 if task == "binary" else 3)
    truth = (rng.random(shape) < 0.4) * 1.0
    return np.clip(rng.random(shape).round(1) * 0.7 + truth * 0.3, 0.01, 0.99), truth, weights


# -- metrics ---------------------------------------------------------------------------------------------------------


def test_weighted_metrics_of_two_classes_are_those_of_scikit_learn():
    p, truth, weights = guesses("binary", 400)
    found = build_report(BINARY, truth, {"network": p}, seed=0, weights=weights).sections[0]
    y, hard = truth[:, 0], p[:, 0] > 0.5
    expected = {
        "accuracy": oracle.accuracy_score(y, hard, sample_weight=weights),
        "log_loss": oracle.log_loss(y, p[:, 0], sample_weight=weights),
        "balanced_accuracy": oracle.balanced_accuracy_score(y, hard, sample_weight=weights),
        "auc": oracle.roc_auc_score(y, p[:, 0], sample_weight=weights),
    }
    assert {name: by["network"].value for name, by in found.scores.items()} == pytest.approx(expected)
    for name, by in found.scores.items():
        assert by["network"].low < expected[name] < by["network"].high


@pytest.mark.parametrize("classes", [2, 5, 20])
def test_precision_and_recall_of_each_class_are_those_of_scikit_learn(classes):
    p, truth, weights = guesses("multiclass", 500, classes=classes)
    targets = TargetEncoding("multiclass", ("y",), tuple(range(classes)), {})
    found = build_report(targets, truth, {"network": p}, seed=0, weights=weights).sections[0]
    precision, recall, _, _ = oracle.precision_recall_fscore_support(truth, p.argmax(1), sample_weight=weights)
    assert [one.precision for one in found.classes] == pytest.approx(precision.tolist())
    assert [one.recall for one in found.classes] == pytest.approx(recall.tolist())
    counted = weights > 0
    assert [one.rows for one in found.classes] == np.bincount(truth[counted]).tolist()
    expected = oracle.confusion_matrix(truth[counted], p[counted].argmax(1))
    np.testing.assert_array_equal(found.confusion.counts, expected)


def test_more_than_twenty_classes_have_no_table():
    targets = TargetEncoding("multiclass", ("y",), tuple(range(21)), {})
    section = build_report(targets, np.arange(21), {"network": np.eye(21)}, seed=0).sections[0]
    assert section.classes == () and np.array_equal(section.confusion.counts, np.eye(21))
    assert section.scores["accuracy"]["network"].value == 1


def test_of_more_than_a_hundred_classes_confusions_are_not_counted():
    targets = TargetEncoding("multiclass", ("y",), tuple(range(101)), {})
    assert build_report(targets, np.arange(101), {"network": np.eye(101)}, seed=0).sections[0].confusion is None


def test_labels_are_measured_each_for_itself():
    p, truth, weights = guesses("multilabel", 300)
    found = build_report(LABELS, truth, {"network": p}, seed=0, weights=weights).sections[0].labels
    hard = p > 0.5
    precision, recall, _, _ = oracle.precision_recall_fscore_support(truth, hard, sample_weight=weights)
    assert list(found) == ["hot", "wet", "new"]
    assert [one.precision for one in found.values()] == pytest.approx(precision.tolist())
    assert [one.recall for one in found.values()] == pytest.approx(recall.tolist())
    right = np.average(hard == (truth > 0.5), axis=0, weights=weights)
    assert [one.right for one in found.values()] == pytest.approx(right.tolist())


def test_each_target_of_a_regression_is_measured_in_its_own_unit():
    targets = TargetEncoding("regression", ("a", "b"), (), {})
    truth = np.random.default_rng(1).normal(size=(80, 2)) * [1.0, 1e6]
    p = truth + np.random.default_rng(2).normal(size=(80, 2)) * [0.1, 1e5]
    report = build_report(targets, truth, {"network": p}, seed=0)
    for place, section in enumerate(report.sections):
        y, error = truth[:, place], (p - truth)[:, place]
        values = {name: by["network"].value for name, by in section.scores.items()}
        assert values["rmse"] == pytest.approx(oracle.root_mean_squared_error(y, p[:, place]))
        assert values["mae"] == pytest.approx(oracle.mean_absolute_error(y, p[:, place]))
        assert values["r2"] == pytest.approx(oracle.r2_score(y, p[:, place]))
        residuals = section.residuals
        assert (residuals.mean, residuals.deviation) == pytest.approx((error.mean(), error.std()))
        assert residuals.quartiles == pytest.approx(tuple(np.quantile(error, [0.25, 0.5, 0.75])))
        assert (residuals.minimum, residuals.maximum) == (error.min(), error.max())
    assert list(report.metrics) == ["a: rmse", "a: mae", "a: r2", "b: rmse", "b: mae", "b: r2"]


@pytest.mark.parametrize("task", ["regression", "binary", "multiclass", "multilabel"])
def test_a_whole_weight_counts_like_as_many_rows(task):
    targets = {"regression": NUMBERS, "binary": BINARY, "multiclass": COLORS, "multilabel": LABELS}[task]
    p, truth, _ = guesses(task, 120)
    counts = np.random.default_rng(5).integers(0, 4, 120)
    repeated = np.repeat(np.arange(120), counts)
    weighted = build_report(targets, truth, {"network": p}, seed=0, weights=counts.astype(float))
    longer = build_report(targets, truth[repeated], {"network": p[repeated]}, seed=0)
    assert weighted.metrics == pytest.approx(longer.metrics)
    a, b = weighted.sections[0], longer.sections[0]
    for name in ("precision", "recall"):
        assert [getattr(one, name) for one in a.classes] == pytest.approx([getattr(one, name) for one in b.classes])
    if task == "regression":
        assert (a.residuals.mean, a.residuals.deviation) == pytest.approx((b.residuals.mean, b.residuals.deviation))


def test_scores_are_no_probabilities():
    """A hinge loss gives numbers of both signs: above 0 is yes, and there is no logarithmic loss of them."""
    score, truth = np.array([[-3.0], [0.2], [5.0], [-0.1]]), np.array([[0.0], [1.0], [1.0], [1.0]])
    report = build_report(BINARY, truth, {"network": score}, seed=0, kind="score")
    assert report.metrics["accuracy"] == 0.75 and report.metrics["auc"] == 1.0
    assert "log_loss" not in report.metrics


# -- the metric that is asked for ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("task", "name"), [("binary", "auc"), ("regression", "mae"), ("binary", "f1")])
def test_the_metric_asked_for_comes_first_and_is_compared_by(task, name):
    p, truth, _ = guesses(task, 100)
    targets = BINARY if task == "binary" else NUMBERS
    report = build_report(targets, truth, {"network": p, "linear model": p[::-1]}, seed=0, metric=name)
    assert next(iter(report.sections[0].scores)) == name
    (comparison,) = report.sections[0].comparisons
    assert (comparison.metric, comparison.verdict) == (name, "better")
    assert build_report(targets, truth, {"network": p}, seed=0, metric="loss").metrics.keys() >= {
        "accuracy" if task == "binary" else "rmse"
    }


def test_a_metric_that_does_not_fit_is_refused_with_the_nearest():
    p, truth, _ = guesses("multiclass", 9)
    with pytest.raises(UsageError, match="Did you mean 'balanced_accuracy'"):
        build_report(COLORS, truth, {"network": p}, seed=0, metric="balanced_acuracy")
    with pytest.raises(UsageError, match="no metric of multiclass is called 'rmse'"):
        build_report(COLORS, truth, {"network": p}, seed=0, metric="rmse")


# -- intervals -------------------------------------------------------------------------------------------------------


@given(st.integers(1, 400), st.data())
def test_wilson_intervals_are_those_of_scipy(rows, data):
    hits = data.draw(st.integers(0, rows))
    exact = stats.binomtest(hits, rows).proportion_ci(method="wilson")
    assert wilson_interval(hits / rows, rows) == pytest.approx((exact.low, exact.high), abs=1e-12)


def mean_of(values):
    return Sums((np.ones(len(values)), values), lambda weight, total: (total / weight)[:, 0])


@pytest.mark.parametrize("rows", [400, 30_000])
def test_the_bootstrap_interval_of_a_mean_is_that_of_theory(rows):
    values = np.random.default_rng(3).normal(7, 2, rows)
    low, high = Bootstrap(rows, seed=1).interval(mean_of(values))
    half = 1.96 * values.std() / math.sqrt(rows)
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.15 * half)


def test_the_interval_of_a_weighted_mean_is_that_of_theory():
    rng = np.random.default_rng(4)
    values, weights = rng.normal(7, 2, 3000), rng.choice([0.1, 1, 10], 3000)
    low, high = Bootstrap(3000, seed=1, weights=weights).interval(mean_of(values))
    mean = np.average(values, weights=weights)
    half = 1.96 * np.sqrt(np.sum(weights**2 * (values - mean) ** 2)) / weights.sum()  # linearized ratio
    assert (low, high) == pytest.approx((mean - half, mean + half), abs=0.15 * half)


def test_resamples_are_of_rows_and_the_same_for_all():
    bootstrap = Bootstrap(400, seed=1)
    assert bootstrap.weights(5).sum() == 400
    np.testing.assert_array_equal(bootstrap.weights(5), Bootstrap(400, seed=1).weights(5))
    assert (bootstrap.weights(5) != Bootstrap(400, seed=2).weights(5)).any()
    many = Bootstrap(10_001, seed=0)
    assert np.bincount(many.units).min() >= 2 and np.bincount(many.units).max() <= 3


def test_intervals_that_cannot_be_told():
    assert Bootstrap(1, seed=1).interval(lambda weight: 1.0) is None
    assert Bootstrap(9, seed=1).interval(lambda weight: 1.0) is None
    assert percentiles(np.array([np.nan] * 11 + [1.0] * 80)) is None
    assert percentiles(np.empty(0)) is None


@pytest.mark.parametrize("name", [name for name in METRICS if name != "loss"])
@pytest.mark.parametrize("classes", [2, 4])
def test_statistics_of_weights_are_the_metrics(name, classes):
    """The form in which metrics are resampled gives the same as their declaration, for any weights."""
    for task in metric(name).tasks:
        for seed in range(5):
            p, truth, weights = guesses(task, 40, seed, classes)
            found = statistic_of(metric(name), p, truth, weights)
            other = np.random.default_rng(seed).integers(0, 3, 40) * weights
            used = other > 0
            expected = metric(name).compute(p[used], truth[used], other[used])
            assert found(other) == pytest.approx(expected, rel=1e-9, nan_ok=True)


def test_a_metric_of_ones_own_that_is_a_mean_is_resampled_as_sums():
    @declare_mean("cube", "Third root of the mean cubed size of the error.", ("regression",), False, finish=np.cbrt)
    def cube(prediction, target):
        return (np.abs(prediction - target) ** 3).mean(axis=1)

    p, truth, weights = guesses("regression", 50)
    expected = np.cbrt(np.average(np.abs(p - truth)[:, 0] ** 3, weights=weights))
    assert metric("cube").compute(p, truth, weights) == pytest.approx(expected)
    found = statistic_of(metric("cube"), p, truth, weights)
    assert isinstance(found, Sums) and found(weights) == pytest.approx(expected)
    assert np.isnan(metric("cube").compute(p, truth, np.zeros(50)))
    report = build_report(NUMBERS, truth, {"network": p}, seed=0, weights=weights)
    assert report.metrics["cube"] == pytest.approx(expected)
    score = report.sections[0].scores["cube"]["network"]
    assert score.low < expected < score.high


@pytest.mark.parametrize("name", ["auc", "r2", "balanced_accuracy", "f1"])
def test_many_rows_have_the_intervals_that_single_rows_would_have(name, monkeypatch):
    """Groups of rows, and for the area under the curve its slopes, tell the same as resampling rows one by one."""
    task = metric(name).tasks[0]
    p, truth, weights = guesses(task, 6000, seed=7)
    fast = Bootstrap(6000, 0, weights).interval(statistic_of(metric(name), p, truth, weights))
    monkeypatch.setattr(intervals, "MOST_UNITS", 6000)
    one_by_one = Bootstrap(6000, 0, weights)
    slow = one_by_one.interval(lambda weight: metric(name).compute(p, truth, weight))
    width = slow[1] - slow[0]
    assert fast == pytest.approx(slow, abs=0.15 * width)


def test_a_million_rows_take_seconds():
    rng = np.random.default_rng(0)
    truth = (rng.random((1_000_000, 1)) < 0.3) * 1.0
    predictions = {
        who: np.clip(0.3 * truth + 0.4 * rng.random(truth.shape), 0, 1)
        for who in ("network", "linear model", "gradient boosting", "majority class")
    }
    began = time.process_time()
    report = build_report(BINARY, truth, predictions, seed=0)
    assert time.process_time() - began < 15  # about 2 on a machine with nothing else to do
    score = report.sections[0].scores["auc"]["network"]
    assert score.value == pytest.approx(oracle.roc_auc_score(truth[:, 0], predictions["network"][:, 0]))
    assert 0 < score.high - score.low < 0.01


# -- what it says ----------------------------------------------------------------------------------------------------


def compare(network, other, truth, **settings):
    predictions = {"network": np.asarray(network)[:, None], "linear model": np.asarray(other)[:, None]}
    return build_report(BINARY, truth[:, None], predictions, seed=0, **settings)


def test_the_verdict_is_plain():
    truth = np.tile([0.0, 1.0], 100)
    right, wrong = 0.1 + 0.8 * truth, 0.9 - 0.8 * truth
    nearly = right.copy()
    nearly[0] = 0.9
    verdicts = {
        "better": (right, wrong),
        "unclear": (right, nearly),
        "not better": (nearly, right),
        "worse": (wrong, right),
    }
    for verdict, (network, other) in verdicts.items():
        assert compare(network, other, truth).sections[0].comparisons[0].verdict == verdict
    assert "does NOT beat the linear model, which wins on these rows" in str(compare(wrong, right, truth))
    assert "no better than the linear model" in str(compare(right, right, truth))
    assert "could be chance" in str(compare(nearly, right, truth))


def test_trees_that_win_are_named():
    told = tell_comparison(Comparison("gradient boosting", "rmse", 3.0, 2.0, -2.0, -0.5, "worse"))
    assert told == "The network does NOT beat gradient boosting, which wins on these rows: rmse 3 against 2."


def test_what_is_undefined_is_said_to_be():
    report = compare([0.2, 0.3, 0.6], [0.1, 0.1, 0.1], np.zeros(3), metric="auc")
    assert math.isnan(report.metrics["auc"])
    assert report.sections[0].comparisons[0].verdict == "undefined"
    told = " ".join(str(report).split())
    assert "auc undefined" not in told and "auc is undefined where the target is the same in all test rows" in told
    assert "cannot be compared" in told and "3 test rows can tell little" in told
    assert json.loads(json.dumps(report.as_dict()))["sections"][0]["scores"]["auc"]["network"]["value"] is None


def test_one_row_and_rows_without_weight_have_a_report():
    p, truth, _ = guesses("regression", 1)
    assert "1 test row can tell little" in str(build_report(NUMBERS, truth, {"network": p}, seed=0))
    p, truth, _ = guesses("binary", 40)
    weights = np.zeros(40)
    report = build_report(BINARY, truth, {"network": p, "majority class": p}, seed=0, weights=weights)
    assert math.isnan(report.metrics["accuracy"]) and "All test rows have the weight 0" in str(report)


def test_a_report_is_plain_data():
    p, truth, weights = guesses("multiclass", 50)
    targets = TargetEncoding("multiclass", ("y",), (False, True, 3), {})
    found = json.loads(json.dumps(build_report(targets, truth, {"network": p}, seed=0, weights=weights).as_dict()))
    assert found["weighted"] is True and found["rows"] == np.count_nonzero(weights) < 50
    assert [one["label"] for one in found["sections"][0]["classes"]] == [False, True, 3]


# -- how it is laid out ----------------------------------------------------------------------------------------------


def sample_reports():
    who = ("network", "linear model", "gradient boosting", "mean")
    long_names = tuple(f"cultivar number {n} of the northern slopes" for n in range(10))
    wide = TargetEncoding("multiclass", ("y",), long_names, {})
    p, truth, _ = guesses("multiclass", 200, classes=10)
    yield build_report(wide, truth, dict.fromkeys(who, p), seed=0)
    yield build_report(wide, np.tile(truth, 3000), {"network": np.tile(p, (3000, 1))}, seed=0)  # counts of 5 digits
    p, truth, weights = guesses("regression", 200)
    yield build_report(NUMBERS, truth * 1e5, dict.fromkeys(who, p * 1e5), seed=0, weights=weights)
    p, truth, _ = guesses("multilabel", 200)
    yield build_report(LABELS, truth, dict.fromkeys(who, p), seed=0)


@pytest.mark.parametrize("width", [40, 60, 80])
def test_reports_fit_every_terminal_and_pipe(width):
    for number, report in enumerate(sample_reports()):
        told, wide = as_text(view_report(report), width), as_text(view_report(report), 120)
        assert max(map(len, told.splitlines())) <= width
        assert all(letter.isprintable() or letter == "\n" for letter in told)
        assert "taken for" in told if number == 1 and width < 80 else "taken for" not in told
        if number != 1:  # the matrix that is too wide for a narrow terminal is told in words
            assert numbers_in(told) == numbers_in(wide)


def numbers_in(told):
    return set(re.findall(r"[0-9][0-9.,]*%?", told))


def test_control_characters_of_a_table_do_not_reach_the_terminal():
    targets = TargetEncoding("binary", ("y",), ("\x1b[31mno", "yes\r"), {})
    p, truth, _ = guesses("binary", 40)
    assert "\x1b" not in str(build_report(targets, truth, {"network": p}, seed=0, notes=("a\x1b[2Jb",)))


def test_classes_in_wide_letters_stand_in_columns():
    targets = TargetEncoding("multiclass", ("y",), ("白葡萄酒非常好喝", "红葡萄酒", "桃红葡萄酒"), {})
    p, truth, _ = guesses("multiclass", 40)
    told = as_text(view_report(build_report(targets, truth, {"network": p}, seed=0)), 26)
    assert max(map(cell_len, told.splitlines())) <= 26
    matrix = [line for line in told.splitlines() if re.match("  [123] ", line) and "%" not in line]
    assert len(matrix) == 3 and len({cell_len(line) for line in matrix}) == 1 and "…" in matrix[0]


def test_many_labels_are_shortened():
    names = tuple(f"label {number}" for number in range(200))
    targets = TargetEncoding("multilabel", names, (0, 1), {})
    truth = (np.random.default_rng(0).random((60, 200)) < np.linspace(0.01, 0.9, 200)) * 1.0
    report = build_report(targets, truth, {"network": truth * 0.8 + 0.1}, seed=0)
    told = str(report)
    assert "label 199" in told and "label 3 " not in told and "the 20 most frequent of 200" in told
    assert len(report.as_dict()["sections"][0]["labels"]) == 200


def test_metrics_fit_the_task():
    for task, targets in (("regression", NUMBERS), ("binary", BINARY), ("multiclass", COLORS), ("multilabel", LABELS)):
        p, truth, _ = guesses(task, 60)
        expected = {found.name for found in metrics_for(task) if found.listed and found.name != "loss"}
        assert set(build_report(targets, truth, {"network": p}, seed=0).metrics) == expected
