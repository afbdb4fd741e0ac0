"""Samplers: pure functions of their arguments that propose what is in the space, once where it is finite."""

from __future__ import annotations

import logging
import math
import sys
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from pellucid.errors import UsageError
from pellucid.tuning.samplers import SAMPLERS, make_sampler
from pellucid.tuning.space import Space, identity
from pellucid.tuning.trial import FAILED, FINISHED, PRUNED, MemberResult, Trial

NESTED = Space(
    {
        "layers": "integer(0, 2)",
        "units": "integer(8, 64, log) if layers >= 1",
        "shape": "choice([8, 4], [4], none) if layers == 2",
        "drop": "uniform(0, 0.5) if layers >= 1",
        "rate": "log_uniform(1e-4, 1)",
        "mode": "fixed",
    }
)
TINY = Space({"layers": "integer(0, 2)", "name": "choice(adam, sgd) if layers >= 1"})


def loss(parameters) -> float:
    value = (math.log10(parameters["rate"]) + 2) ** 2 + 0.5 * abs(parameters["layers"] - 1)
    return value + (parameters.get("drop", 0.5) - 0.2) ** 2


def ended(number: int, parameters, value: float | None, state: str = FINISHED, epochs: int = 9) -> Trial:
    if value is None:
        return Trial(number, parameters).ended(FAILED, (), "not finite")
    return Trial(number, parameters).ended(state, (MemberResult(value, epochs, epochs, 0.1),))


def history_of(space: Space, count: int, value=loss) -> list[Trial]:
    proposed = make_sampler("random", space, 5, False).propose(0, count, [], [])
    return [ended(number, one, value(one)) for number, one in enumerate(proposed)]


def key(parameters) -> frozenset:
    return frozenset((name, identity(value)) for name, value in parameters.items())


@pytest.mark.parametrize("name", SAMPLERS)
def test_proposals_are_the_same_bits_on_every_call_and_in_the_space(name):
    history, pending = history_of(NESTED, 30), [Trial(30, NESTED.draw({one.name: 0.5 for one in NESTED.dimensions}))]
    first = make_sampler(name, NESTED, 7, False).propose(31, 9, history, pending)
    np.random.seed(0)
    again = make_sampler(name, NESTED, 7, False)
    again.propose(0, 3, [], [])
    assert repr(again.propose(31, 9, history, pending)) == repr(first) and len(first) == 9
    for one in first:
        NESTED.check(one)
    assert again.propose(31, 0, history, pending) == []
    if name != "grid":
        assert make_sampler(name, NESTED, 8, False).propose(31, 9, history, pending) != first


def test_random_trials_depend_on_their_number_alone():
    sampler = make_sampler("random", NESTED, 3, False)
    whole = sampler.propose(0, 40, [], [])
    assert [sampler.propose(number, 1, [], [])[0] for number in range(40)] == whole
    assert sampler.propose(13, 20, [], []) == whole[13:33]
    more = NESTED.changed({"momentum": "uniform(0, 1)"})
    named = make_sampler("random", more, 3, False).propose(0, 40, [], [])
    assert [one["rate"] for one in named] == [one["rate"] for one in whole], "a dimension's numbers are its own"


def test_random_trials_are_distributed_as_the_space_says():
    drawn = make_sampler("random", NESTED, 11, False).propose(0, 3000, [], [])
    assert stats.kstest([math.log10(one["rate"]) for one in drawn], stats.uniform(-4, 4).cdf).pvalue > 1e-3
    assert stats.kstest([one["drop"] for one in drawn if "drop" in one], stats.uniform(0, 0.5).cdf).pvalue > 1e-3
    layers = np.bincount([one["layers"] for one in drawn])
    assert stats.chisquare(layers).pvalue > 1e-3
    both = [(one["rate"], one["drop"]) for one in drawn if "drop" in one]
    assert abs(stats.spearmanr(*zip(*both, strict=True)).statistic) < 0.06


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("batch", [1, 2, 9])
def test_a_finite_space_is_gone_through_without_repeats_to_its_end(name, batch):
    sampler = make_sampler(name, TINY, 1, False)
    given_ = {"layers": 2, "name": "sgd"}
    history = [ended(0, given_, 1.0)]
    while proposed := sampler.propose(len(history), batch, history, []):
        assert len(proposed) <= batch
        history += [ended(len(history) + place, one, float(one["layers"])) for place, one in enumerate(proposed)]
    assert len(history) == TINY.size == 5
    assert {key(trial.parameters) for trial in history} == {key(one) for one in TINY.grid()}


@pytest.mark.parametrize("name", ["random", "tpe"])
def test_what_is_hardly_ever_drawn_is_found_at_the_end(name):
    space = Space({"n": "integer(1, 3000, log)", "more": "choice(a, b) if n == 3000"})
    every = list(space.grid())
    history = [ended(number, one, float(number)) for number, one in enumerate(every[:-2])]
    rest = make_sampler(name, space, 0, False).propose(len(history), 9, history, [])
    assert {key(one) for one in rest} == {key(one) for one in every[-2:]}


def test_the_finite_part_of_an_endless_space_comes_once():
    space = Space({"layers": "integer(0, 9)", "rate": "uniform(0, 1) if layers >= 1"})
    drawn = make_sampler("random", space, 2, False).propose(0, 200, [], [])
    assert [one["layers"] for one in drawn].count(0) == 1 and len(drawn) == 200
    rare = Space({"n": "integer(1, 20000)", "rate": "uniform(0, 1) if n == 20000"})
    seen = [ended(number, {"n": number + 1}, 1.0) for number in range(19_999)]
    assert len(make_sampler("random", rare, 2, False).propose(19_999, 3, seen, [])) == 3


