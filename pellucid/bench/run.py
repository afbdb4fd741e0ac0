"""The benchmark itself: workloads one after the other, their candidates in turn."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pellucid.bench.peers import lack, missing_packages
from pellucid.bench.processes import CandidateFailed, Child, can_pin
from pellucid.bench.results import Facts, Measured, Outcome, Report
from pellucid.bench.workloads import Workload


@dataclass(frozen=True)
class Extent:
    """How much is measured: rounds, seconds a round of one candidate, seconds for the peak, steps to compare."""

    rounds: int
    seconds: float
    peak_seconds: float
    steps: int


FULL = Extent(rounds=5, seconds=0.3, peak_seconds=0.2, steps=20)
QUICK = Extent(rounds=2, seconds=0.02, peak_seconds=0.05, steps=2)


def run_benchmark(
    workloads: Sequence[Workload],
    peers: Sequence[str],
    cores: Sequence[int],
    executor: str,
    quick: bool = False,
    on: Callable[[Outcome], None] | None = None,
) -> Report:
    """Measure workloads in Pellucid and in peers.

    Parameters
    ----------
    workloads : sequence of Workload
    peers : sequence of str
        Those that are not installed are left out, and the report says so.
    cores : sequence of int
        A workload of n threads runs on the first n of them.
    executor : str
    quick : bool
        Run little, to see that everything works; the figures mean nothing.
    on : callable, optional
        Told of each workload's outcome.
    """
    began = time.perf_counter()
    missing, versions = missing_packages(peers), {"Python": platform.python_version()}
    present = [name for name in peers if name not in missing]
    outcomes = []
    for workload in workloads:
        chosen = workload.shortened() if quick else workload
        found, used = _measure(chosen, present, cores, executor, QUICK if quick else FULL)
        versions |= used
        outcomes.append(found)
        if on is not None:
            on(found)
    facts = Facts(
        processor=processor_name(),
        system=f"{platform.system()} {platform.machine()}",
        cores=tuple(cores),
        pinned=can_pin(),
        executor=executor,
        quick=quick,
        versions=versions,
        missing=missing,
        seconds=time.perf_counter() - began,
    )
    return Report(facts, outcomes)


def _measure(
    workload: Workload, peers: Sequence[str], cores: Sequence[int], executor: str, extent: Extent
) -> tuple[Outcome, dict[str, str]]:
    """Return the outcome of a workload, and the versions of what was used."""
    peers = [] if workload.alone else peers
    notes = {name: reason for name in peers if (reason := lack(name, workload)) is not None}
    if workload.threads > len(cores):
        reason = f"needs {workload.threads} cores"
        return Outcome(workload, {}, (), {"pellucid": reason, **notes}), {}
    with ExitStack() as stack:
        children: dict[str, Child] = {}
        versions: dict[str, str] = {}
        for name in ["peak", "pellucid", *(name for name in peers if name not in notes)]:
            try:
                children[name] = stack.enter_context(Child(name, workload, cores[: workload.threads], executor))
                versions |= children[name].versions
            except CandidateFailed as error:
                notes[name] = error.what
        turns = _Turns(children, extent, notes)
        measured, peaks = turns.run(workload)
    return Outcome(workload, measured, peaks, notes), versions


class _Turns:
    """The candidates of one workload, each in turn; one that fails takes no further part."""

    def __init__(self, children: dict[str, Child], extent: Extent, notes: dict[str, str]):
        self.peak = children.pop("peak", None)
        self.children, self.extent, self.notes = children, extent, notes

    def run(self, workload: Workload) -> tuple[dict[str, Measured], tuple[float, ...]]:
        """Return what was measured of each candidate, and the peaks before and after."""
        extent = self.extent
        steps = min(extent.steps, workload.steps)
        compiling = self._all("prepare")
        peaks = [self._peak()]
        rounds: dict[str, list[float]] = {name: [] for name in self.children}
        memory: dict[str, int | None] = {}
        for number in range(extent.rounds):
            for name, seconds in self._all("measure", seconds=extent.seconds).items():
                rounds[name].append(seconds)
            if number == 0:
                memory = {name: child.peak for name, child in self.children.items()}
        peaks.append(self._peak())
        compared = self._all("compare", steps=steps)
        measured = {
            name: Measured(
                rounds=tuple(rounds[name]),
                compile_seconds=compiling[name],
                compared=tuple(compared[name]),
                resident=child.resident,
                peak=memory[name],
            )
            for name, child in self.children.items()
        }
        return measured, tuple(peak for peak in peaks if peak is not None)

    def _all(self, do: str, **more: Any) -> dict[str, Any]:
        found = {}
        for name, child in list(self.children.items()):
            try:
                found[name] = child.ask(do, **more)
            except CandidateFailed as error:
                self.notes[name] = error.what
                del self.children[name]
        return found

    def _peak(self) -> float | None:
        if self.peak is None:
            return None
        try:
            return self.peak.ask("measure", seconds=self.extent.peak_seconds)
        except CandidateFailed as error:
            self.notes["peak"], self.peak = error.what, None
            return None


def processor_name() -> str:
    """Return what the processor calls itself."""
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text(encoding="utf-8", errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name" and value.strip():
                return value.strip()
    return platform.processor() or platform.machine()
