"""Element functions of the native executor, in machine code as programs have it: subnormals are flushed to zero."""

import ctypes
from functools import cache

import mpmath as mp
import numpy as np
import pytest
import scipy.special

from pellucid.executors.native import engine, functions, target
from pellucid.executors.native.emit import element_of, vector
from pellucid.executors.native.scalars import NativeScalars
from pellucid.ops import sigmoid, softplus

DTYPES = {"float": np.float32, "double": np.float64, "i32": np.int32, "i64": np.int64}
ODDLY = np.array(
    [
        0.0,
        1.0,
        2.0,
        0.5,
        3.0,
        np.inf,
        1e-300,
        1e-30,
        1e30,
        1e300,
        2.0**31 + 1,
        2.0**52 + 1,
        2.0**53 + 2,
        0.1,
        88.7,
        709.7,
    ]
)
SPECIAL = np.concatenate([ODDLY, -ODDLY, [np.nan]])


def special(element):
    """Return special values in a format, without subnormals."""
    with np.errstate(over="ignore"):
        return flushed(SPECIAL.astype(DTYPES[element]))


@cache
def compiled(rule, arity=1, element="float", lanes=16, result=None, unsigned=False):
    """Return a rule of the scalar vocabulary as a function of arrays."""
    here, size = target.host(), DTYPES[element]().itemsize
    module = engine.new_module("test")
    places = [("ptr", f"x{position}") for position in range(arity)]
    fn = module.function("apply", [("ptr", "out"), ("i64", "count"), *places])
    before = target.without_subnormals(fn, here)
    scalars = NativeScalars(fn, element, lanes, unsigned)
    with fn.loop(0, fn.args[1], lanes) as loop:
        at = loop.index * size
        operands = [scalars.operand(fn.load(vector(element, lanes), fn.at(place, at))) for place in fn.args[2:]]
        value = rule(scalars, *operands)
        truth = element_of(value.type) == "i1"
        fn.store(value, fn.at(fn.args[0], loop.index if truth else at))
    target.restore_subnormals(fn, here, before)
    fn.ret()
    function = engine.Code(module).function("apply", ctypes.c_void_p, ctypes.c_int64, *[ctypes.c_void_p] * arity)

    def apply(*arrays):
        count = arrays[0].size
        padded = [np.concatenate([array, np.ones(-count % lanes, array.dtype)]) for array in arrays]
        out = np.empty(padded[0].size, bool if truth else padded[0].dtype)
        function(out.ctypes.data, out.size, *(array.ctypes.data for array in padded))
        return out[:count]

    return apply


def flushed(x):
    """Return x with signed zeros for subnormals."""
    return np.where(np.abs(x) < np.finfo(x.dtype).tiny, np.copysign(x.dtype.type(0), x), x)


def places(x):
    """Return the place of each float32 among all of them; NaN has one of its own."""
    bits = x.view(np.int32).astype(np.int64)
    return np.where(np.isnan(x), 2**40, np.where(bits < 0, -(bits + 2**31), bits))


def last_digits(got, exact):
    """Return how many float32 lie between the results and the exact values; a subnormal may be a zero of its sign."""
    want = exact.astype(np.float32)
    distance = np.abs(places(got) - places(want))
    zero = (np.abs(want) < np.finfo(np.float32).tiny) & (got == 0) & (np.signbit(got) == np.signbit(exact))
    return np.where(zero, 0, distance)


def word(name):
    return lambda s, *operands: getattr(s, name)(*operands)


def of_function(function):
    return lambda s, x: function(x)


RULES = {name: word(name) for name in ("exp", "expm1", "log", "log1p", "tanh", "erf", "erfc", "power", "sqrt", "sign")}
RULES |= {name: of_function(function) for name, function in functions.SHORTER.items()}
RULES |= {"sigmoid": sigmoid.rule, "softplus": softplus.rule}
ORACLES = {
    "exp": np.exp,
    "expm1": np.expm1,
    "log": np.log,
    "log1p": np.log1p,
    "tanh": np.tanh,
    "sigmoid": scipy.special.expit,
    "softplus": lambda x: np.logaddexp(0.0, x),
    "erf": scipy.special.erf,
    "erfc": scipy.special.erfc,
    "gelu": lambda x: np.where(x == -np.inf, 0.0, x * scipy.special.ndtr(x)),
}


