"""Worked examples with known results: forward values, gradients, updates, to the last digits."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest

import pellucid as pl
from pellucid.graph.context import Context, initial_state
from pellucid.graph.differentiate import build_gradients
from pellucid.optim.optimizers import optimizer
from pellucid.training.step import build_step

EXAMPLES: dict[str, Any] = json.loads(Path(__file__).with_name("worked_examples.json").read_text())
TESTED: dict[str, list[Callable]] = {}
SCALAR = pl.float64[()]


def worked(name: str, *others: str) -> Callable[[Callable], Callable]:
    """Say which examples a test works through; it takes the first as its argument ``example``."""

    def mark(test: Callable) -> Callable:
        for each in (name, *others):
            TESTED.setdefault(each, []).append(test)
        return pytest.mark.parametrize("example", [EXAMPLES[name]], ids=[name])(test)

    return mark


def assert_close(got: Any, expected: Any, what: str = "") -> None:
    got, expected = np.asarray(got, float), np.asarray(expected, float)
    assert got.shape == expected.shape, what
    worst = np.max(np.abs(got - expected) / np.maximum(1, np.abs(expected)), initial=0.0)
    assert worst <= 1e-12, f"{what}: got {got.tolist()}, expected {expected.tolist()}"


def assert_values(seen: Any, values: dict[str, Any]) -> None:
    for path, value in values.items():
        assert_close(seen[path].value, value, path)


def assert_gradients(seen: Any, gradients: dict[str, Any]) -> None:
    for path, gradient in gradients.items():
        assert_close(seen[path].gradient, gradient, f"gradient of {path}")


def assert_last_digits(got: float, true: Any, units: int) -> None:
    """Compare with a number of many digits, in units of the last place of the rounded one."""
    true = float(true)
    assert abs(got - true) <= units * np.spacing(abs(true)), (got, true)


# -- one number after the other -------------------------------------------------------------------------------


@worked("coin_toss")
def test_coin_toss(example):
    def nll(x, tosses):
        return -pl.sum(tosses * pl.log(x) + (1 - tosses) * pl.log(1 - x))

    seen = pl.observe(nll, x=0.5, tosses=example["tosses"])
    assert_values(seen, {"nll": example["nll_at_half"]})
    assert_gradients(seen, {"x": example["dnll_at_half"]})
    best = pl.observe(nll, x=example["mle"], tosses=example["tosses"])
    assert_close(best["x"].gradient, 0.0)
    for x in (0.5, 0.57, 0.58, 0.7):
        assert pl.observe(nll, x=x, tosses=example["tosses"])["nll"].value > best["nll"].value
    assert example["mle"] == sum(example["tosses"]) / len(example["tosses"])


@worked("add_mul_gate")
def test_add_and_multiply_gates(example):
    def f(x, y, z):
        q = x + y
        return q * z

    seen = pl.observe(f, x=example["x"], y=example["y"], z=example["z"])
    assert_values(seen, {"f": example["f"], "q": example["x"] + example["y"]})
    assert_gradients(seen, {"x": example["dx"], "y": example["dy"], "z": example["dz"], "q": example["dx"], "f": 1.0})
    found = pl.value_and_gradient(f)(x=example["x"], y=example["y"], z=example["z"])
    assert [float(found.gradient[name]) for name in "xyz"] == [example["dx"], example["dy"], example["dz"]]


@worked("logistic_gate")
def test_logistic_gate(example):
    def loss(w, x, y):
        z = w[0] + pl.sum(w[1:] * x)
        p = pl.sigmoid(z)
        return -(y * pl.log(p) + (1 - y) * pl.log(1 - p))

    seen = pl.observe(loss, w=example["w"], x=example["x"], y=1.0)
    assert_values(seen, {"z": example["z"], "p": example["p"], "loss": example["loss"]})
    assert_gradients(seen, {"p": example["dL_dp"], "z": example["dL_dz"], "w": example["dw"]})
    w_after = np.array(example["w"]) - 0.001 * seen["w"].gradient
    assert_close(w_after, example["w_after"])
    assert_values(pl.observe(loss, w=w_after, x=example["x"], y=1.0), {"p": example["p_after"]})


@worked("logistic_gate")
def test_logistic_gate_as_a_network_that_takes_one_step(example):
    network = pl.Network([pl.Dense(1)], inputs=2, dtype="float64")
    start = {"dense_1/weight": np.array(example["w"][1:])[:, None], "dense_1/bias": np.array(example["w"][:1])}
    found = step_once(network, start, x=[example["x"]], target=[1.0])
    assert_close(found["loss"], example["loss"])
    after = np.concatenate([found["dense_1/bias"], found["dense_1/weight"][:, 0]])
    assert_close(after, example["w_after"])


def step_once(network: pl.Network, parameters: dict[str, np.ndarray], rate: float = 0.001, **data: Any) -> dict:
    """Take one step of gradient descent on the binary cross-entropy."""
    loss = pl.loss("binary_cross_entropy")
    step = build_step(network, {"output": loss}, optimizer("gradient_descent", learning_rate=rate), batch=1)
    given = {**step.settings, **step.initial_state(parameters), **parameters, **data}
    target = data["target"] if step.graph.inputs["target"].type.ndim == 1 else [data["target"]]
    return pl.compile(step.graph)(**{**given, "target": target, step.form.weight: [1.0]})


@worked("cross_entropy_bits")
def test_cross_entropy_in_bits_and_nats(example):
    def cross_entropy(p):
        nats = -pl.log(p[example["target"]])
        return {"nats": nats, "bits": nats / math.log(2)}

    seen = pl.observe(cross_entropy, p=example["p"], of="nats")
    assert_values(seen, {"nats": example["nats"], "bits": example["bits"]})
    logits = np.log(example["p"])
    context = Context(training=True, batch=1, dtype="float64")
    output = context.input("output", pl.float64[context.batch, 3])
    target = context.input("target", pl.int64[(context.batch,)])
    each = pl.loss("softmax_cross_entropy").per_example(context, output, target)
    program = pl.compile(context.builder.finish({"loss": each}))
    given = {"output": logits[None], "target": [example["target"]]}
    settings = {name: context.settings[name] for name in program.graph.inputs if name in context.settings}
    assert_close(program(**given, **settings)["loss"], [example["nats"]])


# -- networks -------------------------------------------------------------------------------------------------


def forward(layers: list[pl.Layer], parameters: dict[str, Any], x: Any) -> dict[str, np.ndarray]:
    """Return every value of a network for one example, by path."""
    x = np.asarray(x, float)
    network = pl.Network(layers, inputs=len(x), dtype="float64")
    assert set(parameters) == set(network.parameters)
    given = {path: np.asarray(value, float) for path, value in parameters.items()}
    return pl.compile(network.graph(batch=1)).observe(x=x[None], **given)


@worked("one_hidden_layer_binary")
def test_one_hidden_layer_binary(example):
    values = forward(
        [pl.Dense(4, "sigmoid", name="hidden"), pl.Dense(1, "sigmoid", name="out")],
        {"hidden/weight": np.transpose(example["W"]), "hidden/bias": example["b"],
         "out/weight": np.transpose([example["u"]]), "out/bias": [example["c"]]},
        example["x"],
    )  # fmt: skip
    assert_close(values["hidden/pre_activation"], [example["z_in"]])
    assert_close(values["hidden/sigmoid"], [example["z_out"]])
    assert_close(values["out/pre_activation"], [[example["f_in"]]])
    assert_close(values["output"], [[example["f_out"]]])


@worked("one_hidden_layer_softmax")
def test_one_hidden_layer_softmax(example):
    hidden = EXAMPLES["one_hidden_layer_binary"]
    values = forward(
        [pl.Dense(4, "sigmoid", name="hidden"), pl.Dense(3, "softmax", name="out")],
        {"hidden/weight": np.transpose(hidden["W"]), "hidden/bias": hidden["b"],
         "out/weight": np.transpose(example["U"]), "out/bias": example["c"]},
        hidden["x"],
    )  # fmt: skip
    assert_close(values["out/pre_activation"], [example["f_in"]])
    assert_close(values["output"], [example["f_out"]])
    for row in range(3):
        seen = pl.observe(lambda z, row=row: pl.softmax(z)[row], z=example["f_in"])
        assert_close(seen["z"].gradient, example["jacobian"][row])


@worked("three_hidden_layers_relu")
def test_three_hidden_layers_of_rectifiers(example):
    layers = [pl.Dense(4, "relu", name=f"hidden_{number}") for number in range(3)]
    parameters = {"out/weight": np.transpose(example["U"]), "out/bias": example["c"]}
    for number in range(3):
        parameters[f"hidden_{number}/weight"] = np.transpose(example["W"][number])
        parameters[f"hidden_{number}/bias"] = example["b"][number]
    values = forward([*layers, pl.Dense(3, "softmax", name="out")], parameters, example["x"])
    for number in range(3):
        assert_close(values[f"hidden_{number}/pre_activation"], [example["z_in"][number]])
        assert_close(values[f"hidden_{number}/relu"], [example["z_out"][number]])
    assert_close(values["out/pre_activation"], [example["f_in"]])
    assert_close(values["output"], [example["f_out"]])


@worked("three_hidden_layers_relu")
def test_nothing_passes_back_through_a_rectifier_at_its_kink(example):
    at = example["z_in"][2].index(0.0)
    w, b = np.array(example["W"][2]), np.array(example["b"][2])
    seen = pl.observe(lambda h, w, b: pl.sum(pl.relu(w @ h + b)), h=example["z_out"][1], w=w, b=b)
    assert seen["b"].gradient.tolist() == [0.0, 1.0, 0.0, 1.0]
    assert seen["w"].gradient[at].tolist() == [0.0] * 4


def two_layers(w1, w2, x, y):
    i1 = w1 @ x
    o1 = pl.sigmoid(i1)
    i2 = w2 @ o1
    p = pl.sigmoid(i2)
    return -pl.sum(y * pl.log(p) + (1 - y) * pl.log(1 - p))


@worked("forward_backward_no_bias")
def test_forward_and_backward_without_bias(example):
    seen = pl.observe(two_layers, w1=example["W1"], w2=example["W2"], x=example["x"], y=[1.0])
    assert_values(seen, {"i1": example["I1"], "o1": example["O1"], "i2": example["I2"], "p": example["O2"]})
    assert_values(seen, {"two_layers": example["loss"]})
    assert_gradients(seen, {"w1": example["dW1"], "w2": example["dW2"]})
    p, o1 = np.array(example["O2"]), np.array(example["O1"])
    delta = (p - 1) * np.array(example["W2"][0])
    assert_gradients(seen, {"i2": p - 1, "p": -1 / p, "o1": delta, "i1": delta * o1 * (1 - o1)})


@worked("two_two_one")
def test_two_two_one(example):
    given = {"w1": example["W1"], "w2": [example["W2"]], "x": example["x"], "y": [1.0]}
    seen = pl.observe(two_layers, **given)
    assert_values(seen, {"o1": example["hidden"], "p": [example["p"]], "two_layers": example["loss"]})
    assert_gradients(seen, {"w1": example["dW1"], "w2": [example["dW2"]]})
    after = {name: np.array(given[name]) - 0.001 * seen[name].gradient for name in ("w1", "w2")}
    seen = pl.observe(two_layers, **{**given, **after})
    assert_values(seen, {"p": [example["p_after"]]})
    assert example["p"] < seen["p"].value[0] < 1


@worked("two_two_one")
def test_two_two_one_as_a_network_that_takes_one_step(example):
    layers = [pl.Dense(2, "sigmoid", bias=False), pl.Dense(1, bias=False)]
    network = pl.Network(layers, inputs=2, dtype="float64")
    start = {"dense_1/weight": np.transpose(example["W1"]), "dense_2/weight": np.array(example["W2"])[:, None]}
    found = step_once(network, start, x=[example["x"]], target=[1.0])
    assert_close(found["loss"], example["loss"])
    assert_close(start["dense_1/weight"] - found["dense_1/weight"], 0.001 * np.transpose(example["dW1"]))
    assert_close(start["dense_2/weight"] - found["dense_2/weight"], 0.001 * np.array(example["dW2"])[:, None])
    new = {path: found[path] for path in start}
    logit = pl.compile(network.graph(batch=1))(x=[example["x"]], **new)["output"]
    assert_close(1 / (1 + np.exp(-logit)), [[example["p_after"]]])


@worked("xor_step_network")
def test_exclusive_or_of_step_units(example):
    edges = [(0, 2), (1, 2), (0, 3), (1, 3), (2, 4), (3, 4)]
    xor = pl.Units(2, edges, "step")
    network = pl.Network(xor, inputs=2, dtype="float64")
    weights = {(j, 2 + i): example["W"][i][j] for i in range(2) for j in range(2)}
    weights |= {(2 + i, 4): example["u"][i] for i in range(2)}
    parameters = xor.unit_parameters(weights, biases={2: example["b"][0], 3: example["b"][1], 4: example["c"]})
    program = pl.compile(network.graph(batch=4))
    assert program(x=example["inputs"], **parameters)["output"][:, 0].tolist() == example["outputs"]


@worked("xor_step_network")
def test_exclusive_or_of_two_layers(example):
    layers = [pl.Dense(2, "step"), pl.Dense(1, "step")]
    network = pl.Network(layers, inputs=2, dtype="float64")
    parameters = {"dense_1/weight": np.transpose(example["W"]), "dense_1/bias": example["b"],
                  "dense_2/weight": np.transpose([example["u"]]), "dense_2/bias": [example["c"]]}  # fmt: skip
    output = pl.compile(network.graph(batch=4))(x=example["inputs"], **parameters)["output"]
    assert output[:, 0].tolist() == example["outputs"]


# -- learning -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "optimizer",
    [
        pytest.param(optimizer("adam", learning_rate=0.1, beta_1=0.9, beta_2=0.999, epsilon=1e-8), id="adam"),
        pytest.param(optimizer("momentum", learning_rate=0.1, momentum=0.9), id="momentum"),
    ],
)
def test_optimizers_on_a_bowl(optimizer):
    """Four steps on the sum of squares, the gradient of which the graph finds."""
    example = EXAMPLES[optimizer.name]
    context = Context(training=True, dtype="float64")
    w = context.parameter("w", (2,), None)
    loss = pl.sum(w**2)
    new = optimizer.build(context, {"w": w}, {"w": build_gradients(loss, [w])[0]}, loss)
    context.update(w, new["w"])
    program = pl.compile(context.builder.finish(context.updates))
    start = {"w": np.array(example["w0"])}
    carried = {**start, **initial_state(context.state, start)}
    for expected in example["w"]:
        carried = {**carried, **program(**carried, **context.settings)}
        assert_close(carried["w"], expected)


for _name in ("adam", "momentum"):
    TESTED.setdefault(_name, []).append(test_optimizers_on_a_bowl)


@worked("initializers")
def test_initializers(example):
    def parameter_of(initializer: str, units: int) -> tuple[Any, Any]:
        network = pl.Network([pl.Dense(units, initializer=initializer)], inputs=300, dtype="float64")
        parameter = network.parameters["dense_1/weight"]
        assert (parameter.fan_in, parameter.fan_out) == (300, units)
        return parameter, network.initialize(seed=1)["dense_1/weight"]

    parameter, drawn = parameter_of("glorot_uniform", 200)
    limit = example["glorot_uniform_limit_300_200"]
    assert_close(parameter.initializer.limit(parameter), limit)
    assert limit * 0.999 < np.abs(drawn).max() < limit
    for name, key in (("xavier", "xavier_normal_std_fan_in_300"), ("he_normal", "he_normal_std_fan_in_300")):
        parameter, drawn = parameter_of(name, 200)
        assert_close(parameter.initializer.std(parameter), example[key])
        assert drawn.std() == pytest.approx(example[key], rel=0.02)
    assert set(example) == {"glorot_uniform_limit_300_200", "xavier_normal_std_fan_in_300", "he_normal_std_fan_in_300"}


# -- activations ----------------------------------------------------------------------------------------------


TRUE: dict[str, Callable] = {
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "tanh": mpmath.tanh,
    "relu": lambda x: x if x > 0 else mpmath.mpf(0),
    "softplus": lambda x: mpmath.log1p(mpmath.exp(x)),
    "leaky_relu": lambda x: x if x > 0 else x * 0.01,
    "softsign": lambda x: x / (1 + abs(x)),
    "elu": lambda x: x if x > 0 else mpmath.expm1(x),
    "selu": lambda x: SELU_SCALE * (x if x > 0 else SELU_ALPHA * mpmath.expm1(x)),
    "gelu": lambda x: x * mpmath.erfc(-x / mpmath.sqrt(2)) / 2,
    "silu": lambda x: x / (1 + mpmath.exp(-x)),
    "mish": lambda x: x * mpmath.tanh(mpmath.log1p(mpmath.exp(x))),
    "exponential": mpmath.exp,
}
"""The activations in many digits; their slopes are found by differentiating these numerically."""
SELU_ALPHA = mpmath.mpf("1.6732632423543772848170429916717")
SELU_SCALE = mpmath.mpf("1.0507009873554804934193349852946")


def value_and_slope(name: str, x: list[float]) -> tuple[np.ndarray, np.ndarray]:
    op = pl.activation(name)
    seen = pl.observe(lambda x: {"total": pl.sum(op(x)), "y": op(x)}, x=x, of="total")
    return seen["y"].value, seen["x"].gradient


@worked("activations", "activations_note")
@pytest.mark.parametrize("name", sorted(TRUE))
def test_activations(example, name):
    stated = example[name]
    y, slope = value_and_slope(name, stated["x"])
    assert_close(y, stated["y"], name)
    assert_close(slope, stated["slope"], name)
    kinks = {"relu": 0.0, "leaky_relu": 0.01, "elu": 1.0, "selu": 1.7580993408473768}
    assert slope[stated["x"].index(0.0)] == kinks.get(name, slope[stated["x"].index(0.0)])


@worked("activations")
@pytest.mark.parametrize("name", sorted(TRUE))
def test_tails_of_activations_keep_their_digits(example, name):
    tails = [x for x in example[name]["x"] if x != 0] + [
        -700.0,
        -40.0,
        -37.0,
        -8.5,
        -1e-8,
        1e-8,
        8.5,
        20.0,
        36.0,
        100.0,
    ]
    y, slope = value_and_slope(name, tails)
    with mpmath.workdps(900):
        for at, x in enumerate(map(mpmath.mpf, tails)):
            step = mpmath.mpf(10) ** -200
            central = (TRUE[name](x + step) - TRUE[name](x - step)) / (2 * step)
            for got, true in ((y[at], TRUE[name](x)), (slope[at], central)):
                if abs(true) > 1e-300:
                    assert_last_digits(got, true, 8)
                else:
                    assert abs(got) <= 1e-300


def test_every_activation_of_the_examples_is_tested():
    assert set(EXAMPLES["activations"]) == set(TRUE)


# -- all of them ----------------------------------------------------------------------------------------------


def test_every_worked_example_has_a_test():
    assert set(EXAMPLES) == set(TESTED)
    assert all(tests for tests in TESTED.values())
