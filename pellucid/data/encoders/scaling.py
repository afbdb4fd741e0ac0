"""Scaling of numbers: what is fitted on the training rows, and the graph that scales with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid import ops
from pellucid.data.encoders.settings import EncoderSettings
from pellucid.data.statistics import mean_and_scale, weighted_quantiles
from pellucid.graph.value import Value

CENTER, SCALE = "encoders/center", "encoders/scale"
KNOTS, LEVELS = "encoders/knots", "encoders/levels"
FACTOR = "encoders/factor"
"""A power of two for each column by which numbers are multiplied first; only there where some are near overflow."""

MOST_KNOTS = 64
LARGE = 4e307
"""Differences of numbers up to here do not overflow."""

LIMIT, LIMIT_UNSCALED = 1e6, 1e15
"""Scaled numbers are cut here, so that no cell, however wild, overflows in a network of float32. Among n training rows
none is larger than the square root of n standard deviations."""


@dataclass(frozen=True)
class ColumnScaling:
    """What was fitted on one column.

    Attributes
    ----------
    pair : tuple
        Center and scale, or knots and levels [knots]; of the numbers times `factor`.
    factor : float
        1, or less where numbers are near overflow.
    constant : bool
        Whether the column is constant, or without any value: its scale is 0.
    """

    pair: tuple[Any, Any]
    factor: float
    constant: bool


def fit_column(values: np.ndarray, weights: np.ndarray | None, settings: EncoderSettings) -> ColumnScaling:
    """Fit the scaling of one column on training rows.

    Parameters
    ----------
    values : ndarray of float64, [rows]
        NaN where a cell is missing.
    weights : ndarray of float64, optional, [rows]
        All above 0.
    settings : EncoderSettings
    """
    present = values[~np.isnan(values)]
    low, high = (float(present.min()), float(present.max())) if present.size else (0.0, 0.0)
    factor = 0.25 if settings.scaling != "none" and max(-low, high) > LARGE else 1.0
    pair: tuple[Any, Any] = (0.0, 1.0)
    if settings.scaling == "quantile":
        pair = _fit_knots(values * factor, weights)
    elif settings.scaling != "none":
        pair = _fit_center(settings.scaling, values * factor, weights)
    return ColumnScaling(pair, factor, low == high)


def join_scalings(columns: Sequence[ColumnScaling], settings: EncoderSettings) -> dict[str, np.ndarray]:
    """Return the statistics of all columns, float64.

    ``encoders/center`` and ``encoders/scale`` [numbers]; for "quantile" ``encoders/knots`` and ``encoders/levels``
    [numbers, knots]; none for "none". ``encoders/factor`` [numbers] where it is needed.
    """
    if not columns or settings.scaling == "none":
        return {}
    first, second = zip(*(column.pair for column in columns), strict=True)
    if settings.scaling == "quantile":
        most = max(map(len, first))
        arrays = {
            name: np.array([np.pad(part, (0, most - len(part)), "edge") for part in parts])
            for name, parts in ((KNOTS, first), (LEVELS, second))
        }
    else:
        arrays = {CENTER: np.array(first), SCALE: np.array(second)}
    if any(column.factor != 1.0 for column in columns):
        arrays[FACTOR] = np.array([column.factor for column in columns])
    return arrays


def _fit_center(scaling: str, values: np.ndarray, weights: np.ndarray | None) -> tuple[float, float]:
    if scaling == "standardize":
        return mean_and_scale(values, weights)
    low, lower, middle, upper, high = weighted_quantiles(values, [0.0, 0.25, 0.5, 0.75, 1.0], weights).tolist()
    if scaling == "minmax":
        return low, high - low
    return middle, (upper - lower) or (high - low) / 2


def _fit_knots(values: np.ndarray, weights: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Return knots and, for each, the share of rows below it and half of those at it, standardized over the rows."""
    there = ~np.isnan(values)
    present, shares = values[there], np.ones(there.sum()) if weights is None else weights[there]
    if present.size == 0 or present.min() == present.max():
        return np.repeat(present[:1] if present.size else np.zeros(1), 2), np.zeros(2)
    exponent = int(np.frexp(np.abs(present).max())[1])
    scaled = np.ldexp(present, -exponent)
    distinct, inverse = np.unique(scaled, return_inverse=True)
    parts = np.bincount(inverse, shares / shares.sum())
    levels = np.cumsum(parts) - parts / 2
    knots = distinct
    if len(distinct) > MOST_KNOTS:
        knots = np.unique(weighted_quantiles(scaled, np.linspace(0.0, 1.0, MOST_KNOTS), shares))
        levels = np.interp(knots, distinct, levels)
    mean, scale = mean_and_scale(np.interp(scaled, knots, levels), shares)
    return np.ldexp(knots, exponent), (levels - mean) / (scale or 1.0)


