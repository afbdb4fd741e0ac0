"""What study, proposals, scheduling and progress take besides the trainings."""

from __future__ import annotations

import statistics
from typing import Any

from pellucid.bench.page import grid
from pellucid.bench.tune.cell import OWN, Cell
from pellucid.bench.tune.results import Results
from pellucid.bench.tune.setup import Goal, Part, Section, Setup, failures

GOAL = 0.05
METHODS = {"random": "random search", "halving": "random search, halving", "tpe": "TPE, halving"}
COUNTED = ("random", "halving")

TEXT = """\
`pl.search` over {trials} of the configurations above, with a study on disk and somebody who is told of its progress,
beside a bare loop that does the very same trainings with the same compiled programs on as many threads, in the same
process, in turn for {rounds} rounds. The overhead is the median of the ratios of each round, less 1. Training is the
time that threads spend in trainings, as the trials on record tell, over that of all threads.

{table}

TPE is apart: it computes for a while before it proposes.{failures}"""


def cells(setup: Setup) -> list[Cell]:
    """Return what is measured."""
    extent = setup.extent
    given = {
        "trials": extent.overhead_trials,
        "epochs": extent.epochs,
        "rounds": extent.overhead_rounds,
        "cores": len(setup.cores),
    }
    seconds = 110.0 if extent.overhead_trials > 50 else 4.0
    return [Cell(f"overhead/{OWN}", "pellucid.bench.tune.own.overhead:measure_overhead", given, seconds)]


def brief(name: str, found: dict[str, Any]) -> str:
    """Return what a cell has found in a few words."""
    return ", ".join(f"{method} {100 * one['overhead']:.1f} %" for method, one in found["methods"].items())


def section(results: Results) -> Section:
    """Return what the page says."""
    extent = results.settings["extent"]
    work, rows, counted = "study, scheduling and progress", [], []
    measured = results.found(f"overhead/{OWN}")
    methods = measured["methods"] if measured is not None else {}
    for method, found in methods.items():
        bare, search = statistics.median(found["bare"]), statistics.median(found["search"])
        training = statistics.median(t / s for t, s in zip(found["training"], found["search"], strict=True))
        share = found["overhead"]
        counted += [share] if method in COUNTED else []
        cells = [METHODS[method], str(found["trainings"]), f"{bare:.3f}", f"{search:.3f}", f"{100 * share:.1f} %"]
        rows.append([*cells, f"{100 * training:.1f} %"])
    head = ["", "trainings", "bare loop, s", "search, s", "overhead", "training"]
    text = TEXT.format(
        trials=extent["overhead_trials"],
        rounds=extent["overhead_rounds"],
        table=grid(head, rows),
        failures=failures(results, "overhead/"),
    )
    goal = Goal(work, "a bare loop", f"under {100 * GOAL:.0f} %")
    if len(counted) == len(COUNTED):
        told = ", ".join(f"{100 * share:.1f} %" for share in counted)
        goal = Goal(goal.work, goal.peers, goal.aim, f"{told} (random search; halving)", max(counted) < GOAL)
    return Section("Overhead", text, (goal,))


PART = Part("overhead", cells, section, brief)
