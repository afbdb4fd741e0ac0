"""Tables: what is read from good files, and the one clear message for every bad one."""

import csv
import datetime
import io
import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pellucid.data.tables import csv_file
from pellucid.data.tables.columns import MISSING
from pellucid.data.tables.table import Table, as_table, read_table
from pellucid.errors import DataError, UsageError

EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.fixture
def read(tmp_path):
    def read_bytes(data: bytes | str, name: str = "t.csv", **options):
        path = tmp_path / name
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return read_table(path, **options)

    return read_bytes


def cells(table: Table) -> list[list]:
    return [
        [None if gap else value for value, gap in zip(c.values.tolist(), c.missing, strict=True)] for c in table.columns
    ]


# --- good files ---


def test_kinds_and_missing_cells(read):
    table = read("whole,real,flag,word,gaps\n1,1.5,true,a,1\n-2, 2e3 ,False,NA,\n3,?,TRUE, b,3\n")
    assert table.names == ("whole", "real", "flag", "word", "gaps")
    assert [column.kind for column in table.columns] == ["number", "number", "boolean", "text", "number"]
    assert cells(table) == [
        [1, -2, 3],
        [1.5, 2000.0, None],
        [True, False, True],
        ["a", None, " b"],
        [1.0, None, 3.0],
    ]
    assert table["whole"].values.dtype == np.int64
    assert table["gaps"].values.dtype == np.float64 and np.isnan(table["gaps"].values[1])


@pytest.mark.parametrize("spelling", MISSING)
@pytest.mark.parametrize("other", ["7", "0.5", "true", "word"])
def test_every_spelling_of_a_missing_cell(read, spelling, other):
    column = read(f"y,x\n1,{other}\n2,{spelling}\n3, {spelling} \n4,{other}\n")["x"]
    assert column.missing.tolist() == [False, True, True, False]


def test_none_is_missing_among_numbers_and_a_word_among_words(read):
    table = read("n,b,w\n1,true,None\nNone,None,apnea\n3,false,None\n")
    assert cells(table) == [[1.0, None, 3.0], [True, None, False], ["None", "apnea", "None"]]


def test_integers_are_exact_beyond_float64(read):
    table = read(f"x\n{2**53 + 1}\n{-(2**63)}\n{2**63 - 1}\n")
    assert table["x"].values.tolist() == [2**53 + 1, -(2**63), 2**63 - 1]


