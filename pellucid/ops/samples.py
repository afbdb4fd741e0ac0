"""Sample operands, from which the checks of an operation draw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np

from pellucid.graph.types import Shape, Type


class Sample(Protocol):
    """A way to draw an operand of a given shape."""

    def draw(self, rng: np.random.Generator, shape: Shape) -> np.ndarray: ...


@dataclass(frozen=True)
class Uniform:
    """Numbers spread evenly between `low` and `high`, none nearer than `gap` to a point of `avoid` (kinks)."""

    low: float
    high: float
    avoid: tuple[float, ...] = ()
    gap: float = 1e-3

    def draw(self, rng: np.random.Generator, shape: Shape) -> np.ndarray:
        x = rng.uniform(self.low, self.high, shape)
        for kink in self.avoid:
            x = np.where(np.abs(x - kink) < self.gap, kink + np.where(x < kink, -self.gap, self.gap), x)
        return x


@dataclass(frozen=True)
class Integers:
    """Whole numbers from `low` up to but not including `high`."""

    low: int
    high: int

    def draw(self, rng: np.random.Generator, shape: Shape) -> np.ndarray:
        return rng.integers(self.low, self.high, shape)


@dataclass(frozen=True)
class Booleans:
    """Truth values, half of them true."""

    def draw(self, rng: np.random.Generator, shape: Shape) -> np.ndarray:
        return rng.random(shape) < 0.5


@dataclass(frozen=True)
class Operand:
    """An operand of a structural operation: its shape and how its elements are drawn."""

    shape: Shape
    sample: Sample = Uniform(-2.0, 2.0)

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        return np.asarray(self.sample.draw(rng, self.shape))


def _no_params() -> Mapping[str, Any]:
    return MappingProxyType({})


@dataclass(frozen=True)
class Case:
    """Operands and parameters that a structural operation takes."""

    operands: tuple[Operand, ...]
    params: Mapping[str, Any] = field(default_factory=_no_params)


@dataclass(frozen=True)
class ErrorCase:
    """Types and parameters that an operation refuses, and words of the message that says why."""

    types: tuple[Type, ...]
    match: str
    params: Mapping[str, Any] = field(default_factory=_no_params)
