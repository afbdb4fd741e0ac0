"""What is recorded of layers, against the same by hand in NumPy, for every shape of network."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import sparse

import pellucid as pl
from pellucid.inspection.layers import LayerRecords, observe_layers
from pellucid.nn.losses import loss_names
from pellucid.training.evaluate import as_arrays

RNG = np.random.default_rng(5)


def record(network, dataset, parameters=None, loss="squared_error", **options) -> LayerRecords:
    losses = {name: pl.loss(loss[name] if isinstance(loss, dict) else loss) for name in network.outputs}
    parameters = network.initialize(seed=3) if parameters is None else parameters
    return observe_layers(network, losses, parameters, as_arrays(network, losses, dataset), **options)


def data(features, outputs=1, rows=7, weights=None) -> pl.Dataset:
    return pl.Dataset({"x": RNG.normal(size=(rows, features))}, RNG.normal(size=(rows, outputs)), weights)


def rms(array) -> float:
    return float(np.sqrt(np.mean(np.square(array))))


def check(summary, expected) -> None:
    assert summary.size == expected.size
    found = summary.mean, summary.spread, summary.least, summary.greatest, summary.rms
    np.testing.assert_allclose(
        found, [expected.mean(), expected.std(), expected.min(), expected.max(), rms(expected)], rtol=1e-10, atol=1e-14
    )
    assert summary.zeros == np.mean(expected == 0)


@pytest.mark.parametrize("weights", [None, np.array([1.0, 0.0, 2.0, 0.5, 1.0, 0.0, 3.0])])
def test_two_layers_are_those_computed_by_hand(weights):
    network = pl.Network([pl.Dense(6, "relu"), pl.Dropout(0.5), pl.Dense(2)], inputs=3, dtype="float64")
    p = network.initialize(seed=1)
    p["dense_1/bias"][:] = [-50.0, 0.3, 0.0, 0.1, -0.2, -50.0]
    dataset = data(3, 2, weights=weights)
    seen = record(network, dataset, p)

    w = np.ones(7) if weights is None else weights
    x, t = dataset.inputs["x"][w > 0], dataset.targets[w > 0]
    w = w[w > 0]
    z = x @ p["dense_1/weight"] + p["dense_1/bias"]
    h = np.maximum(z, 0)
    y = h @ p["dense_2/weight"] + p["dense_2/bias"]
    dy = y - t
    dz = dy @ p["dense_2/weight"].T * (z > 0)
    share = (w / w.sum())[:, None]
    first, second = seen.layers
    assert (first.name, first.activation, second.name, second.activation) == ("dense_1", "relu", "dense_2", "")
    check(first.output, h)
    check(second.output, y)
    check(first.gradient, dz)
    check(second.gradient, dy)
    check(first.weight, p["dense_1/weight"])
    check(first.weight_gradient, x.T @ (share * dz))
    check(second.weight_gradient, h.T @ (share * dy))
    assert seen.loss == pytest.approx(np.sum(share[:, 0] * np.sum(dy**2, axis=1) / 2), rel=1e-12)
    assert first.dead == np.mean((h == 0).all(axis=0)) >= 2 / 6
    assert (first.stuck, second.dead, second.stuck, first.output.saturated) == (0, 0, 0, 0)
    assert math.isnan(first.update_ratio)


def test_saturated_and_stuck_units_are_told():
    network = pl.Network([pl.Dense(4, "tanh"), pl.Dense(3, "sigmoid"), pl.Dense(1)], inputs=2, dtype="float64")
    p = network.initialize(seed=1)
    p["dense_1/bias"][:] = [9.0, -9.0, 0.0, 0.0]
    p["dense_1/weight"][:, 3] *= 50
    p["dense_2/bias"][0] = -800.0  # so far down that the sigmoid is exactly 0
    dataset = data(2)
    first, second, _ = record(network, dataset, p).layers
    h = np.tanh(dataset.inputs["x"] @ p["dense_1/weight"] + p["dense_1/bias"])
    flat = 1 - h**2 < 1e-3
    assert first.output.saturated == flat.mean()
    assert first.stuck == flat.all(axis=0).mean() >= 0.5
    assert (second.dead, second.stuck, second.output.zeros) == (1 / 3, 1 / 3, 1 / 3)


def test_a_user_function_as_activation_and_normalization_before_it():
    def swish(value):
        return value * pl.sigmoid(2 * value)

    body = [pl.Dense(5), pl.LayerNorm(epsilon=0.0), pl.Activation(swish), pl.Dense(1, swish)]
    network = pl.Network(body, inputs=3, dtype="float64")
    p = network.initialize(seed=2)
    p["layer_norm_1/gain"][:] = [1.0, 2.0, 0.5, -1.0, 3.0]
    dataset = data(3)
    first, second = record(network, dataset, p).layers
    z = dataset.inputs["x"] @ p["dense_1/weight"]
    n = (z - z.mean(1, keepdims=True)) / z.std(1, keepdims=True) * p["layer_norm_1/gain"]
    h = n / (1 + np.exp(-2 * n))
    check(first.output, h)
    v = h @ p["dense_2/weight"]
    s = 1 / (1 + np.exp(-2 * v))
    dv = (v * s - dataset.targets) * (s + 2 * v * s * (1 - s))
    check(second.gradient, dv)
    sn = 1 / (1 + np.exp(-2 * n))
    check(first.gradient, dv @ p["dense_2/weight"].T * (sn + 2 * n * sn * (1 - sn)))


def test_a_shared_layer_is_recorded_at_each_use():
    shared = pl.Dense(3, "tanh")
    network = pl.Network([shared, shared, pl.Dense(1)], inputs=3, dtype="float64")
    p = network.initialize(seed=4)
    dataset = data(3)
    seen = record(network, dataset, p)
    assert [layer.name for layer in seen.layers] == ["dense_1", "dense_1 (use 2)", "dense_2"]
    once = np.tanh(dataset.inputs["x"] @ p["dense_1/weight"])
    twice = np.tanh(once @ p["dense_1/weight"])
    check(seen["dense_1"].output, once)
    check(seen["dense_1 (use 2)"].output, twice)
    dy = twice @ p["dense_2/weight"] - dataset.targets
    d2 = dy @ p["dense_2/weight"].T * (1 - twice**2)
    d1 = d2 @ p["dense_1/weight"].T * (1 - once**2)
    check(seen["dense_1"].gradient, d1)
    whole = (dataset.inputs["x"].T @ d1 + once.T @ d2) / 7
    check(seen["dense_1"].weight_gradient, whole)
    assert seen["dense_1"].weight_gradient == seen["dense_1 (use 2)"].weight_gradient


def test_shortcuts_leave_the_layers_inside_as_they_are():
    block = [pl.Dense(4, "relu"), pl.Dense(3)]
    network = pl.Network([pl.Shortcut(block), pl.ConcatenateShortcut(pl.Dense(2, "tanh")), pl.Dense(1)], inputs=3)
    dataset = data(3)
    p = network.initialize(seed=4)
    seen = record(network, dataset, p)
    names = ["shortcut_1/dense_1", "shortcut_1/dense_2", "concatenate_shortcut_1/dense_1", "dense_1"]
    assert [layer.name for layer in seen.layers] == names
    assert [layer.activation for layer in seen.layers] == ["relu", "", "tanh", ""]
    x = dataset.inputs["x"].astype(np.float32)
    inner = np.maximum(x @ p[names[0] + "/weight"], 0) @ p[names[1] + "/weight"]
    assert seen[names[1]].output.rms == pytest.approx(rms(inner), rel=1e-5)
    outer = np.tanh((x + inner) @ p[names[2] + "/weight"])
    assert seen[names[2]].output.rms == pytest.approx(rms(outer), rel=1e-5)


def test_products_that_are_added_before_one_activation():
    def body(context, x, y):
        total = pl.Dense(4, name="of_x")(context, x) + pl.Dense(4, bias=False, name="of_y")(context, y)
        return pl.Dense(1, name="last")(context, pl.relu(total))

    network = pl.Network(body, inputs={"x": 2, "y": 3}, dtype="float64")
    p = network.initialize(seed=1)
    x, y = RNG.normal(size=(6, 2)), RNG.normal(size=(6, 3))
    seen = record(network, pl.Dataset({"x": x, "y": y}, np.ones((6, 1))), p)
    h = np.maximum(x @ p["of_x/weight"] + y @ p["of_y/weight"], 0)
    assert [layer.activation for layer in seen.layers] == ["relu", "relu", ""]
    check(seen["of_x"].output, h)
    check(seen["of_y"].output, h)


def test_several_outputs_embeddings_and_tied_weights():
    def body(context, x, category):
        with context.scope("own"):
            matrix = context.parameter("weight", (3, 4), pl.initializers.GlorotUniform(), fan_in=3, fan_out=4)
        vectors = pl.Embedding(5, 3, name="table")(context, category)
        code = pl.tanh(pl.contraction(x + vectors, matrix, labels="bi,io->bo"))
        back = pl.contraction(code, pl.transpose(matrix), labels="bi,io->bo")
        return {"copy": back, "kind": pl.Dense(2, name="kind")(context, code)}

    network = pl.Network(body, inputs={"x": 3, "category": pl.int32[1]}, dtype="float64")
    p = network.initialize(seed=6)
    x, category = RNG.normal(size=(8, 3)), RNG.integers(0, 5, size=(8, 1))
    kind = RNG.integers(0, 2, size=8)
    dataset = pl.Dataset({"x": x, "category": category}, {"copy": x, "kind": kind})
    seen = record(network, dataset, p, {"copy": "squared_error", "kind": "softmax_cross_entropy"})
    assert [layer.name for layer in seen.layers] == ["own", "own (use 2)", "kind"]
    code = np.tanh((x + p["table/weight"][category[:, 0]]) @ p["own/weight"])
    check(seen["own"].output, code)
    check(seen["own (use 2)"].output, code @ p["own/weight"].T)
    logits = code @ p["kind/weight"]
    chance = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    check(seen["kind"].gradient, chance - np.eye(2)[kind])


def test_units_with_activations_side_by_side_and_masks():
    edges = [(0, 2), (1, 2), (0, 3), (1, 4), (2, 5), (3, 5), (4, 5)]
    units = pl.Units(2, edges, ["tanh", "relu", "tanh", "identity"])
    network = pl.Network([units], inputs=2, dtype="float64")
    p = network.initialize(seed=1)
    dataset = data(2)
    first, last = record(network, dataset, p).layers
    z = dataset.inputs["x"] @ p["units_1/level_1/weight"] + p["units_1/level_1/bias"]
    check(first.output, np.column_stack([np.tanh(z[:, 0]), np.tanh(z[:, 1]), np.maximum(z[:, 2], 0)]))
    assert (first.activation, last.activation) == ("tanh, relu", "")
    assert first.weight.zeros == 2 / 6 and first.weight_gradient.zeros >= 2 / 6
    assert last.weight.size == 5 and last.weight.zeros == 2 / 5


def test_other_forms_of_products():
    def body(context, x):
        weight = context.parameter("weight", (3, 4), pl.initializers.GlorotUniform(), fan_in=3, fan_out=4)
        parts = pl.reshape(pl.contraction(x, weight, labels="bi,io->bo"), (x.shape[0], 2, 2))
        return pl.Dense(1)(context, pl.max(parts, axis=2))  # maxout

    network = pl.Network(body, inputs=3, dtype="float64")
    p = network.initialize(seed=1)
    dataset = data(3)
    first, _ = record(network, dataset, p).layers
    z = (dataset.inputs["x"] @ p["weight"]).reshape(7, 2, 2)
    assert (first.name, first.activation) == ("weight", "max")
    check(first.output, z.max(axis=2))


FORMS = {
    "a vector": ((3,), "bi,i->b", lambda x, w: x @ w),
    "the weight first": ((4, 3), "oi,bi->bo", lambda x, w: x @ w.T),
    "examples last": ((3, 4), "bi,io->ob", lambda x, w: (x @ w).T),
    "several axes": ((3, 2, 2), "bi,ijk->bjk", lambda x, w: np.einsum("bi,ijk->bjk", x, w)),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_product(form):
    shape, labels, compute = FORMS[form]

    def body(context, x):
        with context.scope("own"):
            weight = context.parameter("weight", shape, pl.initializers.GlorotUniform(), fan_in=3, fan_out=4)
        operands = (weight, x) if labels.startswith("oi") else (x, weight)
        h = pl.tanh(pl.contraction(*operands, labels=labels))
        h = pl.transpose(h) if labels.endswith("ob") else pl.reshape(h, (x.shape[0], int(np.prod(h.shape[1:]))))
        return pl.Dense(1, name="last")(context, h)

    network = pl.Network(body, inputs=3, dtype="float64")
    p = {path: RNG.normal(size=value.shape) for path, value in network.initialize().items()}
    dataset = data(3, rows=5, weights=np.array([1.0, 2.0, 0.0, 4.0, 1.0]))
    used = [0, 1, 3, 4]
    x = dataset.inputs["x"][used]
    first, last = record(network, dataset, p).layers
    h = np.tanh(compute(x, p["own/weight"]))
    check(first.output, h)
    rows = h.T if form == "examples last" else h.reshape(4, -1)
    dy = rows @ p["last/weight"] + p["last/bias"] - dataset.targets[used]
    check(last.gradient, dy)
    check(first.gradient, dy @ p["last/weight"].T * (1 - rows**2))


@pytest.mark.parametrize("loss", loss_names())
def test_every_loss(loss):
    task = pl.loss(loss).task
    outputs = {"gaussian_log_likelihood": 2, "multiclass": 3}.get(loss, {"multiclass": 3, "binary": 1}.get(task, 1))
    network = pl.Network([pl.Dense(4, "relu"), pl.Dense(outputs)], inputs=3, dtype="float64")
    drawn = {"multiclass": RNG.integers(0, 3, 7), "binary": RNG.integers(0, 2, (7, 1))}
    targets = drawn.get(task, np.abs(RNG.normal(size=(7, 1))) if task == "regression" else RNG.integers(0, 2, (7, 1)))
    seen = record(network, pl.Dataset({"x": RNG.normal(size=(7, 3))}, targets), loss=loss)
    assert np.isfinite(seen.loss) and seen["dense_2"].gradient.not_finite == 0 and seen["dense_2"].gradient.rms > 0


def test_a_network_without_products_has_no_layers():
    network = pl.Network([pl.Activation("tanh")], inputs=2)
    assert record(network, data(2, 2)).layers == ()


def test_update_ratio_and_sparse_inputs():
    network = pl.Network([pl.Dense(1)], inputs=4, dtype="float64")
    p = network.initialize(seed=1)
    earlier = {path: value + 0.25 for path, value in p.items()}
    x = np.where(RNG.random((9, 4)) < 0.5, 0.0, RNG.normal(size=(9, 4)))
    targets = RNG.normal(size=(9, 1))
    (layer,) = record(network, pl.Dataset({"x": sparse.csr_matrix(x)}, targets), p, before=earlier).layers
    assert layer.update_ratio == pytest.approx(0.25 / rms(p["dense_1/weight"]))
    assert layer == record(network, pl.Dataset({"x": x}, targets), p, before=earlier).layers[0]


def test_records_are_shown_as_tables():
    network = pl.Network([pl.Dense(6, "relu", name="a<b"), pl.Dense(1)], inputs=3)
    seen = record(network, data(3), epoch=2, step=40)
    assert str(seen).splitlines()[0].startswith("epoch 2, step 40, loss ")
    assert "a&lt;b" in seen._repr_html_() and "a<b" not in seen._repr_html_()
