"""The interpreter: a graph run by NumPy, node after node. It is the specification of every other executor."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from pellucid.errors import PellucidError
from pellucid.executors.blas import one_blas_thread
from pellucid.executors.epochs import EpochPart, Epochs, StepGraph
from pellucid.executors.inputs import (
    batch_rows,
    check_fixed,
    check_inputs,
    check_rows,
    gather,
    inputs_by_row,
    is_frozen,
    refuse_misplaced,
    row_inputs,
    rows_at_once,
    step_inputs,
)
from pellucid.executors.one_by_one import run_one_by_one
from pellucid.graph.graph import Graph
from pellucid.graph.resize import resize
from pellucid.random import permutation


def compile(graph: Graph) -> InterpretedProgram:
    """Return a program that interprets the graph."""
    return InterpretedProgram(graph)


def compile_rows(graph: Graph, axis: str) -> InterpretedRows:
    """Return a program that interprets the graph for some rows at a time."""
    return InterpretedRows(graph, axis)


def compile_judge(graph: Graph, weight: str, axis: str) -> InterpretedJudge:
    """Return a program that interprets the graph for some examples at a time and adds up what they give."""
    return InterpretedJudge(graph, weight, axis)


def compile_epochs(step: StepGraph) -> InterpretedEpochs:
    """Return a program that interprets the step over and over."""
    return InterpretedEpochs(step)


class InterpretedProgram:
    """A graph and the order in which to compute it.

    Values that no later node needs are dropped as soon as they can be, unless all are asked for.
    """

    def __init__(self, graph: Graph):
        self.graph = graph
        place = {node: index for index, node in enumerate(graph.nodes)}
        self._inputs = [(place[node], name) for name, node in graph.inputs.items()]
        self._outputs = [(name, place[node]) for name, node in graph.outputs.items()]
        last_use = {source: place[node] for node in graph.nodes for source in node.inputs}
        kept = {place[node] for node in graph.outputs.values()}
        self._constants: dict[int, np.ndarray] = {}
        self._steps = []
        for node in graph.nodes:
            params = dict(node.params)
            if node.op.name == "constant":
                self._constants[place[node]] = _frozen(node.op.evaluate((), params, node.type))
            elif node.op.name != "input":
                sources = tuple(place[source] for source in node.inputs)
                done = [
                    place[source]
                    for source in dict.fromkeys(node.inputs)
                    if last_use[source] == place[node] and place[source] not in kept
                ]
                self._steps.append((place[node], node.op.evaluate, sources, params, node.type, done))

    def __call__(self, /, *misplaced: Any, **inputs: Any) -> dict[str, np.ndarray]:
        """Compute the outputs by name; arrays that are returned belong to the caller."""
        refuse_misplaced(misplaced, self.graph)
        values = self._start(inputs)
        taken = self._taken(values)
        self._compute(values, keep_all=False)
        return {name: _own(values[index], taken) for name, index in self._outputs}

    def observe(self, /, *misplaced: Any, **inputs: Any) -> dict[str, np.ndarray]:
        """Compute the value of every node, by path."""
        refuse_misplaced(misplaced, self.graph)
        values = self._start(inputs)
        taken = self._taken(values)
        self._compute(values, keep_all=True)
        return {node.path: _own(value, taken) for node, value in zip(self.graph.nodes, values, strict=True)}

    def _compute(self, values: list[Any], keep_all: bool) -> None:
        """Fill in the values of all nodes; those that are not needed again are dropped, unless all are to be kept."""
        index = 0
        try:
            with np.errstate(all="ignore"), one_blas_thread:
                for index, evaluate, sources, params, type, done in self._steps:
                    values[index] = _row_major(evaluate(tuple([values[source] for source in sources]), params, type))
                    if not keep_all:
                        for source in done:
                            values[source] = None
        except PellucidError as error:
            raise error.at(f"node {self.graph.nodes[index].path!r}") from None

    def _start(self, inputs: dict[str, Any]) -> list[Any]:
        values: list[Any] = [None] * len(self.graph.nodes)
        given = check_inputs(self.graph, inputs)
        for index, input_name in self._inputs:
            values[index] = _row_major(given[input_name])
        for index, constant in self._constants.items():
            values[index] = constant
        return values

    def _taken(self, values: list[Any]) -> set[int]:
        """Return which arrays are not the program's to give away: the inputs."""
        return {id(values[index]) for index, _ in self._inputs}


def _row_major(array: np.ndarray) -> np.ndarray:
    """Return the array in row-major memory: NumPy sums others in another order, and rounds differently."""
    return array if array.flags.c_contiguous else array.copy("C")


