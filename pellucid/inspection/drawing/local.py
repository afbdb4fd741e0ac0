"""Local derivatives: what each operation's result changes by, for a small change of one of its operands."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from pellucid.executors.program import compile
from pellucid.graph.builder import Builder
from pellucid.graph.differentiate import build_gradients
from pellucid.graph.graph import Node
from pellucid.graph.operation import operation
from pellucid.graph.value import Value
from pellucid.ops.elementwise import Elementwise

if TYPE_CHECKING:
    from pellucid.inspection.observation import Observation

ONE_BY_ONE = frozenset(
    {
        "cast",
        "concatenate",
        "log_sum_exp",
        "max",
        "mean",
        "pad",
        "reshape",
        "roll",
        "slice",
        "sum",
        "sum_to",
        "transpose",
    }
)
"""Operations, besides the elementwise ones, of which each element of an operand enters at most one of the result."""

Slopes = tuple[np.ndarray | None, ...]


def local_derivatives(observation: Observation, nodes: Iterable[Node] | None = None) -> dict[Node, Slopes]:
    """Compute d result / d operand of operations, each by itself.

    Parameters
    ----------
    observation : Observation
    nodes : iterable of Node, optional
        Of the observed graph; all by default.

    Returns
    -------
    dict of Node to tuple of (ndarray or None)
        For each node that has any, one array for each operand: of an elementwise operation of the result's shape, of
        others of the operand's. None where the operand is a constant or no float. Operations of which one element of
        an operand enters several of the result, as a product of matrices, are left out: there, no single number is
        the derivative.

    Examples
    --------
    >>> import pellucid as pl
    >>> seen = pl.observe(lambda x, y: x * pl.exp(y), x=2, y=0)
    >>> found = local_derivatives(seen)
    >>> [float(slope) for slope in found[seen["value"].node]]  # by x, and by exp(y)
    [1.0, 2.0]
    """
    builder = Builder()
    arrays: dict[str, np.ndarray] = {}
    outputs: dict[str, Value] = {}
    told: dict[Node, tuple[str, ...]] = {}
    for node in observation.graph.nodes if nodes is None else nodes:
        if not _is_one_by_one(node):
            continue
        operands, entering = [], []
        for place, source in enumerate(node.inputs):
            name = f"{len(told)} {place}"
            arrays[name] = np.asarray(observation[source.path].value)
            operands.append(builder.input(name, source.type))
            wide = isinstance(node.op, Elementwise) and source.type.shape != node.type.shape
            entering.append(operation("broadcast")(operands[-1], shape=node.type.shape) if wide else operands[-1])
        result = builder.add(node.op, tuple(entering), dict(node.params))
        varying = [_varies(source) for source in node.inputs]
        one = builder.constant(1.0, result.dtype)
        seed = operation("broadcast")(one, shape=result.shape) if result.shape else one
        slopes = iter(build_gradients(result, [v for v, wanted in zip(entering, varying, strict=True) if wanted], seed))
        names = tuple(f"{len(told)} {place}" if wanted else "" for place, wanted in enumerate(varying))
        outputs |= {f"d {name}": next(slopes) for name in names if name}
        told[node] = names
    if not outputs:
        return {}
    found = compile(builder.finish(outputs))(**arrays)
    return {node: tuple(found[f"d {name}"] if name else None for name in names) for node, names in told.items()}


def _is_one_by_one(node: Node) -> bool:
    if not node.inputs or not node.op.differentiable or not node.type.dtype.is_float:
        return False
    if not any(map(_varies, node.inputs)):
        return False
    return isinstance(node.op, Elementwise) or node.op.name in ONE_BY_ONE or node.type.size == 1


def _varies(operand: Node) -> bool:
    return operand.type.dtype.is_float and operand.op.name != "constant"
