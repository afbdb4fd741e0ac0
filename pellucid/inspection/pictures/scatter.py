"""Examples as dots, coloured by class or target, with their legend or colour bar."""

from __future__ import annotations

from typing import Any

import numpy as np

from pellucid.inspection.pictures.style import SEQUENTIAL, class_color, class_marker, ink, outlined, short, some_rows
from pellucid.inspection.pictures.subject import Target

FEW = 400
"""Of more examples than this the dots are smaller."""

MOST_NAMED = 12
"""Of more classes than this no legend is drawn."""


def scatter(
    axes: Any, across: np.ndarray, upwards: np.ndarray, target: Target, size: float = 14.0, norm: Any = None
) -> Any:
    """Draw examples; return what a colour bar is made of, None for classes."""
    rows = some_rows(len(across))
    known = rows[np.isfinite(across[rows]) & np.isfinite(upwards[rows])]
    share = float(np.clip(np.sqrt(FEW / max(1, len(known))), 0.5, 1.0))
    edge = {"edgecolors": ink(), "linewidths": 0.3 * share, "zorder": 3, "s": size * share}
    if target.values is None:
        axes.scatter(across[known], upwards[known], c=class_color(0, 1), **edge)
        return None
    values = target.values[known]
    if not target.classes:
        drawn = axes.scatter(across[known], upwards[known], c=values, cmap=SEQUENTIAL, norm=norm, **edge)
        if norm is not None:  # behind them are the same colours
            drawn.set_path_effects(outlined(1.4))
        return drawn
    count = len(target.classes)
    for number in range(count):
        own = known[values == number]
        axes.scatter(
            across[own],
            upwards[own],
            c=class_color(number, count),
            marker=class_marker(number),
            **edge,
        )
    return None


def color_bar(axes: Any, drawn: Any, target: Target) -> Any:
    """Add what the colours of numbers mean."""
    if drawn is None:
        return None
    first = axes if hasattr(axes, "figure") else axes[0]
    bar = first.figure.colorbar(drawn, ax=axes if axes is first else list(axes), pad=0.02)
    bar.set_label(short(target.name), fontsize=9)
    bar.ax.tick_params(labelsize=8)
    return bar


def legend(axes: Any, target: Target, figure: Any = None, small: bool = False) -> None:
    """Add which colour and marker a class has: inside the axes, or beside all pictures of a figure."""
    if not 0 < len(target.classes) <= MOST_NAMED:
        return
    from matplotlib.lines import Line2D

    count = len(target.classes)
    handles = [
        Line2D(
            [], [], linestyle="", marker=class_marker(number), color=class_color(number, count), label=short(name),
            markeredgecolor=ink(), markeredgewidth=0.3,
        )
        for number, name in enumerate(target.classes)
    ]  # fmt: skip
    title = short(target.name) if target.name != "output" else None
    if figure is not None:
        figure.legend(handles=handles, title=title, loc="outside right upper", fontsize=8, title_fontsize=8)
    elif small:
        axes.legend(handles=handles, fontsize=6, markerscale=0.6, handletextpad=0.1, borderpad=0.3)
    else:
        axes.legend(handles=handles, title=title, fontsize=8, title_fontsize=8)
