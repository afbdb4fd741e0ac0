"""Random training steps from a seed: networks of all layers, losses, optimizers and regularizers, of odd sizes."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

import pellucid as pl
from pellucid.errors import PellucidError
from pellucid.nn.losses.loss import loss, loss_names
from pellucid.nn.regularizers import L1, L2, InputNoise, MaxNorm, Mixup, TargetNoise
from pellucid.optim.optimizers import OPTIMIZERS, optimizer
from pellucid.training.preparation import losses_by_output
from pellucid.training.step import TrainingStep, build_step

SIZES = (1, 3, 15, 16, 17, 33, 65, 130)
BENT = ("relu", "tanh", "sigmoid", "softplus", "gelu", "elu", "leaky_relu", "silu", "mish", "identity", "selu")


@dataclass(frozen=True)
class RandomStep:
    """A training step, and values for all inputs of its graph."""

    seed: int
    step: TrainingStep
    inputs: dict[str, np.ndarray]


def random_step(seed: int, sizes: tuple[int, ...] = SIZES) -> RandomStep:
    """Return the random training step of a seed."""
    for attempt in itertools.count():
        rng = np.random.default_rng([seed, attempt])
        try:
            return _Maker(rng, sizes).make(seed)
        except PellucidError:
            continue  # a choice that does not fit, such as a loss that asks for another number of outputs
    raise AssertionError


class _Maker:
    def __init__(self, rng: np.random.Generator, sizes: tuple[int, ...]):
        self.rng, self.sizes = rng, sizes
        self.dtype = self.choose(("float32", "float32", "float64"))
        self.below: dict[str, np.ndarray | int] = {}
        """Of inputs of whole numbers: what they stay below."""

    def choose(self, things):
        return things[int(self.rng.integers(len(things)))]

    def flip(self, chance: float = 0.5) -> bool:
        return bool(self.rng.random() < chance)

    def size(self) -> int:
        return int(self.choose(self.sizes))

    def make(self, seed: int) -> RandomStep:
        inputs, first = self.start()
        layers = [first] if first is not None else []
        for _ in range(int(self.rng.integers(0, 4))):
            layers.append(self.layer())
        found = loss(self.choose([name for name in loss_names() if name != "quantile"]))
        layers.append(pl.Dense(self.size(), bias=self.flip(0.8)))
        network = pl.Network(layers, inputs=inputs, dtype=self.dtype)
        (output,) = network.outputs.values()
        self.below["target"] = int(found.target_range(output)[1]) + 1 if "multiclass" in str(found.task) else 2
        name = self.choose([name for name in OPTIMIZERS if name != "lbfgs"])
        step = build_step(
            network,
            losses_by_output(network, found),
            optimizer(name),
            batch=self.size(),
            regularizers=self.regularizers(),
            clip_value=0.5 if self.flip(0.2) else None,
            clip_norm=1.0 if self.flip(0.3) else None,
        )
        return RandomStep(seed, step, self.values(step, network.initialize(seed)))

    def start(self):
        kind = int(self.rng.integers(5))
        if kind == 0:
            return {"image": getattr(pl, self.dtype)[self.choose((1, 3, 5)), self.choose((1, 4, 17))]}, pl.Flatten()
        if kind == 1:
            categories = tuple(int(self.choose((1, 3, 20))) for _ in range(self.choose((1, 2, 3))))
            self.below["kind"] = np.array(categories)
            return {"kind": pl.int32[len(categories)]}, pl.Embedding(categories, tuple(len(categories) * [self.size()]))
        return self.size(), None

    def dense(self, units: int | None = None):
        noise = 0.1 if self.flip(0.1) else None
        units = self.size() if units is None else units
        return pl.Dense(units, self.choose(BENT), bias=self.flip(0.8), weight_noise=noise)

    def layer(self):
        kind = int(self.rng.integers(10))
        if kind == 0:
            return pl.Dropout(0.3)
        if kind == 1:
            return pl.GaussianNoise(0.1)
        if kind == 2:
            return pl.LayerNorm()
        if kind == 3:
            return pl.Shortcut([self.dense(), self.dense()], projection=True)
        if kind == 4:
            return pl.ConcatenateShortcut(self.dense())
        if kind == 5:
            units = self.size()
            return pl.Sum([self.dense(units), [self.dense(), self.dense(units)]])
        if kind == 6:
            return pl.Concatenate([self.dense(), [self.dense(), self.dense()]])
        if kind == 7:
            return pl.InputToAll([self.dense(), self.dense()])
        if kind == 8:
            units = self.size()
            shared = pl.Shortcut([self.dense(), pl.Dense(units, "tanh")])
            return pl.Sequential([self.dense(units), shared, shared])
        return self.dense()

    def regularizers(self):
        known = (L1(0.01), L2(0.02), MaxNorm(0.7), InputNoise(0.1), TargetNoise(0.1), Mixup(0.4))
        return [found for found in known if self.flip(0.2)]

    def values(self, step: TrainingStep, parameters: dict) -> dict[str, np.ndarray]:
        carried = {**parameters, **step.initial_state(parameters)}
        values: dict[str, np.ndarray] = {}
        for name, node in step.graph.inputs.items():
            type, shape = node.type, tuple(map(int, node.type.shape))
            if name in carried:
                values[name] = np.asarray(carried[name], type.dtype.numpy)
            elif name in step.settings:
                values[name] = np.asarray(step.settings[name], type.dtype.numpy)
            elif name == step.form.weight:
                weights = self.rng.uniform(0.5, 2, shape)
                weights[max(1, shape[0] - int(self.rng.integers(3))) :] = 0  # the last mini-batch is not full
                values[name] = weights.astype(type.dtype.numpy)
            elif name in ("seed", "step"):
                values[name] = np.asarray(self.rng.integers(0, 1000), type.dtype.numpy)
            elif type.dtype.is_float:
                numbers = self.rng.uniform(0, 1, shape) if name.startswith("target") else self.rng.normal(size=shape)
                numbers = np.round(numbers) if name.startswith("target") and self.flip() else numbers
                values[name] = numbers.astype(type.dtype.numpy)
            else:
                values[name] = self.rng.integers(0, self.below[name], shape).astype(type.dtype.numpy)
        return values
