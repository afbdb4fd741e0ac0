"""The boosted trees of scikit-learn, grown on the columns that a network reads, for comparison."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from pellucid.data.encoders.encoding import Encoding
from pellucid.data.encoders.front import Front
from pellucid.data.tables.table import Table
from pellucid.data.targets import TargetEncoding
from pellucid.workflow.baselines.baseline import Baseline, choose_rows

BOOSTING = "gradient boosting"

MOST_CELLS = 50_000_000
"""It learns from so many rows times features at most."""

MOST_FEATURES = 20_000
MOST_SECONDS = 600.0
"""Trees of more features, or that would take longer, are not grown."""

LEAST_ROWS = 10_000
"""Where time is short, they learn from fewer rows, but not from fewer than these."""

TREES = 100
"""What scikit-learn grows for each class by default."""

SECONDS_A_ROW, SECONDS_A_HISTOGRAM = 1e-8, 1e-4
"""What a tree takes for each feature."""

MOST_CODES = 255
"""Columns of more categories are numbers to scikit-learn's trees."""

CHUNK = 65536


def fit_gradient_boosting(
    encoding: Encoding,
    targets: TargetEncoding,
    table: Table,
    parts: Mapping[str, np.ndarray],
    limit: float | None = None,
    *,
    weights: np.ndarray | None = None,
    seed: int = 0,
) -> Baseline:
    """Fit scikit-learn's histogram gradient boosting with its defaults, one for each target or label.

    It learns from the training and the validation rows, from cells as they are: missing numbers stay missing, and
    columns of up to 255 categories are told to be categories.
    Source: Ke et al., LightGBM: a highly efficient gradient boosting decision tree, NeurIPS (2017).

    Parameters
    ----------
    encoding, targets
        As they were fitted for the network: they say which columns are read, and how.
    table : Table
    parts : mapping of ndarray
        The rows for ``train`` and ``validation``.
    limit : float, optional
        How many seconds it may take. Where it would take longer it learns from fewer rows, or is not fitted.
    weights : ndarray, optional
        How much each row of the table counts.
    seed : int

    Raises
    ------
    KeyboardInterrupt
        Where it is interrupted.
    """
    began = time.perf_counter()
    cells = Cells(encoding.front)
    features = cells.count(table)
    if features > MOST_FEATURES:
        return _not_fitted(f"the table has {features:,} features, and it takes {MOST_FEATURES:,} at most")
    every = np.concatenate([np.asarray(parts[name], np.int64) for name in ("train", "validation") if name in parts])
    allowed = MOST_SECONDS if limit is None else limit
    most = min(MOST_CELLS // features, max(LEAST_ROWS, affordable_rows(allowed, features, targets)))
    rows, notes = choose_rows(every, most, BOOSTING, seed)
    rows = rows if weights is None else rows[weights[rows] > 0]
    seconds = estimate_seconds(len(rows), features, targets)
    if seconds > allowed or not len(rows):
        return _not_fitted(f"it would take about {seconds:.0f} seconds, and there were {allowed:.0f}")
    learning, truth = cells.read(table, rows), targets.read(table.select(targets.names).take(rows))
    columns = [truth] if targets.task == "multiclass" else list(truth.T)
    predictors: list[Callable[[np.ndarray], np.ndarray]] = []
    with _one_thread():
        for column in columns:
            if predictors and limit is not None and time.perf_counter() - began > limit:
                return _not_fitted(f"its time ended after {len(predictors)} of {len(columns)} targets")
            given = None if weights is None else weights[rows]
            predictors.append(_grow(learning, column, given, targets, cells.categorical, seed))

    def predict(data: Table) -> np.ndarray:
        read = cells.read(data, np.arange(len(data)))
        with _one_thread():
            return np.concatenate([found(read) for found in predictors], axis=1)

    return Baseline(BOOSTING, predict, notes)


def _not_fitted(why: str) -> Baseline:
    return Baseline(BOOSTING, None, (f"There is no gradient boosting to compare with: {why}.",))


def estimate_seconds(rows: int, features: int, targets: TargetEncoding) -> float:
    """Return about how long the trees grow on one thread of a usual processor: histograms are filled and searched."""
    return TREES * targets.outputs * features * (SECONDS_A_ROW * rows + SECONDS_A_HISTOGRAM)


def affordable_rows(seconds: float, features: int, targets: TargetEncoding) -> int:
    """Return from how many rows trees may learn in so many seconds; a power of two, so that it seldom changes."""
    rows = int((seconds / (TREES * targets.outputs * features) - SECONDS_A_HISTOGRAM) / SECONDS_A_ROW)
    return 1 << (rows.bit_length() - 1) if rows > 0 else 0


def _one_thread() -> AbstractContextManager[Any]:
    """Let OpenMP have one thread: on a busy machine more wait for each other so long that no limit of time holds."""
    import sklearn.ensemble  # noqa: F401 (only what is loaded is limited)
    import threadpoolctl

    return threadpoolctl.threadpool_limits(1, user_api="openmp")


class Cells:
    """The cells of a table as a matrix for trees, NaN where one is missing."""

    def __init__(self, front: Front):
        self.front = front
        codes = [len(column.categories) + column.indicator for column in front.categories]
        self.categorical = [place for place, count in enumerate(codes) if count <= MOST_CODES]
        """The columns of the matrix whose numbers stand for categories."""

    def count(self, table: Table) -> int:
        """Return how many columns the matrix has."""
        return self._read(self.front.select(table).take([0])).shape[1]

    def read(self, table: Table, rows: np.ndarray) -> np.ndarray:
        """Return the matrix of some rows, float64 [rows, columns]: categories first, then all else."""
        chosen = self.front.select(table)
        matrix = np.empty((len(rows), self.count(table)))
        for start in range(0, len(rows), CHUNK):
            matrix[start : start + CHUNK] = self._read(chosen.take(rows[start : start + CHUNK]))
        return matrix

    def _read(self, table: Table) -> np.ndarray:
        raw = self.front.read(table)
        codes = raw.pop("categories", np.empty((len(table), 0)))
        return np.hstack([np.where(codes < 0, np.nan, codes), *raw.values()])


def _grow(
    cells: np.ndarray,
    target: np.ndarray,
    weights: np.ndarray | None,
    targets: TargetEncoding,
    categorical: list[int],
    seed: int,
) -> Callable[[np.ndarray], np.ndarray]:
    """Grow the trees for one target; return what predicts it from cells, [rows, 1] or [rows, classes]."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    width = len(targets.classes) if targets.task == "multiclass" else 1
    settings: dict[str, Any] = {"random_state": seed % 2**32, "categorical_features": categorical or None}
    if targets.task == "regression":
        mean, scale = float(target.mean()), float(target.std()) or 1.0  # its sums are in float32
        trees = HistGradientBoostingRegressor(**settings).fit(cells, (target - mean) / scale, weights)
        return lambda data: (trees.predict(data) * scale + mean)[:, np.newaxis]
    present, counts = np.unique(target.astype(np.int64), return_counts=True)
    if len(present) == 1:
        alone = np.eye(width)[present] if width > 1 else present[:, np.newaxis].astype(np.float64)
        return lambda data: np.tile(alone, (len(data), 1))
    if counts.min() < 2:  # early stopping would split the rows, and cannot divide a class of one
        settings["early_stopping"] = False
    grown = HistGradientBoostingClassifier(**settings).fit(cells, target.astype(np.int64), weights)

    def predict(data: np.ndarray) -> np.ndarray:
        found = grown.predict_proba(data)
        if width == 1:
            return found[:, 1:]
        probabilities = np.zeros((len(data), width))
        probabilities[:, present] = found
        return probabilities

    return predict
