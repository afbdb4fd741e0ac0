"""What does not fit a model, damaged models, checkpoints and settings: one clear line, and nothing left behind."""

import gzip
import os
from pathlib import Path

import bad_files as bad
import numpy as np
import pytest
from bad_desk import LOADERS, MEND, QUICK, ROW, TRAIN
from bad_files import GOOD, put_in, without

from pellucid.cli import main

ROOT = Path(__file__).resolve().parent.parent


# -- tables that do not fit a model ------------------------------------------------------------------------------------

PREDICT, EVALUATE, OBSERVE = (
    ["predict", "model", "t.csv"],
    ["evaluate", "model", "t.csv"],
    ["observe", "model", "t.csv"],
)
TEST, FROM = [*TRAIN, "--ignore", "price", "--test", "t.csv"], ["train", "t.csv", "-t", "kind", "--from", "model"]
READERS = (PREDICT, EVALUATE, [*OBSERVE, *ROW], TEST)
JUDGES = (EVALUATE, TEST)
DAYS = bad.as_csv({**bad.good_columns(), "picked": list(range(60))})
WORDS = bad.as_csv({**bad.good_columns(), "size": ["large"] * 60})
MISFITS = {
    "a word in a column of numbers": (put_in(9, "size", "tiny"), READERS, "t.csv:9, column 'size'", "'tiny'", MEND),
    "a column of words": (WORDS, READERS, "t.csv:2, column 'size': a number is needed", "'large'"),
    "a column of dates": (WORDS.replace("large", "2024-01-01"), READERS, "t.csv:2, column 'size'", "the date 2024-01"),
    "an infinite number": (put_in(5, "size", "inf"), READERS, "t.csv:5, column 'size': a number is infinite"),
    "no date": (put_in(9, "picked", "soon"), READERS, "t.csv:9, column 'picked': a date is needed", "2024-12-31"),
    "a date that is none": (put_in(9, "picked", "2024-02-30"), READERS, "t.csv:9, column 'picked'", "'2024-02-30'"),
    "numbers for dates": (DAYS, READERS, "t.csv:2, column 'picked': a date is needed", "got 0"),
    "a column less": (without("size"), READERS, "t.csv", "no 'size'", "Known: colour"),
    "columns less": (without("size", "picked"), READERS[:3], "t.csv: 2 columns that the model reads", "'picked'"),
    "another name": (GOOD.replace("size", "siez", 1), READERS, "no 'size'", "Did you mean 'siez'"),
    "no target": (without("kind"), JUDGES, "t.csv", "'kind'", "Known: colour"),
    "a missing target": (put_in(9, "kind", ""), (*JUDGES, FROM), "t.csv:9, column 'kind': a row has no target"),
    "an unseen class": (put_in(9, "kind", "dark"), (*JUDGES, FROM), "t.csv:9, column 'kind'", "'dark'", "'bock'"),
    "a missing weight": (put_in(9, "weight", ""), ([*EVALUATE, "--weight", "weight"],), "t.csv:9, column 'weight'"),
    "a negative weight": (
        put_in(9, "weight", "-1"),
        ([*TEST, "--weight", "weight"],),
        "t.csv:9, column 'weight'",
        "-1",
    ),
    "weights of words": (GOOD, ([*EVALUATE, "--weight", "colour"],), "t.csv, column 'colour': a weight is a number"),
    "a weight that is not there": (GOOD, ([*EVALUATE, "--weight", "wieght"],), "Did you mean 'weight'"),
    "the test and folds": (GOOD, ([*TEST, "--folds", "3"],), "folds and a test table exclude each other", "Choose one"),
}


@pytest.mark.parametrize("name", MISFITS)
def test_a_table_that_does_not_fit_the_model(name, desk, refuse):
    text, commands, *words = MISFITS[name]
    (desk / "t.csv").write_text(text, "utf-8")
    for arguments in commands:
        refuse(arguments, *words, printed=arguments is FROM)


@pytest.mark.parametrize(
    ("cell", "words"),
    [("dear", "a number is needed"), ("", "a row has no target"), ("inf", "infinite"), ("1e300", "power of ten")],
)
def test_a_target_that_is_no_number(cell, words, desk, refuse):
    (desk / "t.csv").write_text(put_in(9, "price", cell), "utf-8")
    refuse(["evaluate", "numbers", "t.csv"], "t.csv:9, column 'price'", words)


# -- damaged models ----------------------------------------------------------------------------------------------------

RECORD, ARRAYS, RESTORE = "model.json", "model.safetensors", "Restore the folder from a copy, or train again"
NEWER = "the model was saved by a newer Pellucid"


