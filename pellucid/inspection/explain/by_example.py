"""What each training example contributes to a gradient."""

from __future__ import annotations

import numpy as np

from pellucid.graph.graph import Node
from pellucid.graph.types import Axis
from pellucid.inspection.explain.evidence import Evidence
from pellucid.inspection.explain.gradient import Gradient
from pellucid.inspection.explain.parts import Part, Parts, take_apart
from pellucid.inspection.explain.sweep import reach


def gradient_by_example(gradient: Gradient) -> Parts | None:
    """Return the gradient of each example's share of the loss, weights included.

    An example's share is what comes in where the element first meets values of that example. None where the graph has
    no axis of examples, or the element belongs to an example itself.
    """
    evidence = gradient.evidence
    count = evidence.graph.axes.get(evidence.examples)
    if count is None or example_axis(evidence, gradient.node) is not None or gradient.node not in gradient.inside:
        return None
    start = gradient.node, gradient.place
    reached = reach(evidence, start, gradient.way, stops=lambda each: example_axis(evidence, each) is not None)
    values, there = np.zeros(count), False
    for node, elements in reached.items():
        axis = example_axis(evidence, node)
        if axis is None:
            continue
        there = True
        places, derivatives = np.array(list(elements), np.int64), np.array(list(elements.values()))
        shape = tuple(map(int, node.type.shape))
        incoming = gradient.incoming(node)[places]
        with np.errstate(all="ignore"):
            np.add.at(values, np.unravel_index(places, shape)[axis], derivatives * incoming)
    if not there:
        return None
    past = reached.get(gradient.target, {}).get(0, 0.0)
    rest = [Part("what goes past all examples", "", past)] if past else []

    def describe(at: int) -> tuple[str, str]:
        return name_example(gradient, at), ""

    return take_apart(
        "Contributions by example",
        gradient.number,
        values,
        describe,
        kind="example",
        dtype=gradient.dtype,
        rest=[*rest, *gradient.penalties],
    )


def example_axis(evidence: Evidence, node: Node) -> int | None:
    """Return which axis of a node is that of the examples, if one is."""
    named = (at for at, size in enumerate(node.type.shape) if isinstance(size, Axis) and size.name == evidence.examples)
    return next(named, None)


def name_example(gradient: Gradient, at: int) -> str:
    """Return what an example of the mini-batch is called: by its row, where that is known."""
    rows = gradient.evidence.rows
    if rows is None:
        return f"example {at}"
    return f"example {at} (row {int(rows[at])})" if at < len(rows) else f"example {at} (fills up the mini-batch)"
