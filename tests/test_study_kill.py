"""Whatever kills a search, and whenever, no trial that was safe on disk is lost, and none is done twice."""

import os
import sqlite3
import subprocess
import sys
import threading
import time

import pytest
from studies import all_ended, ended, make, record, waiting

from pellucid.bench.tune.kill import measure_kills
from pellucid.errors import UsageError
from pellucid.tuning.study import create_study, open_study
from pellucid.tuning.study.file import journal_of
from pellucid.tuning.study.lock import SUFFIX


def check(report, instants):
    assert report.instants == instants and report.trials > 0
    assert (report.lost, report.doubled, report.differing) == (0, 0, 0)
    assert report.slowest_resume < 2


def test_kills_at_random_instants_lose_and_double_nothing():
    report = measure_kills(5, seed=1)
    check(report, 5)
    assert report.in_commits > 0 and report.in_start_ups > 0


@pytest.mark.long
@pytest.mark.parametrize(("instants", "already"), [(200, 0), (40, 20_000)])
def test_many_kills_lose_and_double_nothing(instants, already):
    report = measure_kills(instants, seed=2, already=already)
    check(report, instants)
    assert report.in_commits > instants / 5 and report.in_start_ups > instants / 10


CHILD = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
from studies import ended, record, waiting
from pellucid.tuning.study import create_study, schema, tables, opening, writer
path, at = sys.argv[2], int(sys.argv[3])
passed = 0

def trace(frame, event, _):
    global passed
    if frame.f_code.co_filename not in files:
        return None
    if event == "line":
        passed += 1
        if passed == at:
            os.kill(os.getpid(), getattr(signal, 'SIGKILL', signal.SIGTERM))
    return trace

import threading
files = {module.__file__ for module in (schema, tables, opening, writer)}
threading.settrace(trace)
sys.settrace(trace)
with create_study(path, record()) as study:
    study.on_committed.append(lambda trial: os.write(1, f"{trial.number}\\n".encode()))
    study.add(waiting(6))
    for trial in waiting(6):
        study.finish(ended(trial))
        study.flush()
print("done", passed)
"""
HERE = os.path.dirname(__file__)


def run_child(path, at):
    command = [sys.executable, "-c", CHILD, HERE, str(path), str(at)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_a_kill_at_any_line_of_making_and_writing_leaves_a_whole_study_or_none(tmp_path):
    whole = run_child(tmp_path / "whole.db", 0)
    assert whole.returncode == 0, whole.stderr
    lines = int(whole.stdout.split()[-1])
    for at in [*range(1, 40, 9), *range(40, lines, lines // 6)]:
        path = tmp_path / f"{at}.db"
        killed = run_child(path, at)
        assert killed.returncode != 0 and not killed.stderr
        told = [int(number) for number in killed.stdout.split()]
        if path.exists():
            with open_study(path, write=True) as study:
                trials = study.trials()
                assert trials in ([], waiting(6)) or trials == all_ended(6)[: sum(t.done for t in trials)] + [
                    trial for trial in waiting(6) if not trials[trial.number].done
                ]
                assert all(trials[number].done for number in told)
        else:
            assert not told
            make(path)
            assert open_study(path).trials()[:9] == all_ended(9)


def leave_half_a_transaction(path, place):
    """Copy a study as a killed writer would leave it: with pages overwritten, and the journal that undoes it."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA cache_size = 1")  # pages are written before the commit
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("UPDATE members SET curve = ?, epochs = 99", ("x" * 3000,))
    script = "import shutil, sys; shutil.copy(*sys.argv[1:3]); shutil.copy(*sys.argv[3:5])"
    files = [path, place, journal_of(path), journal_of(place)]
    # By another process: where this one closes a file, SQLite's locks on it are gone.
    subprocess.run([sys.executable, "-c", script, *map(str, files)], check=True, timeout=60)
    connection.execute("ROLLBACK")
    connection.close()
    assert journal_of(place).stat().st_size > 512 and place.read_bytes() != path.read_bytes()


