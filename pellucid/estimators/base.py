"""What all estimators that learn step by step have in common: from rows to a trained model, and on from there."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from pellucid.data.dataset import Dataset, is_sparse
from pellucid.data.encoding import Encoding
from pellucid.data.split import split
from pellucid.data.targets import TargetEncoding
from pellucid.errors import UsageError, nearest
from pellucid.estimators.features import positional
from pellucid.estimators.learning import Learned, Learner, Problem
from pellucid.estimators.parameters import TrainingParameters, seed_of, validation_rows
from pellucid.estimators.rows import order_by_content, repeat_by_weight, take_rows
from pellucid.estimators.targets import Target
from pellucid.model.folder import save_model
from pellucid.model.model import CHUNK, Model
from pellucid.nn.losses import Loss, loss_names
from pellucid.nn.losses import loss as loss_called


@dataclass(frozen=True)
class Examples:
    """Rows to learn from or to judge by.

    Attributes
    ----------
    x : ndarray, CSR matrix or Table
    target : Target
    weights : ndarray of float64 or None, [rows]
    """

    x: Any
    target: Target
    weights: np.ndarray | None

    def take(self, rows: np.ndarray) -> Examples:
        """Return these rows."""
        weights = None if self.weights is None else self.weights[rows]
        return Examples(take_rows(self.x, rows), replace(self.target, values=self.target.values[rows]), weights)

    def __len__(self) -> int:
        return len(self.target.values)


@dataclass(frozen=True)
class Task:
    """What is learned, as it was at the first call of ``fit`` or ``partial_fit``.

    Attributes
    ----------
    kind : str
        "binary", "multiclass", "multilabel" or "regression".
    classes : ndarray or None
        The classes, or the numbers of the labels.
    encoding : Encoding
    targets : TargetEncoding
    several : bool
        Whether y had a column for each output.
    """

    kind: str
    classes: np.ndarray | None
    encoding: Encoding
    targets: TargetEncoding
    several: bool


@dataclass(frozen=True, eq=False)
class Kept:
    """What training goes on with. The learner is made anew where it was left behind, as in a pickle.

    Attributes
    ----------
    parameters : dict of ndarray
        Those of the model.
    progress : Progress or None
        The last parameters, and the optimizer's state.
    seed : int
    learner : Learner or None
        The network, and its compiled steps.
    """

    parameters: dict[str, np.ndarray] = field(default_factory=dict)
    progress: Any = None
    seed: int = 0
    learner: Learner | None = field(default=None, repr=False)


def _goes_by_steps(estimator: Any) -> bool:
    if estimator.solver == "lbfgs" or getattr(estimator.solver, "name", "") == "lbfgs":
        raise AttributeError("partial_fit needs a solver that goes step by step, not lbfgs")
    return True


partial_fit_if_by_steps = available_if(_goes_by_steps)


class LearningEstimator(TrainingParameters):
    """An estimator that trains a network with a solver.

    A subclass says how rows are read, what is learned of them, with which network, and what model comes out.
    """

    t_: int
    n_iter_: int
    loss_curve_: list[float]

    # -- what a subclass says ------------------------------------------------------------------------------------------

    @abstractmethod
    def _check(self) -> None:
        """Raise a UsageError where a parameter has a value that it can not have."""

    @abstractmethod
    def _understand(self, learning: Examples, held_out: Examples | None, classes: Any) -> Task:
        """Return what the rows to learn from say of the task, with encoders fitted to them.

        Rows that were held out of those given may have classes of their own.
        """

    @abstractmethod
    def _learner(self, task: Task) -> Learner:
        """Return what trains the network."""

    @abstractmethod
    def _dataset(self, task: Task, rows: Examples, learning: bool) -> Dataset:
        """Return rows as the network takes them."""

    @abstractmethod
    def _model(self, task: Task, learner: Learner, learned: Learned, seed: int) -> Model:
        """Return the model with what was learned."""

    def _strata(self, target: Target) -> np.ndarray | None:
        """Return the class of each row, of which each part is to have its share."""
        return None

    def _check_same(self, learning: Examples) -> None:
        """Raise a ValueError where what was fitted before does not fit the rows."""

    def _decide(self, task: Task, rows: Examples) -> None:
        """Choose what is left to be chosen once the model is there."""

    # -- learning ------------------------------------------------------------------------------------------------------

    def _fit(self, learning: Examples, held_out: Examples | None, again: bool) -> Any:
        """Train, on from the parameters that there are if `again`."""
        seed = seed_of(self.random_state)
        learning = arrange(learning, bool(self.shuffle))
        given = held_out is not None
        if held_out is None:
            held = validation_rows(self, len(learning))
            learning, held_out = divide(learning, held, seed, self._strata(learning.target))
        if again:
            self._check_same(learning)
        task = self._task if again else self._understand(learning, None if given else held_out, None)
        learner = self._learner(task)
        problem = self._problem(task, learning, held_out)
        problem = replace(problem, judged=held_out is not None and (not given or bool(self.early_stopping)))
        before: int = self.t_ if again else 0
        earlier: list[float] = list(self.loss_curve_) if again else []
        start = dict(self._kept.parameters) if again else None
        learned = learner.learn(problem, seed=seed, start=start, seen=before)
        self._keep(task, learner, learned, seed)
        self.loss_curve_ = earlier + learned.losses
        self.n_iter_ = len(learned.records)
        self.t_ = before + self.n_iter_ * len(learning)
        self._describe(task, problem, learned)
        self._decide(task, learning if held_out is None else held_out)
        return self

    def _partial_fit(self, learning: Examples, classes: Any, again: bool) -> Any:
        """Go through the rows once, on from the optimizer's state if `again`."""
        learning = arrange(learning, bool(self.shuffle))
        task = self._task if again else self._understand(learning, None, classes)
        kept = self._kept if again else Kept(seed=seed_of(self.random_state))
        learner = kept.learner or self._learner(task)
        problem = self._problem(task, learning, None)
        before: int = self.t_ if again else 0
        epochs: int = self.n_iter_ if again else 0
        earlier: list[float] = list(self.loss_curve_) if again else []
        learned = learner.learn(problem, seed=kept.seed, start=kept.progress, seen=before, epochs=1)
        self._keep(task, learner, learned, kept.seed)
        self.loss_curve_ = earlier + learned.losses
        self.n_iter_ = epochs + len(learned.records)
        self.t_ = before + len(learning)
        self._describe(task, problem, learned)
        self._decide(task, learning)
        return self

    def _problem(self, task: Task, learning: Examples, held_out: Examples | None) -> Problem:
        validation = None if held_out is None else self._dataset(task, held_out, learning=False)
        metric = getattr(self, "metric", "loss")
        return Problem(self._dataset(task, learning, learning=True), validation, validation is not None, metric)

    def _keep(self, task: Task, learner: Learner, learned: Learned, seed: int) -> None:
        self._task = task
        self._kept = Kept(learned.parameters, learned.progress, seed, learner)
        self.model_: Model = self._model(task, learner, learned, seed)

    def _describe(self, task: Task, problem: Problem, learned: Learned) -> None:
        """Set the attributes that tell how training went."""
        judged = problem.validation is not None
        self.loss_ = self.loss_curve_[-1] if self.loss_curve_ else float("nan")
        self.best_loss_ = None if judged else min(self.loss_curve_, default=float("nan"))
        curve = [record["validation_loss"] for record in learned.records] if judged else None
        self.validation_loss_curve_ = curve

    # -- what was learned ----------------------------------------------------------------------------------------------

    @property
    def coefs_(self) -> list[np.ndarray]:
        """The weights of the dense layers, [inputs, units] each, from the first to the last: views into the model."""
        return [self.model_.parameters[f"{layer}/weight"] for layer in self._dense_layers()]

    @property
    def intercepts_(self) -> list[np.ndarray]:
        """The biases of the dense layers, [units] each: views into the model."""
        return [self.model_.parameters[f"{layer}/bias"] for layer in self._dense_layers()]

    def _dense_layers(self) -> list[str]:
        return [path.rpartition("/")[0] for path in self.model_.parameters if path.endswith("/bias")]

    def save(self, folder: str | Path) -> None:
        """Write the model to a folder, which ``pellucid predict`` and ``pl.load_model`` read.

        Raises
        ------
        ModelError
            Where the folder cannot be written.
        """
        check_is_fitted(self)
        save_model(self.model_, folder)

    # -- scikit-learn --------------------------------------------------------------------------------------------------

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def __getstate__(self) -> dict[str, Any]:
        """Return what a pickle or a copy holds: no compiled programs."""
        state = dict(super().__getstate__())
        if "model_" in state:
            state["model_"] = replace(state["model_"])  # the same arrays, and no programs
        if "_kept" in state:
            state["_kept"] = replace(state["_kept"], learner=None)
        return state


