"""Pictures of Matplotlib in a page: one for light ground and one for dark, both in the file."""

from __future__ import annotations

import base64
import html
import io
import warnings
from collections.abc import Callable
from typing import Any

DPI = 110
_COMMON = {"axes.grid": False, "axes.spines.top": False, "axes.spines.right": False, "font.size": 10}


def picture(draw: Callable[[Any], Any], size: tuple[float, float], caption: str) -> str:
    """Return a figure that is drawn twice: the reader's browser shows the one for its ground.

    Parameters
    ----------
    draw : callable
        Draws on the Matplotlib Figure that it is given.
    size : tuple of float
        Width and height in inches.
    caption : str
    """
    light, dark = _png(draw, size, {}, "#ffffff"), _png(draw, size, _dark(), "#0d1117")
    told = html.escape(caption)
    return (
        f'<figure><picture><source media="(prefers-color-scheme: dark)" srcset="{dark}">'
        f'<img alt="{told}" src="{light}"></picture><figcaption>{told}</figcaption></figure>'
    )


def _png(draw: Callable[[Any], Any], size: tuple[float, float], style: dict[str, Any], ground: str) -> str:
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    settings: Any = {**style, **_COMMON}
    with matplotlib.rc_context(settings), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # it is drawn as a box
        figure = Figure(figsize=size, layout="constrained", facecolor=ground)
        FigureCanvasAgg(figure)
        draw(figure)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=DPI)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def _dark() -> dict[str, Any]:
    ink, ground = "#e6edf3", "#0d1117"
    keys = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color", "legend.labelcolor")
    return {**dict.fromkeys(keys, ink), "axes.facecolor": ground, "legend.facecolor": ground, "grid.color": "#3d444d"}
