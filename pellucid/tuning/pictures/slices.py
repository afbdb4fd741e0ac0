"""Slices: the value over each setting by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from pellucid.errors import UsageError
from pellucid.inspection.pictures.style import Panels, ink, outlined, panels_for
from pellucid.tuning.importance.comparable import comparable
from pellucid.tuning.pictures.axis import Axis, axes_of
from pellucid.tuning.pictures.blank import say_nothing
from pellucid.tuning.pictures.scale import PALE, Chosen, Scale, choose_trials, scale_of
from pellucid.tuning.space import Space
from pellucid.tuning.trial import FINISHED, Trial, ranking

MOST_POINTS = 2000
MOST_PANELS = 24
OFF = -0.18
"""Where trials stand in which a setting takes no part."""

_GROUPS = 10
_EACH = 12  # trials whose median is drawn
_FEWEST = 2 * _EACH
_SPREAD = 0.16


def plot_slices(
    trials: Sequence[Trial],
    space: Space,
    higher_is_better: bool,
    metric: str,
    *,
    names: Sequence[str] | None = None,
    most: int = MOST_POINTS,
    ax: Any = None,
) -> Panels:
    """Draw the values of trials over each setting by itself, with the medians of finished ones and the best one.

    Better trials stand out from the ground. Where many were pruned, all are drawn with the values that they had after
    as many epochs as nearly all of them learned, as the axis says; a few pruned ones are grey strokes at the top. Where
    a setting takes no part, trials stand beside its axis, at ``off``.

    Parameters
    ----------
    trials, space, higher_is_better, metric, names
        As for :func:`plot_parallel`; by default the first 24 settings.
    most : int
        So many finished trials are drawn at most.
    ax : Axes or sequence of Axes, optional
        A single one is divided.

    Returns
    -------
    Panels
        A picture for each setting, by its name.

    Examples
    --------
    >>> space = Space({"rate": "log_uniform(0.001, 1)", "layers": "integer(1, 3)"})
    >>> trials = [Trial(n, {"rate": 0.01 * (n + 1), "layers": 1 + n % 3}, state="finished", value=n) for n in range(9)]
    >>> plot_slices(trials, space, False, "rmse").names
    ('rate', 'layers')
    """
    dimensions = [space.dimension(name) for name in names] if names is not None else space.dimensions[:MOST_PANELS]
    if not dimensions:
        raise UsageError("nothing was searched", where="space", expected="one setting at least that is varied")
    panels = panels_for(ax, [one.name for one in dimensions], columns_of(len(dimensions)), 2.7)
    shown, metric = _comparable(space, trials, higher_is_better, metric)
    scale = scale_of(shown, metric, higher_is_better)
    chosen = choose_trials(shown, higher_is_better, most)
    best = next(iter(ranking(trials, higher_is_better)), None)
    for number, (axis, axes) in enumerate(zip(axes_of(dimensions), panels, strict=True)):
        if scale is None:
            say_nothing(axes, "No trial has a value yet." if number == 0 else "")
            continue
        _draw(axes, axis, chosen, scale)
        _mark_best(axes, axis, [trial for trial in shown if best is not None and trial.number == best.number], scale)
        axes.tick_params(labelsize=7)
        place = axes.get_subplotspec()
        if number % columns_of(len(dimensions)) if place is None else not place.is_first_col():
            axes.set_ylabel("")
            axes.tick_params(axis="y", labelleft=False, which="both")
    if chosen.note and ax is None:
        panels.figure.suptitle(chosen.note, fontsize=8)
    return panels


def columns_of(count: int) -> int:
    """Return how many of so many slices stand in a row.

    Examples
    --------
    >>> [columns_of(count) for count in (1, 2, 4, 5, 9, 15)]
    [1, 2, 4, 3, 3, 5]
    """
    return count if count <= 4 else 3 if count in (5, 6, 9) else 4 if count <= 12 else 5


def _draw(axes: Any, axis: Axis, chosen: Chosen, scale: Scale) -> None:
    from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

    scale.set_axis(axes)
    axes.yaxis.label.set_size(8)
    _draw_strokes(axes, axis, chosen.pruned)
    _scatter(axes, axis, chosen.finished, scale)
    _draw_medians(axes, axis, chosen.finished, scale)
    marks = axis.marks(5)
    if axis.conditional:
        axes.axvline(-0.09, color=ink(), linewidth=0.7, linestyle=":")
        marks = [(OFF, "off"), *marks]
    crowded = sum(len(text) + 1 for _, text in marks) > 26
    axes.set_xlim(OFF - 0.08 if axis.conditional else -0.04, 1.04)
    axes.xaxis.set_major_locator(FixedLocator([place for place, _ in marks]))
    axes.xaxis.set_major_formatter(FixedFormatter([text for _, text in marks]))
    axes.xaxis.set_minor_locator(NullLocator())
    if crowded:
        for label in axes.get_xticklabels():
            label.set(rotation=35, ha="right", rotation_mode="anchor")
    axes.set_title(axis.title, fontsize=9, pad=8)


def _comparable(space: Space, trials: Sequence[Trial], higher_is_better: bool, metric: str) -> tuple[list[Trial], str]:
    """Return trials with values after equally many epochs, where many were pruned, and what these values are."""
    found = comparable(space, trials, higher_is_better)
    if found.epochs is None:
        return list(trials), metric
    shown = [
        replace(trial, state=FINISHED, value=float(value))
        for trial, value in zip(found.trials, found.values, strict=True)
    ]
    return shown, f"{metric} after {found.epochs} epoch{'' if found.epochs == 1 else 's'}"


def _mark_best(axes: Any, axis: Axis, trials: Sequence[Trial], scale: Scale) -> None:
    for best in trials:
        axes.plot(
            np.nan_to_num(axis.places([best]), nan=OFF), scale.keep([_value(best)]), linestyle="", marker="*",
            markersize=13, zorder=5, color=scale.color(_value(best)), markeredgecolor=ink(), markeredgewidth=0.9,
        )  # fmt: skip


def _across(axis: Axis, trials: Sequence[Trial]) -> np.ndarray:
    """Return where trials stand, equal values spread a little, those in which the setting takes no part beside it."""
    spread = np.array([0.1 * ((trial.number * 0.618) % 1.0 - 0.5) for trial in trials])
    found = axis.places(trials, _SPREAD)
    return np.where(np.isnan(found), OFF + spread, found)


def _draw_strokes(axes: Any, axis: Axis, trials: Sequence[Trial]) -> None:
    if trials:
        x = _across(axis, trials)
        alpha = float(np.clip(60 / len(trials), 0.12, 0.6))
        axes.vlines(
            x, 1.0, 1.045, colors=PALE, alpha=alpha, linewidths=0.9, clip_on=False,
            transform=axes.get_xaxis_transform(),
        )  # fmt: skip


def _scatter(axes: Any, axis: Axis, trials: Sequence[Trial], scale: Scale) -> None:
    if not trials:
        return
    backwards = list(reversed(trials))  # the best on top
    axes.scatter(
        _across(axis, backwards), scale.keep([_value(trial) for trial in backwards]),
        c=[scale.color(_value(trial)) for trial in backwards], s=float(np.clip(3000 / len(trials), 4, 26)),
        alpha=0.8, linewidths=0, zorder=2, rasterized=True,
    )  # fmt: skip


def _draw_medians(axes: Any, axis: Axis, trials: Sequence[Trial], scale: Scale) -> None:
    """Draw the median value by groups of values, where there are enough trials of them."""
    places = axis.places(trials)
    there = ~np.isnan(places)
    if there.sum() < _FEWEST:
        return
    x, y = places[there], scale.keep([_value(trial) for trial in trials])[there]
    if axis.finite:
        groups = [x == place for place in np.unique(x)]
    else:
        parts = np.array_split(np.argsort(x, kind="stable"), min(_GROUPS, len(x) // _EACH))
        groups = [np.isin(np.arange(len(x)), rows) for rows in parts]
    found = [(np.median(x[group]), np.median(y[group])) for group in groups if group.sum() >= 5]
    if found:
        across, middle = np.array(found).T
        axes.plot(
            across, middle, color=ink(), linewidth=1.5, marker="o" if axis.finite else None, markersize=3,
            zorder=4, path_effects=outlined(3.0),
        )  # fmt: skip


def _value(trial: Trial) -> float:
    assert trial.value is not None
    return trial.value
