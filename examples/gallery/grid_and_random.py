"""Why drawing lots beats a grid

Of the settings that a network has, few matter much, and nobody knows beforehand which ones. A grid of four settings
with three values each is eighty-one trials, and yet tries three learning rates; as many trials at random try eighty-one
learning rates, and as many values of each other setting (Bergstra and Bengio, 2012). Here the learning rate is what
matters, and the best one lies between those of the grid.
"""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import pellucid as pl

SPACES = {
    "grid": {
        "rate": "choice(0.001, 0.01, 0.1)",
        "l1": "choice(1e-7, 1e-6, 1e-5)",
        "l2": "choice(1e-7, 1e-5, 1e-3)",
        "beta": "choice(0.8, 0.85, 0.9)",
    },
    "random": {
        "rate": "log_uniform(0.001, 0.1)",
        "l1": "log_uniform(1e-7, 1e-5)",
        "l2": "log_uniform(1e-7, 1e-3)",
        "beta": "uniform(0.8, 0.9)",
    },
}
NETWORK = pl.Network([pl.Dense(24, "tanh"), pl.Dense(1)], inputs=1)


def arrange(parameters: dict) -> dict:
    """Return what `pl.fit` takes."""
    return {
        "network": NETWORK,
        "loss": "squared_error",
        "optimizer": pl.optimizers.Adam(parameters["rate"], beta_1=parameters["beta"]),
        "regularizers": [pl.regularizers.L1(parameters["l1"]), pl.regularizers.L2(parameters["l2"])],
        "batch_size": 16,
        "epochs": 25,
    }


def main() -> Figure:
    random = np.random.default_rng(0)
    x = random.uniform(-2, 2, (240, 1))
    data = pl.Dataset({"x": x}, np.sin(3 * x) + 0.1 * random.normal(size=x.shape))
    found = {
        name: pl.search(arrange, space, data, folds=3, metric="rmse", trials=81, sampler=name, pruner="none")
        for name, space in SPACES.items()
    }
    tried = {name: {trial.parameters["rate"] for trial in one.trials} for name, one in found.items()}
    assert len(tried["grid"]) == 3 and len(tried["random"]) == 81
    assert found["random"].best.value < found["grid"].best.value

    figure = Figure(figsize=(10, 4.4), layout="constrained")
    for ax, (name, one) in zip(figure.subplots(1, 2, sharex=True, sharey=True), found.items(), strict=True):
        rates, errors = [trial.parameters["rate"] for trial in one.trials], [trial.value for trial in one.trials]
        ax.vlines(rates, -0.02, 0.02, transform=ax.get_xaxis_transform(), color="#d55e00", clip_on=False)
        ax.plot(rates, errors, "o", ms=6, color="#0072b2", alpha=0.5, mew=0)
        ax.plot(one.best.parameters["rate"], one.best.value, "*", ms=20, mfc="#e69f00", mec="#333333")
        ax.axhline(one.best.value, color="#e69f00", lw=1)
        ax.set(xscale="log", xlabel="learning rate")
        ax.set_title(f"{name}: {len(tried[name])} learning rates, best error {one.best.value:.3f}")
    figure.axes[0].set_ylabel("error held out")
    return figure


if __name__ == "__main__":
    main().savefig(Path(__file__).stem + ".png", dpi=150)
