"""The epochs of the perceptron estimator: one pass over all rows after the other, and when to stop."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from pellucid.errors import TrainingError
from pellucid.executors.program import compile_epochs
from pellucid.random import permutation
from pellucid.training.perceptron import PerceptronRule, build_perceptron_step

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Stop:
    """When to stop before the epochs run out.

    Attributes
    ----------
    tol : float
        By how much an epoch has to be better than the best before it.
    patience : int
        After so many epochs in a row that were not, training stops.
    judge : callable
        From the weights to the accuracy on some rows: the weights of the epoch with the best one are kept.
    by_score : bool
        Whether it, rather than the loss, says which epoch is better.
    """

    tol: float
    patience: float
    judge: Callable[[Arrays], float]
    by_score: bool


def run_epochs(
    rule: PerceptronRule,
    arrays: Mapping[str, Any],
    *,
    start: Arrays | None,
    seed: int,
    first: int,
    epochs: int,
    shuffle: bool,
    stop: Stop | None,
    verbose: bool,
) -> tuple[Arrays, list[float]]:
    """Run epochs of the perceptron rule.

    Parameters
    ----------
    rule : PerceptronRule
    arrays : mapping
        ``x`` [rows, features], dense or CSR, ``push`` [rows, outputs] and ``row_weight`` [rows]: what
        :func:`pellucid.training.perceptron.build_perceptron_step` takes.
    start : dict of ndarray, optional
        What an earlier call returned.
    seed, first : int
        The order of an epoch is a function of the seed and its number, which starts at `first`.
    epochs : int
    shuffle : bool
    stop : Stop, optional
        Without it all epochs are run, and the last weights are returned.
    verbose : bool
        Whether to print a line an epoch.

    Returns
    -------
    dict of ndarray, list of float
        What the step carries, and the mean loss of each epoch.

    Raises
    ------
    TrainingError
        Where weights overflow.
    """
    (count, features), outputs = arrays["x"].shape, arrays["push"].shape[1]
    form = build_perceptron_step(features, outputs, rule)
    program = compile_epochs(form)
    carried = {name: np.zeros(form.graph.inputs[name].type.shape) for name in form.carried}
    carried |= {name: array for name, array in (start or {}).items() if name in carried}
    share = float(np.abs(arrays["push"]).sum()) / outputs
    losses: list[float] = []
    best, waited, pocket = -np.inf, 0, (-np.inf, carried)
    for epoch in range(first, first + epochs):
        order = permutation(seed, "order", epoch, count) if shuffle else np.arange(count)
        part = program.run(carried, arrays, order, {}, seed=seed, first_step=0, seconds=float("inf"))
        if part.failed or not np.isfinite(part.carried["bias"]).all():
            fix = "Scale the features first, as scaling='standardize' does."
            raise TrainingError("the weights are too large for float64", where="the perceptron", fix=fix)
        carried = part.carried
        if part.interrupted:
            warnings.warn("Training interrupted by user.", stacklevel=4)
            break
        losses.append(float(part.losses.sum()) / share if share else 0.0)
        if verbose:
            print(f"Iteration {epoch + 1}, loss = {losses[-1]:.8f}")
        if stop is None:
            continue
        score = stop.judge(carried)
        pocket = (score, carried) if score > pocket[0] else pocket
        value = score if stop.by_score else -losses[-1]
        waited = waited + 1 if value < best + stop.tol else 0
        best = max(best, value)
        if waited >= stop.patience:
            break
    else:
        if stop is not None:
            told = f"max_iter={epochs} epochs have passed before the perceptron has converged."
            warnings.warn(told, ConvergenceWarning, stacklevel=4)
    return (pocket[1] if stop is not None and losses else carried), losses
