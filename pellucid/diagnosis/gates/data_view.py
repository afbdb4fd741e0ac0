"""Data as gates look at them, from a dataset or a table: columns of numbers, and what is predicted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pellucid.data.dataset import Dataset, is_sparse
from pellucid.diagnosis.gates.case import Case
from pellucid.random import permutation

MOST_ROWS = 4000
MOST_COLUMNS = 2000


@dataclass(frozen=True, eq=False)
class View:
    """Rows of data.

    Attributes
    ----------
    names : tuple of str
        Of the columns.
    values : ndarray of float64 [rows, columns]
        NaN where a cell is missing.
    coded : ndarray of bool [columns]
        Whether numbers stand for categories, so that their order and size mean nothing.
    target : ndarray of float64 [rows, targets]
        The numbers of classes, where there are classes.
    task : str
        regression, binary, multiclass or multilabel.
    weights : ndarray of float64 [rows]
    """

    names: tuple[str, ...]
    values: np.ndarray
    coded: np.ndarray
    target: np.ndarray
    task: str
    weights: np.ndarray

    def __len__(self) -> int:
        return len(self.values)

    def take(self, rows: Any) -> View:
        """Return some of the rows."""
        parts = {name: getattr(self, name)[rows] for name in ("values", "target", "weights")}
        return replace(self, **parts)

    @property
    def classified(self) -> bool:
        """Whether there is one class for each row."""
        return self.task in ("binary", "multiclass") and self.target.shape[1] == 1

    def tell(self, columns: Any) -> str:
        """Return the names of some columns for a sentence."""
        named = [self.names[column] for column in columns]
        return ", ".join(named[:4]) + (f" and {len(named) - 4} more" if len(named) > 4 else "")


def view_of_case(case: Case) -> View | None:
    """Return what is learned from; None where it is no table of numbers."""
    return case.once("view", lambda: view_of_dataset(case, case.dataset.take(case.rows(MOST_ROWS))))


def view_of_dataset(case: Case, dataset: Dataset) -> View | None:
    """Return the view of examples of a case; None where inputs or targets are no table of numbers."""
    parts, names, coded = [], [], []
    for name, type in case.network.inputs.items():
        array = dataset.inputs.get(name)
        if array is None or type.size > MOST_COLUMNS:
            return None
        flat = (array.toarray() if is_sparse(array) else np.asarray(array)).reshape(len(dataset), -1)
        parts.append(flat.astype(np.float64))
        several = len(case.network.inputs) > 1
        own = [f"{name}[{place}]" if several else f"column {place}" for place in range(flat.shape[1])]
        names += own
        coded += [not type.dtype.is_float] * flat.shape[1]
    names = list(case.columns) if len(case.columns) == len(names) else names
    output = next(iter(case.losses))
    targets = dataset.targets.get(output) if isinstance(dataset.targets, dict) else dataset.targets
    if targets is None:
        return None
    target = np.asarray(targets, np.float64).reshape(len(dataset), -1)
    weights = np.ones(len(dataset)) if dataset.weights is None else np.asarray(dataset.weights)
    return View(tuple(names), np.concatenate(parts, axis=1), np.array(coded), target, case.task, weights)


def some_rows(view: View, most: int, seed: int = 0) -> View:
    """Return at most so many rows by the seed, in their order."""
    if len(view) <= most:
        return view
    return view.take(np.sort(permutation(seed, "gates, rows", 0, len(view))[:most]))


def same_everywhere(view: View) -> np.ndarray:
    """Return which columns hold one value, or none, in all rows, [columns]."""
    first = view.values[:1]
    return np.asarray(((view.values == first) | (np.isnan(view.values) & np.isnan(first))).all(axis=0))


def filled(values: np.ndarray) -> np.ndarray:
    """Return values with the greatest float in the place of missing cells, so that these equal each other."""
    return np.where(np.isnan(values), np.finfo(np.float64).max, values)


def scaled(values: np.ndarray, like: np.ndarray) -> np.ndarray:
    """Return values measured from the mean of others in their deviations; missing cells are in the middle."""
    with np.errstate(invalid="ignore"):
        here = np.where(np.isnan(like), np.nan, like)
        counts = np.maximum((~np.isnan(here)).sum(axis=0), 1)
        mean = np.nansum(here, axis=0) / counts
        spread = np.sqrt(np.nansum((here - mean) ** 2, axis=0) / counts)
    return np.nan_to_num((values - mean) / np.where(spread > 0, spread, 1.0), nan=0.0)
