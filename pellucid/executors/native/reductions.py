"""Sums, extremes and softmax: code that goes over axes and keeps one value for each place that is left.

Floats are added up in double precision, in an order that depends on shapes alone: lane by lane along the last axis,
four rows at a time across rows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from pellucid.executors.native.emit import V, is_float, lanes_of, vector
from pellucid.executors.native.layout import element
from pellucid.executors.native.scalars import NativeScalars
from pellucid.executors.native.values import At, NeedsScalars, Place, Values, key_of, rule
from pellucid.graph.graph import Node
from pellucid.ops.labels import read_labels

UNROLLED = 4
"""Up to so many vectors along a row are written out instead of in a loop."""

Term = Callable[[Place], V]


class Fold:
    """A way to make one value of many.

    Parameters
    ----------
    kind : str
        The element that is accumulated in.
    neutral : number
        What changes nothing.
    combine : callable
        Of two values.
    widen : callable
        Brings a term to the accumulator's element.
    pairs : bool
        Whether neighbours may be added in the terms' own element first.
    """

    def __init__(self, kind: str, neutral: float, combine: Callable[[V, V], V], widen: Callable[[V], V], pairs: bool):
        self.kind, self.neutral, self.combine, self.widen, self.pairs = kind, neutral, combine, widen, pairs


def sum_fold(values: Values, kind: str) -> Fold:
    """Return how elements of a kind are added up."""
    wide = "double" if is_float(kind) else kind
    return Fold(wide, 0, lambda a, b: a + b, lambda x: values.fn.cast("fpext", x, wide), kind == "float")


def max_fold(values: Values, kind: str, unsigned: bool) -> Fold:
    """Return how the greatest of elements is found."""
    lowest = -math.inf if is_float(kind) else 0 if unsigned else -(1 << (31 if kind == "i32" else 63))

    def combine(a: V, b: V) -> V:
        return NativeScalars(values.fn, kind, lanes_of(a.type), unsigned=unsigned).max(a, b)

    return Fold(kind, lowest, combine, lambda x: x, False)


def fold(
    values: Values, how: Fold, terms: Sequence[Term], shape: Sequence[int], axes: Sequence[int], kept: dict[int, At]
) -> list[V]:
    """Return each term folded over axes of a shape, at the places that are kept on the others."""
    axes = [axis for axis in axes if int(shape[axis]) != 1 or values.size(shape[axis]) != 1]
    kept = {**{axis: At(0) for axis in range(len(shape))}, **kept}
    if any(at.step for at in kept.values()):
        return _over(values, how, terms, shape, axes, kept, values.lanes)
    last = len(shape) - 1
    if values.lanes > 1 and last in axes and int(shape[last]) >= 8:
        rest = [axis for axis in axes if axis != last]
        parts = _along(values, how, terms, shape, rest, kept, last)
        return [_horizontal(values, how, part) for part in parts]
    return _over(values, how, terms, shape, axes, kept, 1)


def _start(values: Values, how: Fold, lanes: int) -> V:
    return values.fn.const(how.neutral, vector(how.kind, lanes))


def _over(
    values: Values,
    how: Fold,
    terms: Sequence[Term],
    shape: Sequence[int],
    axes: Sequence[int],
    kept: dict[int, At],
    lanes: int,
) -> list[V]:
    """Fold element by element, or vector by vector across rows."""
    fn = values.fn
    start = [_start(values, how, lanes) for _ in terms]

    def term(number: int, place: dict[int, At]) -> V:
        return values.spread(terms[number](tuple(place[axis] for axis in range(len(shape)))), lanes)

    def step(place: dict[int, At], totals: list[V]) -> list[V]:
        return [how.combine(total, how.widen(term(number, place))) for number, total in enumerate(totals)]

    def four(places: list[dict[int, At]], totals: list[V]) -> list[V]:
        result = []
        for number, total in enumerate(totals):
            a, b, c, d = (term(number, place) for place in places)
            result.append(how.combine(total, how.widen((a + b) + (c + d))))
        return result

    def nest(left: Sequence[int], place: dict[int, At], totals: list[V]) -> list[V]:
        if not left:
            return step(place, totals)
        axis, size = left[0], values.size(shape[left[0]])
        inner = len(left) == 1
        at_once = isinstance(size, int) and math.prod(int(shape[a]) for a in left) <= 16
        if at_once:
            assert isinstance(size, int)
            at = 0
            if inner and how.pairs:
                while at + 4 <= size:
                    totals = four([{**place, axis: At(at + more)} for more in range(4)], totals)
                    at += 4
            for index in range(at, size):
                totals = nest(left[1:], {**place, axis: At(index)}, totals)
            return totals
        begin: V | int = 0
        if inner and how.pairs:
            begin = size & -4
            with fn.loop(0, begin, 4, totals) as loop, values.scope():
                places = [{**place, axis: At(values.plus(loop.index, more))} for more in range(4)]
                loop.next(*four(places, loop.values))
            totals = loop.values
            if isinstance(size, int) and begin == size:
                return totals
        with fn.loop(begin, size, 1, totals) as loop, values.scope():
            loop.next(*nest(left[1:], {**place, axis: At(loop.index)}, loop.values))
        return loop.values

    return nest(list(axes), kept, start)


def _along(
    values: Values,
    how: Fold,
    terms: Sequence[Term],
    shape: Sequence[int],
    rest: Sequence[int],
    kept: dict[int, At],
    last: int,
) -> list[V]:
    """Fold lane by lane along the last axis, and over the other axes around it."""
    fn, size, lanes = values.fn, values.size(shape[last]), values.lanes

    def line(place: dict[int, At], totals: list[V], whole: bool) -> list[V]:
        result = []
        for number, total in enumerate(totals):
            found = values.spread(terms[number](tuple(place[axis] for axis in range(len(shape)))))
            if not whole:
                end = size if isinstance(size, V) else fn.i64(size)
                inside = values.numbers(place[last]) < fn.splat(end, lanes)
                found = fn.select(inside, found, fn.const(how.neutral, found.type))
            result.append(how.combine(total, how.widen(found)))
        return result

    def lines(place: dict[int, At], totals: list[V]) -> list[V]:
        if isinstance(size, int) and size <= UNROLLED * lanes:
            for base in range(0, size, lanes):
                totals = line({**place, last: At(base, 1)}, totals, base + lanes <= size)
            return totals
        ended = size & -lanes
        with fn.loop(0, ended, lanes, totals) as loop, values.scope():
            loop.next(*line({**place, last: At(loop.index, 1)}, loop.values, True))
        totals = loop.values
        if isinstance(size, int) and ended == size:
            return totals
        with fn.loop(ended, size, lanes, totals) as loop, values.scope():
            loop.next(*line({**place, last: At(loop.index, 1)}, loop.values, False))
        return loop.values

    def nest(left: Sequence[int], place: dict[int, At], totals: list[V]) -> list[V]:
        if not left:
            return lines(place, totals)
        with fn.loop(0, values.size(shape[left[0]]), 1, totals) as loop, values.scope():
            loop.next(*nest(left[1:], {**place, left[0]: At(loop.index)}, loop.values))
        return loop.values

    return nest(list(rest), kept, [_start(values, how, lanes) for _ in terms])


def _horizontal(values: Values, how: Fold, total: V) -> V:
    """Fold the lanes of a vector: its halves, and the halves of those."""
    while (lanes := lanes_of(total.type)) > 1:
        low = values.fn.shuffle(total, None, range(lanes // 2))
        high = values.fn.shuffle(total, None, range(lanes // 2, lanes))
        total = how.combine(low, high)
    return total


def kept_axes(node: Node) -> tuple[tuple[int, ...], dict[int, int]]:
    """Return the axes of its operand that a reduction goes over, and for the others their place in the result."""
    name, params, operand = node.op.name, dict(node.params), node.inputs[0].type.shape
    if name == "sum_to":
        lead = len(operand) - len(node.type.shape)
        axes = tuple(
            axis
            for axis, size in enumerate(operand)
            if axis < lead or (int(node.type.shape[axis - lead]) == 1 and int(size) != 1)
        )
        return axes, {axis: axis - lead for axis in range(lead, len(operand)) if axis not in axes}
    axes = tuple(params["axes"]) if "axes" in params else (params["axis"],)
    if params.get("keepdims") or name in ("softmax", "log_softmax"):
        return axes, {axis: axis for axis in range(len(operand)) if axis not in axes}
    rest = [axis for axis in range(len(operand)) if axis not in axes]
    return axes, {axis: at for at, axis in enumerate(rest)}


def reduce_at(values: Values, node: Node, places: Sequence[Place]) -> list[V]:
    """Return a reduction at several places at once, so that the processor has enough to do side by side."""
    operand, name, fn = node.inputs[0], node.op.name, values.fn
    kind = element(operand.type.dtype)
    if name == "contraction":
        return _products(values, node, places)
    axes, partners = kept_axes(node)
    kept = [{axis: place[at] for axis, at in partners.items()} for place in places]
    shape = operand.type.shape
    if name in ("sum", "mean", "sum_to"):
        totals = _folded(values, sum_fold(values, kind), operand, shape, axes, kept)
        if name == "mean":
            count = _count(values, node, axes)
            return [_narrow(values, total, kind) / values.spread(count, lanes_of(total.type)) for total in totals]
        return [_narrow(values, total, kind) for total in totals]
    if name == "max":
        unsigned = operand.type.dtype.name == "uint32"
        return _folded(values, max_fold(values, kind, unsigned), operand, shape, axes, kept)
    if name == "argmax":
        return [_argmax(values, operand, axes[0], each) for each in kept]
    results = []
    for each in kept:
        greatest, total = _statistics(values, operand, axes, each)
        results.append(greatest + NativeScalars(fn, kind, lanes_of(total.type)).log(total))
    return results


def _folded(
    values: Values, how: Fold, operand: Node, shape: Sequence[int], axes: Sequence[int], kept: list[dict[int, At]]
) -> list[V]:
    """Fold the operand at several sets of kept places side by side."""
    base = kept[0]

    def term(number: int) -> Term:
        def at(place: Place) -> V:
            moved = tuple(kept[number].get(axis, index) if axis in base else index for axis, index in enumerate(place))
            return values.value(operand, moved)

        return at

    return fold(values, how, [term(number) for number in range(len(kept))], shape, axes, base)


def _narrow(values: Values, total: V, kind: str) -> V:
    return values.fn.cast("fptrunc", total, kind) if is_float(kind) else total


def _count(values: Values, node: Node, axes: Sequence[int]) -> V:
    kind = element(node.type.dtype)
    total = values.fn.const(1, kind)
    known = 1
    for axis in axes:
        size = values.size(node.inputs[0].type.shape[axis])
        if isinstance(size, V):
            total = total * values.fn.cast("sitofp", size, kind)
        else:
            known *= size
    return total * known if total.name.startswith("%") else values.fn.const(known, kind)


def _argmax(values: Values, operand: Node, axis: int, kept: dict[int, At]) -> V:
    """Find the first greatest element, the first NaN where there is one."""
    fn, kind = values.fn, element(operand.type.dtype)
    lanes = values.lanes if any(at.step for at in kept.values()) else 1

    def at(index: V | int) -> V:
        place = tuple(At(index) if number == axis else kept[number] for number in range(operand.type.ndim))
        return values.spread(values.value(operand, place), lanes)

    best, where = at(0), fn.const(0, vector("i64", lanes))
    with fn.loop(1, values.size(operand.type.shape[axis]), 1, [best, where]) as loop, values.scope():
        best, where = loop.values
        found = at(loop.index)
        higher = fn.compare("ugt", found, best) if operand.type.dtype.name == "uint32" else found > best
        if is_float(kind):
            higher = higher | (fn.compare("ne", found, found) & fn.compare("eq", best, best))
        index = fn.splat(loop.index, lanes)
        loop.next(fn.select(higher, found, best), fn.select(higher, index, where))
    return loop.values[1]


def _statistics(values: Values, operand: Node, axes: Sequence[int], kept: dict[int, At]) -> tuple[V, V]:
    """Return the greatest element along axes, and the sum of the exponentials of the distances from it."""
    key = "statistics", operand, tuple(axes), tuple(sorted((axis, key_of((at,))) for axis, at in kept.items()))
    found = values.recall(key)
    if found is not None:
        return found
    kind, shape = element(operand.type.dtype), operand.type.shape

    def term(place: Place) -> V:
        return values.value(operand, place)

    greatest = fold(values, max_fold(values, kind, False), [term], shape, axes, kept)[0]

    def power(place: Place) -> V:
        distance = _distance(values, values.value(operand, place), greatest)
        return NativeScalars(values.fn, kind, lanes_of(distance.type)).exp(distance)

    total = fold(values, sum_fold(values, kind), [power], shape, axes, kept)[0]
    result = greatest, _narrow(values, total, kind)
    values.remember(key, result)
    return result


def _distance(values: Values, x: V, greatest: V) -> V:
    """Return how far an element is below the greatest; 0 of those that are equal to it also where it is infinite."""
    lanes = max(lanes_of(x.type), lanes_of(greatest.type))
    x, greatest = values.spread(x, lanes), values.spread(greatest, lanes)
    return values.fn.select(values.fn.compare("eq", x, greatest), values.fn.const(0.0, x.type), x - greatest)


@rule("sum", "mean", "max", "argmax", "sum_to", "log_sum_exp")
def _reduction(values: Values, node: Node, place: Place) -> V:
    return reduce_at(values, node, [place])[0]


@rule("softmax", "log_softmax")
def _softmax(values: Values, node: Node, place: Place) -> V:
    operand, kind = node.inputs[0], element(node.type.dtype)
    axes, partners = kept_axes(node)
    kept = {axis: place[at] for axis, at in partners.items()}
    if any(at.step for axis, at in enumerate(place) if axis in axes) and any(at.step for at in kept.values()):
        raise NeedsScalars
    greatest, total = _statistics(values, operand, axes, kept)
    distance = _distance(values, values.value(operand, place), greatest)
    lanes = lanes_of(distance.type)
    scalars = NativeScalars(values.fn, kind, lanes)
    if node.op.name == "softmax":
        return scalars.exp(distance) / values.spread(total, lanes)
    key = "logarithm", total.name
    logarithm = values.recall(key)
    if logarithm is None:
        logarithm = NativeScalars(values.fn, kind, lanes_of(total.type)).log(total)
        values.remember(key, logarithm)
    return distance - values.spread(logarithm, lanes)


@rule("contraction")
def _contraction(values: Values, node: Node, place: Place) -> V:
    return _products(values, node, [place])[0]


def _products(values: Values, node: Node, places: Sequence[Place]) -> list[V]:
    """Return a contraction that no tile computes: products added up by chains of fused multiply-adds."""
    labels = read_labels(dict(node.params)["labels"])
    sizes = {
        label: size
        for letters, source in ((labels.first, node.inputs[0]), (labels.second, node.inputs[1]))
        for label, size in zip(letters, source.type.shape, strict=True)
    }
    fn, kind = values.fn, element(node.type.dtype)
    results = []
    for place in places:
        kept = dict(zip(labels.result, place, strict=True))
        lanes = values.lanes if any(at.step for at in place) else 1

        def factors(at: dict[str, At], lanes: int = lanes) -> tuple[V, V]:
            sides = zip((labels.first, labels.second), node.inputs, strict=True)
            a, b = (values.value(source, tuple(at[label] for label in letters)) for letters, source in sides)
            return values.spread(a, lanes), values.spread(b, lanes)

        if not labels.contracted:
            a, b = factors(kept)
            results.append(a * b)
            continue

        def nest(left: str, at: dict[str, At], total: V) -> V:
            if not left:
                a, b = factors(at)
                return fn.fma(a, b, total) if is_float(kind) else total + a * b
            with fn.loop(0, values.size(sizes[left[0]]), 1, [total]) as loop, values.scope():
                loop.next(nest(left[1:], {**at, left[0]: At(loop.index)}, loop.values[0]))
            return loop.values[0]

        results.append(nest(labels.contracted, kept, fn.const(0, vector(kind, lanes))))
    return results
