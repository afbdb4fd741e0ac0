"""How long each kernel takes: run by itself, over and over, on the numbers that are in memory."""

from __future__ import annotations

import ctypes
import time

from pellucid.executors.native.assemble import Arena, Assembled
from pellucid.executors.native.engine import Code
from pellucid.executors.native.target import restore_subnormals, without_subnormals


def write_repeats(assembled: Assembled) -> None:
    """Write a function ``repeat_<number>(arena, scratch, count)`` for each kernel into its module."""
    for call in assembled.calls:
        parameters = [("ptr", "arena"), ("ptr", "scratch"), ("i64", "count")]
        fn = assembled.module.function(f"repeat_{call.kernel.number}", parameters)
        arena, scratch, count = fn.args
        before = without_subnormals(fn, assembled.target)
        pointers = [fn.at(arena, assembled.plan.offsets[node]) for node in call.buffers]
        with fn.loop(0, count):
            fn.call(call.function, "void", arena, fn.i64(0), fn.i64(call.tasks), scratch, *pointers)
        restore_subnormals(fn, assembled.target, before)
        fn.ret()


def time_kernels(assembled: Assembled, code: Code, arena: Arena, seconds: float = 0.01) -> dict[int, float]:
    """Return the seconds that each kernel takes by its number: the least of several tries."""
    found = {}
    for call in assembled.calls:
        repeat = code.function(f"repeat_{call.kernel.number}", ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)
        count, least = 1, float("inf")
        for _ in range(12):
            began = time.perf_counter()
            repeat(arena.address, arena.scratch, count)
            taken = time.perf_counter() - began
            least = min(least, taken / count)
            count = max(1, min(int(seconds / 4 / max(least, 1e-9)), 1 << 20))
        found[call.kernel.number] = least
    return found
