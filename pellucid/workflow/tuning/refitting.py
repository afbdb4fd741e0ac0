"""The winner of a search trained anew, as a run of its own; and recipes trained with several seeds."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pellucid.model.model import Model
from pellucid.model.scalars import PREDICTION
from pellucid.training.loop import INTERRUPTED
from pellucid.training.members import Member
from pellucid.training.population import fit_population
from pellucid.workflow.division import TEST, divide
from pellucid.workflow.finishing import Finishing
from pellucid.workflow.judging import Judgement, judge
from pellucid.workflow.making import Making, in_own_unit, prepare
from pellucid.workflow.plans.plan import Plan
from pellucid.workflow.record import settle
from pellucid.workflow.run import Run
from pellucid.workflow.tuning.encoded_rows import dtype_of
from pellucid.workflow.understanding import Understanding


def prepare_plan(found: Understanding, plan: Plan) -> Making:
    """Return what a plan trains, on the rows of a table that is understood already."""
    own = replace(found, dtype=dtype_of(plan.recipe, found))
    if plan.learn_validation:
        own = replace(own, division=divide(own.table, own.task, plan, own.test))
    return prepare(own, plan, own.parts)


def refit(made: Making, seconds: float, keep: Finishing) -> tuple[Run, Judgement]:
    """Train a network as :func:`pellucid.train_table` does with that plan, and judge it on the test rows.

    Parameters
    ----------
    made : Making
    seconds : float
        What the baselines may take.
    keep : Finishing
        What Ctrl-C means.

    Raises
    ------
    KeyboardInterrupt
        Where the training is interrupted.
    """
    began, plan = time.perf_counter(), made.plan
    fitted = made.fit(None, False)
    if fitted.reason == INTERRUPTED:
        raise KeyboardInterrupt
    model = made.model(fitted)
    judgement = judge(made, model, seconds, keep)
    report = judgement.report(plan.seed, plan.recipe.metric)
    model = model.with_metrics({f"test {name}": value for name, value in report.metrics.items()})
    history, settled = in_own_unit(fitted.history, made.targets), settle(plan, made.found, fitted)
    run = Run(made.found, settled, model, fitted, history, report, time.perf_counter() - began, keep.interrupted)
    return run, judgement


def predict_with_seeds(made: Making, seeds: Sequence[int], threads: int | None) -> tuple[list[np.ndarray], str]:
    """Train a plan's network once for each seed, and return what each predicts of the test rows, and of which kind.

    Networks that meet a value that is not finite are left out.

    Raises
    ------
    KeyboardInterrupt
        Where it is interrupted.
    """
    learning, arguments = made.training_of()
    arguments = {name: value for name, value in arguments.items() if name not in ("seed", "start_from")}
    members = [Member(seed=seed) for seed in seeds]
    population = fit_population(made.network, learning, members, **arguments, threads=threads, progress=False)
    if any(fit.reason == INTERRUPTED for fit in population):
        raise KeyboardInterrupt
    models = [made.model(fit) for number, fit in enumerate(population) if number not in population.errors]
    rows = made.rows_of(TEST)
    return [_predict(model, rows) for model in models], models[0].kind if models else ""


def _predict(model: Model, rows: object) -> np.ndarray:
    return model.compute(rows)[PREDICTION]
