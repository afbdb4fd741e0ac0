"""What an observation says of one node, and of which step of a training it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from pellucid.graph.graph import Node
from pellucid.html_table import html_table
from pellucid.inspection.formula import summarize, write_formula, write_formula_with_numbers, write_name, write_number
from pellucid.inspection.layers.saturation import activation_slopes
from pellucid.inspection.summary import Summary, summarize_array


@dataclass(frozen=True)
class StepRecord:
    """Which step of a training was observed.

    Attributes
    ----------
    step : int
        How many steps were done before it.
    epoch : int
        The number of its epoch, from 1.
    parameters, state : tuple of str
        The paths of what the step changes: the parameters, and the optimizer's state.
    learning_rate : float or None
        What the schedule made of it; None where the optimizer has none.
    settings : mapping of float
        The numbers of all settings in this step.
    """

    step: int
    epoch: int
    parameters: tuple[str, ...]
    state: tuple[str, ...]
    learning_rate: float | None
    settings: Mapping[str, float]

    @property
    def carried(self) -> tuple[str, ...]:
        """The paths of all that one step hands to the next."""
        return self.parameters + self.state

    def __str__(self) -> str:
        rate = "" if self.learning_rate is None else f", learning rate {self.learning_rate:.6g}"
        return f"step {self.step} (epoch {self.epoch}){rate}"


@dataclass(frozen=True, eq=False)
class ObservedNode:
    """What one node computed.

    Attributes
    ----------
    node : Node
    value : ndarray or NumPy scalar
        Of the node's shape.
    gradient : ndarray or NumPy scalar, or None
        Of the observed output with respect to this node, of the node's shape; summed over all ways from the node to the
        output. None where the output does not depend on the node, or the node is not of a float dtype.
    formula : str
        Such as ``p = sigmoid(sum)``; constants stand in it as numbers.
    formula_with_numbers : str or None
        Such as ``p = sigmoid(1) = 0.731059``; None where a value in it has more than 4 elements.
    """

    node: Node
    value: Any
    gradient: Any
    formula: str
    formula_with_numbers: str | None
    _operands: tuple[Any, ...] = field(default=(), repr=False)

    @property
    def path(self) -> str:
        return self.node.path

    @property
    def operation(self) -> str:
        return self.node.op.name

    def by_itself(self) -> ObservedNode:
        """Return the same without the operands that its summary asks for, unless it takes one only."""
        return self if len(self._operands) <= 1 else replace(self, _operands=())

    def told(self) -> tuple[Any, ...]:
        """Return all but the node, in the order in which this class takes them."""
        return self.value, self.gradient, self.formula, self.formula_with_numbers, self._operands

    @cached_property
    def summary(self) -> Summary:
        """Mean, spread, extremes and shares of the value's elements; of an activation also how many are saturated."""
        slope = activation_slopes(self.node, self._operands[0], self.value) if len(self._operands) == 1 else None
        return summarize_array(self.value, slope)

    @cached_property
    def gradient_summary(self) -> Summary | None:
        """The same of the gradient, if there is one."""
        return None if self.gradient is None else summarize_array(self.gradient)

    def __repr__(self) -> str:
        gradient = "" if self.gradient is None else f", gradient {summarize(self.gradient)}"
        return f"<{self.formula_with_numbers or self.formula + ' = ' + summarize(self.value)}{gradient}>"

    def _repr_html_(self) -> str:
        rows = [["value", summarize(self.value), str(self.summary)]]
        if self.gradient is not None:
            rows.append(["gradient", summarize(self.gradient), str(self.gradient_summary)])
        return html_table(["", "numbers", "in short"], rows, self.formula_with_numbers or self.formula, code=True)


def observe_node(node: Node, values: Mapping[str, Any], gradients: Mapping[str, Any]) -> ObservedNode:
    """Return what a node computed, given all values, and those gradients that there are, by path."""
    name, value = write_name(node.path), values[node.path][()]
    formula = f"{name}: {node.type}" if node.op.name == "input" else f"{name} = {write_formula(node)}"
    with_numbers = write_formula_with_numbers(node, values)
    if with_numbers is not None:
        with_numbers = f"{name} = {with_numbers} = {summarize(value)}"
    elif not node.inputs and write_number(value) is not None:
        with_numbers = f"{name} = {summarize(value)}"
    gradient = gradients[node.path][()] if node.path in gradients else None
    operands = tuple(values[source.path] for source in node.inputs)
    return ObservedNode(node, value, gradient, formula, with_numbers, operands)
