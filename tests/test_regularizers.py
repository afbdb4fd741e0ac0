"""Regularizers against closed forms, the optimality conditions of the problems they solve, and distributions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats
from sklearn.linear_model import Lasso, Ridge

import pellucid as pl
from pellucid.errors import UsageError
from pellucid.executors.program import compile
from pellucid.graph.context import Context, initial_state
from pellucid.graph.differentiate import build_gradients
from pellucid.graph.types import Axis, Type, float32, float64, int64
from pellucid.graph.value import Value
from pellucid.nn.branches import Sum
from pellucid.nn.initializers import Zeros
from pellucid.nn.layers import Activation, Dense
from pellucid.nn.losses import SquaredError
from pellucid.nn.network import Network
from pellucid.nn.regularizers import (
    L1,
    L2,
    Augment,
    AugmentArrays,
    InputNoise,
    MaxNorm,
    Mixup,
    Regularizer,
    StayNear,
    TargetNoise,
    Tie,
    output_weights,
)
from pellucid.ops.functions import absolute
from pellucid.ops.randoms import random_uniform
from pellucid.ops.reductions import sum

HIDDEN, OUT = Dense(3, "tanh", name="hidden"), Dense(2, name="out")
OUTPUT_WEIGHTS = frozenset({"out/weight"})


def start(training: bool = True) -> Context:
    """Build a network of two layers in float64."""
    context = Context(training=training, batch=Axis(4, "batch"), dtype="float64")
    network = Network([HIDDEN, OUT], inputs=5, dtype="float64")
    network.build(context, **network.declare_inputs(context))
    return context


def parameters_of(context: Context) -> dict[str, Value]:
    return {path: context.values[path] for path in context.parameters}


def numbers(seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    shapes = {"hidden/weight": (5, 3), "hidden/bias": (3,), "out/weight": (3, 2), "out/bias": (2,)}
    return {path: rng.normal(size=shape) for path, shape in shapes.items()}


def penalty(*regularizers: Regularizer, given: dict[str, np.ndarray], **changed: float) -> tuple[float, dict]:
    """Return the sum of all penalties and its gradient with respect to every parameter."""
    context = start()
    parameters = parameters_of(context)
    for regularizer in regularizers:
        regularizer.on_loss(context, parameters, OUTPUT_WEIGHTS)
    total = context.builder.constant(0.0, float64)
    for part in context.penalties.values():
        total = total + part
    gradients = build_gradients(total, list(parameters.values()))
    outputs = {"total": total, **{f"d {path}": g for path, g in zip(parameters, gradients, strict=True)}}
    found = run(context, outputs, **given, **{**context.settings, **changed}, **initial_state(context.state, given))
    return float(found.pop("total")), {path.removeprefix("d "): gradient for path, gradient in found.items()}


def run(context: Context, outputs: dict[str, Value], **inputs: Any) -> dict[str, np.ndarray]:
    program = compile(context.builder.finish(outputs))
    return program(x=np.zeros((4, 5)), **inputs) if "x" in program.graph.inputs else program(**inputs)


def updated(regularizer: Regularizer, new: Any, kind: str = "weight", learning_rate: float = 0.1, **changed: float):
    """Return what a regularizer makes of the new value of one parameter."""
    new = np.asarray(new)
    context = Context(training=True, batch=Axis(4, "batch"), dtype=new.dtype.name)
    value = context.parameter("w", new.shape, Zeros(), kind=kind)
    rate = context.setting("learning_rate", learning_rate)
    result = regularizer.after_update(context, "w", value, rate, frozenset())
    assert result.type == value.type
    return compile(context.builder.finish({"new": result}))(w=new, **{**context.settings, **changed})["new"]


# -- L2 ----------------------------------------------------------------------------------------------------------------


def test_l2_is_half_the_strength_times_the_squares_of_hidden_weights():
    given = numbers()
    total, gradient = penalty(L2(0.3), given=given)
    assert total == pytest.approx(0.15 * np.sum(given["hidden/weight"] ** 2), rel=1e-14)
    np.testing.assert_allclose(gradient["hidden/weight"], 0.3 * given["hidden/weight"], rtol=1e-14)
    for path in ("hidden/bias", "out/weight", "out/bias"):
        np.testing.assert_array_equal(gradient[path], 0)


def test_l2_of_the_output_layer_on_demand():
    given = numbers()
    _, gradient = penalty(L2(0.3, output=True), given=given)
    np.testing.assert_allclose(gradient["out/weight"], 0.3 * given["out/weight"], rtol=1e-14)
    np.testing.assert_array_equal(gradient["out/bias"], 0)


def test_strengths_change_without_building_anew_and_each_object_has_its_own():
    given = numbers()
    first, second = L2(0.3), L2(0.2, output=True)
    together, _ = penalty(first, second, given=given)
    assert together == pytest.approx(penalty(first, given=given)[0] + penalty(second, given=given)[0], rel=1e-14)
    changed, _ = penalty(first, second, given=given, **{"l2_1/strength": 0.0, "l2_2/strength": 1.0})
    assert changed == pytest.approx(penalty(L2(1.0, output=True), given=given)[0], rel=1e-14)


def test_settings_keep_their_place_inside_another_scope():
    context = start()
    regularizer = L2(0.1)
    with context.scope("regularizers"):
        for _ in range(2):
            regularizer.on_loss(context, parameters_of(context), frozenset())
    assert context.settings == {"regularizers/l2_1/strength": 0.1}


def test_l2_without_weights_says_how_to_include_the_output_layer():
    context = Context(training=True, batch=Axis(4, "batch"))
    network = Network([Dense(1, name="out")], inputs=2)
    network.build(context, **network.declare_inputs(context))
    with pytest.raises(UsageError, match=r"no weights to act on.*output=True"):
        L2(0.1).on_loss(context, parameters_of(context), OUTPUT_WEIGHTS)
    L2(0.0).on_loss(context, parameters_of(context), OUTPUT_WEIGHTS)
    assert not context.penalties
    with pytest.raises(UsageError, match="Leave it out"):
        L2(0.1).on_loss(context, {"out/bias": context.values["out/bias"]}, frozenset())


# -- training a linear model -------------------------------------------------------------------------------------------


def fit_linear(regularizer: Regularizer, x: np.ndarray, y: np.ndarray, steps: int) -> tuple[np.ndarray, float]:
    """Gradient descent on the mean of half the squared error, with the largest step size that is safe."""
    context = Context(training=True, batch=Axis(len(x), "batch"), dtype="float64")
    network = Network([Dense(1, name="out")], inputs=x.shape[1], dtype="float64")
    output = network.build(context, **network.declare_inputs(context))["output"]
    target = context.input("target", Type(float64, (context.batch, 1)))
    weights = context.input("weights", Type(float64, (context.batch,)))
    parameters = parameters_of(context)
    loss = SquaredError().mean(context, output, target, weights)
    regularizer.on_loss(context, parameters, frozenset())
    for part in context.penalties.values():
        loss = loss + part
    rate = context.setting(
        "learning_rate", 1 / np.linalg.eigvalsh(np.c_[x, np.ones(len(x))].T @ np.c_[x, np.ones(len(x))] / len(x))[-1]
    )
    gradients = build_gradients(loss, list(parameters.values()))
    new = {
        path: regularizer.after_update(context, path, value - rate * gradient, rate, frozenset())
        for (path, value), gradient in zip(parameters.items(), gradients, strict=True)
    }
    program = compile(context.builder.finish(new))
    values = {"out/weight": np.zeros((x.shape[1], 1)), "out/bias": np.zeros(1)}
    for _ in range(steps):
        values = program(x=x, target=y[:, None], weights=np.ones(len(x)), **values, **context.settings)
    return values["out/weight"][:, 0], float(values["out/bias"][0])


@pytest.fixture(scope="module")
def sparse_problem() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(80, 12))
    return x, x[:, :3] @ [2.0, -1.0, 0.3] + 0.7 + 0.5 * rng.normal(size=80)


def test_l1_solves_the_lasso_with_exact_zeros(sparse_problem):
    x, y = sparse_problem
    strength = 0.15
    weights, bias = fit_linear(L1(strength), x, y, 600)
    theirs = Lasso(alpha=strength, tol=1e-14, max_iter=100_000).fit(x, y)
    np.testing.assert_allclose(weights, theirs.coef_, rtol=0, atol=1e-9)
    assert bias == pytest.approx(theirs.intercept_, abs=1e-9)
    assert 0 < np.count_nonzero(weights) < len(weights)
    # The subgradient of the whole cost holds 0: slope = -strength sign(w) where w is not 0, within it elsewhere.
    slope = x.T @ (x @ weights + bias - y) / len(x)
    used = weights != 0
    np.testing.assert_allclose(slope[used], -strength * np.sign(weights[used]), rtol=0, atol=1e-9)
    assert np.all(np.abs(slope[~used]) <= strength + 1e-9)


def test_l2_solves_ridge_regression(sparse_problem):
    x, y = sparse_problem
    weights, bias = fit_linear(L2(0.5), x, y, 400)
    theirs = Ridge(alpha=0.5 * len(x)).fit(x, y)
    np.testing.assert_allclose(weights, theirs.coef_, rtol=1e-9)
    assert bias == pytest.approx(theirs.intercept_, rel=1e-9)


# -- L1 and max-norm ---------------------------------------------------------------------------------------------------

FLOATS = st.floats(-1e3, 1e3, allow_subnormal=False)


@given(arrays(float, (4, 3), elements=FLOATS), st.floats(1e-6, 10), st.floats(1e-6, 10))
@settings(max_examples=40)
def test_l1_is_the_proximal_operator(new, strength, rate):
    found = updated(L1(strength), new, learning_rate=rate)
    threshold = rate * strength
    np.testing.assert_array_equal(found == 0, np.abs(new) <= threshold)
    expected = np.sign(new) * np.maximum(np.abs(new) - threshold, 0)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=0)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_l1_of_strength_0_leaves_every_bit(dtype):
    new = np.array([0.0, -0.0, 1e-45, -5e-324, 1.5, -np.inf, np.nan], dtype)
    for found in (updated(L1(0.0), new), updated(L1(1.0), new, learning_rate=0.0)):
        assert found.tobytes() == new.tobytes()


def test_l1_does_not_hide_nan_nor_touch_biases():
    np.testing.assert_array_equal(updated(L1(1.0), np.array([np.nan, np.inf, -np.inf])), [np.nan, np.inf, -np.inf])
    for kind in ("bias", "other"):
        np.testing.assert_array_equal(updated(L1(1.0), np.array([0.01, 2.0]), kind=kind), [0.01, 2.0])


@given(arrays(float, (4, 3), elements=FLOATS), st.floats(1e-3, 1e3))
@settings(max_examples=40)
def test_max_norm_bounds_each_unit_and_keeps_directions(new, limit):
    found = updated(MaxNorm(limit), new)
    before, after = np.linalg.norm(new, axis=0), np.linalg.norm(found, axis=0)
    assert np.all(after <= limit * (1 + 1e-14))
    inside = before < limit * (1 - 1e-14)
    np.testing.assert_array_equal(found[:, inside], new[:, inside])
    np.testing.assert_allclose(found * before, new * after, rtol=1e-12, atol=1e-200)
    np.testing.assert_allclose(after[~inside], limit, rtol=1e-13)


def test_max_norm_of_zero_vectors_and_other_shapes():
    np.testing.assert_array_equal(updated(MaxNorm(1.0), np.zeros((3, 2))), 0)
    np.testing.assert_allclose(updated(MaxNorm(1.0), np.array([3.0, 4.0])), [0.6, 0.8], rtol=1e-15)
    np.testing.assert_array_equal(updated(MaxNorm(1.0), np.array(5.0)), 5.0)
    np.testing.assert_array_equal(updated(MaxNorm(1.0), np.array([3.0, 4.0]), kind="bias"), [3.0, 4.0])
    changed = updated(MaxNorm(1.0), np.array([[3.0], [4.0]]), **{"max_norm_1/limit": 2.5})
    np.testing.assert_allclose(changed, [[1.5], [2.0]], rtol=1e-15)


# -- noise -------------------------------------------------------------------------------------------------------------


def noisy(regularizer: Regularizer, seed: int = 1, step: int = 0, rows: int = 5000, training: bool = True, **changed):
    """Return inputs and targets, all 10 before the noise."""
    context = Context(training=training, batch=Axis(rows, "batch"), dtype="float64")
    inputs = {
        "x": context.input("x", Type(float64, (context.batch, 3))),
        "z": context.input("z", Type(float32, (context.batch,))),
        "category": context.input("category", Type(int64, (context.batch,))),
    }
    targets = {"y": context.input("y", Type(float64, (context.batch, 2)))}
    arrays_in = {name: np.full(value.shape, 10) for name, value in {**inputs, **targets}.items()}
    seen, wanted = regularizer.before_loss(context, inputs, targets)
    assert {name: value.type for name, value in seen.items()} == {name: value.type for name, value in inputs.items()}
    program = compile(context.builder.finish({**{f"seen {k}": v for k, v in seen.items()}, "wanted y": wanted["y"]}))
    clock = {name: value for name, value in (("seed", seed), ("step", step)) if name in program.graph.inputs}
    found = program(**arrays_in, **clock, **{**context.settings, **changed})
    return {name.split()[1]: value for name, value in found.items()}


@pytest.mark.parametrize(("regularizer", "name"), [(InputNoise(0.3), "x"), (TargetNoise(0.3), "y")])
def test_noise_is_normal_of_the_stated_size_fresh_at_each_step_and_reproducible(regularizer, name):
    noise = (noisy(regularizer)[name] - 10) / 0.3
    assert stats.kstest(noise.ravel(), "norm").pvalue > 1e-3
    assert abs(np.corrcoef(noise.T)[0, 1]) < 0.06
    np.testing.assert_array_equal(noisy(regularizer)[name], noisy(regularizer)[name])
    for other in (noisy(regularizer, step=1), noisy(regularizer, seed=2)):
        fresh = (other[name] - 10) / 0.3
        assert abs(np.corrcoef(noise.ravel(), fresh.ravel())[0, 1]) < 0.06


def test_noise_leaves_alone_what_it_is_not_for():
    found = noisy(InputNoise(0.3))
    np.testing.assert_array_equal(found["category"], 10)
    np.testing.assert_array_equal(found["y"], 10)
    assert np.std(found["z"]) == pytest.approx(0.3, rel=0.1)
    assert abs(np.corrcoef(found["x"][:, 0], found["z"])[0, 1]) < 0.06  # each input has noise of its own
    np.testing.assert_array_equal(noisy(TargetNoise(0.3))["x"], 10)
    for regularizer in (InputNoise(0.3), TargetNoise(0.3)):
        quiet = noisy(regularizer, training=False)
        assert all((array == 10).all() for array in quiet.values())


def test_the_size_of_noise_is_a_setting():
    found = noisy(InputNoise(0.3), **{"input_noise_1/std": 0.0})
    np.testing.assert_array_equal(found["x"], 10)


def test_noise_on_whole_numbers_is_refused():
    context = Context(training=True, batch=Axis(4, "batch"))
    classes = {"y": context.input("y", Type(int64, (context.batch,)))}
    with pytest.raises(UsageError, match=r"target 'y'.*label_smoothing"):
        TargetNoise(0.1).before_loss(context, {}, classes)
    with pytest.raises(UsageError, match="InputNoise"):
        InputNoise(0.1).before_loss(context, classes, {})


# -- tying and staying near --------------------------------------------------------------------------------------------


def test_tie_pulls_two_parameters_together():
    context = Context(training=True, batch=Axis(4, "batch"), dtype="float64")
    a, b = (context.parameter(name, (3, 2), Zeros()) for name in ("a", "b"))
    Tie("a", "b", 0.4).on_loss(context, {"a": a, "b": b}, frozenset())
    cost = context.penalties["tie"]
    da, db = build_gradients(cost, [a, b])
    rng = np.random.default_rng(0)
    given = {"a": rng.normal(size=(3, 2)), "b": rng.normal(size=(3, 2))}
    found = run(context, {"cost": cost, "da": da, "db": db}, **given, **context.settings)
    difference = given["a"] - given["b"]
    assert found["cost"] == pytest.approx(0.2 * np.sum(difference**2), rel=1e-14)
    np.testing.assert_allclose(found["da"], 0.4 * difference, rtol=1e-14)
    np.testing.assert_allclose(found["db"], -0.4 * difference, rtol=1e-14)


def test_tie_names_the_nearest_parameter_and_both_shapes():
    context = start()
    with pytest.raises(UsageError, match="Did you mean 'hidden/weight'"):
        Tie("hiden/weight", "out/weight", 1.0).on_loss(context, parameters_of(context), frozenset())
    with pytest.raises(UsageError, match=r"hidden/weight float64\[5, 3\] and out/weight float64\[3, 2\]"):
        Tie("hidden/weight", "out/weight", 1.0).on_loss(context, parameters_of(context), frozenset())


def test_stay_near_pulls_towards_earlier_values_biases_included():
    given, before = numbers(0), numbers(1)
    earlier = {"hidden/weight": before["hidden/weight"], "out/bias": before["out/bias"], "old/weight": np.ones(7)}
    total, gradient = penalty(StayNear(earlier, 0.4), given=given)
    differences = {path: given[path] - before[path] for path in ("hidden/weight", "out/bias")}
    assert total == pytest.approx(0.2 * np.sum([np.sum(d**2) for d in differences.values()]), rel=1e-14)
    for path in given:
        np.testing.assert_allclose(gradient[path], 0.4 * differences.get(path, np.zeros_like(given[path])), rtol=1e-14)
    assert penalty(StayNear(before, 3.0), given=before)[0] == 0


def test_stay_near_keeps_its_values_as_state_that_is_not_updated():
    context = start()
    earlier = numbers(1)
    regularizer = StayNear(earlier, 1.0)
    earlier["out/bias"][:] = 99.0  # a change from outside does not reach it
    regularizer.on_loss(context, parameters_of(context), frozenset())
    assert not context.updates
    state = initial_state(context.state, numbers())
    np.testing.assert_array_equal(state["stay_near_1/earlier/out/bias"], numbers(1)["out/bias"])


def test_stay_near_refuses_other_shapes_and_other_networks():
    context = start()
    with pytest.raises(UsageError, match=r"out/bias: .*got \[1\], expected \[2\]"):
        StayNear({"out/bias": np.ones(1)}, 1.0).on_loss(context, parameters_of(context), frozenset())
    with pytest.raises(UsageError, match="Did you mean 'out/weight'"):
        StayNear({"outt/weight": np.ones(1)}, 1.0).on_loss(start(), parameters_of(context), frozenset())


# -- mixup and augmentation --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("alpha", [0.1, 0.4, 1.0, 5.0])
def test_mixup_ratios_follow_the_beta_distribution(alpha):
    ratios = Mixup(alpha).ratios(seed=5, first_step=0, count=2000)
    assert ratios.dtype == np.float64
    assert ((ratios >= 0) & (ratios <= 1)).all()
    assert stats.kstest(ratios, stats.beta(alpha, alpha).cdf).pvalue > 1e-3


def test_mixup_ratios_belong_to_their_steps():
    mixup = Mixup(0.4)
    np.testing.assert_array_equal(mixup.ratios(3, 0, 10)[4:7], mixup.ratios(3, 4, 3))
    assert not np.array_equal(mixup.ratios(3, 0, 10), mixup.ratios(4, 0, 10))
    assert mixup.ratios(3, 0, 0).shape == (0,)


def test_augment_becomes_part_of_the_step_in_training_only():
    def flip(context: Context, inputs: dict[str, Value]) -> dict[str, Value]:
        size = context.setting("size", 0.5)
        shift = size * random_uniform(context.seed, context.step, purpose="shift", shape=(), dtype=float64)
        return {**inputs, "x": -inputs["x"] - shift}

    first, again, later = (noisy(Augment(flip), rows=4, step=step)["x"] for step in (0, 0, 1))
    assert ((first <= -10) & (first > -10.5)).all()
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, later)
    np.testing.assert_array_equal(noisy(Augment(flip), rows=4, **{"augment_1/size": 0.0})["x"], -10)
    np.testing.assert_array_equal(noisy(Augment(flip), rows=4, training=False)["x"], 10)


@pytest.mark.parametrize(
    "function",
    [
        lambda context, inputs: None,
        lambda context, inputs: {},
        lambda context, inputs: {**inputs, "extra": inputs["x"]},
        lambda context, inputs: {**inputs, "x": inputs["x"][:, :2]},
        lambda context, inputs: {**inputs, "x": 3.0},
    ],
)
def test_augment_has_to_return_inputs_of_the_same_types(function):
    with pytest.raises(UsageError, match="Augment: the function does not return inputs"):
        noisy(Augment(function), rows=4)


def test_hooks_do_nothing_by_default():
    context = start()
    inputs, targets = {"x": context.values["x"]}, {}
    value = context.values["out/weight"]
    for regularizer in (Regularizer(), Mixup(), AugmentArrays(lambda inputs, epoch: inputs)):
        assert regularizer.before_loss(context, inputs, targets) == (inputs, targets)
        regularizer.on_loss(context, parameters_of(context), frozenset())
        assert regularizer.after_update(context, "out/weight", value, value, frozenset()) is value
    assert not context.penalties
    assert not context.settings


@pytest.mark.parametrize(
    "make",
    [
        lambda: L2(-1.0),
        lambda: L1(float("nan")),
        lambda: L1("0.1"),
        lambda: MaxNorm(0.0),
        lambda: InputNoise(-0.1),
        lambda: TargetNoise(float("inf")),
        lambda: Tie("a", "b", -1),
        lambda: StayNear({}, -1),
        lambda: Mixup(0),
        lambda: L2(True),
    ],
)
def test_strengths_out_of_range(make):
    with pytest.raises(UsageError, match="out of range"):
        make()


# -- the weights of a linear output layer ------------------------------------------------------------------------------


def weights_behind(body: Any, name: str = "output") -> set[str]:
    network = Network(body, inputs=4)
    context = Context(training=True, batch=Axis(2, "batch"))
    outputs = network.build(context, **network.declare_inputs(context))
    return set(output_weights(outputs[name], context.parameters))


def test_output_weights_of_layers_in_a_row():
    assert weights_behind([Dense(8, "tanh", name="a"), Dense(3, name="b")]) == {"b/weight"}
    assert weights_behind([Dense(8, "tanh", name="a"), Dense(3, bias=False, name="b")]) == {"b/weight"}
    assert weights_behind([Dense(8, "tanh", name="a"), Dense(3, name="b"), Activation("identity")]) == {"b/weight"}
    assert weights_behind([Dense(8, name="a"), Dense(3, name="b")]) == {"b/weight"}


def test_an_activation_ends_the_linear_layer():
    assert weights_behind([Dense(8, "tanh", name="a"), Dense(3, "tanh", name="b")]) == set()
    assert weights_behind([Dense(3, name="b"), Activation("exponential")]) == set()
    assert weights_behind(lambda context, x: absolute(Dense(1, name="a")(context, x))) == set()


def test_output_weights_of_branches_masks_and_noise():
    both = [Dense(8, "tanh", name="a"), Sum([Dense(3, name="b"), Dense(3, name="c")])]
    assert {path.split("/")[-2] for path in weights_behind(both)} == {"b", "c"}
    masked = Dense(2, name="b", mask=np.eye(8, 2))
    assert weights_behind([Dense(8, "tanh", name="a"), masked]) == {"b/weight"}
    noisy_layer = Dense(2, name="b", weight_noise=0.1)
    assert weights_behind([Dense(8, "tanh", name="a"), noisy_layer]) == {"b/weight"}


def test_output_weights_of_one_of_several_outputs():
    shared, first, second = Dense(8, "tanh", name="shared"), Dense(1, name="first"), Dense(1, name="second")

    def body(context: Context, x: Value) -> dict[str, Value]:
        hidden = shared(context, x)
        return {"mean": first(context, hidden), "spread": second(context, hidden)}

    assert weights_behind(body, "mean") == {"first/weight"}
    assert weights_behind(body, "spread") == {"second/weight"}


def test_products_of_two_data_values_have_no_weights():
    def body(context: Context, x: Value) -> Value:
        gate = Dense(4, "sigmoid", name="gate")(context, x)
        return sum(gate * x, axis=1, keepdims=True)

    assert weights_behind(body) == set()


# -- mixup in a training step ------------------------------------------------------------------------------------------


def test_mixup_mixes_with_examples_that_count_only():
    """The row that fills up the last mini-batch, and examples of weight 0, are nobody's partners."""
    x, y = np.array([[1.0], [2.0], [4.0], [7.0], [9.0]]), np.array([1.0, 5.0, 2.0, 3.0, 8.0])
    weights = np.array([1.0, 2.0, 0.0, 1.0, 1.0])
    losses = []

    def hear(event):
        if hasattr(event, "loss"):
            losses.append(event.loss)

    hear.every_step = True
    mixup = pl.regularizers.Mixup(1.0)
    pl.fit(
        pl.Network([pl.Dense(1)], inputs=1, dtype="float64"), pl.Dataset({"x": x}, y, weights), loss="squared_error",
        batch_size=3, epochs=1, shuffle=False, optimizer=pl.optimizers.GradientDescent(0.0), regularizers=[mixup],
        start_from={"dense_1/weight": [[1.0]], "dense_1/bias": [0.0]}, on=hear,
    )  # fmt: skip
    first, second = mixup.ratios(0, 0, 2)

    def cost(a, b, r):
        output = r * x[a, 0] + (1 - r) * x[b, 0]
        return r * (output - y[a]) ** 2 / 2 + (1 - r) * (output - y[b]) ** 2 / 2

    # Row 1 would meet row 2, of weight 0, and row 4 what fills the mini-batch up: each meets itself.
    expected = [(cost(0, 1, first) + 2 * cost(1, 1, first)) / 3, (cost(3, 4, second) + cost(4, 4, second)) / 2]
    np.testing.assert_allclose(losses, expected, rtol=1e-12)
