"""Targets: from the columns to be predicted to the numbers that a loss takes, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pellucid import ops
from pellucid.data.cells import match_categories, read_numbers
from pellucid.data.labels import read_labels
from pellucid.data.statistics import mean_and_scale
from pellucid.data.tables.columns import shorten
from pellucid.data.tables.table import Table
from pellucid.data.target_checks import refuse_huge
from pellucid.data.task import Task
from pellucid.errors import DataError, UsageError
from pellucid.graph.types import Type, float64
from pellucid.graph.value import Value

MEAN, SCALE = "targets/mean", "targets/scale"


@dataclass(frozen=True, eq=False)
class TargetEncoding:
    """How targets become numbers and predictions become targets. Made by :func:`fit_targets`.

    Attributes
    ----------
    task : {"regression", "binary", "multiclass", "multilabel"}
    names : tuple of str
        The target columns.
    classes : tuple
        The classes of a binary or multiclass task, sorted; their numbers are their places. In a binary task the second
        is the one whose probability is predicted. False and True, or 0 and 1, for multilabel. Empty for regression.
    arrays : dict of ndarray
        For standardized targets ``targets/mean`` and ``targets/scale``, float64 [targets]; otherwise empty.
    labels : tuple of str
        What the outputs of multilabel are called: the target columns, or the labels in the cells of a single one.
        For other tasks the target columns.
    separator : str or None
        What stands between the labels in a cell of the single target column of multilabel.
    threshold : float or None
        Of a binary task, above which prediction the second class is predicted; None for 1/2 of a probability, 0 of a
        score.
    """

    task: str
    names: tuple[str, ...]
    classes: tuple
    arrays: dict[str, np.ndarray]
    labels: tuple[str, ...] = ()
    separator: str | None = None
    threshold: float | None = None

    def __post_init__(self) -> None:
        if not self.labels:
            object.__setattr__(self, "labels", self.names)

    @property
    def outputs(self) -> int:
        """How many numbers a prediction has: one for each class, label or target; one for a binary task."""
        return len(self.classes) if self.task == "multiclass" else len(self.labels)

    def encode(self, table: Table) -> np.ndarray:
        """Return a table's targets as a loss takes them.

        Returns
        -------
        ndarray
            The class's number, int64 [rows], for multiclass; float64 otherwise: 0 or 1, [rows, 1], for binary; 0 or 1,
            [rows, labels], for multilabel; standardized numbers, [rows, targets], for regression.

        Raises
        ------
        DataError
            Where a target is missing, a number is a word or infinite, or a class is a new one: with file and line.
        """
        values = self.read(table)
        if self.arrays:
            values = (values - self.arrays[MEAN]) / self.arrays[SCALE]
        return values

    def read(self, table: Table) -> np.ndarray:
        """Return a table's targets as `encode` does, but numbers in their own units."""
        if self.separator is not None:
            return read_labels(table, self.names[0], self.labels, self.separator)
        columns = [self._read(table, name) for name in self.names]
        return columns[0].astype(np.int64) if self.task == "multiclass" else np.column_stack(columns).astype(np.float64)

    def _read(self, table: Table, name: str) -> np.ndarray:
        column = table[name]
        values = match_categories(column, self.classes) if self.classes else read_numbers(table, name)
        unfit = np.flatnonzero(column.missing | (values == -1 if self.classes else False))
        if unfit.size:
            row = int(unfit[0])
            gap = bool(column.missing[row])
            known = ", ".join(shorten(label) for label in self.classes[:8]) + (", ..." if len(self.classes) > 8 else "")
            raise DataError(
                "a row has no target" if gap else "a class that was not there in training",
                where=table.where(row, name),
                got="a missing value" if gap else shorten(column.values.tolist()[row]),
                expected=None if gap else f"one of {known}",
                fix="Fill it in, or leave the row out." if gap else "Correct it, or leave the row out.",
            )
        if not self.classes:
            refuse_huge(table, name, values)
        return values

    def decode(self, prediction: np.ndarray, kind: str = "probability") -> dict[str, np.ndarray]:
        """Return predicted targets by column.

        Parameters
        ----------
        prediction : ndarray, [rows, outputs]
            In the targets' own units.
        kind : str
            What a prediction of classes or labels is: a "probability", of which more than 1/2 means true, or a "score",
            of which more than 0 does, unless there is a `threshold`. Of several classes the one with the largest is
            taken, the first of equal ones.

        Returns
        -------
        dict of ndarray, [rows]
            Words as objects of type str. The labels of a single column are joined by its separator.
        """
        if self.task == "regression":
            return {name: prediction[:, place].copy() for place, name in enumerate(self.names)}
        if self.task == "multiclass":
            return {self.names[0]: _labels(self.classes)[prediction.argmax(axis=1)]}
        true = self.decide(prediction, kind)
        if self.separator is not None:
            names = _labels(self.labels)
            joined = [self.separator.join(names[row].tolist()) for row in true]
            return {self.names[0]: np.array([*joined, None], dtype=object)[:-1]}
        chosen = _labels(self.classes)[true.astype(np.int64)]
        return {name: chosen[:, place] for place, name in enumerate(self.names)}

    def decide(self, prediction: np.ndarray, kind: str = "probability") -> np.ndarray:
        """Return which labels are predicted to be true, or whether the second of two classes is; bool, as `prediction`.

        Parameters
        ----------
        prediction, kind
            As :meth:`decode` takes them.
        """
        usual = 0.5 if kind == "probability" else 0.0
        return prediction > (usual if self.threshold is None else self.threshold)

    def tell_threshold(self, kind: str) -> str | None:
        """Say above what the second of two classes is predicted, where that is not the usual.

        Examples
        --------
        >>> TargetEncoding("binary", ("mail",), ("ham", "spam"), {}, threshold=0.9).tell_threshold("probability")
        "'spam' is predicted above a probability of 0.9"
        """
        if self.threshold is None:
            return None
        what = "probability" if kind == "probability" else "score"
        return f"{shorten(self.classes[1])} is predicted above a {what} of {self.threshold:.4g}"

    def declare(self, builder: Any) -> dict[str, Value]:
        """Declare the means and scales of standardized targets as inputs of a graph."""
        return {name: builder.input(name, Type(float64, array.shape)) for name, array in self.arrays.items()}

    def standardize(self, statistics: Mapping[str, Value], target: Value) -> Value:
        """Add to a graph what `encode` does to numbers in their own units."""
        return ops.divide(target - statistics[MEAN], statistics[SCALE]) if statistics else target

    def restore(self, statistics: Mapping[str, Value], kind: str, part: Value) -> Value:
        """Add to a graph what turns a part of a prediction of standardized targets into their own units.

        A variance is multiplied by the squared scale; everything else (a mean, a median, a quantile, ...) is taken for
        a place among the targets. The result is float64.

        Raises
        ------
        UsageError
            For the rate of a Poisson process: there is no rate of a standardized count.
        """
        if not statistics:
            return part
        if kind == "rate":
            raise UsageError(
                "a rate is of counts as they are", where="loss", fix="Fit the targets with standardize=False."
            )
        part = ops.cast(part, dtype=float64)
        scale = statistics[SCALE]
        return part * (scale * scale) if kind == "variance" else part * scale + statistics[MEAN]


