"""Models: predictions from tables, losses and gradients of single rows, against NumPy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from models import RNG, ROWS, TARGETS, features, forward, make, make_rich, rich_table
from pyarrow.csv import write_csv
from scipy import sparse

import pellucid as pl
from pellucid.data.encoders.fit import fit_encoders, fit_encoders_of_matrix
from pellucid.data.roles import Role, infer_roles
from pellucid.data.targets import fit_targets
from pellucid.data.task import infer_task
from pellucid.errors import DataError, UsageError
from pellucid.model import build_model, load_model, save_model
from pellucid.model.network import tabular_network


@pytest.mark.parametrize("task", TARGETS)
def test_predictions_are_those_of_encoders_network_and_loss(task):
    model, table, parameters, encoding = make(*TARGETS[task], dtype="float64")
    z = forward(encoding.encode(table)["x"], parameters)
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
    network = pl.Network([pl.Dense(5, "relu"), pl.Dropout(0.5), pl.Dense(3)], inputs=encoding.inputs)
    x = encoding.encode(table)["x"]
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
    z = forward(encoding.encode(table)["x"], parameters)
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
    np.testing.assert_allclose(
        model.predict(table)["n"], np.exp(forward(encoding.encode(table)["x"], parameters))[:, 0]
    )
    model, table, parameters, encoding = make(TARGETS["binary"][0], pl.loss("hinge"), dtype="float64")
    np.testing.assert_array_equal(
        model.predict(table)["is"], forward(encoding.encode(table)["x"], parameters)[:, 0] > 0
    )
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
    with pytest.raises(UsageError, match=r"inputs=\{'x': 8\}"):
        build_model(encoding, model.targets, wrong, loss, wrong.initialize())
    network = pl.Network([pl.Dense(6, "tanh"), pl.Dense(3)], inputs=encoding.inputs)
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


# -- tables of everything, matrices, old models ---------------------------------------------------------------------

SETTINGS = [{}, {"scaling": "quantile"}, {"scaling": "robust", "whitening": 0.9}, {"scaling": "none"}]


@pytest.mark.parametrize("settings", SETTINGS)
def test_models_of_every_role_predict_the_same_after_saving(settings, tmp_path):
    model, table, encoding, parameters = make_rich(dtype="float64", **settings)
    encoded = encoding.encode(table)
    index, table_of_cities = encoded["index"][:, 0], parameters["embedding_1/weight"]
    inputs = np.column_stack([encoded["x"], np.where(index[:, np.newaxis] >= 0, table_of_cities[index], 0.0)])
    z = forward(inputs, parameters)[:, 0]
    y = table["y"].values
    np.testing.assert_allclose(model.predict(table)["y"], z * y.std() + y.mean(), rtol=1e-12)
    save_model(model, tmp_path)
    loaded = load_model(tmp_path)
    new = rich_table(seed=9, rows=2500)
    np.testing.assert_array_equal(loaded.predict(new)["y"], model.predict(new)["y"])
    assert (loaded.front, loaded.encoder_settings) == (model.front, model.encoder_settings)
    assert loaded.encoding.features == encoding.features and loaded.encoding.dtype == encoding.dtype
    for name, array in encoding.encode(new).items():
        np.testing.assert_array_equal(loaded.encoding.encode(new)[name], array)
    row = table.take([3])
    graph, given = loaded.observation(row)
    seen = pl.observe(graph, **given)
    np.testing.assert_allclose(seen["loss"].value, ((z[3] - (y[3] - y.mean()) / y.std()) ** 2) / 2, rtol=1e-9)


def test_unseen_and_missing_cells_of_every_role_are_predicted():
    model, table, encoding, parameters = make_rich(dtype="float64")
    new = {name: [None] for name in table.names if name != "y"} | {"city": ["Atlantis"], "comment": ["unheard of"]}
    x = np.zeros((1, len(encoding.features)))
    x[0, [encoding.features.index(f"{name} is missing") for name in ("age", "joined")]] = 1
    z = forward(np.hstack([x, np.zeros((1, 3))]), parameters)[0, 0]
    y = table["y"].values
    np.testing.assert_allclose(model.predict(new)["y"], [z * y.std() + y.mean()], rtol=1e-12)


def test_cells_are_read_in_parts(monkeypatch):
    model, _, _, _ = make_rich()
    table = rich_table(seed=4, rows=3000)
    whole = model.predict(table)["y"]
    monkeypatch.setattr("pellucid.data.encoders.encoding.READ_NUMBERS", 1)
    np.testing.assert_array_equal(model.predict(table)["y"], whole)


def matrix_model(columns=5):
    x = RNG.normal(size=(80, columns)) * (RNG.random((80, columns)) < 0.5)
    y = pl.Table.from_columns({"y": RNG.normal(size=80)})
    encoding = fit_encoders_of_matrix(x)
    network = tabular_network(encoding, 1, hidden=(4,))
    targets = fit_targets(y, infer_task(y, "y"))
    return build_model(encoding, targets, network, pl.loss("squared_error"), network.initialize()), x


def test_matrices_are_predicted_dense_and_sparse():
    model, x = matrix_model()
    expected = model.predict(pl.Table.from_arrays(x))["y"]
    for kind in (
        np.asarray,
        np.asfortranarray,
        sparse.csr_matrix,
        sparse.coo_array,
        sparse.csc_matrix,
        np.ndarray.tolist,
    ):
        np.testing.assert_array_equal(model.predict(kind(x))["y"], expected)
    np.testing.assert_array_equal(model.compute(sparse.csr_matrix(x))["prediction"][:, 0], expected)
    whole = np.arange(10).reshape(2, 5)
    np.testing.assert_array_equal(model.predict(whole)["y"], model.predict(whole.astype(float))["y"])
    gaps = np.where(x == 0, np.nan, x)
    np.testing.assert_array_equal(model.predict(gaps)["y"], model.predict(pl.Table.from_arrays(gaps))["y"])


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_matrix, pl.Table.from_arrays])
def test_infinite_cells_far_down_are_named(kind):
    model, _ = matrix_model()
    wild = np.ones((20_000, 5))
    wild[17_654, 3] = np.inf
    with pytest.raises(DataError, match="row 17655, column 'x3': a number is infinite: got inf"):
        model.predict(kind(wild))


def test_matrices_of_another_shape_are_refused():
    model, _ = matrix_model()
    with pytest.raises(DataError, match="got 3 columns, expected 5: x0, x1"):
        model.predict(sparse.csr_matrix((4, 3)))
    with pytest.raises(DataError, match="at least one row"):
        model.predict(np.zeros((0, 5)))
    rich, *_ = make_rich()
    with pytest.raises(UsageError, match="column 'joined' of role date"):
        rich.predict(sparse.csr_matrix((4, 5)))


def test_labels_in_one_cell_come_back_joined(tmp_path):
    cells = ["red;blue", "", "blue", None, "green;red", "green"] * 5
    table = pl.Table.from_columns({"x": np.arange(30.0), "tags": cells})
    task = infer_task(table, "tags", separator=";")
    encoding, targets = fit_encoders(table, [Role("x", "number", "")], task), fit_targets(table, task)
    assert targets.labels == ("blue", "green", "red") and targets.outputs == 3
    network = pl.Network([pl.Dense(3)], inputs=encoding.inputs)
    parameters = {"dense_1/weight": np.array([[5.0, 0.0, -5.0]]), "dense_1/bias": np.array([0.0, -1.0, 0.0])}
    save_model(build_model(encoding, targets, network, pl.loss("multilabel_cross_entropy"), parameters), tmp_path)
    model = load_model(tmp_path)
    assert (model.targets.labels, model.targets.separator) == (targets.labels, ";")
    assert model.predict({"x": [0.0, 29.0, 14.5]})["tags"].tolist() == ["red", "blue", ""]
    assert model.predict_probabilities({"x": [14.5]}).shape == (1, 3)
    graph, given = model.observation(table.take([1]))  # a row of no labels has a loss too
    z = pl.observe(graph, **given)["output"].value[0]
    np.testing.assert_allclose(pl.observe(graph, **given)["loss"].value, np.log1p(np.exp(z)).sum(), rtol=1e-5)


def test_a_model_of_schema_1_predicts_as_it_did(tmp_path):
    model = load_model(Path(__file__).parent / "data" / "model_schema_1")
    columns = features()
    table = pl.Table.from_columns(columns)
    scaled = [(columns[name] - np.nanmean(columns[name])) / np.nanstd(columns[name]) for name in ("age", "höhe (cm)")]
    gaps = np.isnan(columns["age"])
    colors = [columns["color"] == color for color in ("blue", "green", "red")]
    x = np.column_stack(
        [np.where(gaps, 0.0, scaled[0]), scaled[1], gaps, *colors, ~columns["smoker"], columns["smoker"]]
    )
    np.testing.assert_allclose(model.encoding.encode(table)["x"], x, rtol=1e-12, atol=1e-14)
    names = ["age", "höhe (cm)", "age is missing", "color=blue", "color=green", "color=red", "smoker=False"]
    assert model.encoding.features == (*names, "smoker=True")
    target = TARGETS["regression"][0]["u"]
    expected = forward(x, model.parameters)[:, 0] * target.std() + target.mean()
    np.testing.assert_allclose(model.predict(table)["u"], expected, rtol=1e-12)
    assert model.metrics == {"loss": 0.5}
    graph, given = model.observation(table.take([2]))
    np.testing.assert_allclose(pl.observe(graph, **given)["prediction"].value[0, 0], expected[2], rtol=1e-12)
    save_model(model, tmp_path)  # as one of today
    np.testing.assert_array_equal(load_model(tmp_path).predict(table)["u"], model.predict(table)["u"])


# -- observation ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("task", TARGETS)
def test_the_loss_of_a_row_and_its_gradient(task, tmp_path):
    save_model(make(*TARGETS[task], dtype="float64")[0], tmp_path)
    model = load_model(tmp_path)
    _, table, parameters, encoding = make(*TARGETS[task], dtype="float64")
    row = 3
    graph, inputs = model.observation(table.take([row]))
    seen = pl.observe(graph, **inputs)
    z = forward(encoding.encode(table.take([row]))["x"], parameters)[0]
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
    z = forward(encoding.encode(row)["x"], parameters)[0]
    if task == "regression":
        expected = model.compute(row)["prediction"].sum()
    elif task == "multiclass":
        expected = z.max() - np.log(np.exp(z).sum())
    else:
        expected = -np.log1p(np.exp(-np.abs(z))).sum()
    np.testing.assert_allclose(seen["score"].value, expected, rtol=1e-12)
    assert np.abs(seen["dense_1/weight"].gradient).max() > 0
