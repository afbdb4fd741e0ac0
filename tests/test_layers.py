"""Layers: what they compute, their gradients, their random numbers, and what they refuse."""

from __future__ import annotations

import functools
import math

import numpy as np
import pytest
from scipy import stats

from pellucid.errors import DataError, GraphError, ShapeError, UsageError
from pellucid.executors.program import compile
from pellucid.graph.context import Context
from pellucid.graph.differentiate import differentiate
from pellucid.graph.resize import resize
from pellucid.graph.text import parse
from pellucid.graph.types import Axis, float32, float64, int32, int64
from pellucid.nn.branches import Concatenate, ConcatenateShortcut, InputToAll, Sequential, Shortcut, Sum
from pellucid.nn.layers import Activation, Dense, Embedding, Flatten, LayerNorm
from pellucid.nn.network import Layer, Network
from pellucid.nn.noise import Dropout, GaussianNoise
from pellucid.nn.units import Units
from pellucid.ops.activations import leaky_relu, tanh
from pellucid.ops.functions import exp
from pellucid.ops.joins import concatenate
from pellucid.ops.reductions import sum as sum_

MASK = np.array([[1, 0, 1], [0, 1, 1], [1, 1, 0], [0, 0, 1]])
RANDOM = {"random_uniform", "random_normal", "bernoulli_mask"}
SHARED = Dense(4, "tanh")

NUMBERS = {"x": 4}
IMAGE = {"x": float64[2, 2]}
INDEX, INDICES = {"x": int32[()]}, {"x": int64[3]}

# Every layer, in a network that is smooth wherever it is drawn.
NETWORKS = {
    "dense": ([Dense(3, "tanh"), Dense(2)], NUMBERS),
    "dense without bias": ([Dense(3, "sigmoid", bias=False)], NUMBERS),
    "masked": ([Dense(3, "tanh", mask=MASK)], NUMBERS),
    "weight noise": ([Dense(3, "tanh", weight_noise=0.3), Dense(1, weight_noise=0.0)], NUMBERS),
    "activation": ([Dense(3), Activation("leaky_relu", alpha=0.2), Activation(exp)], NUMBERS),
    "softmax": ([Dense(3, "softmax")], NUMBERS),
    "dropout": ([Dense(6, "tanh"), Dropout(0.4), Dense(2)], NUMBERS),
    "input noise": ([GaussianNoise(0.5), Dense(2, "tanh")], NUMBERS),
    "embedding": ([Embedding(5, 3), Dense(2, "tanh")], INDEX),
    "embedding of columns": ([Embedding((5, 4, 7), (1, 2, 3)), Dense(2, "tanh")], INDICES),
    "embedding, one table": ([Embedding(4, 2), Dense(2, "tanh")], INDICES),
    "layer norm": ([Dense(5, "tanh"), LayerNorm(), Dense(2)], NUMBERS),
    "flatten": ([Flatten(), Dense(2, "tanh")], IMAGE),
    "sequential": (Sequential([Dense(3, "tanh"), Sequential([Dense(2), Dense(2)])]), NUMBERS),
    "shortcut": ([Shortcut([Dense(5, "tanh"), Dense(4)]), Dense(1)], NUMBERS),
    "projected shortcut": (Shortcut(Dense(3, "tanh"), projection=True), NUMBERS),
    "shared": ([SHARED, SHARED, Shortcut(SHARED), Sequential([SHARED])], NUMBERS),
    "concatenate shortcut": ([ConcatenateShortcut(Dense(2, "tanh")), ConcatenateShortcut(Dense(3, "tanh"))], NUMBERS),
    "input to all": (InputToAll([Dense(3, "tanh"), Dense(2, "tanh"), Dense(1)]), NUMBERS),
    "concatenate": (Concatenate([Dense(2), [Dense(3, "tanh"), Dense(2)], lambda context, x: x * x]), NUMBERS),
    "sum": (Sum([Dense(2), [Dense(3, "tanh"), Dense(2)]]), NUMBERS),
    "units": (Units(4, [(0, 4), (1, 4), (1, 5), (2, 5), (3, 6), (4, 6), (5, 7), (6, 7), (0, 7)]), NUMBERS),
}
every_layer = pytest.mark.parametrize("case", NETWORKS)


