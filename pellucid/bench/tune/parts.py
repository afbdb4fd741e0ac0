"""The parts of the benchmark, and which of them are chosen."""

from __future__ import annotations

from collections.abc import Sequence

from pellucid.bench.tune import budget, kills, overhead, rate, time_to, tiny
from pellucid.bench.tune.cell import Cell
from pellucid.bench.tune.setup import Part, Setup
from pellucid.errors import UsageError, nearest

PARTS = {part.name: part for part in (rate.PART, budget.PART, time_to.PART, tiny.PART, overhead.PART, kills.PART)}


def choose_parts(names: Sequence[str]) -> list[Part]:
    """Return parts by name, each once and in their own order; all where none is named.

    Raises
    ------
    UsageError
        Where there is no such part.

    Examples
    --------
    >>> [part.name for part in choose_parts(["tiny", "rate"])]
    ['rate', 'tiny']
    """
    for name in names:
        if name not in PARTS:
            raise UsageError(f"no part is called {name!r}", where="--only", fix=nearest(name, PARTS))
    return [part for name, part in PARTS.items() if not names or name in names]


def list_cells(parts: Sequence[Part], setup: Setup) -> list[Cell]:
    """Return all cells of some parts; those that parts share stand there once."""
    return list({cell.name: cell for part in parts for cell in part.cells(setup)}.values())
