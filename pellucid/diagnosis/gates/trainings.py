"""Trainings that gates run by themselves, and how much they may cost."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from pellucid.diagnosis.gates.case import Case
from pellucid.diagnosis.gates.uninterrupted import uninterrupted
from pellucid.executors.program import DEFAULT_EXECUTOR
from pellucid.training.members import Member
from pellucid.training.population import fit_population
from pellucid.training.population_result import Population

CHEAP = 2e10
"""So many products of a parameter and an example, forward and backward, are learned from without a thought."""

TIMES = 2.0
"""Populations that would cost more may cost so many trainings like the one that is judged."""

OWN = ("seed", "start_from", "time_limit", "progress", "checkpoint", "checkpoint_seconds", "resume", "history_file")
"""Options of a training that its members have of their own, or that are for one training only."""


def affordable_epochs(case: Case, members: int) -> int:
    """Return how many epochs each of so many trainings may take: all that the network took, unless that is too much.

    It depends on sizes alone, not on the clock, so that the same case gives the same report on every machine.
    """
    assert case.fit is not None
    epochs = max(len(case.fit.history), 1)
    cost = float(case.network.count_parameters()) * len(case.arranged.examples.rows) * epochs * members
    if case.options.get("executor", DEFAULT_EXECUTOR) != DEFAULT_EXECUTOR:
        cost *= 30
    if cost <= CHEAP:
        return epochs
    return max(1, min(epochs, math.ceil(max(epochs * CHEAP / cost, epochs * TIMES / members))))


def train_members(case: Case, members: Sequence[Member], epochs: int) -> Population:
    """Return what members learn from the case's examples in some epochs, otherwise as its options say."""
    options: dict[str, Any] = {name: value for name, value in case.options.items() if name not in OWN}
    options |= {"epochs": epochs, "validation": case.validation, "progress": False}
    examples = case.dataset.take(case.arranged.examples.rows)
    return uninterrupted(fit_population(case.network, examples, members, **options))
