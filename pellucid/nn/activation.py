"""Activations in layers: given by name, as an operation, as any function of a value, or as a layer."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from pellucid.errors import UsageError, nearest
from pellucid.graph.context import Context
from pellucid.graph.operation import Operation
from pellucid.graph.value import Value
from pellucid.nn.network import Layer
from pellucid.ops.activations import ACTIVATIONS

ActivationLike = str | Operation | Layer | Callable[[Value], Value]
"""What layers take as an activation."""


def check_activation(activation: ActivationLike, where: str = "activation") -> None:
    """Raise a UsageError where this is no activation."""
    if isinstance(activation, str):
        if activation not in ACTIVATIONS:
            raise UsageError(
                f"no activation is called {activation!r}", where=where, fix=nearest(activation, ACTIVATIONS)
            )
    elif not callable(activation):
        expected = "a name, an operation, a layer, or a function of a value"
        raise UsageError("not an activation", where=where, got=repr(activation)[:80], expected=expected)


def activation_name(activation: ActivationLike) -> str:
    """Return a name to show for an activation, and to look its initializer up by.

    Examples
    --------
    >>> import functools, pellucid as pl
    >>> activation_name("tanh"), activation_name(functools.partial(pl.leaky_relu, alpha=0.1))
    ('tanh', 'leaky_relu')
    """
    if isinstance(activation, str):
        return activation
    if isinstance(activation, functools.partial):
        return activation_name(activation.func)
    return str(getattr(activation, "name", None) or getattr(activation, "__name__", type(activation).__name__))


def activate(context: Context, activation: ActivationLike, value: Value, **params: Any) -> Value:
    """Add an activation to the graph; ``identity`` adds no node."""
    if activation == "identity":
        return value
    if isinstance(activation, Layer):
        return activation(context, value)
    function = ACTIVATIONS[activation] if isinstance(activation, str) else activation
    result = function(value, **params)
    if not isinstance(result, Value):
        raise UsageError(
            "an activation returns a graph value",
            where=activation_name(activation),
            got=repr(result)[:80],
            fix="Compute with Pellucid's functions (pl.exp, not np.exp).",
        )
    return result
