"""What the comparison of a search's winner with others is made of."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

WINNER, DEFAULTS, ENSEMBLE = "best settings", "default settings", "ensemble"


@dataclass(frozen=True)
class Contestant:
    """Who predicted the test rows, once for each seed.

    Attributes
    ----------
    name : str
    scores : dict of tuple of float
        By metric, one value for each seed.
    intervals : dict of (float, float)
        By metric, the 95 % interval of the mean over seeds, where it can be told.
    """

    name: str
    scores: Mapping[str, tuple[float, ...]]
    intervals: Mapping[str, tuple[float, float]]

    def mean(self, metric: str) -> float:
        """Return the mean over seeds."""
        values = self.scores[metric]
        return math.fsum(values) / len(values)

    def deviation(self, metric: str) -> float | None:
        """Return the standard deviation over seeds (their number less one as divisor); None of a single seed."""
        values, middle = self.scores[metric], self.mean(metric)
        if len(values) < 2:
            return None
        return math.sqrt(math.fsum((value - middle) ** 2 for value in values) / (len(values) - 1))


@dataclass(frozen=True)
class Verdict:
    """One contestant against another by the metric of the search.

    Attributes
    ----------
    name, other : str
    gain : float
        How much better the first one is, in the metric's unit.
    low, high : float or None
        The 95 % interval of that.
    verdict : str
        "better", "worse"; "unclear" where the difference is within the noise; "undefined" where the metric is.
    text : str
        The same as a sentence.
    """

    name: str
    other: str
    gain: float
    low: float | None
    high: float | None
    verdict: str
    text: str


@dataclass(frozen=True)
class Comparison:
    """The winner beside the defaults, gradient boosting and the ensemble, on rows that nobody has learned from.

    Attributes
    ----------
    metric : str
        By which verdicts are given.
    higher_is_better : bool
    rows : int
        How many test rows there are.
    contestants : tuple of Contestant
        The winner first.
    verdicts : tuple of Verdict
    notes : tuple of str
    """

    metric: str
    higher_is_better: bool
    rows: int
    contestants: tuple[Contestant, ...]
    verdicts: tuple[Verdict, ...]
    notes: tuple[str, ...] = ()

    @property
    def metrics(self) -> list[str]:
        """The metrics that are shown, that of the verdicts first."""
        return list(self.contestants[0].scores)

    def __getitem__(self, name: str) -> Contestant:
        """Return the contestant of this name."""
        return next(one for one in self.contestants if one.name == name)
