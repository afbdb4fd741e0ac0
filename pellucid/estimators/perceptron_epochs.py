"""The epochs of the perceptron estimator: one pass over all rows after the other, and when to stop."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from pellucid.errors import TrainingError
from pellucid.estimators.perceptron_coefficients import BIAS, WEIGHT
from pellucid.executors.program import compile_epochs
from pellucid.training.events import EpochEnded, Handlers, StepEnded, TrainingEnded, TrainingStarted
from pellucid.training.loop import EPOCHS_RAN_OUT
from pellucid.training.perceptron import PerceptronRule, build_perceptron_step

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Judging:
    """How epochs are judged: which weights to keep, and when to stop before the epochs run out.

    Attributes
    ----------
    tol : float or None
        By how much an epoch has to be better than the best before it; None to go through all epochs.
    patience : float
        After so many epochs in a row that were not, training stops.
    measure : callable
        From the weights to ``accuracy`` and ``loss`` on some rows: the weights of the epoch with the best accuracy are
        kept.
    held_out : bool
        Whether these rows are not learned from; then their accuracy, rather than the loss of learning, says which epoch
        is better.
    """

    tol: float | None
    patience: float
    measure: Callable[[Arrays], dict[str, float]]
    held_out: bool


def parameters_of(carried: Arrays, intercept: bool) -> Arrays:
    """Return the parameters of the model, by path, of what the step carries."""
    return {WEIGHT: carried["weight"]} | ({BIAS: carried["bias"]} if intercept else {})


class Epochs:
    """One training with the perceptron rule.

    Parameters
    ----------
    rule : PerceptronRule
    arrays : mapping
        ``x`` [rows, features], dense or CSR, ``push`` [rows, outputs] and ``row_weight`` [rows]: what
        :func:`pellucid.training.perceptron.build_perceptron_step` takes.
    start : dict of ndarray or None
        What an earlier training carried at its end.
    seed, first : int
        The order of an epoch is a function of the seed and its number, which starts at `first`.
    step : int
        How many examples were looked at before.
    shuffle : bool
    judging : Judging or None
        Without it all epochs are run, and the last weights are kept.
    handlers : Handlers
        Told of every event.
    verbose : bool
        Whether to print a line an epoch.
    executor : str
        What runs the step.

    Attributes
    ----------
    carried : dict of ndarray
        What the step carries; after :meth:`run`, with the weights that are kept.
    records : list of dict
        The history, a record an epoch.
    """

    def __init__(
        self,
        rule: PerceptronRule,
        arrays: Mapping[str, Any],
        *,
        start: Arrays | None,
        seed: int,
        first: int,
        step: int,
        shuffle: bool,
        judging: Judging | None,
        handlers: Handlers,
        verbose: bool,
        executor: str,
    ):
        self.rule, self.arrays, self.seed, self.epoch, self.step = rule, arrays, seed, first, step
        self.shuffle, self.judging, self.handlers, self.verbose = shuffle, judging, handlers, verbose
        (self.count, features), self.outputs = arrays["x"].shape, arrays["push"].shape[1]
        form = build_perceptron_step(features, self.outputs, rule)
        self.program = compile_epochs(form, executor)
        carried = {name: np.zeros(form.graph.inputs[name].type.shape) for name in form.carried}
        self.carried: Arrays = carried | {name: array for name, array in (start or {}).items() if name in carried}
        self.records: list[dict[str, Any]] = []
        self._best, self._waited, self._kept = -np.inf, 0, (-np.inf, self.carried)
        self._share = float(np.abs(arrays["push"]).sum()) / self.outputs
        self._began = time.perf_counter()

    def run(self, epochs: int) -> None:
        """Go through at most so many epochs.

        Raises
        ------
        TrainingError
            Where weights overflow.
        """
        try:
            reason = self._tell(TrainingStarted, epochs=self.epoch + epochs, examples=self.count)
            while reason is None and len(self.records) < epochs:
                reason = self._learn()
            reason = reason or EPOCHS_RAN_OUT
        except KeyboardInterrupt:
            reason = "interrupted"
        if self.judging is not None and self.records:
            self.carried = self._kept[1]
        try:
            self._tell(TrainingEnded, reason=reason)
        except KeyboardInterrupt:
            reason = "interrupted"
        if reason == "interrupted":
            warnings.warn("Training interrupted by user.", stacklevel=4)
        elif reason == EPOCHS_RAN_OUT and self.judging is not None and self.judging.tol is not None:
            told = f"max_iter={epochs} epochs have passed before the perceptron has converged."
            warnings.warn(told, ConvergenceWarning, stacklevel=4)

    def _learn(self) -> str | None:
        """Go through all rows once; return the reason to stop, if there is one."""
        order = self.program.order(self.seed, self.epoch, self.count) if self.shuffle else np.arange(self.count)
        each, done, loss = self.handlers.every_step, 0, 0.0
        ways: dict[str, Any] = {"limit": 1} if each else {"seconds": float("inf")}
        while done < self.count:
            part = self.program.run(
                self.carried, self.arrays, order, {}, seed=self.seed, first_step=0, start=done, **ways
            )
            if part.failed:
                fix = "Scale the features first, as scaling='standardize' does."
                raise TrainingError("the weights are too large for float64", where="the perceptron", fix=fix)
            self.carried = dict(part.carried)
            done, self.step, loss = done + part.steps, self.step + part.steps, loss + float(part.losses.sum())
            if part.interrupted:
                return "interrupted"
            reason = self._tell(StepEnded, loss=float(part.losses[-1])) if each else None
            if reason is not None:
                return reason
        return self._end_epoch(loss / self._share if self._share else 0.0)

    def _end_epoch(self, loss: float) -> str | None:
        """Record and judge an epoch; return the reason to stop, if there is one."""
        self.epoch += 1
        record: dict[str, Any] = {"epoch": self.epoch, "step": self.step, "loss": loss}
        reason = None
        if self.judging is not None:
            found = self.judging.measure(self.carried)
            if self.judging.held_out:
                record |= {f"validation_{name}": value for name, value in found.items()}
            reason = self._judge(self.judging, found["accuracy"], loss)
        record["seconds"] = round(time.perf_counter() - self._began, 3)
        self.records.append(record)
        if self.verbose:
            told = f", validation accuracy {found['accuracy']:.6g}" if "validation_accuracy" in record else ""
            print(f"Iteration {self.epoch}, loss = {loss:.8f}{told}")
        return self._tell(EpochEnded, record=record) or reason

    def _judge(self, judging: Judging, accuracy: float, loss: float) -> str | None:
        if accuracy > self._kept[0]:
            self._kept = accuracy, self.carried
        if judging.tol is None:
            return None
        value = accuracy if judging.held_out else -loss
        self._waited = self._waited + 1 if value < self._best + judging.tol else 0
        self._best = max(self._best, value)
        if self._waited < judging.patience:
            return None
        return f"no better {'validation accuracy' if judging.held_out else 'loss'} for {judging.patience:g} epochs"

    def _tell(self, kind: Any, **told: Any) -> str | None:
        state = {name: array for name, array in self.carried.items() if name not in ("weight", "bias")}
        epoch = self.epoch + (kind is StepEnded)
        parameters = parameters_of(self.carried, self.rule.intercept)
        return self.handlers.tell(kind(epoch, self.step, parameters, state, **told))
