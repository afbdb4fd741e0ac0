"""Random operations: the same numbers everywhere, from a seed and a step that are operands."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats

from pellucid import random
from pellucid.errors import ShapeError, UsageError
from pellucid.executors.program import compile
from pellucid.graph.builder import build
from pellucid.graph.differentiate import differentiate
from pellucid.graph.resize import resize
from pellucid.graph.text import parse
from pellucid.graph.types import Axis, float32, float64, int64, uint32
from pellucid.ops.basic import cast
from pellucid.ops.randoms import bernoulli_mask, random_normal, random_uniform
from pellucid.ops.reductions import sum

SEEDS = st.integers(0, 2**64 - 1)
STEPS = st.integers(0, 2**32 - 1)
SHAPES = st.lists(st.integers(0, 5), max_size=3).map(tuple)


@given(SEEDS, STEPS, SHAPES)
def test_operations_draw_the_numbers_of_the_generator(seed, step, shape):
    def both(seed, step):
        return {
            "uniform": random_uniform(seed, step, shape=shape, purpose="noise"),
            "normal": random_normal(seed, step, shape=shape, purpose="noise", dtype=float32),
            "mask": bernoulli_mask(seed, step, 0.3, shape=shape, purpose="noise"),
        }

    expected = {
        "uniform": random.uniform(seed, "noise", step, shape),
        "normal": random.normal(seed, "noise", step, shape, np.float32),
        "mask": random.bernoulli(seed, "noise", step, shape, 0.3),
    }
    graph = parse(str(build(both, seed=int64[()], step=int64[()])))
    as_input = np.uint64(seed).astype(np.int64)
    for found in (both(seed, step), compile(graph)(seed=as_input, step=step)):
        for name, value in expected.items():
            np.testing.assert_array_equal(found[name], value, strict=True)


def test_seeds_and_steps_may_be_unsigned():
    graph = build(
        lambda seed, step: random_uniform(seed, step, shape=(3,), purpose="noise"), seed=uint32[()], step=uint32[()]
    )
    (found,) = compile(graph)(seed=2**32 - 1, step=2**32 - 1).values()
    np.testing.assert_array_equal(found, random.uniform(2**32 - 1, "noise", 2**32 - 1, (3,)))


def test_normal_numbers_are_the_quantiles_of_the_uniform_ones():
    uniform = random_uniform(5, 0, shape=(4000,), purpose="weights")
    normal = random_normal(5, 0, shape=(4000,), purpose="weights")
    np.testing.assert_allclose(normal, special.ndtri(uniform + 2.0**-25), rtol=2e-7)
    assert stats.kstest(normal, "norm").pvalue > 1e-3


@given(st.floats(0, 1))
def test_a_mask_is_where_the_uniform_draw_is_below_the_probability(probability):
    mask = bernoulli_mask(1, 2, probability, shape=(50,), purpose="dropout")
    np.testing.assert_array_equal(mask, random_uniform(1, 2, shape=(50,), purpose="dropout") < probability)


def test_the_probability_is_an_operand():
    graph = build(
        lambda p: {
            "mask": bernoulli_mask(3, 4, p, shape=(200,), purpose="dropout"),
        },
        p=float32[()],
    )
    assert compile(graph)(p=0.0)["mask"].sum() == 0
    assert compile(graph)(p=1.0)["mask"].sum() == 200
    assert 60 < compile(graph)(p=0.5)["mask"].sum() < 140
    with pytest.raises(UsageError, match="no probability"):
        compile(graph)(p=1.5)


def test_draws_differ_by_purpose_and_are_one_node_where_they_do_not():
    def draws(seed):
        return {
            "a": random_uniform(seed, 0, shape=(8,), purpose="a"),
            "again": random_uniform(seed, 0, shape=(8,), purpose="a"),
            "b": random_uniform(seed, 0, shape=(8,), purpose="b"),
        }

    graph = build(draws, seed=int64[()])
    assert graph.outputs["a"] is graph.outputs["again"]
    found = compile(graph)(seed=1)
    assert not np.isin(found["a"], found["b"]).any()


def test_a_larger_batch_begins_with_the_same_numbers():
    shape = (Axis(2, "batch"), 3)
    graph = build(lambda seed: random_normal(seed, 0, shape=shape, purpose="noise"), seed=int64[()])
    (small,) = compile(graph)(seed=9).values()
    (large,) = compile(resize(graph, batch=7))(seed=9).values()
    assert large.shape == (7, 3)
    np.testing.assert_array_equal(large[:2], small)


def test_gradients_do_not_pass_random_numbers():
    def value(p, x):
        return sum(x * cast(bernoulli_mask(0, 0, p, shape=(6,), purpose="dropout"), float64))

    found = compile(differentiate(build(value, p=float64[()], x=float64[6])))(p=0.5, x=np.ones(6))
    assert found["d value / d p"] == 0
    np.testing.assert_array_equal(found["d value / d x"], bernoulli_mask(0, 0, 0.5, shape=(6,), purpose="dropout"))


@pytest.mark.parametrize(
    ("draw", "told"),
    [
        (lambda: random_uniform(2**64, 0, shape=(2,), purpose="x"), "a seed or step out of range"),
        (lambda: random_uniform(0.5, 0, shape=(2,), purpose="x"), "expected int"),
        (lambda: random_uniform([1, 2], 0, shape=(2,), purpose="x"), "are scalars"),
        (lambda: random_uniform(0, 0, shape=(2,), purpose=""), "a draw needs a purpose"),
        (lambda: random_uniform(0, 0, shape=(-2,), purpose="x"), "sizes from 0 up"),
        (lambda: random_normal(0, 0, shape=(2,), purpose="x", dtype=int64), "no dtype of random numbers"),
        (lambda: bernoulli_mask(0, 0, [0.5], shape=(2,), purpose="x"), "are scalars"),
    ],
)
def test_unfit_draws_are_told(draw, told):
    with pytest.raises(ShapeError, match=told):
        draw()
