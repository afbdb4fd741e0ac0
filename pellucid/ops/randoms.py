"""Random numbers as operations: functions of seed, step, purpose and position, as in :mod:`pellucid.random`.

Seed and step are operands, so that another seed or the next step needs no other graph. Two draws of one graph with the
same purpose, seed, step and shape are the same draw.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np

from pellucid import random
from pellucid.errors import ShapeError
from pellucid.graph.types import DType, Shape, Type, as_dtype, as_shape, bool_, float32, float64, int64, uint32
from pellucid.graph.value import Value
from pellucid.ops.declare import NOT_DIFFERENTIABLE, structural
from pellucid.ops.operands import as_operand, check_float, check_integer, check_shape
from pellucid.ops.samples import Case, ErrorCase, Integers, Operand, Uniform

_WORD = (1 << 32) - 1


def _check_scalar(where: str, type: Type) -> None:
    if type.shape:
        raise ShapeError("seed, step and probability are scalars", where=where, got=str(type))


def _draw_type(where: str, seed: Type, step: Type, shape: Any, purpose: Any, dtype: Any) -> Type:
    for type in (seed, step):
        _check_scalar(where, check_integer(where, type))
    if not isinstance(purpose, str) or not purpose:
        told = "a text that no other draw of the graph has"
        raise ShapeError("a draw needs a purpose", where=where, got=repr(purpose)[:80], expected=told)
    return Type(dtype, check_shape(where, shape))


def _number(seed: Any) -> Any:
    """Return a seed or step as it is, or whole numbers of 64 bits as the int64 with the same bits."""
    if isinstance(seed, int) and not isinstance(seed, bool):
        if not -(1 << 63) <= seed < 1 << 64:
            raise ShapeError("a seed or step out of range", got=str(seed), expected="a whole number of 64 bits")
        return np.uint64(seed % (1 << 64)).astype(np.int64)
    return as_operand(seed)


def _words(seed: Any, step: Any) -> tuple[int, int]:
    """Return seed and step as :mod:`pellucid.random` takes them: modulo 2^64 and 2^32."""
    return int(seed) % (1 << 64), int(step) % (1 << 32)


def _threefry(key: tuple[int, int], counter: tuple[int, int]) -> tuple[int, int]:
    """Encrypt one counter with plain integers: the reference."""
    keys = (*key, key[0] ^ key[1] ^ 0x1BD11BDA)
    first, second = (counter[0] + keys[0]) & _WORD, (counter[1] + keys[1]) & _WORD
    for number in range(20):
        turn = ((13, 15, 26, 6), (17, 29, 16, 24))[number // 4 % 2][number % 4]
        first = (first + second) & _WORD
        second = ((second << turn | second >> (32 - turn)) & _WORD) ^ first
        if number % 4 == 3:
            group = number // 4 + 1
            first = (first + keys[group % 3]) & _WORD
            second = (second + keys[(group + 1) % 3] + group) & _WORD
    return first, second


def _reference(number: Callable[[int], float]) -> Callable[..., np.ndarray]:
    """Return the reference of a draw: `number` of the random word of each position."""

    def draw(seed: Any, step: Any, *, shape: Shape, purpose: str, dtype: DType) -> np.ndarray:
        seed, step = _words(seed, step)
        key = _threefry((seed & _WORD, seed >> 32), (zlib.crc32(purpose.encode()), step))
        places = (divmod(place, 32) for place in range(math.prod(shape)))
        words = [_threefry(key, (block * 16 + within % 16, 0))[within // 16] for block, within in places]
        return np.array([number(word) for word in words], float).reshape(shape)

    return draw


def _uniform(word: int) -> float:
    return (word >> 8) / 2**24


def _normal(word: int) -> float:
    """Compute the quantile of AS 241, PPND7, with the logarithm that :mod:`pellucid.random` describes."""
    q = (2 * (word >> 8) + 1 - 2**24) / 2**25
    if abs(q) <= 0.425:
        r = 0.180625 - q * q
        top = ((59.109374720 * r + 159.29113202) * r + 50.434271938) * r + 3.3871327179
        return q * top / (((67.187563600 * r + 78.757757664) * r + 17.895169469) * r + 1)
    significand, exponent = math.frexp(0.5 - abs(q))
    if significand < math.sqrt(0.5):
        significand, exponent = 2 * significand, exponent - 1
    z = (significand - 1) / (significand + 1)
    logarithm = exponent * math.log(2) + math.fsum(2 * z**power / power for power in (1, 3, 5, 7, 9))
    r = math.sqrt(-logarithm) - 1.6
    top = ((0.17023821103 * r + 1.3067284816) * r + 2.7568153900) * r + 1.4234372777
    return math.copysign(top / ((0.12021132975 * r + 0.73700164250) * r + 1), q)


def _face(
    seed: Any, step: Any, shape: Any, purpose: str, dtype: Any = float64
) -> tuple[tuple[Any, Any], dict[str, Any]]:
    return (_number(seed), _number(step)), {"shape": as_shape(shape), "purpose": purpose, "dtype": as_dtype(dtype)}


_SEEDS, _STEPS = Operand((), Integers(-(2**63), 2**63 - 1)), Operand((), Integers(0, 1000))
_CASES = [
    Case((_SEEDS, _STEPS), {"shape": shape, "purpose": "noise", "dtype": dtype})
    for shape, dtype in (((), float64), ((3,), float32), ((5, 17), float64), ((2, 0), float64), ((1, 40), float64))
]


def _draw_errors(**dtype: DType) -> list[ErrorCase]:
    asked = {"shape": (2,), "purpose": "noise", **dtype}
    return [
        ErrorCase((float64[()], int64[()]), "expected int", asked),
        ErrorCase((int64[2], int64[()]), "are scalars", asked),
        ErrorCase((int64[()], uint32[()]), "needs a purpose", {**asked, "purpose": ""}),
        ErrorCase((int64[()], int64[()]), "sizes from 0 up", {**asked, "shape": (-1,)}),
    ]


_INTEGERS = ErrorCase((int64[()],) * 2, "no dtype of random numbers", {"shape": (2,), "purpose": "x", "dtype": int64})


def _check_dtype(where: str, dtype: Any) -> DType:
    if dtype not in (float32, float64):
        raise ShapeError("no dtype of random numbers", where=where, got=repr(dtype)[:80], expected="float32 or float64")
    return dtype


def _declare(name: str, doc: str, draw: Callable[..., np.ndarray], number: Callable[[int], float]) -> Any:
    def infer(seed: Type, step: Type, *, shape: Shape, purpose: str, dtype: DType) -> Type:
        return _draw_type(name, seed, step, shape, purpose, _check_dtype(name, dtype))

    def array(xp: Any, seed: Any, step: Any, *, shape: Shape, purpose: str, dtype: DType) -> Any:
        whole, count = _words(seed, step)
        return xp.asarray(draw(whole, purpose, count, shape, dtype.numpy))

    return structural(
        name=name,
        doc=doc,
        infer=infer,
        array=array,
        gradient=NOT_DIFFERENTIABLE,
        reference=_reference(number),
        params={"shape": (), "purpose": "", "dtype": float64},
        face=_face,
        sample=_CASES,
        errors=[*_draw_errors(dtype=float64), _INTEGERS],
    )


random_uniform = _declare(
    "random_uniform",
    "Uniform random numbers in [0, 1), multiples of 2^-24.",
    random.uniform,
    _uniform,
)
random_normal = _declare(
    "random_normal",
    "Random numbers of the standard normal distribution.",
    random.normal,
    _normal,
)


def _mask_type(seed: Type, step: Type, probability: Type, *, shape: Shape, purpose: str) -> Type:
    _check_scalar("bernoulli_mask", check_float("bernoulli_mask", probability))
    return _draw_type("bernoulli_mask", seed, step, shape, purpose, bool_)


def _mask_array(xp: Any, seed: Any, step: Any, probability: Any, *, shape: Shape, purpose: str) -> Any:
    whole, count = _words(seed, step)
    return xp.asarray(random.bernoulli(whole, purpose, count, shape, float(probability)))


def _mask_face(
    seed: Any, step: Any, probability: Any, shape: Any, purpose: str
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    chance = probability if isinstance(probability, Value) else np.asarray(probability)
    if isinstance(chance, np.ndarray) and chance.dtype.kind in "biu":
        chance = chance.astype(float)
    return (_number(seed), _number(step), chance), {"shape": as_shape(shape), "purpose": purpose}


def _mask_reference(seed: Any, step: Any, probability: Any, *, shape: Shape, purpose: str) -> np.ndarray:
    return _reference(_uniform)(seed, step, shape=shape, purpose=purpose, dtype=float64) < float(probability)


bernoulli_mask = structural(
    name="bernoulli_mask",
    doc="Truth values, each true with the given probability: where a uniform draw of the same purpose is below it.",
    infer=_mask_type,
    array=_mask_array,
    gradient=NOT_DIFFERENTIABLE,
    reference=_mask_reference,
    params={"shape": (), "purpose": ""},
    face=_mask_face,
    sample=[
        Case((_SEEDS, _STEPS, Operand((), Uniform(0.0, 1.0))), {"shape": shape, "purpose": "dropout"})
        for shape in ((), (4,), (3, 30), (0, 2))
    ],
    errors=[
        *(ErrorCase((*case.types, float64[()]), case.match, case.params) for case in _draw_errors()),
        ErrorCase((int64[()], int64[()], int64[()]), "expected float", {"shape": (2,), "purpose": "dropout"}),
        ErrorCase((int64[()], int64[()], float64[2]), "are scalars", {"shape": (2,), "purpose": "dropout"}),
    ],
)
