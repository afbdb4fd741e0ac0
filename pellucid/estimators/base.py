"""What all estimators that learn step by step have in common: from rows to a trained model, and on from there."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from sklearn.utils.metaestimators import available_if

from pellucid.data.dataset import Dataset
from pellucid.estimators.common import once
from pellucid.estimators.examples import Examples, Task, arrange, divide
from pellucid.estimators.fitted import FittedModel
from pellucid.estimators.learned import Learned, Problem
from pellucid.estimators.learning import Learner
from pellucid.estimators.parameters import TrainingParameters, seed_of, validation_rows
from pellucid.estimators.targets import Target
from pellucid.model.model import Model
from pellucid.training.checkpoint import Progress


@dataclass(frozen=True, eq=False)
class Kept:
    """What training goes on with. The learner is made anew where it was left behind, as in a pickle.

    Attributes
    ----------
    parameters : tuple of dict of ndarray
        Those of the model, of each network in it.
    progress : tuple of Progress
        The last parameters of each, and its optimizer's state.
    seed : int
    learner : Learner or None
        The network, and its compiled steps.
    """

    parameters: tuple[dict[str, np.ndarray], ...] = ()
    progress: tuple[Progress, ...] = ()
    seed: int = 0
    learner: Learner | None = field(default=None, repr=False)


def _goes_by_steps(estimator: Any) -> bool:
    if estimator.solver == "lbfgs" or getattr(estimator.solver, "name", "") == "lbfgs":
        raise AttributeError("partial_fit needs a solver that goes step by step, not lbfgs")
    return True


partial_fit_if_by_steps = available_if(_goes_by_steps)


class LearningEstimator(FittedModel, TrainingParameters):
    """An estimator that trains a network with a solver.

    A subclass says how rows are read, what is learned of them, with which network, and what model comes out.
    """

    t_: int
    n_iter_: int
    loss_curve_: list[float]
    validation_loss_curve_: list[float] | None

    # -- what a subclass says ------------------------------------------------------------------------------------------

    @abstractmethod
    def _check(self) -> None:
        """Raise a UsageError where a parameter has a value that it can not have."""

    @abstractmethod
    def _understand(self, learning: Examples, classes: Any) -> Task:
        """Return what the rows to learn from say of the task, with encoders fitted to them.

        There may be classes of which they have none.
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

    def _classes_of(self, target: Target, again: bool) -> Any:
        """Return all classes of the rows, if these have any; if `again`, they must be those from before."""
        return None

    def _decide(self, task: Task, rows: Examples) -> None:
        """Choose what is left to be chosen once the model is there."""

    # -- learning ------------------------------------------------------------------------------------------------------

    def _fit(self, learning: Examples, held_out: Examples | None, again: bool) -> Any:
        """Train, on from the parameters that there are if `again`."""
        seed = seed_of(self.random_state)
        classes = self._classes_of(learning.target, again)
        learning = self._arrange(learning)
        given = held_out is not None
        if held_out is None:
            learning, held_out = self._divide(learning, seed)
        task = self._task if again else self._understand(learning, classes)
        learner = self._learner(task)
        problem = self._problem(task, learning, held_out)
        problem = replace(problem, judged=held_out is not None and (not given or bool(self.early_stopping)))
        before: int = self.t_ if again else 0
        earlier: list[float] = list(self.loss_curve_) if again else []
        start = [dict(own) for own in self._kept.parameters] if again else []
        learned = learner.learn(problem, seed=seed, start=start, seen=before)
        self._keep(task, learner, learned, seed)
        self.loss_curve_ = earlier + learned.losses
        self.n_iter_ = len(learned.records)
        self.t_ = before + self.n_iter_ * len(learning)
        self._describe(task, problem, learned, again)
        self._decide(task, learning if held_out is None else held_out)
        return self

    def _partial_fit(self, learning: Examples, classes: Any, again: bool) -> Any:
        """Go through the rows once, on from the optimizer's state if `again`."""
        learning = self._arrange(learning)
        task = self._task if again else self._understand(learning, classes)
        kept = self._kept if again else Kept(seed=seed_of(self.random_state))
        known = kept.learner
        learner = known if known is not None and known.is_for(self) else self._learner(task)
        problem = self._problem(task, learning, None)
        before: int = self.t_ if again else 0
        epochs: int = self.n_iter_ if again else 0
        earlier: list[float] = list(self.loss_curve_) if again else []
        learned = learner.learn(problem, seed=kept.seed, start=kept.progress, seen=before, epochs=1)
        self._keep(task, learner, learned, kept.seed)
        self.loss_curve_ = earlier + learned.losses
        self.n_iter_ = epochs + len(learned.records)
        self.t_ = before + len(learning)
        self._describe(task, problem, learned, again)
        self._decide(task, learning)
        return self

    def _arrange(self, learning: Examples) -> Examples:
        shuffle = bool(self.shuffle)
        return once("arranged", (learning, shuffle), lambda: arrange(learning, shuffle))

    def _divide(self, learning: Examples, seed: int) -> tuple[Examples, Examples | None]:
        """Return the rows to learn from, and those held out."""
        held = validation_rows(self, len(learning))
        if not held:
            return learning, None
        strata = self._strata(learning.target)
        return once("divided", (learning, held, seed, type(self)), lambda: divide(learning, held, seed, strata))

    def _problem(self, task: Task, learning: Examples, held_out: Examples | None) -> Problem:
        validation = None if held_out is None else self._dataset(task, held_out, learning=False)
        metric = getattr(self, "metric", "loss")
        return Problem(self._dataset(task, learning, learning=True), validation, validation is not None, metric)

    def _keep(self, task: Task, learner: Learner, learned: Learned, seed: int) -> None:
        self._task = task
        each = learned.each
        self._kept = Kept(tuple(own.parameters for own in each), tuple(own.progress for own in each), seed, learner)
        self.model_: Model = self._model(task, learner, learned, seed)

    def _describe(self, task: Task, problem: Problem, learned: Learned, again: bool) -> None:
        """Set the attributes that tell how training went; curves grow if `again`."""
        judged = problem.validation is not None
        self.loss_ = self.loss_curve_[-1] if self.loss_curve_ else float("nan")
        self.best_loss_ = None if judged else min(self.loss_curve_, default=float("nan"))
        curve: list[float] | None = None
        if judged:
            earlier = self.validation_loss_curve_ if again else None
            curve = (earlier or []) + [record["validation_loss"] for record in learned.records]
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

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        if "_kept" in state:
            state["_kept"] = replace(state["_kept"], learner=None)
        return state
