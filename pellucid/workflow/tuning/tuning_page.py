"""The page of a search for a table: what it was about, what it found, and what that is worth."""

from __future__ import annotations

from pathlib import Path

from pellucid.tuning.space import tell_count
from pellucid.workflow.reports.layout import count_things, show_bound
from pellucid.workflow.tuning.comparing import tell_spread
from pellucid.workflow.tuning.comparing_parts import Comparison
from pellucid.workflow.tuning.page import write_study_page
from pellucid.workflow.tuning.tuning import Tuning
from pellucid.workflow.tuning.view_tuning import tell_ensemble


def write_page(tuning: Tuning, path: Path, settings: str) -> None:
    """Write the page of a search.

    Parameters
    ----------
    tuning : Tuning
    path : Path
    settings : str
        The winner's ``run.toml``.
    """
    found, result = tuning.understanding, tuning.result
    name = Path(found.table.path).stem if found.table.path else "table"
    ensemble = [tell_ensemble(tuning)] if tuning.selection is not None else []
    write_study_page(
        path,
        title=f"{name}: {', '.join(found.task.targets)}",
        space=tuning.space,
        trials=tuning.trials,
        metric=tuning.metric,
        higher_is_better=tuning.higher_is_better,
        importance=tuning.importance,
        facts=[
            ("Table", f"{found.table.path or name}: {count_things(len(found.table), 'row')}"),
            (
                "Rows",
                f"{_search_rows(tuning):,} for the search, {tuning.comparison.rows:,} for the test; "
                f"{found.division.told}",
            ),
            ("Architectures", tell_count(tuning.architectures)),
            ("Seconds", f"{tuning.seconds:.1f} in all, {result.seconds:.1f} of them for the search"),
            ("Compiling", f"{result.compile_seconds:.1f} s, all threads together"),
            ("Rate", f"{result.rate:,.0f} trials a minute"),
            ("Ended by", result.reason),
        ],
        comparison=_table(tuning.comparison),
        conclusion=[*(one.text for one in tuning.comparison.verdicts), *ensemble],
        settings=settings,
        notes=(*tuning.comparison.notes, *tuning.notes),
    )


def _search_rows(tuning: Tuning) -> int:
    parts = tuning.understanding.parts
    return len(parts["train"]) + len(parts["validation"])


def _table(found: Comparison) -> tuple[list[str], list[list[str]]]:
    """Return the head and the rows of a comparison."""
    rows = []
    for one in found.contestants:
        cells = [one.name, str(len(one.scores[found.metric]))]
        for metric in found.metrics:
            interval = one.intervals.get(metric)
            told = f" ({show_bound(metric, interval[0])} to {show_bound(metric, interval[1])})" if interval else ""
            cells.append(tell_spread(one, metric) + told)
        rows.append(cells)
    return ["", "seeds", *(metric.replace("_", " ") for metric in found.metrics)], rows
