"""Pellucid as a candidate, through what it offers to everybody."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from pellucid.bench.candidate import Candidate
from pellucid.bench.material import LOSSES, VERSIONS, make_dataset, make_examples, make_network, make_order
from pellucid.bench.own_population import Population
from pellucid.bench.timing import smallest_seconds
from pellucid.bench.workloads import Workload
from pellucid.errors import TrainingError
from pellucid.executors.epochs import EpochPart, EpochProgram
from pellucid.executors.program import EXECUTORS, compile, compile_epochs
from pellucid.graph.builder import build
from pellucid.graph.types import float32
from pellucid.nn.losses import loss
from pellucid.optim.adaptive import Adam
from pellucid.training.evaluate import as_arrays
from pellucid.training.fit import fit
from pellucid.training.loop import PART_SECONDS
from pellucid.training.step import TrainingStep, build_step


def make_candidate(workload: Workload, executor: str) -> Candidate:
    """Return Pellucid's candidate for a workload."""
    if workload.predicts:
        return OnePrediction(workload, executor)
    if workload.networks > 1:
        return Population(workload, executor)
    return Epochs(workload, executor)


class Epochs:
    """Whole epochs of one network: order, steps, and the parts of 50 ms between which `pl.fit` looks up."""

    def __init__(self, workload: Workload, executor: str):
        self.workload, self.executor, self.versions = workload, executor, VERSIONS
        self.network = make_network(workload)
        self.losses = {"output": loss(LOSSES[workload.task])}
        self.arrays = as_arrays(self.network, self.losses, make_dataset(workload))
        if executor in EXECUTORS:  # what is wrong is told when the candidate is prepared
            compile(build(lambda x: 2 * x, x=float32[1]), executor)(x=[1.0])  # loads what compiles

    def prepare(self) -> float | None:
        """Compile and do a step; return the seconds."""
        began = time.perf_counter()
        self.step: TrainingStep = build_step(self.network, self.losses, Adam(1e-3), batch=self.workload.batch)
        self.program: EpochProgram = compile_epochs(self.step.form, self.executor)
        self._begin()
        self._run(self._order(), limit=1)
        return time.perf_counter() - began

    def measure(self, seconds: float) -> float:
        """Return the smallest seconds a step."""
        self._begin()
        return smallest_seconds(self._epoch, seconds) / self.workload.steps

    def compare(self, steps: int) -> list[float]:
        """Return the losses of some steps; nothing is dropped out."""
        self._begin()
        kept = {name: 0.0 if name.startswith("dropout") else value for name, value in self.step.settings.items()}
        order = make_order(self.workload, steps)
        found: list[float] = []
        while len(found) < steps:
            found += self._run(order, start=len(found), settings=kept).losses.tolist()
        return found

    def _begin(self) -> None:
        self.carried: Mapping[str, np.ndarray] = {}  # what there was is not needed any more
        parameters = self.network.initialize(0)
        self.carried = {**parameters, **self.step.initial_state(parameters)}
        self.epoch = 0

    def _order(self) -> np.ndarray:
        return self.program.order(0, self.epoch, self.workload.examples)

    def _epoch(self) -> None:
        order, done = self._order(), 0
        while done < self.workload.steps:
            done += self._run(order, start=done).steps
        self.epoch += 1

    def _run(self, order: np.ndarray, settings: dict[str, float] | None = None, **more: Any) -> EpochPart:
        part = self.program.run(
            self.carried,
            self.arrays,
            order,
            settings or self.step.settings,
            seed=0,
            first_step=self.epoch * self.workload.steps,
            seconds=PART_SECONDS,
            **more,
        )
        if part.failed:
            raise TrainingError("a value is not finite", where=self.workload.name)
        self.carried = part.carried
        return part


class OnePrediction:
    """One row after the other, as `Fit.predict` takes it."""

    def __init__(self, workload: Workload, executor: str):
        self.workload, self.executor, self.versions = workload, executor, VERSIONS
        self.network, self.dataset = make_network(workload), make_dataset(workload)
        self.row = make_examples(workload).x

    def prepare(self) -> float | None:
        """Predict once; return the seconds."""
        self.fitted = fit(
            self.network,
            self.dataset,
            loss=LOSSES[self.workload.task],
            epochs=0,
            batch_size=self.workload.batch,
            progress=False,
            executor=self.executor,
        )
        began = time.perf_counter()
        self.fitted.predict(self.row)
        return time.perf_counter() - began

    def measure(self, seconds: float) -> float:
        """Return the smallest seconds a call."""
        return smallest_seconds(lambda: self.fitted.predict(self.row), seconds)

    def compare(self, steps: int) -> list[float]:
        """Return the probabilities of the row."""
        return np.asarray(self.fitted.predict(self.row))[0].tolist()
