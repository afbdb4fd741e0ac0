"""The dtype that plain numbers take from the arrays and graph values beside them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pellucid.graph.builder import as_numbers
from pellucid.graph.value import Value


def as_arrays(name: str, operands: Sequence[Any]) -> tuple[np.ndarray, ...]:
    """Return operands as arrays; plain numbers take the dtype of the arrays beside them, as they do in a graph."""
    arrays = [as_numbers(operand, name) for operand in operands]
    plain = [isinstance(x, (int, float)) and not isinstance(x, (bool, np.generic)) for x in operands]
    strong = [array.dtype for array, is_plain in zip(arrays, plain, strict=True) if not is_plain]
    like = next((dtype for kinds in ("f", "iu") for dtype in strong if dtype.kind in kinds), None)
    if like is None:
        return tuple(arrays)

    def follows(at: int) -> bool:
        return plain[at] and (like.kind == "f" or (isinstance(operands[at], int) and _holds(like, operands[at])))

    return tuple(array.astype(like) if follows(at) else array for at, array in enumerate(arrays))


def _holds(dtype: np.dtype, number: int) -> bool:
    return bool(np.iinfo(dtype).min <= number <= np.iinfo(dtype).max)


def meeting_value(operands: Sequence[Any], default: Value) -> Value:
    """Return the operand whose dtype plain numbers take: a float, else an integer, else the default."""
    values = [operand for operand in operands if isinstance(operand, Value)]
    found = [value for kind in ("float", "int") for value in values if value.dtype.kind == kind]
    return found[0] if found else default
