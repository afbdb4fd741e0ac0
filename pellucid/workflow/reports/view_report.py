"""The report, laid out for people."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text

from pellucid.workflow.reports.layout import PERCENTAGES, count_things, printable, show_bound, show_number, write_digits
from pellucid.workflow.reports.report import Report
from pellucid.workflow.reports.report_parts import (
    NETWORK,
    ClassScore,
    Comparison,
    Confusion,
    LabelScore,
    Residuals,
    Score,
    Section,
)

MOST_LABELS = 20
"""Of more labels those are shown that most rows have."""

STYLES = {"better": "green", "unclear": "yellow", "not better": "bold red", "worse": "bold red", "undefined": "yellow"}

SHORTER = {"precision": "prec."}

SHORT = 4
"""Classes of at most so many letters stand above the columns of a confusion matrix, others by their numbers."""

MOST_MISTAKES = 10
"""Where a confusion matrix is too wide, so many of its cells are told in words."""

NAMES_WITHOUT_ARTICLE = ("gradient boosting",)


def view_report(report: Report) -> Group:
    """Lay out a report."""
    title = f"Report on {count_things(report.rows, 'test row')}, which training has not seen"
    parts: list[RenderableType] = [
        Text(title if report.fresh else f"Report on {count_things(report.rows, 'row')}", style="bold")
    ]
    scores = [score for section in report.sections for by in section.scores.values() for score in by.values()]
    if any(score.low is not None for score in scores):
        shares = any(name in PERCENTAGES for section in report.sections for name in section.scores)
        how = "shares of rows: Wilson; others: bootstrap" if shares else "bootstrap"
        how = "weighted rows, bootstrap" if report.weighted else how
        parts += [Text(f"In brackets: 95% intervals ({how}).", style="dim")]
    for section in report.sections:
        parts += ["", *_section(section, titled=len(report.sections) > 1)]
    for note in report.notes:
        parts += ["", Text(printable(note), style="yellow")]
    return Group(*parts)


def _section(section: Section, titled: bool) -> list[RenderableType]:
    parts: list[RenderableType] = [Text(f"Target {printable(section.target)}", style="bold")] if titled else []
    for name, scores in section.scores.items():
        parts.append(Text(name.replace("_", " ")))
        parts.append(_Scores(name, scores))
    parts += [""] if section.comparisons else []
    for comparison in section.comparisons:
        parts.append(Text(tell_comparison(comparison), style=STYLES[comparison.verdict]))
    if section.classes:
        numbered = section.confusion is not None and not _are_short(section.confusion)
        parts += ["", *_class_scores(section.classes, numbered)]
    if section.confusion is not None:
        parts += ["", _Matrix(section.confusion)]
    if section.residuals is not None:
        parts += ["", *_residuals(section.residuals)]
    if section.labels is not None:
        parts += ["", *_label_scores(section.labels)]
    return parts


class _Scores:
    """A metric of everybody who predicted; in a narrow terminal each interval goes below its value."""

    def __init__(self, metric: str, scores: dict[str, Score]):
        self.metric, self.scores = metric, scores

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        rows = [(who, show_number(self.metric, one.value), self._interval(one)) for who, one in self.scores.items()]
        names, values = max(15, *(len(who) for who, *_ in rows)), max(9, *(len(value) for _, value, _ in rows))
        widest = max(len(interval) for *_, interval in rows)
        below = options.max_width < 2 + names + values + 4 + widest
        for who, value, interval in rows:
            line = f"  {who.ljust(names)}  {value.rjust(values)}"
            yield Text(line if below else f"{line}  {interval}", style="bold" if who == NETWORK else "")
            if below and interval:
                yield Text(interval.rjust(len(line)), style="dim")

    def _interval(self, score: Score) -> str:
        if score.low is None or score.high is None:
            return ""
        return f"({show_bound(self.metric, score.low)} to {show_bound(self.metric, score.high)})"


def tell_comparison(found: Comparison) -> str:
    """Return a sentence that says plainly whether the network is better.

    Examples
    --------
    >>> tell_comparison(Comparison("linear model", "accuracy", 0.91, 0.96, -0.08, -0.02, "worse"))
    'The network does NOT beat the linear model, which wins on these rows: accuracy 91.0% against 96.0%.'
    """
    baseline = found.baseline if found.baseline in NAMES_WITHOUT_ARTICLE else f"the {found.baseline}"
    metric = found.metric.replace("_", " ")
    if found.verdict == "undefined":
        return f"The network and {baseline} cannot be compared: {metric} is undefined here."
    a, b = show_number(found.metric, found.network), show_number(found.metric, found.other)
    what = f"{metric} {a} against {b}"
    if found.verdict == "better":
        return f"The network beats {baseline}: {what}."
    if found.verdict == "unclear":
        return f"The network is ahead of {baseline} ({what}), but it could be chance."
    if found.verdict == "worse":
        return f"The network does NOT beat {baseline}, which wins on these rows: {what}."
    if found.network == found.other:
        return f"The network is no better than {baseline}: {what}."
    return f"The network does NOT beat {baseline}: {what}, a difference that could be chance."


def _class_scores(found: Sequence[ClassScore], numbered: bool) -> list[RenderableType]:
    rows = [
        (f"{place + 1} " * numbered + printable(one.label), one.rows, one.precision, one.recall)
        for place, one in enumerate(found)
    ]
    return [Text("of the network, class by class"), _Shares(("", "rows", "precision", "recall"), rows)]


def _label_scores(found: dict[str, LabelScore]) -> list[RenderableType]:
    names = sorted(found, key=lambda name: -found[name].rows)[:MOST_LABELS] if len(found) > MOST_LABELS else list(found)
    rows = [
        (printable(name), found[name].rows, found[name].right, found[name].precision, found[name].recall)
        for name in names
    ]
    title = "of the network, label by label"
    if len(found) > len(names):
        title += f" (the {len(names)} most frequent of {len(found):,})"
    return [Text(title), _Shares(("", "rows", "right", "precision", "recall"), rows)]


class _Shares:
    """Names, counts of rows and shares; in a narrow terminal the heads are shortened."""

    def __init__(self, heads: Sequence[str], rows: Sequence[tuple]):
        self.heads, self.rows = heads, rows

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        narrow = options.max_width < 50
        heads = [SHORTER.get(head, head) if narrow else head for head in self.heads]
        grid = Grid.grid(padding=(0, 1 if narrow else 2, 0, 0))
        grid.add_column(overflow="fold")
        for _ in heads[1:]:
            grid.add_column(justify="right", no_wrap=True)
        grid.add_row(*map(Text, heads), style="dim")
        for name, count, *shares in self.rows:
            told = ["-" if not math.isfinite(share) else f"{100 * share:.0f}%" for share in shares]
            grid.add_row(Text(name), *map(Text, (f"{count:,}", *told)))
        yield Padding(grid, (0, 0, 0, 2))


def _are_short(found: Confusion) -> bool:
    return all(len(printable(label)) <= SHORT for label in found.classes)


class _Matrix:
    """A confusion matrix; where it is too wide for the terminal, its largest cells in words."""

    def __init__(self, found: Confusion):
        self.words, self.counts = [printable(label) for label in found.classes], found.counts
        numbers = [str(place + 1) for place in range(len(self.words))]
        self.heads = self.words if _are_short(found) else numbers
        self.names = (
            self.words if _are_short(found) else [f"{i} {word}" for i, word in zip(numbers, self.words, strict=True)]
        )

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        cells = [str(count) for row in self.counts for count in row]
        width = max(map(cell_len, [*cells, *self.heads])) + 1
        room = options.max_width - 3 - width * len(self.words)
        if room < SHORT:
            yield from self._in_words()
            return
        yield Text("confusion matrix: true class down, predicted class across")
        left = min(room, max(map(cell_len, self.names))) + 1
        heads = "".join(" " * (width - cell_len(head)) + head for head in self.heads)
        yield self._line(" " * (left + 2) + heads, "dim")
        for i, (name, row) in enumerate(zip(self.names, self.counts, strict=True)):
            shown = name if cell_len(name) < left else f"{set_cell_size(name, left - 2)}…"
            line = self._line("  " + set_cell_size(shown, left))
            for j, count in enumerate(row):
                style = "bold" if i == j else "red" if count else "dim"
                line.append((str(count) if count or i == j else "·").rjust(width), style=style)
            yield line

    def _in_words(self) -> RenderResult:
        cells = [(row[j], i, j) for i, row in enumerate(self.counts) for j in range(len(row)) if i != j and row[j]]
        yield Text("most frequent confusions" if cells else "no row of one class was taken for another")
        for count, i, j in sorted(cells, key=lambda cell: -cell[0])[:MOST_MISTAKES]:
            told = f"{count_things(count, 'row')} of {self.words[i]} taken for {self.words[j]}"
            yield Padding(Text(told), (0, 0, 0, 2))

    @staticmethod
    def _line(text: str, style: str = "") -> Text:
        return Text(text, style=style, no_wrap=True, overflow="ignore")


def _residuals(found: Residuals) -> list[RenderableType]:
    first, median, third = found.quartiles
    facts = [
        ("mean", write_digits(found.mean, 4)),
        ("deviation", write_digits(found.deviation, 4)),
        ("lowest", write_digits(found.minimum, 4)),
        ("median", write_digits(median, 4)),
        ("middle half", f"{write_digits(first, 4)} to {write_digits(third, 4)}"),
        ("highest", write_digits(found.maximum, 4)),
    ]
    return [Text("residuals (prediction - truth, in the target's unit)"), _Pairs(facts)]


class _Pairs:
    """Named numbers in two columns; in a narrow terminal in one."""

    def __init__(self, facts: Sequence[tuple[str, str]]):
        self.facts = facts

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        across = 1 if options.max_width < 56 else 2
        grid = Grid.grid(padding=(0, 2, 0, 0))
        for _ in range(across):
            grid.add_column()
            grid.add_column(justify="right")
        down = -(-len(self.facts) // across)
        for row in range(down):
            grid.add_row(*(cell for place in range(row, len(self.facts), down) for cell in self.facts[place]))
        yield Padding(grid, (0, 0, 0, 2))


def tell_training(run: Any) -> str:
    """Return a sentence on how training went."""
    fitted = run.fit
    kept = f"epoch {fitted.best_epoch} is kept" if fitted.best_epoch else "the last values are kept"
    epochs = count_things(fitted.progress.epoch, "epoch")
    return f"Trained for {epochs} in {fitted.progress.seconds:.1f} s; stopped: {fitted.reason}; {kept}."
