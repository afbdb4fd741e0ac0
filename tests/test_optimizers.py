"""Every optimizer agrees with independent implementations, and keeps its settings and its state in sight."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from pellucid.errors import GraphError, UsageError
from pellucid.executors.program import compile
from pellucid.graph.context import Context, initial_state
from pellucid.graph.differentiate import build_gradients
from pellucid.graph.types import Type
from pellucid.ops.functions import sqrt
from pellucid.ops.reductions import sum as sum_over
from pellucid.optim.adaptive import AdaGrad, Adam, AdamW, NAdam, RMSprop
from pellucid.optim.gradient_descent import GradientDescent, Momentum, Nesterov
from pellucid.optim.lbfgs import LBFGS
from pellucid.optim.lion import Lion
from pellucid.optim.optimizers import OPTIMIZERS, optimizer
from pellucid.optim.rprop import Rprop
from pellucid.optim.transformation import Optimizer

WORKED = json.loads(Path(__file__).with_name("worked_examples.json").read_text())
SHAPES = {"dense/weight": (3, 2), "dense/bias": (2,)}
STEPS = 100
Arrays = dict[str, np.ndarray]
TRANSFORMATIONS = [found for found in OPTIMIZERS.values() if issubclass(found, Optimizer)]
every_optimizer = pytest.mark.parametrize("kind", TRANSFORMATIONS, ids=lambda kind: kind.name)


class Stepper:
    """One optimizer at work on parameters whose gradients and loss are given."""

    def __init__(self, optimizer: Optimizer, dtype: str = "float64", shapes: dict[str, tuple] = SHAPES):
        context = self.context = Context(training=True, dtype=dtype)
        kinds = {path: "bias" if path.endswith("bias") else "weight" for path in shapes}
        parameters = {path: context.parameter(path, shapes[path], None, kind=kinds[path]) for path in shapes}
        gradients = {path: context.input(f"gradient of {path}", value.type) for path, value in parameters.items()}
        loss = context.input("loss", Type(context.dtype))
        for path, new in optimizer.build(context, parameters, gradients, loss).items():
            context.update(parameters[path], new)
        self.program = compile(context.builder.finish(context.updates))
        self.values: Arrays = {}

    def start(self, parameters: Arrays) -> Stepper:
        self.values = {**parameters, **initial_state(self.context.state, parameters)}
        return self

    def inputs(self, gradients: Arrays, loss: float = 0.0, **settings: float) -> dict[str, object]:
        given = {f"gradient of {path}": g for path, g in gradients.items()}
        return {**self.context.settings, **settings, **self.values, **given, "loss": loss}

    def step(self, gradients: Arrays, loss: float = 0.0, **settings: float) -> Arrays:
        self.values = {**self.values, **self.program(**self.inputs(gradients, loss, **settings))}
        return {path: self.values[path] for path in gradients}


def draw(seed: int = 0, dtype: str = "float64") -> tuple[Arrays, list[Arrays]]:
    """Parameters, and gradients of very different size for each step, some of them 0."""
    rng = np.random.default_rng(seed)
    scale = {path: 10.0 ** rng.uniform(-3, 1, shape) for path, shape in SHAPES.items()}
    start = {path: rng.normal(size=shape).astype(dtype) for path, shape in SHAPES.items()}
    gradients = [
        {path: (scale[path] * rng.normal(0.3, 1, shape) * (rng.random(shape) < 0.9)).astype(dtype)
         for path, shape in SHAPES.items()}
        for _ in range(STEPS)
    ]  # fmt: skip
    return start, gradients


def assert_equal(found: Arrays, expected: Arrays, tolerance: float = 1e-12) -> None:
    for path, array in expected.items():
        excess = np.abs(found[path] - array) / np.maximum(1, np.abs(array))
        assert excess.max() <= tolerance, path


# -- plain loops over one parameter, as the papers have them ----------------------------------------------------------

Loop = Callable[[np.ndarray, list[np.ndarray], list[float]], list[np.ndarray]]


def loop_gradient_descent(w, gradients, rates):
    return [w := w - rate * g for g, rate in zip(gradients, rates, strict=True)]


def loop_momentum(w, gradients, rates, mu=0.8):
    seen, change = [], np.zeros_like(w)
    for g, rate in zip(gradients, rates, strict=True):
        change = -rate * g + mu * change
        w = w + change
        seen.append(w)
    return seen


def loop_nesterov(w, gradients, rates, mu=0.8):
    """Sutskever's form: theta moves by v, and the gradient is taken at theta + mu v."""
    seen, theta, v = [], w.copy(), np.zeros_like(w)
    for g, rate in zip(gradients, rates, strict=True):
        v = mu * v - rate * g
        theta = theta + v
        seen.append(theta + mu * v)
    return seen


