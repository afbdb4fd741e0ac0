"""All ways to learn, by name."""

from __future__ import annotations

from typing import Any

from pellucid.optim.adaptive import AdaGrad, Adam, AdamW, NAdam, RMSprop
from pellucid.optim.gradient_descent import GradientDescent, Momentum, Nesterov
from pellucid.optim.lbfgs import LBFGS
from pellucid.optim.lion import Lion
from pellucid.optim.rprop import Rprop
from pellucid.optim.settings import look_up
from pellucid.optim.transformation import Optimizer

OPTIMIZERS: dict[str, type[Optimizer] | type[LBFGS]] = {
    found.name: found
    for found in (GradientDescent, Momentum, Nesterov, AdaGrad, RMSprop, Adam, AdamW, NAdam, Lion, Rprop, LBFGS)
}
"""Every optimizer by name. All but ``lbfgs`` are graph transformations."""


def optimizer(given: str | Optimizer | LBFGS, **settings: Any) -> Optimizer | LBFGS:
    """Return the optimizer of a name with these settings, or a given one with these settings changed.

    Raises
    ------
    UsageError
        Where the name or a setting is unknown, or a setting is out of its range.

    Examples
    --------
    >>> optimizer("nesterov", learning_rate=0.1)
    Nesterov(learning_rate=0.1, momentum=0.9)
    >>> optimizer("adm")
    Traceback (most recent call last):
        ...
    pellucid.errors.UsageError: no optimizer is called 'adm'. Did you mean 'adam'? Known: adagrad, adam, adamw, \
gradient_descent, lbfgs, lion, momentum, nadam, nesterov, rmsprop, rprop.
    """
    return look_up("optimizer", OPTIMIZERS, given, settings)
