"""What a network is compared with: constants, linear models and boosted trees, against scikit-learn used by hand."""

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.preprocessing import StandardScaler

from pellucid.data.encoders.fit import fit_encoders
from pellucid.data.roles import Role
from pellucid.data.tables.table import Table
from pellucid.data.targets import TargetEncoding, fit_targets
from pellucid.data.task import Task
from pellucid.workflow.baselines import baseline, gradient_boosting, linear_model
from pellucid.workflow.baselines.baseline import CONSTANT, predict_constant
from pellucid.workflow.baselines.gradient_boosting import fit_gradient_boosting
from pellucid.workflow.baselines.linear_model import fit_linear_model

ROWS = 240
PARTS = {"train": np.arange(0, 160), "validation": np.arange(160, 200), "test": np.arange(200, ROWS)}
BOTH = np.arange(200)
"""The rows of training and validation."""


def numbers(rows=ROWS, seed=0, gaps=False):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 4)) * [1, 10, 100, 0.1] + [0, 5, 0, 3]
    if gaps:
        x[rng.random(x.shape) < 0.1] = np.nan
    return x


def prepare(features, targets, kind, classes=(), weights=None):
    """Return encoders, targets and the table of features and targets, by name."""
    table = Table.from_columns({**features, **targets})
    roles = [Role(name, "category" if table[name].kind == "text" else "number", "") for name in features]
    task = Task(kind, tuple(targets), classes, "")
    encoding = fit_encoders(table, roles, task, PARTS["train"], weights=weights)
    return encoding, fit_targets(table, task, PARTS["train"]), table


def named(x):
    return {f"x{place}": x[:, place] for place in range(x.shape[1])}


def regression(gaps=False, seed=0):
    x = numbers(seed=seed, gaps=gaps)
    y = np.nan_to_num(x) @ [3, 0.2, 0.01, -5] + np.random.default_rng(1).normal(size=ROWS) + 1000
    return x, y


def three_classes():
    x, y = regression()
    return x, np.array(["low", "mid", "top"])[np.digitize(y, np.quantile(y, [0.4, 0.8]))]


# -- constants -------------------------------------------------------------------------------------------------------


def test_the_same_prediction_for_every_row():
    pair = TargetEncoding("regression", ("a", "b"), (), {})
    np.testing.assert_allclose(predict_constant(pair, np.array([[1.0, 4], [3, 8]]), 2), [[2, 6], [2, 6]])
    np.testing.assert_allclose(predict_constant(pair, np.array([[1.0, 4], [3, 8]]), 1, np.array([3.0, 1])), [[1.5, 5]])
    classes = TargetEncoding("multiclass", ("c",), ("x", "y", "z"), {})
    np.testing.assert_allclose(predict_constant(classes, np.array([0, 0, 2, 0]), 1), [[0.75, 0, 0.25]])
    np.testing.assert_allclose(predict_constant(classes, np.array([0, 2]), 1, np.array([1.0, 3])), [[0.25, 0, 0.75]])
    assert set(CONSTANT) == {"regression", "binary", "multiclass", "multilabel"}


# -- the linear model ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("weighted", [False, True])
def test_the_linear_model_of_numbers_is_ridge_regression(weighted):
    x, y = regression()
    weights = np.random.default_rng(2).choice([0.5, 1.0, 4.0], ROWS) if weighted else None
    encoding, targets, table = prepare(named(x), {"y": y}, "regression")
    found = fit_linear_model(encoding, targets, table, PARTS, weights=weights)
    train = PARTS["train"]
    used = np.ones(len(train)) if weights is None else weights[train]
    scaler = StandardScaler().fit(x[train], sample_weight=used)
    exact = Ridge(alpha=found.strength * used.sum())
    exact.fit(scaler.transform(x[train]), y[train], sample_weight=used)
    np.testing.assert_allclose(found.predict(table)[:, 0], exact.predict(scaler.transform(x)), rtol=1e-5)
    assert found.strength in linear_model.STRENGTHS and found.notes == ()


