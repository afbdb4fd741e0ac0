"""What every training does around its epochs: validation, the best parameters, stopping, checkpoints, events."""

from __future__ import annotations

import json
import math
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from pellucid.errors import ModelError, PellucidError, TrainingError
from pellucid.training.checkpoint import Progress, save_checkpoint
from pellucid.training.evaluate import Evaluator
from pellucid.training.events import EpochEnded, Handlers, StepEnded, TrainingEnded, TrainingStarted
from pellucid.training.metrics import Metric
from pellucid.training.progress import ProgressBar
from pellucid.training.step import WEIGHT


@dataclass(frozen=True)
class Plan:
    """What a training is to do, whatever way it learns.

    Attributes
    ----------
    evaluator : Evaluator
    arrays, validation : mapping of ndarray or CSR matrix
        The examples to learn from, and those to judge by, by input, as the graphs take them.
    rows : ndarray of int64
        Where each of the examples to learn from stands in the dataset that was given.
    epochs : int
    steps : int or None
        How many steps to do at most.
    seed : int
    watched : Metric
        What to judge by.
    watched_name : str
        Its name, with that of its output where there are several.
    metrics : tuple of Metric
        What the history records of the validation part, besides the loss.
    patience : int or None
    min_improvement : float
    time_limit : float or None
        In seconds.
    checkpoint, history_file : Path or None
    checkpoint_seconds : float
    fingerprint : str
        What the numbers of the run depend on.
    """

    evaluator: Evaluator
    arrays: Mapping[str, Any]
    validation: Mapping[str, Any] | None
    rows: np.ndarray
    epochs: int
    steps: int | None
    seed: int
    watched: Metric
    watched_name: str
    metrics: tuple[Metric, ...]
    patience: int | None
    min_improvement: float
    time_limit: float | None
    checkpoint: Path | None
    checkpoint_seconds: float
    history_file: Path | None
    fingerprint: str = ""

    @property
    def examples(self) -> int:
        return len(self.arrays[WEIGHT])

    @property
    def watched_key(self) -> str:
        """The entry of the history's records that training judges by."""
        return f"validation_{self.watched_name}" if self.validation is not None else "loss"


class Training(ABC):
    """One training, from where `progress` stands to its end. The result is what `progress` holds then."""

    def __init__(self, plan: Plan, progress: Progress, handlers: Handlers, bar: ProgressBar):
        self.plan, self.progress, self.handlers, self.bar = plan, progress, handlers, bar
        self._began = time.perf_counter()
        self._started = self._began - progress.seconds
        self._saved = self._began
        self._told: list[str] = []

    @abstractmethod
    def learn(self) -> str | None:
        """Go through the epochs; return the reason to stop, None where the epochs ran out."""

    def run(self) -> str:
        """Train; return the reason why it ended."""
        reason: str | None = None
        try:
            reason = self.tell(TrainingStarted, epochs=self.plan.epochs, examples=self.plan.examples)
            self.write_history()
            self.bar.start()
            reason = reason or self._patience_is_over() or self.learn()
        except KeyboardInterrupt:
            reason = "interrupted"
            with suppress(KeyboardInterrupt):  # a second one does not wait for the validation
                self.complete_epoch()
            self.write_history()
        except Exception:
            with suppress(PellucidError):
                self.save()
            raise
        finally:
            self.bar.close()
        reason = reason or self.out_of_steps() or "the epochs ran out"
        try:
            self.save()
            self.tell(TrainingEnded, reason=reason)
        except KeyboardInterrupt:
            return "interrupted"
        return reason

    def complete_epoch(self) -> str | None:
        """End the epoch under way if all its steps are done; return the reason to stop, if there is one.

        So what comes out depends on the number of steps alone, whatever stopped them.
        """
        return None

    def out_of_steps(self) -> str | None:
        """Return the reason to stop where as many steps are done as there may be."""
        steps = self.plan.steps
        return "the steps ran out" if steps is not None and self.progress.step >= steps else None

    def seconds(self) -> float:
        """Return the seconds since training began, those before a checkpoint included."""
        return time.perf_counter() - self._started

    def show(self, epochs_done: float, examples: int, loss: float) -> None:
        """Show how far training is, and what it took since the last call."""
        limit = self.plan.time_limit
        left = None if limit is None else max(limit - (time.perf_counter() - self._began), 0.0)
        self.bar.update(epochs_done, examples, [f"loss {loss:.4g}", *self._told], left)

    def end_epoch(self, reached: Progress, loss: float, learning_rate: float | None = None) -> str | None:
        """Judge what an epoch has brought and record it; return the reason to stop, if there is one.

        Parameters
        ----------
        reached : Progress
            Where the epoch's last step has led.
        loss : float
            The mean over the epoch.
        learning_rate : float, optional
            Of the last step.
        """
        plan, progress = self.plan, reached
        record: dict[str, Any] = {"epoch": progress.epoch + 1, "step": progress.step, "loss": loss}
        if plan.validation is not None:
            found = plan.evaluator.evaluate(progress.parameters, plan.validation, plan.metrics)
            record |= {f"validation_{name}": value for name, value in found.items()}
        if learning_rate is not None:
            record["learning_rate"] = learning_rate
        value = record[plan.watched_key]
        if progress.best_epoch == 0 and plan.validation is not None and math.isnan(value):
            raise _no_value(plan.watched_key, progress.epoch + 1)
        self._told = [f"{_words(plan.watched_key)} {value:.4g}"] if plan.validation is not None else []
        seconds = self.seconds()
        record["seconds"] = round(seconds, 3)
        reached = replace(self._judged(progress, value), schedule=self.judge(value), seconds=seconds)
        del progress.history[progress.epoch :]
        progress.history.append(record)
        self.progress = replace(reached, epoch=progress.epoch + 1, epoch_steps=0, loss_sum=0.0, weight_sum=0.0)
        self.write_history(record)
        reason = self.tell(EpochEnded, record=record) or self._patience_is_over()
        return reason or ("the time limit" if self.time_is_up() else None)

    def _judged(self, reached: Progress, value: float) -> Progress:
        """Return what was reached, with what its value says about the best so far and about early stopping."""
        watched, first = self.plan.watched, reached.best_epoch == 0
        if first or watched.is_better(value, reached.best_value):
            epoch = reached.epoch + 1
            reached = replace(reached, best=dict(reached.parameters), best_value=value, best_epoch=epoch)
        if first or watched.is_better(value, reached.counted_value, self.plan.min_improvement):
            return replace(reached, counted_value=value, waited=0)
        return replace(reached, waited=reached.waited + 1)

    def judge(self, value: float) -> dict[str, float]:
        """Return what the schedule remembers once it has heard the value of the watched metric after an epoch."""
        return self.progress.schedule

    def _patience_is_over(self) -> str | None:
        patience = self.plan.patience
        if patience is None or self.progress.waited < patience:
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

    def time_is_up(self) -> bool:
        """Say whether the time limit has passed."""
        limit = self.plan.time_limit
        return limit is not None and time.perf_counter() - self._began >= limit

    def tell(self, kind: Any, **told: Any) -> str | None:
        """Tell the handlers of an event; return the reason to stop, if one gave any."""
        progress = self.progress
        under_way = 1 if kind is StepEnded else 0
        event = kind(progress.epoch + under_way, progress.step, progress.parameters, progress.state, **told)
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
