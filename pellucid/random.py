"""Counter-based random numbers: a pure function of (seed, purpose, step, position).

A generator with a hidden state gives numbers that depend on who asked first. Here every number is computed from where
it is used: the user's seed, a readable purpose (``"dropout hidden 1"``), the step, and the position in the array. So
the numbers are the same whatever executor, thread count or tiling computes them, an interrupted run goes on with the
numbers it would have had, and any one of them can be computed again on its own.

The cipher is Threefry2x32 with 20 rounds (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3",
SC 2011). How a draw is laid out, which every executor has to follow:

- The key of a draw is ``threefry2x32(key=(seed low word, seed high word), counter=(purpose word, step))``.
- Position ``p`` belongs to block ``p // 32``, lane ``p % 16`` and half ``p // 16 % 2``. The cipher turns the 64-bit
  counter ``block * 16 + lane`` (low word, high word) into two words, and the half says which of them is the position's.

One block is thus 16 consecutive counters, as many as a 512-bit vector holds, and the two vectors that come out are
stored one after the other as 32 contiguous words; words of a pair side by side would need a shuffle. The block's size
is fixed, so a position's word does not depend on how many words are drawn.
"""

from __future__ import annotations

import functools
import operator
import zlib
from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from pellucid.errors import UsageError

LANES = 16
"""Counters in a block; a block has two words for each."""

_PARITY = np.uint32(0x1BD11BDA)
_SHIFTS = tuple(
    tuple((np.uint32(left), np.uint32(32 - left)) for left in lefts) for lefts in ((13, 15, 26, 6), (17, 29, 16, 24))
)
# One chunk of each working array stays in the level-2 cache. A power of two, so that the high word of the counter
# cannot change inside a chunk.
_CHUNK_COUNTERS = 1 << 15
_CHUNK_VALUES = 1 << 15

# Wichura (1988), Algorithm AS 241, PPND7, highest power first: a rational function of 0.425^2 - q^2 in the middle, one
# of sqrt(-log(tail)) - 1.6 outside. Its third interval begins at a tail of exp(-25); the smallest tail here is 2^-25.
_MIDDLE = 0.425
_MIDDLE_SQUARED = 0.180625
_MIDDLE_TOP = (59.109374720, 159.29113202, 50.434271938, 3.3871327179)
_MIDDLE_BOTTOM = (67.187563600, 78.757757664, 17.895169469, 1.0)
_TAIL_SHIFT = 1.6
_TAIL_TOP = (0.17023821103, 1.3067284816, 2.7568153900, 1.4234372777)
_TAIL_BOTTOM = (0.12021132975, 0.73700164250, 1.0)
_LN2 = 0.6931471805599453
# 2 artanh(z) = z (2 + 2/3 z^2 + ...); cut here, it is within 2e-9 of its value for |z| <= 0.1716.
_ARTANH = (2 / 9, 2 / 7, 2 / 5, 2 / 3, 2.0)
_SQRT_HALF_BITS = 0x3F3504F3


