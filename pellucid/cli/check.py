"""``pellucid check``: gates asked about a table before training, or about a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pellucid.cli.observe_view import printable_lines
from pellucid.cli.options import check_table as check_name
from pellucid.cli.options import make_plan
from pellucid.cli.output import show_json, tell
from pellucid.data.tables.table import read_table
from pellucid.diagnosis.gates.finding import GateReport
from pellucid.errors import UsageError
from pellucid.workflow.checking import check_run, check_table

FAILED = 1
"""The exit code where a gate failed."""


def check(
    subject: Annotated[
        str, typer.Argument(metavar="TABLE|RUN", help="A CSV or Parquet file, or a run folder.", show_default=False)
    ],
    target: Annotated[
        list[str] | None,
        typer.Option("--target", "-t", metavar="COLUMN", help="The column to predict; repeat it for several."),
    ] = None,
    config: Annotated[
        str | None, typer.Option(metavar="FILE.toml", help="Settings of the training that is planned.")
    ] = None,
    assignments: Annotated[
        list[str] | None, typer.Option("--set", metavar="PATH=VALUE", help="One setting of it; may be repeated.")
    ] = None,
    table: Annotated[
        str | None, typer.Option("--table", metavar="TABLE", help="Of a run: where its table is now.")
    ] = None,
    phases: Annotated[
        list[str] | None, typer.Option("--phase", metavar="NAME", help="Of a run: before, during or after.")
    ] = None,
    gates: Annotated[
        list[str] | None, typer.Option("--gate", metavar="NAME", help="Ask this gate; may be repeated.")
    ] = None,
    thresholds: Annotated[
        list[str] | None,
        typer.Option("--threshold", metavar="NAME=NUMBER", help="Change one, such as dead_units.fail=0.5."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON, and nothing else.")] = False,
) -> int:
    """Ask gates about a table before training, or about a run: what is wrong, by which evidence, and what to do.

    Of a table: leaking, duplicate and unscaled columns, the loss and the scale of layers at the start, gradients, and
    whether the planned network can learn from it. Of a run: its training is done again, to the bit, and looked into;
    its network is compared with simple models and tried for robustness, spread and calibration.

    The exit code is 0 where no gate fails, 1 where one does, and 2 where the question itself was wrong.
    """
    changed = parse_thresholds(thresholds or [])
    try:
        report, about = _ask(subject, target, config, assignments, table, phases, gates, changed)
    except UsageError as error:
        option = _OPTIONS.get((error.where or "").partition(",")[0])
        if option is None:
            raise
        raise UsageError(error.what, where=option, got=error.got, expected=error.expected, fix=error.fix) from None
    return _tell(report, as_json, about)


_OPTIONS = {"gates": "--gate", "thresholds": "--threshold", "phases": "--phase"}
"""What the command line calls arguments of the library."""


def _ask(
    subject: str,
    target: list[str] | None,
    config: str | None,
    assignments: list[str] | None,
    table: str | None,
    phases: list[str] | None,
    gates: list[str] | None,
    changed: dict[str, float],
) -> tuple[GateReport, dict[str, Any]]:
    """Return what the gates say of a table or a run, and what is told besides."""
    if Path(subject).is_dir():
        refused = {"--target": target, "--config": config, "--set": assignments}
        given = [option for option, value in refused.items() if value]
        if given:
            what = "a run says by itself how it was trained"
            raise UsageError(what, where=given[0], fix="Leave it out, or name a table.")
        found = check_run(subject, table=table, phases=phases or None, gates=gates, thresholds=changed)
        return found.report, {"run": subject, "repeated": found.repeated}
    if table is not None or phases:
        option = "--table" if table is not None else "--phase"
        raise UsageError("this goes with a run, and no run folder is there", where=option, got=subject)
    check_name(subject)
    plan = make_plan(subject, config, {"--target": target}, assignments or [])
    if not plan.target:
        known = ", ".join(map(repr, read_table(subject).names[:12]))
        raise UsageError("no target is named", where=subject, fix=f"Say --target COLUMN. Columns: {known}.")
    return check_table(subject, plan=plan, gates=gates, thresholds=changed), {"table": subject}


def parse_thresholds(assignments: list[str]) -> dict[str, float]:
    """Return changes of thresholds as a command line has them.

    Examples
    --------
    >>> parse_thresholds(["dead_units.fail=0.5"])
    {'dead_units.fail': 0.5}
    """
    changed = {}
    for text in assignments:
        name, sign, value = text.partition("=")
        name, _, bound = name.strip().rpartition(".")
        expected = "such as dead_units.fail=0.5 or dead_units.warn=0.2"
        if not sign or not name or bound not in ("warn", "fail"):
            raise UsageError("not a change of a threshold", where="--threshold", got=repr(text), expected=expected)
        try:
            changed[f"{name}.{bound}"] = float(value)
        except ValueError:
            raise UsageError("not a number", where="--threshold", got=repr(text), expected=expected) from None
    return changed


def _tell(report: GateReport, as_json: bool, subject: dict[str, Any]) -> int:
    if as_json:
        show_json({**subject, **report.as_dict()})
    else:
        if subject.get("repeated") is False:
            tell("pellucid: done again, the training did not end with the bits of the saved model")
        print(printable_lines(str(report)), end="")
    return FAILED if report.failed else 0
