"""The page of a study: what was searched, what came of it, which settings mattered, in one file."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from pellucid.errors import UsageError
from pellucid.files import write_atomically
from pellucid.tuning.importance import Importance
from pellucid.tuning.pictures import pictures_of
from pellucid.tuning.space import Space, format_value, tell_count
from pellucid.tuning.trial import FAILED, FINISHED, PRUNED, WAITING, Trial, ranking
from pellucid.workflow.pages.page import Section, build_page, facts_table, folded, numbers_table, paragraph
from pellucid.workflow.pages.pictures import picture
from pellucid.workflow.reports.layout import count_things, printable, show_bound, show_number
from pellucid.workflow.tuning.sortable import sortable_table

PAGE = "study.html"

MOST_ROWS = 100
"""So many trials stand in the table."""

MOST_ERRORS = 5

READABLE = 64
"""Pictures are scrolled where the screen has fewer pixels for an inch of them."""


def write_study_page(
    path: str | os.PathLike[str],
    *,
    title: str,
    space: Space,
    trials: Sequence[Trial],
    metric: str,
    higher_is_better: bool,
    importance: Importance | None = None,
    facts: Sequence[tuple[str, str]] = (),
    comparison: str | tuple[Sequence[str], Sequence[Sequence[str]]] = "",
    conclusion: Sequence[str] = (),
    settings: str = "",
    notes: Sequence[str] = (),
) -> Path:
    """Write the page of a study: one HTML file that needs nothing else, no network and no script.

    Parameters
    ----------
    path : path
        The file; it appears whole or not at all.
    title : str
        As in ``wine: quality``.
    space : Space
    trials : sequence of Trial
        All of the study, of any state.
    metric : str
    higher_is_better : bool
    importance : Importance, optional
    facts : sequence of (str, str)
        What else is to be said of the search: sampler, seconds, cores, compile time, rows, versions.
    comparison : str, or (head, rows)
        The winner beside the defaults and others, on rows that the search has not seen: HTML, or the names of the
        columns and rows of text, the winner's first.
    conclusion : sequence of str
        What the comparison says, in sentences.
    settings : str
        The winner's ``run.toml``.
    notes : sequence of str
        What else the reader has to know.

    Returns
    -------
    Path

    Raises
    ------
    UsageError
        Where the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> trials = [Trial(n, {"rate": 0.1 * n}, state="finished", value=n) for n in range(5)]
    >>> page = write_study_page(
    ...     Path(tempfile.mkdtemp()) / "study.html",
    ...     title="wine: quality",
    ...     space=Space({"rate": "uniform(0, 1)"}),
    ...     trials=trials,
    ...     metric="rmse",
    ...     higher_is_better=False,
    ... ).read_text(encoding="utf-8")
    >>> page.count("<h2"), "<script" in page
    (4, False)
    """
    found = [
        _searched(space, facts, notes),
        _best(trials, space, metric, higher_is_better, settings),
        _compared(comparison, conclusion),
        _mattered(importance),
        _pictures(space, trials, metric, higher_is_better, importance),
        _trials(space, trials, metric, higher_is_better),
    ]
    subtitle = _counts(trials)
    text = build_page(title, subtitle, [section for section in found if section is not None])
    target = Path(path)
    if not target.absolute().parent.is_dir():
        raise UsageError("the page cannot be written: there is no such folder", where=str(path), fix="Make it first.")
    try:
        write_atomically(target, text.encode("utf-8"))
    except OSError as error:
        raise UsageError("the page cannot be written", where=str(path), got=error.strerror or str(error)) from None
    return target


def _counts(trials: Sequence[Trial]) -> str:
    """Return how many trials ended how, and what they took."""
    counts = Counter(trial.state for trial in trials)
    told = {FINISHED: "trained to the end", PRUNED: "pruned", FAILED: "failed", WAITING: "not done"}
    parts = [f"{counts[state]:,} {words}" for state, words in told.items() if counts[state]]
    return f"{count_things(len(trials), 'trial')}" + (f": {', '.join(parts)}" if parts else "")


def _searched(space: Space, facts: Sequence[tuple[str, str]], notes: Sequence[str]) -> Section:
    rows = [[one.name, str(one.distribution), str(one.condition or "")] for one in space.dimensions]
    head = ["setting", "values"]
    if any(row[2] for row in rows):
        head.append("only where")
    else:
        rows = [row[:2] for row in rows]
    size = space.size
    told = "There is no end of configurations." if size is None else f"{tell_count(size)} configurations."
    body = _words_table(head, rows) + paragraph(told, "muted")
    if space.fixed:
        fixed = [(name, format_value(value)) for name, value in space.fixed.items()]
        body += folded(f"The same in all trials ({len(fixed)})", facts_table(fixed))
    body += facts_table([(name, printable(text)) for name, text in facts]) if facts else ""
    return Section("searched", "What was searched", body + "".join(paragraph(note, "muted") for note in notes))


def _best(trials: Sequence[Trial], space: Space, metric: str, higher_is_better: bool, settings: str) -> Section:
    ranked = ranking(trials, higher_is_better)
    if not ranked:
        errors = Counter(trial.error for trial in trials if trial.error).most_common(MOST_ERRORS)
        lines = "".join(
            paragraph(f"{count_things(count, 'time')}: {printable(text)}", "muted") for text, count in errors
        )
        return Section("best", "The best trial", paragraph("No trial has a value.") + lines)
    best = ranked[0]
    spread = "" if best.deviation is None else f", ± {show_bound(metric, best.deviation)} between folds and repeats"
    found = f"{metric.replace('_', ' ')} {_value(metric, best)}{spread}"
    state = "" if best.state == FINISHED else " It was pruned: no trial was trained to its end."
    body = paragraph(f"Trial {best.number}: {found}, after {count_things(best.epochs, 'epoch')}.{state}")
    body += paragraph(
        "This is the score that the search made good; how good the winner is says the next section.", "muted"
    )
    body += facts_table([(name, _shown(value)) for name, value in best.parameters.items()])
    body += folded("As run.toml", f"<pre>{escape(settings)}</pre>") if settings else ""
    return Section("best", "The best trial", body)


def _compared(comparison: Any, conclusion: Sequence[str]) -> Section | None:
    if not comparison and not conclusion:
        return None
    body = "".join(paragraph(sentence) for sentence in conclusion)
    if isinstance(comparison, str):
        body += comparison
    else:
        head, rows = comparison
        body += numbers_table(head, rows, strong=0)
    return Section("comparison", "What it is worth", body)


def _mattered(importance: Importance | None) -> Section | None:
    if importance is None:
        return None
    return Section(
        "importance",
        "Which settings mattered",
        paragraph(importance.sentence) + (importance._repr_html_() if importance else ""),
    )


def _pictures(
    space: Space, trials: Sequence[Trial], metric: str, higher_is_better: bool, importance: Importance | None
) -> Section | None:
    found = pictures_of(space, trials, metric, higher_is_better, importance)
    body = "".join(
        f'<div class="scroll"><div style="min-width:{READABLE * one.size[0]:.0f}px">'
        f"{picture(one.draw, one.size, one.caption)}</div></div>"
        for one in found
    )
    return Section("pictures", "Pictures", body) if body else None


def _trials(space: Space, trials: Sequence[Trial], metric: str, higher_is_better: bool) -> Section:
    ranked = ranking(trials, higher_is_better)
    others = [trial for trial in trials if trial.state == FAILED]
    shown = [*ranked, *others][:MOST_ROWS]
    names = [name for name in space.names if any(name in trial.parameters for trial in shown)]
    varied = [name for name in names if name not in space.fixed]
    head = ["trial", metric.replace("_", " "), "±", "epochs", "seconds", "state", *varied]
    rows = [_row(trial, metric, varied) for trial in shown]
    done = sum(trial.done for trial in trials)
    told = f"The best {len(shown):,} of {done:,} trials" if len(shown) < done else count_things(done, "trial")
    body = paragraph(f"{told}. Click on a column's name to sort by it.", "muted") if shown else paragraph("None yet.")
    body += sortable_table(head, rows, by=1, numbers=5) if shown else ""
    return Section("trials", "Trials", body)


def _row(trial: Trial, metric: str, names: Sequence[str]) -> list[tuple[str, Any]]:
    """Return cells, each as text and what it is sorted by."""
    deviation = trial.deviation
    cells: list[tuple[str, Any]] = [
        (str(trial.number), trial.number),
        (_value(metric, trial) if trial.value is not None else "–", trial.value),
        ("–" if deviation is None else show_bound(metric, deviation), deviation),
        (str(trial.epochs), trial.epochs),
        (f"{trial.seconds:.3g}", trial.seconds),
        (trial.state, trial.state),
    ]
    for name in names:
        value = trial.parameters.get(name)
        cells.append((_shown(value) if name in trial.parameters else "", value))
    return cells


def _shown(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else format_value(value)


def _value(metric: str, trial: Trial) -> str:
    return "–" if trial.value is None else show_number(metric, trial.value)


def _words_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    names = "".join(f"<th>{escape(name)}</th>" for name in head)
    lines = "".join(
        f"<tr><th>{escape(row[0])}</th>{''.join(f'<td><code>{escape(cell)}</code></td>' for cell in row[1:])}</tr>"
        for row in rows
    )
    return f'<div class="scroll"><table><thead><tr>{names}</tr></thead><tbody>{lines}</tbody></table></div>'
