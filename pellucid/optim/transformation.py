"""What an optimizer is: a transformation of the graph that turns gradients into the next values of the parameters."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import ClassVar

from pellucid.errors import GraphError
from pellucid.graph.builder import scope
from pellucid.graph.context import Context
from pellucid.graph.types import float64
from pellucid.graph.value import Value
from pellucid.ops.basic import cast
from pellucid.optim.settings import Settings

Rule = Callable[[str, Value, Value], Value]
"""``rule(path, w, g)`` returns the next value of the parameter `w` at `path`, given its gradient `g`."""


class Optimizer(Settings, ABC):
    """A way to learn from gradients.

    A subclass is a frozen dataclass of its settings, each with a default. In the graph every setting is an input, so
    that it may change from step to step: ``learning_rate``, and the others in the optimizer's scope, such as
    ``adam/beta_1``. What one step hands to the next is state in that scope, such as ``adam/m/dense_1/weight``.
    """

    full_batch: ClassVar[bool] = False
    """Whether it learns from all examples at once only."""

    @abstractmethod
    def declare_rule(self, context: Context, loss: Value) -> Rule:
        """Declare the settings, and the state that is not a parameter's own, and return the rule for one parameter."""

    def build(
        self, context: Context, parameters: Mapping[str, Value], gradients: Mapping[str, Value], loss: Value
    ) -> dict[str, Value]:
        """Add one step to the graph.

        The state is updated; the parameters are not, so that the caller may change the result first.

        Parameters
        ----------
        context : Context
            Where settings and state are declared; not inside a scope.
        parameters, gradients : mapping
            Value and gradient of each parameter, by the parameter's path.
        loss : Value
            The scalar that the gradients belong to.

        Returns
        -------
        dict
            The next value of each parameter, by path.

        Raises
        ------
        GraphError
            Where a gradient is missing or has another type than its parameter.

        Examples
        --------
        >>> import pellucid as pl
        >>> from pellucid.graph.context import Context
        >>> from pellucid.optim.gradient_descent import Momentum
        >>> context = Context(training=True, dtype="float64")
        >>> w = context.parameter("w", (2,), initializer=None)
        >>> new = Momentum().build(context, {"w": w}, {"w": 2 * w}, loss=pl.sum(w * w))
        >>> list(context.settings), list(context.state), new["w"].type
        (['learning_rate', 'momentum/momentum'], ['momentum/velocity/w'], float64[2])
        """
        for path, value in parameters.items():
            if path not in gradients or gradients[path].type != value.type:
                got = str(gradients[path].type) if path in gradients else "none"
                raise GraphError("no gradient that fits the parameter", where=path, got=got, expected=str(value.type))
        rule = self.declare_rule(context, loss)
        new = {}
        for path, value in parameters.items():
            with context.scope(self.name), scope(path):
                new[path] = rule(path, value, gradients[path])
        return new


def build_average(context: Context, name: str, decay: Value, value: Value) -> Value:
    """Add the state ``average(t) = decay average(t - 1) + (1 - decay) value``, from 0, and return its next value."""
    average = context.carry(name, value.type)
    new = decay * average + (1 - decay) * value
    context.update(average, new)
    return new


def build_power(context: Context, name: str, base: Value) -> Value:
    """Add the state ``base^t`` and return its next value, ``base`` at the first step, in float64 whatever the dtype.

    Carried in float32 its error would grow with every step, and 1 minus it has few digits left at the first ones.
    """
    power = context.carry(name, float64[()], 1.0)
    new = power * cast(base, float64)
    context.update(power, new)
    return new
