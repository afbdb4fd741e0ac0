"""How explanations show themselves: text, cards and plain data."""

import json
import math
from html.parser import HTMLParser

import pytest
from explained import observed

import pellucid as pl
from pellucid.inspection.explain import Explanation, explain
from pellucid.inspection.observe import observe

ADDRESSES = ["d loss / d w1[3, 2]", "one/h[0, 1]", "loss", "d loss / d loss", "x[0, 0]", "d loss / d weight[2]"]


@pytest.fixture(scope="module", params=ADDRESSES)
def found(request):
    return explain(observed("float32")[0], request.param)


def test_text_fits_the_width_and_says_the_number_first(found):
    text = str(found)
    assert text.startswith(f"{found.address} = {found.number:.6g} (float32)")
    assert max(map(len, text.splitlines())) <= 100
    narrow = found.text(40)
    assert max(len(line) for line in narrow.splitlines() if " " in line.strip()) <= 60
    assert "".join(found.text(None).split()) == "".join(text.split())


def test_text_names_every_part_that_is_shown(found):
    text = "".join(str(found).split())
    for parts in (found.parts, found.paths):
        for part in parts.shown if parts is not None else ():
            assert "".join(part.text.split()) in text


def test_plain_data_can_be_stored_and_adds_up(found):
    data = json.loads(json.dumps(found.as_dict()))
    assert (data["address"], data["number"]) == (found.address, found.number)
    for name in ("edges", "paths", "examples"):
        parts = data[name]
        if parts is not None:
            values = [part["value"] for part in (*parts["shown"], *parts["rest"])]
            assert math.fsum([*values, parts["others"]["sum"]]) == parts["total"]


class Tags(HTMLParser):
    """Checks that tags are closed, and collects the text."""

    def __init__(self, text):
        super().__init__()
        self.open, self.text, self.names = [], "", set()
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.names.add(tag)
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_a_card_is_whole_and_needs_nothing_from_outside(found):
    card = found._repr_html_()
    tags = Tags(card)
    assert found.address in tags.text and found.meaning in tags.text
    assert not tags.names & {"script", "link", "img", "iframe"} and "http" not in card and "url(" not in card
    assert "prefers-color-scheme: dark" in card


def test_names_in_a_card_are_no_tags():
    graph = pl.parse(
        'input "<b>x</b>": float64[2]\ny: float64[] = sum("<b>x</b>", axes=[0], keepdims=False)\noutput y = y\n'
    )
    found = explain(observe(graph, **{"<b>x</b>": [1.0, 2.0]}), 'd y / d "<b>x</b>"[1]')
    card = found._repr_html_()
    assert "<b>" not in card and "&lt;b&gt;x" in card and Tags(card)


def test_control_characters_do_not_reach_the_terminal():
    graph = pl.parse('input "x\\u001b[31m": float64[]\ny: float64[] = exp("x\\u001b[31m")\noutput y = y\n')
    assert "\x1b" not in str(explain(observe(graph, **{"x\x1b[31m": 1.0}), "y"))


def test_bars_are_as_long_as_their_numbers():
    found = explain(observe(lambda x: x[0] * 1.0 - 4 * x[1], x=[2.0, 1.0]), "value")
    assert isinstance(found, Explanation)
    card = found._repr_html_()
    assert "right: 50%; width: 50.0%" in card and "left: 50%; width: 25.0%" in card


def test_sums_of_many_terms_are_shortened_and_the_others_counted():
    found = explain(observe(lambda x: pl.sum(x), x=[float(k) for k in range(1, 101)]), "value")
    assert [part.value for part in found.parts.shown] == [100.0, 99.0, 98.0, 97.0, 96.0]
    assert found.parts.others == (95, 4560.0) and "95 more edges, added up" in str(found)
    assert found.formula[0][0] == "value = sum over i of x[i]"


@pytest.mark.parametrize(
    ("function", "formula", "numbers"),
    [
        (lambda x, y: x[0] + x[1] * y, "value = reshape + multiply", "3 + 7 = 10"),
        (lambda x, y: pl.log_sum_exp(x), "value = log(exp(x[0]) + exp(x[1]))", "log(exp(3) + exp(1)) = 3.12693"),
        (lambda x, y: pl.mean(x), "value = (x[0] + x[1]) / 2", "(3 + 1) / 2 = 2"),
        (lambda x, y: pl.max(x), "value = max(x[0], x[1])", "max(3, 1) = 3"),
        (lambda x, y: pl.select(x[0] > 2, y, 1.0), "value = select(greater, y, 1)", "select(True, 7, 1) = 7"),
        (lambda x, y: x @ x, "value = sum over j of x[j] * x[j]", "10"),
        (lambda x, y: pl.tanh(-y), "value = tanh(negative)", "tanh(-7) = -0.999998"),
    ],
)
def test_formulas_of_elements(function, formula, numbers):
    found = explain(observe(function, x=[3.0, 1.0], y=7.0), "value")
    assert found.formula[0] == (formula, numbers)
    assert found.parts.added_up == found.parts.total
