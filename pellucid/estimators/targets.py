"""The targets of an estimator: scikit-learn's ``y``, read and encoded as the losses and the model take it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import _check_sample_weight, _check_y, column_or_1d

from pellucid.data.dataset import class_weights
from pellucid.data.statistics import mean_and_scale
from pellucid.data.targets import MEAN, SCALE, TargetEncoding
from pellucid.errors import DataError, UsageError, nearest


@dataclass(frozen=True)
class Target:
    """Targets as they were given.

    Attributes
    ----------
    values : ndarray, [rows] or [rows, outputs]
    names : tuple of str
    """

    values: np.ndarray
    names: tuple[str, ...]

    @property
    def several(self) -> bool:
        """Whether there is a column for each of several outputs."""
        return self.values.ndim == 2


def read_target(estimator: Any, y: Any, rows: int, taken: Sequence[str], numeric: bool) -> Target:
    """Return targets as an array without missing or infinite values, and their names.

    Parameters
    ----------
    estimator : estimator
        Whose name errors tell.
    y : array_like, [rows] or [rows, outputs]
    rows : int
        How many there must be.
    taken : sequence of str
        Names that the targets can not have: those of the features.
    numeric : bool
        Whether they are numbers.

    Raises
    ------
    ValueError
        Where they are no such thing.
    """
    if y is None:
        name = type(estimator).__name__
        raise UsageError(f"{name} requires y to be passed, but the target y is None", fix="Pass y.")
    of_arrow = hasattr(y, "to_numpy") and not hasattr(y, "dtype") and not hasattr(y, "dtypes")
    values = y.to_numpy() if of_arrow else y
    values = _check_y(values, multi_output=True, y_numeric=numeric, estimator=estimator)
    if hasattr(values, "toarray"):
        values = values.toarray()
    if values.ndim == 2 and values.shape[1] == 1:
        values = column_or_1d(values, warn=True)
    if len(values) != rows:
        raise DataError("X and y differ in their number of rows", got=f"{rows} and {len(values)}")
    return Target(values if numeric else _labels(values), _names(y, values, taken))


def _labels(values: np.ndarray) -> np.ndarray:
    """Return labels of dtype object, as truth values where they are such.

    Raises
    ------
    DataError
        Where one is None, or words and numbers are mixed.
    """
    if values.dtype != object or values.ndim != 1:
        return values
    labels = values.tolist()
    if all(isinstance(label, (bool, np.bool_)) for label in labels):
        return np.array(labels, bool)
    words = [isinstance(label, str) for label in labels]
    for row, label in enumerate(labels):
        if label is None:
            raise DataError("a label is missing", where=f"y, row {row}", fix="Leave the row out.")
        if words[row] != words[0]:
            got = f"{labels[0]!r} and {label!r}"
            raise DataError(
                "labels are words and others", where=f"y, row {row}", got=got, fix="Make all of them words."
            )
    return values


def _names(y: Any, values: np.ndarray, taken: Sequence[str]) -> tuple[str, ...]:
    given = [getattr(y, "name", None)] if values.ndim == 1 else list(getattr(y, "columns", ()))
    count = 1 if values.ndim == 1 else values.shape[1]
    names = [str(name) for name in given]
    if len(given) != count or len(set(names)) != count or not all(isinstance(name, str) for name in given):
        names = ["y"] if values.ndim == 1 else [f"y{place}" for place in range(count)]
    known = set(taken)
    return tuple(_other(name, known) for name in names)


def _other(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    return name


def read_weights(weights: Any, x: Any, rows: int) -> np.ndarray | None:
    """Return sample weights as float64 [rows]; None where there are none.

    Raises
    ------
    ValueError
        Where there is not one for each row, one is negative, or all are 0.
    """
    if weights is None:
        return None
    like = x if hasattr(x, "dtype") else np.empty((rows, 1))
    found = _check_sample_weight(weights, like, dtype=np.float64, ensure_non_negative=True, copy=True)
    if not found.any():
        raise DataError("all sample weights are zero", where="sample_weight", expected="at least one above 0")
    return found


def find_classes(target: Target, given: Any = None) -> tuple[str, np.ndarray]:
    """Return the task that classes or labels set, and the classes.

    Parameters
    ----------
    target : Target
    given : array_like, optional
        All classes, where `target` may lack some.

    Raises
    ------
    ValueError
        Where the target is neither classes nor labels, or has a single class.
    """
    check_classification_targets(target.values)
    kind = type_of_target(target.values)
    if kind == "multilabel-indicator":
        return "multilabel", np.arange(target.values.shape[1])
    if target.several:
        raise UsageError(
            "several columns of classes can not be learned at once",
            where="y",
            got=kind,
            expected="classes [rows], or labels of 0 and 1, [rows, labels]",
            fix="Train one estimator for each, as sklearn.multioutput.MultiOutputClassifier does.",
        )
    classes = np.unique(target.values if given is None else np.asarray(given))
    if len(classes) < 2:
        got = repr(classes.tolist()[0]) if len(classes) else "none"
        raise DataError("y has only one class", where="y", got=got, expected="two classes or more")
    return ("binary" if len(classes) == 2 else "multiclass"), classes


def check_same_classes(found: Any, known: np.ndarray) -> None:
    """Raise a DataError unless these are the classes known from before.

    Parameters
    ----------
    found : array_like
    known : ndarray
    """
    classes = np.unique(np.asarray(found))
    if not np.array_equal(classes, known):
        raise DataError(
            "not the same classes as before",
            where="y",
            got=", ".join(map(repr, classes.tolist()[:8])),
            expected=", ".join(map(repr, known.tolist()[:8])),
            fix="Train a new estimator, or fit with warm_start=False.",
        )


def class_codes(target: Target, classes: np.ndarray) -> np.ndarray:
    """Return the number of each row's class, int64 [rows].

    Raises
    ------
    DataError
        Where a class is not among those known.
    """
    found = target.values
    if found.dtype.kind in "OUS" or classes.dtype.kind in "OUS":
        known = {label: place for place, label in enumerate(classes.tolist())}
        codes = np.array([known.get(label, -1) for label in found.tolist()], np.int64)
    else:
        codes = np.searchsorted(classes, found)
        codes = np.where(classes[np.minimum(codes, len(classes) - 1)] == found, codes, -1)
    if (codes < 0).any():
        other = found[codes < 0][0]
        raise DataError(
            "y has a class that was not known before",
            where=f"y, row {int(np.flatnonzero(codes < 0)[0])}",
            got=repr(other.item() if hasattr(other, "item") else other),
            expected=f"one of the classes {', '.join(map(repr, classes.tolist()[:8]))}",
        )
    return codes


def weigh_classes(given: Any, codes: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Return the weight of each row by its class: "balanced", or a mapping in which a class that is not named weighs 1.

    Raises
    ------
    UsageError
        Where there is no such class, or the weights are neither.
    """
    if not isinstance(given, Mapping):
        return class_weights(codes, given)
    known = classes.tolist()
    other = next((name for name in given if name not in known), None)
    if other is not None:
        fix = nearest(str(other), map(str, known))
        raise UsageError(f"there is no class {other!r}", where="class_weight", fix=fix)
    each = np.array([given.get(label, 1.0) for label in known], np.float64)
    if not (np.isfinite(each) & (each >= 0)).all():
        raise UsageError("out of range", where="class_weight", got=repr(given)[:80], expected="numbers, 0 or more")
    return each[codes]


