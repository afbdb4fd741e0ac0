"""The neuron view of any network: units, edges and their weights, and layers with histograms, all true."""

from __future__ import annotations

import re
from collections import Counter
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from svg_boxes import SVG, texts_of

import pellucid as pl
from pellucid.inspection.drawing.histograms import BINS, HEIGHT, count_numbers, paint_histogram
from pellucid.inspection.drawing.svg import write_short

ROWS = np.array([[0.5, -1.0], [1.0, 0.25], [-0.75, 2.0]])


def fitted(body, inputs=2, targets=None, loss="squared_error", **weights):
    """A fit whose parameters are those given, drawn at random otherwise."""
    network = pl.Network(body, inputs=inputs, dtype="float64")
    names = list(network.inputs)
    given = {name: ROWS[:, : network.inputs[name].shape[0]] for name in names}
    data = pl.Dataset(given, np.zeros((3, 1)) if targets is None else targets)
    start = network.initialize(4) | {path.replace("__", "/"): np.array(w, float) for path, w in weights.items()}
    fit = pl.fit(
        network,
        data,
        loss=loss,
        epochs=1,
        start_from=start,
        optimizer="gradient_descent",
        executor="interpret",
        settings={"learning_rate": 0.0},
    )
    return fit, data


class Picture:
    def __init__(self, svg):
        self.svg, self.root = svg, ElementTree.fromstring(svg)
        self.said = [text.said for text in texts_of(svg)]

    def circles(self, *kinds):
        return [c for c in self.root.iter(SVG + "circle") if c.get("class") in (kinds or ("input", "unit", "output"))]

    def edges(self):
        return [p for p in self.root.iter(SVG + "path") if p.get("class") in ("positive", "negative")]

    def titles(self):
        found = [g.find(SVG + "title").text for g in self.root.iter(SVG + "g") if g.find(SVG + "title") is not None]
        return {text.split("\n")[0]: dict(line.rsplit(" ", 1) for line in text.split("\n")[1:]) for text in found}

    def kinds(self, kind):
        return [text.said for text in texts_of(self.svg) if text.kind == kind]


def picture(fit, data, rows):
    seen = pl.observe(fit, data, rows=rows)
    return seen, Picture(seen.draw(view="neurons"))


# One example, few units


def test_units_have_their_values_and_gradients_and_edges_their_weights():
    w1, b1 = np.array([[1.0, -0.5, 2.0], [0.5, 1.5, -1.0]]), np.array([0.5, 0.0, -0.5])
    w2, b2 = np.array([[1.0], [-2.0], [1.5]]), np.array([0.25])
    fit, data = fitted(
        [pl.Dense(3, "tanh"), pl.Dense(1)], dense_1__weight=w1, dense_1__bias=b1, dense_2__weight=w2, dense_2__bias=b2
    )
    _, found = picture(fit, data, 1)
    hidden = np.tanh(ROWS[1] @ w1 + b1)
    output = (hidden @ w2 + b2).item()  # which is the gradient of half its square, too
    told = found.titles()
    for place in range(3):
        unit = told[f"dense_1 unit {place + 1}"]
        np.testing.assert_allclose(float(unit["value"]), hidden[place])
        np.testing.assert_allclose(float(unit["gradient of loss"]), output * w2[place, 0])
        np.testing.assert_allclose(float(unit["bias"]), b1[place])
    np.testing.assert_allclose(float(told["output"]["value"]), output)
    to_inputs = w1 @ (output * w2[:, 0] * (1 - hidden**2))
    np.testing.assert_allclose([float(told[f"x {place}"]["gradient of loss"]) for place in (1, 2)], to_inputs)
    edges = found.edges()
    weights = [*w1.ravel(), *w2.ravel()]
    assert [edge.get("class") == "negative" for edge in edges] == [weight < 0 for weight in weights]
    widths = np.array([float(edge.get("stroke-width")) for edge in edges])
    for layer, matrix in ((slice(0, 6), w1), (slice(6, 9), w2)):
        sizes = np.abs(matrix).ravel()
        np.testing.assert_allclose(widths[layer], 0.8 + 2.4 * sizes / sizes.max(), atol=0.01)
    assert Counter(found.kinds("label")) >= Counter(map(write_short, weights))


