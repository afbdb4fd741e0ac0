"""A learning curve laid out for people."""

from __future__ import annotations

import math

import numpy as np
from rich.console import Group, RenderableType
from rich.text import Text

from pellucid.workflow.learning_curves.advice import error_interval
from pellucid.workflow.learning_curves.result import LearningCurve
from pellucid.workflow.reports.layout import Rows, count_things, write_digits


def view_learning_curve(curve: LearningCurve) -> Group:
    """Lay out both curves, the law, and what follows."""
    draws = count_things(len(curve.errors), "draw")
    told = f"Error on rows held out: {curve.error}, mean of {draws} that hold out {count_things(curve.held_out, 'row')}"
    parts: list[RenderableType] = [Text(told, "bold")]
    parts += [Text(""), Rows(_rows(curve), right=range(5))]
    if curve.law is not None:
        parts += [Text(""), Text(_tell_law(curve))]
    if curve.hidden:
        told = f"Networks of other sizes, each from {count_things(curve.network_rows, 'row')}"
        parts += [Text(""), Text(told, "bold"), Text(""), Rows(_networks(curve), right=range(1, 5))]
    parts += [Text("")]
    parts += [Text(sentence) for sentence in curve.advice()]
    parts += [Text(f"Note: {note}", "dim") for note in curve.notes]
    told = f"Took {curve.seconds:.1f} s, of which {curve.compile_seconds:.1f} s of threads for compiling."
    return Group(*parts, Text(told, "dim"))


def _rows(curve: LearningCurve) -> list[list[str]]:
    law = curve.law
    rows = [["rows", "error", "spread", "95 % interval", "" if law is None else "power law"]]
    for place, count in enumerate(curve.rows):
        fitted = "" if law is None or count < law.first else write_digits(float(law.predict(count)), 3)
        rows.append([f"{count:,}", *_measured(curve.errors[:, place], curve.overlap), fitted])
    if law is not None:
        low, high = law.interval(2.0 * law.last)
        foretold = write_digits(float(law.predict(2 * law.last)), 3)
        interval = f"{write_digits(float(low[0]), 3)} to {write_digits(float(high[0]), 3)}"
        rows.append([f"{2 * law.last:,}", "foretold", "", interval, foretold])
    return rows


def _networks(curve: LearningCurve) -> list[list[str]]:
    rows = [["hidden layers", "parameters", "error", "spread", "95 % interval", ""]]
    for place, hidden in enumerate(curve.hidden):
        name = ", ".join(map(str, hidden)) or "none"
        measured = _measured(curve.network_errors[:, place], curve.overlap)
        rows.append(
            [name, f"{curve.parameters[place]:,}", *measured, "<- as planned" if place == curve.planned else ""]
        )
    return rows


def _measured(errors: np.ndarray, overlap: float) -> list[str]:
    interval = error_interval(errors, overlap)
    told = "" if interval is None else f"{_digits(interval[0])} to {_digits(interval[1])}"
    spread = f"± {write_digits(float(errors.std(ddof=1)), 2)}" if len(errors) > 1 else ""
    return [_digits(float(errors.mean())), spread, told]


def _digits(value: float) -> str:
    return write_digits(value, 3) if math.isfinite(value) else "undefined"


def _tell_law(curve: LearningCurve) -> str:
    law = curve.law
    assert law is not None
    told = f"Power law: error = {law}"
    if law.first > curve.rows[0]:
        told += f", from {law.first:,} rows on"
    known = []
    if law.floor_interval is not None:
        low, high = law.floor_interval
        known.append(f"floor {_digits(low)} to {_digits(high)}")
    if law.exponent_interval is not None:
        low, high = law.exponent_interval
        known.append(f"exponent {low:.2g} to {high:.2g}")
    return told + (f" (95 %: {', '.join(known)})" if known else "")
