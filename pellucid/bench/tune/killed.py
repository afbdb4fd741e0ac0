"""The child process that is killed: a search that says what is safe on disk as soon as it is."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pellucid.random import uniform
from pellucid.tuning.search import record_of, search
from pellucid.tuning.space import Space
from pellucid.tuning.study import Study, create_study, open_study
from pellucid.tuning.trial import MemberResult, Trial

SPACE = Space({"units": "choice(16, 32, 64)", "rate": "log_uniform(1e-4, 1e-1)", "dropout": "uniform(0, 0.5)"})
EPOCHS = 9
UNENDING = 10**6
"""So many trials are asked for by a search that is to be killed."""


class Instant:
    """A training that takes no time but the pause after each round; its curve follows from its configuration."""

    size = 0

    def __init__(self, parameters: Mapping[str, Any], member: int, pause: float):
        self.epochs, self.ended = EPOCHS, False
        self._pause, self._learned = pause, 0
        self._level = abs(parameters["rate"] - 0.01) + parameters["dropout"] / parameters["units"] + 0.01 * member

    def learn(self, epochs: int, seconds: float) -> bool:
        """See `pellucid.tuning.objective.Contender`."""
        time.sleep(self._pause)
        self._learned = epochs
        self.ended = epochs >= self.epochs
        return True

    def result(self) -> MemberResult:
        """See `pellucid.tuning.objective.Contender`."""
        curve = tuple((epoch, self._level * (1 + 1 / epoch)) for epoch in range(1, self._learned + 1))
        return MemberResult(curve[-1][1], self._learned, self._learned, 0.0, curve)


class InstantObjective:
    """An objective whose trainings take no time, so that nearly all there is to be killed is the study.

    Parameters
    ----------
    pause : float
        Seconds after each round of a training.
    """

    metric = "loss"
    higher_is_better = False
    members: tuple[str, ...] = ("fold 1", "fold 2")
    compile_seconds = 0.0

    def __init__(self, pause: float):
        self.pause = pause

    def check(self, parameters: Mapping[str, Any]) -> None:
        """See `pellucid.tuning.objective.Objective`."""

    def key(self, parameters: Mapping[str, Any]) -> int:
        """See `pellucid.tuning.objective.Objective`."""
        return int(parameters["units"])

    def begin(self, parameters: Mapping[str, Any], member: int) -> Instant:
        """See `pellucid.tuning.objective.Objective`."""
        return Instant(parameters, member, self.pause)


def begin(path: Path | None) -> Study:
    """Begin the study of this search."""
    return create_study(path, record_of(InstantObjective(0.0), SPACE, "random", "halving", 0))


def go_on(study: Study, trials: int, pause: float) -> None:
    """Search until the study has so many trials."""
    search(InstantObjective(pause), SPACE, trials=trials, study=study, threads=2)


def past_trials(count: int) -> list[Trial]:
    """Return trials as an earlier search has left them, of all states and with learning curves."""
    drawn = uniform(0, "past trials", 0, (count, 4))
    found = []
    for number in range(count):
        place = dict(zip(("units", "rate", "dropout"), map(float, drawn[number]), strict=False))
        trial = Trial(number, SPACE.draw(place), bracket=number // 60)
        epochs, state = (EPOCHS, "finished") if number % 3 == 0 else (3, "pruned")
        members = []
        for member in range(2):
            training = Instant(trial.parameters, member, 0.0)
            training.learn(epochs, 0.0)
            members.append(training.result())
        found.append(
            trial.ended(state, members) if number % 50 else trial.ended("failed", (), "the loss is not finite")
        )
    return found


def run() -> None:
    """Begin a study or go on with it, as the process's arguments say: a path, a number of trials, and a pause."""
    path, trials, pause = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    began = time.perf_counter()
    study = open_study(path, write=True) if path.exists() else begin(path)
    count = len(study.trials())
    _say(f"open {time.perf_counter() - began!r} {count}")
    study.on_committed.append(lambda trial: _say(f"safe {trial.number} {value_of(trial)}"))
    with study:
        go_on(study, trials, pause)
    _say("done")


def value_of(trial: Trial) -> str:
    """Return what became of a trial in one word: its state and the bits of its members' values."""
    return "/".join([trial.state, *(float(member.value).hex() for member in trial.members)])


def _say(line: str) -> None:
    """Write a line at once, and whole: a pipe takes short ones at one go."""
    os.write(1, f"{line}\n".encode())
