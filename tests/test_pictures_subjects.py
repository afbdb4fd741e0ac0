"""What pictures can be drawn of: fits of all kinds, models, populations, and estimators of any library."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars
import pytest
from matplotlib.figure import Figure
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

import pellucid as pl
from pellucid.inspection.pictures.composition import plot_composition
from pellucid.inspection.pictures.displays import plot_confusion
from pellucid.inspection.pictures.importance import plot_importance
from pellucid.inspection.pictures.reading import as_subject
from pellucid.inspection.pictures.regions import plot_decision_regions
from pellucid.inspection.pictures.representation import plot_representation
from pellucid.inspection.pictures.subject import decided
from pellucid.inspection.pictures.units import plot_units

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4))
SIGN = (X[:, 0] > 0).astype(int)


def axes():
    return Figure().subplots()


def draw_all(subject, data, **options):
    plot_representation(subject, data, **options, ax=axes())
    plot_units(subject, data, resolution=8, ax=axes())
    plot_composition(subject, data, **options, ax=axes())
    draw_predictions(subject, data, **options)


def draw_predictions(subject, data, **options):
    plot_decision_regions(subject, data, resolution=12, **options, ax=axes())
    plot_importance(subject, data, repeats=1, **options, ax=axes())


def fit(body, inputs, data, loss, dtype="float32"):
    return pl.fit(pl.Network(body, inputs=inputs, dtype=dtype), data, loss=loss, epochs=1)


def two_heads(context, x, kind):
    known = pl.Embedding(5, 3)(context, kind)
    hidden = pl.Dense(6, "relu")(context, pl.concatenate([x, known], axis=1))
    return {"price": pl.Dense(1)(context, hidden), "sold": pl.Dense(1)(context, hidden)}


def twins(context, left, right):
    encoder = pl.Dense(5, "tanh", name="encoder")
    difference = encoder(context, left) - encoder(context, right)
    return pl.sum(difference * difference, axis=1, keepdims=True)


def test_several_inputs_and_outputs():
    data = pl.Dataset({"x": X, "kind": np.arange(60) % 5}, {"price": X[:, 1], "sold": SIGN})
    losses = {"price": "squared_error", "sold": "binary_cross_entropy"}
    fitted = fit(two_heads, {"x": 4, "kind": pl.int32[()]}, data, losses)
    for output in ("price", "sold"):
        draw_all(fitted, data, of=output)
    found = as_subject(fitted, data, "sold")
    assert np.allclose(found.predict(found.arrays), fitted.predict(data.inputs)["sold"])
    assert list(found.columns) == ["x[0]", "x[1]", "x[2]", "x[3]", "kind"]
    with pytest.raises(pl.UsageError, match="several things are predicted: got price, sold"):
        plot_decision_regions(fitted, data)
    with pytest.raises(pl.UsageError, match=r"called 'prise'. Did you mean 'price'"):
        plot_decision_regions(fitted, data, of="prise")


def test_shared_layers_images_noise_and_normalization():
    pairs = pl.Dataset({"left": X, "right": X[::-1]}, SIGN)
    fitted = fit(twins, {"left": 4, "right": 4}, pairs, "binary_cross_entropy")
    draw_all(fitted, pairs)
    assert plot_representation(fitted, pairs, ax=axes()).names == ("left", "right", "encoder", "encoder (use 2)")
    layers = [pl.Flatten(), pl.Dense(6, "relu", weight_noise=0.1), pl.LayerNorm(), pl.Dropout(0.5), pl.Dense(3)]
    images = pl.Dataset({"image": RNG.normal(size=(60, 2, 3))}, np.arange(60) % 3, np.linspace(0, 1, 60))
    fitted = fit(layers, {"image": pl.float64[2, 3]}, images, "softmax_cross_entropy", "float64")
    draw_all(fitted, images)
    assert as_subject(fitted, images).features[4].name == "image[1, 1]"


def test_labels_and_several_targets():
    data = pl.Dataset({"x": X}, (X[:, :3] > 0).astype(float))
    fitted = fit([pl.Dense(5, "relu"), pl.Dense(3)], 4, data, "multilabel_cross_entropy")
    draw_all(fitted, data, of=2)
    found = as_subject(fitted, data, "output[2]")
    assert np.allclose(found.predict(found.arrays)[:, 0], fitted.predict(X)[:, 2])
    assert found.target.values.tolist() == (X[:, 2] > 0).astype(int).tolist()


def test_a_multiclass_loss_of_two_classes_is_as_good_as_binary():
    data = pl.Dataset({"x": X}, SIGN)
    fitted = fit([pl.Dense(2)], 4, data, "softmax_cross_entropy")
    found = as_subject(fitted, data)
    assert decided(found.predict(found.arrays), found.target).tolist() == fitted.predict(X).argmax(axis=1).tolist()
    draw_predictions(fitted, data)


def test_sparse_rows_and_plain_arrays():
    scipy_sparse = pytest.importorskip("scipy.sparse")
    sparse = scipy_sparse.csr_matrix(np.where(np.abs(X) > 1, X, 0))
    fitted = fit([pl.Dense(3, "relu"), pl.Dense(1)], 4, pl.Dataset({"x": sparse}, SIGN), "binary_cross_entropy")
    draw_all(fitted, pl.Dataset({"x": sparse}, SIGN))
    assert np.array_equal(as_subject(fitted, (X, SIGN)).matrix, X.astype(np.float32))
    with pytest.raises(pl.UsageError, match=r"looked at with a dataset: got \{'x': 1}"):
        as_subject(fitted, {"x": 1})


def test_a_population_predicts_the_mean_and_has_no_layers():
    data = pl.Dataset({"x": X}, SIGN)
    network = pl.Network([pl.Dense(3, "relu"), pl.Dense(1)], inputs=4)
    population = pl.fit_population(network, data, 3, loss="binary_cross_entropy", epochs=1)
    draw_predictions(population, data)
    found = as_subject(population, data)
    assert np.allclose(found.predict(found.arrays), population.predict(X))
    with pytest.raises(pl.UsageError, match=r"no network to look into.*population\[0\]"):
        plot_representation(population, data)


@pytest.fixture(scope="module")
def table():
    return pd.DataFrame(
        {
            "size": np.where(np.arange(60) % 9 == 4, np.nan, X[:, 0]),
            "length": 100 * X[:, 1],
            "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(60) % 41 * 3, unit="D"),
            "color": np.array(["red", "green", "blue"])[np.arange(60) % 3],
            "kind": np.where(X[:, 1] > 0, "yes", "no"),
        }
    )


def test_a_model_with_a_table_of_all_kinds_of_columns(table):
    model = pl.train_table(table, "kind", recipe=pl.Recipe(epochs=2)).model
    draw_all(model, table)
    found = as_subject(model, table)
    assert [feature.name for feature in found.features] == ["size", "length", "day (days)"]
    assert np.allclose(found.predict(found.arrays)[:, 0], model.predict_probabilities(table)[:, 1])
    predicted = np.array(model.targets.classes, dtype=object)[decided(found.predict(found.arrays), found.target)]
    assert predicted.tolist() == model.predict(table)["kind"].tolist()
    picture = plot_decision_regions(model, table, features=("length", "size"), resolution=10, ax=axes())
    assert (picture.get_xlabel(), picture.get_ylabel()) == ("length", "size")
    plot_decision_regions(model, table.drop(columns="kind"), resolution=10, ax=axes())


@pytest.mark.parametrize("names", [np.array(["no", "yes"], object), np.array([False, True]), np.array([3, 7])])
def test_own_estimators_with_their_classes(names):
    y = names[SIGN]
    classifier = pl.MLPClassifier((4,), activation="relu", max_iter=100, tol=1.0, random_state=0).fit(X, y)
    draw_all(classifier, (X, y))
    found = as_subject(classifier, (X, y))
    assert found.target.values.tolist() == SIGN.tolist() and found.target.classes == tuple(map(str, names.tolist()))
    assert names[decided(found.predict(found.arrays), found.target)].tolist() == classifier.predict(X).tolist()


def test_other_own_estimators():
    perceptron = pl.Perceptron(max_iter=500).fit(X[:, :2], X[:, 0] > 0.1)
    draw_all(perceptron, (X[:, :2], X[:, 0] > 0.1))
    autoencoder = pl.Autoencoder(2, max_iter=200, tol=1.0).fit(X)
    draw_all(autoencoder, X, of="x1")
    regressor = pl.MLPRegressor((4,), max_iter=100, tol=1.0).fit(X[:, :2], X[:, 2:])
    draw_all(regressor, (X[:, :2], X[:, 2:]), of=1)
    found = as_subject(regressor, (X[:, :2], X[:, 2:]), 1)
    assert np.allclose(found.predict(found.arrays)[:, 0], regressor.predict(X[:, :2])[:, 1])


@pytest.mark.parametrize("frame", [np.asarray, pd.DataFrame, lambda x: polars.DataFrame(x, schema=list("abcd"))])
def test_estimators_of_scikit_learn(frame):
    x = frame(X)
    x = x.set_axis(list("abcd"), axis=1) if isinstance(x, pd.DataFrame) else x
    names = np.array(["low", "high"])[SIGN]
    forest = RandomForestClassifier(5, random_state=0).fit(x, names)
    draw_predictions(forest, (x, names))
    texts = plot_confusion(forest, (x, names), ax=axes()).texts
    assert sum(int(text.get_text()) for text in texts) == 60
    regression = RandomForestRegressor(5, random_state=0).fit(x, X[:, 1])
    draw_predictions(regression, (x, X[:, 1]))


@pytest.mark.parametrize(
    ("data", "error", "told"),
    [
        ((np.where(np.isin(X, X[3, 1]), np.nan, X), SIGN), pl.DataError, "X, row 3, column 1: .* not finite"),
        ((X, SIGN[:9]), pl.DataError, "X and y differ in length: got 9, expected 60"),
        ((X, SIGN + 1), pl.DataError, "a class that the estimator does not know: got 2"),
        ((X.astype(str), SIGN), pl.DataError, "not a matrix of numbers"),
    ],
)
def test_data_that_do_not_fit_an_estimator(data, error, told):
    forest = RandomForestClassifier(2, random_state=0).fit(X, SIGN)
    with pytest.raises(error, match=told):
        plot_decision_regions(forest, data)


def test_what_cannot_be_drawn():
    with pytest.raises(pl.UsageError, match="nothing that predicts: got 3"):
        plot_decision_regions(3, (X, SIGN))
    network = pl.Network([pl.Dense(1)], inputs=4)
    with pytest.raises(pl.UsageError, match=r"^dense_1/bias: a parameter is missing"):
        plot_decision_regions((network, {"dense_1/weight": np.ones((4, 1))}), X)
    words = pl.Network([pl.Embedding(5, 3), pl.Dense(1)], inputs={"x": pl.int32[()]})
    with pytest.raises(pl.UsageError, match="no number that could be varied"):
        plot_decision_regions((words, words.initialize()), pl.Dataset({"x": np.arange(5)}))
