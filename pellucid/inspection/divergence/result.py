"""First divergence: the first step, node and element at which two trainings differ, and what becomes of it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pellucid.html_table import html_table
from pellucid.inspection.replay.facts import facts_table, facts_text

_SHOWN = 8


@dataclass(frozen=True, eq=False)
class Growth:
    """How far the parameters of two trainings are apart.

    Attributes
    ----------
    steps : ndarray of int64, [points]
        How many steps were done.
    largest : ndarray of float64, [points]
        The largest absolute difference of an element.
    rms : ndarray of float64, [points]
        The root of the mean square of all differences.
    """

    steps: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    largest: np.ndarray = field(default_factory=lambda: np.zeros(0))
    rms: np.ndarray = field(default_factory=lambda: np.zeros(0))

    def __len__(self) -> int:
        return len(self.steps)

    def table(self) -> list[list[str]]:
        """Return a head and some rows, evenly spaced."""
        chosen = np.unique(np.linspace(0, len(self) - 1, min(_SHOWN, len(self))).round().astype(int))
        rows = [[f"{self.steps[n]:,}", f"{self.largest[n]:.3g}", f"{self.rms[n]:.3g}"] for n in chosen]
        return [["after step", "largest difference", "rms"], *rows]

    def __str__(self) -> str:
        table = self.table()
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = ("  ".join(cell.rjust(w) for cell, w in zip(row, widths, strict=True)) for row in table)
        return "\n".join(lines) + "\n"

    def _repr_html_(self) -> str:
        head, *rows = self.table()
        return html_table(head, rows, "How far the parameters are apart")


@dataclass(frozen=True, eq=False)
class Divergence:
    """Where two trainings differ for the first time. Made by :func:`pellucid.first_divergence`.

    It is true where they differ at all: ``if divergence:``.

    Attributes
    ----------
    kind : str
        What differs first: ``parameters`` or ``state`` (at the start), ``network``, ``dtype``, ``optimizer``,
        ``batch`` (its size), ``rows`` (of a mini-batch), ``examples`` (their values), ``settings`` (such as the
        learning rate), ``seed``, ``values`` (what is computed of the same inputs), ``end`` (only the number of steps),
        ``history`` (of two fits), or ``none``.
    told : str
        The same as a sentence.
    step : int or None
        The first step that differs, from 0.
    epoch : int or None
        Its epoch, from 1.
    node : str or None
        The path of the first node of the step's graph that differs, in the order of computation.
    element : tuple of int or None
        Its first element that differs.
    values : tuple or None
        That element in both trainings.
    count : int
        How many elements of the node differ.
    structure : str
        What is the first difference between the graphs of the two steps; empty where they are the same.
    notes : tuple of str
        What else is known to differ.
    growth : Growth
        How the difference of the parameters grows from there on.
    names : tuple of str
    """

    kind: str
    told: str
    step: int | None = None
    epoch: int | None = None
    node: str | None = None
    element: tuple[int, ...] | None = None
    values: tuple[Any, Any] | None = None
    count: int = 0
    structure: str = ""
    notes: tuple[str, ...] = ()
    growth: Growth = field(default_factory=Growth)
    names: tuple[str, str] = ("a", "b")

    def __bool__(self) -> bool:
        return self.kind != "none"

    def facts(self) -> list[tuple[str, str]]:
        """Return what there is to tell, each fact with its name."""
        facts = []
        if self.step is not None:
            facts.append(("step", f"{self.step:,}" + ("" if self.epoch is None else f" (epoch {self.epoch:,})")))
        if self.node is not None:
            facts.append(("node", self.node))
        if self.element:
            facts.append(("element", str(list(self.element))))
        if self.values is not None:
            facts += [(f"in {name}", str(value)) for name, value in zip(self.names, self.values, strict=True)]
        if self.count:
            facts.append(("elements that differ", f"{self.count:,}"))
        if self.structure:
            facts.append(("graphs", self.structure))
        return facts + [("besides", note) for note in self.notes]

    def __repr__(self) -> str:
        return f"<{self.told}>"

    def __str__(self) -> str:
        grown = f"\n{self.growth}" if len(self.growth) else ""
        return f"{self.told}\n" + facts_text(self.facts()) + grown

    def _repr_html_(self) -> str:
        return facts_table(self.facts(), self.told) + (self.growth._repr_html_() if len(self.growth) else "")

    def plot(self, ax: Any = None) -> Any:
        """Draw how far the parameters are apart, step by step; both axes are logarithmic.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; made if there is none.

        Returns
        -------
        matplotlib Axes
        """
        from pellucid.inspection.pictures.style import FEW_COLORS, axes_for

        ax = axes_for(ax)
        after = self.growth.steps - (self.step or 0)
        for number, (label, values) in enumerate([("largest", self.growth.largest), ("rms", self.growth.rms)]):
            seen = np.where(values > 0, values, math.nan)
            ax.plot(after, seen, label=label, color=FEW_COLORS[number], marker="os"[number], markersize=3)
        if np.any(after > 0):
            ax.set_xscale("log")
        if np.any(self.growth.largest > 0):
            ax.set_yscale("log")
        ax.set_xlabel(f"steps from step {self.step:,} on" if self.step is not None else "steps")
        ax.set_ylabel("difference of the parameters")
        ax.set_title(f"{self.names[0]} and {self.names[1]}")
        if len(self.growth):
            ax.legend()
        return ax
