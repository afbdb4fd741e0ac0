"""Local derivatives, and the numbers at the ends of wires that tell them."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest
from svg_boxes import SVG, texts_of
from test_draw import SEEN, check_drawing

import pellucid as pl
from pellucid.inspection.drawing.local import ONE_BY_ONE, local_derivatives

OPERATIONS = {
    "multiply": lambda x, y: x * y,
    "divide": lambda x, y: x / y,
    "power": lambda x, y: pl.maximum(x, 0.1) ** y,
    "select": lambda x, y: pl.select(x > y, x, 2 * y),
    "gelu": lambda x, y: pl.gelu(x * y),
    "log_sum_exp": lambda x, y: pl.log_sum_exp(x * y, axis=1),
    "mean": lambda x, y: pl.mean(x - y, axis=0),
    "max": lambda x, y: pl.max(x + y, axis=1),
    "transpose": lambda x, y: pl.transpose(x) @ (x * y),
    "concatenate": lambda x, y: pl.concatenate([x, x * y], axis=1),
    "reshape": lambda x, y: pl.reshape(x * y, (6,)),
    "slice": lambda x, y: (x * y)[:, 1:],
}


def evaluate(node, operands):
    return np.asarray(node.op.evaluate(tuple(operands), dict(node.params), node.type), float)


@pytest.mark.parametrize("name", OPERATIONS)
def test_local_derivatives_are_central_differences_of_each_operation_alone(name):
    rng = np.random.default_rng(3)
    seen = pl.observe(OPERATIONS[name], x=rng.normal(size=(2, 3)), y=rng.uniform(0.5, 1.5, size=(2, 3)))
    found = local_derivatives(seen)
    checked = 0
    for node, slopes in found.items():
        operands = [np.asarray(seen[source.path].value) for source in node.inputs]
        for place, slope in enumerate(slopes):
            if slope is None:
                continue
            total, h = np.zeros(operands[place].shape), 1e-6
            for index in np.ndindex(operands[place].shape):
                more, less = ([np.array(operand) for operand in operands] for _ in range(2))
                more[place][index] += h
                less[place][index] -= h
                total[index] = (evaluate(node, more) - evaluate(node, less)).sum() / (2 * h)
            assert slope.shape == total.shape == operands[place].shape
            np.testing.assert_allclose(slope, total, atol=1e-7)
            checked += 1
    assert checked and all(node.op.name in ONE_BY_ONE or type(node.op).__name__ == "Elementwise" for node in found)


def test_an_operand_that_is_broadcast_has_a_derivative_for_each_element_of_the_result():
    x, w = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([5.0, 6.0])
    seen = pl.observe(lambda x, w: x * w, x=x, w=w)
    (slopes,) = local_derivatives(seen).values()
    np.testing.assert_array_equal(slopes[0], [[5.0, 6.0], [5.0, 6.0]])
    np.testing.assert_array_equal(slopes[1], x)  # each element of w enters two of the result


def test_a_value_that_enters_twice_has_a_derivative_at_each_entry():
    drawing = check_drawing(pl.observe(lambda x: x * x, x=3.0).draw())
    assert sorted(t.name for t in drawing.texts if t.name.startswith("slope")) == ["slope ∂ 3", "slope ∂ 3"]


def test_products_of_matrices_have_none_but_those_with_one_number_do():
    rng = np.random.default_rng(0)
    a, b, v = rng.normal(size=(2, 3)), rng.normal(size=(3, 4)), rng.normal(size=3)
    assert not local_derivatives(pl.observe(lambda a, b: a @ b, a=a, b=b))
    ((one, other),) = local_derivatives(pl.observe(lambda v, w: v @ w, v=v, w=v + 1)).values()
    np.testing.assert_array_equal(one, v + 1)
    np.testing.assert_array_equal(other, v)
    assert not local_derivatives(pl.observe(lambda x: x > 0, x=1.0))


def entries(svg):
    """The local derivatives as (place, text), each with the label of the gate that it stands before."""
    root = ElementTree.fromstring(svg)
    moved = next(g for g in root if g.tag == SVG + "g")
    gates = [g for g in moved if g.tag == SVG + "g" and g.find(SVG + "rect").get("class") == "gate"]
    found = {}
    for text in moved.iter(SVG + "text"):
        if text.get("class") != "slope":
            continue
        x, y = float(text.get("x")), float(text.get("y"))
        near = min(gates, key=lambda g: distance(g.find(SVG + "rect"), x, y))
        found.setdefault(near.find(SVG + "text").text, []).append((y, text.text))
    return {label: [told for _, told in sorted(each)] for label, each in found.items()}


def distance(rect, x, y):
    left, top, height = (float(rect.get(name)) for name in ("x", "y", "height"))
    return abs(left - x) + 10 * abs(top + height / 2 - y) if left > x else np.inf


def test_the_derivative_by_an_operand_stands_where_its_wire_enters():
    seen = pl.observe(lambda a, b: (a / b) * pl.exp(a - 2 * b), a=2.0, b=4.0)
    found = entries(seen.draw())
    assert found["÷"] == ["∂ 0.25", "∂ −0.125"]  # 1 / b above, -a / b**2 below
    assert found["−"] == ["∂ 1", "∂ −1"]
    assert found["exp"] == [f"∂ {np.exp(2.0 - 8.0):.3g}"]
    assert found["× 2"] == ["∂ 2"]
    assert sorted(found["×"]) == sorted(["∂ 0.5", f"∂ {np.exp(-6.0):.3g}"])


def test_gradients_are_what_came_in_times_the_local_derivatives_along_all_wires():
    """The picture in numbers: at every value, the gradients of its users times the derivatives at their entries."""
    seen = SEEN["loss"]()
    found = local_derivatives(seen)
    for node in seen:
        users = [
            np.sum(np.asarray(seen[user.path].gradient) * slope * np.ones(node.value.shape), where=True)
            if not np.shape(node.value)
            else np.asarray(seen[user.path].gradient) * slope
            for user, slopes in found.items()
            for source, slope in zip(user.inputs, slopes, strict=True)
            if source is node.node and slope is not None
        ]
        if users:
            np.testing.assert_allclose(sum(users), node.gradient, atol=1e-12)


def test_arrays_are_told_in_short_and_the_same_everywhere_as_one_number():
    x = np.linspace(-2, 2, 40)
    seen = pl.observe(lambda x: pl.sum(pl.tanh(x) + x), x=x)
    told = [text.said for text in texts_of(seen.draw()) if text.kind == "slope"]
    slope = 1 - np.tanh(x) ** 2
    assert f"∂ {slope.mean():.3g} ± {slope.std():.3g}" in told
    assert told.count("∂ 1") == 3 and len(told) == 4


def test_derivatives_at_bad_points_are_told_as_they_are():
    told = [t.said for t in texts_of(pl.observe(lambda x: pl.log(x) + pl.sqrt(x), x=0.0).draw()) if t.kind == "slope"]
    assert told.count("∂ inf") == 2
