"""The layers of a network over the epochs of its training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.errors import UsageError
from pellucid.inspection.layers import LayerRecord, LayerRecords

if TYPE_CHECKING:
    from pellucid.inspection.recorder import Recorder

PANELS: tuple[tuple[str, str, Callable[[LayerRecord], float]], ...] = (
    ("gradient that arrives (rms)", "log", lambda layer: layer.gradient.rms),
    ("update / weight in a step", "log", lambda layer: layer.update_ratio),
    ("spread of the outputs", "log", lambda layer: layer.output.spread),
    ("dead or stuck units", "linear", lambda layer: max(layer.dead, layer.stuck)),
)
"""What is drawn: title, scale, and the number of a layer."""


def plot_records(records: Sequence[LayerRecords] | Recorder, figure: Any = None) -> Any:
    """Draw how the layers fared while a network learned: gradients, updates, outputs, and units that do nothing.

    Parameters
    ----------
    records : Recorder, or sequence of LayerRecords
        A recorder, or its `records`.
    figure : matplotlib Figure, optional
        Where to draw; by default a new one.

    Returns
    -------
    matplotlib Figure
        With four axes.

    Raises
    ------
    UsageError
        Where there are no records.

    Examples
    --------
    >>> import pellucid as pl
    >>> from matplotlib.figure import Figure
    >>> from pellucid.inspection.recorder import Recorder
    >>> recorder, x = Recorder(), np.linspace(-1, 1, 64)[:, None]
    >>> network = pl.Network([pl.Dense(8, "tanh"), pl.Dense(1)], inputs=1)
    >>> fitted = pl.fit(network, pl.Dataset({"x": x}, x**2), loss="squared_error", epochs=20, on=recorder)
    >>> len(plot_records(recorder.records, Figure()).axes)
    4
    """
    records = records if isinstance(records, Sequence) else getattr(records, "records", ())
    if not records:
        fix = "Pass pl.Recorder() to pl.fit(on=...) and give its records."
        raise UsageError("no layers were recorded", where="records", fix=fix)
    if figure is None:
        import matplotlib.pyplot as plt

        figure = plt.figure(figsize=(11, 6.2), layout="constrained")
    names = [layer.name for layer in records[-1].layers]
    epochs = [moment.epoch for moment in records]
    axes = figure.subplots(2, 2, sharex=True).ravel()
    for ax, (title, scale, number) in zip(axes, PANELS, strict=True):
        for place, name in enumerate(names):
            values = np.array([number(moment[name]) for moment in records], float)
            if scale == "log":
                values = np.where(values > 0, values, np.nan)
            ax.plot(
                epochs, values, color=_color(place, len(names)), linewidth=1.6, marker=_marker(epochs), markersize=3
            )
        ax.set_title(title, fontsize="medium")
        ax.grid(color="0.5", alpha=0.25, linewidth=0.8)
        if scale == "log" and any(np.isfinite(line.get_ydata()).any() for line in ax.lines):
            ax.set_yscale("log")
        elif scale == "linear":
            ax.set_ylim(-0.02, 1.02)
    for ax in axes[2:]:
        ax.set_xlabel("epoch")
    _name_layers(figure, axes[0], names)
    return figure


def _color(place: int, count: int) -> Any:
    import matplotlib
    from matplotlib.colors import to_rgb

    on_dark = sum(to_rgb(matplotlib.rcParams["text.color"])) > 1.5  # letters are light
    low, high = (0.3, 0.95) if on_dark else (0.05, 0.8)
    return matplotlib.colormaps["viridis"](low + (high - low) * place / max(count - 1, 1))


def _marker(epochs: Sequence[int]) -> str | None:
    return "o" if len(epochs) <= 30 else None


def _name_layers(figure: Any, ax: Any, names: Sequence[str]) -> None:
    """Name the layers beside the picture; of many, the first and the last ones."""
    lines = list(ax.lines)
    if len(names) > 10:
        kept = [*range(4), *range(len(names) - 4, len(names))]
        lines, names = [lines[place] for place in kept], [names[place] for place in kept]
    figure.legend(lines, names, loc="outside right upper", frameon=False, fontsize="small")
