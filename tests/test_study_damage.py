"""A file that is no study, or no whole one, gives one clear message; what is told of one is what was written."""

import os
import random
import shutil
import sqlite3
import sys

import pytest
from studies import all_ended, ended, make, record, waiting

from pellucid.errors import ModelError, PellucidError, UsageError
from pellucid.tuning.study import create_study, open_study
from pellucid.tuning.study.schema import APPLICATION
from pellucid.tuning.trial import Trial


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return make(tmp_path_factory.mktemp("study") / "study.db", 24, 20)


@pytest.fixture
def copy(whole, tmp_path):
    return shutil.copy(whole, tmp_path / "study.db")


def change(path, *statements):
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(*((statement,) if isinstance(statement, str) else statement))
    connection.commit()
    connection.close()


def refused(path, kind=ModelError, write=None):
    """The one message of both ways to open it."""
    told = set()
    for way in (False, True) if write is None else (write,):
        with pytest.raises(kind) as met, open_study(path, write=way) as study:
            study.trials()
        told.add(str(met.value))
    assert len(told) == 1
    (message,) = told
    assert str(path) in message and "\n" not in message
    return message


def everything(path, write):
    with open_study(path, write=write) as study:
        trials = study.trials()
        curves = [tuple(member.curve) for trial in trials for member in trial.members]
        return study.record, trials, curves, study.sessions(), study.counts(), study.best(5)


def test_bits_that_were_turned_over_are_found_or_do_not_matter(whole, tmp_path):
    content, wanted = whole.read_bytes(), everything(whole, False)
    chance, found = random.Random(5), 0
    for round in range(400):
        changed = bytearray(content)
        place = chance.randrange(len(changed) if round % 3 else 120)
        changed[place] ^= 1 << chance.randrange(8)
        path = tmp_path / "changed.db"
        path.write_bytes(changed)
        for write in (False, True):
            try:
                assert everything(path, write) == wanted
            except PellucidError as error:
                assert str(path) in str(error)
                found += 1
    assert found > 100


def test_files_that_were_cut_off_or_overwritten_are_found(whole, tmp_path):
    content, chance = whole.read_bytes(), random.Random(6)
    path = tmp_path / "changed.db"
    for _ in range(60):
        path.write_bytes(content[: chance.randrange(1, len(content))])
        told = refused(path)
        assert "this study is damaged" in told or "this is no study" in told
    wanted = everything(whole, False)
    for _ in range(60):
        start, length = chance.randrange(len(content)), chance.randrange(9000)
        path.write_bytes(content[:start] + bytes(len(content[start : start + length])) + content[start + length :])
        try:
            assert everything(path, False) == wanted
        except PellucidError as error:
            assert str(path) in str(error)


@pytest.mark.parametrize("content", [b"not a study\n" * 500, b"x", b"PK\3\4" * 9, bytes(5000), b"SQLite format 3\0"])
def test_another_kind_of_file_is_told_of(content, tmp_path):
    (tmp_path / "study.db").write_bytes(content)
    assert "this is no study" in refused(tmp_path / "study.db") or content.startswith(b"SQLite")


def test_nothing_an_empty_file_and_a_folder_are_told_of(tmp_path):
    (tmp_path / "empty.db").touch()
    assert "this is no study: got an empty file" in refused(tmp_path / "empty.db")
    assert "there is no such study" in refused(tmp_path / "none.db", UsageError)
    assert "a study is one file: got a directory" in refused(tmp_path, UsageError)
    (tmp_path / "round.db").symlink_to(tmp_path / "round.db")
    with pytest.raises(UsageError, match=r"leads nowhere|no such study"):
        open_study(tmp_path / "round.db")
    for name in ("", "a\0b"):
        with pytest.raises(UsageError, match="no file is named"):
            open_study(name)
    assert not list(tmp_path.glob("*.lock"))


def test_a_database_of_another_program_is_left_alone(tmp_path):
    path = tmp_path / "other.db"
    change(path, "CREATE TABLE trials (id)", "INSERT INTO trials VALUES (1)")
    before = path.read_bytes()
    assert "this is no study: got the database of another program" in refused(path)
    assert path.read_bytes() == before


