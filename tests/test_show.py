"""What is said of models and of tables: layers read from graphs, columns, origin; evaluation on other rows."""

import hashlib
import json

import numpy as np
import pytest
from sklearn import metrics as oracle

import pellucid as pl
from pellucid.data.encoders.fit import fit_encoders
from pellucid.data.roles import Role
from pellucid.data.tables.table import Table, read_table
from pellucid.data.targets import fit_targets
from pellucid.data.task import Task
from pellucid.errors import DataError, UsageError
from pellucid.model import build_model, load_model, save_model
from pellucid.model.network import tabular_network
from pellucid.workflow.division import Division
from pellucid.workflow.evaluate import evaluate_model
from pellucid.workflow.reports.architecture import summarize_layers, tell_sizes
from pellucid.workflow.reports.description import describe_model, view_model
from pellucid.workflow.reports.layout import as_text
from pellucid.workflow.reports.view_understanding import view_understanding
from pellucid.workflow.understanding import Understanding

ROWS = 90
RNG = np.random.default_rng(3)
KINDS = RNG.choice(["ham", "eggs", "spam"], ROWS)
FEATURES = {
    "age": np.where(RNG.random(ROWS) < 0.2, np.nan, RNG.normal(50, 9, ROWS)),
    "größe in cm": RNG.normal(170, 8, ROWS),
    "color": RNG.choice(["red", "green", "blue"], ROWS),
    "town": [f"town {number % 45}" for number in range(ROWS)],
}
TARGETS = {
    "multiclass": ({"kind": KINDS}, ("eggs", "ham", "spam"), pl.loss("softmax_cross_entropy", label_smoothing=0.1)),
    "binary": ({"ham": KINDS == "ham"}, (False, True), pl.loss("binary_cross_entropy")),
    "multilabel": (
        {"p": RNG.integers(0, 2, ROWS), "q": RNG.integers(0, 2, ROWS)},
        (0, 1),
        pl.loss("multilabel_cross_entropy"),
    ),
    "regression": ({"u": RNG.normal(1e5, 9, ROWS)}, (), pl.loss("squared_error")),
}


def make(task="multiclass", provenance=None, metrics=None, **settings):
    """Return a model with first parameters as they are drawn, and its table."""
    targets, classes, loss = TARGETS[task]
    table = Table.from_columns({**FEATURES, **targets})
    roles = [Role(name, "category" if name in ("color", "town") else "number", "") for name in FEATURES]
    told = Task(task, tuple(targets), classes, "")
    encoding, fitted = fit_encoders(table, roles, told), fit_targets(table, told)
    network = tabular_network(
        encoding, fitted.outputs, **{"hidden": (16, 8), "activation": ["gelu", "tanh"], **settings}
    )
    parameters = network.initialize(1)
    return build_model(encoding, fitted, network, loss, parameters, provenance=provenance, metrics=metrics), table


# -- layers ----------------------------------------------------------------------------------------------------------


def layers_of(body, inputs=4):
    network = pl.Network(body, inputs=inputs)
    found = summarize_layers(network.graph(), network.parameters)
    assert sum(layer.parameters for layer in found) == network.count_parameters()
    return found


def test_layers_are_read_from_the_graph():
    found = layers_of(
        [pl.Dense(8, "relu"), pl.LayerNorm(), pl.Activation("leaky_relu", alpha=0.2), pl.Dense(3, bias=False)]
    )
    assert [(one.name, one.kind, one.inputs, one.units, one.activation, one.parameters) for one in found] == [
        ("dense_1", "dense", 4, 8, "relu", 40),
        ("layer_norm_1", "layer norm", None, 8, None, 16),
        ("activation_1", "activation", None, None, "leaky_relu(alpha=0.2)", 0),
        ("dense_2", "dense", 8, 3, None, 24),
    ]
    assert tell_sizes(found) == "4 → 8 → 3"


def test_layers_in_shortcuts_and_activations_of_ones_own():
    block = pl.Shortcut([pl.Dense(6, lambda z: z * pl.sigmoid(z)), pl.Dense(4, name="back")])
    found = layers_of([block, block, pl.Dense(1)])
    assert [one.name for one in found] == ["shortcut_1/dense_1", "shortcut_1/back", "dense_1"]
    assert found[0].activation == "sigmoid + multiply"


def test_embeddings_are_tables_of_vectors():
    table = pl.Embedding(30, 5)
    found = layers_of(lambda context, x: pl.Dense(2)(context, table(context, x)), {"x": pl.int32[3]})
    assert [(one.kind, one.inputs, one.units, one.parameters) for one in found] == [
        ("embedding", 30, 5, 150),
        ("dense", 15, 2, 32),
    ]


