"""Gates on luck: how much depends on the seed and on which examples there were, and what is known by heart."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pellucid.data.bootstraps import bootstraps
from pellucid.diagnosis.gates.case import Case
from pellucid.diagnosis.gates.finding import Finding
from pellucid.diagnosis.gates.gate import find, gate
from pellucid.diagnosis.gates.judged import Judged, judged_held_out, judged_learned, row_losses, unit_of_loss
from pellucid.diagnosis.gates.thresholds import Threshold, Thresholds, declare
from pellucid.diagnosis.gates.trainings import affordable_epochs, train_members
from pellucid.training.members import Member
from pellucid.training.population_result import Population

MEMBERS = 8
FEW_EXAMPLES = 10
"""Bootstrap samples of fewer examples say nothing."""

declare(
    Threshold(
        "spread_over_seeds",
        0.15,
        0.28,
        f"standard deviation of the loss over {MEMBERS} seeds, as a share of what the best constant costs",
        "Bouthillier et al. 2021; set by faults",
    ),
    Threshold(
        "spread_over_bootstraps",
        0.3,
        0.6,
        f"standard deviation of the loss over {MEMBERS} bootstrap samples, as a share of what the best constant costs",
        "Efron 1979; set by faults",
    ),
    Threshold(
        "memorization",
        0.33,
        0.42,
        "by how much an example costs less if it was learned from, as a share of what the best constant costs;"
        " no example counts for more than that",
        "Feldman and Zhang 2020",
    ),
)


@gate("after", "Does another seed give as good a network?", trains=True)
def spread_over_seeds(case: Case, thresholds: Thresholds) -> Iterator[Finding]:
    unit = None if case.fit is None or case.error is not None else unit_of_loss(case)
    if unit is None:
        return
    epochs = affordable_epochs(case, MEMBERS)
    population = train_members(
        case, [Member(seed=case.seed + 1 + number, start_from=_start(case)) for number in range(MEMBERS)], epochs
    )
    judged = judged_held_out(case) or judged_learned(case)
    costs = _costs(population, judged)
    failed = f", and {len(population.errors)} met a value that is not finite" if population.errors else ""
    yield find(
        "spread_over_seeds",
        thresholds["spread_over_seeds"],
        np.inf if population.errors else float(np.std(costs)) / unit,
        f"with {MEMBERS} other seeds and {epochs} epochs the network costs {_range(costs)}{failed};"
        f" the best constant costs {unit:.4g}",
        remedy="Take a network with more units, or a smaller learning rate; or choose the best of several seeds.",
        causes=("network_too_small", "step_too_large", "dead_units", "too_few_examples"),
    )


@gate("after", "Do other samples of the same size give as good a network?", trains=True)
def spread_over_bootstraps(case: Case, thresholds: Thresholds) -> Iterator[Finding]:
    unit = None if case.fit is None or case.error is not None else unit_of_loss(case)
    judged = None if unit is None else judged_held_out(case)
    if unit is None or judged is None or len(case.arranged.examples.rows) < FEW_EXAMPLES:
        return
    population, _ = _bootstrapped(case)
    costs = _costs(population, judged)
    yield find(
        "spread_over_bootstraps",
        thresholds["spread_over_bootstraps"],
        np.inf if population.errors else float(np.std(costs)) / unit,
        f"learned from {MEMBERS} bootstrap samples the network costs {_range(costs)} on {len(judged.dataset)} other"
        f" examples; the best constant costs {unit:.4g}",
        remedy="Get more rows, or take a smaller network, L2 or dropout.",
        causes=("too_few_examples", "overfitting", "step_too_large"),
    )


@gate("after", "Does it know more than the examples by heart?", trains=True)
def memorization(case: Case, thresholds: Thresholds) -> Iterator[Finding]:
    unit = None if case.fit is None or case.error is not None else unit_of_loss(case)
    if unit is None or len(case.arranged.examples.rows) < FEW_EXAMPLES:
        return
    population, drawn = _bootstrapped(case)
    if population.errors:
        return
    learned = judged_learned(case)
    costs = np.minimum([row_losses(fitted, learned.dataset) for fitted in population.fits], np.finfo(np.float64).max)
    inside, outside = drawn.sum(axis=0), (~drawn).sum(axis=0)
    both = (inside > 0) & (outside > 0)
    if not both.any():
        return
    known = np.where(drawn, costs, 0).sum(axis=0)[both] / inside[both]
    unknown = np.where(drawn, 0, costs).sum(axis=0)[both] / outside[both]
    more = np.clip((unknown - known) / unit, -1.0, 1.0)
    yield find(
        "memorization",
        thresholds["memorization"],
        float(np.average(more, weights=learned.weights[both])),
        f"an example costs {np.average(known, weights=learned.weights[both]):.4g} where it was in the bootstrap sample"
        f" learned from, and {np.average(unknown, weights=learned.weights[both]):.4g} where it was not",
        remedy="Stop earlier, add rows, L2 or dropout, or take a smaller network.",
        causes=("overfitting", "too_few_examples", "wrong_targets"),
    )


def _start(case: Case) -> object:
    return case.options.get("start_from")


def _bootstrapped(case: Case) -> tuple[Population, np.ndarray]:
    """Return networks of bootstrap samples, and which examples of `case.learned` each has seen; trained once."""
    return case.once("bootstrapped", lambda: _train_on_samples(case))


def _train_on_samples(case: Case) -> tuple[Population, np.ndarray]:
    rows = case.arranged.examples.rows
    samples = [drawn for drawn, _ in bootstraps(len(rows), MEMBERS, case.seed)]
    members = [Member(seed=case.seed, rows=drawn, start_from=_start(case)) for drawn in samples]
    population = train_members(case, members, affordable_epochs(case, MEMBERS))
    places = np.flatnonzero(np.isin(rows, case.rows(len(case.learned))))
    return population, np.array([np.isin(places, drawn) for drawn in samples])


def _costs(population: Population, judged: Judged) -> np.ndarray:
    """Return the mean loss of each member that can be used."""
    return np.array([judged.mean(row_losses(population.fits[number], judged.dataset)) for number in population.usable])


def _range(costs: np.ndarray) -> str:
    return f"{costs.min():.4g} to {costs.max():.4g}" if len(costs) else "nothing that is finite"
