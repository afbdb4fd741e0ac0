"""Gates on a trained network: intervals and errors against other implementations, luck on few rows, real faults."""

from __future__ import annotations

import numpy as np
import pytest
from gate_cases import ADAM, blobs, linear, parts, rings, waves
from scipy import stats

import pellucid as pl
from pellucid.diagnosis.gates.after_calibration import BINS, calibration_error, chance_error, confidences
from pellucid.diagnosis.gates.after_robustness import SIZE, perturb
from pellucid.diagnosis.gates.asking import ask
from pellucid.diagnosis.gates.case import Case
from pellucid.diagnosis.gates.check import train_case
from pellucid.diagnosis.gates.judged import interval, row_losses
from pellucid.diagnosis.gates.trainings import CHEAP, affordable_epochs


def trained(learning, test, layers, loss="squared_error", **options):
    network = pl.Network(layers, learning.inputs["x"].shape[1])
    return train_case(Case(network, learning, {"loss": loss, "optimizer": ADAM(0.01), "epochs": 60, **options}, test))


def after(case, gate):
    return ask(case, ["after"], [gate])[gate]


def random_parts(count, features=5, seed=0, classes=None):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(2 * count, features))
    y = rng.normal(size=(2 * count, 1)) if classes is None else rng.integers(0, classes, 2 * count)
    return parts(x, y, 0.5, seed)


def test_the_interval_is_student_s():
    values = np.random.default_rng(0).normal(1.0, 2.0, 17)
    found = interval(values, sure=0.95)
    low, high = stats.t.interval(0.95, 16, loc=values.mean(), scale=stats.sem(values))
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))
    twice = interval(np.repeat(values, 2), np.full(34, 3.0))
    assert twice.mean == pytest.approx(found.mean)
    assert interval(np.array([1.0, 5.0]), np.array([1.0, 0.0])).high == np.inf  # one row is no evidence


def test_losses_of_rows_have_the_mean_of_the_evaluation():
    learning, test = parts(*blobs())
    weights = np.linspace(0.1, 2, len(test))
    case = trained(learning, test, [pl.Dense(8, "tanh"), pl.Dropout(0.5), pl.Dense(3)], "softmax_cross_entropy")
    weighed = pl.Dataset(test.inputs, test.targets, weights)
    mean = np.average(row_losses(case.fit, weighed), weights=weights)
    assert mean == pytest.approx(case.fit.evaluate(weighed)["loss"], rel=1e-5)


# -- baselines ---------------------------------------------------------------------------------------------------------


def test_random_targets_are_told_from_many_rows_and_not_from_thirty():
    layers, options = [pl.Dense(4, "tanh"), pl.Dense(1)], {"epochs": 10, "validation": 0.2}
    many = after(trained(*random_parts(1500), layers, **options), "beats_constant")
    assert many.verdict == "fail" and many.causes
    few = after(trained(*random_parts(15), layers, **options), "beats_constant")
    assert few.verdict != "fail"


def test_a_network_that_learns_less_than_a_linear_model():
    learning, test = parts(linear(600).inputs["x"], linear(600).targets)
    layers = [pl.Dense(8, "tanh"), pl.Dense(1)]
    slow = trained(learning, test, layers, optimizer=ADAM(1e-4), epochs=5)
    assert after(slow, "beats_linear").verdict == "fail"
    assert after(slow, "beats_plain_network").verdict == "fail"
    good = trained(learning, test, layers)
    assert {after(good, gate).verdict for gate in ("beats_constant", "beats_linear", "beats_plain_network")} == {"pass"}


def test_one_unit_is_too_small_for_a_curve():
    learning, test = parts(*rings(400))
    case = trained(learning, test, [pl.Dense(1, "tanh"), pl.Dense(1)], "binary_cross_entropy", epochs=150)
    finding = after(case, "beats_plain_network")
    assert finding.verdict == "fail"
    assert finding.causes[0] == "network_too_small"


def test_a_classifier_that_is_too_sure_but_right_is_no_worse_than_a_linear_model():
    learning, test = parts(*blobs(400))
    case = trained(learning, test, [pl.Dense(64, "relu"), pl.Dense(3)], "softmax_cross_entropy", epochs=400)
    assert after(case, "beats_linear").verdict != "fail"


# -- calibration -------------------------------------------------------------------------------------------------------


def test_the_calibration_error_of_bins_counted_one_by_one():
    rng = np.random.default_rng(1)
    confidence = rng.uniform(0.5, 1, 330)
    right = (rng.uniform(size=330) < confidence**2).astype(float)
    order = np.argsort(confidence)
    bins = np.array_split(order, BINS)
    expected = sum(len(rows) / 330 * abs(right[rows].mean() - confidence[rows].mean()) for rows in bins)
    assert calibration_error(confidence, right) == pytest.approx(expected)


