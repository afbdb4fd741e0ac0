"""Lion: steps of one size in the direction of the sign of a moving mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pellucid.graph.context import Context
from pellucid.graph.value import Value
from pellucid.ops.functions import sign
from pellucid.optim.transformation import Optimizer, Rule


@dataclass(frozen=True)
class Lion(Optimizer):
    r"""Lion, "evolved sign momentum": half the state of Adam.

    .. math::
        w(t) &= w(t-1) - \eta\, (\mathrm{sign}(\beta_1\, m(t-1) + (1 - \beta_1)\, g(t)) + \lambda\, w(t-1)) \\
        m(t) &= \beta_2\, m(t-1) + (1 - \beta_2)\, g(t)

    The state ``lion/m/<parameter>`` is :math:`m`, from 0. By default only weights decay, never biases.

    Parameters
    ----------
    learning_rate : float
        :math:`\eta`: every weight moves by this much at each step; 3 to 10 times less than Adam's is usual.
    beta_1, beta_2 : float
        How much of the moving mean counts for the direction, and how much of it is kept.
    weight_decay : float
        :math:`\lambda`.
    decay_all : bool
        Let every parameter decay.

    References
    ----------
    Chen et al., Symbolic discovery of optimization algorithms, NeurIPS 2023, program 1.

    Examples
    --------
    >>> Lion()
    Lion(learning_rate=0.0001, beta_1=0.9, beta_2=0.99, weight_decay=0.0, decay_all=False)
    """

    name: ClassVar[str] = "lion"
    ranges: ClassVar[dict[str, str]] = {
        "learning_rate": "[0, inf)",
        "beta_1": "[0, 1)",
        "beta_2": "[0, 1)",
        "weight_decay": "[0, inf)",
    }
    learning_rate: float = 1e-4
    beta_1: float = 0.9
    beta_2: float = 0.99
    weight_decay: float = 0.0
    decay_all: bool = False

    def declare_rule(self, context: Context, loss: Value) -> Rule:
        rate = context.setting("learning_rate", self.learning_rate)
        with context.scope(self.name):
            beta_1 = context.setting("beta_1", self.beta_1)
            beta_2 = context.setting("beta_2", self.beta_2)
            keep = 1 - rate * context.setting("weight_decay", self.weight_decay)

        def rule(path: str, w: Value, g: Value) -> Value:
            m = context.carry(f"m/{path}", w.type)
            context.update(m, beta_2 * m + (1 - beta_2) * g)
            decays = self.decay_all or context.parameters[path].kind == "weight"
            return (w * keep if decays else w) - rate * sign(beta_1 * m + (1 - beta_1) * g)

        return rule
