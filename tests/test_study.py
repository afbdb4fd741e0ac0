"""A study keeps what was tried and tells it again: to those who write, and to those who read along."""

import datetime
import json
import sqlite3
import subprocess
import sys
import threading
import time

import pytest
from studies import all_ended, ended, make, record, results, waiting

from pellucid.errors import UsageError
from pellucid.tuning.study import create_study, open_study
from pellucid.tuning.trial import FINISHED, PRUNED, Trial, ranking


def test_what_is_written_comes_back(tmp_path):
    wanted = all_ended(9) + waiting(3, first=9)
    opened = open_study(make(tmp_path / "study.db"))
    assert opened.trials() == wanted
    assert opened.trial(4) == wanted[4] and opened.trial(11) == wanted[11]
    assert opened.counts() == {"waiting": 3, "finished": 3, "pruned": 3, "failed": 3}
    assert opened.record == record(created=opened.record.created)
    assert datetime.datetime.fromisoformat(opened.record.created).utcoffset() == datetime.timedelta(0)


@pytest.mark.parametrize("place", ["memory", "file"])
def test_best_are_finished_ones_in_order_and_pruned_ones_only_in_need(place, tmp_path):
    with create_study(None if place == "memory" else tmp_path / "study.db", record()) as study:
        assert study.best(3) == []
        study.add(waiting(300))
        pruned = [ended(trial, PRUNED) for trial in waiting(140)]
        for trial in pruned:
            study.finish(trial)
        assert study.best(5) == ranking(pruned, False)[:5]
        for trial in waiting(140, first=140):
            study.finish(ended(trial, FINISHED))
            study.best(2)
        finished = ranking([trial for trial in study.trials() if trial.state == FINISHED], False)
        for count in (1, 10, 100, 101, 1000):
            assert study.best(count) == finished[:count]
    if place == "file":
        assert open_study(tmp_path / "study.db").best(7) == finished[:7]


def test_the_direction_of_the_metric_counts(tmp_path):
    path = make(tmp_path / "study.db", metric="accuracy", higher_is_better=True)
    assert [trial.number for trial in open_study(path).best(3)] == [6, 3, 0]


def test_a_study_is_gone_on_with_and_extended(tmp_path):
    path = make(tmp_path / "study.db")
    for first in (12, 20):
        with open_study(path, write=True) as study:
            study.begin_session()
            for trial in [trial for trial in study.trials() if not trial.done]:
                study.finish(ended(trial))
            study.add(waiting(8, first))
    found = open_study(path)
    assert [trial.done for trial in found.trials()] == [True] * 20 + [False] * 8
    assert found.trials()[:20] == all_ended(20)
    assert [session["ended"] is None for session in found.sessions()] == [False, True, True]
    assert found.sessions()[0]["threads"] == 2 and found.sessions()[0]["compile_seconds"] == 0.5


@pytest.mark.parametrize(
    ("trials", "told"),
    [
        ([Trial(3, {})], "trial 3: trials are numbered without gaps: expected trial 12"),
        ([Trial(12, {}), Trial(12, {})], "trial 12: trials are numbered without gaps"),
        ([Trial(13, {})], "trial 13: trials are numbered without gaps"),
        ([Trial(12, {}), ended(Trial(13, {}))], "trial 13: a new trial waits"),
        ([Trial(12, {"a": {1, 2}})], "trial 12, a: a study can not hold this: got set"),
        ([Trial(12, {"a": [object()]})], "a study can not hold this: got object"),
        ([Trial(12, {3: 1})], "the name is no text"),
        ([Trial(12, {"a": ["\ud800"]})], "trial 12, a: text that is not Unicode"),
        ([Trial(12, {"a": 10**5000})], "this can not be written down"),
        ([Trial(12, {"float": "inf"})], "stands for an infinity"),
        ([Trial(12, {"a": "x" * 2**24})], "too long for a study"),
        ([Trial(12, {}, 2**63)], "the number does not fit into 64 bits"),
    ],
)
def test_trials_that_can_not_be_added_leave_all_as_it_was(trials, told, tmp_path):
    path = make(tmp_path / "study.db")
    with open_study(path, write=True) as study:
        before = study.trials()
        with pytest.raises(UsageError, match=told):
            study.add(trials)
        assert study.trials() == before == open_study(path).trials()


