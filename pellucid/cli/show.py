"""``pellucid show``: what a model is made of, and where it comes from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pellucid.cli.output import show, show_json
from pellucid.errors import UsageError
from pellucid.model.folder import load_model
from pellucid.workflow.plans.plan_file import read_toml
from pellucid.workflow.reports.description import describe_model, view_model

RECORD = "run.toml"


def show_model(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A run folder.", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON, and nothing else.")] = False,
) -> None:
    """Show a model: its layers and parameters, its columns and how they are encoded, its metrics, where it is from."""
    loaded = load_model(model)
    if as_json:
        show_json(describe_model(loaded))
    else:
        show(view_model(loaded, read_record(Path(model))))


def read_record(folder: Path) -> dict[str, Any]:
    """Return what the folder's run.toml says; nothing where there is none, or a bad one: the model does not need it."""
    if not (folder / RECORD).is_file():
        return {}
    try:
        return read_toml(folder / RECORD)[0]
    except UsageError:
        return {}
