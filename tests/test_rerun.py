"""A run that is repeated, stopped and gone on with, or started from a model gives the bits that it should."""

import subprocess
import sys
import time
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import pellucid as pl
from pellucid.errors import DataError, ModelError, UsageError
from pellucid.model import load_model
from pellucid.workflow import Plan, Recipe, judging, making, read_plan, run_folder, train_table
from pellucid.workflow import record as workflow_record
from pellucid.workflow.run_folder import CHECKPOINT, FILES, Destination

TABLES = Path(__file__).resolve().parent.parent / "examples" / "tables"
WINE, DIABETES = (str(TABLES / f"{name}.csv") for name in ("wine", "diabetes"))
QUICK = Recipe(hidden=(8,), epochs=12)
LONG = Recipe(hidden=(8,), epochs=100_000, patience=0)
STEPS = 4  # of an epoch of wine


@pytest.fixture(autouse=True)
def quickly(monkeypatch, request):
    """What is not asked about here takes no time: the baselines and the picture of the curves."""
    if "classes" not in request.node.name:
        monkeypatch.setattr(judging, "_predict_baselines", lambda made, seconds: ({}, ()))
        monkeypatch.setattr(workflow_record, "draw_curves", lambda path, *_: path.write_bytes(b""))


def bits(folder):
    return (Path(folder) / "model.safetensors").read_bytes()


def with_handler(monkeypatch, handler):
    """Let a handler hear of every step of the next training."""
    fit = pl.fit
    handler.every_step = True
    monkeypatch.setattr(making, "fit", lambda *given, **named: fit(*given, **named | {"on": [named["on"], handler]}))


def interrupt_at(monkeypatch, step):
    def interrupt(event):
        if type(event).__name__ == "StepEnded" and event.step == step:
            raise KeyboardInterrupt

    with_handler(monkeypatch, interrupt)


# -- run again -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given",
    [
        dict(data=WINE, target="cultivar"),
        dict(data=WINE, target="cultivar", recipe=replace(QUICK, class_weight="balanced", metric="balanced_accuracy")),
        dict(data=DIABETES, target="progression", weight="age", ignore=["ldl"], roles={"sex": "category"}),
        dict(data=DIABETES, target="progression", group="age", recipe=replace(QUICK, schedule_name="cosine")),
        dict(data=DIABETES, target="progression", time_order="glucose", recipe=replace(QUICK, optimizer_name="lbfgs")),
        dict(data=WINE, target="cultivar", folds=3),
    ],
    ids=["classes", "balanced", "weights", "groups", "time", "folds"],
)
def test_a_runs_record_gives_the_same_bits(tmp_path, given):
    first = train_table(**({"recipe": QUICK, "seed": 3} | given), folder=tmp_path / "first")
    again = train_table(plan=read_plan(tmp_path / "first" / "run.toml"), folder=tmp_path / "again")
    assert bits(first.folder) == bits(again.folder)
    assert (first.folder / "model.json").read_bytes() == (again.folder / "model.json").read_bytes()
    assert again.report == first.report and again.plan == first.plan


