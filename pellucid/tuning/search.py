"""Searching: from a space and something to try to the best configuration."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Any

from pellucid.data.dataset import Dataset
from pellucid.errors import PellucidError, UsageError
from pellucid.tuning.engine import run_search
from pellucid.tuning.networks import Arrange, NetworkObjective
from pellucid.tuning.objective import Objective
from pellucid.tuning.pruning import pruner as pruner_called
from pellucid.tuning.samplers import make_sampler
from pellucid.tuning.space import Space
from pellucid.tuning.status import SearchResult, Status
from pellucid.tuning.study import Study, StudyRecord, create_study, open_study
from pellucid.version import __version__

LOOKED_AT = 20
"""So many configurations are looked at before a space is said to have none that can be trained."""


def search(
    objective: Objective | Arrange,
    space: Space | Mapping[str, Any],
    dataset: Dataset | None = None,
    *,
    folds: int | Sequence[tuple[Any, Any]] = 5,
    repeats: int = 1,
    metric: str = "loss",
    trials: int | None = None,
    seconds: float | None = None,
    sampler: str = "random",
    pruner: str = "halving",
    seed: int = 0,
    study: str | os.PathLike[str] | Study | None = None,
    resume: bool = False,
    start_with: Sequence[Mapping[str, Any]] = (),
    threads: int | None = None,
    on: Callable[[Status], None] | None = None,
) -> SearchResult:
    """Search for the configuration whose networks predict best what they have not learned from.

    Every trial is cross-validated, its folds and repeats members of one population: all of them are trained at once on
    all cores, and those of equal graphs share what is compiled. Ctrl-C ends the search with what was found.

    With a number of trials the study is the same to the bit whatever the number of cores. With a time limit it depends
    on the machine how many trials there are, and each of them is the same to the bit.

    Parameters
    ----------
    objective : callable or Objective
        ``objective(parameters)`` returns what :func:`pellucid.fit` takes, with the ``network``; see
        :class:`NetworkObjective`.
    space : Space or mapping
        What to choose from: ``{"units": "choice(16, 64)", "rate": "log_uniform(1e-4, 1e-1)"}``.
    dataset : Dataset
        Where `objective` is a function.
    folds, repeats, metric
        By what trials are compared; see :class:`NetworkObjective`.
    trials : int, optional
        How many the study is to have in all.
    seconds : float, optional
        How long to search. One of the two is needed, unless the sampler is a grid.
    sampler : {"random", "grid", "tpe"}
        Who proposes; ``tpe`` needs Optuna.
    pruner : {"halving", "none"}
        Whether trials are given up that others are better than.
    seed : int
        Of proposals, folds and trainings.
    study : path or Study, optional
        The file that keeps the trials; by default they are kept in memory.
    resume : bool
        Go on with the study in that file.
    start_with : sequence of mapping
        Configurations that are tried before all others.
    threads : int, optional
        By default as many as there are cores.
    on : callable, optional
        Told of a :class:`Status` about five times a second.

    Returns
    -------
    SearchResult

    Raises
    ------
    UsageError
        Where the space is impossible, a name unknown, or the study another one.
    ModelError
        Where the study cannot be read or written.

    Examples
    --------
    >>> import numpy as np, pellucid as pl
    >>> x = np.linspace(-1, 1, 60)[:, None]
    >>> def arrange(parameters):
    ...     network = pl.Network([pl.Dense(parameters["units"], "tanh"), pl.Dense(1)], inputs=1)
    ...     adam = pl.optimizers.Adam(parameters["rate"])
    ...     return {"network": network, "loss": "squared_error", "optimizer": adam, "epochs": 30}
    >>> space = {"units": "choice(4, 16)", "rate": "log_uniform(1e-4, 1e-1)"}
    >>> found = pl.search(arrange, space, pl.Dataset({"x": x}, x**2), metric="rmse", trials=20)
    >>> len(found.trials), found.best.parameters["rate"] > 1e-3
    (20, True)
    """
    space = space if isinstance(space, Space) else Space(space)
    tried = _objective(objective, dataset, folds, repeats, metric, seed)
    proposer = make_sampler(sampler, space, seed, tried.higher_is_better)
    chosen = pruner_called(pruner)
    for given in _checked_start(start_with):
        space.check(given)
    look_at(tried, space, seed)
    record = record_of(tried, space, sampler, pruner, seed)
    opened = study if isinstance(study, Study) else _open(study, resume, record)
    with nullcontext(opened) if isinstance(study, Study) else opened as kept:
        return run_search(
            tried,
            proposer,
            chosen,
            kept,
            trials=trials,
            seconds=seconds,
            start_with=start_with,
            threads=threads,
            on=on,
        )


def _objective(
    given: Objective | Arrange, dataset: Dataset | None, folds: Any, repeats: int, metric: str, seed: int
) -> Objective:
    if not callable(given):
        if not hasattr(given, "begin"):
            expected = "a function of parameters, or an Objective"
            raise UsageError("nothing to try", where="objective", got=repr(given)[:80], expected=expected)
        return given
    if dataset is None:
        raise UsageError("there is nothing to learn from", where="dataset", fix="Pass a pl.Dataset.")
    return NetworkObjective(given, dataset, folds, repeats, metric, seed)


def _checked_start(given: Any) -> Sequence[Mapping[str, Any]]:
    if not isinstance(given, Sequence) or not all(isinstance(one, Mapping) for one in given):
        expected = "a list of configurations"
        raise UsageError("no configurations to start with", where="start_with", got=repr(given)[:80], expected=expected)
    return given


def look_at(objective: Objective, space: Space, seed: int) -> None:
    """See that a space has a configuration that can be trained.

    Raises
    ------
    UsageError
        With what is wrong with the first ones, where all of them are refused.
    """
    first: PellucidError | None = None
    for parameters in make_sampler("random", space, seed, False).propose(0, LOOKED_AT, [], []):
        try:
            objective.check(parameters)
            return
        except PellucidError as error:
            first = first or error
    if first is not None:
        raise first.at("space")


def record_of(
    objective: Objective,
    space: Space,
    sampler: str,
    pruner: str,
    seed: int,
    settings: Mapping[str, Any] | None = None,
) -> StudyRecord:
    """Return what a study says of itself."""
    return StudyRecord(
        space=space.to_toml(),
        metric=objective.metric,
        higher_is_better=objective.higher_is_better,
        sampler=sampler,
        pruner=pruner,
        seed=seed,
        members=tuple(objective.members),
        settings=dict(settings or {}),
        versions={"pellucid": __version__, "python": platform.python_version()},
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _open(path: str | os.PathLike[str] | None, resume: bool, record: StudyRecord) -> Study:
    if not isinstance(path, str | os.PathLike | None):
        raise UsageError("not a path", where="study", got=repr(path)[:80], expected="a path, or an open study")
    if path is None and resume:
        raise UsageError("there is no study to go on with", where="resume", fix="Pass study=PATH.")
    if not resume:
        return create_study(path, record)
    assert path is not None
    study = open_study(path, write=True)
    try:
        check_same(study.record, record, str(path))
    except BaseException:
        study.close()
        raise
    return study


def check_same(found: StudyRecord, wanted: StudyRecord, where: str) -> None:
    """See that a study is the one that is to be gone on with.

    Raises
    ------
    UsageError
        Naming the first thing in which they differ.
    """
    for name in ("space", "metric", "sampler", "pruner", "seed", "members", "settings"):
        there, asked = getattr(found, name), getattr(wanted, name)
        if there != asked:
            raise UsageError(
                f"the study is another one: its {name} {'differ' if name.endswith('s') else 'differs'}",
                where=where,
                got=_shown(asked),
                expected=_shown(there),
                fix="Go on with what it was made with, or begin another study.",
            )


def _shown(value: Any) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= 160 else text[:157] + "..."
