"""What ``model.json`` says: a model without its arrays, written as plain data, and read back with mistrust."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pellucid.data.encoders.front import Front
from pellucid.data.encoders.settings import EncoderSettings
from pellucid.data.targets import TargetEncoding
from pellucid.data.task import TASKS
from pellucid.errors import ModelError, PellucidError
from pellucid.graph.graph import Graph
from pellucid.graph.text import parse
from pellucid.model.fields import RESTORE, bad, get, get_labels, get_names
from pellucid.model.model import LossRecord, Model
from pellucid.model.record_encoders import read_front, read_settings, write_column

SCHEMA = 2
"""Models of this schema are written; those of schema 1 are still read."""

MAX_BYTES = 64 * 2**20
"""A larger ``model.json`` is not read."""

MAX_LINES = 20_000
"""Nor is the text of a graph with more lines."""

STUMBLES = (ArithmeticError, AttributeError, LookupError, MemoryError, RecursionError, TypeError, ValueError)
"""What reading a text that was tampered with may end in, Pellucid's own errors among them."""


@dataclass(frozen=True)
class Record:
    """What ``model.json`` says; `standardized`: whether there are statistics of the targets."""

    schema: int
    arrays_digest: str
    graph: Graph
    front: Front
    settings: EncoderSettings
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
        Where something in the model has no form in JSON, or there is more of it than would be read.
    """
    targets = model.targets
    content: dict[str, Any] = {
        "schema": SCHEMA,
        "arrays": arrays_digest,
        "targets": {
            "task": targets.task,
            "names": list(targets.names),
            "classes": list(targets.classes),
            "labels": list(targets.labels),
            "separator": targets.separator,
            "threshold": targets.threshold,
            "standardized": bool(targets.arrays),
        },
        "prediction": model.kind,
        "columns": [write_column(column) for column in model.front.columns],
        "encoders": dataclasses.asdict(model.encoder_settings),
        "loss": {"name": model.loss.name, "settings": dict(model.loss.settings)},
        "network": model.facts,
        "metrics": model.metrics,
        "provenance": model.provenance,
        "graph": str(model.graph).split("\n")[:-1],
    }
    try:
        content = {"digest": _digest(content), **content}
        written = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise ModelError(
            "something in the model cannot be written as JSON", got=str(error)[:120], expected="numbers, text, lists"
        ) from None
    if len(written) > MAX_BYTES or len(content["graph"]) > MAX_LINES:
        raise ModelError(
            "the model is too large to be read again",
            got=f"{len(written)} bytes and a graph of {len(content['graph'])} lines",
            expected=f"at most {MAX_BYTES} and {MAX_LINES}",
            fix="Leave columns out.",
        )
    return written


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
    schema = get(fields, "schema", int, where)
    if schema not in (1, SCHEMA):
        newer = schema > SCHEMA
        raise ModelError(
            "the model was saved by a newer Pellucid" if newer else "there is no such version of a model",
            where=where,
            got=f"schema {str(schema)[:20]}",
            expected=f"1 or {SCHEMA}",
            fix="Update Pellucid." if newer else RESTORE,
        )
    stated = fields.pop("digest", None)
    if stated != _digest(fields):
        raise ModelError("the file was changed after the model was saved", where=where, fix=RESTORE)
    targets, standardized = _read_targets(get(fields, "targets", dict, where), schema, where)
    loss = get(fields, "loss", dict, where)
    settings = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in get(loss, "settings", dict, where).items()
    }
    return Record(
        schema=schema,
        arrays_digest=get(fields, "arrays", str, where),
        graph=_read_graph(get(fields, "graph", list, where), where),
        front=read_front(fields, schema, where),
        settings=read_settings(fields, schema, where),
        targets=targets,
        standardized=standardized,
        kind=get(fields, "prediction", str, where),
        loss=LossRecord(get(loss, "name", str, where), settings),
        facts=get(fields, "network", dict, where),
        metrics=_read_metrics(get(fields, "metrics", dict, where), where),
        provenance=get(fields, "provenance", dict, where),
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


def _read_targets(found: Mapping[str, Any], schema: int, where: str) -> tuple[TargetEncoding, bool]:
    task, names = get(found, "task", str, where), get_names(found, "names", "targets", where)
    classes, standardized = get(found, "classes", list, where), get(found, "standardized", bool, where)
    labels = names if schema == 1 else get_names(found, "labels", "labels", where)
    separator = found.get("separator")
    if task not in TASKS:
        raise bad(where, "there is no such task", task)
    if separator is not None and not (isinstance(separator, str) and separator and task == "multilabel"):
        raise bad(where, "'separator' is of the wrong kind", separator)
    threshold = found.get("threshold")
    if threshold is not None and not (isinstance(threshold, float) and math.isfinite(threshold) and task == "binary"):
        raise bad(where, "'threshold' is of the wrong kind", threshold)
    fits: dict[str, Callable[[], bool]] = {
        "regression": lambda: not classes,
        "binary": lambda: len(classes) == 2 and len(names) == 1 and not standardized,
        "multiclass": lambda: len(classes) > 1 and len(names) == 1 and not standardized,
        "multilabel": lambda: classes == [0, 1] and not standardized and (separator is None or len(names) == 1),
    }
    if not fits[task]() or (labels != names and separator is None):
        raise bad(where, f"the targets do not fit the task {task}", found)
    known = get_labels(found, "classes", where) if classes else ()
    return TargetEncoding(task, names, known, {}, labels=labels, separator=separator, threshold=threshold), standardized


def _read_metrics(found: Mapping[str, Any], where: str) -> dict[str, float | None]:
    for name, value in found.items():
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise bad(where, f"metric {name!r} is no number", value)
    return dict(found)


def _read_graph(lines: list, where: str) -> Graph:
    if not all(isinstance(line, str) for line in lines) or len(lines) > MAX_LINES:
        raise bad(where, "'graph' is of the wrong kind, or too long")
    try:
        return parse("\n".join(lines))
    except PellucidError as error:
        raise ModelError(f"the prediction graph cannot be read: {error}", where=where, fix=RESTORE) from None
