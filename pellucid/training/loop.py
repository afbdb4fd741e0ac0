"""What every training does around its epochs: validation, the best parameters, stopping, checkpoints, events."""

from __future__ import annotations

import json
import math
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from typing import Any

import numpy as np

from pellucid.errors import ModelError, PellucidError, TrainingError
from pellucid.training.checkpoint import Progress, save_checkpoint
from pellucid.training.evaluate import JudgedExamples
from pellucid.training.events import EpochEnded, Handlers, StepEnded, TrainingEnded, TrainingStarted
from pellucid.training.plan import Plan
from pellucid.training.progress import ProgressBar
from pellucid.training.standing import Ended, Standing

PART_SECONDS = 0.05
"""How long an executor runs before the clock and interrupts are looked at."""

NOT_FINITE = "a value is not finite"
"""Why a training stopped that met NaN or infinity."""

EPOCHS_RAN_OUT = "the epochs ran out"
INTERRUPTED = "interrupted"
OUT_OF_TIME = "the time limit"


class Training(ABC):
    """One training, from where `progress` stands to its end. The result is what `progress` holds then."""

    def __init__(self, plan: Plan, progress: Progress, handlers: Handlers, bar: ProgressBar):
        self.plan, self.progress, self.handlers, self.bar = plan, progress, handlers, bar
        self._began = time.perf_counter()
        self._started = self._began - progress.seconds
        self._saved = self._began
        self._told: float | None = None

    @abstractmethod
    def advance(self, seconds: float) -> str | None:
        """Learn for about so many seconds, a step at least; return the reason why learning ends, if it does."""

    def run(self) -> str:
        """Train; return the reason why it ended."""
        reason: str | None = None
        try:
            reason = self.begin()
            while reason is None:
                reason = self.advance(PART_SECONDS)
        except KeyboardInterrupt:
            reason = self.interrupt()
        except Exception as error:
            self.save_after_failure()
            if isinstance(error, TrainingError):
                self.tell(TrainingEnded, reason=NOT_FINITE)
            raise
        finally:
            self.bar.close()
        return self.end(reason)

    def begin(self) -> str | None:
        """Say that training begins; return the reason why it does not, if there is one."""
        reason = self.tell(TrainingStarted, epochs=self.plan.epochs, examples=self.plan.examples)
        self.write_history()
        self.bar.start()
        return reason or self.patience_is_over(self.progress.waited)

    def end(self, reason: str) -> str:
        """Write the last checkpoint and say that training has ended; return the reason."""
        try:
            self.save()
            self.tell(TrainingEnded, reason=reason)
        except KeyboardInterrupt:
            return INTERRUPTED
        return reason

    def interrupt(self) -> str:
        """Stop learning where it stands; return the reason."""
        with suppress(KeyboardInterrupt):  # a second one does not wait for the validation
            self.complete_epoch()
        self.write_history()
        return INTERRUPTED

    def save_after_failure(self) -> None:
        """Write the checkpoint, if that can be done."""
        with suppress(PellucidError):
            self.save()

    def complete_epoch(self) -> str | None:
        """End the epoch under way if all its steps are done; return the reason to stop, if there is one.

        So what comes out depends on the number of steps alone, whatever stopped them.
        """
        return None

    def out_of_steps(self) -> str | None:
        """Return the reason to stop where as many steps are done as there may be."""
        steps = self.plan.steps
        return "the steps ran out" if steps is not None and self.progress.step >= steps else None

    @property
    def epochs_done(self) -> float:
        """How many epochs are done, with the part of the one under way."""
        return self.progress.epoch

    def ran_out(self) -> str:
        """Return why training ends where nothing stopped it."""
        return self.out_of_steps() or EPOCHS_RAN_OUT

    def seconds(self) -> float:
        """Return the seconds since training began, those before a checkpoint included."""
        return time.perf_counter() - self._started

    def show(self, epochs_done: float, examples: int, loss: float) -> None:
        """Show how far training is, and what it took since the last call."""
        if not self.bar.shown:
            return
        limit = self.plan.time_limit
        left = None if limit is None else max(limit - (time.perf_counter() - self._began), 0.0)
        told = [] if self._told is None else [f"{_words(self.plan.watched_key)} {self._told:.4g}"]
        self.bar.update(epochs_done, examples, [f"loss {loss:.4g}", *told], left)

    @cached_property
    def judged_by(self) -> JudgedExamples:
        """The examples of the validation part, ready to be judged by."""
        assert self.plan.validation is not None
        return self.plan.evaluator.prepare(self.plan.validation)

    def end_epoch(
        self,
        reached: Progress,
        loss: float,
        learning_rate: float | None = None,
        sums: Mapping[str, float] | None = None,
    ) -> str | None:
        """Judge what an epoch has brought and record it; return the reason to stop, if there is one.

        Parameters
        ----------
        reached : Progress
            Where the epoch's last step has led.
        loss : float
            The mean over the epoch.
        learning_rate : float, optional
            Of the last step.
        sums : mapping of float, optional
            What the judge says of the parameters, if it was asked already.
        """
        seconds, standing = self.seconds(), Standing.of(reached)
        ended = Ended(reached.epoch + 1, reached.step, loss, learning_rate)
        record = self.judge_epoch(standing, ended, reached.parameters, round(seconds, 3), sums)
        judged = {"schedule": self.judge(record[self.plan.watched_key]), "seconds": seconds, **standing.__dict__}
        self.keep(reached, [record], epoch_steps=0, loss_sum=0.0, weight_sum=0.0, **judged)
        self.write_history(record)
        reason = self.tell(EpochEnded, record=record) or self.patience_is_over(standing.waited)
        return reason or (OUT_OF_TIME if self.time_is_up() else None)

    def judge_epoch(
        self,
        standing: Standing,
        ended: Ended,
        parameters: Mapping[str, np.ndarray],
        seconds: float,
        sums: Mapping[str, float] | None,
    ) -> dict[str, Any]:
        """Return the record of an epoch that led to these parameters, and let the standing hear of its value."""
        plan = self.plan
        epoch, step, loss, rate = ended
        record: dict[str, Any] = {"epoch": epoch, "step": step, "loss": loss}
        value = loss
        if plan.validation is not None:
            evaluator, examples = plan.evaluator, self.judged_by
            if sums is None:
                found = evaluator.evaluate(parameters, examples, plan.metrics)
            else:
                found = evaluator.conclude(sums, parameters, examples, plan.metrics)
            record |= {f"validation_{name}": value for name, value in found.items()}
            self._told = value = record[plan.watched_key]
            if standing.best_epoch == 0 and math.isnan(value):
                raise _no_value(plan.watched_key, epoch)
        if rate is not None:
            record["learning_rate"] = rate
        record["seconds"] = seconds
        standing.hear(plan.watched, value, plan.min_improvement, epoch, parameters)
        return record

    def keep(self, reached: Progress, records: Sequence[dict[str, Any]], **changes: Any) -> None:
        """Make what was reached the present, with the records of the epochs that have ended and other changes."""
        del reached.history[reached.epoch :]
        reached.history.extend(records)
        self.progress = reached.changed(epoch=reached.epoch + len(records), **changes)

    def judge(self, value: float) -> dict[str, float]:
        """Return what the schedule remembers once it has heard the value of the watched metric after an epoch."""
        return self.progress.schedule

    def patience_is_over(self, waited: int) -> str | None:
        """Return the reason to stop after so many epochs without an improvement, if they are too many."""
        patience = self.plan.patience
        if patience is None or waited < patience:
            return None
        return f"no better {_words(self.plan.watched_key)} for {patience} epochs"

    def write_history(self, record: Mapping[str, Any] | None = None) -> None:
        """Add a record to the history's file, or write the file anew."""
        file = self.plan.history_file
        if file is not None:
            text = "".join(map(history_line, self.progress.records)) if record is None else history_line(record)
            try:
                with open(file, "w" if record is None else "a", encoding="utf-8") as opened:
                    opened.write(text)
            except OSError as error:
                raise ModelError("the history can not be written", where=str(file), got=error.strerror) from None

    def seconds_left(self) -> float:
        """Return the seconds until the time limit, or until a checkpoint is due."""
        now, limit, plan = time.perf_counter(), math.inf, self.plan
        if plan.time_limit is not None:
            limit = self._began + plan.time_limit - now
        if plan.checkpoint is not None:
            limit = min(limit, self._saved + plan.checkpoint_seconds - now)
        return limit

    def time_is_up(self) -> bool:
        """Say whether the time limit has passed."""
        limit = self.plan.time_limit
        return limit is not None and time.perf_counter() - self._began >= limit

    def tell(self, kind: Any, **told: Any) -> str | None:
        """Tell the handlers of an event; return the reason to stop, if one gave any."""
        if not self.handlers:
            return None
        progress = self.progress
        if kind is EpochEnded and self.handlers.wait_for(progress.epoch):
            return None
        under_way = 1 if kind is StepEnded else 0
        event = kind(progress.epoch + under_way, progress.step, progress.parameters, progress.state, **told)
        event.training = self
        return self.handlers.tell(event)

    def save(self, if_older_than: float = 0.0) -> None:
        """Write the checkpoint, if there is one to be written and the last one is that many seconds old."""
        if self.plan.checkpoint is not None and time.perf_counter() - self._saved >= if_older_than:
            save_checkpoint(self.plan.checkpoint, self.progress, self.plan.fingerprint)
            self._saved = time.perf_counter()


def history_line(record: Mapping[str, Any]) -> str:
    """Return a record of the history as a line of JSON; what is not finite is written as null."""
    plain = {
        key: None if isinstance(value, float) and not math.isfinite(value) else value for key, value in record.items()
    }
    return json.dumps(plain) + "\n"


def _words(key: str) -> str:
    return key.replace("_", " ")


def _no_value(key: str, epoch: int) -> TrainingError:
    return TrainingError(
        "what training is judged by has no value",
        where=f"epoch {epoch}, {_words(key)}",
        got="NaN",
        fix="Look for predictions that are not finite, hold out more examples, or choose another metric.",
    )
