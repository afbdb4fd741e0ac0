"""The search itself, within a budget: it leaves the end as much time as that will take."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from pellucid.errors import UsageError
from pellucid.training.progress import ProgressBar
from pellucid.tuning.engine import run_search
from pellucid.tuning.pruning import Pruner
from pellucid.tuning.samplers import Sampler
from pellucid.tuning.status import OUT_OF_TIME, SPACE_RAN_OUT, TRIALS_RAN_OUT, SearchResult, Status
from pellucid.tuning.study import Study
from pellucid.tuning.trial import WAITING, ranking
from pellucid.workflow.making import Making
from pellucid.workflow.reports.layout import count_things, show_number
from pellucid.workflow.tuning.budget import NO_TIME, Budget, estimate_end
from pellucid.workflow.tuning.recipe_objective import RecipeObjective

FIRST = 9
"""After so many trials, those of the first bracket, it is seen what the end will take."""

ENDED = (TRIALS_RAN_OUT, SPACE_RAN_OUT, OUT_OF_TIME)
"""Reasons for which a search is over and not merely stopped."""

OnStatus = Callable[[Status], None]


class Searching:
    """A search within a budget. The default settings are the first trial, where the space has them.

    Parameters
    ----------
    objective : RecipeObjective
    sampler : Sampler
    pruner : Pruner
    study : Study
        Open for writing.
    budget : Budget
    defaults : Making
        By the plan without a search.
    threads : int, optional
    kept : bool
        Whether a folder is to be written in the end.
    """

    def __init__(
        self,
        objective: RecipeObjective,
        sampler: Sampler,
        pruner: Pruner,
        study: Study,
        budget: Budget,
        defaults: Making,
        threads: int | None,
        kept: bool,
    ):
        self.objective, self.sampler, self.pruner, self.study = objective, sampler, pruner, study
        self.budget, self.defaults, self.threads, self.kept = budget, defaults, threads, kept
        self.usual = objective.space.parameters_of(objective.space.plan.recipe)
        self._before, self._end = 0.0, 0.0
        self._ended_before, self._compiled_before, self._seconds = 0, 0.0, 0.0

    def run(self, wanted: int | None, on: OnStatus | None, progress: bool | None) -> SearchResult:
        """Search until there are so many trials, or the time for it is over.

        Raises
        ------
        UsageError
            Where no trial was done in the time.
        KeyboardInterrupt
            Where it was interrupted before any trial was done.
        """
        self._ended_before = sum(trial.done for trial in self.study.trials())
        self._compiled_before = self.objective.compile_seconds
        line = _Line(progress, self.objective.metric)
        told = [one for one in (on, line.show) if one is not None]

        def tell(status: Status) -> None:
            for one in told:
                one(self._of_all(status, wanted))

        with line:
            result = self._first(wanted, tell)
            if result is None:
                self._before, self._end = self.budget.spent(), self._end_seconds()
                result = self._search(wanted, self.budget.for_search(self._end), tell)
        if result.best is None:
            if result.interrupted:
                raise KeyboardInterrupt
            self._explain(result)
        return result

    def _first(self, wanted: int | None, tell: OnStatus) -> SearchResult | None:
        """Do the first trials, where there is a time limit; return what came of it if that was all there is to do."""
        there = len(self.study.trials())
        if self.budget.limit is None or there >= FIRST or (wanted is not None and wanted <= FIRST):
            return None
        self._before = self.budget.spent()
        found = self._search(FIRST, self.budget.for_search(0.0), tell)
        return None if found.reason == TRIALS_RAN_OUT else found

    def _search(self, trials: int | None, seconds: float | None, tell: OnStatus) -> SearchResult:
        found = run_search(
            self.objective,
            self.sampler,
            self.pruner,
            self.study,
            trials=trials,
            seconds=seconds,
            start_with=[] if self.usual is None or self.sampler.name == "grid" else [self.usual],
            threads=self.threads,
            on=tell,
        )
        ended = sum(trial.done for trial in found.trials)
        self._seconds += found.seconds
        return replace(
            found, seconds=self._seconds, compile_seconds=self._compiled(), rate=self._rate(ended, self._seconds)
        )

    def _compiled(self) -> float:
        """Return what compiling has taken since the search began, all threads together."""
        return self.objective.compile_seconds - self._compiled_before

    def _rate(self, ended: int, seconds: float) -> float:
        """Return how many trials a minute have ended since the search began, the first ones among them."""
        return 60 * (ended - self._ended_before) / seconds if seconds > 0 else 0.0

    def _end_seconds(self) -> float:
        if self.budget.limit is None:
            return 0.0
        compiled = self.objective.compile_seconds / max(1, self.objective.architectures_made)
        return estimate_end(self.budget.limit, self.study.trials(), self.defaults, compiled, self.threads, self.kept)

    def _of_all(self, status: Status, wanted: int | None) -> Status:
        """Return a status as one of the whole search, of which this may be a part."""
        left = self.budget.for_search(self._end)
        left = 0.0 if left == NO_TIME else left
        ended = sum(count for state, count in status.trials.items() if state != WAITING)
        rate = self._rate(ended, self._seconds + status.seconds)
        if wanted is not None and rate > 0:
            left = min(60 * max(wanted - ended, 0) / rate, math.inf if left is None else left)
        return replace(
            status,
            wanted=wanted,
            left=left,
            seconds=status.seconds + self._before,
            rate=rate,
            compile_seconds=self._compiled(),
        )

    def _explain(self, result: SearchResult) -> None:
        """Say why there is no winner."""
        failed = next((trial.error for trial in result.trials if trial.error), None)
        if failed is not None:
            got = f"{count_things(len(result.trials), 'trial')}, the first error: {failed}"
            raise UsageError("every trial has failed", where="space", got=got, fix="Change the space.")
        fix = "Give it more time, fewer folds, or smaller networks."
        raise UsageError("no trial was done in the time", where="time_limit", got=f"{self.budget.limit:g} s", fix=fix)


def search_as_it_stands(study: Study, higher_is_better: bool) -> SearchResult:
    """Return what came of a search that has ended."""
    trials = tuple(study.trials())
    sessions = study.sessions()
    return SearchResult(
        trials=trials,
        best=next(iter(ranking(trials, higher_is_better)), None),
        seconds=0.0,
        compile_seconds=0.0,
        reason=str(sessions[-1].get("reason")) if sessions else TRIALS_RAN_OUT,
        interrupted=False,
        rate=0.0,
        higher_is_better=higher_is_better,
    )


def has_ended(study: Study) -> bool:
    """Say whether the last one who searched came to an end."""
    sessions = study.sessions()
    return bool(sessions) and sessions[-1].get("reason") in ENDED and any(trial.done for trial in study.trials())


class _Line:
    """A line of progress on standard error."""

    def __init__(self, show: bool | None, metric: str):
        self.metric = metric
        self._bar = ProgressBar(1, show)

    def __enter__(self) -> _Line:
        self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.close()

    def show(self, status: Status) -> None:
        ended = sum(count for state, count in status.trials.items() if state != WAITING)
        done = ended / status.wanted if status.wanted else 0.0
        if status.left is not None and not status.wanted:
            done = status.seconds / max(status.seconds + status.left, 1e-9)
        told = [f"{ended:,} trials"]
        if status.best and status.best[0].value is not None:
            told.append(f"{self.metric.replace('_', ' ')} {show_number(self.metric, status.best[0].value)}")
        self._bar.update(min(done, 1.0), 0, told, status.left)
