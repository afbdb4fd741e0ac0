"""What is told of a program's kernels, as data that prints readably."""

from __future__ import annotations

import dataclasses
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

HEAD = ("#", "kind", "shape", "tiles", "tasks", "reads", "writes", "flop", "time", "of peak")
WIDTH = 100


@dataclass(frozen=True)
class KernelFacts:
    """One kernel: nodes that are computed in one pass.

    Attributes
    ----------
    number : int
        Its place in the schedule.
    kind : {"rows", "product", "reduction", "scalars", "random", "scatter", "check"}
    function : str
        The function that it calls; kernels with the same code share one.
    computes : str
        The path of the node around which it is made; without one, of the last node that it writes.
    fused : tuple of str
        The other nodes that it computes on the way.
    reads, writes : tuple of str
        Nodes whose values it takes from memory, and puts there.
    dtype : str
        Of what it computes.
    shape : tuple of int
        Rows, depth and columns of a product; otherwise the shape of the largest value that it reads or writes.
    products : int
        How many products of this shape: more than one where a contraction has batch axes.
    tiles : tuple of (int, int)
        Rows, and lines of 64 bytes, of the blocks of a product whose sums stay in registers.
    panels : int
        Into how many stripes of columns a product is cut; 0 without one.
    tasks : int
        Independent parts.
    shared : bool
        Whether several threads share the tasks.
    bytes_read, bytes_written : int
        Each buffer once, without padding; a table of which rows are picked counts whole.
    operations : int
        Floating-point operations as the nodes are defined: two for each term of a product, one for each element of an
        elementwise operation, also where that is a function such as exp or gelu.
    seconds : float or None
        The least time of several on one thread. It is run over and over, so that caches hold what fits into them.
    share_of_peak : float or None
        Operations a second, as a part of what the processor can do at most.
    """

    number: int
    kind: str
    function: str
    computes: str
    fused: tuple[str, ...]
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    dtype: str
    shape: tuple[int, ...]
    products: int
    tiles: tuple[tuple[int, int], ...]
    panels: int
    tasks: int
    shared: bool
    bytes_read: int
    bytes_written: int
    operations: int
    seconds: float | None = None
    share_of_peak: float | None = None

    def cells(self) -> list[str]:
        """Return what a table says of it, a word for each of ``HEAD``."""
        shape = "x".join(map(str, self.shape)) or "scalar"
        return [
            str(self.number),
            self.kind,
            shape if self.products == 1 else f"{self.products} of {shape}",
            ",".join(f"{rows}x{lines}" for rows, lines in self.tiles),
            f"{self.tasks}{'*' if self.shared else ''}",
            show_bytes(self.bytes_read),
            show_bytes(self.bytes_written),
            show_count(self.operations),
            show_seconds(self.seconds) if self.seconds is not None else "",
            f"{self.share_of_peak:.1%}" if self.share_of_peak is not None else "",
        ]

    def tell_nodes(self) -> str:
        """Return which nodes it computes: those that stay in registers, then those that it writes to memory."""
        passing = [path for path in (self.computes, *self.fused) if path not in self.writes]
        parts = [", ".join(passing)] if passing else []
        parts += [f"writes {', '.join(self.writes)}"] if self.writes else []
        return "; ".join(parts)


@dataclass(frozen=True)
class MemoryFacts:
    """The memory of one network, in bytes.

    Attributes
    ----------
    arena : int
        All of it but the scratch memory.
    lasting : int
        What stays from run to run: inputs, such as parameters and state, and constants.
    temporary : int
        What values of one run share; those that are not needed at the same time lie at the same place.
    slack : int
        What belongs to no value, behind them all: vectors may be read beyond the end of a value.
    scratch : int
        What each thread needs besides.
    copied : int
        What is copied at the end of each run, because it could not be written where it belongs.
    """

    arena: int
    lasting: int
    temporary: int
    slack: int
    scratch: int
    copied: int


@dataclass(frozen=True)
class ProcessorFacts:
    """The processor that code was made for.

    Attributes
    ----------
    name, triple : str
        As LLVM calls them.
    register_bytes, registers : int
        The size of a vector register, and how many there are.
    peak : dict of float
        By dtype the most fused multiply-adds that one core does, as measured, in floating-point operations a second.
    """

    name: str
    triple: str
    register_bytes: int
    registers: int
    peak: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, repr=False)
