"""What a metric is, and how metrics are declared and found by name."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pellucid.errors import UsageError, nearest
from pellucid.graph.value import Value


@dataclass(frozen=True)
class Metric:
    """A number that says how good predictions are.

    Attributes
    ----------
    name, doc : str
    tasks : tuple of str
        What it fits: ``regression``, ``binary``, ``multiclass``, ``multilabel``.
    higher_is_better : bool
    compute : callable
        ``compute(prediction, target, weight)``: prediction as the loss gives it ([n, outputs] numbers, [n, 1] or
        [n, labels] probabilities of being true, [n, classes] probabilities), target as the loss takes it, weights [n].
    listed : bool
        Whether it is reported unasked; others are where they are asked for by name.
    decided : bool
        Whether it looks only at which classes or labels are predicted, those above 1/2, and not at how probable they
        are: where a model has a threshold of its own, it takes 0 and 1 as decided by that.
    per_row : callable or None
        Of a metric that is a mean over examples: ``per_row(prediction, target)`` gives what each adds to it, [n].
    finish : callable
        What is done to that mean.
    build : callable or None
        ``build(prediction, target)`` adds what `per_row` computes to a graph, [batch], or returns None where it can not
        for values of such types. A metric that has it is computed by the executor while a network learns.
    """

    name: str
    doc: str
    tasks: tuple[str, ...]
    higher_is_better: bool
    compute: Callable[[np.ndarray, np.ndarray, np.ndarray], float]
    listed: bool = True
    decided: bool = False
    per_row: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None
    finish: Callable = np.asarray
    build: Callable[[Value, Value], Value | None] | None = None

    def __reduce__(self) -> tuple:
        return metric, (self.name,)

    def fits(self, kind: str) -> bool:
        """Say whether it can be computed from what a loss predicts: scores say nothing of probabilities."""
        return self.name not in ("loss", "log_loss" if kind == "score" else "loss")

    def is_better(self, new: float, old: float, by: float = 0.0) -> bool:
        """Say whether a new value is better than an old one by more than `by`; NaN never is, anything beats NaN."""
        if math.isnan(new):
            return False
        if math.isnan(old):
            return True
        return new > old + by if self.higher_is_better else new < old - by


METRICS: dict[str, Metric] = {}


def declare(
    name: str, doc: str, tasks: tuple[str, ...], higher_is_better: bool, listed: bool = True, decided: bool = False
) -> Callable[[Callable], Callable]:
    """Register the decorated function as a metric."""

    def add(compute: Callable[[np.ndarray, np.ndarray, np.ndarray], float]) -> Callable:
        METRICS[name] = Metric(name, doc, tasks, higher_is_better, compute, listed, decided)
        return compute

    return add


def declare_mean(
    name: str,
    doc: str,
    tasks: tuple[str, ...],
    higher_is_better: bool,
    decided: bool = False,
    finish: Callable = np.asarray,
    build: Callable[[Value, Value], Value | None] | None = None,
) -> Callable[[Callable], Callable]:
    """Register as a metric the weighted mean of what the decorated function gives for each example.

    `build` is that function in a graph, see :class:`Metric`.

    Examples
    --------
    >>> metric("rmse").per_row(np.array([[3.0], [5.0]]), np.array([[3.0], [1.0]])).tolist()
    [0.0, 16.0]
    """

    def add(per_row: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Callable:
        def compute(prediction: np.ndarray, target: np.ndarray, weight: np.ndarray) -> float:
            if weight.sum() <= 0:
                return float("nan")
            return float(finish(np.average(per_row(prediction, target), weights=weight)))

        METRICS[name] = Metric(
            name, doc, tasks, higher_is_better, compute, decided=decided, per_row=per_row, finish=finish, build=build
        )
        return per_row

    return add


def metric(name: str) -> Metric:
    """Return the metric of this name.

    Examples
    --------
    >>> metric("accuracy").higher_is_better
    True
    """
    if not isinstance(name, str) or name not in METRICS:
        raise UsageError(f"no metric is called {name!r}", fix=nearest(str(name), METRICS))
    return METRICS[name]


def metrics_for(task: str) -> list[Metric]:
    """Return the metrics that fit a task, the most usual first; those with ``listed`` are reported unasked."""
    return [found for found in METRICS.values() if task in found.tasks]
