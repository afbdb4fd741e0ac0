"""Taking rows of a table by their numbers, in generated code.

The functions that programs call, after `require_rows`. Strides are in bytes, rows' numbers are i64, counted from 0 and
not checked; exactly the bytes that are asked for are read and written:

- ``pellucid_gather_rows``: ``void (ptr table, i64 table_stride, ptr order, i64 count, ptr target, i64 target_stride,
  i64 bytes)``: row r of the target is row ``order[r]`` of the table, so many bytes of it.
- ``pellucid_gather_columns_1``, ``..._4``, ``..._8``: ``void (ptr table, i64 table_stride, ptr order, i64 count,
  ptr target, i64 target_stride, i64 columns)``: ``target[c][r] = table[order[r]][c]``, of elements of so many bytes.
- ``pellucid_gather_sparse_4_i32``, ``..._4_i64``, ``..._8_i32``, ``..._8_i64``: ``void (ptr data, ptr indices,
  ptr indptr, ptr order, i64 count, ptr target, i64 target_stride, i64 columns)``: rows of a CSR matrix made dense. The
  name says the bytes of an element, and the type of both `indices` and `indptr`. No place may be stored twice in a row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import product

from pellucid.executors.native.emit import Fn, Module, V, vector
from pellucid.executors.native.library import Library

_LINE = 64
_UNROLLED = 4 * _LINE
_NARROW = ("<32 x i8>", "<16 x i8>", "i64", "i32", "i16", "i8")
_TABLE = (("ptr noalias", "table"), ("i64", "table_stride"), ("ptr noalias", "order"), ("i64", "count"))
_TARGET = (("ptr noalias", "target"), ("i64", "target_stride"))
_TOGETHER = 8


def require_rows(*names: str) -> None:
    """Make sure that programs can call these functions of this module, all of them unless names are given."""
    for name in names or ROWS:
        ROWS[name].require()


def _write_gather_rows(module: Module) -> None:
    fn = module.function("pellucid_gather_rows", [*_TABLE, *_TARGET, ("i64", "bytes")])
    table, table_stride, order, count, target, target_stride, size = fn.args

    @contextmanager
    def rows(condition: V) -> Iterator[tuple[V, V]]:
        with fn.when(condition), fn.loop(0, count) as found:
            number = fn.load("i64", fn.at(order, found.index * 8))
            yield fn.at(table, number * table_stride), fn.at(target, found.index * target_stride)

    # The last piece ends where the row ends, and may copy some bytes once more.
    with rows(size >= _LINE) as (source, row):
        unrolled = (size - 1) & -_UNROLLED
        with fn.loop(0, unrolled, _UNROLLED) as found:
            _copy(fn, source, row, found.index, ["<64 x i8>"] * (_UNROLLED // _LINE))
        with fn.loop(unrolled, size - _LINE, _LINE) as found:
            _copy(fn, source, row, found.index, ["<64 x i8>"])
        _copy(fn, source, row, size - _LINE, ["<64 x i8>"])
    for width, type in zip((32, 16, 8, 4, 2, 1), _NARROW, strict=True):
        with rows((size >= width) & (size < 2 * width)) as (source, row):
            _copy(fn, source, row, fn.i64(0), [type])
            _copy(fn, source, row, size - width, [type])
    fn.ret()


def _copy(fn: Fn, source: V, target: V, offset: V, types: list[str]) -> None:
    """Copy pieces of 64 bytes, or one smaller piece, from an offset on."""
    at = [offset + _LINE * piece if piece else offset for piece in range(len(types))]
    values = [fn.load(type, fn.at(source, place), align=1) for type, place in zip(types, at, strict=True)]
    for value, place in zip(values, at, strict=True):
        fn.store(value, fn.at(target, place), align=1)


def _write_gather_columns(module: Module, size: int) -> None:
    fn = module.function(f"pellucid_gather_columns_{size}", [*_TABLE, *_TARGET, ("i64", "columns")])
    table, table_stride, order, count, target, target_stride, columns = fn.args
    element, whole = f"i{8 * size}", count & -_TOGETHER
    for first, last, rows in ((fn.i64(0), whole, _TOGETHER), (whole, count, 1)):
        with fn.loop(first, last, rows) as found:
            sources = []
            for row in range(rows):
                number = fn.load("i64", fn.at(order, (found.index + row) * 8))
                sources.append(fn.at(table, number * table_stride))
            place = fn.at(target, found.index * size)
            with fn.loop(0, columns) as column:
                values = [fn.load(element, fn.at(source, column.index * size)) for source in sources]
                fn.store(_together(fn, values), fn.at(place, column.index * target_stride))
    fn.ret()


def _together(fn: Fn, values: list[V]) -> V:
    """Return a vector of scalars."""
    if len(values) == 1:
        return values[0]
    type, name = vector(values[0].type, len(values)), "poison"
    for lane, value in enumerate(values):
        name = fn.emit(type, f"insertelement {type} {name}, {value.type} {value.name}, i32 {lane}").name
    return V(fn, type, name)


def _write_gather_sparse(module: Module, size: int, index: str) -> None:
    matrix = [("ptr noalias", name) for name in ("data", "indices", "indptr", "order")]
    parameters = [*matrix, ("i64", "count"), *_TARGET, ("i64", "columns")]
    fn = module.function(f"pellucid_gather_sparse_{size}_{index}", parameters)
    data, indices, indptr, order, count, target, target_stride, columns = fn.args
    element, step = f"i{8 * size}", int(index[1:]) // 8

    def whole(pointer: V, at: V) -> V:
        return fn.cast("sext", fn.load(index, fn.at(pointer, at * step)), "i64")

    with fn.loop(0, count) as found:
        row = fn.at(target, found.index * target_stride)
        _clear(fn, row, columns, element, size)
        number = fn.load("i64", fn.at(order, found.index * 8))
        with fn.loop(whole(indptr, number), whole(indptr, number + 1)) as stored:
            value = fn.load(element, fn.at(data, stored.index * size))
            fn.store(value, fn.at(row, whole(indices, stored.index) * size))
    fn.ret()


def _clear(fn: Fn, row: V, columns: V, element: str, size: int) -> None:
    lanes = _LINE // size
    lines = columns & -lanes
    for first, last, width in ((fn.i64(0), lines, lanes), (lines, columns, 1)):
        with fn.loop(first, last, width) as found:
            fn.store(fn.const(0, vector(element, width)), fn.at(row, found.index * size))


def _libraries() -> Iterator[Library]:
    writers: dict[str, Callable[[Module], None]] = {"pellucid_gather_rows": _write_gather_rows}
    for size in (1, 4, 8):
        writers[f"pellucid_gather_columns_{size}"] = partial(_write_gather_columns, size=size)
    for size, index in product((4, 8), ("i32", "i64")):
        writers[f"pellucid_gather_sparse_{size}_{index}"] = partial(_write_gather_sparse, size=size, index=index)
    for name, write in writers.items():
        yield _library(name, write)


def _library(name: str, write: Callable[[Module], None]) -> Library:
    return Library(name, lambda module, target: write(module))


ROWS = {library.name: library for library in _libraries()}
"""The functions by name, each compiled on its own."""
