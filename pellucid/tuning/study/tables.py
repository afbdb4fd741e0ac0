"""Reading and writing the tables of a study; every statement takes its values as parameters."""

from __future__ import annotations

import contextlib
import gc
import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

from pellucid.errors import UsageError
from pellucid.tuning.study.record import StudyRecord
from pellucid.tuning.study.rows import (
    Row,
    TrialRows,
    record_to_row,
    row_to_record,
    row_to_session,
    rows_to_trial,
)
from pellucid.tuning.study.schema import make_tables
from pellucid.tuning.study.texts import BadText
from pellucid.tuning.trial import WAITING, Trial

_TRIAL = "number, bracket, state, parameters, value, error, ended, checksum"
_MEMBER = "trial, member, value, epochs, best_epoch, seconds, curve"
_RECORD = "space, metric, higher_is_better, sampler, pruner, seed, members, settings, versions, created, checksum"


def write_record(connection: sqlite3.Connection, record: StudyRecord) -> None:
    """Make the tables and write what the study is about, in one transaction."""
    row = record_to_row(record)
    connection.execute("BEGIN IMMEDIATE")
    make_tables(connection)
    connection.execute(f"INSERT INTO study (id, {_RECORD}) VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
    connection.execute("COMMIT")


def read_record(connection: sqlite3.Connection) -> StudyRecord:
    """Return what the study is about."""
    rows = connection.execute(f"SELECT {_RECORD} FROM study").fetchall()
    if len(rows) != 1:
        raise BadText("the study's record is missing")
    return row_to_record(rows[0])


def read_trials(connection: sqlite3.Connection) -> tuple[list[Trial], dict[int, str]]:
    """Return all trials by number, and when those that are done have ended."""
    with _without_collection():
        return _read_trials(connection)


@contextlib.contextmanager
def _without_collection() -> Iterator[None]:
    """Let Python not look for garbage: all of these objects stay, and looking takes a third of the time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _read_trials(connection: sqlite3.Connection) -> tuple[list[Trial], dict[int, str]]:
    trials = connection.execute(f"SELECT {_TRIAL} FROM trials ORDER BY number").fetchall()
    members = connection.execute(f"SELECT {_MEMBER} FROM members ORDER BY trial, member").fetchall()
    found: list[Trial] = []
    place = 0
    for number, row in enumerate(trials):
        if row[0] != number:
            raise BadText(f"trial {number} is missing")
        first = place
        while place < len(members) and members[place][0] == row[0]:
            place += 1
        found.append(rows_to_trial(row, members[first:place]))
    if place < len(members):
        raise BadText("results without a trial")
    return found, {row[0]: row[6] for row in trials if row[6] is not None}


def read_sessions(connection: sqlite3.Connection) -> list[dict[str, Any]]:
    """Return all sessions, the first one first."""
    rows = connection.execute("SELECT began, ended, facts, checksum FROM sessions ORDER BY id").fetchall()
    return [row_to_session(row) for row in rows]


def insert_trials(connection: sqlite3.Connection, trials: Sequence[TrialRows]) -> None:
    """Write trials that wait; those that are there already, as when a commit's success was not known, stay."""
    for rows in trials:
        found = connection.execute(
            f"INSERT INTO trials ({_TRIAL}) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (number) DO NOTHING", rows.trial
        )
        if found.rowcount != 1:
            _check_same(connection, rows.trial)


def end_trial(connection: sqlite3.Connection, rows: TrialRows) -> None:
    """Write what became of a trial that waited."""
    number, _, state, _, value, error, ended, check = rows.trial
    found = connection.execute(
        "UPDATE trials SET state = ?, value = ?, error = ?, ended = ?, checksum = ? WHERE number = ? AND state = ?",
        (state, value, error, ended, check, number, WAITING),
    )
    if found.rowcount != 1:
        _check_same(connection, rows.trial)
        return
    connection.executemany(f"INSERT INTO members ({_MEMBER}) VALUES (?, ?, ?, ?, ?, ?, ?)", rows.members)


def _check_same(connection: sqlite3.Connection, row: Row) -> None:
    found = connection.execute("SELECT checksum FROM trials WHERE number = ?", (row[0],)).fetchall()
    if found != [(row[-1],)]:
        raise UsageError(
            "another program has changed this study meanwhile",
            where=f"trial {row[0]}",
            fix="Let one program write at a time.",
        )


def write_session(connection: sqlite3.Connection, number: int, row: Row) -> None:
    """Write a session, or write it anew."""
    connection.execute(
        "INSERT INTO sessions (id, began, ended, facts, checksum) VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE "
        "SET ended = excluded.ended, facts = excluded.facts, checksum = excluded.checksum",
        (number, *row),
    )
