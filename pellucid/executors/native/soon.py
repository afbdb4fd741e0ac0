"""Fetching the rows of the next mini-batch while this one is learned from.

A table that is larger than the caches costs a wait for every row. So the product that makes the gradient of the first
layer's weights, which has about as many lines as the mini-batch, asks for one line of the next mini-batch with each:
far enough apart that the processor can follow, and long before they are needed.
"""

from __future__ import annotations

from collections.abc import Callable

from pellucid.executors.native.contraction import Product
from pellucid.executors.native.emit import V
from pellucid.executors.native.layout import LINE, Layout
from pellucid.executors.native.values import Values
from pellucid.graph.graph import Graph, Node

ROWS, TABLE, STRIDE = 64, 72, 80
"""Where in an arena's header the next mini-batch is: its rows' numbers, their table, and the bytes of a row there."""

LARGE_ROW = 512
LARGE_BATCH = 64 * 1024
"""Bytes of a row and of a mini-batch from which on fetching it early pays."""


def streamed_input(graph: Graph, data: tuple[str, ...], layouts: dict[str, Layout]) -> Node | None:
    """Return the input whose rows are worth fetching early: the largest one, where it is large enough."""
    found = [
        layouts[name]
        for name in data
        if layouts[name].type.ndim == 2
        and layouts[name].lane == 1
        and int(layouts[name].type.shape[1]) * layouts[name].item >= LARGE_ROW
        and layouts[name].size >= LARGE_BATCH
    ]
    if not found:
        return None
    best = max(found, key=lambda layout: layout.size)
    return next(graph.inputs[name] for name in data if layouts[name] is best)


def fetch_with(values: Values, spec: Product, streamed: Node, arena: V) -> Callable[[V, V], None]:
    """Return what is written with each line of the gradient ``x^T g``: a request for a line of the next x.

    Line j of row i asks for the line that holds feature i, of the row of the mini-batch that it is the turn of: 16
    features share a line, so that as many rows of the gradient go through the mini-batch.
    """
    fn = values.fn
    item = streamed.type.dtype.numpy.itemsize
    batch, shared = int(streamed.type.shape[0]), LINE // item
    lines = -(-spec.columns * item // LINE)
    with fn.hoisted():
        rows, table = (fn.load("ptr", fn.at(arena, word)) for word in (ROWS, TABLE))
        stride = fn.load("i64", fn.at(arena, STRIDE))
    name = fn.module.declare("llvm.prefetch.p0", "void", "ptr", "i32", "i32", "i32")
    read, near, data = (fn.const(number, "i32") for number in (0, 2, 1))

    def fetch(row: V, column: V) -> None:
        line = fn.op("udiv", column, fn.i64(shared))
        turn = fn.minimum((row & (shared - 1)) * lines + line, fn.i64(batch - 1))
        place = fn.load("i64", fn.at(rows, turn * 8)) * stride + fn.op("udiv", row, fn.i64(shared)) * LINE
        fn.call(name, "void", fn.at(table, place), read, near, data)

    return fetch
