"""The report on the test rows: metrics of the network and, beside them, of what it has to beat."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from pellucid.data.targets import TargetEncoding
from pellucid.training.metrics import Metric, metric, metrics_for, predicted_classes
from pellucid.workflow.intervals import Bootstrap, wilson_interval

MAIN = {"regression": "rmse", "binary": "accuracy", "multiclass": "accuracy", "multilabel": "label_accuracy"}
"""The metric by which the network is compared with the others."""

SHARES = ("accuracy", "exact_match")
"""Metrics that are shares of rows: their interval is Wilson's."""

MOST_CLASSES = 10
"""Of more classes there is no confusion matrix."""

FEW_ROWS = 30
"""Of fewer test rows the report says that they are few."""

NETWORK = "network"


@dataclass(frozen=True)
class Score:
    """A metric's value, and its 95 % interval where there is one."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Comparison:
    """The network and a baseline by the main metric.

    Attributes
    ----------
    baseline, metric : str
    network, other : float
        Their values.
    low, high : float or None
        The 95 % interval of how much better the network is.
    verdict : str
        "better"; "unclear" where the network is better, but by less than chance among these rows could make it; "not
        better".
    """

    baseline: str
    metric: str
    network: float
    other: float
    low: float | None
    high: float | None
    verdict: str


@dataclass(frozen=True)
class Confusion:
    """How often each class (row) was predicted as each class (column)."""

    classes: tuple
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Residuals:
    """Prediction minus truth, in the target's own unit."""

    mean: float
    deviation: float
    minimum: float
    quartiles: tuple[float, float, float]
    maximum: float


@dataclass(frozen=True)
class Section:
    """What is to be said of one target; of all of them for multilabel.

    Attributes
    ----------
    target : str
    scores : dict of dict of Score
        By metric, and by who predicted: ``network`` first.
    comparisons : tuple of Comparison
    confusion : Confusion or None
    residuals : Residuals or None
    labels : dict of float
        For multilabel, the share of rows for which each label is right.
    """

    target: str
    scores: dict[str, dict[str, Score]]
    comparisons: tuple[Comparison, ...]
    confusion: Confusion | None = None
    residuals: Residuals | None = None
    labels: dict[str, float] | None = None


