"""Training as a user sees it: what comes out, what is reported, and what is never lost."""

import itertools
import json
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest

import pellucid as pl
from pellucid.errors import DataError, TrainingError, UsageError
from pellucid.training.events import EpochEnded, StepEnded, TrainingEnded, TrainingStarted


def two_moons(count=200, seed=0):
    rng = np.random.default_rng(seed)
    angle = rng.uniform(0, np.pi, count)
    y = np.arange(count) % 2
    x = np.stack([np.cos(angle) * (1 - 2 * y) + y, np.sin(angle) * (1 - 2 * y) + 0.5 * y], axis=1)
    return x + 0.1 * rng.standard_normal(x.shape), y


def small_network(dropout=0.0, outputs=1, dtype="float64", inputs=2):
    return pl.Network([pl.Dense(16, "tanh"), pl.Dropout(dropout), pl.Dense(outputs)], inputs=inputs, dtype=dtype)


def dataset(count=200):
    x, y = two_moons(count)
    return pl.Dataset({"x": x}, y.astype(float))


def fit(**given):
    settings = dict(loss="binary_cross_entropy", epochs=5, batch_size=32, seed=3)
    network = given.pop("network", None) or small_network(0.2)
    return pl.fit(network, given.pop("dataset", None) or dataset(), **{**settings, **given})


def same(a, b):
    return set(a) == set(b) and all(np.array_equal(a[name], b[name]) for name in a)


# -- learning --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch_size", [1, 7, 32, None])
def test_learns_online_by_mini_batches_and_by_full_batches(batch_size):
    epochs = {1: 15, 7: 60, 32: 150, None: 300}[batch_size]
    optimizer = (
        pl.optimizers.Momentum(0.05) if batch_size == 1 else pl.optimizers.Adam(0.05 if not batch_size else 0.02)
    )
    fitted = fit(network=small_network(), batch_size=batch_size, epochs=epochs, optimizer=optimizer)
    assert fitted.evaluate(dataset())["accuracy"] > 0.95


@pytest.mark.parametrize("name", sorted(set(pl.optimizers.OPTIMIZERS) - {"lbfgs"}))
def test_every_optimizer_learns(name):
    full = name == "rprop"
    rate = {
        "gradient_descent": 0.3,
        "momentum": 0.1,
        "nesterov": 0.1,
        "adagrad": 0.1,
        "lion": 0.003,
        "rmsprop": 0.01,
    }.get(name)
    optimizer = pl.optimizers.optimizer(name, **({"learning_rate": rate} if rate else {}))
    fitted = fit(network=small_network(), optimizer=optimizer, epochs=60, batch_size=None if full else 16)
    assert fitted.history[-1]["loss"] < 0.5 * fitted.history[0]["loss"]


def test_lbfgs_solves_least_squares_exactly():
    rng = np.random.default_rng(0)
    x, noise = rng.standard_normal((3000, 4)), rng.standard_normal((3000, 1))
    y = x @ [[1.0], [-2.0], [0.5], [3.0]] + 0.7 + 0.1 * noise
    fitted = pl.fit(
        pl.Network([pl.Dense(1)], inputs=4, dtype="float64"),
        pl.Dataset({"x": x}, y),
        loss="squared_error",
        optimizer="lbfgs",
        epochs=200,
    )
    exact = np.linalg.lstsq(np.c_[x, np.ones(len(x))], y, rcond=None)[0]
    found = np.r_[fitted.parameters["dense_1/weight"], fitted.parameters["dense_1/bias"][None]]
    np.testing.assert_allclose(found, exact, atol=1e-5)
    assert fitted.reason.startswith("L-BFGS")


