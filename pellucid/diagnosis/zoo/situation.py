"""A training as a person sets it up: data, layers, options. Sound as made here; faults are changes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pellucid.data.dataset import Dataset
from pellucid.diagnosis.gates.case import Case
from pellucid.diagnosis.zoo.materials import Material
from pellucid.nn.layers import Dense
from pellucid.nn.network import Layer, Network


@dataclass(frozen=True, eq=False)
class Rows:
    """Examples as arrays: x [rows, features], y [rows, ...], weights [rows] or None."""

    x: np.ndarray
    y: np.ndarray
    weights: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.x)

    def take(self, rows: Any) -> Rows:
        """Return some of them."""
        return Rows(self.x[rows], self.y[rows], None if self.weights is None else self.weights[rows])

    def dataset(self) -> Dataset:
        return Dataset({"x": self.x}, self.y, self.weights)


@dataclass(frozen=True, eq=False)
class Situation:
    """A training, set up.

    Attributes
    ----------
    material : Material
        Where the data come from, raw.
    learning, test : Rows
        What is learned from, and what it is judged by.
    use : Rows
        What it meets in use: new rows, prepared as those that were learned from. Only a leak or an overlap makes them
        differ from `test`.
    layers : tuple of Layer
    options : mapping
        The keywords of :func:`pellucid.fit`.
    columns : tuple of str
    dtype : str
    """

    material: Material
    learning: Rows
    test: Rows
    use: Rows
    layers: tuple[Layer, ...]
    options: Mapping[str, Any]
    columns: tuple[str, ...]
    dtype: str = "float32"

    def case(self) -> Case:
        """Return the case that gates are asked about."""
        network = Network(list(self.layers), self.learning.x.shape[1], self.dtype)
        return Case(network, self.learning.dataset(), dict(self.options), self.test.dataset(), self.columns)

    def with_options(self, **changes: Any) -> Situation:
        """Return the same with other options."""
        return replace(self, options={**self.options, **changes})

    def without_options(self, *names: str) -> Situation:
        """Return the same without some options."""
        return replace(self, options={name: value for name, value in self.options.items() if name not in names})

    def with_hidden(self, **changes: Any) -> Situation:
        """Return the same with other settings of all hidden dense layers."""
        *hidden, output = self.layers
        changed = tuple(replace(layer, **changes) if isinstance(layer, Dense) else layer for layer in hidden)
        return replace(self, layers=(*changed, output))

    def with_all(self, **changes: Any) -> Situation:
        """Return the same with other settings of all dense layers."""
        changed = tuple(replace(layer, **changes) if isinstance(layer, Dense) else layer for layer in self.layers)
        return replace(self, layers=changed)

    def with_output(self, **changes: Any) -> Situation:
        """Return the same with other settings of the last layer."""
        *hidden, output = self.layers
        assert isinstance(output, Dense)
        return replace(self, layers=(*hidden, replace(output, **changes)))

    def with_layers(self, *layers: Layer) -> Situation:
        return replace(self, layers=layers)

    def with_inputs(self, change: Callable[[np.ndarray], np.ndarray]) -> Situation:
        """Return the same with other inputs everywhere: ``change(x)`` of all examples."""
        return self._with_rows(lambda rows: replace(rows, x=change(rows.x)))

    def with_targets(self, change: Callable[[np.ndarray], np.ndarray]) -> Situation:
        """Return the same with other targets everywhere: ``change(y)`` of all examples."""
        return self._with_rows(lambda rows: replace(rows, y=change(rows.y)))

    def _with_rows(self, change: Callable[[Rows], Rows]) -> Situation:
        learning, test = change(self.learning), change(self.test)
        return replace(self, learning=learning, test=test, use=test if self.use is self.test else change(self.use))


def standardize(learning: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return both with the mean and the spread of the first taken out, by column."""
    middle, spread = learning.mean(axis=0), learning.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    return (learning - middle) / spread, (other - middle) / spread


def divide(material: Material, share: float = 0.3) -> tuple[Rows, Rows]:
    """Return rows to learn from and to test by, standardized; targets too where they are predicted as numbers."""
    count = round((1 - share) * len(material.x))
    x, x_test = standardize(material.x[:count], material.x[count:])
    y, y_test = material.y[:count], material.y[count:]
    if material.task == "reconstruction":
        y, y_test = x, x_test
    elif material.task == "regression":
        y, y_test = standardize(y, y_test)
    return Rows(x, y), Rows(x_test, y_test)
