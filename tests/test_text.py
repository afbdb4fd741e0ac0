"""The text of graphs: reading back what was printed, and refusing what can not be read."""

from __future__ import annotations

import math
import random
import re
import tracemalloc

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from random_graphs import random_graph

import pellucid as pl
from pellucid.errors import GraphError, PellucidError
from pellucid.graph.builder import Builder
from pellucid.graph.graph import Graph


def assert_round_trip(graph: Graph, inputs: dict | None = None) -> None:
    text = str(graph)
    read = pl.parse(text)
    assert read == graph and str(read) == text
    assert [node.path for node in read] == [node.path for node in graph]
    assert [repr(node.type) for node in read] == [repr(node.type) for node in graph]
    assert [repr(node.params) for node in read] == [repr(node.params) for node in graph]
    assert list(read.outputs) == list(graph.outputs) and list(read.inputs) == list(graph.inputs)
    if inputs is not None:
        expected, got = pl.compile(graph).observe(**inputs), pl.compile(read).observe(**inputs)
        assert all(same_bits(expected[path], got[path]) for path in expected)


def same_bits(first: np.ndarray, second: np.ndarray) -> bool:
    """Compare all bits but those of NaN, which carry nothing."""
    if first.dtype.kind == "f":
        first, second = (np.where(np.isnan(array), np.nan, array) for array in (first, second))
    return first.dtype == second.dtype and first.shape == second.shape and first.tobytes() == second.tobytes()


@pytest.mark.parametrize("block", range(4))
def test_random_graphs_are_read_back(block):
    for seed in range(block, 160, 4):
        case = random_graph(seed, dtype=pl.float32 if seed % 5 == 0 else pl.float64, everything=True)
        assert_round_trip(case.graph, case.inputs)
        gradient = pl.differentiate(case.graph, of="loss")
        assert_round_trip(gradient, case.inputs)
        assert_round_trip(pl.simplify(gradient), case.inputs)


def test_the_text_of_a_small_graph():
    def loss(w, x, y):
        p = pl.sigmoid(pl.contraction(x, w, "bi,i->b"))
        return pl.mean((p - y) ** 2)

    batch = pl.Axis(32, "batch")
    graph = pl.build(loss, w=pl.float32[3], x=pl.float32[batch, 3], y=pl.float32[batch])
    assert str(graph) == (
        "axes batch=32\n"
        "input w: float32[3]\n"
        "input x: float32[batch, 3]\n"
        "input y: float32[batch]\n"
        'contraction: float32[batch] = contraction(x, w, labels="bi,i->b")\n'
        "p: float32[batch] = sigmoid(contraction)\n"
        "subtract: float32[batch] = subtract(p, y)\n"
        "constant: float32[] = 2.0\n"
        "power: float32[batch] = power(subtract, constant)\n"
        "loss: float32[] = mean(power, axes=[0], keepdims=False)\n"
        "output loss = loss\n"
    )
    assert repr(graph) == str(graph)


# -- names ------------------------------------------------------------------------------------------------------


def chain(first: str, second: str, output: str) -> Graph:
    builder = Builder()
    x = builder.input(first, pl.float64[2])
    y = builder.add(pl.exp, (x,), {}, second)
    return builder.finish({output: y * 2.0})


NAMES = st.text(min_size=1, max_size=20)


@given(NAMES, NAMES, NAMES)
@example("nan", "inf", "True")
@example("nan/x", "inf/y", "inf.z")
@example("-inf", "1", "1.5e3")
@example("axes", "input", "output")
@example("float64", "bool", "int64[]")
@example('"', "\\", '\\"')
@example("a b", "a\nb", "a\r\n\tb")
@example("\u2028", "\u2029", "\x85")
@example("\x0b", "\x0c", "\x1c\x1d\x1e")
@example("\x00", " ", "\ufeff")
@example("ключ", "重み", "é́")
@example("²", "x²", "_")
@example("·", "a·b", "a/·")
@example("a//b", "/a", "a/")
@example("a.b/c.d", "a..b", "d loss / d a/b")
@example("x", "x", "x")
@example("=", ":", ",")
def test_names_of_any_characters(first, second, output):
    graph = chain(first, second, output)
    assert_round_trip(graph, {first: np.array([0.5, -1.0])})
    assert graph.inputs[first].path == first


