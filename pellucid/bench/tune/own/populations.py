"""Many tiny networks at once."""

from __future__ import annotations

from typing import Any

import numpy as np

from pellucid.bench.tune.clock import Clock
from pellucid.bench.tune.material import BATCH, TINY, TINY_RATE, make_tiny
from pellucid.data.dataset import Dataset
from pellucid.nn.layers import Dense
from pellucid.nn.network import Network
from pellucid.optim.adaptive import Adam
from pellucid.training.population import fit_population


def train_population(
    clock: Clock, folder: str, networks: int, examples: int, epochs: int, cores: int
) -> dict[str, Any]:
    """Train all networks, each with its own seed and order of examples."""
    x, y = make_tiny(examples)
    hidden = Dense(TINY[1], "relu", initializer="glorot_uniform")
    network = Network([hidden, Dense(TINY[2], initializer="glorot_uniform")], inputs=TINY[0])
    startup = clock()
    population = fit_population(
        network,
        Dataset({"x": x}, y),
        networks,
        loss="softmax_cross_entropy",
        optimizer=Adam(TINY_RATE),
        epochs=epochs,
        batch_size=BATCH,
        progress=False,
        threads=cores,
    )
    training = clock() - startup
    losses = [found.history[-1]["loss"] for found in population]
    return {
        "startup": startup,
        "whole": {"networks": networks, "seconds": training},
        "loss": float(np.mean(losses)),
        "deviation": float(np.std(losses)),
    }