def check_bit_patterns(name, step, at_once=2**21):
    function, worst = compiled(RULES[name]), 0
    for first in range(0, 2**32, at_once * step):
        bits = np.arange(first, min(first + at_once * step, 2**32), step, dtype=np.uint64)
        x = bits.astype(np.uint32).view(np.float32)
        with np.errstate(all="ignore"):
            exact = ORACLES[name](flushed(x).astype(np.float64))
            distance = last_digits(function(x), exact)
        worst = max(worst, distance.max())
    assert worst <= 4


@pytest.mark.parametrize("name", ORACLES)
def test_floats_are_right_to_four_last_digits(name):
    check_bit_patterns(name, 257)


@pytest.mark.long
@pytest.mark.parametrize("name", ORACLES)
def test_all_floats_are_right_to_four_last_digits(name):
    check_bit_patterns(name, 1)


def mixed(rng, low, high, smallest):
    """Return numbers that are evenly spread, and small ones of all sizes and both signs."""
    small = np.exp(rng.uniform(np.log(smallest), 0.0, 400)) * rng.choice([-1.0, 1.0], 400)
    return np.concatenate([rng.uniform(low, high, 800), small[(low < small) & (small < high)]])


def digits_off(got, exact):
    """Return how far a double is from a number of many digits, in last digits of that."""
    if abs(exact) < np.finfo(np.float64).tiny:
        return 0.0 if got == 0 else np.inf
    return float(abs(mp.mpf(float(got)) - exact) / mp.mpf(2) ** (mp.frexp(exact)[1] - 53))


DOUBLES = {
    "exp": (mp.exp, -720.0, 709.7, 1e-18),
    "expm1": (mp.expm1, -50.0, 709.7, 1e-300),
    "log": (mp.log, 1e-12, 4.0, 1e-300),
    "log1p": (mp.log1p, -0.9999, 8.0, 1e-300),
    "tanh": (mp.tanh, -20.0, 20.0, 1e-300),
    "erf": (mp.erf, -6.0, 6.0, 1e-300),
    "erfc": (mp.erfc, -6.0, 26.0, 1e-18),
    "sigmoid": (lambda x: 1 / (1 + mp.exp(-x)), -50.0, 50.0, 1e-18),
    "softplus": (lambda x: mp.log1p(mp.exp(x)), -50.0, 50.0, 1e-18),
    "gelu": (lambda x: x * mp.erfc(-x / mp.sqrt(2)) / 2, -37.0, 9.0, 1e-300),
    "normal_density": (mp.npdf, -37.0, 37.0, 1e-18),
    "erf_slope": (lambda x: 2 / mp.sqrt(mp.pi) * mp.exp(-x * x), -26.0, 26.0, 1e-18),
}


@pytest.mark.parametrize("name", DOUBLES)
def test_doubles_are_right_to_four_last_digits(name):
    exact, low, high, smallest = DOUBLES[name]
    x = mixed(np.random.default_rng(5), low, high, smallest)
    got = compiled(RULES[name], element="double", lanes=8)(x)
    with mp.workprec(160):
        assert max(digits_off(value, exact(mp.mpf(float(at)))) for value, at in zip(got, x, strict=True)) <= 4


@pytest.mark.parametrize("element", ["float", "double"])
def test_the_slope_of_gelu_is_right_to_last_digits_of_its_larger_summand(element):
    x = np.linspace(-9.0, 9.0, 2001).astype(DTYPES[element])
    got = compiled(RULES["gelu_slope"], element=element)(x)
    for value, at in zip(got.tolist(), map(mp.mpf, x.tolist()), strict=True):
        share, weighted = mp.ncdf(at), at * mp.npdf(at)
        assert abs(value - (share + weighted)) <= 4 * np.finfo(x.dtype).eps * max(share, abs(weighted))


