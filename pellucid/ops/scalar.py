"""The scalar vocabulary: the words in which the rules of elementwise operations are written.

A rule uses ``+ - * /``, comparisons, ``& | ~`` and the words below. Every executor gives the words a meaning of its
own, so one rule serves all of them: NumPy here, machine instructions in a code generator, graph nodes where a gradient
is derived from the rule.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Protocol

import numpy as np

from pellucid.graph.operation import operation
from pellucid.graph.types import DType
from pellucid.graph.value import Value
from pellucid.ops import error_function


class Scalars(Protocol):
    """What a rule may ask of its scalar builder. Limits depend on the dtype that is computed in.

    ``max`` and ``min`` return NaN where either side is; ``sign`` returns NaN of NaN; both sides of ``select`` may be
    computed. ``erf`` and ``erfc`` are made of the other words by :mod:`pellucid.ops.error_function`.
    """

    eps: float
    """Distance from 1 to the next number."""
    tiny: float
    """Smallest positive normal number."""
    largest: float
    """Largest finite number."""

    def exp(self, x: Any) -> Any: ...
    def expm1(self, x: Any) -> Any: ...
    def log(self, x: Any) -> Any: ...
    def log1p(self, x: Any) -> Any: ...
    def sqrt(self, x: Any) -> Any: ...
    def tanh(self, x: Any) -> Any: ...
    def abs(self, x: Any) -> Any: ...
    def sign(self, x: Any) -> Any: ...
    def max(self, x: Any, y: Any) -> Any: ...
    def min(self, x: Any, y: Any) -> Any: ...
    def power(self, x: Any, y: Any) -> Any: ...
    def equal(self, x: Any, y: Any) -> Any: ...
    def select(self, condition: Any, x: Any, y: Any) -> Any: ...
    def erf(self, x: Any) -> Any: ...
    def erfc(self, x: Any) -> Any: ...


class NumpyScalars:
    """The vocabulary on NumPy arrays. Both sides of `select` are computed; warnings are the caller's to silence."""

    def __init__(self, dtype: np.dtype):
        self.dtype = dtype
        if dtype.kind == "f":
            limits = np.finfo(dtype)
            self.eps, self.tiny, self.largest = float(limits.eps), float(limits.tiny), float(limits.max)

    exp, expm1, log, log1p, sqrt, tanh = map(staticmethod, (np.exp, np.expm1, np.log, np.log1p, np.sqrt, np.tanh))
    abs, sign, max, min = map(staticmethod, (np.abs, np.sign, np.maximum, np.minimum))
    power, equal = map(staticmethod, (np.power, np.equal))

    def select(self, condition: Any, x: Any, y: Any) -> Any:
        return np.where(condition, *(np.asarray(side, self.dtype) for side in (x, y)))

    def erf(self, x: Any) -> Any:
        return error_function.erf(self, x)

    def erfc(self, x: Any) -> Any:
        return error_function.erfc(self, x)


@cache
def numpy_scalars(dtype: np.dtype) -> NumpyScalars:
    """Return the vocabulary for a NumPy dtype."""
    return NumpyScalars(dtype)


def _node(name: str) -> Any:
    """Return a word that adds a node of the operation of this name."""

    def word(self: GraphScalars, *operands: Any) -> Any:
        return operation(name)(*operands)

    return word


class GraphScalars:
    """The vocabulary on graph values: each word adds the node of the operation of that name."""

    def __init__(self, dtype: DType):
        self.dtype = dtype
        if dtype.is_float:
            limits = np.finfo(dtype.numpy)
            self.eps, self.tiny, self.largest = float(limits.eps), float(limits.tiny), float(limits.max)

    exp, expm1, log, log1p = _node("exp"), _node("expm1"), _node("log"), _node("log1p")
    sqrt, power, tanh, erf, erfc = _node("sqrt"), _node("power"), _node("tanh"), _node("erf"), _node("erfc")
    abs, sign, max, min = _node("absolute"), _node("sign"), _node("maximum"), _node("minimum")
    equal = _node("equal")

    def select(self, condition: Any, x: Any, y: Any) -> Any:
        if isinstance(condition, Value) and not isinstance(x, Value) and not isinstance(y, Value):
            x, y = (condition.builder.constant(side, self.dtype) for side in (x, y))  # two numbers have no dtype
        return operation("select")(condition, x, y)
