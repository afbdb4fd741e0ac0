"""How soon a search knew a configuration as good as what the peers deliver at their end."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import Any

from pellucid.bench.page import grid
from pellucid.bench.tune import budget
from pellucid.bench.tune.cell import OWN
from pellucid.bench.tune.contestants import SEARCHES, title_of
from pellucid.bench.tune.results import Results
from pellucid.bench.tune.setup import Goal, Part, Section

GOAL = 0.1

TEXT = """\
Of the same runs: while Pellucid searched, it was noted when another configuration became the best one by its own
cross-validation. After the run each of them was trained anew as a winner is, and judged on the held-out examples. Told
are the seconds from the start of the process until a configuration was known whose network is at least as good as what
a peer had in the end, and until that network could have been trained: median over seeds, as a share of
{seconds:g} s; above 1: later, or never.

{table}

{summary}"""


def seconds_to(found: dict[str, Any], score: float) -> float:
    """Return after how many seconds a configuration was known, and trained anew, that reaches a score; or infinity.

    Examples
    --------
    >>> first = {"seconds": 1.0, "refit": 0.5, "score": 0.3}
    >>> found = {"incumbents": [first, {"seconds": 4.0, "refit": 1.0, "score": 0.1}], "score": 0.1, "delivered": 30.0}
    >>> seconds_to(found, 0.3), seconds_to(found, 0.2), seconds_to(found, 0.05)
    (1.5, 5.0, inf)
    """
    ready = [one["seconds"] + one["refit"] for one in found["incumbents"] if one["score"] <= score]
    ready += [found["delivered"]] if found["score"] <= score else []
    return min(ready, default=math.inf)


def shares(results: Results, table: str, peers: Sequence[str]) -> list[float]:
    """Return for each seed the share of the budget until the scores of all of these peers were reached."""
    extent = results.settings["extent"]
    told = []
    for seed in extent["seeds"]:
        own = results.found(budget.cell_name(table, seed, OWN))
        others = [results.found(budget.cell_name(table, seed, peer)) for peer in peers]
        if own is None or not all(others):
            return []
        best = min(other["score"] for other in others if other is not None)
        told.append(seconds_to(own, best) / extent["budget_seconds"])
    return told


def section(results: Results) -> Section:
    """Return what the page says."""
    extent = results.settings["extent"]
    columns: dict[str, tuple[str, ...]] = {title_of(peer): (peer,) for peer in SEARCHES}
    columns["the better of both"] = SEARCHES
    everything: dict[str, list[float]] = {title: [] for title in columns}
    rows = []
    for table in extent["tables"]:
        cells = [table]
        for title, peers in columns.items():
            found = shares(results, table, peers)
            everything[title] += found
            cells.append(_share(statistics.median(found)) if found else "")
        if any(cells[1:]):
            rows.append(cells)
    told = {title: statistics.median(found) for title, found in everything.items() if found}
    reached = {title: sum(map(math.isfinite, found)) for title, found in everything.items()}
    summary = "; ".join(
        f"{title}: {_share(median)}, reached in {reached[title]} of {len(everything[title])}"
        for title, median in told.items()
    )
    titles = " and ".join(title_of(name) for name in SEARCHES)
    goal = Goal("time to the peers' final score", titles, f"{GOAL:g} of theirs")
    if len(told) == len(columns):
        reached_at = "; ".join(f"{_share(share)} ({title})" for title, share in told.items())
        goal = Goal(goal.work, goal.peers, goal.aim, reached_at, max(told.values()) <= GOAL)
    text = TEXT.format(
        seconds=extent["budget_seconds"],
        table=grid(["share of the time, median", *columns], rows),
        summary=f"Median over all tables and seeds: {summary}." if summary else "",
    ).rstrip()
    return Section("Time to the peers' final score", text, (goal,))


def _share(share: float) -> str:
    return f"{share:.3f}" if math.isfinite(share) else "not reached"


PART = Part("time_to", budget.cells, section, budget.brief)