@pytest.mark.parametrize("place", ["memory", "file"])
def test_a_trial_ends_once_and_only_where_it_was_added(place, tmp_path):
    with create_study(None if place == "memory" else tmp_path / "study.db", record()) as study:
        study.add(waiting(2))
        study.finish(ended(study.trial(0)))
        with pytest.raises(UsageError, match="trial 0: it has ended before: got finished"):
            study.finish(ended(waiting(1)[0]))
        with pytest.raises(UsageError, match="trial 9: it was not added"):
            study.finish(ended(Trial(9, {})))
        with pytest.raises(UsageError, match="trial 1: it has not ended: got waiting"):
            study.finish(study.trial(1))
        with pytest.raises(UsageError, match="there is no such trial: got 7, expected one of 2 from 0"):
            study.trial(7)
    with pytest.raises(UsageError, match="the study is closed"):
        study.add(waiting(1, first=5))


def test_sessions_keep_what_is_told_of_them(tmp_path):
    with create_study(tmp_path / "study.db", record()) as study:
        with pytest.raises(UsageError, match="no session was begun"):
            study.end_session()
        with pytest.raises(UsageError, match="a study can not hold this"):
            study.begin_session({"cores": {1, 2}})
        study.begin_session({"cores": (0, 1), "ended": "never", "rate": 1.5})
        study.end_session({"rate": 2.5, "began": "never"})
        kept = study.sessions()
    assert kept == open_study(tmp_path / "study.db").sessions() and len(kept) == 1
    assert kept[0]["cores"] == [0, 1] and kept[0]["rate"] == 2.5
    assert kept[0]["began"] <= kept[0]["ended"] < "9"


def test_only_what_is_on_disk_is_told_as_committed(tmp_path):
    told, seen = [], []
    with create_study(tmp_path / "study.db", record()) as study:
        reader = open_study(tmp_path / "study.db")
        study.on_committed.append(
            lambda trial: (told.append(trial.number), seen.append(reader.trial(trial.number).done))
        )
        study.add(waiting(50))
        for trial in waiting(50):
            study.finish(ended(trial))
        study.flush()
        assert told == list(range(50)) and all(seen)


def test_trials_that_come_together_are_committed_together(tmp_path):
    with create_study(tmp_path / "study.db", record()) as study:
        study.add(waiting(400))
        reader = sqlite3.connect(tmp_path / "study.db")
        (before,) = reader.execute("PRAGMA data_version").fetchone()
        began = time.perf_counter()
        for trial in waiting(400):
            study.finish(ended(trial))
        assert time.perf_counter() - began < 5  # 400 commits, each with its waits for the disk, are not made
        study.flush()
        assert reader.execute("PRAGMA data_version").fetchone() != (before,)
        reader.close()


def test_what_a_callback_raises_is_not_lost(tmp_path):
    def grumble(trial):
        raise ValueError(f"not {trial.number}")

    study = create_study(tmp_path / "study.db", record())
    study.on_committed.append(grumble)
    study.add(waiting(1))
    study.finish(ended(study.trial(0)))
    with pytest.raises(ValueError, match="not 0"):
        study.flush()
    study.flush()
    study.close()
    assert open_study(tmp_path / "study.db").trial(0).done


