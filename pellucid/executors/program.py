"""What every executor offers: graphs in, programs out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Protocol

import numpy as np

from pellucid.errors import GraphError, UsageError, nearest
from pellucid.graph.builder import as_numbers
from pellucid.graph.graph import Graph, require_graph
from pellucid.graph.types import Type


class Program(Protocol):
    """A compiled graph."""

    graph: Graph

    def __call__(self, /, **inputs: Any) -> dict[str, np.ndarray]:
        """Compute the outputs by name from inputs by name."""

    def observe(self, /, **inputs: Any) -> dict[str, np.ndarray]:
        """Compute the value of every node, by path."""


@dataclass(frozen=True)
class StepGraph:
    """A training step as a graph, and what its inputs and outputs are for.

    Attributes
    ----------
    graph : Graph
        Its outputs include ``loss`` (the mean over the mini-batch), ``magnitude`` (not finite where an updated value is
        not) and, for each name in `carried`, the value of that input after the step.
    batch : int
        The number of rows that the graph takes at once.
    data : tuple of str
        Inputs that take rows of the arrays of the same name.
    weight : str
        The input for the weights of the rows, [batch].
    carried : tuple of str
        Inputs that one step hands to the next: parameters and state.
    settings : tuple of str
        Scalar inputs that are given per call, or per step.
    """

    graph: Graph
    batch: int
    data: tuple[str, ...]
    weight: str
    carried: tuple[str, ...]
    settings: tuple[str, ...]


@dataclass(frozen=True)
class EpochPart:
    """What some steps of an epoch left behind.

    Attributes
    ----------
    carried : dict of ndarray
        Parameters and state after the last step that was finished.
    steps : int
        How many steps were finished.
    losses, weights : ndarray of float64, [steps]
        The loss of each step and the sum of its rows' weights.
    failed : bool
        The step after those met a value that is not finite; `carried` is what it started from.
    interrupted : bool
        A keyboard interrupt came.
    """

    carried: dict[str, np.ndarray]
    steps: int
    losses: np.ndarray
    weights: np.ndarray
    failed: bool = False
    interrupted: bool = False


class EpochProgram(Protocol):
    """A compiled training step that loops over the mini-batches of an epoch by itself."""

    step: StepGraph

    def run(
        self,
        carried: Mapping[str, np.ndarray],
        arrays: Mapping[str, Any],
        order: np.ndarray,
        settings: Mapping[str, Any],
        *,
        seed: int,
        first_step: int,
        start: int = 0,
        seconds: float = 0.05,
        limit: int | None = None,
    ) -> EpochPart:
        """Run steps of one epoch until it ends or about `seconds` have passed, one at least.

        Parameters
        ----------
        carried : mapping of ndarray
            Parameters and state to start from; left as they are.
        arrays : mapping of ndarray, or of SciPy's CSR matrices
            All rows of each input in ``step.data``, and the rows' weights under ``step.weight``. Of a sparse matrix
            only the rows of a mini-batch are made dense.
        order : ndarray of int64
            The rows in the order of this epoch. The last mini-batch may be smaller: its empty places repeat its last
            row with weight 0.
        settings : mapping
            A number, or an array with one number for each step of the epoch, for each of ``step.settings``.
        seed : int
            For random numbers.
        first_step : int
            The number of the epoch's first step since training began.
        start : int
            The step of the epoch to begin with.
        limit : int, optional
            How many steps to run at most.
        """


def compile(graph: Graph, executor: str = "interpret") -> Program:
    """Make a graph ready to run.

    Parameters
    ----------
    graph : Graph
    executor : {"interpret"}
        What runs it. ``interpret`` is NumPy, node by node, and defines what every graph means.

    Returns
    -------
    Program
        Call it with the graph's inputs by name; it returns the outputs by name as arrays.

    Examples
    --------
    >>> import pellucid as pl
    >>> program = pl.compile(pl.build(lambda x: 2 * x, x=pl.float64[2]))
    >>> program(x=[1, 2])
    {'value': array([2., 4.])}
    """
    require_graph(graph, "compile")
    return _executor(executor).compile(graph)


def compile_epochs(step: StepGraph, executor: str = "interpret") -> EpochProgram:
    """Make a training step ready to run whole epochs; `executor` as for :func:`compile`."""
    return _executor(executor).compile_epochs(step)


def _executor(name: str) -> ModuleType:
    from pellucid.executors import interpret

    known = {"interpret": interpret}
    if name not in known:
        raise UsageError(f"no executor is called {name!r}", fix=nearest(name, known))
    return known[name]


def batch_rows(order: np.ndarray, start: int, batch: int) -> tuple[np.ndarray, int]:
    """Return the rows of mini-batch number `start`, filled up with its last one, and how many of them count."""
    rows = order[start * batch : (start + 1) * batch]
    count = len(rows)
    if count < batch:
        rows = np.concatenate([rows, np.repeat(rows[-1:], batch - count)])
    return rows, count


def gather(array: Any, rows: np.ndarray) -> np.ndarray:
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
