"""Recording a training while it runs: its layers now and then, and chosen steps whole."""

from __future__ import annotations

import math
import time
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Any

import numpy as np

from pellucid.errors import UsageError
from pellucid.inspection.layers import LayerProbe, LayerRecords
from pellucid.inspection.layers.health import health_table
from pellucid.inspection.observation import Observation
from pellucid.inspection.replay.snapshots import settled
from pellucid.inspection.stand_in import after_a_step, graph_of, probe_of, stand_in
from pellucid.inspection.steps import observer_of
from pellucid.training.checkpoint import Progress
from pellucid.training.events import EpochEnded, Event, StepEnded, TrainingEnded, TrainingStarted
from pellucid.training.full_batch import LBFGSTraining
from pellucid.training.loop import INTERRUPTED, NOT_FINITE, PART_SECONDS
from pellucid.training.mini_batches import MiniBatchTraining

MOST = 256
"""So many records are kept at most where the recorder chooses the epochs; then every other one is dropped."""

BUILDING = 4e-5
"""About how many seconds it takes to prepare the first record, for each node of the graph of a step."""


class Recorder:
    """A handler for :func:`pellucid.fit` that records what happens inside a network while it learns.

    The training computes the same bits with it as without it, by the same program.

    Parameters
    ----------
    every : int, optional
        Record the layers after every so many epochs. By default as often as costs the share `budget` of the training's
        time, evenly spread, and at most 256 times. The first and the last state are always among the records.
    steps : int or iterable of int
        The numbers of steps, from 0, to observe whole: every value, gradient and update.
    nodes : str or iterable of str, optional
        Which nodes of these steps to keep, as patterns such as ``"dense_1/*"`` or ``"d loss / d */weight"``; by default
        all of them.
    probe : int
        How many of the examples that are learned from to record the layers with, drawn once.
    budget : float
        The share of the training's time that records may take where `every` does not say how often.

    Raises
    ------
    UsageError
        Where a number does not fit, or learning is not by back-propagation.

    Examples
    --------
    >>> import numpy as np, pellucid as pl
    >>> x = np.linspace(-1, 1, 64)[:, None]
    >>> network = pl.Network([pl.Dense(8, "tanh"), pl.Dense(1)], inputs=1)
    >>> recorder = Recorder(every=5, steps=[3], nodes="dense_1/*")
    >>> fitted = pl.fit(network, pl.Dataset({"x": x}, x**2), loss="squared_error", epochs=20, on=recorder)
    >>> [records.epoch for records in recorder.records]
    [0, 5, 10, 15, 20]
    >>> recorder.records[-1]["dense_1"].activation, recorder.traces[3].step.epoch
    ('tanh', 2)
    """

    only_watches = True
    """It changes nothing in the training; see :class:`pellucid.training.events.Handlers`."""

    def __init__(
        self,
        every: int | None = None,
        steps: int | Iterable[int] = (),
        nodes: str | Iterable[str] | None = None,
        probe: int = 64,
        budget: float = 0.03,
    ):
        chosen = list(steps) if isinstance(steps, Iterable) else [steps]
        self.every = None if every is None else _checked("every", every, 1)
        self.steps = sorted({_checked("steps", step, 0) for step in chosen})
        self.nodes = [nodes] if isinstance(nodes, str) else None if nodes is None else list(nodes)
        self.probe = _checked("probe", probe, 1)
        if isinstance(budget, bool) or not isinstance(budget, (int, float)) or not 0 <= budget <= 1:
            raise UsageError("no share of the time", where="budget", got=repr(budget)[:80], expected="0 to 1")
        self.budget = float(budget)
        self._forget()

    def _forget(self) -> None:
        self._records: list[LayerRecords] = []
        self._traces: dict[int, Observation] = {}
        self._training: MiniBatchTraining | LBFGSTraining | None = None
        self._layers: LayerProbe | None = None
        self._pending: list[tuple[Progress, Any]] = []  # what was put off: the first state, and the last one
        self._starts: dict[int, Progress] = {}  # where the epochs of chosen steps began, by their first step
        self._earlier: Mapping[str, np.ndarray] | None = None  # of L-BFGS, an iteration before
        self._present: Mapping[str, np.ndarray] | None = None
        self._ended = False
        self._goes_on = True
        self._spacing = 1
        self._spent = self._cost = self._due = 0.0
        self._began = 0.0
        self._first_epoch = 0
        self.next_epoch = 0

    @property
    def records(self) -> list[LayerRecords]:
        """What the layers did, from the first state on."""
        self._add_pending()
        self._let_go()
        return self._records

    @property
    def seconds(self) -> float:
        """How long it has taken to record the layers."""
        return self._spent

    @property
    def traces(self) -> dict[int, Observation]:
        """The chosen steps that were done so far, or in which training failed, by number.

        They are computed when they are first asked for, from the state at the start of their epoch: to the bit what
        the training computed.
        """
        if self._training is not None:
            for step in self.steps:
                start = self._start_before(step)
                reached = self._training.progress.step
                if step not in self._traces and start is not None and step < reached + self._goes_on:
                    self._traces[step] = self._trace(start, step)
        return dict(sorted(self._traces.items()))

    def __call__(self, event: Event) -> None:
        """Hear of an event of the training."""
        if isinstance(event, EpochEnded):
            if event.training is None or event.training is not self._training:
                raise UsageError("a recorder records one training from its start", where="Recorder", fix="Use pl.fit.")
            if self.steps:
                self._keep_start()
            if isinstance(event.training, LBFGSTraining):
                self._earlier, self._present = self._present, event.parameters
            if self.every is not None:
                if event.epoch % self.every == 0:
                    self._record(event)
            elif time.perf_counter() >= self._due and event.epoch % self._spacing == 0:
                self._record_within_budget(event)
            self.next_epoch = self._next_epoch(event)
        elif isinstance(event, TrainingStarted):
            self._start(event)
        elif isinstance(event, TrainingEnded):
            self._end(event)
        elif not isinstance(event, StepEnded):
            raise UsageError("no event of a training", where="Recorder", got=type(event).__name__)

    def _next_epoch(self, event: Event) -> int:
        """Return the first epoch whose end there may be something to do: being told of others costs time too."""
        training = self._training
        if not isinstance(training, MiniBatchTraining):  # of L-BFGS each iteration's parameters are compared
            return event.epoch + 1
        if self.every is not None:
            following = (event.epoch // self.every + 1) * self.every
        else:
            now = time.perf_counter()
            pace = max((now - self._began - self._spent) / max(event.epoch - self._first_epoch, 1), 1e-9)
            ahead = event.epoch + max(1, int(min(0.5 * (self._due - now) / pace, 1e9)))
            following = -(-ahead // self._spacing) * self._spacing
        place = bisect_left(self.steps, event.step)
        chosen = self.steps[place] // training.steps_per_epoch if place < len(self.steps) else following
        return max(event.epoch + 1, min(following, chosen))

    # -- layers ------------------------------------------------------------------------------------------------------

    def _start(self, event: Event) -> None:
        if event.training is None or not isinstance(event.training, MiniBatchTraining | LBFGSTraining):
            raise UsageError("only a training by back-propagation can be recorded", where="Recorder")
        if self.steps and not isinstance(event.training, MiniBatchTraining):
            raise UsageError("L-BFGS has no steps of a graph to trace", where="Recorder, steps")
        self._forget()
        self._began = time.perf_counter()
        self._training = event.training
        self._first_epoch = event.epoch
        self._pending = [(settled(event.training.progress), None)]
        self._present = self._pending[0][0].parameters
        self._keep_start()
        self._cost = BUILDING * len(graph_of(event.training))
        self._wait()

    def _wait(self) -> None:
        """Set the time before which another record, and the last one, would take more than the budget."""
        needed = (self._spent + 2 * self._cost) / self.budget if self.budget else math.inf
        self._due = self._began + self._spent + needed

    def _record_within_budget(self, event: Event) -> None:
        self._record(event)
        if len(self._records) > MOST:
            self._spacing *= 2
            first, *others = self._records
            self._records = [first, *(found for found in others if found.epoch % self._spacing == 0)]
        self._wait()

    def _record(self, event: Event) -> None:
        assert event.training is not None
        self._add_pending()
        self._add(event.training.progress, self._earlier)

    def _end(self, event: TrainingEnded) -> None:
        """Record the last state; where time is short, only once somebody asks for it."""
        assert event.training is not None
        self._ended = True
        self._goes_on = event.reason == NOT_FINITE  # the step that failed can be looked at too
        known = self._records[-1].step if self._records else self._pending[-1][0].step
        if known == event.step:
            return
        trained = time.perf_counter() - self._began - self._spent
        if self.every is None and self._spent + self._cost > self.budget * trained:
            self._pending.append((settled(event.training.progress), self._earlier))
        else:
            self._record(event)
        self._let_go()

    def _add_pending(self) -> None:
        """Record what was put off."""
        pending, self._pending = self._pending, []
        for progress, earlier in pending:
            self._add(progress, earlier)

    def _let_go(self) -> None:
        """Keep the training, and with it its examples, only as long as there may be something to compute of it."""
        if self._ended and not self._pending and not self.steps:
            self._training = self._layers = self._earlier = self._present = None

    def _add(self, progress: Progress, earlier: Mapping[str, np.ndarray] | None) -> None:
        """Record the layers where the training stands; what that takes is counted."""
        began = time.perf_counter()
        training = self._training
        assert training is not None
        if self._layers is None:
            self._layers = probe_of(training, self.probe)
        ready = time.perf_counter()
        away = after_a_step(training, progress) if isinstance(training, MiniBatchTraining) else earlier
        parameters = dict(progress.parameters)
        found = self._layers.records(parameters, epoch=progress.epoch, step=progress.step, before=away)
        self._records.append(found)
        ended = time.perf_counter()
        self._spent, self._cost = self._spent + ended - began, ended - ready

    # -- steps -------------------------------------------------------------------------------------------------------

    def _keep_start(self) -> None:
        """Keep the state that the next epoch starts from, if a chosen step belongs to it."""
        training = self._training
        if isinstance(training, MiniBatchTraining):
            progress = training.progress
            end = progress.step + training.steps_per_epoch - progress.epoch_steps
            next_one = bisect_left(self.steps, progress.step)
            if next_one < len(self.steps) and self.steps[next_one] < end:
                self._starts[progress.step] = settled(progress)

    def _start_before(self, step: int) -> Progress | None:
        """Return the state that the epoch of a step started from, or that training did within it."""
        training = self._training
        assert isinstance(training, MiniBatchTraining)
        for first, start in self._starts.items():
            if first <= step < first + training.steps_per_epoch - start.epoch_steps:
                return start
        return None

    def _trace(self, start: Progress, step: int) -> Observation:
        training = self._training
        assert isinstance(training, MiniBatchTraining)
        there = stand_in(training, start, step)
        while there.progress.step < step:
            if there.advance(PART_SECONDS) == INTERRUPTED:
                raise KeyboardInterrupt
        return _restricted(observer_of(training).observe(there), self.nodes)

    # -- shown -------------------------------------------------------------------------------------------------------

    def __repr__(self) -> str:
        return f"<recorder of {len(self._records)} moments and {len(self._traces)} steps>"

    def _repr_html_(self) -> str:
        return health_table(self.records)


def _restricted(seen: Observation, patterns: list[str] | None) -> Observation:
    """Return an observation with those nodes only whose paths fit a pattern."""
    if patterns is None:
        return seen
    kept = {path: one for path, one in seen.nodes.items() if any(fnmatchcase(path, pattern) for pattern in patterns)}
    return replace(seen, nodes=MappingProxyType({path: one.by_itself() for path, one in kept.items()}))


def _checked(what: str, number: Any, least: int) -> int:
    if isinstance(number, bool) or not isinstance(number, (int, np.integer)) or number < least:
        expected = f"a whole number, {least} or more"
        raise UsageError("no such number", where=f"Recorder, {what}", got=repr(number)[:80], expected=expected)
    return int(number)
