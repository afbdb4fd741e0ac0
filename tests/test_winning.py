"""Which trial wins, and how its network is trained on all rows of the search."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from pellucid.tuning.space import Space
from pellucid.tuning.trial import FINISHED, MemberResult, Trial, common_value
from pellucid.workflow.division import divide
from pellucid.workflow.plans.plan import Plan
from pellucid.workflow.tuning import winning
from pellucid.workflow.tuning.folding import fold_rows
from pellucid.workflow.tuning.recipe_objective import RecipeObjective
from pellucid.workflow.tuning.recipe_space import recipe_space
from pellucid.workflow.tuning.winning import decide, final_plan
from pellucid.workflow.understanding import understand

ROWS = 90
RATES = Space({"optimizer.learning_rate": "log_uniform(0.001, 0.3)"})


def table(rows=ROWS):
    rng = np.random.default_rng(3)
    x = rng.normal(size=(rows, 2))
    return {"a": x[:, 0], "b": x[:, 1], "y": np.where(x[:, 0] + 0.7 * rng.normal(size=rows) > 0, "yes", "no")}


def plan_with(*settings):
    return Plan(target=("y",)).set("network.hidden=4", "training.epochs=12", "training.patience=4", *settings)


def trial_with(*best):
    curves = [tuple((epoch, abs(epoch - one) + 0.5) for epoch in range(1, 13)) for one in best]
    return Trial(3, {"optimizer.learning_rate": 0.02}).ended(
        FINISHED, [MemberResult(0.5, 12, one, 0.1, curve) for one, curve in zip(best, curves, strict=True)]
    )


def planned(trial, *settings):
    plan = plan_with(*settings)
    found = understand(table(), plan)
    return final_plan(recipe_space(RATES, plan), found, trial, False), found


def test_the_winner_learns_from_all_rows_for_the_epochs_that_were_best_for_all_folds():
    plan, found = planned(trial_with(4, 8, 7), "training.metric=log_loss")
    assert plan.recipe.epochs == 7 and plan.recipe.patience == 0 and plan.recipe.learning_rate == 0.02
    assert plan.learn_validation and plan.recipe.metric == "loss" and plan.validation == 0.1
    parts = divide(found.table, found.task, plan).parts
    assert np.array_equal(parts["test"], found.parts["test"])  # the same rows as before
    both = np.concatenate([found.parts["train"], found.parts["validation"]])
    assert np.array_equal(parts["train"], np.sort(both)) and not len(parts["validation"])


def test_a_schedule_over_all_epochs_stays_what_it_was():
    plan, _ = planned(trial_with(5, 5), "schedule.name=cosine")
    assert plan.recipe.epochs == 12 and plan.recipe.steps == 5 * math.ceil(72 / 32)


@pytest.mark.parametrize("setting", ["schedule.name=on_plateau", "split.validation=0"])
def test_what_needs_the_validation_or_has_none_stays_as_it_is(setting):
    plan, _ = planned(trial_with(5, 5), setting)
    assert not plan.learn_validation and plan.recipe.epochs == 12 and plan.recipe.patience == 4


def objective_of(plan):
    found = understand(table(), plan)
    space = recipe_space(RATES, plan)
    return RecipeObjective(found, space, fold_rows(found, plan, 3), "log_loss")


def results_of(objective, parameters):
    """What each member brings, trained one by one without any search."""
    found = []
    for member in range(len(objective.members)):
        contender = objective.begin(parameters, member)
        while not contender.learn(contender.epochs, 1.0):
            pass
        found.append(contender.result())
    return found


@pytest.mark.parametrize("threads", [1, 3])
def test_the_best_trials_are_cross_validated_again(threads, monkeypatch):
    monkeypatch.setattr(winning, "FINALISTS", 4)
    plan = plan_with("training.metric=log_loss")
    objective = objective_of(plan)
    rates = (0.003, 0.01, 0.03, 0.1, 0.2)
    trials = []
    for number, rate in enumerate(rates):
        parameters = {"optimizer.learning_rate": rate}
        members = results_of(objective, parameters)
        trials.append(Trial(number, parameters).ended(FINISHED, members, value=common_value(members, False)))
    ranked = sorted(trials, key=lambda trial: trial.value)
    best, told = decide(objective, ranked, math.inf, threads)
    other = replace(plan, seed=plan.seed + winning.SEED_OF_FINAL)
    folding = fold_rows(objective.found, other, 3, winning.REPEATS)
    again = RecipeObjective(objective.found, replace(objective.space, plan=other), folding, "log_loss")
    values = {}
    for trial in ranked[:4]:
        anew = common_value(results_of(again, trial.parameters), False)
        values[trial.number] = (3 * trial.value + 6 * anew) / 9
    assert best.number == min(values, key=values.__getitem__) and "best 4 trials by 2 more" in told


def test_without_time_the_first_one_wins():
    ranked = [Trial(n, {"optimizer.learning_rate": 0.1}).ended(FINISHED, trial_with(5, 5).members) for n in (4, 2)]
    assert decide(objective_of(plan_with()), ranked, 0.01, 1) == (ranked[0], "")
