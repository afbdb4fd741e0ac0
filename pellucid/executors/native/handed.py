"""What a network's steps have led to, handed back without a copy for as long as nobody looks at it."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from pellucid.executors.native.assemble import Arena, Assembled


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
    begin. Whoever holds it still gets arrays of his own before that copy is written over. There are no locks, which an
    interrupt could leave closed: who goes on is settled by one `pop`, and an array that was read while what it was read
    from changed its place is read again.
    """

    def __init__(self, region: Region, arena: Arena, give: Callable[[Arena], None]):
        self._region = region
        self._owned = [arena]
        weakref.finalize(self, _give_all, self._owned, give)
        self._source: tuple[np.ndarray, int] | None = arena.bytes, 0
        self._made: dict[str, np.ndarray] = {}

    def __getitem__(self, name: str) -> np.ndarray:
        while True:
            found, source = self._made.get(name), self._source
            if found is not None:
                return found
            if source is None:
                return self._made[name]
            value = self._region.value(*source, name)
            if self._source is source:
                return self._made.setdefault(name, value)

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
        if region is not self._region:
            return None
        try:
            arena = self._owned.pop()
        except IndexError:
            return None
        before = arena.relying() if arena.relying is not None else None
        if before is not None:
            before.settle()
        part = arena.bytes[region.start : region.end]
        if arena.copy is None:
            arena.copy = np.empty(len(part), np.uint8)
        arena.copy[...] = part
        arena.relying = weakref.ref(self)
        self._source = arena.copy, region.start
        return arena

    def settle(self) -> None:
        """Make all arrays, since the memory that they are in is needed."""
        for name in self:
            self[name]
        self._source = None


def _give_all(arenas: list[Arena], give: Callable[[Arena], None]) -> None:
    """Give back the arena of what nobody holds any more, if it is still there."""
    while arenas:
        give(arenas.pop())
