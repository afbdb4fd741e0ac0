"""The page of a study: all of its sections, in one file that needs nothing else, with a table that sorts itself."""

from __future__ import annotations

import base64
import math
import re
from html.parser import HTMLParser

import pytest

from pellucid.errors import UsageError
from pellucid.tuning.importance import Importance, Share
from pellucid.tuning.space import Space
from pellucid.tuning.trial import FAILED, FINISHED, PRUNED, MemberResult, Trial
from pellucid.workflow.tuning.page import write_study_page
from pellucid.workflow.tuning.sortable import sortable_table

SPACE = Space(
    {
        "network.layers": "integer(0, 2)",
        "network.dropout": "uniform(0, 0.5) if network.layers >= 1",
        "optimizer.name": "choice(adam, sgd)",
        "training.epochs": 9,
    }
)
VOID = {"meta", "img", "br", "source", "link", "input", "hr"}


class Page(HTMLParser):
    """Sees that every tag is closed in its place; collects ids, what is referred to, and the words of each section."""

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.sources, self.labels, self.words, self.at = [], [], [], [], {}, ""
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.ids += [found["id"]] if "id" in found else []
        self.sources += [found[key] for key in ("src", "srcset", "href") if key in found]
        self.labels += [found["for"]] if "for" in found else []
        if tag == "section":
            self.at = found["id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, (tag, self.open[-3:])
        self.open.pop()

    def handle_data(self, data):
        self.words[self.at] = self.words.get(self.at, "") + " " + data


def trial(number, value, state=FINISHED, error=None, **parameters):
    tried = {"network.layers": 0, "optimizer.name": "adam", "training.epochs": 9, **parameters}
    epochs = 9 if state == FINISHED else 3
    curve = tuple((epoch, value + 1 / epoch - 1 / epochs) for epoch in (1, 3, 9) if epoch <= epochs)
    members = tuple(MemberResult(value + gap, epochs, epochs, 0.5, curve) for gap in (-0.01, 0.01))
    return Trial(number, tried).ended(state, () if state == FAILED else members, error)


TRIALS = [
    trial(0, 0.5),
    trial(1, 0.25, **{"network.layers": 2, "network.dropout": 0.123456789}),
    trial(2, 0.75, state=PRUNED),
    trial(3, 0.0, state=FAILED, error="dense_1/weight: <not> finite"),
    trial(4, 0.375, **{"optimizer.name": "sgd"}),
]


def write(path, trials=TRIALS, **more):
    given = dict(title="wine & more: <quality>", space=SPACE, trials=trials, metric="log_loss", higher_is_better=False)
    return write_study_page(path / "study.html", **{**given, **more}).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    shares = (Share(("network.layers",), 0.6, 0.5, 0.7), Share(("optimizer.name",), 0.001, 0.0, 0.003))
    return write(
        tmp_path_factory.mktemp("page"),
        importance=Importance(shares, (), 0.8, 30, None, ("a note <here>",)),
        facts=[("Seconds", "12.3 in all, 4.1 of them compiling")],
        comparison=(["", "log loss"], [["best settings", "0.41"], ["default settings", "0.45"]]),
        conclusion=["The best settings are better."],
        settings='[network]\nactivation = "a & b"\n',
        notes=["One trial was not done."],
    )


def test_the_page_has_all_sections_and_needs_nothing_else(whole):
    page = Page(whole)
    sections = [name for name in page.ids if not re.fullmatch(r"t\d+", name)]
    assert sections == ["searched", "best", "comparison", "importance", "pictures", "trials"]
    assert all(source.startswith(("data:image/png;base64,", "#")) for source in page.sources)
    assert "<script" not in whole and "http" not in whole
    assert "<quality>" not in whole and "&lt;quality&gt;" in whole
    assert "5 trials: 3 trained to the end, 1 pruned, 1 failed" in whole


def test_what_was_searched_and_what_was_found(whole):
    words = Page(whole).words
    for told in ("uniform(0, 0.5)", "network.layers >= 1", "12.3 in all", "training.epochs", "One trial was not done."):
        assert told in words["searched"]
    for told in ("Trial 1: log loss 0.25, ± 0.0141 between folds", "after 9 epochs", "0.1235", 'activation = "a & b"'):
        assert told in words["best"]
    assert "The best settings are better." in words["comparison"] and "default settings" in words["comparison"]
    assert "What mattered most: network.layers 60 %" in words["importance"] and "a note <here>" in words["importance"]


def test_pictures_are_there_for_light_and_for_dark_ground(whole):
    pictures = re.findall(
        r'<source media="\(prefers-color-scheme: dark\)" srcset="([^"]*)"><img alt="[^"]*" src="([^"]*)"', whole
    )
    assert len(pictures) == 5
    for dark, light in pictures:
        assert dark != light
        for one in (dark, light):
            assert base64.b64decode(one.partition("base64,")[2])[1:4] == b"PNG"


def order_of(page, column):
    """The first cells of the rows in the order in which the browser shows them when a column's name is clicked."""
    rows = re.findall(r'<div role="row" class="row" style="([^"]*)">(.*?)</div>', page)
    places = [int(re.search(rf"--t{column}:(\d+)", style)[1]) for style, _ in rows]
    first = [re.search(r">([^<]*)</span>", cells)[1] for _, cells in rows]
    return [name for _, name in sorted(zip(places, first, strict=True))]


def test_the_table_of_trials_is_sorted_by_any_column_without_a_script(whole):
    page = Page(whole)
    assert page.labels == [f"t{column}" for column in range(9)]
    assert set(page.labels) <= set(page.ids)
    for column in range(9):
        assert f"#t{column}:checked~.t .row>*{{order:var(--t{column})}}" in whole
    assert order_of(whole, 1) == ["1", "4", "0", "2", "3"]  # by value: finished, pruned, failed
    assert order_of(whole, 0) == ["0", "1", "2", "3", "4"]
    assert order_of(whole, 7)[0] == "1"  # the only one with dropout; what is missing comes last
    assert order_of(whole, 8)[-1] == "4"  # adam before sgd
    assert whole.count(" checked>") == 1 and 'id="t1" aria-label="sort by log loss" checked' in whole


def test_sorting_puts_numbers_before_words_and_what_is_undefined_last():
    cells = [("b", "b"), ("10", 10), ("–", None), ("9", 9), ("a", "a"), ("nan", math.nan), ("yes", True)]
    table = sortable_table(["n"], [[(text, value)] for text, value in cells], by=-1, numbers=0)
    assert order_of(table, 0) == ["yes", "9", "10", "a", "b", "–", "nan"]


def test_of_many_trials_the_best_hundred_stand_in_the_table(tmp_path):
    page = write(tmp_path, [trial(n, 1.0 + n / 1000) for n in range(300)])
    assert "The best 100 of 300 trials." in page and len(order_of(page, 0)) == 100
    assert "Which settings mattered" not in page and "What it is worth" not in page


def test_a_study_without_a_value_tells_why(tmp_path):
    page = Page(write(tmp_path, [TRIALS[3], Trial(4, {"network.layers": 1})]))
    assert "No trial has a value." in page.words["best"] and "dense_1/weight: <not> finite" in page.words["best"]
    assert "pictures" not in page.ids and "1 failed, 1 not done" in page.words[""]
    assert "None yet." in Page(write(tmp_path, [])).words["trials"]
    only_pruned = Page(write(tmp_path, [TRIALS[2]]))
    assert "It was pruned: no trial was trained to its end." in only_pruned.words["best"]


def test_too_few_trials_are_told_once(tmp_path):
    few = Importance((), (), None, 5, None, ("Too few trials to say what mattered.",))
    page = write(tmp_path, importance=few, comparison="<p>as <b>HTML</b></p>")
    assert page.count("Too few trials to say what mattered.") == 1 and "<p>as <b>HTML</b></p>" in page


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    with pytest.raises(UsageError, match="there is no such folder"):
        write(tmp_path / "nowhere")
    (tmp_path / "study.html").mkdir()
    with pytest.raises(UsageError, match="the page cannot be written"):
        write(tmp_path)
