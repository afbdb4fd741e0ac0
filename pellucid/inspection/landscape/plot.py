"""Landscapes as pictures."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pellucid.inspection.landscape.surface import Landscape


def plot_landscape(seen: Landscape, ax: Any = None, levels: int = 24) -> Any:
    """Draw a landscape: lines of equal loss, closer where it is low; the path of training, and where it ended.

    Parameters
    ----------
    seen : Landscape
    ax : matplotlib Axes, optional
        Where to draw; by default in a new figure.
    levels : int
        How many lines there are about.

    Returns
    -------
    matplotlib Axes
    """
    import matplotlib.pyplot as plt
    from matplotlib.colors import BoundaryNorm

    if ax is None:
        _, ax = plt.subplots(figsize=(7, 5.5), layout="constrained")
    finite = seen.losses[np.isfinite(seen.losses)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    least = min(low, seen.loss) if np.isfinite(seen.loss) else low
    # From the lowest loss on, in equal ratios: most of what is of interest lies near the bottom.
    depth = max((high - least) * 1e-3, 1e-12 * max(abs(least), 1.0))
    lines = least + np.geomspace(depth, max(high - least, 2 * depth), levels)
    shown = np.minimum(np.where(np.isfinite(seen.losses), seen.losses, high), high)
    bounds = np.r_[least, lines]
    norm = BoundaryNorm(bounds, 256, extend="max")  # as many shades between two lines wherever they are
    filled = ax.contourf(seen.a, seen.b, shown, levels=bounds, norm=norm, cmap="viridis", extend="max")
    ax.contour(seen.a, seen.b, shown, levels=lines[::2], colors="white", linewidths=0.4, alpha=0.6)
    bar = ax.figure.colorbar(filled, ax=ax, label="loss")
    bar.set_ticks(lines[:: max(1, levels // 6)])
    bar.set_ticklabels([f"{line:.3g}" for line in lines[:: max(1, levels // 6)]])
    if seen.path is not None:
        told = f"training ({seen.explained:.0%} of its way lies in the plane)"
        ax.plot(*seen.path.T, "o-", color="#d55e00", mec="white", mew=0.4, ms=3.5, lw=1.2, label=told)
    ax.plot(0, 0, "*", color="#f0e442", mec="black", ms=13, label=f"where it ended: loss {seen.loss:.4g}")
    names = {
        "path": ("first principal component of the path", "second principal component"),
        "random": ("a random direction, in lengths of the weights", "another"),
    }
    xlabel, ylabel = names.get(seen.kind, ("first direction", "second direction"))
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.legend(loc="upper right", fontsize="small")
    return ax


def as_image(draw: Callable[..., Any], caption: str) -> str:
    """Return what a function draws on axes as an HTML image with a caption, self-contained."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 5.5), layout="constrained")
    draw(ax=figure.subplots())
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110, facecolor="white")
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    told = html.escape(caption)
    return f'<figure><img alt="{told}" src="data:image/png;base64,{data}"><figcaption>{told}</figcaption></figure>'
