"""How trials' values are shown: what is drawn, in which colours, and which end is better."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.inspection.pictures.style import SEQUENTIAL, ink, some_rows
from pellucid.tuning.importance.comparable import far_limit
from pellucid.tuning.trial import FINISHED, PRUNED, Trial, ranking

LOG_FROM = 10.0
"""Values that span more than this, all above 0, the less the better, are drawn on a logarithmic scale."""

PALE = "#8c959f"
"""The colour of pruned trials, on light and on dark ground."""

_NEARLY = 0.9
_DIMMEST = 0.25
_RANKS = 65
_WIDTHS = 3.0


@dataclass(frozen=True, eq=False)
class Chosen:
    """The trials that are drawn.

    Attributes
    ----------
    finished : list of Trial
        From the best to the worst.
    pruned : list of Trial
    note : str
        How many of how many, in words; empty where all are drawn.
    """

    finished: list[Trial]
    pruned: list[Trial]
    note: str


def choose_trials(trials: Sequence[Trial], higher_is_better: bool, most: int) -> Chosen:
    """Choose which trials are drawn: the best quarter of `most`, and others evenly; of pruned ones half as many.

    Trials without a value, or with one that is no number, are not drawn.
    """
    ranked = [
        trial for trial in ranking(trials, higher_is_better) if trial.value is not None and not math.isnan(trial.value)
    ]
    finished = [trial for trial in ranked if trial.state == FINISHED]
    pruned = [trial for trial in ranked if trial.state == PRUNED]
    first = finished[: most // 4] if len(finished) > most else finished
    rest = finished[len(first) :]
    shown = first + [rest[row] for row in some_rows(len(rest), most - most // 4)]
    pale = [pruned[row] for row in some_rows(len(pruned), max(most // 2, 1))]
    told = []
    if len(shown) < len(finished):
        told.append(f"{len(shown):,} of {len(finished):,} trials, the best {len(first)} among them")
    if len(pale) < len(pruned):
        told.append(f"{len(pale):,} of {len(pruned):,} pruned ones" + ("" if told else " (grey)"))
    return Chosen(shown, pale, f"Drawn: {'; '.join(told)}." if told else "")


@dataclass(frozen=True)
class Scale:
    """The scale of values, of finished trials.

    Attributes
    ----------
    metric : str
    higher_is_better : bool
    best, worst : float
        Its ends; what is worse still is drawn at the end.
    log : bool
    cut : bool
        Whether something is worse still.
    ranked : tuple of float
        Values from the worst to the best, evenly by rank: colours follow them, so that a few values far away do not
        make all others alike.
    """

    metric: str
    higher_is_better: bool
    best: float
    worst: float
    log: bool
    cut: bool
    ranked: tuple[float, ...]

    def share(self, value: float) -> float:
        """Return how good a value is, from 0 to 1."""
        best, worst, found = (self._way(number) for number in (self.best, self.worst, self._kept(value)))
        return 1.0 if best == worst else float(np.clip((found - worst) / (best - worst), 0.0, 1.0))

    def shares(self, values: Sequence[float]) -> list[float]:
        """Return how good values are, from 0 to 1."""
        return [self.share(value) for value in values]

    def rank(self, value: float) -> float:
        """Return how many of the values are no better, from 0 to 1."""
        sign = 1.0 if self.higher_is_better else -1.0
        places = np.linspace(0.0, 1.0, len(self.ranked))
        return float(np.interp(sign * value, sign * np.array(self.ranked), places)) if len(places) > 1 else 1.0

    def color(self, value: float) -> Any:
        """Return the colour of a value: the better, the more it stands out from the ground."""
        return color_map()(self.rank(value))

    def keep(self, values: Iterable[float]) -> np.ndarray:
        """Return values, those beyond the worst end at it."""
        return np.array([self._kept(value) for value in values], np.float64)

    def _kept(self, value: float) -> float:
        low, high = sorted((self.best, self.worst))
        return min(max(value, low), high)

    def _way(self, value: float) -> float:
        return math.log(value) if self.log else value

    def ticks(self, count: int = 6) -> list[tuple[float, str]]:
        """Return places from 0 to 1, with their values written out; the worst one says where it is cut."""
        low, high = sorted((self.best, self.worst))
        numbers = nice_numbers(low, high, self.log, count)
        found = [(self.share(number), tell_number(number)) for number in numbers]
        if not self.cut:
            return found
        sign = "≤" if self.higher_is_better else "≥"
        return [(0.0, f"{sign} {tell_number(self.worst)}"), *(pair for pair in found if pair[0] > 0.08)]

    @property
    def label(self) -> str:
        """The metric, and which end is better."""
        return f"{tell_metric(self.metric)} ({'higher' if self.higher_is_better else 'lower'} is better)"

    def set_axis(self, axes: Any) -> None:
        """Let the vertical axis show values: limits, scale and label."""
        low, high = sorted((self.best, self.worst))
        set_heights(axes, low, high, self.log)
        axes.set_ylabel(self.label)


def set_heights(axes: Any, low: float, high: float, log: bool) -> None:
    """Let the vertical axis reach from one value to another, with some room, and plain numbers at it."""
    from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

    if not log:
        room = 0.05 * (high - low) or 0.05 * abs(high) or 0.1
        axes.set_ylim(low - room, high + room)
        return
    axes.set_yscale("log")
    room = (high / low) ** 0.05 if high > low else 1.2
    axes.set_ylim(low / room, high * room)
    numbers = nice_numbers(low / room, high * room, True, 6)
    axes.yaxis.set_major_locator(FixedLocator(numbers))
    axes.yaxis.set_major_formatter(FixedFormatter([tell_number(number) for number in numbers]))
    axes.yaxis.set_minor_locator(NullLocator())


def scale_of(trials: Sequence[Trial], metric: str, higher_is_better: bool) -> Scale | None:
    """Return the scale of trials' values; None where none has a value."""
    states = (FINISHED,) if any(trial.state == FINISHED and _known(trial) for trial in trials) else (PRUNED,)
    found = [trial.value for trial in trials if trial.state in states and _known(trial) and trial.value is not None]
    values = np.array([value for value in found if math.isfinite(value)], np.float64)
    if not values.size:
        return None
    limit = far_limit(values, higher_is_better, _WIDTHS)
    best, worst = (values.max(), values.min()) if higher_is_better else (values.min(), values.max())
    cut = len(values) < len(found) or (worst < limit if higher_is_better else worst > limit)
    worst = (max if higher_is_better else min)(worst, limit)
    log = not higher_is_better and best > 0 and worst > LOG_FROM * best
    ranked = np.quantile(values, np.linspace(0.0, 1.0, _RANKS))[:: 1 if higher_is_better else -1]
    return Scale(metric, higher_is_better, float(best), float(worst), log, bool(cut), tuple(ranked.tolist()))


