"""Many epochs in one call: their orders drawn, their steps run, their networks kept and judged, in machine code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from pellucid.errors import GraphError
from pellucid.executors.epochs import Judging, StepGraph
from pellucid.executors.native import epochs, judge
from pellucid.executors.native.assemble import ERROR, Arena, Assembled
from pellucid.executors.native.emit import V
from pellucid.executors.native.order import require_order, scratch_bytes
from pellucid.random import purpose_word

# fmt: off
(
    DONE, STOP, FAILED, SEED, FIRST, SHUFFLE, COUNT, ROWS, ORDER, SORTING, STEPS, EPOCH, SETTINGS, LOSSES, WEIGHTS,
    SLOTS, SLOT_SIZE, SLOT_COUNT, COPIES, COPY_COUNT,
    JUDGE, JUDGE_ARENA, JUDGE_SCRATCH, JUDGE_TOLD, JUDGE_COPIES, JUDGE_COPY_COUNT, SUMS, SUMS_SIZE,
) = range(28)
# fmt: on
"""The words of what many epochs are told: epochs done and to do, the rows, where things are, and the judge's part."""
WORDS = 28
SLOTS_BYTES = 4 << 20
"""The most memory for what is kept of epochs in one call."""
COPY = 24
"""Bytes of a copy's words: where from, where to, how much."""


def write_epochs(assembled: Assembled, step: StepGraph) -> None:
    """Write the function ``void epochs(ptr arena, ptr scratch, ptr told)`` into a step's module, which has ``epoch``.

    It runs the epochs from `DONE` to before `STOP`. Where one fails, or can not be judged, `FAILED` is set, and `DONE`
    is the number of those that were finished.
    """
    require_order()
    _write_copies(assembled)
    fn = assembled.module.function("epochs", [("ptr", "arena"), ("ptr", "scratch"), ("ptr", "told")])
    arena, scratch, told = fn.args
    many = epochs.Running(fn, arena, told, assembled)
    with fn.loop(many.word(DONE), many.word(STOP)) as loop:
        _order(many, loop.index)
        _prepare(many, step, loop.index)
        inner = many.pointer(EPOCH)
        fn.call("epoch", "void", arena, scratch, inner)
        _leave_where(many, fn.load("i64", fn.at(inner, 8 * epochs.FAILED)))
        with fn.when(fn.compare("ne", many.word(JUDGE), 0)):
            _judge(many, loop.index)
        with fn.when(loop.index < many.word(SLOT_COUNT)):
            slot = fn.at(many.pointer(SLOTS), loop.index * many.word(SLOT_SIZE))
            fn.call("copy_all", "void", arena, slot, many.pointer(COPIES), many.word(COPY_COUNT))
        fn.store(loop.index + 1, fn.at(told, 8 * DONE))
    fn.ret()


def _leave_where(many: epochs.Running, failed: V) -> None:
    fn = many.fn
    with fn.when(fn.compare("ne", failed, 0)):
        fn.store(fn.i64(1), fn.at(many.told, 8 * FAILED))
        fn.leave()


def _write_copies(assembled: Assembled) -> None:
    """Write the function that does copies from one memory to another."""
    parameters = [("ptr", "source"), ("ptr", "target"), ("ptr", "copies"), ("i64", "count")]
    fn = assembled.module.function("copy_all", parameters, internal=True, inline=False)
    source, target, copies, count = fn.args
    memcpy = fn.module.declare("llvm.memcpy.p0.p0.i64", "void", "ptr", "ptr", "i64", "i1")
    with fn.loop(0, count) as loop:
        words = fn.at(copies, loop.index * COPY)
        start, to, size = (fn.load("i64", fn.at(words, 8 * number)) for number in range(3))
        fn.call(memcpy, "void", fn.at(target, to), fn.at(source, start), size, fn.const(False, "i1"))
    fn.ret()


