"""A forward and a backward pass by hand, each number drawn

One logistic neuron with three inputs, one example, the cross-entropy. Forward, each gate computes its value; backward,
each multiplies the gradient that comes in by its own slope. For this loss the gradient of the sum is simply prediction
minus target, and that of each weight is this times its input: the delta rule.
"""

from pathlib import Path

import numpy as np

import pellucid as pl

W, X, Y = [-3.0, 2.0, -3.0], [1.0, -1.0, -2.0], 1.0


def neuron(w, x, y):
    """The cross-entropy of a logistic neuron, written out."""
    z = pl.sum(w * x)
    p = pl.sigmoid(z)
    return {"loss": -(y * pl.log(p) + (1 - y) * pl.log(1 - p))}


def main() -> str:
    seen = pl.observe(neuron, w=W, x=X, y=Y)

    z = -3.0 * 1 + 2 * -1 + -3 * -2  # by hand: 1
    p = 1 / (1 + np.exp(-z))
    assert seen["z"].value == z == 1.0
    assert np.isclose(seen["p"].value, p) and np.isclose(seen["loss"].value, -np.log(p))
    assert np.isclose(seen["z"].gradient, p - Y)  # prediction minus target
    assert np.allclose(seen["w"].gradient, (p - Y) * np.array(X))  # the delta rule
    return seen.draw()


if __name__ == "__main__":
    Path(Path(__file__).stem + ".svg").write_text(main(), encoding="utf-8")
