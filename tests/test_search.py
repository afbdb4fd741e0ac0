"""The engine of searches: what goes on after each round, whatever threads, interrupts and memory there are."""

from __future__ import annotations

import itertools
import math
import os
import random
import signal
import threading
import time

import pytest

import pellucid as pl
from pellucid.errors import TrainingError
from pellucid.tuning import bracket
from pellucid.tuning.engine import SIZES, run_search
from pellucid.tuning.pruning import pruner
from pellucid.tuning.status import INTERRUPTED, OUT_OF_TIME, SPACE_RAN_OUT, TRIALS_RAN_OUT
from pellucid.tuning.study import StudyRecord, create_study, open_study
from pellucid.tuning.trial import FAILED, FINISHED, PRUNED, STATES, WAITING, MemberResult, common_value

EPOCHS = 18


def value_of(quality, member, epochs):
    """A learning curve that everybody can compute: it falls towards the quality."""
    return quality + 0.01 * member + (1 + quality) / (1 + epochs)


class Pretender:
    """A contender that learns nothing; it takes a while, now and then in several parts."""

    size = 10

    def __init__(self, quality, member, early=None):
        self.quality, self.member, self.early, self.epochs = quality, member, early, EPOCHS
        self.epoch, self.ended = 0, False

    def learn(self, epochs, seconds):
        time.sleep(random.random() * 0.002)
        if random.random() < 0.3:
            return False
        if self.quality == 13:
            raise TrainingError("a value is not finite", where="step 3")
        self.epoch = max(self.epoch, min(epochs, self.early or EPOCHS))
        self.ended = self.epoch == (self.early or EPOCHS)
        return True

    def result(self):
        value = math.nan if self.quality == 7 else value_of(self.quality, self.member, self.epoch)
        return MemberResult(value, self.epoch, self.epoch, 0.0, ((self.epoch, value),))


class Pretended:
    """An objective of pretenders."""

    metric, higher_is_better, members, compile_seconds = "rmse", False, ("fold 1", "fold 2"), 0.0

    def __init__(self, early=None):
        self.begun, self.early = [], early

    def check(self, parameters):
        pass

    def key(self, parameters):
        return parameters["quality"] % 3

    def begin(self, parameters, member):
        self.begun.append((parameters["quality"], member))
        return Pretender(parameters["quality"], member, self.early)


class Counting:
    """A sampler that proposes numbers in a mixed order, and notes what it is told."""

    def __init__(self, learns=False, most=10**6):
        self.name, self.learns, self.most, self.told = "counting", learns, most, []

    def propose(self, first, count, history, pending):
        self.told.append(
            (first, count, [(trial.number, trial.value) for trial in history], [t.number for t in pending])
        )
        assert all(trial.state == WAITING and trial.value is None for trial in pending)
        return [{"quality": number * 7919 % 101} for number in range(first, min(first + count, self.most))]


def record(**changes):
    given = {"space": "", "metric": "rmse", "higher_is_better": False, "sampler": "counting", "pruner": "halving"}
    given |= {"seed": 0, "members": ("fold 1", "fold 2"), "settings": {}, "versions": {}, "created": "2026-01-01"}
    return StudyRecord(**{**given, **changes})


def run(trials=None, threads=3, rule="halving", study=None, sampler=None, objective=None, **more):
    study = create_study(None, record()) if study is None else study
    objective = Pretended() if objective is None else objective
    return run_search(objective, sampler or Counting(), pruner(rule), study, trials=trials, threads=threads, **more)


def plain(trial):
    return trial.number, trial.parameters, trial.bracket, trial.state, trial.value, trial.epochs, trial.error


