"""The time of a search, and what its end will take of it."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

from pellucid.executors.cores import usable_cores
from pellucid.optim.settings import check_number
from pellucid.tuning.trial import FINISHED, PRUNED, Trial
from pellucid.workflow.baselines.gradient_boosting import MOST_FEATURES, Cells, estimate_seconds
from pellucid.workflow.division import TRAIN, VALIDATION
from pellucid.workflow.judging import MOST_SECONDS
from pellucid.workflow.making import Making

SEEDS = 5
"""The winner and the defaults are trained with so many seeds, if there is time."""

AFTER_INTERRUPT = 10.0
"""So many seconds the end may take once Ctrl-C has ended the search."""

MOST_OF_END, LEAST_OF_END = 0.5, 0.1
"""The shares of a time limit that the end gets at most and at least."""

TREES_SHARE = 0.25
"""The share of a time limit that the baselines may take."""

OTHERS_SECONDS = 3.0
"""What the end takes besides, to load libraries, to resample and to find out which settings mattered."""

TRIALS_OF_ENSEMBLE = 8
"""So many trials are to be trained again for the ensemble, at least, if there is time."""

FINAL_TRIALS = 20
"""So many trials are cross-validated again to choose the winner, if there is time."""

PICTURES_SECONDS = 4.0

NO_TIME = 1e-3
"""Seconds that a search is given where none are left: it looks at its time and ends."""


class Budget:
    """What is left of a time limit.

    Parameters
    ----------
    limit : float, optional
        In seconds, from now on; without one there is always time.
    """

    def __init__(self, limit: float | None):
        if limit is not None:
            check_number("time_limit", limit, "(0, inf)")
        self.limit, self._began = limit, time.perf_counter()

    def spent(self) -> float:
        """Return how many seconds have passed."""
        return time.perf_counter() - self._began

    def left(self) -> float:
        """Return how many seconds are left; infinity without a limit."""
        return math.inf if self.limit is None else max(self.limit - self.spent(), 0.0)

    def shorten(self, seconds: float) -> None:
        """Leave so many seconds from now on, at most."""
        self.limit = self.spent() + min(seconds, self.left())

    def for_baselines(self) -> float:
        """Return what the baselines may take of what is left."""
        return MOST_SECONDS if self.limit is None else self._for_baselines(self.limit)

    def _for_baselines(self, limit: float) -> float:
        return min(MOST_SECONDS, max(1.0, min(TREES_SHARE * limit, 0.7 * self.left())))

    def for_search(self, end: float) -> float | None:
        """Return what the search may take, where its end will take so long."""
        if self.limit is None:
            return None
        kept = min(max(end, LEAST_OF_END * self.limit), MOST_OF_END * self.limit)
        return max(self.left() - kept, NO_TIME)


def estimate_end(
    limit: float, trials: Sequence[Trial], made: Making, compile_seconds: float, threads: int | None, kept: bool
) -> float:
    """Return about how long the end of a search will take, from what its trials took.

    Parameters
    ----------
    limit : float
        Of all the time.
    trials : sequence of Trial
    made : Making
        By the plan without a search.
    compile_seconds : float
        What compiling took for one architecture.
    threads : int, optional
    kept : bool
        Whether pictures are drawn.
    """
    cores = threads or usable_cores()
    whole = [trial for trial in trials if trial.state == FINISHED] or [
        trial for trial in trials if trial.state == PRUNED
    ]
    seconds = sorted(trial.seconds for trial in whole)
    of_trial = seconds[len(seconds) * 3 // 4] if seconds else 0.0
    of_member = of_trial / max(1, len(whole[0].members)) if whole else 0.0
    training = of_member * (1 + 2 * SEEDS / cores) + of_trial * (TRIALS_OF_ENSEMBLE + FINAL_TRIALS) / cores
    features = Cells(made.encoding.front).count(made.found.table)
    rows = len(made.parts[TRAIN]) + len(made.parts[VALIDATION])
    trees = estimate_seconds(rows, features, made.targets) if features <= MOST_FEATURES else math.inf
    trees = trees if trees <= TREES_SHARE * limit else 0.0  # they are not grown then
    return 1.2 * training + trees + 3 * compile_seconds + (PICTURES_SECONDS if kept else 0.0) + OTHERS_SECONDS


def seeds_in(seconds: float, each: float, threads: int | None) -> int:
    """Return with how many more seeds two recipes can be trained, where one training takes `each` seconds."""
    if math.isinf(seconds):
        return SEEDS - 1
    return max(0, min(SEEDS - 1, int(seconds * (threads or usable_cores()) / max(2 * each, 1e-6))))
