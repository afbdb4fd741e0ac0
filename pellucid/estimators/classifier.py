"""A network that classifies, as a scikit-learn estimator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.metaestimators import available_if

from pellucid.errors import UsageError
from pellucid.estimators.base import partial_fit_if_by_steps
from pellucid.estimators.common import once
from pellucid.estimators.documentation import with_shared_parameters
from pellucid.estimators.examples import Examples, Task, strata_of
from pellucid.estimators.features import compute, encoder_settings, fit_features
from pellucid.estimators.network_estimator import NetworkEstimator
from pellucid.estimators.parameters import find_loss
from pellucid.estimators.targets import (
    Target,
    check_same_classes,
    class_codes,
    encode_labels,
    find_classes,
    label_encoding,
    weigh_classes,
)
from pellucid.estimators.thresholds import as_score, check_threshold, choose_threshold, plain_threshold
from pellucid.model.scalars import OUTPUT, PREDICTION
from pellucid.nn.losses import BinaryCrossEntropy, Loss, MultilabelCrossEntropy, SoftmaxCrossEntropy, default_loss
from pellucid.training.metrics import as_probability


def _has_probabilities(estimator: Any) -> bool:
    """Say whether probabilities are predicted; before fitting, as far as the loss is known to give some."""
    if hasattr(estimator, "model_"):
        given = estimator.model_.kind == "probability"
    else:
        found = estimator.loss if isinstance(estimator.loss, str) else getattr(estimator.loss, "name", "")
        given = found not in ("hinge", "multiclass_hinge", "perceptron_criterion")
    if not given:
        raise AttributeError("the loss gives scores, which are no probabilities")
    return True


@with_shared_parameters
@dataclass(eq=False, repr=False)
class MLPClassifier(ClassifierMixin, NetworkEstimator):
    """A multi-layer perceptron that classifies: two classes, several, or labels of which any number may be true.

    Parameters have scikit-learn's names and meanings; those that scikit-learn does not have are marked with a star.
    With ``hidden_layer_sizes=()`` it is logistic or softmax regression.

    Parameters
    ----------
    {shared parameters}
    loss* : str or Loss
        "log_loss", the cross-entropy; or any loss of ``pl.losses`` for the task, such as "hinge".
    class_weight* : "balanced" or mapping, optional
        How much the rows of each class count, besides `sample_weight`: by class, 1 where a class is not named;
        "balanced" lets all classes weigh the same together.
    label_smoothing* : float
        The share of the target that is spread over all classes, with a cross-entropy.
    threshold* : float, str or mapping
        Of two classes, the second is predicted where its probability is larger than this: a number; or chosen on the
        validation part (on the rows learned from, where there is none) for the best "accuracy", "balanced_accuracy",
        "f1", "precision" or "recall", or for the least cost of mistakes,
        ``{"false_positive": 1.0, "false_negative": 5.0}``. "auto" is 1/2, unless `metric` is one of these.

    Attributes
    ----------
    classes_ : ndarray
        The classes, sorted; for labels their numbers.
    threshold_ : float or None
        Of two classes, above which probability the second one is predicted.
    {shared attributes}

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from pellucid.estimators import MLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> classifier = MLPClassifier((16,), learning_rate_init=0.02, tol=0.01, random_state=0).fit(X, y)
    >>> classifier.score(X, y) > 0.9
    True
    >>> classifier.predict_proba(X[:1]).shape
    (1, 3)
    """

    loss: Any = field(default="log_loss", kw_only=True)
    class_weight: Any = field(default=None, kw_only=True)
    label_smoothing: float = field(default=0.0, kw_only=True)
    threshold: Any = field(default="auto", kw_only=True)

    @partial_fit_if_by_steps
    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Any:
        """Go through some rows once, on from what was learned before. Encoders stay as the first call fitted them.

        Parameters
        ----------
        X : array_like or sparse matrix [rows, features], or data frame
        y : array_like [rows], or labels [rows, labels]
        classes : array_like, optional
            All classes that there will be; needed at the first call where `y` lacks some.
        sample_weight : array_like [rows], optional

        Returns
        -------
        self
        """
        return self._go_on(X, y, sample_weight, classes)

    def predict(self, X: Any) -> np.ndarray:
        """Predict the class of each row, [rows], or its labels, 0 or 1, [rows, labels].

        Parameters
        ----------
        X : array_like or sparse matrix [rows, features], or data frame
        """
        prediction = self._compute(X)[PREDICTION]
        if self._task.kind == "multiclass":
            return self.classes_[prediction.argmax(axis=1)]
        decided = self.model_.targets.decide(prediction, self.model_.kind)
        if self._task.kind == "binary":
            return self.classes_[decided[:, 0].astype(np.int64)]
        return decided.astype(self._label_dtype)

    @available_if(_has_probabilities)
    def predict_proba(self, X: Any) -> np.ndarray:
        """Predict the probability of each class, [rows, classes], or label, [rows, labels].

        Parameters
        ----------
        X : array_like or sparse matrix [rows, features], or data frame
        """
        prediction = self._compute(X)[PREDICTION]
        return np.hstack([1 - prediction, prediction]) if self._task.kind == "binary" else prediction

    @available_if(_has_probabilities)
    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Return the logarithm of what :meth:`predict_proba` returns."""
        return np.log(self.predict_proba(X))

    def decision_function(self, X: Any) -> np.ndarray:
        """Return what the network gives, such as logits: [rows] for two classes, or [rows, classes or labels].

        Parameters
        ----------
        X : array_like or sparse matrix [rows, features], or data frame
        """
        output = self._compute(X)[OUTPUT]
        return output[:, 0] if self._task.kind == "binary" else output

    # -- how it differs from a regressor -------------------------------------------------------------------------------

    def _check(self) -> None:
        super()._check()
        check_threshold(self.threshold)
        weight = self.class_weight
        if weight is not None and not isinstance(weight, Mapping) and weight != "balanced":
            fix = 'Write class_weight="balanced", or {"rare": 10.0}.'
            raise UsageError("not the weights of classes", where="class_weight", got=repr(weight)[:80], fix=fix)

    def _classes_of(self, target: Target, again: bool) -> Any:
        found = once("classes", (target.values,), lambda: find_classes(target))[1]
        if again:
            check_same_classes(found, self.classes_)
        return found

    def _understand(self, learning: Examples, classes: Any) -> Task:
        seen, settings = learning.target, encoder_settings(self.scaling, self.limit)

        def understand() -> Task:
            kind, found = find_classes(seen, classes)
            targets = label_encoding(kind, seen, found)
            encoding = fit_features(learning.x, learning.weights, settings, targets.names)
            return Task(kind, found, encoding, targets, seen.several)

        task = once("classes to learn", (learning, classes, settings), understand)
        if task.kind != "binary" and self.threshold != "auto":
            fix = 'Leave it at "auto".'
            raise UsageError("a threshold is for two classes", where="threshold", got=task.kind, fix=fix)
        assert task.classes is not None
        self.classes_, self._label_dtype = task.classes, seen.values.dtype
        return task

    def _encoded(self, task: Task, target: Target, learning: bool) -> np.ndarray:
        assert task.classes is not None
        values = encode_labels(task.kind, target, task.classes)
        if not learning or not self.label_smoothing or task.kind == "multiclass":
            return values
        return (1 - self.label_smoothing) * values + self.label_smoothing / 2

    def _find_loss(self, task: str) -> Loss:
        found = default_loss(task) if self.loss == "log_loss" else find_loss(self.loss, task)
        if not self.label_smoothing:
            return found
        if isinstance(found, SoftmaxCrossEntropy):
            return replace(found, label_smoothing=float(self.label_smoothing))
        if not isinstance(found, (BinaryCrossEntropy, MultilabelCrossEntropy)):
            fix = "Leave label_smoothing at 0."
            raise UsageError("only a cross-entropy takes smoothed labels", where="loss", got=found.name, fix=fix)
        return found

    def _weights(self, task: Task, rows: Examples) -> np.ndarray | None:
        if self.class_weight is None:
            return rows.weights
        if task.kind == "multilabel" or task.classes is None:
            raise UsageError("class_weight is for rows of one class each", got="labels", fix="Pass sample_weight.")
        weights = weigh_classes(self.class_weight, class_codes(rows.target, task.classes), task.classes)
        return weights if rows.weights is None else weights * rows.weights

    def _strata(self, target: Target) -> np.ndarray | None:
        return strata_of(target)

    def _decide(self, task: Task, rows: Examples) -> None:
        self.threshold_ = None
        if task.kind != "binary":
            return
        wanted = plain_threshold(self.threshold, self.metric)
        if isinstance(wanted, (str, Mapping)):
            found = as_probability(compute(self.model_, task.encoding, rows.x)[PREDICTION], self.model_.kind)[:, 0]
            target = self._encoded(task, rows.target, learning=False)[:, 0]
            weights = np.ones(len(rows)) if rows.weights is None else rows.weights
            wanted = choose_threshold(wanted, found, target, weights)
        self.threshold_ = float(wanted)
        if self.threshold_ != 0.5:
            limit = self.threshold_ if self.model_.kind == "probability" else as_score(self.threshold_)
            self.model_ = replace(self.model_, targets=replace(self.model_.targets, threshold=limit))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