def loop_adagrad(w, gradients, rates):
    seen = []
    for t, (g, rate) in enumerate(zip(gradients, rates, strict=True)):
        w = w - rate * g / (np.sqrt(np.sum(np.square(gradients[: t + 1]), axis=0)) + 1e-10)
        seen.append(w)
    return seen


def loop_rmsprop(w, gradients, rates, alpha=0.95, mu=0.0):
    seen, buffer = [], np.zeros_like(w)
    for t, (g, rate) in enumerate(zip(gradients, rates, strict=True)):
        kept = (1 - alpha) * alpha ** np.arange(t, -1, -1.0)
        v = np.tensordot(kept, np.square(gradients[: t + 1]), 1)
        buffer = mu * buffer + g / (v**0.5 + 1e-8)
        w = w - rate * buffer
        seen.append(w)
    return seen


def loop_adam(w, gradients, rates, decay=0.0, beta_1=0.85, beta_2=0.99, epsilon=1e-7):
    """The corrected moments are means of all gradients so far, with weights that sum to 1."""
    seen = []
    for t, rate in enumerate(rates):
        age = np.arange(t, -1, -1.0)
        m = np.average(gradients[: t + 1], axis=0, weights=beta_1**age)
        v = np.average(np.square(gradients[: t + 1]), axis=0, weights=beta_2**age)
        w = w - rate * (m / (np.sqrt(v) + epsilon) + decay * w)
        seen.append(w)
    return seen


def loop_nadam(w, gradients, rates, beta_1=0.9, beta_2=0.999, psi=0.004):
    seen, m = [], np.zeros_like(w)
    mu = [beta_1 * (1 - 0.5 * 0.96 ** (t * psi)) for t in range(1, STEPS + 2)]
    for t, (g, rate) in enumerate(zip(gradients, rates, strict=True)):
        m = beta_1 * m + (1 - beta_1) * g
        v = np.average(np.square(gradients[: t + 1]), axis=0, weights=beta_2 ** np.arange(t, -1, -1.0))
        now, coming = math.prod(mu[: t + 1]), math.prod(mu[: t + 2])
        w = w - rate * (mu[t + 1] * m / (1 - coming) + (1 - mu[t]) * g / (1 - now)) / (np.sqrt(v) + 1e-8)
        seen.append(w)
    return seen


def loop_lion(w, gradients, rates, beta_1=0.9, beta_2=0.95, decay=0.0):
    seen, m = [], np.zeros_like(w)
    for g, rate in zip(gradients, rates, strict=True):
        update = np.where(beta_1 * m + (1 - beta_1) * g > 0, 1.0, -1.0) * (beta_1 * m + (1 - beta_1) * g != 0)
        w = w - rate * (update + decay * w)
        m = m * beta_2 + g * (1 - beta_2)
        seen.append(w)
    return seen


def loop_rprop_of_one_weight(w, gradients, losses, up=1.2, down=0.5, low=1e-6, high=50.0, delta=0.1):
    """iRprop+ of a single weight, in plain numbers (Igel and Huesken 2000, table 1)."""
    seen, last_g, last_loss, change = [], 0.0, math.inf, 0.0
    for g, loss in zip(gradients, losses, strict=True):
        same = (g > 0 and last_g > 0) or (g < 0 and last_g < 0)
        opposite = (g > 0 and last_g < 0) or (g < 0 and last_g > 0)
        if opposite:
            delta = max(delta * down, low)
            if loss > last_loss:
                w = w - change
            g = 0.0
        else:
            if same:
                delta = min(delta * up, high)
            change = -math.copysign(delta, g) if g != 0 else 0.0
            w = w + change
        last_g, last_loss = g, loss
        seen.append(w)
    return seen


