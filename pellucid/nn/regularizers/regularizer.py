"""What a regularizer is, and which weights belong to a linear output layer."""

from __future__ import annotations

import math
import re
from collections.abc import Container, Mapping
from contextlib import AbstractContextManager
from typing import ClassVar

from pellucid.errors import UsageError
from pellucid.graph.context import Context
from pellucid.graph.graph import Node, find_axes, live_nodes
from pellucid.graph.value import Value

Values = Mapping[str, Value]
Inputs = dict[str, Value]


class Regularizer:
    """Something that a training step does beside making the loss small. Every hook does nothing by default.

    A subclass is a frozen dataclass of its settings with ``eq=False``: each object has settings of its own.
    """

    needs_learning_rate: ClassVar[bool] = False
    """Whether :meth:`after_update` takes a step of the optimizer's learning rate, which not every optimizer has."""

    def before_loss(self, context: Context, inputs: Inputs, targets: Inputs) -> tuple[Inputs, Inputs]:
        """Return what the network and the loss see in place of the inputs and targets, each ``[batch, ...]``."""
        return inputs, targets

    def on_loss(self, context: Context, parameters: Values, output_weights: frozenset[str]) -> None:
        """Add penalties with ``context.penalize``.

        Parameters
        ----------
        context : Context
        parameters : mapping of path to Value
        output_weights : frozenset of str
            The paths of the weights of linear output layers.
        """
        return

    def after_update(
        self, context: Context, path: str, new: Value, learning_rate: Value, output_weights: frozenset[str]
    ) -> Value:
        """Return what becomes of the parameter of this path, given its value after the optimizer's update."""
        return new

    def scope(self, context: Context) -> AbstractContextManager[None]:
        """Enter the scope of this very object, such as ``l2_1``, in which its settings are declared."""
        name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(self).__name__).lower()
        return context.scope_of(self, name)


def is_weight(context: Context, path: str) -> bool:
    """Tell whether a parameter is a weight, neither a bias nor anything else."""
    return context.parameters[path].kind == "weight"


def check_strength(where: str, value: float, positive: bool = False) -> None:
    """Raise a UsageError unless this is a finite number, 0 or more (above 0 where `positive`)."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or value < 0 or (positive and value == 0):
        expected = "a finite number above 0" if positive else "a finite number, 0 or more"
        raise UsageError("out of range", where=where, got=repr(value), expected=expected)


_PASSED = ("add", "subtract", "negative", "identity", "reshape", "cast", "concatenate", "slice", "transpose")


def output_weights(output: Value | Node, parameters: Container[str]) -> frozenset[str]:
    """Find the weights of a linear output layer: those of the products that an output is the sum of.

    Parameters
    ----------
    output : Value or Node
        An output of a network, such as ``[batch, k]``.
    parameters : mapping or set of paths

    Returns
    -------
    frozenset of str
        Paths of parameters. Empty where the output is not linear in its last layer, as behind an activation.

    Examples
    --------
    >>> import pellucid as pl
    >>> from pellucid.graph.context import Context
    >>> network = pl.Network([pl.Dense(8, "tanh"), pl.Dense(3)], inputs=4)
    >>> context = Context(training=True, batch=2)
    >>> outputs = network.build(context, **network.declare_inputs(context))
    >>> sorted(output_weights(outputs["output"], context.parameters))
    ['dense_2/weight']
    """
    found: set[str] = set()
    seen: set[Node] = set()
    stack = [output.node if isinstance(output, Value) else output]
    while stack:
        node = stack.pop()
        if node in seen or not _is_per_example(node):
            continue
        seen.add(node)
        if node.op.name == "contraction":
            for operand in node.inputs:
                found |= _parameters_behind(operand, parameters)
        elif node.op.name in _PASSED:
            stack.extend(node.inputs)
    return frozenset(found)


def _is_per_example(node: Node) -> bool:
    return any(axis.name == "batch" for axis in find_axes(node.type.shape))


def _parameters_behind(node: Node, parameters: Container[str]) -> set[str]:
    """Return the parameters that a value is computed from, or none where examples have a part in it."""
    behind = live_nodes([node])
    if any(map(_is_per_example, behind)):
        return set()
    return {source.path for source in behind if source.op.name == "input" and source.path in parameters}
