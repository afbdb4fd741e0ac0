"""Examples observed on their way through trained networks and models, against the same by hand."""

from __future__ import annotations

import numpy as np
import pytest
from models import ROWS, make
from scipy import sparse

import pellucid as pl
from pellucid.errors import DataError, GraphError, PellucidError, UsageError

RNG = np.random.default_rng(11)
X, T = RNG.normal(size=(20, 3)), RNG.normal(size=(20, 2))


@pytest.fixture(scope="module")
def fitted():
    network = pl.Network([pl.Dense(4, "tanh"), pl.Dropout(0.5), pl.Dense(2)], inputs=3, dtype="float64")
    return pl.fit(network, pl.Dataset({"x": X}, T), loss="squared_error", epochs=2, executor="interpret")


def by_hand(fitted, x, t, weights):
    p = fitted.parameters
    h = np.tanh(x @ p["dense_1/weight"] + p["dense_1/bias"])
    y = h @ p["dense_2/weight"] + p["dense_2/bias"]
    dy = (y - t) * (weights / weights.sum())[:, None]
    dz = dy @ p["dense_2/weight"].T * (1 - h**2)
    loss = np.sum(weights / weights.sum() * np.sum((y - t) ** 2, axis=1) / 2)
    values = {"dense_1/tanh": h, "output": y, "prediction": y, "loss": loss}
    gradients = {"output": dy, "dense_1/pre_activation": dz, "x": dz @ p["dense_1/weight"].T}
    gradients |= {"dense_1/weight": x.T @ dz, "dense_2/weight": h.T @ dy, "dense_2/bias": dy.sum(axis=0)}
    return values, gradients


@pytest.mark.parametrize("rows", [[3], 7, [4, 4, 0], slice(5, 9), None, np.arange(20) % 7 == 2])
@pytest.mark.parametrize("weights", [None, np.linspace(0.5, 2, 20)])
def test_values_and_gradients_of_a_fit_are_those_by_hand(fitted, rows, weights):
    seen = pl.observe(fitted, pl.Dataset({"x": X}, T, weights), rows=rows)
    chosen = np.atleast_1d(np.arange(20)[slice(None) if rows is None else rows])
    own = np.ones(len(chosen)) if weights is None else weights[chosen]
    values, gradients = by_hand(fitted, X[chosen], T[chosen], own)
    assert seen.rows.tolist() == chosen.tolist() and seen.of == "loss" and seen.step is None
    for path, expected in values.items():
        np.testing.assert_allclose(seen.value(path), expected, rtol=1e-12, atol=1e-14)
    for path, expected in gradients.items():
        np.testing.assert_allclose(seen.gradient(path), expected, rtol=1e-11, atol=1e-14)
        np.testing.assert_array_equal(seen[f"d loss / d {path}"].value, seen.gradient(path))
    assert ("row_weight" in seen) == (weights is not None and len(set(own)) > 1)


def test_without_targets_there_are_values_only(fitted):
    for data in (X, {"x": X}, pl.Dataset({"x": X})):
        seen = pl.observe(fitted, data, rows=[1, 2])
        np.testing.assert_allclose(seen.value("prediction"), fitted.predict(X[1:3]), rtol=1e-12)
        assert seen.of is None and all(node.gradient is None for node in seen)
    with pytest.raises(GraphError, match="no scalar to differentiate"):
        seen.gradient("x")


def test_float32_stays_float32():
    network = pl.Network([pl.LayerNorm(), pl.Dense(2, "gelu"), pl.Dense(1)], inputs=3)
    fitted = pl.fit(network, pl.Dataset({"x": X}, T[:, :1]), loss="huber", epochs=1, executor="interpret")
    seen = pl.observe(fitted, pl.Dataset({"x": X}, T[:, :1]))
    floats = [node for node in seen if node.node.type.dtype.is_float]
    assert {np.asarray(node.value).dtype.name for node in floats} == {"float32"}
    assert {np.asarray(node.gradient).dtype.name for node in floats if node.gradient is not None} == {"float32"}


def test_several_inputs_and_outputs_embeddings_and_sparse_matrices():
    def body(context, x, category):
        vectors = pl.Embedding(4, 2, name="table")(context, category)
        hidden = pl.Dense(3, "relu", name="hidden")(context, x) + pl.Dense(3, name="of")(context, vectors)
        return {"size": pl.Dense(1, name="size")(context, hidden), "kind": pl.Dense(3, name="kind")(context, hidden)}

    network = pl.Network(body, inputs={"x": 3, "category": pl.int32[1]}, dtype="float64")
    x = sparse.csr_matrix(np.where(X > 0, X, 0.0))
    targets = {"size": T[:, :1], "kind": RNG.integers(0, 3, 20)}
    category = RNG.integers(0, 4, (20, 1))
    data = pl.Dataset({"x": x, "category": category}, targets)
    losses = {"size": "squared_error", "kind": "softmax_cross_entropy"}
    fitted = pl.fit(network, data, loss=losses, epochs=1, executor="interpret")
    seen = pl.observe(fitted, data, rows=[2, 5])
    np.testing.assert_allclose(seen.value("loss"), fitted.evaluate(data.take([2, 5]))["loss"], rtol=1e-12)
    kind = seen.value("prediction/kind")
    np.testing.assert_allclose(
        seen.gradient("kind"), (kind - np.eye(3)[targets["kind"][[2, 5]]]) / 2, rtol=1e-10, atol=1e-14
    )
    unused = np.setdiff1d(np.arange(4), category[[2, 5], 0])
    assert not seen.gradient("table/weight")[unused].any() and seen.gradient("table/weight").any()


