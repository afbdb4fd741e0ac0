"""What is told of a study: as plain data, and laid out for a terminal."""

from __future__ import annotations

import contextlib
import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from pellucid.errors import PellucidError, UsageError
from pellucid.tuning.space import Space, split_name
from pellucid.tuning.space.values import format_value
from pellucid.tuning.study import Study, StudyRecord
from pellucid.tuning.trial import FAILED, Trial
from pellucid.workflow.plans.plan import plan_of
from pellucid.workflow.plans.plan_file import PLAN
from pellucid.workflow.plans.recipe import Recipe
from pellucid.workflow.plans.settings import to_paths
from pellucid.workflow.plans.toml_text import format_path, toml_value, write_toml
from pellucid.workflow.reports.layout import (
    Rows,
    count_things,
    list_words,
    printable,
    show_number,
    view_facts,
    write_digits,
)
from pellucid.workflow.tuning.recipe_space import recipe_space

MOST_WORDS = 8
MOST_ERRORS = 3


def describe_record(record: StudyRecord) -> dict[str, Any]:
    """Return what a study is about, as plain data for JSON."""
    names = (
        "metric",
        "higher_is_better",
        "sampler",
        "pruner",
        "seed",
        "members",
        "created",
        "versions",
        "settings",
        "space",
    )
    return {name: getattr(record, name) for name in names}


def describe_trial(trial: Trial, record: StudyRecord, with_members: bool = False) -> dict[str, Any]:
    """Return what a trial is, as plain data for JSON."""
    told: dict[str, Any] = {
        "number": trial.number,
        "state": trial.state,
        "value": trial.value,
        "deviation": trial.deviation,
        "epochs": trial.epochs,
        "seconds": trial.seconds,
        "bracket": trial.bracket,
        "error": trial.error,
        "parameters": dict(trial.parameters),
    }
    if with_members:
        names = [*record.members, *(f"member {place + 1}" for place in range(len(record.members), len(trial.members)))]
        told["members"] = [
            {
                "name": name,
                "value": member.value,
                "epochs": member.epochs,
                "best_epoch": member.best_epoch,
                "seconds": member.seconds,
                "curve": [list(point) for point in member.curve],
            }
            for name, member in zip(names, trial.members, strict=False)
        ]
    return told


def describe_study(study: Study, top: int) -> dict[str, Any]:
    """Return what a study is and what it has found, as plain data for JSON.

    Parameters
    ----------
    study : Study
    top : int
        So many of the best trials are told of.
    """
    found = study.snapshot()
    errors = Counter(trial.error for trial in found.trials() if trial.state == FAILED)
    return {
        "path": str(study.path),
        **describe_record(study.record),
        "trials": found.counts(),
        "sessions": found.sessions(),
        "best": [describe_trial(trial, study.record) for trial in found.best(top)],
        "errors": [{"error": error, "trials": count} for error, count in errors.most_common()],
    }


def view_study(told: Mapping[str, Any]) -> RenderableType:
    """Lay out what :func:`describe_study` tells."""
    parts: list[RenderableType] = [view_facts(_facts(told)), "", Text("Space", style="bold")]
    parts += [Text(f"  {line}") for line in _space_lines(told["space"])]
    if told["best"]:
        parts += ["", Text("Best trials", style="bold"), _view_best(told)]
    if told["errors"]:
        shown = told["errors"][:MOST_ERRORS]
        rows = [(count_things(one["trials"], "trial"), printable(one["error"])) for one in shown]
        parts += ["", Text("Failed", style="bold"), Rows(rows, right=(0,))]
    return Group(*parts)


def _facts(told: Mapping[str, Any]) -> list[tuple[str, str]]:
    best = "higher is better" if told["higher_is_better"] else "lower is better"
    counts = [f"{count:,} {state}" for state, count in told["trials"].items() if count]
    facts = [
        ("study", printable(told["path"])),
        ("metric", f"{printable(told['metric'])}, {best}; mean of {list_words(told['members'], MOST_WORDS) or 'one'}"),
        ("search", printable(f"sampler {told['sampler']}, pruner {told['pruner']}, seed {told['seed']}")),
        ("begun", printable(f"{told['created']}, with {_versions(told['versions'])}")),
        ("trials", ", ".join(counts) or "none yet"),
    ]
    if told["sessions"]:
        facts.append(("sessions", _sessions(told["sessions"])))
    return facts