# -- models ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("task", TARGETS)
def test_a_model_is_described_before_and_after_it_was_saved(task, tmp_path):
    model, _ = make(task, {"seed": 3}, {"test accuracy": 0.5, "test auc": float("nan")})
    told = json.loads(json.dumps(describe_model(model)))
    save_model(model, tmp_path / "model")
    assert describe_model(load_model(tmp_path / "model"))["layers"] == told["layers"]
    assert told["task"] == task and told["targets"] == list(TARGETS[task][0])
    assert told["parameters"] == sum(array.size for array in model.parameters.values())
    assert told["parameters"] == sum(layer["parameters"] for layer in told["layers"])
    assert [(layer["kind"], layer["units"]) for layer in told["layers"]] == [
        ("embedding", 13),
        ("dense", 16),
        ("dense", 8),
        ("dense", model.targets.outputs),
    ]
    assert [layer["activation"] for layer in told["layers"]] == [None, "gelu", "tanh", None]
    assert [(column["name"], column["role"]) for column in told["columns"]] == [
        ("age", "number"),
        ("größe in cm", "number"),
        ("color", "category"),
        ("town", "category"),
    ]
    assert told["metrics"] == {"test accuracy": 0.5, "test auc": None}
    assert told["provenance"]["seed"] == 3 and told["provenance"]["pellucid"] == pl.__version__
    assert told["loss"]["name"] == model.loss.name


RECORD = {
    "table": {"path": "meals.csv"},
    "outcome": {"epochs": 12, "best_epoch": 7, "reason": "patience", "seconds": 1.5, "date": "2024-05-31"},
    "versions": {"pellucid": "0.1.0", "numpy": "2.1.0"},
}


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_a_model_is_shown_in_every_terminal(width):
    rows = {"train": 62, "validation": 9, "test": 19}
    model, _ = make(
        "multiclass", {"seed": 3, "rows": rows, "table_sha256": "ab" * 32}, {"accuracy": 0.5, "log_loss": 1.25}
    )
    told = as_text(view_model(model, RECORD), width)
    assert max(map(len, told.splitlines())) <= width
    assert all(letter.isprintable() or letter == "\n" for letter in told)
    words = " ".join(told.split())
    for word in (
        "multiclass of kind",
        "eggs, ham, spam",
        "4 columns",
        "gelu",
        "tanh",
        "45 categories",
        "größe in cm",
        "50.0%",
    ):
        assert word in words
    for word in (
        "1.25",
        "softmax cross entropy",
        "0.1",
        "62 train",
        "meals.csv",
        "abababababab...",
        "2024-05-31",
        "numpy 2.1.0",
        "12 epochs",
    ):
        assert word in words


@pytest.mark.parametrize(
    ("recipe", "told"),
    [
        ({}, "Numbers are then brought smoothly between -3 and 3."),
        ({"limit": 0.0}, ""),
        ({"scaling": "none"}, ""),
        ({"limit": 0.0, "whitening": 1.0}, "Numbers are then replaced by 2 principal components of variance 1."),
        ({"limit": 2.5, "whitening": 1.0}, "brought smoothly between -2.5 and 2.5 and replaced by 2 principal"),
    ],
)
def test_what_becomes_of_all_numbers_together_is_shown(recipe, told):
    table = {"a": RNG.normal(0, 1, 60), "b": RNG.normal(0, 1, 60), "y": RNG.normal(0, 1, 60)}
    model = pl.train_table(table, "y", recipe=pl.Recipe(hidden=(2,), epochs=1, **recipe)).model
    shown = " ".join(as_text(view_model(model), 80).split())
    assert told in shown and (bool(told) == ("Numbers are then" in shown))
    assert told in describe_model(model)["numbers"]


def test_a_model_without_a_record_is_shown():
    model, _ = make("regression")
    told = as_text(view_model(model), 80)
    assert "regression of u" in told and "Metrics" not in told and pl.__version__ in told


def test_control_characters_in_names_do_not_reach_the_terminal():
    table = Table.from_columns({"a\x1b[2Jb": [1.0, 2.0, 4.0], "y\r": [1.0, 2.0, 3.0]})
    task = Task("regression", ("y\r",), (), "")
    encoding = fit_encoders(table, [Role("a\x1b[2Jb", "number", "")], task)
    network = tabular_network(encoding, 1)
    model = build_model(encoding, fit_targets(table, task), network, pl.loss("squared_error"), network.initialize(0))
    told = as_text(view_model(model, {"table": {"path": "x\x1b.csv"}}), 80)
    assert "\x1b" not in told and "\r" not in told


def test_thousands_of_columns_are_shortened():
    names = [f"x{number}" for number in range(3000)]
    table = Table.from_columns({**{name: [1.0, 2.0, 5.0] for name in names}, "y": [1.0, 2.0, 3.0]})
    task = Task("regression", ("y",), (), "")
    encoding = fit_encoders(table, [Role(name, "number", "") for name in names], task)
    network = tabular_network(encoding, 1, hidden=(2,))
    model = build_model(encoding, fit_targets(table, task), network, pl.loss("squared_error"), network.initialize(0))
    told = as_text(view_model(model), 80)
    assert len(told.splitlines()) < 150 and "2,960 more" in told
    assert len(describe_model(model)["columns"]) == 3000


