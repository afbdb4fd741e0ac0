"""Random numbers in generated code, the same bits as :mod:`pellucid.random`, which says how a draw is laid out.

The functions that programs call, after `require_draws`; a target is dense, is written in whole blocks of 32 elements,
and so has to have room for a multiple of 32:

- ``pellucid_uniform_float``, ``..._double``: ``void (i64 seed, i32 purpose, i64 step, ptr target, i64 count)``
- ``pellucid_normal_float``, ``..._double``: the same
- ``pellucid_mask``: ``void (i64 seed, i32 purpose, i64 step, double probability, ptr bytes, i64 count)``

A step counts modulo 2^32. The pieces that they are made of can be written into other functions as well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pellucid.executors.native.emit import Fn, Module, V, lanes_of, size_of
from pellucid.executors.native.library import Library
from pellucid.executors.native.target import Target
from pellucid.executors.native.words import BLOCK, DRAW, require_words, words_of_draw
from pellucid.random import distributions as law

_SPACE = 1 << 24  # uniform numbers are multiples of its inverse


def uniform_of(fn: Fn, words: V, element: str) -> V:
    """Write uniform numbers in [0, 1) from words."""
    return fn.cast("sitofp", _top_bits(fn, words), element) * (1 / _SPACE)


def normal_of(fn: Fn, words: V, element: str) -> V:
    """Write standard normal numbers from words, in the order of operations of `pellucid.random.normal_from_words`."""
    centred = (_top_bits(fn, words) << 1) - (_SPACE - 1)
    q = fn.cast("sitofp", centred, element) * 2.0**-25
    size = fn.intrinsic("fabs", q)
    outside = size > law.MIDDLE
    tails = _SPACE - fn.select(centred < 0, 0 - centred, centred)
    r = law.MIDDLE_SQUARED - q * q
    t = fn.intrinsic("sqrt", _minus_log(fn, tails, element)) - law.TAIL_SHIFT
    # Both intervals are computed and one is taken before the division, so that there is one of it. In the middle the
    # quotient has the sign of q already, and copysign changes nothing.
    top = fn.select(outside, _polynomial(t, law.TAIL_TOP), q * _polynomial(r, law.MIDDLE_TOP))
    bottom = fn.select(outside, _polynomial(t, law.TAIL_BOTTOM), _polynomial(r, law.MIDDLE_BOTTOM))
    return fn.intrinsic("copysign", top / bottom, q)


def mask_of(fn: Fn, words: V, threshold: V) -> V:
    """Write truth values from words: those of `threshold_of` a probability (an i32) that are below it."""
    return fn.compare("lt", _top_bits(fn, words), fn.splat(threshold, lanes_of(words.type)))


def threshold_of(fn: Fn, probability: V) -> V:
    """Write how many of the 2^24 uniform numbers are below a probability (a double), as an i32."""
    some = fn.cast("fptosi", fn.intrinsic("ceil", probability * float(_SPACE)), "i32")
    positive = fn.select(probability > 0.0, some, fn.const(0, "i32"))
    return fn.select(probability >= 1.0, fn.const(_SPACE, "i32"), positive)


def require_draws(*names: str) -> None:
    """Make sure that programs can call these functions of this module, all of them unless names are given."""
    require_words()
    for name in names or DRAWS:
        DRAWS[name].require()


def _number_library(name: str, element: str, number: Callable[[Fn, V, str], V]) -> Library:
    def write(module: Module, target: Target) -> None:
        fn = module.function(name, [*DRAW, ("ptr noalias", "target"), ("i64", "count")])
        *draw, place, count = fn.args
        with words_of_draw(fn, draw, count) as (words, position):
            fn.store(number(fn, words, element), fn.at(place, position * size_of(element)))
        fn.ret()

    return Library(name, write)


def _write_mask(module: Module, target: Target) -> None:
    parameters = [*DRAW, ("double", "probability"), ("ptr noalias", "bytes"), ("i64", "count")]
    fn = module.function("pellucid_mask", parameters)
    *draw, probability, place, count = fn.args
    threshold = threshold_of(fn, probability)
    constant = (threshold < 1) | (threshold >= _SPACE)
    with fn.when(constant):
        filling = fn.splat(fn.cast("zext", threshold > 0, "i8"), BLOCK)
        with fn.loop(0, count, BLOCK) as found:
            fn.store(filling, fn.at(place, found.index))
    with fn.when(~constant), words_of_draw(fn, draw, count) as (words, position):
        fn.store(mask_of(fn, words, threshold), fn.at(place, position))
    fn.ret()


DRAWS = {
    library.name: library
    for library in (
        *(_number_library(f"pellucid_uniform_{element}", element, uniform_of) for element in ("float", "double")),
        *(_number_library(f"pellucid_normal_{element}", element, normal_of) for element in ("float", "double")),
        Library("pellucid_mask", _write_mask),
    )
}
"""The functions by name, each compiled on its own."""


def _top_bits(fn: Fn, words: V) -> V:
    return fn.op("lshr", words, fn.const(8, words.type))


def _minus_log(fn: Fn, tails: V, element: str) -> V:
    """Write ``-log(tails * 2^-25)`` of whole numbers 0 < tails < 2^24."""
    bits = fn.cast("bitcast", fn.cast("sitofp", tails, "float"), "i32")
    exponents = (bits - law.SQRT_HALF_BITS) >> 23
    significand = fn.cast("bitcast", bits - (exponents << 23), "float")
    m = significand if element == "float" else fn.cast("fpext", significand, element)
    z = (m - 1.0) / (m + 1.0)
    return fn.cast("sitofp", 25 - exponents, element) * law.LN2 - z * _polynomial(z * z, law.ARTANH)


def _polynomial(x: V, coefficients: Sequence[float]) -> V:
    """Write a polynomial by Horner's rule, highest power first."""
    result = x * coefficients[0]
    for coefficient in coefficients[1:-1]:
        result = (result + coefficient) * x
    return result + coefficients[-1]
