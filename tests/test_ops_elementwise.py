"""Elementwise operations: NumPy's numbers, dtypes, gradients at the awkward places, identities exact to the bit."""

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import pellucid as pl
from pellucid.errors import ShapeError
from pellucid.executors.interpret import compile as interpret
from pellucid.graph.operation import operation

NUMPY = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
    "power": np.power,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "less": np.less,
    "less_equal": np.less_equal,
    "greater": np.greater,
    "greater_equal": np.greater_equal,
    "equal": np.equal,
    "not_equal": np.not_equal,
    "negative": np.negative,
    "exp": np.exp,
    "log": np.log,
    "log1p": np.log1p,
    "expm1": np.expm1,
    "sqrt": np.sqrt,
    "absolute": np.abs,
    "sign": np.sign,
    "tanh": np.tanh,
}
BINARY = {name: f for name, f in NUMPY.items() if f.nin == 2}
SPECIAL = np.array([0.0, -0.0, 1.0, -1.0, 2.5, -2.5, 1e308, -1e308, 5e-324, np.inf, -np.inf, np.nan])


def run(function, **inputs):
    types = {
        name: pl.DType(x.dtype.name, {"b": "bool", "i": "int"}.get(x.dtype.kind, "float"))[x.shape]
        for name, x in inputs.items()
    }
    return interpret(pl.build(function, **types))(**inputs)["value"]


def slopes(function, *at):
    names = ["x", "y", "z"][: len(at)]
    graph = pl.differentiate(pl.build(function, **dict.fromkeys(names, pl.float64[()])))
    found = interpret(graph)(**dict(zip(names, at, strict=True)))
    return [float(found[f"d value / d {name}"]) for name in names]


def bend(function, at):
    first = pl.differentiate(pl.build(function, x=pl.float64[()]), "x")
    return float(interpret(pl.differentiate(first, "x", of="d value / d x"))(x=at)["d d value / d x / d x"])


def same_bits(a, b):
    assert a.dtype == b.dtype and a.shape == b.shape
    np.testing.assert_array_equal(a, b)
    real = ~np.isnan(a) if a.dtype.kind == "f" else np.ones(a.shape, bool)
    np.testing.assert_array_equal(np.signbit(a)[real], np.signbit(b)[real]) if a.dtype.kind == "f" else None


@pytest.mark.parametrize("name", sorted(BINARY))
def test_two_operands_as_in_numpy_at_all_pairs_of_special_numbers(name):
    x, y = (np.ascontiguousarray(part) for part in np.meshgrid(SPECIAL, SPECIAL))
    with np.errstate(all="ignore"):
        expected = NUMPY[name](x, y)
    np.testing.assert_array_equal(run(lambda x, y: operation(name)(x, y), x=x, y=y), expected)
    np.testing.assert_array_equal(operation(name)(x, y), expected)


@pytest.mark.parametrize("name", sorted(set(NUMPY) - set(BINARY)))
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_one_operand_as_in_numpy_at_special_numbers(name, dtype):
    with np.errstate(all="ignore"):
        x = SPECIAL.astype(dtype)
        expected = NUMPY[name](x)
    found = run(lambda x: operation(name)(x), x=x)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, expected)


@given(st.data(), st.sampled_from(sorted(BINARY)))
def test_broadcasting_is_that_of_numpy(data, name):
    shapes = data.draw(hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=3, min_side=0))
    x, y = (data.draw(hnp.arrays(np.float64, shape, elements=st.floats(0.5, 4))) for shape in shapes.input_shapes)
    found = run(lambda x, y: operation(name)(x, y), x=x, y=y)
    np.testing.assert_array_equal(found, NUMPY[name](x, y))


@given(hnp.arrays(bool, (3,)), hnp.arrays(bool, (2, 3)))
def test_logic(p, q):
    np.testing.assert_array_equal(run(lambda p, q: p & q, p=p, q=q), p & q)
    np.testing.assert_array_equal(run(lambda p, q: p | q, p=p, q=q), p | q)
    np.testing.assert_array_equal(run(lambda p, q: ~p, p=p, q=q), ~p)
    np.testing.assert_array_equal(run(lambda p, q: pl.select(p, q, False), p=p, q=q), p & q)


