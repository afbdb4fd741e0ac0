"""Why an operation makes NaN or infinity out of finite numbers, and what helps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pellucid.graph.graph import Node

_LOG = "Take a loss that works on logits, or keep the argument above 0: pl.log(pl.maximum(x, 1e-7))."
_OVERFLOW = "Lower the learning rate, scale the inputs, or clip the gradient (clip_norm)."
_EXP = "Use pl.softmax, pl.sigmoid or pl.logsumexp, which can not overflow, or scale the inputs."
_ROOT = "Add a small number under the root: pl.sqrt(x + 1e-12)."
_DIVIDE = "Keep the divisor away from 0: add a small number, or pl.select another value where it is 0."


def usual_cause(node: Node, operands: Sequence[np.ndarray], made: np.ndarray, value: np.ndarray) -> tuple[str, str]:
    """Return the usual cause and the remedy, for a node that made what is not finite out of finite operands.

    Parameters
    ----------
    node : Node
    operands : sequence of ndarray
        The values of its inputs.
    made : ndarray of bool
        Of the node's shape: which elements it made.
    value : ndarray
        The node's value.

    Returns
    -------
    cause, remedy : str
    """
    name, there = node.op.name, _where_made(operands, made)
    if name == "divide":
        if (there[1] == 0).any():
            zero = (there[0] == 0) & (there[1] == 0)
            return ("0 divided by 0" if zero.any() else "a division by 0"), _DIVIDE
        return "a quotient too large for its dtype", _DIVIDE
    if name == "reciprocal":
        return "a division by 0", _DIVIDE
    if name in ("log", "log2", "log10", "log1p"):
        bound = -1 if name == "log1p" else 0
        return f"the logarithm of {'a number below' if (there[0] < bound).any() else 'exactly'} {bound:g}", _LOG
    if name == "sqrt":
        return "the root of a negative number", _ROOT
    if name in ("exp", "expm1", "exp2", "sinh", "cosh"):
        return f"{name} of a large number ({float(np.max(there[0])):.4g}): the result is beyond its dtype", _EXP
    if name == "power":
        negative, zero = (there[0] < 0).any(), (there[0] == 0).any()
        why = "a negative number to a broken power" if negative and np.isnan(value[made]).any() else "a large power"
        return ("0 to a negative power" if zero else why), "Keep the base above 0, for example by pl.maximum."
    if name in ("contraction", "sum", "sum_to", "mean", "add", "subtract", "multiply", "square", "cast"):
        return "numbers too large: their sum or product is beyond the dtype (overflow)", _OVERFLOW
    return f"{name} of these numbers has no finite value", _OVERFLOW


def _where_made(operands: Sequence[np.ndarray], made: np.ndarray) -> list[np.ndarray]:
    """Return the elements of each operand that belong to what was made; all of them where shapes do not say."""
    found = []
    for operand in operands:
        try:
            found.append(np.broadcast_to(operand, made.shape)[made])
        except ValueError:
            found.append(np.asarray(operand).reshape(-1))
    return found
