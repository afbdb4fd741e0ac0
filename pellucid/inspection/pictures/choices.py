"""Which of several things that are predicted is looked at, and other small steps of reading what users pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pellucid.data.dataset import Dataset
from pellucid.errors import UsageError, nearest
from pellucid.inspection.pictures.subject import Target

FIRST = -1
"""Which thing that is predicted is looked at where any will do."""


def choose(names: Sequence[str], of: str | int | None) -> int:
    """Return which of several things that are predicted is meant."""
    if of is FIRST:
        return 0
    if of is None:
        if len(names) > 1:
            fix = f"Say which one, as in of={names[0]!r}."
            raise UsageError("several things are predicted", got=", ".join(names[:8]), expected="one", fix=fix)
        return 0
    if isinstance(of, str) and of in names:
        return list(names).index(of)
    if not isinstance(of, (bool, str)) and isinstance(of, (int, np.integer)) and 0 <= of < len(names):
        return int(of)
    raise UsageError(f"nothing that is predicted is called {of!r}", where="of", fix=nearest(str(of), names))


def parts_of(data: Any) -> tuple[Any, Any]:
    if isinstance(data, Dataset):
        if len(data.inputs) != 1 or isinstance(data.targets, Mapping):
            raise UsageError("an estimator takes one input and one target", where="data", fix="Pass (X, y).")
        return next(iter(data.inputs.values())), data.targets
    if isinstance(data, tuple) and len(data) == 2:
        return data
    return data, None


def as_columns(values: Any) -> np.ndarray:
    found = np.asarray(values, np.float64)
    return found.reshape(len(found), -1)


def second_of_two(values: np.ndarray, target: Target) -> np.ndarray:
    """Return of two classes with a column each what is said of the second."""
    if len(target.classes) != 2 or values.shape[1] != 2:
        return values
    return values[:, 1:] if target.kind == "probability" else values[:, 1:] - values[:, :1]
