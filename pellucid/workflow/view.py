"""What a run has to say, laid out for people: for terminals of any width, and for pipes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text

from pellucid.data.roles import Role
from pellucid.nn.network import Network
from pellucid.workflow.report import SHARES, Comparison, Confusion, Report, Residuals, Score, Section
from pellucid.workflow.understanding import Understanding

MOST_COLUMNS = 12
"""Of more columns than these only the first are shown; those that are left out, up to 40."""

MOST_LEFT_OUT = 40

PERCENTAGES = (*SHARES, "balanced_accuracy", "label_accuracy")


def as_text(view: RenderableType, width: int = 80) -> str:
    """Return a view as plain text."""
    console = Console(width=width, color_system=None, force_terminal=False, highlight=False, markup=False)
    with console.capture() as capture:
        console.print(view)
    return "\n".join(line.rstrip() for line in capture.get().splitlines()) + "\n"


def printable(text: object) -> str:
    """Return text in which nothing but letters reaches a terminal: control characters are shown by their codes."""
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in str(text))


def view_understanding(found: Understanding, network: Network) -> Group:
    """Say what was understood of a table, and what is going to be trained."""
    table, task = found.table, found.task
    title = printable(table.path or "table")
    used = [role for role in found.roles if role.used]
    left_out = [role for role in found.roles if not role.used]
    kinds = [f"{count} {kind}" for kind in ("number", "category") if (count := _count(used, kind))]
    rows = {name: len(part) for name, part in found.parts.items()}
    target = f"{', '.join(map(printable, task.targets))}: {task.kind} ({printable(task.reason)})"
    if task.kind in ("binary", "multiclass"):
        target += f"; classes {_listed([printable(label) for label in task.classes], 12)}"
    split = (
        f"{rows['train']:,} rows to learn from, {rows['validation']:,} for validation, {rows['test']:,} for the test"
    )
    split += f" (seed {found.seed}{', classes in equal shares' if found.stratified else ''})"
    layers = " → ".join(
        str(parameter.type.shape[0]) for parameter in network.parameters.values() if parameter.kind == "weight"
    )
    outputs = next(iter(network.outputs.values())).shape[-1]
    facts = [
        ("Table", f"{title}: {len(table):,} rows, {len(table.columns):,} columns"),
        ("Target" if len(task.targets) == 1 else "Targets", target),
        ("Split", split),
        ("Network", f"{layers} → {outputs}, {network.count_parameters():,} parameters"),
        ("Columns", f"{' and '.join(_plural(kind) for kind in kinds)}"),
    ]
    parts: list[RenderableType] = [_facts(facts), _roles(used, MOST_COLUMNS)]
    if left_out:
        parts += [_facts([("Left out", f"{len(left_out)} column{'s' if len(left_out) > 1 else ''}")])]
        parts += [_roles(left_out, MOST_LEFT_OUT, left_out=True)]
    return Group(*parts, "")


def _count(roles: Iterable[Role], kind: str) -> int:
    return sum(role.kind == kind for role in roles)


def _plural(told: str) -> str:
    count, kind = told.split()
    return told if count == "1" else f"{count} {'categories' if kind == 'category' else 'numbers'}"


def _listed(words: Sequence[str], most: int) -> str:
    return ", ".join(words[:most]) + (f", ... ({len(words)})" if len(words) > most else "")


def _facts(facts: Sequence[tuple[str, str]]) -> Grid:
    grid = Grid.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="bold", width=8)
    grid.add_column(overflow="fold")
    for name, told in facts:
        grid.add_row(name, Text(told))
    return grid


def _roles(roles: Sequence[Role], most: int, left_out: bool = False) -> Padding:
    grid = Grid.grid(padding=(0, 2, 0, 0))
    grid.add_column(overflow="fold", ratio=2)
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold", style="dim", ratio=3)
    for role in roles[:most]:
        grid.add_row(Text(printable(role.name)), Text(role.kind), Text(printable(role.reason)))
    if len(roles) > most:
        grid.add_row(Text(f"... {len(roles) - most} more"), Text(""), Text(""))
    return Padding(grid, (0, 0, 0, 2))


def view_report(report: Report) -> Group:
    """Lay out a report."""
    many = f"{report.rows:,} test row{'s' if report.rows > 1 else ''}"
    parts: list[RenderableType] = [Text(f"Report on {many}, which training has not seen", style="bold")]
    scores = [score for section in report.sections for by in section.scores.values() for score in by.values()]
    if any(score.low is not None for score in scores):
        parts += [Text("In brackets: 95% intervals (shares of rows: Wilson; others: bootstrap).", style="dim")]
    for section in report.sections:
        parts += ["", *_section(section, titled=len(report.sections) > 1)]
    for note in report.notes:
        parts += ["", Text(note, style="yellow")]
    return Group(*parts)


def _section(section: Section, titled: bool) -> list[RenderableType]:
    parts: list[RenderableType] = [Text(f"Target {printable(section.target)}", style="bold")] if titled else []
    for name, scores in section.scores.items():
        parts.append(Text(name.replace("_", " ")))
        parts.append(_scores(name, scores))
    parts.append("")
    for comparison in section.comparisons:
        style = (
            "green" if comparison.verdict == "better" else "yellow" if comparison.verdict == "unclear" else "bold red"
        )
        parts.append(Text(tell_comparison(comparison), style=style))
    if section.confusion is not None:
        parts += ["", *_confusion(section.confusion)]
    if section.residuals is not None:
        parts += ["", *_residuals(section.residuals)]
    if section.labels is not None:
        parts += ["", Text("right predictions of each label"), _labels(section.labels)]
    return parts


def _scores(name: str, scores: dict[str, Score]) -> Padding:
    grid = Grid.grid(padding=(0, 2, 0, 0))
    grid.add_column(width=15)
    grid.add_column(justify="right", min_width=9)
    grid.add_column(overflow="fold")
    for who, score in scores.items():
        interval = ""
        if score.low is not None and score.high is not None:
            interval = f"({show_bound(name, score.low)} to {show_bound(name, score.high)})"
        style = "bold" if who == "network" else ""
        grid.add_row(Text(who), Text(show_number(name, score.value)), Text(interval), style=style)
    return Padding(grid, (0, 0, 0, 2))


def show_number(metric: str, value: float) -> str:
    """Return a metric's value as people read it: shares in percent, others with four digits."""
    if not math.isfinite(value):
        return "undefined"
    return f"{100 * value:.1f}%" if metric in PERCENTAGES else write_digits(value, 4)


