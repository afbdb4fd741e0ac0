"""Formulas and numbers as people write them: ``w * x``, ``1 - p``, ``sigmoid(0.5)``, ``[1, 2, 3]``."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pellucid.graph.graph import Node
from pellucid.graph.operation import Params
from pellucid.graph.types import DType

TINY = 4
"""Up to this many elements, a value is written into formulas and drawings."""

_INFIX = {
    "add": "{} + {}",
    "subtract": "{} - {}",
    "multiply": "{} * {}",
    "divide": "{} / {}",
    "power": "{}**{}",
    "less": "{} < {}",
    "less_equal": "{} <= {}",
    "greater": "{} > {}",
    "greater_equal": "{} >= {}",
    "equal": "{} == {}",
    "not_equal": "{} != {}",
    "logical_and": "{} & {}",
    "logical_or": "{} | {}",
    "negative": "-{}",
    "logical_not": "~{}",
}
_AROUND = {"absolute": "|{}|"}
_NAME = re.compile(r"[^\W\d]\w*(?:[/.]\w+)*")


def write_formula(node: Node) -> str:
    """Return how a node is computed from its inputs by their names, constants as numbers.

    Examples
    --------
    >>> import pellucid as pl
    >>> graph = pl.build(lambda p: pl.log(1 - p), p=pl.float64[()])
    >>> [write_formula(node) for node in graph if node.inputs]
    ['1 - p', 'log(subtract)']
    """
    if node.op.name == "input":
        return "input"
    if node.op.name == "constant":
        return write_number(constant_of(node), 17) or f"constant {node.type}"
    return write_operation(node, [_operand(source) for source in node.inputs])


def write_formula_with_numbers(node: Node, values: Mapping[str, Any]) -> str | None:
    """Return the formula with its inputs' values put in, or None where there are none or they are too large.

    Parameters
    ----------
    node : Node
    values : mapping
        The values of its inputs by path.

    Examples
    --------
    >>> import pellucid as pl
    >>> graph = pl.build(lambda w, x: w * x, w=pl.float64[2], x=pl.float64[()])
    >>> write_formula_with_numbers(graph["value"], {"w": [1.0, 2.0], "x": -3.0})
    '[1, 2] * (-3)'
    """
    if not node.inputs:
        return None
    operands = [write_number(np.asarray(values[source.path])) for source in node.inputs]
    written = [operand for operand in operands if operand is not None]
    return write_operation(node, written) if len(written) == len(operands) else None


def constant_of(node: Node) -> np.ndarray:
    """Return the numbers of a constant."""
    return node.op.evaluate((), dict(node.params), node.type)


def write_number(array: Any, digits: int = 6, limit: int = TINY) -> str | None:
    """Return a number, or nested lists of up to `limit` numbers, to so many significant digits; None where larger.

    Examples
    --------
    >>> write_number(np.array([1.0, 2 / 3, -0.0]))
    '[1, 0.666667, 0]'
    """
    array = np.asarray(array)
    return _nested(array.tolist(), digits) if array.size <= limit and (array.size or array.ndim == 1) else None


def summarize(array: Any, digits: int = 6, limit: int = 6) -> str:
    """Return small values in full, larger ones as their type, least, mean and greatest element.

    Examples
    --------
    >>> summarize(np.arange(12.0).reshape(3, 4))
    'float64[3, 4] min 0 mean 5.5 max 11'
    """
    array = np.asarray(array)
    written = write_number(array, digits, limit)
    if written is not None:
        return written
    kind = f"{array.dtype.name}{list(array.shape)}"
    if not array.size:
        return kind
    if array.dtype == bool:
        return f"{kind} true in {int(array.sum())} of {array.size}"
    with np.errstate(all="ignore"):
        facts = [("min", array.min()), ("mean", array.mean(dtype=np.float64)), ("max", array.max())]
    return kind + "".join(f" {name} {_scalar(fact.item(), min(digits, 4))}" for name, fact in facts)


def write_operation(node: Node, operands: Sequence[str]) -> str:
    """Return how a node is computed from operands that are written already.

    Examples
    --------
    >>> import pellucid as pl
    >>> graph = pl.build(lambda x: 1 - x, x=pl.float64[3])
    >>> write_operation(graph["value"], ["1", "x[2]"])
    '1 - x[2]'
    """
    form = _INFIX.get(node.op.name)
    params = dict(node.params)
    if node.op.name == "contraction" and len(operands) == 2:
        form = _product_form(str(params.get("labels", "")))
    if form is not None and form.count("{}") == len(operands):
        return form.format(*(f"({operand})" if operand.startswith("-") else operand for operand in operands))
    if node.op.name in _AROUND:
        return _AROUND[node.op.name].format(*operands)
    if node.op.name == "cast" and isinstance(params.get("dtype"), DType):
        return f"{params['dtype']}({operands[0]})"
    return f"{node.op.name}({', '.join([*operands, *_write_params(node, params)])})"


def _write_params(node: Node, params: Params) -> list[str]:
    """Return the parameters that say something: neither defaults nor all axes of a reduction."""
    defaults = getattr(node.op, "param_defaults", {})
    told = []
    for name, value in params.items():
        whole = name == "axes" and value == tuple(range(node.inputs[0].type.ndim))
        plain = name != "axes" and name in defaults and repr(defaults[name]) == repr(value)
        if not whole and not plain:
            told.append(f"{name}={_write_param(value)}")
    return told


def _write_param(value: Any) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_write_param, value)) + "]"
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, float):
        return _scalar(value, 6)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else str(value)


def _product_form(labels: str) -> str | None:
    """Return a contraction of vectors and matrices as a product ``a @ b``, either side transposed; None for others."""
    match = re.fullmatch(r"(\w{1,2}),(\w{1,2})->(\w*)", labels.replace(" ", ""))
    if match is None:
        return None
    left, right, result = match.groups()
    for a, a_form in ((left, "{}"), (left[::-1], "{}.T")):
        for b, b_form in ((right, "{}"), (right[::-1], "{}.T")):
            turned = (a_form == "{}.T" and len(a) == 1) or (b_form == "{}.T" and len(b) == 1)
            if not turned and a[-1] == b[0] and a[-1] not in result and a[:-1] + b[1:] == result:
                return f"{a_form} @ {b_form}"
    return None


def _operand(node: Node) -> str:
    if node.op.name == "constant":
        number = write_number(constant_of(node), 17)
        if number is not None:
            return number
    return write_name(node.path)


def write_name(path: str) -> str:
    """Return a path as it stands in formulas: in quotes unless it is made of words."""
    return path if _NAME.fullmatch(path) else json.dumps(path, ensure_ascii=False)


def _nested(value: Any, digits: int) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_nested(item, digits) for item in value) + "]"
    return _scalar(value, digits)


def _scalar(value: Any, digits: int) -> str:
    if not isinstance(value, float):
        return str(value)
    if digits >= 17:  # in full, as short as it can be
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    return format(value + 0.0, f".{digits}g")
