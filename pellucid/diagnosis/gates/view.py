"""Reports of gates as text, as HTML, and as plain data."""

from __future__ import annotations

import math
import shutil
import textwrap
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from pellucid.diagnosis.gates.finding import FAIL, PASS, VERDICTS, WARN, Finding, GateReport
from pellucid.diagnosis.gates.ranking import rank_causes

MOST_CAUSES = 3
NARROW, WIDEST = 72, 120
"""Below so many letters a line, evidence stands below the name of its gate; above so many, lines are no longer."""


def write_report(report: GateReport) -> str:
    """Return a report as text: what failed first, and the most likely causes at the end.

    Examples
    --------
    >>> print(write_report(GateReport((Finding("dead_units", "during", "pass", "3 % of them are dead"),))))
    1 passed
    <BLANKLINE>
    pass  dead_units  3 % of them are dead
    """
    width = min(WIDEST, max(24, shutil.get_terminal_size((WIDEST, 24)).columns))
    names = [_title(finding) for finding in report]
    margin = min(max(map(len, names), default=0), 28) + 8 if width >= NARROW else 6
    lines = [summarize_verdicts(report), ""]
    for finding in worst_first(report):
        head = f"{finding.verdict if finding.verdict == PASS else finding.verdict.upper():4}  {_title(finding)}"
        lines += _beside(head, margin, finding.evidence, width)
        if finding.verdict != PASS:
            told = (("threshold: ", finding.threshold), ("remedy: ", finding.remedy))
            lines += [line for kind, text in told if text for line in _beside("", margin, kind + text, width)]
    causes = rank_causes(report)[:MOST_CAUSES]
    if causes:
        lines += ["", "Likely causes, the likeliest first"]
    for number, ranked in enumerate(causes, start=1):
        said = f"{ranked.cause.what}. {ranked.cause.remedy} ({', '.join(_gates(ranked.findings))})"
        lines += _beside(f"  {number}. {ranked.cause.name}", margin, said, width)
    return "\n".join(lines).rstrip()


def write_html(report: GateReport) -> str:
    """Return a report as a piece of HTML that needs nothing else, for light and for dark ground."""
    rows = "".join(_html_row(finding) for finding in worst_first(report) if finding.verdict != PASS)
    passed = "".join(_html_row(finding) for finding in report if finding.verdict == PASS)
    causes = "".join(
        f"<li><b>{escape(ranked.cause.what)}</b> <code>{escape(ranked.cause.name)}</code><br>"
        f"{escape(ranked.cause.remedy)} <small>{escape(', '.join(_gates(ranked.findings)))}</small></li>"
        for ranked in rank_causes(report)[:MOST_CAUSES]
    )
    count = len([finding for finding in report if finding.verdict == PASS])
    return (
        f'<div class="pellucid-gates"><style>{_STYLE}</style>'
        f"<p><b>{escape(summarize_verdicts(report))}</b></p>"
        + (f"<p>Likely causes, the likeliest first</p><ol>{causes}</ol>" if causes else "")
        + (f"<table>{rows}</table>" if rows else "")
        + (f"<details><summary>{_count(count)} passed</summary><table>{passed}</table></details>" if passed else "")
        + "</div>"
    )


def as_data(report: GateReport) -> dict[str, Any]:
    """Return a report as data that JSON can hold; numbers that are not finite are None."""
    return {
        "verdict": report.verdict,
        "findings": [
            {
                **{key: value for key, value in vars(finding).items() if key != "causes"},
                "measured": _finite(finding.measured),
                "causes": list(finding.causes),
            }
            for finding in report
        ],
        "causes": [
            {
                "name": ranked.cause.name,
                "what": ranked.cause.what,
                "remedy": ranked.cause.remedy,
                "score": round(ranked.score, 6),
                "gates": _gates(ranked.findings),
            }
            for ranked in rank_causes(report)
        ],
    }


def worst_first(report: Iterable[Finding]) -> list[Finding]:
    """Return findings, what failed before what is worth a look before what passed, otherwise in their order."""
    return sorted(report, key=lambda finding: -VERDICTS.index(finding.verdict))


def summarize_verdicts(report: GateReport) -> str:
    """Return how many findings there are of each kind, in words."""
    told = {FAIL: "failed", WARN: "worth a look", PASS: "passed"}
    counts = {verdict: sum(finding.verdict == verdict for finding in report) for verdict in told}
    shown = [f"{_count(count)} {told[verdict]}" for verdict, count in counts.items() if count]
    return ", ".join(shown) or "nothing was asked"


def _title(finding: Finding) -> str:
    return finding.gate + (f" ({finding.where})" if finding.where else "")


def _beside(head: str, margin: int, text: str, width: int) -> list[str]:
    """Return text beside a head, wrapped; below it where the head is too long."""
    lines = textwrap.wrap(text, width - margin, break_on_hyphens=False) or [""]
    if len(head) + 2 > margin:
        return [*textwrap.wrap(head, width, subsequent_indent=" " * 6), *(" " * margin + line for line in lines)]
    return [(head.ljust(margin) + lines[0]).rstrip(), *(" " * margin + line for line in lines[1:])]


def _gates(findings: Sequence[Finding]) -> list[str]:
    return list(dict.fromkeys(finding.gate for finding in findings))


def _finite(number: float | None) -> float | None:
    return number if number is not None and math.isfinite(number) else None


def _count(number: int) -> str:
    return f"{number:,}"


def _html_row(finding: Finding) -> str:
    notes = ""
    if finding.verdict != PASS:
        notes = f"<br><small>{escape(finding.threshold)}</small>" if finding.threshold else ""
        notes += f"<br><i>{escape(finding.remedy)}</i>" if finding.remedy else ""
    where = f"<br><small>{escape(finding.where)}</small>" if finding.where else ""
    return (
        f'<tr><td><span class="{finding.verdict}">{finding.verdict}</span></td>'
        f"<td><code>{escape(finding.gate)}</code>{where}</td><td>{escape(finding.evidence)}{notes}</td></tr>"
    )


# Ink and ground are those of what is around it; only the verdicts have colours of their own.
_STYLE = """
.pellucid-gates { max-width: 72em; color: inherit; line-height: 1.4 }
.pellucid-gates table { border-collapse: collapse; width: 100%; color: inherit; background: none }
.pellucid-gates td { text-align: left; vertical-align: top; padding: 0.35em 0.9em 0.35em 0; color: inherit;
  background: none; border-top: 1px solid rgba(128, 128, 128, 0.35); overflow-wrap: anywhere }
.pellucid-gates td:first-child, .pellucid-gates td code { white-space: nowrap }
.pellucid-gates td:nth-child(2) { width: 12em; overflow-wrap: normal }
.pellucid-gates small { opacity: 0.75 }
.pellucid-gates li { margin: 0.4em 0 }
.pellucid-gates code { color: inherit; background: none }
.pellucid-gates span { border-radius: 0.3em; padding: 0 0.5em; color: #ffffff; font-weight: 600 }
.pellucid-gates .fail { background: #b3202c }
.pellucid-gates .warn { background: #8a5a00 }
.pellucid-gates .pass { background: #0a7038 }
"""
