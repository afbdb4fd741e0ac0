"""The training step of a model that was saved: built anew from its graph and the settings of its run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pellucid.errors import UsageError
from pellucid.model.folder import load_model
from pellucid.optim.lbfgs import LBFGS
from pellucid.training.step import TrainingStep, build_step
from pellucid.workflow.plans.plan import read_plan
from pellucid.workflow.plans.plan_file import read_toml
from pellucid.workflow.run_folder import RECORD
from pellucid.workflow.starting import makes_network_of

MOST_ROWS = 65_536
"""Rows of a step, where it takes all that there are."""


@dataclass(frozen=True)
class RebuiltStep:
    """The training step of a model, and values for its inputs: all but rows of a table, which are drawn.

    Attributes
    ----------
    step : TrainingStep
    inputs : dict of ndarray or number
        By input: the model's parameters, the state that a training from there begins with, and the settings.
    """

    step: TrainingStep
    inputs: dict[str, Any]


def rebuild_step(folder: Path) -> RebuiltStep:
    """Return the training step of the model in a run folder.

    Raises
    ------
    UsageError
        Where the folder has no ``run.toml``, its settings are not those of the model, or the optimizer takes no steps.
    ModelError
        Where the model is damaged.
    """
    record, model = folder / RECORD, load_model(folder)
    if not record.is_file():
        what = "how the model was trained is not known, as there is no run.toml"
        raise UsageError(what, where=str(folder), fix="Give a folder that pellucid train made, or leave --step out.")
    recipe = read_plan(record).recipe
    if not makes_network_of(model, recipe):
        fix = "Restore the file, or leave --step out."
        raise UsageError("these settings make another network than the model has", where=str(record), fix=fix)
    optimizer = recipe.optimizer()
    if isinstance(optimizer, LBFGS):
        what = "L-BFGS goes over all rows at once and takes no steps over mini-batches"
        raise UsageError(what, where=str(folder), fix="Leave --step out.")
    network = recipe.network(model.encoding, model.targets.outputs)
    loss = recipe.loss(model.targets.task)
    step = build_step(
        network,
        {next(iter(network.outputs)): loss},
        optimizer,
        batch=_batch(recipe.rows_per_step, record),
        regularizers=recipe.regularizers(loss),
        clip_norm=recipe.clip_norm or None,
    )
    state = step.initial_state(model.parameters)
    weights = {step.form.weight: np.ones(step.form.batch)}
    return RebuiltStep(step, {**model.parameters, **state, **step.settings, **weights})


def _batch(wanted: int | None, record: Path) -> int:
    """Return how many rows a step took: no more than there were to learn from."""
    found = read_toml(record)[0].get("data")
    rows = found.get("train_rows") if isinstance(found, dict) else None
    known = rows if isinstance(rows, int) and not isinstance(rows, bool) and rows > 0 else MOST_ROWS
    return min(known, MOST_ROWS if wanted is None else wanted)
