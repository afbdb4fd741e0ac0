"""What each column is for: the rules, their reasons in words, and what a user may say instead."""

from __future__ import annotations

import numpy as np
import pytest

from pellucid.data.roles import ROLE_KINDS, infer_roles
from pellucid.data.tables.table import Table, read_table
from pellucid.errors import DataError, UsageError


def role_of(values, name="x", **settings):
    """Return the role of a column beside another one and a target."""
    rows = len(values)
    table = Table.from_columns({name: values, "other": np.arange(rows) / 3, "target": np.arange(rows) % 2})
    return infer_roles(table, "target", **settings)[0]


@pytest.fixture
def table():
    return Table.from_columns(
        {
            "id": [7, 9, 8, 5],
            "age": [31, 47, None, 52],
            "grade": ["1", "2", "2", "x"],
            "said": ["so so", "very good", "no", "no"],
            "when": np.array(["2024-01-01", "2024-02-01", "NaT", "2024-02-01"], "datetime64[D]"),
            "sure": [True, False, True, None],
            "w": [1.0, 0.0, 2.5, 1.0],
            "y": [0.5, 1.5, 2.5, 3.5],
        }
    )


SENTENCES = [f"the {i % 7} came before the {i % 5} and {i}" for i in range(30)]


@pytest.mark.parametrize(
    ("name", "values", "kind", "reason"),
    [
        ("age", [31, 47, 31, 50], "number", "whole numbers from 31 to 50"),
        ("bmi", [21.5, None, 30.25], "number", "numbers from 21.5 to 30.25, 1 missing"),
        ("smoker", [True, False, None], "boolean", "true or false, 1 missing"),
        ("city", ["Rome", "Oslo", "Rome", None], "category", "2 different values, 1 missing"),
        ("flag", ["yes", None, "yes"], "category", "1 different value, 1 missing"),
        ("planet", ["Earth"] * 4, "constant", "always 'Earth'"),
        ("zero", [0.0, 0.0, None], "constant", "always 0, 1 missing"),
        ("nothing", [None, None], "constant", "no value"),
        (
            "day",
            np.array(["2024-02-01", "NaT", "2024-01-31"], "datetime64[D]"),
            "date",
            "from 2024-01-31 to 2024-02-01",
        ),
        ("start", np.array(["2024-02-01", "NaT"], "datetime64[D]"), "constant", "always 2024-02-01, 1 missing"),
        ("row", list(range(1, 31)), "key", "counts the rows from 1 to 30"),
        ("shuffled", np.random.default_rng(0).permutation(30), "key", "counts the rows from 0 to 29"),
        ("hours", [1, 2, 3, 4, 5], "number", "whole numbers from 1 to 5"),
        ("year", list(range(1990, 2020)), "number", "whole numbers"),
        ("PassengerId", [892, 17, 44], "key", "tells rows apart"),
        ("customer_id", [892.0, 17.0, 44.0], "key", "tells rows apart"),
        ("acid", [892, 17, 44], "number", "whole numbers"),
        ("id", [892, 17, 17], "number", "whole numbers"),
        ("mail", [f"p{i}@home.net" for i in range(11)], "key", "differs in every row"),
        ("mail", [f"p{i}@home.net" for i in range(9)], "category", "9 different values"),
        ("mail", [f"p{i // 2}@home.net" for i in range(500)], "category", "250 different values"),
        ("mail", [f"p{i * 2 // 3}@home.net" for i in range(500)], "key", "has 333 different values in 500 rows"),
        ("名前", ["ok", *(f"remark {i}" for i in range(20)), "ok"], "text", "several words in most cells"),
        ("said", [*SENTENCES, None], "text", "30 different values in 30 rows, 1 missing"),
        ("said", SENTENCES[:3] * 5, "category", "3 different values"),
        ("said", [f"one{i}" for i in range(9)] + ["a b"] * 2 + ["c d"], "key", "has 11 different values in 12 rows"),
    ],
)
def test_roles_and_their_reasons(name, values, kind, reason):
    role = role_of(values, name)
    assert (role.name, role.kind) == (name, kind)
    assert reason in role.reason
    assert role.used == (kind in ("number", "boolean", "category", "date", "text"))
    assert ("left out" in str(role)) == (not role.used)


