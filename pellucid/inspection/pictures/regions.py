"""Decision regions: what a model predicts over two features or components, the others held."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pellucid.errors import DataError, UsageError
from pellucid.inspection.pictures.plane import Plane, plane_of
from pellucid.inspection.pictures.reading import as_subject
from pellucid.inspection.pictures.scatter import color_bar, legend, scatter
from pellucid.inspection.pictures.style import (
    SEQUENTIAL,
    axes_for,
    class_color,
    ink,
    outlined,
    panels_for,
    short,
)
from pellucid.inspection.pictures.subject import Subject, by_class, decided, margins

MOST_POINTS = 4_000_000
"""More points than this are not predicted for one picture."""

LEVELS = 8
"""About so many contours of a regression."""


@dataclass(frozen=True, eq=False)
class PredictedGrid:
    """What is predicted at the points of a grid: the coordinates along each direction, and values [points, outputs]."""

    lines: list[np.ndarray]
    values: np.ndarray

    @property
    def shaped(self) -> np.ndarray:
        """The values as [second direction, first direction, outputs]."""
        return self.values.reshape(*(len(line) for line in reversed(self.lines)), -1)


def plot_decision_regions(
    subject: Any,
    data: Any,
    *,
    features: Sequence[int | str] | int | str | None = None,
    components: int | Sequence[int] | None = None,
    of: str | int | None = None,
    resolution: int | Sequence[int] = 200,
    others: str = "median",
    limits: Any = None,
    examples: bool = True,
    ax: Any = None,
) -> Any:
    """Draw what a model predicts over two features or components, with the examples.

    Of classes, each point has the colour of the class that is predicted there, the stronger the surer, and lines stand
    where the decision changes. Of numbers, there are contours. Over a single feature, the prediction is drawn as a
    curve, or one for the probability of each class.

    Parameters
    ----------
    subject : Fit, Population, Model, or estimator
        Of scikit-learn too.
    data : Dataset for a fit or population; a table for a model; X or (X, y) for an estimator
        The examples: they say how far the picture reaches, where the other features are held, and are drawn.
    features : one or two int or str, optional
        Numbers from 0, or names (``x[0]`` of a dataset, a column of a table). By default both where there are two.
    components : int or two of them, optional
        So many principal components in the place of features (by default 2 where there are more than two features), or
        which of them, from 0.
    of : str or int, optional
        Which output, target or label, where there are several.
    resolution : int or sequence of int
        How many points at each side. Of several there is one picture each; all are predicted in one call.
    others : {"median", "mean"}
        Where the other features are held. Categories are held at the one that is there most often.
    limits : (low, high) for each direction, optional
    examples : bool
        Whether the examples are drawn.
    ax : Axes or sequence of Axes, optional

    Returns
    -------
    Axes, or Panels where there are several resolutions

    Raises
    ------
    UsageError
        Where features, components or limits do not fit.

    Notes
    -----
    Away from the plane the examples are seen along the other features: one may lie in the colour of another class
    because it differs in what is held.

    Examples
    --------
    >>> import numpy as np, pellucid as pl
    >>> x = np.random.default_rng(0).normal(size=(60, 2))
    >>> data = pl.Dataset({"x": x}, x[:, 0] > x[:, 1])
    >>> fit = pl.fit(pl.Network([pl.Dense(1)], inputs=2), data, loss="binary_cross_entropy", epochs=5)
    >>> axes = plot_decision_regions(fit, data, resolution=40)
    >>> axes.get_xlabel(), axes.get_ylabel()
    ('x[0]', 'x[1]')
    """
    seen = as_subject(subject, data, of)
    plane = plane_of(seen, features, components, others, limits)
    sizes = list(resolution) if isinstance(resolution, Sequence | np.ndarray) else [resolution]
    grids = predict_grids(seen, plane, sizes)
    if len(sizes) == 1:
        axes = axes_for(ax)
        drawn = draw_regions(axes, seen, plane, grids[0], examples)
        color_bar(axes, drawn, seen.target)
        legend(axes, seen.target)
        return axes
    panels = panels_for(ax, [f"{size} points a side" for size in sizes], side=3.0)
    for name, axes, grid in zip(panels.names, panels.axes, grids, strict=True):
        drawn = draw_regions(axes, seen, plane, grid, examples)
        axes.set_title(f"{name}\n{plane.held}".rstrip(), fontsize=8)
    color_bar(panels.axes, drawn, seen.target)
    return panels


def predict_grids(subject: Subject, plane: Plane, sizes: Sequence[int]) -> list[PredictedGrid]:
    """Return what is predicted at the points of grids of several resolutions, all in one call."""
    dimensions = len(plane.directions)
    for size in sizes:
        if isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size < 2:
            raise UsageError("a resolution is a whole number from 2 up", where="resolution", got=repr(size))
    total = sum(size**dimensions for size in sizes)
    if not sizes or total > MOST_POINTS:
        raise UsageError("too many points", where="resolution", got=str(total), expected=f"up to {MOST_POINTS}")
    lines = [plane.grid(int(size)) for size in sizes]
    points = [np.stack(np.meshgrid(*found), axis=-1).reshape(-1, dimensions) for found in lines]
    values = subject.predict(subject.examples(plane.features(np.concatenate(points))))
    if not np.isfinite(values).all():
        fix = "Choose narrower limits, or find out with pl.find_origin where it comes from."
        raise DataError("a prediction is not finite", got=str(values[~np.isfinite(values)][0]), fix=fix)
    ends = np.cumsum([len(found) for found in points])[:-1]
    return [PredictedGrid(found, part) for found, part in zip(lines, np.split(values, ends), strict=True)]


def draw_regions(axes: Any, subject: Subject, plane: Plane, grid: PredictedGrid, examples: bool) -> Any:
    """Draw a grid and the examples; return what a colour bar is made of, None for classes."""
    if len(plane.directions) == 1:
        _draw_curves(axes, subject, plane, grid, examples)
        return None
    drawn = None
    if subject.target.classes:
        _draw_classes(axes, subject, grid)
    else:
        drawn = _draw_numbers(axes, subject, grid)
    if examples:
        norm = None if drawn is None else drawn.norm
        scatter(axes, plane.coordinates[:, 0], plane.coordinates[:, 1], subject.target, norm=norm)
    set_plane(axes, plane)
    return drawn


def set_plane(axes: Any, plane: Plane) -> None:
    """Set limits and labels, and say where the other features are."""
    axes.set_xlim(plane.limits[0])
    axes.set_xlabel(plane.labels[0])
    if len(plane.directions) == 2:
        axes.set_ylim(plane.limits[1])
        axes.set_ylabel(plane.labels[1])
    if plane.held:
        axes.set_title(plane.held, fontsize=8)


def _draw_classes(axes: Any, subject: Subject, grid: PredictedGrid) -> None:
    target, values = subject.target, grid.shaped
    chosen, ahead = decided(values, target), margins(values, target)
    count = ahead.shape[-1]
    axes.pcolormesh(*grid.lines, _colored(chosen, _sureness(values, target), count), shading="nearest", rasterized=True)
    for number in range(count - 1 if count == 2 else count):
        part = ahead[..., number]
        if (part > 0).any() and (part <= 0).any():
            axes.contour(*grid.lines, part, levels=[0.0], colors=[ink()], linewidths=1.2)


def _sureness(values: np.ndarray, target: Any) -> np.ndarray:
    """Return from 0 to 1 how sure a decision is: the best probability, or the lead of the best score."""
    if target.kind == "probability":
        best = by_class(values, target).max(axis=-1)
        low = 1 / max(2, len(target.classes))
        return np.clip((best - low) / (1 - low), 0.0, 1.0)
    lead = np.abs(margins(values, target)).min(axis=-1)
    return lead / (1 + lead)


def _colored(chosen: np.ndarray, sureness: np.ndarray, count: int) -> np.ndarray:
    """Return the colours of classes, [..., 3], mixed with the ground where they are less sure."""
    from matplotlib import colors, rcParams

    ground = np.array(colors.to_rgb(rcParams["axes.facecolor"]))
    own = np.array([colors.to_rgb(class_color(number, count)) for number in range(count)])[chosen]
    share = (0.15 + 0.45 * sureness)[..., None]
    return share * own + (1 - share) * ground


def _draw_numbers(axes: Any, subject: Subject, grid: PredictedGrid) -> Any:
    from matplotlib.colors import Normalize

    values, known = grid.shaped[..., 0], subject.target.values
    every = [values.ravel()] if known is None else [values.ravel(), known]
    norm = Normalize(min(map(np.min, every)), max(map(np.max, every)))
    drawn = axes.pcolormesh(*grid.lines, values, cmap=SEQUENTIAL, norm=norm, shading="gouraud", rasterized=True)
    if len(np.unique(values[::4, ::4].round(6))) > LEVELS:  # steps have no contours worth a label
        lines = axes.contour(*grid.lines, values, levels=LEVELS, colors=[ink()], linewidths=0.7)
        for text in axes.clabel(lines, fontsize=7):
            text.set_path_effects(outlined(2.0))
    return drawn


def _draw_curves(axes: Any, subject: Subject, plane: Plane, grid: PredictedGrid, examples: bool) -> None:
    target, across = subject.target, grid.lines[0]
    count = len(target.classes)
    if not count:
        if examples and target.values is not None:
            scatter(axes, plane.coordinates[:, 0], target.values, replace(target, values=None))
        axes.plot(across, grid.values[:, 0], color=class_color(1, 2), linewidth=2, zorder=4, path_effects=outlined(4.0))
        axes.set_ylabel(short(target.name))
    else:
        values = by_class(grid.values, target)
        for number in range(count):
            axes.plot(across, values[:, number], color=class_color(number, count), linewidth=2)
        if examples and target.values is not None:
            low, high = values.min(), values.max()
            height = low - 0.06 * (high - low) * (1 + target.values)
            scatter(axes, plane.coordinates[:, 0], height, target)
        axes.set_ylabel(f"{target.kind} of each class")
    set_plane(axes, plane)
