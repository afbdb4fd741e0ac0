"""Which settings matter, and which only seem to

A hundred and fifty small networks with settings drawn at random. A forest learns how good a network is by its settings;
trials that the forest has not seen then say what share of the differences each setting brings (functional analysis of
variance, after Hutter, Hoos and Leyton-Brown, 2014). Activation and learning rate also matter together: a network can
only bend with tanh, and only does so where it learns fast enough. The `lucky` number is a setting that nobody looks at:
it gets no share. The thin lines are intervals, the stars the best trial.
"""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import pellucid as pl
from pellucid.tuning.importance import importance_of
from pellucid.tuning.pictures import plot_importance_of_settings, plot_slices

SPACE = pl.Space(
    {
        "rate": "log_uniform(0.01, 1)",
        "activation": "choice(identity, tanh)",
        "penalty": "log_uniform(1e-6, 0.01)",
        "momentum": "uniform(0, 0.95)",
        "lucky": "integer(1, 49)",
    }
)
NETWORKS = {name: pl.Network([pl.Dense(16, name), pl.Dense(2)], inputs=2) for name in ("identity", "tanh")}


def arrange(parameters: dict) -> dict:
    """Return what `pl.fit` takes; the lucky number is not looked at."""
    return {
        "network": NETWORKS[parameters["activation"]],
        "loss": "softmax_cross_entropy",
        "optimizer": pl.optimizers.Momentum(parameters["rate"], parameters["momentum"]),
        "regularizers": [pl.regularizers.L2(parameters["penalty"])],
        "batch_size": 16,
        "epochs": 30,
    }


def main() -> Figure:
    random = np.random.default_rng(0)
    angle, ring = random.uniform(0, np.pi, 300), np.arange(300) % 2
    x = np.stack([np.cos(angle) + ring, np.where(ring, 0.3 - np.sin(angle), np.sin(angle))], axis=1)
    data = pl.Dataset({"x": x + 0.15 * random.normal(size=x.shape)}, ring)
    found = pl.search(arrange, SPACE, data, folds=3, metric="accuracy", trials=150, pruner="none")
    shares = importance_of(SPACE, found.trials, found.higher_is_better)

    assert shares.of("rate").clear and shares.of("activation").clear
    assert shares.pairs[0].names == ("rate", "activation")
    assert shares.of("lucky").low == 0.0 and shares.of("lucky").share < 0.02

    figure = Figure(figsize=(12, 6.2), layout="constrained")
    upper, lower = figure.subfigures(2, 1, height_ratios=(1, 1.1))
    plot_importance_of_settings(shares, ax=upper.subplots())
    plot_slices(found.trials, SPACE, found.higher_is_better, "accuracy", ax=lower.subplots(1, 5))
    return figure


if __name__ == "__main__":
    main().savefig(Path(__file__).stem + ".png", dpi=150)
