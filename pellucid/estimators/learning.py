"""Learning that can go on: what `pl.fit` does, from any state of the optimizer, under scikit-learn's settings."""

from __future__ import annotations

import math
import threading
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from pellucid.errors import UsageError
from pellucid.estimators.built import Built
from pellucid.estimators.common import Common, current
from pellucid.estimators.defaults import AUTO_BATCH
from pellucid.estimators.learned import Learned, Lesson, OneAtATime, Problem, member_seeds
from pellucid.estimators.penalty import RowPenalty, penalty_of
from pellucid.estimators.solvers import choose_solver
from pellucid.estimators.stopping import Adaptive, InverseScaling, Stopping
from pellucid.executors.cores import cores_of_thread
from pellucid.executors.epochs import EpochProgram
from pellucid.nn.ensemble import ensemble_parameters
from pellucid.nn.network import Network
from pellucid.nn.regularizers import L1, L2, Regularizer
from pellucid.optim.lbfgs import LBFGS
from pellucid.optim.schedules import Constant, Schedule
from pellucid.optim.transformation import Optimizer
from pellucid.training.checkpoint import Progress
from pellucid.training.checks import check_sparse
from pellucid.training.evaluate import as_arrays
from pellucid.training.events import EpochEnded, Event, Handler, Handlers
from pellucid.training.full_batch import CHUNK, LBFGSTraining, Objective
from pellucid.training.loop import EPOCHS_RAN_OUT, INTERRUPTED, Training
from pellucid.training.mini_batches import MiniBatchTraining, Steps
from pellucid.training.plan import Plan
from pellucid.training.preparation import first_parameters, refuse_for_lbfgs, watched_metric
from pellucid.training.progress import ProgressBar
from pellucid.training.step import WEIGHT, TrainingStep
from pellucid.training.together import run_together


def check_same_network(network: Network, parameters: Mapping[str, np.ndarray]) -> None:
    """Raise a UsageError where parameters to go on from are those of another network."""
    wanted = {path: parameter.type.shape for path, parameter in network.parameters.items()}
    found = {path: value.shape for path, value in parameters.items()}
    for path in {**wanted, **found}:
        if wanted.get(path) != found.get(path):
            raise UsageError(
                "learning can not go on in another network",
                where=path,
                got=f"now {list(wanted[path])}" if path in wanted else "none now",
                expected=f"{list(found[path])} as before" if path in found else "none, as before",
                fix="Train a new estimator, or fit with warm_start=False.",
            )


def _end(common: Common) -> Handler:
    """Return what ends a training where all that have something in common are to end."""

    def end(event: Event) -> None:
        if common.stopped.is_set():
            event.stop("nobody waits for it any more")

    return end


