"""The features of an estimator: matrices and data frames, and the encoders that are fitted to them."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.utils.validation import check_array, validate_data

from pellucid.data.dataset import is_sparse
from pellucid.data.encoders.encoding import Encoding, parts_of
from pellucid.data.encoders.fit import fit_encoders, fit_encoders_of_matrix
from pellucid.data.encoders.settings import EncoderSettings
from pellucid.data.roles import Role, infer_roles
from pellucid.data.tables.columns import dtype_of_numbers
from pellucid.data.tables.table import Table, as_table
from pellucid.data.task import Task
from pellucid.errors import UsageError
from pellucid.model.model import Model

FLOATS = (np.float64, np.float32)
CHUNK = 1024
"""How many rows of a sparse matrix are made dense at once."""


def is_frame(x: Any) -> bool:
    """Say whether this is a data frame: of pandas, Polars, PyArrow, or another that narwhals knows."""
    import narwhals as nw

    return nw.dependencies.is_into_dataframe(x)


def is_lazy(x: Any) -> bool:
    """Say whether this is a frame that is still to be computed, as Polars has them."""
    import narwhals as nw

    return nw.dependencies.is_into_lazyframe(x)


def read_features(estimator: Any, x: Any, *, reset: bool, missing: bool, frames: bool = True) -> Any:
    """Return features as an array [rows, columns] of float32 or float64, a CSR matrix, or a Table.

    Parameters
    ----------
    estimator : estimator
        Which gets, or has, ``n_features_in_`` and ``feature_names_in_``.
    x : array_like, sparse matrix or data frame
    reset : bool
        Whether the estimator is to take them from `x`, rather than to compare.
    missing : bool
        Whether cells may be missing (NaN).
    frames : bool
        Whether a data frame becomes a Table, with words and dates; otherwise it becomes an array of its numbers.

    Raises
    ------
    ValueError
        Where they are no such thing, do not fit, or a number is infinite.
    """
    if is_lazy(x):
        raise UsageError("a lazy frame has no rows yet", where="X", got=type(x).__name__, fix="Pass X.collect().")
    if not frames or not is_frame(x):
        finite: Any = "allow-nan" if missing else True
        try:
            return validate_data(
                estimator, x, accept_sparse="csr", dtype=FLOATS, reset=reset, ensure_all_finite=finite, order="C"
            )
        except (TypeError, ValueError):
            if is_frame(x):
                _name_column_without_numbers(x)
            raise
    validate_data(estimator, x, reset=reset, skip_check_array=True)
    if x.shape[0] < 1 or x.shape[1] < 1:
        check_array(np.empty(x.shape))  # tells what is missing in scikit-learn's words
    return as_table(x)


def _name_column_without_numbers(frame: Any) -> None:
    """Tell which column of a frame could not become numbers, if that is what was wrong."""
    wrong = next((column for column in as_table(frame).columns if column.kind in ("text", "date")), None)
    if wrong is not None:
        got = "words" if wrong.kind == "text" else "dates"
        fix = "Encode it first, or leave it out."
        where = f"column {wrong.name!r}"
        raise UsageError("this estimator takes numbers only", where=where, got=got, fix=fix) from None


def dtype_of(x: Any) -> str:
    """Return the dtype in which to compute: float32 for features of float32, float64 for all others."""
    if isinstance(x, Table):
        return dtype_of_numbers(x.columns) or "float64"
    return "float32" if x.dtype == np.float32 else "float64"


def encoder_settings(scaling: str | None, limit: float) -> EncoderSettings:
    """Return the encoders' settings: ``scaling=None`` leaves numbers as they are."""
    return EncoderSettings(scaling="none" if scaling is None else scaling, limit=float(limit))


def fit_features(
    x: Any,
    weights: np.ndarray | None,
    settings: EncoderSettings,
    targets: Sequence[str],
    roles: Sequence[Role] | None = None,
) -> Encoding:
    """Fit encoders to the rows to learn from.

    Parameters
    ----------
    x : ndarray, CSR matrix or Table
    weights : ndarray or None, [rows]
    settings : EncoderSettings
    targets : sequence of str
        The targets' names, which no column may have.
    roles : sequence of Role, optional
        What each column of a Table is for; by default what :func:`frame_roles` says.
    """
    if not isinstance(x, Table):
        return fit_encoders_of_matrix(x, settings, dtype_of(x), weights)
    task = Task("regression", tuple(targets), (), "")
    roles = frame_roles(x) if roles is None else roles
    return fit_encoders(x, roles, task, None, dtype_of(x), settings=settings, weights=weights)


def frame_roles(table: Table) -> tuple[Role, ...]:
    """Decide what each column of a frame is for: as the command line does, but no number is left out as a key.

    Who passes a frame to an estimator has chosen its columns.
    """
    chosen = infer_frame_roles(table)
    if not any(role.used for role in chosen):
        told = "; ".join(str(role) for role in chosen[:5])
        raise UsageError("no column of the frame can be learned from", where="X", got=told)
    for role in chosen:
        if role.kind == "key":
            fix = "convert it with pandas.to_datetime first"
            why = role.reason.replace(", which can be given the role date", f": {fix}")
            warnings.warn(f"column {role.name!r} is left out: {why}", stacklevel=2)
    return chosen


def infer_frame_roles(table: Table) -> tuple[Role, ...]:
    """Return a role for each column of a frame, as :func:`frame_roles` does, without a word on those left out."""
    target = "target"
    while target in table:
        target += "_"
    dummy = Table.from_columns({target: np.arange(len(table)) % 2})
    roles = infer_roles(replace(table, columns=(*table.columns, *dummy.columns)), target)
    return tuple(
        Role(role.name, "number", "a number") if not role.used and table[role.name].kind == "number" else role
        for role in roles
    )


def encode_features(encoding: Encoding, x: Any) -> dict[str, Any]:
    """Return what a network takes, of a matrix or a table."""
    if isinstance(x, Table):
        return encoding.encode(positional(encoding, x))
    if encoding.front.only_numbers:
        return encoding.encode_matrix(x)
    return encoding.encode(positional(encoding, as_table(x)))


def positional(encoding: Encoding, table: Table) -> Table:
    """Return a table under the names that the encoders read: its own, or those of its places where it has others."""
    names = [column.name for column in encoding.front.columns]
    if all(name in table for name in names) or len(table.columns) != len(names):
        return table
    return as_table(table, names)


def compute(model: Model, encoding: Encoding, x: Any) -> dict[str, np.ndarray]:
    """Return every output of a model's graph for a matrix or a table that `encoding` can read."""
    if not is_sparse(x) or model.front.only_numbers:
        return model.compute(positional(encoding, x) if hasattr(x, "names") else x)
    made = [model.compute(x[part].toarray()) for part in parts_of(x.shape[0], CHUNK)]
    return {name: np.concatenate([found[name] for found in made]) for name in made[0]}
