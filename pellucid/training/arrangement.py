"""A training, arranged from what :func:`pellucid.fit` takes, to be run once or over and over."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from pellucid.data.dataset import Dataset
from pellucid.errors import UsageError, nearest
from pellucid.executors.program import DEFAULT_EXECUTOR
from pellucid.nn.losses import Loss
from pellucid.nn.network import Network
from pellucid.nn.regularizers import Regularizer
from pellucid.optim.lbfgs import LBFGS
from pellucid.optim.schedules import Schedule
from pellucid.optim.transformation import Optimizer
from pellucid.training.checks import check_counts, check_folder, check_parts
from pellucid.training.course import Course, set_course
from pellucid.training.evaluate import as_arrays
from pellucid.training.events import Handlers
from pellucid.training.loop import Training
from pellucid.training.preparation import learning_and_validation, validation_arrays
from pellucid.training.setup import Examples, Run, prepare_training


@dataclass(frozen=True, kw_only=True)
class Options:
    """How to train: the keywords of :func:`pellucid.fit`, where they are explained, but for its handlers."""

    loss: str | Loss | Mapping[str, str | Loss]
    optimizer: str | Optimizer | LBFGS = "adam"
    epochs: int = 100
    steps: int | None = None
    batch_size: int | None = 32
    schedule: str | Schedule | None = None
    regularizers: Sequence[Regularizer] = ()
    clip_value: float | None = None
    clip_norm: float | None = None
    settings: Mapping[str, float] | None = None
    validation: float | Dataset | None = None
    metric: str = "loss"
    patience: int | None = None
    min_improvement: float = 0.0
    shuffle: bool = True
    seed: int = 0
    start_from: Any = None
    time_limit: float | None = None
    progress: bool | None = None
    checkpoint: str | os.PathLike[str] | None = None
    checkpoint_seconds: float = 10.0
    resume: bool = False
    history_file: str | os.PathLike[str] | None = None
    executor: str = DEFAULT_EXECUTOR


@dataclass(frozen=True)
class Arrangement:
    """All that a training needs. Made by :func:`arrange`.

    Attributes
    ----------
    course : Course
    examples : Examples
    run : Run
    """

    course: Course
    examples: Examples
    run: Run

    def training(self, handlers: Handlers | None = None) -> Training:
        """Return the training, ready to begin."""
        return prepare_training(self.course, self.examples, self.run, handlers or Handlers())

    def with_run(self, **changes: Any) -> Arrangement:
        """Return the same with another seed, settings, start or the like; what is compiled is shared."""
        return replace(self, run=replace(self.run, **changes))

    def with_course(self, **changes: Any) -> Arrangement:
        """Return the same with another number of epochs or steps, schedule or patience; what is compiled is shared."""
        return replace(self, course=replace(self.course, **changes))


def arrange(network: Network, dataset: Dataset, **options: Any) -> Arrangement:
    """Arrange a training.

    Parameters
    ----------
    network : Network
    dataset : Dataset
    **options
        As for :func:`pellucid.fit`, but for its handlers.

    Raises
    ------
    UsageError, DataError
        Where an option is unknown, or settings or data do not fit the network.

    Examples
    --------
    >>> import numpy as np, pellucid as pl
    >>> network = pl.Network([pl.Dense(1)], inputs=1)
    >>> data = pl.Dataset({"x": np.zeros((4, 1))}, np.ones((4, 1)))
    >>> training = arrange(network, data, loss="squared_error", epochs=3).training()
    >>> training.run(), training.progress.epoch
    ('the epochs ran out', 3)
    """
    known = [field.name for field in fields(Options)]
    for name in options:
        if name not in known:
            raise UsageError(f"no option is called {name!r}", fix=nearest(name, known))
    if "loss" not in options:
        raise UsageError("no loss is given", fix='Write loss="squared_error", for example.')
    chosen = Options(**options)
    check_parts(network, dataset)
    check_counts(
        chosen.epochs,
        chosen.steps,
        chosen.batch_size,
        chosen.patience,
        chosen.min_improvement,
        chosen.time_limit,
        chosen.checkpoint_seconds,
    )
    course = set_course(
        network,
        chosen.loss,
        chosen.optimizer,
        epochs=chosen.epochs,
        steps=chosen.steps,
        batch_size=chosen.batch_size,
        schedule=chosen.schedule,
        regularizers=chosen.regularizers,
        clip_value=chosen.clip_value,
        clip_norm=chosen.clip_norm,
        metric=chosen.metric,
        patience=chosen.patience,
        min_improvement=chosen.min_improvement,
        shuffle=chosen.shuffle,
        executor=chosen.executor,
    )
    check_folder("checkpoint", chosen.checkpoint)
    check_folder("history_file", chosen.history_file)
    learning, validating, rows = learning_and_validation(dataset, chosen.validation, course.losses, chosen.seed)
    arrays = as_arrays(network, course.losses, learning)
    held_out = validation_arrays(network, course.losses, validating) if validating is not None else None
    run = Run(
        seed=chosen.seed,
        settings=chosen.settings,
        start_from=chosen.start_from,
        time_limit=chosen.time_limit,
        checkpoint=Path(chosen.checkpoint) if chosen.checkpoint is not None else None,
        checkpoint_seconds=chosen.checkpoint_seconds,
        history_file=Path(chosen.history_file) if chosen.history_file is not None else None,
        resume=chosen.resume,
        progress=chosen.progress,
    )
    return Arrangement(course, Examples(arrays, held_out, rows), run)
