"""Snapshots of a training: so many as memory allows, evenly spaced however long it becomes."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping

import numpy as np

from pellucid.optim.settings import check_number
from pellucid.training.checkpoint import Progress

MEMORY = 2**28
"""About how many bytes snapshots take at most."""

MOST = 256
"""More of them are no use: to run so small a part of a training again takes no time."""


class Snapshots:
    """Where a training stood after some of its steps.

    The steps between two of them are doubled, and every other one is dropped, whenever there are too many.

    Parameters
    ----------
    beginning : Progress
    memory : int
        About how many bytes they may take.
    """

    def __init__(self, beginning: Progress, memory: int = MEMORY):
        check_number("memory", memory, "[0, inf)")
        self.spacing = 1
        self._found = {beginning.step: settled(beginning)}
        self._steps = sorted(self._found)
        self._kept = set(self._found)
        self._memory = memory

    def __len__(self) -> int:
        return len(self._found)

    def keep(self, found: Iterable[Progress]) -> None:
        """Take up where the training stood, as from a checkpoint, for good."""
        for progress in found:
            self._found[progress.step] = progress
            self._kept.add(progress.step)
        self._steps = sorted(self._found)

    def next_after(self, step: int) -> int:
        """Return the step after which the next snapshot is due."""
        return (step // self.spacing + 1) * self.spacing

    def offer(self, progress: Progress) -> None:
        """Take up where the training stands, if a snapshot is due."""
        step = progress.step
        if step in self._found or step % self.spacing:
            return
        self._found[step] = taken = settled(progress)
        limit = max(2, min(MOST, self._memory // max(1, size_of(taken))))
        while len(self._found) - len(self._kept) > limit:
            self.spacing *= 2
            self._found = {at: found for at, found in self._found.items() if at in self._kept or at % self.spacing == 0}
        self._steps = sorted(self._found)

    def last_before(self, step: int) -> Progress:
        """Return the last one that stands at this step or before it."""
        return self._found[self._steps[bisect_right(self._steps, step) - 1]]


def settled(progress: Progress) -> Progress:
    """Return the same with its arrays made, which may have been left for later."""
    return progress.changed(parameters=dict(progress.parameters), state=dict(progress.state), best=dict(progress.best))


def size_of(progress: Progress) -> int:
    """Return how many bytes the arrays take."""

    def of(arrays: Mapping[str, np.ndarray]) -> int:
        return sum(array.nbytes for array in arrays.values())

    return of(progress.parameters) + of(progress.state) + of(progress.best)