def _labels(classes: tuple) -> np.ndarray:
    """Return classes as an array; words as objects, since NumPy's own text loses null characters at its end."""
    return np.array(classes, dtype=object if classes and isinstance(classes[0], str) else None)


def fit_targets(
    table: Table,
    task: Task,
    rows: Any | None = None,
    standardize: bool = True,
    weights: np.ndarray | None = None,
) -> TargetEncoding:
    """Fit the encoding of targets on the training rows of a table.

    Parameters
    ----------
    table : Table
    task : Task
        Which columns, and what they are.
    rows : array_like, optional
        The training rows: numbers from 0, or a mask. All of them by default.
    standardize : bool
        Whether the targets of a regression have their mean taken away and are divided by their standard deviation, each
        for itself. A loss of counts (Poisson) needs them as they are.
    weights : ndarray, optional, [rows of the table]
        How much each row counts for mean and standard deviation; one of weight 0 does not.

    Raises
    ------
    DataError
        Where a target has the same value in all training rows, or one is missing.

    Examples
    --------
    >>> from pellucid.data.task import infer_task
    >>> table = Table.from_columns({"x": [1.5, 2.5, 3.5], "y": ["spam", "ham", "spam"]})
    >>> targets = fit_targets(table, infer_task(table, "y"))
    >>> targets.classes, targets.encode(table).tolist()
    (('ham', 'spam'), [[1.0], [0.0], [1.0]])
    >>> targets.decode(np.array([[0.2], [0.9]]))
    {'y': array(['ham', 'spam'], dtype=object)}
    """
    targets = _unfitted(table, task)
    chosen, counted = table.select(task.targets), weights
    if rows is not None:
        chosen, counted = chosen.take(rows), None if weights is None else np.asarray(weights)[rows]
    values = targets.read(chosen).reshape(len(chosen), -1)
    statistics = [] if task.kind == "multilabel" else [mean_and_scale(column, counted) for column in values.T]
    for name, (_, scale) in zip(task.targets, statistics, strict=False):
        if scale == 0:
            row = 0 if counted is None else int(np.argmax(np.asarray(counted) > 0))
            raise DataError(
                "the target is the same in all training rows",
                where=table.where(name=name),
                got=shorten(chosen[name].values.tolist()[row]),
                fix="Train on more rows, or on others.",
            )
    if task.kind != "regression" or not standardize:
        return targets
    means, scales = np.array(statistics, np.float64).T
    return replace(targets, arrays={MEAN: np.ascontiguousarray(means), SCALE: np.ascontiguousarray(scales)})


def _unfitted(table: Table, task: Task) -> TargetEncoding:
    if task.separator is not None:
        return TargetEncoding(task.kind, task.targets, (0, 1), {}, task.classes, task.separator)
    classes = task.classes
    if task.kind == "multilabel" and all(table[name].kind == "boolean" for name in task.targets):
        classes = (False, True)
    return TargetEncoding(task.kind, task.targets, classes, {})
