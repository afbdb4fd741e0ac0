"""Wrong use and bad files: one clear line, exit code 2, nothing printed, and nothing left behind."""

import errno
import gzip
import json
import os
import shutil
import subprocess
import sys
import tomllib
import warnings
from pathlib import Path

import bad_files as bad
import numpy as np
import pyarrow as pa
import pytest
from bad_files import GOOD, put_in, table_of, without

from pellucid.cli import main

ROOT = Path(__file__).resolve().parent.parent
QUICK = ["--epochs", "1", "--hidden", "4", "-q"]
TRAIN = ["train", "good.csv", "-t", "kind"]


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """A folder with good tables, a model of classes and one of numbers."""
    folder = tmp_path_factory.mktemp("good")
    (folder / "good.csv").write_text(GOOD, "utf-8")
    (folder / "good.parquet").write_bytes(bad.good_parquet())
    table, weighed = str(folder / "good.csv"), ["--ignore", "kind", "--weight", "weight"]
    assert main(["train", table, "-t", "kind", "--ignore", "price", "--out", str(folder / "model"), *QUICK]) == 0
    assert main(["train", table, "-t", "price", *weighed, "--out", str(folder / "numbers"), *QUICK]) == 0
    for name in ("history.jsonl", "curves.png"):
        (folder / "model" / name).unlink()
    return folder


@pytest.fixture
def desk(good, tmp_path, monkeypatch):
    """A copy of it to work in, which is the current folder."""
    desk = shutil.copytree(good, tmp_path / "desk")
    monkeypatch.chdir(desk)
    return desk


@pytest.fixture
def refuse(desk, capsys):
    """Run a command that has to refuse, and say all of `words` in one line."""

    def run(arguments, *words, printed=False):
        before = dict(bad.walk(desk))
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)  # it would be a line of its own
            code = main(list(arguments))
        told, errors = capsys.readouterr()
        assert code == 2, (arguments, errors)
        assert errors.startswith("pellucid: error: ") and errors.endswith((".\n", "?\n")), errors
        assert errors[:-1].isprintable() and len(errors) < 700 and "Traceback" not in errors, errors
        for word in words:
            assert word in errors, (word, errors)
        assert printed or not told, told
        assert dict(bad.walk(desk)) == before

    return run


# -- files that cannot be read, whichever command is given them --------------------------------------------------------

COMMANDS = {
    "train": ["train", "FILE", "-t", "kind"],
    "test": [*TRAIN, "--test", "FILE"],
    "init": ["init", "FILE", "-t", "kind"],
    "predict": ["predict", "model", "FILE", "--out", "predicted.csv"],
    "evaluate": ["evaluate", "model", "FILE"],
    "observe": ["observe", "model", "FILE", "--row", "0", "--draw", "row.svg"],
}