def encode_labels(task: str, target: Target, classes: np.ndarray) -> np.ndarray:
    """Return classes or labels as a loss takes them: see :meth:`TargetEncoding.encode`."""
    if task == "multilabel":
        if target.values.shape[1:] != classes.shape:
            raise DataError(
                "y has another number of labels", got=str(list(target.values.shape)), expected=str(len(classes))
            )
        return target.values.astype(np.float64)
    codes = class_codes(target, classes)
    return codes if task == "multiclass" else codes[:, None].astype(np.float64)


def label_encoding(task: str, target: Target, classes: np.ndarray) -> TargetEncoding:
    """Return how the model writes predicted classes or labels."""
    values: tuple = tuple(classes.tolist())
    if task == "multilabel":
        values = (False, True) if target.values.dtype.kind == "b" else (0, 1)
    return TargetEncoding(task, target.names, values, {}, labels=target.names)


def number_encoding(target: Target, weights: np.ndarray | None, standardize: bool) -> TargetEncoding:
    """Fit the encoding of numbers on the rows to learn from; a constant one keeps its unit."""
    if not standardize:
        return TargetEncoding("regression", target.names, (), {}, labels=target.names)
    columns = as_columns(target).T
    found = np.array([mean_and_scale(column, weights) for column in columns], np.float64)
    means, scales = found[:, 0].copy(), found[:, 1].copy()
    scales[scales == 0] = 1.0
    return TargetEncoding("regression", target.names, (), {MEAN: means, SCALE: scales}, labels=target.names)


def encode_numbers(encoding: TargetEncoding, target: Target) -> np.ndarray:
    """Return numbers as a loss takes them, [rows, outputs]."""
    values = as_columns(target)
    if values.shape[1] != len(encoding.names):
        raise DataError("y has another number of outputs", got=str(values.shape[1]), expected=str(len(encoding.names)))
    return (values - encoding.arrays[MEAN]) / encoding.arrays[SCALE] if encoding.arrays else values


def as_columns(target: Target) -> np.ndarray:
    """Return numbers as float64 [rows, outputs]."""
    return target.values.reshape(len(target.values), -1).astype(np.float64)
