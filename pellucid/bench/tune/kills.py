"""What is left of a search that is killed at any instant."""

from __future__ import annotations

from typing import Any

from pellucid.bench.page import grid
from pellucid.bench.tune.cell import OWN, Cell
from pellucid.bench.tune.results import Results
from pellucid.bench.tune.setup import Goal, Part, Section, Setup, failures

MOST_SECONDS = 2.0
LARGE = 20_000
"""Trials that a study has already, for the time that it takes to go on with it."""

TEXT = """\
A search whose trainings take no time says of each trial when it is safe on disk. It is killed (`kill -9`) while it
starts, within transactions, and at any other instant, and gone on with each time. In the end its trials are compared
with what it had said (lost, doubled) and, to the bit, with the same search that nobody has killed.

{table}{failures}"""


def cells(setup: Setup) -> list[Cell]:
    """Return what is measured."""
    few = max(1, setup.extent.kills // 40)
    large = LARGE if setup.extent.kills > 10 else 100
    call = "pellucid.bench.tune.own.kills:measure"
    return [
        Cell(f"kill/new/{OWN}", call, {"instants": setup.extent.kills, "already": 0}, 2.0 + 0.7 * setup.extent.kills),
        Cell(f"kill/large/{OWN}", call, {"instants": few, "already": large}, 3.0 + 4.0 * few),
    ]


def brief(name: str, found: dict[str, Any]) -> str:
    """Return what a cell has found in a few words."""
    return f"{found['instants']} kills: {found['lost']} lost, {found['doubled']} doubled"


def section(results: Results) -> Section:
    """Return what the page says."""
    kills = results.settings["extent"]["kills"]
    found = [one for size in ("new", "large") if (one := results.found(f"kill/{size}/{OWN}")) is not None]
    names = ("instants", "in_start_ups", "in_commits", "trials", "lost", "doubled", "differing")
    rows = [[*(f"{one[name]:,}" for name in names), f"{one['slowest_resume']:.2f}"] for one in found]
    head = ["kills", "while starting", "in transactions", "trials", "lost", "doubled", "differing", "slowest resume, s"]
    goal = Goal(f"kill -9 at {kills} random instants", "", f"none lost, none doubled, resume under {MOST_SECONDS:g} s")
    if len(found) == 2:
        lost, doubled = (sum(one[name] for one in found) for name in ("lost", "doubled"))
        slowest = max(one["slowest_resume"] for one in found)
        clean = lost == doubled == 0 and not any(one["differing"] for one in found)
        told = f"{lost} lost, {doubled} doubled, resume in {slowest:.2f} s at most"
        goal = Goal(goal.work, goal.peers, goal.aim, told, clean and slowest < MOST_SECONDS)
    return Section(
        "Killed at any instant", TEXT.format(table=grid(head, rows), failures=failures(results, "kill/")), (goal,)
    )


PART = Part("kill", cells, section, brief)
