"""The run: cell after cell, kept in a file, with the time that is left."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pellucid.bench.processes import CandidateFailed
from pellucid.bench.tune.cell import Cell, run_cell
from pellucid.bench.tune.parts import PARTS, list_cells
from pellucid.bench.tune.results import Results, describe_run
from pellucid.bench.tune.setup import Part, Setup

TABLES = "pellucid.bench.tune.peers.tables:write_tables"
DIGITS = "digits"


def run_benchmark(
    parts: Sequence[Part],
    setup: Setup,
    quick: bool = False,
    results: Results | None = None,
    keep: Path | None = None,
    on: Callable[[str], None] | None = None,
) -> Results:
    """Measure what is missing.

    Parameters
    ----------
    parts : sequence of Part
    setup : Setup
    quick : bool
        What the results say of the setup.
    results : Results, optional
        Those of a run that was interrupted; cells that failed are measured again.
    keep : Path, optional
        The file that gets everything after each cell.
    on : callable, optional
        Told of each cell in a line.

    Returns
    -------
    Results

    Raises
    ------
    UsageError
        Where cells are missing and the results are of other settings.
    """
    cells = list_cells(parts, setup)
    missing = [cell for cell in cells if results is None or results.found(cell.name) is None]
    if missing:
        settings = describe_run(setup.extent, setup.cores, quick)
        results = results or Results(settings)
        results.check(settings)
        with tempfile.TemporaryDirectory(prefix="pellucid-bench-") as folder:
            _Run(results, setup, folder, keep, on or (lambda line: None)).measure(missing, len(cells))
    assert results is not None
    return results


class _Run:
    def __init__(self, results: Results, setup: Setup, folder: str, keep: Path | None, on: Callable[[str], None]):
        self.results, self.setup, self.folder, self.keep, self.on = results, setup, folder, keep, on
        self.began = time.monotonic()
        self.session: dict[str, Any] = {"began": datetime.now(UTC).isoformat(timespec="seconds"), "seconds": 0.0}

    def measure(self, cells: Sequence[Cell], count: int) -> None:
        """Measure cells one after the other; one that fails leaves its error."""
        self.results.sessions.append(self.session)
        tables = sorted({*self.setup.extent.tables, DIGITS})
        run_cell(Cell("tables", TABLES, {"tables": tables}, 10.0), self.folder, self.setup.cores)
        for at, cell in enumerate(cells):
            try:
                found = run_cell(cell, self.folder, self.setup.cores)
                told = PARTS[cell.name.partition("/")[0]].brief(cell.name, found)
            except CandidateFailed as error:
                found = {"error": error.what}
                told = f"failed: {error.what}"
            self.results.cells[cell.name] = found
            self.session["seconds"] = time.monotonic() - self.began
            self.results.save(self.keep)
            left = sum(one.seconds for one in cells[at + 1 :])
            number = count - len(cells) + at + 1
            self.on(f"[{number}/{count}] {cell.name}: {told}; about {left / 60:.0f} min left")
