"""The first divergence of two trainings: step, node and element, where it is known where they part."""

import matplotlib
import numpy as np
import pytest

import pellucid as pl
from pellucid.errors import UsageError
from pellucid.inspection.divergence.first import first_divergence
from pellucid.inspection.replay.bits import compare, differing
from pellucid.inspection.replay.timeline import timeline_of
from pellucid.training.arrangement import arrange

matplotlib.use("Agg")

RNG = np.random.default_rng(2)
X = RNG.normal(size=(50, 3))
Y = np.sin(X[:, 0]) + X[:, 1]
DATA = pl.Dataset({"x": X}, Y)
NETWORK = pl.Network([pl.Dense(6, "tanh"), pl.Dropout(0.2), pl.Dense(1)], inputs=3)
PLAIN = pl.Network([pl.Dense(6, "tanh"), pl.Dense(1)], inputs=3)
BASE = dict(loss="squared_error", epochs=5, batch_size=8)
STEPS = 7  # of an epoch


def timeline(network=NETWORK, data=DATA, **options):
    return timeline_of(network, data, **{**BASE, **options})


def test_bits_are_compared():
    a = np.array([[1.0, 0.0], [np.nan, np.inf]])
    assert compare(a, a.copy()) is None and compare(a, np.array([[1.0, 0.0], [-np.nan, np.inf]])) is None
    found = compare(a, np.array([[1.0, -0.0], [np.nan, 5.0]]))
    assert (found.element, found.count) == ((0, 1), 2)
    assert compare(np.float32(0.1), np.float64(np.float32(0.1))) is None
    assert differing(np.array([1, 2]), np.array([1, 3])).tolist() == [False, True]
    assert compare(np.zeros((0, 3)), np.zeros((0, 3))) is None


def test_trainings_that_do_not_differ():
    found = first_divergence(timeline(), timeline())
    assert not found and found.kind == "none" and found.step is None and len(found.growth) == 0
    assert repr(found) == "<The runs are the same to the bit, in all 35 steps (the epochs ran out).>"
    checked = first_divergence(timeline(), timeline(regularizers=[pl.regularizers.L2(0.0)]))
    assert not checked and "'l2_1/strength' (input) is in b only" in checked.notes[0]
    kept = first_divergence(timeline(validation=0.2, metric="mae"), timeline(validation=0.2))
    assert kept.kind == "none"


def test_seeds_differ_from_the_first_parameter_on():
    found = first_divergence(timeline(seed=1), timeline(seed=2))
    assert found and (found.kind, found.step, found.node, found.element) == (
        "parameters", 0, "dense_1/weight", (0, 0),
    )  # fmt: skip
    first = [NETWORK.initialize(seed)["dense_1/weight"] for seed in (1, 2)]
    assert found.values == (first[0][0, 0], first[1][0, 0]) and found.count == first[0].size
    assert found.told.startswith("The runs differ from the start: first parameter dense_1/weight[0, 0]: ")
    assert "seed 1 in a, 2 in b" in found.notes
    assert found.growth.steps[0] == 0 and found.growth.largest[0] > 0


def test_orders_differ():
    found = first_divergence(timeline(), timeline(shuffle=False))
    rows = timeline().at(0).rows
    assert (found.kind, found.step, found.node, found.element) == ("rows", 0, "x", (0, 0))
    assert found.values == (np.float32(X[rows[0], 0]), np.float32(X[0, 0]))
    assert "shuffle True in a, False in b" in found.notes
    same_start = NETWORK.initialize(0)
    found = first_divergence(timeline(), timeline(seed=9, start_from=same_start))
    assert found.kind == "rows" and "seed 0 in a, 9 in b" in found.notes
    online = first_divergence(
        timeline(batch_size=None, seed=3, shuffle=False, start_from=same_start),
        timeline(batch_size=None, seed=4, shuffle=False, start_from=same_start),
    )
    assert (online.kind, online.step) == ("seed", 0)  # of the dropout


@pytest.mark.parametrize("executor", ["native", "interpret"])
def test_a_changed_cell_is_found_where_its_row_comes_first(executor):
    changed = X.copy()
    changed[17, 2] += 1e-3
    a, b = timeline(executor=executor), timeline(data=pl.Dataset({"x": changed}, Y), executor=executor)
    step = next(step for step in range(STEPS) if 17 in a.at(step).rows)
    found = first_divergence(a, b)
    assert (found.kind, found.step, found.epoch, found.node, found.count) == ("examples", step, 1, "x", 1)
    assert found.element == (list(a.at(step).rows).index(17), 2)
    assert found.values == (np.float32(X[17, 2]), np.float32(changed[17, 2]))
    assert found.growth.steps[0] == step and found.growth.largest[0] == 0 < found.growth.largest[-1]


