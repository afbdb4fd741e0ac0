"""Drawings, measured from the SVG: nothing overlaps, everything is readable, and what stands there is true."""

from __future__ import annotations

import hashlib
import math
import os
import random
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from itertools import combinations, pairwise
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pellucid as pl
from pellucid.errors import UsageError
from pellucid.inspection.drawing.layered.columns import Room
from pellucid.inspection.drawing.layered.layout import lay_out

SVG = "{http://www.w3.org/2000/svg}"


# Measuring a drawing


@dataclass(frozen=True)
class Box:
    left: float
    top: float
    right: float
    bottom: float
    name: str

    def overlaps(self, other: Box) -> bool:
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )


class Drawing:
    """The boxes, wires and texts of an SVG; letters are taken as wide as those of the widest usual fonts."""

    def __init__(self, text: str):
        self.root = ElementTree.fromstring(text)
        self.width, self.height = map(float, self.root.get("viewBox").split()[2:])
        self.groups = [group for group in self.root.iter(SVG + "g") if group.find(SVG + "title") is not None]
        self.texts = [self._measure(element) for element in self.root.iter(SVG + "text")]
        self.outlines = [self._outline(group) for group in self.groups]
        (moved,) = [g for g in self.root if g.tag == SVG + "g"]
        self.shift = float(re.findall(r"[\d.]+", moved.get("transform"))[0])

    def group(self, path: str) -> dict[str, str]:
        """The texts of one vertex by class."""
        for group in self.groups:
            if group.find(SVG + "title").text.split("\n")[0] == path:
                return {element.get("class"): element.text for element in group.iter(SVG + "text")}
        raise AssertionError(f"{path} is not drawn")

    def labels(self, kind: str) -> list[str]:
        return [g.find(SVG + "text").text for g in self.groups if g.find(SVG + "rect").get("class") == kind]

    def points_of_wires(self):
        """Points along all wires, close together."""
        for path in self.root.iter(SVG + "path"):
            if path.get("class") != "wire":
                continue
            for piece in path.get("d").split("M")[1:]:
                x0, y0, *rest = map(float, re.findall(r"-?[\d.]+(?:e-?\d+)?", piece))
                steps = max(int(abs(rest[-2] - x0) + abs(rest[-1] - y0)), 1)
                for step in range(steps + 1):
                    t = step / steps
                    if "L" in piece:
                        yield x0 + t * (rest[0] - x0), y0 + t * (rest[1] - y0)
                    else:
                        weights = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3
                        xs, ys = (x0, *rest[::2]), (y0, *rest[1::2])
                        yield (
                            sum(w * x for w, x in zip(weights, xs, strict=True)),
                            sum(w * y for w, y in zip(weights, ys, strict=True)),
                        )

    @staticmethod
    def _measure(element) -> Box:
        text = "".join(element.itertext())
        size, x, y = (float(element.get(name)) for name in ("font-size", "x", "y"))
        width = 0.602 * size * len(text)
        left = x - {"middle": width / 2, "end": width}.get(element.get("text-anchor"), 0.0)
        return Box(left, y - 0.75 * size, left + width, y + 0.22 * size, f"{element.get('class')} {text}")

    @staticmethod
    def _outline(group) -> Box:
        rect = group.find(SVG + "rect")
        x, y, width, height = (float(rect.get(name)) for name in ("x", "y", "width", "height"))
        return Box(x, y, x + width, y + height, "outline of " + group.find(SVG + "title").text.split("\n")[0])


def check_drawing(text: str) -> Drawing:
    drawing = Drawing(text)
    loose = [box for box in drawing.texts if not box.name.startswith("label ")]
    for one, other in combinations([*loose, *drawing.outlines], 2):
        assert not one.overlaps(other), f"{one} overlaps {other}"
    labels = [box for box in drawing.texts if box.name.startswith("label ")]
    for label, outline in zip(labels, drawing.outlines, strict=True):
        assert outline.left < label.left and label.right < outline.right, f"{label} sticks out of {outline}"
        assert outline.top < label.top and label.bottom < outline.bottom, f"{label} sticks out of {outline}"
    for box in [*loose, *drawing.outlines]:
        assert box.left + drawing.shift >= 0 and box.right + drawing.shift <= drawing.width, box
        assert box.top + drawing.shift >= 0 and box.bottom + drawing.shift <= drawing.height, box
    solid = [*loose, *(Box(b.left + 4, b.top + 4, b.right - 4, b.bottom - 4, b.name) for b in drawing.outlines)]
    for x, y in drawing.points_of_wires():
        for box in solid:
            assert not (box.left < x < box.right and box.top < y < box.bottom), f"a wire crosses {box} at {x}, {y}"
    return drawing


