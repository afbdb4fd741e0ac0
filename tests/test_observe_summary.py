"""Summaries of arrays against NumPy, whatever numbers they hold, and the tables that tell of layers over time."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from fractions import Fraction
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays as random_arrays

from pellucid.inspection.layers import LayerRecord, LayerRecords
from pellucid.inspection.layers.health import course, health_table
from pellucid.inspection.summary import summarize_array, write_share

FLOATS = st.floats(allow_nan=True, allow_infinity=True, width=64)


@given(random_arrays(np.float64, st.integers(1, 30), elements=FLOATS))
def test_summaries_of_any_numbers(array):
    found = summarize_array(array)
    finite = array[np.isfinite(array)]
    assert found.not_finite == pytest.approx(1 - len(finite) / len(array))
    assert found.zeros == np.mean(array == 0)
    if not len(finite):
        assert math.isnan(found.mean)
        return
    exact = [Fraction(value) for value in finite.tolist()]
    mean, largest = sum(exact) / len(exact), max(map(abs, exact))
    least = Fraction(2) ** -1074  # of two floats, the nearest that there can be
    within = largest / 10**12 + least
    assert abs(Fraction(found.mean) - mean) <= within
    square = sum(value**2 for value in exact) / len(exact)
    assert max(Fraction(0), Fraction(found.rms) - within) ** 2 <= square <= (Fraction(found.rms) + within) ** 2
    if len(finite) == len(array):
        assert (found.least, found.greatest) == (array.min(), array.max())


def test_numbers_whose_squares_over_or_underflow():
    for scale in (1e300, 1e-300):
        found = summarize_array(scale * np.array([3.0, 4.0, -4.0, -3.0]))
        assert found.rms == pytest.approx(math.sqrt(12.5) * scale, rel=1e-14, abs=0)
        assert found.spread == pytest.approx(math.sqrt(12.5) * scale, rel=1e-14, abs=0)


def test_arrays_of_every_kind():
    assert summarize_array(np.array([True, False, True, True])).mean == 0.75
    assert summarize_array(np.arange(5, dtype=np.int64)).rms == pytest.approx(math.sqrt(6))
    assert summarize_array(np.float32(3)).size == 1
    empty = summarize_array(np.zeros((0, 3)))
    assert empty.size == 0 and math.isnan(empty.mean) and str(empty) == "no elements"
    assert str(summarize_array(np.array([np.nan, np.inf, 1.0]))) == "mean 1, spread 0, 1 to inf, 67 % not finite"
    assert summarize_array(np.array([np.nan])).not_finite == 1.0
    assert str(summarize_array(np.array([-0.0, -1.0]))).endswith("-1 to 0, 50 % zero")


@given(st.floats(0, 1))
def test_a_share_is_all_or_nothing_only_where_it_is(share):
    told = write_share(share)
    assert (told == "100 %") == (share == 1) and (told == "0 %") == (share == 0)


def records(*outputs):
    """Return records of one layer with these outputs over time."""
    layer = LayerRecord(
        name="a<b",
        activation="relu",
        output=summarize_array(np.ones(3)),
        gradient=summarize_array(np.ones(3)),
        dead=0.0,
        stuck=0.0,
        weight=summarize_array(np.ones(3)),
        weight_gradient=summarize_array(np.ones(3)),
        update_ratio=math.nan,
    )
    found = []
    for epoch, output in enumerate(outputs):
        one = replace(layer, output=summarize_array(output), dead=epoch / 4)
        found.append(LayerRecords(epoch, 10 * epoch, 1.0, (one,)))
    return found


def test_a_table_of_health_tells_first_and_last_and_draws_what_was_between():
    page = health_table(records([0.0, 2.0], [0.0, 4.0], [0.0, 8.0]))
    assert "1 → 4" in page and "0 % → 50 %" in page and "a&lt;b" in page and "epoch 0 to 2" in page
    lines = re.findall(r"<svg.*?</svg>", page)
    assert len(lines) == 2  # of what changed: spread and dead units
    for line in lines:
        points = ElementTree.fromstring(line)[0].get("points").split()
        assert len(points) == 3
        heights = [float(point.split(",")[1]) for point in points]
        assert heights == sorted(heights, reverse=True)
    assert "currentColor" in page and "#" not in page  # the colours of what is around it


def test_what_is_not_finite_is_no_part_of_a_course():
    assert course([math.nan, math.inf]) == "" == course([1.0])
    points = ElementTree.fromstring(course([1.0, math.nan, 3.0]).removeprefix("<br>"))[0].get("points").split()
    assert len(points) == 2 and points[1].startswith("84.0,")
    assert "Nothing was recorded" in health_table([])
    assert "→" not in health_table(records([0.0, 2.0]))