@dataclass(frozen=True)
class Report:
    """What the test rows say.

    Attributes
    ----------
    task : str
    rows : int
    sections : tuple of Section
        One for each target of a regression, one otherwise.
    notes : tuple of str
        What else the reader has to know.
    """

    task: str
    rows: int
    sections: tuple[Section, ...]
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        from pellucid.workflow.view import as_text, view_report

        return as_text(view_report(self))

    @property
    def metrics(self) -> dict[str, float]:
        """The network's metrics: ``accuracy``, or ``weight: rmse`` where there are several targets."""
        prefix = len(self.sections) > 1
        return {
            f"{section.target}: {name}" if prefix else name: scores[NETWORK].value
            for section in self.sections
            for name, scores in section.scores.items()
        }

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain data for JSON; numbers that are not defined are None."""
        return _plain(asdict(self))


def build_report(
    targets: TargetEncoding,
    truth: np.ndarray,
    predictions: Mapping[str, np.ndarray],
    seed: int,
    notes: tuple[str, ...] = (),
) -> Report:
    """Compare predictions with the truth.

    Parameters
    ----------
    targets : TargetEncoding
    truth : ndarray
        As :meth:`TargetEncoding.read` gives it.
    predictions : mapping of ndarray, [rows, outputs]
        By who predicted, ``network`` first: numbers in the targets' own units, or probabilities.
    seed : int
        Of the bootstrap.
    notes : tuple of str

    Examples
    --------
    >>> targets = TargetEncoding("binary", ("spam",), ("no", "yes"), {})
    >>> truth = np.array([[0.0], [1.0], [1.0], [0.0]])
    >>> report = build_report(targets, truth, {"network": np.array([[0.1], [0.8], [0.4], [0.3]])}, seed=0)
    >>> report.metrics["accuracy"], report.sections[0].confusion.counts
    (0.75, ((2, 0), (1, 1)))
    """
    bootstrap = Bootstrap(len(truth), seed)
    if targets.task == "regression":
        sections = tuple(
            _section(
                targets, name, truth[:, [i]], {who: found[:, [i]] for who, found in predictions.items()}, bootstrap
            )
            for i, name in enumerate(targets.names)
        )
    else:
        sections = (_section(targets, ", ".join(targets.names), truth, predictions, bootstrap),)
    if len(truth) < FEW_ROWS:
        many = f"{len(truth)} test row{'s' if len(truth) > 1 else ''}"
        few = f"{many} can tell little: with another seed the numbers may be quite different."
        notes = (*notes, few)
    return Report(targets.task, len(truth), sections, notes)


def _section(
    targets: TargetEncoding,
    name: str,
    truth: np.ndarray,
    predictions: Mapping[str, np.ndarray],
    bootstrap: Bootstrap,
) -> Section:
    scores = _scores(targets.task, truth, predictions, bootstrap)
    comparisons = _compare(targets.task, truth, predictions, bootstrap)
    confusion = residuals = labels = None
    prediction = predictions[NETWORK]
    if targets.task == "regression":
        residuals = _residuals(prediction - truth)
    elif targets.task == "multilabel":
        right = (prediction > 0.5) == (truth > 0.5)
        labels = dict(zip(targets.names, right.mean(axis=0).tolist(), strict=True))
    elif len(targets.classes) <= MOST_CLASSES:
        confusion = _confusion(targets.classes, truth, prediction)
    return Section(name, scores, comparisons, confusion, residuals, labels)


def _scores(
    task: str, truth: np.ndarray, predictions: Mapping[str, np.ndarray], bootstrap: Bootstrap
) -> dict[str, dict[str, Score]]:
    chosen = [found for found in metrics_for(task) if found.name != "loss"]
    chosen.sort(key=lambda found: found.name != MAIN[task])
    pairs = [(found, who) for found in chosen for who in predictions]
    resampled = [pair for pair in pairs if pair[0].name not in SHARES]
    found_intervals = bootstrap.intervals([_statistic(found, predictions[who], truth) for found, who in resampled])
    intervals = dict(zip(resampled, found_intervals, strict=True))
    scores: dict[str, dict[str, Score]] = {found.name: {} for found in chosen}
    ones = np.ones(len(truth))
    for found, who in pairs:
        value = found.compute(predictions[who], truth, ones)
        interval = wilson_interval(value, len(truth)) if found.name in SHARES else intervals[found, who]
        known = interval is not None and math.isfinite(value)
        scores[found.name][who] = Score(value, *interval) if known and interval else Score(value)
    return scores


def _statistic(found: Metric, prediction: np.ndarray, truth: np.ndarray) -> Callable[[np.ndarray], float]:
    def compute(weight: np.ndarray) -> float:
        used = weight > 0  # what is not in the resample must not count as a class of its own
        return found.compute(prediction[used], truth[used], weight[used])

    return compute


def _compare(
    task: str, truth: np.ndarray, predictions: Mapping[str, np.ndarray], bootstrap: Bootstrap
) -> tuple[Comparison, ...]:
    found = metric(MAIN[task])
    sign = 1.0 if found.higher_is_better else -1.0
    network, *others = predictions
    ones, mine = np.ones(len(truth)), _statistic(found, predictions[network], truth)
    comparisons = []
    for other in others:
        theirs = _statistic(found, predictions[other], truth)
        interval = bootstrap.interval(lambda weight, theirs=theirs: sign * (mine(weight) - theirs(weight)))  # type: ignore[misc]
        low, high = interval or (None, None)
        a, b = mine(ones), theirs(ones)
        ahead = sign * (a - b) > 0
        certain = low > 0 if low is not None else len(truth) >= FEW_ROWS
        verdict = ("better" if certain else "unclear") if ahead else "not better"
        comparisons.append(Comparison(other, found.name, a, b, low, high, verdict))
    return tuple(comparisons)


def _confusion(classes: tuple, truth: np.ndarray, prediction: np.ndarray) -> Confusion:
    counts = np.zeros((len(classes), len(classes)), np.int64)
    np.add.at(counts, (truth.reshape(-1).astype(np.int64), predicted_classes(prediction)), 1)
    return Confusion(classes, tuple(map(tuple, counts.tolist())))


def _residuals(errors: np.ndarray) -> Residuals:
    low, first, median, third, high = np.quantile(errors, [0, 0.25, 0.5, 0.75, 1]).tolist()
    return Residuals(float(errors.mean()), float(errors.std()), low, (first, median, third), high)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
