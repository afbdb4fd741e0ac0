"""Why a deep linear network is one layer

A product of matrices is a matrix. Ten linear layers compute what one layer computes, whose weight is the product of
theirs; a function that bends stays out of reach, however many layers there are. One activation between two layers is
enough to bend.
"""

from functools import reduce
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import pellucid as pl


def main() -> Figure:
    x = np.linspace(-3, 3, 120)[:, None]
    y = np.sin(x)
    data = pl.Dataset({"x": x}, y)
    bodies = {
        "ten linear layers": [pl.Dense(8) for _ in range(9)] + [pl.Dense(1)],
        "one linear layer": [pl.Dense(1)],
        "two layers, tanh between": [pl.Dense(8, "tanh"), pl.Dense(1)],
    }
    fits = {
        name: pl.fit(
            pl.Network(body, inputs=1, dtype="float64"), data, loss="squared_error", optimizer="lbfgs", epochs=400
        )
        for name, body in bodies.items()
    }
    deep, single, bent = (fitted.predict(x) for fitted in fits.values())

    weights = [value for path, value in fits["ten linear layers"].parameters.items() if path.endswith("weight")]
    product = reduce(np.matmul, weights)
    bias = fits["ten linear layers"].predict(np.zeros((1, 1)))
    assert len(weights) == 10
    assert np.allclose(deep, x @ product + bias, atol=1e-9)  # ten layers are this one
    assert np.allclose(deep, single, atol=0.02)  # the same line is the best for both
    assert np.mean((bent - y) ** 2) < np.mean((deep - y) ** 2) / 100

    figure = Figure(figsize=(8, 4.5), layout="constrained")
    ax = figure.subplots()
    ax.plot(x, y, color="#bbbbbb", lw=5, label="to be learned: sin x")
    ax.plot(x, deep, color="#0072b2", lw=2.5, label="ten linear layers")
    ax.plot(x, single, color="#56b4e9", ls=":", lw=2.5, label="one linear layer: the same line")
    ax.plot(x, bent, color="#d55e00", lw=1.5, label="two layers, tanh between")
    ax.set(xlabel="x", ylabel="y", title="Depth without bends is no depth")
    ax.legend()
    return figure


if __name__ == "__main__":
    main().savefig(Path(__file__).stem + ".png", dpi=150)