def test_powers_of_floats_are_right_to_four_last_digits():
    rng = np.random.default_rng(6)
    base = flushed(rng.integers(0, 2**32, 400_000, dtype=np.uint64).astype(np.uint32).view(np.float32))
    base[::2] = rng.uniform(0.05, 20.0, 200_000)
    exponent = rng.uniform(-30.0, 30.0, 400_000).astype(np.float32)
    exponent[::3] = rng.integers(-20, 20, exponent[::3].size)
    with np.errstate(all="ignore"):
        exact = np.power(base.astype(np.float64), exponent.astype(np.float64))
        distance = last_digits(compiled(RULES["power"], arity=2)(base, exponent), exact)
    assert distance.max() <= 4


def test_powers_of_doubles_are_right_to_four_last_digits():
    rng = np.random.default_rng(7)
    base = np.concatenate(
        [np.exp(rng.uniform(-690, 690, 600)), rng.uniform(0.2, 4.0, 600), 1 + mixed(rng, -0.2, 0.2, 1e-14)]
    )
    exponent = rng.uniform(-1.0, 1.0, base.size) * np.minimum(700.0 / np.maximum(np.abs(np.log(base)), 1e-14), 1e12)
    got = compiled(RULES["power"], arity=2, element="double")(base, exponent)
    with mp.workprec(200):
        exact = [mp.mpf(float(b)) ** mp.mpf(float(e)) for b, e in zip(base, exponent, strict=True)]
        assert max(map(digits_off, got, exact)) <= 4


@pytest.mark.parametrize("element", ["float", "double"])
@pytest.mark.parametrize("exponent", [0.0, 1.0, 2.0, 3.0, -1.0, -2.0, 0.5, -0.5, 1.5, -3.0])
def test_a_number_as_exponent_gives_what_a_value_gives(element, exponent):
    x = np.concatenate([special(element), np.random.default_rng(8).uniform(-30, 30, 1000).astype(DTYPES[element])])
    got = compiled(lambda s, x: s.power(x, exponent), element=element)(x)
    check_against_numpy(got, np.power, x, np.full_like(x, exponent))


def check_against_numpy(got, function, *operands):
    """Check results that are not finite, zeros and their signs strictly, others to four last digits."""
    with np.errstate(all="ignore"):
        want = flushed(function(*operands))
        close = np.abs(got - want) <= 4 * np.spacing(np.abs(want))
    same = np.isnan(got) & np.isnan(want) | (got == want) & (np.signbit(got) == np.signbit(want))
    assert np.all(same | close & (want != 0)), list(
        zip(*(o[~same] for o in operands), got[~same], want[~same], strict=True)
    )


@pytest.mark.parametrize("element", ["float", "double"])
@pytest.mark.parametrize("lanes", [1, 4, 16])
@pytest.mark.parametrize("name", ["exp", "expm1", "log", "log1p", "tanh", "sqrt"])
def test_special_values_are_those_of_numpy(name, element, lanes):
    x = special(element)
    check_against_numpy(compiled(RULES[name], element=element, lanes=lanes)(x), getattr(np, name), x)


@pytest.mark.parametrize("element", ["float", "double"])
def test_error_functions_at_special_values(element):
    x = special(element)
    for name in ("erf", "erfc"):
        check_against_numpy(compiled(RULES[name], element=element)(x), getattr(scipy.special, name), x)


@pytest.mark.parametrize("element", ["float", "double"])
def test_powers_of_special_values_are_those_of_numpy(element):
    x = special(element)
    base, exponent = (side.ravel() for side in np.meshgrid(x, x))
    got = compiled(RULES["power"], arity=2, element=element)(base, exponent)
    check_against_numpy(got, np.power, base, exponent)


