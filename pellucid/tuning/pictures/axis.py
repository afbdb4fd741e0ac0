"""Where a setting's values stand on an axis from 0 to 1, and what is written there."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pellucid.inspection.pictures.style import short
from pellucid.tuning.pictures.scale import nice_numbers, tell_number, tell_power
from pellucid.tuning.space import Choice, Dimension, Integer, LogUniform, format_value, split_name
from pellucid.tuning.space.values import is_number
from pellucid.tuning.trial import Trial

MOST_MARKS = 12
"""Of more values than this only some are written at an axis."""

_GOLDEN = (math.sqrt(5) - 1) / 2
_ROOM = 0.6


@dataclass(frozen=True)
class Axis:
    """The axis of a setting."""

    dimension: Dimension
    title: str

    @property
    def finite(self) -> bool:
        """Whether it has so few values that they stand apart."""
        count = self.dimension.distribution.count
        return count is not None and count <= 2 * MOST_MARKS

    @property
    def conditional(self) -> bool:
        """Whether there are configurations in which it takes no part."""
        return self.dimension.condition is not None

    def places(self, trials: Sequence[Trial], spread: float = 0.0) -> np.ndarray:
        """Return where trials stand, [trials], NaN for those in which it takes no part or has a value outside.

        Parameters
        ----------
        spread : float
            Equal values of a finite axis are moved apart within so wide a band at most, always in the same way.
        """
        found = np.array([self._place(trial) for trial in trials], np.float64)
        count = self.dimension.distribution.count
        if not self.finite or count is None:
            return found
        moved = np.array([(trial.number * _GOLDEN) % 1.0 - 0.5 for trial in trials])
        return found + min(spread, _ROOM / count) * moved

    def _place(self, trial: Trial) -> float:
        name, found = self.dimension.name, self.dimension.distribution
        if name not in trial.parameters or not found.contains(trial.parameters[name]):
            return math.nan
        return min(max(found.unit(trial.parameters[name]), 0.0), 1.0)

    def marks(self, most: int = 6) -> list[tuple[float, str]]:
        """Return where what is written: round numbers, or the values there are."""
        found = self.dimension.distribution
        if isinstance(found, Choice):
            options = found.options
            step = math.ceil(len(options) / MOST_MARKS)
            return [(found.unit(option), _text(option)) for option in options[::step]]
        if isinstance(found, Integer):
            return [(found.unit(value), f"{value:,}") for value in _whole_numbers(found, most)]
        low, high = found.low, found.high  # type: ignore[attr-defined]
        log = isinstance(found, LogUniform)
        numbers = [number for number in nice_numbers(low, high, log, most) if found.contains(number)]
        return [(found.unit(number), tell_power(number) if log else tell_number(number)) for number in numbers]


def _whole_numbers(found: Integer, most: int) -> list[int]:
    """Return some of the values of an integer, its ends among them where it has few."""
    if found.count <= most:
        return [int(value) for value in found.values()]  # type: ignore[arg-type, call-overload]
    if not found.log:
        step = found.step * math.ceil((found.count - 1) / (most - 1))
        return list(range(found.low, found.high + 1, step))
    powers = [2**power for power in range(found.high.bit_length() + 1) if found.low <= 2**power <= found.high]
    if len(powers) < 3:
        return [int(number) for number in nice_numbers(found.low, found.high, False, most) if found.contains(number)]
    return powers[:: math.ceil(len(powers) / most)]


def _text(option: object) -> str:
    return tell_number(float(option)) if is_number(option) else short(format_value(option))  # type: ignore[arg-type]


def axes_of(dimensions: Sequence[Dimension]) -> list[Axis]:
    """Return the axes of settings, each called by the last part of its name where that says which one it is.

    Examples
    --------
    >>> from pellucid.tuning.space import Space
    >>> space = Space({"optimizer.learning_rate": "uniform(0, 1)", "a.rate": "uniform(0, 1)", "b.rate": "choice(1, 2)"})
    >>> [axis.title for axis in axes_of(space.dimensions)]
    ['learning_rate', 'a.rate', 'b.rate']
    """
    last = {one.name: split_name(one.name)[-1] for one in dimensions}
    often = Counter(last.values())
    return [Axis(one, short(last[one.name] if often[last[one.name]] == 1 else one.name)) for one in dimensions]