def test_probabilities_that_are_right_stay_within_chance():
    rng = np.random.default_rng(2)
    exceeding = 0
    for trial in range(20):
        confidence = rng.uniform(0.5, 1, 200)
        right = (rng.uniform(size=200) < confidence).astype(float)
        exceeding += calibration_error(confidence, right) > chance_error(confidence, trial)
    assert exceeding <= 2  # 1 of 100 is expected


def test_what_is_decided_and_how_sure():
    sure, right = confidences(np.array([[0.2, 0.8], [0.6, 0.4]]), np.array([1, 1]))
    assert sure.tolist() == [0.8, 0.6] and right.tolist() == [1.0, 0.0]
    sure, right = confidences(np.array([[0.2], [0.7]]), np.array([[1.0], [1.0]]))
    assert sure.tolist() == [0.8, 0.7] and right.tolist() == [0.0, 1.0]
    assert confidences(np.array([[0.2], [0.7]]), np.array([[0.5], [1.0]])) is None


def test_noise_learned_by_heart_is_far_too_sure():
    case = trained(
        *random_parts(200, classes=2), [pl.Dense(64, "relu"), pl.Dense(1)], "binary_cross_entropy", epochs=200
    )
    finding = after(case, "calibration")
    assert finding.verdict == "fail"
    assert "overfitting" in finding.causes
    assert not len(ask(trained(*parts(*waves()), [pl.Dense(1)]), ["after"], ["calibration"]))  # no probabilities


# -- robustness, luck, memory ------------------------------------------------------------------------------------------


def test_noise_is_a_share_of_each_feature_s_spread():
    x = np.random.default_rng(3).normal(size=(4000, 2)) * [1.0, 100.0] + [0.0, 7.0]
    moved = perturb(pl.Dataset({"x": x, "c": np.ones((4000, 1), int)}), 0, 0)
    assert np.std(moved.inputs["x"] - x, axis=0) == pytest.approx(SIZE * x.std(axis=0), rel=0.05)
    assert np.array_equal(moved.inputs["c"], np.ones((4000, 1)))
    assert not np.array_equal(moved.inputs["x"], perturb(pl.Dataset({"x": x}), 0, 1).inputs["x"])


def test_a_steep_network_is_not_robust():
    x, wide = np.random.default_rng(4).uniform(-1, 1, (400, 1)), pl.initializers.Gaussian(30.0)
    steep, smooth = (
        trained(*parts(x, y), [pl.Dense(200, "tanh", initializer=wide, bias_initializer=wide), pl.Dense(1)], epochs=200)
        for y in (np.sin(50 * x), x)
    )
    assert after(steep, "robustness").verdict == "fail"
    assert after(smooth, "robustness").verdict == "pass"


def test_the_spread_over_seeds_and_bootstraps():
    learning, test = parts(*rings(300))
    case = trained(learning, test, [pl.Dense(16, "relu"), pl.Dense(1)], "binary_cross_entropy", epochs=80)
    for gate in ("spread_over_seeds", "spread_over_bootstraps", "memorization"):
        finding = after(case, gate)
        assert finding.verdict == "pass", finding
        assert finding.measured == after(case.trained(case.fit, case.records), gate).measured  # the same once more
    wild = trained(learning, test, [pl.Dense(16, "relu"), pl.Dense(1)], "binary_cross_entropy", optimizer=ADAM(30.0))
    assert after(wild, "spread_over_seeds").verdict == "fail"


def test_random_targets_are_known_by_heart_only():
    case = trained(*random_parts(60, features=20), [pl.Dense(128, "relu"), pl.Dense(1)], epochs=300)
    finding = after(case, "memorization")
    assert finding.verdict == "fail"
    assert finding.measured > 0.5
    sound = trained(*parts(linear(300).inputs["x"], linear(300).targets), [pl.Dense(1)])
    assert abs(after(sound, "memorization").measured) < 0.05


def test_trainings_of_gates_are_bounded():
    learning, test = parts(*waves(100))
    case = trained(learning, test, [pl.Dense(8, "tanh"), pl.Dense(1)], epochs=200)
    assert affordable_epochs(case, 8) == 200
    wide = Case(
        pl.Network([pl.Dense(4000, "tanh"), pl.Dense(4000, "tanh"), pl.Dense(1)], 1), learning, case.options, test
    )
    large = wide.trained(case.fit, ())
    assert wide.network.count_parameters() * 70 * 200 * 8 > CHEAP
    assert affordable_epochs(large, 8) == 50  # together twice as long as the training
