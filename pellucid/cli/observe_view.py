"""How the observation of one row is laid out."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text

from pellucid.cli.predict import name_probabilities
from pellucid.data.table import Table
from pellucid.inspection.formula import summarize
from pellucid.inspection.observe import Observation
from pellucid.model.model import Model
from pellucid.workflow.view import printable

MOST_FEATURES = 12
MOST_CLASSES = 5


def view_row(model: Model, one: Table, row: int, seen: Observation) -> Group:
    """Say what the row is, what is predicted for it, and which features that depends on most."""
    line = one.line_of(0)
    place = f"Row {row} of {printable(one.path)}" + (f" (line {line} of the file)" if line is not None else "")
    parts: list[RenderableType] = [Text(place, style="bold")]
    predicted = model.predict(one)
    for name, values in predicted.items():
        told = f"{printable(name)}: predicted {_cell(values[0])}"
        if name in one:
            told += f", in the table {_cell(one[name].values[0])}"
        parts.append(Text(told))
    if model.kind == "probability":
        found = {
            name: float(values[0])
            for name, values in name_probabilities(model, model.predict_probabilities(one)).items()
        }
        largest = sorted(found, key=lambda name: -found[name])[:MOST_CLASSES]
        parts.append(Text(", ".join(f"{printable(name)} {found[name]:.4g}" for name in largest)))
    parts += [Text(_tell_scalar(model, seen)), "", *_features(model, one, seen)]
    return Group(*parts)


def _tell_scalar(model: Model, seen: Observation) -> str:
    value = float(np.asarray(seen[str(seen.of)].value))
    if seen.of == "loss":
        return f"Loss ({model.loss.name.replace('_', ' ')}) {value:.6g}; gradients are of the loss."
    if model.targets.task == "regression":
        what = "the prediction" if len(model.targets.names) == 1 else "the sum of the predictions"
    elif model.kind == "probability":
        what = "the logarithm of the probability of what is predicted"
    else:
        what = "the score of what is predicted"
    return f"The target is not in the table: gradients are of {what}, {value:.6g}, called score below."


def _features(model: Model, one: Table, seen: Observation) -> list[RenderableType]:
    """List the features with the largest gradients."""
    names = model.front.features
    path = (
        "x"
        if "x" in seen
        else next((node.path for node in reversed(list(seen)) if node.path.startswith("encoders/")), "")
    )
    if not path or seen[path].value.shape != (1, len(names)) or seen[path].gradient is None:
        return []
    values, gradients = seen[path].value[0], seen[path].gradient[0]
    order = sorted(range(len(names)), key=lambda place: -abs(float(gradients[place])))[:MOST_FEATURES]
    grid = Grid.grid(padding=(0, 2, 0, 0))
    grid.add_column(overflow="fold")
    for _ in range(3):
        grid.add_column(justify="right", no_wrap=True)
    grid.add_row("feature", "cell", "encoded", "gradient", style="dim")
    columns = {column.name for column in model.front.numbers}
    for place in order:
        name = names[place]
        cell = _number_cell(one, name) if name in columns else ""
        shown = (printable(name), cell, f"{float(values[place]):.4g}", f"{float(gradients[place]):.4g}")
        grid.add_row(*map(Text, shown))
    most = f"The {len(order)} of {len(names)} features" if len(order) < len(names) else "Features"
    return [Text(f"{most} with the largest gradients of {seen.of}"), Padding(grid, (0, 0, 0, 2))]


def _number_cell(one: Table, name: str) -> str:
    column = one[name]
    return "missing" if column.missing[0] else f"{float(column.values[0]):.6g}"


def _cell(value: Any) -> str:
    plain = value.item() if isinstance(value, np.generic) else value
    if isinstance(plain, bool):
        return str(plain).lower()
    return f"{plain:.6g}" if isinstance(plain, float) else printable(plain)


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
