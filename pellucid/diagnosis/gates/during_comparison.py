"""Gates that hold a network against simpler models on what it learned from, and against itself on what it did not."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pellucid.diagnosis.gates.case import Case
from pellucid.diagnosis.gates.finding import Finding
from pellucid.diagnosis.gates.gate import find, gate
from pellucid.diagnosis.gates.judged import Judged, interval, judged_held_out, judged_learned, unit_of_loss
from pellucid.diagnosis.gates.thresholds import Threshold, Thresholds, declare
from pellucid.training.metrics import as_probability, predicted_classes
from pellucid.training.result import Fit

declare(
    Threshold(
        "loss_and_errors_agree",
        1.3,
        2.0,
        "error of the predictions divided by that of the best constant, where the loss is the smaller one",
        "set by faults",
    ),
    Threshold(
        "loss_below_constant",
        0.1,
        0.03,
        "share of what the best constant costs that the network saves on the examples it learns from",
        "a constant output has no inputs",
        above=False,
    ),
    Threshold(
        "slower_than_linear",
        0.05,
        0.15,
        "how far the training loss stays above that of a linear model, as a share of what the best constant costs",
        "a network of one layer is a linear model",
    ),
    Threshold(
        "overfitting_gap",
        0.25,
        0.5,
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


@gate("during", "Are predictions right where the loss is small?")
def loss_and_errors_agree(case: Case, thresholds: Thresholds) -> Iterator[Finding]:
    unit = None if case.fit is None else unit_of_loss(case)
    if unit is None or case.constant is None or case.fit is None:
        return
    learned = judged_learned(case)
    assert learned.constant is not None
    saved = (learned.mean(learned.constant) - learned.mean(learned.network)) / unit
    errors = [_errors(fitted, learned) for fitted in (case.fit, case.constant)]
    if errors[0] is None or errors[1] is None or not errors[1] > 0:
        return
    ratio = errors[0] / errors[1]
    if not np.isfinite([saved, ratio]).all():
        return
    yield find(
        "loss_and_errors_agree",
        thresholds["loss_and_errors_agree"],
        ratio if saved > 0 else 1.0,
        f"on the examples that it learned from the network costs {learned.mean(learned.network):.4g}, the best constant"
        f" {learned.mean(learned.constant):.4g}; the mean error is {errors[0]:.4g}, of the constant {errors[1]:.4g}",
        remedy="Look at the loss: what makes it small does not make predictions right.",
        causes=("wrong_loss", "examples_mixed", "wrong_output"),
    )


def _errors(fitted: Fit, judged: Judged) -> float | None:
    """Return the mean absolute error of the predictions, or the share of wrong ones where there are classes."""
    predicted = fitted.predict(judged.dataset.inputs)
    if isinstance(predicted, dict):
        return None
    (output, loss), targets = next(iter(fitted.losses.items())), np.asarray(judged.dataset.targets, np.float64)
    guess = np.asarray(as_probability(predicted, fitted.evaluator.kinds[output]), np.float64).reshape(len(targets), -1)
    targets = targets.reshape(len(targets), -1)
    if loss.task in ("binary", "multiclass") and targets.shape[1] == 1:
        wrong = predicted_classes(guess) != targets[:, 0]
    elif guess.shape == targets.shape:
        wrong = np.abs(guess - targets).mean(axis=1)
    else:
        return None
    return judged.mean(wrong)


def _behind(judged: Judged) -> float:
    """Return by how much the network costs more than the linear model; infinite where it costs no finite number."""
    assert judged.linear is not None
    found = judged.mean(judged.network) - judged.mean(judged.linear)
    return found if np.isfinite(found) else np.inf
