"""The engine of a search: proposals, bracket after bracket, trained side by side and kept in a study."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from pellucid.errors import UsageError
from pellucid.executors.cores import usable_cores
from pellucid.optim.settings import check_number
from pellucid.tuning.bracket import Bracket
from pellucid.tuning.objective import Objective
from pellucid.tuning.pruning import Pruner
from pellucid.tuning.running import Workers
from pellucid.tuning.samplers import Sampler
from pellucid.tuning.status import INTERRUPTED, OUT_OF_TIME, SPACE_RAN_OUT, TRIALS_RAN_OUT, SearchResult, Status
from pellucid.tuning.study import Study
from pellucid.tuning.trial import STATES, WAITING, Trial, ranking

SIZES = (9, 27, 60)
"""How many trials the first brackets have; those after them are as large as the last one, while there is time."""

SMALLEST = 5
"""So many trials a bracket has at least that is to end before the time limit."""

TELL_SECONDS = 0.2
"""How often somebody who watches is told how far the search is."""

STOP_SECONDS = 30.0
"""So long threads are waited for that do not stop."""

SHOWN = 10


def run_search(
    objective: Objective,
    sampler: Sampler,
    pruner: Pruner,
    study: Study,
    *,
    trials: int | None = None,
    seconds: float | None = None,
    start_with: Sequence[Mapping[str, Any]] = (),
    threads: int | None = None,
    on: Callable[[Status], None] | None = None,
) -> SearchResult:
    """Search until there are so many trials, or time is over, or Ctrl-C.

    Trials that the study has waiting come first. With a number of trials, what is proposed, trained and found is the
    same to the bit whatever the number of threads; with a time limit, that is so of every single trial.

    Parameters
    ----------
    objective : Objective
    sampler : Sampler
    pruner : Pruner
    study : Study
        Open for writing.
    trials : int, optional
        How many the study is to have in all.
    seconds : float, optional
        How long to search.
    start_with : sequence of mapping
        Configurations that are tried before all others.
    threads : int, optional
        By default as many as there are cores.
    on : callable, optional
        Told of a :class:`Status` about five times a second, and at the end.

    Returns
    -------
    SearchResult

    Raises
    ------
    UsageError
        Where neither a number of trials nor a time is given and the space has no end.
    """
    if trials is not None:
        check_number("trials", trials, "[1, inf)", whole=True)
    if seconds is not None:
        check_number("seconds", seconds, "(0, inf)")
    if threads is not None:
        check_number("threads", threads, "[1, inf)", whole=True)
        threads = int(threads)
    if on is not None and not callable(on):
        raise UsageError("nobody to be told", where="on", got=repr(on)[:80], expected="a function of a Status")
    if not objective.members:
        raise UsageError("a trial has no trainings", where="objective.members", got=repr(objective.members)[:80])
    if trials is None and seconds is None and sampler.name != "grid":
        raise UsageError("the search has no end", fix="Say how many trials, or how long.")
    return _Search(objective, sampler, pruner, study, trials, seconds, start_with, threads or usable_cores()).run(on)


class _Search:
    def __init__(
        self,
        objective: Objective,
        sampler: Sampler,
        pruner: Pruner,
        study: Study,
        wanted: int | None,
        limit: float | None,
        start_with: Sequence[Mapping[str, Any]],
        threads: int,
    ):
        self.objective, self.sampler, self.pruner, self.study = objective, sampler, pruner, study
        self.wanted, self.limit, self.start_with, self.threads = wanted, limit, start_with, threads
        self.trials = study.trials()
        self.proposed = len(self.trials)
        self.counts = {**dict.fromkeys(STATES, 0), **Counter(trial.state for trial in self.trials)}
        self.ended_before = self.proposed - self.counts[WAITING]
        self.best = ranking(self.trials, objective.higher_is_better)[:SHOWN]
        self.used_up = False
        self.workers = Workers(objective, threads, self._end)
        self.next_bracket = self.trials[-1].bracket + 1 if self.trials else 0
        self.unfinished = _unfinished(self.trials)
        self.compiled_before = objective.compile_seconds
        self.began = time.perf_counter()

    def run(self, on: Callable[[Status], None] | None) -> SearchResult:
        reason = INTERRUPTED
        told = 0.0
        self.study.begin_session({"threads": self.threads})
        try:
            self.workers.start()
            while (found := self._step()) is None:
                self.workers.wait(TELL_SECONDS / 4)
                if on is not None and time.perf_counter() - told > TELL_SECONDS:
                    told = time.perf_counter()
                    on(self.status())
            reason = found
        except KeyboardInterrupt:
            reason = INTERRUPTED
        finally:
            self.workers.stop()
            try:
                self.workers.join(STOP_SECONDS)
            except KeyboardInterrupt:
                if reason == INTERRUPTED:  # the second one
                    raise
                reason = INTERRUPTED
                self.workers.join(STOP_SECONDS)
        if self.workers.failure is not None:
            raise self.workers.failure
        status = self.status()
        self.study.end_session({"reason": reason, "compile_seconds": status.compile_seconds})
        self.study.flush()
        if on is not None:
            with suppress(KeyboardInterrupt):  # the search is over: what was found is not lost
                on(status)
        return SearchResult(
            trials=tuple(self.trials),
            best=next(iter(self.best), None),
            seconds=status.seconds,
            compile_seconds=status.compile_seconds,
            reason=reason,
            interrupted=reason == INTERRUPTED,
            rate=status.rate,
            higher_is_better=self.objective.higher_is_better,
        )

    def _step(self) -> str | None:
        """Hand over brackets as long as threads could want them; return the reason to end, if there is one."""
        if self.workers.failure is not None:
            return "an error"
        if self.limit is not None and time.perf_counter() - self.began >= self.limit:
            return OUT_OF_TIME
        while True:
            under_way = self.workers.open_brackets()
            load = self.workers.load
            if self._may_begin(under_way, load.waiting) and self._begin_bracket():
                continue
            if under_way or load.running:
                return None
            return SPACE_RAN_OUT if self.used_up and not self._enough() else TRIALS_RAN_OUT

    def _enough(self) -> bool:
        return self.wanted is not None and self.proposed >= self.wanted

    def _may_begin(self, under_way: Sequence[int], waiting: int) -> bool:
        """Say whether it is time for the next bracket.

        A sampler that learns sees the results of all brackets but the last one, which is why there are two at most:
        what it proposes must not depend on who was quicker.
        """
        if not under_way:
            return True
        if self.sampler.learns and under_way[0] < self.next_bracket - 1:
            return False
        return waiting < 2 * self.threads

    def _begin_bracket(self) -> bool:
        """Hand over the next bracket: one of the study that has not ended, or a new one; say whether there is one."""
        if self.unfinished:
            known = self.unfinished.pop(0)
            self.workers.add(Bracket(known[0].bracket, known, self.objective, self.pruner))
            return True
        if self.used_up or self._enough():
            return False
        found = self._propose()
        if not found:
            self.used_up = True
            return False
        self.study.add(found)
        with self.workers.lock:
            self.trials += found
            self.proposed += len(found)
            self.counts[WAITING] += len(found)
        self.next_bracket += 1
        self.workers.add(Bracket(found[0].bracket, found, self.objective, self.pruner))
        return True

    def _propose(self) -> list[Trial]:
        number, first = self.next_bracket, self.proposed
        size = min(SIZES[min(number, len(SIZES) - 1)], self._in_time())
        count = size if self.wanted is None else min(size, self.wanted - first)
        given = [dict(one) for one in self.start_with[first : first + count]]
        history = [trial for trial in self.trials if trial.bracket < number - 1]
        pending = [_as_proposed(trial) for trial in self.trials if trial.bracket == number - 1]
        pending += [Trial(first + at, one, number) for at, one in enumerate(given)]
        more = self.sampler.propose(first + len(given), count - len(given), history, pending) if count else []
        return [Trial(first + at, parameters, number) for at, parameters in enumerate([*given, *more])]

    def _in_time(self) -> int:
        """Return how many trials more may end before the time limit, going by those that have ended."""
        spent = time.perf_counter() - self.began
        ended = self.proposed - self.counts[WAITING] - self.ended_before
        if self.limit is None or ended < SIZES[0]:
            return SIZES[-1]
        return max(int(ended / spent * (self.limit - spent)) - self.counts[WAITING], SMALLEST)

    def _end(self, trials: Sequence[Trial]) -> None:
        """Note that trials have ended; called by one thread at a time."""
        for trial in trials:
            self.trials[trial.number] = trial
            self.counts[WAITING] -= 1
            self.counts[trial.state] += 1
            self.study.finish(trial)
        self.best = ranking([*self.best, *trials], self.objective.higher_is_better)[:SHOWN]

    def status(self) -> Status:
        """Return how far the search is."""
        now = time.perf_counter() - self.began
        ended = self.proposed - self.counts[WAITING] - self.ended_before
        rate = 60.0 * ended / now if now > 0 else 0.0
        left = None if self.limit is None else max(self.limit - now, 0.0)
        if left is None and self.wanted is not None and rate > 0:
            left = 60.0 * (self.wanted - self.ended_before - ended) / rate
        load = self.workers.load
        return Status(
            trials=dict(self.counts),
            wanted=self.wanted,
            seconds=now,
            left=left,
            rate=rate,
            best=list(self.best),
            running=load.running,
            compiling=load.compiling,
            compile_seconds=self.objective.compile_seconds - self.compiled_before,
        )


def _as_proposed(trial: Trial) -> Trial:
    """Return a trial as if nothing were known of it yet."""
    return Trial(trial.number, trial.parameters, trial.bracket)


def _unfinished(trials: Sequence[Trial]) -> list[list[Trial]]:
    """Return the trials of each bracket in which some are waiting."""
    open_ones = {trial.bracket for trial in trials if not trial.done}
    found: dict[int, list[Trial]] = {number: [] for number in sorted(open_ones)}
    for trial in trials:
        if trial.bracket in found:
            found[trial.bracket].append(trial)
    return list(found.values())