def named(value: Any, path: str) -> Any:
    """Name a graph value; leave an array as it is."""
    return value.builder.name(value, path) if isinstance(value, Value) else value


def scale_numbers(settings: EncoderSettings, values: Mapping[str, Any], numbers: Any, present: Any) -> Any:
    """Scale numbers: with graph values, adding to the graph, or with arrays.

    Parameters
    ----------
    settings : EncoderSettings
    values : mapping
        The statistics that :func:`join_scalings` returns.
    numbers, present : Value or ndarray, [batch, numbers]
        Cells, and which of them are not missing.

    Returns
    -------
    Value or ndarray of float64, [batch, numbers]
        0 for a missing cell and in columns that are constant.
    """
    if settings.scaling == "none":
        return _cut(named(ops.select(present, numbers, 0.0), "encoders/filled"), LIMIT_UNSCALED)
    if FACTOR in values:
        numbers = named(ops.multiply(numbers, values[FACTOR]), "encoders/in_range")
    scaled = (_interpolate if settings.scaling == "quantile" else _shift_and_divide)(values, numbers, present)
    if settings.limit == 0:
        return scaled
    share = named(ops.divide(scaled, settings.limit), "encoders/share_of_limit")
    return named(ops.divide(scaled, ops.sqrt(ops.add(ops.multiply(share, share), 1.0))), "encoders/limited")


def _shift_and_divide(values: Mapping[str, Any], numbers: Any, present: Any) -> Any:
    filled = named(ops.select(present, numbers, values[CENTER]), "encoders/filled")
    deviation = named(ops.subtract(filled, values[CENTER]), "encoders/deviation")
    varies = named(ops.greater(values[SCALE], 0.0), "encoders/varies")
    divided = ops.divide(deviation, ops.select(varies, values[SCALE], 1.0))
    return _cut(named(ops.select(varies, divided, 0.0), "encoders/scaled"), LIMIT)


def _cut(numbers: Any, limit: float) -> Any:
    return named(ops.minimum(named(ops.maximum(numbers, -limit), "encoders/cut_below"), limit), "encoders/cut")


def _interpolate(values: Mapping[str, Any], numbers: Any, present: Any) -> Any:
    """Return the level, linear between knots: the first one, and of each rise to the next what was gone of the way."""
    knots, levels = values[KNOTS], values[LEVELS]
    lower, upper = (slice(None), slice(None, -1)), (slice(None), slice(1, None))
    starts = named(ops.getitem(knots, lower), "encoders/starts")
    widths = ops.subtract(ops.getitem(knots, upper), starts)
    widths = named(ops.select(ops.greater(widths, 0.0), widths, 1.0), "encoders/widths")
    rises = named(ops.subtract(ops.getitem(levels, upper), ops.getitem(levels, lower)), "encoders/rises")
    gone = ops.divide(ops.subtract(ops.getitem(numbers, (..., None)), starts), widths)
    gone = named(ops.minimum(ops.maximum(gone, 0.0), 1.0), "encoders/gone")
    climbed = ops.sum(ops.multiply(gone, rises), axis=2)
    level = named(ops.add(climbed, ops.getitem(levels, (slice(None), 0))), "encoders/level")
    return named(ops.select(present, level, 0.0), "encoders/scaled")
