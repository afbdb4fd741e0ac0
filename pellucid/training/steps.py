"""How a training goes from step to step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pellucid.executors.epochs import EpochProgram
from pellucid.optim.schedules import Schedule
from pellucid.training.step import TrainingStep

Arrays = Mapping[str, Any]


@dataclass(frozen=True)
class Steps:
    """How a training goes from step to step.

    Attributes
    ----------
    step : TrainingStep
    program : EpochProgram
        The step, compiled.
    executor : str
        What it is compiled for.
    settings : mapping of float
        The numbers of the step's settings; the learning rate before the schedule.
    schedule : Schedule
    shuffle : bool
    mixup : callable or None
        ``mixup(seed, first_step, count)``: the ratio of each step.
    augment : callable or None
        ``augment(arrays, epoch)``: the arrays of an epoch.
    learning_rate : bool
        Whether the optimizer has one.
    paces : dict
        What an epoch took last in trainings like this one; see :class:`~pellucid.training.pace.Pace`.
    """

    step: TrainingStep
    program: EpochProgram
    executor: str
    settings: Mapping[str, float]
    schedule: Schedule
    shuffle: bool
    mixup: Callable[[int, int, int], np.ndarray] | None
    augment: Callable[[Arrays, int], Arrays] | None
    learning_rate: bool = True
    paces: dict[tuple[int, ...], float] = field(default_factory=dict)


@dataclass(frozen=True)
class Epoch:
    """What the steps of one epoch need: the order of its rows, its settings step by step, and its arrays."""

    order: np.ndarray
    settings: Mapping[str, Any]
    arrays: Arrays
