"""``pellucid learning-curve``: would more rows help, would a larger network?"""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from pellucid.cli.output import show, show_json, tell
from pellucid.cli.table_options import (
    LEARNS,
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
    seconds_of,
)
from pellucid.nn.network import Network
from pellucid.workflow.learning_curve import learning_curve as measure
from pellucid.workflow.learning_curves.result import LearningCurve
from pellucid.workflow.learning_curves.view import view_learning_curve
from pellucid.workflow.learning_curves.writing import check_folder, write_learning_curve
from pellucid.workflow.reports.layout import printable
from pellucid.workflow.reports.view_understanding import view_understanding
from pellucid.workflow.understanding import Understanding


def learning_curve(
    table: TableArgument = None,
    target: TargetOption = None,
    task: TaskOption = None,
    separator: SeparatorOption = None,
    ignore: IgnoreOption = None,
    weight: WeightOption = None,
    group: GroupOption = None,
    time_order: TimeOrderOption = None,
    test: TestOption = None,
    metric: Annotated[
        str | None,
        typer.Option("--metric", metavar="NAME", help="What is measured, such as accuracy.", rich_help_panel=LEARNS),
    ] = None,
    draws: Annotated[
        int | None,
        typer.Option(
            "--draws",
            metavar="N",
            help="Train so often, with other rows and seeds; else 10, or 5 of many rows.",
            rich_help_panel=LEARNS,
        ),
    ] = None,
    time: Annotated[
        str | None,
        typer.Option("--time", metavar="TIME", help="For all trainings: 30s, 5m; else 60s.", rich_help_panel=LEARNS),
    ] = None,
    seed: SeedOption = None,
    config: ConfigOption = None,
    assignments: SetOption = None,
    threads: ThreadsOption = None,
    out: Annotated[
        str | None,
        typer.Option(
            "--out", "-o", metavar="DIR", help="A folder for picture, numbers and page.", rich_help_panel=WRITTEN
        ),
    ] = None,
    overwrite: OverwriteOption = False,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> int:
    """Measure the error against the number of rows and the size of the network: would more of either help?

    The network is trained on more and more of the rows, and networks from a linear model up to four times as wide on
    all of them, each several times; rows that a training has not seen tell its error. A power law is fitted to it, and
    says what twice as many rows would bring. The rows for the test of pellucid train take no part.

    Ctrl-C ends the trainings and shows what was done until then.
    """
    check_count("--draws", draws, 2)
    check_count("--threads", threads)
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
    limit = seconds_of(time)
    if out is not None:
        check_folder(out, overwrite)
    silent = quiet or as_json

    def understood(found: Understanding, network: Network) -> None:
        if not silent:
            show(view_understanding(found, network))

    with as_options(metric="--metric", draws="--draws", threads="--threads", time_limit="--time"):
        curve = measure(
            plan=plan,
            metric=metric,
            draws=draws,
            time_limit=limit,
            threads=threads,
            progress=False if silent else None,
            on_understood=understood,
            on_interrupt=lambda: tell("pellucid: interrupted: showing what was done until then"),
        )
    folder = None if out is None else write_learning_curve(curve, out, overwrite=overwrite)
    _show(curve, None if folder is None else str(folder), quiet, as_json)
    return 130 if curve.interrupted else 0


def _show(curve: LearningCurve, folder: str | None, quiet: bool, as_json: bool) -> None:
    if as_json:
        show_json({**curve.as_dict(), "folder": folder})
    elif not quiet:
        show(view_learning_curve(curve))
        if folder is not None:
            show(Text(f"Written to {printable(folder)}"))
