"""PyTorch: eager or compiled steps, one network or a population by batched products, and one-row prediction."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from pellucid.bench.candidate import Candidate
from pellucid.bench.material import make_examples, make_order, make_start
from pellucid.bench.timing import smallest_seconds
from pellucid.bench.workloads import Workload

VERSIONS = {"PyTorch": str(torch.__version__)}


def make_candidate(workload: Workload, threads: int, name: str) -> Candidate:
    """Return PyTorch's candidate for a workload."""
    torch.set_num_threads(threads)
    if workload.predicts:
        return OnePrediction(workload)
    return Population(workload) if workload.networks > 1 else Epochs(workload, compiled=name == "torch_compile")


class Net(nn.Module):
    """The network of a workload. All categories stand in one table: one lookup is faster than one for each column."""

    def __init__(self, workload: Workload):
        super().__init__()
        dtype = getattr(torch, workload.dtype)
        self.table = None
        if workload.categories:
            self.table = nn.Embedding(sum(workload.categories), Workload.EMBEDDED, dtype=dtype)
        parts: list[nn.Module] = []
        for features, units in zip(workload.sizes, workload.sizes[1:], strict=False):
            parts += [nn.Linear(features, units, dtype=dtype), nn.ReLU()]
            parts += [nn.Dropout(workload.dropout)] if workload.dropout else []
        self.layers = nn.Sequential(*parts[: -2 if workload.dropout else -1])

    def forward(self, x: Tensor, categories: Tensor | None = None) -> Tensor:
        if self.table is not None and categories is not None:
            x = torch.cat([x, self.table(categories).flatten(1)], dim=1)
        return self.layers(x)

    def set_parameters(self, workload: Workload, seed: int = 0) -> None:
        """Set the parameters to those that all candidates start from."""
        start = make_start(workload, seed)
        linear = [layer for layer in self.layers if isinstance(layer, nn.Linear)]
        with torch.no_grad():
            for layer, weight, bias in zip(linear, start.weights, start.biases, strict=True):
                layer.weight.copy_(torch.from_numpy(weight.T))
                layer.bias.copy_(torch.from_numpy(bias))
            if self.table is not None:
                self.table.weight.copy_(torch.from_numpy(np.concatenate(start.tables)))


def loss_function(workload: Workload) -> Callable[[Tensor, Tensor], Tensor]:
    """Return the mean loss over a mini-batch, as Pellucid defines it."""
    if workload.task == "multiclass":
        return functional.cross_entropy
    if workload.task == "multilabel":
        with_logits = functional.binary_cross_entropy_with_logits
        return lambda output, y: with_logits(output, y, reduction="sum") / len(y)
    return lambda output, y: functional.mse_loss(output, y, reduction="sum") / (2 * len(y))


class Epochs:
    """Epochs of one network."""

    def __init__(self, workload: Workload, compiled: bool):
        self.workload, self.compiled, self.versions = workload, compiled, VERSIONS
        examples = make_examples(workload)
        self.x, self.y = torch.from_numpy(examples.x), torch.from_numpy(examples.y)
        self.categories = None
        if examples.categories is not None:
            offsets = np.cumsum([0, *workload.categories[:-1]])
            self.categories = torch.from_numpy(examples.categories + offsets)

    def prepare(self) -> float | None:
        """Build and do a step; return the seconds where that includes compiling."""
        began = time.perf_counter()
        self.net = Net(self.workload)
        loss = loss_function(self.workload)

        def mean_loss(x: Tensor, categories: Tensor | None, y: Tensor) -> Tensor:
            return loss(self.net(x, categories), y)

        self.mean_loss: Callable[..., Tensor] = torch.compile(mean_loss) if self.compiled else mean_loss
        self._begin()
        self._step(torch.arange(self.workload.batch))
        return time.perf_counter() - began if self.compiled else None

    def measure(self, seconds: float) -> float:
        """Return the smallest seconds a step."""
        self._begin()
        return smallest_seconds(self._epoch, seconds) / self.workload.steps

    def compare(self, steps: int) -> list[float]:
        """Return the losses of some steps; nothing is dropped out."""
        self._begin()
        self.net.eval()
        found = [
            float(self._step(rows).detach())
            for rows in torch.from_numpy(make_order(self.workload, steps)).split(self.workload.batch)
        ]
        self.net.train()
        return found

    def _begin(self) -> None:
        self.net.set_parameters(self.workload)
        self.optimizer = torch.optim.Adam(self.net.parameters(), lr=1e-3, fused=True)

    def _epoch(self) -> None:
        order = torch.randperm(self.workload.examples)
        for start in range(0, self.workload.examples, self.workload.batch):
            self._step(order[start : start + self.workload.batch])

    def _step(self, rows: Tensor) -> Tensor:
        self.optimizer.zero_grad()
        categories = None if self.categories is None else self.categories[rows]
        loss = self.mean_loss(self.x[rows], categories, self.y[rows])
        loss.backward()
        self.optimizer.step()
        return loss


