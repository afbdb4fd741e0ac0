"""Which trials make the best ensemble: chosen one by one by what they predict of rows that they do not know."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

ROUNDS = 25
"""So often a trial is added, at most."""


@dataclass(frozen=True)
class Selection:
    """The trials of an ensemble.

    Attributes
    ----------
    trials : tuple of (int, int)
        Numbers of trials, and how often each is counted; the first one is the best alone.
    networks : int
        How many networks the ensemble is made of.
    considered : int
        How many trials there were to choose from.
    value : float
        The metric of the ensemble on the rows that it was chosen by, which therefore flatters it.
    alone : float
        The metric of the best trial alone on these rows.
    """

    trials: tuple[tuple[int, int], ...]
    networks: int
    considered: int
    value: float
    alone: float


def select_greedily(
    predictions: Sequence[np.ndarray],
    score: Callable[[np.ndarray], float],
    higher_is_better: bool,
    rounds: int = ROUNDS,
    most: int | None = None,
) -> tuple[Counter[int], float]:
    """Choose whose mean predicts best: the best one first, then again and again the one that makes the mean best.

    The same one may be chosen several times, and then counts more. What is returned is the best of all these means.
    Source: Caruana, Niculescu-Mizil, Crew and Ksikes, Ensemble selection from libraries of models, ICML (2004).

    Parameters
    ----------
    predictions : sequence of ndarray, [rows, outputs] each
    score : callable
        ``score(prediction)``; NaN is the worst.
    higher_is_better : bool
    rounds : int
        How often one is added, at most.
    most : int, optional
        How many different ones are chosen at most.

    Returns
    -------
    Counter of int
        How often each is chosen, by its place.
    float
        The score of their mean.

    Examples
    --------
    >>> truth = np.array([[0.0], [0.0]])
    >>> given = [np.array([[1.0], [1.0]]), np.array([[-1.2], [-1.0]]), np.array([[5.0], [5.0]])]
    >>> chosen, error = select_greedily(given, lambda found: float(np.abs(found - truth).mean()), False)
    >>> sorted(chosen), round(error, 3)
    ([0, 1], 0.045)
    """
    sign = -1.0 if higher_is_better else 1.0

    def cost(prediction: np.ndarray) -> float:
        found = sign * score(prediction)
        return np.inf if np.isnan(found) else found

    chosen: list[int] = []
    total = np.zeros_like(predictions[0], dtype=np.float64)
    best, kept = np.inf, 0
    for count in range(1, rounds + 1):
        allowed = set(chosen) if most is not None and len(set(chosen)) >= most else set(range(len(predictions)))
        costs = [cost((total + predictions[at]) / count) if at in allowed else np.inf for at in range(len(predictions))]
        place = int(np.argmin(costs))
        chosen.append(place)
        total = total + predictions[place]
        if count == 1 or costs[place] < best:
            best, kept = costs[place], count
    return Counter(chosen[:kept]), sign * best
