"""``pellucid tune``: a search for the settings that predict best, and what came of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pellucid.cli.options import parse_time
from pellucid.cli.output import show, show_json, tell
from pellucid.cli.table_options import (
    WRITTEN,
    ConfigOption,
    GroupOption,
    IgnoreOption,
    JsonOption,
    OverwriteOption,
    QuietOption,
    SeedOption,
    SeparatorOption,
    SetOption,
    TableArgument,
    TargetOption,
    TaskOption,
    TestOption,
    ThreadsOption,
    TimeOrderOption,
    WeightOption,
    as_options,
    check_count,
    plan_of_table,
)
from pellucid.cli.tune_choices import check_files, choose_folder, choose_space, tell_budget
from pellucid.cli.tune_view import Watching, describe_space, view_space, view_written
from pellucid.workflow.reports.view_understanding import view_understanding
from pellucid.workflow.tuning.folding import usual_folds
from pellucid.workflow.tuning.recipe_space import RecipeSpace
from pellucid.workflow.tuning.tune_table import TRIALS, tune_table
from pellucid.workflow.tuning.tuning import Tuning
from pellucid.workflow.tuning.tuning_folder import STUDY
from pellucid.workflow.tuning.tuning_record import describe_tuning
from pellucid.workflow.tuning.view_tuning import view_tuning
from pellucid.workflow.understanding import Understanding

SEARCHED = "How it searches"

SHORT = {"trials": "--trials", "sampler": "--sampler", "pruner": "--pruner", "metric": "--metric", "folds": "--folds"}
SHORT |= {"repeats": "--repeats", "threads": "--threads", "time_limit": "--time", "seconds": "--time"}
SHORT |= {"space": "--space", "resume": "--resume", "study": "--study"}
"""What the command line calls arguments of the library."""


class _Shown(Exception):
    """The space was to be shown, and nothing more."""

    def __init__(self, searched: RecipeSpace):
        super().__init__()
        self.searched = searched


def tune(
    table: TableArgument = None,
    target: TargetOption = None,
    task: TaskOption = None,
    separator: SeparatorOption = None,
    ignore: IgnoreOption = None,
    weight: WeightOption = None,
    group: GroupOption = None,
    time_order: TimeOrderOption = None,
    test: TestOption = None,
    space: Annotated[
        list[str] | None,
        typer.Option(
            "--space",
            metavar="FILE|NAME=VALUES",
            help="What to search over: a file in TOML; or one setting, such as 'network.dropout=uniform(0, 0.5)'. "
            "May be repeated.",
            rich_help_panel=SEARCHED,
        ),
    ] = None,
    trials: Annotated[
        int | None,
        typer.Option(
            "--trials",
            metavar="N",
            help=f"How many settings to try; {TRIALS} without --time.",
            rich_help_panel=SEARCHED,
        ),
    ] = None,
    time: Annotated[
        str | None,
        typer.Option(
            "--time", metavar="TIME", help="For everything, to the last file: 60s, 5m, 1h.", rich_help_panel=SEARCHED
        ),
    ] = None,
    sampler: Annotated[
        str,
        typer.Option(
            "--sampler",
            metavar="NAME",
            help="Who proposes: random, grid or tpe (Bayesian; asks for Optuna).",
            rich_help_panel=SEARCHED,
        ),
    ] = "random",
    pruner: Annotated[
        str,
        typer.Option(
            "--pruner",
            metavar="NAME",
            help="halving gives trials up that others are better than; or none.",
            rich_help_panel=SEARCHED,
        ),
    ] = "halving",
    metric: Annotated[
        str | None,
        typer.Option(
            "--metric",
            metavar="NAME",
            help="By which trials are compared; else log_loss or rmse.",
            rich_help_panel=SEARCHED,
        ),
    ] = None,
    folds: Annotated[
        int | None,
        typer.Option(
            "--folds",
            metavar="K",
            help="Each trial is cross-validated with so many parts; else 5, of many rows fewer.",
            rich_help_panel=SEARCHED,
        ),
    ] = None,
    repeats: Annotated[
        int,
        typer.Option("--repeats", metavar="N", help="And so often, with other seeds.", rich_help_panel=SEARCHED),
    ] = 1,
    seed: SeedOption = None,
    config: ConfigOption = None,
    assignments: SetOption = None,
    threads: ThreadsOption = None,
    show_space: Annotated[
        bool,
        typer.Option("--show-space", help="Print what would be searched over, and end.", rich_help_panel=SEARCHED),
    ] = False,
    out: Annotated[
        str | None,
        typer.Option(
            "--out",
            "-o",
            metavar="DIR",
            help="The folder; else runs/TABLE-TARGET-tune-NUMBER.",
            rich_help_panel=WRITTEN,
        ),
    ] = None,
    study: Annotated[
        str | None,
        typer.Option(
            "--study",
            metavar="FILE.db",
            help="The file that keeps the trials; else study.db in the folder.",
            rich_help_panel=WRITTEN,
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on with the study in --out or --study.", rich_help_panel=WRITTEN),
    ] = False,
    overwrite: OverwriteOption = False,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> int:
    """Search for the settings whose networks predict best, over thousands of networks.

    Trials are cross-validated on the rows that are not for the test; many networks are trained at once. In the end the
    best settings are compared with the defaults and with gradient boosting on the test rows, which nothing was chosen
    by. Left in the folder: the best network, an ensemble of the best ones, pictures, a page, and a run.toml that makes
    the best network again.

    What is not searched over is set by --config and --set. Ctrl-C ends the search with the best so far; a second one
    stops at once, and --resume goes on.
    """
    for option, count in {"--trials": trials, "--folds": folds, "--repeats": repeats, "--threads": threads}.items():
        check_count(option, count)
    plan = plan_of_table(
        table,
        config,
        assignments,
        target=target,
        task=task,
        separator=separator,
        test=test,
        group=group,
        time_order=time_order,
        weight=weight,
        ignore=ignore,
        seed=seed,
    )
    limit = None if time is None else parse_time(time)
    check_files(out, study, resume)
    silent = quiet or as_json
    with as_options(**SHORT), Watching(silent, threads) as watching:
        chosen = choose_space(space or [], plan)
        folder = choose_folder(out, plan)
        file = Path(study) if study is not None else folder / STUDY

        def understood(found: Understanding, searched: RecipeSpace) -> None:
            if not silent:
                show(view_understanding(found))
                judged = folds or usual_folds(found, plan)
                seconds = limit or plan.recipe.time_limit
                budget = tell_budget(trials, seconds, sampler, pruner, judged, repeats, plan.seed, resume)
                show(view_space(searched, budget))
            if show_space:
                raise _Shown(searched)
            watching.begin(searched)

        def interrupted() -> None:
            watching.end()
            tell("pellucid: interrupted: keeping the best so far (Ctrl-C again: stops at once)")

        try:
            found = tune_table(
                plan=plan,
                space=chosen,
                trials=trials,
                time_limit=limit,
                sampler=sampler,
                pruner=pruner,
                metric=metric,
                folds=folds,
                repeats=repeats,
                study=study if not show_space else None,
                resume=resume and not show_space,
                folder=folder if not show_space else None,
                overwrite=overwrite,
                threads=threads,
                on_status=watching.show,
                on_understood=understood,
                on_interrupt=interrupted,
            )
        except _Shown as shown:
            if as_json:
                show_json(describe_space(shown.searched))
            return 0
        except KeyboardInterrupt:
            if not file.exists():
                raise
            where = f"--study {study}" if study is not None else f"--out {folder}"
            raise KeyboardInterrupt(f"interrupted; {where} --resume goes on with it") from None
    _show_end(found, quiet, as_json)
    return 130 if found.interrupted else 0


def _show_end(found: Tuning, quiet: bool, as_json: bool) -> None:
    if as_json:
        show_json({**describe_tuning(found), "folder": None if found.folder is None else str(found.folder)})
    elif not quiet:
        show(view_tuning(found))
        print()
        show(view_written(found))
