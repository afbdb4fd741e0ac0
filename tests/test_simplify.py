"""Simplification: the same bits with fewer nodes."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from random_graphs import OPERATIONS, random_graph

import pellucid as pl
from pellucid.errors import PellucidError
from pellucid.graph.builder import Builder
from pellucid.graph.graph import Graph, verify
from pellucid.graph.value import Value
from pellucid.ops.declaration import Declared
from pellucid.ops.elementwise import Elementwise
from pellucid.ops.structural import Structural

SPECIAL = np.array(
    [0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.0, 5e-324, -5e-324, 1e-310, 1e300, -1e300, np.inf, -np.inf, np.nan, 7.25]
)
NUMBERS = [0.0, -0.0, 1.0, -1.0, 2.0, 0.5, math.inf, -math.inf, math.nan]


def assert_same_bits(graph: Graph, simpler: Graph, inputs: dict[str, np.ndarray]) -> None:
    verify(simpler)
    assert [*graph.inputs] == [*simpler.inputs] and [*graph.outputs] == [*simpler.outputs]
    expected, got = pl.compile(graph)(**inputs), pl.compile(simpler)(**inputs)
    for name, array in expected.items():
        assert repr(simpler.outputs[name].type) == repr(graph.outputs[name].type)
        other = got[name]
        assert array.dtype == other.dtype and array.shape == other.shape
        if array.dtype.kind != "f":
            assert np.array_equal(array, other), f"{graph}\n{simpler}"
            continue
        numbers = ~np.isnan(array)  # of a NaN, neither sign nor payload mean anything
        assert np.array_equal(numbers, ~np.isnan(other)), f"{graph}\n{simpler}"
        assert array[numbers].tobytes() == other[numbers].tobytes(), f"{graph}\n{simpler}\n{array}\n{other}"


def specials_in_place_of(inputs: dict[str, np.ndarray], rng: np.random.Generator) -> dict[str, np.ndarray]:
    special = SPECIAL[np.abs(SPECIAL) != 1e300]  # no float32
    return {
        name: np.where(rng.random(array.shape) < 0.4, rng.choice(special, array.shape), array).astype(array.dtype)
        if array.dtype.kind == "f"
        else array
        for name, array in inputs.items()
    }


@pytest.mark.parametrize("block", range(4))
def test_random_graphs_and_their_gradients_keep_every_bit(block):
    for seed in range(block, 120, 4):
        case = random_graph(seed, everything=True)
        rng = np.random.default_rng(seed)
        for graph in (case.graph, pl.differentiate(case.graph, of="loss")):
            simpler = pl.simplify(graph)
            assert len(simpler) <= len(graph)
            assert pl.simplify(simpler) == simpler
            assert_same_bits(graph, simpler, case.inputs)
            assert_same_bits(graph, simpler, specials_in_place_of(case.inputs, rng))


def test_float32_graphs_keep_every_bit():
    for seed in range(30):
        case = random_graph(seed, dtype=pl.float32, everything=True)
        simpler = pl.simplify(case.graph)
        assert_same_bits(case.graph, simpler, case.inputs)
        assert_same_bits(case.graph, simpler, specials_in_place_of(case.inputs, np.random.default_rng(seed)))


def test_gradient_graphs_get_smaller():
    sizes = [
        (len(graph), len(pl.simplify(graph)))
        for graph in (pl.differentiate(random_graph(seed).graph) for seed in range(20))
    ]
    assert sum(after for _, after in sizes) < 0.97 * sum(before for before, _ in sizes)


FLOATS = [op for op in OPERATIONS.values() if isinstance(op, Elementwise) and "bool" not in op.accepts]


def test_pairs_of_operations_on_special_numbers():
    unary = [op for op in FLOATS if op.arity == 1]
    for outer, inner in itertools.product(unary, unary):
        if inner.result == "bool":
            continue
        graph = pl.build(lambda x, outer=outer, inner=inner: outer(inner(x)), x=pl.float64[len(SPECIAL)])
        simpler = pl.simplify(graph)
        if str(simpler) != str(graph):
            assert_same_bits(graph, simpler, {"x": SPECIAL})


@pytest.mark.parametrize("op", [op for op in FLOATS if op.arity == 2], ids=lambda op: op.name)
def test_operations_with_constants_on_special_numbers(op):
    size = len(SPECIAL)
    x, y = (array.ravel() for array in np.meshgrid(SPECIAL, SPECIAL))
    functions = [
        lambda x, y: op(x, y),
        lambda x, y: op(x, x),
        lambda x, y: op(op(x, y), y),
        lambda x, y: op(x, op(x, y)),
    ]
    if op.result == "bool":
        functions = functions[:2]
    for number in NUMBERS:
        functions += [
            lambda x, y, c=number: op(x, c),
            lambda x, y, c=number: op(c, x),
            lambda x, y, c=number: op(x, np.full(size * size, c)),
            lambda x, y, c=number: op(np.full((2, 1), c), y),
            lambda x, y, c=number: op(pl.sum(x) * c, c),
        ]
    for function in functions:
        graph = pl.build(function, x=pl.float64[size * size], y=pl.float64[size * size])
        assert_same_bits(graph, pl.simplify(graph), {"x": x, "y": y})


def test_truth_values_keep_their_bits():
    conditions, x = np.array([True, False] * 8), SPECIAL
    constants = [True, False]
    functions = [lambda c, d, x: ~~c, lambda c, d, x: c & c, lambda c, d, x: c | c, lambda c, d, x: pl.select(c, x, x)]
    for number in constants:
        functions += [
            lambda c, d, x, b=number: c & pl.constant(b),
            lambda c, d, x, b=number: pl.logical_and(np.array(b), c),
            lambda c, d, x, b=number: pl.logical_or(np.array(b), c),
            lambda c, d, x, b=number: pl.logical_or(c, np.array(b)),
            lambda c, d, x, b=number: pl.select(np.array(b), x, 1.0),
            lambda c, d, x, b=number: pl.select(np.array([b] * 16), 1.0, x),
            lambda c, d, x, b=number: pl.select(c & np.array(b), x, d),
        ]
    for function in functions:
        graph = pl.build(function, c=pl.bool_[16], d=pl.float64[16], x=pl.float64[16])
        assert_same_bits(graph, pl.simplify(graph), {"c": conditions, "d": x[::-1].copy(), "x": x})


@pytest.mark.parametrize("op", [op for op in OPERATIONS.values() if isinstance(op, Structural)], ids=lambda op: op.name)
def test_structural_operations_on_special_numbers(op):
    """Nodes are added as they stand in a text, without what an operation's face leaves out."""
    rng = np.random.default_rng(3)
    if op.name == "input":
        return
    for case in op.sample:
        builder, inputs, values = Builder(), {}, []
        for at, operand in enumerate(case.operands):
            numbers = operand.draw(rng)
            if numbers.dtype.kind == "f" and op.name != "bernoulli_mask":
                numbers = rng.choice(SPECIAL, numbers.shape)
            inputs[f"x{at}"] = np.asarray(numbers)
            values.append(builder.input(f"x{at}", type_of(inputs[f"x{at}"])))
        y = add(builder, op, values, case.params)
        outputs = {"y": y}
        for again in _repeated(builder, op, y, case.params):
            outputs["again"] = again
        graph = builder.finish(outputs)
        assert_same_bits(graph, pl.simplify(graph), inputs)


