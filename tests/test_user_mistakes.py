"""What people do wrong with the library, and the one clear line that they get; and what must not go wrong silently."""

import numpy as np
import pytest

import pellucid as pl

BATCH = pl.Axis(4, "batch")


def square(x):
    return pl.sum(x**2)


def several(x):
    return x * 2, pl.sum(x)


MISTAKES = {
    "compile a function": (lambda: pl.compile(square), "Build it first: pl.build"),
    "differentiate a function": (lambda: pl.differentiate(square, "x"), "Build it first"),
    "compile a text": (lambda: pl.compile("input x: float64[]"), "Parse it first"),
    "types by position": (lambda: pl.build(square, pl.float64[3]), "pl.build(f, x=pl.float64[3])"),
    "a shape for a type": (lambda: pl.build(square, x=(3,)), "such as pl.float64[2, 3]"),
    "inputs by position": (lambda: pl.compile(pl.build(square, x=pl.float64[2]))([1.0, 2.0]), "by name"),
    "an input forgotten": (lambda: pl.compile(pl.build(square, x=pl.float64[2]))(), "Pass x=float64[2]"),
    "an input too many": (lambda: pl.compile(pl.build(square, x=pl.float64[2]))(x=[1, 2], y=1), "unknown 'y'"),
    "a ragged list": (lambda: pl.value_and_gradient(square)(x=[[1.0, 2.0], [1.0]]), "rows differ in length"),
    "words for numbers": (lambda: pl.value_and_gradient(square)(x=["a"]), "not numbers"),
    "a masked array": (lambda: pl.value_and_gradient(square)(x=np.ma.masked_array([1.0, 2.0], [0, 1])), "Fill it"),
    "no scalar": (lambda: pl.value_and_gradient(lambda x: 2 * x)(x=[1.0, 2.0]), "pl.sum"),
    "no float": (
        lambda: pl.value_and_gradient(lambda i: pl.cast(i, pl.float64) * 1.0)(i=np.array(3)),
        "no argument is",
    ),
    "wrong arguments": (lambda: pl.value_and_gradient(square)([1.0], [2.0]), "too many positional"),
    "outputs in outputs": (lambda: pl.build(lambda x: (x, (x, x)), x=pl.float64[2]), "outputs inside outputs"),
    "outputs of one name": (lambda: pl.build(lambda x: {1: x, "1": 2 * x}, x=pl.float64[2]), "same name"),
    "the length of a named axis": (lambda: pl.build(lambda x: x / len(x), x=pl.float64[BATCH, 3]), "x.shape[0]"),
    "an axis the wrong way round": (lambda: pl.Axis("batch", 3), "not the name of an axis"),
    "half a row": (lambda: pl.resize(pl.build(square, x=pl.float64[BATCH, 3]), batch=2.5), "whole number"),
    "a constant too large": (lambda: pl.build(lambda x: x + 2**40, x=pl.int32[1]), "out of the range of int32"),
    "a constant too small": (lambda: pl.build(lambda x: x > -1, x=pl.uint32[1]), "out of the range of uint32"),
    "a float32 too large": (lambda: pl.build(lambda x: x + 1e300, x=pl.float32[1]), "out of the range of float32"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_gives_one_clear_line(mistake):
    make, words = MISTAKES[mistake]
    with pytest.raises(pl.PellucidError) as caught:
        make()
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_an_error_at_run_time_names_the_node():
    graph = pl.build(lambda x, i: pl.gather(x, i) + 1, x=pl.float64[3, 2], i=pl.int64[2])
    with pytest.raises(pl.DataError, match="node 'gather'"):
        pl.compile(graph)(x=np.ones((3, 2)), i=[1, 7])


def test_what_is_computed_with_a_named_axis_follows_it():
    graph = pl.build(lambda x: pl.sum(x**2) / x.shape[0], x=pl.float64[BATCH, 3])
    x = np.arange(6.0).reshape(2, 3)
    assert pl.compile(pl.resize(graph, batch=2))(x=x)["value"] == (x**2).sum() / 2


def test_what_can_not_follow_a_named_axis_is_refused():
    fixed = pl.build(lambda x: x * np.ones((4, 3)), x=pl.float64[BATCH, 3])
    for size in (1, 2, 7):
        with pytest.raises(pl.GraphError):
            pl.resize(fixed, batch=size)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x * np.float32(2),
        lambda x: np.ones(3, np.float32) * x,
        lambda x: x @ np.ones((3, 2), np.float32),
        lambda x: x * np.ones(3, np.int8),
        lambda x: x / 3 + 1,
    ],
)
def test_float32_stays_float32(function):
    assert pl.build(function, x=pl.float32[3]).outputs["value"].type.dtype == pl.float32


def test_arrays_of_other_kinds_are_taken_as_what_they_hold():
    program = pl.compile(pl.build(lambda x: x * x, x=pl.float64[2, 2]))
    expected = [[1.0, 4.0], [9.0, 16.0]]
    for kind in (np.asfortranarray, lambda x: np.array(x, ">f8"), lambda x: np.array(x, np.float16)):
        assert program(x=kind([[1, 2], [3, 4]]))["value"].tolist() == expected


def test_arguments_and_outputs_may_be_called_anything():
    names = ["self", "graph", "inputs", "constant", "loss"]

    def loss(self, graph, inputs, constant):
        loss = self + graph
        return 2 * loss + inputs + constant

    graph = pl.build(loss, **{name: pl.float64[()] for name in names[:4]})
    assert graph.outputs["loss"].path == "loss" and pl.parse(str(graph)) == graph
    found = pl.compile(pl.differentiate(graph, "self"))(self=1, graph=2, inputs=3, constant=4)
    assert found == {"loss": 13.0, "d loss / d self": 2.0}
    axes = pl.build(lambda x: x + 1, x=pl.float64[pl.Axis(2, "graph")])
    assert pl.resize(axes, graph=3).inputs["x"].type.shape == (3,)


def test_a_graph_may_be_built_while_another_is():
    def outer(x):
        inner = pl.build(lambda z: z + 1, z=pl.float64[2])
        hidden = pl.tanh(x) * len(inner)
        return pl.sum(hidden)

    assert "hidden" in pl.build(outer, x=pl.float64[2])


def test_value_and_gradient_takes_arguments_in_any_way():
    def weighted(w, x, scale=2.0):
        return scale * pl.sum(w * x)

    by_name = pl.value_and_gradient(weighted)(w=[1.0, 2.0], x=[3.0, 4.0])
    by_place = pl.value_and_gradient(weighted)([1.0, 2.0], [3.0, 4.0])
    assert by_name.value == by_place.value == 22
    assert by_place.gradient["w"].tolist() == [6.0, 8.0]
    assert pl.value_and_gradient(several)(x=[1.0, 2.0]).gradient["x"].tolist() == [1.0, 1.0]
    two = pl.value_and_gradient(lambda x: {"a": pl.sum(x), "b": pl.sum(x * x)}, of="b")
    assert two(x=[1.0, 2.0]).gradient["x"].tolist() == [2.0, 4.0]
