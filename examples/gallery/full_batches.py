"""Rprop and L-BFGS: what learns well from all examples at once

With few examples there is no need for mini-batches, and the whole gradient is exact: then one can trust its sign alone
and let every weight find its own step (Rprop; Riedmiller and Braun, 1993), or learn the curvature from how the gradient
changed (L-BFGS; Liu and Nocedal, 1989). On 150 flowers both leave plain descent far behind.
"""

from pathlib import Path

from matplotlib.figure import Figure
from sklearn.datasets import load_iris
from sklearn.preprocessing import StandardScaler

import pellucid as pl

EPOCHS = 100
WAYS = {
    "plain descent": pl.optimizers.GradientDescent(0.3),
    "Adam": pl.optimizers.Adam(0.01),
    "Rprop": "rprop",
    "L-BFGS": "lbfgs",
}


def main() -> Figure:
    x, y = load_iris(return_X_y=True)
    data = pl.Dataset({"x": StandardScaler().fit_transform(x)}, y)
    network = pl.Network([pl.Dense(8, "tanh"), pl.Dense(3)], inputs=4, dtype="float64")
    curves = {}
    for name, optimizer in WAYS.items():
        fitted = pl.fit(
            network, data, loss="softmax_cross_entropy", optimizer=optimizer, batch_size=None, epochs=EPOCHS, seed=1
        )
        curves[name] = [record["loss"] for record in fitted.history]

    reached = {name: min(curve) for name, curve in curves.items()}
    assert reached["L-BFGS"] < reached["plain descent"] / 3
    assert reached["Rprop"] < reached["plain descent"] / 2

    figure = Figure(figsize=(8, 4.5), layout="constrained")
    ax = figure.subplots()
    for (name, curve), color in zip(curves.items(), ("#888888", "#0072b2", "#d55e00", "#009e73"), strict=True):
        ax.plot(range(1, len(curve) + 1), curve, color=color, label=name)
    ax.set(yscale="log", xlabel="passes over all examples", ylabel="cross-entropy", title="Iris, all 150 rows a step")
    ax.legend()
    return figure


if __name__ == "__main__":
    main().savefig(Path(__file__).stem + ".png", dpi=150)
