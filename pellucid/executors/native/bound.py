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


class _Place:
    """An arena with all but the rows in its place, and the views that rows go through."""

    def __init__(self, program: NativeRows, fixed: Mapping[str, np.ndarray]):
        graph = program.compiled.assembled.graph
        self.arena = Arena(program.compiled.assembled)
        for name, array in fixed.items():
            self.arena.view(graph.inputs[name])[...] = array
        self.inputs = [(name, self.arena.view(graph.inputs[name]), graph.inputs[name].type) for name in program.rows]
        self.outputs = [(name, self.arena.view(node)) for name, node in graph.outputs.items()]


class NativeBound:
    """A program over rows with parameters and settings in their place."""

    def __init__(self, program: NativeRows, fixed: Mapping[str, np.ndarray]):
        self.program = program
        self._fixed = {name: np.array(array) for name, array in fixed.items()}
        self._places = [_Place(program, self._fixed)]

    def run(self, arrays: Mapping[str, Any], count: int) -> dict[str, np.ndarray]:
        """Compute the outputs of all rows; see :class:`pellucid.executors.program.BoundRows`."""
        program = self.program
        check_rows(program.graph, program.rows, arrays, count)
        try:
            place = self._places.pop()
        except IndexError:
            place = _Place(program, self._fixed)
        try:
            if 0 < count <= program.chunk:
                return self._chunk(place, arrays, count)
            results = {name: np.empty((count, *view.shape[1:]), view.dtype) for name, view in place.outputs}
            for first in range(0, count, program.chunk):
                rows = slice(first, min(count, first + program.chunk))
                part = {name: gather(arrays[name], rows) for name in program.rows}
                for name, found in self._chunk(place, part, rows.stop - first).items():
                    results[name][rows] = found
            return results
        finally:
            self._places.append(place)

    def _chunk(self, place: _Place, arrays: Mapping[str, Any], count: int) -> dict[str, np.ndarray]:
        """Compute the outputs of so many rows as are computed at once."""
        arena, compiled = place.arena, self.program.compiled
        for name, view, type in place.inputs:
            given = arrays[name]
            if given.__class__ is not np.ndarray:
                given = given.toarray()
            if given.dtype != view.dtype:
                given = as_typed_array(given, Type(type.dtype, given.shape), f"input {name!r}")
            view[:count] = given
        arena.words[ROWS // 8] = count
        compiled.run(arena.address, arena.scratch)
        compiled.raise_errors(arena)
        return {name: np.array(view[:count], order="C") for name, view in place.outputs}
