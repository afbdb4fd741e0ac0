"""L-BFGS: a quasi-Newton method for full batches, by SciPy."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from pellucid.errors import TrainingError, UsageError
from pellucid.optim.settings import Settings

Arrays = dict[str, np.ndarray]
ValueAndGradient = Callable[[Arrays], tuple[float, Mapping[str, np.ndarray]]]
Callback = Callable[[int, float, Arrays], bool | None]


@dataclass(frozen=True)
class LBFGS(Settings):
    """Settings of limited-memory BFGS.

    Parameters
    ----------
    max_iterations : int
        Stop after this many iterations; each takes one evaluation of the loss and its gradient, or a few.
    history : int
        From how many iterations the curvature is estimated.
    gradient_tolerance : float
        Stop where no element of the gradient is larger.
    value_tolerance : float
        Stop where an iteration lessens the loss by no more than this part of it (of 1, where it is below 1).

    References
    ----------
    Liu and Nocedal, On the limited memory BFGS method for large scale optimization, 1989.
    Byrd, Lu, Nocedal and Zhu, A limited memory algorithm for bound constrained optimization, 1995.

    Examples
    --------
    >>> LBFGS(max_iterations=50).history
    10
    """

    name: ClassVar[str] = "lbfgs"
    ranges: ClassVar[dict[str, str]] = {
        "max_iterations": "[1, inf)",
        "history": "[1, inf)",
        "gradient_tolerance": "[0, inf)",
        "value_tolerance": "[0, inf)",
    }
    whole: ClassVar[frozenset[str]] = frozenset({"max_iterations", "history"})
    max_iterations: int = 500
    history: int = 10
    gradient_tolerance: float = 1e-6
    value_tolerance: float = 1e-12


@dataclass(frozen=True)
class Report:
    """How a minimization ended.

    Attributes
    ----------
    iterations, evaluations : int
    value : float
        At the parameters that were returned.
    largest_gradient : float
        The largest magnitude in the gradient there.
    converged : bool
        Whether a tolerance was met; otherwise `reason` says what stopped it.
    reason : str
    """

    iterations: int
    evaluations: int
    value: float
    largest_gradient: float
    converged: bool
    reason: str


def minimize(
    value_and_gradient: ValueAndGradient,
    parameters: Mapping[str, np.ndarray],
    settings: LBFGS | None = None,
    callback: Callback | None = None,
) -> tuple[Arrays, Report]:
    """Minimize a function of all parameters with L-BFGS.

    Parameters
    ----------
    value_and_gradient : callable
        From parameters by path to the loss and its gradients by path. It must return the same for the same parameters:
        full batches, and no dropout.
    parameters : mapping
        Where to start; not changed.
    settings : LBFGS, optional
    callback : callable, optional
        ``callback(iteration, value, parameters)`` is called after every iteration, which are counted from 1, and stops
        the minimization by returning True.

    Returns
    -------
    parameters : dict
        Of the shapes and dtypes given. Between evaluations they are kept in float64.
    report : Report

    Raises
    ------
    TrainingError
        Where the value or a gradient is not finite.
    UsageError
        Where there are no parameters, or a gradient is missing or has another shape than its parameter.

    Examples
    --------
    >>> import numpy as np
    >>> def square(parameters):
    ...     error = parameters["w"] - [1.0, 2.0]
    ...     return 0.5 * error @ error, {"w": error}
    >>> found, report = minimize(square, {"w": np.zeros(2)})
    >>> found["w"], report.converged
    (array([1., 2.]), True)
    """
    from scipy import optimize  # here, because SciPy is slow to import and few need it

    settings = settings or LBFGS()
    packing = _Packing({path: np.asarray(array) for path, array in parameters.items()})
    if not packing.size:
        raise UsageError("there are no parameters to learn", where="L-BFGS")
    counted = {"evaluations": 0, "iterations": 0}
    stopped = False

    def evaluate(x: np.ndarray) -> tuple[float, np.ndarray]:
        counted["evaluations"] += 1
        value, gradients = value_and_gradient(packing.unpack(x))
        return packing.check(float(value), gradients, counted["evaluations"])

    def after_iteration(intermediate_result: Any) -> None:  # SciPy looks for this very name
        nonlocal stopped
        counted["iterations"] += 1
        if callback is not None:
            now = packing.unpack(intermediate_result.x)
            stopped = bool(callback(counted["iterations"], float(intermediate_result.fun), now))
            if stopped:
                raise StopIteration

    result = optimize.minimize(
        evaluate,
        packing.pack(parameters),
        jac=True,
        method="L-BFGS-B",
        callback=after_iteration,
        options={
            "maxiter": settings.max_iterations,
            "maxcor": settings.history,
            "gtol": settings.gradient_tolerance,
            "ftol": settings.value_tolerance,
            "maxfun": 100 * settings.max_iterations,  # its line search takes 20 at most: only iterations are limited
        },
    )
    largest = float(np.max(np.abs(result.jac), initial=0.0))
    reason = "stopped by the callback" if stopped else str(result.message).strip().lower()
    done = Report(**counted, value=float(result.fun), largest_gradient=largest, converged=result.success, reason=reason)
    return packing.unpack(result.x), done


class _Packing:
    """All parameters as one vector, and back."""

    def __init__(self, parameters: Mapping[str, np.ndarray]):
        self.like = {path: (array.shape, array.dtype) for path, array in parameters.items()}
        self.size = sum(array.size for array in parameters.values())

    def pack(self, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
        return np.concatenate([np.zeros(0), *(np.ravel(arrays[path]).astype(np.float64) for path in self.like)])

    def unpack(self, x: np.ndarray) -> Arrays:
        arrays, start = {}, 0
        for path, (shape, dtype) in self.like.items():
            end = start + math.prod(shape)
            arrays[path] = x[start:end].reshape(shape).astype(dtype)
            start = end
        return arrays

    def check(self, value: float, gradients: Mapping[str, np.ndarray], evaluation: int) -> tuple[float, np.ndarray]:
        """Return value and gradient as SciPy takes them, or say what is wrong with them."""
        where = f"L-BFGS, evaluation {evaluation}"
        if not math.isfinite(value):
            raise TrainingError("the loss is not finite", where=where, got=str(value))
        for path, (shape, _) in self.like.items():
            if path not in gradients or np.shape(gradients[path]) != shape:
                got = str(list(np.shape(gradients[path]))) if path in gradients else "none"
                raise UsageError("no gradient that fits the parameter", where=path, got=got, expected=str(list(shape)))
            if not np.all(np.isfinite(gradients[path])):
                raise TrainingError("the gradient is not finite", where=f"{where}, {path}")
        return value, self.pack(gradients)
