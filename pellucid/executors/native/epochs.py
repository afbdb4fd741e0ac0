"""Whole epochs in machine code: rows gathered, the step run, losses noted, mini-batch after mini-batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pellucid.executors.epochs import StepGraph
from pellucid.executors.native.assemble import BAD, ERROR, Assembled
from pellucid.executors.native.emit import Fn, V, vector
from pellucid.executors.native.layout import Layout, element
from pellucid.executors.native.rows import require_rows
from pellucid.executors.native.target import LANES, restore_subnormals, without_subnormals

ORDER, COUNT, START, STOP, SEED, FIRST, LOSSES, WEIGHTS, SETTINGS, PLACES, NEXT, FAILED, SHARED = range(13)
"""The 64-bit words of what an epoch is told: addresses, numbers of rows and steps, and what it tells back."""
TABLES = 13
"""Where the tables begin: five words each."""
TABLE_WORDS = 5
ADDRESS, STRIDE, KIND, INDICES, STARTS = range(TABLE_WORDS)
"""A table's words; its kind is 0 where it is dense, 1 and 2 where it is sparse with indices of 32 and of 64 bits."""


@dataclass(frozen=True)
class Running:
    """What code that runs a program over rows needs at hand while it is written.

    Attributes
    ----------
    fn : Fn
    arena, told : V
        Pointers to the program's memory, and to the words that say what to do.
    assembled : Assembled
    """

    fn: Fn
    arena: V
    told: V
    assembled: Assembled

    def word(self, at: int) -> V:
        """Return a word of what is told."""
        return self.fn.load("i64", self.fn.at(self.told, 8 * at))

    def pointer(self, at: int) -> V:
        """Return a word as the address that it is."""
        return self.fn.pointer(self.word(at))

    def buffer(self, name: str) -> tuple[V, Layout]:
        """Return where an input lies, and how."""
        node = self.assembled.graph.inputs[name]
        return self.fn.at(self.arena, self.assembled.plan.offsets[node]), self.assembled.plan.layouts[node]


def write_epoch(assembled: Assembled, step: StepGraph) -> None:
    """Write the function ``void epoch(ptr arena, ptr scratch, ptr told)`` into a step's module.

    It runs the steps from `START` to before `STOP`. `NEXT` is the step that comes after those that were finished;
    where one was not finite, or found an index without a row, `FAILED` is set and the rest left out.
    """
    fn = assembled.module.function("epoch", [("ptr", "arena"), ("ptr", "scratch"), ("ptr", "told")])
    arena, scratch, told = fn.args
    epoch = Running(fn, arena, told, assembled)
    before = without_subnormals(fn, assembled.target)
    start, stop, rows = epoch.word(START), epoch.word(STOP), epoch.word(COUNT)
    order, places = epoch.pointer(ORDER), epoch.pointer(PLACES)
    with fn.loop(start, stop) as loop:
        at = loop.index
        first = at * step.batch
        rest = rows - first
        count = fn.minimum(rest, fn.i64(step.batch))
        taken = fn.at(order, first * 8)
        partial = rest < step.batch
        with fn.when(partial):
            _fill_up(fn, taken, places, count, step.batch)
        taken = fn.select(partial, places, taken)
        for number, name in enumerate((*step.data, step.weight)):
            write_gather(epoch, name, TABLES + TABLE_WORDS * number, taken, fn.i64(step.batch))
        weight = _weights(epoch, step, count)
        _settings(epoch, step, at)
        if assembled.shared:
            shared = fn.compare("ne", epoch.word(SHARED), 0)
            with fn.when(shared):
                fn.call("step_shared", "void", arena, scratch)
            with fn.when(~shared):
                fn.call("step", "void", arena, scratch)
        else:
            fn.call("step", "void", arena, scratch)
        loss = _loss(epoch)
        bad = fn.load("i64", fn.at(arena, BAD)) | fn.load("i64", fn.at(arena, ERROR))
        failed = fn.compare("ne", bad, 0) | fn.compare("ne", loss - loss, 0.0)
        with fn.when(failed):
            fn.store(fn.i64(0), fn.at(arena, BAD))
            fn.store(fn.i64(1), fn.at(told, 8 * FAILED))
            restore_subnormals(fn, assembled.target, before)
            fn.leave()
        for word, value in ((LOSSES, loss), (WEIGHTS, weight)):
            fn.store(value, fn.at(epoch.pointer(word), at * 8))
        fn.store(at + 1, fn.at(told, 8 * NEXT))
    restore_subnormals(fn, assembled.target, before)
    fn.ret()


def _fill_up(fn: Fn, taken: V, places: V, count: V, batch: int) -> None:
    """Write the rows of the last mini-batch: its empty places repeat its last one."""
    with fn.loop(0, batch) as loop:
        index = fn.minimum(loop.index, count - 1)
        fn.store(fn.load("i64", fn.at(taken, index * 8)), fn.at(places, loop.index * 8))


