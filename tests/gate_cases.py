"""Cases for the tests of gates: healthy trainings of all tasks, and records of layers made by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

import pellucid as pl
from pellucid.diagnosis.gates.case import Case
from pellucid.inspection.layers import LayerRecord, LayerRecords
from pellucid.inspection.summary import summarize_array
from pellucid.training.result import Fit

ADAM = pl.optimizers.Adam


def parts(x: np.ndarray, y: np.ndarray, share: float = 0.7, seed: int = 0) -> tuple[pl.Dataset, pl.Dataset]:
    order = np.random.default_rng(seed).permutation(len(x))
    cut = round(share * len(x))
    return tuple(pl.Dataset({"x": x[rows]}, y[rows]) for rows in (order[:cut], order[cut:]))


def waves(count: int = 300, noise: float = 0.1, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.uniform(-2, 2, (count, 1))
    return x, np.sin(2 * x) + noise * rng.normal(size=x.shape)


def linear(count: int = 200, seed: int = 0) -> pl.Dataset:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, 4))
    return pl.Dataset({"x": x}, (x @ [1.0, 2.0, -1.0, 0.5])[:, None] + 0.1 * rng.normal(size=(count, 1)))


def blobs(count: int = 300, classes: int = 3, seed: int = 2) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = rng.integers(0, classes, count)
    middles = rng.normal(size=(classes, 4)) * 2
    return middles[y] + rng.normal(size=(count, 4)), y


def rings(count: int = 300, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, count)
    angle, radius = rng.uniform(0, 2 * np.pi, count), 0.5 + y + 0.15 * rng.normal(size=count)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1), y


def record(name: str, *, units: int = 8, rows: int = 4, gradient: float = 1.0, activation: str = "relu", **more: Any):
    """A layer whose gradient has this norm."""
    array = np.full((rows, units), gradient / np.sqrt(rows * units))
    values = {"dead": 0.0, "stuck": 0.0, "update_ratio": 1e-3, **more}
    weight = summarize_array(values.pop("weight", np.ones((4, units))))
    summary = summarize_array(np.ones((rows, units)))
    return LayerRecord(
        name, activation, summary, summarize_array(array), weight=weight, weight_gradient=weight, **values
    )


def moments(*layers_of_moments: list[LayerRecord]) -> list[LayerRecords]:
    return [LayerRecords(epoch, epoch, 1.0, tuple(layers)) for epoch, layers in enumerate(layers_of_moments)]


def with_curve(case: Case, fitted: Fit, losses: list[float]) -> Case:
    """The case of a training with this curve."""
    history = [{"epoch": number + 1, "step": number + 1, "loss": loss} for number, loss in enumerate(losses)]
    return case.trained(replace(fitted, history=history), ())


def _labels() -> tuple[np.ndarray, np.ndarray]:
    x = np.random.default_rng(4).normal(size=(400, 6))
    return x, (x[:, :3] + 0.5 * x[:, 3:] > 0).astype(int)


def _counts() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    x = rng.normal(size=(500, 3))
    return x, rng.poisson(np.exp(0.8 * x[:, :1] - 0.5 * x[:, 1:2])).astype(float)


def _codes() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(6)
    x = rng.normal(size=(300, 3)) @ rng.normal(size=(3, 8))
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    return x, x


def _categories() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(7)
    x = rng.integers(0, 5, (400, 2))
    effects = np.array([[1.0, -1.0, 0.5, 2.0, -2.0], [0.0, 0.5, -0.5, 0.2, 0.4]])
    return x, (effects[0, x[:, 0]] + effects[1, x[:, 1]])[:, None] + 0.1 * rng.normal(size=(400, 1))


def _layers(*units: int, activation: str = "relu") -> list[pl.Layer]:
    return [*(pl.Dense(size, activation) for size in units[:-1]), pl.Dense(units[-1])]


Healthy = tuple[Callable[[], Any], list[pl.Layer], Any, dict[str, Any]]

HEALTHY: dict[str, Healthy] = {
    "regression": (waves, _layers(32, 32, 1, activation="tanh"), 1, {"loss": "squared_error", "epochs": 150}),
    "binary": (rings, _layers(16, 16, 1), 2, {"loss": "binary_cross_entropy", "epochs": 80}),
    "multiclass": (blobs, _layers(16, 3, activation="tanh"), 4, {"loss": "softmax_cross_entropy", "epochs": 40}),
    "multilabel": (_labels, _layers(24, 3), 6, {"loss": "multilabel_cross_entropy", "epochs": 40}),
    "counts": (_counts, _layers(16, 1), 3, {"loss": "poisson", "epochs": 60, "validation": 0.15, "patience": 10}),
    "reconstruction": (_codes, _layers(16, 4, 16, 8, activation="tanh"), 8, {"loss": "squared_error", "epochs": 200}),
    "categories": (
        _categories,
        [pl.Embedding((5, 5), 3), *_layers(16, 1)],
        {"x": pl.int32[2]},
        {"loss": "squared_error", "epochs": 60},
    ),
    "variance": (waves, _layers(32, 2, activation="tanh"), 1, {"loss": "gaussian_log_likelihood", "epochs": 150}),
    "quantiles": (
        waves,
        _layers(32, 3, activation="tanh"),
        1,
        {"loss": pl.losses.Quantile((0.1, 0.5, 0.9)), "epochs": 150},
    ),
    "dropout": (
        blobs,
        [pl.Dense(48, "relu"), pl.Dropout(0.3), pl.Dense(3)],
        4,
        {"loss": "softmax_cross_entropy", "epochs": 60},
    ),
    "sigmoids": (rings, _layers(16, 1, activation="sigmoid"), 2, {"loss": "binary_cross_entropy", "epochs": 200}),
    "whole batches": (
        blobs,
        _layers(8, 3, activation="tanh"),
        4,
        {
            "loss": "softmax_cross_entropy",
            "epochs": 60,
            "optimizer": pl.optimizers.LBFGS(),
            "batch_size": None,
            "regularizers": [pl.regularizers.L2(0.01)],
        },
    ),
    "deep": (rings, _layers(24, 24, 24, 24, 24, 1), 2, {"loss": "binary_cross_entropy", "epochs": 80}),
}
"""By name: data, layers, inputs, and options of a training that nobody would object to."""


def healthy_case(name: str) -> Case:
    data, layers, inputs, options = HEALTHY[name]
    learning, test = parts(*data())
    return Case(pl.Network(layers, inputs), learning, {"optimizer": ADAM(0.01), **options}, test)
