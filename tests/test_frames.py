"""Tables out of data frames, sparse matrices and arrays of every kind, and very wide ones."""

from __future__ import annotations

import datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import sparse

from pellucid.data.roles import infer_roles
from pellucid.data.tables.frames import LARGEST_DENSE
from pellucid.data.tables.table import Table, as_table, read_table
from pellucid.errors import DataError

DAY = datetime.datetime(2024, 2, 29)


def told(data) -> dict:
    """Return kinds and cells by column, None where one is missing."""
    return {
        c.name: (c.kind, [None if gap else v for v, gap in zip(c.values.tolist(), c.missing.tolist(), strict=True)])
        for c in as_table(data).columns
    }


def test_columns_of_pandas():
    frame = pd.DataFrame(
        {
            "whole": pd.array([2**60 + 1, 5], "Int64"),
            "gap": pd.array([1, None], "Int64"),
            "sure": pd.array([True, None], "boolean"),
            "word": pd.array(["a", None], "string"),
            "group": pd.Categorical(["u", None]),
            "level": pd.Categorical([3, 4]),
            "mixed": [1, "a"],
            "objects": pd.Series([1, None], dtype=object),
            "truths": pd.Series([True, None], dtype=object),
            "money": [Decimal("1.25"), None],
            "huge": pd.Series([2**70, 1], dtype=object),
            "month": pd.period_range("2024-01", periods=2, freq="M"),
            "took": pd.to_timedelta([1500, None], unit="ms"),
            "day": [DAY.date(), None],
            "moment": pd.to_datetime([DAY, None]),
            "when or what": [DAY, "x"],
            7: [0.5, np.nan],
        }
    )
    assert told(frame) == {
        "whole": ("number", [2**60 + 1, 5]),
        "gap": ("number", [1.0, None]),
        "sure": ("boolean", [True, None]),
        "word": ("text", ["a", None]),
        "group": ("text", ["u", None]),
        "level": ("text", ["3", "4"]),
        "mixed": ("text", ["1", "a"]),
        "objects": ("number", [1.0, None]),
        "truths": ("boolean", [True, None]),
        "money": ("number", [1.25, None]),
        "huge": ("number", [2.0**70, 1.0]),
        "month": ("text", ["2024-01", "2024-02"]),
        "took": ("number", [1.5, None]),
        "day": ("date", [DAY, None]),
        "moment": ("date", [DAY, None]),
        "when or what": ("text", ["2024-02-29 00:00:00", "x"]),
        "7": ("number", [0.5, None]),
    }


def test_columns_of_polars():
    frame = pl.DataFrame(
        {
            "group": pl.Series(["a", None], dtype=pl.Categorical),
            "level": pl.Series(["x", "y"], dtype=pl.Enum(["y", "x"])),
            "day": [DAY.date(), None],
            "moment": [DAY, None],
            "took": [datetime.timedelta(hours=1), None],
            "money": pl.Series(["1.25", None]).cast(pl.Decimal(10, 2)),
            "nothing": [None, None],
            "small": pl.Series([1, 255], dtype=pl.UInt8),
        }
    )
    assert told(frame) == {
        "group": ("text", ["a", None]),
        "level": ("text", ["x", "y"]),
        "day": ("date", [DAY, None]),
        "moment": ("date", [DAY, None]),
        "took": ("number", [3600.0, None]),
        "money": ("number", [1.25, None]),
        "nothing": ("number", [None, None]),
        "small": ("number", [1, 255]),
    }


def test_times_with_a_zone_become_utc():
    berlin = pd.DatetimeIndex(["2024-01-01 00:00", "2024-07-01 12:00"]).tz_localize("Europe/Berlin")
    expected = ("date", [datetime.datetime(2023, 12, 31, 23), datetime.datetime(2024, 7, 1, 10)])
    assert told(pd.DataFrame({"t": berlin}))["t"] == expected
    assert told(pl.from_pandas(pd.DataFrame({"t": berlin})))["t"] == expected
    assert told(pa.table({"t": pa.array(berlin)}))["t"] == expected
    assert told({"t": [*berlin]})["t"] == expected
    assert told({"t": [*berlin.to_pydatetime()]})["t"] == expected


