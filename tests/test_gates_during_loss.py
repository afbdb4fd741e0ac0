"""Gates on the curve of the loss and on what a network is beside simpler models: curves by hand, and real faults."""

from __future__ import annotations

import numpy as np
import pytest
from gate_cases import ADAM, blobs, linear, parts, rings, waves, with_curve
from sklearn.linear_model import LinearRegression

import pellucid as pl
from pellucid.diagnosis.gates.asking import ask
from pellucid.diagnosis.gates.case import Case
from pellucid.diagnosis.gates.check import train_case
from pellucid.diagnosis.gates.judged import judged_learned, unit_of_loss

LAYERS = [pl.Dense(16, "tanh"), pl.Dense(1)]


@pytest.fixture(scope="module")
def case():
    """A case whose unit of the loss is half the variance of its targets."""
    data = linear(100)
    case = Case(pl.Network(LAYERS, 4), data, {"loss": "squared_error", "epochs": 1, "optimizer": ADAM(1e-6)})
    return train_case(case)


def found(case, gate, losses, unit=True):
    scale = unit_of_loss(case) if unit else 1.0
    return ask(with_curve(case, case.fit, [loss * scale for loss in losses]), ["during"], [gate])[gate]


def test_the_baselines_are_the_mean_and_least_squares(case):
    judged = judged_learned(case)
    x, y = case.dataset.inputs["x"], case.dataset.targets
    assert judged.mean(judged.constant) == pytest.approx(0.5 * np.var(y), rel=1e-4)
    residuals = y - LinearRegression().fit(x, y).predict(x)
    assert judged.mean(judged.linear) == pytest.approx(0.5 * np.mean(residuals**2), rel=1e-3)
    assert unit_of_loss(case) == pytest.approx(0.5 * np.var(y), rel=1e-4)


def test_a_loss_that_ends_far_above_its_least_value_diverges(case):
    assert found(case, "loss_diverges", [1.0, 0.5, 0.2, 0.1, 0.1, 0.1, 0.1]).verdict == "pass"
    rising = found(case, "loss_diverges", [1.0, 0.5, 0.2, 0.2, 0.2, 0.2, 2.0])
    assert (rising.verdict, rising.measured) == ("fail", pytest.approx(1.8))
    assert found(case, "loss_diverges", [1.0, np.nan]).measured == np.inf


def test_the_mean_rise_of_the_second_half_is_oscillation(case):
    calm = found(case, "loss_oscillates", [5.0, 1.0, 4.0, 1.0, 0.9, 0.8, 0.7, 0.6])
    assert (calm.verdict, calm.measured) == ("pass", 0.0)
    wild = found(case, "loss_oscillates", [1.0, 0.9, 0.8, 0.5, 0.1, 0.7, 0.1, 0.7])
    assert wild.measured == pytest.approx((0.6 + 0.6) / 4, abs=0.15)
    assert wild.verdict == "fail"


def test_a_straight_line_is_still_falling_and_an_exponential_is_not(case):
    line = [10.0 - 0.1 * epoch for epoch in range(1, 61)]
    finding = found(case, "still_falling", line)
    assert finding.verdict == "fail"
    assert finding.measured == pytest.approx(0.2, abs=0.01)
    settled = [0.5 + 9.5 * np.exp(-epoch / 6) for epoch in range(60)]
    assert found(case, "still_falling", settled).verdict == "pass"


def test_a_plateau_is_time_spent_at_the_level_of_the_constant(case):
    finding = found(case, "plateau", [1.0, 0.96] * 9 + [0.94] * 2)
    assert (finding.verdict, finding.measured) == ("fail", pytest.approx(0.9))


def test_too_few_epochs_say_nothing(case):
    for gate in ("loss_oscillates", "plateau"):
        assert not len(ask(with_curve(case, case.fit, [1.0, 0.9]), ["during"], [gate]))


# -- trainings with the fault that a gate is for -----------------------------------------------------------------------


def trained(data, layers=LAYERS, loss="squared_error", test=None, **options):
    network = pl.Network(layers, data.inputs["x"].shape[1])
    return train_case(Case(network, data, {"loss": loss, "optimizer": ADAM(0.01), "epochs": 40, **options}, test))


