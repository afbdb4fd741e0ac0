"""Clipping of gradients holds its bounds, keeps the direction, and does not overflow."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from pellucid.errors import UsageError
from pellucid.executors.program import compile
from pellucid.graph.context import Context
from pellucid.graph.types import Type
from pellucid.optim.clipping import clip_gradients

DTYPES = ["float32", "float64"]
SHAPES = {"weight": (3, 2), "bias": (2,), "gain": (), "nothing": (0, 4)}
SIZE = 9


def program(dtype, **limits):
    context = Context(training=True, dtype=dtype)
    gradients = {path: context.input(path, Type(context.dtype, shape)) for path, shape in SHAPES.items()}
    compiled = compile(context.builder.finish(clip_gradients(context, gradients, **limits)))
    return lambda given, **settings: compiled(**{**context.settings, **settings, **given})


CLIP_NORM = {dtype: program(dtype, norm=1.0) for dtype in DTYPES}
CLIP_VALUE = {dtype: program(dtype, value=1.0) for dtype in DTYPES}


def split(numbers: np.ndarray) -> dict[str, np.ndarray]:
    parts = np.split(numbers, np.cumsum([int(np.prod(shape)) for shape in SHAPES.values()])[:-1])
    return {path: part.reshape(shape) for (path, shape), part in zip(SHAPES.items(), parts, strict=True)}


def flat(gradients: dict[str, np.ndarray]) -> np.ndarray:
    return np.concatenate([np.ravel(gradients[path]) for path in SHAPES])


def norm(numbers: np.ndarray) -> float:
    wide = numbers.astype(np.longdouble)
    return np.sqrt(np.sum(wide * wide))


def gradients_of(dtype: str):
    sizes = st.sampled_from([0.0, 1e-42, 1e-30, 1e-10, 0.5, 3.0, 1e4, 1e30, 3e38])
    number = st.builds(lambda size, part: size * part, sizes, st.floats(-1, 1))
    return arrays_of.arrays(np.float64, (SIZE,), elements=number).map(lambda numbers: numbers.astype(dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@given(data=st.data(), limit=st.floats(2**-10, 2**10, width=32))
def test_the_norm_is_held_and_the_direction_kept(dtype, data, limit):
    numbers = data.draw(gradients_of(dtype))
    clipped = flat(CLIP_NORM[dtype](split(numbers), clip_norm=limit))
    eps = np.finfo(dtype).eps
    length = norm(numbers)
    assert clipped.dtype == dtype
    assert norm(clipped) <= limit * (1 + 16 * eps)
    if length <= limit * (1 - 16 * eps):
        assert np.array_equal(clipped, numbers)
    elif length >= limit * (1 + 16 * eps):
        expected = numbers.astype(np.longdouble) * (limit / length)
        below_normal = (1 + limit) * np.finfo(dtype).smallest_subnormal  # what rounding may cost the smallest numbers
        assert np.all(np.abs(clipped - expected) <= 16 * eps * np.abs(expected) + below_normal)


@pytest.mark.parametrize("dtype", DTYPES)
@given(data=st.data(), limit=st.floats(2**-10, 2**10, width=32))
def test_every_element_is_held(dtype, data, limit):
    numbers = data.draw(gradients_of(dtype))
    clipped = flat(CLIP_VALUE[dtype](split(numbers), clip_value=limit))
    assert clipped.dtype == dtype
    assert np.array_equal(clipped, np.clip(numbers, -limit, limit))


def test_huge_gradients_in_float32_keep_their_direction():
    clipped = CLIP_NORM["float32"](split(np.full(SIZE, -1e30, np.float32)))
    np.testing.assert_allclose(flat(clipped), -1 / 3, rtol=1e-6)


def test_elements_are_clipped_before_the_norm_is_taken():
    numbers = np.array([100.0, 3.0, 0, 0, 0, 0, 0, 0, 0])
    clipped = program("float64", value=4.0, norm=1.0)(split(numbers))
    np.testing.assert_allclose(flat(clipped)[:2], [0.8, 0.6], rtol=1e-15)


def test_without_limits_nothing_is_added():
    context = Context(training=True)
    g = context.input("g", Type(context.dtype, (2,)))
    before = len(context.builder)
    assert clip_gradients(context, {"w": g}) == {"w": g} and len(context.builder) == before
    assert not context.settings


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_gradients_that_are_not_finite_stay_to_be_noticed(bad):
    numbers = np.array([bad, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0])
    np.testing.assert_array_equal(flat(CLIP_NORM["float64"](split(numbers))), numbers)


@pytest.mark.parametrize("limits", [{"value": 0.0}, {"norm": -1.0}, {"norm": float("nan")}, {"value": float("inf")}])
def test_a_limit_is_above_zero(limits):
    with pytest.raises(UsageError, match=r"clip_(value|norm): out of range: .*expected a number in \(0, inf\)"):
        clip_gradients(Context(training=True), {}, **limits)