def test_python_operators_of_values():
    x, y = np.array([3.0, -2.0]), np.array([2.0, 5.0])
    cases = [
        (lambda x, y: x + y, x + y),
        (lambda x, y: 1 - x, 1 - x),
        (lambda x, y: x * 2, x * 2),
        (lambda x, y: 6 / y, 6 / y),
        (lambda x, y: y**2, y**2),
        (lambda x, y: 2**y, 2**y),
        (lambda x, y: -x, -x),
        (lambda x, y: abs(x), abs(x)),
        (lambda x, y: (x > y) & (y != 5), (x > y) & (y != 5)),
        (lambda x, y: (x <= 3) | (y == 5), (x <= 3) | (y == 5)),
        (lambda x, y: ~(x < 0), ~(x < 0)),
        (lambda x, y: np.array([1.0, 10.0]) * x, np.array([1.0, 10.0]) * x),
    ]
    for function, expected in cases:
        np.testing.assert_allclose(run(function, x=x, y=y), expected, rtol=1e-15)


@pytest.mark.parametrize(
    ("types", "function", "result"),
    [
        ({"x": pl.float32[2]}, lambda x: 2 * x + 0.5, pl.float32[2]),
        ({"x": pl.float32[2]}, lambda x: pl.select(x > 0, x, 0.0), pl.float32[2]),
        ({"x": pl.float32[2]}, lambda x: pl.maximum(0, x) ** 2, pl.float32[2]),
        ({"x": pl.float32[2], "y": pl.float64[()]}, lambda x, y: x + y, pl.float64[2]),
        ({"x": pl.float32[2], "i": pl.int64[2]}, lambda x, i: x * i, pl.float32[2]),
        ({"i": pl.int64[2]}, lambda i: i + 1, pl.int64[2]),
        ({"i": pl.int64[2]}, lambda i: i + 0.5, pl.float64[2]),
        ({"i": pl.int64[2]}, lambda i: i / 2, pl.float64[2]),
        ({"i": pl.int64[2]}, lambda i: pl.exp(i), pl.float64[2]),
        ({"i": pl.int64[2]}, lambda i: i**2, pl.float64[2]),
        ({"i": pl.int32[2], "j": pl.int64[2]}, lambda i, j: i < j, pl.bool_[2]),
        ({"i": pl.int64[2], "x": pl.float32[2]}, lambda i, x: pl.select(i > 0, x, 1.5), pl.float32[2]),
    ],
)
def test_dtypes_meet(types, function, result):
    graph = pl.build(function, **types)
    assert next(iter(graph.outputs.values())).type == result


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda x, p: x + p, "wrong dtype.*bool.*Cast it"),
        (lambda x, p: p & x, "wrong dtype.*float64.*Compare it"),
        (lambda x, p: pl.select(x, x, x), "wrong dtype"),
        (lambda x, p: x + np.ones(3), r"add: shapes do not broadcast: got \[2\] and \[3\]"),
    ],
)
def test_unfit_operands_are_refused(function, words):
    with pytest.raises(ShapeError, match=words):
        pl.build(function, x=pl.float64[2], p=pl.bool_[2])


@pytest.mark.parametrize(
    ("function", "x", "first", "second"),
    [
        (lambda x: x**0, 0.0, 0.0, 0.0),
        (lambda x: x**1, 0.0, 1.0, 0.0),
        (lambda x: x**2, 0.0, 0.0, 2.0),
        (lambda x: x**3, 0.0, 0.0, 0.0),
        (lambda x: x**3, -2.0, 12.0, -12.0),
        (lambda x: x**-1, -2.0, -0.25, -0.25),
        (lambda x: x**0.5, 4.0, 0.25, -1 / 32),
        (lambda x: x**1.5, 0.0, 0.0, np.inf),
        (lambda x: 2**x, 0.0, np.log(2), np.log(2) ** 2),
        (lambda x: 0**x, 2.0, 0.0, 0.0),
    ],
)
def test_power_with_a_constant(function, x, first, second):
    np.testing.assert_allclose(slopes(function, x), [first], rtol=1e-15)
    np.testing.assert_allclose(bend(function, x), second, rtol=1e-15)


