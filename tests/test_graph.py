"""Graphs: building, naming, merging, verifying, resizing, copying, and the mistakes that are told."""

from __future__ import annotations

import copy
import functools
import math
import pickle
import threading
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
from random_graphs import random_graph

import pellucid as pl
from pellucid.errors import GraphError, PellucidError, ShapeError
from pellucid.graph.builder import Builder
from pellucid.graph.graph import Graph, Node, verify
from pellucid.graph.operation import operation
from pellucid.graph.types import Type

VECTOR = pl.float64[3]


def paths(graph: Graph) -> list[str]:
    return [node.path for node in graph]


# -- names --------------------------------------------------------------------------------------------------------


def test_local_variables_name_nodes():
    def loss(w, x):
        product = w * x
        error = pl.sum(product) - 1
        return error**2

    graph = pl.build(loss, w=VECTOR, x=VECTOR)
    assert paths(graph) == ["w", "x", "product", "sum", "constant", "error", "constant_2", "loss"]
    assert graph["error"].op.name == "subtract"
    assert list(graph.outputs) == ["loss"]


def test_a_variable_that_is_given_again_names_the_last_value():
    def f(x):
        h = pl.tanh(x)
        h = pl.exp(h)
        x = h * 2
        return pl.sum(x)

    graph = pl.build(f, x=VECTOR)
    assert graph["h"].op.name == "exp"
    assert paths(graph)[0] == "x" and graph.inputs["x"].op.name == "input"
    assert len(set(paths(graph))) == len(graph)


def test_scopes_nest_and_end():
    def f(x):
        with pl.scope("encoder"):
            with pl.scope("first"):
                y = [pl.tanh(x)]
            y = [pl.exp(y[0])]
        return pl.sum(y[0]), pl.mean(y[0])

    graph = pl.build(f, x=VECTOR)
    assert paths(graph) == ["x", "encoder/first/tanh", "encoder/exp", "f_0", "f_1"]
    with pytest.raises(ZeroDivisionError), pl.scope("broken"):
        _ = 1 / 0
    assert paths(pl.build(lambda x: pl.sum(pl.exp(x)), x=VECTOR)) == ["x", "exp", "value"]


def test_outputs_are_named_by_the_function_and_by_keys():
    def both(x):
        return {"total": pl.sum(x), "mean": pl.mean(x), 3: x}

    assert list(pl.build(both, x=VECTOR).outputs) == ["total", "mean", "3"]
    assert list(pl.build(lambda x: (x, -x), x=VECTOR).outputs) == ["value_0", "value_1"]
    assert list(pl.build(lambda x: 2 * x, x=VECTOR).outputs) == ["value"]


class Doubling:
    def __call__(self, x):
        return x + x

    def method(self, x):
        doubled = x + x
        return pl.tanh(doubled)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (Doubling(), [2.0, 4.0, 6.0]),
        (Doubling().method, np.tanh([2.0, 4.0, 6.0])),
        (functools.partial(lambda x, y: x * y, y=3.0), [3.0, 6.0, 9.0]),
        (functools.lru_cache(lambda x: -x), [-1.0, -2.0, -3.0]),
    ],
)
def test_any_callable_builds(function, expected):
    got = pl.compile(pl.build(function, x=VECTOR))(x=[1.0, 2.0, 3.0])
    np.testing.assert_allclose(*got.values(), expected, rtol=1e-15)


def test_a_function_that_raises_leaves_nothing_behind():
    import sys

    def broken(x):
        with pl.scope("inside"):
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        pl.build(broken, x=VECTOR)
    assert sys.getprofile() is None
    assert paths(pl.build(lambda x: 2 * pl.exp(x), x=VECTOR))[1] in ("exp", "constant")


def test_recursion_and_nested_builds():
    def power(x, n=3):
        return x if n == 0 else x * power(x, n - 1)

    def outer(x):
        inner = pl.build(lambda y: y + 1, y=VECTOR)
        assert len(inner) == 3
        return power(x)

    assert pl.compile(pl.build(outer, x=pl.float64[()]))(x=2.0)["outer"] == 16.0


# -- structure ----------------------------------------------------------------------------------------------------


def test_equal_nodes_are_built_once():
    graph = pl.build(lambda x: pl.exp(x) * 2 + pl.exp(x) * 2, x=VECTOR)
    assert [node.op.name for node in graph] == ["input", "exp", "constant", "multiply", "add"]