def test_numbers_are_read_to_the_last_bit(read):
    values = np.random.default_rng(0).normal(size=200) * 10.0 ** np.arange(-100, 100)
    table = read("x\n" + "\n".join(map(repr, values.tolist())))
    assert table["x"].values.tolist() == values.tolist()


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("last", ["", "end"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
def test_delimiters_ends_of_line_and_byte_order_mark(read, end, delimiter, last, bom):
    lines = [
        delimiter.join(row) for row in (["größe", "名前", "🙂"], ["1", '"a, b;\tc"', "é"], ["2", '"say ""hi"""', "ø"])
    ]
    table = read(bom + end.join(lines) + (end if last else ""))
    assert table.names == ("größe", "名前", "🙂")
    assert table.source.delimiter == delimiter
    assert cells(table) == [[1, 2], ["a, b;\tc", 'say "hi"'], ["é", "ø"]]


def test_the_delimiter_is_the_one_that_fits_header_and_rows(read):
    assert read('"size (a, b, c)";y\n1,5;2\n').source.delimiter == ";"
    assert read("size (a, b, c);y\n1;2\n").source.delimiter == ";"
    assert read("text\nno comma; here\n").names == ("text",)
    assert cells(read("a|b\n1|2\n", delimiter="|")) == [[1], [2]]


@pytest.mark.parametrize("delimiter", ["", "||", '"', "\n", "§"])
def test_a_delimiter_is_one_ascii_character(read, delimiter):
    with pytest.raises(UsageError, match="one ASCII character"):
        read("a,b\n1,2\n", delimiter=delimiter)


def test_rows_longer_than_a_block_and_very_many_columns(read):
    word = "x" * 5_000_000
    assert read(f"a,b\n1,{word}\n2,y\n")["b"].values.tolist() == [word, "y"]
    names = [f"column number {number}" for number in range(5000)]
    table = read(",".join(names) + "\n" + ",".join(["1"] * 5000) + "\n")
    assert len(table.columns) == 5000


def test_what_a_later_block_says_is_what_counts(read, monkeypatch):
    """Columns that turn into something else behind the first block, against the same file read in one block."""
    rows = 9000
    late = {
        "real": [*map(str, range(rows)), "0.5"],
        "gap": [*map(str, range(rows)), "?"],
        "spaced": [*map(str, range(rows)), " None "],
        "exact": [*map(str, range(2**53, 2**53 + rows)), "7"],
        "word": ["007"] * rows + ["x"],
        "flag": ["true", " False"] * (rows // 2) + ["maybe"],
        "none": ["None"] * rows + ["apnea"],
        "empty": [""] * rows + ["apnea"],
        "first": [""] * rows + ["5"],
        "truth": ["NA"] * rows + ["TRUE"],
        "far": [""] * rows + ["2024-01-01"],
        "soon": ["2024-01-01"] * rows + ["soon"],
        "words": [f"w{row % 50}" for row in range(rows)] + ["NaN"],
        "all": ["-"] * (rows + 1),
    }
    text = "\n".join(",".join(cells) for cells in [late, *zip(*late.values(), strict=True)])
    whole = read(text)
    monkeypatch.setattr(csv_file, "BLOCK", 1 << 10)
    table = read(text)
    assert len(text) > 8 * (1 << 16)  # which is the largest block then
    for column, expected in zip(table.columns, whole.columns, strict=True):
        assert (column.name, column.kind, column.values.dtype) == (expected.name, expected.kind, expected.values.dtype)
        np.testing.assert_array_equal(column.values, expected.values)
        np.testing.assert_array_equal(column.missing, expected.missing)
        assert column.mixed == expected.mixed
    assert table["word"].values[0] == "007" and table["none"].values[0] == "None" and table["empty"].missing[0]
    assert table["exact"].values.tolist()[:2] == [2**53, 2**53 + 1]
    assert [table[name].kind for name in ("real", "spaced", "flag", "first", "truth", "far", "soon", "all")] == [
        *("number", "number", "text", "number", "boolean", "date", "text", "number")
    ]
    assert (table["words"].missing.sum(), table["word"].mixed.row) == (1, rows)


def test_bad_rows_far_behind_are_named_by_line(read):
    good = "a,b\n" + "1,2\n" * 300_000
    for bad, message in [("1\n", "t.csv:300002: the row has too few cells"), ('1,"x\n', "t.csv:300002: a quote is")]:
        with pytest.raises(DataError, match=message):
            read(good + bad)


def test_a_file_is_never_whole_in_memory(tmp_path):
    path = tmp_path / "t.csv"
    rng = np.random.default_rng(0)
    lines = [",".join(map(repr, row)) + f",name{row[0]}\n" for row in rng.normal(size=(20_000, 8)).tolist()]
    with path.open("w") as file:
        file.write("a,b,c,d,e,f,g,h,name\n")
        for _ in range(16):
            file.writelines(lines)
    code = (
        "import resource, sys; from pellucid.data.tables import csv_file, table; csv_file.BLOCK = 1 << 16;"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == 'darwin' else 1024);"
        "table.read_table(sys.argv[2]); before = peak(); table.read_table(sys.argv[1]); print(peak() - before)"
    )
    small = EXAMPLES / "tables" / "wine.csv"
    done = subprocess.run(
        [sys.executable, "-c", code, path, small], capture_output=True, text=True, check=True, cwd=EXAMPLES.parent
    )
    # Eight numbers of 8 bytes, a pointer of 8 to a name that several rows share, and some blocks under way.
    allowed = 16 * len(lines) * 72 + len(lines) * 90 + (16 << 20)
    assert int(done.stdout) < allowed < 0.9 * path.stat().st_size


text_cells = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.lists(text_cells, min_size=2, max_size=2), min_size=1, max_size=8),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_what_the_csv_module_writes_is_read_back(read, rows, end):
    # The first row holds words throughout, so that every column is text and every cell comes back as it was written.
    rows = [["word", "word"], *rows]
    file = io.StringIO(newline="")
    # Python's writer leaves a lone carriage return unquoted, and then nobody can tell it from an end of line.
    lone = "\r" in "".join(map("".join, rows))
    writer = csv.writer(file, lineterminator=end, quoting=csv.QUOTE_ALL if lone else csv.QUOTE_MINIMAL)
    writer.writerow(["first", "second"])
    writer.writerows(rows)
    table = read(file.getvalue())
    expected = [[None if cell.strip() in MISSING else cell for cell in column] for column in zip(*rows, strict=True)]
    assert cells(table) == expected
    starts, reader = [], csv.reader(io.StringIO(file.getvalue(), newline=""))
    for _ in range(1 + len(rows)):
        starts.append(reader.line_num + 1)
        next(reader)
    if not lone:  # Python's reader counts a carriage return in quotes as no line
        assert [table.line_of(row) for row in range(len(rows))] == starts[1:]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
def test_floats_survive_a_round_trip(read, values):
    assert read("x\n" + "\n".join(map(repr, values)))["x"].values.tolist() == values


def test_line_numbers_behind_quoted_ends_of_line_and_empty_lines(read):
    table = read('\nx,y\n"a\nb",1\n\n\n"c\r\nd\r\n",inf\n\ne,3\n')
    assert [table.line_of(row) for row in range(3)] == [3, 7, 11]
    taken = table.take([2, 1])
    assert taken["x"].values.tolist() == ["e", "c\r\nd\r\n"]
    assert taken.where(1, "y").endswith("t.csv:7, column 'y'")
    assert taken.take([1]).line_of(0) == 7


def test_a_nearly_numeric_column_remembers_its_bad_cell(read):
    good = "".join(f"{number},w\n" for number in range(18))
    table = read("x,y\n" + good + '"1,5",w\n' + "NA,w\n")
    bad = table["x"].mixed
    assert (bad.row, bad.value, round(bad.share, 3)) == (18, "1,5", 0.947)
    assert table["y"].mixed is None
    assert read("x,y\n1,2\nb,2\n")["x"].mixed is None


def test_infinite_numbers_stay_in_the_table(read):
    assert read("x\ninf\n-Infinity\n1e400\n1\n")["x"].values.tolist() == [np.inf, -np.inf, np.inf, 1.0]


# --- bad files ---

BAD = {
    "empty": (b"", "the file is empty"),
    "only blank lines": (b"\n\r\n \n", "the file is empty"),
    "only a byte order mark": (b"\xef\xbb\xbf", "the file is empty"),
    "header only": (b"a,b\n", "has a header but no rows"),
    "header without an end": (b"a,b", "has a header but no rows"),
    "duplicate names": (b"a,b,a\n1,2,3\n", "t.csv:1: two columns have the name 'a': got columns 1 and 3"),
    "names alike but for spaces": (b"a, a\n1,2\n", "t.csv:1: two columns have the name 'a'"),
    "a name of a whole file": (
        b'a,"' + b"b\n1,2\n" * 300 + b'"\n1,2\n',
        "t.csv:1: column 2 has a name of 1799 letters",
    ),
    "empty name": (b"a,,c\n1,2,3\n", "t.csv:1: column 2 has no name"),
    "index written by pandas": (b",a\n0,2\n", "column 1 has no name in the header.*index=False"),
    "numbers for a header": (b"5.1,3.5,1\n4.9,3,2\n", "t.csv:1: the first line holds numbers, not names"),
    "too few cells": (b"a,b,c\n1,2,3\n1,2\n", "t.csv:3: the row has too few cells: got 2 cells, expected 3"),
    "too many cells": (b"a,b\n\n1,2\n1,2,3\n", "t.csv:4: the row has too many cells: got 3 cells, expected 2"),
    "ragged behind quoted lines": (b'a,b\n"1\n2",3\n4\n', "t.csv:4: the row has too few cells: got 1 cell"),
    "ragged across lines": (
        b'a,b\n1,"x\n2,"y,3\n',
        "t.csv:2: the row has too many cells.*runs to line 3.*is a quote missing",
    ),
    "unclosed quote": (b'a,b\n1,2\n3,"x\n4,5\n', "t.csv:3: a quote is opened in cell 2 .column 'b'. and never closed"),
    "unclosed quote at the end": (b'a,b\n1,"x', "t.csv:2: a quote is opened in cell 2"),
    "unclosed after a doubled quote": (b'a,b\n1,"x""\n', "t.csv:2: a quote is opened in cell 2"),
    "unclosed after a quoted line": (b'a,b\n"x\ny","z\n', "t.csv:3: a quote is opened in cell 2"),
    "unclosed in the first cell": (b'a,b\n1,2\n"3,4\n', "t.csv:3: a quote is opened in cell 1 .column 'a'."),
    "unclosed in the header": (b'"a,b\n1,2\n', "t.csv:1: a quote is opened in name 1 of the header"),
    "NUL byte": (b"a,b\n1,2\n3,x\0y\n", "t.csv:3:4: a NUL byte"),
    "NUL byte in the header": (b"a,b\0\n1,2\n", "t.csv:1:4: a NUL byte"),
    "Latin-1": ("a,b\n1,2\n3,für\n".encode("latin-1"), "t.csv:3:4: the text is not UTF-8: got byte 0xFC"),
    "Latin-1 in quoted lines": ('a,b\n1,"x\nfür"\n'.encode("latin-1"), "t.csv:3:2: the text is not UTF-8"),
    "Latin-1 in the header": ("a,für\n1,2\n".encode("latin-1"), "t.csv:1:4: the text is not UTF-8"),
    "UTF-16": ("a,b\n1,2\n".encode("utf-16"), "UTF-16 text"),
    "UTF-16 without a mark": ("a,b\n1,2\n".encode("utf-16-le"), "t.csv:1:2: a NUL byte"),
    "gzip": (b"\x1f\x8b\x08\0\0\0", "gzip-compressed data. Decompress it"),
    "ZIP": (b"PK\x03\x04\x14\0", "a ZIP archive or an Excel workbook"),
    "Parquet": (b"PAR1\x15\x04", "a Parquet file. Name it .parquet"),
    "picture": (b"\x89PNG\r\n\x1a\n\0", "a picture"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_files_give_one_clear_line(read, case):
    data, message = BAD[case]
    with pytest.raises(DataError, match=message) as caught:
        read(data)
    told = str(caught.value)
    assert "t.csv" in told and "\n" not in told and len(told) < 400
    assert caught.value.__cause__ is None and (caught.value.__suppress_context__ or caught.value.__context__ is None)


def test_files_that_are_no_tables(tmp_path):
    (tmp_path / "heart.csv").write_text("a,b\n1,2\n")
    (tmp_path / "heart.xlsx").write_text("x")
    (tmp_path / "heart.csv.gz").write_text("x")
    (tmp_path / "folder.csv").mkdir()
    for name, message in {
        "hart.csv": "there is no such file. Did you mean 'heart.csv'",
        "none/heart.csv": "there is no such file.*no directory",
        "folder.csv": "this is a directory",
        "heart.xlsx": "known by its ending: got '.xlsx', expected one of .csv.*.parquet",
        "heart.csv.gz": "got '.gz'.*Decompress it first",
    }.items():
        with pytest.raises(DataError, match=message) as caught:
            read_table(tmp_path / name)
        assert name in str(caught.value)


@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
def test_a_file_that_may_not_be_read(tmp_path, monkeypatch, name):
    # Permissions do not bind every user that runs tests, so the refusal is put in place of the system's.
    path = tmp_path / name
    path.write_text("a\n1\n")

    def refuse(*arguments, **options):
        raise PermissionError(13, "Permission denied", os.fspath(path))

    monkeypatch.setattr("pathlib.Path.open", refuse)
    monkeypatch.setattr("pyarrow.parquet.read_table", refuse)
    with pytest.raises(DataError, match="cannot be opened: got Permission denied"):
        read_table(path)


def test_random_mutations_give_a_table_or_a_data_error(read):
    chance = random.Random(0)
    good = (
        'name,size,"flag, or not",größe\n"a ""b""",1.5,true,1\n"two\nlines",-2e3,false,\nüber,NA,true,3\nd,4,false,5\n'
    ).encode()
    pieces = [b'"', b",", b"\n", b"\r", b"\0", b"\xff", b"\xc3", b";", b"inf", b"NA", b"\xef\xbb\xbf", b"\x01", b'""']
    outcomes = {Table: 0, DataError: 0}
    for _ in range(600):
        data = bytearray(good)
        for _ in range(chance.randint(1, 4)):
            place = chance.randrange(max(len(data), 1))
            what = chance.randrange(4)
            if what == 0:
                data[place : place + 1] = bytes([chance.randrange(256)])
            elif what == 1:
                del data[place : place + chance.randint(1, 9)]
            elif what == 2:
                data[place:place] = chance.choice(pieces)
            else:
                data = data[: max(place, 1)]
        try:
            table = read(bytes(data))
            assert len({len(column.values) for column in table.columns}) == 1
            assert all(table.line_of(row) is not None for row in range(len(table)))
            outcomes[Table] += 1
        except DataError as error:
            assert "t.csv" in str(error)
            assert "cannot be read as CSV" not in str(error), (bytes(data), str(error))
            outcomes[DataError] += 1
    assert min(outcomes.values()) > 50


# --- Parquet, arrays and frames ---


@pytest.fixture
def arrow():
    from decimal import Decimal

    return pa.table(
        {
            "i": pa.array([1, 2**60 + 1], pa.int64()),
            "gap": pa.array([1, None], pa.int32()),
            "big": pa.array([2**64 - 1, 0], pa.uint64()),
            "half": pa.array([0.5, float("nan")], pa.float16()),
            "money": pa.array([Decimal("1.25"), None]),
            "flag": pa.array([True, None]),
            "word": pa.array(["1", "2024-words"]),
            "group": pa.array(["u", "v"]).dictionary_encode(),
            "day": pa.array([datetime.date(2024, 2, 29), None]),
            "none": pa.nulls(2),
        }
    )


ARROW_CELLS = [
    [1, 2**60 + 1],
    [1.0, None],
    [2.0**64, 0.0],
    [0.5, None],
    [1.25, None],
    [True, None],
    ["1", "2024-words"],
    ["u", "v"],
    [datetime.datetime(2024, 2, 29), None],
    [None, None],
]


def test_parquet_and_frames_keep_their_types(tmp_path, arrow):
    from pyarrow import parquet

    parquet.write_table(arrow, tmp_path / "t.parquet")
    table = read_table(tmp_path / "t.parquet")
    assert cells(table) == cells(as_table(arrow)) == ARROW_CELLS
    numbered = pa.table({"group": pa.array([3, 4]).dictionary_encode()})
    assert cells(as_table(numbered)) == [["3", "4"]]  # categories are words, whatever they are spelled with
    assert table.where(1, "gap").endswith("t.parquet, row 2, column 'gap'")


def test_damaged_parquet(tmp_path, arrow):
    from pyarrow import parquet

    path = tmp_path / "t.parquet"
    parquet.write_table(arrow, path)
    good = path.read_bytes()
    for data, message in [
        (b"", "the file is empty"),
        (b"a,b\n1,2\n", "damaged, or is no Parquet file"),
        (good[:-20], "damaged"),
        (good[:4] + good[40:], "damaged"),
        (good.replace(b"money", b"\xffoney"), "damaged"),
        (good.replace(b"2024-words", b"2024-w\xffrds"), "damaged"),
    ]:
        path.write_bytes(data)
        with pytest.raises(DataError, match=message) as caught:
            read_table(path)
        assert "t.parquet" in str(caught.value) and "\n" not in str(caught.value)
    parquet.write_table(pa.table({"x": pa.array([], pa.int64())}), path)
    with pytest.raises(DataError, match="no rows"):
        read_table(path)
    parquet.write_table(pa.table({"x": [[1, 2], [3]]}), path)
    with pytest.raises(DataError, match=r"t.parquet, column 'x': .* got list<"):
        read_table(path)


def test_arrays_and_lists():
    table = as_table(np.array([[1, 2.5], [np.nan, 4]]), names=["a", "b"])
    assert table.names == ("a", "b") and cells(table) == [[1.0, None], [2.5, 4.0]]
    assert as_table([[1, "x"], [None, "y"]]).names == ("x0", "x1")
    assert cells(as_table([[1, "x"], [None, "y"]])) == [[1.0, None], ["x", "y"]]
    columns = {
        "u": np.array([1, 2], np.uint8),
        "b": [True, None],
        "t": np.array(["2024-01-01", "NaT"], "datetime64[D]"),
    }
    table = as_table(columns, names=["p", "q", "r"])
    assert table.names == ("p", "q", "r")
    assert cells(table) == [[1, 2], [True, None], [datetime.datetime(2024, 1, 1), None]]
    assert as_table(table) is table


def test_a_table_cannot_be_changed_nor_follows_its_source():
    source = np.array([[1.0, 2.0]])
    table = Table.from_arrays(source)
    source[0, 0] = 9.0
    assert table["x0"].values.tolist() == [1.0]
    with pytest.raises(ValueError, match="read-only"):
        table["x0"].values[0] = 5.0


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"a": [1, 2], "b": [1]}, "different numbers of rows: got 2 in 'a' and 1 in 'b'"),
        ({}, "at least one column"),
        ({"a": []}, "at least one row"),
        ({"a": [[1, 2], [3, 4]]}, "column 'a': a column needs one value a row: got an array of shape .2, 2."),
        ({"a": [1, b"x"]}, "row 2, column 'a': .* got a value of type bytes"),
        ({"a": np.array([1j])}, "column 'a': .* got dtype complex128"),
        ([[1, 2], [3]], "rows differ in length"),
        (np.zeros((2, 2, 2)), r"got shape \[2, 2, 2\], expected \[rows, columns\]"),
        (5, "this cannot be a table: got a builtins.int"),
    ],
)
def test_data_that_are_no_table(data, message):
    with pytest.raises(DataError, match=message):
        as_table(data)


