"""What a run leaves behind: the files of its folder."""

from __future__ import annotations

import platform
from importlib import metadata
from pathlib import Path
from typing import Any

from pellucid.model.folder import save_model
from pellucid.training.loop import history_line
from pellucid.workflow.curves import draw_curves
from pellucid.workflow.run import Run
from pellucid.workflow.toml_text import write_toml
from pellucid.workflow.understanding import FRACTIONS

SCHEMA = 1
LIBRARIES = ("numpy", "scipy", "pyarrow", "safetensors", "matplotlib")
COMMENT = "What this run did. Written by Pellucid; the model does not need it."


def write_run(run: Run, folder: Path, *, seed: int, time_limit: float | None) -> None:
    """Fill a folder: ``model.safetensors``, ``model.json``, ``history.jsonl``, ``curves.png`` and ``run.toml``."""
    save_model(run.model, folder)
    lines = "".join(map(history_line, run.history))
    (folder / "history.jsonl").write_text(lines, encoding="utf-8", newline="\n")
    record = write_toml(describe_run(run, seed=seed, time_limit=time_limit), COMMENT)
    (folder / "run.toml").write_text(record, encoding="utf-8", newline="\n")
    title = f"{', '.join(run.model.targets.names)}: {run.model.targets.task}"
    draw_curves(folder / "curves.png", run.history, run.fit.best_epoch, title)


def describe_run(run: Run, *, seed: int, time_limit: float | None) -> dict[str, Any]:
    """Return what ``run.toml`` says, as plain data."""
    found, recipe, fitted = run.understanding, run.recipe, run.fit
    return {
        "schema": SCHEMA,
        "seed": seed,
        "table": {
            "path": found.table.path,
            "sha256": found.digest,
            "rows": len(found.table),
            "columns": len(found.table.columns),
        },
        "task": {"kind": found.task.kind, "targets": list(found.task.targets), "reason": found.task.reason},
        "roles": {role.name: role.kind for role in found.roles},
        "split": {
            "fractions": dict(FRACTIONS),
            "rows": {name: len(rows) for name, rows in found.parts.items()},
            "stratified": found.stratified,
        },
        "network": {
            "hidden": list(recipe.hidden),
            "limit": recipe.limit,
            "activation": recipe.activation,
            "dropout": recipe.dropout,
            "dtype": recipe.dtype,
            "features": len(run.model.front.features),
            "parameters": fitted.network.count_parameters(),
        },
        "optimizer": {"name": recipe.optimizer().name, "learning_rate": recipe.learning_rate},
        "regularizers": {"l2": recipe.l2},
        "training": {
            "loss": run.model.loss.name,
            "label_smoothing": recipe.label_smoothing if found.task.kind == "multiclass" else None,
            "batch_size": recipe.batch_size,
            "epochs": recipe.epochs,
            "patience": recipe.patience,
            "time_limit": time_limit,
        },
        "outcome": {
            "epochs": fitted.progress.epoch,
            "steps": fitted.progress.step,
            "best_epoch": fitted.best_epoch,
            "reason": fitted.reason,
            "interrupted": run.interrupted,
            "seconds": round(run.seconds, 2),
        },
        "test": _tests(run),
        "versions": _versions(run),
    }


def _tests(run: Run) -> dict[str, Any]:
    """Return every metric of the test rows, by target where there are several, and by who predicted."""
    sections = {
        section.target: {name: {who: score.value for who, score in by.items()} for name, by in section.scores.items()}
        for section in run.report.sections
    }
    return sections if len(sections) > 1 else next(iter(sections.values()))


def _versions(run: Run) -> dict[str, str]:
    versions = {"pellucid": str(run.model.provenance["pellucid"]), "python": platform.python_version()}
    return versions | {name: metadata.version(name) for name in LIBRARIES}
