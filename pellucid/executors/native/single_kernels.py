"""Operations that stand alone: random numbers, sums by index, and the search for an index without a row."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence

from pellucid.executors.native.draws import require_draws
from pellucid.executors.native.emit import V
from pellucid.executors.native.layout import element
from pellucid.executors.native.schedule import Kernel
from pellucid.executors.native.values import At, Place, Values
from pellucid.graph.graph import Node


def write_random(values: Values, kernel: Kernel, error: V) -> None:
    node, fn = kernel.anchor, values.fn
    assert node is not None
    params = dict(node.params)
    seed, step = (_word(values, source) for source in node.inputs[:2])
    purpose = fn.const(zlib.crc32(params["purpose"].encode("utf-8", "surrogatepass")), "i32")
    count = fn.i64(node.type.size)
    values.guarded(node, 0, 0, -(-node.type.size // 32) * 32 * values.layouts[node].item)
    name = f"pellucid_{node.op.name.removeprefix('random_')}_{element(node.type.dtype)}"
    pointer = values.pointer(node)
    if node.op.name == "bernoulli_mask":
        require_draws("pellucid_mask")
        chance = fn.cast("fpext", values.value(node.inputs[2], ()), "double")
        _note(values, kernel, error, ~((chance >= 0.0) & (chance <= 1.0)), chance)
        fn.module.declare("pellucid_mask", "void", "i64", "i32", "i64", "double", "ptr", "i64")
        fn.call("pellucid_mask", "void", seed, purpose, step, chance, pointer, count)
        return
    require_draws(name)
    fn.module.declare(name, "void", "i64", "i32", "i64", "ptr", "i64")
    fn.call(name, "void", seed, purpose, step, pointer, count)


def _note(values: Values, kernel: Kernel, error: V, wrong: V, what: V) -> None:
    """Write that the first kernel to find something wrong puts its number, and what it found, where Python looks."""
    fn = values.fn
    first = fn.compare("eq", fn.load("i64", error), 0)
    with fn.when(wrong & first):
        fn.store(fn.i64(kernel.number + 1), error)
        fn.store(what, fn.at(error, 8))


def _word(values: Values, node: Node) -> V:
    """Return a seed or step as 64 bits."""
    value = values.value(node, ())
    return values.fn.cast("zext" if node.type.dtype.name == "uint32" else "sext", value, "i64")


def write_scatter(values: Values, kernel: Kernel) -> None:
    node, fn = kernel.anchor, values.fn
    assert node is not None
    base, indices, rows = node.inputs

    def over(shape: Sequence[int], place: Place, body: Callable[[Place], None]) -> None:
        if not shape:
            body(place)
            return
        with fn.loop(0, values.size(shape[0])) as loop, values.scope():
            over(shape[1:], (*place, At(loop.index)), body)

    def write(place: Place, value: V) -> None:
        values.store(node, place, value)
        values.watch([(node, place, value)])

    over(node.type.shape, (), lambda place: write(place, values.value(base, place)))
    count = values.size(base.type.shape[0])

    def add(place: Place) -> None:
        row = values.value(indices, place)
        wide = fn.cast("zext" if indices.type.dtype.name == "uint32" else "sext", row, "i64")
        inside = (wide >= 0) & (wide < (count if isinstance(count, V) else fn.i64(count)))
        with fn.when(inside), values.scope():

            def put(rest: Place) -> None:
                target = (At(wide), *rest)
                write(target, values.load(node, target) + values.value(rows, (*place, *rest)))

            over(base.type.shape[1:], (), put)

    over(indices.type.shape, (), add)


def write_check(values: Values, kernel: Kernel, error: V) -> None:
    """Write a search for the first index that has no row."""
    node, fn = kernel.anchor, values.fn
    assert node is not None
    table, indices = node.inputs[:2]
    count = values.size(table.type.shape[0])
    rows = count if isinstance(count, V) else fn.i64(count)

    def over(shape: Sequence[int], place: Place) -> None:
        if shape:
            with fn.loop(0, values.size(shape[0])) as loop, values.scope():
                over(shape[1:], (*place, At(loop.index)))
            return
        value = values.value(indices, place)
        wide = fn.cast("zext" if indices.type.dtype.name == "uint32" else "sext", value, "i64")
        _note(values, kernel, error, (wide < 0) | (wide >= rows), wide)

    over(indices.type.shape, ())
