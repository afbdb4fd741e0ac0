"""What all contestants get: the same configurations, examples and folds."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pellucid.bench.tune.extent import FOLDS, NUMBERS, Extent

BATCH = 32
SIZES = "choice(16, 32, 64, 128, 256)"
SPACE = {
    "layers": "integer(1, 3)",
    "units_1": SIZES,
    "units_2": f"{SIZES} if layers >= 2",
    "units_3": f"{SIZES} if layers >= 3",
    "learning_rate": "log_uniform(0.0001, 0.01)",
    "l2": "log_uniform(0.000001, 0.01)",
}
"""Of the search that measures the rate: 155 architectures, and two numbers each."""

TINY = (20, 16, 3)
TINY_RATE = 0.001


def hidden_sizes(configuration: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the sizes of the hidden layers of a configuration.

    Examples
    --------
    >>> hidden_sizes({"layers": 2, "units_1": 64, "units_2": 16})
    (64, 16)
    """
    return tuple(configuration[f"units_{layer}"] for layer in range(1, configuration["layers"] + 1))


def draw_configurations(extent: Extent) -> list[dict[str, Any]]:
    """Return the configurations that everybody tries, in the order in which Pellucid's random sampler draws them."""
    from pellucid.tuning.samplers import make_sampler
    from pellucid.tuning.space import Space

    sampler = make_sampler("random", Space(SPACE), 0, False)
    return [dict(one) for one in sampler.propose(0, extent.configurations, (), ())]


def count_parameters(hidden: tuple[int, ...], inputs: int = 64, outputs: int = 10) -> int:
    """Return how many numbers a network learns.

    Examples
    --------
    >>> count_parameters((16,), 20, 3)
    387
    """
    sizes = (inputs, *hidden, outputs)
    return sum(a * b + b for a, b in itertools.pairwise(sizes))


@dataclass(frozen=True)
class Case:
    """A table in three parts.

    Attributes
    ----------
    name : str
    x : ndarray of float64, [examples, features]
    y : ndarray, [examples]
        Classes from 0, or numbers.
    part : ndarray of int, [examples]
        In which one an example is.
    """

    name: str
    x: np.ndarray
    y: np.ndarray
    part: np.ndarray

    @property
    def classes(self) -> bool:
        return self.name not in NUMBERS

    @property
    def outputs(self) -> int:
        """How many classes there are; 1 for numbers."""
        return int(self.y.max()) + 1 if self.classes else 1

    def pairs(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return rows to learn from and rows held out, for each part."""
        return [(np.flatnonzero(self.part != one), np.flatnonzero(self.part == one)) for one in range(FOLDS)]


def read_case(folder: str | Path, name: str) -> Case:
    """Return a table that `pellucid.bench.tune.peers.tables` has written."""
    with np.load(Path(folder) / f"{name}.npz") as found:
        return Case(name, found["x"], found["y"], found["part"])


def make_tiny(examples: int) -> tuple[np.ndarray, np.ndarray]:
    """Return examples of the tiny networks: x [examples, 20] in float32, classes [examples] as int64.

    The class is the largest of three random functions of the features, with noise.
    """
    random = np.random.default_rng(0)
    x = random.standard_normal((examples, TINY[0]), dtype=np.float32)
    inner = np.tanh(x @ random.standard_normal((TINY[0], 12)) / 2)
    scores = inner @ random.standard_normal((12, TINY[-1])) + 0.5 * random.standard_normal((examples, TINY[-1]))
    return x, scores.argmax(axis=1)
