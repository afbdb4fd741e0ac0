"""First parameters of the trainings of one network, drawn for several seeds at once."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np

from pellucid.nn.network import Network

TOGETHER = 64
"""For so many seeds at once first parameters are drawn at most: more are no faster."""

VALUES = 1 << 15
"""So many numbers are drawn at once at most."""

KEPT = 1 << 18
"""So many numbers are kept at most: a large network's parameters are drawn anew each time."""


class Beginnings:
    """Draws the first parameters of a network, and keeps the last ones: members of populations come in numbers.

    Parameters
    ----------
    network : Network

    Attributes
    ----------
    together : int
        For how many seeds at once it pays to draw.

    Examples
    --------
    >>> import pellucid as pl
    >>> beginnings = Beginnings(pl.Network([pl.Dense(3)], inputs=2))
    >>> beginnings.draw(range(5, 100))
    >>> 68 in beginnings, 69 in beginnings, beginnings.of(68)["dense_1/weight"].flags.writeable
    (True, False, False)
    """

    def __init__(self, network: Network):
        size = max(1, network.count_parameters())
        self.network, self.together = network, max(1, min(TOGETHER, VALUES // size))
        self._room = min(4 * TOGETHER, KEPT // size)
        self._drawn: dict[int, dict[str, np.ndarray]] = {}
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple:
        return Beginnings, (self.network,)

    def __contains__(self, seed: object) -> bool:
        return isinstance(seed, (int, np.integer)) and seed in self._drawn  # 1.0 is no seed, but a key like 1

    def of(self, seed: int) -> dict[str, np.ndarray]:
        """Return what :meth:`Network.initialize` returns for a seed, as arrays that nobody can change."""
        found = self._drawn.get(seed) if seed in self else None
        return dict(self._draw([seed])[0] if found is None else found)

    def draw(self, seeds: Sequence[int]) -> None:
        """Draw for the first of these seeds that are not there, as many as it pays to draw at once."""
        with self._lock:
            missing = [seed for seed in dict.fromkeys(seeds[: self.together]) if seed not in self]
            if missing:
                self._draw(missing)

    def _draw(self, seeds: Sequence[int]) -> list[dict[str, np.ndarray]]:
        alone = len(seeds) == 1
        drawn = [self.network.initialize(seeds[0])] if alone else self.network.initialize_many(seeds)
        for array in (array for parameters in drawn for array in parameters.values()):
            array.flags.writeable = False
        if self._room:
            kept = {**self._drawn, **dict(zip(seeds, drawn, strict=True))}
            self._drawn = dict(list(kept.items())[-self._room :])
        return drawn
