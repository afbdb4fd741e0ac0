"""What Ctrl-C means once there is something to keep."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

INTERRUPTED = "interrupted"


class Finishing:
    """The work after a training: the first Ctrl-C is noted, the second one aborts.

    Attributes
    ----------
    interrupted : bool
        Whether there was one; somebody is waiting then.
    """

    def __init__(self, interrupted: bool, told: Callable[[], None] | None):
        self.interrupted, self.told = interrupted, told
        if interrupted and told is not None:
            told()

    def call(self, work: Callable[[], Any], instead: Callable[[], Any] | None = None) -> Any:
        """Return what `work` returns; interrupted for the first time, what `instead` does, or `work` anew."""
        try:
            return work()
        except KeyboardInterrupt:
            if self.interrupted:
                raise
            self.interrupted = True
            if self.told is not None:
                self.told()
            return (instead or work)()
