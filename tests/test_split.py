"""Parts of the examples: nothing lost or doubled, groups whole, order kept, sizes near the fractions."""

import itertools
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.data.split import folds, part_sizes, split, split_groups, split_in_order
from pellucid.errors import DataError, UsageError

parts = st.lists(st.integers(1, 20), min_size=1, max_size=4).map(lambda sizes: [size / sum(sizes) for size in sizes])


@settings(max_examples=200, deadline=None)
@given(count=st.integers(4, 400), fractions=parts, seed=st.integers(0, 2**32))
def test_a_split_loses_and_doubles_nothing(count, fractions, seed):
    rows = split(count, fractions, seed)
    assert sorted(np.concatenate(rows).tolist()) == list(range(count))
    for part, fraction in zip(rows, fractions, strict=True):
        assert len(part) >= 1 and (np.diff(part) > 0).all()
        if fraction * count >= 1:
            assert abs(len(part) - fraction * count) < len(fractions)
    assert [len(part) for part in rows] == part_sizes(count, fractions)
    again = split(count, fractions, seed)
    assert all((a == b).all() for a, b in zip(rows, again, strict=True))


@settings(max_examples=300, deadline=None)
@given(
    labels=st.lists(st.integers(0, 7), min_size=20, max_size=300),
    fractions=st.sampled_from([[0.8, 0.2], [0.7, 0.15, 0.15], [0.6, 0.2, 0.2], [0.5, 0.5], [0.4, 0.3, 0.3]]),
    seed=st.integers(0, 1000),
)
def test_a_stratified_split_keeps_the_shares_of_classes(labels, fractions, seed):
    rows = split(len(labels), fractions, seed, stratify=labels)
    assert sorted(np.concatenate(rows).tolist()) == list(range(len(labels)))
    assert [len(part) for part in rows] == part_sizes(len(labels), fractions)
    for label, members in Counter(labels).items():
        held = [sum(labels[row] == label for row in part) for part in rows]
        assert held[0] >= 1
        exchanged = sum(1 for size in Counter(labels).values() if size < 4)
        for found, fraction in zip(held, fractions, strict=True):
            assert abs(found - fraction * members) < 2 + exchanged


def test_stratified_parts_of_even_classes_are_exact():
    labels = np.repeat(["a", "b", "c"], [50, 100, 30])
    train, validation, test = split(180, [0.6, 0.2, 0.2], 3, stratify=labels)
    assert Counter(labels[train].tolist()) == {"a": 30, "b": 60, "c": 18}
    assert Counter(labels[validation].tolist()) == Counter(labels[test].tolist()) == {"a": 10, "b": 20, "c": 6}


@pytest.mark.parametrize("stratify", [None, np.arange(1000) % 2])
def test_every_example_is_as_likely_to_be_held_out(stratify):
    counts = np.zeros(1000)
    for seed in range(200):
        counts[split(1000, [0.75, 0.25], seed, stratify)[1]] += 1
    # Each count is binomial(200, 1/4): mean 50, variance 37.5.
    assert counts.sum() == 200 * 250
    assert abs(counts.var() / 37.5 - 1) < 0.25
    assert counts.min() > 20 and counts.max() < 85


def test_different_seeds_give_different_splits():
    first, second = split(100, [0.5, 0.5], 1), split(100, [0.5, 0.5], 2)
    assert (first[0] != second[0]).any()


def test_splits_that_cannot_be():
    with pytest.raises(DataError, match="too few examples to split: got 2, expected at least 3"):
        split(2, [0.6, 0.2, 0.2], 0)
    with pytest.raises(DataError, match="cannot hold an example of every class: got 6 classes and 5 places"):
        split(10, [0.5, 0.5], 0, stratify=[0, 1, 2, 3, 4, 5, 0, 1, 2, 3])
    with pytest.raises(DataError, match=r"one class an example: got shape \[2\], expected \[3\]"):
        split(3, [0.5, 0.5], 0, stratify=[1, 2])
    with pytest.raises(DataError, match="all numbers or all text"):
        split(2, [0.5, 0.5], 0, stratify=np.array([1, "a"], dtype=object))
    for fractions in ([0.5, 0.6], [], [1.2, -0.2], [float("nan"), 0.5]):
        with pytest.raises(UsageError, match="above 0 and add up to 1"):
            split(10, fractions, 0)


def test_sizes_of_parts():
    assert part_sizes(100, [0.29, 0.71]) == [29, 71]
    assert part_sizes(3, [0.98, 0.01, 0.01]) == [1, 1, 1]
    assert part_sizes(7, [1.0]) == [7]


def same(a, b):
    return len(a) == len(b) and all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


def every_row_once(parts, count):
    return sorted(np.concatenate(parts).tolist()) == list(range(count)) and all(
        (np.diff(part) > 0).all() for part in parts
    )


# -- by group ----------------------------------------------------------------------------------------------------------

groupings = st.lists(st.integers(1, 30), min_size=4, max_size=40).flatmap(
    lambda sizes: st.permutations([group for group, size in enumerate(sizes) for _ in range(size)])
)


