"""The gate of leaks: a single column that gives the target away."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pellucid.diagnosis.gates.case import Case
from pellucid.diagnosis.gates.data_view import View, same_everywhere, scaled, some_rows, view_of_case
from pellucid.diagnosis.gates.finding import Finding
from pellucid.diagnosis.gates.gate import find, gate
from pellucid.diagnosis.gates.thresholds import Threshold, Thresholds, declare

ROWS = 2000
LEAST = 40
MOST_TARGETS = 8

NEARLY_ALL = 0.99
"""A column that tells less of the target is no leak."""

CLEAR = 20.0
"""Classes that lie so many deviations apart in a column were written into it."""

declare(
    Threshold(
        "leaking_columns",
        0.8,
        0.9,
        "share of what all other columns leave open of the target that one column tells, where it tells nearly all",
        "Kaufman, Rosset and Perlich 2012, Leakage in data mining",
    )
)


@gate("before", "Does the target follow from more than a single column?")
def leaking_columns(case: Case, thresholds: Thresholds) -> Iterator[Finding]:
    view = view_of_case(case)
    if view is None:
        return
    finding = find_leak(view, thresholds, case.seed)
    if finding is not None:
        yield finding


def find_leak(view: View, thresholds: Thresholds, seed: int = 0) -> Finding | None:
    """Return what there is to say of columns that give the target away; None where the question does not arise."""
    varies = np.flatnonzero(~same_everywhere(view))
    if len(view) < LEAST or len(varies) < 2 or _reconstructs(view):
        return None
    some = some_rows(view, ROWS, seed)
    found = max(
        (_advantage(some, varies, some.target[:, place]) for place in range(min(view.target.shape[1], MOST_TARGETS))),
        key=lambda one: one[0],
    )
    advantage, column, told, rest = found
    name = view.names[column]
    return find(
        "leaking_columns",
        thresholds["leaking_columns"],
        advantage,
        f"{name} alone tells {told:.1%} of the target, the best of the others {rest:.1%}",
        remedy=f"Ask how {name} comes about: leave it out if it is not known before the target is.",
        causes=("target_leak",),
        where=name if advantage else "",
    )


def _reconstructs(view: View) -> bool:
    """Say whether the targets are the inputs, as an autoencoder's are: clean ones may belong to noisy inputs."""
    return view.target.shape[1] > 2 and view.target.shape[1] == view.values.shape[1]


def _advantage(view: View, columns: np.ndarray, target: np.ndarray) -> tuple[float, int, float, float]:
    """Return how far the best column is ahead of all others, which one it is, and what each tells of the target."""
    classified = view.task != "regression" and bool((target == np.round(target)).all())
    if np.all(target == target[0]):
        return 0.0, int(columns[0]), 0.0, 0.0
    told = [told_by_column(view.values[:, column], view.coded[column], target, classified) for column in columns]
    best = int(np.argmax(told))
    others = [one for place, one in enumerate(told) if place != best]
    rest = max(*others, told_by_all(np.delete(view.values[:, columns], best, axis=1), target, classified), 0.0)
    if told[best] < NEARLY_ALL:
        return 0.0, int(columns[best]), told[best], rest
    ahead = 1 - (1 - told[best]) / (1 - rest) if rest < told[best] else 0.0
    if classified:
        ahead = max(ahead, _far_apart(view.values[:, columns], target, best))
    return ahead, int(columns[best]), told[best], rest


