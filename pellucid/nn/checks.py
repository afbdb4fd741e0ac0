"""What layers check of their inputs and settings."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from pellucid.errors import ShapeError, UsageError
from pellucid.graph.context import Context
from pellucid.graph.value import Value


def place(context: Context) -> str:
    """Return the path of the layer that is being built, for messages."""
    return context.path("").rstrip("/") or "network"


def require_one(context: Context, *inputs: Value) -> Value:
    """Return the one input of a layer."""
    if len(inputs) != 1 or not isinstance(inputs[0], Value):
        told = ", ".join(str(x.type) if isinstance(x, Value) else repr(x)[:40] for x in inputs)
        raise UsageError("the layer takes one value", where=place(context), got=told or "nothing")
    return inputs[0]


def require_features(context: Context, *inputs: Value) -> Value:
    """Return the one input of a layer, checked to be [batch, features] in the network's dtype."""
    x = require_one(context, *inputs)
    if x.ndim != 2 or x.dtype != context.dtype:
        raise ShapeError(
            "the layer takes rows of features",
            where=place(context),
            got=str(x.type),
            expected=f"{context.dtype}[batch, features]",
            fix="Put Flatten before it." if x.ndim > 2 else f"Cast it: pl.cast(x, pl.{context.dtype}).",
        )
    return x


def require_size(name: str, size: Any, layer: str) -> None:
    """Raise a UsageError where a number of units, categories... is none."""
    if isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size < 1:
        raise UsageError(f"{name} is not a count", where=layer, got=repr(size), expected="a whole number from 1 up")


def require_deviation(where: str, std: Any) -> None:
    """Raise a UsageError where this is no standard deviation."""
    if not is_number(std) or not math.isfinite(std) or std < 0:
        raise UsageError("out of range", where=where, got=repr(std), expected="a finite number, 0 or more")


def is_number(value: Any) -> bool:
    """Return whether this is a number and no truth value."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)
