"""Random search: every configuration drawn on its own (Bergstra and Bengio, JMLR 2012)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pellucid.random import words
from pellucid.tuning.samplers.sampler import Key, Seen, endless_names
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
        self.space, self.seed = space, seed
        self._seen = Seen(endless_names(space))

    def propose(
        self, first: int, count: int, history: Sequence[Trial], pending: Sequence[Trial]
    ) -> list[dict[str, Value]]:
        """See `Sampler.propose`; fewer where all configurations of a finite space have been tried."""
        numbers = {
            one.name: uniform_numbers(self.seed, f"trial {one.name}", 0, first, count) for one in self.space.dimensions
        }
        proposed: list[dict[str, Value]] = []
        seen: set[Key] | None = None
        for place in range(count):
            parameters: dict[str, Value] | None = self.space.draw({name: own[place] for name, own in numbers.items()})
            key = self._seen.key(parameters)
            if key is not None:
                if seen is None:
                    seen = self._seen.keys([*history, *pending])
                if key in seen:
                    parameters = self.another(first + place, seen, parameters)
                if parameters is None:
                    break
                key = self._seen.key(parameters)
                seen |= {key} if key is not None else set()
            proposed.append(parameters)
        return proposed

    def another(
        self, number: int, seen: set[Key], otherwise: dict[str, Value] | None = None
    ) -> dict[str, Value] | None:
        """Return a configuration for a trial that has not been tried, None where there is no such one.

        Where there are others without end, but hardly ever drawn, it is `otherwise`.
        """
        size = self.space.size
        if size is not None and len(seen) >= size:
            return None
        numbers = {
            one.name: uniform_numbers(self.seed, f"trial {one.name} again", number, 0, ATTEMPTS)
            for one in self.space.dimensions
        }
        for attempt in range(ATTEMPTS):
            parameters = self.space.draw({name: own[attempt] for name, own in numbers.items()})
            if self._seen.key(parameters) not in seen:
                return parameters
        if size is None:
            return otherwise
        return next((found for found in self.space.grid() if self._seen.key(found) not in seen), None)


def uniform_numbers(seed: int, purpose: str, step: int, first: int, count: int) -> NDArray[np.float64]:
    """Return the uniform numbers in [0, 1) of some positions: multiples of 2^-53, of two words each."""
    pairs = words(seed, purpose, step, 2 * count, 2 * first).astype(np.uint64).reshape(count, 2)
    return ((pairs[:, 0] << np.uint64(21)) | (pairs[:, 1] >> np.uint64(11))).astype(np.float64) * 2.0**-53
