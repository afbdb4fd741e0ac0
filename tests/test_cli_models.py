"""What is done with a model on the command line: to evaluate it, to show it, to predict with it, to look into it."""

import csv
import io
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from llvmlite import binding as llvm

import pellucid as pl
from pellucid.cli import main
from pellucid.model import load_model, save_model

ROOT = Path(__file__).resolve().parent.parent
TABLES = ROOT / "examples" / "tables"
WINE, DIABETES = str(TABLES / "wine.csv"), str(TABLES / "diabetes.csv")
SMALL = ["--epochs", "8", "--hidden", "6", "-q"]


@pytest.fixture(scope="module")
def wine(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "wine"
    assert main(["train", WINE, "--target", "cultivar", "--out", str(folder), *SMALL]) == 0
    return str(folder)


@pytest.fixture(scope="module")
def diabetes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "diabetes"
    assert main(["train", DIABETES, "--target", "progression", "--out", str(folder), *SMALL]) == 0
    return str(folder)


def run(capsys, *arguments, code=0):
    assert main(list(arguments)) == code
    return capsys.readouterr()


def told_json(capsys, *arguments):
    told, errors = run(capsys, *arguments, "--json")
    assert not errors
    return json.loads(told)


# -- evaluate --------------------------------------------------------------------------------------------------------


def test_evaluation_is_what_the_predictions_say(wine, capsys):
    found = told_json(capsys, "evaluate", wine, WINE)
    truth = pd.read_csv(WINE)["cultivar"].to_numpy()
    share = (load_model(wine).predict(WINE)["cultivar"] == truth).mean()
    scores = found["sections"][0]["scores"]["accuracy"]
    assert found["rows"] == 178 and scores["network"]["value"] == pytest.approx(share)
    told = run(capsys, "evaluate", wine, WINE).out
    assert "accuracy" in told and "majority class" in told and "confusion" in told and f"{100 * share:.1f}%" in told
    assert "linear model" not in told and "has not seen" not in told


def test_rows_of_an_evaluation_have_weights(diabetes, tmp_path, capsys):
    table = pd.read_csv(DIABETES)
    table["times"] = np.arange(len(table)) % 4
    path = tmp_path / "t.csv"
    table.to_csv(path, index=False)
    found = told_json(capsys, "evaluate", diabetes, str(path), "--weight", "times")
    error = load_model(diabetes).predict(str(path))["progression"] - table["progression"]
    rmse = np.sqrt(np.average(error**2, weights=table["times"]))
    assert found["sections"][0]["scores"]["rmse"]["network"]["value"] == pytest.approx(rmse)


def test_evaluation_needs_the_targets(wine, tmp_path, capsys):
    table = pd.read_csv(WINE)
    for name, bad in (("none", table.drop(columns="cultivar")), ("new", table.assign(cultivar="cultivar_9"))):
        path = tmp_path / f"{name}.csv"
        bad.to_csv(path, index=False)
        told, errors = run(capsys, "evaluate", wine, str(path), code=2)
        assert not told and errors.count("\n") == 1 and "cultivar" in errors
    told, errors = run(capsys, "evaluate", wine, WINE, "--weight", "alcohl", code=2)
    assert not told and "Did you mean 'alcohol'" in errors


# -- show ------------------------------------------------------------------------------------------------------------


def test_a_model_says_what_it_is(wine, capsys):
    told = run(capsys, "show", wine).out
    count = 13 * 6 + 6 + 6 * 3 + 3
    for words in ("multiclass", "cultivar_2", "alcohol", "dense_1", "accuracy", f"{count:,}", pl.__version__):
        assert words in told
    found = told_json(capsys, "show", wine)
    assert f'"{pl.__version__}"' in json.dumps(found) and str(count) in json.dumps(found)


@pytest.mark.parametrize("columns", [40, 100])
def test_the_kernels_of_a_model_are_shown_in_every_terminal(wine, capsys, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    told = run(capsys, "show", wine, "--kernels").out
    assert max(map(len, told.splitlines())) <= columns
    words = " ".join(told.split())
    for word in ("dense_1/contraction", "writes prediction", "lasting", "GFLOP/s", "of peak", "any number of rows"):
        assert word in words


def test_the_kernels_of_a_model_are_data_for_programs(wine, capsys):
    found = told_json(capsys, "show", wine, "--kernels")
    assert set(found) == {
        *("kernels", "rows", "batch", "memory", "processor", "writing_seconds", "compile_seconds", "seconds")
    }
    shapes = [kernel["shape"] for kernel in found["kernels"] if kernel["kind"] == "product"]
    assert [sorted(shape) for shape in shapes] == [[6, 13, found["rows"]], [3, 6, found["rows"]]]
    assert all(kernel["seconds"] > 0 for kernel in found["kernels"])


def test_the_training_step_of_a_model_is_built_anew(wine, diabetes, capsys):
    found = told_json(capsys, "show", wine, "--kernels", "--step")
    written = {path for kernel in found["kernels"] for path in kernel["writes"]}
    assert found["batch"] == 32 and {"loss", "new dense_1/weight", "new adam/m/dense_2/bias"} <= written
    assert "a training step of 32 rows" in run(capsys, "show", diabetes, "--kernels", "--step").out


def test_the_code_of_a_model_is_printed(wine, capsys):
    prediction, step = (run(capsys, "show", wine, "--llvm", *more).out for more in ([], ["--step"]))
    assert "; stored: prediction\n" in prediction and "@epoch(" not in prediction
    assert "; stored: new dense_1/weight\n" in step and "define void @epoch(" in step
    for code in (prediction, step):
        llvm.parse_assembly(code).verify()


def test_names_in_a_model_reach_its_code_in_comments_alone(wine, tmp_path, capsys):
    model = load_model(wine)
    name = '"y\\n}\\ndefine void @gone() {\\nret void }\\u001b[2J"'
    text = str(model.graph)
    assert "encoders/scaled" in text
    save_model(replace(model, graph=pl.parse(text.replace("encoders/scaled", name))), tmp_path / "other")
    told = run(capsys, "show", str(tmp_path / "other"), "--llvm").out
    assert "\x1b" not in told and not [line for line in told.splitlines() if "gone" in line and line.lstrip()[0] != ";"]
    assert llvm.parse_assembly(told).verify() is None
    shown = run(capsys, "show", str(tmp_path / "other"), "--kernels").out
    assert "\x1b" not in shown and "\\x1b[2J" in " ".join(shown.split())


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--kernels", "--llvm"], "do not go together"),
        (["--step"], "Give --kernels or --llvm too"),
        (["--llvm", "--json"], "Leave --json out"),
    ],
)
def test_options_of_code_that_do_not_go_together(wine, capsys, options, told):
    found, errors = run(capsys, "show", wine, *options, code=2)
    assert not found and told in errors


