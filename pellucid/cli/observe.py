"""``pellucid observe``: one row's way through a network, forward and backward."""

from __future__ import annotations

from typing import Annotated

import typer

from pellucid.cli.observe_node import describe_node, explain_node, find_node, view_node
from pellucid.cli.observe_view import view_nodes, view_row
from pellucid.cli.options import ExecutorOption, check_table
from pellucid.cli.output import check_file, show, show_json, width
from pellucid.data.tables.table import read_table
from pellucid.errors import UsageError
from pellucid.executors.program import ONCE
from pellucid.inspection.drawing.frames import Frames
from pellucid.inspection.drawing.network_figure import draw_network, network_scene
from pellucid.model.folder import load_model
from pellucid.workflow.observed_row import ObservedRow, observe_row
from pellucid.workflow.observed_step import ObservedStep, observe_step
from pellucid.workflow.reports.layout import printable


def observe(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A run folder.", show_default=False)],
    table: Annotated[str, typer.Argument(metavar="TABLE", help="A CSV or Parquet file.", show_default=False)],
    row: Annotated[
        int | None, typer.Option("--row", metavar="N", help="Which row; the first one is 0.", show_default=False)
    ] = None,
    step: Annotated[
        int | None,
        typer.Option("--step", metavar="N", help="In place of a row: which step of the training; the first one is 0."),
    ] = None,
    draw: Annotated[
        str | None,
        typer.Option(
            "--draw",
            metavar="FILE",
            help="Draw the network with its values and gradients: FILE.svg as a picture, FILE.html pass by pass.",
        ),
    ] = None,
    node: Annotated[
        str | None,
        typer.Option(
            "--node",
            metavar="PATH",
            help='Show this node alone, such as dense_1/gelu, or explain one number, such as "dense_1/gelu[0, 5]" or'
            ' "d loss / d dense_1/weight[3, 2]", or of a step "update of dense_1/weight[3, 2]".',
        ),
    ] = None,
    executor: ExecutorOption = ONCE,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON, and nothing else.")] = False,
) -> None:
    """Show one row's way through the network: every value, and the gradient of the loss with respect to it.

    From the cells through the encoders and every layer to the prediction and, where the table has the target, the
    loss. Where it has not, gradients are of the logarithm of the predicted class's probability, or of the number that
    is predicted.

    With --step, a step of the training that made the model, done again to the bit: the network on its mini-batch, every
    gradient, and the optimizer's update. The table has to be the one that it was trained on.

    A network of a few neurons is drawn unit by unit, a larger one layer by layer.
    """
    check_table(table)
    if draw is not None:
        check_file("--draw", draw, (".svg", ".html"), "an SVG file or an HTML page", table)
    if (row is None) == (step is None):
        got = "none of them" if row is None else "both"
        raise UsageError("one thing is observed", got=got, expected="--row N or --step N")
    found: ObservedRow | ObservedStep
    if step is not None:
        found = observe_step(model, table, step)
    else:
        assert row is not None
        found = observe_row(load_model(model, executor), read_table(table), row)
    explanation = None if node is None else explain_node(found.seen, node)
    chosen = None if node is None or explanation is not None else find_node(found.seen, node)
    if draw is not None:
        _draw(found, draw)
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
        show(view_row(found) if isinstance(found, ObservedRow) else found.told)
        print()
        print(view_nodes(found.seen, width()), end="")
    else:
        print(view_node(found.seen, chosen, width()), end="")
    if draw is not None:
        print(f"\nDrawn to {printable(draw)}")


def _draw(found: ObservedRow | ObservedStep, file: str) -> None:
    """Draw the way through the network as a picture, or as a page that shows one layer after the other."""
    page = file.lower().endswith(".html")
    if isinstance(found, ObservedStep):
        draw_step = found.seen.write_frames if page else found.seen.draw
        draw_step(file, view="neurons")
    elif page:
        Frames(network_scene(found.seen, found.names())).write_page(file)
    else:
        draw_network(found.seen, found.names(), file)
