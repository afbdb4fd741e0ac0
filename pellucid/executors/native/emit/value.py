"""Values of generated code, with Python's operators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pellucid.executors.native.emit.types import element_of, is_float

if TYPE_CHECKING:
    from pellucid.executors.native.emit.function import Fn


def known(value: V) -> int | None:
    """Return the number that a constant index is, None for a register."""
    return int(value.name) if value.name.lstrip("-").isdigit() else None


class V:
    """A value in a function: a register or a constant, with its type and Python's operators.

    Numbers that meet a value become constants of its type. Comparisons are ordered: false where a side is NaN.
    """

    __slots__ = ("fn", "name", "type")

    def __init__(self, fn: Any, type: str, name: str):
        self.fn: Fn = fn
        self.type, self.name = type, name

    def __repr__(self) -> str:
        return f"{self.type} {self.name}"

    def _two(self, other: Any, whole: str, real: str, swapped: bool = False) -> V:
        other = self.fn.const(other, self.type) if not isinstance(other, V) else other
        a, b = (other, self) if swapped else (self, other)
        a, b = self.fn.as_number(a, b), self.fn.as_number(b, a)
        return self.fn.op(real if is_float(a.type) else whole, a, b)

    def __add__(self, other: Any) -> V:
        return self._two(other, "add", "fadd")

    def __radd__(self, other: Any) -> V:
        return self._two(other, "add", "fadd", True)

    def __sub__(self, other: Any) -> V:
        return self._two(other, "sub", "fsub")

    def __rsub__(self, other: Any) -> V:
        return self._two(other, "sub", "fsub", True)

    def __mul__(self, other: Any) -> V:
        return self._two(other, "mul", "fmul")

    def __rmul__(self, other: Any) -> V:
        return self._two(other, "mul", "fmul", True)

    def __truediv__(self, other: Any) -> V:
        return self._two(other, "sdiv", "fdiv")

    def __rtruediv__(self, other: Any) -> V:
        return self._two(other, "sdiv", "fdiv", True)

    def __and__(self, other: Any) -> V:
        return self._two(other, "and", "and")

    __rand__ = __and__

    def __or__(self, other: Any) -> V:
        return self._two(other, "or", "or")

    __ror__ = __or__

    def __xor__(self, other: Any) -> V:
        return self._two(other, "xor", "xor")

    def __lshift__(self, other: Any) -> V:
        return self._two(other, "shl", "shl")

    def __rshift__(self, other: Any) -> V:
        """Shift with the sign; `Fn.op("lshr", ...)` shifts zeros in."""
        return self._two(other, "ashr", "ashr")

    def __invert__(self) -> V:
        return self._two(-1 if element_of(self.type) != "i1" else True, "xor", "xor")

    def __neg__(self) -> V:
        return self.fn.emit(self.type, f"fneg {self.type} {self.name}") if is_float(self.type) else 0 - self

    def __lt__(self, other: Any) -> V:
        return self.fn.compare("lt", self, other)

    def __le__(self, other: Any) -> V:
        return self.fn.compare("le", self, other)

    def __gt__(self, other: Any) -> V:
        return self.fn.compare("gt", self, other)

    def __ge__(self, other: Any) -> V:
        return self.fn.compare("ge", self, other)

    def __bool__(self) -> bool:
        raise TypeError("a value of generated code has no truth while the code is written")

    __hash__ = object.__hash__
