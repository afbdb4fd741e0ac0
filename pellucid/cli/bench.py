"""``pellucid bench``: how fast training is here, beside other frameworks."""

from __future__ import annotations

from typing import Annotated

import typer

from pellucid.bench.page import write_page
from pellucid.bench.peers import choose_peers
from pellucid.bench.processes import choose_cores
from pellucid.bench.run import run_benchmark
from pellucid.bench.workloads import choose_workloads
from pellucid.cli.bench_view import outcome_line, view_report
from pellucid.cli.options import ExecutorOption
from pellucid.cli.output import check_file, show, show_json, tell
from pellucid.executors.program import DEFAULT_EXECUTOR, check_executor

FAILED = 1


def bench(
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="WORKLOAD", help="A workload, such as tiny; may be repeated. Else all.", show_default=False
        ),
    ] = None,
    peers: Annotated[
        str | None,
        typer.Option(metavar="NAMES", help="Of torch, jax, sklearn and torch_compile; or none. Else the first three."),
    ] = None,
    cores: Annotated[
        str | None, typer.Option(metavar="LIST", help="The cores to run on, such as 1 or 0,1. Else all.")
    ] = None,
    executor: ExecutorOption = DEFAULT_EXECUTOR,
    quick: Annotated[
        bool, typer.Option("--quick", help="Only see that everything runs: the figures mean nothing.")
    ] = False,
    write: Annotated[
        str | None, typer.Option(metavar="FILE.md", help="Write the figures as a page in Markdown.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON, and nothing else.")] = False,
) -> int:
    """Measure how fast networks of several sizes are trained, beside PyTorch, JAX and scikit-learn.

    Every candidate runs in a process of its own on the same cores, in turn with the others, with the same examples and
    first parameters. The share of the processor's peak is told, and whether the losses agree. It takes some minutes;
    the machine should have nothing else to do.
    """
    workloads, chosen, used = choose_workloads(only or []), choose_peers(peers), choose_cores(cores)
    check_executor(executor)
    page = check_file("--write", write, (".md",), "a page in Markdown", "") if write is not None else None
    report = run_benchmark(
        workloads, chosen, used, executor, quick, on=None if as_json else lambda each: tell(outcome_line(each))
    )
    if page is not None:
        page.write_text(write_page(report), encoding="utf-8", newline="\n")
    if as_json:
        show_json(report.as_dict())
    else:
        show(view_report(report))
    possible = [each for each in report.outcomes if each.workload.threads <= len(used)]
    return 0 if all("pellucid" in each.measured for each in possible) else FAILED
