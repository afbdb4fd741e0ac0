"""The layers of a network over the epochs of its training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.errors import UsageError
from pellucid.inspection.layers import LayerRecord, LayerRecords
from pellucid.inspection.pictures.style import Panels, panels_for

if TYPE_CHECKING:
    from pellucid.inspection.recorder import Recorder

PANELS: tuple[tuple[str, str, Callable[[LayerRecord], float]], ...] = (
    ("gradient that arrives (rms)", "log", lambda layer: layer.gradient.rms),
    ("update / weight in a step", "log", lambda layer: layer.update_ratio),
    ("spread of the outputs", "log", lambda layer: layer.output.spread),
    ("dead or stuck units", "linear", lambda layer: max(layer.dead, layer.stuck)),
)
"""What is drawn: title, scale, and the number of a layer."""


def plot_records(records: Recorder | Sequence[LayerRecords], ax: Any = None) -> Panels:
    """Draw how the layers fared while a network learned: gradients, updates, outputs, and units that do nothing.

    Parameters
    ----------
    records : Recorder or sequence of LayerRecords
    ax : matplotlib Axes, or four of them, optional
        Where to draw; by default in a new figure. A single one is divided.

    Returns
    -------
    Panels
        Four pictures.

    Raises
    ------
    UsageError
        Where there are no records.

    Examples
    --------
    >>> import pellucid as pl
    >>> from matplotlib.figure import Figure
    >>> recorder, x = pl.Recorder(), np.linspace(-1, 1, 64)[:, None]
    >>> network = pl.Network([pl.Dense(8, "tanh"), pl.Dense(1)], inputs=1)
    >>> fitted = pl.fit(network, pl.Dataset({"x": x}, x**2), loss="squared_error", epochs=20, on=recorder)
    >>> len(plot_records(recorder, Figure().subplots(2, 2)))
    4
    """
    moments = records if isinstance(records, Sequence) else records.records
    if not moments:
        fix = "Pass pl.Recorder() to pl.fit(on=...) and give it here."
        raise UsageError("no layers were recorded", where="records", fix=fix)
    panels = panels_for(ax, [title for title, _, _ in PANELS], columns=2, side=4.4)
    names = [layer.name for layer in moments[-1].layers]
    epochs = [moment.epoch for moment in moments]
    for axes, (title, scale, number) in zip(panels, PANELS, strict=True):
        for place, name in enumerate(names):
            values = np.array([number(moment[name]) for moment in moments], float)
            if scale == "log":
                values = np.where(values > 0, values, np.nan)
            axes.plot(
                epochs, values, color=_color(place, len(names)), linewidth=1.6, marker=_marker(epochs), markersize=3
            )
        axes.set_title(title, fontsize="medium")
        axes.grid(color="0.5", alpha=0.25, linewidth=0.8)
        axes.set_xlabel("epoch")
        if scale == "log" and any(np.isfinite(line.get_ydata()).any() for line in axes.lines):
            axes.set_yscale("log")
        elif scale == "linear":
            axes.set_ylim(-0.02, 1.02)
    _name_layers(panels[0], names)
    return panels


def _color(place: int, count: int) -> Any:
    import matplotlib
    from matplotlib.colors import to_rgb

    on_dark = sum(to_rgb(matplotlib.rcParams["text.color"])) > 1.5  # letters are light
    low, high = (0.3, 0.95) if on_dark else (0.05, 0.8)
    return matplotlib.colormaps["viridis"](low + (high - low) * place / max(count - 1, 1))


def _marker(epochs: Sequence[int]) -> str | None:
    return "o" if len(epochs) <= 30 else None


def _name_layers(axes: Any, names: Sequence[str]) -> None:
    """Name the layers; of many, the first and the last ones."""
    lines = list(axes.lines)
    if len(names) > 8:
        kept = [*range(3), *range(len(names) - 3, len(names))]
        lines, names = [lines[place] for place in kept], [names[place] for place in kept]
    axes.legend(lines, names, frameon=False, fontsize="x-small", ncols=2 if len(names) > 3 else 1)
