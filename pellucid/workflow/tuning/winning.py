"""The winner of a search: which trial it is, and the plan by which it is trained anew."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from pellucid.executors.cores import usable_cores
from pellucid.optim.lbfgs import LBFGS
from pellucid.tuning.engine import run_search
from pellucid.tuning.pruning import pruner
from pellucid.tuning.search import record_of
from pellucid.tuning.study import create_study
from pellucid.tuning.trial import FINISHED, MemberResult, Trial, common_epoch, ranking
from pellucid.workflow.division import TRAIN, VALIDATION
from pellucid.workflow.plans.plan import Plan
from pellucid.workflow.tuning.folding import fold_rows
from pellucid.workflow.tuning.recipe_objective import RecipeObjective
from pellucid.workflow.tuning.recipe_space import RecipeSpace
from pellucid.workflow.understanding import Understanding

FINALISTS = 10
"""So many of the best trials are cross-validated again before one of them wins."""

REPEATS = 2
"""How often, with other folds and other seeds."""

SEED_OF_FINAL = 10_000
"""What is added to the seed of the search there."""


class _NoMore:
    """A sampler that proposes nothing: all that is tried was given."""

    name = "given"
    learns = False

    def propose(self, first: int, count: int, history: Sequence[Trial], pending: Sequence[Trial]) -> list:
        return []


def final_plan(space: RecipeSpace, found: Understanding, trial: Trial, higher_is_better: bool) -> Plan:
    """Return the plan by which a trial's network is trained on all rows of the search.

    Where rows for validation would say when to stop, its cross-validation has said it already, by more rows: it learns
    from those for validation, too, for as many epochs as were best for all folds together. A schedule that falls over
    all epochs stays as it was, and is stopped there. One that listens to the validation needs it, and keeps it.

    Parameters
    ----------
    space : RecipeSpace
    found : Understanding
    trial : Trial
    higher_is_better : bool

    Returns
    -------
    Plan
    """
    plan = space.plan_of(trial.parameters)
    recipe, schedule = plan.recipe, plan.recipe.schedule()
    epochs = common_epoch(trial.members, higher_is_better) if trial.members else 0
    listens = schedule is not None and bool(schedule.initial_state())
    if not plan.judges or listens or not epochs:
        return plan
    changed = replace(recipe, metric="loss", patience=0)
    if schedule is None or isinstance(recipe.optimizer(), LBFGS):
        changed = replace(changed, epochs=epochs)
    else:
        rows = len(found.parts[TRAIN]) + len(found.parts[VALIDATION])
        changed = replace(changed, steps=epochs * math.ceil(rows / (recipe.rows_per_step or rows)))
    return replace(plan, learn_validation=True, recipe=changed)


def decide(
    objective: RecipeObjective, ranked: Sequence[Trial], seconds: float, threads: int | None
) -> tuple[Trial, str]:
    """Return the winner among the best trials, and how it was found, in words.

    The best of many values is the best by luck, too, and the more so the more there are and the fewer the rows. So the
    best trials are cross-validated again, with other folds and seeds, and the mean over all of it decides.

    Parameters
    ----------
    objective : RecipeObjective
    ranked : sequence of Trial
        The best one first.
    seconds : float
        What this may take; without enough time the first one wins.
    threads : int, optional

    Raises
    ------
    KeyboardInterrupt
        Where it is interrupted.
    """
    finalists = [trial for trial in ranked if trial.state == FINISHED][:FINALISTS]
    likely = REPEATS * sum(trial.seconds for trial in finalists) / (threads or usable_cores())
    if len(finalists) < 2 or likely > seconds or objective.folding.ordered or len(objective.members) < 2:
        return ranked[0], ""
    plan = objective.space.plan
    folds = len(objective.members) // objective.folding.repeats
    other = replace(plan, seed=plan.seed + SEED_OF_FINAL)
    folding = fold_rows(objective.found, other, folds, REPEATS)
    again = RecipeObjective(objective.found, replace(objective.space, plan=other), folding, objective.metric)
    record = record_of(again, objective.space.space, "random", "none", other.seed)
    given = [trial.parameters for trial in finalists]
    with create_study(None, record) as study:
        result = run_search(
            again,
            _NoMore(),
            pruner("none"),
            study,
            trials=len(given),
            seconds=None if math.isinf(seconds) else max(seconds, 1e-3),
            start_with=given,
            threads=threads,
        )
    if result.interrupted:
        raise KeyboardInterrupt
    if not all(trial.state == FINISHED for trial in result.trials):
        return ranked[0], ""
    times = len(objective.members) * 1.0, len(folding.labels) * 1.0
    both = [_mean(mine, anew, times) for mine, anew in zip(finalists, result.trials, strict=True)]
    best = ranking(both, objective.higher_is_better)[0]
    told = f"The winner was chosen among the best {len(both)} trials by {REPEATS} more cross-validations of each."
    return next(trial for trial in finalists if trial.number == best.number), told


def _mean(first: Trial, anew: Trial, weights: tuple[float, float]) -> Trial:
    """Return a trial with the mean of its values in the search and anew."""
    assert first.value is not None and anew.value is not None
    value = (weights[0] * first.value + weights[1] * anew.value) / sum(weights)
    members: tuple[MemberResult, ...] = (*first.members, *anew.members)
    return Trial(first.number, first.parameters, first.bracket, FINISHED, value, members)
