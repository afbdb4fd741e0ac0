"""How elements, and the factors by which they enter others, are written."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from pellucid.graph.graph import Node
from pellucid.inspection.explain.address import write_index
from pellucid.inspection.explain.links import Link, Product
from pellucid.inspection.formula import constant_of, write_name, write_number

SAME = frozenset(
    {"add", "identity", "cast", "reshape", "transpose", "broadcast", "slice", "pad", "roll", "concatenate"}
    | {"sum", "sum_to", "gather", "scatter_add"}
)
"""Operations that hand their operands on as they are, or add them up."""


def name_element(node: Node, place: int) -> str:
    """Return an element's name; a constant's is its number."""
    if node.op.name == "constant":
        return tell(constant_of(node).reshape(-1)[place])
    return write_name(node.path) + write_index(index_of(node, place))


def index_of(node: Node, place: int) -> tuple[int, ...]:
    """Return the index of the element at a place in row-major order."""
    shape = tuple(map(int, node.type.shape))
    return tuple(map(int, np.unravel_index(place, shape))) if shape else ()


def tell(number: float, digits: int = 6) -> str:
    """Return a number as it is written everywhere in an explanation."""
    return str(write_number(np.asarray(number, np.float64), digits))


def in_brackets(number: float) -> str:
    """Return a number as it stands in a product: a negative one in brackets."""
    written = tell(number)
    return f"({written})" if written.startswith("-") else written


def name_factor(link: Link, result: int, source: int) -> str:
    """Return what an element is multiplied by on its way into another: nothing where it is 1 because of the operation.

    Of a product it is the other operand, of a function its slope.
    """
    node, name = link.node, link.node.op.name
    if name in SAME:
        return ""
    if name == "negative" or (name == "subtract" and link.place == 1):
        return "-1"
    if name in ("subtract", "select", "maximum", "minimum"):
        return ""
    if isinstance(link, Product):
        return name_element(link.partner, int(link.partners(np.array([result]), np.array([source]))[0]))
    if name == "multiply":
        return _operand(link, 1 - link.place, result)
    if name == "divide" and link.place == 0:
        return f"1 / {_operand(link, 1, result)}"
    if name == "mean":
        return f"1 / {node.inputs[0].type.size // max(1, node.type.size)}"
    if len(node.inputs) == 1 and link.one_by_one:
        return f"slope of {name} at {name_element(link.source, source)}"
    return f"d {name_element(node, result)} / d {name_element(link.source, source)}"


def _operand(link: Link, place: int, result: int) -> str:
    """Return the name of the element of another operand that enters the same result."""
    (source,) = operand_at(link.node, place, np.array([result]))
    return name_element(link.node.inputs[place], int(source))


def operand_at(node: Node, place: int, results: np.ndarray) -> np.ndarray:
    """Return which elements of an operand of an elementwise operation enter elements of its result."""
    shape = tuple(map(int, node.type.shape))
    source = tuple(map(int, node.inputs[place].type.shape))
    elements = np.arange(node.inputs[place].type.size).reshape(source)
    return np.broadcast_to(elements, shape).reshape(-1)[results]


def name_with_letters(node: Node, labels: str, places: Mapping[str, str]) -> str:
    """Return a node's name with what stands for each of its axes: a number, or the letter that a sum runs over."""
    if not labels:
        return write_name(node.path)
    return f"{write_name(node.path)}[{', '.join(places.get(label, '0') for label in labels)}]"


def is_unnamed(node: Node) -> bool:
    """Say whether a node is called after its operation: nobody has given it a name."""
    last = node.path.rpartition("/")[2]
    return last.rstrip("0123456789").removesuffix("_") == node.op.name or last == node.op.name