def test_a_training_step_needs_the_record_of_the_run(wine, tmp_path, capsys):
    folder = tmp_path / "model"
    shutil.copytree(wine, folder)
    record = (folder / "run.toml").read_text(encoding="utf-8")
    for text, told in (
        (record.replace("hidden = [6]", "hidden = [7]"), "another network"),
        (record.replace('name = "adam"', 'name = "lbfgs"').replace("dropout = 0.2", "dropout = 0.0"), "takes no steps"),
        (record.replace('name = "adam"', 'name = "adm"'), "Did you mean 'adam'"),
        (None, "no run.toml"),
    ):
        (folder / "run.toml").unlink() if text is None else (folder / "run.toml").write_text(text, encoding="utf-8")
        found, errors = run(capsys, "show", str(folder), "--llvm", "--step", code=2)
        assert not found and told in errors and errors.count("\n") == 1


# -- predict ---------------------------------------------------------------------------------------------------------


def test_predictions_are_the_same_in_every_format(wine, tmp_path, capsys):
    model, expected = load_model(wine), pd.read_csv(WINE)
    labels, shares = model.predict(WINE)["cultivar"].tolist(), model.predict_probabilities(WINE)
    names = ["cultivar", *(f"p(cultivar=cultivar_{number})" for number in (1, 2, 3))]
    parquet, lines = tmp_path / "p.parquet", tmp_path / "p.jsonl"
    run(capsys, "predict", wine, WINE, "--probabilities", "--out", str(parquet))
    run(capsys, "predict", wine, WINE, "--probabilities", "--json", "--out", str(lines))
    frames = [
        pd.read_csv(io.StringIO(run(capsys, "predict", wine, WINE, "--probabilities").out)),
        pd.read_parquet(parquet),
        pd.read_json(lines, lines=True, precise_float=True),
    ]
    for frame in frames:
        assert list(frame.columns) == names and frame["cultivar"].tolist() == labels and len(frame) == len(expected)
        np.testing.assert_allclose(frame[names[1:]].to_numpy(), shares, rtol=1e-15)


def test_many_rows_are_written_in_parts(diabetes, tmp_path, monkeypatch, capsys):
    whole = run(capsys, "predict", diabetes, DIABETES).out
    import pellucid.workflow.named_predictions as module

    monkeypatch.setattr(module, "CHUNK", 100)
    assert run(capsys, "predict", diabetes, DIABETES).out == whole
    parquet = tmp_path / "p.parquet"
    run(capsys, "predict", diabetes, DIABETES, "-o", str(parquet))
    column = [float(row["progression"]) for row in csv.DictReader(io.StringIO(whole))]
    np.testing.assert_array_equal(pd.read_parquet(parquet)["progression"], column)


