"""What a search takes besides the trainings: the same trainings without study, proposals and progress."""

from __future__ import annotations

import statistics
import threading
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pellucid.bench.tune.clock import Clock
from pellucid.bench.tune.material import SPACE, read_case
from pellucid.bench.tune.own.searches import Arrangement, as_dataset
from pellucid.executors.cores import share_of_cores
from pellucid.tuning.networks import NetworkObjective
from pellucid.tuning.objective import Objective
from pellucid.tuning.search import search
from pellucid.tuning.status import SearchResult

METHODS = {"random": ("random", "none"), "halving": ("random", "halving"), "tpe": ("tpe", "halving")}
"""By name: sampler and pruner."""

SLICE_SECONDS = 3600.0


def measure_overhead(
    clock: Clock, folder: str, trials: int, epochs: int, rounds: int, cores: int
) -> dict[str, dict[str, Any]]:
    """Search, and do the trainings of that search in a bare loop, in turn; all programs are compiled before.

    Returns
    -------
    dict
        ``methods``: for each, ``search`` and ``bare``: seconds of each round; ``training``: seconds that threads spent
        training, as the trials of each search tell, divided by the number of threads; ``overhead``; ``trainings``.
    """
    case = read_case(folder, "digits")
    arrangement = Arrangement(epochs, case.outputs, case.x.shape[1])
    objective = NetworkObjective(arrangement, as_dataset(case), case.pairs(), metric="log_loss")
    return {"methods": {name: _measure(_Timed(objective, folder, name, trials, cores), rounds) for name in METHODS}}


def _measure(timed: _Timed, rounds: int) -> dict[str, Any]:
    _, found = timed.search("warm")
    work = _trainings(found)
    run_bare(timed.objective, work, timed.cores)
    searches, bare, training = [], [], []
    for number in range(rounds):
        seconds, again = timed.search(str(number))
        if _trainings(again) != work:
            raise RuntimeError("another search found other trials")
        searches.append(seconds)
        training.append(sum(trial.seconds for trial in again.trials) / timed.cores)
        bare.append(run_bare(timed.objective, work, timed.cores))
    ratio = statistics.median(one / other for one, other in zip(searches, bare, strict=True))
    return {"search": searches, "bare": bare, "training": training, "overhead": ratio - 1, "trainings": len(work)}


Training = tuple[dict[str, Any], int, int]
"""A configuration, a member, and how many epochs it learned."""


def _trainings(found: SearchResult) -> list[Training]:
    return [
        (dict(trial.parameters), member, result.epochs)
        for trial in found.trials
        for member, result in enumerate(trial.members)
    ]


class _Timed:
    def __init__(self, objective: Objective, folder: str, method: str, trials: int, cores: int):
        self.objective, self.folder, self.method, self.trials, self.cores = objective, folder, method, trials, cores

    def search(self, name: str) -> tuple[float, SearchResult]:
        """Search with a new study on disk and somebody who watches; return the seconds and what was found."""
        sampler, pruner = METHODS[self.method]
        watched: list[Any] = []
        clock = Clock.start()
        found = search(
            self.objective,
            SPACE,
            trials=self.trials,
            sampler=sampler,
            pruner=pruner,
            study=Path(self.folder) / f"overhead-{self.method}-{name}.db",
            threads=self.cores,
            on=watched.append,
        )
        return clock(), found


def run_bare(objective: Objective, work: Sequence[Training], threads: int) -> float:
    """Do trainings one after the other in each thread, and nothing else; return the seconds."""
    waiting = deque(work)
    failures: list[BaseException] = []

    def run() -> None:
        try:
            with share_of_cores(threads):
                while waiting:
                    try:
                        parameters, member, epochs = waiting.popleft()
                    except IndexError:
                        return
                    contender = objective.begin(parameters, member)
                    while not contender.learn(epochs, SLICE_SECONDS):
                        pass
                    contender.result()
        except BaseException as error:
            failures.append(error)

    clock = Clock.start()
    workers = [threading.Thread(target=run) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if failures:
        raise failures[0]
    return clock()
