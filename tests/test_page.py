"""The page of a run: all of its sections, in one file that needs nothing else."""

from __future__ import annotations

import base64
import re
import shutil
import xml.dom.minidom
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

import pellucid as pl
from pellucid.cli import main
from pellucid.errors import DataError, UsageError
from pellucid.workflow.pages.examples import badness, rightness
from pellucid.workflow.pages.page import Section, build_page, facts_table, numbers_table
from pellucid.workflow.pages.run_page import write_page
from pellucid.workflow.reopened import dataset_of_test, reopen

TABLES = Path(__file__).resolve().parent.parent / "examples" / "tables"
VOID = {"meta", "img", "br", "source", "link", "input", "hr"}


class Balanced(HTMLParser):
    """Sees that every tag is closed in its place, and collects what a page refers to."""

    def __init__(self):
        super().__init__()
        self.open, self.sources, self.ids, self.links = [], [], [], []

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.sources += [found[key] for key in ("src", "srcset", "href") if key in found]
        self.ids += [found["id"]] if "id" in found else []
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, (tag, self.open[-3:])
        self.open.pop()


def parsed(page: str) -> Balanced:
    reader = Balanced()
    reader.feed(page)
    assert not reader.open
    return reader


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page") / "iris"
    random = np.random.default_rng(0)
    kind = np.arange(90) % 3
    table = folder.parent / "odd names.csv"
    rows = ["length <cm>,a&b,kind"]
    rows += [f"{k + random.normal():.3f},{k * 2 + random.normal():.3f},{'xyz'[k]}" for k in kind]
    table.write_text("\n".join(rows) + "\n", encoding="utf-8")
    recipe = pl.Recipe(hidden=(6,), epochs=12)
    return pl.train_table(str(table), "kind", recipe=recipe, folder=folder).folder


@pytest.fixture(scope="module")
def page(run):
    return write_page(run).read_text(encoding="utf-8")


def test_the_page_has_all_sections_and_needs_nothing_else(page):
    reader = parsed(page)
    assert reader.ids == ["what", "curves", "results", "gates", "layers", "examples"]
    outside = [source for source in reader.sources if not source.startswith(("data:", "#"))]
    assert outside == []
    assert "<script" not in page and not re.search(r"url\(\s*['\"]?http", page)


def test_it_tells_what_the_run_knows(page, run):
    model = reopen(run).model
    text = re.sub(r"<[^>]+>", " ", page)
    assert "multiclass of kind" in text and "network" in text and "linear model" in text
    assert f"{sum(a.size for a in model.parameters.values()):,} parameters" in text
    assert "length &lt;cm&gt;" in page and "a&amp;b" in page and "<cm>" not in page


def test_it_shows_right_and_wrong_examples_with_their_networks(page):
    section = page.split('<section id="examples">')[1]
    wrong, right = section.split("<h3>Right</h3>")
    assert right.count('class="card"') == 3
    assert "predicted" in right and section.count("data:image/svg+xml;base64,") >= 3
    assert wrong.count('class="card"') <= 3


def test_examples_are_called_by_their_rows_of_the_file(page, run):
    made = reopen(run).making
    numbers = [int(n) for n in re.findall(r"<b>Row (\d+) of", page)]
    assert numbers and set(numbers) <= set(made.parts["test"].tolist())


def test_without_its_table_the_page_has_what_the_folder_knows(run, tmp_path):
    copy = tmp_path / "moved"
    shutil.copytree(run, copy)
    record = copy / "run.toml"
    record.write_text(re.sub(r'path = ".*odd names.csv"', 'path = "/gone.csv"', record.read_text()), encoding="utf-8")
    found = parsed(text := write_page(copy).read_text(encoding="utf-8"))
    assert found.ids == ["what", "curves", "results", "table"]
    assert "--table" in text
    again = reopen(copy, table=str(run.parent / "odd names.csv"))
    assert len(again.making.parts["test"]) == 18  # with the table named, the training can be done again


