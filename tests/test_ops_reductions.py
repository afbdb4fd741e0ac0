"""Reductions and softmax against NumPy and SciPy: at once, in graphs, and their gradients."""

from __future__ import annotations

import numpy as np
import pytest
from graph_runs import gradients, numbers, run
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import special

from pellucid.errors import ShapeError
from pellucid.graph.builder import build
from pellucid.graph.types import bool_, float64, int64
from pellucid.ops.joins import concatenate
from pellucid.ops.randoms import random_normal
from pellucid.ops.reductions import argmax, argmin, max, mean, min, sum
from pellucid.ops.shapes import broadcast, reshape, sum_to, transpose
from pellucid.ops.softmax import log_softmax, log_sum_exp, softmax

INF, NAN = np.inf, np.nan


def reduction_cases(min_side):
    """Shapes with some of their axes."""
    return hnp.array_shapes(min_dims=1, max_dims=4, min_side=min_side, max_side=4).flatmap(
        lambda shape: st.tuples(
            st.just(shape),
            st.one_of(
                st.none(),
                st.integers(-len(shape), len(shape) - 1),
                st.sets(st.integers(0, len(shape) - 1)).map(tuple),
            ),
        )
    )


@given(reduction_cases(min_side=0), st.booleans())
def test_sum_is_that_of_numpy(case, keepdims):
    (shape, axis), x = case, numbers(case[0])
    expected = np.sum(x, axis=axis, keepdims=keepdims)
    np.testing.assert_allclose(run(lambda x: sum(x, axis, keepdims), x=x), expected, rtol=1e-12, atol=1e-13)
    assert np.shape(sum(x, axis, keepdims)) == np.shape(expected)
    weights, gradient = gradients(lambda x: sum(x, axis, keepdims), x=x)
    kept = np.shape(np.sum(x, axis=axis, keepdims=True))
    np.testing.assert_array_equal(gradient, np.broadcast_to(weights.reshape(kept), shape))


@given(reduction_cases(min_side=1), st.booleans())
def test_mean_max_and_min_are_those_of_numpy(case, keepdims):
    (shape, axis), x = case, numbers(case[0])
    kept = np.shape(np.sum(x, axis=axis, keepdims=True))
    share = np.prod(kept) / x.size
    np.testing.assert_allclose(run(lambda x: mean(x, axis, keepdims), x=x), np.mean(x, axis=axis, keepdims=keepdims))
    weights, gradient = gradients(lambda x: mean(x, axis, keepdims), x=x)
    np.testing.assert_allclose(gradient, np.broadcast_to(weights.reshape(kept) * share, shape))
    for ours, theirs in ((max, np.max), (min, np.min)):
        expected = theirs(x, axis=axis, keepdims=keepdims)
        np.testing.assert_array_equal(ours(x, axis, keepdims), expected)
        np.testing.assert_array_equal(run(lambda x, f=ours: f(x, axis, keepdims), x=x), expected)
        weights, gradient = gradients(lambda x, f=ours: f(x, axis, keepdims), x=x)
        chosen = x == theirs(x, axis=axis, keepdims=True)
        np.testing.assert_array_equal(gradient, np.where(chosen, weights.reshape(kept), 0.0))


@given(hnp.array_shapes(min_dims=1, max_dims=3, max_side=4), st.data())
def test_argmax_is_that_of_numpy(shape, data):
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    x = data.draw(hnp.arrays(float, shape, elements=st.sampled_from([0.0, 1.0, -1.0, INF, NAN])))
    np.testing.assert_array_equal(argmax(x, axis), np.argmax(x, axis))
    result = run(lambda x: argmax(x, axis), x=x)
    np.testing.assert_array_equal(result, np.argmax(x, axis))
    assert result.dtype == np.int64


def test_the_gradient_of_max_is_shared_among_equal_elements():
    x = np.array([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0], [5.0, 0.0, INF]])
    weights, gradient = gradients(lambda x: max(x, 1), x=x)
    shares = np.array([[0, 1 / 2, 1 / 2], [1 / 3, 1 / 3, 1 / 3], [0, 0, 1]])
    np.testing.assert_allclose(gradient, weights[:, None] * shares, rtol=1e-15)


