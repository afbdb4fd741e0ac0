"""Training steps as native programs, and the networks that they train."""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from pellucid.errors import GraphError
from pellucid.executors.cores import cores_of_thread
from pellucid.executors.epochs import EpochPart, Epochs, Judging, StepGraph
from pellucid.executors.inputs import as_typed_array, row_numbers
from pellucid.executors.native import epochs, many
from pellucid.executors.native.assemble import ERROR, OUTSIDE, Arena, Assembled
from pellucid.executors.native.compiled import Compiled
from pellucid.executors.native.epochs import PLACES, SEED, TABLE_WORDS, TABLES, write_epoch
from pellucid.executors.native.handed import Held, Region
from pellucid.executors.native.judge import NativeJudge
from pellucid.executors.native.many import CarriedOfEpochs, Slots, Told, write_epochs
from pellucid.executors.native.order import permutation
from pellucid.executors.native.sharing import OVER
from pellucid.executors.native.tables import Tables
from pellucid.executors.one_by_one import run_one_by_one

COPYING = 0.02
"""The share of the time that copying what is carried may take."""
STEPS_AT_ONCE = 1 << 24
"""The most steps of one call."""


class NativeEpochs:
    """A training step as machine code that loops over mini-batches by itself."""

    def __init__(self, step: StepGraph):
        self.step = step
        carried = {name: name for name in step.carried}
        self._compiled = Compiled(step.graph, carried=carried, flush=True, extend=lambda a: write_both(a, step))
        pointers = [ctypes.c_void_p] * 3
        self._epoch = self._compiled.code.function("epoch", *pointers, result=ctypes.c_int64)
        self._epochs = self._compiled.code.function("epochs", *pointers)
        nodes = ((name, self._compiled.assembled.graph.inputs[name]) for name in step.carried)
        self._carried = [(name, node, node.type.dtype.numpy, tuple(map(int, node.type.shape))) for name, node in nodes]
        self._slots = Slots(self._compiled.assembled, step.carried)
        self.most_epochs = 1 + self._slots.room
        self._tables = Tables(self._compiled.assembled)
        self._step_seconds = self._copying = 0.0
        self._region = Region(self._compiled.assembled, step.carried)
        self._help = None
        if self._compiled.assembled.shared:
            self._help = self._compiled.code.function("help", ctypes.c_void_p, ctypes.c_void_p)

    def order(self, seed: int, epoch: int, count: int) -> np.ndarray:
        """Return the order of an epoch's rows; see :class:`pellucid.executors.epochs.EpochProgram`."""
        return permutation(seed, "order", epoch, count)

    def run(
        self,
        carried: Mapping[str, np.ndarray],
        arrays: Mapping[str, Any],
        order: np.ndarray,
        settings: Mapping[str, Any],
        *,
        seed: int,
        first_step: int,
        start: int = 0,
        seconds: float = 0.05,
        limit: int | None = None,
    ) -> EpochPart:
        """Run steps until the epoch ends or the time is up; see :class:`pellucid.executors.epochs.EpochProgram`."""
        step = self.step
        total = -(-len(order) // step.batch)
        if not 0 <= start <= total:
            raise GraphError("no such step", where="start", got=str(start), expected=f"0 to {total}")
        count = total - start if limit is None else min(total - start, max(0, limit))
        losses, weights = np.zeros(count), np.zeros(count)
        matrix = self._settings(settings, total)
        told, kept = self._tell(arrays, seed)
        order = row_numbers(order, self._count(arrays), "order")
        arena = self._arena(carried)
        seconds = max(seconds, self._copying / COPYING)
        kept += [order, matrix, losses, weights]
        told[epochs.ORDER], told[epochs.COUNT] = order.ctypes.data, len(order)
        told[epochs.FIRST], told[epochs.SETTINGS] = first_step, matrix.ctypes.data
        told[epochs.LOSSES], told[epochs.WEIGHTS] = losses.ctypes.data - 8 * start, weights.ctypes.data - 8 * start
        told[epochs.NEXT] = start
        interrupted = False
        began = time.perf_counter()
        helpers = self._call_helpers(arena, told)
        try:
            while not told[epochs.FAILED] and (at := int(told[epochs.NEXT])) < start + count:
                spent = time.perf_counter() - began
                if spent >= seconds and at > start:
                    break
                self._go(arena, told, min(start + count, at + self._steps_in(seconds - spent)))
        except KeyboardInterrupt:
            interrupted = True
        finally:
            helpers.dismiss()
        done, failed = int(told[epochs.NEXT]) - start, bool(told[epochs.FAILED])
        self._compiled.raise_errors(arena)
        if failed:  # the step that failed has written over what it started from
            self._fill(arena, carried)
            told[epochs.NEXT], told[epochs.SHARED] = start, 0
            self._go(arena, told, start + done)
        return EpochPart(self._hand_back(arena), done, losses[:done], weights[:done], failed, interrupted)

    def run_epochs(
        self,
        carried: Mapping[str, np.ndarray],
        arrays: Mapping[str, Any],
        rows: np.ndarray,
        settings: Mapping[str, Any],
        *,
        seed: int,
        first_epoch: int,
        epochs: int,
        shuffle: bool,
        judging: Judging | None = None,
    ) -> Epochs:
        """Run whole epochs in one call; see :class:`pellucid.executors.epochs.EpochProgram`."""
        judge = None if judging is None else judging.program
        if judge is not None and not isinstance(judge, NativeJudge):
            given: Any = {"seed": seed, "first_epoch": first_epoch, "epochs": epochs, "shuffle": shuffle}
            return run_one_by_one(self, carried, arrays, rows, settings, judging=judging, **given)
        step, assembled, slots = self.step, self._compiled.assembled, self._slots
        steps, count = -(-len(rows) // step.batch), min(epochs, self.most_epochs)
        inner, kept = self._tell(arrays, seed)
        rows = row_numbers(rows, self._count(arrays), "rows")
        told = Told(inner, steps, count)
        told.kept += kept
        told.order(inner, rows, inner[SEED], first_epoch, shuffle)
        told.point(many.SETTINGS, self._settings_of_epochs(settings, count, steps))
        losses, weights = (told.point(word, np.zeros((count, steps))) for word in (many.LOSSES, many.WEIGHTS))
        memory = told.keep(slots, count - 1)
        arena, other, sums = self._arena(carried), None, None
        if judging is not None and judge is not None:
            other = judge.compiled.take()
            sums = told.judge(judging, other, assembled, step.carried, count)
        helpers, interrupted = self._call_helpers(arena, inner), False
        try:
            self._epochs(arena.address, arena.scratch, told.words.ctypes.data)
        except KeyboardInterrupt:
            interrupted = True
        finally:
            helpers.dismiss()
        done = int(told.words[many.DONE])
        last = self._hand_back(arena) if done == count else None
        if last is None:
            self._compiled.give(cleared(arena))
        found = CarriedOfEpochs(slots, memory, min(done, count - 1), last)
        said: list[dict[str, float]] = []
        if judge is not None and other is not None and sums is not None:
            said = [judge.named(each) for each in sums[:done]]
            judge.compiled.give(cleared(other))
        return Epochs(found, losses[:done], weights[:done], said, bool(told.words[many.FAILED]), interrupted)

    def _tell(self, arrays: Mapping[str, Any], seed: int) -> tuple[np.ndarray, list[Any]]:
        """Return what an epoch is told of the examples, and the memory that it points to."""
        step = self.step
        places = np.empty(step.batch, np.int64)
        told = np.zeros(TABLES + TABLE_WORDS * (len(step.data) + 1), np.int64)
        told[SEED], told[PLACES] = np.uint64(seed % (1 << 64)).astype(np.int64), places.ctypes.data
        kept: list[Any] = [places]
        for number, name in enumerate((*step.data, step.weight)):
            table = self._tables.of(name, arrays[name])
            at = TABLES + TABLE_WORDS * number
            told[at : at + TABLE_WORDS] = table.words
            kept += [table, arrays[name]]
        return told, kept

    def _count(self, arrays: Mapping[str, Any]) -> int:
        """Return how many rows all of the arrays have."""
        return min(int(arrays[name].shape[0]) for name in (*self.step.data, self.step.weight))

    def _call_helpers(self, arena: Arena, told: np.ndarray) -> Helpers:
        """Start the threads that help with a network that is large enough."""
        count = cores_of_thread() - 1 if self._help is not None else 0
        told[epochs.SHARED] = int(count > 0)
        return Helpers(arena, self._help, max(0, count), self._compiled.assembled.scratch)

    def _go(self, arena: Arena, told: np.ndarray, stop: int) -> None:
        """Run from the next step to before `stop`, and learn how long a step takes."""
        first = int(told[epochs.NEXT])
        told[epochs.START], told[epochs.STOP], told[epochs.FAILED] = first, stop, 0
        began = time.perf_counter()
        self._epoch(arena.address, arena.scratch, told.ctypes.data)
        done = int(told[epochs.NEXT]) - first
        if done:
            self._step_seconds = (time.perf_counter() - began) / done

    def _steps_in(self, seconds: float) -> int:
        """Return how many steps to run before the clock is looked at again."""
        if not self._step_seconds:
            return 1
        return int(max(1, min(seconds / self._step_seconds, STEPS_AT_ONCE)))

    # -- what is carried

    def _arena(self, carried: Mapping[str, np.ndarray]) -> Arena:
        """Return an arena that holds what is carried: the one it is in, where nobody has gone on from there."""
        began = time.perf_counter()
        arena = carried.leave(self._region) if isinstance(carried, Held) else None
        if arena is not None:
            self._copying = time.perf_counter() - began
        else:
            arena = self._compiled.take()
            self._fill(arena, carried)
        return arena

    def _fill(self, arena: Arena, carried: Mapping[str, np.ndarray]) -> None:
        for name, node, dtype, shape in self._carried:
            given = carried[name]
            if given.__class__ is not np.ndarray or given.dtype is not dtype or given.shape != shape:
                given = as_typed_array(given, node.type, f"input {name!r}")
            arena.view(node)[...] = given

    def _hand_back(self, arena: Arena) -> Held:
        """Return what is carried, still in its arena."""
        return Held(self._region, arena, self._compiled.give)

    # -- what is given

    def _settings_of_epochs(self, settings: Mapping[str, Any], count: int, steps: int) -> np.ndarray:
        """Return the settings of each step of some epochs, [epochs, steps, settings]."""
        matrix = np.empty((count, steps, len(self.step.settings)))
        for column, name in enumerate(self.step.settings):
            value = settings[name]
            matrix[:, :, column] = value if isinstance(value, float) or not np.ndim(value) else value[:count]
        return matrix

    def _settings(self, settings: Mapping[str, Any], steps: int) -> np.ndarray:
        """Return the settings of each step, [steps, settings]."""
        matrix = np.empty((steps, len(self.step.settings)))
        for column, name in enumerate(self.step.settings):
            matrix[:, column] = settings[name]
        return matrix


def write_both(assembled: Assembled, step: StepGraph) -> None:
    """Write the functions that run the steps of an epoch, and many epochs."""
    write_epoch(assembled, step)
    write_epochs(assembled, step)


def cleared(arena: Arena) -> Arena:
    """Return an arena without the errors that were noted there."""
    arena.words[ERROR // 8] = arena.words[OUTSIDE // 8] = 0
    return arena


class Helpers:
    """Threads that work on the shared kernels of one network until they are dismissed."""

    def __init__(self, arena: Arena, help: Any, count: int, scratch: int):
        self._threads: list[threading.Thread] = []
        self._over = arena.bytes[OVER : OVER + 8].view(np.int64)
        self._over[0] = 0
        for _ in range(count):
            thread = threading.Thread(target=_work, args=(help, arena, np.empty(scratch + 128, np.uint8)), daemon=True)
            self._threads.append(thread)  # before it starts: an interrupt may come in between
            try:
                thread.start()
            except RuntimeError:  # the system has no more threads
                self._threads.pop()
                break

    def dismiss(self) -> None:
        """Let the threads go."""
        self._over[0] = 1
        for thread in self._threads:
            thread.join()
        self._threads.clear()

    def __del__(self) -> None:
        if getattr(self, "_threads", None):  # an interrupt came before anybody could dismiss them
            self._over[0] = 1


def _work(help: Any, arena: Arena, memory: np.ndarray) -> None:
    """Work on shared kernels; the memory that is touched stays for as long as this thread does."""
    help(arena.address, -(-memory.ctypes.data // 64) * 64)
