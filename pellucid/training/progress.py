"""What a terminal shows while training runs."""

from __future__ import annotations

import sys
import time
from typing import Any


class ProgressBar:
    """Epochs, loss, metric, examples a second and time left, on one line; silent where there is no terminal.

    Parameters
    ----------
    epochs : int
    show : bool, optional
        By default only where standard error is a terminal.
    """

    def __init__(self, epochs: int, show: bool | None = None):
        self._epochs = epochs
        self._show = show if show is not None else sys.stderr.isatty()
        self._bar: Any = None
        self._last = 0.0
        self._rate = 0.0

    def start(self) -> None:
        """Begin to show."""
        self._last = time.perf_counter()
        if self._show:
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

            self._bar = Progress(
                TextColumn("epoch {task.fields[epoch]}/{task.total:.0f}"),
                BarColumn(bar_width=20),
                TextColumn("{task.fields[told]}"),
                TimeRemainingColumn(compact=True),
                console=Console(stderr=True),
                transient=True,
            )
            self._task = self._bar.add_task("", total=self._epochs, epoch=0, told="")
            self._bar.start()

    def update(self, epochs_done: float, examples: int, told: str) -> None:
        """Show how far training is (a fraction of an epoch counts), and what `examples` took since the last call."""
        now = time.perf_counter()
        passed, self._last = now - self._last, now
        if passed > 0:
            self._rate = 0.8 * self._rate + 0.2 * examples / passed if self._rate else examples / passed
        if self._bar is not None:
            self._bar.update(
                self._task,
                completed=epochs_done,
                epoch=int(epochs_done),
                told=f"{told}  {self._rate:,.0f} examples/s",
            )

    def close(self) -> None:
        """Take the line away."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
