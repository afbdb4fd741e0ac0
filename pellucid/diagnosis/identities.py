"""Whether the simplifications of an operation keep every bit of its results."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from pellucid.diagnosis.trials import CheckError, CheckReport, Trial
from pellucid.errors import DataError, PellucidError
from pellucid.executors.program import compile
from pellucid.graph.builder import Builder
from pellucid.graph.simplify import simplify
from pellucid.graph.value import Value
from pellucid.ops.declare import Declared, Elementwise

SPECIAL = {
    "f": (0.0, -0.0, 1.0, -1.0, 2.5, -2.5, np.inf, -np.inf, np.nan),
    "i": (0, 1, -1, 7, -7),
    "u": (0, 1, 2, 7),
    "b": (True, False),
}
"""Operands, by the kind of their dtype, at which identities that are not exact show."""
FILLINGS = {"f": (0.0, -0.0, 1.0), "i": (0, 1, -1), "u": (0, 1), "b": (True, False)}
"""Constants, by the kind of dtype, that identities ask for."""

Operands = Callable[[Builder, list[Value]], Sequence[Value] | None]


def check_identities(op: Declared, trial: Trial, executor: str, report: CheckReport) -> None:
    """Compare, to the bit, what an operation gives with what is left of it after simplification.

    Raises
    ------
    CheckError
        With the operands, what was found and what was expected.
    """
    for what, arrays in _all_operands(op, trial):
        tried = Trial(arrays, trial.params, f"{trial.label}, {what}")
        for how, operands in _arrangements(op, tried):
            _compare(op, tried, how, operands, executor)
            report.note("identities")


def _all_operands(op: Declared, trial: Trial) -> Iterator[tuple[str, tuple[np.ndarray, ...]]]:
    """Yield the operands of a trial, and for elementwise operations all combinations of special numbers."""
    yield "as drawn", trial.arrays
    if isinstance(op, Elementwise) and all(array.shape == (3,) for array in trial.arrays):
        special = [np.array(SPECIAL[array.dtype.kind], array.dtype) for array in trial.arrays]
        spread = [np.ascontiguousarray(part).reshape(-1) for part in np.meshgrid(*special, indexing="ij")]
        yield "special numbers", tuple(spread)


def _arrangements(op: Declared, trial: Trial) -> Iterator[tuple[str, Operands]]:
    """Yield ways to build the operands: as inputs, one as a constant, the same one twice, results of the operation."""
    yield "operands as inputs", lambda builder, values: values
    for place, array in enumerate(trial.arrays):
        if isinstance(op, Elementwise) and array.size:
            for number in FILLINGS[array.dtype.kind]:
                yield f"operand {place + 1} {number!r}", _filled(place, number)
                yield f"operand {place + 1} an array of {number!r}", _filled(place, np.full(array.shape, number))
            mixed = np.resize(np.array(FILLINGS[array.dtype.kind][:2], array.dtype), array.shape)
            yield f"operand {place + 1} {mixed.tolist()!r}"[:80], _filled(place, mixed)
        for other in range(place):
            if trial.arrays[other].dtype == array.dtype and trial.arrays[other].shape == array.shape:
                yield f"operands {other + 1} and {place + 1} the same", _same(other, place)
        yield f"operand {place + 1} a result of the operation", _nested(op, trial, place)


def _filled(place: int, number: Any) -> Operands:
    return lambda builder, values: [
        builder.constant(number, value.dtype) if at == place else value for at, value in enumerate(values)
    ]


def _same(first: int, second: int) -> Operands:
    return lambda builder, values: [values[first] if at == second else value for at, value in enumerate(values)]


def _nested(op: Declared, trial: Trial, place: int) -> Operands:
    """Return operands of which one is what the operation gives, if it takes that: no other part of it changes."""

    def build(builder: Builder, values: list[Value]) -> Sequence[Value] | None:
        try:
            inner = builder.add(op, tuple(values), dict(trial.params))
        except PellucidError:
            return None
        return [inner if at == place else value for at, value in enumerate(values)]

    return build


def _compare(op: Declared, trial: Trial, how: str, operands: Operands, executor: str) -> None:
    builder, values = trial.open()
    try:
        given = operands(builder, list(values.values()))
        if given is None:
            return
        graph = builder.finish({"y": builder.add(op, tuple(given), dict(trial.params))})
    except PellucidError:  # it does not take such operands
        return
    where = f"{trial.label}, {how}"
    try:
        expected = trial.run(graph, executor)["y"]
    except DataError:  # such as rows that a table has not
        return
    try:
        simple = simplify(graph)
        found = compile(simple, executor)(**trial.inputs)["y"]
    except Exception as error:
        raise CheckError("the operation can not be simplified", where=where, got=repr(error)[:200]) from error
    if simple.outputs["y"].type != graph.outputs["y"].type:
        got, type = str(simple.outputs["y"].type), str(graph.outputs["y"].type)
        raise CheckError("an identity changes the type", where=where, got=got, expected=type)
    wrong = ~_same_bits(found, expected)
    if wrong.any():
        at = tuple(np.argwhere(wrong)[0])
        got = repr(found[at].item())
        raise CheckError("an identity changes the value", where=where, got=got, expected=repr(expected[at].item()))


def _same_bits(found: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Tell where two arrays are the same to the bit; one NaN is as good as another."""
    if expected.dtype.kind != "f":
        return np.asarray(found == expected)
    both = np.isnan(found) & np.isnan(expected)
    return np.asarray(both | ((found == expected) & (np.signbit(found) == np.signbit(expected))))


__all__ = ["check_identities"]
