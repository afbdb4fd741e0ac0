"""Rows by their numbers, casts, constants and stopped gradients."""

from __future__ import annotations

import numpy as np
import pytest
from graph_runs import gradients, numbers, run
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pellucid.errors import DataError, ShapeError
from pellucid.graph.builder import build
from pellucid.graph.types import bool_, float32, float64, int64, uint32
from pellucid.ops.arithmetic import multiply
from pellucid.ops.basic import cast, constant, stop_gradient
from pellucid.ops.functions import exp
from pellucid.ops.rows import gather, one_hot, scatter_add

NAN = np.nan


@given(
    hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4),
    hnp.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=4),
    st.sampled_from([np.int64, np.int32, np.uint32]),
)
def test_gather_and_scatter_add_are_those_of_numpy(shape, places, dtype):
    table = numbers(shape)
    indices = np.random.default_rng(2).integers(0, shape[0], places).astype(dtype)
    np.testing.assert_array_equal(run(gather, table=table, indices=indices), table[indices], strict=True)
    np.testing.assert_array_equal(gather(table, indices), table[indices])
    weights, gradient = gradients(gather, table=table, indices=indices)
    expected = np.zeros(shape)
    np.add.at(expected, indices, weights)
    np.testing.assert_allclose(gradient, expected, rtol=1e-12, atol=1e-13)

    rows = numbers(places + shape[1:], seed=3)
    added = table.copy()
    np.add.at(added, indices, rows)
    found = run(scatter_add, base=table, indices=indices, rows=rows)
    np.testing.assert_allclose(found, added, rtol=1e-12, atol=1e-13)
    weights, by_base, by_rows = gradients(scatter_add, base=table, indices=indices, rows=rows)
    np.testing.assert_array_equal(by_base, weights)
    np.testing.assert_array_equal(by_rows, weights[indices])


def test_scatter_add_leaves_its_base_alone_and_adds_duplicates():
    base = np.zeros((2, 2), np.float32).T
    found = scatter_add(base, [1, 1, 0], np.array([[1, 2], [3, 4], [5, 6]], np.float32))
    assert found.tolist() == [[5, 6], [4, 6]] and found.dtype == np.float32
    assert not base.any()


@pytest.mark.parametrize("index", [-1, 3])
def test_an_index_without_a_row_is_told(index):
    with pytest.raises(DataError, match=f"gather: an index has no row: got {index}, expected 0 to 2"):
        gather(np.ones((3, 2)), [0, index])
    with pytest.raises(DataError, match=f"scatter_add: an index has no row: got {index}"):
        scatter_add(np.ones((3, 2)), [0, index], np.ones((2, 2)))
    with pytest.raises(DataError, match="as there are no rows"):
        gather(np.ones((0, 2)), [0])


@given(hnp.arrays(np.int64, hnp.array_shapes(min_dims=0, max_dims=2, max_side=4), elements=st.integers(-3, 6)))
def test_one_hot_marks_the_index(indices):
    found = one_hot(indices, 4)
    assert found.shape == (*indices.shape, 4)
    inside = (indices >= 0) & (indices < 4)
    np.testing.assert_array_equal(found.sum(-1), inside)
    np.testing.assert_array_equal(np.argmax(found, -1)[inside], indices[inside])
    assert run(lambda indices: one_hot(indices, 4, bool_), indices=indices).dtype == bool


def test_casts_are_those_of_numpy():
    x = np.array([-1.9, -0.0, 0.5, 2.9])
    for dtype in ("float64", "float32", "int64", "int32", "bool"):
        np.testing.assert_array_equal(cast(x, dtype), x.astype(dtype), strict=True)
        np.testing.assert_array_equal(run(lambda x, dtype=dtype: cast(x, dtype), x=x), x.astype(dtype), strict=True)
    assert cast(True, float32).dtype == np.float32


def test_gradients_pass_casts_between_floats_only():
    x = np.array([1.5, 2.5])
    weights, gradient = gradients(lambda x: cast(cast(x, float32), float64), x=x)
    np.testing.assert_array_equal(gradient, weights.astype(np.float32))
    assert not gradients(lambda x: cast(cast(x, int64), float64), x=x)[1].any()


def test_stop_gradient_makes_a_constant_of_its_operand():
    x = np.array([0.5, -1.0])
    weights, gradient = gradients(lambda x: multiply(exp(x), stop_gradient(x)), x=x)
    np.testing.assert_allclose(gradient, weights * np.exp(x) * x)
    np.testing.assert_array_equal(run(stop_gradient, x=x), x)


def test_constants_hold_what_they_are_given():
    assert constant([[1, 2], [3, 4]]).tolist() == [[1, 2], [3, 4]]
    assert constant(2.5, float32).dtype == np.float32
    assert np.signbit(constant(-0.0)) and np.isnan(constant(NAN))
    with pytest.raises(ShapeError, match="made of numbers"):
        constant("one")


def test_results_have_the_dtype_of_their_operand_or_the_one_asked_for():
    graph = build(lambda x: {"a": x[0], "b": cast(x, uint32)}, x=float32[2])
    assert graph.outputs["a"].type == float32[()] and graph.outputs["b"].type == uint32[2]
