"""From a table to a run: what is learned from, what is reported, and what is left on the disk."""

import hashlib
import importlib
import json
import math
import sys
import tomllib
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as oracle

import pellucid as pl
from pellucid.errors import DataError, UsageError
from pellucid.model import load_model
from pellucid.workflow import Plan, Recipe, judging, making, train_table
from pellucid.workflow.baselines import gradient_boosting
from pellucid.workflow.making import prepare
from pellucid.workflow.plans.toml_text import write_toml
from pellucid.workflow.reports.curves import draw_curves
from pellucid.workflow.run_folder import FILES, Destination, choose_destination
from pellucid.workflow.understanding import understand

TABLES = Path(__file__).resolve().parent.parent / "examples" / "tables"
MODULE = sys.modules[train_table.__module__]
QUICK = Recipe(hidden=(16,), epochs=8)
PLAN = Plan(target=("cultivar",), recipe=QUICK)
WINE, LINNERUD, DIABETES = (str(TABLES / f"{name}.csv") for name in ("wine", "linnerud", "diabetes"))


@pytest.fixture(scope="module")
def wine(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "deeper" / "wine"
    return train_table(WINE, "cultivar", recipe=QUICK, seed=4, folder=folder)


def odd_table(count=120):
    """Missing cells, categories, truth values, keys, constants; names with spaces, commas, quotes and all alphabets."""
    rng = np.random.default_rng(5)
    size = rng.normal(size=count)
    color = rng.choice(["röd", "blå", "a,b", 'say "hi"'], count)
    price = 3 * size + (color == "röd") * 2 + 0.1 * rng.normal(size=count) + 100
    return {
        "größe, in cm": [None if row % 11 == 0 else float(value) for row, value in enumerate(size)],
        "цвет": [None if row % 13 == 0 else str(value) for row, value in enumerate(color)],
        "ok?": [bool(value) for value in rng.random(count) < 0.5],
        "id": list(range(1, count + 1)),
        "always": ["x"] * count,
        "价格 $": price.tolist(),
    }


# -- what a run is made of -------------------------------------------------------------------------------------------


def test_the_run_folder_holds_a_model_its_history_curves_and_record(wine):
    assert sorted(path.name for path in wine.folder.iterdir()) == sorted(FILES)
    table = pl.read_table(WINE)
    loaded = load_model(wine.folder)
    np.testing.assert_array_equal(loaded.predict_probabilities(table), wine.model.predict_probabilities(table))
    lines = (wine.folder / "history.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == list(range(1, 9))
    assert {"loss", "validation_loss", "training_accuracy", "validation_accuracy"} <= set(json.loads(lines[0]))
    assert (wine.folder / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_the_record_says_what_was_done(wine):
    record = tomllib.loads((wine.folder / "run.toml").read_text(encoding="utf-8"))
    assert record["table"]["sha256"] == hashlib.sha256(Path(WINE).read_bytes()).hexdigest()
    assert record["data"]["rows"] == 178 and record["seed"] == 4
    assert record["task"] == "multiclass" and record["target"] == ["cultivar"]
    assert sum(record["data"][f"{part}_rows"] for part in ("train", "validation", "test")) == 178
    assert record["outcome"]["epochs"] == 8 and record["outcome"]["steps"] == 8 * math.ceil(114 / 32)
    assert record["network"]["hidden"] == [16] and record["optimizer"]["name"] == "adam"
    assert record["results"]["accuracy"]["network"] == wine.report.metrics["accuracy"]
    assert record["versions"]["numpy"] == np.__version__


def test_the_report_is_of_the_test_rows(wine):
    table, rows = pl.read_table(WINE), wine.understanding.parts["test"]
    truth = table["cultivar"].values[rows].tolist()
    predicted = wine.model.predict(table.take(rows))["cultivar"].tolist()
    probabilities = wine.model.predict_probabilities(table.take(rows)).astype(np.float64)
    probabilities /= probabilities.sum(axis=1, keepdims=True)  # float32 sums to 1 within 1e-7 only
    found = wine.report.sections[0]
    assert wine.report.metrics["accuracy"] == pytest.approx(oracle.accuracy_score(truth, predicted))
    assert wine.report.metrics["balanced_accuracy"] == pytest.approx(oracle.balanced_accuracy_score(truth, predicted))
    assert wine.report.metrics["log_loss"] == pytest.approx(oracle.log_loss(truth, probabilities), rel=1e-6)
    np.testing.assert_array_equal(found.confusion.counts, oracle.confusion_matrix(truth, predicted))
    assert list(found.scores["accuracy"]) == ["network", "linear model", "gradient boosting", "majority class"]


@pytest.mark.parametrize(("table", "target"), [(WINE, "cultivar"), (DIABETES, "progression")])
def test_every_row_is_in_one_part_and_classes_are_spread(table, target):
    found = understand(table, Plan(target=target, seed=3))
    count = len(found.table)
    np.testing.assert_array_equal(np.sort(np.concatenate(list(found.parts.values()))), np.arange(count))
    for name, share in (("train", 0.7), ("validation", 0.1), ("test", 0.2)):
        assert abs(len(found.parts[name]) - share * count) <= 1
    if found.stratified:
        labels = found.table[target].values
        for rows in found.parts.values():
            for label in set(labels.tolist()):
                assert abs((labels[rows] == label).sum() - (labels == label).mean() * len(rows)) < 2


def test_a_run_is_repeated_to_the_bit_and_another_seed_gives_another(tmp_path, wine):
    again = train_table(WINE, "cultivar", recipe=QUICK, seed=4, folder=tmp_path / "again")
    other = train_table(WINE, "cultivar", recipe=QUICK, seed=5, folder=tmp_path / "other")
    for name in ("model.safetensors", "model.json"):
        assert (again.folder / name).read_bytes() == (wine.folder / name).read_bytes()
        assert (other.folder / name).read_bytes() != (wine.folder / name).read_bytes()
    assert again.report == wine.report


def test_what_the_test_rows_hold_does_not_reach_the_model():
    table = odd_table()
    found = understand(table, Plan(target="价格 $", seed=1))
    changed = {name: list(values) for name, values in table.items()}
    for row in found.parts["test"].tolist():
        changed["größe, in cm"][row] = 1e6
        changed["价格 $"][row] *= 3
    first, second = (train_table(data, "价格 $", recipe=QUICK, seed=1) for data in (table, changed))
    for path, array in first.model.arrays.items():
        np.testing.assert_array_equal(array, second.model.arrays[path])
    assert first.report != second.report


def test_several_targets_are_reported_each_in_its_own_unit():
    run = train_table(LINNERUD, ["weight", "waist", "pulse"], recipe=QUICK)
    table, rows = pl.read_table(LINNERUD), run.understanding.parts["test"]
    predicted = run.model.predict(table.take(rows))
    assert [section.target for section in run.report.sections] == ["weight", "waist", "pulse"]
    for section in run.report.sections:
        error = predicted[section.target] - table[section.target].values[rows]
        assert section.scores["rmse"]["network"].value == pytest.approx(np.sqrt(np.mean(error**2)))
        assert section.scores["mae"]["network"].value == pytest.approx(np.mean(np.abs(error)))
        assert section.residuals.mean == pytest.approx(error.mean())
        assert (section.residuals.minimum, section.residuals.maximum) == pytest.approx((error.min(), error.max()))
    assert "weight: rmse" in run.report.metrics
    assert any("4 test rows can tell little" in note for note in run.report.notes)


def test_missing_cells_categories_and_odd_names(tmp_path):
    run = train_table(odd_table(), "价格 $", recipe=Recipe(hidden=(32,), epochs=150), folder=tmp_path / "odd")
    assert run.report.metrics["r2"] > 0.8
    assert {role.name for role in run.understanding.roles if not role.used} == {"id", "always"}
    loaded = load_model(run.folder)
    new = {"цвет": [None, "never seen"], "größe, in cm": [0.5, None], "ok?": [True, False]}
    assert np.isfinite(loaded.predict(new)["价格 $"]).all()
    record = tomllib.loads((run.folder / "run.toml").read_text(encoding="utf-8"))
    assert record["roles"]["цвет"] == "category" and "path" not in record["table"]
    str(run.report)


def test_labels_of_several_columns():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 3))
    table = {f"x{i}": x[:, i] for i in range(3)} | {"hot": (x[:, 0] > 0) * 1, "wet": (x[:, 1] > 0.5) * 1}
    run = train_table(table, ["hot", "wet"], recipe=Recipe(epochs=60))
    assert run.model.targets.task == "multilabel"
    assert run.report.metrics["label_accuracy"] > 0.8
    assert list(run.report.sections[0].labels) == ["hot", "wet"]
    assert "majority label" in run.report.sections[0].scores["exact_match"]


def test_the_history_is_in_the_targets_unit():
    run = train_table(DIABETES, "progression", recipe=QUICK)
    table, rows = pl.read_table(DIABETES), run.understanding.parts["validation"]
    error = run.model.predict(table.take(rows))["progression"] - table["progression"].values[rows]
    best = run.history[run.fit.best_epoch - 1]
    assert best["validation_rmse"] == pytest.approx(np.sqrt(np.mean(error**2)), rel=1e-4)


def test_time_ends_the_training():
    run = train_table(WINE, "cultivar", recipe=Recipe(epochs=100_000, patience=100_000), time_limit=0.3)
    assert run.fit.reason == "the time limit" and run.seconds < 60


def test_a_network_without_hidden_layers_is_a_linear_model():
    run = train_table(DIABETES, "progression", recipe=Recipe(hidden=(), epochs=3))
    assert run.fit.network.count_parameters() == 11


# -- memory ----------------------------------------------------------------------------------------------------------


def test_a_table_is_not_copied_on_its_way_into_the_network():
    rng = np.random.default_rng(0)
    table = pl.as_table({f"x{column}": rng.normal(size=100_000) for column in range(10)} | {"y": rng.random(100_000)})
    plan = Plan(target="y")
    tracemalloc.start()
    try:
        found = understand(table, plan)
        made = prepare(found, plan, found.parts)
        learning = made.dataset("train")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert learning.inputs["x"].dtype == np.float64 and learning.inputs["x"].nbytes == 70_000 * 10 * 8
    assert peak < 20e6  # as all different values of the columns, as Python's numbers, have 35e6


# -- interrupted -----------------------------------------------------------------------------------------------------


def interrupt(*arguments, **keywords):
    raise KeyboardInterrupt


def test_ctrl_c_after_the_training_keeps_everything_but_the_baselines(tmp_path, monkeypatch):
    monkeypatch.setattr(judging, "_predict_baselines", interrupt)
    told = []
    run = train_table(WINE, "cultivar", recipe=QUICK, folder=tmp_path / "run", on_interrupt=lambda: told.append("once"))
    assert run.interrupted and told == ["once"]
    assert list(run.report.sections[0].scores["accuracy"]) == ["network", "majority class"]
    assert any("Interrupted" in note for note in run.report.notes)
    assert tomllib.loads((run.folder / "run.toml").read_text())["outcome"]["interrupted"] is True


def test_baselines_may_take_as_long_as_the_training_and_after_ctrl_c_little(monkeypatch):
    limits, fit = [], making.fit
    monkeypatch.setattr(judging, "_predict_baselines", lambda made, seconds: (limits.append(seconds), ({}, ()))[1])
    train_table(WINE, "cultivar", recipe=QUICK)
    monkeypatch.setattr(MODULE, "LEAST_SECONDS", 0.0)
    train_table(WINE, "cultivar", recipe=replace(QUICK, epochs=100_000, patience=0), time_limit=0.3)
    monkeypatch.setattr(MODULE, "LEAST_SECONDS", 1000.0)
    monkeypatch.setattr(making, "fit", lambda *given, **named: replace(fit(*given, **named), reason="interrupted"))
    train_table(WINE, "cultivar", recipe=QUICK)
    first, second, third = limits
    assert first >= 5.0 and 0.3 <= second < 5.0 and third == judging.AFTER_INTERRUPT


def test_trees_learn_from_fewer_rows_where_time_is_short(monkeypatch):
    monkeypatch.setattr(gradient_boosting, "LEAST_ROWS", 20)
    found = understand(WINE, PLAN)
    made = prepare(found, PLAN, found.parts)
    for limit, rows in ((0.3927, 64), (0.3953, 128)):
        predictions, notes = judging._predict_baselines(made, limit)
        assert len(predictions) == 2 and any(f"learned from {rows} of 142 rows" in note for note in notes)


def test_baselines_that_time_cut_short_or_left_out_are_told():
    found = understand(WINE, PLAN)
    made = prepare(found, PLAN, found.parts)
    predictions, notes = judging._predict_baselines(made, 60.0)
    assert list(predictions) == ["linear model", "gradient boosting"] and not notes
    predictions, notes = judging._predict_baselines(made, 1e-6)
    assert list(predictions) == ["linear model"]
    assert "no gradient boosting" in notes[0] and "linear model was cut short" in notes[1]


def test_a_second_ctrl_c_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(judging, "_predict_baselines", interrupt)
    monkeypatch.setattr(MODULE, "write_run", interrupt)
    with pytest.raises(KeyboardInterrupt):
        train_table(WINE, "cultivar", recipe=QUICK, folder=tmp_path / "deeper" / "run")
    assert list(tmp_path.iterdir()) == []


# -- the folder ------------------------------------------------------------------------------------------------------


def write_some(folder):
    for name in FILES:
        (folder / name).write_text(f"new {name}")


def test_a_folder_with_something_in_it_is_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match="not empty"):
        Destination(tmp_path).check()
    with pytest.raises(UsageError, match="holds no run"):
        Destination(tmp_path, overwrite=True).check()
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_overwriting_replaces_the_files_of_a_run_and_no_others(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "model.json").write_text("old")
    destination = Destination(tmp_path, overwrite=True)
    destination.check()
    destination.commit(write_some)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*FILES, "notes.txt"])
    assert (tmp_path / "model.json").read_text() == "new model.json"
    assert (tmp_path / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt(), ValueError("x")])