def test_logistic_regression_agrees_with_scikit_learn():
    from sklearn.linear_model import LogisticRegression

    x, y = two_moons()
    network = pl.Network([pl.Dense(1)], inputs=2, dtype="float64")
    data = pl.Dataset({"x": x}, y.astype(float))
    l2 = pl.regularizers.L2(1 / (2.0 * len(x)))
    fitted = pl.fit(
        network, data, loss="binary_cross_entropy", optimizer=pl.optimizers.LBFGS(gradient_tolerance=1e-10),
        epochs=500, regularizers=[l2],
    )  # fmt: skip
    other = LogisticRegression(C=2.0, tol=1e-10).fit(x, y)
    np.testing.assert_allclose(fitted.parameters["dense_1/weight"].T, other.coef_, rtol=1e-5)
    np.testing.assert_allclose(fitted.predict(x)[:, 0], other.predict_proba(x)[:, 1], atol=1e-6)


def test_one_step_of_gradient_descent_is_the_formula_with_weights_and_a_last_smaller_mini_batch():
    x = np.array([[1.0], [2.0], [4.0]])
    y = np.array([[1.0], [0.0], [2.0]])
    weight = np.array([1.0, 3.0, 2.0])
    network = pl.Network([pl.Dense(1)], inputs=1, dtype="float64")
    start = {"dense_1/weight": np.array([[0.5]]), "dense_1/bias": np.array([0.25])}
    fitted = pl.fit(
        network, pl.Dataset({"x": x}, y, weight), loss="squared_error", epochs=1, batch_size=2, shuffle=False,
        optimizer=pl.optimizers.GradientDescent(0.1), start_from=start,
    )  # fmt: skip
    w, b = 0.5, 0.25
    for rows in ([0, 1], [2]):
        error = w * x[rows, 0] + b - y[rows, 0]
        share = weight[rows] / weight[rows].sum()
        w, b = w - 0.1 * (share * error * x[rows, 0]).sum(), b - 0.1 * (share * error).sum()
    np.testing.assert_allclose(fitted.parameters["dense_1/weight"], [[w]], rtol=1e-14)
    np.testing.assert_allclose(fitted.parameters["dense_1/bias"], [b], rtol=1e-14)


def test_an_example_of_weight_two_counts_as_two_examples():
    x, y = two_moons(30)
    twice = np.r_[np.arange(30), np.arange(10)]
    weights = np.r_[np.full(10, 2.0), np.ones(20)]
    settings = dict(network=small_network(), batch_size=None, shuffle=False, optimizer=pl.optimizers.Momentum(0.1))
    a = fit(dataset=pl.Dataset({"x": x}, y.astype(float), weights), **settings)
    b = fit(dataset=pl.Dataset({"x": x[twice]}, y[twice].astype(float)), **settings)
    for path, value in a.parameters.items():
        np.testing.assert_allclose(value, b.parameters[path], rtol=1e-10, atol=1e-13)


def test_several_outputs_each_with_its_loss():
    x, y = two_moons()

    def body(context, x):
        hidden = pl.Dense(16, "tanh")(context, x)
        return {"side": pl.Dense(1)(context, hidden), "place": pl.Dense(2)(context, hidden)}

    network = pl.Network(body, inputs=2)
    data = pl.Dataset({"x": x}, {"side": y.astype(float), "place": x})
    losses = {"side": "binary_cross_entropy", "place": "squared_error"}
    fitted = pl.fit(network, data, loss=losses, epochs=150, optimizer=pl.optimizers.Adam(0.02))
    predicted = fitted.predict(x)
    right = np.mean((predicted["side"][:, 0] > 0.5) == y)
    assert right > 0.95
    assert np.abs(predicted["place"] - x).mean() < 0.1
    told = fitted.evaluate(data)
    np.testing.assert_allclose(told["side/accuracy"], right)
    np.testing.assert_allclose(told["place/rmse"], np.sqrt(np.mean((predicted["place"] - x) ** 2)), rtol=1e-6)
    assert {name.partition("/")[0] for name in told} == {"loss", "side", "place"} and "side/rmse" not in told
    assert set(fitted.evaluate(data, ["mae"])) == {"loss", "place/mae"}


