"""Asking gates about a case, one after the other."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from pellucid.diagnosis.gates import catalogue
from pellucid.diagnosis.gates.case import Case
from pellucid.diagnosis.gates.finding import WARN, Finding, GateReport
from pellucid.diagnosis.gates.gate import GATES, Gate
from pellucid.diagnosis.gates.thresholds import Thresholds
from pellucid.errors import PellucidError, UsageError, nearest


def ask(case: Case, phases: Iterable[str], gates: Iterable[str] | None = None, thresholds: Any = None) -> GateReport:
    """Ask the gates of some phases, or those of them that are named.

    Raises
    ------
    UsageError
        Where a gate or a threshold is unknown.
    """
    catalogue.load()
    wanted = None if gates is None else [gates] if isinstance(gates, str) else list(gates)
    for name in wanted or ():
        if name not in GATES:
            raise UsageError(f"no gate is called {name!r}", where="gates", fix=nearest(str(name), GATES))
    among = list(phases)
    chosen = [gate for gate in GATES.values() if gate.phase in among and (wanted is None or gate.name in wanted)]
    return ask_gates(case, chosen, thresholds)


def ask_gates(case: Case, asked: Iterable[Gate], thresholds: Any = None) -> GateReport:
    """Return what some gates find; one that can not be answered is a warning."""
    table = thresholds if isinstance(thresholds, Thresholds) else Thresholds(thresholds)
    findings: list[Finding] = []
    for gate in asked:
        try:
            with np.errstate(all="ignore"):  # what is not finite is judged, not warned of
                findings.extend(gate.ask(case, table) or ())
        except PellucidError as error:
            told = f"it can not be answered: {error}"
            findings.append(Finding(gate.name, gate.phase, WARN, told, remedy="Look at the case by hand."))
    return GateReport(tuple(findings))
