"""What is known of a study's trials, in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pellucid.errors import UsageError
from pellucid.tuning.study.texts import from_json, to_json
from pellucid.tuning.trial import FINISHED, STATES, WAITING, Trial, ranking

_KEPT = 100
"""So many of the best are kept in order, so that asking for them is free."""


class Ledger:
    """Trials by number, and the best of them.

    Parameters
    ----------
    higher_is_better : bool
    trials : sequence of Trial
    ended : mapping
        When trials have ended, by number.
    sessions : sequence of dict
    """

    def __init__(
        self,
        higher_is_better: bool,
        trials: Sequence[Trial] = (),
        ended: Mapping[int, str] | None = None,
        sessions: Sequence[dict[str, Any]] = (),
    ):
        self.higher_is_better = higher_is_better
        self.trials = {trial.number: trial for trial in trials}
        self.ended = dict(ended or {})
        self.sessions = list(sessions)
        self.counts = dict.fromkeys(STATES, 0)
        for trial in trials:
            self.counts[trial.state] += 1
        self._best: list[Trial] = []
        self._fresh = [trial for trial in trials if trial.done]

    def all(self) -> list[Trial]:
        """Return all trials by number."""
        return list(self.trials.values())

    def one(self, number: int) -> Trial:
        """Return one trial.

        Raises
        ------
        UsageError
            Where there is none of this number.
        """
        if number not in self.trials:
            known = f"one of {len(self.trials)} from 0" if self.trials else "none: there are no trials"
            raise UsageError("there is no such trial", where="number", got=str(number)[:40], expected=known)
        return self.trials[number]

    def best(self, count: int) -> list[Trial]:
        """Return the best trials: finished ones, or pruned ones where none has finished."""
        if count > _KEPT:
            ranked = ranking(list(self.trials.values()), self.higher_is_better)
        else:
            ranked = self._best = ranking([*self._best, *self._fresh], self.higher_is_better)[:_KEPT]
            self._fresh = []
        if ranked and ranked[0].state == FINISHED:
            ranked = [trial for trial in ranked if trial.state == FINISHED]
        return ranked[: max(count, 0)]

    def check_new(self, trials: Sequence[Trial]) -> list[Trial]:
        """Return trials that can be added, as they would come back from a file.

        Raises
        ------
        UsageError
            Where one does not wait, has not the next number, or has parameters that can not be written down.
        """
        checked: list[Trial] = []
        for number, trial in enumerate(trials, len(self.trials)):
            where = f"trial {trial.number}"
            if trial.state != WAITING or trial.members:
                raise UsageError("a new trial waits and has no results", where=where, got=trial.state)
            if trial.number != number:
                raise UsageError("trials are numbered without gaps", where=where, expected=f"trial {number}")
            checked.append(replace(trial, parameters=from_json(to_json(dict(trial.parameters), where))))
        return checked

    def check_end(self, trial: Trial) -> Trial:
        """Return a trial at its end with the parameters that it was added with.

        Raises
        ------
        UsageError
            Where it has not ended, was not added, or has ended before.
        """
        where = f"trial {trial.number}"
        if trial.number not in self.trials:
            raise UsageError("it was not added", where=where, fix="Add a trial before it is finished.")
        known = self.trials[trial.number]
        if known.done:
            raise UsageError("it has ended before", where=where, got=known.state)
        if not trial.done or trial.state not in STATES:
            raise UsageError("it has not ended", where=where, got=trial.state)
        return replace(trial, parameters=known.parameters, bracket=known.bracket)

    def put(self, trials: Sequence[Trial]) -> None:
        """Take trials in, or what became of them."""
        for trial in trials:
            before = self.trials.get(trial.number)
            if before is not None:
                self.counts[before.state] -= 1
            self.counts[trial.state] += 1
            self.trials[trial.number] = trial
            if trial.done:
                self._fresh.append(trial)
