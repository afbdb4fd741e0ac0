"""``pellucid tune`` as people and scripts use it."""

import contextlib
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from pellucid.cli import main
from pellucid.cli.tune_choices import choose_space
from pellucid.cli.tune_view import Watching, short_names, view_status
from pellucid.errors import UsageError
from pellucid.model import load_model
from pellucid.tuning.space import Space
from pellucid.tuning.status import Status
from pellucid.tuning.study import open_study
from pellucid.tuning.trial import FINISHED, MemberResult, Trial
from pellucid.workflow.plans.plan import Plan
from pellucid.workflow.tuning.recipe_space import recipe_space

ROOT = Path(__file__).resolve().parent.parent
TABLES = ROOT / "examples" / "tables"
WINE, DIGITS = (str(TABLES / f"{name}.csv") for name in ("wine", "digits"))
SPACE = {
    "network.units": "choice(2, 4)",
    "network.dropout": "0.1",
    "optimizer.learning_rate": "log_uniform(0.001, 0.1)",
}
SMALL = ["-t", "cultivar", "--folds", "2", "--set", "training.epochs=3"]
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "FORCE_COLOR")} | {
    "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]),
    "PYTHONUTF8": "1",
    "OMP_NUM_THREADS": "1",
}


def start(*arguments, folder):
    command = [sys.executable, "-m", "pellucid", "tune", *arguments]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, cwd=folder, env=ENVIRONMENT, **streams)


@pytest.fixture(scope="module")
def space_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("tune") / "space.toml"
    path.write_text(Space(SPACE).to_toml(), encoding="utf-8")
    return str(path)


@pytest.fixture(scope="module")
def searched(tmp_path_factory, space_file):
    """A search that has ended: its folder, and what it printed."""
    folder = tmp_path_factory.mktemp("tune") / "wine"
    written = io.StringIO()
    with contextlib.redirect_stdout(written), pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "80")
        assert main(["tune", WINE, *SMALL, "--space", space_file, "--trials", "4", "--out", str(folder)]) == 0
    return folder, written.getvalue()


# -- a search ----------------------------------------------------------------------------------------------------------


def test_it_says_what_it_searches_and_how_good_the_best_is_on_rows_that_nothing_was_chosen_by(searched):
    folder, told = searched
    before, _, after = told.partition("Best settings (trial ")
    for words in ("178 rows", "cultivar: multiclass", "2 settings, configurations without end, 2 architectures"):
        assert words in before
    assert re.search(r"network\.units +choice\(2, 4\)", before) and "4 trials, random, pruned by halving" in before
    for words in ("default settings", "gradient boosting", "ensemble", "36 test rows", "Written to"):
        assert words in after
    assert max(map(len, told.split("Written to")[0].splitlines())) <= 80 and "\x1b" not in told
    names = {"best", "ensemble", "pictures", "report.json", "run.toml", "study.db", "study.html"}
    assert {path.name for path in folder.iterdir()} >= names
    for name in names - {"pictures"}:
        assert re.search(rf"^  {re.escape(name)} ", after, re.MULTILINE), name


def test_what_is_left_can_be_used(searched, tmp_path, capsys):
    folder, _ = searched
    for name in ("best", "ensemble"):
        assert main(["predict", str(folder / name), WINE]) == 0
        assert len(capsys.readouterr().out.splitlines()) == 179
    assert main(["train", "--config", str(folder / "run.toml"), "--out", str(tmp_path / "again"), "-q"]) == 0
    again, best = (load_model(path).parameters for path in (tmp_path / "again", folder / "best"))
    assert all((again[path] == best[path]).all() for path in best)
    with open_study(folder / "study.db") as study:
        assert sum(study.counts().values()) == 4 and study.record.sampler == "random"


