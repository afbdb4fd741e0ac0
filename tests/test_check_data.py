"""Tables, checked before anything is built."""

import numpy as np
import pandas as pd
import pytest

import pellucid as pl
from pellucid.diagnosis.gates.check_data import check_data
from pellucid.diagnosis.gates.finding import GateError

ROWS = 300


def table(seed=0, rows=ROWS):
    """Return columns of all kinds, of which a few tell of the target, and none all."""
    rng = np.random.default_rng(seed)
    age, dose = rng.normal(50, 12, rows), rng.lognormal(size=rows)
    ill = (age - 50) / 12 + rng.normal(size=rows) > 0
    return {
        "age": np.where(rng.random(rows) < 0.1, np.nan, age),
        "dose": dose,
        "city": rng.choice(["Rome", "Oslo", "Lima"], rows),
        "smoker": rng.random(rows) < 0.3,
        "joined": np.datetime64("2020-01-01") + rng.integers(0, 1000, rows).astype("timedelta64[D]"),
        "ill": np.where(ill, "yes", "no"),
    }


def bad(report):
    return {finding.gate: finding for finding in report if finding.verdict != "pass"}


def test_a_sound_table_passes_with_a_test_of_new_rows():
    report = check_data(table(), "ill", test=table(1, 100))
    assert report.verdict == "pass", report
    assert {"leaking_columns", "missing_cells", "class_balance", "test_overlap"} <= {one.gate for one in report}
    assert report.raise_failures() is report


def test_frames_files_and_tables_are_the_same(tmp_path):
    frame = pd.DataFrame(table())
    frame.to_csv(tmp_path / "table.csv", index=False)
    columns = [str(check_data(one, "ill")["missing_cells"].evidence) for one in (frame, pl.as_table(table()))]
    columns.append(check_data(tmp_path / "table.csv", "ill")["missing_cells"].evidence)
    assert columns[0] == columns[1] == columns[2]
    assert "age the most" in columns[0]


def test_each_fault_of_a_table_is_found():
    columns, rng = table(), np.random.default_rng(5)
    columns["outcome"] = np.where(columns["ill"] == "yes", "treated", "left")
    columns["again"] = columns["dose"]
    columns["note"] = np.where(rng.random(ROWS) < 0.8, np.nan, rng.normal(size=ROWS))
    columns["pressure"] = np.where(rng.random(ROWS) < 0.05, -999.0, rng.normal(120, 10, ROWS))
    columns["version"] = np.full(ROWS, 3)
    found = bad(check_data(columns, "ill"))
    assert found["leaking_columns"].where == "outcome" and found["leaking_columns"].verdict == "fail"
    assert "again" in found["duplicate_columns"].evidence
    assert found["missing_cells"].where == "note"
    assert found["marked_cells"].where == "pressure" and "-999" in found["marked_cells"].evidence
    assert "version" in check_data(columns, "ill")["constant_columns"].evidence


def test_gaps_that_give_the_target_away_are_a_leak():
    columns = table()
    columns["bill"] = np.where(columns["ill"] == "yes", 10.0 + np.arange(ROWS) % 7, np.nan)
    found = check_data(columns, "ill")["leaking_columns"]
    assert (found.verdict, found.where) == ("fail", "whether bill is missing")
    with pytest.raises(GateError, match="leaking_columns"):
        check_data(columns, "ill").raise_failures()


def test_columns_that_number_the_rows_are_left_out_unless_they_are_asked_for():
    columns = {"id": np.arange(ROWS), **table()}
    assert "left out are id" in check_data(columns, "ill")["numbering_columns"].evidence
    found = check_data(columns, "ill", roles={"id": "number"})["numbering_columns"]
    assert (found.verdict, found.where, found.causes) == ("warn", "id", ("target_leak",))


def test_rows_and_groups_of_the_test_that_are_learned_from_are_found():
    frame = pd.DataFrame(table())
    report = check_data(frame, "ill", test=frame.iloc[:50].drop(columns="ill"))
    assert report["test_overlap"].verdict == "fail"
    other = pd.DataFrame(table(2, 80))
    frame["person"], other["person"] = np.arange(ROWS) % 60, np.arange(80) % 60
    report = check_data(frame, "ill", test=other, group="person")
    assert (report["test_overlap"].where, report["test_overlap"].measured) == ("person", 1.0)
    moved = other.assign(dose=other["dose"] + 100)
    assert check_data(frame, "ill", test=moved)["test_like_training"].where == "dose"


def test_rare_classes_and_extreme_scales_are_found():
    columns = table()
    columns["ill"] = np.where(np.arange(ROWS) < 3, "yes", "no")
    columns["distance"] = 1e9 * np.random.default_rng(0).normal(size=ROWS)
    found = bad(check_data(columns, "ill"))
    assert found["class_balance"].verdict == "fail" and found["unscaled_columns"].verdict == "warn"


def test_regressions_labels_and_large_tables_are_checked():
    rng = np.random.default_rng(0)
    columns = {f"x{number}": rng.normal(size=9000) for number in range(4)}
    columns |= {"y": columns["x0"] + columns["x1"] ** 2, "copy": 0.0}
    columns["copy"] = 3 * columns["y"] - 1
    assert check_data(columns, "y")["leaking_columns"].where == "copy"
    labels = {**{name: columns[name] for name in ("x0", "x1")}, "p": columns["x2"] > 0, "q": columns["x3"] > 0}
    report = check_data(labels, ["p", "q"])
    assert report.verdict == "pass" and "class_balance" not in {one.gate for one in report}


def test_bounds_can_be_changed_and_mistakes_are_told():
    assert check_data(table(), "ill", thresholds={"missing_cells.warn": 0.05})["missing_cells"].verdict == "warn"
    with pytest.raises(pl.UsageError, match="no threshold"):
        check_data(table(), "ill", thresholds={"missing": (1, 2)})
    with pytest.raises(pl.DataError, match="no column 'sick'"):
        check_data(table(), "sick")
    other = table(1)
    del other["dose"]
    with pytest.raises(pl.DataError, match="the test has no column 'dose'"):
        check_data(table(), "ill", test=other)
    with pytest.raises(pl.DataError, match="another kind"):
        check_data(table(), "ill", test={**table(1), "dose": ["much"] * ROWS})
