"""Linear regions multiply with depth

A network of rectifiers is linear wherever the same units are active. Folding the line once takes two units; a second
layer that folds the folded line doubles the pieces, a third doubles them again: with the same number of units, depth
makes exponentially many pieces where width makes only as many as there are units (Montufar et al., 2014).
"""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import pellucid as pl

DEPTHS = (1, 2, 3, 4, 5)


def folding(depth: int) -> tuple[pl.Network, dict[str, np.ndarray]]:
    """Return a network of layers of two rectifiers that each fold the line from 0 to 1 at its middle."""
    layers = [pl.Dense(2, "relu", name=f"fold_{number}") for number in range(1, depth + 1)]
    parameters = {"fold_1/weight": np.array([[2.0, 2.0]])}
    parameters |= {f"fold_{number}/weight": np.array([[2.0, 2.0], [-4.0, -4.0]]) for number in range(2, depth + 1)}
    parameters |= {f"fold_{number}/bias": np.array([0.0, -1.0]) for number in range(1, depth + 1)}
    parameters["out/weight"], parameters["out/bias"] = np.array([[1.0], [-2.0]]), np.zeros(1)
    return pl.Network([*layers, pl.Dense(1, name="out")], inputs=1, dtype="float64"), parameters


def pieces(y: np.ndarray, x: np.ndarray) -> int:
    """Count the straight pieces of a curve."""
    slopes = np.diff(y) / np.diff(x)
    return 1 + int(np.sum(np.abs(np.diff(slopes)) > 1e-6))


def shallow(units: int, x: np.ndarray) -> np.ndarray:
    """Return the output of one layer with as many pieces as it can have: each rectifier bends at its own place."""
    network = pl.Network([pl.Dense(units, "relu", name="bends"), pl.Dense(1, name="out")], inputs=1, dtype="float64")
    parameters = {"bends/weight": np.ones((1, units)), "bends/bias": -np.arange(1.0, units + 1) / 16}
    parameters |= {"out/weight": (-1.0) ** np.arange(units)[:, None], "out/bias": np.zeros(1)}
    return pl.compile(network.graph(batch=len(x)))(x=x, **parameters)["output"].ravel()


def main() -> Figure:
    x = np.linspace(0, 1, 2**10 + 1)[:, None]
    curves = {}
    for depth in DEPTHS:
        network, parameters = folding(depth)
        curves[depth] = pl.compile(network.graph(batch=len(x)))(x=x, **parameters)["output"].ravel()
    deep = [pieces(curve, x.ravel()) for curve in curves.values()]
    wide = [2 * depth for depth in DEPTHS]  # two units a layer bend at two places of the line: one of them at its end

    assert deep == [2**depth for depth in DEPTHS]
    assert [pieces(shallow(units, x), x.ravel()) for units in wide] == [1 + units for units in wide]

    figure = Figure(figsize=(11, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=[1.6, 1])
    for depth, color in zip((1, 2, 4), ("#56b4e9", "#0072b2", "#d55e00"), strict=True):
        left.plot(x, curves[depth], color=color, label=f"{depth} layer{'s' if depth > 1 else ''}: {2**depth} pieces")
    left.set(title="folded and folded again", xlabel="x", ylabel="output")
    left.set_ylim(0, 1.45)
    left.legend(loc="upper right")
    right.semilogy(wide, deep, "o-", color="#d55e00", label="in layers of two: doubled by each")
    right.semilogy(
        wide, [1 + units for units in wide], "o-", color="#0072b2", label="in one layer: at most one more each"
    )
    right.set(title="straight pieces", xlabel="rectifiers")
    right.set_yticks([2, 4, 8, 16, 32], ["2", "4", "8", "16", "32"])
    right.minorticks_off()
    right.legend()
    return figure


if __name__ == "__main__":
    main().savefig(Path(__file__).stem + ".png", dpi=150)