def test_targets_and_sparse_inputs_are_compared():
    import scipy.sparse

    other = Y.copy()
    other[4] = 9.0
    found = first_divergence(timeline(), timeline(data=pl.Dataset({"x": X}, other)))
    assert found.kind == "examples" and found.node == "target" and found.values[1] == 9.0
    words = scipy.sparse.random(50, 3, density=0.5, format="csr", random_state=0)
    more = words.tolil()
    more[30, 1] = 7.0
    a, b = (timeline(data=pl.Dataset({"x": found.tocsr()}, Y)) for found in (words, more))
    found = first_divergence(a, b)
    assert found.kind == "examples" and 30 in a.at(found.step).rows and found.values[1] == 7.0
    assert not first_divergence(a, timeline(data=pl.Dataset({"x": words.copy()}, Y)))


def test_a_difference_that_vanishes_again_is_found():
    weights = np.ones(50)
    weights[11] = 0.0  # so that what stands in this row leaves no trace

    def blink(arrays, epoch):
        x = arrays["x"].copy()
        x[11] += 5.0 * (epoch == 2)
        return {"x": x}

    data = pl.Dataset({"x": X}, Y, weights)
    a, b = (
        timeline(data=data, regularizers=[pl.regularizers.AugmentArrays(one)]) for one in (lambda x, epoch: x, blink)
    )
    assert a.verify(b.fit)
    found = first_divergence(a, b)
    step = next(step for step in range(2 * STEPS, 3 * STEPS) if 11 in a.at(step).rows)
    assert (found.kind, found.step, found.epoch, found.node) == ("examples", step, 3, "x")
    assert found.element == (list(a.at(step).rows).index(11), 0)
    assert not found.growth.largest.any()


def test_settings_and_schedules():
    found = first_divergence(timeline(), timeline(settings={"dropout_1/rate": 0.3}))
    assert (found.kind, found.step, found.node) == ("settings", 0, "dropout_1/rate")
    found = first_divergence(timeline(), timeline(schedule=pl.schedules.Step(every=3)))
    assert (found.kind, found.step, found.node) == ("settings", 3 * STEPS, "learning_rate")
    assert found.told == "The runs differ from step 21 on: learning_rate is 0.001 in a, 0.0001 in b."
    judged = dict(optimizer=pl.optimizers.GradientDescent(0.5), epochs=12)
    plateau = pl.schedules.OnPlateau(patience=1, threshold=0.1)
    found = first_divergence(timeline(**judged), timeline(**judged, schedule=plateau))
    cut = next(
        record["step"] for record in timeline(**judged, schedule=plateau).fit.history if record["learning_rate"] < 0.5
    )
    assert (found.kind, found.step) == ("settings", cut - STEPS)


def test_executors_differ_in_the_last_bits():
    a, b = timeline(PLAIN, executor="native"), timeline(PLAIN, executor="interpret")
    found = first_divergence(a, b, names=("native", "interpret"))
    assert found.kind == "values" and found.node not in ("x", "target")
    assert found.notes == ("executor native in native, interpret in interpret",)
    seen = [one.at(found.step).observe()[found.node].value for one in (a, b)]
    unlike = np.argwhere(seen[0] != seen[1])
    assert found.element == tuple(unlike[0]) and found.count == len(unlike)
    assert found.values == (seen[0][found.element], seen[1][found.element])
    assert 0 < found.growth.largest[-1] < 1e-4
    before, after = a.at(found.step), b.at(found.step)
    assert all(np.array_equal(before.parameters[path], after.parameters[path]) for path in before.parameters)


def test_graphs_differ():
    found = first_divergence(timeline(), timeline(clip_norm=1.0))
    assert found.kind == "values" and found.structure == "node 'clip_norm' (input) is in b only" == (
        found.told.removeprefix("The runs differ from step 0 on: ").rstrip(".")
    )
    relu = pl.Network([pl.Dense(6, "relu"), pl.Dropout(0.2), pl.Dense(1)], inputs=3)
    start = NETWORK.initialize(0)
    found = first_divergence(timeline(start_from=start), timeline(relu, start_from=start))
    assert found.node == "dense_1/tanh" and "is in a only" in found.structure
    found = first_divergence(timeline(), timeline(loss=pl.losses.Huber(1.0)))
    assert found.step == 0 and "loss" in found.structure and "losses" in found.notes[-1]


