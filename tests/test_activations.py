"""Activations and their slopes against 50 digits, in both tails, at infinity and at NaN."""

import warnings

import mpmath as mp
import numpy as np
import pytest

import pellucid as pl
from pellucid.errors import UsageError
from pellucid.executors.interpret import compile as interpret
from pellucid.graph.operation import REGISTRY
from pellucid.ops.activations import ACTIVATIONS, activation
from pellucid.ops.declare import elementwise
from pellucid.ops.samples import Uniform

INF = np.inf
SCALE, DEPTH = mp.mpf("1.0507009873554804934"), mp.mpf("1.7580993408473768599")


def _sigmoid(x):
    return 1 / (1 + mp.exp(-x))


def _softplus(x):
    return mp.log1p(mp.exp(x))


def _normal(x):
    return mp.erfc(-x / mp.sqrt(2)) / 2


def _mish_slope(x):
    return mp.tanh(_softplus(x)) + x * mp.sech(_softplus(x)) ** 2 * _sigmoid(x)


TRUTH = {
    "identity": (lambda x: x, lambda x: 1),
    "sigmoid": (_sigmoid, lambda x: _sigmoid(x) * _sigmoid(-x)),
    "tanh": (mp.tanh, lambda x: mp.sech(x) ** 2),
    "relu": (lambda x: max(x, 0), lambda x: 1 if x > 0 else 0),
    "leaky_relu": (lambda x: x if x > 0 else mp.mpf("0.01") * x, lambda x: 1 if x > 0 else mp.mpf("0.01")),
    "softplus": (_softplus, _sigmoid),
    "softsign": (lambda x: x / (1 + abs(x)), lambda x: 1 / (1 + abs(x)) ** 2),
    "exponential": (mp.exp, mp.exp),
    "elu": (lambda x: x if x > 0 else mp.expm1(x), lambda x: 1 if x > 0 else mp.exp(x)),
    "selu": (
        lambda x: SCALE * x if x > 0 else DEPTH * mp.expm1(x),
        lambda x: SCALE if x > 0 else DEPTH * mp.exp(x),
    ),
    "gelu": (lambda x: x * _normal(x), lambda x: _normal(x) + x * mp.npdf(x)),
    "silu": (lambda x: x * _sigmoid(x), lambda x: _sigmoid(x) * (1 + x * _sigmoid(-x))),
    "mish": (lambda x: x * mp.tanh(_softplus(x)), _mish_slope),
}
SMOOTH = sorted(set(TRUTH) - {"identity", "relu", "leaky_relu", "elu", "selu", "softsign"})
LIMITS = {  # value and slope at -inf, value and slope at +inf
    "identity": (-INF, 1, INF, 1),
    "sigmoid": (0, 0, 1, 0),
    "tanh": (-1, 0, 1, 0),
    "relu": (0, 0, INF, 1),
    "leaky_relu": (-INF, 0.01, INF, 1),
    "softplus": (0, 0, INF, 1),
    "softsign": (-1, 0, 1, 0),
    "exponential": (0, 0, INF, INF),
    "elu": (-1, 0, INF, 1),
    "selu": (-float(DEPTH), 0, INF, float(SCALE)),
    "gelu": (0, 0, INF, 1),
    "silu": (0, 0, INF, 1),
    "mish": (0, 0, INF, 1),
    "step": (0, 0, 1, 0),
}


def _grid(dtype):
    rng = np.random.default_rng(7)
    parts = [
        [0.0, 1e4, -1e4],
        np.linspace(-40, 40, 161),
        np.linspace(-0.02, 0.02, 101),
        rng.uniform(-1, 1, 200),
        rng.uniform(-4, 4, 80),
        -rng.uniform(12, 39, 60),
        -rng.uniform(80, 110, 40),  # where float32 runs out
        -rng.uniform(700, 760, 60),  # where float64 runs out
        rng.uniform(-1e4, 1e4, 40),
        10.0 ** rng.uniform(-300, 4, 40),
        -(10.0 ** rng.uniform(-300, 4, 40)),
    ]
    return np.unique(np.concatenate(parts).astype(dtype))


def _value_and_slope(name, x):
    type = pl.float64 if x.dtype == np.float64 else pl.float32

    def total(x):
        y = activation(name)(x)
        return {"y": y, "total": pl.sum(y)}

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = interpret(pl.differentiate(pl.build(total, x=type[len(x)]), "x", of="total"))(x=x)
    assert found["y"].dtype == found["d total / d x"].dtype == x.dtype
    return found["y"], found["d total / d x"]


