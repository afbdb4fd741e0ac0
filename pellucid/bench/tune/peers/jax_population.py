"""JAX: tiny networks side by side by vmap around a compiled scan over the steps of an epoch."""

from __future__ import annotations

import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from pellucid.bench.tune.clock import Clock
from pellucid.bench.tune.material import BATCH, TINY, TINY_RATE, make_tiny
from pellucid.bench.tune.peers.populations import Share, do_share, measure


def train_population(clock: Clock, folder: str, cores: int, **given: Any) -> dict[str, Any]:
    """Train networks in the best form."""
    return {"startup": clock(), **measure(work, cores=cores, **given)}


def work(share: Share) -> dict[str, Any]:
    """Do a share of the networks."""
    return do_share(share, _Population)


class _Population:
    def __init__(self, share: Share):
        x, y = make_tiny(share.examples)
        self.x, self.y = jnp.asarray(x), jnp.asarray(y)
        self.optimizer = optax.adam(TINY_RATE)
        self.epochs: dict[int, Any] = {}

    def prepare(self, networks: int) -> None:
        """Compile for chunks of so many."""
        if networks not in self.epochs:
            parameters, state = self._begin(range(networks))
            run = jax.jit(jax.vmap(self._epoch), donate_argnums=(0, 1))
            self.epochs[networks] = run.lower(parameters, state, self._orders(range(networks), 0)).compile()

    def train(self, seeds: range, epochs: int) -> list[float]:
        """Train a chunk; return the mean loss over the last epoch of each network."""
        parameters, state = self._begin(seeds)
        losses = None
        for number in range(epochs):
            parameters, state, losses = self.epochs[len(seeds)](parameters, state, self._orders(seeds, number))
        return np.asarray(jax.block_until_ready(losses)).tolist()

    def _begin(self, seeds: range) -> tuple[Any, Any]:
        random = np.random.default_rng(seeds[0])
        parameters = []
        for a, b in itertools.pairwise(TINY):
            limit = float(np.sqrt(6 / (a + b)))
            weights = random.uniform(-limit, limit, (len(seeds), a, b)).astype(np.float32)
            parameters.append((jnp.asarray(weights), jnp.zeros((len(seeds), b), jnp.float32)))
        return parameters, jax.vmap(self.optimizer.init)(parameters)

    def _orders(self, seeds: range, epoch: int) -> np.ndarray:
        """Draw an order for each network; sorting in compiled code takes longer."""
        random = np.random.default_rng((seeds[0], epoch))
        drawn = random.random((len(seeds), len(self.x)), dtype=np.float32)
        return drawn.argsort(axis=1).astype(np.int32)

    def _epoch(self, parameters: Any, state: Any, order: Any) -> Any:
        """Do an epoch of one network, its last and smaller mini-batch apart."""
        whole = len(order) // BATCH
        carried = (parameters, state)
        carried, losses = jax.lax.scan(self._step, carried, order[: whole * BATCH].reshape(whole, BATCH))
        total = losses.sum()
        if len(order) > whole * BATCH:
            carried, last = self._step(carried, order[whole * BATCH :])
            total = total + last
        return *carried, total / len(order)

    def _step(self, carried: Any, rows: Any) -> Any:
        parameters, state = carried

        def objective(parameters: Any) -> Any:
            (inner, offset), (outer, last) = parameters
            output = jax.nn.relu(self.x[rows] @ inner + offset) @ outer + last
            return optax.softmax_cross_entropy_with_integer_labels(output, self.y[rows]).mean()

        value, gradients = jax.value_and_grad(objective)(parameters)
        updates, state = self.optimizer.update(gradients, state)
        return (optax.apply_updates(parameters, updates), state), value * len(rows)
