"""Taking rows in generated code, against NumPy and SciPy; nothing is read or written beyond what is asked for."""

from __future__ import annotations

import ctypes
import functools
import mmap
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from pellucid.executors.native.engine import assembly
from pellucid.executors.native.rows import ROWS, require_rows
from pellucid.executors.native.target import choose

POINTER, WHOLE = ctypes.c_void_p, ctypes.c_int64
WIDTHS = (*range(1, 20), 31, 32, 33, 40, 63, 64, 65, 80, 127, 128, 129, 192, 255, 256, 257, 319, 320, 511, 3136, 8192)


@functools.cache
def function(name: str, *types: type):
    require_rows(name)
    return ROWS[name].require().function(name, *types)


def gather_rows(table, numbers, target, width):
    run = function("pellucid_gather_rows", POINTER, WHOLE, POINTER, WHOLE, POINTER, WHOLE, WHOLE)
    data = table.ctypes.data, table.strides[0], numbers.ctypes.data, len(numbers)
    run(*data, target.ctypes.data, target.strides[0], width)


def gather_columns(table, numbers, target):
    name = f"pellucid_gather_columns_{table.itemsize}"
    run = function(name, POINTER, WHOLE, POINTER, WHOLE, POINTER, WHOLE, WHOLE)
    data = table.ctypes.data, table.strides[0], numbers.ctypes.data, len(numbers)
    run(*data, target.ctypes.data, target.strides[0], table.shape[1])


def gather_sparse(matrix, numbers, target):
    name = f"pellucid_gather_sparse_{matrix.data.itemsize}_i{8 * matrix.indices.itemsize}"
    run = function(name, POINTER, POINTER, POINTER, POINTER, WHOLE, POINTER, WHOLE, WHOLE)
    data = (array.ctypes.data for array in (matrix.data, matrix.indices, matrix.indptr, numbers))
    run(*data, len(numbers), target.ctypes.data, target.strides[0], matrix.shape[1])


def some_bytes(*shape: int) -> np.ndarray:
    return np.random.default_rng(len(shape)).integers(0, 255, shape, dtype=np.uint8)


class TestRows:
    @pytest.mark.parametrize("width", WIDTHS)
    def test_are_those_of_numpy_and_no_byte_more_is_written(self, width):
        table = some_bytes(37, width)
        numbers = np.array([36, 0, 5, 5, 35, 36, 1])
        target = np.full((len(numbers) + 1, width + 70), 255, np.uint8)
        gather_rows(table, numbers, target, width)
        expected = np.full_like(target, 255)
        expected[:-1, :width] = table[numbers]
        np.testing.assert_array_equal(target, expected)

    def test_no_rows_and_no_bytes(self):
        table, target = some_bytes(3, 8), np.full((2, 8), 255, np.uint8)
        gather_rows(table, np.array([], np.int64), target, 8)
        gather_rows(table, np.array([1, 2]), target, 0)
        assert (target == 255).all()

    @pytest.mark.parametrize("width", [2, 4, 8, 16, 32, 64, 100])
    def test_that_begin_anywhere(self, width):
        memory, room = some_bytes(20 * 103 + 5), np.zeros(4 * 107 + 3, np.uint8)
        table, target = memory[5:].reshape(20, 103)[:, 1 : 1 + width], room[3:].reshape(4, 107)[:, :width]
        numbers = np.array([19, 3, 0, 7])
        gather_rows(table, numbers, target, width)
        np.testing.assert_array_equal(target, table[numbers])

    def test_a_part_of_wider_rows(self):
        table = some_bytes(50, 400)[:, 100:]
        numbers = np.arange(49, -1, -7)
        target = np.zeros((len(numbers), 300), np.uint8)
        gather_rows(table, numbers, target, 141)
        np.testing.assert_array_equal(target[:, :141], table[numbers, :141])
        assert not target[:, 141:].any()

    @given(
        rows=st.integers(1, 30), width=st.integers(1, 700), count=st.integers(0, 40), source=st.integers(0, 2**32 - 1)
    )
    @settings(max_examples=100, deadline=None)
    def test_of_any_table(self, rows, width, count, source):
        rng = np.random.default_rng(source)
        table = rng.integers(0, 255, (rows, width), dtype=np.uint8)
        numbers = rng.integers(0, rows, count)
        target = np.full((count, width), 255, np.uint8)
        gather_rows(table, numbers, target, width)
        np.testing.assert_array_equal(target, table[numbers])


