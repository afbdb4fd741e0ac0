"""Scores of the gates: how many faults they find, how often the right cause, and how often they cry out for nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pellucid.diagnosis.gates.case import Case
from pellucid.diagnosis.gates.check import check_training
from pellucid.diagnosis.gates.finding import GateReport
from pellucid.diagnosis.gates.ranking import rank_causes
from pellucid.diagnosis.zoo.specimen import Specimen


@dataclass(frozen=True)
class Outcome:
    """What gates said of one specimen.

    Attributes
    ----------
    kind : str
    seed : int
    healthy : bool
    failed, warned : tuple of str
        Names of the gates that failed and of those that warned, each once.
    causes : tuple of str
        As :func:`rank_causes` orders them, the most likely first.
    accepted : tuple of str
        The causes that are right.
    """

    kind: str
    seed: int
    healthy: bool
    failed: tuple[str, ...]
    warned: tuple[str, ...]
    causes: tuple[str, ...]
    accepted: tuple[str, ...]

    @property
    def right(self) -> bool:
        """Whether a gate failed and the cause named first is right."""
        return bool(self.failed) and self.causes[:1] != () and self.causes[0] in self.accepted


@dataclass(frozen=True)
class Share:
    """So many of so many."""

    hits: int
    count: int

    def __float__(self) -> float:
        return self.hits / self.count if self.count else 0.0

    def __str__(self) -> str:
        return f"{self.hits} of {self.count}"


@dataclass(frozen=True)
class Scores:
    """What gates said of many specimens.

    Attributes
    ----------
    outcomes : tuple of Outcome
    """

    outcomes: tuple[Outcome, ...]

    @property
    def faulty(self) -> tuple[Outcome, ...]:
        return tuple(outcome for outcome in self.outcomes if not outcome.healthy)

    @property
    def detection(self) -> Share:
        """Faulty specimens with at least one gate that failed."""
        return Share(sum(bool(outcome.failed) for outcome in self.faulty), len(self.faulty))

    @property
    def right_cause(self) -> Share:
        """Faulty specimens of which the cause named first is right; those not found count as wrong."""
        return Share(sum(outcome.right for outcome in self.faulty), len(self.faulty))

    @property
    def false_alarms(self) -> Share:
        """Healthy trainings with any gate that failed."""
        healthy = [outcome for outcome in self.outcomes if outcome.healthy]
        return Share(sum(bool(outcome.failed) for outcome in healthy), len(healthy))

    def by_kind(self) -> dict[str, Scores]:
        """Return the scores of each kind of faults, in the order of the outcomes."""
        kinds = dict.fromkeys(outcome.kind for outcome in self.faulty)
        return {kind: Scores(tuple(each for each in self.faulty if each.kind == kind)) for kind in kinds}


Gates = Callable[[Case], GateReport]


def all_gates(case: Case) -> GateReport:
    """Train a case and ask all gates about it."""
    return check_training(
        case.network, case.dataset, test=case.test, columns=case.columns, raises=False, **case.options
    )


def outcome_of(specimen: Specimen, gates: Gates = all_gates) -> Outcome:
    """Ask gates about one specimen."""
    report = gates(specimen.case)
    failed, warned = (
        tuple(dict.fromkeys(finding.gate for finding in found)) for found in (report.failed, report.warned)
    )
    causes = tuple(ranked.cause.name for ranked in rank_causes(report))
    return Outcome(specimen.kind, specimen.seed, specimen.healthy, failed, warned, causes, specimen.causes)


def score(specimens: Iterable[Specimen], gates: Gates = all_gates) -> Scores:
    """Ask gates about specimens, one after the other.

    Parameters
    ----------
    specimens : iterable of Specimen
    gates : callable, optional
        ``gates(case)`` returns a :class:`GateReport`; all gates unless given.

    Returns
    -------
    Scores

    Examples
    --------
    >>> from pellucid.diagnosis.zoo.kinds import KINDS
    >>> from pellucid.diagnosis.gates.check import check_before
    >>> scores = score([KINDS["zero_weights"].specimen(0)], gates=check_before)
    >>> len(scores.outcomes), scores.false_alarms
    (1, Share(hits=0, count=0))
    """
    return Scores(tuple(outcome_of(specimen, gates) for specimen in specimens))