def test_the_linear_model_of_classes_is_softmax_regression():
    x, y = three_classes()
    encoding, targets, table = prepare(named(x), {"y": y}, "multiclass", ("low", "mid", "top"))
    found = fit_linear_model(encoding, targets, table, PARTS)
    train = PARTS["train"]
    scaler = StandardScaler().fit(x[train])
    exact = LogisticRegression(C=1 / (found.strength * len(train)), tol=1e-10, max_iter=10_000)
    exact.fit(scaler.transform(x[train]), y[train])
    np.testing.assert_allclose(found.predict(table), exact.predict_proba(scaler.transform(x)), atol=1e-3)


def test_the_linear_models_strength_is_the_best_on_the_validation_rows(monkeypatch):
    x, y = regression(seed=3)
    encoding, targets, table = prepare(named(x), {"y": y}, "regression")
    held_out = table.take(PARTS["validation"])

    def error(found):
        return np.mean((found.predict(held_out)[:, 0] - y[PARTS["validation"]]) ** 2)

    chosen = fit_linear_model(encoding, targets, table, PARTS)
    for tried in linear_model.STRENGTHS:
        monkeypatch.setattr(linear_model, "STRENGTHS", (tried,))
        assert error(chosen) <= error(fit_linear_model(encoding, targets, table, PARTS)) * (1 + 1e-6)


def test_without_validation_rows_a_part_of_the_training_rows_chooses():
    x, y = regression()
    encoding, targets, table = prepare(named(x), {"y": y}, "regression")
    found = fit_linear_model(encoding, targets, table, {"train": BOTH, "validation": np.empty(0, np.int64)})
    assert np.corrcoef(found.predict(table)[:, 0], y)[0, 1] > 0.9


def test_the_linear_model_takes_categories_however_the_network_does():
    """40 categories, which the network's encoders embed: the linear model learns the mean of each."""
    rng = np.random.default_rng(0)
    names = np.array([f"town {number}" for number in range(40)])
    town = rng.integers(0, 40, 4000)
    y = town * 1.0 + rng.normal(0, 0.01, 4000)
    table = Table.from_columns({"town": names[town], "y": y})
    task = Task("regression", ("y",), (), "")
    parts = {"train": np.arange(3000), "validation": np.arange(3000, 4000)}
    encoding = fit_encoders(table, [Role("town", "category", "")], task, parts["train"])
    assert encoding.embedded
    found = fit_linear_model(encoding, fit_targets(table, task, parts["train"]), table, parts)
    np.testing.assert_allclose(found.predict(table)[:, 0], town, atol=0.5)


def test_the_linear_model_stops_when_its_time_is_over():
    x, y = regression()
    encoding, targets, table = prepare(named(x), {"y": y}, "regression")
    found = fit_linear_model(encoding, targets, table, PARTS, 1e-9)
    assert found.strength == linear_model.STRENGTHS[0] and np.isfinite(found.predict(table)).all()


# -- boosted trees ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("weighted", [False, True])
def test_boosting_of_numbers_is_that_of_scikit_learn(weighted):
    x, y = regression(gaps=True)
    weights = np.random.default_rng(2).choice([0.0, 1.0, 4.0], ROWS) if weighted else None
    encoding, targets, table = prepare(named(x), {"y": y}, "regression")
    found = fit_gradient_boosting(encoding, targets, table, PARTS, weights=weights, seed=5)
    rows = BOTH if weights is None else BOTH[weights[BOTH] > 0]
    scaled = (y - y[rows].mean()) / y[rows].std()
    exact = HistGradientBoostingRegressor(random_state=5)
    exact.fit(x[rows], scaled[rows], None if weights is None else weights[rows])
    expected = exact.predict(x) * y[rows].std() + y[rows].mean()
    np.testing.assert_allclose(found.predict(table)[:, 0], expected, rtol=1e-9)
    assert (found.name, found.notes) == ("gradient boosting", ())


