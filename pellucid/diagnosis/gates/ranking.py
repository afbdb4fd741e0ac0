"""From all that gates have found to what is most likely the root of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from pellucid.diagnosis.gates.causes import CAUSES, Cause
from pellucid.diagnosis.gates.finding import FAIL, PASS, WARN, Finding

SEVERITY = {FAIL: 1.0, WARN: 0.35, PASS: 0.0}
"""What a finding counts, by its verdict."""

BY_PLACE = (1.0, 0.6, 0.4, 0.3)
"""What it counts for the causes that it names, the most likely first; those after the last count as the last."""

DIRECT, STRONG, SYMPTOM = 4.0, 2.5, 0.5

STRENGTH: Mapping[str, float] = {
    # These look at the cause itself.
    "constant_columns": DIRECT,
    "scaled_columns": DIRECT,
    "centred_columns": DIRECT,
    "scaled_targets": DIRECT,
    "test_like_training": DIRECT,
    "leaking_columns": DIRECT,
    "test_overlap": DIRECT,
    "validation_overlap": DIRECT,
    "class_balance": DIRECT,
    "enough_examples": DIRECT,
    "row_order": DIRECT,
    "examples_apart": 2 * DIRECT,
    "gradients_are_derivatives": 2 * DIRECT,
    "units_differ": DIRECT,
    "parameters_learn": DIRECT,
    "outputs_reach_targets": DIRECT,
    "loss_prefers_targets": DIRECT,
    "targets_suit_loss": DIRECT,
    "network_bends": DIRECT,
    "regularization_leaves_room": DIRECT,
    "loss_at_initialization": STRONG,
    "activations_at_initialization": STRONG,
    "gradients_at_initialization": STRONG,
    "saturated_at_initialization": STRONG,
    "dead_at_initialization": STRONG,
    # These look at what it does first.
    "learning_rate_lasts": DIRECT,
    "better_settings": STRONG,
    "updates_too_large": STRONG,
    "updates_too_small": STRONG,
    "parameters_changed": STRONG,
    "units_grow_apart": STRONG,
    "loss_and_errors_agree": STRONG,
    # These are symptoms of many causes.
    "small_subset": SYMPTOM,
    "inputs_help": SYMPTOM,
    "targets_belong": SYMPTOM,
    "shuffled_targets": SYMPTOM,
    "loss_below_constant": SYMPTOM,
    "slower_than_linear": SYMPTOM,
    "plateau": SYMPTOM,
    "beats_constant": SYMPTOM,
    "beats_linear": SYMPTOM,
    "spread_over_seeds": SYMPTOM,
    "spread_over_bootstraps": SYMPTOM,
    "calibration": SYMPTOM,
    "robustness": SYMPTOM,
}
"""What the findings of a gate count; 1 where it does not stand here."""

EXPLAINS: Mapping[str, Mapping[str, float]] = {
    "imbalance": {"target_leak": 0.3, "too_few_examples": 0.5, "overfitting": 0.3, "wrong_targets": 0.3},
    "uninformative_inputs": {
        "dead_units": 0.7,
        "detached_layer": 0.7,
        "small_initialization": 0.7,
        "no_hidden_activation": 0.7,
        "zero_initialization": 0.3,
    },
    "unscaled_inputs": {
        "saturated_units": 0.7,
        "dead_units": 0.5,
        "step_too_large": 0.5,
        "large_initialization": 0.5,
        "exploding_gradients": 0.5,
        "non_finite": 0.5,
    },
    "unscaled_targets": {
        "step_too_large": 0.5,
        "step_too_small": 0.5,
        "exploding_gradients": 0.5,
        "non_finite": 0.5,
        "wrong_output": 0.3,
    },
    "step_too_large": {"dead_units": 0.7, "saturated_units": 0.7, "non_finite": 0.7, "exploding_gradients": 0.5},
    "large_initialization": {
        "saturated_units": 0.3,
        "dead_units": 0.5,
        "exploding_gradients": 0.7,
        "non_finite": 0.7,
        "step_too_large": 0.5,
        "overfitting": 0.3,
    },
    "zero_initialization": {
        "detached_layer": 0.8,
        "vanishing_gradients": 0.7,
        "dead_units": 0.7,
        "step_too_small": 0.5,
        "small_initialization": 0.7,
        "uninformative_inputs": 0.3,
    },
    "small_initialization": {"vanishing_gradients": 0.6, "step_too_small": 0.5},
    "wrong_output": {
        "wrong_loss": 0.3,
        "dead_units": 0.7,
        "saturated_units": 0.5,
        "vanishing_gradients": 0.5,
        "network_too_small": 0.5,
        "step_too_small": 0.5,
        "step_too_large": 0.3,
    },
    "detached_layer": {"vanishing_gradients": 0.5, "step_too_small": 0.3},
    "saturated_units": {
        "vanishing_gradients": 0.7,
        "small_initialization": 0.7,
        "detached_layer": 0.7,
        "large_initialization": 0.4,
    },
    "vanishing_gradients": {"step_too_small": 0.4},
    "dead_units": {"vanishing_gradients": 0.4, "detached_layer": 0.6},
    "no_shuffle": {"step_too_large": 0.5, "overfitting": 0.3},
    "too_few_examples": {"overfitting": 0.4, "wrong_targets": 0.3},
    "wrong_targets": {"overfitting": 0.5, "step_too_small": 0.3},
}
"""What share of the evidence for other causes speaks for one that brings them about, where it has some of its own."""


OWN_GATES: Mapping[str, frozenset[str]] = {
    cause: frozenset(gates.split())
    for cause, gates in {
        "target_leak": "leaking_columns",
        "test_overlap": "test_overlap validation_overlap duplicate_rows",
        "wrong_targets": "targets_belong",
        "uninformative_inputs": "constant_columns inputs_help",
        "unscaled_inputs": "scaled_columns centred_columns test_like_training",
        "unscaled_targets": "scaled_targets",
        "imbalance": "class_balance",
        "no_shuffle": "row_order test_like_training",
        "wrong_loss": "outputs_reach_targets loss_prefers_targets targets_suit_loss loss_and_errors_agree",
        "wrong_output": "outputs_reach_targets loss_prefers_targets targets_suit_loss",
        "examples_mixed": "examples_apart",
        "wrong_gradient": "gradients_are_derivatives",
        "detached_layer": "parameters_learn parameters_changed",
        "no_hidden_activation": "network_bends",
        "zero_initialization": "units_differ units_grow_apart",
        "large_initialization": "activations_at_initialization gradients_at_initialization saturated_at_initialization"
        " loss_at_initialization better_settings",
        "small_initialization": "activations_at_initialization gradients_at_initialization better_settings",
        "vanishing_gradients": "gradients_at_initialization vanishing_gradients",
        "exploding_gradients": "gradients_at_initialization exploding_gradients",
        "dead_units": "dead_at_initialization dead_units",
        "saturated_units": "saturated_at_initialization saturated_units",
        "network_too_small": "small_subset beats_plain_network spread_over_seeds",
        "step_too_large": "updates_too_large loss_oscillates loss_diverges non_finite better_settings",
        "step_too_small": "updates_too_small still_falling better_settings learning_rate_lasts",
        "too_much_regularization": "regularization_leaves_room weights_keep_size better_settings",
        "overfitting": "overfitting_gap memorization calibration",
        "too_few_examples": "enough_examples",
    }.items()
}
"""The gates that look at a cause: where some of them were asked and none speaks for it, it is unlikely."""

UNLIKELY = 0.3
"""What is left then of all that speaks for a cause."""


class Ranked(NamedTuple):
    """A cause, how much speaks for it, and what does."""

    cause: Cause
    score: float
    findings: tuple[Finding, ...]


def rank_causes(report: Iterable[Finding]) -> list[Ranked]:
    """Return the causes that explain what gates have found, the most likely root first.

    Each finding that is no pass speaks for the causes that it names, a failure more than a warning, and more for those
    that it names first. A cause that brings others about takes over a share of what speaks for them.

    Parameters
    ----------
    report : GateReport or iterable of Finding

    Examples
    --------
    >>> from pellucid.diagnosis.gates.finding import Finding
    >>> found = [Finding("dead_units", "during", "fail", "90 % are dead", causes=("dead_units", "step_too_large")),
    ...          Finding("loss_diverges", "during", "fail", "it rises", causes=("step_too_large",))]
    >>> [ranked.cause.name for ranked in rank_causes(found)]
    ['step_too_large', 'dead_units']
    """
    findings = list(report)
    asked = {finding.gate for finding in findings}
    counts: dict[str, dict[int, float]] = {}
    for number, finding in enumerate(findings):
        weight = SEVERITY[finding.verdict] * STRENGTH.get(finding.gate, 1.0)
        for place, name in enumerate(finding.causes if weight else ()):
            if name in CAUSES:
                counts.setdefault(name, {})[number] = weight * BY_PLACE[min(place, len(BY_PLACE) - 1)]
    for name, gates in OWN_GATES.items():
        if name in counts and gates & asked and not any(findings[number].gate in gates for number in counts[name]):
            counts[name] = {number: UNLIKELY * count for number, count in counts[name].items()}
    scores = {name: sum(own.values()) + _taken_over(name, counts) for name, own in counts.items()}
    order = list(CAUSES)
    ranked = sorted(scores, key=lambda name: (-round(scores[name], 9), order.index(name)))
    return [Ranked(CAUSES[name], scores[name], tuple(findings[number] for number in counts[name])) for name in ranked]


def _taken_over(name: str, counts: Mapping[str, Mapping[int, float]]) -> float:
    """Return what speaks for a cause by way of those that it brings about; no more than what speaks for itself.

    Findings that name it already are not counted again.
    """
    own = counts[name]
    taken = sum(
        share * sum(count for number, count in counts.get(other, {}).items() if number not in own)
        for other, share in EXPLAINS.get(name, {}).items()
    )
    return min(sum(own.values()), taken)
