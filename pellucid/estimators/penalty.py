"""scikit-learn's penalty on the weights: divided by the number of rows that the loss is the mean of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pellucid.graph.context import Context
from pellucid.nn.network import Network
from pellucid.nn.regularizers import Regularizer
from pellucid.nn.regularizers.regularizer import Values, is_weight
from pellucid.ops.comparison import select
from pellucid.ops.reductions import sum as total
from pellucid.training.step import WEIGHT


@dataclass(frozen=True, eq=False)
class RowPenalty(Regularizer):
    """``alpha / 2`` times the sum of squared weights, divided by the sum of the mini-batch's row weights.

    So all of an epoch's mini-batches together weigh it against the sum of the losses, however many there are. The
    output layer is among them. Source: scikit-learn, neural_network.

    Parameters
    ----------
    alpha : float
        0 or more.
    """

    alpha: float

    def on_loss(self, context: Context, parameters: Values, output_weights: frozenset[str]) -> None:
        with self.scope(context):
            alpha = context.setting("alpha", self.alpha)
            rows = total(context.values[WEIGHT])
            strength = 0.5 * alpha / select(rows > 0, rows, 1.0)
            for path, value in parameters.items():
                if is_weight(context, path):
                    context.penalize("alpha", strength * total(value * value))


def penalty_of(network: Network, strength: float, parameters: Mapping[str, np.ndarray]) -> float:
    """Return ``strength / 2`` times the sum of the squared weights of a network."""
    weights = (parameters[path] for path, found in network.parameters.items() if found.kind == "weight")
    return 0.5 * strength * float(sum(np.vdot(weight, weight) for weight in weights)) if strength else 0.0
