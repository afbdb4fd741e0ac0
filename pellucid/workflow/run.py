"""What came of training on a table."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pellucid.model.model import Model
from pellucid.training.fit import Fit
from pellucid.workflow.recipe import Recipe
from pellucid.workflow.report import Report
from pellucid.workflow.understanding import Understanding


@dataclass(frozen=True, eq=False)
class Run:
    """What came of a table.

    Attributes
    ----------
    understanding : Understanding
    recipe : Recipe
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
    recipe: Recipe
    model: Model
    fit: Fit
    history: list[dict[str, Any]]
    report: Report
    seconds: float
    interrupted: bool
    folder: Path | None = None
