"""What is read of a training that a recorder hears of: where it would go from some state, and how its layers fare."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from pellucid.executors.inputs import gather
from pellucid.graph.graph import Graph
from pellucid.inspection.layers import LayerProbe
from pellucid.inspection.replay.standing import standing
from pellucid.random import permutation
from pellucid.training.checkpoint import Progress
from pellucid.training.events import Handlers
from pellucid.training.full_batch import LBFGSTraining
from pellucid.training.mini_batches import MiniBatchTraining
from pellucid.training.progress import ProgressBar
from pellucid.training.step import WEIGHT


def stand_in(training: MiniBatchTraining, at: Progress, steps: int | None = None) -> MiniBatchTraining:
    """Return a training that stands somewhere else and goes on to so many steps, of which nobody hears."""
    plan = replace(training.plan, steps=steps, time_limit=None, patience=None, checkpoint=None, history_file=None)
    here = at.changed(history=list(at.records))
    return MiniBatchTraining(training.steps, plan, here, Handlers(), ProgressBar(1, show=False))


def after_a_step(training: MiniBatchTraining, at: Progress) -> Mapping[str, np.ndarray]:
    """Return the parameters one step after a state; after the last epoch, by a step like the last one."""
    if at.epoch >= training.plan.epochs and at.epoch and not at.epoch_steps:
        at = at.changed(epoch=at.epoch - 1, epoch_steps=training.steps_per_epoch - 1)
    return standing(stand_in(training, at)).part.carried


def graph_of(training: MiniBatchTraining | LBFGSTraining) -> Graph:
    """Return what a training computes again and again: a step, or the objective with its gradient."""
    return training.steps.step.graph if isinstance(training, MiniBatchTraining) else training.objective.program.graph


def probe_of(training: MiniBatchTraining | LBFGSTraining, most: int) -> LayerProbe:
    """Return what observes the layers on some of the examples that a training learns from."""
    plan = training.plan
    places = plan.places[np.flatnonzero(plan.arrays[WEIGHT][plan.places])]
    if len(places) > most:
        places = places[np.sort(permutation(plan.seed, "recorder", 0, len(places))[:most])]
    arrays = {name: gather(array, places) for name, array in plan.arrays.items()}
    settings = training.steps.settings if isinstance(training, MiniBatchTraining) else training.objective.settings
    return LayerProbe(plan.evaluator.network, plan.evaluator.losses, arrays, settings)
