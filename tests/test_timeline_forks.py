"""A fork goes on from a moment of a training with changed settings, and says what could not carry over."""

import numpy as np
import pytest

import pellucid as pl
from pellucid.errors import TrainingError, UsageError
from pellucid.inspection.replay.timeline import Timeline, timeline_of
from pellucid.training.arrangement import arrange

RNG = np.random.default_rng(8)
X = RNG.normal(size=(45, 3))
DATA = pl.Dataset({"x": X}, np.sin(X[:, 0]) + X[:, 1])
NETWORK = pl.Network([pl.Dense(6, "tanh"), pl.Dropout(0.2), pl.Dense(1)], inputs=3)
BASE = dict(loss="squared_error", epochs=6, batch_size=16, optimizer=pl.optimizers.Adam(0.02))
STEPS = 3  # of an epoch


def same(a, b):
    return a.keys() == b.keys() and all(a[path].tobytes() == b[path].tobytes() for path in a)


@pytest.mark.parametrize("step", [0, 4, 9, 17, 18])
@pytest.mark.parametrize(
    "way",
    [dict(validation=0.3, patience=2), dict(schedule=pl.schedules.OnPlateau(patience=1)), dict(executor="interpret")],
    ids=["validation", "plateau", "interpret"],
)
def test_without_changes_it_is_the_rest_of_the_training(way, step):
    options = {**BASE, **way}
    whole = pl.fit(NETWORK, DATA, **options)
    moment = timeline_of(NETWORK, DATA, **options).at(min(step, whole.progress.step))
    forked = moment.fork()
    assert same(forked.parameters, whole.parameters) and same(forked.progress.state, whole.progress.state)
    assert (forked.best_epoch, forked.reason, forked.notes) == (whole.best_epoch, whole.reason, ())
    told = [[{**record, "seconds": 0} for record in fitted.history] for fitted in (forked, whole)]
    assert told[0] == told[1]


def test_another_learning_rate_is_what_a_schedule_does():
    halved = pl.fit(NETWORK, DATA, **BASE, schedule=pl.schedules.Step(every=4, factor=0.5))
    moment = timeline_of(NETWORK, DATA, **BASE).at(4 * STEPS)
    forked = moment.fork(settings={"learning_rate": 0.01})
    assert forked.notes == () and forked.step == 12
    assert same(forked.parameters, halved.parameters) and same(forked.progress.state, halved.progress.state)
    assert same(moment.fork(optimizer=pl.optimizers.Adam(0.01)).parameters, halved.parameters)
    assert same(moment.fork(settings={"learning_rate": 0.01}, epochs=5).parameters, halved_until(5))


def halved_until(epochs):
    schedule = pl.schedules.Step(every=4, factor=0.5)
    return pl.fit(NETWORK, DATA, **{**BASE, "epochs": epochs}, schedule=schedule).parameters


def test_epochs_and_steps_count_from_the_beginning():
    longer = pl.fit(NETWORK, DATA, **{**BASE, "epochs": 9})
    moment = timeline_of(NETWORK, DATA, **BASE).end
    assert same(moment.fork(epochs=9).parameters, longer.parameters) and len(moment.fork(epochs=9).history) == 9
    assert moment.fork(epochs=9, steps=20).progress.step == 20
    assert moment.fork().progress.step == 18


def test_settings_add_up_but_for_those_of_an_optimizer_that_is_replaced():
    options = {**BASE, "settings": {"dropout_1/rate": 0.0, "adam/beta_1": 0.5, "learning_rate": 0.3}}
    moment = timeline_of(NETWORK, DATA, **options).at(5)
    forked = moment.fork(settings={"learning_rate": 0.0}, epochs=4)
    assert same(forked.parameters, dict(moment.parameters))
    replaced = moment.fork(optimizer=pl.optimizers.GradientDescent(0.0), epochs=4)
    assert same(replaced.parameters, dict(moment.parameters))  # neither the rate nor adam/beta_1 is taken over


def test_what_cannot_carry_over_is_said():
    moment = timeline_of(NETWORK, DATA, **BASE, validation=0.3).at(2 * STEPS)
    forked = moment.fork(optimizer="momentum", batch_size=10, epochs=3)
    assert forked.notes == ("state momentum/velocity/dense_1/weight and 3 more",)
    assert "momentum/velocity" in repr(forked) and "momentum/velocity" in forked._repr_html_()
    within = timeline_of(NETWORK, DATA, **BASE, validation=0.3).at(2 * 2 + 1)
    forked = within.fork(batch_size=8, epochs=3)
    assert forked.notes == ("epoch 3, as its mini-batches are others",)
    assert forked.progress.step == 5 + 4  # the third epoch from its beginning: 31 examples, 8 a step
    judged = within.fork(metric="mae", epochs=4)
    assert judged.notes == ("the best epoch so far, as it was judged in another way",)
    assert judged.best_epoch in (3, 4)
    assert "what the schedule remembers" in (
        timeline_of(NETWORK, DATA, **BASE, schedule="on_plateau").at(5).fork(schedule="cosine").notes
    )


