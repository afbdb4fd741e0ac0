"""Shapes and indexing against NumPy: at once, in graphs, and their gradients."""

from __future__ import annotations

import numpy as np
import pytest
from graph_runs import gradients, numbers, run
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pellucid.errors import GraphError, ShapeError
from pellucid.executors.program import compile
from pellucid.graph.builder import build
from pellucid.graph.resize import resize
from pellucid.graph.text import parse
from pellucid.graph.types import Axis, float64
from pellucid.ops.activations import identity
from pellucid.ops.basic import cast, stop_gradient
from pellucid.ops.indexing import getitem
from pellucid.ops.joins import concatenate
from pellucid.ops.reductions import sum
from pellucid.ops.rolls import roll
from pellucid.ops.shapes import broadcast, reshape, sum_to, transpose
from pellucid.ops.slices import pad

SHAPES = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)


@given(
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4).flatmap(
        lambda shape: st.tuples(
            st.just(shape), hnp.basic_indices(shape, max_dims=6, allow_newaxis=True, allow_ellipsis=True)
        )
    )
)
def test_indexing_is_that_of_numpy(case):
    shape, key = case
    x = numbers(shape)
    np.testing.assert_array_equal(getitem(x, key), x[key], strict=True)
    np.testing.assert_array_equal(run(lambda x: x[key], x=x), x[key], strict=True)
    weights, gradient = gradients(lambda x: getitem(x, key), x=x)
    expected = np.zeros(shape)
    expected[key] = weights
    np.testing.assert_array_equal(gradient, expected)


def test_whole_numbers_take_rows():
    x = numbers((4, 3))
    for key in ([2, 0, 2], np.array([[1], [3]]), np.array([], int), [0, -1], [[-4, 3]], []):
        np.testing.assert_array_equal(getitem(x, key), x[key])
        np.testing.assert_array_equal(run(lambda x, key=key: x[key], x=x), x[key])
    np.testing.assert_array_equal(run(lambda x, i: x[i], x=x, i=np.array([3, 3])), x[[3, 3]])
    np.testing.assert_array_equal(run(lambda x, i: x[i], x=x, i=np.array(2)), x[2])
    weights, gradient = gradients(lambda x: x[[0, -1, 0]], x=x)
    np.testing.assert_array_equal(gradient, np.stack([weights[0] + weights[2], 0 * x[0], 0 * x[0], weights[1]]))


@pytest.mark.parametrize(
    ("key", "told"),
    [
        (4, r"axis 0: an index outside its axis: got 4, expected -4 to 3"),
        ((0, -4), r"axis 1: an index outside its axis: got -4"),
        ((0, 0, 0), "more indices than axes"),
        ((..., ...), "more than one ellipsis"),
        (1.5, "not an index"),
        (True, "not an index"),
        (slice(None, None, 0), "not a slice"),
        (slice("a", None), "not a slice"),
        (np.array([True, False, True, True]), "truth values do not index"),
        ([0, 4], r"axis 0: an index outside its axis: got 4, expected -4 to 3"),
        ([0, -5], r"axis 0: an index outside its axis: got -5"),
        ([0.5], "not a list of indices"),
        ([[0], [1, 2]], "not a list of indices"),
    ],
)
def test_unfit_indices_are_told(key, told):
    with pytest.raises(ShapeError, match=told):
        build(lambda x: x[key], x=float64[4, 3])


def test_the_first_and_the_last_row_stay_so_when_the_batch_grows():
    graph = build(lambda x: concatenate([x[0], x[-1], x[::-1][0], x[:1, 0]]), x=float64[Axis(1, "batch"), 3])
    x = numbers((5, 3))
    (found,) = compile(resize(graph, batch=5))(x=x).values()
    np.testing.assert_array_equal(found, np.concatenate([x[0], x[-1], x[-1], x[:1, 0]]))


@given(hnp.mutually_broadcastable_shapes(num_shapes=2, min_side=0, max_dims=4, max_side=4))
def test_broadcast_and_sum_to_are_adjoint(shapes):
    target = shapes.result_shape
    x, y = numbers(shapes.input_shapes[0]), numbers(target, seed=1)
    wide = run(lambda x: broadcast(x, target), x=x)
    back = run(lambda y: sum_to(y, x.shape), y=y)
    np.testing.assert_array_equal(wide, np.broadcast_to(x, target), strict=True)
    assert back.shape == x.shape
    assert np.vdot(wide, y) == pytest.approx(np.vdot(x, back), rel=1e-12, abs=1e-12)
    np.testing.assert_allclose(gradients(lambda x: broadcast(x, target), x=x)[1], sum_to(numbers(target, 99), x.shape))
    np.testing.assert_array_equal(
        gradients(lambda y: sum_to(y, x.shape), y=y)[1], np.broadcast_to(numbers(x.shape, 99), target)
    )