@pytest.mark.parametrize(
    ("exponents", "expected"),
    [
        (np.array([0.0, 1.0, 2.0]), [0.0, 1.0, 0.0]),
        (np.array([0, 1, 2]), [0.0, 1.0, 0.0]),
        (np.array([1.0, 2.0, 3.0]), [1.0, 0.0, 0.0]),
        (np.array([-0.0, 0.0, 1.0]), [0.0, 0.0, 1.0]),
    ],
)
def test_powers_of_zero_by_an_array_of_exponents(exponents, expected):
    graph = pl.build(lambda x: pl.sum(x**exponents), x=pl.float64[3])
    for ready in (graph, pl.simplify(graph)):
        gradient = pl.differentiate(ready, "x")
        for each in (gradient, pl.simplify(gradient)):
            np.testing.assert_array_equal(interpret(each)(x=np.zeros(3))["d value / d x"], expected)


def test_polynomial_features_have_finite_slopes_of_every_order_at_zero():
    graph = pl.build(lambda x: pl.sum(x[:, None] ** np.arange(4.0)), x=pl.float64[2])
    for expected in ([1.0, 1.0 + 4.0 + 12.0], None):
        graph = pl.simplify(pl.differentiate(graph, "x", of="value"))
        found = interpret(graph)(x=[0.0, 2.0])["d value / d x"]
        if expected is not None:
            np.testing.assert_allclose(found, expected, rtol=1e-15)
        graph = pl.build(lambda x: pl.sum(2.0 * x[:, None] ** np.array([0.0, 1.0, 2.0])), x=pl.float64[2])
    np.testing.assert_allclose(found, [2.0, 2.0 + 8.0], rtol=1e-15)


@pytest.mark.parametrize(
    ("x", "y", "by_base", "by_exponent"),
    [
        (0.0, 0.0, 0.0, 0.0),
        (0.0, 1.0, 1.0, 0.0),
        (0.0, 2.0, 0.0, 0.0),
        (0.0, 0.5, np.inf, 0.0),
        (0.0, -1.0, -np.inf, -np.inf),
        (np.inf, 0.0, 0.0, np.inf),
        (-3.0, 2.0, -6.0, np.nan),
        (2.0, 0.0, 0.0, np.log(2)),
    ],
)
def test_power_with_a_variable_exponent(x, y, by_base, by_exponent):
    np.testing.assert_allclose(slopes(lambda x, y: x**y, x, y), [by_base, by_exponent], rtol=1e-15)


def test_second_derivatives_of_power_at_zero_are_finite():
    for exponent, expected in ((2.0, 2.0), (3.0, 0.0), (1.0, 0.0)):

        def function(x, exponent=exponent):
            return {"value": x ** (pl.stop_gradient(0 * x) + exponent)}  # an exponent that is no constant

        assert bend(function, 0.0) == expected


@pytest.mark.parametrize(
    ("function", "at", "expected"),
    [
        (lambda x, y: pl.maximum(x, y), (1.0, 1.0), [0.5, 0.5]),
        (lambda x, y: pl.minimum(x, y), (1.0, 1.0), [0.5, 0.5]),
        (lambda x, y: pl.maximum(x, y), (1.0, 2.0), [0.0, 1.0]),
        (lambda x, y: pl.minimum(x, y), (1.0, 2.0), [1.0, 0.0]),
        (lambda x: pl.maximum(x, x), (3.0,), [1.0]),
        (lambda x: abs(x), (0.0,), [0.0]),
        (lambda x: pl.sign(x) * x, (-2.0,), [-1.0]),
        (lambda x, y: pl.select(x > y, x * x, y), (3.0, 1.0), [6.0, 0.0]),
        (lambda x: pl.sqrt(x), (0.0,), [np.inf]),
        (lambda x: x / x, (7.0,), [0.0]),
        (lambda x: pl.log1p(x), (1e-300,), [1.0]),
        (lambda x: pl.expm1(x), (-800.0,), [0.0]),
    ],
)
def test_slopes_at_ties_and_kinks(function, at, expected):
    assert slopes(function, *at) == expected


