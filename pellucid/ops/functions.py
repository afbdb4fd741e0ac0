"""Functions of one number: exponentials, logarithms, roots, sizes, error functions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from pellucid.graph.value import Value
from pellucid.ops.comparison import maximum, minimum, select
from pellucid.ops.declare import NOT_DIFFERENTIABLE, Elementwise, elementwise
from pellucid.ops.error_function import FAR, gaussian
from pellucid.ops.identities import undo
from pellucid.ops.samples import Uniform

exp = elementwise(
    name="exp",
    doc="e to the power of x.",
    rule=lambda s, x: s.exp(x),
    gradient=lambda g, x, y: g * y,
    reference=lambda x: np.exp2(x * math.log2(math.e)),
    points={0.0: (1.0, 1.0), 1.0: (math.e, math.e), -np.inf: (0.0, 0.0), np.inf: (np.inf, np.inf)},
    sample=Uniform(-6.0, 6.0),
)

log = elementwise(
    name="log",
    doc="Natural logarithm.",
    rule=lambda s, x: s.log(x),
    gradient=lambda g, x, y: g / x,
    reference=lambda x: np.log2(x) * math.log(2.0),
    points={1.0: (0.0, 1.0), 2.0: (math.log(2.0), 0.5), 0.0: (-np.inf, np.inf)},
    sample=Uniform(0.05, 8.0),
)

log1p = elementwise(
    name="log1p",
    doc="log(1 + x), right also where x is small.",
    rule=lambda s, x: s.log1p(x),
    gradient=lambda g, x, y: g / (1 + x),
    reference=lambda x: 2.0 * np.arctanh(x / (2.0 + x)),
    points={0.0: (0.0, 1.0), 1.0: (math.log(2.0), 0.5), 1e-20: (1e-20, 1.0), -1.0: (-np.inf, np.inf)},
    sample=Uniform(-0.9, 8.0),
)

expm1 = elementwise(
    name="expm1",
    doc="exp(x) - 1, right also where x is small.",
    rule=lambda s, x: s.expm1(x),
    gradient=lambda g, x, y: g * exp(x),
    reference=lambda x: 2.0 * np.exp(x / 2.0) * np.sinh(x / 2.0),
    points={0.0: (0.0, 1.0), 1e-20: (1e-20, 1.0), -np.inf: (-1.0, 0.0)},
    sample=Uniform(-6.0, 6.0),
)

sqrt = elementwise(
    name="sqrt",
    doc="Square root.",
    rule=lambda s, x: s.sqrt(x),
    gradient=lambda g, x, y: g / (2 * y),
    reference=lambda x: x**0.5,
    points={4.0: (2.0, 0.25), 0.0: (0.0, np.inf), -1.0: (np.nan, np.nan)},
    sample=Uniform(0.05, 8.0),
)

absolute = elementwise(
    name="absolute",
    doc="Size without sign. The slope at 0 is 0.",
    rule=lambda s, x: s.abs(x),
    gradient=lambda g, x, y: select(x > 0, g, select(x < 0, -g, sign(x))),  # 0 at 0, also where g is infinite
    reference=lambda x: np.copysign(x, 1.0),
    points={-3.0: (3.0, -1.0), 3.0: (3.0, 1.0), 0.0: (0.0, 0.0)},
    sample=Uniform(-5.0, 5.0, avoid=(0.0,)),
    accepts="number",
    identities=lambda x: x if x.node.op.name == "absolute" else _bare(undo(x, "negative")),
)


def _bare(x: Any) -> Any:
    return None if x is None else absolute(x)


sign: Elementwise = elementwise(
    name="sign",
    doc="-1, 0 or 1, as x is below, at or above 0.",
    rule=lambda s, x: s.sign(x),
    gradient=NOT_DIFFERENTIABLE,
    reference=lambda x: np.greater(x, 0.0) * 1.0 - np.less(x, 0.0),
    points={-3.0: -1.0, 0.0: 0.0, 3.0: 1.0, np.nan: np.nan},
    sample=Uniform(-5.0, 5.0, avoid=(0.0,)),
    accepts="number",
    identities=lambda x: x if x.node.op.name == "sign" else None,
)


def special(name: str) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function of ``scipy.special``, imported at the first call only, as it is large."""

    def function(x: np.ndarray) -> np.ndarray:
        import scipy.special

        return getattr(scipy.special, name)(x)

    return function


def _erf_slope(s: Any, x: Any) -> Any:
    first, second = gaussian(s, s.min(s.abs(x), FAR), 1.0)
    return 2 / math.sqrt(math.pi) * first * second


erf_slope: Elementwise = elementwise(
    name="erf_slope",
    doc="Slope of the error function: 2 / sqrt(pi) * exp(-x * x).",
    rule=_erf_slope,
    gradient=lambda g, x, y: g * (y * (-2 * near(x))),
    reference=lambda x: 2 / math.sqrt(math.pi) * np.exp(-x * x),
    points={
        0.0: (2 / math.sqrt(math.pi), 0.0),
        1.0: (0.41510749742059472, -0.83021499484118944),
        np.inf: (0.0, 0.0),
        -np.inf: (0.0, 0.0),
    },
    sample=Uniform(-4.0, 4.0),
)


def near(x: Value) -> Value:
    """Return x within the bounds beyond which a Gaussian is 0, so that products of both are 0 at infinity."""
    return minimum(maximum(x, -FAR), FAR)


erf = elementwise(
    name="erf",
    doc="Error function: 2 / sqrt(pi) times the integral of exp(-t * t) from 0 to x.",
    rule=lambda s, x: s.erf(x),
    gradient=lambda g, x, y: g * erf_slope(x),
    reference=special("erf"),
    points={
        0.0: (0.0, 2 / math.sqrt(math.pi)),
        1.0: (0.8427007929497149, 0.41510749742059472),
        np.inf: (1.0, 0.0),
        -np.inf: (-1.0, 0.0),
    },
    sample=Uniform(-4.0, 4.0),
)

erfc = elementwise(
    name="erfc",
    doc="Complementary error function: 1 - erf(x), right also where that is small.",
    rule=lambda s, x: s.erfc(x),
    gradient=lambda g, x, y: -(g * erf_slope(x)),
    reference=special("erfc"),
    points={
        0.0: (1.0, -2 / math.sqrt(math.pi)),
        1.0: (0.15729920705028513, -0.41510749742059472),
        np.inf: (0.0, 0.0),
        -np.inf: (2.0, 0.0),
    },
    sample=Uniform(-4.0, 4.0),
)
