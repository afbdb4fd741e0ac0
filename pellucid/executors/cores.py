"""How many cores there are for the work at hand."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_of_thread = threading.local()


def usable_cores() -> int:
    """Return how many cores this process may use.

    Examples
    --------
    >>> usable_cores() >= 1
    True
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def cores_of_thread() -> int:
    """Return how many cores one network may use that this thread trains."""
    return getattr(_of_thread, "count", None) or usable_cores()


@contextmanager
def share_of_cores(threads: int) -> Iterator[None]:
    """Leave this thread its share of the cores, as so many threads train networks side by side.

    Examples
    --------
    >>> with share_of_cores(usable_cores()):
    ...     cores_of_thread()
    1
    """
    before = getattr(_of_thread, "count", None)
    _of_thread.count = max(1, usable_cores() // threads)
    try:
        yield
    finally:
        _of_thread.count = before
