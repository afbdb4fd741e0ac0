"""Checks in float64: gradients against central finite differences, values against the graph computed anew."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from pellucid.graph.graph import Node, live_nodes
from pellucid.graph.operation import Operation
from pellucid.inspection.explain.double import run_changed
from pellucid.inspection.explain.evidence import Evidence
from pellucid.inspection.explain.gradient import NOTICEABLE, Gradient
from pellucid.inspection.explain.names import name_element, tell
from pellucid.inspection.explain.slopes import elementwise_slopes
from pellucid.ops.elementwise import Elementwise

STEP = float(np.cbrt(np.finfo(np.float64).eps))
"""Relative to the number or to 1: where rounding and the curve of the function harm a central difference alike."""

SIZES = (100.0, 10.0, 1.0, 0.1, 0.01)
"""The steps that are tried, in such steps."""

ROUNDING = 0.05
"""What rounding may change a gradient by, relatively, where numbers cancel."""

AGREES = 1e-6
"""How far gradient and difference may lie apart, relative to the larger one, besides the rounding of the difference."""


@dataclass(frozen=True)
class Check:
    """A number and the same found in another way.

    Attributes
    ----------
    method : str
    number, double, found : float
        The number itself, the same computed in float64, and what the check found.
    step : float or None
        Of the finite difference.
    agrees : bool
    note : str
        What has to be known to judge it, such as a kink within the step; empty where there is nothing.
    """

    method: str
    number: float
    double: float
    found: float
    step: float | None
    agrees: bool
    note: str


def check_gradient(gradient: Gradient) -> Check | None:
    """Compare a gradient with a central finite difference of the scalar in float64.

    Differences with several steps are computed. The one that the next one differs from least is taken: with larger
    steps the curve of the function shows, with smaller ones rounding. Steps within which a kink lies are used only
    where all have one. None where the element or the scalar is not finite.
    """
    evidence, node, place = gradient.evidence, gradient.node, gradient.place
    here = float(evidence.double[node].reshape(-1)[place])
    if not math.isfinite(here) or not np.isfinite(evidence.double[gradient.target]).all():
        return None
    of = gradient.of_target
    number = gradient.number if gradient.whole else float(evidence.gradient(of, node).reshape(-1)[place])
    double = float(evidence.double_gradient(of, node).reshape(-1)[place])
    found = [_difference(gradient, size * STEP * max(1.0, abs(here))) for size in SIZES]
    smooth = [difference for difference in found if not difference.kinks and math.isfinite(difference.slope)]
    chosen, error = _most_certain(smooth) if smooth else (found[-1], 0.0)
    notes = [] if gradient.whole else [f"of {of} alone, without penalties"]
    if chosen.kinks:
        notes.append(_tell_kinks(chosen, chosen.agrees(double, error)))
    off = abs(number - double) / max(abs(number), abs(double), np.finfo(np.float64).tiny)
    coarse = _is_coarse(gradient.way)
    if coarse and off > NOTICEABLE:
        notes.append(f"rounding in float32 has changed it by {100 * off:.2g} %")
    agrees = chosen.agrees(double, error) and (off <= ROUNDING or abs(number - double) <= _least(gradient, coarse))
    method = "central finite difference in float64"
    return Check(method, number, double, chosen.slope, chosen.step, agrees, "; ".join(notes))


def _most_certain(found: list[_Difference]) -> tuple[_Difference, float]:
    """Return the difference that the one with the next step differs from least, and by how much."""
    if len(found) == 1:
        return found[0], 0.0
    errors = [abs(one.slope - other.slope) for one, other in itertools.pairwise(found)]
    at = int(np.argmin(errors))
    return found[at + 1], errors[at]


def _is_coarse(way: Sequence[Node]) -> bool:
    """Say whether anything on the way was computed in float32."""
    return any(node.type.dtype.name == "float32" for node in way)


def _least(gradient: Gradient, coarse: bool) -> float:
    """Return what rounding may make of a gradient, given what it is added up from."""
    size = sum(float(np.abs(each.values).sum()) for each in gradient.edges)
    return 1e-4 * size + float(np.finfo(np.float32).tiny) if coarse else 1e-10 * size


@dataclass(frozen=True)
class _Difference:
    """A central difference: the scalar at both ends and in between, and the kinks that lie there."""

    step: float
    width: float
    ends: tuple[float, float]
    middle: float
    kinks: tuple[str, ...]

    @property
    def slope(self) -> float:
        return (self.ends[1] - self.ends[0]) / self.width

    @property
    def sides(self) -> list[float]:
        """The slopes on both sides, the smaller one first."""
        half = self.width / 2
        return sorted([(self.middle - self.ends[0]) / half, (self.ends[1] - self.middle) / half])

    def agrees(self, slope: float, error: float) -> bool:
        """Say whether a slope is the difference's, which may be off by `error` and by rounding."""
        rounding = 10 * np.finfo(np.float64).eps * max(abs(self.middle), *map(abs, self.ends)) / self.step
        allowed = AGREES * max(abs(self.slope), abs(slope)) + 2 * error + rounding
        if self.kinks:
            return bool(self.sides[0] - allowed <= slope <= self.sides[1] + allowed)
        return bool(abs(self.slope - slope) <= allowed)


