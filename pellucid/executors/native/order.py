"""The order of an epoch's rows in generated code, the same as :func:`pellucid.random.permutation`.

The functions that programs call, after `require_order`:

- ``pellucid_permutation``: ``void (i64 seed, i32 purpose, i64 step, i64 count, ptr order, ptr scratch)`` writes the
  i64 numbers of the rows, ``count < 2^32``; `scratch_bytes` says how much scratch it takes.
- ``pellucid_sort_packed``: ``void (i64 count, ptr order, ptr scratch)`` is its second half: it sorts the packed words
  that lie at `PACKED` bytes in the scratch, key in the high half and row in the low one.

The keys are random words, so a few of their highest bits tell almost all of them apart. A radix sort of two passes
(Knuth, The Art of Computer Programming, volume 3, section 5.2.5) looks at no more bits than that, and insertion sets
right the few neighbours that it left. The rows' numbers are packed with the keys, so equal keys keep their order. It is
right for keys that are not random too, but may take quadratic time.
"""

from __future__ import annotations

import ctypes

import numpy as np
from numpy.typing import NDArray

from pellucid.executors.native.emit import Fn, Module, V
from pellucid.executors.native.engine import Code
from pellucid.executors.native.library import Library
from pellucid.executors.native.target import Target
from pellucid.executors.native.words import BLOCK, DRAW, require_words, words_of_draw
from pellucid.random import LANES, purpose_word
from pellucid.random.threefry import whole

_DIGIT = 12  # the most bits that one pass looks at: the counters of both fit the level-1 cache
_COUNTERS = 4 << _DIGIT
PACKED = 2 * _COUNTERS
"""Where the packed keys lie in the scratch memory, behind the counters of two passes."""