class ProgramFacts(Sequence[KernelFacts]):
    """What a graph becomes for the native executor: a sequence of kernels, in the order in which they run.

    Printing it prints a table.

    Attributes
    ----------
    kernels : tuple of KernelFacts
    rows : int or None
        How many rows are computed at once, where the graph is for any number.
    batch : int or None
        The size of a mini-batch, where the graph is a training step.
    memory : MemoryFacts
    processor : ProcessorFacts
    writing_seconds, compile_seconds : float
        How long it took to write the code, and to make machine code of it.
    code : str
        The code, as LLVM IR with the paths of nodes as comments.
    """

    kernels: tuple[KernelFacts, ...]
    rows: int | None
    batch: int | None
    memory: MemoryFacts
    processor: ProcessorFacts
    writing_seconds: float
    compile_seconds: float
    code: str

    def __len__(self) -> int:
        return len(self.kernels)

    def __getitem__(self, place: Any) -> Any:
        return self.kernels[place]

    def __repr__(self) -> str:
        return f"<{len(self)} kernels for {self.processor.name}>"

    def __str__(self) -> str:
        lines = [f"{name:<11}{told}" for name, told in self.summary()]
        lines += ["", *self.table(), ""]
        for kernel in self:
            start = f"{kernel.number:>{len(str(len(self) - 1))}}  "
            lines += textwrap.wrap(start + kernel.tell_nodes(), WIDTH, subsequent_indent=" " * len(start))
        return "\n".join(lines)

    def table(self) -> list[str]:
        """Return the lines of a table of all kernels."""
        rows = [HEAD, *(kernel.cells() for kernel in self)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        sides = ["<" if name in ("kind", "shape", "tiles") else ">" for name in HEAD]
        return [
            "  ".join(f"{cell:{side}{width}}" for cell, side, width in zip(row, sides, widths, strict=True)).rstrip()
            for row in rows
        ]

    @property
    def seconds(self) -> float | None:
        """The time of all kernels together, on one thread."""
        times = [kernel.seconds for kernel in self if kernel.seconds is not None]
        return sum(times) if times else None

    def summary(self) -> list[tuple[str, str]]:
        """Return what is to be said of all kernels together, each thing with its name."""
        memory, processor = self.memory, self.processor
        peaks = "".join(f", peak {peak / 1e9:.0f} GFLOP/s in {dtype}" for dtype, peak in processor.peak.items())
        width = f"{processor.registers} registers of {processor.register_bytes * 8} bits"
        size = "a graph as it is"
        if self.batch is not None:
            size = f"a training step of {self.batch} rows"
        elif self.rows is not None:
            size = f"any number of rows, {self.rows} at once"
        functions = len({kernel.function for kernel in self})
        total = "" if self.seconds is None else f", {show_seconds(self.seconds)} in all"
        facts = [
            ("Program", size),
            ("Processor", f"{processor.name}, {width}{peaks}"),
            ("Kernels", f"{len(self)}, in {functions} functions{total}"),
            (
                "Memory",
                f"{show_bytes(memory.arena)}: {show_bytes(memory.lasting)} lasting, {show_bytes(memory.temporary)} "
                f"temporary, {show_bytes(memory.slack)} slack; scratch {show_bytes(memory.scratch)} a thread",
            ),
            ("Compiled", f"in {show_seconds(self.compile_seconds)}, written in {show_seconds(self.writing_seconds)}"),
        ]
        if memory.copied:
            facts.insert(4, ("Copied", f"{show_bytes(memory.copied)} at the end of each run"))
        if any(kernel.shared for kernel in self):
            facts.append(("*", "several threads share these tasks"))
        return facts

    def as_dict(self) -> dict[str, Any]:
        """Return everything but the code as plain data."""
        found = {one.name: getattr(self, one.name) for one in dataclasses.fields(self) if one.name != "code"}
        parts = {name: dataclasses.asdict(found[name]) for name in ("memory", "processor")}
        kernels = [dataclasses.asdict(kernel) for kernel in self.kernels]
        return {**found, **parts, "seconds": self.seconds, "kernels": kernels}


def show_bytes(count: int) -> str:
    """Return a number of bytes in few letters.

    Examples
    --------
    >>> [show_bytes(count) for count in (0, 12, 4096, 1_500_000)]
    ['0', '12', '4.1k', '1.5M']
    """
    return show_count(count)


def show_count(count: int) -> str:
    """Return a number in few letters: thousands as k, millions as M, and so on.

    Examples
    --------
    >>> [show_count(count) for count in (999, 1000, 123_456, 25_000_000_000)]
    ['999', '1k', '123k', '25G']
    """
    number, unit = float(count), ""
    for following in "kMGT":
        if number < 999.5:
            break
        number, unit = number / 1000, following
    return f"{number:.2g}{unit}" if unit and number < 10 else f"{number:.0f}{unit}"


def show_seconds(seconds: float) -> str:
    """Return a time in few letters.

    Examples
    --------
    >>> [show_seconds(seconds) for seconds in (3.2e-8, 1.234e-5, 0.0567, 2.0)]
    ['32 ns', '12.3 us', '56.7 ms', '2 s']
    """
    for unit, scale in (("ns", 1e9), ("us", 1e6), ("ms", 1e3)):
        if seconds * scale < 999.5:
            return f"{seconds * scale:.3g} {unit}"
    return f"{seconds:.3g} s"
