"""What every unit of a layer responds to: small pictures over two features or components."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.errors import DataError, UsageError
from pellucid.inspection.layers.nodes import LayerNodes, batch_axis
from pellucid.inspection.pictures.plane import Plane, plane_of
from pellucid.inspection.pictures.reading import FIRST, as_subject
from pellucid.inspection.pictures.scatter import scatter
from pellucid.inspection.pictures.style import DIVERGING, Panels, class_color, ink, panels_for, short
from pellucid.inspection.pictures.subject import SeenNetwork, Subject

MOST_UNITS = 64
"""So many units are drawn at once."""

EDGE, OFF = "#1a1a1a", "#c8c8c8"
"""Lines on the map of responses, whose middle is white, and the side on which a rectifier is off."""


def plot_units(
    subject: Any,
    data: Any,
    layer: str | None = None,
    *,
    units: Sequence[int] | None = None,
    features: Sequence[int | str] | int | str | None = None,
    components: int | Sequence[int] | None = None,
    resolution: int = 60,
    others: str = "median",
    limits: Any = None,
    examples: bool = False,
    ax: Any = None,
) -> Panels:
    """Draw what each unit of a layer gives over two features or components: its half-plane, or its response.

    A line stands where the unit's pre-activation is 0: for a unit of the first layer the edge of its half-plane, with
    an arrow to the side on which it is above 0; a rectifier is grey on the other side. Colours are what the unit gives,
    one scale for all: orange below 0 and purple above. Over a single feature the response is a curve.

    Parameters
    ----------
    subject : Fit, Model, or estimator of Pellucid
    data : Dataset for a fit; a table for a model; X or (X, y) for an estimator
        Says how far the pictures reach, and where other features are held.
    layer : str, optional
        A layer's name, or the path of a node of the network's graph; by default the first hidden layer.
    units : sequence of int, optional
        Which units; by default all, or the first 64.
    features, components, others, limits
        As for :func:`plot_decision_regions`.
    resolution : int
        How many points at each side.
    examples : bool
        Whether the examples are drawn too.
    ax : Axes or sequence of Axes, optional
        A single one is divided.

    Returns
    -------
    Panels
        A picture for each unit: ``panels["unit 3"]``.

    Raises
    ------
    UsageError
        Where there is no such layer or unit.

    Examples
    --------
    >>> import numpy as np, pellucid as pl
    >>> x = np.random.default_rng(0).normal(size=(60, 2))
    >>> data = pl.Dataset({"x": x}, x[:, 0] > x[:, 1])
    >>> network = pl.Network([pl.Dense(3, "relu"), pl.Dense(1)], inputs=2)
    >>> fit = pl.fit(network, data, loss="binary_cross_entropy", epochs=2)
    >>> plot_units(fit, data).names
    ('unit 0', 'unit 1', 'unit 2')
    """
    seen = as_subject(subject, data, FIRST)
    network = seen.require_network()
    chosen = _layer(network, layer)
    plane = plane_of(seen, features, components, others, limits)
    if isinstance(resolution, bool) or not isinstance(resolution, (int, np.integer)) or resolution < 2:
        raise UsageError("a resolution is a whole number from 2 up", where="resolution", got=repr(resolution))
    lines = plane.grid(int(resolution))
    points = np.stack(np.meshgrid(*lines), axis=-1).reshape(-1, len(lines))
    before, after = _paths(network, chosen)
    found = network.run([before, after], seen.examples(plane.features(points)))
    if not np.isfinite(found[after]).all():
        raise DataError("a unit's output is not finite", where=after, fix="Choose narrower limits.")
    shape = tuple(len(line) for line in reversed(lines))
    response = found[after].reshape(*shape, -1)
    edges = found[before].reshape(*shape, -1) if before != after or _is_linear(network, chosen) else None
    numbers = _units(units, response.shape[-1], after)
    panels = panels_for(ax, [f"unit {number}" for number in numbers], side=1.05)
    grid = _Grid(
        lines, response[..., numbers], None if edges is None else edges[..., numbers], _rectifies(network, chosen)
    )
    _draw(panels, seen, plane, grid, examples)
    if ax is None:
        more = f" (the first {len(numbers)} of {response.shape[-1]})" if units is None and _cut(response) else ""
        panels.figure.suptitle(". ".join(filter(None, [f"{short(chosen)}: units{more}", plane.held])), fontsize=9)
    return panels


def _cut(response: np.ndarray) -> bool:
    return response.shape[-1] > MOST_UNITS


def _layer(network: SeenNetwork, layer: str | None) -> str:
    """Return the name of the layer that is drawn."""
    if layer is not None:
        return layer
    hidden = network.hidden() or list(network.layers.values())
    if not hidden:
        raise UsageError("the network has no layer with weights", fix="Name a node of its graph: layer=...")
    return hidden[0].name


def _paths(network: SeenNetwork, layer: str) -> tuple[str, str]:
    """Return the paths of the pre-activations and of what the units give."""
    after = network.path(layer)
    known = network.layers.get(layer)
    return (known.before.path if known is not None and _fits(known) else after), after


def _fits(layer: LayerNodes) -> bool:
    """Say whether a layer's pre-activations are one for each of its units."""
    return layer.before.type.shape == layer.after.type.shape and batch_axis(layer.before) == 0


