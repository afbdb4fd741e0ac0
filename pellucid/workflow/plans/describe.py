"""All settings of a plan with what they mean, as a TOML file to start from."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field
from typing import TYPE_CHECKING, Any

from pellucid.nn.losses import default_loss, loss_names
from pellucid.nn.losses.loss import TASKS
from pellucid.optim.optimizers import OPTIMIZERS
from pellucid.optim.schedules import SCHEDULES
from pellucid.training.metrics import METRICS, metrics_for
from pellucid.workflow.plans.chosen import AUTO, loss_class, own_settings
from pellucid.workflow.plans.kinds import Choice, Kind, Number
from pellucid.workflow.plans.meanings import find_meaning
from pellucid.workflow.plans.settings import Setting
from pellucid.workflow.plans.toml_text import toml_key, toml_value

if TYPE_CHECKING:
    from pellucid.workflow.plans.plan import Plan

WIDTH = 98

HEAD = """Every setting of a run, with its default and what it means.
Change what you like, leave out what you do not care about, and train with it:
    pellucid train TABLE --config FILE
"""


def describe_settings(plan: Plan, reasons: Mapping[str, str] | None = None) -> str:
    """Return a TOML file in which every setting stands with its value, its meaning and its default.

    Parameters
    ----------
    plan : Plan
        Whose values stand there. Where it has a task, losses and metrics that fit it are named, else all of them.
    reasons : mapping, optional
        By column, why it has its role.

    Returns
    -------
    str
        :func:`~pellucid.workflow.plans.plan.read_plan` gives the same plan back.

    Examples
    --------
    >>> from pellucid.workflow.plans.plan import Plan
    >>> for line in describe_settings(Plan(target=("price",), task="regression")).splitlines()[-7:-3]:
    ...     print(line)
    <BLANKLINE>
    # Training stops after so many seconds; 0 for no limit. A number from 0 up. Default: 0.0.
    time_limit = 0.0
    <BLANKLINE>
    """
    from pellucid.workflow.plans.plan import known_settings

    lines = [*_comment(HEAD)]
    values, section = plan.to_paths(), ""
    for one in known_settings():
        if len(one.path) > 1 and one.path[0] != section:
            section = one.path[0]
            lines += ["", f"[{section}]"]
        if not one.holds_others:
            lines += ["", *_comment(_sentence(one, plan)), f"{one.path[-1]} = {_written(one.kind, values[one.path])}"]
        elif section == "roles":
            lines += ["", *_comment(f"{one.doc} {_expected(one.kind)}"), *_roles(plan, reasons or {})]
        else:
            lines += _others(section, plan, {path[-1]: value for path, value in values.items() if path[0] == section})
    return "\n".join(lines) + "\n"


def _comment(text: str, indent: str = "") -> list[str]:
    """Return text as lines of a comment, in which TOML allows no control characters."""
    lines = []
    for line in text.splitlines():
        plain = "".join(letter if letter.isprintable() else "?" for letter in line)
        deep = indent or " " * (len(plain) - len(plain.lstrip()))
        lines += textwrap.wrap(plain, WIDTH - 2, subsequent_indent=deep, break_on_hyphens=False) or [""]
    return [f"# {line}".rstrip() for line in lines]


def _written(kind: Kind, value: Any) -> str:
    return toml_value(kind.none if value is None else value)


def _sentence(one: Setting, plan: Plan) -> str:
    default = f" Default: {_written(one.kind, one.default)}." if one.path != ("target",) else ""
    return f"{one.doc} {_expected(_fitting(one, plan))}{default}"


def _expected(kind: Kind) -> str:
    words = kind.expected
    return f"{words[:1].upper()}{words[1:]}."


def _fitting(one: Setting, plan: Plan) -> Kind:
    """Return the kind of a setting, with the choices that fit the task."""
    if one.path == ("loss", "name"):
        return Choice("loss", lambda: [AUTO, *_losses(plan)])
    if one.path == ("training", "metric"):
        fitting = {found.name: None for task in _tasks(plan) for found in metrics_for(task)}
        return Choice("metric", lambda: [name for name in METRICS if name in fitting])
    return one.kind


def _tasks(plan: Plan) -> tuple[str, ...]:
    if plan.task == "classification":
        return "binary", "multiclass"
    return (plan.task,) if plan.task else TASKS


def _losses(plan: Plan) -> list[str]:
    return [name for task in _tasks(plan) for name in loss_names(task)]


def _roles(plan: Plan, reasons: Mapping[str, str]) -> Iterator[str]:
    for name, kind in plan.roles.items():
        why = "".join(_comment(" ".join(reasons.get(name, "").split()))[:1]).rstrip("# ")
        yield f"{toml_key(name)} = {toml_value(kind)}" + (f"  {why}" if why else "")


def _others(section: str, plan: Plan, values: Mapping[str, Any]) -> list[str]:
    """Return the settings that only the chosen loss, optimizer or schedule has, and those of the others in short."""
    known = _choices(section, plan)
    chosen = getattr(plan.recipe, f"{section}_name")
    lines: list[str] = []
    if chosen == AUTO:
        chosen = default_loss(plan.task).name if plan.task in TASKS else ""
    if chosen:
        cls = known.pop(chosen, None) or loss_class(chosen)
        for name, one in own_settings(section, cls).items():
            about = (
                f"Of {chosen} only. {find_meaning(section, chosen, name)} {_range(cls, name)}Default: {_default(one)}."
            )
            written = f"{toml_key(name)} = {toml_value(values[name]) if name in values else _default(one)}"
            lines += ["", *_comment(" ".join(about.split())), written if name in values else f"# {written}"]
    having = {name: own for name, cls in known.items() if (own := own_settings(section, cls))}
    if having:
        lines += ["", f"# Settings of others, where they are chosen as {section}.name:"]
    for name, own in having.items():
        listed = ", ".join(f"{key} = {_default(one)}" for key, one in own.items())
        lines += _comment(f"  {name}: {listed}", indent="    ")
    return lines


def _choices(section: str, plan: Plan) -> dict[str, type]:
    if section == "loss":
        return {name: loss_class(name) for name in _losses(plan)}
    return dict(OPTIMIZERS if section == "optimizer" else SCHEDULES)


def _default(one: Field) -> str:
    if one.default is MISSING:
        return toml_value(one.default_factory().name) if one.default_factory is not MISSING else "..."
    return "..." if one.default is None else toml_value(one.default)


def _range(cls: type, name: str) -> str:
    interval = getattr(cls, "ranges", {}).get(name)
    return f"{_expected(Number(interval, name in getattr(cls, 'whole', ())))} " if interval else ""
