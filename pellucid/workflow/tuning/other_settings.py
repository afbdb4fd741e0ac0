"""Settings that only some losses, optimizers or schedules have, checked before a search begins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pellucid.errors import UsageError, nearest
from pellucid.nn.losses import loss_names
from pellucid.optim.optimizers import OPTIMIZERS
from pellucid.optim.schedules import SCHEDULES
from pellucid.optim.settings import check_number
from pellucid.workflow.plans.chosen import COMMON, loss_class, own_settings


def check_other(name: str, values: Sequence[Any], chosen: Sequence[str]) -> None:
    """Check values of a setting such as ``optimizer.momentum``, which only some of what can be chosen has.

    Parameters
    ----------
    name : str
    values : sequence
    chosen : sequence of str
        The losses, optimizers or schedules that trials may have, by name.

    Raises
    ------
    UsageError
        Where none of them has this setting, or a value is out of its range.

    Examples
    --------
    >>> check_other("optimizer.momentm", [0.9], ["momentum"])
    Traceback (most recent call last):
    pellucid.errors.UsageError: space, optimizer.momentm: momentum has no such setting. Did you mean ...
    """
    section, _, key = name.partition(".")
    known = _classes(section)
    having = [each for each in chosen if each in known and key in own_settings(section, known[each])]
    where = f"space, {name}"
    if not having:
        others = [each for each, cls in known.items() if key in own_settings(section, cls)]
        own = sorted({each for one in chosen if one in known for each in own_settings(section, known[one])})
        fix = (
            f'Choose {section}.name = "{others[0]}", for example.'
            if others
            else nearest(key[:60], [*COMMON[section], *own])
        )
        told = " or ".join(chosen[:4]) or f"the usual {section}"
        raise UsageError(f"{told} has no such setting", where=where, fix=fix)
    for value in values:
        for each in having:
            _check_range(where, key, value, known[each])


def _classes(section: str) -> dict[str, Any]:
    if section == "loss":
        return {name: loss_class(name) for name in loss_names()}
    return dict(OPTIMIZERS if section == "optimizer" else SCHEDULES)


def _check_range(where: str, key: str, value: Any, cls: Any) -> None:
    """Check a value by the interval that a class declares, or by what it says of it alone."""
    interval = getattr(cls, "ranges", {}).get(key)
    if interval is not None:
        if value is not None:
            check_number(where, value, interval, whole=key in getattr(cls, "whole", ()))
        return
    try:
        cls(**{key: value})
    except UsageError as error:
        if (error.where or "").rpartition(", ")[2].rpartition(".")[2] == key:
            raise UsageError(error.what, where=where, got=error.got, expected=error.expected, fix=error.fix) from None
    except TypeError:  # it needs other settings too
        return