def write_gather(running: Running, name: str, word: int, taken: V, count: V) -> None:
    """Write how rows of one input are brought to where the program reads them.

    Parameters
    ----------
    running : Running
    name : str
        The input.
    word : int
        Where in what is told the words of its table begin.
    taken, count : V
        A pointer to the numbers of the rows, and how many there are.
    """
    fn = running.fn
    target, layout = running.buffer(name)
    shape, item = tuple(map(int, layout.type.shape)), layout.item
    table = running.pointer(word + ADDRESS)
    stride = running.word(word + STRIDE)
    pointers = ("ptr", "i64", "ptr", "i64", "ptr", "i64", "i64")

    def dense() -> None:
        if len(shape) == 1 or layout.lane == 0:
            columns = shape[1] if len(shape) > 1 else 1
            function = f"pellucid_gather_columns_{item}"
            require_rows(function)
            fn.module.declare(function, "void", *pointers)
            step = fn.i64(layout.strides[1] if len(shape) > 1 else item)
            fn.call(function, "void", table, stride, taken, count, target, step, fn.i64(columns))
            return
        function = "pellucid_gather_rows"
        require_rows(function)
        fn.module.declare(function, "void", *pointers)
        for source, place in _inner_rows(shape[1:], layout.strides[1:], item):
            size, step = fn.i64(shape[-1] * item), fn.i64(layout.strides[0])
            fn.call(function, "void", fn.at(table, source), stride, taken, count, fn.at(target, place), step, size)

    if not may_be_sparse(layout):
        dense()
        return
    kind = running.word(word + KIND)
    with fn.when(fn.compare("eq", kind, 0)):
        dense()
    for number, index in ((1, "i32"), (2, "i64")):
        with fn.when(fn.compare("eq", kind, number)):
            name = f"pellucid_gather_sparse_{item}_{index}"
            require_rows(name)
            fn.module.declare(name, "void", "ptr", "ptr", "ptr", "ptr", "i64", "ptr", "i64", "i64")
            indices, starts = running.pointer(word + INDICES), running.pointer(word + STARTS)
            step, columns = fn.i64(layout.strides[0]), fn.i64(shape[1])
            fn.call(name, "void", table, indices, starts, taken, count, target, step, columns)


def may_be_sparse(layout: Layout) -> bool:
    """Say whether an input may be given as a sparse matrix that stays one."""
    return layout.type.ndim == 2 and layout.lane == 1 and layout.type.dtype.is_float


def _inner_rows(shape: Sequence[int], strides: Sequence[int], item: int) -> list[tuple[int, int]]:
    """Return where the rows of one example lie, in a dense table and in a padded buffer."""
    if len(shape) == 1:
        return [(0, 0)]
    below = _inner_rows(shape[1:], strides[1:], item)
    size = item
    for extent in shape[1:]:
        size *= extent
    return [(i * size + source, i * strides[0] + place) for i in range(shape[0]) for source, place in below]


def _weights(epoch: Running, step: StepGraph, count: V) -> V:
    """Write zeros over the weights of empty places, and return the sum of the others."""
    fn, batch = epoch.fn, step.batch
    pointer, layout = epoch.buffer(step.weight)
    kind = element(layout.type.dtype)
    type, lanes = vector(kind, LANES), fn.constants(range(LANES), "i64")
    total = fn.const(0.0, vector("double", LANES))
    with fn.loop(0, max(batch, 1), LANES, [total]) as loop:
        place = fn.at(pointer, loop.index * layout.item)
        inside = fn.splat(loop.index, LANES) + lanes < fn.splat(count, LANES)
        found = fn.select(inside, fn.load(type, place), fn.const(0.0, type))
        fn.store(found, place)
        loop.next(loop.values[0] + fn.cast("fpext", found, "double"))
    total = loop.values[0]
    width = LANES
    while width > 1:
        width //= 2
        low, high = fn.shuffle(total, None, range(width)), fn.shuffle(total, None, range(width, 2 * width))
        total = low + high
    return total


def _settings(epoch: Running, step: StepGraph, at: V) -> None:
    """Write the step's settings, seed and number to where the step reads them."""
    fn = epoch.fn
    if step.settings:
        row = fn.at(epoch.pointer(SETTINGS), at * (8 * len(step.settings)))
        for number, name in enumerate(step.settings):
            target, layout = epoch.buffer(name)
            value = fn.load("double", fn.at(row, 8 * number))
            fn.store(fn.cast("fptrunc", value, element(layout.type.dtype)), target)
    for name, value in (("seed", epoch.word(SEED)), ("step", epoch.word(FIRST) + at)):
        if name in step.graph.inputs:
            target, layout = epoch.buffer(name)
            fn.store(fn.cast("trunc", value, element(layout.type.dtype)), target)


def _loss(epoch: Running) -> V:
    fn = epoch.fn
    node = epoch.assembled.graph.outputs["loss"]
    if node.op.name == "constant":
        return fn.const(dict(node.params)["value"], "double")
    value = fn.load(element(node.type.dtype), fn.at(epoch.arena, epoch.assembled.plan.offsets[node]))
    return fn.cast("fpext", value, "double")
