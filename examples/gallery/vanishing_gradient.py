"""The gradient that vanishes in a stack of sigmoids, beside one of rectifiers

The slope of a sigmoid is at most a quarter. Twenty of them in a row shrink a gradient layer by layer until nothing
reaches the first ones, and they do not learn; rectifiers whose first weights suit them keep its size (Hochreiter, 1991;
Glorot and Bengio, 2010; He et al., 2015).
"""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from sklearn.datasets import load_digits

import pellucid as pl
from pellucid.inspection.layers import observe_layers
from pellucid.training.evaluate import as_arrays

DEPTH = 20


def main() -> Figure:
    x, y = load_digits(return_X_y=True)
    data = pl.Dataset({"x": x / 16}, y)
    losses = {"output": pl.loss("softmax_cross_entropy")}
    sizes, curves = {}, {}
    for activation in ("sigmoid", "relu"):
        layers = [pl.Dense(32, activation) for _ in range(DEPTH)]
        network = pl.Network([*layers, pl.Dense(10)], inputs=64)
        some = as_arrays(network, losses, data.take(np.arange(64)))
        seen = observe_layers(network, losses, network.initialize(seed=0), some)
        sizes[activation] = np.array([layer.weight_gradient.rms for layer in seen.layers])
        optimizer = pl.optimizers.Adam(1e-3)
        fitted = pl.fit(network, data, loss="softmax_cross_entropy", optimizer=optimizer, epochs=15)
        curves[activation] = [record["loss"] for record in fitted.history]

    assert sizes["sigmoid"][0] < 1e-6 * sizes["sigmoid"][-1]  # nothing arrives
    assert sizes["relu"][0] > 0.01 * sizes["relu"][-1]
    assert curves["sigmoid"][-1] > 2.2  # log 10 = 2.30: no better than guessing
    assert curves["relu"][-1] < 1.0

    figure = Figure(figsize=(11, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    for activation, color in (("sigmoid", "#d55e00"), ("relu", "#0072b2")):
        left.semilogy(range(1, DEPTH + 2), sizes[activation], "o-", ms=4, color=color, label=activation)
        right.plot(range(1, 16), curves[activation], color=color, label=activation)
    left.set(title="size of the weights' gradient at the start", xlabel="layer (1: first)")
    right.axhline(np.log(10), color="#888888", ls=":", label="guessing: log 10")
    right.set(title="learning digits", xlabel="epoch", ylabel="loss", ylim=(0, None))
    left.legend()
    right.legend()
    return figure


if __name__ == "__main__":
    main().savefig(Path(__file__).stem + ".png", dpi=150)
