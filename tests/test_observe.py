"""Observation: values, gradients and formulas of every node against closed forms; tables as text and HTML."""

from __future__ import annotations

import math
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pellucid as pl
from pellucid.errors import GraphError
from pellucid.inspection.formula import summarize, write_formula, write_formula_with_numbers
from pellucid.inspection.observe import infer_types


def loss(w, x, y):
    p = pl.sigmoid(pl.sum(w * x))
    return -(y * pl.log(p) + (1 - y) * pl.log(1 - p))


def gate(x, y, z):
    q = x + y
    return q * z


def observe_loss():
    return pl.observe(loss, w=[-3, 2, -3], x=[1, -1, -2], y=1.0)


def only(seen, operation):
    found = [node for node in seen if node.operation == operation]
    assert len(found) == 1
    return found[0]


def close(value, expected):
    np.testing.assert_allclose(np.asarray(value), np.asarray(expected), rtol=0, atol=1e-12)


def test_add_distributes_and_multiply_switches():
    seen = pl.observe(gate, x=-2, y=5, z=-4)
    assert {node.path: (float(node.value), float(node.gradient)) for node in seen} == {
        "x": (-2.0, -4.0),
        "y": (5.0, -4.0),
        "z": (-4.0, 3.0),
        "q": (3.0, -4.0),
        "gate": (-12.0, 1.0),
    }


def test_every_value_and_gradient_of_the_logistic_loss():
    seen = observe_loss()
    w, x, p = np.array([-3.0, 2.0, -3.0]), np.array([1.0, -1.0, -2.0]), 1 / (1 + math.exp(-1))
    close(p, 0.7310585786300049)
    log_p = next(node for node in seen if node.formula.endswith("= log(p)"))
    one_minus_p = next(node for node in seen if node.formula.endswith("= 1 - p"))
    one_minus_y = next(node for node in seen if node.formula.endswith("= 1 - y"))
    log_q = next(node for node in seen if node.formula.endswith(f"= log({one_minus_p.path})"))
    y_log_p = next(node for node in seen if node.formula.endswith(f"= y * {log_p.path}"))
    other = next(node for node in seen if node.formula.endswith(f"= {one_minus_y.path} * {log_q.path}"))
    product = next(node for node in seen if node.formula.endswith("= w * x"))
    expected = {
        "w": (w, (p - 1) * x),
        "x": (x, (p - 1) * w),
        "y": (1.0, math.log(1 - p) - math.log(p)),
        product.path: (w * x, np.full(3, p - 1)),
        only(seen, "sum").path: (1.0, p - 1),
        "p": (p, -1 / p),
        log_p.path: (math.log(p), -1.0),
        one_minus_p.path: (1 - p, 0.0),
        one_minus_y.path: (0.0, -math.log(1 - p)),
        log_q.path: (math.log(1 - p), 0.0),
        y_log_p.path: (math.log(p), -1.0),
        other.path: (0.0, -1.0),
        only(seen, "add").path: (math.log(p), -1.0),
        "loss": (0.3132616875182228, 1.0),
        only(seen, "constant").path: (1.0, -math.log(1 - p)),
    }
    assert set(expected) == {node.path for node in seen}
    for path, (value, gradient) in expected.items():
        close(seen[path].value, value)
        close(seen[path].gradient, gradient)
    close(seen["p"].gradient, -1.3678794411714423)
    close(seen["w"].gradient, [-0.2689414213699951, 0.2689414213699951, 0.5378828427399902])


def test_formulas_read_as_they_are_written():
    seen = observe_loss()
    assert seen["p"].formula == "p = sigmoid(sum)"
    assert seen["p"].formula_with_numbers == "p = sigmoid(1) = 0.731059"
    assert seen["loss"].formula == "loss = -add"
    assert seen["loss"].formula_with_numbers == "loss = -(-0.313262) = 0.313262"
    assert seen["sum"].formula_with_numbers == "sum = sum([-3, -2, 6]) = 1"
    assert seen["w"].formula == "w: float64[3]"
    assert only(seen, "constant").formula == "constant = 1"


