"""The logistic function, the hyperbolic tangent, and their slopes.

A slope written with the value (``y * (1 - y)``) would lose its digits in a tail. So it is an operation of its own,
which can be differentiated in turn.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pellucid.ops.declare import Elementwise, elementwise
from pellucid.ops.samples import Uniform

EVEN = Uniform(-6.0, 6.0)


def _sigmoid(s: Any, x: Any) -> Any:
    decay = s.exp(-s.abs(x))
    return s.select(x < 0.0, decay, 1.0) / (1.0 + decay)


sigmoid: Elementwise = elementwise(
    name="sigmoid",
    doc="Logistic function: 1 / (1 + exp(-x)).",
    rule=_sigmoid,
    gradient=lambda g, x, y: g * sigmoid_slope(x),
    reference=lambda x: 0.5 + np.tanh(x / 2.0) / 2.0,
    points={0.0: (0.5, 0.25), np.inf: (1.0, 0.0), -np.inf: (0.0, 0.0)},
    sample=EVEN,
    activation=True,
)


def _sigmoid_slope(s: Any, x: Any) -> Any:
    decay = s.exp(-s.abs(x))
    return decay / ((1.0 + decay) * (1.0 + decay))


sigmoid_slope: Elementwise = elementwise(
    name="sigmoid_slope",
    doc="Slope of the logistic function: sigmoid(x) * sigmoid(-x).",
    rule=_sigmoid_slope,
    gradient=lambda g, x, y: g * (-y * tanh(x / 2)),
    reference=lambda x: 1.0 / (4.0 * np.cosh(x / 2.0) ** 2),
    points={0.0: (0.25, 0.0), np.inf: (0.0, 0.0), -np.inf: (0.0, 0.0)},
    sample=EVEN,
)

tanh: Elementwise = elementwise(
    name="tanh",
    doc="Hyperbolic tangent.",
    rule=lambda s, x: s.tanh(x),
    gradient=lambda g, x, y: g * tanh_slope(x),
    reference=lambda x: np.sinh(x) / np.cosh(x),
    points={0.0: (0.0, 1.0), np.inf: (1.0, 0.0), -np.inf: (-1.0, 0.0)},
    sample=EVEN,
    activation=True,
)


def _tanh_slope(s: Any, x: Any) -> Any:
    decay = s.exp(-s.abs(x))
    secant = 2.0 * decay / (1.0 + decay * decay)
    return secant * secant


tanh_slope: Elementwise = elementwise(
    name="tanh_slope",
    doc="Slope of the hyperbolic tangent: 1 - tanh(x)**2.",
    rule=_tanh_slope,
    gradient=lambda g, x, y: g * (-2 * y * tanh(x)),
    reference=lambda x: np.cosh(x) ** -2.0,
    points={0.0: (1.0, 0.0), np.inf: (0.0, 0.0), -np.inf: (0.0, 0.0)},
    sample=EVEN,
)
