"""What the gradient would cost without back-propagation

A difference quotient needs one more forward pass for each parameter. Back-propagation goes back once and has all of
them: for two to three times the arithmetic of one forward pass, however many parameters there are (Baur and Strassen,
1983). Counted here in multiplications on the graphs themselves.
"""

from math import prod
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import pellucid as pl
from pellucid.training.step import build_objective

WIDTHS = (2, 4, 8, 16, 32, 64, 128)


def multiplications(graph: pl.Graph) -> int:
    """Count the products of all matrix products of a graph."""
    count = 0
    for node in graph.nodes:
        if node.op.name == "contraction":
            left, right, result = (source.type.shape for source in (*node.inputs, node))
            contracted = round((prod(left) * prod(right) / prod(result)) ** 0.5)
            count += prod(result) * contracted
    return count


def main() -> Figure:
    counted = []
    for width in WIDTHS:
        layers = [pl.Dense(width, "tanh"), pl.Dense(width, "tanh"), pl.Dense(width)]
        network = pl.Network(layers, inputs=width, dtype="float64")
        context = pl.Context(training=False, batch=1, dtype=network.dtype)
        objective, _, _ = build_objective(context, network, {"output": pl.loss("squared_error")}, ())
        forward = context.builder.finish({"loss": objective})
        backward = pl.simplify(pl.differentiate(forward, list(network.parameters), "loss"))
        parameters = network.count_parameters()
        once = multiplications(forward)
        counted.append((parameters, once, (parameters + 1) * once, multiplications(backward)))
    parameters, once, differences, propagation = np.array(counted).T

    assert np.all(propagation <= 3 * once)  # one forward and one backward pass, whatever the size
    assert np.allclose(differences / once, parameters + 1)
    assert differences[-1] / propagation[-1] > 10_000

    figure = Figure(figsize=(8, 4.5), layout="constrained")
    ax = figure.subplots()
    ax.loglog(parameters, differences, "o-", color="#d55e00", label="difference quotients")
    ax.loglog(parameters, propagation, "o-", color="#0072b2", label="back-propagation")
    ax.loglog(parameters, once, "o:", color="#888888", label="one forward pass")
    last = differences[-1] / propagation[-1]
    ax.annotate(f"{last:,.0f} times", (parameters[-1], differences[-1] / last**0.5), ha="right")
    ax.set(xlabel="parameters", ylabel="multiplications for one gradient", title="Three dense layers, one example")
    ax.legend()
    return figure


if __name__ == "__main__":
    main().savefig(Path(__file__).stem + ".png", dpi=150)
