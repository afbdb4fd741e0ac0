"""An autoencoder, as a scikit-learn transformer."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_array, check_is_fitted

from pellucid.data.dataset import Dataset
from pellucid.data.encoders.front import Front
from pellucid.data.encoders.settings import LARGEST_COUNT
from pellucid.data.tables.table import Table
from pellucid.data.targets import MEAN, SCALE, TargetEncoding
from pellucid.errors import DataError, UsageError, nearest
from pellucid.estimators import defaults
from pellucid.estimators.autoencoder_columns import (
    choose_roles,
    gives_numbers,
    parts_of_rows,
    read_columns,
    require_values,
    restore_cells,
)
from pellucid.estimators.autoencoder_network import (
    RECONSTRUCTION,
    inverse_scaling,
    mirrored_layers,
    reconstructing_network,
    run_layers,
    squared_distances,
)
from pellucid.estimators.base import LearningEstimator, partial_fit_if_by_steps
from pellucid.estimators.built import Built
from pellucid.estimators.documentation import with_shared_parameters
from pellucid.estimators.examples import Examples, Task
from pellucid.estimators.features import encode_features, encoder_settings, fit_features
from pellucid.estimators.learned import Learned
from pellucid.estimators.learning import Learner
from pellucid.estimators.parameters import check_parameters, find_loss, hidden_activations, hidden_sizes
from pellucid.estimators.rows import count_rows
from pellucid.estimators.targets import Target, read_weights
from pellucid.executors.predictor import Predictor
from pellucid.model.build import build_model
from pellucid.model.model import Model
from pellucid.nn.network import Layer, Network

SCALINGS = ("standardize", "robust", "minmax", "none")
"""What can be undone by a product and a sum."""


@with_shared_parameters
@dataclass(eq=False, repr=False)
class Autoencoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, LearningEstimator):
    """A network that learns to describe each row by a few numbers, its code, from which the row can be made again.

    Numbers are scaled, go through the hidden layers to the code, and through the same layers in the other direction
    back. Without hidden layers the code spans the same space as the first principal components.

    Categories and truth values of a data frame become a feature of 0 and 1 for each value, and a feature more says
    where a cell is missing, in columns where some are in training. These features are what is given back, and where
    there are such columns `inverse_transform` makes cells of them. Dates and text are refused.

    Parameters
    ----------
    n_components : int
        How many numbers a code has.
    hidden_layer_sizes : sequence of int
        The units of the hidden layers between the features and the code; those behind it come in the other direction.
    activation : str, operation or function, or a list with one for each hidden layer before the code
        Of the hidden layers; code and reconstruction have none.
    noise : float
        Standard deviation of the noise on the scaled features in training: the network then learns to take it away.
    loss : str or Loss
        "squared_error", or another loss of ``pl.losses`` for numbers, such as "absolute_error" or "huber".
    scaling : {"standardize", "robust", "minmax"} or None
        What is done to the features. Sparse matrices are only divided, so that what is 0 stays 0.
    {training parameters}

    Attributes
    ----------
    n_components_ : int
    model_ : Model
        The trained model, which predicts the features themselves: one for each number, category, and column with
        missing cells. ``save(folder)`` writes it.
    coefs_, intercepts_ : list of ndarray
        Weights [inputs, units] and biases [units] of the layers: views into the model.
    loss_curve_, validation_loss_curve_ : list of float
        The mean loss, epoch by epoch; the latter None where no rows were held out.
    loss_, best_loss_ : float
    n_iter_, t_ : int
        How many epochs there were, and rows in all of them.
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Only where all columns have names that are text.

    References
    ----------
    Hinton and Salakhutdinov, Reducing the dimensionality of data with neural networks, Science 313 (2006).
    Vincent et al., Extracting and composing robust features with denoising autoencoders, ICML (2008).

    Examples
    --------
    >>> import numpy as np
    >>> from pellucid.estimators import Autoencoder
    >>> X = np.outer(np.linspace(-1, 1, 50), [1.0, 2.0, -1.0]) + 5
    >>> autoencoder = Autoencoder(1, hidden_layer_sizes=(), solver="lbfgs", random_state=0).fit(X)
    >>> codes = autoencoder.transform(X)
    >>> codes.shape, bool(np.abs(autoencoder.inverse_transform(codes) - X).max() < 1e-3)
    ((50, 1), True)
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"size": [1.0, 9.0] * 20, "kind": ["cat", "cow"] * 20})
    >>> autoencoder = Autoencoder(1, hidden_layer_sizes=(), solver="lbfgs", random_state=0).fit(frame)
    >>> autoencoder.inverse_transform(autoencoder.transform(frame))[:2, 1].tolist()
    ['cat', 'cow']
    """

    n_components: int = defaults.AUTOENCODER_COMPONENTS
    hidden_layer_sizes: Any = defaults.AUTOENCODER_HIDDEN
    activation: Any = defaults.ACTIVATION
    noise: float = field(default=0.0, kw_only=True)
    loss: Any = field(default="squared_error", kw_only=True)
    scaling: str | None = field(default=defaults.SCALING, kw_only=True)
    alpha: float = field(default=defaults.AUTOENCODER_ALPHA, kw_only=True)

    def fit(
        self, X: Any, y: Any = None, sample_weight: Any = None, X_val: Any = None, sample_weight_val: Any = None
    ) -> Any:
        """Train the network to give back what it takes.

        Parameters
        ----------
        X : array_like or sparse matrix [rows, features], or data frame
            Numbers; in a data frame also words and truth values. NaN and null are missing cells.
        y : None
            Passed over.
        sample_weight : array_like [rows], optional
            How much each row counts.
        X_val, sample_weight_val : optional
            Rows to judge by, in place of a part of `X`.

        Returns
        -------
        self
        """
        self._check()
        again = self.warm_start and hasattr(self, "model_")
        learning = self._read(X, sample_weight, reset=not again)
        held_out = None
        if X_val is not None:
            held_out = self._read(X_val, sample_weight_val, reset=False, tables=isinstance(learning.x, Table))
        return self._fit(learning, held_out, again)

    @partial_fit_if_by_steps
    def partial_fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Any:
        """Go through some rows once, on from what was learned before; the scaling stays as the first call fitted it.

        Parameters
        ----------
        X : array_like or sparse matrix [rows, features], or data frame
        y : None
            Passed over.
        sample_weight : array_like [rows], optional

        Returns
        -------
        self
        """
        self._check()
        again = hasattr(self, "model_")
        return self._partial_fit(self._read(X, sample_weight, reset=not again), None, again)

    def transform(self, X: Any) -> np.ndarray:
        """Return the codes of rows, [rows, n_components].

        Parameters
        ----------
        X : array_like or sparse matrix [rows, features], or data frame
        """
        check_is_fitted(self)
        x = self._read_again(X)
        encoding = self._task.encoding
        return np.concatenate(
            [self._run(encode_features(encoding, part)["x"], decode=False) for part in parts_of_rows(x)]
        )

    def inverse_transform(self, X: Any) -> np.ndarray:
        """Return the rows that codes stand for, [rows, columns], numbers in their own units.

        Of a frame with words or truth values it is an array of objects. A category is the one of the largest feature; a
        number is NaN where its "is missing" is above 1/2, and a category None where this is its largest.

        Parameters
        ----------
        X : array_like [rows, n_components]
        """
        check_is_fitted(self)
        codes = check_array(X, dtype=[np.float64, np.float32])
        if codes.shape[1] != self.n_components_:
            got = f"{codes.shape[1]} columns"
            raise DataError("these are no codes", where="X", got=got, expected=f"{self.n_components_} columns")
        encoding = self._task.encoding
        dtype = encoding.dtype.numpy
        scaled = self._run(codes.astype(dtype), decode=True)
        found = self._task.targets.arrays
        values = (scaled * found[SCALE] + found[MEAN]).astype(dtype) if found else scaled
        return values if gives_numbers(encoding) else restore_cells(encoding.front, values)

    def score_samples(self, X: Any) -> np.ndarray:
        """Return minus the squared distance of each row from its reconstruction, scaled as for learning, [rows].

        The lower, the less a row is like those that were learned from.

        Parameters
        ----------
        X : array_like or sparse matrix [rows, features], or data frame
        """
        check_is_fitted(self)
        x = self._read_again(X)
        return np.concatenate([-squared_distances(self.model_, self._task, part) for part in parts_of_rows(x)])

    def score(self, X: Any, y: Any = None) -> float:
        """Return the mean of :meth:`score_samples`.

        Parameters
        ----------
        X : array_like or sparse matrix [rows, features], or data frame
        y : None
            Passed over.
        """
        return float(self.score_samples(X).mean())

    # -- how it learns -------------------------------------------------------------------------------------------------

    def _check(self) -> None:
        check_parameters(self)
        hidden_activations(self.activation, len(hidden_sizes(self.hidden_layer_sizes)))
        if self.scaling is not None and self.scaling not in SCALINGS:
            fix = nearest(str(self.scaling), SCALINGS)
            raise UsageError(f"an autoencoder can not undo scaling {self.scaling!r}", where="scaling", fix=fix)
        find_loss(self.loss, "regression")

    def _read(self, X: Any, sample_weight: Any, reset: bool, tables: bool | None = None) -> Examples:
        x = read_columns(self, X, reset=reset, tables=tables) if reset or tables is not None else self._read_again(X)
        count = count_rows(x)
        return Examples(x, Target(np.zeros(count), ()), read_weights(sample_weight, x, count))

    def _read_again(self, X: Any) -> Any:
        """Return rows as those were that were learned from."""
        return read_columns(self, X, reset=False, tables=not self._task.encoding.front.only_numbers)

    def _understand(self, learning: Examples, classes: Any) -> Task:
        settings = replace(encoder_settings(self.scaling, 0.0), one_hot=LARGEST_COUNT)  # a vector can not be given back
        roles = choose_roles(learning.x) if isinstance(learning.x, Table) else None
        encoding = fit_features(learning.x, learning.weights, settings, (), roles)
        names = getattr(self, "feature_names_in_", None)
        require_values(encoding, len(learning), names)
        if names is not None:
            columns = tuple(
                replace(column, name=str(name)) for column, name in zip(encoding.front.columns, names, strict=True)
            )
            encoding = replace(encoding, front=Front(columns), missing={})
        targets = TargetEncoding("regression", encoding.features, (), inverse_scaling(encoding))
        self.n_components_ = self._n_features_out = int(self.n_components)
        return Task("regression", None, encoding, targets, True)

    def _learner(self, task: Task) -> Learner:
        features, loss = len(task.encoding.features), find_loss(self.loss, "regression")
        layers = [layer for half in self._layers(features) for layer in half]
        network = reconstructing_network(layers, features, task.encoding.dtype, loss, float(self.noise))
        return Learner(self, Built(network, dict.fromkeys(network.outputs, RECONSTRUCTION), self.executor), {})

    def _layers(self, features: int) -> tuple[list[Layer], list[Layer]]:
        """Return the layers from the features to the code, and from there back."""
        hidden = hidden_sizes(self.hidden_layer_sizes)
        activations = hidden_activations(self.activation, len(hidden))
        return mirrored_layers(features, hidden, activations, int(self.n_components))

    def _dataset(self, task: Task, rows: Examples, learning: bool) -> Dataset:
        return Dataset(encode_features(task.encoding, rows.x), np.zeros((len(rows), 1)), rows.weights)

    def _model(self, task: Task, learner: Learner, learned: Learned, seed: int) -> Model:
        encoder, decoder = self._layers(len(task.encoding.features))
        whole = Network([*encoder, *decoder], task.encoding.inputs, task.encoding.dtype)
        halves = {False: (encoder, len(task.encoding.features)), True: (decoder, int(self.n_components))}
        self._halves = {
            decode: Predictor(Network(layers, inputs, task.encoding.dtype).graph(), self.executor)
            for decode, (layers, inputs) in halves.items()
        }
        loss = find_loss(self.loss, "regression")
        provenance = {"estimator": type(self).__name__, "seed": seed}
        return build_model(
            task.encoding,
            task.targets,
            whole,
            loss,
            learned.parameters,
            provenance=provenance,
            executor=self.executor,
        )

    def _run(self, values: Any, decode: bool) -> np.ndarray:
        """Send rows through the layers before the code, or through those behind it."""
        return run_layers(self._halves[decode], self.model_.parameters, values)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
