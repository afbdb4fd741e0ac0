"""Graphs run over any number of rows: prediction of one row and of a million through the same code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pellucid.executors.inputs import as_typed_array, check_fixed, check_rows, gather, row_inputs, rows_at_once
from pellucid.executors.native.assemble import ROWS, Arena
from pellucid.executors.native.compiled import Compiled
from pellucid.graph.graph import Graph
from pellucid.graph.resize import resize
from pellucid.graph.types import Type


class NativeRows:
    """A graph as machine code that goes over rows in chunks; how many there are in one is known at run time only."""

    def __init__(self, graph: Graph, axis: str = "batch"):
        self.graph, self.axis = graph, axis
        self.rows = row_inputs(graph, axis)
        self.chunk = rows_at_once(graph, axis)
        self.compiled = Compiled(resize(graph, **{axis: self.chunk}), axis=axis)

    def bind(self, fixed: Mapping[str, Any]) -> NativeBound:
        """Put all inputs but the rows into their place; see :class:`pellucid.executors.program.RowProgram`."""
        return NativeBound(self, check_fixed(self.graph, self.rows, fixed))


class NativeBound:
    """A program over rows with parameters and settings in their place."""

    def __init__(self, program: NativeRows, fixed: Mapping[str, np.ndarray]):
        self.program = program
        self._fixed = {name: np.array(array) for name, array in fixed.items()}
        self._arenas: list[Arena] = [self._arena()]

    def _arena(self) -> Arena:
        arena = Arena(self.program.compiled.assembled)
        nodes = self.program.compiled.assembled.graph.inputs
        for name, array in self._fixed.items():
            arena.view(nodes[name])[...] = array
        return arena

    def run(self, arrays: Mapping[str, Any], count: int) -> dict[str, np.ndarray]:
        """Compute the outputs of all rows; see :class:`pellucid.executors.program.BoundRows`."""
        program = self.program
        graph, compiled = program.compiled.assembled.graph, program.compiled
        check_rows(program.graph, program.rows, arrays, count)
        try:
            arena = self._arenas.pop()
        except IndexError:
            arena = self._arena()
        results = {
            name: np.empty((count, *map(int, node.type.shape[1:])), node.type.dtype.numpy)
            for name, node in graph.outputs.items()
        }
        try:
            for first in range(0, count, program.chunk):
                rows = slice(first, min(count, first + program.chunk))
                number = rows.stop - rows.start
                for name in program.rows:
                    node = graph.inputs[name]
                    part = gather(arrays[name], rows)
                    typed = as_typed_array(part, Type(node.type.dtype, part.shape), f"input {name!r}")
                    arena.view(node)[:number] = typed
                arena.words[ROWS // 8] = number
                compiled.run(arena.address, arena.scratch)
                compiled.raise_errors(arena)
                for name, node in graph.outputs.items():
                    results[name][rows] = arena.view(node)[:number]
        finally:
            self._arenas.append(arena)
        return results
