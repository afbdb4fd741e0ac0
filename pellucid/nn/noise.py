"""Layers that disturb training so that the network generalizes: dropout and noise. At prediction they add no node.

Random numbers depend on the seed, the step, the layer's path and the place in the array only. A layer that is used in
several places disturbs each of them with numbers of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pellucid.errors import ShapeError, UsageError
from pellucid.graph.context import Context
from pellucid.graph.value import Value
from pellucid.nn.checks import is_number, place, require_deviation, require_one
from pellucid.nn.network import Layer
from pellucid.ops.comparison import select
from pellucid.ops.randoms import bernoulli_mask, random_normal


@dataclass(frozen=True, eq=False)
class Dropout(Layer):
    """Inverted dropout: in training, each number is 0 with probability `rate` and divided by ``1 - rate`` otherwise.

    Any shape -> the same shape. At prediction it is the identity. The rate is the setting ``dropout_1/rate`` and can
    change between steps.

    Source: Srivastava et al., Dropout (2014).

    Parameters
    ----------
    rate : float
        From 0 up to but not including 1.
    name : str, optional
        By default ``dropout_1``, ``dropout_2``...

    Examples
    --------
    >>> import numpy as np, pellucid as pl
    >>> network = pl.Network([pl.Dropout(0.5)], inputs=8)
    >>> program = pl.compile(network.graph(training=True))
    >>> out = program(x=np.ones((1, 8)), seed=0, step=0, **network.settings)["output"]
    >>> sorted(set(out.ravel().tolist()))
    [0.0, 2.0]
    """

    rate: float
    name: str | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        if not is_number(self.rate) or not 0 <= self.rate < 1:
            raise UsageError("not a dropout rate", where="Dropout", got=repr(self.rate), expected="0 <= rate < 1")

    def build(self, context: Context, *inputs: Value) -> Value:
        x = _one_float(context, *inputs)
        if not context.training:
            return x
        keep = context.builder.name(1.0 - context.setting("rate", self.rate), "keep", inside_scope=True)
        mask = bernoulli_mask(context.seed, context.step, keep, purpose=fresh_purpose(context, "mask"), shape=x.shape)
        # Chosen, not multiplied: what is dropped may be infinite.
        return select(mask, x / keep, 0.0)


@dataclass(frozen=True, eq=False)
class GaussianNoise(Layer):
    """Normal noise on any value, in training only: ``x + std * noise``, with fresh noise for each step and number.

    Any shape -> the same shape. Put first, it is noise on the inputs. The standard deviation is the setting
    ``gaussian_noise_1/std``.

    Source: Bishop, Training with Noise is Equivalent to Tikhonov Regularization (1995).

    Examples
    --------
    >>> import pellucid as pl
    >>> network = pl.Network([pl.GaussianNoise(0.1), pl.Dense(1)], inputs=4)
    >>> network.settings
    {'gaussian_noise_1/std': 0.1}
    """

    std: float
    name: str | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        require_deviation("GaussianNoise", self.std)

    def build(self, context: Context, *inputs: Value) -> Value:
        x = _one_float(context, *inputs)
        return add_gaussian_noise(context, x, context.setting("std", self.std)) if context.training else x


def add_gaussian_noise(context: Context, value: Value, std: Value) -> Value:
    """Return the value with normal noise of standard deviation `std` (a scalar) on each of its numbers."""
    noise = random_normal(
        context.seed, context.step, purpose=fresh_purpose(context, "noise"), shape=value.shape, dtype=value.dtype
    )
    return value + std * noise


def fresh_purpose(context: Context, name: str) -> str:
    """Return a purpose for random numbers: the layer's path and a name with a number, another one at each call."""
    return context.fresh_path(name)


def _one_float(context: Context, *inputs: Value) -> Value:
    x = require_one(context, *inputs)
    if x.dtype != context.dtype:
        expected = f"one value of {context.dtype}"
        raise ShapeError("noise can not be added", where=place(context), got=str(x.type), expected=expected)
    return x
