"""Examples as arrays: by name, of one length, finite; some of them taken, and weighed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.data.grouping import distinct
from pellucid.errors import DataError, UsageError, nearest


@dataclass(frozen=True, eq=False)
class Dataset:
    """Examples for learning: arrays whose first axis counts the examples. None of them can be written to.

    Attributes
    ----------
    inputs : dict of ndarray or SciPy's CSR matrix, [examples, ...]
        By the name of the network's input. SciPy's sparse matrices of other kinds become CSR; only the rows of one
        mini-batch are ever made dense.
    targets : ndarray, or dict of ndarray by output, [examples, ...]; or None where there is nothing to predict
    weights : ndarray of float64 or None, [examples]
        How much each example counts; not negative, not all 0.

    Raises
    ------
    DataError
        Where arrays differ in length, are no numbers or are not finite: with array, row and column.

    Examples
    --------
    >>> data = Dataset({"x": np.array([[1.0, 2.0], [3.0, 4.0]])}, np.array([0, 1]))
    >>> len(data), data.take([1]).inputs["x"].tolist()
    (2, [[3.0, 4.0]])
    """

    inputs: Mapping[str, Any]
    targets: np.ndarray | Mapping[str, np.ndarray] | None = None
    weights: np.ndarray | None = None

    def __post_init__(self) -> None:
        if not self.inputs:
            raise DataError("a dataset needs at least one input")
        inputs = {
            name: _checked_sparse(f"input {name!r}", array) if is_sparse(array) else _checked(f"input {name!r}", array)
            for name, array in self.inputs.items()
        }
        object.__setattr__(self, "inputs", inputs)
        lengths = {f"input {name!r}": array.shape[0] for name, array in inputs.items()}
        if isinstance(self.targets, Mapping):
            targets = {name: _checked(f"target {name!r}", array) for name, array in self.targets.items()}
            object.__setattr__(self, "targets", targets)
            lengths |= {f"target {name!r}": len(array) for name, array in targets.items()}
        elif self.targets is not None:
            object.__setattr__(self, "targets", _checked("the targets", self.targets))
            lengths["the targets"] = len(self.targets)
        if self.weights is not None:
            object.__setattr__(self, "weights", check_weights(self.weights))
            lengths["the weights"] = len(self.weights)
        (first, length), *others = lengths.items()
        if length == 0:
            raise DataError("there are no examples", where=first)
        for other, found in others:
            if found != length:
                raise DataError(
                    "arrays differ in length", where=other, got=f"{found}", expected=f"{length} as in {first}"
                )

    def __len__(self) -> int:
        return next(iter(self.inputs.values())).shape[0]

    def take(self, rows: Any) -> Dataset:
        """Return the dataset of these examples: numbers from 0 in any order, or a mask."""
        chosen = np.asarray(rows)
        if chosen.dtype != bool:
            chosen = chosen.astype(np.int64, casting="same_kind" if chosen.size else "unsafe")
        targets = self.targets
        if isinstance(targets, Mapping):
            targets = {name: array[chosen] for name, array in targets.items()}
        elif targets is not None:
            targets = targets[chosen]
        inputs = {name: array[chosen] for name, array in self.inputs.items()}
        return Dataset(inputs, targets, None if self.weights is None else self.weights[chosen])


def is_sparse(array: Any) -> bool:
    """Say whether this is one of SciPy's sparse matrices (SciPy itself is not imported)."""
    return hasattr(array, "tocsr")


def with_data(matrix: Any, data: np.ndarray) -> Any:
    """Return a CSR matrix with other stored values in the same places; none of its arrays can be written to."""
    arrays = [array.view() for array in (data, matrix.indices, matrix.indptr)]
    for array in arrays:
        array.flags.writeable = False
    return type(matrix)(tuple(arrays), shape=matrix.shape, copy=False)


