"""The parameters of the perceptron estimator, and what they mean to its rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from numbers import Integral
from typing import Any

from sklearn.base import BaseEstimator

from pellucid.errors import UsageError, nearest
from pellucid.estimators.features import encoder_settings
from pellucid.estimators.parameters import check_parameters
from pellucid.executors.program import DEFAULT_EXECUTOR
from pellucid.training.perceptron import PerceptronRule

PENALTIES = ("l1", "l2", "elasticnet")


@dataclass(eq=False, repr=False)
class PerceptronParameters(BaseEstimator):
    """How the perceptron learns; see :class:`Perceptron` for what each parameter means."""

    penalty: str | None = field(default=None, kw_only=True)
    alpha: float = field(default=0.0001, kw_only=True)
    l1_ratio: float = field(default=0.15, kw_only=True)
    fit_intercept: bool = field(default=True, kw_only=True)
    max_iter: int = field(default=1000, kw_only=True)
    tol: float | None = field(default=1e-3, kw_only=True)
    shuffle: bool = field(default=True, kw_only=True)
    verbose: Any = field(default=0, kw_only=True)
    eta0: float = field(default=1.0, kw_only=True)
    n_jobs: int | None = field(default=None, kw_only=True)
    random_state: Any = field(default=0, kw_only=True)
    early_stopping: bool = field(default=False, kw_only=True)
    validation_fraction: float = field(default=0.1, kw_only=True)
    n_iter_no_change: int = field(default=5, kw_only=True)
    class_weight: Any = field(default=None, kw_only=True)
    warm_start: bool = field(default=False, kw_only=True)
    callbacks: Any = field(default=(), kw_only=True)
    scaling: str | None = field(default=None, kw_only=True)
    executor: str = field(default=DEFAULT_EXECUTOR, kw_only=True)

    def _check(self) -> None:
        """Raise a UsageError where a parameter has a value that it can not have."""
        check_parameters(self)
        encoder_settings(self.scaling, 0.0)
        if self.penalty is not None and self.penalty not in PENALTIES:
            fix = nearest(str(self.penalty), PENALTIES)
            raise UsageError(f"no penalty is called {self.penalty!r}", where="penalty", fix=fix)
        if self.class_weight is not None and not isinstance(self.class_weight, Mapping | str):
            raise UsageError("not the weights of classes", where="class_weight", got=repr(self.class_weight)[:80])
        if self.n_jobs is not None and not isinstance(self.n_jobs, Integral):
            got = repr(self.n_jobs)[:80]
            raise UsageError("not a number of processes", where="n_jobs", got=got, expected="a whole number or None")

    def _rule(self) -> PerceptronRule:
        share = {"l1": 1.0, "l2": 0.0, "elasticnet": self.l1_ratio}.get(self.penalty or "", 0.0)
        strength = self.alpha if self.penalty is not None else 0.0
        return PerceptronRule(
            float(self.eta0), bool(self.fit_intercept), float((1 - share) * strength), float(share * strength)
        )
