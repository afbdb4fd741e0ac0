"""What a graph becomes: its kernels with their shapes, tiles, bytes, operations and times, memory, and code."""

from __future__ import annotations

import ctypes
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pellucid.errors import GraphError, UsageError, nearest
from pellucid.executors.epochs import StepGraph
from pellucid.executors.inputs import as_typed_array, row_inputs, rows_at_once
from pellucid.executors.native.assemble import ROWS, Arena, Assembled, Call, assemble
from pellucid.executors.native.bound import NativeRows
from pellucid.executors.native.contraction import count_panels, tiles
from pellucid.executors.native.epochs import write_epoch
from pellucid.executors.native.facts import KernelFacts, MemoryFacts, ProcessorFacts, ProgramFacts
from pellucid.executors.native.kernels import kernel_product
from pellucid.executors.native.kernels_of_products import sizes_of
from pellucid.executors.native.listing import list_code
from pellucid.executors.native.operands import product_form
from pellucid.executors.native.operations import count_operations
from pellucid.executors.native.peak import fma_peak
from pellucid.executors.native.program import NativeProgram
from pellucid.executors.native.schedule import Kernel, is_buffer, is_known, supported
from pellucid.executors.native.sharing import is_shared
from pellucid.executors.native.timing import time_kernels, write_repeats
from pellucid.graph.graph import Graph, Node
from pellucid.graph.resize import resize
from pellucid.graph.types import Axis, Type

_AXIS = "batch"
_ELEMENTS = {"float32": "float", "float64": "double"}
_SHOWN_BY_STRIDES = ("broadcast", "reshape", "transpose", "slice", "stop_gradient")
"""Views that are no code of their own."""


def explain_kernels(
    graph: Any,
    inputs: Mapping[str, Any] | None = None,
    *,
    rows: int | None = None,
    measured: bool = True,
) -> ProgramFacts:
    """Tell what machine code the native executor makes of a graph.

    The graph is cut into kernels, and each kernel is run by itself, over and over, to see how long it takes and which
    part of the processor's peak that is. It takes about 0.05 seconds a kernel.

    Parameters
    ----------
    graph : Graph, StepGraph, or a program of the native executor
        A graph with an axis ``batch`` that all outputs have first is told of as it is for predicting any number of
        rows, any other as it is. A StepGraph is told of as it is for training.
    inputs : mapping of ndarray or number, optional
        What to run it on; inputs that are not given are drawn: normal numbers, 0 for integers, 0.5 for single numbers.
        Speed depends on them where something is left out that a zero makes superfluous, such as dropout.
    rows : int, optional
        How many rows to compute at once, where the number is open; by default as many as predictions take at once.
    measured : bool
        Whether kernels are run. Otherwise times and shares of the peak are None.

    Returns
    -------
    ProgramFacts
        A sequence of kernels, with what is to be said of the whole program. Printing it prints a table.

    Raises
    ------
    UsageError
        Where it is no graph, or one that is interpreted because the code generator does not know an operation.
    GraphError
        Where an input does not fit the graph.

    Examples
    --------
    >>> import pellucid as pl
    >>> network = pl.Network([pl.Dense(64, "relu"), pl.Dense(3)], inputs=20)
    >>> found = pl.explain_kernels(network.graph(), measured=False)
    >>> for kernel in found:
    ...     print(kernel.number, kernel.kind, kernel.tell_nodes())
    0 product dense_1/contraction, dense_1/pre_activation; writes dense_1/relu
    1 product dense_2/contraction; writes output
    """
    subject = _read(graph)
    chunk = rows_at_once(subject.graph) if subject.open else None
    if rows is not None and (chunk is None or isinstance(rows, bool) or not 1 <= rows <= chunk):
        expected = f"1 to {chunk}" if chunk else "nothing: the size of this graph is fixed"
        raise UsageError("so many rows are not computed at once", where="rows", got=repr(rows), expected=expected)
    rows = chunk if rows is None else rows
    times = [time.perf_counter()]
    assembled = subject.assemble(chunk)
    times.append(time.perf_counter())
    assembled.compile().close()
    times.append(time.perf_counter())
    teller = _Teller.of(assembled, rows)
    kernels = [teller.tell(call) for call in assembled.calls]
    target, peaks = assembled.target, dict[str, float]()
    if measured:
        before = _peaks(kernels)
        seconds = _measure(subject.assemble(chunk), inputs or {}, rows)
        peaks = {name: max(before[name], after) for name, after in _peaks(kernels).items()}
        kernels = [_timed(kernel, seconds[kernel.number], peaks.get(kernel.dtype)) for kernel in kernels]
    return ProgramFacts(
        kernels=tuple(kernels),
        rows=rows,
        batch=subject.step.batch if subject.step is not None else None,
        memory=_memory(assembled),
        processor=ProcessorFacts(target.cpu, target.triple, target.bytes, target.registers, peaks),
        writing_seconds=times[1] - times[0],
        compile_seconds=times[2] - times[1],
        code=list_code(assembled),
    )