def network_of(case: str, dtype: str = "float64") -> Network:
    body, inputs = NETWORKS[case]
    inputs = {
        name: float32[2, 2] if type is IMAGE["x"] and dtype == "float32" else type for name, type in inputs.items()
    }
    return Network(body, inputs=inputs, dtype=dtype)


def example(network: Network, batch: int, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    shapes = {name: (type.dtype, (batch, *type.shape)) for name, type in network.inputs.items()}
    return {
        name: rng.normal(size=shape) if dtype.is_float else rng.integers(0, 4, shape)
        for name, (dtype, shape) in shapes.items()
    }


def run(
    network: Network, training: bool = False, parameters=None, settings=None, step: int = 0, seed: int = 7, **inputs
):
    graph = network.graph(batch=len(next(iter(inputs.values()))), training=training)
    given = {**network.settings, **(settings or {}), "seed": seed, "step": step}
    given = {**inputs, **given, **(network.initialize(3) if parameters is None else parameters)}
    return compile(graph)(**{name: given[name] for name in graph.inputs})


# -- what every layer does -------------------------------------------------------------------------------------------


@every_layer
def test_gradients_equal_finite_differences(case):
    network = network_of(case)
    context = Context(training=True, batch=3, dtype="float64")
    output = network.build(context, **network.declare_inputs(context))["output"]
    rng = np.random.default_rng(1)
    loss = sum_(output * context.builder.constant(rng.normal(size=output.shape)))
    graph = context.builder.finish({"loss": loss})
    given = {**example(network, 3), **network.initialize(0), **network.settings, "seed": 5, "step": 2}
    given = {name: np.array(given[name], graph.inputs[name].type.dtype.numpy) for name in graph.inputs}
    # Not the rates: the mask jumps where one changes.
    wrt = [name for name, node in graph.inputs.items() if node.type.dtype.is_float and not name.endswith("rate")]
    gradient = compile(differentiate(graph, wrt))(**given)
    program = compile(graph)
    for name in wrt:
        # The directional derivative along a random direction, by a central difference.
        direction = rng.normal(size=given[name].shape)
        ends = [program(**given | {name: given[name] + h * direction})["loss"] for h in (1e-5, -1e-5)]
        expected = (ends[0] - ends[1]) / 2e-5
        found = np.sum(gradient[f"d loss / d {name}"] * direction)
        assert found == pytest.approx(expected, rel=1e-6, abs=1e-8), name


@every_layer
def test_resized_and_built_graphs_are_the_same(case):
    network = network_of(case)
    for training in (False, True):
        graph = network.graph(batch=4, training=training)
        assert resize(graph, batch=1) == network.graph(batch=1, training=training)
        assert parse(str(graph)) == graph


@every_layer
def test_examples_do_not_know_of_each_other(case):
    network = network_of(case)
    inputs = example(network, 4)
    together = run(network, **inputs)["output"]
    for row in range(4):
        alone = run(network, **{name: array[row : row + 1] for name, array in inputs.items()})["output"]
        np.testing.assert_allclose(alone[0], together[row], rtol=1e-13, atol=1e-13)


@every_layer
def test_float32_is_near_float64(case):
    wide, narrow = network_of(case), network_of(case, "float32")
    inputs = example(wide, 4)
    for training in (False, True):
        expected, found = (run(network, training, **inputs)["output"] for network in (wide, narrow))
        assert (expected.dtype, found.dtype) == (np.float64, np.float32)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@every_layer
def test_prediction_has_nothing_random(case):
    network = network_of(case)
    graph = network.graph()
    assert not RANDOM & {node.op.name for node in graph.nodes}
    assert set(graph.inputs) == {"x", *network.parameters}


# -- dense -----------------------------------------------------------------------------------------------------------


def test_dense_computes_weighted_sums():
    network = Network([Dense(3, "tanh")], inputs=2, dtype="float64")
    x = np.array([[1.0, -2.0], [0.5, 3.0]])
    w, b = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), np.array([0.5, -0.5, 0.0])
    found = run(network, parameters={"dense_1/weight": w, "dense_1/bias": b}, x=x)["output"]
    expected = [[math.tanh(sum(x[n, i] * w[i, o] for i in range(2)) + b[o]) for o in range(3)] for n in range(2)]
    np.testing.assert_allclose(found, expected, rtol=1e-14)


