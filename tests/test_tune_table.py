"""From a table to the best recipe: the whole way, what is left on the disk, and what ends it early."""

import json
from dataclasses import replace

import numpy as np
import pytest
from sklearn import metrics as oracle

import pellucid as pl
from pellucid.data.targets import TargetEncoding
from pellucid.errors import UsageError
from pellucid.model import load_model
from pellucid.tuning.study import open_study
from pellucid.workflow.plans.plan import Plan, read_plan
from pellucid.workflow.reports import intervals
from pellucid.workflow.train_table import train_table
from pellucid.workflow.tuning import ending, tune_table
from pellucid.workflow.tuning.comparing import Predicted, TestRows, compare
from pellucid.workflow.tuning.default_space import default_space
from pellucid.workflow.tuning.recipe_space import recipe_space
from pellucid.workflow.understanding import understand

tune = tune_table.tune_table

ROWS = 100
RNG = np.random.default_rng(5)
A, B = RNG.normal(size=ROWS), RNG.normal(size=ROWS)
TABLE = {
    "a": A.tolist(),
    "b": B.tolist(),
    "color": RNG.choice(["red", "blue"], ROWS).tolist(),
    "kind": np.where(A + B > 0.7, "p", np.where(A - B > 0, "q", "r")).tolist(),
    "price": (100 + 30 * A - 5 * B + RNG.normal(size=ROWS)).tolist(),
}
SPACE = {
    "network.layers": "integer(0, 1)",
    "network.units": "choice(4, 8)",
    "network.dropout": "uniform(0, 0.4) if network.layers >= 1",
    "optimizer.learning_rate": "log_uniform(0.003, 0.1)",
}
PLAN = Plan(target=("kind",), ignore=("price",)).set("training.epochs=9")


