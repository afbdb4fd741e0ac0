"""What layers do to the data: principal components of each layer's outputs."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from sklearn.decomposition import PCA

import pellucid as pl
from pellucid.inspection.pictures.representation import plot_representation, representation
from pellucid.inspection.pictures.style import FEW_COLORS

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 4)) * [1.0, 3.0, 0.5, 1.0]
DATA = pl.Dataset({"x": X}, (X[:, 0] * X[:, 1] > 0).astype(int))


def axes():
    return Figure().subplots()


@pytest.fixture(scope="module")
def fit():
    layers = [pl.Dense(5, "relu"), pl.Shortcut([pl.Dense(5, "tanh")]), pl.Dense(1)]
    return pl.fit(
        pl.Network(layers, inputs=4, dtype="float64"), DATA, loss="binary_cross_entropy", epochs=3, validation=0.2
    )


def by_hand(fit):
    """What each layer gives, by NumPy."""
    p = fit.parameters
    first = np.maximum(X @ p["dense_1/weight"] + p["dense_1/bias"], 0)
    second = np.tanh(first @ p["shortcut_1/dense_1/weight"] + p["shortcut_1/dense_1/bias"])
    last = (second + first) @ p["dense_2/weight"] + p["dense_2/bias"]
    return {"x": X, "dense_1": first, "shortcut_1/dense_1": second, "dense_2": last}


def test_components_are_those_of_scikit_learn(fit):
    found, expected = representation(fit, DATA), by_hand(fit)
    assert list(found) == list(expected)
    for layer, values in expected.items():
        pca = PCA().fit(values)
        assert np.allclose(found[layer].explained, pca.explained_variance_ratio_, atol=1e-12)
        assert np.allclose(np.abs(found[layer].coordinates), np.abs(pca.transform(values)), atol=1e-9)


def test_any_node_of_the_graph_can_be_asked_for(fit):
    hidden = by_hand(fit)
    found = representation(fit, DATA, "shortcut_1/add", components=2)["shortcut_1/add"]
    total = hidden["dense_1"] + hidden["shortcut_1/dense_1"]
    assert found.coordinates.shape == (120, 2)
    assert np.allclose(found.explained, PCA(2).fit(total).explained_variance_ratio_)
    with pytest.raises(pl.UsageError, match=r"no layer 'dense_3'. Did you mean 'dense_[12]'"):
        representation(fit, DATA, "dense_3")


def test_all_components_keep_the_distances_of_examples(fit):
    values, found = by_hand(fit)["dense_1"], representation(fit, DATA, "dense_1")["dense_1"].coordinates
    distance = lambda rows: np.linalg.norm(rows[:, None] - rows[None], axis=-1)  # noqa: E731
    assert np.allclose(distance(values), distance(found))


def test_a_layer_that_says_the_same_of_all_explains_nothing():
    network = pl.Network([pl.Dense(3, "relu", initializer="zeros"), pl.Dense(1)], inputs=4)
    found = representation((network, network.initialize()), DATA)["dense_1"]
    assert not found.explained.any() and not found.coordinates.any()
    plot_representation((network, network.initialize()), DATA, ax=axes())


def test_the_picture_shows_the_coordinates_by_class(fit):
    found = representation(fit, DATA)["dense_1"].coordinates
    picture = plot_representation(fit, DATA, "dense_1", ax=axes())
    classes = np.asarray(DATA.targets)
    for number, dots in enumerate(picture.collections):
        assert np.allclose(dots.get_offsets(), found[classes == number, :2])
        assert np.allclose(dots.get_facecolor(), to_rgba(FEW_COLORS[number]))
    share = representation(fit, DATA)["dense_1"].explained[0]
    assert picture.get_xlabel() == f"1st component, {100 * share:.0f} %"


def test_all_layers_side_by_side(fit):
    panels = plot_representation(fit, DATA, ax=axes())
    assert panels.names == ("x", "dense_1", "shortcut_1/dense_1", "dense_2")
    assert panels["dense_2"] is panels[3] and len(panels) == 4 and panels.figure is panels[0].figure
    assert panels._repr_html_().startswith("<svg")
    with pytest.raises(pl.UsageError, match=r"no picture 'dense_3'. Did you mean"):
        panels["dense_3"]
    # A single unit is drawn with its class upwards.
    assert [label.get_text() for label in panels["dense_2"].get_yticklabels()] == ["0", "1"]
    own = list(Figure().subplots(2, 3).ravel())
    assert list(plot_representation(fit, DATA, ax=own)) == own[:4]
    with pytest.raises(pl.UsageError, match="not enough axes: got 3, expected 4"):
        plot_representation(fit, DATA, ax=own[:3])
    with pytest.raises(pl.UsageError, match="nothing to draw on"):
        plot_representation(fit, DATA, "x", ax="here")


def test_a_figure_is_made_where_no_axes_are_given(fit):
    import matplotlib.pyplot as plt

    before = plt.get_fignums()
    panels = plot_representation(fit, DATA)
    assert len(plt.get_fignums()) == len(before) + 1
    plt.close(panels.figure)


def test_a_regression_is_coloured_by_its_target():
    data = pl.Dataset({"x": X}, X[:, 0])
    fit = pl.fit(pl.Network([pl.Dense(3, "tanh"), pl.Dense(1)], inputs=4), data, loss="squared_error", epochs=1)
    picture = plot_representation(fit, data, "dense_1", ax=axes())
    assert np.allclose(picture.collections[0].get_array(), X[:, 0])
    assert len(picture.figure.axes) == 2  # the colour bar
    plain = plot_representation(fit, pl.Dataset({"x": X}), "dense_1", ax=axes())
    assert len(plain.figure.axes) == 1 and len(plain.collections) == 1


def test_a_model_shows_first_what_its_encoders_give():
    table = {"size": X[:, 0], "length": 100 * X[:, 1], "kind": np.where(X[:, 2] > 0, "a", "b")}
    run = pl.train_table(table, "kind", recipe=pl.Recipe(epochs=2))
    found = representation(run.model, table)
    assert next(iter(found)) == "features"
    encoded = run.model.encoding.encode(run.model.table(table))["x"]
    assert np.allclose(found["features"].explained, PCA().fit(encoded).explained_variance_ratio_, atol=1e-5)


def test_an_output_that_is_not_finite_is_named():
    network = pl.Network(lambda context, x: pl.Dense(1)(context, pl.log(x)), inputs=4)
    with pytest.raises(pl.DataError, match=r"^log, row \d+: a layer's output is not finite"):
        representation((network, network.initialize()), DATA, "log")
