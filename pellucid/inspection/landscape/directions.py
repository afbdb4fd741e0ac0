"""Directions in the space of parameters: random ones, as long as the weights they go with, and those of a path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from pellucid.errors import UsageError

Parameters = Mapping[str, np.ndarray]
Direction = dict[str, np.ndarray]


def random_direction(center: Parameters, seed: int, number: int) -> Direction:
    """Return a normal direction, filter-normalized: to each unit as long as the unit's own weights.

    A step along it changes every unit by the same share of its weights, so that surfaces of networks whose weights
    differ in scale, which rectifiers do not care about, can be compared. Biases do not move.
    Source: Li, Xu, Taylor, Studer and Goldstein, Visualizing the Loss Landscape of Neural Nets (2018), section 4.

    Parameters
    ----------
    center : mapping of ndarray
        Weights [features, units] have a column for each unit. Arrays of one axis do not move, unless no array has more.
    seed, number : int
        Which direction: the same for the same numbers, seed and names.

    Returns
    -------
    dict of ndarray
        In float64.

    Examples
    --------
    >>> found = random_direction({"weight": np.array([[3.0, 1.0], [4.0, 0.0]]), "bias": np.ones(2)}, 0, 0)
    >>> np.linalg.norm(found["weight"], axis=0).round(6).tolist(), found["bias"].tolist()
    ([5.0, 1.0], [0.0, 0.0])
    """
    moving = [path for path, value in center.items() if np.ndim(value) > 1] or list(center)
    random = np.random.default_rng([seed, number])
    direction = {}
    for path in sorted(center):
        drawn = random.standard_normal(np.shape(center[path]))
        weight = np.asarray(center[path], np.float64)
        axes = tuple(range(max(weight.ndim - 1, 0))) if weight.ndim > 1 else None
        lengths = [np.sqrt(np.sum(array**2, axis=axes, keepdims=True)) for array in (weight, drawn)]
        scaled = drawn * lengths[0] / np.where(lengths[1] > 0, lengths[1], 1.0)
        direction[path] = scaled.reshape(np.shape(weight)) if path in moving else np.zeros(np.shape(weight))
    return {path: direction[path] for path in center}


def directions_of_path(points: Sequence[Parameters], center: Parameters) -> tuple[Direction, Direction]:
    """Return the two principal components of a path, seen from its end; each of length 1.

    Source: Li et al. (2018), section 7.

    Raises
    ------
    UsageError
        Where the path does not leave a line.
    """
    steps = np.stack([flatten(point, center) - flatten(center, center) for point in points])
    _, sizes, components = np.linalg.svd(steps, full_matrices=False)
    if len(sizes) < 2 or sizes[1] <= 1e-12 * max(sizes[0], 1e-300):
        raise UsageError(
            "the path does not leave a line: it has no two directions",
            where="path",
            got=f"{len(points)} points",
            fix='Keep more of its points, or say directions="random".',
        )
    first, second = (unflatten(component, center) for component in components[:2])
    return first, second


def flatten(values: Parameters, like: Parameters) -> np.ndarray:
    """Return arrays as one vector of float64, in the order of `like`."""
    return np.concatenate([np.asarray(values[path], np.float64).reshape(-1) for path in like])


def unflatten(vector: np.ndarray, like: Parameters) -> Direction:
    """Return a vector as arrays of the shapes of `like`."""
    found, start = {}, 0
    for path, value in like.items():
        size = int(np.size(value))
        found[path] = vector[start : start + size].reshape(np.shape(value))
        start += size
    return found
