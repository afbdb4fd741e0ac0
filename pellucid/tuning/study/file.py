"""The file of a study: opened with care, and every error of SQLite told in the user's words."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import tempfile
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

from pellucid.errors import ModelError, PellucidError, UsageError
from pellucid.tuning.study.schema import APPLICATION, SCHEMA, has_tables
from pellucid.tuning.study.texts import LONGEST, BadText

PATIENCE = 20.0
"""Seconds to wait while others lock the file; they do so while they write or read, which is short."""

CHEAP = 256 * 2**20
"""Files of so many bytes at most are checked page by page when they are opened."""

_COPIES = 5


# The file is opened by SQLite alone: where a process closes a file that it has opened twice, its locks on it are gone.


def check_path(path: str | os.PathLike[str]) -> Path:
    """Return the path of a study that is there, links resolved.

    Raises
    ------
    UsageError
        Where nothing is there, or no file.
    ModelError
        Where it is no study.
    """
    place = _resolve(path)
    if not place.exists():
        raise UsageError("there is no such study", where=str(path), fix="Check the path, or begin one.")
    if not place.is_file():
        kind = "a directory" if place.is_dir() else "no file"
        raise UsageError("a study is one file", where=str(path), got=kind)
    if not place.stat().st_size:
        raise not_a_study(str(path), "an empty file")
    return place


def _resolve(path: str | os.PathLike[str]) -> Path:
    if not isinstance(path, str | os.PathLike):
        raise UsageError("not a path", where="study", got=repr(path)[:80], expected="the path of a file")
    if not os.fspath(path) or "\0" in str(path):
        raise UsageError("no file is named", where="study", got=repr(str(path)))
    try:
        return Path(path).resolve()
    except (OSError, RuntimeError) as error:  # links that go round in a circle
        raise UsageError("the path leads nowhere", where=str(path), got=str(error)) from None


def new_path(path: str | os.PathLike[str]) -> Path:
    """Return the path of a study that is to be made.

    Raises
    ------
    UsageError
        Where something is there, or no folder for it.
    """
    place = _resolve(path)
    refuse_existing(place, str(path))
    if not place.parent.is_dir():
        raise UsageError("there is no such folder", where=str(path), fix="Make it first.")
    return place


def refuse_existing(place: Path, where: str) -> None:
    """Raise where something is there already."""
    if place.exists():
        fix = "Say that it is to be resumed, or choose another name."
        raise UsageError("it exists already", where=where, fix=fix)


def connect(place: Path, mode: str) -> sqlite3.Connection:
    """Open a file.

    Parameters
    ----------
    place : Path
    mode : {"ro", "rw", "rwc"}
        To read; to read and write; and to make it where it is not there.
    """
    posix = urllib.parse.quote(os.fsencode(place.absolute().as_posix()))
    uri = f"file://{'' if posix.startswith('/') else '/'}{posix}?mode={mode}"
    connection = sqlite3.connect(uri, uri=True, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST + 2**16)
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA synchronous = FULL")
    return connection


def check_study(connection: sqlite3.Connection, where: str) -> None:
    """Raise a ModelError where a file is no study of this schema."""
    ((application,),) = connection.execute("PRAGMA application_id").fetchall()
    ((schema,),) = connection.execute("PRAGMA user_version").fetchall()
    if application != APPLICATION:
        raise not_a_study(where, "the database of another program")
    if schema > SCHEMA:
        fix = "Update Pellucid to read it."
        raise ModelError("a newer Pellucid made this study", where=where, got=f"schema {schema}", fix=fix)
    if schema < SCHEMA:
        fix = "Read it with the version of Pellucid that made it."
        raise ModelError("this schema is not known", where=where, got=f"schema {schema}", fix=fix)
    if not has_tables(connection):
        raise damaged(where, "other tables than a study has")


def check_pages(connection: sqlite3.Connection, place: Path) -> None:
    """Raise a ModelError where the pages of a file that is not large do not fit each other."""
    if place.stat().st_size > CHEAP:
        return
    ((found,), *_) = connection.execute("PRAGMA quick_check(1)").fetchall()
    if found != "ok":
        raise damaged(str(place), str(found).splitlines()[-1])


def not_a_study(where: str, got: str) -> ModelError:
    """Return the error of a file that is something else."""
    return ModelError("this is no study", where=where, got=got, fix="Check the path.")


def damaged(where: str, got: str) -> ModelError:
    """Return the error of a file that is not as it was written."""
    fix = "Take a copy of it that is whole, or begin another study."
    return ModelError("this study is damaged", where=where, got=got[:200], fix=fix)


@contextlib.contextmanager
def reading(place: Path) -> Iterator[sqlite3.Connection]:
    """Open a study for reading, in one transaction: what is read belongs together, whoever writes meanwhile.

    A transaction that a killed process left behind is undone first; where the file can not be written to, in a copy.

    Raises
    ------
    PellucidError
        Where it can not be read.
    """
    with telling(str(place)), contextlib.ExitStack() as ends:
        try:
            connection = _begin(place, ends)
        except sqlite3.Error as error:
            if not _is_left_behind(place, error):
                raise
            connection = _begin(_copy(place, ends), ends)
        check_study(connection, str(place))
        yield connection
        connection.execute("COMMIT")


def _begin(place: Path, ends: contextlib.ExitStack) -> sqlite3.Connection:
    connection = ends.enter_context(contextlib.closing(connect(place, "rw")))
    connection.execute("PRAGMA query_only = ON")
    connection.execute("BEGIN")
    connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchall()
    return connection


def journal_of(place: Path) -> Path:
    """Return where SQLite keeps what it needs to undo a transaction."""
    return place.with_name(place.name + "-journal")


def _is_left_behind(place: Path, error: sqlite3.Error) -> bool:
    """Say whether a file could not be read since there is a transaction to be undone, and no right to do it."""
    name = error_name(error)
    return name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_IOERR")) and journal_of(place).exists()


def _copy(place: Path, ends: contextlib.ExitStack) -> Path:
    """Return a copy of a study and its journal, taken while nobody wrote."""
    folder = Path(ends.enter_context(tempfile.TemporaryDirectory(prefix="pellucid-study-")))
    target = folder / "study.db"
    for _ in range(_COPIES):
        before = _stamp(place)
        shutil.copyfile(place, target)
        with contextlib.suppress(FileNotFoundError):
            shutil.copyfile(journal_of(place), journal_of(target))
        if _stamp(place) == before:
            return target
        journal_of(target).unlink(missing_ok=True)
    raise UsageError("another process writes all the time", where=str(place), fix="Try again.")


def _stamp(place: Path) -> list[tuple[int, int] | None]:
    found: list[tuple[int, int] | None] = []
    for path in (place, journal_of(place)):
        try:
            told = path.stat()
            found.append((told.st_size, told.st_mtime_ns))
        except FileNotFoundError:
            found.append(None)
    return found


def error_name(error: BaseException) -> str:
    """Return SQLite's own name of an error, nothing where it has none."""
    return str(getattr(error, "sqlite_errorname", ""))