def _order(many: epochs.Running, epoch: V) -> None:
    """Write how the order of an epoch's rows is drawn, where it is."""
    fn = many.fn
    with fn.when(fn.compare("ne", many.word(SHUFFLE), 0)):
        name, types = "pellucid_permutation", ("i64", "i32", "i64", "i64", "ptr", "ptr")
        fn.module.declare(name, "void", *types)
        order, count, rows = many.pointer(ORDER), many.word(COUNT), many.pointer(ROWS)
        drawn = many.word(SEED), fn.const(purpose_word("order"), "i32"), many.word(FIRST) + epoch, count
        fn.call(name, "void", *drawn, order, many.pointer(SORTING))
        with fn.loop(0, count) as loop:
            place = fn.at(order, loop.index * 8)
            fn.store(fn.load("i64", fn.at(rows, fn.load("i64", place) * 8)), place)


def _prepare(many: epochs.Running, step: StepGraph, epoch: V) -> None:
    """Write what an epoch is told."""
    fn, inner, steps = many.fn, many.pointer(EPOCH), many.word(STEPS)
    before = epoch * steps
    words = {
        epochs.START: fn.i64(0),
        epochs.STOP: steps,
        epochs.NEXT: fn.i64(0),
        epochs.FAILED: fn.i64(0),
        epochs.FIRST: (many.word(FIRST) + epoch) * steps,
        epochs.SETTINGS: many.word(SETTINGS) + before * (8 * len(step.settings)),
        epochs.LOSSES: many.word(LOSSES) + before * 8,
        epochs.WEIGHTS: many.word(WEIGHTS) + before * 8,
    }
    for word, value in words.items():
        fn.store(value, fn.at(inner, 8 * word))


def _judge(many: epochs.Running, epoch: V) -> None:
    """Write how the parameters of an epoch are judged."""
    fn, arena, told = many.fn, many.pointer(JUDGE_ARENA), many.pointer(JUDGE_TOLD)
    fn.call("copy_all", "void", many.arena, arena, many.pointer(JUDGE_COPIES), many.word(JUDGE_COPY_COUNT))
    fn.store(many.word(SUMS) + epoch * many.word(SUMS_SIZE), fn.at(told, 8 * judge.SUMS))
    function, scratch = many.pointer(JUDGE), many.pointer(JUDGE_SCRATCH)
    fn.line(f"call void {function.name}(ptr {arena.name}, ptr {scratch.name}, ptr {told.name})")
    _leave_where(many, fn.load("i64", fn.at(arena, ERROR)))


class Slots:
    """Memory for what is carried after each epoch, as the arena has it."""

    def __init__(self, assembled: Assembled, names: Sequence[str]):
        self._nodes = {name: assembled.graph.inputs[name] for name in names}
        self._layouts = {name: assembled.plan.layouts[node] for name, node in self._nodes.items()}
        self._places: dict[str, int] = {}
        self.size = 0
        for name, layout in self._layouts.items():
            self._places[name] = self.size
            self.size += layout.size
        offsets = assembled.plan.offsets
        found = [(offsets[node], self._places[name], self._layouts[name].size) for name, node in self._nodes.items()]
        self.copies = np.array(found, np.int64).reshape(-1, 3)

    @property
    def room(self) -> int:
        """Return how many slots there may be."""
        return SLOTS_BYTES // max(1, self.size)

    def value(self, memory: np.ndarray, number: int, name: str) -> np.ndarray:
        """Return what is carried under a name as it was after an epoch."""
        node, layout = self._nodes[name], self._layouts[name]
        at = number * self.size + self._places[name]
        shape = tuple(map(int, node.type.shape))
        array = np.array(np.ndarray(shape, node.type.dtype.numpy, memory, at, layout.strides), order="C")
        array.flags.writeable = False
        return array

    def __iter__(self) -> Iterator[str]:
        return iter(self._nodes)

    def __len__(self) -> int:
        return len(self._nodes)


class Carried(Mapping[str, np.ndarray]):
    """What was carried after an epoch; an array is made when it is asked for."""

    def __init__(self, slots: Slots, memory: np.ndarray, number: int):
        self._slots, self._memory, self._number = slots, memory, number
        self._made: dict[str, np.ndarray] = {}

    def __getitem__(self, name: str) -> np.ndarray:
        found = self._made.get(name)
        if found is None:
            found = self._made[name] = self._slots.value(self._memory, self._number, name)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._slots)

    def __len__(self) -> int:
        return len(self._slots)

    def __reduce__(self) -> tuple:
        return dict, (dict(self),)


