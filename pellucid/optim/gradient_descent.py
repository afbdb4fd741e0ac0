"""Gradient descent, plain, with momentum and with Nesterov's momentum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pellucid.graph.context import Context
from pellucid.graph.value import Value
from pellucid.optim.transformation import Optimizer, Rule


@dataclass(frozen=True)
class GradientDescent(Optimizer):
    r"""Gradient descent: stochastic where the gradient is a mini-batch's.

    .. math:: w(t) = w(t-1) - \eta\, g(t)

    Parameters
    ----------
    learning_rate : float
        The step size :math:`\eta`.

    References
    ----------
    Robbins and Monro, A Stochastic Approximation Method, 1951.

    Examples
    --------
    >>> GradientDescent(learning_rate=0.1)
    GradientDescent(learning_rate=0.1)
    """

    name: ClassVar[str] = "gradient_descent"
    ranges: ClassVar[dict[str, str]] = {"learning_rate": "[0, inf)"}
    learning_rate: float = 0.01

    def declare_rule(self, context: Context, loss: Value) -> Rule:
        rate = context.setting("learning_rate", self.learning_rate)
        return lambda path, w, g: w - rate * g


@dataclass(frozen=True)
class Momentum(Optimizer):
    r"""Gradient descent with momentum ("heavy ball").

    .. math::
        \Delta w(t) &= \mu\, \Delta w(t-1) - \eta\, g(t) \\
        w(t) &= w(t-1) + \Delta w(t)

    The state ``momentum/velocity/<parameter>`` is :math:`\Delta w`, from 0.

    Parameters
    ----------
    learning_rate : float
        :math:`\eta`; it acts on the gradient as it comes in, not on what was gathered before.
    momentum : float
        :math:`\mu`, from 0 (plain gradient descent) to just below 1.

    References
    ----------
    Polyak, Some methods of speeding up the convergence of iteration methods, 1964.
    Rumelhart, Hinton and Williams, Learning representations by back-propagating errors, Nature 323, 1986.

    Examples
    --------
    >>> Momentum(momentum=0.95)
    Momentum(learning_rate=0.01, momentum=0.95)
    """

    name: ClassVar[str] = "momentum"
    ranges: ClassVar[dict[str, str]] = {"learning_rate": "[0, inf)", "momentum": "[0, 1)"}
    learning_rate: float = 0.01
    momentum: float = 0.9

    def declare_rule(self, context: Context, loss: Value) -> Rule:
        rate = context.setting("learning_rate", self.learning_rate)
        with context.scope(self.name):
            momentum = context.setting("momentum", self.momentum)

        def rule(path: str, w: Value, g: Value) -> Value:
            velocity = context.carry(f"velocity/{path}", w.type)
            change = momentum * velocity - rate * g
            context.update(velocity, change)
            return w + change

        return rule


@dataclass(frozen=True)
class Nesterov(Optimizer):
    r"""Gradient descent with Nesterov's momentum: the gradient is taken where the momentum is about to lead.

    .. math::
        v(t) &= \mu\, v(t-1) - \eta\, g(t) \\
        w(t) &= w(t-1) + \mu\, v(t) - \eta\, g(t)

    Here :math:`w` is the point at which the gradient is taken. In the form of Sutskever et al., which takes it at
    :math:`\theta + \mu v`, it is that point: :math:`w = \theta + \mu v`. The state ``nesterov/velocity/<parameter>``
    is :math:`v`, from 0.

    Parameters
    ----------
    learning_rate : float
        :math:`\eta`.
    momentum : float
        :math:`\mu`, from 0 (plain gradient descent) to just below 1.

    References
    ----------
    Nesterov, A method for solving the convex programming problem with convergence rate O(1/k^2), 1983.
    Sutskever, Martens, Dahl and Hinton, On the importance of initialization and momentum in deep learning, ICML 2013.

    Examples
    --------
    >>> Nesterov()
    Nesterov(learning_rate=0.01, momentum=0.9)
    """

    name: ClassVar[str] = "nesterov"
    ranges: ClassVar[dict[str, str]] = {"learning_rate": "[0, inf)", "momentum": "[0, 1)"}
    learning_rate: float = 0.01
    momentum: float = 0.9

    def declare_rule(self, context: Context, loss: Value) -> Rule:
        rate = context.setting("learning_rate", self.learning_rate)
        with context.scope(self.name):
            momentum = context.setting("momentum", self.momentum)

        def rule(path: str, w: Value, g: Value) -> Value:
            velocity = context.carry(f"velocity/{path}", w.type)
            descent = rate * g
            new = momentum * velocity - descent
            context.update(velocity, new)
            return w + momentum * new - descent

        return rule
