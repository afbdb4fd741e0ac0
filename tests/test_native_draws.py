"""Random numbers and orders in generated code: the same bits as the reference, for any seed, step and size."""

from __future__ import annotations

import ctypes
import dataclasses
import functools
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid import random
from pellucid.errors import UsageError
from pellucid.executors.native import draws, order, words
from pellucid.executors.native.engine import Code, assembly, new_module
from pellucid.executors.native.target import choose, host

COUNTS = (0, 1, 15, 16, 17, 31, 32, 33, 63, 64, 65, 1000, 40_000)
KEYS = (
    (0, 0, 0),
    (7, "dropout hidden 1", 3),
    (2**32 + 1, 2**32 - 1, 2**32 - 1),
    (2**63 + 11, "x", 2**31),
    (2**64 - 1, 1, 1),
)
ELEMENTS = {"float": np.float32, "double": np.float64}
DISTRIBUTIONS = {"uniform": random.uniform, "normal": random.normal}
DRAWS = draws.DRAWS
LIBRARIES = (words.CIPHER, order.ORDER, *DRAWS.values())
KEY = ctypes.c_uint64, ctypes.c_uint32, ctypes.c_uint64

SEED, WORD = st.integers(0, 2**64 - 1), st.integers(0, 2**32 - 1)


@functools.cache
def number_function(distribution: str, element: str):
    name = f"pellucid_{distribution}_{element}"
    draws.require_draws(name)
    return DRAWS[name].require().function(name, *KEY, ctypes.c_void_p, ctypes.c_int64)


@functools.cache
def mask_function():
    draws.require_draws("pellucid_mask")
    return (
        DRAWS["pellucid_mask"]
        .require()
        .function("pellucid_mask", *KEY, ctypes.c_double, ctypes.c_void_p, ctypes.c_int64)
    )


@functools.cache
def sort_function():
    code = order.require_order()
    return code.function("pellucid_sort_packed", ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p)


