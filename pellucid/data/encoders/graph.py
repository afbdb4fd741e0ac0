"""The graph of the encoders: from raw cells and statistics to what a network takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pellucid import ops
from pellucid.data.encoders.date_parts import cyclic_parts
from pellucid.data.encoders.front import Front
from pellucid.data.encoders.scaling import CENTER, FACTOR, KNOTS, LEVELS, MOST_KNOTS, SCALE, named, scale_numbers
from pellucid.data.encoders.settings import EncoderSettings
from pellucid.data.encoders.whitening import WHITENING, WHITENING_MEAN, whiten
from pellucid.graph.types import Axis, DType, Type, float32, float64, int32

STATISTICS = (CENTER, SCALE, KNOTS, LEVELS, FACTOR, WHITENING, WHITENING_MEAN)


def raw_types(front: Front, batch: int) -> dict[str, Type]:
    """Return the types of what :meth:`Front.read` gives, for `batch` rows."""
    widths = {
        "numbers": (float64, len(front.numbers)),
        "cycles": (float64, sum(len(cyclic_parts(column.times)) for column in front.dates)),
        "categories": (int32, len(front.categories)),
        "words": (float32, sum(len(column.words) + column.indicator for column in front.texts)),
    }
    rows = Axis(batch, "batch")
    return {name: Type(dtype, (rows, width)) for name, (dtype, width) in widths.items() if width}


def statistics_shapes(
    front: Front, settings: EncoderSettings, given: Mapping[str, tuple[int, ...]]
) -> dict[str, tuple[int, ...]]:
    """Return the shapes that the statistics of encoders must have, float64 all of them.

    Parameters
    ----------
    front : Front
    settings : EncoderSettings
    given : mapping of tuple of int
        The shapes that there are: how many knots and components were kept is known from them alone, and whether there
        is a factor. They are returned as they are where they are possible, and otherwise as one that is possible.
    """
    count = len(front.numbers)
    if not count:
        return {}
    shapes: dict[str, tuple[int, ...]] = {}
    if settings.scaling == "quantile":
        knots = _last_size(given, KNOTS, 2, MOST_KNOTS)
        shapes |= {KNOTS: (count, knots), LEVELS: (count, knots)}
    elif settings.scaling != "none":
        shapes |= {CENTER: (count,), SCALE: (count,)}
    if FACTOR in given:
        shapes[FACTOR] = (count,)
    if settings.whitening:
        shapes |= {WHITENING: (count, _last_size(given, WHITENING, 1, count)), WHITENING_MEAN: (count,)}
    return shapes


def _last_size(given: Mapping[str, tuple[int, ...]], name: str, low: int, high: int) -> int:
    shape = given.get(name)
    return min(max(int(shape[-1]), low), high) if shape else low


def encode_cells(front: Front, settings: EncoderSettings, values: Mapping[str, Any], dtype: DType) -> dict[str, Any]:
    """Compute what a network takes: with graph values, building the graph, or with arrays.

    Parameters
    ----------
    front : Front
    settings : EncoderSettings
    values : mapping of Value or ndarray
        What :meth:`Front.read` returns, and the statistics.
    dtype : DType
        Of the features.

    Returns
    -------
    dict of Value or ndarray
        ``x``, the features, [batch, features]; ``index``, int32, the categories of embedded columns, [batch, columns].
    """
    parts = []
    if front.numbers:
        numbers = values["numbers"]
        present = named(ops.equal(numbers, numbers), "encoders/present")  # NaN, a missing cell, is not equal to itself
        scaled = scale_numbers(settings, values, numbers, present)
        scaled = whiten(values, scaled) if settings.whitening else scaled
        parts.append(named(ops.cast(scaled, dtype=dtype), "encoders/numbers"))
        parts += _encode_cycles(front, values, dtype)
        marked = [place for place, column in enumerate(front.numbers) if column.indicator]
        if marked:
            absent = ops.logical_not(named(_take_columns(present, marked), "encoders/marked"))
            parts.append(named(ops.cast(named(absent, "encoders/absent"), dtype=dtype), "encoders/missing"))
    parts += _encode_categories(front, values, dtype)
    if "words" in values:
        parts.append(named(ops.cast(values["words"], dtype=dtype), "encoders/words"))
    outputs = {}
    if parts:
        outputs["x"] = named(parts[0] if len(parts) == 1 else ops.concatenate(parts, axis=1), "x")
    if front.embedded:
        outputs["index"] = named(_number_embedded(front, values["categories"]), "index")
    return outputs


def _encode_cycles(front: Front, values: Mapping[str, Any], dtype: DType) -> list[Any]:
    if not front.dates:
        return []
    cycles = values["cycles"]
    known = ops.select(ops.equal(cycles, cycles), cycles, 0.0)
    return [named(ops.cast(named(known, "encoders/known_cycles"), dtype=dtype), "encoders/cycles")]


def _encode_categories(front: Front, values: Mapping[str, Any], dtype: DType) -> list[Any]:
    """Return a feature for each category: whether the cell, spread to as many columns as there are, is this one."""
    columns: list[int] = []
    places: list[int] = []
    for place, column in enumerate(front.categories):
        first = len(column.categories) if column.embedding else 0  # of embedded columns only what is missing
        depth = len(column.categories) + column.indicator - first
        columns += [place] * depth
        places += range(first, first + depth)
    if not columns:
        return []
    spread = named(_take_columns(values["categories"], columns), "encoders/spread_categories")
    found = named(ops.equal(spread, np.array(places, np.int32)), "encoders/found_categories")
    return [named(ops.cast(found, dtype=dtype), "encoders/categories")]


def _number_embedded(front: Front, categories: Any) -> Any:
    """Return the embedded columns' categories, -1 for those that are missing."""
    chosen = [place for place, column in enumerate(front.categories) if column.embedding]
    index = named(_take_columns(categories, chosen), "encoders/embedded")
    counts = np.array([len(column.categories) for column in front.embedded], np.int32)
    return ops.select(ops.less(index, counts), index, np.int32(-1))


def _take_columns(matrix: Any, places: list[int]) -> Any:
    return ops.transpose(ops.gather(ops.transpose(matrix), np.array(places, np.int32)))
