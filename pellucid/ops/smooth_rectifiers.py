"""Softplus, gelu, silu, mish, and their slopes.

The slopes of gelu, silu and mish change sign between -2 and 0. There they are right to a unit in the last place of the
larger of their two summands, not of their small sum. Sources: Hendrycks and Gimpel (GELU, 2016); Ramachandran, Zoph and
Le (SiLU, 2017); Misra (Mish, 2019).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from pellucid.graph.value import Value
from pellucid.ops.declare import Elementwise, elementwise
from pellucid.ops.error_function import ERF_NEAR_ZERO, FAR, gaussian, normal_ratio, polynomial
from pellucid.ops.functions import near, special
from pellucid.ops.sigmoids import EVEN, sigmoid, sigmoid_slope, tanh, tanh_slope

GONE = 2e4
"""From here on exp(-x) is 0 in every dtype; products of x with it are taken here instead of at infinity."""

softplus = elementwise(
    name="softplus",
    doc="log(1 + exp(x)): a rectifier with a rounded corner.",
    rule=lambda s, x: s.max(x, 0.0) + s.log1p(s.exp(-s.abs(x))),
    gradient=lambda g, x, y: g * sigmoid(x),
    reference=lambda x: np.logaddexp(0.0, x),
    points={0.0: (math.log(2.0), 0.5), np.inf: (np.inf, 1.0), -np.inf: (0.0, 0.0)},
    sample=EVEN,
    activation=True,
)


NEAR = 0.7
"""Below this the series of erf around 0 gives more digits than 1 minus a tail."""


def _half_erf(s: Any, size: Any) -> Any:
    """Return erf(x / sqrt(2)) / (2 x) for x of a size below NEAR."""
    z = s.min(size, NEAR) * math.sqrt(0.5)
    return 0.5 * math.sqrt(0.5) * polynomial(ERF_NEAR_ZERO, z * z)


def _gelu(s: Any, x: Any) -> Any:
    size = s.min(s.abs(x), FAR)
    first, second = gaussian(s, size, 0.5)
    ratio = normal_ratio(size) / math.sqrt(2 * math.pi)
    far = s.select(x < 0.0, -size * ratio * first * second, x * (1.0 - ratio * first * second))
    return s.select(size < NEAR, x * (0.5 + x * _half_erf(s, size)), far)


gelu = elementwise(
    name="gelu",
    doc="x times the standard normal distribution function at x: x * erfc(-x / sqrt(2)) / 2.",
    rule=_gelu,
    gradient=lambda g, x, y: g * gelu_slope(x),
    reference=lambda x: x * special("ndtr")(x),
    points={
        0.0: (0.0, 0.5),
        1.0: (0.84134474606854295, 1.0833154705876863),
        np.inf: (np.inf, 1.0),
        -np.inf: (0.0, 0.0),
    },
    sample=EVEN,
    activation=True,
)


def _gelu_slope(s: Any, x: Any) -> Any:
    size = s.min(s.abs(x), FAR)
    first, second = gaussian(s, size, 0.5)
    part = (normal_ratio(size) - size) / math.sqrt(2 * math.pi) * first * second
    far = s.select(x < 0.0, part, 1.0 - part)
    density = 1 / math.sqrt(2 * math.pi) * first * second
    return s.select(size < NEAR, 0.5 + x * (_half_erf(s, size) + density), far)


def _normal_density(s: Any, x: Any) -> Any:
    first, second = gaussian(s, s.min(s.abs(x), FAR), 0.5)
    return 1 / math.sqrt(2 * math.pi) * first * second


normal_density: Elementwise = elementwise(
    name="normal_density",
    doc="Density of the standard normal distribution: exp(-x * x / 2) / sqrt(2 * pi).",
    rule=_normal_density,
    gradient=lambda g, x, y: -(g * (y * near(x))),
    reference=lambda x: np.exp(-x * x / 2.0) / math.sqrt(2 * math.pi),
    points={0.0: (1 / math.sqrt(2 * math.pi), 0.0), np.inf: (0.0, 0.0), -np.inf: (0.0, 0.0)},
    sample=EVEN,
)


def _gelu_curvature(g: Value, x: Value, y: Value) -> Value:
    x = near(x)
    return g * (normal_density(x) * (2 - x * x))


gelu_slope: Elementwise = elementwise(
    name="gelu_slope",
    doc="Slope of gelu: the normal distribution function plus x times its density.",
    rule=_gelu_slope,
    gradient=_gelu_curvature,
    reference=lambda x: special("ndtr")(x) + x * np.exp(-x * x / 2.0) / math.sqrt(2 * math.pi),
    points={0.0: (0.5, 2 / math.sqrt(2 * math.pi))},
    sample=EVEN,
)


def _silu(s: Any, x: Any) -> Any:
    half = s.exp(-0.5 * s.abs(x))  # twice half the decay: a product with x before it is too small keeps all digits
    bounded = s.max(x, -GONE)
    return s.select(x < 0.0, bounded * half * half, x) / (1.0 + half * half)


silu = elementwise(
    name="silu",
    doc="x * sigmoid(x).",
    rule=_silu,
    gradient=lambda g, x, y: g * silu_slope(x),
    reference=lambda x: x / (1.0 + np.exp(-x)),
    points={0.0: (0.0, 0.5), np.inf: (np.inf, 1.0), -np.inf: (0.0, 0.0)},
    sample=EVEN,
    activation=True,
)


def _silu_slope(s: Any, x: Any) -> Any:
    size = s.min(s.abs(x), GONE)
    half = s.exp(-0.5 * size)
    decay = half * half
    share = 1.0 / (1.0 + decay)
    tail = half * (half * (1.0 - size * share)) * share  # at -size; what is missing to 1 at +size
    return s.select(x < 0.0, tail, 1.0 - tail)


silu_slope: Elementwise = elementwise(
    name="silu_slope",
    doc="Slope of silu: sigmoid(x) + x * sigmoid_slope(x).",
    rule=_silu_slope,
    gradient=lambda g, x, y: g * (sigmoid_slope(x) * (2 - x * tanh(x / 2))),
    reference=lambda x: (1.0 + np.exp(-x) + x * np.exp(-x)) / (1.0 + np.exp(-x)) ** 2,
    points={0.0: (0.5, 0.5)},
    sample=EVEN,
)


def _mish(s: Any, x: Any) -> Any:
    half = s.exp(-0.5 * s.abs(x))
    decay = half * half
    below = s.max(x, -GONE) * half * (half * (2.0 + decay)) / (decay * (2.0 + decay) + 2.0)
    above = x * ((1.0 + 2.0 * decay) / (1.0 + 2.0 * decay + 2.0 * decay * decay))
    return s.select(x < 0.0, below, above)


mish = elementwise(
    name="mish",
    doc="x * tanh(softplus(x)).",
    rule=_mish,
    gradient=lambda g, x, y: g * mish_slope(x),
    reference=lambda x: x * np.tanh(np.logaddexp(0.0, x)),
    points={0.0: (0.0, 0.6), np.inf: (np.inf, 1.0), -np.inf: (0.0, 0.0)},
    sample=EVEN,
    activation=True,
)


def _mish_slope(s: Any, x: Any) -> Any:
    # With e = exp(x) the slope is e * (4 (x + 1) + (4 x + 6) e + 4 e**2 + e**3) / (2 + 2 e + e**2)**2. Above 0 all is
    # divided by e**4, which leaves 1 plus a part that vanishes.
    size = s.min(s.abs(x), GONE)
    half = s.exp(-0.5 * size)
    e = half * half
    below_root = 2.0 + e * (2.0 + e)
    below = half * (half * (4.0 * (1.0 - size) + e * (6.0 - 4.0 * size + e * (4.0 + e)))) / (below_root * below_root)
    above_root = 1.0 + e * (2.0 + 2.0 * e)
    above = 1.0 + e * (e * (4.0 * size - 2.0 + e * (4.0 * size - 4.0 - 4.0 * e))) / (above_root * above_root)
    return s.select(x < 0.0, below, above)


def _mish_curvature(g: Value, x: Value, y: Value) -> Value:
    inner = softplus(x)
    bend = tanh_slope(inner) * sigmoid(x)
    return g * (bend * (2 + x * (sigmoid(-x) - 2 * (tanh(inner) * sigmoid(x)))))


def _mish_slope_reference(x: np.ndarray) -> np.ndarray:
    inner = np.tanh(np.logaddexp(0.0, x))
    return inner + x * (1.0 - inner * inner) / (1.0 + np.exp(-x))


mish_slope: Elementwise = elementwise(
    name="mish_slope",
    doc="Slope of mish: tanh(softplus(x)) + x * tanh_slope(softplus(x)) * sigmoid(x).",
    rule=_mish_slope,
    gradient=_mish_curvature,
    reference=_mish_slope_reference,
    points={0.0: (0.6, 0.64)},
    sample=EVEN,
)
