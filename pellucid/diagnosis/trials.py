"""What a check of an operation runs on, and what it has found."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pellucid.errors import PellucidError
from pellucid.executors.program import compile
from pellucid.graph.builder import Builder
from pellucid.graph.graph import Graph
from pellucid.graph.types import Type, as_dtype
from pellucid.graph.value import Value
from pellucid.ops.declare import Declared, Elementwise

SINGLE_SHAPES: tuple[tuple[int, ...], ...] = ((), (), (), (), (3,), (2, 3), (0,), (2, 0))
SPREADS: tuple[tuple[tuple[int, ...], ...], ...] = (
    ((2, 3), ()),
    ((), (2, 3)),
    ((2, 3), (3,)),
    ((2, 1), (1, 3)),
    ((4, 2, 1), (2, 3)),
    ((2, 0), (1,)),
)
"""Shapes of two operands that broadcast; further operands take turns with them."""


class CheckError(PellucidError, AssertionError):
    """An operation does not do what its declaration says."""


@dataclass
class CheckLine:
    """How often something was checked, and how far it was off at most; `bound` is what was allowed."""

    what: str
    count: int = 0
    deviation: float = 0.0
    bound: float | None = None


@dataclass
class CheckReport:
    """What was checked of an operation. All of it holds; otherwise there would be an error and no report."""

    operation: str
    lines: list[CheckLine] = field(default_factory=list)

    def note(self, what: str, deviation: float = 0.0, bound: float | None = None) -> None:
        """Count one more check that held."""
        line = next((line for line in self.lines if line.what == what), None)
        if line is None:
            line = CheckLine(what, bound=bound)
            self.lines.append(line)
        line.count += 1
        line.deviation = max(line.deviation, float(deviation))

    def __str__(self) -> str:
        rows = [f"{self.operation}: {sum(line.count for line in self.lines)} checks hold"]
        for line in self.lines:
            within = f"  largest deviation {line.deviation:.1e} of {line.bound:.1e}" if line.bound is not None else ""
            rows.append(f"  {line.what:<18}{line.count:>6}{within}")
        return "\n".join(rows)

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"


@dataclass(frozen=True)
class Trial:
    """Operands and parameters to try an operation on."""

    arrays: tuple[np.ndarray, ...]
    params: Mapping[str, Any]
    label: str

    @property
    def inputs(self) -> dict[str, np.ndarray]:
        return {f"x{position}": array for position, array in enumerate(self.arrays)}

    @property
    def floats(self) -> list[str]:
        """The names of the operands that can be differentiated with respect to."""
        return [name for name, array in self.inputs.items() if array.dtype.kind == "f"]

    def open(self) -> tuple[Builder, dict[str, Value]]:
        """Return a builder and the operands as inputs of its graph."""
        builder = Builder()
        types = {name: Type(as_dtype(array.dtype), array.shape) for name, array in self.inputs.items()}
        return builder, {name: builder.input(name, type) for name, type in types.items()}

    def start(self, op: Declared) -> tuple[Builder, dict[str, Value], Value]:
        """Return a builder, the operands as inputs of its graph, and the operation on them."""
        builder, values = self.open()
        y = op.apply(list(values.values()), self.params) if values else builder.add(op, (), dict(self.params))
        return builder, values, y

    def build(self, op: Declared) -> Graph:
        """Return the graph of the operation on its operands."""
        builder, _, y = self.start(op)
        return builder.finish({"y": y})

    def run(self, graph: Graph, executor: str) -> dict[str, np.ndarray]:
        """Return what a graph gives for the operands."""
        try:
            return compile(graph, executor)(**self.inputs)
        except PellucidError:
            raise
        except Exception as error:
            raise CheckError("the operation can not be computed", where=self.label, got=repr(error)) from error


def draw_trials(op: Declared, rng: np.random.Generator) -> Iterator[Trial]:
    """Yield operands of all dtypes and shapes that the samples of an operation stand for."""
    for drawn, params, dtypes in _draw_elementwise(op, rng) if isinstance(op, Elementwise) else _draw_cases(op, rng):
        for dtype in dtypes:
            arrays = tuple(
                array if array.dtype.kind == "b" or dtype is None else array.astype(dtype) for array in drawn
            )
            for array in arrays:
                array.flags.writeable = False  # an operation that writes into its operands is found out
            told = [f"{array.dtype}{list(array.shape)}" for array in arrays]
            told += [f"{name}={value!r}" for name, value in params.items()]
            yield Trial(arrays, params, f"{op.name}({', '.join(told)})")


def _draw_elementwise(op: Elementwise, rng: np.random.Generator) -> Iterator[tuple[Any, Any, tuple[Any, ...]]]:
    dtypes: tuple[Any, ...] = (np.float64, np.float32)
    params = dict(op.param_defaults)
    if not set(op.accepts) & {"float"}:
        dtypes = (*dtypes, np.int64) if set(op.accepts) != {"bool"} else (None,)
    for shapes in _shape_groups(op.arity):
        drawn = [np.asarray(sample.draw(rng, shape)) for sample, shape in zip(op.sample, shapes, strict=True)]
        yield drawn, params, dtypes
        other = _other_params(params)
        if other != params and _accepts(op, drawn, params, other):
            yield drawn, other, dtypes


def _other_params(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return a second set of parameters: what ignores them shows."""
    return {name: 1.5 * value + 0.25 if isinstance(value, float) else value + 1 for name, value in params.items()}


def _accepts(op: Elementwise, drawn: list[np.ndarray], usual: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Tell whether a rule and its reference take other parameters, and give numbers wherever they did before."""
    try:
        for compute in (op.compute, lambda arrays, params: op.reference(*arrays, **params)):
            with np.errstate(all="ignore"):
                before, after = (np.asarray(compute(tuple(drawn), params), float) for params in (usual, other))
            if (np.isfinite(before) & ~np.isfinite(after)).any():
                return False
    except Exception:  # whatever a rule or a reference raises, it does not take them
        return False
    return True


def _shape_groups(arity: int) -> Iterator[tuple[tuple[int, ...], ...]]:
    for shape in SINGLE_SHAPES:
        yield (shape,) * arity
    if arity > 1:
        for pair in SPREADS:
            yield tuple(pair[position % 2] for position in range(arity))


def _draw_cases(op: Any, rng: np.random.Generator) -> Iterator[tuple[Any, Any, tuple[Any, ...]]]:
    for case in op.sample:
        drawn = [operand.draw(rng) for operand in case.operands]
        params = {**op.param_defaults, **case.params}
        floats = [array.dtype.kind == "f" for array in drawn]
        yield drawn, params, (None,)
        if any(floats):
            single = [a.astype(np.float32) if is_float else a for a, is_float in zip(drawn, floats, strict=True)]
            yield single, params, (None,)