def scratch_bytes(count: int) -> int:
    """Return how many bytes of scratch memory the order of so many rows takes."""
    return PACKED + 8 * (-(-count // BLOCK) * BLOCK)


def permutation(seed: int, purpose: str | int, step: int, count: int) -> NDArray[np.int64]:
    """Draw an order of `count` things, the same as :func:`pellucid.random.permutation` and several times faster.

    Parameters
    ----------
    seed, purpose, step
        See :func:`pellucid.random.draw_key`.
    count : int
        0 <= count < 2^32.

    Returns
    -------
    int64 array [count]

    Raises
    ------
    UsageError
        If an argument is outside its range.

    Examples
    --------
    >>> from pellucid import random
    >>> bool((permutation(0, "epoch", 1, 5) == random.permutation(0, "epoch", 1, 5)).all())
    True
    """
    whole(seed, 64, "seed", "a whole number from 0 to 2^64 - 1")
    whole(step, 32, "step", "a whole number from 0 to 2^32 - 1")
    number = whole(count, 32, "count", "a whole number from 0 to 2^32 - 1")
    order = np.empty(number, dtype=np.int64)
    scratch = np.empty(scratch_bytes(number), dtype=np.uint8)
    types = ctypes.c_uint64, ctypes.c_uint32, ctypes.c_uint64, ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p
    write = require_order().function("pellucid_permutation", *types)
    write(seed, purpose_word(purpose), step, number, order.ctypes.data, scratch.ctypes.data)
    return order


def require_order() -> Code:
    """Make sure that programs can call the functions of this module."""
    require_words()
    return ORDER.require()


def _write_order(module: Module, target: Target) -> None:
    _write_permutation(module)
    _write_sort(module)


ORDER = Library("pellucid_order", _write_order)


def _write_permutation(module: Module) -> None:
    memory = [("ptr noalias", "order"), ("ptr noalias", "scratch")]
    fn = module.function("pellucid_permutation", [*DRAW, ("i64", "count"), *memory])
    *draw, count, order, scratch = fn.args
    packed = fn.at(scratch, PACKED)
    with words_of_draw(fn, draw, count) as (words, first):
        key = fn.cast("zext", words, "i64") << 32
        number = fn.splat(first, LANES) + fn.iota(key.type)
        fn.store(key | number, fn.at(packed, first * 8))
    fn.call("pellucid_sort_packed", "void", count, order, scratch)
    fn.ret()


def _write_sort(module: Module) -> None:
    fn = module.function(
        "pellucid_sort_packed", [("i64", "count"), ("ptr noalias", "order"), ("ptr noalias", "scratch")]
    )
    count, order, scratch = fn.args
    packed = fn.at(scratch, PACKED)
    bits = 64 - fn.call(module.declare("llvm.ctlz.i64", "i64", "i64", "i1"), "i64", count, fn.const(False, "i1"))
    # After two passes of this many bits about one key of ten stands next to another that looked the same.
    width = fn.op("lshr", bits + 4, fn.i64(1))
    width = fn.intrinsic("smin", fn.intrinsic("smax", width, fn.i64(4)), fn.i64(_DIGIT))
    _sort(fn, count, packed, order, scratch, width)
    _insert(fn, count, packed)
    _keep_rows(fn, count, packed, order)
    fn.ret()


def _sort(fn: Fn, count: V, packed: V, order: V, scratch: V, width: V) -> None:
    """Sort by the highest bits, twice `width`, the lower half of them first; the result is in `packed`."""
    size = fn.i64(1) << width
    high, low = 64 - width, 64 - (width << 1)
    mask = size - 1
    counters = scratch, fn.at(scratch, _COUNTERS)

    def digits(word: V) -> tuple[V, V]:
        return fn.op("lshr", word, low) & mask, fn.op("lshr", word, high)

    for found in counters:
        _clear(fn, found, size)
    with fn.loop(0, count) as rows:
        for found, digit in zip(counters, digits(fn.load("i64", fn.at(packed, rows.index * 8))), strict=True):
            _count(fn, found, digit)
    for found in counters:
        _sum_up(fn, found, size)
    for turn, (source, target) in enumerate(((packed, order), (order, packed))):
        with fn.loop(0, count) as rows:
            word = fn.load("i64", fn.at(source, rows.index * 8))
            _put(fn, word, digits(word)[turn], counters[turn], target)


def _clear(fn: Fn, counters: V, size: V) -> None:
    with fn.loop(0, size, LANES) as found:
        fn.store(fn.const(0, f"<{LANES} x i32>"), fn.at(counters, found.index * 4))


def _count(fn: Fn, counters: V, digit: V) -> None:
    place = fn.at(counters, digit * 4)
    fn.store(fn.load("i32", place) + 1, place)


def _sum_up(fn: Fn, counters: V, size: V) -> None:
    """Turn counts into the places where their digits begin."""
    with fn.loop(0, size, LANES, [fn.const(0, f"<{LANES} x i32>")]) as found:
        place = fn.at(counters, found.index * 4)
        counts = fn.load(f"<{LANES} x i32>", place)
        sums, distance = counts, 1
        while distance < LANES:
            lanes = [lane - distance if lane >= distance else LANES for lane in range(LANES)]
            sums = sums + fn.shuffle(sums, fn.const(0, sums.type), lanes)
            distance *= 2
        before = found.values[0]
        fn.store(sums - counts + before, place)
        found.next(before + fn.shuffle(sums, None, [LANES - 1] * LANES))


def _put(fn: Fn, word: V, digit: V, counters: V, target: V) -> None:
    """Store a word at its digit's next place."""
    counter = fn.at(counters, digit * 4)
    place = fn.load("i32", counter)
    fn.store(place + 1, counter)
    fn.store(word, fn.at(target, fn.cast("zext", place, "i64") * 8))


def _insert(fn: Fn, count: V, words: V) -> None:
    """Sort words that are nearly in order, as numbers without sign, by insertion."""
    with fn.loop(1, count) as found:
        place = fn.at(words, found.index * 8)
        word, before = fn.load("i64", place), fn.load("i64", fn.at(place, -8))
        with fn.when(fn.compare("ugt", before, word)):
            _shift_in(fn, words, place, word, before)


def _shift_in(fn: Fn, words: V, place: V, word: V, before: V) -> None:
    """Move the larger words before a place up by one, and store the word where it belongs."""
    start, head, test, done = fn.block, fn.fresh("shift"), fn.fresh("test"), fn.fresh("placed")
    here, larger = V(fn, "ptr", f"%{fn.fresh('p')}"), V(fn, "i64", f"%{fn.fresh('w')}")
    lower, next = V(fn, "ptr", f"%{fn.fresh('p')}"), V(fn, "i64", f"%{fn.fresh('w')}")
    fn.line(f"br label %{head}")
    fn.begin(head)
    fn.line(f"{here.name} = phi ptr [ {place.name}, %{start} ], [ {lower.name}, %{test} ]")
    fn.line(f"{larger.name} = phi i64 [ {before.name}, %{start} ], [ {next.name}, %{test} ]")
    fn.store(larger, here)
    fn.line(f"{lower.name} = getelementptr i8, ptr {here.name}, i64 -8")
    first = fn.compare("eq", lower, words)
    fn.line(f"br i1 {first.name}, label %{done}, label %{test}")
    fn.begin(test)
    fn.line(f"{next.name} = load i64, ptr {fn.at(lower, -8).name}, align 8")
    more = fn.compare("ugt", next, word)
    fn.line(f"br i1 {more.name}, label %{head}, label %{done}")
    fn.begin(done)
    fn.store(word, lower)


def _keep_rows(fn: Fn, count: V, words: V, order: V) -> None:
    """Store the rows of packed words, their low halves."""
    whole = count & -LANES
    for first, last, lanes in ((fn.i64(0), whole, LANES), (whole, count, 1)):
        with fn.loop(first, last, lanes) as found:
            type = f"<{lanes} x i64>" if lanes > 1 else "i64"
            word = fn.load(type, fn.at(words, found.index * 8))
            fn.store(word & 0xFFFFFFFF, fn.at(order, found.index * 8))
