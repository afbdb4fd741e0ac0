"""Several threads on one network: the kernels with much to do are cut into tasks that threads claim one by one.

The *leader* runs the step. For a kernel that is shared it posts a ticket: one word with the number of the job, how many
tasks it has, and which is next. Whoever adds 1 to it owns the task that it was at, and learns in the same moment
whether that is one: so a helper that comes late does no harm, and the leader can finish alone. It goes on when all
tasks are done. Threads wait by looking at the ticket for a while, and then give their time slice away between looks.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pellucid.executors.native.emit import Fn, Module, V
from pellucid.executors.native.target import Target, relax, restore_subnormals, without_subnormals

if TYPE_CHECKING:
    from pellucid.executors.native.assemble import Call

TICKET, DONE, JOB, OVER = 128, 192, 256, 320
"""Where in an arena's header the words are, each in a cache line of its own."""

ENOUGH = 4_000_000
"""Floating-point operations from which on a kernel is shared: about 15 microseconds of work."""

_TASK_BITS = 20  # of the ticket's 64 bits: the next task, then how many there are, then the job's number
_LOOKS = 2000  # how often to look before giving the time slice away


def is_shared(call: Call) -> bool:
    """Say whether a kernel has so much to do that several threads are faster: a matter of its sizes alone."""
    return call.tasks > 1 and call.work >= ENOUGH and call.tasks < 1 << _TASK_BITS


def write_sharing(module: Module, calls: Sequence[Call], pointers: Mapping[str, Sequence[int]], target: Target) -> None:
    """Write ``share(arena, scratch, job, tasks)``, which a leader calls, and ``help(arena, scratch)``, for helpers."""
    _write_task(module, calls, pointers)
    _write_share(module, target)
    _write_help(module, target)


def _write_task(module: Module, calls: Sequence[Call], offsets: Mapping[str, Sequence[int]]) -> None:
    """Write the function that does one task of any shared kernel."""
    parameters = [("ptr", "arena"), ("ptr", "scratch"), ("i64", "job"), ("i64", "first")]
    fn = module.function("task", parameters, internal=True)
    arena, scratch, job, first = fn.args
    for call in calls:
        with fn.when(fn.compare("eq", job, call.kernel.number)):
            places = [fn.at(arena, offset) for offset in offsets[str(call.kernel.number)]]
            fn.call(call.function, "void", arena, first, first + 1, scratch, *places)
            fn.leave()
    fn.ret()


def _claim(fn: Fn, arena: V) -> tuple[V, V]:
    """Write the claim of a task; return which it is, and whether there is one."""
    ticket = fn.emit("i64", f"atomicrmw add ptr {fn.at(arena, TICKET).name}, i64 1 acq_rel")
    mask = (1 << _TASK_BITS) - 1
    number = ticket & mask
    count = fn.op("lshr", ticket, fn.i64(_TASK_BITS)) & mask
    return number, fn.compare("ult", number, count)


def _finish_one(fn: Fn, arena: V) -> None:
    fn.emit("i64", f"atomicrmw add ptr {fn.at(arena, DONE).name}, i64 1 acq_rel")


def _read(fn: Fn, pointer: V) -> V:
    return fn.emit("i64", f"load atomic i64, ptr {pointer.name} acquire, align 8")


def _write_share(module: Module, target: Target) -> None:
    parameters = [("ptr", "arena"), ("ptr", "scratch"), ("i64", "job"), ("i64", "tasks")]
    fn = module.function("share", parameters, internal=True)
    arena, scratch, job, tasks = fn.args
    ticket = fn.at(arena, TICKET)
    fn.store(job, fn.at(arena, JOB))
    fn.line(f"store atomic i64 0, ptr {fn.at(arena, DONE).name} release, align 8")
    number = fn.op("lshr", _read(fn, ticket), fn.i64(2 * _TASK_BITS)) + 1
    posted = (number << (2 * _TASK_BITS)) | (tasks << _TASK_BITS)
    fn.line(f"store atomic i64 {posted.name}, ptr {ticket.name} release, align 8")
    with fn.forever() as leave:
        mine, there = _claim(fn, arena)
        leave(~there)
        fn.call("task", "void", arena, scratch, job, mine)
        _finish_one(fn, arena)
    with fn.forever() as leave:
        leave(fn.compare("eq", _read(fn, fn.at(arena, DONE)), tasks))
        _wait(fn, leave.round, target)
    fn.ret()


def _write_help(module: Module, target: Target) -> None:
    fn = module.function("help", [("ptr", "arena"), ("ptr", "scratch")])
    arena, scratch = fn.args
    before = without_subnormals(fn, target)
    over, ticket = fn.at(arena, OVER), fn.at(arena, TICKET)
    mask = (1 << _TASK_BITS) - 1
    with fn.forever() as leave:
        leave(fn.compare("ne", _read(fn, over), 0))
        now = _read(fn, ticket)
        open_ = fn.compare("ult", now & mask, fn.op("lshr", now, fn.i64(_TASK_BITS)) & mask)
        with fn.when(open_):
            mine, there = _claim(fn, arena)
            with fn.when(there):
                fn.call("task", "void", arena, scratch, _read(fn, fn.at(arena, JOB)), mine)
                _finish_one(fn, arena)
            leave.again()
        _wait(fn, leave.round, target)
    restore_subnormals(fn, target, before)
    fn.ret()


def _wait(fn: Fn, looks: V, target: Target) -> None:
    """Write one wait: a short one, or after many looks one that lets other threads run."""
    relax(fn, target)
    if os.name == "posix":
        with fn.when(looks > _LOOKS):
            fn.call(fn.module.declare("sched_yield", "i32"), "i32")
