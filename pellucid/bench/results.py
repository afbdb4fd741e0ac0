"""What the benchmark found, and what follows from it."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pellucid.bench.workloads import BEST, Workload


@dataclass(frozen=True)
class Measured:
    """One candidate in one workload.

    Attributes
    ----------
    rounds : tuple of float
        The smallest seconds a step (of one network; or a call) of each round.
    compile_seconds : float or None
        For building, compiling and the first step; None where nothing is compiled.
    compared : tuple of float
        Losses or predictions, which all candidates should agree on.
    resident, peak : int or None
        Bytes in use before the first parameters were made, and at most until the end of the first round.
    """

    rounds: tuple[float, ...]
    compile_seconds: float | None = None
    compared: tuple[float, ...] = ()
    resident: int | None = None
    peak: int | None = None

    @property
    def seconds(self) -> float:
        return min(self.rounds)


@dataclass(frozen=True)
class Outcome:
    """All candidates in one workload.

    Attributes
    ----------
    workload : Workload
    measured : mapping of Measured
        By candidate; ``pellucid`` is one of them.
    peaks : tuple of float
        GFLOP/s of the same cores in fused multiply-adds, before and after; empty where they can not be measured.
    notes : mapping of str
        By candidate: why it was not measured.
    """

    workload: Workload
    measured: Mapping[str, Measured]
    peaks: tuple[float, ...] = ()
    notes: Mapping[str, str] = field(default_factory=dict)

    def rate(self, name: str = "pellucid") -> float:
        """Return GFLOP/s, of the products alone."""
        return self.workload.operations / self.measured[name].seconds / 1e9

    def share(self, name: str = "pellucid") -> float | None:
        """Return the share of the peak: of the larger of the two, before and after."""
        return self.rate(name) / max(self.peaks) if self.peaks and name in self.measured else None

    def ratio(self, peer: str) -> float | None:
        """Return how many times faster than a peer Pellucid is: the median over the rounds."""
        if peer == BEST:
            found = [self.ratio(name) for name in self.measured if name != "pellucid"]
            return min((ratio for ratio in found if ratio is not None), default=None)
        if peer not in self.measured or "pellucid" not in self.measured:
            return None
        pairs = zip(self.measured[peer].rounds, self.measured["pellucid"].rounds, strict=True)
        return statistics.median(theirs / ours for theirs, ours in pairs)

    def goals(self) -> list[tuple[str, float, float | None]]:
        """Return the goals as peer, ratio aimed at, and ratio measured."""
        return [(peer, goal, self.ratio(peer)) for peer, goal in self.workload.goals]

    def difference(self, peer: str) -> float | None:
        """Return the largest difference of what was compared, relative to the larger side."""
        if peer not in self.measured or "pellucid" not in self.measured:
            return None
        pairs = list(zip(self.measured["pellucid"].compared, self.measured[peer].compared, strict=False))
        return max((abs(a - b) / max(abs(a), abs(b), math.ulp(0.0)) for a, b in pairs), default=None)

    def excess_bytes(self, name: str) -> int | None:
        """Return the memory that training took above what is counted; None where it is not known."""
        found = self.measured.get(name)
        if found is None or found.resident is None or found.peak is None:
            return None
        return found.peak - found.resident - self.workload.counted_bytes


@dataclass(frozen=True)
class Facts:
    """Where and how the benchmark ran."""

    processor: str
    system: str
    cores: tuple[int, ...]
    pinned: bool
    executor: str
    quick: bool
    versions: Mapping[str, str]
    missing: Mapping[str, str]
    seconds: float


@dataclass(frozen=True)
class Report:
    """The whole benchmark."""

    facts: Facts
    outcomes: Sequence[Outcome]

    def outcome(self, name: str) -> Outcome | None:
        """Return the outcome of a workload, None where it was not measured."""
        found = (each for each in self.outcomes if each.workload.name == name and "pellucid" in each.measured)
        return next(found, None)

    def share_goal(self, outcome: Outcome) -> tuple[float, float] | None:
        """Return half of the share of the peak that the workload like this one has, and this one's share."""
        like = self.outcome(outcome.workload.like) if outcome.workload.like else None
        theirs, share = like.share() if like is not None else None, outcome.share()
        return None if theirs is None or share is None else (theirs / 2, share)

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain data."""
        return {**vars(self.facts), "workloads": [_as_dict(outcome) for outcome in self.outcomes]}


def _as_dict(outcome: Outcome) -> dict[str, Any]:
    workload = outcome.workload
    candidates = {
        name: {
            "microseconds": 1e6 * found.seconds,
            "rounds": [1e6 * seconds for seconds in found.rounds],
            "gflops": outcome.rate(name),
            "share_of_peak": outcome.share(name),
            "compile_seconds": found.compile_seconds,
            "compared": found.compared,
            "difference": None if name == "pellucid" else outcome.difference(name),
            "ratio": None if name == "pellucid" else outcome.ratio(name),
            "excess_bytes": outcome.excess_bytes(name) if workload.memory else None,
        }
        for name, found in outcome.measured.items()
    }
    goals = [{"peer": peer, "goal": goal, "ratio": ratio} for peer, goal, ratio in outcome.goals()]
    return {
        "workload": workload.name,
        "what": workload.describe(),
        "candidates": candidates,
        "goals": goals,
        "peaks": outcome.peaks,
        "notes": outcome.notes,
    }
