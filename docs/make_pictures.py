"""Draw the pictures of the guide: `python docs/make_pictures.py [DIRECTORY]`.

The directory is the one of this file if none is given; the pictures are in `pictures` in it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pellucid as pl


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


def main(directory: Path) -> None:
    """Draw all pictures into a directory."""
    directory.mkdir(parents=True, exist_ok=True)
    numbers = {"w0": 2.0, "x0": -1.0, "w1": -3.0, "x1": -2.0, "w2": -3.0}
    pl.observe(neuron, **numbers).draw(directory / "logistic.svg")
    pl.observe(gates, **numbers).draw(directory / "gates.svg")
    pl.observe(loss, w=[-3, 2, -3], x=[1, -1, -2], y=1.0).draw(directory / "loss.svg")


if __name__ == "__main__":
    main((Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent) / "pictures")
