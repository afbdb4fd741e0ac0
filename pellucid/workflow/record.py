"""What a run leaves behind: the files of its folder."""

from __future__ import annotations

import platform
import tomllib
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

from pellucid.model.folder import save_model
from pellucid.training.loop import history_line
from pellucid.training.result import Fit
from pellucid.workflow.finishing import INTERRUPTED
from pellucid.workflow.plans.plan import Plan
from pellucid.workflow.reports.curves import draw_curves
from pellucid.workflow.run import Run
from pellucid.workflow.run_folder import HISTORY, RECORD
from pellucid.workflow.understanding import Understanding

SCHEMA = 2
LIBRARIES = ("numpy", "scipy", "scikit-learn", "pyarrow", "safetensors", "matplotlib")
COMMENT = """What this run did. The model does not need it; pellucid train --config run.toml does it again, to the bit.
The sections data, outcome, results and versions tell what came of it and are passed over then."""

STOPPED = (INTERRUPTED, "the time limit")
"""Reasons to end that another run would not meet at the same step."""


def write_run(run: Run, folder: Path) -> None:
    """Fill a folder: ``model.safetensors``, ``model.json``, ``history.jsonl``, ``curves.png`` and ``run.toml``."""
    save_model(run.model, folder)
    lines = "".join(map(history_line, run.history))
    (folder / HISTORY).write_text(lines, encoding="utf-8", newline="\n")
    (folder / RECORD).write_text(run.plan.to_toml(describe_run(run), COMMENT), encoding="utf-8", newline="\n")
    title = f"{', '.join(run.model.targets.names)}: {run.model.targets.task}"
    draw_curves(folder / "curves.png", run.history, run.fit.best_epoch, title)


def settle(plan: Plan, found: Understanding, fitted: Fit) -> Plan:
    """Return a plan with all that was decided: run again, it gives the same bits.

    Roles, task and dtype are those that were inferred, the table's file is known by its SHA-256, and a training that
    time or Ctrl-C stopped ends after the same number of steps.
    """
    if fitted.reason in STOPPED:
        plan = replace(plan, recipe=replace(plan.recipe, steps=fitted.progress.step, time_limit=0.0))
    plan = replace(plan, recipe=replace(plan.recipe, dtype=found.dtype))
    plan = replace(plan, target=found.task.targets, task=found.task.kind, table=found.table.path, sha256=found.digest)
    if found.test is not None:
        plan = replace(plan, test=found.test.path)
    return replace(plan, ignore=()).with_roles(found.roles)  # which tell what is ignored


def recorded_stop(folder: Path) -> int | None:
    """Return after how many steps the run in a folder was stopped, if its ``run.toml`` says so."""
    try:
        outcome = tomllib.loads((folder / RECORD).read_text(encoding="utf-8"))["outcome"]
        return int(outcome["steps"]) if outcome["reason"] in STOPPED else None
    except (OSError, LookupError, TypeError, ValueError):
        return None


def describe_run(run: Run) -> dict[str, Any]:
    """Return what became of a run, as plain data."""
    found, fitted = run.understanding, run.fit
    return {
        "schema": SCHEMA,
        "data": {
            "rows": len(found.table),
            "columns": len(found.table.columns),
            "classes": [str(name) for name in found.task.classes] or None,
            "split": found.division.told,
            **{f"{name}_rows": len(rows) for name, rows in found.parts.items()},
            "test_sha256": found.test_digest,
            "features": len(run.model.front.features),
            "parameters": fitted.network.count_parameters(),
            "loss": run.model.loss.name,
        },
        "outcome": {
            "epochs": fitted.progress.epoch,
            "steps": fitted.progress.step,
            "best_epoch": fitted.best_epoch,
            "reason": fitted.reason,
            "interrupted": run.interrupted,
            "seconds": round(run.seconds, 2),
            "notes": list(run.report.notes),
        },
        "results": _results(run),
        "versions": _versions(run),
    }


def _results(run: Run) -> dict[str, Any]:
    """Return every metric of the test rows, by target where there are several, and by who predicted."""
    sections = {
        section.target: {name: {who: score.value for who, score in by.items()} for name, by in section.scores.items()}
        for section in run.report.sections
    }
    return sections if len(sections) > 1 else next(iter(sections.values()))


def _versions(run: Run) -> dict[str, str]:
    versions = {"pellucid": str(run.model.provenance["pellucid"]), "python": platform.python_version()}
    return versions | {name: metadata.version(name) for name in LIBRARIES}
