"""Learning curves of one run, of several, and of populations."""

from __future__ import annotations

import json

import numpy as np
import pytest
from matplotlib.figure import Figure

import pellucid as pl
from pellucid.inspection.pictures.curves import plot_curves

RNG = np.random.default_rng(0)
X = RNG.normal(size=(80, 2))
DATA = pl.Dataset({"x": X}, X[:, 0] > X[:, 1])
NETWORK = pl.Network([pl.Dense(4, "tanh"), pl.Dense(1)], inputs=2)
WAY = dict(loss="binary_cross_entropy", optimizer=pl.optimizers.Adam(0.05), validation=0.25)


def axes():
    return Figure().subplots()


def lines(picture):
    """The curves by their label."""
    return {line.get_label(): line for line in picture.lines if not line.get_label().startswith("_")}


@pytest.fixture(scope="module")
def fit():
    return pl.fit(NETWORK, DATA, epochs=12, **WAY)


def test_a_fit_shows_its_history_and_the_epoch_that_was_kept(fit):
    found = lines(plot_curves(fit, ax=axes()))
    assert set(found) == {"training", "validation", f"best epoch: {fit.best_epoch}"}
    for label, key in (("training", "loss"), ("validation", "validation_loss")):
        assert found[label].get_xdata().tolist() == list(range(1, 13))
        assert found[label].get_ydata().tolist() == [record[key] for record in fit.history]
    best = found[f"best epoch: {fit.best_epoch}"].get_xydata()[0]
    assert best.tolist() == [fit.best_epoch, fit.history[fit.best_epoch - 1]["validation_loss"]]


def test_metrics_and_learning_rates(fit):
    picture = plot_curves(fit, "accuracy", learning_rate=True, ax=axes())
    assert picture.get_ylabel() == "accuracy" and picture.get_yscale() == "linear"
    assert lines(picture)["validation"].get_ydata().tolist() == [r["validation_accuracy"] for r in fit.history]
    beside = picture.figure.axes[-1]
    assert np.allclose(beside.lines[0].get_ydata(), 0.05) and beside.get_yscale() == "log"
    with pytest.raises(pl.UsageError, match=r"no metric 'acuracy' was recorded. Did you mean 'accuracy'"):
        plot_curves(fit, "acuracy")


def test_without_validation_nothing_is_marked():
    fit = pl.fit(NETWORK, DATA, loss="binary_cross_entropy", epochs=3)
    assert set(lines(plot_curves(fit, ax=axes()))) == {"training"}


@pytest.mark.parametrize(
    ("losses", "scale"),
    [([1.0, 0.3, 0.01], "log"), ([1.0, 0.9, 0.5], "linear"), ([1.0, 0.0, -1.0], "linear")],
)
def test_a_logarithmic_scale_where_it_helps(losses, scale):
    history = [{"epoch": number, "loss": loss} for number, loss in enumerate(losses, 1)]
    assert plot_curves(history, ax=axes()).get_yscale() == scale
    assert plot_curves(history, log=False, ax=axes()).get_yscale() == "linear"
    if min(losses) > 0:
        assert plot_curves(history, log=True, ax=axes()).get_yscale() == "log"
    else:
        with pytest.raises(pl.UsageError, match="values above 0"):
            plot_curves(history, log=True, ax=axes())


def test_several_runs_are_a_median_and_a_band():
    runs = [
        [{"epoch": e, "loss": run + 1 / e} for e in range(1, length + 1)] for run, length in enumerate((3, 5, 2, 4))
    ]
    picture = plot_curves(runs, ax=axes())
    (median,) = lines(picture).values()
    assert median.get_label() == "training, median of 4"
    at = {epoch: [run[epoch - 1]["loss"] for run in runs if len(run) >= epoch] for epoch in range(1, 6)}
    assert np.allclose(median.get_ydata(), [np.median(values) for values in at.values()])
    corners = picture.collections[0].get_paths()[0].vertices
    for epoch, values in at.items():
        heights = corners[corners[:, 0] == epoch, 1]
        assert np.allclose([heights.min(), heights.max()], np.quantile(values, [0.1, 0.9]))


def test_populations_under_their_names():
    few, many = (pl.fit_population(NETWORK, DATA, size, epochs=4, **WAY) for size in (1, 3))
    found = lines(plot_curves({"few": few, "many": many}, ax=axes()))
    assert set(found) == {
        "few, training",
        "few, validation",
        f"best epoch: {few[0].best_epoch}",
        "many, training, median of 3",
        "many, validation, median of 3",
    }
    median = np.median([[record["loss"] for record in fit.history] for fit in many], axis=0)
    assert np.allclose(found["many, training, median of 3"].get_ydata(), median)
    both = lines(plot_curves([few, many], ax=axes()))
    assert "training, median of 4" in both


def test_a_history_file_and_its_folder(tmp_path, fit):
    file = tmp_path / "history.jsonl"
    file.write_text("\n".join(map(json.dumps, fit.history)) + "\n", encoding="utf-8")
    for path in (file, str(tmp_path)):
        found = lines(plot_curves(path, ax=axes()))
        assert found["training"].get_ydata().tolist() == [record["loss"] for record in fit.history]
    file.write_text("no json", encoding="utf-8")
    with pytest.raises(pl.DataError, match="no lines of JSON"):
        plot_curves(file)
    with pytest.raises(pl.DataError, match="cannot be read"):
        plot_curves(tmp_path / "none.jsonl")


def test_values_that_are_missing_leave_gaps():
    history = [{"epoch": 1, "loss": 1.0}, {"epoch": 2, "loss": float("nan")}, {"epoch": 3, "loss": 0.5}]
    values = plot_curves(history, ax=axes()).lines[0].get_ydata()
    assert np.isnan(values[1]) and values[2] == 0.5


@pytest.mark.parametrize("runs", [[], [[]], {}, {"a": []}])
def test_nothing_to_draw(runs):
    with pytest.raises(pl.UsageError, match="no epochs to draw"):
        plot_curves(runs)


def test_what_has_no_curves():
    with pytest.raises(pl.UsageError, match="no learning curves in this: got 3"):
        plot_curves(3)


def test_an_estimator_shows_its_members():
    estimator = pl.MLPClassifier((3,), n_members=2, max_iter=3, random_state=0)
    with pytest.warns(UserWarning, match="converged"):
        estimator.fit(X, X[:, 0] > 0)
    assert "training, median of 2" in lines(plot_curves(estimator, ax=axes()))
