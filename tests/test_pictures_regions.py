"""Decision regions, and what units respond to, over two features or components."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure
from sklearn.decomposition import PCA

import pellucid as pl
from pellucid.inspection.pictures.plane import plane_of
from pellucid.inspection.pictures.reading import as_subject
from pellucid.inspection.pictures.regions import plot_decision_regions, predict_grids
from pellucid.inspection.pictures.units import plot_units
from pellucid.training.evaluate import Evaluator

RNG = np.random.default_rng(1)
X = RNG.normal([5.0, 0.0, -1.0], 1.0, size=(90, 3))
BINARY = pl.Dataset({"x": X}, X[:, 0] - X[:, 1] > 5)
SQUARE = pl.Dataset({"x": X[:, :2]}, X[:, 0] - X[:, 1] > 5)


def axes():
    return Figure().subplots()


def train(data, outputs=1, loss="binary_cross_entropy", activation="tanh", dtype="float64"):
    inputs = data.inputs["x"].shape[1]
    network = pl.Network([pl.Dense(6, activation), pl.Dense(outputs)], inputs=inputs, dtype=dtype)
    return pl.fit(network, data, loss=loss, optimizer=pl.optimizers.Adam(0.05), epochs=20)


@pytest.fixture(scope="module")
def square():
    return train(SQUARE, activation="relu")


def contours(picture):
    """The points of the lines that were drawn where a value is 0."""
    sets = [found for found in picture.collections if type(found).__name__ == "QuadContourSet" and not found.filled]
    return [path.vertices for found in sets for path in found.get_paths() if len(path.vertices)]


def test_the_border_of_two_classes_is_where_the_probability_is_one_half(square):
    points = np.concatenate(contours(plot_decision_regions(square, SQUARE, ax=axes())))
    assert len(points) > 50 and np.allclose(square.predict(points), 0.5, atol=0.01)


def test_every_point_has_the_colour_of_its_class():
    data = pl.Dataset({"x": X[:, :2]}, np.digitize(X[:, 0] + X[:, 1], [4.5, 5.5]))
    fit = train(data, 3, "softmax_cross_entropy")
    picture = plot_decision_regions(fit, data, resolution=25, ax=axes())
    (mesh,) = [found for found in picture.collections if type(found).__name__ == "QuadMesh"]
    lines = plane_of(as_subject(fit, data)).grid(25)
    predicted = fit.predict(np.stack(np.meshgrid(*lines), axis=-1).reshape(-1, 2)).argmax(axis=1)
    blue, orange, green = (mesh.get_array().reshape(-1, 3)[predicted == number].mean(axis=0) for number in range(3))
    assert blue.argmax() == 2 and orange[0] > orange[1] > orange[2] and green.argmax() == 1


def test_contours_of_a_regression_show_the_prediction():
    data = pl.Dataset({"x": X[:, :2]}, X[:, 0] * X[:, 1])
    fit = train(data, 1, "squared_error")
    picture = plot_decision_regions(fit, data, resolution=30, limits=((4, 6), (-1, 1)), ax=axes())
    (mesh,) = [found for found in picture.collections if type(found).__name__ == "QuadMesh"]
    points = np.stack(np.meshgrid(np.linspace(4, 6, 30), np.linspace(-1, 1, 30)), axis=-1).reshape(-1, 2)
    assert np.allclose(np.ravel(mesh.get_array()), fit.predict(points)[:, 0])
    assert picture.get_xlim() == (4, 6) and picture.get_ylim() == (-1, 1)


@pytest.mark.parametrize("others", ["median", "mean"])
def test_other_features_are_held(others):
    fit = train(BINARY)
    subject = as_subject(fit, BINARY)
    plane = plane_of(subject, (2, 0), others=others)
    (grid,) = predict_grids(subject, plane, [7])
    third, first = (line.ravel() for line in np.meshgrid(*grid.lines))
    rows = np.stack([first, np.full(49, getattr(np, others)(X[:, 1])), third], axis=1)
    assert np.allclose(grid.values, fit.predict(rows))
    assert plot_decision_regions(fit, BINARY, features=(2, 0), others=others, ax=axes()).get_title().endswith(others)


def test_components_span_the_plane_of_scikit_learn():
    fit = train(BINARY)
    subject, pca = as_subject(fit, BINARY), PCA(2).fit(X)
    plane = plane_of(subject, components=2)
    assert np.allclose(np.abs(plane.coordinates), np.abs(pca.transform(X)))
    corners = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    on_plane = plane.features(corners)
    assert np.allclose(pca.inverse_transform(pca.transform(on_plane)), on_plane)
    assert np.allclose(np.abs(pca.transform(on_plane)), corners, atol=1e-12)


def test_several_resolutions_are_predicted_in_one_call(square, monkeypatch):
    calls = []
    run = Evaluator.run
    monkeypatch.setattr(Evaluator, "run", lambda self, *given: calls.append(given) or run(self, *given))
    panels = plot_decision_regions(square, SQUARE, resolution=(5, 20, 60), ax=axes())
    assert len(calls) == 1 and len(calls[0][1]["x"]) == 25 + 400 + 3600
    assert panels.names == ("5 points a side", "20 points a side", "60 points a side")


def test_over_one_feature_predictions_are_curves(square):
    picture = plot_decision_regions(square, SQUARE, features="x[1]", resolution=11, ax=axes())
    across = picture.lines[0].get_xdata()
    rows = np.stack([np.full(11, np.median(X[:, 0])), across], axis=1)
    first, second = (line.get_ydata() for line in picture.lines)
    assert np.allclose(second, square.predict(rows)[:, 0]) and np.allclose(first + second, 1)


def test_units_show_what_they_give_and_where_their_half_plane_ends(square):
    weight, bias = square.parameters["dense_1/weight"], square.parameters["dense_1/bias"]
    panels = plot_units(square, SQUARE, resolution=40, ax=axes())
    assert panels.names == tuple(f"unit {number}" for number in range(6))
    lines = plane_of(as_subject(square, SQUARE)).grid(40)
    points = np.stack(np.meshgrid(*lines), axis=-1).reshape(-1, 2)
    before = points @ weight + bias
    for unit, picture in enumerate(panels):
        mesh = next(found for found in picture.collections if type(found).__name__ == "QuadMesh")
        assert np.allclose(np.ravel(mesh.get_array()), np.maximum(before[:, unit], 0))
        edges = contours(picture)
        assert bool(edges) == (before[:, unit].min() < 0 < before[:, unit].max())
        for edge in edges:
            assert np.allclose(edge @ weight[:, unit] + bias[unit], 0, atol=1e-9)


def test_units_can_be_chosen(square):
    assert plot_units(square, SQUARE, units=[4, 1], resolution=5, ax=axes()).names == ("unit 4", "unit 1")
    assert len(plot_units(square, SQUARE, "dense_2", resolution=5, ax=axes())) == 1
    curves = plot_units(square, SQUARE, features=0, resolution=5, ax=axes())
    assert len(curves[0].lines) == 2  # the unit, and zero
    with pytest.raises(pl.UsageError, match="no such units: got 9, expected some of 0 to 5"):
        plot_units(square, SQUARE, units=[9])


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"features": (0, 7)}, "there is no feature 7. Numbers: 0 to 1"),
        ({"features": "x[9]"}, r"there is no feature 'x\[9\]'. Did you mean 'x\[[01]\]'"),
        ({"features": (0, 0)}, "one or two different features"),
        ({"features": ()}, "one or two different features: got none"),
        ({"features": (0, 1), "components": 2}, "go not together"),
        ({"components": 3}, "one or two of the 2"),
        ({"others": "mode"}, "median or mean"),
        ({"limits": (1, 0, 3, 4)}, "not the limits of a picture"),
        ({"limits": (0, 1)}, "not the limits of a picture"),
        ({"resolution": 1}, "whole number from 2 up"),
        ({"resolution": [3000]}, "too many points"),
    ],
)
def test_mistakes_are_named(square, options, told):
    with pytest.raises(pl.UsageError, match=told):
        plot_decision_regions(square, SQUARE, **options)


def test_the_dark_style_has_light_lines_on_dark_ground(square):
    import matplotlib.pyplot as plt

    with plt.style.context("dark_background"):
        picture = plot_decision_regions(square, SQUARE, resolution=20, ax=axes())
        mesh = next(found for found in picture.collections if type(found).__name__ == "QuadMesh")
        edge = next(found for found in picture.collections if type(found).__name__ == "QuadContourSet")
    assert mesh.get_array().mean() < 0.35 and edge.get_edgecolor()[0, :3].min() > 0.9
