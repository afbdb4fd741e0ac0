"""What every candidate gets of a workload: the same examples, first parameters and order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pellucid.bench.workloads import Workload
from pellucid.data.dataset import Dataset
from pellucid.graph.context import Context
from pellucid.graph.types import Type, int32
from pellucid.graph.value import Value
from pellucid.nn.layers import Dense, Embedding
from pellucid.nn.network import Network
from pellucid.nn.noise import Dropout
from pellucid.ops.joins import concatenate
from pellucid.version import __version__

VERSIONS = {"Pellucid": __version__, "NumPy": np.__version__}

LOSSES = {
    "multiclass": "softmax_cross_entropy",
    "multilabel": "multilabel_cross_entropy",
    "regression": "squared_error",
}


@dataclass(frozen=True)
class Examples:
    """The examples of a workload.

    Attributes
    ----------
    x : ndarray, [examples, numbers]
    categories : ndarray of int32, [examples, columns], or None
    y : ndarray
        Classes as int64 [examples]; labels and numbers in the dtype of `x`, [examples, outputs].
    """

    x: np.ndarray
    categories: np.ndarray | None
    y: np.ndarray


@dataclass(frozen=True)
class Start:
    """First parameters: weights [features, units] and biases of each layer, and tables [categories, units]."""

    weights: list[np.ndarray]
    biases: list[np.ndarray]
    tables: list[np.ndarray]


def make_examples(workload: Workload) -> Examples:
    """Draw the examples: normal numbers, and targets that do not depend on them."""
    random = np.random.default_rng(0)
    count, outputs = workload.examples, workload.sizes[-1]
    dtype = np.dtype(workload.dtype).type
    x = random.standard_normal((count, workload.numbers), dtype=dtype)
    columns = [random.integers(0, size, count, dtype=np.int32) for size in workload.categories]
    if workload.task == "multiclass":
        y = random.integers(0, outputs, count)
    elif workload.task == "multilabel":
        y = random.integers(0, 2, (count, outputs)).astype(dtype)
    else:
        y = random.standard_normal((count, outputs), dtype=dtype)
    return Examples(x, np.stack(columns, axis=1) if columns else None, y)


def make_dataset(workload: Workload) -> Dataset:
    """Return the examples as Pellucid takes them."""
    examples = make_examples(workload)
    inputs = {"x": examples.x}
    if examples.categories is not None:
        inputs["categories"] = examples.categories
    return Dataset(inputs, examples.y)


def make_order(workload: Workload, steps: int) -> np.ndarray:
    """Return the rows of some steps, in the order in which the candidates are compared, [steps * batch]."""
    return np.random.default_rng(1).permutation(workload.examples)[: steps * workload.batch]


def make_network(workload: Workload) -> Network:
    """Return the network as Pellucid has it: rectifiers, and dropout behind each hidden layer where there is any."""
    body: list[Dense | Dropout] = []
    for units in workload.sizes[1:-1]:
        body.append(Dense(units, "relu"))
        if workload.dropout:
            body.append(Dropout(workload.dropout))
    body.append(Dense(workload.sizes[-1]))
    if not workload.categories:
        return Network(body, inputs=workload.sizes[0], dtype=workload.dtype)
    embedding = Embedding(workload.categories, Workload.EMBEDDED)

    def embed(context: Context, x: Value, categories: Value) -> Value:
        value = concatenate([x, embedding(context, categories)], axis=1)
        for layer in body:
            value = layer(context, value)
        return value

    inputs: dict[str, int | Type] = {"x": workload.numbers, "categories": Type(int32, (len(workload.categories),))}
    return Network(embed, inputs=inputs, dtype=workload.dtype)


def make_start(workload: Workload, seed: int = 0) -> Start:
    """Return first parameters as Pellucid draws them."""
    drawn = make_network(workload).initialize(seed)
    layers = range(1, len(workload.sizes))
    return Start(
        [drawn[f"dense_{layer}/weight"] for layer in layers],
        [drawn[f"dense_{layer}/bias"] for layer in layers],
        [drawn[path] for path in drawn if path.startswith("embedding")],
    )
