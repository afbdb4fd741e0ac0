"""What a model is made of, what it reads, and where it comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from pellucid.model.model import Model
from pellucid.model.scalars import PREDICTION
from pellucid.workflow.reports.architecture import LayerSummary, summarize_layers, tell_sizes
from pellucid.workflow.reports.layout import Rows, count_things, list_words, printable, show_number, view_facts
from pellucid.workflow.reports.report import as_plain

MOST_COLUMNS = 40
MOST_LAYERS = 40
MOST_LISTED = 20
DIGEST = 12
"""So many digits of a table's SHA-256 are shown."""


def describe_model(model: Model) -> dict[str, Any]:
    """Return what a model is, as plain data for JSON.

    Examples
    --------
    >>> import pellucid as pl
    >>> table = {"x": [0.1 * row for row in range(40)], "y": [0.3 * row for row in range(40)]}
    >>> told = describe_model(pl.train_table(table, "y", recipe=pl.Recipe(hidden=(8,), epochs=2)).model)
    >>> told["parameters"], [layer["units"] for layer in told["layers"]], [found["name"] for found in told["columns"]]
    (25, [8, 1], ['x'])
    """
    targets = model.targets
    layers = summarize_layers(model.graph, model.parameters)
    return as_plain(
        {
            "task": targets.task,
            "targets": targets.names,
            "classes": targets.classes,
            "threshold": targets.threshold,
            "labels": targets.labels if targets.task == "multilabel" else (),
            "prediction": model.kind,
            "parameters": _count_parameters(model),
            "layers": [asdict(layer) for layer in layers],
            "output": _tell_output(model),
            "features": len(model.encoding.features),
            "columns": [
                {"name": column.name, "role": column.role, "encoding": told}
                for column, told in zip(model.front.columns, _tell_columns(model), strict=True)
            ],
            "numbers": model.encoding.describe_numbers(),
            "loss": {"name": model.loss.name, "settings": model.loss.settings},
            "metrics": model.metrics,
            "provenance": model.provenance,
        }
    )


def view_model(model: Model, record: Mapping[str, Any] | None = None) -> RenderableType:
    """Lay out what a model is.

    Parameters
    ----------
    model : Model
    record : mapping, optional
        What ``run.toml`` says of the run that made it.
    """
    layers = summarize_layers(model.graph, model.parameters)
    columns = [
        (printable(column.name), column.role, printable(told))
        for column, told in zip(model.front.columns, _tell_columns(model), strict=True)
    ]
    parts: list[RenderableType] = [
        view_facts(facts_of_model(model)),
        "",
        Text("Layers", style="bold"),
        _rows([_tell_layer(layer) for layer in layers], MOST_LAYERS),
        "",
        Text("Columns", style="bold"),
        _rows(columns, MOST_COLUMNS),
    ]
    if after := model.encoding.describe_numbers():
        parts.append(Text(after))
    if model.metrics:
        rows = [(_words(name), _show_metric(name, value)) for name, value in model.metrics.items()]
        parts += ["", Text("Metrics, as measured when the model was made", style="bold"), Rows(rows, right=(1,))]
    origin = origin_of_model(model, record or {})
    if origin:
        parts += ["", Text("Where it comes from", style="bold"), view_facts(origin)]
    return Group(*parts)


def facts_of_model(model: Model) -> list[tuple[str, str]]:
    """Return what a model is for and what it is made of, each fact with its name."""
    targets, layers = model.targets, summarize_layers(model.graph, model.parameters)
    told = f"{targets.task} of {list_words(targets.names, MOST_LISTED)}"
    facts = [("Task", told)]
    if targets.task in ("binary", "multiclass"):
        facts.append(("Classes", list_words(targets.classes, MOST_LISTED)))
        threshold = targets.tell_threshold(model.kind)
        facts += [("Threshold", f"{threshold}.")] if threshold else []
    elif targets.task == "multilabel":
        facts.append(("Labels", list_words(targets.labels, MOST_LISTED)))
    columns, features = len(model.front.columns), len(model.encoding.features)
    reads = f"{count_things(columns, 'column')}, {count_things(features, 'feature')}"
    embedded = len(model.encoding.embedded)
    facts.append(("Reads", reads + (f", {count_things(embedded, 'embedded column')}" if embedded else "")))
    dtype = model.graph.outputs["output"].type.dtype.name
    many = count_things(_count_parameters(model), "parameter")
    facts.append(("Network", ", ".join(filter(None, [tell_sizes(layers), many, dtype]))))
    facts.append(("Output", _tell_output(model)))
    settings = ", ".join(f"{_words(name)} {value}" for name, value in model.loss.settings.items() if value)
    facts.append(("Loss", _words(model.loss.name) + (f" ({printable(settings)})" if settings else "")))
    return facts