def test_half_a_transaction_is_undone_by_whoever_comes_first(tmp_path):
    path = make(tmp_path / "study.db", 40, 40)
    for name, write in (("reader.db", False), ("writer.db", True)):
        leave_half_a_transaction(path, tmp_path / name)
        with open_study(tmp_path / name, write=write) as study:
            assert study.trials() == all_ended(40)
        assert not journal_of(tmp_path / name).exists()


def test_who_may_not_write_reads_what_a_killed_writer_has_left(tmp_path, monkeypatch):
    path, left = make(tmp_path / "study.db", 40, 40), tmp_path / "left.db"
    leave_half_a_transaction(path, left)
    before = left.read_bytes(), journal_of(left).read_bytes()
    connect = sys.modules["pellucid.tuning.study.file"].connect

    def only_read(place, mode):
        return connect(place, "ro" if place == left else mode)

    monkeypatch.setattr("pellucid.tuning.study.file.connect", only_read)
    study = open_study(left)
    assert study.trials() == all_ended(40) and study.counts()["waiting"] == 0
    assert (left.read_bytes(), journal_of(left).read_bytes()) == before
    monkeypatch.setattr("pellucid.tuning.study.opening.connect", only_read)
    with pytest.raises(UsageError, match="the study can not be written to"):
        open_study(left, write=True)


def test_a_lock_ends_with_the_process_that_held_it(tmp_path):
    path = make(tmp_path / "study.db")
    script = "import sys, time; from pellucid.tuning.study import open_study\ns = open_study(sys.argv[1], write=True)\n"
    command = [sys.executable, "-c", script + "print('open', flush=True); time.sleep(60)", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout.readline() == "open\n"
        with pytest.raises(UsageError, match=f"another process is writing to this study: got process {child.pid} on "):
            open_study(path, write=True)
        child.kill()
    assert path.with_name(path.name + SUFFIX).exists()
    open_study(path, write=True).close()
    assert not path.with_name(path.name + SUFFIX).exists()


def test_many_want_to_write_and_one_may(tmp_path):
    path, found, refused = make(tmp_path / "study.db"), [], []
    gate = threading.Barrier(8)

    def try_it():
        gate.wait()
        try:
            found.append(open_study(path, write=True))
        except UsageError as error:
            refused.append(str(error))

    threads = [threading.Thread(target=try_it) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 1 and len(refused) == 7
    assert all("another process is writing to this study" in told for told in refused)
    found[0].close()


def test_a_program_that_ends_without_closing_has_written_all(tmp_path):
    script = CHILD.split("import threading")[0] + (
        "study = create_study(path, record())\nstudy.add(waiting(6))\n"
        "for trial in waiting(6): study.finish(ended(trial))\n"
    )
    path = tmp_path / "study.db"
    subprocess.run([sys.executable, "-c", script, HERE, str(path), "0"], check=True, timeout=60)
    assert open_study(path).trials() == all_ended(6)


def test_other_programs_that_hold_the_file_for_a_moment_are_waited_for(tmp_path):
    path = tmp_path / "study.db"
    with create_study(path, record()) as study:
        study.add(waiting(3))
        reader = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM trials").fetchall()
        threading.Timer(0.3, lambda: reader.execute("COMMIT")).start()
        began = time.perf_counter()
        study.finish(ended(study.trial(0)))
        assert time.perf_counter() - began < 0.2  # it does not wait
        study.flush()
        reader.close()
    assert open_study(path).trial(0).done


def test_those_that_hold_it_for_ever_are_told_of(tmp_path, monkeypatch):
    monkeypatch.setattr("pellucid.tuning.study.file.PATIENCE", 0.1)
    path = tmp_path / "study.db"
    study = create_study(path, record())
    study.add(waiting(3))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    study.finish(ended(study.trial(0)))
    with pytest.raises(UsageError, match="another program keeps the study locked"):
        study.flush()
    with pytest.raises(UsageError, match="another program keeps the study locked"):
        open_study(path)
    other.close()
    study.close()
    assert open_study(path).trial(0).done
