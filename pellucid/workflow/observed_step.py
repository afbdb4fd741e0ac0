"""One step of the training that made a model, done again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.errors import UsageError
from pellucid.inspection.observation import Observation
from pellucid.workflow.reports.layout import printable
from pellucid.workflow.timeline import timeline

MOST_ROWS = 12


@dataclass(frozen=True, eq=False)
class ObservedStep:
    """A step of a run's training.

    Attributes
    ----------
    run : str
    step, steps : int
        Its number, from 0, and how many there were in all.
    epoch : int
        From 1.
    rows : ndarray of int64
        The rows of the table in its mini-batch.
    seen : Observation
    """

    run: str
    step: int
    steps: int
    epoch: int
    rows: np.ndarray
    seen: Observation

    @property
    def loss(self) -> float:
        """The mean loss of the mini-batch."""
        return float(np.asarray(self.seen[str(self.seen.of)].value))

    @property
    def told(self) -> str:
        """Which step it is, in words."""
        shown = ", ".join(map(str, self.rows[:MOST_ROWS].tolist()))
        more = f", ... ({len(self.rows):,} in all)" if len(self.rows) > MOST_ROWS else ""
        head = f"Step {self.step:,} of {self.steps:,} (epoch {self.epoch}) of {printable(self.run)}"
        return f"{head}\nIts mini-batch: rows {shown}{more}\nLoss {self.loss:.6g}; gradients are of the loss."

    def as_dict(self) -> dict[str, Any]:
        """Return what is told of the step as plain data for JSON."""
        return {
            "run": self.run,
            "step": self.step,
            "steps": self.steps,
            "epoch": self.epoch,
            "rows": self.rows,
            "of": self.seen.of,
            str(self.seen.of): self.loss,
        }


def observe_step(run: str, table: Any, step: int) -> ObservedStep:
    """Observe a step of the training that made the model in a run folder.

    Raises
    ------
    UsageError
        Where there is no finished run, or it has no such step.
    DataError
        Where the table is not the one that it was trained on.
    """
    found = timeline(run, table=table)
    if not 0 <= step < found.steps:
        expected = f"0 to {found.steps - 1}" if found.steps else "none: the run has no steps"
        raise UsageError(f"there is no step {step}", where=run, expected=expected)
    moment = found.at(step)
    return ObservedStep(run, step, found.steps, moment.epoch, np.asarray(moment.rows), moment.observe())
