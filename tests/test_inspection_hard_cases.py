"""Inspection where things are unusual: other types, no weight, one example, NaN, wide layers, threads, copies."""

from __future__ import annotations

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from matplotlib import pyplot as plt

import pellucid as pl

RNG = np.random.default_rng(5)
X = RNG.normal(size=(40, 3))
DATA = pl.Dataset({"x": X}, X[:, :1] ** 2)
NETWORK = pl.Network([pl.Dense(6, "relu"), pl.Dropout(0.2), pl.Dense(1)], inputs=3, dtype="float64")
WAY = dict(loss="squared_error", epochs=4, batch_size=8)


@pytest.fixture(scope="module")
def fit():
    return pl.fit(NETWORK, DATA, **WAY)


@pytest.fixture(scope="module")
def broken(fit):
    """A network whose weights are not finite."""
    return replace(fit, parameters={**fit.parameters, "dense_1/weight": np.full((3, 6), np.nan)})


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


# -- copies ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("again", [copy.deepcopy, lambda seen: pickle.loads(pickle.dumps(seen))])
def test_a_copy_of_an_observation_says_the_same(again):
    seen = pl.timeline(NETWORK, DATA, **WAY).at(3).observe()
    same = again(seen)
    assert str(same) == str(seen) and repr(same) == repr(seen) and same.step.settings == seen.step.settings
    assert all(np.array_equal(one.value, same[one.path].value) for one in seen)
    np.testing.assert_array_equal(same.update("dense_1/weight"), seen.update("dense_1/weight"))
    assert same["dense_1/relu"].summary == seen["dense_1/relu"].summary
    number = "d loss / d dense_1/weight[1, 2]"
    assert str(pl.explain(same, number)) == str(pl.explain(seen, number))


def test_a_copy_of_a_recorded_step_keeps_the_nodes_that_were_chosen():
    recorder = pl.Recorder(every=2, steps=[1], nodes="dense_1/*")
    pl.fit(NETWORK, DATA, on=recorder, **WAY)
    seen = recorder.traces[1]
    same = copy.deepcopy(seen)
    assert list(same.nodes) == list(seen.nodes) and str(same["dense_1/relu"]) == str(seen["dense_1/relu"])


# -- examples --------------------------------------------------------------------------------------------------------


def test_examples_of_weight_0_are_observed_alike():
    weights = np.where(np.arange(40) % 4, 1.5, 0.0)
    fit = pl.fit(NETWORK, pl.Dataset({"x": X}, DATA.targets, weights), **WAY)
    data = pl.Dataset({"x": X}, DATA.targets, weights)
    seen = pl.observe(fit, data, rows=[0, 4])
    each = 0.5 * (fit.predict(X[[0, 4]]) - DATA.targets[[0, 4]]) ** 2
    assert float(seen["loss"].value) == pytest.approx(each.mean(), rel=1e-12)
    other = 0.5 * (fit.predict(X[[1]]) - DATA.targets[[1]]) ** 2
    assert float(pl.observe(fit, data, rows=[0, 1])["loss"].value) == pytest.approx(other.item(), rel=1e-12)


def test_x_and_y_are_observed_like_a_dataset(fit):
    seen, same = pl.observe(fit, (X, DATA.targets)), pl.observe(fit, DATA)
    assert seen["loss"].value == same["loss"].value
    assert (
        pl.observe(fit, ({"x": X}, DATA.targets), rows=2)["loss"].value == pl.observe(fit, DATA, rows=2)["loss"].value
    )


def test_pictures_of_a_single_example_run_along_the_one_component_there_is(fit):
    one = DATA.take([3])
    assert pl.plot_decision_regions(fit, one, resolution=5).get_xlabel() == "component 1"
    assert len(pl.plot_units(fit, one)) == 6
    pl.plot_composition(fit, one)
    with pytest.raises(pl.DataError, match="r2: the metric has no finite value"):
        pl.importance(fit, one)


# -- values that are not finite ----------------------------------------------------------------------------------------


def test_weights_that_are_not_finite_are_named(fit, broken):
    origin = pl.find_origin(pl.observe(broken, DATA))
    assert origin.path == "dense_1/weight" and origin.cause == "a parameter or state held it already"
    with pytest.raises(pl.DataError, match="no curvature where it or its gradient is not finite"):
        pl.curvature(broken, DATA)
    with pytest.raises(pl.DataError, match="a prediction is not finite"):
        pl.plot_importance(broken, DATA)
    large = replace(fit, parameters={path: np.full(a.shape, 1e200) for path, a in fit.parameters.items()})
    with pytest.raises(pl.DataError, match="a prediction is not finite"):
        pl.plot_importance(large, DATA)


