"""Encoders and targets: what becomes of the cells of a table, against scikit-learn and NumPy."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import pellucid as pl
from pellucid.data.cells import match_categories
from pellucid.data.encoders.fit import fit_encoders
from pellucid.data.encoders.settings import EncoderSettings
from pellucid.data.roles import Role, infer_roles
from pellucid.data.targets import fit_targets
from pellucid.data.task import Task, infer_task
from pellucid.errors import DataError, UsageError

TASK = Task("regression", ("y",), (), "for the tests")


def fit(columns, roles, rows=None, dtype="float64", weights=None, **settings):
    """Fit encoders on columns by name; `roles` maps names to number or category. No smooth limit by default."""
    table = columns if isinstance(columns, pl.Table) else pl.Table.from_columns(columns)
    settings = EncoderSettings(**{"limit": 0.0, **settings})
    found = [Role(name, kind, "") for name, kind in roles.items()]
    return fit_encoders(table, found, TASK, rows, dtype, settings=settings, weights=weights)


def encode(encoding, columns):
    return encoding.encode(pl.Table.from_columns(columns))["x"]


def test_numbers_are_standardized_as_by_scikit_learn():
    rng = np.random.default_rng(1)
    values = rng.normal([5.0, -300.0, 1e-3], [0.1, 40.0, 2e-4], (200, 3))
    encoding = fit(pl.Table.from_arrays(values), {"x0": "number", "x1": "number", "x2": "number"})
    expected = StandardScaler().fit(values)
    np.testing.assert_allclose(encoding.arrays["encoders/center"], expected.mean_, rtol=1e-14)
    np.testing.assert_allclose(encoding.arrays["encoders/scale"], expected.scale_, rtol=1e-13)
    new = rng.normal(0.0, 30.0, (50, 3)) * expected.scale_
    np.testing.assert_allclose(encoding.encode(pl.Table.from_arrays(new))["x"], expected.transform(new), rtol=1e-12)


def test_categories_are_one_hot_as_by_scikit_learn():
    rng = np.random.default_rng(2)
    train = rng.choice(["red", "blue", "green", "Übergröße"], (100, 2))
    new = rng.choice(["red", "black", "green", "Übergröße"], (60, 2))
    encoding = fit(pl.Table.from_arrays(train), {"x0": "category", "x1": "category"})
    oracle = OneHotEncoder(handle_unknown="ignore", sparse_output=False).fit(train)
    np.testing.assert_array_equal(encoding.encode(pl.Table.from_arrays(new))["x"], oracle.transform(new))
    assert encoding.features == tuple(name.replace("_", "=") for name in oracle.get_feature_names_out(["x0", "x1"]))


def test_only_the_training_rows_matter():
    rng = np.random.default_rng(3)
    columns = {"a": rng.normal(size=30), "c": rng.choice(["p", "q"], 30)}
    other = {"a": columns["a"].copy(), "c": columns["c"].copy()}
    other["a"][20:], other["c"][20:] = 1e9, "new"
    roles = {"a": "number", "c": "category"}
    first, second = fit(columns, roles, np.arange(20)), fit(other, roles, np.arange(30) < 20)
    assert first.front == second.front
    for name, array in first.arrays.items():
        np.testing.assert_array_equal(array, second.arrays[name])
    np.testing.assert_allclose(first.arrays["encoders/center"], [columns["a"][:20].mean()], rtol=1e-14)


def test_missing_numbers_are_filled_with_the_mean_and_marked():
    encoding = fit({"a": [1.0, None, 3.0], "b": [1.0, 2.0, 3.0]}, {"a": "number", "b": "number"})
    assert encoding.features == ("a", "b", "a is missing")
    x = encode(encoding, {"a": [None, 4.0], "b": [2.0, None]})
    # mean 2, standard deviation 1 of the two numbers present in a; b had no gap, so a gap is filled but not marked
    np.testing.assert_array_equal(x, [[0.0, 0.0, 1.0], [2.0, 0.0, 0.0]])


def test_missing_categories_are_marked_where_training_had_some():
    encoding = fit({"c": ["u", None, "v"], "d": ["u", "v", "v"]}, {"c": "category", "d": "category"})
    assert encoding.features == ("c=u", "c=v", "c is missing", "d=u", "d=v")
    x = encode(encoding, {"c": [None, "w", "v"], "d": [None, "w", "v"]})
    np.testing.assert_array_equal(x, [[0, 0, 1, 0, 0], [0, 0, 0, 0, 0], [0, 1, 0, 0, 1]])


def test_truth_values_are_categories_or_zero_and_one():
    columns = {"t": [True, False, None, True]}
    as_category = fit(columns, {"t": "category"})
    assert as_category.features == ("t=False", "t=True", "t is missing")
    np.testing.assert_array_equal(encode(as_category, {"t": [True, None, False]}), [[0, 1, 0], [0, 0, 1], [1, 0, 0]])
    as_number = fit({"t": [True, False, True, False]}, {"t": "number"})
    np.testing.assert_array_equal(encode(as_number, {"t": [True, False]}), [[1.0], [-1.0]])


def test_a_column_constant_in_training_becomes_zero():
    encoding = fit({"a": [0.1, 0.1, 0.1], "b": [1.0, 2.0, 3.0]}, {"a": "number", "b": "number"})
    np.testing.assert_array_equal(encode(encoding, {"a": [0.1, 7.0, None], "b": [2.0] * 3}), np.zeros((3, 2)))
    empty = fit({"a": [None, None, 5.0], "b": [1.0, 2.0, 3.0]}, {"a": "number", "b": "number"}, rows=[0, 1])
    assert encode(empty, {"a": [5.0, None], "b": [1.5, 1.5]}).tolist() == [[0.0, 0.0], [0.0, 0.0]]


@pytest.mark.parametrize("size", [1e-310, 1e-200, 1e-30, 1.0, 1e30, 1e200, 8e307])
def test_numbers_of_any_size_are_standardized(size):
    encoding = fit({"a": np.array([-1.0, 0.0, 1.0, 2.0]) * size}, {"a": "number"}, dtype="float32")
    x = encode(encoding, {"a": np.array([-1.0, 0.0, 1.0, 2.0]) * size})
    expected = (np.array([-1.0, 0.0, 1.0, 2.0]) - 0.5) / np.sqrt(1.25)
    np.testing.assert_allclose(x[:, 0], expected, rtol=2e-7)


def test_a_large_offset_costs_no_precision():
    encoding = fit({"a": 1e9 + np.arange(5.0)}, {"a": "number"}, dtype="float32")
    x = encode(encoding, {"a": 1e9 + np.arange(5.0)})
    np.testing.assert_allclose(x[:, 0], (np.arange(5) - 2) / np.sqrt(2.0), rtol=1e-7)


def test_wild_new_numbers_stay_finite():
    encoding = fit({"a": [1.0, 1.0 + 1e-12, 1.0]}, {"a": "number"}, dtype="float32")
    assert encode(encoding, {"a": [1e300, -1.7e308, 1.0]})[:2, 0].tolist() == [1e6, -1e6]


@given(
    hnp.arrays(
        np.float64,
        st.tuples(st.integers(1, 30), st.integers(1, 3)),
        elements=st.one_of(st.just(np.nan), st.floats(allow_nan=False, allow_infinity=False)),
    )
)
def test_features_of_training_rows_are_finite_and_bounded(values):
    table = pl.Table.from_arrays(values)
    encoding = fit(table, dict.fromkeys(table.names, "number"), dtype="float32")
    x = encoding.encode(table)["x"]
    assert x.shape == (len(values), len(encoding.features)) and np.isfinite(x).all()
    assert (np.abs(x) <= max(1.0, np.sqrt(len(values)) * 1.000001)).all()


def test_the_graph_computes_what_encode_does():
    rng = np.random.default_rng(4)
    a = np.where(rng.random(9000) < 0.1, np.nan, rng.normal(7, 3, 9000))
    table = pl.Table.from_columns({"a": a, "k": np.ones(9000), "c": rng.choice(["x", "y", "z"], 9000)})
    roles = {"a": "number", "k": "number", "c": "category"}
    encoding = fit(table, roles, dtype="float32", limit=3.0)
    x = encoding.encode(table)["x"]
    assert x.dtype == np.float32 and x.shape == (9000, 6)
    program = pl.compile(encoding.graph(batch=9000))
    np.testing.assert_array_equal(program(**encoding.raw(table), **encoding.arrays)["x"], x)
    graph = encoding.graph(batch=4)
    assert list(graph.inputs) == ["numbers", "categories", "encoders/center", "encoders/scale"]
    assert str(graph.outputs["x"].type) == "float32[batch=4, 6]"
    assert pl.parse(str(graph)) == graph


def test_any_name_of_a_column_works():
    names = ["größe", "a/b", 'say "x"', "new\nline", "x", "\u2028", "numbers", "日本"]
    columns = {name: [1.0, 2.0, None] for name in names}
    encoding = fit(columns, dict.fromkeys(names, "number"))
    graph = encoding.graph(2)
    assert pl.parse(str(graph)) == graph
    assert encoding.features[: len(names)] == tuple(names)


def test_columns_are_found_by_name():
    columns = {"a": [1.0, 2.0, 4.0], "c": ["u", "v", "u"], "b": [3.0, 1.0, 0.0]}
    encoding = fit(columns, {"a": "number", "c": "category", "b": "number"})
    x = encode(encoding, columns)
    other = {"unused": ["?", "!", "."], "b": columns["b"], "c": columns["c"], "a": columns["a"]}
    np.testing.assert_array_equal(encode(encoding, other), x)


def test_a_missing_column_is_named_with_the_nearest_one():
    encoding = fit({"color": ["u", "v", "u"], "a": [1.0, 2.0, 3.0]}, {"color": "category", "a": "number"})
    with pytest.raises(
        DataError, match=r"column that the model reads is missing: got no 'color'.*Did you mean 'colour'"
    ):
        encode(encoding, {"a": [1.0], "colour": ["u"]})
    with pytest.raises(DataError, match=r"2 columns that the model reads are missing: got no 'color', 'a'"):
        encode(encoding, {"b": [1.0]})


def test_roles_decide_what_is_read():
    table = pl.Table.from_columns(
        {"id": range(20), "a": np.arange(20) % 7, "c": ["u", "v"] * 10, "y": np.linspace(0, 1, 20)}
    )
    encoding = fit_encoders(table, infer_roles(table, "y"), infer_task(table, "y"))
    assert encoding.features == ("a", "c=u", "c=v")
    assert len(encoding.describe()) == 2 and "mean 2.85" in encoding.describe()[0]
    with pytest.raises(UsageError, match="target"):
        fit_encoders(table, [Role("y", "number", "")], infer_task(table, "y"))


def test_bad_cells_are_named_with_file_line_and_column(tmp_path):
    train = tmp_path / "train.csv"
    train.write_text("a,c\n1,u\n2,v\n3,u\n")
    encoding = fit(pl.read_table(train), {"a": "number", "c": "category"})
    new = tmp_path / "new.csv"
    new.write_text("c,a\nu,1\nv,oops\nu,3\n")
    with pytest.raises(DataError, match=r"new\.csv:3, column 'a': a number is needed: got 'oops'"):
        encoding.encode(pl.read_table(new))
    new.write_text("c,a\nu,1\nv,2\nu,1e999\n")
    with pytest.raises(DataError, match=r"new\.csv:4, column 'a': a number is infinite"):
        encoding.encode(pl.read_table(new))
    with pytest.raises(DataError, match="is text"):
        encode(encoding, {"a": ["1", "2"], "c": ["u", "v"]})
    with pytest.raises(DataError, match="no column has a value"):
        fit({"c": [None, None, "u"]}, {"c": "category"}, rows=[0, 1])


def test_an_empty_column_of_text_is_missing_throughout():
    encoding = fit({"a": [1.0, 2.0, 3.0]}, {"a": "number"})
    assert encode(encoding, {"a": np.array([None, None], dtype=object)}).tolist() == [[0.0], [0.0]]


@pytest.mark.parametrize(
    ("categories", "cells", "expected"),
    [
        (["a", "b"], ["b", "B", None, "c"], [1, -1, -1, -1]),
        (["1", "2", "x"], [2, 1, 3], [1, 0, -1]),
        (["1.50", "x"], [1.5, 0.0], [0, -1]),
        (["maybe", "true"], [True, False, None], [1, -1, -1]),
        ([False, True], ["true", "False", "unknown", None], [1, 0, -1, -1]),
        ([False, True], [0, 1, 2], [0, 1, -1]),
        ([1, 2], ["2", "x", " 1.0 "], [1, -1, 0]),
        ([1.5, 2], [2.0, 1.5, float("nan")], [1, 0, -1]),
    ],
)
def test_categories_are_known_however_a_file_was_read(categories, cells, expected):
    table = pl.Table.from_columns({"c": cells})
    assert match_categories(table["c"], categories).tolist() == expected


def test_the_front_end_is_plain_data():
    encoding = fit({"a": [1.0, None, 4.0], "c": [True, False, True]}, {"a": "number", "c": "category"})
    plain = dataclasses.asdict(encoding.front)
    plain_column = {"categories": [], "indicator": False, "constant": False, "embedding": 0, "times": False}
    plain_column |= {"day_first": None, "words": [], "counted": False}
    assert json.loads(json.dumps(plain)) == {
        "columns": [
            {**plain_column, "name": "a", "role": "number", "indicator": True},
            {**plain_column, "name": "c", "role": "category", "categories": [False, True]},
        ]
    }


# -- targets ------------------------------------------------------------------------------------------------------


def targets_of(columns, names, rows=None, **settings):
    table = pl.Table.from_columns(columns)
    return table, fit_targets(table, infer_task(table, names), rows, **settings)


def test_regression_targets_are_standardized_on_the_training_rows():
    rng = np.random.default_rng(5)
    columns = {"u": rng.normal(1e6, 3.0, 40), "v": rng.normal(0, 1e-4, 40)}
    table, targets = targets_of(columns, ["u", "v"], np.arange(30))
    both = np.column_stack([columns["u"], columns["v"]])
    oracle = StandardScaler().fit(both[:30])
    encoded = targets.encode(table)
    np.testing.assert_allclose(encoded, oracle.transform(both), rtol=1e-7, atol=1e-9)
    builder = pl.graph.builder.Builder()
    y = builder.input("y", pl.float64[40, 2])
    graph = builder.finish({"y": targets.restore(targets.declare(builder), "mean", y)})
    restored = pl.compile(graph)(y=encoded, **targets.arrays)["y"]
    np.testing.assert_allclose(restored, both, rtol=1e-14, atol=1e-18)
    np.testing.assert_array_equal(targets.decode(both)["v"], columns["v"])


def test_the_variance_of_a_standardized_target_gets_the_squared_scale():
    _, targets = targets_of({"x": [0.5] * 4, "y": [0.0, 10.0, 0.5, 9.5]}, "y")
    builder = pl.graph.builder.Builder()
    one = builder.input("one", pl.float32[1, 1])
    graph = builder.finish({"v": targets.restore(targets.declare(builder), "variance", one)})
    variance = pl.compile(graph)(one=[[1.0]], **targets.arrays)["v"]
    np.testing.assert_allclose(variance, [[np.var([0.0, 10.0, 0.5, 9.5])]], rtol=1e-14)
    with pytest.raises(UsageError, match="standardize=False"):
        targets.restore(targets.declare(pl.graph.builder.Builder()), "rate", one)


def test_counts_can_be_left_as_they_are():
    table, targets = targets_of({"y": [0.5, 1.5, 3.5]}, "y", standardize=False)
    assert targets.arrays == {} and targets.encode(table).tolist() == [[0.5], [1.5], [3.5]]


def test_classes_become_numbers_and_come_back():
    table, targets = targets_of({"y": ["b", "c", "a", "c"] * 3}, "y")
    assert targets.classes == ("a", "b", "c") and targets.outputs == 3
    encoded = targets.encode(table)
    assert encoded.dtype == np.int64 and encoded[:4].tolist() == [1, 2, 0, 2]
    probabilities = np.eye(3)[encoded] * 0.5 + 0.1
    assert targets.decode(probabilities)["y"].tolist() == list(table["y"].values)


@pytest.mark.parametrize("values", [["no", "yes"], [False, True], [0, 1], [1.5, 2.5], [-3, 12]])
def test_the_second_of_two_classes_is_the_true_one(values):
    column = [values[0], values[1], values[1], values[0], values[1]]
    table = pl.Table.from_columns({"y": column})
    targets = fit_targets(table, infer_task(table, "y", "classification"))
    assert targets.encode(table).tolist() == [[0.0], [1.0], [1.0], [0.0], [1.0]]
    assert targets.decode(np.array([[0.4], [0.5], [0.6]]))["y"].tolist() == [values[0], values[0], values[1]]
    assert targets.decode(np.array([[-0.1], [0.1]]), "score")["y"].tolist() == values


def test_labels_are_independent_of_each_other():
    table, targets = targets_of({"p": [0, 1, 1], "q": [1, 0, 1]}, ["p", "q"])
    assert targets.encode(table).tolist() == [[0, 1], [1, 0], [1, 1]]
    decoded = targets.decode(np.array([[0.9, 0.2]]))
    assert decoded["p"].tolist() == [1] and decoded["q"].tolist() == [0]
    _, truth = targets_of({"p": [False, True, True], "q": [True, False, True]}, ["p", "q"])
    assert truth.decode(np.array([[0.9, 0.2]]))["p"].tolist() == [True]


def test_bad_targets_are_named():
    table, targets = targets_of({"y": ["a", "b", "a"]}, "y")
    with pytest.raises(
        DataError, match=r"row 2, column 'y': a class that was not there in training: got 'c'.*'a', 'b'"
    ):
        targets.encode(pl.Table.from_columns({"y": ["a", "c"]}))
    with pytest.raises(DataError, match=r"row 1, column 'y': a row has no target"):
        targets.encode(pl.Table.from_columns({"y": [None, "a"]}))
    with pytest.raises(DataError, match="the same in all training rows: got 'a'"):
        fit_targets(table, infer_task(table, "y"), [0, 2])
    _, numbers = targets_of({"y": [0.5, 1.5, 2.5]}, "y")
    with pytest.raises(DataError, match=r"row 2, column 'y': a number is needed"):
        numbers.encode(pl.Table.from_columns({"y": [1.0, "x"]}))
    with pytest.raises(DataError, match="there is no column 'y'"):
        numbers.encode(pl.Table.from_columns({"z": [1.0]}))


def test_a_cell_of_many_letters_is_no_category():
    long = "a" * 1001
    table = pl.as_table({"x": ["red", long, "red", "blue", long[:1000]] * 4, "y": [0.5, 1.5, 2.5, 3.5, 4.5] * 4})
    encoding = fit_encoders(table, infer_roles(table, "y"), infer_task(table, "y"))
    assert encoding.features == (f"x={long[:1000]}", "x=blue", "x=red")
    assert encoding.encode(table)["x"][:3].tolist() == [[0, 0, 1], [0, 0, 0], [0, 0, 1]]