def test_other_schemas_are_told_of(copy):
    change(copy, "PRAGMA user_version = 7")
    told = refused(copy)
    assert "a newer Pellucid made this study: got schema 7. Update Pellucid" in told
    change(copy, "PRAGMA user_version = 0")
    assert "this schema is not known: got schema 0" in refused(copy)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE more (x)",
        "CREATE VIEW more AS SELECT * FROM trials",
        "CREATE TRIGGER more AFTER UPDATE ON trials BEGIN DELETE FROM trials; END",
        "ALTER TABLE trials ADD COLUMN more",
        "DROP TABLE members",
        "DELETE FROM study",
        "UPDATE study SET metric = 'rmse'",
        "UPDATE study SET seed = '[[[[[[[[[['",
        "UPDATE trials SET value = 0.0 WHERE number = 3",
        "UPDATE trials SET number = 99 WHERE number = 3",
        "UPDATE trials SET parameters = x'00ff' WHERE number = 3",
        "UPDATE trials SET parameters = NULL || 'x' || char(0) || 'y' WHERE number = 3",
        "UPDATE members SET curve = '[[1],[0.5]]' WHERE trial = 3",
        "UPDATE members SET value = 'nan' WHERE trial = 3",
        "DELETE FROM members WHERE trial = 3 AND member = 1",
        "DELETE FROM trials WHERE number = 3",
        "DELETE FROM trials WHERE number = 21",
        "INSERT INTO members VALUES (77, 0, 1.0, 1, 1, 1.0, '[[],[]]')",
        "UPDATE trials SET error = CAST(x'ff' AS TEXT) WHERE number = 3",
        "UPDATE trials SET error = CAST(zeroblob(17000000) AS TEXT) WHERE number = 3",
        "UPDATE sessions SET facts = '{}'",
    ],
)
def test_what_another_program_has_changed_is_found(statement, copy):
    connection = sqlite3.connect(copy)
    try:
        connection.execute(statement)
    except sqlite3.IntegrityError:  # the tables themselves refuse it
        connection.close()
        return
    connection.commit()
    connection.close()
    assert "this study is damaged" in refused(copy)


def rewrite(path, **cells):
    """Change cells of trial 3, and its checksum with them, as only malice does."""
    from pellucid.tuning.study.rows import checksum

    names = ("number", "bracket", "state", "parameters", "value", "error", "ended")
    connection = sqlite3.connect(path)
    row = dict(
        zip(
            names, connection.execute(f"SELECT {', '.join(names)} FROM trials WHERE number = 3").fetchone(), strict=True
        )
    )
    members = connection.execute("SELECT * FROM members WHERE trial = 3 ORDER BY member").fetchall()
    row |= cells
    for name, value in (*row.items(), ("checksum", checksum(tuple(row.values()), members))):
        connection.execute(f"UPDATE trials SET {name} = ? WHERE number = 3", (value,))
    connection.commit()
    connection.close()


@pytest.mark.parametrize(
    "cells",
    [
        {"parameters": "[" * 100_000},
        {"parameters": '{"a":' * 100_000},
        {"parameters": "[1, 2]"},
        {"parameters": '{"a": "\\ud800"}'},
        {"parameters": '{"a": NaN}'},
        {"parameters": '{"a": ' + "9" * 10_000 + "}"},
        {"parameters": '{"a": {"float": "1e5"}}'},
        {"parameters": '{"a": {"float": ["inf"]}}'},
        {"value": "0.5"},
        {"value": b"0.5"},
        {"bracket": "first"},
        {"bracket": 1.5},
    ],
    ids=range(12),
)
def test_texts_that_were_never_written_are_refused(cells, copy):
    rewrite(copy, **cells)
    assert "this study is damaged" in refused(copy)


def test_a_full_disk_is_told_of_and_loses_nothing(tmp_path, monkeypatch):
    connect = sys.modules["pellucid.tuning.study.opening"].connect
    opened = []

    def on_a_small_disk(place, mode):
        connection = connect(place, mode)
        connection.execute("PRAGMA max_page_count = 24")
        opened.append(connection)
        return connection

    monkeypatch.setattr("pellucid.tuning.study.opening.connect", on_a_small_disk)
    path, safe = tmp_path / "study.db", []
    study = create_study(path, record())
    study.on_committed.append(lambda trial: safe.append(trial.number))
    study.add(waiting(20))
    with pytest.raises(UsageError, match="the disk is full") as met:
        study.add([Trial(number, {"text": "x" * 1000}) for number in range(20, 300)])
    assert str(path) in str(met.value)
    with pytest.raises(UsageError, match="the disk is full"):
        study.flush()
    for trial in waiting(3):
        study.finish(ended(trial)) if not trial.number else None
    with pytest.raises(UsageError, match="the disk is full"):
        study.flush()
    reader = open_study(path)
    assert reader.trials() == waiting(20) and not safe
    opened[-1].execute("PRAGMA max_page_count = 100000")  # somebody has tidied up
    study.close()
    assert [trial.number for trial in reader.trials() if trial.done] == safe == [0]
    assert len(reader.trials()) == 300


