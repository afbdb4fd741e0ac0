"""What ``model.json`` says of the encoders: the columns that are read, and the settings."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from pellucid.data.encoders.front import Front, FrontColumn
from pellucid.data.encoders.settings import EncoderSettings
from pellucid.data.encoders.words import LONGEST_WORD
from pellucid.errors import UsageError
from pellucid.model.fields import bad, get, get_labels, get_names, get_size

MOST_UNITS = 2**16

FIELDS = {
    "number": ("constant",),
    "date": ("constant", "times", "day_first"),
    "category": ("categories", "embedding"),
    "text": ("words", "counted"),
}
"""What is said of the columns of each role, beside their name and whether they have an indicator."""


def write_column(column: FrontColumn) -> dict[str, Any]:
    """Return a column as JSON has it."""
    plain = {"name": column.name, "role": column.role, "indicator": column.indicator}
    for name in FIELDS[column.role]:
        value = getattr(column, name)
        plain[name] = list(value) if isinstance(value, tuple) else value
    return plain


def read_front(fields: Mapping[str, Any], schema: int, where: str) -> Front:
    """Read the columns.

    Raises
    ------
    ModelError
        Where one is not as :func:`write_column` leaves it, or stands twice.
    """
    columns = []
    for found in get(fields, "columns", list, where):
        if not isinstance(found, dict):
            raise bad(where, "a column is of the wrong kind", found)
        columns.append(_read_column(found, schema, where))
    if not columns or len({column.name for column in columns}) != len(columns):
        raise bad(where, "a column stands twice, or there is none")
    return Front(tuple(columns))


def _read_column(found: Mapping[str, Any], schema: int, where: str) -> FrontColumn:
    name, role = get(found, "name", str, where), get(found, "role", str, where)
    indicator = get(found, "indicator", bool, where)
    if role not in FIELDS or (schema == 1 and role not in ("number", "category")):
        raise bad(where, f"column {name[:40]!r} has no such role", role)
    if role == "category":
        units = 0 if schema == 1 else get_size(found, "embedding", where, MOST_UNITS)
        return FrontColumn(name, role, get_labels(found, "categories", where), indicator, embedding=units)
    if role == "text":
        words = get_names(found, "words", "words", where)
        if not all(0 < len(word) <= LONGEST_WORD for word in words):
            raise bad(where, f"column {name[:40]!r} has words of no such length", list(words))
        return FrontColumn(name, role, indicator=indicator, words=words, counted=get(found, "counted", bool, where))
    constant = get(found, "constant", bool, where)
    if role == "number":
        return FrontColumn(name, role, indicator=indicator, constant=constant)
    times, day_first = get(found, "times", bool, where), found.get("day_first")
    if day_first is not None and not isinstance(day_first, bool):
        raise bad(where, f"column {name[:40]!r} has no such order of day and month", day_first)
    return FrontColumn(name, role, indicator=indicator, constant=constant, times=times, day_first=day_first)


def read_settings(fields: Mapping[str, Any], schema: int, where: str) -> EncoderSettings:
    """Read the settings of the encoders; a model of schema 1 has the only ones that there were.

    Raises
    ------
    ModelError
        Where one is missing, unknown or out of its range.
    """
    if schema == 1:
        return EncoderSettings(limit=0.0)
    found = get(fields, "encoders", dict, where)
    known = {field.name for field in dataclasses.fields(EncoderSettings)}
    if set(found) != known:
        raise bad(where, "'encoders' are other settings", sorted(set(found) ^ known))
    try:
        return EncoderSettings(**found)
    except UsageError as error:
        raise bad(where, f"'encoders': {error.what}", error.where) from None