# Graphs to draw


def loss(w, x, y):
    p = pl.sigmoid(pl.sum(w * x))
    return -(y * pl.log(p) + (1 - y) * pl.log(1 - p))


def gate(x, y, z):
    q = x + y
    return q * z


def network(x, w1, b1, w2, y):
    with pl.scope("hidden"):
        h = pl.tanh(x @ w1 + b1)
    prediction = pl.sum(h * w2)
    error = prediction - y
    return {"loss": error**2, "prediction": prediction, "h": h}


def long_names(the_first_input_of_this_function, x):
    a_rather_long_name_of_a_value = the_first_input_of_this_function * 123.456789
    another_one_that_is_even_longer_than_that = pl.exp(a_rather_long_name_of_a_value / 1000)
    return pl.maximum(another_one_that_is_even_longer_than_that, x) + pl.select(x > 0.25, x, -1e-30)


def many_uses(x):
    parts = [pl.sigmoid(x * (0.1 * number)) for number in range(1, 9)]
    return pl.sum(pl.concatenate([pl.reshape(part, (1,)) for part in parts], axis=0)) * x


def observe_network():
    rng = np.random.default_rng(0)
    inputs = dict(x=rng.normal(size=64), w1=rng.normal(size=(64, 100)), b1=np.zeros(100), w2=rng.normal(size=100))
    return pl.observe(network, "loss", y=0.5, **inputs)


