"""What the classifier and the regressor have in common: X and y, the network between them, and its scores."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from pellucid.data.dataset import Dataset
from pellucid.errors import UsageError
from pellucid.estimators.base import LearningEstimator
from pellucid.estimators.built import Built, key_of_activations, key_of_encoding, shared
from pellucid.estimators.common import current, known, once
from pellucid.estimators.cross_validation import CrossValidated, cross_validate
from pellucid.estimators.examples import Examples, Task
from pellucid.estimators.features import compute, encode_features, encoder_settings, read_features
from pellucid.estimators.learned import Learned, Problem, TrainedMember, member_seeds
from pellucid.estimators.learning import Learner
from pellucid.estimators.parameters import (
    NetworkParameters,
    check_parameters,
    hidden_activations,
    hidden_sizes,
    share_of_dropout,
)
from pellucid.estimators.rows import count_rows
from pellucid.estimators.targets import Target, check_same_classes, read_target, read_weights
from pellucid.graph.types import DType, Type
from pellucid.model.build import build_model
from pellucid.model.model import Model
from pellucid.model.network import tabular_network
from pellucid.nn.ensemble import ensemble
from pellucid.nn.losses import Loss
from pellucid.training.metrics import metrics_for

MOST_OUTPUTS = 64
"""Losses that take more outputs than this for each target are not looked for."""


class NetworkEstimator(LearningEstimator, NetworkParameters):
    """A network as a scikit-learn estimator: see :class:`MLPClassifier` and :class:`MLPRegressor`."""

    classes_: np.ndarray
    validation_scores_: list[float] | None
    _numeric = False

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Any:
        """Train a network.

        Parameters
        ----------
        X : array_like or sparse matrix [rows, features], or data frame
            Numbers; in a data frame also words, truth values and dates. NaN and null are missing cells.
        y : array_like [rows], or [rows, outputs]
        sample_weight : array_like [rows], optional
            How much each row counts.
        X_val, y_val, sample_weight_val : optional
            Rows to judge by, in place of a part of `X`.

        Returns
        -------
        self
        """
        self._check()
        again = self.warm_start and hasattr(self, "model_")
        learning = self._read(X, y, sample_weight, reset=not again, again=again)
        held_out = None
        if X_val is not None or y_val is not None:
            if X_val is None or y_val is None:
                raise UsageError("X_val and y_val go together", got="one of them")
            held_out = self._read(X_val, y_val, sample_weight_val, reset=False, again=again)
        return self._fit(learning, held_out, again)

    def cross_validate(
        self, X: Any, y: Any, sample_weight: Any = None, *, folds: Any = 5, groups: Any = None, threads: Any = None
    ) -> CrossValidated:
        """Train a copy of this estimator once for each fold, without the rows in it, and judge it on these.

        The copies are trained at once; encoders are fitted to the rows that each learns from, so nothing of those held
        out is known to it. This estimator stays as it is.

        Parameters
        ----------
        X : array_like or sparse matrix [rows, features], or data frame
        y : array_like [rows], or [rows, outputs]
        sample_weight : array_like [rows], optional
        folds : int or sequence of (rows to learn from, rows held out)
            A number divides the rows at random, classes in their proportions, or by `groups`, with the seed 0.
        groups : array_like [rows], optional
            Rows of one group stay together.
        threads : int, optional
            How many are trained at the same time; by default as many as there are cores.

        Returns
        -------
        CrossValidated
        """
        self._check()
        return cross_validate(self, X, y, sample_weight, folds=folds, groups=groups, threads=threads)

    def _go_on(self, X: Any, y: Any, sample_weight: Any, classes: Any) -> Any:
        """Go through some rows once."""
        self._check()
        again = hasattr(self, "model_")
        if again and classes is not None:
            check_same_classes(classes, self.classes_)
        return self._partial_fit(self._read(X, y, sample_weight, reset=not again, again=again), classes, again)

    def _read(self, X: Any, y: Any, sample_weight: Any, reset: bool, again: bool) -> Examples:
        x = known(read_features(self, X, reset=reset, missing=True))
        target = read_target(self, y, count_rows(x), getattr(x, "names", ()), self._numeric)
        names = self._task.targets.names if again else target.names
        values, weights = known(target.values), known(read_weights(sample_weight, x, count_rows(x)))
        return once("examples", (x, values, names, weights), lambda: Examples(x, Target(values, names), weights))

    # -- what the classifier and the regressor say ---------------------------------------------------------------------

    @abstractmethod
    def _encoded(self, task: Task, target: Target, learning: bool) -> np.ndarray:
        """Return targets as the loss takes them."""

    @abstractmethod
    def _find_loss(self, task: str) -> Loss:
        """Return the loss that the parameter ``loss`` means."""

    def _weights(self, task: Task, rows: Examples) -> np.ndarray | None:
        return rows.weights

    # -- the network ---------------------------------------------------------------------------------------------------

    def _check(self) -> None:
        check_parameters(self)
        hidden_activations(self.activation, len(hidden_sizes(self.hidden_layer_sizes)))
        encoder_settings(self.scaling, self.limit)

    def _learner(self, task: Task) -> Learner:
        loss, hidden = self._find_loss(task.kind), hidden_sizes(self.hidden_layer_sizes)
        outputs = outputs_for(loss, task.targets.outputs, task.encoding.dtype)
        activations, rate = hidden_activations(self.activation, len(hidden)), share_of_dropout(self, hidden)
        given: dict[str, Any] = {"shortcuts": bool(self.shortcuts), "layer_norm": bool(self.layer_norm)}

        def build() -> Built:
            more: dict[str, Any] = {"hidden": hidden, "activation": activations, "dropout": rate, **given}
            network = tabular_network(task.encoding, outputs, **more)
            return Built(network, dict.fromkeys(network.outputs, loss), self.executor)

        functions = key_of_activations(activations)
        if functions is None:  # they may have settings of their own
            return Learner(self, build(), {})
        form = outputs, hidden, functions, bool(hidden and rate), *given.values()
        built = shared(("tabular", key_of_encoding(task.encoding), form, loss, self.executor), build)
        return Learner(self, built, dict.fromkeys(built.network.settings, rate))

    def _dataset(self, task: Task, rows: Examples, learning: bool) -> Dataset:
        target = self._encoded(task, rows.target, learning)
        inputs = once("inputs", (task, rows), lambda: encode_features(task.encoding, rows.x))
        return Dataset(inputs, target, self._weights(task, rows))

    def _model(self, task: Task, learner: Learner, learned: Learned, seed: int) -> Model:
        provenance = {"estimator": type(self).__name__, "seed": seed}
        loss = next(iter(learner.losses.values()))
        members = len(learned.each)

        def build() -> Model:
            network = learner.network if members == 1 else ensemble(learner.network, members, loss)
            more: dict[str, Any] = {"provenance": provenance, "executor": self.executor}
            return build_model(task.encoding, task.targets, network, loss, learned.parameters, **more)

        if current() is None or not all(np.isfinite(array).all() for array in learned.parameters.values()):
            return build()
        found = once("model", (task, learner.built, members), build)
        return found.with_parameters(learned.parameters, provenance)

    def _describe(self, task: Task, problem: Problem, learned: Learned, again: bool) -> None:
        super()._describe(task, problem, learned, again)
        seeds = member_seeds(self._kept.seed, len(learned.each))
        told = zip(seeds, learned.each, strict=True)
        self.members_ = tuple(TrainedMember(seed, own.losses, own.records, own.reason) for seed, own in told)
        self.n_layers_ = len(hidden_sizes(self.hidden_layer_sizes)) + 2
        self.n_outputs_ = task.targets.outputs
        self.out_activation_ = _ACTIVATIONS.get((self.model_.kind, task.kind), "identity")
        scores: list[float] | None = None
        if problem.validation is not None:
            earlier = self.validation_scores_ if again else None
            scores = (earlier or []) + _scores(task, problem.validation, learned.records)
        self.validation_scores_ = scores
        self.best_validation_score_ = None if scores is None else max(scores, default=float("nan"))

    def _compute(self, X: Any) -> dict[str, np.ndarray]:
        """Return every output of the model's graph for these rows."""
        check_is_fitted(self)
        return compute(self.model_, self._task.encoding, read_features(self, X, reset=False, missing=True))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


