"""What a run is told on the command line: files of settings, options, --set, and which of them counts."""

import json
import tomllib
from pathlib import Path

import numpy as np
import pytest

from pellucid.cli import main
from pellucid.model import load_model
from pellucid.workflow.plans.plan import read_plan
from pellucid.workflow.plans.recipe import Recipe

ROOT = Path(__file__).resolve().parent.parent
WINE = str(ROOT / "examples" / "tables" / "wine.csv")
SMALL = ["--epochs", "3", "--hidden", "4", "-q"]


def recorded(folder):
    return read_plan(folder / "run.toml")


def refused(capsys, words):
    told, errors = capsys.readouterr()
    assert errors.startswith("pellucid: error: ") and errors.count("\n") == 1
    assert words in errors and not told


def table_of(path, rows=80):
    rng = np.random.default_rng(5)
    x, z = rng.normal(size=(2, rows))
    days = np.datetime64("2020-01-01") + np.arange(rows)
    lines = [f"{x[i]:.4f},{z[i]:.4f},{i % 8},{1 + i % 3},{days[i]},{x[i] - z[i]:.4f}" for i in range(rows)]
    path.write_text("a,b c,who,times,day,y\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


def test_what_is_said_later_counts(tmp_path):
    config = tmp_path / "my.toml"
    config.write_text(
        f"target = 'cultivar'\nseed = 3\n[table]\npath = {json.dumps(WINE)}\n"
        "[training]\nepochs = 2\nbatch_size = 16\npatience = 7\n[optimizer]\nlearning_rate = 0.5\n"
    )
    given = ["--config", str(config), "--epochs", "4", "--hidden", "5", "--set", "training.patience=9"]
    given += ["--set", "network.hidden=6,3", "--set", "optimizer.learning_rate=0.01", "--out", str(tmp_path / "run")]
    assert main(["train", *given, "-q"]) == 0
    plan = recorded(tmp_path / "run")
    assert (plan.target, plan.seed, plan.table) == (("cultivar",), 3, WINE)
    recipe = plan.recipe
    assert (recipe.epochs, recipe.batch_size, recipe.patience, recipe.hidden) == (4, 16, 9, (6, 3))
    assert recipe.learning_rate == 0.01 and recipe.dropout == 0.2


def test_the_executor_is_chosen_and_recorded(tmp_path, capsys):
    folder = str(tmp_path / "run")
    assert main(["train", WINE, "-t", "cultivar", "--out", folder, "--executor", "interpret", *SMALL]) == 0
    assert recorded(tmp_path / "run").recipe.executor == "interpret"
    assert main(["evaluate", folder, WINE, "--executor", "interpret", "--json"]) == 0
    capsys.readouterr()
    for command in (["train", WINE, "-t", "cultivar"], ["predict", folder, WINE], ["evaluate", folder, WINE]):
        assert main([*command, "--executor", "interpreted"]) == 2
        refused(capsys, "Did you mean 'interpret'?")
    assert main(["observe", folder, WINE, "--row", "0", "--executor", "gpu"]) == 2
    refused(capsys, "no executor is called 'gpu'")


def test_a_run_is_repeated_from_its_record_to_the_bit(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    chosen = ["--seed", "5", "--set", "network.activation=tanh", "--set", "encoders.scaling=robust"]
    assert main(["train", WINE, "-t", "cultivar", "--out", str(first), *SMALL, *chosen]) == 0
    assert main(["train", "--config", str(first / "run.toml"), "--out", str(second), "-q"]) == 0
    assert (first / "model.safetensors").read_bytes() == (second / "model.safetensors").read_bytes()


def test_init_prints_every_setting_and_training_takes_it(tmp_path, capsys):
    assert main(["init", WINE, "--target", "cultivar"]) == 0
    told, errors = capsys.readouterr()
    content = tomllib.loads(told)
    assert not errors and content["target"] in ("cultivar", ["cultivar"]) and content["task"] == "multiclass"
    assert content["roles"]["alcohol"] == "number" and content["training"]["epochs"] == 300
    assert content["table"]["path"] == WINE and content["optimizer"]["learning_rate"] == Recipe().learning_rate
    assert sum(line.startswith("#") for line in told.splitlines()) > 50  # each setting says what it means
    config = tmp_path / "run.toml"
    config.write_text(told, encoding="utf-8")
    with_file, without = tmp_path / "with", tmp_path / "without"
    assert main(["train", WINE, "--config", str(config), "--out", str(with_file), *SMALL]) == 0
    assert main(["train", WINE, "-t", "cultivar", "--out", str(without), *SMALL]) == 0
    assert (with_file / "model.safetensors").read_bytes() == (without / "model.safetensors").read_bytes()


def test_columns_are_given_their_part(tmp_path, capsys):
    table = table_of(tmp_path / "t.csv")
    out = tmp_path / "run"
    given = ["--group", "who", "--weight", "times", "--ignore", "day", "--set", 'roles."b c"=category']
    assert main(["train", table, "-t", "y", "--out", str(out), *SMALL[:-1], *given, "--json"]) == 0
    roles = {name: found["role"] for name, found in json.loads(capsys.readouterr().out)["roles"].items()}
    assert roles == {"a": "number", "b c": "category", "who": "group", "times": "weight", "day": "ignore"}
    assert [column.name for column in load_model(out).front.columns] == ["a", "b c"]


def test_rows_are_split_as_they_are_asked_to_be(tmp_path, capsys):
    table, other = table_of(tmp_path / "t.csv"), table_of(tmp_path / "other.csv", rows=12)
    for name, given, rows in (
        ("order", ["--time-order", "day"], 16),
        ("test", ["--test", other], 12),
        ("folds", ["--folds", "4"], 80),
    ):
        given = [*given, "--out", str(tmp_path / name), *SMALL[:-1], "--json"]
        assert main(["train", table, "--target", "y", *given]) == 0
        assert json.loads(capsys.readouterr().out)["report"]["rows"] == rows


def test_training_starts_from_a_model(tmp_path, capsys):
    table = table_of(tmp_path / "t.csv")
    assert main(["train", table, "-t", "y", "--out", str(tmp_path / "first"), *SMALL]) == 0
    given = ["--from", str(tmp_path / "first"), "--out", str(tmp_path / "second"), "-q", "--epochs", "1"]
    assert main(["train", table, "-t", "y", *given, "--set", "optimizer.learning_rate=0"]) == 0
    first, second = load_model(tmp_path / "first"), load_model(tmp_path / "second")
    for path, array in first.parameters.items():
        np.testing.assert_array_equal(array, second.parameters[path])


def test_a_run_that_was_stopped_goes_on_to_the_same_bits(tmp_path, capsys):
    table, whole, parts = table_of(tmp_path / "t.csv"), tmp_path / "whole", tmp_path / "parts"
    given = ["train", table, "-t", "y", "--epochs", "60", "--hidden", "4", "-q", "--out"]
    assert main([*given, str(whole)]) == 0
    assert main([*given, str(parts), "--time", "0.01s"]) == 0
    assert recorded(parts).recipe.steps > 0 and recorded(parts).recipe.time_limit == 0
    assert main([*given, str(parts)]) == 2
    refused(capsys, "--resume")
    assert main([*given, str(parts), "--resume"]) == 0
    assert (parts / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
    assert main([*given, str(parts), "--resume"]) == 2
    refused(capsys, "there is nothing to go on with")


def test_several_labels_in_one_cell(tmp_path, capsys):
    path = tmp_path / "t.csv"
    cells = ["red;blue", "red", "", "blue"]
    path.write_text("x,y\n" + "".join(f"{row % 4}.5,{cells[row % 4]}\n" for row in range(80)))
    given = ["-t", "y", "--separator", ";", "--out", str(tmp_path / "run"), "-q", "--epochs", "60"]
    assert main(["train", str(path), *given]) == 0
    assert main(["predict", str(tmp_path / "run"), str(path), "--probabilities"]) == 0
    head, first, *_ = capsys.readouterr().out.splitlines()
    assert head == "y,p(y=blue),p(y=red)" and set(first.split(",")[0].split(";")) == {"red", "blue"}


WRONG = {
    "unknown setting": (["--set", "optimizer.learning_rat=1"], "Did you mean 'learning_rate'"),
    "unknown section": (["--set", "optimiser.name=adam"], "--set, optimiser.name: there is no such setting"),
    "a setting without a value": (["--set", "training.epochs"], "--set"),
    "a value of another kind": (["--set", "training.epochs=many"], "training.epochs"),
    "a value out of range": (["--set", "network.dropout=1.5"], "network.dropout"),
    "unknown activation": (["--set", "network.activation=rellu"], "Did you mean 'relu'"),
    "unknown optimizer": (["--set", "optimizer.name=adan"], "Did you mean 'adam'"),
    "unknown role": (["--set", "roles.alcohol=numer"], "Did you mean 'number'"),
    "unknown column with a role": (["--set", "roles.alcohl=number"], "Did you mean 'alcohol'"),
    "unknown metric": (["--metric", "acuracy"], "--metric: no metric is called 'acuracy'. Did you mean 'accuracy'"),
    "a metric of another task": (["--metric", "rmse"], "rmse"),
    "unknown task": (["--task", "multclass"], "--task: no task is called 'multclass'. Did you mean 'multiclass'"),
    "an ignored column that is not there": (["--ignore", "alcohl"], "Did you mean 'alcohol'"),
    "a group that is not there": (["--group", "cultivr"], "cultivr"),
    "a weight that is not there": (["--weight", "hew"], "Did you mean 'hue'"),
    "an order that is not there": (["--time-order", "hew"], "Did you mean 'hue'"),
    "one fold": (["--folds", "1"], "--folds"),
    "a test that is not there": (["--test", "later.csv"], "later.csv"),
    "no model to start from": (["--from", "nowhere"], "nowhere"),
    "a file of settings that is not there": (["--config", "run.toml"], "run.toml"),
    "to go on with nothing": (["--resume"], "--out DIR"),
    "to go on with a folder of others": (["--resume", "--out", str(ROOT / "docs")], "docs"),
    "the target as a weight": (["--weight", "cultivar"], "cultivar"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_setting_is_told_in_one_line(name, tmp_path, monkeypatch, capsys):
    given, words = WRONG[name]
    monkeypatch.chdir(tmp_path)
    assert main(["train", WINE, "--target", "cultivar", *given]) == 2
    refused(capsys, words)
    assert list(tmp_path.iterdir()) == []


FILES = {
    "unknown key": ("[training]\nepoch = 3\n", "my.toml:2"),
    "unknown section": ("[trainin]\nepochs = 3\n", "my.toml"),
    "wrong value": ("seed = 0\n[training]\nepochs = 'x'\n", "training.epochs"),
    "no TOML": ("[training\nepochs = 3\n", "my.toml:1"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_wrong_file_is_told_with_its_line(name, tmp_path, monkeypatch, capsys):
    content, words = FILES[name]
    monkeypatch.chdir(tmp_path)
    Path("my.toml").write_text(content)
    assert main(["train", WINE, "--target", "cultivar", "--config", "my.toml"]) == 2
    refused(capsys, words)
    assert [path.name for path in tmp_path.iterdir()] == ["my.toml"]


def test_no_table_and_no_target(tmp_path, capsys):
    assert main(["train"]) == 2
    refused(capsys, "no table is named")
    assert main(["init", WINE]) == 2
    refused(capsys, "--target COLUMN")
