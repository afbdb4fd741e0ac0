"""The optimizer that an estimator's parameters speak of."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from pellucid.errors import UsageError, nearest
from pellucid.optim.gradient_descent import GradientDescent, Momentum, Nesterov
from pellucid.optim.lbfgs import LBFGS
from pellucid.optim.optimizers import OPTIMIZERS
from pellucid.optim.optimizers import optimizer as optimizer_called
from pellucid.optim.transformation import Optimizer

LBFGS_TOL = 2.220446049250313e-09
"""SciPy's own, which scikit-learn leaves as it is; a small `tol` asks for a smaller one."""

_TAKEN = {"adagrad": ("learning_rate",), "rmsprop": ("learning_rate",), "lion": ("learning_rate", "beta_1", "beta_2")}
"""Where scikit-learn's parameter of the same name is not meant for the optimizer, or has another default."""


def choose_solver(settings: Any) -> Optimizer | LBFGS:
    """Return the optimizer that the parameters of an estimator speak of.

    Raises
    ------
    UsageError
        Where there is no such solver, or a setting of it is out of its range.
    """
    solver, rate = settings.solver, settings.learning_rate_init
    if isinstance(solver, (Optimizer, LBFGS)):
        return solver
    if solver == "lbfgs":
        tolerance = min(LBFGS_TOL, settings.tol**2)
        return LBFGS(int(settings.max_iter), gradient_tolerance=settings.tol, value_tolerance=tolerance)
    if solver == "sgd":
        if not settings.momentum:
            return GradientDescent(rate)
        return (Nesterov if settings.nesterovs_momentum else Momentum)(rate, settings.momentum)
    if solver not in OPTIMIZERS:
        raise UsageError(
            f"no solver is called {solver!r}", where="solver", fix=nearest(str(solver), ["sgd", *OPTIMIZERS])
        )
    kind: Any = OPTIMIZERS[solver]
    known = {field.name for field in fields(kind)}
    given = {
        "learning_rate": rate,
        "momentum": settings.momentum,
        **{name: getattr(settings, name) for name in ("beta_1", "beta_2", "epsilon")},
    }
    takes = ("learning_rate", "momentum") if solver in ("momentum", "nesterov") else _TAKEN.get(solver, tuple(given))
    return optimizer_called(solver, **{name: given[name] for name in takes if name in known})
