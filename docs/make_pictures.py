"""Draw the pictures of the guide: `python docs/make_pictures.py [DIRECTORY]`.

The directory is the one of this file if none is given; the pictures are in `pictures` in it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

import pellucid as pl
from pellucid.data.encoders.fit import fit_encoders
from pellucid.data.encoders.settings import EncoderSettings
from pellucid.data.roles import infer_roles
from pellucid.data.targets import fit_targets
from pellucid.data.task import infer_task
from pellucid.inspection.drawing.network_figure import draw_network
from pellucid.model.network import tabular_network
from pellucid.workflow.observed_row import observe_row

COLUMN = 1000
"""How wide pictures on a page are, in pixels, about."""


def neuron(w0: Any, x0: Any, w1: Any, x1: Any, w2: Any) -> Any:
    """A logistic neuron of two inputs, the logistic function as one gate."""
    return pl.sigmoid(w0 * x0 + w1 * x1 + w2)


def gates(w0: Any, x0: Any, w1: Any, x1: Any, w2: Any) -> Any:
    """The same neuron, taken apart into the gates of which the logistic function is made."""
    z = w0 * x0 + w1 * x1 + w2
    return {"neuron": 1 / (1 + pl.exp(-z))}


def loss(w: Any, x: Any, y: Any) -> Any:
    """The cross-entropy of a logistic neuron."""
    p = pl.sigmoid(pl.sum(w * x))
    return -(y * pl.log(p) + (1 - y) * pl.log(1 - p))


def draw_small_network(path: Path) -> None:
    """Draw a network of three hidden units, with weights given by hand, on one row of a table."""
    sizes, rooms = [20.0, 40.0, 60.0, 80.0], [1, 3, 2, 4]
    table = pl.Table.from_columns({"size": sizes, "rooms": rooms, "let": ["no", "yes", "yes", "no"]})
    task = infer_task(table, "let")
    encoding = fit_encoders(table, infer_roles(table, "let"), task, dtype="float64", settings=EncoderSettings(limit=0))
    network = tabular_network(encoding, 1, hidden=(3,), activation="tanh", dropout=0.0, dtype="float64")
    parameters = {
        "dense_1/weight": [[1.0, -0.5, 2.0], [0.5, 1.5, -1.0]],
        "dense_1/bias": [0.5, 0.0, -0.5],
        "dense_2/weight": [[1.0], [-2.0], [1.5]],
        "dense_2/bias": [0.25],
    }
    arrays = {name: np.array(values) for name, values in parameters.items()}
    loss = pl.loss("binary_cross_entropy")
    found = observe_row(pl.build_model(encoding, fit_targets(table, task), network, loss, arrays), table, 2)
    draw_network(found.seen, found.names(), path)


def draw_large_network(path: Path) -> None:
    """Draw a network of many units on several examples: layers with shades and histograms."""
    network = pl.Network([pl.Dense(64, "relu"), pl.Dense(32, "tanh"), pl.Dense(1)], inputs=12, dtype="float64")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 12))
    data = pl.Dataset({"x": x}, np.sin(x[:, :1]) + x[:, 1:2] * x[:, 2:3])
    fitted = pl.fit(network, data, loss="squared_error", epochs=5, executor="interpret")
    pl.observe(fitted, data, rows=range(20)).draw(path, view="neurons")


def main(directory: Path) -> None:
    """Draw all pictures into a directory."""
    directory.mkdir(parents=True, exist_ok=True)
    numbers = {"w0": 2.0, "x0": -1.0, "w1": -3.0, "x1": -2.0, "w2": -3.0}
    pl.observe(neuron, **numbers).draw(directory / "logistic.svg")
    pl.observe(gates, **numbers).draw(directory / "gates.svg", width=COLUMN)
    seen = pl.observe(loss, w=[-3, 2, -3], x=[1, -1, -2], y=1.0)
    seen.draw(directory / "loss.svg", width=COLUMN)
    draw_small_network(directory / "network.svg")
    draw_large_network(directory / "layers.svg")
    passes = seen.frames(width=COLUMN)
    backward = next(number for number, caption in enumerate(passes.captions) if "in all" in caption.told)
    (directory / "frame.svg").write_text(passes[backward], encoding="utf-8")
    passes.write_page(directory / "passes.html")


if __name__ == "__main__":
    main((Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent) / "pictures")
