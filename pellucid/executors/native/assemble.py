"""From a graph to machine code: kernels, memory, one function that runs them all.

The header of an arena
----------------------
Its first 64-bit words are: the number of the kernel that found a wrong index or probability, plus 1 (0: none); what it
found; how many rows there are now, where that is known at run time only; whether a value that is watched was not
finite; in debug mode the number of the kernel that left its memory, plus 1.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

import pellucid.executors.native.reductions
import pellucid.executors.native.views  # noqa: F401  # both register how operations are computed
from pellucid.executors.native.buffers import Plan, plan_memory
from pellucid.executors.native.emit import Fn, Module, V
from pellucid.executors.native.engine import Code, new_module
from pellucid.executors.native.guards import guard
from pellucid.executors.native.kernels import kernel_scratch, kernel_tasks, kernel_work, lanes_for, write_kernel
from pellucid.executors.native.layout import LINE, Layout, element
from pellucid.executors.native.pieces import compile_module
from pellucid.executors.native.rewrite import rewrite
from pellucid.executors.native.schedule import Kernel, is_buffer, schedule
from pellucid.executors.native.sharing import is_shared, write_sharing
from pellucid.executors.native.target import Target, host, restore_subnormals, without_subnormals
from pellucid.executors.native.values import NeedsScalars, Values, constant_array
from pellucid.graph.graph import Graph, Node
from pellucid.graph.types import Axis

ERROR, INDEX, ROWS, BAD, OUTSIDE = 0, 8, 16, 24, 32
"""Where in the header the words are."""


@dataclass(frozen=True)
class Call:
    """One kernel as the program calls it.

    Attributes
    ----------
    kernel : Kernel
    function : str
        Several kernels with the same code share a function.
    tasks : int
    buffers : tuple of Node
        Those whose pointers it takes.
    scratch : int
        Bytes of scratch memory that a thread needs.
    lanes : int
    work : int
        Floating-point operations of all tasks, or about as many as what else it does would be worth.
    """

    kernel: Kernel
    function: str
    tasks: int
    buffers: tuple[Node, ...]
    scratch: int
    lanes: int
    work: int


@dataclass(eq=False)
class Assembled:
    """A graph as code that is not compiled yet.

    Attributes
    ----------
    graph : Graph
        As it was rewritten.
    calls : list of Call
    plan : Plan
    module : Module
    scratch : int
        Bytes of scratch memory of each thread.
    reach : int
        Bytes before and behind an arena that may be read.
    shared : bool
        Whether there is a step that several threads can work on, ``step_shared``.
    """

    graph: Graph
    calls: list[Call]
    plan: Plan
    module: Module
    scratch: int
    target: Target
    reach: int
    shared: bool = False
    constants: list[Node] = field(default_factory=list)

    @property
    def size(self) -> int:
        """The bytes of an arena, with the scratch memory of one thread behind it."""
        return self.plan.size + self.scratch + LINE

    def compile(self) -> Code:
        return compile_module(self.module, self.target)


def assemble(
    graph: Graph,
    *,
    carried: Mapping[str, str] | None = None,
    axis: str | None = None,
    keep_all: bool = False,
    flush: bool = False,
    target: Target | None = None,
    checked: bool = False,
) -> Assembled:
    """Write the code of a graph.

    Parameters
    ----------
    carried : mapping, optional
        Outputs that become inputs of the next run, by name; a value of them that is not finite sets a flag.
    axis : str, optional
        A named axis whose size is known at run time only; the graph's is the most that it may be.
    keep_all : bool
        Whether all nodes are written to memory and stay there.
    flush : bool
        Whether subnormal numbers become zero.
    target : Target, optional
        The processor, the host by default.
    checked : bool
        Debug mode: every access to memory is checked, and one that is outside of its buffer noted, not done.
    """
    target = target or host()
    graph = graph if keep_all else rewrite(graph)
    try:
        return _assemble(graph, schedule(graph, keep_all), carried, axis, keep_all, flush, target, checked)
    except NeedsScalars:  # something that products take along can not be computed for a line at once
        kernels = schedule(graph, keep_all, alone=True)
        return _assemble(graph, kernels, carried, axis, keep_all, flush, target, checked)


def _assemble(
    graph: Graph,
    kernels: list[Kernel],
    carried: Mapping[str, str] | None,
    axis: str | None,
    keep_all: bool,
    flush: bool,
    target: Target,
    checked: bool,
) -> Assembled:
    plan = plan_memory(graph, kernels, carried, reuse=not keep_all)
    module = new_module("pellucid", target)
    watched = frozenset(graph.outputs[name] for name in carried or {})
    written = {root: kernel.number for kernel in kernels for root in kernel.roots}
    writer = _Writer(module, plan, written, axis, watched, target, checked)
    calls = [writer.write(kernel) for kernel in kernels]
    scratch = max((call.scratch for call in calls), default=0)
    _write_step(module, calls, plan, "step", ())
    shared = [call for call in calls if is_shared(call)] if flush else []
    if shared:
        offsets = {str(call.kernel.number): [plan.offsets[node] for node in call.buffers] for call in shared}
        write_sharing(module, shared, offsets, target)
        _write_step(module, calls, plan, "step_shared", shared)
    _write_run(module, flush, target)
    constants = [node for node in plan.layouts if node.op.name == "constant"]
    scratch, reach = (-(-size // LINE) * LINE for size in (scratch, writer.reach))
    return Assembled(graph, calls, plan, module, scratch, target, reach, bool(shared), constants)


class _Writer:
    """Writes kernels into a module; those whose code is the same become one function."""

    def __init__(
        self,
        module: Module,
        plan: Plan,
        written: Mapping[Node, int],
        axis: str | None,
        watched: frozenset[Node],
        target: Target,
        checked: bool,
    ):
        self.module, self.plan, self.written, self.checked = module, plan, written, checked
        self.axis, self.watched, self.target = axis, watched, target
        self.functions: dict[str, str] = {}
        self.reach = 0

    def write(self, kernel: Kernel) -> Call:
        try:
            fn, buffers, lanes = self._write(kernel, lanes_for(kernel))
        except NeedsScalars:
            fn, buffers, lanes = self._write(kernel, 1)
        key = fn.text().replace(f"@{fn.name}(", "@(", 1)
        if key in self.functions:
            del self.module.functions[fn.name]
        name = self.functions.setdefault(key, fn.name)
        tasks, scratch = kernel_tasks(kernel, self.target, lanes), kernel_scratch(kernel, self.target)
        return Call(kernel, name, tasks, buffers, scratch, lanes, kernel_work(kernel))

    def _write(self, kernel: Kernel, lanes: int) -> tuple[Fn, tuple[Node, ...], int]:
        name = f"kernel_{kernel.number}_{kernel.kind}"
        parameters = [("ptr", "arena"), ("i64", "first"), ("i64", "last"), ("ptr", "scratch")]
        fn = self.module.function(name, parameters, inline=False)
        arena, first, last, scratch = fn.args
        pointers: dict[int, V] = {}
        buffers: list[Node] = []

        def pointer(node: Node) -> V:
            offset = self.plan.offsets[node]
            if offset not in pointers:
                pointers[offset] = V(fn, "ptr", f"%b{len(buffers)}")
                fn.parameters.append(("ptr noalias", f"b{len(buffers)}"))
                buffers.append(node)
            return pointers[offset]

        running: list[V] = []

        def size(axis: Axis) -> V | None:
            if axis.name != self.axis:
                return None
            if not running:
                with fn.hoisted():
                    running.append(fn.load("i64", fn.at(arena, ROWS)))
            return running[0]

        def readable(node: Node) -> bool:
            return node in self.plan.layouts and (is_buffer(node) or self.written[node] < kernel.number)

        values = Values(fn, lanes, self.plan.layouts, pointer, readable, size)
        values.watched = self.watched
        if self.checked:
            values.guard = guard(values, fn.at(arena, OUTSIDE), kernel.number)
        write_kernel(values, kernel, first, last, scratch, arena, self.target)
        values.report(fn.at(arena, BAD))
        self.reach = max(self.reach, values.reach)
        fn.ret()
        return fn, tuple(buffers), lanes


def _write_step(module: Module, calls: Sequence[Call], plan: Plan, name: str, shared: Sequence[Call]) -> None:
    """Write the function that calls all kernels one after the other, and copies what has to be copied."""
    fn = module.function(name, [("ptr", "arena"), ("ptr", "scratch")], inline=False)
    arena, scratch = fn.args
    for node, offset in plan.spare.items():
        layout = plan.layouts[node]
        _write_copy(fn, fn.at(arena, plan.offsets[node]), layout, fn.at(arena, offset), layout)
    for call in calls:
        if call.tasks:
            fn.comment(f"kernel {call.kernel.number}: {', '.join(node.path for node in call.kernel.roots)}")
            if call in shared:
                fn.call("share", "void", arena, scratch, fn.i64(call.kernel.number), fn.i64(call.tasks))
                continue
            pointers = [fn.at(arena, plan.offsets[node]) for node in call.buffers]
            fn.call(call.function, "void", arena, fn.i64(0), fn.i64(call.tasks), scratch, *pointers)
    for source, target in plan.copies:
        start = fn.at(arena, plan.spare.get(source, plan.offsets[source]))
        _write_copy(fn, start, plan.layouts[source], fn.at(arena, plan.offsets[target]), plan.layouts[target])
    fn.ret()


def _write_copy(fn: Fn, source: V, given: Layout, target: V, wanted: Layout) -> None:
    """Write a copy of a buffer, element by element where the two are laid out in different ways."""
    if given.strides == wanted.strides:
        name = fn.module.declare("llvm.memcpy.p0.p0.i64", "void", "ptr", "ptr", "i64", "i1")
        fn.call(name, "void", target, source, fn.i64(wanted.size), fn.const(False, "i1"))
        return

    def over(axis: int, source: V, target: V) -> None:
        if axis == len(given.strides):
            fn.store(fn.load(element(given.type.dtype), source), target)
            return
        with fn.loop(0, int(given.type.shape[axis])) as loop:
            steps = loop.index * given.strides[axis], loop.index * wanted.strides[axis]
            over(axis + 1, fn.at(source, steps[0]), fn.at(target, steps[1]))

    over(0, source, target)


def _write_run(module: Module, flush: bool, target: Target) -> None:
    """Write the function that Python calls."""
    fn = module.function("run", [("ptr", "arena"), ("ptr", "scratch")])
    before = without_subnormals(fn, target) if flush else None
    fn.call("step", "void", *fn.args)
    if before is not None:
        restore_subnormals(fn, target, before)
    fn.ret()


class Arena:
    """The memory of one network: a view of each value that lies in it."""

    def __init__(self, assembled: Assembled):
        memory = np.zeros(assembled.size + 2 * assembled.reach + LINE, np.uint8)
        shift = assembled.reach + -memory.ctypes.data % LINE
        self._memory = memory
        self.bytes = memory[shift : shift + assembled.size]
        self.address = memory.ctypes.data + shift
        self.scratch = self.address + assembled.plan.size
        self.words = self.bytes[:64].view(np.int64)
        self.copy: np.ndarray | None = None
        """What was carried before the steps that were run last; see :mod:`pellucid.executors.native.handed`."""
        self.relying: weakref.ref | None = None
        """Who needs that copy."""
        self._plan = assembled.plan
        self._views: dict[Node, np.ndarray] = {}
        for node in assembled.constants:
            self.view(node)[...] = constant_array(node)

    def view(self, node: Node) -> np.ndarray:
        """Return the value of a node as an array in this memory."""
        found = self._views.get(node)
        if found is None:
            layout = self._plan.layouts[node]
            shape = tuple(map(int, node.type.shape))
            found = np.ndarray(shape, node.type.dtype.numpy, self.bytes, self._plan.offsets[node], layout.strides)
            self._views[node] = found
        return found
