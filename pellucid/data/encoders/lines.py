"""What becomes of each column, in words."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from pellucid.data.encoders.front import Front, FrontColumn
from pellucid.data.encoders.scaling import CENTER, FACTOR, KNOTS, SCALE
from pellucid.data.encoders.settings import EncoderSettings
from pellucid.data.encoders.whitening import WHITENING

FILLED = {
    "standardize": "the mean",
    "robust": "the median",
    "minmax": "the least number",
    "quantile": "the middle",
    "none": "0",
}


def describe_columns(
    front: Front, settings: EncoderSettings, arrays: Mapping[str, np.ndarray], missing: Mapping[str, int]
) -> list[str]:
    """Return a line for each column that says what becomes of it; `missing`: how many cells are, by column."""
    lines, place = [], 0
    for column in front.columns:
        if column.role in ("number", "date"):
            told = _tell_number(column, place, settings, arrays)
            place += 1
        elif column.role == "category":
            told = _tell_categories(column)
        else:
            values = "how often it occurs" if column.counted else "whether it occurs"
            told = f"text, its {_count(len(column.words), 'most frequent word', 'most frequent words')}: {values}"
        lines.append(f"{column.name}: {told}{_tell_missing(column, settings, missing.get(column.name, 0))}")
    return lines


def describe_numbers(front: Front, settings: EncoderSettings, arrays: Mapping[str, np.ndarray]) -> str:
    """Return a sentence that says what becomes of all scaled numbers together; empty where they stay so."""
    told = []
    if settings.limit and settings.scaling != "none":
        told.append(f"brought smoothly between -{settings.limit:g} and {settings.limit:g}")
    if settings.whitening:
        count = _count(arrays[WHITENING].shape[1], "principal component", "principal components")
        told.append(f"replaced by {count} of variance 1")
    return f"Numbers are then {' and '.join(told)}." if front.numbers and told else ""


def _tell_number(column: FrontColumn, place: int, settings: EncoderSettings, arrays: Mapping[str, np.ndarray]) -> str:
    what, unit = "number", ""
    show = _show_date if column.role == "date" else _show_number
    if column.role == "date":
        unit = " days"
        parts = "year, week and day" if column.times else "year and week"
        order = {None: "", True: " written D/M/YYYY", False: " written M/D/YYYY"}[column.day_first]
        what = f"date{order}, its place in the {parts} as sine and cosine, and its days since 1970"
    if column.constant:
        return f"{what}, always the same in training, ignored" if settings.scaling != "none" else f"{what}, constant"
    factor = arrays[FACTOR][place] if FACTOR in arrays else 1.0
    if settings.scaling == "none":
        return f"{what}, as it is"
    if settings.scaling == "quantile":
        knots = arrays[KNOTS][place] / factor
        return f"{what} from {show(knots[0])} to {show(knots[-1])}, as the share of the training rows below it"
    center, scale = arrays[CENTER][place] / factor, arrays[SCALE][place] / factor
    if settings.scaling == "minmax":
        return f"{what} from {show(center)} to {show(center + scale)}, brought to 0 to 1"
    if settings.scaling == "robust":
        return f"{what} of median {show(center)}, scaled by {scale:.4g}{unit}"
    return f"{what} of mean {show(center)} and standard deviation {scale:.4g}{unit}, standardized"


def _show_number(number: float) -> str:
    return f"{number:.4g}"


def _show_date(days: float) -> str:
    return str(np.datetime64(round(days), "D"))


def _tell_categories(column: FrontColumn) -> str:
    count = _count(len(column.categories), "category", "categories")
    if column.embedding:
        return f"{count}, a learned vector of {_count(column.embedding, 'number', 'numbers')} each"
    return f"{count}, one feature each"


def _tell_missing(column: FrontColumn, settings: EncoderSettings, gaps: int) -> str:
    if not column.indicator:
        return ""
    told = f"{gaps} missing" if gaps else "where missing"
    if column.role in ("category", "text"):
        return f"; {told}, one more feature"
    return f"; {told}, filled with {FILLED[settings.scaling]} and marked by a feature"


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