def test_an_axis_can_be_called_what_an_identifier_can():
    for name in ("batch", "_", "größe", "axes", "input", "output", "x", "y2"):
        graph = pl.build(lambda x: pl.broadcast(pl.sum(x), x.shape), x=pl.float64[pl.Axis(3, name)])
        assert_round_trip(graph, {"x": np.ones(3)})
        assert pl.parse(str(graph)).axes == {name: 3}


@pytest.mark.parametrize("name", ["nan", "inf", "True", "False", "float64", "bool", "a·b", "", "1", "a b", "a/b"])
def test_an_axis_can_not_be_called_what_the_text_takes_for_something_else(name):
    with pytest.raises(GraphError, match="axis"):
        pl.Axis(3, name)


# -- numbers ----------------------------------------------------------------------------------------------------


FLOATS = st.floats(allow_nan=True, allow_infinity=True)


@given(st.lists(FLOATS, min_size=1, max_size=4), FLOATS, st.integers(-(2**63), 2**63 - 1), st.booleans())
@example([math.nan, math.inf, -math.inf, -0.0], 5e-324, -(2**63), True)
@example([1e16, 1e22, 1.7976931348623157e308, 1e-7], 0.1, 2**63 - 1, False)
def test_constants_keep_every_bit(row, number, whole, truth):
    def f(x):
        return {
            "row": x.builder.constant(row), "number": x.builder.constant(number),
            "nested": x.builder.constant([[row], [row]]),
            "whole": x.builder.constant(whole), "truth": x.builder.constant([truth, not truth]), "x": x,
        }  # fmt: skip

    assert_round_trip(pl.build(f, x=pl.float64[()]), {"x": 0.0})


@given(st.floats(width=32), st.integers(0, 2**32 - 1))
def test_constants_of_narrow_dtypes(number, whole):
    def f(x):
        return x.builder.constant(number, pl.float32), x.builder.constant(whole, pl.uint32), x

    assert_round_trip(pl.build(f, x=pl.float64[()]), {"x": 0.0})


def test_empty_and_scalar_shapes():
    def f(x, n):
        return {"empty": pl.exp(x), "scalar": pl.sum(x), "n": n, "none": x.builder.constant([])}

    assert_round_trip(pl.build(f, x=pl.float64[0, 3], n=pl.int32[()]), {"x": np.zeros((0, 3)), "n": 1})


def test_parameters_of_operations():
    graph = pl.build(lambda x: pl.leaky_relu(x, alpha=1e-300) + pl.elu(x, alpha=3), x=pl.float64[2])
    assert_round_trip(graph, {"x": [-1.0, 1.0]})
    graph = pl.build(lambda s: pl.random_normal(s, 3, (2,), 'a "quoted"\n\u2028 purpose'), s=pl.int64[()])
    assert_round_trip(graph, {"s": 5})


def test_named_axes_are_read_back_and_can_be_resized():
    rows, classes = pl.Axis(3, "rows"), pl.Axis(4, "classes")
    graph = pl.build(lambda x, y: pl.mean(x @ y), x=pl.float64[rows, 2], y=pl.float64[2, classes])
    assert str(graph).startswith("axes rows=3, classes=4\n")
    read = pl.parse(str(pl.differentiate(graph)))
    assert pl.resize(read, rows=7, classes=1).outputs["d value / d x"].type == pl.float64[7, 2]
    assert_round_trip(pl.resize(read, rows=7))


def test_white_space_and_line_ends_do_not_matter():
    text = "\n  input x :float64[ 2 ]\r\n\r\ny:float64[2]=leaky_relu( x ,alpha = 0.5 )\n\toutput  y=y\n\n"
    assert str(pl.parse(text)) == "input x: float64[2]\ny: float64[2] = leaky_relu(x, alpha=0.5)\noutput y = y\n"


# -- mistakes ---------------------------------------------------------------------------------------------------

GOOD = """axes batch=2
input x: float64[batch, 3]
h: float64[batch, 3] = leaky_relu(x, alpha=0.5)
c: float64[2] = [1.0, -2.0]
s: float64[batch] = sum(h, axes=[1], keepdims=False)
y: float64[batch] = multiply(s, c)
output y = y
"""


