"""What each column of a table is for."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pellucid.data.role_checks import USED, check_role, require_finite, why_no_dates
from pellucid.data.tables.columns import Column, has_decimal_commas, shorten
from pellucid.data.tables.dates import spell_dates
from pellucid.data.tables.table import Table
from pellucid.errors import DataError, UsageError, nearest

ROLE_KINDS = (*USED, "ignore")
"""What a user may say that a column is."""

FEW_CATEGORIES = 10
RARE = 5
"""Phrases that recur less often than this are taken for text."""
KEY_ROWS = 10

KEY_WORDS = {"id", "ids", "index", "idx", "key", "uuid", "guid", "identifier", "rowid", "rownumber", "rownum"}


@dataclass(frozen=True)
class Role:
    """What a column is for.

    Attributes
    ----------
    name : str
        The column.
    kind : str
        "number", "boolean", "category", "date" or "text"; or left out: "constant", "key" (numbers or names the rows),
        "ignore" (as asked for), "weight", "group".
    reason : str
        Why, in words for the user.
    """

    name: str
    kind: str
    reason: str

    @property
    def used(self) -> bool:
        """Whether a network is given the column."""
        return self.kind in USED

    def __str__(self) -> str:
        told = self.kind if self.used or self.kind in ("weight", "group") else "left out"
        return f"{self.name}: {told} ({self.reason})"


def infer_roles(
    table: Table,
    targets: str | Sequence[str],
    *,
    given: Mapping[str, str] | None = None,
    ignore: Sequence[str] = (),
    weight: str | None = None,
    group: str | None = None,
) -> tuple[Role, ...]:
    """Decide what each column but the targets is for.

    What the user says comes first; then these rules, in this order:

    1. *constant* (left out): no value at all, or one number or date everywhere; one word or truth value and none
       missing.
    2. Numbers: *key* (left out) if they are whole, all different, and either count more than 10 rows in any order
       (0, 1, ... or 1, 2, ...) or the column's name has a word such as id, index or key. Otherwise *number*. Where this
       would leave no column at all, those without such a name stay numbers.
    3. Truth values: *boolean*. Dates: *date*.
    4. Text: *category* if there are at most 10 different values; *text* (its words become features) if most of them
       are several words, and they occur less than 5 times on average; *category* if they occur at least twice on
       average; otherwise *key* (left out). Dates whose order of day and month is open are text too.

    Parameters
    ----------
    table : Table
    targets : str or sequence of str
    given : mapping of str, optional
        The kind of some columns by name: number, boolean, category, date, text or ignore.
    ignore : sequence of str
        Columns to be left out.
    weight : str, optional
        The column that says how much each row counts: numbers, 0 or more.
    group : str, optional
        The column that says which rows belong together.

    Returns
    -------
    tuple of Role
        One for each column that is no target, in the table's order.

    Raises
    ------
    DataError
        Where a target does not exist, a number is infinite, a column cannot be what is asked for, or no column is left
        to learn from.
    UsageError
        Where there is no such kind or column, or one is to be two things.

    Examples
    --------
    >>> table = Table.from_columns({"id": [7, 9], "age": [31, 47], "smoker": ["no", "yes"], "y": [1, 2]})
    >>> for role in infer_roles(table, "y"):
    ...     print(role)
    id: left out (all values differ and the name says that it tells rows apart)
    age: number (whole numbers from 31 to 47)
    smoker: category (2 different values)
    >>> print(infer_roles(table, "y", given={"age": "category"}, ignore=["id"])[1])
    age: category (as asked for)
    """
    chosen = {table[name].name for name in target_names(targets)}
    asked = _asked(table, chosen, given or {}, ignore, weight, group)
    features = [column for column in table.columns if column.name not in chosen]
    roles = tuple(asked.get(column.name) or _role(table, column) for column in features)
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


def _asked(
    table: Table,
    targets: set[str],
    given: Mapping[str, str],
    ignore: Sequence[str],
    weight: str | None,
    group: str | None,
) -> dict[str, Role]:
    """Return the roles that the user has chosen, by column."""
    for name, kind in given.items():
        if kind not in ROLE_KINDS:
            raise UsageError(f"there is no role {kind!r}", where=f"column {name!r}", fix=nearest(str(kind), ROLE_KINDS))
    wanted = [*given.items(), *((name, "ignore") for name in ignore)]
    wanted += [(name, kind) for name, kind in ((weight, "weight"), (group, "group")) if name is not None]
    roles: dict[str, Role] = {}
    for name, kind in wanted:
        if name not in table:
            raise UsageError(
                f"there is no column {name!r}", where=table.path, got=f"the role {kind}", fix=nearest(name, table.names)
            )
        if name in targets:
            raise UsageError("a target has no other role", where=f"column {name!r}", got=kind)
        other = roles[name].kind if name in roles else kind
        if other != kind and not (other == "ignore" and kind == "group"):  # which is left out too
            raise UsageError("a column has two roles", where=f"column {name!r}", got=f"{other} and {kind}")
        check_role(table, name, kind)
        roles[name] = Role(name, kind, _ASKED.get(kind, "as asked for"))
    return roles


_ASKED = {"weight": "how much each row counts", "group": "which rows belong together"}


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
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise UsageError("a target is named twice", got=repr(repeated[0]))
    return names


def _role(table: Table, column: Column) -> Role:
    found = _role_of(table, column)
    column.forget_distinct()
    return found


def _role_of(table: Table, column: Column) -> Role:
    name, gaps = column.name, int(column.missing.sum())
    told = f", {gaps} missing" if gaps else ""
    if gaps == len(column.values):
        return Role(name, "constant", "no value in any row")
    if column.kind in ("number", "date"):
        return _role_of_numbers(column, told)
    if len(column.distinct) == 1 and not gaps:
        return Role(name, "constant", f"always {shorten(column.distinct[0])}{told}")
    if column.kind == "boolean":
        return Role(name, "boolean", f"true or false{told}")
    return _role_of_text(table, column, told)


def _role_of_text(table: Table, column: Column, told: str) -> Role:
    name, words, present = column.name, column.distinct, len(column.present)
    if column.mixed:
        told += f"; numbers but for {shorten(column.mixed.value)} in {table.where(column.mixed.row)}"
    elif has_decimal_commas(column):
        told += "; numbers with a decimal comma, where a point is expected"
    elif why := why_no_dates(words):
        told += f"; {why}"
    count = len(words)
    few = count <= FEW_CATEGORIES
    if not few and RARE * count > present and 2 * sum(len(word.split()) > 1 for word in words) > count:
        return Role(name, "text", f"several words in most cells, {count} different values in {present} rows{told}")
    if few or 2 * count <= present:
        return Role(name, "category", f"{count} different value{'s' if count > 1 else ''}{told}")
    how = "differs in every row" if count == present else f"has {count} different values in {present} rows"
    return Role(name, "key", f"text that {how}{told}")


def _role_of_numbers(column: Column, told: str) -> Role:
    """Return the role of numbers or dates; not by `distinct`, which takes long and much memory where there are many."""
    present = column.present
    low, high = present.min(), present.max()
    if column.kind == "date":
        first, last = spell_dates(np.array([low, high]))
        kind, reason = ("constant", f"always {first}") if low == high else ("date", f"from {first} to {last}")
        return Role(column.name, kind, reason + told)
    if low == high:
        return Role(column.name, "constant", f"always {shorten(low.item())}{told}")
    if column.whole and len(present) == len(column.values) == len(np.unique(present)):
        if len(present) > KEY_ROWS and low in (0, 1) and high - low == len(present) - 1:
            return Role(column.name, "key", f"counts the rows from {int(low)} to {int(high)}")
        if _has_key_name(column.name):
            return Role(column.name, "key", "all values differ and the name says that it tells rows apart")
    first, last = shorten(low.item()), shorten(high.item())
    if first == last:
        first, last = repr(low.item()), repr(high.item())
    return Role(column.name, "number", f"{'whole numbers' if column.whole else 'numbers'} from {first} to {last}{told}")


def _has_key_name(name: str) -> bool:
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)
    return any(word.lower() in KEY_WORDS for word in words)