def test_a_grid_goes_on_where_it_was_and_leaves_out_what_has_been_tried():
    sampler = make_sampler("grid", NESTED, 0, False, points=2)
    every = list(NESTED.grid(2))
    assert sampler.size == len(every) == sum(1 for _ in NESTED.grid(2))
    assert sampler.propose(0, 5, [], []) == every[:5]
    assert sampler.propose(len(every) - 2, 50, [], []) == every[-2:]
    assert sampler.propose(len(every), 5, [], []) == []
    tried = [Trial(0, every[3]), Trial(1, every[0])]
    assert sampler.propose(2, 4, [], tried) == [every[place] for place in (1, 2, 4, 5)]
    assert sampler.propose(3, 4, tried, [Trial(2, every[1])]) == [every[place] for place in (2, 4, 5, 6)]
    sampler.propose(0, 1, [], [])[0]["layers"] = 99
    assert sampler.propose(0, 1, [], []) == every[:1], "what is handed out is the caller's own"
    for points in (0, 1001, True, 2.5):
        with pytest.raises(UsageError, match="points"):
            make_sampler("grid", NESTED, 0, False, points=points)


def test_names_of_samplers():
    with pytest.raises(UsageError, match="Did you mean 'random'"):
        make_sampler("randon", NESTED, 0, False)


def test_optuna_is_asked_for_where_it_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(UsageError, match=r"pip install 'pellucid\[optuna\]'"):
        make_sampler("tpe", NESTED, 0, False)


def test_tpe_is_silent_and_leaves_optuna_as_it_was(capfd, caplog):
    import optuna

    before = optuna.logging.get_verbosity()
    with warnings.catch_warnings(), caplog.at_level(logging.DEBUG):
        warnings.simplefilter("error")
        make_sampler("tpe", NESTED, 0, False).propose(30, 3, history_of(NESTED, 30), [])
    assert optuna.logging.get_verbosity() == before
    assert capfd.readouterr() == ("", "") and not caplog.records


def test_tpe_begins_at_random_and_goes_on_so_where_all_have_failed():
    tpe, random = make_sampler("tpe", NESTED, 4, False), make_sampler("random", NESTED, 4, False)
    failed = history_of(NESTED, 20, lambda one: None)
    unknown = history_of(NESTED, 20, lambda one: math.nan)
    for history in ([], history_of(NESTED, 9), failed, unknown):
        count = len(history)
        assert tpe.propose(count, 5, history, []) == random.propose(count, 5, history, [])


def test_tpe_takes_pruned_infinite_unknown_failed_and_waiting_trials():
    history = history_of(NESTED, 40)
    mixed = [
        ended(one.number, one.parameters, *case)
        for one, case in zip(
            history,
            [
                (math.inf,),
                (math.nan,),
                (None,),
                (1.0, PRUNED, 3),
                (math.nan, PRUNED, 3),
                (0.5,),
                (2.0,),
                (0.1, PRUNED, 1),
            ]
            * 5,
            strict=True,
        )
    ] + [Trial(40, history[0].parameters)]
    for one in make_sampler("tpe", NESTED, 0, False).propose(41, 6, mixed, []):
        NESTED.check(one)


def test_tpe_maximizes_what_it_is_told_to():
    history = history_of(NESTED, 40)
    turned = history_of(NESTED, 40, lambda one: -loss(one))
    lower = make_sampler("tpe", NESTED, 0, False).propose(40, 8, history, [])
    assert make_sampler("tpe", NESTED, 0, True).propose(40, 8, turned, []) == lower
    assert make_sampler("tpe", NESTED, 0, True).propose(40, 8, history, []) != lower


def test_tpe_learns_where_good_configurations_are_and_spreads_a_batch():
    history = history_of(NESTED, 100)
    for earlier in (history, history + [ended(100 + n, {**t.parameters}, 50.0) for n, t in enumerate(history * 4)]):
        drawn = make_sampler("tpe", NESTED, 3, False).propose(len(earlier), 24, earlier, [])
        assert np.median([loss(one) for one in drawn]) < 0.5 * np.median([loss(t.parameters) for t in history])
        assert len({one["rate"] for one in drawn}) == 24


def test_tpe_keeps_away_from_trials_under_way():
    space = Space({"x": "uniform(0, 1)"})
    history = history_of(space, 40, lambda one: min(abs(one["x"] - 0.2), abs(one["x"] - 0.8)))
    pending = [Trial(40 + place, {"x": 0.2 + 0.001 * (place - 10)}) for place in range(20)]

    def near(under_way: list[Trial]) -> int:
        drawn = [make_sampler("tpe", space, seed, False).propose(60, 4, history, under_way) for seed in range(8)]
        return sum(abs(one["x"] - 0.2) < 0.1 for batch in drawn for one in batch)

    assert near(pending) < near([]) / 2


@settings(max_examples=20)
@given(st.integers(0, 2**64 - 1), st.integers(0, 10**6))
def test_any_seed_and_number_will_do(seed, first):
    for one in make_sampler("random", NESTED, seed, False).propose(first, 3, [], []):
        NESTED.check(one)
