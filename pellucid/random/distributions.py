"""From words, 32 random bits each, to uniform and normal numbers, in any executor to the same bits."""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike, NDArray

from pellucid.errors import UsageError

# As many values are worked on at once as stay in the level-2 cache.
_CHUNK_VALUES = 1 << 15

# Wichura (1988), Algorithm AS 241, PPND7, highest power first: a rational function of 0.425^2 - q^2 in the middle, one
# of sqrt(-log(tail)) - 1.6 outside. Its third interval begins at a tail of exp(-25); the smallest tail here is 2^-25.
MIDDLE = 0.425
MIDDLE_SQUARED = 0.180625
MIDDLE_TOP = (59.109374720, 159.29113202, 50.434271938, 3.3871327179)
MIDDLE_BOTTOM = (67.187563600, 78.757757664, 17.895169469, 1.0)
TAIL_SHIFT = 1.6
TAIL_TOP = (0.17023821103, 1.3067284816, 2.7568153900, 1.4234372777)
TAIL_BOTTOM = (0.12021132975, 0.73700164250, 1.0)
LN2 = 0.6931471805599453
# 2 artanh(z) = z (2 + 2/3 z^2 + ...); cut here, it is within 2e-9 of its value for |z| <= 0.1716.
ARTANH = (2 / 9, 2 / 7, 2 / 5, 2 / 3, 2.0)
SQRT_HALF_BITS = 0x3F3504F3


def uniform_from_words(words: NDArray[np.uint32], dtype: DTypeLike = np.float64) -> NDArray:
    """Turn random words into uniform numbers in [0, 1): ``(word >> 8) * 2^-24``.

    Parameters
    ----------
    words : uint32 array
    dtype : float32 or float64
        24 bits fit in both, so both hold the same numbers.

    Returns
    -------
    array of `dtype`, shaped like `words`

    Raises
    ------
    UsageError
        If `dtype` is another one.

    Examples
    --------
    >>> uniform_from_words(np.array([0, 2**31, 2**32 - 1], dtype=np.uint32)).tolist()
    [0.0, 0.5, 0.9999999403953552]
    """
    scalar = scalar_type(dtype)
    # As signed integers: the same values, and a conversion that every processor has.
    result = (np.asarray(words, dtype=np.uint32) >> np.uint32(8)).view(np.int32).astype(scalar)
    result *= scalar(2.0**-24)
    return result


def normal_from_words(words: NDArray[np.uint32], dtype: DTypeLike = np.float64) -> NDArray:
    """Turn random words into standard normal numbers, through the inverse of the normal distribution function.

    The number is the quantile of ``((word >> 8) + 0.5) * 2^-24`` by algorithm AS 241, PPND7 (Wichura, Applied
    Statistics 37, 1988, pages 477 to 484), with a logarithm made of the exponent's bits and the series of the inverse
    hyperbolic tangent. It takes nothing but separately rounded + - * / sqrt in `dtype`, comparisons and integer
    operations, and the constants are rounded to `dtype` first. So another executor that follows the same order of
    operations, and fuses none of them, gets the same bits.

    Parameters
    ----------
    words : uint32 array
    dtype : float32 or float64
        What the arithmetic is done in. The relative error is below 1.2e-7 in float64 and 4e-7 in float32.

    Returns
    -------
    array of `dtype`, shaped like `words`
        Never 0, at most 5.42 in size, and exactly antisymmetric: ``~words`` gives the negatives.

    Raises
    ------
    UsageError
        If `dtype` is another one.

    Examples
    --------
    >>> normal_from_words(np.array([2**30, 3 * 2**30], dtype=np.uint32)).round(4).tolist()
    [-0.6745, 0.6745]
    """
    scalar = scalar_type(dtype)
    array = np.asarray(words, dtype=np.uint32)
    flat = array.reshape(-1)
    result = np.empty(flat.size, dtype=scalar)
    for at in range(0, flat.size, _CHUNK_VALUES):
        _quantiles(flat[at : at + _CHUNK_VALUES], result[at : at + _CHUNK_VALUES], scalar)
    return result.reshape(array.shape)


def _quantiles(words: NDArray, out: NDArray, scalar: type[np.floating]) -> None:
    """Write the normal quantiles of `words` to `out`; both [count], of a size that fits the cache."""
    # The probability minus a half, times 2^25: an odd whole number below 2^24 in size, so exact in float32 as well,
    # where the probability itself would round to 1.
    centred = (words >> np.uint32(8)).view(np.int32)
    centred <<= 1
    centred -= (1 << 24) - 1
    q = centred.astype(scalar)
    q *= scalar(2.0**-25)
    r = q * q
    np.subtract(scalar(MIDDLE_SQUARED), r, out=r)
    np.multiply(q, _polynomial(r, MIDDLE_TOP, scalar), out=out)
    out /= _polynomial(r, MIDDLE_BOTTOM, scalar)
    outside = np.flatnonzero(np.abs(q, out=r) > scalar(MIDDLE))
    tails = (1 << 24) - np.abs(centred[outside])
    r = np.sqrt(_minus_log(tails, scalar))
    r -= scalar(TAIL_SHIFT)
    sizes = _polynomial(r, TAIL_TOP, scalar)
    sizes /= _polynomial(r, TAIL_BOTTOM, scalar)
    out[outside] = np.copysign(sizes, q[outside])


def _minus_log(tails: NDArray, scalar: type[np.floating]) -> NDArray:
    """Compute ``-log(tails * 2^-25)`` of whole numbers 0 < tails < 2^24."""
    # Below 2^24 float32 is exact, so its bits give exponent and significand for either dtype: the significand between
    # sqrt(1/2) and sqrt(2), and its logarithm as 2 artanh((m - 1) / (m + 1)).
    bits = tails.astype(np.float32).view(np.int32)
    exponents = (bits - SQRT_HALF_BITS) >> 23
    m = (bits - (exponents << 23)).view(np.float32).astype(scalar)
    z = (m - scalar(1)) / (m + scalar(1))
    result = (25 - exponents).astype(scalar)
    result *= scalar(LN2)
    result -= z * _polynomial(z * z, ARTANH, scalar)
    return result


def _polynomial(x: NDArray, coefficients: tuple[float, ...], scalar: type[np.floating]) -> NDArray:
    """Evaluate a polynomial by Horner's rule, highest power first."""
    result = x * scalar(coefficients[0])
    for coefficient in coefficients[1:-1]:
        result += scalar(coefficient)
        result *= x
    result += scalar(coefficients[-1])
    return result


def scalar_type(dtype: DTypeLike) -> type[np.floating]:
    try:
        found = np.dtype(dtype).type
    except TypeError:
        found = np.void
    if not issubclass(found, (np.float32, np.float64)):
        raise UsageError("no dtype of random numbers", where="dtype", got=repr(dtype), expected="float32 or float64")
    return found