@pytest.mark.parametrize(
    "activation",
    [
        functools.partial(leaky_relu, alpha=0.3),
        lambda z: leaky_relu(z, alpha=0.3),
        Activation("leaky_relu", alpha=0.3),
        Activation(leaky_relu, alpha=0.3),
    ],
)
def test_activations_with_parameters(activation):
    network = Network([Dense(1, activation, bias=False)], inputs=1, dtype="float64")
    found = run(network, parameters={"dense_1/weight": [[1.0]]}, x=np.array([[-2.0], [2.0]]))["output"]
    np.testing.assert_array_equal(found, [[-0.6], [2.0]])


def test_an_activation_may_learn():
    class Scale(Layer):
        name = "scale"

        def build(self, context, *inputs):
            return context.parameter("factor", (), 2.0, kind="other") * inputs[0]

    network = Network([Dense(1, Scale())], inputs=1)
    assert "dense_1/scale/factor" in network.parameters


def test_nodes_are_named_after_their_layers():
    graph = Network([Dense(4, "tanh", name="hidden"), Dense(1)], inputs=2).graph()
    paths = [node.path for node in graph.nodes]
    assert {"hidden/weight", "hidden/bias", "hidden/pre_activation", "hidden/tanh", "dense_1/weight", "output"} <= set(
        paths
    )


def test_masked_weights_do_nothing_and_do_not_learn():
    network = Network([Dense(3, mask=MASK)], inputs=4, dtype="float64")
    drawn = network.initialize(0)["dense_1/weight"]
    assert (drawn[MASK == 0] == 0).all() and (drawn[MASK == 1] != 0).all()
    x = np.random.default_rng(0).normal(size=(2, 4))
    filled = np.random.default_rng(1).normal(size=(4, 3))
    found = run(network, parameters={"dense_1/weight": filled, "dense_1/bias": np.zeros(3)}, x=x)["output"]
    np.testing.assert_allclose(found, x @ np.where(MASK, filled, 0), rtol=1e-14)


def test_kinds_tell_regularizers_what_is_a_weight():
    body = [Embedding(3, 4), LayerNorm(), Shortcut(Dense(2), projection=True)]
    found = {p.path: p.kind for p in Network(body, inputs={"x": int32[()]}).parameters.values()}
    assert found == {
        "embedding_1/weight": "weight",
        "layer_norm_1/gain": "other",
        "layer_norm_1/shift": "other",
        "shortcut_1/dense_1/weight": "weight",
        "shortcut_1/dense_1/bias": "bias",
        "shortcut_1/projection": "weight",
    }


# -- noise -----------------------------------------------------------------------------------------------------------


def test_dropout_drops_and_scales():
    network = Network([Dropout(0.3)], inputs=500, dtype="float64")
    x = np.full((400, 500), 3.0)
    found = run(network, training=True, x=x)["output"]
    assert set(np.unique(found).tolist()) == {0.0, 3.0 / 0.7}
    dropped = int((found == 0).sum())
    assert stats.binomtest(dropped, found.size, 0.3).pvalue > 1e-5
    assert found.mean() == pytest.approx(3.0, rel=0.01)
    for axis in (0, 1):  # rows and columns are dropped alike
        rates = (found == 0).mean(axis=axis)
        assert abs(rates - 0.3).max() < 6 * math.sqrt(0.21 / found.shape[axis])


