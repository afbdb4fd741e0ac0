"""Programs that are shared: graphs that are equal are compiled once.

A program is kept for as long as somebody uses it, and the last few for some time after that: trial after trial of a
search comes back to the same few networks.
"""

from __future__ import annotations

import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from pellucid.executors.compiling import COMPILING
from pellucid.graph.graph import Graph

KEPT = 16
"""How many programs are kept that nobody uses."""

Made = TypeVar("Made")

_ALIVE: weakref.WeakValueDictionary[Hashable, Any] = weakref.WeakValueDictionary()
_RECENT: OrderedDict[Hashable, Any] = OrderedDict()


def shared(graph: Graph, more: Hashable, make: Callable[[], Made]) -> Made:
    """Return what `make` makes of a graph, or made of an equal one before.

    `more` tells apart what is made of one graph in several ways. Operations that were declared anew under an old name
    make another graph.
    """
    key = str(graph), tuple(dict.fromkeys(node.op for node in graph.nodes)), more
    with COMPILING:
        found = _ALIVE.get(key)
        if found is not None:
            _remember(key, found)
            return found
    made = make()
    with COMPILING:
        made = _ALIVE.setdefault(key, made)
        _remember(key, made)
    return made


def _remember(key: Hashable, made: Any) -> None:
    _RECENT[key] = made
    _RECENT.move_to_end(key)
    while len(_RECENT) > KEPT:
        _RECENT.popitem(last=False)


def clear() -> None:
    """Drop the programs that nobody uses."""
    with COMPILING:
        _RECENT.clear()
