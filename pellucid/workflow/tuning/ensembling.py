"""The ensemble of a search: networks of the best trials, trained again and averaged as one model."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pellucid.errors import PellucidError
from pellucid.executors.cores import usable_cores
from pellucid.model.build import build_model
from pellucid.model.model import Model
from pellucid.nn.ensemble import ensemble_parameters
from pellucid.random import permutation
from pellucid.training.evaluate import Evaluator, as_arrays
from pellucid.training.loop import INTERRUPTED
from pellucid.training.metrics import metric as metric_called
from pellucid.training.result import training_result
from pellucid.training.together import run_together
from pellucid.tuning.trial import FINISHED, Trial
from pellucid.workflow.tuning.blend import blend
from pellucid.workflow.tuning.default_space import usual_metric
from pellucid.workflow.tuning.recipe_objective import Configuration, RecipeObjective
from pellucid.workflow.tuning.selecting import Selection, select_greedily

CANDIDATES = 20
"""So many trials are there to choose from, at most."""

NETWORKS = 25
"""An ensemble is made of so many networks at most, or of those of one trial."""

ROWS = 20_000
"""Trials are chosen by so many rows at most."""

Parameters = Mapping[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Candidate:
    """A trial, trained again.

    Attributes
    ----------
    trial : Trial
    made : Configuration
    members : sequence of mapping of ndarray
        The parameters of each of its networks.
    prediction : ndarray, [rows, outputs]
        What each row held out is predicted to be by those that have not learned from it, NaN for other rows.
    """

    trial: Trial
    made: Configuration
    members: Sequence[Parameters]
    prediction: np.ndarray


def make_ensemble(
    objective: RecipeObjective,
    trials: Sequence[Trial],
    seconds: float | None = None,
    threads: int | None = None,
) -> tuple[Model, Selection] | None:
    """Choose among the best trials, and make their networks one model.

    The networks are those of the folds, which have learned from a part of the rows each; where later rows judge, those
    of the last fold, which have learned from the most. Trials whose encoders or loss are others than those of the best
    are left out, since a model encodes cells once.

    Parameters
    ----------
    objective : RecipeObjective
    trials : sequence of Trial
        From the best on.
    seconds : float, optional
        After so long no further trial is looked at.
    threads : int, optional

    Returns
    -------
    (Model, Selection) or None
        None where no trial can be trained again in time.

    Raises
    ------
    KeyboardInterrupt
        Where it is interrupted.
    """
    began = time.perf_counter()
    found: list[Candidate] = []
    for trial in _alike(objective, trials):
        if seconds is not None and found and time.perf_counter() - began > seconds * (1 - 1 / (len(found) + 1)):
            break
        try:
            found.append(_train_again(objective, trial, threads or usable_cores()))
        except PellucidError:
            continue
    if not found:
        return None
    used = _used_members(objective)
    judged = JudgedRows(objective, found[0].made, found[0].prediction)
    predictions = [one.prediction[judged.rows] for one in found]
    most = max(1, NETWORKS // len(used))
    chosen, value = select_greedily(predictions, judged.score, judged.measure.higher_is_better, most=most)
    counts = {place: count // math.gcd(*chosen.values()) for place, count in chosen.items()}
    order = sorted(counts, key=lambda place: (-counts[place], place))
    selection = Selection(
        tuple((found[place].trial.number, counts[place]) for place in order),
        len(order) * len(used),
        len(found),
        value,
        judged.score(predictions[0]),
    )
    return _model(objective, [(found[place], counts[place]) for place in order], used, selection), selection


def _alike(objective: RecipeObjective, trials: Sequence[Trial]) -> list[Trial]:
    """Return the finished trials whose networks can be averaged with those of the first one."""
    kept: list[Trial] = []
    form = None
    for trial in trials:
        if trial.state != FINISHED or len(kept) >= CANDIDATES:
            continue
        recipe = objective.configuration(trial.parameters).recipe
        own = recipe.encoders(), recipe.dtype, recipe.loss_name, recipe.loss_settings
        form = own if form is None else form
        if own == form:
            kept.append(trial)
    return kept


def _train_again(objective: RecipeObjective, trial: Trial, threads: int) -> Candidate:
    made = objective.configuration(trial.parameters)
    trainings = [objective.training(made, member) for member in range(len(objective.members))]
    reasons = run_together(trainings, threads)
    if INTERRUPTED in reasons:
        raise KeyboardInterrupt
    members = [training_result(one, why).parameters for one, why in zip(trainings, reasons, strict=True)]
    return Candidate(trial, made, members, _predict_held(objective, made, members))


def _predict_held(objective: RecipeObjective, made: Configuration, members: Sequence[Parameters]) -> np.ndarray:
    """Return what members predict of the rows that they were not trained on, averaged over repeats."""
    dataset, evaluator = made.encoded.dataset, made.course.evaluator
    total, times = None, np.zeros(len(dataset))
    for parameters, fold in zip(members, objective.folding.folds, strict=True):
        found = next(iter(evaluator.predict(parameters, dataset.take(fold.held)).values())).astype(np.float64)
        total = np.zeros((len(dataset), *found.shape[1:])) if total is None else total
        total[fold.held] += found
        times[fold.held] += 1
    assert total is not None
    with np.errstate(invalid="ignore"):
        return total / times.reshape(-1, *(1,) * (total.ndim - 1))


def _used_members(objective: RecipeObjective) -> list[int]:
    """Return which networks of a trial go into the ensemble."""
    members, folding = range(len(objective.members)), objective.folding
    each = len(members) // folding.repeats
    return [member for member in members if not folding.ordered or member % each == each - 1]


class JudgedRows:
    """The rows by which an ensemble is chosen.

    Attributes
    ----------
    rows : ndarray of int64
        Those that somebody has predicted who had not learned from them.
    measure : Metric
        That of the search; for a loss, which says nothing of a mean of predictions, the usual one of the task.
    """

    def __init__(self, objective: RecipeObjective, made: Configuration, prediction: np.ndarray):
        course, dataset = made.course, made.encoded.dataset
        rows = np.flatnonzero(np.isfinite(prediction).reshape(len(dataset), -1).all(axis=1))
        if len(rows) > ROWS:
            rows = np.sort(rows[permutation(objective.space.plan.seed, "rows of the ensemble", 0, len(rows))[:ROWS]])
        self.rows, self._evaluator = rows, Evaluator(course.network, course.losses, course.executor)
        self._output, kind = next(iter(self._evaluator.kinds.items()))
        self.measure = objective.measure
        if objective.metric == "loss":
            self.measure = metric_called(usual_metric(objective.found.task.kind, kind))
        arrays = as_arrays(course.network, course.losses, dataset.take(rows))
        self._arrays = {name: array for name, array in arrays.items() if name not in course.network.inputs}

    def score(self, prediction: np.ndarray) -> float:
        """Return the metric of predictions of these rows."""
        return next(iter(self._evaluator.measure({self._output: prediction}, self._arrays, [self.measure]).values()))


def _model(
    objective: RecipeObjective, chosen: Sequence[tuple[Candidate, int]], used: Sequence[int], selection: Selection
) -> Model:
    """Return the model of an ensemble."""
    best = chosen[0][0].made
    loss = next(iter(best.course.losses.values()))
    networks = [one.made.course.network for one, _ in chosen for _ in used]
    counts = [count for _, count in chosen for _ in used]
    parameters = [one.members[member] for one, _ in chosen for member in used]
    found, plan = objective.found, objective.space.plan
    return build_model(
        best.encoded.encoding,
        best.encoded.targets,
        blend(networks, counts, loss),
        loss,
        ensemble_parameters(parameters),
        provenance={
            "table_sha256": found.digest,
            "rows": {"search": len(objective.folding.rows)},
            "seed": plan.seed,
            "ensemble": {f"trial {number}": count for number, count in selection.trials},
        },
        executor=plan.recipe.executor,
    )
