"""Gates on layers while they learn: numbers worked out by hand, and the faults that each gate is for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from gate_cases import ADAM, linear, moments, record, waves

import pellucid as pl
from pellucid.diagnosis.gates.asking import ask
from pellucid.diagnosis.gates.case import Case
from pellucid.diagnosis.gates.check import train_case
from pellucid.diagnosis.gates.during_updates import _share_of_twins

NETWORK = pl.Network([pl.Dense(8, "relu"), pl.Dense(8, "relu"), pl.Dense(1)], inputs=4)


def found(gate: str, *layers_of_moments):
    case = Case(NETWORK, linear(20), {"loss": "squared_error"}, records=moments(*layers_of_moments))
    return ask(case, ["during"], [gate])[gate]


def three(*norms: float):
    return [record(f"dense_{number}", gradient=norm, activation="") for number, norm in enumerate(norms, start=1)]


def test_vanishing_is_the_least_ratio_to_a_layer_above_at_the_median_of_the_moments():
    start = three(0.0, 0.0, 1.0)  # does not count: the last layer starts at 0
    finding = found("vanishing_gradients", start, three(1e-3, 1.0, 0.5), three(1e-6, 2.0, 1.0), three(1.0, 1.0, 1.0))
    assert finding.measured == pytest.approx(1e-3)
    assert finding.where == "dense_1"
    assert found("vanishing_gradients", start, three(4.0, 2.0, 2.0)).measured == pytest.approx(1.0)


def test_exploding_is_the_greatest_ratio_to_a_layer_above():
    finding = found("exploding_gradients", three(1.0, 1.0, 1.0), three(5e4, 1.0, 2.0))
    assert finding.verdict == "fail"
    assert finding.measured == pytest.approx(5e4)
    assert found("exploding_gradients", three(1.0, 1.0, 1.0), three(0.1, 1.0, 2.0)).measured == pytest.approx(1.0)


def test_gradients_of_a_solved_task_say_nothing():
    case = Case(NETWORK, linear(20), {"loss": "squared_error"}, records=moments(three(0, 0, 0), three(0, 0, 0)))
    assert not len(ask(case, ["during"], ["vanishing_gradients", "exploding_gradients"]))


@pytest.mark.parametrize(("gate", "field"), [("dead_units", "dead"), ("saturated_units", "stuck")])
def test_the_worst_hidden_layer_at_the_end_counts(gate, field):
    def layers(first, second, last):
        shares = zip(("dense_1", "dense_2", "dense_3"), ("relu", "relu", ""), (first, second, last), strict=True)
        return [record(name, activation=kind, **{field: share}) for name, kind, share in shares]

    finding = found(gate, layers(1.0, 0.0, 0.0), layers(0.1, 0.95, 1.0))
    assert (finding.verdict, finding.measured, finding.where) == ("fail", 0.95, "dense_2")
    assert finding.causes[0] == "step_too_large"  # they were in order at the start
    assert found(gate, layers(0.0, 0.9, 0.0), layers(0.0, 0.95, 0.0)).causes[0] == gate
    assert found(gate, layers(0.0, 0.0, 0.0), layers(0.1, 0.0, 1.0)).verdict == "pass"


def test_steps_are_judged_by_half_of_the_layers_and_by_the_best_of_all():
    def layers(*ratios):
        return [record(f"dense_{number}", update_ratio=ratio) for number, ratio in enumerate(ratios, start=1)]

    large = found("updates_too_large", layers(np.nan, 1.0, 1.0), layers(0.001, 0.9, 1e9))
    assert (large.measured, large.where, large.verdict) == (1.0, "dense_2", "fail")
    assert found("updates_too_large", layers(0.001, 0.01, 1.0)).verdict == "pass"  # one layer may start at 0
    small = found("updates_too_small", layers(1e-9, 1e-6, 1e-7), layers(1e-9, 2e-6, np.nan))
    assert (small.measured, small.where, small.verdict) == (2e-6, "dense_2", "fail")
    assert found("updates_too_small", layers(1e-9, 1e-6, 2e-3)).verdict == "pass"


def test_twins_are_found_up_to_rounding():
    units = np.random.default_rng(0).normal(size=(6, 5))
    assert _share_of_twins(units) == 0.0
    units[3] = units[1] * (1 + 1e-9)
    assert _share_of_twins(units) == pytest.approx(2 / 6)
    assert _share_of_twins(np.zeros((4, 3))) == 1.0


# -- trainings with the fault that a gate is for -----------------------------------------------------------------------


def trained(layers, dataset=None, **options):
    dataset = linear() if dataset is None else dataset
    features = dataset.inputs["x"].shape[1]
    options = {"loss": "squared_error", "optimizer": ADAM(0.01), "epochs": 20, **options}
    return train_case(Case(pl.Network(layers, features), dataset, options))


def fails(case, gate, cause):
    finding = ask(case, ["during"], [gate])[gate]
    assert finding.verdict == "fail", finding
    assert cause in finding.causes
    assert finding.remedy and finding.threshold
    return finding


def test_a_stack_of_sigmoids_vanishes_and_one_of_rectifiers_does_not():
    depth = 12
    stack = trained([*(pl.Dense(16, "sigmoid") for _ in range(depth)), pl.Dense(1)], epochs=5)
    assert fails(stack, "vanishing_gradients", "vanishing_gradients").where == "dense_1"
    healthy = trained([*(pl.Dense(16, "relu") for _ in range(depth)), pl.Dense(1)], epochs=5)
    assert ask(healthy, ["during"], ["vanishing_gradients"]).verdict == "pass"


def test_weights_twice_too_large_in_every_layer_explode():
    wide = pl.initializers.Gaussian(1.5)
    case = trained([*(pl.Dense(16, "relu", initializer=wide) for _ in range(8)), pl.Dense(1)], epochs=3)
    fails(case, "exploding_gradients", "large_initialization")


def test_low_biases_kill_units_and_large_inputs_saturate_them():
    dead = trained([pl.Dense(16, "relu", bias_initializer=-50.0), pl.Dense(1)])
    assert fails(dead, "dead_units", "dead_units").measured == 1.0
    data = linear()
    far = pl.Dataset({"x": data.inputs["x"] * 10 + 1000}, data.targets)
    fails(trained([pl.Dense(16, "tanh"), pl.Dense(1)], far), "saturated_units", "unscaled_inputs")


def test_steps_too_large_and_too_small():
    layers = [pl.Dense(16, "tanh"), pl.Dense(1)]
    fails(trained(layers, optimizer=ADAM(5.0)), "updates_too_large", "step_too_large")
    fails(trained(layers, optimizer=ADAM(1e-7)), "updates_too_small", "step_too_small")


def test_a_detached_layer_is_named_and_tiny_steps_are_told_apart():
    layers = [pl.Dense(8, "tanh", name="lost"), lambda context, x: pl.stop_gradient(x), pl.Dense(1)]
    finding = fails(trained(layers), "parameters_changed", "detached_layer")
    assert "lost/weight" in finding.evidence and "lost/bias" in finding.evidence
    nothing = fails(trained([pl.Dense(1)], optimizer=ADAM(1e-30)), "parameters_changed", "step_too_small")
    assert nothing.causes[0] == "step_too_small"


@pytest.mark.parametrize("start", [0.0, 0.3])
def test_units_that_start_alike_stay_alike(start):
    case = trained([pl.Dense(8, "tanh", initializer=start), pl.Dense(1, initializer=start)])
    assert fails(case, "units_grow_apart", "zero_initialization").measured == 1.0
    assert ask(trained([pl.Dense(8, "tanh"), pl.Dense(1)]), ["during"], ["units_grow_apart"]).verdict == "pass"


def test_weights_that_regularization_takes_away():
    x, y = waves(200)
    options = {"regularizers": [pl.regularizers.L2(3.0, output=True)], "epochs": 60}
    case = trained([pl.Dense(16, "tanh"), pl.Dense(1)], pl.Dataset({"x": x}, y), **options)
    fails(case, "weights_keep_size", "too_much_regularization")
    kept = replace(case, fit=trained([pl.Dense(16, "tanh"), pl.Dense(1)], pl.Dataset({"x": x}, y), epochs=60).fit)
    assert ask(kept, ["during"], ["weights_keep_size"]).verdict == "pass"
