"""Trainings recorded while they run: the same bits, the right moments, chosen steps exactly, and at little cost."""

from __future__ import annotations

import gc
import math
import weakref

import numpy as np
import pytest

import pellucid as pl
from pellucid.errors import GraphError, TrainingError, UsageError
from pellucid.inspection import recorder as recording
from pellucid.inspection import stand_in
from pellucid.inspection.layers import observe_layers
from pellucid.inspection.recorder import Recorder
from pellucid.training.arrangement import arrange
from pellucid.training.evaluate import as_arrays
from pellucid.training.events import Handlers

RNG = np.random.default_rng(8)
X = RNG.normal(size=(90, 4))
DATA = pl.Dataset({"x": X}, RNG.integers(0, 3, 90))
LOSS = {"loss": "softmax_cross_entropy", "progress": False}


def network(dtype="float32"):
    return pl.Network([pl.Dense(6, "tanh"), pl.Dropout(0.3), pl.Dense(5, "relu"), pl.Dense(3)], inputs=4, dtype=dtype)


def same(a, b):
    return all(a[path].dtype == b[path].dtype and a[path].tobytes() == b[path].tobytes() for path in a)


@pytest.mark.parametrize("every", [None, 1, 7])
@pytest.mark.parametrize("executor", ["native", "interpret"])
def test_training_computes_the_same_bits_and_the_ends_are_recorded(every, executor):
    options = {**LOSS, "epochs": 40, "validation": 0.2, "executor": executor}
    recorder = Recorder(every=every, steps=[1, 13])
    recorded = pl.fit(network(), DATA, **options, on=recorder)
    alone = pl.fit(network(), DATA, **options)
    assert same(recorded.parameters, alone.parameters) and same(recorded.progress.state, alone.progress.state)
    epochs = [found.epoch for found in recorder.records]
    assert epochs[0] == 0 and epochs[-1] == 40 and epochs == sorted(set(epochs))
    if every:
        assert epochs == sorted({*range(0, 41, every), 40})
    assert recorder.records[-1].step == 40 * 3 and list(recorder.traces) == [1, 13]