def test_boosting_of_classes_is_that_of_scikit_learn_in_the_order_of_the_classes():
    x, y = three_classes()
    encoding, targets, table = prepare(named(x), {"y": y}, "multiclass", ("low", "mid", "top"))
    exact = HistGradientBoostingClassifier(random_state=0).fit(x[BOTH], y[BOTH])
    found = fit_gradient_boosting(encoding, targets, table, PARTS)
    np.testing.assert_allclose(found.predict(table), exact.predict_proba(x))
    again = fit_gradient_boosting(encoding, targets, table, PARTS)
    np.testing.assert_array_equal(found.predict(table), again.predict(table))


def test_a_class_that_is_not_among_the_rows_has_probability_0():
    x, y = three_classes()
    y[BOTH[y[BOTH] == "mid"]] = "low"
    encoding, targets, table = prepare(named(x), {"y": y}, "multiclass", ("low", "mid", "top"))
    probabilities = fit_gradient_boosting(encoding, targets, table, PARTS).predict(table)
    assert (probabilities[:, 1] == 0).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    exact = HistGradientBoostingClassifier(random_state=0).fit(x[BOTH], y[BOTH])
    np.testing.assert_allclose(probabilities[:, [0, 2]], exact.predict_proba(x))


def test_labels_and_targets_have_trees_each():
    x, y = regression()
    labels = {"high": (y > np.median(y)) * 1, "never": np.zeros(ROWS, int), "odd": (x[:, 1] > 5) * 1}
    encoding, targets, table = prepare(named(x), labels, "multilabel", (0, 1))
    found = fit_gradient_boosting(encoding, targets, table, PARTS).predict(table)
    for place, name in ((0, "high"), (2, "odd")):
        exact = HistGradientBoostingClassifier(random_state=0).fit(x[BOTH], labels[name][BOTH])
        np.testing.assert_allclose(found[:, place], exact.predict_proba(x)[:, 1])
    assert (found[:, 1] == 0).all()
    encoding, targets, table = prepare(named(x), {"y": y, "z": -2 * y}, "regression")
    pair = fit_gradient_boosting(encoding, targets, table, PARTS).predict(table)
    np.testing.assert_allclose(pair[:, 1], -2 * pair[:, 0], rtol=1e-6)


def test_categories_are_told_to_be_categories():
    """Trees that split categories in any two groups: a middle one that differs takes one split."""
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 6, ROWS)
    words = np.array(["a", "b", "c", "d", "e", "f"], object)[codes]
    x, y = numbers(gaps=True), (codes % 2) * 5.0 + rng.normal(0, 0.1, ROWS)
    encoding, targets, table = prepare({"word": words, **named(x)}, {"y": y}, "regression")
    found = fit_gradient_boosting(encoding, targets, table, PARTS).predict(table)[:, 0]
    scaled = (y - y[BOTH].mean()) / y[BOTH].std()
    matrix = np.column_stack([codes, x])
    exact = HistGradientBoostingRegressor(random_state=0, categorical_features=[0]).fit(matrix[BOTH], scaled[BOTH])
    np.testing.assert_allclose(found, exact.predict(matrix) * y[BOTH].std() + y[BOTH].mean(), rtol=1e-9)


def test_unseen_categories_missing_cells_and_many_categories():
    rng = np.random.default_rng(0)
    many = [f"street {number}" for number in rng.integers(0, 100_000, ROWS)]  # nearly all different: no categories
    few = [None if row % 7 == 0 else "ab"[row % 2] for row in range(ROWS)]
    y = np.arange(ROWS) % 2 * 1.0 + rng.normal(0, 0.01, ROWS)
    encoding, targets, table = prepare({"few": few, "many": many}, {"y": y}, "regression")
    found = fit_gradient_boosting(encoding, targets, table, PARTS)
    new = Table.from_columns({"few": ["a", "b", "never", None], "many": ["nowhere"] * 4, "y": [0, 0, 0, 0]})
    predicted = found.predict(new)[:, 0]
    assert np.isfinite(predicted).all() and abs(predicted[0] - 0) < 0.2 and abs(predicted[1] - 1) < 0.2


