"""Transposing matrices, block by block in registers."""

from __future__ import annotations

from pellucid.executors.native.emit import Fn, Module, V, vector
from pellucid.executors.native.library import require_functions
from pellucid.executors.native.target import Target, host
from pellucid.executors.native.tiles import opaque

_PARAMETERS = (
    ("ptr noalias", "source"),
    ("i64", "source_stride"),
    ("ptr noalias", "target"),
    ("i64", "target_stride"),
    ("i64", "rows"),
    ("i64", "columns"),
)
TYPES = tuple(type.split(" ")[0] for type, _ in _PARAMETERS)
"""Types of the arguments: source, source_stride, target, target_stride, rows, columns."""


def require_transpose(size: int, target: Target | None = None) -> str:
    """Return the name of the function that transposes elements of 4 or 8 bytes, compiled if it was not there yet."""
    target = target or host()
    name = f"pellucid_transpose_{size}_{8 * target.bytes}"
    require_functions({name: lambda module: write_transpose(module, name, size, target)}, target)
    return name


def write_transpose(module: Module, name: str, size: int, target: Target) -> Fn:
    """Write a function that sets target[c][r] = source[r][c] for a matrix of so many rows and columns.

    Strides are in bytes. Up to 15 elements behind the end of a row of either matrix may be read and written.
    """
    edge = _write_edge(module, f"{name}_edge", size, target)
    fn = module.function(name, _PARAMETERS)
    source, source_stride, into, into_stride, rows, columns = fn.args
    lanes = target.bytes // size
    type = vector({4: "float", 8: "double"}[size], lanes)
    # Rows of blocks outermost: as many streams as the processor's prefetchers can follow.
    with fn.loop(0, rows, lanes) as down, fn.loop(0, columns, lanes) as across:
        corner = fn.at(fn.at(source, down.index * source_stride), across.index * size)
        opposite = fn.at(fn.at(into, across.index * into_stride), down.index * size)
        height, width = rows - down.index, columns - across.index
        full = (height >= lanes) & (width >= lanes)
        with fn.when(full):
            _block(fn, type, _rows(corner, source_stride, lanes), _rows(opposite, into_stride, lanes))
        with fn.when(~full):
            fn.call(edge.name, "void", corner, source_stride, opposite, into_stride, height, width)
    fn.ret()
    return fn


def _write_edge(module: Module, name: str, size: int, target: Target) -> Fn:
    """Write a function that transposes a block that is not whole.

    Rows beyond the edge are read from the last row, and stored to it before it is stored itself.
    """
    fn = module.function(name, _PARAMETERS, internal=True, inline=False)
    source, source_stride, into, into_stride, rows, columns = fn.args
    lanes = target.bytes // size

    def within(corner: V, stride: V, count: V) -> list[V]:
        last = count - 1
        return [fn.at(corner, stride * fn.select(last < row, last, fn.i64(row))) for row in range(lanes)]

    type = vector({4: "float", 8: "double"}[size], lanes)
    _block(fn, type, within(source, source_stride, rows), within(into, into_stride, columns))
    fn.ret()
    return fn


def _rows(corner: V, stride: V, count: int) -> list[V]:
    """Return pointers to rows: one register for four rows, with offsets that all of these have in common."""
    fn = corner.fn
    near = [stride * row for row in range(4)]
    heads = [opaque(fn.at(corner, stride * row)) for row in range(0, count, 4)]
    return [fn.at(heads[row // 4], near[row % 4]) for row in range(count)]


def _block(fn: Fn, type: str, source: list[V], into: list[V]) -> None:
    turned = transpose_registers(fn, [fn.load(type, row) for row in source])
    for row in reversed(range(len(into))):
        fn.store(turned[row], into[row])


def transpose_registers(fn: Fn, rows: list[V]) -> list[V]:
    """Return the columns of a square matrix whose rows are vectors.

    First within 128 bits, where unpacking is cheap, then by moving whole 128 bits.
    """
    lanes = len(rows)
    size = 4 if rows[0].type.endswith("float>") else 8
    inner = 16 // size
    low = [p + off for p in range(0, lanes, inner) for h in range(inner // 2) for off in (h, lanes + h)]
    high = [place + inner // 2 for place in low]
    if inner == 4:
        pairs = [p + off for p in range(0, lanes, 4) for off in (0, 1, lanes, lanes + 1)]
        for at in range(0, lanes, 4):
            a, b, c, d = rows[at : at + 4]
            ab, cd = (fn.shuffle(a, b, low), fn.shuffle(a, b, high)), (fn.shuffle(c, d, low), fn.shuffle(c, d, high))
            for half in range(2):
                rows[at + 2 * half] = fn.shuffle(ab[half], cd[half], pairs)
                rows[at + 2 * half + 1] = fn.shuffle(ab[half], cd[half], [place + 2 for place in pairs])
    else:
        for at in range(0, lanes, 2):
            a, b = rows[at : at + 2]
            rows[at : at + 2] = [fn.shuffle(a, b, low), fn.shuffle(a, b, high)]
    groups = lanes // inner
    even = [g * inner + e for g in range(0, 2 * groups, 2) for e in range(inner)]
    odd = [place + inner for place in even]
    found = list(rows)
    for column in range(inner):
        blocks = rows[column::inner]
        for _ in range(groups.bit_length() - 1):
            pairs_of = [(blocks[i], blocks[i + 1]) for i in range(0, groups, 2)]
            blocks = [fn.shuffle(x, y, even) for x, y in pairs_of] + [fn.shuffle(x, y, odd) for x, y in pairs_of]
        found[column::inner] = blocks
    return found
