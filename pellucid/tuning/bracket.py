"""Brackets: trials that were proposed together, train side by side, and are compared round after round."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field

from pellucid.tuning.objective import Contender, Objective
from pellucid.tuning.pruning import Pruner
from pellucid.tuning.trial import FAILED, FINISHED, PRUNED, MemberResult, Trial, common_value

MOST_BYTES = 2**29
"""So much a bracket's trainings may hold between rounds. Others are forgotten, and trained anew to the same bits."""


@dataclass(eq=False)
class Entry:
    """A trial under way.

    Attributes
    ----------
    trial : Trial
        As it was proposed, or as an earlier run of the study has ended it.
    key : Hashable
        What it shares with other trials.
    contenders : dict of Contender
        Its trainings that have begun and are held in memory, by member.
    results : dict of MemberResult
        What each member had brought when it was last done with.
    over : set of int
        The members that have nothing more to learn.
    waiting : list of int
        The members that nobody trains yet in this round.
    training : set of int
        Those that are being trained.
    errors : dict of str
        What has ended members, by member. A trial tells the first member's, which does not depend on who was quicker.
    """

    trial: Trial
    key: Hashable
    contenders: dict[int, Contender] = field(default_factory=dict)
    results: dict[int, MemberResult] = field(default_factory=dict)
    over: set[int] = field(default_factory=set)
    waiting: list[int] = field(default_factory=list)
    training: set[int] = field(default_factory=set)
    errors: dict[int, str] = field(default_factory=dict)

    @property
    def error(self) -> str | None:
        """What has ended the first of its members that met an error."""
        return self.errors[min(self.errors)] if self.errors else None

    @property
    def idle(self) -> bool:
        """Whether nothing is left to do in this round."""
        return not self.waiting and not self.training

    @property
    def size(self) -> int:
        """The bytes that its contenders hold, about."""
        return sum(one.size for one in self.contenders.values())

    def in_order(self) -> tuple[MemberResult, ...]:
        """Return the results of its members."""
        return tuple(self.results[member] for member in sorted(self.results))


@dataclass(frozen=True, eq=False)
class Job:
    """One member of a trial, to learn until so many epochs have passed."""

    bracket: Bracket
    entry: Entry
    member: int


class Bracket:
    """Trials in rounds.

    What goes on after a round depends on values and numbers of trials alone, not on who was ready first. Trials that
    an earlier run has ended already take part in the comparisons; what is on record of them stays.

    Parameters
    ----------
    number : int
    trials : sequence of Trial
    objective : Objective
    pruner : Pruner
    """

    def __init__(self, number: int, trials: Sequence[Trial], objective: Objective, pruner: Pruner):
        self.number, self.pruner, self.round = number, pruner, 0
        self.higher_is_better, self.members = objective.higher_is_better, len(objective.members)
        entered = [trial for trial in trials if not trial.done or pruner.rounds]
        self.entries = [Entry(trial, objective.key(trial.parameters)) for trial in entered]
        self._open()

    @property
    def done(self) -> bool:
        """Whether all its trials have ended."""
        return not self.entries

    def jobs(self) -> Iterator[Job]:
        """Yield what can be begun now."""
        for entry in self.entries:
            if entry.waiting:
                yield Job(self, entry, entry.waiting[0])

    def count_waiting(self) -> int:
        """Return how many trainings wait for a thread."""
        return sum(len(entry.waiting) for entry in self.entries)

    def take(self, job: Job) -> None:
        """Note that a job is being done."""
        job.entry.waiting.remove(job.member)
        job.entry.training.add(job.member)

    def settle(self, job: Job, error: str | None = None) -> list[Trial]:
        """Note that a job is done, or has met an error; return the trials that have ended by that."""
        entry, member = job.entry, job.member
        entry.training.discard(member)
        contender = entry.contenders.get(member)
        if contender is not None and error is None:
            entry.results[member] = contender.result()
            if contender.ended:
                entry.over.add(member)
            if contender.ended or self._held() > MOST_BYTES:
                del entry.contenders[member]
        if error is not None:
            entry.errors[member] = error
            entry.waiting.clear()  # members are taken in their order, so those before it are done or being trained
        if not entry.idle:
            return []
        ended = self._end(entry, FINISHED) if entry.errors or self._last else []
        while self.entries and not self._last and all(one.idle for one in self.entries):
            ended += self._next_round()
        return ended

    def stops(self, contender: Contender) -> tuple[int, ...]:
        """Return after how many epochs a contender stops up to this round: one that is trained anew, at all of them."""
        return self.pruner.stops(contender.epochs)[: self.round + 1]

    @property
    def _last(self) -> bool:
        return self.round == self.pruner.rounds

    def _open(self) -> None:
        """Let all that are left begin the round, but for members that have nothing more to learn."""
        for entry in self.entries:
            entry.waiting = [member for member in range(self.members) if member not in entry.over]

    def _held(self) -> int:
        return sum(entry.size for entry in self.entries)

    def _next_round(self) -> list[Trial]:
        """Compare all, and begin the next round with the best; return the trials that have ended by that."""
        ranked = sorted(self.entries, key=self._rank)
        kept = self.pruner.kept(len(ranked), self.round)
        ended = [trial for entry in ranked[kept:] for trial in self._end(entry, PRUNED)]
        self.round += 1
        self._open()
        if self._last:
            over = [entry for entry in self.entries if entry.idle or entry.trial.done]
            ended += [trial for entry in over for trial in self._end(entry, FINISHED)]
        return ended

    def _rank(self, entry: Entry) -> tuple[bool, float, int]:
        value = self._value(entry)
        sign = -1.0 if self.higher_is_better else 1.0
        return math.isnan(value), 0.0 if math.isnan(value) else sign * value, entry.trial.number

    def _end(self, entry: Entry, state: str) -> list[Trial]:
        """Take a trial out; return it as it has ended, unless that is on record already."""
        self.entries.remove(entry)
        if entry.trial.done:
            return []
        if entry.error is not None:
            return [entry.trial.ended(FAILED, (), entry.error)]
        return [entry.trial.ended(state, entry.in_order(), value=self._value(entry))]

    def _value(self, entry: Entry) -> float:
        return common_value(entry.in_order(), self.higher_is_better)