def threefry2x32(
    key: tuple[ArrayLike, ArrayLike], counter: tuple[ArrayLike, ArrayLike]
) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Encrypt counters with Threefry2x32, 20 rounds (Salmon et al. 2011).

    Parameters
    ----------
    key, counter : pair of array_like of uint32
        Two words each; all four broadcast against one another.

    Returns
    -------
    pair of uint32 arrays
        The two words of each counter, in the broadcast shape.

    Examples
    --------
    >>> first, second = threefry2x32((0, 0), (0, 0))
    >>> hex(first), hex(second)
    ('0x6b200159', '0x99ba4efe')
    """
    k0, k1, c0, c1 = np.broadcast_arrays(*(np.asarray(word, dtype=np.uint32) for word in (*key, *counter)))
    x0, x1 = np.array(c0), np.array(c1)
    _encrypt(x0, x1, k0, k1, np.empty_like(x0))
    return x0, x1


def _encrypt(x0: NDArray, x1: NDArray, k0: ArrayLike, k1: ArrayLike, spare: NDArray) -> None:
    """Encrypt the counters `x0`, `x1` in place; `spare` is scratch of the same shape."""
    # Ufuncs rather than operators: NumPy warns when an operator on scalars wraps around, as is meant here.
    keys = (k0, k1, np.bitwise_xor(np.bitwise_xor(k0, k1), _PARITY))
    np.add(x0, k0, out=x0)
    np.add(x1, k1, out=x1)
    for group in range(5):
        for left, right in _SHIFTS[group % 2]:
            np.add(x0, x1, out=x0)
            np.right_shift(x1, right, out=spare)
            np.left_shift(x1, left, out=x1)
            np.bitwise_or(x1, spare, out=x1)
            np.bitwise_xor(x1, x0, out=x1)
        np.add(x0, keys[(group + 1) % 3], out=x0)
        np.add(x1, np.add(keys[(group + 2) % 3], np.uint32(group + 1)), out=x1)


def purpose_word(purpose: str | int) -> int:
    """Map a readable purpose to its 32-bit word, the same on every machine and in every run.

    Parameters
    ----------
    purpose : str or int
        A text, whose word is the CRC-32 of its UTF-8 bytes, or the word itself.

    Returns
    -------
    int
        The word, 0 <= word < 2^32.

    Raises
    ------
    UsageError
        If `purpose` is neither a text nor a whole number of 32 bits.

    Examples
    --------
    >>> purpose_word("dropout")
    2458513353
    """
    if isinstance(purpose, str):
        return zlib.crc32(purpose.encode("utf-8", "surrogatepass"))
    return _whole(purpose, 32, "purpose", "a text or a whole number from 0 to 2^32 - 1")


def draw_key(seed: int, purpose: str | int, step: int) -> tuple[int, int]:
    """Compute the two key words of a draw.

    Parameters
    ----------
    seed : int
        0 <= seed < 2^64.
    purpose : str or int
        What the numbers are for; see `purpose_word`.
    step : int
        0 <= step < 2^32.

    Returns
    -------
    pair of int
        The key with which the draw's counters are encrypted.

    Raises
    ------
    UsageError
        If one of them is no whole number, or outside its range.

    Examples
    --------
    >>> draw_key(0, 0, 0) == (0x6B200159, 0x99BA4EFE)
    True
    """
    number = _whole(seed, 64, "seed", "a whole number from 0 to 2^64 - 1")
    counter = purpose_word(purpose), _whole(step, 32, "step", "a whole number from 0 to 2^32 - 1")
    return _draw_key(number, *counter)


@functools.lru_cache(maxsize=1024)
def _draw_key(seed: int, purpose: int, step: int) -> tuple[int, int]:
    x0, x1, spare = np.array([[purpose], [step], [0]], dtype=np.uint32)
    _encrypt(x0, x1, np.uint32(seed & 0xFFFFFFFF), np.uint32(seed >> 32), spare)
    return int(x0[0]), int(x1[0])


def words(seed: int, purpose: str | int, step: int, count: int, first: int = 0) -> NDArray[np.uint32]:
    """Draw the random words of the positions from `first` to ``first + count - 1``.

    Parameters
    ----------
    seed, purpose, step
        See `draw_key`.
    count : int
        How many words.
    first : int
        The first position, 0 unless told; ``first + count <= 2^64``.

    Returns
    -------
    uint32 array [count]
        Each word depends on seed, purpose, step and its position alone.

    Raises
    ------
    UsageError
        If one of the numbers is no whole number, or outside its range.

    Examples
    --------
    >>> words(7, "example", 0, 5)[2:].tolist() == words(7, "example", 0, 3, first=2).tolist()
    True
    """
    start = _whole(first, 64, "first", "a whole number from 0 to 2^64 - 1")
    number = _whole(count, 64, "count", "a whole number, 0 or more")
    if start + number > 1 << 64:
        raise UsageError("the draw reaches beyond the last position", where="words", expected="first + count <= 2^64")
    key = draw_key(seed, purpose, step)
    begin, end = start // 32 * LANES, -(-(start + number) // 32) * LANES
    blocks = np.empty((end - begin) // LANES * 32, dtype=np.uint32)
    _fill(blocks.reshape(-1, 2, LANES), begin, key)
    return blocks[start % 32 : start % 32 + number]


def _fill(blocks: NDArray, begin: int, key: tuple[int, int]) -> None:
    """Fill `blocks` [blocks, 2, LANES] with the words of the counters from `begin` on."""
    k0, k1 = np.uint32(key[0]), np.uint32(key[1])
    end = begin + len(blocks) * LANES
    size = min(_CHUNK_COUNTERS, end - begin)
    ramp = np.arange(size, dtype=np.uint32)
    working = np.empty((3, size), dtype=np.uint32)
    at = begin
    while at < end:
        stop = min(end, at - at % _CHUNK_COUNTERS + _CHUNK_COUNTERS)
        x0, x1, spare = working[:, : stop - at]
        np.add(ramp[: stop - at], np.uint32(at & 0xFFFFFFFF), out=x0)
        x1.fill(at >> 32)
        _encrypt(x0, x1, k0, k1, spare)
        chunk = blocks[(at - begin) // LANES : (stop - begin) // LANES]
        chunk[:, 0] = x0.reshape(-1, LANES)
        chunk[:, 1] = x1.reshape(-1, LANES)
        at = stop


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
    scalar = _scalar(dtype)
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
    scalar = _scalar(dtype)
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
    np.subtract(scalar(_MIDDLE_SQUARED), r, out=r)
    np.multiply(q, _polynomial(r, _MIDDLE_TOP, scalar), out=out)
    out /= _polynomial(r, _MIDDLE_BOTTOM, scalar)
    outside = np.flatnonzero(np.abs(q, out=r) > scalar(_MIDDLE))
    tails = (1 << 24) - np.abs(centred[outside])
    r = np.sqrt(_minus_log(tails, scalar))
    r -= scalar(_TAIL_SHIFT)
    sizes = _polynomial(r, _TAIL_TOP, scalar)
    sizes /= _polynomial(r, _TAIL_BOTTOM, scalar)
    out[outside] = np.copysign(sizes, q[outside])


def _minus_log(tails: NDArray, scalar: type[np.floating]) -> NDArray:
    """Compute ``-log(tails * 2^-25)`` of whole numbers 0 < tails < 2^24."""
    # Below 2^24 float32 is exact, so its bits give exponent and significand for either dtype: the significand between
    # sqrt(1/2) and sqrt(2), and its logarithm as 2 artanh((m - 1) / (m + 1)).
    bits = tails.astype(np.float32).view(np.int32)
    exponents = (bits - _SQRT_HALF_BITS) >> 23
    m = (bits - (exponents << 23)).view(np.float32).astype(scalar)
    z = (m - scalar(1)) / (m + scalar(1))
    result = (25 - exponents).astype(scalar)
    result *= scalar(_LN2)
    result -= z * _polynomial(z * z, _ARTANH, scalar)
    return result


def _polynomial(x: NDArray, coefficients: tuple[float, ...], scalar: type[np.floating]) -> NDArray:
    """Evaluate a polynomial by Horner's rule, highest power first."""
    result = x * scalar(coefficients[0])
    for coefficient in coefficients[1:-1]:
        result += scalar(coefficient)
        result *= x
    result += scalar(coefficients[-1])
    return result