@pytest.mark.parametrize("executor", ["native", "interpret"])
def test_traces_are_the_steps_that_training_did_to_the_bit(executor):
    options = {**LOSS, "executor": executor, "clip_value": 0.02, "schedule": "cosine", "epochs": 8}
    steps = [0, 2, 4, 11, 23]
    recorder = Recorder(steps=steps)
    pl.fit(network("float64"), DATA, **options, on=recorder)
    assert list(recorder.traces) == steps
    for step, seen in recorder.traces.items():
        after = pl.fit(network("float64"), DATA, **options, steps=step + 1).progress
        assert (seen.step.step, seen.step.epoch) == (step, step // 3 + 1)
        found = {path: np.asarray(seen.value(seen.graph.outputs[path].path)) for path in seen.step.carried}
        assert same(found, {**after.parameters, **after.state})


def test_a_training_that_begins_in_the_middle_of_an_epoch(tmp_path):
    options = {**LOSS, "checkpoint": tmp_path / "run.checkpoint", "epochs": 6}
    pl.fit(network(), DATA, **options, steps=7)
    recorder = Recorder(steps=[3, 7, 8, 9])
    pl.fit(network(), DATA, **options, on=recorder, resume=True)
    whole = Recorder(steps=[7, 8, 9])
    pl.fit(network(), DATA, **{**options, "checkpoint": None}, on=whole)
    assert list(recorder.traces) == [7, 8, 9]  # step 3 was done before
    assert (recorder.records[0].epoch, recorder.records[0].step) == (2, 7)
    for step, seen in recorder.traces.items():
        assert same(
            {p: np.asarray(seen.value(p)) for p in seen.nodes},
            {p: n.value for p, n in whole.traces[step].nodes.items()},
        )


def test_a_step_that_fails_is_traced_and_what_was_before_is_recorded():
    recorder = Recorder(every=1, steps=range(200))
    with pytest.raises(TrainingError) as caught:
        pl.fit(
            pl.Network([pl.Dense(1)], inputs=4),
            pl.Dataset({"x": X}, 1e30 * X[:, :1]),
            loss="squared_error",
            optimizer=pl.optimizers.GradientDescent(10.0),
            epochs=40,
            on=recorder,
        )
    last = max(recorder.traces)
    assert f"step {last} " in str(caught.value)
    assert not np.isfinite(recorder.traces[last].value("loss"))
    assert all(np.isfinite(recorder.traces[step].value("loss")) for step in range(last))


def test_only_the_nodes_that_were_chosen_are_kept():
    recorder = Recorder(steps=4, nodes=["dense_1/*", "d loss / d */bias"])
    pl.fit(network(), DATA, **LOSS, epochs=3, on=recorder)
    seen = recorder.traces[4]
    assert len(seen) and all(
        path.startswith("dense_1/") or (path.startswith("d loss / d ") and path.endswith("/bias"))
        for path in seen.nodes
    )
    assert seen["dense_1/tanh"].summary.size == 32 * 6 and "d loss / d dense_3/bias" in seen.nodes
    with pytest.raises(GraphError, match="not recorded"):
        seen.value("dense_2/relu")


def test_update_ratios_are_those_of_the_next_step():
    net, rate = pl.Network([pl.Dense(3, "tanh"), pl.Dense(3)], inputs=4, dtype="float64"), 0.5
    recorder = Recorder(every=2, probe=1000)
    pl.fit(net, DATA, **LOSS, epochs=4, batch_size=None, on=recorder, optimizer=pl.optimizers.GradientDescent(rate))
    for found in recorder.records:
        for layer in found.layers:  # the step is over all examples, so its gradient is that of the probe
            expected = rate * layer.weight_gradient.rms / layer.weight.rms
            assert layer.update_ratio == pytest.approx(expected, rel=1e-9)


def test_records_are_what_observing_the_layers_gives():
    seen = {}
    net = pl.Network([pl.Embedding(5, 2), pl.Dense(3, "gelu"), pl.Dense(1)], inputs={"x": pl.int32[3]})
    data = pl.Dataset({"x": RNG.integers(0, 5, (40, 3))}, RNG.normal(size=(40, 1)), RNG.integers(0, 3, 40))
    recorder = Recorder(every=1, probe=1000)

    def watch(event):
        seen[event.step] = dict(event.parameters)

    fitted = pl.fit(net, data, loss="squared_error", epochs=3, on=[recorder, watch])
    arrays = as_arrays(net, fitted.losses, data)
    for found in recorder.records:
        alone = observe_layers(net, fitted.losses, seen[found.step], arrays, epoch=found.epoch, step=found.step)
        for one, other in zip(found.layers, alone.layers, strict=True):
            assert (one.output, one.gradient, one.dead, one.weight) == (
                other.output,
                other.gradient,
                other.dead,
                other.weight,
            )


def test_lbfgs_and_early_stopping():
    recorder = Recorder(every=1)
    fitted = pl.fit(network_without_noise(), DATA, **LOSS, optimizer="lbfgs", epochs=6, on=recorder)
    assert [found.epoch for found in recorder.records] == list(range(len(fitted.history) + 1))
    ratios = [found["dense_1"].update_ratio for found in recorder.records]
    assert math.isnan(ratios[0]) and all(ratio > 0 for ratio in ratios[1:])
    stopped = Recorder(every=100)
    fitted = pl.fit(network(), DATA, **LOSS, validation=0.3, patience=2, epochs=500, on=stopped)
    assert [found.epoch for found in stopped.records][-1] == len(fitted.history) < 500
    with pytest.raises(UsageError, match="no steps"):
        pl.fit(network_without_noise(), DATA, **LOSS, optimizer="lbfgs", epochs=1, on=Recorder(steps=1))


def network_without_noise():
    return pl.Network([pl.Dense(4, "tanh"), pl.Dense(3)], inputs=4)


def test_one_recorder_may_record_one_training_after_the_other():
    recorder = Recorder(every=5, steps=2)
    for epochs in (10, 5):
        pl.fit(network(), DATA, **LOSS, epochs=epochs, on=recorder)
        assert [found.epoch for found in recorder.records] == list(range(0, epochs + 1, 5))
    assert "2 moments" in repr(recorder) and "dense_1" in recorder._repr_html_()


# -- cost ------------------------------------------------------------------------------------------------------------


def test_the_compiled_step_is_the_same_with_and_without_a_recorder():
    without = arrange(network(), DATA, **LOSS).training()
    text, program = str(without.steps.step.graph), without.steps.program
    programs = []
    recorder = Recorder(steps=[1], every=1)
    training = arrange(network(), DATA, **LOSS, epochs=2).training(
        Handlers([recorder, lambda event: programs.append(event.training.steps.program)])
    )
    assert str(training.steps.step.graph) == text
    training.run()
    assert len(recorder.traces) == 1
    assert all(found is program for found in programs)  # the very same machine code


def test_summaries_keep_within_their_share_of_the_time(monkeypatch):
    """With a clock of the test's own, on which an epoch takes 10 ms, a record 4 ms and to prepare them 20 ms."""
    clock = [0.0]

    class Clock:
        perf_counter = staticmethod(lambda: clock[0])

    class Probe(stand_in.LayerProbe):
        def __init__(self, *arguments):
            clock[0] += 0.02
            super().__init__(*arguments)

        def records(self, *arguments, **options):
            clock[0] += 0.004
            return super().records(*arguments, **options)

    def tick(event):
        clock[0] += 0.01

    monkeypatch.setattr(recording, "time", Clock)
    monkeypatch.setattr(stand_in, "LayerProbe", Probe)
    for epochs, most in ((4, 0), (100, 20), (1000, 260)):
        clock[0] = 0.0
        recorder = Recorder(budget=0.04)
        pl.fit(network(), DATA, **LOSS, epochs=epochs, on=[tick, recorder])
        trained = 0.01 * (epochs + 2)
        assert clock[0] - trained <= 0.05 * trained + 1e-9  # with what it took to prepare
        in_time = len(recorder._records)
        assert in_time <= most
        assert [recorder.records[at].epoch for at in (0, -1)] == [0, epochs]
    assert in_time > 80


def test_far_more_records_than_can_be_used_are_thinned_out(monkeypatch):
    monkeypatch.setattr(recording, "MOST", 8)
    recorder = Recorder(budget=1.0)
    monkeypatch.setattr(recorder, "_wait", lambda: None)
    pl.fit(network(), DATA, **LOSS, epochs=100, on=recorder)
    epochs = [found.epoch for found in recorder.records]
    assert epochs[0] == 0 and epochs[-1] == 100 and len(epochs) <= 10
    assert np.diff(epochs[:-1]).max() == np.diff(epochs[:-1]).min()


@pytest.mark.parametrize(
    "options", [{"every": 0}, {"every": 1.5}, {"steps": [-1]}, {"steps": "3"}, {"probe": 0}, {"budget": 2}]
)
def test_wrong_choices_are_told(options):
    with pytest.raises(UsageError, match=next(iter(options))):
        Recorder(**options)


def test_populations_are_not_recorded():
    with pytest.raises(UsageError, match="one training from its start"):
        pl.fit_population(network(), DATA, [pl.Member()], epochs=1, **LOSS, on=Recorder())


def test_after_the_training_a_recorder_keeps_no_examples():
    data = pl.Dataset({"x": X.copy()}, np.arange(90) % 3)
    recorder = Recorder()
    pl.fit(network(), data, **LOSS, epochs=3, on=recorder)
    assert len(recorder.records) >= 2
    array = weakref.ref(data.inputs["x"])
    del data
    gc.collect()
    assert array() is None
    assert recorder.records[-1].epoch == 3


def test_the_last_state_before_a_failure_is_recorded():
    recorder, heard = Recorder(every=1), []
    with pytest.raises(TrainingError):
        pl.fit(network(), DATA, **LOSS, optimizer=pl.optimizers.GradientDescent(1e30), on=[recorder, heard.append])
    assert heard[-1].reason == "a value is not finite"
    last = recorder.records[-1]
    assert last.step == heard[-1].step
    assert all(np.isfinite(layer.weight.rms) for layer in last.layers)