def _difference(gradient: Gradient, step: float) -> _Difference:
    evidence, node, place, target = gradient.evidence, gradient.node, gradient.place, gradient.target
    here = float(evidence.double[node].reshape(-1)[place])
    sides = [_moved(evidence, gradient.way, node, place, by) for by in (-step, step)]
    middle = float(evidence.double[target].reshape(-1)[0])
    ends = [float(side[target].reshape(-1)[0]) if target in side else middle for side in sides]
    kinks = tuple(_kinks_between(gradient.way, evidence.double, *sides))
    return _Difference(step, (here + step) - (here - step), (ends[0], ends[1]), middle, kinks)


def _tell_kinks(difference: _Difference, between: bool) -> str:
    low, high = map(tell, difference.sides)
    more = len(difference.kinks) - 1
    told = difference.kinks[0] + (f", and {more} more," if more else "")
    judged = "what is between is as good" if between else "the number is not between them"
    return f"{told} within the step: the slopes on both sides are {low} and {high}, and {judged}"


def check_value(evidence: Evidence, node: Node, place: int) -> Check:
    """Compare a value with what the graph gives in float64."""
    number = float(evidence.values[node].reshape(-1)[place])
    double = float(evidence.double[node].reshape(-1)[place])
    relative, absolute = (1e-3, 1e-5) if _is_coarse(live_nodes([node])) else (1e-9, 1e-12)
    same = number == double or (math.isnan(number) and math.isnan(double))
    agrees = same or math.isclose(number, double, rel_tol=relative, abs_tol=absolute)
    return Check("computed anew in float64", number, double, double, None, agrees, "")


def _moved(evidence: Evidence, way: Sequence[Node], node: Node, place: int, by: float) -> dict[Node, np.ndarray]:
    changed = np.array(evidence.double[node], order="C")
    with np.errstate(all="ignore"):
        changed.reshape(-1)[place] += by
    return run_changed(way, evidence.double, {node: changed})


def _kinks_between(
    way: Sequence[Node],
    base: Mapping[Node, np.ndarray],
    below: Mapping[Node, np.ndarray],
    above: Mapping[Node, np.ndarray],
) -> Iterator[str]:
    """Yield where an operand passes a kink of its operation, or a choice turns out otherwise."""
    for node in way:
        if node not in above or node not in below or not any(source in above for source in node.inputs):
            continue
        operands = [(below.get(source, base[source]), above.get(source, base[source])) for source in node.inputs]
        if node.type.dtype.kind != "float":
            turned = (below[node] != above[node]) | (below[node] != base[node])
            for at in np.flatnonzero(turned.reshape(-1))[:1]:
                yield f"{name_element(node, int(at))} turns"
        elif isinstance(node.op, Elementwise) and len(operands) == 1:
            low, high = (side.reshape(-1) for side in operands[0])
            for kink in _kinks_of(node.op, node.params):
                passed = (np.minimum(low, high) <= kink) & (kink <= np.maximum(low, high)) & (low != high)
                for at in np.flatnonzero(passed):
                    source = name_element(node.inputs[0], int(at))
                    yield f"{source} passes the kink of {node.op.name} at {tell(kink)}"
        elif node.op.name in ("maximum", "minimum"):
            sides = [np.sign(first - second) for first, second in zip(*operands, strict=True)]
            for at in np.flatnonzero((sides[0] != sides[1]).reshape(-1))[:1]:
                yield f"{name_element(node, int(at))} changes sides"
        elif node.op.name == "max":
            axes = dict(node.params)["axes"]
            low, high = (side == side.max(axis=axes, keepdims=True) for side in operands[0])
            if (low != high).any():
                yield f"another element of {node.inputs[0].path} becomes the greatest"


@lru_cache(maxsize=256)
def _kinks_of(op: Operation, params: tuple) -> tuple[float, ...]:
    """Return the points of an operation of one operand at which its slopes on both sides differ."""
    if not isinstance(op, Elementwise) or not op.differentiable:
        return ()
    from pellucid.graph.builder import Builder
    from pellucid.graph.types import float64

    builder = Builder()
    node = builder.add(op, (builder.input("x", float64[1]),), dict(params)).node
    found = []
    for operands, *_ in op.read_points():
        point = float(operands[0])
        if math.isfinite(point):
            near = 1e-6 * max(1.0, abs(point))
            slopes = [float(elementwise_slopes(node, 0, [np.array([point + side])])[0]) for side in (-near, near)]
            if abs(slopes[1] - slopes[0]) > 1e-3:
                found.append(point)
    return tuple(found)
