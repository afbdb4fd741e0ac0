"""What part of the variance each setting brings: shapes from forests, sizes from trials that these have not seen.

A forest fitted to some of the trials predicts the whole space. Its mean over all other settings, by the values of one,
is the shape of this setting's effect; of two, less their own effects, that of their interplay (functional analysis of
variance). How large the effect is says a regression of other trials' values on these shapes. A setting that does
nothing has a shape of mere chance, which trials that the forest has not seen do not follow: its share is about 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from pellucid.tuning.importance.encoding import Encoding

REPEATS = 16
"""So often trials are divided, resampled and looked at."""

PARTS = 4
"""Into so many parts trials are divided; a forest learns from all but one of them."""

TREES = 4
LEAF = 2
"""A leaf of a tree holds so many trials at least."""

MOST_ROWS = 600
"""A tree learns from so many trials at most, which bounds the time."""

PAIRED = 8
"""Interplay is looked for among so many settings, those with the largest shares."""

COARSE = 8
"""Two settings have so many groups of values each at most, where these have an order."""


@dataclass(frozen=True, eq=False)
class Shares:
    """Shares of the variance of trials' values.

    Attributes
    ----------
    alone : ndarray [repeats, settings]
        What each setting brings by itself.
    together : mapping of (int, int) to ndarray [repeats]
        What two bring together beyond that.
    explained : ndarray [repeats]
        What all settings together tell of trials unseen.
    """

    alone: np.ndarray
    together: dict[tuple[int, int], np.ndarray]
    explained: np.ndarray


@dataclass(frozen=True, eq=False)
class Groups:
    """Groups of values of one setting, or of cells of two.

    Attributes
    ----------
    drawn, tried : ndarray of int [draws], [trials]
        -1 where it takes no part.
    count : int
    """

    drawn: np.ndarray
    tried: np.ndarray
    count: int

    def mean(self, values: np.ndarray) -> np.ndarray:
        """Return the means of draws' values by group less that of all that take part, [groups], and 0 for the rest."""
        there = self.drawn >= 0
        sizes = np.bincount(self.drawn[there], minlength=self.count)
        sums = np.bincount(self.drawn[there], values[there], self.count)
        middle = sums.sum() / max(sizes.sum(), 1)
        return np.append(np.where(sizes > 0, sums / np.maximum(sizes, 1) - middle, 0.0), 0.0)

    def coarse(self) -> Groups:
        """Return groups of neighbours, few enough for cells of two settings."""
        count = min(self.count, COARSE)
        drawn, tried = (np.where(one < 0, -1, one * count // self.count) for one in (self.drawn, self.tried))
        return Groups(drawn, tried, count)


@dataclass(frozen=True, eq=False)
class _Repeat:
    """Trials divided into parts, and what forests that have not seen a part say of it and of the space."""

    part: np.ndarray
    weights: np.ndarray
    space: list[np.ndarray]
    predicted: np.ndarray


def find_shares(
    encodings: Sequence[Encoding],
    tried: Sequence[np.ndarray],
    drawn: Sequence[np.ndarray],
    values: np.ndarray,
    seed: int,
) -> Shares:
    """Return the shares of settings.

    Parameters
    ----------
    encodings : sequence of Encoding
    tried, drawn : sequence of ndarray
        The places of each setting's values, of trials and of configurations drawn from the space.
    values : ndarray [trials]
        Not all equal.
    seed : int
    """
    random = np.random.default_rng(seed)
    columns = np.hstack([one.columns(places) for one, places in zip(encodings, tried, strict=True)]).astype(np.float32)
    everywhere = np.hstack([one.columns(places) for one, places in zip(encodings, drawn, strict=True)]).astype(
        np.float32
    )
    scaled = (values - values.mean()) / values.std()
    repeats = [_repeat(columns, everywhere, scaled, random) for _ in range(REPEATS)]
    groups = [
        Groups(one.groups(of_space), one.groups(of_trials), one.count)
        for one, of_trials, of_space in zip(encodings, tried, drawn, strict=True)
    ]
    totals, explained = np.array([_variance(repeat, scaled) for repeat in repeats]).T
    total = float(np.median(totals))
    alone, rests = zip(*(_sizes(repeat, groups, scaled) for repeat in repeats), strict=True)
    shares = np.array(alone) / total
    largest = sorted(np.argsort(-np.median(shares, axis=0), kind="stable")[:PAIRED].tolist())
    pairs = list(combinations(largest, 2))
    coarse = [found if one.named else found.coarse() for one, found in zip(encodings, groups, strict=True)]
    sizes = [_pair_sizes(repeat, coarse, pairs, rest) for repeat, rest in zip(repeats, rests, strict=True)]
    together = np.array(sizes).reshape(REPEATS, len(pairs))
    return Shares(shares, {pair: together[:, place] / total for place, pair in enumerate(pairs)}, explained)


def _repeat(columns: np.ndarray, everywhere: np.ndarray, values: np.ndarray, random: np.random.Generator) -> _Repeat:
    from sklearn.tree import DecisionTreeRegressor

    count = len(values)
    part = random.permutation(count) % PARTS
    predicted, space = np.empty(count), []
    for number in range(PARTS):
        seen, held = np.flatnonzero(part != number), part == number
        trees = []
        for _ in range(TREES):
            rows = random.choice(seen, min(len(seen), MOST_ROWS))
            tree = DecisionTreeRegressor(min_samples_leaf=LEAF, random_state=int(random.integers(2**31)))
            trees.append(tree.fit(columns[rows], values[rows], check_input=False))
        found = np.mean([tree.predict(everywhere, check_input=False) for tree in trees], axis=0)
        predicted[held] = (
            np.mean([tree.predict(columns[held], check_input=False) for tree in trees], axis=0) - found.mean()
        )
        space.append(found - found.mean())
    weights = np.bincount(random.integers(count, size=count), minlength=count).astype(np.float64)
    return _Repeat(part, weights, space, predicted)


def _variance(repeat: _Repeat, values: np.ndarray) -> tuple[float, float]:
    """Return the variance over the whole space, chance included, and the share of it that forests know."""
    predicted = np.column_stack([np.ones(len(values)), repeat.predicted])
    scale, _, rest = _regress(predicted, values, repeat.weights, ridge=0.0)
    known = max(float(scale[1]), 0.0) ** 2 * float(np.mean([found @ found / len(found) for found in repeat.space]))
    total = known + float(repeat.weights @ rest**2) / len(values)
    return total, known / total if total > 0 else 0.0


def _sizes(repeat: _Repeat, groups: Sequence[Groups], values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the variance that each setting brings by itself, and what is left of the trials' values."""
    shapes, spread = _shapes(repeat, groups)
    scale, error, rest = _regress(np.column_stack([np.ones(len(values)), shapes]), values, repeat.weights, ridge=1.0)
    return np.where(spread > 0, _unbiased(scale[1:], error[1:]), 0.0), rest


def _pair_sizes(
    repeat: _Repeat, groups: Sequence[Groups], pairs: Sequence[tuple[int, int]], rest: np.ndarray
) -> np.ndarray:
    """Return the variance that pairs bring beyond their settings by themselves."""
    cells = [_cells(groups[first], groups[second]) for first, second in pairs]
    shapes, spread = _shapes(repeat, cells, [(groups[first], groups[second]) for first, second in pairs])
    weight = repeat.weights @ shapes**2 + 1.0
    scale = (repeat.weights * rest) @ shapes / weight
    error = (repeat.weights @ rest**2) / len(rest) / weight
    return np.where(spread > 0, _unbiased(scale, error), 0.0)


def _unbiased(scale: np.ndarray, error: np.ndarray) -> np.ndarray:
    """Return squares of sizes without what chance adds: once by the trials, and once more by resampling them."""
    return np.where(scale > 0, scale**2, 0.0) - 2.0 * error


def _shapes(
    repeat: _Repeat, groups: Sequence[Groups], own: Sequence[Sequence[Groups]] = ()
) -> tuple[np.ndarray, np.ndarray]:
    """Return effects' shapes at the trials, [trials, effects], each of variance 1 over the space, and their variances.

    With `own`, what these groups bring by themselves is taken away.
    """
    shapes, spread = np.zeros((len(repeat.part), len(groups))), np.zeros(len(groups))
    for number, found in enumerate(repeat.space):
        held = repeat.part == number
        alone = {one: one.mean(found)[one.drawn] for several in own for one in several}
        for place, one in enumerate(groups):
            mean = one.mean(found - sum(alone[other] for other in own[place]) if own else found)
            shapes[held, place] = mean[one.tried[held]]
            spread[place] += float(np.mean(mean[one.drawn] ** 2)) / PARTS
    return shapes / np.sqrt(np.where(spread > 0, spread, 1.0)), spread


def _cells(first: Groups, second: Groups) -> Groups:
    """Return the cells of two settings; a cell is there where both take part."""

    def joined(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.where((a < 0) | (b < 0), -1, a * second.count + b)

    return Groups(joined(first.drawn, second.drawn), joined(first.tried, second.tried), first.count * second.count)


def _regress(
    columns: np.ndarray, values: np.ndarray, weights: np.ndarray, ridge: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return coefficients, the squares of their standard errors, and what is left of the values."""
    weighed = columns * weights[:, None]
    penalty = np.diag(np.r_[0.0, np.full(columns.shape[1] - 1, ridge)])
    inverse = np.linalg.pinv(columns.T @ weighed + penalty, hermitian=True)
    scale = inverse @ (weighed.T @ values)
    rest = values - columns @ scale
    freedom = max(len(values) - columns.shape[1], 1)
    return scale, np.diag(inverse) * float(weights @ rest**2) / freedom, rest
