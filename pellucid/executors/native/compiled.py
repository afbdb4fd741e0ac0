"""Machine code of a graph, the memory that it runs in, and the errors that it finds."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np

from pellucid.errors import DataError, UsageError
from pellucid.executors.native.assemble import ERROR, INDEX, OUTSIDE, Arena, Assembled, assemble
from pellucid.executors.native.guards import outside
from pellucid.graph.graph import Graph

WAITING = 4
"""How many arenas that nobody uses are kept for the next ones who need one."""
LARGE = 16 * 1024 * 1024
"""Bytes of an arena of which only one is kept."""


class Compiled:
    """A graph's machine code, and the arenas that wait to be used."""

    def __init__(self, graph: Graph, extend: Callable[[Assembled], None] | None = None, **options: Any):
        self.assembled: Assembled = assemble(graph, **options)
        if extend is not None:
            extend(self.assembled)
        self.code = self.assembled.compile()
        self.run = self.code.function("run", ctypes.c_void_p, ctypes.c_void_p)
        self._waiting: list[Arena] = []

    def take(self) -> Arena:
        """Return an arena that nobody else uses."""
        try:
            return self._waiting.pop()
        except IndexError:
            return Arena(self.assembled)

    def give(self, arena: Arena) -> None:
        """Keep an arena for the next one who needs one; what was copied from it belongs to whoever holds it still."""
        arena.copy = arena.relying = None
        if len(self._waiting) < (WAITING if len(arena.bytes) < LARGE else 1):
            self._waiting.append(arena)

    def raise_errors(self, arena: Arena) -> None:
        """Raise the error that a kernel found."""
        if arena.words[OUTSIDE // 8]:
            kernel = int(arena.words[OUTSIDE // 8]) - 1
            arena.words[OUTSIDE // 8] = 0
            raise outside(kernel)
        number = int(arena.words[ERROR // 8])
        if not number:
            return
        found = arena.words[INDEX // 8 : INDEX // 8 + 1]
        arena.words[ERROR // 8] = 0
        node = self.assembled.calls[number - 1].kernel.anchor
        assert node is not None
        if node.op.name == "bernoulli_mask":
            chance = repr(float(found.view(np.float64)[0]))
            wrong = UsageError("no probability", where="bernoulli", got=chance, expected="a number from 0 to 1")
            raise wrong.at(f"node {node.path!r}")
        rows = int(node.inputs[0].type.shape[0])
        expected = f"0 to {rows - 1}" if rows else "none, as there are no rows"
        error = DataError("an index has no row", where=node.op.name, got=str(found[0]), expected=expected)
        raise error.at(f"node {node.path!r}")
