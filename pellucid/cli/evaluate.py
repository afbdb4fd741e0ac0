"""``pellucid evaluate``: how good a model is on the rows of another table."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from pellucid.cli.options import ExecutorOption, check_table
from pellucid.cli.output import show, show_json
from pellucid.cli.show import read_record
from pellucid.data.tables.table import Table, read_table
from pellucid.executors.program import DEFAULT_EXECUTOR
from pellucid.model.folder import load_model
from pellucid.workflow.evaluate import evaluate_model
from pellucid.workflow.reports.view_report import view_report


def evaluate(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A run folder.", show_default=False)],
    table: Annotated[
        str, typer.Argument(metavar="TABLE", help="A CSV or Parquet file with the targets.", show_default=False)
    ],
    weight: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="The column that says how much a row counts.")
    ] = None,
    executor: ExecutorOption = DEFAULT_EXECUTOR,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON, and nothing else.")] = False,
) -> None:
    """Report how good a model is on the rows of a table, beside a constant prediction.

    The table needs the columns that the model reads, and its targets. Nothing is learned. What is said is worth
    something only for rows that the model was not trained on.
    """
    check_table(table)
    loaded, data = load_model(model, executor), read_table(table)
    report = evaluate_model(loaded, data, weight=weight)
    of_training = column_of_weights(model, data)
    if of_training is not None and weight is None:
        note = f"In the training, rows counted by the column {of_training!r}; here they count alike. --weight uses it."
        report = dataclasses.replace(report, notes=(*report.notes, note))
    if as_json:
        show_json(report.as_dict())
    else:
        show(view_report(report))


def column_of_weights(model: str, table: Table) -> str | None:
    """Return the column of weights that the record of a run names, where the table has it."""
    section = read_record(Path(model)).get("table", {})
    name = section.get("weight") if isinstance(section, dict) else None
    return name if isinstance(name, str) and name in table else None