def of_weights_only(loop: Loop, **decay: float) -> Callable[..., list[np.ndarray]]:
    return lambda w, gradients, rates: loop(w, gradients, rates, **(decay if w.ndim == 2 else {}))


LOOPS = [
    (GradientDescent(), loop_gradient_descent),
    (Momentum(momentum=0.8), loop_momentum),
    (Nesterov(momentum=0.8), loop_nesterov),
    (AdaGrad(), loop_adagrad),
    (RMSprop(alpha=0.95), loop_rmsprop),
    (RMSprop(alpha=0.95, momentum=0.7), lambda *args: loop_rmsprop(*args, mu=0.7)),
    (Adam(beta_1=0.85, beta_2=0.99, epsilon=1e-7), loop_adam),
    (AdamW(beta_1=0.85, beta_2=0.99, epsilon=1e-7, weight_decay=0.3), of_weights_only(loop_adam, decay=0.3)),
    (
        AdamW(beta_1=0.85, beta_2=0.99, epsilon=1e-7, weight_decay=0.3, decay_all=True),
        lambda *args: loop_adam(*args, decay=0.3),
    ),
    (NAdam(), loop_nadam),
    (Lion(beta_2=0.95, weight_decay=0.2), of_weights_only(loop_lion, decay=0.2)),
    (Lion(beta_2=0.95, weight_decay=0.2, decay_all=True), lambda *args: loop_lion(*args, decay=0.2)),
]


@pytest.mark.parametrize(("chosen", "loop"), LOOPS, ids=lambda item: getattr(item, "name", ""))
def test_agrees_with_a_plain_loop_while_the_learning_rate_changes(chosen, loop):
    start, gradients = draw()
    rates = [0.05 / (1 + t) ** 0.5 for t in range(STEPS)]  # one program, a new learning rate at each step
    expected = {path: loop(start[path], [g[path] for g in gradients], rates) for path in SHAPES}
    stepper = Stepper(chosen).start(start)
    for t, (g, rate) in enumerate(zip(gradients, rates, strict=True)):
        assert_equal(stepper.step(g, learning_rate=rate), {path: expected[path][t] for path in SHAPES})


@settings(max_examples=50)
@given(
    arrays_of.arrays(np.float64, (STEPS, 3), elements=st.sampled_from([-1e-200, -2.0, 0.0, 1e-200, 3.0])),
    st.lists(st.sampled_from([0.0, 1.0, 2.0]), min_size=STEPS, max_size=STEPS),
)
def test_rprop_agrees_with_plain_numbers_whatever_gradients_and_losses(gradients, losses):
    chosen = Rprop(maximum_step=0.4)
    stepper = Stepper(chosen, shapes={"w": (3,)}).start({"w": np.array([1.0, -2.0, 0.5])})
    found = [stepper.step({"w": g}, loss)["w"] for g, loss in zip(gradients, losses, strict=True)]
    for place, w in enumerate([1.0, -2.0, 0.5]):
        expected = loop_rprop_of_one_weight(w, gradients[:, place].tolist(), losses, high=0.4)
        assert np.abs(np.array(found)[:, place] - expected).max() <= 1e-12


def test_rprop_takes_a_harmful_step_back():
    stepper = Stepper(Rprop(), shapes={"w": (1,)}).start({"w": np.array([1.0])})
    assert stepper.step({"w": np.array([2.0])}, loss=1.0)["w"] == 0.9
    assert stepper.step({"w": np.array([-2.0])}, loss=5.0)["w"] == pytest.approx(1.0, abs=1e-15)
    assert stepper.values["rprop/step/w"] == 0.05 and stepper.values["rprop/gradient/w"] == 0


# -- other libraries --------------------------------------------------------------------------------------------------

