"""A gate on probabilities: whether what is said to be 80 % sure comes true 8 times of 10."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pellucid.diagnosis.gates.case import Case
from pellucid.diagnosis.gates.finding import Finding
from pellucid.diagnosis.gates.gate import find, gate
from pellucid.diagnosis.gates.thresholds import Threshold, Thresholds, declare
from pellucid.random import uniform

BINS = 15
"""Of equal numbers of examples (Guo et al. 2017 take 15 of equal width, of which some stay nearly empty)."""

DRAWS = 200
"""So often targets are drawn from the probabilities themselves, to see what error comes by chance."""

declare(
    Threshold(
        "calibration",
        0.03,
        0.08,
        "expected calibration error beyond what comes by chance in 99 of 100 cases",
        "Guo, Pleiss, Sun, Weinberger 2017; chance: Vaicenavicius et al. 2019",
    )
)


@gate("after", "Do things come true as often as the probabilities say?")
def calibration(case: Case, thresholds: Thresholds) -> Iterator[Finding]:
    dataset = case.held_out
    if case.fit is None or dataset is None:
        return
    predicted = case.fit.predict(dataset.inputs)
    predictions = predicted if isinstance(predicted, dict) else {next(iter(case.losses)): predicted}
    for output, probability in predictions.items():
        if case.fit.evaluator.kinds[output] != "probability":
            continue
        targets = dataset.targets[output] if isinstance(dataset.targets, dict) else dataset.targets
        pairs = confidences(np.asarray(probability, np.float64), np.asarray(targets))
        if pairs is None or len(pairs[0]) < 2 * BINS or not np.isfinite(pairs[0]).all():
            continue
        confidence, right = pairs
        error, chance = calibration_error(confidence, right), chance_error(confidence, case.seed)
        yield find(
            "calibration",
            thresholds["calibration"],
            error - chance,
            f"it is {confidence.mean():.1%} sure on average, and right in {right.mean():.1%} of {len(right)} cases;"
            f" the expected calibration error is {error:.3f}, by chance it would be up to {chance:.3f}",
            remedy="Stop earlier, add regularization or label smoothing, or calibrate on the validation part.",
            causes=("overfitting", "wrong_loss", "too_much_regularization", "step_too_large"),
            where=output if len(predictions) > 1 else "",
        )


def confidences(probability: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Return how sure each decision is, and 1 where it is right, float64 [decisions]; None for soft targets.

    Of several classes the most probable one is the decision; of two, and of labels, that it is true, or is not.
    """
    p, t = probability.reshape(len(probability), -1), target.reshape(len(target), -1)
    if not np.array_equal(t, np.round(t)):
        return None
    if p.shape[1] > 1 and t.shape[1] == 1:
        return p.max(axis=1), (p.argmax(axis=1) == t[:, 0]).astype(np.float64)
    if p.shape != t.shape:
        return None
    decided = p > 0.5
    return np.where(decided, p, 1 - p).reshape(-1), (decided == (t > 0.5)).astype(np.float64).reshape(-1)


def calibration_error(confidence: np.ndarray, right: np.ndarray) -> float:
    """Return the expected calibration error: the mean difference of sureness and rightness over bins of equal size.

    Examples
    --------
    >>> calibration_error(np.array([0.9] * 30), np.array([1.0, 0.0] * 15))
    0.4
    """
    order = np.argsort(confidence, kind="stable")
    return round(float(_errors(confidence[order], right[order][None])[0]), 12)


def chance_error(confidence: np.ndarray, seed: int) -> float:
    """Return what the error would be up to, in 99 of 100 cases, if every probability were right."""
    order = np.argsort(confidence, kind="stable")
    confidence = confidence[order]
    drawn = np.stack([uniform(seed, "calibration", draw, len(confidence)) for draw in range(DRAWS)])
    return float(np.quantile(_errors(confidence, drawn < confidence), 0.99))


def _errors(confidence: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the error of each row of `right`, [draws, cases], the cases ordered by how sure they are."""
    edges = np.linspace(0, len(confidence), BINS + 1).astype(np.int64)[:-1]
    gap = np.add.reduceat(right - confidence, edges, axis=1)
    return np.abs(gap).sum(axis=1) / len(confidence)
