"""The parameters that the estimators share: names, defaults, and what is checked of them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from pellucid.errors import UsageError, nearest
from pellucid.estimators import defaults
from pellucid.executors.program import DEFAULT_EXECUTOR, check_executor
from pellucid.nn.activation import check_activation
from pellucid.nn.losses import Loss, loss_names
from pellucid.nn.losses import loss as loss_called
from pellucid.optim.lbfgs import LBFGS
from pellucid.optim.optimizers import OPTIMIZERS
from pellucid.optim.settings import check_number
from pellucid.optim.transformation import Optimizer

RANGES = {
    "alpha": "[0, inf)",
    "l1": "[0, inf)",
    "learning_rate_init": "(0, inf)",
    "power_t": "[0, inf)",
    "tol": "[0, inf)",
    "momentum": "[0, 1)",
    "validation_fraction": "[0, 1)",
    "beta_1": "[0, 1)",
    "beta_2": "[0, 1)",
    "epsilon": "(0, inf)",
    "n_iter_no_change": "[1, inf]",
    "limit": "[0, 1000000]",
    "label_smoothing": "[0, 1)",
    "noise": "[0, inf)",
    "eta0": "(0, inf)",
    "l1_ratio": "[0, 1]",
}
COUNTS = {"n_members": "[1, inf)", "max_iter": "[1, inf)", "max_fun": "[1, inf)", "n_components": "[1, inf)"}
SWITCHES = (
    *("shuffle", "warm_start", "nesterovs_momentum", "early_stopping", "shortcuts", "layer_norm", "fit_intercept"),
)
RATES = ("constant", "invscaling", "adaptive")
SKLEARN_ACTIVATIONS = {"logistic": "sigmoid"}
"""scikit-learn's names of activations that have another one here."""


@dataclass(eq=False, repr=False)
class TrainingParameters(BaseEstimator):
    """How an estimator learns; see the estimators for what each parameter means."""

    solver: Any = field(default=defaults.SOLVER, kw_only=True)
    alpha: float = field(default=defaults.ALPHA, kw_only=True)
    l1: float = field(default=0.0, kw_only=True)
    batch_size: int | str = field(default=defaults.BATCH_SIZE, kw_only=True)
    learning_rate: str = field(default="constant", kw_only=True)
    learning_rate_init: float = field(default=defaults.LEARNING_RATE, kw_only=True)
    power_t: float = field(default=0.5, kw_only=True)
    max_iter: int = field(default=defaults.MAX_ITER, kw_only=True)
    shuffle: bool = field(default=True, kw_only=True)
    random_state: Any = field(default=None, kw_only=True)
    tol: float = field(default=defaults.TOL, kw_only=True)
    verbose: bool = field(default=False, kw_only=True)
    warm_start: bool = field(default=False, kw_only=True)
    momentum: float = field(default=0.9, kw_only=True)
    nesterovs_momentum: bool = field(default=True, kw_only=True)
    early_stopping: bool = field(default=True, kw_only=True)
    validation_fraction: float = field(default=defaults.VALIDATION_FRACTION, kw_only=True)
    beta_1: float = field(default=0.9, kw_only=True)
    beta_2: float = field(default=0.999, kw_only=True)
    epsilon: float = field(default=1e-8, kw_only=True)
    n_iter_no_change: float = field(default=defaults.N_ITER_NO_CHANGE, kw_only=True)
    max_fun: int = field(default=15000, kw_only=True)
    callbacks: Any = field(default=(), kw_only=True)
    clip_norm: float | None = field(default=None, kw_only=True)
    time_limit: float | None = field(default=None, kw_only=True)
    executor: str = field(default=DEFAULT_EXECUTOR, kw_only=True)


@dataclass(eq=False, repr=False)
class NetworkParameters(TrainingParameters):
    """What network an estimator trains, besides how it learns."""

    hidden_layer_sizes: Any = defaults.HIDDEN
    activation: Any = defaults.ACTIVATION
    dropout: float | str = field(default="auto", kw_only=True)
    shortcuts: bool = field(default=False, kw_only=True)
    layer_norm: bool = field(default=False, kw_only=True)
    metric: str = field(default="loss", kw_only=True)
    scaling: str | None = field(default=defaults.SCALING, kw_only=True)
    limit: float = field(default=defaults.LIMIT, kw_only=True)
    n_members: int = field(default=1, kw_only=True)


