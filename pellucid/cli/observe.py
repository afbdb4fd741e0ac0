"""``pellucid observe``: one row's way through a network, forward and backward."""

from __future__ import annotations

from typing import Annotated

import typer

from pellucid.cli.observe_view import view_nodes, view_row
from pellucid.cli.output import show, width
from pellucid.data.table import Table, read_table
from pellucid.errors import UsageError
from pellucid.inspection.observe import observe as observe_graph
from pellucid.model.folder import load_model
from pellucid.model.model import Model
from pellucid.workflow.view import printable


def observe(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A run folder.", show_default=False)],
    table: Annotated[str, typer.Argument(metavar="TABLE", help="A CSV or Parquet file.", show_default=False)],
    row: Annotated[int, typer.Option("--row", metavar="N", help="Which row; the first one is 0.", show_default=False)],
    draw: Annotated[
        str | None, typer.Option("--draw", metavar="FILE.svg", help="Draw the graph with its values and gradients.")
    ] = None,
) -> None:
    """Show one row's way through the network: every value, and the gradient of the loss with respect to it.

    From the cells through the encoders and every layer to the prediction and, where the table has the target, the
    loss. Where it has not, gradients are of the logarithm of the predicted class's probability, or of the number that
    is predicted.
    """
    if draw is not None and not draw.lower().endswith(".svg"):
        raise UsageError("a drawing is an SVG file", where=f"--draw {draw}", fix="Give the file the ending .svg.")
    loaded = load_model(model)
    one = take_row(loaded, read_table(table), row)
    graph, inputs = loaded.observation(one)
    of = "loss" if "loss" in graph.outputs else "score"
    seen = observe_graph(graph, of, **inputs)
    if draw is not None:
        seen.draw(draw)
    show(view_row(loaded, one, row, seen))
    print()
    print(view_nodes(seen, width()), end="")
    if draw is not None:
        print(f"\nDrawn to {printable(draw)}")


def take_row(model: Model, table: Table, row: int) -> Table:
    """Return the table of one row, without targets where one of them is missing in it.

    Raises
    ------
    UsageError
        Where there is no such row.
    """
    if not 0 <= row < len(table):
        rows = f"{len(table)} row{'s' if len(table) > 1 else ''}: 0" + (
            f" to {len(table) - 1}" if len(table) > 1 else ""
        )
        raise UsageError(f"there is no row {row}", where=table.path, expected=rows)
    one = table.take([row])
    known = [name for name in model.targets.names if name in one]
    if any(one[name].missing[0] for name in known) and set(known) < set(one.names):
        return one.drop(known)
    return one
