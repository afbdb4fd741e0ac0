"""What a report is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

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
        better" where it is as good, or worse by less than that; "worse"; "undefined" where the metric is.
    """

    baseline: str
    metric: str
    network: float
    other: float
    low: float | None
    high: float | None
    verdict: str


@dataclass(frozen=True)
class ClassScore:
    """How well one class is told from the others.

    Attributes
    ----------
    label : word, truth value or number
    rows : int
        How many rows are of this class.
    precision : float
        The share of the rows predicted as this class that are of it; NaN where it is never predicted.
    recall : float
        The share of the rows of this class that are predicted as it; NaN where no row is of it.
    """

    label: Any
    rows: int
    precision: float
    recall: float


@dataclass(frozen=True)
class LabelScore:
    """How well one label of several is predicted.

    Attributes
    ----------
    right : float
        The share of rows for which it is right.
    rows : int
        How many rows have the label.
    precision, recall : float
        See :class:`ClassScore`.
    """

    right: float
    rows: int
    precision: float
    recall: float


@dataclass(frozen=True)
class Confusion:
    """How many rows of each class (row) were predicted as each class (column)."""

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
        By metric, the one that is compared by first, and by who predicted: ``network`` first.
    comparisons : tuple of Comparison
    classes : tuple of ClassScore
        Precision and recall of up to 20 classes.
    confusion : Confusion or None
        Of up to 10 classes.
    residuals : Residuals or None
    labels : dict of LabelScore, or None
        For multilabel.
    """

    target: str
    scores: dict[str, dict[str, Score]]
    comparisons: tuple[Comparison, ...]
    classes: tuple[ClassScore, ...] = ()
    confusion: Confusion | None = None
    residuals: Residuals | None = None
    labels: dict[str, LabelScore] | None = None
