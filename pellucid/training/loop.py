"""What every training does around its epochs: validation, the best parameters, stopping, checkpoints, events."""

from __future__ import annotations

import json
import math
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pellucid.training.checkpoint import Progress, save_checkpoint
from pellucid.training.evaluate import Evaluator
from pellucid.training.events import EpochEnded, Handlers, TrainingEnded, TrainingStarted
from pellucid.training.metrics import Metric
from pellucid.training.progress import ProgressBar
from pellucid.training.step import WEIGHT


@dataclass(frozen=True)
class Plan:
    """What a training is to do, whatever way it learns.

    Attributes
    ----------
    evaluator : Evaluator
    arrays, validation : mapping of ndarray
        The examples to learn from, and those to judge by, by input, as the graphs take them.
    epochs : int
    seed : int
    watched : Metric
        What to judge by.
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
    arrays: Mapping[str, np.ndarray]
    validation: Mapping[str, np.ndarray] | None
    epochs: int
    seed: int
    watched: Metric
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


class Training(ABC):
    """One training, from where `progress` stands to its end. The result is what `progress` holds then."""

    def __init__(self, plan: Plan, progress: Progress, handlers: Handlers, bar: ProgressBar):
        self.plan, self.progress, self.handlers, self.bar = plan, progress, handlers, bar
        self._began = time.perf_counter()
        self._started = self._began - progress.seconds
        self._saved = self._began
        self._told = ""

    @abstractmethod
    def learn(self) -> str | None:
        """Go through the epochs; return the reason to stop, None where the epochs ran out."""

    def run(self) -> str:
        """Train; return the reason why it ended."""
        plan, progress = self.plan, self.progress
        reason = self.tell(TrainingStarted, epochs=plan.epochs, examples=plan.examples) or progress.finished or None
        try:
            self.bar.start()
            reason = reason or self.learn()
        except KeyboardInterrupt:
            reason = "interrupted"
        finally:
            self.bar.close()
        reason = reason or "the epochs ran out"
        progress.finished = reason if _is_final(reason) else ""
        self.save()
        self.tell(TrainingEnded, reason=reason)
        return reason

    def show(self, epochs_done: float, examples: int, loss: float) -> None:
        """Show how far training is, and what it took since the last call."""
        self.progress.seconds = time.perf_counter() - self._started
        self.bar.update(epochs_done, examples, f"loss {loss:.4g}{self._told}")

    def end_epoch(self, loss: float, learning_rate: float | None = None) -> str | None:
        """Judge what an epoch has brought and record it; return the reason to stop, if there is one."""
        plan, progress = self.plan, self.progress
        record: dict[str, Any] = {"epoch": progress.epoch + 1, "step": progress.step, "loss": loss}
        if plan.validation is not None:
            found = plan.evaluator.evaluate(progress.parameters, plan.validation, plan.metrics)
            record |= {f"validation_{name}": value for name, value in found.items()}
        if learning_rate is not None:
            record["learning_rate"] = learning_rate
        key = f"validation_{plan.watched.name}" if plan.validation is not None else "loss"
        value = record[key]
        self._told = f"  {key.replace('_', ' ')} {value:.4g}" if plan.validation is not None else ""
        if not progress.best or plan.watched.is_better(value, progress.best_value, plan.min_improvement):
            progress.best, progress.best_value, progress.waited = dict(progress.parameters), value, 0
            progress.best_epoch = progress.epoch + 1
        else:
            progress.waited += 1
        self.judge(value)
        progress.epoch, progress.epoch_steps, progress.loss_sum, progress.weight_sum = progress.epoch + 1, 0, 0.0, 0.0
        progress.seconds = time.perf_counter() - self._started
        record["seconds"] = round(progress.seconds, 3)
        progress.history.append(record)
        if plan.history_file is not None:
            with open(plan.history_file, "a", encoding="utf-8") as file:
                file.write(history_line(record))
        reason = self.tell(EpochEnded, record=record)
        if plan.patience is not None and progress.waited >= plan.patience:
            reason = reason or f"no better {key.replace('_', ' ')} for {plan.patience} epochs"
        if self.time_is_up():
            reason = reason or "the time limit"
        return reason

    def judge(self, value: float) -> None:  # noqa: B027 (a way of learning may have nothing to hear)
        """Hear the value of the watched metric after an epoch."""

    def time_is_up(self) -> bool:
        """Say whether the time limit has passed."""
        limit = self.plan.time_limit
        return limit is not None and time.perf_counter() - self._began >= limit

    def tell(self, kind: Any, **told: Any) -> str | None:
        """Tell the handlers of an event; return the reason to stop, if one gave any."""
        progress = self.progress
        event = kind(progress.epoch, progress.step, progress.parameters, progress.state, **told)
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


def _is_final(reason: str) -> bool:
    """Say whether a run that stopped for this reason has nothing left to do when it is resumed."""
    return reason.startswith("no better")
