"""Dates in text: which are read, as what, and which are refused; against Python's datetime and pandas."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.data.tables import csv_file
from pellucid.data.tables.dates import first_that_is_no_date, parse_dates, spell_dates
from pellucid.data.tables.table import read_table

moments = st.lists(st.datetimes(datetime.datetime(1, 1, 2), datetime.datetime(9999, 12, 30)), min_size=1, max_size=20)


def parse(*cells: str) -> np.ndarray | None:
    return parse_dates(np.array(cells, dtype=object))


@pytest.fixture
def read(tmp_path):
    def read_cells(cells, name="t.csv"):
        path = tmp_path / name
        path.write_text("n,x\n" + "".join(f"{row},{cell}\n" for row, cell in enumerate(cells)), encoding="utf-8")
        return read_table(path)["x"]

    return read_cells


@pytest.mark.parametrize("day", ["{0:04}-{1:02}-{2:02}", "{0:04}/{1:02}/{2:02}", "{0:04}/{1}/{2}", "{2}.{1}.{0:04}"])
@pytest.mark.parametrize("clock", ["", "T%H:%M", " %H:%M:%S", "T%H:%M:%S.%f"])
@given(values=moments)
def test_every_way_to_write_a_date_gives_it_back(day, clock, values):
    cells = [day.format(value.year, value.month, value.day) + value.strftime(clock) for value in values]
    unit = {"": "D", "T%H:%M": "m", " %H:%M:%S": "s"}.get(clock, "us")
    expected = np.array(values, "datetime64[us]").astype(f"datetime64[{unit}]").astype("datetime64[us]")
    found = parse(*cells)
    assert found.dtype == "datetime64[us]"
    np.testing.assert_array_equal(found, expected)


@given(values=moments)
def test_what_is_spelled_is_read_back(values):
    dates = np.array(values, "datetime64[us]")
    np.testing.assert_array_equal(parse(*spell_dates(dates)), dates)


@given(values=moments, hours=st.integers(-23, 23), minutes=st.integers(0, 59), colon=st.booleans(), plain=st.booleans())
def test_an_offset_is_taken_away_as_by_python(values, hours, minutes, colon, plain):
    sign = -1 if hours < 0 else 1
    zone = datetime.timezone(datetime.timedelta(hours=hours, minutes=sign * minutes))
    expected = [value.replace(tzinfo=zone).astimezone(datetime.UTC).replace(tzinfo=None) for value in values]
    told = f"{'-' if hours < 0 else '+'}{abs(hours):02}{':' if colon else ''}{minutes:02}"
    cells = [f"{value:%H:%M:%S.%f}{'' if plain else ' '}{told}" for value in values]
    cells = [f"{value.date().isoformat()}T{cell}" for value, cell in zip(values, cells, strict=True)]
    np.testing.assert_array_equal(parse(*cells), np.array(expected, "datetime64[us]"))
    mixed = parse(*cells, "2024-01-01T12:00Z", "2024-01-01 12:00")
    assert (mixed[-2:] == np.datetime64("2024-01-01T12")).all()


@given(
    values=st.lists(st.tuples(st.integers(0, 2030), st.integers(0, 13), st.integers(0, 32)), min_size=1, max_size=3),
    style=st.sampled_from(["{0:04}-{1:02}-{2:02}", "{2}.{1}.{0:04}", "{0:04}-{1:02}-{2:02}T00:00Z"]),
)
def test_only_days_of_the_calendar_are_dates(values, style):
    try:
        expected = np.array([datetime.datetime(*value) for value in values], "datetime64[us]")
    except ValueError:
        expected = None
    found = parse(*(style.format(*value) for value in values))
    assert found is None if expected is None else (found == expected).all()


@given(st.lists(st.dates(datetime.date(1900, 1, 1), datetime.date(2100, 1, 1)), min_size=1, max_size=12), st.booleans())
def test_a_value_above_12_settles_which_number_is_the_day(days, day_first):
    cells = [f"{day.day}/{day.month}/{day.year}" if day_first else f"{day.month}/{day.day}/{day.year}" for day in days]
    found = parse(*cells)
    if any(day.day > 12 for day in days) or all(day.day == day.month for day in days):
        np.testing.assert_array_equal(found, np.array(days, "datetime64[us]"))
        oracle = pd.to_datetime(pd.Series(cells), format="%d/%m/%Y" if day_first else "%m/%d/%Y")
        np.testing.assert_array_equal(found, oracle.to_numpy())
    else:
        assert found is None


def test_orders_that_contradict_each_other_are_no_dates():
    assert parse("13/1/2024", "1/13/2024") is None
    assert parse("13/13/2024") is None
    assert parse("13/1/2024", "2024-05-06", "7.8.2024").astype("datetime64[D]").astype(str).tolist() == [
        "2024-01-13",
        "2024-05-06",
        "2024-08-07",
    ]


@pytest.mark.parametrize(
    "cell",
    [
        *("2024", "20240102", "2024-1-2", "24-01-02", "2024-01-02T", "2024-01-02T5", "2024-01-02T24:00", "1/2/24"),
        *(
            "2024-01-02 10:60",
            "2024-01-02 10:00:60",
            "2024-01-02T10:00+24:00",
            "2024-01-02x",
            "yesterday",
            "0000-00-00",
        ),
        *("12-31-2024", "2024-01-02 10:00 PM", "-2024-01-02", "2024-01-02T10:00+05:60", "٢٠٢٤-٠١-٠٢"),
    ],
)
def test_what_is_no_date(cell):
    assert parse("2024-01-01", cell) is None
    assert first_that_is_no_date(["2024-01-01", "31/12/2024", cell]) == cell


def test_empty_cells_are_missing_and_spaces_do_not_count():
    found = parse("", " 2024-02-29 ", "  ", "2024-03-01T04:05:06.123456789Z")
    assert np.isnat(found).tolist() == [True, False, True, False]
    assert found[3] == np.datetime64("2024-03-01T04:05:06.123456")
    assert np.isnat(parse("", " ")).all() and len(parse()) == 0


# --- columns of CSV files ---


def test_a_column_of_dates(read):
    column = read(["2024-02-29", "", " 2023-12-31 ", "NA", "None", "NaT", "-", "2024-03-01"])
    assert column.kind == "date" and column.values.dtype == "datetime64[us]"
    assert column.missing.tolist() == [False, True, False, True, True, True, True, False]
    assert np.isnat(column.values).tolist() == column.missing.tolist()
    assert column.distinct == ("2023-12-31", "2024-02-29", "2024-03-01")


@pytest.mark.parametrize("other", ["soon", "2024-02-30", "2024", "0000-00-00", "2024-01-01 to 2024-01-05"])
def test_one_other_cell_makes_it_text(read, other):
    column = read(["2024-02-29", "2024-03-01", other, "None"])
    assert column.kind == "text"
    assert column.values.tolist() == ["2024-02-29", "2024-03-01", other, "None"]


def test_an_open_order_of_day_and_month_stays_text(read):
    assert read(["3/4/2024", "5/6/2024"]).kind == "text"
    assert read(["3/4/2024", "5/6/2024", "5/13/2024"]).values[0] == np.datetime64("2024-03-04")
    assert read(["3/4/2024", "5/6/2024", "13/5/2024"]).values[0] == np.datetime64("2024-04-03")


def test_numbers_are_no_dates(read):
    assert read(["20240102", "20240103"]).kind == "number"
    assert read(["1.5", "2.5"]).kind == "number"


@pytest.mark.parametrize("last", ["28/2/2024", "2/28/2024", "soon", "3/4/2024", ""])
def test_what_settles_it_may_come_in_a_later_block(read, monkeypatch, last):
    monkeypatch.setattr(csv_file, "BLOCK", 512)
    cells = [f"{1 + day % 12}/{1 + day // 12 % 12}/2024" for day in range(20_000)] + [last]
    column = read(cells)
    if last in ("soon", "3/4/2024", ""):
        assert column.kind == "text" and column.values.tolist() == cells
        assert column.missing.sum() == (last == "")
    else:
        form = "%d/%m/%Y" if last.startswith("28") else "%m/%d/%Y"
        np.testing.assert_array_equal(column.values, pd.to_datetime(pd.Series(cells), format=form).to_numpy())
