"""Losses, optimizers and schedules from their names and their own settings, as a recipe has them."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any

from pellucid.errors import ShapeError, UsageError, nearest
from pellucid.graph.types import Type, float32
from pellucid.nn.losses import Loss, loss_names
from pellucid.nn.losses.loss import LOSSES
from pellucid.optim.lbfgs import LBFGS
from pellucid.optim.optimizers import OPTIMIZERS
from pellucid.optim.schedules import SCHEDULES, Schedule
from pellucid.optim.transformation import Optimizer
from pellucid.workflow.plans.kinds import quote
from pellucid.workflow.plans.toml_text import shorten, tell_path

AUTO = "auto"
"""What the recipe calls a choice that it makes itself."""

COMMON = {"loss": ("label_smoothing",), "optimizer": ("learning_rate",), "schedule": ()}
"""Settings that the recipe has itself, whatever is chosen."""

NOT_OF_TABLES = ("soft_targets",)
"""Settings that say something of targets that no table has."""

MOST_BLOCKS = 1000
"""Outputs for each target, at most."""


def loss_class(name: str) -> type[Loss]:
    """Return the class of a loss, which may have settings without a default."""
    return LOSSES[name]


def own_settings(section: str, chosen: type) -> dict[str, Field]:
    """Return the settings of a loss, optimizer or schedule that others do not have, by name."""
    declared = fields(chosen) if is_dataclass(chosen) else ()
    return {one.name: one for one in declared if one.name not in (*COMMON[section], *NOT_OF_TABLES)}


def _build(section: str, chosen: Any, settings: Mapping[str, Any], common: Mapping[str, Any]) -> Any:
    """Return the object of a class with its settings, each of which is named by its path where it does not fit."""
    known = own_settings(section, chosen)
    for key in settings:
        if key not in known:
            fix = nearest(shorten(key), ["name", *common, *known])
            raise UsageError(f"{chosen.name} has no setting {quote(key)}", where=tell_path((section, key)), fix=fix)
        if isinstance(known[key].default, bool) and not isinstance(settings[key], bool):
            got = quote(settings[key])
            raise UsageError(
                "neither true nor false", where=tell_path((section, key)), got=got, expected="true or false"
            )
    for key, one in known.items():
        if key not in settings and one.default is MISSING and one.default_factory is MISSING:
            where = tell_path((section, key))
            raise UsageError(f"{chosen.name} needs this setting", where=where, got="none", fix=f"Set {where}.")
    try:
        return chosen(**common, **settings)
    except OverflowError:
        raise UsageError("a number is too large", where=section) from None
    except UsageError as error:
        key = (error.where or "").rpartition(", ")[2]
        where = tell_path((section, key)) if key in {**settings, **common} else section
        told = shorten(error.got) if error.got is not None else None
        raise UsageError(error.what, where=where, got=told, expected=error.expected, fix=error.fix) from None


def build_loss(name: str, settings: Mapping[str, Any]) -> Loss:
    """Return the loss of a name; a label smoothing of 0 is none, and losses that know of none take it."""
    chosen = loss_class(name)
    own = {key: value for key, value in settings.items() if key not in COMMON["loss"]}
    smoothed = "label_smoothing" in getattr(chosen, "__dataclass_fields__", {})
    return _build("loss", chosen, own, {"label_smoothing": settings["label_smoothing"]} if smoothed else {})


def check_loss(name: str, label_smoothing: float, settings: Mapping[str, Any]) -> None:
    """Raise a UsageError where settings do not belong to the loss of this name."""
    if name != AUTO:
        if label_smoothing and "label_smoothing" not in getattr(loss_class(name), "__dataclass_fields__", {}):
            fix = "Leave it at 0, or choose softmax_cross_entropy."
            raise UsageError(f"{name} has no label smoothing", where="loss.label_smoothing", fix=fix)
        build_loss(name, {"label_smoothing": label_smoothing, **settings})
    elif settings:
        key = next(iter(settings))
        having = [other for other in loss_names() if key in own_settings("loss", loss_class(other))]
        known = sorted({own for other in loss_names() for own in own_settings("loss", loss_class(other))})
        fix = (
            f'Set loss.name = "{having[0]}", for example.'
            if having
            else nearest(key, ["name", "label_smoothing", *known])
        )
        raise UsageError(
            f"the usual loss of a task has no setting {quote(key)}", where=tell_path(("loss", key)), fix=fix
        )


def count_blocks(chosen: Loss, outputs: int) -> int:
    """Return how many outputs a loss takes for each number that is predicted.

    Examples
    --------
    >>> from pellucid.nn.losses import Quantile
    >>> count_blocks(Quantile((0.1, 0.5, 0.9)), outputs=2)
    3
    """
    if chosen.task != "regression":
        return 1
    for blocks in range(1, MOST_BLOCKS + 1):
        try:
            target = chosen.target_type(Type(float32, (blocks * outputs,)))
        except ShapeError:
            continue
        if target.shape == (outputs,):
            return blocks
    raise UsageError("this loss takes no outputs of a table's targets", where="loss.name", got=chosen.name)


def takes_any_number(chosen: Loss) -> bool:
    """Say whether a loss takes every number as its target, so that targets may be standardized."""
    low, high = chosen.target_range(Type(float32, (1,)))
    return math.isinf(low) and math.isinf(high)


def has_learning_rate(name: str) -> bool:
    """Say whether the optimizer of this name has a learning rate."""
    return "learning_rate" in getattr(OPTIMIZERS[name], "__dataclass_fields__", {})


def build_optimizer(name: str, learning_rate: float, settings: Mapping[str, Any]) -> Optimizer | LBFGS:
    """Return the optimizer of a name; one without a learning rate does without it."""
    common = {"learning_rate": learning_rate} if has_learning_rate(name) else {}
    return _build("optimizer", OPTIMIZERS[name], settings, common)


def build_schedule(name: str, settings: Mapping[str, Any], epochs: float) -> Schedule:
    """Return the schedule of a name; cosine takes all epochs unless told otherwise.

    What follows a warm-up is given as ``then``: a name, or a mapping with a name and other settings.

    Examples
    --------
    >>> build_schedule("warm_up", {"epochs": 5, "then": "cosine"}, epochs=100).then
    Cosine(epochs=95, floor=0.0)
    """
    settings = dict(settings)
    if name == "warm_up" and "then" in settings:
        passed = settings.get("epochs", 0)
        left = epochs - passed if isinstance(passed, (int, float)) and 0 < passed < epochs else epochs
        settings["then"] = _following(settings["then"], left)
    if name == "cosine":
        settings.setdefault("epochs", epochs)
    return _build("schedule", SCHEDULES[name], settings, {})


def _following(given: Any, epochs: float) -> Schedule:
    settings = {"name": given} if isinstance(given, str) else dict(given) if isinstance(given, Mapping) else {}
    name = settings.pop("name", None)
    known: Collection[str] = [one for one in SCHEDULES if one != "warm_up"]
    if not isinstance(name, str) or name not in known:
        what = "not the schedule that follows the warm-up"
        raise UsageError(what, where="schedule.then", got=quote(given), fix=nearest(str(name), known))
    return build_schedule(name, settings, epochs)
