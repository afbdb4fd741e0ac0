"""Pictures of a search: what stands where, for few and for thousands of trials, and files of all of them."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
from matplotlib import colors
from matplotlib.figure import Figure
from matplotlib.image import imread

from pellucid.errors import UsageError
from pellucid.tuning.importance import Importance, Share
from pellucid.tuning.pictures import (
    pictures_of,
    plot_best_so_far,
    plot_curves_of_trials,
    plot_importance_of_settings,
    plot_parallel,
    plot_slices,
    write_pictures,
)
from pellucid.tuning.pictures.axis import axes_of
from pellucid.tuning.pictures.curves import mean_curve
from pellucid.tuning.pictures.parallel import OFF
from pellucid.tuning.pictures.scale import choose_trials, nice_numbers, scale_of
from pellucid.tuning.space import Space
from pellucid.tuning.trial import FAILED, FINISHED, PRUNED, MemberResult, Trial

SPACE = Space(
    {
        "network.layers": "integer(0, 3)",
        "network.units": "integer(16, 256, log) if network.layers >= 1",
        "network.activation": "choice(relu, gelu, tanh) if network.layers >= 1",
        "optimizer.learning_rate": "log_uniform(1e-4, 0.1)",
        "regularizers.l2": "uniform(0, 1)",
    }
)


def study(count, seed=0, pruned=True):
    random = np.random.default_rng(seed)
    trials = []
    for number in range(count):
        tried = SPACE.draw({one.name: float(random.random()) for one in SPACE.dimensions})
        value = 0.2 + 0.1 * (math.log10(tried["optimizer.learning_rate"]) + 2) ** 2 + 0.01 * random.random()
        epochs = 9 if not pruned or number % 3 == 0 else 3
        curve = tuple((epoch, value * (1 + 1 / epoch)) for epoch in (1, 3, 9) if epoch <= epochs)
        members = tuple(MemberResult(v * curve[-1][1], epochs, epochs, 0.1, curve) for v in (0.9, 1.1))
        trials.append(Trial(number, tried).ended(FINISHED if epochs == 9 else PRUNED, members))
    return [*trials, Trial(count, trials[0].parameters).ended(FAILED, (), "not finite"), Trial(count + 1, {})]


def axes():
    return Figure().subplots()


def texts(found):
    return [text.get_text() for text in found.texts]


def draw(figure):
    """Draw a figure as for a file: what cannot be drawn raises."""
    figure.savefig(io.BytesIO(), format="png")


def best_of(trials, sign=1.0):
    done = [trial for trial in trials if trial.state == FINISHED]
    return min(done, key=lambda trial: sign * trial.value)


# -- what is chosen, and how values are shown --------------------------------------------------------------------------


def test_all_trials_are_drawn_or_the_picture_says_how_many_with_the_best_among_them():
    few = choose_trials(study(30), False, 100)
    assert len(few.finished) == 10 and len(few.pruned) == 20 and few.note == ""
    many = study(3000)
    some = choose_trials(many, False, 100)
    values = [trial.value for trial in some.finished]
    assert len(values) == 100 and values == sorted(values) and len(some.pruned) == 50
    ranked = sorted(trial.value for trial in many if trial.state == FINISHED)
    assert values[:25] == ranked[:25] and values[-1] == ranked[-1]
    assert some.note == "Drawn: 100 of 1,000 trials, the best 25 among them; 50 of 2,000 pruned ones."


@pytest.mark.parametrize("higher", [False, True])
def test_the_better_the_further_from_the_ground_on_light_and_on_dark(higher):
    import matplotlib as mpl

    trials = [Trial(n, {}, state=FINISHED, value=float(n)) for n in range(1, 10)]
    scale = scale_of(trials, "score", higher)
    assert (scale.best, scale.worst) == ((9.0, 1.0) if higher else (1.0, 9.0))
    assert scale.label == f"score ({'higher' if higher else 'lower'} is better)"
    shares = [scale.share(value) for value in range(1, 10)]
    assert shares == (sorted(shares) if higher else sorted(shares, reverse=True)) and {0.0, 1.0} <= set(shares)
    for ground, ink in (("white", "black"), ("#0d1117", "#e6edf3")):
        with mpl.rc_context({"text.color": ink}):
            away = [abs(brightness(scale.color(value)) - brightness(ground)) for value in range(1, 10)]
        assert away == (sorted(away) if higher else sorted(away, reverse=True))
        assert min(away) > 0.15  # the worst can still be seen


def brightness(color):
    return float(np.dot(colors.to_rgb(color), (0.2126, 0.7152, 0.0722)))


def test_values_far_away_do_not_squeeze_the_others_and_undefined_ones_are_not_drawn():
    trials = [
        Trial(n, {}, state=FINISHED, value=v) for n, v in enumerate((1.0, 2.0, 3.0, 4.0, 1e6, math.inf, math.nan))
    ]
    scale = scale_of(trials, "rmse", False)
    assert scale.cut and scale.worst < 1e6 and scale.share(math.inf) == 0.0
    assert scale.ticks()[0][1].startswith("≥")
    assert scale_of(trials[-1:], "rmse", False) is None and scale_of([], "rmse", True) is None
    assert math.nan not in [trial.value for trial in choose_trials(trials, False, 10).finished]
    assert scale_of([Trial(0, {}, state=FINISHED, value=5.0)], "rmse", False).share(5.0) == 1.0
    assert scale_of([Trial(n, {}, state=FINISHED, value=10.0**n) for n in range(-3, 1)], "loss", False).log


def test_axes_have_round_numbers_in_their_places():
    marks = {
        axis.dimension.name: dict((text, place) for place, text in axis.marks()) for axis in axes_of(SPACE.dimensions)
    }
    assert list(marks["optimizer.learning_rate"]) == ["1e-4", "1e-3", "0.01", "0.1"]
    assert np.allclose(list(marks["optimizer.learning_rate"].values()), [0, 1 / 3, 2 / 3, 1])
    assert list(marks["network.units"]) == ["16", "32", "64", "128", "256"]
    assert marks["network.activation"] == {"relu": 1 / 6, "gelu": 0.5, "tanh": 5 / 6}
    assert list(marks["network.layers"]) == ["0", "1", "2", "3"]
    many = Space({"kind": f"choice({', '.join(f'name{n}' for n in range(60))})", "steps": "integer(0, 1000000)"})
    assert all(len(axis.marks()) <= 12 for axis in axes_of(many.dimensions))
    for low, high in ((0.001, 1000.0), (0.4, 0.6), (1.0, 1.0)):
        assert 1 <= len(nice_numbers(low, high, low < 0.01, 6)) <= 8


# -- parallel coordinates ----------------------------------------------------------------------------------------------


def test_a_line_goes_through_a_trials_settings_to_its_value():
    trials = study(40, pruned=False)
    picture = plot_parallel(trials, SPACE, False, "log_loss", ax=axes())
    best = best_of(trials)
    line = next(line for line in picture.lines if line.get_linewidth() == 3.0)
    at = {round(x, 9): y for x, y in line.get_xydata()}
    assert at[3.0] == pytest.approx(SPACE.unit("optimizer.learning_rate", best.parameters["optimizer.learning_rate"]))
    assert at[0.0] == pytest.approx(SPACE.unit("network.layers", best.parameters["network.layers"]), abs=0.03)
    assert at[5.0] == 1.0  # its value, the best one, on top
    without = [trial for trial in trials if trial.parameters.get("network.layers") == 0 and trial.value is not None]
    lines = [path for path in picture.collections[-1].get_segments() if abs(path[0, 1] - 1 / 8) < 0.05]
    assert len(lines) == len(without) > 3
    assert np.allclose([np.interp(1.0, path[:, 0], path[:, 1]) for path in lines], OFF)
    assert "off" in texts(picture) and {"layers", "learning_rate", "log loss"} <= set(texts(picture))
    draw(picture.figure)


def test_pruned_trials_are_pale_and_end_before_the_value():
    picture = plot_parallel(study(40), SPACE, False, "log_loss", ax=axes())
    pale, bright = (collection.get_segments() for collection in picture.collections)
    assert len(pale) == 26 and len(bright) == 14
    assert max(path[:, 0].max() for path in pale) == 4.0 and max(path[:, 0].max() for path in bright) == 5.0
    assert any("Grey: pruned" in text for text in texts(picture))


def test_settings_can_be_chosen_and_nothing_is_said_so():
    picture = plot_parallel(study(12), SPACE, True, "accuracy", names=["regularizers.l2"], ax=axes())
    assert {"l2", "accuracy"} <= set(texts(picture)) and "layers" not in texts(picture)
    assert texts(plot_parallel([], SPACE, True, "accuracy", ax=axes())) == ["No trial has a value yet."]
    assert texts(plot_parallel(study(5), Space({"a": 1}), True, "r2", ax=axes())) == ["Nothing was searched."]
    with pytest.raises(UsageError, match=r"no dimension network.layer. Did you mean 'network.layers'"):
        plot_parallel(study(5), SPACE, True, "r2", names=["network.layer"], ax=axes())


# -- slices, curves, bars and progress ---------------------------------------------------------------------------------


def test_slices_show_each_value_over_its_setting_and_the_best_one():
    trials = study(60, pruned=False)
    panels = plot_slices(trials, SPACE, False, "log_loss", ax=Figure().subplots(2, 3))
    assert panels.names == tuple(one.name for one in SPACE.dimensions)
    rate = panels["optimizer.learning_rate"]
    points = np.asarray(rate.collections[0].get_offsets())
    done = [trial for trial in trials if trial.value is not None]
    expected = sorted(
        (SPACE.unit("optimizer.learning_rate", t.parameters["optimizer.learning_rate"]), t.value) for t in done
    )
    assert np.allclose(sorted(map(tuple, points)), expected)
    star = next(line for line in rate.lines if line.get_marker() == "*")
    assert star.get_ydata()[0] == best_of(trials).value
    off = np.asarray(panels["network.units"].collections[0].get_offsets())[:, 0] < 0
    assert off.sum() == sum("network.units" not in trial.parameters for trial in done) > 3
    assert panels["network.units"].get_xticklabels()[0].get_text() == "off"
    draw(panels.figure)
    with pytest.raises(UsageError, match="nothing was searched"):
        plot_slices(trials, Space({"a": 1}), False, "rmse")


def test_where_many_were_pruned_slices_compare_all_after_equally_many_epochs():
    trials = study(60)
    panels = plot_slices(trials, SPACE, False, "log_loss", ax=Figure().subplots(2, 3))
    rate = panels["optimizer.learning_rate"]
    assert rate.get_ylabel() == "log loss after 3 epochs (lower is better)"
    after = [math.fsum(dict(m.curve)[3] for m in trial.members) / 2 for trial in trials if trial.members]
    drawn = np.asarray(rate.collections[0].get_offsets())[:, 1]
    assert len(drawn) == 60 and np.allclose(np.sort(drawn), np.sort(np.clip(after, None, drawn.max())))
    star = next(line for line in rate.lines if line.get_marker() == "*")
    best = best_of(trials)
    assert star.get_ydata()[0] == pytest.approx(mean_curve(best)[1, 1])


def test_curves_are_means_of_members_and_say_where_trials_were_pruned():
    trials = study(30)
    best = best_of(trials)
    parts = [dict(member.curve) for member in best.members]
    assert mean_curve(best).tolist() == [[e, (parts[0][e] + parts[1][e]) / 2] for e in (1, 3, 9)]
    ragged = Trial(0, {}).ended(
        FINISHED,
        (
            MemberResult(1.0, 3, 3, 0.1, ((1, 3.0), (2, math.nan), (3, 1.0))),
            MemberResult(2.0, 2, 2, 0.1, ((1, 5.0), (2, 2.0))),
        ),
    )
    assert mean_curve(ragged).tolist() == [[1.0, 4.0], [3.0, 1.5]]  # the second member had ended after 2
    bouncing = (MemberResult(1.0, 3, 2, 0.1, ((1, 3.0), (2, 1.0), (3, 9.0))), MemberResult(2.0, 1, 1, 0.1, ((1, 2.0),)))
    early = Trial(0, {}).ended(FINISHED, bouncing)
    assert mean_curve(early, min).tolist() == [[1.0, 2.5], [2.0, 1.5], [3.0, early.value]]
    so_far = plot_curves_of_trials([early], False, "log_loss", ax=axes())
    assert so_far.get_ylabel() == "best log loss so far (lower is better)"
    picture = plot_curves_of_trials(trials, False, "log_loss", ax=axes())
    thick = next(line for line in picture.lines if line.get_linewidth() == 2.6)
    assert np.allclose(thick.get_xydata(), mean_curve(best))
    assert "20 pruned" in texts(picture) and picture.get_xlabel() == "epoch"
    none = plot_curves_of_trials([Trial(0, {}, state=FINISHED, value=1.0)], False, "rmse", ax=axes())
    assert texts(none) == ["No learning curves were recorded."]


def test_bars_of_importance_with_their_intervals():
    shares = (Share(("a.rate",), 0.6, 0.5, 0.7), Share(("b",), 0.01, 0.0, 0.02), Share(("c",), 0.0, 0.0, 0.001))
    found = Importance(shares, (Share(("a.rate", "b"), 0.1, 0.05, 0.2),), 0.8, 100, 3, ())
    picture = plot_importance_of_settings(found, ax=axes())
    assert [bar.get_width() for bar in picture.patches] == [60.0, 1.0, 10.0]
    assert [label.get_text() for label in picture.get_yticklabels()] == ["a.rate", "b", "a.rate × b"]
    assert picture.lines[0].get_xdata().tolist() == [50.0, 70.0]
    assert picture.get_title(loc="left") == "1 other setting: next to nothing"
    assert "after 3 epochs" in picture.get_xlabel()
    blank = plot_importance_of_settings(Importance((), (), None, 3, None, ("Too few trials.",)), ax=axes())
    assert texts(blank) == ["Too few trials."]


@pytest.mark.parametrize("higher", [False, True])
def test_the_best_so_far_never_gets_worse(higher):
    trials = study(50, pruned=False)
    picture = plot_best_so_far(trials, higher, "score", ax=axes())
    steps = picture.lines[0].get_ydata()
    assert steps[-1] == best_of(trials, -1.0 if higher else 1.0).value
    assert (np.diff(steps) >= 0).all() if higher else (np.diff(steps) <= 0).all()


# -- files -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 5, 400])
def test_files_of_all_pictures(tmp_path, count):
    shares = tuple(Share((one.name,), 0.1, 0.05, 0.2) for one in SPACE.dimensions)
    found = Importance(shares, (), 0.8, count, None, ())
    written = write_pictures(tmp_path / "pictures", SPACE, study(count), "log_loss", False, found)
    assert [path.name for path in written] == [
        f"{name}.png" for name in ("importance", "slices", "parallel", "curves", "best_so_far")
    ]
    for path in written:
        height, width = imread(path).shape[:2]
        assert 300 < width < 2000 and 200 < height < 2000


def test_nothing_to_show_makes_no_files_and_a_place_that_cannot_be_written_is_told(tmp_path):
    assert write_pictures(tmp_path, SPACE, [Trial(0, {})], "rmse", False) == []
    names = [one.name for one in pictures_of(SPACE, [Trial(0, {}, state=FINISHED, value=1.0)], "rmse", False)]
    assert names == ["slices", "parallel", "best_so_far"]
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(UsageError, match="the picture cannot be written"):
        write_pictures(tmp_path / "file", SPACE, study(5), "rmse", False)


def test_of_very_many_settings_the_most_important_ones_are_drawn():
    many = Space({f"x{place}": "uniform(0, 1)" for place in range(40)})
    trials = [
        Trial(n, {f"x{place}": (n * 0.37 + place * 0.11) % 1 for place in range(40)}, state=FINISHED, value=n)
        for n in range(20)
    ]
    shares = tuple(Share((f"x{place}",), 0.4 - place / 100, 0.0, 0.5) for place in reversed(range(40)))
    slices, parallel = pictures_of(many, trials, "rmse", False, Importance(shares, (), 0.8, 20, None, ()))[1:3]
    assert "24 of 40 settings" in slices.caption and "15 of 40 settings" in parallel.caption
    figure = Figure()
    parallel.draw(figure)
    shown = set(texts(figure.axes[0]))
    assert {f"x{place}" for place in range(25, 40)} <= shown and not {f"x{place}" for place in range(25)} & shown
