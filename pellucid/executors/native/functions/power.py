"""Powers of any base and exponent.

|x|**y = exp(y log |x|). Floats are computed as doubles. For doubles the logarithm needs more digits than one double has
and is the sum of two. With s = f / (2 + f), log(1 + f) = 2 s + s**3 (2/3 + s**2 P(s**2)); only the polynomial P weighs
so little that plain arithmetic is enough (Muller et al., Handbook of Floating-Point Arithmetic, 2018, chapters 4, 10).
"""

from __future__ import annotations

import math

from pellucid.executors.native.emit import V
from pellucid.executors.native.functions.exp import exp
from pellucid.executors.native.functions.format import Pair, fma, format_of, polynomial, size
from pellucid.executors.native.functions.log import log, split

_FIFTH = (
    0.4000000000000227, 0.2857142857009198, 0.22222222521340068, 0.18181784238197612, 0.15386763481163773,
    0.1325666995096216, 0.13197740369610025,
)  # fmt: skip
"""(log((1 + s) / (1 - s)) / s - 2 - 2/3 s**2) / s**4 as a polynomial in s**2."""

_TWO_THIRDS = (0.6666666666666666, 3.700743415417188e-17)
_LN2 = (0.6931471803691238, 1.9082149292705877e-10)
"""ln 2: a part of 33 bits, whose products with exponents are exact, and the rest."""


def power(x: V, y: V) -> V:
    """Return x to the power of y, with the special cases of IEEE 754 (9.2.1, pow)."""
    fn = x.fn
    if format_of(x).element == "float":
        grown = exp(fn.cast("fpext", y, "double") * log(fn.cast("fpext", size(x), "double")))
        return _special(x, y, fn.cast("fptrunc", grown, "float"))
    high, low = _log(size(x))
    product = y * high
    rest = fma(y, low, fma(y, high, -product))
    near = size(product) < 1000.0  # elsewhere the result is 0 or infinite, and the rest may be no number
    return _special(x, y, exp(product, fn.select(near, rest, fn.const(0.0, x.type))))


def _sum(a: V, b: V) -> Pair:
    """Return a + b exactly, for a at least as large as b, or zero."""
    total = a + b
    return total, (a - total) + b


def _product(a: Pair, b: Pair) -> Pair:
    """Return a * b with about twice the digits of a double."""
    high = a[0] * b[0]
    return high, fma(a[0], b[0], -high) + fma(a[0], b[1], a[1] * b[0])


def _log(x: V) -> Pair:
    """Return log(x) for x from 0 up, with an error around 2**-64 of it."""
    fn = x.fn
    whole, e = split(x)
    scaled = fn.cast("bitcast", x, "i64") - (whole << 52)
    f = fn.cast("bitcast", scaled, "double") - 1.0
    below, below_rest = _sum(fn.const(2.0, x.type), f)
    inverse = 1.0 / below
    first = f * inverse
    s = (first, (fma(-first, below, f) - first * below_rest) * inverse)
    square = _product(s, s)
    bent = _sum(fn.const(_TWO_THIRDS[0], x.type), square[0] * polynomial(_FIFTH, square[0]))
    cubic = _product(s, _product(square, (bent[0], bent[1] + _TWO_THIRDS[1])))
    inner = _sum(2.0 * s[0], cubic[0])
    outer = _sum(e * _LN2[0], inner[0])
    high, rest = outer[0], outer[1] + (inner[1] + (cubic[1] + fma(s[1], 2.0, e * _LN2[1])))
    high = fn.select(x < math.inf, high, x)
    return fn.select(fn.compare("eq", x, 0.0), fn.const(-math.inf, x.type), high), rest


def _special(x: V, y: V, grown: V) -> V:
    """Return x to the power of y, given that of the size of x; right where that is NaN because of 0 or infinity."""
    fn, form = x.fn, format_of(x)
    one = fn.const(1.0, x.type)
    half = 0.5 * y
    whole = fn.compare("eq", fn.intrinsic("trunc", y), y)
    odd = whole & fn.compare("ne", fn.intrinsic("trunc", half), half)
    unit = fn.compare("eq", size(x), 1.0) & fn.compare("eq", y, y)
    grown = fn.select(unit, one, grown)
    sign = fn.cast("bitcast", x, form.whole) & (-1 << (form.bits - 1))
    signed = fn.cast("bitcast", fn.cast("bitcast", grown, form.whole) ^ sign, form.element)
    grown = fn.select(odd, signed, grown)
    undefined = (x < 0.0) & ~whole & (x > -math.inf)
    grown = fn.select(undefined, fn.const(math.nan, x.type), grown)
    return fn.select(fn.compare("eq", x, 1.0) | fn.compare("eq", y, 0.0), one, grown)


def power_of_number(x: V, y: float) -> V:
    """Return x to the power of a number; of a small whole one, or of 1/2 and -1/2, in few instructions."""
    fn = x.fn
    if y in (0.5, -0.5):
        root = fn.intrinsic("sqrt", x + 0.0)  # of -0.0 it is 0.0 then
        root = fn.select(fn.compare("eq", x, -math.inf), fn.const(math.inf, x.type), root)
        return root if y > 0 else 1.0 / root
    if y in (1.0, 2.0, 3.0, -1.0, -2.0):
        base = product = x if y > 0 else 1.0 / x
        for _ in range(int(abs(y)) - 1):
            product = product * base
        return product
    return power(x, fn.const(y, x.type))
