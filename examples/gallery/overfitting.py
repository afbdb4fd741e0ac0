"""Overfitting, and what L2, L1, dropout, noise and early stopping each do to it

Forty noisy points and a network of far too many weights: left alone it goes through the points instead of through what
is behind them. Each remedy keeps it from that in its own way. L2 keeps all weights small, L1 makes many of them zero,
dropout and noise do not let it rely on single units or exact inputs, and early stopping ends before it has learned the
noise. The curve is one training; the errors in the titles are means over five.
"""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import pellucid as pl

NETWORK = [pl.Dense(60, "tanh"), pl.Dense(60, "tanh"), pl.Dense(1)]
WITH_DROPOUT = [pl.Dense(60, "tanh"), pl.Dropout(0.1), pl.Dense(60, "tanh"), pl.Dropout(0.1), pl.Dense(1)]
WITH_NOISE = [pl.GaussianNoise(0.1), *NETWORK]
WAYS = {
    "left alone": (NETWORK, {}),
    "L2": (NETWORK, {"regularizers": [pl.regularizers.L2(3e-3)]}),
    "L1": (NETWORK, {"regularizers": [pl.regularizers.L1(0.1)]}),
    "dropout": (WITH_DROPOUT, {}),
    "noise on the inputs": (WITH_NOISE, {}),
    "early stopping": (NETWORK, {"validation": 0.25, "patience": 200}),
}


def truth(x: np.ndarray) -> np.ndarray:
    return np.sin(2.5 * x)


def main() -> Figure:
    random = np.random.default_rng(1)
    x = np.sort(random.uniform(-2, 2, 40))[:, None]
    data = pl.Dataset({"x": x}, truth(x) + 0.4 * random.normal(size=x.shape))
    grid = np.linspace(-2, 2, 300)[:, None]

    figure = Figure(figsize=(12, 6), layout="constrained")
    errors, weights, stopped = {}, {}, {}
    for ax, (name, (body, options)) in zip(figure.subplots(2, 3, sharey=True).flat, WAYS.items(), strict=True):
        many = pl.fit_population(
            pl.Network(body, inputs=1),
            data,
            [pl.Member(seed=seed) for seed in range(5)],
            loss="squared_error",
            optimizer=pl.optimizers.Adam(0.005),
            batch_size=None,
            epochs=3000,
            **options,
        )
        errors[name] = np.mean([np.sqrt(np.mean((one.predict(grid) - truth(grid)) ** 2)) for one in many])
        weights[name] = np.concatenate(
            [each.ravel() for one in many for path, each in one.parameters.items() if path.endswith("/weight")]
        )
        stopped[name] = [one.best_epoch for one in many]
        ax.plot(grid, truth(grid), color="#bbbbbb", lw=4)
        ax.plot(grid, many[0].predict(grid), color="#d55e00" if name == "left alone" else "#0072b2")
        ax.scatter(x, data.targets, s=10, color="#555555")
        ax.set(title=f"{name}: error {errors[name]:.2f}", ylim=(-2.2, 2.2))

    for name, error in errors.items():
        assert name == "left alone" or error < errors["left alone"], (name, errors)
    rms = {name: np.sqrt(np.mean(all_weights**2)) for name, all_weights in weights.items()}
    gone = {name: np.mean(np.abs(all_weights) < 1e-3) for name, all_weights in weights.items()}
    assert min(rms, key=lambda name: rms[name]) == "L2" and rms["L2"] < rms["left alone"] / 3  # all are small
    assert gone["L1"] > 0.9 > 0.1 > gone["left alone"]  # many are zero
    assert max(stopped["early stopping"]) < 1000 < min(stopped["left alone"])  # long before the others end
    return figure


if __name__ == "__main__":
    main().savefig(Path(__file__).stem + ".png", dpi=150)
