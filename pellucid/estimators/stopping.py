"""When learning stops, and how its rate falls: scikit-learn's rules, told of every epoch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from pellucid.optim.schedules import Schedule
from pellucid.training.events import EpochEnded, Event, TrainingStarted

SMALLEST_RATE = 1e-6
"""A learning rate at or below it is not divided once more."""


class Stopping:
    """A handler that counts epochs without a better value; it stops training, or divides the learning rate by 5.

    An epoch counts where its value is not better than the best so far by `tol` at least; more than `patience` of them
    in a row are too many.

    Parameters
    ----------
    watched : str or None
        The entry of the history to judge by; None for the loss with its penalty.
    higher_is_better : bool
    tol, patience : float
    adaptive : bool
        Whether the rate is divided, as long as it is above 1e-6, instead of stopping.
    learning_rate : float
    penalty : callable
        From parameters by path to the penalty on them.
    whole : bool
        Whether an epoch's loss is that of the parameters after it, as L-BFGS tells it; otherwise the penalty is that of
        the parameters with which the epoch began.
    verbose : bool
        Whether to print a line an epoch.

    Attributes
    ----------
    losses : list of float
        The loss with its penalty, epoch by epoch.
    factor : float
        What multiplies the learning rate.
    """

    def __init__(
        self,
        *,
        watched: str | None,
        higher_is_better: bool,
        tol: float,
        patience: float,
        adaptive: bool,
        learning_rate: float,
        penalty: Callable[[Mapping[str, np.ndarray]], float],
        whole: bool,
        verbose: bool,
    ):
        self.watched, self.sign, self.tol, self.patience = watched, 1.0 if higher_is_better else -1.0, tol, patience
        self.adaptive, self.learning_rate, self.penalty = adaptive, learning_rate, penalty
        self.whole, self.verbose = whole, verbose
        self.losses: list[float] = []
        self.factor = 1.0
        self._best = -np.inf
        self._waited = 0
        self._penalty = 0.0

    def __call__(self, event: Event) -> None:
        if isinstance(event, TrainingStarted):
            self._penalty = self.penalty(event.parameters)
        elif isinstance(event, EpochEnded):
            after = self.penalty(event.parameters)
            self.losses.append(event.record["loss"] + (after if self.whole else self._penalty))
            self._penalty = after
            if self.verbose:
                print(_line(event.record, self.losses[-1]))
            self._judge(event)

    def _judge(self, event: EpochEnded) -> None:
        value = self.sign * (self.losses[-1] if self.watched is None else event.record[self.watched])
        self._waited = self._waited + 1 if not value >= self._best + self.tol else 0
        self._best = max(self._best, value)
        if self.whole or self._waited <= self.patience:
            return
        if self.adaptive and self.learning_rate * self.factor > SMALLEST_RATE:
            self.factor, self._waited = self.factor / 5.0, 0
        else:
            what = "loss" if self.watched is None else self.watched.replace("_", " ")
            event.stop(f"no better {what} for {self.patience} epochs")


def _line(record: Mapping[str, Any], loss: float) -> str:
    told = [f"{key.replace('_', ' ')} {record[key]:.6g}" for key in record if key.startswith("validation_")]
    return ", ".join([f"Iteration {record['epoch']}, loss = {loss:.8f}", *told])


@dataclass(frozen=True)
class Adaptive(Schedule):
    """The factor of a :class:`Stopping`."""

    name: ClassVar[str] = "adaptive"
    stopping: Any

    def factors_at(self, steps: np.ndarray, steps_per_epoch: int, state: Mapping[str, float]) -> np.ndarray:
        return np.full(len(steps), self.stopping.factor)


@dataclass(frozen=True)
class InverseScaling(Schedule):
    r"""A fall with the number of examples seen: :math:`1 / (t + 1)^p` after t examples, epoch by epoch.

    Parameters
    ----------
    power : float
        The exponent p.
    examples : int
        How many an epoch has.
    seen : int
        How many there were before epoch `first`.
    first : int
        The epoch from which on `seen` counts.
    fresh : bool
        Whether the first epoch takes the rate as it is.

    Examples
    --------
    >>> InverseScaling(power=0.5, examples=8).factors(0, 3, steps_per_epoch=1)
    array([1.        , 0.33333333, 0.24253563])
    """

    name: ClassVar[str] = "inverse_scaling"
    power: float
    examples: int
    seen: int = 0
    first: int = 0
    fresh: bool = True

    def factors_at(self, steps: np.ndarray, steps_per_epoch: int, state: Mapping[str, float]) -> np.ndarray:
        epochs = steps // steps_per_epoch - self.first
        factors = (self.seen + epochs * self.examples + 1.0) ** -self.power
        return np.where(self.fresh & (epochs == 0), 1.0, factors)
