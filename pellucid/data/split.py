"""Parts of the examples, for learning and for testing: at random, by group, in order, in folds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from pellucid.data.grouping import classes_of, distinct, group_codes, place_groups, refuse_missing
from pellucid.errors import DataError, UsageError
from pellucid.random import permutation


def split(count: int, fractions: Sequence[float], seed: int, stratify: Any | None = None) -> tuple[np.ndarray, ...]:
    """Divide examples at random into parts, such as train, validation and test.

    Every example is in exactly one part. The parts' sizes are the fractions of `count`, rounded so that they add up
    (largest remainders first) and that no part is empty. The same arguments give the same parts on every machine.

    With `stratify`, each class with m members has m times the fraction of them in each part, up to less than 2 more or
    less: classes of few members may be absent from a small part. Every class is in the first part, if need be by
    exchanging one example.

    Parameters
    ----------
    count : int
        The number of examples.
    fractions : sequence of float
        One for each part, above 0, with sum 1.
    seed : int
    stratify : array_like, optional, [count]
        The class of each example.

    Returns
    -------
    tuple of ndarray of int64
        The numbers of the examples in each part, ascending.

    Raises
    ------
    DataError
        Where there are fewer examples than parts, or more classes than places in the first part.
    UsageError
        Where the fractions are none.

    Examples
    --------
    >>> train, test = split(10, [0.8, 0.2], seed=1, stratify=list("aaaaabbbbb"))
    >>> len(train), sorted("aaaaabbbbb"[row] for row in test)
    (8, ['a', 'b'])
    """
    sizes = part_sizes(count, fractions)
    order = permutation(seed, "split", 0, count)
    if stratify is None:
        return tuple(np.sort(part) for part in np.split(order, np.cumsum(sizes)[:-1]))
    classes = classes_of(stratify, count)
    order = order[np.argsort(classes[order], kind="stable")]
    # With the examples in the order of their classes, each part takes evenly spaced ones, so also from every class.
    spaced = np.concatenate([(np.arange(size) + 0.5) / size for size in sizes])
    parts = np.repeat(np.arange(len(sizes)), sizes)[np.argsort(spaced, kind="stable")]
    belongs = np.empty(count, np.int64)
    belongs[order] = parts
    _bring_every_class_to_the_first_part(belongs, classes, order)
    return tuple(np.flatnonzero(belongs == part) for part in range(len(sizes)))


def part_sizes(count: int, fractions: Sequence[float]) -> list[int]:
    """Return whole numbers near ``fraction * count`` with sum `count`, none of them 0.

    Examples
    --------
    >>> part_sizes(11, [0.6, 0.2, 0.2])
    [7, 2, 2]
    """
    if not fractions or not all(0 < fraction <= 1 for fraction in fractions) or abs(math.fsum(fractions) - 1) > 1e-9:
        raise UsageError("fractions of a split are above 0 and add up to 1", got=f"{list(fractions)}")
    if count < len(fractions):
        raise DataError("there are too few examples to split", got=f"{count}", expected=f"at least {len(fractions)}")
    exact = [fraction / math.fsum(fractions) * count for fraction in fractions]
    # A product such as 0.29 * 100 lies just below the whole number that it means.
    sizes = [math.floor(size * (1 + 1e-12)) for size in exact]
    by_remainder = sorted(range(len(sizes)), key=lambda part: sizes[part] - exact[part])
    for part in by_remainder[: count - sum(sizes)]:
        sizes[part] += 1
    for part, size in enumerate(sizes):
        if size == 0:
            sizes[sizes.index(max(sizes))] -= 1
            sizes[part] = 1
    return sizes


def split_groups(
    groups: Any, fractions: Sequence[float], seed: int, stratify: Any | None = None
) -> tuple[np.ndarray, ...]:
    """Divide examples into parts so that those of one group are all in the same part.

    Groups are persons, machines or places that gave several examples: a network is to be tested on others than it has
    learned from. Large groups are placed first, each into the part that lacks most of its size, so that the parts come
    near their fractions; no part is empty. Groups of about one size (within the same power of two) are taken in a
    random order. The same arguments give the same parts on every machine.

    Parameters
    ----------
    groups : array_like [examples]
        The group of each example: numbers, words or dates.
    fractions : sequence of float
        One for each part, above 0, with sum 1.
    seed : int
    stratify : array_like, optional [examples]
        The class of each example; each class is then spread over the parts by the fractions as well as groups allow.

    Returns
    -------
    tuple of ndarray of int64
        The numbers of the examples in each part, ascending.

    Raises
    ------
    DataError
        Where an example has no group, or there are fewer groups than parts.
    UsageError
        Where the fractions are none.

    Examples
    --------
    >>> train, test = split_groups(["ann", "bob", "ann", "eve", "eve", "bob", "kim", "kim"], [0.75, 0.25], seed=0)
    >>> len(train), len(test)
    (6, 2)
    """
    codes = group_codes(groups)
    sizes = np.array(part_sizes(len(codes), fractions), np.float64)
    parts = place_groups(codes, sizes / sizes.sum(), seed, stratify)
    return tuple(np.flatnonzero(parts == part) for part in range(len(sizes)))


def split_in_order(order: Any, fractions: Sequence[float]) -> tuple[np.ndarray, ...]:
    """Divide examples by time or another order: the earliest go to the first part, the latest to the last.

    Examples with equal values stay together, so the sizes are as near to the fractions as that allows; no part is
    empty.

    Parameters
    ----------
    order : array_like [examples]
        What the examples are ordered by: dates, numbers or words.
    fractions : sequence of float
        One for each part, above 0, with sum 1.

    Returns
    -------
    tuple of ndarray of int64
        The numbers of the examples in each part, ascending.

    Raises
    ------
    DataError
        Where a value is missing, or there are fewer different values than parts.
    UsageError
        Where the fractions are none.

    Examples
    --------
    >>> [part.tolist() for part in split_in_order([2021, 2019, 2020, 2021], [0.5, 0.5])]
    [[1, 2], [0, 3]]
    """
    values, codes = distinct(refuse_missing(order, "the order", "value"), "values of an order")
    sizes = part_sizes(len(codes), fractions)
    if len(values) < len(sizes):
        raise DataError(
            "there are too few different values to split in order",
            got=f"{len(values)}",
            expected=f"at least {len(sizes)}",
        )
    ends = np.cumsum(np.bincount(codes))
    cuts: list[int] = []  # the number of values before each cut
    for number, wanted in enumerate(np.cumsum(sizes)[:-1], start=1):
        first, last = (cuts[-1] if cuts else 0) + 1, len(values) - len(sizes) + number
        cuts.append(first + int(np.argmin(np.abs(ends[first - 1 : last] - wanted))))
    belongs = np.searchsorted(cuts, np.arange(len(values)), side="right")[codes]
    return tuple(np.flatnonzero(belongs == part) for part in range(len(sizes)))


def folds(
    count: int, number: int, seed: int, stratify: Any | None = None, groups: Any | None = None
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Divide examples into folds for cross-validation: each is held out once, and the others are learned from.

    The folds' sizes differ by 1 at most. With `stratify`, the folds' numbers of each class do too; a class may have
    fewer members than there are folds. With `groups`, those of one group are in one fold, and the sizes are as near
    to each other as groups allow; see :func:`split_groups`. The same arguments give the same folds on every machine.
    Source: Stone, Cross-validatory choice and assessment of statistical predictions (1974).

    Parameters
    ----------
    count : int
        The number of examples.
    number : int
        How many folds; 2 or more.
    seed : int
    stratify : array_like, optional [count]
        The class of each example.
    groups : array_like, optional [count]
        The group of each example.

    Returns
    -------
    list of (ndarray of int64, ndarray of int64)
        For each fold the numbers of the examples to learn from and of those held out, both ascending.

    Raises
    ------
    DataError
        Where there are fewer examples or groups than folds, or an example has no group.
    UsageError
        Where `number` is not a whole number of 2 or more.

    Examples
    --------
    >>> [held_out.tolist() for _, held_out in folds(7, 3, seed=0)]
    [[1, 2, 5], [3, 6], [0, 4]]
    """
    if isinstance(number, bool) or not isinstance(number, (int, np.integer)) or number < 2:
        raise UsageError("the number of folds is a whole number, 2 or more", got=repr(number))
    if count < number:
        raise DataError("there are too few examples for the folds", got=f"{count}", expected=f"at least {number}")
    if groups is not None:
        codes = group_codes(groups)
        if len(codes) != count:
            raise DataError("there must be one group an example", got=f"{len(codes)}", expected=f"{count}")
        belongs = place_groups(codes, np.full(number, 1 / number), seed, stratify)
    else:
        order = permutation(seed, "folds", 0, count)
        if stratify is not None:
            order = order[np.argsort(classes_of(stratify, count)[order], kind="stable")]
        belongs = np.empty(count, np.int64)
        belongs[order] = np.arange(count) % number  # dealt like cards, one class after the other
    return [(np.flatnonzero(belongs != fold), np.flatnonzero(belongs == fold)) for fold in range(number)]


def _bring_every_class_to_the_first_part(belongs: np.ndarray, classes: np.ndarray, order: np.ndarray) -> None:
    inside = np.bincount(classes[belongs == 0], minlength=classes.max() + 1)
    if np.count_nonzero(inside) == len(inside):
        return
    if len(inside) > inside.sum():
        raise DataError(
            "the first part cannot hold an example of every class",
            got=f"{len(inside)} classes and {inside.sum()} places",
            fix="Give the first part a larger fraction, or do not stratify.",
        )
    ordered = classes[order]
    for label in np.flatnonzero(inside == 0):
        crowded = int(np.argmax(inside))
        members = order[np.searchsorted(ordered, crowded) : np.searchsorted(ordered, crowded, side="right")]
        leaves, enters = members[belongs[members] == 0][0], order[np.searchsorted(ordered, label)]
        belongs[leaves], belongs[enters] = belongs[enters], 0
        inside[crowded] -= 1
        inside[label] += 1
