"""Types of generated code, by their names in LLVM, and constants of them."""

from __future__ import annotations

import struct
from functools import cache
from typing import Any

FLOATS = ("half", "float", "double")
BITS = {"i1": 1, "i8": 8, "i16": 16, "i32": 32, "i64": 64, "float": 32, "double": 64, "ptr": 64}


@cache
def vector(element: str, lanes: int) -> str:
    """Return the type of a vector; one lane is the element itself."""
    return element if lanes == 1 else f"<{lanes} x {element}>"


@cache
def element_of(type: str) -> str:
    """Return the type of the elements of a vector, or the type itself."""
    return type[type.index(" x ") + 3 : -1] if type[0] == "<" else type


@cache
def lanes_of(type: str) -> int:
    """Return the number of lanes of a vector, 1 of anything else."""
    return int(type[1 : type.index(" ")]) if type[0] == "<" else 1


@cache
def size_of(type: str) -> int:
    """Return the bytes that a value takes in memory; a lane of truth values takes one."""
    return lanes_of(type) * max(8, BITS[element_of(type)]) // 8


@cache
def is_float(type: str) -> bool:
    return element_of(type) in FLOATS


def literal(number: Any, type: str) -> str:
    """Return a constant as text: all lanes of a vector are the same number."""
    element, lanes = element_of(type), lanes_of(type)
    if element in FLOATS:
        try:
            rounded = struct.unpack("<f", struct.pack("<f", number))[0] if element == "float" else float(number)
        except OverflowError:
            rounded = float("inf") if number > 0 else float("-inf")
        text = f"0x{struct.unpack('<Q', struct.pack('<d', rounded))[0]:016X}"
    elif element == "i1":
        text = "true" if number else "false"
    else:
        bits = BITS[element]
        whole = int(number) & ((1 << bits) - 1)
        text = str(whole - (1 << bits) if whole >> (bits - 1) else whole)
    return text if lanes == 1 else f"splat ({element} {text})"
