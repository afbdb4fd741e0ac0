"""The folds of a search: the rows that are not for the test, divided again by the rules of the plan."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from pellucid.errors import UsageError
from pellucid.tuning.networks import member_labels
from pellucid.workflow.division import TEST, TRAIN, VALIDATION, divide
from pellucid.workflow.plans.plan import Plan
from pellucid.workflow.understanding import Understanding

MANY_ROWS, VERY_MANY_ROWS = 10_000, 30_000
"""From so many rows of the search on, fewer folds are enough."""


@dataclass(frozen=True, eq=False)
class Fold:
    """Which rows of a search are learned from, and which judge.

    Attributes
    ----------
    learning, held : ndarray of int64
        Numbers of rows among those of the search, ascending.
    """

    learning: np.ndarray
    held: np.ndarray


@dataclass(frozen=True, eq=False)
class Folding:
    """The rows of a search, and their folds.

    Attributes
    ----------
    rows : ndarray of int64
        The rows of the table for training and validation, ascending; never those for the test.
    folds : tuple of Fold
        One repeat after the other.
    labels : tuple of str
    repeats : int
    ordered : bool
        Whether later rows judge.
    """

    rows: np.ndarray
    folds: tuple[Fold, ...]
    labels: tuple[str, ...]
    repeats: int
    ordered: bool


def usual_folds(found: Understanding, plan: Plan) -> int:
    """Return how many folds judge a trial where nobody says: the fewer the more rows there are to judge by."""
    rows = len(_searched(found))
    if rows < MANY_ROWS:
        return 5
    return 3 if rows < VERY_MANY_ROWS or not plan.validation else 1


def fold_rows(found: Understanding, plan: Plan, folds: int, repeats: int = 1) -> Folding:
    """Divide the rows that are not for the test into folds.

    Classes are in equal shares and groups stay together, as the plan has it. Where rows have an order of time, the
    latest rows judge: they are cut into one part more than there are folds, and each part but the first judges what
    was learned from all before it. One fold is the plan's own part for validation.

    Parameters
    ----------
    found : Understanding
    plan : Plan
    folds : int
    repeats : int
        How often, each time with another seed; where rows are divided by time, or by the plan's own part, with the same
        rows.

    Raises
    ------
    UsageError
        Where these are no numbers of folds, or one is wanted and there is no part for validation.
    DataError
        Where there are too few rows, groups or times.

    Examples
    --------
    >>> from pellucid.workflow.understanding import understand
    >>> plan = Plan(target=("y",))
    >>> found = understand({"x": [0.5 * row for row in range(20)], "y": ["a", "b"] * 10}, plan)
    >>> folding = fold_rows(found, plan, 4)
    >>> folding.labels, [len(fold.held) for fold in folding.folds]
    (('fold 1', 'fold 2', 'fold 3', 'fold 4'), [4, 4, 4, 4])
    """
    for name, count in (("folds", folds), ("repeats", repeats)):
        if isinstance(count, bool) or not isinstance(count, int | np.integer) or count < 1:
            raise UsageError(
                "not a number of them", where=name, got=repr(count)[:60], expected="a whole number from 1 up"
            )
    ordered, rows = plan.time_order is not None, _searched(found)
    plain = replace(plan, validation=0.0, test=None, recipe=replace(plan.recipe, metric="loss"))
    made: list[Fold] = []
    for repeat in range(repeats):
        if folds == 1:
            made.append(_own_part(found, rows))
        elif ordered:
            made += _by_time(found, plain, rows, folds)
        else:
            made += _at_random(found, replace(plain, seed=plan.seed + repeat), rows, folds)
    return Folding(rows, tuple(made), member_labels(folds, repeats), repeats, ordered)


def _searched(found: Understanding) -> np.ndarray:
    return np.sort(np.concatenate([found.parts[TRAIN], found.parts[VALIDATION]]))


def _own_part(found: Understanding, rows: np.ndarray) -> Fold:
    if not len(found.parts[VALIDATION]):
        fix = "Set split.validation, or take 2 folds or more."
        raise UsageError("no rows judge the trials", where="folds", got="1, and no part for validation", fix=fix)
    return Fold(*(np.searchsorted(rows, found.parts[part]) for part in (TRAIN, VALIDATION)))


def _at_random(found: Understanding, plan: Plan, rows: np.ndarray, folds: int) -> list[Fold]:
    dealt = divide(found.table.take(rows), found.task, replace(plan, folds=folds)).folds
    return [Fold(one[TRAIN], one[TEST]) for one in dealt]


def _by_time(found: Understanding, plan: Plan, rows: np.ndarray, folds: int) -> list[Fold]:
    """Cut rows in the order of time; where many are of one time, the cuts are where times change."""
    table, everything = found.table.take(rows), np.arange(len(rows))
    later = [everything]
    for number in range(1, folds + 1):
        shares = replace(plan, test_fraction=1 - number / (folds + 1))
        later.append(divide(table, found.task, shares).parts[TEST])
    later.append(np.empty(0, np.int64))
    cut = [np.setdiff1d(one, following) for one, following in pairwise(later)]
    if not all(map(len, cut)):
        got = f"{folds} folds"
        fix = "Take fewer folds, or a column that tells times apart."
        raise UsageError("too many rows are of one time for so many folds", where="folds", got=got, fix=fix)
    return [Fold(np.setdiff1d(everything, later[number]), cut[number]) for number in range(1, folds + 1)]
