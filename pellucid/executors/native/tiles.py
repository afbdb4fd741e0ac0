"""The inner loops of contractions: a block of sums kept in registers while the contracted index runs.

A tile is a function of the process-wide library. It is compiled when a program first needs it, for its shape alone:
depth and strides are arguments, so that all layers of all networks share it.

References
----------
K. Goto and R. van de Geijn, "Anatomy of high-performance matrix multiplication", ACM TOMS 34(3), 2008.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from pellucid.executors.native.emit import Fn, Module, V, vector
from pellucid.executors.native.library import require_functions
from pellucid.executors.native.target import Target, host

LINE = 64
"""Bytes of a line: the unit of columns, 16 floats or 8 doubles."""

SIZE = {"float": 4, "double": 8}
"""Bytes of an element."""

_PARAMETERS = (
    ("ptr noalias", "a"),
    ("i64", "a_row_stride"),
    ("i64", "a_k_stride"),
    ("ptr noalias", "b"),
    ("i64", "b_k_stride"),
    ("i64", "depth"),
    ("ptr noalias", "c"),
)
TYPES = tuple(type.split(" ")[0] for type, _ in _PARAMETERS)
"""Types of a tile's arguments: a, a_row_stride, a_k_stride, b, b_k_stride, depth, c."""

_GROUP = 3
"""Rows that share a pointer. With one pointer for all, LLVM adds the stride row after row: a chain longer than the sums
take in narrow tiles. With a pointer each, there are too few registers."""


@dataclass(frozen=True, order=True)
class Tile:
    """The shape of a tile: `rows` times `lines` of 64 bytes."""

    element: str
    rows: int
    lines: int

    def name(self, target: Target) -> str:
        return f"pellucid_tile_{self.element}_{self.rows}x{self.lines}_{8 * target.bytes}"


def require_tiles(tiles: Iterable[Tile], target: Target | None = None) -> None:
    """Compile the tiles that are not there yet, so that programs can call them by name.

    Tiles for processors of another family than the host's can not run here and are left out.
    """
    target = target or host()
    require_functions({tile.name(target): partial(write_tile, tile=tile, target=target) for tile in tiles}, target)


def write_tile(module: Module, tile: Tile, target: Target) -> Fn:
    """Write the function of a tile.

    It computes c[row, lane] = sum over k of a[row, k] * b[k, lane] as one ascending chain of fused multiply-adds that
    begins at 0, and stores it densely, `lines` * 64 bytes a row. Strides are in bytes.
    """
    fn = module.function(tile.name(target), _PARAMETERS)
    a, a_row_stride, a_k_stride, b, b_k_stride, depth, c = fn.args
    register = vector(tile.element, target.lanes(tile.element))
    width = tile.lines * LINE // target.bytes
    near = [a_row_stride * row for row in range(_GROUP)]
    heads = [opaque(fn.at(a, a_row_stride * row)) for row in range(0, tile.rows, _GROUP)]
    zero = fn.const(0.0, register)
    with fn.loop(0, depth, carried=[b, *heads, *[zero] * (tile.rows * width)]) as loop:
        right, lefts, sums = loop.values[0], loop.values[1 : 1 + len(heads)], loop.values[1 + len(heads) :]
        columns = [fn.load(register, fn.at(right, target.bytes * j)) for j in range(width)]
        # Where rows of A lie side by side, the next tiles need the next line, which no processor foresees.
        fetch_ahead(fn.at(lefts[0], LINE))
        following = []
        for row in range(tile.rows):
            number = fn.load(tile.element, fn.at(lefts[row // _GROUP], near[row % _GROUP]))
            spread = fn.splat(number, target.lanes(tile.element))
            following += [fn.fma(spread, columns[j], sums[row * width + j]) for j in range(width)]
        loop.next(fn.at(right, b_k_stride), *(fn.at(left, a_k_stride) for left in lefts), *following)
    for place, value in enumerate(loop.values[1 + len(heads) :]):
        fn.store(value, fn.at(c, place * target.bytes))
    fn.ret()
    return fn


def opaque(pointer: V) -> V:
    """Return the same pointer, so that the optimizer does not see how it came about."""
    return pointer.fn.emit("ptr", f"freeze ptr {pointer.name}")


def fetch_ahead(pointer: V) -> None:
    """Ask for a line to be brought to the second cache; one beyond the end of the memory does no harm."""
    fn = pointer.fn
    name = fn.module.declare("llvm.prefetch.p0", "void", "ptr", "i32", "i32", "i32")
    fn.call(name, "void", pointer, *(fn.const(number, "i32") for number in (0, 2, 1)))
