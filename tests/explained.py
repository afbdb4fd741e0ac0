"""A small network by hand, for the tests of explanations."""

import numpy as np

import pellucid as pl
from pellucid.graph.types import Type, as_dtype
from pellucid.inspection.observe import observe

ROWS, INPUTS, HIDDEN, SECOND, OUTPUTS = 6, 4, 5, 3, 2


def material(dtype="float64", seed=0):
    """Return inputs and parameters of a network with two hidden layers."""
    rng = np.random.default_rng(seed)
    shapes = {
        **{"x": (ROWS, INPUTS), "w1": (INPUTS, HIDDEN), "b1": (HIDDEN,), "w2": (HIDDEN, SECOND), "b2": (SECOND,)},
        **{"w3": (SECOND, OUTPUTS), "y": (ROWS, OUTPUTS), "weight": (ROWS,)},
    }
    found = {name: rng.normal(size=shape).astype(dtype) for name, shape in shapes.items()}
    return found | {"weight": np.abs(found["weight"])}


def network(x, w1, b1, w2, b2, w3, y, weight):
    with pl.scope("one"):
        h1 = pl.relu(x @ w1 + b1)
    with pl.scope("two"):
        h2 = pl.tanh(h1 @ w2 + b2)
    output = h2 @ w3
    with pl.scope("loss"):
        each = pl.sum((output - y) ** 2.0, axis=1)
        total = pl.sum(weight * each) / pl.sum(weight)
    return {"loss": total, "output": output, "one/h": h1, "two/h": h2}


def observed(dtype="float64", seed=0):
    """Observe the network; axes of examples are named."""
    given = material(dtype, seed)
    batch = pl.Axis(ROWS, "batch")
    by_row = {"x": (batch, INPUTS), "y": (batch, OUTPUTS), "weight": (batch,)}
    types = {name: Type(as_dtype(dtype), by_row.get(name, a.shape)) for name, a in given.items()}
    return observe(pl.build(network, **types), of="loss", **given), given


def by_hand(given):
    """Return activations, and the errors (d loss / d pre-activation) of all layers, in float64."""
    g = {name: array.astype(float) for name, array in given.items()}
    z1 = g["x"] @ g["w1"] + g["b1"]
    h1 = np.maximum(z1, 0)
    h2 = np.tanh(h1 @ g["w2"] + g["b2"])
    output = h2 @ g["w3"]
    d3 = 2 * (output - g["y"]) * (g["weight"] / g["weight"].sum())[:, None]
    d2 = (d3 @ g["w3"].T) * (1 - h2**2)
    d1 = (d2 @ g["w2"].T) * (z1 > 0)
    return {"z1": z1, "h1": h1, "h2": h2, "output": output, "d1": d1, "d2": d2, "d3": d3}
