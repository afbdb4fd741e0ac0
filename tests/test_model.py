"""Models: predictions from tables, losses and gradients of single rows, against NumPy."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from models import RNG, ROWS, TARGETS, features, forward, make
from pyarrow.csv import write_csv

import pellucid as pl
from pellucid.data.encoders import fit_encoders
from pellucid.data.roles import infer_roles
from pellucid.data.targets import fit_targets
from pellucid.data.task import infer_task
from pellucid.errors import DataError, UsageError
from pellucid.model import build_model, load_model, save_model


@pytest.mark.parametrize("task", TARGETS)
def test_predictions_are_those_of_encoders_network_and_loss(task):
    model, table, parameters, encoding = make(*TARGETS[task], dtype="float64")
    z = forward(encoding.encode(table), parameters)
    predicted = model.predict(table)
    assert list(predicted) == list(TARGETS[task][0])
    if task == "multiclass":
        p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
        np.testing.assert_allclose(model.predict_probabilities(table), p, rtol=1e-12)
        assert predicted["kind"].tolist() == [["eggs", "ham", "spam"][k] for k in z.argmax(axis=1)]
    elif task == "binary":
        p = 1 / (1 + np.exp(-z))
        np.testing.assert_allclose(model.predict_probabilities(table), np.hstack([1 - p, p]), rtol=1e-12)
        np.testing.assert_array_equal(predicted["is"], z[:, 0] > 0)
    elif task == "multilabel":
        np.testing.assert_allclose(model.predict_probabilities(table), 1 / (1 + np.exp(-z)), rtol=1e-12)
        np.testing.assert_array_equal(predicted["q"], (z[:, 1] > 0).astype(int))
    else:
        for place, (name, values) in enumerate(TARGETS[task][0].items()):
            expected = z[:, place] * values.std() + values.mean()
            np.testing.assert_allclose(predicted[name], expected, rtol=1e-12)


@pytest.mark.parametrize("task", TARGETS)
def test_a_loaded_model_predicts_the_same_bits(task, tmp_path):
    model, table, _, _ = make(*TARGETS[task], metrics={"loss": 0.25, "rmse": np.nan}, provenance={"seed": 7})
    save_model(model, tmp_path / "run" / "model")
    loaded = load_model(tmp_path / "run" / "model")
    before, after = model.compute(table), loaded.compute(table)
    assert before.keys() == after.keys()
    for name, array in before.items():
        np.testing.assert_array_equal(after[name], array)
    for name, array in model.predict(table).items():
        assert loaded.predict(table)[name].tolist() == array.tolist()
    assert (loaded.graph, loaded.front, loaded.kind, loaded.loss) == (model.graph, model.front, model.kind, model.loss)
    assert loaded.metrics == {"loss": 0.25, "rmse": None}
    assert loaded.provenance == {"pellucid": pl.__version__, "seed": 7}
    assert loaded.facts == model.facts and loaded.facts["layers"]["dense_1/weight"] == [len(model.front.features), 6]


def test_saving_twice_gives_the_same_bytes(tmp_path):
    model, *_ = make(*TARGETS["multiclass"])
    save_model(model, tmp_path / "a")
    save_model(load_model(tmp_path / "a"), tmp_path / "b")
    for name in ("model.json", "model.safetensors"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_predictions_do_not_depend_on_how_many_rows_come_at_once():
    model, _, _, _ = make(*TARGETS["regression"])
    table = pl.Table.from_columns(features(seed=3, rows=2500))
    together = model.predict(table)["u"]
    alone = np.array([model.predict(table.take([row]))["u"][0] for row in (0, 1, 1023, 1024, 2499)])
    np.testing.assert_allclose(alone, together[[0, 1, 1023, 1024, 2499]], rtol=1e-9)
    np.testing.assert_allclose(model.predict(table.take(np.arange(700)))["u"], together[:700], rtol=1e-9)


def test_a_model_predicts_what_training_saw():
    table = pl.Table.from_columns({**features(), **TARGETS["multiclass"][0]})
    task, rows = infer_task(table, "kind"), np.arange(40)
    encoding = fit_encoders(table, infer_roles(table, "kind"), task, rows)
    targets = fit_targets(table, task, rows)
    network = pl.Network([pl.Dense(5, "relu"), pl.Dropout(0.5), pl.Dense(3)], inputs=len(encoding.features))
    x = encoding.encode(table)
    data = pl.Dataset({"x": x[rows]}, targets.encode(table.take(rows)))
    fitted = pl.fit(network, data, loss="softmax_cross_entropy", epochs=3)
    model = build_model(encoding, targets, network, fitted.losses, fitted.parameters)
    np.testing.assert_allclose(model.predict_probabilities(table), fitted.predict(x), rtol=1e-5)


def test_data_may_come_in_any_form(tmp_path):
    model, table, _, _ = make(*TARGETS["multiclass"])
    columns = features()
    columns["age"] = [None if np.isnan(value) else value for value in columns["age"]]
    expected = model.predict(table)["kind"].tolist()
    frame = pa.table(columns)
    assert model.predict(frame)["kind"].tolist() == expected
    reordered = frame.select(["smoker", "color", "höhe (cm)", "age"]).append_column("more", [["?"] * ROWS])
    assert model.predict(reordered)["kind"].tolist() == expected
    write_csv(frame, tmp_path / "new.csv")
    assert model.predict(tmp_path / "new.csv")["kind"].tolist() == expected
    rows = [list(row) for row in zip(*columns.values(), strict=True)]
    assert model.predict(rows)["kind"].tolist() == expected
    with pytest.raises(DataError, match="got 3 columns, expected 4: age, höhe"):
        model.predict(np.zeros((2, 3)))


def test_a_model_made_from_arrays_takes_arrays():
    rng = np.random.default_rng(5)
    x = rng.normal(size=(30, 4))
    x[:, 1] = 3.0  # a constant column, which is not read
    table = pl.Table.from_columns({f"x{i}": x[:, i] for i in range(4)} | {"y": rng.normal(size=30)})
    task = infer_task(table, "y")
    encoding = fit_encoders(table, infer_roles(table, "y"), task)
    network = pl.Network([pl.Dense(1)], inputs=3)
    model = build_model(encoding, fit_targets(table, task), network, pl.loss("squared_error"), network.initialize())
    np.testing.assert_array_equal(model.predict(x)["y"], model.predict(table)["y"])
    np.testing.assert_array_equal(model.predict(x[:, [0, 2, 3]])["y"], model.predict(table)["y"])


def test_unseen_categories_and_missing_cells_are_predicted():
    model, _, parameters, encoding = make(*TARGETS["regression"], dtype="float64")
    new = {"age": [np.nan], "höhe (cm)": [np.nan], "color": ["violet"], "smoker": [None]}
    x = np.zeros((1, len(encoding.features)))
    x[0, encoding.features.index("age is missing")] = 1
    u = TARGETS["regression"][0]["u"]
    expected = forward(x, parameters)[0, 0] * u.std() + u.mean()
    np.testing.assert_allclose(model.predict(new)["u"], [expected], rtol=1e-13)


def test_everything_that_a_loss_says_is_in_the_targets_unit():
    target = {"u": RNG.normal(300, 20, ROWS)}
    model, table, parameters, encoding = make(target, pl.loss("gaussian_log_likelihood"), layers=2, dtype="float64")
    z = forward(encoding.encode(table), parameters)
    outputs = model.compute(table)
    np.testing.assert_allclose(
        outputs["prediction"][:, 0], z[:, 0] * target["u"].std() + target["u"].mean(), rtol=1e-12
    )
    np.testing.assert_allclose(outputs["prediction/variance"][:, 0], np.exp(z[:, 1]) * target["u"].var(), rtol=1e-12)
    model, table, _, _ = make(target, pl.losses.Quantile((0.5, 0.1, 0.9)), layers=3)
    assert set(model.compute(table)) == {"prediction", "prediction/quantile_0.1", "prediction/quantile_0.9", "output"}
    with pytest.raises(UsageError, match="no probabilities"):
        model.predict_probabilities(table)


def test_counts_and_scores():
    target = {"n": RNG.poisson(3.0, ROWS) + 0.0}
    target["n"][0] = 0.5
    with pytest.raises(UsageError, match="standardize=False"):
        make(target, pl.loss("poisson"))
    model, table, parameters, encoding = make(target, pl.loss("poisson"), standardize=False, dtype="float64")
    np.testing.assert_allclose(model.predict(table)["n"], np.exp(forward(encoding.encode(table), parameters))[:, 0])
    model, table, parameters, encoding = make(TARGETS["binary"][0], pl.loss("hinge"), dtype="float64")
    np.testing.assert_array_equal(model.predict(table)["is"], forward(encoding.encode(table), parameters)[:, 0] > 0)
    with pytest.raises(UsageError, match="no probabilities"):
        model.predict_probabilities(table)


def test_what_does_not_fit_together_is_refused():
    target, loss = TARGETS["multiclass"]
    with pytest.raises(UsageError, match="another task"):
        make(target, pl.loss("squared_error"))
    with pytest.raises(UsageError, match=r"expected \[batch, 3\]"):
        make(target, loss, layers=4)
    model, _, parameters, encoding = make(target, loss)
    wrong = pl.Network([pl.Dense(3)], inputs=5)
    with pytest.raises(UsageError, match="inputs=8"):
        build_model(encoding, model.targets, wrong, loss, wrong.initialize())
    network = pl.Network([pl.Dense(6, "tanh"), pl.Dense(3)], inputs=len(encoding.features))
    for broken, message in (
        ({"dense_1/bias": np.full(6, np.nan)}, "not finite"),
        ({"dense_1/bias": np.zeros(5)}, "wrong shape"),
    ):
        with pytest.raises(UsageError, match=message):
            build_model(encoding, model.targets, network, loss, {**parameters, **broken})
    with pytest.raises(UsageError, match="'dense_2/bias'"):
        build_model(
            encoding, model.targets, network, loss, {k: v for k, v in parameters.items() if k != "dense_2/bias"}
        )


# -- observation ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("task", TARGETS)
def test_the_loss_of_a_row_and_its_gradient(task, tmp_path):
    save_model(make(*TARGETS[task], dtype="float64")[0], tmp_path)
    model = load_model(tmp_path)
    _, table, parameters, encoding = make(*TARGETS[task], dtype="float64")
    row = 3
    graph, inputs = model.observation(table.take([row]))
    seen = pl.observe(graph, **inputs)
    z = forward(encoding.encode(table.take([row])), parameters)[0]
    y = model.targets.encode(table.take([row]))[0]
    if task == "multiclass":
        p = np.exp(z) / np.exp(z).sum()
        loss, slope = -np.log(p[y]), p - np.eye(3)[y]
    elif task == "regression":
        loss, slope = ((z - y) ** 2).sum() / 2, z - y
    else:
        p = 1 / (1 + np.exp(-z))
        loss, slope = -(y * np.log(p) + (1 - y) * np.log(1 - p)).sum(), p - y
    np.testing.assert_allclose(seen["loss"].value, loss, rtol=1e-10)
    np.testing.assert_allclose(seen["dense_2/bias"].gradient, slope, rtol=1e-9)
    np.testing.assert_allclose(seen["prediction"].value, model.compute(table.take([row]))["prediction"])


@pytest.mark.parametrize("task", TARGETS)
def test_without_a_target_gradients_are_of_the_prediction(task):
    model, _, parameters, encoding = make(*TARGETS[task], dtype="float64")
    empty = {name: [None] * ROWS for name in TARGETS[task][0]}  # not known yet
    row = pl.Table.from_columns({**features(), **empty}).take([5])
    graph, inputs = model.observation(row)
    seen = pl.observe(graph, **inputs)
    z = forward(encoding.encode(row), parameters)[0]
    if task == "regression":
        expected = model.compute(row)["prediction"].sum()
    elif task == "multiclass":
        expected = z.max() - np.log(np.exp(z).sum())
    else:
        expected = -np.log1p(np.exp(-np.abs(z))).sum()
    np.testing.assert_allclose(seen["score"].value, expected, rtol=1e-12)
    assert np.abs(seen["dense_1/weight"].gradient).max() > 0
