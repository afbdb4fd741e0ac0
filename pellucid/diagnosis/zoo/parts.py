"""Layers, losses and activations as people write them by mistake. Losses are not found by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from pellucid.graph.context import Context
from pellucid.graph.operation import REGISTRY, Operation, register
from pellucid.graph.value import Value
from pellucid.nn.losses.loss import Loss
from pellucid.nn.network import Layer
from pellucid.ops.activations import ACTIVATIONS
from pellucid.ops.elementwise import Elementwise
from pellucid.ops.functions import exp, log, sqrt
from pellucid.ops.reductions import max, mean, sum
from pellucid.ops.shapes import reshape, transpose


@dataclass(frozen=True, eq=False)
class Between(Layer):
    """A function of a value between two layers, such as ``stop_gradient``."""

    function: Callable[[Value], Value]
    name: str | None = field(default=None, kw_only=True)

    def build(self, context: Context, *inputs: Value) -> Value:
        return self.function(inputs[0])


def normalized_over_batch(x: Value) -> Value:
    """Normalization with the mean and the spread of the mini-batch, at prediction too: axis 0 instead of axis 1."""
    centred = x - mean(x, axis=0, keepdims=True)
    return centred / sqrt(mean(centred * centred, axis=0, keepdims=True) + 1e-5)


def weighed_over_batch(x: Value) -> Value:
    """Features weighed by a softmax over the examples, axis 0, instead of the features."""
    power = exp(x - max(x, axis=0, keepdims=True))
    return x * (power / sum(power, axis=0, keepdims=True))


def reshaped(x: Value) -> Value:
    """Reshape where a transpose was meant: numbers of different examples come to stand in one row."""
    return reshape(transpose(x, (1, 0)), shape=x.shape)


def with_wrong_gradient(name: str, gradient: Callable[..., Any]) -> Operation:
    """Return an activation that computes what one of Pellucid's does, with another gradient; one for each name."""
    own = f"zoo_{name}"
    if own not in REGISTRY:
        register(Elementwise({**vars(ACTIVATIONS[name]), "name": own, "gradient": gradient, "identities": None}))
    return REGISTRY[own]


@dataclass(frozen=True)
class _EachWithAll(Loss):
    """The squared error with a target of shape [batch] in place of [batch, 1]: every output meets every target."""

    name: ClassVar[str] = "each_with_all"
    task: ClassVar[str] = "regression"
    linear: ClassVar[bool] = True

    def build(self, context: Context, output: Value, target: Value) -> Value:
        error = output - transpose(target, (1, 0))
        return mean(error * error, axis=1) / 2.0


@dataclass(frozen=True)
class _NegativeError(Loss):
    """A squared error with the wrong sign: minimizing it makes the error as large as can be."""

    name: ClassVar[str] = "negative_error"
    task: ClassVar[str] = "regression"
    linear: ClassVar[bool] = True

    def build(self, context: Context, output: Value, target: Value) -> Value:
        return -sum((output - target) ** 2.0, axis=1) / 2.0


@dataclass(frozen=True)
class _OwnCrossEntropy(Loss):
    """A cross-entropy from probabilities that it computes by the plain formula: logarithms of 0."""

    name: ClassVar[str] = "own_cross_entropy"
    task: ClassVar[str] = "binary"

    def build(self, context: Context, output: Value, target: Value) -> Value:
        p = 1.0 / (1.0 + exp(-20.0 * output))
        return -sum(target * log(p) + (1.0 - target) * log(1.0 - p), axis=1)

    def predict(self, output: Value) -> dict[str, Value]:
        return {"probability": 1.0 / (1.0 + exp(-20.0 * output))}


def each_with_all() -> Loss:
    return _EachWithAll()


def negative_error() -> Loss:
    return _NegativeError()


def own_cross_entropy() -> Loss:
    return _OwnCrossEntropy()
