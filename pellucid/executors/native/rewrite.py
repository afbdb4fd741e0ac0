"""Rewriting a graph before it is compiled: equal to the bit, and quicker."""

from __future__ import annotations

from pellucid.graph.graph import Graph, Node


def rewrite(graph: Graph) -> Graph:
    """Let the slope of a rectifier be asked of its value, which is in memory anyway, instead of its operand.

    Where x is above 0, so is relu(x), and where it is not, both are on the same side of the kink.
    """
    rectified = {node.inputs[0]: node for node in graph.nodes if node.op.name == "relu"}
    if not rectified:
        return graph
    here: dict[Node, Node] = {}
    done: set[Node] = set()
    for node in graph.nodes:
        inputs = tuple(here[source] for source in node.inputs)
        if _asks_for_slope(node) and rectified.get(node.inputs[0]) in done:
            inputs = (here[rectified[node.inputs[0]]], *inputs[1:])
        same = inputs == node.inputs
        here[node] = node if same else Node(node.op, inputs, node.params, node.type, node.path)
        done.add(node)
    return Graph(
        {name: here[node] for name, node in graph.inputs.items()},
        tuple(here.values()),
        {name: here[node] for name, node in graph.outputs.items()},
    )


def _asks_for_slope(node: Node) -> bool:
    if node.op.name == "step":
        return True
    zero = node.op.name == "greater" and node.inputs[1].op.name == "constant"
    return zero and dict(node.inputs[1].params)["value"] == 0.0 and not node.inputs[1].type.shape
