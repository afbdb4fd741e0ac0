"""Which settings mattered, as bars with their intervals."""

from __future__ import annotations

import textwrap
from typing import Any

from pellucid.inspection.pictures.style import axes_for, class_color, ink, short
from pellucid.tuning.importance import Importance
from pellucid.tuning.pictures.blank import say_nothing

MOST_BARS = 15


def plot_importance_of_settings(importance: Importance, *, most: int = MOST_BARS, ax: Any = None) -> Any:
    """Draw what share of the differences between trials each setting brings, with its interval.

    Below the settings by themselves stand pairs: what two bring together beyond that.

    Parameters
    ----------
    importance : Importance
    most : int
        So many settings are drawn, the most important ones.
    ax : Axes, optional

    Returns
    -------
    Axes
        With the reason where nothing can be said.

    Examples
    --------
    >>> from pellucid.tuning.importance import Share
    >>> found = Importance((Share(("rate",), 0.6, 0.5, 0.7),), (), 0.8, 100, None, ())
    >>> plot_importance_of_settings(found).get_xlabel()
    'share of the differences between 100 trials, %'
    """
    worth = importance.worth
    shown = worth[: max(1, most)]
    rows = [*shown, *importance.pairs]
    axes = axes_for(ax, (6.4, 1.1 + 0.3 * max(3, len(rows))))
    if not rows:
        return say_nothing(axes, textwrap.fill(importance.sentence or "Nothing is known.", 60))
    for place, one in enumerate(rows):
        color = class_color(0 if place < len(shown) else 1, 2)
        axes.barh(place, 100 * one.share, color=color, height=0.62, alpha=1.0 if one.clear else 0.45)
        axes.plot([100 * one.low, 100 * one.high], [place, place], color=ink(), linewidth=1.3)
        for end in (one.low, one.high):
            axes.plot([100 * end] * 2, [place - 0.14, place + 0.14], color=ink(), linewidth=1.3)
    axes.set_yticks(range(len(rows)), [" × ".join(map(short, one.names)) for one in rows])
    axes.invert_yaxis()
    axes.tick_params(axis="y", labelsize=8, length=0)
    axes.set_xlim(0.0, max(5.0, 104 * max(one.high for one in rows)))
    after = "" if importance.epochs is None else f" after {importance.epochs} epochs"
    axes.set_xlabel(f"share of the differences between {importance.trials:,} trials{after}, %", fontsize=9)
    if len(shown) < len(importance.settings):
        left = len(importance.settings) - len(shown)
        what = "next to nothing" if len(shown) == len(worth) else "less than these"
        axes.set_title(f"{left} other setting{'s' if left > 1 else ''}: {what}", fontsize=8, loc="left")
    return axes