def _units_off(got, truth, x, least):
    """Return how many units in the last place each number is off; `least` is the smallest size that sets a unit."""
    largest = np.finfo(got.dtype).max
    off = []
    for number, exact, floor in zip(got, truth, np.broadcast_to(least, x.shape), strict=True):
        if abs(exact) > largest:
            off.append(0.0 if number == np.copysign(np.inf, float(mp.sign(exact))) else np.inf)
        else:
            unit = np.spacing(np.abs(np.maximum(got.dtype.type(float(abs(exact))), got.dtype.type(floor))))
            off.append(float(abs(mp.mpf(float(number)) - exact) / float(unit)) if np.isfinite(number) else np.inf)
    return np.array(off)


@pytest.mark.parametrize(("dtype", "bound"), [(np.float64, 5.0), (np.float32, 6.5)])
@pytest.mark.parametrize("name", sorted(TRUTH))
def test_values_and_slopes_to_a_few_units_in_the_last_place(name, dtype, bound):
    x = _grid(dtype)
    y, slope = _value_and_slope(name, x)
    with mp.workdps(50):
        exact = [mp.mpf(float(number)) for number in x]
        values = [mp.mpf(TRUTH[name][0](number)) for number in exact]
        slopes = [mp.mpf(TRUTH[name][1](number)) for number in exact]
        assert _units_off(y, values, x, 0.0).max() <= bound
        # gelu, silu and mish have a slope that changes sign between -2 and 0; there the unit is that of its summands
        least = np.where((x > -2) & (x < 0) & (name in ("gelu", "silu", "mish")), 0.25, 0.0)
        assert _units_off(slope, slopes, x, least).max() <= bound


def test_the_tables_speak_of_activations_of_the_registry():
    assert set(TRUTH) | {"step"} == set(LIMITS) and set(LIMITS) <= set(ACTIVATIONS)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", sorted(LIMITS))
def test_infinity(name, dtype):
    y, slope = _value_and_slope(name, np.array([-INF, INF], dtype))
    below, slope_below, above, slope_above = LIMITS[name]
    np.testing.assert_array_equal(y, np.array([below, above], dtype))
    np.testing.assert_array_equal(slope, np.array([slope_below, slope_above], dtype))


@pytest.mark.parametrize("name", sorted(LIMITS))
def test_nan_stays_nan(name):
    y, slope = _value_and_slope(name, np.array([np.nan, 1.0]))
    assert np.isnan(y[0]) and np.isfinite(y[1])
    if name not in ("identity", "step"):  # those have the same slope everywhere
        assert np.isnan(slope[0]) and np.isfinite(slope[1])


@pytest.mark.parametrize("name", sorted(set(LIMITS) - {"sigmoid", "softplus", "exponential", "step"}))
def test_zero_of_either_sign_gives_zero(name):
    y, slope = _value_and_slope(name, np.array([0.0, -0.0]))
    np.testing.assert_array_equal(y, [0.0, 0.0])
    assert slope[0] == slope[1]


def test_step_is_one_above_zero_only():
    y, slope = _value_and_slope("step", np.array([-1.0, -0.0, 0.0, 5e-324, 1.0]))
    np.testing.assert_array_equal(y, [0, 0, 0, 1, 1])
    np.testing.assert_array_equal(slope, 0.0)


def test_slopes_at_kinks_are_as_stated():
    slopes = {name: _value_and_slope(name, np.array([0.0]))[1][0] for name in ("relu", "leaky_relu", "elu", "selu")}
    assert slopes == {"relu": 0.0, "leaky_relu": 0.01, "elu": 1.0, "selu": float(DEPTH)}


@pytest.mark.parametrize(
    ("name", "alpha", "x", "value", "slope"),
    [
        ("leaky_relu", 0.2, -3.0, -0.6, 0.2),
        ("leaky_relu", 0.2, 0.0, 0.0, 0.2),
        ("elu", 0.5, -np.log(2.0), -0.25, 0.25),
        ("elu", 2, 0.0, 0.0, 2.0),
        ("elu", 2, 3.0, 3.0, 1.0),
    ],
)
def test_alpha_is_a_parameter(name, alpha, x, value, slope):
    def f(x):
        return activation(name)(x, alpha=alpha)

    graph = pl.differentiate(pl.build(f, x=pl.float64[()]), "x")
    assert pl.parse(str(graph)) == graph
    found = interpret(graph)(x=x)
    np.testing.assert_allclose([found["f"], found["d f / d x"]], [value, slope], rtol=1e-15, atol=0)


