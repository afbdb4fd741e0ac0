"""The network for a table: layers as they were asked for, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from models import make_rich
from scipy.special import erf

import pellucid as pl
from pellucid.data.encoders.fit import fit_encoders, fit_encoders_of_matrix
from pellucid.data.encoders.settings import EncoderSettings
from pellucid.data.roles import Role
from pellucid.data.task import Task
from pellucid.errors import UsageError
from pellucid.model.network import tabular_network

X = np.random.default_rng(2).normal(size=(20, 3))
ENCODING = fit_encoders_of_matrix(X, EncoderSettings(limit=0.0), "float64")


def run(network, parameters, **inputs):
    batch = len(next(iter(inputs.values())))
    return pl.compile(network.graph(batch=batch))(**inputs, **parameters)["output"]


def dense(value, parameters, path):
    return value @ parameters[f"{path}/weight"] + parameters[f"{path}/bias"]


def gelu(z):
    return z * (1 + erf(z / np.sqrt(2))) / 2


def test_plain_layers():
    network = tabular_network(ENCODING, 2, hidden=(5, 4), activation=["tanh", "relu"])
    parameters, x = network.initialize(1), ENCODING.encode_matrix(X)["x"]
    hidden = np.maximum(dense(np.tanh(dense(x, parameters, "dense_1")), parameters, "dense_2"), 0)
    np.testing.assert_allclose(run(network, parameters, x=x), dense(hidden, parameters, "dense_3"), rtol=1e-12)
    assert network.settings == {"dropout_1/rate": 0.2, "dropout_2/rate": 0.2}
    assert tabular_network(ENCODING, 2, dropout=0).settings == {}


def test_no_hidden_layer_is_a_linear_model():
    for shortcuts in (False, True):
        network = tabular_network(ENCODING, 2, hidden=(), shortcuts=shortcuts)
        parameters = network.initialize()
        assert {path: tuple(array.shape) for path, array in parameters.items()} == {
            "dense_1/weight": (3, 2),
            "dense_1/bias": (2,),
        }
        np.testing.assert_allclose(run(network, parameters, x=X), dense(X, parameters, "dense_1"), rtol=1e-12)


def test_with_shortcuts_every_layer_sees_the_input():
    network = tabular_network(ENCODING, 2, hidden=(4, 4), shortcuts=True, dropout=0.0)
    parameters = {path.removeprefix("input_to_all_1/"): array for path, array in network.initialize(1).items()}
    value = gelu(dense(X, parameters, "dense_1"))
    value = gelu(dense(np.hstack([value, X]), parameters, "dense_2"))
    expected = dense(np.hstack([value, X]), parameters, "dense_3")
    np.testing.assert_allclose(run(network, network.initialize(1), x=X), expected, rtol=1e-10)


def test_layer_norm_is_before_the_activation():
    network = tabular_network(ENCODING, 1, hidden=(6,), layer_norm=True, activation="relu")
    parameters = network.initialize(1)
    z = dense(X, parameters, "dense_1")
    normal = (z - z.mean(axis=1, keepdims=True)) / np.sqrt(z.var(axis=1, keepdims=True) + 1e-5)
    np.testing.assert_allclose(
        run(network, parameters, x=X), dense(np.maximum(normal, 0), parameters, "dense_2"), rtol=1e-10
    )
    plain = tabular_network(ENCODING, 1, hidden=(6,), activation="relu").initialize(1)
    np.testing.assert_array_equal(parameters["dense_1/weight"], plain["dense_1/weight"])  # as suits the activation


def test_initializer_and_dtype():
    network = tabular_network(ENCODING, 1, hidden=(6,), initializer=0.25, dtype="float32")
    assert {str(array.dtype) for array in network.initialize().values()} == {"float32"}
    weights = [array for path, array in network.initialize().items() if path.endswith("weight")]
    assert all((weight == 0.25).all() for weight in weights)


def test_categories_are_embedded_and_unseen_ones_are_zero():
    _, _, encoding, parameters = make_rich(hidden=())
    network = tabular_network(encoding, 1, hidden=())
    assert network.inputs["index"] == pl.int32[1]
    x = np.zeros((3, len(encoding.features)), np.float32)
    index = np.array([[4], [-1], [0]], np.int32)
    vectors = parameters["embedding_1/weight"][[4, 0, 0]] * np.array([[1], [0], [1]])
    expected = dense(np.hstack([x, vectors]), parameters, "dense_1")
    np.testing.assert_allclose(run(network, parameters, x=x, index=index), expected, rtol=1e-6)


def test_a_network_of_embeddings_only():
    table = pl.Table.from_columns({"c": ["a", "b", "c", "a"], "d": ["u", "v", "w", "u"]})
    task = Task("regression", ("y",), (), "for the tests")
    settings = EncoderSettings(one_hot=1, embedding_units=2)
    encoding = fit_encoders(table, [Role("c", "category", ""), Role("d", "category", "")], task, settings=settings)
    network = tabular_network(encoding, 1, hidden=(), dtype="float64")
    parameters = network.initialize(1)
    encoded = encoding.encode(table)
    vectors = [parameters[f"embedding_{column}/weight"][encoded["index"][:, column - 1]] for column in (1, 2)]
    np.testing.assert_allclose(
        run(network, parameters, **encoded), dense(np.hstack(vectors), parameters, "dense_1"), rtol=1e-12
    )


def test_a_network_of_everything_learns():
    _, table, encoding, _ = make_rich()
    y = (table["city"].values == "city 07") + 0.3 * table["smoker"].values
    data = pl.Dataset(encoding.encode(table), y[:, np.newaxis].astype(float))
    network = tabular_network(encoding, 1, hidden=(8,), shortcuts=True, layer_norm=True, dropout=0.0)
    fitted = pl.fit(network, data, loss="squared_error", epochs=150)
    assert fitted.history[-1]["loss"] < 0.1 * fitted.history[0]["loss"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"hidden": (3, 4), "activation": ["relu"]}, "not one activation for each hidden layer: got 1 for 2 layers"),
        ({"activation": "rleu"}, "Did you mean 'relu'"),
        ({"dropout": 1.0}, "not a dropout rate"),
        ({"hidden": (0,)}, "units"),
    ],
)
def test_settings_that_do_not_fit_are_refused(settings, message):
    with pytest.raises(UsageError, match=message):
        tabular_network(ENCODING, 1, **settings)