@pytest.mark.parametrize(
    ("cells", "kind", "reason"),
    [
        ([f"{1 + i % 12}/{1 + i % 11}/2024" for i in range(40)], "key", "it is open whether day or month comes first"),
        (["13/1/2024", "1/13/2024"] * 4, "category", "some dates have the day first and some the month"),
        ([*(f"2024-05-{day}" for day in range(10, 31)), "never"], "key", "dates but for 'never'"),
        ([*(f"2024-05-{day}" for day in range(10, 31)), "2024-02-30"], "key", "dates but for '2024-02-30'"),
        (["1,5", "2,5", "7"] * 4, "category", "numbers with a decimal comma"),
        ([*map(str, range(100, 119)), "many"], "key", "numbers but for 'many' in "),
    ],
)
def test_text_says_why_it_is_nothing_else(tmp_path, cells, kind, reason):
    path = tmp_path / "t.csv"
    path.write_text("x;y\n" + "".join(f"{cell};{row / 7}\n" for row, cell in enumerate([*cells, *cells[:1]])))
    table = read_table(path).drop([])
    role = infer_roles(Table((*table.columns, *Table.from_columns({"z": np.arange(len(table)) / 3}).columns)), "y")[0]
    assert (role.kind, reason in role.reason) == (kind, True), role


def test_dates_as_text_in_a_frame_are_said_to_be_such():
    role = role_of([f"2024-05-{day}" for day in range(10, 31)])
    assert role.kind == "key" and "dates written as text, which can be given the role date" in role.reason
    assert role_of([f"2024-05-{day}" for day in range(10, 31)], given={"x": "date"}).kind == "date"


def test_the_only_column_is_kept_though_it_counts_the_rows():
    table = Table.from_columns({"x": np.arange(30), "y": np.arange(30) * 2.5})
    (role,) = infer_roles(table, "y")
    assert role.kind == "number" and "no other column is left" in role.reason


def test_targets_have_no_role_and_no_column_left_is_an_error():
    table = Table.from_columns({"id": [3, 9, 4], "a": [1, 1, 1], "y": [0, 1, 0]})
    with pytest.raises(DataError, match=r"no column is left to learn from: got id: left out .*; a: left out"):
        infer_roles(table, "y")
    with pytest.raises(DataError, match="no column but the targets"):
        infer_roles(table, ["id", "a", "y"])
    with pytest.raises(DataError, match=r"there is no column 'z'\. Known: a, id, y"):
        infer_roles(table, "z")
    with pytest.raises(DataError, match=r"got .*a: left out \(as asked for\)"):
        infer_roles(table, "y", ignore=["a"])


