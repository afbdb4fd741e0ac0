"""What all pictures share: axes to draw on, colours that everybody can tell apart, names that fit."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.errors import UsageError, nearest

FEW_COLORS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442")
"""Colours of up to seven classes. Source: Okabe and Ito, Color Universal Design (2008)."""

MANY_COLORS = (
    "#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6", "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd",
)  # fmt: skip
"""Colours of more classes. Source: Petroff, Accessible color sequences for data visualization (2021)."""

MARKERS = "os^DvP*X<>p"
"""Classes differ by their markers too."""

SEQUENTIAL = "viridis"
"""The colour map of numbers."""

DIVERGING = "PuOr"
"""The colour map of numbers on both sides of 0."""

MOST_DRAWN = 3000
"""Of more examples than this only some are drawn, evenly spaced."""

_LONGEST = 28
_SIDE = 2.15  # inches, of one of several pictures side by side


@dataclass(frozen=True, eq=False)
class Panels:
    """Several pictures side by side.

    ``panels[0]`` is one of them, ``panels["dense_1"]`` the one of this name.

    Attributes
    ----------
    figure : matplotlib Figure
    axes : tuple of matplotlib Axes
    names : tuple of str
        What each shows.
    """

    figure: Any
    axes: tuple[Any, ...]
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.axes)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.axes)

    def __getitem__(self, key: int | str) -> Any:
        if isinstance(key, str) and key not in self.names:
            raise UsageError(f"there is no picture {key!r}", fix=nearest(key, self.names))
        return self.axes[self.names.index(key) if isinstance(key, str) else key]

    def _repr_html_(self) -> str:
        import matplotlib.pyplot as plt

        html = figure_html(self.figure)
        plt.close(self.figure)  # a notebook draws the figures that are open, and would show this one twice
        return html


def figure_html(figure: Any) -> str:
    """Return a figure as SVG for notebooks and pages."""
    import io

    text = io.StringIO()
    figure.savefig(text, format="svg")
    return text.getvalue()[text.getvalue().index("<svg") :]


def axes_for(ax: Any, size: tuple[float, float] = (6.0, 4.5)) -> Any:
    """Return the axes to draw on: the given ones, or those of a new figure of so many inches."""
    if ax is not None:
        return require_axes(ax)
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=size, layout="constrained")[1]


def require_axes(ax: Any) -> Any:
    """Return one Matplotlib axes, or say that something else was given."""
    if not hasattr(ax, "inset_axes"):
        fix = "Pass one of the axes that plt.subplots() returns, or None for a new figure."
        raise UsageError("nothing to draw on", where="ax", got=repr(ax)[:60], fix=fix)
    return ax


def panels_for(ax: Any, names: Sequence[str], columns: int | None = None, side: float = _SIDE) -> Panels:
    """Return axes for several pictures, each with its name: of a new figure, those given, or parts of a single one.

    Parameters
    ----------
    ax : None, Axes, or sequence or array of Axes
    names : sequence of str
    columns : int, optional
        How many stand in a row.
    side : float
        The width of one in inches, where a figure is made.
    """
    count = len(names)
    if ax is not None and not hasattr(ax, "inset_axes"):
        given = [require_axes(found) for found in np.ravel(np.asarray(ax, dtype=object))]
        if len(given) < count:
            raise UsageError(
                "not enough axes", where="ax", got=f"{len(given)}", expected=f"{count}: {', '.join(names)}"
            )
        for unused in given[count:]:
            unused.set_axis_off()
        return Panels(given[0].figure, tuple(given[:count]), tuple(names))
    columns = columns or columns_for(count)
    rows = math.ceil(count / columns)
    if ax is not None:
        axes = _divide(ax, rows, columns)
        for unused in axes[count:]:
            unused.set_axis_off()
        return Panels(ax.figure, tuple(axes[:count]), tuple(names))
    import matplotlib.pyplot as plt

    width = max(6.0, side * columns)
    figure, grid = plt.subplots(
        rows, columns, figsize=(width, 0.35 + rows * width / columns), layout="constrained", squeeze=False
    )
    axes = list(grid.ravel())
    for unused in axes[count:]:
        unused.set_axis_off()
    return Panels(figure, tuple(axes[:count]), tuple(names))


def columns_for(count: int) -> int:
    """Return in how many columns so many pictures stand.

    Examples
    --------
    >>> [columns_for(count) for count in (1, 2, 3, 4, 5, 9, 16, 60)]
    [1, 2, 3, 2, 3, 3, 4, 8]
    """
    return count if count <= 3 else min(8, math.ceil(math.sqrt(count)))


def _divide(ax: Any, rows: int, columns: int) -> list[Any]:
    """Return axes in the place of a single one, which goes blank."""
    ax.set_axis_off()
    spec = ax.get_subplotspec()
    if spec is not None:
        grid = spec.subgridspec(rows, columns)
        return [ax.figure.add_subplot(grid[row, column]) for row in range(rows) for column in range(columns)]
    width, height = 1 / columns, 1 / rows
    return [
        ax.inset_axes([(column + 0.15) * width, 1 - (row + 0.8) * height, 0.8 * width, 0.65 * height])
        for row in range(rows)
        for column in range(columns)
    ]


def class_color(number: int, count: int) -> str:
    """Return the colour of a class among so many."""
    colors = FEW_COLORS if count <= len(FEW_COLORS) else MANY_COLORS
    return colors[number % len(colors)]


def class_marker(number: int) -> str:
    """Return the marker of a class."""
    return MARKERS[number % len(MARKERS)]


def ink() -> Any:
    """Return the colour of the text, which is light on a dark ground."""
    import matplotlib as mpl

    return mpl.rcParams["text.color"]


def outlined(width: float = 2.0, ground: Any = None) -> list[Any]:
    """Return path effects that set text and lines off from the colours behind them."""
    import matplotlib as mpl
    from matplotlib import patheffects

    return [patheffects.withStroke(linewidth=width, foreground=ground or mpl.rcParams["axes.facecolor"])]


def some_rows(count: int, most: int = MOST_DRAWN) -> np.ndarray:
    """Return the numbers of the rows that are drawn of so many.

    Examples
    --------
    >>> some_rows(3), some_rows(10, most=4)
    (array([0, 1, 2]), array([0, 3, 6, 9]))
    """
    return np.arange(count) if count <= most else np.linspace(0, count - 1, most).round().astype(np.int64)


def short(name: str) -> str:
    """Return a name that is not too long for an axis.

    Examples
    --------
    >>> short("x"), short("a name that goes on and on without an end")
    ('x', 'a name that goes on and on …')
    """
    return name if len(name) <= _LONGEST else name[: _LONGEST - 2].rstrip() + " …"


def percent(share: float) -> str:
    """Return a share in percent.

    Examples
    --------
    >>> percent(0.4567), percent(0.00123), percent(1.0), percent(0.0)
    ('46 %', '0.12 %', '100 %', '0 %')
    """
    return f"{100 * share:.2g} %" if 0 < share < 0.1 else f"{100 * share:.0f} %"
