"""How the observation of one row is laid out."""

from __future__ import annotations

import textwrap

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text

from pellucid.inspection.formula import summarize
from pellucid.inspection.observe import Observation
from pellucid.workflow.observed_row import ObservedRow
from pellucid.workflow.reports.layout import printable

MOST_FEATURES = 12
MOST_CLASSES = 5


def view_row(found: ObservedRow) -> Group:
    """Say what the row is, what is predicted for it, and which features that depends on most."""
    parts: list[RenderableType] = [Text(found.place, style="bold"), *map(Text, found.tell_predictions())]
    if found.probabilities:
        largest = list(found.probabilities.items())[:MOST_CLASSES]
        parts.append(Text(", ".join(f"{printable(name)} {value:.4g}" for name, value in largest)))
    parts += [Text(found.tell_scalar()), "", *_features(found)]
    return Group(*parts)


def _features(found: ObservedRow) -> list[RenderableType]:
    """List the features with the largest gradients, and the columns that are embedded."""
    features = [(one, one.gradient) for one in found.features if one.gradient is not None]
    if not features and not found.embedded:
        return []
    largest = sorted(features, key=lambda pair: -abs(pair[1]))[:MOST_FEATURES]
    grid = Grid.grid(padding=(0, 2, 0, 0))
    grid.add_column(overflow="fold")
    for _ in range(3):
        grid.add_column(justify="right", overflow="fold")
    grid.add_row("feature", "cell", "encoded", "gradient", style="dim")
    for one, gradient in largest:
        shown = (printable(one.name), _cut(one.cell), f"{one.encoded:.4g}", f"{gradient:.4g}")
        grid.add_row(*map(Text, shown))
    for name, told in found.embedded.items():
        grid.add_row(*map(Text, (printable(name), _cut(told), "embedded", "")))
    title = f"Features, those with the largest gradients of {found.seen.of} first"
    if len(largest) < len(features):
        title = f"The {len(largest)} of {len(features)} features with the largest gradients of {found.seen.of}"
    return [Text(title), Padding(grid, (0, 0, 0, 2))]


def _cut(text: str) -> str:
    return text if len(text) <= 20 else text[:19] + "…"


def view_nodes(seen: Observation, width: int | None) -> str:
    """Return the table of all nodes; where it is too wide, a short paragraph for each of them."""
    table = printable_lines(str(seen))
    if width is None or max(map(len, table.splitlines())) <= width:
        return table
    lines: list[str] = []
    for node in seen:
        if node.operation == "constant":
            continue
        told = [node.formula.partition(" = ")[2]] if node.node.inputs else []
        told.append(f"value {summarize(node.value)}")
        if node.gradient is not None:
            told.append(f"d {seen.of} / d node {summarize(node.gradient)}")
        lines += textwrap.wrap(printable(node.path), width)
        for line in told:
            lines += textwrap.wrap(printable(line), width, initial_indent="  ", subsequent_indent="    ")
    return "\n".join(lines) + "\n"


def printable_lines(text: str) -> str:
    """Return text of several lines in which nothing else controls a terminal."""
    return "".join(f"{printable(line)}\n" for line in text.splitlines())
