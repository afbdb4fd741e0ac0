"""Every kind of picture of dozens of graphs and networks: no letters over others, none cut off, frames included."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest
from svg_boxes import SVG, outside, overlapping, texts_of
from test_draw import SEEN, chain, observe_random

import pellucid as pl
from pellucid.graph.builder import Builder

ACTIVATIONS = ("tanh", "relu", "gelu", "sigmoid", "softsign")


def two_heads(context, a, b):
    hidden = pl.Dense(3, "tanh")(context, pl.concatenate([a, b], axis=1))
    return {"mean": pl.Dense(1)(context, hidden), "spread": pl.Dense(2, "softplus")(context, hidden)}


def with_categories(context, a, k):
    return pl.Dense(2)(context, pl.concatenate([a, pl.Embedding(5, 2)(context, k)], axis=1))


def twice(shared):
    return [pl.Dense(3), shared, shared, pl.Dense(1)]


NETWORKS = {
    "two heads": pl.Network(two_heads, inputs={"a": 2, "b": 1}),
    "categories": pl.Network(with_categories, inputs={"a": 2, "k": pl.int32[()]}),
    "shared": pl.Network(twice(pl.Dense(3, "tanh")), inputs=2),
    "shortcut": pl.Network([pl.Dense(3, "tanh"), pl.Shortcut([pl.Dense(3, "relu")]), pl.Dense(1)], inputs=2),
    "normalized": pl.Network([pl.Dense(4, "gelu"), pl.LayerNorm(), pl.Dropout(0.2), pl.Dense(3)], inputs=3),
    "unit by unit": pl.Network([pl.Units(2, [(0, 2), (1, 2), (0, 3), (2, 3)], "tanh")], inputs=2),
    "large": pl.Network([pl.Dense(200, "relu"), pl.Dense(50, "tanh"), pl.Dense(10)], inputs=30),
    "deep": pl.Network([*(pl.Dense(5, "relu") for _ in range(9)), pl.Dense(1)], inputs=4),
    "long names": pl.Network([pl.Dense(2, name="a_layer_with_a_name_" * 9), pl.Dense(2)], inputs={"an input " * 9: 2}),
} | {
    f"{inputs} to {units}, {activation}": pl.Network([pl.Dense(units, activation), pl.Dense(outputs)], inputs=inputs)
    for place, activation in enumerate(ACTIVATIONS)
    for inputs, units, outputs in ((1 + place, 7 - place, 1), (8 - place, 2 + place, 1 + place % 3))
}


def observe_network(name: str, rows: int):
    """A network with numbers of all sizes, and the gradients of the sum of its outputs' squares."""
    network = NETWORKS[name]
    builder = Builder()
    graph = network.graph(rows)
    here = builder.copy(graph)
    outputs = {output: here[node] for output, node in graph.outputs.items()}
    with pl.scope("loss"):
        loss = sum((pl.sum(value * value) for value in outputs.values()), start=builder.constant(0.0, pl.float32))
    graph = builder.finish({**outputs, "loss": builder.name(loss, "loss")})
    rng = np.random.default_rng(len(name))
    given = {
        path: np.asarray(rng.normal(size=node.type.shape) * 10.0 ** rng.integers(-4, 4), node.type.dtype.numpy)
        if node.type.dtype.is_float
        else np.zeros(node.type.shape, node.type.dtype.numpy)
        for path, node in graph.inputs.items()
    }
    return pl.observe(graph, of="loss", **given)


def require_legible(svg: str) -> None:
    texts = texts_of(svg)
    assert not overlapping(texts)
    assert not outside(svg, texts)
    assert all(text.size >= 11 for text in texts)


def test_letters_over_letters_are_found():
    turned = '<g transform="translate(50 40) rotate(30)"><text x="-20" y="0" font-size="12">0.512</text></g>'
    for x, y, found in ((42, 40, True), (25, 50, False), (90, 40, False)):  # the second is near the turned one's corner
        text = f'<text x="{x}" y="{y}" font-size="12">1.5</text>'
        svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 200 100">{turned}{text}</svg>'
        assert bool(overlapping(texts_of(svg))) == found, (x, y)
    assert outside(svg.replace("0 0 200", "0 0 90"), texts_of(svg)) == ["1.5"]


@pytest.mark.parametrize("name", SEEN)
def test_graphs_and_all_their_frames(name):
    seen = SEEN[name]()
    require_legible(seen.draw())
    for frame in seen.frames():
        require_legible(frame)


@pytest.mark.parametrize("seed", range(8))
def test_random_graphs_in_wide_and_narrow_pictures(seed):
    seen = observe_random(10 + 4 * seed, seed)
    for width in (600, 1600):
        require_legible(seen.draw(width=width))
    frames = seen.frames(width=1000)
    for frame in (frames[0], frames[len(frames) // 2], frames[-1]):
        require_legible(frame)


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_in_both_views_on_one_example_and_on_several(name):
    for rows in (1, 5):
        seen = observe_network(name, rows)
        require_legible(seen.draw())
        require_legible(seen.draw(view="neurons"))
        frames = seen.frames(view="neurons")
        for frame in frames if rows == 1 else (frames[0], frames[-1]):
            require_legible(frame)


def test_weights_stand_beside_the_units():
    for name in NETWORKS:
        svg = observe_network(name, 1).draw(view="neurons")
        circles = [
            (float(c.get("cx")), float(c.get("cy")), float(c.get("r")))
            for c in ElementTree.fromstring(svg).iter(SVG + "circle")
        ]
        for text in texts_of(svg):
            if text.kind == "label":
                for x, y, radius in circles:
                    assert np.hypot(*(text.corners - [x, y]).T).min() > radius, text.said


def test_a_long_chain_of_arrays():
    require_legible(pl.observe(chain, x=[0.123456, -1.5], w=[0.7654321, 2.25]).draw(width=900))
