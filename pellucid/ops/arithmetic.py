"""Arithmetic: add, subtract, multiply, divide, negative, power."""

from __future__ import annotations

import numpy as np

from pellucid.graph.value import Value
from pellucid.ops.comparison import equal, greater_equal, logical_and, select
from pellucid.ops.declare import elementwise
from pellucid.ops.functions import log
from pellucid.ops.identities import constant_elements, is_filled, stand_in, undo
from pellucid.ops.samples import Uniform


def _add_identity(x: Value, y: Value) -> Value | None:
    zero = -0.0 if x.dtype.is_float else 0  # -0.0 + 0.0 is 0.0
    if is_filled(y, zero):
        return stand_in(x, y)
    return stand_in(y, x) if is_filled(x, zero) else None


add = elementwise(
    name="add",
    doc="x + y.",
    rule=lambda s, x, y: x + y,
    gradient=lambda g, x, y, out: (g, g),
    reference=lambda x, y: x - (-y),
    points={(1.0, 2.0): (3.0, (1.0, 1.0)), (0.0, -0.0): (0.0, (1.0, 1.0))},
    sample=Uniform(-5.0, 5.0),
    accepts="number",
    identities=_add_identity,
)

subtract = elementwise(
    name="subtract",
    doc="x - y.",
    rule=lambda s, x, y: x - y,
    gradient=lambda g, x, y, out: (g, -g),
    reference=lambda x, y: x + -1.0 * y,
    points={(1.0, 2.0): (-1.0, (1.0, -1.0)), (0.0, 0.0): (0.0, (1.0, -1.0))},
    sample=Uniform(-5.0, 5.0),
    accepts="number",
    identities=lambda x, y: stand_in(x, y) if is_filled(y, 0.0 if x.dtype.is_float else 0) else None,
)


def _multiply_identity(x: Value, y: Value) -> Value | None:
    if is_filled(y, 1):
        return stand_in(x, y)
    return stand_in(y, x) if is_filled(x, 1) else None


multiply = elementwise(
    name="multiply",
    doc="x * y.",
    rule=lambda s, x, y: x * y,
    gradient=lambda g, x, y, out: (g * y, g * x),
    reference=lambda x, y: ((x + y) * (x + y) - (x - y) * (x - y)) / 4.0,
    points={(2.0, 3.0): (6.0, (3.0, 2.0)), (0.0, 3.0): (0.0, (3.0, 0.0))},
    sample=Uniform(-5.0, 5.0),
    accepts="number",
    identities=_multiply_identity,
)

divide = elementwise(
    name="divide",
    doc="x / y, a float also where both are integers.",
    rule=lambda s, x, y: x / y,
    gradient=lambda g, x, y, out: (g / y, -(g * out) / y),
    reference=lambda x, y: x * y**-1.0,
    points={(3.0, 2.0): (1.5, (0.5, -0.75)), (0.0, 4.0): (0.0, (0.25, 0.0))},
    sample=(Uniform(-5.0, 5.0), Uniform(-3.0, 3.0, avoid=(0.0,), gap=0.3)),
    identities=lambda x, y: stand_in(x, y) if is_filled(y, 1) else None,
)

negative = elementwise(
    name="negative",
    doc="-x.",
    rule=lambda s, x: -x,
    gradient=lambda g, x, y: -g,
    reference=lambda x: 0.0 - x,
    points={2.0: (-2.0, -1.0), 0.0: (-0.0, -1.0)},
    sample=Uniform(-5.0, 5.0),
    accepts="number",
    identities=lambda x: undo(x, "negative"),
)


def _power_gradient(g: Value, x: Value, y: Value, out: Value) -> tuple[Value | None, Value | None]:
    if y.node.op.name == "constant":  # the usual exponents, without a second power where none is needed
        for exponent, slope in ((0.0, lambda: None), (1.0, lambda: g), (2.0, lambda: g * (2 * x))):
            if is_filled(y, exponent):
                return slope(), None
        if 0 not in constant_elements(y):
            return g * (y * power(x, y - 1)), None
    none = equal(y, 0)  # there x**y is 1 for every x, while 0 * x**-1 would not be a number at 0
    by_base = select(none, 0.0, y * power(x, select(none, 1.0, y - 1)))
    flat = logical_and(equal(x, 0), greater_equal(y, 0))
    by_exponent = select(flat, 0.0, out * log(select(flat, 1.0, x)))
    return g * by_base, g * by_exponent


power = elementwise(
    name="power",
    doc=(
        "x to the power of y, a float also where both are integers. Where y is 0 it is 1 with slope 0 by x; "
        "where x is 0 and y is not negative its slope by y is 0."
    ),
    rule=lambda s, x, y: s.power(x, y),
    gradient=_power_gradient,
    reference=lambda x, y: np.exp(y * np.log(x)),
    points={
        (2.0, 3.0): (8.0, (12.0, 8.0 * np.log(2.0))),
        (0.0, 2.0): (0.0, (0.0, 0.0)),
        (0.0, 1.0): (0.0, (1.0, 0.0)),
        (0.0, 0.0): (1.0, (0.0, 0.0)),
        (4.0, -0.5): (0.5, (-0.0625, 0.5 * np.log(4.0))),
        (-2.0, 3.0): (-8.0, (12.0, np.nan)),
    },
    sample=(Uniform(0.2, 4.0), Uniform(-3.0, 3.0)),
    identities=lambda x, y: stand_in(x, y) if is_filled(y, 1.0) else None,
)
