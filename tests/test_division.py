"""Which rows are learned from, and which are for the report: every way to divide a table."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as oracle

from pellucid.data.role_checks import read_weights
from pellucid.data.roles import infer_roles
from pellucid.data.tables.table import as_table
from pellucid.errors import DataError, UsageError
from pellucid.workflow import Plan, Recipe, judging, train_table
from pellucid.workflow.understanding import understand

QUICK = Recipe(hidden=(8,), epochs=4)


@pytest.fixture(autouse=True)
def quickly(monkeypatch):
    """The baselines are not asked about here."""
    monkeypatch.setattr(judging, "_predict_baselines", lambda made, seconds: ({}, ()))


def people(count=240, seed=0):
    rng = np.random.default_rng(seed)
    person = rng.integers(0, 40, count)
    size = rng.normal(size=count)
    days = np.datetime64("2024-01-01") + rng.permutation(count)
    return {
        "person": [f"p{number}" for number in person],
        "day": [str(day) for day in days],
        "hour": rng.permutation(count).tolist(),
        "size": size.tolist(),
        "weight": rng.integers(0, 4, count).tolist(),
        "y": np.where(size + rng.normal(size=count) > 0, "yes", "no").tolist(),
    }


def frame(table):
    import pandas as pd

    found = pd.DataFrame(table)
    found["day"] = pd.to_datetime(found["day"])
    return found


def parts_of(table, **settings):
    return understand(table, Plan(target="y", **settings)).parts


@given(seed=st.integers(0, 1000), count=st.integers(60, 300))
def test_groups_are_whole_and_every_row_is_in_one_part(seed, count):
    table = people(count, seed)
    parts = parts_of(table, group="person", seed=seed)
    np.testing.assert_array_equal(np.sort(np.concatenate(list(parts.values()))), np.arange(count))
    people_of = [{table["person"][row] for row in rows} for rows in parts.values()]
    assert all(people_of) and sum(map(len, people_of)) == len(set(table["person"]))
    assert parts_of(table, group="person", seed=seed)["test"].tolist() == parts["test"].tolist()


@pytest.mark.parametrize("order", ["day", "hour"])
def test_in_the_order_of_time_the_earliest_rows_are_learned_from(order):
    table = people()
    parts = parts_of(frame(table), time_order=order)
    sizes = [len(parts[name]) for name in ("train", "validation", "test")]
    assert sizes == [168, 24, 48]
    in_order = np.argsort(table[order])
    for name, rows in zip(parts, np.split(in_order, np.cumsum(sizes)[:-1]), strict=True):
        np.testing.assert_array_equal(parts[name], np.sort(rows))


def test_dates_that_a_frame_has_as_text_are_an_order():
    days = [f"{1 + 7 * row % 20:02d}.03.2020" for row in range(20)]
    table = as_table({"x": [1.0 * row for row in range(20)], "day": days, "y": [0.5 * row for row in range(20)]})
    found = understand(table, Plan(target="y", time_order="day"))
    told = [sorted(days[row] for row in found.parts[part]) for part in ("train", "validation", "test")]
    assert [max(part) for part in told] == ["14.03.2020", "16.03.2020", "20.03.2020"]
    assert [min(part) for part in told] == ["01.03.2020", "15.03.2020", "17.03.2020"]
    with pytest.raises(DataError, match="row 3, column 'day': a date is needed: got 'soon'"):
        understand(
            {**{name: table[name].values.tolist() for name in "xy"}, "day": [*days[:2], "soon", *days[3:]]},
            Plan(target="y", time_order="day"),
        )


def test_a_test_table_is_tested_on_and_nothing_else():
    table, test = people(), people(50, seed=1)
    run = train_table(table, "y", recipe=QUICK, test=test)
    assert run.report.rows == 50 and len(run.understanding.parts["train"]) == 216
    predicted = run.model.predict(test)["y"]
    assert run.report.metrics["accuracy"] == pytest.approx(np.mean(predicted == test["y"]))
    del test["person"]  # a key that is left out is not needed, a column that is used is
    train_table(table, "y", recipe=QUICK, test=test, ignore=["person"])
    del test["size"]
    with pytest.raises(DataError, match="size"):
        train_table(table, "y", recipe=QUICK, test=test, ignore=["person"])


def test_the_test_tables_roles_are_those_of_the_other():
    table, test = people(), people(50, seed=1)
    table["code"] = [str(number % 3) if number % 2 else "x" for number in range(240)]
    test["code"] = list(range(50))  # numbers, which are categories in the other table
    run = train_table(table, "y", recipe=QUICK, test=test)
    assert {role.name: role.kind for role in run.understanding.roles}["code"] == "category"
    with pytest.raises(DataError, match="maybe"):
        train_table(table, "y", recipe=QUICK, test={**test, "y": ["maybe"] * 50})


@pytest.mark.parametrize("group", [None, "person"])
def test_each_row_is_tested_once_by_a_network_that_has_not_seen_it(group):
    table = people()
    found = understand(table, Plan(target="y", folds=4, group=group))
    tested = Counter(row for parts in found.division.folds for row in parts["test"].tolist())
    assert tested == Counter(range(240))
    for parts in found.division.folds:
        assert sorted(row for rows in parts.values() for row in rows.tolist()) == list(range(240))
        if group:
            persons = [{table["person"][row] for row in rows} for rows in parts.values()]
            assert sum(map(len, persons)) == len(set(table["person"]))
        else:
            share = np.mean([table["y"][row] == "yes" for row in parts["test"]])
            assert abs(share - np.mean(np.array(table["y"]) == "yes")) < 0.03


def test_the_report_of_a_cross_validation_is_on_all_rows_and_the_model_of_all_but_the_validation():
    table = people()
    run = train_table(table, "y", recipe=QUICK, folds=3)
    assert run.report.rows == 240 and any("Cross-validation" in note for note in run.report.notes)
    counts = np.array(run.report.sections[0].confusion.counts)
    assert counts.sum() == 240
    np.testing.assert_array_equal(counts.sum(axis=1), [table["y"].count("no"), table["y"].count("yes")])
    assert len(run.understanding.parts["train"]) == 216 and run.fit.progress.epoch > 0


def test_interrupted_cross_validation_keeps_the_folds_that_are_done(monkeypatch):
    judge_fold, calls = judging._judge_fold, []

    def interrupted(*given):
        calls.append(1)
        if len(calls) > 2:
            raise KeyboardInterrupt
        return judge_fold(*given)

    monkeypatch.setattr(judging, "_judge_fold", interrupted)
    run = train_table(people(), "y", recipe=QUICK, folds=4)
    assert run.interrupted and run.report.rows == 120 and any("2 of 4 folds" in note for note in run.report.notes)
    run = train_table(people(), "y", recipe=QUICK, folds=4)
    assert run.report.rows == 24 and not run.report.fresh and any("validation" in note for note in run.report.notes)


def test_weights_count_in_training_and_in_the_report():
    table = people()
    twice = {name: [cell for cell, weight in zip(cells, table["weight"], strict=True) for _ in range(weight)]
             for name, cells in table.items()}  # fmt: skip
    steady = Recipe(hidden=(), epochs=60, batch_size=0, learning_rate=0.1, dropout=0, dtype="float64", patience=0)
    given = dict(recipe=steady, ignore=["person", "day", "hour"], test=people(90, seed=2))
    weighted = train_table(table, "y", weight="weight", **given)
    assert weighted.understanding.weights.tolist() == table["weight"]
    found = weighted.report.sections[0].scores
    truth = np.array(given["test"]["y"]) == "yes"
    predicted = weighted.model.predict(given["test"])["y"] == "yes"
    accuracy = oracle.accuracy_score(truth, predicted, sample_weight=given["test"]["weight"])
    assert found["accuracy"]["network"].value == pytest.approx(accuracy)
    # Without a validation part all rows are learned from: as if each stood in the table as often as it weighs.
    plan = Plan(validation=0.0)
    first = train_table(table, "y", plan=plan, weight="weight", **given)
    second = train_table(twice, "y", plan=plan, **given | {"ignore": [*given["ignore"], "weight"]})
    for path, array in first.model.arrays.items():
        np.testing.assert_allclose(array, second.model.arrays[path], atol=1e-9)


def test_balanced_classes_weigh_the_same():
    table = people()
    table["y"] = ["yes" if size > 1.2 else "no" for size in table["size"]]
    recipe = Recipe(hidden=(), epochs=30)
    runs = [train_table(table, "y", recipe=replace(recipe, class_weight=weight)) for weight in ("none", "balanced")]
    plain, balanced = (run.model.predict(table)["y"].tolist().count("yes") for run in runs)
    assert balanced > plain


@pytest.mark.parametrize("metric", ["balanced_accuracy", "auc"])
def test_the_metric_is_judged_by_and_comes_first(metric):
    run = train_table(people(), "y", recipe=Recipe(hidden=(8,), epochs=15, metric=metric))
    assert next(iter(run.report.metrics)) == metric
    values = [record[f"validation_{metric}"] for record in run.history]
    assert run.fit.best_epoch == 1 + int(np.argmax(values))
    assert f"training_{metric}" in run.history[0]


def test_the_way_of_the_split_is_told():
    assert "person" in understand(people(), Plan(target="y", group="person")).division.told
    assert "order of 'hour'" in understand(people(), Plan(target="y", time_order="hour")).division.told
    assert "3 folds" in understand(people(), Plan(target="y", folds=3)).division.told


def without(table, name, row):
    return {**table, name: [None if place == row else cell for place, cell in enumerate(table[name])]}


def early(hours):
    """Weigh the first hours only."""
    return [int(hour < 150) for hour in hours]


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        (dict(folds=3, test=people(20)), UsageError, "folds and a test table"),
        (dict(folds=3, time_order="hour"), UsageError, "folds and a time order"),
        (dict(group="person", time_order="hour"), UsageError, "groups and a time order"),
        (dict(time_order="person"), DataError, "dates or numbers"),
        (dict(group="persn"), (DataError, UsageError), "person"),
        (dict(time_order="hours"), DataError, "hour"),
        (dict(weight="person"), DataError, "number"),
        (dict(weight="wait"), (DataError, UsageError), "weight"),
        (dict(group="person", data=without(people(), "person", 3)), DataError, "row 4"),
        (dict(time_order="hour", data=without(people(), "hour", 3)), DataError, "row 4"),
        (dict(weight="weight", data=without(people(), "weight", 3)), DataError, "row 4"),
        (dict(weight="weight", test={**people(20), "weight": [-1] * 20}), DataError, "weight"),
        (
            dict(weight="w", time_order="hour", data={**people(), "w": early(people()["hour"])}),
            DataError,
            "validation part",
        ),
        (dict(group="y"), (DataError, UsageError), "'y'"),
        (dict(data={**people(), "person": ["a"] * 120 + ["b"] * 120}, group="person"), DataError, "too few groups"),
    ],
)
def test_wrong_use(settings, error, words):
    settings = {"data": people(), "target": "y", "recipe": QUICK} | settings
    with pytest.raises(error, match=words):
        train_table(settings.pop("data"), settings.pop("target"), **settings)


def test_weights_are_numbers_that_are_not_negative():
    assert read_weights(as_table({"w": [1, 0, 2.5]}), "w").tolist() == [1, 0, 2.5]
    for cells in ([1, -1], [1, float("inf")], [0, 0], [1, None], ["1", "2"]):
        table = as_table({"w": cells, "x": [1.5, 2.5], "y": [1.5, 2.5]})
        with pytest.raises(DataError) as told:
            read_weights(table, "w")
        with pytest.raises(DataError) as earlier:
            infer_roles(table, "y", weight="w")
        assert str(earlier.value) == str(told.value)
