"""What all baselines have in common, and the simplest one: the same prediction for every row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pellucid.data.tables.table import Table
from pellucid.data.targets import TargetEncoding
from pellucid.random import permutation

CONSTANT = {
    "regression": "mean",
    "binary": "majority class",
    "multiclass": "majority class",
    "multilabel": "majority label",
}
"""What the same prediction for every row is called."""

MOST_ROWS = 1_000_000
"""A baseline learns from so many rows at most."""


@dataclass(frozen=True, eq=False)
class Baseline:
    """Something to compare a network with.

    Attributes
    ----------
    name : str
    predict : callable or None
        ``predict(table)`` gives numbers in the targets' own units or probabilities, float64 [rows, outputs], as a
        model for these targets does. None where it was not fitted; the notes say why.
    notes : tuple of str
        What the reader of the report has to know.
    """

    name: str
    predict: Callable[[Table], np.ndarray] | None
    notes: tuple[str, ...] = ()


def predict_constant(
    targets: TargetEncoding, train: np.ndarray, rows: int, weights: np.ndarray | None = None
) -> np.ndarray:
    """Predict the same for every row: the means of the training rows' targets, or the shares of their classes.

    Parameters
    ----------
    targets : TargetEncoding
    train : ndarray
        The targets of the training rows as :meth:`TargetEncoding.read` gives them.
    rows : int
        For how many rows.
    weights : ndarray, optional
        Of the training rows.

    Returns
    -------
    ndarray of float64, [rows, outputs]
        What a model for these targets predicts: numbers in their own units, or probabilities.

    Examples
    --------
    >>> colors = TargetEncoding("multiclass", ("color",), ("blue", "green", "red"), {})
    >>> predict_constant(colors, np.array([0, 2, 2, 2]), rows=1)
    array([[0.25, 0. , 0.75]])
    """
    weights = np.ones(len(train)) if weights is None or not weights.any() else weights
    if targets.task == "multiclass":
        means = np.bincount(train, weights, len(targets.classes)) / weights.sum()
    else:
        means = np.average(train, axis=0, weights=weights)
    return np.tile(means, (rows, 1))


def choose_rows(rows: np.ndarray, most: int, name: str, seed: int) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the rows that a baseline learns from, `most` of them at most, and a note where these are not all."""
    most = min(MOST_ROWS, max(1, most))
    if len(rows) <= most:
        return rows, ()
    some = np.sort(permutation(seed, f"rows of the {name}", 0, len(rows))[:most])
    return rows[some], (f"The {name} learned from {most:,} of {len(rows):,} rows, taken at random.",)
