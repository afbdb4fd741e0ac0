"""``pellucid observe``: one row's way through a network, forward and backward."""

from __future__ import annotations

from typing import Annotated

import typer

from pellucid.cli.observe_node import describe_node, explain_node, find_node, view_node
from pellucid.cli.observe_view import view_nodes, view_row
from pellucid.cli.options import ExecutorOption, check_table
from pellucid.cli.output import check_file, show, show_json, width
from pellucid.data.cells import numbers_of
from pellucid.data.tables.table import Table, read_table
from pellucid.errors import UsageError
from pellucid.executors.program import ONCE
from pellucid.inspection.drawing.network_figure import draw_network
from pellucid.inspection.observe import observe as observe_graph
from pellucid.model.folder import load_model
from pellucid.model.model import Model
from pellucid.workflow.observed_row import ObservedRow
from pellucid.workflow.reports.layout import printable


def observe(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A run folder.", show_default=False)],
    table: Annotated[str, typer.Argument(metavar="TABLE", help="A CSV or Parquet file.", show_default=False)],
    row: Annotated[int, typer.Option("--row", metavar="N", help="Which row; the first one is 0.", show_default=False)],
    draw: Annotated[
        str | None, typer.Option("--draw", metavar="FILE.svg", help="Draw the network with its values and gradients.")
    ] = None,
    node: Annotated[
        str | None,
        typer.Option(
            "--node",
            metavar="PATH",
            help='Show this node alone, such as dense_1/gelu, or explain one number, such as "dense_1/gelu[0, 5]" or'
            ' "d loss / d dense_1/weight[3, 2]".',
        ),
    ] = None,
    executor: ExecutorOption = ONCE,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON, and nothing else.")] = False,
) -> None:
    """Show one row's way through the network: every value, and the gradient of the loss with respect to it.

    From the cells through the encoders and every layer to the prediction and, where the table has the target, the
    loss. Where it has not, gradients are of the logarithm of the predicted class's probability, or of the number that
    is predicted.

    A network of a few neurons is drawn unit by unit, a larger one layer by layer.
    """
    check_table(table)
    if draw is not None:
        check_file("--draw", draw, (".svg",), "an SVG file", table)
    loaded = load_model(model, executor)
    found = observe_row(loaded, read_table(table), row)
    explanation = None if node is None else explain_node(found.seen, node)
    chosen = None if node is None or explanation is not None else find_node(found.seen, node)
    if draw is not None:
        draw_network(found.seen, found.names(), draw)
    if as_json:
        if explanation is not None:
            show_json({**found.as_dict(), "nodes": [], "explanation": explanation.as_dict(), "drawing": draw})
            return
        nodes = [one for one in found.seen if one.operation != "constant"] if chosen is None else [chosen]
        told = [describe_node(found.seen, one, in_full=chosen is not None) for one in nodes]
        show_json({**found.as_dict(), "nodes": told, "drawing": draw})
        return
    if explanation is not None:
        print(explanation.text(width()), end="")
    elif chosen is None:
        show(view_row(found))
        print()
        print(view_nodes(found.seen, width()), end="")
    else:
        print(view_node(found.seen, chosen, width()), end="")
    if draw is not None:
        print(f"\nDrawn to {printable(draw)}")


def observe_row(model: Model, table: Table, row: int) -> ObservedRow:
    """Observe one row of a table on its way through a model."""
    one = take_row(model, table, row)
    graph, inputs = model.observation(one)
    of = "loss" if "loss" in graph.outputs else "score"
    return ObservedRow(model, one, row, observe_graph(graph, of=of, executor=model.executor, **inputs))


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
    _check_columns(model, table)
    one = table.take([row])
    known = [name for name in model.targets.names if name in one]
    if any(one[name].missing[0] for name in known) and set(known) < set(one.names):
        return one.drop(known)
    return one


def _check_columns(model: Model, table: Table) -> None:
    """Refuse a table with a word among numbers or dates, whichever row it is in: one row alone does not show it."""
    chosen = model.front.select(table)
    for front, column in zip(model.front.columns, chosen.columns, strict=True):
        if front.role == "number" and column.kind in ("text", "date"):
            numbers_of(chosen, column)
