"""Learning from one mini-batch after the other."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pellucid.executors.epochs import EpochPart, Epochs
from pellucid.executors.inputs import step_inputs
from pellucid.training.events import StepEnded
from pellucid.training.loop import INTERRUPTED, OUT_OF_TIME, Training
from pellucid.training.origin import explain_failure
from pellucid.training.pace import Pace, Some, add_all, sums_of_epochs
from pellucid.training.standing import Ended, Standing
from pellucid.training.step import WEIGHT
from pellucid.training.steps import Epoch, Steps

FEW = 4
"""So many epochs may be run in vain where training stops early."""


class MiniBatchTraining(Training):
    """Training by steps over mini-batches: of one example (online), of some, or of all."""

    def __init__(self, steps: Steps, *arguments: Any):
        super().__init__(*arguments)
        self.steps = steps
        self.steps_per_epoch = -(-self.plan.examples // steps.step.form.batch)
        self._epoch: Epoch | None = None
        self._last_loss = math.nan
        judged = 0 if self.plan.validation is None else len(self.plan.validation[WEIGHT])
        self._pace = Pace(steps.paces, (steps.step.form.batch, self.plan.examples, judged))

    def advance(self, seconds: float) -> str | None:
        """Do steps for about so many seconds, and judge each epoch once it has ended."""
        if self.progress.epoch >= self.plan.epochs:
            return self.ran_out()
        began, done = time.perf_counter(), self.epochs_done
        count = self._epochs_at_once(seconds)
        reason = self._do_epochs(count) if count else self._go_on(seconds)
        self._pace.measure(time.perf_counter() - began, self.epochs_done - done)
        return reason

    def _go_on(self, seconds: float) -> str | None:
        """Do steps of the epoch under way for about so many seconds, and judge it once it has ended."""
        stopped = self._do_part(seconds) if self._steps_left() else None
        if stopped is None and not self._steps_left():
            stopped = self.out_of_steps()
        ended = self.complete_epoch()
        return stopped or ended

    def complete_epoch(self) -> str | None:
        """End the epoch under way if all its steps are done; return the reason to stop, if there is one."""
        if self.progress.epoch_steps < self.steps_per_epoch:
            return None
        self._epoch = None
        (rate,) = self._last_rates(self._rates(self.progress.epoch))
        return self.end_epoch(self.progress, self._mean_loss(), rate)

    def judge(self, value: float) -> dict[str, float]:
        """Let the schedule hear the value of the watched metric after an epoch."""
        sign = -1.0 if self.plan.watched.higher_is_better else 1.0
        return self.steps.schedule.observe(self.progress.schedule, sign * value)

    @property
    def epochs_done(self) -> float:
        """How many epochs are done, with the part of the one under way."""
        return self.progress.epoch + self.progress.epoch_steps / self.steps_per_epoch

    def _epochs_at_once(self, seconds: float) -> int:
        """Return how many epochs to run in one call: 0 where the one under way goes on part by part."""
        plan, progress = self.plan, self.progress
        if progress.epoch_steps or self.handlers.every_step or self.steps.augment is not None:
            return 0
        limits = [plan.epochs - progress.epoch, self.steps.program.most_epochs]
        if plan.steps is not None:
            limits.append((plan.steps - progress.step) // self.steps_per_epoch)
        if progress.schedule:  # it may want to know how each epoch went before the next one begins
            limits.append(1)
        if not self.handlers.only_watch:  # one of them may end training after any epoch
            limits.append(1 + progress.epoch // 4)
        if plan.patience is not None:
            limits.append(max(plan.patience - progress.waited, FEW))
        return self._pace.epochs_in(min(seconds, self.seconds_left()), min(limits))

    def _do_epochs(self, count: int) -> str | None:
        """Run whole epochs in one call, and judge them; return the reason to stop, if there is one."""
        plan, steps, first = self.plan, self.steps, self.progress.epoch
        settings, rates = self._settings_of(range(first, first + count))
        found = steps.program.run_epochs(
            Some.together(self.progress.parameters, self.progress.state),
            plan.arrays,
            plan.places,
            settings,
            seed=plan.seed,
            first_epoch=first,
            epochs=count,
            shuffle=steps.shuffle,
            judging=None if plan.validation is None else plan.evaluator.judging(self.judged_by),
        )
        self._pace.failed = found.failed
        sums = sums_of_epochs(found.losses, found.weights)
        reason = self._end_quietly(found, sums, rates) if self._is_quiet() else self._end_each(found, sums, rates)
        done = self.progress.epoch - first
        self.show(self.epochs_done, done * self.steps_per_epoch * steps.step.form.batch, self._last_loss)
        self.save(if_older_than=plan.checkpoint_seconds)
        return INTERRUPTED if found.interrupted else self.out_of_steps() or reason

    def _is_quiet(self) -> bool:
        """Say whether nobody has to hear of an epoch's end before the next one is judged."""
        return not self.handlers and self.plan.history_file is None and not self.progress.schedule

    def _end_quietly(self, found: Epochs, sums: Sequence[tuple[float, float]], rates: np.ndarray) -> str | None:
        """Judge all epochs and keep what they have led to at once; return the reason to stop, if there is one.

        An interrupt in the middle leaves things as they were before.
        """
        before, steps, records = self.progress, self.steps_per_epoch, list[dict[str, Any]]()
        standing, seconds, names = Standing.of(before), self.seconds(), self.steps.step.parameters
        last, told = self._last_rates(rates), round(seconds, 3)
        reason: str | None = None
        for number, (loss_sum, weight_sum) in enumerate(sums):
            loss = loss_sum / weight_sum if weight_sum > 0 else math.nan
            ended = Ended(before.epoch + number + 1, before.step + steps * (number + 1), loss, last[number])
            carried, judged = found.carried[number], found.sums[number] if found.sums else None
            records.append(self.judge_epoch(standing, ended, carried, told, judged))
            reason = self.patience_is_over(standing.waited)
            if reason is not None:
                break
        if records:
            carried, best = found.carried[len(records) - 1], standing.best
            changed = {
                **standing.__dict__,
                "best": best if best is before.best else {name: best[name] for name in names},
                "parameters": Some.of(carried, names),
                "state": Some.of(carried, self.steps.step.state),
                "step": records[-1]["step"],
                "seconds": seconds,
            }
            self._last_loss = records[-1]["loss"]
            self.keep(before, records, **changed)
            self._settle(found.carried[-1])
        return reason or (OUT_OF_TIME if self.time_is_up() else None)

    def _end_each(self, found: Epochs, sums: Sequence[tuple[float, float]], rates: np.ndarray) -> str | None:
        """Judge one epoch after the other, and tell of each; return the reason to stop, if there is one.

        Where one is the last, those after it count for nothing.
        """
        last = self._last_rates(rates)
        reason: str | None = None
        try:
            for number, (loss_sum, weight_sum) in enumerate(sums):
                self._reach(found.carried[number], loss_sum, weight_sum, self.steps_per_epoch)
                self._last_loss, judged = self._mean_loss(), found.sums[number] if found.sums else None
                reason = self.end_epoch(self.progress, self._last_loss, last[number], judged)
                if reason is not None or self._is_news(rates[number + 1 :]):
                    break
        finally:
            self._settle(found.carried[-1] if found.carried else None)
        return reason

    def _last_rates(self, rates: np.ndarray) -> list[float] | list[None]:
        """Return the learning rate of each epoch's last step, None where the optimizer has none."""
        return rates[:, -1].tolist() if self.steps.learning_rate else [None] * len(rates)

    def _is_news(self, rates: np.ndarray) -> bool:
        """Say whether the next epoch has other learning rates than those that it was run with, [epochs, steps]."""
        if not len(rates) or (self.handlers.only_watch and not self.progress.schedule):
            return False
        return not np.array_equal(rates[0], self._rates(self.progress.epoch)[0])

    def _settle(self, last: Mapping[str, np.ndarray] | None) -> None:
        """Make the arrays that are kept for later, so that the memory of all epochs but the last is free."""
        progress = self.progress
        kept = {"parameters": progress.parameters, "state": progress.state, "best": progress.best}
        made = {kind: dict(arrays) for kind, arrays in kept.items() if kind == "best" or not Some.are_of(arrays, last)}
        self.progress = progress.changed(**made)

    def _settings_of(self, epochs: range) -> tuple[dict[str, Any], np.ndarray]:
        """Return the settings of each step of some epochs, [epochs, steps], and the learning rates."""
        steps, count = self.steps, self.steps_per_epoch
        rates = self._rates(epochs.start, len(epochs))
        settings: dict[str, Any] = {**steps.settings, "learning_rate": rates}
        if steps.mixup is not None:
            settings["mixup/ratio"] = np.array([steps.mixup(self.plan.seed, e * count, count) for e in epochs])
        return settings, rates

    def _steps_left(self) -> int:
        """Return how many steps of the epoch there still are to do."""
        progress, steps = self.progress, self.plan.steps
        left = self.steps_per_epoch - progress.epoch_steps
        return left if steps is None else max(0, min(left, steps - progress.step))

    def _do_part(self, seconds: float) -> str | None:
        """Do some steps of an epoch; return the reason to stop, if there is one."""
        progress = self.progress
        if self._epoch is None:
            self._epoch = self.prepare_epoch()
        epoch = self._epoch
        part = self.steps.program.run(
            Some.together(progress.parameters, progress.state),
            epoch.arrays,
            epoch.order,
            epoch.settings,
            seed=self.plan.seed,
            first_step=progress.epoch * self.steps_per_epoch,
            start=progress.epoch_steps,
            seconds=seconds,
            limit=1 if self.handlers.every_step else self._steps_left(),
        )
        self._take(part)
        if part.failed:
            raise self._failure(epoch)
        return INTERRUPTED if part.interrupted else self._after_part(part)

    def _rates(self, first: int, epochs: int = 1) -> np.ndarray:
        """Return the learning rate of each step of some epochs, [epochs, steps]."""
        count = self.steps_per_epoch
        numbers = np.arange(first * count, (first + epochs) * count)
        factors = self.steps.schedule.factors_at(numbers, count, self.progress.schedule)
        return (self.steps.settings["learning_rate"] * factors).reshape(epochs, count)

    def prepare_epoch(self) -> Epoch:
        """Return what the steps of the epoch under way need."""
        plan, steps, epoch = self.plan, self.steps, self.progress.epoch
        order = plan.places[steps.program.order(plan.seed, epoch, plan.examples)] if steps.shuffle else plan.places
        settings, _ = self._settings_of(range(epoch, epoch + 1))
        settings = {name: value[0] if np.ndim(value) else value for name, value in settings.items()}
        return Epoch(order, settings, plan.arrays if steps.augment is None else steps.augment(plan.arrays, epoch))

    def _take(self, part: EpochPart) -> None:
        """Make a part of an epoch the present."""
        losses = add_all(self.progress.loss_sum, part.losses * part.weights)
        self._reach(part.carried, losses, add_all(self.progress.weight_sum, part.weights), part.steps)

    def _reach(self, carried: Mapping[str, np.ndarray], loss_sum: float, weight_sum: float, steps: int) -> None:
        """Make where some steps have led the present."""
        progress, step = self.progress, self.steps.step
        self.progress = progress.changed(
            parameters=Some.of(carried, step.parameters),
            state=Some.of(carried, step.state),
            loss_sum=loss_sum,
            weight_sum=weight_sum,
            epoch_steps=progress.epoch_steps + steps,
            step=progress.step + steps,
            seconds=self.seconds(),
        )

    def _mean_loss(self) -> float:
        progress = self.progress
        return progress.loss_sum / progress.weight_sum if progress.weight_sum > 0 else math.nan

    def _after_part(self, part: EpochPart) -> str | None:
        self.show(self.epochs_done, part.steps * self.steps.step.form.batch, self._mean_loss())
        reason = self.tell(StepEnded, loss=float(part.losses[-1])) if self.handlers.every_step else None
        self.save(if_older_than=self.plan.checkpoint_seconds)
        return reason or (OUT_OF_TIME if self.time_is_up() else None)

    def _failure(self, epoch: Epoch) -> Exception:
        progress, form = self.progress, self.steps.step.form
        arrays, order, settings = epoch.arrays, epoch.order, epoch.settings
        at, first = progress.epoch_steps, progress.epoch * self.steps_per_epoch
        carried = {**progress.parameters, **progress.state}
        inputs = step_inputs(form, carried, arrays, order, settings, seed=self.plan.seed, first_step=first, at=at)
        rows = order[at * form.batch : (at + 1) * form.batch]
        return explain_failure(
            form.graph,
            inputs,
            executor=self.steps.executor,
            where=f"step {first + at} (epoch {progress.epoch + 1})",
            outputs=("loss", *form.carried),
            carried=form.carried,
            settings=form.settings,
            rows=self.plan.rows[rows],
        )
