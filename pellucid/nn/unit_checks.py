"""What a network given unit by unit has to fulfil, told in terms of its edges and units."""

from __future__ import annotations

import graphlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from pellucid.errors import UsageError
from pellucid.nn.activation import ActivationLike, check_activation

Edge = tuple[int, int]


def _is_unit(number: Any) -> bool:
    return isinstance(number, (int, np.integer)) and not isinstance(number, bool) and int(number) >= 0


def checked_edges(inputs: int, given: Iterable[Edge]) -> tuple[Edge, ...]:
    """Return the edges as pairs of plain integers, or say which of them has no place in a feed-forward network."""
    if not _is_unit(inputs) or inputs < 1:
        raise UsageError("not a number of inputs", where="Units", got=repr(inputs), expected="a whole number from 1 up")
    edges = [tuple(edge) if isinstance(edge, Iterable) else (edge,) for edge in given]
    if not edges:
        raise UsageError("a network of units needs edges", where="Units")
    seen: set[tuple] = set()
    for edge in edges:
        if len(edge) != 2 or not all(map(_is_unit, edge)):
            raise UsageError("not an edge", where="Units", got=repr(edge), expected="a pair of unit numbers (j, i)")
        if edge in seen:
            raise UsageError("an edge is given twice", where="Units", got=repr(edge))
        if edge[0] == edge[1]:
            raise UsageError("a unit can not take its own value", where="Units", got=f"edge {edge}")
        if edge[1] < inputs:
            fix = f"The units 0 to {inputs - 1} are the inputs."
            raise UsageError("an input can not take a value from a unit", where="Units", got=f"edge {edge}", fix=fix)
        seen.add(edge)
    _check_order(edges)
    return tuple((int(source), int(unit)) for source, unit in edges)


def _check_order(edges: Sequence[tuple]) -> None:
    backward = [edge for edge in edges if edge[0] > edge[1]]
    if not backward:
        return
    sources: dict[int, list[int]] = {}
    for source, unit in edges:
        sources.setdefault(unit, []).append(source)
    try:
        graphlib.TopologicalSorter(sources).prepare()
    except graphlib.CycleError as error:
        told = " -> ".join(map(str, error.args[1]))
        raise UsageError("the edges form a cycle", where="Units", got=told, fix="Remove one of its edges.") from None
    raise UsageError(
        "an edge leads to a unit with a smaller number",
        where="Units",
        got=f"edge {backward[0]}",
        expected="j < i in every edge (j, i)",
        fix="Number the units so that each comes after those it takes values from.",
    )


def activations_by_unit(given: Any, inputs: int, size: int) -> dict[int, ActivationLike]:
    """Return the activation of each unit that is no input."""
    units = range(inputs, size)
    if isinstance(given, Mapping):
        wrong = sorted(set(units) ^ set(given), key=repr)
        if wrong:
            told = ", ".join(f"{unit} {'without' if unit in units else 'unknown'}" for unit in wrong[:5])
            expected = f"an activation for each of the units {inputs} to {size - 1}"
            raise UsageError("activations do not fit the units", where="Units", got=f"unit {told}", expected=expected)
        found = {unit: given[unit] for unit in units}
    elif isinstance(given, Sequence) and not isinstance(given, str):
        if len(given) != len(units):
            expected = f"{len(units)}: one for each of the units {inputs} to {size - 1}"
            raise UsageError("activations do not fit the units", where="Units", got=str(len(given)), expected=expected)
        found = dict(zip(units, given, strict=True))
    else:
        found = dict.fromkeys(units, given)
    for unit, activation in found.items():
        check_activation(activation, f"Units, unit {unit}")
    return found


def checked_outputs(given: Any, size: int) -> tuple[int, ...]:
    """Return the units whose values are the result, all different and there."""
    outputs = tuple(given) if isinstance(given, Iterable) else (given,)
    unknown = [unit for unit in outputs if not _is_unit(unit) or unit >= size]
    if not outputs or unknown or len(set(outputs)) != len(outputs):
        expected = f"different units from 0 to {size - 1}"
        raise UsageError("the outputs do not fit the units", where="Units", got=repr(given), expected=expected)
    return tuple(map(int, outputs))


def check_reach(inputs: int, edges: Sequence[Edge], size: int, outputs: tuple[int, ...]) -> None:
    """Raise a UsageError where a unit depends on no input, or no output depends on it."""
    fed, leading = set(range(inputs)), set(outputs)
    for source, unit in sorted(edges, key=lambda edge: edge[1]):
        if source in fed:
            fed.add(unit)
    for source, unit in sorted(edges, reverse=True):
        if unit in leading:
            leading.add(source)
    lost = [unit for unit in range(inputs, size) if unit not in fed]
    if lost:
        fix = "Add an edge to it, or number the units without it."
        raise UsageError("a unit depends on no input", where="Units", got=f"unit {lost[0]}", fix=fix)
    idle = [unit for unit in range(inputs, size) if unit not in leading]
    if idle:
        fix = "Add an edge from it, or name it among the outputs."
        raise UsageError("no output depends on a unit", where="Units", got=f"unit {idle[0]}", fix=fix)