@contextlib.contextmanager
def telling(where: str) -> Iterator[None]:
    """Tell errors of SQLite, and of what was read, as what the user can do something about."""
    try:
        yield
    except sqlite3.Error as error:
        raise tell_error(error, where) from error
    except (BadText, UnicodeDecodeError) as error:  # the latter: SQLite's message quotes what is damaged
        raise damaged(where, str(error)) from None


def tell_error(error: sqlite3.Error, where: str) -> PellucidError:
    """Return what an error of SQLite means for the user."""
    name, got = error_name(error), str(error)
    if name == "SQLITE_NOTADB":
        return not_a_study(where, "another kind of file")
    if name == "SQLITE_FULL":
        fix = "Free some space; nothing that was written is lost."
        return UsageError("the disk is full", where=where, fix=fix)
    if name.startswith("SQLITE_READONLY"):
        fix = "Copy it to where you may write, or open it for reading."
        return UsageError("the study can not be written to", where=where, got=got, fix=fix)
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_PROTOCOL")):
        fix = "Close what has it open, such as a database browser, and try again."
        return UsageError("another program keeps the study locked", where=where, got=got, fix=fix)
    if name.startswith(("SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH")):
        fix = "Check the rights of the file and of its folder."
        return UsageError("the study can not be opened", where=where, got=got, fix=fix)
    if name.startswith("SQLITE_IOERR"):
        return UsageError("the disk does not do what it should", where=where, got=f"{got} ({name})", fix="Check it.")
    return damaged(where, got)
