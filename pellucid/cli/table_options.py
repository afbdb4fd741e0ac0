"""Options of commands that learn from a table: what is learned from, and with which settings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from pellucid.cli.options import check_seed, make_plan, parse_time
from pellucid.data.tables.table import read_table
from pellucid.errors import UsageError
from pellucid.workflow.plans.plan import Plan

LEARNED, LEARNS, WRITTEN = "What is learned from", "How it learns", "What is written"

TableArgument = Annotated[
    str | None,
    typer.Argument(metavar="TABLE", help="A CSV or Parquet file; --config may name it.", show_default=False),
]
TargetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--target",
        "-t",
        metavar="COLUMN",
        help="The column to predict; repeat it for several.",
        rich_help_panel=LEARNED,
    ),
]
TaskOption = Annotated[
    str | None,
    typer.Option(
        "--task",
        metavar="TASK",
        help="regression, binary, multiclass, multilabel or classification; else inferred.",
        rich_help_panel=LEARNED,
    ),
]
SeparatorOption = Annotated[
    str | None,
    typer.Option(
        "--separator",
        metavar="S",
        help="What stands between several labels in one cell, such as ';'.",
        rich_help_panel=LEARNED,
    ),
]
IgnoreOption = Annotated[
    list[str] | None,
    typer.Option("--ignore", metavar="COLUMN", help="A column to leave out; may be repeated.", rich_help_panel=LEARNED),
]
WeightOption = Annotated[
    str | None,
    typer.Option(
        "--weight", metavar="COLUMN", help="The column that says how much a row counts.", rich_help_panel=LEARNED
    ),
]
GroupOption = Annotated[
    str | None,
    typer.Option(
        "--group", metavar="COLUMN", help="Rows with the same cell in it stay together.", rich_help_panel=LEARNED
    ),
]
TimeOrderOption = Annotated[
    str | None,
    typer.Option("--time-order", metavar="COLUMN", help="Test on the latest rows by it.", rich_help_panel=LEARNED),
]
TestOption = Annotated[
    str | None,
    typer.Option("--test", metavar="FILE", help="A table of its own for the test.", rich_help_panel=LEARNED),
]
SeedOption = Annotated[
    int | None,
    typer.Option("--seed", metavar="N", help="Of all that is drawn at random.", rich_help_panel=LEARNS),
]
ConfigOption = Annotated[
    str | None,
    typer.Option(
        "--config",
        metavar="FILE.toml",
        help="Settings: a file of pellucid init, or the run.toml of a run.",
        rich_help_panel=LEARNS,
    ),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="PATH=VALUE",
        help="Any setting that pellucid init lists; may be repeated.",
        rich_help_panel=LEARNS,
    ),
]
ThreadsOption = Annotated[
    int | None,
    typer.Option("--threads", metavar="N", help="How many cores to use; else all.", rich_help_panel=LEARNS),
]
OverwriteOption = Annotated[
    bool, typer.Option("--overwrite", help="Replace what an earlier one left in --out.", rich_help_panel=WRITTEN)
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.", rich_help_panel=WRITTEN)]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print the result as JSON, and nothing else.", rich_help_panel=WRITTEN)
]


def plan_of_table(table: str | None, config: str | None, assignments: Sequence[str] | None, **named: Any) -> Plan:
    """Return the plan that options of these names say; its table and its target are named.

    Raises
    ------
    UsageError
        Where something does not fit: with the option.

    Examples
    --------
    >>> plan_of_table("houses.csv", None, ["optimizer.learning_rate=0.01"], target=["price"]).target
    ('price',)
    """
    check_seed(named.get("seed"))
    options = {f"--{name.replace('_', '-')}": value for name, value in named.items()}
    plan = make_plan(table, config, options, assignments or [])
    assert plan.table is not None
    if not plan.target:
        known = ", ".join(map(repr, read_table(plan.table).names[:12]))
        raise UsageError("no target is named", where=plan.table, fix=f"Say --target COLUMN. Columns: {known}.")
    return plan


@contextmanager
def as_options(**names: str) -> Iterator[None]:
    """Let errors of the library name the options of the command line: ``with as_options(metric="--metric")``."""
    try:
        yield
    except UsageError as error:
        first, comma, rest = (error.where or "").partition(",")
        if first not in names:
            raise
        where = names[first] + comma + rest
        raise UsageError(error.what, where=where, got=error.got, expected=error.expected, fix=error.fix) from None


def seconds_of(text: str | None) -> float | None:
    """Return a time as an option has it in seconds; None where it was not given."""
    return None if text is None else parse_time(text)


def check_count(option: str, count: int | None, least: int = 1) -> None:
    """Raise a UsageError where an option's number is less than it has to be."""
    if count is not None and count < least:
        raise UsageError("not a count", where=option, got=str(count), expected=f"a whole number from {least} up")