TORCH = {
    "gradient_descent": (GradientDescent(0.1), "SGD", {"lr": 0.1}),
    "momentum": (Momentum(0.1, 0.9), "SGD", {"lr": 0.1, "momentum": 0.9}),
    "nesterov": (Nesterov(0.1, 0.9), "SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
    "adagrad": (AdaGrad(0.1), "Adagrad", {"lr": 0.1}),
    "rmsprop": (RMSprop(0.01), "RMSprop", {}),
    "rmsprop with momentum": (RMSprop(0.01, momentum=0.9), "RMSprop", {"momentum": 0.9}),
    "adam": (Adam(), "Adam", {}),
    "adamw": (AdamW(weight_decay=0.1, decay_all=True), "AdamW", {"weight_decay": 0.1}),
    "nadam": (NAdam(), "NAdam", {}),
    "rprop": (Rprop(), "Rprop", {"lr": 0.1}),
}


@pytest.fixture
def torch():
    """PyTorch with all its scalars in float64 too."""
    import torch

    torch.set_default_dtype(torch.float64)
    yield torch
    torch.set_default_dtype(torch.float32)


@pytest.mark.long
@pytest.mark.parametrize("case", TORCH)
def test_agrees_with_pytorch(torch, case):
    chosen, name, arguments = TORCH[case]
    start, gradients = draw(seed=1)
    tensors = {path: torch.tensor(array, requires_grad=True) for path, array in start.items()}
    theirs = getattr(torch.optim, name)(list(tensors.values()), **arguments)
    stepper = Stepper(chosen).start(start)
    for t, g in enumerate(gradients):
        for path, tensor in tensors.items():
            tensor.grad = torch.tensor(g[path])
        theirs.step()
        falling = -float(t)  # PyTorch's Rprop never goes back, and neither does iRprop+ while the loss falls
        assert_equal(stepper.step(g, falling), {path: tensor.detach().numpy() for path, tensor in tensors.items()})


OPTAX = {
    "gradient_descent": (GradientDescent(0.1), "sgd", {"learning_rate": 0.1}),
    "momentum": (Momentum(0.1), "sgd", {"learning_rate": 0.1, "momentum": 0.9}),
    "nesterov": (Nesterov(0.1), "sgd", {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True}),
    "rmsprop": (RMSprop(alpha=0.9), "rmsprop", {"learning_rate": 1e-3, "eps_in_sqrt": False}),
    "adam": (Adam(), "adam", {"learning_rate": 1e-3}),
    "adamw": (
        AdamW(weight_decay=0.1),
        "adamw",
        {"learning_rate": 1e-3, "weight_decay": 0.1, "mask": {"dense/weight": True, "dense/bias": False}},
    ),
    "lion": (Lion(weight_decay=0.1, decay_all=True), "lion", {"learning_rate": 1e-4, "weight_decay": 0.1}),
}


@pytest.mark.long
@pytest.mark.parametrize("case", OPTAX)
def test_agrees_with_optax(case):
    import jax
    import optax

    chosen, name, arguments = OPTAX[case]
    start, gradients = draw(seed=2)
    with jax.enable_x64(True):
        theirs = getattr(optax, name)(**arguments)
        parameters = {path: jax.numpy.asarray(array) for path, array in start.items()}
        state = theirs.init(parameters)
        update = jax.jit(lambda g, state, parameters: theirs.update(g, state, parameters))
        stepper = Stepper(chosen).start(start)
        for g in gradients:
            changes, state = update(g, state, parameters)
            parameters = optax.apply_updates(parameters, changes)
            assert_equal(stepper.step(g), {path: np.asarray(array) for path, array in parameters.items()})


# -- on a loss of its own ---------------------------------------------------------------------------------------------


class Learner:
    """One optimizer at work on a loss that is in the graph."""

    def __init__(self, chosen: Optimizer, loss: Callable, dtype: str = "float64"):
        context = self.context = Context(training=True, dtype=dtype)
        w = context.parameter("w", (2,), None)
        value = loss(w)
        new = chosen.build(context, {"w": w}, {"w": build_gradients(value, [w])[0]}, value)
        context.update(w, new["w"])
        self.program = compile(context.builder.finish({**context.updates, "the loss": value}))

    def learn(self, w: np.ndarray, steps: int, **settings: float) -> tuple[list[np.ndarray], list[float]]:
        values = {"w": w, **initial_state(self.context.state, {"w": w})}
        seen, losses = [], []
        for _ in range(steps):
            out = self.program(**{**self.context.settings, **settings}, **values)
            values = {path: out[path] for path in values} if self.context.state else {"w": out["w"]}
            seen.append(out["w"])
            losses.append(float(out["the loss"]))
        return seen, losses


@pytest.mark.parametrize(
    ("name", "chosen"), [("adam", Adam(learning_rate=0.1)), ("momentum", Momentum(learning_rate=0.1))]
)
def test_the_worked_example_comes_out_to_1e_12(name, chosen):
    example = WORKED[name]
    seen, _ = Learner(chosen, lambda w: sum_over(w * w)).learn(np.array(example["w0"]), len(example["w"]))
    for found, expected in zip(seen, example["w"], strict=True):
        assert_equal({"w": found}, {"w": np.array(expected)})


@every_optimizer
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_finds_the_minimum_of_a_narrow_convex_valley(kind, dtype):
    def valley(w):
        return sum_over(sqrt(1 + w * w * np.array([10.0, 0.5], dtype)))

    learner = Learner(kind(), valley, dtype)
    rate = {"learning_rate": 0.1} if "learning_rate" in learner.context.settings else {}
    rate = {"learning_rate": 0.01} if kind is Lion else rate
    _, losses = learner.learn(np.array([1.0, -2.0], dtype), 400, **rate)
    assert losses[-1] - 2 < 0.02 * (losses[0] - 2)


# -- settings, state, dtypes ------------------------------------------------------------------------------------------


@every_optimizer
def test_no_number_of_a_setting_is_in_the_graph(kind):
    """Optimizers that differ only in numbers share one graph."""
    chosen = kind(**({"momentum": 0.5} if kind is RMSprop else {}))
    changes = {field.name: getattr(chosen, field.name) * 0.875 for field in fields(kind) if field.name in kind.ranges}
    other = kind(**changes)
    assert other != chosen
    first, second = Stepper(chosen), Stepper(other)
    assert first.program.graph == second.program.graph
    assert str(first.program.graph) == str(second.program.graph)
    told = {path.removeprefix(f"{kind.name}/"): number for path, number in second.context.settings.items()}
    assert told == {name: number for name, number in changes.items() if name != "initial_step"}


@every_optimizer
def test_every_setting_is_at_work(kind):
    chosen = kind(**({"momentum": 0.5} if kind is RMSprop else {}))
    start, gradients = draw(seed=3)

    def after_some_steps(**settings: float) -> np.ndarray:
        stepper = Stepper(chosen).start(start)
        for t in range(30):
            values = stepper.step(gradients[t], float(t % 3), **settings)
        return values["dense/weight"]

    for path, number in Stepper(chosen).context.settings.items():
        other = {"rprop/maximum_step": 0.05, "rprop/minimum_step": 0.09}.get(path, 0.5 * number + 0.1)
        assert not np.array_equal(after_some_steps(**{path: other}), after_some_steps()), path


@every_optimizer
def test_float32_stays_float32(kind):
    chosen = kind(**({"momentum": 0.5} if kind is RMSprop else {}))
    start, gradients = draw(dtype="float32")
    stepper = Stepper(chosen, "float32").start(start)
    exact = Stepper(chosen).start({path: array.astype(np.float64) for path, array in start.items()})
    for node in stepper.program.graph.nodes:
        if node.type.shape:
            assert node.type.dtype.name in ("float32", "bool"), node.path
    for t, g in enumerate(gradients[:30]):
        found = stepper.step(g, -t)
        expected = exact.step({path: array.astype(np.float64) for path, array in g.items()}, -t)
        assert all(array.dtype == np.float32 for array in found.values())
        assert_equal(found, expected, 1e-5)


def test_state_is_observed_by_path():
    start, gradients = draw()
    stepper = Stepper(Adam()).start(start)
    assert set(stepper.context.state) == {
        "adam/beta_1_power", "adam/beta_2_power", "adam/m/dense/weight", "adam/v/dense/weight", "adam/m/dense/bias",
        "adam/v/dense/bias",
    }  # fmt: skip
    stepper.step(gradients[0])
    seen = stepper.program.observe(**stepper.inputs(gradients[1]))
    g, earlier = gradients[1]["dense/weight"], gradients[0]["dense/weight"]
    np.testing.assert_allclose(seen["adam/m/dense/weight"], 0.1 * earlier, rtol=1e-12)
    np.testing.assert_allclose(seen["new adam/m/dense/weight"], 0.09 * earlier + 0.1 * g, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(seen["new adam/v/dense/weight"], 0.999e-3 * earlier**2 + 1e-3 * g**2, rtol=1e-12)
    assert seen["adam/beta_2_power"] == 0.999 and seen["new adam/beta_2_power"] == 0.999**2
    assert seen["adam/beta_1_power"].dtype == np.float64


def test_powers_keep_their_digits_in_float32():
    """A power carried in float32 would be off by 1e-4 of what is left after as many steps."""
    stepper = Stepper(Adam(), "float32").start(draw(dtype="float32")[0])
    zero = {path: np.zeros(shape, np.float32) for path, shape in SHAPES.items()}
    for _ in range(2000):
        stepper.step(zero)
    assert stepper.values["adam/beta_2_power"] == pytest.approx(float(np.float32(0.999)) ** 2000, rel=1e-12)


def test_a_gradient_that_is_missing_or_of_another_type_is_named():
    context = Context(training=True, dtype="float64")
    w = context.parameter("w", (2,), None)
    with pytest.raises(GraphError, match=r"^w: no gradient that fits the parameter: got none, expected float64\[2\]"):
        Adam().build(context, {"w": w}, {}, sum_over(w))
    with pytest.raises(GraphError, match=r"got float64\[\], expected float64\[2\]"):
        Adam().build(context, {"w": w}, {"w": sum_over(w)}, sum_over(w))


# -- by name ----------------------------------------------------------------------------------------------------------


def test_optimizers_are_found_by_name():
    assert optimizer("adam", learning_rate=0.5) == Adam(learning_rate=0.5)
    assert optimizer("lbfgs", history=3) == LBFGS(history=3)
    assert optimizer(Adam(beta_1=0.5), learning_rate=0.5) == Adam(learning_rate=0.5, beta_1=0.5)
    assert all(optimizer(name) == kind() and kind.name == name for name, kind in OPTIMIZERS.items())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: optimizer("nestrov"), "no optimizer is called 'nestrov'. Did you mean 'nesterov'?"),
        (lambda: optimizer("adam", beta1=0.9), "the optimizer 'adam' has no setting 'beta1'. Did you mean 'beta_1'?"),
        (lambda: optimizer("rprop", learning_rate=0.1), "the optimizer 'rprop' has no setting 'learning_rate'"),
        (lambda: optimizer(3), "optimizer: not the name of optimizers nor one of them: got 3"),
        (lambda: Adam(beta_1=1.0), r"adam, beta_1: out of range: got 1.0, expected a number in [0, 1)."),
        (lambda: Adam(learning_rate=float("nan")), "adam, learning_rate: out of range: got nan"),
        (lambda: Momentum(learning_rate=float("inf")), "momentum, learning_rate: out of range: got inf"),
        (lambda: Momentum(learning_rate="0.1"), "momentum, learning_rate: not a number: got '0.1'"),
        (lambda: RMSprop(momentum=-0.1), "rmsprop, momentum: out of range"),
        (lambda: Rprop(minimum_step=1.0), "rprop: the first step is not between the smallest and the largest"),
        (lambda: LBFGS(max_iterations=2.5), "lbfgs, max_iterations: not a whole number: got 2.5"),
    ],
)
def test_mistakes_in_settings_are_told(make, message):
    with pytest.raises(UsageError) as caught:
        make()
    assert message in str(caught.value)
