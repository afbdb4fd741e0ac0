"""Numbers in the text of a function that depend on sizes, and how they are taken out of it.

They are operands of a few instructions: sums and products of indices, bounds of loops, offsets, what a function is
called with, which tile is called, and what a mean is divided by. Each place where one stands is a number of its own:
two that are equal by chance would make another text of the same function.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Collection, Sequence
from typing import NamedTuple

from pellucid.executors.native.emit import element_of, vector

_SMALL = frozenset({0, 1})
_UNITS = frozenset({0, 1, 4, 16, 64})
"""Numbers that stay where they are in offsets: bytes of an element, lanes, bytes of a line."""
_TILE = "pellucid_tile_"
_ARITHMETIC = re.compile(r" = (mul|add|sub|udiv|urem|icmp \w+) i64 (\S+), (\S+)$")
_SELECT = re.compile(r"( = select i1 \S+), i64 (\S+), i64 (\S+)$")
_DIVISION = re.compile(r"( = fdiv (?:<\d+ x )?(float|double)>? \S+), (?:splat \((?:float|double) (\w+)\)|(0x\w+))$")
_NUMBER = re.compile(r"\bi64 (-?\d+)(?=[,)]|$)")
_SYMBOL = re.compile(r"@([\w.]+)")


class Size(NamedTuple):
    """What was taken out: a number, a function (type ``ptr``), or one number for all lanes of a vector; as text."""

    type: str
    text: str

    @property
    def word(self) -> str:
        """The constant of 64 bits that stands for it in a table, in LLVM's words."""
        element = element_of(self.type)
        if element == "ptr":
            return f"i64 ptrtoint (ptr {self.text} to i64)"
        if element == "i64":
            return f"i64 {self.text}"
        (number,) = struct.unpack("<d", struct.pack("<Q", int(self.text, 16)))  # of floats LLVM writes the double too
        (bits,) = struct.unpack("<q", struct.pack("<d" if element == "double" else "<fxxxx", number))
        return f"i64 {bits}"


def symbols_in(text: str) -> list[str]:
    """Return the names of the functions that a text calls."""
    return _SYMBOL.findall(text)


def take_out(lines: Sequence[str], named: Collection[str]) -> tuple[list[Size], list[str]]:
    """Take numbers out of lines, and the names of tiles and of other functions.

    Parameters
    ----------
    lines : sequence of str
        Of a function, each with one instruction.
    named : collection of str
        The functions to take out.

    Returns
    -------
    list of Size
    list of str
        The lines, with registers ``%s0``, ``%s1`` and so on in the place of what was taken out; one that is divided by
        is a number for each lane.

    Examples
    --------
    >>> taken, left = take_out(["  %v1 = mul i64 %i2, 320", "  call void @pellucid_tile_a(ptr %v1, i64 64)"], ())
    >>> [size.text for size in taken], left
    (['320', '@pellucid_tile_a', '64'], ['  %v1 = mul i64 %i2, %s0', '  call void %s1(ptr %v1, i64 %s2)'])
    """
    taken: list[Size] = []
    return taken, [_without(line, named, taken) for line in lines]


def _without(line: str, named: Collection[str], taken: list[Size]) -> str:
    def put(type: str, text: str) -> str:
        taken.append(Size(type, text))
        return f"%s{len(taken) - 1}"

    def number(text: str, kept: frozenset[int]) -> str:
        return text if not text.lstrip("-").isdigit() or int(text) in kept else put("i64", text)

    def name(found: re.Match[str]) -> str:
        return put("ptr", found[0]) if found[1] in named or found[1].startswith(_TILE) else found[0]

    if " fdiv " in line and (found := _DIVISION.search(line)):
        lanes = line.split("<", 1)[1].split(" x ", 1)[0] if "<" in line else "1"
        return f"{line[: found.start()]}{found[1]}, {put(vector(found[2], int(lanes)), found[3] or found[4])}"
    if " i64 " not in line and "@" not in line:
        return line
    if found := _ARITHMETIC.search(line):
        kept = _UNITS if found[1] in ("mul", "add") else _SMALL
        return f"{line[: found.start()]} = {found[1]} i64 {number(found[2], kept)}, {number(found[3], kept)}"
    if found := _SELECT.search(line):
        return f"{line[: found.start()]}{found[1]}, i64 {number(found[2], _SMALL)}, i64 {number(found[3], _SMALL)}"
    if " = getelementptr i8" in line:
        return _NUMBER.sub(lambda found: f"i64 {number(found[1], _UNITS)}", line)
    if "@llvm." in line or "<" in line:  # numbers of intrinsics and of vectors are part of the code
        return line
    line = _SYMBOL.sub(name, line)
    return _NUMBER.sub(lambda found: f"i64 {number(found[1], _SMALL)}", line) if "call " in line else line
