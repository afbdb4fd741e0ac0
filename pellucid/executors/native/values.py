"""Code for one element, or for one vector of elements, of any node: computed from what is in memory, on demand.

A place in a value is an index for each axis. Along one axis at most it goes over the lanes of a vector. Elementwise
operations take their operands at the same place, views move the place; so a chain of any length becomes straight code.
What was computed once at a place is remembered while it is valid.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from pellucid.executors.native.emit import Fn, V, element_of, lanes_of, size_of, vector
from pellucid.executors.native.functions import SHORTER
from pellucid.executors.native.layout import Layout, element
from pellucid.executors.native.scalars import NativeScalars
from pellucid.graph.graph import Node
from pellucid.graph.types import Axis, DType
from pellucid.ops.elementwise import Elementwise


class At(NamedTuple):
    """An index on one axis: a number (known while code is written, or a register), and the step from lane to lane."""

    base: V | int
    step: int = 0


Place = tuple[At, ...]
Rule = Callable[["Values", Node, Place], V]
Guard = Callable[[Node, "V | int", int, int, int], "V | int"]
"""Given a node, an offset into its buffer, the bytes touched before and behind it, and how far they may lie outside."""

RULES: dict[str, Rule] = {}
"""How views and reductions are computed at a place, by operation."""


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Register how operations are computed at a place."""

    def register(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(names, function))
        return function

    return register


SLOTS = 4
"""Sums in which it is noted whether values are finite, taken in turn: a sum waits for the one before it."""


class NeedsScalars(Exception):
    """A node can not be computed for a vector of elements at once, only element by element."""