@pytest.mark.parametrize(("metric", "key"), [("place/mae", "place/mae"), ("r2", "place/r2"), ("auc", "side/auc")])
def test_one_of_several_outputs_is_judged_by(metric, key):
    x, y = two_moons()

    def body(context, x):
        return {"side": pl.Dense(1)(context, x), "place": pl.Dense(2)(context, x)}

    fitted = pl.fit(
        pl.Network(body, inputs=2), pl.Dataset({"x": x}, {"side": y.astype(float), "place": x}), epochs=8,
        loss={"side": "binary_cross_entropy", "place": "squared_error"}, validation=0.3, metric=metric,
    )  # fmt: skip
    found = [record[f"validation_{key}"] for record in fitted.history]
    best = min if metric.endswith("mae") else max
    assert found[fitted.best_epoch - 1] == best(found)
    assert {"validation_side/accuracy", "validation_place/rmse"} < set(fitted.history[0])


def test_a_network_that_says_how_sure_it_is():
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (600, 1))
    y = 2 * x + np.where(x > 0, 0.5, 0.05) * rng.standard_normal(x.shape)
    network = pl.Network([pl.Dense(16, "tanh"), pl.Dense(2)], inputs=1)
    fitted = pl.fit(
        network, pl.Dataset({"x": x}, y), loss="gaussian_log_likelihood", epochs=120, optimizer=pl.optimizers.Adam(0.01)
    )
    said = fitted.predict_all(np.array([[-0.6], [0.6]]))
    assert list(said) == ["mean", "variance"] and np.array_equal(said["mean"], fitted.predict([[-0.6], [0.6]]))
    np.testing.assert_allclose(said["mean"], [[-1.2], [1.2]], atol=0.2)
    np.testing.assert_allclose(np.sqrt(said["variance"]), [[0.05], [0.5]], rtol=0.5)


def test_categories_and_numbers_as_two_inputs():
    rng = np.random.default_rng(0)
    kind, x = rng.integers(0, 4, 300), rng.standard_normal((300, 2))
    y = np.array([0.0, 1.0, -1.0, 2.0])[kind][:, None] + x[:, :1]

    def body(context, x, kind):
        known = pl.Embedding(4, 3)(context, kind)
        return pl.Dense(1)(context, pl.concatenate([x, known], axis=1))

    network = pl.Network(body, inputs={"x": 2, "kind": pl.int32[()]})
    fitted = pl.fit(
        network, pl.Dataset({"x": x, "kind": kind}, y), loss="squared_error", epochs=80,
        optimizer=pl.optimizers.Adam(0.02),
    )  # fmt: skip
    assert fitted.evaluate(pl.Dataset({"x": x, "kind": kind}, y))["rmse"] < 0.05


# -- the same bits -----------------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_bits_and_another_seed_others():
    assert same(fit().parameters, fit().parameters)
    assert not same(fit().parameters, fit(seed=4).parameters)


@pytest.mark.parametrize("every_step", [False, True])
def test_a_run_that_was_stopped_and_resumed_equals_one_that_was_not(tmp_path, every_step):
    whole = fit(epochs=6, validation=0.25, schedule=pl.schedules.Cosine(6))

    def stop(event):
        if event.step >= 10:
            event.stop()

    stop.every_step = every_step
    file = tmp_path / "checkpoint.safetensors"
    again = dict(epochs=6, validation=0.25, schedule=pl.schedules.Cosine(6), checkpoint=file)
    stopped = fit(on=stop, **again)
    assert stopped.reason == "stopped by a handler" and stopped.progress.step < whole.progress.step
    resumed = fit(resume=True, **again)
    assert same(resumed.parameters, whole.parameters)
    assert same(resumed.progress.parameters, whole.progress.parameters)
    assert same(resumed.progress.state, whole.progress.state)
    strip = [{k: v for k, v in record.items() if k != "seconds"} for record in resumed.history]
    assert strip == [{k: v for k, v in record.items() if k != "seconds"} for record in whole.history]


