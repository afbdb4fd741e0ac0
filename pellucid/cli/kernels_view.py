"""What ``pellucid show --kernels`` prints."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text

from pellucid.executors.native.facts import HEAD, ProgramFacts
from pellucid.workflow.reports.layout import printable, view_facts

LEFT = ("kind", "shape", "tiles")
"""The columns that begin at the left."""


def view_kernels(found: ProgramFacts) -> RenderableType:
    """Lay out what a graph becomes for the native executor."""
    nodes = Grid.grid(padding=(0, 2, 0, 0))
    nodes.add_column(justify="right", style="bold")
    nodes.add_column(overflow="fold")
    for kernel in found:
        nodes.add_row(str(kernel.number), Text(printable(kernel.tell_nodes())))
    parts: list[RenderableType] = [view_facts([(name, printable(told)) for name, told in found.summary()])]
    parts += ["", Text("Kernels", style="bold"), _Kernels(found)]
    return Group(*parts, "", Text("Nodes that each kernel computes", style="bold"), Padding(nodes, (0, 0, 0, 2)))


class _Kernels:
    """A table of kernels; in a terminal that is too narrow for it, some lines for each of them."""

    def __init__(self, found: ProgramFacts):
        self.rows = [kernel.cells() for kernel in found]

    def __rich_console__(self, console: Any, options: Any) -> Iterable[RenderableType]:
        widths = [max(map(len, column)) for column in zip(HEAD, *self.rows, strict=True)]
        wide = sum(widths) + 2 * len(widths) <= options.max_width
        yield Padding(self._beside() if wide else self._below(), (0, 0, 0, 2))

    def _beside(self) -> Grid:
        grid = Grid(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
        for name in HEAD:
            grid.add_column(name, justify="left" if name in LEFT else "right", no_wrap=True)
        for row in self.rows:
            grid.add_row(*map(Text, row))
        return grid

    def _below(self) -> Grid:
        grid = Grid.grid()
        grid.add_column(overflow="fold")
        for number, kind, *rest in self.rows:
            grid.add_row(Text(f"{number} {kind}", style="bold"))
            told = ", ".join(f"{name} {cell}" for name, cell in zip(HEAD[2:], rest, strict=True) if cell)
            grid.add_row(Padding(Text(told), (0, 0, 0, 2)))
        return grid
