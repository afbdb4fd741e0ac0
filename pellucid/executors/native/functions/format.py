"""The two formats of floating-point numbers, and what all functions are made of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pellucid.executors.native.emit import V, element_of

Pair = tuple[V, V]
"""A number and a small correction to it."""


@dataclass(frozen=True)
class Format:
    """A format of IEEE 754.

    Attributes
    ----------
    element, whole : str
        The type of a number, and of an integer of as many bits.
    fraction : int
        Bits of the fraction, without the leading one.
    bias : int
        What is added to an exponent to store it.
    """

    element: str
    whole: str
    fraction: int
    bias: int

    @property
    def round_shift(self) -> float:
        """A number that, when it is added, rounds to an integer and leaves that integer's bits lowest."""
        return 1.5 * 2.0**self.fraction

    @property
    def root_half_bits(self) -> int:
        """The bits of the square root of 1/2, where numbers are cut into a power of 2 and a factor around 1."""
        return int(math.ldexp(math.sqrt(0.5) * 2.0 - 1.0, self.fraction)) + ((self.bias - 1) << self.fraction)

    @property
    def bits(self) -> int:
        return int(self.whole[1:])

    @property
    def one_bits(self) -> int:
        return self.bias << self.fraction


_FORMATS = {"float": Format("float", "i32", 23, 127), "double": Format("double", "i64", 52, 1023)}


def format_of(x: V) -> Format:
    """Return the format of the lanes of a value."""
    return _FORMATS[element_of(x.type)]


def polynomial(coefficients: Sequence[float], x: V) -> V:
    """Return the sum of ``coefficients[k] * x**k`` by Horner's rule, each step rounded once."""
    fn = x.fn
    total = fn.const(coefficients[-1], x.type)
    for coefficient in reversed(coefficients[:-1]):
        total = fn.fma(total, x, fn.const(coefficient, x.type))
    return total


def fma(a: V, b: V | float, c: V | float) -> V:
    """Return a * b + c, rounded once; numbers become constants."""
    fn = a.fn
    b, c = (side if isinstance(side, V) else fn.const(side, a.type) for side in (b, c))
    return fn.fma(a, b, c)


def at_least(x: V, bound: float) -> V:
    """Return the larger of both; NaN stays NaN. One instruction."""
    return x.fn.select(x < bound, x.fn.const(bound, x.type), x)


def at_most(x: V, bound: float) -> V:
    """Return the smaller of both; NaN stays NaN. One instruction."""
    return x.fn.select(x > bound, x.fn.const(bound, x.type), x)


def size(x: V) -> V:
    """Return x without its sign."""
    return x.fn.intrinsic("fabs", x)


def with_sign(x: V, sign: V) -> V:
    """Return x with the sign of another number, also of a zero."""
    return x.fn.intrinsic("copysign", x, sign)
