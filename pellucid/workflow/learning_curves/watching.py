"""A line of progress for trainings of which there are many."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Watcher = Callable[[int, int], None]


@contextmanager
def watched(show: bool | None, limit: float) -> Iterator[Watcher | None]:
    """Yield what is told how many trainings are done, of how many; None where nobody watches.

    Parameters
    ----------
    show : bool, optional
        By default only where standard error is a terminal.
    limit : float
        Seconds until it ends at the latest.
    """
    if not (sys.stderr.isatty() if show is None else show):
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    began = time.perf_counter()
    text = TextColumn("{task.description}", markup=False)
    with Progress(BarColumn(bar_width=20), text, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("")

        def tell(done: int, total: int) -> None:
            passed = time.perf_counter() - began
            line = f"{done} of {total} trainings  {passed:.0f} s, {max(limit - passed, 0):.0f} s at most"
            bar.update(task, completed=done, total=total, description=line)

        yield tell
