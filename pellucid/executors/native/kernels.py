"""The code of one kernel of each kind: rows and scalars here, the others in modules of their own."""

from __future__ import annotations

from collections.abc import Sequence

from pellucid.executors.native.contraction import Product, scratch_bytes
from pellucid.executors.native.contraction import tasks as product_tasks
from pellucid.executors.native.emit import V
from pellucid.executors.native.kernels_of_products import product_of, write_products
from pellucid.executors.native.kernels_of_reductions import reduction_cut, write_reduction
from pellucid.executors.native.layout import element
from pellucid.executors.native.schedule import REDUCTIONS, Kernel
from pellucid.executors.native.single_kernels import write_check, write_random, write_scatter
from pellucid.executors.native.target import LANES, Target
from pellucid.executors.native.values import At, Place, Values
from pellucid.graph.graph import Node

BLOCK = LANES
"""Rows in a task of a kernel of rows."""
TOGETHER = 4
"""Up to so many vectors of a row are written out instead of in a loop."""


def lanes_for(kernel: Kernel) -> int:
    """Return how many lanes a kernel's vectors have: 8 where it computes with nothing but doubles."""
    nodes = [*kernel.members, *(source for node in kernel.members for source in node.inputs)]
    kinds = {element(node.type.dtype) for node in nodes if node.type.shape}
    if kernel.kind == "scalars":
        return 1
    if kernel.kind == "product" and kernel.anchor is not None:  # the tiles say it
        return 8 if element(kernel.anchor.type.dtype) == "double" else LANES
    return 8 if "double" in kinds and not kinds & {"float", "i32"} else LANES


def kernel_tasks(kernel: Kernel, target: Target, lanes: int) -> int:
    """Return into how many independent tasks a kernel is cut that is written with so many lanes."""
    if kernel.kind == "rows":
        return -(-int(kernel.members[0].type.shape[0]) // BLOCK)
    if kernel.kind == "product":
        assert kernel.anchor is not None
        spec, batches = product_of(kernel.anchor)
        return batches * product_tasks(spec, target)
    if kernel.kind == "reduction" and kernel.anchor is not None and kernel.anchor.type.shape:
        outer, blocks = reduction_cut(kernel, lanes)
        return outer * blocks
    return 1


def kernel_product(kernel: Kernel) -> tuple[Product, int] | None:
    """Return a kernel's product with its sizes, and how often it is computed; None where it is no product."""
    return product_of(kernel.anchor) if kernel.kind == "product" and kernel.anchor is not None else None


def kernel_scratch(kernel: Kernel, target: Target) -> int:
    """Return the bytes of scratch memory that a thread needs for a kernel."""
    if kernel.kind != "product" or kernel.anchor is None:
        return 0
    return scratch_bytes(product_of(kernel.anchor)[0], target)


def kernel_work(kernel: Kernel) -> int:
    """Return about how many floating-point operations a kernel takes; moving 4 bytes counts as many as 16."""
    if kernel.kind == "product" and kernel.anchor is not None:
        spec, batches = product_of(kernel.anchor)
        return 2 * batches * spec.rows * spec.depth * spec.columns
    touched = [*kernel.roots, *(source for node in kernel.members for source in node.inputs)]
    return 16 * max((node.type.size for node in touched), default=0)


def write_kernel(values: Values, kernel: Kernel, first: V, last: V, scratch: V, error: V, target: Target) -> None:
    """Write the tasks from `first` to before `last` of a kernel into a function."""
    if kernel.kind == "rows":
        _rows(values, kernel, first, last)
    elif kernel.kind == "product":
        write_products(values, kernel, first, last, scratch, target)
    elif kernel.kind == "reduction":
        write_reduction(values, kernel, first, last)
    elif kernel.kind == "scalars":
        values.put([(root, ()) for root in kernel.roots])
    elif kernel.kind == "random":
        write_random(values, kernel, error)
    elif kernel.kind == "scatter":
        write_scatter(values, kernel)
    else:
        write_check(values, kernel, error)


def _rows(values: Values, kernel: Kernel, first: V, last: V) -> None:
    fn = values.fn
    size = kernel.members[0].type.shape[0]
    count = values.size(size)
    begin = first * BLOCK
    end = fn.minimum(last * BLOCK, count if isinstance(count, V) else fn.i64(count))
    if kernel.narrow or kernel.narrow is None:
        step = 1 if values.lanes > 1 else 0
        with fn.loop(begin, end, values.lanes) as rows, values.scope():
            at = At(rows.index, step)
            wanted: list[tuple[Node, Place]] = []
            for root in kernel.roots:
                columns = int(root.type.shape[1]) if root.type.ndim == 2 else 0
                wanted += (
                    [(root, (at, At(column))) for column in range(columns)] if root.type.ndim == 2 else [(root, (at,))]
                )
            values.put(wanted)
        return
    shapes: dict[tuple[int, ...], list[Node]] = {}
    for root in kernel.roots:
        shapes.setdefault(tuple(map(int, root.type.shape[1:])), []).append(root)
    with fn.loop(begin, end) as rows, values.scope():
        for shape in sorted(shapes, key=len):
            _columns(values, kernel, shapes[shape], (At(rows.index),), shapes[shape][0].type.shape[1:])


def _columns(values: Values, kernel: Kernel, roots: list[Node], place: Place, shape: Sequence[int]) -> None:
    """Write loops over all axes but the first; the last one goes along the lanes."""
    fn = values.fn
    if not shape:
        values.put([(root, place) for root in roots])
        return
    size = values.size(shape[0])
    if len(shape) > 1:
        with fn.loop(0, size) as loop, values.scope():
            _columns(values, kernel, roots, (*place, At(loop.index)), shape[1:])
        return
    step = 1 if values.lanes > 1 else 0
    if isinstance(size, int) and size <= TOGETHER * values.lanes:
        bases = range(0, size, values.lanes)
        values.put([(root, (*place, At(base, step))) for base in bases for root in roots])
        return
    if any(member.op.name in (*REDUCTIONS, "contraction") for member in kernel.members):
        for root in roots:  # what the whole row goes into is computed before the loop, and remembered
            values.value(root, (*place, At(0, step)))
    with fn.loop(0, size, values.lanes) as loop, values.scope():
        values.put([(root, (*place, At(loop.index, step))) for root in roots])
