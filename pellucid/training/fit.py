"""Fitting a network to a dataset."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pellucid.data.dataset import Dataset
from pellucid.errors import TrainingError, UsageError
from pellucid.executors.program import compile_epochs
from pellucid.nn.losses import Loss
from pellucid.nn.network import Network
from pellucid.nn.regularizers import AugmentArrays, Mixup, Regularizer
from pellucid.optim.lbfgs import LBFGS
from pellucid.optim.optimizers import optimizer as optimizer_called
from pellucid.optim.schedules import Schedule
from pellucid.optim.schedules import schedule as schedule_called
from pellucid.optim.transformation import Optimizer
from pellucid.training.checkpoint import Progress, load_checkpoint
from pellucid.training.checks import check_choices, check_counts, check_folder, check_parts, check_sparse
from pellucid.training.evaluate import CHUNK, Evaluator, as_arrays
from pellucid.training.events import Handler, Handlers
from pellucid.training.full_batch import LBFGSTraining, Objective
from pellucid.training.loop import Plan, Training
from pellucid.training.mini_batches import MiniBatchTraining, Steps
from pellucid.training.preparation import (
    augmentation,
    fingerprint_of,
    first_parameters,
    learning_and_validation,
    losses_by_output,
    refuse_for_lbfgs,
    settings_with,
    validation_arrays,
    watched_metric,
)
from pellucid.training.progress import ProgressBar
from pellucid.training.result import Fit, result_of
from pellucid.training.step import WEIGHT, build_step


def fit(
    network: Network,
    dataset: Dataset,
    *,
    loss: str | Loss | Mapping[str, str | Loss],
    optimizer: str | Optimizer | LBFGS = "adam",
    epochs: int = 100,
    steps: int | None = None,
    batch_size: int | None = 32,
    schedule: str | Schedule | None = None,
    regularizers: Sequence[Regularizer] = (),
    clip_value: float | None = None,
    clip_norm: float | None = None,
    settings: Mapping[str, float] | None = None,
    validation: float | Dataset | None = None,
    metric: str = "loss",
    patience: int | None = None,
    min_improvement: float = 0.0,
    shuffle: bool = True,
    seed: int = 0,
    start_from: Any = None,
    time_limit: float | None = None,
    on: Handler | Iterable[Handler] = (),
    progress: bool | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    checkpoint_seconds: float = 10.0,
    resume: bool = False,
    history_file: str | os.PathLike[str] | None = None,
    executor: str = "interpret",
) -> Fit:
    """Train a network.

    Parameters
    ----------
    network : Network
    dataset : Dataset
        Inputs by name, dense or sparse, targets, and weights of the examples if they differ.
    loss : Loss or str, or a mapping of them by output
    optimizer : Optimizer, LBFGS or str
        L-BFGS takes all examples at once; an epoch is one of its iterations.
    epochs : int
        How often to go through the examples.
    steps : int, optional
        Stop after so many steps in all, also within an epoch. A run that something else had stopped after as many
        gives the same bits.
    batch_size : int or None
        Examples a step: 1 learns online, None takes all of them. No example is dropped: the last mini-batch of an epoch
        may be smaller.
    schedule : Schedule or str, optional
        What multiplies the learning rate as training goes on; ``"cosine"`` falls over all `epochs`.
    regularizers : sequence of Regularizer
    clip_value, clip_norm : float, optional
        Bounds for each element of the gradient, and for its global norm.
    settings : mapping, optional
        Hyper-parameters by name (``adam/beta_1``, ``dropout_1/rate``) in place of those that layers, losses and
        optimizer were made with.
    validation : float or Dataset, optional
        The share of `dataset` (or a dataset of its own) on which progress is judged. The parameters with the best
        value of `metric` on it are returned, whatever ends the training.
    metric : str
        What to judge by: ``loss`` or a metric that fits the task; metrics need validation. Where there are several
        outputs, ``<output>/rmse`` says of which, ``rmse`` means the first one that it fits.
    patience : int, optional
        Stop after so many epochs without a better value (early stopping). Without validation the training loss is
        judged by, and the last parameters are returned.
    min_improvement : float
        By how much a value has to be better to count for `patience`.
    shuffle : bool
        Whether each epoch takes the examples in a new order.
    seed : int
        Of first parameters, order, dropout, noise and the validation part. The same seed gives the same bits.
    start_from : Fit, Model or mapping of ndarray, optional
        Parameters to start from, all or some of them, by path.
    time_limit : float, optional
        Stop after so many seconds.
    on : callable or list of callables
        Told of every :class:`~pellucid.training.events.Event`; one with an attribute ``every_step = True`` also of
        every step.
    progress : bool, optional
        Show a line of progress; by default where standard error is a terminal.
    checkpoint : path, optional
        A file to keep everything in that is needed to go on; written every `checkpoint_seconds` and at the end.
    resume : bool
        Go on from `checkpoint` where it exists. The result is that of a run that was never stopped, to the bit.
    history_file : path, optional
        Where to write the history, a line of JSON an epoch.
    executor : str
        What runs the graphs.

    Returns
    -------
    Fit

    Raises
    ------
    UsageError, DataError
        Where settings or data do not fit the network.
    TrainingError
        Where a value is not finite: it names step, node and rows (of `dataset`, from 0).
    ModelError
        Where a checkpoint can not be read or written, or belongs to another run.

    Examples
    --------
    >>> import numpy as np, pellucid as pl
    >>> x = np.linspace(-1, 1, 64)[:, None]
    >>> network = pl.Network([pl.Dense(16, "tanh"), pl.Dense(1)], inputs=1)
    >>> data = pl.Dataset({"x": x}, x**2)
    >>> fitted = pl.fit(network, data, loss="squared_error", optimizer=pl.optimizers.Adam(0.02), epochs=200)
    >>> fitted.evaluate(data)["rmse"] < 0.05
    True
    """
    check_parts(network, dataset)
    check_counts(epochs, steps, batch_size, patience, min_improvement, time_limit, checkpoint_seconds)
    losses = losses_by_output(network, loss)
    chosen = optimizer_called(optimizer) if isinstance(optimizer, str) else optimizer
    check_choices(chosen, schedule, regularizers, metric)
    check_folder("checkpoint", checkpoint)
    check_folder("history_file", history_file)
    learning, validating, rows = learning_and_validation(dataset, validation, losses, seed)
    arrays = as_arrays(network, losses, learning)
    evaluator = Evaluator(network, losses, executor)
    name, watched, metrics = watched_metric(losses, metric, evaluator.kinds, validating is not None)
    held_out = validation_arrays(network, losses, validating) if validating is not None else None
    first = first_parameters(network, getattr(start_from, "parameters", start_from), seed)
    plan = Plan(
        evaluator=evaluator,
        arrays=arrays,
        validation=held_out,
        rows=rows,
        epochs=epochs,
        steps=steps,
        seed=seed,
        watched=watched,
        watched_name=name,
        metrics=metrics,
        patience=patience,
        min_improvement=min_improvement,
        time_limit=time_limit,
        checkpoint=Path(checkpoint) if checkpoint is not None else None,
        checkpoint_seconds=checkpoint_seconds,
        history_file=Path(history_file) if history_file is not None else None,
    )
    training: Training
    handlers = Handlers(on)
    if isinstance(chosen, LBFGS):
        check_sparse(arrays, min(len(rows), CHUNK), regularizers)
        refuse_for_lbfgs(schedule, clip_value, clip_norm, checkpoint, regularizers)
        objective = Objective(network, losses, regularizers, arrays, rows, executor)
        objective.settings = settings_with(objective.settings, settings, {})
        start = _start(plan, Progress(first, {}), resume)
        bar = ProgressBar(_epochs_at_most(epochs, steps, 1), progress)
        training = LBFGSTraining(objective, chosen, plan, start, handlers, bar)
    else:
        count = len(arrays[WEIGHT])
        if chosen.full_batch and batch_size is not None and batch_size < count:
            fix = "Pass batch_size=None, or choose adam, for example."
            raise UsageError(f"{chosen.name} learns from all examples at once", got=f"batch_size={batch_size}", fix=fix)
        batch = min(count, batch_size or count)
        check_sparse(arrays, batch, regularizers)
        step = build_step(
            network, losses, chosen, batch=batch, regularizers=regularizers, clip_value=clip_value, clip_norm=clip_norm
        )
        mixups = [found for found in regularizers if isinstance(found, Mixup)]
        augmenters = [found for found in regularizers if isinstance(found, AugmentArrays)]
        way = Steps(
            step=step,
            program=compile_epochs(step.form, executor),
            settings=settings_with(step.settings, settings, chosen.ranges),
            schedule=_chosen_schedule(schedule, epochs),
            shuffle=shuffle,
            mixup=mixups[0].ratios if mixups else None,
            augment=augmentation(augmenters, network) if augmenters else None,
            learning_rate=hasattr(chosen, "learning_rate"),
        )
        state = step.initial_state(first)
        if checkpoint is not None:
            judged = metric, min_improvement
            of_run = arrays, held_out, first, state, way.settings, seed, shuffle, way.schedule, mixups, judged
            plan = replace(plan, fingerprint=fingerprint_of(step, *of_run))
        beginning = Progress(first, state, schedule=way.schedule.initial_state())
        start = _start(plan, beginning, resume)
        bar = ProgressBar(_epochs_at_most(epochs, steps, -(-count // batch)), progress)
        training = MiniBatchTraining(way, plan, start, handlers, bar)
    try:
        reason = training.run()
    except TrainingError as error:
        error.fit = result_of(evaluator, training.progress, "a value is not finite", held_out is not None)
        raise
    return result_of(evaluator, training.progress, reason, held_out is not None)


def _epochs_at_most(epochs: int, steps: int | None, steps_per_epoch: int) -> int:
    return epochs if steps is None else min(epochs, -(-steps // steps_per_epoch))


def _chosen_schedule(given: str | Schedule | None, epochs: int) -> Schedule:
    if given == "cosine":
        return schedule_called("cosine", epochs=max(epochs, 1))
    return schedule_called("constant" if given is None else given)


def _start(plan: Plan, beginning: Progress, resume: bool) -> Progress:
    """Return where training starts: the checkpoint, or the beginning."""
    if resume and plan.checkpoint is None:
        raise UsageError("there is no checkpoint to resume from", fix="Pass checkpoint=PATH.")
    if resume and plan.checkpoint is not None and plan.checkpoint.exists():
        beginning = load_checkpoint(plan.checkpoint, plan.fingerprint)
    return beginning
