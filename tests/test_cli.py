"""The command line as people and scripts use it: what it prints, what it leaves, and how it refuses."""

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

import pellucid as pl
from pellucid.cli import main
from pellucid.model import load_model
from pellucid.workflow import Recipe, train_table
from pellucid.workflow.run_folder import CHECKPOINT, FILES

ROOT = Path(__file__).resolve().parent.parent
TABLES = ROOT / "examples" / "tables"
WINE, LINNERUD, DIGITS = (str(TABLES / f"{name}.csv") for name in ("wine", "linnerud", "digits"))
SMALL = ["--epochs", "5", "--hidden", "8"]
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "FORCE_COLOR")} | {
    "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]),
    "PYTHONUTF8": "1",
    "OMP_NUM_THREADS": "1",
}


def pellucid(*arguments, environment=None, **settings):
    command = [sys.executable, "-m", "pellucid", *arguments]
    return subprocess.run(
        command, env=ENVIRONMENT | (environment or {}), capture_output=True, text=True, timeout=120, **settings
    )


def rows_of(text):
    return list(csv.DictReader(io.StringIO(text)))


def tree(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.fixture(scope="module")
def wine(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli") / "wine"
    assert main(["train", WINE, "--target", "cultivar", "--out", str(folder), *SMALL, "--quiet"]) == 0
    return folder


@pytest.fixture(scope="module")
def linnerud(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli") / "linnerud"
    targets = [part for name in ("weight", "waist", "pulse") for part in ("--target", name)]
    assert main(["train", LINNERUD, *targets, "--out", str(folder), *SMALL, "-q"]) == 0
    return folder


# -- train -----------------------------------------------------------------------------------------------------------


def test_train_tells_what_it_understood_and_how_good_the_network_is(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["train", WINE, "--target", "cultivar", *SMALL]) == 0
    told, errors = capsys.readouterr()
    for words in (
        "178 rows",
        "cultivar: multiclass",
        "124 rows to learn from",
        "accuracy",
        "linear model",
        "confusion",
    ):
        assert words in told
    assert "majority class" in told and "Written to runs/wine-cultivar-1" in told and not errors
    assert tree(tmp_path) == sorted(["runs", "runs/wine-cultivar-1", *(f"runs/wine-cultivar-1/{f}" for f in FILES)])


@pytest.mark.parametrize("width", [50, 80])
def test_nothing_is_wider_than_the_terminal_and_a_pipe_gets_no_control_codes(tmp_path, width):
    out = str(tmp_path / "run")
    done = pellucid("train", WINE, "-t", "cultivar", "-o", out, *SMALL, environment={"COLUMNS": str(width)})
    seen = pellucid("observe", out, WINE, "--row", "2", environment={"COLUMNS": str(width)})
    for found in (done, seen):
        assert found.returncode == 0 and not found.stderr
        assert max(map(len, found.stdout.splitlines())) <= width
        assert not re.search(r"[^\n -~→·]", found.stdout)


def test_json_is_all_that_is_printed(tmp_path, capsys):
    out = str(tmp_path / "run")
    assert main(["train", WINE, "--target", "cultivar", "--out", out, *SMALL, "--json"]) == 0
    told, errors = capsys.readouterr()
    found = json.loads(told)
    assert not errors and found["folder"] == out and found["task"] == "multiclass" and found["epochs"] == 5
    assert found["report"]["sections"][0]["scores"]["accuracy"]["network"]["value"] > 0.3


def test_a_run_is_the_same_for_the_command_line_and_the_library(wine):
    run = train_table(WINE, "cultivar", recipe=Recipe(hidden=(8,), epochs=5))
    saved = load_model(wine)
    for path, array in run.model.arrays.items():
        np.testing.assert_array_equal(array, saved.arrays[path])


def test_overwriting_is_asked_for(wine, tmp_path, capsys):
    out = tmp_path / "run"
    for extra, code in (([], 0), ([], 2), (["--overwrite"], 0)):
        assert main(["train", WINE, "--target", "cultivar", "--out", str(out), *SMALL, "-q", *extra]) == code
        assert tree(out) == sorted(FILES)
    assert "--overwrite" in capsys.readouterr().err


def digits_scores(folder, seed, capsys, *options):
    given = ["--target", "digit", "--out", str(folder / f"run-{seed}"), "--seed", str(seed), "--json", *options]
    assert main(["train", DIGITS, *given]) == 0
    found = json.loads(capsys.readouterr().out)["report"]["sections"][0]["scores"]["accuracy"]
    return [found[who]["value"] for who in ("network", "linear model", "majority class")]


def test_digits_are_told_apart(tmp_path, capsys):
    network, linear, majority = digits_scores(tmp_path, 1, capsys, "--epochs", "40")
    assert network > 0.97 and network > linear > majority


@pytest.mark.long
def test_digits_are_told_apart_whatever_the_seed(tmp_path, capsys):
    scores = np.array([digits_scores(tmp_path, seed, capsys) for seed in range(5)])
    network, linear, majority = scores.T
    assert network.mean() > 0.98 and network.min() > 0.96
    assert (network > linear).all() and (linear > majority).all()


# -- predict ---------------------------------------------------------------------------------------------------------


def test_predictions_are_those_of_the_library_to_the_last_digit(wine, linnerud, capsys):
    assert main(["predict", str(wine), WINE, "--probabilities"]) == 0
    found, model = rows_of(capsys.readouterr().out), load_model(wine)
    assert [row["cultivar"] for row in found] == model.predict(WINE)["cultivar"].tolist()
    classes = [f"p(cultivar=cultivar_{number})" for number in (1, 2, 3)]
    told = np.array([[float(row[name]) for name in classes] for row in found])
    np.testing.assert_array_equal(told, model.predict_probabilities(WINE))
    assert main(["predict", str(linnerud), LINNERUD]) == 0
    found, model = rows_of(capsys.readouterr().out), load_model(linnerud)
    assert list(found[0]) == ["weight", "waist", "pulse"]
    for name, values in model.predict(LINNERUD).items():
        np.testing.assert_array_equal([float(row[name]) for row in found], values)


def test_predictions_go_to_a_file_whole_or_not_at_all(wine, tmp_path, capsys):
    target = tmp_path / "predicted.csv"
    assert main(["predict", str(wine), WINE, "--out", str(target)]) == 0
    assert len(rows_of(target.read_text(encoding="utf-8"))) == 178 and tree(tmp_path) == ["predicted.csv"]
    assert capsys.readouterr().out == ""
    bad = tmp_path / "bad.csv"
    bad.write_text(Path(WINE).read_text().replace("14.23", "much", 1))
    assert main(["predict", str(wine), str(bad), "--out", str(tmp_path / "new.csv")]) == 2
    assert "bad.csv:2" in capsys.readouterr().err and tree(tmp_path) == ["bad.csv", "predicted.csv"]


def test_words_with_commas_quotes_and_all_letters(tmp_path, capsys):
    path = tmp_path / "таблица.csv"
    cells = [[f"{row % 7}.5", '"röd, ""a"""' if row % 7 > 2 else "blå"] for row in range(200)]
    path.write_text("größe,цвет\n" + "".join(",".join(row) + "\n" for row in cells), encoding="utf-8")
    assert main(["train", str(path), "--target", "цвет", "--out", str(tmp_path / "run"), "-q", "--epochs", "60"]) == 0
    assert main(["predict", str(tmp_path / "run"), str(path)]) == 0
    found = [row["цвет"] for row in rows_of(capsys.readouterr().out)]
    assert found == ['röd, "a"' if row % 7 > 2 else "blå" for row in range(200)]


def test_a_reader_that_has_enough_is_no_error(wine):
    command = [sys.executable, "-m", "pellucid", "predict", str(wine), WINE]
    with subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) in (0, 141)


# -- observe ---------------------------------------------------------------------------------------------------------


def test_observe_shows_the_way_of_a_row_forward_and_backward(wine, tmp_path, capsys):
    picture = tmp_path / "row.svg"
    assert main(["observe", str(wine), WINE, "--row", "3", "--draw", str(picture)]) == 0
    told = capsys.readouterr().out
    model, table = load_model(wine), pl.read_table(WINE).take([3])
    graph, inputs = model.observation(table)
    seen = pl.observe(graph, of="loss", **inputs)
    assert str(seen) in told and "(line 5 of the file)" in told
    assert f"Loss (softmax cross entropy) {float(seen['loss'].value):.6g}" in told
    assert f"predicted {model.predict(table)['cultivar'][0]}, in the table cultivar_1" in told
    assert ElementTree.parse(picture).getroot().tag.endswith("svg")


@pytest.mark.parametrize("left_out", ["column", "cell"])
def test_observe_without_the_target_says_what_gradients_are_of(wine, linnerud, tmp_path, capsys, left_out):
    path = tmp_path / "rows.csv"
    lines = Path(WINE).read_text().splitlines()[:3]
    cut = [line.rpartition(",")[0] + ("" if left_out == "column" else ",") for line in lines]
    path.write_text("\n".join([cut[0] if left_out == "column" else lines[0], *cut[1:]]))
    assert main(["observe", str(wine), str(path), "--row", "1"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "gradients are of the logarithm of the probability" in told and "d score / d node" in told


# -- help and version ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["train", "predict", "observe"])
def test_help_has_examples(command, capsys):
    assert main([command, "--help"]) == 0
    assert f"pellucid {command} " in capsys.readouterr().out.partition("Examples")[2]


def test_help_and_version(capsys):
    assert main([]) == 0
    told = capsys.readouterr().out
    assert all(name in told for name in ("train", "predict", "observe"))
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"pellucid {pl.__version__}\n"


# -- wrong use -------------------------------------------------------------------------------------------------------

NUMBERS = "x,y\n" + "".join(f"{row}.5,{row * 7 % 13}.25\n" for row in range(30))
BAD_TABLES = {
    "empty": ("", "empty"),
    "header only": ("x,y\n", "no rows"),
    "ragged": ("x,y\n1,2\n3,4,5\n6,7\n", "t.csv:3"),
    "short": ("x,y\n1,2\n3\n6,7\n", "t.csv:3"),
    "unclosed quote": ('x,y\n1,2\n"3,4\n6,7\n', "quote"),
    "no such target": ("x,yy\n1,2\n3,4\n6,7\n", "Did you mean 'yy'"),
    "one class": ("x,y\n1,a\n2,a\n3,a\n4,a\n5,a\n", "nothing to learn"),
    "a constant": ("x,y\n1,7\n2,7\n3,7\n4,7\n5,7\n", "nothing to learn"),
    "a class of its own": ("x,y\n1,a\n2,b\n3,c\n4,d\n5,e\n", "class of its own"),
    "NaN in the target": (NUMBERS.replace("7.25", "NaN", 1), "t.csv:3, column 'y'"),
    "infinity in the target": (NUMBERS.replace("7.25", "inf", 1), "t.csv:3, column 'y'"),
    "infinity in a feature": (NUMBERS.replace("4.5", "-inf", 1), "t.csv:6, column 'x'"),
    "text among numbers": (NUMBERS.replace("7.25", "seven", 1), "t.csv:3, column 'y'"),
    "duplicate columns": ("x,x,y\n1,2,3\n", "'x'"),
    "two rows": ("x,y\n1.5,2.5\n2.5,3.5\n", "too few"),
    "only a key": ("id,y\n" + "".join(f"{row},{row}.5\n" for row in range(20)), "no column is left"),
    "only the target": ("y\n1.5\n2.5\n3.5\n", "no column"),
    "binary": ("x,y\n\x00\x01\x02,3\n", "t.csv"),
}


ROWS = [(0.5 * row, row % 2) for row in range(30)]
UNFIT = {
    "two rows": ("a,y\n1.5,2.5\n2.5,3.5\n", "t.csv: the table has too few rows: got 2, expected at least 3"),
    "too few rows for the classes": ("a,y\n1,p\n2,q\n3,p\n", "got 2 classes in 3 rows, of which 1 would be learned"),
    "huge targets": ("a,y\n" + "".join(f"{a},{a}e300\n" for a, _ in ROWS), "t.csv:31, column 'y': a target of reg"),
    "tiny targets": ("a,y\n" + "".join(f"{a},{a}e-300\n" for a, _ in ROWS), "differs too little"),
    "decimal commas": ("a;y\n" + "".join(f"{a};{row},5\n" for row, (a, _) in enumerate(ROWS)), "decimal comma"),
}


@pytest.mark.parametrize("name", UNFIT)
@pytest.mark.filterwarnings("error")
def test_a_table_that_nothing_can_be_learned_from_is_told_in_one_line(name, tmp_path, monkeypatch, capsys):
    content, words = UNFIT[name]
    monkeypatch.chdir(tmp_path)
    Path("t.csv").write_text(content)
    assert main(["train", "t.csv", "--target", "y"]) == 2
    refused(capsys, words)
    assert tree(tmp_path) == ["t.csv"]


def test_why_a_column_is_text_although_it_looks_like_numbers(tmp_path, capsys):
    rows = "".join(f"{row}.5;{'oops' if row == 3 else row * 2};{row},25;{row % 3}.5\n" for row in range(30))
    path = tmp_path / "t.csv"
    path.write_text("a;mixed;comma;y\n" + rows)
    assert main(["train", str(path), "--target", "y", "--out", str(tmp_path / "run"), *SMALL]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "numbers but for 'oops' in" in told and "numbers with a decimal comma" in told


def test_intervals_are_spoken_of_where_there_are_some(tmp_path, capsys):
    for rows, said in ((5, False), (30, True)):
        path = tmp_path / f"{rows}.csv"
        path.write_text("a,y\n" + "".join(f"{row % 3}.5,{row * row % 11}.25\n" for row in range(rows)))
        assert main(["train", str(path), "--target", "y", "--out", str(tmp_path / str(rows)), *SMALL]) == 0
        assert ("In brackets" in capsys.readouterr().out) is said


def test_many_rows_are_told_with_commas(tmp_path, capsys):
    path = tmp_path / "t.csv"
    path.write_text("a,y\n" + "".join(f"{row}.5,{row % 7}.25\n" for row in range(2000)))
    assert main(["train", str(path), "--target", "y", "--out", str(tmp_path / "run"), "--epochs", "1"]) == 0
    told = capsys.readouterr().out
    assert "2,000 rows, 2 columns" in told and "1,400 rows to learn from" in told and "epoch 1 is kept" in told


def test_predictions_go_to_devices_and_through_links_without_replacing_them(wine, tmp_path):
    pipe, link, file = tmp_path / "pipe", tmp_path / "link.csv", tmp_path / "file.csv"
    os.mkfifo(pipe)
    link.symlink_to(file)
    reader = subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE, text=True)
    assert main(["predict", str(wine), WINE, "--out", str(pipe)]) == 0
    told = reader.communicate(timeout=60)[0]
    assert pipe.is_fifo() and len(rows_of(told)) == 178
    assert main(["predict", str(wine), WINE, "--out", str(link)]) == 0
    assert link.is_symlink() and file.read_text() == told
    done = pellucid("predict", str(wine), WINE, "--out", "/dev/stdout")
    assert (done.returncode, done.stdout) == (0, told)


@pytest.mark.parametrize("name", BAD_TABLES)
def test_a_bad_table_is_told_in_one_line(name, tmp_path, monkeypatch, capsys):
    content, words = BAD_TABLES[name]
    monkeypatch.chdir(tmp_path)
    Path("t.csv").write_text(content)
    assert main(["train", "t.csv", "--target", "y"]) == 2
    refused(capsys, words)
    assert tree(tmp_path) == ["t.csv"]


def refused(capsys, words):
    told, errors = capsys.readouterr()
    assert errors.startswith("pellucid: error: ") and errors.count("\n") == 1 and errors.endswith("\n")
    assert words in errors and "Traceback" not in errors and not told


TRAIN = ["train", WINE, "--target", "cultivar"]
WRONG = {
    "no such file": (["train", "wien.csv", "--target", "y"], "no such file"),
    "a directory": (["train", str(TABLES), "--target", "y"], "directory"),
    "no target": (["train", WINE], "--target COLUMN"),
    "a target twice": ([*TRAIN, "--target", "cultivar"], "twice"),
    "unknown target": (["train", WINE, "--target", "cultivars"], "Did you mean 'cultivar'"),
    "unknown task": ([*TRAIN, "--task", "multclass"], "Did you mean 'multiclass'"),
    "task that does not fit": ([*TRAIN, "--task", "regression"], "no number"),
    "unknown option": ([*TRAIN, "--sed", "1"], "Did you mean '--seed'"),
    "unknown command": (["trian", WINE], "Did you mean 'train'"),
    "option without a value": ([*TRAIN, "--seed"], "--seed"),
    "a word for a number": ([*TRAIN, "--seed", "one"], "--seed"),
    "a negative seed": ([*TRAIN, "--seed", "-1"], "--seed: not a seed"),
    "no epochs": ([*TRAIN, "--epochs", "0"], "--epochs: not a count"),
    "no time": ([*TRAIN, "--time", "soon"], "--time"),
    "no sizes": ([*TRAIN, "--hidden", "128;64"], "--hidden"),
    "a file in the way": ([*TRAIN, "--out", WINE], "in the way"),
    "a folder under a file": ([*TRAIN, "--out", f"{WINE}/run"], "cannot be written"),
    "a folder of others": ([*TRAIN, "--out", str(TABLES)], "not empty"),
    "a folder of others, to be overwritten": ([*TRAIN, "--out", str(TABLES), "--overwrite"], "holds no run"),
    "no such model": (["predict", "nowhere", WINE], "no such folder"),
    "no model in the folder": (["predict", str(TABLES), WINE], "no model"),
    "no such row": (["observe", "MODEL", WINE, "--row", "178"], "0 to 177"),
    "a negative row": (["observe", "MODEL", WINE, "--row", "-1"], "0 to 177"),
    "a table of something else": (["predict", "MODEL", LINNERUD], "columns that the model reads"),
    "a missing table": (["predict", "MODEL", "new.csv"], "no such file"),
    "a folder for predictions": (["predict", "MODEL", WINE, "--out", "."], "directory"),
    "predictions into nowhere": (["predict", "MODEL", WINE, "--out", "no/where.csv"], "no such folder"),
    "no probabilities of numbers": (["predict", "NUMBERS", LINNERUD, "--probabilities"], "no probabilities"),
    "a drawing of another kind": (["observe", "MODEL", WINE, "--row", "0", "--draw", "row.png"], ".svg"),
    "a drawing into nowhere": (["observe", "MODEL", WINE, "--row", "0", "--draw", "no/row.svg"], "no/row.svg"),
    "a file for a model": (["predict", WINE, WINE], "this is a file, and no run folder"),
    "a table without a name": (["train", "", "--target", "y"], "no file is named"),
    "a word for a row": (["observe", "MODEL", WINE, "--row", "one"], "a whole number is expected"),
    "too many arguments": (["predict", "MODEL", WINE, "more"], "more"),
    "no table": (["predict", "MODEL"], "TABLE"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_use_is_told_in_one_line(name, wine, linnerud, tmp_path, monkeypatch, capsys):
    arguments, words = WRONG[name]
    monkeypatch.chdir(tmp_path)
    places = {"MODEL": str(wine), "NUMBERS": str(linnerud)}
    assert main([places.get(word, word) for word in arguments]) == 2
    refused(capsys, words)
    assert tree(tmp_path) == []


@pytest.mark.parametrize("name", ["model.json", "model.safetensors"])
@pytest.mark.parametrize("damage", ["missing", "cut", "changed"])
def test_a_damaged_model_is_refused(wine, tmp_path, capsys, name, damage):
    for file in FILES:
        (tmp_path / file).write_bytes((wine / file).read_bytes())
    content = (wine / name).read_bytes()
    if damage == "missing":
        (tmp_path / name).unlink()
    else:
        half = len(content) // 2
        changed = bytes([content[half] ^ 1]) + content[half + 1 :] if damage == "changed" else b""
        (tmp_path / name).write_bytes(content[:half] + changed)
    assert main(["predict", str(tmp_path), WINE]) == 2
    refused(capsys, name)


def test_names_that_would_control_a_terminal_are_shown_by_their_codes(tmp_path, capsys):
    path = tmp_path / "t.csv"
    path.write_text("\x1b[31mred,y\n" + "".join(f"{row % 7}.5,{row}.25\n" for row in range(30)))
    assert main(["train", str(path), "--target", "y", "--out", str(tmp_path / "run"), *SMALL]) == 0
    assert main(["train", str(path), "--target", "\x1b[31mblue"]) == 2
    told, errors = capsys.readouterr()
    assert "\x1b" not in told + errors and "\\x1b[31mred" in told


def test_a_fault_of_pellucid_itself_is_told_as_one(monkeypatch, capsys):
    def fail(*arguments, **settings):
        raise TypeError("unexpected\nvalue")

    monkeypatch.setattr(sys.modules["pellucid.cli.predict"], "load_model", fail)
    assert main(["predict", "model", WINE]) == 1
    errors = capsys.readouterr().err
    assert "TypeError: unexpected\\nvalue" in errors and errors.count("\n") == 1 and "PELLUCID_DEBUG" in errors
    monkeypatch.setenv("PELLUCID_DEBUG", "1")
    assert main(["predict", "model", WINE]) == 1
    assert "Traceback" in capsys.readouterr().err


# -- interrupted -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def long_table(tmp_path_factory):
    """A table on which training takes many seconds."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(20_000, 6))
    y = np.sin(2 * x[:, 0]) + x[:, 1] * x[:, 2] + 0.1 * rng.normal(size=len(x))
    path = tmp_path_factory.mktemp("long") / "long.csv"
    np.savetxt(path, np.column_stack([x, y]), "%.5f", delimiter=",", header="a,b,c,d,e,f,y", comments="")
    return path


def start_training(table, out):
    command = [sys.executable, "-m", "pellucid", "train", str(table), "--target", "y", "--out", str(out)]
    command += ["--set", "training.patience=100000", "--set", "training.epochs=100000"]
    process = subprocess.Popen(
        command, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    line = ""
    while "Columns" not in line:  # what was understood is printed before training begins
        line = process.stdout.readline()
        assert line, process.stderr.read()
    time.sleep(1.0)
    return process


def test_ctrl_c_keeps_the_best_so_far(long_table, tmp_path):
    out = tmp_path / "run"
    process = start_training(long_table, out)
    process.send_signal(signal.SIGINT)
    told, errors = process.communicate(timeout=100)
    assert process.returncode == 130, errors
    assert "interrupted: keeping the best so far" in errors and errors.count("\n") == 1
    assert "stopped: interrupted" in told and "rmse" in told and "linear model" in told
    assert tree(tmp_path) == sorted(["run", *(f"run/{name}" for name in (*FILES, CHECKPOINT))])
    assert load_model(out).predict(str(long_table))["y"].shape == (20_000,)


def test_a_second_ctrl_c_stops_at_once_and_leaves_nothing(long_table, tmp_path):
    process = start_training(long_table, tmp_path / "deeper" / "run")
    process.send_signal(signal.SIGINT)
    assert "keeping the best so far" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors == "pellucid: interrupted; nothing was written\n"
    assert tree(tmp_path) == []


def test_a_kill_leaves_nothing(long_table, tmp_path):
    process = start_training(long_table, tmp_path / "run")
    process.terminate()
    process.communicate(timeout=60)
    assert process.returncode == 143
    assert tree(tmp_path) == []