def heads(context, x):
    hidden = pl.Dense(3, "tanh")(context, x)
    return {"mean": pl.Dense(1)(context, hidden), "spread": pl.Dense(2, "softplus")(context, hidden)}


def test_outputs_that_take_the_same_units_stand_in_one_column():
    targets = {"mean": np.zeros((3, 1)), "spread": np.ones((3, 2))}
    fit, data = fitted(heads, targets=targets, loss={"mean": "squared_error", "spread": "squared_error"})
    seen, found = picture(fit, data, 0)
    told = found.titles()
    for name, place in (("mean", 0), ("spread 1", 0), ("spread 2", 1)):
        value = np.asarray(seen[name.split()[0]].value).ravel()[place]
        np.testing.assert_allclose(float(told[name]["value"]), value)
    assert len(found.circles("output")) == 3 and len(found.edges()) == 2 * 3 + 3 * 3


def test_a_network_given_unit_by_unit_has_exactly_its_edges():
    edges = [(0, 2), (1, 2), (0, 3), (1, 3), (2, 4), (3, 4), (0, 4)]
    fit, data = fitted([pl.Units(2, edges, ["tanh", "relu", "tanh"])])
    seen, found = picture(fit, data, 2)
    assert len(found.edges()) == len(edges)
    assert len(found.circles("copy")) == 1, "the first input, which the last unit takes too"
    assert found.said.count("x 1") == 2 and found.said.count("x 2") == 1
    weights = [np.asarray(seen[f"units_1/level_{level}/weight"].value) for level in (1, 2)]
    there = [*weights[0].ravel(), weights[1][0, 0], weights[1][2, 0], weights[1][3, 0]]
    assert {write_short(float(weight)) for weight in there} <= set(found.kinds("label"))


@pytest.mark.parametrize(
    "body, columns, copies",
    [
        ([pl.Dense(3, "tanh"), pl.ConcatenateShortcut([pl.Dense(2, "tanh")]), pl.Dense(1)], [2, 3, 2, 1], 3),
        ([pl.InputToAll([pl.Dense(3, "tanh"), pl.Dense(2, "tanh"), pl.Dense(1)])], [2, 3, 2, 1], 4),
        ([pl.Dense(3), pl.Shortcut([pl.Dense(3, "relu")]), pl.Dense(1)], [2, 3, 3, 3, 1], 0),
        ([pl.Dense(3, "gelu"), pl.LayerNorm(), pl.Dropout(0.3), pl.Dense(1)], [2, 3, 1], 0),
        ([pl.Dense(1)], [2, 1], 0),
    ],
)
def test_columns_of_all_sorts_of_networks(body, columns, copies):
    fit, data = fitted(body)
    seen, found = picture(fit, data, 0)
    centres = [float(circle.get("cx")) for circle in found.circles()]
    assert [centres.count(x) for x in sorted(set(centres))] == columns
    assert len(found.circles("copy")) == copies
    expected = sum(a.size for path, a in fit.parameters.items() if path.endswith("weight"))
    assert len(found.edges()) == expected
    assert float(found.titles()["output"]["value"]) == np.asarray(seen["output"].value).item()


def test_a_layer_that_is_used_twice_stands_twice():
    shared = pl.Dense(2, "tanh")
    fit, data = fitted([shared, shared, pl.Dense(1)])
    _, found = picture(fit, data, 0)
    weight, bias = fit.parameters["dense_1/weight"], fit.parameters["dense_1/bias"]
    assert all(found.kinds("label").count(write_short(float(w))) == 2 for w in weight.ravel())
    again = np.tanh(np.tanh(ROWS[:1] @ weight + bias) @ weight + bias)
    told = found.titles()
    np.testing.assert_allclose([float(told[f"dense_1 (2) unit {u}"]["value"]) for u in (1, 2)], again[0])