class Values:
    """The values of nodes within one function of generated code.

    Parameters
    ----------
    fn : Fn
    lanes : int
        Of the vectors that are computed with.
    layouts : mapping of Node to Layout
        Of all nodes that have a buffer.
    pointers : callable
        Returns the pointer to a node's buffer.
    readable : callable
        Says whether a node is in memory when this code begins.
    sizes : callable
        Returns the size of a named axis at run time, or None where it is as the type says.
    """

    def __init__(
        self,
        fn: Fn,
        lanes: int,
        layouts: Mapping[Node, Layout],
        pointers: Callable[[Node], V],
        readable: Callable[[Node], bool],
        sizes: Callable[[Axis], V | None],
    ):
        self.fn, self.lanes, self.layouts = fn, lanes, layouts
        self.pointer, self.readable, self._sizes = pointers, readable, sizes
        self._scopes: list[dict[Any, Any]] = [{}]
        self._entry: dict[Any, V] = {}
        self.watched: frozenset[Node] = frozenset()
        """Nodes of which a value that is not finite is to be found out."""
        self.ahead: dict[Node, int] = {}
        """Buffers of which the line so many bytes further on is asked for when one is read."""
        self._suspects: dict[str, V] = {}
        self.guard: Guard | None = None
        """In debug mode: checks an offset into a buffer, and returns one that is inside."""
        self.reach = 0
        """Bytes before and behind a buffer that lanes without an element may read: the arena has to have them."""

    # -- what is remembered

    @contextmanager
    def scope(self) -> Iterator[None]:
        """Forget afterwards what is computed inside: it is not valid after a loop, or only in some cases."""
        self._scopes.append({})
        try:
            yield
        finally:
            self._scopes.pop()

    def recall(self, key: Any) -> Any:
        for scope in reversed(self._scopes):
            if key in scope:
                return scope[key]
        return None

    def remember(self, key: Any, value: Any) -> None:
        self._scopes[-1][key] = value

    def set(self, node: Node, place: Place, value: V) -> None:
        """Say what the value of a node at a place is."""
        self.remember((node, key_of(place)), value)

    # -- values

    def value(self, node: Node, place: Place) -> V:
        """Return the value of a node at a place: a vector, or a scalar where it is the same in all lanes."""
        key = node, key_of(place)
        found = self.recall(key)
        if found is None:
            found = self._compute(node, place)
            self.remember(key, found)
        return found

    def _compute(self, node: Node, place: Place) -> V:
        if node.op.name == "constant" and not node.type.shape:
            return self.fn.const(dict(node.params)["value"], element(node.type.dtype))
        if self.readable(node):
            return self.load(node, place)
        if isinstance(node.op, Elementwise):
            return self._elementwise(node, place)
        return RULES[node.op.name](self, node, place)

    def _elementwise(self, node: Node, place: Place) -> V:
        op = node.op
        assert isinstance(op, Elementwise)
        operands = [self.value(source, broadcast_place(place, node, source)) for source in node.inputs]
        lanes = max(map(lambda value: lanes_of(value.type), operands))
        dtype = op.scalars_of([source.type.dtype for source in node.inputs])
        scalars = NativeScalars(self.fn, element(dtype), lanes, unsigned=dtype.name == "uint32")
        spread: list[Any] = [scalars.operand(self.spread(value, lanes)) for value in operands]
        shorter = SHORTER.get(op.name) if op.rule.__module__.startswith("pellucid.ops.") else None
        if op.name == "power" and node.inputs[1].op.name == "constant" and not node.inputs[1].type.shape:
            spread[1] = dict(node.inputs[1].params)["value"]  # usual exponents take few instructions
        result = shorter(*spread) if shorter is not None else op.rule(scalars, *spread, **dict(node.params))
        if not isinstance(result, V):
            return self.fn.const(result, element(node.type.dtype))
        given = dtype if element_of(result.type) != "i1" else None
        return self.convert(result, given, node.type.dtype) if given != node.type.dtype else result

    def spread(self, value: V, lanes: int | None = None) -> V:
        """Return a scalar as a vector; a vector as it is."""
        lanes = self.lanes if lanes is None else lanes
        if lanes_of(value.type) == lanes:
            return value
        if not value.name.startswith("%"):
            return self.fn.const_of(value, lanes)
        key = ("spread", value.name, lanes)
        found = self.recall(key)
        found = self._entry.get(key) if found is None else found
        if found is None:
            if ("entry", value.name) in self._entry:
                with self.fn.hoisted():
                    found = self._entry[key] = self.fn.splat(value, lanes)
            else:
                found = self.fn.splat(value, lanes)
                self.remember(key, found)
        return found

    # -- memory

    def load(self, node: Node, place: Place) -> V:
        """Read the value of a node at a place from its buffer."""
        layout = self.layouts[node]
        fixed = all(isinstance(at.base, int) and not at.step for at in place)
        if fixed:
            key = "load", node, key_of(place)
            if key not in self._entry:
                with self.fn.hoisted():
                    found = self._entry[key] = self._load(node, layout, place)
                self._entry["entry", found.name] = found
            return self._entry[key]
        return self._load(node, layout, place)

    def _load(self, node: Node, layout: Layout, place: Place) -> V:
        kind = element(node.type.dtype)
        offset, lane = self.offset(layout, place)
        pointer = self.pointer(node)
        if lane == 0:
            return self.fn.load(kind, self.fn.at(pointer, self.guarded(node, offset, 0, layout.item)))
        self.reach = max(self.reach, self.lanes * abs(lane))
        if lane == layout.item:
            width = size_of(vector(kind, self.lanes))
            if node in self.ahead:
                self._fetch(self.fn.at(pointer, self.plus(offset, self.ahead[node])))
            offset = self.guarded(node, offset, 0, width, width)
            return self.fn.load(vector(kind, self.lanes), self.fn.at(pointer, offset))
        last = lane * (self.lanes - 1)
        offset = self.guarded(node, offset, min(0, last), max(0, last) + layout.item, self.lanes * abs(lane))
        address = self.fn.at(pointer, offset)
        parts = [self.fn.load(kind, self.fn.at(address, lane * number)) for number in range(self.lanes)]
        return self.gathered(parts)

    def guarded(self, node: Node, offset: V | int, first: int, last: int, beyond: int = 0) -> V | int:
        """Return an offset into a node's buffer, checked in debug mode: the bytes from `first` to `last` are touched.

        Lanes without an element may read some bytes beyond the buffer; nothing is written there.
        """
        return offset if self.guard is None else self.guard(node, offset, first, last, beyond)

    def _fetch(self, pointer: V) -> None:
        """Ask for a cache line that will be read and written soon; one beyond the end does no harm."""
        fn = self.fn
        name = fn.module.declare("llvm.prefetch.p0", "void", "ptr", "i32", "i32", "i32")
        fn.call(name, "void", pointer, fn.const(1, "i32"), fn.const(3, "i32"), fn.const(1, "i32"))

    def gathered(self, parts: Sequence[V]) -> V:
        """Return scalars as the lanes of a vector."""
        type = vector(parts[0].type, len(parts))
        result = V(self.fn, type, "poison")
        for lane, part in enumerate(parts):
            text = f"insertelement {type} {result.name}, {part.type} {part.name}, i32 {lane}"
            result = self.fn.emit(type, text)
        return result

    def store(self, node: Node, place: Place, value: V) -> None:
        """Write the value of a node at a place to its buffer; the lanes of a vector have to be contiguous there."""
        layout = self.layouts[node]
        offset, lane = self.offset(layout, place)
        if lane:
            value = self.spread(value)
        if lane not in (0, layout.item):
            raise NeedsScalars
        size = size_of(value.type)
        pointer = self.pointer(node)
        # Kernels with the same code share it, so that it names no node: `listing.py` says whose buffers these are.
        self.fn.comment(f"stored in {pointer.name[1:]}")
        self.fn.store(value, self.fn.at(pointer, self.guarded(node, offset, 0, size)))

    def put(self, wanted: Sequence[tuple[Node, Place]]) -> None:
        """Compute values at places, all of them before the first is stored."""
        found = [(node, place, self.value(node, place)) for node, place in wanted]
        for node, place, value in found:
            self.store(node, place, value)
        self.watch(found)

    def watch(self, stored: Sequence[tuple[Node, Place, V]]) -> None:
        """Note whether values are finite: 0 times one that is not is no number, and stays none in a sum."""
        fn = self.fn
        zeros: dict[tuple[str, tuple | None], tuple[V, V | None]] = {}
        for node, place, value in stored:
            if node in self.watched and node.type.dtype.is_float:
                inside = self._inside(node, place)
                value = self.spread(value) if inside is not None else value
                key, zero = (value.type, None if inside is None else inside[0]), fn.const(0.0, value.type)
                found = fn.fma(value, zero, zeros[key][0]) if key in zeros else value * zero
                zeros[key] = found, None if inside is None else inside[1]
        for (type, _), (found, inside_lanes) in zeros.items():
            if inside_lanes is not None:
                found = fn.select(inside_lanes, found, fn.const(0.0, type))
            if type not in self._suspects:
                self._suspects[type] = fn.scratch(SLOTS * size_of(type))
                with fn.hoisted():
                    for number in range(SLOTS):
                        fn.store(fn.const(0.0, type), fn.at(self._suspects[type], number * size_of(type)))
            slot = fn.at(self._suspects[type], self.times(self._turn(stored[0][1]), size_of(type)))
            fn.store(fn.load(type, slot) + found, slot)

    def _turn(self, place: Place) -> V | int:
        """Return which slot it is the turn of: neighbours take different ones, so that none waits for another."""
        base = next((at.base for at in place if at.step), 0)
        if isinstance(base, int):
            return base // self.lanes % SLOTS
        line = self.fn.op("lshr", base, self.fn.i64(self.lanes.bit_length() - 1))
        return line & (SLOTS - 1)

    def _inside(self, node: Node, place: Place) -> tuple[tuple, V] | None:
        """Return which lanes hold an element, whatever padding holds, with a key; None where all of them do."""
        for axis, at in enumerate(place):
            size = self.size(node.type.shape[axis])
            if not at.step or (isinstance(size, int) and size % self.lanes == 0):
                continue
            if isinstance(size, int) and isinstance(at.base, int) and at.base + self.lanes <= size:
                continue
            key = "inside", key_of((at,)), size if isinstance(size, int) else size.name
            found = self.recall(key)
            if found is None:
                base = at.base if isinstance(at.base, V) else self.fn.i64(at.base)
                rest = (size if isinstance(size, V) else self.fn.i64(size)) - base
                lanes = self.fn.iota(vector("i32", self.lanes))
                found = lanes < self.fn.splat(self.fn.cast("trunc", rest, "i32"), self.lanes)
                self.remember(key, found)
            return key, found
        return None

    def report(self, flag: V) -> None:
        """Set a flag in memory where a value that was watched is not finite."""
        fn = self.fn
        for type, slots in self._suspects.items():
            total = fn.load(type, slots)
            for slot in range(1, SLOTS):
                total = total + fn.load(type, fn.at(slots, slot * size_of(type)))
            lanes = lanes_of(type)
            bad = fn.compare("ne", total, total)
            if lanes > 1:
                name = fn.module.declare(f"llvm.vector.reduce.or.v{lanes}i1", "i1", vector("i1", lanes))
                bad = fn.call(name, "i1", bad)
            with fn.when(bad):
                fn.store(fn.i64(1), flag)

    def offset(self, layout: Layout, place: Place) -> tuple[V | int, int]:
        """Return the bytes from a buffer's beginning to a place, and those from lane to lane."""
        total: V | int = 0
        lane = 0
        for at, stride in zip(place, layout.strides, strict=True):
            total = self.plus(total, self.times(at.base, stride))
            lane += at.step * stride
        return total, lane

    # -- indices

    def plus(self, a: V | int, b: V | int) -> V | int:
        """Add indices; what is known while code is written is added then."""
        if isinstance(a, int) and isinstance(b, int):
            return a + b
        if isinstance(a, int):
            a, b = b, a
        if isinstance(b, int) and b == 0:
            return a
        return self._index("add", a, b)

    def times(self, a: V | int, factor: int) -> V | int:
        if isinstance(a, int):
            return a * factor
        return a if factor == 1 else 0 if factor == 0 else self._index("mul", a, factor)

    def _index(self, name: str, a: V | int, b: V | int) -> V:
        assert isinstance(a, V)
        key = name, a.name, b.name if isinstance(b, V) else b
        found = self.recall(key)
        if found is None:
            found = self.fn.op(name, a, b if isinstance(b, V) else self.fn.i64(b))
            self.remember(key, found)
        return found

    def size(self, size: int) -> V | int:
        """Return the size of an axis: a number, or where it is known at run time only, a value."""
        now = self._sizes(size) if isinstance(size, Axis) else None
        return int(size) if now is None else now

    def numbers(self, at: At, kind: str = "i64") -> V:
        """Return the indices of the lanes as a vector, or the index as a scalar."""
        base = at.base if isinstance(at.base, V) else self.fn.i64(at.base)
        base = base if kind == "i64" else self.fn.cast("trunc", base, kind)
        if not at.step:
            return base
        steps = self.fn.constants([lane * at.step for lane in range(self.lanes)], kind)
        return self.fn.splat(base, self.lanes) + steps

    # -- dtypes

    def convert(self, value: V, old: DType | None, new: DType) -> V:
        """Convert as NumPy's ``astype`` does; `old` None is a truth value."""
        fn, kind = self.fn, element(new)
        if old is None or old.kind == "bool":
            if kind == "i1":
                return value
            return fn.cast("uitofp" if new.is_float else "zext", value, kind)
        if kind == "i1":
            return fn.compare("ne", value, 0)
        if old.is_float:
            if new.is_float:
                how = "fpext" if kind == "double" else "fptrunc"
                return fn.cast(how, value, kind)
            return self._whole(value, new)
        if new.is_float:
            return fn.cast("uitofp" if old.name == "uint32" else "sitofp", value, kind)
        if kind == element_of(value.type):
            return value
        if kind == "i32":
            return fn.cast("trunc", value, kind)
        return fn.cast("zext" if old.name == "uint32" else "sext", value, kind)

    def _whole(self, value: V, new: DType) -> V:
        """Cut floats towards zero; what has no integer becomes the least one, as on most processors."""
        fn = self.fn
        wide = "i32" if new.name == "int32" else "i64"
        limit = 2.0 ** (31 if wide == "i32" else 63)
        inside = (value > -limit - (1 if wide == "i32" and element_of(value.type) == "double" else 0)) & (value < limit)
        whole = fn.cast("fptosi", fn.select(inside, value, fn.const(0.0, value.type)), wide)
        whole = fn.select(inside, whole, fn.const(-int(limit), whole.type))
        return fn.cast("trunc", whole, "i32") if new.name == "uint32" else whole


def key_of(place: Place) -> tuple:
    """Return a place as a key: two that are equal in code have the same."""
    return tuple((at.base if isinstance(at.base, int) else at.base.name, at.step) for at in place)


def broadcast_place(place: Place, node: Node, source: Node) -> Place:
    """Return the place in an operand, which broadcasts, for a place in the result."""
    shape, other = node.type.shape, source.type.shape
    lead = len(shape) - len(other)
    return tuple(
        At(0) if int(size) == 1 and int(shape[lead + axis]) != 1 else place[lead + axis]
        for axis, size in enumerate(other)
    )


def constant_array(node: Node) -> np.ndarray:
    """Return the numbers of a constant."""
    params = dict(node.params)
    return np.asarray(params["value"], node.type.dtype.numpy).reshape(tuple(map(int, node.type.shape)))
