"""Activations by name, exact to a handful of last digits in both tails, at infinity and at NaN.

An activation is an operation that is declared with ``activation=True``, here or anywhere else. Sources: Goodfellow,
Bengio and Courville, Deep Learning (2016), 6.2 and 6.3; Clevert, Unterthiner and Hochreiter (ELU, 2016); Klambauer et
al. (SELU, 2017).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from pellucid.errors import UsageError, nearest
from pellucid.graph.operation import REGISTRY, Operation
from pellucid.graph.value import Value
from pellucid.ops.comparison import less_equal, select
from pellucid.ops.declare import NOT_DIFFERENTIABLE, elementwise
from pellucid.ops.functions import absolute, exp
from pellucid.ops.samples import Uniform
from pellucid.ops.sigmoids import EVEN, sigmoid, tanh
from pellucid.ops.smooth_rectifiers import gelu, mish, silu, softplus

KINKED = Uniform(-6.0, 6.0, avoid=(0.0,))


class _Activations(Mapping[str, Operation]):
    """The operations in the registry that are declared as activations, by name."""

    def __getitem__(self, name: str) -> Operation:
        op = REGISTRY[name]
        if not getattr(op, "activation", False):
            raise KeyError(name)
        return op

    def __iter__(self) -> Iterator[str]:
        return (name for name, op in REGISTRY.items() if getattr(op, "activation", False))

    def __len__(self) -> int:
        return sum(1 for _ in self)


ACTIVATIONS: Mapping[str, Operation] = _Activations()
"""All activations by name; one that a user declares with ``activation=True`` is among them at once."""


def activation(name: str) -> Operation:
    """Return the activation of this name.

    Raises
    ------
    UsageError
        Where there is none; the message names the nearest one.

    Examples
    --------
    >>> print(activation("relu")(-2.0), activation("relu")(2.0))
    0.0 2.0
    """
    if name not in ACTIVATIONS:
        raise UsageError(f"no activation is called {name!r}", fix=nearest(str(name), ACTIVATIONS))
    return ACTIVATIONS[name]


identity = elementwise(
    name="identity",
    doc="x itself.",
    rule=lambda s, x: x,
    gradient=lambda g, x, y: g,
    reference=lambda x: x * 1.0,
    points={0.0: (0.0, 1.0), -2.0: (-2.0, 1.0)},
    sample=EVEN,
    identities=lambda x: x,
    activation=True,
)

step = elementwise(
    name="step",
    doc="1 where x > 0, else 0; the value at 0 is 0. Its slope is 0.",
    rule=lambda s, x: s.select(x > 0.0, 1.0, s.select(x <= 0.0, 0.0, x)),  # NaN stays NaN
    gradient=NOT_DIFFERENTIABLE,
    reference=lambda x: np.heaviside(x, 0.0),
    points={0.0: 0.0, 5e-324: 1.0, -5e-324: 0.0, np.inf: 1.0, -np.inf: 0.0, np.nan: np.nan},
    sample=KINKED,
    activation=True,
)

relu = elementwise(
    name="relu",
    doc="Rectifier: x where it is positive, else 0. The slope at 0 is 0.",
    rule=lambda s, x: s.max(x, 0.0),
    gradient=lambda g, x, y: select(x > 0, g, step(x)),  # 0, or NaN at NaN, also where g is infinite
    reference=lambda x: (x + np.abs(x)) / 2.0,
    points={0.0: (0.0, 0.0), -2.0: (0.0, 0.0), 2.0: (2.0, 1.0), np.inf: (np.inf, 1.0), -np.inf: (0.0, 0.0)},
    sample=KINKED,
    activation=True,
)


def _sides(x: Value, below: Any, above: Any) -> Value:
    """Return `above` where x > 0 and `below` where x <= 0; NaN stays NaN."""
    return select(x > 0, above, select(less_equal(x, 0), below, x))


leaky_relu = elementwise(
    name="leaky_relu",
    doc="Leaky rectifier: x where it is positive, else alpha * x. The slope at 0 is alpha.",
    rule=lambda s, x, *, alpha=0.01: s.select(x > 0.0, x, alpha * x),
    gradient=lambda g, x, y, *, alpha: _sides(x, alpha * g if alpha else 0.0, g),
    reference=lambda x, *, alpha: np.fmax(x, 0.0) + alpha * np.fmin(x, 0.0),
    points={0.0: (0.0, 0.01), -2.0: (-0.02, 0.01), 2.0: (2.0, 1.0)},
    sample=KINKED,
    activation=True,
)


def _softsign(s: Any, x: Any) -> Any:
    bounded = s.max(s.min(x, s.largest), -s.largest)
    return bounded / (1.0 + s.abs(bounded))


def _softsign_gradient(g: Value, x: Value, y: Value) -> Value:
    share = 1 / (1 + absolute(x))
    return g * (share * share)


softsign = elementwise(
    name="softsign",
    doc="x / (1 + |x|).",
    rule=_softsign,
    gradient=_softsign_gradient,
    reference=lambda x: np.sign(x) * (1.0 - 1.0 / (1.0 + np.abs(x))),
    points={0.0: (0.0, 1.0), 1.0: (0.5, 0.25), np.inf: (1.0, 0.0), -np.inf: (-1.0, 0.0)},
    sample=KINKED,
    activation=True,
)

exponential = elementwise(
    name="exponential",
    doc="e to the power of x, as an activation.",
    rule=exp.rule,
    gradient=exp.gradient,
    reference=exp.reference,
    points=exp.points,
    sample=exp.sample,
    activation=True,
)


def _up_to_zero(x: Value) -> Value:
    """Return x where it is negative, else 0; at 0 its slope is that from the left."""
    return select(x > 0, 0.0, x)


elu = elementwise(
    name="elu",
    doc="Exponential linear unit: x where it is positive, else alpha * (exp(x) - 1). The slope at 0 is alpha.",
    rule=lambda s, x, *, alpha=1.0: s.select(x > 0.0, x, alpha * s.expm1(s.min(x, 0.0))),
    gradient=lambda g, x, y, *, alpha: _sides(x, g * (alpha * exp(_up_to_zero(x))) if alpha else 0.0, g),
    reference=lambda x, *, alpha: np.fmax(x, 0.0) + alpha * (np.exp(np.fmin(x, 0.0)) - 1.0),
    points={0.0: (0.0, 1.0), 2.0: (2.0, 1.0), -np.inf: (-1.0, 0.0), np.inf: (np.inf, 1.0)},
    sample=KINKED,
    activation=True,
)

SELU_SCALE = 1.0507009873554804934
SELU_DEPTH = 1.7580993408473768599
"""Scale times alpha, for which mean 0 and variance 1 are a fixed point (Klambauer et al., 2017)."""

selu = elementwise(
    name="selu",
    doc="Self-normalizing ELU: 1.0507 * x where it is positive, else 1.7581 * (exp(x) - 1); 1.7581 is the slope at 0.",
    rule=lambda s, x: s.select(x > 0.0, SELU_SCALE * x, SELU_DEPTH * s.expm1(s.min(x, 0.0))),
    gradient=lambda g, x, y: _sides(x, g * (SELU_DEPTH * exp(_up_to_zero(x))), SELU_SCALE * g),
    reference=lambda x: SELU_SCALE * np.fmax(x, 0.0) + SELU_DEPTH * (np.exp(np.fmin(x, 0.0)) - 1.0),
    points={0.0: (0.0, SELU_DEPTH), 1.0: (SELU_SCALE, SELU_SCALE), -np.inf: (-SELU_DEPTH, 0.0)},
    sample=KINKED,
    activation=True,
)

__all__ = [
    "ACTIVATIONS",
    "activation",
    "elu",
    "exponential",
    "gelu",
    "identity",
    "leaky_relu",
    "mish",
    "relu",
    "selu",
    "sigmoid",
    "silu",
    "softplus",
    "softsign",
    "step",
    "tanh",
]
