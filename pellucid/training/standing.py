"""Epochs that have ended, and how each compares with those before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from pellucid.training.checkpoint import Progress
from pellucid.training.metric import Metric


class Ended(NamedTuple):
    """What a record of the history begins with: the epoch's number, the steps up to its end, its mean loss and rate."""

    epoch: int
    step: int
    loss: float
    learning_rate: float | None


@dataclass
class Standing:
    """How an epoch compares with those before it: the part of :class:`Progress` that its value changes."""

    best: Mapping[str, np.ndarray]
    best_value: float
    best_epoch: int
    counted_value: float
    waited: int

    @staticmethod
    def of(progress: Progress) -> Standing:
        """Return how things stand."""
        counted = progress.counted_value, progress.waited
        return Standing(progress.best, progress.best_value, progress.best_epoch, *counted)

    def hear(self, watched: Metric, value: float, by: float, epoch: int, parameters: Mapping[str, np.ndarray]) -> None:
        """Learn the value of the watched metric after an epoch; it counts where it is better by more than `by`."""
        first = self.best_epoch == 0
        better = first or watched.is_better(value, self.best_value)
        alike = by == 0 and self.counted_value == self.best_value
        counts = better if alike else first or watched.is_better(value, self.counted_value, by)
        if better:
            self.best, self.best_value, self.best_epoch = parameters, value, epoch
        if counts:
            self.counted_value, self.waited = value, 0
        else:
            self.waited += 1
