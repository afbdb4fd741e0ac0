"""Models of every task for the tests, with first parameters as they are drawn: predictions do not need training."""

from __future__ import annotations

import numpy as np

import pellucid as pl
from pellucid.data.encoders.fit import fit_encoders
from pellucid.data.encoders.settings import EncoderSettings
from pellucid.data.roles import Role, infer_roles
from pellucid.data.targets import fit_targets
from pellucid.data.task import infer_task
from pellucid.model import build_model
from pellucid.model.network import tabular_network

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
    network = pl.Network([pl.Dense(6, "tanh"), pl.Dense(outputs)], inputs=encoding.inputs, dtype=dtype)
    parameters = network.initialize(seed)
    model = build_model(encoding, targets, network, loss, parameters, **settings)
    return model, table, parameters, encoding


COMMENTS = ["cheap and good", "good, but not cheap", "bad", "trop cher", None]
ROLES = {"age": "number", "joined": "date", "city": "category", "smoker": "boolean", "comment": "text"}


def rich_table(seed=0, rows=ROWS):
    """Return a table with a column of every role, and a target ``y``."""
    rng = np.random.default_rng(seed)
    days = np.datetime64("2019-03-01T00:00", "us") + rng.integers(0, 10**6, rows).astype("timedelta64[m]")
    days[rng.random(rows) < 0.1] = np.datetime64("NaT")
    found = {name: features(seed, rows)[name] for name in ("age", "smoker")}
    found |= {"joined": days, "city": [f"city {number:02}" for number in rng.integers(0, 40, rows)]}
    found |= {"comment": [COMMENTS[number] for number in rng.integers(0, 5, rows)], "y": rng.normal(5, 2, rows)}
    return pl.Table.from_columns(found)


def make_rich(dtype="float32", hidden=(5,), **settings):
    """Return a model of all roles, its table, its encoders and its network's parameters."""
    table = rich_table()
    task = infer_task(table, "y")
    roles = [Role(name, kind, "") for name, kind in ROLES.items()]
    settings = EncoderSettings(**{"words": 4, "one_hot": 8, "embedding_units": 3, **settings})
    encoding = fit_encoders(table, roles, task, None, dtype, settings=settings)
    network = tabular_network(encoding, 1, hidden=hidden, activation="tanh")
    parameters, targets = network.initialize(3), fit_targets(table, task)
    model = build_model(encoding, targets, network, pl.loss("squared_error"), parameters)
    return model, table, encoding, parameters


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
