"""A study: the trials of a search, in one file or in memory."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pellucid.errors import PellucidError, UsageError
from pellucid.tuning.study.file import (
    reading,
)
from pellucid.tuning.study.frames import to_frame
from pellucid.tuning.study.ledger import Ledger
from pellucid.tuning.study.lock import WriterLock
from pellucid.tuning.study.record import StudyRecord, now
from pellucid.tuning.study.rows import row_to_session, session_to_row, trial_to_rows
from pellucid.tuning.study.tables import (
    end_trial,
    insert_trials,
    read_sessions,
    read_trials,
    write_session,
)
from pellucid.tuning.study.writer import Job, Writer
from pellucid.tuning.trial import Trial


class Study:
    """The trials of a search. :func:`create_study` and :func:`open_study` make it; use it in a ``with`` block.

    Several threads may use it at once. Opened for reading, every call tells what the file holds at that moment.

    Attributes
    ----------
    path : Path or None
        None of a study in memory.
    record : StudyRecord
    on_committed : list of callable
        Each is called with every trial whose end is safe on disk, in a thread of the study; it may not write to it.

    Examples
    --------
    >>> from pellucid.tuning.study import create_study
    >>> from pellucid.tuning.trial import FINISHED, MemberResult
    >>> with create_study(None, StudyRecord("", "log_loss")) as study:
    ...     study.add([Trial(0, {"rate": 0.1}), Trial(1, {"rate": 0.01})])
    ...     study.finish(study.trial(1).ended(FINISHED, [MemberResult(0.3, 5, 5, 0.1)]))
    ...     study.counts()["finished"], study.best()[0].parameters
    (1, {'rate': 0.01})
    """

    def __init__(
        self,
        path: Path | None,
        record: StudyRecord,
        ledger: Ledger | None,
        writer: Writer | None = None,
        lock: WriterLock | None = None,
    ):
        self.path, self.record = path, record
        self.on_committed: list[Callable[[Trial], None]] = []
        self._kept, self._writer, self._lock = ledger, writer, lock
        self._mutex = threading.RLock()
        self._closed = False

    # What is there

    def trials(self) -> list[Trial]:
        """Return all trials, by number."""
        with self._mutex:
            return self._ledger().all()

    def trial(self, number: int) -> Trial:
        """Return one trial.

        Raises
        ------
        UsageError
            Where there is none of this number.
        """
        with self._mutex:
            return self._ledger().one(number)

    def best(self, count: int = 1) -> list[Trial]:
        """Return the best finished trials, the best first; pruned ones only where none has finished."""
        with self._mutex:
            return self._ledger().best(count)

    def counts(self) -> dict[str, int]:
        """Return how many trials there are of each state."""
        with self._mutex:
            return dict(self._ledger().counts)

    def sessions(self) -> list[dict[str, Any]]:
        """Return who has worked on the study: ``began``, ``ended`` (None: it was killed, or still runs), and facts."""
        with self._mutex:
            return [dict(session) for session in self._ledger().sessions]

    def snapshot(self) -> Study:
        """Return the study as it is at this moment: what its methods tell belongs together."""
        with self._mutex:
            ledger = self._ledger()
            kept = Ledger(self.record.higher_is_better, ledger.all(), ledger.ended, ledger.sessions)
        found = Study(self.path, self.record, kept)
        found.close()
        return found

    def to_frame(self) -> Any:
        """Return a data frame, a row for each trial; see :func:`pellucid.tuning.study.frames.to_frame`."""
        return to_frame(self.trials())

    def to_optuna(self) -> Any:
        """Return a study of Optuna in memory; see :func:`pellucid.tuning.study.optuna_study.to_optuna`."""
        from pellucid.tuning.study.optuna_study import to_optuna

        with self._mutex:
            ledger = self._ledger()
            return to_optuna(self.record, ledger.all(), ledger.ended)

    def _ledger(self) -> Ledger:
        if self._kept is not None:
            return self._kept
        assert self.path is not None
        return _load(self.path, self.record)

    # What is written

    def add(self, trials: Sequence[Trial]) -> None:
        """Add trials that wait; returns when they are on disk, all of them or none.

        Raises
        ------
        UsageError
            Where a number is not the next one, or parameters can not be written down; where the disk is full.
        """
        with self._mutex:
            ledger = self._writable()
            checked = ledger.check_new(trials)
            rows = [trial_to_rows(trial, None) for trial in checked]
            self._put(Job(lambda connection: insert_trials(connection, rows)))
            ledger.put(checked)
        self.flush()

    def finish(self, trial: Trial) -> None:
        """Take what became of a trial, and return at once; it is written soon, together with others.

        Raises
        ------
        UsageError
            Where it has not ended, was not added, or has ended before; or what the last commit met.
        """
        with self._mutex:
            ledger = self._writable()
            checked, ended = ledger.check_end(trial), now()
            if self._writer is not None:
                rows = trial_to_rows(checked, ended)
                self._writer.put(Job(lambda connection: end_trial(connection, rows), lambda: self._tell(checked)))
            ledger.put([checked])
            ledger.ended[trial.number] = ended
        if self._writer is None:
            self._tell(checked)
        else:
            self._writer.raise_met()

    def _put(self, job: Job) -> None:
        if self._writer is not None:
            self._writer.put(job)

    def _tell(self, trial: Trial) -> None:
        for called in list(self.on_committed):
            called(trial)

    def flush(self) -> None:
        """Return when all is on disk.

        Raises
        ------
        UsageError, ModelError
            Where it can not be written, as on a full disk; the next call tries again.
        """
        if self._writer is not None:
            self._writer.wait()

    def begin_session(self, facts: Mapping[str, Any] | None = None) -> None:
        """Write that somebody begins to work on the study: how many cores, which versions, ..."""
        with self._mutex:
            ledger = self._writable()
            self._write_session(ledger, len(ledger.sessions), {**(facts or {}), "began": now(), "ended": None})
        self.flush()

    def end_session(self, facts: Mapping[str, Any] | None = None) -> None:
        """Write that the last session has ended, and what is known of it now."""
        with self._mutex:
            ledger = self._writable()
            if not ledger.sessions:
                raise UsageError("no session was begun", where="end_session")
            last = ledger.sessions[-1]
            told = {**last, **(facts or {}), "began": last["began"], "ended": now()}
            self._write_session(ledger, len(ledger.sessions) - 1, told)
        self.flush()

    def _write_session(self, ledger: Ledger, place: int, told: Mapping[str, Any]) -> None:
        facts = {name: value for name, value in told.items() if name not in ("began", "ended")}
        row = session_to_row(told["began"], told["ended"], facts)
        self._put(Job(lambda connection: write_session(connection, place + 1, row)))
        ledger.sessions[place:] = [row_to_session(row)]

    def _writable(self) -> Ledger:
        if self._kept is None:
            raise UsageError("the study was opened for reading", where=str(self.path), fix="Open it with write=True.")
        if self._closed:
            raise UsageError("the study is closed", where=str(self.path or "a study in memory"), fix="Open it again.")
        return self._kept

    def close(self) -> None:
        """Write what is left, and let others write; what is known of the trials stays."""
        with self._mutex:
            self._closed = True
        try:
            if self._writer is not None:
                self._writer.close()
        finally:
            if self._lock is not None:
                self._lock.release()

    def __enter__(self) -> Study:
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if kind is None:
            self.close()
            return
        with contextlib.suppress(PellucidError):  # what is on its way tells more
            self.close()

    def __repr__(self) -> str:
        name = str(self.path) if self.path else "in memory"
        if self._kept is None:  # to show it is no reason to read the file
            return f"Study({name}, for reading)"
        told = ", ".join(f"{count} {state}" for state, count in self.counts().items() if count)
        return f"Study({name}: {told or 'no trials'})"


def _load(place: Path, record: StudyRecord) -> Ledger:
    """Return what the file of a study holds now."""
    with reading(place) as connection:
        return Ledger(record.higher_is_better, *read_trials(connection), read_sessions(connection))