def halved(content):
    return content[: len(content) // 2]


def flipped(content):
    return bad.flip(content, len(content) // 2)


def claim(**changes):
    return lambda content: bad.signed(content, **changes)


MODELS = {
    "no record": (RECORD, None, "model: there is no model in this folder: no model.json", "that training made"),
    "no arrays": (ARRAYS, None, "model: there is no model in this folder: no model.safetensors"),
    "a cut record": (RECORD, halved, "the file is damaged", RESTORE),
    "cut arrays": (ARRAYS, halved, "the file is damaged", RESTORE),
    "an empty record": (RECORD, lambda content: b"", "the file is damaged", RESTORE),
    "empty arrays": (ARRAYS, lambda content: b"", "the file is damaged", RESTORE),
    "a flipped bit in the record": (RECORD, flipped, RESTORE),
    "a flipped bit in the arrays": (ARRAYS, flipped, "the file is damaged", RESTORE),
    "a record of zeros": (RECORD, lambda content: bytes(len(content)), "the file is damaged", RESTORE),
    "arrays of zeros": (ARRAYS, lambda content: bytes(len(content)), "the file is damaged", RESTORE),
    "a compressed record": (RECORD, gzip.compress, "the file is damaged", RESTORE),
    "compressed arrays": (ARRAYS, gzip.compress, "the file is damaged", RESTORE),
    "more behind the record": (RECORD, lambda content: content + b"{}", "the file is damaged", RESTORE),
    "more behind the arrays": (ARRAYS, lambda content: content + b"\0", "the file is damaged", RESTORE),
    "a head of 2^60 bytes": (ARRAYS, lambda content: (2**60).to_bytes(8, "little") + content[8:], "a head of more"),
    "2^40 numbers": (ARRAYS, lambda content: bad.claiming_shape(2**40) + bytes(64), "the file is damaged", RESTORE),
    "numbers beyond all": (ARRAYS, lambda content: bad.claiming_shape(2**62, 2**62), "the file is damaged", RESTORE),
    "another model's arrays": (ARRAYS, lambda content: Path("numbers", ARRAYS).read_bytes(), RESTORE),
    "a newer schema": (RECORD, claim(schema=99), NEWER, "schema 99", "Update Pellucid"),
    "a schema beyond all": (RECORD, claim(schema=10**40), NEWER, "Update Pellucid"),
    "a schema in words": (RECORD, claim(schema="2"), "'schema' is of the wrong kind", RESTORE),
    "targets of the wrong kind": (RECORD, claim(targets=[]), "'targets' is of the wrong kind", RESTORE),
    "a graph of the wrong kind": (RECORD, claim(graph={}), "'graph' is of the wrong kind", RESTORE),
    "a graph without an end": (RECORD, claim(graph=["input x: float32[2]"] * 30_000), "too long", RESTORE),
    "columns of the wrong kind": (RECORD, claim(columns=[1]), RESTORE),
    "columns without an end": (
        RECORD,
        claim(
            columns=[{"name": f"c{n}", "role": "number", "indicator": False, "constant": False} for n in range(20_000)]
        ),
        RESTORE,
    ),
    "a list": (RECORD, lambda content: b"[]", "the file is no model"),
    "too deep": (RECORD, lambda content: b"[" * 100_000 + b"]" * 100_000, "the file is damaged", RESTORE),
    "too large": (RECORD, lambda content: content + bytes(65 * 2**20), "at most 64 MB", RESTORE),
    "Latin-1": (RECORD, lambda content: content.replace(b"red", b"r\xe4d"), "the file is damaged", RESTORE),
    "UTF-16": (RECORD, lambda content: content.decode().encode("utf-16"), "the file is damaged", RESTORE),
}


@pytest.mark.parametrize("name", MODELS)
def test_a_damaged_model(name, desk, refuse):
    file, change, *words = MODELS[name]
    path = desk / "model" / file
    content = path.read_bytes()
    path.unlink()
    if change is not None:
        path.write_bytes(change(content))
        words.append(str(Path("model", file)))
    for arguments in LOADERS:
        refuse(arguments, *words)


FINGERPRINT = {"schema": "2", "fingerprint": "x", "digest": "y"}


def checkpoint(metadata):
    from safetensors.numpy import save

    return save({"parameters/a": np.zeros(3)}, metadata=metadata)


BROKEN = "run/checkpoint.safetensors: the checkpoint can not be read".replace("/", os.sep)
CHECKPOINTS = {
    "empty": (b"", BROKEN, "Delete it to start anew"),
    "no arrays": (bad.head_of({}), "Delete it to start anew"),
    "a head of 2^60 bytes": ((2**60).to_bytes(8, "little") + b"{}", BROKEN, "Delete it"),
    "2^40 numbers": (bad.claiming_shape(2**40), BROKEN, "Delete it"),
    "numbers of another kind": (
        bad.head_of({"a": {"dtype": "F8_E4M3", "shape": [2], "data_offsets": [0, 2]}}) + b"\0\0",
        BROKEN,
    ),
    "another version": (checkpoint({**FINGERPRINT, "schema": "99"}), "another version", "got 99"),
    "changed": (checkpoint({**FINGERPRINT, "progress": "{}"}), BROKEN, "other content than was written"),
    "too deep": (checkpoint({**FINGERPRINT, "progress": "[" * 100_000}), BROKEN, "Delete it"),
}


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_a_damaged_checkpoint(name, desk, refuse):
    content, *words = CHECKPOINTS[name]
    (desk / "run").mkdir()
    (desk / "run" / "checkpoint.safetensors").write_bytes(content)
    refuse([*TRAIN, "--out", "run", "--resume", *QUICK], *words)


# -- settings ----------------------------------------------------------------------------------------------------------

SETTINGS = {
    "no TOML": (b"[training\nepochs = 3\n", "my.toml:1:10: not TOML"),
    "a setting twice": (b"seed = 1\nseed = 2\n", "my.toml:2", "not TOML"),
    "CSV": (GOOD.encode(), "my.toml:1:5: not TOML"),
    "Parquet": (bad.good_parquet(), "my.toml:1: the file is not in UTF-8"),
    "Latin-1": (b"seed = 1\n# gr\xf6\xdfe\n", "my.toml:2: the file is not in UTF-8", "Save it as UTF-8"),
    "UTF-16": ("seed = 1\n".encode("utf-16"), "my.toml:1: the file is not in UTF-8"),
    "a NUL byte": (b"seed = 1\n\0\n", "my.toml:2:1: not TOML"),
    "too deep": (b"seed = " + b"[" * 50_000, "my.toml: lists or tables are nested too deeply"),
    "too many parts": (b"a" + b".a" * 50_000 + b" = 1\n", "my.toml:1: a key has too many parts"),
    "too large": (b"#" * (2**24 + 1), "my.toml: the file is too large"),
    "an unknown section": (b"[trainin]\nepochs = 3\n", "my.toml:1, trainin", "Did you mean 'training'"),
    "an unknown setting": (b"[training]\nepoch = 3\n", "my.toml:2, training.epoch", "Did you mean 'training.epochs'"),
    "a word for a number": (b"[training]\nepochs = 'many'\n", "my.toml:2, training.epochs", "'many'"),
    "a truth for a number": (b"[training]\nepochs = true\n", "my.toml:2, training.epochs: not a whole number"),
    "a number out of range": (b"[network]\ndropout = 1.0\n", "my.toml:2, network.dropout: out of range", "below 1"),
    "a huge number": (b"seed = 99999999999999999999\n", "my.toml:1, seed: too large"),
    "no number": (b"[optimizer]\nlearning_rate = nan\n", "my.toml:2, optimizer.learning_rate: out of range"),
    "an endless time": (b"[training]\ntime_limit = inf\n", "my.toml:2, training.time_limit: out of range"),
    "layers of nothing": (b"[network]\nhidden = [8, 0]\n", "my.toml:2, network.hidden", "[8, 0]"),
    "layers without an end": (b"[network]\nhidden = [1000000000]\n", "my.toml:2, network.hidden", "1000000"),
    "more activations than layers": (b"[network]\nactivation = ['relu', 'tanh']\n", "my.toml:2, network.activation"),
    "no rows to learn from": (b"[split]\nvalidation = 0.9\ntest = 0.2\n", "my.toml:2, split.validation", "less than 1"),
    "an unknown optimizer": (b"[optimizer]\nname = 'adan'\n", "my.toml:2, optimizer.name", "Did you mean 'adam'"),
    "another's setting": (b"[optimizer]\nname = 'adam'\nmomentum = 0.9\n", "my.toml:3, optimizer.momentum", "adam"),
    "an unknown role": (b"[roles]\ncolour = 'categories'\n", "my.toml:2, roles.colour", "Did you mean 'category'"),
    "a role for no column": (b"[roles]\ncolor = 'category'\n", "no column 'color'", "Did you mean 'colour'"),
    "columns in one word": (b"[table]\nignore = 'colour,size'\n", "no column 'colour,size'", "Did you mean 'colour'"),
    "a section that is none": (b"roles = 3\n", "my.toml:1, roles: not a section", "[roles]"),
    "a table that is gone": (b"[table]\ntest = 'god.csv'\n", "god.csv: there is no such file", "'good.csv'"),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_a_bad_file_of_settings(name, desk, refuse):
    content, *words = SETTINGS[name]
    (desk / "my.toml").write_bytes(content)
    refuse([*TRAIN, "--config", "my.toml", "--out", "run"], *words)


def test_the_record_of_a_run_is_damaged(desk, refuse, capsys):
    record = desk / "model" / "run.toml"
    record.write_bytes(record.read_bytes()[:-40] + b"[[[")
    place = str(Path("model", "run.toml"))
    refuse(["train", "--config", place, "--out", "run"], place, "not TOML")
    refuse([*TRAIN, "--from", "model", "--out", "run"], place, "not TOML")
    assert main(["predict", "model", "good.csv"]) == 0, "predicting does not need it"
    assert main(["show", "model"]) == 0
