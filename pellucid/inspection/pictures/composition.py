"""How regions compose: half-planes of the first layer, cut again by each layer, up to the output's regions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pellucid.errors import UsageError
from pellucid.inspection.pictures.cutting import Cell
from pellucid.inspection.pictures.linear_regions import LinearRegions, regions_on
from pellucid.inspection.pictures.plane import Plane, plane_of
from pellucid.inspection.pictures.reading import as_subject
from pellucid.inspection.pictures.regions import draw_regions, predict_grids
from pellucid.inspection.pictures.scatter import color_bar
from pellucid.inspection.pictures.style import Panels, class_color, ink, outlined, panels_for, short
from pellucid.inspection.pictures.subject import SeenNetwork, Subject

MOST_SPELLED = 6
"""The active units of so many are spelled out in the regions, as 1 and 0."""

_GRID = 200


def plot_composition(
    subject: Any,
    data: Any,
    *,
    of: str | int | None = None,
    features: Sequence[int | str] | int | str | None = None,
    components: int | Sequence[int] | None = None,
    others: str = "median",
    limits: Any = None,
    examples: bool = False,
    ax: Any = None,
) -> Panels:
    """Draw how a network composes its regions, layer by layer, over two features or components.

    A picture for each hidden layer shows the regions in which the same units are active, here and in the layers before:
    half-planes in the first layer, cut again by each layer after it. The darker, the more units of the layer are
    active; where there are up to six of them, 1 and 0 in the regions say which. The last picture shows what is
    predicted, with the edges of all regions: the region of a class is a union of them, and inside each the output is
    linear.

    Where units have no kink (`tanh`, or after layer normalization), their edges are drawn where their pre-activation is
    0, by a grid; they are not counted. Over a single feature, the units' outputs are curves, with a line at each kink.

    Parameters
    ----------
    subject : Fit, Model, estimator of Pellucid, or (network, parameters)
    data : as for :func:`plot_decision_regions`
    of, features, components, others, limits
        As for :func:`plot_decision_regions`.
    examples : bool
        Whether the examples are drawn in the last picture.
    ax : Axes or sequence of Axes, optional

    Returns
    -------
    Panels
        Named after the layers, and ``prediction``.

    Notes
    -----
    The regions of rectifiers are exact: see :func:`linear_regions`, which returns them.

    Examples
    --------
    >>> import numpy as np, pellucid as pl
    >>> x = np.random.default_rng(0).normal(size=(60, 2))
    >>> data = pl.Dataset({"x": x}, x[:, 0] > x[:, 1])
    >>> network = pl.Network([pl.Dense(3, "relu"), pl.Dense(1)], inputs=2)
    >>> fit = pl.fit(network, data, loss="binary_cross_entropy", epochs=2)
    >>> plot_composition(fit, data).names
    ('dense_1', 'prediction')
    """
    seen = as_subject(subject, data, of)
    network = seen.require_network()
    plane = plane_of(seen, features, components, others, limits)
    regions = _exact(seen, plane)
    hidden = [layer.name for layer in network.hidden()]
    names = list(regions.cells) if regions is not None else hidden
    if not names:
        raise UsageError("the network has no hidden layer", fix="plot_decision_regions shows what it predicts.")
    panels = panels_for(ax, [*names, "prediction"], columns=2, side=3.0)
    if len(plane.directions) == 1:
        _draw_line(panels, seen, plane, regions)
    elif regions is not None:
        _draw_cells(panels, regions)
    else:
        _draw_signs(panels, network, seen, plane)
    grid = predict_grids(seen, plane, [_GRID])[0]
    last = panels.axes[-1]
    drawn = draw_regions(last, seen, plane, grid, examples)
    if regions is not None:
        _draw_edges(last, regions.last, 0.6 * _line_width(len(regions.last)))
    last.set_title(
        "prediction" if regions is None else f"prediction: {_count(len(regions.last), 'region')}", fontsize=9
    )
    color_bar(last, drawn, seen.target)
    for axes in panels:
        axes.tick_params(labelsize=7)
        axes.xaxis.label.set_size(8)
        axes.yaxis.label.set_size(8)
    if ax is None and plane.held:
        panels.figure.suptitle(plane.held, fontsize=9)
    return panels


def _exact(subject: Subject, plane: Plane) -> LinearRegions | None:
    """Return the linear regions, or None where the network is not linear between kinks."""
    try:
        return regions_on(subject, plane)
    except UsageError as error:
        if error.what.startswith("too many"):
            raise
        return None


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _set_plane(axes: Any, plane: Plane) -> None:
    axes.set_xlim(plane.limits[0])
    axes.set_ylim(plane.limits[1])
    axes.set_xlabel(plane.labels[0])
    axes.set_ylabel(plane.labels[1])


# -- exact regions -----------------------------------------------------------------------------------------------------


def _draw_cells(panels: Panels, regions: LinearRegions) -> None:
    from matplotlib.collections import PolyCollection

    before = 0
    for name, axes in zip(panels.names[:-1], panels.axes[:-1], strict=True):
        cells, units = regions.cells[name], regions.units[name]
        own = [cell.active[before : before + units] for cell in cells]
        shares = np.array([active.mean() for active in own])
        polygons = PolyCollection(
            [cell.corners for cell in cells],
            facecolors=_shaded(shares),
            edgecolors=ink(),
            linewidths=_line_width(len(cells)),
        )
        axes.add_collection(polygons)
        _set_plane(axes, regions.plane)
        if units <= MOST_SPELLED:
            _spell(axes, cells, own, regions.plane)
        axes.set_title(f"{short(name)}: {_count(units, 'unit')}, {_count(len(cells), 'region')}", fontsize=9)
        before += units


def _shaded(shares: np.ndarray) -> np.ndarray:
    """Return a colour for each share of active units, from the ground to a full colour."""
    from matplotlib import colors, rcParams

    ground, full = (np.array(colors.to_rgb(found)) for found in (rcParams["axes.facecolor"], class_color(0, 2)))
    weight = 0.85 * shares[..., None]
    return (1 - weight) * ground + weight * full


def _spell(axes: Any, cells: list[Cell], active: list[np.ndarray], plane: Plane) -> None:
    """Write into each region that has the room which units are active."""
    sides = np.array([high - low for low, high in plane.limits])
    for cell, units in zip(cells, active, strict=True):
        text = "".join("1" if unit else "0" for unit in units)
        if _holds(cell.corners / sides, cell.center / sides, (0.015 * len(text) + 0.01, 0.025)):
            axes.text(
                *cell.center, text, fontsize=7, ha="center", va="center", path_effects=outlined(1.5), clip_on=True
            )


def _holds(corners: np.ndarray, center: np.ndarray, half: tuple[float, float]) -> bool:
    """Say whether a rectangle around the center of a convex polygon lies inside it."""
    ways = np.roll(corners, -1, axis=0) - corners
    points = center + np.array([(x, y) for x in (-half[0], half[0]) for y in (-half[1], half[1])])
    turns = [ways[:, 0] * (point - corners)[:, 1] - ways[:, 1] * (point - corners)[:, 0] for point in points]
    return bool((np.array(turns) > 0).all() or (np.array(turns) < 0).all())


def _line_width(count: int) -> float:
    """Return how wide the edges of so many regions are drawn."""
    return float(np.clip(6.0 / np.sqrt(count), 0.12, 0.9))


def _draw_edges(axes: Any, cells: list[Cell], width: float) -> None:
    if cells[0].corners.shape[1] == 1:
        for place in sorted({float(end) for cell in cells for end in cell.corners[:, 0]})[1:-1]:
            axes.axvline(place, color=ink(), linewidth=width, linestyle=":")
        return
    from matplotlib.collections import PolyCollection

    axes.add_collection(
        PolyCollection([cell.corners for cell in cells], facecolors="none", edgecolors=ink(), linewidths=width)
    )


# -- where there are no kinks, and on a line ---------------------------------------------------------------------------


def _draw_signs(panels: Panels, network: SeenNetwork, subject: Subject, plane: Plane) -> None:
    """Draw for each layer where the pre-activations of its units are above 0, by a grid."""
    lines = plane.grid(_GRID)
    points = np.stack(np.meshgrid(*lines), axis=-1).reshape(-1, 2)
    paths = {name: network.layers[name].before.path for name in panels.names[:-1]}
    values = network.run(list(paths.values()), subject.examples(plane.features(points)))
    for name, axes in zip(panels.names[:-1], panels.axes[:-1], strict=True):
        found = values[paths[name]].reshape(_GRID, _GRID, -1)
        axes.pcolormesh(*lines, _shaded((found > 0).mean(axis=-1)), shading="nearest", rasterized=True)
        for unit in range(found.shape[-1]):
            part = found[..., unit]
            if (part > 0).any() and (part < 0).any():
                axes.contour(*lines, part, levels=[0.0], colors=[ink()], linewidths=0.6)
        _set_plane(axes, plane)
        axes.set_title(f"{short(name)}: {_count(found.shape[-1], 'unit')}", fontsize=9)


def _draw_line(panels: Panels, subject: Subject, plane: Plane, regions: LinearRegions | None) -> None:
    """Draw the units' outputs along a line, layer by layer."""
    network = subject.require_network()
    across = plane.grid(5 * _GRID)[0]
    paths = {name: network.path(name) for name in panels.names[:-1]}
    values = network.run(list(paths.values()), subject.examples(plane.features(across[:, None])))
    for name, axes in zip(panels.names[:-1], panels.axes[:-1], strict=True):
        found = values[paths[name]]
        for unit in range(found.shape[1]):
            axes.plot(across, found[:, unit], color=class_color(unit, found.shape[1]), linewidth=1.2)
        title = f"{short(name)}: {_count(found.shape[1], 'unit')}"
        if regions is not None:
            _draw_edges(axes, regions.cells[name], 0.6)
            title += f", {_count(len(regions.cells[name]), 'region')}"
        axes.set_title(title, fontsize=9)
        axes.set_xlim(plane.limits[0])
        axes.set_xlabel(plane.labels[0])
