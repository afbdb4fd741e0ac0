"""Healthy trainings of networks with several inputs or outputs."""

from __future__ import annotations

from typing import Any

import numpy as np

from pellucid.data.dataset import Dataset
from pellucid.diagnosis.gates.case import Case
from pellucid.graph.context import Context
from pellucid.graph.types import int32
from pellucid.graph.value import Value
from pellucid.nn.layers import Dense, Embedding
from pellucid.nn.network import Network
from pellucid.ops.joins import concatenate
from pellucid.optim.adaptive import Adam

ROWS = 900


def _case(network: Network, inputs: dict[str, np.ndarray], targets: Any, loss: Any, seed: int) -> Case:
    """Return the case with the last 300 rows as its test."""
    data = Dataset(inputs, targets)
    options = {"loss": loss, "optimizer": Adam(0.005), "epochs": 80, "seed": seed, "progress": False}
    return Case(network, data.take(range(600)), options, data.take(range(600, ROWS)))


def number_and_category(seed: int) -> Case:
    """Numbers, and a category that is looked up: the slope depends on it."""
    rng = np.random.default_rng([seed, 21])
    x, kind = rng.standard_normal((ROWS, 3)), rng.integers(0, 6, ROWS).astype(np.int32)
    slopes = rng.standard_normal(6)
    y = slopes[kind] * x[:, 0] + np.sin(2 * x[:, 1]) + 0.1 * rng.standard_normal(ROWS)

    def body(context: Context, x: Value, kind: Value) -> Value:
        known = Embedding(6, 4)(context, kind)
        hidden = Dense(24, "relu")(context, concatenate([x, known], axis=1))
        return Dense(1)(context, Dense(12, "relu")(context, hidden))

    network = Network(body, {"x": 3, "kind": int32[()]})
    return _case(network, {"x": x, "kind": kind}, (y / y.std())[:, None], "squared_error", seed)


def two_outputs(seed: int) -> Case:
    """A number and a class from the same hidden layers."""
    rng = np.random.default_rng([seed, 22])
    x = rng.uniform(-1, 1, (ROWS, 4))
    number = np.sin(3 * x[:, :1]) + x[:, 1:2] ** 2 + 0.1 * rng.standard_normal((ROWS, 1))
    group = (x[:, 0] * x[:, 2] > 0).astype(np.int64)

    def body(context: Context, x: Value) -> dict[str, Value]:
        hidden = Dense(32, "tanh")(context, Dense(32, "tanh")(context, x))
        return {"number": Dense(1)(context, hidden), "group": Dense(1)(context, hidden)}

    loss = {"number": "squared_error", "group": "binary_cross_entropy"}
    targets = {"number": (number - number.mean()) / number.std(), "group": group}
    return _case(Network(body, 4), {"x": x}, targets, loss, seed)


def shared_encoder(seed: int) -> Case:
    """Whether two points lie on the same side, by one encoder used twice."""
    rng = np.random.default_rng([seed, 23])
    left, right = rng.uniform(-1, 1, (2, ROWS, 3))
    y = (np.tanh(left.sum(axis=1)) * np.tanh(right.sum(axis=1)) > 0).astype(np.int64)

    def body(context: Context, left: Value, right: Value) -> Value:
        encoder = Dense(16, "tanh", name="encoder")
        both = [encoder(context, left), encoder(context, right)]
        return Dense(1)(context, Dense(32, "relu")(context, concatenate(both, axis=1)))

    return _case(
        Network(body, {"left": 3, "right": 3}), {"left": left, "right": right}, y, "binary_cross_entropy", seed
    )


SEVERAL = (number_and_category, two_outputs, shared_encoder)
"""All of them: functions of a seed."""
