"""``pellucid evaluate``: how good a model is on the rows of another table."""

from __future__ import annotations

from typing import Annotated

import typer

from pellucid.cli.output import show, show_json
from pellucid.data.table import read_table
from pellucid.model.folder import load_model
from pellucid.workflow.evaluate import evaluate_model
from pellucid.workflow.view_report import view_report


def evaluate(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A run folder.", show_default=False)],
    table: Annotated[
        str, typer.Argument(metavar="TABLE", help="A CSV or Parquet file with the targets.", show_default=False)
    ],
    weight: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="The column that says how much a row counts.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON, and nothing else.")] = False,
) -> None:
    """Report how good a model is on the rows of a table, beside a constant prediction.

    The table needs the columns that the model reads, and its targets. Nothing is learned. What is said is worth
    something only for rows that the model was not trained on.
    """
    report = evaluate_model(load_model(model), read_table(table), weight=weight)
    if as_json:
        show_json(report.as_dict())
    else:
        show(view_report(report))
