"""Threads that train contenders, a little of each in turn, whatever trial and bracket they belong to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

from pellucid.errors import PellucidError
from pellucid.executors.cores import prompt_threads, share_of_cores
from pellucid.tuning.bracket import Bracket, Job
from pellucid.tuning.objective import Contender, Objective
from pellucid.tuning.trial import Trial

SLICE_SECONDS = 0.05
"""How long a thread learns before it looks whether to stop."""

NO_MEMORY = "the memory of this machine does not suffice for it"


@dataclass(frozen=True)
class Load:
    """What there is to do: trainings under way and waiting, and threads that compile."""

    running: int
    waiting: int
    compiling: int


class Workers:
    """Threads that do what brackets have to do, until they are told to stop.

    A thread takes the first training that waits, of the oldest bracket; it passes over those whose program another
    thread is compiling, so that one compiles while others train.

    Parameters
    ----------
    objective : Objective
    threads : int
    ended : callable
        ``ended(trials)`` is told of trials that have ended, by one thread at a time.
    """

    def __init__(self, objective: Objective, threads: int, ended: Callable[[Sequence[Trial]], None]):
        self.objective, self.ended = objective, ended
        self.brackets: list[Bracket] = []
        self.failure: BaseException | None = None
        self._change = threading.Condition()
        self._stopping = False
        self._running = 0
        self._compiling: set[Hashable] = set()
        self._compiled: set[Hashable] = set()
        self._threads = [threading.Thread(target=self._work, name=f"trials {n}", daemon=True) for n in range(threads)]
        self._alive = 0

    def start(self) -> None:
        """Let the threads begin."""
        for thread in self._threads:
            thread.start()
            with self._change:
                self._alive += 1

    def add(self, bracket: Bracket) -> None:
        """Hand over a bracket."""
        with self._change:
            self.brackets.append(bracket)
            self._change.notify_all()

    @property
    def lock(self) -> threading.Condition:
        """Held while it is told of trials that have ended."""
        return self._change

    @property
    def load(self) -> Load:
        """What there is to do."""
        with self._change:
            waiting = sum(bracket.count_waiting() for bracket in self.brackets)
            return Load(self._running, waiting, len(self._compiling))

    def open_brackets(self) -> list[int]:
        """Return the numbers of the brackets that have not ended."""
        with self._change:
            self.brackets = [bracket for bracket in self.brackets if not bracket.done]
            return [bracket.number for bracket in self.brackets]

    def wait(self, seconds: float) -> None:
        """Wait for something to end, or for so long."""
        with self._change:
            self._change.wait(seconds)

    def stop(self) -> None:
        """Tell the threads to stop after what they are at."""
        with self._change:
            self._stopping = True
            self._change.notify_all()

    def join(self, seconds: float) -> bool:
        """Wait until all threads have stopped, at most so long; say whether they have."""
        with self._change:
            return self._change.wait_for(lambda: self._alive == 0, seconds)

    def _work(self) -> None:
        try:
            with share_of_cores(len(self._threads)), prompt_threads():
                while (job := self._take()) is not None:
                    self._do(job)
        except BaseException as error:
            with self._change:
                self.failure = self.failure or error
                self._stopping = True
        finally:
            with self._change:
                self._alive -= 1
                self._change.notify_all()

    def _take(self) -> Job | None:
        """Return the next thing to do, when there is one; None when it is time to stop."""
        with self._change:
            while not self._stopping:
                job = self._find()
                if job is not None:
                    job.bracket.take(job)
                    self._running += 1
                    if job.entry.key not in self._compiled:
                        self._compiling.add(job.entry.key)
                    return job
                self._change.wait()
        return None

    def _find(self) -> Job | None:
        jobs = (job for bracket in self.brackets for job in bracket.jobs())
        return next((job for job in jobs if job.entry.key not in self._compiling), None)

    def _do(self, job: Job) -> None:
        error: str | None = None
        done = False
        try:
            contender = self._begun(job)
            done = all(self._learn(contender, epochs) for epochs in job.bracket.stops(contender))
        except PellucidError as met:
            error, done = str(met).splitlines()[0][:500], True
        except MemoryError:  # of this network; others are smaller
            error, done = NO_MEMORY, True
        with self._change:
            self._running -= 1
            if done:
                trials = job.bracket.settle(job, error)
                if trials:
                    self.ended(trials)
            self._change.notify_all()

    def _learn(self, contender: Contender, epochs: int) -> bool:
        """Let a contender learn until so many epochs have passed; say whether they have, or it was time to stop."""
        while not self._stopping:
            if contender.learn(epochs, SLICE_SECONDS):
                return True
        return False

    def _begun(self, job: Job) -> Contender:
        """Return the contender of a job, made where it is new."""
        entry = job.entry
        found = entry.contenders.get(job.member)
        if found is not None:
            return found
        try:
            made = self.objective.begin(entry.trial.parameters, job.member)
        finally:
            with self._change:
                self._compiling.discard(entry.key)
                self._compiled.add(entry.key)
                self._change.notify_all()
        with self._change:  # others look at what the bracket holds
            entry.contenders[job.member] = made
        return made
