"""Bias and variance: error against rows, and against width

Train the same network on many samples of the same size. How far their mean is from the truth is bias, how far they
scatter around their mean is variance; error is the sum of both. More rows bring down the variance; more units bring
down the bias, and with few rows the variance rises (Geman, Bienenstock and Doursat, 1992). Each point stands for 24
networks, trained at once as a population.
"""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import pellucid as pl

NOISE, MEMBERS = 0.3, 24
ROWS, WIDTHS = (15, 30, 60, 120, 240), (1, 2, 4, 8, 16, 32)


def truth(x: np.ndarray) -> np.ndarray:
    return np.sin(3 * x) + 0.5 * x


def bias_and_variance(rows: int, width: int) -> tuple[float, float]:
    """Return squared bias and variance of networks of this width, each trained on so many rows of its own."""
    random = np.random.default_rng(7)
    x = random.uniform(-2, 2, (rows * MEMBERS, 1))
    data = pl.Dataset({"x": x}, truth(x) + NOISE * random.normal(size=x.shape))
    members = [pl.Member(seed=m, rows=np.arange(m * rows, (m + 1) * rows)) for m in range(MEMBERS)]
    many = pl.fit_population(
        pl.Network([pl.Dense(width, "tanh"), pl.Dense(1)], inputs=1),
        data,
        members,
        loss="squared_error",
        optimizer=pl.optimizers.Adam(0.05),
        batch_size=None,
        epochs=500,
    )
    grid = np.linspace(-1.9, 1.9, 100)[:, None]
    predicted = np.array([fitted.predict(grid) for fitted in many])
    return float(np.mean((predicted.mean(axis=0) - truth(grid)) ** 2)), float(np.mean(predicted.var(axis=0, ddof=1)))


def main() -> Figure:
    by_rows = np.array([bias_and_variance(rows, 8) for rows in ROWS])
    by_width = np.array([bias_and_variance(30, width) for width in WIDTHS])

    assert by_rows[-1, 1] < by_rows[0, 1] / 4  # more rows: less variance
    assert by_width[-1, 0] < by_width[0, 0] / 4  # more units: less bias
    assert by_width[-1, 1] > by_width[0, 1]  # and more variance

    figure = Figure(figsize=(11, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    for ax, along, found in ((left, ROWS, by_rows), (right, WIDTHS, by_width)):
        ax.loglog(along, found[:, 0], "o-", color="#0072b2", label="bias²")
        ax.loglog(along, found[:, 1], "o-", color="#d55e00", label="variance")
        ax.loglog(along, found.sum(axis=1), "o:", color="#555555", label="both")
        ax.set_xticks(along, [str(one) for one in along], minor=False)
        ax.minorticks_off()
    left.set(title="eight hidden units", xlabel="rows to learn from", ylabel="squared error")
    right.set(title="30 rows", xlabel="hidden units")
    right.legend()
    return figure


if __name__ == "__main__":
    main().savefig(Path(__file__).stem + ".png", dpi=150)
