"""How many epochs go into one call, and what comes out of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np


class Pace:
    """How long epochs have taken, and so how many to run in one call.

    Parameters
    ----------
    known : dict
        What an epoch took last in other trainings, in seconds; several threads may read and write it.
    like : tuple
        The entry there of trainings like this one.

    Attributes
    ----------
    seconds : float or None
        What the last epochs took, each; None where none was run as a whole.
    failed : bool
        Whether the next epoch is one that can not be finished.
    """

    def __init__(self, known: dict[tuple[int, ...], float], like: tuple[int, ...]):
        self._known, self._like = known, like
        self.seconds: float | None = known.get(like)
        self.failed = False

    def measure(self, seconds: float, epochs: float) -> None:
        """Learn that so many epochs took so long."""
        if epochs >= 1:
            self.seconds = self._known[self._like] = seconds / epochs
        else:
            self.seconds = None

    def epochs_in(self, seconds: float, limit: int) -> int:
        """Return how many epochs to run: none in one call where one alone would take too long, or fails."""
        if self.failed or self.seconds is None or self.seconds > seconds:
            return 0
        return min(limit, max(1, int(seconds / max(self.seconds, 1e-6))))


class Some(Mapping[str, np.ndarray]):
    """Those arrays of a mapping that have certain names."""

    def __init__(self, arrays: Mapping[str, np.ndarray], names: Mapping[str, Any]):
        self._arrays, self._names = arrays, names

    @staticmethod
    def of(arrays: Mapping[str, np.ndarray], names: Mapping[str, Any]) -> Mapping[str, np.ndarray]:
        """Return them, in a dict where the arrays are there already and not made when they are asked for."""
        return {name: arrays[name] for name in names} if isinstance(arrays, dict) else Some(arrays, names)

    @staticmethod
    def are_of(arrays: Mapping[str, np.ndarray], whole: Mapping[str, np.ndarray] | None) -> bool:
        """Say whether arrays are a dict, or some of a certain mapping."""
        return isinstance(arrays, dict) or (isinstance(arrays, Some) and arrays._arrays is whole)

    @staticmethod
    def together(parameters: Mapping[str, np.ndarray], state: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        """Return both as one mapping: the one that both are some of, where that is so, so that no array is made."""
        if isinstance(parameters, Some) and isinstance(state, Some) and parameters._arrays is state._arrays:
            return parameters._arrays
        return {**parameters, **state}

    def __getitem__(self, name: str) -> np.ndarray:
        if name not in self._names:
            raise KeyError(name)
        return self._arrays[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __reduce__(self) -> tuple:
        return dict, (dict(self),)


def add_all(start: float, values: np.ndarray) -> float:
    """Add values one after the other, so that the sum does not depend on how an epoch was cut into parts."""
    return float(np.cumsum(np.concatenate([[start], values]))[-1])


def sums_of_epochs(losses: np.ndarray, weights: np.ndarray) -> list[tuple[float, float]]:
    """Return for each epoch what :func:`add_all` gives for the losses by weight, and for the weights."""
    both = np.empty((2, *losses.shape))
    np.multiply(losses, weights, out=both[0])
    both[1] = weights
    by_weight, weight = np.cumsum(both, axis=2)[:, :, -1].tolist()
    return list(zip(by_weight, weight, strict=True))
