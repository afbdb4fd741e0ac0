"""One node of an observation: how its value and its gradient come about."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np

from pellucid.errors import UsageError, nearest
from pellucid.graph.graph import Node
from pellucid.inspection.explain import Explanation, explain
from pellucid.inspection.explain.address import is_address
from pellucid.inspection.formula import summarize, write_formula_with_numbers
from pellucid.inspection.observe import Observation, ObservedNode
from pellucid.workflow.reports.layout import printable

IN_FULL = 1000
"""Larger arrays are told by their least, mean and greatest element."""


def explain_node(seen: Observation, path: str) -> Explanation | None:
    """Explain the number that a path with an index asks for; None where it asks for a whole node.

    Raises
    ------
    UsageError
        Where there is no such number; the message names the nearest one.
    """
    if not is_address(path):
        return None
    try:
        return explain(seen, path)
    except UsageError as error:
        raise error.at("--node") from None


def find_node(seen: Observation, path: str) -> ObservedNode:
    """Return the node of a path, or raise a UsageError that names the nearest one."""
    if path in seen:
        return seen[path]
    known = [node.path for node in seen if node.operation != "constant"]
    inside = [name for name in known if name.startswith(f"{path}/")]
    fix = f"In it are: {', '.join(inside)}." if inside else nearest(path, known)
    raise UsageError(f"there is no node {path!r}", where="--node", fix=fix)


def view_node(seen: Observation, one: ObservedNode, width: int | None) -> str:
    """Say how a node's value and gradient come about, in lines of at most so many letters."""
    users = _users(seen, one.node)
    lines = _wrap(f"{one.path}: {one.operation}, {one.node.type}", "", width)
    if one.node.inputs:
        lines += _wrap(f"formula       {one.formula}", "  ", width)
        numbers = one.formula_with_numbers or _too_large(seen, one)
        lines += _wrap(f"with numbers  {numbers}", "  ", width)
    lines += _array("value", one.value, width)
    if one.gradient is not None:
        lines += _array("gradient", one.gradient, width, f"of {seen.of}: ")
    elif seen.of is not None:
        why = f"{seen.of} does not depend on it" if one.node.type.dtype.is_float else "none, as it is no float"
        lines += _wrap(f"gradient      {why}", "  ", width)
    if one.node.inputs:
        lines += ["", "Its value comes from"]
        for source in dict.fromkeys(one.node.inputs):
            lines += _wrap(f"{source.path} = {summarize(seen[source.path].value)}", "  ", width)
    elif one.operation == "input":
        origin = "is a part of the model" if "/" in one.path else "is read from the row"
        lines += ["", f"Its value {origin}."]
    gradients = [user for user in users if seen[user.path].gradient is not None]
    if one.gradient is not None and gradients:
        lines += ["", "Its gradient comes from"]
        for user in gradients:
            told = f"{seen[user.path].formula}, whose gradient is {summarize(seen[user.path].gradient)}"
            lines += _wrap(told, "  ", width)
    elif one.gradient is not None:
        lines += ["", f"Its gradient is 1: it is {seen.of} itself."]
    return "".join(f"{line}\n" for line in lines)


def describe_node(seen: Observation, one: ObservedNode, in_full: bool = True) -> dict[str, Any]:
    """Return a node as plain data for JSON; large arrays in short where `in_full` is not asked for."""

    def told(array: Any) -> Any:
        return array if in_full or np.size(array) <= 64 else summarize(array)

    return {
        "path": one.path,
        "operation": one.operation,
        "type": str(one.node.type),
        "formula": one.formula,
        "with_numbers": one.formula_with_numbers,
        "value": told(np.asarray(one.value)),
        "gradient": None if one.gradient is None else told(np.asarray(one.gradient)),
        "inputs": [source.path for source in one.node.inputs],
        "users": [user.path for user in _users(seen, one.node)],
    }


def _users(seen: Observation, node: Node) -> list[Node]:
    return [other for other in seen.graph.nodes if node in other.inputs]


def _too_large(seen: Observation, one: ObservedNode) -> str:
    """Return the formula with the shapes put in where the numbers are too many to be written out."""
    values = {source.path: seen[source.path].value for source in one.node.inputs}
    written = write_formula_with_numbers(one.node, values)
    if written is not None:
        return written
    shapes = ", ".join(f"{source.path} {source.type}" for source in dict.fromkeys(one.node.inputs))
    return f"too many to be written out: {shapes}"


def _array(name: str, array: Any, width: int | None, what: str = "") -> list[str]:
    """Return an array in full where it is not too large, its rows below each other."""
    found = np.asarray(array)
    head = f"{name:13} {what}{summarize(found)}"
    if found.size <= 6 or found.size > IN_FULL:
        return _wrap(head, "  ", width)
    wide = max(24, (width or 100) - 4)
    text = np.array2string(
        found,
        max_line_width=wide,
        threshold=IN_FULL,
        formatter={"float_kind": lambda number: f"{number:10.4g}"},
    )
    return [*_wrap(head, "  ", width), *(f"    {line}" for line in text.splitlines())]


def _wrap(text: str, indent: str, width: int | None) -> list[str]:
    plain = printable(text)
    if width is None:
        return [indent + plain]
    wrapped = textwrap.wrap(
        plain, width, initial_indent=indent, subsequent_indent=f"{indent}    ", break_on_hyphens=False
    )
    return wrapped or [indent]