@pytest.mark.parametrize("name", SMOOTH)
def test_second_and_third_derivatives(name):
    graph = pl.build(lambda x: activation(name)(x), x=pl.float64[()])
    second = pl.differentiate(pl.differentiate(graph, "x"), "x", of="d value / d x")
    third = interpret(pl.differentiate(second, "x", of="d d value / d x / d x"))
    for x in (-20.0, -3.25, -1.0, 0.0, 0.5, 2.0, 9.0):
        found = third(x=x)
        with mp.workdps(40):
            bend, twist = (float(mp.diff(TRUTH[name][0], mp.mpf(x), order)) for order in (2, 3))
        np.testing.assert_allclose(found["d d value / d x / d x"], bend, rtol=1e-12, atol=1e-16)
        np.testing.assert_allclose(found["d d d value / d x / d x / d x"], twist, rtol=1e-11, atol=1e-15)


@pytest.mark.parametrize("name", ["elu", "selu", "softsign", "leaky_relu", "relu"])
@pytest.mark.parametrize("x", [-2.5, -0.5, 0.5, 2.5])
def test_second_derivatives_away_from_kinks(name, x):
    graph = pl.differentiate(pl.build(lambda x: activation(name)(x), x=pl.float64[()]), "x")
    found = interpret(pl.differentiate(graph, "x", of="d value / d x"))(x=x)
    with mp.workdps(40):
        expected = float(mp.diff(TRUTH[name][0], mp.mpf(x), 2))
    np.testing.assert_allclose(found["d d value / d x / d x"], expected, rtol=1e-13, atol=1e-20)


def test_unknown_activation_names_the_nearest():
    with pytest.raises(UsageError, match="Did you mean 'sigmoid'"):
        activation("sigmiod")
    assert "no such" not in ACTIVATIONS
    assert "exp" not in ACTIVATIONS  # an operation, not an activation
    with pytest.raises(UsageError, match="no activation is called 'exp'"):
        activation("exp")


def test_a_declared_activation_is_listed_at_once(monkeypatch):
    monkeypatch.setitem(REGISTRY, "bump", None)  # so that the registry is as before after this test
    elementwise(
        name="bump",
        doc="exp(-x * x).",
        rule=lambda s, x: s.exp(-(x * x)),
        gradient=lambda g, x, y: g * (-2 * x * y),
        reference=lambda x: np.exp(-np.square(x)),
        points={0.0: (1.0, 0.0)},
        sample=Uniform(-2, 2),
        activation=True,
        replace=True,
    )
    assert "bump" in ACTIVATIONS
    assert activation("bump")(0.0) == 1.0


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "elu"])
def test_a_side_with_slope_zero_stops_infinite_gradients(name):
    more = {} if name == "relu" else {"alpha": 0.0}
    graph = pl.build(lambda x: pl.sqrt(activation(name)(x, **more)), x=pl.float64[()])
    gradient = interpret(pl.differentiate(graph, "x"))
    assert gradient(x=-1.0)["d value / d x"] == 0.0
    assert gradient(x=0.0)["d value / d x"] == 0.0
    assert gradient(x=4.0)["d value / d x"] == 0.25
    assert np.isnan(gradient(x=np.nan)["d value / d x"])


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "elu", "selu"])
def test_slopes_of_rectifiers_are_nan_at_nan(name):
    graph = pl.differentiate(pl.build(lambda x: activation(name)(x), x=pl.float64[()]), "x")
    assert np.isnan(interpret(graph)(x=np.nan)["d value / d x"])


def test_the_curvature_of_gelu_keeps_its_digits_in_the_tails():
    x = np.linspace(-37.0, 37.0, 401)
    first = pl.differentiate(pl.build(lambda x: pl.sum(pl.gelu(x)), x=pl.float64[x.shape]), "x")
    slope = pl.build(lambda x: pl.sum(pl.ops.smooth_rectifiers.gelu_slope(x)), x=pl.float64[x.shape])
    found = interpret(pl.differentiate(slope, "x"))(x=x)["d value / d x"]
    assert "normal_density" not in str(first)
    with mp.workdps(50):
        for number, got in zip(x, found, strict=True):
            exact = mp.mpf(float(number))
            truth = mp.npdf(exact) * (2 - exact * exact)
            near_root = abs(abs(exact) - mp.sqrt(2)) < 0.1  # there 2 - x * x has few digits, whoever computes it
            scale = abs(mp.npdf(exact) * 2) if near_root else abs(truth)
            assert abs(mp.mpf(float(got)) - truth) <= 8 * np.spacing(float(scale))
