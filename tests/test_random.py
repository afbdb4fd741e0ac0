"""Random numbers: the cipher against others' answers, the layout against its definition, the distributions in law."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from pellucid import random
from pellucid.errors import UsageError

WORD = st.integers(0, 2**32 - 1)
SEED = st.integers(0, 2**64 - 1)
DTYPES = (np.float32, np.float64)
# The largest relative error of a normal number against the exact quantile, as its documentation states it.
NORMAL_ERROR = {np.float32: 4e-7, np.float64: 1.2e-7}


def cipher(k0: int, k1: int, x0: int, x1: int) -> tuple[int, int]:
    """Threefry2x32-20 on Python's integers, in the paper's form: a subkey before every fourth round and at the end."""
    keys, mask = (k0, k1, k0 ^ k1 ^ 0x1BD11BDA), 2**32 - 1
    for turn in range(21):
        if turn % 4 == 0:
            x0, x1 = (x0 + keys[turn // 4 % 3]) & mask, (x1 + keys[(turn // 4 + 1) % 3] + turn // 4) & mask
        if turn < 20:
            left = (13, 15, 26, 6, 17, 29, 16, 24)[turn % 8]
            x0 = (x0 + x1) & mask
            x1 = ((x1 << left) & mask | x1 >> (32 - left)) ^ x0
    return x0, x1


class TestThreefry:
    # Random123's kat_vectors, "threefry2x32 20": counter, key, output.
    @pytest.mark.parametrize(
        ("counter", "key", "expected"),
        [
            ((0x00000000, 0x00000000), (0x00000000, 0x00000000), (0x6B200159, 0x99BA4EFE)),
            ((0xFFFFFFFF, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), (0x1CB996FC, 0xBB002BE7)),
            ((0x243F6A88, 0x85A308D3), (0x13198A2E, 0x03707344), (0xC4923A9C, 0x483DF7A0)),
        ],
    )
    def test_published_known_answers(self, counter, key, expected):
        assert tuple(int(word) for word in random.threefry2x32(key, counter)) == expected
        assert cipher(*key, *counter) == expected

    @pytest.mark.long
    def test_agrees_with_jax(self):
        from jax.extend.random import threefry_2x32

        source = np.random.default_rng(0)
        counters = source.integers(0, 2**32, (2, 5000), dtype=np.uint32)
        for key in source.integers(0, 2**32, (5, 2), dtype=np.uint32):
            ours = random.threefry2x32((key[0], key[1]), (counters[0], counters[1]))
            np.testing.assert_array_equal(np.stack(ours), np.asarray(threefry_2x32(key, counters)))

    @given(WORD, WORD, WORD, WORD)
    def test_agrees_with_plain_integers(self, k0, k1, c0, c1):
        assert tuple(int(word) for word in random.threefry2x32((k0, k1), (c0, c1))) == cipher(k0, k1, c0, c1)

    def test_keys_and_counters_broadcast_and_stay_as_they_are(self):
        keys = np.array([[1], [2**32 - 1]], dtype=np.uint32)
        counters = np.arange(3, dtype=np.uint32)
        first, second = random.threefry2x32((keys, 7), (counters, 9))
        assert first.shape == second.shape == (2, 3) and first.dtype == second.dtype == np.uint32
        for row, column in itertools.product(range(2), range(3)):
            expected = cipher(int(keys[row, 0]), 7, column, 9)
            assert (first[row, column], second[row, column]) == expected
        assert keys.tolist() == [[1], [2**32 - 1]] and counters.tolist() == [0, 1, 2]


class TestWords:
    @staticmethod
    def expected(seed: int, purpose: int, step: int, position: int) -> int:
        key = cipher(seed % 2**32, seed // 2**32, purpose, step)
        counter = position // 32 * 16 + position % 16
        return cipher(*key, counter % 2**32, counter // 2**32)[position // 16 % 2]

    @given(SEED, WORD, WORD, st.integers(0, 2**64 - 40), st.integers(0, 40))
    @settings(max_examples=50)
    def test_every_word_is_the_function_that_the_layout_defines(self, seed, purpose, step, first, count):
        drawn = random.words(seed, purpose, step, count, first)
        assert drawn.dtype == np.uint32
        assert drawn.tolist() == [self.expected(seed, purpose, step, first + p) for p in range(count)]

    # Counters pass 2^32 at position 2^33.
    @pytest.mark.parametrize("first", [2**33 - 48, 2**34 - 1, 2**64 - 96])
    def test_counters_of_more_than_32_bits(self, first):
        drawn = random.words(5, 6, 7, 96, first)
        assert drawn.tolist() == [self.expected(5, 6, 7, first + p) for p in range(96)]

    def test_a_position_does_not_depend_on_what_else_is_drawn(self):
        everything = random.words(3, "all", 1, 303_000)

        @given(st.integers(0, 300_000), st.integers(0, 3000))
        @settings(max_examples=30)
        def check(first, count):
            np.testing.assert_array_equal(random.words(3, "all", 1, count, first), everything[first : first + count])
            np.testing.assert_array_equal(random.words(3, "all", 1, first), everything[:first])

        check()

    @given(st.lists(st.integers(0, 6), max_size=4))
    @settings(max_examples=30)
    def test_positions_count_through_a_shape_in_row_major_order(self, shape):
        count = int(np.prod(shape))
        for draw in (random.uniform, random.normal):
            drawn = draw(3, "all", 1, shape)
            assert drawn.shape == tuple(shape) and drawn.dtype == np.float64
            np.testing.assert_array_equal(drawn.ravel(), draw(3, "all", 1, 6**4)[:count])
        assert random.bernoulli(3, "all", 1, shape, 0.5).shape == tuple(shape)

    def test_sizes_may_be_any_kind_of_integer(self):
        class Size(int):
            """A size with a name, as shapes may contain."""

        expected = random.uniform(1, "x", 2, (3, 4))
        for shape in ((Size(3), Size(4)), [np.int64(3), np.uint8(4)]):
            np.testing.assert_array_equal(random.uniform(1, "x", 2, shape), expected)
        np.testing.assert_array_equal(random.uniform(1, "x", 2, 12), expected.ravel())
        assert type(random.uniform(np.uint64(2**64 - 1), "x", np.int32(2), (Size(3),)).shape[0]) is int

    def test_purposes_are_stable_across_machines(self):
        # The check value of CRC-32 in the catalogues of cyclic redundancy codes.
        assert random.purpose_word("123456789") == 0xCBF43926
        assert random.purpose_word("") == 0
        assert random.purpose_word("größe") == random.purpose_word("größe") != random.purpose_word("grösse")
        assert random.purpose_word(17) == 17
        np.testing.assert_array_equal(random.words(1, "123456789", 0, 9), random.words(1, 0xCBF43926, 0, 9))

    def test_different_seeds_purposes_and_steps_give_unrelated_numbers(self):
        count = 20_000
        seeds = [*range(4), 2**32, 2**63, 2**64 - 1]
        draws = [random.words(seed, "a", 0, count) for seed in seeds]
        draws += [random.words(0, purpose, 0, count) for purpose in ("b", "c", "a ", 1, 2)]
        draws += [random.words(0, "a", step, count) for step in (1, 2, 3, 2**31, 2**32 - 1)]
        draws += [random.words(0, "a", 0, count, first) for first in (1, 16, 32, count, 2**40)]
        numbers = np.stack(draws)
        correlations = np.corrcoef(numbers.astype(np.float64))[np.triu_indices(len(numbers), 1)]
        # 231 pairs: the largest of so many normal deviations rarely passes 4.
        assert np.abs(correlations).max() < 4.5 / np.sqrt(count)
        agreeing = [int(np.bitwise_count(~(a ^ b)).sum()) for a, b in itertools.combinations(numbers, 2)]
        deviations = (np.array(agreeing) - 16 * count) / np.sqrt(8 * count)
        assert np.abs(deviations).max() < 4.5

    def test_every_bit_is_fair(self):
        count = 200_000
        drawn = random.words(11, "bits", 0, count)
        ones = (drawn[:, None] >> np.arange(32, dtype=np.uint32) & 1).sum(axis=0)
        assert np.abs((ones - count / 2) / np.sqrt(count / 4)).max() < 4


class TestUniform:
    def test_is_the_upper_24_bits(self):
        drawn = np.array([0, 255, 256, 2**31, 2**32 - 1], dtype=np.uint32)
        for dtype in DTYPES:
            numbers = random.uniform_from_words(drawn, dtype)
            assert numbers.dtype == dtype
            assert numbers.tolist() == [0.0, 0.0, 2**-24, 0.5, 1 - 2**-24]
        assert drawn.tolist() == [0, 255, 256, 2**31, 2**32 - 1]

    def test_float32_and_float64_hold_the_same_numbers(self):
        single, double = (random.uniform(2, "u", 3, (1000, 7), dtype) for dtype in DTYPES)
        assert single.dtype == np.float32 and double.dtype == np.float64
        np.testing.assert_array_equal(single.astype(np.float64), double)

    @pytest.mark.parametrize("seed", [0, 1, 2**40 + 3])
    def test_is_uniform(self, seed):
        drawn = random.uniform(seed, "u", 0, 100_000)
        assert drawn.min() >= 0 and drawn.max() < 1
        for power in (1, 2, 3, 4):
            variance = 1 / (2 * power + 1) - 1 / (power + 1) ** 2
            assert abs((drawn**power).mean() - 1 / (power + 1)) < 4 * np.sqrt(variance / drawn.size)
        assert stats.kstest(drawn, "uniform").pvalue > 1e-3
        neighbours = [np.corrcoef(drawn[:-lag], drawn[lag:])[0, 1] for lag in (1, 2, 15, 16, 17, 32)]
        assert np.abs(neighbours).max() < 4 / np.sqrt(drawn.size)


class TestNormal:
    @pytest.mark.parametrize("dtype", DTYPES)
    def test_all_of_the_2_to_the_24_numbers_against_scipy(self, dtype):
        worst = 0.0
        for part in range(16):
            upper = np.arange(part << 20, (part + 1) << 20, dtype=np.uint32)
            drawn = random.normal_from_words(upper << np.uint32(8), dtype)
            assert drawn.dtype == dtype
            probability = (upper + 0.5) * 2.0**-24
            exact = special.ndtri(np.minimum(probability, 1 - probability)) * np.where(probability < 0.5, 1, -1)
            worst = max(worst, np.abs(drawn / exact - 1).max())
        assert worst < NORMAL_ERROR[dtype]

    @given(WORD)
    @settings(max_examples=50)
    def test_one_number_against_the_quantile_of_scipy(self, word):
        exact = stats.norm.ppf(((word >> 8) + 0.5) / 2**24)
        for dtype in DTYPES:
            drawn = random.normal_from_words(np.array([word], dtype=np.uint32), dtype)[0]
            assert abs(drawn - exact) <= NORMAL_ERROR[dtype] * abs(exact)

    @pytest.mark.parametrize("dtype", DTYPES)
    def test_extremes_are_finite_opposite_and_silent(self, dtype):
        drawn = np.array([0, 2**31 - 1, 2**31, 2**32 - 1], dtype=np.uint32)
        with np.errstate(all="raise"):
            low, below, above, high = random.normal_from_words(drawn, dtype)
        assert low == -high and below == -above
        assert 5.41 < high < 5.42 and 0 < above < 1e-7
        assert drawn.tolist() == [0, 2**31 - 1, 2**31, 2**32 - 1]

    @pytest.mark.parametrize("dtype", DTYPES)
    def test_complemented_words_give_the_negatives_bit_for_bit(self, dtype):
        drawn = random.words(4, "antithetic", 0, 100_000)
        np.testing.assert_array_equal(random.normal_from_words(~drawn, dtype), -random.normal_from_words(drawn, dtype))

    @pytest.mark.parametrize("dtype", DTYPES)
    def test_a_number_does_not_depend_on_its_neighbours(self, dtype):
        drawn = random.words(4, "alone", 0, 70_000)
        together = random.normal_from_words(drawn, dtype)
        for cut in (slice(0, 1), slice(3, 100), slice(32_760, 32_790), slice(None, None, 7), slice(None, None, -1)):
            np.testing.assert_array_equal(random.normal_from_words(drawn[cut], dtype), together[cut])
        square = random.normal_from_words(drawn.reshape(700, 100).T, dtype)
        np.testing.assert_array_equal(square, together.reshape(700, 100).T)

    def test_float32_is_close_to_float64(self):
        single, double = (random.normal(2, "n", 3, (300, 70), dtype) for dtype in DTYPES)
        assert single.dtype == np.float32 and double.dtype == np.float64
        np.testing.assert_allclose(single, double, rtol=NORMAL_ERROR[np.float32], atol=0)

    # Bits that must never change, as runs are repeated from them. A C program compiled without fused operations gives
    # the same, for these and for all other words.
    def test_bits_are_pinned(self):
        drawn = np.array([0x00000000, 0x01234567, 0x33333333, 0x7FFFFFFF, 0xCAFEBABE], dtype=np.uint32)
        single = random.normal_from_words(drawn, np.float32).view(np.uint32)
        double = random.normal_from_words(drawn, np.float64).view(np.uint64)
        assert single.tolist() == [0xC0AD7081, 0xC027716C, 0xBF57747A, 0xB3A06C99, 0x3F511316]
        assert double.tolist() == [
            0xC015AE0FFF57ED5B,
            0xC004EE2D7644A49C,
            0xBFEAEE8F72F5145C,
            0xBE740D932F594123,
            0x3FEA2262CE9815ED,
        ]

    @pytest.mark.parametrize("seed", [0, 1, 2**40 + 3])
    def test_is_normal(self, seed):
        drawn = random.normal(seed, "n", 0, 100_000)
        assert stats.kstest(drawn, "norm").pvalue > 1e-3
        # Moments 0, 1, 0, 3 of a standard normal, with variances 1, 2, 15, 96 of the powers.
        for power, mean, variance in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
            assert abs((drawn**power).mean() - mean) < 4 * np.sqrt(variance / drawn.size)


class TestBernoulli:
    @pytest.mark.parametrize("probability", [0.001, 0.1, 0.5, 0.9, 0.999])
    def test_frequency(self, probability):
        count = 200_000
        mask = random.bernoulli(1, "mask", 2, count, probability)
        assert mask.dtype == np.bool_
        assert stats.binomtest(int(mask.sum()), count, probability).pvalue > 1e-3

    def test_exact_at_0_and_1(self):
        assert not random.bernoulli(1, "mask", 2, (100, 1000), 0).any()
        assert random.bernoulli(1, "mask", 2, (100, 1000), 1).all()

    @given(st.floats(0, 1), st.floats(0, 1))
    @settings(max_examples=30)
    def test_a_larger_probability_only_adds_entries(self, one, other):
        fewer, more = (random.bernoulli(1, "mask", 2, (20, 30), p) for p in sorted((one, other)))
        assert not (fewer & ~more).any()
        np.testing.assert_array_equal(more, random.uniform(1, "mask", 2, (20, 30)) < max(one, other))

    def test_a_number_equal_to_the_probability_is_not_below_it(self):
        number = float(random.uniform(1, "mask", 2, 1)[0])
        assert not random.bernoulli(1, "mask", 2, 1, number)[0]
        assert random.bernoulli(1, "mask", 2, 1, np.nextafter(number, 1))[0]


class TestPermutation:
    @given(SEED, WORD, st.integers(0, 500))
    @settings(max_examples=50)
    def test_holds_every_index_once(self, seed, step, count):
        order = random.permutation(seed, "order", step, count)
        assert order.dtype == np.int64
        assert sorted(order.tolist()) == list(range(count))

    def test_sorts_the_words_and_keeps_the_order_of_equal_ones(self):
        order = random.permutation(5, "order", 6, 300_000)
        keys = random.words(5, "order", 6, 300_000)[order]
        assert (keys[:-1] <= keys[1:]).all()
        equal = keys[:-1] == keys[1:]
        assert equal.sum() >= 5 and (order[:-1] < order[1:])[equal].all()

    def test_steps_give_different_orders(self):
        orders = {tuple(random.permutation(5, "order", step, 20).tolist()) for step in range(100)}
        assert len(orders) == 100

    @pytest.mark.parametrize(("count", "draws"), [(3, 1200), (4, 1200), (5, 1800), (6, 3600), (7, 12600)])
    def test_all_orders_are_equally_likely(self, count, draws):
        orders = np.stack([random.permutation(9, "order", step, count) for step in range(draws)])
        ranks = orders @ count ** np.arange(count)
        possible = np.sort([np.dot(order, count ** np.arange(count)) for order in itertools.permutations(range(count))])
        observed = np.bincount(np.searchsorted(possible, ranks), minlength=len(possible))
        assert stats.chisquare(observed).pvalue > 1e-3
        # Where each element lands is a test of its own: a bias too small for single orders adds up there.
        for place in range(count):
            assert stats.chisquare(np.bincount(orders[:, place], minlength=count)).pvalue > 1e-4


class TestErrors:
    @pytest.mark.parametrize("seed", [-1, 2**64, 1.0, "1", None, np.int64(-1)])
    def test_seed(self, seed):
        with pytest.raises(UsageError, match=r"seed.*from 0 to 2\^64 - 1"):
            random.words(seed, "x", 0, 1)

    @pytest.mark.parametrize("step", [-1, 2**32, 0.5, None])
    def test_step(self, step):
        with pytest.raises(UsageError, match=r"step.*from 0 to 2\^32 - 1"):
            random.uniform(0, "x", step, (1,))

    @pytest.mark.parametrize("purpose", [-1, 2**32, 1.5, None, b"x"])
    def test_purpose(self, purpose):
        with pytest.raises(UsageError, match="purpose"):
            random.permutation(0, purpose, 0, 1)

    @pytest.mark.parametrize("shape", [-1, (2, -1), (2.0,), "ab", None])
    def test_shape(self, shape):
        with pytest.raises(UsageError, match="shape"):
            random.normal(0, "x", 0, shape)

    @pytest.mark.parametrize(("count", "first"), [(-1, 0), (1, -1), (1.0, 0), (1, 2**64), (2, 2**64 - 1)])
    def test_count_and_first(self, count, first):
        with pytest.raises(UsageError):
            random.words(0, "x", 0, count, first)

    @pytest.mark.parametrize("dtype", [np.float16, np.int32, np.complex128, "no dtype", object()])
    def test_dtype(self, dtype):
        for draw in (random.uniform, random.normal):
            with pytest.raises(UsageError, match="expected float32 or float64"):
                draw(0, "x", 0, (2,), dtype)

    @pytest.mark.parametrize("probability", [-1e-9, 1.0000001, float("nan"), "half", None])
    def test_probability(self, probability):
        with pytest.raises(UsageError, match="expected a number from 0 to 1"):
            random.bernoulli(0, "x", 0, (2,), probability)
