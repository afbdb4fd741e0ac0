"""The forward and the backward pass of an observed graph, step by step: what appears when, and what to say of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pellucid.graph.graph import Node, live_nodes
from pellucid.inspection.drawing.local import Slopes
from pellucid.inspection.drawing.scene import Caption
from pellucid.inspection.formula import summarize, write_name, write_number

if TYPE_CHECKING:
    from pellucid.inspection.observation import Observation

MOST = 32
"""Up to so many gates, each has a frame in either pass; of more, those of the same depth share one."""

_NAMED = 6


@dataclass(frozen=True)
class Passes:
    """When what appears.

    Attributes
    ----------
    captions : tuple of Caption
        One for each frame.
    values, gradients : mapping of Node to int
        The frame in which a node's value and its gradient, the sum over all of its uses, appear.
    through : mapping of Node to int
        The frame in which a gate's gradient goes on to its operands.
    """

    captions: tuple[Caption, ...]
    values: Mapping[Node, int]
    gradients: Mapping[Node, int]
    through: Mapping[Node, int]


def plan_passes(observation: Observation, slopes: Mapping[Node, Slopes]) -> Passes:
    """Return the order of both passes: inputs, gates from first to last, the output's gradient, gates backwards."""
    graph = observation.graph
    gates = [node for node in graph.nodes if node.inputs]
    captions = [Caption("The inputs", _list(observation, [n for n in graph.nodes if n.op.name == "input"]))]
    values = {node: 0 for node in graph.nodes if not node.inputs}
    groups = _group(gates)
    for number, group in enumerate(groups, 1):
        values |= dict.fromkeys(group, len(captions))
        captions.append(Caption(f"Forward {number} of {len(groups)}", _tell_forward(observation, group)))
    if observation.of is None:
        return Passes(tuple(captions), values, {}, {})
    end = graph.outputs[observation.of]
    live = set(live_nodes([end]))
    known = [node for node in graph.nodes if observation[node.path].gradient is not None]
    gradients = dict.fromkeys(known, len(captions))
    captions.append(Caption("Backward: where it begins", f"d {observation.of} / d {observation.of} = 1"))
    passing = [gate for gate in gates if gate in live and _passes_on(observation, gate)]
    through: dict[Node, int] = {}
    groups = [group[::-1] for group in _group(passing)[::-1]]
    uses: dict[Node, list[Node]] = {}
    for gate in passing:
        for source in _receivers(observation, gate):
            uses.setdefault(source, []).append(gate)
    for number, group in enumerate(groups, 1):
        for gate in group:
            through[gate] = len(captions)
            gradients |= dict.fromkeys(_receivers(observation, gate), len(captions))
        told = f"back through {_names(group)}"
        if len(group) == 1:
            (gate,) = group
            done = [s for s in _receivers(observation, gate) if len(uses[s]) > 1 and uses[s][0] is gate]
            told = _tell_backward(observation, gate, slopes.get(gate)) + _tell_sums(observation, done)
        captions.append(Caption(f"Backward {number} of {len(groups)}", told))
    return Passes(tuple(captions), values, gradients, through)


def _group(gates: Sequence[Node]) -> list[list[Node]]:
    """Return the gates that share a frame: each has its own, or those of the same depth."""
    if len(gates) <= MOST:
        return [[gate] for gate in gates]
    depth: dict[Node, int] = {}
    for gate in gates:
        depth[gate] = 1 + max((depth.get(source, 0) for source in gate.inputs), default=0)
    levels = max(depth.values())
    groups: list[list[Node]] = [[] for _ in range(min(levels, MOST))]
    for gate in gates:
        groups[(depth[gate] - 1) * len(groups) // levels].append(gate)
    return [group for group in groups if group]


def _receivers(observation: Observation, gate: Node) -> list[Node]:
    """Return the operands that a gate hands a gradient to, each once."""
    found = dict.fromkeys(source for source in gate.inputs if source.op.name != "constant")
    return [source for source in found if observation[source.path].gradient is not None]


def _passes_on(observation: Observation, gate: Node) -> bool:
    return gate.op.differentiable and bool(_receivers(observation, gate))


def _tell_forward(observation: Observation, group: Sequence[Node]) -> str:
    if len(group) > 1:
        return _names(group)
    seen = observation[group[0].path]
    return seen.formula_with_numbers or f"{seen.formula} = {summarize(seen.value, 4)}"


def _tell_backward(observation: Observation, gate: Node, slopes: Slopes | None) -> str:
    """Return what a gate hands to its operands: numbers where all are scalars."""
    parts = []
    gradient = np.asarray(observation[gate.path].gradient)
    for place, source in enumerate(gate.inputs):
        if source not in _receivers(observation, gate):
            continue
        slope = None if slopes is None else slopes[place]
        what = ""
        if slope is not None:
            what = "gradient times local derivative "
            if slope.size == gradient.size == 1:
                with np.errstate(all="ignore"):
                    what = f"{_number(gradient)} · {_number(slope)} = {_number(gradient * slope)} "
        parts.append(f"{what}to {write_name(source.path)}")
    return f"back through {write_name(gate.path)} ({gate.op.name}): " + ", ".join(parts)


def _tell_sums(observation: Observation, nodes: Iterable[Node]) -> str:
    return "".join(f"; {write_name(n.path)} in all {summarize(observation[n.path].gradient, 4)}" for n in nodes)


def _number(array: np.ndarray) -> str:
    return write_number(array.reshape(()), 4) or ""


def _names(nodes: Sequence[Node]) -> str:
    more = f" and {len(nodes) - _NAMED} more" if len(nodes) > _NAMED else ""
    return ", ".join(write_name(node.path) for node in nodes[:_NAMED]) + more


def _list(observation: Observation, nodes: Sequence[Node]) -> str:
    told = [f"{write_name(n.path)} = {summarize(observation[n.path].value, 4, 4)}" for n in nodes[:_NAMED]]
    return ", ".join(told) + (f" and {len(nodes) - _NAMED} more" if len(nodes) > _NAMED else "")
