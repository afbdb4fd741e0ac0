"""The search over networks on `digits`, as a user writes it."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pellucid.bench.tune.clock import Clock
from pellucid.bench.tune.material import BATCH, SPACE, Case, hidden_sizes, read_case
from pellucid.data.dataset import Dataset
from pellucid.nn.layers import Dense
from pellucid.nn.network import Network
from pellucid.nn.regularizers import L2
from pellucid.optim.adaptive import Adam
from pellucid.tuning.search import search


class Arrangement:
    """Makes trainings of configurations: one network for each architecture, and numbers as settings."""

    def __init__(self, epochs: int, outputs: int, inputs: int):
        self.epochs, self.outputs, self.inputs = epochs, outputs, inputs
        self._networks: dict[tuple[int, ...], Network] = {}
        self._lock = threading.Lock()
        self._optimizer, self._penalties = Adam(1e-3), (L2(1e-4),)

    def __call__(self, configuration: Mapping[str, Any]) -> dict[str, Any]:
        """Return what is to be trained."""
        with self._lock:
            network = self._network(hidden_sizes(configuration))
        return {
            "network": network,
            "loss": "softmax_cross_entropy",
            "optimizer": self._optimizer,
            "regularizers": self._penalties,
            "epochs": self.epochs,
            "batch_size": BATCH,
            "settings": {"learning_rate": configuration["learning_rate"], "l2_1/strength": configuration["l2"]},
        }

    def _network(self, hidden: tuple[int, ...]) -> Network:
        if hidden not in self._networks:
            layers = [Dense(units, "relu", initializer="glorot_uniform") for units in hidden]
            last = Dense(self.outputs, initializer="glorot_uniform")
            self._networks[hidden] = Network([*layers, last], inputs=self.inputs)
        return self._networks[hidden]


def as_dataset(case: Case) -> Dataset:
    """Return `digits` as Pellucid takes it."""
    return Dataset({"x": (case.x / 16).astype(np.float32)}, case.y)


def measure_rate(
    clock: Clock, folder: str, configurations: Sequence[dict[str, Any]], epochs: int, cores: int
) -> dict[str, Any]:
    """Search through all configurations, with a study on disk.

    Returns
    -------
    dict
        ``startup``: seconds before the search; ``searching``: seconds of the search; ``compiling``: of all threads
        together; ``trials``: of each configuration its number, score and mean seconds of a training.
    """
    case = read_case(folder, "digits")
    study = Path(folder) / "rate.db"
    startup = clock()
    result = search(
        Arrangement(epochs, case.outputs, case.x.shape[1]),
        SPACE,
        as_dataset(case),
        folds=case.pairs(),
        metric="log_loss",
        trials=len(configurations),
        pruner="none",
        study=study,
        threads=cores,
    )
    searching = clock() - startup
    for trial, expected in zip(result.trials, configurations, strict=True):
        if dict(trial.parameters) != expected:
            raise RuntimeError(f"trial {trial.number} is not the one that the others tried")
    return {
        "startup": startup,
        "searching": searching,
        "compiling": result.compile_seconds,
        "study_bytes": study.stat().st_size,
        "trials": [(trial.number, trial.value, trial.seconds / len(trial.members)) for trial in result.trials],
    }
