"""The trainings of a learning curve: of many sizes, side by side, on all cores."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pellucid.data.dataset import Dataset
from pellucid.data.targets import SCALE
from pellucid.executors.cores import usable_cores
from pellucid.training.course import Course, set_course
from pellucid.training.evaluate import as_arrays
from pellucid.training.events import Handlers
from pellucid.training.loop import INTERRUPTED, Training
from pellucid.training.members import Member, SharedExamples
from pellucid.training.metric import Metric
from pellucid.training.result import training_result
from pellucid.training.setup import Run, prepare_training
from pellucid.training.together import learn_a_while
from pellucid.tuning.bracket import Bracket
from pellucid.tuning.contender import COPIES
from pellucid.tuning.objective import Contender
from pellucid.tuning.pruning import pruner
from pellucid.tuning.running import Workers
from pellucid.tuning.trial import FINISHED, MemberResult, Trial
from pellucid.workflow.division import TRAIN
from pellucid.workflow.learning_curves.draws import Draw
from pellucid.workflow.learning_curves.ladder import Rung
from pellucid.workflow.making import Making

NETWORK, ROWS = "network", "rows"

LOOK_SECONDS = 0.05
STOP_SECONDS = 30.0

OF_ROWS = 0.6
"""The share of the time that the numbers of rows may take; the sizes of the network have what is left."""

SMALL = 0.3
"""A network without weights takes about so much of the time of the planned one."""

IN_OWN_UNIT = ("rmse", "mae")


class LearningObjective:
    """What a learning curve trains: networks of several sizes on several numbers of rows, once for each draw.

    Attributes
    ----------
    rungs : sequence of Rung
    draws : sequence of Draw
        Their rows count in the rows of the dataset.
    metric : str
    members : tuple of str
    higher_is_better : bool
    compile_seconds : float
        Up to now, all threads together.
    """

    higher_is_better = False

    def __init__(self, made: Making, rungs: Sequence[Rung], draws: Sequence[Draw], judged: Metric):
        self.rungs, self.draws, self.judged = rungs, draws, judged
        self.metric = judged.name
        self.members = tuple(f"draw {number + 1}" for number in range(len(draws)))
        self.compile_seconds = 0.0
        self._made = made
        self._dataset = made.dataset(TRAIN)
        weighed = Dataset(self._dataset.inputs, self._dataset.targets, made.report_weights(TRAIN))
        self._held_out = [weighed.take(draw.held_out) for draw in draws]
        self._shared: dict[int, SharedExamples] = {}
        self._lock = threading.Lock()

    def check(self, parameters: Mapping[str, Any]) -> None:
        """Every configuration can be trained."""

    def key(self, parameters: Mapping[str, Any]) -> Hashable:
        """Return network and rows of a step: what is compiled for them is shared."""
        batch = self.rungs[parameters[NETWORK]].recipe.rows_per_step
        return parameters[NETWORK], min(parameters[ROWS], batch or parameters[ROWS])

    def begin(self, parameters: Mapping[str, Any], member: int) -> Contender:
        """Return the training of a network on so many rows of a draw."""
        began = time.perf_counter()
        shared, draw = self._share(parameters[NETWORK]), self.draws[member]
        learning, validation = draw.take(parameters[ROWS])
        seed = (self._made.plan.seed + member) % 2**63
        own = Member(seed=seed, rows=learning, validation_rows=validation if len(validation) else None)
        training = prepare_training(shared.course, shared.of(own), Run(seed=seed), Handlers())
        with self._lock:
            self.compile_seconds += time.perf_counter() - began
        return _Learner(training, lambda found: self.error(shared.course, found, member))

    def error(self, course: Course, parameters: Mapping[str, np.ndarray], member: int) -> float:
        """Return the error on the rows that a draw holds out, in the unit of the target where there is one."""
        arrays = as_arrays(course.network, course.losses, self._held_out[member])
        value = course.evaluator.evaluate(parameters, arrays, [self.judged])[self.judged.name]
        return 1.0 - value if self.judged.higher_is_better else value * self.scale

    @property
    def scale(self) -> float:
        """What a length is multiplied by to be in the target's own unit."""
        targets = self._made.targets
        alone = targets.task == "regression" and len(targets.names) == 1 and SCALE in targets.arrays
        return float(targets.arrays[SCALE][0]) if alone and self.metric in IN_OWN_UNIT else 1.0

    def _share(self, number: int) -> SharedExamples:
        """Return what all trainings of a network have in common, made when it is first asked for."""
        with self._lock:
            if number not in self._shared:
                rung = self.rungs[number]
                choices = rung.recipe.fit_arguments(self._made.loss)
                course = set_course(rung.network, clip_value=None, shuffle=True, **choices)
                self._shared[number] = SharedExamples(course, self._dataset, None, identified=False)
            return self._shared[number]


