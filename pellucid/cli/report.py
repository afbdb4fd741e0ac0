"""``pellucid report``: one page that says what a run was, what it is worth, and what goes on inside it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pellucid.cli.output import check_file, show_json
from pellucid.workflow.pages.run_page import PAGE, write_page
from pellucid.workflow.reports.layout import printable


def report(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run folder.", show_default=False)],
    out: Annotated[
        str | None, typer.Option("--out", "-o", metavar="FILE.html", help="The file; by default RUN/report.html.")
    ] = None,
    table: Annotated[str | None, typer.Option("--table", metavar="TABLE", help="Where the run's table is now.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the file's name as JSON, and nothing else.")] = False,
) -> None:
    """Write a page about a run: one HTML file that needs no network and nothing beside it.

    What was trained on what, how it learned, its results beside simple models, gates with their evidence, the layers
    over the training, and examples that were predicted rightly and wrongly, seen through. The training is done again
    for it, to the bit; without the table, the page has what the folder knows.
    """
    if out is not None:
        check_file("--out", out, (".html", ".htm"), "an HTML file", table or str(Path(run) / PAGE))
    written = write_page(run, out, table=table)
    if as_json:
        show_json({"report": str(written)})
    else:
        print(f"Written to {printable(str(written))}")
