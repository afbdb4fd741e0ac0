"""The page of a run: what was trained on what, how it learned, what it is worth, and what goes on inside it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from pellucid.errors import DataError, ModelError, UsageError
from pellucid.files import write_atomically
from pellucid.workflow.checking import CheckedRun, check_run
from pellucid.workflow.pages.examples import examples_section
from pellucid.workflow.pages.layers import layers_section
from pellucid.workflow.pages.page import Section, build_page, facts_table, folded, numbers_table, paragraph
from pellucid.workflow.pages.pictures import picture
from pellucid.workflow.reopened import Reopened, reopen
from pellucid.workflow.reports.curves import paint_curves
from pellucid.workflow.reports.description import facts_of_model, origin_of_model
from pellucid.workflow.reports.layout import printable, show_number
from pellucid.workflow.run_folder import HISTORY, RECORD

PAGE = "report.html"


def write_page(folder: str | os.PathLike[str], out: str | os.PathLike[str] | None = None, *, table: Any = None) -> Path:
    """Write the page of a run: one HTML file that needs nothing else.

    With the run's table, the training is done again, to the bit, for the gates and for what the layers did. Without it
    the page has what the folder knows.

    Parameters
    ----------
    folder : path
        That ``pellucid train`` or ``pl.train_table(folder=...)`` made.
    out : path, optional
        The file; by default ``report.html`` in the folder.
    table : path, Table, data frame, or mapping of columns, optional
        The table of the run, in place of the one that its ``run.toml`` names.

    Returns
    -------
    Path
        Of the file. It appears whole or not at all.

    Raises
    ------
    UsageError, DataError, ModelError
        Where there is no finished run, a table is given that is not its own, or the file cannot be written.
    """
    run = reopen(folder, table)
    path = Path(folder) / PAGE if out is None else Path(out)
    if not path.absolute().parent.is_dir():
        raise UsageError("the page cannot be written: there is no such folder", where=str(path), fix="Make it first.")
    text = page_of_run(run)
    try:
        write_atomically(path, text.encode("utf-8"))
    except OSError as error:
        raise UsageError("the page cannot be written", where=str(path), got=error.strerror or str(error)) from None
    return path


def page_of_run(run: Reopened) -> str:
    """Return the page of a run as HTML."""
    targets = run.model.targets
    sections = [_what(run), _curves(run), _results(run)]
    try:
        run.making  # noqa: B018 (read here, so that a table that is gone costs only what needs it)
    except (DataError, ModelError, UsageError) as error:  # ModelError: of the model that it started from
        if run.given is not None:
            raise
        why = f"Gates, layers and examples need the table: {error} pellucid report RUN --table TABLE."
        sections.append(Section("table", "Without its table", paragraph(why)))
    else:
        sections += _inside(run)
    title = f"{', '.join(targets.names)}: {targets.task}"
    return build_page(title, f"The run in {run.folder}", sections)


def _inside(run: Reopened) -> list[Section]:
    checked = check_run(run)
    return [_gates(checked), layers_section(checked.records), examples_section(run)]


def _what(run: Reopened) -> Section:
    origin = [fact for fact in origin_of_model(run.model, run.record) if fact[0] != "Versions"]
    versions = [fact for fact in origin_of_model(run.model, run.record) if fact[0] == "Versions"]
    names, lines = (column.name for column in run.model.front.columns), run.model.encoding.describe()
    columns = [
        (printable(name), printable(line.removeprefix(f"{name}: "))) for name, line in zip(names, lines, strict=True)
    ]
    settings = run.folder.joinpath(RECORD).read_text(encoding="utf-8")
    body = facts_table([*facts_of_model(run.model), *origin, *versions])
    body += folded(f"Columns ({len(columns)})", facts_table(columns))
    body += folded("All settings", f"<pre>{escape(settings)}</pre>")
    return Section("what", "What was trained on what", body)


def _curves(run: Reopened) -> Section:
    history = _read_history(run.folder / HISTORY)
    best = _section(run, "outcome").get("best_epoch", 0)
    best = best if isinstance(best, int) else 0
    caption = "Loss and metrics of the training and the validation rows, epoch by epoch"
    body = picture(lambda figure: paint_curves(figure, history, best), (10.0, 3.7), caption)
    return Section("curves", "How it learned", body if history else paragraph("No epoch was finished."))


def _results(run: Reopened) -> Section:
    found = {name: part for name, part in _section(run, "results").items() if isinstance(part, Mapping)}
    by_target = found if found and all(_is_nested(part) for part in found.values()) else {"": found}
    body = ""
    for target, metrics in by_target.items():
        who = list(dict.fromkeys(name for scores in metrics.values() for name in scores))
        rows = [[name, *(_number(metric, scores.get(name)) for metric, scores in metrics.items())] for name in who]
        body += f"<h3>{escape(target)}</h3>" if target else ""
        body += numbers_table(["", *(metric.replace("_", " ") for metric in metrics)], rows, strong=0)
    tested, told = _section(run, "data").get("test_rows"), _section(run, "outcome").get("notes")
    seen = isinstance(tested, int) and tested
    head = paragraph(f"On {tested:,} test rows that training has not seen." if seen else "")
    notes = "".join(paragraph(str(note), "muted") for note in (told if isinstance(told, list) else []))
    return Section("results", "Results beside simple models", head + body + notes)


def _gates(checked: CheckedRun) -> Section:
    body = "" if checked.repeated else paragraph("Done again, the training did not end with the same bits.", "warn")
    return Section("gates", "Gates", body + checked.report._repr_html_())


def _read_history(path: Path) -> list[dict[str, Any]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        return [_read_epoch(json.loads(line)) for line in lines if line.strip()]
    except (OSError, ValueError) as error:
        told = error.strerror if isinstance(error, OSError) else str(error)
        raise UsageError("the history of the run can not be read", where=str(path), got=str(told)[:80]) from None


def _read_epoch(record: Any) -> dict[str, float]:
    """Return what is told of an epoch; a number that JSON does not have is null there."""
    if not isinstance(record, dict) or not isinstance(record.get("epoch"), int):
        raise ValueError(f"no record of an epoch: {json.dumps(record)}")
    for name, value in record.items():
        if not isinstance(value, int | float | None):
            raise ValueError(f"no number as {name}: {json.dumps(value)}")
    return {name: float("nan") if value is None else value for name, value in record.items()}


def _section(run: Reopened, name: str) -> Mapping[str, Any]:
    """Return a section of what the run's folder tells of it; it may have been edited."""
    found = run.record.get(name)
    return found if isinstance(found, Mapping) else {}


def _is_nested(part: Any) -> bool:
    return isinstance(part, Mapping) and all(isinstance(scores, Mapping) for scores in part.values())


def _number(metric: str, value: Any) -> str:
    return show_number(metric, float(value)) if isinstance(value, int | float) else "–"
