"""Sums of arrays, with float32 added up in float64: a million small numbers lose two digits in their own dtype."""

from __future__ import annotations

from typing import Any

import numpy as np


def add_up(xp: Any, x: Any, axes: tuple[int, ...], keepdims: bool = False) -> Any:
    """Return the sum of an array along axes."""
    if x.dtype == np.float32:
        return xp.sum(x, axis=axes, keepdims=keepdims, dtype=np.float64).astype(np.float32)
    return xp.sum(x, axis=axes, keepdims=keepdims)
