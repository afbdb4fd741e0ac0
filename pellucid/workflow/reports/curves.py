"""The picture of how training went: loss and metric of training and validation, epoch by epoch."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

PARTS = {"": "training", "training_": "training", "validation_": "validation"}
LOG_FROM = 20.0
"""From this ratio of the largest to the smallest loss on, the axis is logarithmic."""


def draw_curves(
    path: str | os.PathLike[str], history: Sequence[Mapping[str, Any]], best_epoch: int, title: str
) -> None:
    """Draw a training's history to a PNG file.

    Parameters
    ----------
    path : path
    history : sequence of mapping
        The records of the epochs: ``epoch``, ``loss``, ``validation_loss``, and metrics such as
        ``training_accuracy`` and ``validation_accuracy``.
    best_epoch : int
        The epoch that was kept; marked.
    title : str
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.2 * (1 + len(_metrics(history))), 3.9), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(_plain(title))
    paint_curves(figure, history, best_epoch)
    with warnings.catch_warnings():  # a letter that the font lacks is drawn as a box
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        figure.savefig(path, dpi=110)


def paint_curves(figure: Any, history: Sequence[Mapping[str, Any]], best_epoch: int) -> None:
    """Draw the history on a Matplotlib Figure, loss and metrics side by side."""
    names = ["loss", *_metrics(history)]
    for axes, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        _draw(axes, history, name, best_epoch)


def _metrics(history: Sequence[Mapping[str, Any]]) -> list[str]:
    keys = dict.fromkeys(key for record in history for key in record)
    return [
        key.removeprefix("validation_") for key in keys if key.startswith("validation_") and key != "validation_loss"
    ]


def _draw(axes: Any, history: Sequence[Mapping[str, Any]], name: str, best_epoch: int) -> None:
    found = []
    prefixes = ["", "validation_"] if name == "loss" else ["training_", "validation_"]
    for prefix, color in zip(prefixes, ("#1f6fb2", "#d1701f"), strict=True):
        epochs = np.array([record["epoch"] for record in history if prefix + name in record])
        values = np.array([record[prefix + name] for record in history if prefix + name in record], float)
        if len(values):
            marker = "o" if len(values) == 1 else None
            axes.plot(epochs, values, color=color, linewidth=1.6, marker=marker, label=PARTS[prefix])
            found.append(values[np.isfinite(values)])
    values = np.concatenate(found) if found else np.empty(0)
    if name == "loss" and values.size and values.min() > 0 and values.max() / values.min() > LOG_FROM:
        axes.set_yscale("log")
    if not values.size:
        axes.text(0.5, 0.5, "no epoch was finished", ha="center", va="center", transform=axes.transAxes)
    elif best_epoch > 0:
        axes.axvline(best_epoch, color="0.45", linewidth=1.0, linestyle="--", label=f"kept: epoch {best_epoch}")
    if values.size:
        axes.legend(frameon=False)
    axes.set_xlabel("epoch")
    axes.set_ylabel(name.replace("_", " "))
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.grid(color="0.5", alpha=0.25, linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _plain(title: str) -> str:
    """Return a title that Matplotlib does not take for a formula."""
    shown = "".join(letter if letter.isprintable() else "?" for letter in title).replace("$", r"\$")
    return shown if len(shown) <= 80 else shown[:77] + "..."
