"""Gates of first activations, gradients and examples: what is sound passes, and each fault is named."""

from dataclasses import dataclass

import numpy as np
import pytest
from before_cases import ask, case, data

import pellucid as pl
from pellucid.diagnosis.gates.probe import examples, in_float64, inputs_are_alike, quieted, standardized
from pellucid.nn.losses import Loss

HUGE = pl.initializers.Gaussian(30.0)
SMALL, LARGE, ZERO = pl.initializers.Gaussian(1e-4), pl.initializers.Gaussian(2.0), pl.initializers.Zeros()


def stack(activation, depth, start=None, bias=None, width=24):
    def layers(outputs):
        hidden = [pl.Dense(width, activation, initializer=start, bias_initializer=bias) for _ in range(depth)]
        return [*hidden, pl.Dense(outputs, initializer=start)]

    return layers


@pytest.mark.parametrize(
    "gate, layers, verdict, cause",
    [
        ("gradients_at_initialization", stack("sigmoid", 20), "fail", "vanishing_gradients"),
        ("gradients_at_initialization", stack("relu", 8, LARGE), "fail", "large_initialization"),
        ("gradients_at_initialization", stack("relu", 4, SMALL), "fail", "small_initialization"),
        ("activations_at_initialization", stack("relu", 8, LARGE), "fail", "large_initialization"),
        ("activations_at_initialization", stack("tanh", 2, SMALL), "fail", "small_initialization"),
        ("dead_at_initialization", stack("relu", 2, bias=-30.0), "fail", "dead_units"),
        ("saturated_at_initialization", stack("tanh", 2, HUGE), "fail", "large_initialization"),
        ("saturated_at_initialization", stack("tanh", 2, bias=9.0), "fail", "saturated_units"),
        ("units_differ", stack("tanh", 2, ZERO), "fail", "zero_initialization"),
        ("units_differ", stack("relu", 1, ZERO), "fail", "zero_initialization"),
        ("units_differ", stack("sigmoid", 1, pl.initializers.Constant(0.3)), "fail", "zero_initialization"),
    ],
)
def test_faults_of_first_weights_are_named(gate, layers, verdict, cause):
    found = ask(gate, case("multiclass", layers))
    assert (found.verdict, found.causes[0]) == (verdict, cause), found
    assert found.remedy and found.threshold


def test_unscaled_inputs_are_told_from_large_weights():
    x, _, _ = data("binary")
    found = ask("saturated_at_initialization", case(inputs=300 * x))
    assert (found.verdict, found.causes[0]) == ("fail", "unscaled_inputs")
    assert ask("activations_at_initialization", case(inputs=300 * x)).verdict == "pass"


def test_inputs_that_are_all_alike_are_not_the_weights_fault():
    empty = case(inputs=np.zeros((400, 6)), layers=stack("relu", 2))
    assert inputs_are_alike(empty)
    assert ask("activations_at_initialization", empty) is None
    assert ask("dead_at_initialization", empty).causes == ("uninformative_inputs",)
    assert ask("parameters_learn", empty).causes == ("uninformative_inputs",)


def blocks(outputs):
    """Return blocks and a last layer that begin at 0 on purpose, as residual networks do."""
    inner = [pl.LayerNorm(), pl.Dense(16, "relu"), pl.Dense(16, initializer="zeros")]
    return [pl.Dense(16), *(pl.Shortcut(inner) for _ in range(3)), pl.Dense(outputs, initializer="zeros")]


GATES = (
    *("activations_at_initialization", "gradients_at_initialization", "dead_at_initialization", "units_differ"),
    *("saturated_at_initialization", "gradients_are_derivatives", "parameters_learn", "examples_apart"),
)


@pytest.mark.parametrize(
    "layers",
    [
        blocks,
        stack("relu", 8, width=12),
        stack("gelu", 3),
        stack("selu", 6),
        stack("softplus", 2),
        lambda outputs: [pl.Dropout(0.4), pl.Dense(16, "elu", weight_noise=0.1), pl.Dense(outputs)],
        lambda outputs: [pl.ConcatenateShortcut(pl.Dense(8, "relu")), pl.LayerNorm(), pl.Dense(outputs)],
        lambda outputs: [pl.Dense(outputs)],
    ],
    ids=("blocks", "narrow relu", "gelu", "selu", "softplus", "noise", "dense block", "linear"),
)
def test_sound_networks_pass(layers, request):
    precise = "relu" in request.node.callspec.id
    task, dtype = ("regression", "float64") if precise else ("multiclass", "float32")
    one = case(task, layers, dtype=dtype, regularizers=[pl.regularizers.L2(1e-3, output=True)])
    for gate in GATES:
        found = ask(gate, one)
        assert found is None or found.verdict == "pass", found


