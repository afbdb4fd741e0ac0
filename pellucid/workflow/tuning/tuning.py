"""What came of a search over recipes for a table."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pellucid.model.model import Model
from pellucid.tuning.importance import Importance
from pellucid.tuning.space import Space
from pellucid.tuning.status import SearchResult
from pellucid.tuning.trial import Trial
from pellucid.workflow.plans.plan import Plan
from pellucid.workflow.reports.report import Report
from pellucid.workflow.run import Run
from pellucid.workflow.tuning.comparing_parts import Comparison
from pellucid.workflow.tuning.recipe_space import RecipeSpace
from pellucid.workflow.tuning.selecting import Selection
from pellucid.workflow.tuning.winning import final_plan
from pellucid.workflow.understanding import Understanding


@dataclass(frozen=True, eq=False)
class Tuning:
    """What came of a search over recipes for a table. Made by :func:`tune_table`.

    Attributes
    ----------
    understanding : Understanding
    space : Space
        What was searched, with the conditions that its names bring along.
    searched : RecipeSpace
        What the names in it mean.
    study : Path or None
        The file of the study; None where it was kept in memory.
    metric : str
        By which trials were compared; its value for a trial is the mean over folds, in the target's own unit.
    higher_is_better : bool
    trials : tuple of Trial
        All of the study.
    best : Trial
        The winner: of the best trials the one that was best when they were cross-validated again. Its value is what
        the search made good, and so is no measure of how good the winner is: that is in `comparison`.
    plan : Plan
        The winner's.
    run : Run
        The winner, trained anew as :func:`train_table` does with that plan.
    comparison : Comparison
        The winner, the defaults, gradient boosting and the ensemble on the test rows.
    ensemble : Model or None
        Networks of the best trials as one model; None where there was no time.
    selection : Selection or None
        Which trials the ensemble is made of.
    ensemble_report : Report or None
        What the test rows say of the ensemble.
    importance : Importance or None
        Which settings mattered; None where there are too few trials.
    result : SearchResult
        Of this search alone, where a study was gone on with.
    architectures : int or None
        How many programs the space needs; None where there is no end to them.
    seconds : float
        What all of it took.
    interrupted : bool
    folder : Path or None
    notes : tuple of str
        What else the reader has to know.
    """

    understanding: Understanding
    space: Space
    searched: RecipeSpace
    study: Path | None
    metric: str
    higher_is_better: bool
    trials: tuple[Trial, ...]
    best: Trial
    plan: Plan
    run: Run
    comparison: Comparison
    ensemble: Model | None
    selection: Selection | None
    ensemble_report: Report | None
    importance: Importance | None
    result: SearchResult
    architectures: int | None
    seconds: float
    interrupted: bool
    folder: Path | None = None
    notes: tuple[str, ...] = ()

    def plan_of(self, trial: Trial) -> Plan:
        """Return the plan that makes the network of a trial, trained as the winner was."""
        return final_plan(self.searched, self.understanding, trial, self.higher_is_better)

    def __str__(self) -> str:
        from pellucid.workflow.reports.layout import as_text
        from pellucid.workflow.tuning.view_tuning import view_tuning

        return as_text(view_tuning(self))
