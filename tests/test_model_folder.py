"""Model folders: whole or not there, and never believed."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
from models import TARGETS, make, make_rich

import pellucid as pl
from pellucid.errors import ModelError, UsageError
from pellucid.model import folder as model_folder
from pellucid.model import load_model, save_model


@pytest.fixture
def saved(tmp_path):
    model, table, _, _ = make(*TARGETS["multiclass"])
    save_model(model, tmp_path / "m")
    return tmp_path / "m", model, table


def test_other_files_stay_and_nothing_unfinished_is_left(tmp_path):
    (tmp_path / "history.jsonl").write_text("{}\n")
    first, *_ = make(*TARGETS["multiclass"], seed=1)
    second, table, *_ = make(*TARGETS["multiclass"], seed=2)
    save_model(first, tmp_path)
    save_model(second, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["history.jsonl", "model.json", "model.safetensors"]
    np.testing.assert_array_equal(
        load_model(tmp_path).compute(table)["prediction"], second.compute(table)["prediction"]
    )


def test_a_crash_leaves_a_whole_model_or_none(saved, monkeypatch):
    folder, model, table = saved
    other, *_ = make(*TARGETS["multiclass"], seed=99)
    real, calls = os.replace, []
    for stop_at in (0, 1):
        calls.clear()

        def replace(source, target, stop_at=stop_at):
            if len(calls) == stop_at:
                raise KeyboardInterrupt
            calls.append(target)
            real(source, target)

        monkeypatch.setattr(model_folder.os, "replace", replace)
        with pytest.raises(KeyboardInterrupt):
            save_model(other, folder)
        monkeypatch.setattr(model_folder.os, "replace", real)
        with pytest.raises(ModelError, match="no model in this folder"):
            load_model(folder)
        save_model(model, folder)
        assert sorted(path.name for path in folder.iterdir()) == ["model.json", "model.safetensors"]

    def full(path, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(model_folder, "_write", full)
    with pytest.raises(ModelError, match="No space left"):
        save_model(other, folder)
    np.testing.assert_array_equal(load_model(folder).compute(table)["prediction"], model.compute(table)["prediction"])
    with pytest.raises(ModelError, match="No space left"):
        save_model(other, folder.parent / "new")
    assert not (folder.parent / "new").exists()


def test_a_model_that_could_not_be_read_again_is_not_written(saved, tmp_path):
    _, model, _ = saved
    with pytest.raises(ModelError, match=r"too large to be read again"):
        save_model(dataclasses.replace(model, provenance={"notes": "x" * 2**26}), tmp_path / "large")
    assert not (tmp_path / "large").exists()


def test_folders_without_a_model_are_told(saved, tmp_path):
    folder, model, _ = saved
    with pytest.raises(ModelError, match="there is no such folder"):
        load_model(tmp_path / "none")
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelError, match=r"no model in this folder: no model\.safetensors"):
        load_model(folder)
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelError, match="cannot be written"):
        save_model(model, tmp_path / "file" / "m")


def test_arrays_of_another_model_are_refused(saved):
    folder, *_ = saved
    save_model(make(*TARGETS["multiclass"], seed=5)[0], folder.parent / "other")
    os.replace(folder.parent / "other" / "model.safetensors", folder / "model.safetensors")
    with pytest.raises(ModelError, match=r"model\.safetensors: the file is damaged, or belongs to another"):
        load_model(folder)


def harmless(folder, model, table):
    """Load a folder that was tampered with: it is refused, or predicts as the model did."""
    try:
        loaded = load_model(folder)
    except ModelError as error:
        assert len(str(error)) < 800
        return False
    assert loaded.predict(table)["kind"].tolist() == model.predict(table)["kind"].tolist()
    np.testing.assert_array_equal(loaded.compute(table)["prediction"], model.compute(table)["prediction"])
    return True


def mutate(content, rng):
    content = bytearray(content)
    for _ in range(int(rng.integers(1, 4))):
        at = int(rng.integers(0, len(content)))
        what = rng.integers(0, 4)
        if what == 0:
            content[at] ^= 1 << int(rng.integers(0, 8))
        elif what == 1:
            content[at] = int(rng.integers(0, 256))
        elif what == 2:
            del content[at : at + int(rng.integers(1, 40))]
        else:
            content[at:at] = content[at : at + int(rng.integers(1, 40))]
        if not content:
            break
    return bytes(content)


def sign(fields, folder):
    """Put the digests right, as one who forges a model would."""
    fields = {key: value for key, value in fields.items() if key != "digest"}
    tensors = (folder / "model.safetensors").read_bytes()
    if "arrays" in fields:
        fields["arrays"] = hashlib.sha256(tensors).hexdigest()
    plain = json.dumps(fields, sort_keys=True, separators=(",", ":"))
    return {**fields, "digest": hashlib.sha256(plain.encode()).hexdigest()}


def forge(folder, change):
    fields = json.loads((folder / "model.json").read_text("utf-8"))
    change(fields)
    (folder / "model.json").write_text(json.dumps(sign(fields, folder)), "utf-8")


def test_random_damage_to_a_graph_with_right_digests_never_breaks_out(saved):
    folder, _, table = saved
    whole = json.loads((folder / "model.json").read_text("utf-8"))
    rng = np.random.default_rng(2)
    for _ in range(300):
        fields = dict(whole)
        text = "\n".join(whole["graph"]).encode()
        fields["graph"] = mutate(text, rng).decode("utf-8", "replace").split("\n")
        (folder / "model.json").write_text(json.dumps(sign(fields, folder)), "utf-8")
        try:
            loaded = load_model(folder)
        except ModelError:
            continue
        with contextlib.suppress(pl.PellucidError):
            loaded.predict(table)


def test_random_values_in_a_record_with_right_digests_never_break_out(saved):
    folder, _, table = saved
    whole = (folder / "model.json").read_text("utf-8")
    rng = np.random.default_rng(3)
    junk = [None, True, -1, 0, 2**70, 1.5, "", "x", [], {}, [[]], ["a"], {"a": 1}, [0, 1], [1, "1"], 10**300, "\ud800"]
    for _ in range(300):
        fields = json.loads(whole)
        at = fields
        while True:  # walk down to anywhere
            keys = list(at) if isinstance(at, dict) else list(range(len(at)))
            key = keys[int(rng.integers(len(keys)))]
            if not isinstance(at[key], dict | list) or not at[key] or rng.random() < 0.2:
                break
            at = at[key]
        at[key] = junk[int(rng.integers(len(junk)))]
        (folder / "model.json").write_text(json.dumps(sign(fields, folder)), "utf-8")
        try:
            loaded = load_model(folder)
        except ModelError:
            continue
        with contextlib.suppress(pl.PellucidError):  # such as a column that the table does not have
            loaded.predict(table)


def deep(levels):
    nested = []
    for _ in range(levels):
        nested = [nested]
    return nested


def edit_graph(old, new):
    def change(fields):
        text = "\n".join(fields["graph"])
        assert old in text
        fields["graph"] = text.replace(old, new).split("\n")

    return change


def put(*path, value):
    def change(fields):
        for key in path[:-1]:
            fields = fields[key]
        fields[path[-1]] = value

    return change


FORGERIES = {
    "schema of the future": (put("schema", value=3), "newer Pellucid.*Update"),
    "schema of no time": (put("schema", value=0), "no such version"),
    "schema of the wrong kind": (put("schema", value="1"), "'schema' is of the wrong kind"),
    "truth as a number": (put("schema", value=True), "'schema' is of the wrong kind"),
    "no graph": (lambda fields: fields.pop("graph"), "'graph' is missing"),
    "graph of numbers": (put("graph", value=[1, 2]), "'graph' is of the wrong kind"),
    "graph of no lines": (put("graph", value=[]), "cannot be read"),
    "too many lines": (put("graph", value=["input x: float64[2]"] * 20_001), "too long"),
    "unknown operation": (edit_graph("= tanh(", "= system("), "no operation is called 'system'"),
    "file in a graph": (edit_graph("= tanh(dense_1/pre_activation)", '= load("/etc/passwd")'), "cannot be read"),
    "deep constant": (edit_graph("-1000000.0", "[" * 3000 + "]" * 3000), "nested too deeply"),
    "another input": (edit_graph("input dense_1/bias", "input dense_9/bias"), "cannot be read"),
    "huge axis": (edit_graph("axes batch=1", "axes batch=4294967296"), "cannot be read"),
    "large axis": (edit_graph("axes batch=1", "axes batch=2000000"), None),
    "another axis": (edit_graph("axes batch=1", "axes batch=1, other=2"), None),
    "axis renamed": (edit_graph("batch", "rows"), "does not fit the model"),
    "no prediction": (edit_graph("output prediction = ", "output other = "), "no output prediction"),
    "no output": (edit_graph("output output = ", "output other = "), "no output output"),
    "prediction of another shape": (
        edit_graph("output prediction = prediction", "output prediction = x"),
        r"\[batch, 3\]",
    ),
    "prediction for no rows": (
        edit_graph("output prediction = prediction", "output prediction = constant"),
        "floats, a row",
    ),
    "column too few": (lambda fields: fields["columns"].pop(0), "input numbers"),
    "no columns": (put("columns", value=[]), "or there is none"),
    "columns of no kind": (put("columns", value=[3]), "a column is of the wrong kind"),
    "column twice": (lambda fields: fields["columns"].append(fields["columns"][0]), "stands twice"),
    "role of no kind": (put("columns", 0, "role", value="secret"), "no such role"),
    "name of no kind": (put("columns", 0, "name", value=None), "'name' is of the wrong kind"),
    "category twice": (put("columns", 2, "categories", value=["red"] * 3), "stand twice"),
    "mixed categories": (put("columns", 2, "categories", value=["red", 1, None]), "mixed"),
    "categories of categories": (put("columns", 2, "categories", value=[["red"], ["blue"]]), "mixed"),
    "huge category": (put("columns", 2, "categories", value=[1, 2, 10**400]), "too large a number"),
    "no such task": (put("targets", "task", value="clustering"), "no such task"),
    "other task": (put("targets", "task", value="regression"), "do not fit the task"),
    "too few classes": (put("targets", "classes", value=["a"]), "do not fit the task"),
    "other number of classes": (put("targets", "classes", value=["a", "b"]), r"expected \[batch, 2\]"),
    "standardized classes": (put("targets", "standardized", value=True), "do not fit the task"),
    "names of no kind": (put("targets", "names", value=[1]), "targets are missing"),
    "loss of no kind": (put("loss", value="softmax"), "'loss' is of the wrong kind"),
    "metric of no kind": (put("metrics", value={"loss": "low"}), "no number"),
    "deep facts": (put("network", value={"deep": deep(400)}), None),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_forged_records_are_refused(saved, name):
    folder, model, table = saved
    change, message = FORGERIES[name]
    forge(folder, change)
    if message is None:  # not a lie about the model: it predicts what it did
        assert harmless(folder, model, table)
        return
    with pytest.raises(ModelError, match=message) as error:
        load_model(folder)
    assert str(folder / "model.json") in str(error.value)


RICH_SETTINGS = {"scaling": "quantile", "whitening": 0.9}


@pytest.fixture
def rich(tmp_path):
    """A folder of a model with a column of every role (age, joined, city, smoker, comment), whitened quantiles."""
    model, table, _, _ = make_rich(**RICH_SETTINGS)
    save_model(model, tmp_path / "rich")
    return tmp_path / "rich", model, table


RICH_FORGERIES = {
    "no settings": (lambda fields: fields.pop("encoders"), "'encoders' is missing"),
    "settings of no kind": (put("encoders", value=[]), "'encoders' is of the wrong kind"),
    "unknown setting": (put("encoders", "code", value="import os"), "other settings"),
    "setting too few": (lambda fields: fields["encoders"].pop("limit"), "other settings"),
    "no such scaling": (put("encoders", "scaling", value="magic"), "there is no scaling"),
    "scaling of no kind": (put("encoders", "scaling", value=["none"]), "there is no scaling"),
    "other scaling": (put("encoders", "scaling", value="robust"), "input encoders/center: none"),
    "no whitening": (put("encoders", "whitening", value=-1), "'encoders': out of range"),
    "words of no number": (put("encoders", "words", value=1.5), "not a count"),
    "huge number of words": (put("encoders", "words", value=10**18), "not a count"),
    "role of a date": (put("columns", 0, "role", value="date"), "'times' is missing"),
    "date without times": (put("columns", 1, "times", value=False), r"input cycles: float64\[batch=1, 6\]"),
    "times of no kind": (put("columns", 1, "times", value=1), "'times' is of the wrong kind"),
    "order of no kind": (put("columns", 1, "day_first", value="yes"), "no such order of day and month"),
    "order as a number": (put("columns", 1, "day_first", value=1), "no such order of day and month"),
    "no embedding": (lambda fields: fields["columns"][2].pop("embedding"), "'embedding' is missing"),
    "embedding of no size": (put("columns", 2, "embedding", value=-3), "'embedding' is no size"),
    "huge embedding": (put("columns", 2, "embedding", value=2**70), "'embedding' is no size"),
    "embedding of truth": (put("columns", 2, "embedding", value=True), "'embedding' is of the wrong kind"),
    "no words": (put("columns", 4, "words", value=[]), "words are missing"),
    "words of no kind": (put("columns", 4, "words", value=[1, 2, 3, 4]), "words are missing"),
    "word twice": (put("columns", 4, "words", value=["a", "b", "c", "a"]), "stand twice"),
    "long word": (put("columns", 4, "words", value=["a", "b", "c", "d" * 65]), "words of no such length"),
    "empty word": (put("columns", 4, "words", value=["a", "b", "c", ""]), "words of no such length"),
    "word too many": (put("columns", 4, "words", value=list("abcde")), r"expected float32\[batch=1, 6\]"),
    "counted of no kind": (put("columns", 4, "counted", value="no"), "'counted' is of the wrong kind"),
    "column too few": (lambda fields: fields["columns"].pop(0), "input numbers"),
    "old role": (put("schema", value=1), "has no such role"),
    "labels of no kind": (put("targets", "labels", value="y"), "'labels' is of the wrong kind"),
    "other labels": (put("targets", "labels", value=["z"]), "do not fit the task"),
    "no labels": (put("targets", "labels", value=[]), "labels are missing"),
    "separator of numbers": (put("targets", "separator", value=";"), "'separator' is of the wrong kind"),
    "separator of no kind": (put("targets", "separator", value=7), "'separator' is of the wrong kind"),
}


@pytest.mark.parametrize("name", RICH_FORGERIES)
def test_forged_encoders_are_refused(rich, name):
    folder, *_ = rich
    change, message = RICH_FORGERIES[name]
    forge(folder, change)
    with pytest.raises(ModelError, match=message) as error:
        load_model(folder)
    assert str(folder / "model.json") in str(error.value)


def replaced_statistic(model, fields, name, shape):
    """Arrays and a graph that agree with each other, where a statistic has another shape; the old one goes on as t."""
    from safetensors.numpy import save

    arrays = {path: np.array(array) for path, array in model.arrays.items()}
    lines = list(fields["graph"])
    if name in arrays:
        arrays["t"] = arrays[name]
        lines = [re.sub(re.escape(name) + r"(?![\w/])", "t", line) for line in lines]
    arrays[name] = np.zeros(shape)
    at = next(place for place, line in enumerate(lines) if line.startswith("input "))
    lines.insert(at, f"input {name}: float64[{', '.join(map(str, shape))}]")
    return save(arrays), {**fields, "graph": lines}


@pytest.mark.parametrize(
    ("name", "shape", "expected"),
    [
        ("encoders/knots", (2, 65), "2, 64"),
        ("encoders/levels", (2, 3), "2, "),
        ("encoders/levels", (0,), "2, "),
        ("encoders/whitening", (2, 9), "2, 2"),
        ("encoders/whitening", (2, 0), "2, 1"),
        ("encoders/whitening_mean", (1,), "2"),
        ("encoders/factor", (3,), "2"),
    ],
)
def test_statistics_that_do_not_fit_the_columns_are_refused(rich, name, shape, expected):
    folder, model, _ = rich
    fields = json.loads((folder / "model.json").read_text("utf-8"))
    tensors, fields = replaced_statistic(model, fields, name, shape)
    (folder / "model.safetensors").write_bytes(tensors)
    (folder / "model.json").write_text(json.dumps(sign(fields, folder)), "utf-8")
    with pytest.raises(ModelError, match=rf"got input {name}: float64\[.*expected float64\[{expected}"):
        load_model(folder)


@pytest.mark.parametrize("seed", range(2))
def test_random_values_in_a_record_of_every_role_never_break_out(rich, seed):
    folder, _, table = rich
    whole = (folder / "model.json").read_text("utf-8")
    rng = np.random.default_rng(seed)
    junk = [None, True, -1, 0, 3, 2**70, 1.5, "", "x", [], {}, ["a"], {"a": 1}, [1, "1"], 10**300, "\ud800"]
    for _ in range(60):
        fields = json.loads(whole)
        at = fields[["columns", "encoders", "targets"][int(rng.integers(3))]]
        while True:
            keys = list(at) if isinstance(at, dict) else list(range(len(at)))
            key = keys[int(rng.integers(len(keys)))]
            if not isinstance(at[key], dict | list) or not at[key] or rng.random() < 0.2:
                break
            at = at[key]
        at[key] = junk[int(rng.integers(len(junk)))]
        (folder / "model.json").write_text(json.dumps(sign(fields, folder)), "utf-8")
        try:
            loaded = load_model(folder)
        except ModelError:
            continue
        with contextlib.suppress(pl.PellucidError):
            loaded.predict(table)
            loaded.encoding.encode(table)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{",
        "{}",
        '{"schema": NaN}',
        '{"schema": 1e999}',
        '{"schema": ' + "9" * 5000 + "}",
        "[" * 100_000 + "]" * 100_000,
        '{"schema": 1, "digest": "x", "deep": ' + "[" * 50_000 + "]" * 50_000 + "}",
        "\ufeff{}",
        '{"schema": 1, "columns": "\\ud800"}',
    ],
    ids=range(12),
)
def test_any_text_is_refused(saved, text):
    folder, *_ = saved
    (folder / "model.json").write_text(text, "utf-8")
    with pytest.raises(ModelError):
        load_model(folder)


def test_a_large_record_is_not_read(saved):
    folder, *_ = saved
    with open(folder / "model.json", "r+b") as file:
        file.truncate(2**33)
    with pytest.raises(ModelError, match="too large"):
        load_model(folder)


def test_a_graph_that_would_fill_the_memory_is_refused(saved):
    folder, *_ = saved
    lines = ["huge: float32[1, 2000000000] = broadcast(constant_9, shape=[1, 2000000000])"]

    def change(fields):
        at = next(i for i, line in enumerate(fields["graph"]) if line.startswith("prediction:"))
        fields["graph"][at:at] = [
            "constant_9: float32[] = 0.0",
            *lines,
            "sum_9: float32[1] = sum(huge, axes=[1], keepdims=False)",
            "more: float32[batch, 3] = add(output, sum_9)",
        ]
        fields["graph"] = [line.replace("softmax(output", "softmax(more") for line in fields["graph"]]

    forge(folder, change)
    with pytest.raises(ModelError, match="numbers to be computed for a row"):
        load_model(folder)


def head(entries):
    text = json.dumps(entries).encode()
    return len(text).to_bytes(8, "little") + text


def hostile_tensors(saved):
    """Files of arrays by what is wrong with them."""
    from safetensors.numpy import save

    _, model, _ = saved
    arrays = {name: np.array(array) for name, array in model.arrays.items()}
    bias = "dense_1/bias"
    yield "extra", save({**arrays, "more": np.zeros(2)}), "does not fit"
    yield "missing", save({name: array for name, array in arrays.items() if name != bias}), "does not fit"
    yield "dtype", save({**arrays, bias: arrays[bias].astype(np.float64)}), "does not fit"
    yield "shape", save({**arrays, bias: np.zeros((6, 1), np.float32)}), "does not fit"
    yield "nan", save({**arrays, bias: np.full(6, np.nan, np.float32)}), "not finite"
    yield "infinite", save({**arrays, "encoders/scale": np.full(2, np.inf)}), "not finite"
    huge = {bias: {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}}
    yield "huge", head(huge) + b"\0" * 64, "damaged"
    yield "overflow", head({bias: {"dtype": "F32", "shape": [2**62, 8], "data_offsets": [0, 0]}}), "damaged"
    yield "negative", head({bias: {"dtype": "F32", "shape": [-6], "data_offsets": [0, 24]}}) + b"\0" * 24, "damaged"
    yield "nan size", b"\x10" + b"\0" * 7 + b'{"a":NaN}       ', "damaged"
    yield "long head", (2**63).to_bytes(8, "little") + b"{}", "damaged"
    yield "deep head", head(deep(500)), "damaged"
    yield "empty", b"", "damaged|cannot be read"
    yield "pickle", b"\x80\x04\x95\x05\x00\x00\x00\x00\x00\x00\x00K\x01.", "damaged"


def test_hostile_arrays_are_refused_though_their_digest_is_right(saved):
    folder, *_ = saved
    for name, content, message in hostile_tensors(saved):
        (folder / "model.safetensors").write_bytes(content)
        forge(folder, lambda fields: None)
        with pytest.raises(ModelError, match=message) as error:
            load_model(folder)
        assert "model.safetensors" in str(error.value), name


def test_shapes_that_record_and_arrays_agree_on_need_the_bytes(saved):
    """A graph that claims a large input cannot make the loader take memory: the file has to be as large."""
    folder, *_ = saved
    forge(
        folder,
        edit_graph(
            "input dense_1/bias: float32[6]", "input unused: float32[2000000000]\ninput dense_1/bias: float32[6]"
        ),
    )
    with pytest.raises(ModelError, match=r"'unused'.*got none"):
        load_model(folder)


def test_a_model_whose_loss_is_not_declared_still_predicts(saved):
    folder, model, table = saved
    forge(folder, put("loss", "name", value="focal_loss_of_mine"))
    loaded = load_model(folder)
    np.testing.assert_array_equal(loaded.compute(table)["prediction"], model.compute(table)["prediction"])
    with pytest.raises(UsageError, match="focal_loss_of_mine"):
        loaded.observation(table.take([0]))


def test_nothing_is_read_but_the_two_files(saved):
    folder, _, _ = saved
    fields = json.loads((folder / "model.json").read_text("utf-8"))
    assert set(fields) == {
        "digest",
        "schema",
        "arrays",
        "targets",
        "prediction",
        "columns",
        "encoders",
        "loss",
        "network",
        "metrics",
        "provenance",
        "graph",
    }
    assert str(Path.cwd()) not in json.dumps(fields)
    assert pl.parse("\n".join(fields["graph"])) == saved[1].graph