def test_nan_goes_through_reductions():
    x = np.array([[1.0, NAN], [2.0, 3.0]])
    for reduction in (sum, mean, max, min, log_sum_exp):
        found = reduction(x, axis=1)
        assert np.isnan(found[0]) and np.isfinite(found[1])


def test_reductions_of_whole_numbers_and_truth_values():
    assert sum(np.array([True, False, True])) == 2
    assert mean(np.array([1, 2])) == 1.5
    assert min(np.array([3, -(2**63)])) == -(2**63)
    assert min(np.array([7, 2**32 - 1, 5], np.uint32)) == 5
    assert run(lambda x: min(x), x=np.array([7, 0, 5], np.uint32)) == 0
    assert max(np.array([2**32 - 1, 5], np.uint32)) == 2**32 - 1
    assert sum(np.ones(3, np.float32)).dtype == np.float32
    assert build(lambda x: sum(x), x=bool_[3]).outputs["value"].type == int64[()]


def test_the_mean_of_nothing_is_nan_and_its_log_sum_exp_minus_infinity():
    assert np.isnan(mean(np.zeros((0,))))
    assert log_sum_exp(np.zeros((2, 0))).tolist() == [-INF, -INF]


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda x: sum(x, 2), "sum: no such axis: got axis 2, expected -2 to 1"),
        (lambda x: max(x, (0, -2)), "max: an axis is named twice"),
        (lambda x: mean(x, 1.5), "mean: an axis is a whole number: got 1.5"),
        (lambda x: argmax(x, 5), "argmax: no such axis"),
        (lambda x: max(x[:0], 0), "max: an empty axis has no greatest element"),
        (lambda x: max(x > 0), "max: an operand of the wrong dtype.*Cast it"),
        (lambda x: softmax(x > 0), "softmax: an operand of the wrong dtype"),
        (lambda x: sum(x, True), "sum: an axis is a whole number: got True"),
        (lambda x: sum(x, dim=0), r"sum: wrong arguments .*'dim'.*expected sum\(x, axis=None, keepdims=False\)"),
        (lambda x: reshape(x, 3, 2), r"reshape: wrong arguments \(too many.*expected reshape\(x, shape\)"),
        (lambda x: reshape(x, 3.5), "reshape: wrong arguments"),
        (lambda x: broadcast(x, 3.5), r"broadcast"),
        (lambda x: random_normal(0, 0, (3,)), "random_normal: wrong arguments .*'purpose'"),
        (lambda x: concatenate(x, x), r"Pass a list: concatenate\(\[x, y\]\)"),
        (lambda x: concatenate(np.ones(2), np.ones(2)), r"Pass a list: concatenate\(\[x, y\]\)"),
        (lambda x: sum("a"), "not numbers: got 'a'"),
        (lambda x: sum([[1.0], [1.0, 2.0]]), "rows differ in length"),
        (lambda x: transpose(x, (0, 0)), "transpose: not an order of the axes"),
        (lambda x: broadcast(x, (3, 2)), r"broadcast: shapes do not broadcast: got \[2, 3\] and \[3, 2\]"),
        (lambda x: concatenate([x, x[0]]), r"got \[2, 3\] and \[3\]"),
        (lambda x: concatenate([]), "nothing to concatenate"),
    ],
)
def test_unfit_operands_are_told(call, told):
    with pytest.raises(ShapeError, match=told):
        build(call, x=float64[2, 3])


WIDE = hnp.arrays(
    float,
    hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=5),
    elements=st.floats(-1e5, 1e5) | st.floats(-20, 20),
)


@given(WIDE, st.integers(0, 2))
def test_softmax_and_its_logarithms_are_those_of_scipy(x, axis):
    axis %= x.ndim
    near = {"rtol": 1e-13, "atol": 1e-300}
    np.testing.assert_allclose(run(lambda x: softmax(x, axis), x=x), special.softmax(x, axis), **near)
    np.testing.assert_allclose(
        run(lambda x: log_softmax(x, axis), x=x), special.log_softmax(x, axis), rtol=1e-13, atol=1e-15
    )
    np.testing.assert_allclose(
        run(lambda x: log_sum_exp(x, axis), x=x), special.logsumexp(x, axis), rtol=1e-13, atol=1e-15
    )


