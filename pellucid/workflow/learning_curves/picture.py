"""The picture of a learning curve: the error by rows, and by the size of the network."""

from __future__ import annotations

from typing import Any

import numpy as np

from pellucid.inspection.pictures.style import FEW_COLORS, ink
from pellucid.workflow.learning_curves.advice import error_interval
from pellucid.workflow.learning_curves.result import LearningCurve

SIZE = (8.6, 3.8)  # inches
BLUE, ORANGE = FEW_COLORS[0], FEW_COLORS[5]
FINE = 100

LONG = 4
"""Longer names of networks stand upright."""

LOG_FROM = 3.0
"""From this ratio of the largest to the smallest error on, the axis is logarithmic."""


def draw_learning_curve(curve: LearningCurve, figure: Any = None) -> Any:
    """Draw both curves side by side, and return the figure.

    Points are means over the draws, and their lines 95 % intervals; faint dots are single draws.
    """
    if figure is None:
        import matplotlib.pyplot as plt

        figure = plt.figure(figsize=SIZE, layout="constrained")
    count = 2 if curve.hidden else 1
    axes = figure.subplots(1, count, squeeze=False)[0]
    _draw_rows(axes[0], curve)
    if count == 2:
        _draw_networks(axes[1], curve)
    return figure


def _draw_rows(axes: Any, curve: LearningCurve) -> None:
    axes.set_xscale("log")
    _draw_points(axes, curve.rows, curve.errors, curve.overlap)
    law = curve.law
    if law is not None:
        known = np.geomspace(law.first, law.last, FINE)
        further = np.geomspace(law.last, 2 * law.last, FINE)
        axes.plot(known, law.predict(known), color=ORANGE, linewidth=1.8, label="power law")
        axes.plot(further, law.predict(further), color=ORANGE, linewidth=1.8, linestyle=(0, (3, 2)), label="foretold")
        both = np.concatenate([known, further])
        axes.fill_between(both, *law.interval(both), color=ORANGE, alpha=0.15, linewidth=0)
    _finish(axes, curve, curve.mean)
    axes.set_xlabel("rows learned from")
    _count_ticks(axes, [*curve.rows.tolist(), *([2 * law.last] if law is not None else [])])
    axes.set_title("Would more rows help?", fontsize=11)
    axes.legend(fontsize=8, frameon=False, labelcolor=ink())


def _draw_networks(axes: Any, curve: LearningCurve) -> None:
    names = [",".join(map(str, hidden)) or "none" for hidden in curve.hidden]
    places = np.arange(len(names))
    _draw_points(axes, places, curve.network_errors, curve.overlap)
    axes.plot(
        curve.planned,
        curve.network_mean[curve.planned],
        marker="o",
        markersize=11,
        markerfacecolor="none",
        markeredgecolor=ORANGE,
        markeredgewidth=2.0,
        linestyle="none",
        label="as planned",
    )
    _finish(axes, curve, curve.network_mean)
    turned = {"rotation": 90} if max(map(len, names)) > LONG else {}
    axes.set_xticks(places, names, fontsize=8, **turned)
    axes.set_xlim(-0.6, len(names) - 0.4)
    axes.set_xlabel(f"hidden layers ({curve.parameters[0]:,} to {curve.parameters[-1]:,} parameters)")
    axes.set_title("Would a larger network help?", fontsize=11)
    axes.legend(fontsize=8, frameon=False, labelcolor=ink())


def _draw_points(axes: Any, counts: np.ndarray, errors: np.ndarray, overlap: float) -> None:
    """Draw each draw faintly, and means with their intervals."""
    means = errors.mean(axis=0)
    axes.plot(np.tile(counts, (len(errors), 1)).ravel(), errors.ravel(), ".", color=ink(), alpha=0.18, markersize=4)
    for count, values in zip(counts, errors.T, strict=True):
        interval = error_interval(values, overlap)
        if interval is not None:
            axes.plot([count, count], interval, color=BLUE, linewidth=1.4)
    axes.plot(counts, means, "o", color=BLUE, markersize=5, label="mean of the draws")


def _finish(axes: Any, curve: LearningCurve, means: np.ndarray) -> None:
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    if means.min() > 0 and means.max() / means.min() > LOG_FROM:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_ylabel(curve.error.replace("_", " "))
    axes.grid(color="0.5", alpha=0.2, linewidth=0.7)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _count_ticks(axes: Any, counts: list[int]) -> None:
    """Write numbers of rows below the axis, every second one where there are many."""
    from matplotlib.ticker import FixedLocator, NullFormatter, NullLocator

    chosen = counts[:: -(-len(counts) // 6)]
    axes.xaxis.set_major_locator(FixedLocator(chosen))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xticklabels([f"{count:,}" for count in chosen])
