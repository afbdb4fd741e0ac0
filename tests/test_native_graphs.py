"""Random graphs as machine code: every node against NumPy, fused code against observed values, any memory."""

from __future__ import annotations

import numpy as np
import pytest
from native_runs import agree, agree_in_any_memory
from random_graphs import random_graph

import pellucid as pl
from pellucid.executors.program import compile_rows
from pellucid.graph.resize import resize

BOUND = 1e-9
"""Of the difference to the interpreter, by the norm of each output, in float64."""
SIZES = (1, 3, 15, 16, 17, 33, 65)
MOST = 5000


def compare(seed: int, large: bool) -> None:
    dtype = pl.float32 if seed % 2 else pl.float64
    more = {"sizes": SIZES, "most": MOST} if large else {}
    case = random_graph(seed, dtype=dtype, everything=seed % 3 != 0, **more)
    graph = pl.differentiate(case.graph, case.differentiated) if seed % 4 < 2 else case.graph
    outputs = agree(graph, case.inputs)
    agree_in_any_memory(graph, case.inputs, outputs)
    if dtype == pl.float64:
        for name, expected in pl.compile(graph, "interpret")(**case.inputs).items():
            assert norm(outputs[name] - expected) <= BOUND * max(1e-3, norm(expected)), (seed, name)


def norm(array: np.ndarray) -> float:
    return float(np.sqrt(np.square(array, dtype=float).sum()))


@pytest.mark.parametrize("seed", range(18))
def test_random_graphs(seed):
    compare(seed, large=False)


@pytest.mark.parametrize("seed", range(18))
def test_random_graphs_of_odd_sizes(seed):
    compare(seed, large=True)


@pytest.mark.long
@pytest.mark.parametrize("block", range(50))
def test_many_random_graphs(block):
    for seed in range(18 + block, 2000, 50):
        compare(seed, large=seed % 3 != 0)


def test_graphs_that_were_wrong_once():
    """Kernels written element by element, lanes that go backwards over the end of a value, draws of one number."""
    compare(29, large=False)
    compare(136, large=False)
    compare(334, large=True)
    compare(411, large=True)


OUTER = [(65, 65), (3, 65), (17, 33), (1, 40), (40, 1), (1, 1), (0, 3), (3, 0)]


@pytest.mark.parametrize("labels", ["a,b->ab", "a,b->ba"])
@pytest.mark.parametrize("dtype", [pl.float32, pl.float64])
def test_products_without_a_contracted_axis(labels, dtype):
    rng = np.random.default_rng(0)
    arrays = {
        f"{side}{n}": rng.normal(size=sizes[side == "y"]).astype(dtype.numpy)
        for n, sizes in enumerate(OUTER)
        for side in "xy"
    }

    def products(**x):
        return {f"z{n}": pl.contraction(x[f"x{n}"], x[f"y{n}"], labels) for n in range(len(OUTER))}

    agree(pl.build(products, **{name: dtype[array.shape] for name, array in arrays.items()}), arrays)


def rows_of_everything(x, w):
    """Compute what depends on rows alone in many ways: all outputs have the axis of rows first."""
    product = x @ w
    hidden = pl.tanh(product)
    return {
        "softmax": pl.softmax(hidden, axis=1),
        "cut": pl.concatenate([hidden[:, 3:5], x[:, ::-1], hidden[:, :1]], axis=1),
        "largest": pl.argmax(product, axis=1),
        "score": pl.log_sum_exp(pl.concatenate([hidden, x], axis=1), axis=1),
        "norm": pl.sum(hidden * hidden, axis=1, keepdims=True),
        "marks": pl.one_hot(pl.argmax(x, axis=1), depth=5, dtype=pl.float32),
    }


@pytest.mark.parametrize("width", [3, 16, 65])
def test_rows_are_the_same_however_many_are_computed_at_once(width):
    rng = np.random.default_rng(3)
    batch = pl.Axis(4, "batch")
    graph = pl.build(rows_of_everything, x=pl.float32[batch, 7], w=pl.float32[7, width + 5])
    x, w = rng.normal(size=(75, 7)).astype(np.float32), rng.normal(size=(7, width + 5)).astype(np.float32)
    whole = pl.compile(resize(graph, batch=75), "native")(x=x, w=w)
    bound = compile_rows(graph, "native").bind({"w": w})
    for first, count in ((0, 75), (0, 1), (10, 16), (3, 17), (74, 1), (5, 0), (20, 31)):
        part = bound.run({"x": x[first : first + count]}, count)
        for name, value in part.items():
            np.testing.assert_array_equal(value, whole[name][first : first + count], strict=True)
    for name, expected in pl.compile(resize(graph, batch=75), "interpret")(x=x, w=w).items():
        np.testing.assert_allclose(whole[name], expected, rtol=1e-5, atol=1e-6)
