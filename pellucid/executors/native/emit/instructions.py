"""Instructions: arithmetic, vectors, calls, memory, and what is the same in all rounds of all loops."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pellucid.executors.native.emit.types import BITS, FLOATS, element_of, is_float, lanes_of, literal, vector
from pellucid.executors.native.emit.value import V, known

if TYPE_CHECKING:
    from pellucid.executors.native.emit.module import Module

_UNSAFE = re.compile(r"[^\w /.,:=()\[\]-]")


def comment(words: str) -> str:
    """Return words as a comment; characters that could end it are taken out."""
    return "; " + _UNSAFE.sub("_", words)


class Instructions:
    """The instructions of a function under construction."""

    def __init__(
        self,
        module: Module,
        name: str,
        parameters: Sequence[tuple[str, str]],
        result: str = "void",
        internal: bool = False,
        inline: bool | None = None,
    ):
        self.module, self.name, self.result = module, name, result
        self.parameters = list(parameters)
        self.internal, self.inline = internal, inline
        self.entry: list[str] = []
        """Lines that come before all others: what is the same in all rounds of all loops."""
        self.lines: list[str] = []
        self.count = 0
        self.block = "body"
        self.args = [V(self, type.split(" ")[0] if type[0] != "<" else type, f"%{name}") for type, name in parameters]

    # -- text

    def text(self) -> str:
        taken = ", ".join(f"{type} %{name}" for type, name in self.parameters)
        word = {None: "", True: " alwaysinline", False: " noinline"}[self.inline]
        start = f"define {'internal ' if self.internal else ''}{self.result} @{self.name}({taken}) nounwind{word}"
        body = ["entry:", *self.entry, "  br label %body", "body:", *self.lines]
        return "\n".join([f"{start}{' #0' if self.module.attributes else ''} {{", *body, "}"])

    def comment(self, words: str) -> None:
        """Add a comment; characters that could end it are taken out."""
        self.lines.append("  " + comment(words))

    def line(self, text: str) -> None:
        self.lines.append("  " + text)

    def fresh(self, stem: str = "") -> str:
        self.count += 1
        return f"{stem}{self.count}" if stem else f"v{self.count}"

    def emit(self, type: str, text: str) -> V:
        """Add an instruction and return its result."""
        name = f"%{self.fresh()}"
        self.lines.append(f"  {name} = {text}")
        return V(self, type, name)

    @contextmanager
    def hoisted(self) -> Iterator[None]:
        """Write what is emitted inside at the beginning of the function. It may use arguments and constants only."""
        lines, self.lines = self.lines, self.entry
        try:
            yield
        finally:
            self.lines = lines

    # -- values

    def const(self, number: Any, type: str) -> V:
        return V(self, type, literal(number, type))

    def const_of(self, scalar: V, lanes: int) -> V:
        """Return a vector of a scalar constant."""
        return scalar if lanes == 1 else V(self, vector(scalar.type, lanes), f"splat ({scalar.type} {scalar.name})")

    def i64(self, number: int) -> V:
        return V(self, "i64", str(int(number)))

    def constants(self, numbers: Sequence[Any], element: str) -> V:
        """Return a vector of different constants."""
        type = vector(element, len(numbers))
        return V(self, type, f"<{', '.join(f'{element} {literal(n, element)}' for n in numbers)}>")

    def iota(self, type: str) -> V:
        """Return 0, 1, 2 and so on in the lanes; 0 where there is one lane."""
        lanes = lanes_of(type)
        return self.const(0, type) if lanes == 1 else self.constants(range(lanes), element_of(type))

    def op(self, name: str, a: V, b: V) -> V:
        """Add an instruction of two operands of one type, such as ``fadd``, ``lshr`` or ``udiv``.

        What is known of indices while code is written is computed then.
        """
        if a.type == "i64" and name in ("add", "sub", "mul"):
            left, right = known(a), known(b)
            if left is not None and right is not None:
                return self.i64({"add": left + right, "sub": left - right, "mul": left * right}[name])
            if right == (1 if name == "mul" else 0):
                return a
            if left == (1 if name == "mul" else 0) and name != "sub":
                return b
        return self.emit(a.type, f"{name} {a.type} {a.name}, {b.name}")

    def compare(self, how: str, a: V, b: Any) -> V:
        """Compare: ``lt``, ``le``, ``gt``, ``ge``, ``eq``, ``ne`` (true where a side is NaN), ``ult`` and so on."""
        b = b if isinstance(b, V) else self.const(b, a.type)
        result = vector("i1", lanes_of(a.type))
        if is_float(a.type):
            word = "fcmp " + {"ne": "une"}.get(how, "o" + how)
        else:
            word = "icmp " + (how if how in ("eq", "ne") or how[0] == "u" else "s" + how)
        return self.emit(result, f"{word} {a.type} {a.name}, {b.name}")

    def select(self, condition: V, a: V, b: V) -> V:
        return self.emit(a.type, f"select {condition.type} {condition.name}, {a.type} {a.name}, {b.type} {b.name}")

    def as_number(self, a: V, beside: V) -> V:
        """Return truth values that meet numbers as 0 and 1; anything else as it is."""
        kind = element_of(beside.type)
        if element_of(a.type) != "i1" or kind == "i1":
            return a
        return self.cast("uitofp" if kind in FLOATS else "zext", a, kind)

    def minimum(self, a: V, b: V) -> V:
        """Return the smaller of two signed integers."""
        return self.select(a < b, a, b)

    def cast(self, how: str, a: V, element: str) -> V:
        """Convert every lane: ``fpext``, ``fptrunc``, ``sitofp``, ``uitofp``, ``zext``, ``sext``, ``trunc``..."""
        type = vector(element, lanes_of(a.type))
        return a if type == a.type else self.emit(type, f"{how} {a.type} {a.name} to {type}")

    def splat(self, scalar: V, lanes: int) -> V:
        """Return a vector with the scalar in every lane."""
        if lanes == 1:
            return scalar
        type = vector(scalar.type, lanes)
        one = self.emit(type, f"insertelement {type} poison, {scalar.type} {scalar.name}, i32 0")
        return self.emit(type, f"shufflevector {type} {one.name}, {type} poison, <{lanes} x i32> zeroinitializer")

    def shuffle(self, a: V, b: V | None, places: Sequence[int]) -> V:
        """Return a vector of lanes of a, and of b behind them."""
        if len(places) == 1 and b is None:
            return self.extract(a, places[0])
        mask = ", ".join(f"i32 {place}" for place in places)
        type = vector(element_of(a.type), len(places))
        other = b.name if b is not None else "poison"
        return self.emit(type, f"shufflevector {a.type} {a.name}, {a.type} {other}, <{len(places)} x i32> <{mask}>")

    def extract(self, a: V, lane: int) -> V:
        if lanes_of(a.type) == 1:
            return a
        return self.emit(element_of(a.type), f"extractelement {a.type} {a.name}, i32 {lane}")

    def call(self, name: str, result: str, *operands: V) -> V:
        """Call a function of the module; a result of type ``void`` is no value to use."""
        taken = ", ".join(f"{value.type} {value.name}" for value in operands)
        if result == "void":
            self.line(f"call void @{name}({taken})")
            return V(self, "void", "")
        return self.emit(result, f"call {result} @{name}({taken})")

    def intrinsic(self, name: str, *operands: V) -> V:
        """Call an intrinsic whose operands and result have one type, such as ``fma``, ``sqrt``, ``fabs``."""
        type = operands[0].type
        lanes, element = lanes_of(type), element_of(type)
        short = {"float": "f32", "double": "f64"}.get(element, element)
        suffix = short if lanes == 1 else f"v{lanes}{short}"
        full = self.module.declare(f"llvm.{name}.{suffix}", type, *[type] * len(operands))
        return self.call(full, type, *operands)

    def fma(self, a: V, b: V, c: V) -> V:
        return self.intrinsic("fma", a, b, c)

    # -- memory

    def at(self, pointer: V, offset: V | int) -> V:
        """Return the pointer moved by so many bytes."""
        if isinstance(offset, int):
            if offset == 0:
                return pointer
            offset = self.i64(offset)
        return self.emit("ptr", f"getelementptr i8, ptr {pointer.name}, i64 {offset.name}")

    def load(self, type: str, pointer: V, align: int | None = None) -> V:
        """Load; the alignment is that of one element unless told. Truth values take a byte each."""
        if element_of(type) == "i1":
            return self.cast("trunc", self.load(vector("i8", lanes_of(type)), pointer, align), "i1")
        align = align or max(1, BITS[element_of(type)] // 8)
        return self.emit(type, f"load {type}, ptr {pointer.name}, align {align}")

    def store(self, value: V, pointer: V, align: int | None = None) -> None:
        if element_of(value.type) == "i1":
            value = self.cast("zext", value, "i8")
        align = align or max(1, BITS[element_of(value.type)] // 8)
        self.line(f"store {value.type} {value.name}, ptr {pointer.name}, align {align}")

    def scratch(self, size: int) -> V:
        """Return memory of the function's own, in bytes, aligned to a cache line."""
        name = f"%{self.fresh('stack')}"
        self.entry.append(f"  {name} = alloca i8, i64 {size}, align 64")
        return V(self, "ptr", name)

    def pointer(self, address: V) -> V:
        """Return an address, a number of 64 bits, as a pointer."""
        return self.emit("ptr", f"inttoptr i64 {address.name} to ptr")
