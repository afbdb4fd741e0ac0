"""Comparisons, logic, and choices between values: select, maximum, minimum."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pellucid.graph.value import Value
from pellucid.ops.declare import NOT_DIFFERENTIABLE, Elementwise, elementwise
from pellucid.ops.identities import is_filled, stand_in, undo
from pellucid.ops.samples import Booleans, Integers, Uniform

_NAN = float("nan")


def _comparison(
    name: str, sign: str, rule: Callable[..., Any], truth: tuple[bool, bool, bool], **more: Any
) -> Elementwise:
    """Declare a comparison by what it says of less, equal and greater operands; of NaN it says what `unequal` does."""
    less_than, same, more_than = truth
    return elementwise(
        name=name,
        doc=f"Whether x {sign} y, element by element.",
        rule=rule,
        gradient=NOT_DIFFERENTIABLE,
        reference=lambda x, y: np.choose(np.sign(np.subtract(x, y, dtype=float)).astype(int) + 1, truth),
        points={
            (1.0, 2.0): less_than,
            (2.0, 2.0): same,
            (0.0, -0.0): same,
            (3.0, 2.0): more_than,
            (_NAN, 1.0): name == "not_equal",
        },
        sample=Integers(-2, 3),
        result="bool",
        **more,
    )


less = _comparison("less", "<", lambda s, x, y: x < y, (True, False, False), accepts="number")
less_equal = _comparison("less_equal", "<=", lambda s, x, y: x <= y, (True, True, False), accepts="number")
greater = _comparison("greater", ">", lambda s, x, y: x > y, (False, False, True), accepts="number")
greater_equal = _comparison("greater_equal", ">=", lambda s, x, y: x >= y, (False, True, True), accepts="number")
equal = _comparison("equal", "==", lambda s, x, y: s.equal(x, y), (False, True, False), accepts="any")
not_equal = _comparison("not_equal", "!=", lambda s, x, y: ~s.equal(x, y), (True, False, True), accepts="any")


def _logic_identity(neutral: bool) -> Callable[[Value, Value], Value | None]:
    def identity(x: Value, y: Value) -> Value | None:
        if is_filled(y, neutral) or x.node is y.node:
            return stand_in(x, y)
        return stand_in(y, x) if is_filled(x, neutral) else None

    return identity


logical_and = elementwise(
    name="logical_and",
    doc="Whether both are true.",
    rule=lambda s, x, y: x & y,
    gradient=NOT_DIFFERENTIABLE,
    reference=lambda x, y: np.multiply(x, y, dtype=float) == 1.0,
    points={(True, True): True, (True, False): False, (False, True): False, (False, False): False},
    sample=Booleans(),
    accepts="bool",
    result="bool",
    identities=_logic_identity(True),
)

logical_or = elementwise(
    name="logical_or",
    doc="Whether one of both, or both, are true.",
    rule=lambda s, x, y: x | y,
    gradient=NOT_DIFFERENTIABLE,
    reference=lambda x, y: np.add(x, y, dtype=float) > 0.0,
    points={(True, True): True, (True, False): True, (False, True): True, (False, False): False},
    sample=Booleans(),
    accepts="bool",
    result="bool",
    identities=_logic_identity(False),
)

logical_not = elementwise(
    name="logical_not",
    doc="Whether it is false.",
    rule=lambda s, x: ~x,
    gradient=NOT_DIFFERENTIABLE,
    reference=lambda x: np.equal(x, 0),
    points={True: False, False: True},
    sample=Booleans(),
    accepts="bool",
    result="bool",
    identities=lambda x: undo(x, "logical_not"),
)


def _select_identity(condition: Value, x: Value, y: Value) -> Value | None:
    if is_filled(condition, True) or x.node is y.node:
        return stand_in(x, condition, y)
    return stand_in(y, condition, x) if is_filled(condition, False) else None


def _select_gradient(g: Value, condition: Value, x: Value, y: Value, out: Value) -> tuple[Value | None, ...]:
    return None, select(condition, g, 0.0), select(condition, 0.0, g)


select = elementwise(
    name="select",
    doc="x where the condition is true, y where it is not. The side that is not taken gets gradient 0.",
    rule=lambda s, condition, x, y: s.select(condition, x, y),
    gradient=_select_gradient,
    reference=lambda condition, x, y: np.choose(np.asarray(condition, int), (y, x)),
    points={(True, 1.0, 2.0): (1.0, (None, 1.0, 0.0)), (False, 1.0, 2.0): (2.0, (None, 0.0, 1.0))},
    sample=(Booleans(), Uniform(-5.0, 5.0), Uniform(-5.0, 5.0)),
    accepts=("bool", "any", "any"),
    identities=_select_identity,
)


def _share(g: Value, wins: Value, x: Value, y: Value) -> Value:
    """Return what one side of maximum or minimum gets of the gradient: all, nothing, or half where both are equal."""
    return select(wins, g, select(equal(x, y), 0.5 * g, 0.0))


def _first_if_same(x: Value, y: Value) -> Value | None:
    return x if x.node is y.node else None


maximum = elementwise(
    name="maximum",
    doc="The larger of both, NaN where either is. Where both are equal, each has slope 1/2.",
    rule=lambda s, x, y: s.max(x, y),
    gradient=lambda g, x, y, out: (_share(g, x > y, x, y), _share(g, y > x, x, y)),
    reference=lambda x, y: (x + y + np.abs(x - y)) / 2.0,
    points={
        (1.0, 2.0): (2.0, (0.0, 1.0)),
        (2.0, 1.0): (2.0, (1.0, 0.0)),
        (2.0, 2.0): (2.0, (0.5, 0.5)),
        (np.inf, np.inf): (np.inf, (0.5, 0.5)),
    },
    sample=Uniform(-5.0, 5.0),
    accepts="number",
    identities=_first_if_same,
)

minimum = elementwise(
    name="minimum",
    doc="The smaller of both, NaN where either is. Where both are equal, each has slope 1/2.",
    rule=lambda s, x, y: s.min(x, y),
    gradient=lambda g, x, y, out: (_share(g, x < y, x, y), _share(g, y < x, x, y)),
    reference=lambda x, y: (x + y - np.abs(x - y)) / 2.0,
    points={
        (1.0, 2.0): (1.0, (1.0, 0.0)),
        (2.0, 1.0): (1.0, (0.0, 1.0)),
        (2.0, 2.0): (2.0, (0.5, 0.5)),
        (-np.inf, -np.inf): (-np.inf, (0.5, 0.5)),
    },
    sample=Uniform(-5.0, 5.0),
    accepts="number",
    identities=_first_if_same,
)
