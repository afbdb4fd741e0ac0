"""The interpreter: a graph run by NumPy, node after node. It is the specification of every other executor."""

from __future__ import annotations

import functools
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from pellucid.errors import GraphError, PellucidError
from pellucid.executors.program import EpochPart, StepGraph, check_inputs, step_inputs
from pellucid.graph.graph import Graph

name = "interpret"


def compile(graph: Graph) -> InterpretedProgram:
    """Return a program that interprets the graph."""
    return InterpretedProgram(graph)


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
        _refuse(misplaced, self.graph)
        values = self._start(inputs)
        taken = self._taken(values)
        self._compute(values, keep_all=False)
        return {name: _own(values[index], taken) for name, index in self._outputs}

    def observe(self, /, *misplaced: Any, **inputs: Any) -> dict[str, np.ndarray]:
        """Compute the value of every node, by path."""
        _refuse(misplaced, self.graph)
        values = self._start(inputs)
        taken = self._taken(values)
        self._compute(values, keep_all=True)
        return {node.path: _own(value, taken) for node, value in zip(self.graph.nodes, values, strict=True)}

    def _compute(self, values: list[Any], keep_all: bool) -> None:
        """Fill in the values of all nodes; those that are not needed again are dropped, unless all are to be kept."""
        index = 0
        try:
            with np.errstate(all="ignore"), _blas().limit(limits=1, user_api="blas"):
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


@functools.cache
def _blas() -> Any:
    """Return the handle on the threads of NumPy's matrix products.

    One thread is used: the products of small networks are slowed down by more, many times over on a busy machine, and
    the bits of a result may depend on how many there are.
    """
    import threadpoolctl  # here, because it looks through all libraries that are loaded

    return threadpoolctl.ThreadpoolController()


def _refuse(misplaced: tuple[Any, ...], graph: Graph) -> None:
    if misplaced:
        named = ", ".join(f"{name}=..." for name in graph.inputs)
        raise GraphError("inputs are passed by name", got=repr(misplaced[0])[:80], fix=f"Write program({named}).")


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


class InterpretedEpochs:
    """A loop over mini-batches around an interpreted step."""

    def __init__(self, step: StepGraph):
        self.step = step
        self._program = InterpretedProgram(step.graph)

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
        """Run steps until the epoch ends or the time is up; see :class:`pellucid.executors.program.EpochProgram`."""
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
                failed = not (np.isfinite(outputs["loss"]) and np.isfinite(outputs["magnitude"]))
                if failed:
                    break
                losses[at], weights[at] = outputs["loss"], inputs[self.step.weight].sum()
                done = {name: outputs[name] for name in self.step.carried}, at + 1
        except KeyboardInterrupt:
            interrupted = True
        state, steps = done
        return EpochPart(state, steps, losses[:steps], weights[:steps], failed, interrupted)
