"""Watching a training while it runs: layers recorded, gates asked, and training stopped where one of them fails."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from pellucid.data.dataset import Dataset
from pellucid.diagnosis.gates import catalogue
from pellucid.diagnosis.gates.asking import ask_gates
from pellucid.diagnosis.gates.case import Case
from pellucid.diagnosis.gates.finding import FAIL, Finding, GateReport
from pellucid.diagnosis.gates.gate import GATES, Gate
from pellucid.diagnosis.gates.thresholds import Thresholds
from pellucid.errors import TrainingError, UsageError, nearest
from pellucid.inspection.recorder import Recorder
from pellucid.training.events import EpochEnded, Event, Handlers, TrainingEnded, TrainingStarted
from pellucid.training.loop import NOT_FINITE, Training
from pellucid.training.progress import ProgressBar
from pellucid.training.result import training_result
from pellucid.training.step import WEIGHT, target_name

LOOKS = 20
"""So often the layers are looked at where a gate may end the training and nobody says how often."""

UNDER_WAY = "it is under way"

AT_THE_END = frozenset(
    ("loss_below_constant", "slower_than_linear", "still_falling", "plateau", "parameters_changed", "updates_too_small")
)
"""Gates on where a training has led: not asked while it is under way."""

BUDGET = 0.05
"""The share of the training's time that asking gates may take where nobody says how often to look."""