def type_of(array: np.ndarray):
    return {"f": pl.float64, "i": pl.int64, "b": pl.bool_}[array.dtype.kind][array.shape]


def add(builder: Builder, op: Declared, values: list, params) -> Value:
    return builder.add(op, tuple(values), {**op.param_defaults, **params})


def _repeated(builder: Builder, op: Structural, y, params):
    """Yield the operation applied to its own result, where that fits."""
    try:
        yield add(builder, op, [y], params)
    except PellucidError:
        return


# -- what is done ---------------------------------------------------------------------------------------------


def operations_after(function, **types) -> list[str]:
    graph = pl.simplify(pl.build(function, **types))
    return [node.op.name for node in graph if node.op.name != "input"]


V, M = pl.float64[3], pl.float64[3, 2]


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x * 1, lambda x: 1.0 * x, lambda x: x / 1, lambda x: x - 0.0, lambda x: x + -0.0, lambda x: -0.0 + x,
        lambda x: x**1, lambda x: pl.negative(-x), lambda x: pl.identity(x), lambda x: x * np.ones(3),
        lambda x: pl.maximum(x, x),
        lambda x: pl.select(np.array(True), x, 2 * x), lambda x: pl.transpose(x), lambda x: pl.reshape(x, (3,)),
        lambda x: pl.reshape(pl.reshape(x, (3, 1)), (3,)), lambda x: x[:], lambda x: pl.concatenate([x]),
        lambda x: pl.broadcast(x, (3,)), lambda x: pl.sum_to(x, (3,)), lambda x: pl.cast(x, pl.float64),
        lambda x: (x * (3.0 - 2.0)) / (pl.constant(2.0) * 0.5),
    ],
)  # fmt: skip
def test_nothing_is_left_of_identities(function):
    assert operations_after(function, x=V) == []


