"""``pellucid train``: from a table to a network, its report and its folder."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.text import Text

from pellucid.cli.options import check_seed, make_plan, parse_sizes, parse_time
from pellucid.cli.output import show, show_json, tell
from pellucid.cli.table_options import (
    LEARNED,
    LEARNS,
    WRITTEN,
    ConfigOption,
    GroupOption,
    IgnoreOption,
    JsonOption,
    QuietOption,
    SeparatorOption,
    SetOption,
    TableArgument,
    TargetOption,
    TaskOption,
    TestOption,
    TimeOrderOption,
    WeightOption,
)
from pellucid.data.tables.table import read_table
from pellucid.errors import UsageError
from pellucid.nn.network import Network
from pellucid.workflow.plans.plan import Plan
from pellucid.workflow.reports.layout import printable
from pellucid.workflow.reports.view_report import tell_training, view_report
from pellucid.workflow.reports.view_understanding import view_understanding
from pellucid.workflow.run import Run
from pellucid.workflow.run_folder import Destination, choose_destination
from pellucid.workflow.train_table import train_table
from pellucid.workflow.understanding import Understanding


def train(
    table: TableArgument = None,
    target: TargetOption = None,
    task: TaskOption = None,
    separator: SeparatorOption = None,
    ignore: IgnoreOption = None,
    weight: WeightOption = None,
    group: GroupOption = None,
    time_order: TimeOrderOption = None,
    test: TestOption = None,
    folds: Annotated[
        int | None,
        typer.Option(metavar="K", help="Cross-validate with so many parts.", rich_help_panel=LEARNED),
    ] = None,
    hidden: Annotated[
        str | None,
        typer.Option(
            metavar="SIZES", help="Units of each hidden layer, such as 128,64; or none.", rich_help_panel=LEARNS
        ),
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(metavar="N", help="Go through the rows so often, at most.", rich_help_panel=LEARNS),
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="What says when to stop, such as accuracy.", rich_help_panel=LEARNS),
    ] = None,
    time: Annotated[
        str | None,
        typer.Option("--time", metavar="TIME", help="Stop after this time: 60s, 5m, 1h.", rich_help_panel=LEARNS),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(metavar="N", help="The same seed gives the same network, to the bit.", rich_help_panel=LEARNS),
    ] = None,
    executor: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="What runs the network: native (machine code) or interpret (NumPy).",
            rich_help_panel=LEARNS,
        ),
    ] = None,
    start_from: Annotated[
        str | None,
        typer.Option("--from", metavar="MODEL", help="Start with this model's weights.", rich_help_panel=LEARNS),
    ] = None,
    config: ConfigOption = None,
    assignments: SetOption = None,
    out: Annotated[
        str | None,
        typer.Option(
            "--out",
            "-o",
            metavar="DIR",
            help="The run folder; else runs/TABLE-TARGET-NUMBER.",
            rich_help_panel=WRITTEN,
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the run that is in --out.", rich_help_panel=WRITTEN)
    ] = False,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on with the run in --out that was stopped.", rich_help_panel=WRITTEN),
    ] = False,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> int:
    """Train a network on a table and report how good it is on rows that it has not seen.

    Columns, task and split are inferred and printed. The report compares the network with simple baselines and with
    gradient boosting. Model, history, curves and a record of what was done are left in a folder.

    Settings come from --config, then from the options below, then from --set: what is said later counts.
    Ctrl-C ends the training and keeps the best network so far; a second one stops at once.
    """
    if epochs is not None and epochs < 1:
        raise UsageError("not a count", where="--epochs", got=str(epochs), expected="a whole number from 1 up")
    check_seed(seed)
    named = {
        "--target": target,
        "--task": task,
        "--separator": separator,
        "--test": test,
        "--group": group,
        "--time-order": time_order,
        "--weight": weight,
        "--ignore": ignore,
        "--folds": folds,
        "--seed": seed,
        "--from": start_from,
        "--metric": metric,
        "--epochs": epochs,
        "--hidden": None if hidden is None else parse_sizes(hidden),
        "--time": None if time is None else parse_time(time),
        "--executor": executor,
    }
    plan = make_plan(table, config, named, assignments or [])
    assert plan.table is not None
    if not plan.target and plan.start_from is None:
        known = ", ".join(map(repr, read_table(plan.table).names[:12]))
        raise UsageError("no target is named", where=plan.table, fix=f"Say --target COLUMN. Columns: {known}.")
    if resume and out is None:
        raise UsageError("no folder is named whose run is to be gone on with", where="--resume", fix="Say --out DIR.")
    destination = choose_destination(out, plan.table, plan.target, overwrite, resume)
    run = _train(plan, destination, silent=quiet or as_json, resume=resume)
    if as_json:
        show_json(describe(run))
    elif not quiet:
        _show_end(run)
    return 130 if run.interrupted else 0


def _train(plan: Plan, destination: Destination, silent: bool, resume: bool) -> Run:
    def understood(found: Understanding, network: Network) -> None:
        if not silent:
            show(view_understanding(found, network))

    try:
        return train_table(
            plan.table,
            plan=plan,
            folder=destination,
            resume=resume,
            progress=False if silent else None,
            on_understood=understood,
            on_interrupt=lambda: tell("pellucid: interrupted: keeping the best so far (Ctrl-C again: stops at once)"),
        )
    except KeyboardInterrupt:
        if destination.checkpoint.exists():
            told = f"interrupted; --out {destination.path} --resume goes on with it"
            raise KeyboardInterrupt(told) from None
        raise


def _show_end(run: Run) -> None:
    show(Text(tell_training(run)))
    print()
    show(view_report(run.report))
    print()
    show(Text(f"Written to {printable(run.folder)}"))


def describe(run: Run) -> dict[str, Any]:
    """Return what a run has to say, as plain data for JSON."""
    found, fitted = run.understanding, run.fit
    return {
        "table": found.table.path,
        "rows": {name: len(rows) for name, rows in found.parts.items()},
        "task": found.task.kind,
        "targets": list(found.task.targets),
        "roles": {role.name: {"role": role.kind, "reason": role.reason} for role in found.roles},
        "seed": found.seed,
        "epochs": fitted.progress.epoch,
        "steps": fitted.progress.step,
        "best_epoch": fitted.best_epoch,
        "stopped": fitted.reason,
        "interrupted": run.interrupted,
        "seconds": round(run.seconds, 2),
        "report": run.report.as_dict(),
        "folder": str(run.folder) if run.folder is not None else None,
    }