def uniform(
    seed: int, purpose: str | int, step: int, shape: int | Iterable[int], dtype: DTypeLike = np.float64
) -> NDArray:
    """Draw uniform numbers in [0, 1), multiples of 2^-24.

    Parameters
    ----------
    seed, purpose, step
        See `draw_key`.
    shape : sizes of the axes
        Positions count through it in row-major order.
    dtype : float32 or float64
        Both hold the same numbers.

    Returns
    -------
    array of `dtype` in `shape`

    Raises
    ------
    UsageError
        If an argument is outside its range.

    Examples
    --------
    >>> uniform(0, "noise", 3, (2, 2)).shape
    (2, 2)
    """
    sizes, count = _shape(shape)
    return uniform_from_words(words(seed, purpose, step, count), dtype).reshape(sizes)


def normal(
    seed: int, purpose: str | int, step: int, shape: int | Iterable[int], dtype: DTypeLike = np.float64
) -> NDArray:
    """Draw standard normal numbers; `normal_from_words` says how.

    Parameters
    ----------
    seed, purpose, step
        See `draw_key`.
    shape : sizes of the axes
        Positions count through it in row-major order.
    dtype : float32 or float64

    Returns
    -------
    array of `dtype` in `shape`

    Raises
    ------
    UsageError
        If an argument is outside its range.

    Examples
    --------
    >>> weights = 0.1 * normal(0, "weights hidden", 0, (3, 4))
    >>> weights.shape
    (3, 4)
    """
    sizes, count = _shape(shape)
    return normal_from_words(words(seed, purpose, step, count), dtype).reshape(sizes)


