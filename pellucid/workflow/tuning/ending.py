"""The end of a search: the winner trained anew, compared with others, and the ensemble of the best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pellucid.model.model import Model
from pellucid.model.scalars import PREDICTION
from pellucid.tuning.importance import Importance, importance_of
from pellucid.tuning.trial import Trial
from pellucid.workflow.baselines.gradient_boosting import BOOSTING
from pellucid.workflow.division import TEST
from pellucid.workflow.finishing import Finishing
from pellucid.workflow.judging import Judgement
from pellucid.workflow.making import Making
from pellucid.workflow.plans.plan import Plan
from pellucid.workflow.reports.report import Report, build_report
from pellucid.workflow.reports.report_parts import NETWORK
from pellucid.workflow.run import Run
from pellucid.workflow.tuning.budget import Budget, seeds_in
from pellucid.workflow.tuning.comparing import Predicted, TestRows, compare
from pellucid.workflow.tuning.comparing_parts import DEFAULTS, ENSEMBLE, WINNER, Comparison
from pellucid.workflow.tuning.ensembling import make_ensemble
from pellucid.workflow.tuning.recipe_objective import RecipeObjective
from pellucid.workflow.tuning.refitting import predict_with_seeds, prepare_plan, refit
from pellucid.workflow.tuning.selecting import Selection
from pellucid.workflow.tuning.winning import decide, final_plan

SHARE_OF_FINAL = 0.25
"""The share of what is left after the search that choosing the winner among the best may take."""

SHARE_OF_SEEDS = 0.5
"""The share of what is left after the refit that further seeds may take."""

BEST_NETWORK = "best network"


@dataclass(frozen=True, eq=False)
class Ending:
    """What the end of a search has brought; see :class:`~pellucid.workflow.tuning.tuning.Tuning`."""

    best: Trial
    plan: Plan
    run: Run
    comparison: Comparison
    ensemble: Model | None
    selection: Selection | None
    ensemble_report: Report | None
    importance: Importance | None
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _Ensemble:
    model: Model
    selection: Selection
    report: Report
    predicted: Predicted


class Ender:
    """Ends a search.

    Parameters
    ----------
    objective : RecipeObjective
    defaults : Making
        By the plan without a search.
    budget : Budget
    keep : Finishing
        What Ctrl-C means: the first one leaves out what can be left out, the second one aborts.
    threads : int, optional
    """

    def __init__(
        self, objective: RecipeObjective, defaults: Making, budget: Budget, keep: Finishing, threads: int | None
    ):
        self.objective, self.defaults, self.budget, self.keep, self.threads = objective, defaults, budget, keep, threads
        self.notes: list[str] = []
        self._search_interrupted = keep.interrupted

    def end(self, ranked: Sequence[Trial], trials: Sequence[Trial]) -> Ending:
        """Train the winner anew, compare it and make the ensemble."""
        best = self._decide(ranked)
        ranked = [best, *(trial for trial in ranked if trial.number != best.number)]
        plan = final_plan(self.objective.space, self.objective.found, best, self.objective.higher_is_better)
        made = self.keep.call(lambda: prepare_plan(self.objective.found, plan))
        run, judgement = self.keep.call(lambda: refit(made, self.budget.for_baselines(), self.keep))
        self._hurry()
        predicted = self.keep.call(lambda: self._with_seeds(made, run, judgement), lambda: self._once(judgement))
        self._hurry()
        blended = self.keep.call(lambda: self._ensemble(ranked, made, judgement), lambda: None)
        self._hurry()
        if blended is not None:
            predicted.append(blended.predicted)
        rows = TestRows(judgement.targets, judgement.truth, judgement.weights)
        comparison = self.keep.call(lambda: compare(rows, predicted, self.objective.metric, plan.seed))
        importance = self.keep.call(lambda: self._importance(trials), lambda: None)
        run = replace(run, interrupted=self.keep.interrupted)
        return Ending(
            best,
            run.plan,
            run,
            comparison,
            blended.model if blended is not None else None,
            blended.selection if blended is not None else None,
            blended.report if blended is not None else None,
            importance,
            tuple(self.notes),
        )

    def _decide(self, ranked: Sequence[Trial]) -> Trial:
        """Return the winner."""
        seconds = SHARE_OF_FINAL * self.budget.left()
        if self.keep.interrupted or not seconds:
            return ranked[0]
        found, told = self.keep.call(
            lambda: decide(self.objective, ranked, seconds, self.threads), lambda: (ranked[0], "")
        )
        self.notes += [told] if told else []
        self._hurry()
        return found

    def _hurry(self) -> None:
        """Leave out what can be left out, once Ctrl-C has come while the search ends."""
        if self.keep.interrupted and not self._search_interrupted:
            self.budget.shorten(0.0)

    def _once(self, judgement: Judgement) -> list[Predicted]:
        """Return what the winner and the trees have predicted."""
        found = [Predicted(WINNER, [judgement.predictions[NETWORK]], judgement.kind)]
        if BOOSTING in judgement.predictions:
            found.append(Predicted(BOOSTING, [judgement.predictions[BOOSTING]]))
        return found

    def _with_seeds(self, made: Making, run: Run, judgement: Judgement) -> list[Predicted]:
        """Return what the winner, the defaults and the trees have predicted, with as many seeds as time allows."""
        winner, *trees = self._once(judgement)
        seconds = run.fit.progress.seconds
        more = seeds_in(SHARE_OF_SEEDS * self.budget.left(), seconds, self.threads)
        seed = made.plan.seed
        if not self.budget.left():
            self.notes.append("There was no time to train the default settings for comparison.")
            return [winner, *trees]
        further, _ = predict_with_seeds(made, range(seed + 1, seed + 1 + more), self.threads) if more else ([], "")
        own = replace(winner, predictions=[*winner.predictions, *further])
        usual, kind = predict_with_seeds(self.defaults, range(seed, seed + 1 + more), self.threads)
        if not usual:
            self.notes.append("The default settings meet values that are not finite on this table.")
        return [own, *([Predicted(DEFAULTS, usual, kind)] if usual else []), *trees]

    def _ensemble(self, ranked: Sequence[Trial], made: Making, judgement: Judgement) -> _Ensemble | None:
        """Return the ensemble, if there is one and time for it."""
        left = self.budget.left()
        if not left:
            self.notes.append("There was no time for an ensemble.")
            return None
        found = make_ensemble(self.objective, ranked, None if left == float("inf") else 0.8 * left, self.threads)
        if found is None:
            self.notes.append("There is no ensemble: no trial was trained to its end.")
            return None
        model, selection = found
        prediction = model.compute(made.rows_of(TEST))[PREDICTION]
        report = self._report(model, judgement, prediction)
        told = model.with_metrics({f"test {name}": value for name, value in report.metrics.items()})
        return _Ensemble(told, selection, report, Predicted(ENSEMBLE, [prediction], model.kind))

    def _report(self, model: Model, judgement: Judgement, prediction: object) -> Report:
        """Return what the test rows say of the ensemble, beside the network and the baselines."""
        network, *others = judgement.predictions.items()
        predictions = {NETWORK: prediction, BEST_NETWORK: network[1], **dict(others)}
        return build_report(
            judgement.targets,
            judgement.truth,
            predictions,  # type: ignore[arg-type]
            self.objective.space.plan.seed,
            weights=judgement.weights,
            metric=self.objective.metric,
            kind=model.kind,
        )

    def _importance(self, trials: Sequence[Trial]) -> Importance | None:
        plan = self.objective.space.plan
        return importance_of(self.objective.space.space, trials, self.objective.higher_is_better, plan.seed)
