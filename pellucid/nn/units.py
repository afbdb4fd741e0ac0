"""Networks told unit by unit, as edges between numbered units, each unit with an activation of its own.

Units are grouped by depth, the length of the longest way from an input. The units of one depth are a masked dense layer
on all values that came before; so any feed-forward graph of units runs as a few products of matrices.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby
from typing import Any

import numpy as np

from pellucid.errors import ShapeError, UsageError
from pellucid.graph.context import Context
from pellucid.graph.value import Value
from pellucid.nn.activation import ActivationLike, activate, activation_name
from pellucid.nn.checks import place, require_features
from pellucid.nn.initializers import Masked, as_initializer, default_initializer
from pellucid.nn.layers import Dense, InitializerLike
from pellucid.nn.network import Layer
from pellucid.nn.unit_checks import Edge, activations_by_unit, check_reach, checked_edges, checked_outputs
from pellucid.ops.joins import concatenate


@dataclass(frozen=True)
class Run:
    """Units of one level, side by side in its matrix, that have the same activation."""

    activation: ActivationLike
    units: tuple[int, ...]


@dataclass(frozen=True)
class Level:
    """The units of one depth, and all units before them, in the order of rows and columns of the level's weight."""

    sources: tuple[int, ...]
    runs: tuple[Run, ...]

    @property
    def units(self) -> tuple[int, ...]:
        return tuple(unit for run in self.runs for unit in run.units)


