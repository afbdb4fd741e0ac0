"""Optimizers that adapt the step of every weight: AdaGrad, RMSprop, Adam and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pellucid.graph.context import Context
from pellucid.graph.value import Value
from pellucid.ops.basic import cast
from pellucid.ops.functions import sqrt
from pellucid.optim.transformation import Optimizer, Rule, build_average, build_power


@dataclass(frozen=True)
class AdaGrad(Optimizer):
    r"""AdaGrad: steps shrink with the sum of all squared gradients so far.

    .. math::
        s(t) &= s(t-1) + g(t)^2 \\
        w(t) &= w(t-1) - \eta\, g(t) / (\sqrt{s(t)} + \epsilon)

    The state ``adagrad/sum/<parameter>`` is :math:`s`, from 0.

    Parameters
    ----------
    learning_rate : float
        :math:`\eta`.
    epsilon : float
        :math:`\epsilon`, which keeps the quotient finite.

    References
    ----------
    Duchi, Hazan and Singer, Adaptive subgradient methods for online learning and stochastic optimization, JMLR 2011.

    Examples
    --------
    >>> AdaGrad()
    AdaGrad(learning_rate=0.01, epsilon=1e-10)
    """

    name: ClassVar[str] = "adagrad"
    ranges: ClassVar[dict[str, str]] = {"learning_rate": "[0, inf)", "epsilon": "(0, inf)"}
    learning_rate: float = 0.01
    epsilon: float = 1e-10

    def declare_rule(self, context: Context, loss: Value) -> Rule:
        rate = context.setting("learning_rate", self.learning_rate)
        with context.scope(self.name):
            epsilon = context.setting("epsilon", self.epsilon)

        def rule(path: str, w: Value, g: Value) -> Value:
            total = context.carry(f"sum/{path}", w.type)
            new = total + g * g
            context.update(total, new)
            return w - rate * g / (sqrt(new) + epsilon)

        return rule


@dataclass(frozen=True)
class RMSprop(Optimizer):
    r"""RMSprop: the gradient divided by the root of a moving mean of its square.

    .. math::
        v(t) &= \alpha\, v(t-1) + (1 - \alpha)\, g(t)^2 \\
        b(t) &= \mu\, b(t-1) + g(t) / (\sqrt{v(t)} + \epsilon) \\
        w(t) &= w(t-1) - \eta\, b(t)

    The state is :math:`v` (``rmsprop/v/<parameter>``) and, with momentum, :math:`b` (``rmsprop/b/<parameter>``).

    Parameters
    ----------
    learning_rate : float
        :math:`\eta`.
    alpha : float
        How much of the moving mean is kept at each step.
    epsilon : float
        :math:`\epsilon`, added outside the root.
    momentum : float, optional
        :math:`\mu`. None leaves momentum out of the graph (:math:`\mu = 0`).

    References
    ----------
    Tieleman and Hinton, Lecture 6.5: rmsprop, Neural networks for machine learning, 2012.

    Examples
    --------
    >>> RMSprop(momentum=0.9)
    RMSprop(learning_rate=0.001, alpha=0.99, epsilon=1e-08, momentum=0.9)
    """

    name: ClassVar[str] = "rmsprop"
    ranges: ClassVar[dict[str, str]] = {
        "learning_rate": "[0, inf)",
        "alpha": "[0, 1)",
        "epsilon": "(0, inf)",
        "momentum": "[0, 1)",
    }
    learning_rate: float = 1e-3
    alpha: float = 0.99
    epsilon: float = 1e-8
    momentum: float | None = None

    def declare_rule(self, context: Context, loss: Value) -> Rule:
        rate = context.setting("learning_rate", self.learning_rate)
        with context.scope(self.name):
            alpha = context.setting("alpha", self.alpha)
            epsilon = context.setting("epsilon", self.epsilon)
            momentum = None if self.momentum is None else context.setting("momentum", self.momentum)

        def rule(path: str, w: Value, g: Value) -> Value:
            v = build_average(context, f"v/{path}", alpha, g * g)
            direction = g / (sqrt(v) + epsilon)
            if momentum is not None:
                b = context.carry(f"b/{path}", w.type)
                direction = momentum * b + direction
                context.update(b, direction)
            return w - rate * direction

        return rule


@dataclass(frozen=True)
class Adam(Optimizer):
    r"""Adam: momentum and RMSprop with their start from 0 corrected.

    .. math::
        m(t) &= \beta_1\, m(t-1) + (1 - \beta_1)\, g(t) \\
        v(t) &= \beta_2\, v(t-1) + (1 - \beta_2)\, g(t)^2 \\
        w(t) &= w(t-1) - \eta\, \frac{m(t) / (1 - \beta_1^t)}{\sqrt{v(t) / (1 - \beta_2^t)} + \epsilon}

    The state is :math:`m` and :math:`v` (``adam/m/<parameter>``, ``adam/v/<parameter>``) and the powers
    :math:`\beta_1^t` and :math:`\beta_2^t` (``adam/beta_1_power``, ``adam/beta_2_power``, float64).

    Parameters
    ----------
    learning_rate : float
        :math:`\eta`; about the largest change of a weight in one step.
    beta_1, beta_2 : float
        How much of each moving mean is kept at each step.
    epsilon : float
        :math:`\epsilon`, added outside the root.

    References
    ----------
    Kingma and Ba, Adam: a method for stochastic optimization, ICLR 2015, algorithm 1.

    Examples
    --------
    >>> Adam()
    Adam(learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-08)
    """

    name: ClassVar[str] = "adam"
    ranges: ClassVar[dict[str, str]] = {
        "learning_rate": "[0, inf)",
        "beta_1": "[0, 1)",
        "beta_2": "[0, 1)",
        "epsilon": "(0, inf)",
    }
    learning_rate: float = 1e-3
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8

    def declare_rule(self, context: Context, loss: Value) -> Rule:
        rate = context.setting("learning_rate", self.learning_rate)
        with context.scope(self.name):
            beta_1, beta_2, epsilon = _declare_moments(context, self)
            correction_1 = cast(1 - build_power(context, "beta_1_power", beta_1), context.dtype)
            root_2 = _build_root_of_correction(context, beta_2)
            step_size, small = rate * root_2 / correction_1, epsilon * root_2

        def rule(path: str, w: Value, g: Value) -> Value:
            m = build_average(context, f"m/{path}", beta_1, g)
            v = build_average(context, f"v/{path}", beta_2, g * g)
            return w - step_size * m / (sqrt(v) + small)

        return rule


@dataclass(frozen=True)
class AdamW(Adam):
    r"""Adam with weight decay that is decoupled from the gradient.

    As :class:`Adam` from the weight :math:`(1 - \eta \lambda)\, w(t-1)` on. By default only weights decay: biases and
    parameters that are neither (gains of normalizations) are left alone.

    Parameters
    ----------
    learning_rate, beta_1, beta_2, epsilon : float
        As in :class:`Adam`.
    weight_decay : float
        :math:`\lambda`.
    decay_all : bool
        Let every parameter decay, as PyTorch does.

    References
    ----------
    Loshchilov and Hutter, Decoupled weight decay regularization, ICLR 2019; the learning rate multiplies the decay, as
    in PyTorch.

    Examples
    --------
    >>> AdamW(weight_decay=0.1).weight_decay
    0.1
    """

    name: ClassVar[str] = "adamw"
    ranges: ClassVar[dict[str, str]] = {**Adam.ranges, "weight_decay": "[0, inf)"}
    weight_decay: float = 0.01
    decay_all: bool = False

    def declare_rule(self, context: Context, loss: Value) -> Rule:
        adam = super().declare_rule(context, loss)
        rate = context.setting("learning_rate", self.learning_rate)
        with context.scope(self.name):
            keep = 1 - rate * context.setting("weight_decay", self.weight_decay)

        def rule(path: str, w: Value, g: Value) -> Value:
            decays = self.decay_all or context.parameters[path].kind == "weight"
            return adam(path, w * keep if decays else w, g)

        return rule


@dataclass(frozen=True)
class NAdam(Optimizer):
    r"""Adam with Nesterov's momentum, which grows over the first steps.

    .. math::
        \mu(t) &= \beta_1 (1 - 0.96^{\psi t} / 2), \qquad P(t) = \mu(1) \cdots \mu(t) \\
        m(t) &= \beta_1\, m(t-1) + (1 - \beta_1)\, g(t) \\
        v(t) &= \beta_2\, v(t-1) + (1 - \beta_2)\, g(t)^2 \\
        \hat m(t) &= \frac{\mu(t+1)}{1 - P(t)\, \mu(t+1)}\, m(t) + \frac{1 - \mu(t)}{1 - P(t)}\, g(t) \\
        w(t) &= w(t-1) - \eta\, \hat m(t) / (\sqrt{v(t) / (1 - \beta_2^t)} + \epsilon)

    The state is :math:`m` and :math:`v` (``nadam/m/<parameter>``, ``nadam/v/<parameter>``) and, in float64,
    :math:`\beta_2^t` (``nadam/beta_2_power``), :math:`0.96^{\psi t}` (``nadam/warming_power``) and :math:`P`
    (``nadam/momentum_product``).

    Parameters
    ----------
    learning_rate, beta_1, beta_2, epsilon : float
        As in :class:`Adam`.
    momentum_decay : float
        :math:`\psi`: how soon :math:`\mu` reaches :math:`\beta_1`.

    References
    ----------
    Dozat, Incorporating Nesterov momentum into Adam, ICLR 2016 workshop.

    Examples
    --------
    >>> NAdam().momentum_decay
    0.004
    """

    name: ClassVar[str] = "nadam"
    ranges: ClassVar[dict[str, str]] = {**Adam.ranges, "momentum_decay": "[0, inf)"}
    learning_rate: float = 2e-3
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    momentum_decay: float = 0.004

    def declare_rule(self, context: Context, loss: Value) -> Rule:
        rate = context.setting("learning_rate", self.learning_rate)
        with context.scope(self.name):
            beta_1, beta_2, epsilon = _declare_moments(context, self)
            root_2 = _build_root_of_correction(context, beta_2)
            share_m, share_g = (rate * root_2 * share for share in self._build_shares(context, beta_1))
            small = epsilon * root_2

        def rule(path: str, w: Value, g: Value) -> Value:
            m = build_average(context, f"m/{path}", beta_1, g)
            v = build_average(context, f"v/{path}", beta_2, g * g)
            return w - (share_m * m + share_g * g) / (sqrt(v) + small)

        return rule

    def _build_shares(self, context: Context, beta_1: Value) -> tuple[Value, Value]:
        """Add the shares of `m` and `g` in the direction of this step."""
        ratio = 0.96 ** cast(context.setting("momentum_decay", self.momentum_decay), "float64")
        warming = build_power(context, "warming_power", ratio)
        momentum = cast(beta_1, "float64") * (1 - 0.5 * warming)
        coming = cast(beta_1, "float64") * (1 - 0.5 * (warming * ratio))
        product = build_power(context, "momentum_product", momentum)
        shares = coming / (1 - product * coming), (1 - momentum) / (1 - product)
        return cast(shares[0], context.dtype), cast(shares[1], context.dtype)


def _build_root_of_correction(context: Context, beta_2: Value) -> Value:
    """Add the root of what corrects `v` for its start from 0, ``sqrt(1 - beta_2^t)``.

    Numerator and denominator of a step are multiplied by it, two scalars for all weights, so that each weight takes
    one root and one division: ``m / (sqrt(v / root^2) + epsilon) = root m / (sqrt(v) + root epsilon)``.
    """
    return cast(sqrt(1 - build_power(context, "beta_2_power", beta_2)), context.dtype)


def _declare_moments(context: Context, optimizer: Adam | NAdam) -> tuple[Value, Value, Value]:
    return (
        context.setting("beta_1", optimizer.beta_1),
        context.setting("beta_2", optimizer.beta_2),
        context.setting("epsilon", optimizer.epsilon),
    )