def test_a_run_killed_at_any_time_resumes_to_the_same_bits(tmp_path):
    script = textwrap.dedent("""
        import sys
        import numpy as np
        sys.path.insert(0, sys.argv[2])
        from test_fit import fit
        fitted = fit(epochs=60, batch_size=8, checkpoint=sys.argv[1] + "/c", checkpoint_seconds=0.0, resume=True)
        np.savez(sys.argv[1] + "/result.npz", **{k.replace("/", "."): v for k, v in fitted.parameters.items()})
    """)
    here = __file__.rsplit("/", 1)[0]
    command = [sys.executable, "-c", script, str(tmp_path), here]
    for wait in (0.9, 1.4):
        process = subprocess.Popen(command)
        try:
            process.wait(wait)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
    subprocess.run(command, check=True)
    whole = fit(epochs=60, batch_size=8)
    found = np.load(tmp_path / "result.npz")
    assert all(np.array_equal(found[path.replace("/", ".")], value) for path, value in whole.parameters.items())


def test_a_checkpoint_of_another_run_is_refused(tmp_path):
    file = tmp_path / "checkpoint"
    fit(checkpoint=file, epochs=1)
    with pytest.raises(pl.ModelError, match="another run"):
        fit(checkpoint=file, resume=True, seed=9)
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(pl.ModelError, match="can not be read"):
        fit(checkpoint=file, resume=True)


def test_rates_that_are_off_change_nothing():
    plain = pl.Network([pl.Dense(16, "tanh", name="a"), pl.Dense(1, name="b")], inputs=2, dtype="float64")
    with_dropout = pl.Network(
        [pl.Dense(16, "tanh", name="a"), pl.Dropout(0.0), pl.Dense(1, name="b")], inputs=2, dtype="float64"
    )
    assert same(fit(network=plain).parameters, fit(network=with_dropout).parameters)


def test_settings_replace_those_that_layers_were_made_with():
    a = fit(network=small_network(0.2), settings={"dropout_1/rate": 0.5, "learning_rate": 0.01})
    b = fit(network=small_network(0.5), optimizer=pl.optimizers.Adam(0.01))
    assert same(a.parameters, b.parameters)
    with pytest.raises(UsageError, match="dropout_1/rate"):
        fit(settings={"dropout/rate": 0.5})


# -- when to stop and what to keep -------------------------------------------------------------------------------------


def test_the_best_parameters_are_returned_also_when_the_epochs_run_out():
    seen = {}

    def remember(event):
        if isinstance(event, EpochEnded):
            seen[event.epoch] = dict(event.parameters), event.record["validation_loss"]

    fitted = fit(epochs=40, validation=0.3, optimizer=pl.optimizers.Adam(0.3), on=remember, batch_size=16)
    best = min(seen, key=lambda epoch: seen[epoch][1])
    assert fitted.reason == "the epochs ran out" and fitted.best_epoch == best < 40
    assert same(fitted.parameters, seen[best][0])


def test_early_stopping_on_a_chosen_metric():
    fitted = fit(epochs=500, validation=0.3, patience=3, metric="accuracy", optimizer=pl.optimizers.Adam(0.1))
    found = [record["validation_accuracy"] for record in fitted.history]
    assert "no better validation accuracy for 3 epochs" in fitted.reason
    assert len(found) == fitted.best_epoch + 3 and found[fitted.best_epoch - 1] == max(found)
    with pytest.raises(UsageError, match="does not fit the task"):
        fit(metric="rmse", validation=0.2)


