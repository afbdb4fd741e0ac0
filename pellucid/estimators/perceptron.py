"""Rosenblatt's perceptron, as a scikit-learn estimator."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from pellucid.data.encoders.settings import LARGEST_COUNT
from pellucid.data.targets import TargetEncoding
from pellucid.errors import UsageError
from pellucid.estimators.examples import Examples, Task, arrange, divide, strata_of
from pellucid.estimators.features import compute, encoder_settings, fit_features, read_features
from pellucid.estimators.parameters import seed_of
from pellucid.estimators.perceptron_coefficients import Coefficients
from pellucid.estimators.perceptron_epochs import Epochs, Judging, parameters_of
from pellucid.estimators.perceptron_parameters import PerceptronParameters
from pellucid.estimators.perceptron_rows import perceptron_arrays, tell_scores
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
from pellucid.training.events import Handlers
from pellucid.training.perceptron import OneVersusRestPerceptron


@dataclass(eq=False, repr=False)
class Perceptron(ClassifierMixin, Coefficients, PerceptronParameters):
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
        learning algorithms, 1990). None: all `max_iter` epochs, and the last weights where no rows are held out.
    shuffle : bool
        Whether each epoch takes the rows in another order. Then what is learned does not depend on the order in which
        they come, and whole sample weights (4 on average, at most) mean exactly what repeating the rows would mean.
    verbose : bool
    eta0 : float
        What is added to the weights, in examples.
    n_jobs : int or None
        Without effect, there so that scikit-learn's settings fit: all classes are learned at once, in one process.
    random_state : int, RandomState or None
    early_stopping : bool
        Whether the accuracy of a held-out part decides when to stop, rather than the loss, and which epoch's weights
        to keep. Rows given to `fit` to judge by do so too.
    validation_fraction : float
    n_iter_no_change : int
    class_weight : "balanced" or mapping, optional
        How much the rows of each class count; against the rest, those of the others count 1.
    warm_start : bool
        Whether `fit` goes on from the weights of the last call.
    callbacks : list of callables
        Told of every event of training (``pl.events``); ``event.stop()`` ends it.
    scaling : str or None
        What is done to numbers first: "standardize", "robust", "minmax", "quantile", or None.
    executor : {"native", "interpret"}
        What runs the perceptron: machine code made for it, or NumPy.

    Attributes
    ----------
    classes_ : ndarray
    coef_ : ndarray [1 or classes, features], or CSR after ``sparsify()``
    intercept_ : ndarray [1 or classes]
    n_iter_ : int
    t_ : int
        How many examples were looked at.
    loss_curve_ : list of float
        The mean of ``max(0, -t output)``, summed over the classes, epoch by epoch.
    validation_loss_curve_, validation_scores_ : list of float, or None
        The same of the held-out rows, after each epoch, and their accuracy; None where no rows were held out.
    best_validation_score_ : float or None
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

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Any:
        """Run the perceptron algorithm.

        Parameters
        ----------
        X : array_like or sparse matrix [rows, features], or data frame
        y : array_like [rows]
        sample_weight : array_like [rows], optional
            What an example is multiplied by when it is added; with `shuffle`, whole ones say how often it comes.
        X_val, y_val, sample_weight_val : optional
            Rows to judge by, in place of a part of `X`, with or without `early_stopping`.

        Returns
        -------
        self
        """
        self._check()
        again = bool(self.warm_start) and hasattr(self, "model_")
        rows = self._read(X, y, sample_weight, reset=not again, again=again)
        held_out = None
        if X_val is not None or y_val is not None:
            if X_val is None or y_val is None:
                raise UsageError("X_val and y_val go together", got="one of them")
            held_out = self._read(X_val, y_val, sample_weight_val, reset=False, again=again)
        classes = find_classes(rows.target)[1]
        if again:
            check_same_classes(classes, self.classes_)
        rows = arrange(rows, bool(self.shuffle))
        seed = seed_of(self.random_state)
        if held_out is None and self.early_stopping:
            held = max(round(len(rows) * self.validation_fraction), 1)
            rows, held_out = divide(rows, held, seed, strata_of(rows.target))
        task = self._task if again else self._understand(rows, classes)
        start = self._carried if again else None
        self._learn(task, rows, held_out, start, seed, int(self.max_iter))
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
        self._learn(task, rows, None, start, seed, 1, by_hand=True)
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

    # -- learning ------------------------------------------------------------------------------------------------------

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
        by_hand: bool = False,
    ) -> None:
        again = start is not None
        before: int = self.t_ if again else 0
        done: int = self.n_iter_ if by_hand and again else 0
        learning = Epochs(
            self._rule(),
            perceptron_arrays(task, rows, float(self.eta0), self.class_weight),
            start=start,
            seed=seed,
            first=done,
            step=before if by_hand else 0,
            shuffle=bool(self.shuffle),
            judging=None if by_hand else self._judging(task, rows, held_out),
            handlers=Handlers(self.callbacks or ()),
            verbose=bool(self.verbose),
            executor=self.executor,
        )
        learning.run(epochs)
        self._task, self._carried, self._seed, self._sparse = task, learning.carried, seed, None
        self.n_iter_: int = done + len(learning.records)
        self.t_: int = before + len(rows) * len(learning.records)
        self._describe(learning.records, held_out is not None, again)
        self.model_ = self._model(task, learning.carried, seed)

    def _judging(self, task: Task, rows: Examples, held_out: Examples | None) -> Judging | None:
        if held_out is None and self.tol is None:
            return None
        measure = tell_scores(task, rows if held_out is None else held_out, self.class_weight)
        tol = None if self.tol is None else float(self.tol)
        return Judging(tol, float(self.n_iter_no_change), measure, held_out is not None)

    def _describe(self, records: list[dict[str, Any]], judged: bool, again: bool) -> None:
        """Set the curves, which grow if `again`; those of validation are None where no rows were held out."""
        earlier: list[float] = self.loss_curve_ if again else []
        self.loss_curve_: list[float] = [*earlier, *(record["loss"] for record in records)]
        losses, scores = (self.validation_loss_curve_, self.validation_scores_) if again else (None, None)
        self.validation_loss_curve_: list[float] | None = None
        self.validation_scores_: list[float] | None = None
        if judged:
            self.validation_loss_curve_ = [*(losses or []), *(record["validation_loss"] for record in records)]
            self.validation_scores_ = [*(scores or []), *(record["validation_accuracy"] for record in records)]
        found = self.validation_scores_
        self.best_validation_score_ = None if found is None else max(found, default=float("nan"))

    def _model(self, task: Task, carried: dict[str, np.ndarray], seed: int) -> Model:
        outputs = carried["bias"].size
        network = Network([Dense(outputs, bias=bool(self.fit_intercept))], task.encoding.inputs, float64)
        parameters = parameters_of(carried, bool(self.fit_intercept))
        loss = PerceptronCriterion() if task.kind == "binary" else OneVersusRestPerceptron()
        provenance = {"estimator": "Perceptron", "seed": seed}
        return build_model(
            task.encoding, task.targets, network, loss, parameters, provenance=provenance, executor=self.executor
        )

    # -- scikit-learn --------------------------------------------------------------------------------------------------

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags
