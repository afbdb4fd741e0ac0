"""What ``model.json`` says: a model without its arrays, written as plain data, and read back with mistrust."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pellucid.data.front import Front, FrontColumn
from pellucid.data.targets import TargetEncoding
from pellucid.data.task import TASKS
from pellucid.errors import ModelError, PellucidError
from pellucid.graph.graph import Graph
from pellucid.graph.text import parse
from pellucid.model.model import LossRecord, Model

SCHEMA = 1
MAX_BYTES = 16 * 2**20
"""A larger ``model.json`` is not read."""

MAX_LINES = 20_000
"""Nor is the text of a graph with more lines."""

STUMBLES = (ArithmeticError, AttributeError, LookupError, MemoryError, RecursionError, TypeError, ValueError)
"""What reading a text that was tampered with may end in, Pellucid's own errors among them."""

RESTORE = "Restore the folder from a copy, or train again."


@dataclass(frozen=True)
class Record:
    """What ``model.json`` says; `standardized`: whether there are statistics of the targets."""

    arrays_digest: str
    graph: Graph
    front: Front
    targets: TargetEncoding
    standardized: bool
    kind: str
    loss: LossRecord
    facts: dict[str, Any]
    metrics: dict[str, float | None]
    provenance: dict[str, Any]


def write_record(model: Model, arrays_digest: str) -> bytes:
    """Return the content of ``model.json``.

    Raises
    ------
    ModelError
        Where something in the model has no form in JSON.
    """
    targets = model.targets
    columns = [
        {"name": column.name, "role": "number", "indicator": column.indicator, "constant": column.constant}
        if column.role == "number"
        else {
            "name": column.name,
            "role": "category",
            "indicator": column.indicator,
            "categories": list(column.categories),
        }
        for column in model.front.columns
    ]
    content = {
        "schema": SCHEMA,
        "arrays": arrays_digest,
        "targets": {
            "task": targets.task,
            "names": list(targets.names),
            "classes": list(targets.classes),
            "standardized": bool(targets.arrays),
        },
        "prediction": model.kind,
        "columns": columns,
        "loss": {"name": model.loss.name, "settings": dict(model.loss.settings)},
        "network": model.facts,
        "metrics": model.metrics,
        "provenance": model.provenance,
        "graph": str(model.graph).split("\n")[:-1],
    }
    try:
        content = {"digest": _digest(content), **content}
        return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise ModelError(
            "something in the model cannot be written as JSON", got=str(error)[:120], expected="numbers, text, lists"
        ) from None


def _digest(content: Mapping[str, Any]) -> str:
    plain = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(plain.encode()).hexdigest()


def read_record(content: bytes, where: str) -> Record:
    """Read the content of ``model.json``.

    Raises
    ------
    ModelError
        Where it is damaged, was changed, is of a newer version, or says what cannot be.
    """
    try:
        return _read_record(_parse_json(content, where), where)
    except ModelError:
        raise
    except STUMBLES as error:
        raise ModelError("the file is damaged", where=where, got=f"{type(error).__name__}", fix=RESTORE) from None


def _read_record(fields: dict[str, Any], where: str) -> Record:
    schema = _get(fields, "schema", int, where)
    if schema != SCHEMA:
        newer = schema > SCHEMA
        raise ModelError(
            "the model was saved by a newer Pellucid" if newer else "there is no such version of a model",
            where=where,
            got=f"schema {str(schema)[:20]}",
            expected=f"{SCHEMA}",
            fix="Update Pellucid." if newer else RESTORE,
        )
    stated = fields.pop("digest", None)
    if stated != _digest(fields):
        raise ModelError("the file was changed after the model was saved", where=where, fix=RESTORE)
    front = _read_front(fields, where)
    targets, standardized = _read_targets(_get(fields, "targets", dict, where), where)
    loss = _get(fields, "loss", dict, where)
    settings = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in _get(loss, "settings", dict, where).items()
    }
    return Record(
        arrays_digest=_get(fields, "arrays", str, where),
        graph=_read_graph(_get(fields, "graph", list, where), where),
        front=front,
        targets=targets,
        standardized=standardized,
        kind=_get(fields, "prediction", str, where),
        loss=LossRecord(_get(loss, "name", str, where), settings),
        facts=_get(fields, "network", dict, where),
        metrics=_read_metrics(_get(fields, "metrics", dict, where), where),
        provenance=_get(fields, "provenance", dict, where),
    )


def _parse_json(content: bytes, where: str) -> dict[str, Any]:
    def refuse(word: str) -> None:
        raise ValueError(f"{word} is no number of JSON")

    def finite(text: str) -> float:
        number = float(text)
        if not math.isfinite(number):
            refuse(text[:20])
        return number

    try:
        fields = json.loads(content.decode("utf-8"), parse_constant=refuse, parse_float=finite)
    except (ValueError, RecursionError) as error:
        raise ModelError("the file is damaged", where=where, got=str(error)[:120], fix=RESTORE) from None
    if not isinstance(fields, dict):
        raise ModelError("the file is no model", where=where, got=type(fields).__name__, expected="an object")
    return fields


def _get(fields: Mapping[str, Any], key: str, kind: type, where: str) -> Any:
    value = fields.get(key)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise _bad(where, f"{key!r} is {'missing' if key not in fields else 'of the wrong kind'}", value)
    return value


def _bad(where: str, what: str, got: Any = None) -> ModelError:
    return ModelError(what, where=where, got=None if got is None else repr(got)[:80], fix=RESTORE)


def _read_front(fields: Mapping[str, Any], where: str) -> Front:
    columns = []
    for found in _get(fields, "columns", list, where):
        if not isinstance(found, dict):
            raise _bad(where, "a column is of the wrong kind", found)
        name, role = _get(found, "name", str, where), _get(found, "role", str, where)
        indicator = _get(found, "indicator", bool, where)
        if role == "number":
            columns.append(FrontColumn(name, role, (), indicator, _get(found, "constant", bool, where)))
        elif role == "category":
            categories = _labels(_get(found, "categories", list, where), where)
            columns.append(FrontColumn(name, role, categories, indicator))
        else:
            raise _bad(where, f"column {name!r} has no such role", role)
    if not columns or len({column.name for column in columns}) != len(columns):
        raise _bad(where, "a column stands twice, or there is none")
    return Front(tuple(columns))


def _labels(found: list, where: str) -> tuple:
    """Return categories or classes: all words, all truth values or all numbers, all different."""
    kinds = {bool: "truth", str: "word", int: "number", float: "number"}
    told = {kinds.get(type(label)) for label in found}
    if len(told) != 1 or None in told or len(set(found)) != len(found):
        raise _bad(where, "categories or classes are missing, mixed or stand twice", found)
    if any(isinstance(label, int) and abs(label) >= 2**63 for label in found):
        raise _bad(where, "a class is too large a number")
    return tuple(found)


def _read_targets(found: Mapping[str, Any], where: str) -> tuple[TargetEncoding, bool]:
    task, names = _get(found, "task", str, where), _get(found, "names", list, where)
    classes, standardized = _get(found, "classes", list, where), _get(found, "standardized", bool, where)
    if task not in TASKS:
        raise _bad(where, "there is no such task", task)
    if not names or not all(isinstance(name, str) for name in names) or len(set(names)) != len(names):
        raise _bad(where, "targets are missing or stand twice", names)
    fits: dict[str, Callable[[], bool]] = {
        "regression": lambda: not classes,
        "binary": lambda: len(classes) == 2 and len(names) == 1 and not standardized,
        "multiclass": lambda: len(classes) > 1 and len(names) == 1 and not standardized,
        "multilabel": lambda: classes == [0, 1] and not standardized,
    }
    if not fits[task]():
        raise _bad(where, f"the targets do not fit the task {task}", found)
    return TargetEncoding(task, tuple(names), _labels(classes, where) if classes else (), {}), standardized


def _read_metrics(found: Mapping[str, Any], where: str) -> dict[str, float | None]:
    for name, value in found.items():
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise _bad(where, f"metric {name!r} is no number", value)
    return dict(found)


def _read_graph(lines: list, where: str) -> Graph:
    if not all(isinstance(line, str) for line in lines) or len(lines) > MAX_LINES:
        raise _bad(where, "'graph' is of the wrong kind, or too long")
    try:
        return parse("\n".join(lines))
    except PellucidError as error:
        raise ModelError(f"the prediction graph cannot be read: {error}", where=where, fix=RESTORE) from None