def test_early_stopping_without_validation_judges_by_the_training_loss():
    by = 0.002
    fitted = fit(epochs=500, patience=4, min_improvement=by, optimizer=pl.optimizers.Adam(0.02))
    losses = [record["loss"] for record in fitted.history]
    assert fitted.reason == "no better loss for 4 epochs" and len(losses) < 500
    counted, waited = np.inf, 0
    for epoch, loss in enumerate(losses, start=1):
        counted, waited = (loss, 0) if loss < counted - by else (counted, waited + 1)
        assert (waited == 4) == (epoch == len(losses))
    # Nothing was held out to choose by: the last parameters are returned.
    assert same(fitted.parameters, fitted.progress.parameters) and fitted.best_epoch == len(losses)
    assert same(fitted.parameters, fit(epochs=len(losses), optimizer=pl.optimizers.Adam(0.02)).parameters)


# -- so many steps -----------------------------------------------------------------------------------------------------


def records(fitted):
    return [{key: value for key, value in record.items() if key != "seconds"} for record in fitted.history]


@pytest.mark.parametrize("validation", [None, 0.25])
@pytest.mark.parametrize("steps", [1, 4, 5, 7, 14, 15])
def test_steps_end_a_run_where_anything_else_would_have(validation, steps):
    settings = dict(validation=validation, schedule="cosine", optimizer=pl.optimizers.Adam(0.1), epochs=9)
    fitted = fit(steps=steps, **settings)
    assert (fitted.progress.step, fitted.reason) == (steps, "the steps ran out")

    class Stop:
        every_step = True

        def __init__(self, interrupt):
            self.interrupt = interrupt

        def __call__(self, event):
            if isinstance(event, StepEnded) and event.step == steps:
                if self.interrupt:
                    raise KeyboardInterrupt
                event.stop()

    for interrupt in (False, True):
        stopped = fit(on=Stop(interrupt), **settings)
        assert stopped.reason == ("interrupted" if interrupt else "stopped by a handler")
        assert same(stopped.parameters, fitted.parameters) and records(stopped) == records(fitted)
        assert same(stopped.progress.parameters, fitted.progress.parameters)
        assert (stopped.best_epoch, stopped.progress.step) == (fitted.best_epoch, steps)


@pytest.mark.parametrize("validation", [None, 0.25])
def test_a_run_stopped_by_time_is_repeated_by_its_number_of_steps(validation):
    settings = dict(validation=validation, batch_size=4, epochs=10**6)
    timed = fit(time_limit=0.15, **settings)
    again = fit(steps=timed.progress.step, **settings)
    assert timed.progress.step > 0 and same(again.parameters, timed.parameters) and records(again) == records(timed)
    assert same(again.progress.state, timed.progress.state) and again.best_epoch == timed.best_epoch


def test_a_run_ended_by_its_steps_goes_on_from_the_checkpoint(tmp_path):
    settings = dict(validation=0.25, epochs=6, checkpoint=tmp_path / "c")
    fit(steps=7, **settings)
    some = fit(steps=12, resume=True, **settings)
    assert same(some.parameters, fit(steps=12, validation=0.25, epochs=6).parameters) and some.progress.step == 12
    assert fit(steps=12, resume=True, **settings).progress.step == 12  # nothing is left to do
    whole = fit(resume=True, **settings)
    assert same(whole.parameters, fit(validation=0.25, epochs=6).parameters) and whole.reason == "the epochs ran out"


def test_steps_before_the_first_epoch_has_ended_give_the_last_parameters():
    cut = fit(steps=2, validation=0.25)
    assert cut.history == [] and cut.best_epoch == 0 and same(cut.parameters, cut.progress.parameters)
    none = fit(steps=0, validation=0.25)
    assert none.progress.step == 0 and same(none.parameters, fit(epochs=0).parameters)


def test_steps_of_lbfgs_are_its_iterations():
    x, y = two_moons()
    network, data = pl.Network([pl.Dense(4, "tanh"), pl.Dense(1)], inputs=2), pl.Dataset({"x": x}, y.astype(float))
    a, b = (
        pl.fit(network, data, loss="binary_cross_entropy", optimizer="lbfgs", **limit)
        for limit in (dict(steps=3), dict(epochs=3))
    )
    assert a.reason == "the steps ran out" and len(a.history) == 3 and same(a.parameters, b.parameters)


