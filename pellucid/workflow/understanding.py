"""What a run understands of a table before it trains: roles, task, and which rows are for what."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pellucid.data.role_checks import read_weights
from pellucid.data.roles import Role, infer_roles
from pellucid.data.tables.columns import dtype_of_numbers
from pellucid.data.tables.table import Table, as_table
from pellucid.data.task import Task, infer_task
from pellucid.errors import DataError, UsageError, nearest
from pellucid.model.model import Model
from pellucid.workflow.division import Division, Parts, divide
from pellucid.workflow.plans.chosen import AUTO
from pellucid.workflow.plans.plan import Plan
from pellucid.workflow.starting import roles_of_model, task_of_model


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
    dtype : str
        What the network computes in: what the recipe says, or else what the numbers that are used came in.
    division : Division
        Which rows are for what, and how that was decided.
    weights : ndarray of float64 or None, [rows]
        How much each row of the table counts.
    test : Table or None
        The test table, where there is one of its own.
    test_digest : str or None
        SHA-256 of its file.
    """

    table: Table
    digest: str | None
    roles: tuple[Role, ...]
    task: Task
    seed: int
    dtype: str
    division: Division
    weights: np.ndarray | None = None
    test: Table | None = None
    test_digest: str | None = None

    @property
    def parts(self) -> Parts:
        """The rows for ``train``, ``validation`` and ``test``; see :class:`~pellucid.workflow.division.Division`."""
        return self.division.parts

    @property
    def stratified(self) -> bool:
        """Whether the parts have the classes in equal shares."""
        return self.division.stratified


def understand(data: Any, plan: Plan, *, test: Any = None, model: Model | None = None) -> Understanding:
    """Read a table, decide what its columns and its task are, and divide its rows.

    Parameters
    ----------
    data : path, Table, data frame, or mapping of columns
    plan : Plan
        What is said already: targets, task, roles, ways to split.
    test : like `data`, optional
        A table of its own for the test, in place of ``plan.test``. It needs the columns that are used, the targets and
        the weights, by name; what they are for is decided by the other table.
    model : Model, optional
        A model to start from: roles and task are its own.

    Raises
    ------
    DataError, UsageError
        Where a table cannot be read or does not fit.

    Examples
    --------
    >>> found = understand({"x": [1.5, 2, 3, 4, 5, 6], "y": ["a", "b"] * 3}, Plan(target=("y",)))
    >>> found.task.kind, {name: len(rows) for name, rows in found.parts.items()}
    ('binary', {'train': 4, 'validation': 1, 'test': 1})
    """
    table = as_table(data)
    if not plan.target and model is None:
        known = ", ".join(map(repr, table.names[:12]))
        raise UsageError("no target is named", where=table.path, fix=f"Name a column to predict. Columns: {known}.")
    if model is not None:
        task, roles = task_of_model(model, plan), roles_of_model(model, plan, table)
    else:
        task = infer_task(table, plan.target, plan.task, plan.separator)
        roles = infer_roles(
            table, task.targets, given=plan.roles, ignore=plan.ignore, weight=plan.weight, group=plan.group
        )
    given = plan.test if test is None else test
    tested = as_table(given) if given is not None else None
    if tested is not None:
        needed = [role.name for role in roles if role.used] + list(task.targets)
        _require_columns(tested, [*needed, *([plan.weight] if plan.weight is not None else [])])
    return Understanding(
        table=table,
        digest=digest_of(table.path),
        roles=roles,
        task=task,
        seed=plan.seed,
        dtype=_choose_dtype(table, roles, plan, model),
        division=divide(table, task, plan, tested),
        weights=read_weights(table, plan.weight) if plan.weight is not None else None,
        test=tested,
        test_digest=digest_of(tested.path) if tested is not None else None,
    )


def _choose_dtype(table: Table, roles: tuple[Role, ...], plan: Plan, model: Model | None) -> str:
    if model is not None:
        return model.encoding.dtype.name
    if plan.recipe.dtype != AUTO:
        return plan.recipe.dtype
    return dtype_of_numbers(table[role.name] for role in roles if role.kind == "number") or "float32"


def digest_of(path: str | None) -> str | None:
    """Return the SHA-256 of a file; None where there is none, as of a pipe, which has been read and is gone."""
    if path is None or not Path(path).is_file():
        return None
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _require_columns(table: Table, names: list[str]) -> None:
    absent = [name for name in names if name not in table]
    if absent:
        raise DataError(
            "the test table lacks a column" if len(absent) == 1 else f"the test table lacks {len(absent)} columns",
            where=table.path,
            got=f"no {', '.join(map(repr, absent[:5]))}" + (f" and {len(absent) - 5} more" if len(absent) > 5 else ""),
            fix=nearest(absent[0], table.names),
        )
