"""Training with PyTorch as a search does it: eager steps, the fused Adam, and examples that are tensors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh}


@dataclass(frozen=True)
class Settings:
    """What a training is: sizes of hidden layers, and numbers."""

    hidden: Sequence[int]
    learning_rate: float
    weight_decay: float
    batch: int
    dropout: float = 0.0
    activation: str = "relu"


def make_net(inputs: int, outputs: int, settings: Settings) -> nn.Sequential:
    """Return a network; weights begin as scikit-learn's and Pellucid's do here (Glorot, uniform), biases at 0."""
    parts: list[nn.Module] = []
    features = inputs
    for units in settings.hidden:
        parts += [nn.Linear(features, units), ACTIVATIONS[settings.activation]()]
        parts += [nn.Dropout(settings.dropout)] if settings.dropout else []
        features = units
    net = nn.Sequential(*parts, nn.Linear(features, outputs))
    for part in net:
        if isinstance(part, nn.Linear):
            nn.init.xavier_uniform_(part.weight)
            nn.init.zeros_(part.bias)
    return net


class Learner:
    """One network that learns, epoch by epoch.

    Parameters
    ----------
    x, y : Tensor
        Examples [examples, features] in float32; classes as int64, or numbers [examples] in float32.
    outputs : int
        How many classes there are; 1 for numbers.
    """

    def __init__(self, x: Tensor, y: Tensor, outputs: int, settings: Settings, seed: int):
        torch.manual_seed(seed)
        self.x, self.y, self.batch = x, y, settings.batch
        self.net = make_net(x.shape[1], outputs, settings)
        self.optimizer = torch.optim.Adam(
            self.net.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=True
        )
        self.loss = functional.cross_entropy if y.dtype == torch.int64 else _squared_error

    def epoch(self) -> None:
        """Learn from all examples once, in a new order."""
        order = torch.randperm(len(self.x))
        x, y = self.x[order], self.y[order]
        for examples, targets in zip(x.split(self.batch), y.split(self.batch), strict=True):
            self.optimizer.zero_grad()
            self.loss(self.net(examples), targets).backward()
            self.optimizer.step()

    def epochs(self, count: int) -> Iterator[int]:
        """Learn for some epochs; yield the number of each."""
        for number in range(1, count + 1):
            self.epoch()
            yield number

    def predict(self, x: Tensor) -> np.ndarray:
        """Return probabilities of the classes [examples, classes], or numbers [examples]."""
        self.net.eval()
        with torch.inference_mode():
            output = self.net(x)
            found = torch.softmax(output, dim=1) if self.y.dtype == torch.int64 else output[:, 0]
        self.net.train()
        return found.numpy()


def _squared_error(output: Tensor, targets: Tensor) -> Tensor:
    return functional.mse_loss(output[:, 0], targets)
