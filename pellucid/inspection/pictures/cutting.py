"""Cutting convex cells, intervals or polygons, where linear functions change their sign."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pellucid.errors import UsageError

MOST_REGIONS = 50_000
"""More pieces than this are not looked for."""

MOST_NUMBERS = 50_000_000
"""The pieces of a cell, with the values of all functions at their corners, take no more numbers than this."""

TOLERANCE = 1e-9
"""Of a function's largest value: nearer to 0 than that, a corner lies on the cut."""


@dataclass(frozen=True, eq=False)
class Cell:
    """A convex piece of a line or a plane.

    Attributes
    ----------
    corners : ndarray [corners, 1 or 2]
        In order around it; the two ends of an interval.
    active : ndarray of bool [units]
        On which side of each cut so far it lies.
    """

    corners: np.ndarray
    active: np.ndarray

    @property
    def center(self) -> np.ndarray:
        """A point inside: the mean of the corners."""
        return self.corners.mean(axis=0)

    @property
    def size(self) -> float:
        """The length of an interval, the area of a polygon."""
        if self.corners.shape[1] == 1:
            return float(np.ptp(self.corners))
        x, y = (self.corners - self.corners[0]).T
        return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)


def box(limits: tuple[tuple[float, float], ...]) -> Cell:
    """Return the interval, or the rectangle, between limits.

    Examples
    --------
    >>> box(((0.0, 2.0), (0.0, 3.0))).size
    6.0
    """
    if len(limits) == 1:
        return Cell(np.array(limits).T, np.zeros(0, bool))
    (left, right), (low, high) = limits
    return Cell(np.array([[left, low], [right, low], [right, high], [left, high]]), np.zeros(0, bool))


def cut_cell(cell: Cell, values: np.ndarray, tolerance: np.ndarray) -> list[Cell]:
    """Return the pieces of a cell in which no function changes its sign.

    Parameters
    ----------
    cell : Cell
    values : ndarray [corners, functions]
        Of functions that are linear in the cell, at its corners.
    tolerance : ndarray [functions]
        What counts as 0.

    Returns
    -------
    list of Cell
        With the signs of the functions, True above 0, behind those that the cell had.

    Raises
    ------
    UsageError
        Where there are more pieces than can be looked at.

    Examples
    --------
    >>> corners = np.array([[0.0], [4.0]])
    >>> pieces = cut_cell(Cell(corners, np.zeros(0, bool)), corners - 1.0, np.array([1e-9]))
    >>> [(piece.corners.ravel().tolist(), piece.active.tolist()) for piece in pieces]
    [([0.0, 1.0], [False]), ([1.0, 4.0], [True])]
    """
    dimensions = cell.corners.shape[1]
    changing = np.flatnonzero((values.max(axis=0) > tolerance) & (values.min(axis=0) < -tolerance))
    pieces = [np.hstack([cell.corners, values[:, changing]])]
    for place, number in enumerate(changing):
        cut: list[np.ndarray] = []
        for piece in pieces:
            cut += _cut(piece, dimensions + place, float(tolerance[number]))
        pieces = cut
        require_few(len(pieces), f"{len(changing):,} units", sum(len(piece) for piece in pieces) * pieces[0].shape[1])
    sides = np.tile(values.mean(axis=0) > 0, (len(pieces), 1))
    for side, piece in zip(sides, pieces, strict=True):
        side[changing] = piece[:, dimensions:].mean(axis=0) > 0
    return [
        Cell(piece[:, :dimensions], np.concatenate([cell.active, side]))
        for piece, side in zip(pieces, sides, strict=True)
    ]


def require_few(regions: int, what: str, numbers: int = 0) -> None:
    """Raise a UsageError where there are too many regions, so far, of some units or up to some layer."""
    if regions > MOST_REGIONS or numbers > MOST_NUMBERS:
        fix = "Choose narrower limits or a smaller network."
        raise UsageError("too many linear regions", got=f"{regions:,} or more of {what}", fix=fix)


def _cut(piece: np.ndarray, column: int, tolerance: float) -> list[np.ndarray]:
    """Return the parts of a piece below and above 0 in a column, or the piece where all of it is on one side."""
    heights = piece[:, column]
    if heights.max() <= tolerance or heights.min() >= -tolerance:
        return [piece]
    below, above = [], []
    edges = len(piece) if len(piece) > 2 else 1  # an interval has one edge
    for number, (here, height) in enumerate(zip(piece, heights, strict=True)):
        if height <= tolerance:
            below.append(here)
        if height >= -tolerance:
            above.append(here)
        following = (number + 1) % len(piece)
        if (
            number < edges
            and min(height, heights[following]) < -tolerance
            and max(height, heights[following]) > tolerance
        ):
            between = here + (piece[following] - here) * (height / (height - heights[following]))
            between[column] = 0.0
            below.append(between)
            above.append(between)
    return [np.array(below), np.array(above)]
