"""Arrays compared to the bit: where the first elements stand that differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Unlike:
    """Where two arrays of one shape differ.

    Attributes
    ----------
    element : tuple of int
        The first element that differs, in row-major order.
    values : tuple of two NumPy scalars
        It, in both arrays.
    count : int
        How many elements differ.
    largest : float
        The largest absolute difference; NaN where one of the two is not finite.
    """

    element: tuple[int, ...]
    values: tuple[Any, Any]
    count: int
    largest: float

    def __str__(self) -> str:
        one, other = map(str, self.values)  # the shortest digits that tell a float32 from its neighbours
        return f"{list(self.element) if self.element else ''}: {one} and {other}"


def differing(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return which elements of two arrays of one shape differ in any bit.

    0 and -0 differ; NaNs are all alike. Arrays of two dtypes are compared by the values of their elements.

    Examples
    --------
    >>> import numpy as np
    >>> differing(np.array([0.0, np.nan, 1.0]), np.array([-0.0, np.nan, 1.0]))
    array([ True, False, False])
    """
    if a.dtype != b.dtype or a.dtype.kind != "f":
        with np.errstate(invalid="ignore"):
            return np.asarray((a != b) & ~((a != a) & (b != b)))  # NaN is not itself
    word = f"u{a.dtype.itemsize}"
    bits = [np.ascontiguousarray(array).reshape(-1).view(word).reshape(array.shape) for array in (a, b)]
    return np.asarray((bits[0] != bits[1]) & ~(np.isnan(a) & np.isnan(b)))


def compare(a: Any, b: Any) -> Unlike | None:
    """Return where two arrays of one shape differ, or None where they are the same to the bit.

    Examples
    --------
    >>> found = compare([[1.0, 2.0], [3.0, 4.0]], [[1.0, 2.0], [3.5, 2.0]])
    >>> print(found, found.count, found.largest)
    [1, 0]: 3.0 and 3.5 2 2.0
    """
    a, b = np.asarray(a), np.asarray(b)
    unlike = differing(a, b)
    count = int(np.count_nonzero(unlike))
    if not count:
        return None
    element = tuple(int(place) for place in np.unravel_index(int(np.argmax(unlike)), a.shape))
    with np.errstate(invalid="ignore", over="ignore"):
        largest = np.max(np.abs(a[unlike].astype(np.float64) - b[unlike].astype(np.float64)))
    return Unlike(element, (a[element], b[element]), count, float(largest))


def first_unlike(a: Mapping[str, Any], b: Mapping[str, Any]) -> tuple[str, Unlike] | None:
    """Return the first of the arrays that both have in one shape, in the order of `a`, that differs, and where."""
    for name, array in a.items():
        if name in b and np.shape(array) == np.shape(b[name]):
            found = compare(array, b[name])
            if found is not None:
                return name, found
    return None


def are_same(a: Mapping[str, Any], b: Mapping[str, Any]) -> bool:
    """Say whether both have the same arrays, to the bit."""
    alike = all(name in b and np.shape(a[name]) == np.shape(b[name]) for name in a)
    dtypes = alike and all(np.asarray(a[name]).dtype == np.asarray(b[name]).dtype for name in a)
    return bool(dtypes) and len(a) == len(b) and first_unlike(a, b) is None
