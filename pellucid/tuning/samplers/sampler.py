"""What a sampler is: who proposes the configurations of trials."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Protocol

from pellucid.tuning.space import Space, Value, identity
from pellucid.tuning.trial import Trial

Key = tuple[tuple[str, Any], ...]


class Sampler(Protocol):
    """Proposes configurations, as a pure function of what it is made with and asked with.

    Attributes
    ----------
    name : str
    learns : bool
        Whether what it proposes depends on how good earlier trials were.
    """

    name: str
    learns: bool

    def propose(
        self, first: int, count: int, history: Sequence[Trial], pending: Sequence[Trial]
    ) -> list[dict[str, Value]]:
        """Return the parameters of the trials from `first` to ``first + count - 1``, fewer where there are no more.

        Parameters
        ----------
        first, count : int
        history : sequence of Trial
            The earlier trials that have ended.
        pending : sequence of Trial
            The earlier trials that have not, or are to be taken so.
        """


class Seen:
    """The configurations of earlier trials, as far as they can come again.

    It remembers what it has looked at, so that a history that grows is not gone through anew by every proposal.

    Parameters
    ----------
    endless : collection of str
        Dimensions with values without end: a configuration that has one of them does not come again.
    never : bool
        Whether every configuration has one of them.
    """

    def __init__(self, endless: Collection[str] = (), never: bool = False):
        self._endless, self._never = endless, never
        self._known: dict[int, tuple[Mapping[str, Any], Key | None]] = {}

    @classmethod
    def of(cls, space: Space) -> Seen:
        """Return one for configurations drawn from a space."""
        endless = [one for one in space.dimensions if one.distribution.count is None]
        return cls([one.name for one in endless], any(one.condition is None for one in endless))

    def key(self, parameters: Mapping[str, Any]) -> Key | None:
        """Return what equal configurations have in common, None for one that does not come again."""
        if any(name in parameters for name in self._endless):
            return None
        return tuple(sorted((name, identity(value)) for name, value in parameters.items()))

    def keys(self, trials: Iterable[Trial]) -> set[Key]:
        """Return the keys of trials."""
        if self._never:
            return set()
        return {key for trial in trials if (key := self._key_of(trial)) is not None}

    def _key_of(self, trial: Trial) -> Key | None:
        known = self._known.get(trial.number)
        if known is None or known[0] is not trial.parameters:
            known = self._known[trial.number] = (trial.parameters, self.key(trial.parameters))
        return known[1]
