"""Gates that hold a network against simpler models on what it learned from, and against itself on what it did not."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pellucid.diagnosis.gates.case import Case
from pellucid.diagnosis.gates.during_loss import start_loss
from pellucid.diagnosis.gates.finding import Finding
from pellucid.diagnosis.gates.gate import find, gate
from pellucid.diagnosis.gates.judged import Judged, interval, judged_held_out, judged_learned, unit_of_loss
from pellucid.diagnosis.gates.thresholds import Threshold, Thresholds, declare
from pellucid.training.metrics import as_probability, predicted_classes
from pellucid.training.result import Fit

GUESSES = ("mean", "median", "location", "rate", "probability", "score")
"""Kinds of predictions that are near the target where they are right."""

declare(
    Threshold(
        "loss_and_errors_agree",
        1.3,
        2.0,
        "error of the predictions divided by that of one guess for all, where the loss has become smaller",
        "set by faults",
    ),
    Threshold(
        "loss_below_constant",
        0.1,
        0.05,
        "share of what the best constant costs that the network saves on the examples it learns from",
        "a constant output has no inputs",
        above=False,
    ),
    Threshold(
        "slower_than_linear",
        0.06,
        0.15,
        "how far the training loss stays above that of a linear model, as a share of what the best constant costs",
        "a network of one layer is a linear model",
    ),
    Threshold(
        "overfitting_gap",
        0.2,
        0.35,
        "by how much the loss is greater on examples not learned from, for sure, as a share of what the best constant"
        " costs",
        "Goodfellow, Bengio, Courville 2016, section 5.2",
    ),
)


@gate("during", "Does it learn more than a constant output would?")
def loss_below_constant(case: Case, thresholds: Thresholds) -> Iterator[Finding]:
    unit = None if case.fit is None else unit_of_loss(case)
    if unit is None:
        return
    found = judged_learned(case)
    assert found.constant is not None
    constant, network = found.mean(found.constant), found.mean(found.network)
    yield find(
        "loss_below_constant",
        thresholds["loss_below_constant"],
        (constant - network) / unit if np.isfinite(network) else -np.inf,
        f"on the examples that it learned from the network costs {network:.4g}, the best constant {constant:.4g}",
        remedy="Look at the other gates for why nothing is learned: begin with the data and the learning rate.",
        causes=(
            "step_too_small",
            "too_much_regularization",
            "uninformative_inputs",
            "dead_units",
            "vanishing_gradients",
            "detached_layer",
            "wrong_targets",
            "step_too_large",
        ),
    )


@gate("during", "Does it come down to the training loss of a linear model?")
def slower_than_linear(case: Case, thresholds: Thresholds) -> Iterator[Finding]:
    unit = None if case.fit is None else unit_of_loss(case)
    if unit is None:
        return
    found, held_out = judged_learned(case), judged_held_out(case)
    if found.linear is None:
        return
    behind = [_behind(judged) / unit for judged in (found, held_out) if judged is not None]
    yield find(
        "slower_than_linear",
        thresholds["slower_than_linear"],
        min(behind),
        f"on the examples that it learned from the network costs {found.mean(found.network):.4g},"
        f" a linear model {found.mean(found.linear):.4g}",
        remedy="Raise the learning rate or train for longer; lower the regularization; look at the first weights.",
        causes=("step_too_small", "too_much_regularization", "step_too_large", "vanishing_gradients"),
    )


@gate("during", "Is the loss on examples not learned from near the training loss?")
def overfitting_gap(case: Case, thresholds: Thresholds) -> Iterator[Finding]:
    unit = None if case.fit is None else unit_of_loss(case)
    held_out = None if unit is None else judged_held_out(case)
    if unit is None or held_out is None:
        return
    learned = judged_learned(case)
    if not (np.isfinite(learned.network).all() and np.isfinite(held_out.network).all()):
        return
    seen, unseen = interval(learned.network, learned.weights), interval(held_out.network, held_out.weights)
    reach = float(np.hypot(seen.high - seen.mean, unseen.high - unseen.mean))
    yield find(
        "overfitting_gap",
        thresholds["overfitting_gap"],
        (unseen.mean - seen.mean - reach) / unit,
        f"the loss is {seen.mean:.4g} on {len(learned.dataset)} examples that it learned from, and {unseen.mean:.4g} on"
        f" {len(held_out.dataset)} others; the best constant costs {unit:.4g}",
        remedy="Stop early by a validation part, add rows, L2 or dropout, or take a smaller network.",
        causes=("overfitting", "too_few_examples", "wrong_targets"),
    )


@gate("during", "Do predictions become right where the loss becomes small?")
def loss_and_errors_agree(case: Case, thresholds: Thresholds) -> Iterator[Finding]:
    if case.fit is None or len(case.losses) > 1:
        return
    learned = judged_learned(case)
    errors = _errors(case.fit, learned)
    if errors is None:
        return
    before, after, (error, guessing) = start_loss(case), learned.mean(learned.network), errors
    if not np.isfinite([before, after, error]).all() or not guessing > 0:
        return
    yield find(
        "loss_and_errors_agree",
        thresholds["loss_and_errors_agree"],
        error / guessing if after < before else 0.0,
        f"on the examples that it learned from the loss goes from {before:.4g} to {after:.4g}; the mean error is then"
        f" {error:.4g}, while the same guess for all has {guessing:.4g}",
        remedy="Look at the loss: what makes it small does not make predictions right.",
        causes=("wrong_loss", "examples_mixed", "wrong_output"),
    )


def _errors(fitted: Fit, judged: Judged) -> tuple[float, float] | None:
    """Return the mean error of predictions, absolute or the share of wrong classes, and that of the best single guess.

    None where predictions are no guesses of the target, as for quantiles, or of other shape.
    """
    (loss,), (kind,) = fitted.losses.values(), fitted.evaluator.kinds.values()
    targets = np.asarray(judged.dataset.targets, np.float64).reshape(len(judged.dataset), -1)
    guess = np.asarray(as_probability(np.asarray(fitted.predict(judged.dataset.inputs)), kind), np.float64)
    guess = guess.reshape(len(targets), -1)
    if loss.task in ("binary", "multiclass") and targets.shape[1] == 1 and np.array_equal(targets, np.round(targets)):
        counts = np.bincount(targets[:, 0].astype(np.int64), judged.weights)
        wrong = predicted_classes(guess) != targets[:, 0]
        return judged.mean(wrong), 1 - float(counts.max() / judged.weights.sum())
    if kind not in GUESSES or guess.shape != targets.shape:
        return None
    middle = np.average(targets, axis=0, weights=judged.weights)
    return tuple(judged.mean(np.abs(one - targets).mean(axis=1)) for one in (guess, middle))  # type: ignore[return-value]


def _behind(judged: Judged) -> float:
    """Return by how much the network costs more than the linear model; infinite where it costs no finite number."""
    assert judged.linear is not None
    found = judged.mean(judged.network) - judged.mean(judged.linear)
    return found if np.isfinite(found) else np.inf
