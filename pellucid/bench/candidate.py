"""What is measured in a child process: Pellucid, or a peer."""

from __future__ import annotations

from typing import Protocol


class Candidate(Protocol):
    """A workload in one framework. It is made with the examples at hand and nothing else."""

    versions: dict[str, str]

    def prepare(self) -> float | None:
        """Build, compile and do a first step; return the seconds that this took, None where nothing is compiled."""

    def measure(self, seconds: float) -> float:
        """Return the smallest seconds a step (of one network; or a prediction), from the first parameters on."""

    def compare(self, steps: int) -> list[float]:
        """Return what the candidates have to agree on.

        The losses of some steps from the same first parameters in the same order of examples; of a population each
        network's mean loss of one epoch without shuffling; of a prediction its numbers.
        """


class Peak:
    """The peak of the cores, measured as a candidate is; a float or a double at a time."""

    def __init__(self, threads: int, dtype: str):
        from pellucid.executors.native.peak import fma_peak

        self.versions: dict[str, str] = {}
        self._peak, self._threads = fma_peak, threads
        self._element = "double" if dtype == "float64" else "float"

    def prepare(self) -> float | None:
        return None

    def measure(self, seconds: float) -> float:
        """Return GFLOP/s."""
        return self._peak(seconds, self._threads, self._element)

    def compare(self, steps: int) -> list[float]:
        return []