# -- what is to be told of


@dataclass(frozen=True)
class _Subject:
    """A graph and how it is run: over any number of rows (`open`), as a training step, or as it is."""

    graph: Graph
    open: bool = False
    step: StepGraph | None = None

    def assemble(self, chunk: int | None) -> Assembled:
        if self.step is not None:
            assembled = assemble(self.graph, carried={name: name for name in self.step.carried}, flush=True)
            write_epoch(assembled, self.step)
            return assembled
        return assemble(resize(self.graph, **{_AXIS: chunk}), axis=_AXIS) if chunk else assemble(self.graph)


def _read(given: Any) -> _Subject:
    """Return what is to be told of, if machine code is made of it."""
    if isinstance(given, NativeRows):
        subject = _Subject(given.graph, open=given.axis == _AXIS)
    elif isinstance(given, NativeProgram):
        subject = _Subject(given.graph)
    elif isinstance(step := getattr(given, "step", given), StepGraph):
        subject = _Subject(step.graph, step=step)
    elif isinstance(given, Graph):
        subject = _Subject(given, open=_is_open(given))
    else:
        expected = "a graph, or a program of the native executor"
        raise UsageError("no kernels are made of this", got=type(given).__name__, expected=expected)
    if not supported(subject.graph):
        what = "the code generator does not know an operation, so that this graph is interpreted"
        unknown = next(node for node in subject.graph.nodes if not is_known(node.op))
        raise UsageError(what, where=f"node {unknown.path!r}", got=unknown.op.name)
    return subject


def _is_open(graph: Graph) -> bool:
    """Say whether a graph is for any number of rows."""
    try:
        row_inputs(graph, _AXIS)
    except GraphError:
        return False
    return _AXIS in graph.axes


# -- kernels


