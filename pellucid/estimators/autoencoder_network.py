"""The network of an autoencoder: its layers to the code and back, how it learns, and how one half of it is run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from pellucid.data.dataset import is_sparse
from pellucid.data.encoders.encoding import Encoding
from pellucid.data.encoders.scaling import CENTER, FACTOR
from pellucid.data.encoders.scaling import SCALE as FEATURE_SCALE
from pellucid.data.targets import MEAN, SCALE
from pellucid.estimators.autoencoder_columns import gives_numbers
from pellucid.estimators.examples import Task
from pellucid.estimators.features import compute, encode_features
from pellucid.executors.predictor import Predictor
from pellucid.graph.context import Context
from pellucid.graph.types import DType
from pellucid.graph.value import Value
from pellucid.model.model import Model
from pellucid.model.scalars import OUTPUT, PREDICTION
from pellucid.nn.layers import Dense
from pellucid.nn.losses import Loss, sum_outputs
from pellucid.nn.network import Layer, Network
from pellucid.nn.noise import GaussianNoise
from pellucid.ops.shapes import reshape


@dataclass(frozen=True)
class _Reconstruction(Loss):
    """What the network itself has computed: how far its reconstruction is from its input."""

    name: ClassVar[str] = "reconstruction"
    task: ClassVar[str] = "regression"

    def build(self, context: Context, output: Value, target: Value) -> Value:
        return sum_outputs(output - target)


RECONSTRUCTION = _Reconstruction()
"""The loss of :func:`reconstructing_network`."""


def mirrored_layers(
    features: int, hidden: Sequence[int], activations: Sequence[Any], components: int
) -> tuple[list[Layer], list[Layer]]:
    """Return the layers from the features to the code, and from there back: dense ones, the second half mirrored.

    Examples
    --------
    >>> encoder, decoder = mirrored_layers(8, (6, 4), ("tanh", "relu"), 2)
    >>> [(layer.units, layer.activation) for layer in (*encoder, *decoder)]
    [(6, 'tanh'), (4, 'relu'), (2, 'identity'), (4, 'relu'), (6, 'tanh'), (8, 'identity')]
    """
    both = list(zip(hidden, activations, strict=True))
    encoder: list[Layer] = [Dense(*found, name=f"encoder_{place}") for place, found in enumerate(both, 1)]
    decoder: list[Layer] = [Dense(*found, name=f"decoder_{place}") for place, found in enumerate(both[::-1], 1)]
    return [*encoder, Dense(components, name="code")], [*decoder, Dense(features, name="reconstruction")]


def reconstructing_network(layers: Sequence[Layer], features: int, dtype: DType, loss: Loss, noise: float) -> Network:
    """Return a network that computes how far its reconstruction is from its input, [batch, 1].

    Parameters
    ----------
    layers : sequence of layers
        From the features to their reconstruction.
    features : int
    dtype : DType
    loss : Loss
        Of regression: how far is far.
    noise : float
        Standard deviation of what is added to the features in training.
    """
    disturb = GaussianNoise(noise) if noise else None

    def body(context: Context, x: Value) -> Value:
        value = x if disturb is None else disturb(context, x)
        for layer in layers:
            value = layer(context, value)
        return reshape(loss.per_example(context, value, x), (x.shape[0], 1))

    return Network(body, features, dtype)


def run_layers(layers: Predictor, parameters: Mapping[str, np.ndarray], values: Any) -> np.ndarray:
    """Return the output of a network for rows, dense or CSR."""
    fixed = {name: parameters[name] for name in layers.graph.inputs if name != "x"}
    return layers.run(fixed, {"x": values}, values.shape[0])["output"]


def inverse_scaling(encoding: Encoding) -> dict[str, np.ndarray]:
    """Return what takes scaled features back to their own units, as a target's mean and scale.

    Features that are no scaled numbers, such as categories, stay as they are.
    """
    if FEATURE_SCALE not in encoding.arrays:
        return {}
    others = len(encoding.front.other_features)
    factor = encoding.arrays.get(FACTOR, np.ones(len(encoding.front.numbers)))
    scale = encoding.arrays[FEATURE_SCALE] / factor
    return {
        MEAN: np.append(encoding.arrays[CENTER] / factor, np.zeros(others)),
        SCALE: np.append(np.where(scale > 0, scale, 1.0), np.ones(others)),
    }


def squared_distances(model: Model, task: Task, rows: Any) -> np.ndarray:
    """Return the squared distance of each row from its reconstruction, scaled as for learning, [rows].

    Parameters
    ----------
    model : Model
        That of an autoencoder.
    task : Task
    rows : ndarray, CSR matrix or Table
        A missing number is taken for what stands in its place in learning.
    """
    rows = rows.toarray() if is_sparse(rows) else rows
    made = compute(model, task.encoding, rows)
    if not gives_numbers(task.encoding):
        return ((made[OUTPUT] - encode_features(task.encoding, rows)["x"]) ** 2).sum(axis=1)
    scaling = task.targets.arrays
    known = np.where(np.isnan(rows), scaling.get(MEAN, 0.0), rows).astype(rows.dtype)
    return (((made[PREDICTION] - known) / scaling.get(SCALE, 1.0)) ** 2).sum(axis=1)
