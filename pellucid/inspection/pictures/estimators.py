"""Any fitted estimator with (X, y), as what pictures are drawn of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pellucid.data.dataset import is_sparse
from pellucid.errors import DataError, UsageError, nearest
from pellucid.inspection.pictures.choices import as_columns, choose, parts_of
from pellucid.inspection.pictures.subject import Feature, Subject, Target


def of_estimator(estimator: Any, data: Any, of: str | int | None) -> Subject:
    """Return an estimator that was fitted, with a matrix or data frame of numbers."""
    _require_fitted(estimator)
    x, y = parts_of(data)
    names, matrix = _read_numbers(x)
    framed = hasattr(estimator, "feature_names_in_") and hasattr(x, "columns")

    def given(inputs: Mapping[str, np.ndarray]) -> Any:
        matrix = inputs["X"]
        return type(x)({name: matrix[:, place] for place, name in enumerate(x.columns)}) if framed else matrix

    classes = getattr(estimator, "classes_", None)
    if isinstance(classes, list):
        raise UsageError("an estimator of several targets", got=type(estimator).__name__, expected="one target")
    target, predict = _prediction_of(estimator, classes, y, len(matrix), of)
    return Subject(
        name=f"a fitted {type(estimator).__name__}",
        arrays={"X": matrix},
        features=tuple(Feature(name, "X", place) for place, name in enumerate(names)),
        target=target,
        predict=lambda inputs: predict(given(inputs)),
        columns={name: (("X", slice(place, place + 1)),) for place, name in enumerate(names)},
        weights=np.ones(len(matrix)),
        network=None,
        scaled=False,
    )


def _require_fitted(estimator: Any) -> None:
    from sklearn.base import BaseEstimator
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    if isinstance(estimator, BaseEstimator):
        try:
            check_is_fitted(estimator)
        except NotFittedError:
            what, fix = "the estimator is not fitted", "Call its fit(X, y) first."
            raise UsageError(what, got=type(estimator).__name__, fix=fix) from None


def _prediction_of(estimator: Any, classes: Any, y: Any, rows: int, of: str | int | None) -> tuple[Target, Any]:
    """Return what an estimator predicts, and the function that does."""
    target = None if y is None else np.asarray(y)
    if target is not None and len(target) != rows:
        raise DataError("X and y differ in length", got=f"{len(target)}", expected=f"{rows}")
    if classes is None:
        values = None if target is None else target.reshape(rows, -1).astype(np.float64)
        width = 1 if values is None else values.shape[1]
        place = choose([f"y[{number}]" for number in range(width)] if width > 1 else ["y"], of)
        found = Target("y" if width == 1 else f"y[{place}]", (), None if values is None else values[:, place], "mean")
        return found, lambda x: as_columns(estimator.predict(x))[:, place : place + 1]
    kind = "probability" if hasattr(estimator, "predict_proba") else "score"
    if kind == "score" and not hasattr(estimator, "decision_function"):
        expected = "predict_proba or decision_function"
        raise UsageError("a classifier that says no more than classes", got=type(estimator).__name__, expected=expected)
    ask = estimator.predict_proba if kind == "probability" else estimator.decision_function
    codes = None if target is None else _codes(target.reshape(rows), np.asarray(classes))
    found = Target("y", tuple(map(str, classes)), codes, kind, 0.5 if kind == "probability" else 0.0)
    if len(classes) == 2 and kind == "probability":
        return found, lambda x: as_columns(ask(x))[:, 1:]
    return found, lambda x: as_columns(ask(x))


def _codes(labels: np.ndarray, classes: np.ndarray) -> np.ndarray:
    places = {label: place for place, label in enumerate(classes.tolist())}
    unknown = [label for label in labels.tolist() if label not in places]
    if unknown:
        raise DataError(
            "a class that the estimator does not know",
            got=str(unknown[0]),
            fix=nearest(str(unknown[0]), map(str, places)),
        )
    return np.array([places[label] for label in labels.tolist()], np.int64)


def _read_numbers(x: Any) -> tuple[list[str], np.ndarray]:
    """Return the names and numbers of a matrix or a data frame."""
    array = x.toarray() if is_sparse(x) else np.asarray(x)
    if array.ndim != 2 or array.dtype.kind not in "fiub":
        expected = "numbers [rows, features]"
        raise DataError(
            "not a matrix of numbers", where="X", got=f"{array.dtype}{list(array.shape)}", expected=expected
        )
    matrix = array.astype(np.float64)
    if not np.isfinite(matrix).all():
        row, column = (int(place) for place in np.argwhere(~np.isfinite(matrix))[0])
        fix = "Fill in missing values, or leave the row out."
        raise DataError(
            "an array holds a value that is not finite",
            where=f"X, row {row}, column {column}",
            got=str(matrix[row, column]),
            fix=fix,
        )
    names = [str(name) for name in getattr(x, "columns", [])] or [f"x{place}" for place in range(matrix.shape[1])]
    return names, matrix
