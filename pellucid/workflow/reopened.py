"""A run that is over, reopened: its model, its plan, and, with its table, the very training that made it."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from pellucid.data.dataset import Dataset
from pellucid.errors import DataError, UsageError
from pellucid.model.folder import load_model
from pellucid.model.model import Model
from pellucid.workflow.division import TEST
from pellucid.workflow.encode_rows import encode_rows
from pellucid.workflow.making import Making, prepare
from pellucid.workflow.plans.plan import Plan, read_plan
from pellucid.workflow.run_folder import MODEL, RECORD
from pellucid.workflow.starting import load_start
from pellucid.workflow.understanding import Understanding, understand


@dataclass(frozen=True, eq=False)
class Reopened:
    """A finished run. Made by :func:`reopen`.

    Attributes
    ----------
    folder : Path
    model : Model
    plan : Plan
    record : dict
        What ``run.toml`` says besides: what came of it.
    given : path, Table, data frame, mapping of columns, or None
        The table in place of the one that the plan names.
    """

    folder: Path
    model: Model
    plan: Plan
    record: dict[str, Any]
    given: Any = None

    @cached_property
    def making(self) -> Making:
        """What was trained, and on which rows; read from the table, which has to be the one of the run.

        Raises
        ------
        DataError
            Where the table is gone or is another one.
        UsageError
            Where the run was trained on data that has no file, and none is given.
        """
        return _make(self)


def reopen(folder: str | os.PathLike[str], table: Any = None) -> Reopened:
    """Reopen a run that is over.

    Parameters
    ----------
    folder : path
        That ``pellucid train`` or ``pl.train_table(folder=...)`` made.
    table : path, Table, data frame, or mapping of columns, optional
        The table of the run, in place of the one that its ``run.toml`` names.

    Raises
    ------
    UsageError
        Where there is no finished run.
    ModelError
        Where its model is damaged.
    """
    path = Path(folder)
    record = path / RECORD
    if not record.is_file() or not (path / MODEL).is_file():
        what = "no run folder: there is no finished run in it" if path.is_dir() else "there is no such folder"
        raise UsageError(what, where=str(path), fix="Give a folder that pellucid train made.")
    return Reopened(path, load_model(path), read_plan(record), tomllib.loads(record.read_text(encoding="utf-8")), table)


def dataset_of_test(made: Making) -> Dataset | None:
    """Return the test rows of a run, encoded; None where it has none that its network has not seen, as with folds."""
    if TEST not in parts_seen_apart(made):
        return None
    if made.found.test is None:
        return made.dataset(TEST)
    table = made.found.test
    encoded = encode_rows(made.encoding, table, np.arange(len(table)))
    return Dataset(encoded, made.targets.encode(table.select(made.targets.names)), made.report_weights(TEST))


def parts_seen_apart(made: Making) -> list[str]:
    """Return the parts that hold rows and are what they are called; with folds the test is all rows, seen or not."""
    return [name for name, rows in made.parts.items() if len(rows) and not (name == TEST and made.found.division.folds)]


def _make(run: Reopened) -> Making:
    """Read the table of a run, make sure that it is the one, and prepare the training."""
    plan, where = run.plan, str(run.folder / RECORD)
    given = run.given if run.given is not None else plan.table
    if given is None:
        what = "the run was trained on data that has no file"
        raise UsageError(what, where=where, fix="Pass the same data as table=, or on the command line as --table.")
    if run.given is None and not Path(str(given)).is_file():
        fix = "Pass the table as table=, or on the command line as --table."
        raise DataError("the table of the run is gone", where=where, got=str(given), fix=fix)
    start = None
    if plan.start_from is not None:
        start, _ = load_start(plan.start_from, plan.recipe)
    found = understand(given, plan, model=start)
    if plan.sha256 is not None and found.digest is not None and plan.sha256 != found.digest:
        got, expected = f"SHA-256 {found.digest[:12]}...", f"{plan.sha256[:12]}..."
        raise _another_table(str(given), got, expected)
    _check_rows(found, run.record, where)
    return prepare(found, plan, found.parts, start)


def _check_rows(found: Understanding, record: dict[str, Any], where: str) -> None:
    """Compare the numbers of rows with those of the run, which tells another table that has no file."""
    told = record.get("data")
    if not isinstance(told, dict):
        return
    rows = {"rows": len(found.table), **{f"{name}_rows": len(rows) for name, rows in found.parts.items()}}
    for name, count in rows.items():
        if told.get(name, count) != count:
            raise _another_table(where, f"{count:,} {name.replace('_', ' ')}", f"{told[name]:,}")


def _another_table(where: str, got: str, expected: str) -> DataError:
    return DataError(
        "the table is not the one that the run was trained on",
        where=where,
        got=got,
        expected=expected,
        fix="Pass the table as it was then as table=, or on the command line as --table.",
    )
