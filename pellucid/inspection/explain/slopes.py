"""Local derivatives of one operation, from its own gradient rule."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from pellucid.errors import UsageError
from pellucid.executors.program import Program, compile
from pellucid.graph.builder import Builder
from pellucid.graph.graph import Node
from pellucid.graph.operation import Operation
from pellucid.graph.types import DType, Type, float64
from pellucid.graph.value import Value
from pellucid.ops.shapes import broadcast

MOST = 2_000_000
"""Local derivatives of an operation that is not known here are computed one by one, up to so many."""


def elementwise_slopes(node: Node, place: int, operands: Sequence[np.ndarray]) -> np.ndarray:
    """Return the slope of an elementwise operation by one operand, in float64.

    Parameters
    ----------
    node : Node
    place : int
        Which operand.
    operands : sequence of ndarray [n]
        Of each operand the elements that meet in n elements of the result.

    Returns
    -------
    ndarray of float64 [n]
    """
    dtypes = tuple(float64 if source.type.dtype.is_float else source.type.dtype for source in node.inputs)
    program = _slope_program(node.op, node.params, dtypes, place, len(operands[0]))
    return program(**{f"x{at}": operand for at, operand in enumerate(operands)})["slope"]


@lru_cache(maxsize=1024)
def _slope_program(op: Operation, params: Any, dtypes: tuple[DType, ...], place: int, count: int) -> Program:
    builder = Builder()
    inputs = tuple(builder.input(f"x{at}", Type(dtype, (count,))) for at, dtype in enumerate(dtypes))
    one = broadcast(builder.constant(1.0, float64), (count,))
    wanted = tuple(at == place for at in range(len(dtypes)))
    part = op.build_gradient(one, inputs, builder.add(op, inputs, dict(params)), dict(params), wanted)[place]
    return compile(builder.finish({"slope": _or_zeros(part, inputs[place])}))


def _or_zeros(part: Value | None, like: Value) -> Value:
    if part is not None:
        return part
    zero = like.builder.constant(0.0, float64)
    return broadcast(zero, like.shape) if like.shape else zero


def dense_derivative(node: Node, place: int, values: Any) -> np.ndarray:
    """Return d result / d operand for all pairs of elements, [elements of the result, elements of the operand].

    Each row takes one run of the operation's gradient rule: this is for operations that are not known otherwise.

    Raises
    ------
    UsageError
        Where there are too many pairs.
    """
    source = node.inputs[place]
    if node.type.size * source.type.size > MOST:
        raise UsageError(
            "too many local derivatives",
            where=f"{node.path}, {node.op.name}",
            got=f"{node.type.size} x {source.type.size}",
            expected=f"at most {MOST:,}",
        )
    builder = Builder()
    inputs = tuple(builder.input(f"x{at}", _double(each.type)) for at, each in enumerate(node.inputs))
    seed = builder.input("g", _double(node.type))
    wanted = tuple(at == place for at in range(len(inputs)))
    output = builder.add(node.op, inputs, dict(node.params))
    part = node.op.build_gradient(seed, inputs, output, dict(node.params), wanted)[place]
    program = compile(builder.finish({"row": _or_zeros(part, inputs[place])}))
    given = {f"x{at}": values[each] for at, each in enumerate(node.inputs)}
    rows = np.zeros((node.type.size, source.type.size))
    for at in range(node.type.size):
        g = np.zeros(node.type.size)
        g[at] = 1.0
        rows[at] = program(**given, g=g.reshape(tuple(map(int, node.type.shape))))["row"].reshape(-1)
    return rows


def _double(type: Type) -> Type:
    return Type(float64, type.shape) if type.dtype.is_float else type
