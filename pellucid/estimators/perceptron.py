"""Rosenblatt's perceptron, as a scikit-learn estimator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from pellucid.data.encoders.settings import LARGEST_COUNT
from pellucid.data.targets import TargetEncoding
from pellucid.errors import UsageError, nearest
from pellucid.estimators.examples import Examples, Task, arrange, divide, strata_of
from pellucid.estimators.features import compute, encoder_settings, fit_features, read_features
from pellucid.estimators.fitted import FittedModel
from pellucid.estimators.parameters import check_parameters, seed_of
from pellucid.estimators.perceptron_epochs import Stop, run_epochs
from pellucid.estimators.perceptron_rows import perceptron_arrays, tell_accuracy
from pellucid.estimators.rows import count_rows
from pellucid.estimators.targets import (
    check_same_classes,
    find_classes,
    label_encoding,
    read_target,
    read_weights,
)
from pellucid.graph.types import float64
from pellucid.model.build import build_model
from pellucid.model.model import Model
from pellucid.model.scalars import OUTPUT
from pellucid.nn.layers import Dense
from pellucid.nn.losses import PerceptronCriterion
from pellucid.nn.network import Network
from pellucid.training.perceptron import OneVersusRestPerceptron, PerceptronRule

PENALTIES = ("l1", "l2", "elasticnet")


@dataclass(eq=False, repr=False)
class Perceptron(ClassifierMixin, FittedModel):
    """The perceptron: one linear unit for two classes, one against the rest for each of several.

    Example after example: where it is on the wrong side, the example is added to the weights or taken away from them.
    Parameters have scikit-learn's names, meanings and defaults.

    Parameters
    ----------
    penalty : {"l2", "l1", "elasticnet"} or None
    alpha : float
        The strength of the penalty.
    l1_ratio : float
        The share of L1 in "elasticnet".
    fit_intercept : bool
    max_iter : int
        At most so many epochs.
    tol : float or None
        Training stops where the mean loss of an epoch is not better than the best by as much, `n_iter_no_change` times
        in a row, and the weights of the epoch after which most rows were right are kept (Gallant, Perceptron-based
        learning algorithms, 1990). None: all `max_iter` epochs, and the last weights.
    shuffle : bool
        Whether each epoch takes the rows in another order. Then what is learned does not depend on the order in which
        they come, and whole sample weights (4 on average, at most) mean exactly what repeating the rows would mean.
    verbose : bool
    eta0 : float
        What is added to the weights, in examples.
    random_state : int, RandomState or None
    early_stopping : bool
        Whether the accuracy of a held-out part decides when to stop, rather than the loss.
    validation_fraction : float
    n_iter_no_change : int
    class_weight : "balanced" or mapping, optional
        How much the rows of each class count; against the rest, those of the others count 1.
    warm_start : bool
        Whether `fit` goes on from the weights of the last call.
    scaling : str or None
        What is done to numbers first: "standardize", "robust", "minmax", "quantile", or None.

    Attributes
    ----------
    classes_ : ndarray
    coef_ : ndarray [1 or classes, features]
    intercept_ : ndarray [1 or classes]
    n_iter_ : int
    t_ : int
        How many examples were looked at.
    loss_curve_ : list of float
        The mean of ``max(0, -t output)``, summed over the classes, epoch by epoch.
    model_ : Model
        The trained model. ``save(folder)`` writes it.
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Only where all columns have names that are text.

    References
    ----------
    Rosenblatt, The perceptron: a probabilistic model for information storage and organization in the brain (1958).

    Examples
    --------
    >>> from pellucid.estimators import Perceptron
    >>> perceptron = Perceptron(tol=None, max_iter=10).fit([[0, 0], [0, 1], [1, 0], [1, 1]], ["no", "no", "no", "yes"])
    >>> perceptron.predict([[1, 1], [0, 1]]).tolist()
    ['yes', 'no']
    """

    penalty: str | None = field(default=None, kw_only=True)
    alpha: float = field(default=0.0001, kw_only=True)
    l1_ratio: float = field(default=0.15, kw_only=True)
    fit_intercept: bool = field(default=True, kw_only=True)
    max_iter: int = field(default=1000, kw_only=True)
    tol: float | None = field(default=1e-3, kw_only=True)
    shuffle: bool = field(default=True, kw_only=True)
    verbose: Any = field(default=0, kw_only=True)
    eta0: float = field(default=1.0, kw_only=True)
    random_state: Any = field(default=0, kw_only=True)
    early_stopping: bool = field(default=False, kw_only=True)
    validation_fraction: float = field(default=0.1, kw_only=True)
    n_iter_no_change: int = field(default=5, kw_only=True)
    class_weight: Any = field(default=None, kw_only=True)
    warm_start: bool = field(default=False, kw_only=True)
    scaling: str | None = field(default=None, kw_only=True)

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Run the perceptron algorithm.

        Parameters
        ----------
        X : array_like or sparse matrix [rows, features], or data frame
        y : array_like [rows]
        sample_weight : array_like [rows], optional
            What an example is multiplied by when it is added; with `shuffle`, whole ones say how often it comes.

        Returns
        -------
        self
        """
        self._check()
        again = bool(self.warm_start) and hasattr(self, "model_")
        rows = self._read(X, y, sample_weight, reset=not again, again=again)
        classes = find_classes(rows.target)[1]
        if again:
            check_same_classes(classes, self.classes_)
        rows = arrange(rows, bool(self.shuffle))
        seed = seed_of(self.random_state)
        held = round(len(rows) * self.validation_fraction) if self.early_stopping else 0
        rows, held_out = divide(rows, max(held, int(self.early_stopping)), seed, strata_of(rows.target))
        task = self._task if again else self._understand(rows, classes)
        start = self._carried if again else None
        self._learn(task, rows, held_out, start, seed, int(self.max_iter), before=self.t_ if again else 0)
        return self

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Any:
        """Go through some rows once, on from what was learned before.

        Parameters
        ----------
        X : array_like or sparse matrix [rows, features], or data frame
        y : array_like [rows]
        classes : array_like, optional
            All classes that there will be; needed at the first call where `y` lacks some.
        sample_weight : array_like [rows], optional

        Returns
        -------
        self
        """
        self._check()
        again = hasattr(self, "model_")
        if again and classes is not None:
            check_same_classes(classes, self.classes_)
        rows = arrange(self._read(X, y, sample_weight, reset=not again, again=again), bool(self.shuffle))
        task = self._task if again else self._understand(rows, classes)
        seed = self._seed if again else seed_of(self.random_state)
        start = self._carried if again else None
        self._learn(task, rows, None, start, seed, 1, before=self.t_ if again else 0, by_hand=True)
        return self

    def decision_function(self, X: Any) -> np.ndarray:
        """Return the weighted sums: [rows] for two classes, positive for the second, or [rows, classes].

        Parameters
        ----------
        X : array_like or sparse matrix [rows, features], or data frame
        """
        check_is_fitted(self)
        x = read_features(self, X, reset=False, missing=True)
        output = compute(self.model_, self._task.encoding, x)[OUTPUT]
        return output[:, 0] if len(self.classes_) == 2 else output

    def predict(self, X: Any) -> np.ndarray:
        """Predict the class of each row, [rows].

        Parameters
        ----------
        X : array_like or sparse matrix [rows, features], or data frame
        """
        found = self.decision_function(X)
        return self.classes_[(found > 0).astype(np.int64) if found.ndim == 1 else found.argmax(axis=1)]

    @property
    def coef_(self) -> np.ndarray:
        """The weights, [1 or classes, features]: a view into the model."""
        return self.model_.parameters["dense_1/weight"].T

    @property
    def intercept_(self) -> np.ndarray:
        """The biases, [1 or classes]."""
        outputs = len(self.coef_)
        return self.model_.parameters["dense_1/bias"] if self.fit_intercept else np.zeros(outputs)

    # -- learning ------------------------------------------------------------------------------------------------------

    def _check(self) -> None:
        check_parameters(self)
        encoder_settings(self.scaling, 0.0)
        if self.penalty is not None and self.penalty not in PENALTIES:
            fix = nearest(str(self.penalty), PENALTIES)
            raise UsageError(f"no penalty is called {self.penalty!r}", where="penalty", fix=fix)
        if self.class_weight is not None and not isinstance(self.class_weight, Mapping | str):
            raise UsageError("not the weights of classes", where="class_weight", got=repr(self.class_weight)[:80])

    def _read(self, X: Any, y: Any, sample_weight: Any, reset: bool, again: bool) -> Examples:
        x = read_features(self, X, reset=reset, missing=True)
        target = read_target(self, y, count_rows(x), getattr(x, "names", ()), numeric=False)
        if again:
            target = replace(target, names=self._task.targets.names)
        return Examples(x, target, read_weights(sample_weight, x, count_rows(x)))

    def _understand(self, rows: Examples, classes: Any) -> Task:
        kind, found = find_classes(rows.target, classes)
        if kind == "multilabel":
            raise UsageError("the perceptron takes one class a row", where="y", got="labels", fix="Use MLPClassifier.")
        targets: TargetEncoding = label_encoding(kind, rows.target, found)
        settings = replace(encoder_settings(self.scaling, 0.0), one_hot=LARGEST_COUNT)  # a linear unit embeds nothing
        encoding = fit_features(rows.x, rows.weights, settings, targets.names)
        self.classes_ = found
        return Task(kind, found, replace(encoding, dtype=float64), targets, several=False)

    def _learn(
        self,
        task: Task,
        rows: Examples,
        held_out: Examples | None,
        start: dict[str, np.ndarray] | None,
        seed: int,
        epochs: int,
        before: int,
        by_hand: bool = False,
    ) -> None:
        stop = None
        if not by_hand and self.tol is not None:
            judge = tell_accuracy(task, rows if held_out is None else held_out, self.class_weight)
            stop = Stop(float(self.tol), float(self.n_iter_no_change), judge, by_score=held_out is not None)
        done: int = self.n_iter_ if by_hand and start is not None else 0
        earlier: list[float] = [] if start is None else self.loss_curve_
        carried, losses = run_epochs(
            self._rule(),
            perceptron_arrays(task, rows, float(self.eta0), self.class_weight),
            start=start,
            seed=seed,
            first=done,
            epochs=epochs,
            shuffle=bool(self.shuffle),
            stop=stop,
            verbose=bool(self.verbose),
        )
        self._task, self._carried, self._seed = task, carried, seed
        self.loss_curve_: list[float] = [*earlier, *losses]
        self.n_iter_: int = done + len(losses)
        self.t_ = before + len(rows) * len(losses)
        self.model_ = self._model(task, carried, seed)

    def _rule(self) -> PerceptronRule:
        share = {"l1": 1.0, "l2": 0.0, "elasticnet": self.l1_ratio}.get(self.penalty or "", 0.0)
        strength = self.alpha if self.penalty is not None else 0.0
        return PerceptronRule(
            float(self.eta0), bool(self.fit_intercept), float((1 - share) * strength), float(share * strength)
        )

    def _model(self, task: Task, carried: dict[str, np.ndarray], seed: int) -> Model:
        outputs = carried["bias"].size
        network = Network([Dense(outputs, bias=bool(self.fit_intercept))], task.encoding.inputs, float64)
        parameters = {"dense_1/weight": carried["weight"]}
        parameters |= {"dense_1/bias": carried["bias"]} if self.fit_intercept else {}
        loss = PerceptronCriterion() if task.kind == "binary" else OneVersusRestPerceptron()
        provenance = {"estimator": "Perceptron", "seed": seed}
        return build_model(task.encoding, task.targets, network, loss, parameters, provenance=provenance)

    # -- scikit-learn --------------------------------------------------------------------------------------------------

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags
