"""Landscapes of the loss: every point is the loss of a network; paths and directions are what they are said to be."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

import pellucid as pl
from pellucid.errors import PellucidError, UsageError
from pellucid.inspection.landscape.directions import directions_of_path, random_direction
from pellucid.inspection.landscape.path import TrainingPath
from pellucid.inspection.landscape.surface import landscape


@pytest.fixture(scope="module")
def trained():
    random = np.random.default_rng(0)
    x = random.normal(size=(60, 3))
    y = (x[:, 0] * x[:, 1] > 0).astype(float)
    data = pl.Dataset({"x": x}, y)
    network = pl.Network([pl.Dense(6, "tanh"), pl.Dropout(0.1), pl.Dense(1)], inputs=3)
    path = TrainingPath(most=20)
    fitted = pl.fit(network, data, loss="binary_cross_entropy", epochs=60, on=path)
    return fitted, data, path


def test_every_point_is_the_loss_of_the_network_that_stands_there(trained):
    fitted, data, path = trained
    seen = landscape(fitted, data, path=path, points=7)
    assert seen.losses.shape == (7, 7) and seen.kind == "path"
    for i, j in ((0, 0), (6, 2), (3, 5)):
        there = {
            name: (value.astype(np.float64) + seen.a[i] * seen.first[name] + seen.b[j] * seen.second[name])
            for name, value in fitted.parameters.items()
        }
        x = data.inputs["x"]
        hidden = np.tanh(x @ there["dense_1/weight"] + there["dense_1/bias"])
        z = (hidden @ there["dense_2/weight"] + there["dense_2/bias"]).ravel()
        expected = np.mean(np.logaddexp(0, z) - data.targets * z)
        assert np.isclose(seen.losses[j, i], expected, rtol=1e-5)
    assert np.isclose(seen.loss, fitted.evaluate(data)["loss"], rtol=1e-12)


def test_a_path_within_its_plane_is_found_again(trained):
    fitted, data, path = trained
    center = {name: np.asarray(value, np.float64) for name, value in fitted.parameters.items()}
    one, other = (random_direction(center, 5, number) for number in range(2))
    wanted = np.array([[0.5, -0.2], [0.1, 0.4], [-0.3, 0.3], [0.0, 0.0]])
    points = [{n: center[n] + a * one[n] + b * other[n] for n in center} for a, b in wanted]
    seen = landscape(fitted, data, path=points, directions=(one, other), points=5)
    assert np.allclose(seen.path, wanted, atol=1e-9) and np.isclose(seen.explained, 1.0)
    principal = landscape(fitted, data, path=points, points=5)
    assert np.isclose(principal.explained, 1.0)  # two components hold a plane
    partly = landscape(fitted, data, path=path, directions="random", points=5)
    assert 0 <= partly.explained < landscape(fitted, data, path=path, points=5).explained <= 1


def test_directions_of_a_path_are_orthonormal(trained):
    fitted, _, path = trained
    one, other = (np.concatenate([d[n].ravel() for n in d]) for d in directions_of_path(path.points, fitted.parameters))
    assert np.allclose([one @ one, other @ other, one @ other], [1, 1, 0], atol=1e-9)


def test_rescaled_rectifiers_have_the_same_landscape():
    """A rectifier network computes the same when a layer is multiplied by c and the next one divided by it."""
    random = np.random.default_rng(1)
    x = random.normal(size=(30, 2))
    data = pl.Dataset({"x": x}, np.abs(x[:, :1]))
    network = pl.Network([pl.Dense(5, "relu"), pl.Dense(1, bias=False)], inputs=2, dtype="float64")
    start = network.initialize(3)
    scaled = {**start, "dense_1/weight": start["dense_1/weight"] * 7, "dense_2/weight": start["dense_2/weight"] / 7}
    surfaces = []
    for parameters in (start, scaled):
        fitted = pl.fit(network, data, loss="squared_error", epochs=0, start_from=parameters)
        surfaces.append(landscape(fitted, data, points=5).losses)
    assert np.allclose(*surfaces, rtol=1e-9)


def test_the_path_is_thinned_and_begins_anew():
    path = TrainingPath(most=8)
    data = pl.Dataset({"x": np.ones((4, 1))}, np.ones(4))
    network = pl.Network([pl.Dense(1)], inputs=1)
    for epochs in (100, 5):
        pl.fit(network, data, loss="squared_error", epochs=epochs, on=path)
        assert len(path.points) == len(path.epochs) <= 8
        assert path.epochs[0] == 0 and path.epochs[-1] <= epochs
    assert path.epochs == [0, 1, 2, 3, 4, 5]


def test_what_cannot_be_computed_is_infinite_and_drawn(trained):
    fitted, data, _ = trained
    seen = landscape(fitted, data, points=5, span=1e38)
    assert np.isinf(seen.losses).any() or seen.losses.max() > 1e6
    figure = Figure()
    assert seen.plot(ax=figure.subplots()).figure is figure


def test_the_picture_names_its_directions(trained):
    fitted, data, path = trained
    seen = landscape(fitted, data, path=path, points=5)
    ax = seen.plot(ax=Figure().subplots())
    assert "principal component" in ax.get_xlabel()
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert any("in the plane" in label for label in labels) and any("where it ended" in label for label in labels)
    assert "data:image/png;base64," in seen._repr_html_()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"points": 1}, "points"),
        ({"points": True}, "points"),
        ({"span": -1}, "span"),
        ({"directions": "sideways"}, "directions"),
        ({"directions": "path"}, "no path"),
        ({"path": [{"a": np.ones(2)}]}, "not of this network"),
    ],
)
def test_wrong_use_is_one_clear_message(trained, options, message):
    fitted, data, _ = trained
    with pytest.raises(UsageError, match=message):
        landscape(fitted, data, **options)


def test_data_that_do_not_fit_are_told(trained):
    with pytest.raises(PellucidError):
        landscape(trained[0], pl.Dataset({"x": np.ones((3, 5))}, np.ones(3)))


def test_a_straight_path_has_no_plane(trained):
    fitted, data, _ = trained
    points = [{n: v * s for n, v in fitted.parameters.items()} for s in (0.0, 0.5, 1.0)]
    with pytest.raises(UsageError, match="does not leave a line"):
        landscape(fitted, data, path=points)
