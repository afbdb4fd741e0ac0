"""Linear regions: where the same rectifiers are active, so that the network is linear. Exact, on a line or a plane."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.errors import DataError, UsageError
from pellucid.executors.inputs import inputs_by_row
from pellucid.graph.graph import Graph, Node, live_nodes
from pellucid.graph.resize import resize
from pellucid.html_table import html_table
from pellucid.inspection.explain.double import run_double
from pellucid.inspection.pictures.cutting import TOLERANCE, Cell, box, cut_cell, require_few
from pellucid.inspection.pictures.kinks import Kink, find_kinks
from pellucid.inspection.pictures.plane import Plane, plane_of
from pellucid.inspection.pictures.reading import FIRST, as_subject
from pellucid.inspection.pictures.subject import Subject

_VALUES = 2**23  # so many numbers of float64 are computed together
_INWARD = 0.5


@dataclass(frozen=True, eq=False)
class LinearRegions:
    """The regions of a line or a plane in which the same rectifiers are active, layer after layer.

    Attributes
    ----------
    plane : Plane
        Where they were looked for.
    cells : mapping of list of Cell
        By layer: the regions of the network up to it. ``cell.corners`` [corners, 2] are in order around the cell;
        ``cell.active`` says which units of the layers up to this one are active.
    units : mapping of int
        How many units each layer has whose activation has a kink.
    """

    plane: Plane
    cells: Mapping[str, list[Cell]]
    units: Mapping[str, int]

    @property
    def counts(self) -> dict[str, int]:
        """How many regions there are up to each layer; the last number is that of the whole network."""
        return {name: len(found) for name, found in self.cells.items()}

    @property
    def last(self) -> list[Cell]:
        """The regions of the whole network."""
        return self.cells[list(self.cells)[-1]]

    def _repr_html_(self) -> str:
        rows = [[name, f"{self.units[name]:,}", f"{count:,}"] for name, count in self.counts.items()]
        return html_table(["layer", "units with a kink", "linear regions up to it"], rows)


def linear_regions(
    subject: Any,
    data: Any,
    *,
    features: Sequence[int | str] | int | str | None = None,
    components: int | Sequence[int] | None = None,
    others: str = "median",
    limits: Any = None,
) -> LinearRegions:
    """Find the regions in which the same rectifiers are active, so that what goes into each layer is linear.

    Parameters
    ----------
    subject : Fit, or (network, parameters); a Model or an estimator whose encoders are linear too
    data : Dataset, or as for :func:`plot_decision_regions`
    features, components, others, limits
        The line or plane, and how far it reaches: as for :func:`plot_decision_regions`. Of a network with one or two
        features it is the whole input space between the limits.

    Returns
    -------
    LinearRegions

    Raises
    ------
    UsageError
        Where no unit has a kink, where a value inside the network is not linear between kinks (`tanh`, layer
        normalization, an encoder that bends), or there are more than 50,000 regions.

    Notes
    -----
    Cells are cut unit after unit, in float64: inside a cell of the layers before, a unit's pre-activation is linear,
    and known from its values at points of the cell. Kinks are those of relu, leaky_relu, step, sign, absolute values,
    the larger and the smaller of two values, and comparisons. Source: Montufar, Pascanu, Cho and Bengio, On the number
    of linear regions of deep neural networks (2014).

    Examples
    --------
    Three lines in general position make seven regions:

    >>> import numpy as np, pellucid as pl
    >>> network = pl.Network([pl.Dense(3, "relu"), pl.Dense(1)], inputs=2)
    >>> parameters = {
    ...     "dense_1/weight": np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]]),
    ...     "dense_1/bias": np.array([0.0, 0.0, -1.0]),
    ...     "dense_2/weight": np.ones((3, 1)),
    ...     "dense_2/bias": np.zeros(1),
    ... }
    >>> corners = pl.Dataset({"x": np.array([[-3.0, -3.0], [3.0, 3.0]])})
    >>> linear_regions((network, parameters), corners).counts
    {'dense_1': 7}
    """
    seen = as_subject(subject, data, FIRST)
    return regions_on(seen, plane_of(seen, features, components, others, limits))


def count_linear_regions(subject: Any, data: Any, **options: Any) -> dict[str, int]:
    """Count the regions in which the same rectifiers are active, up to each layer: see :func:`linear_regions`.

    Returns
    -------
    dict of int
        By layer; the last number is that of the whole network.

    Examples
    --------
    A layer that folds an interval onto itself doubles the regions of the next:

    >>> import numpy as np, pellucid as pl
    >>> fold = {"weight": np.array([[1.0, 1.0]]), "bias": np.array([0.0, -0.5])}
    >>> network = pl.Network([pl.Dense(2, "relu"), pl.Dense(2, "relu"), pl.Dense(1)], inputs=1)
    >>> parameters = {f"dense_1/{name}": value for name, value in fold.items()} | {
    ...     "dense_2/weight": np.array([[2.0, 2.0], [-4.0, -4.0]]),
    ...     "dense_2/bias": np.array([0.0, -0.5]),
    ...     "dense_3/weight": np.array([[2.0], [-4.0]]),
    ...     "dense_3/bias": np.zeros(1),
    ... }
    >>> line = pl.Dataset({"x": np.array([[0.0], [1.0]])})
    >>> count_linear_regions((network, parameters), line, limits=(0, 1))
    {'dense_1': 2, 'dense_2': 4}
    """
    return linear_regions(subject, data, **options).counts


def regions_on(subject: Subject, plane: Plane) -> LinearRegions:
    """Return the linear regions of a network on a plane or a line."""
    network = subject.require_network()
    varied = {feature.input for feature in subject.features}
    kinks = find_kinks(network, varied)
    if not kinks:
        fix = "Only of networks with relu, leaky_relu, step and the like there are linear regions."
        raise UsageError("no unit of the network has a kink", got=", ".join(_activations(network)) or "none", fix=fix)
    cells = [box(plane.limits)]
    done: dict[str, list[Cell]] = {}
    units: dict[str, int] = {}
    for kink in kinks:
        cells = _cut_all(subject, plane, kink, cells)
        units[kink.layer] = units.get(kink.layer, 0) + len(cells[0].active) - sum(units.values())
        done.pop(kink.layer, None)
        done[kink.layer] = cells
    return LinearRegions(plane, done, units)


def _activations(network: Any) -> list[str]:
    return sorted({layer.activation for layer in network.layers.values() if layer.activation})


def _cut_all(subject: Subject, plane: Plane, kink: Kink, cells: list[Cell]) -> list[Cell]:
    """Return all cells cut where the operands of a kink change their side."""
    points, owners = _points(cells)
    values = _difference(subject, plane, kink, points)
    if not np.isfinite(values).all():
        raise DataError("a pre-activation is not finite", where=kink.node.path, fix="Choose narrower limits.")
    starts = np.flatnonzero(np.diff(owners, prepend=-1))
    at_corners = [_at_corners(part) for part in np.split(values, starts[1:])]
    tolerance = TOLERANCE * np.abs(values).max(axis=0)
    result: list[Cell] = []
    for cell, own in zip(cells, at_corners, strict=True):
        result += cut_cell(cell, own, tolerance)
        require_few(len(result), f"all layers up to {kink.layer}")
    return result


def _points(cells: list[Cell]) -> tuple[np.ndarray, np.ndarray]:
    """Return points inside each cell, its center first and one towards each corner, and the number of their cell.

    Corners themselves lie on the kinks of other cells, where a step has another value.
    """
    points, owners = [], []
    for number, cell in enumerate(cells):
        center = cell.center
        points += [center[None], center + _INWARD * (cell.corners - center)]
        owners += [number] * (1 + len(cell.corners))
    return np.concatenate(points), np.array(owners)


def _at_corners(values: np.ndarray) -> np.ndarray:
    """Return a linear function's values at the corners of a cell, from those at its center and between."""
    return values[0] + (values[1:] - values[0]) / _INWARD


