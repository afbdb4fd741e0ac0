"""How a network and its baselines do on the same examples, row by row, and how sure one may be of a difference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.data.dataset import Dataset
from pellucid.diagnosis.gates.case import Case
from pellucid.executors.predictor import Predictor
from pellucid.executors.program import ONCE
from pellucid.graph.context import Context
from pellucid.graph.simplify import simplify
from pellucid.graph.types import Axis
from pellucid.nn.losses import Loss
from pellucid.nn.network import Network
from pellucid.training.evaluate import BATCH, as_arrays
from pellucid.training.result import Fit
from pellucid.training.step import WEIGHT, declare_targets, losses_of_examples

SURE = 0.98
"""How sure intervals are: the true mean lies below one, or above it, in 1 of 100 cases each."""


@dataclass(frozen=True)
class Interval:
    """A mean and where the true one lies, most likely."""

    mean: float
    low: float
    high: float


def interval(values: np.ndarray, weights: np.ndarray | None = None, sure: float = SURE) -> Interval:
    """Return the weighted mean of independent values and its interval by Student's t; infinite from one row.

    Examples
    --------
    >>> found = interval(np.array([1.0, 2.0, 3.0]))
    >>> found.mean, round(found.high - found.mean, 3)
    (2.0, 4.021)
    """
    from scipy.stats import t

    values = np.asarray(values, np.float64)
    weights = np.ones(len(values)) if weights is None else np.asarray(weights, np.float64)
    total = weights.sum()
    mean = float((weights * values).sum() / total)
    count = float(total**2 / (weights**2).sum())  # as many rows of equal weight would be as sure (Kish 1965)
    if count <= 1.0 + 1e-9:
        return Interval(mean, -np.inf, np.inf)
    variance = float((weights * (values - mean) ** 2).sum() / total) * count / (count - 1)
    reach = float(t.ppf((1 + sure) / 2, count - 1) * np.sqrt(variance / count))
    return Interval(mean, mean - reach, mean + reach)


def losses_of_rows(
    network: Network, losses: dict[str, Loss], parameters: dict[str, np.ndarray], dataset: Dataset
) -> np.ndarray:
    """Return the loss of every example, without dropout or noise, float64 [examples]; infinite for NaN."""
    context = Context(training=False, batch=Axis(BATCH, "batch"), dtype=network.dtype)
    outputs = network.build(context, **network.declare_inputs(context))
    targets = declare_targets(context, network, losses)
    with context.scope("loss"):
        each = losses_of_examples(context, network, losses, outputs, targets)
    graph = simplify(context.builder.finish({"losses": each}, after="building the losses of the rows"))
    arrays = {name: array for name, array in as_arrays(network, losses, dataset).items() if name != WEIGHT}
    known = graph.inputs
    fixed: dict[str, Any] = {**{path: parameters[path] for path in context.parameters}, **context.settings}
    fixed = {name: value for name, value in fixed.items() if name in known}
    rows = {name: array for name, array in arrays.items() if name in known}
    with np.errstate(all="ignore"):
        found = Predictor(graph, ONCE).run(fixed, rows, len(dataset))["losses"]
    losses_found = np.asarray(found, np.float64)
    return np.where(np.isnan(losses_found), np.inf, losses_found)


def row_losses(fitted: Fit, dataset: Dataset) -> np.ndarray:
    """Return the loss of every example with what a fit has learned, float64 [examples]."""
    return losses_of_rows(fitted.network, fitted.losses, fitted.parameters, dataset)


@dataclass(frozen=True, eq=False)
class Judged:
    """The losses of the same examples under the network and its baselines.

    Attributes
    ----------
    dataset : Dataset
    weights : ndarray [examples]
    network : ndarray [examples]
    constant, linear : ndarray [examples] or None
        Of the best constant output and of the linear model; None where there is none.
    """

    dataset: Dataset
    weights: np.ndarray
    network: np.ndarray
    constant: np.ndarray | None
    linear: np.ndarray | None

    def mean(self, losses: np.ndarray) -> float:
        """Return the weighted mean of losses by row."""
        return float(np.average(losses, weights=self.weights))


def judge(case: Case, dataset: Dataset) -> Judged:
    """Return the losses of all examples under the trained network and its baselines."""
    assert case.fit is not None
    weights = np.ones(len(dataset)) if dataset.weights is None else dataset.weights
    by = {name: row_losses(found, dataset) if found else None for name, found in baselines(case).items()}
    return Judged(dataset, weights, row_losses(case.fit, dataset), by["constant"], by["linear"])


def baselines(case: Case) -> dict[str, Fit | None]:
    """Return the best constant output and the linear model, where they can be had."""
    return {"constant": case.constant, "linear": case.linear}


def judged_learned(case: Case) -> Judged:
    """Return how the network does on examples that it learned from; computed once."""
    return case.once("judged learned", lambda: judge(case, case.learned))


def judged_held_out(case: Case) -> Judged | None:
    """Return how it does on examples of the test or of the validation part; None where there are none."""
    return case.once("judged held out", lambda: None if case.held_out is None else judge(case, case.held_out))


def unit_of_loss(case: Case) -> float | None:
    """Return what differences of the loss are measured by: what the best constant output costs.

    Losses that are logarithms of densities may be negative, or 0 by chance: then it is by how much rows differ in what
    the constant costs, if that is more. None where no constant is known, or where it costs nothing.
    """
    found = judged_learned(case)
    if found.constant is None:
        return None
    unit = mean = found.mean(found.constant)
    if found.constant.min() < 0:
        unit = max(abs(mean), float(np.sqrt(found.mean((found.constant - mean) ** 2))))
    return unit if np.isfinite(unit) and unit > 1e-12 else None
