"""Tasks of tables, and datasets: checked and weighed."""

from pathlib import Path

import numpy as np
import pytest

from pellucid.data.dataset import Dataset, class_weights
from pellucid.data.roles import infer_roles
from pellucid.data.tables.table import Table, read_table
from pellucid.data.task import infer_task
from pellucid.errors import DataError, UsageError

TABLES = Path(__file__).parent.parent / "examples" / "tables"


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
