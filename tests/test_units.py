"""Networks given unit by unit: equal to computing one unit after the other, with any edges and activations."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.errors import ShapeError, UsageError
from pellucid.executors.program import compile
from pellucid.graph.context import Context
from pellucid.graph.differentiate import differentiate
from pellucid.graph.resize import resize
from pellucid.nn.initializers import Constant, HeNormal
from pellucid.nn.layers import Dense
from pellucid.nn.network import Network
from pellucid.nn.units import Units
from pellucid.ops.reductions import sum as sum_

XOR = [(0, 2), (1, 2), (0, 3), (1, 3), (2, 4), (3, 4)]


def logistic(x: float) -> float:
    return 1 / (1 + math.exp(-x))


# value and slope by value of the weighted sum
FUNCTIONS = {
    "identity": (lambda z: z, lambda z: 1.0),
    "tanh": (math.tanh, lambda z: 1 - math.tanh(z) ** 2),
    "sigmoid": (logistic, lambda z: logistic(z) * (1 - logistic(z))),
    "softplus": (lambda z: math.log1p(math.exp(z)), logistic),
    "relu": (lambda z: max(z, 0.0), lambda z: float(z > 0)),
}


def unit_by_unit(x, edges, activations, outputs, weights, biases, incoming):
    """Values of the outputs, and gradients of their sum weighted with `incoming`, for one example, in plain Python."""
    values = dict(enumerate(x))
    sums = {}
    for unit in sorted(activations):
        sums[unit] = biases[unit] + sum(weights[j, i] * values[j] for j, i in edges if i == unit)
        values[unit] = FUNCTIONS[activations[unit]][0](sums[unit])
    slopes = dict.fromkeys(values, 0.0)
    for output, g in zip(outputs, incoming, strict=True):
        slopes[output] += g
    d_weights, d_biases = {}, {}
    for unit in sorted(activations, reverse=True):
        d_biases[unit] = slopes[unit] * FUNCTIONS[activations[unit]][1](sums[unit])
        for j, i in edges:
            if i == unit:
                d_weights[j, i] = d_biases[unit] * values[j]
                slopes[j] += d_biases[unit] * weights[j, i]
    return [values[unit] for unit in outputs], d_weights, d_biases, [slopes[unit] for unit in range(len(x))]


@st.composite
def networks(draw):
    inputs = draw(st.integers(1, 4))
    size = inputs + draw(st.integers(1, 9))
    edges = set()
    for unit in range(inputs, size):
        edges |= {(j, unit) for j in draw(st.sets(st.integers(0, unit - 1), min_size=1, max_size=5))}
    leaving = {j for j, _ in edges}
    last = [unit for unit in range(inputs, size) if unit not in leaving]
    more = draw(st.sets(st.sampled_from([unit for unit in range(size) if unit not in last] or last), max_size=3))
    outputs = draw(st.permutations(sorted({*last, *more})))
    activations = {unit: draw(st.sampled_from(sorted(FUNCTIONS))) for unit in range(inputs, size)}
    return inputs, draw(st.permutations(sorted(edges))), activations, tuple(outputs)


@given(networks(), st.integers(0, 2**32 - 1))
@settings(max_examples=60)
def test_values_and_gradients_equal_those_of_a_loop_over_units(described, seed):
    inputs, edges, activations, outputs = described
    rng = np.random.default_rng(seed)
    weights = {edge: rng.normal() for edge in edges}
    biases = {unit: rng.normal() for unit in activations}
    batch = 3
    x, incoming = rng.normal(size=(batch, inputs)), rng.normal(size=(batch, len(outputs)))

    units = Units(inputs, edges, activations, outputs)
    network = Network(units, inputs=inputs, dtype="float64")
    context = Context(training=True, batch=batch, dtype="float64")
    output = network.build(context, **network.declare_inputs(context))["output"]
    loss = sum_(output * context.builder.constant(incoming))
    graph = context.builder.finish({"loss": loss, "output": output})
    parameters = units.unit_parameters(weights, biases)
    assert parameters.keys() == network.parameters.keys()
    found = compile(differentiate(graph, [*network.parameters, "x"], of="loss"))(x=x, **parameters)
    d_weights, d_biases = units.by_unit({path: found[f"d loss / d {path}"] for path in network.parameters})

    expected = [
        unit_by_unit(row, edges, activations, outputs, weights, biases, g) for row, g in zip(x, incoming, strict=True)
    ]
    np.testing.assert_allclose(found["output"], [one[0] for one in expected], rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(found["d loss / d x"], [one[3] for one in expected], rtol=1e-10, atol=1e-10)
    for edge in edges:
        assert d_weights[edge] == pytest.approx(sum(one[1][edge] for one in expected), rel=1e-10, abs=1e-10)
    for unit in activations:
        assert d_biases[unit] == pytest.approx(sum(one[2][unit] for one in expected), rel=1e-10, abs=1e-10)


def test_xor_of_step_units():
    # Unit 2: at least one input is 1. Unit 3: both are. Unit 4: the first without the second.
    units = Units(2, XOR, "step")
    weights = {(0, 2): 1, (1, 2): 1, (0, 3): 1, (1, 3): 1, (2, 4): 1, (3, 4): -1}
    parameters = units.unit_parameters(weights, {2: -0.5, 3: -1.5, 4: -0.5})
    program = compile(Network(units, inputs=2, dtype="float64").graph(batch=4))
    found = program(x=[[0, 0], [0, 1], [1, 0], [1, 1]], **parameters)["output"]
    np.testing.assert_array_equal(found, [[0], [1], [1], [0]])


def test_one_product_for_each_depth():
    edges = [(j, i) for i in range(3, 8) for j in range(3)] + [(i, 8) for i in range(3, 8)] + [(0, 9), (8, 9)]
    units = Units(3, edges, ["tanh", "relu", "tanh", "relu", "sigmoid", "identity", "tanh"])
    graph = Network(units, inputs=3).graph()
    names = [node.op.name for node in graph.nodes]
    assert names.count("contraction") == 3
    assert (names.count("relu"), names.count("sigmoid")) == (1, 1)
    assert names.count("tanh") == 2  # units 3 and 5 at once


def test_parameters_by_edge_and_unit_round_trip():
    units = Units(2, XOR, {2: "tanh", 3: "relu", 4: "identity"}, name="net")
    network = Network([units, Dense(1)], inputs=2, dtype="float64")
    drawn = network.initialize(4)
    weights, biases = units.by_unit(drawn, path="net")
    assert set(weights) == set(XOR) and set(biases) == {2, 3, 4}
    for path, array in units.unit_parameters(weights, biases, path="net").items():
        np.testing.assert_array_equal(array, drawn[path])


def test_weights_without_an_edge_start_and_stay_at_zero():
    units = Units(2, [(0, 2), (1, 3), (0, 3), (2, 4), (3, 4)], "tanh")
    network = Network(units, inputs=2, dtype="float64")
    drawn = network.initialize(0)
    first = drawn["units_1/level_1/weight"]
    assert first[1, 0] == 0 and np.count_nonzero(first) == 3
    context = Context(training=True, batch=2, dtype="float64")
    loss = sum_(network.build(context, **network.declare_inputs(context))["output"])
    gradient = differentiate(context.builder.finish({"loss": loss}), "units_1/level_1/weight")
    found = compile(gradient)(x=[[1.0, 2.0], [3.0, 4.0]], **drawn)["d loss / d units_1/level_1/weight"]
    assert found[1, 0] == 0 and np.count_nonzero(found) == 3


def test_each_unit_starts_as_its_edges_and_activation_ask():
    inputs = 400
    edges = [(j, inputs) for j in range(inputs)] + [(j, inputs + 1) for j in range(100)]
    drawn = Network(Units(inputs, edges, "relu"), inputs=inputs).initialize(0)["units_1/level_1/weight"]
    assert np.std(drawn[:, 0]) == pytest.approx(math.sqrt(2 / 400), rel=0.2)
    assert np.std(drawn[:100, 1]) == pytest.approx(math.sqrt(2 / 100), rel=0.3)
    mixed = Network(Units(2, XOR, ["relu", "tanh", "identity"]), inputs=2).parameters
    initializers = mixed["units_1/level_1/weight"].initializer.initializers
    assert initializers[0] == HeNormal() and initializers[1] != HeNormal()
    chosen = Network(Units(2, XOR, "tanh", initializer=0.25, bias_initializer=0.1), inputs=2)
    assert set(chosen.initialize()["units_1/level_2/bias"].tolist()) == {np.float32(0.1)}
    assert chosen.parameters["units_1/level_2/bias"].initializer == Constant(0.1)
    assert not Network(Units(2, XOR, bias=False), inputs=2).parameters.keys() & {"units_1/level_1/bias"}


def test_outputs_are_columns_in_the_order_given():
    units = Units(2, XOR, "identity", outputs=[4, 0, 3])
    parameters = units.unit_parameters({(0, 2): 1, (1, 3): 10, (2, 4): 1, (3, 4): 1})
    program = compile(Network(units, inputs=2).graph())
    np.testing.assert_array_equal(program(x=[[2, 3]], **parameters)["output"], [[32, 2, 30]])


def test_resized_to_another_batch():
    network = Network(Units(2, XOR, ["tanh", "relu", "identity"], outputs=[2, 4]), inputs=2)
    assert resize(network.graph(batch=4), batch=1) == network.graph(batch=1)


@pytest.mark.parametrize(
    ("edges", "keywords", "told"),
    [
        ([], {}, "needs edges"),
        ([(0, 2), (2, 2)], {}, r"can not take its own value: got edge \(2, 2\)"),
        (
            [(0, 2), (2, 3), (3, 4), (4, 2)],
            {},
            r"form a cycle: got (2 -> 3 -> 4 -> 2|3 -> 4 -> 2 -> 3|4 -> 2 -> 3 -> 4)",
        ),
        ([(0, 3), (3, 2)], {}, r"smaller number: got edge \(3, 2\), expected j < i"),
        ([(0, 1), (1, 2)], {}, r"an input can not take a value from a unit: got edge \(0, 1\)"),
        ([(0, 2), (0, 2)], {}, r"given twice: got \(0, 2\)"),
        ([(0, 2, 1)], {}, "not an edge"),
        ([(-1, 2)], {}, "not an edge"),
        ([(0, "h")], {}, "not an edge"),
        ([(0, 2), (0, 4)], {}, "depends on no input: got unit 3"),
        ([(0, 2), (3, 4), (2, 4)], {}, "depends on no input: got unit 3"),
        ([(0, 2), (0, 3)], {"outputs": [3]}, "no output depends on a unit: got unit 2"),
        ([(0, 2), (2, 3), (0, 4)], {"outputs": [4]}, "no output depends on a unit: got unit 2"),
        ([(0, 2)], {"outputs": [3]}, r"outputs do not fit the units: got \[3\]"),
        ([(0, 2)], {"outputs": [2, 2]}, "outputs do not fit"),
        ([(0, 2)], {"outputs": 5}, "outputs do not fit the units: got 5"),
        ([0, 2], {}, "not an edge"),
        ([(0, 2)], {"outputs": []}, "outputs do not fit"),
        ([(0, 2), (0, 3)], {"activations": ["tanh"]}, "got 1, expected 2: one for each of the units 2 to 3"),
        ([(0, 2), (0, 3)], {"activations": {2: "tanh"}}, "unit 3 without"),
        ([(0, 2)], {"activations": {2: "tanh", 7: "tanh"}}, "unit 7 unknown"),
        ([(0, 2)], {"activations": ["tnah"]}, "unit 2: no activation is called 'tnah'. Did you mean 'tanh'"),
        ([(0, 2)], {"initializer": "he"}, "no initializer is called 'he'"),
        ([(0, 2)], {"inputs": 0}, "not a number of inputs"),
    ],
)
def test_what_is_no_feed_forward_network(edges, keywords, told):
    with pytest.raises(UsageError, match=told):
        Units(**{"inputs": 2, "edges": edges} | keywords)


def test_wrong_width_and_unknown_edges():
    with pytest.raises(ShapeError, match=r"units_1: other inputs: got float32\[batch=2, 3\], expected \[batch, 2\]"):
        Network(Units(2, XOR), inputs=3)
    with pytest.raises(UsageError, match=r"no such edges or units: got \(0, 4\), 7"):
        Units(2, XOR).unit_parameters({(0, 4): 1.0}, {7: 1.0})
    with pytest.raises(UsageError, match="no such edges or units"):
        Units(2, XOR, bias=False).unit_parameters({}, {2: 1.0})


def test_a_deep_chain_with_edges_from_everywhere():
    size = 40
    edges = list(itertools.combinations(range(size), 2))[1:]
    units = Units(2, edges, "tanh")
    assert len(units.levels) == size - 2
    weights = {edge: 0.1 for edge in edges}
    values = [0.5, -0.25]
    for _ in range(2, size):
        values.append(math.tanh(0.1 * sum(values)))
    found = compile(Network(units, inputs=2, dtype="float64").graph())(x=[values[:2]], **units.unit_parameters(weights))
    assert found["output"][0, 0] == pytest.approx(values[-1], rel=1e-12)
