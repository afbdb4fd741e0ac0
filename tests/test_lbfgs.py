"""L-BFGS minimizes, reports how it ended, and can be stopped."""

from __future__ import annotations

import numpy as np
import pytest

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