@given(SHAPES, st.randoms(use_true_random=False))
def test_transpose_is_that_of_numpy(shape, chance):
    x = numbers(shape)
    axes = list(range(len(shape)))
    chance.shuffle(axes)
    mixed = [axis - len(shape) if chance.random() < 0.5 else axis for axis in axes]
    np.testing.assert_array_equal(run(lambda x: transpose(x, mixed), x=x), x.transpose(axes), strict=True)
    np.testing.assert_array_equal(run(lambda x: x.T, x=x), x.T, strict=True)
    weights, gradient = gradients(lambda x: transpose(x, mixed), x=x)
    np.testing.assert_array_equal(gradient.transpose(axes), weights)


@pytest.mark.parametrize("shape", [(6, 4), (-1,), (2, -1, 2), (24, 1), (1, -1, 24), 24, -1])
def test_reshape_is_that_of_numpy(shape):
    x = numbers((2, 3, 4))
    np.testing.assert_array_equal(reshape(x, shape), x.reshape(shape))
    np.testing.assert_array_equal(run(lambda x: reshape(x, shape), x=x), x.reshape(shape))
    weights, gradient = gradients(lambda x: reshape(x, shape), x=x)
    np.testing.assert_array_equal(gradient, weights.reshape(x.shape))


@pytest.mark.parametrize(
    ("shape", "told"),
    [
        ((5, 5), "24 and 25 elements"),
        ((-1, -1), "more than one size is left out"),
        ((-1, 5), "can not be computed"),
        ((0, -1), "can not be computed"),
        ((-2, 12), "sizes from 0 up"),
    ],
)
def test_unfit_reshapes_are_told(shape, told):
    with pytest.raises(ShapeError, match=told):
        reshape(numbers((2, 3, 4)), shape)


@given(
    st.integers(1, 4),
    hnp.array_shapes(min_dims=1, max_dims=3, max_side=3),
    st.data(),
)
def test_concatenate_is_that_of_numpy(count, shape, data):
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    sizes = data.draw(st.lists(st.integers(0, 3), min_size=count, max_size=count))
    parts = {}
    for at, size in enumerate(sizes):
        own = list(shape)
        own[axis] = size
        parts[f"x{at}"] = numbers(own, seed=at)
    expected = np.concatenate(list(parts.values()), axis)
    np.testing.assert_array_equal(concatenate(list(parts.values()), axis), expected, strict=True)
    np.testing.assert_array_equal(run(lambda **x: concatenate(list(x.values()), axis), **parts), expected, strict=True)
    weights, *found = gradients(lambda *x: concatenate(x, axis), **parts)
    for part, slope in zip(found, np.split(weights, np.cumsum(sizes)[:-1], axis), strict=True):
        np.testing.assert_array_equal(part, slope)


def test_concatenate_meets_in_the_wider_dtype():
    assert concatenate([np.ones(2, np.float32), np.ones(1)]).dtype == np.float64
    assert concatenate([np.ones(2, np.float32), np.ones(1, int)]).dtype == np.float32


@pytest.mark.parametrize("width", [1, (0, 2), ((1, 0), (0, 3)), [(0, 0), (2, 1)], 0])
def test_pad_is_that_of_numpy(width):
    x = numbers((2, 3))
    np.testing.assert_array_equal(pad(x, width), np.pad(x, width))
    np.testing.assert_array_equal(run(lambda x: pad(x, width), x=x), np.pad(x, width))
    weights, gradient = gradients(lambda x: pad(x, width), x=x)
    assert np.vdot(gradient, x) == pytest.approx(np.vdot(weights, np.pad(x, width)), rel=1e-12)


@pytest.mark.parametrize("width", [-1, [(1, 1)] * 3, [(1, 1), (1, 1.5)], "ab", (1, 2, 3)])
def test_unfit_widths_are_told(width):
    with pytest.raises(ShapeError, match="not a width of padding"):
        pad(numbers((2, 3)), width)


def test_what_does_nothing_leaves_no_node():
    def same(x):
        y = transpose(transpose(x, (1, 0)), (1, 0))
        y = sum_to(broadcast(cast(y, float64), (2, 3)), (2, 3))
        return concatenate([reshape(sum(y, axis=()), (2, 3))[:, :]])

    graph = build(same, x=float64[2, 3])
    assert graph.outputs["same"] is graph.inputs["x"]


