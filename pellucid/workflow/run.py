"""What came of training on a table."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pellucid.model.model import Model
from pellucid.training.result import Fit
from pellucid.workflow.plans.plan import Plan
from pellucid.workflow.plans.recipe import Recipe
from pellucid.workflow.reports.report import Report
from pellucid.workflow.understanding import Understanding


@dataclass(frozen=True, eq=False)
class Run:
    """What came of a table.

    Attributes
    ----------
    understanding : Understanding
    plan : Plan
        What was to be done, with all that was decided on the way: run again, it gives the same model.
    model : Model
        Predicts from tables.
    fit : Fit
        The training.
    history : list of dict
        A record for each epoch; metrics of a single target of a regression are in its own unit.
    report : Report
        On the test rows.
    seconds : float
    interrupted : bool
        Whether Ctrl-C ended it; the model is the best so far.
    folder : Path or None
        The run folder.
    """

    understanding: Understanding
    plan: Plan
    model: Model
    fit: Fit
    history: list[dict[str, Any]]
    report: Report
    seconds: float
    interrupted: bool
    folder: Path | None = None

    @property
    def recipe(self) -> Recipe:
        """The network and its training."""
        return self.plan.recipe
