"""The perceptron on separable and inseparable data

Rosenblatt's rule changes the weights only when an example is on the wrong side. Where a line separates the classes with
margin m, and all examples lie within R of the origin, it makes at most (R / m)² mistakes, however the examples are
ordered (Novikoff, 1962). Where no line does, it never comes to rest.
"""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import pellucid as pl


def two_clouds(distance: float) -> tuple[np.ndarray, np.ndarray]:
    """Return 60 points of two classes, so far apart."""
    random = np.random.default_rng(3)
    y = np.arange(60) % 2
    return random.normal(size=(60, 2)) * 0.7 + np.where(y, distance, -distance)[:, None] / 2 * [1.0, 0.6], y


def main() -> Figure:
    figure = Figure(figsize=(11, 4.5), layout="constrained")
    axes = figure.subplots(1, 3, width_ratios=[1, 1, 1.2])
    mistakes = {}
    for ax, name, distance in zip(axes, ("separable", "inseparable"), (3.1, 1.6), strict=False):
        x, y = two_clouds(distance)
        learned = pl.fit_perceptron(x, y, epochs=40, seed=0)
        mistakes[name] = learned.mistakes
        line = np.linspace(-4, 4, 2)
        ax.scatter(*x.T, c=np.where(y, "#d55e00", "#0072b2"), s=18)
        ax.plot(line, -(learned.weight[0] * line + learned.bias) / learned.weight[1], color="#555555")
        ax.set(title=name, xlim=(-4, 4), ylim=(-3.5, 3.5))
        axes[2].plot(range(1, len(learned.mistakes) + 1), learned.mistakes, "o-", ms=3, label=name)
    x, y = two_clouds(3.1)
    known = np.array([1.0, 0.6, 0.0]) / np.linalg.norm([1.0, 0.6])  # a line that separates; the bias weighs a 1
    extended = np.c_[x, np.ones(len(x))]
    margin = ((2 * y - 1) * (extended @ known)).min()
    bound = (np.linalg.norm(extended, axis=1).max() / margin) ** 2
    assert margin > 0 and sum(mistakes["separable"]) <= bound  # Novikoff
    assert mistakes["separable"][-1] == 0  # it has come to rest
    assert min(mistakes["inseparable"]) > 0  # it never does
    axes[2].set(title="mistakes in each pass", xlabel="pass", ylabel="mistakes")
    axes[2].legend()
    return figure


if __name__ == "__main__":
    main().savefig(Path(__file__).stem + ".png", dpi=150)