_ACTIVATIONS = {
    ("probability", "binary"): "logistic",
    ("probability", "multilabel"): "logistic",
    ("probability", "multiclass"): "softmax",
    ("rate", "regression"): "exp",
}
"""scikit-learn's names for what is done to the network's outputs."""


def _scores(task: Task, validation: Dataset, records: list[dict[str, Any]]) -> list[float]:
    """Return the score after each epoch: accuracy, the share of right labels, or R2 of all outputs together."""
    usual = next(found.name for found in metrics_for(task.kind) if found.name != "loss")
    values = [record[f"validation_{usual}"] for record in records if f"validation_{usual}" in record]
    if task.kind != "regression":
        return values
    target = np.asarray(validation.targets)
    weights = np.ones(len(target)) if validation.weights is None else validation.weights
    centred = target - np.average(target, axis=0, weights=weights)
    spread = float(np.average((centred**2).mean(axis=1), weights=weights))
    return [1.0 - value**2 / spread if spread else float("nan") for value in values]


def outputs_for(loss: Loss, targets: int, dtype: DType) -> int:
    """Return how many outputs a network needs for a loss: some losses take several for each target.

    Examples
    --------
    >>> import pellucid as pl
    >>> outputs_for(pl.losses.GaussianLogLikelihood(), 2, pl.float64)
    4
    """
    if loss.task != "regression":
        return targets
    for count in range(1, MOST_OUTPUTS + 1):
        try:
            found = loss.target_type(Type(dtype, (count * targets,)))
        except ValueError:
            continue
        if found.shape == (targets,):
            return count * targets
    raise UsageError("no number of outputs fits the loss", where="loss", got=loss.name)
