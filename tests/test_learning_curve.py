"""Learning curves: rows that are used, errors against those of other programs, laws against known ones."""

import json
import math
from contextlib import contextmanager
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import learning_curve as sklearn_learning_curve

import pellucid as pl
from pellucid.errors import DataError, TrainingError, UsageError
from pellucid.workflow import learning_curve as module
from pellucid.workflow.learning_curve import learning_curve
from pellucid.workflow.learning_curves.advice import HARDLY, HELPS, error_interval, gain_of_rows, mean_interval
from pellucid.workflow.learning_curves.draws import choose_sizes, make_draws
from pellucid.workflow.learning_curves.ladder import ladder_of, with_hidden
from pellucid.workflow.learning_curves.power_law import fit_power_law
from pellucid.workflow.making import prepare
from pellucid.workflow.plans.plan import Plan
from pellucid.workflow.plans.recipe import Recipe
from pellucid.workflow.understanding import understand

ROWS = np.geomspace(20, 2000, 8).round()
NOISE = 0.5
LEAST_SQUARES = Recipe(hidden=(), optimizer_name="lbfgs", limit=0.0, l2=0.0, epochs=100, dtype="float64")
TINY = Recipe(hidden=(2,), epochs=3)


def linear_table(count=400, noise=NOISE, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.uniform(-(3**0.5), 3**0.5, size=(count, 4))
    y = x @ [1.0, -2.0, 0.5, 3.0] + 4.0 + noise * rng.normal(size=count)
    return {**{f"x{number}": x[:, number] for number in range(4)}, "y": y}, x, y


@pytest.fixture(scope="module")
def linear():
    """A linear model with a known noise, trained to its end on all its rows: it is least squares."""
    table, x, y = linear_table()
    plan = Plan(target=("y",), validation=0.0, recipe=LEAST_SQUARES)
    return learning_curve(table, plan=plan, draws=5, points=5), plan, table, x, y


# -- the power law -----------------------------------------------------------------------------------------------------


@settings(max_examples=8)
@given(st.floats(0.05, 2.0), st.floats(0.5, 20.0), st.floats(0.2, 1.5))
def test_a_law_without_noise_is_found(floor, scale, exponent):
    law = fit_power_law(ROWS, np.tile(floor + scale * ROWS**-exponent, (3, 1)))
    assert law is not None and law.first == 20 and law.misfit < 1e-3
    assert law.exponent == pytest.approx(exponent, rel=0.01)
    assert law.predict(4000.0) == pytest.approx(floor + scale * 4000.0**-exponent, rel=1e-3)


def test_intervals_hold_what_they_are_for():
    held = gained = 0
    truth = 0.3 + 2 * np.array([2000.0, 4000.0]) ** -0.5
    for seed in range(20):
        rng = np.random.default_rng(seed)
        errors = 0.3 + 2 * ROWS**-0.5 + 0.02 * rng.normal(size=(10, 1)) + 0.3 * ROWS**-0.5 * rng.normal(size=(10, 8))
        law = fit_power_law(ROWS, errors, seed)
        assert law is not None
        low, high = law.interval(4000.0)
        held += low[0] <= truth[1] <= high[0]
        before, after = law.predict_resampled([2000.0, 4000.0]).T
        low, high = np.quantile(before - after, [0.025, 0.975])
        gained += low <= truth[0] - truth[1] <= high
    assert held >= 17 and gained >= 17


def test_sizes_at_which_nothing_is_learned_yet_are_left_out():
    errors = np.where(ROWS < 100, 0.9, 0.3 + 2 * ROWS**-0.5) + 0.003 * np.random.default_rng(0).normal(size=(10, 8))
    law = fit_power_law(ROWS, errors)
    assert law is not None and law.first == 144 and law.exponent == pytest.approx(0.5, abs=0.1)


def test_what_follows_no_law_gets_none():
    errors = np.array([0.5, 0.4, 0.6, 0.3, 0.7, 0.2, 0.8, 0.3]) + 0.01 * np.random.default_rng(0).normal(size=(10, 8))
    assert fit_power_law(ROWS, errors) is None
    assert fit_power_law(ROWS[:4], errors[:, :4]) is None  # four points cannot say


def test_more_rows_are_worth_it_or_not():
    noise = 0.002 * np.random.default_rng(2).normal(size=(10, 8))
    laws = [fit_power_law(ROWS, errors + noise) for errors in (0.5, 0.1 + 2 * ROWS**-0.5)]
    assert all(law is not None for law in laws)
    stays, falls = map(gain_of_rows, laws)
    assert (stays.verdict, falls.verdict) == (HARDLY, HELPS)
    expected = 2 * 2000**-0.5 - 2 * 4000**-0.5
    assert falls.before - falls.after == pytest.approx(expected, rel=0.1)
    assert falls.share == pytest.approx(expected / (0.1 + 2 * 2000**-0.5), rel=0.1)


# -- intervals ---------------------------------------------------------------------------------------------------------


def test_without_overlap_the_interval_is_that_of_student():
    values = np.random.default_rng(1).normal(size=9)
    expected = stats.ttest_1samp(values, 0.0).confidence_interval(0.95)
    assert mean_interval(values, 0.0) == pytest.approx((expected.low, expected.high))
    low, high = mean_interval(values, 1 / 9)
    assert (high - low) / (expected.high - expected.low) == pytest.approx(math.sqrt(2))
    assert mean_interval(values[:1], 0.1) is None
    assert error_interval(np.array([0.0, 0.1, 0.4]), 0.1)[0] == 0.0


# -- which rows --------------------------------------------------------------------------------------------------------


def draws_of(table, count=5, **options):
    plan = Plan(target=("y",), **options)
    found = understand(table, plan)
    rows = np.sort(np.concatenate([found.parts["train"], found.parts["validation"]]))
    return make_draws(found, plan, rows, count), rows, found


@given(st.integers(60, 150), st.integers(2, 8), st.integers(0, 99))
def test_each_row_is_held_out_once_and_none_is_learned_from_in_the_same_draw(count, draws, seed):
    table = {"x": np.arange(count) * 1.5, "y": np.arange(count) % 7 + 0.5}
    found, rows, understood = draws_of(table, draws, seed=seed)
    assert np.array_equal(np.sort(np.concatenate([draw.held_out for draw in found])), rows)
    assert not set(rows) & set(understood.parts["test"])
    for draw in found:
        parts = [draw.learning, draw.validation, draw.held_out]
        assert np.array_equal(np.sort(np.concatenate(parts)), rows)
    assert len({draw.learning.tobytes() for draw in found}) == draws


def test_more_rows_include_the_fewer_and_have_the_classes_in_equal_shares():
    table = {"x": np.arange(300.0), "y": ["a"] * 200 + ["b"] * 70 + ["c"] * 30}
    draws, _, _ = draws_of(table)
    sizes = choose_sizes(draws, 5, least=6)
    assert np.allclose(np.diff(np.log(sizes)), np.log(2), atol=0.05)
    for draw in draws:
        for fewer, more in pairwise(sizes):
            for few, many in zip(draw.take(fewer), draw.take(more), strict=True):
                assert np.array_equal(few, many[: len(few)])
        for size in sizes:
            learning, validation = draw.take(size)
            counts = np.array([np.sum(np.array(table["y"])[learning] == name) for name in "abc"])
            assert np.all(np.abs(counts - size * np.array([200, 70, 30]) / 300) <= 1.5)
            assert len(validation) == max(1, round(size * len(draw.validation) / len(draw.learning)))


def test_groups_stay_together_and_the_latest_rows_are_held_out():
    count = 240
    table = {"x": np.arange(count) * 0.1, "who": np.arange(count) % 24, "y": np.arange(count) * 0.3}
    draws, _, _ = draws_of(table, group="who")
    for draw in draws:
        groups = [set(table["who"][part]) for part in (draw.learning, draw.validation, draw.held_out)]
        assert not (groups[0] & groups[2] or groups[0] & groups[1] or groups[1] & groups[2])
        who = table["who"][draw.learning]
        assert np.sum(who[1:] != who[:-1]) == len(set(who)) - 1  # group after group
    few, _, found = draws_of({**table, "who": np.arange(count) % 7}, None, group="who")
    assert len(few) == 7 - len(set(np.arange(count)[found.parts["test"]] % 7))
    draws, _, found = draws_of(
        {"x": table["x"], "day": np.arange(count)[::-1] * 1.0, "y": table["y"]}, time_order="day"
    )
    for draw in draws:
        days = [np.arange(count)[::-1][part] for part in (draw.learning, draw.validation, draw.held_out)]
        assert days[0].max() < days[1].min() and days[1].max() < days[2].min()
        assert days[2].max() < np.arange(count)[::-1][found.parts["test"]].min()
    assert len({draw.learning.tobytes() for draw in draws}) == 5


# -- errors ------------------------------------------------------------------------------------------------------------


def test_errors_are_those_of_least_squares_on_the_same_rows(linear):
    curve, _, table, x, y = linear
    draws, _, _ = draws_of(table, 5, validation=0.0)
    place = curve.hidden.index(())
    assert curve.hidden[curve.planned] == () and curve.network_rows == curve.rows[-1]
    for number, draw in enumerate(draws):
        for column, size in enumerate(curve.rows):
            rows, held = draw.take(int(size))[0], draw.held_out
            residuals = LinearRegression().fit(x[rows], y[rows]).predict(x[held]) - y[held]
            expected = math.sqrt(np.mean(residuals**2))
            assert curve.errors[number, column] == pytest.approx(expected, rel=1e-4)
    assert np.array_equal(curve.network_errors[:, place], curve.errors[:, -1])


def test_the_mean_curve_is_that_of_scikit_learn(linear):
    curve, _, table, x, y = linear
    _, rows, _ = draws_of(table, 5, validation=0.0)
    _, _, scores = sklearn_learning_curve(
        LinearRegression(),
        x[rows],
        y[rows],
        train_sizes=curve.rows,
        cv=5,
        shuffle=True,
        random_state=0,
        scoring="neg_root_mean_squared_error",
    )
    assert np.allclose(curve.mean[2:], -scores.mean(axis=1)[2:], rtol=0.05)


def test_the_curve_falls_to_the_noise_that_nothing_takes_away(linear):
    curve, *_ = linear
    law = curve.law
    assert law is not None
    low, high = law.interval(1e6)
    assert low[0] <= NOISE <= high[0]
    expected = NOISE * np.sqrt(1 + 5 / (curve.rows - 6.0))  # of least squares with five weights, about
    assert np.allclose(curve.mean[2:], expected[2:], rtol=0.06)
    gain = curve.more_rows
    assert gain is not None and gain.interval is not None and gain.verdict != HELPS
    assert gain.interval[0] <= np.subtract(*NOISE * np.sqrt(1 + 5 / np.array([250.0, 500.0]))) <= gain.interval[1]
    assert curve.larger is None or curve.larger.verdict != HELPS


def test_a_member_has_the_bits_of_fit():
    table, _, _ = linear_table(200)
    plan = Plan(target=("y",), seed=3, recipe=Recipe(hidden=(8,), epochs=12))
    curve = learning_curve(table, plan=plan, draws=3, points=2)
    draws, rows, found = draws_of(table, 3, seed=3)
    none = rows[:0]
    made = prepare(found, plan, {"train": rows, "validation": none, "test": none})
    whole, draw = made.dataset("train"), draws[1]
    learning, validation = (np.searchsorted(rows, part) for part in draw.take(int(curve.rows[-1])))
    arguments = plan.recipe.fit_arguments(made.loss)
    fitted = pl.fit(
        made.network, whole.take(learning), validation=whole.take(validation), seed=4, progress=False, **arguments
    )
    held = whole.take(np.searchsorted(rows, draw.held_out))
    unit = float(np.std(np.asarray(table["y"])[rows]))
    assert curve.errors[1, -1] == pytest.approx(fitted.evaluate(held, ["rmse"])["rmse"] * unit, rel=1e-6)


def test_the_bits_do_not_depend_on_the_number_of_threads():
    table, _, _ = linear_table(150)
    one, two = (learning_curve(table, "y", recipe=TINY, draws=2, points=3, threads=threads) for threads in (1, 2))
    assert np.array_equal(one.errors, two.errors) and np.array_equal(one.network_errors, two.network_errors)
    assert str(one.law) == str(two.law) and one.advice() == two.advice()


def test_a_network_that_is_too_small_is_told_so():
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, size=600)
    table = {"x": x, "y": np.sin(6 * x) + 0.05 * rng.normal(size=600)}
    curve = learning_curve(table, "y", recipe=Recipe(hidden=(), dropout=0.0, epochs=40), draws=10, points=2)
    assert curve.larger is not None and curve.larger.verdict == HELPS
    assert curve.advice()[1].startswith("A larger network helps: the best of them, --hidden ")
    assert curve.network_mean[curve.hidden.index(())] > 2 * curve.network_mean.min()