def test_dropout_depends_on_seed_step_and_place():
    network = Network([Dropout(0.5)], inputs=64, dtype="float64")
    x = np.ones((2, 64))
    first = run(network, training=True, x=x)["output"]
    np.testing.assert_array_equal(first, run(network, training=True, x=x)["output"])
    for other in (dict(seed=8), dict(step=1)):
        assert not np.array_equal(first, run(network, training=True, x=x, **other)["output"])
    two = Network([Dropout(0.5), Dropout(0.5)], inputs=64, dtype="float64")
    assert 0.1 < (run(two, training=True, x=x)["output"] != 0).mean() < 0.4


@pytest.mark.parametrize("layer", [Dropout(0.5), GaussianNoise(1.0)])
def test_noise_used_in_two_places_differs(layer):
    def body(context, x):
        return {"left": layer(context, x), "right": layer(context, x)}

    found = run(Network(body, inputs=64), training=True, x=np.ones((2, 64)))
    assert not np.array_equal(found["left"], found["right"])


def test_weight_noise_of_a_layer_used_twice_differs():
    layer = Dense(4, weight_noise=0.1)

    def body(context, x):
        return {"left": layer(context, x), "right": layer(context, x)}

    network = Network(body, inputs=4)
    found = run(network, training=True, x=np.ones((2, 4)))
    assert not np.array_equal(found["left"], found["right"])
    assert len(network.parameters) == 2 and list(network.settings) == ["dense_1/weight_noise"]


def test_rates_are_settings():
    network = Network([Dropout(0.0), GaussianNoise(0.0, name="noise"), Dropout(0.25)], inputs=8)
    assert network.settings == {"dropout_1/rate": 0.0, "noise/std": 0.0, "dropout_2/rate": 0.25}
    x = np.random.default_rng(0).normal(size=(3, 8)).astype(np.float32)
    off = dict.fromkeys(network.settings, 0.0)
    np.testing.assert_array_equal(run(network, training=True, settings=off, x=x)["output"], x)
    assert not np.array_equal(run(network, training=True, x=x)["output"], x)


def test_gaussian_noise_is_normal_and_leaves_the_mean():
    network = Network([GaussianNoise(0.5)], inputs=300, dtype="float64")
    x = np.full((200, 300), 2.0)
    found = run(network, training=True, x=x)["output"].ravel()
    assert stats.kstest(found, stats.norm(2.0, 0.5).cdf).pvalue > 1e-4


def test_weight_noise_is_one_draw_for_all_examples():
    network = Network([Dense(200, bias=False, weight_noise=0.5)], inputs=200, dtype="float64")
    zero = {"dense_1/weight": np.zeros((200, 200))}
    weights = run(network, training=True, parameters=zero, x=np.eye(200))["output"]
    assert stats.kstest(weights.ravel(), stats.norm(0, 0.5).cdf).pvalue > 1e-4
    same = run(network, training=True, parameters=zero, x=np.ones((2, 200)))["output"]
    np.testing.assert_array_equal(same[0], same[1])


def test_prediction_is_that_of_a_network_without_noise():
    noisy = Network([GaussianNoise(0.1), Dense(4, "tanh", weight_noise=0.1), Dropout(0.5), Dense(1)], inputs=3)
    plain = Network([Dense(4, "tanh"), Dense(1)], inputs=3)
    assert noisy.graph(batch=2) == plain.graph(batch=2)


def test_what_is_dropped_may_be_infinite():
    network = Network([Dropout(0.5)], inputs=64)
    found = run(network, training=True, x=np.full((1, 64), np.inf))["output"]
    assert set(np.unique(found).tolist()) == {0.0, math.inf}


