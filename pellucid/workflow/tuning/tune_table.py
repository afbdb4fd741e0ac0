"""From a table to the best recipe for it: a search, its winner trained anew, compared and reported."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pellucid.errors import UsageError
from pellucid.tuning.pruning import pruner as pruner_called
from pellucid.tuning.samplers import make_sampler
from pellucid.tuning.search import look_at, record_of
from pellucid.tuning.space import Space, read_space
from pellucid.tuning.status import Status
from pellucid.tuning.study import Study, StudyRecord, create_study, open_study
from pellucid.workflow.finishing import Finishing
from pellucid.workflow.making import prepare
from pellucid.workflow.plans.plan import Plan
from pellucid.workflow.reports.report import check_metric
from pellucid.workflow.tuning.budget import AFTER_INTERRUPT, Budget
from pellucid.workflow.tuning.default_space import default_metric, default_space
from pellucid.workflow.tuning.encoded_rows import LENGTHS
from pellucid.workflow.tuning.ending import Ender
from pellucid.workflow.tuning.folding import fold_rows, usual_folds
from pellucid.workflow.tuning.recipe_objective import RecipeObjective
from pellucid.workflow.tuning.recipe_space import RecipeSpace, recipe_space
from pellucid.workflow.tuning.same_study import check_same_study
from pellucid.workflow.tuning.searching import Searching, has_ended, search_as_it_stands
from pellucid.workflow.tuning.tuning import Tuning
from pellucid.workflow.tuning.tuning_folder import (
    BEST,
    STUDY,
    check_folder,
    check_study_file,
    remove_study,
    write_tuning,
)
from pellucid.workflow.understanding import Understanding, understand

TRIALS = 100
"""So many trials there are where neither their number nor a time is said."""


def tune_table(
    data: Any = None,
    target: str | Sequence[str] | None = None,
    *,
    plan: Plan | None = None,
    space: Space | Mapping[str, Any] | str | os.PathLike[str] | None = None,
    trials: int | None = None,
    time_limit: float | None = None,
    sampler: str = "random",
    pruner: str = "halving",
    metric: str | None = None,
    folds: int | None = None,
    repeats: int = 1,
    study: str | os.PathLike[str] | None = None,
    resume: bool = False,
    folder: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    threads: int | None = None,
    progress: bool | None = False,
    on_status: Callable[[Status], None] | None = None,
    on_understood: Callable[[Understanding, RecipeSpace], None] | None = None,
    on_interrupt: Callable[[], None] | None = None,
    task: str | None = None,
    seed: int | None = None,
    group: str | None = None,
    time_order: str | None = None,
    weight: str | None = None,
    ignore: Sequence[str] | None = None,
    roles: Mapping[str, str] | None = None,
    separator: str | None = None,
    test: Any = None,
) -> Tuning:
    """Search for the recipe whose networks predict best what they have not learned from.

    The rows for the test, 20 % unless the plan says otherwise, take no part in the search. All others are divided into
    folds; each trial trains a network for each fold, and its value is the mean of the metric over the rows held out. In
    the end the winner is trained anew, as :func:`train_table` does with its plan, and compared on the test rows with
    the default settings and gradient boosting; and networks of the best trials are averaged to an ensemble.

    With a number of trials and a seed, the study is the same to the bit whatever the number of cores. With a time limit
    it depends on the machine how many trials there are, and each of them is the same to the bit.

    Ctrl-C ends the search with the best so far. A second one stops at once; the study can be gone on with.

    Parameters
    ----------
    data, target, plan, task, seed, group, time_order, weight, ignore, roles, separator, test
        As for :func:`train_table`. What the plan says of the recipe holds where the space says nothing.
    space : Space, mapping or path, optional
        What to choose from, by the paths of settings; and ``network.layers``, ``network.units`` (of every hidden
        layer), ``network.units_1``, ``network.units_2``, ... (of that layer). By default one that fits task and table.
    trials : int, optional
        How many the study is to have in all; 100 where there is no time limit either.
    time_limit : float, optional
        Seconds for everything, from reading the table to the last file.
    sampler : {"random", "grid", "tpe"}
        Who proposes; ``tpe`` needs Optuna.
    pruner : {"halving", "none"}
        Whether trials are given up that others are better than.
    metric : str, optional
        By which trials are compared and stop early; by default that of the plan, or else the logarithmic loss of
        classes and labels and the root mean squared error of numbers.
    folds : int, optional
        1 lets the plan's own part for validation judge; by default 5, and fewer from 10,000 rows on.
    repeats : int
        How often all folds are done, with other seeds.
    study : path, optional
        The file that keeps the trials; by default ``study.db`` in the folder, or none.
    resume : bool
        Go on with that study. Table, plan and space must be those that it was made with; a search that had ended is
        gone on with if there are to be more `trials` or there is a `time_limit`.
    folder : path, optional
        Where to leave what came of it: ``best`` (the winner's run folder), ``ensemble`` (a model folder),
        ``pictures``, ``study.html``, ``report.json``, and ``run.toml``, which makes the winner again.
    overwrite : bool
        Replace an earlier search in `folder`, or the file `study`.
    threads : int, optional
        By default as many as there are cores.
    progress : bool, optional
        Show a line of progress; None: where standard error is a terminal.
    on_status : callable, optional
        Told of a :class:`~pellucid.tuning.engine.Status` about five times a second while the search runs.
    on_understood : callable, optional
        ``on_understood(understanding, space)`` is called before the search; see :class:`RecipeSpace`.
    on_interrupt : callable, optional
        Called when Ctrl-C has ended the search.

    Returns
    -------
    Tuning

    Raises
    ------
    DataError, UsageError
        Where table, target, settings or space do not fit; before anything is written.
    ModelError
        Where the study cannot be read or written.

    Examples
    --------
    >>> size = [0.1 * row for row in range(80)]
    >>> table = {"size": size, "price": [3 * value + 1 for value in size]}
    >>> space = {"network.units": "choice(4, 8)", "optimizer.learning_rate": "log_uniform(0.001, 0.1)"}
    >>> plan = Plan().set("training.epochs=5")
    >>> tuning = tune_table(table, "price", plan=plan, space=space, trials=3, folds=2)
    >>> len(tuning.trials), tuning.plan.recipe.hidden in [(4,), (8,)], tuning.comparison.metric
    (3, True, 'rmse')
    """
    plan = _completed(
        plan or Plan(),
        target=target if target is None or not isinstance(target, str) else (target,),
        task=task,
        seed=seed,
        group=group,
        time_order=time_order,
        weight=weight,
        ignore=ignore,
        roles=roles,
        separator=separator,
    )
    budget = Budget(time_limit if time_limit is not None else plan.recipe.time_limit or None)
    plan = replace(plan, recipe=replace(plan.recipe, time_limit=0.0))
    _refuse(plan)
    where = _as_path("folder", folder)
    file = _study_file(_as_path("study", study), where, resume)
    if where is not None:
        check_folder(where, overwrite, resume)
    if file is not None:
        check_study_file(file, where, overwrite, resume)
    found = understand(_data(data, plan), plan, test=test)
    defaults = prepare(found, plan, found.parts)
    earlier = open_study(file).record if resume and file is not None else None
    chosen = metric or (earlier.metric if earlier is not None else default_metric(defaults))
    try:
        check_metric(chosen, found.task.kind)
    except UsageError as error:
        raise error.at("metric") from None
    base = _judged_by(plan, chosen)
    folds = usual_folds(found, base) if folds is None else folds
    folding = fold_rows(found, base, folds, repeats)
    if earlier is not None:
        space = Space.from_toml(earlier.space, str(file)) if space is None else space
        sampler = earlier.sampler if sampler == "random" else sampler
        pruner = earlier.pruner if pruner == "halving" else pruner
    searched = recipe_space(_space(space, found, len(folding.rows)), base)
    _refuse_losses(searched, chosen, len(found.task.targets) > 1)
    objective = RecipeObjective(found, searched, folding, chosen)
    proposer = make_sampler(sampler, searched.space, plan.seed, objective.higher_is_better)
    pruning = pruner_called(pruner)
    look_at(objective, searched.space, plan.seed)
    if on_understood is not None:
        on_understood(found, searched)
    stated = replace(base, table=None, test=None, sha256=found.digest).to_toml()
    settings = {"plan": stated, "folds": folds, "repeats": repeats, "trials": trials, "time_limit": budget.limit}
    record = record_of(objective, searched.space, sampler, pruner, plan.seed, settings)
    with _opened(file, record, resume, overwrite) as kept:
        if resume and trials is None and budget.limit is None:
            trials, budget.limit = kept.record.settings.get("trials"), kept.record.settings.get("time_limit")
            over = has_ended(kept)
        else:
            over = False
        if over:
            result = search_as_it_stands(kept, objective.higher_is_better)
        else:
            wanted = trials if trials is not None or budget.limit is not None else TRIALS
            search = Searching(objective, proposer, pruning, kept, budget, defaults, threads, where is not None)
            result = search.run(wanted, on_status, progress)
    if result.interrupted:
        budget.shorten(AFTER_INTERRUPT)
    keep = Finishing(result.interrupted, on_interrupt)
    ending = Ender(objective, defaults, budget, keep, threads).end(result.ranking(), result.trials)
    tuning = Tuning(
        understanding=found,
        space=searched.space,
        searched=searched,
        study=file,
        metric=chosen,
        higher_is_better=objective.higher_is_better,
        trials=result.trials,
        best=ending.best,
        plan=ending.plan,
        run=ending.run,
        comparison=ending.comparison,
        ensemble=ending.ensemble,
        selection=ending.selection,
        ensemble_report=ending.ensemble_report,
        importance=ending.importance,
        result=result,
        architectures=searched.architectures,
        seconds=budget.spent(),
        interrupted=keep.interrupted,
        notes=ending.notes,
    )
    return tuning if where is None else keep.call(lambda: _kept(tuning, where, budget, keep))


def _kept(tuning: Tuning, folder: Path, budget: Budget, keep: Finishing) -> Tuning:
    """Write what came of a search to its folder."""
    ended = replace(tuning, seconds=budget.spent(), interrupted=keep.interrupted, folder=folder)
    write_tuning(ended, folder)
    return replace(ended, run=replace(ended.run, folder=folder / BEST))


def _completed(plan: Plan, **given: Any) -> Plan:
    """Return a plan with what is given besides; None says nothing."""
    return replace(plan, **{name: value for name, value in given.items() if value is not None})


def _refuse(plan: Plan) -> None:
    """Refuse plans that a search cannot follow."""
    if plan.folds:
        what = "a search needs rows for the test that it never sees, and cross-validation leaves none"
        raise UsageError(
            what, where="split.folds", got=str(plan.folds), fix="Leave it at 0; the search has folds itself."
        )
    if plan.start_from is not None:
        fix = "Leave it out; train the winner from that model afterwards, if you like."
        raise UsageError("a search starts from no model", where="table.start_from", got=plan.start_from[:80], fix=fix)


def _as_path(name: str, given: Any) -> Path | None:
    if not isinstance(given, str | os.PathLike | None):
        raise UsageError("not a path", where=name, got=repr(given)[:80], expected="the name of a file or folder")
    return None if given is None else Path(given)


def _study_file(study: Path | None, folder: Path | None, resume: bool) -> Path | None:
    if study is not None:
        return study
    if folder is not None:
        return folder / STUDY
    if resume:
        fix = "Pass study=PATH or folder=PATH."
        raise UsageError("there is no study to go on with", where="resume", fix=fix)
    return None


def _data(data: Any, plan: Plan) -> Any:
    if data is None and plan.table is None:
        raise UsageError("no table is named", fix="Name the file of a table, or pass a data frame.")
    return plan.table if data is None else data


def _judged_by(plan: Plan, metric: str) -> Plan:
    """Return the plan of trials: their trainings stop by the metric of the search, where there are rows to stop by."""
    return replace(plan, recipe=replace(plan.recipe, metric=metric if plan.judges else "loss"))


def _space(given: Any, found: Understanding, rows: int) -> Space:
    if given is None:
        return default_space(found, rows)
    if isinstance(given, Space):
        return given
    if isinstance(given, Mapping):
        return Space(given)
    return read_space(given)


def _refuse_losses(searched: RecipeSpace, metric: str, several: bool) -> None:
    """Refuse to compare trials by different losses."""
    of_loss = [one for one in searched.space.dimensions if one.name.startswith("loss.")]
    if metric == "loss" and of_loss:
        fix = "Choose another metric, such as log_loss or rmse."
        raise UsageError("trials of different losses are not compared by the loss", where=of_loss[0].name, fix=fix)
    names = [one.distribution.values() for one in of_loss if one.name == "loss.name"]
    if names and several and metric in LENGTHS:
        recipes = [replace(searched.plan.recipe, loss_name=str(name), loss_settings={}) for name in names[0]]
        if len({recipe.standardizes("regression") for recipe in recipes}) > 1:
            what = "some of these losses learn several targets in their own units and some standardized"
            raise UsageError(what, where="loss.name", fix="Compare trials by r2, or leave out one kind of loss.")


def _opened(file: Path | None, record: StudyRecord, resume: bool, overwrite: bool) -> Study:
    if not resume:
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            if overwrite:
                remove_study(file)
        return create_study(file, record)
    assert file is not None
    study = open_study(file, write=True)
    try:
        check_same_study(study.record, record, str(file))
    except BaseException:
        study.close()
        raise
    return study
