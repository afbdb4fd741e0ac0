"""Rings: by polar features, and by a hidden layer that finds its own

A disk inside a ring is not separable by a line in x and y. Given the distance from the centre as a feature, one
neuron separates them. Given only x and y, a hidden layer has to find features of its own: its units draw lines around
the disk, and in their space the classes lie on two sides of a plane.
"""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import pellucid as pl


def draw_rings(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return points of a disk (0) and of the ring around it (1)."""
    random = np.random.default_rng(seed)
    y = np.arange(count) % 2
    angle = random.uniform(0, 2 * np.pi, count)
    radius = np.where(y, random.uniform(1.7, 2.4, count), random.uniform(0, 1.2, count))
    return np.c_[radius * np.cos(angle), radius * np.sin(angle)], y


def polar(x: np.ndarray) -> np.ndarray:
    """Return distance and angle."""
    return np.c_[np.hypot(x[:, 0], x[:, 1]), np.arctan2(x[:, 1], x[:, 0])]


def main() -> Figure:
    x, y = draw_rings(300, seed=0)
    new, truth = draw_rings(1000, seed=1)
    neuron = pl.Network([pl.Dense(1)], inputs=2, dtype="float64")
    hidden = pl.Network([pl.Dense(4, "tanh"), pl.Dense(1)], inputs=2, dtype="float64")
    options = {"loss": "binary_cross_entropy", "optimizer": "lbfgs", "epochs": 300}
    smooth = {**options, "regularizers": [pl.regularizers.L2(1e-3)]}
    ways = {
        "a neuron on x and y": (pl.fit(neuron, pl.Dataset({"x": x}, y), **options), np.asarray),
        "a neuron on distance and angle": (pl.fit(neuron, pl.Dataset({"x": polar(x)}, y), **options), polar),
        "four hidden units on x and y": (pl.fit(hidden, pl.Dataset({"x": x}, y), **smooth), np.asarray),
    }
    right = {
        name: np.mean((fitted.predict(features(new)).ravel() > 0.5) == truth)
        for name, (fitted, features) in ways.items()
    }
    assert right["a neuron on x and y"] < 0.7
    assert right["a neuron on distance and angle"] > 0.99
    assert right["four hidden units on x and y"] > 0.97

    figure = Figure(figsize=(12, 4.2), layout="constrained")
    a, b = np.meshgrid(np.linspace(-2.8, 2.8, 140), np.linspace(-2.8, 2.8, 140))
    grid = np.c_[a.ravel(), b.ravel()]
    for ax, (name, (fitted, features)) in zip(figure.subplots(1, 3), ways.items(), strict=True):
        values = fitted.predict(features(grid)).reshape(a.shape)
        ax.contourf(a, b, values, levels=np.linspace(0, 1, 11), cmap="RdBu_r", alpha=0.6)
        ax.scatter(*x.T, c=np.where(y, "#b2182b", "#2166ac"), s=8)
        if "hidden" in name:
            weight, bias = fitted.parameters["dense_1/weight"], fitted.parameters["dense_1/bias"]
            for unit in range(4):  # where the unit's tanh is 0
                ax.contour(a, b, a * weight[0, unit] + b * weight[1, unit] + bias[unit], [0], colors="k", linewidths=1)
        ax.set(title=f"{name}: {right[name]:.0%} right", aspect="equal", xticks=[], yticks=[])
    return figure


if __name__ == "__main__":
    main().savefig(Path(__file__).stem + ".png", dpi=150)
