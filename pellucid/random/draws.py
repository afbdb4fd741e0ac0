"""Draws: arrays of random numbers and permutations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import DTypeLike, NDArray

from pellucid.errors import UsageError
from pellucid.random.distributions import normal_from_words, uniform_from_words
from pellucid.random.threefry import whole, words, words_of_seeds

Seed = int | Sequence[int]
"""One seed, or several."""


def uniform(
    seed: Seed, purpose: str | int, step: int, shape: int | Iterable[int], dtype: DTypeLike = np.float64
) -> NDArray:
    """Draw uniform numbers in [0, 1), multiples of 2^-24.

    Parameters
    ----------
    seed, purpose, step
        See `draw_key`; several seeds give an array for each, the same as alone.
    shape : sizes of the axes
        Positions count through it in row-major order.
    dtype : float32 or float64
        Both hold the same numbers.

    Returns
    -------
    array of `dtype` in `shape`, or [seeds, *shape]

    Raises
    ------
    UsageError
        If an argument is outside its range.

    Examples
    --------
    >>> uniform(0, "noise", 3, (2, 2)).shape
    (2, 2)
    """
    return uniform_from_words(_drawn(seed, purpose, step, shape), dtype)


def normal(
    seed: Seed, purpose: str | int, step: int, shape: int | Iterable[int], dtype: DTypeLike = np.float64
) -> NDArray:
    """Draw standard normal numbers; `normal_from_words` says how.

    Parameters
    ----------
    seed, purpose, step
        See `draw_key`; several seeds give an array for each, the same as alone.
    shape : sizes of the axes
        Positions count through it in row-major order.
    dtype : float32 or float64

    Returns
    -------
    array of `dtype` in `shape`, or [seeds, *shape]

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
    return normal_from_words(_drawn(seed, purpose, step, shape), dtype)


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


def _drawn(seed: Seed, purpose: str | int, step: int, shape: int | Iterable[int]) -> NDArray[np.uint32]:
    """Return the words of a draw in its shape, or for several seeds [seeds, *shape]."""
    sizes, count = _shape(shape)
    if isinstance(seed, Sequence):
        return words_of_seeds(seed, purpose, step, count).reshape(len(seed), *sizes)
    return words(seed, purpose, step, count).reshape(sizes)


def _shape(shape: int | Iterable[int]) -> tuple[tuple[int, ...], int]:
    """Give the sizes of the axes as plain integers, and their product."""
    axes = shape if isinstance(shape, Iterable) else (shape,)
    sizes = tuple(whole(size, 63, "shape", "whole numbers, 0 or more") for size in axes)
    count = 1
    for size in sizes:
        count *= size
    return sizes, count
