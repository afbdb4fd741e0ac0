"""XOR: by hand with step units, and learned

No line separates the two classes. Two step units in a hidden layer draw two lines, "at least one" and "both", and the
output takes the strip between them. Trained from random weights, a network of two hidden units finds lines of its own,
though not from every start: the picture shows how many of 40 networks, trained together, got there.
"""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import pellucid as pl

X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
Y = np.array([0.0, 1.0, 1.0, 0.0])


def by_hand(x: np.ndarray) -> np.ndarray:
    """The network of step units: 2 is "at least one", 3 is "both", 4 is "the first and not the second"."""
    units = pl.Units(2, [(0, 2), (1, 2), (0, 3), (1, 3), (2, 4), (3, 4)], "step")
    weights = {(0, 2): 1.0, (1, 2): 1.0, (0, 3): 1.0, (1, 3): 1.0, (2, 4): 1.0, (3, 4): -1.0}
    parameters = units.unit_parameters(weights, biases={2: -0.5, 3: -1.5, 4: -0.5})
    graph = pl.Network(units, inputs=2, dtype="float64").graph(batch=len(x))
    return pl.compile(graph)(x=x, **parameters)["output"].ravel()


def main() -> Figure:
    network = pl.Network([pl.Dense(2, "tanh"), pl.Dense(1)], inputs=2, dtype="float64")
    many = pl.fit_population(
        network,
        pl.Dataset({"x": X}, Y),
        [pl.Member(seed=seed) for seed in range(40)],
        loss="binary_cross_entropy",
        optimizer=pl.optimizers.Adam(0.05),
        batch_size=None,
        epochs=800,
    )
    losses = np.array([fitted.history[-1]["loss"] for fitted in many])
    best = many[int(losses.argmin())]

    assert np.array_equal(by_hand(X), Y)
    assert np.array_equal(best.predict(X).ravel() > 0.5, Y > 0.5)
    assert 20 <= (losses < 0.1).sum() < 40  # most starts lead there, not all

    figure = Figure(figsize=(12, 4), layout="constrained")
    axes = figure.subplots(1, 3)
    a, b = np.meshgrid(np.linspace(-0.5, 1.5, 120), np.linspace(-0.5, 1.5, 120))
    grid = np.c_[a.ravel(), b.ravel()]
    shown = {"by hand": by_hand(grid), "learned": best.predict(grid).ravel()}
    for ax, (name, values) in zip(axes, shown.items(), strict=False):
        ax.contourf(a, b, values.reshape(a.shape), levels=np.linspace(0, 1, 11), cmap="RdBu_r", alpha=0.7)
        ax.scatter(*X.T, c=np.where(Y > 0.5, "#b2182b", "#2166ac"), edgecolors="white", s=140, linewidths=1.5)
        ax.set(title=name, xticks=[0, 1], yticks=[0, 1], aspect="equal")
    axes[2].hist(losses, bins=np.linspace(0, 0.75, 26), color="#0072b2")
    axes[2].set(title="40 networks from other starts", xlabel="loss in the end", ylabel="networks")
    return figure


if __name__ == "__main__":
    main().savefig(Path(__file__).stem + ".png", dpi=150)
