"""Layers: dense, activation, embedding, normalization. A layer adds nodes to a graph and holds no numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pellucid.errors import ShapeError, UsageError
from pellucid.graph.context import Context
from pellucid.graph.value import Value
from pellucid.nn.activation import ActivationLike, activate, activation_name, check_activation
from pellucid.nn.checks import place, require_deviation, require_features, require_one, require_size
from pellucid.nn.initializers import (
    Constant,
    Initializer,
    LeCunNormal,
    Masked,
    Zeros,
    as_initializer,
    default_initializer,
)
from pellucid.nn.network import Layer
from pellucid.nn.noise import add_gaussian_noise
from pellucid.ops.contraction import contraction
from pellucid.ops.functions import sqrt
from pellucid.ops.joins import concatenate
from pellucid.ops.reductions import mean
from pellucid.ops.rows import gather
from pellucid.ops.shapes import reshape

InitializerLike = Initializer | str | float | None


@dataclass(frozen=True, eq=False)
class Dense(Layer):
    """Units that each weigh all features: ``activation(x @ weight + bias)``, [batch, features] -> [batch, units].

    Parameters
    ----------
    units : int
        How many outputs.
    activation : str, operation, layer or function of a value
        Such as ``"tanh"``, ``pl.tanh``, ``functools.partial(pl.leaky_relu, alpha=0.1)``, or a function of your own.
    bias : bool
        Whether each unit adds a number of its own.
    initializer, bias_initializer : Initializer, str or float, optional
        What `weight` [features, units] and `bias` [units] start from. Weights: what suits the activation
        (``pellucid.nn.initializers.DEFAULTS``); biases: zeros.
    name : str, optional
        By default ``dense_1``, ``dense_2``...
    weight_noise : float, optional
        Standard deviation of the normal noise that is added to the weights in training, anew for each step; it can be
        changed between steps as the setting ``<name>/weight_noise``. None builds no noise at all.
    mask : array of 0 and 1 [features, units], optional
        1 where a feature and a unit are connected. The other weights start at 0, do nothing, and do not learn. An
        infinite or NaN feature reaches all units nevertheless (0 times infinity is NaN).

    Raises
    ------
    UsageError
        Where a setting does not fit.
    ShapeError
        While building, where the input is no float [batch, features], or the mask has another shape.

    Examples
    --------
    >>> import pellucid as pl
    >>> network = pl.Network([pl.Dense(3, "relu", name="hidden"), pl.Dense(1, bias=False)], inputs=2)
    >>> [f"{p.path} {p.type}" for p in network.parameters.values()]
    ['hidden/weight float32[2, 3]', 'hidden/bias float32[3]', 'dense_1/weight float32[3, 1]']
    """

    units: int
    activation: ActivationLike = "identity"
    bias: bool = field(default=True, kw_only=True)
    initializer: InitializerLike = field(default=None, kw_only=True)
    bias_initializer: InitializerLike = field(default=None, kw_only=True)
    name: str | None = field(default=None, kw_only=True)
    weight_noise: float | None = field(default=None, kw_only=True)
    mask: Any = field(default=None, kw_only=True, repr=False)

    def __post_init__(self) -> None:
        require_size("units", self.units, "Dense")
        check_activation(self.activation, "Dense, activation")
        for given in (self.initializer, self.bias_initializer):
            if given is not None:
                as_initializer(given)
        if self.weight_noise is not None:
            require_deviation("Dense, weight_noise", self.weight_noise)
        if self.mask is not None:
            object.__setattr__(self, "mask", _as_mask(self.mask, self.units))

    def build(self, context: Context, *inputs: Value) -> Value:
        x = require_features(context, *inputs)
        features = int(x.shape[1])
        weight = context.parameter(
            "weight", (features, self.units), self._weight_initializer(), fan_in=features, fan_out=self.units
        )
        if self.weight_noise is not None and context.training:
            noisy = add_gaussian_noise(context, weight, context.setting("weight_noise", self.weight_noise))
            weight = context.builder.name(noisy, "noisy_weight", inside_scope=True)
        if self.mask is not None:
            masked = weight * _mask_constant(context, self.mask, features)
            weight = context.builder.name(masked, "masked_weight", inside_scope=True)
        z = contraction(x, weight, labels="bi,io->bo")
        if self.bias:
            initializer = Zeros() if self.bias_initializer is None else as_initializer(self.bias_initializer)
            z = z + context.parameter(
                "bias", (self.units,), initializer, kind="bias", fan_in=features, fan_out=self.units
            )
        if self.activation != "identity":
            context.builder.name(z, "pre_activation", inside_scope=True)
        return activate(context, self.activation, z)

    def _weight_initializer(self) -> Initializer:
        if self.initializer is None:
            chosen = default_initializer(activation_name(self.activation))
        else:
            chosen = as_initializer(self.initializer)
        return chosen if self.mask is None else Masked(chosen, self.mask)


@dataclass(frozen=True, eq=False, init=False)
class Activation(Layer):
    """An activation on its own, on any shape, with parameters where it has some.

    A dense layer before it does not know of it: say ``initializer="he_normal"`` there where a rectifier follows.

    Examples
    --------
    >>> import pellucid as pl
    >>> network = pl.Network([pl.Activation("leaky_relu", alpha=0.5)], inputs=2)
    >>> pl.compile(network.graph())(x=[[-1.0, 2.0]])["output"]
    array([[-0.5,  2. ]], dtype=float32)
    """

    activation: ActivationLike
    params: Mapping[str, Any]
    name: str | None

    def __init__(self, activation: ActivationLike, *, name: str | None = None, **params: Any):
        check_activation(activation, "Activation")
        for key, value in (("activation", activation), ("params", params), ("name", name)):
            object.__setattr__(self, key, value)

    def build(self, context: Context, *inputs: Value) -> Value:
        return activate(context, self.activation, require_one(context, *inputs), **self.params)


@dataclass(frozen=True, eq=False)
class Flatten(Layer):
    """All numbers of an example in a row: [batch, ...] -> [batch, features].

    Examples
    --------
    >>> import pellucid as pl
    >>> pl.Network([pl.Flatten(), pl.Dense(10)], inputs={"image": pl.float32[28, 28]}).count_parameters()
    7850
    """

    name: str | None = field(default=None, kw_only=True)

    def build(self, context: Context, *inputs: Value) -> Value:
        x = require_one(context, *inputs)
        return reshape(x, shape=(x.shape[0], math.prod(map(int, x.shape[1:]))))


@dataclass(frozen=True, eq=False)
class Embedding(Layer):
    """A learned vector for each category.

    Parameters
    ----------
    categories : int or tuple of int
        A number: one table, for input [batch] -> [batch, units], or for input [batch, columns] -> [batch,
        columns * units], where all columns look up the same table. A tuple: a table of its own for each column of an
        input [batch, columns], with so many categories -> [batch, sum of units].
    units : int or tuple of int
        The length of a vector, for all columns or for each.
    initializer : Initializer, str or float, optional
        By default normal numbers of variance 1 / units: a category then weighs as much as one standardized number.
    name : str, optional
        By default ``embedding_1``, ``embedding_2``... The tables are ``weight`` [categories, units], or ``weight_1``,
        ``weight_2``... by column.

    Raises
    ------
    ShapeError
        While building, where the input is not made of integers, or has other columns.
    DataError
        While running, where an index is below 0, or not below the number of categories.

    Examples
    --------
    >>> import pellucid as pl
    >>> colour_and_size = pl.Embedding((5, 3), (4, 2))
    >>> network = pl.Network([colour_and_size, pl.Dense(1)], inputs={"x": pl.int32[2]})
    >>> [f"{p.path} {p.type}" for p in network.parameters.values()][:2]
    ['embedding_1/weight_1 float32[5, 4]', 'embedding_1/weight_2 float32[3, 2]']
    """

    categories: int | tuple[int, ...]
    units: int | tuple[int, ...]
    initializer: InitializerLike = field(default=None, kw_only=True)
    name: str | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        if not isinstance(self.categories, Sequence):
            require_size("categories", self.categories, "Embedding")
            require_size("units", self.units, "Embedding")
        else:
            object.__setattr__(self, "categories", tuple(self.categories))
            units = tuple(self.units) if isinstance(self.units, Sequence) else (self.units,) * len(self.categories)
            object.__setattr__(self, "units", units)
            if not units or len(units) != len(self.categories):
                raise UsageError(
                    "not one number of units for each column",
                    where="Embedding",
                    got=f"{len(self.categories)} columns and {len(units)} numbers of units",
                )
            for count, size in zip(self.categories, units, strict=True):
                require_size("categories", count, "Embedding")
                require_size("units", size, "Embedding")
        if self.initializer is not None:
            as_initializer(self.initializer)

    def build(self, context: Context, *inputs: Value) -> Value:
        index = require_one(context, *inputs)
        if index.dtype.kind != "int" or index.ndim not in (1, 2):
            raise ShapeError(
                "an embedding takes the numbers of categories",
                where=place(context),
                got=str(index.type),
                expected="an integer [batch] or [batch, columns]",
                fix='Declare the input as integers: inputs={"x": pl.int32[columns]}.',
            )
        if not isinstance(self.categories, tuple):
            table = self._table(context, "weight", self.categories, self.units)
            return _look_up(table, index, (index.shape[0], math.prod(map(int, index.shape[1:])) * int(table.shape[1])))
        columns = len(self.categories)
        if index.ndim != 2 or index.shape[1] != columns:
            expected = f"[batch, {columns}]: a column for each number of categories"
            raise ShapeError("other columns", where=place(context), got=str(index.type), expected=expected)
        vectors = []
        for column, (count, size) in enumerate(zip(self.categories, self.units, strict=True)):  # type: ignore[arg-type]
            table = self._table(context, f"weight_{column + 1}", count, size)
            vectors.append(_look_up(table, index[:, column], (index.shape[0], size)))
        return vectors[0] if len(vectors) == 1 else concatenate(vectors, axis=1)

    def _table(self, context: Context, name: str, categories: int, units: Any) -> Value:
        initializer = LeCunNormal() if self.initializer is None else as_initializer(self.initializer)
        return context.parameter(name, (categories, units), initializer, fan_in=units, fan_out=units)


def _look_up(table: Value, index: Value, shape: tuple[int, ...]) -> Value:
    """Return the rows of the table that the index names, those of an example in a row."""
    rows = gather(table, index)
    return rows if rows.shape == shape else reshape(rows, shape=shape)


@dataclass(frozen=True, eq=False)
class LayerNorm(Layer):
    """Each example brought to mean 0 and variance 1 over its features, then ``* gain + shift``, both learned.

    [batch, ..., features] -> the same shape. `epsilon` is added to the variance, so that a constant example gives
    `shift`. Gain and shift [features] are neither weights nor biases: regularizers leave them alone.

    Source: Ba, Kiros and Hinton, Layer Normalization (2016).

    Examples
    --------
    >>> import pellucid as pl
    >>> network = pl.Network([pl.LayerNorm(epsilon=0.0)], inputs=2, dtype="float64")
    >>> pl.compile(network.graph())(x=[[1.0, 3.0]], **network.initialize())["output"]
    array([[-1.,  1.]])
    """

    epsilon: float = 1e-5
    name: str | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        require_deviation("LayerNorm, epsilon", self.epsilon)

    def build(self, context: Context, *inputs: Value) -> Value:
        x = require_one(context, *inputs)
        if not x.dtype.is_float or x.ndim < 2:
            expected = "a float [batch, ..., features]"
            raise ShapeError("nothing to normalize", where=place(context), got=str(x.type), expected=expected)
        features = int(x.shape[-1])
        centred = x - mean(x, axis=-1, keepdims=True)
        variance = mean(centred * centred, axis=-1, keepdims=True)
        normal = centred / sqrt(context.builder.name(variance, "variance", inside_scope=True) + self.epsilon)
        gain = context.parameter("gain", (features,), Constant(1.0), kind="other", fan_in=features, fan_out=features)
        shift = context.parameter("shift", (features,), Zeros(), kind="other", fan_in=features, fan_out=features)
        return normal * gain + shift


def _as_mask(mask: Any, units: int) -> np.ndarray:
    array = np.array(mask, np.float64)
    if array.ndim != 2 or array.shape[1] != units or not np.isin(array, (0, 1)).all():
        expected = f"0 and 1 in shape [features, {units}]"
        raise UsageError("not a mask", where="Dense, mask", got=f"shape {list(array.shape)}", expected=expected)
    array.flags.writeable = False
    return array


def _mask_constant(context: Context, mask: np.ndarray, features: int) -> Value:
    if len(mask) != features:
        got, expected = f"{len(mask)} rows", f"{features}: one for each feature"
        raise ShapeError("the mask does not fit the input", where=place(context), got=got, expected=expected)
    return context.builder.name(context.builder.constant(mask, context.dtype), "mask", inside_scope=True)
