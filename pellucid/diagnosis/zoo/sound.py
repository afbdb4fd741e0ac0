"""Sound set-ups by seed: a network, a loss and an optimizer that suit the data."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.diagnosis.zoo.materials import Material, material
from pellucid.diagnosis.zoo.situation import Situation, divide
from pellucid.nn.branches import Shortcut
from pellucid.nn.layers import Dense, LayerNorm
from pellucid.nn.network import Layer
from pellucid.nn.noise import Dropout
from pellucid.nn.regularizers import L2
from pellucid.optim.adaptive import AdaGrad, Adam, AdamW, NAdam, RMSprop
from pellucid.optim.gradient_descent import GradientDescent, Momentum, Nesterov
from pellucid.optim.lbfgs import LBFGS
from pellucid.optim.lion import Lion
from pellucid.optim.rprop import Rprop

LOSS = {
    "regression": "squared_error",
    "reconstruction": "squared_error",
    "counts": "poisson",
    "binary": "binary_cross_entropy",
    "multiclass": "softmax_cross_entropy",
    "multilabel": "multilabel_cross_entropy",
}
"""The loss of each task."""

OPTIMIZERS: dict[str, Any] = {
    "adam": Adam(0.005),
    "adamw": AdamW(0.005),
    "nadam": NAdam(0.004),
    "rmsprop": RMSprop(0.002),
    "adagrad": AdaGrad(0.05),
    "lion": Lion(0.001),
    "momentum": Momentum(0.01),
    "nesterov": Nesterov(0.01),
    "gradient_descent": GradientDescent(0.1),
    "rprop": Rprop(),
    "lbfgs": LBFGS(),
}
"""Optimizers with step sizes that suit small networks on standardized data."""

WHOLE = ("rprop", "lbfgs")
"""Those that take all examples at once."""

CLASSES = ("wine", "breast_cancer", "digits", "moons", "circles", "product", "rings", "clusters")
NUMBERS = ("friedman1", "friedman2", "sine", "waves", "teacher", "arm")
CURVED = ("moons", "circles", "product", "rings", "sine", "waves", "teacher", "friedman1", "arm")
"""Data on which a linear model does badly."""

USUAL = ("relu", "tanh", "leaky_relu", "elu", "gelu", "silu", "softplus")
SMALL_STEPS = ("adam", "adamw", "momentum", "nesterov", "rmsprop")


@dataclass(frozen=True)
class Wish:
    """What a fault needs of the sound set-up that it is put into.

    Attributes
    ----------
    materials, activations, optimizers : tuple of str
        One of each is chosen.
    depths, widths : tuple of int
        Hidden layers, and units in each.
    validation : bool or None
        Whether a share is held out, with early stopping; None chooses.
    batches : tuple of int
        Sizes of mini-batches.
    plain : bool
        Dense layers only: no dropout, shortcuts or normalization.
    steps : int
        About how many steps are taken.
    """

    materials: tuple[str, ...] = CLASSES + NUMBERS
    activations: tuple[str, ...] = USUAL
    optimizers: tuple[str, ...] = SMALL_STEPS
    depths: tuple[int, ...] = (1, 2, 3)
    widths: tuple[int, ...] = (24, 32, 48)
    validation: bool | None = None
    batches: tuple[int, ...] = (16, 32)
    plain: bool = True
    steps: int = 2400


def sound(wish: Wish, rng: np.random.Generator) -> Situation:
    """Return a sound set-up that fulfils a wish, chosen by the random numbers."""
    seed = int(rng.integers(2**31))
    data = material(str(rng.choice(wish.materials)), seed)
    learning, test = divide(data)
    depth, width = (int(rng.choice(options)) for options in (wish.depths, wish.widths))
    layers = hidden_layers(str(rng.choice(wish.activations)), depth, width, wish.plain, rng)
    name = str(rng.choice(wish.optimizers))
    batch = None if name in WHOLE else int(rng.choice(wish.batches))
    options: dict[str, Any] = {"loss": LOSS[data.task], "optimizer": OPTIMIZERS[name], "seed": seed % 1000}
    options |= {"batch_size": batch, "epochs": epochs_for(wish.steps, len(learning), batch), "progress": False}
    noisy = data.name == "diabetes" or len(learning) < 150
    hold = bool(rng.random() < 0.5) if wish.validation is None else wish.validation
    if hold or (noisy and wish.validation is None):
        options |= {"validation": 0.2, "patience": max(10, options["epochs"] // 4)}
    if noisy and name != "adamw":
        options["regularizers"] = [L2(0.003)]
    return Situation(data, learning, test, test, (*layers, output_layer(data)), options, data.columns)


def output_layer(data: Material) -> Dense:
    """Return the last layer: linear."""
    return Dense(data.outputs)


def epochs_for(steps: int, rows: int, batch: int | None) -> int:
    """Return how many epochs are about so many steps: 10 to 120; 150 where all examples are one step."""
    return 150 if batch is None else int(np.clip(round(steps / math.ceil(rows / batch)), 10, 120))


def hidden_layers(activation: str, depth: int, width: int, plain: bool, rng: np.random.Generator) -> tuple[Layer, ...]:
    """Return hidden layers: dense ones, or with normalization, dropout or shortcuts as well."""
    dense: list[Layer] = [Dense(width, activation) for _ in range(depth)]
    style = "plain" if plain else str(rng.choice(("plain", "plain", "normalized", "dropout", "shortcut")))
    if style == "normalized":
        return tuple(layer for each in dense for layer in (each, LayerNorm()))
    if style == "dropout":
        return (*dense, Dropout(0.1))
    if style == "shortcut":
        return (dense[0], *(Shortcut([Dense(width, activation), Dense(width)]) for _ in range(depth)))
    return tuple(dense)