def write_mixed_table(path, count, seed):
    """Dates, free text, truth values, many categories, gaps; and labels with a separator."""
    rng = np.random.default_rng(seed)
    days = np.datetime64("2020-01-01") + rng.integers(0, 900, count)
    words = rng.choice(["good", "bad", "late", "early", "cheap"], (count, 3))
    lines = ["day,note,town,ok,size,labels"]
    for row in range(count):
        size = "" if row % 9 == 0 else f"{rng.normal():.3f}"
        labels = ";".join(label for label in ("red", "blue", "green") if rng.random() < 0.4)
        town = f"town {rng.integers(0, 60)}"
        lines.append(f"{days[row]},{' '.join(words[row])} {row},{town},{row % 2 == 0},{size},{labels}")
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_every_kind_of_column_and_a_test_table_come_again(tmp_path):
    table, test = (write_mixed_table(tmp_path / f"{name}.csv", 300, seed) for seed, name in enumerate(("a", "b")))
    given = dict(test=str(test), separator=";", roles={"ok": "category"}, recipe=QUICK)
    first = train_table(table, "labels", folder=tmp_path / "first", **given)
    kinds = {role.name: role.kind for role in first.understanding.roles}
    assert kinds == {"day": "date", "note": "text", "town": "category", "ok": "category", "size": "number"}
    assert first.report.rows == 300 and list(first.model.targets.labels) == ["blue", "green", "red"]
    again = train_table(plan=read_plan(first.folder / "run.toml"), folder=tmp_path / "again")
    assert bits(first.folder) == bits(again.folder) and again.report == first.report
    further = train_table(table, start_from=first.folder, recipe=replace(QUICK, epochs=1, learning_rate=0.0, l2=0.0))
    np.testing.assert_array_equal(further.model.predict(test)["labels"], first.model.predict(test)["labels"])


def test_a_run_that_time_stopped_gives_the_same_bits_again(tmp_path):
    first = train_table(WINE, "cultivar", recipe=LONG, time_limit=0.4, folder=tmp_path / "first")
    assert first.fit.reason == "the time limit"
    plan = read_plan(tmp_path / "first" / "run.toml")
    assert plan.recipe.steps == first.fit.progress.step and plan.recipe.time_limit == 0
    again = train_table(plan=plan, folder=tmp_path / "again")
    assert again.fit.reason == "the steps ran out" and bits(first.folder) == bits(again.folder)
    assert (tmp_path / "first" / CHECKPOINT).exists() and not (tmp_path / "again" / CHECKPOINT).exists()


@pytest.mark.parametrize("step", [2, STEPS, 5 * STEPS, 5 * STEPS + 3])
def test_a_run_that_ctrl_c_stopped_gives_the_same_bits_again(tmp_path, monkeypatch, step):
    with monkeypatch.context() as patched:
        interrupt_at(patched, step)
        first = train_table(WINE, "cultivar", recipe=LONG, folder=tmp_path / "first")
    assert first.interrupted and first.fit.progress.step == step
    again = train_table(plan=read_plan(tmp_path / "first" / "run.toml"), folder=tmp_path / "again")
    assert again.fit.progress.step == step and bits(first.folder) == bits(again.folder)


def test_another_table_than_the_plans_is_told(tmp_path):
    table = tmp_path / "wine.csv"
    table.write_bytes(Path(WINE).read_bytes())
    run = train_table(table, "cultivar", recipe=QUICK, folder=tmp_path / "run")
    plan = read_plan(run.folder / "run.toml")
    assert not any("SHA-256" in note for note in train_table(plan=plan).report.notes)
    lines = table.read_text().splitlines()
    table.write_text("\n".join(lines[:-1]))
    assert any("SHA-256" in note for note in train_table(plan=plan).report.notes)


# -- go on -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [1, 3 * STEPS, 5 * STEPS + 3])
def test_going_on_after_ctrl_c_gives_the_bits_of_a_run_that_was_never_stopped(tmp_path, monkeypatch, step):
    whole = train_table(WINE, "cultivar", recipe=QUICK, folder=tmp_path / "whole")
    with monkeypatch.context() as patched:
        interrupt_at(patched, step)
        stopped = train_table(WINE, "cultivar", recipe=QUICK, folder=tmp_path / "run")
    assert stopped.fit.progress.step == step and sorted((*FILES, CHECKPOINT)) == names(tmp_path / "run")
    resumed = train_table(WINE, "cultivar", recipe=QUICK, folder=tmp_path / "run", resume=True)
    assert bits(tmp_path / "run") == bits(tmp_path / "whole") and names(tmp_path / "run") == sorted(FILES)
    assert resumed.report == whole.report
    assert [record["loss"] for record in resumed.history] == [record["loss"] for record in whole.history]