LATIN, NO_TEXT = "iconv", "Export the table as CSV in UTF-8"
CSV = {
    "nothing": (b"", "t.csv: the file is empty", "a header and rows"),
    "only spaces": (b" \n\t\r\n  \n", "t.csv: the file is empty"),
    "only a byte order mark": (b"\xef\xbb\xbf", "t.csv: the file is empty"),
    "header only": (b"size,kind\n", "t.csv: the file has a header but no rows"),
    "half a header": (b"size,ki", "t.csv: the file has a header but no rows"),
    "a short row": (b"a,kind,c\n1,2,3\n4,5\n", "t.csv:3: the row has too few cells", "got 2", "Leave a missing cell"),
    "a long row": (b"a,kind\n1,2\n3,4,5\n6,7\n", "t.csv:3: the row has too many cells", "got 3", "in quotes"),
    "a row of one cell": (b"a,kind\n1,2\nTotal\n", "t.csv:3: the row has too few cells", "got 1 cell,"),
    "ragged behind quoted lines": (b'a,kind,c\n"1\n\n2",3,4\n\n5,6\n', "t.csv:6: the row has too few cells"),
    "ragged at the end": (b"a,kind\r\n1,2\r\n3", "t.csv:3: the row has too few cells"),
    "a quote in the wrong place": (b'a,kind\n1,"x\n2,"y,3\n', "t.csv:2:", "runs to line 3", "is a quote missing"),
    "an unclosed quote": (b'a,kind\n1,2\n3,"x\n4,5\n', "t.csv:3: a quote is opened in cell 2", "'kind'", "twice"),
    "an unclosed quote in the header": (b'a,"kind\n1,2\n', "t.csv:1: a quote is opened in name 2"),
    "a NUL byte": (b"a,kind\n1,2\n3,x\0y\n", "t.csv:3:4: a NUL byte", NO_TEXT),
    "a NUL byte in the header": (b"a\0,kind\n1,2\n", "t.csv:1:2: a NUL byte"),
    "zeros": (bytes(4096), "t.csv:1:1: a NUL byte"),
    "Latin-1": ("a,kind\n1,2\n3,für\n".encode("latin-1"), "t.csv:3:4: the text is not UTF-8", "0xFC", LATIN),
    "Latin-1 in the header": ("größe,kind\n1,2\n".encode("latin-1"), "t.csv:1:3: the text is not UTF-8", LATIN),
    "half a letter": ("a,kind\n1,ü".encode()[:-1], "t.csv:2:3: the text is not UTF-8", "0xC3"),
    "an overlong letter": (b"a,kind\n1,\xc0\xaf\n", "t.csv:2:3: the text is not UTF-8", "0xC0"),
    "half a pair": (b"a,kind\n1,\xed\xa0\x80\n", "t.csv:2:3: the text is not UTF-8", "0xED"),
    "UTF-16": (GOOD.encode("utf-16"), "t.csv: the file is no CSV text", "UTF-16", NO_TEXT),
    "UTF-16, the other way": (b"\xfe\xff" + GOOD.encode("utf-16-be"), "UTF-16", NO_TEXT),
    "UTF-16 without a mark": (GOOD.encode("utf-16-le"), "t.csv:1:2: a NUL byte", NO_TEXT),
    "a name twice": (b"a,kind,a\n1,2,3\n", "t.csv:1: two columns have the name 'a'", "columns 1 and 3"),
    "names alike but for spaces": (b"a,kind, a\n1,2,3\n", "t.csv:1: two columns have the name 'a'"),
    "no name": (b"a,,kind\n1,2,3\n", "t.csv:1: column 2 has no name", "Give it one"),
    "a name of spaces": (b'a,"  ",kind\n1,2,3\n', "t.csv:1: column 2 has no name"),
    "the index of pandas": (b",kind\n0,2\n", "t.csv:1: column 1 has no name", "index=False"),
    "no header": (b"5.1,3.5,1\n4.9,3,2\n", "t.csv:1: the first line holds numbers", "names first"),
    "gzip": (bad.compressed()["gzip"], "t.csv: the file is no CSV text", "gzip", "Decompress it"),
    "ZIP": (bad.compressed()["ZIP"], "a ZIP archive", "Decompress it"),
    "a workbook": (bad.compressed()["Excel"], "an Excel workbook", "export the sheet as CSV"),
    "bzip2": (bad.compressed()["bzip2"], "bzip2", "Decompress it"),
    "xz": (bad.compressed()["xz"], "xz", "Decompress it"),
    "Zstandard": (pa.Codec("zstd").compress(GOOD.encode(), asbytes=True), "Zstandard", "Decompress it"),
    "an old workbook": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500), "an old Excel workbook", NO_TEXT),
    "Parquet": (bad.good_parquet(), "a Parquet file", "Name it .parquet"),
    "Arrow": (bad.arrowed(), "an Arrow file", NO_TEXT),
    "a picture": (bad.pictured(), "a picture", NO_TEXT),
    "a document": (bad.printed(), "a PDF document", NO_TEXT),
    "an array": (bad.array_file(), "t.csv:1:", NO_TEXT),
    "a pickle": (b"\x80\x04\x95\n\0\0\0\0\0\0\0]\x94.", "t.csv:1:1: the text is not UTF-8"),
    "a data base": (b"SQLite format 3\0" + bytes(100), "t.csv:1:16: a NUL byte", NO_TEXT),
    "JSON": (b'[{"a": 1, "kind": 2},\n {"a": 2, "kind": 3}]\n', "t.csv:1: column 3 has no name"),
    "a page of the web": (b"<!DOCTYPE html>\n<p>Not, found</p>\n", "t.csv:2: the row has too many cells"),
}


@pytest.mark.parametrize("name", CSV)
def test_a_file_that_is_no_csv(name, desk, refuse):
    content, *words = CSV[name]
    (desk / "t.csv").write_bytes(content)
    for arguments in COMMANDS.values():
        refuse([{"FILE": "t.csv"}.get(word, word) for word in arguments], "t.csv", *words)


