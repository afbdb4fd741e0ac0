"""Grid search: all configurations, in a fixed order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count as numbers_from

from pellucid.errors import UsageError
from pellucid.tuning.samplers.sampler import Key, Seen
from pellucid.tuning.space import Space, Value
from pellucid.tuning.trial import Trial

MOST_POINTS = 1000


class GridSampler:
    """Proposes the configurations of `Space.grid`, those left out that have been tried.

    Where nothing is said of earlier trials they are taken to be the first of the grid.

    Parameters
    ----------
    space : Space
    points : int
        How many values of what is continuous.

    Raises
    ------
    UsageError
        Where there can not be so many points.

    Examples
    --------
    >>> sampler = GridSampler(Space({"layers": "integer(1, 2)", "rate": "log_uniform(0.01, 1)"}), points=2)
    >>> sampler.propose(2, 9, [], [])
    [{'layers': 2, 'rate': 0.01}, {'layers': 2, 'rate': 1.0}]
    """

    name = "grid"
    learns = False

    def __init__(self, space: Space, points: int = 3):
        if isinstance(points, bool) or not isinstance(points, int) or not 1 <= points <= MOST_POINTS:
            raise UsageError("not a number of points", where="points", got=repr(points), expected=f"1 to {MOST_POINTS}")
        self.space, self.points = space, points
        self._seen = Seen()
        self._made: list[tuple[Key | None, dict[str, Value]]] = []
        self._rest = space.grid(points)

    @property
    def size(self) -> int:
        """How many configurations there are."""
        return self.space.grid_size(self.points)

    def propose(
        self, first: int, count: int, history: Sequence[Trial], pending: Sequence[Trial]
    ) -> list[dict[str, Value]]:
        """See `Sampler.propose`; fewer at the end of the grid."""
        seen = self._seen.keys([*history, *pending])
        proposed: list[dict[str, Value]] = []
        for key, parameters in self._from(0 if seen else first):
            if len(proposed) >= count:
                break
            if key not in seen:
                proposed.append(dict(parameters))
        return proposed

    def _from(self, start: int) -> Iterator[tuple[Key | None, dict[str, Value]]]:
        for place in numbers_from(start):
            while len(self._made) <= place:
                parameters = next(self._rest, None)
                if parameters is None:
                    return
                self._made.append((self._seen.key(parameters), parameters))
            yield self._made[place]