def test_a_bad_cell_far_down_leaves_nothing_half_written(diabetes, tmp_path, capsys):
    table = pd.read_csv(DIABETES).astype(object)
    table.loc[400, "body_mass_index"] = "high"
    path = tmp_path / "t.csv"
    table.to_csv(path, index=False)
    told, errors = run(capsys, "predict", diabetes, str(path), code=2)
    assert not told and "t.csv:402, column 'body_mass_index'" in errors


# -- observe ---------------------------------------------------------------------------------------------------------


def test_one_node_is_told_with_its_numbers(wine, capsys):
    model, table = load_model(wine), pl.read_table(WINE).take([3])
    graph, inputs = model.observation(table)
    seen = pl.observe(graph, of="loss", **inputs)
    told = run(capsys, "observe", wine, WINE, "--row", "3", "--node", "prediction").out
    assert "prediction = softmax(output, axes=[1])" in told and seen["prediction"].formula_with_numbers in told
    assert "Its value comes from" in told and "output = " in told
    told = run(capsys, "observe", wine, WINE, "--row", "3", "--node", "dense_2/bias").out
    assert "is a part of the model" in told and "Its gradient comes from" in told
    found = told_json(capsys, "observe", wine, WINE, "--row", "3", "--node", "dense_1/weight")
    (node,) = found["nodes"]
    np.testing.assert_allclose(node["value"], seen["dense_1/weight"].value)
    np.testing.assert_allclose(node["gradient"], seen["dense_1/weight"].gradient)
    assert node["users"] == ["dense_1/contraction"] and node["inputs"] == []


def test_a_row_as_json(wine, diabetes, capsys):
    found = told_json(capsys, "observe", wine, WINE, "--row", "3")
    model, table = load_model(wine), pl.read_table(WINE).take([3])
    assert (found["row"], found["line"], found["of"]) == (3, 5, "loss")
    assert found["predicted"] == {"cultivar": model.predict(table)["cultivar"][0]}
    assert found["truth"] == {"cultivar": "cultivar_1"}
    assert sum(found["probabilities"].values()) == pytest.approx(1.0)
    features = {one["name"]: one for one in found["features"]}
    np.testing.assert_allclose([one["encoded"] for one in features.values()], model.encoding.encode(table)["x"][0])
    assert {"prediction", "loss", "dense_1/bias"} <= {node["path"] for node in found["nodes"]}
    found = told_json(capsys, "observe", diabetes, DIABETES, "--row", "0")
    assert found["probabilities"] == {} and found["truth"] == {"progression": 151.0}


@pytest.mark.parametrize(
    ("path", "words"),
    [("dense_1/weigt", "Did you mean 'dense_1/weight'"), ("dense_2", "In it are: "), ("", "there is no node")],
)
def test_a_wrong_path_names_the_nearest_node(wine, capsys, path, words):
    told, errors = run(capsys, "observe", wine, WINE, "--row", "0", "--node", path, code=2)
    assert not told and errors.count("\n") == 1 and words in errors


def test_one_number_is_explained(wine, capsys):
    told = run(capsys, "observe", wine, WINE, "--row", "3", "--node", "d loss / d dense_1/weight[3, 2]").out
    assert told.startswith("d loss / d dense_1/weight[3, 2] = ") and "the activation here" in told
    assert "Strongest paths to loss" in told and "they agree" in told
    found = told_json(capsys, "observe", wine, WINE, "--row", "3", "--node", "dense_1/gelu[0, -1]")
    assert found["nodes"] == [] and found["explanation"]["address"] == "dense_1/gelu[0, 5]"
    model, table = load_model(wine), pl.read_table(WINE).take([3])
    graph, inputs = model.observation(table)
    assert found["explanation"]["number"] == pl.observe(graph, of="loss", **inputs)["dense_1/gelu"].value[0, 5]


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("dense_1/gelu[0, 6]", "--node, dense_1/gelu[0, 6], axis 1: an index outside its axis"),
        ("d loss / d dense_1/weight", "which of its 78 numbers? The index is missing"),
        ("d loss / d dense_1/weigt[0, 0]", "Did you mean 'dense_1/weight'"),
        ("update of dense_1/weight[0, 0]", "nothing is updated"),
    ],
)
def test_a_wrong_address_is_told_in_one_line(wine, capsys, address, words):
    told, errors = run(capsys, "observe", wine, WINE, "--row", "0", "--node", address, code=2)
    assert not told and errors.count("\n") == 1 and words in errors


