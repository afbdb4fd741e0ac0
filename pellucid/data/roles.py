"""What each feature column of a table is for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pellucid.data.columns import Column, has_decimal_commas, shorten
from pellucid.data.table import Table
from pellucid.errors import DataError, UsageError

MOST_CATEGORIES = 200
FEW_CATEGORIES = 10
KEY_ROWS = 10

KEY_WORDS = {"id", "ids", "index", "idx", "key", "uuid", "guid", "identifier", "rowid", "rownumber", "rownum"}


@dataclass(frozen=True)
class Role:
    """What a feature column is for.

    Attributes
    ----------
    name : str
        The column.
    kind : str
        "number" or "category"; or left out: "constant", "key" (numbers or names the rows), "text" (too many words).
    reason : str
        Why, in words for the user.
    """

    name: str
    kind: str
    reason: str

    @property
    def used(self) -> bool:
        """Whether a network is given the column."""
        return self.kind in ("number", "category")

    def __str__(self) -> str:
        return f"{self.name}: {self.kind if self.used else 'left out'} ({self.reason})"


def infer_roles(table: Table, targets: str | Sequence[str]) -> tuple[Role, ...]:
    """Decide what each column but the targets is for.

    The rules, in this order:

    1. *constant* (left out): no value at all, or one number everywhere; one word or truth value and none missing.
    2. Numbers: *key* (left out) if they are whole, all different, and either count more than 10 rows in any order
       (0, 1, ... or 1, 2, ...) or the column's name has a word such as id, index or key. Otherwise *number*. Where this
       would leave no column at all, those without such a name stay numbers.
    3. Truth values: *category*.
    4. Text: *key* (left out) if there are more than 10 values and all differ; *text* (left out) if there are more than
       200 different values, or more than 10 that occur less than twice on average. Otherwise *category*.

    Parameters
    ----------
    table : Table
    targets : str or sequence of str

    Returns
    -------
    tuple of Role
        One for each column that is no target, in the table's order.

    Raises
    ------
    DataError
        Where a target does not exist, a number is infinite, or no column is left to learn from.

    Examples
    --------
    >>> table = Table.from_columns({"id": [7, 9], "age": [31, 47], "smoker": ["no", "yes"], "y": [1, 2]})
    >>> for role in infer_roles(table, "y"):
    ...     print(role)
    id: left out (all values differ and the name says that it tells rows apart)
    age: number (whole numbers from 31 to 47)
    smoker: category (2 different values)
    """
    chosen = target_names(targets)
    left_out = {table[name].name for name in chosen}
    features = [column for column in table.columns if column.name not in left_out]
    roles = tuple(_role(table, column) for column in features)
    if not any(role.used for role in roles):
        roles = tuple(
            Role(role.name, "number", f"{role.reason}, but no other column is left")
            if role.kind == "key" and table[role.name].kind == "number" and not _has_key_name(role.name)
            else role
            for role in roles
        )
    if not any(role.used for role in roles):
        found = "; ".join(str(role) for role in roles[:5]) or "no column but the targets"
        raise DataError("no column is left to learn from", where=table.path, got=found)
    for role in roles:
        if role.used:
            require_finite(table, role.name)
    return roles


def require_finite(table: Table, name: str) -> None:
    """Refuse a column of numbers with an infinite one.

    Raises
    ------
    DataError
        With file, line and column of the first infinite number.
    """
    column = table[name]
    if column.kind == "number":
        infinite = np.flatnonzero(np.isinf(column.values))
        if infinite.size:
            row = int(infinite[0])
            raise DataError(
                "a number is infinite",
                where=table.where(row, name),
                got=str(column.values[row]),
                fix="Leave the cell empty, or leave the row or the column out.",
            )


def target_names(targets: str | Sequence[str]) -> tuple[str, ...]:
    """Return the targets as a tuple of different names.

    Raises
    ------
    UsageError
        Where there is none, or one twice.
    """
    names = (targets,) if isinstance(targets, str) else tuple(targets)
    if not names:
        raise UsageError("no target is named", fix="Name at least one column to predict.")
    repeated = [name for name in names if names.count(name) > 1]
    if repeated:
        raise UsageError("a target is named twice", got=repr(repeated[0]))
    return names


def _role(table: Table, column: Column) -> Role:
    name, count, gaps = column.name, len(column.distinct), int(column.missing.sum())
    told = f", {gaps} missing" if gaps else ""
    if count == 0:
        return Role(name, "constant", "no value in any row")
    if count == 1 and (column.kind == "number" or not gaps):
        return Role(name, "constant", f"always {shorten(column.distinct[0])}{told}")
    if column.kind == "number":
        return _role_of_numbers(column, told)
    if column.kind == "boolean":
        return Role(name, "category", f"true or false{told}")
    present = len(column.values) - gaps
    if column.mixed:
        told += f"; numbers but for {shorten(column.mixed.value)} in {table.where(column.mixed.row)}"
    elif has_decimal_commas(column):
        told += "; numbers with a decimal comma, where a point is expected"
    if count == present > KEY_ROWS:
        return Role(name, "key", f"text that differs in every row{told}")
    if count > MOST_CATEGORIES or (count > FEW_CATEGORIES and 2 * count > present):
        return Role(name, "text", f"text with {count} different values in {present} rows{told}")
    return Role(name, "category", f"{count} different value{'s' if count > 1 else ''}{told}")


def _role_of_numbers(column: Column, told: str) -> Role:
    rows, distinct = len(column.values), column.distinct
    if column.whole and len(distinct) == rows > 1:
        low, high = int(distinct[0]), int(distinct[-1])
        if rows > KEY_ROWS and low in (0, 1) and high - low == rows - 1:
            return Role(column.name, "key", f"counts the rows from {low} to {high}")
        if _has_key_name(column.name):
            return Role(column.name, "key", "all values differ and the name says that it tells rows apart")
    kind = "whole numbers" if column.whole else "numbers"
    first, last = shorten(distinct[0]), shorten(distinct[-1])
    if first == last:
        first, last = repr(distinct[0]), repr(distinct[-1])
    return Role(column.name, "number", f"{kind} from {first} to {last}{told}")


def _has_key_name(name: str) -> bool:
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)
    return any(word.lower() in KEY_WORDS for word in words)
