"""Whatever stops a training, what it had finished is whole, and going on from it gives the same bits."""

import errno
import json
import sys

import numpy as np
import pytest

import pellucid as pl
from pellucid.errors import ModelError, UsageError

RNG = np.random.default_rng(0)
X = RNG.standard_normal((40, 2))
DATA = pl.Dataset({"x": X}, (X[:, 0] > 0).astype(float), RNG.uniform(0.5, 2, 40))


def network():
    return pl.Network([pl.Dense(4, "tanh"), pl.Dropout(0.3), pl.Dense(1)], inputs=2)


def fit(**given):
    usual = dict(loss="binary_cross_entropy", epochs=6, batch_size=16, validation=0.3, seed=1)
    return pl.fit(network(), DATA, **{**usual, **given})


def same(a, b):
    return set(a) == set(b) and all(np.array_equal(a[name], b[name]) for name in a)


def records(fitted):
    return [{key: value for key, value in record.items() if key != "seconds"} for record in fitted.history]


# fmt: off
LOOP = {
    "pellucid/training/loop.py": {
        "end_epoch", "_judged", "judge", "tell", "show", "time_is_up", "seconds", "out_of_steps", "ran_out",
    },
    "pellucid/training/mini_batches.py": {
        "_do_part", "_prepare", "_take", "_mean_loss", "_after_part", "_rates", "_steps_left", "complete_epoch",
        "judge", "advance", "epochs_done", "_do_epochs", "_go_on", "_settle", "_settings_of", "_epochs_at_once",
        "_reach", "_is_news",
    },
    "pellucid/training/evaluate.py": {"run", "evaluate", "conclude"},
}
# fmt: on


def interrupted_at(line, **given):
    """Train, with Ctrl-C just before the given one of all lines that the loop goes through."""
    passed = 0

    def watch(frame, event, _):
        nonlocal passed
        code = frame.f_code
        if not any(code.co_filename.endswith(file) and code.co_name in names for file, names in LOOP.items()):
            return None
        if event == "line":
            passed += 1
            if passed == line:
                raise KeyboardInterrupt
        return watch

    before = sys.gettrace()
    sys.settrace(watch)
    try:
        return fit(**given)
    finally:
        sys.settrace(before)


def test_ctrl_c_at_any_line_leaves_a_whole_state_behind(tmp_path):
    settings = dict(schedule=pl.schedules.OnPlateau(patience=1), epochs=3)
    whole, lines = fit(**settings), 0
    for line in range(1, 2000, 17):
        file, history = tmp_path / f"{line}", tmp_path / f"{line}.jsonl"
        stopped = interrupted_at(line, checkpoint=file, history_file=history, **settings)
        told = [json.loads(text) for text in history.read_text().splitlines()]
        assert told == stopped.history and len(told) == stopped.progress.epoch
        if stopped.reason != "interrupted":
            break
        lines += 1
        again = fit(steps=stopped.progress.step, **settings)
        assert same(again.parameters, stopped.parameters) and records(again) == records(stopped), line
        resumed = fit(checkpoint=file, resume=True, **settings)
        assert same(resumed.progress.parameters, whole.progress.parameters), line
        assert same(resumed.progress.state, whole.progress.state) and records(resumed) == records(whole), line
        assert same(resumed.parameters, whole.parameters) and resumed.best_epoch == whole.best_epoch
    assert lines > 10


@pytest.mark.parametrize("name", sorted(set(pl.optimizers.OPTIMIZERS) - {"lbfgs", "rprop"}))
def test_every_optimizer_with_all_there_is_resumes_in_the_middle_of_an_epoch(tmp_path, name):
    steady = [
        pl.regularizers.Mixup(0.4), pl.regularizers.InputNoise(0.1), pl.regularizers.TargetNoise(0.01),
        pl.regularizers.MaxNorm(2.0), pl.regularizers.L2(1e-3), pl.regularizers.Augment(lambda _, inputs: inputs),
        pl.regularizers.AugmentArrays(lambda inputs, epoch: {"x": inputs["x"] * (1 + 0.1 * (epoch % 3))}),
        pl.regularizers.StayNear({"dense_1/weight": np.ones((2, 4))}, 0.01),
    ]  # fmt: skip
    plateau = pl.schedules.WarmUp(steps=3, then=pl.schedules.OnPlateau(patience=1))
    settings = dict(
        optimizer=name, schedule=plateau, clip_norm=0.5, clip_value=0.2, patience=3,
        regularizers=[*steady, pl.regularizers.L1(1e-4)], metric="accuracy", epochs=10,
    )  # fmt: skip
    whole = fit(**settings)

    def stop(event):
        if event.step == 3:
            event.stop()

    stop.every_step = True
    cut = fit(checkpoint=tmp_path / "c", on=stop, **settings)
    assert cut.progress.epoch_steps == 1
    resumed = fit(checkpoint=tmp_path / "c", resume=True, **settings)
    assert same(resumed.progress.parameters, whole.progress.parameters) and resumed.reason == whole.reason
    assert same(resumed.progress.state, whole.progress.state) and records(resumed) == records(whole)
    assert same(resumed.parameters, whole.parameters)


