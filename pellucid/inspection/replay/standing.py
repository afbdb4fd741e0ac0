"""What a training that stands somewhere does next: its mini-batch, the inputs of its step, its loss."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from pellucid.errors import UsageError
from pellucid.executors.epochs import EpochPart
from pellucid.executors.inputs import step_inputs
from pellucid.executors.program import compile
from pellucid.graph.graph import Graph
from pellucid.training.mini_batches import Epoch, MiniBatchTraining


@dataclass(frozen=True, eq=False)
class Standing:
    """The epoch that a training by steps stands in, and the step that comes next.

    After the last step of all this is the step that would come next.

    Attributes
    ----------
    training : MiniBatchTraining
        It is looked at, never run.
    epoch : Epoch
        The order of the epoch's rows, its settings step by step, and its arrays.
    """

    training: MiniBatchTraining
    epoch: Epoch

    @property
    def at(self) -> int:
        """The step's number in its epoch, from 0."""
        return self.training.progress.epoch_steps

    @property
    def graph(self) -> Graph:
        return self.training.steps.step.graph

    @property
    def order(self) -> np.ndarray:
        """The epoch's rows as numbers in the dataset, in the order in which it takes them."""
        return self.training.plan.rows[self.epoch.order]

    @property
    def rows(self) -> np.ndarray:
        """The rows of the step's mini-batch as numbers in the dataset."""
        batch = self.training.steps.step.form.batch
        return self.order[self.at * batch : (self.at + 1) * batch]

    @cached_property
    def carried(self) -> dict[str, np.ndarray]:
        """Parameters and state before the step."""
        return {**self.training.progress.parameters, **self.training.progress.state}

    @cached_property
    def inputs(self) -> dict[str, Any]:
        """What the step's graph takes, by name."""
        training = self.training
        found = step_inputs(
            training.steps.step.form,
            self.carried,
            self.epoch.arrays,
            self.epoch.order,
            self.epoch.settings,
            seed=training.plan.seed,
            first_step=training.progress.epoch * training.steps_per_epoch,
            at=self.at,
        )
        return {name: found[name] for name in self.graph.inputs}

    @cached_property
    def part(self) -> EpochPart:
        """What the step leads to, computed by the very program that the training runs."""
        training = self.training
        return training.steps.program.run(
            self.carried,
            self.epoch.arrays,
            self.epoch.order,
            self.epoch.settings,
            seed=training.plan.seed,
            first_step=training.progress.epoch * training.steps_per_epoch,
            start=self.at,
            limit=1,
        )

    @property
    def loss(self) -> float:
        """The mini-batch's mean loss; of a step that fails, what the interpreter finds."""
        if self.part.steps:
            return float(self.part.losses[0])
        return float(compile(self.graph, "interpret")(**self.inputs)["loss"])

    def values(self) -> Mapping[str, np.ndarray]:
        """Return the value of every node of the step's graph, by path, as the training's executor computes it."""
        return compile(self.graph, self.training.steps.executor).observe(**self.inputs)


def standing(training: MiniBatchTraining) -> Standing:
    """Return what a training does next.

    Raises
    ------
    UsageError
        Where all steps of an epoch are done that could not be judged, so that no other one can follow.
    """
    if training.progress.epoch_steps >= training.steps_per_epoch:
        what = "no step follows: the epoch that ends here could not be judged"
        raise UsageError(what, where=f"step {training.progress.step}", fix="Take an earlier step.")
    return Standing(training, training.prepare_epoch())
