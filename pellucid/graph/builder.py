"""Building graphs: nodes are added one by one, equal ones once, and get their paths at the end."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

from pellucid.errors import GraphError, ShapeError
from pellucid.graph.graph import Graph, Node, live_nodes, verify
from pellucid.graph.operation import Operation, operation
from pellucid.graph.types import DTYPES, Axis, DType, Type, as_dtype, float64, int64
from pellucid.graph.value import Value

_scope: ContextVar[str] = ContextVar("scope", default="")


@contextmanager
def scope(name: str) -> Iterator[None]:
    """Put ``name/`` before the paths of all nodes that are added inside, but for constants: equal ones are one.

    Examples
    --------
    >>> import pellucid as pl
    >>> def f(x):
    ...     with pl.scope("hidden"):
    ...         return pl.tanh(2 * x)
    >>> [node.path for node in pl.build(f, x=pl.float64[3])]
    ['x', 'constant', 'hidden/multiply', 'f']
    """
    token = _scope.set(_scope.get() + name + "/")
    try:
        yield
    finally:
        _scope.reset(token)


class Builder:
    """A graph under construction."""

    def __init__(self) -> None:
        self._interned: dict[tuple, Node] = {}
        self._nodes: list[Node] = []
        self._inputs: dict[str, Node] = {}
        self._names: dict[Node, str] = {}  # chosen names
        self._prefixes: dict[Node, str] = {}  # where a node without a chosen name was made

    def __len__(self) -> int:
        return len(self._nodes)

    def input(self, name: str, type: Type) -> Value:
        """Declare an input of the graph."""
        if name in self._inputs:
            raise GraphError(f"two inputs are called {name!r}")
        node = Node(operation("input"), (), (("dtype", type.dtype), ("name", name), ("shape", type.shape)), type, name)
        self._inputs[name] = node
        self._nodes.append(node)
        self._names[node] = name
        return Value(self, node)

    def constant(self, number: Any, dtype: Any = None) -> Value:
        """Add a constant: a number or an array of numbers."""
        given = as_numbers(number, "a constant")
        dtype = as_dtype(dtype) if dtype is not None else _constant_dtype(given.dtype)
        with np.errstate(over="ignore", invalid="ignore"):
            array = given.astype(dtype.numpy)
        lost = np.isfinite(given) & ~np.isfinite(array) if dtype.is_float else array != given
        if lost.any():
            raise ShapeError(f"a constant is out of the range of {dtype}", got=str(given[lost][0])[:80])
        if array.size == 0 and array.ndim > 1:  # nested tuples lose the sizes that follow an empty axis
            return operation("broadcast")(self.constant(0, dtype), shape=array.shape)
        return self.add(operation("constant"), (), {"dtype": dtype, "value": _as_tuple(array.tolist())})

    def add(
        self, op: Operation, inputs: tuple[Value, ...], params: Mapping[str, Any], path: str | None = None
    ) -> Value:
        """Add a node, or return the equal one that is there already; `path` is its name, whole."""
        for value in inputs:
            if value.builder is not self:
                raise GraphError(
                    "a value of another graph",
                    where=op.name,
                    got=repr(value),
                    fix="Compute with the arguments of the function that is being built only.",
                )
        sources = tuple(value.node for value in inputs)
        type = op.infer(tuple(node.type for node in sources), params)
        items = tuple(sorted(params.items()))
        key = (op.name, tuple(map(id, sources)), repr(items))  # repr tells 0.0 from -0.0, 1 from 1.0, axes by name
        node = self._interned.get(key)
        if node is None:
            node = Node(op, sources, items, type, "")
            self._interned[key] = node
            self._nodes.append(node)
            self._prefixes[node] = (
                "" if op.name == "constant" else _scope.get()
            )  # equal constants are one, whatever scope
        if path is not None:
            self._names.setdefault(node, path)
        return Value(self, node)

    def name(self, value: Value, path: str, inside_scope: bool = False) -> Value:
        """Give a node its path, unless it has one."""
        self._names.setdefault(value.node, (_scope.get() if inside_scope else "") + path)
        return value

    def scope_of(self, node: Node) -> str:
        """Return the scope in which a node was made, with a slash behind it, or nothing."""
        return self._prefixes.get(node, "")

    def path_of(self, node: Node) -> str:
        """Return a readable name of a node, chosen or made from its operation."""
        return self._names.get(node) or self._prefixes.get(node, "") + node.op.name

    def settle_names(self, nodes: Iterable[Node]) -> None:
        """Give each node the unique name that it would get at the end, so that others can be named after it.

        Of nodes with the same chosen name, as of a layer that is used twice, the first one keeps it, inputs before all.
        """
        names = Names(self._names.values())
        for node in dict.fromkeys([*self._inputs.values(), *nodes]):
            chosen = self._names.get(node)
            self._names[node] = names.invent(self.path_of(node)) if chosen is None else names.claim(chosen)

    def nodes_until(self, node: Node) -> list[Node]:
        """Return all nodes that `node` depends on, itself included, in topological order."""
        return live_nodes([node])

    def copy(self, graph: Graph, inputs: Mapping[str, Value] | None = None, prefix: str = "") -> dict[Node, Value]:
        """Add all nodes of a graph, names included; return each node's value here.

        `inputs` puts values in the place of inputs; the others become inputs of this graph.
        """
        here: dict[Node, Value] = {}
        for node in graph.nodes:
            if node.op.name == "input":
                given = (inputs or {}).get(node.path)
                here[node] = given if given is not None else self.input(node.path, node.type)
            else:
                sources = tuple(here[source] for source in node.inputs)
                here[node] = self.add(node.op, sources, dict(node.params), prefix + node.path)
        return here

    def finish(self, outputs: Mapping[str, Value], after: str = "building", keep_all: bool = False) -> Graph:
        """Return the graph of the nodes that the outputs need (all nodes with `keep_all`), every path unique."""
        needed = set(self._nodes if keep_all else live_nodes(value.node for value in outputs.values()))
        live = dict.fromkeys([*self._inputs.values(), *(node for node in self._nodes if node in needed)])
        paths = self._paths(live, [value.node for value in outputs.values()])
        final: dict[Node, Node] = {}
        for node in live:
            sources = tuple(final[source] for source in node.inputs)
            final[node] = Node(node.op, sources, node.params, node.type, paths[node])
        graph = Graph(
            {name: final[node] for name, node in self._inputs.items()},
            tuple(final.values()),
            {name: final[value.node] for name, value in outputs.items()},
        )
        return verify(graph, after)

    def _paths(self, live: Iterable[Node], outputs: Iterable[Node]) -> dict[Node, str]:
        """Return a path for each node: names that were chosen first, of them those of inputs and outputs first."""
        nodes = list(live)
        names = Names(self._names[node] for node in nodes if node in self._names)
        first = dict.fromkeys([*self._inputs.values(), *outputs, *nodes])
        paths = {node: names.claim(self._names[node]) for node in first if node in self._names}
        return {node: paths.get(node) or names.invent(self.path_of(node)) for node in nodes}


class Names:
    """Names that are given out once each.

    Parameters
    ----------
    chosen : iterable of str
        Names that somebody chose: the first to claim one gets it, and nothing else is called so.
    """

    def __init__(self, chosen: Iterable[str]):
        self._taken = set(chosen)
        self._claimed: set[str] = set()
        self._numbers: dict[str, int] = {}

    def claim(self, name: str) -> str:
        """Return a chosen name, or, where it was claimed before, one with a number behind it."""
        if name in self._claimed:
            return self.invent(name)
        self._claimed.add(name)
        return name

    def invent(self, name: str) -> str:
        """Return the name, with the first number behind it that makes it a new one."""
        number, found = self._numbers.get(name, 1), name
        while found in self._taken:
            number += 1
            found = f"{name}_{number}"
        self._numbers[name] = number
        self._taken.add(found)
        return found


def as_value(builder: Builder, operand: Any, like: Value | None = None) -> Value:
    """Return a value as it is, a number as a constant of the dtype of `like`, an array as a constant of its own."""
    if isinstance(operand, Value):
        return operand
    if isinstance(operand, Axis):  # no constant: it follows the axis when the graph is resized
        dtype = like.dtype if like is not None and like.dtype.kind != "bool" else int64
        count = {"shape": (operand,), "dtype": dtype if dtype.is_float else float64}
        return operation("cast")(builder.add(operation("element_count"), (), count), dtype=dtype)
    weak = isinstance(operand, (int, float)) and not isinstance(operand, (bool, np.generic))
    if weak and like is not None and like.dtype.kind != "bool" and (like.dtype.is_float or isinstance(operand, int)):
        return builder.constant(operand, like.dtype)
    return builder.constant(operand)


def as_numbers(number: Any, what: str) -> np.ndarray:
    """Return numbers as an array, or say why they are none."""
    try:
        array = np.asarray(number)
    except ValueError:
        raise ShapeError("not an array: its rows differ in length", where=what, got=repr(number)[:80]) from None
    if isinstance(number, np.ma.MaskedArray):
        raise ShapeError("a masked array", where=what, fix="Fill it first: array.filled(0.0).")
    if array.dtype.kind not in "bifu":
        raise ShapeError("not numbers", where=what, got=repr(number)[:80])
    return array


def _constant_dtype(dtype: np.dtype) -> DType:
    """Return the dtype that a constant gets of itself: what NumPy has and the graph has not becomes 64 bits wide."""
    if dtype.name in DTYPES:
        return DTYPES[dtype.name]
    return float64 if dtype.kind == "f" else int64


def build(function: Callable[..., Any], /, *misplaced: Any, **types: Type) -> Graph:
    """Build the graph of a Python function of graph values.

    Parameters
    ----------
    function : callable
        Takes one value per argument, computes with operators and Pellucid's functions, and returns a value, or a
        tuple or dict of values. A local variable that holds a value when the function returns names its node.
    **types : Type
        The type of each argument, such as ``pl.float64[3]``.

    Returns
    -------
    Graph
        With one output, called as the function is, or with one output for each item returned.

    Examples
    --------
    >>> import pellucid as pl
    >>> def loss(w, x):
    ...     error = pl.sum(w * x) - 1
    ...     return error**2
    >>> graph = pl.build(loss, w=pl.float64[3], x=pl.float64[3])
    >>> pl.parse(str(graph)) == graph
    True
    """
    if misplaced or not callable(function):
        got = repr(misplaced[0] if misplaced else function)[:80]
        raise GraphError(
            "a function and its types by name are needed", got=got, fix="Write pl.build(f, x=pl.float64[3])."
        )
    builder = Builder()
    arguments = {}
    for name, type in types.items():
        if not isinstance(type, Type):
            raise GraphError(
                "not a type", where=f"argument {name}", got=repr(type), expected="such as pl.float64[2, 3]"
            )
        arguments[name] = builder.input(name, type)
    try:
        inspect.signature(function).bind(**arguments)
    except TypeError as error:
        told = f"the types given do not fit the function's arguments: {error}"
        raise GraphError(told, where=function_name(function)) from None
    result, local = _call_and_watch(function, arguments)
    outputs = name_outputs(builder, function_name(function), result)
    for name, value in local.items():
        if isinstance(value, Value) and value.builder is builder:
            builder.name(value, builder.scope_of(value.node) + name)
    return builder.finish(outputs)


def name_outputs(builder: Builder, name: str, result: Any) -> dict[str, Value]:
    """Return what a function returned as named values, numbers as constants."""
    if isinstance(result, Mapping):
        named = dict(result)
    elif isinstance(result, (tuple, list)):
        named = {f"{name}_{position}": item for position, item in enumerate(result)}
    else:
        named = {name: result}
    if not named:
        raise GraphError("the function returns nothing", where=name)
    outputs: dict[str, Value] = {}
    for key, item in named.items():
        if item is None:
            raise GraphError("the function returns None", where=name, fix="Return a value, or a dict of values.")
        if isinstance(item, (tuple, list, Mapping)) and _holds_values(item):
            raise GraphError("outputs inside outputs", where=f"{name}, {key}", fix="Return one flat tuple or dict.")
        if str(key) in outputs:
            raise GraphError("two outputs have the same name", where=name, got=str(key))
        outputs[str(key)] = as_value(builder, item)
        if outputs[str(key)].builder is not builder:
            raise GraphError("the function returns a value of another graph", where=name)
    for key, value in outputs.items():
        if value.node.op.name != "input":
            builder.name(value, key)
    return outputs


def _holds_values(item: Any) -> bool:
    if isinstance(item, Mapping):
        return any(map(_holds_values, item.values()))
    return isinstance(item, Value) or (isinstance(item, (tuple, list)) and any(map(_holds_values, item)))


def function_name(function: Callable[..., Any]) -> str:
    """Return a name to show for a function; a lambda's is ``value``."""
    name = getattr(function, "__name__", type(function).__name__)
    return "value" if name == "<lambda>" else name


def _call_and_watch(function: Callable[..., Any], arguments: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Call the function and return its result and the local variables it ended with."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    local: dict[str, Any] = {}

    def watch(frame: Any, event: str, argument: Any) -> None:
        if event == "return" and frame.f_code is code:
            local.update(frame.f_locals)

    previous = sys.getprofile()
    foreign = previous is not None and getattr(previous, "__module__", None) != __name__
    if code is None or foreign:  # a profiler is at work: leave it alone, and paths to the operations
        return function(**arguments), local
    sys.setprofile(watch)
    try:
        return function(**arguments), local
    finally:
        sys.setprofile(previous)


def _as_tuple(value: Any) -> Any:
    return tuple(map(_as_tuple, value)) if isinstance(value, list) else value
