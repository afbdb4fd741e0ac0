"""exp and expm1.

x = n ln 2 + r with an integer n; exp(x) = 2**n exp(r), and exp(r) is a polynomial. n is at most the largest exponent,
so that 2**n is always a number; there r goes on to ln 2, and the polynomial overflows by itself where exp does. That
needs no comparison, and NaN and infinity run through. The reduction in two steps is that of Cody and Waite (Software
Manual for the Elementary Functions, 1980). The coefficients are those of least largest error relative to expm1(r)
for r from -0.347 to 0.693 (Remez, computed with 50 digits, then rounded); it is below a tenth of the last digit.
"""

from __future__ import annotations

from pellucid.executors.native.emit import V
from pellucid.executors.native.functions.format import at_least, at_most, fma, format_of, polynomial

LOG2_E = 1.4426950408889634
LN2 = {"float": (0.6931471824645996, -1.9046542121259336e-09), "double": (0.6931471805599453, 2.3190468138462996e-17)}
"""ln 2 in the format, and the rest."""

_TAIL = {
    "float": (
        0.4999999701976776, 0.1666669398546219, 0.0416676364839077, 0.008327484130859375, 0.0013854121789336205,
        0.00023022209643386304,
    ),
    "double": (
        0.5, 0.1666666666666668, 0.0416666666666658, 0.008333333333324658, 0.0013888888889274414,
        0.0001984126985748538, 2.4801586558407295e-05, 2.755731058633422e-06, 2.7557946724934597e-07,
        2.5049127191379308e-08, 2.070020157047926e-09, 1.8836316995907265e-10,
    ),
}  # fmt: skip
"""(exp(r) - 1 - r) / r**2 as a polynomial in r."""

_LOWEST = {"float": -88.0, "double": -709.0}
"""From here down the result is below the smallest normal number."""


def reduce(x: V) -> tuple[V, V]:
    """Return r and 2**n, of x = n ln 2 + r. Where exp(x) is no normal number 2**n may be 0."""
    form, fn = format_of(x), x.fn
    shift = form.round_shift + form.bias  # the lowest bits of the shifted number are those of n + bias
    shifted = at_most(fma(x, LOG2_E, shift), form.round_shift + 2 * form.bias)
    n = shifted - shift
    high, low = LN2[form.element]
    r = fma(n, -low, fma(n, -high, x))
    power = fn.cast("bitcast", fn.cast("bitcast", shifted, form.whole) << form.fraction, form.element)
    return r, power


def exp(x: V, rest: V | None = None) -> V:
    """Return e to the power of x, or of x + rest for a small rest; below the smallest normal number it may be 0."""
    form = format_of(x)
    r, power = reduce(at_least(x, _LOWEST[form.element]))
    r = r if rest is None else r + rest
    return fma(fma(polynomial(_TAIL[form.element], r), r, 1.0), r, 1.0) * power


def expm1(x: V) -> V:
    """Return exp(x) - 1 without cancellation."""
    form = format_of(x)
    r, power = reduce(at_least(x, _LOWEST[form.element]))
    grown = fma(polynomial(_TAIL[form.element], r), r * r, r)
    return x.fn.intrinsic("copysign", fma(grown, power, power - 1.0), x)
