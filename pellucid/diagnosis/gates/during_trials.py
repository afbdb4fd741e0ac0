"""A gate that tries other settings where a network learns little: the best evidence of what was wrong with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from pellucid.diagnosis.gates.case import Case
from pellucid.diagnosis.gates.finding import Finding
from pellucid.diagnosis.gates.gate import find, gate
from pellucid.diagnosis.gates.judged import judged_held_out, judged_learned, row_losses, unit_of_loss
from pellucid.diagnosis.gates.thresholds import Threshold, Thresholds, declare
from pellucid.diagnosis.gates.trainings import affordable_epochs, train_members
from pellucid.nn.initializers import default_initializer
from pellucid.training.full_batch import LBFGSTraining
from pellucid.training.members import Member
from pellucid.training.result import Fit

declare(
    Threshold(
        "better_settings",
        0.1,
        0.18,
        "how much less the network costs with another setting, as a share of what the best constant costs",
        "a trial on the same examples",
    )
)

SAVES_ENOUGH = 0.75
"""A network that saves this share of what the best constant costs is not tried with other settings."""

LONGER = 10
"""So many times longer training is tried, where that is cheap."""

OTHER_SIZE = 1.5
"""Weights so many times larger or smaller than usual are tried anew: through ten layers that is a factor of 58."""

STRENGTHS = ("rate", "std", "strength", "weight_noise", "weight_decay", "label_smoothing")
"""What settings of regularization are called, by the last part of their name; 0 turns them off."""

REMEDIES = {
    "step_too_large": "Lower the learning rate, ten times.",
    "step_too_small": "Raise the learning rate, ten times or more, or train for longer.",
    "too_much_regularization": "Lower L2, L1, dropout or noise, ten times or more.",
    "large_initialization": "Take the initializer that suits the activation: it is the default.",
}


@gate("during", "Would no other setting do much better?", trains=True)
def better_settings(case: Case, thresholds: Thresholds) -> Iterator[Finding]:
    unit = None if case.fit is None else unit_of_loss(case)
    if unit is None or not _is_poor(case, unit):
        return
    members = _members(case)
    if len(members) < 2:
        return
    epochs = affordable_epochs(case, len(members))
    population = train_members(case, [member for _, _, member in members], epochs)
    failed = set(population.errors) | ({0} if case.error is not None else set())
    costs = [_costs(case, fitted, number in failed) for number, fitted in enumerate(population.fits)]
    best: dict[str, tuple[float, int]] = {}
    for number, (_, cause, _) in enumerate(members[1:], start=1):
        better = float(np.min(costs[0] - costs[number])) / unit if np.isfinite(costs[number]).all() else -np.inf
        best[cause] = max(best.get(cause, (-np.inf, number)), (better, number))
    longer = _train_for_longer(case, epochs)
    if longer is not None:
        members.append((f"after {LONGER} times as many", "step_too_small", members[0][2]))
        costs.append(longer)
        gain = float(np.min(costs[0] - longer)) / unit if np.isfinite(longer).all() else -np.inf
        best["step_too_small"] = max(best.get("step_too_small", (-np.inf, 0)), (gain, len(costs) - 1))
    for cause, (better, number) in best.items():
        words = members[number][0]
        told = (
            f"after {epochs} epochs the training loss is {costs[0][0]:.4g} as it is, and {costs[number][0]:.4g} {words}"
        )
        remedy = REMEDIES.get(cause, REMEDIES["large_initialization"])
        rule = thresholds["better_settings"]
        yield find("better_settings", rule, better, told, remedy=remedy, causes=(cause,), where=words)


def _train_for_longer(case: Case, epochs: int) -> np.ndarray | None:
    """Return what the network costs after several times as many epochs; None where they would cost too much time."""
    if case.error is not None or affordable_epochs(case, LONGER) < epochs or case.options.get("steps") is not None:
        return None
    population = train_members(case, [_as_it_is(case)], LONGER * epochs)
    return _costs(case, population.fits[0], bool(population.errors))


def _as_it_is(case: Case) -> Member:
    return Member(seed=case.seed, start_from=case.options.get("start_from"))


def _is_poor(case: Case, unit: float) -> bool:
    if case.error is not None:
        return True
    found = judged_learned(case)
    assert found.constant is not None
    saved = (found.mean(found.constant) - found.mean(found.network)) / unit
    return not saved >= SAVES_ENOUGH


def _members(case: Case) -> list[tuple[str, str, Member]]:
    """Return what is tried: in words, the cause that it would speak for, and the member; first how it is now."""
    training = case.arranged.training()
    way = training.objective if isinstance(training, LBFGSTraining) else getattr(training, "steps", None)
    settings: dict[str, float] = dict(way.settings) if way is not None else {}
    given = dict(case.options.get("settings") or {})
    base = _as_it_is(case)
    found = [("as it is", "", base)]
    rate = settings.get("learning_rate", 0.0)
    if rate:
        for factor, words, cause in (
            (0.1, "with a tenth of the learning rate", "step_too_large"),
            (0.01, "with a hundredth of the learning rate", "step_too_large"),
            (10.0, "with ten times the learning rate", "step_too_small"),
            (100.0, "with a hundred times the learning rate", "step_too_small"),
        ):
            found.append((words, cause, replace(base, settings={**given, "learning_rate": rate * factor})))
    strengths = {name: 0.0 for name, value in settings.items() if value and name.rpartition("/")[2] in STRENGTHS}
    if strengths:
        words, cause = "without regularization", "too_much_regularization"
        found.append((words, cause, replace(base, settings={**given, **strengths})))
    usual, cause = _usual_start(case)
    if usual:
        found.append(("with usual first weights", cause, replace(base, start_from=usual)))
    return found


def _usual_start(case: Case) -> tuple[Mapping[str, np.ndarray], str]:
    """Return first values of weights as they are drawn unless one says otherwise, and what speaks against those used.

    Empty where they are of that size already.
    """
    first = case.parameters
    values: dict[str, np.ndarray] = {}
    cause = ""
    for layer in case.records[0].layers if case.records else ():
        path = f"{layer.name}/weight"
        parameter = case.network.parameters.get(path)
        if parameter is None or parameter.type.size < 2:
            continue
        drawn = default_initializer(layer.activation or "identity").draw(parameter, case.seed)
        values[path] = np.asarray(drawn, parameter.type.dtype.numpy)
        given, usual = (float(np.sqrt(np.mean(np.square(a, dtype=np.float64)))) for a in (first[path], values[path]))
        ratio, hidden = given / usual, bool(layer.activation)
        if np.ptp(first[path]) == 0 and hidden:
            cause = "zero_initialization"
        elif ratio > OTHER_SIZE and not cause:
            cause = "large_initialization"
        elif 0 < ratio < 1 / OTHER_SIZE and not cause:
            cause = "small_initialization"
    if not cause:
        return {}, cause
    biases = {path: np.zeros_like(first[path]) for path, p in case.network.parameters.items() if p.kind == "bias"}
    return {**first, **biases, **values}, cause


def _costs(case: Case, fitted: Fit, failed: bool) -> np.ndarray:
    """Return the mean loss on examples that were learned from, and on others if there are any; infinite if failed."""
    held_out = judged_held_out(case)
    judged = [judged_learned(case)] + ([held_out] if held_out is not None else [])
    means = np.array([found.mean(row_losses(fitted, found.dataset)) for found in judged])
    return np.where(np.isfinite(means) & (not failed), means, np.inf)