def test_what_differs_in_bits_or_parameters_is_not_merged():
    def f(x):
        return (x + 0.0, x + -0.0, pl.sum(x), pl.sum(x, keepdims=True), pl.leaky_relu(x), pl.leaky_relu(x, alpha=0.1))

    graph = pl.build(f, x=VECTOR)
    assert len(set(graph.outputs.values())) == 6
    constants = [dict(node.params)["value"] for node in graph if node.op.name == "constant"]
    assert [math.copysign(1, number) for number in constants] == [1, -1]
    whole = pl.build(lambda n: (n + 1, pl.cast(n, pl.float64) + 1.0), n=pl.int64[()])
    assert [repr(dict(node.params)["value"]) for node in whole if node.op.name == "constant"] == ["1", "1.0"]


def test_axes_of_different_names_are_not_merged():
    def f(x):
        return pl.broadcast(x, (pl.Axis(3, "rows"), 2)), pl.broadcast(x, (3, 2))

    assert len(set(pl.build(f, x=pl.float64[2]).outputs.values())) == 2


def test_nodes_that_no_output_needs_are_dropped_but_inputs_stay():
    graph = pl.build(lambda x, y: (pl.exp(y), 2 * x)[1], x=VECTOR, y=VECTOR)
    assert [node.op.name for node in graph] == ["input", "input", "constant", "multiply"]
    np.testing.assert_array_equal(pl.compile(graph)(x=[1, 2, 3], y=[0, 0, 0])["value"], [2, 4, 6])


def test_graphs_and_nodes_are_immutable():
    graph = pl.build(lambda x: pl.exp(x), x=VECTOR)
    with pytest.raises(TypeError):
        graph.inputs["y"] = graph["x"]  # type: ignore[index]
    with pytest.raises(TypeError):
        graph.outputs["y"] = graph["x"]  # type: ignore[index]
    with pytest.raises(FrozenInstanceError):
        graph.nodes = ()  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        graph["x"].path = "y"  # type: ignore[misc]
    given = {"x": graph["x"]}
    own = Graph(given, (graph["x"],), given)
    given.clear()
    assert list(own.inputs) == list(own.outputs) == ["x"]


def test_constants_take_a_copy_of_the_array():
    array = np.array([1.0, 2.0, 3.0])
    graph = pl.build(lambda x: x + array, x=VECTOR)
    array[:] = 0
    np.testing.assert_array_equal(pl.compile(graph)(x=np.zeros(3))["value"], [1, 2, 3])


def test_nodes_are_found_by_path_and_by_output():
    graph = pl.build(lambda x: {"loss": pl.sum(x), "same": x}, x=VECTOR)
    assert graph["loss"] is graph.outputs["loss"] and graph["same"] is graph["x"]
    assert "loss" in graph and "same" in graph and "lost" not in graph
    assert len(graph) == len(list(graph)) == 2
    with pytest.raises(GraphError, match=r"no node 'los'.*Did you mean 'loss'"):
        graph["los"]


def test_equality_and_hash_go_by_text():
    first, second = (pl.build(lambda x: pl.exp(x), x=VECTOR) for _ in range(2))
    assert first == second and hash(first) == hash(second) and first is not second
    assert first != pl.build(lambda x: pl.exp(x), x=pl.float64[4])
    assert first != pl.build(lambda x: pl.exp(x), x=pl.float32[3]) and first != "text"


# -- mistakes -----------------------------------------------------------------------------------------------------


def test_a_value_of_another_graph_is_refused():
    strangers = []
    pl.build(lambda x: strangers.append(x) or x, x=VECTOR)
    with pytest.raises(GraphError, match="another graph"):
        pl.build(lambda x: x + strangers[0], x=VECTOR)
    with pytest.raises(GraphError, match="another graph"):
        pl.build(lambda x: strangers[0], x=VECTOR)
    with pytest.raises(GraphError, match="another graph"):
        pl.build(lambda x: pl.concatenate([x, strangers[0]]), x=VECTOR)


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (lambda x: x if x > 0 else -x, "no truth.*pl.select"),
        (lambda x: x and x, "no truth.*pl.select"),
        (lambda x: max(x[0], 0), "no truth.*pl.select"),
        (lambda x: x[0] in [1.0, 2.0], "no truth"),
        (lambda x: [item for item in x], "iterated.*Index it"),
        (lambda x: np.exp(x), "exp.*Use Pellucid's functions"),
        (lambda x: np.sum(x), "Use Pellucid's functions"),
        (lambda x: np.add(x, x, where=[True, False, True]), "Use Pellucid's functions"),
        (lambda x: np.asarray(x), "no numbers.*Use Pellucid's functions"),
        (lambda x: np.array([x[0], x[1]]), "no number"),
        (lambda x: math.exp(x[0]), "no number.*Use Pellucid's functions"),
        (lambda x: float(x[0]), "no number"),
        (lambda x: len(pl.sum(x)), "no length"),
        (lambda x: x + "1", "not numbers.*'1'"),
        (lambda x: x * None, "not numbers.*None"),
        (lambda x: x + 1j, "not numbers"),
        (lambda x: x + np.array(["a"]), "not numbers"),
        (lambda x: x + np.ones(2), r"broadcast.*\[3\] and \[2\]"),
        (lambda x: x & x, "logical_and: .*wrong dtype.*Compare it"),
        (lambda x: x + (x > 0), "wrong dtype.*Cast it"),
        (lambda x: x.T @ pl.sum(x), "scalar.*Multiply with"),
        (lambda x: None, "returns None"),
        (lambda x: (x, None), "returns None"),
        (lambda x: (), "returns nothing"),
        (lambda x: {}, "returns nothing"),
        (lambda x: "text", "not numbers"),
        (lambda x: object(), "not numbers"),
    ],
)
def test_mistakes_while_building_are_told(function, told):
    with pytest.raises(GraphError, match=told):
        pl.build(function, x=VECTOR)


