"""Time travel: any step of a training is computed again to the bit, whatever it learns by."""

import numpy as np
import pytest

import pellucid as pl
from pellucid.errors import ModelError, TrainingError, UsageError
from pellucid.inspection.divergence.first import first_divergence
from pellucid.inspection.replay.snapshots import Snapshots
from pellucid.inspection.replay.timeline import Timeline, timeline_of
from pellucid.training.arrangement import arrange
from pellucid.training.checkpoint import Progress

RNG = np.random.default_rng(5)
X = RNG.normal(size=(53, 3))
Y = np.sin(X[:, 0]) + X[:, 1] * X[:, 2]
DATA = pl.Dataset({"x": X}, Y, RNG.uniform(0.5, 2.0, 53))
NETWORK = pl.Network([pl.Dense(6, "tanh"), pl.Dropout(0.2), pl.LayerNorm(), pl.Dense(1)], inputs=3)
PLAIN = pl.Network([pl.Dense(6, "tanh"), pl.Dense(1)], inputs=3)
BASE = dict(loss="squared_error", epochs=6, batch_size=16)


def turned(arrays, epoch):
    return {"x": arrays["x"] * (1 - 2 * (epoch % 2))}


WAYS = {
    "adam, dropout, patience": dict(validation=0.25, patience=2, optimizer=pl.optimizers.Adam(0.05)),
    "momentum, plateau": dict(
        optimizer=pl.optimizers.Momentum(0.05), schedule=pl.schedules.OnPlateau(patience=1, threshold=0.5), seed=3
    ),
    "rmsprop, warm-up, clipping": dict(
        optimizer="rmsprop", schedule=pl.schedules.WarmUp(steps=5, then=pl.schedules.Cosine(4)), clip_norm=0.5
    ),
    "adamw, mixup, noise": dict(
        optimizer="adamw", regularizers=[pl.regularizers.Mixup(0.4), pl.regularizers.InputNoise(0.1)], shuffle=False
    ),
    "lion, augmented, max-norm": dict(
        optimizer="lion", regularizers=[pl.regularizers.AugmentArrays(turned), pl.regularizers.MaxNorm(1.0)]
    ),
    "rprop, all at once": dict(optimizer="rprop", batch_size=None, steps=5),
    "online, cosine": dict(optimizer="nadam", batch_size=1, epochs=1, schedule="cosine", metric="loss"),
}


def same(a, b):
    return a.keys() == b.keys() and all(a[path].tobytes() == b[path].tobytes() for path in a)


