"""Layers made of layers: one after the other, side by side, and with shortcuts around them.

Other shapes are plain functions: a body ``f(context, x, ...)`` may call layers in any order, use a value twice, and
call a layer twice to share its parameters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pellucid.errors import ShapeError, UsageError
from pellucid.graph.context import Context
from pellucid.graph.value import Value
from pellucid.nn.checks import place, require_features, require_one
from pellucid.nn.initializers import GlorotUniform
from pellucid.nn.network import Body, Layer, as_body
from pellucid.ops.contraction import contraction
from pellucid.ops.joins import concatenate


@dataclass(frozen=True, eq=False)
class Sequential(Layer):
    """Layers one after the other, in a scope of their own.

    Examples
    --------
    >>> import pellucid as pl
    >>> encoder = pl.Sequential([pl.Dense(8, "relu"), pl.Dense(2)], name="encoder")
    >>> [path for path in pl.Network([encoder, pl.Dense(1)], inputs=4).parameters if path.endswith("weight")]
    ['encoder/dense_1/weight', 'encoder/dense_2/weight', 'dense_1/weight']
    """

    layers: Sequence[Layer]
    name: str | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", _as_branches(self.layers, "Sequential"))

    def build(self, context: Context, *inputs: Value) -> Value:
        return as_body(self.layers)(context, *inputs)  # type: ignore[arg-type]


@dataclass(frozen=True, eq=False)
class Shortcut(Layer):
    """A way around a body: ``body(x) + x``.

    Parameters
    ----------
    body : layer, sequence of layers, or function
        From [batch, features] (any shape where nothing is projected) to the same number of features.
    projection : bool
        Where the body gives another number of features: send x through a matrix `projection` [features, units] of its
        own. Otherwise that is an error.
    name : str, optional
        By default ``shortcut_1``, ``shortcut_2``...

    Source: He, Zhang, Ren and Sun, Deep Residual Learning for Image Recognition (2016).

    Examples
    --------
    >>> import pellucid as pl
    >>> block = pl.Shortcut([pl.Dense(8, "relu"), pl.Dense(4)])
    >>> pl.Network([block, block, pl.Dense(1)], inputs=4).count_parameters()  # one block, used twice
    81
    """

    body: Body
    projection: bool = field(default=False, kw_only=True)
    name: str | None = field(default=None, kw_only=True)

    def build(self, context: Context, *inputs: Value) -> Value:
        x = require_one(context, *inputs)
        around = y = as_body(self.body)(context, x)
        if y.shape == x.shape:
            around = x
        elif self.projection:
            features, units = int(require_features(context, x).shape[1]), int(require_features(context, y).shape[1])
            matrix = context.parameter("projection", (features, units), GlorotUniform(), fan_in=features, fan_out=units)
            around = contraction(x, matrix, labels="bi,io->bo")
        else:
            raise ShapeError(
                "the way around does not fit",
                where=place(context),
                got=f"{x.type} in and {y.type} out of the body",
                expected="equal shapes",
                fix="Give the last layer of the body as many units as x has features, or say projection=True.",
            )
        return y + around


@dataclass(frozen=True, eq=False)
class ConcatenateShortcut(Layer):
    """What comes in beside what the body makes of it: [batch, features] -> [batch, features + units].

    A sequence of them is a dense block: every layer sees the features of all earlier ones.

    Source: Huang, Liu, van der Maaten and Weinberger, Densely Connected Convolutional Networks (2017).

    Examples
    --------
    >>> import pellucid as pl
    >>> block = [pl.ConcatenateShortcut(pl.Dense(3, "relu")), pl.ConcatenateShortcut(pl.Dense(3, "relu"))]
    >>> pl.Network(block, inputs=4).outputs
    {'output': float32[10]}
    """

    body: Body
    name: str | None = field(default=None, kw_only=True)

    def build(self, context: Context, *inputs: Value) -> Value:
        x = require_features(context, *inputs)
        y = require_features(context, as_body(self.body)(context, x))
        return concatenate([x, y], axis=1)


@dataclass(frozen=True, eq=False)
class InputToAll(Layer):
    """Layers one after the other, where each after the first sees the input too, behind what comes from before it.

    [batch, features] -> what the last layer returns; every layer takes [batch, features].

    Examples
    --------
    >>> import pellucid as pl
    >>> network = pl.Network(pl.InputToAll([pl.Dense(8, "tanh"), pl.Dense(8, "tanh"), pl.Dense(1)]), inputs=4)
    >>> [str(p.type) for p in network.parameters.values() if p.kind == "weight"]
    ['float32[4, 8]', 'float32[12, 8]', 'float32[12, 1]']
    """

    layers: Sequence[Body]
    name: str | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", _as_branches(self.layers, "InputToAll"))

    def build(self, context: Context, *inputs: Value) -> Value:
        x = require_features(context, *inputs)
        value = as_body(self.layers[0])(context, x)
        for layer in self.layers[1:]:
            both = concatenate([require_features(context, value), x], axis=1)
            value = as_body(layer)(context, both)
        return value


@dataclass(frozen=True, eq=False)
class Concatenate(Layer):
    """Branches side by side, each on the same inputs, their features one behind the other: [batch, sum of features].

    Examples
    --------
    >>> import pellucid as pl
    >>> wide_and_deep = pl.Concatenate([pl.Dense(2), [pl.Dense(16, "relu"), pl.Dense(3)]])
    >>> pl.Network(wide_and_deep, inputs=4).outputs
    {'output': float32[5]}
    """

    branches: Sequence[Body]
    name: str | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "branches", _as_branches(self.branches, "Concatenate"))

    def build(self, context: Context, *inputs: Value) -> Value:
        values = [require_features(context, as_body(branch)(context, *inputs)) for branch in self.branches]
        return values[0] if len(values) == 1 else concatenate(values, axis=1)


@dataclass(frozen=True, eq=False)
class Sum(Layer):
    """Branches side by side, each on the same inputs, their outputs added: all of one shape.

    Examples
    --------
    >>> import pellucid as pl
    >>> pl.Network(pl.Sum([pl.Dense(3), [pl.Dense(16, "relu"), pl.Dense(3)]]), inputs=4).outputs
    {'output': float32[3]}
    """

    branches: Sequence[Body]
    name: str | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "branches", _as_branches(self.branches, "Sum"))

    def build(self, context: Context, *inputs: Value) -> Value:
        values = [as_body(branch)(context, *inputs) for branch in self.branches]
        total = values[0]
        for value in values[1:]:
            if value.type != total.type:
                got = " and ".join(str(value.type) for value in values)
                raise ShapeError("branches of different shapes", where=place(context), got=got, expected="equal shapes")
            total = total + value
        return total


def _as_branches(branches: Any, layer: str) -> tuple[Body, ...]:
    if isinstance(branches, (str, Layer)) or not isinstance(branches, Sequence) or not branches:
        expected = "a list of one or more layers"
        raise UsageError("not layers", where=layer, got=repr(branches)[:80], expected=expected)
    return tuple(branches)
