"""Cases for the gates that are asked before training: sound data of every task, and the gates' answers by name."""

from __future__ import annotations

import numpy as np

import pellucid as pl
from pellucid.diagnosis.gates import catalogue
from pellucid.diagnosis.gates.case import Case
from pellucid.diagnosis.gates.gate import GATES
from pellucid.diagnosis.gates.thresholds import Thresholds

LOSS = {"binary": "binary_cross_entropy", "multiclass": "softmax_cross_entropy", "regression": "squared_error"}


def standardize(x):
    spread = x.std(axis=0)
    return (x - x.mean(axis=0)) / np.where(spread > 0, spread, 1.0)


def ask(name, case, **changes):
    """Return what one gate finds: a finding, or None where it finds nothing."""
    catalogue.load()
    found = list(GATES[name].ask(case, Thresholds(changes)) or ())
    return max(found, key=lambda finding: ("pass", "warn", "fail").index(finding.verdict), default=None)


def data(task, seed=0, rows=400, features=6):
    """Return inputs and targets of a task that a small network can learn, and how many outputs it has."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, features))
    signal = x[:, 0] * x[:, 1] + x[:, 2]
    if task == "regression":
        return x, standardize(signal[:, None] + 0.1 * rng.normal(size=(rows, 1))), 1
    if task == "binary":
        return x, (signal > 0).astype(float)[:, None], 1
    return x, np.digitize(signal, [-0.7, 0.7]), 3


def case(task="binary", layers=None, *, seed=0, rows=400, inputs=None, targets=None, dtype="float32", **options):
    """Return a case: by default a sound one of a task, with 16 tanh units."""
    x, y, outputs = data(task, seed, rows)
    x, y = x if inputs is None else inputs, y if targets is None else targets
    hidden = [pl.Dense(16, "tanh"), pl.Dense(outputs)] if layers is None else layers(outputs)
    test = options.pop("test", None)
    network = pl.Network(hidden, inputs=x.shape[1], dtype=dtype)
    options = {"loss": LOSS[task], "optimizer": pl.optimizers.Adam(0.01), "epochs": 50, "seed": seed} | options
    return Case(network, pl.Dataset({"x": x}, y), options, test=test)
