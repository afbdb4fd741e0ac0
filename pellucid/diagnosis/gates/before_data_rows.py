"""Gates of rows: twice there, in training and test, in an order, and classes that are rare."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pellucid.diagnosis.gates.case import Case
from pellucid.diagnosis.gates.data_view import (
    View,
    filled,
    same_everywhere,
    scaled,
    some_rows,
    view_of_case,
    view_of_dataset,
)
from pellucid.diagnosis.gates.finding import Finding
from pellucid.diagnosis.gates.gate import find, gate
from pellucid.diagnosis.gates.thresholds import Threshold, Thresholds, declare
from pellucid.optim.lbfgs import LBFGS
from pellucid.training.preparation import learning_and_validation

MOST_TESTED = 500
NEAR = 1e-3
"""A row this much nearer to another one than rows usually are is the same one, written down with fewer digits."""

declare(
    Threshold(
        "duplicate_rows",
        0.2,
        float("inf"),
        "share of rows that repeat another one, where columns have many values",
        "repeated rows end up in training and test",
    ),
    Threshold(
        "test_overlap",
        0.02,
        0.1,
        "share of the test's rows that are among those learned from, beyond what rows of few values share anyhow",
        "Kapoor and Narayanan 2023, Leakage and the reproducibility crisis",
    ),
    Threshold(
        "validation_overlap",
        0.02,
        0.1,
        "share of the validation rows that are among those learned from, beyond what rows of few values share anyhow",
        "Kapoor and Narayanan 2023, Leakage and the reproducibility crisis",
    ),
    Threshold(
        "class_balance", 0.95, 0.98, "share of the weight that the most frequent class has", "He and Garcia 2009"
    ),
    Threshold(
        "row_order",
        0.3,
        0.8,
        "how much the target of a row tells of the next one's, or of its place, where rows are not shuffled",
        "Bottou 2012, Stochastic gradient descent tricks",
    ),
)


def find_duplicate_rows(view: View, thresholds: Thresholds) -> Finding:
    """Return what there is to say of rows that repeat another one."""
    share = repeated(view) if is_continuous(view) else 0.0
    return find(
        "duplicate_rows",
        thresholds["duplicate_rows"],
        share,
        f"{share:.1%} of {len(view)} rows repeat another one"
        if is_continuous(view)
        else f"rows repeat each other, as columns have few values: {repeated(view):.1%} of {len(view)}",
        remedy="Keep one of each, or weigh them; divide by groups, so that copies stay together.",
        causes=("test_overlap",),
    )


def repeated(view: View) -> float:
    """Return the share of rows that repeat an earlier one."""
    return 1 - len(np.unique(filled(view.values), axis=0)) / len(view)


def _twinned(view: View) -> float:
    """Return the share of rows that have a copy among the others: by chance as many new ones have one too."""
    _, counts = np.unique(filled(view.values), axis=0, return_counts=True)
    return float(counts[counts > 1].sum()) / len(view)


def is_continuous(view: View) -> bool:
    """Say whether a column has so many values that rows hardly are the same by chance.

    Rows that were repeated on purpose do not hide that: different rows are counted.
    """
    rows = np.unique(filled(view.values), axis=0)
    used = rows[:, ~view.coded]
    counts = [len(np.unique(column)) for column in used.T]
    return bool(counts) and max(counts) >= max(0.3 * len(rows), 10)


@gate("before", "Is each row there once?")
def duplicate_rows(case: Case, thresholds: Thresholds) -> Iterator[Finding]:
    view = view_of_case(case)
    if view is not None and len(view) >= 10 and not same_everywhere(view).all():
        yield find_duplicate_rows(view, thresholds)


def find_overlap(name: str, view: View, other: View, thresholds: Thresholds, seed: int = 0) -> Finding:
    """Return what there is to say of rows of a test, or validation part, that are among those learned from."""
    tested = some_rows(other, MOST_TESTED, seed)
    same = overlap(view, tested)
    share = float(same.mean())
    if not is_continuous(view):
        share = max(0.0, share - _twinned(view))
    if same.sum() < 2:
        share = 0.0
    what = name.partition("_")[0]
    return find(
        name,
        thresholds[name],
        share,
        f"{int(same.sum())} of {len(tested)} rows for {what} are among {len(view)} that are learned from",
        remedy="Divide the rows anew, after copies are left out, or by groups that stay together.",
        causes=("test_overlap",),
    )


def overlap(view: View, other: View) -> np.ndarray:
    """Return which rows of the other are, but for rounding, among the rows of the one, [rows of the other]."""
    varies = ~same_everywhere(view)
    if not varies.any():
        return np.zeros(len(other), bool)
    here, there = (scaled(part.values, view.values)[:, varies] for part in (view, other))
    nearest = _nearest(there, here)
    usual = float(np.median(_nearest(here[:MOST_TESTED], here, itself=True)))
    return nearest <= NEAR * usual + 1e-9


def _nearest(rows: np.ndarray, others: np.ndarray, itself: bool = False) -> np.ndarray:
    """Return the distance of each row from the nearest other one, [rows]; of exact copies of 0.

    Where the others begin with the rows, `itself` leaves each out of its own neighbours, and copies of it too.
    """
    squares = (rows * rows).sum(axis=1)[:, None] + (others * others).sum(axis=1) - 2 * rows @ others.T
    if itself:
        squares[squares < 1e-9 * (1 + squares.mean())] = np.inf
        squares[np.arange(len(rows)), np.arange(len(rows))] = np.inf
        return np.sqrt(np.maximum(squares.min(axis=1), 0.0))
    # Differences of large squares are not exact: the nearest one is measured again.
    place = squares.argmin(axis=1)
    return np.sqrt(((rows - others[place]) ** 2).sum(axis=1))


@gate("before", "Are the rows of the test new?")
def test_overlap(case: Case, thresholds: Thresholds) -> Iterator[Finding]:
    view = view_of_case(case)
    other = None if case.test is None else view_of_dataset(case, case.test)
    if view is not None and other is not None and not same_everywhere(view).all():
        yield find_overlap("test_overlap", view, other, thresholds, case.seed)


@gate("before", "Are the rows for validation new?")
def validation_overlap(case: Case, thresholds: Thresholds) -> Iterator[Finding]:
    view = view_of_case(case)
    _, validating, _ = learning_and_validation(case.dataset, case.options.get("validation"), case.losses, case.seed)
    other = None if validating is None else view_of_dataset(case, validating)
    if view is not None and other is not None and not same_everywhere(view).all():
        yield find_overlap("validation_overlap", view, other, thresholds, case.seed)


def find_imbalance(view: View, thresholds: Thresholds) -> Finding:
    """Return what there is to say of how often classes occur."""
    classes, codes = np.unique(view.target[:, 0], return_inverse=True)
    weights = np.bincount(codes, view.weights)
    share, rare = float(weights.max() / weights.sum()), int(np.bincount(codes).min())
    return find(
        "class_balance",
        thresholds["class_balance"],
        share,
        f"the most frequent of {len(classes)} classes has {share:.1%} of the weight; the rarest has {rare} rows",
        remedy="Weigh the classes, get more rows of the rare ones, and judge by another metric than accuracy.",
        causes=("imbalance",),
    )


@gate("before", "Has every class a share of the rows?")
def class_balance(case: Case, thresholds: Thresholds) -> Iterator[Finding]:
    view = view_of_case(case)
    if view is not None and view.classified and _is_whole(view.target):
        yield find_imbalance(view, thresholds)


def _is_whole(target: np.ndarray) -> bool:
    return bool((target == np.round(target)).all())


@gate("before", "Are the rows in no order, or shuffled?")
def row_order(case: Case, thresholds: Thresholds) -> Iterator[Finding]:
    course, view = case.arranged.course, view_of_case(case)
    count = len(case.arranged.examples.rows)
    together = course.batch_size is None or course.batch_size >= count or isinstance(course.optimizer, LBFGS)
    if view is None or course.shuffle or together or len(view) < 20:
        return
    order = max(orderliness(column, view.classified) for column in view.target.T)
    yield find(
        "row_order",
        thresholds["row_order"],
        order,
        f"rows are not shuffled, and the targets of rows one after the other are alike to {order:.0%}",
        remedy="Pass shuffle=True.",
        causes=("no_shuffle",),
    )


def orderliness(target: np.ndarray, classified: bool) -> float:
    """Return how much an order there is in targets, from 0 to 1: for classes runs of one class, for numbers a trend.

    Examples
    --------
    >>> orderliness(np.repeat([0.0, 1.0], 50), True) > 0.9, orderliness(np.arange(50.0), False)
    (True, 1.0)
    """
    if np.all(target == target[0]):
        return 0.0
    if classified:
        _, counts = np.unique(target, return_counts=True)
        expected = float(((counts / len(target)) ** 2).sum())
        same = float((target[1:] == target[:-1]).mean())
        return max(0.0, (same - expected) / (1 - expected))
    ranks = np.argsort(np.argsort(target, kind="stable"), kind="stable")
    return round(abs(float(np.corrcoef(ranks, np.arange(len(ranks)))[0, 1])), 12)
