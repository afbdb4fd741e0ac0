"""Bootstrap samples: examples drawn again and again from the same ones."""

from __future__ import annotations

import numpy as np

from pellucid.errors import UsageError
from pellucid.random import words


def bootstraps(count: int, number: int, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Draw bootstrap samples: from `count` examples, as many with replacement, `number` times.

    A sample holds about 63 % of the examples, some of them more than once; those left out can judge what is learned
    from it. The same arguments give the same samples on every machine, and more samples begin with the same ones.
    Source: Efron, Bootstrap methods: another look at the jackknife (1979).

    Parameters
    ----------
    count : int
        The number of examples, 1 or more.
    number : int
        The number of samples, 1 or more.
    seed : int

    Returns
    -------
    list of (ndarray of int64 [count], ndarray of int64)
        For each sample the numbers of the examples drawn, and of those left out, both ascending.

    Raises
    ------
    UsageError
        Where a number is not whole, or less than 1.

    Examples
    --------
    >>> (drawn, left_out), _ = bootstraps(6, 2, seed=0)
    >>> len(drawn), sorted({*drawn.tolist(), *left_out.tolist()})
    (6, [0, 1, 2, 3, 4, 5])
    """
    for name, value in (("examples", count), ("samples", number)):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
            raise UsageError(f"the number of {name} is a whole number, 1 or more", got=repr(value))
    return [_sample(int(count), seed, place) for place in range(number)]


def _sample(count: int, seed: int, place: int) -> tuple[np.ndarray, np.ndarray]:
    drawn = words(seed, "bootstrap", place, count).astype(np.uint64) * np.uint64(count) >> np.uint64(32)
    times = np.bincount(drawn.astype(np.int64), minlength=count)
    return np.repeat(np.arange(count), times), np.flatnonzero(times == 0)