def test_going_on_by_the_record_of_the_stopped_run(tmp_path, monkeypatch):
    train_table(WINE, "cultivar", recipe=QUICK, folder=tmp_path / "whole")
    with monkeypatch.context() as patched:
        interrupt_at(patched, 9)
        train_table(WINE, "cultivar", recipe=QUICK, folder=tmp_path / "run")
    train_table(plan=read_plan(tmp_path / "run" / "run.toml"), folder=tmp_path / "run", resume=True)
    assert bits(tmp_path / "run") == bits(tmp_path / "whole")


CHILD = """
import sys, time
import pellucid as pl
from pellucid.workflow import Recipe, making, train_table
making.CHECKPOINT_SECONDS = 0.05
fit = making.fit
def slowly(event):
    time.sleep(0.01)
slowly.every_step = True
making.fit = lambda *given, **named: fit(*given, **named | {"on": [named["on"], slowly]})
train_table(sys.argv[1], "cultivar", recipe=Recipe(hidden=(8,), epochs=40, patience=0), folder=sys.argv[2])
"""


def test_a_killed_run_is_gone_on_with(tmp_path):
    recipe = Recipe(hidden=(8,), epochs=40, patience=0)
    folder = tmp_path / "deeper" / "run"
    child = subprocess.Popen([sys.executable, "-c", CHILD, WINE, str(folder)])
    while not (folder / CHECKPOINT).exists():
        assert child.poll() is None
        time.sleep(0.005)
    child.kill()
    child.wait()
    assert "model.json" not in names(folder)
    with pytest.raises(UsageError, match=r"was stopped.*--resume.*--overwrite"):
        train_table(WINE, "cultivar", recipe=recipe, folder=folder)
    with pytest.raises(ModelError, match="another run"):
        train_table(WINE, "cultivar", recipe=recipe, seed=1, folder=folder, resume=True)
    assert (folder / CHECKPOINT).exists()
    first = []
    resumed = train_table(
        WINE, "cultivar", recipe=recipe, folder=folder, resume=True, on_understood=lambda *_: first.append(1)
    )
    assert 0 < resumed.history[0]["step"] <= STEPS and len(resumed.history) == 40 and first == [1]
    train_table(WINE, "cultivar", recipe=recipe, folder=tmp_path / "whole")
    assert bits(folder) == bits(tmp_path / "whole") and names(folder) == sorted(FILES)


def names(folder):
    return sorted(path.name for path in Path(folder).iterdir() if not path.name.startswith(f".{CHECKPOINT}."))


def test_a_folder_with_a_checkpoint_alone_may_be_overwritten(tmp_path, monkeypatch):
    (tmp_path / CHECKPOINT).write_bytes(b"of an earlier run")
    run = train_table(WINE, "cultivar", recipe=QUICK, folder=tmp_path, overwrite=True)
    assert run.folder == tmp_path and names(tmp_path) == sorted(FILES)


def test_there_must_be_something_to_go_on_with(tmp_path):
    with pytest.raises(UsageError, match="no folder is named"):
        train_table(WINE, "cultivar", recipe=QUICK, resume=True)
    run = train_table(
        WINE, "cultivar", recipe=QUICK, folder=tmp_path / "run", resume=True
    )  # nothing yet: from the start
    with pytest.raises(UsageError, match="has ended"):
        train_table(WINE, "cultivar", recipe=QUICK, folder=run.folder, resume=True)
    (tmp_path / CHECKPOINT).write_bytes(b"no checkpoint")
    with pytest.raises(ModelError, match="can not be read"):
        train_table(WINE, "cultivar", recipe=QUICK, folder=tmp_path, resume=True)
    assert (tmp_path / CHECKPOINT).read_bytes() == b"no checkpoint"