def test_numbers_that_are_not_finite_are_drawn():
    fit, _ = fitted([pl.Dense(2, "relu"), pl.Dense(1)])
    broken = fit.network.graph(1)
    parameters = fit.parameters | {"dense_1/weight": np.array([[np.nan, 1.0], [np.inf, -2.0]])}
    seen = pl.observe(broken, x=ROWS[:1], **parameters)
    found = Picture(seen.draw(view="neurons"))
    assert {"NaN", "∞"} <= set(found.said) and len(found.edges()) == 6


# Several examples, many units


def test_several_examples_fold_to_layers_with_the_numbers_of_all():
    fit, data = fitted([pl.Dense(3, "tanh"), pl.Dense(1)])
    seen, found = picture(fit, data, None)
    assert not found.circles() and "3 examples" in found.said
    values = np.asarray(seen["dense_1/tanh"].value)
    assert f"values {write_short(values.min())} to {write_short(values.max())}" in found.said
    assert f"mean {write_short(values.mean())}" in found.said and f"spread {write_short(values.std())}" in found.said
    weights = fit.parameters["dense_1/weight"]
    assert f"weights {write_short(weights.min())} to {write_short(weights.max())}" in found.said
    gradients = np.asarray(seen["dense_1/weight"].gradient)
    told = f"gradients of weights {write_short(gradients.min())} to {write_short(gradients.max())}"
    assert told in found.said


def test_the_next_step_of_a_training_is_drawn_as_its_network():
    seen = []
    network = pl.Network([pl.Dense(3, "relu"), pl.Dropout(0.5), pl.Dense(1)], inputs=2)
    data = pl.Dataset({"x": ROWS}, np.ones((3, 1)))

    def watch(event):
        if isinstance(event, pl.events.TrainingStarted):
            seen.append(pl.observe(event))

    pl.fit(network, data, loss="squared_error", epochs=1, on=watch, executor="interpret")
    found = Picture(seen[0].draw(view="neurons"))
    assert {"dense_1", "dropout_1", "dense_2", "loss"} <= set(found.said)
    assert not any("update" in text or "adam" in text for text in found.said), "the optimizer is none of its layers"


@given(hnp.arrays(float, st.integers(1, 60), elements=st.floats(-1e300, 1e300)))
def test_histograms_count_every_number_once_on_its_side_of_zero(numbers):
    found = count_numbers(numbers)
    assert found.counts.sum() == numbers.size and len(found.counts) <= BINS + 1 and not found.not_finite
    np.testing.assert_allclose(found.zeros, np.mean(numbers == 0))
    middles = found.start + (np.arange(len(found.counts)) + 0.5) * found.step
    below = found.counts[middles < 0].sum()
    scale = np.abs(numbers).max()
    assert abs(below - (numbers < 0).sum()) <= (np.abs(numbers) < 1e-9 * scale).sum()


def test_bars_are_as_high_as_there_are_numbers():
    numbers = np.array([-2.0] * 3 + [-1.0] * 6 + [0.0] + [1.0] * 12 + [np.nan, np.inf])
    found = count_numbers(numbers)
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 60">{"".join(paint_histogram(found, 0, 0))}</svg>'
    bars = [bar for bar in ElementTree.fromstring(svg).iter(SVG + "rect")]
    heights = [(bar.get("class"), round(float(bar.get("height")) / HEIGHT * 12)) for bar in bars]
    assert heights == [("minus", 3), ("minus", 6), ("plus", 1), ("plus", 12)]
    assert [t.said for t in texts_of(svg)][-1] == "not finite: 2"
    places = [float(bar.get("x")) for bar in bars]
    gaps = np.diff(places)
    np.testing.assert_allclose(gaps, gaps[0], rtol=0.3)


def test_a_rectifier_tells_its_share_of_zeros():
    fit, data = fitted([pl.Dense(40, "relu"), pl.Dense(1)])
    seen, found = picture(fit, data, 0)
    share = np.mean(np.asarray(seen["dense_1/relu"].value) == 0)
    assert 0 < share < 1 and f"exactly 0: {share:.0%}" in found.said
    assert re.search(r"40 units|2 → 40", " ".join(found.said))