def _count_parameters(model: Model) -> int:
    return sum(array.size for array in model.parameters.values())


def _tell_output(model: Model) -> str:
    """Return what the prediction is: the last operation of its graph, and what that means."""
    last = model.graph.outputs[PREDICTION].op.name
    return f"{model.kind} ({last})" if model.kind == "probability" else model.kind


def _tell_columns(model: Model) -> list[str]:
    """Return what becomes of each column."""
    lines = model.encoding.describe()
    return [line.removeprefix(f"{column.name}: ") for column, line in zip(model.front.columns, lines, strict=True)]


def _tell_layer(layer: LayerSummary) -> tuple[str, str, str]:
    sizes = f"{layer.units:,} units" if layer.units is not None else ""
    if layer.inputs is not None:
        what = "categories" if layer.kind == "embedding" else "features"
        sizes = f"{layer.inputs:,} {what} → {layer.units:,}"
    told = [sizes, layer.activation or "", count_things(layer.parameters, "parameter") if layer.parameters else ""]
    return printable(layer.name), layer.kind, ", ".join(filter(None, told))


def _rows(rows: Sequence[tuple[str, str, str]], most: int) -> Rows:
    more = [(f"... {len(rows) - most:,} more", "", "")] if len(rows) > most else []
    return Rows([*rows[:most], *more], style="dim")


def origin_of_model(model: Model, record: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return where a model comes from: what it says itself, and what the record of its run adds."""
    known = dict(model.provenance)
    outcome, versions = (_section(record, name) for name in ("outcome", "versions"))
    path, digest = _section(record, "table").get("path"), known.pop("table_sha256", None)
    facts = []
    if path or digest:
        shown = f"SHA-256 {str(digest)[:DIGEST]}..." if digest else ""
        facts.append(("Table", ", ".join(filter(None, [str(path or ""), shown]))))
    if isinstance(rows := known.pop("rows", None), Mapping):
        facts.append(("Rows", ", ".join(f"{count:,} {part}" for part, count in rows.items() if isinstance(count, int))))
    named = {"weight": "Weights", "group": "Groups", "time_order": "Time order"}
    facts += [(told, str(name)) for key, told in named.items() if (name := _section(record, "table").get(key))]
    facts += [("Seed", str(known.pop("seed")))] if "seed" in known else []
    date = outcome.get("date") or known.pop("date", None)
    facts += [("Date", str(date))] if date else []
    if isinstance(outcome.get("epochs"), int):
        told = count_things(outcome["epochs"], "epoch")
        told += f", the best is {outcome['best_epoch']}" if outcome.get("best_epoch") else ""
        told += f"; stopped: {outcome['reason']}" if outcome.get("reason") else ""
        told += f"; {outcome['seconds']} s in all" if "seconds" in outcome else ""
        facts.append(("Training", told))
    made_by = {**({"pellucid": known.pop("pellucid")} if "pellucid" in known else {}), **versions}
    facts += [("Versions", ", ".join(f"{name} {version}" for name, version in made_by.items()))] if made_by else []
    facts += [(_words(name).capitalize(), str(value)) for name, value in known.items() if value is not None]
    return [(printable(name), printable(told)) for name, told in facts]


def _section(record: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = record.get(name, {})
    return found if isinstance(found, Mapping) else {}


def _words(name: str) -> str:
    return printable(name.replace("_", " "))


def _show_metric(name: str, value: float | None) -> str:
    metric = name.rpartition(" ")[2]
    return "undefined" if value is None else show_number(metric, value)