def test_names_that_do_not_fit():
    with pytest.raises(DataError, match="names and columns differ in number: got 1, expected 2"):
        as_table(np.zeros((3, 2)), names=["a"])
    with pytest.raises(DataError, match="two columns have the same name: got 'a'"):
        as_table(np.zeros((3, 2)), names=["a", "a"])
    table = as_table({"height": [1, 2], "weight": [3, 4]})
    with pytest.raises(DataError, match=r"there is no column 'hieght'\. Did you mean 'height'"):
        table["hieght"]
    with pytest.raises(DataError, match="there is no column 'x'"):
        table.drop(["x"])
    assert table.drop(["height"]).names == ("weight",)
    assert table.select(["weight", "height"]).names == ("weight", "height")


# --- the project's own tables, and its weight ---


def test_example_tables_are_the_data_sets_of_scikit_learn():
    from sklearn import datasets

    for name, options in {
        "breast_cancer": {},
        "digits": {},
        "wine": {},
        "diabetes": {"scaled": False},
        "linnerud": {},
    }.items():
        original = getattr(datasets, f"load_{name}")(**options)
        table = read_table(EXAMPLES / "tables" / f"{name}.csv")
        width = original.data.shape[1]
        values = np.stack([column.values for column in table.columns[:width]], axis=1)
        np.testing.assert_allclose(values, original.data, rtol=1e-9)
        targets = np.stack([column.values for column in table.columns[width:]], axis=1)
        if name in ("breast_cancer", "wine"):
            words = np.array(
                ["malignant", "benign"] if name == "breast_cancer" else [f"cultivar_{i}" for i in (1, 2, 3)]
            )
            assert (targets[:, 0] == words[original.target]).all()
        else:
            np.testing.assert_array_equal(targets, original.target.reshape(len(targets), -1))


def test_the_script_writes_the_tables_that_are_shipped(tmp_path):
    subprocess.run([sys.executable, str(EXAMPLES / "make_tables.py"), str(tmp_path)], check=True)
    for path in tmp_path.iterdir():
        assert path.read_bytes() == (EXAMPLES / "tables" / path.name).read_bytes(), path.name
    assert len(list(tmp_path.iterdir())) == 5


def test_importing_reads_no_table_library():
    code = "import sys, pellucid.data.task, pellucid.data.dataset; print({'pyarrow', 'narwhals'} & set(sys.modules))"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=EXAMPLES.parent
    )
    assert result.stdout.strip() == "set()"
