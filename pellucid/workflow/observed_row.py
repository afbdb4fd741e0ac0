"""What is told of one row: its prediction, its features, and what the numbers in its network are called."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from pellucid.data.cells import numbers_of
from pellucid.data.encoders.front import FrontColumn
from pellucid.data.tables.table import Table
from pellucid.errors import UsageError
from pellucid.inspection.drawing.neurons import RowNames
from pellucid.inspection.observe import Observation, ObservedNode, observe
from pellucid.model.model import Model
from pellucid.workflow.named_predictions import cell, name_probabilities
from pellucid.workflow.reports.layout import printable


@dataclass(frozen=True, eq=False)
class Feature:
    """An encoded feature of a row.

    Attributes
    ----------
    name, cell : str
        Its name, and the cell of the table that it comes from; none where it comes from several.
    encoded : float
    gradient : float or None
    """

    name: str
    cell: str
    encoded: float
    gradient: float | None


@dataclass(frozen=True, eq=False)
class ObservedRow:
    """One row of a table on its way through a model.

    Attributes
    ----------
    model : Model
    one : Table
        The row; with the targets, if they are known.
    row : int
        Its number.
    seen : Observation
    """

    model: Model
    one: Table
    row: int
    seen: Observation

    @property
    def place(self) -> str:
        """Which row it is, in words."""
        line = self.one.line_of(0)
        path = printable(self.one.path or "the table")
        return f"Row {self.row} of {path}" + (f" (line {line} of the file)" if line is not None else "")

    @cached_property
    def predicted(self) -> dict[str, Any]:
        """The prediction, by target."""
        return {name: values[0] for name, values in self.model.predict(self.one).items()}

    @cached_property
    def probabilities(self) -> dict[str, float]:
        """The probability of each class or label by its name, the largest first; none where there are none."""
        if self.model.kind != "probability":
            return {}
        named = name_probabilities(self.model, self.model.predict_probabilities(self.one))
        found = {name: float(values[0]) for name, values in named.items()}
        return dict(sorted(found.items(), key=lambda item: -item[1]))

    @property
    def truth(self) -> dict[str, Any]:
        """What the table says, by target; nothing where it does not."""
        return {name: self.one[name].values[0] for name in self.predicted if name in self.one}

    @property
    def scalar(self) -> float:
        """The loss or the score."""
        return float(np.asarray(self.seen[str(self.seen.of)].value))

    def tell_scalar(self) -> str:
        """Say what gradients are of, and what it is here."""
        if self.seen.of == "loss":
            return f"Loss ({self.model.loss.name.replace('_', ' ')}) {self.scalar:.6g}; gradients are of the loss."
        if self.model.targets.task == "regression":
            what = "the prediction" if len(self.model.targets.names) == 1 else "the sum of the predictions"
        elif self.model.kind == "probability":
            what = "the logarithm of the probability of what is predicted"
        else:
            what = "the score of what is predicted"
        return f"The target is not in the table: gradients are of {what}, {self.scalar:.6g}, called score below."

    def tell_predictions(self) -> list[str]:
        """Say for each target what is predicted, and what the table says."""
        lines = []
        for name, value in self.predicted.items():
            told = f"{printable(name)}: predicted {tell_cell(value) or 'no label'}"
            lines.append(told + (f", in the table {tell_cell(self.truth[name])}" if name in self.truth else ""))
        threshold = self.model.targets.tell_threshold(self.model.kind)
        return [*lines, f"{threshold}."] if threshold else lines

    @cached_property
    def features(self) -> list[Feature]:
        """The encoded features, in their order."""
        names, node = self.model.encoding.features, self._features_node()
        if node is None:
            return []
        values = np.asarray(node.value).reshape(-1)
        gradients = [None] * len(names) if node.gradient is None else np.asarray(node.gradient).reshape(-1).tolist()
        return [
            Feature(name, self._cell_of(name), float(value), gradient)
            for name, value, gradient in zip(names, values.tolist(), gradients, strict=True)
        ]

    def _features_node(self) -> ObservedNode | None:
        shape = (1, len(self.model.encoding.features))
        paths = ["x"] if "x" in self.seen else []
        paths += [node.path for node in reversed(list(self.seen)) if node.path.startswith("encoders/")]
        return next((self.seen[path] for path in paths if np.shape(self.seen[path].value) == shape), None)

    def _column_of(self, feature: str) -> FrontColumn | None:
        """Return the column that a feature comes from, by its name."""
        found = [
            column
            for column in self.model.front.columns
            if feature == column.name or feature.startswith((f"{column.name} ", f"{column.name}="))
        ]
        return max(found, key=lambda column: len(column.name), default=None)

    def _cell_of(self, feature: str) -> str:
        """Return the cell that a feature comes from."""
        column = self._column_of(feature)
        if column is None:
            return ""
        cells = self.one[column.name]
        return "missing" if cells.missing[0] else tell_cell(cells.values[0])

    def _drawn(self, feature: Feature) -> str:
        """Return what a drawing says of a feature: its cell, or whether what the feature is about holds."""
        column = self._column_of(feature.name)
        if column is None or feature.name == column.name:
            return feature.cell
        if feature.name != f"{column.name} is missing":
            if column.role not in ("category", "text"):
                return feature.cell
            if column.counted:
                return f"{feature.encoded:g}"
        return "yes" if feature.encoded else "no"

    @property
    def embedded(self) -> dict[str, str]:
        """The cells of the columns whose categories are embedded, by their names."""
        return {column.name: self._cell_of(column.name) for column in self.model.front.embedded}

    def names(self) -> RowNames:
        """Return what the drawing of the network says."""
        targets, computed = self.model.targets, np.asarray(self.seen["prediction"].value).reshape(-1)
        if targets.task == "regression":
            units = list(targets.names)
        elif targets.task == "multilabel":
            units = list(targets.labels)
        else:
            units = [str(cell(label)) for label in targets.classes[-len(computed) :]]
        share = self.model.kind == "probability"
        predicted = [
            (f"p({unit})" if share else unit, f"{float(x):.4g}" if share else tell_cell(float(x)))
            for unit, x in zip(units, computed, strict=False)
        ]
        summary = [*self.tell_predictions(), self.tell_scalar()]
        known = [feature.gradient for feature in self.features if feature.gradient is not None]
        return RowNames(
            title=self.place,
            features=tuple((feature.name, self._drawn(feature)) for feature in self.features),
            outputs=tuple(units),
            embedded=tuple(self._embedded()),
            predicted=tuple(predicted),
            summary=tuple(summary),
            probabilities=share,
            gradients=np.array(known) if known and len(known) == len(self.features) else None,
            categories=tuple(self.embedded.items()),
        )

    def _embedded(self) -> list[tuple[str, str]]:
        """Return the names of the numbers that embedded categories become, and their cells."""
        return [
            (f"{column.name} {number + 1}", self._cell_of(column.name))
            for column in self.model.front.embedded
            for number in range(column.embedding)
        ]

    def as_dict(self) -> dict[str, Any]:
        """Return what is told of the row as plain data for JSON."""
        return {
            "table": self.one.path,
            "row": self.row,
            "line": self.one.line_of(0),
            "predicted": self.predicted,
            "truth": self.truth,
            "probabilities": self.probabilities,
            "of": self.seen.of,
            str(self.seen.of): self.scalar,
            "features": [
                {"name": one.name, "cell": one.cell, "encoded": one.encoded, "gradient": one.gradient}
                for one in self.features
            ],
            "embedded": self.embedded,
        }


def tell_cell(value: Any) -> str:
    """Return a cell or a predicted value as people read it."""
    if isinstance(value, np.datetime64):
        return str(value.astype("datetime64[s]")).removesuffix("T00:00:00").replace("T", " ")
    plain = value.item() if isinstance(value, np.generic) else value
    return f"{plain:.6g}" if isinstance(plain, float) else printable(cell(plain))


def observe_row(model: Model, table: Table, row: int) -> ObservedRow:
    """Observe one row of a table on its way through a model.

    Raises
    ------
    UsageError
        Where there is no such row.
    """
    one = take_row(model, table, row)
    graph, inputs = model.observation(one)
    of = "loss" if "loss" in graph.outputs else "score"
    return ObservedRow(model, one, row, observe(graph, of=of, executor=model.executor, **inputs))


def take_row(model: Model, table: Table, row: int) -> Table:
    """Return the table of one row, without targets where one of them is missing in it."""
    if not 0 <= row < len(table):
        rows = f"{len(table)} row{'s' if len(table) > 1 else ''}: 0" + (
            f" to {len(table) - 1}" if len(table) > 1 else ""
        )
        raise UsageError(f"there is no row {row}", where=table.path, expected=rows)
    _check_columns(model, table)
    one = table.take([row])
    known = [name for name in model.targets.names if name in one]
    if any(one[name].missing[0] for name in known) and set(known) < set(one.names):
        return one.drop(known)
    return one


def _check_columns(model: Model, table: Table) -> None:
    """Refuse a table with a word among numbers or dates, whichever row it is in: one row alone does not show it."""
    chosen = model.front.select(table)
    for front, column in zip(model.front.columns, chosen.columns, strict=True):
        if front.role == "number" and column.kind in ("text", "date"):
            numbers_of(chosen, column)
