"""The error function and its complement in plain arithmetic, exact to a handful of last digits in both tails.

``erfc(z) = exp(-z * z) * scaled_erfc(z)`` for z >= 0. The scaled function falls slowly, so that one polynomial serves
all z after (0, inf) has been folded onto (-1, 1); the folding is that of Shepherd and Laframboise, Chebyshev
approximation of (1 + 2 x) exp(x**2) erfc(x) in 0 <= x < inf (Mathematics of Computation, 1981). The coefficients are
Chebyshev expansions computed with 60 digits; what is left out is below 2e-17.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

SCALED_ERFC = (
    1.2329951186255526, -0.1396211168405623, 0.015379652102619604, 0.06809705425466908, -0.10103906603630056,
    0.0937328349990944, -0.06633036581218697, 0.03716751552655567, -0.016197734059799265, 0.005031970067657489,
    -0.0007577732613730956, -0.00019925714661091188, 0.0001506214900124047, -2.4397746422436416e-05,
    -1.1221287012353486e-05, 5.706604414895734e-06, 2.919733377963012e-07, -8.210939042560568e-07,
    7.746992727017941e-08, 1.0633855618594884e-07, -2.05606492756992e-08, -1.234686604382353e-08,
    3.1695881915648173e-09, 9.311744978232572e-10, -2.659599690242689e-10,
)  # fmt: skip
"""(1 + 2 z) exp(z * z) erfc(z) as a polynomial in (z - 4) / (z + 4)."""

ERF_NEAR_ZERO = (
    1.1283791670955126, -0.37612638903183476, 0.11283791670925457, -0.026866170632921085, 0.005223977373542183,
    -0.0008548297798086192, 0.00012053337222877719, -1.4845900896375835e-05, 1.4726381680017032e-06,
)  # fmt: skip
"""erf(x) / x as a polynomial in x * x, for x * x up to 1/4."""

FAR = 50.0
"""Beyond this exp(-z * z / 2) is 0 in every dtype."""


def polynomial(coefficients: Sequence[float], x: Any) -> Any:
    """Return the sum of ``coefficients[k] * x**k`` by Horner's rule."""
    total = coefficients[-1]
    for coefficient in reversed(coefficients[:-1]):
        total = total * x + coefficient
    return total


def scaled_erfc(z: Any) -> Any:
    """Return exp(z * z) * erfc(z) for z from 0 up, not infinite."""
    return polynomial(SCALED_ERFC, (z - 4.0) / (z + 4.0)) / (1.0 + 2.0 * z)


def gaussian(s: Any, z: Any, factor: float) -> tuple[Any, Any]:
    """Return two factors of like size with the product exp(-factor * z * z), for `factor` 1 or 1/2 and z in [0, 50].

    The rounding error of z * z would be multiplied by its size; so z is split into a part whose square is exact and a
    small rest. A large number times the first factor keeps its digits where the product alone would be too small.
    """
    grid = 2.0**-20 if s.eps < 1e-12 else 2.0**-8
    shift = 1.5 * grid / s.eps  # adding it rounds to multiples of the grid
    high = (z + shift) - shift
    root = s.exp(-0.5 * factor * (high * high))
    return root, root * s.exp(-factor * ((z - high) * (z + high)))


def erf(s: Any, x: Any) -> Any:
    """Return erf(x) in the vocabulary `s`."""
    size = s.min(s.abs(x), FAR)
    far = 1.0 - far_tail(s, size)
    near = s.min(size, 0.5)
    return s.select(size < 0.5, x * polynomial(ERF_NEAR_ZERO, near * near), s.select(x < 0.0, -far, far))


def erfc(s: Any, x: Any) -> Any:
    """Return 1 - erf(x) in the vocabulary `s`, without cancellation."""
    return s.select(x < 0.5, 1.0 - erf(s, x), far_tail(s, s.min(s.abs(x), FAR)))


def far_tail(s: Any, z: Any) -> Any:
    """Return erfc(z) for z from 0 to 50."""
    first, second = gaussian(s, z, 1.0)
    return scaled_erfc(z) * first * second


def normal_ratio(t: Any) -> Any:
    """Return Mills' ratio of the standard normal distribution, its tail beyond t over its density at t, for t >= 0."""
    return math.sqrt(math.pi / 2) * scaled_erfc(t * math.sqrt(0.5))