def test_another_network_takes_over_what_fits():
    moment = timeline_of(NETWORK, DATA, **BASE).at(3 * STEPS)
    without = pl.Network([pl.Dense(6, "tanh"), pl.Dense(1)], inputs=3)
    forked = moment.fork(network=without, settings={"learning_rate": 0.0}, epochs=4)
    assert forked.notes == () and same(forked.parameters, dict(moment.parameters))
    deeper = pl.Network([pl.Dense(6, "tanh"), pl.Dense(4, "tanh"), pl.Dense(1)], inputs=3)
    forked = moment.fork(network=deeper, settings={"learning_rate": 0.0}, epochs=4)
    assert forked.parameters["dense_1/weight"].tobytes() == moment.parameters["dense_1/weight"].tobytes()
    assert forked.parameters["dense_2/weight"].tobytes() == deeper.initialize(0)["dense_2/weight"].tobytes()
    assert forked.notes[0] == "parameter dense_2/weight and 3 more"
    double = pl.Network([pl.Dense(6, "tanh"), pl.Dense(1)], inputs=3, dtype="float64")
    wide = moment.fork(network=double, settings={"learning_rate": 0.0}, epochs=4)
    np.testing.assert_array_equal(wide.parameters["dense_1/weight"], moment.parameters["dense_1/weight"])
    assert wide.parameters["dense_1/weight"].dtype == np.float64


def test_it_stays_near_where_it_forked_and_early_stopping_waits_anew():
    moment = timeline_of(NETWORK, DATA, **BASE, validation=0.3, patience=1, seed=4).end
    further = moment.fork(optimizer=pl.optimizers.Adam(0.0001), epochs=len(moment.progress.records) + 1)
    assert further.progress.epoch == moment.progress.epoch + 1
    anchor = {path: array for path, array in moment.parameters.items() if path == "dense_1/weight"}
    near = moment.fork(regularizers=[pl.regularizers.StayNear(anchor, 1e3)], epochs=moment.progress.epoch + 2)
    kept = [array for path, array in near.progress.state.items() if "earlier" in path]
    assert len(kept) == 1 and kept[0].tobytes() == anchor["dense_1/weight"].tobytes()


def test_to_and_from_lbfgs():
    plain = pl.Network([pl.Dense(6, "tanh"), pl.Dense(1)], inputs=3)
    by_steps = timeline_of(plain, DATA, **BASE).at(7)
    forked = by_steps.fork(optimizer="lbfgs", batch_size=None, epochs=10)
    fresh = pl.fit(
        plain, DATA, loss="squared_error", optimizer="lbfgs", epochs=10, batch_size=None, start_from=by_steps.parameters
    )
    assert same(forked.parameters, fresh.parameters) and "without a memory" in forked.notes[0]
    at_once = timeline_of(plain, DATA, loss="squared_error", optimizer="lbfgs", epochs=10, batch_size=None).at(4)
    back = at_once.fork(optimizer=pl.optimizers.Adam(0.0), batch_size=16, epochs=2)
    assert same(back.parameters, dict(at_once.parameters)) and "L-BFGS" in back.notes[0]


def test_mistakes_and_failures():
    moment = timeline_of(NETWORK, DATA, **BASE).at(4)
    with pytest.raises(UsageError, match="no option is called 'learning_rat'"):
        moment.fork(learning_rat=1)
    with pytest.raises(UsageError, match="goes on from its moment"):
        moment.fork(start_from={})
    with pytest.raises(UsageError, match="is not known"):
        Timeline(arrange(NETWORK, DATA, **BASE)).at(2).fork()
    with pytest.raises(TrainingError) as caught:
        moment.fork(optimizer=pl.optimizers.GradientDescent(1e30))
    assert caught.value.fit.step == 4 and caught.value.fit.reason == "a value is not finite"


def test_handlers_and_files_of_its_own(tmp_path):
    told = []
    moment = timeline_of(NETWORK, DATA, **BASE).at(8)
    forked = moment.fork(on=told.append, history_file=tmp_path / "history.jsonl", epochs=4)
    assert [type(event).__name__ for event in told][:2] == ["TrainingStarted", "EpochEnded"]
    lines = (tmp_path / "history.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == len(forked.history) == 4
