"""How time and memory are measured: the same for every candidate."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from pathlib import Path

UNIT_SECONDS = 0.05
"""What is timed at once takes at least so long: else the fastest of many short pieces would flatter the fast ones."""

FEWEST = 2


def smallest_seconds(run: Callable[[], object], seconds: float) -> float:
    """Return how long one call takes at least: the smallest mean of several series of calls.

    Parameters
    ----------
    run : callable
        It is called once before anything counts.
    seconds : float
        How long to measure, about; two series at least.

    Examples
    --------
    >>> 0.001 <= smallest_seconds(lambda: time.sleep(0.001), 0.1) < 0.1
    True
    """
    began = time.perf_counter()
    run()
    count = max(1, math.ceil(min(UNIT_SECONDS, seconds) / max(time.perf_counter() - began, 1e-9)))
    found: list[float] = []
    began = time.perf_counter()
    while len(found) < FEWEST or time.perf_counter() - began < seconds:
        start = time.perf_counter()
        for _ in range(count):
            run()
        found.append((time.perf_counter() - start) / count)
    return min(found)


def seconds_of_epoch(short: float, long: float, epochs: int) -> float:
    """Return the seconds of an epoch, of a call with one epoch and a call with so many more.

    What a call takes besides its epochs falls out; where noise hides the difference, it stays in.

    Examples
    --------
    >>> seconds_of_epoch(1.5, 3.5, 4), seconds_of_epoch(1.5, 1.0, 4)
    (0.5, 0.2)
    """
    return (long - short) / epochs if long > short else long / (1 + epochs)


def resident_bytes(peak: bool = False) -> int | None:
    """Return the memory that this process has in use, or has had at most; None where the system does not tell.

    Examples
    --------
    >>> now, most = resident_bytes(), resident_bytes(peak=True)
    >>> now is None or now <= most
    True
    """
    status = Path("/proc/self/status")
    if status.exists():
        name = "VmHWM:" if peak else "VmRSS:"
        lines = [line.split() for line in status.read_text(encoding="utf-8").splitlines()]
        return next((1024 * int(line[1]) for line in lines if line and line[0] == name), None)
    try:
        import resource
    except ImportError:  # Windows
        return None
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else 1024 * most