class CarriedOfEpochs(Sequence[Mapping[str, np.ndarray]]):
    """What was carried after each of some epochs: in slots, and after the last one perhaps still in the arena."""

    def __init__(self, slots: Slots, memory: np.ndarray, kept: int, last: Mapping[str, np.ndarray] | None):
        self._make, self._kept = partial(Carried, slots, memory), kept
        self._found: dict[int, Mapping[str, np.ndarray]] = {} if last is None else {kept: last}
        self._count = kept + len(self._found)

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, number: Any) -> Any:
        number = range(self._count)[number]
        if number not in self._found:
            self._found[number] = self._make(number)
        return self._found[number]


class Told:
    """What many epochs are told, and the memory that it points to."""

    def __init__(self, inner: np.ndarray, steps: int, count: int):
        self.words = np.zeros(WORDS, np.int64)
        self.kept: list[Any] = [inner]
        self.words[EPOCH], self.words[STEPS], self.words[STOP] = inner.ctypes.data, steps, count

    def point(self, word: int, array: np.ndarray) -> np.ndarray:
        """Tell where an array is."""
        self.words[word] = array.ctypes.data
        self.kept.append(array)
        return array

    def order(self, inner: np.ndarray, rows: np.ndarray, seed: np.int64, first: int, shuffle: bool) -> None:
        """Tell of the rows and their orders."""
        rows = self.point(ROWS, np.ascontiguousarray(rows, np.int64))
        order = self.point(ORDER, np.empty(len(rows), np.int64) if shuffle else rows)
        self.point(SORTING, np.empty(scratch_bytes(len(rows)) if shuffle else 0, np.uint8))
        self.words[SEED], self.words[FIRST] = seed, first
        self.words[SHUFFLE], self.words[COUNT] = int(shuffle), len(rows)
        inner[epochs.ORDER], inner[epochs.COUNT] = order.ctypes.data, len(rows)

    def keep(self, slots: Slots, count: int) -> np.ndarray:
        """Tell where to keep what is carried after so many epochs; return that memory."""
        self.point(COPIES, slots.copies)
        self.words[COPY_COUNT] = len(slots.copies)
        self.words[SLOT_SIZE], self.words[SLOT_COUNT] = slots.size, count
        return self.point(SLOTS, np.empty(count * slots.size, np.uint8))

    def judge(
        self, judging: Judging, arena: Arena, assembled: Assembled, names: Sequence[str], count: int
    ) -> np.ndarray:
        """Tell by what to judge, and return the memory for what the judge says after so many epochs."""
        program = judging.program
        assert isinstance(program, judge.NativeJudge)
        program.put(arena, judging.settings)
        self.words[JUDGE] = program.address
        self.words[JUDGE_ARENA], self.words[JUDGE_SCRATCH] = arena.address, arena.scratch
        self.point(JUDGE_TOLD, judging.examples.told.copy())
        copies = self.point(JUDGE_COPIES, shared_inputs(names, assembled, program.compiled.assembled))
        self.words[JUDGE_COPY_COUNT] = len(copies)
        sums = self.point(SUMS, np.zeros((count, len(program.graph.outputs))))
        self.words[SUMS_SIZE] = sums.strides[0]
        self.kept.append(arena)
        return sums


def shared_inputs(names: Sequence[str], source: Assembled, target: Assembled) -> np.ndarray:
    """Return the copies that bring some inputs of one program to another; a type has one layout only."""
    shared = [name for name in names if name in target.graph.inputs]
    found = [(source.graph.inputs[name], target.graph.inputs[name]) for name in shared]
    for given, wanted in found:
        if given.type != wanted.type:
            got, expected = str(given.type), str(wanted.type)
            raise GraphError("the judge takes something else", where=given.path, got=got, expected=expected)
    copies = [(source.plan.offsets[a], target.plan.offsets[b], target.plan.layouts[b].size) for a, b in found]
    return np.array(copies, np.int64).reshape(-1, 3)