@pytest.mark.parametrize(
    ("function", "types", "formula"),
    [
        (lambda a, b: a - b, "ss", "a - b"),
        (lambda a, b: a / b, "ss", "a / b"),
        (lambda a: a**2, "s", "a**2"),
        (lambda a: 0.1 * a, "s", "0.1 * a"),
        (lambda a, b: a >= b, "ss", "a >= b"),
        (lambda a, b: ~(a < b), "ss", "~less"),
        (lambda a: abs(a), "s", "|a|"),
        (lambda a, b: a @ b, "vv", "a @ b"),
        (lambda a, b: a @ b, "mv", "a @ b"),
        (lambda a, b: a @ b, "mm", "a @ b"),
        (lambda a: pl.sum(a), "m", "sum(a)"),
        (lambda a: pl.sum(a, axis=1), "m", "sum(a, axes=[1])"),
        (lambda a: pl.sum(a, axis=0, keepdims=True), "m", "sum(a, axes=[0], keepdims=True)"),
        (lambda a, b: pl.maximum(a, b), "ss", "maximum(a, b)"),
        (lambda a: pl.cast(a, pl.float32), "s", "float32(a)"),
    ],
)
def test_formula_of_an_operation(function, types, formula):
    shapes = {"s": (), "v": (3,), "m": (3, 3)}
    graph = pl.build(function, **{name: pl.float64[shapes[kind]] for name, kind in zip("ab", types, strict=False)})
    assert write_formula(graph["value"]) == formula


def test_names_that_are_not_words_are_quoted_and_large_values_are_not_put_in():
    graph = pl.parse('input "a b": float64[5]\ninput c: float64[]\ny: float64[5] = multiply("a b", c)\noutput y = y\n')
    assert write_formula(graph["y"]) == '"a b" * c'
    assert write_formula_with_numbers(graph["y"], {"a b": np.zeros(5), "c": 1.0}) is None
    seen = pl.observe(graph, **{"a b": np.arange(5.0), "c": 2})
    assert seen["y"].formula_with_numbers is None
    np.testing.assert_array_equal(seen["y"].value, [0, 2, 4, 6, 8])


@given(st.floats(-2, 2))
def test_gradients_add_up_where_a_value_is_used_more_than_once(x):
    def f(x):
        a = x * x
        b = a * x
        return a * b + a

    seen = pl.observe(f, x=x)
    a = x * x
    np.testing.assert_allclose(seen["b"].gradient, a, atol=1e-12)
    np.testing.assert_allclose(seen["a"].gradient, 2 * a * x + 1, atol=1e-12)
    np.testing.assert_allclose(seen["x"].gradient, 5 * x**4 + 2 * x, atol=1e-12)


def test_no_gradient_without_a_way_to_the_output_and_zero_where_the_slope_is():
    def f(x, y, c):
        flat = pl.select(x > 0, 1.0, 0.0)
        return {"loss": x * x + flat, "side": y * c, "pair": pl.reshape(y, (1,))}

    seen = pl.observe(f, "loss", x=3.0, y=2.0, c=4.0)
    assert seen["y"].gradient is None and seen["side"].gradient is None
    assert seen["side"].value == 8.0
    assert only(seen, "greater").gradient is None
    assert seen["x"].gradient == 6.0
    assert seen["flat"].gradient == 1.0
    assert pl.observe(f, of="side", x=3.0, y=2.0, c=4.0)["c"].gradient == 2.0


def test_only_values_without_a_scalar_output():
    seen = pl.observe(lambda x: 2 * x, x=[1, 2])
    assert seen.of is None
    np.testing.assert_array_equal(seen["value"].value, [2.0, 4.0])
    assert all(node.gradient is None for node in seen)
    assert str(seen).splitlines()[0].split() == ["node", "formula", "with", "numbers", "value"]


def test_one_output_has_to_be_chosen_among_several():
    def f(x):
        return {"a": x * x, "b": x + 1, "v": pl.reshape(x, (1,))}

    with pytest.raises(GraphError, match=r"a, b.*of=\"b\""):
        pl.observe(f, x=1.0)
    with pytest.raises(GraphError, match="no output 'c'"):
        pl.observe(f, of="c", x=1.0)
    with pytest.raises(GraphError, match="a or b"):
        pl.observe(f, of="v", x=1.0)


def test_types_follow_from_the_inputs():
    given_inputs = {
        "a": 1,
        "b": [1, 2.5],
        "c": np.float32(1),
        "d": np.array([1, 2]),
        "e": [True, False],
        "f": [[1], [2]],
    }
    assert {name: str(type) for name, type in infer_types(given_inputs).items()} == {
        "a": "float64[]",
        "b": "float64[2]",
        "c": "float32[]",
        "d": "int64[2]",
        "e": "bool[2]",
        "f": "float64[2, 1]",
    }
    with pytest.raises(GraphError, match=r"input 'x'.*rows differ"):
        infer_types({"x": [[1, 2], [3]]})
    with pytest.raises(GraphError, match="input 'x': not numbers"):
        infer_types({"x": "one"})


