"""The linear model that a network has to beat: linear, logistic or softmax regression with L2."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pellucid.data.dataset import Dataset
from pellucid.data.encoders.encoding import Encoding
from pellucid.data.encoders.fit import fit_encoders
from pellucid.data.encoders.settings import EncoderSettings
from pellucid.data.roles import Role
from pellucid.data.tables.table import Table
from pellucid.data.targets import TargetEncoding
from pellucid.data.task import Task
from pellucid.model.build import build_model
from pellucid.model.model import Model
from pellucid.model.network import tabular_network
from pellucid.model.scalars import PREDICTION
from pellucid.nn.losses import default_loss
from pellucid.nn.regularizers import L2
from pellucid.optim.lbfgs import LBFGS
from pellucid.random import permutation
from pellucid.training.fit import fit
from pellucid.training.result import Fit
from pellucid.workflow.baselines.baseline import Baseline, choose_rows
from pellucid.workflow.encode_rows import encode_rows

LINEAR = "linear model"

STRENGTHS = (1.0, 1e-1, 1e-2, 1e-3, 1e-4)
"""The strengths of L2 that are tried."""

ITERATIONS = 200

ENCODERS = EncoderSettings(limit=0.0, one_hot=256)
"""The linear model's own encoders: numbers stay in proportion, and most categories have a weight each."""

MOST_CELLS = 20_000_000
"""It learns from so many rows times features at most."""


@dataclass(frozen=True, eq=False)
class LinearModel(Baseline):
    """A linear model, and the strength of L2 that was chosen for it."""

    model: Model | None = None
    strength: float = 0.0


def fit_linear_model(
    encoding: Encoding,
    targets: TargetEncoding,
    table: Table,
    parts: Mapping[str, np.ndarray],
    limit: float | None = None,
    *,
    weights: np.ndarray | None = None,
    seed: int = 0,
) -> LinearModel:
    """Fit linear, logistic or softmax regression with L2, whose strength is chosen on the validation rows.

    It is a network without a hidden layer, in float64, minimized by L-BFGS until it converges. It reads the columns
    that the network reads by encoders of its own, whatever the network's do.

    Parameters
    ----------
    encoding, targets
        As they were fitted for the network.
    table : Table
    parts : mapping of ndarray
        The rows for ``train`` and ``validation``; without the latter, a tenth of the former chooses the strength.
    limit : float, optional
        How many seconds it may take; strengths from the largest on are tried as long as there is time.
    weights : ndarray, optional
        How much each row of the table counts.
    seed : int
        Of the rows that it learns from where there are very many.

    Raises
    ------
    KeyboardInterrupt
        Where it is interrupted.
    """
    began = time.perf_counter()
    train, validation = _learning_rows(parts, seed)
    roles = [Role(column.name, column.role, "") for column in encoding.front.columns]
    task = Task(targets.task, targets.names, targets.classes, "")
    own = fit_encoders(table, roles, task, train, "float64", settings=ENCODERS, weights=weights)
    chosen, notes = choose_rows(train, MOST_CELLS // (len(own.features) + len(own.embedded)), LINEAR, seed)
    learning, validating = (_dataset(own, targets, table, rows, weights) for rows in (chosen, validation))
    network = tabular_network(own, targets.outputs, hidden=(), dropout=0.0, dtype="float64")
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
            time_limit=left if left is None or left > 0 else 1e-3,
            progress=False,
        )
        if fitted.reason == "interrupted":
            raise KeyboardInterrupt
        parameters = fitted.parameters
        found = fitted.evaluate(validating, [])["loss"]
        if best is None or found < best[0]:
            best = found, strength, fitted
    assert best is not None
    _, strength, kept = best
    model = build_model(own, targets, network, loss, kept.parameters)
    return LinearModel(LINEAR, lambda data: model.compute(data)[PREDICTION], notes, model, strength)


def _learning_rows(parts: Mapping[str, np.ndarray], seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return rows to learn from and rows to choose by."""
    train, validation = np.asarray(parts["train"]), np.asarray(parts.get("validation", ()))
    if len(validation) or len(train) < 2:
        return train, validation if len(validation) else train
    order = train[permutation(seed, "rows of the linear model", 0, len(train))]
    held_out = -(-len(train) // 10)
    return order[held_out:], order[:held_out]


def _dataset(
    encoding: Encoding, targets: TargetEncoding, table: Table, rows: np.ndarray, weights: np.ndarray | None
) -> Dataset:
    counted = None if weights is None or not weights[rows].any() else weights[rows]
    wanted = targets.encode(table.select(targets.names).take(rows))
    return Dataset(encode_rows(encoding, table, rows), wanted, counted)
