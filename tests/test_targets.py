"""Tasks and targets: weights, several labels in a cell, and one clear message for what cannot be learned."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.preprocessing import MultiLabelBinarizer, StandardScaler

from pellucid.data.statistics import mean_and_scale, weighted_quantiles
from pellucid.data.tables.table import Table, read_table
from pellucid.data.targets import MEAN, SCALE, TargetEncoding, fit_targets
from pellucid.data.task import infer_task
from pellucid.errors import DataError, UsageError

numbers = hnp.arrays(np.float64, st.integers(1, 30), elements=st.floats(-1e9, 1e9).map(lambda x: round(x, 3)))


def fit(columns, names="y", *, task=None, separator=None, **settings):
    table = Table.from_columns(columns)
    return table, fit_targets(table, infer_task(table, names, task, separator), **settings)


# --- weighted statistics ---


@given(numbers, st.randoms())
def test_a_weight_is_a_number_of_repetitions(values, chance):
    counts = np.array([chance.randint(0, 3) for _ in values])
    counts[0] += 1
    mean, scale = mean_and_scale(values, counts * 0.37)
    repeated = np.repeat(values, counts)
    np.testing.assert_allclose(mean, repeated.mean(), rtol=1e-12, atol=1e-6)
    np.testing.assert_allclose(scale, repeated.std(), rtol=1e-9, atol=1e-6)
    assert (scale == 0) == (len(set(repeated.tolist())) == 1)
    weights = counts * 0.37
    np.testing.assert_allclose((mean, scale), mean_and_scale(np.append(values, np.nan), np.append(weights, 7.0)))


@given(numbers, st.lists(st.floats(0, 1), min_size=1, max_size=5), st.floats(1e-5, 1e5))
def test_quantiles_of_equal_weights_are_those_of_numpy(values, probabilities, weight):
    expected = np.quantile(values, probabilities)
    np.testing.assert_allclose(weighted_quantiles(values, probabilities), expected, rtol=1e-12, atol=1e-5)
    found = weighted_quantiles(values, probabilities, np.full(len(values), weight))
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-5)


@given(numbers, st.randoms())
def test_weighted_quantiles_rise_between_the_extremes(values, chance):
    weights = np.array([chance.choice([0.0, 0.1, 1.0, 20.0]) for _ in values])
    weights[0] = 1.0
    counted = values[weights > 0]
    found = weighted_quantiles(values, np.linspace(0, 1, 21), weights)
    assert found[0] == counted.min() and found[-1] == counted.max()
    assert (np.diff(found) >= -1e-6).all()


def test_statistics_of_extreme_numbers_and_of_nothing():
    assert mean_and_scale(np.array([1e308, -1e308]), np.array([1.0, 1.0])) == (0.0, 1e308)
    np.testing.assert_allclose(weighted_quantiles(np.array([1e308, -1e308]), [0.25, 0.5, 1]), [-5e307, 0, 1e308])
    assert mean_and_scale(np.array([np.nan, 3.0]), np.array([1.0, 0.0])) == (0.0, 0.0)
    assert weighted_quantiles(np.array([np.nan]), [0.2, 0.9]).tolist() == [0.0, 0.0]
    assert mean_and_scale(np.array([5.0, 7.0]), np.array([2.0, 0.0])) == (5.0, 0.0)


# --- targets and their weights ---


def test_targets_are_standardized_with_the_weights_of_the_training_rows():
    rng = np.random.default_rng(0)
    values, weights = rng.normal(100, 7, (60, 2)), rng.choice([0.0, 0.5, 3.0], 60)
    rows = rng.permutation(60)[:40]
    columns = {"u": values[:, 0], "v": values[:, 1]}
    for chosen in (rows, np.isin(np.arange(60), rows)):
        table, targets = fit(columns, ["u", "v"], rows=chosen, weights=weights)
        oracle = StandardScaler().fit(values[rows], sample_weight=weights[rows])
        np.testing.assert_allclose(targets.arrays[MEAN], oracle.mean_, rtol=1e-12)
        np.testing.assert_allclose(targets.arrays[SCALE], oracle.scale_, rtol=1e-12)
        np.testing.assert_allclose(targets.encode(table), oracle.transform(values), rtol=1e-9, atol=1e-12)


def test_equal_weights_are_none():
    columns = {"y": [0.5, 1.5, 4.0, 8.0]}
    _, plain = fit(columns)
    _, weighted = fit(columns, weights=np.full(4, 0.25))
    np.testing.assert_allclose(plain.arrays[SCALE], weighted.arrays[SCALE], rtol=1e-15)


def test_a_target_that_is_constant_where_it_counts_is_refused():
    with pytest.raises(DataError, match=r"column 'y': the target is the same in all training rows: got 2\.5"):
        fit({"y": [1.0, 2.5, 2.5, 4.0]}, weights=np.array([0.0, 1.0, 2.0, 0.0]))
    with pytest.raises(DataError, match="the same in all training rows: got 'b'"):
        fit({"y": ["a", "b", "b"]}, weights=np.array([0.0, 1.0, 2.0]))


def test_a_class_with_one_member_is_a_class():
    table, targets = fit({"y": ["a", "b", "a", "c"] + ["b"] * 8})
    assert targets.classes == ("a", "b", "c") and targets.outputs == 3
    assert targets.labels == ("y",) and targets.separator is None
    assert targets.encode(table)[:4].tolist() == [0, 1, 0, 2]
    table, targets = fit({"y": [1.0, 2.0, 2.0, 2.0]}, rows=[0, 1])
    assert targets.encode(table)[:, 0].tolist() == [0, 1, 1, 1]


def test_all_different_is_refused_for_classes_alone():
    words = {"y": ["a", "b", "c"]}
    for task in (None, "classification", "multiclass", "binary"):
        with pytest.raises(
            DataError, match=r"every row has a class of its own: got 3 classes in 3 rows\. Choose another"
        ):
            infer_task(Table.from_columns(words), "y", task)
    counts = Table.from_columns({"y": [1, 2, 3]})
    assert infer_task(counts, "y").kind == infer_task(counts, "y", "regression").kind == "regression"
    with pytest.raises(DataError, match="or say that the task is regression"):
        infer_task(counts, "y", "classification")


def test_a_date_is_no_target():
    table = Table.from_columns({"y": np.array(["2024-01-01", "2024-01-02", "2024-01-01"], "datetime64[D]")})
    for task in (None, "regression", "classification"):
        with pytest.raises(DataError, match=r"column 'y': the target is a date: got such as 2024-01-01.*days since"):
            infer_task(table, "y", task)


# --- several labels in one cell ---


def test_labels_of_a_cell_become_outputs_and_come_back():
    cells = ["red; blue", None, "blue", "größe;red;red", " ; ", "blue;größe;red"]
    table, targets = fit({"y": cells, "x": range(6)}, separator=";")
    oracle = MultiLabelBinarizer(classes=["blue", "größe", "red"])
    expected = oracle.fit_transform([{c.strip() for c in (cell or "").split(";")} - {""} for cell in cells])
    assert (targets.task, targets.labels, targets.separator) == ("multilabel", ("blue", "größe", "red"), ";")
    assert targets.names == ("y",) and targets.outputs == 3 and targets.arrays == {}
    np.testing.assert_array_equal(targets.encode(table), expected)
    decoded = targets.decode(expected * 0.8 + 0.1)
    assert decoded["y"].tolist() == ["blue;red", "", "blue", "größe;red", "", "blue;größe;red"]
    assert targets.decode(np.array([[-1.0, 0.5, 0.1]]), "score")["y"].tolist() == ["größe;red"]


@given(st.lists(st.sets(st.sampled_from(["a", "b c", "7", "ü"])), min_size=3, max_size=12), st.sampled_from("|;, "))
def test_what_is_joined_is_read_back(sets, separator):
    sets = [*({word.replace(" ", "") for word in words} for words in sets), {"a", "7"}, {"a"}]
    cells = [separator.join(sorted(words)) or None for words in sets]
    table, targets = fit({"y": cells}, separator=separator)
    decoded = targets.decode(targets.encode(table))["y"].tolist()
    assert decoded == ["" if cell is None else cell for cell in cells]


def test_labels_are_known_however_a_file_was_read(tmp_path):
    _, targets = fit({"y": ["1;2", "2", "3;1", None]}, separator=";")
    path = tmp_path / "new.csv"
    path.write_text("y,z\n1,a\n,b\n3,c\n")
    assert targets.encode(read_table(path)).tolist() == [[1, 0, 0], [0, 0, 0], [0, 0, 1]]
    path.write_text("y,z\n1,a\n2;4,b\n")
    with pytest.raises(DataError, match=r"new\.csv:3, column 'y': a label that was not there in training: got '4'"):
        targets.encode(read_table(path))


def test_a_task_of_separated_labels():
    table = Table.from_columns({"y": ["a|b", "b", None], "x": [1, 2, 3]})
    task = infer_task(table, "y", separator="|")
    assert (task.kind, task.targets, task.classes, task.separator) == ("multilabel", ("y",), ("a", "b"), "|")
    assert str(task) == "multilabel of y (2 labels, separated by '|')"
    assert infer_task(table, "y", "multilabel", "|") == task
    assert TargetEncoding("multilabel", ("p", "q"), (0, 1), {}).labels == ("p", "q")


@pytest.mark.parametrize(
    ("cells", "names", "task", "separator", "error", "message"),
    [
        (["a;b", "b"], "y", None, "", UsageError, "a separator is what stands between labels: got nothing"),
        (["a;b", "b"], "y", "regression", ";", UsageError, "regression has no labels to separate"),
        (["a;b", "b"], ["y", "x"], None, ";", UsageError, "a separator goes with one target: got 2"),
        (
            ["a;b", "b"],
            "y",
            None,
            "|",
            DataError,
            "no cell of the target holds the separator: got '|', and cells such as",
        ),
        ([1.5, 2.5], "y", None, ";", DataError, "no cell of the target holds the separator"),
        ([None, None], "y", None, ";", DataError, "the target has no label in any row"),
        (["a;", "a; a"], "y", None, ";", DataError, "the target is the same in every row.*got always 'a'"),
        (["a;b", "b; a"], "y", None, ";", DataError, "the target is the same in every row.*got always 'a;b'"),
        (["a;b", "b"], "z", None, ";", DataError, "there is no column 'z'"),
    ],
)
def test_separators_that_do_not_fit(cells, names, task, separator, error, message):
    table = Table.from_columns({"y": cells, "x": [1, 2]})
    with pytest.raises(error, match=message.replace("|'", r"\|'")):
        infer_task(table, names, task, separator)
