"""What the parts of the benchmark have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pellucid.bench.tune.cell import OWN, Cell
from pellucid.bench.tune.extent import Extent
from pellucid.bench.tune.results import Results


@dataclass(frozen=True)
class Setup:
    """What a run measures.

    Attributes
    ----------
    extent : Extent
    peers : tuple of str
        Those that take part.
    cores : tuple of int
    """

    extent: Extent
    peers: tuple[str, ...]
    cores: tuple[int, ...]

    def contestants(self, among: Sequence[str]) -> list[str]:
        """Return who takes part of some peers, and Pellucid, which comes first."""
        return [OWN, *(name for name in among if name in self.peers)]


@dataclass(frozen=True)
class Goal:
    """A figure that is aimed at.

    Attributes
    ----------
    work, peers, aim : str
        What is measured, beside whom, and what it is to be.
    found : str
        What it is; empty where it was not measured.
    reached : bool or None
    """

    work: str
    peers: str
    aim: str
    found: str = ""
    reached: bool | None = None


@dataclass(frozen=True)
class Section:
    """A part of the page: its title, its text in Markdown, and its goals."""

    title: str
    text: str
    goals: tuple[Goal, ...]


@dataclass(frozen=True)
class Part:
    """A part of the benchmark.

    Attributes
    ----------
    name : str
    cells : callable
        ``cells(setup)`` returns what is measured.
    section : callable
        ``section(results)`` returns what the page says of it.
    brief : callable
        ``brief(cell_name, found)`` returns what one cell has found in a few words.
    """

    name: str
    cells: Callable[[Setup], list[Cell]]
    section: Callable[[Results], Section]
    brief: Callable[[str, dict[str, Any]], str]

    def is_in(self, results: Results) -> bool:
        """Say whether something of it was measured, or ought to have been."""
        measured = "budget" if self.name == "time_to" else self.name
        return any(name.startswith(f"{measured}/") for name in results.cells)


def failures(results: Results, start: str) -> str:
    """Return a paragraph on the cells whose names start so and that failed; empty where there are none.

    Examples
    --------
    >>> failures(Results({}, {"rate/sklearn": {"error": "no memory"}}), "rate/")
    '\\n\\nNot measured: `rate/sklearn`: no memory.'
    """
    told = [
        f"`{name}`: {cell['error'].rstrip('.')}."
        for name, cell in results.cells.items()
        if name.startswith(start) and "error" in cell
    ]
    return f"\n\nNot measured: {' '.join(told)}" if told else ""
