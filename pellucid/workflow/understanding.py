"""What a run understands of a table before it trains: roles, task, and which rows are for what."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pellucid.data.dataset import part_sizes, split
from pellucid.data.front import match_categories
from pellucid.data.roles import Role, infer_roles
from pellucid.data.table import Table, as_table
from pellucid.data.task import Task, infer_task
from pellucid.errors import DataError

FRACTIONS = {"train": 0.7, "validation": 0.1, "test": 0.2}
"""The share of the rows that is learned from, that progress is judged by, and that the report is about."""


@dataclass(frozen=True, eq=False)
class Understanding:
    """A table, and what is to be made of it.

    Attributes
    ----------
    table : Table
    digest : str or None
        SHA-256 of the file that the table was read from.
    roles : tuple of Role
        What each column but the targets is for.
    task : Task
    seed : int
        Of the split.
    stratified : bool
        Whether the parts have the classes in equal shares.
    parts : dict of ndarray of int64
        The rows for ``train``, ``validation`` and ``test``.
    """

    table: Table
    digest: str | None
    roles: tuple[Role, ...]
    task: Task
    seed: int
    stratified: bool
    parts: dict[str, np.ndarray]


def understand(data: Any, target: str | Sequence[str], task: str | None = None, seed: int = 0) -> Understanding:
    """Read a table, decide what its columns and its task are, and split its rows.

    Parameters
    ----------
    data : path, Table, data frame, or mapping of columns
    target : str or sequence of str
    task : str, optional
        See :func:`pellucid.data.task.infer_task`.
    seed : int
        The same seed gives the same parts.

    Raises
    ------
    DataError, UsageError
        Where the table cannot be read or does not fit.

    Examples
    --------
    >>> found = understand({"x": [1.5, 2, 3, 4, 5, 6], "y": ["a", "b"] * 3}, "y")
    >>> found.task.kind, {name: len(rows) for name, rows in found.parts.items()}
    ('binary', {'train': 4, 'validation': 1, 'test': 1})
    """
    table = as_table(data)
    decided = infer_task(table, target, task)
    roles = infer_roles(table, decided.targets)
    digest = _digest(table.path) if table.path is not None else None
    stratified = decided.kind in ("binary", "multiclass")
    classes = match_categories(table[decided.targets[0]], decided.classes) if stratified else None
    _require_rows(table, decided)
    rows = split(len(table), list(FRACTIONS.values()), seed, classes)
    return Understanding(table, digest, roles, decided, seed, stratified, dict(zip(FRACTIONS, rows, strict=True)))


def _require_rows(table: Table, task: Task) -> None:
    """See that every part has a row, and the first one a row of every class."""
    if len(table) < len(FRACTIONS):
        got, expected = f"{len(table)}", f"at least {len(FRACTIONS)}: to learn from, for validation and for the test"
        raise DataError("the table has too few rows", where=table.path, got=got, expected=expected)
    learning = part_sizes(len(table), list(FRACTIONS.values()))[0]
    if task.kind in ("binary", "multiclass") and len(task.classes) > learning:
        raise DataError(
            "there are too few rows to learn every class",
            where=table.where(name=task.targets[0]),
            got=f"{len(task.classes)} classes in {len(table)} rows, of which {learning} would be learned from",
            fix="Use a table with more rows, or another target.",
        )


def _digest(path: str) -> str | None:
    if not Path(path).is_file():  # a pipe has been read and is gone
        return None
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
