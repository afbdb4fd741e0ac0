"""The path of a training through the space of its parameters."""

from __future__ import annotations

import numpy as np

from pellucid.errors import UsageError
from pellucid.training.events import EpochEnded, Event, TrainingStarted


class TrainingPath:
    """A handler that keeps the parameters as training goes on: at the start and after epochs.

    Where there are more epochs than it may keep, it keeps every second one, every fourth, and so on.

    Parameters
    ----------
    most : int
        How many points to keep at most.

    Attributes
    ----------
    points : list of dict of ndarray
        Copies of the parameters, by path.
    epochs : list of int
        After which epochs.

    Examples
    --------
    >>> import pellucid as pl
    >>> path = TrainingPath(most=8)
    >>> data = pl.Dataset({"x": np.linspace(-1, 1, 20)[:, None]}, np.linspace(0, 1, 20))
    >>> network = pl.Network([pl.Dense(1)], inputs=1)
    >>> fitted = pl.fit(network, data, loss="squared_error", epochs=30, on=path)
    >>> path.epochs
    [0, 4, 8, 12, 16, 20, 24, 28]
    """

    only_watches = True

    def __init__(self, most: int = 100):
        if isinstance(most, bool) or not isinstance(most, int) or most < 2:
            raise UsageError("a path has two points at least", where="most", got=repr(most))
        self.most = most
        self.points: list[dict[str, np.ndarray]] = []
        self.epochs: list[int] = []
        self._every = 1

    def __call__(self, event: Event) -> None:
        """Keep the parameters."""
        if isinstance(event, TrainingStarted):
            self.points, self.epochs, self._every = [], [], 1
        elif not isinstance(event, EpochEnded) or event.epoch % self._every:
            return
        if len(self.points) == self.most:
            self._every *= 2
            kept = [place for place, epoch in enumerate(self.epochs) if epoch % self._every == 0]
            self.points, self.epochs = [self.points[p] for p in kept], [self.epochs[p] for p in kept]
            if event.epoch % self._every:
                return
        self.points.append({path: np.array(value) for path, value in event.parameters.items()})
        self.epochs.append(event.epoch)
