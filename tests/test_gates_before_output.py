"""Gates of the output: its range, the kind of targets, the sign of the loss, and that the network bends."""

from dataclasses import dataclass

import numpy as np
import pytest
from before_cases import ask, case, data
from hypothesis import given
from hypothesis import strategies as st

import pellucid as pl
from pellucid.diagnosis.gates.before_output import likeness_to_classes
from pellucid.diagnosis.gates.reach import reach
from pellucid.nn.losses import SquaredError

RNG = np.random.default_rng(1)


def ending(*last):
    return lambda outputs: [pl.Dense(16, "tanh"), pl.Dense(outputs), *last]


def own_softmax(x):
    grown = pl.exp(x - pl.max(x, axis=1, keepdims=True))
    return grown / pl.sum(grown, axis=1, keepdims=True)


@pytest.mark.parametrize(
    "task, layers, verdict",
    [
        ("multiclass", ending(), "pass"),
        ("multiclass", ending(pl.Activation("softmax")), "fail"),
        ("multiclass", ending(pl.Activation(own_softmax)), "fail"),
        ("multiclass", ending(pl.Activation("sigmoid")), "fail"),
        ("multiclass", ending(pl.Activation(pl.log_softmax)), "pass"),
        ("multiclass", ending(pl.Activation(lambda x: 20 * pl.tanh(x))), "pass"),
        ("binary", ending(pl.Activation("sigmoid")), "fail"),
        ("binary", ending(pl.Activation("relu")), "fail"),
        ("binary", ending(pl.Activation("leaky_relu")), "pass"),
        ("regression", ending(pl.Activation("relu")), "fail"),
        ("regression", ending(pl.Activation("tanh")), "fail"),
        ("regression", ending(pl.Activation(lambda x: 5 * pl.tanh(x))), "pass"),
        ("regression", ending(pl.Activation("identity")), "pass"),
    ],
)
def test_outputs_that_can_not_reach_the_targets_are_found(task, layers, verdict):
    found = ask("outputs_reach_targets", case(task, layers))
    assert found.verdict == verdict, found
    assert (set(found.causes) <= {"wrong_output", "wrong_loss"}) and bool(found.causes) == (verdict != "pass")


def test_a_bounded_output_suits_targets_within_the_bounds():
    squashed = 1 / (1 + np.exp(-data("regression")[1]))
    assert (
        ask("outputs_reach_targets", case("regression", ending(pl.Activation("sigmoid")), targets=squashed)).measured
        == 0
    )
    # Scores of hinge need not go beyond 1, logits have to.
    tanh = ending(pl.Activation("tanh"))
    assert ask("outputs_reach_targets", case("binary", tanh, loss="hinge")).verdict == "pass"
    assert ask("outputs_reach_targets", case("binary", tanh)).verdict == "fail"


@given(
    st.sampled_from(["sigmoid", "tanh", "relu", "elu", "softsign", "gelu", "softplus", "silu", "leaky_relu", "selu"]),
    st.floats(-3, 3),
    st.floats(-3, 3),
    st.sampled_from(["none", "square", "maximum", "concatenate"]),
    st.integers(0, 2**32),
)
def test_the_range_of_a_node_holds_every_value_of_it(name, scale, shift, then, seed):
    def f(x, w):
        y = scale * getattr(pl, name)(x @ w) + shift
        if then == "square":
            y = y * y
        if then == "maximum":
            y = pl.maximum(y, 0.3)
        return pl.concatenate([y, -y], axis=1) if then == "concatenate" else y

    graph = pl.build(f, x=pl.float64[40, 3], w=pl.float64[3, 2])
    (name,) = graph.outputs
    low, high = reach(graph.outputs[name])
    rng = np.random.default_rng(seed)
    values = pl.compile(graph)(x=rng.normal(0, 5, (40, 3)), w=rng.normal(0, 3, (3, 2)))[name]
    room = 1e-7 * max(1.0, float(np.abs(values).max()))
    assert low - room <= values.min() and values.max() <= high + room


