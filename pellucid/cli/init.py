"""``pellucid init``: every setting with its default and its meaning, as a file to train with."""

from __future__ import annotations

import dataclasses
from typing import Annotated

import typer

from pellucid.cli.options import make_plan
from pellucid.cli.output import write_data
from pellucid.data.tables.table import read_table
from pellucid.errors import UsageError
from pellucid.workflow.plans.plan import describe_settings
from pellucid.workflow.understanding import understand


def init(
    table: Annotated[str, typer.Argument(metavar="TABLE", help="A CSV or Parquet file.", show_default=False)],
    target: Annotated[
        list[str] | None,
        typer.Option("--target", "-t", metavar="COLUMN", help="The column to predict; repeat it for several."),
    ] = None,
    task: Annotated[
        str | None,
        typer.Option(metavar="TASK", help="regression, binary, multiclass, multilabel or classification."),
    ] = None,
    separator: Annotated[
        str | None, typer.Option(metavar="S", help="What stands between several labels in one cell, such as ';'.")
    ] = None,
    assignments: Annotated[
        list[str] | None, typer.Option("--set", metavar="PATH=VALUE", help="A setting to start with; may be repeated.")
    ] = None,
) -> None:
    """Print every setting of a run with its default and what it means, as TOML.

    What is inferred from the table stands in it: the task and the role of each column. Save it, change what you like,
    and train with it: pellucid train TABLE --config run.toml.
    """
    named = {"--target": target, "--task": task, "--separator": separator}
    plan = make_plan(table, None, named, assignments or [])
    data = read_table(table)
    if not plan.target:
        known = ", ".join(map(repr, data.names[:12]))
        raise UsageError("no target is named", where=table, fix=f"Say --target COLUMN. Columns: {known}.")
    found = understand(data, plan)
    decided = dataclasses.replace(plan, task=found.task.kind).with_roles(found.roles)
    write_data(describe_settings(decided, {role.name: role.reason for role in found.roles}))
