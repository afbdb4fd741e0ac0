"""Dates, text and columns of many categories, and tables of everything: what a network is given."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer

import pellucid as pl
from pellucid.data.encoders.date_parts import read_cycles
from pellucid.data.encoders.fit import fit_encoders
from pellucid.data.encoders.settings import SCALINGS, EncoderSettings
from pellucid.data.roles import Role
from pellucid.data.tables.columns import Column
from pellucid.data.task import Task
from pellucid.errors import DataError
from pellucid.executors.interpret import compile as interpret

TASK = Task("regression", ("y",), (), "for the tests")


def dates(name, values):
    array = np.array(values, "datetime64[us]")
    return Column(name, "date", array, np.isnat(array))


def table_of(*columns, **named):
    rest = pl.Table.from_columns(named).columns if named else ()
    return pl.Table((*columns, *rest))


def fit(table, roles, rows=None, weights=None, dtype="float64", **settings):
    settings = EncoderSettings(**{"limit": 0.0, **settings})
    found = [Role(name, kind, "") for name, kind in roles.items()]
    return fit_encoders(table, found, TASK, rows, dtype, settings=settings, weights=weights)


# -- dates ----------------------------------------------------------------------------------------------------------


def test_dates_are_days_and_places_in_their_cycles():
    days = ["2023-01-01", "2023-07-02T12:00", "2024-12-31", "1969-02-28"]
    table = table_of(dates("joined", days))
    encoding = fit(table, {"joined": "date"}, scaling="none")
    assert encoding.features == (
        "joined (days)",
        *("joined year sin", "joined year cos", "joined weekday sin", "joined weekday cos"),
        *("joined time sin", "joined time cos"),
    )
    stamps = pd.DatetimeIndex(days)
    year = (stamps.day_of_year - 1 + stamps.hour / 24) / np.where(stamps.is_leap_year, 366, 365)
    angles = 2 * np.pi * np.column_stack([year, stamps.day_of_week / 7, stamps.hour / 24])
    expected = np.column_stack([np.sin(angles), np.cos(angles)])[:, [0, 3, 1, 4, 2, 5]]
    x = encoding.encode(table)["x"]
    np.testing.assert_allclose(x[:, 0], (stamps - pd.Timestamp(0)) / pd.Timedelta(days=1))
    np.testing.assert_allclose(x[:, 1:], expected, atol=1e-12)


def test_times_of_day_matter_only_where_training_has_some():
    table = table_of(dates("d", ["2023-01-01", "2023-05-01", "2023-05-01T06:00"]))
    assert fit(table, {"d": "date"}, rows=[0, 1]).features[-1] == "d weekday cos"
    assert fit(table, {"d": "date"}).features[-1] == "d time cos"


def test_missing_dates_are_zero_and_marked():
    table = table_of(dates("d", ["2023-01-01", "NaT", "2024-01-01"]), n=[1.0, 2.0, 4.0])
    encoding = fit(table, {"d": "date", "n": "number"})
    assert encoding.features[0] == "d (days)" and encoding.features[-1] == "d is missing"
    assert encoding.encode(table)["x"][1].tolist() == [0.0, encoding.encode(table)["x"][1, 1], 0, 0, 0, 0, 1]
    nowhere = fit(table_of(dates("d", ["NaT", "NaT"]), n=[1.0, 2.0]), {"d": "date", "n": "number"})
    assert not nowhere.encode(table)["x"][:, 0].any()


@given(st.datetimes(datetime.datetime(1, 1, 1), datetime.datetime(9999, 12, 31)))
def test_cycles_close(moment):
    date = np.array([moment], "datetime64[us]")
    year_sin, year_cos, week_sin, week_cos, day_sin, day_cos = read_cycles(date, times=True)[0]
    in_day = datetime.timedelta(hours=moment.hour, minutes=moment.minute, seconds=moment.second)
    in_day += datetime.timedelta(microseconds=moment.microsecond)
    start = datetime.datetime(moment.year, 1, 1)
    days = 366 if moment.year % 4 == 0 and (moment.year % 100 != 0 or moment.year % 400 == 0) else 365
    for found, place in (
        ((year_sin, year_cos), (moment - start) / datetime.timedelta(days=days)),
        ((week_sin, week_cos), moment.weekday() / 7),
        ((day_sin, day_cos), in_day / datetime.timedelta(days=1)),
    ):
        np.testing.assert_allclose(found, (np.sin(2 * np.pi * place), np.cos(2 * np.pi * place)), atol=1e-9)


def test_dates_of_text_are_read_by_the_whole_column():
    table = table_of(dates("d", ["2023-04-03", "2023-04-13"]))
    encoding = fit(table, {"d": "date"}, scaling="none")
    text = pl.Table((Column("d", "text", np.array(["3/4/2023", "13/4/2023"], object), np.zeros(2, bool)),))
    np.testing.assert_array_equal(encoding.encode(text)["x"], encoding.encode(table)["x"])


def test_cells_that_are_no_dates_are_named():
    encoding = fit(table_of(dates("d", ["2023-04-03", "2023-04-13"])), {"d": "date"})
    words = pl.Table((Column("d", "text", np.array(["2023-04-03", "soon"], object), np.zeros(2, bool)),))
    with pytest.raises(DataError, match="row 2, column 'd': a date is needed: got 'soon'"):
        encoding.encode(words)
    with pytest.raises(DataError, match="row 1, column 'd': a date is needed: got 7"):
        encoding.encode(table_of(d=[7, 8]))
    numbers = fit(table_of(a=[1.0, 2.0]), {"a": "number"})
    with pytest.raises(DataError, match="row 2, column 'a': a number is needed: got the date 2020"):
        numbers.encode(table_of(dates("a", ["NaT", "2020-01-01"])))


def test_dates_are_described_as_dates():
    table = table_of(dates("d", ["2023-04-03", "2023-04-13"]))
    told = {scaling: fit(table, {"d": "date"}, scaling=scaling).describe()[0] for scaling in SCALINGS}
    assert told["standardize"].endswith("of mean 2023-04-08 and standard deviation 5 days, standardized")
    assert "from 2023-04-03 to 2023-04-13" in told["minmax"] and "from 2023-04-03 to 2023-04-13" in told["quantile"]
    assert told["robust"].endswith("of median 2023-04-08, scaled by 5 days")


# -- text -----------------------------------------------------------------------------------------------------------

COMMENTS = ["Cheap, cheap and GOOD!", "not good", "", "très bon: 2x2_3", "good good good", "and not cheap"]


@pytest.mark.parametrize("values", ["presence", "count"])
def test_words_are_those_of_scikit_learn(values):
    table = table_of(comment=[comment or None for comment in COMMENTS])
    encoding = fit(table, {"comment": "text"}, word_values=values)
    oracle = CountVectorizer(token_pattern=r"(?u)\w+", binary=values == "presence").fit(COMMENTS)
    expected = oracle.transform([*COMMENTS, "new cheap words"]).toarray()
    found = {f"comment has {word!r}": expected[:, place] for word, place in oracle.vocabulary_.items()}
    found["comment is missing"] = np.array([0, 0, 1, 0, 0, 0, 0])
    assert set(encoding.features) == set(found)
    new = table_of(comment=[*(comment or None for comment in COMMENTS), "new cheap words"])
    x = encoding.encode(new)["x"]
    for place, name in enumerate(encoding.features):
        np.testing.assert_array_equal(x[:, place], found[name])


def test_the_words_of_most_rows_are_taken():
    table = table_of(t=["a a a a", "b c", "b c", "c d", "d"], n=[1.0] * 5)
    roles = {"t": "text", "n": "number"}
    assert fit(table, roles, words=3).features == ("n", "t has 'c'", "t has 'b'", "t has 'd'")
    assert fit(table, roles, words=1, weights=np.array([9.0, 1, 1, 1, 1])).features == ("n", "t has 'a'")
    assert fit(table, roles, rows=[3, 4]).features == ("n", "t has 'd'", "t has 'c'")
    assert fit(table, roles, words=0).features == ("n",)


def test_any_column_can_be_text():
    table = table_of(n=[1.5, 20.0, 1.5], t=[True, False, None])
    encoding = fit(table, {"n": "text", "t": "text"})
    assert encoding.features == ("n has '1'", "n has '5'", "n has '0'", "n has '20'", *encoding.features[4:])
    assert encoding.features[4:] == ("t has 'false'", "t has 'true'", "t is missing")


def test_a_word_of_any_length_is_harmless():
    table = table_of(t=["x" * 100_000 + " short", "short"])
    assert fit(table, {"t": "text"}).features == ("t has 'short'",)


# -- embedded columns -----------------------------------------------------------------------------------------------


def test_columns_of_many_categories_are_numbered():
    cities = [f"city {number:02}" for number in range(40)]
    table = table_of(city=cities, color=["red", "blue"] * 20, size=np.arange(40.0))
    encoding = fit(table, {"city": "category", "color": "category", "size": "number"})
    assert encoding.features == ("size", "color=blue", "color=red")
    assert [(column.name, column.embedding) for column in encoding.embedded] == [("city", 13)]
    assert encoding.inputs == {"x": 3, "index": pl.int32[1]}
    new = table_of(city=["city 39", "Atlantis", None], color=["red", "green", None], size=[0.0, 1.0, 2.0])
    encoded = encoding.encode(new)
    assert encoded["index"].tolist() == [[39], [-1], [-1]] and encoded["index"].dtype == np.int32
    assert encoded["x"][:, 1:].tolist() == [[0, 1], [0, 0], [0, 0]]


def test_missing_categories_of_embedded_columns_are_marked():
    table = table_of(c=["a", "b", "c", None])
    encoding = fit(table, {"c": "category"}, one_hot=2, embedding_units=5)
    assert encoding.features == ("c is missing",) and encoding.embedded[0].embedding == 5
    encoded = encoding.encode(table_of(c=["c", "x", None]))
    assert encoded["index"].tolist() == [[2], [-1], [-1]] and encoded["x"].tolist() == [[0], [0], [1]]
    alone = fit(table_of(c=["a", "b", "c"]), {"c": "category"}, one_hot=0)
    assert alone.inputs == {"index": pl.int32[1]} and set(alone.encode(table)) == {"index"}


# -- everything -----------------------------------------------------------------------------------------------------

CELLS = {
    "number": st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False), st.integers(-9, 9)),
    "category": st.one_of(st.none(), st.sampled_from(["red", "blue", "größe", "3", ""])),
    "boolean": st.one_of(st.none(), st.booleans()),
    "date": st.one_of(st.none(), st.datetimes(datetime.datetime(1, 1, 1), datetime.datetime(9999, 1, 1))),
    "text": st.one_of(st.none(), st.text("ab ,Ü1", max_size=12)),
}


@st.composite
def tables(draw):
    """A table and the roles of its columns."""
    roles = draw(st.lists(st.sampled_from(list(CELLS)), min_size=1, max_size=5))
    count = draw(st.integers(1, 12))
    columns = []
    for place, role in enumerate(roles):
        cells = draw(st.lists(CELLS[role], min_size=count, max_size=count))
        name = f"{role} {place}"
        if role == "date":
            columns.append(dates(name, ["NaT" if cell is None else cell.isoformat() for cell in cells]))
        elif role in ("category", "text"):
            gaps = np.array([cell is None for cell in cells])
            columns.append(Column(name, "text", np.array([cell or "" for cell in cells], object), gaps))
        else:
            columns.append(pl.Table.from_columns({name: cells}).columns[0])
    return pl.Table(tuple(columns)), {column.name: role for column, role in zip(columns, roles, strict=True)}


@given(
    tables(),
    tables(),
    st.sampled_from(SCALINGS),
    st.sampled_from([0.0, 3.0]),
    st.sampled_from([0.0, 0.8, 1.0]),
    st.sampled_from([0, 2, 32]),
    st.sampled_from(["float32", "float64"]),
)
def test_the_graph_computes_what_encode_does(found, other, scaling, limit, whitening, one_hot, dtype):
    table, roles = found
    if all(column.missing.all() for column in table.columns):
        return
    settings = {"scaling": scaling, "limit": limit, "whitening": whitening, "one_hot": one_hot}
    try:
        encoding = fit(table, roles, dtype=dtype, **settings)
    except DataError as error:  # texts without words, and nothing else
        assert "no column has a value" in str(error)
        return
    encoded = encoding.encode(table)
    graph = encoding.graph(batch=len(table))
    assert pl.parse(str(graph)) == graph
    computed = interpret(graph)(**encoding.raw(table), **encoding.arrays)
    assert set(encoded) == set(computed) == set(encoding.inputs)
    for name, array in encoded.items():
        np.testing.assert_array_equal(computed[name], array)
        assert array.dtype == computed[name].dtype and np.isfinite(array).all()
    if "x" in encoded:
        assert encoded["x"].shape == (len(table), len(encoding.features))
    if "index" in encoded:
        counts = [len(column.categories) for column in encoding.embedded]
        assert (encoded["index"] >= -1).all() and (encoded["index"] < counts).all()
    one_by_one = [encoding.encode(table.take([row])) for row in range(len(table))]
    for name, array in encoded.items():
        np.testing.assert_allclose(np.concatenate([one[name] for one in one_by_one]), array, rtol=1e-5, atol=1e-5)


def test_what_is_encoded_in_parts_is_the_same(monkeypatch):
    rng = np.random.default_rng(3)
    days = np.datetime64("2020-01-01") + rng.integers(0, 900, 500).astype("timedelta64[D]")
    columns = [dates("d", days)]
    table = table_of(*columns, n=rng.normal(size=500), c=rng.choice(list("abc"), 500), t=rng.choice(COMMENTS, 500))
    encoding = fit(table, {"d": "date", "n": "number", "c": "category", "t": "text"}, scaling="quantile")
    whole = encoding.encode(table)["x"]
    monkeypatch.setattr("pellucid.data.encoders.encoding.CHUNK", 17)
    np.testing.assert_array_equal(encoding.encode(table)["x"], whole)


def test_thousands_of_columns_take_seconds():
    values = np.random.default_rng(0).normal(size=(30, 20_000))
    values[0, ::3] = np.nan
    table = pl.Table.from_columns({f"x{place}": values[:, place] for place in range(values.shape[1])})
    encoding = fit(table, dict.fromkeys(table.names, "number"), dtype="float32")
    assert encoding.encode(table)["x"].shape == (30, 20_000 + 6_667)
    assert len(encoding.graph(batch=8).nodes) < 40
    assert len(str(encoding.graph(batch=8))) < 200_000
