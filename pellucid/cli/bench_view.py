"""What ``pellucid bench`` prints."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from pellucid.bench.page import show_microseconds
from pellucid.bench.peers import PEERS
from pellucid.bench.results import Outcome, Report
from pellucid.bench.workloads import BEST
from pellucid.workflow.reports.layout import Rows, list_words, printable, view_facts


def outcome_line(outcome: Outcome) -> str:
    """Return a workload's outcome as one line, for whoever waits."""
    own = outcome.measured.get("pellucid")
    told = f"{show_microseconds(own.seconds)} us" if own else outcome.notes.get("pellucid", "not measured")
    ratios = [f"{ratio:.2f}x {PEERS[peer].title}" for peer, ratio in _ratios(outcome).items()]
    return printable(", ".join([f"{outcome.workload.name}: {told}", *ratios]))


def view_report(report: Report) -> RenderableType:
    """Lay out the whole benchmark."""
    facts = report.facts
    named = [
        ("Processor", f"{facts.processor}, {facts.system}"),
        ("Cores", list_words(facts.cores, 16) + ("" if facts.pinned else " (this system can not pin to them)")),
        ("Executor", facts.executor),
        ("Versions", ", ".join(f"{name} {version}" for name, version in facts.versions.items())),
        *((PEERS[name].title, reason) for name, reason in facts.missing.items()),
        ("Took", f"{facts.seconds:.0f} s"),
    ]
    parts: list[RenderableType] = [Text(""), view_facts(named)]
    if facts.quick:
        parts += [Text(""), Text("A quick run: it shows that everything works, and its figures mean nothing.")]
    for outcome in report.outcomes:
        parts += [Text(""), Text(f"{outcome.workload.name}: {outcome.workload.describe()}", "bold")]
        parts += _view_outcome(report, outcome)
    return Group(*parts)


def _view_outcome(report: Report, outcome: Outcome) -> list[RenderableType]:
    rows = [_row(outcome, name) for name in outcome.measured]
    head = ["", "us" if outcome.workload.predicts else "us/step", "GFLOP/s", "of peak", "ratio", "compile s", "differs"]
    parts: list[RenderableType] = [Rows([head, *rows], right=range(1, len(head)))] if rows else []
    for name, note in outcome.notes.items():
        parts.append(Text(printable(f"  {_title(name)}: {note}")))
    for name in outcome.measured if outcome.workload.memory else ():
        above = outcome.excess_bytes(name)
        if above is not None:
            parts.append(Text(f"  {_title(name)}: {above / 1e6:.0f} MB above what is counted"))
    return parts + [Text(f"  goal {line}") for line in _goal_lines(report, outcome)]


def _row(outcome: Outcome, name: str) -> list[str]:
    found, share = outcome.measured[name], outcome.share(name)
    ratio, difference = _ratios(outcome).get(name), outcome.difference(name) if name != "pellucid" else None
    return [
        _title(name),
        show_microseconds(found.seconds),
        f"{outcome.rate(name):.1f}",
        f"{100 * share:.1f}%" if share is not None and not outcome.workload.predicts else "",
        f"{ratio:.2f}x" if ratio is not None else "",
        f"{found.compile_seconds:.2f}" if found.compile_seconds is not None else "",
        f"{difference:.1e}" if difference is not None else "",
    ]


def _title(name: str) -> str:
    return PEERS[name].title if name in PEERS else name.capitalize()


def _ratios(outcome: Outcome) -> dict[str, float]:
    found = {name: outcome.ratio(name) for name in outcome.measured if name != "pellucid"}
    return {name: ratio for name, ratio in found.items() if ratio is not None}


def _goal_lines(report: Report, outcome: Outcome) -> list[str]:
    lines = []
    for peer, goal, ratio in outcome.goals():
        if ratio is not None:
            title = "the fastest peer" if peer == BEST else PEERS[peer].title
            lines.append(f"{goal:g}x {title}: {'reached' if ratio >= goal else 'short'}, {ratio:.2f}x")
    share = report.share_goal(outcome)
    if share is not None:
        word = "reached" if share[1] >= share[0] else "short"
        lines.append(f"half the share of {outcome.workload.like}, {100 * share[0]:.1f}%: {word}, {100 * share[1]:.1f}%")
    taken = outcome.measured["pellucid"].compile_seconds if "pellucid" in outcome.measured else None
    if outcome.workload.compile_goal is not None and taken is not None:
        word = "reached" if taken <= outcome.workload.compile_goal else "short"
        lines.append(f"compiled in {outcome.workload.compile_goal:g} s: {word}, {taken:.2f} s")
    return lines
