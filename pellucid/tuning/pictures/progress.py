"""How the best value came down, or up, trial by trial."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from pellucid.inspection.pictures.style import axes_for, ink, outlined
from pellucid.tuning.pictures.blank import say_nothing
from pellucid.tuning.pictures.scale import choose_trials, scale_of
from pellucid.tuning.trial import FINISHED, Trial

MOST_POINTS = 3000


def plot_best_so_far(
    trials: Sequence[Trial], higher_is_better: bool, metric: str, *, most: int = MOST_POINTS, ax: Any = None
) -> Any:
    """Draw the values of finished trials in the order in which they were proposed, and the best one so far.

    A line that still falls at its end says that more trials may bring more.

    Parameters
    ----------
    trials, higher_is_better, metric, most
        As for :func:`plot_parallel`.
    ax : Axes, optional

    Returns
    -------
    Axes

    Examples
    --------
    >>> trials = [Trial(n, {}, state="finished", value=v) for n, v in enumerate((3.0, 2.0, 2.5, 1.0))]
    >>> plot_best_so_far(trials, False, "rmse").lines[0].get_ydata().tolist()
    [3.0, 2.0, 2.0, 1.0]
    """
    axes = axes_for(ax, (6.4, 3.6))
    scale = scale_of(trials, metric, higher_is_better)
    done = [
        (trial.number, trial.value)
        for trial in sorted(trials, key=lambda trial: trial.number)
        if trial.state == FINISHED and trial.value is not None and not math.isnan(trial.value)
    ]
    if scale is None or not done:
        return say_nothing(axes, "No trial has been trained to its end yet.")
    chosen = choose_trials(trials, higher_is_better, most)
    numbers, values = np.array(done, np.float64).T
    so_far = (np.maximum if higher_is_better else np.minimum).accumulate(values)
    scale.set_axis(axes)
    axes.plot(
        numbers, scale.keep(so_far), color=ink(), linewidth=1.8, drawstyle="steps-post", zorder=3,
        path_effects=outlined(3.5), label="best so far",
    )  # fmt: skip
    shown = list(reversed(chosen.finished))
    heights = scale.keep([trial.value for trial in shown if trial.value is not None])
    axes.scatter(
        [trial.number for trial in shown], heights, c=[scale.color(value) for value in heights],
        s=float(np.clip(4000 / len(shown), 4, 26)), linewidths=0, alpha=0.85, zorder=2, rasterized=True,
    )  # fmt: skip
    axes.set_xlabel("trial")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend(fontsize=8, frameon=False, loc="lower right" if higher_is_better else "upper right")
    if len(shown) < len(done):
        axes.set_title(f"Drawn: {len(shown):,} of {len(done):,} finished trials.", fontsize=8, loc="left")
    return axes
