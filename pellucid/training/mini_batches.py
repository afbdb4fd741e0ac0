"""Learning from one mini-batch after the other."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pellucid.executors.program import EpochPart, EpochProgram, step_inputs
from pellucid.optim.schedules import Schedule
from pellucid.random import permutation
from pellucid.training.events import StepEnded
from pellucid.training.loop import Training
from pellucid.training.origin import explain_failure
from pellucid.training.step import TrainingStep

PART_SECONDS = 0.05
"""How long an executor runs before the clock and interrupts are looked at."""

Arrays = Mapping[str, Any]


@dataclass(frozen=True)
class Steps:
    """How a training goes from step to step.

    Attributes
    ----------
    step : TrainingStep
    program : EpochProgram
        The step, compiled.
    settings : mapping of float
        The numbers of the step's settings; the learning rate before the schedule.
    schedule : Schedule
    shuffle : bool
    mixup : callable or None
        ``mixup(seed, first_step, count)``: the ratio of each step.
    augment : callable or None
        ``augment(arrays, epoch)``: the arrays of an epoch.
    learning_rate : bool
        Whether the optimizer has one.
    """

    step: TrainingStep
    program: EpochProgram
    settings: Mapping[str, float]
    schedule: Schedule
    shuffle: bool
    mixup: Callable[[int, int, int], np.ndarray] | None
    augment: Callable[[Arrays, int], Arrays] | None
    learning_rate: bool = True


class MiniBatchTraining(Training):
    """Training by steps over mini-batches: of one example (online), of some, or of all."""

    def __init__(self, steps: Steps, *arguments: Any):
        super().__init__(*arguments)
        self.steps = steps
        self.steps_per_epoch = -(-self.plan.examples // steps.step.form.batch)

    def learn(self) -> str | None:
        """Go through the epochs."""
        reason = None
        while not reason and self.progress.epoch < self.plan.epochs:
            stopped, ended = self._epoch(), self.complete_epoch()
            reason = stopped or ended
        return reason

    def complete_epoch(self) -> str | None:
        """End the epoch under way if all its steps are done; return the reason to stop, if there is one."""
        if self.progress.epoch_steps < self.steps_per_epoch:
            return None
        rate = float(self._rates()[-1]) if self.steps.learning_rate else None
        return self.end_epoch(self.progress, self._mean_loss(), rate)

    def judge(self, value: float) -> dict[str, float]:
        """Let the schedule hear the value of the watched metric after an epoch."""
        sign = -1.0 if self.plan.watched.higher_is_better else 1.0
        return self.steps.schedule.observe(self.progress.schedule, sign * value)

    def _steps_left(self) -> int:
        """Return how many steps of the epoch there still are to do."""
        progress, steps = self.progress, self.plan.steps
        left = self.steps_per_epoch - progress.epoch_steps
        return left if steps is None else max(0, min(left, steps - progress.step))

    def _epoch(self) -> str | None:
        """Do the steps of an epoch; return the reason why they were not all done, or have been the last."""
        order, settings, arrays = self._prepare() if self._steps_left() else (np.empty(0, np.int64), {}, {})
        while left := self._steps_left():
            progress = self.progress
            part = self.steps.program.run(
                {**progress.parameters, **progress.state},
                arrays,
                order,
                settings,
                seed=self.plan.seed,
                first_step=progress.epoch * self.steps_per_epoch,
                start=progress.epoch_steps,
                seconds=0.0 if self.handlers.every_step else PART_SECONDS,
                limit=left,
            )
            self._take(part)
            if part.failed:
                raise self._failure(arrays, order, settings)
            reason = "interrupted" if part.interrupted else self._after_part(part)
            if reason:
                return reason
        return self.out_of_steps()

    def _rates(self) -> np.ndarray:
        """Return the learning rate of each step of the epoch."""
        epoch, count, schedule = self.progress.epoch, self.steps_per_epoch, self.steps.schedule
        return self.steps.settings["learning_rate"] * schedule.factors(
            epoch * count, count, count, self.progress.schedule
        )

    def _prepare(self) -> tuple[np.ndarray, dict[str, Any], Arrays]:
        """Return the order of the epoch's rows, its settings step by step, and its arrays."""
        plan, steps, progress = self.plan, self.steps, self.progress
        epoch, count = progress.epoch, self.steps_per_epoch
        order = permutation(plan.seed, "order", epoch, plan.examples) if steps.shuffle else np.arange(plan.examples)
        settings: dict[str, Any] = {**steps.settings, "learning_rate": self._rates()}
        if steps.mixup is not None:
            settings["mixup/ratio"] = steps.mixup(plan.seed, epoch * count, count)
        return order, settings, plan.arrays if steps.augment is None else steps.augment(plan.arrays, epoch)

    def _take(self, part: EpochPart) -> None:
        """Make a part of an epoch the present."""
        progress, step = self.progress, self.steps.step
        self.progress = replace(
            progress,
            parameters={path: part.carried[path] for path in step.parameters},
            state={path: part.carried[path] for path in step.state},
            loss_sum=_add_all(progress.loss_sum, part.losses * part.weights),
            weight_sum=_add_all(progress.weight_sum, part.weights),
            epoch_steps=progress.epoch_steps + part.steps,
            step=progress.step + part.steps,
            seconds=self.seconds(),
        )

    def _mean_loss(self) -> float:
        progress = self.progress
        return progress.loss_sum / progress.weight_sum if progress.weight_sum > 0 else math.nan

    def _after_part(self, part: EpochPart) -> str | None:
        done = self.progress.epoch + self.progress.epoch_steps / self.steps_per_epoch
        self.show(done, part.steps * self.steps.step.form.batch, self._mean_loss())
        reason = self.tell(StepEnded, loss=float(part.losses[-1])) if self.handlers.every_step else None
        self.save(if_older_than=self.plan.checkpoint_seconds)
        return reason or ("the time limit" if self.time_is_up() else None)

    def _failure(self, arrays: Arrays, order: np.ndarray, settings: Mapping[str, Any]) -> Exception:
        progress, form = self.progress, self.steps.step.form
        at, first = progress.epoch_steps, progress.epoch * self.steps_per_epoch
        carried = {**progress.parameters, **progress.state}
        inputs = step_inputs(form, carried, arrays, order, settings, seed=self.plan.seed, first_step=first, at=at)
        rows = order[at * form.batch : (at + 1) * form.batch]
        return explain_failure(
            form.graph,
            inputs,
            where=f"step {first + at} (epoch {progress.epoch + 1})",
            outputs=("loss", "magnitude"),
            carried=form.carried,
            settings=form.settings,
            rows=self.plan.rows[rows],
        )


def _add_all(start: float, values: np.ndarray) -> float:
    """Add values one after the other, so that the sum does not depend on how an epoch was cut into parts."""
    return float(np.cumsum(np.concatenate([[start], values]))[-1])
