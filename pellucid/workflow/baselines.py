"""What a network has to beat: predicting the same for every row, and a linear model."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from pellucid.data.dataset import Dataset
from pellucid.data.encoders import Encoding
from pellucid.data.table import Table
from pellucid.data.targets import TargetEncoding
from pellucid.graph.types import float64
from pellucid.model.build import build_model
from pellucid.model.model import Model
from pellucid.nn.layers import Dense
from pellucid.nn.losses import default_loss
from pellucid.nn.network import Network
from pellucid.nn.regularizers import L2
from pellucid.optim.lbfgs import LBFGS
from pellucid.training.fit import Fit, fit

STRENGTHS = (1.0, 1e-1, 1e-2, 1e-3, 1e-4)
"""The strengths of L2 that are tried for the linear model."""

ITERATIONS = 200

CONSTANT = {
    "regression": "mean",
    "binary": "majority class",
    "multiclass": "majority class",
    "multilabel": "majority label",
}
"""What the same prediction for every row is called."""


def predict_constant(targets: TargetEncoding, train: np.ndarray, rows: int) -> np.ndarray:
    """Predict the same for every row: the means of the training rows' targets, or the shares of their classes.

    Parameters
    ----------
    targets : TargetEncoding
    train : ndarray
        The targets of the training rows as :meth:`TargetEncoding.read` gives them.
    rows : int
        For how many rows.

    Returns
    -------
    ndarray of float64, [rows, outputs]
        What a model for these targets predicts: numbers in their own units, or probabilities.
    """
    if targets.task == "multiclass":
        means = np.bincount(train, minlength=len(targets.classes)) / len(train)
    else:
        means = train.mean(axis=0)
    return np.tile(means, (rows, 1))


def fit_linear_model(
    encoding: Encoding,
    targets: TargetEncoding,
    table: Table,
    parts: Mapping[str, np.ndarray],
    limit: float | None = None,
) -> tuple[Model, float]:
    """Fit linear, logistic or softmax regression with L2, whose strength is chosen on the validation rows.

    It is a network without a hidden layer, in float64, minimized by L-BFGS until it converges.

    Parameters
    ----------
    encoding, targets
        As they were fitted for the network.
    table : Table
    parts : mapping of ndarray
        The rows for ``train`` and ``validation``.
    limit : float, optional
        How many seconds it may take; strengths from the largest on are tried as long as there is time.

    Returns
    -------
    Model, float
        The best one, and its strength.

    Raises
    ------
    KeyboardInterrupt
        Where it is interrupted.
    """
    began = time.perf_counter()
    encoding = replace(encoding, dtype=float64)
    learning, validating = (_dataset(encoding, targets, table.take(parts[name])) for name in ("train", "validation"))
    network = Network([Dense(targets.outputs)], inputs=len(encoding.features), dtype=float64)
    loss = default_loss(targets.task)
    best: tuple[float, float, Fit] | None = None
    parameters: Mapping[str, np.ndarray] | None = None
    for strength in STRENGTHS:
        left = None if limit is None else limit - (time.perf_counter() - began)
        if best is not None and left is not None and left <= 0:
            break
        fitted = fit(
            network,
            learning,
            loss=loss,
            optimizer=LBFGS(max_iterations=ITERATIONS, gradient_tolerance=1e-8, value_tolerance=1e-15),
            epochs=ITERATIONS,
            regularizers=[L2(strength, output=True)],
            start_from=parameters,
            time_limit=left,
            progress=False,
        )
        if fitted.reason == "interrupted":
            raise KeyboardInterrupt
        parameters = fitted.parameters
        found = fitted.evaluate(validating, [])["loss"]
        if best is None or found < best[0]:
            best = found, strength, fitted
    assert best is not None
    _, strength, chosen = best
    return build_model(encoding, targets, network, loss, chosen.parameters), strength


def _dataset(encoding: Encoding, targets: TargetEncoding, table: Table) -> Dataset:
    return Dataset({"x": encoding.encode(table)}, targets.encode(table))