def test_of_a_long_training_that_fails_the_checkpoint_stays(tmp_path, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(run_folder, "CHECKPOINT_SECONDS", 0.0)
        patched.setattr(sys.modules[train_table.__module__], "write_run", full)
        with pytest.raises(UsageError, match="No space left"):
            train_table(WINE, "cultivar", recipe=QUICK, folder=tmp_path / "run")
    assert names(tmp_path) == ["run"] and names(tmp_path / "run") == [CHECKPOINT]
    train_table(WINE, "cultivar", recipe=QUICK, folder=tmp_path / "run", resume=True)
    train_table(WINE, "cultivar", recipe=QUICK, folder=tmp_path / "whole")
    assert bits(tmp_path / "run") == bits(tmp_path / "whole")


def test_numbered_folders_are_claimed_while_training_runs(tmp_path):
    wanted = Destination(tmp_path / "wine-1", numbered=True)
    with wanted.claim() as first, wanted.claim() as second:
        assert [first.path.name, second.path.name] == ["wine-1", "wine-2"]
    with pytest.raises(KeyboardInterrupt), wanted.claim():
        raise KeyboardInterrupt
    assert names(tmp_path) == ["wine-1", "wine-2"]


# -- start from a model ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    recipe = replace(QUICK, activation="tanh", scaling="robust")
    return train_table(WINE, "cultivar", recipe=recipe, folder=tmp_path_factory.mktemp("from") / "run")


def test_training_starts_from_the_folder_of_a_model(trained, tmp_path):
    still = replace(QUICK, learning_rate=0.0, l2=0.0, epochs=1)
    run = train_table(WINE, "cultivar", start_from=trained.folder, recipe=still, seed=8, folder=tmp_path / "run")
    for path, array in trained.model.arrays.items():
        np.testing.assert_array_equal(run.model.arrays[path], array)
    assert run.plan.recipe.activation == "tanh" and run.plan.recipe.scaling == "robust"
    assert {role.name for role in run.understanding.roles if role.used} == {c.name for c in trained.model.front.columns}
    again = train_table(plan=read_plan(run.folder / "run.toml"), folder=tmp_path / "again")
    assert bits(again.folder) == bits(run.folder)


def test_training_starts_from_a_model_whose_network_the_recipe_makes(trained):
    model = load_model(trained.folder)
    better = train_table(WINE, start_from=model, recipe=trained.recipe, seed=trained.plan.seed)
    assert better.history[0]["loss"] < trained.history[0]["loss"]
    with pytest.raises(UsageError, match=r"another network.*network.hidden"):
        train_table(WINE, start_from=model, recipe=QUICK)


def test_a_model_to_start_from_has_to_fit(trained, tmp_path):
    wine = pl.read_table(WINE)
    with pytest.raises(DataError, match="alcohol"):
        train_table(wine.drop(["alcohol"]), start_from=trained.folder)
    with pytest.raises(UsageError, match="targets"):
        train_table(WINE, "alcohol", start_from=trained.folder)
    with pytest.raises(UsageError, match="task"):
        train_table(WINE, "cultivar", task="regression", start_from=trained.folder)
    with pytest.raises(UsageError, match="alcohol"):
        train_table(WINE, start_from=trained.folder, roles={"alcohol": "category"})
    with pytest.raises(ModelError):
        train_table(WINE, start_from=tmp_path)
    with pytest.raises(UsageError, match="start_from"):
        train_table(WINE, start_from=3)


# -- what is recorded ------------------------------------------------------------------------------------------------


def test_the_record_is_a_plan_and_says_what_became_of_it(trained):
    record = tomllib.loads((trained.folder / "run.toml").read_text(encoding="utf-8"))
    assert record["data"]["rows"] == 178 and record["outcome"]["steps"] == trained.fit.progress.step
    assert record["results"]["accuracy"]["network"] == trained.report.metrics["accuracy"]
    assert record["versions"]["numpy"] == np.__version__
    assert record["roles"]["alcohol"] == "number" and record["task"] == "multiclass"
    assert isinstance(read_plan(trained.folder / "run.toml"), Plan)
