"""A logistic neuron by hand: every value and every gradient, and the same by the chain rule on paper."""

import math
import tempfile
from pathlib import Path

import pellucid as pl


def neuron(w0, x0, w1, x1, w2):
    """Weigh two inputs, add a bias, and squash the sum."""
    z = w0 * x0 + w1 * x1 + w2
    return 1 / (1 + pl.exp(-z))


numbers = {"w0": 2.0, "x0": -1.0, "w1": -3.0, "x1": -2.0, "w2": -3.0}
seen = pl.observe(neuron, **numbers)
print(seen)

# On paper: z = 1, p = 1 / (1 + exp(-1)), and d p / d z = p (1 - p); each factor of a product gets the other one.
p = 1 / (1 + math.exp(-1.0))
slope = p * (1 - p)
on_paper = {"w0": slope * -1.0, "x0": slope * 2.0, "w1": slope * -2.0, "x1": slope * -3.0, "w2": slope}
for name, gradient in on_paper.items():
    print(f"d neuron / d {name}: {float(seen[name].gradient): .6f}, on paper {gradient: .6f}")
    assert math.isclose(seen[name].gradient, gradient, rel_tol=1e-12)
assert math.isclose(seen["neuron"].value, p, rel_tol=1e-12)

# The four gates of the logistic function together do what the operation sigmoid does at once.
short = pl.observe(lambda z: pl.sigmoid(z), z=1.0)
assert math.isclose(short["z"].gradient, seen["z"].gradient, rel_tol=1e-12)

picture = Path(tempfile.mkdtemp()) / "neuron.svg"
seen.draw(picture)
print("drawn:", picture.name)