def test_a_failure_while_writing_leaves_nothing(tmp_path, failure):
    def write(folder):
        write_some(folder)
        raise failure

    with pytest.raises(UsageError if isinstance(failure, OSError) else type(failure)):
        Destination(tmp_path / "a" / "b" / "run").commit(write)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_told_with_the_place_that_the_user_named(tmp_path, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(importlib.import_module("pellucid.model.folder"), "_write", full)
    out = tmp_path / "run"
    with pytest.raises(UsageError) as caught:
        train_table(WINE, "cultivar", recipe=QUICK, folder=out)
    assert str(caught.value).startswith(f"{out}: the run folder cannot be written: got No space left on device.")
    assert list(tmp_path.iterdir()) == []


def test_a_failure_while_writing_leaves_an_earlier_run_whole(tmp_path):
    write_some(tmp_path)
    (tmp_path / "model.json").write_text("old")

    def write(folder):
        raise OSError(28, "No space left on device")

    with pytest.raises(UsageError, match="No space left"):
        Destination(tmp_path, overwrite=True).commit(write)
    assert (tmp_path / "model.json").read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(FILES)


def test_places_where_no_folder_can_be(tmp_path):
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "file" / "run"):
        with pytest.raises(UsageError):
            Destination(place).check()
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_runs_are_numbered(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert str(choose_destination(None, "a/wine.csv", ["culti var/x"]).path) == str(Path("runs", "wine-culti_var_x-1"))
    first = choose_destination(None, "wine.csv", ["y"])
    second = choose_destination(None, "wine.csv", ["y"])
    assert first.commit(write_some).name == "wine-y-1"
    assert second.commit(write_some).name == "wine-y-2"  # the name was free when it was chosen
    assert choose_destination(None, "wine.csv", ["y"]).path.name == "wine-y-3"


# -- small parts -----------------------------------------------------------------------------------------------------

SCALARS = st.one_of(
    st.text(), st.integers(-(2**63), 2**63 - 1), st.booleans(), st.floats(allow_nan=False), st.lists(st.text())
)


@given(
    st.dictionaries(
        st.text(), st.recursive(SCALARS, lambda inner: st.dictionaries(st.text(), inner, max_size=4), max_leaves=12)
    ),
    st.text(st.characters(blacklist_categories=("Cs", "Cc"))),
)
def test_toml_is_read_back_equal(content, comment):
    assert tomllib.loads(write_toml(content, comment)) == content


def test_toml_leaves_out_what_it_has_no_word_for():
    assert tomllib.loads(write_toml({"a": None, "b": {"c": None, "d": 1}})) == {"b": {"d": 1}}
    assert tomllib.loads(write_toml({"path": "caf\udce9.csv"})) == {"path": "caf?.csv"}


def test_curves_of_a_training_without_epochs(tmp_path):
    draw_curves(tmp_path / "curves.png", [], 0, "nothing $ yet")
    assert (tmp_path / "curves.png").stat().st_size > 0


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        (dict(target="price!"), DataError, "price"),
        (dict(task="guess"), UsageError, "no task is called"),
        (dict(seed=-1), UsageError, "seed"),
        (dict(time_limit=0), UsageError, "time"),
        (dict(data=None), UsageError, "no table"),
        (dict(target=None), UsageError, "no target"),
        (dict(roles={"x": "colour"}), UsageError, "colour"),
        (dict(data={"x": [1.5, 2.5], "price": [1.5, 2.5]}), DataError, "too few"),
    ],
)
def test_wrong_use(tmp_path, given, error, words):
    settings = dict(data={"x": [1.5, 2, 3, 4, 5], "price": [1.5, 2, 3, 4, 5]}, target="price", recipe=QUICK)
    settings |= given
    with pytest.raises(error, match=words):
        train_table(settings.pop("data"), settings.pop("target"), folder=tmp_path / "run", **settings)
    assert list(tmp_path.iterdir()) == []
