"""``pellucid learning-curve`` as people and scripts use it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pellucid.cli import main

ROOT = Path(__file__).resolve().parent.parent
TABLES = ROOT / "examples" / "tables"
WINE, LINNERUD, DIGITS = (str(TABLES / f"{name}.csv") for name in ("wine", "linnerud", "digits"))
SMALL = ["--draws", "2", "--set", "network.hidden=2", "--set", "training.epochs=3"]
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "FORCE_COLOR")} | {
    "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]),
    "PYTHONUTF8": "1",
    "OMP_NUM_THREADS": "1",
}


def start(*arguments):
    command = [sys.executable, "-m", "pellucid", "learning-curve", *arguments]
    return subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_it_says_what_it_understood_and_what_follows_and_leaves_a_folder(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)
    out = Path("curves/wine")
    assert main(["learning-curve", WINE, "-t", "cultivar", "--out", str(out), *SMALL]) == 0
    told, errors = capsys.readouterr()
    for words in (
        "178 rows",
        "cultivar: multiclass",
        "Error on rows held out: log_loss",
        "hidden layers",
        "as planned",
    ):
        assert words in told
    assert max(map(len, told.splitlines())) <= 80 and "\x1b" not in told and not errors
    assert f"Written to {out}" in told.replace("\n", "")
    assert sorted(path.name for path in out.iterdir()) == ["curve.png", "learning-curve.html", "learning-curve.json"]
    found = json.loads((out / "learning-curve.json").read_text(encoding="utf-8"))
    assert [point["rows"] for point in found["rows"]] == sorted(point["rows"] for point in found["rows"])
    assert [] in [point["hidden"] for point in found["networks"]]
    page = (out / "learning-curve.html").read_text(encoding="utf-8")
    assert all(sentence.split(":")[0] in page for sentence in found["advice"]) and "http" not in page
    assert main(["learning-curve", WINE, "-t", "cultivar", "--out", str(out), *SMALL]) == 2
    assert "not empty" in capsys.readouterr().err
    assert main(["learning-curve", WINE, "-t", "cultivar", "--out", str(out), "--overwrite", "-q", *SMALL]) == 0
    assert capsys.readouterr() == ("", "")


def test_json_is_all_that_is_printed_and_the_same_every_time():
    command = [WINE, "-t", "cultivar", "--json", "--metric", "accuracy", "--seed", "7", *SMALL]
    outputs = []
    for _ in range(2):
        process = start(*command)
        output, errors = process.communicate(timeout=120)
        assert process.returncode == 0 and errors == ""
        outputs.append(json.loads(output))
    for found in outputs:
        for name in ("seconds", "compile_seconds"):
            assert found.pop(name) > 0
    assert outputs[0] == outputs[1]
    assert outputs[0]["error"] == "1 - accuracy" and outputs[0]["draws"] == 2 and outputs[0]["folder"] is None
    assert all(0 <= value <= 1 for point in outputs[0]["rows"] for value in point["draws"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([WINE], "no target is named"),
        ([WINE, "-t", "cultivr"], "Did you mean 'cultivar'?"),
        ([WINE, "-t", "cultivar", "--metric", "acuracy"], "--metric: the metric does not fit the task multiclass"),
        ([WINE, "-t", "cultivar", "--metrik", "accuracy"], "there is no option --metrik. Did you mean '--metric'?"),
        ([WINE, "-t", "cultivar", "--draws", "1"], "--draws: not a count"),
        ([WINE, "-t", "cultivar", "--draws", "1000"], "too few"),
        ([WINE, "-t", "cultivar", "--threads", "0"], "--threads: not a count"),
        ([WINE, "-t", "cultivar", "--time", "soon"], "--time: not a time"),
        ([WINE, "-t", "cultivar", "--seed", "-1"], "--seed: not a seed"),
        ([WINE, "-t", "cultivar", "--set", "network.hiden=3"], "--set"),
        ([WINE, "-t", "cultivar", "--out", WINE], "a file is in the way"),
        ([WINE, "-t", "cultivar", "--out", str(TABLES), "--overwrite"], "holds no learning curve"),
        ([WINE, "-t", "cultivar", "--set", "table.start_from=runs/x"], "fresh networks"),
        (["none.csv", "-t", "x"], "no such file"),
        (["-", "-t", "x"], "TABLE"),
        ([LINNERUD, "-t", "weight", "--group", "nobody"], "nobody"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(arguments, message, capsys):
    assert main(["learning-curve", *arguments]) == 2
    output, errors = capsys.readouterr()
    assert message in errors and errors.count("\n") == 1 and errors.startswith("pellucid: error: ")
    assert "What follows" not in output


def test_too_little_time_is_an_error_that_names_the_option(capsys):
    assert main(["learning-curve", WINE, "-t", "cultivar", "--time", "0.00001", "-q"]) == 2
    assert "--time: the time does not suffice" in capsys.readouterr().err


def test_ctrl_c_shows_what_was_done_and_a_terminated_one_ends_at_once(tmp_path):
    out = tmp_path / "curve"
    command = [DIGITS, "-t", "digit", "--draws", "40", "--threads", "1", "-o", str(out)]
    process = start(*command)
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("Columns"):
            break
    time.sleep(4.0)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    if "nothing was written" not in errors:  # a fast machine has some points by then
        assert "interrupted: showing what was done" in errors and "Note: Interrupted" in output
        assert (out / "learning-curve.json").exists()
    assert not [path for path in tmp_path.rglob(".*")]


def test_settings_come_from_a_file_and_from_a_table_of_its_own_for_the_test(tmp_path, capsys):
    config = tmp_path / "run.toml"
    config.write_text(
        f'target = ["cultivar"]\nseed = 3\n[table]\npath = "{WINE}"\n[network]\nhidden = [2]\n[training]\nepochs = 3\n',
        encoding="utf-8",
    )
    assert main(["learning-curve", "--config", str(config), "--draws", "2", "--test", WINE, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["networks"][found["planned"]]["hidden"] == [2]
    assert found["held_out"] == 89  # a half of all rows: none of them is kept for the test
