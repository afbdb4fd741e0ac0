"""A coin toss by maximum likelihood: by formula and by descent

A coin that fell on heads in 7 of 10 tosses: which probability of heads makes this most likely? The likelihood of all
tosses is a product; its negative logarithm is a sum, and the cross-entropy that networks learn by. Setting its
derivative to zero gives the formula, the share of heads. A single logistic unit without inputs goes down the same curve
step by step and ends in the same place.
"""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import pellucid as pl

TOSSES = np.array([1, 0, 1, 1, 0, 1, 1, 1, 0, 1], dtype=float)


def cost(z, y):
    """The mean negative log-likelihood of tosses, given the logit of heads."""
    p = pl.sigmoid(z)
    return -pl.mean(y * pl.log(p) + (1 - y) * pl.log(1 - p))


def main() -> Figure:
    formula = TOSSES.mean()

    slope = pl.value_and_gradient(cost, wrt="z")
    path = [-2.5]
    for _ in range(40):
        path.append(path[-1] - 2.0 * float(slope(path[-1], TOSSES).gradient["z"]))
    p = 1 / (1 + np.exp(-np.array(path)))

    unit = pl.Network([pl.Dense(1)], inputs=1, dtype="float64")  # its only input is always 0: what is left is the bias
    data = pl.Dataset({"x": np.zeros((10, 1))}, TOSSES)
    learned = pl.fit(unit, data, loss="binary_cross_entropy", optimizer="lbfgs").predict(np.zeros((1, 1)))[0, 0]

    assert abs(p[-1] - formula) < 1e-4  # descent finds what the formula says
    assert abs(learned - formula) < 1e-3  # and so does a network
    assert float(slope(np.log(formula / (1 - formula)), TOSSES).gradient["z"]) < 1e-12  # the slope there is 0

    figure = Figure(figsize=(8, 4.5), layout="constrained")
    ax = figure.subplots()
    grid = np.linspace(0.02, 0.98, 200)
    curve = -(formula * np.log(grid) + (1 - formula) * np.log(1 - grid))
    ax.plot(grid, curve, color="#888888", label="cost: mean negative log-likelihood")
    ax.plot(p, np.interp(p, grid, curve), "o-", color="#0072b2", ms=4, lw=1, label="descent, step by step")
    ax.axvline(formula, color="#d55e00", ls="--", label=f"formula: heads / tosses = {formula:g}")
    ax.set(xlabel="probability of heads", ylabel="cost", title="7 heads in 10 tosses")
    ax.legend(loc="upper center")
    return figure


if __name__ == "__main__":
    main().savefig(Path(__file__).stem + ".png", dpi=150)
