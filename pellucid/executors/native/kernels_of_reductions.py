"""Reductions that do not go along rows: several vectors of the result side by side, and what follows from them."""

from __future__ import annotations

from pellucid.executors.native.emit import V
from pellucid.executors.native.layout import layout_of
from pellucid.executors.native.reductions import reduce_at
from pellucid.executors.native.schedule import Kernel
from pellucid.executors.native.values import At, Place, Values

BESIDE = 2
"""Vectors of a reduction's result that are computed side by side."""


def reduction_cut(kernel: Kernel, lanes: int) -> tuple[int, int]:
    """Return over how many rows a reduction's result goes, and into how many blocks of vectors each is cut."""
    assert kernel.anchor is not None
    type = kernel.anchor.type
    lane = layout_of(type).lane
    outer = 1
    for axis, size in enumerate(type.shape):
        outer *= 1 if axis == lane else int(size)
    assert lane is not None
    return outer, -(-int(type.shape[lane]) // (lanes * BESIDE))


def write_reduction(values: Values, kernel: Kernel, first: V, last: V) -> None:
    node, fn = kernel.anchor, values.fn
    assert node is not None
    if not node.type.shape:
        values.set(node, (), reduce_at(values, node, [()])[0])
        values.put([(root, ()) for root in kernel.roots])
        return
    lane = layout_of(node.type).lane
    assert lane is not None
    outer, blocks = reduction_cut(kernel, values.lanes)
    shape = node.type.shape
    step = 1 if values.lanes > 1 else 0
    if not outer or not blocks:
        return
    size = int(shape[lane])
    with fn.loop(first, last) as task, values.scope():
        number, block = task.index, fn.i64(0)
        if blocks > 1:
            number = fn.op("udiv", task.index, fn.i64(blocks))
            block = task.index - number * blocks
        index: dict[int, At] = {}
        for axis in reversed(range(len(shape))):
            if axis != lane:
                extent = fn.i64(max(1, int(shape[axis])))
                index[axis] = At(fn.op("urem", number, extent))
                number = fn.op("udiv", number, extent)
        base = block * (values.lanes * BESIDE) if blocks > 1 else 0

        def places(start: V | int, count: int) -> list[Place]:
            found = []
            for at in range(count):
                line = At(values.plus(start, at * values.lanes), step)
                found.append(tuple(line if axis == lane else index[axis] for axis in range(len(shape))))
            return found

        def finish(start: V | int, count: int) -> None:
            with values.scope():
                wanted = places(start, count)
                for place, value in zip(wanted, reduce_at(values, node, wanted), strict=True):
                    values.set(node, place, value)
                values.put([(root, place) for place in wanted for root in kernel.roots])

        whole, rest = divmod(-(-size // values.lanes), BESIDE)
        if blocks == 1:
            finish(0, rest or BESIDE)
        elif not rest:
            finish(base, BESIDE)
        else:
            full = fn.compare("lt", block, whole)
            with fn.when(full):
                finish(base, BESIDE)
            with fn.when(~full):
                finish(base, rest)
