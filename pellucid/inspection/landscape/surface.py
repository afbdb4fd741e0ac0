"""The loss along two directions through the parameters of a trained network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.data.dataset import Dataset
from pellucid.errors import UsageError
from pellucid.executors.cores import usable_cores
from pellucid.inspection.landscape.directions import (
    Direction,
    Parameters,
    directions_of_path,
    flatten,
    random_direction,
)
from pellucid.inspection.landscape.path import TrainingPath
from pellucid.optim.settings import check_number
from pellucid.training.evaluate import as_arrays
from pellucid.training.result import Fit, check_fit

MOST_POINTS = 1001


@dataclass(frozen=True, eq=False)
class Landscape:
    """The loss over a plane in the space of parameters. Made by :func:`landscape`.

    A point (a, b) stands for the parameters ``center + a * first + b * second``.

    Attributes
    ----------
    a, b : ndarray of float64, [points]
        The coordinates.
    losses : ndarray of float64, [points, points]
        ``losses[j, i]`` belongs to ``a[i], b[j]``; infinite where it can not be computed.
    center : mapping of ndarray
    first, second : mapping of ndarray
        The directions.
    kind : {"random", "path"}
        Random directions, filter-normalized; or the two principal components of the path.
    path : ndarray of float64, [steps, 2], or None
        The path of training: the coordinates of the nearest points of the plane.
    explained : float or None
        How much of the path's squared length from the center lies in the plane: 1 is all of it.
    loss : float
        At the center.
    """

    a: np.ndarray
    b: np.ndarray
    losses: np.ndarray
    center: Parameters
    first: Direction
    second: Direction
    kind: str
    path: np.ndarray | None
    explained: float | None
    loss: float

    def __repr__(self) -> str:
        finite = self.losses[np.isfinite(self.losses)]
        span = f"loss {finite.min():.4g} to {finite.max():.4g}" if finite.size else "no finite loss"
        path = "" if self.path is None else f", a path of {len(self.path)} points ({self.explained:.0%} in the plane)"
        return f"<landscape of {len(self.a)} x {len(self.b)} points, {self.kind} directions: {span}{path}>"

    def plot(self, ax: Any = None, levels: int = 24) -> Any:
        """Draw lines of equal loss, the path and where it ended. See :func:`plot_landscape`."""
        from pellucid.inspection.landscape.plot import plot_landscape

        return plot_landscape(self, ax, levels)

    def _repr_html_(self) -> str:
        from pellucid.inspection.landscape.plot import as_image

        return as_image(self.plot, repr(self))


def landscape(
    fit: Fit,
    dataset: Dataset,
    *,
    path: TrainingPath | Sequence[Parameters] | None = None,
    directions: str | tuple[Parameters, Parameters] | None = None,
    points: int = 51,
    span: float | None = None,
    seed: int = 0,
) -> Landscape:
    """Compute the loss over a plane through the parameters of a trained network.

    All points of the plane are networks of one population, evaluated by one compiled program.

    Parameters
    ----------
    fit : Fit
        Its parameters are the center.
    dataset : Dataset
        The examples whose mean loss is shown, without penalties, dropout or noise.
    path : TrainingPath or sequence of mapping of ndarray, optional
        The parameters on the way, to be shown on the plane.
    directions : {"random", "path"} or a pair of mappings of ndarray, optional
        ``"random"``: two random directions, to each unit as long as its weights (filter-normalized); ``"path"``: the
        principal components of the path. By default those of the path where there is one.
    points : int
        Along each direction.
    span : float, optional
        How far to go to each side, in lengths of the directions; by default 1, and for a path as far as it reaches.
    seed : int
        Of the random directions.

    Returns
    -------
    Landscape

    References
    ----------
    Li, Xu, Taylor, Studer and Goldstein, Visualizing the Loss Landscape of Neural Nets (2018).

    Examples
    --------
    >>> import pellucid as pl
    >>> x = np.linspace(-1, 1, 20)[:, None]
    >>> data = pl.Dataset({"x": x}, 2 * x + 1)
    >>> fitted = pl.fit(pl.Network([pl.Dense(1)], inputs=1), data, loss="squared_error", optimizer="lbfgs")
    >>> seen = landscape(fitted, data, points=11)
    >>> seen.losses.shape, bool(seen.losses[5, 5] == seen.losses.min())
    ((11, 11), True)
    """
    check_fit(fit, dataset)
    if isinstance(points, bool) or not isinstance(points, int | np.integer) or not 2 <= points <= MOST_POINTS:
        raise UsageError("not a number of points", where="points", got=repr(points), expected=f"2 to {MOST_POINTS}")
    if span is not None:
        check_number("span", span, "(0, inf)")
    check_number("seed", seed, "[0, inf)", whole=True)
    walked = _points_of(path, fit.parameters)
    kind, first, second = _directions(fit.parameters, directions, walked, seed)
    coordinates, explained = _project(walked, fit.parameters, first, second) if walked else (None, None)
    a, b = _axes(coordinates, points, span)
    arrays = as_arrays(fit.network, fit.losses, dataset)
    losses, loss = _evaluate(fit, arrays, first, second, a, b)
    return Landscape(a, b, losses, fit.parameters, first, second, kind, coordinates, explained, loss)


def _points_of(path: TrainingPath | Sequence[Parameters] | None, center: Parameters) -> list[Parameters]:
    points = [] if path is None else getattr(path, "points", path)
    if not isinstance(points, Sequence):
        expected = "what pl.TrainingPath kept, or a list of parameters by path"
        raise UsageError("not a path of training", where="path", got=repr(path)[:80], expected=expected)
    for point in points:
        if not isinstance(point, Mapping) or {k: np.shape(v) for k, v in point.items()} != {
            k: np.shape(v) for k, v in center.items()
        }:
            expected = "what pl.TrainingPath kept of the same network"
            raise UsageError("a point of the path is not of this network", where="path", expected=expected)
    return list(points)


def _directions(
    center: Parameters, given: Any, walked: Sequence[Parameters], seed: int
) -> tuple[str, Direction, Direction]:
    kind: Any = ("path" if len(walked) > 2 else "random") if given is None else given
    if kind == "path":
        if not walked:
            raise UsageError("there is no path to take directions from", where="directions", fix="Pass path=...")
        return "path", *directions_of_path(walked, center)
    if kind == "random":
        return "random", random_direction(center, seed, 0), random_direction(center, seed, 1)
    shapes = {path: np.shape(value) for path, value in center.items()}
    fits = isinstance(kind, tuple) and len(kind) == 2 and all(isinstance(one, Mapping) for one in kind)
    if not fits or any({k: np.shape(v) for k, v in one.items()} != shapes for one in kind):
        expected = '"random", "path", or two mappings of arrays like the parameters'
        raise UsageError("not directions", where="directions", got=repr(given)[:60], expected=expected)
    first, second = ({path: np.asarray(one[path], np.float64) for path in center} for one in kind)
    return "given", first, second


def _project(
    walked: Sequence[Parameters], center: Parameters, first: Direction, second: Direction
) -> tuple[np.ndarray, float]:
    """Return the coordinates of a path's nearest points in the plane, and how much of its length lies in it."""
    basis = np.stack([flatten(first, center), flatten(second, center)], axis=1)
    steps = np.stack([flatten(point, center) - flatten(center, center) for point in walked])
    coordinates = np.linalg.lstsq(basis, steps.T, rcond=None)[0].T
    whole = float(np.sum(steps**2))
    return coordinates, float(np.sum((coordinates @ basis.T) ** 2)) / whole if whole > 0 else 1.0