def expected(count, rule="halving", higher_is_better=False):
    """What becomes of so many proposals, computed bracket by bracket without any engine."""
    found, first, number = [], 0, 0
    sign = -1 if higher_is_better else 1
    while first < count:
        size = min(SIZES[min(number, 2)], count - first)
        qualities = {n: n * 7919 % 101 for n in range(first, first + size)}
        alive = [n for n in qualities if qualities[n] != 13]
        states = {n: (FAILED, None, 0) for n in qualities if qualities[n] == 13}
        stops = (2, 6, 18) if rule == "halving" else (18,)
        for place, stop in enumerate(stops):
            values = {
                n: math.nan if qualities[n] == 7 else math.fsum(value_of(qualities[n], m, stop) for m in (0, 1)) / 2
                for n in alive
            }
            ranked = sorted(alive, key=lambda n: (values[n] != values[n], sign * values[n], n))
            last = place == len(stops) - 1
            kept = ranked if last else ranked[: -(-len(ranked) // 3)]
            for n in alive:
                states[n] = (FINISHED if n in kept else PRUNED, values[n], stop)
            alive = kept
        found += [(n, number, *states[n]) for n in qualities]
        first, number = first + size, number + 1
    return found


def same(left, right):
    return repr(left) == repr(right)  # NaN is NaN here


@pytest.mark.parametrize("rule", ["halving", "none"])
@pytest.mark.parametrize("threads", [1, 2, 5])
def test_rounds_keep_the_best_third(rule, threads):
    found = run(150, threads=threads, rule=rule)
    told = [(t.number, t.bracket, t.state, t.value, t.epochs) for t in found.trials]
    assert same(told, expected(150, rule))
    assert found.reason == TRIALS_RAN_OUT and not found.interrupted
    finished = [t for t in found.trials if t.state == FINISHED and not math.isnan(t.value)]
    assert found.best == min(finished, key=lambda t: (t.value, t.number))
    assert [t.error for t in found.trials if t.state == FAILED] == ["step 3: a value is not finite."]


def test_what_is_higher_can_be_better():
    objective = Pretended()
    objective.higher_is_better = True
    found = run(36, objective=objective)
    told = [(t.number, t.bracket, t.state, t.value, t.epochs) for t in found.trials]
    assert same(told, expected(36, higher_is_better=True))


def test_each_round_goes_on_where_the_last_one_stopped():
    objective = Pretended()
    run(60, objective=objective)
    assert len(objective.begun) == len(set(objective.begun))  # none was begun twice


def test_little_memory_changes_nothing(monkeypatch):
    plenty = run(80)
    monkeypatch.setattr(bracket, "MOST_BYTES", 30)
    objective = Pretended()
    little = run(80, objective=objective)
    assert same([plain(t) for t in little.trials], [plain(t) for t in plenty.trials])
    assert len(objective.begun) > len(set(objective.begun))  # some were trained anew


def test_early_stopping_ends_a_contender_in_any_round():
    found = run(40, objective=Pretended(early=4))
    assert {t.epochs for t in found.trials if t.state == FINISHED} == {4}
    assert {t.epochs for t in found.trials if t.state == PRUNED} == {2, 4}
    assert sum(t.state == FINISHED for t in found.trials) == 1 + 3 + 1  # of brackets of 9, 27 and 4


@pytest.mark.parametrize("threads", [1, 4])
def test_a_sampler_that_learns_sees_all_brackets_but_the_last(threads):
    sampler = Counting(learns=True)
    found = run(200, threads=threads, sampler=sampler)
    values = {t.number: t.value for t in found.trials}
    firsts = [first for first, *_ in sampler.told]
    assert firsts == [0, 9, 36, 96, 156]
    for number, (_, _, history, pending) in enumerate(sampler.told):
        known = firsts[number - 1] if number > 0 else 0
        assert same(history, [(n, values[n]) for n in range(known)])
        assert pending == list(range(known, firsts[number]))


def test_given_configurations_come_first():
    given = [{"quality": -5}, {"quality": 500}]
    found = run(20, start_with=given)
    assert [t.parameters["quality"] for t in found.trials[:3]] == [-5, 500, 2 * 7919 % 101]
    assert found.best.number == 0


def test_more_configurations_can_be_given_than_the_first_bracket_has():
    given = [{"quality": -number} for number in range(14)]
    found = run(20, start_with=given)
    assert [t.parameters["quality"] for t in found.trials[:15]] == [*(-number for number in range(14)), 14 * 7919 % 101]


def test_an_objective_without_trainings_is_refused():
    objective = Pretended()
    objective.members = ()
    with pytest.raises(pl.UsageError, match="no trainings"):
        run(9, objective=objective)


def test_a_space_that_is_used_up_ends_the_search():
    found = run(100, sampler=Counting(most=17))
    assert len(found.trials) == 17 and found.reason == SPACE_RAN_OUT


def test_no_end_is_refused():
    with pytest.raises(pl.UsageError, match="no end"):
        run(None)


def test_a_study_in_a_file_is_extended(tmp_path):
    path = tmp_path / "study.db"
    with create_study(path, record()) as study:
        run(36, study=study)
    with open_study(path, write=True) as study:
        found = run(96, study=study)
        assert same([plain(t) for t in study.trials()], [plain(t) for t in found.trials])
    assert same([plain(t) for t in found.trials], [plain(t) for t in run(96).trials])


class Stopping(Pretended):
    """An objective that lets a search be interrupted once so many trainings have begun."""

    def __init__(self, after):
        super().__init__()
        self.after = after

    def begin(self, parameters, member):
        if len(self.begun) == self.after:
            os.kill(os.getpid(), signal.SIGINT)
        return super().begin(parameters, member)


@pytest.mark.parametrize("after", [3, 20, 60, 100])
def test_a_search_that_was_interrupted_goes_on_to_the_same_end(tmp_path, after):
    path = tmp_path / "study.db"
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with create_study(path, record()) as study:
            stopped = run(96, study=study, objective=Stopping(after))
    finally:
        signal.signal(signal.SIGINT, before)
    assert stopped.interrupted and stopped.reason == INTERRUPTED
    on_record = [plain(t) for t in stopped.trials if t.done]
    with open_study(path, write=True) as study:
        assert same([plain(t) for t in study.trials() if t.done], on_record)
        found = run(96, study=study)
    assert same([plain(t) for t in found.trials], [plain(t) for t in run(96).trials])
    assert {repr(t) for t in on_record} <= {repr(plain(t)) for t in found.trials}


def test_time_ends_a_search():
    began = time.perf_counter()
    found = run(None, seconds=0.3)
    assert found.reason == OUT_OF_TIME and 0.25 < time.perf_counter() - began < 5
    done = [t for t in found.trials if t.state in (FINISHED, PRUNED)]
    assert done and {t.parameters["quality"] for t in done} == {t.number * 7919 % 101 for t in done}
    for trial in done:
        values = [value_of(trial.parameters["quality"], member, trial.epochs) for member in (0, 1)]
        assert trial.value == math.fsum(values) / 2 or trial.parameters["quality"] == 7


def test_members_are_judged_by_one_epoch_for_all():
    jumping = MemberResult(0.1, 4, 2, 0.0, ((1, 0.9), (2, 0.1), (3, 0.8), (4, 0.7)))
    stopped = MemberResult(0.3, 3, 3, 0.0, ((1, 0.9), (2, 0.8), (3, 0.3)))
    assert common_value([jumping, stopped], False) == (0.1 + 0.8) / 2
    assert common_value([jumping, stopped], True) == (0.9 + 0.9) / 2
    assert common_value([stopped, stopped], False) == 0.3
    unknown = MemberResult(math.nan, 2, 0, 0.0, ((1, math.nan), (2, math.nan)))
    assert math.isnan(common_value([unknown, jumping], False))
    last = [MemberResult(value, 9, 9, 0.0, ((3, 0.0), (9, value))) for value in (0.5, 0.7)]
    assert common_value(last, False) == math.fsum([0.5, 0.7]) / 2  # judged by their last epoch


def test_whoever_watches_is_told():
    told = []
    found = run(60, on=told.append)
    last = told[-1]
    assert last.trials == {state: sum(t.state == state for t in found.trials) for state in STATES}
    assert last.wanted == 60 and last.best == found.ranking()[:10] and last.rate > 0
    assert all(early.trials[FINISHED] <= late.trials[FINISHED] for early, late in itertools.pairwise(told))


def test_an_error_in_the_objective_ends_the_search_and_is_raised():
    class Broken(Pretended):
        def begin(self, parameters, member):
            raise ZeroDivisionError("broken")

    before = threading.active_count()
    with pytest.raises(ZeroDivisionError, match="broken"):
        run(30, objective=Broken())
    deadline = time.perf_counter() + 5
    while threading.active_count() > before + 1 and time.perf_counter() < deadline:
        time.sleep(0.01)
    assert threading.active_count() <= before + 1