def _frozen(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array


def _own(array: np.ndarray, taken: set[int]) -> np.ndarray:
    """Return the array in memory of its own: copied where it is a view of another, a constant, or taken already."""
    if array.base is not None or not array.flags.writeable or id(array) in taken:
        return array.copy()
    taken.add(id(array))
    return array


class InterpretedRows:
    """A graph that is interpreted for chunks of rows."""

    def __init__(self, graph: Graph, axis: str):
        self.graph, self.axis = graph, axis
        self.rows = row_inputs(graph, axis)
        self.programs = _Sizes(graph, axis)

    def bind(self, fixed: Mapping[str, Any]) -> BoundInterpretedRows:
        """Keep parameters and settings; see :class:`pellucid.executors.program.RowProgram`."""
        checked = check_fixed(self.graph, self.rows, fixed)
        own = {name: array if is_frozen(array) else array.copy() for name, array in checked.items()}
        return BoundInterpretedRows(self, own)


class _Sizes:
    """A graph's programs for several numbers of rows."""

    def __init__(self, graph: Graph, axis: str):
        self.graph, self.axis, self._largest = graph, axis, rows_at_once(graph, axis)
        self._programs: dict[int, InterpretedProgram] = {}

    def of(self, count: int) -> tuple[int, InterpretedProgram]:
        """Return how many rows to compute at once where there are `count`, and the program for that."""
        # Powers of two only, so that few programs are made however many rows come.
        batch = min(1 << max(0, count - 1).bit_length(), self._largest)
        if batch not in self._programs:
            self._programs[batch] = InterpretedProgram(resize(self.graph, **{self.axis: batch}))
        return batch, self._programs[batch]


class BoundInterpretedRows:
    """An interpreted graph and the parameters and settings that it computes with."""

    def __init__(self, program: InterpretedRows, fixed: dict[str, np.ndarray]):
        self._program, self._fixed = program, fixed

    def run(self, arrays: Mapping[str, Any], count: int) -> dict[str, np.ndarray]:
        """Compute the outputs of all rows; see :class:`pellucid.executors.program.BoundRows`."""
        graph, rows = self._program.graph, self._program.rows
        check_rows(graph, rows, arrays, count)
        if not count:
            types = {name: node.type for name, node in graph.outputs.items()}
            return {name: np.empty((0, *type.shape[1:]), type.dtype.numpy) for name, type in types.items()}
        batch, program = self._program.programs.of(count)
        parts: dict[str, list[np.ndarray]] = {name: [] for name in graph.outputs}
        for at in range(-(-count // batch)):
            taken, valid = batch_rows(np.arange(count), at, batch)
            outputs = program(**self._fixed, **{name: gather(arrays[name], taken) for name in rows})
            for name, value in outputs.items():
                parts[name].append(value[:valid])
        return {name: np.concatenate(found) for name, found in parts.items()}


class InterpretedJudge:
    """A graph that is interpreted for chunks of examples, and its sums added up."""

    def __init__(self, graph: Graph, weight: str, axis: str):
        self.graph, self._weight = graph, weight
        self.rows = inputs_by_row(graph, axis)
        self._programs = _Sizes(graph, axis)

    def examples(self, arrays: Mapping[str, Any], rows: np.ndarray | None = None) -> dict[str, Any]:
        """Return the arrays and the numbers of the rows."""
        numbers = np.arange(len(arrays[self._weight])) if rows is None else rows
        return {"arrays": {name: arrays[name] for name in self.rows}, "rows": numbers}

    def run(self, fixed: Mapping[str, Any], examples: Any) -> dict[str, float]:
        """Return the sums; see :class:`pellucid.executors.epochs.JudgeProgram`."""
        arrays, numbers = examples["arrays"], examples["rows"]
        sums = dict.fromkeys(self.graph.outputs, 0.0)
        batch, program = self._programs.of(len(numbers))
        fixed = check_fixed(self.graph, self.rows, fixed)
        for at in range(-(-len(numbers) // batch)):
            places, valid = batch_rows(np.arange(len(numbers)), at, batch)
            weight = arrays[self._weight][places]
            weight[valid:] = 0.0
            inputs = {name: gather(arrays[name], numbers[places]) for name in self.rows if name != self._weight}
            for name, value in program(**fixed, **inputs, **{self._weight: weight}).items():
                sums[name] += float(value)
        return sums


class InterpretedEpochs:
    """A loop over mini-batches around an interpreted step."""

    most_epochs = 64

    def __init__(self, step: StepGraph):
        self.step = step
        self._program = InterpretedProgram(step.graph)

    def order(self, seed: int, epoch: int, count: int) -> np.ndarray:
        """Return the order of an epoch's rows."""
        return permutation(seed, "order", epoch, count)

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
        """Run steps until the epoch ends or the time is up; see :class:`pellucid.executors.epochs.EpochProgram`."""
        count = -(-len(order) // self.step.batch) - start
        count = count if limit is None else min(count, limit)
        losses, weights = np.zeros(count), np.zeros(count)
        done = dict(carried), 0  # one tuple, so that an interrupt finds both of the same step
        failed = interrupted = False
        deadline = time.perf_counter() + seconds
        try:
            while done[1] < count and (done[1] == 0 or time.perf_counter() < deadline):
                state, at = done
                inputs = step_inputs(
                    self.step, state, arrays, order, settings, seed=seed, first_step=first_step, at=start + at
                )
                outputs = self._program(**inputs)
                state = {name: outputs[name] for name in self.step.carried}
                failed = not all(map(_is_finite, (outputs["loss"], *state.values())))
                if failed:
                    break
                losses[at], weights[at] = outputs["loss"], inputs[self.step.weight].sum()
                done = state, at + 1
        except KeyboardInterrupt:
            interrupted = True
        state, steps = done
        # After a step the arrays are its own; before the first one they are the caller's.
        state = {name: _frozen(array if steps else array.copy()) for name, array in state.items()}
        return EpochPart(state, steps, losses[:steps], weights[:steps], failed, interrupted)

    def run_epochs(self, *arguments: Any, **options: Any) -> Epochs:
        """Run whole epochs; see :class:`pellucid.executors.epochs.EpochProgram`."""
        return run_one_by_one(self, *arguments, **options)


def _is_finite(array: np.ndarray) -> bool:
    return array.dtype.kind != "f" or bool(np.isfinite(array).all())
