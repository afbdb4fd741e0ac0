"""Sums over any number of examples, such as losses of a validation part, in machine code."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from pellucid.errors import GraphError
from pellucid.executors.inputs import as_typed_array, check_fixed, inputs_by_row, row_numbers, rows_at_once
from pellucid.executors.native.assemble import ERROR, ROWS, Assembled
from pellucid.executors.native.compiled import Compiled
from pellucid.executors.native.emit import V
from pellucid.executors.native.epochs import TABLE_WORDS, Running, write_gather
from pellucid.executors.native.tables import Tables
from pellucid.executors.native.target import restore_subnormals, without_subnormals
from pellucid.executors.program import compile_judge
from pellucid.graph.graph import Graph, Node
from pellucid.graph.resize import resize

COUNT, PLACES, NUMBERS, SUMS = range(4)
"""The words of what a judge is told: how many examples, their rows, those of their weights, and where sums go."""
TABLES_AT = 4
"""Where its tables begin."""


@dataclass(frozen=True)
class NativeExamples:
    """Examples to judge by: what the judge is told of them, and the arrays that have to stay."""

    told: np.ndarray
    kept: tuple[Any, ...]


class NativeJudge:
    """A graph as machine code that goes over examples in chunks and adds up its outputs."""

    def __init__(self, graph: Graph, weight: str, axis: str):
        self.graph, self._weight = graph, weight
        self.rows = inputs_by_row(graph, axis)
        chunk = rows_at_once(graph, axis)
        self.compiled = Compiled(
            resize(graph, **{axis: chunk}), axis=axis, extend=lambda a: write_judge(a, self.rows, weight, chunk)
        )
        self._judge = self.compiled.code.function("judge", *[ctypes.c_void_p] * 3)
        self._tables = Tables(self.compiled.assembled)
        self._axis = axis

    def __reduce__(self) -> tuple:
        return compile_judge, (self.graph, self._weight, "native", self._axis)  # machine code is made anew

    @property
    def address(self) -> int:
        """Where the function begins that judges: ``void judge(ptr arena, ptr scratch, ptr told)``."""
        return self.compiled.code.address("judge")

    def examples(self, arrays: Mapping[str, Any], rows: np.ndarray | None = None) -> NativeExamples:
        """Prepare examples; see :class:`pellucid.executors.epochs.JudgeProgram`."""
        tables = [self._tables.prepare(name, arrays[name]) for name in self.rows]
        numbers = _numbers(len(arrays[self._weight]))
        others = [name for name in self.rows if name != self._weight]
        count = min((int(arrays[name].shape[0]) for name in others), default=len(numbers))
        places = row_numbers(numbers if rows is None else rows, count, "rows")
        if len(places) != len(numbers):
            got, expected = f"{len(numbers)} weights", f"{len(places)}, one for each row"
            raise GraphError("the weights do not fit", where=self._weight, got=got, expected=expected)
        own = len(numbers), places.ctypes.data, numbers.ctypes.data, 0
        words = np.array([*own, *(word for table in tables for word in table.words)], np.int64)
        return NativeExamples(words, (*tables, *(arrays[name] for name in self.rows), places, numbers))

    def run(self, fixed: Mapping[str, Any], examples: Any) -> dict[str, float]:
        """Return the sums; see :class:`pellucid.executors.epochs.JudgeProgram`."""
        given = check_fixed(self.graph, self.rows, fixed)
        sums = np.zeros(len(self.graph.outputs))
        told = examples.told.copy()
        told[SUMS] = sums.ctypes.data
        arena = self.compiled.take()
        try:
            for name, array in given.items():
                self._place(arena, name, array)
            self._judge(arena.address, arena.scratch, told.ctypes.data)
            self.compiled.raise_errors(arena)
        finally:
            self.compiled.give(arena)
        return self.named(sums)

    def named(self, sums: np.ndarray) -> dict[str, float]:
        """Return sums by output."""
        return dict(zip(self.graph.outputs, sums.tolist(), strict=True))

    def put(self, arena: Any, settings: Mapping[str, float]) -> None:
        """Put settings into their places."""
        nodes = self.graph.inputs
        for name, value in settings.items():
            if name in nodes:
                self._place(arena, name, as_typed_array(value, nodes[name].type, f"input {name!r}"))

    def _place(self, arena: Any, name: str, array: np.ndarray) -> None:
        node = self.compiled.assembled.graph.inputs.get(name)
        if node is not None:
            arena.view(node)[...] = array


@lru_cache(maxsize=8)
def _numbers(count: int) -> np.ndarray:
    """Return 0, 1, 2 and so on: one array for all judges with as many examples."""
    return np.arange(count)


def write_judge(assembled: Assembled, rows: tuple[str, ...], weight: str, chunk: int) -> None:
    """Write the function ``void judge(ptr arena, ptr scratch, ptr told)`` into a program's module.

    Where it finds an index without a row it stops, and the arena says so.
    """
    fn = assembled.module.function("judge", [("ptr", "arena"), ("ptr", "scratch"), ("ptr", "told")], inline=False)
    arena, scratch, told = fn.args
    running = Running(fn, arena, told, assembled)
    before = without_subnormals(fn, assembled.target)
    count, sums = running.word(COUNT), running.pointer(SUMS)
    outputs = list(assembled.graph.outputs.values())
    for number in range(len(outputs)):
        fn.store(fn.const(0.0, "double"), fn.at(sums, 8 * number))
    with fn.loop(0, count, chunk) as loop:
        some = fn.minimum(count - loop.index, fn.i64(chunk))
        fn.store(some, fn.at(arena, ROWS))
        for number, name in enumerate(rows):
            if name in assembled.graph.inputs:
                taken = fn.at(running.pointer(NUMBERS if name == weight else PLACES), loop.index * 8)
                write_gather(running, name, TABLES_AT + TABLE_WORDS * number, taken, some)
        fn.call("step", "void", arena, scratch)
        with fn.when(fn.compare("ne", fn.load("i64", fn.at(arena, ERROR)), 0)):
            restore_subnormals(fn, assembled.target, before)
            fn.leave()
        for number, node in enumerate(outputs):
            place = fn.at(sums, 8 * number)
            fn.store(fn.load("double", place) + _output(running, node), place)
    restore_subnormals(fn, assembled.target, before)
    fn.ret()


def _output(running: Running, node: Node) -> V:
    fn, assembled = running.fn, running.assembled
    if node.op.name == "constant":
        return fn.const(dict(node.params)["value"], "double")
    return fn.load("double", fn.at(running.arena, assembled.plan.offsets[node]))
