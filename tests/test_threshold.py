"""A model's own threshold decides wherever a class is told: predictions, evaluation, what is said of a row."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from models import TARGETS, make
from sklearn import metrics as oracle

import pellucid as pl
from pellucid.data.targets import TargetEncoding
from pellucid.model import load_model, save_model
from pellucid.workflow.evaluate import evaluate_model
from pellucid.workflow.observed_row import ObservedRow
from pellucid.workflow.reports.description import describe_model
from pellucid.workflow.reports.report import build_report

LOSSES = {"probability": "binary_cross_entropy", "score": "hinge"}


@pytest.fixture(params=LOSSES)
def decided(request, tmp_path):
    """A model, written and read, whose threshold parts the rows otherwise than 1/2 does; its table and truth."""
    model, table, *_ = make(TARGETS["binary"][0], pl.loss(LOSSES[request.param]))
    found = np.sort(model.compute(table)["prediction"][:, 0])
    between = float(found[[45, 46]].mean())  # of 60 rows, 14 are above
    save_model(replace(model, targets=replace(model.targets, threshold=between)), tmp_path / "m")
    return load_model(tmp_path / "m"), table, between


def test_evaluation_decides_by_the_threshold_and_judges_probabilities_as_they_are(decided):
    model, table, threshold = decided
    computed = model.compute(table)["prediction"][:, 0].astype(np.float64)
    truth, guess = table["is"].values, computed > threshold
    assert guess.sum() == 14 and (computed > (0.5 if model.kind == "probability" else 0.0)).sum() != 14
    np.testing.assert_array_equal(model.predict(table)["is"], guess)
    expected = {
        "accuracy": oracle.accuracy_score(truth, guess),
        "balanced_accuracy": oracle.balanced_accuracy_score(truth, guess),
        "auc": oracle.roc_auc_score(truth, computed),
    }
    if model.kind == "probability":
        expected["log_loss"] = oracle.log_loss(truth, computed)
    report = evaluate_model(model, table)
    assert report.metrics == pytest.approx(expected)
    for name in ("f1", "precision", "recall"):
        score = getattr(oracle, f"{name}_score")(truth, guess)
        assert evaluate_model(model, table, metric=name).metrics[name] == pytest.approx(score)
    section = report.sections[0]
    assert np.array(section.confusion.counts).tolist() == oracle.confusion_matrix(truth, guess).tolist()
    precision, recall, _, _ = oracle.precision_recall_fscore_support(truth, guess)
    assert [one.precision for one in section.classes] == pytest.approx(precision)
    assert [one.recall for one in section.classes] == pytest.approx(recall)
    assert section.scores["accuracy"]["network"].low < expected["accuracy"] < section.scores["accuracy"]["network"].high
    assert any(f"True is predicted above a {model.kind} of {threshold:.4g}" in note for note in report.notes)
    assert describe_model(model)["threshold"] == threshold


def test_one_row_is_told_as_it_is_predicted(decided):
    model, table, threshold = decided
    computed = model.compute(table)["prediction"][:, 0].astype(np.float64)
    for row in np.argsort(computed)[[0, 30, 45, 46, 59]].tolist():
        one = table.drop(["is"]).take([row])
        graph, given = model.observation(one)
        told = ObservedRow(model, one, row, pl.observe(graph, of="score", **given))
        chosen = bool(computed[row] > threshold)
        assert told.tell_predictions()[0] == f"is: predicted {str(chosen).lower()}"
        assert f"above a {model.kind} of {threshold:.4g}" in told.tell_predictions()[1]
        signed = computed[row] if chosen else (1 - computed[row] if model.kind == "probability" else -computed[row])
        assert told.scalar == pytest.approx(np.log(signed) if model.kind == "probability" else signed, rel=1e-5)


def test_a_prediction_barely_above_the_threshold_is_above_it():
    targets = TargetEncoding("binary", ("y",), ("no", "yes"), {}, threshold=0.1)
    p = np.array([[0.1], [np.nextafter(0.1, 1)], [np.nextafter(0.1, 0)], [0.5]])
    assert targets.decide(p)[:, 0].tolist() == [False, True, False, True]
    assert targets.decode(p)["y"].tolist() == ["no", "yes", "no", "yes"]
    report = build_report(targets, np.array([[0.0], [1.0], [0.0], [1.0]]), {"network": p}, seed=0)
    assert report.metrics["accuracy"] == 1.0
    assert report.sections[0].confusion.counts == ((2, 0), (0, 2))


def test_what_a_model_is_compared_with_has_the_usual_threshold():
    targets = TargetEncoding("binary", ("y",), ("no", "yes"), {}, threshold=0.9)
    truth, p = np.array([[0.0], [1.0], [1.0], [1.0]]), np.array([[0.2], [0.95], [0.8], [0.7]])
    report = build_report(targets, truth, {"network": p, "linear model": p}, seed=0)
    scores = report.sections[0].scores["accuracy"]
    assert (scores["network"].value, scores["linear model"].value) == (0.5, 1.0)
