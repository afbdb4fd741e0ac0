"""log and log1p.

x = 2**e (1 + f) with 1 + f between the roots of 1/2 and of 2, and log(x) = e ln 2 + log(1 + f). For floats log(1 + f)
is f - f**2 / 2 + f**3 times a polynomial in f; for doubles, where that would be long, it is made of s = f / (2 + f),
whose odd powers only are needed (as in FDLIBM, Sun Microsystems, 1993). The coefficients have the least largest
relative error (Remez, computed with 50 digits, then rounded).
"""

from __future__ import annotations

import math

from pellucid.executors.native.emit import V
from pellucid.executors.native.functions.exp import LN2
from pellucid.executors.native.functions.format import fma, format_of, polynomial, with_sign

_CUBIC = (
    0.3333333134651184, -0.250008225440979, 0.20001228153705597, -0.1662333458662033, 0.14201712608337402,
    -0.1316036581993103, 0.12762005627155304, -0.07634536176919937,
)  # fmt: skip
"""(log(1 + f) - f + f**2 / 2) / f**3 as a polynomial in f."""

_ODD = (
    0.6666666666666735, 0.3999999999941107, 0.2857142874326696, 0.22222198475617314, 0.18183569756972742,
    0.1531390283408348, 0.1479751172504523,
)  # fmt: skip
"""(log((1 + s) / (1 - s)) / s - 2) / s**2 as a polynomial in s**2."""


def split(x: V) -> tuple[V, V]:
    """Return e as an integer and as a number, of x = 2**e (1 + f), for positive x."""
    form, fn = format_of(x), x.fn
    above = fn.cast("bitcast", x, form.whole) - form.root_half_bits
    if form.element == "float":
        e = above >> form.fraction
        return e, fn.cast("sitofp", e, "float")
    # Not all processors convert 64-bit integers, but all can set the lowest bits of a large number.
    large = fn.cast("bitcast", fn.const(2.0**form.fraction, x.type), form.whole)
    biased = fn.op("lshr", above + (form.bias << form.fraction), fn.const(form.fraction, above.type))
    number = fn.cast("bitcast", biased | large, "double") - (2.0**form.fraction + form.bias)
    return biased - form.bias, number


def log_of(f: V, e: V) -> V:
    """Return log(1 + f) + e ln 2 for 1 + f between the roots of 1/2 and of 2 and an integral e."""
    high, low = LN2[format_of(f).element]
    if format_of(f).element == "float":
        square = f * f
        rest = fma(polynomial(_CUBIC, f) * f, square, e * low)
        return fma(e, high, f + fma(square, -0.5, rest))
    s = f / (f + 2.0)
    square, half = s * s, 0.5 * (f * f)
    rest = fma(s, fma(polynomial(_ODD, square), square, half), e * low)
    return fma(e, high, f - (half - rest))


def _at_ends(x: V, lowest: float, inner: V) -> V:
    """Return the result, but -inf where x is `lowest`, NaN below and at NaN, and infinity at infinity."""
    fn = x.fn
    edge = fn.select(fn.compare("eq", x, lowest), fn.const(-math.inf, x.type), fn.const(math.nan, x.type))
    inner = fn.select(x > lowest, inner, edge)
    return fn.select(fn.compare("eq", x, math.inf), x, inner)


def log(x: V) -> V:
    """Return the natural logarithm; numbers below the smallest normal one count as 0."""
    form, fn = format_of(x), x.fn
    e, number = split(x)
    scaled = fn.cast("bitcast", x, form.whole) - (e << form.fraction)
    return _at_ends(x, 0.0, log_of(fn.cast("bitcast", scaled, form.element) - 1.0, number))


def log1p(x: V) -> V:
    """Return log(1 + x) without cancellation.

    1 + x is used for e only; f = 2**-e x + (2**-e - 1) is rounded once. 2**-e may be too small, four times that not.
    """
    form, fn = format_of(x), x.fn
    e, number = split(x + 1.0)
    power = fn.const(form.one_bits + (2 << form.fraction), e.type) - (e << form.fraction)
    power = fn.cast("bitcast", power, form.element)
    f = fma(x * power, 0.25, fma(power, 0.25, -1.0))
    return with_sign(_at_ends(x, -1.0, log_of(f, number)), x)
