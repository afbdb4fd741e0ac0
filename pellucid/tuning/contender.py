"""A training as a contender: it learns up to a number of epochs, is judged on the way, and may go on later."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from pellucid.training.full_batch import LBFGSTraining
from pellucid.training.loop import EPOCHS_RAN_OUT, INTERRUPTED, Training
from pellucid.tuning.trial import MemberResult

JUDGED = 12
"""After so many epochs a training is judged that does not stop early, its last one included."""

COPIES = 4
"""The arrays that a training holds for each parameter: itself, what the optimizer remembers, and its best value."""

Score = Callable[[Mapping[str, Any]], float]
"""From a network's parameters by path to the metric on the examples held out."""


class TrainingContender:
    """A training that is judged by examples held out.

    With a validation part in the training itself, every epoch is judged by it, and the value is the best of them: that
    is how a training with early stopping is used. Otherwise `score` judges the network after some of its epochs, and
    the value is the last one.

    Parameters
    ----------
    training : Training
        Not begun yet.
    metric : str
        The metric that its validation part is judged by, as the history names it: ``rmse``.
    score : callable, optional
        ``score(parameters)``, for a training without a validation part.
    """

    def __init__(self, training: Training, metric: str, score: Score | None = None):
        if (score is None) == (training.plan.validation is None):
            raise ValueError("a contender is judged by its validation part, or else by a score")
        self.training, self.score = training, score
        self.epochs = training.plan.epochs
        self.ended = False
        self.size = _bytes_of(training)
        self._key = f"validation_{metric}"
        self._judged: dict[int, float] = {}
        self._seconds = 0.0
        self._begun = False

    def learn(self, epochs: int, seconds: float) -> bool:
        """Learn for about so many seconds, until so many epochs have passed at most; say whether they have.

        L-BFGS cannot be stopped on its way, and learns to its end.
        """
        began = time.perf_counter()
        try:
            return self._learn(min(epochs, self.epochs), began + seconds)
        finally:
            self._seconds += time.perf_counter() - began

    def _learn(self, until: int, deadline: float) -> bool:
        training = self.training
        if not self._begun:
            self._begun = True
            self.ended = training.begin() is not None
        while not self.ended and training.progress.epoch < until:
            left = deadline - time.perf_counter()
            if left <= 0:
                return False
            self._advance(self.epochs if isinstance(training, LBFGSTraining) else self._next_stop(until), left)
        if self.score is not None and training.progress.epoch not in self._judged:
            self._judge()
        return True

    def _advance(self, stop: int, seconds: float) -> None:
        """Learn a part of the epochs up to the next one after which there is something to do."""
        training = self.training
        if training.plan.epochs != stop:
            training.plan = replace(training.plan, epochs=stop)
        reason = training.advance(seconds)
        if reason == INTERRUPTED:
            raise KeyboardInterrupt
        epoch = training.progress.epoch
        self.ended = epoch >= self.epochs or reason not in (None, EPOCHS_RAN_OUT)
        if self.score is not None and epoch == stop:
            self._judge()

    def _next_stop(self, until: int) -> int:
        """Return the epoch up to which it learns in one go."""
        if self.score is None:
            return until
        epoch, step = self.training.progress.epoch, max(1, -(-self.epochs // JUDGED))
        return min(until, (epoch // step + 1) * step)

    def _judge(self) -> None:
        assert self.score is not None
        self._judged[self.training.progress.epoch] = self.score(self.training.progress.parameters)

    def result(self) -> MemberResult:
        """Return what it has brought up to now: of no epoch, a value that is no number."""
        progress = self.training.progress
        if self.score is not None:
            curve = tuple(self._judged.items())
            value, best = (curve[-1][1], curve[-1][0]) if curve else (float("nan"), 0)
        else:
            curve = tuple((record["epoch"], record[self._key]) for record in progress.records)
            best = progress.best_epoch
            value = curve[best - 1][1] if best else float("nan")
        return MemberResult(value, progress.epoch, best, self._seconds, curve)


def _bytes_of(training: Training) -> int:
    network = training.plan.evaluator.network
    return COPIES * network.count_parameters() * network.dtype.numpy.itemsize
