"""Rows of arrays that several trainings share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from pellucid.training.step import WEIGHT


class TakenRows(Mapping[str, Any]):
    """Some rows of arrays, taken each time they are asked for, so that the parts of many members take no memory.

    Attributes
    ----------
    arrays : mapping of ndarray or CSR matrix
    rows : ndarray of int64
    weights : ndarray
        Of these rows, in the place of those in `arrays`.
    """

    def __init__(self, arrays: Mapping[str, Any], rows: np.ndarray, weights: np.ndarray):
        self.arrays, self.rows, self.weights = arrays, rows, weights

    def __getitem__(self, name: str) -> Any:
        return self.weights if name == WEIGHT else self.arrays[name][self.rows]

    def __iter__(self) -> Iterator[str]:
        return iter(self.arrays)

    def __len__(self) -> int:
        return len(self.arrays)