class Population:
    """Networks side by side: every product is a batched one."""

    def __init__(self, workload: Workload):
        self.workload, self.versions = workload, VERSIONS
        examples = make_examples(workload)
        self.x, self.y = torch.from_numpy(examples.x), torch.from_numpy(examples.y)

    def prepare(self) -> float | None:
        """Do a step."""
        self._begin()
        self._step(torch.arange(self.workload.batch).expand(self.workload.networks, -1))
        return None

    def measure(self, seconds: float) -> float:
        """Return the smallest seconds a step of one network."""
        self._begin()
        return smallest_seconds(self._epoch, seconds) / (self.workload.steps * self.workload.networks)

    def compare(self, steps: int) -> list[float]:
        """Return the mean loss of each network's first epoch, which is not shuffled."""
        self._begin()
        total = torch.zeros(self.workload.networks)
        for rows in torch.arange(self.workload.examples).split(self.workload.batch):
            total += self._step(rows.expand(self.workload.networks, -1)).detach()
        return (total / self.workload.steps).tolist()

    def _begin(self) -> None:
        starts = [make_start(self.workload, seed) for seed in range(self.workload.networks)]
        layers = range(len(self.workload.sizes) - 1)
        self.weights = [_stacked([start.weights[layer] for start in starts]) for layer in layers]
        self.biases = [_stacked([start.biases[layer][None] for start in starts]) for layer in layers]
        self.optimizer = torch.optim.Adam(self.weights + self.biases, lr=1e-3, fused=True)

    def _epoch(self) -> None:
        orders = [torch.randperm(self.workload.examples) for _ in range(self.workload.networks)]
        for rows in torch.stack(orders).split(self.workload.batch, dim=1):
            self._step(rows)

    def _step(self, rows: Tensor) -> Tensor:
        """Do a step of all networks; return the mean loss of each."""
        value = self.x[rows]
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            value = torch.baddbmm(bias, value, weight)
            value = value if layer == len(self.weights) - 1 else torch.relu(value)
        each = functional.cross_entropy(value.flatten(0, 1), self.y[rows].flatten(), reduction="none")
        losses = each.view(rows.shape).mean(1)
        self.optimizer.zero_grad()
        losses.sum().backward()
        self.optimizer.step()
        return losses


def _stacked(arrays: list[Any]) -> Tensor:
    return torch.from_numpy(np.stack(arrays)).requires_grad_()


class OnePrediction:
    """Probabilities of one row, from an array to an array."""

    def __init__(self, workload: Workload):
        self.workload, self.versions = workload, VERSIONS
        self.row = make_examples(workload).x

    def prepare(self) -> float | None:
        """Predict once."""
        self.net = Net(self.workload).eval()
        self.net.set_parameters(self.workload)
        self._predict()
        return None

    def measure(self, seconds: float) -> float:
        """Return the smallest seconds a call."""
        return smallest_seconds(self._predict, seconds)

    def compare(self, steps: int) -> list[float]:
        """Return the probabilities of the row."""
        return self._predict()[0].tolist()

    def _predict(self) -> np.ndarray:
        with torch.inference_mode():
            return torch.softmax(self.net(torch.from_numpy(self.row)), dim=1).numpy()
