"""Populations: many networks of one architecture, trained at once."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from pellucid.data.dataset import Dataset
from pellucid.errors import UsageError
from pellucid.executors.program import DEFAULT_EXECUTOR
from pellucid.nn.losses import Loss
from pellucid.nn.network import Network
from pellucid.nn.regularizers import Regularizer
from pellucid.optim.lbfgs import LBFGS
from pellucid.optim.schedules import Schedule
from pellucid.optim.settings import check_number
from pellucid.optim.transformation import Optimizer
from pellucid.training.checks import check_counts, check_parts
from pellucid.training.course import set_course
from pellucid.training.members import (
    Member,
    MemberHandler,
    SharedExamples,
)
from pellucid.training.population_result import Population
from pellucid.training.population_training import PopulationTraining
from pellucid.training.setup import Run
from pellucid.training.together import usable_cores


def fit_population(
    network: Network,
    dataset: Dataset,
    members: Sequence[Member] | int | None = None,
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
    time_limit: float | None = None,
    on: MemberHandler | Iterable[MemberHandler] = (),
    progress: bool | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    checkpoint_seconds: float = 10.0,
    resume: bool | Population = False,
    threads: int | None = None,
    executor: str = DEFAULT_EXECUTOR,
) -> Population:
    """Train many networks of one architecture at once.

    The members have all in common but what :class:`Member` says: seed, rows, weights, where they start, and the numbers
    of their settings. One program is compiled for all of them, and the dataset's arrays are shared. A member's result
    has the same bits as ``pl.fit(network, dataset.take(rows), seed=..., settings=...)``, whatever its company and
    however many threads there are.

    Each thread takes a member, trains it for about 20 ms, and takes the next one: so all come forward evenly, and none
    waits for another.

    Parameters
    ----------
    network : Network
    dataset : Dataset
    members : sequence of Member or int
        A number means so many members with the seeds 0, 1, 2, ... Not needed where `resume` is a Population.
    loss, optimizer, epochs, steps, batch_size, schedule, regularizers, clip_value, clip_norm
        As for :func:`fit`, for all members.
    settings : mapping, optional
        Hyper-parameters by name for all members; a member's own come before them.
    validation, metric, patience, min_improvement, shuffle
        As for :func:`fit`, for each member by itself: a share is taken of its own rows with its own seed.
    time_limit : float, optional
        Stop all members after so many seconds.
    on : callable or list of callables
        Called with a :class:`MemberEpochEnded` after each epoch of each member, by one thread at a time. It may return
        :class:`Stop`, which ends that member, or :class:`Replace`, which trains another one in its place.
    progress : bool, optional
        Show a line of progress; by default where standard error is a terminal.
    checkpoint : path, optional
        A folder for a file of each member, with everything that is needed to go on.
    checkpoint_seconds : float
        How old a member's file may become while it learns.
    resume : bool or Population
        Go on from the files in `checkpoint`, each member by itself where it has one; or from where the members of a
        population stand. Members that were stopped by what still holds, such as `patience`, stay as they are.
    threads : int, optional
        How many members are trained at the same time; by default as many as there are cores.
    executor : {"native", "interpret"}
        What runs the graphs.

    Returns
    -------
    Population
        A :class:`Fit` for each member, and what they say together. An interrupt (Ctrl-C) ends all members where they
        stand and returns them. A member that meets a value that is not finite ends with an error of its own in
        ``errors``; the others go on.

    Raises
    ------
    UsageError, DataError
        Where settings or data do not fit the network; with the member, as in ``members[3]``.
    ModelError
        Where a checkpoint can not be read or written, or belongs to another run.

    Examples
    --------
    >>> import numpy as np, pellucid as pl
    >>> x = np.linspace(-1, 1, 64)[:, None]
    >>> network = pl.Network([pl.Dense(16, "tanh"), pl.Dense(1)], inputs=1)
    >>> data = pl.Dataset({"x": x}, x**2)
    >>> rates = [pl.Member(seed=0, settings={"learning_rate": rate}) for rate in (0.0001, 0.001, 0.01)]
    >>> population = pl.fit_population(network, data, rates, loss="squared_error", epochs=40)
    >>> population.ranking()
    [2, 1, 0]
    >>> population.predict(x).shape
    (64, 1)
    """
    check_parts(network, dataset)
    check_counts(epochs, steps, batch_size, patience, min_improvement, time_limit, checkpoint_seconds)
    if threads is not None:
        check_number("threads", threads, "[1, inf)", whole=True)
    course = set_course(
        network,
        loss,
        optimizer,
        epochs=epochs,
        steps=steps,
        batch_size=batch_size,
        schedule=schedule,
        regularizers=regularizers,
        clip_value=clip_value,
        clip_norm=clip_norm,
        metric=metric,
        patience=patience,
        min_improvement=min_improvement,
        shuffle=shuffle,
        executor=executor,
    )
    run = Run(
        settings=settings,
        time_limit=time_limit,
        checkpoint=_folder(checkpoint, resume),
        checkpoint_seconds=checkpoint_seconds,
        resume=resume is True,
    )
    shared = SharedExamples(course, dataset, validation, identified=checkpoint is not None)
    chosen = _members(members, resume)
    training = PopulationTraining(course, shared, run, on)
    training.add(chosen, resume if isinstance(resume, Population) else None)
    return training.run(threads or usable_cores(), progress)


def _members(given: Sequence[Member] | int | None, resume: bool | Population) -> tuple[Member, ...]:
    """Return the members that were given, or those of the population to go on with."""
    earlier = resume if isinstance(resume, Population) else None
    if earlier is None and not isinstance(resume, bool):
        expected = "True, False, or a Population"
        raise UsageError("nothing to go on from", where="resume", got=repr(resume)[:80], expected=expected)
    if given is None and earlier is not None:
        return earlier.members
    if isinstance(given, int) and not isinstance(given, bool):
        check_number("members", given, "[1, inf)", whole=True)
        given = [Member(seed=seed) for seed in range(given)]
    found = tuple(given) if isinstance(given, Sequence) and not isinstance(given, str) else ()
    if not found or not all(isinstance(member, Member) for member in found):
        fix = "Write members=[pl.Member(seed=0), pl.Member(seed=1)]."
        raise UsageError("not a list of members", where="members", got=repr(given)[:80], fix=fix)
    if earlier is not None and len(found) != len(earlier):
        got, expected = f"{len(found)} members", f"{len(earlier)}, as many as there were"
        raise UsageError("a population goes on with as many members", where="resume", got=got, expected=expected)
    return found


def _folder(path: str | os.PathLike[str] | None, resume: bool | Population) -> Path | None:
    """Return the folder for checkpoints, made where it was missing."""
    if path is None:
        if resume is True:
            raise UsageError("there is no checkpoint to resume from", fix="Pass checkpoint=FOLDER.")
        return None
    folder = Path(path)
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        fix = "Give a folder that is there, or can be made."
        raise UsageError(
            "no folder for checkpoints", where="checkpoint", got=f"{path}: {error.strerror}", fix=fix
        ) from None
    return folder
