"""Addresses of single numbers: ``d loss / d dense_1/weight[3, 2]``, ``dense_1/relu[0, 5]``, ``update of w[0]``."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from pellucid.errors import UsageError, nearest
from pellucid.graph.graph import Graph, Node
from pellucid.inspection.formula import write_name

_INDEX = re.compile(r"(?P<path>.*?)\s*\[(?P<index>[^\[\]]*)\]\s*")
_UPDATE = re.compile(r"update\s+of\s+(?P<path>.+)")


@dataclass(frozen=True)
class Address:
    """Where a number stands.

    Attributes
    ----------
    kind : {"value", "gradient", "update"}
    of : str
        What a gradient is of; empty otherwise.
    node : Node
        Whose value it is, with respect to which the gradient is, or which input is updated.
    index : tuple of int
        The element, each number from 0 up.
    """

    kind: str
    of: str
    node: Node
    index: tuple[int, ...]

    def __str__(self) -> str:
        element = write_name(self.node.path) + write_index(self.index)
        if self.kind == "gradient":
            return f"d {write_name(self.of)} / d {element}"
        return f"update of {element}" if self.kind == "update" else element

    @property
    def place(self) -> int:
        """The element's place in row-major order."""
        place = 0
        for at, size in zip(self.index, self.node.type.shape, strict=True):
            place = place * int(size) + at
        return place


def write_index(index: tuple[int, ...]) -> str:
    """Return an index as it stands behind a path; nothing for a scalar."""
    return f"[{', '.join(map(str, index))}]" if index else ""


def is_address(text: str) -> bool:
    """Say whether a text asks for a single number rather than for a node."""
    return bool(_INDEX.fullmatch(text) or _UPDATE.fullmatch(text.strip()) or re.match(r"\s*d\s.+/\s*d\s", text))


def read_address(graph: Graph, text: str, of: str | None = None) -> Address:
    """Find what an address means in a graph.

    Parameters
    ----------
    graph : Graph
    text : str
    of : str, optional
        The scalar that gradients of an observation are of.

    Raises
    ------
    UsageError
        Where nothing has that name, an index is missing or outside, or it is no address.
    """
    if not isinstance(text, str) or not text.strip():
        expected = "such as 'd loss / d dense_1/weight[3, 2]' or 'dense_1/relu[0, 5]'"
        raise UsageError("not the address of a number", got=repr(text)[:80], expected=expected)
    matched = _INDEX.fullmatch(text.strip())
    path, index = (matched["path"], matched["index"]) if matched else (text.strip(), None)
    kind, target, node = _find(graph, path, of)
    if kind == "gradient" and not node.type.dtype.is_float:
        raise UsageError("there is no gradient of what is no float", where=node.path, got=str(node.type))
    return Address(kind, target, node, _read_index(node, index, text))


def _find(graph: Graph, path: str, of: str | None) -> tuple[str, str, Node]:
    """Return kind, scalar and node of a path without index."""
    update = _UPDATE.fullmatch(path)
    if update is not None:
        return "update", "", _updated(graph, _plain(update["path"]))
    for target, name in _splits(path):
        penalized = name in graph and f"d {target} / d {graph[name].path}" in graph and "loss" in graph
        if name in graph and (target in graph or penalized):
            _check_scalar(graph, target, of)
            return "gradient", target, graph[name]
    if _plain(path) in graph:
        return "value", "", graph[_plain(path)]
    raise _unknown(graph, path, of)


def _plain(path: str) -> str:
    """Return a path without the quotes in which formulas put some."""
    path = path.strip()
    if len(path) > 1 and path[0] == path[-1] == '"':
        try:
            return str(json.loads(path))
        except ValueError:
            return path
    return path


def _splits(path: str) -> Iterator[tuple[str, str]]:
    """Yield what ``d A / d B`` may mean: the parts may be gradients themselves."""
    whole = _plain(path)
    if not re.match(r"d\s", whole):
        return
    for separator in re.finditer(r"\s*/\s*d\s+", whole):
        yield _plain(whole[1 : separator.start()]), _plain(whole[separator.end() :])


def _check_scalar(graph: Graph, target: str, of: str | None) -> None:
    if target in graph and (graph[target].type.shape or not graph[target].type.dtype.is_float):
        known = [name for name, node in graph.outputs.items() if not node.type.shape and node.type.dtype.is_float]
        raise UsageError(
            "only a scalar has gradients here",
            where=target,
            got=str(graph[target].type),
            fix=f"Scalars among the outputs: {', '.join(known)}." if known else None,
        )


def _updated(graph: Graph, path: str) -> Node:
    """Return the input that a step gives another value: what is called as an output and as an input."""
    updated = [name for name, node in graph.outputs.items() if name in graph.inputs and graph.inputs[name] is not node]
    if not updated:
        fix = "Observe a step of a training: pl.timeline(...).at(step).observe(), or pl.observe(training) of an event."
        raise UsageError("this observation is not of a training step: nothing is updated", where=path, fix=fix)
    if path not in updated:
        raise UsageError(f"{path!r} is not updated", where="update", fix=nearest(path, updated))
    return graph.inputs[path]


def _unknown(graph: Graph, path: str, of: str | None) -> UsageError:
    known = [node.path for node in graph if node.op.name != "constant"]
    for target, name in _splits(path):
        if name in graph:
            scalars = [n for n, node in graph.outputs.items() if not node.type.shape and node.type.dtype.is_float]
            return UsageError(f"there is no scalar {target!r}", where=path, fix=nearest(target, scalars))
        if target in graph or target == of:
            fix = nearest(name, [each for each in known if not each.startswith("d ")])
            return UsageError(f"there is no node {name!r}", where=path, fix=fix)
    inside = [name for name in known if name.startswith(f"{path}/")]
    fix = f"In it are: {', '.join(inside)}." if inside else nearest(path, known)
    return UsageError(f"there is no node {path!r}", fix=fix)


def _read_index(node: Node, index: str | None, text: str) -> tuple[int, ...]:
    sizes = tuple(map(int, node.type.shape))
    if index is None or (not index.strip() and not sizes):
        if node.type.size == 1:
            return (0,) * len(sizes)
        if node.type.size == 0:
            raise UsageError("it has no elements", where=text, got=str(node.type))
        example = f"{text.strip()}{write_index((0,) * len(sizes))}"
        what = f"which of its {node.type.size:,} numbers? The index is missing"
        raise UsageError(what, where=text, got=str(node.type), fix=f"Write {example}, for example.")
    try:
        numbers = tuple(int(part) for part in index.split(","))
    except ValueError:
        raise UsageError(
            "not an index", where=text, got=f"[{index}]", expected="whole numbers with commas between them"
        ) from None
    if len(numbers) != len(sizes):
        raise UsageError(
            "the wrong number of indices", where=text, got=str(len(numbers)), expected=f"{len(sizes)}, of {node.type}"
        )
    for axis, (at, size) in enumerate(zip(numbers, sizes, strict=True)):
        if not -size <= at < size:
            raise UsageError(
                "an index outside its axis",
                where=f"{text}, axis {axis}",
                got=str(at),
                expected=f"{-size} to {size - 1}" if size else "none, as the axis is empty",
            )
    return tuple(at % size for at, size in zip(numbers, sizes, strict=True))
