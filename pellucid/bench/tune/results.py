"""What was measured up to now, in a file from which an interrupted run goes on."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from pellucid.bench.processes import can_pin
from pellucid.bench.run import processor_name
from pellucid.bench.tune.extent import Extent
from pellucid.bench.tune.material import draw_configurations
from pellucid.errors import UsageError
from pellucid.files import write_atomically
from pellucid.version import __version__

FORMAT = "pellucid bench tune"
SCHEMA = 1
_KINDS = {"settings": dict, "cells": dict, "sessions": list}
_TITLES = {
    "numpy": "NumPy",
    "scikit-learn": "scikit-learn",
    "torch": "PyTorch",
    "optuna": "Optuna",
    "jax": "JAX",
    "optax": "optax",
}


@dataclass
class Results:
    """All raw figures of a run.

    Attributes
    ----------
    settings : dict
        Where and how it runs; figures of other settings must not stand beside them.
    cells : dict of dict
        By name: what was found, or ``{"error": ...}``.
    sessions : list of dict
        When the run was begun or gone on with, and how long that took.
    """

    settings: dict[str, Any]
    cells: dict[str, dict[str, Any]] = field(default_factory=dict)
    sessions: list[dict[str, Any]] = field(default_factory=list)

    def found(self, name: str) -> dict[str, Any] | None:
        """Return what a cell found, None where it was not measured or failed."""
        cell = self.cells.get(name)
        return None if cell is None or "error" in cell else cell

    @property
    def seconds(self) -> float:
        """What all sessions took together."""
        return sum(session["seconds"] for session in self.sessions)

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain data."""
        return {"format": FORMAT, "schema": SCHEMA, **vars(self)}

    def save(self, path: Path | None) -> None:
        """Write everything, whole or not at all."""
        if path is not None:
            write_atomically(path, (json.dumps(self.as_dict(), indent=1) + "\n").encode("utf-8"))

    def check(self, settings: dict[str, Any]) -> None:
        """Raise a UsageError where a run of other settings is to be gone on with, naming what differs."""
        for name, value in settings.items():
            if self.settings.get(name) != value:
                raise UsageError(
                    f"its figures are of another run: {name} differs",
                    where="--resume",
                    got=_brief(value),
                    expected=_brief(self.settings.get(name)),
                    fix="Begin anew, without --resume.",
                )


def read_results(path: str) -> Results:
    """Return the figures of a file that a run has left.

    Raises
    ------
    UsageError
        Where there is no such file, or it is none of a run.
    """
    try:
        told = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"can not be read: {error.strerror}", where=f"--resume {path}") from None
    except ValueError:
        told = None
    is_run = isinstance(told, dict) and (told.get("format"), told.get("schema")) == (FORMAT, SCHEMA)
    if not is_run or not all(isinstance(told.get(name), kind) for name, kind in _KINDS.items()):
        expected = "what --json of pellucid bench tune has written"
        raise UsageError("not the figures of a run", where=f"--resume {path}", expected=expected)
    return Results(told["settings"], told["cells"], told["sessions"])


def describe_run(extent: Extent, cores: Sequence[int], quick: bool) -> dict[str, Any]:
    """Return where and how a run measures."""
    return {
        "quick": quick,
        "cores": list(cores),
        "pinned": can_pin(),
        "processor": processor_name(),
        "system": f"{platform.system()} {platform.machine()}",
        "extent": json.loads(json.dumps(dataclasses.asdict(extent))),
        "versions": {"Python": platform.python_version(), "Pellucid": __version__, **_versions()},
        "configurations": draw_configurations(extent),
        "source": source_digest(),
    }


def _versions() -> dict[str, str]:
    found = {}
    for package, title in _TITLES.items():
        try:
            found[title] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def source_digest() -> str:
    """Return the SHA-256 of Pellucid's modules, but for those that only show what was measured.

    Figures of different code do not belong into one run.
    """
    root = Path(os.path.dirname(sys.modules["pellucid.version"].__file__ or ""))
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        name = path.relative_to(root).as_posix()
        if not name.startswith(("cli/", "bench/tune/page")):
            digest.update(name.encode("utf-8") + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _brief(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."
