"""``pellucid show``: what a model is made of, where it comes from, and the machine code that it becomes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pellucid.cli.kernels_view import view_kernels
from pellucid.cli.output import show, show_json, width, write_data
from pellucid.errors import UsageError
from pellucid.executors.program import ONCE
from pellucid.model.folder import load_model
from pellucid.workflow.plans.plan_file import read_toml
from pellucid.workflow.reports.description import describe_model, view_model
from pellucid.workflow.run_folder import RECORD
from pellucid.workflow.training_step import rebuild_step


def show_model(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A run folder.", show_default=False)],
    kernels: Annotated[
        bool, typer.Option("--kernels", help="Show the kernels of its machine code, measured here.")
    ] = False,
    llvm: Annotated[bool, typer.Option("--llvm", help="Print its code as LLVM IR.")] = False,
    step: Annotated[
        bool, typer.Option("--step", help="Of --kernels or --llvm: the training step, not the prediction.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON, and nothing else.")] = False,
) -> None:
    """Show a model: its layers and parameters, its columns and how they are encoded, its metrics, where it is from.

    With --kernels, what machine code the native executor makes of it: which nodes are computed together, in which
    shapes and tiles, how long each kernel takes on this machine, and which part of the processor's peak that is. With
    --llvm, the code itself, with the paths of nodes as comments.
    """
    _check_options(kernels, llvm, step, as_json)
    if kernels or llvm:
        _show_code(model, kernels, step, as_json)
        return
    loaded = load_model(model, ONCE)
    if as_json:
        show_json(describe_model(loaded))
    else:
        show(view_model(loaded, read_record(Path(model))))


def _check_options(kernels: bool, llvm: bool, step: bool, as_json: bool) -> None:
    if kernels and llvm:
        raise UsageError("--kernels and --llvm do not go together", fix="Give one of them.")
    if step and not (kernels or llvm):
        raise UsageError("--step says of what to show the code", fix="Give --kernels or --llvm too.")
    if llvm and as_json:
        raise UsageError("--llvm prints code, which is no JSON", fix="Leave --json out.")


def _show_code(model: str, kernels: bool, step: bool, as_json: bool) -> None:
    """Print the kernels, or the code, of a model's prediction or of its training step."""
    from pellucid.executors.native.report import explain_kernels  # the code generator takes time to load

    if step:
        rebuilt = rebuild_step(Path(model))
        found = explain_kernels(rebuilt.step.form, rebuilt.inputs, measured=kernels)
    else:
        loaded = load_model(model, ONCE)
        found = explain_kernels(loaded.graph, loaded.arrays, measured=kernels)
    if not kernels:
        write_data(found.code)
    elif as_json:
        show_json(found.as_dict())
    else:
        show(view_kernels(found), width() or 100)


def read_record(folder: Path) -> dict[str, Any]:
    """Return what the folder's run.toml says; nothing where there is none, or a bad one: the model does not need it."""
    if not (folder / RECORD).is_file():
        return {}
    try:
        return read_toml(folder / RECORD)[0]
    except UsageError:
        return {}
