"""A plain network for the same task: what one gets without thinking, to hold others against."""

from __future__ import annotations

import numpy as np

from pellucid.diagnosis.gates.case import Case
from pellucid.diagnosis.gates.uninterrupted import uninterrupted
from pellucid.errors import PellucidError
from pellucid.executors.program import DEFAULT_EXECUTOR
from pellucid.graph.context import Context
from pellucid.graph.value import Value
from pellucid.nn.layers import Dense
from pellucid.nn.network import Network
from pellucid.optim.adaptive import Adam
from pellucid.training.fit import fit
from pellucid.training.result import Fit

UNITS = 64
STEPS = 3000
MOST_FEATURES = 2000
FEW_ROWS = 30


def plain_network(case: Case) -> Fit | None:
    """Return two hidden layers of rectifiers, learned by Adam from standardized numbers, stopped early.

    None where inputs are no features, where there are several, or few examples, or where it can not be learned.
    """
    return case.once("plain network", lambda: _learn(case))


def _learn(case: Case) -> Fit | None:
    if case.linear is None or len(case.learned) < FEW_ROWS:
        return None  # inputs are no features
    (name, type), (output,) = next(iter(case.network.inputs.items())), case.network.outputs.values()
    (loss,) = case.losses.values()
    targets = np.asarray(case.learned.targets)
    soft = loss.task == "multiclass" and targets.size != len(targets)
    if type.size > MOST_FEATURES or soft:
        return None
    dtype = case.network.dtype.numpy
    x = case.learned.inputs[name]
    middle, scale = _moments(x.toarray() if hasattr(x, "toarray") else x)
    shift, unit = np.zeros(1), np.ones(1)
    if loss.linear and loss.target_type(output) == output:
        shift, spread = _moments(targets.astype(np.float64).reshape(len(targets), -1))
        unit = 1 / spread

    def body(context: Context, x: Value) -> Value:
        h = (x - middle.astype(dtype)) * scale.astype(dtype)
        for _ in range(2):
            h = Dense(UNITS, "relu")(context, h)
        return Dense(int(output.shape[0]))(context, h) * unit.astype(dtype) + shift.astype(dtype)

    batch = 32
    epochs = max(10, min(200, STEPS * batch // len(case.learned)))
    try:
        fitted = fit(
            Network(body, case.network.inputs, case.network.dtype),
            case.learned,
            loss=case.options["loss"],
            optimizer=Adam(0.003),
            epochs=epochs,
            batch_size=batch,
            validation=0.15,
            patience=max(5, epochs // 8),
            seed=case.seed,
            executor=case.options.get("executor", DEFAULT_EXECUTOR),
            progress=False,
        )
    except PellucidError:
        return None
    return uninterrupted(fitted)


def _moments(array: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean of each column and one divided by its spread; by 1 where it has none."""
    spread = np.asarray(np.std(array, axis=0, dtype=np.float64))
    return np.asarray(np.mean(array, axis=0, dtype=np.float64)), 1 / np.where(spread > 0, spread, 1.0)
