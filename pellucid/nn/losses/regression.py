"""Losses of numbers: the negative logarithm of the likelihood under some noise, or a robust stand-in for it.

Over several targets (the output's axes behind the batch) they add up, as logarithms of independent likelihoods do.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from pellucid.errors import ShapeError, UsageError
from pellucid.graph.context import Context
from pellucid.graph.types import Type
from pellucid.graph.value import Value
from pellucid.nn.losses.loss import Loss, check_setting, sum_outputs
from pellucid.ops.comparison import minimum, select
from pellucid.ops.functions import exp


class _Number(Loss):
    """What losses have in common whose outputs are the predicted numbers themselves."""

    task: ClassVar[str] = "regression"
    linear: ClassVar[bool] = True


@dataclass(frozen=True)
class SquaredError(_Number):
    """Half the squared norm of the error, ``sum((output - target)^2) / 2``: normal noise of equal variance.

    The output is the target's mean; the gradient is ``output - target``.
    Source: Bishop, Pattern Recognition and Machine Learning (2006), section 5.2.
    """

    default: ClassVar[bool] = True

    def build(self, context: Context, output: Value, target: Value) -> Value:
        error = output - target
        return 0.5 * sum_outputs(error * error)


@dataclass(frozen=True)
class AbsoluteError(_Number):
    """The sum of absolute errors, ``sum(|output - target|)``: Laplace noise.

    The output is the target's median. The slope at an error of 0 is 0.
    Source: Hastie, Tibshirani and Friedman, The Elements of Statistical Learning (2009), section 10.6.
    """

    def build(self, context: Context, output: Value, target: Value) -> Value:
        return sum_outputs(abs(output - target))

    def predict(self, output: Value) -> dict[str, Value]:
        return {"median": output}


@dataclass(frozen=True)
class Huber(_Number):
    """Half the squared error up to an error of `delta`, and growing only linearly from there, with slope `delta`.

    ``e^2 / 2`` where ``|e| <= delta``, else ``delta (|e| - delta / 2)``, summed over the targets.
    Source: Huber, Robust estimation of a location parameter, Annals of Mathematical Statistics 35 (1964).

    Parameters
    ----------
    delta : float
        Above 0, in the unit of the (standardized) targets. May change from step to step.
    """

    delta: float = 1.0

    def __post_init__(self) -> None:
        check_setting("delta", self.delta, 0.0)

    def build(self, context: Context, output: Value, target: Value) -> Value:
        size = abs(output - target)
        inner = minimum(size, context.setting("delta", self.delta))
        return sum_outputs(inner * (size - 0.5 * inner))

    def predict(self, output: Value) -> dict[str, Value]:
        return {"location": output}


@dataclass(frozen=True)
class Quantile(_Number):
    """The check function of quantile regression: errors cost `q` below the target and ``1 - q`` above it.

    ``q (target - output)`` where the output is too low, ``(1 - q) (output - target)`` where it is too high, summed.
    The output is the target's quantile. The slope at an error of 0 is 0.
    Source: Koenker and Bassett, Regression quantiles, Econometrica 46 (1978).

    Parameters
    ----------
    q : float or tuple of float
        Each between 0 and 1. May change from step to step. With m of them the network needs m outputs for each of k
        targets: output ``[batch, m * k]``, first the k outputs for the first quantile, then those for the second.

    Examples
    --------
    >>> from pellucid.graph.types import float32
    >>> from pellucid.nn.losses import Quantile
    >>> Quantile((0.05, 0.5, 0.95)).target_type(float32[6])
    float32[2]
    """

    q: float | tuple[float, ...] = 0.5

    def __post_init__(self) -> None:
        for q in self._all():
            check_setting("q", q, 0.0, 1.0)
        if not self._all() or len(set(self._all())) < len(self._all()):
            raise UsageError("quantiles are missing or stand twice", where="q", got=repr(self.q))

    def _all(self) -> tuple[float, ...]:
        return tuple(self.q) if isinstance(self.q, (tuple, list)) else (self.q,)

    def target_type(self, output: Type) -> Type:
        return output if len(self._all()) == 1 else _share(self.name, output, len(self._all()))

    def build(self, context: Context, output: Value, target: Value) -> Value:
        several = self._all()
        names = ["q"] if len(several) == 1 else [f"q_{number}" for number in range(1, len(several) + 1)]
        parts = _blocks(output, len(several))
        losses = [
            _check_function(part, target, context.setting(name, q))
            for part, name, q in zip(parts, names, several, strict=True)
        ]
        total = losses[0]
        for part in losses[1:]:
            total = total + part
        return total

    def predict(self, output: Value) -> dict[str, Value]:
        several = self._all()
        return {f"quantile_{q:g}": part for q, part in zip(several, _blocks(output, len(several)), strict=True)}


def _check_function(output: Value, target: Value, q: Value) -> Value:
    error = target - output
    return sum_outputs(abs(error) * select(error < 0, 1 - q, q))


@dataclass(frozen=True)
class Poisson(Loss):
    """Counts: ``sum(exp(output) - target * output)``; the output is the logarithm of the rate.

    The negative logarithm of the Poisson likelihood without its constant ``log(target!)``, so it can be negative. The
    gradient is ``exp(output) - target``. From an output of about 709 on (float32: 88) the rate itself, and with it the
    loss, is beyond the largest float.
    Source: McCullagh and Nelder, Generalized Linear Models (1989), chapter 6.
    """

    task: ClassVar[str] = "regression"

    def target_range(self, output: Type) -> tuple[float, float]:
        return 0.0, math.inf

    def build(self, context: Context, output: Value, target: Value) -> Value:
        return sum_outputs(exp(output) - target * output)

    def predict(self, output: Value) -> dict[str, Value]:
        return {"rate": exp(output)}


@dataclass(frozen=True)
class GaussianLogLikelihood(Loss):
    """Normal noise whose variance is predicted too: the network says how sure it is.

    With k targets the output is ``[batch, 2k]``, k means and then k logarithms of variances. The loss is the negative
    logarithm of the likelihood, constant included:
    ``sum(log(2 pi) + log_variance + (target - mean)^2 / variance) / 2``.
    Source: Nix and Weigend, Estimating the mean and variance of the target probability distribution, ICNN (1994).
    """

    task: ClassVar[str] = "regression"

    def target_type(self, output: Type) -> Type:
        return _share(self.name, output, 2)

    def build(self, context: Context, output: Value, target: Value) -> Value:
        mean, log_variance = _blocks(output, 2)
        error = target - mean
        # An error of 0 stays 0 however large 1 / deviation grows; without select, 0 times infinity would be NaN.
        exponent = select(error == 0, 0.0, -0.5 * log_variance)
        scaled = error * exp(exponent)
        return 0.5 * sum_outputs(math.log(2 * math.pi) + log_variance + scaled * scaled)

    def predict(self, output: Value) -> dict[str, Value]:
        mean, log_variance = _blocks(output, 2)
        return {"mean": mean, "variance": exp(log_variance)}


def _share(where: str, output: Type, count: int) -> Type:
    """Return the type of one of `count` equal blocks of an output ``[count * k]``."""
    if output.ndim != 1 or output.shape[0] % count or not output.shape[0]:
        raise ShapeError(
            "the number of outputs does not fit the loss",
            where=where,
            got=str(output),
            expected=f"[{count} * targets]",
            fix=f"Give the network {count} outputs for each target.",
        )
    return Type(output.dtype, (int(output.shape[0]) // count,))


def _blocks(output: Value, count: int) -> list[Value]:
    """Cut ``[batch, count * k]`` into `count` blocks ``[batch, k]``."""
    if count == 1:
        return [output]
    size = int(output.shape[1]) // count
    return [output[:, start : start + size] for start in range(0, count * size, size)]
