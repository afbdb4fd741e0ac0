"""Time travel through a training: of a network and a dataset, or of a run folder."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from pellucid.errors import UsageError
from pellucid.inspection.divergence.first import first_divergence as compare_trainings
from pellucid.inspection.divergence.result import Divergence
from pellucid.inspection.replay.checkpoints import Paths
from pellucid.inspection.replay.snapshots import MEMORY
from pellucid.inspection.replay.timeline import Source, Timeline, timeline_of
from pellucid.training.arrangement import arrange
from pellucid.workflow.division import TRAIN
from pellucid.workflow.reopened import reopen
from pellucid.workflow.run_folder import CHECKPOINT


def timeline(
    subject: Any,
    dataset: Any = None,
    /,
    *,
    table: Any = None,
    checkpoints: Paths = (),
    memory: int = MEMORY,
    **options: Any,
) -> Timeline:
    """Return a training of which every step can be looked at, as it was, to the bit.

    Nothing has to be recorded while a network trains: the same seed, data and settings give the same bits, so that any
    step can be computed again. The timeline keeps snapshots on the way, and begins at the nearest one.

    Parameters
    ----------
    subject : Network, or path of a run folder
    dataset : Dataset
        What the network learns from; not with a run folder.
    table : path, Table, data frame, or mapping of columns, optional
        The table of a run, in place of the one that its ``run.toml`` names. Rows are then told as rows of the table.
    checkpoints : path or list of paths, optional
        Files that ``pl.fit(checkpoint=...)`` has written, or folders of them, to begin from besides.
    memory : int
        About how many bytes the snapshots may take.
    **options
        As for :func:`pellucid.fit`; not with a run folder. What changes no numbers, such as `time_limit`, plays no
        part: for a training that time has stopped, give ``steps=fitted.progress.step``.

    Returns
    -------
    Timeline

    Raises
    ------
    UsageError, DataError
        Where options, run or table do not fit: the table of a run has to be the very one that it was trained on.
    ModelError
        Where a checkpoint or the run's model is damaged, or belongs to another run.

    Examples
    --------
    >>> import numpy as np, pellucid as pl
    >>> x = np.linspace(-1, 1, 64)[:, None]
    >>> network = pl.Network([pl.Dense(16, "tanh"), pl.Dropout(0.1), pl.Dense(1)], inputs=1)
    >>> way = dict(loss="squared_error", epochs=20, seed=3)
    >>> there = timeline(network, pl.Dataset({"x": x}, x**2), **way)
    >>> there.at(11).rows[:4], there.at(11).forward(2).back(2).loss == there.at(11).loss
    (array([28, 51, 20, 38]), True)
    >>> there.verify(pl.fit(network, pl.Dataset({"x": x}, x**2), **way))
    True
    """
    if isinstance(subject, str | os.PathLike):
        given = [*(["dataset"] if dataset is not None else []), *options]
        if given:
            fix = "Leave it out; moment.fork(...) goes on with changed settings."
            raise UsageError("a run folder says all of its training", where="timeline", got=given[0], fix=fix)
        return _timeline_of_run(Path(subject), table, checkpoints, memory)
    if table is not None:
        raise UsageError("a table goes with a run folder", where="timeline", fix="Pass a dataset, or name the folder.")
    return timeline_of(subject, dataset, checkpoints=checkpoints, memory=memory, **options)


def _timeline_of_run(folder: Path, table: Any, checkpoints: Paths, memory: int) -> Timeline:
    run = reopen(folder, table)
    made = run.making
    dataset, options = made.training_of()
    left = folder / CHECKPOINT
    own = [left] if left.is_file() else []
    given = [checkpoints] if isinstance(checkpoints, str | os.PathLike) else list(checkpoints)
    arranged = arrange(made.network, dataset, **options)
    return Timeline(
        replace(arranged, examples=replace(arranged.examples, rows=made.parts[TRAIN])),
        Source(dataset, options),
        checkpoints=[*own, *given],
        memory=memory,
        name=str(folder),
        expected=run.model.parameters,
    )


def first_divergence(a: Any, b: Any, names: tuple[str, str] | None = None) -> Divergence:
    """Find the first step, node and element at which two trainings differ, and how the difference grows.

    Both are computed again, side by side, and compared to the bit; see
    :func:`pellucid.inspection.divergence.first.first_divergence`.

    Parameters
    ----------
    a, b : Timeline, Arrangement, Fit, or path of a run folder
        Of two fits only the records of their epochs and the last parameters can be compared.
    names : tuple of two str, optional
        What they are called; by default "a" and "b", or the paths.

    Returns
    -------
    Divergence

    Raises
    ------
    UsageError, DataError, ModelError
        Where they are something else, or a run's table is gone or another one.
    """
    called = [str(one) if isinstance(one, str | os.PathLike) else name for one, name in ((a, "a"), (b, "b"))]
    one, other = (timeline(given) if isinstance(given, str | os.PathLike) else given for given in (a, b))
    return compare_trainings(one, other, names or (called[0], called[1]))