@pytest.mark.parametrize(("name", "bound"), [("erf", 2.0), ("erfc", 4.0)])
def test_error_functions_to_a_few_units_in_the_last_place(name, bound):
    rng = np.random.default_rng(3)
    x = np.concatenate(
        [np.linspace(-7, 27.5, 300), rng.uniform(-2, 2, 200), 10.0 ** rng.uniform(-300, 0, 50), [-50.0, 1e5]]
    )
    found = run(lambda x: operation(name)(x), x=x)
    with mp.workdps(50):
        for number, got in zip(x, found, strict=True):
            truth = getattr(mp, name)(mp.mpf(float(number)))
            assert abs(mp.mpf(float(got)) - truth) <= bound * np.spacing(float(abs(truth)))


EXACT = {
    "x * 1": (lambda x: x * 1, 0),
    "1 * x": (lambda x: 1 * x, 0),
    "x / 1": (lambda x: x / 1, 0),
    "x - 0.0": (lambda x: x - 0.0, 0),
    "x + -0.0": (lambda x: x + -0.0, 0),
    "-0.0 + x": (lambda x: -0.0 + x, 0),
    "x ** 1": (lambda x: x**1, 0),
    "negative of negative": (lambda x: pl.negative(-x), 0),
    "abs(abs(x))": (lambda x: abs(abs(x)), 1),
    "abs(-x)": (lambda x: abs(-x), 1),
    "sign(sign(x))": (lambda x: pl.sign(pl.sign(x)), 1),
    "maximum(x, x)": (lambda x: pl.maximum(x, x), 0),
    "minimum(x, x)": (lambda x: pl.minimum(x, x), 0),
    "select(True, x, 2 * x)": (lambda x: pl.select(np.array(True), x, 2 * x), 0),
    "select(False, 2 * x, x)": (lambda x: pl.select(np.array(False), 2 * x, x), 0),
    "select(x > 0, x, x)": (lambda x: pl.select(x > 0, x, x), 0),
    "not not": (lambda x: pl.logical_not(~(x > 1)), 1),
    "and true": (lambda x: (x > 0) & np.array(True), 1),
    "or false": (lambda x: (x > 0) | np.array(False), 1),
    "identity(x)": (lambda x: pl.identity(x), 0),
}
INEXACT = {
    "x * 0": lambda x: x * 0,
    "x + 0.0": lambda x: x + 0.0,
    "x - -0.0": lambda x: x - -0.0,
    "0 - x": lambda x: 0 - x,
    "x / x": lambda x: x / x,
    "x - x": lambda x: x - x,
    "x ** 0": lambda x: x**0,
    "x + [0.0, -0.0]": lambda x: x + np.where(np.arange(12) % 2, 0.0, -0.0),
    "x - [-0.0, 0.0]": lambda x: x - np.where(np.arange(12) % 2, -0.0, 0.0),
}


def computing_nodes(graph):
    return [node for node in graph.nodes if node.op.name not in ("input", "constant")]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", sorted(EXACT))
def test_identities_are_found_and_exact_to_the_bit(name, dtype):
    function, left = EXACT[name]
    with np.errstate(all="ignore"):
        x = SPECIAL.astype(dtype)
    graph = pl.build(function, x=(pl.float64 if dtype is np.float64 else pl.float32)[x.shape])
    short = pl.simplify(graph)
    needed = [node for node in computing_nodes(short) if any(node is n for n in live(short))]
    assert len(needed) - sum(node.op.name == "greater" for node in needed) <= left
    same_bits(interpret(short)(x=x)["value"], interpret(graph)(x=x)["value"])


def live(graph):
    from pellucid.graph.graph import live_nodes

    return live_nodes(graph.outputs.values())