def test_a_network_of_many_units_is_drawn_too(wine, tmp_path, capsys):
    picture = tmp_path / "row.svg"
    told = run(capsys, "observe", wine, WINE, "--row", "0", "--node", "loss", "--draw", str(picture)).out
    assert f"Drawn to {picture}" in told and "dense_1" in picture.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["table.csv", "./table.csv", "link.csv"])
def test_the_table_that_is_read_is_not_written_over(wine, tmp_path, monkeypatch, capsys, name):
    monkeypatch.chdir(tmp_path)
    table = Path("table.csv")
    table.write_bytes(Path(WINE).read_bytes())
    Path("link.csv").hardlink_to(table)
    assert main(["predict", wine, "table.csv", "--out", name]) == 2
    assert f"--out {name}: this is the table that is read" in capsys.readouterr().err
    assert table.read_bytes() == Path(WINE).read_bytes()


@pytest.mark.parametrize(
    "command", ["train - -t y", "init - -t y", "predict {} -", "evaluate {} -", "observe {} - --row 0"]
)
def test_a_table_does_not_come_from_the_standard_input(wine, capsys, command):
    assert main(command.format(wine).split()) == 2
    assert "TABLE: a table is read from a file" in capsys.readouterr().err


def test_embedded_categories_are_told_with_the_features(tmp_path, capsys):
    rows = "".join(f"city {row % 40},{row % 7},{row % 5}\n" for row in range(200))
    table, model = tmp_path / "cities.csv", str(tmp_path / "model")
    table.write_text(f"city,a,y\n{rows}", encoding="utf-8")
    run(capsys, "train", str(table), "-t", "y", "--task", "regression", "--out", model, *SMALL)
    told = run(capsys, "observe", model, str(table), "--row", "3").out
    assert re.search(r"city +city 3 +embedded", told) and "Features, those with the largest gradients" in told
    assert told_json(capsys, "observe", model, str(table), "--row", "3")["embedded"] == {"city": "city 3"}


def test_an_evaluation_says_that_the_training_weighed_rows(tmp_path, capsys):
    table, model = tmp_path / "weighed.csv", str(tmp_path / "model")
    table.write_text("a,w,y\n" + "".join(f"{row % 7},{row % 3},{row % 5}.5\n" for row in range(90)), encoding="utf-8")
    run(capsys, "train", str(table), "-t", "y", "--weight", "w", "--out", model, *SMALL)
    alike, weighed = (told_json(capsys, "evaluate", model, str(table), *more) for more in ([], ["--weight", "w"]))
    note = "In the training, rows counted by the column 'w'; here they count alike. --weight uses it."
    assert note in alike["notes"] and not alike["weighted"]
    assert note not in weighed["notes"] and weighed["weighted"]
    table.write_text(table.read_text(encoding="utf-8").replace("w", "v"), encoding="utf-8")
    assert note not in told_json(capsys, "evaluate", model, str(table))["notes"]
    assert re.search(r"^Weights +w$", run(capsys, "show", model).out, re.MULTILINE)


JSON_KEYS = {
    "evaluate": {"task", "rows", "sections", "notes", "fresh", "weighted"},
    "observe": {
        *("table", "row", "line", "predicted", "truth", "probabilities", "of", "loss", "features", "embedded"),
        *("nodes", "drawing"),
    },
    "show": {
        *("task", "targets", "classes", "threshold", "labels", "prediction", "parameters", "layers", "output"),
        *("features", "columns", "numbers", "loss", "metrics", "provenance"),
    },
}


@pytest.mark.parametrize("command", JSON_KEYS)
def test_programs_can_rely_on_the_keys(wine, capsys, command):
    more = {"evaluate": [WINE], "observe": [WINE, "--row", "0"], "show": []}[command]
    assert set(told_json(capsys, command, wine, *more)) == JSON_KEYS[command]


def test_of_many_classes_the_most_frequent_confusions_are_told(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    rng = np.random.default_rng(0)
    rows = "".join(f"{row % 40 + rng.normal():.3f},class {row % 40}\n" for row in range(800))
    table, model = tmp_path / "many.csv", str(tmp_path / "model")
    table.write_text(f"a,kind\n{rows}", encoding="utf-8")
    run(capsys, "train", str(table), "-t", "kind", "--task", "multiclass", "--out", model, *SMALL)
    told = run(capsys, "evaluate", model, str(table)).out.partition("most frequent confusions\n")[2]
    predicted = load_model(model).predict(str(table))["kind"]
    pairs = pd.Series(list(zip(pd.read_csv(table)["kind"], predicted, strict=True))).value_counts()
    top = next((pair, count) for pair, count in pairs.items() if pair[0] != pair[1])
    assert int(told.split()[0]) == top[1] and len(told.partition("\n\n")[0].splitlines()) == 10
