"""What gates find: a verdict with its evidence, and a report of many."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pellucid.errors import PellucidError

PASS, WARN, FAIL = "pass", "warn", "fail"
VERDICTS = (PASS, WARN, FAIL)
"""From good to bad."""

MOST_EVIDENCE = 3
"""Of so many gates that failed an error quotes the evidence; its report has all."""


class GateError(PellucidError, AssertionError):
    """A gate failed.

    Attributes
    ----------
    report : GateReport
        All that was found.
    """

    report: Any = None


@dataclass(frozen=True)
class Finding:
    """What one gate has found.

    Attributes
    ----------
    gate : str
        Its name, such as ``loss_at_initialization``.
    phase : {"before", "during", "after"}
    verdict : {"pass", "warn", "fail"}
    evidence : str
        What was measured, as a sentence with the numbers.
    measured : float or None
        The number that was held against the threshold.
    threshold : str
        What it was held against, with the source: ``at most 0.5 (He et al. 2015)``.
    remedy : str
        What to do; empty where the gate passes.
    causes : tuple of str
        What may be the cause, the most likely first: names of :data:`pellucid.diagnosis.gates.causes.CAUSES`. Empty
        where the gate passes.
    where : str
        The layer, column or epoch concerned; empty where it is all of the network.
    """

    gate: str
    phase: str
    verdict: str
    evidence: str
    measured: float | None = None
    threshold: str = ""
    remedy: str = ""
    causes: tuple[str, ...] = ()
    where: str = ""

    def __str__(self) -> str:
        place = f" at {self.where}" if self.where else ""
        lines = [f"{self.verdict.upper():4}  {self.gate}{place}: {self.evidence}"]
        if self.threshold:
            lines.append(f"      threshold: {self.threshold}")
        if self.verdict != PASS and self.remedy:
            lines.append(f"      remedy: {self.remedy}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return GateReport((self,))._repr_html_()


@dataclass(frozen=True)
class GateReport:
    """What some gates have found, in the order in which they were asked.

    Attributes
    ----------
    findings : tuple of Finding
    """

    findings: tuple[Finding, ...]

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)

    def __getitem__(self, gate: str) -> Finding:
        """Return the worst finding of a gate."""
        found = [finding for finding in self.findings if finding.gate == gate]
        if not found:
            raise KeyError(gate)
        return max(found, key=lambda finding: VERDICTS.index(finding.verdict))

    def __add__(self, other: GateReport) -> GateReport:
        return GateReport((*self.findings, *other.findings))

    @property
    def verdict(self) -> str:
        """The worst of all verdicts."""
        return max((finding.verdict for finding in self.findings), key=VERDICTS.index, default=PASS)

    def __str__(self) -> str:
        from pellucid.diagnosis.gates.view import write_report

        return write_report(self)

    def _repr_html_(self) -> str:
        from pellucid.diagnosis.gates.view import write_html

        return write_html(self)

    def as_dict(self) -> dict[str, Any]:
        """Return all that was found, and the likely causes, as JSON can hold it; what is not finite is None."""
        from pellucid.diagnosis.gates.view import as_data

        return as_data(self)

    @property
    def causes(self) -> list[Any]:
        """What most likely brought it about, see :func:`pellucid.diagnosis.gates.ranking.rank_causes`."""
        from pellucid.diagnosis.gates.ranking import rank_causes

        return list(rank_causes(self))

    @property
    def failed(self) -> tuple[Finding, ...]:
        """What failed."""
        return tuple(finding for finding in self.findings if finding.verdict == FAIL)

    @property
    def warned(self) -> tuple[Finding, ...]:
        """What is worth a look."""
        return tuple(finding for finding in self.findings if finding.verdict == WARN)

    def raise_failures(self) -> GateReport:
        """Raise a GateError with the evidence where a gate failed; return the report otherwise."""
        if self.failed:
            names = ", ".join(dict.fromkeys(finding.gate for finding in self.failed))
            error = GateError(
                f"{_count(len(self.failed), 'gate')} failed: {names}",
                got=" / ".join(finding.evidence for finding in self.failed[:MOST_EVIDENCE]),
                fix=self._advice(),
            )
            error.report = self
            raise error
        return self

    def _advice(self) -> str:
        """Return what to do about the likeliest cause, or about the first gate that failed."""
        causes = self.causes
        if not causes:
            return self.failed[0].remedy
        return f"Likeliest cause: {causes[0].cause.what}. {causes[0].cause.remedy}"


def merge(reports: Sequence[GateReport]) -> GateReport:
    """Return one report of several."""
    return GateReport(tuple(finding for report in reports for finding in report))


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")
