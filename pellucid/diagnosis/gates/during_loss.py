"""Gates on the curve of the loss: values that are not finite, steps that are too large, steps that are too small."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from pellucid.diagnosis.gates.case import Case
from pellucid.diagnosis.gates.finding import FAIL, PASS, Finding
from pellucid.diagnosis.gates.gate import find, gate
from pellucid.diagnosis.gates.judged import judged_learned, losses_of_rows, unit_of_loss
from pellucid.diagnosis.gates.thresholds import Threshold, Thresholds, declare
from pellucid.nn.regularizers import Augment, AugmentArrays, InputNoise, Mixup, TargetNoise
from pellucid.training.loop import EPOCHS_RAN_OUT

NOISES = (Augment, AugmentArrays, InputNoise, Mixup, TargetNoise)
STEPS_RAN_OUT = "the steps ran out"
FEW_EPOCHS = 5
"""Curves of fewer epochs say nothing of how they go on."""

CURVES = "Goodfellow, Bengio, Courville 2016, section 11.4"

declare(
    Threshold(
        "loss_diverges",
        0.1,
        0.3,
        "how far the training loss ends above its least value, as a share of what the best constant costs",
        CURVES,
    ),
    Threshold(
        "loss_oscillates",
        0.04,
        0.07,
        "mean rise of the training loss per epoch in the second half, as a share of what the best constant costs",
        CURVES,
    ),
    Threshold(
        "still_falling",
        0.1,
        0.13,
        "share of its whole fall that the training loss falls in the last fifth of the epochs; 0.2 is a straight line",
        "a straight line",
    ),
    Threshold(
        "plateau",
        0.4,
        0.7,
        "share of the epochs for which the training loss stays at what the best constant costs",
        CURVES,
    ),
)


@gate("during", "Do all values stay finite?")
def non_finite(case: Case, thresholds: Thresholds) -> Iterator[Finding]:
    if case.fit is None:
        return
    if case.error is None:
        yield Finding("non_finite", "during", PASS, "all values stayed finite", 0.0, "no value may be NaN or infinite")
        return
    step = case.fit.progress.step
    causes: tuple[str, ...]
    if step <= 1:
        causes = ("large_initialization", "unscaled_inputs", "unscaled_targets", "non_finite", "wrong_loss")
        remedy = "Look at the scale of inputs, targets and first weights: it happens before anything is learned."
    elif _growth(case) > 30:
        causes = ("step_too_large", "unscaled_inputs", "unscaled_targets", "exploding_gradients")
        remedy = "Lower the learning rate, standardize inputs and targets, or pass clip_norm=1.0."
    else:
        causes = ("non_finite", "step_too_large", "wrong_loss", "unscaled_inputs")
        remedy = "Follow the value to its origin with pl.find_origin: the weights had not grown."
    evidence = f"training ended after {step} steps: {case.error}"
    yield Finding("non_finite", "during", FAIL, evidence, 1.0, "no value may be NaN or infinite", remedy, causes)


@gate("during", "Does the training loss end where it was least?")
def loss_diverges(case: Case, thresholds: Thresholds) -> Iterator[Finding]:
    curve, unit = _curve(case), _unit(case)
    if unit is None or not len(curve):
        return
    start = start_loss(case)
    last = float(np.median(curve[-max(1, len(curve) // 10) :]))
    least = min(start, float(_smooth(curve).min()))
    measured = (last - least) / unit if np.isfinite(last) else np.inf
    yield find(
        "loss_diverges",
        thresholds["loss_diverges"],
        measured,
        f"the training loss begins at {start:.4g}, was {least:.4g} at its least, and ends at {last:.4g}",
        remedy="Lower the learning rate, three to ten times.",
        causes=("step_too_large", "exploding_gradients", "unscaled_inputs", "unscaled_targets"),
    )


@gate("during", "Does the training loss fall without jumping up and down?")
def loss_oscillates(case: Case, thresholds: Thresholds) -> Iterator[Finding]:
    curve, unit = _curve(case), _unit(case)
    if unit is None or len(curve) < FEW_EPOCHS:
        return
    rises = np.maximum(np.diff(curve[len(curve) // 2 - 1 :]), 0.0)
    measured = float(rises.mean()) / unit if np.isfinite(rises).all() else np.inf
    yield find(
        "loss_oscillates",
        thresholds["loss_oscillates"],
        max(0.0, measured - _rise_by_chance(case) / unit),
        f"in the second half of the epochs the training loss rises in {np.mean(rises > 0):.0%} of them,"
        f" by {rises.mean():.3g} an epoch on average; the best constant costs {unit:.3g}",
        remedy="Lower the learning rate, take larger mini-batches, or let the rate fall with a schedule.",
        causes=("step_too_large", "unscaled_inputs", "no_shuffle", "exploding_gradients"),
    )


@gate("during", "Had the training loss come to rest when training ended?")
def still_falling(case: Case, thresholds: Thresholds) -> Iterator[Finding]:
    curve, unit = _curve(case), _unit(case)
    if unit is None or len(curve) < 2 or case.error is not None or not np.isfinite(curve).all():
        return
    ran_out = case.fit is not None and case.fit.reason in (EPOCHS_RAN_OUT, STEPS_RAN_OUT)
    epochs, curve = len(curve), np.concatenate([[max(start_loss(case), float(curve[0]))], curve])
    tail = max(1, epochs // 5)
    fall = float(curve[0] - curve[-1])
    late = float(curve[-1 - tail] - curve[-1]) * (epochs / 5) / tail
    judged = judged_learned(case)
    left = (judged.mean(judged.network) - _floor(case)) / unit
    noise = float(np.abs(np.diff(curve[1:], 2)).mean()) if epochs > 2 else 0.0
    matters = ran_out and left > 0.2 and late > 3 * noise and fall > 0.01 * unit
    yield find(
        "still_falling",
        thresholds["still_falling"],
        late / fall if matters else 0.0,
        f"over the last fifth of {epochs} epochs the training loss falls by {late:.3g}, of {fall:.3g} in all;"
        f" it ends at {curve[-1]:.4g}, while the best constant costs {unit:.4g}",
        remedy="Raise the learning rate, three to ten times, or train for longer.",
        causes=("step_too_small", "small_initialization"),
    )


@gate("during", "Does the training loss leave the level of the best constant soon?")
def plateau(case: Case, thresholds: Thresholds) -> Iterator[Finding]:
    curve, unit = _curve(case), _unit(case)
    if unit is None or len(curve) < FEW_EPOCHS or not np.isfinite(curve).all():
        return
    found = judged_learned(case)
    assert found.constant is not None
    level = found.mean(found.constant) - 0.05 * unit
    stuck = float(np.mean(curve > level))
    reached = (level - found.mean(found.network)) / unit
    yield find(
        "plateau",
        thresholds["plateau"],
        stuck if reached < 0.5 else 0.0,
        f"for {stuck:.0%} of {len(curve)} epochs the training loss is not 5 % below what the best constant costs"
        f" ({found.mean(found.constant):.4g}); it ends at {curve[-1]:.4g}",
        remedy="Raise the learning rate, and look at what keeps the first layers from learning.",
        causes=("step_too_small", "vanishing_gradients", "too_much_regularization", "uninformative_inputs"),
    )


def start_loss(case: Case) -> float:
    """Return the mean loss that training starts from, as a prediction."""
    found = judged_learned(case)
    return found.mean(losses_of_rows(case.network, case.losses, case.parameters, found.dataset))


def _curve(case: Case) -> np.ndarray:
    return np.array([record["loss"] for record in case.fit.history] if case.fit else [], np.float64)


def _unit(case: Case) -> float | None:
    return None if case.fit is None else unit_of_loss(case)


def _smooth(curve: np.ndarray) -> np.ndarray:
    """Return the running median of five epochs."""
    if len(curve) < FEW_EPOCHS:
        return curve
    return np.median(np.lib.stride_tricks.sliding_window_view(curve, FEW_EPOCHS), axis=-1)


def _rise_by_chance(case: Case) -> float:
    """Return how much the training loss rises in an epoch on average where dropout, noise or mixing change it anyway.

    Of independent normal numbers of deviation d, one after the other, the mean rise is d divided by the root of pi.
    """
    noisy = any(isinstance(one, NOISES) for one in case.options.get("regularizers", ()))
    if not noisy and not any(case.network.settings.values()):
        return 0.0
    found = judged_learned(case)
    spread = np.sqrt(found.mean((found.network - found.mean(found.network)) ** 2))
    return float(spread / np.sqrt(np.pi * len(case.arranged.examples.rows)))


def _floor(case: Case) -> float:
    """Return about the least loss there can be: 0, or less where the loss is the logarithm of a density."""
    found = judged_learned(case)
    known = [found.mean(losses) for losses in (found.network, found.linear) if losses is not None]
    return min(0.0, *known)


def _growth(case: Case) -> float:
    """Return how many times larger the weights were at the end than at the start."""
    assert case.fit is not None
    first, last = _size(case.parameters), _size(case.fit.progress.parameters)
    return last / max(first, 1e-12)


def _size(arrays: Mapping[str, np.ndarray]) -> float:
    with np.errstate(over="ignore"):
        return float(np.sqrt(sum(float(np.square(array, dtype=np.float64).sum()) for array in arrays.values())))
