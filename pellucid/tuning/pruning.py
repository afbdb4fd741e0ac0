"""Pruning: giving up trials that others are better than, long before their end."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pellucid.errors import UsageError, nearest

PRUNERS = ("halving", "none")


@dataclass(frozen=True)
class Pruner:
    """Successive halving in synchronous rounds.

    All trials of a bracket learn a part of their epochs; the best of them, one of `factor`, learn `factor` times as
    many; and so on, until those that are left learn all.
    Source: Jamieson and Talwalkar, Non-stochastic best arm identification and hyperparameter optimization, AISTATS
    (2016).

    Attributes
    ----------
    name : str
    rounds : int
        How often trials are given up; 0 for never.
    factor : int
        One of so many goes on.

    Examples
    --------
    >>> halving = pruner("halving")
    >>> halving.stops(90), halving.kept(60, 0), halving.kept(20, 1)
    ((10, 30, 90), 20, 7)
    """

    name: str
    rounds: int
    factor: int = 3

    def stops(self, epochs: int) -> tuple[int, ...]:
        """Return after which epochs a trial is compared with others; the last one is its end."""
        return tuple(max(1, -(-epochs // self.factor**left)) for left in range(self.rounds, -1, -1))

    def kept(self, trials: int, round: int) -> int:
        """Return how many of so many trials go on after a round; all of them after the last one."""
        return trials if round >= self.rounds else math.ceil(trials / self.factor)


def pruner(name: str) -> Pruner:
    """Return the pruner of this name: ``halving`` or ``none``.

    Raises
    ------
    UsageError
        Where there is no such pruner.
    """
    if not isinstance(name, str) or name not in PRUNERS:
        told = str(name)[:60]
        raise UsageError(f"no pruner is called {told!r}", where="pruner", fix=nearest(told, PRUNERS))
    return Pruner(name, rounds=2 if name == "halving" else 0)
