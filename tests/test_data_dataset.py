"""Roles of columns, the task of targets, and datasets: checked, split and weighed."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.data.dataset import Dataset, class_weights, part_sizes, split
from pellucid.data.roles import infer_roles
from pellucid.data.table import Table, read_table
from pellucid.data.task import infer_task
from pellucid.errors import DataError, UsageError

TABLES = Path(__file__).parent.parent / "examples" / "tables"


def role_of(values, name):
    rows = len(values)
    table = Table.from_columns({name: values, "other": np.arange(rows) / 3, "target": np.arange(rows) % 2})
    return infer_roles(table, "target")[0]


# --- roles ---


@pytest.mark.parametrize(
    ("name", "values", "kind", "reason"),
    [
        ("age", [31, 47, 31, 50], "number", "whole numbers from 31 to 50"),
        ("bmi", [21.5, None, 30.25], "number", "numbers from 21.5 to 30.25, 1 missing"),
        ("smoker", [True, False, None], "category", "true or false, 1 missing"),
        ("city", ["Rome", "Oslo", "Rome", None], "category", "2 different values, 1 missing"),
        ("flag", ["yes", None, "yes"], "category", "1 different value, 1 missing"),
        ("planet", ["Earth"] * 4, "constant", "always 'Earth'"),
        ("zero", [0.0, 0.0, None], "constant", "always 0, 1 missing"),
        ("nothing", [None, None], "constant", "no value"),
        ("row", list(range(1, 31)), "key", "counts the rows from 1 to 30"),
        ("shuffled", np.random.default_rng(0).permutation(30), "key", "counts the rows from 0 to 29"),
        ("hours", [1, 2, 3, 4, 5], "number", "whole numbers from 1 to 5"),
        ("year", list(range(1990, 2020)), "number", "whole numbers"),
        ("PassengerId", [892, 17, 44], "key", "tells rows apart"),
        ("customer_id", [892.0, 17.0, 44.0], "key", "tells rows apart"),
        ("acid", [892, 17, 44], "number", "whole numbers"),
        ("id", [892, 17, 17], "number", "whole numbers"),
        ("name", [f"person {i}" for i in range(11)], "key", "differs in every row"),
        ("color", [f"shade {i}" for i in range(9)], "category", "9 different values"),
        ("street", [f"street {i // 2}" for i in range(500)], "text", "250 different values in 500 rows"),
        ("remark", ["ok", *(f"remark {i}" for i in range(20)), "ok"], "text", "21 different values in 22 rows"),
    ],
)
def test_roles_and_their_reasons(name, values, kind, reason):
    role = role_of(values, name)
    assert (role.name, role.kind) == (name, kind)
    assert reason in role.reason
    assert role.used == (kind in ("number", "category"))
    assert ("left out" in str(role)) == (not role.used)


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


def test_an_infinite_number_is_named_with_its_line(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text('x,w,y\n1,"a\nb",0\n2,c,1\n-inf,d,1\n')
    with pytest.raises(DataError, match=r"t\.csv:5, column 'x': a number is infinite: got -inf"):
        infer_roles(read_table(path), "y")


def test_a_nearly_numeric_category_tells_its_bad_cell(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("x,z,y\n" + "".join(f"{i % 5},{i / 7},{i % 2}\n" for i in range(19)) + "many,1,0\n")
    role = infer_roles(read_table(path), "y")[0]
    assert role.kind == "category" and "numbers but for 'many' in" in role.reason and "t.csv:21" in role.reason


# --- task ---


@pytest.mark.parametrize(
    ("file", "targets", "kind", "classes"),
    [
        ("breast_cancer", "diagnosis", "binary", ("benign", "malignant")),
        ("digits", "digit", "multiclass", tuple(range(10))),
        ("wine", "cultivar", "multiclass", ("cultivar_1", "cultivar_2", "cultivar_3")),
        ("diabetes", "progression", "regression", ()),
        ("linnerud", ["weight", "waist", "pulse"], "regression", ()),
    ],
)
def test_tasks_of_the_example_tables(file, targets, kind, classes):
    table = read_table(TABLES / f"{file}.csv")
    task = infer_task(table, targets)
    assert (task.kind, task.classes) == (kind, classes)
    assert task.targets == ((targets,) if isinstance(targets, str) else tuple(targets))
    roles = infer_roles(table, targets)
    assert {role.kind for role in roles} <= {"number", "constant"}
    assert [role.name for role in roles] == [name for name in table.names if name not in task.targets]
    constant = [role.name for role in roles if role.kind == "constant"]
    assert constant == (["pixel_0_0", "pixel_4_0", "pixel_4_7"] if file == "digits" else [])


@pytest.mark.parametrize(
    ("target", "kind", "classes"),
    [
        ([0, 1, 1, 0], "binary", (0, 1)),
        ([-1.0, 1.0, 1.0, -1.0], "binary", (-1.0, 1.0)),
        ([True, False, True], "binary", (False, True)),
        (["b", "a", "c", "a"], "multiclass", ("a", "b", "c")),
        ([1, 2, 3] * 5, "multiclass", (1, 2, 3)),
        ([1, 2, 3] * 4, "regression", ()),
        (list(range(20)) * 5, "multiclass", tuple(range(20))),
        (list(range(21)) * 9, "regression", ()),
        ([0.5, 1.5, 0.5, 1.5], "regression", ()),
        ([3, 4], "regression", ()),
    ],
)
def test_rules_of_one_target(target, kind, classes):
    task = infer_task(Table.from_columns({"y": target}), "y")
    assert (task.kind, task.classes) == (kind, classes)
    assert task.reason


def test_several_targets():
    table = Table.from_columns({"a": [0, 1, 1], "b": [True, False, False], "c": [0, 2, 1], "d": ["u", "v", "u"]})
    assert infer_task(table, ["a", "b"]).kind == "multilabel"
    assert infer_task(table, ["a", "b"]).classes == (0, 1)
    assert infer_task(table, ["a", "c"]).kind == "regression"
    assert infer_task(table, ["a", "b"], task="regression").kind == "regression"
    with pytest.raises(DataError, match="column 'd': one of several targets is text"):
        infer_task(table, ["a", "d"])
    with pytest.raises(DataError, match=r"column 'c': a target of multilabel .* got 2"):
        infer_task(table, ["a", "c"], task="multilabel")
    with pytest.raises(DataError, match="multiclass has one target: got 2: a, c"):
        infer_task(table, ["a", "c"], task="multiclass")
    with pytest.raises(UsageError, match="a target is named twice: got 'a'"):
        infer_task(table, ["a", "a"])
    with pytest.raises(UsageError, match="no target is named"):
        infer_task(table, [])


def test_the_task_can_be_overridden():
    grades = Table.from_columns({"y": [1, 2, 3, 1, 2, 3] * 5, "z": [0.5, 1.5, 2.5] * 10})
    assert infer_task(grades, "y").kind == "multiclass"
    assert infer_task(grades, "y", task="regression").kind == "regression"
    assert infer_task(grades, "z", task="classification").classes == (0.5, 1.5, 2.5)
    with pytest.raises(DataError, match="binary classification has two classes: got 3"):
        infer_task(grades, "y", task="binary")
    with pytest.raises(DataError, match="multilabel classification has several targets"):
        infer_task(Table.from_columns({"y": [0, 1, 1]}), "y", task="multilabel")
    with pytest.raises(UsageError, match=r"there is no task 'regresion'\. Did you mean 'regression'"):
        infer_task(grades, "y", task="regresion")


@pytest.mark.parametrize(
    ("cells", "task", "message"),
    [
        (["1", "", "NA"], None, "t.csv:3, column 'y': 2 rows have no target, this one first"),
        (["a", "b", "?"], None, "t.csv:4, column 'y': a row has no target"),
        (["", "", ""], None, "column 'y': the target has no value in any row"),
        (["1", "inf", "2"], None, "t.csv:3, column 'y': a number is infinite: got inf"),
        (["7", "7", "7"], None, "column 'y': the target is the same in every row.* got always 7 in 3 rows"),
        (["cat"], None, "got always 'cat' in 1 row, expected at least two"),
        (["a", "b", "c"], None, "column 'y': every row has a class of its own: got 3 classes in 3 rows"),
        (["1", "2", "3"], "multiclass", "every row has a class of its own.*say that the task is regression"),
        (["1", "2", "low"], "regression", "t.csv:4, column 'y': a target of regression is no number: got 'low'"),
        (["1.5", "2,5", "3"], "regression", "t.csv:3, column 'y': .* got '2,5'. Write decimals with a point"),
        (
            [*map(str, range(19)), "x"],
            None,
            "t.csv:21, column 'y': 95% of the target are numbers, but not this cell: got 'x'",
        ),
    ],
)
def test_targets_that_cannot_be_learned(tmp_path, cells, task, message):
    path = tmp_path / "t.csv"
    path.write_text("y;x\n" + "".join(f"{cell};1\n" for cell in cells))
    with pytest.raises(DataError, match=message) as caught:
        infer_task(read_table(path), "y", task)
    assert "\n" not in str(caught.value) and "t.csv" in str(caught.value)


def test_a_missing_target_column_names_the_nearest():
    with pytest.raises(DataError, match=r"there is no column 'Diagnosis'\. Did you mean 'diagnosis'"):
        infer_task(read_table(TABLES / "breast_cancer.csv"), "Diagnosis")


# --- datasets ---


def test_a_dataset_takes_rows_of_everything():
    data = Dataset(
        {"x": np.arange(6.0).reshape(3, 2), "city": np.array([0, 2, 1])},
        {"a": np.arange(3), "b": np.ones((3, 2))},
        [1, 0, 2],
    )
    assert len(data) == 3
    for rows in ([2, 0], np.array([2, 0], np.uint8)):
        part = data.take(rows)
        assert part.inputs["x"].tolist() == [[4, 5], [0, 1]] and part.inputs["city"].tolist() == [1, 0]
        assert part.targets["a"].tolist() == [2, 0] and part.targets["b"].shape == (2, 2)
        assert part.weights.tolist() == [2.0, 1.0]
    assert len(data.take(np.array([True, False, True]))) == 2
    with pytest.raises(ValueError, match="read-only"):
        data.inputs["x"][0] = 1


@pytest.mark.parametrize(
    ("inputs", "targets", "weights", "message"),
    [
        ({}, None, None, "at least one input"),
        (
            {"x": np.zeros((3, 2)), "z": np.zeros(2)},
            None,
            None,
            "input 'z': arrays differ in length: got 2, expected 3",
        ),
        ({"x": np.zeros((3, 2))}, np.zeros(4), None, "the targets: arrays differ in length: got 4, expected 3"),
        ({"x": np.zeros((3, 2))}, {"y": np.zeros(4)}, None, "target 'y': arrays differ in length"),
        ({"x": np.zeros((3, 2))}, None, np.ones(1), "the weights: arrays differ in length"),
        ({"x": np.zeros((0, 2))}, None, None, "no examples"),
        ({"x": [[1, 2], [3, np.nan]]}, None, None, "input 'x', row 1, column 1: .* not finite: got nan"),
        ({"x": np.full((1, 2, 2), np.inf)}, None, None, r"input 'x', row 0, position \[0, 0\]: .* got inf"),
        ({"x": [1.0]}, [np.inf], None, "the targets, row 0: .* got inf"),
        ({"x": ["a"]}, None, None, "input 'x': an array does not hold numbers: got dtype <U1"),
        ({"x": 5.0}, None, None, "input 'x': a single value"),
        ({"x": [1.0, 2.0]}, None, [1, -2], "the weights, row 1: a weight is negative: got -2.0"),
        ({"x": [1.0, 2.0]}, None, [0, 0], "all weights are 0"),
        ({"x": [1.0, 2.0]}, None, [[1], [1]], r"one number an example: got shape \[2, 1\]"),
        ({"x": [1.0, 2.0]}, None, [1, np.nan], "the weights, row 1: .* not finite"),
    ],
)
def test_arrays_that_are_no_dataset(inputs, targets, weights, message):
    with pytest.raises(DataError, match=message):
        Dataset(inputs, targets, weights)


parts = st.lists(st.integers(1, 20), min_size=1, max_size=4).map(lambda sizes: [size / sum(sizes) for size in sizes])


@settings(max_examples=200, deadline=None)
@given(count=st.integers(4, 400), fractions=parts, seed=st.integers(0, 2**32))
def test_a_split_loses_and_doubles_nothing(count, fractions, seed):
    rows = split(count, fractions, seed)
    assert sorted(np.concatenate(rows).tolist()) == list(range(count))
    for part, fraction in zip(rows, fractions, strict=True):
        assert len(part) >= 1 and (np.diff(part) > 0).all()
        if fraction * count >= 1:
            assert abs(len(part) - fraction * count) < len(fractions)
    assert [len(part) for part in rows] == part_sizes(count, fractions)
    again = split(count, fractions, seed)
    assert all((a == b).all() for a, b in zip(rows, again, strict=True))


@settings(max_examples=300, deadline=None)
@given(
    labels=st.lists(st.integers(0, 7), min_size=20, max_size=300),
    fractions=st.sampled_from([[0.8, 0.2], [0.7, 0.15, 0.15], [0.6, 0.2, 0.2], [0.5, 0.5], [0.4, 0.3, 0.3]]),
    seed=st.integers(0, 1000),
)
def test_a_stratified_split_keeps_the_shares_of_classes(labels, fractions, seed):
    rows = split(len(labels), fractions, seed, stratify=labels)
    assert sorted(np.concatenate(rows).tolist()) == list(range(len(labels)))
    assert [len(part) for part in rows] == part_sizes(len(labels), fractions)
    for label, members in Counter(labels).items():
        held = [sum(labels[row] == label for row in part) for part in rows]
        assert held[0] >= 1
        exchanged = sum(1 for size in Counter(labels).values() if size < 4)
        for found, fraction in zip(held, fractions, strict=True):
            assert abs(found - fraction * members) < 2 + exchanged


def test_stratified_parts_of_even_classes_are_exact():
    labels = np.repeat(["a", "b", "c"], [50, 100, 30])
    train, validation, test = split(180, [0.6, 0.2, 0.2], 3, stratify=labels)
    assert Counter(labels[train].tolist()) == {"a": 30, "b": 60, "c": 18}
    assert Counter(labels[validation].tolist()) == Counter(labels[test].tolist()) == {"a": 10, "b": 20, "c": 6}


@pytest.mark.parametrize("stratify", [None, np.arange(1000) % 2])
def test_every_example_is_as_likely_to_be_held_out(stratify):
    counts = np.zeros(1000)
    for seed in range(200):
        counts[split(1000, [0.75, 0.25], seed, stratify)[1]] += 1
    # Each count is binomial(200, 1/4): mean 50, variance 37.5.
    assert counts.sum() == 200 * 250
    assert abs(counts.var() / 37.5 - 1) < 0.25
    assert counts.min() > 20 and counts.max() < 85


def test_different_seeds_give_different_splits():
    first, second = split(100, [0.5, 0.5], 1), split(100, [0.5, 0.5], 2)
    assert (first[0] != second[0]).any()


def test_splits_that_cannot_be():
    with pytest.raises(DataError, match="too few examples to split: got 2, expected at least 3"):
        split(2, [0.6, 0.2, 0.2], 0)
    with pytest.raises(DataError, match="cannot hold an example of every class: got 6 classes and 5 places"):
        split(10, [0.5, 0.5], 0, stratify=[0, 1, 2, 3, 4, 5, 0, 1, 2, 3])
    with pytest.raises(DataError, match=r"one class an example: got shape \[2\], expected \[3\]"):
        split(3, [0.5, 0.5], 0, stratify=[1, 2])
    with pytest.raises(DataError, match="all numbers or all text"):
        split(2, [0.5, 0.5], 0, stratify=np.array([1, "a"], dtype=object))
    for fractions in ([0.5, 0.6], [], [1.2, -0.2], [float("nan"), 0.5]):
        with pytest.raises(UsageError, match="above 0 and add up to 1"):
            split(10, fractions, 0)


def test_sizes_of_parts():
    assert part_sizes(100, [0.29, 0.71]) == [29, 71]
    assert part_sizes(3, [0.98, 0.01, 0.01]) == [1, 1, 1]
    assert part_sizes(7, [1.0]) == [7]


def test_balanced_class_weights_agree_with_scikit_learn():
    from sklearn.utils.class_weight import compute_sample_weight

    labels = np.random.default_rng(0).choice(["a", "b", "c"], 50, p=[0.6, 0.3, 0.1])
    np.testing.assert_allclose(class_weights(labels, "balanced"), compute_sample_weight("balanced", labels), rtol=1e-15)
    np.testing.assert_allclose(
        class_weights(labels, {"a": 2.5, "b": 0.0}), compute_sample_weight({"a": 2.5, "b": 0.0, "c": 1}, labels), rtol=0
    )
    assert class_weights([3, 1, 1], {3: 4}).tolist() == [4.0, 1.0, 1.0]


def test_class_weights_that_cannot_be():
    with pytest.raises(UsageError, match=r"there is no class 'blue' to weigh\. Did you mean 'blew'"):
        class_weights(["blew", "red"], {"blue": 2})
    with pytest.raises(UsageError, match=r"class 'red': .* got -1"):
        class_weights(["blew", "red"], {"red": -1})
    with pytest.raises(UsageError, match="'balanced' or a number by class"):
        class_weights(["blew", "red"], "equal")
