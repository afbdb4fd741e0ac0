"""Full-batch, mini-batch and online learning: three paths on one surface

The cost of a linear neuron with two weights is a bowl. With all examples in each step the path goes straight down the
gradient; with mini-batches it trembles; with one example at a time it wanders, but it has made forty steps when the
first path has made one. All three have seen the data equally often.
"""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import pellucid as pl

EPOCHS = 12
SIZES = {"all 40 examples a step": None, "8 examples a step": 8, "one example a step": 1}


class Path2D:
    """Hears of every step and keeps the two weights."""

    every_step = True

    def __init__(self):
        self.points = []

    def __call__(self, event):
        if isinstance(event, (pl.events.TrainingStarted, pl.events.StepEnded)):
            self.points.append(event.parameters["dense_1/weight"].ravel().copy())


def main() -> Figure:
    random = np.random.default_rng(0)
    x = random.normal(size=(40, 2)) * [1.0, 0.6]
    y = x @ [1.5, -1.0] + random.normal(scale=0.6, size=40)
    data = pl.Dataset({"x": x}, y)
    best, *_ = np.linalg.lstsq(x, y, rcond=None)

    neuron = pl.Network([pl.Dense(1, bias=False)], inputs=2, dtype="float64")
    start = {"dense_1/weight": np.array([[-1.0], [1.5]])}
    paths = {}
    for name, size in SIZES.items():
        heard = Path2D()
        descent = pl.optimizers.GradientDescent(0.1)
        options = {"loss": "squared_error", "optimizer": descent, "epochs": EPOCHS, "batch_size": size}
        pl.fit(neuron, data, **options, start_from=start, on=heard)
        paths[name] = np.array(heard.points)

    distances = {name: np.linalg.norm(path[-1] - best) for name, path in paths.items()}
    assert [len(path) - 1 for path in paths.values()] == [EPOCHS, EPOCHS * 5, EPOCHS * 40]
    assert distances["8 examples a step"] < distances["all 40 examples a step"] / 4  # more steps, nearer
    tremble = {name: np.linalg.norm(path[-3:] - path[-3:].mean(0)) for name, path in paths.items()}
    assert tremble["one example a step"] > tremble["8 examples a step"] > 0  # and less quiet at the end

    figure = Figure(figsize=(12, 4.5), layout="constrained")
    axes = figure.subplots(1, 3, sharex=True, sharey=True)
    a, b = np.meshgrid(np.linspace(-1.6, 2.6, 80), np.linspace(-2.0, 2.0, 80))
    cost = 0.5 * ((x @ np.stack([a.ravel(), b.ravel()]) - y[:, None]) ** 2).mean(0).reshape(a.shape)
    for ax, (name, path), color in zip(axes, paths.items(), ("#0072b2", "#d55e00", "#009e73"), strict=True):
        ax.contour(a, b, cost, levels=14, colors="#bbbbbb", linewidths=0.8)
        ax.plot(*path.T, "o-", color=color, ms=3, lw=0.9)
        ax.plot(*best, "k+", ms=12, label="least squares")
        ax.set(title=f"{name}: {len(path) - 1} steps", xlabel="first weight")
    axes[0].set_ylabel("second weight")
    axes[0].legend()
    return figure


if __name__ == "__main__":
    main().savefig(Path(__file__).stem + ".png", dpi=150)