def test_an_infinite_number_is_named_with_its_line(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text('x,w,y\n1,"a\nb",0\n2,c,1\n-inf,d,1\n')
    with pytest.raises(DataError, match=r"t\.csv:5, column 'x': a number is infinite: got -inf"):
        infer_roles(read_table(path), "y")
    assert [role.kind for role in infer_roles(read_table(path), "y", ignore=["x"])] == ["ignore", "category"]


def test_what_the_user_says_comes_first(table):
    given = {
        "id": "number",
        "age": "category",
        "grade": "text",
        "when": "category",
        "sure": "ignore",
        "said": "boolean",
    }
    del given["said"]
    roles = {role.name: role for role in infer_roles(table, "y", given=given, ignore=["said"], weight="w")}
    assert {name: role.kind for name, role in roles.items()} == {**given, "said": "ignore", "w": "weight"}
    assert [role.name for role in roles.values()] == list(table.names[:-1])
    assert {name for name, role in roles.items() if role.used} == {"id", "age", "grade", "when"}
    assert all("as asked for" in str(roles[name]) for name in given)
    assert infer_roles(table, "y", group="grade")[2].kind == "group"
    assert infer_roles(table, "y", ignore=["grade"], group="grade")[2].kind == "group"
    assert infer_roles(table, "y", given={"sure": "number"})[5].kind == "number"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"given": {"agee": "number"}}, "there is no column 'agee'.*Did you mean 'age'"),
        ({"ignore": ["agee"]}, "there is no column 'agee'.*Did you mean 'age'"),
        ({"weight": "ww"}, "there is no column 'ww': got the role weight. Did you mean 'w'"),
        ({"group": "whem"}, "there is no column 'whem'.*Did you mean 'when'"),
        ({"given": {"age": "numeric"}}, "column 'age': there is no role 'numeric'.*Known: boolean, category, date"),
        ({"given": {"age": "weight"}}, "there is no role 'weight'"),
        ({"given": {"y": "number"}}, "column 'y': a target has no other role: got number"),
        ({"ignore": ["y"]}, "a target has no other role: got ignore"),
        ({"weight": "y"}, "a target has no other role: got weight"),
        ({"given": {"w": "number"}, "weight": "w"}, "column 'w': a column has two roles: got number and weight"),
        ({"given": {"w": "number"}, "ignore": ["w"]}, "a column has two roles: got number and ignore"),
        ({"weight": "w", "group": "w"}, "a column has two roles: got weight and group"),
    ],
)
def test_wrong_names_and_kinds(table, settings, message):
    with pytest.raises(UsageError, match=message):
        infer_roles(table, "y", **settings)


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("grade", "number", "row 4, column 'grade': a number is needed: got 'x'"),
        ("when", "number", "column 'when': dates are no numbers: got 2024-01-01. Let it be a date"),
        ("age", "date", "column 'age': this column holds no dates: got a column of kind number"),
        ("grade", "date", "row 1, column 'grade': a date is needed: got '1'"),
        ("age", "text", "column 'age': there are no words to count: got a column of kind number"),
        ("grade", "boolean", "column 'grade': a boolean has two values: got 3 different values. Let it be a category"),
    ],
)
def test_a_role_that_a_column_cannot_have(table, name, kind, message):
    assert kind in ROLE_KINDS
    with pytest.raises(DataError, match=message):
        infer_roles(table, "y", given={name: kind})


def test_more_roles_that_a_column_cannot_have():
    with pytest.raises(DataError, match="without any value cannot be a category"):
        role_of([None, None], given={"x": "category"})
    with pytest.raises(DataError, match=r"got '1,5'\. Write decimals with a point"):
        role_of(["1,5", "2,5"], given={"x": "number"})
    with pytest.raises(DataError, match=r"a column of numbers is text\. Convert"):
        role_of(["1.5", "2.5"], given={"x": "number"})
    with pytest.raises(DataError, match=r"it is open whether day or month comes first\. Write dates as YYYY-MM-DD"):
        role_of(["1/5/2024", "2/5/2024"], given={"x": "date"})


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (["1", "-0.5", "1"], "t.csv:3, column 'w': a weight is negative: got -0.5, expected a number from 0 up"),
        (["1", "", "1"], "t.csv:3, column 'w': a row has no weight: got a missing value"),
        (["1", "1", "inf"], "t.csv:4, column 'w': a number is infinite"),
        (["0", "0", "0"], "column 'w': all weights are 0"),
        (["1", "much", "1"], "column 'w': a weight is a number: got a column of kind text"),
    ],
)
def test_weights_are_numbers_from_0_up(tmp_path, cells, message):
    path = tmp_path / "t.csv"
    path.write_text("x,w,y\n" + "".join(f"{row / 3},{cell},{row % 2}\n" for row, cell in enumerate(cells)))
    with pytest.raises(DataError, match=message):
        infer_roles(read_table(path), "y", weight="w")


def test_every_row_has_a_group(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("x,g,y\n1,a,0\n2,,1\n")
    with pytest.raises(DataError, match=r"t\.csv:3, column 'g': a row has no group: got a missing value"):
        infer_roles(read_table(path), "y", group="g")