@pytest.mark.parametrize(
    ("old", "new", "line", "column", "told"),
    [
        ("input x:", "input x", 2, 9, "expected ':'"),
        ("input x:", "input =", 2, 7, "expected a name or string"),
        ("input x: float64", "input x: float46", 2, 10, "no such dtype.*Did you mean 'float64'"),
        ("float64[batch, 3]\nh", "float64[bath, 3]\nh", 2, 18, "not a value.*Did you mean 'batch'"),
        ("float64[batch, 3]\nh", "float64[batch, 3\nh", 2, 25, "expected ','"),
        ("float64[batch, 3]\nh", "float64\nh", 2, 10, "expected a name|shape"),
        ("float64[batch, 3]\nh", "float64[batch, -3]\nh", 2, None, "sizes from 0 up"),
        ("float64[batch, 3]\nh", "float64[batch, 3] 4\nh", 2, 28, "expected the end of the line"),
        ("leaky_relu(x", "leaky_rely(x", 3, 24, "no operation is called 'leaky_rely': .*Did you mean 'leaky_relu'"),
        ("leaky_relu(x", "leaky_relu(z", 3, 35, "no node 'z' stands above"),
        ("leaky_relu(x,", "leaky_relu(x", 3, 37, "expected ','"),
        ("alpha=0.5)", "alpha=0.5", 3, 44, "expected ','.*the end of the line"),
        ("alpha=0.5", "alpha=", 3, 44, "."),
        ("alpha=0.5", "alpha=zero", 3, 44, "not a value"),
        ("alpha=0.5", "beta=0.5", 3, None, "parameters"),
        ("alpha=0.5", 'alpha="0.5"', 3, None, "not a number"),
        ("alpha=0.5", "alpha=0.5, alpha=0.6", 3, 49, "twice"),
        ("[1.0, -2.0]", "[1.0, [2.0]]", 4, None, "constant"),
        ("[1.0, -2.0]", "[1.0, -2.0, 3.0]", 4, None, r"the type stated.*float64\[2\], computed float64\[3\]"),
        ("[1.0, -2.0]", "[1.0 -2.0]", 4, 22, "expected ','"),
        ("[1.0, -2.0]", "[1.0, $]", 4, 22, "can not read this"),
        ("[1.0, -2.0]", "[1.0, -2.0", 4, 23, "expected ','"),
        ("[1.0, -2.0]", "[" * 30 + "]" * 30, 4, 34, "nested too deeply"),
        ("[1.0, -2.0]", "[1.0, " + "1" * 5000 + "]", 4, 23, "too long"),
        ("[1.0, -2.0]", "input(x)", 4, None, "not an operation to be called"),
        ("axes=[1]", "axes=[2]", 5, None, "no such axis"),
        ("axes=[1]", "axes=[1.5]", 5, None, "."),
        ("sum(h, axes", "sum(h, h, axes", 5, None, "."),
        ("s: float64[batch] = sum", "s: float64[2] = sum", 5, None, "the type stated"),
        ("y: float64[batch] = multiply", "s: float64[batch] = multiply", 6, 1, "this path stands twice"),
        ("y: float64[batch] = multiply", "y: float64[batch] multiply", 6, 19, "expected '='"),
        ("multiply(s, c)", "multiply(s, y)", 6, 33, "no node 'y'"),
        ("multiply(s, c)", '"multiply"(s, c)', 6, None, "."),
        ("output y = y", "output y = z", 7, 12, "no node 'z'"),
        ("output y = y", "output y = y\noutput y = y", 8, 8, "this output stands twice"),
        ("output y = y", 'output "\\q" = y', 7, 8, "not a string"),
        ("output y = y", 'output "y = y', 7, 7, "can not read this"),
        ("axes batch=2", "axes batch=2.5", 1, None, "an axis needs a size"),
        ("axes batch=2", "axes batch=-2", 1, None, "an axis needs a size"),
        ("axes batch=2", "axes batch=99999999999", 1, None, "an axis needs a size"),
        ("axes batch=2", "axes batch", 1, None, "expected '='"),
        ("axes batch=2", "axes batch=2,", 1, None, "expected a name"),
        ("axes batch=2", "axes batch=2, batch=3", 1, 15, "twice"),
        ("axes batch=2", "axes float64=2, batch=2", 1, None, "axis"),
    ],
)
def test_mistakes_have_a_line_and_a_column(old, new, line, column, told):
    assert GOOD.count(old) == 1
    with pytest.raises(GraphError, match=f"(?s)line {line}, column .*{told}") as caught:
        pl.parse(GOOD.replace(old, new))
    where = re.match(r"line (\d+), column (\d+): ", str(caught.value))
    assert where is not None and "\n" not in str(caught.value)
    if column is not None:
        assert int(where.group(2)) == column
    assert len(str(caught.value)) < 1500


@pytest.mark.parametrize("text", ["", "\n\n", "input x: float64[2]\n", GOOD.replace("output y = y\n", "")])
def test_a_text_without_an_output_was_cut(text):
    with pytest.raises(GraphError, match=r"without an output.*cut"):
        pl.parse(text)