def test_inputs_that_do_not_fit_are_named():
    with pytest.raises(GraphError, match="argument: 'z'"):
        pl.observe(gate, x=1, y=2)
    graph = pl.build(gate, x=pl.float64[()], y=pl.float64[()], z=pl.float64[()])
    with pytest.raises(GraphError, match="missing 'z'"):
        pl.observe(graph, x=1, y=2)


def test_an_observation_is_a_mapping_in_topological_order():
    seen = observe_loss()
    paths = [node.path for node in seen]
    assert len(seen) == len(paths) == len(seen.graph)
    for node in seen:
        assert all(paths.index(source.path) < paths.index(node.path) for source in node.node.inputs)
        assert seen[node.path] is node and node.path in seen
    with pytest.raises(GraphError, match="Did you mean 'loss'"):
        seen["los"]
    assert "nothing" not in seen


def test_an_output_is_found_by_its_own_name_too():
    graph = pl.parse("input x: float64[]\ny: float64[] = multiply(x, x)\noutput loss = y\n")
    seen = pl.observe(graph, x=3)
    assert seen["loss"] is seen["y"]
    assert seen.of == "loss" and seen["x"].gradient == 6.0


def test_what_is_observed_already_as_a_gradient_graph_can_be_observed_again():
    graph = pl.differentiate(pl.build(lambda x: x * x * x, x=pl.float64[()]), "x")
    seen = pl.observe(graph, of="d value / d x", x=2.0)
    assert seen["d value / d x"].value == 12.0
    assert seen["x"].gradient == 12.0


def test_table():
    assert str(pl.observe(gate, x=-2, y=5, z=-4)) == (
        "node  formula  with numbers  value  d gate / d node\n"
        "----  -------  ------------  -----  ---------------\n"
        "x     input                  -2     -4\n"
        "y     input                  5      -4\n"
        "z     input                  -4     3\n"
        "q     x + y    (-2) + 5      3      -4\n"
        "gate  q * z    3 * (-4)      -12    1\n"
    )


def test_columns_of_a_table_are_aligned_and_constants_stand_in_the_formulas():
    lines = str(observe_loss()).splitlines()
    starts = [match.start() for match in re.finditer(r"-+", lines[1])]
    for line in lines:
        assert all(start == 0 or line[start - 1 : start] in (" ", "") for start in starts)
    assert not any(line.startswith("constant") for line in lines)
    assert "1 - p" in lines[11]


def test_large_arrays_are_folded():
    rng = np.random.default_rng(0)

    def network(x, w):
        return pl.mean(pl.tanh(x @ w))

    seen = pl.observe(network, x=rng.normal(size=64), w=rng.normal(size=(64, 100)))
    assert max(map(len, str(seen).splitlines())) < 200
    w = seen["w"].value
    assert f"[64, 100] mean {w.mean():.4g}, spread {w.std():.4g}, {w.min():.4g} to {w.max():.4g}" in str(seen)
    assert seen["w"].gradient.shape == (64, 100)


def test_truth_values_are_counted():
    seen = pl.observe(lambda x: x > 3, x=np.arange(10.0))
    assert "bool[10] true in 6 of 10" in str(seen)


def test_values_are_shortened_to_what_can_be_read():
    assert summarize(np.float64(0.1234567891)) == "0.123457"
    assert summarize(np.array([[1.0, np.nan], [np.inf, -0.0]])) == "[[1, nan], [inf, 0]]"
    assert summarize(np.array([True, False])) == "[True, False]"
    assert summarize(np.arange(6)) == "[0, 1, 2, 3, 4, 5]"
    assert summarize(np.array([np.nan] * 7)) == "float64[7] min nan mean nan max nan"
    assert summarize(np.zeros((0, 3))) == "float64[0, 3]"
    assert summarize(np.zeros((0,))) == "[]"


def test_html_is_escaped():
    graph = pl.parse(
        'input "<b>&x": float64[]\n"a<b": float64[] = multiply("<b>&x", "<b>&x")\noutput "<out>" = "a<b"\n'
    )
    page = pl.observe(graph, **{"<b>&x": 2.0})._repr_html_()
    table = ElementTree.fromstring(page)
    cells = [cell.text for cell in table.iter("td")]
    assert "<b>&x" in cells and "a<b" in cells and '"<b>&x" * "<b>&x"' in cells
    assert [head.text for head in table.iter("th")][-1] == "d <out> / d node"
    assert "<b>" not in page