def test_arguments_and_types_have_to_fit():
    with pytest.raises(GraphError, match=r"do not fit.*missing.*'y'"):
        pl.build(lambda x, y: x, x=VECTOR)
    with pytest.raises(GraphError, match=r"do not fit.*unexpected.*'z'"):
        pl.build(lambda x: x, x=VECTOR, z=VECTOR)
    for wrong in (3, "float64", pl.float64, np.float64, (3,), None):
        with pytest.raises(GraphError, match=r"argument x: not a type.*pl\.float64\[2, 3\]"):
            pl.build(lambda x: x, x=wrong)


@pytest.mark.parametrize("shape", [-1, (2, -3), 2.5, (True,), ("batch",), (2, None)])
def test_shapes_are_made_of_sizes(shape):
    with pytest.raises((ShapeError, TypeError)):
        pl.float64[shape]


def test_an_axis_needs_a_name():
    for name in ("", "two words", "1st", "a/b"):
        with pytest.raises(ShapeError, match="not the name of an axis"):
            pl.Axis(3, name)


def test_numpy_arrays_and_numbers_on_the_left():
    def f(x):
        ones = np.ones(3)
        return {
            "a": ones + x, "b": ones - x, "c": np.float64(2) * x, "d": ones / x, "e": np.full(3, 2.0) ** x,
            "f": np.ones((2, 3)) @ x, "g": ones > x, "h": np.zeros(3) == x, "i": np.int64(2) - x,
        }  # fmt: skip

    x = np.array([0.5, 1.0, 2.0])
    got = pl.compile(pl.build(f, x=VECTOR))(x=x)
    expected = [1 + x, 1 - x, 2 * x, 1 / x, 2.0**x, np.ones((2, 3)) @ x, x < 1, x == 0, 2 - x]
    for array, wanted in zip(got.values(), expected, strict=True):
        np.testing.assert_allclose(array, wanted, rtol=1e-15)


def test_plain_numbers_take_the_dtype_beside_them():
    graph = pl.build(lambda x: 2 * x + 1 - 0.5, x=pl.float32[2])
    assert {node.type.dtype for node in graph} == {pl.float32}
    graph = pl.build(lambda n: 2 * n + 1, n=pl.int32[2])
    assert {node.type.dtype for node in graph} == {pl.int32}


# -- verify -------------------------------------------------------------------------------------------------------


def made(operation_name: str, inputs: tuple = (), type: Type = VECTOR, path: str | None = None, /, **params) -> Node:
    return Node(operation(operation_name), inputs, tuple(sorted(params.items())), type, path or operation_name)


X = made("input", (), VECTOR, "x", name="x", shape=(3,), dtype=pl.float64)
EXP = made("exp", (X,))
RENAMED = replace(X, path="y")