class TestColumns:
    @pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.int64])
    @pytest.mark.parametrize("columns", [0, 1, 2, 3, 10, 15, 16, 40])
    @pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 16, 33])
    def test_are_the_rows_of_numpy_transposed(self, dtype, columns, count):
        rng = np.random.default_rng(count)
        table = rng.integers(0, 100, (20, columns)).astype(dtype)
        numbers = rng.integers(0, 20, count)
        target = np.full((columns + 1, count + 5), 101, dtype)
        gather_columns(table, numbers, target)
        expected = np.full_like(target, 101)
        expected[:-1, :count] = table[numbers].T
        np.testing.assert_array_equal(target, expected)


class TestSparse:
    @pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32, np.int64])
    @pytest.mark.parametrize("index", [np.int32, np.int64])
    @pytest.mark.parametrize("columns", [1, 7, 8, 15, 16, 17, 100, 513])
    def test_rows_are_those_that_scipy_makes_dense(self, dtype, index, columns):
        rng = np.random.default_rng(columns)
        dense = np.where(rng.random((30, columns)) < 0.1, rng.integers(-50, 50, (30, columns)), 0).astype(dtype)
        dense[4] = 0
        matrix = sparse.csr_array(dense)
        matrix.indices, matrix.indptr = matrix.indices.astype(index), matrix.indptr.astype(index)
        numbers = np.array([29, 4, 0, 0, 17, 29, 3])
        target = np.full((len(numbers) + 1, columns + 20), 99, dtype)
        gather_sparse(matrix, numbers, target)
        expected = np.full_like(target, 99)
        expected[:-1, :columns] = matrix[numbers].toarray()
        np.testing.assert_array_equal(target, expected)

    def test_a_matrix_that_stores_nothing(self):
        target = np.ones((3, 9), np.float32)
        gather_sparse(sparse.csr_array((5, 9), dtype=np.float32), np.array([4, 0, 2]), target)
        assert not target.any()


def guarded(size: int) -> np.ndarray:
    """Return so many bytes that end where a page begins that may be neither read nor written."""
    pages = -(-size // mmap.PAGESIZE)
    memory = np.frombuffer(mmap.mmap(-1, (pages + 1) * mmap.PAGESIZE), np.uint8)
    end = pages * mmap.PAGESIZE
    place = ctypes.c_void_p(memory.ctypes.data + end), ctypes.c_size_t(mmap.PAGESIZE)
    if sys.platform == "win32":
        no_access, before = 1, ctypes.c_ulong()
        assert ctypes.windll.kernel32.VirtualProtect(*place, no_access, ctypes.byref(before)) != 0
    else:
        no_access = 0
        assert ctypes.CDLL(None).mprotect(*place, no_access) == 0
    return memory[end - size : end]


class TestEndOfMemory:
    """The table ends where memory that may be read ends: a byte read behind it would be a fault."""

    @pytest.mark.parametrize("width", WIDTHS)
    def test_no_byte_behind_the_last_row_is_read(self, width):
        table = guarded(3 * width).reshape(3, width)
        table[:] = some_bytes(3, width)
        numbers = np.array([2, 0, 2, 1, 2, 2, 2, 2, 2])
        expected = table[numbers]
        target = guarded(9 * width).reshape(9, width)
        gather_rows(table, numbers, target, width)
        np.testing.assert_array_equal(target, expected)
        columns = guarded(9 * width).reshape(width, 9)
        gather_columns(table, numbers, columns)
        np.testing.assert_array_equal(columns, expected.T)

    @pytest.mark.parametrize("columns", [1, 8, 15, 16, 17, 100])
    def test_sparse_rows_at_the_end(self, columns):
        dense = np.arange(5 * columns, dtype=np.float32).reshape(5, columns) % 3
        parts = []
        for part in (sparse.csr_array(dense).data, sparse.csr_array(dense).indices, sparse.csr_array(dense).indptr):
            parts.append(guarded(part.nbytes).view(part.dtype))
            parts[-1][:] = part
        matrix = sparse.csr_array(dense.shape, dtype=np.float32)
        matrix.data, matrix.indices, matrix.indptr = parts
        target = guarded(3 * 4 * columns).view(np.float32).reshape(3, columns)
        numbers = guarded(3 * 8).view(np.int64)
        numbers[:] = [4, 0, 4]
        gather_sparse(matrix, numbers, target)
        np.testing.assert_array_equal(target, dense[numbers])


@pytest.mark.parametrize(
    ("triple", "cpu", "features"),
    [
        ("aarch64-unknown-linux-gnu", "generic", ()),
        ("arm64-apple-darwin", "apple-m1", ()),
        ("x86_64-unknown-linux-gnu", "haswell", ("avx2", "fma")),
    ],
)
def test_other_processors_get_code_too(triple, cpu, features):
    target = choose(triple, cpu, frozenset(features))
    for name, library in ROWS.items():
        assert f"{name}:" in assembly(library.module(target), target)


def test_all_functions_are_there_when_none_is_named():
    require_rows()
    assert all(library.require().address(name) for name, library in ROWS.items())
