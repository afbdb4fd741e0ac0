"""Parallel coordinates: every trial is a line through its settings to its value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pellucid.inspection.pictures.style import axes_for, ink, outlined
from pellucid.tuning.pictures.axis import Axis, axes_of
from pellucid.tuning.pictures.blank import say_nothing
from pellucid.tuning.pictures.scale import PALE, Scale, choose_trials, scale_of, tell_metric
from pellucid.tuning.space import Dimension, Space
from pellucid.tuning.trial import Trial

MOST_LINES = 240
MOST_AXES = 15
OFF = -0.16
"""Where lines cross the axis of a setting that takes no part."""

_BENDS = 14  # points of a line from one axis to the next
_SPREAD = 0.05
_FEW = 8


def plot_parallel(
    trials: Sequence[Trial],
    space: Space,
    higher_is_better: bool,
    metric: str,
    *,
    names: Sequence[str] | None = None,
    most: int = MOST_LINES,
    ax: Any = None,
) -> Any:
    """Draw trials as lines through their settings to their values: parallel coordinates.

    Better trials stand out from the ground and lie on top; the best one is the thick line. Pruned trials are grey, and
    end before the value, which they have not earned. Where a setting takes no part, lines pass below its axis.

    Parameters
    ----------
    trials : sequence of Trial
    space : Space
    higher_is_better : bool
    metric : str
    names : sequence of str, optional
        Which settings, in this order; by default all of the space, or its first 15.
    most : int
        So many finished trials are drawn at most: the best ones, and others evenly chosen. The title says so.
    ax : Axes, optional

    Returns
    -------
    Axes

    Source: Inselberg, The plane with parallel coordinates, The Visual Computer (1985).

    Examples
    --------
    >>> space = Space({"rate": "log_uniform(0.001, 1)", "layers": "integer(1, 3)"})
    >>> trials = [Trial(n, {"rate": 0.01 * (n + 1), "layers": 1 + n % 3}, state="finished", value=n) for n in range(9)]
    >>> axes = plot_parallel(trials, space, False, "rmse")
    >>> [text.get_text() for text in axes.texts if text.get_text() in ("rate", "layers")]
    ['rate', 'layers']
    """
    shown = axes_of(_dimensions(space, names))
    axes = axes_for(ax, (max(6.0, 1.5 + 0.95 * (len(shown) + 1)), 4.6))
    scale = scale_of(trials, metric, higher_is_better)
    if scale is None or not shown:
        return say_nothing(axes, "No trial has a value yet." if scale is None else "Nothing was searched.")
    chosen = choose_trials(trials, higher_is_better, most)
    _draw_pale(axes, shown, chosen.pruned)
    _draw_lines(axes, shown, chosen.finished, scale)
    for place, axis in enumerate(shown):
        _draw_axis(axes, place, axis.marks(), axis.conditional)
    _draw_axis(axes, len(shown), scale.ticks(), False)
    titles = [*(axis.title for axis in shown), tell_metric(metric)]
    _write_titles(axes, titles)
    axes.set_xlim(-0.55, len(shown) + 0.35)
    axes.set_ylim(OFF - 0.06 if any(axis.conditional for axis in shown) else -0.05, 1.04)
    axes.set_axis_off()
    axes.annotate(
        _caption(scale, chosen.note, bool(chosen.pruned)),
        (0.0, 0.0), (0, -6), "axes fraction", "offset points", fontsize=8, va="top", annotation_clip=False,
    )  # fmt: skip
    return axes


def _dimensions(space: Space, names: Sequence[str] | None) -> list[Dimension]:
    if names is None:
        return list(space.dimensions[:MOST_AXES])
    return [space.dimension(name) for name in names]


def _caption(scale: Scale, note: str, pruned: bool) -> str:
    end = f"At the right the best {tell_metric(scale.metric)} is on top."
    grey = " Grey: pruned." if pruned and "grey" not in note else ""
    return f"{end}{grey} {note}".strip()


def _paths(axes: Sequence[Axis], trials: Sequence[Trial], values: Sequence[float] | None) -> np.ndarray:
    """Return lines that bend smoothly from axis to axis, [trials, points, 2]."""
    columns = [axis.places(trials, _SPREAD) for axis in axes]
    heights = np.column_stack([np.where(np.isnan(found), OFF, found) for found in columns])
    if values is not None:
        heights = np.column_stack([heights, values])
    between = np.linspace(0.0, 1.0, _BENDS, endpoint=False)
    bend = between**2 * (3 - 2 * between)
    left, right = heights[:, :-1, None], heights[:, 1:, None]
    y = np.concatenate([(left + bend * (right - left)).reshape(len(trials), -1), heights[:, -1:]], axis=1)
    x = np.append((np.arange(heights.shape[1] - 1)[:, None] + between).ravel(), heights.shape[1] - 1)
    return np.stack(np.broadcast_arrays(x, y), axis=-1)


def _draw_pale(axes: Any, shown: Sequence[Axis], trials: Sequence[Trial]) -> None:
    from matplotlib.collections import LineCollection

    if trials:
        alpha = float(np.clip(20 / len(trials), 0.08, 0.35))
        lines = LineCollection(list(_paths(shown, trials, None)), colors=PALE, alpha=alpha, linewidths=0.6, zorder=1)
        axes.add_collection(lines)


def _draw_lines(axes: Any, shown: Sequence[Axis], trials: Sequence[Trial], scale: Scale) -> None:
    from matplotlib.collections import LineCollection

    if not trials:
        return
    values = [float(trial.value) for trial in trials if trial.value is not None]
    paths = _paths(shown, trials, scale.shares(values))
    good = np.exp(-np.arange(len(trials)) / _FEW)  # only the best few stand out
    colors = np.array([scale.color(value) for value in values])
    faint = float(np.clip(30 / len(trials), 0.28, 0.9))
    colors[:, 3] = faint + (1 - faint) * good
    widths = float(np.clip(40 / len(trials), 0.7, 1.5)) + 0.7 * good
    order = np.arange(len(trials))[::-1]
    lines = LineCollection(list(paths[order]), colors=colors[order], linewidths=widths[order], zorder=2)
    axes.add_collection(lines)
    best = axes.plot(paths[0, :, 0], paths[0, :, 1], color=scale.color(values[0]), linewidth=3.0, zorder=3)[0]
    best.set_path_effects(outlined(5.0))


def _draw_axis(axes: Any, place: float, marks: Sequence[tuple[float, str]], conditional: bool) -> None:
    axes.plot([place, place], [0.0, 1.0], color=ink(), linewidth=0.9, zorder=4)
    if conditional:
        axes.plot([place, place], [OFF, 0.0], color=ink(), linewidth=0.8, linestyle=":", zorder=4)
        marks = [(OFF, "off"), *marks]
    for height, text in _apart(marks):
        axes.plot([place - 0.025, place], [height, height], color=ink(), linewidth=0.9, zorder=4)
        axes.text(place - 0.05, height, text, fontsize=7, ha="right", va="center", zorder=5, path_effects=outlined(2.0))


def _apart(marks: Sequence[tuple[float, str]]) -> list[tuple[float, str]]:
    """Leave out marks that would be written over others."""
    kept: list[tuple[float, str]] = []
    for height, text in marks:
        if all(abs(height - other) > 0.035 for other, _ in kept):
            kept.append((height, text))
    return kept


def _write_titles(axes: Any, titles: Sequence[str]) -> None:
    longest = max(map(len, titles))
    slanted = longest * len(titles) > 90
    for place, title in enumerate(titles):
        last = place == len(titles) - 1
        axes.text(
            place, 1.05, title, fontsize=8, fontweight="bold" if last else "normal", va="bottom",
            ha="left" if slanted else "center", rotation=28 if slanted else 0, rotation_mode="anchor",
        )  # fmt: skip