@dataclass(frozen=True, eq=False)
class Units(Layer):
    """A layer given unit by unit: [batch, inputs] -> [batch, outputs].

    Parameters
    ----------
    inputs : int
        How many features come in. They are the units 0 to ``inputs - 1``.
    edges : iterable of (int, int)
        ``(j, i)`` where unit i takes the value of unit j; j < i, and i is no input. Each edge is one weight.
    activations : activation, or sequence or mapping of activations
        One for all units; or one for each unit that is no input, in order (``inputs`` first) or by its number.
    outputs : sequence of int, optional
        Which units are the columns of the result. By default those that no edge leaves, in order.
    bias : bool
        Whether each unit adds a number of its own.
    initializer, bias_initializer : Initializer, str or float, optional
        As for :class:`Dense`; each unit's fan-in is the number of its edges.
    name : str, optional
        By default ``units_1``... The parameters are ``level_1/weight``, ``level_1/bias``, one pair for each depth.

    Raises
    ------
    UsageError
        Where edges, activations and outputs are no feed-forward network in which every unit depends on an input and
        leads to an output.

    Notes
    -----
    Weights between units without an edge stay 0 and do nothing, unless a value is infinite or NaN: it then reaches
    all deeper units.

    Examples
    --------
    Exclusive or, of step units: at least one input, both inputs, the first without the second.

    >>> import pellucid as pl
    >>> xor = pl.Units(2, [(0, 2), (1, 2), (0, 3), (1, 3), (2, 4), (3, 4)], "step")
    >>> network = pl.Network(xor, inputs=2)
    >>> weights = {(0, 2): 1, (1, 2): 1, (0, 3): 1, (1, 3): 1, (2, 4): 1, (3, 4): -1}
    >>> parameters = xor.unit_parameters(weights, biases={2: -0.5, 3: -1.5, 4: -0.5})
    >>> program = pl.compile(network.graph(batch=4))
    >>> program(x=[[0, 0], [0, 1], [1, 0], [1, 1]], **parameters)["output"].ravel().tolist()
    [0.0, 1.0, 1.0, 0.0]
    """

    inputs: int
    edges: Iterable[Edge]
    activations: ActivationLike | Sequence[ActivationLike] | Mapping[int, ActivationLike] = "tanh"
    outputs: Sequence[int] | None = None
    bias: bool = field(default=True, kw_only=True)
    initializer: InitializerLike = field(default=None, kw_only=True)
    bias_initializer: InitializerLike = field(default=None, kw_only=True)
    name: str | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        edges = checked_edges(self.inputs, self.edges)
        size = 1 + max(unit for edge in edges for unit in edge)
        object.__setattr__(self, "edges", edges)
        object.__setattr__(self, "activations", activations_by_unit(self.activations, self.inputs, size))
        leaving = {source for source, _ in edges}
        last = [unit for unit in range(self.inputs, size) if unit not in leaving]
        outputs = checked_outputs(last if self.outputs is None else self.outputs, size)
        object.__setattr__(self, "outputs", outputs)
        check_reach(self.inputs, edges, size, outputs)
        for given in (self.initializer, self.bias_initializer):
            if given is not None:
                as_initializer(given)

    @cached_property
    def levels(self) -> tuple[Level, ...]:
        """The units by depth."""
        depth = dict.fromkeys(range(self.inputs), 0)
        for source, unit in sorted(self.edges, key=lambda edge: edge[1]):
            depth[unit] = max(depth.get(unit, 0), depth[source] + 1)
        order = tuple(range(self.inputs))
        levels = []
        for wanted in range(1, max(depth.values()) + 1):
            level = Level(order, _runs([unit for unit in sorted(depth) if depth[unit] == wanted], self.activations))
            levels.append(level)
            order += level.units
        return tuple(levels)

    def build(self, context: Context, *inputs: Value) -> Value:
        x = require_features(context, *inputs)
        if x.shape[1] != self.inputs:
            raise ShapeError("other inputs", where=place(context), got=str(x.type), expected=f"[batch, {self.inputs}]")
        values = x
        for number, level in enumerate(self.levels, 1):
            values = _concatenate([values, self._build_level(context, f"level_{number}", level, values)])
        columns = self._columns
        return _concatenate(
            [values[:, first : last + 1] for first, last in _stretches([columns[unit] for unit in self.outputs or ()])]
        )

    def _build_level(self, context: Context, name: str, level: Level, values: Value) -> Value:
        """Return the values of a level's units [batch, units]."""
        dense = self._dense(name, level)
        with context.scope(name):
            z = dense.build(context, values)
            parts, start = [], 0
            for run in level.runs:
                stop = start + len(run.units)
                part = z if len(run.units) == len(level.units) else z[:, start:stop]
                parts.append(activate(context, run.activation, part))
                start = stop
            return _concatenate(parts)

    def _dense(self, name: str, level: Level) -> Dense:
        mask = np.zeros((len(level.sources), len(level.units)))
        rows, columns = _places(level.sources), _places(level.units)
        for source, unit in self.edges:
            if unit in columns:
                mask[rows[source], columns[unit]] = 1.0
        initializers = []
        for run in level.runs:
            given = self.initializer
            chosen = default_initializer(activation_name(run.activation)) if given is None else as_initializer(given)
            initializers += [chosen] * len(run.units)
        return Dense(
            len(level.units),
            bias=self.bias,
            initializer=Masked(initializers, mask),
            bias_initializer=self.bias_initializer,
            mask=None if mask.all() else mask,
            name=name,
        )

    @cached_property
    def _columns(self) -> dict[int, int]:
        """The column of each unit where the values of all units lie side by side."""
        last = self.levels[-1]
        return _places(last.sources + last.units)

    def unit_parameters(
        self, weights: Mapping[Edge, float], biases: Mapping[int, float] | None = None, path: str = "units_1"
    ) -> dict[str, np.ndarray]:
        """Return the parameters, float64 by path, of given weights by edge and biases by unit; others are 0.

        Parameters
        ----------
        weights : mapping of (int, int) to float
        biases : mapping of int to float, optional
        path : str
            The layer's path in the network.

        Raises
        ------
        UsageError
            Where an edge or a unit is not there.
        """
        biases = biases or {}
        unknown = [
            *(edge for edge in weights if edge not in self._edge_set),
            *(u for u in biases if u not in self._units),
        ]
        if unknown or (biases and not self.bias):
            got = ", ".join(map(str, unknown[:5])) or "biases"
            raise UsageError("the layer has no such edges or units", where=path, got=got)
        parameters = {}
        for number, level in enumerate(self.levels, 1):
            rows, columns = _places(level.sources), _places(level.units)
            weight: np.ndarray = np.zeros((len(rows), len(columns)))
            bias: np.ndarray = np.zeros(len(columns))
            for (source, unit), value in weights.items():
                if unit in columns:
                    weight[rows[source], columns[unit]] = value
            for unit, value in biases.items():
                if unit in columns:
                    bias[columns[unit]] = value
            parameters[f"{path}/level_{number}/weight"] = weight
            if self.bias:
                parameters[f"{path}/level_{number}/bias"] = bias
        return parameters

    def by_unit(
        self, parameters: Mapping[str, Any], path: str = "units_1"
    ) -> tuple[dict[Edge, float], dict[int, float]]:
        """Return weights by edge and biases by unit from parameters by path: the inverse of `unit_parameters`.

        Gradients with respect to the parameters can be read in the same way.
        """
        weights: dict[Edge, float] = {}
        biases: dict[int, float] = {}
        for number, level in enumerate(self.levels, 1):
            rows, columns = _places(level.sources), _places(level.units)
            weight = np.asarray(parameters[f"{path}/level_{number}/weight"])
            weights.update({(j, i): float(weight[rows[j], columns[i]]) for j, i in self.edges if i in columns})
            if self.bias:
                bias = np.asarray(parameters[f"{path}/level_{number}/bias"])
                biases.update({unit: float(bias[column]) for unit, column in columns.items()})
        return {edge: weights[edge] for edge in self.edges}, dict(sorted(biases.items()))

    @cached_property
    def _edge_set(self) -> frozenset[Edge]:
        return frozenset(self.edges)

    @cached_property
    def _units(self) -> frozenset[int]:
        return frozenset(unit for _, unit in self.edges)


def _places(units: Iterable[int]) -> dict[int, int]:
    return {unit: place for place, unit in enumerate(units)}


def _concatenate(values: Sequence[Value]) -> Value:
    return values[0] if len(values) == 1 else concatenate(values, axis=1)


def _runs(units: Sequence[int], activations: Any) -> tuple[Run, ...]:
    """Return units grouped by equal activations, in the order in which these come first."""
    groups: dict[Any, list[int]] = {}
    for unit in units:
        groups.setdefault(activations[unit], []).append(unit)
    return tuple(Run(activation, tuple(found)) for activation, found in groups.items())


def _stretches(columns: Sequence[int]) -> list[tuple[int, int]]:
    """Return columns as stretches of neighbours: first and last column of each."""
    stretches = []
    for _, found in groupby(enumerate(columns), key=lambda place: place[1] - place[0]):
        neighbours = [column for _, column in found]
        stretches.append((neighbours[0], neighbours[-1]))
    return stretches