# -- something else than asked for -------------------------------------------------------------------------------------


@pytest.mark.parametrize("look", [pl.curvature, pl.landscape])
def test_landscapes_are_of_a_fit(look, fit):
    population = pl.fit_population(NETWORK, DATA, 2, **WAY)
    with pytest.raises(pl.UsageError, match=r"not a fit.*population\[0\]"):
        look(population, DATA)
    with pytest.raises(pl.UsageError, match=r"not a fit.*expected what pl.fit returned"):
        look(NETWORK, DATA)
    assert look(population[0], DATA, **({"points": np.int64(3)} if look is pl.landscape else {"k": np.int64(2)}))


@pytest.mark.parametrize(
    "wrong, told",
    [
        ({"path": 3}, "path: not a path of training"),
        ({"seed": -1}, "seed: out of range"),
        ({"seed": "a"}, "seed: not a whole number"),
        ({"span": True}, "span: not a number"),
        ({"span": np.inf}, "span: out of range"),
    ],
)
def test_options_of_a_landscape_that_are_none(fit, wrong, told):
    with pytest.raises(pl.UsageError, match=told):
        pl.landscape(fit, DATA, **wrong)


def test_options_of_time_travel_that_are_none():
    there = pl.timeline(NETWORK, DATA, **WAY)
    with pytest.raises(pl.UsageError, match="network: not a network: got int"):
        there.at(2).fork(network=3)
    with pytest.raises(pl.UsageError, match="before the first one: got -99, of 20 steps"):
        there.at(-99)
    with pytest.raises(pl.UsageError, match="two trainings have two names"):
        pl.first_divergence(there, there, names=("one",))


def test_pictures_of_what_is_none(fit):
    with pytest.raises(pl.UsageError, match=r"a resolution is a whole number.*1\.5"):
        pl.plot_decision_regions(fit, DATA, resolution=1.5)
    with pytest.raises(pl.UsageError, match="the estimator is not fitted: got MLPClassifier"):
        pl.plot_decision_regions(pl.MLPClassifier(), (X, X[:, 0] > 0))


def test_a_recorder_is_drawn_as_its_records_are():
    recorder = pl.Recorder(every=2)
    with pytest.raises(pl.UsageError, match="no layers were recorded"):
        pl.plot_records(recorder)
    pl.fit(NETWORK, DATA, on=recorder, **WAY)
    drawn = [pl.plot_records(given)[0].lines for given in (recorder, recorder.records)]
    for one, other in zip(*drawn, strict=True):
        np.testing.assert_array_equal(one.get_xydata(), other.get_xydata())


# -- many and at once --------------------------------------------------------------------------------------------------


def test_a_divergence_without_steps_is_drawn():
    none = {**WAY, "epochs": 0}
    found = pl.first_divergence(pl.timeline(NETWORK, DATA, **none), pl.timeline(NETWORK, DATA, **none, seed=1))
    axes = found.plot()
    axes.figure.canvas.draw()
    assert found.kind == "parameters" and axes.lines[0].get_ydata() == found.growth.largest > 0


def test_regions_of_a_wide_layer_are_refused_before_they_fill_the_memory():
    network = pl.Network([pl.Dense(2500, "relu"), pl.Dense(1)], inputs=2)
    fit = pl.fit(network, pl.Dataset({"x": X[:, :2]}, X[:, 2]), loss="squared_error", epochs=0)
    with pytest.raises(pl.UsageError, match=r"too many linear regions: got .* or more of 2,"):
        pl.count_linear_regions((network, {**fit.parameters, "dense_1/bias": RNG.normal(size=2500)}), DATA_OF_TWO)


DATA_OF_TWO = pl.Dataset({"x": X[:, :2]})


def test_threads_may_ask_one_timeline_at_once():
    there = pl.timeline(NETWORK, DATA, loss="squared_error", epochs=60, batch_size=8)
    steps = [5, 290, 40, 220, 7, 166, 35, 250] * 3
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda step: there.at(step), steps))
    alone = pl.timeline(NETWORK, DATA, loss="squared_error", epochs=60, batch_size=8)
    for step, moment in zip(steps, found, strict=True):
        expected = alone.at(step)
        assert moment.step == step
        for path, value in expected.parameters.items():
            np.testing.assert_array_equal(moment.parameters[path], value)
