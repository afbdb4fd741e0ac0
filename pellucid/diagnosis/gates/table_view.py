"""Tables as gates look at them: cells as numbers, words as codes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pellucid.data.roles import Role
from pellucid.data.tables.columns import Column
from pellucid.data.tables.table import Table
from pellucid.data.targets import fit_targets
from pellucid.data.task import Task
from pellucid.diagnosis.gates.data_view import MOST_ROWS, View
from pellucid.errors import DataError, nearest
from pellucid.random import permutation


@dataclass(frozen=True, eq=False)
class TableView:
    """A table as gates look at it.

    Attributes
    ----------
    view : View
        The columns to learn from, and those that are constant.
    test : View or None
        The same columns of the test; its targets are not read.
    numbers : ndarray of bool [columns]
        Which columns are numbers or dates.
    used, keys, numbering : tuple of str
        The columns to learn from, those left out because they tell rows apart, and those to learn from that do nothing
        but count.
    with_gaps : View
        The columns to learn from, with a column for each of them that has gaps, which says where they are.
    """

    view: View
    test: View | None
    numbers: np.ndarray
    used: tuple[str, ...]
    keys: tuple[str, ...]
    numbering: tuple[str, ...]
    with_gaps: View


def view_of_table(table: Table, task: Task, roles: Sequence[Role], test: Table | None, seed: int) -> TableView:
    """Return a table as gates look at it: at most 4,000 of its rows, by the seed.

    Raises
    ------
    DataError
        Where the test has no such column, or one of another kind.
    """
    numbering = tuple(role.name for role in roles if role.used and _counts(table[role.name]))
    some, tested = _some(table, seed), None if test is None else _some(test, seed)
    shown = [role for role in roles if role.used or role.kind == "constant"]
    pairs = [_cells(some, tested, role.name) for role in shown]
    names = tuple(role.name for role in shown)
    numbers = np.array([_is_number(role, table[role.name]) for role in shown], bool)
    targets = fit_targets(some, task, standardize=False)
    target = targets.read(some).reshape(len(some), -1).astype(np.float64)
    values = _columns([here for here, _ in pairs], len(some))
    view = View(names, values, ~numbers, target, task.kind, np.ones(len(some)))
    other = None
    if tested is not None:
        there = _columns([cells for _, cells in pairs if cells is not None], len(tested))
        nothing, ones = np.zeros((len(tested), target.shape[1])), np.ones(len(tested))
        other = replace(view, values=there, target=nothing, weights=ones)
    keys = tuple(role.name for role in roles if role.kind == "key")
    used = tuple(role.name for role in roles if role.used)
    return TableView(view, other, numbers, used, keys, numbering, _with_gaps(view, some))


def _is_number(role: Role, column: Column) -> bool:
    return column.kind in ("number", "date") and role.kind in ("number", "date", "constant")


def _some(table: Table, seed: int) -> Table:
    if len(table) <= MOST_ROWS:
        return table
    return table.take(np.sort(permutation(seed, "gates, rows", 0, len(table))[:MOST_ROWS]))


def _counts(column: Column) -> bool:
    """Say whether a column does nothing but number the rows."""
    if not column.whole or column.missing.any() or len(column.values) < 10:
        return False
    low, high = column.values.min(), column.values.max()
    return bool(high - low == len(column.values) - 1 and len(np.unique(column.values)) == len(column.values))


def _columns(columns: Sequence[np.ndarray], rows: int) -> np.ndarray:
    return np.column_stack(columns) if columns else np.empty((rows, 0))


def _cells(table: Table, test: Table | None, name: str) -> tuple[np.ndarray, np.ndarray | None]:
    """Return a column's cells as numbers, in the table and in the test; words have the same code in both."""
    column = table[name]
    other = None
    if test is not None:
        if name not in test:
            raise DataError(f"the test has no column {name!r}", where=test.path, fix=nearest(name, test.names))
        other = test[name]
    if column.kind in ("number", "date", "boolean"):
        if other is not None and other.kind != column.kind and not other.missing.all():
            got, expected = f"a column of kind {other.kind}", f"{column.kind}, as in the table"
            raise DataError("a column of another kind", where=f"the test, column {name!r}", got=got, expected=expected)
        return _as_numbers(column), None if other is None else _as_numbers(other)
    words = {word: float(place) for place, word in enumerate(column.distinct)}
    return _codes(column, words), None if other is None else _codes(other, words)


def _as_numbers(column: Column) -> np.ndarray:
    if column.kind == "date":
        days: Any = (column.values - np.datetime64("2000-01-01", "us")) / np.timedelta64(1, "D")
        return np.where(column.missing, np.nan, days)
    if column.kind == "text":  # no value at all
        return np.full(len(column.values), np.nan)
    return np.where(column.missing, np.nan, column.values.astype(np.float64))


def _codes(column: Column, words: dict[Any, float]) -> np.ndarray:
    """Return the code of each cell; new words have codes of their own."""
    known = dict(words)
    values = column.values.tolist()
    codes = [known.setdefault(value, float(len(known))) for value in values]
    return np.where(column.missing, np.nan, codes)


def _with_gaps(view: View, table: Table) -> View:
    """Return the view with a column of 0 and 1 for each that has gaps: where they are may give the target away."""
    gaps = [name for name in view.names if 0 < table[name].missing.sum() < len(table)]
    values = np.column_stack([view.values, *(table[name].missing.astype(np.float64) for name in gaps)])
    coded = np.concatenate([view.coded, np.ones(len(gaps), bool)])
    names = (*view.names, *(f"whether {name} is missing" for name in gaps))
    return replace(view, names=names, values=values, coded=coded)