def test_moments_finer_than_a_microsecond_are_cut_and_those_too_far_away_refused():
    fine = np.array(["2024-02-29T00:00:00.000000999"], "datetime64[ns]")
    assert told({"t": fine}) == told(pd.DataFrame({"t": fine})) == {"t": ("date", [DAY])}
    for data in (
        {"t": np.array([2**60], "datetime64[s]")},
        pa.table({"t": pa.array([2**60], pa.timestamp("s"))}),
        pa.table({"t": pa.array([2**30], pa.date32())}),
    ):
        with pytest.raises(DataError, match="column 't': a date is too far away"):
            as_table(data)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (lambda: pd.DataFrame({"b": [b"x", b"y"]}), "column 'b': .*got binary. Decode the bytes to text"),
        (lambda: pl.DataFrame({"b": [b"x"]}), "column 'b': .*got large_binary. Decode the bytes"),
        (lambda: {"b": np.array([b"x"])}, r"column 'b': .*got dtype \|S1. Decode the bytes"),
        (lambda: pd.DataFrame({"c": [1j, 2]}), "column 'c': .*got dtype complex128"),
        (lambda: pd.DataFrame({"c": pd.interval_range(0, 2)}), "row 1, column 'c': .*a value of type Interval"),
        (lambda: pd.DataFrame({"c": [[1], [2]]}), "column 'c': .*got list<"),
        (lambda: pl.DataFrame({"c": [{"k": 1}]}), "column 'c': .*got struct<"),
        (lambda: pd.DataFrame(np.zeros((1, 2)), columns=["a", "a"]), "two columns have the same name.*'a'"),
        (lambda: pd.DataFrame(np.zeros((1, 2)), columns=[1, "1"]), "two columns have the same name: got '1'"),
        (lambda: pa.table([pa.array([1]), pa.array([2])], names=["a", "a"]), "two columns have the same name"),
        (lambda: {1: [1], "1": [2]}, "two columns have the same name: got '1'"),
        (lambda: pd.DataFrame({"a": []}), "at least one row"),
        (lambda: pd.DataFrame(index=[0, 1]), "at least one column"),
        (lambda: pl.DataFrame({"a": [1]}).lazy(), "this cannot be a table: got a polars"),
    ],
)
def test_frames_that_are_no_tables(data, message):
    with pytest.raises(DataError, match=message) as caught:
        as_table(data())
    assert "\n" not in str(caught.value)


def test_masked_arrays_have_missing_cells():
    assert told(np.ma.masked_array([[1.5, 2.0]], [[True, False]])) == {
        "x0": ("number", [None]),
        "x1": ("number", [2.0]),
    }
    assert told({"n": np.ma.masked_array([1, 2], [True, False])}) == {"n": ("number", [None, 2.0])}


@pytest.mark.parametrize("form", [sparse.csr_matrix, sparse.csc_array, sparse.coo_matrix, sparse.lil_matrix])
def test_sparse_matrices_become_dense(form):
    dense = np.array([[0.0, 1.5, 0.0], [2.0, np.nan, 0.0]])
    table = as_table(form(dense), names=["a", "b", "c"])
    assert table.names == ("a", "b", "c")
    np.testing.assert_array_equal(np.column_stack([column.values for column in table.columns]), dense)
    assert as_table(form(dense)).names == ("x0", "x1", "x2") and table["b"].missing.tolist() == [False, True]
    twice = sparse.coo_array(([1, 2, 4], ([0, 0, 1], [0, 0, 1])), shape=(2, 2))
    assert told(twice) == {"x0": ("number", [3, 0]), "x1": ("number", [0, 4])}


def test_a_sparse_matrix_that_would_not_fit_is_refused():
    with pytest.raises(DataError, match=r"got 100000 rows and 50000 columns, 37\.3 GiB.*at most 2 GiB\. Give it to an"):
        as_table(sparse.csr_matrix((100_000, 50_000)))
    assert LARGEST_DENSE == 2 << 30
    with pytest.raises(DataError, match="at least one row"):
        as_table(sparse.csr_matrix((0, 5)))
    with pytest.raises(DataError, match="got dtype complex128"):
        as_table(sparse.csr_matrix(np.array([[1j]])))


def test_very_wide_tables(tmp_path):
    count = 8_000
    names = [f"c{number}" for number in range(count)]
    path = tmp_path / "t.csv"
    path.write_text(
        ",".join(names) + "\n" + ",".join(["1.5", "", "red", "7"] * (count // 4)) + "\n" + "2," * (count - 1) + "2"
    )
    table = read_table(path)
    assert table.names == tuple(names) and [column.kind for column in table.columns[:4]] == [
        *("number", "number", "text", "number")
    ]
    assert all(table[name].name == name and name in table for name in names) and "c" not in table
    assert len(infer_roles(table, ["c0"])) == count - 1
    frame = pd.DataFrame(np.zeros((2, count)), columns=names)
    assert as_table(frame).names == as_table(pl.from_pandas(frame)).names == tuple(names)
    assert len(as_table(sparse.csr_matrix((2, count))).columns) == count
    assert (
        len(Table.from_arrays(np.zeros((2, count))).select(names and [f"x{n}" for n in range(count)]).columns) == count
    )
