"""Checking an operation against its own declaration: types, values, slopes, errors, text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from pellucid.diagnosis.identities import check_identities
from pellucid.diagnosis.kinks import check_kinks
from pellucid.diagnosis.slopes import check_slopes
from pellucid.diagnosis.trials import CheckError, CheckReport, Trial, draw_trials
from pellucid.errors import DeclarationError, PellucidError, ShapeError
from pellucid.executors.program import compile
from pellucid.graph.builder import Builder, as_value
from pellucid.graph.differentiate import differentiate
from pellucid.graph.graph import Graph
from pellucid.graph.operation import REGISTRY, Operation, operation
from pellucid.graph.text import parse
from pellucid.graph.types import Type, bool_, float32, float64
from pellucid.ops.declare import Declared, Elementwise, Structural
from pellucid.ops.samples import ErrorCase

VALUE_BOUND = {"float64": 1e-12, "float32": 1e-5}
"""How far a value may be from the reference, relative to it or to 1, whichever is larger."""
POINT_BOUND = 4 * 2.0**-52
"""How far a value or slope at a stated point may be from what is stated, relative to it."""


def check(op: Operation | str, *, executor: str = "interpret", seed: int = 0) -> CheckReport:
    """Check all that the declaration of an operation promises.

    Checked are, on samples in float64 and float32 (and integers where they are accepted), of several shapes: the type
    rule against the actual result; the value against the reference; stated points; first and second derivatives against
    finite differences along random directions of random projections; that unfit operands are refused with the declared
    words; that the graph is read back from its text; that simplification keeps every bit, also of operands that are
    constants, are the same value, or are results of the operation itself; that a rule keeps to the scalar vocabulary.
    An elementwise operation with parameters is tried with a second set of them too, where its rule takes that.

    A slope at a kink is checked where the declaration names it under `points`: random samples do not meet it. For
    functions of one operand, kinks within the range of the samples are looked for, and one that is not among the points
    is refused.

    Parameters
    ----------
    op : Operation or str
        A declared operation, built in or a user's, or its name.
    executor : str
        What computes the values, as for :func:`pellucid.compile`.
    seed : int
        For the samples.

    Returns
    -------
    CheckReport
        What was checked how often, and the largest deviations; ``print`` shows it as a table.

    Raises
    ------
    CheckError
        At the first promise that does not hold, with the operands, what was found and what was expected.

    Examples
    --------
    >>> import pellucid as pl
    >>> sorted(line.what for line in pl.check(pl.softplus).lines)[:3]
    ['errors', 'first derivative', 'identities']
    """
    op = operation(op) if isinstance(op, str) else op
    if not isinstance(op, Declared) or REGISTRY.get(op.name) is not op:
        told = "only an operation that is declared and registered can be checked"
        raise DeclarationError(told, where=getattr(op, "name", None), fix="Declare it with elementwise or structural.")
    report = CheckReport(op.name)
    rng = np.random.default_rng(seed)
    _check_errors(op, report)
    if op.name == "input":  # its value comes from outside: there is nothing to compute
        return report
    for trial in draw_trials(op, rng):
        graph = trial.build(op)
        _check_text(graph, trial, report)
        _check_result(op, graph, trial, executor, report)
        _check_reference(op, graph, trial, executor, report)
        check_identities(op, trial, "interpret", report)  # constants are folded by NumPy, whatever runs the rest
        if isinstance(op, Elementwise):
            _check_words(op, trial, executor, report)
    if isinstance(op, Elementwise):
        _check_points(op, executor, report)
        check_kinks(op, rng, report)
    check_slopes(op, draw_trials(op, rng), rng, executor, report)
    return report


def _check_errors(op: Declared, report: CheckReport) -> None:
    for case in op.errors if isinstance(op, Structural) else _elementwise_errors(op):
        told = ", ".join([*map(str, case.types), *(f"{name}={value!r}" for name, value in case.params.items())])
        where = f"{op.name}({told})"
        try:
            found = op.infer(case.types, {**op.param_defaults, **case.params})
        except ShapeError as error:
            if case.match not in str(error):
                raise CheckError(
                    "the error says something else", where=where, got=str(error), expected=case.match
                ) from error
        except Exception as error:
            raise CheckError("the wrong error", where=where, got=repr(error), expected="ShapeError") from error
        else:
            raise CheckError("unfit operands are accepted", where=where, got=str(found), expected="ShapeError")
        report.note("errors")


def _elementwise_errors(op: Any) -> Iterator[ErrorCase]:
    fit = tuple((bool_ if kind == "bool" else float64)[2] for kind in op.accepts)
    yield ErrorCase((*fit, float64[2]), "wrong number of operands")
    yield ErrorCase(fit, "wrong parameters", {"no such parameter": 1.0})
    for name in op.param_defaults:
        yield ErrorCase(fit, "not a number", {name: "one"})
    for position, kind in enumerate(op.accepts):
        before, after = fit[:position], fit[position + 1 :]
        if kind != "any":
            unfit = float64[2] if kind == "bool" else bool_[2]
            yield ErrorCase((*before, unfit, *after), "wrong dtype")
        if len(fit) > 1:
            yield ErrorCase((*before, fit[position].dtype[3], *after), "do not broadcast")
        if sum(other != "bool" for other in op.accepts) > 1 and kind != "bool":
            yield ErrorCase((*before, float32[2], *after), "different dtypes")


def _check_text(graph: Graph, trial: Trial, report: CheckReport) -> None:
    try:
        again = parse(str(graph))
    except PellucidError as error:
        raise CheckError("the graph's text is not read back", where=trial.label, got=str(error)) from error
    if again != graph:
        raise CheckError("the graph's text gives another graph", where=trial.label, got=str(again), expected=str(graph))
    report.note("text")


def _check_result(op: Declared, graph: Graph, trial: Trial, executor: str, report: CheckReport) -> None:
    expected = graph["y"].type
    result = trial.run(graph, executor)["y"]
    if result.shape != expected.shape or result.dtype != expected.dtype.numpy:
        got = f"{result.dtype}{list(result.shape)}"
        raise CheckError("the type rule is wrong", where=trial.label, got=got, expected=str(expected))
    raw = op.compute(trial.arrays, trial.params) if isinstance(op, Elementwise) else _compute(op, trial)
    if isinstance(raw, (np.ndarray, np.generic)):
        same = raw.dtype == result.dtype if isinstance(op, Elementwise) else _kind(raw) == _kind(result)
        if not same:
            got = str(raw.dtype)
            raise CheckError(
                "the rule computes in another dtype", where=trial.label, got=got, expected=str(expected.dtype)
            )
    report.note("type rule")


def _check_words(op: Elementwise, trial: Trial, executor: str, report: CheckReport) -> None:
    """Check that the rule can be written as a graph, as every executor but NumPy needs it, and means the same there."""
    builder, values = trial.open()
    where = trial.label
    try:
        traced = op.trace(list(values.values()), trial.params)
        result = as_value(builder, traced)
    except Exception as error:
        raise CheckError(
            "the rule does not keep to the scalar vocabulary",
            where=where,
            got=repr(error)[:200],
            fix="Write s.exp(x) and s.select(c, x, y), not np.exp(x) or if.",
        ) from error
    expected = trial.run(trial.build(op), executor)["y"]
    found = trial.run(builder.finish({"y": result}), executor)["y"]
    bound = VALUE_BOUND["float32" if expected.dtype == np.float32 else "float64"]
    deviation = _deviation(np.broadcast_to(found, expected.shape), expected, 1.0)
    if not deviation.max(initial=0.0) <= bound:
        at = np.unravel_index(np.argmax(deviation), deviation.shape)
        raise CheckError(
            "the rule gives another value on graph values",
            where=where,
            got=repr(np.broadcast_to(found, expected.shape)[at].item()),
            expected=f"{expected[at].item()!r} within {bound}",
        )
    report.note("vocabulary", deviation.max(initial=0.0), bound)


def _compute(op: Any, trial: Trial) -> Any:
    with np.errstate(all="ignore"):
        return op.array(np, *trial.arrays, **trial.params)


def _kind(array: Any) -> str:
    return {"u": "i"}.get(array.dtype.kind, array.dtype.kind)


def _check_reference(op: Any, graph: Graph, trial: Trial, executor: str, report: CheckReport) -> None:
    arrays = [array.astype(float) if array.dtype.kind == "f" else array for array in trial.arrays]
    try:
        with np.errstate(all="ignore"):
            expected = np.asarray(op.reference(*arrays, **trial.params))
    except Exception as error:
        raise CheckError("the reference can not be computed", where=trial.label, got=repr(error)) from error
    result = trial.run(graph, executor)["y"]
    if expected.shape != result.shape:
        got = f"shape {list(result.shape)}"
        raise CheckError(
            "value and reference differ in shape", where=trial.label, got=got, expected=f"{list(expected.shape)}"
        )
    single = any(array.dtype == np.float32 for array in (*trial.arrays, result))
    bound = VALUE_BOUND["float32" if single else "float64"]
    deviation = _deviation(result, expected, 1.0)
    if deviation.size and not deviation.max() <= bound:
        at = np.unravel_index(np.argmax(deviation), deviation.shape)
        operands = ", ".join(str(np.broadcast_to(a, result.shape)[at]) for a in arrays if _spreads(a, result))
        raise CheckError(
            "the value is not the reference",
            where=f"{trial.label}, element {list(map(int, at))}" + (f", operands {operands}" if operands else ""),
            got=repr(result[at].item()),
            expected=f"{expected[at].item()!r} within {bound}",
        )
    report.note("values " + ("float32" if single else "float64"), deviation.max(initial=0.0), bound)


def _spreads(array: np.ndarray, result: np.ndarray) -> bool:
    try:
        return np.broadcast_shapes(array.shape, result.shape) == result.shape
    except ValueError:
        return False


def _deviation(result: Any, expected: Any, least: float) -> np.ndarray:
    """Return the difference relative to what is expected, or to `least`; NaN and infinity match only themselves."""
    result, expected = np.asarray(result, float), np.asarray(expected, float)
    with np.errstate(all="ignore"):
        scale = np.maximum(np.abs(expected), least)
        relative = np.abs(result - expected) / np.where(scale > 0, scale, 1.0)
    same = (result == expected) | (np.isnan(result) & np.isnan(expected))
    return np.where(same, 0.0, np.where(np.isfinite(result) & np.isfinite(expected), relative, np.inf))


def _check_points(op: Elementwise, executor: str, report: CheckReport) -> None:
    for operands, value, slopes in op.read_points():
        arrays = [np.asarray(operand if isinstance(operand, bool) else float(operand)) for operand in operands]
        builder = Builder()
        types = [Type(bool_ if array.dtype.kind == "b" else float64) for array in arrays]
        inputs = [builder.input(f"x{position}", type) for position, type in enumerate(types)]
        graph = builder.finish({"y": op.apply(inputs, op.param_defaults)})
        given = {f"x{position}": array for position, array in enumerate(arrays)}
        where = f"{op.name} at {', '.join(map(str, operands))}"
        result = compile(graph, executor)(**given)["y"]
        _compare_point("the value", where, result, value, report)
        for position, slope in enumerate(slopes):
            if slope is not None:
                name = f"x{position}"
                found = compile(differentiate(graph, name, of="y"), executor)(**given)[f"d y / d {name}"]
                _compare_point(f"the slope by operand {position + 1}", where, found, slope, report)


def _compare_point(what: str, where: str, got: Any, expected: Any, report: CheckReport) -> None:
    deviation = float(_deviation(got, expected, 0.0))
    if deviation > POINT_BOUND:
        raise CheckError(f"{what} is not the one stated", where=where, got=repr(got.item()), expected=repr(expected))
    report.note("points", deviation, POINT_BOUND)


__all__ = ["POINT_BOUND", "VALUE_BOUND", "CheckError", "CheckReport", "check"]
