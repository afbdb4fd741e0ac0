"""Trials: what was tried, how far it came, and how good it was."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

WAITING, FINISHED, PRUNED, FAILED = "waiting", "finished", "pruned", "failed"
"""What is said of a trial: not done yet; trained to its end; given up as others were better; ended by an error."""

STATES = (WAITING, FINISHED, PRUNED, FAILED)


@dataclass(frozen=True)
class MemberResult:
    """What one training of a trial has brought: on one fold, with one seed.

    Attributes
    ----------
    value : float
        The metric on the examples held out.
    epochs : int
        How many it has learned.
    best_epoch : int
        After which epoch the value was found.
    seconds : float
        Of a thread, compiling apart.
    curve : tuple of (int, float)
        The value after some of the epochs.
    """

    value: float
    epochs: int
    best_epoch: int
    seconds: float
    curve: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True)
class Trial:
    """One configuration, and what became of it.

    Attributes
    ----------
    number : int
        From 0, in the order in which configurations were proposed.
    parameters : mapping
        Numbers, names, truth values, None, or lists of them, by name.
    bracket : int
        Which round of proposals it belongs to.
    state : {"waiting", "finished", "pruned", "failed"}
    value : float or None
        What its members are worth together, see :func:`common_value`; None where it failed.
    members : tuple of MemberResult
        One for each fold and repeat, in their order.
    error : str or None
        What ended it.

    Examples
    --------
    >>> parts = tuple(MemberResult(value, epochs=30, best_epoch=30, seconds=0.1) for value in (0.2, 0.4))
    >>> trial = Trial(0, {"rate": 0.1}).ended(FINISHED, parts)
    >>> round(trial.value, 3), round(trial.deviation, 3), trial.epochs
    (0.3, 0.141, 30)
    """

    number: int
    parameters: Mapping[str, Any]
    bracket: int = 0
    state: str = WAITING
    value: float | None = None
    members: tuple[MemberResult, ...] = field(default=(), repr=False)
    error: str | None = None

    @property
    def done(self) -> bool:
        """Whether nothing is left to do."""
        return self.state != WAITING

    @property
    def deviation(self) -> float | None:
        """The standard deviation of its members' values (their number less one as divisor); None of fewer than two."""
        values = [member.value for member in self.members]
        if len(values) < 2 or self.value is None:
            return None
        middle = math.fsum(values) / len(values)
        return math.sqrt(math.fsum((value - middle) ** 2 for value in values) / (len(values) - 1))

    @property
    def epochs(self) -> int:
        """The most epochs that one of its members has learned."""
        return max((member.epochs for member in self.members), default=0)

    @property
    def seconds(self) -> float:
        """What its members took together, in seconds of a thread."""
        return math.fsum(member.seconds for member in self.members)

    def ended(
        self, state: str, members: Sequence[MemberResult], error: str | None = None, value: float | None = None
    ) -> Trial:
        """Return the trial as it is at its end; its value is the mean of its members' by default, None if it failed."""
        if state == FAILED:
            value = None
        elif value is None:
            value = mean_value(members)
        return Trial(self.number, self.parameters, self.bracket, state, value, tuple(members), error)


def mean_value(members: Sequence[MemberResult]) -> float:
    """Return the mean of members' values, the same whatever the order in which they ended."""
    return math.fsum(member.value for member in members) / len(members)


def common_value(members: Sequence[MemberResult], higher_is_better: bool) -> float:
    """Return what members are worth that all stop after one and the same epoch, the best one for them together.

    The mean of each member's own best value favours curves that jump up and down. Where all members are judged by
    their last epoch, that one is it. A member that stopped before an epoch has its last value there.

    Examples
    --------
    >>> one = MemberResult(0.2, epochs=3, best_epoch=2, seconds=0.1, curve=((1, 0.5), (2, 0.2), (3, 0.4)))
    >>> two = MemberResult(0.1, epochs=3, best_epoch=3, seconds=0.1, curve=((1, 0.7), (2, 0.6), (3, 0.1)))
    >>> common_value([one, two], higher_is_better=False)
    0.25
    """
    return _best_together(members, higher_is_better)[1]


def common_epoch(members: Sequence[MemberResult], higher_is_better: bool) -> int:
    """Return the epoch that is best for all members together; see :func:`common_value`. 0 where none has a value."""
    return _best_together(members, higher_is_better)[0]


def _best_together(members: Sequence[MemberResult], higher_is_better: bool) -> tuple[int, float]:
    curves = [dict(member.curve) for member in members]
    if all(member.best_epoch == member.epochs for member in members) or not all(curves):
        return max(member.best_epoch for member in members), mean_value(members)
    means: dict[int, float] = {}
    last = [math.nan] * len(curves)
    for epoch in sorted(set().union(*curves)):
        last = [curve.get(epoch, before) for curve, before in zip(curves, last, strict=True)]
        total = math.fsum(last)
        if not math.isnan(total):
            means[epoch] = total / len(curves)
    if not means:
        return 0, math.nan
    best = (max if higher_is_better else min)(means, key=lambda epoch: means[epoch])
    return best, means[best]


def ranking(trials: Sequence[Trial], higher_is_better: bool) -> list[Trial]:
    """Return trials from the best to the worst: finished ones, then pruned ones; others are left out.

    A value that is no number comes last; of equal values the earlier trial comes first.
    """
    sign = -1.0 if higher_is_better else 1.0
    valued = [trial for trial in trials if trial.state in (FINISHED, PRUNED) and trial.value is not None]

    def key(trial: Trial) -> tuple[bool, bool, float, int]:
        assert trial.value is not None
        unknown = math.isnan(trial.value)
        return trial.state != FINISHED, unknown, 0.0 if unknown else sign * trial.value, trial.number

    return sorted(valued, key=key)
