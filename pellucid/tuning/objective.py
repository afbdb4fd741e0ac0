"""What a search tries: how a configuration becomes trainings, and how good these are."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, Protocol

from pellucid.tuning.trial import MemberResult


class Contender(Protocol):
    """One training of a trial: it can be stopped after any number of epochs and go on later.

    Attributes
    ----------
    epochs : int
        How many it learns at most.
    ended : bool
        Whether it has learned all of them, or was stopped early by itself.
    size : int
        The bytes of memory that it takes, about.
    """

    epochs: int
    ended: bool
    size: int

    def learn(self, epochs: int, seconds: float) -> bool:
        """Learn for about so many seconds, until so many epochs have passed at most; say whether they have.

        Raises
        ------
        TrainingError
            Where a value is not finite.
        """

    def result(self) -> MemberResult:
        """Return what it has brought up to now."""


class Objective(Protocol):
    """What is searched over.

    Several threads use it at once.

    Attributes
    ----------
    metric : str
    higher_is_better : bool
    members : tuple of str
        What each training of a trial is, in words: ``fold 1``, ``fold 2``, ...
    compile_seconds : float
        What compiling has taken up to now, all threads together.
    """

    metric: str
    higher_is_better: bool
    members: tuple[str, ...]
    compile_seconds: float

    def check(self, parameters: Mapping[str, Any]) -> None:
        """Raise a UsageError where a configuration can not be trained."""

    def key(self, parameters: Mapping[str, Any]) -> Hashable:
        """Return what trials have in common that share what is compiled."""

    def begin(self, parameters: Mapping[str, Any], member: int) -> Contender:
        """Return a training that is ready to begin; the first of its key compiles.

        What comes out depends on the configuration and the member alone, never on when and beside whom it is trained.
        """
