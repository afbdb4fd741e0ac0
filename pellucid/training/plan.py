"""What a training is to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pellucid.training.evaluate import Evaluator
from pellucid.training.metrics import Metric
from pellucid.training.step import WEIGHT


@dataclass(frozen=True)
class Plan:
    """What a training is to do, whatever way it learns.

    Attributes
    ----------
    evaluator : Evaluator
    arrays, validation : mapping of ndarray or CSR matrix
        The examples to learn from, and those to judge by, by input, as the graphs take them.
    rows : ndarray of int64
        Where each of the examples to learn from stands in the dataset that was given.
    epochs : int
    steps : int or None
        How many steps to do at most.
    seed : int
    watched : Metric
        What to judge by.
    watched_name : str
        Its name, with that of its output where there are several.
    metrics : tuple of Metric
        What the history records of the validation part, besides the loss.
    patience : int or None
    min_improvement : float
    time_limit : float or None
        In seconds.
    checkpoint, history_file : Path or None
    checkpoint_seconds : float
    fingerprint : str
        What the numbers of the run depend on.
    chosen : ndarray of int64 or None
        The rows of `arrays` to learn from, in this order, where there are others; a row may stand there again.
    """

    evaluator: Evaluator
    arrays: Mapping[str, Any]
    validation: Mapping[str, Any] | None
    rows: np.ndarray
    epochs: int
    steps: int | None
    seed: int
    watched: Metric
    watched_name: str
    metrics: tuple[Metric, ...]
    patience: int | None
    min_improvement: float
    time_limit: float | None
    checkpoint: Path | None
    checkpoint_seconds: float
    history_file: Path | None
    fingerprint: str = ""
    chosen: np.ndarray | None = None

    @property
    def examples(self) -> int:
        """How many examples an epoch has."""
        return len(self.arrays[WEIGHT] if self.chosen is None else self.chosen)

    @property
    def places(self) -> np.ndarray:
        """The rows of `arrays` to learn from, one after the other."""
        return np.arange(self.examples) if self.chosen is None else self.chosen

    @property
    def watched_key(self) -> str:
        """The entry of the history's records that training judges by."""
        return f"validation_{self.watched_name}" if self.validation is not None else "loss"