def _known(trial: Trial) -> bool:
    return trial.value is not None and not math.isnan(trial.value)


def color_map() -> Any:
    """Return the colours from the worst (0) to the best (1) value, the better the further from the ground."""
    import matplotlib as mpl
    from matplotlib.colors import ListedColormap

    found = mpl.colormaps[SEQUENTIAL]
    places = np.linspace(_DIMMEST, 1.0, 256) if on_dark() else np.linspace(_NEARLY, 0.0, 256)
    return ListedColormap(found(places))


def on_dark() -> bool:
    """Whether the ground is dark: whether its text is light."""
    from matplotlib.colors import to_rgb

    return float(np.mean(to_rgb(ink()))) > 0.5


def nice_numbers(low: float, high: float, log: bool, count: int) -> list[float]:
    """Return about so many round numbers of a range.

    Examples
    --------
    >>> nice_numbers(0.0003, 0.2, True, 5), nice_numbers(0, 0.5, False, 5)
    ([0.001, 0.01, 0.1], [0.0, 0.1, 0.2, 0.3, 0.4, 0.5])
    """
    from matplotlib.ticker import MaxNLocator

    if log:
        first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
        for parts in ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 5, 7)):
            made = [float(f"{part}e{power}") for power in range(first, last + 1) for part in parts]
            found = [number for number in made if low <= number <= high]
            if len(found) >= 3:
                return found[:: max(1, math.ceil(len(found) / count))]
    places = MaxNLocator(nbins=count, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
    room = 1e-9 * (high - low)
    found = [float(f"{number:.12g}") for number in places if low - room <= number <= high + room]
    return found or [low, high]


def tell_number(number: float) -> str:
    """Return a number as short as it can be on an axis.

    Examples
    --------
    >>> print(tell_number(0.0001), tell_number(1e-5), tell_number(256), tell_number(0.25), tell_number(1234567.0))
    0.0001 1e-5 256 0.25 1.23e6
    """
    text = f"{number:.3g}" if abs(number) < 1000 or abs(number) >= 1e5 else f"{number:,.0f}"
    mantissa, sign, power = text.partition("e")
    return f"{mantissa}e{int(power)}" if sign else mantissa


def tell_power(number: float) -> str:
    """Return a number on a logarithmic axis, small and large ones by their power of ten.

    Examples
    --------
    >>> print(tell_power(0.0001), tell_power(0.01), tell_power(30.0), tell_power(3e-4))
    1e-4 0.01 30 3e-4
    """
    if 0.01 <= number < 10_000:
        return tell_number(number)
    mantissa, _, power = f"{number:.1e}".partition("e")
    return f"{float(mantissa):g}e{int(power)}"


def tell_metric(metric: str) -> str:
    """Return a metric's name in words."""
    return metric.replace("_", " ")
