"""What is to be learned by an estimator, and what has come out: of one network, or of an ensemble's members."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.data.dataset import Dataset
from pellucid.estimators.stopping import Stopping
from pellucid.random import words
from pellucid.training.checkpoint import Progress
from pellucid.training.events import Event, Handler
from pellucid.training.loop import Training


@dataclass(frozen=True)
class Problem:
    """What is to be learned.

    Attributes
    ----------
    learning : Dataset
    validation : Dataset or None
        By which the best parameters are chosen.
    judged : bool
        Whether training stops by the validation part, rather than by the training loss.
    metric : str
        What the validation part is judged by.
    """

    learning: Dataset
    validation: Dataset | None = None
    judged: bool = False
    metric: str = "loss"


@dataclass(frozen=True)
class Learned:
    """What came out.

    Attributes
    ----------
    progress : Progress
        The last parameters, the optimizer's state and the history.
    parameters : dict of ndarray
        The best ones where there was validation, the last ones otherwise.
    losses : list of float
        The loss with its penalty, epoch by epoch of this training.
    records : list of dict
        The history of this training.
    watched : str
        The entry of a record that the best parameters were chosen by.
    higher_is_better : bool
    reason : str
        Why it ended.
    members : tuple of Learned
        Of an ensemble, what came out of each member. All else is then that of the first one, but the parameters, which
        are those of all: see :func:`pellucid.nn.ensemble.ensemble_parameters`.
    """

    progress: Progress
    parameters: dict[str, np.ndarray]
    losses: list[float]
    records: list[dict[str, Any]]
    watched: str
    higher_is_better: bool
    reason: str
    members: tuple[Learned, ...] = ()

    @property
    def each(self) -> tuple[Learned, ...]:
        """What came out of each network, also where there is a single one."""
        return self.members or (self,)


class OneAtATime:
    """A callback that members of an ensemble tell by turns, as each learns in a thread of its own."""

    def __init__(self, callback: Handler, lock: threading.Lock):
        self._callback, self._lock = callback, lock
        self.every_step = bool(getattr(callback, "every_step", False))

    def __call__(self, event: Event) -> None:
        with self._lock:
            self._callback(event)


@dataclass(frozen=True)
class TrainedMember:
    """What is known of the training of one network of an ensemble.

    Attributes
    ----------
    seed : int
    loss_curve : list of float
        The loss with its penalty, epoch by epoch.
    records : list of dict
        What was recorded of each epoch.
    reason : str
        Why training ended.
    """

    seed: int
    loss_curve: list[float]
    records: list[dict[str, Any]]
    reason: str


def member_seeds(seed: int, members: int) -> list[int]:
    """Return the seeds of an ensemble's members: that of the first one is the seed itself.

    Examples
    --------
    >>> member_seeds(7, 1)
    [7]
    >>> len(set(member_seeds(7, 50)))
    50
    """
    drawn = words(seed, "members of an ensemble", 0, max(members - 1, 0)) >> np.uint32(1)
    return [seed, *drawn.tolist()]


@dataclass(frozen=True)
class Lesson:
    """One network's training: how it is stopped, and how many epochs there were before."""

    training: Training
    stopping: Stopping
    before: int

    def learned(self, reason: str) -> Learned:
        """Return what has come out."""
        plan, progress = self.training.plan, self.training.progress
        validated = plan.validation is not None and progress.best_epoch > self.before
        return Learned(
            progress=progress,
            parameters=dict(progress.best if validated else progress.parameters),
            losses=self.stopping.losses,
            records=progress.records[self.before :],
            watched=plan.watched_key,
            higher_is_better=plan.watched.higher_is_better,
            reason=reason,
        )
