"""The scalar vocabulary of :mod:`pellucid.ops.scalar` in machine instructions."""

from __future__ import annotations

from typing import Any

import numpy as np

from pellucid.executors.native import functions
from pellucid.executors.native.emit import Fn, V, element_of, is_float, vector

_LIMITS: dict[str, Any] = {"float": np.finfo(np.float32), "double": np.finfo(np.float64)}


class Unsigned(V):
    """An integer without a sign, whose comparisons are those of such."""

    __slots__ = ()

    def _two(self, other: Any, whole: str, real: str, swapped: bool = False) -> V:
        found = super()._two(other, whole, real, swapped)
        return Unsigned(self.fn, found.type, found.name)

    def __lt__(self, other: Any) -> V:
        return self.fn.compare("ult", self, other)

    def __le__(self, other: Any) -> V:
        return self.fn.compare("ule", self, other)

    def __gt__(self, other: Any) -> V:
        return self.fn.compare("ugt", self, other)

    def __ge__(self, other: Any) -> V:
        return self.fn.compare("uge", self, other)


class NativeScalars:
    """The vocabulary on values of generated code. Its words take Python numbers too, which become constants.

    Parameters
    ----------
    fn : Fn
        The function that is written.
    element : str
        ``float``, ``double``, ``i64``, ``i32`` or ``i1``: what the rule computes in.
    lanes : int
        Lanes of all values.
    unsigned : bool
        Whether integers have no sign. Operands then go through :meth:`operand` first.

    Examples
    --------
    >>> from pellucid.executors.native.emit import Module
    >>> fn = Module().function("rectify", [("<16 x float>", "x")], "<16 x float>")
    >>> fn.ret(NativeScalars(fn, "float", 16).max(fn.args[0], 0.0))
    >>> print(fn.lines[0].strip())
    %v1 = fcmp ogt <16 x float> splat (float 0x0000000000000000), %x
    """

    def __init__(self, fn: Fn, element: str, lanes: int, unsigned: bool = False):
        self.fn, self.type, self.unsigned = fn, vector(element, lanes), unsigned
        if element in _LIMITS:
            limits = _LIMITS[element]
            self.eps, self.tiny, self.largest = float(limits.eps), float(limits.tiny), float(limits.max)

    def operand(self, x: Any) -> V:
        """Return an operand as the vocabulary needs it: a value of its type, with the comparisons of that."""
        x = x if isinstance(x, V) else self.fn.const(x, self.type)
        if self.unsigned and element_of(x.type) != "i1":
            return Unsigned(self.fn, x.type, x.name)
        return x

    def exp(self, x: Any) -> V:
        return functions.exp(self.operand(x))

    def expm1(self, x: Any) -> V:
        return functions.expm1(self.operand(x))

    def log(self, x: Any) -> V:
        return functions.log(self.operand(x))

    def log1p(self, x: Any) -> V:
        return functions.log1p(self.operand(x))

    def sqrt(self, x: Any) -> V:
        return self.fn.intrinsic("sqrt", self.operand(x))

    def tanh(self, x: Any) -> V:
        return functions.tanh(self.operand(x))

    def erf(self, x: Any) -> V:
        return functions.erf(self.operand(x))

    def erfc(self, x: Any) -> V:
        return functions.erfc(self.operand(x))

    def power(self, x: Any, y: Any) -> V:
        """Return x to the power of y. Usual exponents that are Python numbers take few instructions."""
        if isinstance(y, V):
            return functions.power(self.operand(x), y)
        return functions.power_of_number(self.operand(x), float(y))

    def abs(self, x: Any) -> V:
        x = self.operand(x)
        if is_float(x.type):
            return self.fn.intrinsic("fabs", x)
        return x if self.unsigned else self.select(x < 0, -x, x)

    def sign(self, x: Any) -> V:
        x = self.operand(x)
        flat = x + 0.0 if is_float(x.type) else x  # -0.0 becomes 0.0, NaN stays
        return self.select(x > 0, 1, flat if self.unsigned else self.select(x < 0, -1, flat))

    def max(self, x: Any, y: Any) -> V:
        return self._extreme(x, y, lambda a, b: a > b)

    def min(self, x: Any, y: Any) -> V:
        return self._extreme(x, y, lambda a, b: a < b)

    def _extreme(self, x: Any, y: Any, wins: Any) -> V:
        """Return the one that wins, NaN where either is NaN. A number that meets a value takes one instruction."""
        if not isinstance(x, V):
            x, y = y, x
        x, number = self.operand(x), y if not isinstance(y, V) else None
        y = self.operand(y)
        if number is not None and number == number:
            return self.select(wins(y, x), y, x)
        best = self.select(wins(x, y), x, y)
        return self.select(self.fn.compare("ne", x, x), x, best) if is_float(x.type) else best

    def equal(self, x: Any, y: Any) -> V:
        return self.fn.compare("eq", self.operand(x), self.operand(y))

    def select(self, condition: Any, x: Any, y: Any) -> V:
        if not isinstance(condition, V):
            return self.operand(x if condition else y)
        return self.operand(self.fn.select(condition, self.operand(x), self.operand(y)))
