"""What came of a search, laid out for people."""

from __future__ import annotations

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.text import Text

from pellucid.tuning.space import format_value
from pellucid.workflow.reports.layout import count_things, printable, show_bound, show_number
from pellucid.workflow.tuning.comparing import tell_spread
from pellucid.workflow.tuning.comparing_parts import WINNER, Comparison
from pellucid.workflow.tuning.tuning import Tuning

STYLES = {"better": "green", "worse": "bold red", "unclear": "yellow", "undefined": "yellow"}

MOST_OF_ENSEMBLE = 8
"""So many trials of an ensemble are named."""


def view_tuning(tuning: Tuning) -> Group:
    """Lay out what came of a search."""
    parts: list[RenderableType] = [Text(tell_search(tuning)), "", *_best(tuning), "", *_comparison(tuning.comparison)]
    if tuning.selection is not None:
        parts += ["", Text(tell_ensemble(tuning))]
    if tuning.importance is not None:
        parts += ["", Text(str(tuning.importance).rstrip())]
    for note in (*tuning.comparison.notes, *tuning.notes):
        parts += ["", Text(printable(note), style="yellow")]
    return Group(*parts)


def tell_search(tuning: Tuning) -> str:
    """Return sentences on how the search went."""
    result, states = tuning.result, {"finished": 0, "pruned": 0, "failed": 0, "waiting": 0}
    for trial in tuning.trials:
        states[trial.state] += 1
    done = sum(count for state, count in states.items() if state != "waiting")
    told = [f"{count:,} {state}" for state, count in states.items() if count]
    text = f"{count_things(done, 'trial')} ({', '.join(told)})"
    if result.seconds:
        text += f" in {result.seconds:.1f} s, {result.rate:,.0f} a minute"
        text += f", of which compiling {result.compile_seconds:.1f} s"
    return f"{text}; ended by {result.reason}."


def _best(tuning: Tuning) -> list[RenderableType]:
    """Return the settings of the winner."""
    best = tuning.best
    lines: list[RenderableType] = [Text(f"Best settings (trial {best.number})", style="bold")]
    width = max(map(cell_len, best.parameters), default=0)
    for name, value in best.parameters.items():
        shown = f"{value:.4g}" if isinstance(value, float) else format_value(value)
        lines.append(Text(f"  {name.ljust(width)}  {printable(shown)}"))
    assert best.value is not None
    metric, value = tuning.metric.replace("_", " "), show_number(tuning.metric, best.value)
    spread = "" if best.deviation is None else f" ± {show_bound(tuning.metric, best.deviation)} over folds"
    flattered = (
        f"In the search: {metric} {value}{spread}. It was chosen by that, so the number is too good on the whole."
    )
    return [*lines, Text(flattered, style="dim")]


def _comparison(found: Comparison) -> list[RenderableType]:
    title = f"Compared on {count_things(found.rows, 'test row')}, which nothing was learned from or chosen by"
    seeds = max(len(one.scores[found.metric]) for one in found.contestants)
    parts: list[RenderableType] = [Text(title, style="bold")]
    if seeds > 1:
        parts.append(Text(f"Means over up to {seeds} seeds ± their spread; in brackets: 95% intervals.", style="dim"))
    for metric in found.metrics:
        parts += [Text(metric.replace("_", " ")), _Contestants(found, metric)]
    return [*parts, "", *(Text(one.text, style=STYLES[one.verdict]) for one in found.verdicts)]


class _Contestants:
    """A metric of everybody; in a narrow terminal each interval goes below its value."""

    def __init__(self, found: Comparison, metric: str):
        self.rows = []
        for one in found.contestants:
            interval = one.intervals.get(metric)
            told = f"({show_bound(metric, interval[0])} to {show_bound(metric, interval[1])})" if interval else ""
            self.rows.append((one.name, tell_spread(one, metric), told))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        names, values = (max(cell_len(row[place]) for row in self.rows) for place in (0, 1))
        below = options.max_width < 2 + names + 2 + values + 2 + max(cell_len(row[2]) for row in self.rows)
        for name, value, interval in self.rows:
            style = "bold" if name == WINNER else ""
            line = f"  {name.ljust(names)}  {value.ljust(values)}"
            yield Text((line if below else f"{line}  {interval}").rstrip(), style=style)
            if below and interval:
                yield Text(f"    {interval}", style="dim")


def tell_ensemble(tuning: Tuning) -> str:
    """Return a sentence on what an ensemble is made of."""
    selection = tuning.selection
    assert selection is not None
    parts = [f"{number}" + (f" ({count} times)" if count > 1 else "") for number, count in selection.trials]
    named = ", ".join(parts[:MOST_OF_ENSEMBLE]) + (", ..." if len(parts) > MOST_OF_ENSEMBLE else "")
    trials = "trial" if len(parts) == 1 else "trials"
    return (
        f"The ensemble averages {count_things(selection.networks, 'network')} of {trials} {named}, chosen among the "
        f"best {selection.considered} by rows that they had not learned from."
    )