@settings(max_examples=100, deadline=None)
@given(groups=groupings, fractions=parts, seed=st.integers(0, 2**32))
def test_groups_stay_whole_and_parts_come_near_their_sizes(groups, fractions, seed):
    rows = split_groups(groups, fractions, seed)
    assert every_row_once(rows, len(groups)) and all(len(part) for part in rows)
    found = [{groups[row] for row in part} for part in rows]
    assert sum(map(len, found)) == len(set(groups))
    largest = max(Counter(groups).values())
    for part, size in zip(rows, part_sizes(len(groups), fractions), strict=True):
        assert len(part) - size <= largest  # no part lacks anything when it gets a group, but that one group
    assert same(rows, split_groups(groups, fractions, seed))


@settings(max_examples=50, deadline=None)
@given(count=st.integers(3, 200), fractions=st.sampled_from([[0.8, 0.2], [0.6, 0.2, 0.2]]), seed=st.integers(0, 1000))
def test_groups_of_one_example_are_split_to_the_sizes_themselves(count, fractions, seed):
    names = [f"person {number}" for number in range(count)]
    assert [len(part) for part in split_groups(names, fractions, seed)] == part_sizes(count, fractions)


def test_which_groups_are_held_out_is_chance():
    groups = np.repeat(np.arange(40), np.random.default_rng(0).integers(8, 16, 40))
    counts = np.zeros(40)
    for seed in range(200):
        counts[np.unique(groups[split_groups(groups, [0.75, 0.25], seed)[1]])] += 1
    assert counts.min() > 20 and counts.max() < 85


def test_classes_are_spread_over_groups_where_they_can_be():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(60), 10)
    rare = np.repeat(rng.permutation(60) < 12, 10).astype(int)  # a fifth of the groups, whole groups of one class
    train, test = split_groups(groups, [0.75, 0.25], 1, stratify=rare)
    assert (rare[train].sum(), rare[test].sum(), len(test)) == (90, 30, 150)


# -- in order ----------------------------------------------------------------------------------------------------------


@settings(max_examples=100, deadline=None)
@given(values=st.lists(st.integers(0, 60), min_size=4, max_size=150), fractions=parts)
def test_an_order_is_kept_and_equal_values_stay_together(values, fractions):
    if len(set(values)) < len(fractions):
        with pytest.raises(DataError, match="too few different values to split in order"):
            split_in_order(values, fractions)
        return
    rows = split_in_order(values, fractions)
    assert every_row_once(rows, len(values)) and all(len(part) for part in rows)
    held = [[values[row] for row in part] for part in rows]
    assert all(max(earlier) < min(later) for earlier, later in itertools.pairwise(held))
    if len(fractions) == 2:  # no other cut between two values lies nearer to the size that is wanted
        wanted = part_sizes(len(values), fractions)[0]
        cuts = [sum(value < cut for value in values) for cut in sorted(set(values))[1:]]
        assert abs(len(rows[0]) - wanted) == min(abs(cut - wanted) for cut in cuts)


@pytest.mark.parametrize("kind", ["datetime64[us]", "float64", "U"])
def test_different_values_are_split_to_the_sizes_themselves(kind):
    days = np.datetime64("2020-01-01", "us") + np.random.default_rng(0).permutation(100) * np.timedelta64(1, "D")
    order = days.astype(kind)
    train, validation, test = split_in_order(order, [0.7, 0.1, 0.2])
    by_day = np.argsort(days)
    assert [set(part) for part in (train, validation, test)] == [
        set(by_day[:70]), set(by_day[70:80]), set(by_day[80:])
    ]  # fmt: skip


# -- folds -------------------------------------------------------------------------------------------------------------


@settings(max_examples=100, deadline=None)
@given(
    labels=st.lists(st.integers(0, 5), min_size=10, max_size=120),
    number=st.integers(2, 10),
    seed=st.integers(0, 2**32),
    stratified=st.booleans(),
)
def test_every_row_is_held_out_once_and_classes_are_even(labels, number, seed, stratified):
    found = folds(len(labels), number, seed, labels if stratified else None)
    assert len(found) == number and every_row_once([held_out for _, held_out in found], len(labels))
    assert all(every_row_once(pair, len(labels)) for pair in found)
    sizes = [len(held_out) for _, held_out in found]
    assert max(sizes) - min(sizes) <= 1
    if stratified:
        for label in set(labels):
            held = [sum(labels[row] == label for row in held_out) for _, held_out in found]
            assert max(held) - min(held) <= 1
    again = folds(len(labels), number, seed, labels if stratified else None)
    assert same([held_out for _, held_out in found], [held_out for _, held_out in again])


@settings(max_examples=100, deadline=None)
@given(groups=groupings, number=st.integers(2, 4), seed=st.integers(0, 2**32))
def test_folds_of_whole_groups_are_even_in_rows(groups, number, seed):
    found = folds(len(groups), number, seed, groups=groups)
    held = [held_out for _, held_out in found]
    assert every_row_once(held, len(groups)) and all(len(part) for part in held)
    assert sum(len({groups[row] for row in part}) for part in held) == len(set(groups))
    sizes = [len(part) for part in held]
    assert max(sizes) - min(sizes) <= max(Counter(groups).values())


