"""JAX: epochs as one compiled scan, populations by vmap around it, and one-row prediction."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from pellucid.bench.candidate import Candidate
from pellucid.bench.material import make_examples, make_order, make_start
from pellucid.bench.timing import smallest_seconds
from pellucid.bench.workloads import Workload

VERSIONS = {"JAX": jax.__version__, "optax": optax.__version__}


def make_candidate(workload: Workload, threads: int, name: str) -> Candidate:
    """Return JAX's candidate for a workload."""
    jax.config.update("jax_enable_x64", workload.dtype == "float64")
    if workload.predicts:
        return OnePrediction(workload)
    return Population(workload) if workload.networks > 1 else Epochs(workload)


def start_parameters(workload: Workload, seed: int = 0) -> dict[str, Any]:
    """Return the parameters that all candidates start from. All categories stand in one table."""
    start = make_start(workload, seed)
    tables = {"table": np.concatenate(start.tables)} if start.tables else {}
    return jax.tree.map(jnp.array, {"layers": list(zip(start.weights, start.biases, strict=True)), **tables})


def apply_network(workload: Workload, parameters: Any, x: Any, categories: Any, key: Any) -> Any:
    """Return the outputs of a mini-batch; a key of None drops nothing out."""
    if workload.categories:
        x = jnp.concatenate([x, parameters["table"][categories].reshape(len(x), -1)], axis=1)
    for weight, bias in parameters["layers"][:-1]:
        x = jax.nn.relu(x @ weight + bias)
        if workload.dropout and key is not None:
            key, used = jax.random.split(key)
            keep = 1 - workload.dropout
            x = jnp.where(jax.random.bernoulli(used, keep, x.shape), x / keep, 0)
    weight, bias = parameters["layers"][-1]
    return x @ weight + bias


def mean_loss(workload: Workload, output: Any, y: Any) -> Any:
    """Return the mean loss over a mini-batch, as Pellucid defines it."""
    if workload.task == "multiclass":
        return optax.softmax_cross_entropy_with_integer_labels(output, y).mean()
    if workload.task == "multilabel":
        return optax.sigmoid_binary_cross_entropy(output, y).sum(axis=1).mean()
    return 0.5 * ((output - y) ** 2).sum(axis=1).mean()


def make_epoch(workload: Workload, shuffled: bool) -> Callable[..., Any]:
    """Return ``epoch(parameters, state, key, order)``, which returns parameters, state and the losses of its steps.

    With `shuffled`, the key gives the order of examples and what is dropped out, and the order is not looked at.
    """
    examples = make_examples(workload)
    x, y = jnp.asarray(examples.x), jnp.asarray(examples.y)
    offsets = np.cumsum([0, *workload.categories[:-1]])
    categories = None if examples.categories is None else jnp.asarray(examples.categories + offsets)
    optimizer = optax.adam(1e-3)

    def objective(parameters: Any, rows: Any, key: Any) -> Any:
        chosen = None if categories is None else categories[rows]
        return mean_loss(workload, apply_network(workload, parameters, x[rows], chosen, key), y[rows])

    def epoch(parameters: Any, state: Any, key: Any, order: Any) -> Any:
        def step(carried: Any, given: Any) -> Any:
            parameters, state = carried
            rows, key = given
            value, gradients = jax.value_and_grad(objective)(parameters, rows, key)
            updates, state = optimizer.update(gradients, state)
            return (optax.apply_updates(parameters, updates), state), value

        keys = None
        if shuffled:
            shuffling, dropping = jax.random.split(key)
            order = jax.random.permutation(shuffling, workload.examples)
            keys = jax.random.split(dropping, workload.steps) if workload.dropout else None
        rows = order.reshape(-1, workload.batch)
        (parameters, state), losses = jax.lax.scan(step, (parameters, state), (rows, keys))
        return parameters, state, losses

    return epoch


class Epochs:
    """Epochs of one network."""

    def __init__(self, workload: Workload):
        self.workload, self.versions = workload, VERSIONS
        self.epoch = make_epoch(workload, shuffled=True)

    def prepare(self) -> float | None:
        """Compile; return the seconds."""
        self._begin()
        began = time.perf_counter()
        # Donated: the compiled code may update parameters and state in place.
        compiled = jax.jit(self.epoch, donate_argnums=(0, 1)).lower(self.parameters, self.state, self.key, None)
        self.run: Callable[..., Any] = compiled.compile()
        return time.perf_counter() - began

    def measure(self, seconds: float) -> float:
        """Return the smallest seconds a step."""
        self._begin()
        return smallest_seconds(self._epoch, seconds) / self.workload.steps

    def compare(self, steps: int) -> list[float]:
        """Return the losses of some steps; nothing is dropped out."""
        self._begin()
        given = jax.jit(make_epoch(self.workload, shuffled=False))
        return given(self.parameters, self.state, self.key, jnp.asarray(make_order(self.workload, steps)))[2].tolist()

    def _begin(self) -> None:
        self.parameters = start_parameters(self.workload)
        self.state = optax.adam(1e-3).init(self.parameters)
        self.key = jax.random.PRNGKey(0)

    def _epoch(self) -> None:
        self.key, used = jax.random.split(self.key)
        self.parameters, self.state, losses = self.run(self.parameters, self.state, used, None)
        jax.block_until_ready((self.parameters, losses))


class Population(Epochs):
    """Networks side by side: the epoch of one of them under vmap."""

    def __init__(self, workload: Workload):
        super().__init__(workload)
        self.epoch = jax.vmap(make_epoch(workload, shuffled=True), in_axes=(0, 0, 0, None))

    def measure(self, seconds: float) -> float:
        """Return the smallest seconds a step of one network."""
        return super().measure(seconds) / self.workload.networks

    def compare(self, steps: int) -> list[float]:
        """Return the mean loss of each network's first epoch, which is not shuffled."""
        self._begin()
        given = jax.jit(jax.vmap(make_epoch(self.workload, shuffled=False), in_axes=(0, 0, 0, None)))
        order = jnp.arange(self.workload.examples)
        return given(self.parameters, self.state, self.key, order)[2].mean(axis=1).tolist()

    def _begin(self) -> None:
        networks = range(self.workload.networks)
        starts = [start_parameters(self.workload, seed) for seed in networks]
        self.parameters = jax.tree.map(lambda *arrays: jnp.stack(arrays), *starts)
        self.state = jax.vmap(optax.adam(1e-3).init)(self.parameters)
        self.key = jax.random.split(jax.random.PRNGKey(0), self.workload.networks)

    def _epoch(self) -> None:
        self.parameters, self.state, losses = self.run(self.parameters, self.state, self.key, None)
        jax.block_until_ready((self.parameters, losses))


class OnePrediction:
    """Probabilities of one row, from an array to an array."""

    def __init__(self, workload: Workload):
        self.workload, self.versions = workload, VERSIONS
        self.row = make_examples(workload).x

    def prepare(self) -> float | None:
        """Compile and predict once; return the seconds."""
        self.parameters = start_parameters(self.workload)
        began = time.perf_counter()

        def probabilities(parameters: Any, x: Any) -> Any:
            return jax.nn.softmax(apply_network(self.workload, parameters, x, None, None))

        self.run = jax.jit(probabilities)
        self._predict()
        return time.perf_counter() - began

    def measure(self, seconds: float) -> float:
        """Return the smallest seconds a call."""
        return smallest_seconds(self._predict, seconds)

    def compare(self, steps: int) -> list[float]:
        """Return the probabilities of the row."""
        return self._predict()[0].tolist()

    def _predict(self) -> np.ndarray:
        return np.asarray(self.run(self.parameters, self.row))