def observe_random(nodes: int, seed: int):
    """A random graph of scalars and small vectors, with wires through many columns."""
    choose = random.Random(seed)

    def function(a, b, c):
        values = [a, b, c]
        while len(values) < nodes:
            x, y = choose.choice(values[-6:]), choose.choice(values)
            makers = [
                lambda x=x, y=y: x + y,
                lambda x=x, y=y: x * y,
                lambda x=x, y=y: x - y,
                lambda x=x, y=y: y / (x * x + 1.25),
                lambda x=x: pl.tanh(x),
                lambda x=x: pl.exp(-x * x),
                lambda x=x, y=y: pl.maximum(x, y),
                lambda x=x, y=y: pl.select(x > y, x, 0.5),
            ]
            values.append(choose.choice(makers)())
        return pl.sum(values[-1] + values[len(values) // 2])

    return pl.observe(function, a=0.75, b=[-1.25, 1 / 3], c=-0.123456789)


SEEN = {
    "loss": lambda: pl.observe(loss, w=[-3, 2, -3], x=[1, -1, -2], y=1.0),
    "gate": lambda: pl.observe(gate, x=-2, y=5, z=-4),
    "network": observe_network,
    "long names": lambda: pl.observe(long_names, the_first_input_of_this_function=-1 / 3, x=2 / 3),
    "many uses": lambda: pl.observe(many_uses, x=0.3),
    "one value": lambda: pl.observe(lambda x: x, x=1.0),
    "a constant": lambda: pl.observe(lambda x: 3.5, x=1.0),
    "no scalar": lambda: pl.observe(lambda x: x * x, x=np.zeros((8, 3))),
    "squares": lambda: pl.observe(lambda x: (x * x) * (x * x) - x, x=1.5),
}


# What a drawing looks like


@pytest.mark.parametrize("name", SEEN)
def test_nothing_overlaps(name):
    check_drawing(SEEN[name]().draw())


@settings(max_examples=40)
@given(st.integers(5, 40), st.integers(0, 10**6))
def test_nothing_overlaps_in_random_graphs(nodes, seed):
    check_drawing(observe_random(nodes, seed).draw())


def test_the_logistic_loss_is_the_textbook_picture():
    drawing = Drawing(SEEN["loss"]().draw())
    assert sorted(drawing.labels("gate")) == sorted(["×", "Σ", "σ", "log", "1 −", "log", "1 −", "×", "×", "+", "−"])
    assert drawing.labels("input") == ["w", "x", "y"]
    assert drawing.labels("output") == ["loss"]
    assert drawing.group("p") == {"label": "σ", "caption": "p", "value": "0.7311", "gradient": "−1.368"}
    assert drawing.group("w") == {"label": "w", "value": "[−3, 2, −3]", "gradient": "[−0.2689, 0.2689, 0.5379]"}
    legend = next(box.name for box in drawing.texts if box.name.startswith("legend"))
    assert legend == "legend value above each wire, gradient of loss below"


def test_the_value_stands_above_the_wire_and_the_gradient_below():
    drawing = Drawing(SEEN["gate"]().draw())
    for group in drawing.groups:
        rect = group.find(SVG + "rect")
        wire = float(rect.get("y")) + float(rect.get("height")) / 2
        boxes = {element.get("class"): Drawing._measure(element) for element in group.iter(SVG + "text")}
        if "value" in boxes:
            assert boxes["value"].bottom < wire < boxes["gradient"].top
    wires = [path.get("d") for path in drawing.root.iter(SVG + "path") if path.get("class") == "wire"]
    assert len(wires) == 5  # x, y, z, q and the output


def test_wires_run_from_left_to_right_and_first_operands_stand_on_top():
    seen = pl.observe(lambda a, b: (b - a) / (a - b * 2), a=1.0, b=2.0)
    drawing = check_drawing(seen.draw())
    place = {box.name.removeprefix("outline of "): box for box in drawing.outlines}
    for node in seen:
        for source in node.node.inputs:
            if source.op.name != "constant":
                assert place[source.path].right < place[node.path].left
    divide = seen["value"].node
    assert place[divide.inputs[0].path].top < place[divide.inputs[1].path].top


def test_small_constants_stand_in_the_gates_that_use_them():
    def f(x):
        return (2 - x) + (x - 2) + (x + -3) + (x / 4) + (4 / x) + x**2 + x**0.3 + pl.maximum(x, 0.0) + 5 * x

    labels = Drawing(pl.observe(f, x=1.0).draw()).labels("gate")
    expected = {"2 −", "− 2", "− 3", "÷ 4", "4/x", "x²", "x^0.3", "max(·, 0)", "× 5"}
    assert expected <= set(labels), set(labels)
    assert set(labels) - expected == {"+"}


def test_large_values_are_told_by_shape_mean_and_spread():
    seen = observe_network()
    drawing = Drawing(seen.draw())
    w1 = seen["w1"].value
    assert drawing.group("w1")["value"] == f"float64[64, 100] {w1.mean():.3g} ± {w1.std():.3g}".replace("-", "−")
    gradient = seen["w1"].gradient
    assert drawing.group("w1")["gradient"] == f"{gradient.mean():.3g} ± {gradient.std():.3g}".replace("-", "−")
    assert any("mean ± standard deviation" in box.name for box in drawing.texts)


def chain(x, w):
    for _ in range(15):
        x = pl.tanh(x * w) + x
    return {"total": pl.sum(x), "x": x}


def test_a_long_drawing_goes_on_in_rows_that_a_window_shows():
    seen = pl.observe(chain, x=[0.123456, -1.5], w=[0.7654321, 2.25])
    drawing = check_drawing(seen.draw())
    assert drawing.width <= 1600
    names = [box.name for box in drawing.texts if box.name.startswith("row ")]
    assert names == [f"row row {number}" for number in range(1, len(names) + 1)] and len(names) > 2
    tops = [box.top for box in drawing.texts if box.name.startswith("row ")]
    assert tops == sorted(tops)
    row_of, leaving, arriving = {}, set(), set()
    for box, group in zip(drawing.outlines, drawing.groups, strict=True):
        row = sum(top < box.top for top in tops)
        label = group.find(SVG + "text").text
        if group.find(SVG + "rect").get("class") != "marker":
            row_of[box.name.removeprefix("outline of ")] = row
        elif label.startswith("row"):
            found = re.fullmatch(r"row (\d+) → (.*)", label)
            assert int(found[1]) < row
            arriving.add((int(found[1]), found[2], row))
        else:
            found = re.fullmatch(r"(.*) → rows? ([\d, –]+)", label)
            for told in found[2].split(", "):
                first, _, last = told.partition("–")
                leaving |= {(row, found[1], number) for number in range(int(first), int(last or first) + 1)}
    assert leaving == arriving
    paths = {node.path for node in seen if node.operation != "constant"}
    assert paths <= set(row_of), "every node is drawn, once"
    for row, name, _ in leaving:
        assert row_of[name] == row, "a value goes on from the row that it stands in"
    wanted = {
        (row_of[source.path], row_of[node.path])
        for node in seen
        for source in node.node.inputs
        if row_of[source.path] != row_of[node.path]
    }
    assert wanted == {(row, other) for row, _, other in leaving}, "and to those that use it"


def test_an_input_of_a_long_drawing_stands_in_the_row_that_uses_it():
    def late(x, w):
        return chain(x, x)["total"] + w

    drawing = check_drawing(pl.observe(late, x=[0.123456, -1.5], w=4.0).draw())
    labels = [group.find(SVG + "text").text for group in drawing.groups]
    assert "w" in labels and not any(label.startswith("w →") or label.endswith("→ w") for label in labels)


def test_titles_tell_all_in_full():
    seen = SEEN["loss"]()
    titles = [group.find(SVG + "title").text for group in Drawing(seen.draw()).groups]
    (p,) = [title for title in titles if title.startswith("p\n")]
    assert p.split("\n") == [
        "p",
        "p = sigmoid(sum)",
        "p = sigmoid(1) = 0.731059",
        f"value {float(seen['p'].value)!r}",
        f"gradient {float(seen['p'].gradient)!r}",
    ]


# What an SVG file has to be


def test_any_name_makes_lawful_xml():
    name = 'a<b>&\\"c\\u0001\\ud800 é 層'
    text = f'input "{name}": float64[]\n"</svg>": float64[] = exp("{name}")\noutput "]]>&amp;" = "</svg>"\n'
    seen = pl.observe(pl.parse(text), **{next(iter(pl.parse(text).inputs)): 1.0})
    drawing = check_drawing(seen.draw())
    assert drawing.labels("output") == ["]]>&amp;"]
    assert drawing.labels("input") == ['a<b>&"c\ufffd\ufffd é 層']
    assert drawing.group("</svg>")["value"] == "2.718"


def test_the_same_observation_gives_the_same_bytes_in_any_process():
    script = (
        "import hashlib, pellucid as pl\n"
        "f = lambda x, y, z: pl.tanh(x * y + z) * (x - z) + pl.exp(y) * pl.sum(x)\n"
        "text = pl.observe(f, x=1, y=2, z=[3, 4]).draw() + pl.observe(lambda a: a * (a - 1), a=1).draw()\n"
        "print(hashlib.sha256(text.encode()).hexdigest())"
    )
    root = str(Path(__file__).parent.parent)
    found = set()
    for seed in ("1", "2"):
        environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": root}
        done = subprocess.run(
            [sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr
        found.add(done.stdout)
    assert len(found) == 1


def test_colours_are_readable_on_light_and_dark_ground():
    style = ElementTree.fromstring(SEEN["gate"]().draw()).find(SVG + "style").text
    light, dark = style.split("@media (prefers-color-scheme: dark)")
    for rules in (light, dark):
        fill = dict(re.findall(r"\.pellucid \.([\w-]+) \{ fill: (#\w{6})", rules))
        for text in ("value", "gradient", "caption", "legend"):
            assert contrast(fill[text], fill["ground"]) >= 4.5, text
        for outline in ("gate", "input", "output"):
            assert contrast(fill["label"], fill[outline]) >= 7
        for kind, rim in re.findall(r"\.pellucid \.([\w-]+) \{ fill: [#\w]+; stroke: (#\w{6})", rules):
            assert contrast(rim, fill["ground"]) >= (3 if kind != "wire" else 2.5), kind


def contrast(one: str, other: str) -> float:
    """The contrast of two colours after WCAG 2."""

    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return sum(w * part for w, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_a_graph_of_hundreds_of_nodes_is_drawn_soon():
    seen = observe_random(400, 5)
    assert len(seen) >= 300
    start = time.process_time()
    text = seen.draw()
    assert time.process_time() - start < 2
    ElementTree.fromstring(text)


def test_a_drawing_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    seen, path = SEEN["gate"](), tmp_path / "graph.svg"
    assert seen.draw(path) is None
    assert path.read_text(encoding="utf-8") == seen.draw()
    path.write_text("old")

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(UsageError, match=r"graph\.svg.*No space left"):
        seen.draw(path)
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["graph.svg"]


def test_a_place_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"nowhere.*No such file"):
        SEEN["gate"]().draw(str(tmp_path / "nowhere" / "graph.svg"))


# The layout alone


@settings(max_examples=60)
@given(st.integers(2, 60), st.integers(0, 10**6), st.integers(1, 30))
def test_rooms_are_disjoint_and_wires_keep_out_of_them(count, seed, reach):
    choose = random.Random(seed)
    rooms = [Room(*(choose.uniform(2, 60) for _ in range(4)), 2.0, choose.random() < 0.5) for _ in range(count)]
    edges = [(choose.randrange(max(0, target - reach), target), target) for target in range(1, count)]
    edges += [tuple(sorted(choose.sample(range(count), 2))) for _ in range(count // 2)]
    plan = lay_out(rooms, edges)
    boxes = [
        Box(x - room.left, y - room.up, x + room.right, y + room.down, str(index))
        for index, (room, (x, y)) in enumerate(zip(rooms, plan.centres, strict=True))
    ]
    slack = 0.02  # places are rounded
    for one, other in combinations([Box(b.left, b.top + slack, b.right, b.bottom - slack, b.name) for b in boxes], 2):
        assert not one.overlaps(other)
    for box in boxes:
        assert box.left >= -slack and box.top >= -slack
        assert box.right <= plan.width + slack and box.bottom <= plan.height + slack
    for (source, target), points in zip(edges, plan.wires, strict=True):
        assert boxes[source].right <= points[0][0] + slack and points[-1][0] <= boxes[target].left + slack
        assert all(a[0] <= b[0] for a, b in pairwise(points))
        for start, end in zip(points[1::2], points[2::2], strict=False):
            assert start[1] == end[1]
            for box in boxes:
                inside = box.left < end[0] and start[0] < box.right and box.top < start[1] < box.bottom
                assert not inside


def test_a_tree_is_drawn_without_crossings_and_its_parents_between_their_children():
    depth = 5
    levels = [[(level, place) for place in range(2**level)] for level in range(depth, -1, -1)]
    order = [vertex for level in levels for vertex in level]
    choose = random.Random(7)
    for level in levels:
        choose.shuffle(level)
    order = [vertex for level in levels for vertex in level]
    index = {vertex: number for number, vertex in enumerate(order)}
    edges = [(index[level, place], index[level - 1, place // 2]) for level, place in order if level]
    plan = lay_out([Room(10, 10, 10, 10)] * len(order), edges)
    for level in range(1, depth + 1):
        column = sorted((plan.centres[index[level, place]][1], place // 2) for place in range(2**level))
        parents = [parent for _, parent in column]
        heights = [plan.centres[index[level - 1, parent]][1] for parent in dict.fromkeys(parents)]
        assert len(heights) == 2 ** (level - 1) and all(parents[i] == parents[i + 1] for i in range(0, len(parents), 2))
        assert heights == sorted(heights)
        for at in range(0, len(column), 2):
            middle = (column[at][0] + column[at + 1][0]) / 2
            assert math.isclose(plan.centres[index[level - 1, parents[at]]][1], middle, abs_tol=1.0)


def test_nothing_to_lay_out():
    plan = lay_out([], [])
    assert (plan.width, plan.height, plan.centres, plan.wires) == (0, 0, (), ())


def test_layout_is_deterministic():
    choose = random.Random(1)
    edges = [tuple(sorted(choose.sample(range(40), 2))) for _ in range(70)]
    rooms = [Room(10, 30, 10, 10)] * 40
    texts = {hashlib.sha256(repr(lay_out(rooms, edges)).encode()).hexdigest() for _ in range(3)}
    assert len(texts) == 1
