"""The report on the test rows: metrics of the network and, beside them, of what it has to beat."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from pellucid.data.targets import TargetEncoding
from pellucid.errors import UsageError, nearest
from pellucid.training.metrics import as_probability, metrics_for
from pellucid.workflow.reports.measuring import FEW_ROWS, Measuring
from pellucid.workflow.reports.report_parts import NETWORK, Section


@dataclass(frozen=True)
class Report:
    """What the test rows say.

    Attributes
    ----------
    task : str
    rows : int
        Those of a weight above 0, where rows have weights.
    sections : tuple of Section
        One for each target of a regression, one otherwise.
    notes : tuple of str
        What else the reader has to know.
    fresh : bool
        Whether training has not seen the rows.
    weighted : bool
        Whether rows count by weights of their own.
    """

    task: str
    rows: int
    sections: tuple[Section, ...]
    notes: tuple[str, ...] = ()
    fresh: bool = True
    weighted: bool = False

    def __str__(self) -> str:
        from pellucid.workflow.reports.layout import as_text
        from pellucid.workflow.reports.view_report import view_report

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
        return as_plain(asdict(self))


def check_metric(name: str | None, task: str) -> None:
    """See that a metric exists and fits a task; None and "loss" stand for the usual one.

    Raises
    ------
    UsageError
        Where it does not; with the nearest of those that do.

    Examples
    --------
    >>> check_metric("acuracy", "multiclass")
    Traceback (most recent call last):
    pellucid.errors.UsageError: no metric of multiclass is called 'acuracy'. Did you mean 'accuracy'? Known: ...
    """
    known = [found.name for found in metrics_for(task)]
    if name is not None and name not in known:
        known.remove("loss")
        raise UsageError(f"no metric of {task} is called {name!r}", fix=nearest(str(name), known))


def build_report(
    targets: TargetEncoding,
    truth: np.ndarray,
    predictions: Mapping[str, np.ndarray],
    seed: int,
    notes: tuple[str, ...] = (),
    weights: np.ndarray | None = None,
    metric: str | None = None,
    *,
    kind: str = "probability",
    fresh: bool = True,
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
    weights : ndarray, [rows], optional
        How much each row counts.
    metric : str, optional
        The metric to compare by, and to begin with; by default the first of the task.
    kind : str
        What the network predicts of classes: a "probability", or a "score", of which positive ones mean true, unless
        the targets have a threshold.
    fresh : bool
        Whether training has not seen the rows.

    Raises
    ------
    UsageError
        Where there is no such metric of the task.

    Examples
    --------
    >>> targets = TargetEncoding("binary", ("spam",), ("no", "yes"), {})
    >>> truth = np.array([[0.0], [1.0], [1.0], [0.0]])
    >>> report = build_report(targets, truth, {"network": np.array([[0.1], [0.8], [0.4], [0.3]])}, seed=0)
    >>> report.metrics["accuracy"], report.sections[0].confusion.counts
    (0.75, ((2, 0), (1, 1)))
    """
    check_metric(metric, targets.task)
    if weights is not None and weights.any():  # a row of weight 0 is not counted anywhere
        counted = weights > 0
        truth, weights = truth[counted], weights[counted]
        predictions = {who: found[counted] for who, found in predictions.items()}
    predictions, decided = dict(predictions), dict(predictions)
    if targets.task in ("binary", "multilabel"):
        decided[NETWORK] = targets.decide(predictions[NETWORK], kind).astype(np.float64)
        predictions[NETWORK] = _above_half(predictions[NETWORK], kind)
    measuring = Measuring(targets, truth, predictions, decided, seed, weights, metric, kind)
    if targets.task == "regression":
        sections = tuple(measuring.of_target(place, name) for place, name in enumerate(targets.names))
    else:
        sections = (measuring.of_classes(),)
    threshold = targets.tell_threshold(kind)
    notes = (*notes, *([f"{threshold}: that is the network's own threshold."] if threshold else []))
    notes = (*notes, *_warnings(truth, sections, weights))
    return Report(targets.task, len(truth), sections, notes, fresh, weights is not None)


def _above_half(prediction: np.ndarray, kind: str) -> np.ndarray:
    return as_probability(prediction.reshape(-1, 1), kind).reshape(prediction.shape)


def _warnings(truth: np.ndarray, sections: tuple[Section, ...], weights: np.ndarray | None) -> list[str]:
    """Return what the reader has to know of the rows."""
    told, rows = [], len(truth) if weights is None else int((weights > 0).sum())
    if not rows:
        return ["All test rows have the weight 0, so that nothing can be told of them."]
    if rows < FEW_ROWS:
        many = f"{rows} test row{'s' if rows != 1 else ''}"
        told.append(f"{many} can tell little: with another seed the numbers may be quite different.")
    undefined = [
        name.replace("_", " ") for name, by in sections[0].scores.items() if not math.isfinite(by[NETWORK].value)
    ]
    if undefined:
        one = "is" if len(undefined) == 1 else "are"
        told.append(f"{' and '.join(undefined)} {one} undefined where the target is the same in all test rows.")
    return told


def as_plain(value: Any) -> Any:
    """Return data as JSON takes them: numbers that are not finite become None.

    Examples
    --------
    >>> as_plain({"a": (1, np.float64("nan")), 2: np.arange(2)})
    {'a': [1, None], '2': [0, 1]}
    """
    if isinstance(value, Mapping):
        return {str(key): as_plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [as_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
