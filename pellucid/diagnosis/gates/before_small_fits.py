"""Gates that learn for a short while: from few examples, from nothing, and from targets of other examples."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pellucid.diagnosis.gates.by_heart import (
    ENOUGH,
    FEW,
    learned_by_heart,
    learned_with_regularization,
    why_not_learned,
)
from pellucid.diagnosis.gates.case import Case
from pellucid.diagnosis.gates.finding import Finding
from pellucid.diagnosis.gates.gate import find, gate
from pellucid.diagnosis.gates.probe import inputs_are_alike
from pellucid.diagnosis.gates.small_fits import sureness
from pellucid.diagnosis.gates.three_ways import three_ways
from pellucid.diagnosis.gates.thresholds import Threshold, Thresholds, declare

_KARPATHY = "Karpathy 2019, A recipe for training neural networks"

declare(
    Threshold(
        "small_subset",
        0.5,
        0.7,
        f"share of a constant's loss that is left after learning {FEW} examples by heart",
        _KARPATHY,
    ),
    Threshold(
        "regularization_leaves_room",
        0.8,
        0.95,
        f"share of a constant's loss that is left on {FEW} examples with regularization, where little is without it",
        "faults of too strong a penalty or dropout",
    ),
    Threshold(
        "inputs_help",
        3.0,
        1.2,
        "by how many standard errors inputs make new examples cheaper than inputs of 0 do",
        f"paired differences; {_KARPATHY}",
        above=False,
    ),
    Threshold(
        "targets_belong",
        3.0,
        1.2,
        "by how many standard errors new examples are cheaper after learning true targets than shuffled ones",
        "paired differences; Zhang et al. 2017, Understanding deep learning requires rethinking generalization",
        above=False,
    ),
    Threshold(
        "shuffled_targets",
        4.0,
        6.0,
        "by how many standard errors shuffled targets of new examples are cheaper than under a constant",
        "paired differences; Zhang et al. 2017",
    ),
)


@gate("before", "Can a few examples be learned by heart?", trains=True)
def small_subset(case: Case, thresholds: Thresholds) -> Iterator[Finding]:
    found = learned_by_heart(case)
    if found is None:
        return
    causes, remedy, more = why_not_learned(found)
    yield find(
        "small_subset",
        thresholds["small_subset"],
        found.left,
        f"after {found.steps} steps on {found.rows} examples without regularization the loss is {found.reached:.4g};"
        f" the best constant costs {found.constant:.4g}{more}",
        remedy=remedy,
        causes=causes,
    )


@gate("before", "Does regularization leave room to learn?", trains=True)
def regularization_leaves_room(case: Case, thresholds: Thresholds) -> Iterator[Finding]:
    found, strict = learned_by_heart(case), learned_with_regularization(case)
    if found is None or strict is None:
        return
    reached, left = strict
    yield find(
        "regularization_leaves_room",
        thresholds["regularization_leaves_room"],
        left,
        f"on {found.rows} examples the loss falls to {found.reached:.4g} without regularization and to {reached:.4g}"
        f" with it; the best constant costs {found.constant:.4g}",
        remedy="Lower L2, L1, dropout or noise, ten times or more.",
        causes=("too_much_regularization",),
    )


@gate("before", "Do the inputs help?", trains=True)
def inputs_help(case: Case, thresholds: Thresholds) -> Iterator[Finding]:
    found = three_ways(case)
    if found is None:
        return
    yield find(
        "inputs_help",
        thresholds["inputs_help"],
        sureness(found.zero, found.real, found.weights),
        f"new examples cost {_mean(found.real, found.weights):.4g} after {found.steps} steps on {found.rows} examples,"
        f" and {_mean(found.zero, found.weights):.4g} where all inputs are 0",
        remedy="Look at some inputs as the network gets them, and at how targets were joined to them.",
        causes=_why_no_help(case),
    )


@gate("before", "Do the targets belong to their rows?", trains=True)
def targets_belong(case: Case, thresholds: Thresholds) -> Iterator[Finding]:
    found = three_ways(case)
    if found is None:
        return
    yield find(
        "targets_belong",
        thresholds["targets_belong"],
        sureness(found.shuffled, found.real, found.weights),
        f"new examples cost {_mean(found.real, found.weights):.4g} after {found.steps} steps on {found.rows} examples,"
        f" and {_mean(found.shuffled, found.weights):.4g} after as many on shuffled targets",
        remedy="Look at how inputs and targets were joined: one may be shifted or sorted on its own.",
        causes=_why_no_help(case),
    )


def _mean(each: np.ndarray, weights: np.ndarray) -> float:
    return float(np.average(each, weights=weights))


def _why_no_help(case: Case) -> tuple[str, ...]:
    """Return what may be the cause where learning from inputs brings nothing."""
    if inputs_are_alike(case):
        return ("uninformative_inputs",)
    found = learned_by_heart(case)
    if found is not None and found.left > ENOUGH:
        return why_not_learned(found)[0]
    strict = learned_with_regularization(case)
    if strict is not None and strict[1] > ENOUGH:
        return ("too_much_regularization",)
    ways = three_ways(case)
    if found is not None and ways is not None and ways.steps < found.steps / 2:
        return "step_too_small", "wrong_targets"
    return "wrong_targets", "uninformative_inputs", "too_few_examples"


@gate("before", "Is it impossible to generalize from shuffled targets?", trains=True)
def shuffled_targets(case: Case, thresholds: Thresholds) -> Iterator[Finding]:
    found = three_ways(case)
    if found is None or found.of_constant is None:
        return
    yield find(
        "shuffled_targets",
        thresholds["shuffled_targets"],
        max(sureness(found.of_constant, found.of_shuffled, found.weights), 0.0),
        f"after {found.steps} steps on {found.rows} examples with shuffled targets, shuffled targets of new examples"
        f" cost {_mean(found.of_shuffled, found.weights):.4g}, and {_mean(found.of_constant, found.weights):.4g}"
        f" under the best constant",
        remedy="What was learned from one part is known of the other: look for what joins the rows.",
        causes=("test_overlap", "target_leak"),
    )