def test_reshapes_and_transposes_merge():
    graph = build(lambda x: reshape(reshape(x, (6, 4)), (3, 8)), x=float64[2, 3, 4])
    assert [node.op.name for node in graph] == ["input", "reshape"]
    graph = build(lambda x: transpose(transpose(x, (1, 2, 0)), (1, 2, 0)), x=float64[2, 3, 4])
    assert dict(graph.outputs["value"].params) == {"axes": (2, 0, 1)}


FOLLOWING = [
    slice(None), slice(0, None), slice(None, None, -1), slice(None, 2), slice(1, 3), slice(0, 3, 2), slice(2, None, -1),
    slice(2, 0, -1), slice(-2, None), slice(-3, -1), slice(-1, -3, -1), slice(None, -3, -1), slice(1, 1),
]  # fmt: skip


@pytest.mark.parametrize("key", FOLLOWING, ids=str)
@pytest.mark.parametrize("size", [3, 7])
def test_a_slice_of_a_named_axis_follows_its_size(key, size):
    x, kept = numbers((size, 2)), numbers((4, 2))
    graph = build(lambda x: x[key], x=float64[Axis(4, "batch"), 2])
    np.testing.assert_array_equal(compile(graph)(x=kept)["value"], kept[key])
    np.testing.assert_array_equal(compile(resize(graph, batch=size))(x=x)["value"], x[key])


@pytest.mark.parametrize(
    "key",
    [
        slice(1, None), slice(None, -1), slice(None, None, 2), slice(None, None, -2), slice(0, -1), slice(-2, 3),
        slice(None, 9), slice(-9, None), slice(2, None, 1), slice(None, 1, -1), [0, -1],
    ],
    ids=str,
)  # fmt: skip
def test_a_part_that_can_not_follow_a_named_axis_is_refused(key):
    with pytest.raises(ShapeError, match=r"axis 0: what this takes depends on the size of the axis 'batch'"):
        build(lambda x: x[key], x=float64[Axis(4, "batch"), 2])


def test_padding_a_named_axis_is_refused():
    with pytest.raises(ShapeError, match=r"pad, axis 0: the axis 'batch' may change its size.*concatenate"):
        build(lambda x: pad(x, 1), x=float64[Axis(4, "batch"), 2])


@given(SHAPES.filter(len), st.integers(-9, 9), st.data())
def test_roll_is_that_of_numpy(shape, shift, data):
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    x = numbers(shape)
    np.testing.assert_array_equal(run(lambda x: roll(x, shift, axis), x=x), np.roll(x, shift, axis), strict=True)
    weights, gradient = gradients(lambda x: roll(x, shift, axis), x=x)
    np.testing.assert_array_equal(gradient, np.roll(weights, -shift, axis))


def test_roll_follows_a_named_axis():
    graph = build(lambda x: roll(x, -1, 0), x=float64[Axis(4, "batch"), 2])
    assert repr(graph.outputs["value"].type) == "float64[batch=4, 2]"
    x = numbers((7, 2))
    np.testing.assert_array_equal(compile(resize(graph, batch=7))(x=x)["value"], np.roll(x, -1, 0))
    assert build(lambda x: roll(x, 0, 0), x=float64[3]).outputs["value"].op.name == "input"
    for shift in (1.5, True, "one"):
        with pytest.raises(ShapeError, match="a shift is a whole number"):
            roll(x, shift, 0)


def test_truth_values_are_no_axes():
    text = """input x: float64[2, 3]
y: float64[3, 2] = transpose(x, axes=[True, False])
output y = y
"""
    for operation, stated in (
        ("transpose(x, axes=[True, False])", "[3, 2]"),
        ("sum(x, axes=[False], keepdims=False)", "[3]"),
    ):
        with pytest.raises(GraphError, match=r"axes|axis"):
            parse(text.replace("transpose(x, axes=[True, False])", operation).replace("[3, 2]", stated))


def test_what_is_computed_at_once_is_the_callers_own():
    x = np.arange(6.0).reshape(2, 3)
    calls = [
        identity, stop_gradient, lambda x: reshape(x, (3, 2)), transpose, lambda x: broadcast(x, (2, 2, 3)),
        lambda x: getitem(x, slice(None)), lambda x: getitem(x, (0, slice(1, None))), lambda x: cast(x, float64),
        lambda x: concatenate([x]), lambda x: roll(x, 0, 0), lambda x: sum(x, axis=()),
    ]  # fmt: skip
    for call in calls:
        found = call(x)
        found[...] = -1.0
        assert x.tolist() == [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]