@pytest.mark.parametrize(
    ("target", "options", "metric", "recipe"),
    [
        ("word", {}, "log_loss", TINY),
        ("word", {"metric": "balanced_accuracy"}, "balanced_accuracy", TINY),
        ("flag", {}, "accuracy", Recipe(hidden=(2,), epochs=3, loss_name="hinge")),
        ("tags", {"separator": ";"}, "log_loss", Recipe(hidden=(2, 3), epochs=3, activation=("relu", "tanh"))),
        (["y", "x0"], {"weight": "x3"}, "rmse", Recipe(hidden=(2,), epochs=3, layer_norm=True, shortcuts=True)),
    ],
)
def test_every_task_has_a_curve(target, options, metric, recipe):
    table, x, _ = linear_table(160)
    table = {**table, "x3": np.abs(x[:, 3]), "word": np.array(["a", "b", "c"])[1 * (x[:, 0] > 0) + (x[:, 1] > 1)]}
    table |= {"flag": x[:, 0] > 0, "tags": [("p;q", "p", "q;r", "r")[number % 4] for number in range(160)]}
    curve = learning_curve(table, target, recipe=recipe, draws=2, points=2, **options)
    assert curve.metric == metric and np.isfinite(curve.errors).all() and np.isfinite(curve.network_errors).all()
    assert (curve.error == f"1 - {metric}") == ("accuracy" in metric)
    assert recipe.hidden in curve.hidden and () in curve.hidden
    json.dumps(curve.as_dict(), allow_nan=False)
    assert len(str(curve).splitlines()) > 10 and "<pre>" in curve._repr_html_()


