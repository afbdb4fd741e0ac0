"""What thirty seconds bring on nine tables, beside other tools."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from pellucid.bench.page import grid
from pellucid.bench.tune.cell import OWN, Cell
from pellucid.bench.tune.contestants import PEERS, SEARCHES, title_of
from pellucid.bench.tune.extent import NUMBERS
from pellucid.bench.tune.results import Results
from pellucid.bench.tune.setup import Goal, Part, Section, Setup, failures

GOAL = 7
MORE_SECONDS = {OWN: 3.0}
"""What a process takes besides its budget, about: Pellucid's is asked afterwards what it knew on the way."""

TEXT = """\
Each tool has {seconds:g} s of wall time on the same {cores} cores for each table and seed, everything included: its
process (of the peers: from the import of their own libraries on), the search with the tool's own cross-validation, and
the training of the model that it delivers. A seed is a third of the table that is held out (classes in equal shares in
all thirds). Log-loss, and for numbers RMSE, of those examples; median over {seeds} seeds, and the smallest and largest.
Better is a median below those of all peers.

- Pellucid: `pl.tune_table(..., time_limit=...)`; the winner counts, its ensemble stands apart.
- scikit-learn: `RandomizedSearchCV` (3 folds, all cores) of `StandardScaler` and multi-layer perceptrons (for numbers
  in a `TransformedTargetRegressor`): layers, activation, alpha, learning rate, mini-batch, early stopping. Searches
  follow one another until the time is over but for training the best one again.
- Optuna + PyTorch: TPE with the constant liar and the `MedianPruner`, a process for each core on one journal; layers,
  units, activation, dropout, weight decay, learning rate, mini-batch; 3 folds side by side, stopped early; the best one
  is trained again on all rows for as many epochs as were best.

{table}

Trials are medians; seconds are when the model was delivered, the latest of all.

{trials}{failures}"""


def cell_name(table: str, seed: int, contestant: str) -> str:
    """Return the name of a cell.

    Examples
    --------
    >>> cell_name("wine", 1, "sklearn")
    'budget/wine/1/sklearn'
    """
    return f"budget/{table}/{seed}/{contestant}"


def cells(setup: Setup) -> list[Cell]:
    """Return what is measured: of each table and seed all contestants in turn."""
    extent, found = setup.extent, []
    for table in extent.tables:
        for seed in extent.seeds:
            given = {"table": table, "seed": seed, "seconds": extent.budget_seconds, "cores": len(setup.cores)}
            for name in setup.contestants(SEARCHES):
                module = "pellucid.bench.tune.own.tables" if name == OWN else PEERS[name].module
                found.append(
                    Cell(
                        cell_name(table, seed, name),
                        f"{module}:use_budget",
                        given,
                        extent.budget_seconds + MORE_SECONDS.get(name, 1.0),
                        processes=name != OWN,
                    )
                )
    return found


def brief(name: str, found: dict[str, Any]) -> str:
    """Return what a cell has found in a few words."""
    return f"{found['score']:.4g} with {found['trials']:,} trials, after {found['delivered']:.1f} s"


def scores(results: Results, table: str, contestant: str, key: str = "score") -> list[float]:
    """Return what a contestant reached on a table with each seed; empty where a seed is missing."""
    seeds = results.settings["extent"]["seeds"]
    found = [results.found(cell_name(table, seed, contestant)) for seed in seeds]
    return [one[key] for one in found if one is not None and one.get(key) is not None] if all(found) else []


def wins(results: Results, key: str = "score") -> tuple[int, int]:
    """Return on how many tables Pellucid's median is better than those of all peers, and on how many all took part.

    With the key ``ensemble``, it is that of its ensemble.
    """
    won = shared = 0
    for table in results.settings["extent"]["tables"]:
        keys = {OWN: key, **dict.fromkeys(SEARCHES, "score")}
        medians = {name: statistics.median(s) for name, of in keys.items() if (s := scores(results, table, name, of))}
        if len(medians) == 1 + len(SEARCHES):
            shared += 1
            won += medians[OWN] < min(medians[name] for name in SEARCHES)
    return won, shared


def section(results: Results) -> Section:
    """Return what the page says."""
    settings, extent = results.settings, results.settings["extent"]
    work = f"{extent['budget_seconds']:g} s on each of {len(extent['tables'])} tables"
    won, shared = wins(results)
    titles = " and ".join(title_of(name) for name in SEARCHES)
    goal = Goal(work, titles, f"better on at least {GOAL} of 9")
    if shared:
        told = f"better on {won} of {shared} (its ensemble: on {wins(results, 'ensemble')[0]})"
        goal = Goal(goal.work, goal.peers, goal.aim, told, won >= GOAL if shared == 9 else None)
    text = TEXT.format(
        seconds=extent["budget_seconds"],
        cores=len(settings["cores"]),
        seeds=len(extent["seeds"]),
        table=_scores(results),
        trials=_trials(results),
        failures=failures(results, "budget/"),
    )
    return Section(work, text, (goal,))


def _scores(results: Results) -> str:
    rows = []
    for table in results.settings["extent"]["tables"]:
        found = {name: scores(results, table, name) for name in (OWN, *SEARCHES)}
        medians = {name: statistics.median(values) for name, values in found.items() if values}
        if not medians:
            continue
        peers = [medians[name] for name in SEARCHES if name in medians]
        better = "" if OWN not in medians or not peers else "yes" if medians[OWN] < min(peers) else "no"
        ensemble = scores(results, table, OWN, "ensemble")
        shown = [_interval(found[name]) for name in (OWN, *SEARCHES)]
        rows.append([table, "RMSE" if table in NUMBERS else "log-loss", *shown, better, _interval(ensemble)])
    return grid(["table", "", *map(title_of, (OWN, *SEARCHES)), "better", "Pellucid's ensemble"], rows)


def _interval(values: Sequence[float]) -> str:
    if not values:
        return ""
    return f"{statistics.median(values):.4g} ({min(values):.4g} to {max(values):.4g})"


def _trials(results: Results) -> str:
    rows = []
    for table in results.settings["extent"]["tables"]:
        cells = [table]
        for name in (OWN, *SEARCHES):
            trials, ready = scores(results, table, name, "trials"), scores(results, table, name, "delivered")
            cells.append(f"{statistics.median(trials):,.0f}, {max(ready):.1f} s" if trials and ready else "")
        rows.append(cells)
    return grid(["trials, seconds", *map(title_of, (OWN, *SEARCHES))], [row for row in rows if any(row[1:])])


PART = Part("budget", cells, section, brief)
