"""A trained model: from the cells of a table to predictions in the targets' own units, as one graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from pellucid.data.dataset import is_sparse
from pellucid.data.encoders.encoding import Encoding, parts_of, rows_to_read
from pellucid.data.encoders.front import Front
from pellucid.data.encoders.graph import STATISTICS
from pellucid.data.encoders.matrices import require_matrix
from pellucid.data.encoders.settings import EncoderSettings
from pellucid.data.tables.columns import Column
from pellucid.data.tables.table import Table, as_table
from pellucid.data.targets import TargetEncoding
from pellucid.errors import UsageError
from pellucid.executors.inputs import rows_at_once
from pellucid.executors.predictor import Predictor
from pellucid.executors.program import DEFAULT_EXECUTOR
from pellucid.graph.graph import Graph
from pellucid.graph.resize import resize
from pellucid.model.scalars import OUTPUT, PREDICTION, TARGET, add_loss, add_score


@dataclass(frozen=True)
class LossRecord:
    """The loss that a model was trained with, by name and settings."""

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Model:
    """A model that predicts from tables. Made by :func:`build_model` and :func:`load_model`.

    Attributes
    ----------
    graph : Graph
        From the cells of a table (``numbers``, ``cycles``, ``categories``, ``words``) and `arrays` to ``prediction``
        [batch, outputs], numbers in the targets' own units or probabilities. Its output ``output`` is what the network
        itself gives, such as logits; other things that the loss says stand beside the prediction, such as
        ``prediction/variance``.
    arrays : dict of ndarray
        Parameters of the network and statistics of the encoders, by the graph's inputs.
    front : Front
        Which columns are read, and how.
    targets : TargetEncoding
        What is predicted.
    kind : str
        What the prediction is, as the loss says: probability, score, mean, median, ...
    loss : LossRecord
    encoder_settings : EncoderSettings
        With which the encoders were fitted.
    facts : dict
        What is good to know of the network: its layers' sizes, its number of parameters.
    metrics : dict of float or None
        As measured when the model was made.
    provenance : dict
        Where it came from: Pellucid's version, the seed, the settings.
    executor : {"native", "interpret"}
        What runs the graph.
    """

    graph: Graph
    arrays: dict[str, np.ndarray]
    front: Front
    targets: TargetEncoding
    kind: str
    loss: LossRecord
    encoder_settings: EncoderSettings = field(default_factory=lambda: EncoderSettings(limit=0.0))
    facts: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, float | None] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)
    executor: str = DEFAULT_EXECUTOR

    def __repr__(self) -> str:
        return f"<model: {self.targets.task} of {', '.join(self.targets.names)} from {len(self.front.columns)} columns>"

    @property
    def parameters(self) -> dict[str, np.ndarray]:
        """What the network learned, by path: what ``pl.fit(..., start_from=model)`` takes."""
        statistics = ("encoders/", "targets/")
        return {path: array for path, array in self.arrays.items() if not path.startswith(statistics)}

    @property
    def encoding(self) -> Encoding:
        """The encoders: what cells become before the network, and the names of the features."""
        statistics = {path: self.arrays[path] for path in STATISTICS if path in self.arrays}
        return Encoding(self.front, statistics, self.graph.outputs[OUTPUT].type.dtype, self.encoder_settings)

    def with_metrics(self, metrics: Mapping[str, float]) -> Model:
        """Return the same model with these metrics; what is not finite has no value."""
        known = {name: float(value) if np.isfinite(value) else None for name, value in metrics.items()}
        return replace(self, metrics=known)

    def with_parameters(self, parameters: Mapping[str, np.ndarray], provenance: Mapping[str, Any]) -> Model:
        """Return a model of the same graph and encoders with other parameters, which are copied.

        What is compiled is shared.
        """
        arrays = dict(self.arrays)
        for path in self.parameters.keys() & parameters.keys():
            arrays[path] = np.array(parameters[path], arrays[path].dtype)
            arrays[path].flags.writeable = False
        made = replace(self, arrays=arrays, provenance={**self.provenance, **provenance})
        made.__dict__.update(_rows_at_once=self._rows_at_once, _predictor=self._predictor)
        return made

    def predict(self, data: Any) -> dict[str, np.ndarray]:
        """Predict the targets.

        Parameters
        ----------
        data : Table, path, data frame, mapping of columns, array or SciPy sparse matrix [rows, columns]
            Columns are found by name; others are passed over. An array has the columns that the model reads, in the
            order of `front.columns`; or x0, x1, ... where the model was made from an array. A sparse matrix is made
            dense a few rows at a time.

        Returns
        -------
        dict of ndarray, [rows]
            By target: classes, or numbers in the target's own unit.

        Raises
        ------
        DataError
            Where the data do not have the columns, or a cell does not fit: with file and line.
        """
        return self.targets.decode(self.compute(data)[PREDICTION], self.kind)

    def predict_probabilities(self, data: Any) -> np.ndarray:
        """Predict probabilities: [rows, classes] in the order of `targets.classes`, or [rows, labels].

        Raises
        ------
        UsageError
            Where the model predicts numbers, or scores that are no probabilities.
        """
        if self.kind != "probability":
            got = "numbers" if self.targets.task == "regression" else f"a {self.kind} (its loss was {self.loss.name})"
            raise UsageError("this model predicts no probabilities", got=got)
        predicted = self.compute(data)[PREDICTION]
        return np.hstack([1 - predicted, predicted]) if self.targets.task == "binary" else predicted

    def compute(self, data: Any) -> dict[str, np.ndarray]:
        """Return every output of the graph, a row for each row of the data.

        Cells are read in parts, so that the memory taken is little more than that of the data and the outputs. The same
        data give the same bits. With the executor ``interpret``, for a row among more or fewer others, sums may be
        added in another order, which changes the last bits.
        """
        count, read = self._reader(data)
        parts: dict[str, list[np.ndarray]] = {name: [] for name in self.graph.outputs}
        for part in parts_of(count, rows_to_read(self.front, self._rows_at_once)):
            for name, value in self.run(read(part), part.stop - part.start).items():
                parts[name].append(value)
        return {name: np.concatenate(found) if len(found) > 1 else found[0] for name, found in parts.items()}

    def run(self, raw: Mapping[str, np.ndarray], count: int) -> dict[str, np.ndarray]:
        """Return every output of the graph for `count` rows of cells as :meth:`read` gives them."""
        return self._predictor.run(self.arrays, raw, count)

    def _reader(self, data: Any) -> tuple[int, Callable[[slice], dict[str, np.ndarray]]]:
        """Return how many rows data have, and what reads the cells of some of them."""
        numbers = isinstance(data, np.ndarray) and data.ndim == 2 and data.dtype.kind in "biuf"
        if is_sparse(data) or (numbers and self.front.only_numbers):
            matrix = require_matrix(data)
            return matrix.shape[0], lambda part: self._read_matrix(matrix, part)
        table = self.front.select(self.table(data))
        return len(table), lambda part: self.front.read(table.take(part))

    def _read_matrix(self, matrix: Any, part: slice) -> dict[str, np.ndarray]:
        """Return the cells of some rows; those of a sparse matrix are made dense a few at a time."""
        size = self._rows_at_once if is_sparse(matrix) else part.stop - part.start
        starts = range(part.start, part.stop, max(1, size))
        pieces = [self.front.read_matrix(matrix[at : min(at + size, part.stop)], first_row=at) for at in starts]
        return {name: np.concatenate([piece[name] for piece in pieces]) for name in pieces[0]}

    def observation(self, data: Any) -> tuple[Graph, dict[str, np.ndarray]]:
        """Return a graph and its inputs for :func:`pellucid.observe`: the whole way of some rows, and one scalar.

        Where all of the rows have their targets, the scalar is the ``loss``, the mean over the rows, from targets in
        their own units (input ``target``). Otherwise it is the ``score`` of the prediction: the logarithm of the
        probability of the predicted class; see :func:`pellucid.model.scalars.add_score`.

        Raises
        ------
        UsageError
            Where the loss is one of the user's own and is not declared.
        """
        table = self.table(data)
        raw = self.front.read(table)
        prediction = resize(self.graph, batch=len(table))
        given = {**raw, **self.arrays}
        if not all(name in table and self._is_known(table[name]) for name in self.targets.names):
            return add_score(prediction, self.targets, self.kind), given
        graph, settings = add_loss(prediction, self.targets, self.loss.name, self.loss.settings)
        target = self.targets.read(table).astype(graph.inputs[TARGET].type.dtype.numpy)
        return graph, {**given, **{name: np.asarray(value) for name, value in settings.items()}, TARGET: target}

    def _is_known(self, target: Column) -> bool:
        return self.targets.separator is not None or not target.missing.any()  # a cell without labels may be empty

    def read(self, data: Any) -> dict[str, np.ndarray]:
        """Return the cells of data as the graph takes them."""
        return self.front.read(self.table(data))

    def table(self, data: Any) -> Table:
        """Return data as a table with the names of the model's columns."""
        table = as_table(data)
        if not isinstance(data, np.ndarray | list | tuple):
            return table
        columns = [table.columns[place] for place in self.front.places_in(len(table.columns))]
        return replace(
            table,
            columns=tuple(
                replace(column, name=front.name) for column, front in zip(columns, self.front.columns, strict=True)
            ),
        )

    @cached_property
    def _rows_at_once(self) -> int:
        return rows_at_once(self.graph)

    @cached_property
    def _predictor(self) -> Predictor:
        return Predictor(self.graph, self.executor)
