"""Bad files on the command line: one clear message, exit code 2, no traceback, and nothing left behind."""

import errno
import gzip
import io
import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pellucid.cli import main
from pellucid.model.record import MAX_BYTES

ROOT = Path(__file__).resolve().parent.parent
WINE = ROOT / "examples" / "tables" / "wine.csv"
GOOD = WINE.read_bytes()
LINES = GOOD.splitlines(keepends=True)


def parquet(frame):
    file = io.BytesIO()
    frame.to_parquet(file)
    return file.getvalue()


def changed(line, old, new):
    """The table with one line changed; the head is line 1."""
    assert old in LINES[line - 1]
    return b"".join([*LINES[: line - 1], LINES[line - 1].replace(old, new, 1), *LINES[line:]])


def table(*rows, head="a,b,cultivar"):
    return "\n".join([head, *rows]).encode() + b"\n"


def many(make, head="a,b,cultivar"):
    return table(*(make(row) for row in range(40)), head=head)


FRAME = pd.read_csv(WINE)
PARQUET = parquet(FRAME)

TABLES = {
    "an empty file": (b"", "empty"),
    "a file of empty lines": (b"\n\n\n", "t.csv"),
    "a head alone": (LINES[0], "no rows"),
    "a row that is too long": (changed(5, b"\n", b",7\n"), "t.csv:5"),
    "a row that is too short": (changed(9, b"14.06,2.15,", b"14.06,"), "t.csv:9"),
    "a quote that is not closed": (changed(4, b"cultivar_1", b'"cultivar_1'), "quote"),
    "a NUL byte": (changed(3, b"13.2", b"13\x00.2"), "t.csv"),
    "UTF-16": (GOOD.decode().encode("utf-16"), "UTF-16"),
    "Latin-1": (changed(6, b"cultivar_1", "blå".encode("latin-1")), "t.csv:6"),
    "two columns of one name": (changed(1, b"malic_acid", b"alcohol"), "'alcohol'"),
    "a column without a name": (changed(1, b"malic_acid", b""), "t.csv"),
    "a compressed file": (gzip.compress(GOOD), "t.csv"),
    "Parquet under another name": (PARQUET, "t.csv"),
    "a picture": (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "t.csv"),
    "a database": (b"SQLite format 3\x00" + bytes(100), "t.csv"),
    "one row": (b"".join(LINES[:2]), "cultivar"),
    "one class": (many(lambda row: f"{row}.5,{row * 7 % 5},only"), "nothing to learn"),
    "a target without a value": (many(lambda row: f"{row}.5,{row * 7 % 5},"), "cultivar"),
    "a target that is missing in a row": (many(lambda row: f"{row}.5,1.5,{'' if row == 20 else 'ab'[row % 2]}"), ":22"),
    "a class for each row": (many(lambda row: f"{row}.5,1.5,name {row}"), "class of its own"),
    "an infinite number": (changed(7, b"14.2", b"inf"), "t.csv:7, column 'alcohol'"),
    "all columns constant": (many(lambda row: f"1,2,{'ab'[row % 2]}"), "no column is left"),
    "only keys": (many(lambda row: f"{row},n{row},{'ab'[row % 2]}", "id,key,cultivar"), "no column is left"),
    "another target": (GOOD.replace(b"cultivar\n", b"kind\n", 1), "no column 'cultivar'"),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_bad_table_is_told_in_one_line(name, tmp_path, monkeypatch, capsys):
    content, words = TABLES[name]
    monkeypatch.chdir(tmp_path)
    Path("t.csv").write_bytes(content)
    for arguments in (["train", "t.csv", "-t", "cultivar"], ["init", "t.csv", "-t", "cultivar"]):
        if arguments[0] == "init" and name == "one row":
            continue  # every setting can be told
        refused(arguments, words, capsys)
    assert os.listdir() == ["t.csv"]


def refused(arguments, words, capsys):
    assert main(arguments) == 2, capsys.readouterr()
    told, errors = capsys.readouterr()
    assert not told and errors.startswith("pellucid: error: ") and errors.count("\n") == 1 and errors.endswith("\n")
    assert words in errors and "Traceback" not in errors and len(errors) < 1500


PARQUETS = {
    "cut": PARQUET[: len(PARQUET) // 2],
    "a head alone": PARQUET[:4],
    "an end alone": PARQUET[-200:],
    "CSV under another name": GOOD,
    "empty": b"",
    "damaged in its cells": PARQUET[:4] + bytes(400) + PARQUET[404:],
    "no rows": parquet(FRAME.iloc[:0]),
    "lists in cells": parquet(FRAME.assign(alcohol=[[1.0, 2.0]] * len(FRAME))),
    "a missing target": parquet(FRAME.assign(cultivar=[None, *FRAME["cultivar"][1:]])),
    "infinity": parquet(FRAME.assign(alcohol=[np.inf, *FRAME["alcohol"][1:]])),
}


@pytest.mark.parametrize("name", PARQUETS)
def test_a_bad_parquet_file_is_told_in_one_line(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("t.parquet").write_bytes(PARQUETS[name])
    refused(["train", "t.parquet", "--target", "cultivar"], "t.parquet", capsys)
    assert os.listdir() == ["t.parquet"]


def test_what_is_no_table_file(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("folder.csv").mkdir()
    Path("t.xlsx").write_bytes(b"PK\x03\x04")
    for file, words in (("folder.csv", "directory"), ("t.xlsx", "t.xlsx"), ("nowhere.csv", "no such file")):
        refused(["train", file, "--target", "y"], words, capsys)
    assert sorted(os.listdir()) == ["folder.csv", "t.xlsx"]


# -- models ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def wine(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bad") / "wine"
    assert (
        main(["train", str(WINE), "-t", "cultivar", "--out", str(folder), "--epochs", "1", "--hidden", "3", "-q"]) == 0
    )
    return folder


def newer(record):
    return record | {"schema": 999}


def other_digest(record):
    return record | {"digest": "0" * 64}


RECORDS = {
    "a newer schema": (lambda text: json.dumps(newer(json.loads(text))), "model.json"),
    "no object": (lambda text: "[1, 2]", "model.json"),
    "no JSON": (lambda text: text[: len(text) // 2], "model.json"),
    "another digest": (lambda text: json.dumps(other_digest(json.loads(text))), "model.json"),
    "nothing": (lambda text: "", "model.json"),
    "too much": (lambda text: text + " " * MAX_BYTES, "too large"),
    "deeply nested": (lambda text: "[" * 100_000, "model.json"),
}


@pytest.mark.parametrize("name", RECORDS)
def test_a_bad_record_is_told_in_one_line(wine, name, tmp_path, capsys):
    change, words = RECORDS[name]
    for file in wine.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    text = change((wine / "model.json").read_text(encoding="utf-8"))
    (tmp_path / "model.json").write_text(text, encoding="utf-8")
    for arguments in (
        ["show", str(tmp_path)],
        ["predict", str(tmp_path), str(WINE)],
        ["evaluate", str(tmp_path), str(WINE)],
        ["observe", str(tmp_path), str(WINE), "--row", "0"],
        ["train", str(WINE), "-t", "cultivar", "--from", str(tmp_path), "--out", str(tmp_path / "run")],
    ):
        refused(arguments, words, capsys)
    assert not (tmp_path / "run").exists()


ARRAYS = {
    "nothing": lambda content: b"",
    "cut": lambda content: content[:-10],
    "more": lambda content: content + bytes(10),
    "a head that claims too much": lambda content: (2**62).to_bytes(8, "little") + content[8:],
    "another bit": lambda content: content[:-1] + bytes([content[-1] ^ 1]),
    "zeros": lambda content: bytes(len(content)),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_bad_arrays_are_told_in_one_line(wine, name, tmp_path, capsys):
    for file in wine.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "model.safetensors").write_bytes(ARRAYS[name]((wine / "model.safetensors").read_bytes()))
    refused(["show", str(tmp_path)], "model.safetensors", capsys)


def test_a_bad_record_of_the_run_does_not_hurt_the_model(wine, tmp_path, capsys):
    for file in wine.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    for text in ("[table", "table = 3\nversions = []\noutcome = 'x'", "\ufeff", "schema = 99\n[outcome]\nepochs = 3"):
        (tmp_path / "run.toml").write_text(text, encoding="utf-8")
        assert main(["show", str(tmp_path)]) == 0
        assert "multiclass of cultivar" in capsys.readouterr().out


# -- places that cannot be written -----------------------------------------------------------------------------------


@pytest.mark.parametrize("out", ["/dev/full", "no/where.csv", "."])
def test_predictions_that_cannot_be_written(wine, out, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    refused(["predict", str(wine), str(WINE), "--out", out], out, capsys)
    assert os.listdir() == []


def test_a_full_disk_for_the_output(wine, capsys, monkeypatch):
    class Full(io.BytesIO):
        def write(self, content):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(Full(), encoding="utf-8"))
    assert main(["predict", str(wine), str(WINE)]) == 2
    monkeypatch.undo()
    errors = capsys.readouterr().err
    assert errors.count("\n") == 1 and "space" in errors