def _versions(versions: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items()) or "versions unknown"


def _sessions(sessions: list[dict[str, Any]]) -> str:
    last = sessions[-1]
    end = f"ended {last['ended']}" if last["ended"] else "has not ended: it runs, or was killed"
    return printable(f"{len(sessions):,}; the last one began {last['began']} and {end}")


def _space_lines(text: str) -> list[str]:
    with contextlib.suppress(PellucidError):
        text = str(Space.from_toml(text))
    return [printable(line) for line in text.splitlines()]


def _view_best(told: Mapping[str, Any]) -> RenderableType:
    try:
        fixed = Space.from_toml(told["space"]).fixed
    except PellucidError:
        fixed = {}
    head = ("trial", "value", "spread", "epochs", "parameters")
    rows = [_row(trial, told["metric"], fixed) for trial in told["best"]]
    return Rows([head, *rows], right=(0, 1, 2, 3))


def _row(trial: Mapping[str, Any], metric: str, fixed: Mapping[str, Any]) -> tuple[str, ...]:
    parameters = [
        f"{printable(name)} {_value(value)}" for name, value in trial["parameters"].items() if name not in fixed
    ]
    spread = "" if trial["deviation"] is None else f"± {show_number(metric, trial['deviation'])}"
    number = f"{trial['number']}{'' if trial['state'] == 'finished' else ' ' + trial['state']}"
    return number, show_number(metric, trial["value"]), spread, f"{trial['epochs']:,}", ", ".join(parameters)


def _value(value: Any) -> str:
    if isinstance(value, float):
        return write_digits(value, 4) if math.isfinite(value) else str(value)
    return printable(format_value(value))


def parameters_as_toml(trial: Trial, record: StudyRecord, file: str) -> str:
    """Return the settings of a trial as TOML, with what became of it above them."""
    value = "no value" if trial.value is None else f"{record.metric} {trial.value!r}"
    spread = "" if trial.deviation is None else f" ± {trial.deviation:.3g} over {len(trial.members)} members"
    comment = printable(f"# Trial {trial.number} of {file}, {trial.state}: {value}{spread}.")
    return f"{comment}\n\n{write_toml(_in_sections(trial.parameters))}"


def _in_sections(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings by section, the dots of their names opened; None as the word for it."""
    found: dict[str, Any] = {}
    for name, value in parameters.items():
        section: Any = found
        *path, last = _path(name)
        for part in path:
            section = section.setdefault(part, {}) if isinstance(section, dict) else None
        if not isinstance(section, dict) or last in section:  # a name that is a section of another one's
            section, last = found, name
        section[last] = "none" if value is None else value
    return found


def _path(name: str) -> tuple[str, ...]:
    try:
        return split_name(name)
    except UsageError:
        return (name,)


def assignments_of(trial: Trial, record: StudyRecord) -> list[str]:
    """Return the settings of a trial as ``pellucid train --set`` takes them, with those that its search did not vary.

    Raises
    ------
    UsageError
        Where the space is not one of settings of ``pellucid train``.
    """
    try:
        plan = plan_of(PLAN.parse(str(record.settings.get("plan", "")), "the study"))
        found = to_paths(recipe_space(Space.from_toml(record.space), plan).plan_of(trial.parameters).recipe)
    except UsageError as error:
        fix = "Leave --set out."
        raise UsageError("these are no settings of pellucid train", where="--set", got=str(error), fix=fix) from None
    usual, named = to_paths(Recipe()), set(map(_path, trial.parameters))
    chosen = {path: value for path, value in found.items() if path in named or usual.get(path) != value}
    return [f"{format_path(path)}={'none' if value is None else toml_value(value)}" for path, value in chosen.items()]
