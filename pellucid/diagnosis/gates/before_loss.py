"""The gate of the first loss: it has to be near the loss of outputs that say nothing."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping

import numpy as np

from pellucid import random
from pellucid.diagnosis.gates.case import Case
from pellucid.diagnosis.gates.finding import PASS, Finding
from pellucid.diagnosis.gates.gate import find, gate
from pellucid.diagnosis.gates.probe import (
    GIVEN,
    Arrays,
    Runner,
    count,
    examples,
    forward,
    losses_of_outputs,
    mean_loss,
    standardized,
)
from pellucid.diagnosis.gates.thresholds import Threshold, Thresholds, declare
from pellucid.nn.losses import (
    BinaryCrossEntropy,
    Hinge,
    Loss,
    MulticlassHinge,
    MultilabelCrossEntropy,
    Poisson,
    SoftmaxCrossEntropy,
)
from pellucid.training.step import target_name

ROWS = 256
LEAST = 4
"""Fewer examples may be far from the others by chance."""

LARGEST = 1e6
"""Outputs this many times larger than they should be are as bad as any."""

declare(
    Threshold(
        "loss_at_initialization",
        4.0,
        12.0,
        "size of random outputs that cost as much as the first ones, in logits or deviations of the target",
        "outputs of fitted initializers are about 1: Glorot and Bengio 2010, He et al. 2015",
    )
)


@gate("before", "Does the loss begin where outputs that say nothing have it?")
def loss_at_initialization(case: Case, thresholds: Thresholds) -> Iterator[Finding]:
    if case.options.get("start_from") is not None:  # what was trained before does not begin with outputs near 0
        return
    arrays = examples(case, ROWS)
    if count(arrays) < LEAST:
        return
    bench = _Bench(case, arrays)
    threshold = thresholds["loss_at_initialization"]
    first, size = bench.first(arrays)
    causes: tuple[str, ...] = ("large_initialization", "unscaled_inputs")
    remedy = "Start with smaller weights: take the initializer that suits the activation."
    if not math.isfinite(first):
        causes, remedy = (
            ("non_finite", *causes),
            "Follow the value with pl.find_origin; scale inputs and first weights.",
        )
    elif threshold.judge(size) != PASS and threshold.judge(bench.first(standardized(case, arrays))[1]) == PASS:
        causes, remedy = ("unscaled_inputs",), "Standardize the inputs."
    told = (
        f"the loss begins at {first:.4g}; outputs of 0 cost {theory(case, bench.at_zero)},"
        f" so the first ones are like random ones {size:.3g} {bench.unit_told} large"
    )
    yield find("loss_at_initialization", threshold, size, told, remedy=remedy, causes=causes)


def theory(case: Case, at_zero: float) -> str:
    """Return the loss of outputs of 0 in words, with its closed form where it has one that holds for any targets."""
    forms = [closed_form(loss, case.network.outputs[name].size) for name, loss in case.losses.items()]
    if len(forms) != 1 or forms[0] is None:
        return f"{at_zero:.4g}"
    return f"{forms[0][0]} = {at_zero:.4g}" if forms[0][0] != f"{at_zero:.4g}" else forms[0][0]


def closed_form(loss: Loss, outputs: int) -> tuple[str, float] | None:
    """Return what outputs of 0 cost, in words and as a number; None where that depends on the targets.

    Examples
    --------
    >>> import pellucid as pl
    >>> closed_form(pl.loss("softmax_cross_entropy"), 3)
    ('log(3)', 1.0986122886681098)
    """
    if isinstance(loss, SoftmaxCrossEntropy):
        return f"log({outputs})", math.log(outputs)
    if isinstance(loss, (BinaryCrossEntropy, MultilabelCrossEntropy)):
        return ("log(2)" if outputs == 1 else f"{outputs} log(2)"), outputs * math.log(2)
    if isinstance(loss, (Hinge, MulticlassHinge)):
        return "1", 1.0
    if isinstance(loss, Poisson):
        return str(outputs), float(outputs)
    return None


class _Bench:
    """What outputs cost: the first ones, those of 0, and random ones of any size."""

    def __init__(self, case: Case, arrays: Arrays):
        self.case, self.arrays = case, arrays
        self._forward: Runner = forward(case, count(arrays))
        self._losses: Runner = losses_of_outputs(case, count(arrays))
        types = case.network.outputs
        self._units = {name: self._unit(name) for name in types}
        self._noise = {
            name: random.normal(case.seed, f"gates, outputs/{name}", 0, (count(arrays), *type.shape))
            for name, type in types.items()
        }
        self.at_zero = self.cost({name: np.zeros_like(noise) for name, noise in self._noise.items()})
        self.unit_told = "deviations of the target" if all(loss.linear for loss in case.losses.values()) else "units"

    def _unit(self, name: str) -> np.ndarray | float:
        """Return by what outputs are measured: deviations of the target where they are the target's numbers."""
        if not self.case.losses[name].linear:
            return 1.0
        spread = self.arrays[target_name(self.case.network, name)].astype(np.float64).std(axis=0)
        spread = np.where(spread > 0, spread, 1.0)
        return spread if spread.shape == self.case.network.outputs[name].shape else float(spread.mean())

    def cost(self, outputs: Mapping[str, np.ndarray]) -> float:
        """Return the mean loss of outputs."""
        given = {GIVEN + name: output for name, output in outputs.items()}
        return mean_loss(self._losses({}, {**self.arrays, **given})["losses"], self.arrays)

    def first(self, arrays: Arrays) -> tuple[float, float]:
        """Return the first loss, and how large random outputs of equal cost are; without end where it is not finite."""
        cost = self.cost(self._forward(self.case.parameters, arrays))
        if not math.isfinite(cost):
            return cost, math.inf
        return cost, equal_size(cost - self.at_zero, lambda size: self._random(size) - self.at_zero)

    def _random(self, size: float) -> float:
        """Return the mean loss of random outputs of a size; for each its opposite is there too."""
        sides = [
            self.cost({name: sign * size * self._units[name] * noise for name, noise in self._noise.items()})
            for sign in (1.0, -1.0)
        ]
        return sum(sides) / 2


def equal_size(excess: float, cost: Callable[[float], float]) -> float:
    """Return at which size, from 0 on, a cost that grows with it reaches a number, by bisection.

    Examples
    --------
    >>> round(equal_size(4.5, lambda size: size**2 / 2), 2)
    3.0
    """
    if excess <= 0:
        return 0.0
    high = 1.0
    while not cost(high) >= excess:
        high *= 2
        if high > LARGEST:
            return LARGEST
    low = 0.0
    for _ in range(16):
        middle = (low + high) / 2
        low, high = (low, middle) if cost(middle) >= excess else (middle, high)
    return high
