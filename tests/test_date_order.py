"""The order of day and month that held for the column that was learned from holds for what is predicted."""

from __future__ import annotations

import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pellucid as pl
from pellucid.data.encoders.fit import fit_encoders
from pellucid.data.encoders.settings import EncoderSettings
from pellucid.data.roles import Role
from pellucid.data.tables.table import Table, read_table
from pellucid.data.targets import fit_targets
from pellucid.data.task import infer_task
from pellucid.errors import DataError
from pellucid.model import build_model, load_model, save_model

DAYS = [datetime.date(2024, 4, 3), datetime.date(2024, 5, 1), datetime.date(2024, 6, 12)]
SETTLING = datetime.date(2024, 2, 28)

days = st.lists(st.dates(datetime.date(1900, 1, 1), datetime.date(2100, 12, 31)), min_size=1, max_size=20)


def spell(day, day_first, clock=""):
    return f"{day.day}/{day.month}/{day.year}{clock}" if day_first else f"{day.month}/{day.day}/{day.year}{clock}"


def write(path, cells):
    rows = "".join(f"{cell},{place % 3}\n" for place, cell in enumerate(cells))
    path.write_text("when,y\n" + rows, encoding="utf-8")
    return read_table(path)


def fit(table):
    task = infer_task(table, "y", "regression")
    return fit_encoders(table, [Role("when", "date", "")], task, settings=EncoderSettings(scaling="none"))


def in_iso(dates):
    return Table.from_columns({"when": np.array(dates, "datetime64[us]")})


@pytest.fixture(params=[True, False], ids=["day first", "month first"])
def trained(request, tmp_path):
    """A model that learned from dates of this order, once written and read; the order, and its folder."""
    table = write(tmp_path / "train.csv", [spell(day, request.param) for day in (*DAYS, SETTLING)])
    encoding, targets = fit(table), fit_targets(table, infer_task(table, "y", "regression"))
    network = pl.Network([pl.Dense(1)], inputs=encoding.inputs)
    model = build_model(encoding, targets, network, pl.loss("squared_error"), network.initialize(3))
    save_model(model, tmp_path / "m")
    return load_model(tmp_path / "m"), request.param, tmp_path


def test_a_small_file_is_read_by_the_order_of_the_model(trained):
    model, day_first, folder = trained
    assert model.front.columns[0].day_first is day_first
    small = write(folder / "small.csv", [spell(day, day_first) for day in DAYS])
    assert small["when"].kind == "text"
    expected = model.predict(in_iso(DAYS))["y"]
    assert len(set(expected.tolist())) == 3
    np.testing.assert_array_equal(model.predict(small)["y"], expected)
    words = {"when": [spell(day, day_first) for day in DAYS]}
    np.testing.assert_array_equal(model.predict(words)["y"], expected)
    for row, day in enumerate(DAYS):
        one = write(folder / "one.csv", [spell(day, day_first)])
        for table in (small.take([row]), one):
            found = model.encoding.encode(table)["x"]
            np.testing.assert_array_equal(found, model.encoding.encode(in_iso([day]))["x"])


def test_dates_that_leave_no_choice_are_read_as_ever(trained):
    model, day_first, folder = trained
    cells = ["2024-04-03", "3.4.2024", "2024/4/3", spell(DAYS[0], day_first), "", "2024-04-20"]
    found = model.predict(write(folder / "mixed.csv", cells))["y"]
    np.testing.assert_array_equal(found[:4], np.repeat(found[:1], 4))


@pytest.mark.parametrize("settled", [True, False], ids=["settled by the file", "text"])
def test_a_file_that_contradicts_the_model_is_told_by_its_line(trained, settled):
    model, day_first, folder = trained
    cells = [spell(day, not day_first) for day in (*DAYS, SETTLING)]
    table = write(folder / "other.csv", [*cells, "" if settled else "3.4.2024 25:00"])
    wanted = ("D/M/YYYY", "M/D/YYYY") if day_first else ("M/D/YYYY", "D/M/YYYY")
    what = f"other.csv:5, column 'when': the model has learned from dates written {wanted[0]}, and this one is"
    for some in (table, table.take([2, 3]), table.take([2])) if settled else (table,):
        with pytest.raises(DataError, match=f"{what} {wanted[1]}: got '{cells[-1]}'"):
            model.predict(some)
    with pytest.raises(DataError, match=f"row 1, column 'when'.*{wanted[1]}"):
        model.predict({"when": [spell(SETTLING, not day_first)]})


def test_what_is_no_date_at_all_is_told_as_ever(trained):
    model, day_first, folder = trained
    table = write(folder / "bad.csv", [*(spell(day, day_first) for day in DAYS), "soon"])
    with pytest.raises(DataError, match=r"bad.csv:5, column 'when': a date is needed: got 'soon'"):
        model.predict(table)


def test_no_order_is_kept_where_none_was_needed(tmp_path):
    for cells in (["2024-04-03", "2024-04-20"], ["3/3/2024", "4/4/2024"]):
        encoding = fit(write(tmp_path / "t.csv", cells))
        assert encoding.front.columns[0].day_first is None
        assert encoding.encode(write(tmp_path / "u.csv", ["28/4/2024"]))["x"].shape[0] == 1
        with pytest.raises(DataError, match="a date is needed: got '3/4/2024'"):
            encoding.encode(write(tmp_path / "u.csv", ["3/4/2024"]))


def test_text_with_the_role_of_dates_keeps_its_order_too():
    cells = [spell(day, False) for day in (*DAYS, SETTLING)]
    encoding = fit(Table.from_columns({"when": cells, "y": [0.0, 1.0, 2.0, 3.0]}))
    assert encoding.front.columns[0].day_first is False
    assert "M/D/YYYY" in encoding.describe()[0]
    expected = encoding.encode(in_iso(DAYS))["x"]
    np.testing.assert_array_equal(encoding.encode(Table.from_columns({"when": cells[:3]}))["x"], expected)


@given(days, st.booleans(), st.sampled_from(["", " 13:05", "T13:05:59+02:00"]), st.integers(1, 20))
def test_any_part_of_a_column_is_read_as_the_whole(chosen, day_first, clock, count):
    cells = [spell(day, day_first, clock) for day in chosen]
    train = Table.from_columns({"when": [*cells, spell(SETTLING, day_first, clock)], "y": np.arange(len(cells) + 1.0)})
    encoding = fit(train)
    whole = encoding.encode(train)["x"]
    np.testing.assert_array_equal(encoding.encode(Table.from_columns({"when": cells[:count]}))["x"], whole[:-1][:count])