def quick(**given):
    given = {"plan": PLAN, "space": SPACE, "trials": 6, "folds": 2, "threads": 2, **given}
    return tune(given.pop("data", TABLE), **given)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    path = tmp_path_factory.mktemp("tables") / "table.csv"
    rows = zip(*TABLE.values(), strict=True)
    path.write_text("\n".join(",".join(map(str, row)) for row in [tuple(TABLE), *rows]) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def tuned(table, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "tuned"
    return quick(data=table, folder=folder)


# -- what comes of it ------------------------------------------------------------------------------------------------


def test_the_winner_is_a_trial_and_its_run_is_that_of_train_table(tuned):
    finished = [trial for trial in tuned.trials if trial.state == "finished"]
    assert tuned.best in finished
    assert {trial.number for trial in tuned.trials} == set(range(6))
    recipe = tuned.plan.recipe
    assert recipe.learning_rate == tuned.best.parameters["optimizer.learning_rate"]
    again = train_table(plan=read_plan(tuned.folder / "run.toml"))
    assert again.model.arrays.keys() == tuned.run.model.arrays.keys()
    for name, array in again.model.arrays.items():
        assert np.array_equal(array, tuned.run.model.arrays[name])
    assert again.report.metrics == tuned.run.report.metrics
    assert replace(recipe, dtype="auto") == tuned.plan_of(tuned.best).recipe
    assert tuned.metric == "log_loss" and tuned.plan.learn_validation


def test_the_folder_holds_a_run_an_ensemble_and_a_report(tuned, table):
    names = {entry.name for entry in tuned.folder.iterdir() if not entry.name.startswith("study.db.")}
    assert names == {"study.db", "best", "ensemble", "pictures", "study.html", "report.json", "run.toml"}
    for name, model in (("best", tuned.run.model), ("ensemble", tuned.ensemble)):
        found = load_model(tuned.folder / name).compute(table)["prediction"]
        assert np.array_equal(found, model.compute(table)["prediction"])
    assert (tuned.folder / "run.toml").read_bytes() == (tuned.folder / "best" / "run.toml").read_bytes()
    assert any((tuned.folder / "pictures").iterdir())
    record = json.loads((tuned.folder / "report.json").read_text(encoding="utf-8"))
    assert record["best"]["parameters"] == dict(tuned.best.parameters)
    assert record["comparison"]["contestants"].keys() >= {"best settings", "default settings", "gradient boosting"}
    assert record["trials"]["all"] == 6
    with open_study(tuned.folder / "study.db") as study:
        assert study.trials() == list(tuned.trials)


def test_the_comparison_is_of_the_test_rows_alone(tuned, table):
    found, rows = tuned.comparison, tuned.understanding.parts["test"]
    classes = tuned.run.model.targets.classes
    truth = [classes.index(TABLE["kind"][row]) for row in rows]
    assert found.rows == len(rows) == 20
    for name, model in (("best settings", tuned.run.model), ("ensemble", tuned.ensemble)):
        probabilities = model.predict_probabilities(table)[rows]
        expected = oracle.log_loss(truth, probabilities, labels=range(3))
        assert found[name].scores["log_loss"][0] == pytest.approx(expected, rel=1e-5)
        assert found[name].scores["accuracy"][0] == pytest.approx(
            oracle.accuracy_score(truth, probabilities.argmax(axis=1))
        )
    assert len(found["best settings"].scores["log_loss"]) == len(found["default settings"].scores["log_loss"]) == 5
    default = train_table(table, plan=PLAN)
    expected = oracle.log_loss(truth, default.model.predict_probabilities(table)[rows], labels=range(3))
    assert found["default settings"].scores["log_loss"][0] == pytest.approx(expected, rel=1e-5)


def test_the_score_of_the_search_is_told_to_be_too_good(tuned):
    text = str(tuned)
    assert "too good on the whole" in text and "Compared on 20 test rows" in text
    for verdict in tuned.comparison.verdicts:
        assert verdict.text.split()[0] in text


def test_no_cell_of_a_test_row_changes_the_search(tuned):
    poisoned = {name: list(cells) for name, cells in TABLE.items()}
    for row in tuned.understanding.parts["test"]:
        poisoned["a"][row], poisoned["color"][row] = 1e5, "green"
    found = quick(data=poisoned, plan=PLAN.set("network.dtype=float32"))
    assert [trial.value for trial in found.trials] == [trial.value for trial in tuned.trials]


def test_a_study_has_the_same_bits_whatever_the_number_of_threads(tuned, table):
    alone = quick(data=table, threads=1)
    assert [(trial.parameters, trial.value) for trial in alone.trials] == [
        (trial.parameters, trial.value) for trial in tuned.trials
    ]
    for name, array in alone.ensemble.arrays.items():
        assert np.array_equal(array, tuned.ensemble.arrays[name])


def test_numbers_are_searched_for_by_their_error_in_their_own_unit():
    plan = Plan(target=("price",), ignore=("kind",)).set("training.epochs=9")
    found = quick(plan=plan, trials=4)
    assert found.metric == "rmse" and not found.higher_is_better
    rows = found.understanding.parts["test"]
    predicted = found.run.model.predict(TABLE)["price"][rows]
    expected = oracle.root_mean_squared_error(np.array(TABLE["price"])[rows], predicted)
    assert found.comparison["best settings"].scores["rmse"][0] == pytest.approx(expected, rel=1e-5)
    assert 0.2 < found.best.value / expected < 5


@pytest.mark.parametrize(("target", "rows"), [("kind", 100), ("price", 100), ("kind", 10_000), ("kind", 100_000)])
def test_default_spaces_can_be_searched_and_have_few_architectures(target, rows):
    plan = Plan(target=(target,))
    space = recipe_space(default_space(understand(TABLE, plan), rows), plan)
    assert space.architectures <= 18
    for place in (0.0, 0.5, 0.999):
        space.recipe_of(space.space.draw(dict.fromkeys(space.space.names, place)))


def test_the_default_settings_are_the_first_trial_where_the_space_has_them():
    found = quick(space={"network.units": "choice(4, 128)"}, trials=2)
    assert found.trials[0].parameters == {"network.units": 128}


# -- comparing -------------------------------------------------------------------------------------------------------


def rows_of(count):
    truth = np.array([[0.0], [1.0]] * (count // 2))
    targets = pl.train_table(
        {"x": [0.1, 0.9] * 10, "y": ["n", "y"] * 10}, "y", recipe=pl.Recipe(epochs=1)
    ).model.targets
    return TestRows(targets, truth), truth


def test_a_clear_gain_is_one_and_a_gain_within_the_noise_is_none():
    rows, truth = rows_of(200)
    noise = np.random.default_rng(0)
    good, bad = 0.9 * truth + 0.05, 0.5 * truth + 0.25
    close = np.clip(good + 0.03 * noise.normal(size=truth.shape), 0.01, 0.99)
    found = compare(rows, [Predicted("best settings", [good]), Predicted("default settings", [bad])], "log_loss", 0)
    assert found.verdicts[0].verdict == "better" and found.verdicts[0].low > 0
    assert "beat the default settings" in found.verdicts[0].text
    found = compare(rows, [Predicted("best settings", [bad]), Predicted("gradient boosting", [good])], "log_loss", 0)
    assert found.verdicts[0].verdict == "worse" and "do NOT beat gradient boosting" in found.verdicts[0].text
    seeds = [np.clip(close + shift, 0.01, 0.99) for shift in (-0.1, 0.0, 0.1)]
    found = compare(
        rows, [Predicted("best settings", seeds), Predicted("default settings", seeds[::-1])], "log_loss", 0
    )
    assert found.verdicts[0].verdict == "unclear" and "noise" in found.verdicts[0].text
    assert found.verdicts[0].gain == pytest.approx(0, abs=1e-12)


def test_the_spread_over_seeds_is_part_of_the_noise():
    rows, truth = rows_of(400)
    one = 0.8 * truth + 0.1
    spread = [np.clip(one + 0.1 * (2 * truth - 1) * sign, 0.01, 0.99) for sign in (-1, 1, -1, 1, 0.1)]
    steady = Predicted("default settings", [one] * 5)
    narrow = compare(rows, [Predicted("best settings", [spread[4]] * 5), steady], "log_loss", 0).verdicts[0]
    wide = compare(rows, [Predicted("best settings", spread), steady], "log_loss", 0).verdicts[0]
    assert wide.high - wide.low > 5 * (narrow.high - narrow.low)
    assert compare(rows, [Predicted("best settings", spread), steady], "log_loss", 0)["best settings"].deviation(
        "log_loss"
    ) == pytest.approx(np.std([oracle.log_loss(truth, found) for found in spread], ddof=1))


@pytest.mark.parametrize("seeds", [2, 3])
def test_equals_are_rarely_told_apart_by_the_luck_of_few_seeds(seeds, monkeypatch):
    monkeypatch.setattr(intervals, "RESAMPLES", 100)
    rng, wrong = np.random.default_rng(0), 0
    truth = np.zeros((40, 1))
    rows = TestRows(TargetEncoding("regression", ("y",), (), {}), truth)
    signs = np.where(rng.random(40) < 0.5, -1, 1)[:, np.newaxis]
    for repeat in range(40):
        errors = [[(1 + 0.1 * found) * signs for found in rng.normal(size=seeds)] for _ in range(2)]
        given = [
            Predicted(name, found, "number")
            for name, found in zip(("best settings", "default settings"), errors, strict=True)
        ]
        wrong += compare(rows, given, "mae", repeat).verdicts[0].verdict != "unclear"
    assert wrong <= 6  # of 40, where 2 are to be expected


# -- going on, and ending early --------------------------------------------------------------------------------------


def test_a_search_that_has_ended_goes_straight_to_its_end_and_can_be_extended(table, tmp_path):
    first = quick(data=table, study=tmp_path / "a.db")
    again = quick(data=table, study=tmp_path / "a.db", trials=None, resume=True)
    assert again.trials == first.trials and again.result.seconds == 0
    assert again.comparison["best settings"].scores == first.comparison["best settings"].scores
    more = quick(data=table, study=tmp_path / "a.db", trials=8, resume=True, space=None)
    assert more.trials[:6] == first.trials and len(more.trials) == 8
    with pytest.raises(UsageError, match="another one"):
        quick(data=table, study=tmp_path / "a.db", resume=True, plan=PLAN.set("training.epochs=8"))
    with pytest.raises(UsageError, match="exists"):
        quick(data=table, study=tmp_path / "a.db")


class Interrupted:
    """Presses Ctrl-C as soon as a trial has ended."""

    def __init__(self):
        self.pressed = False

    def __call__(self, status):
        if status.best and not self.pressed:
            self.pressed = True
            raise KeyboardInterrupt


def test_an_interrupt_ends_with_the_best_so_far_and_the_study_goes_on(table, tmp_path):
    told = []
    plan = PLAN.set("training.epochs=200", "training.patience=0")
    given = {"data": table, "plan": plan, "trials": 60, "pruner": "none", "study": tmp_path / "a.db"}
    found = quick(**given, on_status=Interrupted(), on_interrupt=lambda: told.append(True))
    done = [trial for trial in found.trials if trial.done]
    assert found.interrupted and told == [True] and 1 <= len(done) < 60
    assert found.run.report.rows == 20
    with open_study(tmp_path / "a.db") as study:
        kept = study.trials()
    assert [trial for trial in kept if trial.done] == done


def test_a_second_interrupt_stops_at_once_and_the_study_stays(table, tmp_path, monkeypatch):
    def press(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(ending, "refit", press)
        with pytest.raises(KeyboardInterrupt):
            quick(data=table, folder=tmp_path / "out")
    assert {entry.name for entry in (tmp_path / "out").iterdir() if not entry.name.startswith("study.db.")} == {
        "study.db"
    }
    found = quick(data=table, folder=tmp_path / "out", resume=True, trials=None)
    assert found.result.seconds == 0 and (tmp_path / "out" / "report.json").exists()


def test_a_time_limit_holds_for_everything(table):
    found = quick(data=table, trials=None, time_limit=8.0, plan=PLAN)
    assert found.result.reason == "the time limit"
    assert found.result.seconds < 8 and found.comparison["best settings"].scores


# -- what is refused, before anything is written ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"space": {"network.lyers": "integer(1, 2)"}}, "Did you mean 'network.layers'"),
        ({"space": {"loss.label_smoothing": "uniform(0, 0.3)"}, "metric": "loss"}, "not compared by the loss"),
        ({"space": {"optimizer.name": "lbfgs", "schedule.name": "choice(cosine, step)"}}, "does not go with"),
        ({"plan": replace(PLAN, folds=3)}, "never sees"),
        ({"plan": replace(PLAN, start_from="somewhere")}, "starts from no model"),
        ({"metric": "acuracy"}, "Did you mean 'accuracy'"),
        ({"metric": "rmse"}, "no metric of multiclass"),
        ({"sampler": "rondom"}, "random"),
        ({"pruner": "halve"}, "halving"),
        ({"folds": 0}, "folds"),
        ({"repeats": 1.5}, "repeats"),
        ({"time_limit": -1.0}, "time_limit: out of range"),
        ({"time_limit": "a"}, "time_limit: not a number"),
        ({"metric": 5}, "metric"),
        ({"space": 5}, "space"),
        ({"resume": True}, "there is no"),
    ],
)
def test_what_cannot_be_done_is_refused_at_once(changes, words, tmp_path):
    with pytest.raises(UsageError) as met:
        quick(**{"folder": tmp_path / "out", **changes})
    assert words in str(met.value)
    assert not (tmp_path / "out").exists()


def test_folders_of_others_are_left_alone(table, tuned, tmp_path):
    (tmp_path / "note.txt").write_text("mine", encoding="utf-8")
    for overwrite, words in ((False, "not empty"), (True, "holds no search")):
        with pytest.raises(UsageError, match=words):
            quick(data=table, folder=tmp_path, overwrite=overwrite)
    with pytest.raises(UsageError, match="holds a search already"):
        quick(data=table, folder=tuned.folder)
    assert [entry.name for entry in tmp_path.iterdir()] == ["note.txt"]


def test_trials_that_fail_are_told_where_all_of_them_do():
    plan = PLAN.set("optimizer.name=gradient_descent", "network.activation=exponential", "training.patience=0")
    with pytest.raises(UsageError, match="every trial has failed"):
        quick(plan=plan, space={"optimizer.learning_rate": "uniform(1e30, 1e31)", "network.units": 4}, trials=2)
