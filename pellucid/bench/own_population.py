"""Pellucid's populations as a candidate."""

from __future__ import annotations

import time
from typing import Any

from pellucid.bench.material import LOSSES, VERSIONS, make_dataset, make_network
from pellucid.bench.timing import seconds_of_epoch, smallest_seconds
from pellucid.bench.workloads import Workload
from pellucid.optim.adaptive import Adam
from pellucid.training.population import fit_population
from pellucid.training.population_result import Population as Trained


class Population:
    """Many networks at once. What a call takes besides its epochs is subtracted, as with scikit-learn."""

    EPOCHS = 8

    def __init__(self, workload: Workload, executor: str):
        self.workload, self.executor, self.versions = workload, executor, VERSIONS
        self.network, self.dataset = make_network(workload), make_dataset(workload)
        self._short = float("inf")

    def prepare(self) -> float | None:
        """Train one network for one epoch; return the seconds."""
        began = time.perf_counter()
        self._fit(1, members=1)
        return time.perf_counter() - began

    def measure(self, seconds: float) -> float:
        """Return the smallest seconds a step of one network."""
        self._short = min(self._short, smallest_seconds(lambda: self._fit(1), seconds / 4))
        long = smallest_seconds(lambda: self._fit(1 + self.EPOCHS), seconds)
        steps = self.workload.steps * self.workload.networks
        return seconds_of_epoch(self._short, long, self.EPOCHS) / steps

    def compare(self, steps: int) -> list[float]:
        """Return the mean loss of each network's first epoch, which is not shuffled."""
        return [found.history[0]["loss"] for found in self._fit(1, shuffle=False)]

    def _fit(self, epochs: int, members: int | None = None, **more: Any) -> Trained:
        return fit_population(
            self.network,
            self.dataset,
            self.workload.networks if members is None else members,
            loss=LOSSES[self.workload.task],
            optimizer=Adam(1e-3),
            epochs=epochs,
            batch_size=self.workload.batch,
            progress=False,
            threads=self.workload.threads,
            executor=self.executor,
            **more,
        )
