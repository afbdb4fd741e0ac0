"""Named axes keep their names, so that a graph can be had for another batch size."""

from __future__ import annotations

import numpy as np
import pytest
from graph_runs import numbers

from pellucid.executors.program import compile
from pellucid.graph.builder import build
from pellucid.graph.differentiate import differentiate
from pellucid.graph.resize import resize
from pellucid.graph.simplify import simplify
from pellucid.graph.text import parse
from pellucid.graph.types import Axis, float64, int64
from pellucid.ops.joins import concatenate
from pellucid.ops.reductions import argmax, max, mean, sum
from pellucid.ops.rows import gather, one_hot
from pellucid.ops.shapes import broadcast, reshape, sum_to, transpose
from pellucid.ops.slices import pad
from pellucid.ops.softmax import log_softmax, log_sum_exp, softmax


def everything(x, w, i):
    """A function that takes the batch through every structural operation that keeps it."""
    h = x @ w
    rows = transpose(reshape(h, (-1, 2, 2)), (0, 2, 1))
    joined = concatenate([reshape(rows, (-1, 4)), x[:, 1:], x[:, None, 0]], axis=1)
    picked = gather(w, i)[..., ::-1] * broadcast(mean(joined, 1, keepdims=True), h.shape)
    shifted = log_softmax(joined[::-1]) - log_sum_exp(h, keepdims=True) + max(softmax(x, 0), 0)[:1]
    centred = joined - mean(joined, 0) + sum_to(picked, (1, 4))[:, :1]
    spread = pad(h, ((0, 0), (1, 1)))[:, 1:3] * reshape(sum(x, 1), (-1, 1))
    return mean(shifted * centred) + sum(spread * rows[:, 0]) + sum(one_hot(argmax(h), 4) * h)


@pytest.mark.parametrize(("before", "after"), [(1, 5), (4, 1), (3, 3), (2, 7)])
def test_a_graph_of_another_batch_size_computes_the_same_function(before, after):
    batch = Axis(before, "batch")
    graph = differentiate(build(everything, x=float64[batch, 3], w=float64[3, 4], i=int64[batch]), ["x", "w"])
    again = resize(parse(str(graph)), batch=after)
    anew = differentiate(build(everything, x=float64[after, 3], w=float64[3, 4], i=int64[after]), ["x", "w"])
    given = {"x": numbers((after, 3)), "w": numbers((3, 4), 1), "i": np.arange(after) % 3}
    for name, value in compile(anew)(**given).items():
        np.testing.assert_allclose(compile(again)(**given)[name], value, rtol=1e-12, atol=1e-13, err_msg=name)
    np.testing.assert_allclose(everything(**given), compile(anew)(**given)["everything"], rtol=1e-12)
    assert compile(simplify(again))(**given)["everything"] == pytest.approx(compile(again)(**given)["everything"])


@pytest.mark.parametrize(
    ("function", "shape"),
    [
        (lambda x: sum(x, 1), "[batch]"),
        (lambda x: sum(x, 1, keepdims=True), "[batch, 1]"),
        (lambda x: argmax(x), "[batch]"),
        (lambda x: x.T, "[3, batch]"),
        (lambda x: reshape(x, (4, 3, 1)), "[batch, 3, 1]"),
        (lambda x: reshape(x, (1, -1, 3)), "[1, batch, 3]"),
        (lambda x: broadcast(x, (2, 4, 3)), "[2, batch, 3]"),
        (lambda x: x[:, ::2], "[batch, 2]"),
        (lambda x: x[::-1], "[batch, 3]"),
        (lambda x: concatenate([x, x], 1), "[batch, 6]"),
        (lambda x: x @ np.ones((3, 2)), "[batch, 2]"),
        (lambda x: gather(np.ones((7, 2)), argmax(x)), "[batch, 2]"),
        (lambda x: one_hot(argmax(x), 3), "[batch, 3]"),
        (lambda x: softmax(x), "[batch, 3]"),
        (lambda x: pad(x, ((0, 0), (1, 0))), "[batch, 4]"),
    ],
)
def test_named_axes_keep_their_name(function, shape):
    graph = build(function, x=float64[Axis(4, "batch"), 3])
    (node,) = graph.outputs.values()
    assert str(node.type).partition("[")[2] == shape.replace("batch", "batch=4").partition("[")[2]
