"""The thread that writes a study: what has come together since the last commit is committed together."""

from __future__ import annotations

import atexit
import contextlib
import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pellucid.errors import PellucidError, UsageError
from pellucid.tuning.study.file import telling

GROUP_SECONDS = 0.05
"""Between two commits that nobody waits for: each waits for the disk, and a hundred trials take no longer than one."""


@dataclass(frozen=True)
class Job:
    """What is to be written.

    Attributes
    ----------
    write : callable
        Writes it; it is called again where a commit failed.
    after : callable
        What is done when it is on disk; it may not write.
    """

    write: Callable[[sqlite3.Connection], None]
    after: Callable[[], None] = lambda: None


class Writer:
    """Commits jobs in their order, in a thread of its own.

    Where a commit fails, its jobs stay, and it is tried again when the next one comes or somebody waits.

    Parameters
    ----------
    connection : sqlite3.Connection
        It belongs to the writer from here on.
    place : Path
        Of the file.
    """

    def __init__(self, connection: sqlite3.Connection, place: Path):
        self._connection, self._place = connection, place
        self._file = place.stat()
        self._changed = threading.Condition()
        self._jobs: list[Job] = []  # what is not on disk yet
        self._done = 0
        self._waiting = 0
        self._stalled = self._closing = False
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="pellucid-study", daemon=True)
        self._thread.start()
        atexit.register(self._close_at_exit)

    def put(self, job: Job) -> None:
        """Take a job, and return at once."""
        with self._changed:
            self._jobs.append(job)
            self._stalled = False
            self._changed.notify_all()

    def raise_met(self) -> None:
        """Raise what the last commit met, once."""
        with self._changed:
            error, self._error = self._error, None
        if error is not None:
            raise error

    def wait(self) -> None:
        """Return when all that was put is on disk; raise what was met where it can not be."""
        with self._changed:
            wanted = self._done + len(self._jobs)
            self._stalled = False
            self._waiting += 1
            self._changed.notify_all()
            try:
                self._changed.wait_for(lambda: self._done >= wanted or self._stalled or not self._thread.is_alive())
            finally:
                self._waiting -= 1
        self.raise_met()

    def close(self) -> None:
        """Write what is left, and end."""
        atexit.unregister(self._close_at_exit)
        if self._closing:
            return
        try:
            self.wait()
        finally:
            with self._changed:
                self._closing = True
                self._changed.notify_all()
            self._thread.join()
            self._connection.close()

    def _close_at_exit(self) -> None:
        with contextlib.suppress(PellucidError):  # whoever forgot to close is not there any more to be told
            self.close()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closing or (self._jobs and not self._stalled))
                if self._closing:
                    return
                jobs = list(self._jobs)
            error = self._commit(jobs)
            failed = error is not None
            if not failed:
                error = _call_after(jobs)  # without the lock: what is called may ask the study
            with self._changed:
                self._stalled = failed
                self._error = error or self._error
                if not failed:
                    self._done += len(jobs)
                    del self._jobs[: len(jobs)]
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._closing or self._waiting, GROUP_SECONDS)

    def _commit(self, jobs: Sequence[Job]) -> BaseException | None:
        """Write jobs in one transaction; return what was met."""
        try:
            with telling(str(self._place)):
                self._check_file()
                try:
                    self._connection.execute("BEGIN IMMEDIATE")
                    for job in jobs:
                        job.write(self._connection)
                    self._connection.execute("COMMIT")
                finally:
                    if self._connection.in_transaction:
                        self._connection.rollback()
        except Exception as error:
            return error
        return None

    def _check_file(self) -> None:
        """Raise where the file was removed or replaced: what is written would be lost."""
        try:
            told = self._place.stat()
            same = (told.st_ino, told.st_dev) == (self._file.st_ino, self._file.st_dev)
        except FileNotFoundError:
            same = False
        if not same:
            raise UsageError("the study was moved or removed while it was written", where=str(self._place))


def _call_after(jobs: Sequence[Job]) -> BaseException | None:
    found: BaseException | None = None
    for job in jobs:
        try:
            job.after()
        except Exception as error:
            found = found or error
    return found
