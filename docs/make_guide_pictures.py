"""Draw the pictures of chapters 13 to 15 and 17 of the guide: `python docs/make_guide_pictures.py [DIRECTORY]`.

The directory is the one of this file if none is given; the pictures are in `pictures/guide` in it. They are of the
trainings that the chapters tell of.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

import pellucid as pl

DPI = 100
COLORS = 192
TABLES = Path(__file__).resolve().parent.parent / "examples" / "tables"


def quadrants() -> tuple[np.ndarray, pl.Dataset]:
    """Return points of a square; those with coordinates of one sign are class 1."""
    x = np.random.default_rng(0).uniform(-1, 1, (240, 2))
    return x, pl.Dataset({"x": x}, x[:, 0] * x[:, 1] > 0)


def half_moons() -> pl.Dataset:
    """Return two half-moons, a class each."""
    rng = np.random.default_rng(0)
    angle, y = rng.uniform(0, np.pi, 300), np.arange(300) % 2
    side = 1 - 2 * y
    x = np.stack([side * np.cos(angle) + y, side * np.sin(angle) + 0.5 * y], axis=1)
    return pl.Dataset({"x": x + 0.1 * rng.standard_normal((300, 2))}, y)


def draw_observations(folder: Path) -> None:
    """Draw one row and one mini-batch in a network, for chapter 13."""
    _, data = quadrants()
    network = pl.Network([pl.Dense(4, "tanh"), pl.Dense(1)], inputs=2, dtype="float64")
    fitted = pl.fit(
        network,
        data,
        loss="binary_cross_entropy",
        optimizer=pl.optimizers.Adam(0.02),
        epochs=60,
        seed=3,
        progress=False,
    )
    pl.observe(fitted, data, rows=3).draw(folder / "one-row.svg", view="neurons")
    pl.observe(fitted, data, rows=range(32)).draw(folder / "mini-batch.svg", view="neurons")


def draw_a_fit(folder: Path) -> None:
    """Draw what a network does to the data, its landscape and its records, for chapters 13 and 14."""
    data, path, recorder = half_moons(), pl.TrainingPath(), pl.Recorder(every=5)
    network = pl.Network([pl.Dense(8, "relu"), pl.Dense(8, "relu"), pl.Dense(1)], inputs=2)
    fitted = pl.fit(
        network,
        data,
        loss="binary_cross_entropy",
        optimizer=pl.optimizers.Adam(0.02),
        epochs=60,
        seed=1,
        on=[path, recorder],
        progress=False,
    )
    write(
        pl.plot_representation(fitted, data, ax=Figure((9.6, 2.7), layout="constrained").subplots(1, 4)),
        folder,
        "representation",
    )
    write(
        pl.plot_composition(fitted, data, ax=Figure((9.6, 3.4), layout="constrained").subplots(1, 3)),
        folder,
        "composition",
    )
    write(
        pl.plot_units(fitted, data, ax=Figure((9.6, 4.2), layout="constrained").subplots(2, 4).ravel()), folder, "units"
    )
    write(pl.landscape(fitted, data, path=path).plot(), folder, "landscape")
    write(pl.plot_records(recorder, Figure((9.6, 5.8), layout="constrained").subplots(2, 2)).figure, folder, "records")


def draw_divergence(folder: Path) -> None:
    """Draw how the roundings of two executors grow, for chapter 15."""
    _, data = quadrants()
    network = pl.Network([pl.Dense(16, "tanh"), pl.Dropout(0.1), pl.Dense(1)], inputs=2)
    way = dict(loss="binary_cross_entropy", optimizer=pl.optimizers.Adam(0.02), epochs=40, seed=3)
    native, interpreted = pl.timeline(network, data, **way), pl.timeline(network, data, **way, executor="interpret")
    axes = Figure((6.4, 3.2), layout="constrained").subplots()
    write(pl.first_divergence(native, interpreted, names=("native", "interpret")).plot(axes), folder, "divergence")


def draw_learning_curve(folder: Path) -> None:
    """Draw whether more rows or a larger network would help, for chapter 17."""
    curve = pl.learning_curve(TABLES / "diabetes.csv", "progression")
    write(curve.plot(Figure((8.6, 3.8), layout="constrained")), folder, "learning-curve")


def write(picture: Any, folder: Path, name: str) -> None:
    """Write a figure, or what has one, as a PNG file of few colours."""
    figure = getattr(picture, "figure", picture)
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", dpi=DPI, facecolor="white", metadata={"Software": None})
    image = Image.open(drawn).convert("RGB").quantize(COLORS, dither=Image.Dither.NONE)
    image.save(folder / f"{name}.png", optimize=True)


def main(directory: Path) -> None:
    """Draw all pictures into a directory."""
    folder = directory / "pictures" / "guide"
    folder.mkdir(parents=True, exist_ok=True)
    draw_observations(folder)
    draw_a_fit(folder)
    draw_divergence(folder)
    draw_learning_curve(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent)
