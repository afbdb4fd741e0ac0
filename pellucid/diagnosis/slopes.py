"""Gradients against finite differences, along random directions of random projections.

Source of the differences: Ridders, Accurate computation of F'(x) and F'(x) F''(x) (Advances in Engineering Software,
1982); central differences at three step sizes, extrapolated to step 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from pellucid.diagnosis.trials import CheckError, CheckReport, Trial
from pellucid.executors.program import compile
from pellucid.graph.builder import Builder
from pellucid.graph.differentiate import build_gradients, differentiate
from pellucid.graph.graph import Graph
from pellucid.graph.operation import operation
from pellucid.graph.value import Value
from pellucid.ops.declare import Declared, Structural

STEP = 8e-4  # below the distance that samples keep from kinks
SLOPE_BOUND = 1e-7
"""How far a directional derivative may be from the finite difference, relative to the size of its terms."""
ROUNDING = 1e-11
"""What rounding may add to that, relative to the size of the values that are subtracted."""
ORDERS = ("first derivative", "second derivative")


def check_slopes(
    op: Declared, trials: Iterable[Trial], rng: np.random.Generator, executor: str, report: CheckReport
) -> None:
    """Check first and second derivatives by each float operand.

    Raises
    ------
    CheckError
        Where a derivative is not the finite difference, or where differences settle at less than half of the samples.
    """
    settled = {order: [0, 0] for order in ORDERS}
    for trial in trials:
        plain = trial.build(op)
        if not trial.floats or not plain["y"].type.dtype.is_float:
            continue
        scale = float(np.abs(trial.run(plain, executor)["y"]).sum())
        for order, graph in zip(ORDERS, _projections(op, trial, rng), strict=True):
            gradient = differentiate(graph, trial.floats, of="value")
            if any(trial.inputs[name].dtype == np.float32 for name in trial.floats):
                _check_single(gradient, trial, executor)
            elif op.differentiable or not isinstance(op, Structural):  # stop_gradient is meant to differ
                for name in trial.floats:
                    counts = settled[order]
                    counts[0] += _check_direction(order, gradient, trial, name, scale, rng, executor, report)
                    counts[1] += 1
    for order, (good, all_) in settled.items():
        if 2 * good < all_:
            raise CheckError(
                f"finite differences do not settle, so that the {order} can not be checked",
                where=op.name,
                got=f"{good} of {all_} settled",
                fix="Keep the samples away from kinks and poles: Uniform(low, high, avoid=(0.0,)).",
            )


def _projections(op: Declared, trial: Trial, rng: np.random.Generator) -> tuple[Graph, Graph]:
    """Return graphs of a random projection of the result, and of one of its gradient, each to the output ``value``."""
    builder, values, y = trial.start(op)
    value = _project(builder, [y], rng)
    first = builder.finish({"value": value})
    builder, values, y = trial.start(op)
    parts = build_gradients(_project(builder, [y], rng), [values[name] for name in trial.floats])
    return first, builder.finish({"value": _project(builder, parts, rng)})


def _project(builder: Builder, parts: list[Value], rng: np.random.Generator) -> Value:
    add_up = operation("sum")
    weights = [rng.uniform(0.5, 1.5, part.shape) if part.type.size else 1.0 for part in parts]
    sums = [add_up(part * builder.constant(w, part.dtype)) for part, w in zip(parts, weights, strict=True)]
    total = sums[0]
    for more in sums[1:]:
        total = total + more
    return total


def _check_direction(
    order: str,
    gradient: Graph,
    trial: Trial,
    name: str,
    scale: float,
    rng: np.random.Generator,
    executor: str,
    report: CheckReport,
) -> bool:
    """Compare one directional derivative; return False where the finite difference is too uncertain to tell."""
    program = compile(gradient, executor)
    at = trial.inputs
    direction = rng.uniform(0.3, 1.0, at[name].shape) * rng.choice([-1.0, 1.0], at[name].shape)

    def value(step: float) -> float:
        return float(program(**{**at, name: at[name] + step * direction})["value"])

    found = program(**at)
    terms = found[f"d value / d {name}"] * direction
    scale += abs(float(found["value"]))
    size = np.abs(terms).sum() + scale
    expected, doubt = difference(value)
    if not doubt <= 1e-5 * size + 1e-300:
        return False
    allowed = SLOPE_BOUND * np.abs(terms).sum() + ROUNDING * scale + 4 * doubt
    off = abs(float(terms.sum()) - expected)
    if not off <= allowed:
        told = ", ".join(f"{key} = {array.tolist()}" for key, array in at.items())
        raise CheckError(
            f"the {order} by operand {int(name[1:]) + 1} is not the finite difference",
            where=f"{trial.label}, {told[:300]}",
            got=f"{float(terms.sum())!r} along {direction.tolist()}"[:300],
            expected=f"{expected!r} within {allowed:.1e}",
        )
    report.note(order, off / size if size else 0.0, SLOPE_BOUND)
    return True


def difference(value: Callable[[float], float]) -> tuple[float, float]:
    """Return the derivative of a function at 0 by extrapolated central differences, and how uncertain it is."""
    coarse, middle, fine = ((value(step) - value(-step)) / (2 * step) for step in (STEP, STEP / 2, STEP / 4))
    first, second = middle + (middle - coarse) / 3, fine + (fine - middle) / 3
    return second + (second - first) / 15, abs(second - first) / 4


def _check_single(gradient: Graph, trial: Trial, executor: str) -> None:
    """Check that gradients of float32 operands are float32 and finite."""
    found: dict[str, Any] = trial.run(gradient, executor)
    for name in trial.floats:
        part = found[f"d value / d {name}"]
        if part.dtype != trial.inputs[name].dtype or part.shape != trial.inputs[name].shape:
            got = f"{part.dtype}{list(part.shape)}"
            raise CheckError("a gradient of the wrong type", where=trial.label, got=got, expected="the operand's")
        if not np.isfinite(part).all():
            raise CheckError("a gradient that is not finite", where=trial.label, got=repr(part.tolist())[:200])
