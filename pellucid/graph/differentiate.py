"""Reverse-mode differentiation as a transformation of graphs.

Gradients are accumulated from the output to the inputs (back-propagation): each node hands every input its local
gradient times the gradient that came in; what comes back to a value with several uses is summed.
Source: Griewank and Walther, Evaluating Derivatives (2008), chapter 3.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pellucid.errors import GraphError
from pellucid.graph.builder import Builder, scope
from pellucid.graph.graph import Graph, Node, require_graph
from pellucid.graph.operation import operation
from pellucid.graph.value import Value


def differentiate(graph: Graph, wrt: str | Sequence[str] | None = None, of: str | None = None) -> Graph:
    """Return the graph that also computes the gradient of one scalar output.

    Parameters
    ----------
    graph : Graph
    wrt : str or sequence of str, optional
        Inputs, or paths of any other nodes, to differentiate with respect to. By default all inputs of a float dtype.
    of : str, optional
        The output to differentiate, a scalar of a float dtype. Needed only where there are several of them.

    Returns
    -------
    Graph
        The outputs of `graph`, and ``d <of> / d <name>`` for every name in `wrt`, of that node's shape; it is 0
        where the output does not depend on it. The result can be differentiated again.

    Raises
    ------
    GraphError
        Where a name is not in the graph, or a node's dtype is not a float.

    Examples
    --------
    >>> import pellucid as pl
    >>> cube = pl.build(lambda x: x * x * x, x=pl.float64[()])
    >>> first = pl.differentiate(cube, "x")
    >>> second = pl.differentiate(first, "x", of="d value / d x")
    >>> {name: float(value) for name, value in pl.compile(second)(x=2.0).items()}
    {'value': 8.0, 'd value / d x': 12.0, 'd d value / d x / d x': 12.0}
    """
    require_graph(graph, "differentiate")
    of = scalar_output(graph, of)
    if wrt is None:
        names = [name for name, node in graph.inputs.items() if node.type.dtype.is_float]
    else:
        names = [wrt] if isinstance(wrt, str) else list(wrt)
    for name in names:
        if not graph[name].type.dtype.is_float:
            raise GraphError(
                "only a float can be differentiated with respect to", where=name, got=str(graph[name].type)
            )
    builder = Builder()
    here = builder.copy(graph)
    gradients = build_gradients(here[graph.outputs[of]], [here[graph[name]] for name in names], name=of)
    outputs = {name: here[node] for name, node in graph.outputs.items()}
    for name, gradient in zip(names, gradients, strict=True):
        if f"d {of} / d {name}" in graph.outputs:
            raise GraphError("the graph has an output of this name already", got=f"d {of} / d {name}")
        outputs[f"d {of} / d {name}"] = _named(gradient, f"d {of} / d {name}")
    return builder.finish(outputs, after="differentiate")


def build_gradients(y: Value, wrt: Sequence[Value], seed: Value | None = None, name: str | None = None) -> list[Value]:
    """Add the gradient of `y` with respect to each of `wrt` to the graph that they belong to.

    Parameters
    ----------
    y : Value
        A scalar, or of any shape where `seed` is given.
    wrt : sequence of Value
    seed : Value, optional
        The gradient that comes into `y`, of its shape; 1 by default.
    name : str, optional
        What to call `y` in the paths of gradients; by default its path.

    Returns
    -------
    list of Value
        One gradient for each of `wrt`, of its shape.
    """
    builder = y.builder
    name = name or builder.path_of(y.node)
    if seed is None:
        seed = _filled(builder, 1.0, y)
    nodes = builder.nodes_until(y.node)
    builder.settle_names(nodes)
    concerned = _dependents(nodes, {value.node for value in wrt})
    contributions: dict[Node, list[Value]] = {y.node: [seed]}
    total: dict[Node, Value] = {}
    for node in reversed(nodes):
        if node not in concerned or node not in contributions:
            continue
        path = f"d {name} / d {builder.path_of(node)}"
        with scope(path):
            total_gradient = _sum(contributions.pop(node))
        g = total[node] = _named(total_gradient, path)
        if not node.inputs or not node.op.differentiable:
            continue
        with scope(path):
            inputs = tuple(Value(builder, source) for source in node.inputs)
            wanted = tuple(source in concerned and source.type.dtype.is_float for source in node.inputs)
            parts = node.op.build_gradient(g, inputs, Value(builder, node), dict(node.params), wanted)
        for source, part, needed in zip(node.inputs, parts, wanted, strict=True):
            if part is not None and needed:
                _check(builder, node, source, part)
                contributions.setdefault(source, []).append(part)
    return [total[value.node] if value.node in total else _filled(builder, 0.0, value) for value in wrt]


def _dependents(nodes: Iterable[Node], wrt: set[Node]) -> set[Node]:
    """Return the nodes among `nodes` (in topological order) that `wrt` reaches."""
    reached: set[Node] = set()
    for node in nodes:
        if node in wrt or any(source in reached for source in node.inputs):
            reached.add(node)
    return reached


def _sum(values: Sequence[Value]) -> Value:
    result = values[0]
    for value in values[1:]:
        result = result + value
    return result


def _named(gradient: Value, path: str) -> Value:
    """Name a gradient, unless it is a constant: that one may be used elsewhere too, as the number that it is."""
    return gradient if gradient.node.op.name == "constant" else gradient.builder.name(gradient, path)


def _filled(builder: Builder, number: float, like: Value) -> Value:
    value = builder.constant(number, like.dtype)
    return operation("broadcast")(value, shape=like.shape) if like.shape else value


def _check(builder: Builder, node: Node, source: Node, part: Value) -> None:
    if part.type != source.type:
        raise GraphError(
            "the gradient rule returns a value of another type than the input",
            where=f"operation {node.op.name}, node {builder.path_of(node)}",
            got=str(part.type),
            expected=str(source.type),
        )


def scalar_output(graph: Graph, of: str | None = None) -> str:
    """Return the output to differentiate: the one named, or the only scalar of a float dtype."""
    scalars = [name for name, node in graph.outputs.items() if not node.type.shape and node.type.dtype.is_float]
    if of is None:
        if len(scalars) != 1:
            raise GraphError(
                "there is not exactly one scalar output to differentiate",
                got=", ".join(f"{name}: {node.type}" for name, node in graph.outputs.items()),
                fix="Name it: of=..." if scalars else "Make it a scalar: pl.sum(...) or pl.mean(...).",
            )
        return scalars[0]
    if of not in graph.outputs:
        raise GraphError(f"the graph has no output {of!r}", expected="one of " + ", ".join(graph.outputs))
    if of not in scalars:
        raise GraphError(
            "only a scalar of a float dtype can be differentiated", where=of, got=str(graph.outputs[of].type)
        )
    return of
