"""A ravine: plain descent, momentum and Adam, and the bound of Adam's steps

In a valley fifty times as steep across as along, plain descent has to take steps that suit the steep side, and crawls
along the floor. Momentum adds up what stays the same from step to step; Adam divides each direction by the size of its
own gradients. Because of that division no coordinate moves by much more than the learning rate in one step, however
large the gradient (Kingma and Ba, Adam, 2015, section 2.1): here the bound is reached in the first step.
"""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import pellucid as pl

STEEP = 50.0
STEPS = 60
RATE = 0.2
WAYS = {
    "plain descent": pl.optimizers.GradientDescent(1.9 / STEEP),
    "momentum 0.9": pl.optimizers.Momentum(0.5 / STEEP, momentum=0.9),
    "Adam": pl.optimizers.Adam(RATE),
}


def main() -> Figure:
    # Two examples, one for each direction: the cost is (w0^2 + 50 w1^2) / 4.
    data = pl.Dataset({"x": np.diag([1.0, np.sqrt(STEEP)])}, np.zeros(2))
    neuron = pl.Network([pl.Dense(1, bias=False)], inputs=2, dtype="float64")
    paths = {}
    for name, optimizer in WAYS.items():
        points = [np.array([4.0, 1.0])]
        pl.fit(
            neuron,
            data,
            loss="squared_error",
            optimizer=optimizer,
            batch_size=None,
            epochs=STEPS,
            start_from={"dense_1/weight": points[0][:, None]},
            on=lambda event, points=points: (
                points.append(event.parameters["dense_1/weight"].ravel().copy())
                if isinstance(event, pl.events.EpochEnded)
                else None
            ),
        )
        paths[name] = np.array(points)

    left = {name: np.linalg.norm(path[-1]) for name, path in paths.items()}
    assert left["momentum 0.9"] < left["plain descent"] / 2 and left["Adam"] < left["plain descent"] / 2
    steps = np.abs(np.diff(paths["Adam"], axis=0))
    assert np.allclose(steps[0], RATE, rtol=1e-6)  # the first step is the bound, in both directions alike
    assert steps.max() <= RATE * 1.01  # and none is larger

    figure = Figure(figsize=(9, 6), layout="constrained")
    axes = figure.subplots(2, 1, height_ratios=[3, 2])
    a, b = np.meshgrid(np.linspace(-1.5, 4.5, 120), np.linspace(-1.2, 1.2, 90))
    axes[0].contour(a, b, np.sqrt(a**2 + STEEP * b**2), levels=16, colors="#cccccc", linewidths=0.8)
    for (name, path), color in zip(paths.items(), ("#0072b2", "#d55e00", "#009e73"), strict=True):
        axes[0].plot(*path.T, "o-", color=color, ms=3, lw=1, label=name)
    axes[0].set(title="60 steps from the same point", xlabel="along the ravine", ylabel="across")
    axes[0].legend(loc="upper left")
    for direction, color in zip(range(2), ("#56b4e9", "#009e73"), strict=True):
        axes[1].plot(steps[:, direction], color=color, label=("along", "across")[direction])
    axes[1].axhline(RATE, color="#d55e00", ls="--", label="learning rate")
    axes[1].set(title="the size of Adam's steps", xlabel="step", ylabel="size")
    axes[1].legend()
    return figure


if __name__ == "__main__":
    main().savefig(Path(__file__).stem + ".png", dpi=150)
