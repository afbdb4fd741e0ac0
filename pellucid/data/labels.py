"""Several labels in one cell, as in ``red;blue``."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pellucid.data.tables.columns import Column, shorten
from pellucid.data.tables.table import Table
from pellucid.errors import DataError, nearest


def split_labels(cell: object, separator: str) -> list[str]:
    """Return the labels in a cell, without spaces around them; empty ones do not count.

    Examples
    --------
    >>> split_labels("red; blue;", ";")
    ['red', 'blue']
    """
    return [label.strip() for label in _spell(cell).split(separator) if label.strip()]


def _spell(cell: object) -> str:
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))  # a missing cell among whole numbers makes floats of them
    return str(cell).lower() if isinstance(cell, bool) else str(cell)


def find_labels(column: Column, separator: str) -> tuple[str, ...]:
    """Return all labels in the cells of a column, sorted."""
    return tuple(sorted({label for cell in column.distinct for label in split_labels(cell, separator)}))


def read_labels(table: Table, name: str, labels: Sequence[str], separator: str) -> np.ndarray:
    """Return which labels each row has, float64 [rows, labels]; a missing cell has none.

    Raises
    ------
    DataError
        Where a cell holds another label: with file and line.

    Examples
    --------
    >>> table = Table.from_columns({"color": ["red;blue", None, "blue"]})
    >>> read_labels(table, "color", ["blue", "red"], ";").tolist()
    [[1.0, 1.0], [0.0, 0.0], [1.0, 0.0]]
    """
    column = table[name]
    places = {label: place for place, label in enumerate(labels)}
    found = np.zeros((len(table), len(labels)))
    for row, cell in enumerate(column.values.tolist()):
        for label in [] if column.missing[row] else split_labels(cell, separator):
            if label not in places:
                raise DataError(
                    "a label that was not there in training",
                    where=table.where(row, name),
                    got=shorten(label),
                    fix=nearest(label, labels),
                )
            found[row, places[label]] = 1
    return found
