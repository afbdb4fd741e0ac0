"""The hyperbolic tangent."""

from __future__ import annotations

from pellucid.executors.native.emit import V
from pellucid.executors.native.functions.exp import expm1
from pellucid.executors.native.functions.format import size, with_sign


def tanh(x: V) -> V:
    """Return the hyperbolic tangent: with t = exp(-2 |x|) - 1 it is -t / (t + 2), with the sign of x."""
    t = expm1(size(x) * -2.0)
    return with_sign(t / (t + 2.0), x)
