"""Ensembles: several networks of one architecture as a single one, which predicts what they do on average."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence

import numpy as np

from pellucid.errors import UsageError
from pellucid.graph.context import Context
from pellucid.graph.value import Value
from pellucid.nn.losses import Loss
from pellucid.nn.network import Network
from pellucid.ops.activations import softplus
from pellucid.ops.comparison import maximum
from pellucid.ops.functions import exp, log
from pellucid.ops.joins import concatenate
from pellucid.ops.softmax import log_softmax


def ensemble(network: Network, members: int, loss: Loss) -> Network:
    """Return a network of several that have the same form and parameters of their own.

    What its output means is the mean of what the members' outputs mean: of probabilities, rates, numbers, quantiles or
    scores, as `loss` says. A mean with a variance (Gaussian likelihood) becomes that of the mixture: its variance is
    the mean of the members' variances, plus the variance of their means.
    Source: Lakshminarayanan, Pritzel and Blundell, Simple and scalable predictive uncertainty estimation using deep
    ensembles, NeurIPS (2017).

    Parameters
    ----------
    network : Network
        With one output.
    members : int
        How many; their parameters have ``member_1/``, ``member_2/`` and so on before their paths.
    loss : Loss
        What the members were trained with.

    Returns
    -------
    Network

    Examples
    --------
    >>> import pellucid as pl
    >>> one = pl.Network([pl.Dense(1)], inputs=2)
    >>> list(ensemble(one, 2, pl.loss("squared_error")).parameters)
    ['member_1/dense_1/weight', 'member_1/dense_1/bias', 'member_2/dense_1/weight', 'member_2/dense_1/bias']
    """
    if len(network.outputs) != 1:
        raise UsageError("an ensemble has one output", got=", ".join(network.outputs))

    def body(context: Context, *inputs: Value) -> Value:
        named = dict(zip(network.inputs, inputs, strict=True))
        outputs = []
        for number in range(1, members + 1):
            with context.apart(f"member_{number}"):
                outputs.append(next(iter(network.build(context, **named).values())))
        return combine_outputs(outputs, loss)

    return Network(body, dict(network.inputs), network.dtype)


def ensemble_parameters(members: Sequence[Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Return the parameters of an ensemble of networks with these parameters."""
    return {
        f"member_{number}/{path}": value for number, own in enumerate(members, start=1) for path, value in own.items()
    }


def combine_outputs(outputs: Sequence[Value], loss: Loss) -> Value:
    """Return the output that means the mean of what these outputs mean, each [batch, outputs]."""
    kinds = list(loss.predict(outputs[0]))
    if kinds == ["probability"] and loss.task == "multiclass":
        return _log_mean([log_softmax(output, axis=-1) for output in outputs])
    if kinds == ["probability"]:
        return _log_mean([-softplus(-output) for output in outputs]) - _log_mean([-softplus(o) for o in outputs])
    if kinds == ["rate"]:
        return _log_mean(outputs)
    if kinds == ["mean", "variance"]:
        return _mixture([loss.predict(output) for output in outputs])
    return _mean(outputs)


def _mean(values: Sequence[Value]) -> Value:
    return functools.reduce(lambda total, value: total + value, values) / float(len(values))


def _log_mean(logarithms: Sequence[Value]) -> Value:
    """Return the logarithm of the mean of numbers whose logarithms are given; the largest is taken out before."""
    largest = functools.reduce(maximum, logarithms)
    total = functools.reduce(lambda sum, value: sum + value, [exp(value - largest) for value in logarithms])
    return largest + (log(total) - math.log(len(logarithms)))


def _mixture(told: Sequence[Mapping[str, Value]]) -> Value:
    """Return the mean of normal distributions' mixture, and the logarithm of its variance, side by side."""
    mean = _mean([each["mean"] for each in told])
    variance = _mean([each["variance"] + (each["mean"] - mean) * (each["mean"] - mean) for each in told])
    return concatenate([mean, log(variance)], axis=1)
