"""The rows that an estimator learns from or is judged by, in the order it takes them, and the task that they set."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pellucid.data.encoders.encoding import Encoding
from pellucid.data.split import split
from pellucid.data.targets import TargetEncoding
from pellucid.estimators.rows import order_by_content, repeat_by_weight, take_rows
from pellucid.estimators.targets import Target


@dataclass(frozen=True)
class Examples:
    """Rows to learn from or to judge by.

    Attributes
    ----------
    x : ndarray, CSR matrix or Table
    target : Target
    weights : ndarray of float64 or None, [rows]
    """

    x: Any
    target: Target
    weights: np.ndarray | None

    def take(self, rows: np.ndarray) -> Examples:
        """Return these rows."""
        weights = None if self.weights is None else self.weights[rows]
        return Examples(take_rows(self.x, rows), replace(self.target, values=self.target.values[rows]), weights)

    def __len__(self) -> int:
        return len(self.target.values)


@dataclass(frozen=True)
class Task:
    """What is learned, as it was at the first call of ``fit`` or ``partial_fit``.

    Attributes
    ----------
    kind : str
        "binary", "multiclass", "multilabel" or "regression".
    classes : ndarray or None
        The classes, or the numbers of the labels.
    encoding : Encoding
    targets : TargetEncoding
    several : bool
        Whether y had a column for each output.
    """

    kind: str
    classes: np.ndarray | None
    encoding: Encoding
    targets: TargetEncoding
    several: bool


def arrange(given: Examples, shuffle: bool) -> Examples:
    """Return rows as they are learned from: those of weight 0 left out.

    With `shuffle` they come in an order of their own, and whole weights become repetitions.
    """
    weights = given.weights
    if weights is None:
        rows = np.arange(len(given))
    elif shuffle:
        rows, weights = repeat_by_weight(weights)
    else:
        rows = np.flatnonzero(weights > 0)
        weights = weights[rows]
    if shuffle:
        parts = [given.x, _as_codes(given.target.values)]
        parts += [] if weights is None or given.weights is None else [given.weights]
        place = np.empty(len(given), np.int64)
        place[order_by_content(*parts)] = np.arange(len(given))
        order = np.argsort(place[rows], kind="stable")
        rows, weights = rows[order], None if weights is None else weights[order]
    if np.array_equal(rows, np.arange(len(given))):
        return replace(given, weights=weights)
    return replace(given.take(rows), weights=weights)


def divide(learning: Examples, held: int, seed: int, strata: np.ndarray | None) -> tuple[Examples, Examples | None]:
    """Return the rows to learn from, and so many to judge by, of each of the strata its share."""
    if not held:
        return learning, None
    if strata is not None and len(np.unique(strata)) > len(learning) - held:
        strata = None  # more classes than rows to learn from
    share = held / len(learning)
    train, rest = split(len(learning), [1 - share, share], seed, strata)
    return learning.take(train), learning.take(rest)


def strata_of(target: Target) -> np.ndarray | None:
    """Return the number of each row's class, of which each part is to have its share; None for labels."""
    return None if target.several else np.unique(target.values, return_inverse=True)[1]


def _as_codes(values: np.ndarray) -> np.ndarray:
    return np.unique(values, return_inverse=True)[1] if values.dtype.kind in "OUS" else values