@pytest.mark.parametrize(
    "target, likeness",
    [
        (np.repeat([0.0, 1.0], 50), 1.0),
        (np.repeat([-0.8, 1.3], 50), 1.0),
        (np.repeat(np.arange(5.0), 40), 1.0),
        (np.eye(4)[RNG.integers(0, 4, 90)], 1.0),
        (RNG.normal(size=100), 0.0),
        (RNG.normal(size=(100, 2)), 0.0),
        (np.repeat([1.0, 2.0, 3.0], 40), 0.0),
        (np.ones(60), 0.0),
    ],
)
def test_classes_that_are_learned_as_numbers_are_known(target, likeness):
    assert likeness_to_classes(target)[0] == likeness


def test_counts_are_no_classes():
    assert likeness_to_classes(RNG.poisson(1.5, 400).astype(float))[0] < 0.3


def test_a_regression_on_classes_is_found():
    y = data("multiclass")[1].astype(float)[:, None]
    found = ask("targets_suit_loss", case("regression", targets=y))
    assert found.causes == ("wrong_loss",) and "whole numbers 0 to 2" in found.evidence
    assert ask("targets_suit_loss", case("regression")).verdict == "pass"
    assert ask("targets_suit_loss", case("multiclass")).verdict == "pass"
    assert ask("targets_suit_loss", case("binary")) is None


def test_outputs_for_classes_that_never_occur_are_worth_a_warning():
    many = case("multiclass", lambda outputs: [pl.Dense(16, "tanh"), pl.Dense(12)])
    assert ask("targets_suit_loss", many).verdict == "warn"


def test_a_loss_of_the_wrong_sign_is_found():
    @dataclass(frozen=True)
    class Reward(SquaredError):
        def build(self, context, output, target):
            return -super().build(context, output, target)

    found = ask("loss_prefers_targets", case("regression", loss=Reward()))
    assert (found.verdict, found.causes) == ("fail", ("wrong_loss",))
    for task in ("binary", "multiclass", "regression"):
        assert ask("loss_prefers_targets", case(task)).verdict == "pass"


@pytest.mark.parametrize(
    "layers, verdict",
    [
        (lambda outputs: [pl.Dense(16), pl.Dense(16), pl.Dense(outputs)], "fail"),
        (lambda outputs: [pl.Dense(16), pl.Dense(16, "relu"), pl.Dense(outputs)], "pass"),
        (lambda outputs: [pl.Dense(16), pl.LayerNorm(), pl.Dense(outputs)], "pass"),
        (lambda outputs: [pl.Shortcut([pl.Dense(8, "relu"), pl.Dense(6)]), pl.Dense(outputs)], "pass"),
    ],
)
def test_layers_without_activations_between_them_are_found(layers, verdict):
    found = ask("network_bends", case("multiclass", layers))
    assert found.verdict == verdict
    assert found.causes == (("no_hidden_activation",) if verdict == "fail" else ())


def test_linear_models_and_narrow_linear_codes_may_be_linear():
    assert ask("network_bends", case("multiclass", lambda outputs: [pl.Dense(outputs)])) is None
    x = data("regression")[0]
    code = case("regression", lambda outputs: [pl.Dense(2), pl.Dense(6)], targets=x)
    assert ask("network_bends", code) is None


def test_a_network_that_scales_its_inputs_itself_is_taken_as_it_is():
    x, y, _ = data("binary")

    def body(context, value):
        return pl.Dense(1)(context, pl.Dense(16, "relu")(context, (value - 1000.0) / 50.0))

    one = case()
    own = type(one)(pl.Network(body, 6), pl.Dataset({"x": 50 * x + 1000}, y), one.options)
    for gate in ("network_bends", "scaled_columns", "centred_columns", "activations_at_initialization"):
        assert ask(gate, own).verdict == "pass", ask(gate, own)