# -- embedding, normalization, shapes --------------------------------------------------------------------------------


def test_embedding_takes_rows():
    table = np.arange(12.0).reshape(4, 3)
    network = Network([Embedding(4, 3)], inputs={"x": int32[()]}, dtype="float64")
    found = run(network, parameters={"embedding_1/weight": table}, x=np.array([2, 0, 2]))["output"]
    np.testing.assert_array_equal(found, table[[2, 0, 2]])
    columns = Network([Embedding(4, 3)], inputs={"x": int32[2]}, dtype="float64")
    found = run(columns, parameters={"embedding_1/weight": table}, x=np.array([[1, 3]]))["output"]
    np.testing.assert_array_equal(found, [[3, 4, 5, 9, 10, 11]])


def test_embedding_of_columns_has_a_table_for_each():
    network = Network([Embedding((2, 3), (1, 2))], inputs={"x": int64[2]}, dtype="float64")
    tables = {"embedding_1/weight_1": [[1], [2]], "embedding_1/weight_2": [[10, 11], [20, 21], [30, 31]]}
    found = run(network, parameters=tables, x=np.array([[1, 2], [0, 0]]))["output"]
    np.testing.assert_array_equal(found, [[2, 30, 31], [1, 10, 11]])
    assert Network([Embedding((2, 3), 4)], inputs={"x": int64[2]}).outputs == {"output": float32[8]}


@pytest.mark.parametrize("index", [-1, 4])
def test_embedding_refuses_an_unknown_category(index):
    network = Network([Embedding(4, 3)], inputs={"x": int32[()]})
    with pytest.raises(DataError, match=f"got {index}, expected 0 to 3"):
        run(network, x=np.array([index]))


def test_layer_norm_centres_and_scales_each_example():
    network = Network([LayerNorm(epsilon=1e-3)], inputs=6, dtype="float64")
    x = np.random.default_rng(0).normal(3.0, 5.0, (4, 6))
    gain, shift = np.arange(1.0, 7.0), np.arange(6.0)
    found = run(network, parameters={"layer_norm_1/gain": gain, "layer_norm_1/shift": shift}, x=x)["output"]
    for row, result in zip(x, found, strict=True):
        spread = math.sqrt(math.fsum((value - math.fsum(row) / 6) ** 2 for value in row) / 6 + 1e-3)
        expected = [(value - math.fsum(row) / 6) / spread * gain[i] + shift[i] for i, value in enumerate(row)]
        np.testing.assert_allclose(result, expected, rtol=1e-12, atol=1e-12)
    fresh = run(network, x=x)["output"]
    np.testing.assert_allclose(fresh.mean(axis=1), 0, atol=1e-12)
    assert not run(network, x=np.full((1, 6), 5.0))["output"].any()


def test_flatten_keeps_the_order():
    network = Network([Flatten()], inputs={"x": float32[2, 3]})
    x = np.arange(12.0).reshape(2, 2, 3)
    np.testing.assert_array_equal(run(network, x=x)["output"], x.reshape(2, 6))


# -- branches --------------------------------------------------------------------------------------------------------


def identity_weights(network: Network) -> dict[str, np.ndarray]:
    return {
        path: np.eye(*p.type.shape) if len(p.type.shape) == 2 else np.zeros(p.type.shape)
        for path, p in network.parameters.items()
    }


def test_shortcuts_add_and_concatenate():
    x = np.array([[1.0, 2.0]])
    twice = Network(Shortcut(Dense(2)), inputs=2)
    np.testing.assert_array_equal(run(twice, parameters=identity_weights(twice), x=x)["output"], [[2, 4]])
    beside = Network(ConcatenateShortcut(Activation(lambda z: 10 * z)), inputs=2)
    np.testing.assert_array_equal(run(beside, x=x)["output"], [[1, 2, 10, 20]])
    wider = Network(Shortcut(Dense(3), projection=True), inputs=2)
    np.testing.assert_array_equal(run(wider, parameters=identity_weights(wider), x=x)["output"], [[2, 4, 0]])
    same = Network(Shortcut(Dense(2), projection=True), inputs=2)
    assert "shortcut_1/projection" not in same.parameters