def _difference(subject: Subject, plane: Plane, kink: Kink, points: np.ndarray) -> np.ndarray:
    """Return by how much the operands of a kink differ, float64 [points, units]."""
    network = subject.require_network()
    nodes = live_nodes(kink.node.inputs)
    size = max(1, _VALUES // max(1, sum(node.type.size for node in nodes)))
    parts = []
    for start in range(0, len(points), size):
        some = points[start : start + size]
        graph = resize(network.graph, batch=len(some))
        node = graph[kink.node.path]
        found = run_in_double(graph, node.inputs, network.fixed, subject.examples(plane.features(some), double=True))
        first, *second = (np.broadcast_to(value, tuple(map(int, node.type.shape))) for value in found)
        parts.append((first - second[0] if second else first).reshape(len(some), -1))
    return np.concatenate(parts)


def run_in_double(
    graph: Graph, nodes: Sequence[Node], fixed: Mapping[str, np.ndarray], arrays: Mapping[str, np.ndarray]
) -> list[np.ndarray]:
    """Return some nodes' values, computed in float64 whatever the graph's dtype is; its axis fits the arrays."""
    rows = inputs_by_row(graph, "batch")
    given = {node: np.asarray(arrays[name] if name in rows else fixed[name]) for name, node in graph.inputs.items()}
    given = {node: value.astype(np.float64) if value.dtype.kind == "f" else value for node, value in given.items()}
    found = run_double(live_nodes(nodes), given)
    return [np.asarray(found[node], np.float64) for node in nodes]
