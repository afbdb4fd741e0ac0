"""``pellucid study``: what a search has found, read from its file, also while it runs."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import Annotated, Any

import typer

from pellucid.cli.output import check_file, show, show_json, tell, write_data
from pellucid.cli.study_export import PLAIN, write_trials
from pellucid.cli.study_view import assignments_of, describe_study, describe_trial, parameters_as_toml, view_study
from pellucid.cli.table_options import as_options as naming_options
from pellucid.errors import UsageError, nearest
from pellucid.tuning.study import Study, open_study

TOP = 10
MOST = 1000


def study(
    what: Annotated[str, typer.Argument(metavar="WHAT", help="show, best or export.", show_default=False)],
    file: Annotated[
        str, typer.Argument(metavar="STUDY", help="The file of a study, such as study.db.", show_default=False)
    ],
    top: Annotated[
        int | None, typer.Option("--top", metavar="N", help=f"Of show: so many of the best trials. Else {TOP}.")
    ] = None,
    trial: Annotated[
        int | None, typer.Option("--trial", metavar="NUMBER", help="Of best: this trial, not the best one.")
    ] = None,
    as_options: Annotated[
        bool, typer.Option("--set", help="Of best: print its settings as options of pellucid train.")
    ] = False,
    out: Annotated[
        str | None, typer.Option("--out", "-o", metavar="FILE", help="Of export: a CSV, Parquet or JSON file.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Of show and best: print it as JSON, and nothing else.")
    ] = False,
) -> None:
    """Show what a search has found, its best settings, or export its trials; also while it runs.

    show tells what is searched, how far it is, and the best trials. best prints the settings of the best trial as TOML,
    or with --set as options of pellucid train. export writes all trials: as CSV or Parquet a row for each, as JSON with
    the learning curves.
    """
    if what not in _ACTIONS:
        raise UsageError(f"there is no {what[:60]!r} of a study", where="WHAT", fix=nearest(what[:60], _ACTIONS))
    given = {"--top": top, "--trial": trial, "--set": as_options or None, "--out": out, "--json": as_json or None}
    action, known = _ACTIONS[what]
    for option, value in given.items():
        if value is not None and option not in known:
            owners = " and ".join(name for name, (_, options) in _ACTIONS.items() if option in options)
            raise UsageError(f"{option} is of {owners}", where=f"study {what}", fix="Leave it out.")
    action(file, **{option.removeprefix("--"): value for option, value in given.items() if value is not None})


def _show(file: str, top: int = TOP, json: bool = False) -> None:
    if not 0 <= top <= MOST:
        raise UsageError("not a number of trials", where="--top", got=str(top), expected=f"from 0 to {MOST}")
    with open_study(file) as opened:
        found = describe_study(opened, top)
    if json:
        show_json(found)
    else:
        show(view_study(found))


def _best(file: str, trial: int | None = None, set: bool = False, json: bool = False) -> None:
    if set and json:
        raise UsageError("--set and --json do not go together", fix="Give one of them.")
    with open_study(file) as opened:
        found = _chosen(opened, trial)
        record = opened.record
    if json:
        show_json({"metric": record.metric, **describe_trial(found, record)})
    elif set:
        write_data(" ".join(f"--set {shlex.quote(one)}" for one in assignments_of(found, record)) + "\n")
    else:
        write_data(parameters_as_toml(found, record, file))


def _chosen(opened: Study, number: int | None) -> Any:
    if number is not None:
        with naming_options(number="--trial"):
            return opened.trial(number)
    best = opened.best(1)
    if not best:
        raise UsageError(
            "no trial has a value yet", where=str(opened.path), fix="Wait, or look with pellucid study show."
        )
    return best[0]


def _export(file: str, out: str | None = None) -> None:
    if out is None:
        raise UsageError("no file is named", where="study export", fix="Add --out trials.csv, .parquet or .json.")
    path = check_file("--out", out, PLAIN, "a CSV, Parquet or JSON file", file)
    with open_study(file) as opened:
        count = write_trials(opened, path)
    tell(f"{count:,} trials written to {path}")


_ACTIONS: dict[str, tuple[Callable[..., None], tuple[str, ...]]] = {
    "show": (_show, ("--top", "--json")),
    "best": (_best, ("--trial", "--set", "--json")),
    "export": (_export, ("--out",)),
}
