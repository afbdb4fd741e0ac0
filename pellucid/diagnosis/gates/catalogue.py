"""All gates: each module of this package whose name begins with a phase declares some."""

from __future__ import annotations

import importlib
import pkgutil

from pellucid.diagnosis import gates
from pellucid.diagnosis.gates.gate import PHASES


def load() -> None:
    """Import all modules of gates, so that they are declared, in the order of the phases and of their names."""
    names = sorted(module.name for module in pkgutil.iter_modules(gates.__path__))
    for phase in PHASES:
        for name in names:
            if name.startswith(f"{phase}_"):
                importlib.import_module(f"{gates.__name__}.{name}")