def told_by_column(column: np.ndarray, coded: bool, target: np.ndarray, classified: bool) -> float:
    """Return how much of a target one column tells, from 0 to 1, whatever the form of the relation.

    Of classes it is how few runs of one class there are in the order of the column, between as few as classes and as
    many as by chance (Wald and Wolfowitz 1940); for categories, the share of the mistakes of always saying the most
    frequent class that are avoided. Of numbers it is the share of the variance that is not noise, which is seen in the
    differences between neighbours: Rice, Bandwidth choice for nonparametric regression, Annals of Statistics 12 (1984).

    Examples
    --------
    >>> x = np.linspace(-1, 1, 101)
    >>> round(told_by_column(x, False, x**2, False), 3), told_by_column(x, False, (x > 0.3) * 1.0, True)
    (0.997, 1.0)
    """
    present = ~np.isnan(column)
    column, target = column[present], target[present]
    values, codes = np.unique(column, return_inverse=True)
    if len(column) < LEAST or len(values) < 2:
        return 0.0
    groups = np.bincount(codes)
    if classified:
        return _classes_told(codes, groups, coded, target)
    means = np.bincount(codes, target) / groups
    within = float(((target - means[codes]) ** 2).sum() / max(len(target) - len(values), 1))
    if coded and len(column) - len(values) < LEAST:  # words that hardly recur fit anything
        return 0.0
    grouped = coded or len(values) <= len(column) // 4
    noise = within if grouped else float(np.mean(np.diff(means) ** 2) / 2)
    return max(0.0, 1 - noise / float(target.var())) if target.var() > 0 else 0.0


def _classes_told(codes: np.ndarray, groups: np.ndarray, coded: bool, target: np.ndarray) -> float:
    _, classes = np.unique(target, return_inverse=True)
    kinds = int(classes.max()) + 1
    if kinds < 2:
        return 0.0
    held = np.zeros((len(groups), kinds))
    np.add.at(held, (codes, classes), 1)
    mistakes = float((groups - held.max(axis=1)).sum())
    counts = np.bincount(classes)
    usual = len(target) - int(counts.max())
    if usual < LEAST // 2:  # few rare rows may be told by chance
        return 0.0
    if coded or len(groups) <= 2 * kinds:
        return max(0.0, 1 - (mistakes + max(len(groups) - kinds, 0)) / usual)
    runs = 1 + int(np.count_nonzero(np.diff(held.argmax(axis=1))))
    by_chance = 1 + (len(target) - 1) * (1 - float(((counts / len(target)) ** 2).sum()))
    return max(0.0, 1 - (max(runs - kinds, 0) + 2 * mistakes) / max(by_chance - kinds, 1.0))


def told_by_all(columns: np.ndarray, target: np.ndarray, classified: bool) -> float:
    """Return how much of a target columns tell together in a linear model, as :func:`told_by_column` does for one."""
    x = np.column_stack([scaled(columns, columns), np.ones(len(columns))])
    if not classified:
        fitted = x @ np.linalg.lstsq(x, target, rcond=1e-8)[0]
        return max(0.0, 1 - float(((target - fitted) ** 2).sum() / ((target - target.mean()) ** 2).sum()))
    _, classes = np.unique(target, return_inverse=True)
    indicator = np.eye(classes.max() + 1)[classes]
    mistakes = np.count_nonzero((x @ np.linalg.lstsq(x, indicator, rcond=1e-8)[0]).argmax(axis=1) != classes)
    return max(0.0, 1 - mistakes / max(len(target) - int(np.bincount(classes).max()), 1))


def _far_apart(columns: np.ndarray, target: np.ndarray, best: int) -> float:
    """Return how far classes lie apart in the best column, held against the next one: from 0 to 1."""
    gaps = np.array([_gap(column, target) for column in columns.T])
    if gaps[best] < CLEAR:
        return 0.0
    return 1.0 - float(np.delete(gaps, best).max()) / gaps[best] if np.isfinite(gaps[best]) else 1.0


def _gap(column: np.ndarray, target: np.ndarray) -> float:
    """Return how many deviations the nearest two classes lie apart in a column."""
    present = ~np.isnan(column)
    column, target = column[present], target[present]
    groups = [column[target == kind] for kind in np.unique(target)]
    means = np.sort([group.mean() for group in groups])
    spread = np.sqrt(np.mean([group.var() for group in groups])) if groups else 0.0
    nearest = float(np.diff(means).min()) if len(means) > 1 else 0.0
    return nearest / spread if spread > 0 else (np.inf if nearest > 0 else 0.0)