@given(WIDE)
def test_gradients_of_softmax_are_the_jacobians(x):
    p = special.softmax(x, -1)
    weights, gradient = gradients(lambda x: softmax(x), x=x)
    jacobian = p[..., :, None] * np.eye(x.shape[-1]) - p[..., :, None] * p[..., None, :]
    np.testing.assert_allclose(gradient, np.einsum("...ij,...j->...i", jacobian, weights), rtol=1e-9, atol=1e-14)
    weights, gradient = gradients(lambda x: log_softmax(x), x=x)
    np.testing.assert_allclose(gradient, weights - p * weights.sum(-1, keepdims=True), rtol=1e-12, atol=1e-14)
    weights, gradient = gradients(lambda x: log_sum_exp(x, axis=-1), x=x)
    np.testing.assert_allclose(gradient, weights[..., None] * p, rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize(
    ("row", "share", "total"),
    [
        ([-INF, -INF], [0.5, 0.5], -INF),
        ([INF, 1.0], [1.0, 0.0], INF),
        ([INF, INF], [0.5, 0.5], INF),
        ([1.0, -INF], [1.0, 0.0], 1.0),
        ([1e308, 1e308], [0.5, 0.5], 1e308),
        ([-1e308, 1e308], [0.0, 1.0], 1e308),
        ([NAN, 1.0], [NAN, NAN], NAN),
    ],
)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_softmax_at_the_ends(row, share, total, dtype):
    x = np.array(row).clip(-3e38, 3e38).astype(dtype) if dtype == np.float32 and np.isfinite(row).all() else row
    x = np.asarray(x, dtype)
    total = total if np.isnan(total) else dtype(np.max(x)) if np.isfinite(total) else total
    np.testing.assert_array_equal(softmax(x), np.asarray(share, dtype))
    np.testing.assert_array_equal(log_sum_exp(x), total)
    with np.errstate(divide="ignore"):
        np.testing.assert_allclose(log_softmax(x), np.log(np.asarray(share)), rtol=1e-6)
    if not np.isnan(total):
        assert np.isfinite(gradients(lambda x: log_sum_exp(x), x=np.asarray(row))[1]).all()


def test_softmax_over_several_axes_adds_up_to_one():
    x = numbers((2, 3, 4))
    assert softmax(x, axis=(0, 2)).sum((0, 2)) == pytest.approx(np.ones(3))
    np.testing.assert_allclose(log_sum_exp(x, axis=None), special.logsumexp(x))


@pytest.mark.parametrize("axis", [0, None])
def test_many_small_numbers_of_float32_add_up(axis):
    x = np.full((1_000_000, 1), 0.1, np.float32)
    total = np.float32(1e6 * np.float64(np.float32(0.1)))
    np.testing.assert_array_equal(sum(x, axis), np.full(np.shape(sum(x, axis)), total))
    np.testing.assert_array_equal(np.squeeze(sum_to(x, (1, 1))), total)
    np.testing.assert_array_equal(np.squeeze(mean(x, axis)), np.float32(0.1))
    assert np.squeeze(log_sum_exp(np.zeros_like(x), axis)) == np.float32(np.log(1e6))
    np.testing.assert_array_equal(softmax(np.zeros_like(x), 0), np.full_like(x, 1e-6))
    assert sum(x, axis).dtype == mean(x, axis).dtype == np.float32


def test_whole_numbers_become_floats_in_a_softmax():
    x = np.array([[1, 3, 3], [0, -2, 5]])
    for ours, theirs in (
        (softmax, special.softmax),
        (log_softmax, special.log_softmax),
        (log_sum_exp, special.logsumexp),
    ):
        np.testing.assert_allclose(ours(x), theirs(x.astype(float), -1), rtol=1e-14)
        np.testing.assert_allclose(run(lambda x, f=ours: f(x), x=x), theirs(x.astype(float), -1), rtol=1e-14)


@given(hnp.array_shapes(min_dims=1, max_dims=3, max_side=4), st.data())
def test_argmin_is_that_of_numpy(shape, data):
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    x = data.draw(hnp.arrays(float, shape, elements=st.sampled_from([0.0, 1.0, -1.0, INF, -INF, NAN])))
    np.testing.assert_array_equal(run(lambda x: argmin(x, axis), x=x), np.argmin(x, axis))
    i = data.draw(hnp.arrays(np.int64, shape, elements=st.sampled_from([-(2**63), 2**63 - 1, 0, 1])))
    np.testing.assert_array_equal(argmin(i, axis), np.argmin(i, axis))