def _is_linear(network: SeenNetwork, layer: str) -> bool:
    return layer in network.layers and not network.layers[layer].activation


def _rectifies(network: SeenNetwork, layer: str) -> bool:
    return layer in network.layers and bool(network.layers[layer].activation) and network.layers[layer].rectifies


def _units(units: Sequence[int] | None, count: int, path: str) -> list[int]:
    if units is None:
        return list(range(min(count, MOST_UNITS)))
    given = [int(unit) for unit in units]
    wrong = [unit for unit in given if not 0 <= unit < count]
    if wrong or not given:
        got = ", ".join(map(str, wrong)) or "none"
        raise UsageError("there are no such units", where=path, got=got, expected=f"some of 0 to {count - 1}")
    return given


@dataclass(frozen=True, eq=False)
class _Grid:
    """What units give at the points of a grid, and their pre-activations."""

    lines: list[np.ndarray]
    response: np.ndarray
    edges: np.ndarray | None
    rectifies: bool


def _draw(panels: Panels, subject: Subject, plane: Plane, grid: _Grid, examples: bool) -> None:
    from matplotlib.colors import Normalize

    lines, response = grid.lines, grid.response
    largest = float(np.abs(response).max()) or 1.0
    norm = Normalize(-largest, largest)
    drawn = None
    for place, (name, axes) in enumerate(zip(panels.names, panels.axes, strict=True)):
        axes.set_title(name, fontsize=7, pad=2)
        axes.set_xlim(plane.limits[0])
        axes.tick_params(left=False, bottom=False, labelleft=False, labelbottom=False)
        if len(lines) == 1:
            axes.axhline(0.0, color=ink(), linewidth=0.5)
            axes.plot(lines[0], response[:, place], color=class_color(0, 2), linewidth=1.5)
            axes.set_ylim(response.min() - 0.05 * largest, response.max() + 0.05 * largest)
            continue
        axes.set_ylim(plane.limits[1])
        drawn = axes.pcolormesh(
            *lines, response[..., place], cmap=DIVERGING, norm=norm, shading="gouraud", rasterized=True
        )
        if grid.edges is not None:
            _draw_edge(axes, lines, grid.edges[..., place], grid.rectifies)
        if examples:
            scatter(axes, plane.coordinates[:, 0], plane.coordinates[:, 1], subject.target, size=3.0)
    corner = panels.axes[_corner(panels)]
    corner.set_xlabel(plane.labels[0], fontsize=7)
    corner.set_ylabel(plane.labels[-1] if len(lines) == 2 else "output", fontsize=7)
    if drawn is not None:
        bar = panels.figure.colorbar(drawn, ax=list(panels.axes), pad=0.02, aspect=30)
        bar.ax.tick_params(labelsize=7)


def _corner(panels: Panels) -> int:
    """Return which picture stands lowest in the first column: the one that has the labels."""
    places = [axes.get_position() for axes in panels.axes]
    left = min(place.x0 for place in places)
    return min(
        (number for number, place in enumerate(places) if place.x0 < left + 1e-6), key=lambda number: places[number].y0
    )


def _draw_edge(axes: Any, lines: list[np.ndarray], values: np.ndarray, off: bool) -> None:
    """Draw where a pre-activation is 0, and to which side it is above; grey the side on which a rectifier is off."""
    if off and (values <= 0).any():
        axes.contourf(*lines, values, levels=[-np.inf, 0.0], colors=[OFF])
    place = _middle_of_edge(values)
    if place is None:
        return
    axes.contour(*lines, values, levels=[0.0], colors=[EDGE], linewidths=1.2)
    upwards, right = np.gradient(values, *reversed(lines))
    size = np.array([line[-1] - line[0] for line in lines])
    steepest = np.array([right[place], upwards[place]]) * size  # as seen in the picture, whose sides are of any unit
    length = float(np.hypot(*steepest))
    if length > 0:
        start = np.array([lines[0][place[1]], lines[1][place[0]]])
        end = start + 0.12 * steepest / length * size
        arrow = {"arrowstyle": "->", "color": EDGE, "lw": 1.0}
        axes.annotate("", xy=tuple(end), xytext=tuple(start), arrowprops=arrow)


def _middle_of_edge(values: np.ndarray) -> tuple[int, int] | None:
    """Return the point next to the edge that is nearest to the middle of the picture."""
    changes = np.zeros(values.shape, bool)
    changes[:, :-1] |= (values[:, :-1] > 0) != (values[:, 1:] > 0)
    changes[:-1] |= (values[:-1] > 0) != (values[1:] > 0)
    rows, columns = np.nonzero(changes)
    if not rows.size:
        return None
    far = (rows / values.shape[0] - 0.5) ** 2 + (columns / values.shape[1] - 0.5) ** 2
    best = int(far.argmin())
    return int(rows[best]), int(columns[best])
