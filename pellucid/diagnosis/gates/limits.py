"""What any outputs cost on some examples: the best ones within bounds, and the best constant."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from pellucid.diagnosis.gates.case import Case
from pellucid.diagnosis.gates.probe import GIVEN, Arrays, Runner, count, losses_of_outputs, mean_loss
from pellucid.diagnosis.gates.reach import EVERYTHING, Interval
from pellucid.nn.losses import GaussianLogLikelihood, Loss, Poisson, Quantile, SoftmaxCrossEntropy
from pellucid.training.step import WEIGHT, target_name

LARGE = 40.0
"""A logit of this size is as good as infinite."""

SURE = 0.1
"""Where a variance is predicted too, errors of this part of the target's deviation count as none."""


class Limits:
    """What outputs cost on some examples, without label smoothing.

    Parameters
    ----------
    case : Case
    arrays : dict of ndarray
        The examples, as :func:`pellucid.diagnosis.gates.probe.examples` gives them.
    """

    def __init__(self, case: Case, arrays: Arrays):
        self.case, self.arrays = case, arrays
        self._losses: Runner = losses_of_outputs(case, count(arrays), quiet=True)
        self._weights = arrays[WEIGHT].astype(np.float64)

    def cost(self, outputs: Mapping[str, np.ndarray]) -> float:
        """Return the mean loss of outputs, by name."""
        return mean_loss(self.each(outputs), self.arrays)

    def each(self, outputs: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the loss of each example, [examples]."""
        given = {GIVEN + name: output for name, output in outputs.items()}
        return self._losses({}, {**self.arrays, **given})["losses"]

    def least(self, bounds: Mapping[str, Interval] | None = None) -> float:
        """Return what the best outputs cost, of those that stay within bounds where there are any."""
        bounds = bounds or {}
        return self.cost({name: self._best(name, bounds.get(name, EVERYTHING)) for name in self.case.losses})

    def constant(self) -> float:
        """Return about what the best constant outputs cost."""
        found = {name: self._constant(name, loss) for name, loss in self.case.losses.items()}
        return min(self.cost({name: pair[place] for name, pair in found.items()}) for place in (0, 1))

    def _target(self, name: str) -> np.ndarray:
        return self.arrays[target_name(self.case.network, name)]

    def _shape(self, name: str) -> tuple[int, ...]:
        return count(self.arrays), *self.case.network.outputs[name].shape

    def _best(self, name: str, bounds: Interval) -> np.ndarray:
        """Return the outputs between two bounds that cost least for each example."""
        loss, target, shape = self.case.losses[name], self._target(name), self._shape(name)
        low, high = max(bounds[0], -LARGE), min(bounds[1], LARGE)
        if loss.task == "multiclass" and target.dtype.kind == "i":
            right = np.arange(shape[-1]) == target.reshape(-1, 1)
            return np.where(right, high, low).reshape(shape)
        target = target.astype(np.float64)
        if loss.task == "multiclass":
            return np.clip(_logarithm(target), low, high).reshape(shape)
        if loss.task in ("binary", "multilabel"):
            logits = np.clip(_logarithm(target) - _logarithm(1 - target), low, high)
            scores = np.where(target > 0.5, high, low)
            return np.where(np.isin(target, (0, 1)), scores, logits).reshape(shape)
        return np.clip(self._numbers(loss, target, shape), *bounds)

    def _numbers(self, loss: Loss, target: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        """Return the outputs that say a number just right."""
        flat = target.reshape(len(target), -1)
        if isinstance(loss, Poisson):
            return np.maximum(_logarithm(flat), -LARGE).reshape(shape)
        if isinstance(loss, GaussianLogLikelihood):
            variance = np.maximum(SURE * flat.std(axis=0), 1e-6) ** 2
            return np.concatenate([flat, np.broadcast_to(np.log(variance), flat.shape)], axis=1).reshape(shape)
        return _repeated(flat, int(np.prod(shape[1:], dtype=np.int64))).reshape(shape)

    def _constant(self, name: str, loss: Loss) -> tuple[np.ndarray, np.ndarray]:
        """Return two constant outputs, of which the better one is about the best."""
        target, shape = self._target(name), self._shape(name)
        size = int(np.prod(shape[1:], dtype=np.int64))
        if loss.task == "multiclass" and target.dtype.kind == "i":
            target = np.arange(size) == target.reshape(-1, 1)
        flat = target.reshape(len(target), -1).astype(np.float64)
        mean = np.average(flat, axis=0, weights=self._weights)
        first, second = self._constants(loss, flat, mean)
        fill = (np.broadcast_to(_repeated(one[None], size).reshape(shape[1:]), shape) for one in (first, second))
        return next(fill), next(fill)

    def _constants(self, loss: Loss, flat: np.ndarray, mean: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if loss.task == "multiclass":
            first = np.maximum(_logarithm(mean), -LARGE)
            return first, first if isinstance(loss, SoftmaxCrossEntropy) else (mean == mean.max()).astype(np.float64)
        if loss.task in ("binary", "multilabel"):
            logits = np.clip(_logarithm(mean) - _logarithm(1 - mean), -LARGE, LARGE)
            return logits, np.where(mean > 0.5, 1.0, -1.0)
        if isinstance(loss, Poisson):
            return (np.maximum(_logarithm(mean), -LARGE),) * 2
        if isinstance(loss, GaussianLogLikelihood):
            variance = np.average((flat - mean) ** 2, axis=0, weights=self._weights)
            return (np.concatenate([mean, np.log(np.maximum(variance, 1e-12))]),) * 2
        return mean, np.quantile(flat, loss.q if isinstance(loss, Quantile) else 0.5, axis=0).reshape(-1)


def _logarithm(array: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore"):
        return np.log(array)


def _repeated(rows: np.ndarray, size: int) -> np.ndarray:
    """Return rows as often beside each other as makes them so long: quantiles have a block of outputs each."""
    return np.concatenate([rows] * max(size // max(rows.shape[1], 1), 1), axis=1)