def test_scores_have_no_log_loss():
    fitted = fit(loss="hinge", validation=0.3, epochs=2)
    assert set(fitted.evaluate(dataset())) == {"loss", "accuracy", "balanced_accuracy", "auc"}
    with pytest.raises(UsageError, match="log_loss"):
        fit(loss="hinge", metric="log_loss", validation=0.3)


def test_given_validation_data_are_judged_as_they_are():
    x, y = two_moons(seed=1)
    held_out = pl.Dataset({"x": x}, y.astype(float))
    fitted = fit(validation=held_out)
    assert fitted.history[fitted.best_epoch - 1]["validation_loss"] == fitted.evaluate(held_out)["loss"]


def test_time_limit_and_interruption_keep_what_is_best():
    fitted = fit(epochs=10**6, time_limit=0.3)
    assert fitted.reason == "the time limit" and 0.2 < fitted.progress.seconds < 3

    def interrupt(event):
        if isinstance(event, EpochEnded) and event.epoch == 3:
            raise KeyboardInterrupt

    fitted = fit(on=interrupt, validation=0.25)
    assert fitted.reason == "interrupted" and len(fitted.history) == 3 and fitted.best_epoch in (1, 2, 3)


def test_an_interrupt_signal_in_the_middle_of_an_epoch_keeps_finished_steps(tmp_path):
    script = textwrap.dedent("""
        import os, signal, sys, threading
        sys.path.insert(0, sys.argv[1])
        from test_fit import fit
        from pellucid.training.events import TrainingStarted

        def interrupt_soon(event):
            if isinstance(event, TrainingStarted):
                threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT)).start()

        fitted = fit(epochs=10**6, batch_size=1, on=interrupt_soon)
        assert fitted.reason == "interrupted", fitted.reason
        again = fit(epochs=10**6, batch_size=1, time_limit=0.0)
        print("kept", fitted.progress.step > 0)
    """)
    here = __file__.rsplit("/", 1)[0]
    done = subprocess.run([sys.executable, "-c", script, here], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "kept True", done.stderr


def test_starting_from_an_earlier_model():
    first = fit(epochs=3)
    second = fit(epochs=0, start_from=first)
    assert same(first.parameters, second.parameters)
    part = fit(epochs=0, start_from={"dense_1/weight": np.ones((2, 16))})
    assert np.all(part.parameters["dense_1/weight"] == 1) and not np.all(part.parameters["dense_2/weight"] == 1)
    with pytest.raises(UsageError, match="dense_1/weight"):
        fit(start_from={"dense_1/wieght": np.ones((2, 16))})
    with pytest.raises(UsageError, match="shape"):
        fit(start_from={"dense_1/weight": np.ones((3, 16))})


# -- what is told ------------------------------------------------------------------------------------------------------


def test_starting_from_a_model_folder(tmp_path):
    table = {"a": [0.1 * row for row in range(60)], "y": [0.3 * row + 1 for row in range(60)]}
    run = pl.train_table(table, "y", recipe=pl.Recipe(hidden=(4,), epochs=2))
    pl.save_model(run.model, tmp_path / "model")
    model = pl.load_model(tmp_path / "model")
    network = run.fit.network
    data = pl.Dataset({"x": np.zeros((4, 1))}, np.zeros((4, 1)))
    again = pl.fit(network, data, loss="squared_error", epochs=0, start_from=model)
    assert same(again.parameters, run.fit.parameters)


def test_events_in_order_and_the_history_file(tmp_path):
    kinds, losses = [], []

    def hear(event):
        kinds.append(type(event))
        if isinstance(event, StepEnded):
            losses.append(event.loss)

    hear.every_step = True
    fitted = fit(epochs=2, on=hear, history_file=tmp_path / "history.jsonl", dataset=dataset(70), validation=0.1)
    steps = [StepEnded] * 2 + [EpochEnded]
    assert kinds == [TrainingStarted, *steps, *steps, TrainingEnded]
    lines = [json.loads(line) for line in (tmp_path / "history.jsonl").read_text().splitlines()]
    assert lines == fitted.history and lines[1]["epoch"] == 2 and lines[1]["step"] == 4
    np.testing.assert_allclose(lines[0]["loss"], (32 * losses[0] + 31 * losses[1]) / 63)
    quiet = fit(epochs=2, dataset=dataset(70), validation=0.1)
    assert same(quiet.parameters, fitted.parameters)  # hearing every step changes no bit


def test_every_example_is_taken_once_an_epoch_in_a_new_order():
    orders = []

    rows = np.arange(10, dtype=float)[:, None]
    network = pl.Network([pl.Dense(1)], inputs=1, dtype="float64")
    start = {"dense_1/weight": np.zeros((1, 1)), "dense_1/bias": np.zeros(1)}

    class Watch:
        every_step = True

        def __call__(self, event):
            if isinstance(event, StepEnded):
                orders.append(round(event.loss * 2) ** 0.5)

    # With a learning rate of 0 the loss of a step of one example tells which it was.
    pl.fit(
        network, pl.Dataset({"x": rows}, rows), loss="squared_error", batch_size=1, epochs=2, on=Watch(),
        optimizer=pl.optimizers.GradientDescent(0.0), start_from=start,
    )  # fmt: skip
    assert sorted(orders[:10]) == sorted(orders[10:]) == list(range(10)) and orders[:10] != orders[10:]


def test_what_is_not_finite_stops_training_and_names_step_node_and_rows():
    x = np.array([[1.0], [2.0], [3.0], [4.0]])
    network = pl.Network([pl.Dense(1)], inputs=1, dtype="float32")
    data = pl.Dataset({"x": x}, x)
    with pytest.raises(TrainingError) as caught:
        pl.fit(
            network,
            data,
            loss="squared_error",
            epochs=2000,
            batch_size=2,
            optimizer=pl.optimizers.GradientDescent(50.0),
        )
    assert "step " in str(caught.value) and "node '" in str(caught.value) and "row" in str(caught.value)
    assert caught.value.fit.reason == "a value is not finite"
    assert all(np.isfinite(value).all() for value in caught.value.fit.parameters.values())

    def body(context, x):
        return pl.Dense(1)(context, pl.log(x - 2.5))

    with pytest.raises(TrainingError, match=r"step 0 \(epoch 1\), node 'log': .* got NaN from log at rows 0, 1"):
        pl.fit(pl.Network(body, inputs=1), data, loss="squared_error", batch_size=4, shuffle=False)


# -- regularization ----------------------------------------------------------------------------------------------------


def test_l1_makes_exact_zeros_and_l2_smaller_weights():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((200, 10))
    y = x[:, :1] * 2
    network = pl.Network([pl.Dense(1)], inputs=10, dtype="float64")
    settings = dict(loss="squared_error", epochs=200, optimizer=pl.optimizers.GradientDescent(0.1))
    sparse = pl.fit(network, pl.Dataset({"x": x}, y), regularizers=[pl.regularizers.L1(0.1)], **settings)
    zeros = sparse.parameters["dense_1/weight"].ravel() == 0
    assert zeros.sum() >= 8 and not zeros[0]
    with pytest.raises(UsageError, match="output=True"):  # a linear output layer is left out
        pl.fit(network, pl.Dataset({"x": x}, y), regularizers=[pl.regularizers.L2(1.0)], **settings)
    small = pl.fit(network, pl.Dataset({"x": x}, y), regularizers=[pl.regularizers.L2(1.0, output=True)], **settings)
    # Mini-batches weigh the last, smaller one more than its share: only full batches have the closed form.
    full = pl.fit(
        network, pl.Dataset({"x": x - x.mean(0)}, y - y.mean()), loss="squared_error", optimizer="lbfgs",
        regularizers=[pl.regularizers.L2(1.0, output=True)],
    )  # fmt: skip
    gram = np.cov(x.T, bias=True)
    exact = np.linalg.solve(gram + np.eye(10), (x - x.mean(0)).T @ (y - y.mean()) / 200)
    np.testing.assert_allclose(full.parameters["dense_1/weight"], exact, atol=1e-5)
    assert np.linalg.norm(small.parameters["dense_1/weight"]) < 1.5


def test_mixup_noise_max_norm_and_clipping_train_and_repeat():
    strong = [pl.regularizers.Mixup(0.4), pl.regularizers.InputNoise(0.1), pl.regularizers.MaxNorm(1.5)]
    a = fit(regularizers=strong, clip_norm=1.0, clip_value=0.5, epochs=10)
    b = fit(regularizers=strong, clip_norm=1.0, clip_value=0.5, epochs=10)
    assert same(a.parameters, b.parameters)
    assert np.linalg.norm(a.parameters["dense_1/weight"], axis=0).max() <= 1.5 + 1e-9
    assert a.history[-1]["loss"] < a.history[0]["loss"]


def test_augmentation_by_a_graph_function_and_by_arrays():
    def flip(context, inputs):
        return {"x": -inputs["x"]}

    x, y = two_moons()
    graph = fit(regularizers=[pl.regularizers.Augment(flip)])
    arrays = fit(regularizers=[pl.regularizers.AugmentArrays(lambda inputs, *_: {"x": -inputs["x"]})])
    plain = fit(dataset=pl.Dataset({"x": -x}, y.astype(float)))
    for path, value in plain.parameters.items():
        np.testing.assert_allclose(graph.parameters[path], value, rtol=1e-9)
        np.testing.assert_allclose(arrays.parameters[path], value, rtol=1e-9)


def test_the_learning_rate_falls_on_a_plateau():
    fitted = fit(epochs=60, validation=0.3, schedule=pl.schedules.OnPlateau(factor=0.5, patience=2), batch_size=None)
    rates = [record["learning_rate"] for record in fitted.history]
    assert rates[0] == 0.001 and all(a >= b for a, b in itertools.pairwise(rates))


# -- wrong use ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        (dict(loss="binary_crossentropy"), UsageError, "binary_cross_entropy"),
        (dict(optimizer="adm"), UsageError, "adam"),
        (dict(metric="acuracy"), UsageError, "accuracy"),
        (dict(validation=1.5), UsageError, "between 0 and 1"),
        (dict(epochs=-1), UsageError, "epochs"),
        (dict(batch_size=0), UsageError, "batch_size"),
        (dict(dataset=[1, 2]), UsageError, "pl.Dataset"),
        (dict(on=3), UsageError, "function of an event"),
        (dict(executor="gpu"), UsageError, "interpret"),
        (dict(resume=True), UsageError, "checkpoint"),
        (dict(loss={"other": "hinge"}), UsageError, "output"),
    ],
)
def test_wrong_settings_give_one_clear_message(given, error, words):
    with pytest.raises(error, match=words) as caught:
        fit(**given)
    assert "\n" not in str(caught.value)


def test_data_that_do_not_fit_are_refused():
    x, y = two_moons()
    with pytest.raises(DataError, match="wrong shape"):
        fit(dataset=pl.Dataset({"x": x[:, :1]}, y.astype(float)))
    with pytest.raises(DataError, match="unknown 'z'"):
        fit(dataset=pl.Dataset({"z": x}, y.astype(float)))
    with pytest.raises(DataError, match="missing 'target'"):
        fit(dataset=pl.Dataset({"x": x}))
    many = pl.Network([pl.Dense(3)], inputs=2)
    with pytest.raises(DataError, match="whole numbers"):
        pl.fit(many, pl.Dataset({"x": x}, y + 0.5), loss="softmax_cross_entropy")