def check_parameters(estimator: Any) -> None:
    """Raise a UsageError where a parameter of an estimator has a value that it can not have.

    Examples
    --------
    >>> from pellucid.estimators import MLPClassifier
    >>> check_parameters(MLPClassifier(alpha=-1))
    Traceback (most recent call last):
        ...
    pellucid.errors.UsageError: alpha: out of range: got -1, expected a number in [0, inf).
    """
    given = estimator.get_params(deep=False)
    for names, whole in ((RANGES, False), (COUNTS, True)):
        for name, interval in names.items():
            if name in given and not (name == "tol" and given[name] is None):
                check_number(name, given[name], interval, whole=whole)
    for name in SWITCHES:
        if name in given and not isinstance(given[name], (bool, np.bool_)):
            raise UsageError("not a truth value", where=name, got=repr(given[name])[:80], expected="True or False")
    for name in ("clip_norm", "time_limit"):
        if given.get(name) is not None:
            check_number(name, given[name], "(0, inf)")
    if "batch_size" in given and given["batch_size"] != "auto":
        check_number("batch_size", given["batch_size"], "[1, inf)", whole=True)
    if "learning_rate" in given:
        _check_name("learning_rate", given["learning_rate"], RATES)
    if "executor" in given:
        check_executor(given["executor"])
    if "solver" in given:
        _check_solver(given["solver"])
    callbacks = given.get("callbacks") or ()
    for handler in callbacks if isinstance(callbacks, (tuple, list)) else (callbacks,):
        if not callable(handler):
            raise UsageError("a callback is a function of an event", where="callbacks", got=repr(handler)[:80])
    if given.get("dropout", "auto") != "auto":
        check_number("dropout", given["dropout"], "[0, 1)")


def _check_name(where: str, name: Any, known: Any) -> None:
    if not isinstance(name, str) or name not in known:
        raise UsageError(f"{where} can not be {name!r}", where=where, fix=nearest(str(name), known))


def _check_solver(solver: Any) -> None:
    if isinstance(solver, (Optimizer, LBFGS)):
        return
    _check_name("solver", solver, ["sgd", *OPTIMIZERS])


def hidden_sizes(given: Any) -> tuple[int, ...]:
    """Return the sizes of the hidden layers; a single number is one layer.

    Raises
    ------
    UsageError
        Where one of them is no whole number above 0.
    """
    sizes = tuple(given) if hasattr(given, "__iter__") and not isinstance(given, str) else (given,)
    for size in sizes:
        check_number("hidden_layer_sizes", size, "[1, inf)", whole=True)
    return tuple(int(size) for size in sizes)


def hidden_activations(given: Any, layers: int) -> tuple[Any, ...]:
    """Return the activation of each hidden layer: one for all, or a list with one for each.

    Raises
    ------
    UsageError
        Where a name is unknown, or a list has another length.
    """
    each = tuple(given) if isinstance(given, (list, tuple)) else (given,) * layers
    if len(each) != layers:
        got, expected = f"{len(each)}", f"{layers}: one for each hidden layer"
        raise UsageError(
            "activations and hidden layers differ in number", where="activation", got=got, expected=expected
        )
    each = tuple(SKLEARN_ACTIVATIONS.get(name, name) if isinstance(name, str) else name for name in each)
    for found in each if layers else (SKLEARN_ACTIVATIONS.get(given, given) if isinstance(given, str) else given,):
        if not isinstance(found, (list, tuple)):
            check_activation(found)
    return each


def seed_of(random_state: Any) -> int:
    """Return the seed that scikit-learn's ``random_state`` stands for; None gives another one each time."""
    from sklearn.utils import check_random_state

    return int(check_random_state(random_state).randint(np.iinfo(np.int32).max))


def share_of_dropout(estimator: Any, hidden: tuple[int, ...]) -> float:
    """Return the rate of dropout: ``"auto"`` means none for L-BFGS, which can not have it."""
    if estimator.dropout != "auto":
        return float(estimator.dropout)
    lbfgs = estimator.solver == "lbfgs" or isinstance(estimator.solver, LBFGS)
    return defaults.DROPOUT if hidden and not lbfgs else 0.0


def validation_rows(estimator: Any, count: int) -> int:
    """Return how many of `count` rows are to be held out: 0 where they would be too few to judge by."""
    lbfgs = estimator.solver == "lbfgs" or isinstance(estimator.solver, LBFGS)
    if not estimator.early_stopping or lbfgs:
        return 0
    wanted = math.floor(count * estimator.validation_fraction + 0.5)
    return wanted if wanted >= defaults.MIN_VALIDATION_ROWS else 0


def find_loss(name: str | Loss, task: str) -> Loss:
    """Return the loss of this name for a task.

    Raises
    ------
    UsageError
        Where there is none, or it is for another task.
    """
    found = loss_called(name)
    if found.task != task:
        fix = nearest(found.name, loss_names(task))
        raise UsageError(f"the loss {found.name!r} does not fit the targets", where="loss", got=task, fix=fix)
    return found
