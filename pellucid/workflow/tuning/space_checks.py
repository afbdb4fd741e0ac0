"""What a search space over recipes may hold: known names, and values in the ranges of their settings."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from pellucid.errors import UsageError, nearest
from pellucid.tuning.space import Distribution, Space, split_name
from pellucid.workflow.plans.chosen import AUTO
from pellucid.workflow.plans.kinds import Choice, Kind, Number
from pellucid.workflow.plans.plan import Plan, known_settings
from pellucid.workflow.plans.recipe import Recipe
from pellucid.workflow.plans.settings import Setting, find_setting, list_settings
from pellucid.workflow.plans.toml_text import format_path
from pellucid.workflow.tuning.other_settings import check_other

LAYERS, UNITS, HIDDEN = "network.layers", "network.units", "network.hidden"
UNITS_OF = re.compile(r"network\.units_([1-9]\d?)")
MOST_LAYERS = 64
NONE = "none"

LAYERS_KIND = Number(f"[0, {MOST_LAYERS}]", whole=True)
UNITS_KIND = Number("[1, 1000000]", whole=True)

REFUSED = {
    "training.metric": "Say by which metric trials are compared: --metric, or metric=.",
    "training.time_limit": "A trial must not depend on the machine: leave it out.",
    "training.executor": "It changes how fast a network learns, not what: set it for all trials.",
}
"""Settings of a recipe that are not searched over, and why."""

LOOKED_AT = 5
"""So many values of a continuous distribution are checked, its ends among them."""

MOST_LOOKED_AT = 1000


def is_called_none(one: Setting) -> bool:
    """Say whether a setting has a value that is called none."""
    return isinstance(one.kind, Choice) and NONE in one.kind.names()


def is_own(name: str) -> bool:
    return name in (LAYERS, UNITS) or UNITS_OF.fullmatch(name) is not None


def values_of(space: Space) -> Iterator[tuple[str, Sequence[Any]]]:
    """Yield names with their values, or some of them where there are very many."""
    yield from ((name, (value,)) for name, value in space.fixed.items())
    for one in space.dimensions:
        yield one.name, looked_at(one.distribution)


def looked_at(distribution: Distribution) -> Sequence[Any]:
    """Return values of a distribution, its ends first where these are not all."""
    values = distribution.values(LOOKED_AT)
    return [values[0], values[-1], values[len(values) // 2]] if len(values) > MOST_LOOKED_AT else values


def check_own(space: Space, plan: Plan, names: Sequence[str]) -> None:
    """Check the sizes of layers."""
    own = [name for name in names if is_own(name)]
    if own and HIDDEN in names:
        fix = f"Leave out {HIDDEN}, or {own[0]}."
        raise UsageError("the hidden layers are told twice", where="space", got=f"{HIDDEN} and {own[0]}", fix=fix)
    for name, values in values_of(space):
        if is_own(name):
            _check_values(name, values, LAYERS_KIND if name == LAYERS else UNITS_KIND)
    most = _most_layers(space, plan)
    for name in names:
        found = UNITS_OF.fullmatch(name)
        if found and most is not None and int(found[1]) > most:
            got = f"{most} hidden layers at most"
            raise UsageError(
                "there is never such a layer", where=name, got=got, fix=f"Leave it out, or widen {LAYERS}."
            )
    if LAYERS in names and not plan.recipe.hidden and UNITS not in names:
        told = {int(found[1]) for name in names if (found := UNITS_OF.fullmatch(name))}
        missing = [number for number in range(1, (most or 0) + 1) if number not in told]
        if missing:
            raise UsageError(
                f"layer {missing[0]} has no size", where=LAYERS, fix=f"Add {UNITS}, such as integer(16, 256)."
            )


def _most_layers(space: Space, plan: Plan) -> int | None:
    """Return how many hidden layers there may be; None where the names of their sizes decide it."""
    if LAYERS in space.fixed:
        return int(str(space.fixed[LAYERS]))
    for one in space.dimensions:
        if one.name == LAYERS:
            return max(int(str(value)) for value in looked_at(one.distribution))
    return None


def _check_values(name: str, values: Sequence[Any], kind: Kind) -> None:
    for value in values:
        try:
            kind.check(name, list(value) if isinstance(value, tuple) else value)
        except UsageError as error:
            fix = error.fix
            if isinstance(kind, Number) and kind.whole and isinstance(value, float):
                fix = "Write integer(LOW, HIGH), or choice(...) with whole numbers."
            told = error.got or repr(value)[:60]
            raise UsageError(error.what, where=f"space, {name}", got=told, expected=error.expected, fix=fix) from None


def check_setting(name: str, values: Sequence[Any], space: Space, plan: Plan) -> None:
    path = split_name(name)
    if name in REFUSED:
        raise UsageError("this setting is not searched over", where=f"space, {name}", fix=REFUSED[name])
    one = _find(name, path)
    if not one.holds_others:
        called = is_called_none(one)
        _check_values(name, [NONE if value is None and called else value for value in values], one.kind)
        return
    section = path[0]
    chooser = f"{section}.name"
    chosen = next((names for other, names in values_of(space) if other == chooser), None)
    if chosen is None:
        chosen = [getattr(plan.recipe, f"{section}_name")]
    check_other(name, values, [str(each) for each in chosen if each != AUTO])


def _find(name: str, path: tuple[str, ...]) -> Setting:
    """Return the setting of a recipe that a name means, or raise a UsageError with the nearest one."""
    of_recipe = list_settings(Recipe)
    try:
        return find_setting(of_recipe, path)
    except UsageError as error:
        fix = error.fix
    if any(one.path == path or (one.holds_others and one.path[0] == path[0]) for one in known_settings()):
        fix = "A search is over how is learned, not over what: say it with --set or in the plan."
        raise UsageError("this is no setting of a recipe", where=f"space, {name}", fix=fix)
    known = [*(format_path(one.path) for one in of_recipe if not one.holds_others), LAYERS, UNITS, f"{UNITS}_1"]
    if path[0] == "network" or fix is None or not fix.startswith("Did you mean"):
        fix = nearest(name[:60], known)
    raise UsageError("there is no such setting", where=f"space, {name[:60]}", fix=fix) from None
