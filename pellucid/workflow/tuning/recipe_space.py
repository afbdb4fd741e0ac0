"""A search space whose names are settings of a recipe: what it may hold, and the plan of each configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from pellucid.errors import UsageError
from pellucid.tuning.space import Space, split_name
from pellucid.workflow.plans.kinds import Number
from pellucid.workflow.plans.plan import Plan
from pellucid.workflow.plans.recipe import Recipe
from pellucid.workflow.plans.settings import Setting, find_setting, list_settings
from pellucid.workflow.tuning.space_checks import (
    LAYERS,
    NONE,
    UNITS,
    UNITS_OF,
    check_own,
    check_setting,
    is_called_none,
    is_own,
    looked_at,
    values_of,
)

SHARING = (
    *("encoders.scaling", "encoders.limit", "encoders.word_values", "training.epochs", "training.patience"),
    *("training.min_improvement", "training.steps", "training.class_weight"),
)
"""Settings that no program depends on, besides numbers and what a schedule has."""


@dataclass(frozen=True, eq=False)
class RecipeSpace:
    """A search space over recipes. Made by :func:`recipe_space`.

    Attributes
    ----------
    space : Space
        With the conditions that follow from its names: ``network.units_2`` means something where there are two layers.
    plan : Plan
        What is not searched over.
    """

    space: Space
    plan: Plan

    def plan_of(self, parameters: Mapping[str, Any]) -> Plan:
        """Return the plan of a configuration; see :meth:`recipe_of`."""
        return replace(self.plan, recipe=self.recipe_of(parameters))

    def recipe_of(self, parameters: Mapping[str, Any]) -> Recipe:
        """Return the recipe of a configuration.

        Where another loss, optimizer or schedule is chosen, the settings go that the one before had for itself.

        Raises
        ------
        UsageError
            Where settings do not go with each other.
        """
        usual = self.plan.recipe
        changes: dict[str, Any] = {}
        others: dict[str, dict[str, Any]] = {}
        for name, value in parameters.items():
            one = self._settings.get(name)
            if one is not None and one.holds_others:
                others.setdefault(one.path[0], {})[split_name(name)[-1]] = value
            elif one is not None:
                changes[one.field] = NONE if value is None and is_called_none(one) else value
        if any(map(is_own, self.space.names)):
            changes["hidden"] = self._hidden(parameters)
        for section in ("loss", "optimizer", "schedule"):
            chosen, field = f"{section}_name", f"{section}_settings"
            another = changes.get(chosen, getattr(usual, chosen)) != getattr(usual, chosen)
            if another or section in others:
                changes[field] = {**({} if another else getattr(usual, field)), **others.get(section, {})}
        return replace(usual, **changes)

    def parameters_of(self, recipe: Recipe) -> dict[str, Any] | None:
        """Return the configuration that makes a recipe; None where the space does not have it."""
        found: dict[str, Any] = dict(self.space.fixed)
        for one in self.space.dimensions:
            if one.active(found):
                found[one.name] = self._value_in(recipe, one.name)
        try:
            self.space.check(found)
            return found if self.recipe_of(found) == recipe else None
        except UsageError:
            return None

    def _value_in(self, recipe: Recipe, name: str) -> Any:
        """Return the value of a setting in a recipe; None where it has none."""
        if name == LAYERS:
            return len(recipe.hidden)
        if is_own(name):
            number = UNITS_OF.fullmatch(name)
            place = int(number[1]) - 1 if number else 0
            return recipe.hidden[place] if place < len(recipe.hidden) else None
        one = self._settings[name]
        if not one.holds_others:
            value = getattr(recipe, one.field)
            return None if value == NONE and is_called_none(one) else value
        key = split_name(name)[-1]
        given = getattr(recipe, one.field)
        return (
            given[key]
            if key in given
            else getattr(recipe.optimizer(), key, None)
            if one.path[0] == "optimizer"
            else None
        )

    @cached_property
    def _settings(self) -> dict[str, Setting]:
        """The settings of a recipe that the names mean."""
        known = list_settings(Recipe)
        return {name: find_setting(known, split_name(name)) for name in self.space.names if not is_own(name)}

    @property
    def architectures(self) -> int | None:
        """How many programs trials need, as far as they can be counted; None where there is no end to them."""
        return self.space.count(self.is_structural)

    def is_structural(self, name: str) -> bool:
        """Say whether another value means another program to be compiled."""
        if is_own(name):
            return True
        if name in SHARING or name.startswith("schedule."):
            return False
        one = self._settings[name]
        if one.holds_others:
            return name not in self.space.fixed and self.space.dimension(name).distribution.count is not None
        number = isinstance(one.kind, Number) and not one.kind.whole
        return not number or name == "encoders.whitening"

    def _hidden(self, parameters: Mapping[str, Any]) -> list[int]:
        """Return the sizes of the hidden layers."""
        of_layer = {int(found[1]): name for name in self.space.names if (found := UNITS_OF.fullmatch(name))}
        usual = self.plan.recipe.hidden
        layers = parameters.get(LAYERS, max(of_layer, default=0) if LAYERS not in self.space.names else 0)
        if LAYERS not in self.space.names and UNITS in self.space.names:
            layers = max(layers, len(usual))
        units = parameters.get(UNITS)
        sizes = []
        for number in range(1, layers + 1):
            own = parameters.get(of_layer.get(number, ""), units)
            sizes.append(own if own is not None else usual[min(number, len(usual)) - 1])
        return sizes


def recipe_space(space: Space, plan: Plan) -> RecipeSpace:
    """Check a search space over recipes, and add the conditions that follow from its names.

    Names are those of a recipe's settings, such as ``optimizer.learning_rate``, and three more: ``network.layers``, how
    many hidden layers there are; ``network.units``, of each of them; and ``network.units_1``, ``network.units_2``, ...,
    of that layer.

    Parameters
    ----------
    space : Space
    plan : Plan
        What is not searched over.

    Raises
    ------
    UsageError
        Where a name is unknown (with the nearest one) or cannot be searched over, or a value is out of the range of its
        setting.

    Examples
    --------
    >>> space = Space({"network.layers": "integer(0, 2)", "network.units": "choice(16, 64)"})
    >>> found = recipe_space(space, Plan())
    >>> found.plan_of({"network.layers": 2, "network.units": 16}).recipe.hidden, found.architectures
    ((16, 16), 5)
    """
    if not space.names:
        fix = "Name a setting, such as optimizer.learning_rate = log_uniform(1e-4, 1e-1)."
        raise UsageError("the space has no setting", where="space", fix=fix)
    check_own(space, plan, space.names)
    for name, values in values_of(space):
        if not is_own(name):
            check_setting(name, values, space, plan)
    return RecipeSpace(_with_conditions(space), plan)


def _with_conditions(space: Space) -> Space:
    """Return the space with the conditions of sizes of layers, where the number of layers is searched over."""
    layers = next((one for one in space.dimensions if one.name == LAYERS), None)
    if layers is None:
        return space
    fewest = min(int(value) for value in looked_at(layers.distribution))
    changed: dict[str, Any] = {}
    for one in space.dimensions:
        found = UNITS_OF.fullmatch(one.name)
        needed = int(found[1]) if found else 1 if one.name == UNITS else 0
        told = [str(one.condition)] if one.condition is not None else []
        if needed > fewest and not (one.condition is not None and LAYERS in one.condition.names):
            changed[one.name] = f"{one.distribution} if {' and '.join([*told, f'{LAYERS} >= {needed}'])}"
    return space.changed(changed) if changed else space
