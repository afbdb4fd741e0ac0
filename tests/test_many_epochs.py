"""However many epochs an executor runs in one call, the results are those of one epoch after the other, to the bit."""

import math
import pickle
import time
from dataclasses import dataclass, field

import numpy as np
import pytest
import scipy.sparse
from test_interruption import interrupted_at

import pellucid as pl
from pellucid.errors import TrainingError
from pellucid.executors import interpret
from pellucid.executors.epochs import Judging
from pellucid.executors.program import compile_epochs
from pellucid.training import mini_batches
from pellucid.training.evaluate import Evaluator, as_arrays
from pellucid.training.events import EpochEnded
from pellucid.training.metrics import metric
from pellucid.training.step import build_step

RNG = np.random.default_rng(0)
X = RNG.standard_normal((70, 4))
CLASS = np.argmax(X[:, :3] + 0.3 * RNG.standard_normal((70, 3)), axis=1)
NUMBER = np.stack([X[:, 0] * X[:, 1], X[:, 2] ** 2], axis=1)
LABELS = (X[:, :3] > 0).astype(float)
WEIGHTS = RNG.uniform(0.0, 2.0, 70) * (np.arange(70) % 5 > 0)
CLASSES = pl.Dataset({"x": X}, CLASS)
SPARSE = scipy.sparse.random(70, 40, 0.2, "csr", random_state=0)


def dense(outputs, inputs=4, dropout=0.0):
    return pl.Network([pl.Dense(7, "tanh"), pl.Dropout(dropout), pl.Dense(outputs)], inputs=inputs)


def classify(**given):
    usual = dict(loss="softmax_cross_entropy", epochs=23, batch_size=16, seed=3, executor="native")
    network, data = given.pop("network", dense(3)), given.pop("data", CLASSES)
    return pl.fit(network, data, **{**usual, **given})


@pytest.fixture
def by_sevens(monkeypatch):
    """Run 7 epochs in one call wherever so many may be run, also before it is known how long one takes."""
    monkeypatch.setattr(mini_batches.Pace, "epochs_in", lambda self, _, limit: 0 if self.failed else min(limit, 7))