def test_a_disk_that_is_full_from_the_beginning_leaves_nothing(tmp_path, monkeypatch):
    connect = sys.modules["pellucid.tuning.study.opening"].connect

    def on_a_full_disk(place, mode):
        connection = connect(place, mode)
        connection.execute("PRAGMA max_page_count = 2")
        return connection

    monkeypatch.setattr("pellucid.tuning.study.opening.connect", on_a_full_disk)
    with pytest.raises(UsageError, match="the disk is full"):
        create_study(tmp_path / "study.db", record())
    assert not list(tmp_path.iterdir())


def test_a_study_that_may_only_be_read_is_read(copy, monkeypatch):
    connect = sys.modules["pellucid.tuning.study.file"].connect
    for module in ("file", "opening"):
        monkeypatch.setattr(f"pellucid.tuning.study.{module}.connect", lambda place, mode: connect(place, "ro"))
    assert open_study(copy).trials()[:20] == all_ended(20)
    assert "the study can not be written to" in refused(copy, UsageError, write=True)
    with pytest.raises(UsageError, match="was opened for reading"):
        open_study(copy).add([])


def test_a_folder_that_may_only_be_read_is_told_of(copy, monkeypatch):
    opens = os.open

    def refuse(path, flags, *rest, **named):
        if flags & os.O_CREAT and str(path).endswith(".lock"):
            raise PermissionError(13, "Permission denied", str(path))
        return opens(path, flags, *rest, **named)

    monkeypatch.setattr(os, "open", refuse)
    assert "the study can not be written to: got Permission denied" in refused(copy, UsageError, write=True)
    with pytest.raises(UsageError, match="the study can not be written to"):
        create_study(copy.with_name("new.db"), record())
    assert open_study(copy).counts()["waiting"] == 4


def test_what_is_there_is_not_overwritten(copy, tmp_path):
    before = copy.read_bytes()
    for path in (copy, tmp_path):
        with pytest.raises(UsageError, match="it exists already"):
            create_study(path, record())
    with pytest.raises(UsageError, match="there is no such folder"):
        create_study(tmp_path / "none" / "study.db", record())
    assert copy.read_bytes() == before and [each.name for each in tmp_path.iterdir()] == ["study.db"]


def test_what_a_killed_beginning_has_left_is_in_nobodys_way(tmp_path):
    for name in ("study.db.new", "study.db.new-journal", "study.db-journal", "study.db.lock"):
        (tmp_path / name).write_bytes(b"left behind" * 100)
    make(tmp_path / "study.db")
    assert [each.name for each in tmp_path.iterdir()] == ["study.db"]


def test_a_study_that_is_removed_while_it_is_written_is_told_of(tmp_path):
    study = create_study(tmp_path / "study.db", record())
    study.add(waiting(2))
    (tmp_path / "study.db").rename(tmp_path / "moved.db")
    with pytest.raises(UsageError, match="the study was moved or removed while it was written"):
        study.add(waiting(2, first=2))
    (tmp_path / "moved.db").rename(tmp_path / "study.db")
    study.close()
    assert len(open_study(tmp_path / "study.db").trials()) == 4


def test_a_program_that_writes_into_a_study_meanwhile_is_told_of(tmp_path):
    study = create_study(tmp_path / "study.db", record())
    study.add(waiting(2))
    change(tmp_path / "study.db", "DELETE FROM trials WHERE number = 1")
    study.finish(ended(study.trial(1)))
    with pytest.raises(UsageError, match="another program has changed this study"):
        study.close()


def test_a_study_in_another_journal_mode_is_set_right(copy):
    change(copy, "PRAGMA journal_mode = WAL")
    assert open_study(copy).trials()[:20] == all_ended(20)
    open_study(copy, write=True).close()
    connection = sqlite3.connect(copy)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION,)
    connection.close()
