"""The numbers of a recipe that no program depends on, and the names under which training steps have them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

from pellucid.errors import PellucidError
from pellucid.training.step import TrainingStep
from pellucid.workflow.plans.chosen import AUTO, COMMON
from pellucid.workflow.plans.kinds import Number
from pellucid.workflow.plans.recipe import Recipe
from pellucid.workflow.plans.settings import list_settings

OF_COURSE = (
    *("schedule_name", "schedule_settings", "epochs", "patience", "min_improvement", "steps", "metric"),
    *("class_weight", "time_limit"),
)
"""Fields of a recipe that take part in a training and are not compiled."""

BY_OBJECT = ("optimizer_settings", "loss_settings")
"""Fields that are told by the objects that are made of them."""

SETTINGS = tuple(one for one in list_settings(Recipe) if one.path[0] != "encoders")
"""The settings of a recipe that say something of the network and its training."""

COUNTED = tuple(one.field for one in SETTINGS if isinstance(one.kind, Number) and not one.kind.whole)
"""Those that are numbers with a fraction."""

SHIFT = 1e-3
"""By such parts numbers are changed to see what follows from them."""


def is_number(value: Any) -> bool:
    """Say whether a value is a number with a fraction, or could be one."""
    return isinstance(value, float) and value != 0


def _of_recipe(recipe: Recipe) -> dict[str, float]:
    """Return the numbers that a recipe has itself, by field."""
    found = {name: getattr(recipe, name) for name in COUNTED if name not in OF_COURSE}
    return {name: value for name, value in found.items() if is_number(value)}


def _of_object(section: str, made: Any) -> dict[str, Any]:
    """Return the settings of a loss or an optimizer that others do not have, by name."""
    names = [one.name for one in fields(made)] if is_dataclass(made) else []
    return {f"{section}.{name}": getattr(made, name) for name in names if name not in COMMON[section]}


@dataclass(frozen=True, eq=False)
class Numbers:
    """A recipe for a task, divided into numbers and what else it says.

    Attributes
    ----------
    values : dict of float
        By field of the recipe, or as ``optimizer.beta_1``; those that are 0 are none.
    form : hashable
        What else a program depends on, but for the encoders.
    """

    values: dict[str, float]
    form: Hashable

    @staticmethod
    def of(recipe: Recipe, task: str) -> Numbers:
        """Divide a recipe.

        Examples
        --------
        >>> a, b = (Numbers.of(Recipe(dropout=rate, l2=0.01), "binary") for rate in (0.1, 0.2))
        >>> a.form == b.form, a.values["dropout"], b.values["optimizer.beta_1"]
        (True, 0.1, 0.9)
        >>> a.form == Numbers.of(Recipe(dropout=0.0, l2=0.01), "binary").form  # there is no dropout layer then
        False
        """
        settings = _of_object("loss", recipe.loss(task)) | _of_object("optimizer", recipe.optimizer())
        values = _of_recipe(recipe) | {name: value for name, value in settings.items() if is_number(value)}
        given = {one.field: getattr(recipe, one.field) for one in SETTINGS}
        rest = {name: value for name, value in {**given, **settings}.items() if name not in values}
        form = [(name, repr(value)) for name, value in rest.items() if name not in (*OF_COURSE, *BY_OBJECT)]
        return Numbers(values, (tuple(form), tuple(values)))

    def changed(self, recipe: Recipe, values: Mapping[str, float]) -> Recipe:
        """Return a recipe of this form with other numbers."""
        own: dict[str, Any] = {name: value for name, value in values.items() if "." not in name}
        for section in ("optimizer", "loss"):
            of_section = {
                name.partition(".")[2]: value for name, value in values.items() if name.startswith(section + ".")
            }
            if of_section:
                own[f"{section}_settings"] = {**getattr(recipe, f"{section}_settings"), **of_section}
        return replace(recipe, **own)


@dataclass(frozen=True, eq=False)
class Names:
    """Under which names a training step has the numbers of a recipe.

    Attributes
    ----------
    settings : dict of str
        For each setting of the step the number that it is.
    compiled : tuple of str
        Numbers that are no settings: with another one, another program is needed.
    """

    settings: dict[str, str]
    compiled: tuple[str, ...]

    def told(self, values: Mapping[str, float]) -> dict[str, float]:
        """Return the settings of a step for these numbers."""
        return {setting: values[name] for setting, name in self.settings.items()}


def find_names(recipe: Recipe, numbers: Numbers, build: Callable[[Recipe], TrainingStep]) -> Names:
    """Find out which numbers are settings of a training step, by building it with others.

    Parameters
    ----------
    recipe : Recipe
    numbers : Numbers
        Of that recipe.
    build : callable
        ``build(recipe)`` returns the step.
    """
    base = build(recipe)
    known = [name for name in numbers.values if not (name.startswith("loss.") and recipe.loss_name == AUTO)]
    other = {name: numbers.values[name] * (1 - SHIFT * place) for place, name in enumerate(known, start=1)}
    found = _settings_of(base, recipe, numbers, other, build) if len(set(other.values())) == len(other) else None
    if found is not None:
        return Names(found, ())
    settings: dict[str, str] = {}
    compiled = []
    for name, value in other.items():  # one after the other, where at least one of them is no setting
        found = _settings_of(base, recipe, numbers, {name: value}, build)
        if found is None:
            compiled.append(name)
        else:
            settings |= found
    return Names(settings, tuple(compiled))


def _settings_of(
    base: TrainingStep,
    recipe: Recipe,
    numbers: Numbers,
    other: Mapping[str, float],
    build: Callable[[Recipe], TrainingStep],
) -> dict[str, str] | None:
    """Return which settings follow from some numbers; None where something else follows from them, too."""
    try:
        step = build(numbers.changed(recipe, other))
    except PellucidError:
        return None
    if (
        str(step.graph) != str(base.graph)
        or _states(step) != _states(base)
        or step.settings.keys() != base.settings.keys()
    ):
        return None
    by_value = {value: name for name, value in other.items()}
    changed = {name: value for name, value in step.settings.items() if value != base.settings[name]}
    if not all(value in by_value for value in changed.values()):
        return None
    return {name: by_value[value] for name, value in changed.items()}


def _states(step: TrainingStep) -> dict[str, str]:
    return {path: repr(state.initial) for path, state in step.state.items()}
