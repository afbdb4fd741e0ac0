"""The columns of an autoencoder: which of a frame it can give back, and how its numbers become cells again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from pellucid.data.encoders.encoding import Encoding, parts_of
from pellucid.data.encoders.front import Front
from pellucid.data.roles import Role
from pellucid.data.tables.table import Table, as_table
from pellucid.errors import UsageError
from pellucid.estimators.features import infer_frame_roles, is_frame, is_lazy, read_features
from pellucid.estimators.rows import count_rows


def read_columns(estimator: Any, x: Any, *, reset: bool, tables: bool | None) -> Any:
    """Return rows as an array or a CSR matrix of numbers, NaN where a cell is missing, or as a Table of other columns.

    Parameters
    ----------
    estimator : estimator
    x : array_like, sparse matrix or data frame
    reset : bool
        Whether the estimator is to take the number of columns and their names from `x`.
    tables : bool or None
        Whether these have to be a Table, as the rows were that were learned from; None to look at the columns.

    Raises
    ------
    ValueError
        Where they are no such thing, or do not fit.
    """
    if tables is None:
        tables = is_frame(x) and not is_lazy(x) and any(column.kind != "number" for column in as_table(x).columns)
    elif tables and not is_frame(x) and not is_lazy(x):
        fix = "Pass a data frame with the same columns."
        raise UsageError("a frame with words or truth values was learned from", where="X", got="an array", fix=fix)
    return read_features(estimator, x, reset=reset, missing=True, frames=tables)


def choose_roles(table: Table) -> tuple[Role, ...]:
    """Decide what each column of a frame is for: all of them have to be given back.

    Raises
    ------
    UsageError
        Where a column holds dates or text, or words that are nearly all different.

    Examples
    --------
    >>> table = Table.from_columns({"size": [1.5, 2.0, 4.0], "color": ["red", "blue", "red"]})
    >>> [role.kind for role in choose_roles(table)]
    ['number', 'category']
    """
    for column in table.columns:
        if column.kind == "date":
            raise _refuse(column.name, "dates", "Encode them as numbers first, or leave the column out.")
    return tuple(_role(table, role) for role in infer_frame_roles(table))


def _role(table: Table, role: Role) -> Role:
    column = table[role.name]
    if role.kind == "constant":
        return Role(role.name, "boolean" if column.kind == "boolean" else "category", role.reason)
    if role.kind in ("text", "key"):
        raise _refuse(role.name, role.reason, "Encode it as numbers or few categories first, or leave it out.")
    return role


def _refuse(name: str, got: str, fix: str) -> UsageError:
    expected = "numbers, truth values or categories"
    message = "an autoencoder can not give such a column back"
    return UsageError(message, where=f"column {name!r}", got=got, expected=expected, fix=fix)


def require_values(encoding: Encoding, count: int, names: Sequence[str] | None) -> None:
    """Raise a UsageError where a column has no value in any of the `count` rows to learn from."""
    gaps = encoding.missing.items()
    empty = next(((place, name) for place, (name, missing) in enumerate(gaps) if missing == count), None)
    if empty is not None:
        place, name = empty
        name = name if names is None else str(names[place])
        raise _refuse(name, "no value in any row to learn from", "Leave the column out.")


def gives_numbers(encoding: Encoding) -> bool:
    """Say whether features are the numbers of the columns, one each, and nothing else."""
    return encoding.front.only_numbers and not encoding.front.other_features


CHUNK = 1024
"""How many rows are taken together."""


def parts_of_rows(x: Any) -> Iterator[Any]:
    """Yield the rows of an array, a CSR matrix or a Table, some at a time."""
    for part in parts_of(count_rows(x), CHUNK):
        yield x.take(np.arange(part.start, part.stop)) if isinstance(x, Table) else x[part]


def restore_cells(front: Front, values: np.ndarray) -> np.ndarray:
    """Return the cells that features stand for.

    Parameters
    ----------
    front : Front
        Of numbers and categories, none of them embedded.
    values : ndarray, [rows, features]
        Numbers in their own units.

    Returns
    -------
    ndarray, [rows, columns]
        Of the dtype of `values` where all columns are numbers, and of objects otherwise. A number is NaN where its
        feature "is missing" is above 1/2. A category is the one with the largest of its features, None where this is
        "is missing".

    Examples
    --------
    >>> from pellucid.data.encoders.front import FrontColumn
    >>> front = Front((FrontColumn("color", "category", ("blue", "red")), FrontColumn("age", "number", indicator=True)))
    >>> front.features
    ('age', 'age is missing', 'color=blue', 'color=red')
    >>> restore_cells(front, np.array([[31.0, 0.1, 0.2, 0.9], [47.0, 0.8, 0.6, 0.3]])).tolist()
    [['red', 31.0], ['blue', nan]]
    """
    cells = np.empty((len(values), len(front.columns)), values.dtype if front.only_numbers else object)
    numbers, others = iter(range(len(front.numbers))), len(front.numbers)
    for place, column in enumerate(front.columns):
        if column.role != "number":
            continue
        cells[:, place] = values[:, next(numbers)]
        if column.indicator:
            cells[values[:, others] > 0.5, place] = np.nan
            others += 1
    for place, column in enumerate(front.columns):
        if column.role == "category":
            choices = np.array([*column.categories, None], object)
            width = len(column.categories) + column.indicator
            cells[:, place] = choices[values[:, others : others + width].argmax(axis=1)]
            others += width
    return cells
