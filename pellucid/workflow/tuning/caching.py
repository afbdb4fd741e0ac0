"""Things that several threads ask for and that are made once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Made = TypeVar("Made")


class _Place(Generic[Made]):
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.found: list[Made] = []


class Cache(Generic[Made]):
    """What was made by key: the first thread that asks makes it, while others wait for it alone.

    Parameters
    ----------
    most : int, optional
        So many are kept, those that were asked for last.

    Examples
    --------
    >>> cache = Cache(most=2)
    >>> [cache.get(key, lambda: key.upper()) for key in "aab"]
    ['A', 'A', 'B']
    """

    def __init__(self, most: int | None = None):
        self.most = most
        self._lock = threading.Lock()
        self._places: OrderedDict[Hashable, _Place[Made]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._places)

    def get(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """Return what there is of a key; what `make` raises is raised, and made anew the next time."""
        with self._lock:
            place = self._places.get(key)
            if place is None:
                place = self._places[key] = _Place()
            elif self.most is not None:
                self._places.move_to_end(key)
            while self.most is not None and len(self._places) > self.most:
                self._places.popitem(last=False)
        if place.found:
            return place.found[0]
        with place.lock:
            if not place.found:
                place.found.append(make())
        return place.found[0]
