"""Models with a table, as what pictures are drawn of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pellucid.data.dataset import is_sparse
from pellucid.data.encoders.date_parts import cyclic_parts
from pellucid.data.tables.columns import Column
from pellucid.data.tables.table import Table
from pellucid.errors import DataError
from pellucid.graph.graph import Graph
from pellucid.inspection.layers.nodes import batch_axis
from pellucid.inspection.pictures.choices import choose, parts_of, second_of_two
from pellucid.inspection.pictures.subject import Feature, SeenNetwork, Subject, Target
from pellucid.model.model import Model
from pellucid.model.scalars import OUTPUT, PREDICTION


def of_own_estimator(estimator: Any, data: Any, of: str | int | None) -> Subject:
    """Return the model of one of Pellucid's estimators, with X and y as one table."""
    model: Model = estimator.model_
    x, y = parts_of(data)
    table = model.table(x.toarray() if is_sparse(x) else x)
    if y is not None:
        columns, names = np.asarray(y), model.targets.names
        if len(columns) != len(table):
            raise DataError("X and y differ in length", got=f"{len(columns)}", expected=f"{len(table)}")
        columns = columns.reshape(len(table), -1)
        if columns.shape[1] != len(names):
            raise DataError("other targets", where="y", got=f"{columns.shape[1]}", expected=f"{len(names)}")
        made = Table.from_columns({name: columns[:, place] for place, name in enumerate(names)})
        table = Table((*(column for column in table.columns if column.name not in names), *made.columns))
    return of_model(model, table, of, f"a fitted {type(estimator).__name__}")


def of_model(model: Model, data: Any, of: str | int | None, name: str) -> Subject:
    """Return a model with the cells of a table; `of` says which target or label, where there are several."""
    table = model.table(data)
    raw = model.front.read(table)
    targets = model.targets
    plural = targets.task in ("multilabel", "regression") and targets.outputs > 1
    place = choose(targets.labels, of) if plural else choose(targets.names, of)
    target = _target(model, table, place if plural else None)
    graph, rows = model.graph, [key for key, node in model.graph.inputs.items() if batch_axis(node) == 0]
    seen = SeenNetwork(
        graph,
        (OUTPUT,),
        tuple(rows),
        _encoded(graph, rows),
        {key: model.arrays[key] for key in graph.inputs if key not in rows},
        model.executor,
    )

    def predicted(inputs: Mapping[str, np.ndarray]) -> np.ndarray:
        found = model.run(inputs, len(next(iter(inputs.values()))))[PREDICTION].astype(np.float64)
        return found[:, place : place + 1] if plural else second_of_two(found, target)

    return Subject(
        name=name,
        arrays=raw,
        features=tuple(Feature(key, "numbers", at) for at, key in enumerate(model.front.number_features)),
        target=target,
        predict=predicted,
        columns=_places_of_columns(model),
        weights=np.ones(len(table)),
        network=seen,
        scaled=False,
    )


def _encoded(graph: Graph, rows: Sequence[str]) -> dict[str, str]:
    """Return the path of what encoders give: what the first product with a weight of the network multiplies."""
    known: set[Any] = {graph.inputs[name] for name in rows}
    for node in graph.nodes:
        if any(source in known for source in node.inputs):
            known.add(node)
            if node.op.name == "contraction" and not node.path.startswith("encoders/"):
                return {"features": next(source.path for source in node.inputs if source in known)}
    return {}


def _target(model: Model, table: Any, place: int | None) -> Target:
    targets = model.targets
    known = {column.name: column for column in table.columns}
    values = None
    if all(_is_known(known.get(name), targets.separator) for name in targets.names):
        found = targets.read(table)
        values = found.reshape(len(found), -1)[:, place or 0]
    name = targets.labels[place] if place is not None else targets.names[0]
    if targets.task == "regression":
        return Target(name, (), None if values is None else values.astype(np.float64), model.kind)
    usual = 0.5 if model.kind == "probability" else 0.0
    threshold = usual if targets.threshold is None else targets.threshold
    classes = tuple(map(str, targets.classes))
    return Target(name, classes, None if values is None else values.astype(np.int64), model.kind, threshold)


def _is_known(column: Column | None, separator: str | None) -> bool:
    return column is not None and (separator is not None or not column.missing.any())


def _places_of_columns(model: Model) -> dict[str, tuple[tuple[str, slice], ...]]:
    """Return where the cells of each column stand in the arrays that the model reads."""
    at = dict.fromkeys(("numbers", "cycles", "categories", "words"), 0)

    def take(key: str, width: int) -> tuple[str, slice]:
        start, at[key] = at[key], at[key] + width
        return key, slice(start, at[key])

    places = {}
    for column in model.front.columns:
        if column.role == "category":
            found = [take("categories", 1)]
        elif column.role == "text":
            found = [take("words", len(column.words) + column.indicator)]
        else:
            found = [take("numbers", 1)]
            if column.role == "date":
                found.append(take("cycles", len(cyclic_parts(column.times))))
        places[column.name] = tuple(found)
    return places
