"""The code of a program to be read: LLVM IR with the paths of nodes as comments.

Kernels with the same code share one function, so that paths can not stand in it. They are put in here: before each
function what its kernels compute, and at each store what is stored.
"""

from __future__ import annotations

import re

from pellucid.executors.native.assemble import Assembled, Call
from pellucid.executors.native.emit import comment
from pellucid.graph.graph import Node

_BEGIN = re.compile(r"define .*?@(\w+)\(")
_STORE = re.compile(r"  ; stored in b(\d+)$")


def list_code(assembled: Assembled) -> str:
    """Return the IR of a program, with what its kernels compute, read and write.

    Parsing it gives the same program. What LLVM is given differs in one thing: functions that programs have in common
    are modules of their own, and may read their numbers from tables (see :mod:`pellucid.executors.native.pieces`).
    Text that comes from a graph stands in comments alone, with all characters but a harmless few taken out.
    """
    calls: dict[str, list[Call]] = {}
    for call in assembled.calls:
        calls.setdefault(call.function, []).append(call)
    lines: list[str] = []
    here: list[Call] = []
    for line in assembled.module.text().splitlines():
        if begin := _BEGIN.match(line):
            here = calls.get(begin[1], [])
            lines += ["", *(told for call in here for told in _describe(assembled, call))]
        elif store := _STORE.match(line):
            stored = [_written_to(assembled, call, int(store[1])) for call in here]
            line = "  " + comment("stored: " + ", ".join(dict.fromkeys(node.path for node in stored)))
        lines.append(line)
    return "\n".join(lines) + "\n"


def _describe(assembled: Assembled, call: Call) -> list[str]:
    kernel = call.kernel
    title = kernel.anchor or next(iter(kernel.roots))
    lines = [comment(f"kernel {kernel.number}, {kernel.kind}: {title.path}")]
    for number, node in enumerate(call.buffers):
        written = _written_to(assembled, call, number)
        told = [] if node in kernel.roots else [f"reads {node.path}"]
        told += [f"writes {written.path}"] if written in kernel.roots else []
        lines.append(comment(f"  b{number}, {node.type}, {' and '.join(told)}"))
    return lines


def _written_to(assembled: Assembled, call: Call, number: int) -> Node:
    """Return the node that a kernel writes to a buffer, which may take the place of one that it reads there."""
    node, offsets = call.buffers[number], assembled.plan.offsets
    return next((root for root in call.kernel.roots if offsets[root] == offsets[node]), node)