@pytest.mark.parametrize(
    ("inputs", "nodes", "outputs", "told"),
    [
        ({"x": X}, (EXP, X), {"y": EXP}, "comes later or is missing"),
        ({"x": X}, (EXP,), {"y": EXP}, "comes later or is missing"),
        ({"x": X}, (X,), {"y": EXP}, "output 'y' is not a node"),
        ({"x": X}, (), {}, "input 'x' is not a node"),
        ({}, (X, EXP), {"y": EXP}, "not among the graph's inputs"),
        ({"z": X}, (X, EXP), {"y": EXP}, "input 'z' is not a node of operation input"),
        ({"x": X, "e": EXP}, (X, EXP), {"y": EXP}, "input 'e' is not a node of operation input"),
        ({"x": X}, (X, EXP, made("tanh", (X,), VECTOR, "exp")), {"y": EXP}, "same path"),
        ({"x": X}, (X, made("exp", (X,), pl.float64[4])), {}, "wrong type"),
        ({"x": X}, (X, made("exp", (X,), pl.float32[3])), {}, "wrong type"),
        ({"x": X}, (X, made("exp", (X, X))), {}, "number of operands"),
        ({"x": X}, (X, made("exp", (X,), VECTOR, "exp", alpha=1.0)), {}, "parameters"),
        ({"x": X}, (X, made("reshape", (X,), pl.float64[4], "y", shape=(4,))), {}, "another number of elements"),
        ({"x": X}, (X, replace(EXP, op=copy.copy(EXP.op))), {}, "not registered"),
        ({"y": RENAMED}, (RENAMED,), {}, "input 'y' is not a node of operation input with this name"),
    ],
)
def test_verify_names_the_pass_and_what_is_broken(inputs, nodes, outputs, told):
    with pytest.raises(GraphError, match=f"after my pass.*{told}"):
        verify(Graph(inputs, nodes, outputs), after="my pass")


def test_verify_refuses_an_axis_of_two_sizes():
    first, second = (
        made("input", (), pl.float64[size], name, name=name, shape=(size,), dtype=pl.float64)
        for name, size in (("a", pl.Axis(2, "batch")), ("b", pl.Axis(3, "batch")))
    )
    with pytest.raises(GraphError, match="'batch' has two sizes"):
        verify(Graph({"a": first, "b": second}, (first, second), {"a": first}))
    with pytest.raises(GraphError, match="'batch' has two sizes"):
        pl.build(lambda a, b: (a, b), a=pl.float64[pl.Axis(2, "batch")], b=pl.float64[pl.Axis(3, "batch")])


def test_verify_returns_a_good_graph():
    graph = Graph({"x": X}, (X, EXP), {"y": EXP})
    assert verify(graph) is graph


# -- resizing, copying, threads -----------------------------------------------------------------------------------


def model(w, x):
    hidden = pl.tanh(x @ w)
    return {"loss": pl.mean(pl.sum(hidden * hidden, axis=1)), "hidden": hidden, "flat": pl.reshape(hidden, (-1,))}


def test_resize_changes_every_place_of_an_axis():
    batch = pl.Axis(4, "batch")
    graph = pl.build(lambda w, x: {"loss": model(w, x)["loss"]}, w=pl.float64[3, 2], x=pl.float64[batch, 3])
    gradient = pl.differentiate(graph)
    rng = np.random.default_rng(0)
    w, x = rng.normal(size=(3, 2)), rng.normal(size=(7, 3))
    for size in (1, 2, 7):
        smaller = pl.resize(gradient, batch=size)
        assert smaller.axes == {"batch": size} and smaller.inputs["x"].type == pl.float64[size, 3]
        built = pl.build(
            lambda w, x: {"loss": model(w, x)["loss"]}, w=pl.float64[3, 2], x=pl.float64[pl.Axis(size, "batch"), 3]
        )
        expected = pl.compile(pl.differentiate(built))(w=w, x=x[:size])
        got = pl.compile(smaller)(w=w, x=x[:size])
        for name, array in expected.items():
            np.testing.assert_array_equal(got[name], array)
    assert pl.resize(pl.resize(graph, batch=9), batch=4) == graph


def test_resize_refuses_what_depends_on_the_size():
    graph = pl.build(lambda x: x[:3], x=pl.float64[pl.Axis(4, "batch")])
    with pytest.raises(PellucidError, match="beyond its axis"):
        pl.resize(graph, batch=2)
    with pytest.raises(GraphError, match=r"no axis 'bath'.*Did you mean 'batch'"):
        pl.resize(graph, bath=2)
    with pytest.raises(PellucidError):
        pl.resize(graph, batch=-1)


def test_copies_go_through_text():
    for seed in range(30):
        case = random_graph(seed, everything=True)
        stored = pickle.dumps(case.graph)
        assert str(case.graph).splitlines()[-1].encode() in stored  # the text itself, and nothing else, is in there
        for other in (pickle.loads(stored), copy.copy(case.graph), copy.deepcopy(case.graph)):
            assert other == case.graph
            np.testing.assert_array_equal(
                pl.compile(other)(**case.inputs)["loss"], pl.compile(case.graph)(**case.inputs)["loss"]
            )
    graph = random_graph(0).graph
    function, arguments = graph.__reduce__()
    assert function is pl.parse and arguments == (str(graph),)


