"""Where every value lies: one arena for a network, in which buffers share memory when they are not needed at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pellucid.executors.native.layout import LINE, Layout, layout_of
from pellucid.executors.native.operands import strided
from pellucid.executors.native.schedule import RANDOM, REDUCTIONS, Kernel, alignments, is_buffer
from pellucid.graph.graph import Graph, Node

HEADER = 4096
"""Bytes at the beginning of an arena for what is no value: see :mod:`pellucid.executors.native.assemble`."""


@dataclass(frozen=True)
class Plan:
    """The memory of a program.

    Attributes
    ----------
    layouts : mapping of Node to Layout
    offsets : mapping of Node to int
        Where in the arena a node's buffer begins.
    copies : tuple of (Node, Node)
        What has to be copied when all kernels are done: from, to.
    spare : mapping of Node to int
        Inputs that other inputs are in the next run, and where they are kept from the beginning on.
    lasting : int
        The bytes of the arena up to which everything has to be kept from run to run: inputs and constants.
    size : int
        The bytes of the arena without scratch memory.
    slack : int
        Bytes behind a buffer, and behind the arena, that may be read though they belong to nothing.
    """

    layouts: Mapping[Node, Layout]
    offsets: Mapping[Node, int]
    copies: tuple[tuple[Node, Node], ...]
    spare: Mapping[Node, int]
    lasting: int
    size: int
    slack: int


def plan_memory(
    graph: Graph, kernels: Sequence[Kernel], carried: Mapping[str, str] | None = None, reuse: bool = True
) -> Plan:
    """Give every value that is written to memory its place.

    Parameters
    ----------
    carried : mapping of str to str, optional
        Outputs that become inputs of the next run, by name. Such a value is written over the old one where every reader
        of the old one is done by then, and copied there at the end where not.
    reuse : bool
        Whether values may share memory.
    """
    written = {root: kernel for kernel in kernels for root in kernel.roots}
    reads = [_reads(kernel, written) for kernel in kernels]
    layouts = {node: layout_of(node.type) for node in graph.nodes if is_buffer(node)}
    layouts |= {root: layout_of(root.type, dense=root.op.name in RANDOM) for root in written}
    last = _last_reads(kernels, reads)
    homes: dict[Node, Node] = {}
    copies: list[tuple[Node, Node]] = []
    for output, name in (carried or {}).items():
        new, old = graph.outputs[output], graph.inputs[name]
        if new is old:
            continue
        if new in written and new not in homes and _in_place(new, old, written[new], last, reads):
            homes[new] = old
        else:
            copies.append((new, old))
    slack = 16 * max((stride for layout in layouts.values() for stride in layout.strides), default=0) + 1024
    offsets: dict[Node, int] = {}
    end = HEADER
    for node in layouts:
        if is_buffer(node):
            offsets[node] = end
            end += layouts[node].size + LINE
    lasting = end
    spare = {}
    for source, _ in copies:
        if is_buffer(source):
            spare[source] = end
            end += layouts[source].size + LINE
    kept = {node for node in graph.outputs.values()} | {source for source, _ in copies}
    spans = []
    for root, kernel in written.items():
        if root in homes:
            offsets[root] = offsets[homes[root]]
        else:
            until = len(kernels) if root in kept or not reuse else max(last.get(root, 0), kernel.number)
            spans.append((kernel.number, until, root))
    placed, end = _share(spans, layouts, end)
    return Plan(layouts, offsets | placed, tuple(copies), spare, lasting, end + slack, slack)


def _share(
    spans: Iterable[tuple[int, int, Node]], layouts: Mapping[Node, Layout], start: int
) -> tuple[dict[Node, int], int]:
    """Place buffers, each needed from one kernel to another, into the lowest gap that is free all the while."""
    offsets: dict[Node, int] = {}
    end = start
    active: list[tuple[int, int, int]] = []  # offset, end, last kernel
    for first, until, node in sorted(spans, key=lambda span: span[0]):
        active = [item for item in active if item[2] >= first]
        size, at = layouts[node].size + LINE, start
        for low, high, _ in sorted(active):
            if low - at >= size:
                break
            at = max(at, high)
        offsets[node] = at
        active.append((at, at + size, until))
        end = max(end, at + size)
    return offsets, end


def _last_reads(kernels: Sequence[Kernel], reads: Sequence[set[tuple[Node, bool]]]) -> dict[Node, int]:
    return {node: kernel.number for kernel, found in zip(kernels, reads, strict=True) for node, _ in found}


def _in_place(
    new: Node, old: Node, kernel: Kernel, last: Mapping[Node, int], reads: Sequence[set[tuple[Node, bool]]]
) -> bool:
    """Say whether a kernel may write a new value over the old one: nobody needs the old one any more."""
    if tuple(map(int, new.type.shape)) != tuple(map(int, old.type.shape)) or new.op.name in RANDOM:
        return False
    if last.get(old, -1) > kernel.number:
        return False
    own = [exact for node, exact in reads[kernel.number] if node is old]
    if not own:
        return True
    if not all(own) or kernel.kind in ("scatter", "random"):
        return False
    if kernel.kind == "rows":
        alike = len({tuple(map(int, root.type.shape)) for root in kernel.roots}) == 1
        return alike and not any(member.op.name in (*REDUCTIONS, "contraction") for member in kernel.members)
    return True


def _reads(kernel: Kernel, written: Mapping[Node, Kernel]) -> set[tuple[Node, bool]]:
    """Return the buffers that a kernel reads, and whether it reads each element only where it writes its own."""
    found: set[tuple[Node, bool]] = set()
    anchor = kernel.anchor
    if kernel.kind in ("product", "random", "scatter", "check") and anchor is not None:
        found |= {(strided(source).root, False) for source in anchor.inputs}
    seen: set[tuple[Node, bool]] = set()
    wide = kernel.kind in ("scatter", "check", "random")
    stack = [
        (source, exact and not wide)
        for node in kernel.members or [node for node in (anchor,) if node is not None]
        for source, _, exact in alignments(node)
    ]
    while stack:
        item = stack.pop()
        if item in seen:
            continue
        seen.add(item)
        node, exact = item
        elsewhere = written.get(node)
        if is_buffer(node) or (elsewhere is not None and elsewhere is not kernel):
            found.add(item)
        else:
            stack += [(source, exact and deeper) for source, _, deeper in alignments(node)]
    return found