def test_subnormal_numbers_count_as_zero():
    x = np.array([1e-40, -1e-40], np.float32)
    assert np.all(compiled(RULES["log"])(x[:1]) == -np.inf)
    assert np.all(compiled(RULES["exp"])(x) == 1.0)
    for name in ("expm1", "log1p", "tanh", "erf"):
        got = compiled(RULES[name])(x)
        assert np.all(got == 0.0) or np.all(got == x)
        assert list(np.signbit(got)) == [False, True]


@pytest.mark.parametrize("name, function", [("max", np.maximum), ("min", np.minimum)])
def test_extremes_return_nan_where_a_side_is(name, function):
    x = special("float")
    left, right = (side.ravel() for side in np.meshgrid(x, x))
    np.testing.assert_array_equal(compiled(word(name), arity=2)(left, right), function(left, right))
    for number in (0.0, -1.5, np.inf, np.nan):
        want = function(x, np.float32(number))
        np.testing.assert_array_equal(compiled(lambda s, x, n=number: word(name)(s, x, n))(x), want)
        np.testing.assert_array_equal(compiled(lambda s, x, n=number: word(name)(s, n, x))(x), want)


@pytest.mark.parametrize("element", ["float", "double", "i32", "i64"])
def test_sizes_and_signs(element):
    dtype = DTYPES[element]
    limit = np.finfo(dtype).max if element in ("float", "double") else np.iinfo(dtype).max
    x = np.array([-limit, -2, -1, 0, 1, 2, limit], dtype)
    if element in ("float", "double"):
        x = np.concatenate([x, [-0.0, np.inf, -np.inf, np.nan]]).astype(dtype)
    for name, function in (("abs", np.abs), ("sign", np.sign)):
        got, want = compiled(word(name), element=element)(x), function(x)
        np.testing.assert_array_equal(got, want)
        np.testing.assert_array_equal(np.signbit(got)[~np.isnan(want)], np.signbit(want)[~np.isnan(want)])


def test_integers_without_a_sign_are_compared_as_such():
    edges = np.array([0, 1, 5, 2**31 - 1, 2**31, 2**32 - 2, 2**32 - 1], np.uint32)
    x, y = (side.ravel() for side in np.meshgrid(edges, edges))

    def run(rule):
        return compiled(rule, arity=2, element="i32", unsigned=True)(x.view(np.int32), y.view(np.int32))

    for name in ("__lt__", "__le__", "__gt__", "__ge__"):
        np.testing.assert_array_equal(run(lambda s, x, y, name=name: getattr(x, name)(y)), getattr(x, name)(y))
    np.testing.assert_array_equal(run(lambda s, x, y: s.equal(x, y)), x == y)
    np.testing.assert_array_equal(run(lambda s, x, y: ~s.equal(x, y)), x != y)
    np.testing.assert_array_equal(run(lambda s, x, y: s.max(x, y)).view(np.uint32), np.maximum(x, y))
    np.testing.assert_array_equal(run(lambda s, x, y: s.min(x + y, y)).view(np.uint32), np.minimum(x + y, y))
    np.testing.assert_array_equal(run(lambda s, x, y: s.sign(x)).view(np.uint32), np.sign(x))
    np.testing.assert_array_equal(run(lambda s, x, y: s.abs(x)).view(np.uint32), x)


def test_a_choice_between_numbers_has_the_dtype_of_the_rule():
    x = np.array([-1.0, 0.0, 1.0, np.nan])
    got = compiled(lambda s, x: s.select(x > 0.0, 1.0, s.select(x <= 0, 0, x)), element="double")(x)
    np.testing.assert_array_equal(got, [0.0, 0.0, 1.0, np.nan])
    assert np.all(compiled(lambda s, x: s.select(True, s.largest, x), element="double")(x) == np.finfo(np.float64).max)
    assert np.all(compiled(lambda s, x: s.select(False, x, s.tiny + s.eps), element="double")(x) == 2.0**-52)
