"""Cross-validation of estimators: copies of one that are trained at once, each judged on what it has not seen."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.utils import _safe_indexing as take
from sklearn.utils.validation import _num_samples as count_rows

from pellucid.data.split import folds as divide_into_folds
from pellucid.optim.settings import check_number
from pellucid.training.events import Event
from pellucid.training.members import parts_given
from pellucid.training.together import usable_cores


@dataclass(frozen=True, eq=False)
class CrossValidated:
    """What came out of the cross-validation of an estimator.

    Attributes
    ----------
    estimators : tuple of estimator
        One for each fold, trained on the others.
    parts : tuple of (ndarray, ndarray)
        For each fold the rows that were learned from, and those held out.
    scores : ndarray of float64, [folds]
        ``score`` of each on the rows held out.
    predictions : ndarray [rows, ...]
        What each row is predicted to be by the estimator that has not learned from it: probabilities where there are
        some. Rows that are in no fold have NaN, or the value None.
    """

    estimators: tuple[Any, ...]
    parts: tuple[tuple[np.ndarray, np.ndarray], ...]
    scores: np.ndarray
    predictions: np.ndarray

    def __str__(self) -> str:
        return f"{len(self.scores)} folds: score {self.scores.mean():.4g} +- {self.scores.std(ddof=1):.2g}"


def cross_validate(
    estimator: Any, X: Any, y: Any, sample_weight: Any, *, folds: Any, groups: Any, threads: Any
) -> CrossValidated:
    """Train copies of an estimator; see :meth:`NetworkEstimator.cross_validate`."""
    if threads is not None:
        check_number("threads", threads, "[1, inf)", whole=True)
    parts = _parts(estimator, X, y, folds, groups)
    stopped = threading.Event()

    def stop(event: Event) -> None:
        if stopped.is_set():
            event.stop()

    def train(learning: np.ndarray) -> Any:
        given = estimator.callbacks or ()
        callbacks = [stop, *(given if isinstance(given, Sequence) else [given])]
        copy = clone(estimator).set_params(callbacks=callbacks)
        weights = None if sample_weight is None else take(sample_weight, learning)
        copy.fit(take(X, learning), take(y, learning), sample_weight=weights)
        return copy.set_params(callbacks=estimator.callbacks)

    with ThreadPoolExecutor(threads or usable_cores()) as pool:
        running = [pool.submit(train, learning) for learning, _ in parts]
        try:
            _wait(running)
        except BaseException:
            stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    trained = tuple(one.result() for one in running)
    scores, predictions = [], None
    for copy, (_, held_out) in zip(trained, parts, strict=True):
        rows, weights = take(X, held_out), None if sample_weight is None else take(sample_weight, held_out)
        scores.append(copy.score(rows, take(y, held_out), sample_weight=weights))
        found = copy.predict_proba(rows) if hasattr(copy, "predict_proba") else copy.predict(rows)
        if predictions is None:
            shape = (count_rows(X), *found.shape[1:])
            numbers = found.dtype.kind == "f"
            predictions = np.full(shape, np.nan if numbers else None, found.dtype if numbers else object)
        predictions[held_out] = found
    assert predictions is not None
    return CrossValidated(trained, parts, np.array(scores, np.float64), predictions)


def _wait(running: Sequence[Future[Any]]) -> None:
    """Wait for all, or for the first that fails; a moment at a time, so that an interrupt is heard everywhere."""
    waiting: set[Future[Any]] = set(running)
    while waiting:
        done, waiting = wait(waiting, timeout=0.05, return_when=FIRST_EXCEPTION)
        for one in done:
            one.result()


def _parts(estimator: Any, X: Any, y: Any, given: Any, groups: Any) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    count = count_rows(X)
    if not isinstance(given, Sequence):
        labels = np.asarray(y)
        strata = labels if is_classifier(estimator) and labels.ndim == 1 else None
        return tuple(divide_into_folds(count, given, 0, strata, groups))
    return parts_given(given, count)
