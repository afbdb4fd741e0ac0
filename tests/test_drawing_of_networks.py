"""Drawings of networks for one row: what stands there is true, everything is readable, and nothing overlaps."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import combinations, pairwise
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pellucid as pl
from pellucid.data.encoders.fit import fit_encoders
from pellucid.data.encoders.settings import EncoderSettings
from pellucid.data.roles import infer_roles
from pellucid.data.targets import fit_targets
from pellucid.data.task import infer_task
from pellucid.inspection.drawing.network_figure import draw_network
from pellucid.inspection.drawing.svg import write_short
from pellucid.inspection.drawing.textbook import RADIUS
from pellucid.model.network import tabular_network
from pellucid.workflow.observed_row import observe_row

SVG = "{http://www.w3.org/2000/svg}"
LETTER = 0.6  # of the size: how wide a letter of a monospaced font is


# Models, without training


def make_model(columns, target, *, seed=3, one_hot=32, **layers):
    table = pl.Table.from_columns(columns)
    task = infer_task(table, target)
    encoding = fit_encoders(table, infer_roles(table, target), task, settings=EncoderSettings(one_hot=one_hot))
    targets = fit_targets(table, task)
    network = tabular_network(encoding, targets.outputs, dropout=0.0, **layers)
    parameters = network.initialize(seed)
    rng = np.random.default_rng(seed)
    parameters |= {
        path: rng.normal(0, 0.3, a.shape).astype(a.dtype) for path, a in parameters.items() if "bias" in path
    }
    return pl.build_model(encoding, targets, network, pl.losses.default_loss(task.kind), parameters), table


def numbers(count, classes=0, rows=40, seed=0):
    rng = np.random.default_rng(seed)
    columns = {f"x{place}": rng.normal(size=rows) for place in range(count)}
    columns["y"] = rng.normal(100, 20, rows) if not classes else [f"class {row % classes}" for row in range(rows)]
    return columns


def draw(model, table, row=0):
    found = observe_row(model, table, row)
    return found, Picture(draw_network(found.seen, found.names()))


# Measuring a drawing


@dataclass(frozen=True)
class Words:
    """A text of a picture, as points along it half as far apart as it is high."""

    text: str
    kind: str
    points: np.ndarray
    size: float

    def overlaps(self, other: Words) -> bool:
        apart = np.abs(self.points[:, None, :] - other.points[None, :, :])
        return bool(((apart[..., 0] < 1.0) & (apart[..., 1] < 0.4 * (self.size + other.size))).any())


class Picture:
    def __init__(self, text):
        self.text, self.root = text, ElementTree.fromstring(text)
        self.width, self.height = map(float, self.root.get("viewBox").split()[2:])
        self.words = []
        self._walk(self.root, np.zeros(2), 0.0)

    def _walk(self, element, shift, angle):
        turn = element.get("transform")
        if turn:
            x, y, degrees = map(float, re.findall(r"-?[\d.]+", turn))
            shift, angle = np.array([x, y]), np.radians(degrees)
        if element.tag == SVG + "text":
            self.words.append(self._measure(element, shift, angle))
        for child in element:
            self._walk(child, shift, angle)

    def _measure(self, element, shift, angle):
        text, size = "".join(element.itertext()), float(element.get("font-size"))
        wide = LETTER * size * len(text)
        x, y = float(element.get("x")), float(element.get("y")) - 0.35 * size
        left = {"middle": x - wide / 2, "end": x - wide}.get(element.get("text-anchor"), x)
        along = np.linspace(left, left + wide, max(2, int(wide)))
        straight = np.column_stack([along, np.full(len(along), y)])
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        return Words(text, element.get("class", ""), straight @ turn + shift, size)

    def all(self, tag, kind=None):
        return [found for found in self.root.iter(SVG + tag) if kind is None or found.get("class") == kind]

    @property
    def circles(self):
        return {circle: (float(circle.get("cx")), float(circle.get("cy"))) for circle in self.all("circle")}

    @property
    def titles(self):
        found = [g.find(SVG + "title").text for g in self.all("g") if g.find(SVG + "title") is not None]
        return {text.split("\n")[0]: dict(line.rsplit(" ", 1) for line in text.split("\n")[1:]) for text in found}

    def require_readable(self):
        for words in self.words:
            assert (words.points >= 0).all(), words.text
            assert (words.points <= [self.width, self.height]).all(), words.text
            assert words.size >= 11
        for one, other in combinations(self.words, 2):
            assert not one.overlaps(other), f"{one.text!r} and {other.text!r}"


def edges_of(picture):
    return [path for path in picture.all("path") if path.get("class") in ("positive", "negative")]


# Few neurons


def test_a_small_network_is_drawn_unit_by_unit_and_what_stands_there_is_true():
    model, table = make_model(numbers(2, classes=2), "y", hidden=(3,), activation="tanh")
    found, picture = draw(model, table, row=5)
    picture.require_readable()
    assert len(picture.circles) == 2 + 3 + 1 and len(edges_of(picture)) == 2 * 3 + 3 * 1
    x = model.encoding.encode(table.take([5]))["x"][0]
    arrays = model.parameters
    hidden = np.tanh(x @ arrays["dense_1/weight"] + arrays["dense_1/bias"])
    output = hidden @ arrays["dense_2/weight"] + arrays["dense_2/bias"]
    told = {name: float(facts["value"]) for name, facts in picture.titles.items()}
    np.testing.assert_allclose([told["x0"], told["x1"]], x, rtol=1e-6)
    np.testing.assert_allclose([told[f"dense_1 unit {place}"] for place in (1, 2, 3)], hidden, rtol=1e-5)
    np.testing.assert_allclose(told["class 1"], output[0], rtol=1e-5)
    # the loss of a logit z and the class k is log(1 + e^z) - k z: its slope is p - k, and then the chain rule
    slope = 1 / (1 + np.exp(-output[0])) - 1.0
    slopes = {name: float(facts["gradient of loss"]) for name, facts in picture.titles.items()}
    np.testing.assert_allclose(slopes["class 1"], slope, rtol=1e-4)
    by_unit = [slopes[f"dense_1 unit {place}"] for place in (1, 2, 3)]
    np.testing.assert_allclose(by_unit, slope * arrays["dense_2/weight"][:, 0], rtol=1e-4)
    weights = np.concatenate([arrays["dense_1/weight"].ravel(), arrays["dense_2/weight"].ravel()])
    shown = [words.text for words in picture.words]
    assert all(write_short(float(weight)) in shown for weight in weights)
    assert all(f"b {write_short(float(b))}" in shown for b in (*arrays["dense_1/bias"], *arrays["dense_2/bias"]))
    assert "sigmoid" in shown and "p(class 1)" in shown and any("in the table class 1" in text for text in shown)
    kinds = [edge.get("class") for edge in edges_of(picture)]
    assert kinds.count("negative") == (weights < 0).sum()
    assert found.seen.of == "loss"


@settings(max_examples=25, deadline=None)
@given(
    st.integers(1, 8),
    st.lists(st.integers(1, 8), max_size=3),
    st.integers(0, 8).filter(lambda classes: classes != 1),
    st.integers(0, 99),
)
def test_nothing_overlaps_whatever_the_sizes(inputs, hidden, classes, seed):
    model, table = make_model(numbers(inputs, classes), "y", seed=seed, hidden=hidden, activation="relu")
    sizes = [inputs, *hidden, model.targets.outputs]
    few = sum(a * b for a, b in pairwise(sizes)) <= 60
    _, picture = draw(model, table)
    picture.require_readable()
    assert len(picture.circles) == (sum(sizes) if few else 0)
    for (x0, y0), (x1, y1) in combinations(picture.circles.values(), 2):
        assert np.hypot(x1 - x0, y1 - y0) > 2 * RADIUS + 20


def test_a_linear_model_without_the_target_in_the_table():
    model, table = make_model(numbers(3, classes=3), "y", hidden=())
    found, picture = draw(model, table.drop(["y"]))
    picture.require_readable()
    assert len(picture.circles) == 6 and len(edges_of(picture)) == 9 and found.seen.of == "score"
    told = [words.text for words in picture.words]
    assert {"p(class 0)", "p(class 1)", "p(class 2)", "softmax"} <= set(told)
    shares = [float(text) for text in told if re.fullmatch(r"0\.\d+", text)]
    p = model.predict_probabilities(table.take([0]))[0]
    assert all(any(abs(share - one) < 1e-3 for share in shares) for one in p)


def test_names_are_told_whatever_is_in_them():
    columns = numbers(2) | {
        "<b>&\x1b[31m": [1.5 * row for row in range(40)],
        "ein sehr langer Name " * 4: [0.5, 2] * 20,
    }
    model, table = make_model(columns, "y", hidden=(2,))
    _, picture = draw(model, table)
    picture.require_readable()
    assert "\x1b" not in picture.text and any("<b>&" in words.text for words in picture.words)


def test_categories_that_are_embedded_are_named():
    columns = numbers(1) | {"color": [["red", "green", "blue"][row % 3] for row in range(40)]}
    model, table = make_model(columns, "y", hidden=(2,), one_hot=2)
    units = model.front.embedded[0].embedding
    _, picture = draw(model, table, row=1)
    picture.require_readable()
    told = [words.text for words in picture.words]
    assert [f"color {place + 1}" in told for place in range(units)] == [True] * units and told.count("green") == units


def test_shortcuts_repeat_the_inputs():
    model, table = make_model(numbers(2), "y", hidden=(2, 2), shortcuts=True)
    _, picture = draw(model, table)
    picture.require_readable()
    copies = picture.all("circle", "copy")
    assert len(copies) == 4 and len(picture.circles) - len(copies) == 2 + 2 + 2 + 1
    weights = [a for path, a in model.parameters.items() if path.endswith("weight")]
    assert len(edges_of(picture)) == sum(weight.size for weight in weights)


def test_a_unit_normalizes_and_activates_its_sum_itself():
    model, table = make_model(numbers(3, classes=2), "y", hidden=(3, 2), layer_norm=True, activation="tanh")
    found, picture = draw(model, table)
    picture.require_readable()
    told = {name: float(facts["value"]) for name, facts in picture.titles.items()}
    for place, column in ((1, 3), (2, 2)):
        values = np.asarray(found.seen[f"activation_{place}/tanh"].value).ravel()
        np.testing.assert_allclose([told[f"dense_{place} unit {unit + 1}"] for unit in range(column)], values)
    assert sum(words.text == "layer norm, tanh" for words in picture.words) == 2 and len(picture.circles) == 9


# Many units


@pytest.mark.parametrize("layers", [{}, {"layer_norm": True}, {"shortcuts": True}])
def test_a_large_network_folds_to_layers(layers):
    model, table = make_model(numbers(40, classes=10), "y", hidden=(128, 300), **layers)
    found, picture = draw(model, table)
    picture.require_readable()
    assert not picture.circles
    told = [words.text for words in picture.words]
    assert any("40 features" in text for text in told) and any(" → 128" in text for text in told)
    boxes = [
        tuple(float(box.get(name)) for name in ("x", "y", "width", "height"))
        for kind in ("layer", "input", "output")
        for box in picture.all("rect", kind)
    ]
    for (x0, y0, w0, h0), (x1, y1, w1, h1) in combinations(boxes, 2):
        assert x0 + w0 <= x1 or x1 + w1 <= x0 or y0 + h0 <= y1 or y1 + h1 <= y0
    gradients = sorted((abs(one.gradient) for one in found.features), reverse=True)[:8]
    assert all(any(write_short(sign * g) in told for sign in (1, -1)) for g in gradients)
    largest = max(found.probabilities.values())
    assert f"{largest:.4g}" in told


def test_shades_are_as_strong_as_the_values():
    model, table = make_model(numbers(20), "y", hidden=(32,), activation="tanh")
    found, picture = draw(model, table)
    values = np.asarray(found.seen["dense_1/tanh"].value).ravel()
    cells = [cell for cell in picture.all("rect") if cell.get("opacity")]
    strengths = [(-1 if cell.get("class") == "minus" else 1) * float(cell.get("opacity")) for cell in cells]
    expected = np.round(values / np.abs(values).max(), 2)
    rows = [strengths[start : start + 32] for start in range(len(strengths) - 31)]
    assert any(np.allclose(row, expected, atol=0.0051) for row in rows)


def test_the_file_is_there_whole_or_not_at_all(tmp_path):
    model, table = make_model(numbers(2), "y", hidden=(2,))
    found = observe_row(model, table, 0)
    with pytest.raises(pl.UsageError, match="cannot be written"):
        draw_network(found.seen, found.names(), tmp_path / "no" / "row.svg")
    assert draw_network(found.seen, found.names(), tmp_path / "row.svg") is None
    assert ElementTree.parse(tmp_path / "row.svg").getroot().tag == SVG + "svg"


def test_features_that_say_whether_something_holds_are_told_by_yes_and_no():
    columns = {
        "colour": ["red", "blue", None, "red"] * 10,
        "note": [f"{word} old car {row}" for row in range(10) for word in ("good", "bad", "red", "very")],
        "size": [1.5, None, 2.5, 3.0] * 10,
        "y": [1.0, 2.0, 3.0, 4.0] * 10,
    }
    found, _ = draw(*make_model(columns, "y", hidden=(16,)), row=1)
    told = dict(found.names().features)
    assert told["colour=blue"] == "yes" and told["colour=red"] == "no" and told["colour is missing"] == "no"
    assert told["note has 'bad'"] == "yes" and told["note has 'good'"] == "no"
    assert told["size is missing"] == "yes" and told["size"] == "missing"


def test_long_names_are_cut_where_they_differ_least_and_categories_stand_in_the_row():
    columns = numbers(3) | {f"a very long name of a column, number {place}": numbers(1)["x0"] for place in range(5)}
    columns |= {"city": [f"city{row // 2}" for row in range(40)]}
    _, picture = draw(*make_model(columns, "y", one_hot=4, hidden=(128,)), row=3)
    names = [words.text for words in picture.words if "…" in words.text]
    assert len(set(names)) == len(names) and all(len(name) <= 40 for name in names)
    texts = {words.text for words in picture.words}
    assert "city: city1" in texts and "1 column of categories, embedded" in texts


def test_a_prediction_is_told_in_the_units_of_the_target():
    _, picture = draw(*make_model(numbers(3), "y", hidden=(64,)))
    texts = {words.text for words in picture.words}
    assert "× scale + mean" in texts and "64 weights, 1 bias" in texts
    picture.require_readable()
    assert not any("e+" in word for word in texts)
