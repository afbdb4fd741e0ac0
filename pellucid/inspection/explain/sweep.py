"""How far an element reaches: the derivatives of what depends on it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from pellucid.graph.graph import Node
from pellucid.inspection.explain.evidence import Evidence


def reach(
    evidence: Evidence,
    start: tuple[Node, int],
    way: Sequence[Node],
    stops: Callable[[Node], bool] = lambda node: False,
) -> dict[Node, dict[int, float]]:
    """Return d element / d start for all elements that an element enters.

    Parameters
    ----------
    evidence : Evidence
    start : (Node, int)
        A node and the place of its element.
    way : sequence of Node
        The nodes to look at, in the order of their graph.
    stops : callable
        Says of a node whether to go no further than to its elements.

    Returns
    -------
    dict of Node to dict of int to float
        By node and place; the start itself is among them. An element that is entered with derivative 0 is, too.
    """
    found: dict[Node, dict[int, float]] = {start[0]: {start[1]: 1.0}}
    for node in way:
        sums = np.zeros(0)
        entered = np.zeros(0, bool)
        for link in evidence.links(node):
            before = found.get(link.source)
            if before is None or (link.source is not start[0] and stops(link.source)):
                continue
            if not len(sums):
                sums, entered = np.zeros(node.type.size), np.zeros(node.type.size, bool)
            places, derivatives = np.array(list(before)), np.array(list(before.values()))
            numbers, results = link.results_of(places)
            with np.errstate(all="ignore"):
                steps = link.derivatives(results, places[numbers], evidence.values) * derivatives[numbers]
            np.add.at(sums, results, steps)
            entered[results] = True
        if entered.any():
            places = np.flatnonzero(entered)
            found[node] = dict(zip(places.tolist(), sums[places].tolist(), strict=True))
    return found