DAMAGED = "t.parquet: the file is damaged, or is no Parquet file"


def parquet_of(**columns):
    return bad.as_parquet(pa.table(columns))


def namesakes():
    return bad.as_parquet(pa.Table.from_arrays([pa.array([1, 2]), pa.array([3, 4])], ["a", "a"]))


PARQUET = {
    "nothing": (b"", "t.parquet: the file is empty"),
    "CSV": (GOOD.encode(), DAMAGED, "Export the table anew"),
    "gzip": (gzip.compress(bad.good_parquet()), DAMAGED),
    "cut at the end": (bad.good_parquet()[:-20], DAMAGED),
    "cut at the beginning": (bad.good_parquet()[200:], DAMAGED),
    "half": (bad.good_parquet()[: len(bad.good_parquet()) // 2], DAMAGED),
    "only its mark": (b"PAR1", DAMAGED),
    "its mark twice": (b"PAR1PAR1", DAMAGED),
    "a flipped bit": (bad.flip(bad.good_parquet(), 300), DAMAGED),
    "a description of 4 GB": (bad.boundless_parquet(), DAMAGED, "4294967295"),
    "a description of nothing": (bad.good_parquet()[:-8] + b"\0\0\0\0PAR1", DAMAGED),
    "a name that is no text": (parquet_of(kind=["a", "b"]).replace(b"kind", b"ki\xffd"), DAMAGED),
    "no rows": (parquet_of(kind=pa.array([], pa.string())), "t.parquet: the table has no rows"),
    "no columns": (parquet_of(), "t.parquet: the table has no rows"),
    "a name twice": (namesakes(), "t.parquet: two columns have the same name", "'a'"),
    "lists": (parquet_of(kind=[[1], [2]]), "t.parquet, column 'kind'", "list<", "Leave it out"),
    "records": (parquet_of(kind=[{"a": 1}, {"a": 2}]), "t.parquet, column 'kind'", "struct<", "Leave it out"),
    "bytes": (parquet_of(kind=pa.array([b"\xff", b"a"])), "t.parquet, column 'kind'", "binary", "Decode"),
    "days beyond the calendar": (
        parquet_of(kind=pa.array([2**31 - 2, 1], pa.date32())),
        "t.parquet, column 'kind': a date is too far away",
    ),
}


@pytest.mark.parametrize("name", PARQUET)
def test_a_file_that_is_no_parquet(name, desk, refuse):
    content, *words = PARQUET[name]
    (desk / "t.parquet").write_bytes(content)
    for arguments in COMMANDS.values():
        refuse([{"FILE": "t.parquet"}.get(word, word) for word in arguments], *words)


PLACES = {
    "god.csv": ("god.csv: there is no such file", "Did you mean 'good.csv'"),
    "no/such.csv": ("no/such.csv: there is no such file", "There is no directory 'no'"),
    "folder.csv": ("folder.csv: this is a directory", "a CSV or Parquet file"),
    "folder.parquet": ("folder.parquet: this is a directory", "a CSV or Parquet file"),
    ".": (".: this is a directory",),
    "good.csv.gz": ("good.csv.gz", "'.gz'", "Decompress it first"),
    "good.xlsx": ("good.xlsx", "known by its ending", "Export it as CSV"),
    "good": ("good: a table's file is known by its ending", "got none", ".parquet"),
    "good.csv/t.csv": ("good.csv/t.csv", "Not a directory"),
    "": ("no file is named",),
    "a\0b.csv": ("a\\x00b.csv", "NUL"),
    "x" * 300 + ".csv": ("xxx.csv", "File name too long"),
    "C:\\data\\good.csv": ("C:\\data\\good.csv: there is no such file", "Did you mean 'good.csv'"),
    "line\nbreak\x1b[2J.csv": ("line\\nbreak\\x1b[2J.csv: there is no such file",),
    "\u202etxt.csv": ("\\u202etxt.csv: there is no such file",),
    "\udcff.csv": ("\\udcff.csv: there is no such file",),
    "nowhere.csv": ("nowhere.csv: there is no such file",),
    "loop.csv": ("loop.csv: the file cannot be opened",),
}
if hasattr(os, "mkfifo"):  # Windows has no such files
    PLACES["pipe.csv"] = ("pipe.csv: this is no plain file", "Write what comes out of the pipe")
    PLACES["pipe.parquet"] = ("pipe.parquet: this is no plain file",)


@pytest.mark.parametrize("name", PLACES, ids=ascii)
def test_a_place_where_no_table_is(name, desk, refuse):
    for folder in ("folder.csv", "folder.parquet"):
        (desk / folder).mkdir()
    shutil.copy("good.parquet", "folder.parquet")
    for other in ("good.csv.gz", "good.xlsx", "good"):
        shutil.copy("good.csv", other)
    if name in ("nowhere.csv", "loop.csv"):
        Path(name).symlink_to("gone.csv" if name == "nowhere.csv" else name)
    if name.startswith("pipe"):
        os.mkfifo(name)
    for command, arguments in COMMANDS.items():
        if not (command == "test" and not name):  # where "" says that there is none
            refuse([{"FILE": name}.get(word, word) for word in arguments], *PLACES[name])


# -- tables that nothing can be learned from ---------------------------------------------------------------------------


def words_or(row, cell, other):
    return lambda number: cell if number == row else other(number)


def whole(row):
    return row % 5 + row % 7 * 3


def half(row):
    return row % 7 + 0.5


def letter(row):
    return "ab"[row % 2]


def own(row):
    return f"w{row}"


MEND, OTHER = "Mend the cell", "Choose another target"
WEIGHED, GROUPED, ORDERED = ["--weight", "w"], ["--group", "g"], ["--time-order", "d"]
TABLES = {
    "a missing target": (table_of(y=words_or(4, "", half)), [], "t.csv:6, column 'y': a row has no target", "Fill"),
    "missing targets": (table_of(y=lambda r: "" if r > 3 else half(r)), [], "t.csv:6, column 'y': 26 rows have no"),
    "no target at all": (table_of(y=""), [], "t.csv, column 'y': the target has no value in any row"),
    "a constant": (table_of(y=3), [], "t.csv, column 'y': the target is the same", "nothing to learn", "always 3"),
    "one class": (table_of(y="a"), [], "t.csv, column 'y': the target is the same", "always 'a' in 30 rows"),
    "all different words": (table_of(y=own), [], "t.csv, column 'y': every row has a class of its own", OTHER),
    "all different classes": (table_of(y=half, z=1), ["--task", "binary"], "two classes", "got 7", "multiclass"),
    "all different numbers as classes": (
        table_of(y=lambda row: row),
        ["--task", "classification"],
        "every row has a class of its own",
        "say that the task is regression",
    ),
    "one row": (table_of(1, y=2), [], "t.csv, column 'y'", "in 1 row"),
    "two rows": (table_of(2, y=half), [], "t.csv: the table has too few rows", "got 2, expected at least 3"),
    "three rows": (table_of(3, y=half), [], "t.csv, column 'y': the target is the same in all training rows"),
    "too few rows for the classes": (table_of(3, y=lambda r: "aba"[r]), [], "too few rows to learn every class"),
    "an infinite target": (table_of(y=words_or(7, "inf", half)), [], "t.csv:9, column 'y': a number is infinite"),
    "an infinite number": (table_of(z=words_or(7, "-Infinity", half), y=half), [], "t.csv:9, column 'z'", "-inf"),
    "a number beyond all": (table_of(z=words_or(7, "1e400", half), y=half), [], "t.csv:9, column 'z'", "infinite"),
    "a word among targets": (table_of(y=words_or(7, "seven", half)), [], "t.csv:9, column 'y'", "'seven'", MEND),
    "huge targets": (table_of(y=lambda r: f"{r}e300"), [], "t.csv:31, column 'y'", "Divide the column"),
    "tiny targets": (table_of(y=lambda r: f"{r}e-300"), [], "t.csv, column 'y'", "Multiply the column"),
    "dates to predict": (table_of(y=lambda r: f"2024-01-{r + 1:02}"), [], "t.csv, column 'y': the target is a date"),
    "words as numbers": (table_of(y=letter), ["--task", "regression"], "t.csv:2, column 'y'", "'a'", "classification"),
    "labels without their separator": (table_of(y=letter), ["--separator", ";"], "no cell of the target holds"),
    "a separator of numbers": (table_of(y=half), ["--separator", ";", "--task", "regression"], "no labels"),
    "words as labels": (table_of(y=letter), ["--task", "multilabel"], "t.csv, column 'y'", "more than 0 and 1"),
    "only a key": ("id,y\n" + "".join(f"{row},{half(row)}\n" for row in range(30)), [], "no column is left", "id"),
    "only the target": ("y\n1.5\n2.5\n3.5\n", [], "t.csv: no column is left", "no column but the targets"),
    "nothing known": ("x,y\n" + "".join(f",{half(row)}\n" for row in range(30)), [], "x: left out (no value in any"),
    "a negative weight": (table_of(w=words_or(5, -1, half), y=half), WEIGHED, "t.csv:7, column 'w'", "negative"),
    "an infinite weight": (table_of(w=words_or(5, "inf", half), y=half), WEIGHED, "t.csv:7, column 'w'", "infinite"),
    "a missing weight": (
        table_of(w=words_or(5, "", half), y=half),
        WEIGHED,
        "t.csv:7, column 'w': a row has no weight",
    ),
    "weights of words": (table_of(w=letter, y=half), WEIGHED, "t.csv, column 'w': a weight is a number"),
    "weights of nothing": (table_of(w=0, y=half), WEIGHED, "t.csv, column 'w': all weights are 0", "above 0"),
    "one row that counts": (
        table_of(w=words_or(5, 1, lambda row: 0), y=half),
        WEIGHED,
        "the same in all training rows",
    ),
    "a missing group": (
        table_of(g=words_or(5, "", letter), y=half),
        GROUPED,
        "t.csv:7, column 'g': a row has no group",
    ),
    "one group": (table_of(g="a", y=half), GROUPED, "too few groups", "got 1, expected at least 3"),
    "a missing time": (table_of(d=words_or(5, "", half), y=half), ORDERED, "t.csv:7, column 'd': a row has no time"),
    "times of words": (table_of(d=letter, y=half), ORDERED, "t.csv, column 'd': time is told by dates", "2024-05-31"),
    "one time": (table_of(d="2024-01-01", y=half), ORDERED, "too few different values", "got 1, expected at least 3"),
    "more folds than rows": (table_of(5, y=half), ["--folds", "7"], "too few examples for the folds", "got 5"),
    "more folds than groups": (table_of(g=letter, y=half), [*GROUPED, "--folds", "5"], "too few groups", "got 2"),
    "folds in time": (table_of(d=half, y=half), [*ORDERED, "--folds", "5"], "folds and a time order exclude each"),
    "groups in time": (table_of(d=half, g=letter, y=half), [*ORDERED, *GROUPED], "groups and a time order exclude"),
    "a date of words": (table_of(z=letter, y=half), ["--set", "roles.z=date"], "t.csv:2, column 'z': a date is needed"),
    "a number of words": (table_of(z=letter, y=half), ["--set", "roles.z=number"], "t.csv:2, column 'z'", "'a'"),
    "a truth of numbers": (table_of(z=whole, y=half), ["--set", "roles.z=boolean"], "t.csv, column 'z'", "category"),
    "words of numbers": (table_of(z=whole, y=half), ["--set", "roles.z=text"], "t.csv, column 'z'", "no words"),
    "everything ignored": (table_of(z=half, y=half), ["--ignore", "x", "--ignore", "z"], "no column is left"),
    "two parts for a column": (table_of(g=whole, y=half), [*GROUPED, "--weight", "g"], "'g'", "group"),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_that_nothing_can_be_learned_from(name, desk, refuse):
    text, options, *words = TABLES[name]
    (desk / "t.csv").write_text(text, "utf-8")
    refuse(["train", "t.csv", "-t", "y", "--out", "run", *options, *QUICK], *words)


WORKS = {
    "all different numbers": (table_of(y=lambda row: 1.5 * row), [], "regression"),
    "a class with one member": (table_of(y=words_or(7, "rare", lambda row: "often")), [], "binary"),
    "a class of three with one member": (table_of(y=words_or(7, "c", letter)), [], "multiclass"),
    "a long number": (table_of(z=lambda row: f"{row}{'9' * 3000}", y=half), [], "regression"),
    "numbers of all sizes": (table_of(z=lambda r: f"{r + 1}e{20 * (r % 30) - 300}", y=half), [], "regression"),
    "huge weights": (table_of(w="1e300", y=half), WEIGHED, "regression"),
    "one huge weight": (table_of(w=words_or(5, "1e300", half), y=letter), WEIGHED, "binary"),
    "tiny weights": (table_of(w="1e-320", y=half), WEIGHED, "regression"),
}


@pytest.mark.parametrize("name", WORKS)
@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_what_looks_bad_but_is_not(name, desk, capsys):
    text, options, task = WORKS[name]
    (desk / "t.csv").write_text(text, "utf-8")
    assert main(["train", "t.csv", "-t", "y", "--out", "run", *options, *QUICK[:-1], "--json"]) == 0
    told, errors = capsys.readouterr()
    assert json.loads(told)["task"] == task and not errors
    assert main(["predict", "run", "t.csv", "--json"]) == 0
    rows = [json.loads(line)["y"] for line in capsys.readouterr().out.splitlines()]
    assert len(rows) == 30 and (task != "regression" or np.isfinite(rows).all())


# -- very much ---------------------------------------------------------------------------------------------------------


def test_fifty_thousand_columns(desk, refuse, capsys):
    content = bad.wide(50_000)
    (desk / "wide.csv").write_bytes(content)
    assert main(["init", "wide.csv", "-t", "y"]) == 0
    assert len(tomllib.loads(capsys.readouterr().out)["roles"]) == 49_999
    refuse(["train", "wide.csv", "-t", "c50001"], "wide.csv: there is no column 'c50001'", "(50000 in all)")
    lines = content.split(b"\n")
    lines[5] += b",1"
    (desk / "wide.csv").write_bytes(b"\n".join(lines))
    refuse(["train", "wide.csv", "-t", "y"], "wide.csv:6", "got 50001 cells, expected 50000")
    (desk / "wide.csv").write_bytes(content.replace(b"c49998", b"c7", 1))
    refuse(["train", "wide.csv", "-t", "y"], "wide.csv:1: two columns have the name 'c7'", "columns 8 and 49999")


@pytest.mark.long
def test_training_on_fifty_thousand_columns(desk, capsys):
    (desk / "wide.csv").write_bytes(bad.wide(50_000))
    assert main(["train", "wide.csv", "-t", "y", "--out", "run", *QUICK]) == 0
    assert main(["predict", "run", "wide.csv"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 13


def test_a_cell_of_a_hundred_megabytes(desk, refuse, capsys):
    path = desk / "large.csv"
    bad.write_with_large_cell(path, quoted=True, closed=False)
    train = ["train", "large.csv", "-t", "y", "--out", "run", *QUICK]
    before = sorted(desk.iterdir())
    assert main(train) == 2
    errors = capsys.readouterr().err
    assert "large.csv:4: a quote is opened in cell 3 (column 'note')" in errors and len(errors) < 300
    assert sorted(desk.iterdir()) == before
    bad.write_with_large_cell(path, quoted=False)
    with path.open("ab") as file:
        file.write(b"1,2,3,4\n")
    assert main(train) == 2
    assert "large.csv:35: the row has too many cells" in capsys.readouterr().err
    path.write_bytes(b"x,y," + b"a" * 100_000_000 + b"\n1,2,3\n")
    assert main(train) == 2
    errors = capsys.readouterr().err
    assert "large.csv" in errors and len(errors) < 400 and sorted(desk.iterdir()) == before
    path.write_bytes(b"x,y\n" + b"1,a\n2.5,b\n" * 10 + b"3," + b"a" * 100_000_000 + b"\n")
    assert main(train) == 2
    errors = capsys.readouterr().err
    assert "large.csv:22, column 'y': a class has too long a name" in errors and len(errors) < 300
    assert sorted(desk.iterdir()) == before
    bad.write_with_large_cell(path, quoted=True)
    assert main(train) == 0
    assert main(["predict", "run", "large.csv"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 34
    path.unlink()


# -- tables that do not fit a model ------------------------------------------------------------------------------------

PREDICT, EVALUATE, OBSERVE = (
    ["predict", "model", "t.csv"],
    ["evaluate", "model", "t.csv"],
    ["observe", "model", "t.csv"],
)
TEST, FROM = [*TRAIN, "--ignore", "price", "--test", "t.csv"], ["train", "t.csv", "-t", "kind", "--from", "model"]
ROW = ["--row", "3"]
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

LOADERS = (["predict", "model", "good.csv"], ["evaluate", "model", "good.csv"], ["show", "model", "--json"])
LOADERS += (["observe", "model", "good.csv", *ROW], [*TRAIN, "--from", "model", "--out", "run"])
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
