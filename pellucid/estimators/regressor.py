"""A network that predicts numbers, as a scikit-learn estimator."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.base import RegressorMixin

from pellucid.errors import UsageError, nearest
from pellucid.estimators.base import partial_fit_if_by_steps
from pellucid.estimators.common import once
from pellucid.estimators.documentation import with_shared_parameters
from pellucid.estimators.examples import Examples, Task
from pellucid.estimators.features import encoder_settings, fit_features
from pellucid.estimators.network_estimator import NetworkEstimator
from pellucid.estimators.parameters import find_loss
from pellucid.estimators.targets import Target, encode_numbers, number_encoding
from pellucid.model.scalars import PREDICTION
from pellucid.nn.losses import Loss

TARGET_SCALINGS = ("standardize", "none")


@with_shared_parameters
@dataclass(eq=False, repr=False)
class MLPRegressor(RegressorMixin, NetworkEstimator):
    """A multi-layer perceptron that predicts a number for each row, or several.

    Parameters have scikit-learn's names and meanings; those that scikit-learn does not have are marked with a star.
    With ``hidden_layer_sizes=()`` it is linear regression, with `alpha` ridge regression.

    Parameters
    ----------
    {shared parameters}
    loss : str or Loss
        "squared_error", "poisson", or any loss of ``pl.losses`` for numbers, such as "huber", "absolute_error",
        ``pl.losses.Quantile(0.9)`` or "gaussian_log_likelihood".
    target_scaling* : "standardize" or None
        Whether each target has its mean taken away and is divided by its standard deviation while learning; losses and
        their settings are then in this unit, predictions are in the target's own. Counts ("poisson") stay as they are.

    Attributes
    ----------
    {shared attributes}

    Examples
    --------
    >>> import numpy as np
    >>> from pellucid.estimators import MLPRegressor
    >>> X = np.linspace(-1, 1, 200)[:, None]
    >>> regressor = MLPRegressor((32,), dropout=0.0, learning_rate_init=0.01, random_state=0).fit(X, X[:, 0] ** 2)
    >>> regressor.score(X, X[:, 0] ** 2) > 0.95
    True
    """

    loss: Any = field(default="squared_error", kw_only=True)
    target_scaling: str | None = field(default="standardize", kw_only=True)

    _numeric = True

    @partial_fit_if_by_steps
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Go through some rows once, on from what was learned before. Encoders stay as the first call fitted them.

        Parameters
        ----------
        X : array_like or sparse matrix [rows, features], or data frame
        y : array_like [rows], or [rows, outputs]
        sample_weight : array_like [rows], optional

        Returns
        -------
        self
        """
        return self._go_on(X, y, sample_weight, None)

    def predict(self, X: Any) -> np.ndarray:
        """Predict the target of each row, [rows], or its targets, [rows, outputs], in their own units.

        Parameters
        ----------
        X : array_like or sparse matrix [rows, features], or data frame
        """
        prediction = self._compute(X)[PREDICTION]
        return prediction if self._task.several else prediction[:, 0]

    def predict_all(self, X: Any) -> dict[str, np.ndarray]:
        """Return everything that the loss says of each row, by name, such as ``mean`` and ``variance``.

        Parameters
        ----------
        X : array_like or sparse matrix [rows, features], or data frame

        Returns
        -------
        dict of ndarray, [rows] or [rows, outputs]
        """
        outputs = self._compute(X)
        told = {self.model_.kind: outputs[PREDICTION]}
        told |= {
            name.removeprefix(f"{PREDICTION}/"): outputs[name] for name in outputs if name.startswith(PREDICTION + "/")
        }
        return told if self._task.several else {name: values[:, 0] for name, values in told.items()}

    # -- how it differs from a classifier ------------------------------------------------------------------------------

    def _check(self) -> None:
        super()._check()
        if self.target_scaling is not None and self.target_scaling not in TARGET_SCALINGS:
            fix = nearest(str(self.target_scaling), TARGET_SCALINGS)
            raise UsageError(
                "no such scaling of targets", where="target_scaling", got=repr(self.target_scaling), fix=fix
            )

    def _understand(self, learning: Examples, classes: Any) -> Task:
        standardize = self.target_scaling == "standardize" and self._find_loss("regression").name != "poisson"
        settings = encoder_settings(self.scaling, self.limit)

        def understand() -> Task:
            targets = number_encoding(learning.target, learning.weights, standardize)
            encoding = fit_features(learning.x, learning.weights, settings, targets.names)
            return Task("regression", None, encoding, targets, learning.target.several)

        return once("numbers to learn", (learning, standardize, settings), understand)

    def _encoded(self, task: Task, target: Target, learning: bool) -> np.ndarray:
        return encode_numbers(task.targets, target)

    def _find_loss(self, task: str) -> Loss:
        return find_loss(self.loss, task)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
