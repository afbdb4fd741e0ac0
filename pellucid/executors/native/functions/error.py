"""The error function, its complement, and what is made of it: gelu and the normal distribution.

erfc(z) = exp(-z * z) * S(z) for z >= 0, where S falls slowly, so that one polynomial in a fraction of z serves all z
(Shepherd and Laframboise, Mathematics of Computation, 1981). exp is given also what the square loses by rounding. The
coefficients for floats have the least largest relative error (Remez, computed with 50 digits, then rounded).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from pellucid.executors.native.emit import V
from pellucid.executors.native.functions.exp import exp
from pellucid.executors.native.functions.format import (
    Pair,
    at_least,
    at_most,
    fma,
    format_of,
    polynomial,
    size,
    with_sign,
)
from pellucid.ops.error_function import FAR


@dataclass(frozen=True)
class Fraction:
    """How a function that falls like 1 / z is computed: t P(1 - 2 k t) with t = 1 / (z + k).

    `bend` says how an error of t grows: a relative one of e becomes one of (1 + bend * t) e.
    """

    k: float
    bend: float
    coefficients: tuple[float, ...]


_SCALED = {
    "float": Fraction(1.0, 0.3, (
        0.8551671504974365, -0.2376808077096939, -0.09555631130933762, 0.013905676081776619, 0.02539421245455742,
        0.00957494042813778, -0.0012147355591878295, -0.0037807850167155266, -0.002377597149461508,
        -0.00032439929782412946, 0.0006143969367258251, 0.0004056326870340854, 7.314407412195578e-05,
    )),
    "double": Fraction(2.5, 4.4, (
        1.054031820305718, -0.8046518494391489, 0.45391411664809556, -0.17125114524604124, 0.02836155013202895,
        0.008393044302275677, -0.004818785524187888, -0.00043920826328678784, 0.0007026937377338054,
        5.830775418597064e-05, -0.0001126049477235379, -1.95317893459705e-05, 1.8244973516088205e-05,
        6.7522822552755096e-06, -2.334345000874528e-06, -1.9570482980370227e-06, -1.2256285436175616e-09,
        4.3840019747438777e-07, 1.3067950520540883e-07, -5.982235867244226e-08, -4.535401380582323e-08,
        -1.0330934886488907e-09, 6.696744132067528e-09, 1.67944569753447e-09,
    )),
}  # fmt: skip
"""S(z)."""

_NORMAL = {
    "float": Fraction(1.5, 0.45, (
        0.6173419952392578, -0.19509953260421753, -0.05749530717730522, 0.017897531390190125, 0.01763882301747799,
        0.003982142545282841, -0.002427987987175584, -0.00269436277449131, -0.0010522287338972092,
        0.00022998910571914166, 0.0004718804848380387, 0.0001614125067135319,
    )),
    "double": Fraction(3.5, 6.2, (
        0.7444160754359381, -0.565561816053779, 0.3154249698879519, -0.11605092871407963, 0.017407832602080203,
        0.006476218919909001, -0.003189101048907923, -0.00044501295051666505, 0.0004766571069232052,
        6.703323486399446e-05, -7.558468182302508e-05, -1.8788909556353927e-05, 1.1506682948142996e-05,
        5.651944514668665e-06, -1.1650826401454758e-06, -1.4792181627939282e-06, -1.4321451290619582e-07,
        2.944540970110465e-07, 1.240041283034442e-07, -3.012717782933561e-08, -3.6432030213178064e-08,
        -3.88005625426797e-09, 4.9421832733295995e-09, 1.5021827574720887e-09,
    )),
}  # fmt: skip
"""S(z / sqrt(2)) / 2: the tail of the standard normal distribution beyond z over exp(-z * z / 2)."""

_NEAR = {
    "float": (
        0.1283791670955126, -0.37612608075141907, 0.11282822489738464, -0.02675718441605568, 0.004717990290373564,
    ),
    "double": (
        0.12837916709551257, -0.3761263890318375, 0.11283791670954864, -0.026866170644997654, 0.005223977621974562,
        -0.0008548326505839159, 0.00012055285871013896, -1.4922990295838226e-05, 1.6370955957084287e-06,
        -1.4618441321282917e-07,
    ),
}  # fmt: skip
"""erf(x) / x - 1 as a polynomial in x * x, for x * x up to 1/4."""

_DENSITY = 1.0 / math.sqrt(2.0 * math.pi)
"""The normal density at 0."""


def _falling(fraction: Fraction, z: V) -> Pair:
    """Return the function at z from 0 to FAR, and a small number whose exp it should be multiplied by."""
    k = fraction.k
    below = z + k
    lost = z - (below - k)
    t = 1.0 / below
    error = fma(t, -lost, fma(t, -below, 1.0))
    return polynomial(fraction.coefficients, fma(t, -2.0 * k, 1.0)) * t, error * fma(t, fraction.bend, 1.0)


def _gaussian(z: V, factor: float, rest: V | float = 0.0) -> V:
    """Return exp(-factor * z * z + rest), for `factor` 1 or 1/2, z up to FAR and a small rest."""
    square = z * z
    return exp(square * -factor, fma(fma(z, z, -square), -factor, rest))


def _near(x: V) -> V:
    """Return erf(x) for x from -1/2 to 1/2."""
    return fma(x, polynomial(_NEAR[format_of(x).element], x * x), x)


def _tail(size_of_x: V) -> V:
    """Return erfc(z) for z from 0 up."""
    z = at_most(size_of_x, FAR)
    scaled, rest = _falling(_SCALED[format_of(z).element], z)
    return scaled * _gaussian(z, 1.0, rest)


def erf(x: V) -> V:
    """Return the error function."""
    z = size(x)
    return x.fn.select(z < 0.5, _near(x), with_sign(1.0 - _tail(z), x))


def erfc(x: V) -> V:
    """Return 1 - erf(x) without cancellation."""
    fn, z = x.fn, size(x)
    tail = _tail(z)
    far = fn.select(x < 0.0, 2.0 - tail, tail)
    return fn.select(z < 0.5, 1.0 - _near(x), far)


def erf_slope(x: V) -> V:
    """Return the slope of the error function."""
    return _gaussian(at_most(size(x), FAR), 1.0) * (2.0 / math.sqrt(math.pi))


def normal_density(x: V) -> V:
    """Return the density of the standard normal distribution."""
    return _gaussian(at_most(size(x), FAR), 0.5) * _DENSITY


def gelu(x: V) -> V:
    """Return x times the standard normal distribution function at x."""
    bounded = at_least(x, -FAR)
    z = at_most(size(x), FAR)
    weight, rest = _falling(_NORMAL[format_of(x).element], z)
    bell = _gaussian(z, 0.5, rest)
    return x.fn.select(x <= 0.0, bounded * weight * bell, fma(weight * bell, -z, x))


def gelu_slope(x: V) -> V:
    """Return the slope of gelu, right to some last digits of the larger of its two summands."""
    z = at_most(size(x), FAR)
    weight, rest = _falling(_NORMAL[format_of(x).element], z)
    part = fma(z, -_DENSITY, fma(weight, rest, weight)) * _gaussian(z, 0.5)
    return x.fn.select(x < 0.0, part, 1.0 - part)