def test_input_to_all_puts_the_input_behind():
    seen = []

    def spy(context, value):
        seen.append(int(value.shape[1]))
        return value * 10

    network = Network(InputToAll([spy, spy, spy]), inputs=2)
    found = run(network, x=np.array([[1.0, 2.0]]))["output"]
    np.testing.assert_array_equal(found, [[1000, 2000, 100, 200, 10, 20]])
    assert seen[:3] == [2, 4, 6]


def test_branches_side_by_side():
    x = np.array([[1.0, 2.0]])
    branches = [lambda context, x: x, [Activation(lambda z: 10 * z)]]
    np.testing.assert_array_equal(run(Network(Concatenate(branches), inputs=2), x=x)["output"], [[1, 2, 10, 20]])
    np.testing.assert_array_equal(run(Network(Sum(branches), inputs=2), x=x)["output"], [[11, 22]])
    np.testing.assert_array_equal(run(Network(Concatenate([Activation("relu")]), inputs=2), x=x)["output"], x)


def test_a_function_builds_any_shape_of_network():
    shared, first, second = Dense(3, "tanh", name="shared"), Dense(3, "tanh"), Dense(2)

    def body(context, left, right):
        a, b = shared(context, left), shared(context, right)
        c = first(context, concatenate([a, b], axis=1))
        return {"difference": second(context, c + a), "inner": c}  # a shortcut from far back, and two outputs

    network = Network(body, inputs={"left": 4, "right": 4}, dtype="float64")
    assert list(network.parameters) == [
        "shared/weight", "shared/bias", "dense_1/weight", "dense_1/bias", "dense_2/weight", "dense_2/bias",
    ]  # fmt: skip
    assert network.outputs == {"difference": float64[2], "inner": float64[3]}
    p = network.initialize(0)
    left, right = np.random.default_rng(0).normal(size=(2, 5, 4))
    found = run(network, parameters=p, left=left, right=right)
    a, b = (np.tanh(x @ p["shared/weight"] + p["shared/bias"]) for x in (left, right))
    c = np.tanh(np.hstack([a, b]) @ p["dense_1/weight"] + p["dense_1/bias"])
    np.testing.assert_allclose(found["inner"], c, rtol=1e-13)
    np.testing.assert_allclose(found["difference"], (c + a) @ p["dense_2/weight"] + p["dense_2/bias"], rtol=1e-12)


def test_a_layer_used_anywhere_again_shares_its_parameters():
    shared = Dense(4)
    inside = Sequential([shared, Dense(4)], name="inside")
    network = Network([inside, shared, Sequential([shared]), Shortcut([inside, shared])], inputs=4, dtype="float64")
    paths = ["inside/dense_1/weight", "inside/dense_1/bias", "inside/dense_2/weight", "inside/dense_2/bias"]
    assert list(network.parameters) == paths
    equal = Network([Dense(4), Dense(4)], inputs=4)
    assert len(equal.parameters) == 4


