"""What people do wrong with fit, and the one clear line that they get; and numbers at the end of their range."""

import itertools
import os
import re
import struct
import subprocess
import sys
import textwrap

import numpy as np
import pytest

import pellucid as pl
from pellucid.errors import PellucidError, TrainingError
from pellucid.training.progress import fitting_line

X = np.random.default_rng(0).standard_normal((30, 3))
Y = (X[:, 0] > 0).astype(float)
DATA = pl.Dataset({"x": X}, Y)
NETWORK = pl.Network([pl.Dense(4, "tanh"), pl.Dense(1)], inputs=3)


def fit(network=NETWORK, data=DATA, **given):
    return pl.fit(network, data, **{"loss": "binary_cross_entropy", "epochs": 2, **given})


def fit_two(**given):
    def body(context, x):
        return {"side": pl.Dense(1)(context, x), "place": pl.Dense(3)(context, x)}

    losses = {"side": "binary_cross_entropy", "place": "squared_error"}
    return fit(pl.Network(body, inputs=3), pl.Dataset({"x": X}, {"side": Y, "place": X}), loss=losses, **given)


def augment(function):
    return fit(regularizers=[pl.regularizers.AugmentArrays(function)])


MISTAKES = {
    "arrays for validation": (lambda: fit(validation=(X, Y)), "pl.Dataset"),
    "a text for validation": (lambda: fit(validation="0.1"), "between 0 and 1"),
    "validation without targets": (lambda: fit(validation=pl.Dataset({"x": X})), "validation: .*missing 'target'"),
    "validation of other columns": (lambda: fit(validation=pl.Dataset({"x": X[:, :2]}, Y)), "validation, input 'x'"),
    "epochs as text": (lambda: fit(epochs="10"), "epochs: not a whole number"),
    "half an epoch": (lambda: fit(epochs=1.5), "epochs: not a whole number"),
    "half an example": (lambda: fit(batch_size=2.5), "batch_size: not a whole number"),
    "patience as text": (lambda: fit(patience="2", validation=0.2), "patience"),
    "patience of a half": (lambda: fit(patience=2.5, validation=0.2), "patience"),
    "half a step": (lambda: fit(steps=2.5), "steps: not a whole number"),
    "steps before the first": (lambda: fit(steps=-1), "steps"),
    "an output for a metric that is not there": (
        lambda: fit_two(metric="sides/accuracy"),
        "no output 'sides'. Did you mean 'side'",
    ),
    "a metric of another output": (lambda: fit_two(metric="place/accuracy"), "does not fit the task 'regression'"),
    "a metric of no output": (lambda: fit_two(metric="exact_match"), "does not fit the task"),
    "a metric without validation": (lambda: fit(metric="accuracy"), "'accuracy' needs validation"),
    "several metrics": (lambda: fit(metric=["accuracy"], validation=0.2), "by its name"),
    "a negative improvement": (lambda: fit(min_improvement=-1), "min_improvement"),
    "a time before now": (lambda: fit(time_limit=-1), "time_limit"),
    "a class of optimizers": (lambda: fit(optimizer=pl.optimizers.Adam), r"pl\.optimizers\.Adam\(0\.01\)"),
    "a rate for an optimizer": (lambda: fit(optimizer=0.01), "not an optimizer"),
    "a class of losses": (lambda: fit(loss=pl.losses.Huber), r"pl\.losses\.Huber\(0\.5\)"),
    "no loss": (lambda: fit(loss=None), "not a loss"),
    "one regularizer alone": (lambda: fit(regularizers=pl.regularizers.L2(1.0)), r"regularizers=\["),
    "a name for a regularizer": (lambda: fit(regularizers=["l2"]), "not a regularizer: got 'l2'"),
    "a schedule without its settings": (lambda: fit(schedule="step"), r"pl\.schedules\.schedule\('step', every="),
    "a schedule of no rate": (lambda: fit(schedule="cosine", optimizer="rprop"), "rprop has no learning rate"),
    "a setting as text": (lambda: fit(settings={"learning_rate": "a"}), "settings, learning_rate"),
    "a setting of NaN": (lambda: fit(settings={"adam/beta_1": np.nan}), "settings, adam/beta_1"),
    "a negative rate": (lambda: fit(settings={"learning_rate": -1.0}), "settings, learning_rate"),
    "a list to start from": (lambda: fit(start_from=[1, 2]), "start_from"),
    "words to start from": (lambda: fit(start_from={"dense_1/bias": "abc"}), "start_from, dense_1/bias"),
    "NaN to start from": (lambda: fit(start_from={"dense_1/bias": [np.nan] * 4}), "not finite"),
    "layers for a network": (lambda: fit([pl.Dense(1)]), r"pl\.Network"),
    "arrays for a dataset": (lambda: fit(data=(X, Y)), r"pl\.Dataset"),
    "no targets": (lambda: fit(data=pl.Dataset({"x": X})), r"pl\.Dataset\(\{'x': x\}, y\)"),
    "an array to evaluate on": (lambda: fit().evaluate(X), r"pl\.Dataset"),
    "a metric as text": (lambda: fit().evaluate(DATA, "accuracy"), r"\['accuracy'\]"),
    "a metric of another task": (lambda: fit().evaluate(DATA, ["rmse"]), "does not fit the task"),
    "augmentation by a number": (lambda: pl.regularizers.AugmentArrays(3), "not a function"),
    "augmentation that returns nothing": (lambda: augment(lambda inputs, epoch: None), "AugmentArrays"),
    "augmentation that forgets an input": (lambda: augment(lambda inputs, epoch: {}), "AugmentArrays"),
    "augmentation to another shape": (lambda: augment(lambda inputs, epoch: {"x": inputs["x"][:5]}), "shape"),
    "an operation for a layer": (lambda: pl.Network([pl.Dense(4), pl.tanh], inputs=3), r"pl\.Activation\('tanh'\)"),
    "a class for a layer": (lambda: pl.Network([pl.Dense], inputs=3), r"Write Dense\(\.\.\.\)"),
    "a target beyond float32": (lambda: fit(data=pl.Dataset({"x": X}, Y * 1e300), loss="squared_error"), "too large"),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_gives_one_clear_line(mistake):
    make, words = MISTAKES[mistake]
    with pytest.raises(PellucidError, match=words) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_augmentation_can_not_spoil_the_data_it_is_given():
    with pytest.raises(ValueError, match="read-only"):
        augment(lambda inputs, epoch: {"x": np.add(inputs["x"], 1.0, out=inputs["x"])})


def test_cosine_by_name_falls_over_all_epochs():
    by_name = fit(schedule="cosine", epochs=7)
    chosen = fit(schedule=pl.schedules.Cosine(epochs=7), epochs=7)
    assert [r["learning_rate"] for r in by_name.history] == [r["learning_rate"] for r in chosen.history]


def test_a_plateau_of_a_metric_of_which_more_is_better():
    x = np.linspace(0, 2, 200)[:, None]
    data = pl.Dataset({"x": x}, np.ones(200))
    rising = pl.fit(
        pl.Network([pl.Dense(1)], inputs=1, dtype="float64"),
        data,
        loss="binary_cross_entropy",
        batch_size=None,
        epochs=12,
        optimizer=pl.optimizers.GradientDescent(0.3),
        validation=data,
        metric="accuracy",
        start_from={"dense_1/weight": [[1.0]], "dense_1/bias": [-2.0]},
        schedule=pl.schedules.OnPlateau(factor=0.5, patience=1, minimum=0.0),
    )
    accuracy = [record["validation_accuracy"] for record in rising.history]
    rates = [record["learning_rate"] for record in rising.history]
    assert all(a < b for a, b in itertools.pairwise(accuracy)) and set(rates) == {0.3}


def test_rows_are_those_of_the_dataset_also_where_a_part_is_held_out():
    x = np.abs(X) + 0.1
    network = pl.Network(lambda context, x: pl.Dense(1)(context, pl.log(x)), inputs=3)
    named = set()
    for row in range(30):
        spoiled = x.copy()
        spoiled[row, 1] = -1.0
        with pytest.raises(TrainingError) as caught:
            fit(network, pl.Dataset({"x": spoiled}, X[:, 0]), loss="squared_error", validation=0.3, batch_size=8)
        found = re.search(r"NaN from log at row (\d+)\.", str(caught.value))
        assert (found and int(found[1]) == row) or "validation loss" in str(caught.value)
        named.add(found is not None)
    assert named == {True, False}


def test_what_is_infinite_in_the_state_only_stops_training_too():
    """Squares of gradients overflow: the weights would stay finite and never move again."""
    x = np.array([[1.0], [2.0], [3.0]]) * 1e10
    line = pl.Network([pl.Dense(1)], inputs=1)
    for name in ("adam", "rmsprop", "adagrad", "nadam"):
        with pytest.raises(TrainingError, match=rf"step 0 \(epoch 1\), node '{name}/dense_1/weight/.* infinity"):
            fit(line, pl.Dataset({"x": x}, x), loss="squared_error", optimizer=name)


def test_what_is_not_finite_in_a_gradient_only_stops_training_too():
    """The slope of a root at 0 is infinite, times an input of 0."""
    network = pl.Network(lambda context, x: pl.sqrt(pl.Dense(1, bias=False)(context, x)), inputs=1)
    with pytest.raises(TrainingError, match=r"step 0 \(epoch 1\), node 'd loss.*(NaN|infinity)"):
        fit(network, pl.Dataset({"x": np.zeros((4, 1))}, np.ones(4)), loss="squared_error")


def test_a_metric_without_a_value_is_told_and_not_taken_for_the_best():
    x = np.arange(20.0)[:, None]
    one_class = pl.Dataset({"x": x[:5]}, np.zeros(5))
    line = pl.Network([pl.Dense(1)], inputs=1)
    with pytest.raises(TrainingError, match=r"epoch 1, validation auc.*NaN"):
        fit(line, pl.Dataset({"x": x}, x[:, 0] > 9), validation=one_class, metric="auc", patience=2)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("scale", [1e-300, 1e-30, 1e30, 1e300])
def test_only_the_ratios_of_weights_count_however_large_they_are(scale):
    weights = np.random.default_rng(1).uniform(0.5, 2, 30)
    usual = fit(data=pl.Dataset({"x": X}, Y, weights), epochs=3, batch_size=8)
    scaled = fit(data=pl.Dataset({"x": X}, Y, weights * scale), epochs=3, batch_size=8)
    assert np.isclose(scaled.history[-1]["loss"], usual.history[-1]["loss"], rtol=1e-5)
    for path, value in usual.parameters.items():
        np.testing.assert_allclose(scaled.parameters[path], value, rtol=1e-3, atol=1e-5)


def test_small_improvements_are_kept_though_they_do_not_count_for_patience():
    slow = fit(optimizer=pl.optimizers.Adam(1e-4), validation=0.3, min_improvement=0.5, patience=4, epochs=50)
    values = [record["validation_loss"] for record in slow.history]
    assert len(values) == 5 and slow.best_epoch == 1 + int(np.argmin(values)) == 5


def test_a_step_is_told_with_the_number_of_its_epoch():
    told = []

    def hear(event):
        told.append((type(event).__name__, event.epoch))

    hear.every_step = True
    fit(on=hear, batch_size=None)
    assert told == [
        ("TrainingStarted", 0), ("StepEnded", 1), ("EpochEnded", 1), ("StepEnded", 2), ("EpochEnded", 2),
        ("TrainingEnded", 2),
    ]  # fmt: skip


# -- the line of progress ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", range(12, 160, 7))
def test_the_line_of_progress_never_wraps_and_keeps_what_matters_most(width):
    told = ["loss 0.04915", "validation balanced accuracy 0.99"]
    line = fitting_line(width, "epoch 24/100000", told, 56015.0, 4297.0)
    assert len(line) <= width and line.startswith("epoch 24/100"[:width])
    assert ("loss 0.04915" in line) == (width >= 29)
    assert ("0.99" in line and "1:11:37 left" in line) == (width >= 50)


@pytest.mark.parametrize("columns", [50, 80, 130])
def test_progress_in_a_terminal_stays_on_one_line(columns):
    pty, fcntl, termios = (pytest.importorskip(name) for name in ("pty", "fcntl", "termios"))
    script = textwrap.dedent("""
        import sys
        import numpy as np, pellucid as pl
        x = np.random.default_rng(0).standard_normal((500, 3))
        data = pl.Dataset({"x": x}, x[:, 0] > 0)
        network = pl.Network([pl.Dense(512, "tanh"), pl.Dense(512, "tanh"), pl.Dense(1)], inputs=3)
        sys.stdin.readline()
        pl.fit(network, data, loss="binary_cross_entropy", epochs=100000, validation=0.2, metric="balanced_accuracy",
               time_limit=0.7)
    """)
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")}
    environment["TERM"] = "xterm-256color"
    child = subprocess.Popen([sys.executable, "-c", script], stdin=slave, stdout=slave, stderr=slave, env=environment)
    os.close(slave)
    os.write(master, b"\n")
    shown = b""
    while True:
        try:
            part = os.read(master, 65536)
        except OSError:
            break
        if not part:
            break
        shown += part
    assert child.wait(60) == 0
    os.close(master)
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown.decode())
    lines = [line for line in re.split(r"[\r\n]+", plain) if "epoch" in line]
    assert lines and max(map(len, lines)) <= columns and plain.count("…") == 0
    assert all(re.search(r"epoch \d+/100000  loss [\d.]+", line) for line in lines) and "left" in lines[-1]
    assert ("/s  " in lines[-1]) == (columns > 50)
