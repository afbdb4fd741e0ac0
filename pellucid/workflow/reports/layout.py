"""Text for terminals of any width and for pipes: what all views have in common."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text

PERCENTAGES = (
    *("accuracy", "balanced_accuracy", "exact_match", "label_accuracy"),
    *("precision", "recall"),
)
"""Metrics that are shown in percent."""

NARROW = 60
"""In fewer columns than these, what does not fit beside its name goes below it."""


def as_text(view: RenderableType, width: int = 80) -> str:
    """Return a view as plain text."""
    console = Console(width=width, color_system=None, force_terminal=False, highlight=False, markup=False)
    with console.capture() as capture:
        console.print(view)
    return "\n".join(line.rstrip() for line in capture.get().splitlines()) + "\n"


def printable(text: object) -> str:
    """Return text in which nothing but letters reaches a terminal: control characters are shown by their codes."""
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in str(text))


def list_words(words: Iterable[object], most: int) -> str:
    """Return words with commas between them, of many the first.

    Examples
    --------
    >>> list_words(range(9), 3)
    '0, 1, 2, ... (9)'
    """
    told = [printable(word) for word in words]
    return ", ".join(told[:most]) + (f", ... ({len(told)})" if len(told) > most else "")


def count_things(count: int, thing: str, things: str | None = None) -> str:
    """Return a number of things in words.

    Examples
    --------
    >>> count_things(1, "row"), count_things(2000, "row"), count_things(2, "category", "categories")
    ('1 row', '2,000 rows', '2 categories')
    """
    return f"{count:,} {thing if count == 1 else things or thing + 's'}"


def view_facts(facts: Sequence[tuple[str, str]]) -> Grid:
    """Lay out named facts, the names in a column of their own."""
    grid = Grid.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="bold", width=max([8, *(len(name) for name, _ in facts)]))
    grid.add_column(overflow="fold")
    for name, told in facts:
        grid.add_row(name, Text(told))
    return grid


class Rows:
    """Rows of cells in columns; where they do not fit into a narrow terminal, each row's last cell goes below it.

    Parameters
    ----------
    rows : sequence of sequence of str
        Of equal lengths.
    right : collection of int
        The columns that end at the right.
    style : str
        Of the last cell.
    """

    def __init__(self, rows: Sequence[Sequence[str]], right: Sequence[int] = (), style: str = ""):
        self.rows, self.right, self.style = rows, right, style

    def __rich_console__(self, console: Any, options: Any) -> Iterable[RenderableType]:
        widths = [max(map(cell_len, column)) for column in zip(*self.rows, strict=True)]
        below = options.max_width < NARROW and sum(widths) + 2 * len(widths) > options.max_width
        yield Padding(self._below() if below else self._beside(), (0, 0, 0, 2))

    def _beside(self) -> Grid:
        grid = Grid.grid(padding=(0, 2, 0, 0))
        last = len(self.rows[0]) - 1 if self.rows else 0
        for place in range(last + 1):
            justify: Any = "right" if place in self.right else "left"
            style = self.style if place == last else ""
            ratio = 2 if place == 0 else 3 if place == last else None
            grid.add_column(overflow="fold", justify=justify, style=style, no_wrap=0 < place < last, ratio=ratio)
        for row in self.rows:
            grid.add_row(*map(Text, row))
        return grid

    def _below(self) -> Grid:
        grid = Grid.grid()
        grid.add_column(overflow="fold")
        for *first, last in self.rows:
            grid.add_row(Text("  ".join(cell for cell in first if cell)))
            if last:
                grid.add_row(Padding(Text(last, style=self.style), (0, 0, 0, 2)))
        return grid


def show_number(metric: str, value: float) -> str:
    """Return a metric's value as people read it: shares in percent, others with four digits."""
    if not math.isfinite(value):
        return "undefined"
    return f"{100 * value:.1f}%" if metric in PERCENTAGES else write_digits(value, 4)


def show_bound(metric: str, value: float) -> str:
    """Return the bound of an interval."""
    return f"{100 * value:.1f}" if metric in PERCENTAGES else write_digits(value, 3)


def write_digits(value: float, digits: int) -> str:
    """Return a number with so many digits; thousands and millions are written out.

    Examples
    --------
    >>> [write_digits(number, 3) for number in (44361.7, -0.012345, 12.3456, 1.5e12)]
    ['44,400', '-0.0123', '12.3', '1.5e+12']
    """
    rounded = float(f"{value:.{digits}g}")
    return f"{rounded:,.0f}" if 10 ** (digits - 1) <= abs(rounded) < 1e9 else f"{value:.{digits}g}"
