"""Gradients: closed forms, branches, shared values, derivatives of derivatives, and the mistakes that are told."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_graphs import random_graph

import pellucid as pl
from pellucid.errors import DeclarationError, GraphError
from pellucid.executors.interpret import compile as interpret
from pellucid.graph.differentiate import build_gradients
from pellucid.graph.graph import Graph, verify

SCALAR = pl.float64[()]
RNG = np.random.default_rng(5)


def gradient_of(function, **inputs) -> dict[str, np.ndarray]:
    """Return the gradient of a function with respect to each of its float inputs."""
    arrays = {
        name: np.asarray(value, None if np.asarray(value).dtype.kind in "bi" else float)
        for name, value in inputs.items()
    }
    types = {
        name: (pl.float64, pl.int64, pl.bool_)["fib".index(array.dtype.kind)][array.shape]
        for name, array in arrays.items()
    }
    graph = pl.differentiate(pl.build(lambda **values: {"y": function(**values)}, **types), of="y")
    found = pl.compile(graph)(**arrays)
    return {name.removeprefix("d y / d "): value for name, value in found.items() if name != "y"}


def derivatives(function, x: float, count: int) -> list[float]:
    """Return a function of one number and its first derivatives at x, each found by differentiating the one before."""
    graph, name, names = pl.build(lambda x: {"y": function(x)}, x=SCALAR), "y", ["y"]
    for _ in range(count):
        graph, name = pl.differentiate(graph, "x", of=name), f"d {name} / d x"
        names.append(name)
    found = pl.compile(graph)(x=x)
    return [float(found[name]) for name in names]


# -- closed forms -------------------------------------------------------------------------------------------------


def test_products_and_sums():
    found = gradient_of(lambda x, y, z: (x + y) * z, x=-2.0, y=5.0, z=-4.0)
    assert {name: float(value) for name, value in found.items()} == {"x": -4.0, "y": -4.0, "z": 3.0}


def test_linear_and_quadratic_forms():
    a, x = RNG.normal(size=(4, 4)), RNG.normal(size=4)
    np.testing.assert_allclose(gradient_of(lambda x: x @ a @ x, x=x)["x"], (a + a.T) @ x, rtol=1e-14)
    w, b = RNG.normal(size=(4, 3)), RNG.normal(size=3)
    found = gradient_of(lambda x, w, b: pl.sum(x @ w + b), x=x, w=w, b=b)
    np.testing.assert_allclose(found["x"], w.sum(axis=1), rtol=1e-14)
    np.testing.assert_allclose(found["w"], np.outer(x, np.ones(3)), rtol=1e-14)
    np.testing.assert_array_equal(found["b"], np.ones(3))


def test_least_squares():
    x, w, y = RNG.normal(size=(7, 3)), RNG.normal(size=(3, 2)), RNG.normal(size=(7, 2))
    found = gradient_of(lambda w: pl.mean((x @ w - y) ** 2), w=w)["w"]
    np.testing.assert_allclose(found, 2 * x.T @ (x @ w - y) / 14, rtol=1e-13)


def test_softmax_cross_entropy_is_probability_minus_target():
    z, label = RNG.normal(size=(5, 3)), np.array([0, 2, 1, 1, 0])
    found = gradient_of(lambda z: -pl.mean(pl.sum(pl.one_hot(label, 3) * pl.log_softmax(z), axis=1)), z=z)["z"]
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found, (p - np.eye(3)[label]) / 5, rtol=1e-13, atol=1e-16)


def test_broadcast_operands_get_their_own_shape():
    shapes = {"a": (), "b": (3,), "c": (2, 1), "d": (1, 3), "e": (4, 1, 1)}
    arrays = {name: RNG.normal(size=shape) for name, shape in shapes.items()}
    found = gradient_of(lambda a, b, c, d, e: pl.sum(a * b + c * d + e), **arrays)
    assert {name: value.shape for name, value in found.items()} == shapes
    assert float(found["a"]) == pytest.approx(8 * arrays["b"].sum())
    np.testing.assert_allclose(found["b"], np.full(3, 8 * arrays["a"]))
    np.testing.assert_allclose(found["c"], np.full((2, 1), 4 * arrays["d"].sum()))
    np.testing.assert_array_equal(found["e"], np.full((4, 1, 1), 6.0))


@pytest.mark.parametrize("k", range(5))
def test_powers(k):
    for x in (-1.5, 0.0, 2.0):
        assert float(gradient_of(lambda x: x**k, x=x)["x"]) == (k * x ** (k - 1) if k else 0.0)


# -- branches -----------------------------------------------------------------------------------------------------


def test_what_comes_back_from_branches_is_summed():
    assert float(gradient_of(lambda x: x + x * x + pl.exp(x), x=0.5)["x"]) == pytest.approx(
        2 + math.exp(0.5), rel=1e-15
    )
    assert float(gradient_of(lambda x: x * x * x * x, x=3.0)["x"]) == 108.0
    assert float(gradient_of(lambda x: x - x, x=3.0)["x"]) == 0.0


def test_a_value_used_in_both_places_of_an_operation():
    x = RNG.normal(size=(3, 3))
    np.testing.assert_allclose(
        gradient_of(lambda x: pl.sum(x @ x), x=x)["x"], x.sum(1)[None] + x.sum(0)[:, None], rtol=1e-13
    )
    assert float(gradient_of(lambda x: x**x, x=2.0)["x"]) == pytest.approx(4 * (math.log(2) + 1), rel=1e-15)
    assert float(gradient_of(lambda x: x / x, x=3.0)["x"]) == pytest.approx(0.0, abs=1e-16)
    assert float(gradient_of(lambda x: pl.maximum(x, x), x=3.0)["x"]) == 1.0
    found = gradient_of(lambda x: pl.sum(pl.concatenate([x, 2 * x, x])), x=[1.0, 2.0])["x"]
    np.testing.assert_array_equal(found, [4.0, 4.0])


def test_shared_rows_and_repeated_indices_add_up():
    found = gradient_of(lambda t: pl.sum(pl.gather(t, np.array([2, 0, 2, 2]))), t=np.zeros((3, 2)))["t"]
    np.testing.assert_array_equal(found, [[1, 1], [0, 0], [3, 3]])


def test_a_diamond_costs_a_node_for_each_node_not_for_each_path():
    def f(x):
        for _ in range(40):
            x = x + x
        return x

    graph = pl.differentiate(pl.build(f, x=SCALAR))
    assert len(graph) < 200
    assert pl.compile(graph)(x=1.0)["d f / d x"] == 2.0**40


def test_a_very_deep_graph():
    def f(x):
        for _ in range(700):
            x = x * 1.0 + 0.0
        return x

    assert pl.compile(pl.differentiate(pl.build(f, x=SCALAR)))(x=1.5)["d f / d x"] == 1.0


# -- with respect to what -----------------------------------------------------------------------------------------


def neuron(w, x, y):
    z = pl.sum(w * x)
    p = pl.sigmoid(z)
    return -(y * pl.log(p) + (1 - y) * pl.log(1 - p))


NEURON = pl.build(neuron, w=pl.float64[3], x=pl.float64[3], y=SCALAR)
AT = {"w": [-3.0, 2.0, -3.0], "x": [1.0, -1.0, -2.0], "y": 1.0}


def test_intermediate_nodes_and_the_output_itself():
    found = pl.compile(pl.differentiate(NEURON, ["p", "z", "w", "neuron"]))(**AT)
    p = 1 / (1 + math.exp(-1))
    assert found["neuron"] == pytest.approx(-math.log(p), rel=1e-15)
    assert found["d neuron / d p"] == pytest.approx(-1 / p, rel=1e-15)
    assert found["d neuron / d z"] == pytest.approx(p - 1, rel=1e-14)
    np.testing.assert_allclose(found["d neuron / d w"], (p - 1) * np.array(AT["x"]), rtol=1e-14)
    assert found["d neuron / d neuron"] == 1.0


def test_gradients_have_paths():
    graph = pl.differentiate(NEURON, "w")
    assert {"d neuron / d w", "d neuron / d p", "d neuron / d z"} <= {node.path for node in graph}
    assert list(graph.outputs) == ["neuron", "d neuron / d w"]
    assert graph.outputs["d neuron / d w"].path == "d neuron / d w"


def test_all_float_inputs_by_default():
    assert list(pl.differentiate(NEURON).outputs)[1:] == [f"d neuron / d {name}" for name in "wxy"]
    graph = pl.build(lambda x, n, c: pl.select(c, x * n, 0.0), x=SCALAR, n=pl.int64[()], c=pl.bool_[()])
    assert list(pl.differentiate(graph).outputs) == ["value", "d value / d x"]


def test_no_dependence_is_zero():
    graph = pl.build(lambda x, y: pl.sum(pl.exp(x)), x=pl.float64[2], y=pl.float64[3, 2])
    found = pl.compile(pl.differentiate(graph, ["y"]))(x=[0.0, 1.0], y=np.ones((3, 2)))
    np.testing.assert_array_equal(found["d value / d y"], np.zeros((3, 2)))
    graph = pl.build(lambda x: pl.cast(pl.sum(pl.cast(x > 0, pl.int64)), pl.float64) + 1.0, x=pl.float64[2])
    np.testing.assert_array_equal(pl.compile(pl.differentiate(graph))(x=[1.0, 2.0])["d value / d x"], [0, 0])
    np.testing.assert_array_equal(gradient_of(lambda x: pl.sum(pl.step(x) + pl.sign(x)), x=[1.0, -2.0])["x"], [0, 0])


def test_a_constant_output():
    graph = pl.build(lambda x: {"y": 3.0, "z": pl.sum(x)}, x=pl.float64[2])
    np.testing.assert_array_equal(pl.compile(pl.differentiate(graph, of="y"))(x=[1.0, 2.0])["d y / d x"], [0, 0])


def test_integers_and_truth_values_are_passed_by():
    found = gradient_of(lambda x, n: pl.sum(x * n), x=[1.0, 2.0], n=[3, 4])
    assert list(found) == ["x"]
    np.testing.assert_array_equal(found["x"], [3.0, 4.0])
    found = gradient_of(lambda x, c: pl.sum(pl.select(c, x * x, -x)), x=[3.0, 4.0], c=[True, False])
    np.testing.assert_array_equal(found["x"], [6.0, -1.0])
    found = gradient_of(lambda x, y: pl.sum(pl.select(x > y, x, y)), x=[1.0, 5.0], y=[2.0, 3.0])
    np.testing.assert_array_equal(found["x"], [0.0, 1.0])
    np.testing.assert_array_equal(found["y"], [1.0, 0.0])
    found = gradient_of(lambda t, i: pl.sum(pl.gather(t, i)), t=[1.0, 2.0], i=np.array([1, 1]))
    np.testing.assert_array_equal(found["t"], [0.0, 2.0])


def test_gradients_stop_where_told():
    assert float(gradient_of(lambda x: x * pl.stop_gradient(x), x=3.0)["x"]) == 3.0
    assert float(gradient_of(lambda x: pl.stop_gradient(x * x), x=3.0)["x"]) == 0.0
    graph = pl.build(lambda x: {"y": x * x + pl.stop_gradient(x * x)}, x=SCALAR)
    assert pl.compile(pl.differentiate(graph))(x=3.0) == {"y": 18.0, "d y / d x": 6.0}


def test_float32_stays_float32():
    graph = pl.differentiate(pl.build(lambda x: pl.sum(pl.tanh(x) * 2 / x), x=pl.float32[3]))
    assert graph.outputs["d value / d x"].type == pl.float32[3]
    assert not any(node.type.dtype is pl.float64 for node in graph)


def test_mixed_dtypes_come_back_in_their_own():
    def f(x, y):
        return pl.sum(pl.cast(x, pl.float64) * y)

    graph = pl.differentiate(pl.build(f, x=pl.float32[2], y=pl.float64[2]))
    assert graph.outputs["d f / d x"].type == pl.float32[2] and graph.outputs["d f / d y"].type == pl.float64[2]
    found = pl.compile(graph)(x=[1, 2], y=[3, 4])
    assert found["d f / d x"].tolist() == [3, 4] and found["d f / d y"].tolist() == [1, 2]


# -- again and again ----------------------------------------------------------------------------------------------


def test_derivatives_of_the_exponential_function():
    for value in derivatives(pl.exp, 0.7, 5):
        assert value == pytest.approx(math.exp(0.7), rel=1e-14)


def test_derivatives_of_logarithm_and_powers():
    assert derivatives(pl.log, 2.0, 4) == pytest.approx([math.log(2), 1 / 2, -1 / 4, 2 / 8, -6 / 16], rel=1e-14)
    assert derivatives(lambda x: x**4, 3.0, 5) == pytest.approx([81, 108, 108, 72, 24, 0], rel=1e-14)
    assert derivatives(lambda x: 1 / x, 2.0, 3) == pytest.approx([1 / 2, -1 / 4, 1 / 4, -3 / 8], rel=1e-14)
    assert derivatives(pl.sqrt, 4.0, 3) == pytest.approx([2, 1 / 4, -1 / 32, 3 / 256], rel=1e-14)


@pytest.mark.parametrize("x", [-2.0, -0.3, 0.0, 0.4, 3.0])
def test_third_derivatives_of_smooth_functions(x):
    import mpmath

    functions = {
        pl.tanh: mpmath.tanh,
        pl.sigmoid: lambda t: 1 / (1 + mpmath.exp(-t)),
        pl.softplus: lambda t: mpmath.log(1 + mpmath.exp(t)),
        pl.erf: mpmath.erf,
        pl.silu: lambda t: t / (1 + mpmath.exp(-t)),
        pl.gelu: lambda t: t * mpmath.ncdf(t),
        pl.mish: lambda t: t * mpmath.tanh(mpmath.log(1 + mpmath.exp(t))),
        (lambda x: pl.exp(pl.tanh(x * x) - x)): lambda t: mpmath.exp(mpmath.tanh(t * t) - t),
    }
    with mpmath.workdps(40):
        for ours, true in functions.items():
            found, wanted = derivatives(ours, x, 3), mpmath.taylor(true, x, 3)
            for order, (got, coefficient) in enumerate(zip(found, wanted, strict=True)):
                assert got == pytest.approx(float(coefficient * math.factorial(order)), rel=1e-12, abs=1e-14)


def test_hessian_of_a_quadratic_form_is_its_matrix():
    a = RNG.normal(size=(4, 4))
    first = pl.differentiate(pl.build(lambda x: {"y": 0.5 * (x @ (a + a.T) @ x)}, x=pl.float64[4]))
    rows = []
    for at in range(4):
        one = pl.build(lambda x, at=at: {"slope": add_graph(first, x)["d y / d x"][at]}, x=pl.float64[4])
        rows.append(pl.compile(pl.differentiate(one))(x=RNG.normal(size=4))["d slope / d x"])
    np.testing.assert_allclose(rows, a + a.T, rtol=1e-13)


def add_graph(graph: Graph, x):
    here = x.builder.copy(graph, {"x": x})
    return {name: here[node] for name, node in graph.outputs.items()}


def test_mixed_second_derivatives_commute():
    def f(x, y):
        return pl.exp(x * y) * pl.tanh(x - y * y)

    graph = pl.build(f, x=SCALAR, y=SCALAR)
    both = []
    for first, second in ("xy", "yx"):
        once = pl.differentiate(graph, first)
        twice = pl.differentiate(once, second, of=f"d f / d {first}")
        both.append(float(pl.compile(twice)(x=0.3, y=-0.8)[f"d d f / d {first} / d {second}"]))
    assert both[0] == pytest.approx(both[1], rel=1e-13)


def test_gradient_of_a_gradient_norm():
    graph = pl.build(lambda x: {"y": pl.sum(x**3)}, x=pl.float64[2])
    first = pl.differentiate(graph)
    penalty = pl.build(lambda x: {"p": pl.sum(add_graph(first, x)["d y / d x"] ** 2)}, x=pl.float64[2])
    np.testing.assert_allclose(pl.compile(pl.differentiate(penalty))(x=[1.0, 2.0])["d p / d x"], [36.0, 288.0])


# -- several outputs ----------------------------------------------------------------------------------------------


def test_one_output_of_several_is_chosen():
    def f(x):
        return {"loss": pl.sum(x * x), "other": pl.sum(x), "whole": x, "count": pl.sum(pl.cast(x, pl.int64))}

    graph = pl.build(f, x=pl.float64[2])
    found = pl.compile(pl.differentiate(graph, "x", of="other"))(x=[1.0, 2.0])
    assert list(found) == ["loss", "other", "whole", "count", "d other / d x"]
    assert found["d other / d x"].tolist() == [1, 1]
    for wrong, told in [
        ({}, "not exactly one scalar.*loss: .*Name it"),
        ({"of": "los"}, "no output 'los'.*loss, other"),
        ({"of": "whole"}, r"whole: only a scalar.*float64\[2\]"),
        ({"of": "count"}, r"count: only a scalar.*int64\[\]"),
    ]:
        with pytest.raises(GraphError, match=told):
            pl.differentiate(graph, "x", **wrong)


def test_both_outputs_can_be_differentiated_one_after_the_other():
    graph = pl.build(lambda x: {"a": x * x, "b": x * x * x}, x=SCALAR)
    graph = pl.differentiate(pl.differentiate(graph, of="a"), of="b")
    assert {name: float(value) for name, value in pl.compile(graph)(x=2.0).items()} == {
        "a": 4.0, "b": 8.0, "d a / d x": 4.0, "d b / d x": 12.0,
    }  # fmt: skip


def test_wrong_names_are_told():
    with pytest.raises(GraphError, match="no node 'v'"):
        pl.differentiate(NEURON, "v")
    with pytest.raises(GraphError, match="no node 'sigmoi'"):
        pl.differentiate(NEURON, ["w", "sigmoi"])
    graph = pl.build(lambda x, n: x * n, x=SCALAR, n=pl.int64[()])
    with pytest.raises(GraphError, match=r"n: only a float.*int64"):
        pl.differentiate(graph, "n")
    with pytest.raises(GraphError, match="not exactly one scalar"):
        pl.differentiate(pl.build(lambda x: 2 * x, x=pl.float64[2]))


def test_a_rule_that_returns_another_shape_is_told():
    wrong = pl.structural(
        name="wrongly_summed",
        doc="A sum whose gradient has the wrong shape.",
        infer=lambda x: x.dtype[()],
        array=lambda xp, x: xp.sum(x),
        gradient=lambda g, x, y: g,
        reference=lambda x: x.sum(),
        sample=[pl.Case((pl.Operand((3,)),))],
        errors=[pl.ErrorCase((), "do not fit")],
        replace=True,
    )
    graph = pl.build(lambda x: {"y": wrong(x)}, x=pl.float64[3])
    with pytest.raises(GraphError, match=r"wrongly_summed.*another type.*|another type.*wrongly_summed"):
        pl.differentiate(graph)


@pytest.mark.parametrize("given", [(), (None, None), 2.0])
def test_a_rule_that_returns_no_values_is_told(given):
    wrong = pl.elementwise(
        name="wrongly_sloped",
        doc="Twice x, with a gradient that is none.",
        rule=lambda s, x: 2 * x,
        gradient=lambda g, x, y: given,
        reference=lambda x: x + x,
        points={0.0: (0.0, 2.0)},
        sample=pl.Uniform(-1, 1),
        replace=True,
    )
    with pytest.raises(DeclarationError, match="wrongly_sloped: the gradient rule returns"):
        pl.differentiate(pl.build(lambda x: wrong(x), x=SCALAR))


# -- properties ---------------------------------------------------------------------------------------------------


@given(st.integers(0, 2000), st.floats(-2, 2), st.floats(-2, 2))
def test_the_gradient_is_linear_in_the_function(seed, a, b):
    rng = np.random.default_rng(seed)
    x, w = rng.normal(size=3), rng.normal(size=3)

    def f(x):
        return pl.sum(pl.tanh(w * x))

    def g(x):
        return pl.sum(pl.exp(-(x * x)) * w)

    whole = gradient_of(lambda x: a * f(x) + b * g(x), x=x)["x"]
    parts = a * gradient_of(f, x=x)["x"] + b * gradient_of(g, x=x)["x"]
    np.testing.assert_allclose(whole, parts, rtol=1e-12, atol=1e-14)


def test_a_seed_in_place_of_one_gives_the_product_with_the_jacobian():
    x, v = RNG.normal(size=3), RNG.normal(size=4)
    a = RNG.normal(size=(4, 3))

    def f(x, v):
        y = pl.tanh(a @ x)
        return {"vjp": build_gradients(y, [x], seed=v, name="y")[0], "y": y}

    found = pl.compile(pl.build(f, x=pl.float64[3], v=pl.float64[4]))(x=x, v=v)
    jacobian = (1 - np.tanh(a @ x) ** 2)[:, None] * a
    np.testing.assert_allclose(found["vjp"], v @ jacobian, rtol=1e-13)


def test_gradient_graphs_keep_the_values_and_are_well_formed():
    for seed in range(60):
        case = random_graph(seed, everything=True)
        gradient = pl.differentiate(case.graph, of="loss")
        verify(gradient)
        found = interpret(gradient)(**case.inputs)
        assert found["loss"].tobytes() == interpret(case.graph)(**case.inputs)["loss"].tobytes()
        for name in case.differentiated:
            assert found[f"d loss / d {name}"].shape == case.inputs[name].shape
            assert gradient.outputs[f"d loss / d {name}"].type == case.graph.inputs[name].type
        assert {node.path for node in case.graph} <= {node.path for node in gradient}
        assert not re.search(r"_\d+_\d+", " ".join(gradient.outputs))


def test_gradients_of_a_layer_that_is_used_twice_are_called_after_the_right_use():
    def twice(x, w):
        z = pl.contraction(x, w, labels="bi,io->bo")
        builder = z.builder
        builder.name(z, "z")
        again = pl.contraction(pl.tanh(z), w, labels="bi,io->bo")
        builder.name(again, "z")
        return {"loss": pl.sum(again * again)}

    graph = pl.build(twice, x=pl.float64[1, 2], w=pl.float64[2, 2])
    backward = pl.differentiate(graph, ["w"], "loss")
    x, w = np.array([[1.0, -0.5]]), np.array([[0.3, 0.2], [-0.4, 0.6]])
    values = pl.compile(backward).observe(x=x, w=w)
    second = np.tanh(x @ w) @ w
    assert np.allclose(values["z_2"], second)
    assert np.allclose(values["d loss / d z_2"], 2 * second)
    assert np.allclose(values["d loss / d z"], (2 * second @ w.T) * (1 - np.tanh(x @ w) ** 2))