def arrange(given: Examples, shuffle: bool) -> Examples:
    """Return rows as they are learned from: those of weight 0 left out.

    With `shuffle` they come in an order of their own, and whole weights become repetitions.
    """
    weights = given.weights
    if weights is None:
        rows = np.arange(len(given))
    elif shuffle:
        rows, weights = repeat_by_weight(weights)
    else:
        rows = np.flatnonzero(weights > 0)
        weights = weights[rows]
    if shuffle:
        parts = [given.x, _as_codes(given.target.values)]
        parts += [] if weights is None or given.weights is None else [given.weights]
        place = np.empty(len(given), np.int64)
        place[order_by_content(*parts)] = np.arange(len(given))
        order = np.argsort(place[rows], kind="stable")
        rows, weights = rows[order], None if weights is None else weights[order]
    if np.array_equal(rows, np.arange(len(given))):
        return replace(given, weights=weights)
    return replace(given.take(rows), weights=weights)


def divide(learning: Examples, held: int, seed: int, strata: np.ndarray | None) -> tuple[Examples, Examples | None]:
    """Return the rows to learn from, and so many to judge by, of each of the strata its share."""
    if not held:
        return learning, None
    if strata is not None and len(np.unique(strata)) > len(learning) - held:
        strata = None  # more classes than rows to learn from
    share = held / len(learning)
    train, rest = split(len(learning), [1 - share, share], seed, strata)
    return learning.take(train), learning.take(rest)


def _as_codes(values: np.ndarray) -> np.ndarray:
    return np.unique(values, return_inverse=True)[1] if values.dtype.kind in "OUS" else values


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


def compute(model: Model, encoding: Encoding, x: Any) -> dict[str, np.ndarray]:
    """Return every output of a model's graph for a matrix or a table that `encoding` can read."""
    if not is_sparse(x):
        return model.compute(positional(encoding, x) if hasattr(x, "names") else x)
    parts: dict[str, list[np.ndarray]] = {}
    for start in range(0, x.shape[0], CHUNK):
        dense = x[start : start + CHUNK].toarray()
        count = len(dense)
        if start and count < CHUNK:  # chunks of one size, so that the bits are those of a dense matrix
            dense = np.concatenate([dense, np.repeat(dense[-1:], CHUNK - count, axis=0)])
        for name, values in model.compute(dense).items():
            parts.setdefault(name, []).append(values[:count])
    return {name: np.concatenate(found) for name, found in parts.items()}
