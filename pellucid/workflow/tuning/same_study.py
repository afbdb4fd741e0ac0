"""Whether a study is the one that is to be gone on with: told by the setting in which they differ."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pellucid.errors import UsageError
from pellucid.tuning.search import check_same
from pellucid.tuning.study import StudyRecord

FIX = "Go on with what the study was made with, or begin another one."
SHA = "table.sha256"
OF_BUDGET = ("trials", "time_limit")
"""What may be another when a study is gone on with."""

LONGEST = 100


def check_same_study(found: StudyRecord, wanted: StudyRecord, where: str) -> None:
    """See that a study is the one that is to be gone on with, but for how many trials and how long.

    Parameters
    ----------
    found, wanted : StudyRecord
        Of the study, and of the search that is asked for.
    where : str
        The study.

    Raises
    ------
    UsageError
        Naming the first setting in which they differ: what is asked for, and what the study has.
    """
    for mine, theirs in zip(_parts(wanted), _parts(found), strict=True):
        names = [*theirs, *(name for name in mine if name not in theirs)]
        other = next((name for name in names if mine.get(name) != theirs.get(name)), None)
        if other is not None:
            raise _other(other, mine.get(other), theirs.get(other), where)
    budget = {name: found.settings.get(name) for name in OF_BUDGET}
    check_same(found, replace(wanted, settings={**wanted.settings, **budget}), where)


def _other(name: str, got: Any, expected: Any, where: str) -> UsageError:
    if name == SHA:
        fix = "Go on with the table as it was, or begin another study."
        return UsageError("the table is not the one that the study was made with", where=where, fix=fix)
    what = f"the study was made with another {name}"
    return UsageError(what, where=where, got=_shown(got), expected=_shown(expected), fix=FIX)


def _parts(record: StudyRecord) -> list[dict[str, Any]]:
    """Return the settings of a study, those of its plan, and its space, each by their names."""
    settings = {name: value for name, value in record.settings.items() if name not in (*OF_BUDGET, "plan")}
    return [_paths(settings), _paths(_parsed(record.settings.get("plan"))), _paths(_parsed(record.space))]


def _parsed(text: Any) -> dict[str, Any]:
    try:
        return tomllib.loads(str(text))
    except ValueError:  # no study of a table
        return {}


def _paths(tree: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in tree.items():
        path = f"{before}{name}"
        found |= _paths(value, f"{path}.") if isinstance(value, Mapping) else {path: value}
    return found


def _shown(value: Any) -> str:
    text = "nothing" if value is None else " ".join(str(value).split())
    return text if len(text) <= LONGEST else text[:LONGEST].rstrip() + " and more"
