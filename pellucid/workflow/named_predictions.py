"""Predictions as columns of a table, by the names that a reader expects."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from pellucid.model.model import Model

CHUNK = 65_536
"""How many rows are named at once."""

Columns = dict[str, np.ndarray]


def name_predictions(model: Model, computed: np.ndarray, probabilities: bool = False) -> Iterator[Columns]:
    """Yield the columns of predictions, so many rows at once.

    Parameters
    ----------
    model : Model
    computed : ndarray, [rows, outputs]
        The output ``prediction`` of the model's graph.
    probabilities : bool
        Add the probability of each class, or for several labels of each label.
    """
    for start in range(0, max(1, len(computed)), CHUNK):
        part = computed[start : start + CHUNK]
        columns: Columns = dict(model.targets.decode(part, model.kind))
        if probabilities:
            both = np.hstack([1 - part, part]) if model.targets.task == "binary" else part
            columns |= name_probabilities(model, both)
        yield columns


def name_probabilities(model: Model, found: np.ndarray) -> Columns:
    """Return probabilities [rows, classes or labels] by their names, such as ``p(color=red)``."""
    targets = model.targets
    if targets.task != "multilabel":
        names = [f"p({targets.names[0]}={cell(label)})" for label in targets.classes]
    elif targets.separator is not None:
        names = [f"p({targets.names[0]}={label})" for label in targets.labels]
    else:
        names = [f"p({name}={cell(targets.classes[1])})" for name in targets.names]
    return dict(zip(names, found.T, strict=True))


def cell(value: Any) -> Any:
    """Return a value as a table has it: truth values in small letters."""
    return str(value).lower() if isinstance(value, bool | np.bool_) else value