def _checked_sparse(what: str, values: Any) -> Any:
    if len(values.shape) != 2:
        raise DataError("a sparse array has two axes", where=what, got=f"shape {list(values.shape)}")
    matrix = values.tocsr()
    try:
        matrix.check_format(full_check=True)
    except ValueError as error:
        raise DataError("a sparse array with indices that do not fit", where=what, got=str(error)) from None
    if not matrix.has_canonical_format:
        matrix = matrix.copy()
        matrix.sum_duplicates()
    if matrix.dtype.kind not in "fiub":
        raise DataError("an array does not hold numbers", where=what, got=f"dtype {matrix.dtype}")
    if not np.isfinite(matrix.data).all():
        place = int(np.flatnonzero(~np.isfinite(matrix.data))[0])
        row = int(np.searchsorted(matrix.indptr, place, side="right")) - 1
        raise _not_finite(f"{what}, row {row}, column {matrix.indices[place]}", matrix.data[place])
    return with_data(matrix, matrix.data)


def _not_finite(where: str, value: Any) -> DataError:
    fix = "Rows and columns count from 0. Fill in missing values, or leave the row out."
    return DataError("an array holds a value that is not finite", where=where, got=str(value), fix=fix)


def _checked(what: str, values: Any) -> np.ndarray:
    if is_sparse(values):
        raise DataError("only inputs may be sparse", where=what, fix="Pass .toarray() of it.")
    array = np.asarray(values).view()
    if array.ndim == 0:
        raise DataError("a single value is no array of examples", where=what, got=str(array))
    if array.dtype.kind not in "fiub":
        raise DataError("an array does not hold numbers", where=what, got=f"dtype {array.dtype}")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        row, *rest = (int(index) for index in np.argwhere(~np.isfinite(array))[0])
        column = f", column {rest[0]}" if len(rest) == 1 else f", position {rest}" if rest else ""
        raise _not_finite(f"{what}, row {row}{column}", array[(row, *rest)])
    array.flags.writeable = False
    return array


def check_weights(weights: Any) -> np.ndarray:
    """Return weights as float64 [examples] if each is finite and not negative, and not all are 0.

    Raises
    ------
    DataError
        Where one is not.
    """
    array = _checked("the weights", weights).astype(np.float64)
    if array.ndim != 1:
        raise DataError("weights are one number an example", got=f"shape {list(array.shape)}", expected="[examples]")
    if (array < 0).any():
        row = int(np.flatnonzero(array < 0)[0])
        raise DataError("a weight is negative", where=f"the weights, row {row}", got=f"{array[row]}")
    if array.size and not array.any():
        raise DataError("all weights are 0", where="the weights", expected="at least one above 0")
    array.flags.writeable = False
    return array


def class_weights(labels: Any, weights: str | Mapping[Any, float]) -> np.ndarray:
    """Return the weight of each example by its class.

    Parameters
    ----------
    labels : array_like, [examples]
        The class of each example.
    weights : "balanced" or mapping
        "balanced" gives a class with m of n examples among k classes the weight n / (k m), so that all classes weigh
        the same together and the mean weight is 1 (King and Zeng, 2001). A mapping gives the weight of a class; classes
        that it does not name weigh 1.

    Returns
    -------
    ndarray of float64, [examples]

    Examples
    --------
    >>> class_weights(["a", "a", "a", "b"], "balanced").tolist()
    [0.6666666666666666, 0.6666666666666666, 0.6666666666666666, 2.0]
    """
    classes, codes = distinct(np.asarray(labels))
    if isinstance(weights, str):
        if weights != "balanced":
            raise UsageError("class weights are 'balanced' or a number by class", got=repr(weights))
        return (len(codes) / (len(classes) * np.bincount(codes)))[codes]
    known = classes.tolist()
    for name, weight in weights.items():
        if name not in known:
            raise UsageError(f"there is no class {name!r} to weigh", fix=nearest(str(name), map(str, known)))
        if not math.isfinite(weight) or weight < 0:
            raise UsageError(
                "a class weight is a finite number, not negative", where=f"class {name!r}", got=f"{weight}"
            )
    return np.array([float(weights.get(label, 1.0)) for label in known])[codes]
