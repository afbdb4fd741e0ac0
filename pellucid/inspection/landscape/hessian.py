"""The mean loss over a dataset, its gradient, and products with its Hessian: a graph that is differentiated twice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pellucid.data.dataset import Dataset
from pellucid.errors import UsageError
from pellucid.executors.inputs import batch_rows, gather
from pellucid.executors.program import compile
from pellucid.graph.context import Context
from pellucid.graph.differentiate import build_gradients
from pellucid.graph.simplify import simplify
from pellucid.graph.types import Type, float64
from pellucid.graph.value import Value
from pellucid.inspection.landscape.directions import Direction, flatten, unflatten
from pellucid.nn.losses import Loss
from pellucid.nn.network import Network
from pellucid.ops.reductions import sum as total
from pellucid.training.evaluate import as_arrays
from pellucid.training.step import WEIGHT, build_objective

CHUNK = 1024
"""How many examples are computed at once."""

ALONG = "along "
"""The inputs for the vector that the Hessian is multiplied with have this before the parameter's path."""


class SecondOrder:
    """The mean loss of a network over a dataset, in float64: value, gradient, and products with the Hessian.

    Parameters
    ----------
    network : Network
    losses : mapping of str to Loss
    dataset : Dataset
    parameters : mapping of ndarray
        Where.
    executor : {"native", "interpret"}

    Attributes
    ----------
    point : ndarray of float64, [parameters]
        The parameters as one vector, in the order in which they were given.
    """

    def __init__(
        self,
        network: Network,
        losses: Mapping[str, Loss],
        dataset: Dataset,
        parameters: Mapping[str, np.ndarray],
        executor: str,
    ):
        precise = in_float64(network)
        missing = [path for path in precise.parameters if path not in parameters]
        if missing:
            raise UsageError("a parameter is missing", where="parameters", got=f"no {missing[0]!r}")
        self._like = {path: np.asarray(parameters[path]) for path in precise.parameters}
        self._arrays = as_arrays(precise, losses, dataset)
        self._count = len(self._arrays[WEIGHT])
        self._weight = float(self._arrays[WEIGHT].astype(np.float64).sum())
        self._batch = min(self._count, CHUNK)
        self._first, self._second, self._settings = _programs(precise, losses, self._batch, executor)
        self.point = flatten(self._like, self._like)

    def value_and_gradient(self, point: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the mean loss and its gradient at a point, [parameters]."""
        found = self._sum(self._first, unflatten(point, self._like))
        return float(found.pop("loss")), flatten(found, self._like)

    def product(self, vector: np.ndarray) -> np.ndarray:
        """Return the Hessian at `point` times a vector, [parameters]."""
        along = unflatten(np.asarray(vector, np.float64).reshape(-1), self._like)
        given = {**unflatten(self.point, self._like), **{f"{ALONG}{path}": value for path, value in along.items()}}
        return flatten(self._sum(self._second, given), self._like)

    def as_arrays(self, vector: np.ndarray) -> Direction:
        """Return a vector as arrays by path."""
        return unflatten(vector, self._like)

    def _sum(self, program: Any, given: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return the outputs of a program, averaged by weight over all chunks of examples."""
        sums: dict[str, np.ndarray] = {}
        known = program.graph.inputs
        for start in range(0, self._count, self._batch):
            rows, held = batch_rows(np.arange(self._count), start // self._batch, self._batch)
            weights = np.where(np.arange(self._batch) < held, self._arrays[WEIGHT][rows], 0)
            examples = {name: gather(self._arrays[name], rows) for name in self._arrays if name != WEIGHT}
            inputs = {**examples, WEIGHT: weights, **given, **self._settings}
            found = program(**{name: value for name, value in inputs.items() if name in known})
            share = float(weights.sum()) / self._weight
            for name, value in found.items():
                sums[name] = sums.get(name, 0.0) + share * np.asarray(value, np.float64)
        return sums


def in_float64(network: Network) -> Network:
    """Return the same network computing in float64."""
    if network.dtype == float64:
        return network
    inputs = {name: Type(float64, type.shape) if type.dtype.is_float else type for name, type in network.inputs.items()}
    return Network(network.body, inputs, float64)


def _programs(
    network: Network, losses: Mapping[str, Loss], batch: int, executor: str
) -> tuple[Any, Any, dict[str, float]]:
    """Return the programs of loss and gradient, and of the Hessian times a vector; and their settings."""
    context = Context(training=False, batch=batch, dtype=network.dtype)
    objective, loss, _ = build_objective(context, network, losses, ())
    values = {path: context.values[path] for path in context.parameters}
    name = context.builder.path_of(objective.node)
    gradients = dict(zip(values, build_gradients(objective, list(values.values()), name=name), strict=True))
    first = context.builder.finish({"loss": loss, **gradients})
    along: Value | None = None
    for path, gradient in gradients.items():
        part = total(gradient * context.input(f"{ALONG}{path}", values[path].type))
        along = part if along is None else along + part
    assert along is not None
    products = build_gradients(along, list(values.values()), name="slope along the vector")
    second = context.builder.finish(dict(zip(values, products, strict=True)))
    return compile(simplify(first), executor), compile(simplify(second), executor), dict(context.settings)