class Watch:
    """A handler for :func:`pellucid.fit` that asks the gates while a network learns.

    Parameters
    ----------
    thresholds : Thresholds or mapping, optional
        Changes of the table, see :class:`Thresholds`.
    stop_on : sequence of str
        Gates of the phase "during": training ends when one of them fails. Values that are not finite end it anyway.
    every : int, optional
        Look at the layers after every so many epochs; by default as often as costs at most 5 % of the time.
    probe : int
        How many examples to look at them with.

    Attributes
    ----------
    records : list of LayerRecords
        What the layers did at the start, in between, and at the end.
    report : GateReport
        What the gates say of all that has happened so far. Gates that train by themselves are left out, and while the
        training is under way also those on where it has led.

    Raises
    ------
    UsageError
        Where `stop_on` names no gate that can be asked while a network learns.

    Examples
    --------
    >>> import numpy as np, pellucid as pl
    >>> x = np.linspace(-1, 1, 64)[:, None]
    >>> network = pl.Network([pl.Dense(8, "relu"), pl.Dense(1)], inputs=1)
    >>> watch = Watch(stop_on=["loss_diverges", "dead_units"])
    >>> fitted = pl.fit(network, pl.Dataset({"x": x}, abs(x)), loss="squared_error", epochs=300, on=watch,
    ...                 optimizer=pl.optimizers.Adam(0.01))
    >>> watch.report.verdict
    'pass'
    """

    def __init__(
        self,
        thresholds: Thresholds | Mapping[str, Any] | None = None,
        stop_on: Iterable[str] = (),
        every: int | None = None,
        probe: int = 64,
    ):
        catalogue.load()
        self.thresholds = thresholds if isinstance(thresholds, Thresholds) else Thresholds(thresholds)
        self.stop_on = (stop_on,) if isinstance(stop_on, str) else tuple(stop_on)
        known = {gate.name for gate in _cheap_gates() if gate.name not in AT_THE_END}
        for name in self.stop_on:
            if name not in known:
                raise UsageError(f"no gate {name!r} can end a training", where="stop_on", fix=nearest(str(name), known))
        self.recorder = Recorder(every=every, probe=probe)
        self._case: Case | None = None
        self._training: Training | None = None
        self._reason = UNDER_WAY
        self._every, self._spent = every, 0.0

    @property
    def records(self) -> list[Any]:
        return self.recorder.records

    def __call__(self, event: Event) -> None:
        """Hear of an event of the training."""
        if event.training is None:
            raise UsageError("only a training by back-propagation can be watched", where="on")
        if isinstance(event, TrainingStarted):
            self._case, self._training, self._reason = watched_case(event.training), event.training, UNDER_WAY
            self._spent = 0.0
            if self.stop_on and self._every is None:
                self.recorder.every = max(1, event.epochs // LOOKS)
        seen = len(self.records)
        self.recorder(event)
        if isinstance(event, TrainingEnded):
            self._reason = event.reason
        elif isinstance(event, EpochEnded) and len(self.records) > seen and self._may_ask(event.training):
            began = time.perf_counter()
            self._stop_where_it_fails(event)
            self._spent += time.perf_counter() - began

    @property
    def report(self) -> GateReport:
        """What the gates say of all that has happened so far."""
        if self._case is None or self._training is None:
            return GateReport(())
        error = _failure(self._training) if self._reason in (UNDER_WAY, NOT_FINITE) else None
        reason = NOT_FINITE if error else self._reason
        asked = [gate for gate in _cheap_gates() if reason != UNDER_WAY or gate.name not in AT_THE_END]
        return ask_gates(self._now(reason, error), asked, self.thresholds)

    def _repr_html_(self) -> str:
        return self.report._repr_html_()

    def _may_ask(self, training: Training) -> bool:
        """Say whether there is anything to ask, and time for it."""
        return bool(self.stop_on) and (self._every is not None or self._spent <= BUDGET * training.seconds())

    def _stop_where_it_fails(self, event: Event) -> None:
        asked = [GATES[name] for name in self.stop_on]
        for finding in ask_gates(self._now(UNDER_WAY), asked, self.thresholds):
            if finding.verdict == FAIL:
                event.stop(_reason_of(finding))
                return

    def _now(self, reason: str, error: TrainingError | None = None) -> Case:
        assert self._case is not None and self._training is not None
        self._case = self._case.trained(training_result(self._training, reason), list(self.records), error)
        return self._case


def watched_case(training: Training) -> Case:
    """Return the case of a training that has begun: its examples, as it takes them, and its first parameters."""
    plan = training.plan
    network, losses = plan.evaluator.network, plan.evaluator.losses
    validation = None if plan.validation is None else _dataset(training, plan.validation, None)
    options = {"loss": losses, "seed": plan.seed, "epochs": plan.epochs, "validation": validation}
    case = Case(network, _dataset(training, plan.arrays, plan.places), options)
    case.__dict__["parameters"] = {path: np.array(array) for path, array in training.progress.parameters.items()}
    return case


def _dataset(training: Training, arrays: Mapping[str, Any], rows: np.ndarray | None) -> Dataset:
    """Return the arrays of a plan as a dataset again."""
    network = training.plan.evaluator.network
    taken = {name: arrays[name] if rows is None else arrays[name][rows] for name in arrays}
    inputs = {name: taken[name] for name in network.inputs}
    targets = {output: taken[target_name(network, output)] for output in network.outputs}
    return Dataset(inputs, targets if len(targets) > 1 else next(iter(targets.values())), taken[WEIGHT])


def _cheap_gates() -> list[Gate]:
    return [gate for gate in GATES.values() if gate.phase == "during" and not gate.trains]


def _reason_of(finding: Finding) -> str:
    where = f" at {finding.where}" if finding.where else ""
    return f"the gate {finding.gate} failed{where}: {finding.evidence}"


def _failure(training: Training) -> TrainingError | None:
    """Return the error in which a training ended that told no end: that of its next step, done on a copy of it."""
    again = copy.copy(training)
    again.handlers, again.bar = Handlers(_one_step), ProgressBar(1, show=False)
    again.plan = replace(training.plan, checkpoint=None, history_file=None)
    again.progress = training.progress.changed(history=list(training.progress.records))
    try:
        again.advance(0.0)
    except TrainingError as error:
        return error
    return None


def _one_step(event: Event) -> None:
    """End after the first step."""
    event.stop()


_one_step.every_step = True  # type: ignore[attr-defined]