def test_another_table_is_refused(run, tmp_path):
    other = tmp_path / "other.csv"
    other.write_text((run.parent / "odd names.csv").read_text() + "1,2,x\n", encoding="utf-8")
    with pytest.raises(DataError, match="not the one that the run was trained on"):
        write_page(run, tmp_path / "page.html", table=str(other))
    assert not (tmp_path / "page.html").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "there is no such folder"),
        (["RUN", "--out", "page.pdf"], "an HTML file"),
        (["RUN", "--out", "nowhere/page.html"], "no such folder"),
        (["RUN", "--table", "gone.csv"], "gone.csv"),
        (["RUN", "--tabel", "x.csv"], "--table"),
    ],
)
def test_wrong_use_is_one_clear_message(run, arguments, message, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    code = main(["report", *(str(run) if word == "RUN" else word for word in arguments)])
    captured = capsys.readouterr()
    assert code == 2 and message in captured.err and "Traceback" not in captured.err
    assert list(tmp_path.iterdir()) == []


def test_a_number_is_judged_by_its_distance_and_a_class_by_its_probability():
    x = np.linspace(0, 1, 40)
    numbers = pl.train_table({"x": x, "y": 2 * x}, "y", recipe=pl.Recipe(hidden=(), epochs=2)).model
    table = pl.as_table({"x": x, "y": 2 * x})
    errors = numbers.predict(table)["y"] - 2 * x
    assert np.argmax(badness(numbers, table)) == np.argmax(np.abs(errors))
    words = np.where(x > 0.5, "up", "down")
    classes = pl.train_table({"x": x, "y": words}, "y", recipe=pl.Recipe(hidden=(), epochs=2)).model
    table = pl.as_table({"x": x, "y": words})
    own = classes.predict_probabilities(table)[np.arange(40), (x > 0.5).astype(int)]
    assert np.allclose(badness(classes, table), -np.log(own))
    assert rightness(classes, table).tolist() == (classes.predict(table)["y"] == words).tolist()
    assert not rightness(numbers, pl.as_table({"x": x, "y": 2 * x})).any()


def test_the_frame_escapes_what_it_is_given():
    page = build_page("<b>", "a & b", [Section("x", "1 < 2", facts_table([("<i>", "&")]))])
    parsed(page)
    assert "<i>" not in page and "&lt;b&gt;" in page
    assert numbers_table(["", "n"], [["a", "1"], ["b", "2"]], strong=1).count("<b>") == 2


def test_a_page_that_cannot_be_written_leaves_nothing(run, tmp_path):
    with pytest.raises(UsageError, match="cannot be written"):
        write_page(run, tmp_path / "no" / "page.html")


def test_labels_are_right_in_any_order():
    x = np.linspace(-1, 1, 60)
    cells = ["a;b" if value > 0 else "c" for value in x]
    recipe = pl.Recipe(hidden=(8,), epochs=40, learning_rate=0.03, dropout=0.0)
    model = pl.train_table({"x": x, "tags": cells}, "tags", separator=";", recipe=recipe).model
    same = pl.as_table({"x": x, "tags": cells})
    turned = pl.as_table({"x": x, "tags": [cell[::-1] for cell in cells]})
    assert rightness(model, same).mean() > 0.9
    assert rightness(model, turned).tolist() == rightness(model, same).tolist()


def test_with_folds_examples_are_of_rows_that_the_network_has_not_learned_from(tmp_path):
    x = np.linspace(-1, 1, 60)
    recipe = pl.Recipe(hidden=(4,), epochs=3)
    run = pl.train_table({"x": x, "y": x**2}, "y", folds=3, recipe=recipe, folder=tmp_path / "folds")
    made = reopen(run.folder, table={"x": x, "y": x**2})
    text = write_page(run.folder, table={"x": x, "y": x**2}).read_text(encoding="utf-8")
    numbers = {int(n) for n in re.findall(r"<b>Row (\d+) of", text)}
    assert numbers and numbers <= set(made.making.parts["validation"].tolist())
    assert dataset_of_test(made.making) is None  # all rows are the test of some fold; this network knows them


HOSTILE = {
    "history.jsonl": [
        "garbage{",
        "[1, 2]",
        '{"epoch": "one"}',
        '{"epoch": 1, "loss": "x"}',
        '{"epoch": 1, "loss": [1]}',
        "{}",
    ],
    "run.toml": ["[", "seed = -1", "seed = 1\nseed = 2"],
    "model.json": ["{"],
    "model.safetensors": ["short"],
}


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in HOSTILE.items() for text in texts])
def test_a_damaged_folder_is_one_clear_message(run, tmp_path, capsys, name, text):
    copy = tmp_path / "damaged"
    shutil.copytree(run, copy, ignore=shutil.ignore_patterns("report.html"))
    (copy / name).write_text(text, encoding="utf-8")
    assert main(["report", str(copy)]) == 2
    told = capsys.readouterr().err
    assert name in told and told.count("\n") == 1
    assert not (copy / "report.html").exists()


def test_a_record_that_was_edited_costs_only_what_it_told(run, tmp_path):
    copy = tmp_path / "edited"
    shutil.copytree(run, copy)
    record = copy / "run.toml"
    before, _, _ = record.read_text(encoding="utf-8").partition("[data]")
    head, schema, rest = before.partition("schema")
    told = 'outcome = 3\nresults = "x"\ndata = [1]\nversions = 5\n'
    record.write_text(head + told + schema + rest, encoding="utf-8")
    assert parsed(write_page(copy).read_text(encoding="utf-8")).ids[:3] == ["what", "curves", "results"]
    told = '[outcome]\nbest_epoch = "many"\nepochs = "few"\nnotes = 7\n[results]\naccuracy = 1\n'
    record.write_text(before + told, encoding="utf-8")
    assert parsed(write_page(copy).read_text(encoding="utf-8")).ids[:3] == ["what", "curves", "results"]


def test_a_model_to_start_from_that_is_gone_leaves_what_the_folder_knows(run, tmp_path):
    copy = tmp_path / "moved"
    shutil.copytree(run, copy)
    record = copy / "run.toml"
    text = record.read_text(encoding="utf-8")
    record.write_text(text.replace("[table]", '[table]\nstart_from = "/gone"'), encoding="utf-8")
    assert parsed(write_page(copy).read_text(encoding="utf-8")).ids == ["what", "curves", "results", "table"]


def test_names_of_columns_and_cells_are_text_in_pages_and_drawings(tmp_path):
    x = np.linspace(-1, 1, 60)
    evil = "<script>alert(1)</script>: \"' &amp; ]]>"
    table = {evil: x, "colour": ["<b>red</b>", 'bl"ue'] * 30, "<i>y": np.where(x > 0, "<u>", "'&lt;'")}
    run = pl.train_table(table, "<i>y", recipe=pl.Recipe(hidden=(4,), epochs=3), folder=tmp_path / "evil")
    page = write_page(run.folder, table=table).read_text(encoding="utf-8")
    drawn = [base64.b64decode(data).decode() for data in re.findall('data:image/svg[+]xml;base64,([^"]*)', page)]
    assert drawn
    for text in (page, *drawn):
        assert not re.search(r"<script|<b>red|<u>|<i>y", text)
    for svg in drawn:
        xml.dom.minidom.parseString(svg)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;: &quot;" in page
    parsed(page)