def test_equal_nodes_are_merged_after_identities():
    assert operations_after(lambda x: pl.exp(x * 1) + pl.exp(x / 1), x=V) == ["exp", "add"]
    assert operations_after(lambda x: pl.transpose(pl.transpose(x)) + x, x=M) == ["add"]


def test_dead_nodes_are_dropped():
    assert operations_after(lambda x: pl.select(np.array(False), pl.exp(x), x), x=V) == []


def test_constants_are_folded_up_to_a_limit():
    graph = pl.simplify(pl.build(lambda x: x + pl.exp(pl.constant([1.0, 2.0])) * 2, x=pl.float64[2]))
    constants = [dict(node.params)["value"] for node in graph if node.op.name == "constant"]
    assert constants == [(2 * math.exp(1), 2 * math.exp(2))]
    for size in (50, 1000):
        large = pl.build(lambda x: x + pl.broadcast(x.builder.constant(1.0), x.shape) * 2, x=pl.float64[size])
        assert len(str(pl.simplify(large))) < 300  # nothing is written out that is one number repeated


def test_named_axes_survive_folding():
    graph = pl.build(lambda x: x * pl.broadcast(x.builder.constant(2.0), x.shape), x=pl.float64[pl.Axis(4, "batch")])
    assert pl.resize(pl.simplify(graph), batch=9).outputs["value"].type == pl.float64[9]
    mean = pl.simplify(pl.differentiate(pl.build(lambda x: pl.mean(x), x=pl.float64[pl.Axis(4, "batch")])))
    np.testing.assert_array_equal(pl.compile(pl.resize(mean, batch=2))(x=[1.0, 2.0])["d value / d x"], [0.5, 0.5])


def test_an_operand_that_gives_the_shape_stays():
    assert operations_after(lambda x: x * np.ones((2, 3)), x=V) != []
    graph = pl.simplify(pl.build(lambda x: x * np.ones((2, 3)), x=V))
    assert graph.outputs["value"].type == pl.float64[2, 3]
    assert operations_after(lambda x: x + np.zeros((1, 3)) * -1, x=V) != []


# -- what is not done -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x * 0.0,  # not 0 where x is infinite or NaN, and -0 where it is negative
        lambda x: x - x,  # not 0 where x is infinite
        lambda x: x / x,
        lambda x: x + 0.0,  # 0 where x is -0
        lambda x: x - -0.0,  # 0 where x is -0
        lambda x: 0.0 - x,  # 0 where x is 0; -x is -0
        lambda x: -1.0 * (-1.0 * x),
        lambda x: (x + 1e300) - 1e300,
        lambda x: (x * 3.0) / 3.0,
        lambda x: pl.exp(pl.log(x)),
        lambda x: pl.log(pl.exp(x)),
        lambda x: pl.sqrt(x * x),
        lambda x: pl.absolute(x) + pl.select(x == x, 0.0, 1.0),  # x == x is false where x is NaN
        lambda x: pl.maximum(x, -math.inf),
        lambda x: pl.minimum(pl.maximum(x, 0.0), math.inf),
        lambda x: pl.stop_gradient(x),
    ],
)  # fmt: skip
def test_identities_that_do_not_hold_for_every_bit_are_left_alone(function):
    graph = pl.build(function, x=pl.float64[len(SPECIAL)])
    simpler = pl.simplify(graph)
    assert len(simpler) > 1 and simpler.outputs["value"].op.name != "input"
    assert_same_bits(graph, simpler, {"x": SPECIAL})


def test_what_gradients_do_not_pass_still_stops_them():
    graph = pl.simplify(pl.build(lambda x: x * pl.stop_gradient(x * 1), x=pl.float64[()]))
    assert pl.compile(pl.differentiate(graph))(x=3.0)["d value / d x"] == 3.0


def test_simplified_graphs_have_the_same_gradient():
    for seed in range(40):
        case = random_graph(seed)
        before = pl.compile(pl.differentiate(case.graph))(**case.inputs)
        after = pl.compile(pl.differentiate(pl.simplify(case.graph)))(**case.inputs)
        for name, array in before.items():
            np.testing.assert_allclose(after[name], array, rtol=1e-12, atol=1e-13)
