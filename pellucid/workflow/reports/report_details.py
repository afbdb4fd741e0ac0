"""What a report says beside the metrics: precision and recall of classes and labels, confusions, residuals."""

from __future__ import annotations

from typing import Any

import numpy as np

from pellucid.training.metrics import predicted_classes
from pellucid.workflow.reports.report_parts import ClassScore, Confusion, LabelScore, Residuals


def score_classes(
    classes: tuple, truth: np.ndarray, prediction: np.ndarray, weights: np.ndarray
) -> tuple[ClassScore, ...]:
    """Return precision and recall of each class.

    Parameters
    ----------
    classes : tuple
    truth, prediction : ndarray
        The number of each row's class, [rows] or [rows, 1]; probabilities [rows, classes] or [rows, 1].
    weights : ndarray, [rows]
    """
    truth, predicted = truth.reshape(-1).astype(np.int64), predicted_classes(prediction)
    return tuple(
        ClassScore(
            label, int((truth == place).sum()), *_precision_and_recall(truth == place, predicted == place, weights)
        )
        for place, label in enumerate(classes)
    )


def score_labels(
    labels: tuple[str, ...], truth: np.ndarray, prediction: np.ndarray, weights: np.ndarray
) -> dict[str, LabelScore]:
    """Return how well each label is predicted, from 0 and 1 and probabilities [rows, labels]."""
    scores = {}
    for name, true, told in zip(labels, (truth > 0.5).T, (prediction > 0.5).T, strict=True):
        right = _share(weights * (true == told), weights)
        scores[name] = LabelScore(right, int(true.sum()), *_precision_and_recall(true, told, weights))
    return scores


def _precision_and_recall(true: np.ndarray, told: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    both = weights * (true & told)
    return _share(both, weights * told), _share(both, weights * true)


def _share(part: np.ndarray, whole: np.ndarray) -> float:
    return float(part.sum() / whole.sum()) if whole.sum() > 0 else float("nan")


def count_confusions(classes: tuple, truth: np.ndarray, prediction: np.ndarray) -> Confusion:
    """Count the rows of each class by the class that is predicted."""
    count = len(classes)
    cells = truth.reshape(-1).astype(np.int64) * count + predicted_classes(prediction)
    counts = np.bincount(cells, minlength=count * count).reshape(count, count)
    return Confusion(classes, tuple(map(tuple, counts.tolist())))


def summarize_residuals(errors: np.ndarray, weights: np.ndarray) -> Residuals:
    """Summarize errors [rows] of weighted rows; rows without weight do not count.

    Examples
    --------
    >>> summarize_residuals(np.array([-1.0, 0.0, 4.0]), np.array([1.0, 1.0, 2.0])).mean
    1.75
    """
    used = weights > 0
    if not used.any():
        unknown = float("nan")
        return Residuals(unknown, unknown, unknown, (unknown, unknown, unknown), unknown)
    errors, weights = errors[used], weights[used]
    mean = float(np.average(errors, weights=weights))
    deviation = float(np.sqrt(np.average((errors - mean) ** 2, weights=weights)))
    even = bool((weights == weights[0]).all())
    method: dict[str, Any] = {} if even else {"weights": weights, "method": "inverted_cdf"}
    first, median, third = np.quantile(errors, [0.25, 0.5, 0.75], **method).tolist()
    return Residuals(mean, deviation, float(errors.min()), (first, median, third), float(errors.max()))
