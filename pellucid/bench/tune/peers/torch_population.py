"""PyTorch: tiny networks side by side by batched products."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from pellucid.bench.tune.clock import Clock
from pellucid.bench.tune.material import BATCH, TINY, TINY_RATE, make_tiny
from pellucid.bench.tune.peers.populations import Share, do_share, measure


def train_population(clock: Clock, folder: str, cores: int, **given: Any) -> dict[str, Any]:
    """Train networks in the best form."""
    return {"startup": clock(), **measure(work, cores=cores, **given)}


def work(share: Share) -> dict[str, Any]:
    """Do a share of the networks."""
    torch.set_num_threads(share.threads)
    return do_share(share, _Population)


class _Population:
    def __init__(self, share: Share):
        self.x, self.y = map(torch.from_numpy, make_tiny(share.examples))

    def prepare(self, networks: int) -> None:
        """Nothing is compiled."""

    def train(self, seeds: range, epochs: int) -> list[float]:
        """Train a chunk; return the mean loss over the last epoch of each network."""
        torch.manual_seed(seeds[0])
        weights = [_weights(len(seeds), a, b) for a, b in itertools.pairwise(TINY)]
        biases = [torch.zeros(len(seeds), 1, units, requires_grad=True) for units in TINY[1:]]
        optimizer = torch.optim.Adam(weights + biases, lr=TINY_RATE, fused=True)
        losses = torch.zeros(len(seeds))
        for _ in range(epochs):
            losses.zero_()
            order = torch.rand(len(seeds), len(self.x)).argsort(dim=1)
            for rows in order.split(BATCH, dim=1):
                losses += _step(self.x[rows], self.y[rows], weights, biases, optimizer)
        return (losses / len(self.x)).tolist()


def _weights(networks: int, features: int, units: int) -> Tensor:
    limit = float(np.sqrt(6 / (features + units)))
    return torch.empty(networks, features, units).uniform_(-limit, limit).requires_grad_()


def _step(
    x: Tensor, y: Tensor, weights: list[Tensor], biases: list[Tensor], optimizer: torch.optim.Optimizer
) -> Tensor:
    """Do a step of all networks; return the sum of the losses of its examples for each."""
    hidden = torch.relu(torch.baddbmm(biases[0], x, weights[0]))
    output = torch.baddbmm(biases[1], hidden, weights[1])
    each = functional.cross_entropy(output.flatten(0, 1), y.flatten(), reduction="none")
    sums = each.view(y.shape).sum(dim=1)
    optimizer.zero_grad()
    (sums.sum() / y.shape[1]).backward()
    optimizer.step()
    return sums.detach()