def bernoulli(
    seed: int, purpose: str | int, step: int, shape: int | Iterable[int], probability: float
) -> NDArray[np.bool_]:
    """Draw a mask whose entries are True with the given probability: where `uniform` is below it.

    Parameters
    ----------
    seed, purpose, step
        See `draw_key`.
    shape : sizes of the axes
        Positions count through it in row-major order.
    probability : float
        0 (never) to 1 (always), both exact; others are rounded up to a multiple of 2^-24.

    Returns
    -------
    bool array in `shape`

    Raises
    ------
    UsageError
        If an argument is outside its range.

    Examples
    --------
    >>> bernoulli(0, "dropout", 3, (2, 3), 1.0).all()
    np.True_
    """
    try:
        chance = float(probability)
    except (TypeError, ValueError):
        chance = float("nan")
    if not 0 <= chance <= 1:
        raise UsageError("no probability", where="bernoulli", got=repr(probability), expected="a number from 0 to 1")
    sizes, count = _shape(shape)
    return (uniform_from_words(words(seed, purpose, step, count)) < chance).reshape(sizes)


def permutation(seed: int, purpose: str | int, step: int, count: int) -> NDArray[np.int64]:
    """Draw an order of `count` things: the stable order of that many random words.

    Two words are equal with probability 2^-32, and then keep their order: an imbalance far below what can be observed.

    Parameters
    ----------
    seed, purpose, step
        See `draw_key`; for the order of an epoch, the step is the epoch's number.
    count : int

    Returns
    -------
    int64 array [count]
        Each of 0 to ``count - 1`` once.

    Raises
    ------
    UsageError
        If an argument is outside its range.

    Examples
    --------
    >>> sorted(permutation(0, "epoch", 1, 5).tolist())
    [0, 1, 2, 3, 4]
    """
    return np.argsort(words(seed, purpose, step, count), kind="stable").astype(np.int64, copy=False)


def _whole(value: object, bits: int, where: str, expected: str) -> int:
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        number = -1
    if not 0 <= number < 1 << bits:
        raise UsageError("outside its range", where=where, got=repr(value), expected=expected)
    return int(number)


def _shape(shape: int | Iterable[int]) -> tuple[tuple[int, ...], int]:
    """Give the sizes of the axes as plain integers, and their product."""
    axes = shape if isinstance(shape, Iterable) else (shape,)
    sizes = tuple(_whole(size, 63, "shape", "whole numbers, 0 or more") for size in axes)
    count = 1
    for size in sizes:
        count *= size
    return sizes, count


def _scalar(dtype: DTypeLike) -> type[np.floating]:
    try:
        found = np.dtype(dtype).type
    except TypeError:
        found = np.void
    if not issubclass(found, (np.float32, np.float64)):
        raise UsageError("no dtype of random numbers", where="dtype", got=repr(dtype), expected="float32 or float64")
    return found
