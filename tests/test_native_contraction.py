"""Contractions in machine code against exact arithmetic, whatever the tiles, the tasks and the processor's width."""

from __future__ import annotations

import ctypes
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from pellucid.executors.native.contraction import Product, emit_contraction, scratch_bytes, tasks
from pellucid.executors.native.emit import V
from pellucid.executors.native.engine import Code, assembly, new_module
from pellucid.executors.native.target import Target, choose, host
from pellucid.executors.native.tiles import Tile, write_tile
from pellucid.executors.native.transposes import write_transpose

NARROW = (
    choose(host().triple, "haswell", frozenset({"avx", "avx2", "fma", "sse4.2", "popcnt"}))
    if (host().family == "x86_64")
    else host()
)


def odd_rounded(p: np.ndarray, c: np.ndarray) -> np.ndarray:
    """Return p + c in float64, rounded to odd, so that rounding to float32 afterwards rounds once."""
    s = p + c
    back = s - p
    error = (p - (s - back)) + (c - back)
    bits = s.view(np.int64)
    even = (error != 0) & (bits % 2 == 0)
    away = (error > 0) == (s > 0)
    return np.where(even, np.where(away, bits + 1, bits - 1), bits).view(np.float64)


def chain(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return one ascending chain of fused multiply-adds for each element, exactly rounded once for each term."""
    total = np.zeros((a.shape[0], b.shape[1]), a.dtype)
    for k in range(a.shape[1]):
        if a.dtype == np.float32:
            product = a[:, k, None].astype(np.float64) * b[k]
            total = odd_rounded(product, total.astype(np.float64)).astype(np.float32)
        else:
            rows = [
                [float(Fraction(x) * Fraction(y) + Fraction(t)) for y, t in zip(b[k], line, strict=True)]
                for x, line in zip(a[:, k], total, strict=True)
            ]
            total = np.array(rows).reshape(total.shape)
    return total


def exact(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the product as it is defined: chains of 1024 terms, added in ascending order."""
    total = chain(a[:, :1024], b[:1024])
    for first in range(1024, a.shape[1], 1024):
        total = total + chain(a[:, first : first + 1024], b[first : first + 1024])
    return total


def padded(matrix: np.ndarray, more: int = 0) -> np.ndarray:
    """Return the matrix in rows of whole lines (and more of them), with NaN in the padding, aligned to 64 bytes."""
    width = -(-max(1, matrix.shape[1]) // 16) * 16 + 16 * more
    raw = np.full(matrix.shape[0] * width + 64, np.nan if matrix.dtype.kind == "f" else -2, matrix.dtype)
    start = (-raw.ctypes.data % 64) // matrix.itemsize
    whole = raw[start : start + matrix.shape[0] * width].reshape(matrix.shape[0], width)
    whole[:, : matrix.shape[1]] = matrix
    return whole


def multiply(
    a: np.ndarray,
    b: np.ndarray,
    target: Target | None = None,
    a_turned: bool = False,
    b_turned: bool = False,
    splits: int = 1,
    rows_now: int | None = None,
    depth_now: int | None = None,
) -> np.ndarray:
    """Return a @ b by generated code. `turned`: the operand lies in memory transposed."""
    element = {np.dtype("f4"): "float", np.dtype("f8"): "double"}[a.dtype]
    (rows, depth), columns, size = a.shape, b.shape[1], a.itemsize
    left, right = padded(a.T if a_turned else a), padded(b.T if b_turned else b, more=1)
    module = new_module("test", target)
    names = ["a", "b", "c", "scratch"]
    fn = module.function("run", [("ptr noalias", n) for n in names] + [("i64", n) for n in ("first", "last", "r", "k")])
    pa, pb, pc, scratch, first, last, r, k = fn.args
    strides = (size, left.strides[0]) if a_turned else (left.strides[0], size)
    spec = Product(
        element,
        rows,
        depth,
        columns,
        pa,
        *strides,
        pb,
        *((size, right.strides[0]) if b_turned else (right.strides[0], size)),
        scratch=scratch,
        rows_now=r if rows_now is not None else None,
        depth_now=k if depth_now is not None else None,
    )
    result = padded(np.full((rows, columns), 7, a.dtype))

    def store(row: V, column: V, value: V) -> None:
        fn.store(value, fn.at(fn.at(pc, row * result.strides[0]), column * size))

    emit_contraction(fn, spec, first, last, store, target)
    fn.ret()
    run = Code(module, target).function("run", *[ctypes.c_void_p] * 4, *[ctypes.c_int64] * 4)
    memory = np.full(scratch_bytes(spec, target) + 64, 0xFF, np.uint8)
    aligned = memory.ctypes.data + -memory.ctypes.data % 64
    count = tasks(spec, target)
    edges = [count * i // splits for i in range(splits + 1)]
    sizes = rows_now or 0, depth_now or 0
    for start, stop in reversed(list(pairwise(edges))):
        run(left.ctypes.data, right.ctypes.data, result.ctypes.data, aligned, start, stop, *sizes)
    return result[:, :columns].copy()


def operands(rows: int, depth: int, columns: int, dtype: type = np.float32) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng([rows, depth, columns])
    return rng.standard_normal((rows, depth)).astype(dtype), rng.standard_normal((depth, columns)).astype(dtype)


def assert_same(found: np.ndarray, expected: np.ndarray) -> None:
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)


EDGES = [0, 1, 15, 16, 17, 33, 37, 63, 64, 65, 80, 130]
TARGETS = pytest.mark.parametrize("target", [None, NARROW], ids=["host", "narrow"])


@TARGETS
@pytest.mark.parametrize("columns", EDGES)
def test_products_of_every_width_are_exact_chains(columns, target):
    for rows, depth in [(1, 1), (3, 5), (13, 17), (37, 20)]:
        a, b = operands(rows, depth, columns)
        expected = exact(a, b)
        assert_same(multiply(a, b, target), expected)
        assert_same(multiply(a, b, target, a_turned=True), expected)
        assert_same(multiply(a, b, target, b_turned=True), expected)


@TARGETS
@pytest.mark.parametrize("rows", EDGES)
def test_products_of_every_height_are_exact_chains(rows, target):
    for depth, columns in [(7, 20), (16, 64), (1, 75)]:
        a, b = operands(rows, depth, columns)
        expected = exact(a, b)
        assert_same(multiply(a, b, target), expected)
        assert_same(multiply(a, b, target, a_turned=True, b_turned=True), expected)


@TARGETS
@pytest.mark.parametrize("sizes", [(1, 1, 1), (5, 3, 2), (7, 9, 8), (3, 17, 21), (2, 4, 70)])
def test_products_of_doubles_are_exact_chains(sizes, target):
    a, b = operands(*sizes, np.float64)
    expected = exact(a, b)
    assert_same(multiply(a, b, target), expected)
    assert_same(multiply(a, b, target, a_turned=True), expected)
    assert_same(multiply(a, b, target, b_turned=True), expected)


@TARGETS
@pytest.mark.parametrize("depth", [1023, 1024, 1025, 2048, 2500])
def test_long_sums_are_chains_of_1024_added_in_order(depth, target):
    a, b = operands(9, depth, 37)
    expected = exact(a, b)
    assert not np.array_equal(chain(a, b), expected) or depth <= 1024
    assert_same(multiply(a, b, target), expected)
    assert_same(multiply(a, b, target, a_turned=True), expected)
    assert_same(multiply(a, b, target, b_turned=True), expected)


@TARGETS
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("sizes", [(150, 784, 200), (300, 1500, 90), (64, 3000, 48)])
def test_large_products_agree_with_numpy(sizes, dtype, target):
    a, b = operands(*sizes, dtype)
    expected = a.astype(np.float64) @ b.astype(np.float64)
    bound = sizes[1] * np.finfo(dtype).eps * (np.abs(a).astype(np.float64) @ np.abs(b).astype(np.float64))
    for turned in (False, True):
        found = multiply(a, b, target, a_turned=turned, b_turned=turned)
        assert np.all(np.abs(found - expected) <= bound)


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("sizes", [(300, 700, 80), (260, 1300, 65), (700, 300, 10)])
def test_neither_the_processors_width_nor_the_split_of_tasks_changes_a_bit(sizes, turned):
    a, b = operands(*sizes)
    expected = multiply(a, b)
    assert_same(multiply(a, b, NARROW, b_turned=turned), expected)
    assert_same(multiply(a, b, splits=3, b_turned=turned), expected)
    assert_same(multiply(a, b, NARROW, splits=5, a_turned=turned, b_turned=turned), expected)


def test_rows_do_not_depend_on_how_many_are_computed_at_once():
    a, b = operands(130, 90, 75)
    together = multiply(a, b)
    for first, last in [(0, 1), (1, 3), (5, 37), (100, 130)]:
        assert_same(multiply(a[first:last], b), together[first:last])


@TARGETS
@pytest.mark.parametrize("depth", [20, 1200])
def test_sizes_at_run_time_leave_other_rows_and_terms_out(depth, target):
    a, b = operands(33, depth, 70)
    for rows, terms in [(0, depth), (1, 0), (5, 7), (6, 1), (32, depth - 1), (33, depth)]:
        found = multiply(a, b, target, rows_now=rows, depth_now=terms)
        assert_same(found[:rows], exact(a[:rows, :terms], b[:terms]))
        assert np.all(found[rows:] == 7)
        found = multiply(a, b, target, a_turned=True, b_turned=True, rows_now=rows, depth_now=terms)
        assert_same(found[:rows], exact(a[:rows, :terms], b[:terms]))


@pytest.mark.parametrize("depth", [0, 3])
def test_special_values_go_through(depth):
    a, b = operands(4, depth, 20)
    a[:, :1], b[:1] = np.inf, 0.0
    with np.errstate(invalid="ignore"):
        expected = a.astype(np.float64) @ b.astype(np.float64)
    np.testing.assert_array_equal(np.isnan(multiply(a, b)), np.isnan(expected))
    assert_same(multiply(*operands(4, 0, 20)), np.zeros((4, 20), np.float32))


def specification(rows: int, depth: int, columns: int, turned: bool = False) -> Product:
    fn = new_module("sizes").function("f", [("ptr", "a"), ("ptr", "b")])
    strides = (4, 4 * depth) if turned else (4 * columns, 4)
    return Product("float", rows, depth, columns, fn.args[0], 4 * depth, 4, fn.args[1], *strides)


def test_small_products_are_one_task_and_large_ones_many():
    assert tasks(specification(32, 20, 64)) == 1
    assert tasks(specification(512, 2048, 2048)) >= 16
    assert tasks(specification(2048, 1024, 64)) >= 4
    assert tasks(specification(0, 3, 4)) == tasks(specification(3, 4, 0)) == 0


def test_scratch_memory_is_needed_where_chains_are_added_or_columns_have_to_be_turned():
    assert scratch_bytes(specification(32, 1024, 64)) == 0
    assert scratch_bytes(specification(32, 1025, 64)) >= 4 * 32 * 64
    assert scratch_bytes(specification(32, 50, 16, turned=True)) >= 4 * 50 * 16
    spec = replace(specification(32, 50, 16, turned=True), b_k_stride=8)
    with pytest.raises(ValueError, match="contiguous"):
        emit_contraction(spec.a.fn, spec, 0, 1, lambda row, column, value: None)
    spec = specification(32, 50, 16, turned=True)
    with pytest.raises(ValueError, match="scratch"):
        emit_contraction(spec.a.fn, spec, 0, 1, lambda row, column, value: None)


def test_the_narrow_target_uses_registers_of_half_the_width():
    if host().family != "x86_64":
        assert host() == NARROW
        return
    module = new_module("tile", NARROW)
    write_tile(module, Tile("float", 6, 1), NARROW)
    text = assembly(module, NARROW)
    assert "ymm" in text and "zmm" not in text


@pytest.mark.parametrize("features", [{"avx2", "fma", "avx512f"}, {"avx2", "fma", "avx512f", "avx512vl", "avx512dq"}])
def test_a_processor_with_a_part_of_avx512_is_used_as_one_without(features):
    target = choose("x86_64-unknown-linux-gnu", "generic", frozenset(features))
    assert (target.bytes, target.registers) == (32, 16)
    assert "avx512" not in target.features


ARM = choose("aarch64-unknown-linux-gnu", "generic", frozenset({"neon"}))


@pytest.mark.parametrize("element", ["float", "double"])
def test_code_for_aarch64_multiplies_in_registers_without_spilling(element):
    module = new_module("tile", ARM)
    write_tile(module, Tile(element, ARM.rows(4), 1), ARM)
    write_transpose(module, "turn", {"float": 4, "double": 8}[element], ARM)
    text = assembly(module, ARM, simplified=False)
    sums = text[text.index("fmla") : text.rindex("fmla") + 4]
    assert sums.count("fmla") == 4 * ARM.rows(4)
    assert "[sp" not in sums


def test_a_whole_product_compiles_for_aarch64():
    module = new_module("product", ARM)
    fn = module.function("run", [("ptr", name) for name in ("a", "b", "c", "scratch")])
    a, b, c, scratch = fn.args
    spec = Product("float", 40, 1500, 33, a, 6000, 4, b, 4, 6016, scratch=scratch)
    emit_contraction(fn, spec, 0, tasks(spec, ARM), lambda row, column, value: fn.store(value, c), ARM)
    fn.ret()
    text = assembly(module, ARM)
    assert "pellucid_tile_float_" in text and "pellucid_transpose_4_128" in text


@TARGETS
@pytest.mark.parametrize("size", [4, 8])
@pytest.mark.parametrize("shape", [(1, 1), (3, 40), (16, 16), (17, 33), (64, 7), (50, 100)])
def test_transposing_reaches_every_element_and_no_other_row(shape, size, target):
    dtype = np.dtype(f"i{size}")
    source = padded(np.arange(shape[0] * shape[1], dtype=dtype).reshape(shape))
    into = padded(np.full((shape[1] + 3, shape[0]), -1, dtype))
    module = new_module("turn", target)
    fn = write_transpose(module, "turn", size, target or host())
    run = Code(module, target).function(
        fn.name, *([ctypes.c_void_p, ctypes.c_int64] * 2), ctypes.c_int64, ctypes.c_int64
    )
    run(source.ctypes.data, source.strides[0], into.ctypes.data, into.strides[0], *shape)
    np.testing.assert_array_equal(into[: shape[1], : shape[0]], source[:, : shape[1]].T)
    assert np.all(into[shape[1] :, : shape[0]] == -1)


def test_many_threads_may_ask_for_tiles_at_once():
    a, b = operands(11, 30, 150)
    expected = exact(a, b)
    with ThreadPoolExecutor(8) as pool:
        for found in pool.map(lambda _: multiply(a, b, NARROW), range(16)):
            assert_same(found, expected)
