"""Trials, the record and sessions as rows, each with a checksum: what was altered on disk is found when it is read."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from pellucid.errors import UsageError
from pellucid.tuning.study.curve import StoredCurve, curve_to_text
from pellucid.tuning.study.record import StudyRecord
from pellucid.tuning.study.texts import (
    BadText,
    Cell,
    cell_to_number,
    check_integer,
    check_length,
    from_json,
    is_unicode,
    number_to_cell,
    to_json,
)
from pellucid.tuning.trial import STATES, MemberResult, Trial

LONGEST_ERROR = 10_000
"""So many letters are kept of what ended a trial."""

Row = tuple[Cell, ...]


@dataclass(frozen=True)
class TrialRows:
    """A trial as the tables hold it.

    Attributes
    ----------
    trial : tuple
        Number, bracket, state, parameters, value, error, when it ended, checksum.
    members : list of tuple
        Trial, member, value, epochs, best epoch, seconds, curve.
    """

    trial: Row
    members: list[Row]


def checksum(*cells: Any) -> int:
    """Return the CRC-32 of cells, the same in every version of Python."""
    return zlib.crc32(ascii(cells).encode())


def trial_to_rows(trial: Trial, ended: str | None) -> TrialRows:
    """Return the rows of a trial.

    Raises
    ------
    UsageError
        Where a study can not hold it.
    """
    where = f"trial {trial.number}"
    members: list[Row] = [
        (
            trial.number,
            place,
            number_to_cell(member.value),
            check_integer(member.epochs, where),
            check_integer(member.best_epoch, where),
            number_to_cell(member.seconds),
            check_length(curve_to_text(member.curve), where),
        )
        for place, member in enumerate(trial.members)
    ]
    row: Row = (
        check_integer(trial.number, where),
        check_integer(trial.bracket, where),
        trial.state,
        to_json(dict(trial.parameters), where),
        number_to_cell(trial.value),
        None if trial.error is None else clean(trial.error)[:LONGEST_ERROR],
        ended,
    )
    return TrialRows((*row, checksum(row, members)), members)


def clean(text: str) -> str:
    """Return a text that UTF-8 can hold."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def rows_to_trial(row: Row, members: Sequence[Row]) -> Trial:
    """Return the trial that its rows hold.

    Raises
    ------
    BadText
        Where they are not as they were written.
    """
    number, bracket, state, parameters, value, error, _, check = row
    if check != checksum(row[:-1], list(members)):
        raise BadText(f"trial {number} is not as it was written")
    found = from_json(parameters)
    if not (state in STATES and isinstance(found, dict) and isinstance(number, int) and isinstance(bracket, int)):
        raise BadText(f"trial {number} is no trial")
    return Trial(
        number,
        found,
        bracket,
        str(state),
        None if value is None else cell_to_number(value),
        tuple([_row_to_member(member) for member in members]),
        None if error is None else str(error),
    )


def _row_to_member(row: Row) -> MemberResult:
    _, _, value, epochs, best_epoch, seconds, curve = row
    if not (isinstance(epochs, int) and isinstance(best_epoch, int) and isinstance(curve, str)):
        raise BadText("a result is no result")
    points = cast(tuple[tuple[int, float], ...], StoredCurve(curve))  # it behaves as one
    return MemberResult(cell_to_number(value), epochs, best_epoch, cell_to_number(seconds), points)


def record_to_row(record: StudyRecord) -> Row:
    """Return the row of a study's record.

    Raises
    ------
    UsageError
        Where a study can not hold it.
    """
    for name in ("space", "metric", "sampler", "pruner", "created"):
        text = getattr(record, name)
        if not isinstance(text, str) or not is_unicode(text):
            raise UsageError("no text that can be written down", where=name, got=repr(text)[:60])
        check_length(text, name)
    row: Row = (
        record.space,
        record.metric,
        int(record.higher_is_better),
        record.sampler,
        record.pruner,
        to_json(int(record.seed), "seed"),
        to_json(list(record.members), "members"),
        to_json(dict(record.settings), "settings"),
        to_json(dict(record.versions), "versions"),
        record.created,
    )
    return (*row, checksum(row))


def row_to_record(row: Row) -> StudyRecord:
    """Return the record that its row holds."""
    space, metric, higher, sampler, pruner, seed, members, settings, versions, created, check = row
    if check != checksum(row[:-1]):
        raise BadText("the study's record is not as it was written")
    return StudyRecord(
        str(space),
        str(metric),
        bool(higher),
        str(sampler),
        str(pruner),
        from_json(seed),
        tuple(from_json(members)),
        from_json(settings),
        from_json(versions),
        str(created),
    )


def session_to_row(began: str, ended: str | None, facts: Mapping[str, Any]) -> Row:
    """Return the row of a session."""
    text = to_json(dict(facts), "session")
    return began, ended, text, checksum(began, ended, text)


def row_to_session(row: Row) -> dict[str, Any]:
    """Return what a session's row holds."""
    began, ended, facts, check = row
    if check != checksum(began, ended, facts):
        raise BadText("a session is not as it was written")
    return {"began": began, "ended": ended, **from_json(facts)}
