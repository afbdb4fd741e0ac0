"""Training that starts from a model: its columns, its task and its network are taken over."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from pellucid.data.roles import Role
from pellucid.data.tables.table import Table
from pellucid.data.task import Task
from pellucid.errors import DataError, PellucidError, UsageError, nearest
from pellucid.model.build import build_model
from pellucid.model.folder import load_model
from pellucid.model.model import Model
from pellucid.workflow.plans.plan import Plan, read_plan
from pellucid.workflow.plans.recipe import Recipe
from pellucid.workflow.plans.settings import list_settings
from pellucid.workflow.run_folder import RECORD

REASON = "as the model to start from has it"


def load_start(start_from: Any, recipe: Recipe) -> tuple[Model, Recipe]:
    """Return the model to start from, and the recipe with the network of that model.

    Parameters
    ----------
    start_from : Model or path
        The network of a run folder is that of its ``run.toml``; of a model without one, that of `recipe`, if it fits.
    recipe : Recipe
        Everything else is left as this says.

    Raises
    ------
    UsageError
        Where it is no model, or no network is known that fits it.
    ModelError
        Where the folder is damaged.
    """
    if isinstance(start_from, Model):
        model, recipes = start_from, [recipe]
    elif isinstance(start_from, str | os.PathLike):
        model, record = load_model(start_from), Path(start_from) / RECORD
        recipes = [_with_network_of(recipe, read_plan(record).recipe)] if record.is_file() else []
        recipes.append(recipe)
    else:
        expected = "a model or the path of its folder"
        raise UsageError("no model to start from", where="start_from", got=repr(start_from)[:80], expected=expected)
    for tried in recipes:
        if makes_network_of(model, tried):
            return model, tried
    raise UsageError(
        "the model to start from has another network than the recipe makes",
        where=str(start_from) if not isinstance(start_from, Model) else "start_from",
        got="layers " + ", ".join(f"{path} {list(array.shape)}" for path, array in model.parameters.items()),
        fix="Give the settings of its network: network.hidden, network.activation, ...",
    )


def _with_network_of(recipe: Recipe, other: Recipe) -> Recipe:
    """Return a recipe with the settings of another one's encoders and network."""
    sections = ("encoders", "network")
    taken = {one.field: getattr(other, one.field) for one in list_settings(Recipe) if one.path[0] in sections}
    return replace(recipe, **taken)


def makes_network_of(model: Model, recipe: Recipe) -> bool:
    """Say whether a recipe makes the very network of a model: the same graph from cells to predictions."""
    try:
        network = recipe.network(model.encoding, model.targets.outputs)
        rebuilt = build_model(model.encoding, model.targets, network, recipe.loss(model.targets.task), model.parameters)
    except PellucidError:
        return False
    return str(rebuilt.graph) == str(model.graph)


def task_of_model(model: Model, plan: Plan) -> Task:
    """Return the task of a model to start from, if it is what a plan asks for.

    Raises
    ------
    UsageError
        Where it is another one.
    """
    targets = model.targets
    asked = plan.task
    if asked == "classification" and targets.task in ("binary", "multiclass"):
        asked = targets.task
    for what, wanted, found in (
        ("the targets", plan.target or None, targets.names),
        ("the task", asked, targets.task),
        ("the separator", plan.separator, targets.separator),
    ):
        if wanted is not None and wanted != found:
            raise UsageError(f"{what} of the model to start from differ", got=_told(found), expected=_told(wanted))
    return Task(targets.task, targets.names, targets.classes, REASON, targets.separator)


def roles_of_model(model: Model, plan: Plan, table: Table) -> tuple[Role, ...]:
    """Return the roles of a table's columns as a model to start from reads them.

    Raises
    ------
    DataError
        Where the table lacks a column that the model reads.
    UsageError
        Where the plan wants a column to be something else.
    """
    kinds = {column.name: column.role for column in model.front.columns}
    for name in (*kinds, *model.targets.names):
        if name not in table:
            what = "a column that the model to start from needs is missing"
            raise DataError(what, where=table.path, got=f"no {name!r}", fix=nearest(name, table.names))
    wanted = {**plan.roles, **dict.fromkeys(plan.ignore, "ignore")}
    for name, kind in wanted.items():
        found = kinds.get(name, "ignore")
        if kind != found:
            what = "the model to start from reads a column as something else"
            raise UsageError(what, where=f"column {name!r}", got=kind, expected=found)
    kinds |= {name: kind for kind, name in (("weight", plan.weight), ("group", plan.group)) if name is not None}
    unread = "the model to start from does not read it"
    return tuple(
        Role(name, kinds[name], REASON) if name in kinds else Role(name, "ignore", unread)
        for name in table.names
        if name not in model.targets.names
    )


def _told(value: Any) -> str:
    return ", ".join(map(repr, value)) if isinstance(value, tuple) else repr(value)