@dataclass(frozen=True)
class _Teller:
    """Tells of the kernels of one program."""

    assembled: Assembled
    rows: int | None
    written: dict[Node, int]
    """By which kernel a node is written to memory."""
    places: dict[Node, int]

    @classmethod
    def of(cls, assembled: Assembled, rows: int | None) -> _Teller:
        written = {root: call.kernel.number for call in assembled.calls for root in call.kernel.roots}
        return cls(assembled, rows, written, {node: place for place, node in enumerate(assembled.graph.nodes)})

    def extent(self, size: int) -> int:
        """Return a size in this run."""
        open_ = self.rows is not None and isinstance(size, Axis) and size.name == _AXIS
        return int(self.rows) if open_ else int(size)  # type: ignore[arg-type]

    def tell(self, call: Call) -> KernelFacts:
        kernel = call.kernel
        nodes = self._computed(kernel)
        title = kernel.anchor or list(kernel.roots)[-1]
        reads = [node for node in call.buffers if node not in kernel.roots]
        shape, products, cut, panels = self._sizes(kernel, [*kernel.roots, *reads])
        return KernelFacts(
            number=kernel.number,
            kind=kernel.kind,
            function=call.function,
            computes=title.path,
            fused=tuple(node.path for node in nodes if node is not title and node.op.name not in _SHOWN_BY_STRIDES),
            reads=tuple(node.path for node in reads),
            writes=tuple(node.path for node in kernel.roots),
            dtype=title.type.dtype.name,
            shape=shape,
            products=products,
            tiles=cut,
            panels=panels,
            tasks=call.tasks,
            shared=self.assembled.shared and is_shared(call),
            bytes_read=sum(map(self._bytes, reads)),
            bytes_written=sum(map(self._bytes, kernel.roots)),
            operations=sum(count_operations(node, self.extent) for node in nodes),
        )

    def _computed(self, kernel: Kernel) -> list[Node]:
        """Return what a kernel computes: its members, and what they need that no kernel before has written."""
        found: set[Node] = set()
        stack = list(kernel.members)
        if kernel.kind == "check" and kernel.anchor is not None:
            stack = [kernel.anchor.inputs[1]]
        while stack:
            node = stack.pop()
            there = (
                is_buffer(node) or node.op.name == "constant" or self.written.get(node, kernel.number) < kernel.number
            )
            if node not in found and not there:
                found.add(node)
                stack += node.inputs
        return sorted(found, key=self.places.__getitem__)

    def _sizes(
        self, kernel: Kernel, touched: Sequence[Node]
    ) -> tuple[tuple[int, ...], int, tuple[tuple[int, int], ...], int]:
        """Return the shape of what a kernel computes, how many products it is, their tiles, and their panels."""
        product = kernel_product(kernel)
        if product is None or kernel.anchor is None:
            shapes = [tuple(map(self.extent, node.type.shape)) for node in touched]
            return max(shapes, key=math.prod, default=()), 1, (), 0
        spec, products = product
        form = product_form(kernel.anchor)
        assert form is not None
        sizes = sizes_of(kernel.anchor, form)
        shape = tuple(self.extent(sizes[label]) if label else 1 for label in (form.row, form.depth, form.column))
        cut = tuple(dict.fromkeys((tile.rows, tile.lines) for tile in tiles(spec, self.assembled.target)))
        return shape, products, cut, count_panels(spec, self.assembled.target)

    def _bytes(self, node: Node) -> int:
        return math.prod(map(self.extent, node.type.shape)) * node.type.dtype.numpy.itemsize


# -- measuring


def _measure(assembled: Assembled, inputs: Mapping[str, Any], rows: int | None) -> dict[int, float]:
    """Return the seconds that each kernel takes by its number, on values as they are after one run."""
    write_repeats(assembled)
    arena = Arena(assembled)
    _fill(arena, assembled.graph, inputs, rows)
    code = assembled.compile()
    code.function("run", ctypes.c_void_p, ctypes.c_void_p)(arena.address, arena.scratch)
    try:
        return time_kernels(assembled, code, arena)
    finally:
        code.close()


def _fill(arena: Arena, graph: Graph, inputs: Mapping[str, Any], rows: int | None) -> None:
    """Put the inputs in their places; what is not given is drawn."""
    for name in inputs:
        if name not in graph.inputs:
            raise UsageError(f"the graph has no input {name!r}", fix=nearest(name, graph.inputs))
    numbers = np.random.default_rng(0)
    if rows is not None:
        arena.words[ROWS // 8] = rows
    for name, node in graph.inputs.items():
        place = arena.view(node)
        if rows is not None and node.type.shape and isinstance(node.type.shape[0], Axis):
            place = place[:rows]
        if name in inputs:
            place[...] = as_typed_array(inputs[name], Type(node.type.dtype, place.shape), f"input {name!r}")
        elif node.type.dtype.is_float:
            place[...] = numbers.standard_normal(place.shape) if place.ndim else 0.5


def _peaks(kernels: Sequence[KernelFacts]) -> dict[str, float]:
    """Return the peak of a core in each dtype of floats that is computed in, in operations a second."""
    names = {kernel.dtype: None for kernel in kernels if kernel.operations and kernel.dtype in _ELEMENTS}
    return {name: 1e9 * fma_peak(0.1, element=_ELEMENTS[name]) for name in names}


def _timed(kernel: KernelFacts, seconds: float, peak: float | None) -> KernelFacts:
    share = kernel.operations / seconds / peak if peak and kernel.operations else None
    return replace(kernel, seconds=seconds, share_of_peak=share)


def _memory(assembled: Assembled) -> MemoryFacts:
    plan = assembled.plan
    return MemoryFacts(
        arena=plan.size,
        lasting=plan.lasting,
        temporary=plan.size - plan.lasting - plan.slack,
        slack=plan.slack,
        scratch=assembled.scratch,
        copied=sum(plan.layouts[target].size for _, target in plan.copies),
    )
