"""Gates on what a network is worth on examples that it has not learned from, beside models that anybody can have."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pellucid.diagnosis.gates.case import Case
from pellucid.diagnosis.gates.finding import Finding
from pellucid.diagnosis.gates.gate import find, gate
from pellucid.diagnosis.gates.judged import (
    Interval,
    Judged,
    interval,
    judged_held_out,
    judged_learned,
    row_losses,
    unit_of_loss,
)
from pellucid.diagnosis.gates.plain import UNITS, plain_network
from pellucid.diagnosis.gates.thresholds import Threshold, Thresholds, declare
from pellucid.training.metrics import as_probability, predicted_classes
from pellucid.training.result import Fit

declare(
    Threshold(
        "beats_constant",
        0.1,
        0.05,
        "the most that the network may save of what the best constant costs, on examples not learned from",
        "interval of the paired differences, 98 %",
        above=False,
    ),
    Threshold(
        "beats_linear",
        0.05,
        0.15,
        "by how much the network costs more than a linear model, for sure, as a share of what the best constant costs,"
        " on examples not learned from",
        "interval of the paired differences, 98 %",
    ),
    Threshold(
        "beats_plain_network",
        0.06,
        0.12,
        "by how much the network costs more than two layers of rectifiers learned by Adam, for sure, as a share of what"
        " the best constant costs, on examples not learned from",
        "interval of the paired differences, 98 %",
    ),
)


@gate("after", "Does it beat the majority class, or the mean?")
def beats_constant(case: Case, thresholds: Thresholds) -> Iterator[Finding]:
    unit = None if case.fit is None else unit_of_loss(case)
    found = None if unit is None else judged_held_out(case)
    if unit is None or found is None or found.constant is None:
        return
    saved = _paired(found.constant - found.network, found)
    decided = _decided(case, found, case.constant, "the majority class")
    measured = max(saved.high / unit, decided[0]) if decided else saved.high / unit
    told = "" if decided is None else f"; {decided[1]}"
    yield find(
        "beats_constant",
        thresholds["beats_constant"],
        measured,
        f"on {len(found.dataset)} examples not learned from the network costs {found.mean(found.network):.4g}, the best"
        f" constant {found.mean(found.constant):.4g}: it saves {saved.low:.3g} to {saved.high:.3g}{told}",
        remedy="Do not use it: a constant does as well. Look at whether inputs and targets belong together.",
        causes=("overfitting", "uninformative_inputs", "wrong_targets", "step_too_small", "too_much_regularization"),
    )


@gate("after", "Does it do as well as a linear model?")
def beats_linear(case: Case, thresholds: Thresholds) -> Iterator[Finding]:
    unit = None if case.fit is None else unit_of_loss(case)
    found = None if unit is None else judged_held_out(case)
    if unit is None or found is None or found.linear is None:
        return
    worse = _paired(found.network - found.linear, found)
    decided = _decided(case, found, case.linear, "the linear model")
    measured = min(worse.low / unit, -decided[0]) if decided else worse.low / unit
    told = "" if decided is None else f"; {decided[1]}"
    yield find(
        "beats_linear",
        thresholds["beats_linear"],
        measured,
        f"on {len(found.dataset)} examples not learned from the network costs {found.mean(found.network):.4g}, a linear"
        f" model {found.mean(found.linear):.4g}: {worse.low:.3g} to {worse.high:.3g} more{told}",
        remedy="Use the linear model, or stop the network earlier and look at its learning rate.",
        causes=("overfitting", "step_too_small", "step_too_large", "too_much_regularization"),
    )


@gate("after", "Does it do as well as a plain network?", trains=True)
def beats_plain_network(case: Case, thresholds: Thresholds) -> Iterator[Finding]:
    unit = None if case.fit is None else unit_of_loss(case)
    found = None if unit is None else judged_held_out(case)
    plain = None if found is None else plain_network(case)
    if unit is None or found is None or plain is None:
        return
    learned = judged_learned(case)
    costs = row_losses(plain, found.dataset)
    worse = _paired(found.network - costs, found)
    decided = _decided(case, found, plain, "a plain network")
    measured = min(worse.low / unit, -decided[0]) if decided else worse.low / unit
    behind = (learned.mean(learned.network) - learned.mean(row_losses(plain, learned.dataset))) / unit
    causes: tuple[str, ...] = ("overfitting", "wrong_targets", "too_few_examples")
    if not behind < 0.5 * thresholds["beats_plain_network"].warn:
        causes = ("step_too_small", "network_too_small", "too_much_regularization", "vanishing_gradients")
        if case.network.count_parameters() < 0.1 * plain.network.count_parameters():
            causes = ("network_too_small", *(cause for cause in causes if cause != "network_too_small"))
    told = "" if decided is None else f"; {decided[1]}"
    yield find(
        "beats_plain_network",
        thresholds["beats_plain_network"],
        measured,
        f"on {len(found.dataset)} examples not learned from the network costs {found.mean(found.network):.4g}, two"
        f" layers of {UNITS} rectifiers {found.mean(costs):.4g}: {worse.low:.3g} to {worse.high:.3g} more{told}",
        remedy="Begin with the plain network, and change one thing at a time.",
        causes=causes,
    )


def _paired(differences: np.ndarray, found: Judged) -> Interval:
    if np.isfinite(differences).all():
        return interval(differences, found.weights)
    known = differences[~np.isnan(differences)]  # NaN where both cost infinitely much
    worst = np.inf * float(np.sign(np.sum(np.sign(known[np.isinf(known)])))) if np.isinf(known).any() else 0.0
    return Interval(worst, worst, worst)


def _decided(case: Case, found: Judged, other: Fit | None, name: str) -> tuple[float, str] | None:
    """Return the most by which a network of classes is right more often than a baseline, and that in words.

    A network that is sure too soon may cost much and yet be right; that is told by the gate on calibration. As a share
    of the errors of the baseline.
    """
    fitted = case.fit
    if fitted is None or other is None or case.task not in ("binary", "multiclass") or len(case.losses) > 1:
        return None
    target = np.asarray(found.dataset.targets).reshape(len(found.dataset), -1)
    if target.shape[1] != 1 or not np.array_equal(target, np.round(target)):
        return None
    kind = next(iter(fitted.evaluator.kinds.values()))
    right = [
        predicted_classes(as_probability(np.asarray(one.predict(found.dataset.inputs)), kind)) == target[:, 0]
        for one in (fitted, other)
    ]
    more = interval(right[0].astype(float) - right[1], found.weights)
    shares = [float(np.average(one, weights=found.weights)) for one in right]
    wrong = max(1 - shares[1], 1 / len(target))
    return more.high / wrong, f"it is right in {shares[0]:.1%} of them, {name} in {shares[1]:.1%}"
