"""From a table to a trained network, its report and its folder."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from pellucid.errors import UsageError
from pellucid.model.model import Model
from pellucid.nn.network import Network
from pellucid.workflow.finishing import INTERRUPTED, Finishing
from pellucid.workflow.judging import LEAST_SECONDS, MOST_SECONDS, Judgement, cross_validate, judge, judge_without_test
from pellucid.workflow.making import Making, in_own_unit, prepare
from pellucid.workflow.plans.plan import Plan
from pellucid.workflow.plans.recipe import Recipe
from pellucid.workflow.record import STOPPED, recorded_stop, settle, write_run
from pellucid.workflow.run import Run
from pellucid.workflow.run_folder import Destination
from pellucid.workflow.starting import load_start
from pellucid.workflow.understanding import Understanding, understand


def train_table(
    data: Any = None,
    target: str | Sequence[str] | None = None,
    *,
    plan: Plan | None = None,
    task: str | None = None,
    recipe: Recipe | None = None,
    seed: int | None = None,
    time_limit: float | None = None,
    test: Any = None,
    group: str | None = None,
    time_order: str | None = None,
    weight: str | None = None,
    ignore: Sequence[str] | None = None,
    roles: Mapping[str, str] | None = None,
    separator: str | None = None,
    folds: int | None = None,
    start_from: Model | str | os.PathLike[str] | None = None,
    resume: bool = False,
    folder: str | os.PathLike[str] | Destination | None = None,
    overwrite: bool = False,
    progress: bool | None = False,
    on_understood: Callable[[Understanding, Network], None] | None = None,
    on_interrupt: Callable[[], None] | None = None,
) -> Run:
    """Train a network on a table, and compare it with simple baselines on rows that it has not seen.

    Of the rows, 70 % are learned from, 10 % say when to stop, and 20 % are for the report; classes are in equal shares
    in all of them. Encoders see the training rows only. `test`, `group`, `time_order` and `folds` divide otherwise.

    Ctrl-C ends the training; the report and the folder are then made from the best network so far. A second one raises
    KeyboardInterrupt, and there is no model. While it runs, the training leaves a checkpoint in the folder every ten
    seconds; `resume` goes on from there, to the same bits as if it had never stopped.

    Cells are read, and encoders compute, in float64. The network computes in the dtype of the data, if the recipe does
    not say another: float64 where an array, a data frame or a Parquet file has numbers in float64 that are used, and
    float32 otherwise. Integers, lists and CSV files say nothing of it.

    Memory: 250 MB for the program; for each cell 8 bytes if it is a number or a date, 9 in columns with gaps, 1 for
    truth values, 8 for text and about 60 more, and its letters, for each different one; 4 bytes for each feature of the
    training and validation rows (8 in float64); and at most 900 MB for the baselines, which learn from a part of the
    rows where these are very many. So 1 GB of numbers, 120 million cells, takes about 2.6 GB (`make memory` measures
    it). The text of a CSV file is never in memory as a whole.

    Parameters
    ----------
    data : path, Table, data frame, or mapping of columns, optional
        By default the table that the plan names.
    target : str or sequence of str, optional
    plan : Plan, optional
        All that can be said of a run, such as ``read_plan("runs/wine-cultivar-1/run.toml")``. What is given besides
        takes precedence.
    task : str, optional
        "regression", "binary", "multiclass", "multilabel" or "classification"; by default what the targets suggest.
    recipe : Recipe, optional
    seed : int, optional
        The same seed, table and recipe give the same bits, unless time ends the training. 0 by default.
    time_limit : float, optional
        Seconds that the training may take; with `folds` that of all networks together. The baselines may take as long
        besides, and at least 10 seconds; without a limit 2 minutes.
    test : like `data`, optional
        A table of its own for the report.
    group : str, optional
        A column whose groups, such as persons, are not divided between training, validation and test.
    time_order : str, optional
        A column of dates or numbers: the earliest rows are learned from, the latest are for the report.
    weight : str, optional
        A column that says how much each row counts: in training, in encoders, in early stopping and in the report.
    ignore : sequence of str, optional
        Columns to leave out.
    roles : mapping of str, optional
        What columns are for, where it is not what their values suggest.
    separator : str, optional
        What stands between the labels in one cell of the target.
    folds : int, optional
        Cross-validation: so many networks are trained, each of which predicts for the report the rows of the fold that
        it has not seen. The model itself is trained on all rows but those for validation.
    start_from : Model or path, optional
        A model whose encoders, network and parameters training starts from. Columns and task have to fit.
    resume : bool
        Go on with the training that was stopped in `folder`.
    folder : path or Destination, optional
        Where to leave model, history, curves and record. It must be empty or not be there yet.
    overwrite : bool
        Replace the files of an earlier run in `folder`.
    progress : bool, optional
        Show a line of progress; None: where standard error is a terminal.
    on_understood : callable, optional
        ``on_understood(understanding, network)`` is called before the training.
    on_interrupt : callable, optional
        Called when Ctrl-C has ended the training.

    Returns
    -------
    Run

    Raises
    ------
    DataError, UsageError
        Where table, target or settings do not fit; before anything is written.
    ModelError
        Where the model to start from or the checkpoint to go on from cannot be read, or is of another run.

    Examples
    --------
    >>> size = [0.1 * row for row in range(60)]
    >>> table = {"size": size, "price": [3 * value + 1 for value in size]}
    >>> run = train_table(table, "price", recipe=Recipe(hidden=(8,), epochs=3))
    >>> run.report.rows, list(run.report.metrics)
    (12, ['rmse', 'mae', 'r2'])
    """
    began = time.perf_counter()
    if time_limit is not None and not time_limit > 0:
        raise UsageError("no time to train", where="time_limit", got=repr(time_limit), expected="seconds, above 0")
    plan = _completed(
        plan or Plan(),
        target=target,
        task=task,
        recipe=recipe,
        seed=seed,
        group=group,
        time_order=time_order,
        weight=weight,
        ignore=ignore,
        roles=roles,
        separator=separator,
        folds=folds,
        start_from=os.fspath(start_from) if isinstance(start_from, os.PathLike) else start_from,
        time_limit=time_limit,
    )
    destination = _destination(folder, overwrite, resume)
    if destination is not None:
        destination.check()
        if destination.resume and plan.recipe.steps == recorded_stop(destination.path):
            plan = replace(plan, recipe=replace(plan.recipe, steps=0))  # where it was stopped is no wish
    start = plan.start_from if start_from is None else start_from
    model = None
    if start is not None:
        model, recipe = load_start(start, plan.recipe)
        plan = replace(plan, recipe=recipe)
    found = understand(_data(data, plan), plan, test=test, model=model)
    made = prepare(found, plan, found.parts, model)
    if on_understood is not None:
        on_understood(found, made.network)
    with _claimed(destination) as place:
        run, keep = _make(made, place, progress, on_interrupt)

        def finish() -> Run:
            ended = replace(run, seconds=time.perf_counter() - began, interrupted=keep.interrupted)
            if place is None:
                return ended
            where = place.commit(lambda unfinished: write_run(ended, unfinished))
            if run.fit.reason not in STOPPED:
                place.checkpoint.unlink(missing_ok=True)
            return replace(ended, folder=where)

        return keep.call(finish)


def _destination(
    folder: str | os.PathLike[str] | Destination | None, overwrite: bool, resume: bool
) -> Destination | None:
    if isinstance(folder, Destination):
        return replace(folder, resume=True) if resume else folder
    if folder is None and resume:
        raise UsageError("no folder is named whose run is to be gone on with", where="resume", fix="Pass folder=PATH.")
    return None if folder is None else Destination(Path(folder), overwrite, resume=resume)


@contextmanager
def _claimed(destination: Destination | None) -> Iterator[Destination | None]:
    if destination is None:
        yield None
    else:
        with destination.claim() as place:
            yield place


def _completed(plan: Plan, *, time_limit: float | None = None, start_from: Any = None, **given: Any) -> Plan:
    """Return a plan with what is given besides; None says nothing."""
    if isinstance(start_from, str):
        given["start_from"] = start_from
    plan = replace(plan, **{name: value for name, value in given.items() if value is not None})
    return plan if time_limit is None else replace(plan, recipe=replace(plan.recipe, time_limit=time_limit))


def _data(data: Any, plan: Plan) -> Any:
    if data is None and plan.table is None:
        raise UsageError("no table is named", fix="Name the file of a table, or pass a data frame.")
    return plan.table if data is None else data


def _make(
    made: Making, place: Destination | None, progress: bool | None, told: Callable[[], None] | None
) -> tuple[Run, Finishing]:
    """Train, and judge what came of it."""
    plan, found = made.plan, made.found
    limit = plan.recipe.time_limit / (plan.folds + 1) or None
    fitted = made.fit(limit, progress, place.checkpoint if place else None, bool(place and place.resume))
    if fitted.reason == INTERRUPTED and fitted.progress.step == 0:
        raise KeyboardInterrupt
    seconds = MOST_SECONDS if limit is None else max(LEAST_SECONDS, limit)
    keep = Finishing(fitted.reason == INTERRUPTED, told)
    model = made.model(fitted)
    judgement = _judge(made, model, seconds, limit, keep, progress)
    if plan.sha256 is not None and found.digest is not None and plan.sha256 != found.digest:
        note = f"The table is not the one that the plan names: its SHA-256 begins with {found.digest[:12]}, not with "
        judgement = replace(judgement, notes=(f"{note}{plan.sha256[:12]}.", *judgement.notes))
    report = judgement.report(plan.seed, plan.recipe.metric)
    model = model.with_metrics({f"test {name}": value for name, value in report.metrics.items()})
    history, settled = in_own_unit(fitted.history, made.targets), settle(plan, found, fitted)
    return Run(found, settled, model, fitted, history, report, 0.0, keep.interrupted), keep


def _judge(
    made: Making, model: Model, seconds: float, limit: float | None, keep: Finishing, progress: bool | None
) -> Judgement:
    if not made.found.division.folds:
        return judge(made, model, seconds, keep)
    judged = None if keep.interrupted else cross_validate(made, seconds, limit, keep, progress)
    return judged or judge_without_test(made, model)