def test_a_wrong_gradient_of_an_own_operation_is_found():
    own = pl.ops.elementwise(
        name="own_square",
        doc="A square with half the slope that it has.",
        rule=lambda s, x: x * x,
        gradient=lambda g, x, y: g * x,
        reference=lambda x: x * x,
        points={3.0: (9.0, 3.0)},
        sample=pl.ops.Uniform(-2, 2),
    )
    found = ask("gradients_are_derivatives", case("regression", lambda o: [pl.Dense(8, own), pl.Dense(o)]))
    assert (found.verdict, found.causes[0]) == ("fail", "wrong_gradient")
    assert found.measured == pytest.approx(0.5, rel=0.05)
    assert found.where.startswith("dense_1/")


def test_parameters_that_nothing_reaches_are_named():
    stopped = [pl.Dense(8, "tanh", name="below"), pl.Activation(pl.stop_gradient), pl.Dense(1)]
    found = ask("parameters_learn", case(layers=lambda outputs: stopped))
    assert (found.verdict, found.causes, found.measured) == ("fail", ("detached_layer",), 0.5)
    assert "below/weight, below/bias" in found.evidence

    def body(context, x):
        pl.Dense(4, name="unused")(context, x)
        return pl.Dense(1)(context, x)

    one = case()
    unused = type(one)(pl.Network(body, 6), one.dataset, one.options)
    assert ask("parameters_learn", unused).where == "unused/weight"
    shut = case(layers=stack("relu", 1, bias=-30.0))
    assert ask("parameters_learn", shut).causes[0] == "dead_units"


def test_a_gradient_that_is_stopped_on_purpose_is_worth_a_warning_only():
    def straight_through(x):
        return x + pl.stop_gradient(pl.tanh(3 * x) - x)

    found = ask("gradients_are_derivatives", case(layers=lambda o: [pl.Dense(8, straight_through), pl.Dense(o)]))
    assert found.verdict == "warn" and "stop_gradient" in found.remedy


@pytest.mark.parametrize(
    "mixed",
    [
        lambda x: pl.softmax(x, axis=0),
        lambda x: x - pl.mean(x, axis=0, keepdims=True),
        lambda x: x / (1.0 + pl.max(x, axis=0, keepdims=True)),
        lambda x: pl.roll(x, 1, axis=0),
    ],
    ids=("softmax", "mean", "max", "roll"),
)
def test_examples_that_see_each_other_are_found(mixed):
    found = ask("examples_apart", case(layers=lambda o: [pl.Dense(8, "tanh"), pl.Activation(mixed), pl.Dense(o)]))
    assert (found.verdict, found.causes) == ("fail", ("examples_mixed",))
    allowed = case(layers=lambda o: [pl.Dense(8), pl.Activation(mixed), pl.Dense(o)])
    assert ask("examples_apart", allowed, examples_apart=(np.inf, np.inf)).verdict == "pass"


def test_a_loss_that_compares_each_example_with_all_is_found():
    @dataclass(frozen=True)
    class EachWithAll(Loss):
        task, linear = "regression", True

        def build(self, context, output, target):
            return pl.mean((output - pl.transpose(target)) ** 2.0, axis=1)

    found = ask("examples_apart", case("regression", loss=EachWithAll()))
    assert found.verdict == "fail" and "the losses" in found.evidence and "wrong_loss" in found.causes


def test_probes_compute_in_float64_without_noise():
    network = pl.Network([pl.Dense(3, "relu"), pl.Dropout(0.5), pl.LayerNorm()], inputs=2)
    graph = in_float64(network.graph(batch=4, training=True))
    assert {str(node.type.dtype) for node in graph.nodes if node.type.dtype.is_float} == {"float64"}
    x, parameters = np.random.default_rng(0).normal(size=(4, 2)), network.initialize(1)
    settings = quieted(network.settings)
    found = pl.compile(graph)(x=x, **parameters, **settings, seed=0, step=0)["output"]
    plain = pl.compile(network.graph(batch=4))(x=x, **parameters)["output"]
    np.testing.assert_allclose(found, plain, rtol=1e-5)


def test_examples_are_standardized_column_by_column():
    one = case(inputs=data("binary")[0] * [1, 10, 100, 1, 1, 0] + 5)
    found = standardized(one, examples(one, 100))["x"]
    np.testing.assert_allclose(found.mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(found.std(axis=0), [1, 1, 1, 1, 1, 0], atol=1e-9)