def test_columns_of_more_categories_than_scikit_learn_takes_are_numbers():
    rng = np.random.default_rng(0)
    town = rng.integers(0, 300, 3000)
    table = Table.from_columns({"town": [f"{number:03d} town" for number in town], "y": town * 1.0})
    task, parts = Task("regression", ("y",), (), ""), {"train": np.arange(2000), "validation": np.arange(2000, 2500)}
    encoding = fit_encoders(table, [Role("town", "category", "")], task, parts["train"])
    assert gradient_boosting.Cells(encoding.front).categorical == []
    found = fit_gradient_boosting(encoding, fit_targets(table, task, parts["train"]), table, parts).predict(table)
    assert np.corrcoef(found[:, 0], town)[0, 1] > 0.99


def test_a_class_of_one_row_among_many():
    """Beyond 10,000 rows scikit-learn holds rows out, of which every class needs two."""
    rows = 10_500
    y = np.array(["a", "b"] * (rows // 2), object)
    y[3] = "alone"
    table = Table.from_columns({"x": np.arange(rows) % 2 + 0.5, "y": y})
    task, parts = Task("multiclass", ("y",), ("a", "alone", "b"), ""), {"train": np.arange(rows)}
    encoding = fit_encoders(table, [Role("x", "number", "")], task)
    found = fit_gradient_boosting(encoding, fit_targets(table, task), table, parts)
    assert found.predict(table.take([0, 1])).argmax(axis=1).tolist() == [0, 2]


# -- limits ----------------------------------------------------------------------------------------------------------


def test_very_many_rows_are_drawn_from_and_it_is_said(monkeypatch):
    monkeypatch.setattr(baseline, "MOST_ROWS", 50)
    x, y = regression()
    encoding, targets, table = prepare(named(x), {"y": y}, "regression")
    boosted = fit_gradient_boosting(encoding, targets, table, PARTS)
    linear = fit_linear_model(encoding, targets, table, PARTS)
    assert boosted.notes == ("The gradient boosting learned from 50 of 200 rows, taken at random.",)
    assert linear.notes == ("The linear model learned from 50 of 160 rows, taken at random.",)
    assert np.corrcoef(linear.predict(table)[:, 0], y)[0, 1] > 0.9


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [("MOST_FEATURES", 3, "the table has 4 features"), ("MOST_SECONDS", 0.0, "it would take about")],
)
def test_trees_that_would_take_too_long_are_not_grown_and_it_is_said(monkeypatch, name, value, words):
    monkeypatch.setattr(gradient_boosting, name, value)
    x, y = regression()
    found = fit_gradient_boosting(*prepare(named(x), {"y": y}, "regression"), PARTS)
    assert found.predict is None and words in found.notes[0]


def test_time_ends_between_targets(monkeypatch):
    monkeypatch.setattr(gradient_boosting, "estimate_seconds", lambda *arguments: 0.0)
    x, y = regression()
    encoding, targets, table = prepare(named(x), {"y": y, "z": -y}, "regression")
    found = fit_gradient_boosting(encoding, targets, table, PARTS, 1e-6)
    assert found.predict is None and "after 1 of 2 targets" in found.notes[0]


@pytest.mark.parametrize("fit", [fit_linear_model, fit_gradient_boosting])
def test_ctrl_c_goes_through(monkeypatch, fit):
    def interrupt(*arguments, **settings):
        raise KeyboardInterrupt

    monkeypatch.setattr(linear_model, "fit", interrupt)
    monkeypatch.setattr(gradient_boosting, "_grow", interrupt)
    x, y = regression()
    with pytest.raises(KeyboardInterrupt):
        fit(*prepare(named(x), {"y": y}, "regression"), PARTS)
