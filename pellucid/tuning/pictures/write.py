"""All pictures of a search, and their files."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pellucid.errors import UsageError
from pellucid.tuning.importance import Importance
from pellucid.tuning.pictures.bars import MOST_BARS, plot_importance_of_settings
from pellucid.tuning.pictures.curves import plot_curves_of_trials
from pellucid.tuning.pictures.parallel import MOST_AXES, plot_parallel
from pellucid.tuning.pictures.progress import plot_best_so_far
from pellucid.tuning.pictures.slices import MOST_PANELS, columns_of, plot_slices
from pellucid.tuning.space import Space
from pellucid.tuning.trial import Trial

DPI = 110


@dataclass(frozen=True, eq=False)
class SearchPicture:
    """One picture of a search.

    Attributes
    ----------
    name : str
        Of its file, without an ending.
    draw : callable
        Draws on a Matplotlib Figure.
    size : tuple of float
        In inches.
    caption : str
    """

    name: str
    draw: Callable[[Any], Any]
    size: tuple[float, float]
    caption: str


def pictures_of(
    space: Space,
    trials: Sequence[Trial],
    metric: str,
    higher_is_better: bool,
    importance: Importance | None = None,
) -> list[SearchPicture]:
    """Return the pictures of a search, those that have something to show.

    Where there are more settings than fit, the most important ones are drawn.

    Examples
    --------
    >>> trials = [Trial(n, {"rate": 0.1 * n}, state="finished", value=n) for n in range(5)]
    >>> [one.name for one in pictures_of(Space({"rate": "uniform(0, 1)"}), trials, "rmse", False)]
    ['slices', 'parallel', 'best_so_far']
    """
    if not any(trial.value is not None for trial in trials):
        return []
    worth = _by_worth(space, importance)
    found = []
    if importance is not None and importance.settings:
        rows = min(len(importance.worth), MOST_BARS) + len(importance.pairs)
        caption = (
            "How much of the differences between trials each setting brings by itself, and pairs beyond that. "
            "The thin line holds the true share in about 8 of 10 cases; pale bars may be chance."
        )
        found.append(
            SearchPicture(
                "importance",
                lambda figure: plot_importance_of_settings(importance, ax=figure.subplots()),
                (8.0, 1.0 + 0.3 * max(3, rows)),
                caption,
            )
        )
    if worth:
        found += _by_setting(space, trials, metric, higher_is_better, worth)
    if any(member.curve for trial in trials for member in trial.members):
        found.append(
            SearchPicture(
                "curves",
                lambda figure: plot_curves_of_trials(trials, higher_is_better, metric, ax=figure.subplots()),
                (8.0, 4.4),
                "Learning curves: finished trials coloured by their value, the best one thick, pruned ones grey.",
            )
        )
    found.append(
        SearchPicture(
            "best_so_far",
            lambda figure: plot_best_so_far(trials, higher_is_better, metric, ax=figure.subplots()),
            (8.0, 3.4),
            "Values of finished trials in the order of their proposal; the line is the best one so far.",
        )
    )
    return found


def _by_setting(
    space: Space, trials: Sequence[Trial], metric: str, higher_is_better: bool, worth: Sequence[str]
) -> list[SearchPicture]:
    slices, lines = worth[:MOST_PANELS], _in_order(space, worth[:MOST_AXES])
    columns = columns_of(len(slices))
    rows = -(-len(slices) // columns)

    def draw_slices(figure: Any) -> Any:
        grid = figure.subplots(rows, columns, squeeze=False)
        return plot_slices(trials, space, higher_is_better, metric, names=slices, ax=grid)

    def draw_lines(figure: Any) -> Any:
        return plot_parallel(trials, space, higher_is_better, metric, names=lines, ax=figure.subplots())

    told = (
        "Each setting by itself: a point is a trial, the line their median, the star the best one. Values far worse "
        "than the others lie at the edge."
    )
    through = "Every trial as a line through its settings; the better its value the stronger its colour."
    size = max(5.0, 2.4 * columns), 0.4 + 2.3 * rows
    width = max(7.0, 1.5 + 0.8 * (len(lines) + 1))
    return [
        SearchPicture("slices", draw_slices, size, told + _left_out(slices, worth)),
        SearchPicture("parallel", draw_lines, (width, 4.8), through + _left_out(lines, worth)),
    ]


def _left_out(shown: Sequence[str], names: Sequence[str]) -> str:
    return "" if len(shown) == len(names) else f" {len(shown)} of {len(names)} settings."


def _by_worth(space: Space, importance: Importance | None) -> list[str]:
    """Return the names of settings, the most important ones first."""
    known = [one.names[0] for one in importance.settings] if importance is not None else []
    return [*known, *(one.name for one in space.dimensions if one.name not in known)]


def _in_order(space: Space, names: Sequence[str]) -> list[str]:
    return [one.name for one in space.dimensions if one.name in names]


def write_pictures(
    folder: str | os.PathLike[str],
    space: Space,
    trials: Sequence[Trial],
    metric: str,
    higher_is_better: bool,
    importance: Importance | None = None,
) -> list[Path]:
    """Write the pictures of a search as PNG files into a folder, which is made where it is missing.

    Parameters
    ----------
    folder : path
    space : Space
    trials : sequence of Trial
        Of any state.
    metric : str
    higher_is_better : bool
    importance : Importance, optional
        Makes its own picture, and says which settings are drawn where there are more than fit.

    Returns
    -------
    list of Path
        ``importance.png``, ``slices.png``, ``parallel.png``, ``curves.png`` and ``best_so_far.png``, those that have
        something to show.

    Raises
    ------
    UsageError
        Where the folder or a file cannot be written.
    """
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    place, written = Path(folder), []
    for one in pictures_of(space, trials, metric, higher_is_better, importance):
        style: Any = {"axes.spines.top": False, "axes.spines.right": False}
        with matplotlib.rc_context(style), warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Glyph .* missing")  # it is drawn as a box
            figure = Figure(figsize=one.size, layout="constrained")
            FigureCanvasAgg(figure)
            one.draw(figure)
            path = place / f"{one.name}.png"
            try:
                place.mkdir(parents=True, exist_ok=True)
                figure.savefig(path, dpi=DPI, metadata={"Software": None})
            except OSError as error:
                got = error.strerror or str(error)
                raise UsageError("the picture cannot be written", where=str(path), got=got) from None
        written.append(path)
    return written
