"""scikit-learn: its multi-layer perceptrons, many of them in processes, and one-row prediction."""

from __future__ import annotations

import math
import multiprocessing
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np
import sklearn
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor

from pellucid.bench.candidate import Candidate
from pellucid.bench.material import make_examples, make_order, make_start
from pellucid.bench.timing import seconds_of_epoch, smallest_seconds
from pellucid.bench.workloads import Workload

VERSIONS = {"scikit-learn": sklearn.__version__}


def make_candidate(workload: Workload, threads: int, name: str) -> Candidate:
    """Return scikit-learn's candidate for a workload."""
    warnings.simplefilter("ignore", ConvergenceWarning)
    if workload.predicts:
        return OnePrediction(workload)
    return Population(workload, threads) if workload.networks > 1 else Epochs(workload)


def make_model(workload: Workload, epochs: int) -> MLPClassifier | MLPRegressor:
    """Return a model without weight decay that is never stopped early."""
    kind = MLPRegressor if workload.task == "regression" else MLPClassifier
    return kind(
        hidden_layer_sizes=workload.sizes[1:-1],
        batch_size=workload.batch,
        max_iter=epochs,
        n_iter_no_change=10**6,
        alpha=0.0,
    )


def targets(workload: Workload) -> np.ndarray:
    """Return the targets as scikit-learn takes them."""
    y = make_examples(workload).y
    if workload.task == "multilabel":
        return y.astype(np.int64)
    return y[:, 0] if y.shape[1:] == (1,) else y


def started_model(workload: Workload, seed: int = 0) -> MLPClassifier | MLPRegressor:
    """Return a model with the parameters that all candidates start from, and an optimizer that has not begun."""
    x, y = make_examples(workload).x[: workload.batch], targets(workload)[: workload.batch]
    model = make_model(workload, 1)
    known = {"classes": np.arange(workload.sizes[-1])} if isinstance(model, MLPClassifier) else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.partial_fit(x, y, **known)
    start = make_start(workload, seed)
    for own, first in zip([*model.coefs_, *model.intercepts_], [*start.weights, *start.biases], strict=True):
        own[...] = first
    del model._optimizer  # partial_fit makes a new one
    return model


def losses_of(workload: Workload, order: np.ndarray, seed: int = 0) -> list[float]:
    """Return the losses of steps over rows in this order: each mini-batch is a fit of its own.

    Its Adam adds epsilon before the mean of squares is corrected: scaled at each step, it is that of the others.
    """
    model, x, y = started_model(workload, seed), make_examples(workload).x, targets(workload)
    found = []
    for step, rows in enumerate(order.reshape(-1, workload.batch), 1):
        epsilon = 1e-8 * math.sqrt(1 - model.beta_2**step)
        model.set_params(epsilon=epsilon)
        if hasattr(model, "_optimizer"):
            model._optimizer.epsilon = epsilon
        model.partial_fit(x[rows], y[rows])
        found.append(float(model.loss_))
    # Its squared error is the mean over the outputs, where Pellucid's is the sum; the gradients are the same.
    return [loss * workload.sizes[-1] for loss in found] if workload.task == "regression" else found


class Epochs:
    """Epochs of one network: what `fit` takes besides them is found with one epoch, and subtracted."""

    def __init__(self, workload: Workload):
        self.workload, self.versions = workload, VERSIONS
        self.x, self.y = make_examples(workload).x, targets(workload)
        self._short = float("inf")

    def prepare(self) -> float | None:
        """Fit for an epoch."""
        self._fit(1)
        return None

    def measure(self, seconds: float) -> float:
        """Return the smallest seconds a step."""
        self._short = min(self._short, self._fit(1))
        epochs = max(1, math.ceil(seconds / 2 / self._short))
        long = min(self._fit(1 + epochs), self._fit(1 + epochs))
        return seconds_of_epoch(self._short, long, epochs) / self.workload.steps

    def compare(self, steps: int) -> list[float]:
        """Return the losses of some steps."""
        return losses_of(self.workload, make_order(self.workload, steps))

    def _fit(self, epochs: int) -> float:
        began = time.perf_counter()
        make_model(self.workload, epochs).fit(self.x, self.y)
        return time.perf_counter() - began


class Population:
    """Networks one after the other in as many processes as there are cores; a part of them stands for all."""

    NETWORKS, EPOCHS = 8, 4

    def __init__(self, workload: Workload, threads: int):
        self.workload, self.versions = workload, VERSIONS
        self._pool = ProcessPoolExecutor(threads, multiprocessing.get_context("spawn"))
        self._short = float("inf")

    def prepare(self) -> float | None:
        """Start the processes."""
        self._fit(1)
        return None

    def measure(self, seconds: float) -> float:
        """Return the smallest seconds a step of one network."""
        self._short = min(self._short, self._fit(1))
        long = min(self._fit(1 + self.EPOCHS), self._fit(1 + self.EPOCHS))
        return seconds_of_epoch(self._short, long, self.EPOCHS) / (self.workload.steps * self.NETWORKS)

    def compare(self, steps: int) -> list[float]:
        """Return the mean loss of the first epoch of two networks, which is not shuffled."""
        order = np.arange(self.workload.examples)
        return [float(np.mean(losses_of(self.workload, order, seed))) for seed in range(2)]

    def _fit(self, epochs: int) -> float:
        began = time.perf_counter()
        list(self._pool.map(_fit_one, [(self.workload, epochs)] * self.NETWORKS))
        return time.perf_counter() - began


def _fit_one(given: tuple[Workload, int]) -> None:
    workload, epochs = given
    warnings.simplefilter("ignore", ConvergenceWarning)
    make_model(workload, epochs).fit(make_examples(workload).x, targets(workload))


class OnePrediction:
    """Probabilities of one row."""

    def __init__(self, workload: Workload):
        self.workload, self.versions = workload, VERSIONS
        self.row = make_examples(workload).x

    def prepare(self) -> float | None:
        """Make the model and predict once."""
        self.model: Any = started_model(self.workload)
        self.model.predict_proba(self.row)
        return None

    def measure(self, seconds: float) -> float:
        """Return the smallest seconds a call."""
        return smallest_seconds(lambda: self.model.predict_proba(self.row), seconds)

    def compare(self, steps: int) -> list[float]:
        """Return the probabilities of the row."""
        return self.model.predict_proba(self.row)[0].tolist()
