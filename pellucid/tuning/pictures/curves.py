"""Learning curves of trials: those that were trained to their end, and those that were pruned on the way."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pellucid.inspection.pictures.style import axes_for, ink, outlined
from pellucid.tuning.importance.comparable import ends_with_value
from pellucid.tuning.pictures.blank import say_nothing
from pellucid.tuning.pictures.scale import LOG_FROM, PALE, Scale, choose_trials, scale_of, set_heights
from pellucid.tuning.trial import PRUNED, Trial

MOST_CURVES = 200
MOST_ROUNDS = 4
_FEW = 8


def plot_curves_of_trials(
    trials: Sequence[Trial],
    higher_is_better: bool,
    metric: str,
    *,
    most: int = MOST_CURVES,
    ax: Any = None,
) -> Any:
    """Draw the learning curves of trials, each the mean of its members: folds and repeats.

    Where training stops early by itself, so that a value is the best one of all epochs, curves are of the best so far.
    Finished trials are coloured by their values, the best one thick; pruned ones are grey, and end in a point where
    they were stopped. Dotted lines say after how many epochs how many were.

    Parameters
    ----------
    trials, higher_is_better, metric
        As for :func:`plot_parallel`.
    most : int
        So many finished trials are drawn at most, and half as many pruned ones; the title says so.
    ax : Axes, optional

    Returns
    -------
    Axes

    Examples
    --------
    >>> from pellucid.tuning.trial import MemberResult
    >>> part = MemberResult(0.25, epochs=4, best_epoch=4, seconds=0.1, curve=((1, 1.0), (2, 0.5), (4, 0.25)))
    >>> axes = plot_curves_of_trials([Trial(0, {}).ended("finished", (part,))], False, "log_loss")
    >>> axes.get_xlabel(), axes.get_ylabel()
    ('epoch', 'log loss (lower is better)')
    """
    axes = axes_for(ax, (6.4, 4.2))
    chosen = choose_trials(trials, higher_is_better, most)
    last = ends_with_value(trials)
    best_of = None if last else max if higher_is_better else min
    curves = {trial.number: mean_curve(trial, best_of) for trial in (*chosen.finished, *chosen.pruned)}
    scale = scale_of(trials, metric, higher_is_better)
    if scale is None or not any(len(curve) for curve in curves.values()):
        return say_nothing(axes, "No learning curves were recorded.")
    _draw_pale(axes, [curves[trial.number] for trial in chosen.pruned])
    _draw_finished(axes, [(trial, curves[trial.number]) for trial in chosen.finished], scale)
    everything = np.concatenate([curve[:, 1] for curve in curves.values() if len(curve)])
    _set_heights(axes, everything, scale.best, higher_is_better)
    _mark_rounds(axes, trials)
    axes.set_xlim(0.0, 1.03 * max(trial.epochs for trial in trials))
    axes.set_xlabel("epoch")
    axes.set_ylabel(scale.label if last else f"best {scale.label.replace(' (', ' so far (')}")
    axes.xaxis.get_major_locator().set_params(integer=True)
    if chosen.note:
        axes.set_title(chosen.note, fontsize=8, loc="left")
    return axes


def _draw_pale(axes: Any, curves: Sequence[np.ndarray]) -> None:
    from matplotlib.collections import LineCollection

    known = [curve for curve in curves if len(curve)]
    if known:
        axes.add_collection(LineCollection(known, colors=PALE, linewidths=0.7, alpha=_alpha(len(known)), zorder=1))
        ends = np.array([curve[-1] for curve in known])
        axes.scatter(*ends.T, s=5, color=PALE, alpha=0.7, linewidths=0, zorder=1)


def _draw_finished(axes: Any, found: Sequence[tuple[Trial, np.ndarray]], scale: Scale) -> None:
    """Draw curves from the worst to the best, which is the first one."""
    from matplotlib.collections import LineCollection

    if not found:
        return
    colors = np.array([scale.color(float(trial.value)) for trial, _ in found if trial.value is not None])
    faint = _alpha(len(found))
    colors[:, 3] = faint + (1 - faint) * np.exp(-np.arange(len(found)) / _FEW)
    rest = [place for place in range(len(found) - 1, 0, -1) if len(found[place][1])]
    axes.add_collection(
        LineCollection([found[place][1] for place in rest], colors=colors[rest], linewidths=1.0, zorder=2)
    )
    short = [place for place in rest if len(found[place][1]) == 1]
    if short:
        axes.scatter(*np.array([found[place][1][0] for place in short]).T, c=colors[short], s=16, zorder=2)
    best = found[0][1]
    if len(best):
        line = axes.plot(*best.T, color=colors[0], linewidth=2.6, zorder=4, marker="o" if len(best) == 1 else None)[0]
        line.set_path_effects(outlined(4.5))


def mean_curve(trial: Trial, best_of: Callable[[float, float], float] | None = None) -> np.ndarray:
    """Return a trial's curve, [epochs, 2]: epochs after which a member was judged, and the means of members' values.

    A member that ended before others, or was not judged then, counts with its last value; or, with `best_of`, each
    counts with its best one so far. Epochs before all members were judged, and means that are not finite, are left out.
    """
    known = [dict(member.curve) for member in trial.members]
    if not known or not all(known):
        return np.zeros((0, 2))
    points, latest = [], [math.nan] * len(known)
    for epoch in sorted(set().union(*known)):
        latest = [_next(one.get(epoch), before, best_of) for one, before in zip(known, latest, strict=True)]
        points.append((epoch, math.fsum(latest) / len(latest)))
    return np.array([point for point in points if math.isfinite(point[1])], np.float64).reshape(-1, 2)


def _next(value: float | None, before: float, best_of: Callable[[float, float], float] | None) -> float:
    if value is None:
        return before
    if best_of is None or math.isnan(before):
        return value
    return before if math.isnan(value) else best_of(before, value)


def _alpha(count: int) -> float:
    return float(np.clip(25 / max(count, 1), 0.25, 0.85))


def _set_heights(axes: Any, values: np.ndarray, best: float, higher_is_better: bool) -> None:
    """Show most of the curves: what is far worse than nearly all of the rest is cut off."""
    low, high = np.quantile(values, (0.05, 1.0) if higher_is_better else (0.0, 0.95))
    low, high = min(low, best), max(high, best)
    set_heights(axes, low, high, not higher_is_better and low > 0 and high > LOG_FROM / 2 * low)


def _mark_rounds(axes: Any, trials: Sequence[Trial]) -> None:
    """Say after how many epochs how many trials were pruned."""
    pruned = [trial.epochs for trial in trials if trial.state == PRUNED and trial.epochs]
    for epochs, count in sorted(Counter(pruned).most_common(MOST_ROUNDS)):
        if count < len(pruned) / 10:
            continue
        axes.axvline(epochs, color=ink(), linewidth=0.7, linestyle=":", zorder=0)
        text = axes.annotate(
            f"{count:,} pruned", (epochs, 1.0), (2, -3), ("data", "axes fraction"), "offset points",
            fontsize=7, rotation=90, ha="left", va="top", path_effects=outlined(2.0), zorder=6,
        )  # fmt: skip
        text.set_in_layout(False)
