"""The timeline of a run folder: its training is computed again from the table, if that is the very same."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import pellucid as pl
from pellucid.errors import DataError, UsageError
from pellucid.model import load_model
from pellucid.workflow import Recipe, judging, train_table
from pellucid.workflow import record as workflow_record
from pellucid.workflow.run_folder import CHECKPOINT
from pellucid.workflow.timeline import timeline

TABLES = Path(__file__).resolve().parent.parent / "examples" / "tables"
QUICK = Recipe(hidden=(8,), epochs=6, dropout=0.2)


@pytest.fixture(autouse=True)
def quickly(monkeypatch):
    """What is not asked about here takes no time: the baselines and the picture of the curves."""
    monkeypatch.setattr(judging, "_predict_baselines", lambda made, seconds: ({}, ()))
    monkeypatch.setattr(workflow_record, "draw_curves", lambda path, *_: path.write_bytes(b""))


@pytest.fixture
def wine(tmp_path):
    return Path(shutil.copy(TABLES / "wine.csv", tmp_path / "wine.csv"))


def run_of(table, target, folder, **given):
    return train_table(table, target, **{"recipe": QUICK, "seed": 3, **given}, folder=folder)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"recipe": replace(QUICK, class_weight="balanced", schedule_name="on_plateau", l2=1e-3, noise=0.1)},
        {"recipe": replace(QUICK, optimizer_name="lbfgs", dropout=0.0)},
        {"folds": 3},
        {"weight": "alcohol", "ignore": ["hue"], "recipe": replace(QUICK, dtype="float64")},
    ],
    ids=["plain", "balanced", "lbfgs", "folds", "weights"],
)
def test_it_ends_with_the_bits_of_the_model(wine, tmp_path, given):
    run = run_of(wine, "cultivar", tmp_path / "run", **given)
    found = timeline(tmp_path / "run")
    assert found.verify() and found.verify(run.fit) and found.verify(load_model(tmp_path / "run"))
    assert (found.steps, found.reason) == (run.fit.progress.step, run.fit.reason)
    rows = np.concatenate([found.at(step).rows for step in range(found.steps_per_epoch)])
    assert sorted(rows) == sorted(run.understanding.parts["train"])  # told as rows of the table
    assert str(tmp_path / "run") in str(found)


def test_a_run_that_time_stopped_and_one_that_started_from_it(wine, tmp_path):
    first = run_of(wine, "cultivar", tmp_path / "a", recipe=replace(QUICK, epochs=10**6, patience=0), time_limit=0.2)
    found = timeline(tmp_path / "a")
    assert first.fit.reason == "the time limit" and (tmp_path / "a" / CHECKPOINT).is_file()
    assert found.steps == first.fit.progress.step and found.verify()
    run_of(wine, "cultivar", tmp_path / "b", start_from=str(tmp_path / "a"))
    again = timeline(tmp_path / "b")
    assert again.verify()
    start = load_model(tmp_path / "a").parameters
    assert all(np.array_equal(again.at(0).parameters[path], value) for path, value in start.items())


def test_data_without_a_file_has_to_be_given(tmp_path):
    size = np.arange(80) / 40
    table = {"size": size, "price": 3 * size + 1}
    run_of(table, "price", tmp_path / "run")
    with pytest.raises(UsageError, match="trained on data that has no file"):
        timeline(tmp_path / "run")
    assert timeline(tmp_path / "run", table=table).verify()
    assert not timeline(tmp_path / "run", table={**table, "price": table["price"] + 1e-3 * size**2}).verify()
    with pytest.raises(DataError, match=r"got 79 rows, expected 80"):
        timeline(tmp_path / "run", table={name: column[:-1] for name, column in table.items()})


def test_another_table_is_refused(wine, tmp_path):
    run_of(wine, "cultivar", tmp_path / "run")
    kept = Path(shutil.copy(wine, tmp_path / "kept.csv"))
    wine.write_text(wine.read_text(encoding="utf-8").replace("14.23", "14.24"), encoding="utf-8")
    with pytest.raises(DataError, match="not the one that the run was trained on: got SHA-256"):
        timeline(tmp_path / "run")
    assert timeline(tmp_path / "run", table=kept).verify()
    wine.unlink()
    with pytest.raises(DataError, match="the table of the run is gone"):
        timeline(tmp_path / "run")


def test_a_run_is_forked(wine, tmp_path):
    run = run_of(wine, "cultivar", tmp_path / "run", recipe=replace(QUICK, patience=0))
    moment = timeline(tmp_path / "run").at(6)
    whole = moment.fork()
    assert all(np.array_equal(whole.parameters[path], value) for path, value in run.fit.parameters.items())
    longer = moment.fork(epochs=8, schedule="cosine")
    assert longer.progress.epoch == 8 and longer.notes == ()


def test_what_is_no_run_is_said(wine, tmp_path):
    with pytest.raises(UsageError, match="there is no such folder"):
        timeline(tmp_path / "nothing")
    with pytest.raises(UsageError, match="there is no finished run in it"):
        timeline(tmp_path)
    run_of(wine, "cultivar", tmp_path / "run")
    with pytest.raises(UsageError, match="says all of its training: got epochs"):
        timeline(tmp_path / "run", epochs=3)
    data = pl.Dataset({"x": np.zeros((4, 1))}, np.zeros(4))
    network = pl.Network([pl.Dense(1)], inputs=1)
    with pytest.raises(UsageError, match="a table goes with a run folder"):
        timeline(network, data, table=wine, loss="squared_error")
    with pytest.raises(UsageError, match="not a dataset"):
        timeline(network, loss="squared_error")


def test_two_runs_are_compared_by_their_folders(wine, tmp_path):
    folders = [tmp_path / name for name in ("one", "other")]
    for folder, seed in zip(folders, (0, 1), strict=True):
        run_of(wine, "cultivar", folder, seed=seed)
    assert not pl.first_divergence(folders[0], str(folders[0]))
    found = pl.first_divergence(*folders)
    assert found and found.step == 0 and str(folders[1]) in str(found)