@pytest.mark.parametrize("executor", ["native", "interpret"])
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_any_step_is_that_of_a_training_that_was_stopped_there(way, executor):
    options = {**BASE, **way, "executor": executor}
    network = PLAIN if way.get("optimizer") == "rprop" else NETWORK
    timeline = timeline_of(network, DATA, **options)
    whole = pl.fit(network, DATA, **options)
    last = whole.progress.step
    for step in (last - 1, 2, 0, 1, last, last // 2):
        moment = timeline.at(step)
        stopped = pl.fit(network, DATA, **{**options, "steps": step}).progress
        assert moment.step == step == stopped.step
        assert same(moment.parameters, stopped.parameters) and same(moment.state, stopped.state)
        assert moment.progress.epoch == stopped.epoch and moment.progress.schedule == stopped.schedule
    assert (timeline.steps, timeline.reason) == (last, whole.reason)
    assert timeline.verify(whole) and timeline.verify(whole.parameters)
    assert same(timeline.fit.parameters, whole.parameters) and timeline.fit.best_epoch == whole.best_epoch


@pytest.mark.parametrize("executor", ["native", "interpret"])
def test_iterations_of_lbfgs_are_steps(executor):
    options = dict(loss="squared_error", optimizer="lbfgs", epochs=25, batch_size=None, executor=executor)
    timeline = timeline_of(PLAIN, DATA, **options, memory=400)  # so that most of them have to be run again
    for step in (7, 3, 25, 0):
        moment = timeline.at(step)
        assert same(moment.parameters, pl.fit(PLAIN, DATA, **options, steps=step).progress.parameters)
    assert timeline.steps == 25 and timeline.verify(pl.fit(PLAIN, DATA, **options))
    assert timeline.at(4).loss == pytest.approx(loss_of(PLAIN, timeline.at(4), np.arange(53)), rel=1e-5)
    np.testing.assert_array_equal(timeline.at(4).rows, np.arange(53))


def loss_of(network, moment, rows):
    """The weighted mean of half the squared errors, by NumPy."""
    values = {path: np.asarray(array, np.float64) for path, array in moment.parameters.items()}
    hidden = np.tanh(X[rows] @ values["dense_1/weight"] + values["dense_1/bias"])
    error = (hidden @ values["dense_2/weight"] + values["dense_2/bias"])[:, 0] - Y[rows]
    return np.average(error**2 / 2, weights=DATA.weights[rows])


def test_rows_and_loss_are_those_of_the_next_mini_batch():
    timeline = timeline_of(PLAIN, DATA, **BASE)
    assert timeline.steps_per_epoch == 4 and timeline.steps == 24
    epochs = [[timeline.at(4 * epoch + step).rows for step in range(4)] for epoch in range(2)]
    for rows in epochs:
        assert [len(part) for part in rows] == [16, 16, 16, 5]
        assert sorted(np.concatenate(rows)) == list(range(53))
    assert not np.array_equal(epochs[0][0], epochs[1][0])
    for step in (0, 3, 10):
        moment = timeline.at(step)
        assert moment.loss == pytest.approx(loss_of(PLAIN, moment, moment.rows), rel=1e-5)
    mean = sum(timeline.at(s).loss * DATA.weights[timeline.at(s).rows].sum() for s in range(4)) / DATA.weights.sum()
    assert timeline.fit.history[0]["loss"] == pytest.approx(mean, rel=1e-5)


def test_rows_are_those_of_the_dataset_where_a_part_is_held_out():
    held_out = timeline_of(PLAIN, DATA, **BASE, validation=0.25)
    arranged = arrange(PLAIN, DATA, **BASE, validation=0.25)
    taken = np.concatenate([held_out.at(step).rows for step in range(held_out.steps_per_epoch)])
    assert sorted(taken) == sorted(arranged.examples.rows) and len(taken) < 53
    moment = Timeline(arranged).at(1)
    assert moment.loss == held_out.at(1).loss == pytest.approx(loss_of(PLAIN, moment, moment.rows), rel=1e-5)


@pytest.mark.parametrize("executor", ["native", "interpret"])
def test_several_inputs_and_outputs_with_shared_and_embedded_parameters(executor):
    embed, shared = pl.Embedding(5, 3), pl.Dense(3, "relu")

    def body(context, kind, size):
        joined = pl.concatenate([embed(context, kind), shared(context, shared(context, size))], axis=1)
        return {"price": pl.Dense(1)(context, joined), "sold": pl.Dense(2)(context, joined)}

    network = pl.Network(body, {"kind": pl.int64[()], "size": pl.float64[3]}, dtype="float64")
    inputs = {"kind": RNG.integers(0, 5, 53), "size": X}
    data = pl.Dataset(inputs, {"price": Y, "sold": (Y[:, None] > [0, 1]).astype(float)})
    options = {**BASE, "loss": {"price": "huber", "sold": "multilabel_cross_entropy"}, "executor": executor}
    timeline = timeline_of(network, data, **options)
    for step in (5, 24, 3):
        assert same(timeline.at(step).parameters, pl.fit(network, data, **options, steps=step).progress.parameters)
    assert timeline.verify(pl.fit(network, data, **options)) and np.isfinite(timeline.at(2).loss)
    assert timeline.at(4).fork().parameters.keys() == network.initialize(0).keys()
    other = data.inputs["kind"].copy()
    other[29] = (other[29] + 1) % 5
    changed = timeline_of(network, pl.Dataset({**inputs, "kind": other}, data.targets), **options)
    found = first_divergence(timeline, changed)
    assert found.kind == "examples" and found.node == "kind" and 29 in timeline.at(found.step).rows


def test_forward_and_back_lead_to_the_same_moments():
    timeline = timeline_of(NETWORK, DATA, **BASE)
    moment = timeline.at(9)
    assert moment.epoch == 3 and timeline.at(-1).step == 24 and timeline.at(-25).step == 0
    there = moment.forward(5)
    assert there.step == 14 and same(there.parameters, timeline_of(NETWORK, DATA, **BASE).at(14).parameters)
    assert same(there.back(5).parameters, moment.parameters) and there.back(14).step == 0
    training = moment.training
    training.run()
    assert same(dict(training.progress.parameters), dict(timeline.end.parameters))
    assert same(moment.parameters, timeline.at(9).parameters)  # what was run was another one


def test_what_is_no_step_is_said():
    timeline = timeline_of(PLAIN, DATA, **BASE)
    with pytest.raises(UsageError, match="ends after 24 steps: the epochs ran out"):
        timeline.at(25)
    with pytest.raises(UsageError, match="before the first one"):
        timeline.at(-26)
    with pytest.raises(UsageError, match="before the first one"):
        timeline.at(2).back(3)
    with pytest.raises(UsageError, match="whole number"):
        timeline.at(1.5)
    with pytest.raises(UsageError, match="whole and not negative"):
        timeline.at(1).forward(-1)
    with pytest.raises(UsageError, match="handlers are not told"):
        timeline_of(PLAIN, DATA, **BASE, on=print)
    with pytest.raises(UsageError, match="no option is called 'epoch'"):
        timeline_of(PLAIN, DATA, loss="squared_error", epoch=3)
    with pytest.raises(UsageError, match="memory"):
        timeline_of(PLAIN, DATA, **BASE, memory="much")
    assert timeline_of(PLAIN, DATA, **{**BASE, "epochs": 0}).steps == 0
    assert timeline_of(PLAIN, DATA, **BASE, steps=0).reason == "the steps ran out"


def test_verify_tells_other_bits():
    timeline = timeline_of(PLAIN, DATA, **BASE)
    fitted = pl.fit(PLAIN, DATA, **BASE)
    other = {path: array.copy() for path, array in fitted.parameters.items()}
    other["dense_1/bias"][2] = np.nextafter(other["dense_1/bias"][2], np.float32(np.inf))
    assert timeline.verify(fitted) and not timeline.verify(other)
    assert not timeline.verify(pl.fit(PLAIN, DATA, **BASE, seed=1))
    with pytest.raises(UsageError, match="nothing to compare with"):
        timeline.verify()


def test_a_training_that_fails_ends_before_the_step_that_fails():
    options = {**BASE, "optimizer": pl.optimizers.GradientDescent(1e12), "seed": 2}
    with pytest.raises(TrainingError) as caught:
        pl.fit(PLAIN, DATA, **options)
    timeline = timeline_of(PLAIN, DATA, **options)
    assert timeline.steps == caught.value.fit.progress.step > 0
    assert timeline.reason == "a value is not finite" and str(timeline.error) == str(caught.value)
    assert not np.isfinite(timeline.end.loss) or f"step {timeline.steps} " in str(timeline.error)
    with pytest.raises(UsageError, match="a value is not finite"):
        timeline.end.forward()


def test_checkpoints_spare_the_way_to_them(tmp_path):
    seen = []

    def count(arrays, epoch):
        seen.append(epoch)
        return arrays

    options = {**BASE, "regularizers": [pl.regularizers.AugmentArrays(count)]}
    file = tmp_path / "run.checkpoint"
    pl.fit(PLAIN, DATA, **options, steps=14, checkpoint=file)
    seen.clear()
    for given in (file, [file], tmp_path):
        moment = timeline_of(PLAIN, DATA, **options, checkpoints=given).at(15)
        assert set(seen) == {3}  # steps 12 to 15 are those of the fourth epoch
        assert same(moment.parameters, pl.fit(PLAIN, DATA, **options, steps=15).progress.parameters)
        assert list(moment.parameters) == list(PLAIN.initialize(0))
        seen.clear()
    early = timeline_of(PLAIN, DATA, **options, checkpoints=file).at(3)
    assert same(early.parameters, pl.fit(PLAIN, DATA, **options, steps=3).progress.parameters)
    with pytest.raises(ModelError, match="belongs to another run"):
        timeline_of(PLAIN, DATA, **options, seed=1, checkpoints=file)
    with pytest.raises(UsageError, match="no such file"):
        timeline_of(PLAIN, DATA, **options, checkpoints=tmp_path / "other")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="no checkpoint is in the folder"):
        timeline_of(PLAIN, DATA, **options, checkpoints=tmp_path / "empty")
    file.write_bytes(file.read_bytes()[:-3])
    with pytest.raises(ModelError, match="can not be read"):
        timeline_of(PLAIN, DATA, **options, checkpoints=file)


