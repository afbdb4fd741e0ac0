"""The peak of the processor: how many fused multiply-adds it does where nothing else holds it up."""

from __future__ import annotations

import ctypes
import functools
import threading
import time
from collections.abc import Callable

from pellucid.executors.native.emit import Module, V, vector
from pellucid.executors.native.engine import Code, new_module
from pellucid.executors.native.target import Target, host

ROUND_SECONDS = 0.002
"""How long one call runs: long beside its start, short beside what an operating system gives to others in between."""

TOGETHER = 5
"""So many times as long where threads run at the same time, since they do not start at once."""

UNROLLED = 4


def fma_peak(seconds: float = 0.2, threads: int = 1, element: str = "float") -> float:
    """Measure the peak of the processor in fused multiply-adds.

    A loop multiplies and adds in registers alone, as many independent chains of them as there are registers for. Many
    short rounds are run and the fastest counts, so that other programs disturb the result little.

    Parameters
    ----------
    seconds : float
        How long to measure, about.
    threads : int
        How many threads run the loop at the same time. The operating system places them.
    element : {"float", "double"}

    Returns
    -------
    float
        GFLOP/s of all threads together; a fused multiply-add is two operations.

    Examples
    --------
    >>> fma_peak(0.01) > 0.1
    True
    """
    run, operations = _compiled(element)
    count, long = 1000, ROUND_SECONDS * (1 if threads == 1 else TOGETHER)
    while (taken := _together(run, count, 1)) < long:
        count = int(count * min(100.0, max(2.0, 1.2 * long / max(taken, 1e-9))))
    best, end = 0.0, time.perf_counter() + seconds
    while best == 0.0 or time.perf_counter() < end:
        best = max(best, threads * count * operations / _together(run, count, threads))
    return best / 1e9


def _together(run: Callable[[int, int], None], count: int, threads: int) -> float:
    """Return the seconds from the first thread's start to the last one's end."""
    barrier = threading.Barrier(threads)
    spans: list[tuple[float, float]] = []

    def work() -> None:
        sums = (ctypes.c_char * 64)()
        barrier.wait()
        began = time.perf_counter()
        run(count, ctypes.addressof(sums))
        spans.append((began, time.perf_counter()))

    others = [threading.Thread(target=work) for _ in range(threads - 1)]
    for thread in others:
        thread.start()
    work()
    for thread in others:
        thread.join()
    return max(end for _, end in spans) - min(began for began, _ in spans)


@functools.cache
def _compiled(element: str) -> tuple[Callable[[int, int], None], int]:
    """Return the loop and how many operations one of its rounds does."""
    target = host()
    module = new_module("pellucid_peak", target)
    chains = target.registers - 4
    _emit_loop(module, target, element, chains)
    run = Code(module, target).function("pellucid_peak", ctypes.c_int64, ctypes.c_void_p)
    return run, 2 * UNROLLED * chains * target.lanes(element)


def _emit_loop(module: Module, target: Target, element: str, chains: int) -> None:
    """Write the loop. Factor and summand come from memory: LLVM would compute with constants beforehand."""
    fn = module.function("pellucid_peak", [("i64", "rounds"), ("ptr", "sums")])
    rounds, sums = fn.args
    lanes = target.lanes(element)
    type = vector(element, lanes)
    zero = fn.splat(fn.load(element, sums), lanes)
    factor, summand = zero + 0.5, zero + 0.25
    with fn.loop(0, rounds, carried=[zero + float(chain) for chain in range(chains)]) as loop:
        values: list[V] = loop.values
        for _ in range(UNROLLED):
            values = [fn.fma(value, factor, summand) for value in values]
        loop.next(*values)
    total = fn.const(0.0, type)
    for value in loop.values:
        total = total + value
    fn.store(total, sums)
    fn.ret()
