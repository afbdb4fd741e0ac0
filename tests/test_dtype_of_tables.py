"""The dtype of computation follows the data."""

from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl_frames
import pyarrow as pa
import pytest
from pyarrow import parquet

import pellucid as pl
from pellucid.workflow import Recipe, read_plan, train_table
from pellucid.workflow.plans.plan import Plan
from pellucid.workflow.understanding import understand

ROWS = 40
A, B = np.random.default_rng(0).normal(size=(2, ROWS))
Y = A + B
QUICK = Recipe(hidden=(4,), epochs=2)


def columns(first, second):
    return {"a": A.astype(first), "b": (10 * B).astype(second), "y": Y}


def decided(data, **given):
    return understand(data, Plan(target="y", **given)).dtype


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("float64", "float64", "float64"),
        ("float32", "float64", "float64"),
        ("float32", "float32", "float32"),
        ("float16", "float32", "float32"),
        ("int64", "float32", "float32"),
        ("int64", "int8", "float32"),
        ("uint64", "uint8", "float32"),
        ("longdouble", "float32", "float64"),
    ],
)
def test_it_is_float64_where_a_column_that_is_used_came_in_it(first, second, expected):
    with np.errstate(invalid="ignore"):
        table = columns(first, second)
    assert decided(table) == expected
    if "longdouble" in (first, second):  # which no data frame knows
        return
    assert decided(pd.DataFrame(table)) == expected
    assert decided(pa.table({name: pa.array(cells) for name, cells in table.items()})) == expected
    if "float16" not in (first, second):
        assert decided(pl_frames.DataFrame(table)) == expected


def test_gaps_dictionaries_and_nullable_integers_of_frames():
    whole = pd.array([None, *range(1, ROWS)], "Int32")
    assert decided(pd.DataFrame({"a": whole, "y": Y})) == "float32"  # as integers, though gaps make floats of them
    assert decided(pd.DataFrame({"a": A.astype("float32"), "when": pd.date_range("2020", periods=ROWS), "y": Y})) == (
        "float32"
    )
    assert decided(pd.DataFrame({"a": pd.array([None, *A[1:]], "Float64"), "y": Y})) == "float64"
    assert decided(pd.DataFrame({"a": [Decimal(1), Decimal(2)] * (ROWS // 2), "y": Y})) == "float32"


def test_matrices_have_the_dtype_of_all_their_columns():
    from scipy import sparse

    for dtype in ("float32", "float64"):
        matrix = np.column_stack([A, B, Y]).astype(dtype)
        assert understand(pl.as_table(matrix), Plan(target="x2")).dtype == dtype
        assert understand(pl.as_table(sparse.csr_array(matrix)), Plan(target="x2")).dtype == dtype


def test_lists_and_csv_have_none(tmp_path):
    lists = {name: cells.tolist() for name, cells in columns("float64", "float64").items()}
    assert decided(lists) == "float32"
    assert understand(pl.as_table(np.column_stack([A, B, Y]).tolist()), Plan(target="x2")).dtype == "float32"
    assert decided({**lists, "a": [None, *lists["a"][1:]]}) == "float32"
    assert decided({**lists, "a": pd.Series(A)}) == "float64"
    pd.DataFrame(lists).to_csv(tmp_path / "t.csv", index=False)
    assert decided(tmp_path / "t.csv") == "float32"
    pd.DataFrame(lists).to_parquet(tmp_path / "t.parquet")
    assert decided(tmp_path / "t.parquet") == "float64"


def test_columns_that_are_not_used_as_numbers_decide_nothing():
    table = {"a": A.astype("float32"), "b": np.round(B), "y": Y}
    assert decided(table) == "float64"
    assert decided(table, ignore=("b",)) == "float32"
    assert decided(table, roles={"b": "category"}) == "float32"
    assert decided(table | {"b": np.abs(B)}, weight="b") == "float32"
    assert decided(table | {"b": np.full(ROWS, 2.0)}) == "float32"  # a constant


def test_the_recipe_takes_precedence():
    table = columns("float64", "float64")
    assert decided(table, recipe=Recipe(dtype="float32")) == "float32"
    lists = {name: cells.tolist() for name, cells in table.items()}
    run = train_table(lists, "y", recipe=Recipe(hidden=(4,), epochs=2, dtype="float64"))
    assert {array.dtype.name for array in run.model.parameters.values()} == {"float64"}


def test_the_record_has_what_was_decided_and_gives_the_same_bits_from_a_file_without_dtypes(tmp_path):
    frame = pd.DataFrame(columns("float64", "float32"))
    parquet.write_table(pa.Table.from_pandas(frame), tmp_path / "t.parquet")
    first = train_table(tmp_path / "t.parquet", "y", recipe=QUICK, folder=tmp_path / "first")
    assert {array.dtype.name for array in first.model.parameters.values()} == {"float64"}
    plan = read_plan(first.folder / "run.toml")
    assert plan.recipe.dtype == "float64" == first.plan.recipe.dtype
    lists = {name: frame[name].tolist() for name in frame}
    for data in (None, frame, lists):
        again = train_table(data, plan=plan, folder=tmp_path / "again", overwrite=True)
        assert (again.folder / "model.safetensors").read_bytes() == (first.folder / "model.safetensors").read_bytes()


def test_a_model_to_start_from_has_its_own(tmp_path):
    first = train_table(columns("float32", "float32"), "y", recipe=QUICK, folder=tmp_path / "first")
    for start in (first.folder, first.model):
        more = train_table(columns("float64", "float64"), "y", recipe=QUICK, start_from=start)
        assert more.understanding.dtype == more.plan.recipe.dtype == "float32"


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_estimators_agree(dtype):
    frame = pd.DataFrame({"a": A.astype(dtype), "b": B.astype(dtype)})
    with_words = frame.assign(color=pd.Categorical(np.where(A > 0, "red", "blue")))
    for x in (frame.to_numpy(), frame, with_words):
        estimator = pl.MLPRegressor(hidden_layer_sizes=(4,), max_iter=2).fit(x, Y)
        assert estimator.model_.encoding.dtype.name == dtype
        assert decided(pd.DataFrame(x).set_axis([f"c{i}" for i in range(x.shape[1])], axis=1).assign(y=Y)) == dtype


@pytest.mark.parametrize(("dtype", "most"), [("float32", 1e-6), ("float64", 1e-14)])
def test_rows_one_at_a_time_are_predicted_as_all_together(dtype, most):
    table = columns(dtype, dtype) | {"y": np.where(Y > 0, "yes", "no")}
    model = train_table(table, "y", recipe=QUICK).model
    together = model.predict_probabilities(table)
    alone = [model.predict_probabilities({name: cells[[row]] for name, cells in table.items()}) for row in range(ROWS)]
    np.testing.assert_allclose(np.concatenate(alone), together, rtol=0, atol=most)
    np.testing.assert_array_equal(model.predict_probabilities(table), together)
