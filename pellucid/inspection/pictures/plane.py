"""Planes and lines through the space of features, on which pictures are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.errors import DataError, UsageError, nearest
from pellucid.inspection.pictures.style import short
from pellucid.inspection.pictures.subject import Subject

MARGIN = 0.06
"""By which share of their range a picture is larger than the examples."""

Limits = tuple[tuple[float, float], ...]


@dataclass(frozen=True, eq=False)
class Plane:
    """Points ``origin + coordinates @ directions`` among the features.

    Attributes
    ----------
    origin : ndarray [features]
    directions : ndarray [2, features], or [1, features] for a line
    coordinates : ndarray [examples, 2 or 1]
        Where the examples are, as seen along the other features.
    limits : tuple of (float, float)
        From where to where, along each direction.
    labels : tuple of str
    held : str
        What is said of the other features; empty where there are none.
    """

    origin: np.ndarray
    directions: np.ndarray
    coordinates: np.ndarray
    limits: Limits
    labels: tuple[str, ...]
    held: str

    def features(self, coordinates: np.ndarray) -> np.ndarray:
        """Return the features of points of the plane, [points, features]."""
        return self.origin + coordinates @ self.directions

    def grid(self, resolution: int) -> list[np.ndarray]:
        """Return the coordinates along each direction of a grid, so many at each side."""
        return [np.linspace(low, high, resolution) for low, high in self.limits]


def plane_of(
    subject: Subject,
    features: Sequence[int | str] | int | str | None = None,
    components: int | Sequence[int] | None = None,
    others: str = "median",
    limits: Any = None,
) -> Plane:
    """Return the plane of two features or components, or the line of one.

    Parameters
    ----------
    subject : Subject
    features : int, str, or one or two of them, optional
        Numbers from 0, or names.
    components : int or sequence of int, optional
        So many principal components, 1 or 2, or which of them, counted from 0; in their place `features` are None.
    others : {"median", "mean"}
        Where the other features are held.
    limits : (low, high) for each direction, optional
        By default a little more than the range of the examples.
    """
    if not subject.features:
        raise UsageError("there is no number that could be varied", got=", ".join(subject.arrays))
    if features is not None and components is not None:
        raise UsageError("features and components go not together", fix="Give one of them.")
    if others not in ("median", "mean"):
        raise UsageError("others are held at their median or mean", where="others", got=repr(others))
    if features is None and components is None:
        if len(subject.features) <= 2:
            features = range(len(subject.features))
        else:
            components = min(2, len(subject))  # a single example has one component
    if components is not None:
        return _of_components(subject, components, limits)
    return _of_features(subject, features, others, limits)


def _of_features(subject: Subject, features: Any, others: str, limits: Any) -> Plane:
    given: list[Any] = [features] if isinstance(features, (int, str, np.integer)) else list(features)
    names = [feature.name for feature in subject.features]
    places = [_place(names, feature) for feature in given]
    if not 1 <= len(places) <= 2 or len(set(places)) < len(places):
        got = ", ".join(map(str, given)) or "none"
        raise UsageError("a picture shows one or two different features", where="features", got=got)
    matrix = subject.matrix
    origin = _middle(matrix, others)
    origin[places] = 0.0
    coordinates = matrix[:, places]
    held = f"other features at their {others}" if len(names) > len(places) else ""
    labels = tuple(short(names[place]) for place in places)
    return Plane(origin, np.eye(len(names))[places], coordinates, _limits(coordinates, limits), labels, held)


def _place(names: list[str], feature: int | str) -> int:
    if isinstance(feature, str) and feature in names:
        return names.index(feature)
    if not isinstance(feature, (bool, str)) and isinstance(feature, (int, np.integer)) and 0 <= feature < len(names):
        return int(feature)
    known = f"Numbers: 0 to {len(names) - 1}. " if not isinstance(feature, str) else ""
    raise UsageError(f"there is no feature {feature!r}", where="features", fix=known + nearest(str(feature), names))


def _middle(matrix: np.ndarray, others: str) -> np.ndarray:
    """Return the median or mean of each column over what is known; NaN where nothing is."""
    middle = np.median if others == "median" else np.mean
    known = [column[~np.isnan(column)] for column in matrix.T]
    return np.array([middle(column) if column.size else np.nan for column in known])


def _of_components(subject: Subject, components: int | Sequence[int], limits: Any) -> Plane:
    matrix = subject.matrix
    filled = np.where(np.isnan(matrix), np.nan_to_num(_middle(matrix, "median")), matrix)
    mean, scale = filled.mean(axis=0), np.ones(filled.shape[1])
    if not subject.scaled:
        deviation = filled.std(axis=0)
        scale = np.where(deviation > 0, deviation, 1.0)
    found = principal_components((filled - mean) / scale)
    count = len(found.directions)
    chosen = list(range(int(components))) if isinstance(components, (int, np.integer)) else list(components)
    if not 1 <= len(chosen) <= 2 or not all(0 <= number < count for number in chosen):
        expected = f"one or two of the {count} there are"
        raise UsageError("other components", where="components", got=str(components), expected=expected)
    coordinates = found.coordinates[:, chosen]
    labels = tuple(f"component {number + 1}" for number in chosen)
    held = "other components at 0" + ("" if subject.scaled else "; features divided by their standard deviation")
    return Plane(mean, found.directions[chosen] * scale, coordinates, _limits(coordinates, limits), labels, held)


@dataclass(frozen=True, eq=False)
class Components:
    """Principal components: their directions [components, features], unit length; what they explain; coordinates."""

    directions: np.ndarray
    explained: np.ndarray
    coordinates: np.ndarray


def principal_components(values: np.ndarray) -> Components:
    """Return the principal components of some rows, by a singular value decomposition of the centred rows.

    The sign of each direction is such that its largest part is positive. What is explained is the share of the whole
    variance, 0 where there is none.

    Source: Jolliffe, Principal Component Analysis (2002), chapter 3.

    Examples
    --------
    >>> found = principal_components(np.array([[0.0, 0.0], [1.0, 2.0], [2.0, 4.0]]))
    >>> found.explained.round(6).tolist(), found.coordinates[:, 0].round(3).tolist()
    ([1.0, 0.0], [-2.236, 0.0, 2.236])
    """
    centred = values - values.mean(axis=0)
    _, lengths, directions = np.linalg.svd(centred, full_matrices=False)
    largest = np.abs(directions).argmax(axis=1)
    signs = np.where(directions[np.arange(len(directions)), largest] < 0, -1.0, 1.0)
    directions = directions * signs[:, None]
    total = float((lengths**2).sum())
    explained = lengths**2 / total if total > 0 else np.zeros(len(lengths))
    return Components(directions, explained, centred @ directions.T)


def _limits(coordinates: np.ndarray, given: Any) -> Limits:
    if given is None:
        if np.isnan(coordinates).all(axis=0).any():
            raise DataError("of a feature all values are missing", where="features", fix="Say how far: limits=...")
        low, high = np.nanmin(coordinates, axis=0), np.nanmax(coordinates, axis=0)
        wide = np.where(high > low, high - low, 1.0)
        return tuple((float(a - MARGIN * w), float(b + MARGIN * w)) for a, b, w in zip(low, high, wide, strict=True))
    found = np.asarray(given, np.float64).reshape(-1, 2) if np.size(given) == 2 * coordinates.shape[1] else None
    if found is None or not np.isfinite(found).all() or (found[:, 0] >= found[:, 1]).any():
        expected = "(low, high) for each direction"
        raise UsageError("not the limits of a picture", where="limits", got=str(given)[:60], expected=expected)
    return tuple((float(low), float(high)) for low, high in found)