def test_threads_finish_side_by_side_while_others_read(tmp_path):
    path = tmp_path / "study.db"
    with create_study(path, record()) as study:
        study.add(waiting(240))
        parts = [waiting(240)[part::4] for part in range(4)]
        threads = [threading.Thread(target=lambda part=part: [study.finish(ended(t)) for t in part]) for part in parts]
        for thread in threads:
            thread.start()
        reader, counts = open_study(path), [0]
        while counts[-1] < 240:
            trials = reader.trials()
            assert all(trial == ended(waiting(1, trial.number)[0]) for trial in trials if trial.done)
            counts.append(sum(trial.done for trial in trials))
            if not any(thread.is_alive() for thread in threads):
                study.flush()
        assert counts == sorted(counts)
    assert open_study(path).trials() == all_ended(240)


def test_another_process_reads_while_one_writes_and_may_not_write(tmp_path):
    script = (
        "import sys; from pellucid.tuning.study import open_study; path = sys.argv[1]\n"
        "print(open_study(path).counts()['waiting'])\n"
        "try: open_study(path, write=True)\n"
        "except ValueError as error: print(error)"
    )
    path = tmp_path / "study.db"
    with create_study(path, record()) as study:
        study.add(waiting(5))
        command = [sys.executable, "-c", script, str(path)]
        told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.splitlines()
        assert told[0] == "5"
        assert "another process is writing to this study: got process " in told[1] and len(told) == 2
        with pytest.raises(UsageError, match="another process is writing"):
            open_study(path, write=True)
    open_study(path, write=True).close()
    assert [each.name for each in tmp_path.iterdir()] == ["study.db"]


NAMES = ["a b.db", "größe ☃.db", "what?mode=memory#x%20y%.db", "'; DROP TABLE trials; --", "-journal", "file:x"]


@pytest.mark.parametrize("name", NAMES)
def test_any_name_of_a_file_will_do(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for path in (tmp_path / name, name):
        make(path)
        assert [each.name for each in tmp_path.iterdir()] == [name]
        assert open_study(path).trials()[:9] == all_ended(9)
        (tmp_path / name).unlink()


def test_a_link_leads_to_the_same_study(tmp_path):
    (tmp_path / "runs").mkdir()
    (tmp_path / "link.db").symlink_to(tmp_path / "runs" / "study.db")
    with create_study(tmp_path / "link.db", record()) as study:
        study.add(waiting(2))
        assert open_study(tmp_path / "runs" / "study.db").counts()["waiting"] == 2
        with pytest.raises(UsageError, match="another process is writing"):
            open_study(tmp_path / "runs" / "study.db", write=True)
    assert (tmp_path / "link.db").is_symlink() and (tmp_path / "runs" / "study.db").is_file()


def test_many_trials_are_all_there_again(tmp_path):
    path, count = tmp_path / "study.db", 3_000
    with create_study(path, record()) as study:
        study.add([Trial(number, {"rate": number / 7, "units": 64}, number // 60) for number in range(count)])
        members = results(3, epochs=30)
        for number in range(count):
            study.finish(study.trial(number).ended(FINISHED, members))
    with open_study(path, write=True) as study:
        assert len(study.trials()) == count and study.counts()["finished"] == count
        assert [trial.parameters["rate"] for trial in study.trials()] == [number / 7 for number in range(count)]


def test_the_file_is_as_it_was_promised(tmp_path):
    connection = sqlite3.connect(make(tmp_path / "study.db"))
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    assert connection.execute("PRAGMA application_id").fetchone() != (0,)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    (text,) = connection.execute("SELECT parameters FROM trials WHERE number = 1").fetchone()
    assert json.loads(text) == dict(waiting(2)[1].parameters)
    (text,) = connection.execute("SELECT curve FROM members WHERE trial = 0 AND member = 1").fetchone()
    assert list(zip(*json.loads(text), strict=True)) == list(results(0)[1].curve)
    best = connection.execute("SELECT number FROM trials WHERE state = 'finished' ORDER BY value").fetchall()
    assert best == [(0,), (3,), (6,)]
    connection.close()
