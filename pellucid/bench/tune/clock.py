"""The clock of a contestant."""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Clock:
    """Seconds since a contestant began.

    Attributes
    ----------
    began : float
        By ``time.monotonic()``, which all processes of a machine share.
    """

    began: float

    @classmethod
    def start(cls) -> Clock:
        """Return a clock that begins now."""
        return cls(time.monotonic())

    def __call__(self) -> float:
        return time.monotonic() - self.began
