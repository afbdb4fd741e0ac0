"""A training that is run up to one step after the other, to be looked at in between."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from pellucid.errors import TrainingError
from pellucid.training.arrangement import Arrangement
from pellucid.training.checkpoint import Progress
from pellucid.training.events import EpochEnded, Event, Handlers
from pellucid.training.loop import INTERRUPTED, NOT_FINITE, Training


class Walking(Protocol):
    """What goes through a training.

    Attributes
    ----------
    progress : Progress
        Where it stands.
    reason : str or None
        Why the training has ended, as soon as it was asked to go further than it goes.
    error : TrainingError or None
        What it met, if that was the reason.
    """

    reason: str | None
    error: TrainingError | None

    @property
    def progress(self) -> Progress: ...

    def to(self, step: int) -> bool:
        """Go on until so many steps are done in all; say whether there are as many."""


def run_training(training: Training) -> tuple[str, TrainingError | None]:
    """Run a training; return why it ended, and what it met if that was why.

    Raises
    ------
    KeyboardInterrupt
        Where that was why.
    """
    try:
        reason = training.run()
    except TrainingError as error:
        return NOT_FINITE, error
    if reason == INTERRUPTED:
        raise KeyboardInterrupt
    return reason, None


class Walk:
    """A training by steps over mini-batches that stops wherever it is asked to; see :class:`Walking`.

    The bits of what it computes do not depend on where it was stopped.

    Attributes
    ----------
    training : Training
    """

    def __init__(self, arranged: Arrangement, start: Progress):
        self.training: Training = arranged.with_run(resume=start).training()
        self.reason: str | None = None
        self.error: TrainingError | None = None
        self._most = arranged.course.steps

    @property
    def progress(self) -> Progress:
        """Where it stands."""
        return self.training.progress

    def to(self, step: int) -> bool:
        """Go on until so many steps are done in all; say whether there are as many."""
        training = self.training
        limit = step if self._most is None else min(step, self._most)
        if self.reason is None and training.progress.step < limit:
            training.plan = replace(training.plan, steps=limit)
            reason, self.error = run_training(training)
            if training.progress.step < limit:
                self.reason = reason
        if self.reason is None and limit < step:
            self.reason = training.ran_out()
        return training.progress.step >= step


class Iterations:
    """A training by L-BFGS, whose iterations are its steps, run from the beginning: its memory is nowhere else.

    Parameters
    ----------
    arranged : Arrangement
    steps : int or None
        After how many to stop.
    tell : callable
        Told of where the training stands after each iteration.

    Attributes
    ----------
    training : Training
    progress : Progress
    reason : str
    error : TrainingError or None
    """

    def __init__(self, arranged: Arrangement, steps: int | None, tell: Callable[[Progress], None]):
        def after(event: Event) -> None:
            if isinstance(event, EpochEnded) and event.training is not None:
                tell(event.training.progress)

        given = arranged if steps is None else arranged.with_course(steps=steps)
        self.training = given.training(Handlers(after))
        self.reason, self.error = run_training(self.training)
        self.progress = self.training.progress
