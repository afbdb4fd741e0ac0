"""The metrics of predictions with their intervals, and how the network compares."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pellucid.data.targets import TargetEncoding
from pellucid.training.metrics import Metric, metrics_for
from pellucid.workflow.reports.intervals import Bootstrap, percentiles, wilson_interval
from pellucid.workflow.reports.report_details import count_confusions, score_classes, score_labels, summarize_residuals
from pellucid.workflow.reports.report_parts import NETWORK, Comparison, Score, Section
from pellucid.workflow.reports.statistics import statistic_of

MAIN = {"regression": "rmse", "binary": "accuracy", "multiclass": "accuracy", "multilabel": "label_accuracy"}
"""The metric by which the network is compared with the others."""

SHARES = ("accuracy", "exact_match")
"""Metrics that are shares of rows: their interval is Wilson's where all rows count the same."""

MOST_CLASSES = 20
"""Of more classes there is no table of precision and recall."""

MOST_CONFUSED = 100
"""Of more classes confusions are not counted."""

FEW_ROWS = 30
"""Of fewer test rows the report says that they are few."""


class Measuring:
    """What is measured of predictions, with the same weights and resamples for all of it.

    `decided` are the predictions for metrics and tables that look only at which classes are predicted: 0 and 1 where
    it is not 1/2 that decides.
    """

    def __init__(
        self,
        targets: TargetEncoding,
        truth: np.ndarray,
        predictions: Mapping[str, np.ndarray],
        decided: Mapping[str, np.ndarray],
        seed: int,
        weights: np.ndarray | None,
        metric: str | None,
        kind: str,
    ):
        self.targets, self.truth, self.predictions, self.decided = targets, truth, predictions, decided
        self.weights = np.ones(len(truth)) if weights is None else np.asarray(weights, np.float64)
        self.weighted = weights is not None
        self.bootstrap = Bootstrap(len(truth), seed, self.weights)
        main = metric if metric not in (None, "loss") else MAIN[targets.task]
        fitting = [found for found in metrics_for(targets.task) if found.fits(kind)]
        if main not in [found.name for found in fitting]:  # a score has no logarithmic loss
            main = MAIN[targets.task]
        self.metrics = [found for found in fitting if found.listed or found.name == main]
        self.metrics.sort(key=lambda found: found.name != main)

    def of_target(self, place: int, name: str) -> Section:
        """Measure one target of a regression."""
        truth = self.truth[:, [place]]
        predictions = {who: found[:, [place]] for who, found in self.predictions.items()}
        scores, comparisons = self._scores(truth, predictions, predictions)
        residuals = summarize_residuals((predictions[NETWORK] - truth)[:, 0], self.weights)
        return Section(name, scores, comparisons, residuals=residuals)

    def of_classes(self) -> Section:
        """Measure a classification."""
        targets, truth, prediction = self.targets, self.truth, self.decided[NETWORK]
        scores, comparisons = self._scores(truth, self.predictions, self.decided)
        name = ", ".join(targets.names)
        if targets.task == "multilabel":
            labels = score_labels(targets.labels, truth, prediction, self.weights)
            return Section(name, scores, comparisons, labels=labels)
        confusion = classes = None
        if len(targets.classes) <= MOST_CLASSES:
            classes = score_classes(targets.classes, truth, prediction, self.weights)
        if len(targets.classes) <= MOST_CONFUSED:
            confusion = count_confusions(targets.classes, truth, prediction)
        return Section(name, scores, comparisons, classes or (), confusion)

    def _scores(
        self, truth: np.ndarray, predictions: Mapping[str, np.ndarray], decided: Mapping[str, np.ndarray]
    ) -> tuple[dict[str, dict[str, Score]], tuple[Comparison, ...]]:
        scores: dict[str, dict[str, Score]] = {}
        comparisons: list[Comparison] = []
        for found in self.metrics:
            given = decided if found.decided else predictions
            measured = {who: Measured.of(self, found, prediction, truth) for who, prediction in given.items()}
            scores[found.name] = {who: self._score(found, one) for who, one in measured.items()}
            if found is self.metrics[0]:
                network, *others = measured.items()
                comparisons = [_compare(found, who, network[1], one, len(truth)) for who, one in others]
        return scores, tuple(comparisons)

    def _score(self, found: Metric, measured: Measured) -> Score:
        if not math.isfinite(measured.value):
            return Score(float("nan"))
        if found.name in SHARES and not self.weighted:
            return Score(measured.value, *wilson_interval(measured.value, len(self.truth)))
        return Score(measured.value, *(percentiles(measured.resampled) or (None, None)))


@dataclass(frozen=True, eq=False)
class Measured:
    """A metric of some predictions, and of resamples of their rows, none where they cannot be told."""

    value: float
    resampled: np.ndarray

    @staticmethod
    def of(measuring: Measuring, found: Metric, prediction: np.ndarray, truth: np.ndarray) -> Measured:
        value = found.compute(prediction, truth, measuring.weights)
        needed = math.isfinite(value) and len(truth) > 1
        statistic = statistic_of(found, prediction, truth, measuring.weights) if needed else None
        return Measured(value, measuring.bootstrap.values(statistic) if statistic is not None else np.empty(0))


def _compare(found: Metric, other: str, mine: Measured, theirs: Measured, rows: int) -> Comparison:
    sign, both = (1 if found.higher_is_better else -1), min(len(mine.resampled), len(theirs.resampled))
    low, high = percentiles(sign * (mine.resampled[:both] - theirs.resampled[:both])) or (None, None)
    ahead = sign * (mine.value - theirs.value)
    if not math.isfinite(ahead):
        verdict = "undefined"
    elif ahead > 0:
        verdict = "better" if (low > 0 if low is not None else rows >= FEW_ROWS) else "unclear"
    else:
        certain = high < 0 if high is not None else rows >= FEW_ROWS and ahead < 0
        verdict = "worse" if certain else "not better"
    return Comparison(other, found.name, mine.value, theirs.value, low, high, verdict)