# -- tables ----------------------------------------------------------------------------------------------------------


def understood(names, told="at random, classes in equal shares", **settings):
    table = Table.from_columns(
        {**{name: [1.0, 2.0, 5.0, 7.0] for name in names}, "id": [1, 2, 3, 4], "y": list("abab")}
    )
    roles = [*(Role(name, "number", "numbers from 1 to 7") for name in names), Role("id", "key", "counts the rows")]
    task = Task("binary", ("y",), ("a", "b"), "text with 2 different values")
    parts = {"train": np.arange(2), "validation": np.arange(2, 3), "test": np.arange(3, 4)}
    division = Division(parts, settings.pop("folds", ()), True, told)
    encoding = fit_encoders(table, roles, task)
    found = Understanding(table, None, tuple(roles), task, 7, "float32", division, **settings)
    return found, tabular_network(encoding, 1, hidden=(8,))


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_what_was_understood_is_shown_in_every_terminal(width):
    found, network = understood(["age", "a rather long name of a column, in cm"])
    told = as_text(view_understanding(found, network), width)
    assert max(map(len, told.splitlines())) <= width
    words = " ".join(told.split())
    for word in ("4 rows", "4 columns", "binary", "classes a, b", "seed 7", "2 → 8 → 1", "33 parameters", "2 numbers"):
        assert word in words
    for word in ("2 rows to learn from", "1 for validation", "1 for the test", "at random", "counts the rows", "key"):
        assert word in words


def test_thousands_of_columns_are_not_all_listed():
    found, network = understood([f"x{number}" for number in range(2000)])
    told = as_text(view_understanding(found, network), 80)
    assert len(told.splitlines()) < 40 and "1,988 more" in told and "2,000 numbers" in told


def test_cross_validation_and_a_test_table_are_told():
    found, network = understood(["age"], "2 folds, at random", folds=({}, {}))
    assert "cross-validation of 1 row" in " ".join(as_text(view_understanding(found, network)).split())
    found, network = understood(["age"], test=Table.from_columns({"age": [1.0], "y": ["a"]}))
    assert "Test      table: 1 row, 2 columns" in as_text(view_understanding(found, network))


# -- evaluation ------------------------------------------------------------------------------------------------------


def test_evaluation_is_of_the_rows_that_are_given():
    model, table = make("multiclass")
    some = table.take(np.arange(40, 90))
    truth = some["kind"].values.tolist()
    report = evaluate_model(model, some)
    predicted = model.predict(some)["kind"].tolist()
    assert report.metrics["accuracy"] == pytest.approx(oracle.accuracy_score(truth, predicted))
    assert report.rows == 50 and not report.fresh and "training has not seen" not in str(report)
    most = max(truth.count(kind) for kind in set(truth)) / 50
    assert report.sections[0].scores["accuracy"]["majority class"].value == pytest.approx(most)


def test_evaluation_weighs_rows_by_a_column_or_an_array():
    model, table = make("regression")
    weights = np.random.default_rng(0).choice([0.0, 1.0, 3.0], ROWS)
    weighted = Table((*table.columns, *Table.from_columns({"w": weights}).columns))
    by_name, by_array = evaluate_model(model, weighted, weight="w"), evaluate_model(model, table, weight=weights)
    assert by_name == by_array
    expected = oracle.root_mean_squared_error(table["u"].values, model.predict(table)["u"], sample_weight=weights)
    assert by_name.metrics["rmse"] == pytest.approx(expected)
    assert by_name.sections[0].scores["r2"]["mean"].value == pytest.approx(0, abs=1e-9)


def test_evaluation_knows_the_table_that_was_trained_on(tmp_path):
    path = tmp_path / "meals.csv"
    lines = [
        "age,größe in cm,color,town,ham",
        *(f"{i},{170 + i},red,town {i},{'true' if i % 3 else 'false'}" for i in range(40)),
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    model, _ = make("binary", {"table_sha256": hashlib.sha256(path.read_bytes()).hexdigest()})
    assert any("the table that the model was trained on" in note for note in evaluate_model(model, path).notes)
    other, _ = make("binary", {"table_sha256": "0" * 64})
    assert not any("trained on" in note for note in evaluate_model(other, read_table(path)).notes)


def test_evaluation_of_data_that_do_not_fit():
    model, table = make("binary")
    with pytest.raises(DataError, match="ham"):
        evaluate_model(model, table.drop(["ham"]))
    with pytest.raises(DataError, match="weights and rows differ"):
        evaluate_model(model, table, weight=[1.0, 2.0])
    with pytest.raises(DataError, match="no column 'w'"):
        evaluate_model(model, table, weight="w")
    with pytest.raises(UsageError, match="Did you mean 'accuracy'"):
        evaluate_model(model, table, metric="acuracy")