def test_rprop_resumes_and_takes_full_batches_only(tmp_path):
    settings = dict(optimizer="rprop", epochs=8, batch_size=None)
    fit(checkpoint=tmp_path / "c", **(settings | {"epochs": 3}))
    resumed, whole = fit(checkpoint=tmp_path / "c", resume=True, **settings), fit(**settings)
    assert same(resumed.parameters, whole.parameters) and same(resumed.progress.state, whole.progress.state)
    with pytest.raises(pl.UsageError, match=r"all examples at once.*batch_size=None"):
        fit(optimizer="rprop", batch_size=8)


def test_a_full_disk_gives_one_message_and_leaves_the_old_checkpoint(tmp_path, monkeypatch):
    file = tmp_path / "checkpoint"
    fit(checkpoint=file, epochs=2)
    old = file.read_bytes()

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", full)
        with pytest.raises(
            ModelError, match="checkpoint: the checkpoint can not be written: got No space left"
        ) as caught:
            fit(checkpoint=file, resume=True, checkpoint_seconds=0.0)
    assert "\n" not in str(caught.value)
    assert file.read_bytes() == old and [path.name for path in tmp_path.iterdir()] == ["checkpoint"]
    assert same(fit(checkpoint=file, resume=True).parameters, fit().parameters)


@pytest.mark.parametrize("which", ["checkpoint", "history_file"])
def test_a_file_that_can_not_be_there_is_told_before_training(tmp_path, which):
    def never(event):
        raise AssertionError("training began")

    for path in (tmp_path / "missing" / "file", tmp_path):
        with pytest.raises(UsageError, match=which):
            fit(on=never, **{which: path})


def test_an_error_in_a_handler_loses_nothing_that_was_finished(tmp_path):
    def fail(event):
        if type(event).__name__ == "EpochEnded" and event.epoch == 3:
            raise RuntimeError("my own mistake")

    with pytest.raises(RuntimeError, match="my own mistake"):
        fit(on=fail, checkpoint=tmp_path / "c")
    epochs = []
    resumed = fit(on=lambda event: epochs.append(event.epoch), checkpoint=tmp_path / "c", resume=True)
    assert epochs[0] == 3 and same(resumed.parameters, fit().parameters)


def test_more_patience_goes_on_from_where_less_ended(tmp_path):
    settings = dict(optimizer=pl.optimizers.Adam(0.3), checkpoint=tmp_path / "c")
    short = fit(epochs=300, patience=1, **settings)
    assert "for 1 epochs" in short.reason
    again = fit(epochs=300, patience=1, resume=True, **settings)
    assert again.reason == short.reason and len(again.history) == len(short.history)
    more = fit(epochs=300, patience=4, resume=True, **settings)
    assert len(more.history) > len(short.history)
    assert same(more.parameters, fit(epochs=300, patience=4, optimizer=pl.optimizers.Adam(0.3)).parameters)


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (dict(metric="loss"), dict(metric="accuracy")),
        (dict(regularizers=[pl.regularizers.Mixup(0.2)]), dict(regularizers=[pl.regularizers.Mixup(0.5)])),
        (
            dict(regularizers=[pl.regularizers.StayNear({"dense_1/bias": np.zeros(4)}, 1.0)]),
            dict(regularizers=[pl.regularizers.StayNear({"dense_1/bias": np.ones(4)}, 1.0)]),
        ),
        (
            dict(optimizer="rprop", batch_size=None),
            dict(optimizer=pl.optimizers.Rprop(initial_step=0.01), batch_size=None),
        ),
        (dict(settings={"learning_rate": 0.1}), dict(settings={"learning_rate": 0.2})),
    ],
)
def test_a_checkpoint_of_other_settings_is_refused(tmp_path, first, then):
    fit(checkpoint=tmp_path / "c", epochs=1, **first)
    with pytest.raises(ModelError, match="another run"):
        fit(checkpoint=tmp_path / "c", resume=True, **then)
