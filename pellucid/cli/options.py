"""From the options of a command line to the plan of a run."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from pellucid.errors import UsageError
from pellucid.workflow.plans.plan import Plan, read_plan

UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}

OF_PLAN = {
    "--target": "target",
    "--task": "task",
    "--separator": "separator",
    "--test": "test",
    "--group": "group",
    "--time-order": "time_order",
    "--weight": "weight",
    "--ignore": "ignore",
    "--folds": "folds",
    "--seed": "seed",
    "--from": "start_from",
}
OF_RECIPE = {
    "--metric": "metric",
    "--epochs": "epochs",
    "--hidden": "hidden",
    "--time": "time_limit",
    "--executor": "executor",
}
"""Options that are short names of settings, and the fields that these are."""

ExecutorOption = Annotated[
    str,
    typer.Option(
        "--executor", metavar="NAME", help="What runs the network: native (machine code) or interpret (NumPy)."
    ),
]
"""The option of commands that run a model."""

SETS_OF_COLUMNS = ("--target", "--ignore")


def make_plan(table: str | None, config: str | None, named: Mapping[str, Any], assignments: Sequence[str]) -> Plan:
    """Return the plan of a run: what a file says, then the options that have names, then what --set says.

    Parameters
    ----------
    table : str or None
        Where None, the file says which one.
    config : str or None
        The file.
    named : mapping
        What options say, by their names; None where they were not given.
    assignments : sequence of str
        Each a path, an equals sign and a value.

    Raises
    ------
    UsageError
        Where something does not fit: with the option.

    Examples
    --------
    >>> plan = make_plan("houses.csv", None, {"--target": ["price"], "--seed": None}, ["optimizer.learning_rate=0.01"])
    >>> plan.table, plan.target, plan.seed, plan.recipe.learning_rate
    ('houses.csv', ('price',), 0, 0.01)
    """
    if table is not None:
        check_table(table)
    plan = read_plan(config) if config is not None else Plan()
    for option, value in named.items():
        if value is not None:
            plan = _with_option(plan, option, tuple(value) if option in SETS_OF_COLUMNS else value)
    if table is not None:
        plan = dataclasses.replace(plan, table=table, sha256=plan.sha256 if table == plan.table else None)
    elif plan.table is None:
        raise UsageError("no table is named", where=config, fix="Name a CSV or Parquet file.")
    for assignment in assignments:
        try:
            plan = plan.set(assignment)
        except UsageError as error:
            raise error.at("--set") from None
    return plan


def _with_option(plan: Plan, option: str, value: Any) -> Plan:
    try:
        if option in OF_RECIPE:
            recipe = dataclasses.replace(plan.recipe, **{OF_RECIPE[option]: value})
            return dataclasses.replace(plan, recipe=recipe)
        return dataclasses.replace(plan, **{OF_PLAN[option]: value})
    except UsageError as error:
        raise UsageError(error.what, where=option, got=error.got, expected=error.expected, fix=error.fix) from None


def parse_sizes(text: str) -> tuple[int, ...]:
    """Return sizes of hidden layers as a command line has them.

    Examples
    --------
    >>> parse_sizes("128,64"), parse_sizes("none")
    ((128, 64), ())
    """
    if text.strip().lower() in ("none", ""):
        return ()
    sizes = [size.strip() for size in text.split(",")]
    if not all(re.fullmatch("[0-9]{1,6}", size) and int(size) for size in sizes):
        raise UsageError(
            "not the sizes of layers", where="--hidden", got=repr(text)[:60], expected="such as 128,64 or none"
        )
    return tuple(map(int, sizes))


def parse_time(text: str) -> float:
    """Return a time in seconds as a command line has it.

    Examples
    --------
    >>> parse_time("90"), parse_time("1.5m"), parse_time("1h")
    (90.0, 90.0, 3600.0)
    """
    found = re.fullmatch(r"([0-9]+\.?[0-9]*|\.[0-9]+)\s*(s|m|min|h|)", text.strip())
    if not found or not 0 < float(found[1]) < 1e9:
        raise UsageError("not a time", where="--time", got=repr(text)[:60], expected="such as 60s, 5m or 1h")
    return float(found[1]) * UNITS[found[2]]


def check_table(name: str) -> None:
    """Raise a UsageError where a table's name is none of a file."""
    if name == "":
        raise UsageError("no file is named", where="TABLE", expected="a CSV or Parquet file")
    if name == "-":
        what = "a table is read from a file, more than once, and not from the standard input"
        raise UsageError(what, where="TABLE", got="-", fix="Write it to a file, such as table.csv.")


def check_seed(seed: int | None) -> None:
    """Raise a UsageError where a seed is none."""
    if seed is not None and not 0 <= seed < 2**63:
        raise UsageError("not a seed", where="--seed", got=str(seed), expected="a whole number from 0 to 2^63 - 1")
