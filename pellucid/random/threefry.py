"""The cipher behind random numbers, and the words of a draw: 32 random bits for each position."""

from __future__ import annotations

import functools
import operator
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pellucid.errors import UsageError

LANES = 16
"""Counters in a block; a block has two words for each."""

PARITY = np.uint32(0x1BD11BDA)
SHIFTS = tuple(
    tuple((np.uint32(left), np.uint32(32 - left)) for left in lefts) for lefts in ((13, 15, 26, 6), (17, 29, 16, 24))
)
# One chunk of each working array stays in the level-2 cache. A power of two, so that the high word of the counter
# cannot change inside a chunk.
_CHUNK_COUNTERS = 1 << 15


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
    keys = (k0, k1, np.bitwise_xor(np.bitwise_xor(k0, k1), PARITY))
    np.add(x0, k0, out=x0)
    np.add(x1, k1, out=x1)
    for group in range(5):
        for left, right in SHIFTS[group % 2]:
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
    return whole(purpose, 32, "purpose", "a text or a whole number from 0 to 2^32 - 1")


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
    number = check_seed(seed)
    counter = purpose_word(purpose), whole(step, 32, "step", "a whole number from 0 to 2^32 - 1")
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
    start = whole(first, 64, "first", "a whole number from 0 to 2^64 - 1")
    number = whole(count, 64, "count", "a whole number, 0 or more")
    if start + number > 1 << 64:
        raise UsageError("the draw reaches beyond the last position", where="words", expected="first + count <= 2^64")
    key = draw_key(seed, purpose, step)
    begin, end = start // 32 * LANES, -(-(start + number) // 32) * LANES
    blocks = np.empty((end - begin) // LANES * 32, dtype=np.uint32)
    _fill(blocks.reshape(-1, 2, LANES), begin, key)
    return blocks[start % 32 : start % 32 + number]


def words_of_seeds(seeds: Sequence[int], purpose: str | int, step: int, count: int) -> NDArray[np.uint32]:
    """Draw what :func:`words` draws for each of several seeds: for small draws in a fraction of the time.

    Parameters
    ----------
    seeds : sequence of int
    purpose, step, count
        See `words`.

    Returns
    -------
    uint32 array [seeds, count]

    Raises
    ------
    UsageError
        If one of the numbers is no whole number, or outside its range.

    Examples
    --------
    >>> (words_of_seeds([3, 8], "example", 0, 5)[1] == words(8, "example", 0, 5)).all()
    np.True_
    """
    numbers = np.array([check_seed(seed) for seed in seeds], np.uint64)
    number = whole(count, 64, "count", "a whole number, 0 or more")
    low, high = (numbers & np.uint64(0xFFFFFFFF)).astype(np.uint32), (numbers >> np.uint64(32)).astype(np.uint32)
    asked = purpose_word(purpose), whole(step, 32, "step", "a whole number from 0 to 2^32 - 1")
    keys = [key[:, None] for key in threefry2x32((low, high), asked)]
    size = -(-number // 32) * LANES
    blocks = np.empty((len(numbers), size // LANES, 2, LANES), np.uint32)
    for at in range(0, size, _CHUNK_COUNTERS):
        part = np.arange(at, min(size, at + _CHUNK_COUNTERS), dtype=np.uint64)
        counters = (part & np.uint64(0xFFFFFFFF)).astype(np.uint32), (part >> np.uint64(32)).astype(np.uint32)
        chunk = blocks[:, at // LANES : at // LANES + len(part) // LANES]
        for half, found in enumerate(threefry2x32((keys[0], keys[1]), counters)):
            chunk[:, :, half] = found.reshape(chunk.shape[0], chunk.shape[1], LANES)
    return blocks.reshape(len(numbers), 2 * size)[:, :number]


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


def check_seed(seed: object) -> int:
    """Return a seed as a plain number.

    Raises
    ------
    UsageError
        Where it is no whole number from 0 to 2^64 - 1.
    """
    return whole(seed, 64, "seed", "a whole number from 0 to 2^64 - 1")


def whole(value: object, bits: int, where: str, expected: str) -> int:
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        number = -1
    if not 0 <= number < 1 << bits:
        raise UsageError("outside its range", where=where, got=repr(value), expected=expected)
    return int(number)
