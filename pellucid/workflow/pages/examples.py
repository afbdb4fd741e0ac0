"""The part of a page that shows examples that were predicted well and badly, and what went on in the network."""

from __future__ import annotations

import base64
from dataclasses import replace
from html import escape

import numpy as np

from pellucid.data.tables.table import Table
from pellucid.inspection.drawing.network_figure import draw_network
from pellucid.model.model import Model
from pellucid.model.scalars import PREDICTION
from pellucid.workflow.division import TEST, TRAIN, VALIDATION
from pellucid.workflow.observed_row import ObservedRow, observe_row
from pellucid.workflow.pages.page import Section, folded, numbers_table, paragraph
from pellucid.workflow.reopened import Reopened, parts_seen_apart
from pellucid.workflow.reports.layout import printable

SHOWN = 3
"""So many examples of each kind."""

MOST_FEATURES = 8
MOST_ROWS = 20_000
"""Examples are looked for among so many rows."""


def examples_section(run: Reopened) -> Section:
    """Return the examples that were predicted worst and best, observed."""
    made, model = run.making, run.model
    apart = parts_seen_apart(made)
    part = next(name for name in (TEST, VALIDATION, TRAIN) if name in apart)
    table = made.rows_of(part)
    table = table.take(np.arange(min(len(table), MOST_ROWS)))
    order = np.argsort(-badness(model, table), kind="stable")
    is_right = rightness(model, table)
    named = {"test": "test rows", "validation": "validation rows", "train": "rows that it learned from"}[part]
    regression = model.targets.task == "regression"
    if regression:
        wrong, right = order[:SHOWN], order[SHOWN:][::-1][:SHOWN]
    else:
        wrong, right = order[~is_right[order]][:SHOWN], order[is_right[order]][::-1][:SHOWN]
    body = paragraph(f"From the {len(table):,} {named}, by their loss; each can be seen whole by pellucid observe.")
    for title, rows in (("Largest errors" if regression else "Wrong", wrong), ("Right", right)):
        title = "Smallest errors" if regression and title == "Right" else title
        cards = "".join(_card(_observed(run, part, table, int(row))) for row in rows)
        body += f"<h3>{escape(title)}</h3>{cards or paragraph('None.')}"
    return Section("examples", "Right and wrong examples", body)


def badness(model: Model, table: Table) -> np.ndarray:
    """Return how badly each row is predicted, [rows]: the larger, the worse.

    Of numbers, the squared error in standard deviations of the targets; of classes and labels, the negative logarithm
    of what the truth was given, or of scores how far they lie on the wrong side.
    """
    predicted, truth = np.asarray(model.compute(table)[PREDICTION], np.float64), model.targets.read(table)
    targets = model.targets
    if targets.task == "regression":
        spread = np.where((found := truth.std(axis=0)) > 0, found, 1.0)
        return np.sum(((predicted - truth) / spread) ** 2, axis=1)
    if targets.task == "multiclass":
        own = predicted[np.arange(len(truth)), truth.reshape(-1)]
        if model.kind == "probability":
            return -np.log(np.maximum(own, 1e-300))
        others = np.where(np.arange(predicted.shape[1]) == truth.reshape(-1, 1), -np.inf, predicted)
        return others.max(axis=1) - own
    if model.kind == "probability":
        own = np.where(truth > 0.5, predicted, 1 - predicted)
        return -np.log(np.maximum(own, 1e-300)).sum(axis=1)
    return (-np.where(truth > 0.5, 1.0, -1.0) * predicted).sum(axis=1)


def rightness(model: Model, table: Table) -> np.ndarray:
    """Say of which rows all that is predicted is as the table says, [rows]; of numbers nothing ever is.

    Labels may stand in any order in a cell.
    """
    targets = model.targets
    if targets.task == "regression":
        return np.zeros(len(table), bool)
    predicted, truth = np.asarray(model.compute(table)[PREDICTION]), targets.read(table)
    if targets.task == "multiclass":
        return np.asarray(predicted.argmax(axis=1) == truth.reshape(-1))
    return np.asarray((targets.decide(predicted, model.kind) == (truth > 0.5)).all(axis=1))


def _observed(run: Reopened, part: str, table: Table, row: int) -> ObservedRow:
    """Observe a row of a part of the table, called by its number in the file."""
    made = run.making
    number = row if part == TEST and made.found.test is not None else int(made.parts[part][row])
    return replace(observe_row(run.model, table, row), row=number)


def _card(found: ObservedRow) -> str:
    lines = "".join(paragraph(line) for line in (*found.tell_predictions(), found.tell_scalar()))
    shares = [f"{printable(name)} {value:.3g}" for name, value in list(found.probabilities.items())[:5]]
    lines += paragraph(", ".join(shares), "muted") if shares else ""
    known = [(one, one.gradient) for one in found.features if one.gradient is not None]
    largest = sorted(known, key=lambda pair: -abs(pair[1]))[:MOST_FEATURES]
    rows = [[printable(one.name), one.cell[:40], f"{one.encoded:.4g}", f"{slope:.4g}"] for one, slope in largest]
    table = numbers_table(["feature", "cell", "encoded", f"d {found.seen.of} / d it"], rows) if rows else ""
    drawn = draw_network(found.seen, found.names()) or ""
    data = base64.b64encode(drawn.encode("utf-8")).decode("ascii")
    image = f'<figure><img alt="the network on this row" src="data:image/svg+xml;base64,{data}"></figure>'
    title = f"<b>{escape(found.place)}</b>"
    inside = folded("Features that matter most", table) + folded("The network at work", image)
    return f'<div class="card"><p>{title}</p>{lines}{inside}</div>'
