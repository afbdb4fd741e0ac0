"""Giving up early what will not become good

Networks that are bad after a few epochs are seldom good after many. Successive halving lets all of them learn for a
ninth of their epochs, a third of them for a third, and only a third of those to the end (Jamieson and Talwalkar, 2016).
Grey curves were given up; those that went on are the darker the better. The same networks, all trained to the end, take
more than three times the epochs, and the best of them is the same one.
"""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import pellucid as pl
from pellucid.tuning.pictures import plot_curves_of_trials

SPACE = {"rate": "log_uniform(0.0003, 0.3)", "penalty": "log_uniform(1e-6, 0.01)"}
NETWORK = pl.Network([pl.Dense(24, "tanh"), pl.Dense(1)], inputs=1)


def arrange(parameters: dict) -> dict:
    """Return what `pl.fit` takes."""
    return {
        "network": NETWORK,
        "loss": "squared_error",
        "optimizer": pl.optimizers.Adam(parameters["rate"]),
        "regularizers": [pl.regularizers.L2(parameters["penalty"])],
        "batch_size": 16,
        "epochs": 54,
    }


def main() -> Figure:
    random = np.random.default_rng(0)
    x = random.uniform(-2, 2, (240, 1))
    data = pl.Dataset({"x": x}, np.sin(3 * x) + 0.1 * random.normal(size=x.shape))
    found = {
        pruner: pl.search(arrange, SPACE, data, folds=3, metric="rmse", trials=96, pruner=pruner)
        for pruner in ("halving", "none")
    }
    epochs = {name: sum(trial.epochs for trial in one.trials) for name, one in found.items()}
    assert epochs["halving"] < epochs["none"] / 3
    assert found["halving"].best.number == found["none"].best.number

    figure = Figure(figsize=(11, 4.6), layout="constrained")
    for ax, (name, one) in zip(figure.subplots(1, 2, sharey=True), reversed(found.items()), strict=True):
        plot_curves_of_trials(one.trials, one.higher_is_better, "rmse", ax=ax)
        what = {"halving": "successive halving", "none": "all to the end"}[name]
        ax.set_title(f"{what}: {epochs[name]:,} epochs, best error {one.best.value:.3f}", loc="center")
    return figure


if __name__ == "__main__":
    main().savefig(Path(__file__).stem + ".png", dpi=150)