def test_a_model_is_observed_from_the_cells_on():
    ages = RNG.uniform(20, 60, ROWS)
    model, table, *_ = make({"y": ages * 2}, {"output": pl.loss("squared_error")}, dtype="float64")
    seen = pl.observe(model, table, rows=[4, 9])
    np.testing.assert_allclose(seen.value("prediction")[:, 0], model.predict(table)["y"][[4, 9]], rtol=1e-12)
    assert seen.of == "loss" and seen.rows.tolist() == [4, 9]
    assert any(node.path.startswith("encoders/") for node in seen)
    error = (model.predict(table)["y"] - ages * 2)[[4, 9]] / np.std(ages * 2)
    np.testing.assert_allclose(seen.value("loss"), np.mean(error**2) / 2, rtol=1e-9)
    np.testing.assert_allclose(seen.gradient("dense_2/bias"), [np.mean(error)], rtol=1e-9)
    unknown = pl.observe(model, table.drop(["y"]), rows=0)
    assert unknown.of == "score" and "loss" not in unknown and len(unknown.value("prediction")) == 1
    whole = pl.observe(model, table.take([7]))
    assert whole.value("loss") == pl.observe(model, table, rows=7).value("loss")


def test_summaries_tell_what_is_saturated():
    network = pl.Network([pl.Dense(3, "sigmoid"), pl.Dense(4, "relu"), pl.Dense(1)], inputs=3, dtype="float64")
    start = network.initialize()
    start["dense_1/bias"][:] = [20.0, 0.0, -20.0]
    start["dense_2/bias"][0] = -90.0
    data = pl.Dataset({"x": X}, T[:, :1])
    fitted = pl.fit(network, data, loss="squared_error", epochs=0, start_from=start)
    seen = pl.observe(fitted, data)
    assert seen["dense_1/sigmoid"].summary.saturated == 2 / 3
    relu = seen["dense_2/relu"]
    assert relu.summary.zeros == np.mean(relu.value == 0) >= 1 / 4 and relu.summary.saturated == 0
    assert relu.gradient_summary.size == 80 and seen["dense_1/pre_activation"].summary.saturated == 0
    assert "67 % saturated" in str(seen) and "67 % saturated" in seen._repr_html_()


@pytest.mark.parametrize(
    ("call", "error", "told"),
    [
        (lambda fit, data: pl.observe(fit), UsageError, "no examples"),
        (lambda fit, data: pl.observe(fit, data, rows=[20]), GraphError, "0 to 19"),
        (lambda fit, data: pl.observe(fit, data, rows=[-1]), GraphError, "no such row"),
        (lambda fit, data: pl.observe(fit, data, rows=[]), UsageError, "no examples"),
        (lambda fit, data: pl.observe(fit, data, rows=[0.5]), GraphError, "whole numbers"),
        (lambda fit, data: pl.observe(fit, pl.Dataset({"y": X}, T)), DataError, "missing 'x'"),
        (lambda fit, data: pl.observe(fit, data, of="los"), GraphError, "Did you mean"),
        (lambda fit, data: pl.observe(fit, data, x=1.0), UsageError, "dataset or a table"),
        (lambda fit, data: pl.observe(3), UsageError, "nothing to observe"),
        (lambda fit, data: pl.observe(lambda x: x, data, x=1.0), UsageError, "by name"),
        (lambda fit, data: pl.observe(fit, data)["dense_1/tan"], GraphError, "dense_1/tanh"),
        (lambda fit, data: pl.observe(fit, data).update("dense_1/weight"), GraphError, "no step of a training"),
        (lambda fit, data: pl.observe(fit, data).gradient("prediction/x"), GraphError, "no node"),
    ],
)
def test_mistakes_are_told(fitted, call, error, told):
    with pytest.raises(error, match=told) as caught:
        call(fitted, pl.Dataset({"x": X}, T))
    assert isinstance(caught.value, PellucidError)


def test_a_function_may_have_inputs_called_as_the_options_are():
    assert pl.observe(lambda rows, x: pl.sum(rows * x), rows=[1.0, 2.0], x=3.0)["value"].value == 9.0


def test_derivatives_by_name_of_any_scalar():
    def f(x, y):
        part = pl.sum(x * x)
        return {"main": part * y, "side": pl.exp(y)}

    seen = pl.observe(f, of="main", x=[1.0, 2.0], y=3.0)
    np.testing.assert_array_equal(seen["d part / d x"].value, [2.0, 4.0])
    assert seen["d side / d y"].value == np.exp(3.0) and "d side / d y" in seen and "d x / d y" not in seen
    np.testing.assert_array_equal(seen["d main / d x"].value, seen["x"].gradient)