# -- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: Dense(0), "Dense: units is not a count: got 0"),
        (lambda: Dense(2.5), "units is not a count"),
        (lambda: Dense(3, "rleu"), "no activation is called 'rleu'. Did you mean 'relu'"),
        (lambda: Dense(3, "add"), "no activation is called 'add'"),
        (lambda: Dense(3, 5), "not an activation: got 5"),
        (lambda: Dense(3, weight_noise=-1.0), "weight_noise: out of range: got -1.0"),
        (lambda: Dense(3, mask=[[1, 0, 2]]), "not a mask"),
        (lambda: Dense(3, mask=[1, 0, 1]), "not a mask"),
        (lambda: Activation("tnah"), "Did you mean 'tanh'"),
        (lambda: Dropout(1.0), "not a dropout rate: got 1.0, expected 0 <= rate < 1"),
        (lambda: Dropout(-0.1), "not a dropout rate"),
        (lambda: Dropout("0.5"), "not a dropout rate"),
        (lambda: Dropout(math.nan), "not a dropout rate"),
        (lambda: GaussianNoise(-0.1), "GaussianNoise: out of range"),
        (lambda: GaussianNoise(math.inf), "GaussianNoise: out of range"),
        (lambda: Embedding(0, 3), "Embedding: categories is not a count"),
        (lambda: Embedding((3, 4), (1, 2, 3)), "2 columns and 3 numbers of units"),
        (lambda: Embedding((), 3), "0 columns"),
        (lambda: Embedding(2.5, 3), "categories is not a count: got 2.5"),
        (lambda: Embedding(2, (3, 4)), "units is not a count"),
        (lambda: LayerNorm(-1e-5), "LayerNorm, epsilon: out of range"),
        (lambda: Sequential([]), "Sequential: not layers"),
        (lambda: Sum(Dense(3)), "Sum: not layers"),
        (lambda: Network([Dense(2), "tanh"], inputs=2), "not the body of a network"),
        (lambda: Network([Dense(2, lambda z: 1.0)], inputs=2), "an activation returns a graph value"),
        (lambda: Network(lambda context, x, y: Dense(2)(context, x, y), inputs={"x": 2, "y": 2}), "takes one value"),
    ],
)
def test_impossible_settings(make, told):
    with pytest.raises(UsageError, match=told):
        make()


@pytest.mark.parametrize(
    ("body", "inputs", "told"),
    [
        (Dense(2), {"x": float32[2, 2]}, r"dense_1: .*got float32\[batch=2, 2, 2\].*Put Flatten before it"),
        (Dense(2), {"x": int32[2]}, r"dense_1: .*got int32\[batch=2, 2\].*Cast it"),
        (Dense(3, mask=MASK), 3, "dense_1: the mask does not fit the input: got 4 rows, expected 3"),
        (Dropout(0.5), {"x": int32[2]}, "dropout_1: noise can not be added: got int32"),
        (Embedding(3, 2), 2, r"embedding_1: an embedding takes the numbers of categories: got float32"),
        (Embedding((3, 3), 2), {"x": int32[3]}, r"embedding_1: other columns: got int32\[batch=2, 3\]"),
        (LayerNorm(), {"x": int32[3]}, "layer_norm_1: nothing to normalize"),
        (
            Shortcut(Dense(3)),
            2,
            r"shortcut_1: .*got float32\[batch=2, 2\] in and float32\[batch=2, 3\] out.*projection",
        ),
        (Sum([Dense(2), Dense(3)]), 2, "sum_1: branches of different shapes"),
        ([Dense(2), Sequential([Dense(3), Embedding(3, 2)])], 2, "sequential_1/embedding_1: an embedding"),
    ],
)
def test_inputs_that_do_not_fit(body, inputs, told):
    with pytest.raises(ShapeError, match=told):
        Network(body, inputs=inputs)


def test_two_layers_with_one_name():
    with pytest.raises(GraphError, match="two layers have the same name: got same"):
        Network([Dense(2, name="same"), Dense(2, name="same")], inputs=2)


def test_a_shared_layer_needs_inputs_of_one_size():
    layer = Dense(3)
    with pytest.raises(GraphError, match=r"a shared parameter is used with two shapes"):
        Network([layer, layer], inputs=2)


def test_a_batch_axis_keeps_its_name():
    context = Context(training=True, batch=Axis(8, "batch"))
    network = Network([Dense(4, tanh), Dropout(0.5), Concatenate([Dense(2), Dense(3)])], inputs=3)
    output = network.build(context, **network.declare_inputs(context))["output"]
    assert str(output.type) == "float32[batch=8, 5]"
