"""Shortcuts: depth that can be trained

A layer with a shortcut around it only has to learn what to add to its input. The gradient takes the short way too, so
thirty layers learn where the same thirty without shortcuts stand still (He et al., 2016).
"""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from sklearn.datasets import load_digits

import pellucid as pl

DEPTHS = (2, 10, 30)


def deep(depth: int, shortcuts: bool) -> pl.Network:
    """Return a network of so many layers of tanh between two others."""
    layers = [pl.Dense(16, "tanh") for _ in range(depth)]
    middle = [pl.Shortcut([layer]) for layer in layers] if shortcuts else layers
    return pl.Network([pl.Dense(16), *middle, pl.Dense(10)], inputs=64)


def main() -> Figure:
    x, y = load_digits(return_X_y=True)
    data = pl.Dataset({"x": x / 16}, y)
    curves = {}
    for shortcuts in (False, True):
        for depth in DEPTHS:
            fitted = pl.fit(
                deep(depth, shortcuts),
                data,
                loss="softmax_cross_entropy",
                optimizer=pl.optimizers.GradientDescent(0.05),
                epochs=12,
            )
            curves[shortcuts, depth] = [record["loss"] for record in fitted.history]

    assert curves[True, 30][-1] < curves[False, 30][-1] / 2
    assert curves[True, 30][-1] < curves[True, 2][-1]  # depth helps with them

    figure = Figure(figsize=(10, 4.2), layout="constrained")
    for ax, shortcuts in zip(figure.subplots(1, 2, sharey=True), (False, True), strict=True):
        for depth, color in zip(DEPTHS, ("#56b4e9", "#0072b2", "#d55e00"), strict=True):
            ax.plot(np.arange(12) + 1, curves[shortcuts, depth], color=color, label=f"{depth} layers")
        ax.set(title="with shortcuts" if shortcuts else "without shortcuts", xlabel="epoch", ylim=(0, None))
        ax.legend()
    figure.axes[0].set_ylabel("loss on digits")
    return figure


if __name__ == "__main__":
    main().savefig(Path(__file__).stem + ".png", dpi=150)
