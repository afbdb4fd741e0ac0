"""The random words of a draw in generated code: the cipher and the layout of :mod:`pellucid.random`.

The functions that programs call, after `require_words`:

- ``pellucid_key``: ``i64 (i64 seed, i32 purpose, i64 step)`` is the key of a draw; a step counts modulo 2^32.
- ``pellucid_words``: ``void (i64 key, i64 block, i64 count, ptr target)`` writes `count` words (i32) and up to
  `TOGETHER` blocks' more, from the beginning of a block whose number is a multiple of `TOGETHER`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from pellucid.executors.native.emit import Fn, Module, V, lanes_of, size_of
from pellucid.executors.native.engine import Code
from pellucid.executors.native.library import Library
from pellucid.executors.native.target import Target
from pellucid.random import LANES
from pellucid.random import threefry as cipher

BLOCK = 2 * LANES
"""How many words a block has: two for each of its counters."""

TOGETHER = 4
"""As many blocks are ready at once as any processor makes together."""

DRAW = (("i64", "seed"), ("i32", "purpose"), ("i64", "step"))
"""What says which draw is meant, as parameters of a function."""

WORDS = f"<{LANES} x i32>"
"""The type of half a block: the words of neighbouring positions."""

_ROUNDS = 20
_CHUNK = 16 * BLOCK  # words that are kept on the stack between making and using them

Pair = tuple[V, V]


@dataclass(frozen=True)
class Draw:
    """What the words of a draw are made of.

    Attributes
    ----------
    ramp : V
        The first words of block 0's counters with the key added, in lanes.
    high : V
        The second word of the key.
    subkeys : tuple of pairs
        What is added after every fourth round, in lanes.
    """

    ramp: V
    high: V
    subkeys: tuple[Pair, ...]


def key_of(fn: Fn, seed: V, purpose: V, step: V) -> Pair:
    """Write the two words of a draw's key, from values of the types in `DRAW`."""
    subkeys = _subkeys(*_halves(fn, seed))
    counter = purpose + subkeys[0][0], fn.cast("trunc", step, "i32") + subkeys[0][1]
    return _encrypted(fn, counter, subkeys[1:])


def begin_draw(fn: Fn, key: Pair, blocks: int = 1) -> Draw:
    """Write what is the same for all blocks of a draw. Do it outside of the loop over them.

    Several blocks at once take less time each: the rounds of one alone wait for one another.
    """
    lanes, subkeys = blocks * LANES, _subkeys(*key)
    wide = tuple((fn.splat(first, lanes), fn.splat(second, lanes)) for first, second in subkeys)
    return Draw(fn.iota(wide[0][0].type) + wide[0][0], subkeys[0][1], wide[1:])


def draw_blocks(fn: Fn, draw: Draw, block: V) -> list[V]:
    """Write the words of the blocks from number `block` (an i64) on, in their order, each [LANES] of i32.

    The number has to be a multiple of how many blocks are drawn at once.
    """
    lanes, start = lanes_of(draw.ramp.type), block * LANES
    low, high = _halves(fn, start)
    halves = _encrypted(fn, (fn.splat(low, lanes) + draw.ramp, fn.splat(high + draw.high, lanes)), draw.subkeys)
    pieces = [range(first, first + LANES) for first in range(0, lanes, LANES)]
    return [fn.shuffle(half, None, piece) if len(pieces) > 1 else half for piece in pieces for half in halves]


@contextmanager
def words_of_draw(fn: Fn, draw: Sequence[V], count: V) -> Iterator[tuple[V, V]]:
    """Write a loop over the words of a draw: whole blocks, `count` words or a few more.

    Parameters
    ----------
    draw : seed, purpose, step
        Values of the types in `DRAW`.
    count : V
        An i64.

    Yields
    ------
    V, V
        `LANES` words, and the position of the first.
    """
    key = fn.call(fn.module.declare("pellucid_key", "i64", *(type for type, _ in DRAW)), "i64", *draw)
    make = fn.module.declare("pellucid_words", "void", "i64", "i64", "i64", "ptr")
    room = fn.scratch(4 * _CHUNK)
    with fn.loop(0, count, _CHUNK) as chunk:
        size = fn.intrinsic("smin", count - chunk.index, fn.i64(_CHUNK))
        fn.call(make, "void", key, fn.op("udiv", chunk.index, fn.i64(BLOCK)), size, room)
        with fn.loop(0, (size + (BLOCK - 1)) & -BLOCK, LANES) as piece:
            yield fn.load(WORDS, fn.at(room, piece.index * 4)), chunk.index + piece.index


def require_words() -> Code:
    """Make sure that programs can call the functions of this module."""
    return CIPHER.require()


def _write_cipher(module: Module, target: Target) -> None:
    fn = module.function("pellucid_key", DRAW, "i64")
    first, second = (fn.cast("zext", word, "i64") for word in key_of(fn, *fn.args))
    fn.ret(first | second << 32)
    fn = module.function(
        "pellucid_words", [("i64", "key"), ("i64", "block"), ("i64", "count"), ("ptr noalias", "target")]
    )
    key, block, count, place = fn.args
    # Rounds of independent vectors fill the time that those of one wait for; short registers make many of a block.
    blocks = TOGETHER if target.bytes > 16 else TOGETHER // 2
    draw = begin_draw(fn, _halves(fn, key), blocks)
    with fn.loop(0, count, blocks * BLOCK) as found:
        number = block + fn.op("udiv", found.index, fn.i64(BLOCK))
        for at, words in enumerate(draw_blocks(fn, draw, number)):
            fn.store(words, fn.at(place, found.index * 4 + at * size_of(words.type)))
    fn.ret()


CIPHER = Library("pellucid_words", _write_cipher)


def _halves(fn: Fn, number: V) -> Pair:
    """Write the low and the high word of an i64."""
    return fn.cast("trunc", number, "i32"), fn.cast("trunc", fn.op("lshr", number, fn.i64(32)), "i32")


def _subkeys(low: V, high: V) -> tuple[Pair, ...]:
    """Write what is added before the first round and after every fourth one."""
    keys = low, high, low ^ high ^ int(cipher.PARITY)
    return tuple((keys[turn % 3], keys[(turn + 1) % 3] + turn) for turn in range(_ROUNDS // 4 + 1))


def _encrypted(fn: Fn, counter: Pair, subkeys: Sequence[Pair]) -> Pair:
    """Write the rounds on a counter that the first subkeys are added to."""
    x0, x1 = counter
    for turn, (first, second) in enumerate(subkeys):
        for left, _ in cipher.SHIFTS[turn % 2]:
            x0 = x0 + x1
            x1 = fn.intrinsic("fshl", x1, x1, fn.const(int(left), x1.type)) ^ x0
        x0, x1 = x0 + first, x1 + second
    return x0, x1
