"""Debug mode: accesses to memory that are checked before they are done."""

from __future__ import annotations

from pellucid.errors import PellucidError
from pellucid.executors.native.emit import V
from pellucid.executors.native.values import Guard, Values
from pellucid.graph.graph import Node


def guard(values: Values, word: V, number: int) -> Guard:
    """Return what checks the accesses of a kernel.

    An access has to lie within the buffer, padding included; lanes without an element may read some way beyond it, and
    no result depends on what is there. An offset that is known while code is written is checked then; of others one
    that is outside is noted in memory, and the beginning of the buffer taken in its place.

    Parameters
    ----------
    values : Values
    word : V
        Where to note the number of the kernel plus 1.
    number : int
        Of the kernel.
    """
    fn = values.fn

    def check(node: Node, offset: V | int, first: int, last: int, beyond: int) -> V | int:
        layout = values.layouts[node]
        low, high = -first - beyond, layout.size - last + beyond
        if isinstance(offset, int):
            if not low <= offset <= high:
                raise outside(number, node)
            return offset
        inside = (offset >= low) & (offset <= high)
        with fn.when(~inside):
            fn.store(fn.i64(number + 1), word)
        return fn.select(inside, offset, fn.i64(max(0, -first)))

    return check


def outside(number: int, node: Node | None = None) -> PellucidError:
    """Return the error of code that touches memory that is not its own."""
    told = None if node is None else f"the buffer of {node.path!r}"
    return PellucidError("generated code left its memory", where=f"kernel {number}", got=told)