def test_the_ladder_goes_from_a_linear_model_to_four_times_the_planned_network():
    assert ladder_of((128,), (128,)) == [(), (8,), (16,), (32,), (64,), (128,), (256,), (512,), (128, 128)]
    assert (32,) in ladder_of((), (32,)) and ladder_of((3,), (128,)).count((2,)) == 1
    recipe = with_hidden(Recipe(hidden=(4, 4), activation=("relu", "tanh")), (4, 4, 4))
    assert recipe.activation == ("relu", "tanh", "tanh")
    assert with_hidden(recipe, ()).hidden == ()


# -- ends --------------------------------------------------------------------------------------------------------------


def test_ctrl_c_shows_what_was_done(monkeypatch):
    @contextmanager
    def watched(show, limit):
        def tell(done, total):
            if done >= 6:
                raise KeyboardInterrupt

        yield tell

    monkeypatch.setattr(module, "watched", watched)
    told = []
    table, _, _ = linear_table(300)
    curve = learning_curve(table, "y", draws=2, points=8, on_interrupt=lambda: told.append(1))
    assert curve.interrupted and told == [1] and 0 < len(curve.rows) <= 8
    assert any("Interrupted" in note for note in curve.notes)


def test_too_little_time_is_said(monkeypatch):
    table, _, _ = linear_table(20_000)
    with pytest.raises(UsageError, match=r"time_limit: the time does not suffice"):
        learning_curve(table, "y", time_limit=1e-6)
    recipe = Recipe(hidden=(64, 64), epochs=3000, patience=0)  # of all rows some minutes on any machine
    curve = learning_curve(table, "y", recipe=recipe, draws=2, time_limit=1.5)
    assert any("time did not suffice" in note for note in curve.notes) and curve.seconds < 20


def test_what_cannot_be_measured_is_refused():
    table, _, _ = linear_table(100)
    with pytest.raises(UsageError, match=r"metric: .*task regression.*rmse"):
        learning_curve(table, "y", metric="rmsd")
    with pytest.raises(UsageError, match="draws"):
        learning_curve(table, "y", draws=1)
    with pytest.raises(UsageError, match="fresh networks"):
        learning_curve(table, plan=Plan(target=("y",), start_from="model"))
    with pytest.raises(UsageError, match="no table"):
        learning_curve(target="y")
    with pytest.raises(DataError, match="too few"):
        learning_curve({"x": [1.0, 2, 3, 4, 5], "y": [1.5, 2, 3, 4, 5]}, "y")
    with pytest.raises(TrainingError, match="every training failed"):
        learning_curve(
            table, "y", recipe=Recipe(hidden=(2,), learning_rate=1e38, l2=0.0, dtype="float32"), draws=2, points=2
        )
