"""Wrong words on the command line, and disks that refuse: one clear line, and nothing left behind."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from bad_desk import LOADERS, QUICK, ROW, TRAIN
from bad_files import half, table_of

from pellucid.cli import main

ROOT = Path(__file__).resolve().parent.parent


# -- wrong words -------------------------------------------------------------------------------------------------------

OBSERVED = ["observe", "model", "good.csv"]
USES = {
    "a target": (["train", "good.csv", "-t", "kindd"], "no column 'kindd'", "Did you mean 'kind'"),
    "a second target": ([*TRAIN, "-t", "prise"], "no column 'prise'", "Did you mean 'price'"),
    "a target twice": ([*TRAIN, "-t", "kind"], "--target: 'kind' is named twice"),
    "a group": ([*TRAIN, "--group", "colur"], "no column 'colur'", "Did you mean 'colour'"),
    "a weight": ([*TRAIN, "--weight", "wieght"], "no column 'wieght'", "Did you mean 'weight'"),
    "something to ignore": ([*TRAIN, "--ignore", "prise"], "no column 'prise'", "Did you mean 'price'"),
    "the target to ignore": ([*TRAIN, "--ignore", "kind"], "column 'kind': a target has no other role"),
    "an order": ([*TRAIN, "--time-order", "piked"], "no column 'piked'", "Did you mean 'picked'"),
    "a column with a role": ([*TRAIN, "--set", "roles.sise=number"], "no column 'sise'", "Did you mean 'size'"),
    "a role": ([*TRAIN, "--set", "roles.size=numer"], "--set, roles.size", "Did you mean 'number'"),
    "a setting": ([*TRAIN, "--set", "optimizer.learning_rat=1"], "--set", "Did you mean 'learning_rate'"),
    "half a setting": ([*TRAIN, "--set", "optimizer"], "--set: not a setting", "PATH=VALUE"),
    "a value": ([*TRAIN, "--set", "optimizer.learning_rate=fast"], "--set, optimizer.learning_rate", "'fast'"),
    "a rate without a bound": ([*TRAIN, *QUICK, "--set", "optimizer.learning_rate=1e300"], "Lower the learning rate"),
    "a loss of another task": ([*TRAIN, "--set", "loss.name=hinge"], "loss.name", "softmax_cross_entropy"),
    "a metric": ([*TRAIN, "--metric", "acuracy"], "--metric", "Did you mean 'accuracy'"),
    "a metric of another task": ([*TRAIN, "--metric", "rmse"], "training.metric", "the task multiclass"),
    "a task": ([*TRAIN, "--task", "multi"], "--task", "Did you mean 'multilabel'"),
    "sizes": ([*TRAIN, "--hidden", "1e3"], "--hidden", "128,64"),
    "a time": ([*TRAIN, "--time", "soon"], "--time: not a time", "60s"),
    "a seed": ([*TRAIN, "--seed", "-1"], "--seed: not a seed"),
    "one fold": ([*TRAIN, "--folds", "1"], "--folds"),
    "no epochs": ([*TRAIN, "--epochs", "0"], "--epochs: not a count"),
    "a model to start from": ([*TRAIN, "--from", "modle"], "modle: there is no such folder"),
    "a table to start from": ([*TRAIN, "--from", "good.csv"], "good.csv: this is a file, and no run folder"),
    "a model of something else": ([*TRAIN, "--from", "numbers"], "the targets of the model to start from differ"),
    "nothing to go on with": ([*TRAIN, "--out", "model", "--resume"], "model: the run in this folder has ended"),
    "a folder to go on with": ([*TRAIN, "--resume"], "--resume", "--out DIR"),
    "a full folder": ([*TRAIN, "--out", "model"], "model: the folder is not empty", "--overwrite"),
    "a file in the way": ([*TRAIN, "--out", "good.csv"], "good.csv: a file is in the way"),
    "a folder below a file": ([*TRAIN, "--out", "good.csv/run"], "cannot be written", "Choose another"),
    "a folder with NUL": ([*TRAIN, "--out", "a\0b"], "a\\x00b", "NUL", "Choose another name"),
    "a folder without a name": ([*TRAIN, "--out", ""], "--out: no name"),
    "a long folder": ([*TRAIN, "--out", "x" * 300], "File name too long"),
    "a name that would clear the screen": (["train", "good.csv", "-t", "\x1b[2J\r\n"], "no column '\\x1b[2J\\r\\n'"),
    "no target": (["train", "good.csv"], "good.csv: no target is named", "--target COLUMN"),
    "no target to begin with": (["init", "good.csv"], "good.csv: no target is named", "--target COLUMN"),
    "no table": (["train"], "no table is named"),
    "a model": (["show", "modle"], "modle: there is no such folder", "that training made"),
    "a model with NUL": (["show", "a\0b"], "a\\x00b: there is no such folder"),
    "no model": (["predict", ".", "good.csv"], ".: there is no model in this folder"),
    "a row": ([*OBSERVED, "--row", "60"], "good.csv: there is no row 60", "60 rows: 0 to 59"),
    "a row below all": ([*OBSERVED, "--row", "-1"], "good.csv: there is no row -1", "0 to 59"),
    "a row beyond all": ([*OBSERVED, "--row", "9" * 30], "there is no row 999", "0 to 59"),
    "half a row": ([*OBSERVED, "--row", "1.5"], "'--row'", "a whole number is expected"),
    "a node": ([*OBSERVED, *ROW, "--node", "dense_1/gleu"], "--node", "Did you mean 'dense_1/gelu'"),
    "a block for a node": ([*OBSERVED, *ROW, "--node", "dense_1"], "--node", "dense_1/weight"),
    "a picture": ([*OBSERVED, *ROW, "--draw", "row.png"], "--draw row.png", ".svg"),
    "a picture nowhere": ([*OBSERVED, *ROW, "--draw", "no/row.svg"], "--draw no/row.svg", "no such folder"),
    "a picture with NUL": ([*OBSERVED, *ROW, "--draw", "a\0.svg"], "--draw", "NUL"),
    "predictions nowhere": (["predict", "model", "good.csv", "--out", "no/p.csv"], "--out no/p.csv", "Make it first"),
    "predictions as a workbook": (["predict", "model", "good.csv", "--out", "p.xlsx"], "--out p.xlsx", ".csv"),
    "predictions as a folder": (["predict", "model", "good.csv", "--out", "model"], "this is a directory"),
    "predictions with NUL": (["predict", "model", "good.csv", "--out", "a\0.csv"], "--out", "NUL"),
    "predictions with a long name": (
        ["predict", "model", "good.csv", "--out", "x" * 300 + ".csv"],
        "File name too long",
    ),
    "probabilities of numbers": (["predict", "numbers", "good.csv", "--probabilities"], "predicts no probabilities"),
    "an option": ([*TRAIN, "--sed", "1"], "Did you mean '--seed'"),
    "an option without its value": ([*TRAIN, "--seed"], "--seed"),
    "a command": (["trian", "good.csv"], "Did you mean 'train'"),
    "one word too many": (["show", "model", "good.csv"], "good.csv"),
    "one word too few": (["predict", "model"], "TABLE"),
}


@pytest.mark.parametrize("name", USES)
def test_wrong_words(name, refuse):
    arguments, *words = USES[name]
    refuse(arguments, *words, printed="--hidden" in arguments and "-q" not in arguments)


def test_names_that_would_control_a_terminal(desk, capsys, refuse):
    evil = "\x1b[2Jred\u202e"
    (desk / "t.csv").write_text(table_of(y=half).replace("x,", f"{evil},", 1), "utf-8")
    assert main(["train", "t.csv", "-t", "y", "--out", "run", *QUICK[:-1]]) == 0
    told = capsys.readouterr().out
    assert "\x1b" not in told and "\u202e" not in told and "\\x1b[2Jred\\u202e" in told
    (desk / "t.csv").write_text(table_of(y=half), "utf-8")
    refuse(["predict", "run", "t.csv"], "\\x1b[2Jred\\u202e")
    refuse(["train", "t.csv", "-t", "y", "--set", f"roles.'{evil}'=number"], "\\x1b[2Jred\\u202e")


# -- disks -------------------------------------------------------------------------------------------------------------


def full(*arguments, **settings):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def denied(path, *arguments, **settings):
    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), os.fspath(path))


FULL = os.strerror(errno.ENOSPC)
WRITERS = {
    "train": ([*TRAIN, "--out", "run", *QUICK], "run"),
    "train in a new folder": ([*TRAIN, "--out", "new/run", *QUICK], "run"),
    "predict": (["predict", "model", "good.csv", "--out", "p.csv"], "p.csv"),
    "predict as Parquet": (["predict", "model", "good.csv", "--out", "p.parquet"], "p.parquet"),
    "predict as JSON": (["predict", "model", "good.csv", "--json", "--out", "p.jsonl"], "p.jsonl"),
    "draw": ([*OBSERVED, *ROW, "--draw", "row.svg"], "row.svg"),
}


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("call", ["os.fsync", "os.replace", "tempfile.mkstemp"])
def test_a_full_disk(name, call, refuse, monkeypatch):
    arguments, place = WRITERS[name]
    monkeypatch.setattr(call, full)
    refuse(arguments, place, FULL)


def test_a_full_disk_leaves_what_was_there(desk, refuse, monkeypatch):
    (desk / "p.csv").write_text("kept\n", "utf-8")
    monkeypatch.setattr("os.fsync", full)
    refuse(["predict", "model", "good.csv", "--out", "p.csv"], "p.csv", FULL)
    refuse([*TRAIN, "--out", "model", "--overwrite", *QUICK], "model", FULL)


@pytest.mark.parametrize("arguments", [[*TRAIN, "--out", "run"], TRAIN], ids=["a name", "no name"])
def test_a_folder_that_may_not_be_written(arguments, refuse, monkeypatch):
    monkeypatch.setattr("os.mkdir", denied)
    refuse(arguments, "the run folder cannot be written", os.strerror(errno.EACCES), "Choose another --out")


READ = {
    "a table": (["train", "good.csv", "-t", "kind"], "good.csv"),
    "a table to test on": ([*TRAIN[:1], "good.parquet", "-t", "kind", "--test", "good.csv"], "good.csv"),
    "a model": (["predict", "model", "good.parquet"], "model"),
    "settings": (["train", "good.parquet", "-t", "kind", "--config", "model/run.toml"], "run.toml"),
}


@pytest.mark.parametrize("name", READ)
def test_a_file_that_may_not_be_read(name, desk, good, refuse, monkeypatch):
    arguments, place = READ[name]
    ours, opened = os.path.realpath(desk), open

    def guarded(path, *options, **settings):
        # The test itself, and libraries, may read; a command may not.
        inside = not isinstance(path, int) and os.path.realpath(path).startswith(ours)
        caller = sys._getframe(1)
        while inside and caller is not None:
            if caller.f_code.co_name == "main" and "pellucid" in caller.f_code.co_filename:
                denied(path)
            caller = caller.f_back
        return opened(path, *options, **settings)

    monkeypatch.setattr("builtins.open", guarded)
    monkeypatch.setattr("io.open", guarded)
    refuse(arguments, place, os.strerror(errno.EACCES))


if hasattr(os, "geteuid") and os.geteuid() != 0:  # nothing is denied to root

    def test_permissions_of_the_system(desk, refuse):
        (desk / "good.csv").chmod(0)
        refuse([*TRAIN], "good.csv: the file cannot be opened")
        (desk / "closed").mkdir(mode=0o500)
        refuse(["train", "good.parquet", "-t", "kind", "--out", "closed/run"], "cannot be written")


if Path("/dev/full").exists():

    @pytest.mark.parametrize("arguments", [LOADERS[0], ["show", "model"], [*TRAIN, "--out", "run", *QUICK[:-1]]])
    def test_an_output_that_is_full(arguments, desk):
        paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        with open("/dev/full", "w") as output:
            done = subprocess.run(
                [sys.executable, "-m", "pellucid", *arguments],
                env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
                stdout=output,
                stderr=subprocess.PIPE,
                text=True,
                timeout=120,
            )
        assert done.returncode == 2 and not (desk / "run").exists()
        assert done.stderr == f"pellucid: error: the output cannot be written: {FULL}.\n"
