"""A polygon and two islands, composed from half-planes

Every step unit of the first hidden layer is one half-plane. A unit of the second layer that asks for all of its sides
is their intersection, a convex polygon; a unit of the third that asks for at least one polygon is their union. So
three layers of neurons can draw any region, here set by hand without any learning (Lippmann, 1987).
"""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import pellucid as pl


def sides_of(corners: list[tuple[float, float]]) -> tuple[np.ndarray, np.ndarray]:
    """Return weights [2, sides] and biases of the half-planes whose intersection is a polygon (counterclockwise)."""
    points = np.array(corners)
    along = np.roll(points, -1, axis=0) - points
    normal = np.c_[-along[:, 1], along[:, 0]]
    return normal.T, -(normal * points).sum(axis=1)


def main() -> Figure:
    pentagon = [(np.cos(t) - 1.4, np.sin(t) + 0.2) for t in 0.3 + 2 * np.pi * np.arange(5) / 5]
    triangle = [(0.4, -1.2), (2.2, -0.6), (1.0, 1.2)]
    polygons = [sides_of(pentagon), sides_of(triangle)]
    network = pl.Network(
        [pl.Dense(8, "step", name="sides"), pl.Dense(2, "step", name="polygons"), pl.Dense(1, "step", name="union")],
        inputs=2,
        dtype="float64",
    )
    members = np.zeros((8, 2))
    members[:5, 0] = members[5:, 1] = 1  # which sides belong to which polygon
    parameters = {
        "sides/weight": np.hstack([weight for weight, _ in polygons]),
        "sides/bias": np.hstack([bias for _, bias in polygons]),
        "polygons/weight": members,
        "polygons/bias": np.array([-4.5, -2.5]),  # all of its sides
        "union/weight": np.ones((2, 1)),
        "union/bias": np.array([-0.5]),  # at least one
    }
    a, b = np.meshgrid(np.linspace(-3, 3, 240), np.linspace(-2, 2, 160))
    points = np.c_[a.ravel(), b.ravel()]
    seen = pl.compile(network.graph(batch=len(points))).observe(x=points, **parameters)
    layers = [next(v for p, v in seen.items() if p == f"{name}/step") for name in ("sides", "polygons")]
    union = seen[network.graph().outputs["output"].path]

    from matplotlib.path import Path as Outline

    inside = [Outline(corners).contains_points(points) for corners in (pentagon, triangle)]
    assert np.mean(layers[1][:, 0] == inside[0]) > 0.999 and np.mean(layers[1][:, 1] == inside[1]) > 0.999
    assert np.mean(union.ravel() == (inside[0] | inside[1])) > 0.999

    figure = Figure(figsize=(12, 3.6), layout="constrained")
    axes = figure.subplots(1, 4)
    shown = {
        "first layer: half-planes": layers[0][:, :5].sum(axis=1),
        "second layer: a polygon": layers[1][:, 0],
        "second layer: another": layers[1][:, 1],
        "third layer: two islands": union.ravel(),
    }
    for ax, (name, values) in zip(axes, shown.items(), strict=True):
        ax.pcolormesh(a, b, values.reshape(a.shape), cmap="Blues", vmin=-0.5, vmax=max(values.max() * 1.4, 1))
        ax.set(title=name, aspect="equal", xticks=[], yticks=[])
    return figure


if __name__ == "__main__":
    main().savefig(Path(__file__).stem + ".png", dpi=150)