def test_snapshots_stay_few_and_evenly_spaced():
    def place(step):
        return Progress({"w": np.zeros(100)}, {}, step=step)

    snapshots = Snapshots(place(0), memory=10 * 800)
    step = 0
    while step < 20_000:
        step = snapshots.next_after(step)
        snapshots.offer(place(step))
        assert len(snapshots) <= 12
    for wanted in (1, 5_000, 12_345, 20_000):
        assert 0 <= wanted - snapshots.last_before(wanted).step <= 20_000 / 4
    snapshots.keep([place(777)])
    assert snapshots.last_before(780).step == 777 and snapshots.last_before(776).step < 777


def test_observation_shows_the_step_as_it_is():
    timeline = timeline_of(NETWORK, DATA, **BASE, executor="interpret")
    moment = timeline.at(6)
    seen = moment.observe()
    assert float(seen["loss"].value) == moment.loss
    for path, value in moment.forward().parameters.items():
        np.testing.assert_array_equal(seen[path].value, moment.parameters[path])
        np.testing.assert_array_equal(seen.nodes[seen.graph.outputs[path].path].value, value)


def test_all_can_be_shown():
    timeline = timeline_of(PLAIN, DATA, **BASE)
    assert "at most 24" in str(timeline) and "at most 24" in timeline._repr_html_()
    assert timeline.steps == 24 and "24 (the epochs ran out)" in str(timeline)
    moment = timeline.at(7)
    assert repr(moment) == "<moment at step 7, epoch 2>"
    assert "dense_1/weight" in moment._repr_html_() and f"{moment.loss:.6g}" in str(moment)
