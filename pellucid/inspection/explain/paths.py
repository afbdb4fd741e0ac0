"""The strongest paths between a number and where it comes from, in words."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping

import numpy as np

from pellucid.graph.graph import Node
from pellucid.inspection.explain.factors import loss_part
from pellucid.inspection.explain.flow import Flow, Path
from pellucid.inspection.explain.gradient import NOTICEABLE, Gradient
from pellucid.inspection.explain.names import in_brackets, is_unnamed, name_element, name_factor
from pellucid.inspection.explain.parts import MOST, Part, Parts, math_sum, take_largest
from pellucid.inspection.explain.value import Value

_BRANCHING = ("contraction", "softmax", "log_softmax", "log_sum_exp", "max")
"""Operations in which one element enters several others."""


def paths_of_gradient(gradient: Gradient) -> Parts | None:
    """Return the strongest paths from an element to the scalar: products of local derivatives.

    None where there is none, or a derivative on the way is not finite.

    Raises
    ------
    TooManyEdges
    """
    if gradient.node is gradient.target or gradient.node not in gradient.inside:
        return None
    flow = Flow(gradient.evidence, (gradient.target, 0))
    flow.follow_down((gradient.node, gradient.place), gradient.way)
    start = np.zeros(gradient.node.type.size)
    start[gradient.place] = 1.0
    total = float(flow.derivatives(gradient.node)[gradient.place])
    if not math.isfinite(total):
        return None
    starts = {gradient.node: start}
    rest = [] if gradient.whole else _difference("penalties, which are no part of the loss", gradient.number, total)
    title = f"Strongest paths to {name_element(gradient.target, 0)}"
    return _tell(flow, starts, title, gradient.number, rest, gradient.dtype, loss_part(gradient.way))


def paths_of_value(value: Value) -> Parts | None:
    """Return the strongest paths from inputs to an element: the inputs times the local derivatives.

    None where there is none, or a number on the way is not finite.

    Raises
    ------
    TooManyEdges
    """
    if not value.node.inputs or not value.sources:
        return None
    flow = Flow(value.evidence, (value.node, value.place))
    flow.follow_up(value.way, value.flowing)
    starts = {node: value.evidence.values[node].reshape(-1) for node in value.sources}
    with np.errstate(all="ignore"):
        carried = math_sum(np.concatenate([flow.derivatives(node) * numbers for node, numbers in starts.items()]))
    if not math.isfinite(carried) or not math.isfinite(value.number):
        return None
    rest = _difference("constants, and what curved functions add to their slopes", value.number, carried)
    title = "Strongest paths from the inputs"
    return _tell(flow, starts, title, value.number, rest, value.dtype, loss_part(value.way))


def _difference(text: str, number: float, total: float) -> list[Part]:
    """Return what is missing to the number, if it is more than rounding."""
    missing = number - total
    return [Part(text, "", missing)] if abs(missing) > NOTICEABLE * max(abs(number), abs(total)) else []


def _tell(
    flow: Flow,
    starts: Mapping[Node, np.ndarray],
    title: str,
    number: float,
    rest: list[Part],
    dtype: str,
    loss: set[Node],
) -> Parts | None:
    found = flow.strongest(starts, MOST)
    if not found and not rest:
        return None
    shown = [Part(_chain(path, loss), _product(path, starts), path.product) for path in found]
    return take_largest(title, number, shown, flow.count(starts), kind="path", dtype=dtype, rest=rest)


def _chain(path: Path, loss: set[Node]) -> str:
    """Return the elements that a path goes through: those that enter several others, outputs, and its ends."""
    kept = [name_element(*path.start)]
    for step, after in itertools.pairwise(path.steps):
        here, there = step.link.node, after.link.node
        if here not in loss and (there in loss or there.op.name in _BRANCHING):
            kept.append(name_element(here, step.result))
    if len(kept) == 1:
        named = [step for step in path.steps[:-1] if not is_unnamed(step.link.node)]
        kept += [name_element(step.link.node, step.result) for step in named]
    if path.steps:
        kept.append(name_element(path.steps[-1].link.node, path.steps[-1].result))
    return " → ".join(dict.fromkeys(kept))


def _product(path: Path, starts: Mapping[Node, np.ndarray]) -> str:
    """Return the factors of a path: the input that it starts from, and all derivatives but 1."""
    node, place = path.start
    weight = float(starts[node][place])
    factors = [] if weight == 1.0 and len(starts) == 1 else [in_brackets(weight)]
    for step in path.steps:
        if step.derivative != 1.0 or name_factor(step.link, step.result, step.source):
            factors.append(in_brackets(step.derivative))
    return " * ".join(factors)
