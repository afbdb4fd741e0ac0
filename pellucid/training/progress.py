"""What a terminal shows while training runs."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import Any

_BAR = 20


class ProgressBar:
    """Epochs, loss, metric, examples a second and time left, on one line; silent where there is no terminal.

    Where the terminal is narrow, the bar goes first, then words, then the speed; the line never wraps.

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
        self._first: tuple[float, float] | None = None

    @property
    def shown(self) -> bool:
        """Whether there is a line to be seen."""
        return self._bar is not None

    def start(self) -> None:
        """Begin to show."""
        self._last = time.perf_counter()
        if self._show:
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn
            from rich.table import Column

            self._text = TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True))
            self._graphic = BarColumn(bar_width=_BAR)
            self._bar = Progress(self._text, console=Console(stderr=True), transient=True)
            self._task = self._bar.add_task("", total=self._epochs)
            self._bar.start()

    def update(self, epochs_done: float, examples: int, told: Sequence[str], limit: float | None = None) -> None:
        """Show how far training is (a fraction of an epoch counts), and what `examples` took since the last call.

        Parameters
        ----------
        epochs_done : float
        examples : int
        told : sequence of str
            The loss and, if there is one, the metric, each with its name before the number.
        limit : float, optional
            Seconds until the time limit.
        """
        now = time.perf_counter()
        passed, self._last = now - self._last, now
        if passed > 0:
            self._rate = 0.8 * self._rate + 0.2 * examples / passed if self._rate else examples / passed
        if self._bar is None:
            return
        self._first = self._first or (now - passed, epochs_done)
        began, done_before = self._first
        done = max(epochs_done - done_before, 1e-9)
        left = (self._epochs - epochs_done) * (now - began) / done if epochs_done > done_before else limit
        left = left if left is None or limit is None else min(left, limit)
        width = self._bar.console.width
        line = fitting_line(width, f"epoch {int(epochs_done)}/{self._epochs}", told, self._rate, left)
        self._bar.columns = (self._graphic, self._text) if len(line) + _BAR + 1 <= width else (self._text,)
        self._bar.update(self._task, completed=epochs_done, description=line)

    def close(self) -> None:
        """Take the line away."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


def fitting_line(width: int, epoch: str, told: Sequence[str], rate: float, left: float | None) -> str:
    """Return the fullest line of progress that fits into `width` characters.

    Examples
    --------
    >>> told = ["loss 0.3265", "validation accuracy 0.9366"]
    >>> for width in (90, 70, 50, 30):
    ...     print(fitting_line(width, "epoch 4/100", told, 42811.0, 75.0))
    epoch 4/100  loss 0.3265  validation accuracy 0.9366  42,811 examples/s  1:15 left
    epoch 4/100  loss 0.3265  val. accuracy 0.9366  42,811/s  1:15 left
    epoch 4/100  loss 0.3265  0.9366  1:15 left
    epoch 4/100  loss 0.3265
    """
    rest = [] if left is None else [f"{_clock(left)} left"]
    short = [told[0], *(words.replace("validation", "val.") for words in told[1:])]
    numbers = [told[0], *(words.rpartition(" ")[2] for words in told[1:])]
    speed, short_speed = f"{rate:,.0f} examples/s", f"{rate:,.0f}/s"
    forms = [
        [epoch, *told, speed, *rest],
        [epoch, *short, speed, *rest],
        [epoch, *short, short_speed, *rest],
        [epoch, *numbers, short_speed, *rest],
        [epoch, *numbers, *rest],
        [epoch, told[0]],
    ]
    lines = ["  ".join(form) for form in forms]
    return next((line for line in lines if len(line) <= width), epoch[:width])


def _clock(seconds: float) -> str:
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"