def fails(case, gate, cause):
    finding = ask(case, ["during"], [gate])[gate]
    assert finding.verdict == "fail", finding
    assert cause in finding.causes
    return finding


def test_values_that_are_not_finite_tell_when_and_why():
    data = linear()
    steps = trained(data, optimizer=pl.optimizers.GradientDescent(1e3))
    finding = fails(steps, "non_finite", "step_too_large")
    assert "step" in finding.evidence and finding.causes[0] == "step_too_large"
    huge = pl.initializers.Gaussian(1e30)
    start = trained(data, [pl.Dense(8, initializer=huge), pl.Dense(1, initializer=huge)])
    assert fails(start, "non_finite", "large_initialization").causes[0] == "large_initialization"
    roots = [lambda context, x: pl.log(pl.relu(x)), pl.Dense(1)]
    assert ask(trained(data, roots), ["during"], ["non_finite"]).verdict == "fail"
    assert ask(trained(data), ["during"], ["non_finite"]).verdict == "pass"


def test_large_steps_oscillate_or_diverge():
    curved = pl.Dataset({"x": waves()[0]}, waves()[1])
    fails(trained(curved, optimizer=pl.optimizers.RMSprop(0.5)), "loss_oscillates", "step_too_large")
    fails(trained(linear(), optimizer=ADAM(100.0), epochs=2), "loss_diverges", "step_too_large")


def test_small_steps_are_slower_than_a_linear_model_and_still_falling():
    case = trained(linear(), optimizer=ADAM(3e-5))
    fails(case, "slower_than_linear", "step_too_small")
    fails(case, "still_falling", "step_too_small")
    better = fails(case, "better_settings", "step_too_small")
    assert "learning rate" in better.where or "times as many" in better.where


def test_trials_tell_large_steps_strong_penalties_and_bad_starts_apart():
    curved = pl.Dataset({"x": waves()[0]}, waves()[1])
    for options, cause in (
        ({"optimizer": ADAM(3.0)}, "step_too_large"),
        ({"regularizers": [pl.regularizers.L2(3.0, output=True)], "epochs": 150}, "too_much_regularization"),
        ({"layers": [pl.Dense(16, "tanh", initializer=0.0), pl.Dense(1, initializer=0.0)], "epochs": 150}, "zero_init"),
    ):
        told = ask(trained(curved, **options), ["during"], ["better_settings"])
        worst = max((one for one in told if one.verdict == "fail"), key=lambda one: one.measured)
        assert worst.causes[0].startswith(cause)


def test_a_network_that_learns_nothing_stays_at_the_constant():
    noise = pl.Dataset({"x": np.zeros((200, 4))}, linear().targets)
    fails(trained(noise, epochs=150), "loss_below_constant", "uninformative_inputs")


def test_noise_learned_by_heart_leaves_a_gap():
    rng = np.random.default_rng(0)
    learning, test = (pl.Dataset({"x": rng.normal(size=(60, 10))}, rng.normal(size=(60, 1))) for _ in range(2))
    layers = [pl.Dense(128, "relu"), pl.Dense(1)]
    case = trained(learning, layers, test=test, epochs=300)
    assert fails(case, "overfitting_gap", "overfitting").measured > 0.5
    assert not len(ask(trained(learning, layers), ["during"], ["overfitting_gap"]))  # nothing is held out


def test_a_loss_with_the_wrong_sign_does_not_agree_with_the_errors():
    class Backwards(pl.losses.Loss):
        task, linear = "regression", True

        def build(self, context, output, target):
            return -pl.losses.sum_outputs((output - target) ** 2)

    fails(trained(linear(), loss=Backwards(), epochs=5), "loss_and_errors_agree", "wrong_loss")


@pytest.mark.parametrize(("data", "loss", "outputs"), [(blobs, "softmax_cross_entropy", 3), (rings, "hinge", 1)])
def test_sound_classifiers_pass(data, loss, outputs):
    learning, test = parts(*data())
    case = trained(learning, [pl.Dense(16, "relu"), pl.Dense(outputs)], loss, test, epochs=80)
    assert not ask(case, ["during"]).failed
