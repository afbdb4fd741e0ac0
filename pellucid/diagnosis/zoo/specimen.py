"""What is in the zoo: specimens, and the kinds that they are of."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pellucid.diagnosis.gates.case import Case
from pellucid.diagnosis.zoo.situation import Situation
from pellucid.diagnosis.zoo.sound import Wish, sound

Fault = Callable[[Situation, np.random.Generator], Situation]
"""A fault changes a sound set-up."""

TUNING, SCORING, CONFIRMING = "tuning", "scoring", "confirming"


@dataclass(frozen=True, eq=False)
class Specimen:
    """One training of the zoo.

    Attributes
    ----------
    kind : str
    seed : int
    case : Case
        What gates are asked about; it is not trained yet.
    causes : tuple of str
        The names of causes that are right, the true one first; empty where it is healthy.
    healthy : bool
    faulty, twin : Situation or None
        As it is set up, and the same without the fault; both are the same where it is healthy. None where the network
        has several inputs or outputs.
    """

    kind: str
    seed: int
    case: Case
    causes: tuple[str, ...]
    healthy: bool
    faulty: Situation | None = None
    twin: Situation | None = None

    @property
    def name(self) -> str:
        return f"{self.kind}-{self.seed}"


@dataclass(frozen=True, eq=False)
class Kind:
    """A kind of faults.

    Attributes
    ----------
    name : str
    subject : str
        inputs, targets, leaks, output, start, network, steps or regularization.
    part : {"tuning", "scoring"}
        Whether thresholds may be set by it, or it only scores them.
    what : str
        What was done wrong, in words.
    causes : tuple of str
        The causes that are right, the true one first.
    wish : Wish
        The sound set-ups that it is put into.
    fault : callable
        ``fault(situation, rng)`` returns the set-up with the fault.
    misleads : bool
        Whether the fault makes the test look better than use will be, rather than training worse.
    """

    name: str
    subject: str
    part: str
    what: str
    causes: tuple[str, ...]
    wish: Wish
    fault: Fault
    misleads: bool = False

    def specimen(self, seed: int) -> Specimen:
        """Return the specimen of a seed."""
        rng = np.random.default_rng([zlib.crc32(self.name.encode()), seed])
        twin = sound(self.wish, rng)
        faulty = self.fault(twin, rng)
        return Specimen(self.name, seed, faulty.case(), self.causes, False, faulty, twin)
