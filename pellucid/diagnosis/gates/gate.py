"""What a gate is, and the registry of all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from pellucid.diagnosis.gates.finding import PASS, Finding
from pellucid.diagnosis.gates.thresholds import Threshold, Thresholds
from pellucid.errors import DeclarationError

PHASES = ("before", "during", "after")


@dataclass(frozen=True)
class Gate:
    """A question that a training has to answer.

    Attributes
    ----------
    name : str
    phase : {"before", "during", "after"}
    question : str
        Such as ``Does the loss begin where the task says that it has to?``
    ask : callable
        ``ask(case, thresholds)`` returns findings, or none where the question does not arise.
    trains : bool
        Whether it runs trainings of its own.
    """

    name: str
    phase: str
    question: str
    ask: Callable[[Any, Thresholds], Iterable[Finding] | None]
    trains: bool = False


GATES: dict[str, Gate] = {}
"""All gates, by name, in the order in which they are asked."""


def gate(phase: str, question: str, *, trains: bool = False) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare a gate: its name is that of the function, ``ask(case, thresholds)``, whose findings it yields."""

    def declare(function: Callable[..., Any]) -> Callable[..., Any]:
        name = function.__name__
        if phase not in PHASES:
            raise DeclarationError("a gate is asked in one phase", where=name, got=phase, expected=" or ".join(PHASES))
        if name in GATES:
            raise DeclarationError("a gate of this name is declared already", where=name)
        GATES[name] = Gate(name, phase, question, function, trains)
        return function

    return declare


def find(
    gate: str,
    threshold: Threshold,
    measured: float,
    evidence: str,
    *,
    remedy: str,
    causes: tuple[str, ...],
    where: str = "",
    phase: str = "",
) -> Finding:
    """Return what a gate finds when a number is held against a threshold; one that passes has no remedy.

    The phase is that of the gate, unless it is given for a question that is no gate of trainings.
    """
    verdict, phase = threshold.judge(measured), phase or GATES[gate].phase
    if verdict == PASS:
        remedy, causes = "", ()
    return Finding(gate, phase, verdict, evidence, float(measured), threshold.tell(), remedy, causes, where)
