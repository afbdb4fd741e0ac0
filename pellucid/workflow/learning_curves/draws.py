"""Draws: which rows a learning curve learns from, and on which it is judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from pellucid.data.grouping import group_codes
from pellucid.errors import PellucidError
from pellucid.random import permutation
from pellucid.workflow.division import TEST, TRAIN, VALIDATION, divide
from pellucid.workflow.plans.plan import Plan
from pellucid.workflow.understanding import Understanding

HELD_OUT = 0.2
"""The share of the rows that is held out where the order of time says which."""

MANY_ROWS = 20_000
"""Of more rows there are fewer draws: their spread is less."""

LEAST_ROWS = 8


@dataclass(frozen=True, eq=False)
class Draw:
    """Rows in the order in which they come to learn from; more of them always include the fewer ones.

    Attributes
    ----------
    learning, validation : ndarray of int64
        The first ones of both are taken, in their proportion.
    held_out : ndarray of int64
        The rows that the error is measured on.
    """

    learning: np.ndarray
    validation: np.ndarray
    held_out: np.ndarray

    def take(self, rows: int) -> tuple[np.ndarray, np.ndarray]:
        """Return so many rows to learn from, and those for validation that go with them."""
        share = len(self.validation) / len(self.learning)
        return self.learning[:rows], self.validation[: max(1, round(rows * share)) if share else 0]


def make_draws(found: Understanding, plan: Plan, rows: np.ndarray, count: int | None) -> list[Draw]:
    """Divide rows again and again, each time into rows to learn from, for validation, and held out.

    They are the folds of a cross-validation, so that each row is held out once; with an order of time the latest rows
    are held out in all draws. Classes, groups and time are minded as the plan says.

    Parameters
    ----------
    found : Understanding
    plan : Plan
    rows : ndarray of int64
        Of the table.
    count : int, optional
        How many draws; by default 10, or 5 of many rows, and never more than there are groups.

    Raises
    ------
    DataError
        Where there are too few rows or groups.
    """
    names = dict.fromkeys([*found.task.targets, *(name for name in (plan.group, plan.time_order) if name is not None)])
    table = found.table.select(list(names)).take(rows)
    classes = None
    if found.stratified:
        classes = np.unique(table[found.task.targets[0]].values, return_inverse=True)[1]
    groups = group_codes(table[plan.group].values) if plan.group is not None else None
    number = count if count is not None else 5 if len(rows) > MANY_ROWS else 10
    if count is None and groups is not None:
        number = min(number, int(groups.max()) + 1)
    chosen = replace(plan, test=None, folds=0 if plan.time_order is not None else number)
    if plan.time_order is not None:
        chosen = replace(chosen, test_fraction=HELD_OUT, validation=min(plan.validation, 0.5))
    try:
        division = divide(table, found.task, chosen)
    except PellucidError as error:
        raise error.at("the rows of a learning curve") from None
    divided = division.folds or (division.parts,) * number
    return [
        Draw(
            learning=rows[_ordered(parts[TRAIN], plan.seed, draw, "learning", classes, groups)],
            validation=rows[_ordered(parts[VALIDATION], plan.seed, draw, "validation", classes, groups)],
            held_out=rows[parts[TEST]],
        )
        for draw, parts in enumerate(divided)
    ]


def _ordered(
    rows: np.ndarray, seed: int, draw: int, purpose: str, classes: np.ndarray | None, groups: np.ndarray | None
) -> np.ndarray:
    """Return rows in a random order: group by group, or so that the first ones have the classes in equal shares."""
    mixed = rows[permutation(seed, f"learning curve {purpose}", draw, len(rows))]
    if groups is not None:
        _, first, belongs = np.unique(groups[mixed], return_index=True, return_inverse=True)
        return mixed[np.argsort(first[belongs], kind="stable")]
    if classes is None or not len(rows):
        return mixed
    own = classes[mixed]
    by_class = np.argsort(own, kind="stable")
    counts = np.bincount(own)
    place = np.empty(len(rows))
    starts = np.cumsum(counts) - counts
    place[by_class] = np.arange(len(rows)) - starts[own[by_class]]
    return mixed[np.argsort((place + 0.5) / counts[own], kind="stable")]


def choose_sizes(draws: Sequence[Draw], points: int, least: int) -> np.ndarray:
    """Return how many rows are learned from: up to all that every draw has, evenly spaced on a logarithmic scale.

    Parameters
    ----------
    draws : sequence of Draw
    points : int
        How many at most.
    least : int
        No fewer rows than these, as far as there are as many.

    Examples
    --------
    >>> rows = np.arange(1000)
    >>> choose_sizes([Draw(rows, rows[:100], rows[:0])], points=6, least=20).tolist()
    [31, 62, 124, 249, 499, 1000]
    """
    largest = min(len(draw.learning) for draw in draws)
    smallest = min(max(LEAST_ROWS, least, round(largest / 2 ** (points - 1))), largest)
    return np.unique(np.geomspace(smallest, largest, points).round().astype(np.int64))
