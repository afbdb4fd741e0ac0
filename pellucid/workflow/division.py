"""Which rows are learned from, which say when to stop, and which the report is about."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pellucid.data.cells import as_dates, match_categories
from pellucid.data.split import folds, part_sizes, split, split_groups, split_in_order
from pellucid.data.tables.dates import look_like_dates
from pellucid.data.tables.table import Table
from pellucid.data.task import Task
from pellucid.errors import DataError, UsageError
from pellucid.workflow.plans.plan import Plan

TRAIN, VALIDATION, TEST = "train", "validation", "test"

Parts = dict[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Division:
    """How the rows of a table are divided.

    Attributes
    ----------
    parts : dict of ndarray of int64
        The rows for ``train``, ``validation`` and ``test``. With a test table, ``test`` are that table's rows; with
        cross-validation all rows, each of which is the test of one fold; without a validation part, that one is empty.
    folds : tuple of dict
        For cross-validation, the parts of each fold.
    stratified : bool
        Whether the parts have the classes in equal shares.
    told : str
        How it was done, in words for the user.
    """

    parts: Parts
    folds: tuple[Parts, ...]
    stratified: bool
    told: str


def divide(table: Table, task: Task, plan: Plan, test: Table | None = None) -> Division:
    """Divide the rows of a table as a plan says.

    At random, with classes in equal shares where there are classes; or whole groups at random; or in the order of time:
    the earliest rows are learned from, those after them are for validation, the latest for the test.

    Parameters
    ----------
    table : Table
    task : Task
    plan : Plan
        Its ``seed``, ``validation``, ``learn_validation``, ``test_fraction``, ``folds``, ``group`` and ``time_order``.
    test : Table, optional
        A table of its own for the test.

    Raises
    ------
    UsageError
        Where two ways exclude each other.
    DataError
        Where there are too few rows or groups, or a row has no group or no time.
    """
    _require_one_way(plan, test is not None)
    dealer = _Dealer(table, task, plan)
    everything = np.arange(len(table))
    if plan.folds:
        turns = folds(len(table), plan.folds, plan.seed, dealer.classes, dealer.groups)
        found = tuple({**dealer.parts(learning, ()), TEST: held_out} for learning, held_out in turns)
        parts = {**dealer.parts(everything, ()), TEST: everything}
        return Division(parts, found, dealer.classes is not None, f"{plan.folds} folds, {dealer.told}")
    if test is not None:
        parts = {**dealer.parts(everything, ()), TEST: np.arange(len(test))}
        return Division(
            parts, (), dealer.classes is not None, f"a table of its own for the test; the others {dealer.told}"
        )
    return Division(dealer.parts(everything, (plan.test_fraction,)), (), dealer.classes is not None, dealer.told)


def _require_one_way(plan: Plan, tested: bool) -> None:
    asked = {"folds": plan.folds > 0, "a test table": tested}
    asked |= {"a time order": plan.time_order is not None, "groups": plan.group is not None}
    for first, second in (("folds", "a test table"), ("folds", "a time order"), ("groups", "a time order")):
        if asked[first] and asked[second]:
            raise UsageError(f"{first} and {second} exclude each other", where="split", fix="Choose one of them.")


class _Dealer:
    """Deals rows into parts, in the one way that a plan asks for."""

    def __init__(self, table: Table, task: Task, plan: Plan):
        self.table, self.task, self.plan = table, task, plan
        self.groups = _cells(table, plan.group, "group") if plan.group is not None else None
        self.order = _times(table, plan.time_order) if plan.time_order is not None else None
        classified = task.kind in ("binary", "multiclass") and self.order is None
        self.classes = match_categories(table[task.targets[0]], task.classes) if classified else None
        self.told = "at random"
        if self.groups is not None:
            self.told = f"whole groups of {plan.group!r} at random"
        elif self.order is not None:
            self.told = f"in the order of {plan.time_order!r}, the latest rows last"
        if self.classes is not None:
            self.told += ", classes in equal shares" + (" as far as groups allow" if self.groups is not None else "")

    def parts(self, rows: np.ndarray, others: tuple[float, ...]) -> Parts:
        """Return parts of these rows for training, for validation and, if its share is in `others`, for the test."""
        shares = [share for share in (self.plan.validation, *others) if share > 0]
        names = [TRAIN, *([VALIDATION] if self.plan.validation > 0 else []), *([TEST] if others else [])]
        shares = [1.0 - sum(shares), *shares]
        self._require_rows(rows, shares)
        dealt = self._deal(rows, shares) if len(shares) > 1 else (np.arange(len(rows)),)
        found = {VALIDATION: np.empty(0, np.int64)} | {
            name: rows[part] for name, part in zip(names, dealt, strict=True)
        }
        if self.plan.learn_validation:
            learned = np.sort(np.concatenate([found[TRAIN], found[VALIDATION]]))
            found |= {TRAIN: learned, VALIDATION: np.empty(0, np.int64)}
        return {TRAIN: found.pop(TRAIN), **found}

    def _deal(self, rows: np.ndarray, shares: list[float]) -> tuple[np.ndarray, ...]:
        classes = None if self.classes is None else self.classes[rows]
        if self.groups is not None:
            return split_groups(self.groups[rows], shares, self.plan.seed, classes)
        if self.order is not None:
            return split_in_order(self.order[rows], shares)
        return split(len(rows), shares, self.plan.seed, classes)

    def _require_rows(self, rows: np.ndarray, shares: list[float]) -> None:
        """See that every part has a row, and the first one a row of every class."""
        if len(rows) < len(shares):
            expected = f"at least {len(shares)}: one for each part"
            raise DataError("the table has too few rows", where=self.table.path, got=f"{len(rows)}", expected=expected)
        learning, classes = part_sizes(len(rows), shares)[0], self.task.classes
        if self.classes is not None and len(classes) > learning:
            raise DataError(
                "there are too few rows to learn every class",
                where=self.table.where(name=self.task.targets[0]),
                got=f"{len(classes)} classes in {len(rows)} rows, of which {learning} would be learned from",
                fix="Use a table with more rows, or another target.",
            )


def _cells(table: Table, name: str, what: str) -> np.ndarray:
    """Return the cells of a column, none of which may be missing."""
    column = table[name]
    gaps = np.flatnonzero(column.missing)
    if gaps.size:
        raise DataError(
            f"a row has no {what}",
            where=table.where(int(gaps[0]), name),
            got="a missing value",
            fix="Fill it in, or leave the row out.",
        )
    return column.values


def _times(table: Table, name: str) -> np.ndarray:
    column = table[name]
    if column.kind == "text" and look_like_dates(column.distinct):  # as data frames may have them
        _cells(table, name, "time")
        return as_dates(table, column).values
    if column.kind not in ("number", "date"):
        raise DataError(
            "time is told by dates or numbers",
            where=table.where(name=name),
            got=f"a column of kind {column.kind}",
            fix="Write dates as 2024-05-31, times as 2024-05-31 17:30.",
        )
    return _cells(table, name, "time")
