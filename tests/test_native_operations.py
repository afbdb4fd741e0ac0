"""Every operation of the registry as machine code: values, shapes, dtypes, special numbers, any memory, debug mode."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from native_runs import agree_at_once, agree_in_any_memory
from random_graphs import OPERATIONS

import pellucid as pl
from pellucid.diagnosis.identities import SPECIAL
from pellucid.diagnosis.trials import Trial, draw_trials
from pellucid.errors import DataError, PellucidError, UsageError
from pellucid.executors.native.schedule import supported
from pellucid.graph.builder import Builder
from pellucid.graph.graph import Graph
from pellucid.graph.types import Type, as_dtype
from pellucid.ops.elementwise import Elementwise

SHAPES = (((17,), (17,)), ((3, 33), (33,)), ((16, 1), (1, 40)), ((1, 5, 1), (7, 1, 15)), ((65,), ()))
"""Of two operands: sizes around those of vectors."""


def all_trials(op) -> Iterator[Trial]:
    """Yield operands of all dtypes: those that an operation is checked with, odd sizes, special numbers."""
    yield from draw_trials(op, np.random.default_rng(1))
    if not isinstance(op, Elementwise):
        return
    rng = np.random.default_rng(2)
    drawn = [[np.asarray(sample.draw(rng, pair[at % 2])) for at, sample in enumerate(op.sample)] for pair in SHAPES]
    for arrays in drawn:
        for dtype in dtypes_of(op):
            cast = [array if array.dtype.kind == "b" else as_kind(array, dtype) for array in arrays]
            yield Trial(tuple(cast), op.param_defaults, f"{op.name}, {dtype.__name__}")
    for dtype in dtypes_of(op):
        numbers = [SPECIAL["b" if kind == "bool" else np.dtype(dtype).kind] for kind in op.accepts]
        spread = [part.reshape(-1) for part in np.meshgrid(*numbers, indexing="ij")]
        arrays = [part.astype(bool if kind == "bool" else dtype) for part, kind in zip(spread, op.accepts, strict=True)]
        yield Trial(tuple(arrays), op.param_defaults, f"{op.name}, special numbers, {dtype.__name__}")


def dtypes_of(op: Elementwise) -> tuple[type, ...]:
    if set(op.accepts) == {"bool"}:
        return (np.bool_,)
    return (
        (np.float64, np.float32) if "float" in op.accepts else (np.float64, np.float32, np.int64, np.int32, np.uint32)
    )


def as_kind(array: np.ndarray, dtype: type) -> np.ndarray:
    return (np.abs(array) if dtype is np.uint32 else array).astype(dtype)


def graph_of(op) -> tuple[Graph, dict[str, np.ndarray]]:
    """Return one graph of all trials of an operation, and its inputs."""
    builder, inputs, outputs = Builder(), {}, {}
    for number, trial in enumerate(all_trials(op)):
        given = {f"x{number}_{place}": array for place, array in enumerate(trial.arrays)}
        values = [builder.input(name, Type(as_dtype(array.dtype), array.shape)) for name, array in given.items()]
        outputs[f"y{number}"] = op.apply(values, trial.params) if values else builder.add(op, (), dict(trial.params))
        inputs |= given
    return builder.finish(outputs), inputs


@pytest.mark.parametrize("name", [name for name in OPERATIONS if name != "input"])
def test_operation_is_that_of_the_interpreter(name):
    graph, inputs = graph_of(OPERATIONS[name])
    assert supported(graph)
    outputs = agree_at_once(graph, inputs)
    agree_in_any_memory(graph, inputs, outputs)


@pytest.mark.long
@pytest.mark.parametrize("name", list(OPERATIONS))
def test_operation_keeps_its_promises_as_machine_code(name):
    assert pl.check(name, executor="native").operation == name


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.uint32])
@pytest.mark.parametrize(
    "op", [pl.gather, lambda table, rows: pl.scatter_add(table, rows, pl.gather(table[::-1], rows * 0))]
)
def test_an_index_without_a_row_is_told_as_the_interpreter_tells_it(op, dtype):
    graph = pl.build(lambda table, rows: op(table, rows), table=pl.float32[3, 2], rows=as_dtype(dtype)[4])
    table = np.ones((3, 2), np.float32)
    for rows in ([0, 3, 1, 7], [2, 0, 0, 2**31 - 1], [0, -1, 0, 0]):
        rows = np.array(rows).astype(dtype)
        told = []
        for executor in ("interpret", "native"):
            with pytest.raises(DataError) as caught:
                pl.compile(graph, executor)(table=table, rows=rows)
            told.append(str(caught.value))
        assert told[0] == told[1]
    native = pl.compile(graph, "native")  # nothing is left behind by what went wrong
    rows = np.array([0, 1, 2, 1], dtype)
    np.testing.assert_array_equal(
        native(table=table, rows=rows)["value"], pl.compile(graph, "interpret")(table=table, rows=rows)["value"]
    )


@pytest.mark.parametrize("probability", [1.5, -0.5, np.nan])
def test_what_is_no_probability_is_refused_as_by_the_interpreter(probability):
    graph = pl.build(lambda p: pl.bernoulli_mask(1, 2, p, (5,), "dropout"), p=pl.float32[()])
    told = []
    for executor in ("interpret", "native"):
        with pytest.raises(UsageError) as caught:
            pl.compile(graph, executor)(p=probability)
        told.append(str(caught.value))
    assert told[0] == told[1]


def test_inputs_that_do_not_fit_are_refused_as_by_the_interpreter():
    graph = pl.build(lambda x: 2 * x, x=pl.float32[3])
    for given in ({}, {"x": np.ones(4)}, {"x": ["a"] * 3}, {"x": np.ones(3), "y": 1.0}, {"x": None}):
        told = []
        for executor in ("interpret", "native"):
            with pytest.raises(PellucidError) as caught:
                pl.compile(graph, executor)(**given)
            told.append(str(caught.value))
        assert told[0] == told[1]


def test_inputs_in_any_memory_order_and_results_that_belong_to_the_caller():
    graph = pl.build(
        lambda x: {"same": x, "twice": 2 * x, "fixed": pl.cast(np.arange(3.0), pl.float64) + 0 * x[0]},
        x=pl.float64[4, 3],
    )
    x = np.arange(24.0).reshape(3, 8).T[::2]
    program = pl.compile(graph, "native")
    first = program(x=x)
    np.testing.assert_array_equal(first["same"], x)
    for value in first.values():
        assert value.flags.writeable and value.flags.c_contiguous and value.base is None
        value[...] = -1
    np.testing.assert_array_equal(program(x=x)["twice"], 2 * x)
