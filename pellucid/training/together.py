"""Several trainings at once, a little of each in turn, on several threads."""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from pellucid.errors import TrainingError
from pellucid.executors.cores import share_of_cores, usable_cores
from pellucid.training.loop import INTERRUPTED, NOT_FINITE, OUT_OF_TIME, Training

SLICE_SECONDS = 0.02
"""How long a training learns before another one has its turn."""

SPARED = 0.1
"""The share of a turn that is given up rather than to begin something short."""

LOOK_SECONDS = 0.05
"""How often the main thread looks for interrupts, and shows how far all are."""

INTERRUPTS = 3
"""After so many interrupts nobody waits any more for the trainings to end properly."""


def learn_a_while(training: Training, seconds: float) -> str | None:
    """Give a training its turn; return the reason why it ended, if it did."""
    deadline = time.perf_counter() + seconds
    reason: str | None = None
    while reason is None and (left := deadline - time.perf_counter()) > seconds * SPARED:
        reason = training.advance(left)
    return reason


@dataclass
class Place:
    """A place among the trainings: who is in it now, and how that ended.

    Attributes
    ----------
    number : int
    training : Training or None
        None before it is prepared, and once it has ended and nobody needs it any more.
    begun : bool
    epochs_done : float
        How far it had come after its last turn.
    reason : str or None
        Why it ended.
    error : TrainingError or None
        What it met.
    """

    number: int
    training: Training | None = None
    begun: bool = False
    epochs_done: float = 0.0
    reason: str | None = None
    error: TrainingError | None = None


def run_together(trainings: Sequence[Training], threads: int | None = None) -> list[str]:
    """Run trainings to their end and return why each ended; what one of them meets is raised when all have ended.

    Raises
    ------
    TrainingError
    """
    places = [Place(number, training) for number, training in enumerate(trainings)]
    Together(places).run(threads or usable_cores())
    for place in places:
        if place.error is not None:
            raise place.error
    return [place.reason or "" for place in places]


def _prepared(place: Place) -> Training:
    raise ValueError(f"place {place.number} has no training")


@dataclass
class Together:
    """Trainings that run side by side; no thread waits for another one.

    Attributes
    ----------
    places : list of Place
    prepare : callable
        ``prepare(place)`` is called when it is the turn of a place without a training for the first time, and returns
        its training.
    succeed : callable
        ``succeed(place, training, reason)`` is called when the training in a place has ended, and returns the one that
        follows it there, or None.
    leave : callable
        ``leave(place, training)`` is called when all has ended in a place.
    """

    places: list[Place]
    prepare: Callable[[Place], Training] = _prepared
    succeed: Callable[[Place, Training, str], Training | None] = lambda place, training, reason: None
    leave: Callable[[Place, Training], None] = lambda place, training: None
    _waiting: deque[Place] = field(default_factory=deque, repr=False)
    _stop: threading.Event = field(default_factory=threading.Event, repr=False)
    _open: threading.Event = field(default_factory=threading.Event, repr=False)
    _ended: list[str] = field(default_factory=list, repr=False)
    _news: queue.SimpleQueue[None] = field(default_factory=queue.SimpleQueue, repr=False)
    _failure: BaseException | None = field(default=None, repr=False)
    _threads: int = field(default=1, repr=False)

    def run(self, threads: int, look: Callable[[], None] = lambda: None) -> None:
        """Run all to their end.

        After an interrupt each ends where it stands. An error other than a TrainingError ends all, and is raised.

        Parameters
        ----------
        threads : int
        look : callable
            Called in this thread every now and then.
        """
        self._waiting.extend(self.places)
        count = max(1, min(threads, len(self.places)))
        self._threads = count
        workers = [threading.Thread(target=self._work, name=f"population {n}", daemon=True) for n in range(count)]
        try:
            for worker in workers:
                worker.start()
        except BaseException:
            self._stop.set()
            raise
        finally:
            self._open.set()
        interrupts = 0
        while len(self._ended) < count:
            try:
                self._wait(count, look)
            except KeyboardInterrupt:
                self._stop.set()
                interrupts += 1
                if interrupts == INTERRUPTS:
                    raise
        if self._failure is not None:
            raise self._failure

    def _wait(self, count: int, look: Callable[[], None]) -> None:
        """Wait until so many threads have ended.

        They say so themselves: in CPython, a thread whose `join` is interrupted is taken for dead while it lives.
        """
        while len(self._ended) < count:
            with suppress(queue.Empty):
                self._news.get(timeout=LOOK_SECONDS)
            look()

    def _work(self) -> None:
        """Work until there is nothing to do, and say so."""
        self._open.wait()
        try:
            with share_of_cores(self._threads):
                self._take_turns()
        finally:
            self._ended.append(threading.current_thread().name)
            self._news.put(None)

    def _take_turns(self) -> None:
        """Give places their turns; where none waits, the other threads have them all."""
        while True:
            try:
                place = self._waiting.popleft()
            except IndexError:
                return
            try:
                self._turn(place)
            except KeyboardInterrupt:
                self._stop.set()
            except BaseException as error:
                self._failure = self._failure or error
                self._stop.set()
                if place.training is not None:
                    place.training.save_after_failure()
                place.reason = INTERRUPTED
            if place.reason is None:
                self._waiting.append(place)

    def _turn(self, place: Place) -> None:
        """Let the training in a place learn for a while; where it ends, the next one takes its place."""
        if place.training is None:
            if self._failure is not None:
                place.reason = INTERRUPTED
                return
            place.training = self.prepare(place)
        training = place.training
        try:
            reason = self._learn(place, training)
        except TrainingError as error:
            training.save_after_failure()
            place.error, place.reason = error, NOT_FINITE
        else:
            if reason == INTERRUPTED:
                self._stop.set()
            if reason is not None:
                self._end(place, training, reason)
        if place.training is not None:
            place.epochs_done = place.training.epochs_done
        if place.reason is not None:
            self.leave(place, training)

    def _learn(self, place: Place, training: Training) -> str | None:
        """Let a training learn for a while; return the reason why it ended, if it did."""
        if self._stop.is_set():
            return training.interrupt() if place.begun else INTERRUPTED
        if training.time_is_up():
            return OUT_OF_TIME
        reason = None if place.begun else training.begin()
        place.begun = True
        return reason or learn_a_while(training, SLICE_SECONDS)

    def _end(self, place: Place, training: Training, reason: str) -> None:
        if place.begun:
            reason = training.end(reason)
        follower = None if self._stop.is_set() else self.succeed(place, training, reason)
        if follower is None:
            place.reason = reason
        else:
            place.training, place.begun = follower, False
