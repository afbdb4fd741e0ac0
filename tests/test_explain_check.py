"""The check of a gradient: what it finds right, what wrong, and what at kinks."""

import time

import numpy as np
import pytest

import pellucid as pl
from pellucid.graph.operation import REGISTRY
from pellucid.inspection.explain import explain
from pellucid.inspection.observe import observe
from pellucid.training.arrangement import arrange


@pytest.fixture
def clean_registry():
    before = dict(REGISTRY)
    yield
    REGISTRY.clear()
    REGISTRY.update(before)


@pytest.mark.parametrize(
    ("function", "slope"),
    [
        (lambda x: pl.tanh(x), lambda x: 1 - np.tanh(x) ** 2),
        (lambda x: pl.exp(-(x**2.0)), lambda x: -2 * x * np.exp(-(x**2))),
        (lambda x: pl.log(1 + pl.exp(x)) / x, lambda x: 1 / (1 + np.exp(-x)) / x - np.log1p(np.exp(x)) / x**2),
        (lambda x: 1e-9 * pl.sigmoid(x), lambda x: 1e-9 / (1 + np.exp(-x)) / (1 + np.exp(x))),
        (lambda x: 1e6 + pl.sqrt(x), lambda x: 0.5 / np.sqrt(x)),
    ],
)
@pytest.mark.parametrize("x", [0.3, 2.5, 40.0])
def test_a_difference_agrees_with_the_slope(function, slope, x):
    check = explain(observe(function, x=x), "d value / d x").check
    assert check.agrees and check.double == pytest.approx(slope(x), rel=1e-9)
    assert check.found == pytest.approx(slope(x), rel=1e-5, abs=1e-8) and check.step > 0


def test_a_wrong_gradient_rule_is_found(clean_registry):
    wrong = pl.elementwise(
        name="wrong_square",
        doc="A square with a wrong slope.",
        rule=lambda s, x: x * x,
        gradient=lambda g, x, y: g * 2.001 * x,
        reference=lambda x: x**2,
        points={1.0: (1.0, 2.0)},
        sample=pl.Uniform(-2, 2),
    )
    found = explain(observe(lambda x: pl.sum(wrong(x)), x=[0.5, 1.5]), "d value / d x[1]")
    assert not found.check.agrees and found.check.found == pytest.approx(3.0, rel=1e-8)
    assert "they do not agree" in str(found)


def test_float32_is_checked_in_float64():
    rng = np.random.default_rng(0)
    given = {name: rng.normal(size=shape).astype(np.float32) for name, shape in (("x", (8, 5)), ("w", (5, 3)))}
    observation = observe(lambda x, w: pl.sum(pl.tanh(x @ w) ** 2.0), **given)
    check = explain(observation, "d value / d w[4, 1]").check
    x, w = (array.astype(float) for array in given.values())
    h = np.tanh(x @ w)
    exact = (x.T @ (2 * h * (1 - h**2)))[4, 1]
    assert check.double == pytest.approx(exact, rel=1e-14) and check.found == pytest.approx(exact, rel=1e-8)
    assert check.number == observation["w"].gradient[4, 1] != exact and check.agrees


@pytest.mark.parametrize(("x", "slopes"), [(0.0, (0, 1)), (-0.0, (0, 1))])
def test_a_kink_at_the_number_is_told_with_both_slopes(x, slopes):
    check = explain(observe(lambda x: pl.relu(x), x=x), "d value / d x").check
    assert f"x passes the kink of relu at 0 within the step: the slopes on both sides are {slopes[0]}" in check.note
    assert check.agrees


def test_a_step_is_small_enough_not_to_reach_a_kink_nearby():
    check = explain(observe(lambda x: pl.absolute(x), x=3e-6), "d value / d x").check
    assert check.agrees and not check.note and check.step < 3e-6 and check.found == pytest.approx(1.0)
    check = explain(observe(lambda x: pl.absolute(x), x=1e-14), "d value / d x").check
    assert "the slopes on both sides are -1 and 1" in check.note


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda x: pl.maximum(x, 1.0), "value changes sides"),
        (lambda x: pl.select(x > 1, x, 2 * x), "greater turns"),
        (lambda x: pl.sum(pl.leaky_relu(x - 1)), "passes the kink of leaky_relu at 0"),
        (lambda x: pl.max(pl.concatenate([pl.reshape(x, (1,)), pl.reshape(2 - x, (1,))])), "becomes the greatest"),
    ],
)
def test_choices_are_kinks_too(function, words):
    assert words in explain(observe(function, x=1.0), "d value / d x").check.note


def test_a_choice_that_hides_a_slope_is_told_so():
    hidden = observe(lambda x: pl.sum(pl.select(x != 0, 3 * x, 0 * x)), x=0.0)  # 3 x, but the rule sees the branch 0 x
    check = explain(hidden, "d value / d x").check
    assert not check.agrees and check.number == 0 and check.found == pytest.approx(3.0)
    assert check.note.endswith("the slopes on both sides are 3 and 3, and the number is not between them")


def test_draws_stay_as_they_were_observed():
    net = pl.Network([pl.Dense(6, "gelu"), pl.Dropout(0.5), pl.Dense(1)], inputs=3, dtype="float32")
    data = pl.Dataset({"x": np.random.default_rng(0).normal(size=(16, 3))}, np.ones((16, 1)))
    step = observe(arrange(net, data, loss="squared_error", executor="interpret").training())
    found = explain(step, "d loss / d dense_1/weight[2, 4]")
    assert found.check.agrees and found.check.double != 0


def test_values_are_computed_anew_in_float64():
    given = {name: np.float32(number) for name, number in (("x", 0.1), ("y", 0.7))}
    check = explain(observe(lambda x, y: pl.exp(x) * y, **given), "value").check
    assert check.double == np.exp(float(given["x"])) * float(given["y"]) and check.agrees and check.step is None


def test_what_is_not_finite_is_not_checked():
    found = explain(observe(lambda x: pl.log(x), x=0.0), "d value / d x")
    assert found.number == np.inf and found.check is None and "not a finite number" in found.meaning
    assert "inf" in str(found) and "inf" in found._repr_html_()


@pytest.mark.parametrize("sizes", [(784, 12, 10), (64, 100, 30, 10)])
def test_any_number_of_a_network_of_10_000_parameters_takes_less_than_a_fifth_of_a_second(sizes):
    rng = np.random.default_rng(0)
    net = pl.Network([*(pl.Dense(size, "relu") for size in sizes[1:-1]), pl.Dense(sizes[-1])], inputs=sizes[0])
    data = pl.Dataset({"x": rng.normal(size=(32, sizes[0]))}, rng.integers(0, 10, 32))
    fitted = pl.fit(net, data, loss="softmax_cross_entropy", epochs=1, executor="interpret")
    for address in ("d loss / d dense_1/weight[3, 2]", "loss", "dense_1/relu[0, 5]", "d loss / d dense_2/bias[1]"):
        taken = []
        for _ in range(3):
            observation = observe(fitted, data)
            start = time.perf_counter()
            str(explain(observation, address))
            taken.append(time.perf_counter() - start)
        assert min(taken) < 0.2, address
