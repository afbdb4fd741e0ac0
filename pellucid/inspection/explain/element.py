"""The formula of one element of a node in terms of elements of its operands, with names and with numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from pellucid.graph.graph import Node
from pellucid.inspection.explain.evidence import Evidence
from pellucid.inspection.explain.links import Labelled, Product
from pellucid.inspection.explain.names import (
    index_of,
    name_element,
    name_with_letters,
    operand_at,
    tell,
)
from pellucid.inspection.formula import TINY, write_name, write_operation
from pellucid.ops.elementwise import Elementwise
from pellucid.ops.labels import read_labels

Formula = tuple[str, str]
"""A right hand side: with names, and with numbers; the latter is empty where there are too many of them."""


def write_element(evidence: Evidence, node: Node, place: int) -> Formula:
    """Return how an element is computed.

    Parameters
    ----------
    evidence : Evidence
    node : Node
        Not an input.
    place : int
        The element's, in row-major order.
    """
    name = node.op.name
    if isinstance(node.op, Elementwise):
        return _elementwise(evidence, node, place)
    if name == "contraction":
        return _contraction(evidence, node, place)
    if name in ("sum", "sum_to", "mean", "max", "log_sum_exp", "softmax", "log_softmax"):
        return _over_axes(evidence, node, place)
    moved = _moved(evidence, node, place)
    if moved is not None:
        return moved
    if name == "one_hot":
        index = name_element(node.inputs[0], place // int(node.type.shape[-1]))
        return f"1 if {index} is {index_of(node, place)[-1]}, else 0", ""
    return write_operation(node, [write_name(source.path) for source in node.inputs]) + " there", ""


def write_value(evidence: Evidence, node: Node, place: int) -> str:
    """Return an element's value: a float to six digits, whole numbers and truth values as they are."""
    value = evidence.seen(node).reshape(-1)[place]
    return tell(float(value)) if np.asarray(value).dtype.kind == "f" else str(value)


def _elementwise(evidence: Evidence, node: Node, place: int) -> Formula:
    at = [int(operand_at(node, k, np.array([place]))[0]) for k in range(len(node.inputs))]
    names = [name_element(source, k) for source, k in zip(node.inputs, at, strict=True)]
    numbers = [write_value(evidence, source, k) for source, k in zip(node.inputs, at, strict=True)]
    return write_operation(node, names), write_operation(node, numbers)


def _contraction(evidence: Evidence, node: Node, place: int) -> Formula:
    labels = read_labels(dict(node.params)["labels"])
    result, first, second = labels.result, labels.first, labels.second
    for link in evidence.links(node)[:1]:
        if isinstance(link, Product):
            result, first, second = link.result_labels, link.source_labels, link.partner_labels
    places = dict(zip(result, map(str, index_of(node, place)), strict=True))
    over = [label for label in first if label not in places]
    places |= {label: label for label in over}
    product = " * ".join(
        name_with_letters(source, own, places) for source, own in zip(node.inputs, (first, second), strict=True)
    )
    return (f"sum over {', '.join(over)} of {product}" if over else product), ""


def _over_axes(evidence: Evidence, node: Node, place: int) -> Formula:
    (link,) = evidence.links(node) or (None,)
    source, name = node.inputs[0], node.op.name
    if not isinstance(link, Labelled):  # of whole numbers
        return f"{name} of {write_name(source.path)}", ""
    _, sources = link.sources_of(np.array([place]))
    if name in ("softmax", "log_softmax"):
        return _share(evidence, source, sources, place, name)
    names = [name_element(source, int(at)) for at in sources] if len(sources) <= TINY else _run_over(link, place)
    numbers = [write_value(evidence, source, int(at)) for at in sources] if len(sources) <= TINY else []
    write = _WAYS[name]
    return write(names, len(sources)), write(numbers, len(sources)) if numbers else ""


def _run_over(link: Labelled, place: int) -> str:
    """Return what a sum is over, with letters for the axes that it runs over."""
    places = dict(zip(link.result_labels, map(str, index_of(link.node, place)), strict=True))
    free = [label for label in link.source_labels if label not in places]
    letters = places | {label: label.lower() for label in free}
    over = ", ".join(letters[label] for label in free)
    return f"over {over} of {name_with_letters(link.source, link.source_labels, letters)}"


def _sum(terms: Sequence[str] | str, count: int) -> str:
    return f"sum {terms}" if isinstance(terms, str) else " + ".join(map(_in_sum, terms))


def _in_sum(term: str) -> str:
    return f"({term})" if term.startswith("-") else term


def _mean(terms: Sequence[str] | str, count: int) -> str:
    return f"mean {terms}" if isinstance(terms, str) else f"({_sum(terms, count)}) / {count}"


def _max(terms: Sequence[str] | str, count: int) -> str:
    return f"greatest {terms}" if isinstance(terms, str) else f"max({', '.join(terms)})"


def _log_sum_exp(terms: Sequence[str] | str, count: int) -> str:
    if isinstance(terms, str):
        return f"log of the sum {terms.replace(' of ', ' of exp(', 1)})"
    return f"log({' + '.join(f'exp({term})' for term in terms)})"


_WAYS: dict[str, Callable[[Sequence[str] | str, int], str]] = {
    "sum": _sum,
    "sum_to": _sum,
    "mean": _mean,
    "max": _max,
    "log_sum_exp": _log_sum_exp,
}


def _share(evidence: Evidence, source: Node, sources: np.ndarray, place: int, name: str) -> Formula:
    """Return the formula of a softmax or its logarithm."""

    def write(tell_one: Callable[[int], str]) -> str:
        if len(sources) <= TINY:
            total = " + ".join(f"exp({tell_one(int(at))})" for at in sources)
        else:
            total = f"exp({tell_one(int(sources[0]))}) + ... + exp({tell_one(int(sources[-1]))})"
        return (
            f"exp({tell_one(place)}) / ({total})" if name == "softmax" else f"{_in_sum(tell_one(place))} - log({total})"
        )

    return write(lambda at: name_element(source, at)), write(lambda at: write_value(evidence, source, at))


def _moved(evidence: Evidence, node: Node, place: int) -> Formula | None:
    """Return the formula of an element that was moved, or to which elements were added at their places."""
    found = []
    for link in evidence.links(node):
        _, sources = link.sources_of(np.array([place]))
        found += [(link.source, int(at)) for at in sources]
    if found and len(found) <= TINY and all(link.node.op.name in _MOVING for link in evidence.links(node)):
        terms = [name_element(*each) for each in found]
        return " + ".join(terms), " + ".join(_in_sum(write_value(evidence, *each)) for each in found)
    return None


_MOVING = frozenset(
    {"cast", "reshape", "transpose", "broadcast", "slice", "pad", "roll", "concatenate", "gather", "scatter_add"}
)
