"""Learning curves of a table: would more rows help, would a larger network?"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from pellucid.errors import TrainingError, UsageError, nearest
from pellucid.nn.network import Network
from pellucid.optim.settings import check_number
from pellucid.training.evaluate import Evaluator
from pellucid.training.metric import Metric, metrics_for
from pellucid.training.metric import metric as metric_called
from pellucid.tuning.trial import FAILED
from pellucid.workflow.division import TEST, TRAIN, VALIDATION
from pellucid.workflow.learning_curves.advice import (
    gain_of_larger,
    gain_of_rows,
    gain_of_smaller,
    last_gain_of_rows,
)
from pellucid.workflow.learning_curves.draws import Draw, choose_sizes, make_draws
from pellucid.workflow.learning_curves.ladder import make_ladder
from pellucid.workflow.learning_curves.power_law import fit_power_law
from pellucid.workflow.learning_curves.result import LearningCurve
from pellucid.workflow.learning_curves.trainings import IN_OWN_UNIT, LearningObjective, Trained, Trainings
from pellucid.workflow.learning_curves.watching import watched
from pellucid.workflow.learning_curves.words import tell_hidden
from pellucid.workflow.making import Making, prepare
from pellucid.workflow.plans.plan import Plan
from pellucid.workflow.plans.recipe import Recipe
from pellucid.workflow.reports.layout import count_things
from pellucid.workflow.understanding import Understanding, understand

SECONDS = 60.0
"""How long it may take where nothing else is said."""

_OF_CLASSES = ("log_loss", "accuracy")
MAIN = {
    "regression": ("rmse",),
    "binary": _OF_CLASSES,
    "multiclass": _OF_CLASSES,
    "multilabel": ("log_loss", "label_accuracy"),
}
"""What is measured by default: the first one that can be computed from what the loss predicts."""


def learning_curve(
    data: Any = None,
    target: str | Sequence[str] | None = None,
    *,
    plan: Plan | None = None,
    task: str | None = None,
    recipe: Recipe | None = None,
    metric: str | None = None,
    draws: int | None = None,
    points: int = 8,
    seed: int | None = None,
    time_limit: float | None = None,
    test: Any = None,
    group: str | None = None,
    time_order: str | None = None,
    weight: str | None = None,
    ignore: Sequence[str] | None = None,
    roles: Mapping[str, str] | None = None,
    separator: str | None = None,
    threads: int | None = None,
    progress: bool | None = False,
    on_understood: Callable[[Understanding, Network], None] | None = None,
    on_interrupt: Callable[[], None] | None = None,
) -> LearningCurve:
    """Measure how the error falls with the number of rows, and with the size of the network.

    The planned network is trained on more and more of the rows, and networks from a linear model up to four times the
    planned one on all of them: each several times, with other rows and another seed. In each of these draws a part of
    the rows is held out, and the error is measured on it. All networks are trained side by side, on all cores.

    The test rows of the plan take no part, so that a report on them stays honest. Encoders are fitted once, on all
    other rows: they see no targets.

    Parameters
    ----------
    data, target, plan, task, recipe, seed, test, group, time_order, weight, ignore, roles, separator
        As for :func:`pellucid.train_table`.
    metric : str, optional
        What is measured. By default the metric of the plan's early stopping; or else the root of the mean squared
        error, the logarithmic loss of classes and labels, or the accuracy where a loss gives no probabilities. Of one
        that is better the higher it is, the error is what it lacks to 1.
    draws : int, optional
        How often each training is done; by default 10, or 5 of more than 20,000 rows.
    points : int
        How many numbers of rows, on a logarithmic scale.
    time_limit : float, optional
        Seconds for all trainings, 60 by default. What it does not suffice for is left out, and said.
    threads : int, optional
        By default as many as there are cores.
    progress : bool, optional
        Show a line of progress; None: where standard error is a terminal.
    on_understood : callable, optional
        ``on_understood(understanding, network)`` is called before the trainings.
    on_interrupt : callable, optional
        Called when Ctrl-C has ended the trainings; the curve is of those that were done.

    Returns
    -------
    LearningCurve

    Raises
    ------
    DataError, UsageError
        Where table, target or settings do not fit, or there are too few rows.
    TrainingError
        Where all trainings failed.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(400, 3))
    >>> table = {"a": x[:, 0], "b": x[:, 1], "c": x[:, 2], "y": x @ [1.0, 2.0, -1.0] + 0.5 * rng.normal(size=400)}
    >>> curve = learning_curve(table, "y", recipe=Recipe(hidden=(8,), epochs=40), draws=3, points=3)
    >>> curve.rows.tolist(), curve.errors.shape, bool(curve.mean[0] > curve.mean[-1] > 0.4)
    ([48, 96, 192], (3, 3), True)
    """
    began = time.perf_counter()
    _check(draws, points, time_limit, threads)
    plan = _completed(
        plan or Plan(),
        target=(target,) if isinstance(target, str) else None if target is None else tuple(target),
        task=task,
        recipe=recipe,
        seed=seed,
        group=group,
        time_order=time_order,
        weight=weight,
        ignore=None if ignore is None else tuple(ignore),
        roles=roles,
        separator=separator,
    )
    if data is None and plan.table is None:
        raise UsageError("no table is named", fix="Name the file of a table, or pass a data frame.")
    found = understand(plan.table if data is None else data, plan, test=test)
    rows = np.sort(np.concatenate([found.parts[TRAIN], found.parts[VALIDATION]]))
    none = rows[:0]
    made = prepare(found, plan, {TRAIN: rows, VALIDATION: none, TEST: none})
    judged = _metric_of(made, metric)
    if on_understood is not None:
        on_understood(found, made.network)
    drawn = _drawn(found, plan, rows, draws)
    rungs = make_ladder(plan.recipe, made.encoding, made.targets.outputs)
    planned = next(number for number, rung in enumerate(rungs) if rung.hidden == plan.recipe.hidden)
    sizes = choose_sizes(drawn, points, 2 * len(found.task.classes))
    limit = time_limit or plan.recipe.time_limit or SECONDS
    trainings = Trainings(LearningObjective(made, rungs, drawn, judged), planned, sizes, limit, threads)
    with watched(progress, limit) as on:
        trained = trainings.run(on)
    if trained.interrupted and on_interrupt is not None and _measured(trained, trainings, sizes):
        on_interrupt()
    return _curve(trained, trainings, made, drawn, sizes, time.perf_counter() - began)


def _check(draws: int | None, points: int, time_limit: float | None, threads: int | None) -> None:
    if draws is not None:
        check_number("draws", draws, "[2, inf)", whole=True)
    check_number("points", points, "[2, inf)", whole=True)
    if time_limit is not None:
        check_number("time_limit", time_limit, "(0, inf]")
    if threads is not None:
        check_number("threads", threads, "[1, inf)", whole=True)


def _completed(plan: Plan, **given: Any) -> Plan:
    """Return a plan with what is given besides; None says nothing."""
    plan = replace(plan, **{name: value for name, value in given.items() if value is not None})
    if plan.start_from is not None:
        what = "a learning curve begins with fresh networks, since a trained one has seen rows already"
        raise UsageError(what, where="table.start_from", got=plan.start_from, fix="Leave it out.")
    return replace(plan, folds=0)


def _metric_of(made: Making, name: str | None) -> Metric:
    """Return the metric that is measured.

    Raises
    ------
    UsageError
        Where it does not fit the task, or what the loss predicts.
    """
    task = made.targets.task
    kinds = Evaluator(made.network, dict.fromkeys(made.network.outputs, made.loss), made.plan.recipe.executor).kinds
    fitting = [found.name for found in metrics_for(task) if all(found.fits(kind) for kind in kinds.values())]
    if name is None and made.plan.recipe.metric != "loss":
        name = made.plan.recipe.metric
    if name is None:
        name = next(one for one in MAIN[task] if one in fitting)
    if name not in fitting:
        fix = nearest(name, fitting)
        raise UsageError(f"the metric does not fit the task {task}", where="metric", got=repr(name)[:60], fix=fix)
    return metric_called(name)


def _drawn(found: Understanding, plan: Plan, rows: np.ndarray, count: int | None) -> list[Draw]:
    """Return the draws, with their rows as places among `rows`."""
    return [
        Draw(*(np.searchsorted(rows, part) for part in (draw.learning, draw.validation, draw.held_out)))
        for draw in make_draws(found, plan, rows, count)
    ]


def _measured(trained: Trained, trainings: Trainings, sizes: np.ndarray) -> list[int]:
    """Return the numbers of rows after which the error is known."""
    return [int(rows) for rows in sizes if trained.finished(trainings.planned, int(rows)) is not None]


def _curve(
    trained: Trained, trainings: Trainings, made: Making, draws: Sequence[Draw], sizes: np.ndarray, seconds: float
) -> LearningCurve:
    objective, planned = trainings.objective, trainings.planned
    measured = _measured(trained, trainings, sizes)
    if not measured:
        raise _nothing(trained)
    networks = [
        number
        for number in range(len(objective.rungs))
        if trained.rows in measured and trained.finished(number, trained.rows) is not None
    ]
    rungs = [objective.rungs[number] for number in networks]
    own = networks.index(planned) if networks else 0
    errors = np.stack([trained.errors(planned, rows) for rows in measured], axis=1)
    of_networks = np.empty((len(draws), 0))
    if networks:
        of_networks = np.stack([trained.errors(number, trained.rows) for number in networks], axis=1)
    held_out = round(float(np.mean([len(draw.held_out) for draw in draws])))
    overlap = held_out / measured[-1]
    counts = np.array(measured)
    law = fit_power_law(counts, errors, made.plan.seed, overlap)
    compared = [tell_hidden(rung.hidden) for rung in rungs], np.array([rung.parameters for rung in rungs], np.int64)
    judged = objective.judged
    return LearningCurve(
        metric=judged.name,
        error=f"1 - {judged.name}" if judged.higher_is_better else judged.name,
        rows=counts,
        errors=errors,
        hidden=tuple(rung.hidden for rung in rungs),
        parameters=compared[1],
        network_errors=of_networks,
        network_rows=trained.rows if networks else 0,
        planned=own,
        held_out=held_out,
        law=law,
        more_rows=last_gain_of_rows(counts, errors, overlap) if law is None else gain_of_rows(law),
        larger=gain_of_larger(*compared, of_networks, own, overlap) if networks else None,
        smaller=gain_of_smaller(*compared, of_networks, own, overlap) if networks else None,
        notes=tuple(_notes(trained, made, objective, measured, sizes)),
        seconds=seconds,
        compile_seconds=objective.compile_seconds,
        interrupted=trained.interrupted,
    )


def _nothing(trained: Trained) -> BaseException:
    """Return what to raise where not a single error is known."""
    if trained.interrupted:
        return KeyboardInterrupt()
    failed = [trial.error for trial in trained.trials.values() if trial.state == FAILED]
    if failed:
        return TrainingError("every training failed", got=str(failed[0]))
    if trained.trials:
        return TrainingError("the error has no value", fix="Choose another metric, or give more rows.")
    fix = "Give more time, or ask for fewer draws."
    return UsageError("the time does not suffice for the fewest rows", where="time_limit", fix=fix)


def _notes(
    trained: Trained, made: Making, objective: LearningObjective, measured: Sequence[int], sizes: np.ndarray
) -> Iterator[str]:
    """Yield what the reader has to know."""
    if trained.interrupted:
        yield "Interrupted: only what was done until then is shown."
    if trained.short_of_time:
        left = len(sizes) - len(measured)
        networks = sum(trained.finished(number, trained.rows) is None for number in range(len(objective.rungs)))
        yield (
            f"The time did not suffice for {count_things(left, 'number')} of rows and "
            f"{count_things(networks, 'network')}."
        )
    failed = {trial.error for trial in trained.trials.values() if trial.state == FAILED and trial.error}
    for error in sorted(failed)[:3]:
        yield f"A training failed, and its point is missing: {error}"
    if made.plan.time_order is not None:
        yield "The latest rows are held out in every draw: the spread says nothing of other times."
    if len(made.targets.names) > 1 and objective.metric in IN_OWN_UNIT:
        yield "The error is that of all targets together, each divided by its standard deviation."
