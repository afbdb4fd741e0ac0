"""Schedules: how the learning rate changes while a network learns."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from pellucid.errors import UsageError
from pellucid.optim.settings import Settings, check_number, look_up

ScheduleState = dict[str, float]
"""What a schedule remembers from epoch to epoch: plain numbers, which JSON can hold."""


class Schedule(Settings, ABC):
    """Factors by which the learning rate is multiplied, one for each step.

    A factor is a function of the step's number, of how many steps an epoch has and of the state, and of nothing else:
    a resumed run sees the same ones.
    """

    def factors(
        self, first_step: int, count: int, steps_per_epoch: int, state: Mapping[str, float] | None = None
    ) -> np.ndarray:
        """Return the factors of some steps in a row.

        Parameters
        ----------
        first_step : int
            The number of the first of them, from 0.
        count : int
            How many.
        steps_per_epoch : int
            How many steps an epoch has.
        state : mapping, optional
            What :meth:`observe` returned last; by default :meth:`initial_state`.

        Returns
        -------
        numpy.ndarray
            float64[count].
        """
        check_number("first_step", first_step, "[0, inf)", whole=True)
        check_number("count", count, "[0, inf)", whole=True)
        check_number("steps_per_epoch", steps_per_epoch, "[1, inf)", whole=True)
        steps = np.arange(first_step, first_step + count)
        return self.factors_at(steps, steps_per_epoch, self.initial_state() if state is None else state)

    @abstractmethod
    def factors_at(self, steps: np.ndarray, steps_per_epoch: int, state: Mapping[str, float]) -> np.ndarray:
        """Return the factors of the steps with these numbers (int64, from 0), as float64 of the same shape."""

    def initial_state(self) -> ScheduleState:
        """Return the state before the first epoch."""
        return {}

    def observe(self, state: Mapping[str, float], metric: float) -> ScheduleState:
        """Return the state after an epoch with this metric, of which less is better."""
        return dict(state)


@dataclass(frozen=True)
class Constant(Schedule):
    """The learning rate as it is.

    Examples
    --------
    >>> Constant().factors(0, 3, steps_per_epoch=10)
    array([1., 1., 1.])
    """

    name: ClassVar[str] = "constant"

    def factors_at(self, steps: np.ndarray, steps_per_epoch: int, state: Mapping[str, float]) -> np.ndarray:
        return np.ones(len(steps))


@dataclass(frozen=True)
class Step(Schedule):
    r"""A cut after every so many epochs: :math:`\mathrm{factor}^{\lfloor e / \mathrm{every} \rfloor}` in epoch e.

    Parameters
    ----------
    every : int
        Epochs between two cuts.
    factor : float
        By which the learning rate is multiplied at each cut.

    Examples
    --------
    >>> Step(every=2, factor=0.1).factors(0, 5, steps_per_epoch=1)
    array([1.  , 1.  , 0.1 , 0.1 , 0.01])
    """

    name: ClassVar[str] = "step"
    ranges: ClassVar[dict[str, str]] = {"every": "[1, inf)", "factor": "(0, inf)"}
    whole: ClassVar[frozenset[str]] = frozenset({"every"})
    every: int
    factor: float = 0.1

    def factors_at(self, steps: np.ndarray, steps_per_epoch: int, state: Mapping[str, float]) -> np.ndarray:
        return np.float64(self.factor) ** (steps // (self.every * steps_per_epoch))


@dataclass(frozen=True)
class Exponential(Schedule):
    r"""Exponential decay, step by step: :math:`\mathrm{rate}^e` after e epochs, fractions of epochs included.

    Parameters
    ----------
    rate : float
        The factor of a whole epoch.

    Examples
    --------
    >>> Exponential(rate=0.25).factors(0, 3, steps_per_epoch=2)
    array([1.  , 0.5 , 0.25])
    """

    name: ClassVar[str] = "exponential"
    ranges: ClassVar[dict[str, str]] = {"rate": "(0, inf)"}
    rate: float

    def factors_at(self, steps: np.ndarray, steps_per_epoch: int, state: Mapping[str, float]) -> np.ndarray:
        return np.float64(self.rate) ** (steps / steps_per_epoch)


@dataclass(frozen=True)
class InverseTime(Schedule):
    r"""Decay with time: :math:`1 / (1 + \mathrm{decay}\, e)` after e epochs, fractions of epochs included.

    With gradient descent this satisfies the conditions of Robbins and Monro (1951) for convergence.

    Parameters
    ----------
    decay : float
        How much the divisor grows in an epoch.

    Examples
    --------
    >>> InverseTime(decay=1.0).factors(0, 4, steps_per_epoch=1)
    array([1.        , 0.5       , 0.33333333, 0.25      ])
    """

    name: ClassVar[str] = "inverse_time"
    ranges: ClassVar[dict[str, str]] = {"decay": "[0, inf)"}
    decay: float

    def factors_at(self, steps: np.ndarray, steps_per_epoch: int, state: Mapping[str, float]) -> np.ndarray:
        return 1 / (1 + self.decay * (steps / steps_per_epoch))


@dataclass(frozen=True)
class Cosine(Schedule):
    r"""Half a cosine wave from 1 down to the floor, where it stays.

    .. math:: \mathrm{floor} + (1 - \mathrm{floor}) (1 + \cos(\pi \min(e / \mathrm{epochs}, 1))) / 2

    Parameters
    ----------
    epochs : float
        How long the way down takes.
    floor : float
        The last factor.

    References
    ----------
    Loshchilov and Hutter, SGDR: stochastic gradient descent with warm restarts, ICLR 2017 (without the restarts).

    Examples
    --------
    >>> Cosine(epochs=2).factors(0, 4, steps_per_epoch=1).round(12)
    array([1. , 0.5, 0. , 0. ])
    """

    name: ClassVar[str] = "cosine"
    ranges: ClassVar[dict[str, str]] = {"epochs": "(0, inf)", "floor": "[0, 1]"}
    epochs: float
    floor: float = 0.0

    def factors_at(self, steps: np.ndarray, steps_per_epoch: int, state: Mapping[str, float]) -> np.ndarray:
        way = np.minimum(steps / steps_per_epoch / self.epochs, 1.0)
        return self.floor + (1 - self.floor) * (1 + np.cos(np.pi * way)) / 2


@dataclass(frozen=True)
class OnPlateau(Schedule):
    """A cut whenever the observed metric has stopped getting better.

    Parameters
    ----------
    factor : float
        By which the learning rate is multiplied at each cut.
    patience : int
        A cut comes after this many epochs in a row that were not better than the best one before them; then they are
        counted anew.
    minimum : float
        The factor never falls below it.
    threshold : float
        An epoch is better where it is so by more than this part of the best metric.

    Examples
    --------
    >>> schedule = OnPlateau(factor=0.5, patience=2)
    >>> state = schedule.initial_state()
    >>> for metric in [1.0, 0.9, 0.9, 0.95]:
    ...     state = schedule.observe(state, metric)
    >>> schedule.factors(0, 2, steps_per_epoch=1, state=state)
    array([0.5, 0.5])
    """

    name: ClassVar[str] = "on_plateau"
    ranges: ClassVar[dict[str, str]] = {
        "factor": "(0, 1)",
        "patience": "[1, inf)",
        "minimum": "[0, 1]",
        "threshold": "[0, 1)",
    }
    whole: ClassVar[frozenset[str]] = frozenset({"patience"})
    factor: float = 0.5
    patience: int = 5
    minimum: float = 1e-3
    threshold: float = 1e-4

    def initial_state(self) -> ScheduleState:
        return {"factor": 1.0, "waited": 0}

    def observe(self, state: Mapping[str, float], metric: float) -> ScheduleState:
        best = state.get("best")
        better = best is None or metric < best - self.threshold * abs(best)
        if better and math.isfinite(metric):
            return {"factor": state["factor"], "waited": 0, "best": float(metric)}
        waited = state["waited"] + 1
        if waited < self.patience:
            return {**state, "waited": waited}
        return {**state, "factor": max(state["factor"] * self.factor, self.minimum), "waited": 0}

    def factors_at(self, steps: np.ndarray, steps_per_epoch: int, state: Mapping[str, float]) -> np.ndarray:
        return np.full(len(steps), float(state["factor"]))


@dataclass(frozen=True)
class WarmUp(Schedule):
    r"""A rise from near 0 in equal steps, then another schedule from its beginning.

    The factor of step k (from 0) is :math:`(k + 1) / n` for the first n steps.

    Parameters
    ----------
    steps : int, optional
        How many steps n it takes; or else
    epochs : float, optional
        how many epochs.
    then : Schedule
        What follows; it counts from the end of the warm-up.

    References
    ----------
    Goyal et al., Accurate, large minibatch SGD: training ImageNet in 1 hour, 2017.

    Examples
    --------
    >>> WarmUp(steps=4, then=Step(every=1, factor=0.5)).factors(0, 7, steps_per_epoch=2)
    array([0.25, 0.5 , 0.75, 1.  , 1.  , 1.  , 0.5 ])
    """

    name: ClassVar[str] = "warm_up"
    ranges: ClassVar[dict[str, str]] = {"steps": "[1, inf)", "epochs": "(0, inf)"}
    whole: ClassVar[frozenset[str]] = frozenset({"steps"})
    steps: int | None = None
    epochs: float | None = None
    then: Schedule = field(default_factory=Constant)

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.steps is None) == (self.epochs is None):
            got = f"steps={self.steps}, epochs={self.epochs}"
            raise UsageError(
                "a warm-up lasts some steps or some epochs", where=self.name, got=got, fix="Write WarmUp(epochs=2)."
            )
        if not isinstance(self.then, Schedule):
            raise UsageError("not a schedule", where=f"{self.name}, then", got=repr(self.then)[:80])

    def initial_state(self) -> ScheduleState:
        return self.then.initial_state()

    def observe(self, state: Mapping[str, float], metric: float) -> ScheduleState:
        return self.then.observe(state, metric)

    def factors_at(self, steps: np.ndarray, steps_per_epoch: int, state: Mapping[str, float]) -> np.ndarray:
        length = self.steps or math.ceil((self.epochs or 0) * steps_per_epoch)
        after = self.then.factors_at(np.maximum(steps - length, 0), steps_per_epoch, state)
        return np.where(steps < length, (steps + 1) / length, after)


SCHEDULES: dict[str, type[Schedule]] = {
    found.name: found for found in (Constant, Step, Exponential, InverseTime, Cosine, WarmUp, OnPlateau)
}


def schedule(given: str | Schedule, **settings: Any) -> Schedule:
    """Return the schedule of a name with these settings, or a given one with these settings changed.

    Raises
    ------
    UsageError
        Where the name or a setting is unknown, or a setting is missing or out of its range.

    Examples
    --------
    >>> schedule("cosine", epochs=20)
    Cosine(epochs=20, floor=0.0)
    """
    return look_up("schedule", SCHEDULES, given, settings)
