"""The curvature of the loss at a network's parameters: eigenvalues of its Hessian, and what kind of point it is."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.data.dataset import Dataset
from pellucid.errors import DataError, UsageError
from pellucid.executors.program import DEFAULT_EXECUTOR
from pellucid.inspection.landscape.directions import Direction
from pellucid.inspection.landscape.hessian import SecondOrder
from pellucid.training.result import Fit, check_fit

DENSE = 300
"""Networks of so many parameters have all their eigenvalues computed; of larger ones the outermost are found."""

FLAT = 1e-7
"""Eigenvalues below this share of the largest one are taken for 0."""

AT_REST = 1e-3
"""A point is at rest where a Newton step along the directions found gains less than this share of the loss, or is
shorter than this share of the parameters."""


@dataclass(frozen=True, eq=False)
class Curvature:
    """The curvature of a mean loss at one point. Made by :func:`curvature`.

    Attributes
    ----------
    largest, smallest : ndarray of float64, [k]
        The largest eigenvalues of the Hessian, the largest first; and the smallest, the smallest first.
    complete : bool
        Whether all eigenvalues were computed; `count_negative` counts those found otherwise.
    count_negative : int
        How many of them are negative.
    gradient_norm : float
    gain : float
        How much the loss would fall by a Newton step along the eigenvectors that were found, by the quadratic model.
    loss : float
    kind : {"minimum", "saddle", "maximum", "flat", "slope"}
        ``slope`` where the point is not stationary; a minimum may be flat in some directions.
    direction : dict of ndarray
        The eigenvector of the smallest eigenvalue: down from a saddle.
    descent : float
        How much lower the loss is a small way along `direction`, to the better side; 0 where it is not lower.
    parameters : int
        How many there are.
    """

    largest: np.ndarray
    smallest: np.ndarray
    complete: bool
    count_negative: int
    gradient_norm: float
    gain: float
    loss: float
    kind: str
    direction: Direction
    descent: float
    parameters: int

    @property
    def largest_step(self) -> float:
        """The learning rate from which on plain descent diverges along the steepest direction: 2 / largest eigenvalue.

        Source: LeCun, Bottou, Orr and Müller, Efficient BackProp (1998), section 4.
        """
        return float(2 / self.largest[0]) if self.largest[0] > 0 else float("inf")

    def __repr__(self) -> str:
        return f"<curvature over {self.parameters} parameters: {self.kind}, largest eigenvalue {self.largest[0]:.4g}>"

    def __str__(self) -> str:
        told = {
            "minimum": "a minimum: the loss curves up, or is flat, in all directions",
            "saddle": f"a saddle: {self._down()}",
            "maximum": "a maximum: the loss curves down in all directions",
            "flat": "flat: there is no curvature",
            "slope": f"not at rest: a Newton step promises {self.gain:.3g} less; {self._down()}",
        }[self.kind]
        lines = [
            f"curvature of the loss {self.loss:.6g} over {self.parameters} parameters: {told}",
            f"  largest eigenvalues   {_listed(self.largest)}",
            f"  smallest eigenvalues  {_listed(self.smallest)}",
            f"  gradient              of length {self.gradient_norm:.3g}",
            f"  plain descent         diverges from a learning rate of {self.largest_step:.3g} on",
        ]
        if self.descent > 0 and self.kind in ("saddle", "maximum"):
            lines.append(f"  a way down            along the smallest eigenvector the loss falls by {self.descent:.3g}")
        return "\n".join(lines) + "\n"

    def _down(self) -> str:
        or_more = "" if self.complete else " or more"
        ways = "direction" if self.count_negative == 1 and self.complete else "directions"
        return f"along {self.count_negative}{or_more} {ways} the loss curves down"

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"


def curvature(
    fit: Fit,
    dataset: Dataset,
    *,
    k: int = 5,
    parameters: Mapping[str, Any] | None = None,
    executor: str = DEFAULT_EXECUTOR,
) -> Curvature:
    """Compute the outermost eigenvalues of the Hessian of the mean loss.

    Products of the Hessian with vectors come from the graph differentiated twice, in float64; for rectifiers, whose
    second derivative is 0 where it exists, it is the curvature within the present linear region.

    Parameters
    ----------
    fit : Fit
    dataset : Dataset
        The examples; the loss is their weighted mean, without penalties, dropout or noise.
    k : int
        How many eigenvalues to find at each end.
    parameters : mapping of ndarray, optional
        Where to look; by default at the parameters of the fit.
    executor : {"native", "interpret"}

    Returns
    -------
    Curvature

    Raises
    ------
    UsageError
        Where something else is given.
    DataError
        Where examples do not fit, or loss or gradient are not finite.

    References
    ----------
    Pearlmutter, Fast exact multiplication by the Hessian (1994); Lanczos's method as in scipy.sparse.linalg.eigsh.

    Examples
    --------
    >>> import pellucid as pl
    >>> x = np.array([[1.0, 0.0], [0.0, 2.0], [0.0, 0.0], [0.0, 0.0]])
    >>> network = pl.Network([pl.Dense(1, bias=False)], inputs=2, dtype="float64")
    >>> data = pl.Dataset({"x": x}, x @ [1.0, 1.0])
    >>> fitted = pl.fit(network, data, loss="squared_error", optimizer="lbfgs")
    >>> curvature(fitted, data, k=2).largest.round(6).tolist()  # of x.T @ x / 4
    [1.0, 0.25]
    """
    check_fit(fit, dataset)
    if isinstance(k, bool) or not isinstance(k, int | np.integer) or k < 1:
        raise UsageError("not a number of eigenvalues", where="k", got=repr(k), expected="1 or more")
    at = dict(fit.parameters if parameters is None else parameters)
    second = SecondOrder(fit.network, fit.losses, dataset, at, executor)
    loss, gradient = second.value_and_gradient(second.point)
    if not (np.isfinite(loss) and np.isfinite(gradient).all()):
        fix = "pl.find_origin(pl.observe(fit, dataset)) says where it comes from."
        raise DataError("the loss has no curvature where it or its gradient is not finite", got=f"{loss:g}", fix=fix)
    values, vectors, complete = _eigenpairs(second, int(k))
    scale = max(abs(values[0]), abs(values[-1]))
    negative = values < -FLAT * scale
    gain, length = _newton_step(values, vectors, gradient, scale)
    at_rest = gain <= AT_REST * abs(loss) or length <= AT_REST * max(float(np.linalg.norm(second.point)), 1.0)
    kind = _kind(values, negative, at_rest, scale, complete)
    count = min(int(k), len(values))
    return Curvature(
        largest=values[::-1][:count].copy(),
        smallest=values[:count].copy(),
        complete=complete,
        count_negative=int(negative.sum()),
        gradient_norm=float(np.linalg.norm(gradient)),
        gain=gain,
        loss=loss,
        kind=kind,
        direction=second.as_arrays(vectors[:, 0]),
        descent=_descent(second, loss, vectors[:, 0]),
        parameters=len(gradient),
    )


def _eigenpairs(second: SecondOrder, k: int) -> tuple[np.ndarray, np.ndarray, bool]:
    """Return eigenvalues in rising order, their vectors as columns, and whether these are all."""
    size = len(second.point)
    if size <= max(DENSE, 2 * k + 2):
        hessian = np.stack([second.product(unit) for unit in np.eye(size)])
        values, vectors = np.linalg.eigh((hessian + hessian.T) / 2)
        return values, vectors, True
    from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh

    operator = LinearOperator((size, size), matvec=second.product, dtype=np.float64)
    start = np.random.default_rng(0).standard_normal(size)
    try:
        values, vectors = eigsh(operator, k=2 * k, which="BE", v0=start, tol=1e-6)
    except ArpackNoConvergence as partly:
        values, vectors = partly.eigenvalues, partly.eigenvectors
        if len(values) == 0:
            raise UsageError("the eigenvalues could not be found", where="k", fix="Ask for fewer.") from None
    order = np.argsort(values)
    return values[order], vectors[:, order], False


def _newton_step(values: np.ndarray, vectors: np.ndarray, gradient: np.ndarray, scale: float) -> tuple[float, float]:
    """Return what a Newton step along the directions that curve would gain, and its length."""
    steep = np.abs(values) > FLAT * scale
    along, curves = vectors[:, steep].T @ gradient, np.abs(values[steep])
    return float(0.5 * np.sum(along**2 / curves)), float(np.linalg.norm(along / curves))


def _kind(values: np.ndarray, negative: np.ndarray, at_rest: bool, scale: float, complete: bool) -> str:
    if scale == 0:
        return "flat"
    if not at_rest:
        return "slope"
    if not negative.any():
        return "minimum"
    return "maximum" if complete and not (values > FLAT * scale).any() else "saddle"


def _descent(second: SecondOrder, loss: float, vector: np.ndarray) -> float:
    """Return how much lower the loss is a small way along a vector, to the better side."""
    point = second.point
    length = 1e-2 * max(float(np.linalg.norm(point)), 1.0)
    there = [second.value_and_gradient(point + sign * length * vector)[0] for sign in (1.0, -1.0)]
    return max(loss - min(there), 0.0)


def _listed(values: np.ndarray) -> str:
    return ", ".join(f"{value:.4g}" for value in values)