def _axes(coordinates: np.ndarray | None, points: int, span: float | None) -> tuple[np.ndarray, np.ndarray]:
    if coordinates is None or span is not None:
        side = np.linspace(-(span or 1.0), span or 1.0, points)
        return side, side
    low, high = np.minimum(coordinates.min(axis=0), 0.0), np.maximum(coordinates.max(axis=0), 0.0)
    room = np.where(high > low, 0.25 * (high - low), 1.0)
    a, b = (np.linspace(start, end, points) for start, end in zip(low - room, high + room, strict=True))
    return a, b


def _evaluate(
    fit: Fit, arrays: Mapping[str, Any], first: Direction, second: Direction, a: np.ndarray, b: np.ndarray
) -> tuple[np.ndarray, float]:
    """Return the loss of every point, [b, a], and that of the center."""
    evaluator = fit.evaluator
    examples = evaluator.prepare(arrays)
    center = {path: np.asarray(value, np.float64) for path, value in fit.parameters.items()}
    dtypes = {path: value.dtype for path, value in fit.parameters.items()}

    def row_of(y: float) -> list[float]:
        base = {path: center[path] + y * second[path] for path in center}
        losses = []
        for x in a:
            here = {path: (base[path] + x * first[path]).astype(dtypes[path]) for path in center}
            losses.append(evaluator.evaluate(here, examples)["loss"])
        return losses

    with np.errstate(over="ignore"), ThreadPoolExecutor(max_workers=usable_cores()) as pool:
        losses = np.array(list(pool.map(row_of, b)))
    return np.where(np.isnan(losses), np.inf, losses), evaluator.evaluate(fit.parameters, examples)["loss"]
