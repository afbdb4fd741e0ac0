"""Rprop: only the sign of the gradient counts, and every weight has a step size of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pellucid.errors import UsageError
from pellucid.graph.context import Context
from pellucid.graph.value import Value
from pellucid.ops.comparison import maximum, minimum, select
from pellucid.ops.functions import sign
from pellucid.optim.transformation import Optimizer, Rule


@dataclass(frozen=True)
class Rprop(Optimizer):
    r"""Resilient back-propagation with improved weight-backtracking, iRprop+. For full batches only.

    For every weight, with the gradient :math:`g` and the loss :math:`E`:

    .. math::
        g(t-1)\, g(t) > 0:&\quad \Delta(t) = \min(\eta^+ \Delta(t-1), \Delta_{max}),\quad
            \Delta w(t) = -\mathrm{sign}(g(t))\, \Delta(t) \\
        g(t-1)\, g(t) < 0:&\quad \Delta(t) = \max(\eta^- \Delta(t-1), \Delta_{min}),\quad
            \Delta w(t) = -\Delta w(t-1)\ \text{if}\ E(t) > E(t-1)\ \text{else}\ 0,\quad g(t) := 0 \\
        g(t-1)\, g(t) = 0:&\quad \Delta(t) = \Delta(t-1),\quad \Delta w(t) = -\mathrm{sign}(g(t))\, \Delta(t)

    and :math:`w(t) = w(t-1) + \Delta w(t)`. The state is :math:`g` (``rprop/gradient/<parameter>``), :math:`\Delta`
    (``rprop/step/<parameter>``), :math:`\Delta w` (``rprop/change/<parameter>``) and :math:`E` (``rprop/loss``).
    There is no learning rate.

    Parameters
    ----------
    increase, decrease : float
        :math:`\eta^+` and :math:`\eta^-`.
    minimum_step, maximum_step : float
        :math:`\Delta_{min}` and :math:`\Delta_{max}`.
    initial_step : float
        The step size that every weight starts with: a first value of state, where the others are settings.

    References
    ----------
    Riedmiller and Braun, A direct adaptive method for faster backpropagation learning: the RPROP algorithm, 1993.
    Igel and Huesken, Improving the Rprop learning algorithm, NC 2000.

    Examples
    --------
    >>> Rprop(maximum_step=1.0)
    Rprop(increase=1.2, decrease=0.5, minimum_step=1e-06, maximum_step=1.0, initial_step=0.1)
    """

    name: ClassVar[str] = "rprop"
    full_batch: ClassVar[bool] = True
    ranges: ClassVar[dict[str, str]] = {
        "increase": "[1, inf)",
        "decrease": "(0, 1]",
        "minimum_step": "[0, inf)",
        "maximum_step": "(0, inf)",
        "initial_step": "(0, inf)",
    }
    increase: float = 1.2
    decrease: float = 0.5
    minimum_step: float = 1e-6
    maximum_step: float = 50.0
    initial_step: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.minimum_step <= self.initial_step <= self.maximum_step:
            raise UsageError(
                "the first step is not between the smallest and the largest",
                where=self.name,
                got=f"{self.minimum_step}, {self.initial_step}, {self.maximum_step}",
                expected="minimum_step <= initial_step <= maximum_step",
            )

    def declare_rule(self, context: Context, loss: Value) -> Rule:
        with context.scope(self.name):
            increase = context.setting("increase", self.increase)
            decrease = context.setting("decrease", self.decrease)
            smallest = context.setting("minimum_step", self.minimum_step)
            largest = context.setting("maximum_step", self.maximum_step)
            previous_loss = context.carry("loss", loss.type, float("inf"))
            context.update(previous_loss, loss)
            worse = loss > previous_loss

        def rule(path: str, w: Value, g: Value) -> Value:
            gradient = context.carry(f"gradient/{path}", w.type)
            step = context.carry(f"step/{path}", w.type, self.initial_step)
            change = context.carry(f"change/{path}", w.type)
            agreement = sign(gradient) * sign(g)  # of the signs: a product of small gradients would vanish
            turned = agreement < 0
            shorter = maximum(step * decrease, smallest)
            longer = minimum(step * increase, largest)
            new_step = select(turned, shorter, select(agreement > 0, longer, step))
            back = select(worse, -change, 0.0)
            new_change = select(turned, back, -sign(g) * new_step)
            context.update(gradient, select(turned, 0.0, g))
            context.update(step, new_step)
            context.update(change, new_change)
            return w + new_change

        return rule
