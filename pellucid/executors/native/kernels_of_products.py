"""Products: the operands' places, the tasks of a contraction, and what is done with each line of its result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from pellucid.executors.native.contraction import Product, emit_contraction, tasks_now
from pellucid.executors.native.contraction import tasks as product_tasks
from pellucid.executors.native.emit import V
from pellucid.executors.native.layout import LINE, element, layout_of
from pellucid.executors.native.operands import ProductForm, Strided, product_form, strided
from pellucid.executors.native.schedule import RANDOM, Kernel
from pellucid.executors.native.target import Target
from pellucid.executors.native.values import At, Values
from pellucid.graph.graph import Node
from pellucid.graph.types import Axis

LARGE = 4 * 1024 * 1024
"""Bytes of a buffer from which on no cache near a core holds it."""
ROWS_AHEAD = 6
"""How many rows ahead such a buffer is asked for: a tile."""


def product_of(node: Node) -> tuple[Product, int]:
    """Return the sizes and strides of a contraction as a product, and how many products it is."""
    form = product_form(node)
    assert form is not None
    sides = [strided(source) for source in node.inputs]
    labels = [form.labels.first, form.labels.second]
    if form.swapped:
        sides, labels = sides[::-1], labels[::-1]
    sizes = sizes_of(node, form)
    a, b = (_strides(side, letters) for side, letters in zip(sides, labels, strict=True))
    item = node.type.dtype.numpy.itemsize
    nothing = V(None, "ptr", "null")  # type: ignore[arg-type]
    columns = int(sizes.get(form.column, 1))
    spec = Product(
        element=element(node.type.dtype),
        rows=int(sizes.get(form.row, 1)),
        depth=int(sizes[form.depth]),
        columns=columns,
        a=nothing,
        a_row_stride=a.get(form.row, 0),
        a_k_stride=a[form.depth],
        b=nothing,
        b_k_stride=b[form.depth],
        b_column_stride=b.get(form.column, item),
    )
    batches = 1
    for label in form.batch:
        batches *= int(sizes[label])
    return spec, batches


def sizes_of(node: Node, form: ProductForm) -> dict[str, int]:
    """Return the size of each label of a contraction, named axes kept."""
    found: dict[str, int] = {}
    for letters, source in zip((form.labels.first, form.labels.second), node.inputs, strict=True):
        for label, size in zip(letters, source.type.shape, strict=True):
            found[label] = size if isinstance(size, Axis) else found.get(label, size)
    return found


def _strides(side: Strided, letters: str) -> dict[str, int]:
    layout = layout_of(side.root.type, dense=side.root.op.name in RANDOM)
    return {
        label: sum(layout.strides[axis] * step for axis, step in parts)
        for label, parts in zip(letters, side.axes, strict=True)
    }


def write_products(values: Values, kernel: Kernel, first: V, last: V, scratch: V, target: Target) -> None:
    node, fn = kernel.anchor, values.fn
    assert node is not None
    form = product_form(node)
    assert form is not None
    spec, batches = product_of(node)
    each = product_tasks(spec, target)
    if not each or not batches:
        return
    sizes = sizes_of(node, form)
    sides = [strided(source) for source in node.inputs]
    letters = [form.labels.first, form.labels.second]
    if form.swapped:
        sides, letters = sides[::-1], letters[::-1]

    values.ahead = _fetched_ahead(values, node, form)

    def running(label: str) -> V | None:
        size = values.size(sizes[label]) if label else 1
        return size if isinstance(size, V) else None

    def epilogue(batch: dict[str, At]) -> Callable[[V, V, V], None]:
        def finish(row: V, column: V, value: V) -> None:
            with values.scope():
                at = {**batch, form.row: At(row), form.column: At(column, 1)}
                place = tuple(at[label] for label in form.labels.result)
                if not form.column:  # a result without columns: its one number is in the first lane
                    value = fn.extract(value, 0)
                values.set(node, place, value)
                values.put([(root, place) for root in kernel.roots])

        return finish

    def emit(batch: dict[str, At], begin: V, end: V) -> None:
        pointers = []
        for side, labels in zip(sides, letters, strict=True):
            layout = values.layouts[side.root]
            strides = _strides(side, labels)
            start: V | int = sum(s * t for s, t in zip(side.start, layout.strides, strict=True))
            for label, at in batch.items():
                start = values.plus(start, values.times(at.base, strides[label]))
            extent = _extent(spec, labels is letters[0], layout.item)
            pointers.append(fn.at(values.pointer(side.root), values.guarded(side.root, start, *extent, LINE)))
        done = replace(
            spec,
            a=pointers[0],
            b=pointers[1],
            scratch=scratch,
            rows_now=running(form.row),
            depth_now=running(form.depth),
        )
        emit_contraction(fn, done, begin, end, epilogue(batch), target)

    if not form.batch:
        columns = running(form.column)
        emit({}, first, last if columns is None else fn.minimum(last, tasks_now(spec, columns, target)))
        return
    with fn.loop(first, last) as task, values.scope():
        number = fn.op("udiv", task.index, fn.i64(each))
        inner = task.index - number * each
        batch: dict[str, At] = {}
        for label in reversed(form.batch):
            size = fn.i64(int(sizes[label]))
            batch[label] = At(fn.op("urem", number, size))
            number = fn.op("udiv", number, size)
        emit({label: batch[label] for label in form.batch}, inner, inner + 1)


def _extent(spec: Product, left: bool, item: int) -> tuple[int, int]:
    """Return the bytes of an operand that a product touches, from where it begins; columns in whole lines."""
    columns = spec.b_column_stride, spec.columns
    if not spec.transposed:
        columns = item, -(-spec.columns * item // LINE) * LINE // item
    steps = [(spec.b_k_stride, spec.depth), columns]
    if left:
        steps = [(spec.a_row_stride, spec.rows), (spec.a_k_stride, spec.depth)]
    ends = [stride * max(0, size - 1) for stride, size in steps]
    return sum(min(0, end) for end in ends), sum(max(0, end) for end in ends) + item


def _fetched_ahead(values: Values, node: Node, form: ProductForm) -> dict[Node, int]:
    """Return what the epilogue reads at its own place and no cache holds, with the distance to the next tile's rows."""
    if not form.row:
        return {}
    axis = form.labels.result.index(form.row)
    shape = tuple(map(int, node.type.shape))
    return {
        other: layout.strides[axis] * ROWS_AHEAD
        for other, layout in values.layouts.items()
        if tuple(map(int, other.type.shape)) == shape and layout.size >= LARGE
    }