def test_it_goes_on_where_it_was(searched, tmp_path, capsys):
    folder = tmp_path / "wine"
    shutil.copytree(searched[0], folder)
    assert main(["tune", WINE, *SMALL, "--out", str(folder), "--trials", "6"]) == 2
    assert "--resume" in capsys.readouterr().err
    assert main(["tune", WINE, *SMALL, "--out", str(folder), "--resume", "--trials", "6", "--json"]) == 0
    output, errors = capsys.readouterr()
    found = json.loads(output)
    assert errors == "" and found["trials"]["all"] == 6 and found["folder"] == str(folder)
    with open_study(searched[0] / "study.db") as before, open_study(folder / "study.db") as after:
        for number in range(4):
            assert before.trial(number).parameters == after.trial(number).parameters
    assert main(["tune", WINE, *SMALL, "--seed", "3", "--out", str(folder), "--resume", "--trials", "7"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_json_is_all_that_is_printed_and_ctrl_c_keeps_the_best(tmp_path, space_file):
    command = [WINE, *SMALL, "--space", space_file, "--trials", "100000", "--threads", "1", "--json"]
    process = start(*command, "--study", "own.db", folder=tmp_path)
    _wait_for_trials(tmp_path / "own.db", process)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 130, errors
    found = json.loads(output)
    assert found["interrupted"] and found["search"]["reason"] == "interrupted" and found["trials"]["all"] > 0
    assert errors == "pellucid: interrupted: keeping the best so far (Ctrl-C again: stops at once)\n"
    assert found["folder"].replace(os.sep, "/") == "runs/wine-cultivar-tune-1"
    assert (tmp_path / found["folder"] / "best" / "model.json").exists()
    assert not (tmp_path / found["folder"] / "study.db").exists()


def test_a_second_ctrl_c_stops_at_once_and_says_how_to_go_on(tmp_path, space_file):
    command = [WINE, *SMALL, "--space", space_file, "--trials", "100000", "--threads", "1", "--out", "found"]
    process = start(*command, folder=tmp_path)
    _wait_for_trials(tmp_path / "found" / "study.db", process)
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    for line in process.stderr:  # there may be lines of progress before it
        if "Ctrl-C again" in line:
            break
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130 and time.monotonic() - began < 30
    if not (tmp_path / "found" / "report.json").exists():  # where it came before the end of everything
        assert "interrupted; --out found --resume goes on with it" in errors or "Ctrl-C" in errors
    with open_study(tmp_path / "found" / "study.db") as study:
        assert any(trial.done for trial in study.trials())


def _wait_for_trials(path, process):
    for _ in range(600):
        time.sleep(0.1)
        assert process.poll() is None, process.communicate()
        if path.exists():
            with contextlib.suppress(Exception), open_study(path) as study:
                if any(trial.done for trial in study.trials()):
                    return
    raise AssertionError("no trial ended")


# -- the space ---------------------------------------------------------------------------------------------------------


def test_the_space_is_shown_and_nothing_else_happens(tmp_path, monkeypatch, capsys, space_file):
    monkeypatch.chdir(tmp_path)
    changed = "network.units=integer(2, 9)"
    command = ["tune", WINE, "-t", "cultivar", "--show-space", "--space", space_file, "--space", changed]
    assert main([*command, "--space", "optimizer.learning_rate=0.01"]) == 0
    told = capsys.readouterr().out
    assert "1 setting, 8 configurations, 8 architectures" in told and "integer(2, 9)" in told
    assert main([*command, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["configurations"] is None and found["architectures"] == 8
    assert Space.from_toml(found["toml"]) == Space({**SPACE, "network.units": "integer(2, 9)"})
    assert not list(tmp_path.iterdir())


def test_settings_are_added_to_the_default_space_or_take_the_place_of_its_own():
    plan = Plan(table=WINE, target=("cultivar",))
    found = choose_space(["network.dropout=choice(0, 0.5)", "schedule.name = choice(constant, cosine)"], plan)
    assert found is not None and choose_space([], plan) is None
    assert (
        found.text("network.dropout") == "choice(0, 0.5)" and found.text("schedule.name") == "choice(constant, cosine)"
    )
    assert "network.layers" in found.names


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--space", "network.layer=2"],
            "--space, network.layer: there is no such setting. Did you mean 'network.layers'",
        ),
        (["--space", "network.layers=intger(1, 2)"], "Did you mean 'integer'?"),
        (["--space", "network.layers=integer(1, 2"], "--space, network.layers"),
        (["--space", "network.dropout=uniform(0, 3)"], "--space, network.dropout: out of range"),
        (["--space", "training.time_limit=uniform(1, 3)"], "not searched over"),
        (["--space", "target=choice(a, b)"], "--space, target"),
        (["--space", "network.units="], "--space: no entry of a search space"),
        (["--space", "a=1", "--space", "a=2"], "this is there twice"),
        (["--space", "one.toml", "--space", "two.toml"], "--space: there is one file of a space"),
        (["--space", "none.toml"], "none.toml"),
        (["--sampler", "randm"], "--sampler: there is no sampler 'randm'. Did you mean 'random'?"),
        (["--pruner", "halvng"], "--pruner: no pruner is called 'halvng'. Did you mean 'halving'?"),
        (["--metric", "acuracy"], "Did you mean 'accuracy'?"),
        (["--trials", "0"], "--trials: not a count"),
        (["--folds", "0"], "--folds: not a count"),
        (["--folds", "1000"], "too few"),
        (["--repeats", "0"], "--repeats: not a count"),
        (["--threads", "0"], "--threads: not a count"),
        (["--time", "soon"], "--time: not a time"),
        (["--time", "0.0001"], "--time: no trial was done in the time"),
        (["--trils", "3"], "there is no option --trils. Did you mean '--trials'?"),
        (["--resume"], "--resume: no study is named that is to be gone on with. Say --out DIR or --study FILE."),
        (["--resume", "--out", "none"], "there is no such study"),
        (["--study", WINE], "exists already"),
        (["--study", WINE, "--resume"], "this is no study"),
        (["--study", str(TABLES)], "in the way of the study"),
        (["--out", WINE], "a file is in the way"),
        (["--out", str(TABLES)], "not empty"),
        (["--set", "split.folds=3"], "cross-validation leaves none"),
        (["--set", "table.start_from=runs/x"], "starts from no model"),
        (["--set", "network.hiden=3"], "--set"),
        (["--config", "none.toml"], "none.toml"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["tune", WINE, "-t", "cultivar", *arguments]) == 2
    output, errors = capsys.readouterr()
    assert message in errors and errors.count("\n") == 1 and errors.startswith("pellucid: error: ")
    assert "Best settings" not in output


def test_a_wrong_space_file_is_told_with_its_line(tmp_path, capsys):
    path = tmp_path / "space.toml"
    path.write_text('[network]\nlayers = "integer(1, 2)"\nunits = "choise(1, 2)"\n', encoding="utf-8")
    assert main(["tune", WINE, "-t", "cultivar", "--space", str(path)]) == 2
    assert f"{path}:3" in capsys.readouterr().err
    for content in (b"\xff\xfe\x00", b"layers = ", b""):
        path.write_bytes(content)
        assert main(["tune", WINE, "-t", "cultivar", "--space", str(path)]) == 2
        errors = capsys.readouterr().err
        assert str(path) in errors and errors.count("\n") == 1


# -- how far it is -----------------------------------------------------------------------------------------------------

NAMES = ["network.layers", "network.units", "optimizer.name", "loss.name", "regularizers.l2"]
MEMBERS = tuple(MemberResult(value, 30, 30, 0.1) for value in (0.123456, 0.2))


def status_of(count, left=75.0, wanted=1000):
    parameters = {"network.layers": 2, "optimizer.name": "adam", "regularizers.l2": 1.23456e-5, "loss.name": None}
    best = [Trial(7 * number, parameters).ended(FINISHED, MEMBERS) for number in range(count)]
    counts = {"waiting": 4, "finished": 30, "pruned": 60, "failed": 1}
    return Status(counts, wanted, 12.0, left, 455.0, best, 2, 1, 6.0)


@given(st.integers(0, 10), st.integers(40, 140))
def test_the_table_of_the_best_fits_into_every_terminal(count, width):
    space = Space({name: "choice(1, 2)" for name in NAMES})
    console = Console(width=width, file=io.StringIO())
    console.print(view_status(status_of(count), space, "log_loss", threads=2))
    told = console.file.getvalue()
    assert all(cell_len(line.rstrip()) <= width for line in told.splitlines())
    words = " ".join(told.split())
    for part in (
        "91 of 1,000 trials",
        "30 finished",
        "1 failed",
        "455 trials a minute",
        "1:15 left",
        "25 % of the time",
    ):
        assert part in words
    assert not count or "0.1617" in words


def test_names_are_as_short_as_they_can_be_told_apart():
    assert list(short_names(NAMES).values()) == ["layers", "units", "optimizer.name", "loss.name", "l2"]


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_gets_a_table_a_pipe_gets_lines_and_silence_nothing(monkeypatch):
    searched = recipe_space(Space(SPACE), Plan().set("training.metric=rmse"))
    for stream, silent, words in (
        (Terminal(), False, "\x1b"),
        (io.StringIO(), False, "pellucid: 91 of"),
        (Terminal(), True, None),
    ):
        monkeypatch.setattr(sys, "stderr", stream)
        with Watching(silent, threads=2) as watching:
            watching.begin(searched)
            monkeypatch.setattr(watching, "_told", -1e9)
            watching.show(status_of(3))
            watching.show(status_of(3))
        told = stream.getvalue()
        assert words in told if words else told == ""
        if words and not stream.isatty():
            assert told.count("\n") == 1 and "best rmse 0.1617 (trial 0)" in told and "\x1b" not in told


def test_the_end_is_announced():
    ended = status_of(1, left=0.0)
    console = Console(width=200, file=io.StringIO())
    console.print(view_status(ended, Space({"network.layers": 2}), "log_loss", threads=1))
    assert "the best is trained anew and compared" in console.file.getvalue()


def test_a_space_without_settings_of_its_own_is_refused():
    with pytest.raises(UsageError, match="twice"):
        choose_space(["a=1", "a=1"], Plan(table=WINE, target=("cultivar",)))
