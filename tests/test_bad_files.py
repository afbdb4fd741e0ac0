"""Files and tables that cannot be used: one clear line, exit code 2, nothing printed, and nothing left behind."""

import gzip
import json
import os
import shutil
import tomllib
from pathlib import Path

import bad_files as bad
import numpy as np
import pyarrow as pa
import pytest
from bad_desk import MEND, QUICK, TRAIN
from bad_files import GOOD, half, table_of

from pellucid.cli import main

ROOT = Path(__file__).resolve().parent.parent


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


def letter(row):
    return "ab"[row % 2]


def own(row):
    return f"w{row}"


OTHER = "Choose another target"
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
