"""What programs are given: the rows of a mini-batch, and checks against the graph's types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pellucid.errors import GraphError, PellucidError, nearest
from pellucid.executors.epochs import StepGraph
from pellucid.graph.builder import as_numbers
from pellucid.graph.graph import Graph
from pellucid.graph.resize import resize
from pellucid.graph.types import Axis, Type

CHUNK = 1024
"""How many rows are computed together."""

MAX_CHUNK_ELEMENTS = 2**26
"""Graphs so wide that all values of a chunk would exceed this take fewer rows together."""


def batch_rows(order: np.ndarray, start: int, batch: int) -> tuple[np.ndarray, int]:
    """Return the rows of mini-batch number `start`, filled up with its last one, and how many of them count."""
    rows = order[start * batch : (start + 1) * batch]
    count = len(rows)
    if count < batch:
        rows = np.concatenate([rows, np.repeat(rows[-1:], batch - count)])
    return rows, count


def gather(array: Any, rows: np.ndarray | slice) -> np.ndarray:
    """Return these rows of an array of examples; those of a sparse matrix (CSR) are made dense."""
    taken = array[rows]
    return taken if taken.__class__ is np.ndarray else taken.toarray()


def step_inputs(
    step: StepGraph,
    carried: Mapping[str, np.ndarray],
    arrays: Mapping[str, Any],
    order: np.ndarray,
    settings: Mapping[str, Any],
    *,
    seed: int,
    first_step: int,
    at: int,
) -> dict[str, Any]:
    """Return what step number `at` of an epoch takes as inputs, by name."""
    rows, count = batch_rows(order, at, step.batch)
    inputs: dict[str, Any] = {name: carried[name] for name in step.carried}
    inputs.update((name, gather(arrays[name], rows)) for name in step.data)
    weight = arrays[step.weight][rows]
    weight[count:] = 0.0
    inputs[step.weight] = weight
    for name in step.settings:
        value = settings[name]
        inputs[name] = value[at] if np.ndim(value) else value
    if "seed" in step.graph.inputs:
        inputs["seed"] = np.uint64(seed).astype(np.int64)
    if "step" in step.graph.inputs:
        inputs["step"] = first_step + at
    return inputs


def check_inputs(graph: Graph, inputs: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return the inputs as arrays of the graph's types, or say which one does not fit.

    A number's or array's dtype may differ where no information is lost in kind: integers and truth values may stand
    for floats, float32 for float64 and back; a float never stands for an integer unless it is whole.
    """
    missing = [name for name in graph.inputs if name not in inputs]
    extra = [name for name in inputs if name not in graph.inputs]
    if missing or extra:
        told = [f"missing {name!r}" for name in missing[:8]] + [f"unknown {name!r}" for name in extra[:8]]
        fix = nearest(extra[0], graph.inputs) if extra else f"Pass {missing[0]}={graph.inputs[missing[0]].type}."
        raise GraphError("the inputs do not fit", got=", ".join(told), fix=fix)
    return {name: as_typed_array(inputs[name], node.type, f"input {name!r}") for name, node in graph.inputs.items()}


def as_typed_array(value: Any, type: Type, where: str) -> np.ndarray:
    """Return the value as an array of this type, or say why it can not be one."""
    if value.__class__ is np.ndarray and value.dtype == type.dtype.numpy and value.shape == type.shape:
        return value
    array = as_numbers(value, where)
    if array.shape != type.shape:
        got = f"{array.dtype}{list(array.shape)}"
        raise GraphError("wrong shape", where=where, got=got, expected=str(type), fix="Pass an array of that shape.")
    # NaN has no integer, which the comparison below tells; what is too large for a float becomes infinite.
    with np.errstate(invalid="ignore", over="ignore"):
        result = array.astype(type.dtype.numpy)
    if type.dtype.kind != "float" and not np.array_equal(result, array):
        raise GraphError("numbers that the dtype can not hold", where=where, got=str(array.dtype), expected=str(type))
    return result


_KEEP_AXIS = "Where the number of rows is needed, take x.shape[0] as it is, neither changed nor as int(...)."


def row_inputs(graph: Graph, axis: str) -> tuple[str, ...]:
    """Return the inputs of a graph that have a row for each example: those with this axis first.

    Raises
    ------
    GraphError
        Where an output does not have the axis first, an input has it elsewhere, or the graph computes with its size.
    """
    for name, node in graph.outputs.items():
        if not _has_first(node.type, axis):
            raise GraphError(
                f"an output does not have the axis {axis!r} first",
                where=name,
                got=str(node.type),
                fix=_KEEP_AXIS,
            )
    for name, node in graph.inputs.items():
        if any(isinstance(size, Axis) and size.name == axis for size in node.type.shape[1:]):
            raise GraphError(f"an input has the axis {axis!r}, and not first", where=name, got=str(node.type))
    if axis in (axes := graph.axes):
        try:
            resize(graph, **{axis: axes[axis] + 1})
        except PellucidError as error:
            what = f"the graph computes with the size of its axis {axis!r}"
            raise GraphError(what, got=str(error), fix=_KEEP_AXIS) from None
    return inputs_by_row(graph, axis)


