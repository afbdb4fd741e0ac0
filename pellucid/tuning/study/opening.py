"""Beginning a study, and going on with one."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from pellucid.errors import UsageError
from pellucid.tuning.study.file import (
    check_pages,
    check_path,
    check_study,
    connect,
    journal_of,
    new_path,
    reading,
    refuse_existing,
    telling,
)
from pellucid.tuning.study.ledger import Ledger
from pellucid.tuning.study.lock import WriterLock
from pellucid.tuning.study.record import StudyRecord
from pellucid.tuning.study.rows import record_to_row, row_to_record
from pellucid.tuning.study.study import Study
from pellucid.tuning.study.tables import read_record, read_sessions, read_trials, write_record
from pellucid.tuning.study.writer import Writer


def create_study(path: str | os.PathLike[str] | None, record: StudyRecord) -> Study:
    """Begin a study.

    Parameters
    ----------
    path : path or None
        Of a file that does not exist; None keeps it in memory.
    record : StudyRecord

    Raises
    ------
    UsageError
        Where the file exists or can not be written, or the record can not be written down.
    """
    if path is None:
        return Study(None, row_to_record(record_to_row(record)), Ledger(record.higher_is_better))
    place = new_path(path)
    lock = WriterLock(place)
    try:
        refuse_existing(place, str(path))
        _make_file(place, record)
        return _open_writing(place, lock)
    except BaseException:
        lock.release()
        raise


def _make_file(place: Path, record: StudyRecord) -> None:
    """Make the file under another name first: whoever opens it finds a whole study, whenever this is killed."""
    beside = place.with_name(place.name + ".new")
    for left in (beside, journal_of(beside), journal_of(place)):
        left.unlink(missing_ok=True)
    with telling(str(place)):
        try:
            with contextlib.closing(connect(beside, "rwc")) as connection:
                write_record(connection, record)
            os.replace(beside, place)
        except BaseException:
            for left in (beside, journal_of(beside)):
                left.unlink(missing_ok=True)
            raise


def open_study(path: str | os.PathLike[str], write: bool = False) -> Study:
    """Open a study.

    Parameters
    ----------
    path : path
    write : bool
        To go on with it, which one process at a time may; reading is always possible.

    Raises
    ------
    UsageError
        Where there is none, it can not be read or written, or another process writes to it.
    ModelError
        Where it is damaged, no study, or of another schema.
    """
    place = check_path(path)
    if write:
        lock = WriterLock(place)
        try:
            return _open_writing(place, lock)
        except BaseException:
            lock.release()
            raise
    with reading(place) as connection:
        check_pages(connection, place)
        return Study(place, read_record(connection), None)


def _open_writing(place: Path, lock: WriterLock) -> Study:
    connection = None
    try:
        with telling(str(place)):
            connection = connect(place, "rw")
            ((mode,),) = connection.execute("PRAGMA journal_mode = DELETE").fetchall()
            if mode != "delete":
                raise UsageError("the study can not be opened for writing", where=str(place), got=f"journal {mode}")
            connection.execute("BEGIN IMMEDIATE")
            check_study(connection, str(place))
            connection.execute(
                "UPDATE study SET id = id WHERE id = 0"
            )  # nothing, and refused where nothing may be written
            check_pages(connection, place)
            record = read_record(connection)
            ledger = Ledger(record.higher_is_better, *read_trials(connection), read_sessions(connection))
            connection.execute("COMMIT")
        return Study(place, record, ledger, Writer(connection, place), lock)
    except BaseException:
        if connection is not None:
            connection.close()
        raise