def test_what_differs_before_any_step():
    double = pl.Network([pl.Dense(6, "tanh"), pl.Dropout(0.2), pl.Dense(1)], inputs=3, dtype="float64")
    found = first_divergence(timeline(), timeline(double))
    assert found.kind == "dtype" and "a computes in float32, b in float64" in found.told
    assert 0 < found.growth.largest[-1] < 1e-3
    wide = pl.Network([pl.Dense(7, "tanh"), pl.Dropout(0.2), pl.Dense(1)], inputs=3)
    found = first_divergence(timeline(), timeline(wide))
    assert found.kind == "network" and "dense_1/weight is [3, 6] in a, [3, 7] in b" in found.told
    found = first_divergence(timeline(), timeline(batch_size=10))
    assert found.kind == "batch" and "8 examples in a, of 10 in b" in found.told
    found = first_divergence(timeline(), timeline(validation=0.2))
    assert found.kind == "rows" and "number of examples 50 in a, 40 in b" in found.notes


def test_one_ends_before_the_other():
    found = first_divergence(timeline(), timeline(epochs=3))
    assert (found.kind, found.step) == ("end", 3 * STEPS) and "b ends after step 21" in found.told
    found = first_divergence(timeline(steps=9), timeline())
    assert (found.kind, found.step) == ("end", 9) and "a ends after step 9 (the steps ran out), b goes on" in found.told


def test_a_step_that_fails_in_one_is_a_difference():
    a, b = timeline(), timeline(settings={"learning_rate": 1e38})
    found = first_divergence(a, b)
    assert (found.kind, found.node, found.step) == ("settings", "learning_rate", 0)
    assert not first_divergence(b, timeline(settings={"learning_rate": 1e38}))


def test_lbfgs_is_compared_by_iterations():
    options = dict(optimizer="lbfgs", batch_size=None, epochs=12)
    a = timeline(PLAIN, **options)
    assert not first_divergence(a, timeline(PLAIN, **options))
    found = first_divergence(a, timeline(PLAIN, **{**options, "optimizer": pl.optimizers.LBFGS(history=2)}))
    assert found.kind == "values" and found.node == "dense_1/weight" and found.step >= 2
    last = a.at(found.step + 1).parameters["dense_1/weight"][found.element]
    assert found.values[0] == last != found.values[1]
    found = first_divergence(a, timeline(PLAIN, data=pl.Dataset({"x": X}, Y + 1e-3), **options))
    assert (found.step, found.node) == (0, "loss")
    assert first_divergence(a, timeline(PLAIN)).kind == "optimizer"
    assert first_divergence(a, timeline(PLAIN, **{**options, "epochs": 5})).kind == "end"


def test_growth_is_the_distance_of_the_parameters():
    a, b = timeline(), timeline(settings={"learning_rate": 0.002})
    growth = first_divergence(a, b).growth
    assert list(growth.steps) == [0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 35]
    for step, largest, rms in zip(growth.steps, growth.largest, growth.rms, strict=True):
        one, other = (
            np.concatenate([array.ravel() for array in found.at(step).parameters.values()]).astype(float)
            for found in (a, b)
        )
        assert largest == pytest.approx(np.abs(one - other).max())
        assert rms == pytest.approx(np.linalg.norm(one - other) / np.sqrt(len(one)))


def test_fits_and_arrangements():
    a, b = (pl.fit(NETWORK, DATA, **BASE, settings={"learning_rate": rate}) for rate in (0.001, 0.002))
    found = first_divergence(a, b)
    assert (found.kind, found.epoch, found.values) == ("history", 1, (a.history[0]["loss"], b.history[0]["loss"]))
    assert "pass two timelines" in found.notes[-1]
    assert not first_divergence(a, pl.fit(NETWORK, DATA, **BASE))
    longer = pl.fit(NETWORK, DATA, **{**BASE, "epochs": 6})
    assert first_divergence(a, longer).kind == "end"
    arranged = arrange(NETWORK, DATA, **BASE)
    assert not first_divergence(arranged, timeline())
    with pytest.raises(UsageError, match="its steps are gone"):
        first_divergence(a, timeline())
    with pytest.raises(UsageError, match="two timelines, or two fits"):
        first_divergence(arranged, 3)


def test_it_can_be_shown_and_plotted():
    import matplotlib.pyplot as plt

    found = first_divergence(timeline(), timeline(settings={"learning_rate": 0.002}), names=("slow", "fast"))
    assert "learning_rate is 0.001 in slow, 0.002 in fast" in found.told in str(found)
    assert "largest difference" in str(found) and "in fast" in found._repr_html_()
    axes = found.plot()
    largest = axes.lines[0].get_ydata()
    np.testing.assert_array_equal(largest[1:], found.growth.largest[1:])
    given = plt.figure().add_subplot()
    assert first_divergence(timeline(), timeline()).plot(ax=given) is given
    assert first_divergence(timeline(), timeline(epochs=3)).plot().get_yscale() == "linear"
    plt.close("all")
