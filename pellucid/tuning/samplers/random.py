"""Random search: every configuration drawn on its own (Bergstra and Bengio, JMLR 2012)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pellucid.random import words
from pellucid.tuning.samplers.sampler import Key, Seen
from pellucid.tuning.space import Space, Value
from pellucid.tuning.trial import Trial

ATTEMPTS = 200
"""So often a configuration is drawn again that was there before, until one is looked for among all."""


class RandomSampler:
    """Draws every trial from its number and the seed alone; a configuration that has been tried is drawn anew.

    Parameters
    ----------
    space : Space
    seed : int

    Examples
    --------
    >>> sampler = RandomSampler(Space({"rate": "uniform(0, 1)", "layers": "integer(1, 3)"}), seed=0)
    >>> both = sampler.propose(0, 2, [], [])
    >>> sampler.propose(1, 1, [], []) == both[1:]
    True
    """

    name = "random"
    learns = False

    def __init__(self, space: Space, seed: int):
        self.space, self.seed, self.seen = space, seed, Seen.of(space)
        self._names = [one.name for one in space.dimensions]

    def propose(
        self, first: int, count: int, history: Sequence[Trial], pending: Sequence[Trial]
    ) -> list[dict[str, Value]]:
        """See `Sampler.propose`; fewer where all configurations of a finite space have been tried."""
        count = max(count, 0)
        numbers = {name: uniform_numbers(self.seed, f"trial {name}", 0, first, count) for name in self._names}
        seen = self.seen.keys([*history, *pending])
        proposed: list[dict[str, Value]] = []
        for place in range(count):
            drawn = self.space.draw({name: own[place] for name, own in numbers.items()})
            fresh = self.fresh(first + place, drawn, seen)
            if fresh is None:
                break
            proposed.append(fresh)
        return proposed

    def fresh(self, number: int, parameters: dict[str, Value], seen: set[Key]) -> dict[str, Value] | None:
        """Return a trial's configuration, or where it has been tried another one; None where all have been.

        It is added to those that have been tried. Where the others are without end, but hardly ever drawn, one is tried
        again.
        """
        key = self.seen.key(parameters)
        if key in seen:
            found = self._another(number, seen)
            if found is None and self._size is not None:
                return None
            parameters = found or parameters
            key = self.seen.key(parameters)
        if key is not None:
            seen.add(key)
        return parameters

    def _another(self, number: int, seen: set[Key]) -> dict[str, Value] | None:
        if self._size is not None and len(seen) >= self._size:
            return None
        numbers = {name: uniform_numbers(self.seed, f"trial {name} again", number, 0, ATTEMPTS) for name in self._names}
        for attempt in range(ATTEMPTS):
            parameters = self.space.draw({name: own[attempt] for name, own in numbers.items()})
            if self.seen.key(parameters) not in seen:
                return parameters
        every = self.space.grid() if self._size is not None else iter(())
        return next((found for found in every if self.seen.key(found) not in seen), None)

    @cached_property
    def _size(self) -> int | None:
        return self.space.size


def uniform_numbers(seed: int, purpose: str, step: int, first: int, count: int) -> NDArray[np.float64]:
    """Return the uniform numbers in [0, 1) of some positions: multiples of 2^-53, of two words each."""
    pairs = words(seed, purpose, step, 2 * count, 2 * first).astype(np.uint64).reshape(count, 2)
    return ((pairs[:, 0] << np.uint64(21)) | (pairs[:, 1] >> np.uint64(11))).astype(np.float64) * 2.0**-53
