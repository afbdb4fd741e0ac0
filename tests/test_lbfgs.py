"""L-BFGS minimizes, reports how it ended, and can be stopped."""

from __future__ import annotations

import numpy as np
import pytest

import pellucid as pl
from pellucid.errors import TrainingError, UsageError
from pellucid.optim.lbfgs import LBFGS, minimize

START = {"x": np.array(-1.2), "rest": np.array([[1.0, -1.2], [1.0, 2.0]])}


def rosenbrock(parameters):
    """The sum of Rosenbrock's valleys of (x, y), one after the other, with its minimum 0 at 1."""
    z = np.concatenate([parameters["x"][None], parameters["rest"].ravel()])
    ahead, behind = z[1:] - z[:-1] ** 2, 1 - z[:-1]
    g = np.zeros_like(z)
    g[1:] += 200 * ahead
    g[:-1] += -400 * ahead * z[:-1] - 2 * behind
    return np.sum(100 * ahead**2 + behind**2), {"x": g[0], "rest": g[1:].reshape(2, 2)}


def test_rosenbrock_is_solved_to_1e_8():
    found, report = minimize(rosenbrock, START, LBFGS(gradient_tolerance=1e-9, value_tolerance=0))
    assert np.abs(found["x"] - 1) < 1e-8 and np.abs(found["rest"] - 1).max() < 1e-8
    assert found["x"].shape == () and found["rest"].shape == (2, 2) and found["rest"].dtype == np.float64
    assert report.converged and report.value < 1e-15 and report.largest_gradient <= 1e-9
    assert 10 < report.iterations <= report.evaluations < 300
    assert START["x"] == -1.2 and START["rest"][0, 0] == 1.0


def test_the_callback_sees_every_iteration_and_stops_it():
    seen = []

    def callback(iteration, value, parameters):
        seen.append((iteration, value, parameters))
        return iteration == 7

    found, report = minimize(rosenbrock, START, LBFGS(max_iterations=30), callback)
    assert [iteration for iteration, _, _ in seen] == [1, 2, 3, 4, 5, 6, 7]
    assert (report.iterations, report.converged, report.reason) == (7, False, "stopped by the callback")
    values = [value for _, value, _ in seen]
    assert values == sorted(values, reverse=True) and report.value == values[-1]
    assert rosenbrock(found)[0] == report.value and np.array_equal(found["rest"], seen[-1][2]["rest"])


def test_it_stops_after_the_iterations_given():
    _, report = minimize(rosenbrock, START, LBFGS(max_iterations=3))
    assert report.iterations == 3 and not report.converged and "iterations" in report.reason


def test_float32_parameters_stay_float32():
    def square(parameters):
        assert parameters["w"].dtype == np.float32
        error = parameters["w"] - np.float32(0.5)
        return np.sum(error * error), {"w": 2 * error}

    found, report = minimize(square, {"w": np.zeros((2, 3), np.float32)})
    assert found["w"].dtype == np.float32 and found["w"].shape == (2, 3) and report.converged
    np.testing.assert_allclose(found["w"], 0.5, rtol=1e-6)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_value_that_is_not_finite_stops_with_its_place(bad):
    with pytest.raises(TrainingError, match="L-BFGS, evaluation 1: the loss is not finite"):
        minimize(lambda parameters: (bad, {"w": np.zeros(2)}), {"w": np.zeros(2)})
    with pytest.raises(TrainingError, match="L-BFGS, evaluation 1, w: the gradient is not finite"):
        minimize(lambda parameters: (0.0, {"w": np.array([0.0, bad])}), {"w": np.zeros(2)})


def test_a_gradient_that_does_not_fit_is_named():
    with pytest.raises(UsageError, match=r"w: no gradient that fits the parameter: got \[3\], expected \[2\]"):
        minimize(lambda parameters: (0.0, {"w": np.zeros(3)}), {"w": np.zeros(2)})
    with pytest.raises(UsageError, match="w: no gradient that fits the parameter: got none"):
        minimize(lambda parameters: (0.0, {}), {"w": np.zeros(2)})


def test_every_setting_is_at_work():
    def run(**settings):
        return minimize(rosenbrock, START, LBFGS(**settings))[1]

    usual = run()
    assert run(history=1).iterations > usual.iterations
    rough = run(gradient_tolerance=1.0, value_tolerance=0.0)
    assert rough.converged and 1e-3 < rough.largest_gradient <= 1.0
    hasty = run(gradient_tolerance=0.0, value_tolerance=0.1)
    assert hasty.converged and hasty.iterations < usual.iterations and hasty.value > 1e-4


def test_nothing_to_learn_is_told():
    with pytest.raises(UsageError, match="there are no parameters to learn"):
        minimize(rosenbrock, {})


# -- as the way to learn in fit ----------------------------------------------------------------------------------------


def regression(count=50):
    x = np.random.default_rng(0).uniform(0.1, 1.0, (count, 3))
    return x, x @ [1.0, -2.0, 0.5] + 0.3


def learn(network=None, data=None, **given):
    network = network or pl.Network([pl.Dense(4, "tanh"), pl.Dense(1)], inputs=3, dtype="float64")
    return pl.fit(network, data or pl.Dataset({"x": regression()[0]}, regression()[1]), loss="squared_error",
                  optimizer="lbfgs", **given)  # fmt: skip


@pytest.mark.parametrize(
    ("regularizer", "network"),
    [
        (pl.regularizers.L1(0.1), None),
        (pl.regularizers.MaxNorm(1.0), None),
        (pl.regularizers.Mixup(), None),
        (pl.regularizers.InputNoise(0.1), None),
        (pl.regularizers.TargetNoise(0.1), None),
        (None, pl.Network([pl.Dense(4, "tanh"), pl.Dropout(0.5), pl.Dense(1)], inputs=3)),
        (None, pl.Network([pl.Dense(4, "tanh", weight_noise=0.1), pl.Dense(1)], inputs=3)),
    ],
)
def test_what_needs_steps_or_random_numbers_is_refused_and_not_left_out_silently(regularizer, network):
    with pytest.raises(UsageError, match="L-BFGS"):
        learn(network, regularizers=[regularizer] if regularizer else [])


def test_staying_near_earlier_values_has_the_closed_form():
    x, y = regression()
    line = pl.Network([pl.Dense(1)], inputs=3, dtype="float64")
    earlier = {"dense_1/weight": np.array([[3.0], [1.0], [-1.0]]), "dense_1/bias": np.array([0.5])}
    near = pl.regularizers.StayNear(earlier, 0.7)
    best = pl.optimizers.LBFGS(gradient_tolerance=1e-10, value_tolerance=0)
    found = pl.fit(line, pl.Dataset({"x": x}, y), loss="squared_error", optimizer=best, regularizers=[near], epochs=500)
    z, w = np.c_[x, np.ones(len(x))], np.array([3.0, 1.0, -1.0, 0.5])
    exact = np.linalg.solve(z.T @ z / len(x) + 0.7 * np.eye(4), z.T @ y / len(x) + 0.7 * w)
    np.testing.assert_allclose([*found.parameters["dense_1/weight"][:, 0], *found.parameters["dense_1/bias"]], exact)


def test_what_is_not_finite_names_the_node_and_the_row():
    x, y = regression(3000)
    x[2777, 1] = -1.0
    network = pl.Network(lambda context, x: pl.Dense(1)(context, pl.log(x)), inputs=3)
    with pytest.raises(TrainingError, match=r"L-BFGS, evaluation 1, node 'log': .* got NaN from log at row 2777\."):
        learn(network, pl.Dataset({"x": x}, y))