def inputs_by_row(graph: Graph, axis: str) -> tuple[str, ...]:
    """Return the inputs of a graph whose first axis is this one."""
    return tuple(name for name, node in graph.inputs.items() if _has_first(node.type, axis))


def elements_per_row(graph: Graph, axis: str = "batch") -> int:
    """Return how many numbers all values of the graph together hold for one row; inputs are not counted.

    Raises
    ------
    GraphError
        Where the graph computes with the size of the axis, so that it is for no other number of rows.
    """
    one = resize(graph, **{axis: 1})
    return sum(node.type.size for node in one.nodes if node.op.name != "input")


def rows_at_once(graph: Graph, axis: str = "batch") -> int:
    """Return how many rows of a graph to compute together, where memory is taken for all its values: a power of 2."""
    largest = MAX_CHUNK_ELEMENTS // max(1, elements_per_row(graph, axis))
    return min(CHUNK, 1 << max(0, largest.bit_length() - 1))


def _has_first(type: Type, axis: str) -> bool:
    first = type.shape[0] if type.shape else None
    return isinstance(first, Axis) and first.name == axis


def check_fixed(graph: Graph, rows: tuple[str, ...], fixed: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return what is bound to a program over rows as arrays of the graph's types: all inputs but those of rows."""
    wanted = [name for name in graph.inputs if name not in rows]
    missing = [name for name in wanted if name not in fixed]
    unknown = [name for name in fixed if name not in wanted]
    if missing or unknown:
        told = [f"missing {name!r}" for name in missing[:8]] + [f"unknown {name!r}" for name in unknown[:8]]
        fix = nearest(unknown[0], wanted) if unknown else f"Pass {missing[0]!r}: {graph.inputs[missing[0]].type}."
        raise GraphError("what is bound does not fit", got=", ".join(told), fix=fix)
    return {name: as_typed_array(fixed[name], graph.inputs[name].type, f"input {name!r}") for name in wanted}


def check_rows(graph: Graph, rows: tuple[str, ...], arrays: Mapping[str, Any], count: int) -> None:
    """Raise a GraphError where arrays of examples, dense or sparse, do not have `count` rows of the graph's types."""
    missing = [name for name in rows if name not in arrays]
    unknown = [name for name in arrays if name not in rows]
    if missing or unknown:
        told = [f"missing {name!r}" for name in missing[:8]] + [f"unknown {name!r}" for name in unknown[:8]]
        raise GraphError("the arrays of rows do not fit", got=", ".join(told), expected=", ".join(rows) or "none")
    for name in rows:
        check_table(name, graph.inputs[name].type, arrays[name], count)


def check_table(name: str, type: Type, array: Any, count: int | None = None) -> None:
    """Raise a GraphError where an array of examples, dense or sparse, does not have rows of a type, or not `count`."""
    where = f"input {name!r}"
    if not hasattr(array, "shape"):
        raise GraphError("no array of examples", where=where, got=array.__class__.__name__)
    if not array.shape or tuple(array.shape) != (array.shape[0] if count is None else count, *type.shape[1:]):
        got, rows = f"{array.dtype}{list(array.shape)}", array.shape[0] if array.shape and count is None else count
        expected = str(Type(type.dtype, (rows or 0, *type.shape[1:])))
        raise GraphError("wrong shape", where=where, got=got, expected=expected)
    if array.__class__ is not np.ndarray and hasattr(array, "check_format"):
        try:
            array.check_format(full_check=True)
        except ValueError as error:
            raise GraphError("a sparse matrix with indices that do not fit", where=where, got=str(error)) from None


def row_numbers(numbers: Any, count: int, where: str) -> np.ndarray:
    """Return numbers of rows as a row-major array of int64, or say that one of them is none of `count` rows."""
    given = np.asarray(numbers)
    if given.ndim != 1 or (given.dtype.kind not in "iu" and given.size):
        got = f"{given.dtype}{list(given.shape)}"
        raise GraphError("no numbers of rows", where=where, got=got, expected="whole numbers on one axis")
    found = np.ascontiguousarray(given, np.int64)
    if found.size and int(found.view(np.uint64).max()) >= count:  # as a number without sign, a negative one is large
        wrong = int(found[found.view(np.uint64) >= count][0])
        raise GraphError("no such row", where=where, got=str(wrong), expected=f"0 to {count - 1}")
    return found


def is_frozen(array: np.ndarray) -> bool:
    """Say whether nobody can change the array: neither it nor what it is a view of may be written."""
    seen: Any = array
    while isinstance(seen, np.ndarray):
        if seen.flags.writeable:
            return False
        seen = seen.base
    return seen is None or isinstance(seen, bytes)


def refuse_misplaced(misplaced: tuple[Any, ...], graph: Graph) -> None:
    """Raise a GraphError where inputs were not given by name."""
    if misplaced:
        named = ", ".join(f"{name}=..." for name in graph.inputs)
        raise GraphError("inputs are passed by name", got=repr(misplaced[0])[:80], fix=f"Write program({named}).")
