"""The coefficients of linear units, dense or sparse."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils.validation import check_is_fitted

from pellucid.estimators.fitted import FittedModel

WEIGHT, BIAS = "dense_1/weight", "dense_1/bias"
"""Where the units' parameters stand in the model."""


class Coefficients(FittedModel):
    """What an estimator has whose model is one dense layer."""

    _sparse: sparse.csr_array | None = None

    @property
    def coef_(self) -> Any:
        """The weights, [1 or classes, features]: a view into the model, or the CSR matrix of :meth:`sparsify`."""
        return self.model_.parameters[WEIGHT].T if self._sparse is None else self._sparse

    @property
    def intercept_(self) -> np.ndarray:
        """The biases, [1 or classes]."""
        parameters = self.model_.parameters
        return parameters[BIAS] if BIAS in parameters else np.zeros(parameters[WEIGHT].shape[1])

    def sparsify(self) -> Any:
        """Turn `coef_` into a CSR matrix, which shows the weights that are not 0, as with the penalty L1.

        The model keeps its dense weights: predictions stay the same, to the bit, and learning can go on, after which
        `coef_` is dense again.

        Returns
        -------
        self

        Examples
        --------
        >>> from pellucid.estimators import Perceptron
        >>> perceptron = Perceptron(tol=None, max_iter=3).fit([[0, 0], [0, 1]], ["no", "yes"])
        >>> perceptron.sparsify().coef_.nnz, perceptron.densify().coef_.tolist()
        (1, [[0.0, 2.0]])
        """
        check_is_fitted(self)
        self._sparse = sparse.csr_array(self.coef_)
        return self

    def densify(self) -> Any:
        """Turn `coef_` back into a dense array.

        Returns
        -------
        self
        """
        check_is_fitted(self)
        self._sparse = None
        return self