def show_bound(metric: str, value: float) -> str:
    """Return the bound of an interval."""
    return f"{100 * value:.1f}" if metric in PERCENTAGES else write_digits(value, 3)


def write_digits(value: float, digits: int) -> str:
    """Return a number with so many digits; thousands and millions are written out.

    Examples
    --------
    >>> [write_digits(number, 3) for number in (44361.7, -0.012345, 12.3456, 1.5e12)]
    ['44,400', '-0.0123', '12.3', '1.5e+12']
    """
    rounded = float(f"{value:.{digits}g}")
    return f"{rounded:,.0f}" if 10 ** (digits - 1) <= abs(rounded) < 1e9 else f"{value:.{digits}g}"


def tell_comparison(found: Comparison) -> str:
    """Return a sentence that says plainly whether the network is better."""
    a, b = show_number(found.metric, found.network), show_number(found.metric, found.other)
    what = f"{found.metric.replace('_', ' ')} {a} against {b}"
    if found.verdict == "better":
        return f"The network beats the {found.baseline}: {what}."
    if found.verdict == "unclear":
        return f"The network is ahead of the {found.baseline} ({what}), but it could be chance."
    even = "is no better than" if a == b else "does NOT beat"
    return f"The network {even} the {found.baseline}: {what}."


def _confusion(found: Confusion) -> list[RenderableType]:
    words = [printable(label) for label in found.classes]
    short = all(len(word) <= 4 for word in words)
    heads = words if short else [str(place + 1) for place in range(len(words))]
    width = max(len(str(count)) for row in found.counts for count in row)
    width = max(width, *map(len, heads)) + 1
    names = words if short else [f"{place + 1} {word}"[:24] for place, word in enumerate(words)]
    left = max(map(len, names)) + 1
    lines = [Text(" " * (left + 2) + "".join(head.rjust(width) for head in heads), style="dim")]
    for name, row, place in zip(names, found.counts, range(len(names)), strict=True):
        line = Text("  " + name.ljust(left))
        for column, count in enumerate(row):
            shown = str(count) if count or column == place else "·"
            line.append(shown.rjust(width), style="bold" if column == place else "red" if count else "dim")
        lines.append(line)
    for line in lines:
        line.no_wrap = True
    return [Text("confusion matrix: true class down, predicted class across"), *lines]


def _residuals(found: Residuals) -> list[RenderableType]:
    grid = Grid.grid(padding=(0, 2, 0, 0))
    for _ in range(2):
        grid.add_column()
        grid.add_column(justify="right")
    first, median, third = found.quartiles
    grid.add_row("mean", write_digits(found.mean, 4), "median", write_digits(median, 4))
    grid.add_row(
        "deviation",
        write_digits(found.deviation, 4),
        "middle half",
        f"{write_digits(first, 4)} to {write_digits(third, 4)}",
    )
    grid.add_row("lowest", write_digits(found.minimum, 4), "highest", write_digits(found.maximum, 4))
    return [Text("residuals (prediction - truth, in the target's unit)"), Padding(grid, (0, 0, 0, 2))]


def _labels(labels: dict[str, float]) -> Padding:
    grid = Grid.grid(padding=(0, 2, 0, 0))
    for name, share in labels.items():
        grid.add_row(Text(printable(name)), Text(f"{100 * share:.1f}%"))
    return Padding(grid, (0, 0, 0, 2))


def tell_training(run: Any) -> str:
    """Return a sentence on how training went."""
    fitted = run.fit
    epochs = fitted.progress.epoch
    kept = f"epoch {fitted.best_epoch} is kept" if fitted.best_epoch else "the last values are kept"
    plural = "s" if epochs != 1 else ""
    return f"Trained for {epochs} epoch{plural} in {fitted.progress.seconds:.1f} s; stopped: {fitted.reason}; {kept}."
