"""Models of every task for the tests, with first parameters as they are drawn: predictions do not need training."""

from __future__ import annotations

import numpy as np

import pellucid as pl
from pellucid.data.encoders import fit_encoders
from pellucid.data.roles import infer_roles
from pellucid.data.targets import fit_targets
from pellucid.data.task import infer_task
from pellucid.model import build_model

ROWS = 60


def features(seed=0, rows=ROWS):
    rng = np.random.default_rng(seed)
    age = np.where(rng.random(rows) < 0.1, np.nan, rng.normal(50, 10, rows))
    return {
        "age": age,
        "höhe (cm)": rng.normal(1.7, 0.1, rows),
        "color": rng.choice(["red", "green", "blue"], rows),
        "smoker": rng.random(rows) < 0.4,
    }


def make(target, loss, *, layers=None, dtype="float32", seed=7, standardize=True, rows=None, **settings):
    """Return a model, its table, its parameters and its encoders."""
    columns = {**features(), **target}
    table = pl.Table.from_columns(columns)
    task = infer_task(table, list(target))
    encoding = fit_encoders(table, infer_roles(table, list(target)), task, rows, dtype)
    targets = fit_targets(table, task, rows, standardize)
    outputs = layers or targets.outputs
    network = pl.Network([pl.Dense(6, "tanh"), pl.Dense(outputs)], inputs=len(encoding.features), dtype=dtype)
    parameters = network.initialize(seed)
    model = build_model(encoding, targets, network, loss, parameters, **settings)
    return model, table, parameters, encoding


RNG = np.random.default_rng(11)
KINDS = RNG.choice(["ham", "eggs", "spam"], ROWS)
TARGETS = {
    "multiclass": ({"kind": KINDS}, pl.loss("softmax_cross_entropy")),
    "binary": ({"is": KINDS == "ham"}, pl.loss("binary_cross_entropy")),
    "multilabel": ({"p": RNG.integers(0, 2, ROWS), "q": RNG.integers(0, 2, ROWS)}, pl.loss("multilabel_cross_entropy")),
    "regression": ({"u": RNG.normal(1e5, 9, ROWS), "v": RNG.normal(0, 1e-3, ROWS)}, pl.loss("squared_error")),
}


def forward(x, parameters):
    """The network in plain NumPy."""
    hidden = np.tanh(x @ parameters["dense_1/weight"] + parameters["dense_1/bias"])
    return hidden @ parameters["dense_2/weight"] + parameters["dense_2/bias"]
