"""The code of one kernel of each kind."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace

from pellucid.executors.native.contraction import Product, emit_contraction, scratch_bytes, tasks_now
from pellucid.executors.native.contraction import tasks as product_tasks
from pellucid.executors.native.draws import require_draws
from pellucid.executors.native.emit import V
from pellucid.executors.native.layout import LINE, element, layout_of
from pellucid.executors.native.operands import ProductForm, Strided, product_form, strided
from pellucid.executors.native.reductions import reduce_at
from pellucid.executors.native.schedule import RANDOM, REDUCTIONS, Kernel
from pellucid.executors.native.target import LANES, Target
from pellucid.executors.native.values import At, Place, Values
from pellucid.graph.graph import Node
from pellucid.graph.types import Axis

BLOCK = LANES
"""Rows in a task of a kernel of rows."""
LARGE = 4 * 1024 * 1024
"""Bytes of a buffer from which on no cache near a core holds it."""
ROWS_AHEAD = 6
"""How many rows ahead such a buffer is asked for: a tile."""
TOGETHER = 4
"""Up to so many vectors of a row are written out instead of in a loop."""
BESIDE = 2
"""Vectors of a reduction's result that are computed side by side."""


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
        spec, batches = _product(None, kernel.anchor)
        return batches * product_tasks(spec, target)
    if kernel.kind == "reduction" and kernel.anchor is not None and kernel.anchor.type.shape:
        outer, blocks = _reduction_cut(kernel, lanes)
        return outer * blocks
    return 1


def kernel_product(kernel: Kernel) -> tuple[Product, int] | None:
    """Return a kernel's product with its sizes, and how often it is computed; None where it is no product."""
    return _product(None, kernel.anchor) if kernel.kind == "product" and kernel.anchor is not None else None


def kernel_scratch(kernel: Kernel, target: Target) -> int:
    """Return the bytes of scratch memory that a thread needs for a kernel."""
    if kernel.kind != "product" or kernel.anchor is None:
        return 0
    return scratch_bytes(_product(None, kernel.anchor)[0], target)


def kernel_work(kernel: Kernel) -> int:
    """Return about how many floating-point operations a kernel takes; moving 4 bytes counts as many as 16."""
    if kernel.kind == "product" and kernel.anchor is not None:
        spec, batches = _product(None, kernel.anchor)
        return 2 * batches * spec.rows * spec.depth * spec.columns
    touched = [*kernel.roots, *(source for node in kernel.members for source in node.inputs)]
    return 16 * max((node.type.size for node in touched), default=0)


def write_kernel(values: Values, kernel: Kernel, first: V, last: V, scratch: V, error: V, target: Target) -> None:
    """Write the tasks from `first` to before `last` of a kernel into a function."""
    if kernel.kind == "rows":
        _rows(values, kernel, first, last)
    elif kernel.kind == "product":
        _products(values, kernel, first, last, scratch, target)
    elif kernel.kind == "reduction":
        _reduction(values, kernel, first, last)
    elif kernel.kind == "scalars":
        _store(values, [(root, ()) for root in kernel.roots])
    elif kernel.kind == "random":
        _random(values, kernel, error)
    elif kernel.kind == "scatter":
        _scatter(values, kernel)
    else:
        _check(values, kernel, error)


def _store(values: Values, wanted: Sequence[tuple[Node, Place]]) -> None:
    """Compute values at places, all of them before the first is stored."""
    found = [(node, place, values.value(node, place)) for node, place in wanted]
    for node, place, value in found:
        values.store(node, place, value)
    values.watch(found)


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
            _store(values, wanted)
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
        _store(values, [(root, place) for root in roots])
        return
    size = values.size(shape[0])
    if len(shape) > 1:
        with fn.loop(0, size) as loop, values.scope():
            _columns(values, kernel, roots, (*place, At(loop.index)), shape[1:])
        return
    step = 1 if values.lanes > 1 else 0
    if isinstance(size, int) and size <= TOGETHER * values.lanes:
        bases = range(0, size, values.lanes)
        _store(values, [(root, (*place, At(base, step))) for base in bases for root in roots])
        return
    if any(member.op.name in (*REDUCTIONS, "contraction") for member in kernel.members):
        for root in roots:  # what the whole row goes into is computed before the loop, and remembered
            values.value(root, (*place, At(0, step)))
    with fn.loop(0, size, values.lanes) as loop, values.scope():
        _store(values, [(root, (*place, At(loop.index, step))) for root in roots])


# -- products


def _product(values: Values | None, node: Node) -> tuple[Product, int]:
    """Return the sizes and strides of a contraction as a product, and how many products it is."""
    form = product_form(node)
    assert form is not None
    sides = [strided(source) for source in node.inputs]
    labels = [form.labels.first, form.labels.second]
    if form.swapped:
        sides, labels = sides[::-1], labels[::-1]
    sizes = sizes_of(node, form)
    a, b = (_strides(side, letters, values, node) for side, letters in zip(sides, labels, strict=True))
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


def _strides(side: Strided, letters: str, values: Values | None, node: Node) -> dict[str, int]:
    layout = layout_of(side.root.type, dense=side.root.op.name in RANDOM)
    return {
        label: sum(layout.strides[axis] * step for axis, step in parts)
        for label, parts in zip(letters, side.axes, strict=True)
    }


def _products(values: Values, kernel: Kernel, first: V, last: V, scratch: V, target: Target) -> None:
    node, fn = kernel.anchor, values.fn
    assert node is not None
    form = product_form(node)
    assert form is not None
    spec, batches = _product(values, node)
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
                _store(values, [(root, place) for root in kernel.roots])

        return finish

    def emit(batch: dict[str, At], begin: V, end: V) -> None:
        pointers = []
        for side, labels in zip(sides, letters, strict=True):
            layout = values.layouts[side.root]
            strides = _strides(side, labels, values, node)
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


# -- reductions


def _reduction_cut(kernel: Kernel, lanes: int) -> tuple[int, int]:
    """Return over how many rows a reduction's result goes, and into how many blocks of vectors each is cut."""
    assert kernel.anchor is not None
    type = kernel.anchor.type
    lane = layout_of(type).lane
    outer = 1
    for axis, size in enumerate(type.shape):
        outer *= 1 if axis == lane else int(size)
    assert lane is not None
    return outer, -(-int(type.shape[lane]) // (lanes * BESIDE))


def _reduction(values: Values, kernel: Kernel, first: V, last: V) -> None:
    node, fn = kernel.anchor, values.fn
    assert node is not None
    if not node.type.shape:
        values.set(node, (), reduce_at(values, node, [()])[0])
        _store(values, [(root, ()) for root in kernel.roots])
        return
    lane = layout_of(node.type).lane
    assert lane is not None
    outer, blocks = _reduction_cut(kernel, values.lanes)
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
                _store(values, [(root, place) for place in wanted for root in kernel.roots])

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


# -- others


def _random(values: Values, kernel: Kernel, error: V) -> None:
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


def _scatter(values: Values, kernel: Kernel) -> None:
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


def _check(values: Values, kernel: Kernel, error: V) -> None:
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
