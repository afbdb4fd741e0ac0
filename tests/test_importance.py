"""Which settings mattered: functions whose variance is known in parts, chance, conditions, and what is left out."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pellucid.tuning.importance import Importance, importance_of
from pellucid.tuning.importance.comparable import comparable
from pellucid.tuning.importance.encoding import OUT, Encoding
from pellucid.tuning.space import Space
from pellucid.tuning.trial import FAILED, FINISHED, PRUNED, MemberResult, Trial

PLAIN = Space({f"x{place}": "uniform(0, 1)" for place in range(6)})


def finished(configurations, values):
    return [
        Trial(number, one, state=FINISHED, value=float(value))
        for number, (one, value) in enumerate(zip(configurations, values, strict=True))
    ]


def drawn(space, count, seed):
    numbers = np.random.default_rng(seed).random((count, len(space.dimensions)))
    names = [one.name for one in space.dimensions]
    return [space.draw(dict(zip(names, row, strict=True))) for row in numbers.tolist()]


def plain_study(function, count, seed=0, noise=0.0):
    """Trials of a function of six numbers; noise in standard deviations of what the function gives."""
    random = np.random.default_rng(seed)
    x = random.random((count, 6))
    values = function(x)
    values = values + noise * values.std() * random.normal(size=count)
    return finished([{f"x{place}": float(cell) for place, cell in enumerate(row)} for row in x], values)


def additive(x):
    return 3 * x[:, 0] + 2 * x[:, 1] + x[:, 2]  # shares 9/14, 4/14, 1/14


def ishigami(x):
    a, b, c = (2 * np.pi * x[:, place] - np.pi for place in range(3))
    return np.sin(a) + 7 * np.sin(b) ** 2 + 0.1 * c**4 * np.sin(a)


def ishigami_parts():
    """Shares in closed form: Ishigami and Homma (1990), with coefficients 7 and 0.1."""
    first = 0.5 * (1 + 0.1 * np.pi**4 / 5) ** 2
    second, both = 7**2 / 8, 0.1**2 * np.pi**8 * (1 / 18 - 1 / 50)
    total = first + second + both
    return first / total, second / total, both / total


WEIGHTS = np.array([0.0, 1.0, 4.5, 9.0, 99.0, 99.0])


def sobol_g(x):
    return np.prod((np.abs(4 * x - 2) + WEIGHTS) / (1 + WEIGHTS), axis=1)


def test_shares_of_a_sum_are_those_of_its_parts():
    found = importance_of(PLAIN, plain_study(additive, 400), False)
    assert [one.name for one in found.settings[:3]] == ["x0", "x1", "x2"]
    for name, true in (("x0", 9 / 14), ("x1", 4 / 14), ("x2", 1 / 14)):
        assert found.of(name).share == pytest.approx(true, abs=0.04)
        assert found.of(name).clear
    for name in ("x3", "x4", "x5"):
        assert found.of(name).low == 0.0 and found.of(name).high < 0.005
    assert found.pairs == () and found.explained > 0.9 and found.trials == 400


def test_ishigamis_function_with_an_interplay_of_settings_of_which_one_does_nothing_alone():
    first, second, both = ishigami_parts()
    found = importance_of(PLAIN, plain_study(ishigami, 1000), False)
    assert found.of("x0").share == pytest.approx(first, abs=0.06)
    assert found.of("x1").share == pytest.approx(second, abs=0.06)
    assert found.of("x2").share < 0.01
    assert found.pairs[0].names == ("x0", "x2") and len(found.pairs) == 1
    assert both / 2 < found.pairs[0].share < both + 0.02  # never more than there is
    assert found.explained <= 1.0


def test_sobols_product():
    parts = 1 / 3 / (1 + WEIGHTS) ** 2
    true = parts / (np.prod(1 + parts) - 1)
    found = importance_of(PLAIN, plain_study(sobol_g, 1000), False)
    for place in range(6):
        assert found.of(f"x{place}").share == pytest.approx(true[place], abs=0.05)


def test_noise_takes_its_share():
    found = importance_of(PLAIN, plain_study(additive, 600, noise=1.0), False)
    assert found.of("x0").share == pytest.approx(9 / 28, abs=0.08)
    assert found.explained == pytest.approx(0.5, abs=0.12)


def test_intervals_hold_the_true_share_most_of_the_time_and_chance_is_no_share():
    true = {"x0": 9 / 14 / 1.25, "x1": 4 / 14 / 1.25, "x2": 1 / 14 / 1.25, "x3": 0.0, "x4": 0.0, "x5": 0.0}
    held = {name: 0 for name in true}
    for seed in range(6):
        found = importance_of(PLAIN, plain_study(additive, 120, seed, noise=0.5), False, seed)
        for name, share in true.items():
            one = found.of(name)
            held[name] += one.low - 0.02 <= share <= one.high + 0.02
    assert all(held[name] == 6 for name in ("x3", "x4", "x5"))
    assert sum(held[name] for name in ("x0", "x1", "x2")) >= 12, held


@pytest.mark.parametrize("count", [20, 60, 200])
def test_of_pure_chance_nothing_is_clear(count):
    for seed in range(2):
        found = importance_of(PLAIN, plain_study(lambda x: 0 * x[:, 0] + np.sin(1e6 * x[:, 1]), count, seed), False)
        assert not any(one.clear for one in found.settings)
        assert max(one.share for one in found.settings) < 0.05
        assert "Of no setting is it sure" in found.sentence


def test_the_same_order_and_like_shares_as_optunas_fanova():
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    trials = plain_study(lambda x: additive(x) + 1.5 * x[:, 3] ** 2, 400, noise=0.1)
    study = optuna.create_study()
    kinds = {f"x{place}": optuna.distributions.FloatDistribution(0, 1) for place in range(6)}
    study.add_trials(
        [optuna.trial.create_trial(params=dict(t.parameters), distributions=kinds, value=t.value) for t in trials]
    )
    theirs = optuna.importance.get_param_importances(
        study, evaluator=optuna.importance.FanovaImportanceEvaluator(seed=0)
    )
    found = importance_of(PLAIN, trials, False)
    total = sum(one.share for one in found.settings)
    assert [one.name for one in found.settings[:4]] == list(theirs)[:4]
    for name, share in theirs.items():
        assert found.of(name).share / total == pytest.approx(share, abs=0.08)


def test_a_setting_that_is_only_there_under_a_condition():
    space = Space({"layers": "integer(0, 1)", "units": "uniform(0, 1) if layers == 1", "rate": "uniform(0, 1)"})
    tried = drawn(space, 500, 1)
    found = importance_of(
        space, finished(tried, [1 + 2 * one["units"] if one["layers"] else 0.0 for one in tried]), True
    )
    between, within = 0.25 * 2.0**2, 0.5 * 2.0**2 / 12  # of the means without and with; of units where they are there
    assert found.of("layers").share == pytest.approx(between / (between + within), abs=0.05)
    assert found.of("units").share == pytest.approx(within / (between + within), abs=0.05)
    assert found.of("rate").high < 0.01 and not found.pairs


def test_what_takes_no_part_is_encoded_outside_the_range():
    space = Space(
        {"layers": "integer(0, 1)", "act": "choice(a, b, c) if layers == 1", "l2": "uniform(2, 4) if act == b"}
    )
    act, l2 = (Encoding(space.dimension(name)) for name in ("act", "l2"))
    tried = [{"layers": 0}, {"layers": 1, "act": "b", "l2": 3.0}, {"layers": 1, "act": "c"}]
    assert act.columns(act.places(tried)).tolist() == [[OUT] * 3, [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    assert l2.columns(l2.places(tried)).tolist() == [[OUT], [0.5], [OUT]]
    assert act.groups(act.places(tried)).tolist() == [-1, 1, 2]
    numbers = Encoding(Space({"batch": "choice(64, 16, 32)"}).dimension("batch"))
    assert numbers.columns(numbers.places([{"batch": 16}, {"batch": 32}, {"batch": 64}]))[:, 0].tolist() == sorted(
        numbers.columns(numbers.places([{"batch": size} for size in (64, 32, 16)]))[:, 0].tolist()
    )


def test_names_and_logarithms():
    height = {"relu": 0.0, "gelu": 3.0, "tanh": 1.0, "silu": 2.0}
    space = Space({"act": "choice(relu, gelu, tanh, silu)", "rate": "log_uniform(1e-4, 1)", "units": "integer(1, 4)"})
    tried = drawn(space, 500, 2)
    found = importance_of(space, finished(tried, [height[o["act"]] + math.log10(o["rate"]) for o in tried]), False)
    names, rate = np.var([0, 1, 2, 3]), 4**2 / 12
    assert found.of("act").share == pytest.approx(names / (names + rate), abs=0.05)
    assert found.of("rate").share == pytest.approx(rate / (names + rate), abs=0.05)
    assert found.of("units").high < 0.01


def test_trials_of_a_sampler_that_prefers_good_ones_still_say_what_matters_in_the_whole_space():
    x = np.random.default_rng(3).beta(1.0, 2.0, (600, 6))  # more of them where the sum is small
    trials = finished([{f"x{p}": float(v) for p, v in enumerate(row)} for row in x], additive(x))
    found = importance_of(PLAIN, trials, False)
    assert found.of("x0").share == pytest.approx(9 / 14, abs=0.08)
    assert found.of("x1").share == pytest.approx(4 / 14, abs=0.08)


def test_the_same_bits_again_and_nearly_the_same_when_more_is_better():
    trials = plain_study(additive, 120, noise=0.2)
    once = importance_of(PLAIN, trials, False, 5)
    assert once == importance_of(PLAIN, trials, False, 5) != importance_of(PLAIN, trials, False, 6)
    turned = importance_of(
        PLAIN, [Trial(t.number, t.parameters, state=FINISHED, value=-t.value) for t in trials], True, 5
    )
    assert turned.of("x0").share == pytest.approx(once.of("x0").share, abs=0.05)


# -- where nothing can be said, and what is left out -------------------------------------------------------------------


def test_too_few_trials_get_words_and_no_numbers():
    trials = plain_study(additive, 19)
    found = importance_of(PLAIN, trials, False)
    assert not found and found.settings == () and found.explained is None
    assert str(found) == "Too few trials to say what mattered: 19 trials with a value, and 20 are needed."
    assert found.sentence == str(found)
    assert importance_of(PLAIN, plain_study(additive, 20), False)
    assert not importance_of(PLAIN, [], False)
    many = Space({f"x{place}": "uniform(0, 1)" for place in range(30)})
    told = importance_of(many, finished(drawn(many, 50, 0), range(50)), False)
    assert "50 trials with a value, and 60 are needed" in str(told)


def test_equal_values_and_settings_that_were_not_varied():
    tried = drawn(PLAIN, 40, 0)
    assert "same value" in str(importance_of(PLAIN, finished(tried, [0.7] * 40), False))
    one = Space({"rate": "uniform(0, 1)", "kind": "choice(a, b)"})
    found = importance_of(one, finished([{"rate": n / 40, "kind": "a"} for n in range(40)], range(40)), False)
    assert found.of("kind") is None and "nothing is known of it: kind." in str(found)
    assert "No setting was varied" in str(
        importance_of(one, finished([{"rate": 0.5, "kind": "a"}] * 40, range(40)), True)
    )


def test_failed_and_undefined_trials_do_not_count_and_hopeless_ones_do_not_drown_the_rest():
    good = plain_study(additive, 200)
    bad = [Trial(200 + n, t.parameters, state=FAILED, error="not finite") for n, t in enumerate(good[:20])]
    bad += [Trial(220 + n, t.parameters, state=FINISHED, value=math.nan) for n, t in enumerate(good[:20])]
    assert importance_of(PLAIN, good + bad, False) == importance_of(PLAIN, good, False)
    wild = [
        Trial(220 + n, t.parameters, state=FINISHED, value=v)
        for n, (t, v) in enumerate(zip(good[:2], (1e9, math.inf), strict=True))
    ]
    found = importance_of(PLAIN, good + wild, False)
    assert found.of("x0").share == pytest.approx(9 / 14, abs=0.12)
    assert any(note.startswith("2 trials far worse than the others count as") for note in found.notes)
    assert "same value" in str(importance_of(PLAIN, finished([t.parameters for t in good], [math.inf] * 200), False))


def test_trials_outside_the_space_are_left_out():
    stray = [Trial(200, {**{f"x{n}": 0.5 for n in range(6)}, "x0": 7.0}, state=FINISHED, value=1.0)]
    good = plain_study(additive, 100)
    found = importance_of(PLAIN, good + stray, False)
    assert found.trials == 100 and found.notes == ("1 trial outside the space left out.",)


def halved(count, last):
    """Trials of three stops, at 1, 3 and 9 epochs, of which a third goes on; values fall, or rise again at the end."""
    trials = []
    for number, trial in enumerate(plain_study(additive, count)):
        epochs = (1, 3, 9)[0 if number % 3 else 1 if number % 9 else 2]
        curve = tuple((e, trial.value + 1 / e + (0.5 if e == 9 else 0.0)) for e in (1, 3, 9) if e <= epochs)
        best = curve[-1] if last else min(curve, key=lambda point: point[1])
        member = MemberResult(best[1], epochs, best[0], 0.1, curve)
        trials.append(Trial(number, trial.parameters).ended(FINISHED if epochs == 9 else PRUNED, (member, member)))
    return trials


@pytest.mark.parametrize("last", [False, True])
def test_pruned_trials_are_compared_after_as_many_epochs_as_all_have_learned(last):
    trials = halved(90, last)
    found = comparable(PLAIN, trials, False)
    assert found.epochs == 1 and len(found.trials) == 90
    assert np.allclose(found.values, [t.members[0].curve[0][1] for t in trials])
    at_three = comparable(PLAIN, trials, False, epochs=3)
    assert np.allclose(at_three.values, [t.members[0].curve[1][1] for t in trials if t.epochs >= 3])
    at_end = comparable(PLAIN, trials, False, epochs=9)
    assert np.allclose(at_end.values, [t.value for t in trials if t.state == FINISHED])
    told = importance_of(PLAIN, trials, False)
    assert told.epochs == 1 and "after 1 epoch;" in str(told) and "those that went on are a selection" in str(told)


def test_few_pruned_trials_are_left_out_and_training_that_ended_early_counts_as_it_ended():
    early = Trial(0, {"x0": 0.5}).ended(FINISHED, (MemberResult(0.3, 2, 1, 0.1, ((1, 0.3), (2, 0.4))),))
    rest = [
        Trial(n, {"x0": 0.1}).ended(FINISHED, (MemberResult(0.2, 9, 9, 0.1, ((1, 1.0), (9, 0.2))),))
        for n in range(1, 20)
    ]
    pruned = Trial(20, {"x0": 0.2}).ended(PRUNED, (MemberResult(0.9, 1, 1, 0.1, ((1, 0.9),)),))
    space = Space({"x0": "uniform(0, 1)"})
    at_end = comparable(space, [early, *rest, pruned], False)
    assert at_end.epochs is None and [trial.number for trial in at_end.trials] == list(range(20))
    after = comparable(space, [early, *rest, pruned], False, epochs=5)
    assert [trial.number for trial in after.trials] == list(range(20)) and after.values[0] == 0.3


def test_tables_in_words_and_for_notebooks():
    found = importance_of(PLAIN, plain_study(additive, 300), False)
    lines = str(found).splitlines()
    assert lines[0].split()[0] == "x0" and lines[3] == "Next to nothing: x3, x4, x5."
    assert found.sentence.startswith("What mattered most: x0 6") and found.sentence.endswith("between 300 trials.")
    page = found._repr_html_()
    assert page.count("<tr>") == 4 and "Next to nothing" in page
    assert "<table" not in Importance((), (), None, 3, None, ("Too few < trials.",))._repr_html_()
