"""Trainings, set up: what :func:`pellucid.fit` and :func:`pellucid.fit_population` have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from pellucid.errors import UsageError
from pellucid.nn.regularizers import AugmentArrays, Mixup
from pellucid.optim.lbfgs import LBFGS
from pellucid.optim.schedules import Schedule
from pellucid.optim.schedules import schedule as schedule_called
from pellucid.optim.transformation import Optimizer
from pellucid.random import check_seed
from pellucid.training.checkpoint import Progress, load_checkpoint
from pellucid.training.checks import check_sparse
from pellucid.training.course import Course
from pellucid.training.events import Handlers
from pellucid.training.full_batch import CHUNK, LBFGSTraining, Objective
from pellucid.training.loop import Training
from pellucid.training.mini_batches import MiniBatchTraining
from pellucid.training.plan import Plan
from pellucid.training.preparation import (
    augmentation,
    fingerprint_of,
    refuse_for_lbfgs,
    settings_with,
    started_from,
)
from pellucid.training.progress import ProgressBar
from pellucid.training.step import WEIGHT
from pellucid.training.steps import Steps


@dataclass(frozen=True)
class Examples:
    """What one training learns from and is judged by.

    Attributes
    ----------
    arrays : mapping of ndarray or CSR matrix
        By input, as the graphs take them.
    validation : mapping of ndarray or CSR matrix, or None
    rows : ndarray of int64
        Where each row of `arrays` stands in the dataset that was given.
    chosen : ndarray of int64 or None
        The rows of `arrays` to learn from, where there are others.
    identity : tuple
        What tells these examples from others, where that is less than the arrays.
    """

    arrays: Mapping[str, Any]
    validation: Mapping[str, Any] | None
    rows: np.ndarray
    chosen: np.ndarray | None = None
    identity: tuple[Any, ...] | None = None

    @property
    def count(self) -> int:
        """How many there are to learn from."""
        return len(self.arrays[WEIGHT] if self.chosen is None else self.chosen)


@dataclass(frozen=True)
class Run:
    """What is one training's own, besides its examples.

    Attributes
    ----------
    seed : int
    settings : mapping of float or None
    start_from : Fit, Model, mapping of ndarray or None
    time_limit : float or None
        In seconds.
    checkpoint, history_file : Path or None
    checkpoint_seconds : float
    resume : bool or Progress
        Whether to go on from the checkpoint; or what to go on from.
    progress : bool or None
        Whether to show a line of progress.
    """

    seed: int = 0
    settings: Mapping[str, float] | None = None
    start_from: Any = None
    time_limit: float | None = None
    checkpoint: Path | None = None
    checkpoint_seconds: float = 10.0
    history_file: Path | None = None
    resume: bool | Progress = False
    progress: bool | None = False


def prepare_training(course: Course, examples: Examples, run: Run, handlers: Handlers) -> Training:
    """Return a training that is ready to begin.

    Raises
    ------
    UsageError
        Where settings do not fit the network, or do not go with each other.
    ModelError
        Where a checkpoint to resume from can not be read, or belongs to another run.
    """
    name, watched, metrics = course.watched(examples.validation is not None)
    first = started_from(_parameters_of(run.start_from), course.beginnings.of(run.seed))
    plan = Plan(
        evaluator=course.evaluator,
        arrays=examples.arrays,
        validation=examples.validation,
        rows=examples.rows,
        epochs=course.epochs,
        steps=course.steps,
        seed=run.seed,
        watched=watched,
        watched_name=name,
        metrics=metrics,
        patience=course.patience,
        min_improvement=course.min_improvement,
        time_limit=run.time_limit,
        checkpoint=run.checkpoint,
        checkpoint_seconds=run.checkpoint_seconds,
        history_file=run.history_file,
        chosen=examples.chosen,
    )
    if isinstance(course.optimizer, LBFGS):
        return _by_lbfgs(course, course.optimizer, plan, run, first, handlers)
    return _by_steps(course, course.optimizer, plan, examples, run, first, handlers)


def check_training(course: Course, examples: Examples, run: Run) -> None:
    """Raise what :func:`prepare_training` raises, but for what is wrong with a checkpoint; nothing is drawn.

    Raises
    ------
    UsageError
        Where settings do not fit the network, or do not go with each other.
    """
    course.watched(examples.validation is not None)
    check_seed(run.seed)
    if run.start_from is not None:
        types = {path: parameter.type for path, parameter in course.network.parameters.items()}
        like = {path: np.broadcast_to(np.zeros((), type.dtype.numpy), type.shape) for path, type in types.items()}
        started_from(_parameters_of(run.start_from), like)
    if isinstance(course.optimizer, LBFGS):
        _check_lbfgs(course, examples.arrays, examples.count, run)
    else:
        _way(course, course.optimizer, examples.arrays, examples.count, run)


def _parameters_of(start_from: Any) -> Any:
    return getattr(start_from, "parameters", start_from)


def _by_lbfgs(
    course: Course, optimizer: LBFGS, plan: Plan, run: Run, first: dict[str, np.ndarray], handlers: Handlers
) -> Training:
    _check_lbfgs(course, plan.arrays, plan.examples, run)
    objective = Objective(course.network, course.losses, course.regularizers, plan.arrays, plan.rows, course.executor)
    objective.settings = settings_with(objective.settings, run.settings, {})
    start = _start(plan, Progress(first, {}), run.resume)
    return LBFGSTraining(objective, optimizer, plan, start, handlers, _bar(course, run, 1))


def _check_lbfgs(course: Course, arrays: Mapping[str, Any], count: int, run: Run) -> None:
    check_sparse(arrays, min(count, CHUNK), course.regularizers)
    refuse_for_lbfgs(course.schedule, course.clip_value, course.clip_norm, run.checkpoint, course.regularizers)


def _by_steps(
    course: Course,
    optimizer: Optimizer,
    plan: Plan,
    examples: Examples,
    run: Run,
    first: dict[str, np.ndarray],
    handlers: Handlers,
) -> Training:
    way, mixups = _way(course, optimizer, plan.arrays, plan.examples, run)
    step = way.step
    state = step.initial_state(first)
    if plan.checkpoint is not None:
        judged = course.metric, course.min_improvement, course.executor
        data = examples.identity if examples.identity is not None else (plan.arrays, plan.validation)
        of_run = first, state, way.settings, run.seed, course.shuffle, way.schedule, mixups, judged
        plan = replace(plan, fingerprint=fingerprint_of(step, *data, *of_run))
    beginning = Progress(first, state, schedule=way.schedule.initial_state())
    start = _start(plan, beginning, run.resume)
    return MiniBatchTraining(way, plan, start, handlers, _bar(course, run, -(-plan.examples // step.form.batch)))


def _way(
    course: Course, optimizer: Optimizer, arrays: Mapping[str, Any], count: int, run: Run
) -> tuple[Steps, list[Mixup]]:
    """Return how a training of so many examples goes from step to step, and the mixups among its regularizers."""
    size = course.batch_size
    if optimizer.full_batch and size is not None and size < count:
        fix = "Pass batch_size=None, or choose adam, for example."
        raise UsageError(f"{optimizer.name} learns from all examples at once", got=f"batch_size={size}", fix=fix)
    batch = min(count, size or count)
    check_sparse(arrays, batch, course.regularizers)
    step, program = course.step_for(batch)
    mixups = [found for found in course.regularizers if isinstance(found, Mixup)]
    augmenters = [found for found in course.regularizers if isinstance(found, AugmentArrays)]
    way = Steps(
        step=step,
        program=program,
        executor=course.executor,
        settings=settings_with(step.settings, run.settings, optimizer.ranges),
        schedule=_chosen_schedule(course.schedule, course.epochs),
        shuffle=course.shuffle,
        mixup=mixups[0].ratios if mixups else None,
        augment=augmentation(augmenters, course.network) if augmenters else None,
        learning_rate=hasattr(optimizer, "learning_rate"),
        paces=course.paces,
    )
    return way, mixups


def _bar(course: Course, run: Run, steps_per_epoch: int) -> ProgressBar:
    steps = course.steps
    epochs = course.epochs if steps is None else min(course.epochs, -(-steps // steps_per_epoch))
    return ProgressBar(epochs, run.progress)


def _chosen_schedule(given: str | Schedule | None, epochs: int) -> Schedule:
    if given == "cosine":
        return schedule_called("cosine", epochs=max(epochs, 1))
    return schedule_called("constant" if given is None else given)


def _start(plan: Plan, beginning: Progress, resume: bool | Progress) -> Progress:
    """Return where training starts: what there is to go on from, or the beginning."""
    if isinstance(resume, Progress):
        return _going_on(resume, beginning)
    if resume and plan.checkpoint is None:
        raise UsageError("there is no checkpoint to resume from", fix="Pass checkpoint=PATH.")
    if resume and plan.checkpoint is not None and plan.checkpoint.exists():
        beginning = load_checkpoint(plan.checkpoint, plan.fingerprint)
    return beginning


def _going_on(earlier: Progress, beginning: Progress) -> Progress:
    """Return where an earlier training stood, with a history of its own."""
    for kind in ("parameters", "state"):
        found, wanted = getattr(earlier, kind), getattr(beginning, kind)
        if found.keys() != wanted.keys() or any(found[path].shape != wanted[path].shape for path in wanted):
            what = f"the {kind} to go on from are not those of this network and optimizer"
            raise UsageError(what, where="resume", fix="Go on with the same ones, or pass start_from.")
    return replace(earlier, history=list(earlier.records))