class Learner:
    """Trains one network, once or again and again.

    Parameters
    ----------
    settings : estimator
        Whose parameters say how: solver, alpha, l1, batch_size, learning_rate, learning_rate_init, power_t, max_iter,
        shuffle, tol, verbose, momentum, nesterovs_momentum, beta_1, beta_2, epsilon, n_iter_no_change, max_fun,
        callbacks, clip_norm, time_limit, executor; and n_members, where it has that.
    built : Built
        The network, and what is compiled of it.
    numbers : mapping of float
        Those of the network's settings, such as rates of dropout, that are others than its own.
    """

    def __init__(self, settings: Any, built: Built, numbers: Mapping[str, float]):
        self.settings, self.built, self.numbers = settings, built, numbers
        self.network, self.losses, self.evaluator = built.network, built.losses, built.evaluator
        self.members: int = getattr(settings, "n_members", 1)
        self.optimizer = choose_solver(settings)
        self._telling = threading.Lock()
        self._made_for = repr(settings.get_params(deep=False))

    def is_for(self, settings: Any) -> bool:
        """Say whether an estimator's parameters are those that it was made for."""
        return repr(settings.get_params(deep=False)) == self._made_for

    def learn(
        self, problem: Problem, *, seed: int, start: Sequence[Any] = (), seen: int = 0, epochs: int | None = None
    ) -> Learned:
        """Learn; an ensemble's members do so at once.

        Parameters
        ----------
        problem : Problem
        seed : int
        start : sequence of Progress or mapping of ndarray, optional
            Where each member goes on, with the optimizer's state, or parameters to start from.
        seen : int
            How many examples were learned from before.
        epochs : int, optional
            How many, from `start` on; by default `max_iter`.
        """
        seeds = member_seeds(seed, self.members)
        if start and len(start) != len(seeds):
            got, expected = f"n_members={len(seeds)}", f"{len(start)}, as before"
            raise UsageError("an ensemble goes on with as many members", where="n_members", got=got, expected=expected)
        arrays = as_arrays(self.network, self.losses, problem.learning)
        held_out = None if problem.validation is None else as_arrays(self.network, self.losses, problem.validation)
        lessons = [
            self._prepare(problem, arrays, held_out, own, start[number] if start else None, seen, epochs)
            for number, own in enumerate(seeds)
        ]
        if len(lessons) == 1:
            reasons = [lessons[0].training.run()]
        else:
            reasons = run_together([lesson.training for lesson in lessons], cores_of_thread())
        learned = tuple(lesson.learned(reason) for lesson, reason in zip(lessons, reasons, strict=True))
        self._warn(reasons, epochs is None)
        if len(learned) == 1:
            return learned[0]
        return replace(
            learned[0], parameters=ensemble_parameters([each.parameters for each in learned]), members=learned
        )

    def _prepare(
        self,
        problem: Problem,
        arrays: Mapping[str, Any],
        held_out: Mapping[str, Any] | None,
        seed: int,
        start: Any,
        seen: int,
        epochs: int | None,
    ) -> Lesson:
        """Return one network's training, ready to begin."""
        settings = self.settings
        name, watched, metrics = watched_metric(
            self.losses, problem.metric if held_out is not None else "loss", self.evaluator.kinds, held_out is not None
        )
        done = start if isinstance(start, Progress) else None
        before = done.epoch if done is not None else 0
        count = settings.max_iter if epochs is None else epochs
        plan = Plan(
            evaluator=self.evaluator,
            arrays=arrays,
            validation=held_out,
            rows=np.arange(len(arrays[WEIGHT])),
            epochs=before + int(count),
            steps=None,
            seed=seed,
            watched=watched,
            watched_name=name,
            metrics=metrics,
            patience=None,
            min_improvement=0.0,
            time_limit=settings.time_limit,
            checkpoint=None,
            checkpoint_seconds=math.inf,
            history_file=None,
        )
        make = self._by_lbfgs if isinstance(self.optimizer, LBFGS) else self._by_steps
        parameters = dict(done.parameters) if done is not None else start
        if parameters is None:
            parameters = first_parameters(self.network, None, seed)
        check_same_network(self.network, parameters)
        stopping = self._stopping(problem, plan)
        return Lesson(make(plan, stopping, parameters, done, seen), stopping, before)

    def _stopping(self, problem: Problem, plan: Plan) -> Stopping:
        settings, whole = self.settings, isinstance(self.optimizer, LBFGS)
        rows = float(plan.arrays[WEIGHT].sum())
        mean = rows if whole else rows / len(plan.arrays[WEIGHT]) * self._batch(plan.examples)
        return Stopping(
            watched=plan.watched_key if problem.judged else None,
            higher_is_better=problem.judged and plan.watched.higher_is_better,
            tol=settings.tol,
            patience=settings.n_iter_no_change,
            adaptive=settings.learning_rate == "adaptive",
            learning_rate=getattr(self.optimizer, "learning_rate", 0.0),
            penalty=lambda parameters: penalty_of(self.network, settings.alpha / mean, parameters),
            whole=whole,
            verbose=bool(settings.verbose),
        )

    def _batch(self, count: int) -> int:
        wanted = self.settings.batch_size
        if getattr(self.optimizer, "full_batch", False) and wanted == "auto":
            return count
        return min(AUTO_BATCH if wanted == "auto" else int(wanted), count)

    def _handlers(self, stopping: Stopping, *more: Handler) -> Handlers:
        given = self.settings.callbacks or ()
        callbacks = list(given) if isinstance(given, Sequence) else [given]
        if self.members > 1:
            callbacks = [OneAtATime(callback, self._telling) for callback in callbacks]
        common = current()
        return Handlers([stopping, *more, *([] if common is None else [_end(common)]), *callbacks])

    def _by_steps(
        self, plan: Plan, stopping: Stopping, parameters: dict[str, np.ndarray], done: Progress | None, seen: int
    ) -> Training:
        batch = self._batch(plan.examples)
        check_sparse(plan.arrays, batch, ())
        step, program = self._step(batch)
        if common := current():
            common.compiled()
        way = Steps(
            step=step,
            program=program,
            executor=self.settings.executor,
            settings=step.settings,
            schedule=self._schedule(plan, stopping, done, seen),
            shuffle=bool(self.settings.shuffle),
            mixup=None,
            augment=None,
            learning_rate=hasattr(self.optimizer, "learning_rate"),
        )
        state = step.initial_state(parameters)
        beginning = done if done is not None else Progress(parameters, state)
        if beginning.state.keys() != state.keys():  # another solver than before
            beginning = replace(beginning, state=state)
        return MiniBatchTraining(way, plan, beginning, self._handlers(stopping), ProgressBar(plan.epochs, False))

    def _step(self, batch: int) -> tuple[TrainingStep, EpochProgram]:
        """Return the step with all its numbers, and its program."""
        settings = self.settings
        regularizers: list[Regularizer] = []
        if settings.alpha:
            regularizers.append(RowPenalty(float(settings.alpha)))
        if settings.l1:
            regularizers.append(L1(settings.l1 / batch))
        assert isinstance(self.optimizer, Optimizer)
        step, program = self.built.step_for(self.optimizer, batch, regularizers, settings.clip_norm)
        strengths = {"row_penalty_1/alpha": float(settings.alpha), "l1_1/strength": float(settings.l1 / batch)}
        numbers = step.settings | {path: found for path, found in strengths.items() if path in step.settings}
        return replace(step, settings={**numbers, **self.numbers}), program

    def _schedule(self, plan: Plan, stopping: Stopping, done: Progress | None, seen: int) -> Schedule:
        kind = self.settings.learning_rate
        if kind == "adaptive":
            return Adaptive(stopping)
        if kind == "constant":
            return Constant()
        first = done.epoch if done is not None else 0
        return InverseScaling(self.settings.power_t, plan.examples, seen, first, fresh=done is None)

    def _by_lbfgs(
        self, plan: Plan, stopping: Stopping, parameters: dict[str, np.ndarray], done: Progress | None, seen: int
    ) -> Training:
        settings = self.settings
        strength = settings.alpha / float(plan.arrays[WEIGHT].sum())
        regularizers: list[Regularizer] = [L2(strength, output=True)] if strength else []
        if settings.l1:
            regularizers.append(L1(float(settings.l1)))
        refuse_for_lbfgs(None, None, settings.clip_norm, None, regularizers)
        check_sparse(plan.arrays, min(plan.examples, CHUNK), regularizers)
        objective = Objective(self.network, self.losses, regularizers, plan.arrays, plan.rows, settings.executor)
        if common := current():
            common.compiled()

        def limit(event: Any) -> None:
            if isinstance(event, EpochEnded) and objective.evaluations >= settings.max_fun:
                event.stop(f"{EPOCHS_RAN_OUT}: max_fun={settings.max_fun}")

        assert isinstance(self.optimizer, LBFGS)
        chosen = replace(self.optimizer, max_iterations=int(settings.max_iter))
        beginning = replace(done, state={}) if done is not None else Progress(parameters, {})
        return LBFGSTraining(
            objective, chosen, plan, beginning, self._handlers(stopping, limit), ProgressBar(plan.epochs, False)
        )

    def _warn(self, reasons: Sequence[str], whole: bool) -> None:
        reason = next((found for found in reasons if found.startswith(EPOCHS_RAN_OUT)), "")
        if INTERRUPTED in reasons:
            warnings.warn("Training interrupted by user.", stacklevel=5)
        elif whole and reason:
            told = f"max_iter={self.settings.max_iter} epochs have passed before training has converged ({reason})."
            warnings.warn(told, ConvergenceWarning, stacklevel=5)
