"""What every executor offers: graphs in, programs out."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from pellucid.errors import UsageError, nearest
from pellucid.executors.epochs import EpochProgram, JudgeProgram, StepGraph
from pellucid.graph.graph import Graph, require_graph

EXECUTORS = {"native": "pellucid.executors.native.program", "interpret": "pellucid.executors.interpret"}
"""The module of each executor, imported when it is first asked for.

It has the functions ``compile(graph)``, ``compile_rows(graph, axis)``, ``compile_judge(graph, weight, axis)`` and
``compile_epochs(step)``.
"""

DEFAULT_EXECUTOR = "native"
"""What trains and predicts where nobody says otherwise."""

ONCE = "interpret"
"""What runs a graph where nobody says otherwise and it may be for once: done before machine code would be compiled."""


class Program(Protocol):
    """A compiled graph. It may be called by several threads at once."""

    graph: Graph

    def __call__(self, /, **inputs: Any) -> dict[str, np.ndarray]:
        """Compute the outputs by name from inputs by name; the arrays returned belong to the caller."""

    def observe(self, /, **inputs: Any) -> dict[str, np.ndarray]:
        """Compute the value of every node, by path."""


class BoundRows(Protocol):
    """A program over rows with everything in its place but the rows. Several threads may run it at once."""

    def run(self, arrays: Mapping[str, Any], count: int) -> dict[str, np.ndarray]:
        """Compute the outputs of all rows.

        Parameters
        ----------
        arrays : mapping of ndarray, or of SciPy's CSR matrices
            For each of ``program.rows`` an array [count, ...] of the dtype of the graph's input, or of one that may
            stand for it (see :func:`pellucid.executors.inputs.check_inputs`), in any memory order; of a sparse matrix
            only some rows at a time are made dense. They are left as they are.
        count : int
            How many rows: 0 or more.

        Returns
        -------
        dict of ndarray, [count, ...]
            By output, in row-major memory that belongs to the caller.

        Raises
        ------
        GraphError
            Where an array is missing, unknown, or does not fit the graph's types.
        """


class RowProgram(Protocol):
    """A graph that is run over any number of rows: the size of the axis `axis` in it plays no part.

    Attributes
    ----------
    graph : Graph
    rows : tuple of str
        Those of the graph's inputs that have a row for each example: `axis` is their first axis. All other inputs, such
        as parameters and settings, are bound.
    """

    graph: Graph
    rows: tuple[str, ...]

    def bind(self, fixed: Mapping[str, Any]) -> BoundRows:
        """Put all inputs but ``rows`` into their place, such as parameters and settings.

        They are read here: changing the arrays later changes nothing. One program may be bound as often as is wanted;
        what is bound is independent of what was bound before.

        Parameters
        ----------
        fixed : mapping of ndarray or number
            By input: exactly those that are not in ``rows``.

        Raises
        ------
        GraphError
            Where one is missing, unknown, or does not fit the graph's type.
        """


def compile(graph: Graph, executor: str = ONCE) -> Program:
    """Make a graph ready to run.

    Parameters
    ----------
    graph : Graph
    executor : {"native", "interpret"}
        What runs it. ``native`` is machine code made for this graph on this processor, which takes about a tenth of a
        second to compile; ``interpret`` is NumPy, node by node, and defines what every graph means.

    Returns
    -------
    Program
        Call it with the graph's inputs by name; it returns the outputs by name as arrays.

    Raises
    ------
    UsageError
        Where no executor has that name.

    Examples
    --------
    >>> import pellucid as pl
    >>> program = pl.compile(pl.build(lambda x: 2 * x, x=pl.float64[2]))
    >>> program(x=[1, 2])
    {'value': array([2., 4.])}
    """
    require_graph(graph, "compile")
    return _executor(executor).compile(graph)


def compile_rows(graph: Graph, executor: str = DEFAULT_EXECUTOR, axis: str = "batch") -> RowProgram:
    """Make a graph ready to run over any number of rows; `executor` as for :func:`compile`.

    Every output has to have `axis` as its first axis, and an input has it there or nowhere.

    Raises
    ------
    GraphError
        Where the graph's inputs or outputs are not so, or it computes with the size of the axis.

    Examples
    --------
    >>> import numpy as np, pellucid as pl
    >>> network = pl.Network([pl.Dense(2)], inputs=3)
    >>> program = compile_rows(network.graph())
    >>> program.rows
    ('x',)
    >>> bound = program.bind(network.initialize(seed=0))
    >>> bound.run({"x": np.zeros((5, 3), np.float32)}, 5)["output"].shape
    (5, 2)
    """
    require_graph(graph, "compile_rows")
    return _executor(executor).compile_rows(graph, axis)


def compile_judge(graph: Graph, weight: str, executor: str = DEFAULT_EXECUTOR, axis: str = "batch") -> JudgeProgram:
    """Make a graph ready to sum up over any number of examples; `executor` as for :func:`compile`.

    Parameters
    ----------
    graph : Graph
        Its outputs are scalars of float64: sums over the examples, to which those of weight 0 add nothing.
    weight : str
        The input for the weights of the examples.
    executor : {"native", "interpret"}
    axis : str
        The axis of the examples.
    """
    return _executor(executor).compile_judge(graph, weight, axis)


def compile_epochs(step: StepGraph, executor: str = DEFAULT_EXECUTOR) -> EpochProgram:
    """Make a training step ready to run whole epochs; `executor` as for :func:`compile`."""
    return _executor(executor).compile_epochs(step)


def check_executor(name: Any) -> None:
    """Raise a UsageError where no executor has this name."""
    if not isinstance(name, str) or name not in EXECUTORS:
        raise UsageError(f"no executor is called {name!r}", where="executor", fix=nearest(str(name), EXECUTORS))


def _executor(name: str) -> Any:
    check_executor(name)
    return importlib.import_module(EXECUTORS[name])
