"""What Adam makes of one gradient: moments, their corrections, the effective step and how large it can be."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from pellucid.graph.graph import Graph
from pellucid.inspection.explain.update import Update


@dataclass(frozen=True)
class AdamStep:
    r"""One step of Adam for one element, in float64.

    Attributes
    ----------
    t : int
        The number of the step, from 1.
    learning_rate, beta_1, beta_2, epsilon : float
    gradient : float
        As it comes in, after clipping.
    m, v : float
        The moving means of the gradient and of its square, after the step.
    correction_1, correction_2 : float
        :math:`1 - \beta_1^t` and :math:`1 - \beta_2^t`, by which they are divided.
    step : float
        :math:`-\eta\, \hat m / (\sqrt{\hat v} + \epsilon)`.
    """

    t: int
    learning_rate: float
    beta_1: float
    beta_2: float
    epsilon: float
    gradient: float
    m: float
    v: float
    correction_1: float
    correction_2: float

    @property
    def m_corrected(self) -> float:
        return self.m / self.correction_1

    @property
    def v_corrected(self) -> float:
        return self.v / self.correction_2

    @property
    def step(self) -> float:
        root = math.sqrt(self.v_corrected) + self.epsilon
        return -self.learning_rate * self.m_corrected / root

    @property
    def first_bound(self) -> float:
        r"""The bound of Kingma and Ba (2015), section 2.1, for :math:`\epsilon = 0`.

        :math:`\eta (1 - \beta_1) / \sqrt{1 - \beta_2}` where :math:`1 - \beta_1 > \sqrt{1 - \beta_2}`, which a gradient
        reaches that was 0 in all steps before; otherwise, and as a rule, :math:`\eta`.
        """
        return self.learning_rate * max(1.0, (1 - self.beta_1) / math.sqrt(1 - self.beta_2))

    @property
    def bound(self) -> float:
        r"""The largest step that any gradients up to step t can make.

        By the inequality of Cauchy and Schwarz :math:`m^2 \le v\, (1-\beta_1)^2 (1 - r^t) / ((1-\beta_2)(1 - r))` with
        :math:`r = \beta_1^2 / \beta_2`. It is reached by gradients that grow by the factor :math:`\beta_2 / \beta_1`
        from step to step.
        """
        if not self.beta_2:  # v remembers nothing, so that it does not bound what m remembers
            return self.learning_rate if not self.beta_1 or self.t == 1 else math.inf
        ratio = self.beta_1**2 / self.beta_2
        powers = self.t if ratio == 1 else (1 - ratio**self.t) / (1 - ratio)
        largest = (1 - self.beta_1) * math.sqrt(powers / (1 - self.beta_2))
        return self.learning_rate * largest * math.sqrt(self.correction_2) / self.correction_1

    def as_dict(self) -> dict[str, float]:
        """Return all quantities by name."""
        found = {field.name: getattr(self, field.name) for field in fields(self)}
        more = ("m_corrected", "v_corrected", "step", "first_bound", "bound")
        return found | {name: getattr(self, name) for name in more}


def read_adam(update: Update) -> AdamStep | None:
    """Return the step of Adam in an observation; None where another optimizer made the update."""
    name, graph = update.optimizer, update.evidence.graph
    wanted = [f"{name}/{each}" for each in ("beta_1", "beta_2", "epsilon", "beta_1_power", "beta_2_power")]
    if set(update.states) != {"m", "v"} or not all(path in graph.inputs for path in [*wanted, "learning_rate"]):
        return None
    rate, beta_1, beta_2, epsilon = (_scalar(update, graph, path) for path in ("learning_rate", *wanted[:3]))
    m, v = (update.at(update.states[each][1]) for each in ("m", "v"))
    powers = [float(update.evidence.seen(graph.outputs[path])) for path in wanted[3:]]
    gradient = update.clipped or update.gradient
    return AdamStep(
        t=_count(powers, beta_1, beta_2),
        learning_rate=rate,
        beta_1=beta_1,
        beta_2=beta_2,
        epsilon=epsilon,
        gradient=math.nan if gradient is None else update.at(gradient),
        m=m,
        v=v,
        correction_1=1 - powers[0],
        correction_2=1 - powers[1],
    )


def _scalar(update: Update, graph: Graph, path: str) -> float:
    return float(update.evidence.seen(graph.inputs[path]))


def _count(powers: list[float], beta_1: float, beta_2: float) -> int:
    """Return the number of the step: by the power of a rate of decay."""
    for power, beta in ((powers[1], beta_2), (powers[0], beta_1)):
        if 0 < beta < 1 and 0 < power < 1:
            return max(1, round(math.log(power) / math.log(beta)))
    return 1
