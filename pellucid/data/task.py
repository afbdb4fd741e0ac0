"""Which task the targets of a table set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pellucid.data.labels import find_labels, split_labels
from pellucid.data.roles import target_names
from pellucid.data.tables.columns import Column, has_decimal_commas, shorten
from pellucid.data.tables.table import Table
from pellucid.data.target_checks import check_target, require_numbers, require_squares
from pellucid.errors import DataError, UsageError, nearest

MOST_CLASSES = 20
ROWS_PER_CLASS = 5
TASKS = ("regression", "binary", "multiclass", "multilabel")


@dataclass(frozen=True)
class Task:
    """What is to be learned.

    Attributes
    ----------
    kind : str
        "regression", "binary", "multiclass" or "multilabel".
    targets : tuple of str
        The target columns.
    classes : tuple
        For "binary" and "multiclass" the classes, sorted; for "multilabel" the two values that every target may take,
        or with a separator all labels, sorted. Empty for "regression".
    reason : str
        Why, in words for the user.
    separator : str or None
        What stands between the labels in a cell of the one target of "multilabel".
    """

    kind: str
    targets: tuple[str, ...]
    classes: tuple
    reason: str
    separator: str | None = None

    def __str__(self) -> str:
        return f"{self.kind} of {', '.join(self.targets)} ({self.reason})"


def infer_task(
    table: Table, targets: str | Sequence[str], task: str | None = None, separator: str | None = None
) -> Task:
    """Decide what is to be learned from the target columns.

    The rules for one target:

    1. Text is classification: *binary* with two classes, *multiclass* with more. A column of which at least 90 % are
       numbers is refused instead, since a single bad cell probably made it text.
    2. Truth values are *binary*.
    3. Numbers are classification if all are whole and there are two different ones in more than two rows, or 3 to 20
       with at least 5 rows for each on average. All others are *regression*.

    For several targets: *multilabel* if every one holds only 0 and 1 or truth values, *regression* if all are numbers.
    `task` overrides the rules; "classification" is binary or multiclass, after the number of classes.

    Parameters
    ----------
    table : Table
    targets : str or sequence of str
    task : str, optional
        "regression", "binary", "multiclass", "multilabel" or "classification".
    separator : str, optional
        What stands between the labels in one cell of the target, as in ``red;blue``: the task is then *multilabel*, and
        a missing cell has no label. Spaces around labels do not count.

    Returns
    -------
    Task

    Raises
    ------
    DataError
        Where a target does not exist, has a missing, infinite or constant value, is a date, has a different class in
        every row, or does not fit the task or the separator.
    UsageError
        Where there is no such task, or it has no labels to separate.

    Examples
    --------
    >>> table = Table.from_columns({"x": [1.5, 2.5, 3.5], "y": ["spam", "ham", "spam"]})
    >>> print(infer_task(table, "y"))
    binary of y (text with 2 different values)
    """
    names = target_names(targets)
    if task is not None and task not in (*TASKS, "classification"):
        raise UsageError(f"there is no task {task!r}", fix=nearest(task, (*TASKS, "classification")))
    columns = [table[name] for name in names]
    if separator is not None:
        return _separated(table, columns, task, separator)
    for column in columns:
        check_target(table, column)
    if task is None:
        task, reason = _several(table, columns) if len(columns) > 1 else _single(table, columns[0])
    else:
        reason = "as asked for"
    if task == "regression":
        for column in columns:
            require_numbers(table, column)
            require_squares(table, column)
        return Task(task, names, (), reason)
    if task == "multilabel":
        return Task(task, names, _labels(table, columns), reason)
    if len(columns) > 1:
        raise DataError(
            f"{task} has one target",
            where=table.path,
            got=f"{len(columns)}: {', '.join(names)}",
            fix="Train one network for each, or use multilabel for columns of 0 and 1.",
        )
    return _classification(table, columns[0], task, reason)


def _single(table: Table, column: Column) -> tuple[str, str]:
    count, rows = len(column.distinct), len(column.values)
    if column.kind == "boolean":
        return "classification", "true or false"
    if column.kind == "text":
        if column.mixed:
            raise DataError(
                f"{column.mixed.share:.0%} of the target are numbers, but not this cell",
                where=table.where(column.mixed.row, column.name),
                got=shorten(column.mixed.value),
                fix="Mend the cell, or say that the task is classification.",
            )
        if has_decimal_commas(column):
            comma = next(row for row, cell in enumerate(column.values) if "," in cell)
            raise DataError(
                "the target's numbers have a decimal comma",
                where=table.where(comma, column.name),
                got=shorten(column.values[comma]),
                fix="Write decimals with a point.",
            )
        return "classification", f"text with {count} different values"
    if column.whole and ((count == 2 < rows) or (count <= MOST_CLASSES and rows >= ROWS_PER_CLASS * count)):
        return "classification", f"{count} different whole numbers in {rows} rows"
    kind = "whole numbers" if column.whole else "numbers"
    return "regression", f"{count} different {kind} in {rows} rows"


def _several(table: Table, columns: list[Column]) -> tuple[str, str]:
    if all(_is_label(column) for column in columns):
        return "multilabel", f"{len(columns)} columns of 0 and 1 or true and false"
    for column in columns:
        if column.kind == "text":
            raise DataError(
                "one of several targets is text",
                where=table.where(name=column.name),
                got=shorten(column.present[0]),
                expected="numbers (regression), or columns of 0 and 1 (multilabel)",
                fix="Train one network for each target.",
            )
    return "regression", f"{len(columns)} columns of numbers"


def _separated(table: Table, columns: list[Column], task: str | None, separator: str) -> Task:
    """Return the task whose one target has several labels in a cell."""
    if not separator:
        raise UsageError("a separator is what stands between labels", got="nothing", expected="such as ; or |")
    if task not in (None, "multilabel"):
        raise UsageError(f"{task} has no labels to separate", where="separator", fix="Leave it out.")
    if len(columns) > 1:
        raise UsageError("a separator goes with one target", got=f"{len(columns)}", fix="Name one, or leave it out.")
    column, where = columns[0], table.where(name=columns[0].name)
    found = find_labels(column, separator)
    if not found:
        raise DataError("the target has no label in any row", where=where)
    if column.kind != "text" or not any(separator in cell for cell in column.distinct):
        raise DataError(
            "no cell of the target holds the separator",
            where=where,
            got=f"{separator!r}, and cells such as {shorten(column.distinct[0])}",
            fix="Name the one that stands between labels, or leave it out where a cell has one class.",
        )
    if not column.missing.any() and len({frozenset(split_labels(cell, separator)) for cell in column.distinct}) == 1:
        raise DataError(
            "the target is the same in every row, so there is nothing to learn",
            where=where,
            got=f"always {shorten(separator.join(found))}",
            expected="rows of different labels",
        )
    return Task("multilabel", (column.name,), found, f"{len(found)} labels, separated by {separator!r}", separator)


def _is_label(column: Column) -> bool:
    return column.kind == "boolean" or (column.kind == "number" and set(column.distinct) <= {0, 1})


def _labels(table: Table, columns: list[Column]) -> tuple:
    for column in columns:
        if not _is_label(column):
            other = next(value for value in column.distinct if column.kind == "text" or value not in (0, 1))
            raise DataError(
                "a target of multilabel classification holds more than 0 and 1 or true and false",
                where=table.where(name=column.name),
                got=shorten(other),
            )
    if len(columns) == 1:
        raise DataError("multilabel classification has several targets", where=table.path, got="one", fix="Use binary.")
    return (0, 1)


def _classification(table: Table, column: Column, task: str, reason: str) -> Task:
    classes, where = column.distinct, table.where(name=column.name)
    if len(classes) == len(column.values):
        raise DataError(
            "every row has a class of its own",
            where=where,
            got=f"{len(classes)} classes in {len(classes)} rows",
            fix="Choose another target, or say that the task is regression."
            if column.kind == "number"
            else "Choose another target.",
        )
    if task == "binary" and len(classes) != 2:
        raise DataError(
            "binary classification has two classes", where=where, got=f"{len(classes)}", fix="Use multiclass."
        )
    if task == "classification":
        task = "binary" if len(classes) == 2 else "multiclass"
    return Task(task, (column.name,), classes, reason)