@pytest.mark.parametrize("name", sorted(INEXACT))
def test_what_is_not_exact_is_left_alone(name):
    graph = pl.build(INEXACT[name], x=pl.float64[SPECIAL.shape])
    short = pl.simplify(graph)
    assert computing_nodes(short)
    same_bits(interpret(short)(x=SPECIAL)["value"], interpret(graph)(x=SPECIAL)["value"])


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x * np.ones(3),
        lambda x: np.ones((2, 1)) * x,
        lambda x: x - np.zeros((2, 3)),
        lambda x: pl.select(np.array([True, True]), x, 0.0),
        lambda x: pl.maximum(x, x) * np.ones((1, 1)),
    ],
)
def test_identities_keep_the_type_that_broadcasting_gives(function):
    graph = pl.build(function, x=pl.float64[()])
    short = pl.simplify(graph)
    assert short["value"].type == graph["value"].type
    np.testing.assert_array_equal(interpret(short)(x=3.0)["value"], interpret(graph)(x=3.0)["value"])


def test_integer_identities():
    graph = pl.simplify(pl.build(lambda i: (i + 0) * 1 - 0, i=pl.int64[2]))
    assert not computing_nodes(graph)


def test_plain_numbers_beside_arrays_take_their_dtype():
    x, i = np.array([1, 2], np.float32), np.array([1, 2], np.int32)
    cases = [
        (pl.multiply(x, 2.0), np.float32),
        (pl.power(x, 2), np.float32),
        (pl.select(x > 1, x, 0.0), np.float32),
        (pl.multiply(x, np.float64(2.0)), np.float64),
        (pl.multiply(x, np.ones(2)), np.float64),
        (pl.add(i, 1), np.int32),
        (pl.add(i, 0.5), np.float64),
        (pl.add(i, 2**40), np.int64),
        (pl.add(x[0], 1.0), np.float32),
        (pl.add(1, 2), np.int64),
    ]
    for found, dtype in cases:
        assert found.dtype == dtype, found
    assert pl.add(i, 2**40).tolist() == [2**40 + 1, 2**40 + 2]


@pytest.mark.parametrize("operand", ["a", None, [1.0, "b"], [[1.0], [1.0, 2.0]]])
def test_what_is_no_number_is_told(operand):
    for call in (lambda: pl.sigmoid(operand), lambda: pl.add(1.0, operand), lambda: pl.sum(operand)):
        with pytest.raises(ShapeError, match=r"not numbers|not an array"):
            call()


def test_other_names_of_operations():
    assert pl.abs is pl.absolute and pl.where is pl.select
    assert pl.abs(-3.0) == 3.0 and pl.where(True, 1.0, 2.0) == 1.0


@pytest.mark.parametrize("name", ["erf", "erfc"])
def test_slopes_of_error_functions_keep_their_digits_in_the_tails(name):
    sign = 1 if name == "erf" else -1
    x = np.concatenate([np.linspace(-26.5, 26.5, 501), [0.0, 1e-200, 60.0, -1e300, np.inf]])
    graph = pl.differentiate(pl.build(lambda x: pl.sum(operation(name)(x)), x=pl.float64[x.shape]), "x")
    found = interpret(graph)(x=x)["d value / d x"]
    with mp.workdps(50):
        for number, got in zip(x, found, strict=True):
            truth = (
                sign * 2 / mp.sqrt(mp.pi) * mp.exp(-(mp.mpf(float(number)) ** 2)) if np.isfinite(number) else mp.mpf(0)
            )
            assert abs(mp.mpf(float(got)) - truth) <= 4 * np.spacing(float(abs(truth)))
    assert bend(lambda x: operation(name)(x), 26.0) == pytest.approx(
        sign * float(-104 / mp.sqrt(mp.pi) * mp.exp(-676)), rel=2e-15
    )
    assert bend(lambda x: operation(name)(x), np.inf) == 0.0


@pytest.mark.parametrize("x", [0.0, 1.0, -1.0])
def test_the_slope_of_an_absolute_value_is_a_choice_not_a_product(x):
    # the gradient that comes in is infinite at 0
    assert slopes(lambda x: pl.sqrt(abs(x)), x) == [0.5 * np.sign(x)]
    assert np.isnan(slopes(lambda x: abs(x), np.nan))
