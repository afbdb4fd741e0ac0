"""``pellucid train``: from a table to a network, its report and its folder."""

from __future__ import annotations

import json
import re
from typing import Annotated, Any

import typer
from rich.text import Text

from pellucid.cli.output import show, tell
from pellucid.data.table import read_table
from pellucid.errors import UsageError
from pellucid.nn.network import Network
from pellucid.workflow.recipe import Recipe
from pellucid.workflow.run import Run
from pellucid.workflow.run_folder import choose_destination
from pellucid.workflow.train_table import train_table
from pellucid.workflow.understanding import Understanding
from pellucid.workflow.view import printable, tell_training, view_report, view_understanding

DEFAULT = Recipe()
UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


def train(
    table: Annotated[str, typer.Argument(metavar="TABLE", help="A CSV or Parquet file.", show_default=False)],
    target: Annotated[
        list[str] | None,
        typer.Option("--target", "-t", metavar="COLUMN", help="The column to predict; repeat it for several."),
    ] = None,
    task: Annotated[
        str | None,
        typer.Option(
            metavar="TASK", help="regression, binary, multiclass, multilabel or classification; else inferred."
        ),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option("--out", "-o", metavar="DIR", help="Where the run folder goes; else runs/TABLE-TARGET-NUMBER."),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the run that is in --out.")] = False,
    seed: Annotated[int, typer.Option(metavar="N", help="The same seed gives the same network, to the bit.")] = 0,
    time: Annotated[
        str | None, typer.Option("--time", metavar="TIME", help="Stop training after this time: 60s, 5m, 1h.")
    ] = None,
    epochs: Annotated[int, typer.Option(metavar="N", help="Go through the rows so often, at most.")] = DEFAULT.epochs,
    hidden: Annotated[
        str, typer.Option(metavar="SIZES", help="The units of each hidden layer, such as 128,64; or none.")
    ] = ",".join(map(str, DEFAULT.hidden)),
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON, and nothing else.")] = False,
) -> int:
    """Train a network on a table and report how good it is on rows that it has not seen.

    Columns, task and split are inferred and printed. The report compares the network with simple baselines. Model,
    history, curves and a record of what was done are left in a folder. Ctrl-C ends the training and keeps the best
    network so far; a second one stops at once and writes nothing.
    """
    if not target:
        known = ", ".join(map(repr, read_table(table).names[:12]))
        raise UsageError("no target is named", where=table, fix=f"Say --target COLUMN. Columns: {known}.")
    if epochs < 1:
        raise UsageError("not a count", where="--epochs", got=str(epochs), expected="a whole number from 1 up")
    if not 0 <= seed < 2**63:
        raise UsageError("not a seed", where="--seed", got=str(seed), expected="a whole number from 0 to 2^63 - 1")
    destination = choose_destination(out, table, target, overwrite)
    silent = quiet or as_json

    def understood(found: Understanding, network: Network) -> None:
        if not silent:
            show(view_understanding(found, network))

    run = train_table(
        table,
        target,
        task=task,
        recipe=Recipe(hidden=parse_sizes(hidden), epochs=epochs),
        seed=seed,
        time_limit=parse_time(time) if time is not None else None,
        folder=destination,
        progress=False if silent else None,
        on_understood=understood,
        on_interrupt=lambda: tell("pellucid: interrupted: keeping the best so far (Ctrl-C again: nothing is kept)"),
    )
    if as_json:
        print(json.dumps(describe(run), ensure_ascii=False, indent=1))
    elif not quiet:
        _show_end(run)
    return 130 if run.interrupted else 0


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
        "best_epoch": fitted.best_epoch,
        "stopped": fitted.reason,
        "interrupted": run.interrupted,
        "seconds": round(run.seconds, 2),
        "report": run.report.as_dict(),
        "folder": str(run.folder) if run.folder is not None else None,
    }


def parse_sizes(text: str) -> tuple[int, ...]:
    """Return sizes of hidden layers as a command line has them.

    Examples
    --------
    >>> parse_sizes("128,64"), parse_sizes("none")
    ((128, 64), ())
    """
    if text.strip().lower() in ("none", ""):
        return ()
    sizes = [size.strip() for size in text.split(",")]
    if not all(re.fullmatch("[0-9]{1,6}", size) and int(size) for size in sizes):
        raise UsageError(
            "not the sizes of layers", where="--hidden", got=repr(text)[:60], expected="such as 128,64 or none"
        )
    return tuple(map(int, sizes))


def parse_time(text: str) -> float:
    """Return a time in seconds as a command line has it.

    Examples
    --------
    >>> parse_time("90"), parse_time("1.5m"), parse_time("1h")
    (90.0, 90.0, 3600.0)
    """
    found = re.fullmatch(r"([0-9]+\.?[0-9]*|\.[0-9]+)\s*(s|m|min|h|)", text.strip())
    if not found or not 0 < float(found[1]) < 1e9:
        raise UsageError("not a time", where="--time", got=repr(text)[:60], expected="such as 60s, 5m or 1h")
    return float(found[1]) * UNITS[found[2]]
