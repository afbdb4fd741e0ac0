"""Operations that move, cut, join and repeat values: code for one place in the result."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from pellucid.executors.native.emit import V, element_of, lanes_of
from pellucid.executors.native.layout import element
from pellucid.executors.native.values import At, NeedsScalars, Place, Values, broadcast_place, rule
from pellucid.graph.graph import Node
from pellucid.graph.types import Axis, bool_


@rule("stop_gradient")
def _same(values: Values, node: Node, place: Place) -> V:
    return values.value(node.inputs[0], place)


@rule("cast")
def _cast(values: Values, node: Node, place: Place) -> V:
    source = node.inputs[0]
    value = values.value(source, place)
    return values.convert(value, source.type.dtype, node.type.dtype) if source.type.dtype != node.type.dtype else value


@rule("broadcast")
def _broadcast(values: Values, node: Node, place: Place) -> V:
    return values.value(node.inputs[0], broadcast_place(place, node, node.inputs[0]))


@rule("transpose")
def _transpose(values: Values, node: Node, place: Place) -> V:
    source = dict(zip(dict(node.params)["axes"], place, strict=True))
    return values.value(node.inputs[0], tuple(source[axis] for axis in range(len(place))))


@rule("reshape")
def _reshape(values: Values, node: Node, place: Place) -> V:
    return values.value(node.inputs[0], _reshaped(values, node.type.shape, node.inputs[0].type.shape, place))


def _reshaped(values: Values, new: Sequence[int], old: Sequence[int], place: Place) -> Place:
    """Return the place before a reshape of what is at `place` after it."""
    kept_new = [axis for axis, size in enumerate(new) if int(size) != 1]
    kept_old = [axis for axis, size in enumerate(old) if int(size) != 1]
    if [int(new[axis]) for axis in kept_new] == [int(old[axis]) for axis in kept_old]:
        partner = dict(zip(kept_old, kept_new, strict=True))
        return tuple(place[partner[axis]] if axis in partner else At(0) for axis in range(len(old)))
    if new and old and int(new[0]) == int(old[0]):  # rows stay rows
        return (place[0], *_reshaped(values, new[1:], old[1:], place[1:]))
    flat: V | int = 0
    for axis, at in enumerate(place):
        stride = math.prod(map(int, new[axis + 1 :]))
        if int(new[axis]) == 1:  # its only index is 0, whatever lanes without an element say
            continue
        if at.step:
            raise NeedsScalars
        flat = values.plus(flat, values.times(at.base, stride))
    result = []
    for axis, size in enumerate(old):
        stride = math.prod(map(int, old[axis + 1 :]))
        index = _divided(values, flat, stride)
        result.append(At(index if axis == 0 else _remainder(values, index, int(size))))
    return tuple(result)


def _divided(values: Values, a: V | int, by: int) -> V | int:
    if isinstance(a, int) or by <= 1:
        return a // max(by, 1) if isinstance(a, int) else a
    return values.fn.op("udiv", a, values.fn.i64(by))


def _remainder(values: Values, a: V | int, by: int) -> V | int:
    if isinstance(a, int):
        return a % max(by, 1)
    return values.fn.op("urem", a, values.fn.i64(max(by, 1)))


@rule("slice")
def _slice(values: Values, node: Node, place: Place) -> V:
    params, result = dict(node.params), list(place)
    shape = node.inputs[0].type.shape
    for axis, first, step in zip(params["axes"], params["start"], params["step"], strict=True):
        begin = values.plus(values.size(shape[axis]), first) if first < 0 else first
        at = place[axis]
        result[axis] = At(values.plus(values.times(at.base, step), begin), at.step * step)
    return values.value(node.inputs[0], tuple(result))


@rule("pad")
def _pad(values: Values, node: Node, place: Place) -> V:
    params, result, fn = dict(node.params), list(place), values.fn
    source = node.inputs[0]
    inside: V | None = None
    for axis, first, step in zip(params["axes"], params["start"], params["step"], strict=True):
        begin = values.plus(values.size(node.type.shape[axis]), first) if first < 0 else first
        at, size = place[axis], values.size(source.type.shape[axis])
        if step != 1 and at.step:
            raise NeedsScalars
        low: Any = begin if step > 0 else values.plus(begin, values.times(values.plus(size, -1), step))
        high: Any = values.plus(low, values.times(values.plus(size, -1), abs(step)))
        index = values.numbers(at)
        low_v, high_v = (_as(values, bound, lanes_of(index.type)) for bound in (low, high))
        there = (index >= low_v) & (index <= high_v)
        distance = values.plus(at.base, _negative(values, low))
        if step != 1:
            distance_v = _as(values, distance, 1)
            rest = fn.op("srem", distance_v, fn.i64(abs(step)))
            there = there & fn.compare("eq", rest, 0)
            quotient = fn.op("sdiv", distance_v, fn.i64(abs(step)))
            distance = quotient if step > 0 else _as(values, values.plus(size, -1), 1) - quotient
        inside = there if inside is None else _both(values, inside, there)
        result[axis] = _near(values, At(distance, at.step), size)
    found = values.value(source, tuple(result))
    if inside is None:
        return found
    return _choose(values, inside, found, fn.const(0, element(node.type.dtype)))


@rule("concatenate")
def _concatenate(values: Values, node: Node, place: Place) -> V:
    axis, fn = dict(node.params)["axis"], values.fn
    at = place[axis]
    result: V | None = None
    begin: V | int = 0
    for source in node.inputs:
        size = values.size(source.type.shape[axis])
        if isinstance(size, int) and size == 0:
            continue
        base = values.plus(at.base, _negative(values, begin))
        found = values.value(source, (*place[:axis], _near(values, At(base, at.step), size), *place[axis + 1 :]))
        if result is None:
            result = found
        else:
            index = values.numbers(at)
            result = _choose(values, index >= _as(values, begin, lanes_of(index.type)), found, result)
        begin = values.plus(begin, size)
    if result is None:
        return fn.const(0, element(node.type.dtype))
    return result


@rule("roll")
def _roll(values: Values, node: Node, place: Place) -> V:
    params, source = dict(node.params), node.inputs[0]
    axis, at = params["axis"], place[params["axis"]]
    static = int(source.type.shape[axis])
    if static == 0:
        return values.fn.const(0, element(node.type.dtype))
    size = values.size(source.type.shape[axis])
    shift: V | int = params["shift"] % static if isinstance(size, int) else _modulo(values, params["shift"], size)
    parts = []
    for wrapped in (False, True):
        base = values.plus(at.base, _negative(values, shift))
        base = values.plus(base, size) if wrapped else base
        parts.append(values.value(source, (*place[:axis], _near(values, At(base, at.step), size), *place[axis + 1 :])))
    index = values.numbers(at)
    return _choose(values, index >= _as(values, shift, lanes_of(index.type)), parts[0], parts[1])


def _modulo(values: Values, number: int, size: V) -> V:
    fn = values.fn
    rest = fn.op("srem", fn.i64(number), size)
    return fn.select(rest < 0, rest + size, rest)


@rule("one_hot")
def _one_hot(values: Values, node: Node, place: Place) -> V:
    index = values.value(node.inputs[0], place[:-1])
    marks = values.numbers(place[-1], element_of(index.type))
    lanes = max(lanes_of(index.type), lanes_of(marks.type))
    same = values.fn.compare("eq", values.spread(index, lanes), values.spread(marks, lanes))
    return values.convert(same, bool_, node.type.dtype)


@rule("gather")
def _gather(values: Values, node: Node, place: Place) -> V:
    table, indices = node.inputs
    rank = indices.type.ndim
    rows = table.type.shape[0]
    if int(rows) == 0:
        return values.fn.const(0, element(node.type.dtype))
    index = values.value(indices, place[:rank])
    unsigned = indices.type.dtype.name == "uint32"
    if lanes_of(index.type) == 1:
        return values.value(table, (At(_row(values, index, rows, unsigned)), *place[rank:]))
    taken = []
    for lane in range(values.lanes):
        row = _row(values, values.fn.extract(index, lane), rows, unsigned)
        rest = tuple(At(values.plus(at.base, lane * at.step)) for at in place[rank:])
        taken.append(values.value(table, (At(row), *rest)))
    return values.gathered(taken)


def _row(values: Values, index: V, rows: int, unsigned: bool) -> V:
    """Return an index as a row that exists: what has none is found by a check of its own."""
    wide = values.fn.cast("zext" if unsigned else "sext", index, "i64")
    found = _clamp(values, wide, 0, values.size(rows))
    assert isinstance(found, V)
    return found


@rule("element_count")
def _element_count(values: Values, node: Node, place: Place) -> V:
    params, fn = dict(node.params), values.fn
    kind = element(params["dtype"])
    known = math.prod(int(size) for size in params["shape"] if values.size(size) == int(size))
    running = [values.size(size) for size in params["shape"] if isinstance(size, Axis)]
    total = fn.const(known, kind)
    for size in running:
        if isinstance(size, V):
            total = total * fn.cast("sitofp", size, kind)
    return total


def _negative(values: Values, a: V | int) -> V | int:
    return -a if isinstance(a, int) else values.fn.i64(0) - a


def _as(values: Values, a: V | int, lanes: int) -> V:
    """Return an index as a register or constant, repeated over lanes."""
    return values.spread(a if isinstance(a, V) else values.fn.i64(a), lanes)


def _near(values: Values, at: At, size: V | int) -> At:
    """Return an index no further from an axis than some of the lanes can be on it: what others read is not used."""
    reach = abs(at.step) * values.lanes
    last = values.plus(size, -1)
    if at.step < 0:
        last = values.plus(last, reach)
    return At(_between(values, at.base, -reach if at.step > 0 else 0, last), at.step)


def _clamp(values: Values, a: V | int, low: int, size: V | int) -> V | int:
    """Return an index not below `low` and not beyond the last of an axis: what is read there is not used."""
    return _between(values, a, low, values.plus(size, -1))


def _between(values: Values, a: V | int, low: int, high: V | int) -> V | int:
    if isinstance(a, int) and isinstance(high, int):
        return max(low, min(a, high))
    fn = values.fn
    a_v, last = _as(values, a, 1), _as(values, high, 1)
    a_v = fn.select(a_v > last, last, a_v)
    return fn.select(a_v < low, fn.i64(low), a_v)


def _both(values: Values, a: V, b: V) -> V:
    lanes = max(lanes_of(a.type), lanes_of(b.type))
    return values.spread(a, lanes) & values.spread(b, lanes)


def _choose(values: Values, condition: V, a: V, b: V) -> V:
    """Return a where a condition holds and b elsewhere; each may be a scalar."""
    lanes = max(lanes_of(each.type) for each in (condition, a, b))
    return values.fn.select(*(values.spread(each, lanes) for each in (condition, a, b)))
