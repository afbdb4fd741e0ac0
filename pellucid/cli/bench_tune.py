"""``pellucid bench tune``: what searches take and bring here, beside other tools."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from pellucid.bench.peers import choose_peers, missing_packages
from pellucid.bench.processes import choose_cores
from pellucid.bench.tune.contestants import PEERS
from pellucid.bench.tune.extent import FULL, QUICK
from pellucid.bench.tune.page import describe, goals_of, write_page
from pellucid.bench.tune.parts import choose_parts, list_cells
from pellucid.bench.tune.results import Results, read_results
from pellucid.bench.tune.run import run_benchmark
from pellucid.bench.tune.setup import Part, Setup
from pellucid.cli.output import check_file, show, tell
from pellucid.errors import UsageError
from pellucid.workflow.reports.layout import printable, view_facts

FAILED = 1


def bench_tune(
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PART",
            help="Of rate, budget, time_to, tiny, overhead and kill; may be repeated. Else all.",
            show_default=False,
        ),
    ] = None,
    peers: Annotated[
        str | None,
        typer.Option(metavar="NAMES", help="Of sklearn, optuna, torch and jax; or none. Else all."),
    ] = None,
    cores: Annotated[
        str | None, typer.Option(metavar="LIST", help="The cores to run on, such as 1 or 0,1. Else all.")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Only see that everything runs: the figures mean nothing.")
    ] = False,
    write: Annotated[
        str | None, typer.Option(metavar="FILE.md", help="Write the figures as a page in Markdown.")
    ] = None,
    json: Annotated[
        str | None,
        typer.Option("--json", metavar="FILE.json", help="Write all raw figures, whenever there are new ones."),
    ] = None,
    resume: Annotated[
        str | None,
        typer.Option(
            metavar="FILE.json", help="Go on with an interrupted run, of the same settings, from its figures."
        ),
    ] = None,
) -> int:
    """Measure what searches over networks take and bring, beside scikit-learn, Optuna with PyTorch, and JAX.

    Trials a minute, what 30 seconds bring on nine tables, thousands of tiny networks, what a search takes besides its
    trainings, and what is left of it when it is killed. Every contestant runs in a process of its own on the same
    cores. All parts together take about 55 minutes; the machine should have nothing else to do.
    """
    parts, used = choose_parts(only or []), choose_cores(cores)
    chosen = choose_peers(peers, PEERS, list(PEERS))
    missing = missing_packages(chosen, PEERS)
    page = check_file("--write", write, (".md",), "a page in Markdown", "") if write is not None else None
    kept = json if json is not None else resume
    keep = check_file("--json", kept, (".json",), "figures in JSON", "") if kept is not None else None
    earlier = read_results(resume) if resume is not None else None
    if resume is None and keep is not None and keep.is_file():
        fix = f"Go on with --resume {keep}, or choose another name."
        raise UsageError("this file is there already", where=f"--json {keep}", fix=fix)
    setup = Setup(QUICK if quick else FULL, tuple(name for name in chosen if name not in missing), tuple(used))
    for reason in missing.values():
        tell(reason)
    if keep is None:
        tell("No figures are kept on the way: --json FILE.json keeps them, and --resume goes on from there.")
    results = _run(parts, setup, quick, earlier, keep)
    if page is not None:
        page.write_text(write_page(results), encoding="utf-8", newline="\n")
    show(view_results(results))
    own = [cell.name for cell in list_cells(parts, setup) if cell.contestant == "pellucid"]
    return 0 if all(results.found(name) is not None for name in own) else FAILED


def _run(parts: list[Part], setup: Setup, quick: bool, earlier: Results | None, keep: Path | None) -> Results:
    try:
        return run_benchmark(parts, setup, quick, earlier, keep, on=lambda line: tell(printable(line)))
    except KeyboardInterrupt:
        told = f"interrupted; go on with --resume {keep}" if keep is not None and keep.exists() else "interrupted"
        raise KeyboardInterrupt(told) from None


def view_results(results: Results) -> RenderableType:
    """Lay out what was found for what is aimed at."""
    rows = []
    for goal in goals_of(results):
        word = "" if goal.reached is None else ": reached" if goal.reached else ": short"
        rows.append((goal.work.replace("`", ""), f"{goal.found or 'not measured'} (goal {goal.aim}{word})"))
    facts = [("", line.replace("**", "")) for line in describe(results)]
    failed = [f"{name}: {cell['error']}" for name, cell in results.cells.items() if "error" in cell]
    parts: list[RenderableType] = [Text(""), view_facts(facts), Text(""), view_facts(rows)]
    return Group(*parts, *(Text(printable(line)) for line in failed))
