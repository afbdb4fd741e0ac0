"""Killing a search again and again: nothing that was safe on disk may be lost, and nothing may be done twice."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pellucid.bench.processes import child_environment
from pellucid.bench.tune.killed import UNENDING, begin, go_on, past_trials, value_of
from pellucid.errors import ModelError
from pellucid.tuning.study import Study, open_study
from pellucid.tuning.trial import Trial

PAUSE = 0.001
"""Seconds after each round of a training: some hundreds of trials a second."""

_CHILD = "from pellucid.bench.tune.killed import run; run()"
_START_UP, _COMMIT, _ANY = "start-up", "commit", "any"
_KINDS = (_ANY, _COMMIT, _START_UP, _COMMIT, _ANY)
_PATIENCE = 120.0


@dataclass(frozen=True)
class KillReport:
    """What came of killing a search.

    Attributes
    ----------
    instants : int
        How often it was killed.
    in_commits : int
        How often while a transaction was under way.
    in_start_ups : int
        How often before the study was open.
    trials : int
        How many the study had at its end.
    lost : int
        Trials whose commit had returned and that the file did not hold, or not as they were.
    doubled : int
        Trials that were done again after their commit had returned, or that have more results than members.
    differing : int
        Trials that are not, to the bit, what the same search brings that nobody kills.
    slowest_resume : float
        Seconds to open the study, the slowest of all times.
    """

    instants: int
    in_commits: int
    in_start_ups: int
    trials: int
    lost: int
    doubled: int
    differing: int
    slowest_resume: float


def measure_kills(instants: int = 200, seed: int = 0, already: int = 0) -> KillReport:
    """Kill a search at random instants, go on with it each time, and compare what it said with what its file holds.

    A child process runs a real search whose trainings take no time, and says of each trial when its commit has
    returned. It is killed while it starts, within commits (as soon as SQLite's journal is there), and at any instant.
    At the end it runs undisturbed until no trial waits, and all is compared with a search that nobody killed.

    Parameters
    ----------
    instants : int
    seed : int
        Of the instants.
    already : int
        So many trials the study has before the first kill.

    Returns
    -------
    KillReport

    Raises
    ------
    ModelError
        Where the file can not be read after a kill, or the child ends by itself.
    """
    with tempfile.TemporaryDirectory(prefix="pellucid-kill-") as folder:
        return _Kills(Path(folder) / "study.db", random.Random(seed), already).run(instants)


class _Kills:
    def __init__(self, path: Path, chance: random.Random, already: int):
        self.path, self.chance = path, chance
        self.safe: dict[int, str] = {}
        self.lost: set[int] = set()
        self.doubled: set[int] = set()
        self.counts = dict.fromkeys(_KINDS, 0)
        self.slowest = 0.0
        self.past = past_trials(already)
        if already:
            with begin(path) as study:
                _put_past(study, self.past)

    def run(self, instants: int) -> KillReport:
        for number in range(instants):
            kind = _KINDS[number % len(_KINDS)]
            child = _Child(self.path, UNENDING)
            in_time = child.kill_at(kind, self.chance)
            self.counts[kind] += in_time
            self._hear(child)
            if number % 2:  # else the next child finds what was left behind, and no reader has tidied up before
                self._look()
        self._finish()
        return KillReport(
            instants=instants,
            in_commits=self.counts[_COMMIT],
            in_start_ups=self.counts[_START_UP],
            trials=len(self._trials()),
            lost=len(self.lost),
            doubled=len(self.doubled),
            differing=self._count_differing(),
            slowest_resume=self.slowest,
        )

    def _finish(self) -> None:
        """Let the search end, with as many trials as it had when it was killed last, or some."""
        child = _Child(self.path, max(len(self._trials()), len(self.past) + 9))
        child.wait()
        self._hear(child)
        if "done" not in child.lines:
            raise ModelError("the search ended by itself", where=str(self.path), got=child.last_words())
        self._look()

    def _hear(self, child: _Child) -> None:
        """Take note of what a child has said."""
        for line in child.lines:
            word, *rest = line.split()
            if word == "open":
                self.slowest = max(self.slowest, float(rest[0]))
            elif word == "safe":
                number, value = int(rest[0]), rest[1]
                if number in self.safe:
                    self.doubled.add(number)
                self.safe[number] = value

    def _look(self) -> None:
        """Compare what the children have said with what the file holds."""
        found = {trial.number: trial for trial in self._trials()}
        for number, value in self.safe.items():
            if number not in found or value_of(found[number]) != value:
                self.lost.add(number)
        self.lost |= {trial.number for trial in self.past if found.get(trial.number) != trial}
        self.doubled |= {number for number, trial in found.items() if len(trial.members) > 2}

    def _trials(self) -> list[Trial]:
        return open_study(self.path).trials() if self.path.exists() else []

    def _count_differing(self) -> int:
        """Compare with the same search, which nobody has killed."""
        found = self._trials()
        with begin(None) as study:
            _put_past(study, self.past)
            go_on(study, len(found), 0.0)
            wanted = study.trials()
        return sum(a != b for a, b in zip(found, wanted, strict=False)) + abs(len(found) - len(wanted))


def _put_past(study: Study, trials: Sequence[Trial]) -> None:
    study.add([Trial(trial.number, trial.parameters, trial.bracket) for trial in trials])
    for trial in trials:
        study.finish(trial)
    study.flush()


class _Child:
    def __init__(self, path: Path, trials: int):
        self.path, self.began = path, time.monotonic()
        self.lines: list[str] = []
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 (it is closed when the child has ended)
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", _CHILD, os.fspath(path), str(trials), repr(PAUSE)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=child_environment(1),
            encoding="utf-8",
        )
        self._open = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.endswith("\n"):
                self.lines.append(line.rstrip())
                self._open.set()
        self._open.set()

    def kill_at(self, kind: str, chance: random.Random) -> bool:
        """Kill it at a random instant of a kind; say whether it was one."""
        seconds = chance.random()
        if kind == _START_UP:
            self._open.wait(seconds * 0.6)
        else:
            self._open.wait(_PATIENCE)
            time.sleep(0.3 * seconds)
        hit = self._await_commit(chance.random()) if kind == _COMMIT else True
        self.end()
        return hit and not (kind == _START_UP and self.lines)

    def _await_commit(self, part: float) -> bool:
        """Return within the next commit; say whether there was one."""
        journal = self.path.with_name(self.path.name + "-journal")
        deadline = time.monotonic() + 1.0
        while time.monotonic() < deadline:
            if journal.exists():
                time.sleep(0.003 * part)
                return True
        return False

    def end(self) -> None:
        """Kill it, and hear what it has said last."""
        if self._process.poll() is not None:
            self.wait()
            raise ModelError("the search ended by itself", where=str(self.path), got=self.last_words())
        self._process.kill()
        self.wait()

    def wait(self) -> None:
        """Wait for its end."""
        self._process.wait(_PATIENCE)
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._errors.seek(0)
        self._said = self._errors.read().decode("utf-8", "replace").strip().splitlines()
        self._errors.close()

    def last_words(self) -> str:
        """Return the last line of its errors, when it has ended."""
        return self._said[-1][:200] if self._said else f"exit code {self._process.returncode}"
