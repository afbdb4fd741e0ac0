"""``pellucid study``: what a search has found, for people and for programs, also while it runs."""

import csv
import io
import json
import math
import re
import shlex
import tomllib

import pyarrow.parquet as pq
import pytest
from studies import SPACE, all_ended, ended, make, record, waiting

from pellucid.cli import main
from pellucid.tuning.space import Space
from pellucid.tuning.study import create_study, open_study
from pellucid.tuning.trial import FINISHED, MemberResult, Trial
from pellucid.workflow.plans.plan import Plan


@pytest.fixture
def path(tmp_path):
    return make(tmp_path / "study.db")


@pytest.fixture
def run(capfdbinary):
    def run(*arguments, code=0):
        assert main(["study", *map(str, arguments)]) == code
        out, error = (text.decode("utf-8") for text in capfdbinary.readouterr())
        assert "Traceback" not in error and (code == 0 or not out)
        return out if code == 0 else error

    return run


def test_show_tells_what_it_is_how_far_it_is_and_the_best(run, path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    told = run("show", path)
    assert str(path) in told and "log_loss, lower is better; mean of fold 1, fold 2" in told
    assert "sampler random, pruner halving, seed 7" in told
    assert "3 waiting, 3 finished, 3 pruned, 3 failed" in told
    assert "network.units = choice(16, 32, 64) if network.layers >= 1" in told
    assert [int(number) for number in re.findall(r"^ +(\d+) +[\d.]+ +± ", told, re.MULTILINE)] == [0, 3, 6]
    assert re.search(r"3 trials +the loss is not finite at epoch 3", told)
    assert "network.activation gelu" not in told  # what stays the same is in the space above


def test_show_as_json_has_all_digits(run, path):
    told, opened = json.loads(run("show", path, "--json", "--top", "2")), open_study(path)
    assert told["trials"] == opened.counts() and told["path"] == str(path) and told["seed"] == 7
    assert [one["value"] for one in told["best"]] == [trial.value for trial in opened.best(2)]
    assert told["best"][1]["parameters"] == dict(waiting(4)[3].parameters)
    assert Space.from_toml(told["space"]) == Space.from_toml(SPACE) and told["members"] == ["fold 1", "fold 2"]
    assert told["sessions"] == opened.sessions() and told["errors"][0]["trials"] == 3


@pytest.mark.parametrize("width", ["40", "80", "200"])
def test_show_fits_the_terminal(width, run, path, monkeypatch):
    monkeypatch.setenv("COLUMNS", width)
    assert max(map(len, run("show", path).splitlines())) <= int(width)


def test_best_is_told_as_toml_that_is_read_back(run, path):

    told = run("best", path)
    best = open_study(path).best()[0]
    assert told.startswith(f"# Trial {best.number} of {path}, finished: log_loss {best.value!r} ± ")
    assert tomllib.loads(told) == {
        "network": {"layers": 0, "activation": "gelu"},
        "optimizer": {"learning_rate": best.parameters["optimizer.learning_rate"]},
    }
    assert tomllib.loads(run("best", path, "--trial", "1"))["network"]["units"] == 32


def test_best_as_options_is_what_train_takes(run, path):
    words = shlex.split(run("best", path, "--set", "--trial", "6"))
    assert words[::2] == ["--set"] * (len(words) // 2)
    plan, parameters = Plan().set(*words[1::2]), waiting(7)[6].parameters
    assert plan.recipe.hidden == (16, 16) and parameters["network.units"] == 16
    assert plan.recipe.activation == "gelu" and plan.recipe.learning_rate == parameters["optimizer.learning_rate"]


def test_best_as_json_is_the_whole_trial(run, path):
    told, best = json.loads(run("best", path, "--json")), open_study(path).best()[0]
    assert (told["metric"], told["number"], told["value"]) == ("log_loss", best.number, best.value)
    assert told["parameters"] == dict(best.parameters)


def test_settings_that_are_none_of_a_recipe_are_told_as_they_are(run, tmp_path):
    found = {"clip": None, "sizes": [64, 32], "a": 1, "a.b": math.inf, "größe": "x y"}
    with create_study(tmp_path / "study.db", record(space="clip = 'choice(none, 1)'\n")) as study:
        study.add([Trial(0, found)])
        study.finish(study.trial(0).ended(FINISHED, [MemberResult(1.0, 1, 1, 0.0)]))

    read = tomllib.loads(run("best", tmp_path / "study.db"))
    assert read == {"clip": "none", "sizes": [64, 32], "a": 1, "a.b": math.inf, "größe": "x y"}
    assert "these are no settings of pellucid train" in run("best", tmp_path / "study.db", "--set", code=2)
    assert 'größe "x y"' in " ".join(run("show", tmp_path / "study.db").split())


def test_export_writes_a_row_for_each_trial(run, path, tmp_path):
    trials = open_study(path).trials()
    for name in ("trials.csv", "trials.parquet"):
        run("export", path, "--out", tmp_path / name)
    rows = list(csv.DictReader(io.StringIO((tmp_path / "trials.csv").read_text("utf-8"))))
    table = pq.read_table(tmp_path / "trials.parquet").to_pylist()
    assert len(rows) == len(table) == len(trials)
    for trial, row, cells in zip(trials, rows, table, strict=True):
        assert row["state"] == cells["state"] == trial.state and int(row["number"]) == cells["number"] == trial.number
        assert (float(row["value"]) if row["value"] else None) == cells["value"] == trial.value
        assert cells["parameters.network.units"] == trial.parameters.get("network.units")
        assert float(row["parameters.optimizer.learning_rate"]) == trial.parameters["optimizer.learning_rate"]


def test_export_as_json_has_the_curves(run, path, tmp_path):
    run("export", path, "--out", tmp_path / "trials.json")
    told = json.loads((tmp_path / "trials.json").read_text("utf-8"))
    assert told["study"]["metric"] == "log_loss" and len(told["sessions"]) == 1
    for trial, one in zip(open_study(path).trials(), told["trials"], strict=True):
        assert one["parameters"] == dict(trial.parameters) and len(one["members"]) == len(trial.members)
        for member, written in zip(trial.members, one["members"], strict=True):
            assert [tuple(point) for point in written["curve"]] == list(member.curve)
            assert written["value"] == member.value and written["name"].startswith("fold ")


def test_odd_values_are_exported(run, tmp_path):
    with create_study(tmp_path / "study.db", record()) as study:
        study.add([Trial(0, {"n": 2**70, "x": math.inf, "t": "\u2028 ü"}), Trial(1, {"n": 1, "x": 0.5, "t": True})])
        study.finish(study.trial(0).ended(FINISHED, [MemberResult(math.nan, 1, 1, 0.0, ((1, math.inf),))]))
    for name in ("a.csv", "a.parquet", "a.json"):
        run("export", tmp_path / "study.db", "--out", tmp_path / name)
    told = json.loads((tmp_path / "a.json").read_text())
    assert told["trials"][0]["value"] is None and told["trials"][0]["parameters"]["n"] == 2**70
    assert run("show", tmp_path / "study.db")


def test_a_study_without_trials_is_told_of(run, tmp_path):
    create_study(tmp_path / "study.db", record()).close()
    told = run("show", tmp_path / "study.db")
    assert "none yet" in told and "Best" not in told
    assert "no trial has a value yet" in run("best", tmp_path / "study.db", code=2)
    run("export", tmp_path / "study.db", "--out", tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text().startswith("number,state,value")


def test_it_works_while_the_study_is_written(run, path):
    with open_study(path, write=True) as study:
        study.begin_session()
        study.finish(ended(study.trial(9), FINISHED))
        study.flush()
        told = run("show", path)
        assert "2 waiting, 4 finished" in told and "it runs, or was killed" in " ".join(told.split())
    assert open_study(path).trials()[:9] == all_ended(9)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["shwo", "STUDY"], "there is no 'shwo' of a study. Did you mean 'show'? Known: best, export, show."),
        (["show", "none.db"], "none.db: there is no such study"),
        (["show", "."], "a study is one file: got a directory"),
        (["show", "STUDY", "--top", "-1"], "--top: not a number of trials: got -1"),
        (["show", "STUDY", "--out", "a.csv"], "--out is of export. Leave it out."),
        (["best", "STUDY", "--top", "3"], "--top is of show."),
        (["best", "STUDY", "--trial", "99"], "there is no such trial: got 99, expected one of 12 from 0"),
        (["best", "STUDY", "--json", "--set"], "--set and --json do not go together"),
        (["export", "STUDY"], "no file is named. Add --out trials.csv, .parquet or .json."),
        (["export", "STUDY", "--out", "a.xlsx"], "what is written is a CSV, Parquet or JSON file"),
        (["export", "STUDY", "--out", "none/a.csv"], "there is no such folder"),
        (["export", "STUDY", "--json", "--out", "a.csv"], "--json is of show and best."),
        (["show"], "Missing argument 'STUDY'"),
        (["show", "STUDY", "--tpo", "3"], "there is no option --tpo. Did you mean '--top'?"),
    ],
)
def test_mistakes_give_one_line(arguments, told, run, path, monkeypatch):
    monkeypatch.chdir(path.parent)
    error = run(*[str(path) if word == "STUDY" else word for word in arguments], code=2)
    assert error.count("\n") == 1 and told in error
    assert [each.name for each in path.parent.iterdir()] == ["study.db"]


def test_a_damaged_study_and_another_file_give_one_line(run, path, tmp_path):
    content = path.read_bytes()
    path.write_bytes(content[:5000])
    (tmp_path / "table.csv").write_text("a,b\n1,2\n")
    for file, told in ((path, "this study is damaged"), (tmp_path / "table.csv", "this is no study")):
        for words in (["show", file], ["best", file], ["export", file, "--out", tmp_path / "a.csv"]):
            error = run(*words, code=2)
            assert told in error and error.count("\n") == 1
    assert not (tmp_path / "a.csv").exists()


def test_the_help_names_what_there_is(run):
    told = " ".join(run("--help").split())
    assert "WHAT show, best or export." in told and "pellucid study best study.db --set" in told
