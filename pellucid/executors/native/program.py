"""Programs of the native executor, with the faces that all executors have."""

from __future__ import annotations

from typing import Any

import numpy as np

from pellucid.executors import interpret
from pellucid.executors.epochs import EpochProgram, JudgeProgram, StepGraph
from pellucid.executors.inputs import check_inputs, refuse_misplaced
from pellucid.executors.native.assemble import Arena
from pellucid.executors.native.bound import NativeRows
from pellucid.executors.native.cache import shared
from pellucid.executors.native.compiled import Compiled
from pellucid.executors.native.judge import NativeJudge
from pellucid.executors.native.schedule import supported
from pellucid.executors.native.training import NativeEpochs
from pellucid.executors.program import Program, RowProgram
from pellucid.graph.graph import Graph


def compile(graph: Graph) -> Program:
    """Return a program that runs a graph as machine code.

    A graph with structural operations that the code generator does not know, those that users declare, is interpreted.
    """
    return shared(graph, "program", lambda: NativeProgram(graph)) if supported(graph) else interpret.compile(graph)


def compile_rows(graph: Graph, axis: str = "batch") -> RowProgram:
    """Return a program that runs a graph over any number of rows as machine code."""
    if not supported(graph):
        return interpret.compile_rows(graph, axis)
    return shared(graph, ("rows", axis), lambda: NativeRows(graph, axis))


def compile_judge(graph: Graph, weight: str, axis: str) -> JudgeProgram:
    """Return a program that sums something up over any number of examples as machine code."""
    if not supported(graph):
        return interpret.compile_judge(graph, weight, axis)
    return shared(graph, ("judge", weight, axis), lambda: NativeJudge(graph, weight, axis))


def compile_epochs(step: StepGraph) -> EpochProgram:
    """Return a program that runs a training step over and over as machine code."""
    if not supported(step.graph):
        return interpret.compile_epochs(step)
    described = step.batch, step.data, step.weight, step.carried, step.settings
    return shared(step.graph, ("epochs", *described), lambda: NativeEpochs(step))


class NativeProgram:
    """A graph as machine code; options are those of :func:`pellucid.executors.native.assemble.assemble`."""

    def __init__(self, graph: Graph, **options: Any):
        self.graph, self._options = graph, options
        self._compiled = Compiled(graph, **options)
        self._watched: Compiled | None = None

    def __reduce__(self) -> tuple:
        return compile, (self.graph,)  # machine code is no data: it is made anew

    def __call__(self, /, *misplaced: Any, **inputs: Any) -> dict[str, np.ndarray]:
        """Compute the outputs by name; arrays that are returned belong to the caller."""
        refuse_misplaced(misplaced, self.graph)
        graph = self._compiled.assembled.graph
        return self._run(self._compiled, inputs, dict(graph.outputs))

    def observe(self, /, *misplaced: Any, **inputs: Any) -> dict[str, np.ndarray]:
        """Compute the value of every node, by path."""
        refuse_misplaced(misplaced, self.graph)
        if self._watched is None:
            self._watched = Compiled(self.graph, keep_all=True, **self._options)
        return self._run(self._watched, inputs, {node.path: node for node in self.graph.nodes})

    def _run(self, compiled: Compiled, inputs: dict[str, Any], wanted: dict[str, Any]) -> dict[str, np.ndarray]:
        given = check_inputs(self.graph, inputs)
        arena = compiled.take()
        try:
            nodes = compiled.assembled.graph.inputs
            for name, array in given.items():
                arena.view(nodes[name])[...] = array
            compiled.run(arena.address, arena.scratch)
            compiled.raise_errors(arena)
            return {name: self._value(arena, node) for name, node in wanted.items()}
        finally:
            compiled.give(arena)

    def _value(self, arena: Arena, node: Any) -> np.ndarray:
        if node.op.name == "constant":
            return np.array(dict(node.params)["value"], node.type.dtype.numpy).reshape(tuple(map(int, node.type.shape)))
        return np.array(arena.view(node), order="C")
