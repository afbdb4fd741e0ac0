"""What a network's steps have led to, handed back without a copy for as long as nobody looks at it."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from pellucid.executors.native.assemble import Arena, Assembled

_LOCK = threading.RLock()


class Region:
    """The part of an arena that holds what is carried.

    Parameters
    ----------
    assembled : Assembled
    names : sequence of str
        Of the inputs that are carried.
    """

    def __init__(self, assembled: Assembled, names: Sequence[str]):
        self._nodes = {name: assembled.graph.inputs[name] for name in names}
        self._plan = assembled.plan
        starts = [self._plan.offsets[node] for node in self._nodes.values()]
        ends = [self._plan.offsets[node] + self._plan.layouts[node].size for node in self._nodes.values()]
        self.start, self.end = min(starts, default=0), max(ends, default=0)

    def __iter__(self) -> Iterator[str]:
        return iter(self._nodes)

    def __len__(self) -> int:
        return len(self._nodes)

    def value(self, memory: np.ndarray, start: int, name: str) -> np.ndarray:
        """Return a read-only copy of what lies in memory that begins with so many bytes of an arena left out."""
        node = self._nodes[name]
        layout, shape = self._plan.layouts[node], tuple(map(int, node.type.shape))
        offset = self._plan.offsets[node] - start
        found = np.array(np.ndarray(shape, node.type.dtype.numpy, memory, offset, layout.strides), order="C")
        found.flags.writeable = False
        return found


class Held(Mapping[str, np.ndarray]):
    """What is carried, by name: arrays are made when they are asked for.

    It lies in the arena until the steps after it begin; then in a copy of the part that matters, until those after them
    begin. Whoever holds it still gets arrays of his own before that copy is written over.
    """

    def __init__(self, region: Region, arena: Arena, give: Callable[[Arena], None]):
        self._region = region
        self._arena: Arena | None = arena
        self._owned = [arena]
        weakref.finalize(self, _give_all, self._owned, give)
        self._copy: np.ndarray | None = None
        self._made: dict[str, np.ndarray] = {}

    def __getitem__(self, name: str) -> np.ndarray:
        with _LOCK:
            found = self._made.get(name)
            if found is None:
                if self._arena is not None:
                    found = self._region.value(self._arena.bytes, 0, name)
                elif self._copy is not None:
                    found = self._region.value(self._copy, self._region.start, name)
                else:
                    raise KeyError(name)
                self._made[name] = found
            return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._region)

    def __len__(self) -> int:
        return len(self._region)

    def __reduce__(self) -> tuple:
        return dict, (dict(self),)

    def leave(self, region: Region) -> Arena | None:
        """Give the arena up to whoever goes on from here; None where somebody has done so, or it is another program's.

        What it held is copied before.
        """
        with _LOCK:
            arena = self._arena
            if arena is None or region is not self._region:
                return None
            before = arena.relying() if arena.relying is not None else None
            if before is not None:
                before.settle()
            part = arena.bytes[region.start : region.end]
            if arena.copy is None:
                arena.copy = np.empty(len(part), np.uint8)
            arena.copy[...] = part
            arena.relying = weakref.ref(self)
            self._arena, self._copy = None, arena.copy
            self._owned.clear()
            return arena

    def settle(self) -> None:
        """Make all arrays, since the memory that they are in is needed."""
        for name in self:
            self[name]
        self._copy = None


def _give_all(arenas: list[Arena], give: Callable[[Arena], None]) -> None:
    """Give back the arena of what nobody holds any more, if it is still there."""
    while arenas:
        give(arenas.pop())
