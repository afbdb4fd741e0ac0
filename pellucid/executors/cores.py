"""How many cores there are for the work at hand."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

PROMPT_SECONDS = 0.0005
"""How long a thread that runs Python may keep others waiting."""

_of_thread = threading.local()
_prompt: list[float] = []
_changing = threading.Lock()


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


@contextmanager
def prompt_threads() -> Iterator[None]:
    """Let threads of this process take turns in Python ten times as often as usual.

    A thread that comes back from machine code waits until whoever runs Python lets it go on. Where that is writing the
    code of another network, for some 50 ms, each such wait takes Python's usual 5 ms: many times what training a small
    network takes. It is a setting of the whole process, and taken back when the last of those who asked for it is done.

    Examples
    --------
    >>> import sys
    >>> before = sys.getswitchinterval()
    >>> with prompt_threads():
    ...     sys.getswitchinterval() < before
    True
    >>> sys.getswitchinterval() == before
    True
    """
    with _changing:
        if not _prompt:
            _prompt.append(sys.getswitchinterval())
            sys.setswitchinterval(min(_prompt[0], PROMPT_SECONDS))
        else:
            _prompt.append(_prompt[0])
    try:
        yield
    finally:
        with _changing:
            before = _prompt.pop()
            if not _prompt:
                sys.setswitchinterval(before)