def draw(distribution, element, seed, purpose, step, count):
    """Return the numbers and what lies behind the room that a draw may fill."""
    room = -(-count // 32) * 32
    target = np.full(room + 16, -7, ELEMENTS[element])
    number_function(distribution, element)(seed, random.purpose_word(purpose), step, target.ctypes.data, count)
    return target[:count], target[room:]


def draw_mask(seed, purpose, step, count, probability):
    room = -(-count // 32) * 32
    target = np.full(room + 16, 9, np.uint8)
    mask_function()(seed, random.purpose_word(purpose), step, probability, target.ctypes.data, count)
    return target[:count], target[room:]


def bits(numbers):
    return numbers.view({4: np.uint32, 8: np.uint64}[numbers.itemsize])


@pytest.mark.parametrize("element", ELEMENTS)
@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
class TestNumbers:
    @pytest.mark.parametrize("count", COUNTS)
    def test_have_the_bits_of_the_reference(self, distribution, element, count):
        for seed, purpose, step in KEYS:
            numbers, behind = draw(distribution, element, seed, purpose, step, count)
            expected = DISTRIBUTIONS[distribution](seed, purpose, step, count, ELEMENTS[element])
            np.testing.assert_array_equal(bits(numbers), bits(expected))
            assert (behind == -7).all()

    @given(seed=SEED, purpose=WORD, step=WORD, count=st.integers(0, 200))
    @settings(max_examples=50, deadline=None)
    def test_for_any_key(self, distribution, element, seed, purpose, step, count):
        numbers, _ = draw(distribution, element, seed, purpose, step, count)
        expected = DISTRIBUTIONS[distribution](seed, purpose, step, count, ELEMENTS[element])
        np.testing.assert_array_equal(bits(numbers), bits(expected))

    def test_a_step_counts_modulo_2_to_the_32(self, distribution, element):
        numbers, _ = draw(distribution, element, 5, "noise", 2**32 + 9, 50)
        assert (numbers == draw(distribution, element, 5, "noise", 9, 50)[0]).all()


def every_top_word(step: int) -> np.ndarray:
    """Return words of every `step`-th value of the 24 bits that count, and of the values around all kinks."""
    # 0.425 of the middle interval's limit, and the powers of two where the logarithm's exponent changes.
    limits = [int((0.5 + 0.425) * 2**24), int((0.5 - 0.425) * 2**24), *(2**k for k in range(24))]
    limits += [2**24 - limit for limit in limits] + [int(2**k * 0.5**0.5) for k in range(1, 24)]
    near = (np.array(limits)[:, None] + np.arange(-40, 40)).ravel()
    tops = np.concatenate([np.arange(0, 2**24, step), near[(near >= 0) & (near < 2**24)]]).astype(np.uint32)
    tops = np.concatenate([tops, np.zeros(-len(tops) % 16, np.uint32)])
    return tops << 8 | tops & 0xFF


@pytest.mark.parametrize("element", ELEMENTS)
@pytest.mark.parametrize("step", [97, pytest.param(1, marks=pytest.mark.long)])
def test_normal_numbers_of_all_words(element, step):
    module = new_module("normal_of_words")
    fn = module.function("numbers", [("ptr", "words"), ("ptr", "target"), ("i64", "count")])
    source, target, count = fn.args
    with fn.loop(0, count, 16) as found:
        words = fn.load("<16 x i32>", fn.at(source, found.index * 4))
        size = {"float": 4, "double": 8}[element]
        fn.store(draws.normal_of(fn, words, element), fn.at(target, found.index * size))
    fn.ret()
    run = Code(module).function("numbers", ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)
    words = every_top_word(step)
    numbers = np.empty(len(words), ELEMENTS[element])
    run(words.ctypes.data, numbers.ctypes.data, len(words))
    np.testing.assert_array_equal(bits(numbers), bits(random.normal_from_words(words, ELEMENTS[element])))


class TestMask:
    @pytest.mark.parametrize("probability", [0.0, 1e-300, 2.0**-24, 0.1, 0.5, 0.8, 1 - 2.0**-24, 1 - 2.0**-40, 1.0])
    @pytest.mark.parametrize("count", COUNTS)
    def test_has_the_bits_of_the_reference(self, probability, count):
        for seed, purpose, step in KEYS:
            mask, behind = draw_mask(seed, purpose, step, count, probability)
            np.testing.assert_array_equal(mask, random.bernoulli(seed, purpose, step, count, probability))
            assert (behind == 9).all()

    @given(seed=SEED, purpose=WORD, step=WORD, count=st.integers(0, 200), probability=st.floats(0, 1))
    @settings(max_examples=50, deadline=None)
    def test_for_any_key_and_probability(self, seed, purpose, step, count, probability):
        mask, _ = draw_mask(seed, purpose, step, count, probability)
        np.testing.assert_array_equal(mask, random.bernoulli(seed, purpose, step, count, probability))

    @pytest.mark.parametrize("probability", [-3.0, -0.0, float("-inf"), float("nan")])
    def test_no_chance_is_never(self, probability):
        assert not draw_mask(1, 2, 3, 100, probability)[0].any()

    @pytest.mark.parametrize("probability", [1.5, float("inf")])
    def test_more_than_one_is_always(self, probability):
        assert draw_mask(1, 2, 3, 100, probability)[0].all()

    @pytest.mark.parametrize("count", range(1, 40))
    def test_a_probability_between_two_uniform_numbers_counts_as_the_upper(self, count):
        uniform = random.uniform(4, "edge", 0, count)[-1]
        assert not draw_mask(4, "edge", 0, count, uniform)[0][-1]
        assert draw_mask(4, "edge", 0, count, np.nextafter(uniform, 1))[0][-1]


class TestPermutation:
    @pytest.mark.parametrize("count", [*range(70), 100, 1000, 4095, 4096, 4097, 10_000, 65_537])
    def test_is_that_of_the_reference(self, count):
        for seed, purpose, step in KEYS:
            expected = random.permutation(seed, purpose, step, count)
            np.testing.assert_array_equal(order.permutation(seed, purpose, step, count), expected)

    def test_large_orders_with_equal_words_keep_them_in_order(self):
        count = 400_000
        words = random.words(1, "order", 2, count)
        assert len(np.unique(words)) < count
        np.testing.assert_array_equal(order.permutation(1, "order", 2, count), np.argsort(words, kind="stable"))

    @given(seed=SEED, purpose=WORD, step=WORD, count=st.integers(0, 5000))
    @settings(max_examples=50, deadline=None)
    def test_for_any_key(self, seed, purpose, step, count):
        expected = random.permutation(seed, purpose, step, count)
        np.testing.assert_array_equal(order.permutation(seed, purpose, step, count), expected)

    def test_its_errors_are_those_of_the_reference(self):
        for seed, step, count in ((-1, 0, 3), (0, 2**32, 3), (0, 0, -3), (0, 0, 2.5)):
            with pytest.raises(UsageError, match="outside its range"):
                order.permutation(seed, "order", step, count)

    @given(
        count=st.sampled_from([1, 2, 33, 500, 4095, 4096, 6000]),
        kinds=st.sampled_from([1, 2, 3, 50, 1000]),
        low=st.booleans(),
        source=st.integers(0, 2**32 - 1),
    )
    @settings(max_examples=60, deadline=None)
    def test_keys_that_are_not_random_are_sorted_too(self, count, kinds, low, source):
        keys = np.random.default_rng(source).integers(0, kinds, count, dtype=np.uint32)
        keys = keys if low else keys * np.uint32(2**32 // kinds - 1)
        scratch = np.zeros(order.scratch_bytes(count) + 64, np.uint8)
        scratch[-64:] = 9
        packed = scratch[order.PACKED : order.PACKED + 8 * count].view(np.uint64)
        packed[:] = keys.astype(np.uint64) << np.uint64(32) | np.arange(count, dtype=np.uint64)
        found = np.full(count + 1, -1, np.int64)
        sort_function()(count, found.ctypes.data, scratch.ctypes.data)
        np.testing.assert_array_equal(found[:-1], np.argsort(keys, kind="stable"))
        assert found[-1] == -1
        assert (scratch[-64:] == 9).all()


def test_threads_that_ask_at_once_get_the_same_code():
    start, found = threading.Barrier(4), []

    def ask():
        start.wait()
        draws.require_draws()
        found.append((words.require_words(), order.require_order(), *(DRAWS[name].require() for name in DRAWS)))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len(set(found)) == 1


def test_narrower_registers_give_the_same_bits():
    mine = host()
    told = (feature[1:] for feature in mine.features.split(",") if feature.startswith("+"))
    target = choose(mine.triple, mine.cpu, frozenset(name for name in told if not name.startswith("avx512")))
    for count in (0, 1, 33, 129, 1000):
        expected = random.words(2**64 - 3, "narrow", 5, count)
        # As on processors with 16 bytes, where fewer blocks are made at once, and as on this one without AVX-512.
        for other in (target, dataclasses.replace(target, bytes=16), mine):
            code = Code(words.CIPHER.module(other), other)
            make_key = code.function("pellucid_key", *KEY, result=ctypes.c_int64)
            make = code.function("pellucid_words", ctypes.c_int64, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p)
            found = np.zeros(count + words.TOGETHER * words.BLOCK, np.uint32)
            make(make_key(2**64 - 3, random.purpose_word("narrow"), 5), 0, count, found.ctypes.data)
            np.testing.assert_array_equal(found[:count], expected)


def test_blocks_whose_counter_has_a_high_word():
    code = words.require_words()
    make_key = code.function("pellucid_key", *KEY, result=ctypes.c_int64)
    make = code.function("pellucid_words", ctypes.c_int64, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p)
    key, first = make_key(3, random.purpose_word("far"), 1), 2**32 // random.LANES - words.TOGETHER
    found = np.zeros(12 * words.BLOCK, np.uint32)
    make(key, first, len(found), found.ctypes.data)
    expected = random.words(3, "far", 1, len(found), first=first * words.BLOCK)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("library", LIBRARIES, ids=lambda library: library.name)
@pytest.mark.parametrize(
    ("triple", "cpu", "features"),
    [
        ("aarch64-unknown-linux-gnu", "generic", ()),
        ("arm64-apple-darwin", "apple-m1", ()),
        ("x86_64-unknown-linux-gnu", "haswell", ("avx2", "fma")),
    ],
)
def test_other_processors_get_code_too(library, triple, cpu, features):
    target = choose(triple, cpu, frozenset(features))
    text = assembly(library.module(target), target)
    for name in library.module(target).functions:
        assert f"{name}:" in text