def test_graphs_are_built_and_run_in_threads():
    def build(number: int) -> Graph:
        def f(x):
            with pl.scope(f"scope_{number}"):
                for _ in range(20):
                    x = pl.tanh(x) * number
            return {"y": x}

        return pl.differentiate(pl.build(lambda x: {"loss": pl.sum(f(x)["y"])}, x=VECTOR), "x")

    expected = [build(number) for number in range(8)]
    found: dict[int, list] = {number: [] for number in range(8)}
    shared = pl.compile(expected[1])

    def work(number: int) -> None:
        for _ in range(5):
            found[number].append((build(number), shared(x=np.full(3, number / 8))))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number, results in found.items():
        assert len(results) == 5
        alone = pl.compile(expected[1])(x=np.full(3, number / 8))
        for graph, outputs in results:
            assert graph == expected[number]
            assert all(np.array_equal(outputs[name], alone[name]) for name in alone)


def test_builder_refuses_two_inputs_of_one_name():
    builder = Builder()
    builder.input("x", VECTOR)
    with pytest.raises(GraphError, match="two inputs are called 'x'"):
        builder.input("x", VECTOR)


# -- running ------------------------------------------------------------------------------------------------------


def test_programs_check_their_inputs():
    program = pl.compile(pl.build(lambda x, n: x * 2, x=VECTOR, n=pl.int64[()]))
    for inputs, told in [
        ({"x": [1, 2, 3]}, "missing 'n'"),
        ({"x": [1, 2, 3], "n": 1, "m": 2}, "unknown 'm'"),
        ({"x": [1, 2], "n": 1}, "input 'x': wrong shape"),
        ({"x": [[1], [2, 3]], "n": 1}, "rows differ in length"),
        ({"x": ["a", "b", "c"], "n": 1}, "not numbers"),
        ({"x": [1, 2, 3], "n": 1.5}, "input 'n': numbers that the dtype can not hold"),
        ({"x": [1, 2, 3], "n": math.nan}, "can not hold"),
        ({"x": [1j, 2, 3], "n": 1}, "not numbers"),
    ]:
        with pytest.raises(GraphError, match=told):
            program(**inputs)
    assert program(x=[True, False, True], n=2.0)["value"].tolist() == [2, 0, 2]


def test_outputs_belong_to_the_caller():
    def f(x):
        fixed = pl.broadcast(pl.constant(1.0), (3,)) + 0 * x
        return {"same": x, "view": x.T, "passed": pl.identity(x), "stopped": pl.stop_gradient(x + 1), "fixed": fixed}

    graph = pl.build(f, x=VECTOR)
    expected = {"same": [1, 2, 3], "view": [1, 2, 3], "passed": [1, 2, 3], "stopped": [2, 3, 4], "fixed": [1, 1, 1]}
    program, x = pl.compile(graph), np.array([1.0, 2.0, 3.0])
    for computed in (program(x=x), program.observe(x=x), program(x=x)):
        before = {name: array.tolist() for name, array in computed.items()}
        for name, array in computed.items():
            assert array.tolist() == before[name]  # writing into one output changes no other
            array[...] = 99.0
        assert x.tolist() == [1, 2, 3]
        assert {name: array.tolist() for name, array in program(x=x).items()} == expected
    assert set(program.observe(x=x)) == set(paths(graph))


def test_a_numpy_function_of_no_operator_is_refused_on_either_side():
    with pytest.raises(GraphError, match="arctan2"):
        pl.build(lambda x: np.arctan2(1.0, x), x=VECTOR)
    with pytest.raises((GraphError, TypeError)):
        pl.build(lambda x: np.add.reduce(x), x=VECTOR)


def test_results_do_not_depend_on_the_layout_of_memory():
    def f(a, b):
        wide = pl.exp(pl.sum(b, axis=1, keepdims=True)) * pl.broadcast(b[0], b.shape)
        return {"product": a.T @ wide, "sums": pl.sum(wide + a, axis=1), "mean": pl.mean(pl.tanh(a @ b.T), axis=0)}

    program = pl.compile(pl.build(f, a=pl.float64[31, 17], b=pl.float64[31, 17]))
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(31, 17)), rng.normal(size=(31, 17))
    expected = program(a=a, b=b)
    wide = np.zeros((62, 51))
    wide[::2, 1::3] = a
    for other in (np.asfortranarray(a), wide[::2, 1::3], a[::-1].copy()[::-1]):
        found = program(a=other, b=np.asfortranarray(b))
        assert all(found[name].tobytes() == array.tobytes() for name, array in expected.items())
