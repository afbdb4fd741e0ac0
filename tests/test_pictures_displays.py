"""ROC, calibration, confusion and permutation importance, against scikit-learn's functions."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure
from sklearn.calibration import calibration_curve
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.metrics import confusion_matrix, roc_auc_score, roc_curve

import pellucid as pl
from pellucid.inspection.pictures.displays import plot_calibration, plot_confusion, plot_roc
from pellucid.inspection.pictures.importance import importance, plot_importance
from pellucid.inspection.pictures.reading import as_subject

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 3))
NOISY = X[:, 0] + 0.5 * X[:, 1] + RNG.normal(size=200)
BINARY = pl.Dataset({"x": X}, (NOISY > 0).astype(int))
THREE = pl.Dataset({"x": X}, np.digitize(NOISY, [-0.7, 0.7]))


def axes():
    return Figure().subplots()


def train(data, outputs, loss, **options):
    network = pl.Network([pl.Dense(6, "tanh"), pl.Dense(outputs)], inputs=3)
    return pl.fit(network, data, loss=loss, optimizer=pl.optimizers.Adam(0.02), epochs=10, **options)


@pytest.fixture(scope="module")
def two():
    return train(BINARY, 1, "binary_cross_entropy")


@pytest.fixture(scope="module")
def three():
    return train(THREE, 3, "softmax_cross_entropy")


def test_the_curve_and_its_area(two):
    picture = plot_roc(two, BINARY, ax=axes())
    false, true, _ = roc_curve(BINARY.targets, two.predict(X)[:, 0])
    assert np.allclose(picture.lines[0].get_xdata(), false) and np.allclose(picture.lines[0].get_ydata(), true)
    area = roc_auc_score(BINARY.targets, two.predict(X)[:, 0])
    assert picture.lines[0].get_label() == f"1 (AUC = {area:.2f})"


def test_a_curve_for_each_of_several_classes_with_weights(three):
    weights = RNG.uniform(0, 2, 200)
    picture = plot_roc(three, pl.Dataset({"x": X}, THREE.targets, weights), ax=axes())
    assert len(picture.lines) == 4  # chance is the last
    for number in range(3):
        truth, score = THREE.targets == number, three.predict(X)[:, number]
        area = roc_auc_score(truth, score, sample_weight=weights)
        assert picture.lines[number].get_label() == f"{number} (AUC = {area:.2f})"


def test_several_models_on_the_same_axes(two):
    ax = axes()
    plot_roc(two, BINARY, name="network", ax=ax)
    other = LogisticRegression().fit(X, BINARY.targets)
    plot_roc(other, (X, BINARY.targets), name="linear", ax=ax)
    labels = [line.get_label().split(" (")[0] for line in ax.lines]
    assert labels == ["network", "chance", "linear"] and ax.lines[0].get_color() != ax.lines[2].get_color()


def test_a_class_that_no_example_has_is_left_out(three):
    rows = np.asarray(THREE.targets) != 2
    picture = plot_roc(three, pl.Dataset({"x": X[rows]}, THREE.targets[rows]), ax=axes())
    assert [line.get_label()[0] for line in picture.lines] == ["0", "1", "c"]


@pytest.mark.parametrize("strategy", ["quantile", "uniform"])
def test_calibration(two, strategy):
    picture = plot_calibration(two, BINARY, bins=5, strategy=strategy, ax=axes())
    share, mean = calibration_curve(BINARY.targets, two.predict(X)[:, 0], n_bins=5, strategy=strategy)
    assert np.allclose(picture.lines[0].get_xdata(), mean) and np.allclose(picture.lines[0].get_ydata(), share)


def test_confusion(three):
    picture = plot_confusion(three, THREE, ax=axes())
    expected = confusion_matrix(THREE.targets, three.predict(X).argmax(axis=1))
    assert [int(text.get_text()) for text in picture.texts] == expected.ravel().tolist()
    shares = plot_confusion(three, THREE, normalize="true", ax=axes())
    expected = expected / expected.sum(axis=1, keepdims=True)
    assert [text.get_text() for text in shares.texts] == [f"{share:.2f}" for share in expected.ravel()]


def test_confusion_by_the_threshold_of_a_classifier_and_with_its_names():
    names = np.where(BINARY.targets == 1, "spam", "ham")
    classifier = pl.MLPClassifier((4,), threshold=0.9, random_state=0, max_iter=200, tol=1.0).fit(X, names)
    picture = plot_confusion(classifier, (X, names), ax=axes())
    expected = confusion_matrix(names, classifier.predict(X))
    assert [int(text.get_text()) for text in picture.texts] == expected.ravel().tolist()
    assert [label.get_text() for label in picture.get_yticklabels()] == ["ham", "spam"]


def test_scores_that_are_no_probabilities():
    fit = train(BINARY, 1, "hinge")
    area = roc_auc_score(BINARY.targets, fit.predict(X)[:, 0])
    assert plot_roc(fit, BINARY, ax=axes()).lines[0].get_label() == f"1 (AUC = {area:.2f})"
    texts = plot_confusion(fit, BINARY, ax=axes()).texts
    expected = confusion_matrix(BINARY.targets, fit.predict(X)[:, 0] > 0)
    assert [int(text.get_text()) for text in texts] == expected.ravel().tolist()
    with pytest.raises(pl.UsageError, match="calibration is of probabilities: got a score"):
        plot_calibration(fit, BINARY)
    ridge = RidgeClassifier().fit(X, BINARY.targets)
    assert len(plot_roc(ridge, (X, BINARY.targets), ax=axes()).lines) == 2


def test_mistakes_are_named(two):
    regression = train(pl.Dataset({"x": X}, NOISY), 1, "squared_error")
    for picture in (plot_roc, plot_calibration, plot_confusion):
        with pytest.raises(pl.UsageError, match="is of classes: got a regression"):
            picture(regression, pl.Dataset({"x": X}, NOISY))
        with pytest.raises(pl.UsageError, match="the targets are missing"):
            picture(two, pl.Dataset({"x": X}))
    with pytest.raises(pl.DataError, match="needs examples of two classes: got only '1'"):
        plot_roc(two, pl.Dataset({"x": X[:5]}, np.ones(5)))
    with pytest.raises(pl.UsageError, match="by quantile or uniform"):
        plot_calibration(two, BINARY, strategy="even")
    with pytest.raises(pl.UsageError, match="of true, pred or all"):
        plot_confusion(two, BINARY, normalize="rows")


def test_importance_is_that_of_scikit_learn():
    linear = LogisticRegression().fit(X, BINARY.targets)
    found = importance(linear, (X, np.asarray(BINARY.targets)), repeats=4, seed=3)
    expected = permutation_importance(linear, X, BINARY.targets, scoring="accuracy", n_repeats=4, random_state=3)
    assert np.isclose(found.base, linear.score(X, BINARY.targets))
    for number in range(3):
        assert np.allclose(found.lost[f"x{number}"], expected.importances[number])
    means = [lost.mean() for lost in found.lost.values()]
    assert means == sorted(means, reverse=True)


def test_a_column_that_is_not_looked_at_loses_nothing(two):
    parameters = {path: np.array(value) for path, value in two.parameters.items()}
    parameters["dense_1/weight"][2] = 0.0
    network = two.network
    data = pl.Dataset({"x": X}, X[:, 0])
    found = importance((network, parameters), data, metric="rmse")
    assert not found.lost["x[2]"].any() and (found.lost["x[0]"] != 0).all() and found.metric == "rmse"


def test_columns_of_a_table_are_shuffled_whole():
    days = np.datetime64("2024-01-01") + (np.abs(X[:, 0]) * 100).astype(int)
    table = {"day": days, "word": np.where(X[:, 1] > 0, "up", "down"), "size": X[:, 2], "y": NOISY}
    model = pl.train_table(table, "y", recipe=pl.Recipe(epochs=3)).model
    found = importance(model, table, repeats=2)
    assert set(found.lost) == {"day", "word", "size"} and found.metric == "r2"
    seen, order = as_subject(model, table), np.random.default_rng(0).permutation(200)
    for column, places in seen.columns.items():
        expected = model.read({**table, column: table[column][order]})
        arrays = {name: array.copy() for name, array in seen.arrays.items()}
        for name, part in places:
            arrays[name][:, part] = arrays[name][order, part]
        assert all(np.array_equal(arrays[name], expected[name]) for name in expected)


def test_the_picture_has_the_most_important_column_on_top(two):
    picture = plot_importance(two, BINARY, most=2, ax=axes())
    assert [label.get_text() for label in picture.get_yticklabels()] == ["x[0]", "x[1]"]
    assert picture.yaxis_inverted() and "accuracy lost" in picture.get_xlabel()
    with pytest.raises(pl.UsageError, match="does not fit the task: got rmse"):
        plot_importance(two, BINARY, metric="rmse")
    with pytest.raises(pl.UsageError, match="whole number from 1"):
        plot_importance(two, BINARY, repeats=0)