def one_at_a_time(call, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(mini_batches.MiniBatchTraining, "_epochs_at_once", lambda self, seconds: 0)
        return call()


def same(a, b):
    return set(a) == set(b) and all(np.array_equal(a[name], b[name]) for name in a)


def records(fitted):
    return [{key: value for key, value in record.items() if key != "seconds"} for record in fitted.history]


def assert_same(a, b):
    assert records(a) == records(b)
    assert a.reason == b.reason and a.best_epoch == b.best_epoch and a.progress.step == b.progress.step
    assert a.progress.epoch_steps == b.progress.epoch_steps and a.progress.waited == b.progress.waited
    assert same(a.parameters, b.parameters)
    assert same(a.progress.parameters, b.progress.parameters) and same(a.progress.state, b.progress.state)
    assert all(type(arrays) is dict for arrays in (a.progress.parameters, a.progress.state, a.progress.best))


def two_outputs(context, x, kind):
    hidden = pl.concatenate([x, pl.Embedding(5, 3)(context, kind)], axis=1)
    return {"class": pl.Dense(3)(context, hidden), "numbers": pl.Dense(2)(context, hidden)}


KIND = RNG.integers(0, 5, 70)
BOTH = pl.Dataset({"x": X, "kind": KIND}, {"class": CLASS, "numbers": NUMBER})
TWO = pl.Network(two_outputs, inputs={"x": 4, "kind": pl.int32[()]})
TWO_LOSSES = {"class": "softmax_cross_entropy", "numbers": "squared_error"}


# fmt: off
WAYS = {
    "plain": {},
    "validation": dict(validation=0.3),
    "in order": dict(shuffle=False, validation=0.3),
    "one batch": dict(batch_size=None, validation=0.2, optimizer="gradient_descent"),
    "online": dict(batch_size=1, epochs=9),
    "weights": dict(data=pl.Dataset({"x": X}, CLASS, WEIGHTS), validation=0.3),
    "accuracy": dict(validation=0.3, metric="accuracy", patience=4, epochs=60),
    "logarithms": dict(validation=0.3, metric="log_loss", min_improvement=1e-3, patience=3, epochs=60),
    "no mean": dict(validation=0.3, metric="balanced_accuracy", patience=5),
    "no patience": dict(validation=0.3, patience=1, min_improvement=10.0),
    "patience of the training loss": dict(patience=2, min_improvement=0.05),
    "cosine": dict(schedule="cosine", validation=0.2),
    "decay": dict(schedule=pl.schedules.Exponential(0.9)),
    "plateau": dict(schedule=pl.schedules.OnPlateau(patience=1, factor=0.5), validation=0.3),
    "warm plateau": dict(schedule=pl.schedules.WarmUp(steps=7, then=pl.schedules.OnPlateau(patience=1))),
    "steps": dict(steps=57, validation=0.2),
    "whole epochs of steps": dict(steps=50),
    "dropout": dict(network=dense(3, dropout=0.4), validation=0.3),
    "mixup": dict(loss="softmax_cross_entropy", regularizers=[pl.regularizers.Mixup(0.3)]),
    "noise and decay": dict(regularizers=[pl.regularizers.InputNoise(0.1), pl.regularizers.L2(1e-3)], clip_norm=0.5),
    "augmented": dict(regularizers=[pl.regularizers.AugmentArrays(lambda i, epoch: {"x": i["x"] * (1 + epoch % 2)})]),
    "sparse": dict(network=dense(3, inputs=40), data=pl.Dataset({"x": SPARSE}, CLASS), validation=0.3),
    "numbers": dict(network=dense(2), data=pl.Dataset({"x": X}, NUMBER), loss="squared_error", validation=0.3),
    "variance explained": dict(
        network=dense(2), data=pl.Dataset({"x": X}, NUMBER), loss="squared_error", validation=0.3, metric="r2"),
    "absolute": dict(
        network=dense(2), data=pl.Dataset({"x": X}, NUMBER), loss="huber", validation=0.3, metric="mae"),
    "quantile": dict(
        network=dense(2), data=pl.Dataset({"x": X}, NUMBER), loss=pl.losses.Quantile(0.8), validation=0.3),
    "labels": dict(
        network=dense(3), data=pl.Dataset({"x": X}, LABELS), loss="multilabel_cross_entropy", validation=0.3,
        metric="exact_match"),
    "two classes": dict(
        network=dense(1), data=pl.Dataset({"x": X}, LABELS[:, 0]), loss="binary_cross_entropy", validation=0.3,
        metric="auc"),
    "scores": dict(
        network=dense(1), data=pl.Dataset({"x": X}, LABELS[:, 0]), loss="hinge", validation=0.3, metric="accuracy"),
    "two outputs": dict(network=TWO, data=BOTH, loss=TWO_LOSSES, validation=0.3, metric="numbers/mae"),
    "doubles": dict(
        network=pl.Network([pl.Dense(5, "relu"), pl.Dense(3)], inputs=4, dtype="float64"), validation=0.3),
}
# fmt: on


@pytest.mark.parametrize("executor", ["native", "interpret"])
@pytest.mark.parametrize("way", WAYS)
def test_many_epochs_in_one_call_give_the_bits_of_one_after_the_other(way, executor, by_sevens, monkeypatch):
    given = {**WAYS[way], "executor": executor}
    if executor == "interpret":
        given["epochs"] = min(given.get("epochs", 16), 16)
    single = one_at_a_time(lambda: classify(**given), monkeypatch)
    assert_same(classify(**given), single)


def test_where_nothing_forbids_it_epochs_run_together(monkeypatch):
    calls = []
    run_epochs = mini_batches.MiniBatchTraining._do_epochs
    monkeypatch.setattr(
        mini_batches.MiniBatchTraining, "_do_epochs", lambda self, n: calls.append(n) or run_epochs(self, n)
    )
    classify(epochs=400, validation=0.3)
    assert sum(calls) >= 390 and len(calls) < 100


@pytest.mark.parametrize("way", ["plain", "validation"])
def test_a_handler_hears_of_each_epoch_with_its_own_parameters_and_may_stop(way, by_sevens, monkeypatch):
    def run():
        heard = []

        def hear(event):
            if isinstance(event, EpochEnded):
                heard.append((dict(event.parameters), dict(event.state), {**event.record, "seconds": 0}))
                if event.epoch == 19:
                    event.stop("enough")

        return classify(on=hear, epochs=60, **WAYS[way]), heard

    (single, told), (found, heard) = one_at_a_time(run, monkeypatch), run()
    assert_same(found, single)
    assert found.reason == "enough" and len(heard) == 19
    for (parameters, state, record), other in zip(heard, told, strict=True):
        assert same(parameters, other[0]) and same(state, other[1]) and record == other[2]


def test_what_a_handler_keeps_can_be_pickled(by_sevens):
    kept = []
    classify(on=lambda event: kept.append(event.parameters), epochs=30)
    for parameters in kept:
        assert same(pickle.loads(pickle.dumps(parameters)), parameters)


def test_a_step_that_is_not_finite_is_told_as_if_epochs_ran_one_by_one(by_sevens, monkeypatch):
    growing = pl.schedules.Exponential(8.0)

    def run():
        with pytest.raises(TrainingError) as raised:
            pl.fit(
                dense(2), pl.Dataset({"x": X}, NUMBER), loss="squared_error", optimizer="gradient_descent",
                schedule=growing, epochs=200, batch_size=16, validation=0.2, executor="native",
            )  # fmt: skip
        return raised.value

    single, found = one_at_a_time(run, monkeypatch), run()
    assert str(found) == str(single) and "epoch" in str(found)
    assert len(found.fit.history) > 3
    assert_same(found.fit, single.fit)


def test_an_index_without_a_row_in_the_validation_part_is_told(by_sevens, monkeypatch):
    wrong = KIND.copy()
    wrong[7] = 9
    held_out = pl.Dataset({"x": X, "kind": wrong}, {"class": CLASS, "numbers": NUMBER})

    def run():
        with pytest.raises(pl.PellucidError) as raised:
            classify(network=TWO, data=BOTH, loss=TWO_LOSSES, validation=held_out)
        return str(raised.value)

    found = run()
    assert found == one_at_a_time(run, monkeypatch) and "9" in found


def test_members_of_a_population_with_rows_of_their_own_learn_the_same(by_sevens, monkeypatch):
    members = [
        pl.Member(seed=seed, rows=RNG.integers(0, 50, 40), validation_rows=np.arange(50, 70), weights=WEIGHTS + 0.1)
        for seed in range(3)
    ]

    def run():
        way = dict(loss="softmax_cross_entropy", epochs=40, batch_size=16, patience=6, executor="native")
        return pl.fit_population(dense(3), CLASSES, members, **way)

    for member, found, single in zip(members, run(), one_at_a_time(run, monkeypatch), strict=True):
        assert_same(found, single)
        rows = member.rows
        data = pl.Dataset({"x": X[rows]}, CLASS[rows], member.weights[rows])
        held = pl.Dataset({"x": X[50:]}, CLASS[50:])
        alone = classify(data=data, validation=held, seed=member.seed, epochs=40, patience=6)
        assert records(alone) == records(found) and same(alone.parameters, found.parameters)


@pytest.mark.parametrize("executor", ["native", "interpret"])
def test_ctrl_c_at_any_line_leaves_a_whole_state_behind(executor, by_sevens, tmp_path):
    settings = dict(epochs=12, executor=executor)
    whole, told = interrupted_at(0, **settings), 0
    for line in range(1, 2000, 41):
        stopped = interrupted_at(line, checkpoint=tmp_path / f"{line}", **settings)
        if stopped.reason != "interrupted":
            break
        told += 1
        assert len(stopped.history) == stopped.progress.epoch
        resumed = interrupted_at(0, checkpoint=tmp_path / f"{line}", resume=True, **settings)
        assert_same(resumed, whole)
    assert told > 5


def test_a_run_that_is_resumed_goes_on_in_many_epochs_with_the_same_bits(by_sevens, tmp_path):
    settings = dict(validation=0.3, patience=9, network=dense(3, dropout=0.2))
    whole = classify(epochs=40, **settings)
    for steps in (1, 5, 52, 61):
        file = tmp_path / f"{steps}"
        classify(epochs=40, steps=steps, checkpoint=file, **settings)
        resumed = classify(epochs=40, checkpoint=file, resume=True, **settings)
        assert_same(resumed, whole)


def test_a_time_limit_is_kept():
    began = time.perf_counter()
    found = classify(epochs=10**7, time_limit=0.5, validation=0.2)
    assert found.reason == "the time limit" and time.perf_counter() - began < 10
    assert len(found.history) == found.progress.epoch > 20
    again = classify(epochs=10**7, steps=found.progress.step, validation=0.2)
    assert records(again) == records(found) and same(again.parameters, found.parameters)


SCHEDULES = [
    "constant", "cosine", pl.schedules.Step(2, 0.3), pl.schedules.Exponential(0.93), pl.schedules.InverseTime(0.7),
    pl.schedules.WarmUp(steps=11, then=pl.schedules.Exponential(0.9)),
]  # fmt: skip


@pytest.mark.parametrize("schedule", SCHEDULES, ids=str)
def test_the_rates_of_many_epochs_are_those_of_each(schedule, by_sevens, monkeypatch):
    way = dict(schedule=schedule, optimizer="gradient_descent", epochs=45, batch_size=9)
    assert_same(classify(**way), one_at_a_time(lambda: classify(**way), monkeypatch))


@dataclass(frozen=True)
class Halved(pl.schedules.Constant):
    """A schedule that hears of what a handler has seen, besides its state."""

    heard: list = field(default_factory=list)

    def factors_at(self, steps, steps_per_epoch, state):
        return np.full(len(steps), 0.5 ** len(self.heard))


def test_a_handler_may_change_what_the_schedule_says(by_sevens, monkeypatch):
    def run():
        heard = []

        def hear(event):
            if isinstance(event, EpochEnded) and event.epoch in (3, 4, 19, 33):
                heard.append(event.epoch)

        return classify(schedule=Halved(heard), on=hear, epochs=40)

    single, found = one_at_a_time(run, monkeypatch), run()
    assert_same(found, single)
    assert found.history[-1]["learning_rate"] == found.history[0]["learning_rate"] / 16


# -- the judge ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("executor", ["native", "interpret"])
@pytest.mark.parametrize("way", ["plain", "weights", "numbers", "labels", "two classes", "scores", "doubles", "sparse"])
def test_the_history_says_what_evaluating_says_and_what_the_metrics_say_of_the_predictions(way, executor):
    given = {key: value for key, value in WAYS[way].items() if key not in ("validation", "metric")}
    data = given.get("data", CLASSES)
    found = classify(validation=data, **{**given, "executor": executor, "epochs": 8})
    best = found.history[found.best_epoch - 1]
    said = found.evaluate(data)
    told = {key.removeprefix("validation_"): best[key] for key in best if key.startswith("validation_")}
    assert told == {key: said[key] for key in told} and len(told) == 2
    arrays = as_arrays(found.network, found.losses, data)
    prediction = next(iter(found.evaluator.predict(found.parameters, data).values()))
    kind = next(iter(found.evaluator.kinds.values()))
    for name in said.keys() - {"loss"}:
        shown = 1 / (1 + np.exp(-prediction)) if kind == "score" and prediction.shape[1] == 1 else prediction
        expected = metric(name).compute(shown, arrays["target"], arrays["row_weight"].astype(np.float64))
        assert said[name] == pytest.approx(expected, rel=1e-12, nan_ok=True), name


def test_the_judge_goes_over_more_examples_than_fit_at_once_and_over_chosen_ones():
    x = RNG.standard_normal((2500, 4))
    targets, weights = x[:, :2] ** 2, RNG.uniform(0, 1, 2500)
    weights[::7] = 0
    data = pl.Dataset({"x": x}, targets, weights)
    fitted = pl.fit(dense(2), data, loss="squared_error", epochs=1, executor="native")
    error = ((fitted.predict(x).astype(np.float64) - targets.astype(np.float32)) ** 2).mean(1)
    weights = weights.astype(np.float32).astype(np.float64)
    assert fitted.evaluate(data)["rmse"] == pytest.approx(math.sqrt(np.average(error, weights=weights)), rel=1e-12)
    rows = RNG.integers(0, 2500, 1500)
    arrays, own = as_arrays(fitted.network, fitted.losses, data), RNG.uniform(0.5, 1, 1500).astype(np.float32)
    judge = fitted.evaluator.judge()
    prepared = judge.program.examples({**arrays, "row_weight": own}, rows)
    sums = judge.program.run({**fitted.parameters, **judge.settings}, prepared)
    assert sums["rmse"] == pytest.approx(np.sum(own.astype(np.float64) * error[rows]), rel=1e-12)


@pytest.mark.parametrize("executor", ["native", "interpret"])
def test_examples_of_weight_zero_do_not_count_and_none_at_all_have_no_value(executor):
    x = np.array([[1.0, 2], [3, 4], [5, 6]])
    network = pl.Network([pl.Dense(1)], inputs=2)
    fitted = pl.fit(network, pl.Dataset({"x": x}, x[:, :1]), loss="squared_error", epochs=2, executor=executor)
    far = pl.Dataset({"x": np.array([[1.0, 2], [1e38, 3e38], [5, 6]])}, x[:, :1], np.array([1.0, 0, 3]))
    near = pl.Dataset({"x": x[[0, 2]]}, x[[0, 2], :1], np.array([1.0, 3]))
    large = {name: np.full_like(array, 100) for name, array in fitted.parameters.items()}
    evaluator = fitted.evaluator
    found, wanted = (
        evaluator.evaluate(large, as_arrays(network, fitted.losses, data), [metric("rmse"), metric("mae")])
        for data in (far, near)
    )
    assert found == pytest.approx(wanted, rel=1e-12) and math.isfinite(found["rmse"])
    nothing = {name: array[:0] for name, array in as_arrays(network, fitted.losses, near).items()}
    assert all(map(math.isnan, evaluator.evaluate(large, nothing, [metric("rmse")]).values()))


def test_an_interpreted_judge_may_judge_what_machine_code_trains():
    losses = {"output": pl.losses.SoftmaxCrossEntropy()}
    network = dense(3)
    step = build_step(network, losses, pl.optimizers.Adam(0.01), batch=16)
    first = network.initialize(0)
    carried = {**first, **step.initial_state(first)}
    arrays, evaluator = as_arrays(network, losses, CLASSES), Evaluator(network, losses, "native")
    judge = evaluator.judge()
    interpreted = interpret.compile_judge(judge.program.graph, "row_weight", "batch")
    settings = {**step.settings, "learning_rate": np.full((5, 5), 0.01)}
    way = dict(seed=1, first_epoch=2, epochs=5, shuffle=True)
    program, rows = compile_epochs(step.form, "native"), np.arange(70)
    native, mixed = (
        program.run_epochs(
            carried, arrays, rows, settings, judging=Judging(by, by.examples(arrays), judge.settings), **way
        )
        for by in (judge.program, interpreted)
    )
    assert np.array_equal(native.losses, mixed.losses) and np.array_equal(native.weights, mixed.weights)
    for a, b in zip(native.carried, mixed.carried, strict=True):
        assert same(a, b)
    for a, b in zip(native.sums, mixed.sums, strict=True):
        assert a == pytest.approx(b, rel=1e-6)