def test_folds_of_groups_are_as_even_as_scikit_learn_makes_them():
    from sklearn.model_selection import GroupKFold, StratifiedGroupKFold

    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(80), rng.integers(1, 40, 80))
    classes = (rng.random(80) < 0.2)[groups].astype(int) ^ (rng.random(len(groups)) < 0.05)
    ours = [len(held_out) for _, held_out in folds(len(groups), 5, 0, groups=groups)]
    theirs = [len(held_out) for _, held_out in GroupKFold(5).split(groups, groups=groups)]
    assert np.ptp(ours) <= np.ptp(theirs) + 5
    mine = [classes[rows].mean() for _, rows in folds(len(groups), 5, 0, stratify=classes, groups=groups)]
    other = [classes[rows].mean() for _, rows in StratifiedGroupKFold(5).split(groups, classes, groups)]
    assert np.std(mine) <= 1.5 * np.std(other) + 0.01


# -- everywhere the same, and what can not be --------------------------------------------------------------------------


def test_the_same_parts_on_every_machine():
    groups = list("aaabbccccdeefffg")
    assert [part.tolist() for part in split_groups(groups, [0.6, 0.2, 0.2], 7)] == [
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 15],
        [12, 13, 14],
        [9, 10, 11],
    ]
    assert [held_out.tolist() for _, held_out in folds(9, 3, 7)] == [[0, 1, 6], [2, 4, 8], [3, 5, 7]]
    assert [held_out.tolist() for _, held_out in folds(9, 3, 7, stratify=list("aaaabbbcc"))] == [
        [0, 1, 5],
        [2, 4, 7],
        [3, 6, 8],
    ]
    assert [held_out.tolist() for _, held_out in folds(16, 3, 7, groups=groups)] == [
        [5, 6, 7, 8, 9, 15],
        [0, 1, 2, 10, 11],
        [3, 4, 12, 13, 14],
    ]


MISTAKES = {
    "too few groups": (
        lambda: split_groups(list("aab"), [0.6, 0.2, 0.2], 0),
        "too few groups to split: got 2, expected",
    ),
    "a group of none": (lambda: split_groups(["a", None, "b"], [0.5, 0.5], 0), "the groups, row 1: a group is missing"),
    "a group of NaN": (
        lambda: split_groups([1.0, 2.0, np.nan], [0.5, 0.5], 0),
        "the groups, row 2: a group is missing",
    ),
    "groups of two kinds": (
        lambda: split_groups(np.array([1, "a", 2], object), [0.5, 0.5], 0),
        "groups have to be all numbers or all text",
    ),
    "groups in a matrix": (
        lambda: split_groups(np.zeros((3, 2)), [0.5, 0.5], 0),
        r"one group an example: got shape \[3, 2",
    ),
    "fewer groups than folds": (
        lambda: folds(4, 3, 0, groups=[1, 1, 2, 2]),
        "too few groups to split: got 2, expected",
    ),
    "fewer groups than rows": (lambda: folds(4, 2, 0, groups=[1, 2, 2]), "one group an example: got 3, expected 4"),
    "fewer rows than folds": (lambda: folds(3, 4, 0), "too few examples for the folds: got 3, expected at least 4"),
    "one fold": (lambda: folds(3, 1, 0), "whole number, 2 or more: got 1"),
    "half a fold": (lambda: folds(30, 2.5, 0), "whole number, 2 or more: got 2.5"),
    "true folds": (lambda: folds(30, True, 0), "whole number, 2 or more: got True"),
    "fewer classes than rows": (lambda: folds(3, 2, 0, stratify=[1, 2]), "one class an example"),
    "a date that is missing": (
        lambda: split_in_order(np.array(["2020-01-01", "NaT"], "datetime64[us]"), [0.5, 0.5]),
        "the order, row 1: a value is missing: got NaT",
    ),
    "an order of NaN": (lambda: split_in_order([np.nan, 1.0], [0.5, 0.5]), "the order, row 0: a value is missing"),
    "an order without one": (
        lambda: split_in_order([1, 1, 1], [0.5, 0.5]),
        "too few different values .*: got 1, expected",
    ),
    "too few rows in order": (lambda: split_in_order([1], [0.5, 0.5]), "too few examples to split"),
    "fractions of more than all": (lambda: split_groups([1, 2], [0.9, 0.9], 0), "add up to 1"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_what_can_not_be_split_gives_one_clear_line(mistake):
    make, words = MISTAKES[mistake]
    with pytest.raises((DataError, UsageError), match=words) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_a_missing_value_of_pandas_is_a_missing_group():
    with pytest.raises(DataError, match="the groups, row 1: a group is missing"):
        split_groups(pd.Series(["a", None, "b"], dtype="string"), [0.5, 0.5], 0)