class _Learner:
    """A training that is judged at its end by the rows held out."""

    def __init__(self, training: Training, score: Callable[[Mapping[str, np.ndarray]], float]):
        self.training, self.score = training, score
        network = training.plan.evaluator.network
        self.epochs, self.ended = training.plan.epochs, False
        self.size = COPIES * network.count_parameters() * network.dtype.numpy.itemsize
        self.value = float("nan")
        self.seconds = 0.0
        self._begun = False

    def learn(self, epochs: int, seconds: float) -> bool:
        """Learn for about so many seconds; say whether it has ended."""
        began = time.perf_counter()
        reason = None if self._begun else self.training.begin()
        self._begun = True
        reason = reason or learn_a_while(self.training, seconds)
        if reason == INTERRUPTED:
            raise KeyboardInterrupt
        if reason is not None:
            self.training.end(reason)
            self.value = self.score(training_result(self.training, reason).parameters)
            self.ended = True
        self.seconds += time.perf_counter() - began
        return self.ended

    def result(self) -> MemberResult:
        """Return the error, and what it took."""
        fitted = training_result(self.training, "")
        return MemberResult(self.value, fitted.progress.epoch, fitted.best_epoch, self.seconds)


@dataclass
class Trained:
    """What came of the trainings: trials by network and rows, and why there are no more.

    Attributes
    ----------
    trials : dict of (int, int) to Trial
        Those that have ended, by number of the network and of rows.
    rows : int
        What the networks were compared on.
    interrupted, short_of_time : bool
    """

    trials: dict[tuple[int, int], Trial] = field(default_factory=dict)
    rows: int = 0
    interrupted: bool = False
    short_of_time: bool = False

    def errors(self, network: int, rows: int) -> np.ndarray:
        """Return the errors of a trial, [draws]."""
        return np.array([member.value for member in self.trials[network, rows].members])

    def finished(self, network: int, rows: int) -> Trial | None:
        """Return a trial that has an error for each draw."""
        found = self.trials.get((network, rows))
        usable = found is not None and found.state == FINISHED and np.isfinite([m.value for m in found.members]).all()
        return found if usable else None


class Trainings:
    """Trains a planned network on more and more rows, then networks of other sizes on as many as time allows.

    Parameters
    ----------
    objective : LearningObjective
    planned : int
        The number of the planned network.
    sizes : ndarray of int
        How many rows, ascending.
    limit : float
        How many seconds all may take.
    threads : int, optional
    """

    def __init__(
        self, objective: LearningObjective, planned: int, sizes: np.ndarray, limit: float, threads: int | None
    ):
        self.objective, self.planned, self.limit = objective, planned, limit
        self.threads = threads or usable_cores()
        self.waiting = [(planned, int(rows)) for rows in sizes]
        self.others = [number for number in range(len(objective.rungs)) if number != planned]
        self.found = Trained()
        self.handed: list[tuple[int, int]] = []
        self.workers = Workers(objective, self.threads, self._note)
        self.began = time.perf_counter()

    @property
    def total(self) -> int:
        """How many trainings there are to be."""
        count = len(self.handed) + len(self.waiting) + len(self.others)
        return count * len(self.objective.draws)

    def run(self, on: Callable[[int, int], None] | None = None) -> Trained:
        """Train; ``on(done, total)`` is told of how far all are."""
        self.workers.start()
        try:
            while not self._step():
                self.workers.wait(LOOK_SECONDS)
                if on is not None:
                    on(len(self.found.trials) * len(self.objective.draws), self.total)
        except KeyboardInterrupt:
            self.found.interrupted = True
        finally:
            self.workers.stop()
            self.workers.join(STOP_SECONDS)
        if self.workers.failure is not None:
            raise self.workers.failure
        return self.found

    def _step(self) -> bool:
        """Hand over what threads could want; say whether all is over."""
        if self.workers.failure is not None:
            return True
        if time.perf_counter() - self.began >= self.limit:
            self.found.short_of_time = True
            return True
        under_way = self.workers.open_brackets()
        while self.workers.load.waiting < 2 * self.threads and self._begin_next():
            under_way = [0]
        return not under_way and not self.workers.load.running

    def _begin_next(self) -> bool:
        if self.waiting:
            network, rows = self.waiting[0]
            if not self._affordable(network, rows, OF_ROWS):
                self.waiting.clear()
                return self._begin_next()
            self.waiting.pop(0)
        elif self.others:
            network = self.others.pop(0)
            rows = self.found.rows = max(rows for of, rows in self.handed if of == self.planned)
            if not self._affordable(network, rows, 1.0):
                return self._begin_next()
        else:
            return False
        self.handed.append((network, rows))
        number = len(self.handed) - 1
        self.workers.add(
            Bracket(number, [Trial(number, {NETWORK: network, ROWS: rows})], self.objective, pruner("none"))
        )
        return True

    def _affordable(self, network: int, rows: int, share: float) -> bool:
        """Say whether there is time, judging by the planned network on the most rows up to now."""
        known = [(of_rows, trial) for (of, of_rows), trial in self.found.trials.items() if of == self.planned]
        if not known:
            return True
        most, trial = max(known, key=lambda one: one[0])
        under_way = [one for one in self.handed if one not in self.found.trials]
        work = sum(self._size(of) * of_rows for of, of_rows in [*under_way, (network, rows)])
        needed = trial.seconds * work / (self._size(self.planned) * most * self.threads)
        fits = time.perf_counter() - self.began + needed <= share * self.limit
        self.found.short_of_time = self.found.short_of_time or not fits
        return fits

    def _size(self, network: int) -> float:
        """Return how much there is to compute for a row, but for a factor: small networks take their time too."""
        rungs = self.objective.rungs
        return rungs[network].parameters + SMALL * rungs[self.planned].parameters

    def _note(self, trials: Sequence[Trial]) -> None:
        for trial in trials:
            self.found.trials[trial.parameters[NETWORK], trial.parameters[ROWS]] = trial
