"""Samplers: who proposes what is tried, by chance, one after the other, or by what was learned from earlier trials."""

from __future__ import annotations

from pellucid.errors import UsageError, nearest
from pellucid.tuning.samplers.grid import GridSampler
from pellucid.tuning.samplers.random import RandomSampler
from pellucid.tuning.samplers.sampler import Sampler
from pellucid.tuning.samplers.tpe import TPESampler
from pellucid.tuning.space import Space

SAMPLERS = ("random", "grid", "tpe")

__all__ = ["SAMPLERS", "GridSampler", "RandomSampler", "Sampler", "TPESampler", "make_sampler"]


def make_sampler(name: str, space: Space, seed: int, higher_is_better: bool, points: int = 3) -> Sampler:
    """Return a sampler by its name.

    Parameters
    ----------
    name : {"random", "grid", "tpe"}
    space : Space
    seed : int
    higher_is_better : bool
    points : int
        How many values a grid has of what is continuous.

    Raises
    ------
    UsageError
        Where there is no such sampler, or Optuna is missing that ``tpe`` asks.

    Examples
    --------
    >>> make_sampler("grid", Space({"layers": "integer(1, 2)"}), 0, False).propose(0, 9, [], [])
    [{'layers': 1}, {'layers': 2}]
    """
    if not isinstance(name, str):
        raise UsageError("not the name of a sampler", where="sampler", got=repr(name)[:60], fix=nearest("", SAMPLERS))
    if name == "random":
        return RandomSampler(space, seed)
    if name == "grid":
        return GridSampler(space, points)
    if name == "tpe":
        return TPESampler(space, seed, higher_is_better)
    raise UsageError(f"there is no sampler {str(name)[:60]!r}", where="sampler", fix=nearest(str(name)[:60], SAMPLERS))
