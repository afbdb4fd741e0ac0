"""Small weights make a network nearly linear

Near 0 a tanh is a straight line. A network whose weights are small stays in that part of every unit, and is nearly the
linear model that its weights multiply to; as they grow it bends. That is why L2 smooths, why stopping early does too,
and why training from small weights begins with what is simple.
"""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import pellucid as pl

SCALES = (0.1, 0.5, 1.0, 3.0)


def main() -> Figure:
    x = np.linspace(-2, 2, 200)[:, None]
    network = pl.Network([pl.Dense(20, "tanh"), pl.Dense(20, "tanh"), pl.Dense(1)], inputs=1, dtype="float64")
    program = pl.compile(network.graph(batch=len(x)))
    first = network.initialize(seed=4)

    figure = Figure(figsize=(9, 4.5), layout="constrained")
    axes = figure.subplots(1, 2, width_ratios=[2, 1])
    bends = []
    for scale, color in zip(SCALES, ("#56b4e9", "#0072b2", "#009e73", "#d55e00"), strict=True):
        weights = {path: value * scale for path, value in first.items()}
        y = program(x=x, **weights)["output"].ravel()
        slope, offset = np.polyfit(x.ravel(), y, 1)
        bends.append(np.std(y - slope * x.ravel() - offset) / np.std(y))  # what a line leaves unexplained
        axes[0].plot(x, y / np.abs(y).max(), color=color, label=f"weights × {scale:g}")

    assert bends == sorted(bends)  # the larger the weights, the less of it is a line
    assert bends[0] < 0.01 < 0.3 < bends[-1]

    axes[0].set(xlabel="x", ylabel="output / its largest", title="one network, its weights scaled")
    axes[0].legend()
    axes[1].loglog(SCALES, bends, "o-", color="#555555")
    axes[1].set(xlabel="scale of the weights", ylabel="share that no line explains", title="how much it bends")
    return figure


if __name__ == "__main__":
    main().savefig(Path(__file__).stem + ".png", dpi=150)