@pytest.mark.parametrize("given", [None, 3, b"input x: float64[2]", ["output"]])
def test_only_text_is_read(given):
    with pytest.raises(GraphError, match="not a text"):
        pl.parse(given)


def test_mutated_texts_are_read_or_refused():
    """Whatever the damage: a graph, or a GraphError."""
    rng = random.Random(1)
    pieces = [
        *'\n,:=[]()"\\/.-+ \t0123456789eE', "input", "output", "axes", "nan", "inf", "-inf", "True", "float64", "int64",
        "bool", "1e999", "-1", "999999999999999999999", "2147483647",
        "\u2028", "\x00", "é", "[[", "]]", "sum", "gather",
        "contraction", 'labels="a,b->ab"', "axes=[0]", "shape=[4294967296, 4294967296]",
        "constant", "x0", "loss", "\x85",
    ]  # fmt: skip
    read = 0
    for seed in range(80):
        text = str(random_graph(seed, everything=True).graph)
        for _ in range(25):
            damaged = text
            for _ in range(rng.choice([1, 1, 1, 2, 3])):
                at, length = rng.randrange(len(damaged) + 1), rng.choice([0, 1, 1, 2, 5])
                kind = rng.random()
                if kind < 0.6:
                    damaged = damaged[:at] + rng.choice(pieces) + damaged[at + length :]
                elif kind < 0.8:
                    damaged = damaged[:at] + damaged[at + length :]
                else:
                    lines = damaged.splitlines(keepends=True)
                    rng.shuffle(lines) if kind < 0.9 else lines.append(rng.choice(lines))
                    damaged = "".join(lines)
            try:
                graph = pl.parse(damaged)
            except GraphError as error:
                assert len(str(error)) < 2000
            else:
                assert_round_trip(graph)
                read += 1
    assert read > 50


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text):
    with pytest.raises(GraphError):
        pl.parse(text)
    with pytest.raises(GraphError):
        pl.parse(GOOD + text + "\nx x")


@pytest.mark.parametrize(
    "line",
    [
        "y: float64[2000000000] = broadcast(x, shape=[2000000000])",
        "y: float64[40000, 40000] = broadcast(x, shape=[40000, 40000])",
        "y: float64[99999999999] = broadcast(x, shape=[99999999999])",
        "y: float64[2000000000] = random_normal(n, n, dtype=float64, purpose=\"p\", shape=[2000000000])",
        "y: float64[2000000000] = one_hot(n, depth=2000000000, dtype=float64)",
        "y: float64[2000000000] = pad(v, axes=[0], shape=[2000000000], start=[0], step=[1])",
        "y: float64[0, 2000000000] = broadcast(x, shape=[0, 2000000000])",
        "y: float64[1, 1, 1, 1] = " + "[" * 4 + "1.0" + "]" * 4,
        "y: float64[] = element_count(dtype=float64, shape=[99999999999999999999])",
    ],
)  # fmt: skip
def test_hostile_sizes_allocate_nothing(line):
    tracemalloc.start()
    try:
        pl.parse(f"input x: float64[]\ninput v: float64[1]\ninput n: int64[]\n{line}\noutput y = y\n")
    except GraphError:
        pass
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 2**20


def test_simplifying_hostile_sizes_allocates_nothing():
    text = "c: float64[] = 1.0\ny: float64[2000000000] = broadcast(c, shape=[2000000000])\noutput y = y\n"
    tracemalloc.start()
    pl.simplify(pl.parse(text))
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


def test_a_text_runs_nothing():
    for hostile in ("__import__('os').system('true')", "exec", "print(1)", "pl.exp(x)", "lambda: 1"):
        with pytest.raises(GraphError):
            pl.parse(f"input x: float64[]\ny: float64[] = {hostile}\noutput y = y\n")


def test_long_texts_are_read_in_time_that_grows_with_their_length():
    lines = ["input x0: float64[]"] + [f"x{n + 1}: float64[] = tanh(x{n})" for n in range(4000)]
    graph = pl.parse("\n".join([*lines, "output y = x4000"]))
    assert len(graph) == 4001
    assert len(pl.parse("x: float64[20000] = [" + ", ".join(["1.5"] * 20000) + "]\noutput y = x\n")) == 1


def test_errors_of_pellucid_only():
    assert issubclass(GraphError, PellucidError) and issubclass(GraphError, ValueError)
