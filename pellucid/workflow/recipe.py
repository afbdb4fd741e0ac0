"""The recipe: what network is trained, and how, unless the user says otherwise."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pellucid import ops
from pellucid.errors import UsageError
from pellucid.graph.value import Value
from pellucid.nn.activation import check_activation
from pellucid.nn.layers import Activation, Dense
from pellucid.nn.losses import Loss, SoftmaxCrossEntropy, default_loss
from pellucid.nn.network import Layer, Network
from pellucid.nn.noise import Dropout
from pellucid.nn.regularizers import L2, Regularizer
from pellucid.optim.adaptive import Adam
from pellucid.optim.optimizers import Optimizer

RANGES = {"limit": math.inf, "dropout": 1.0, "label_smoothing": 1.0, "l2": math.inf, "learning_rate": math.inf}
"""Settings that are numbers from 0 to below these."""


def limit_smoothly(x: Value, limit: float) -> Value:
    """Bring numbers between plus and minus `limit`; small ones stay as they are.

    Source: Holzmüller, Grinsztajn and Steinwart, Better by default: strong pre-tuned MLPs and boosted trees on tabular
    data, NeurIPS (2024), section 3.

    Examples
    --------
    >>> import pellucid as pl
    >>> graph = pl.build(lambda x: {"limited": limit_smoothly(x, 3.0)}, x=pl.float64[3])
    >>> pl.compile(graph)(x=[-4.0, 0.1, 1e6])["limited"].round(4)
    array([-2.4   ,  0.0999,  3.    ])
    """
    share = x / limit
    return x / ops.sqrt(1.0 + share * share)


@dataclass(frozen=True)
class Recipe:
    """A network and its training.

    Attributes
    ----------
    hidden : tuple of int
        The units of each hidden layer; none for a linear model.
    limit : float
        Encoded features are first brought between plus and minus this number, smoothly: x / sqrt(1 + (x / limit)^2).
        So a cell far from all others cannot outvote them. 0 for no limit.
    activation : str
        Of the hidden layers.
    dropout : float
        The share of a hidden layer's units that is left out in each step; 0 for none.
    label_smoothing : float
        The share of the target that is spread over all classes, where there are more than two.
    l2 : float
        The strength of the penalty on squared weights; the output layer of a regression is spared.
    learning_rate : float
        Of Adam.
    batch_size : int
    epochs : int
        At most.
    patience : int
        Training stops after so many epochs without a lower validation loss.
    dtype : {"float32", "float64"}

    Examples
    --------
    >>> Recipe(hidden=(64, 32)).network(features=13, outputs=3).count_parameters()
    3075
    """

    hidden: tuple[int, ...] = (128,)
    limit: float = 3.0
    activation: str = "gelu"
    dropout: float = 0.2
    label_smoothing: float = 0.0
    l2: float = 1e-4
    learning_rate: float = 1e-3
    batch_size: int = 32
    epochs: int = 300
    patience: int = 20
    dtype: str = "float32"

    def __post_init__(self) -> None:
        object.__setattr__(self, "hidden", _as_sizes(self.hidden))
        check_activation(self.activation)
        for name in ("batch_size", "epochs", "patience"):
            value = getattr(self, name)
            if not _is_count(value):
                raise UsageError("not a count", where=name, got=repr(value), expected="a whole number from 1 up")
        for name, high in RANGES.items():
            low, value = 0.0, getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value < high:
                below = f", below {high:g}" if high < math.inf else ""
                raise UsageError("out of range", where=name, got=repr(value), expected=f"a number from {low:g}{below}")

    def network(self, features: int, outputs: int) -> Network:
        """Return the network for so many features and outputs, which are numbers or logits."""
        layers: list[Layer] = []
        if self.limit > 0:
            layers.append(Activation(functools.partial(limit_smoothly, limit=self.limit), name="limit"))
        for units in self.hidden:
            layers.append(Dense(units, self.activation))
            if self.dropout > 0:
                layers.append(Dropout(self.dropout))
        return Network([*layers, Dense(outputs)], inputs=features, dtype=self.dtype)

    def loss(self, task: str) -> Loss:
        """Return the loss for a task."""
        loss = default_loss(task)
        return SoftmaxCrossEntropy(self.label_smoothing) if isinstance(loss, SoftmaxCrossEntropy) else loss

    def regularizers(self, loss: Loss) -> list[Regularizer]:
        """Return what else is added to the loss: nothing where L2 would spare all the weights that there are."""
        return [L2(self.l2)] if self.l2 > 0 and (self.hidden or not loss.linear) else []

    def optimizer(self) -> Optimizer:
        """Return the optimizer."""
        return Adam(self.learning_rate)


def _as_sizes(hidden: Any) -> tuple[int, ...]:
    if not isinstance(hidden, Sequence) or isinstance(hidden, str) or not all(map(_is_count, hidden)):
        expected = "whole numbers from 1 up, such as (128, 64)"
        raise UsageError("not the sizes of hidden layers", where="hidden", got=repr(hidden)[:80], expected=expected)
    return tuple(int(units) for units in hidden)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1
