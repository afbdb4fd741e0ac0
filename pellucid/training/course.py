"""How a network is trained: what all trainings of it have in common, and what is compiled for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pellucid.executors.epochs import EpochProgram
from pellucid.executors.program import compile_epochs
from pellucid.nn.losses import Loss
from pellucid.nn.network import Network
from pellucid.nn.regularizers import AugmentArrays, Regularizer
from pellucid.optim.lbfgs import LBFGS
from pellucid.optim.optimizers import optimizer as optimizer_called
from pellucid.optim.schedules import Schedule
from pellucid.optim.transformation import Optimizer
from pellucid.training.beginnings import Beginnings
from pellucid.training.checks import check_choices
from pellucid.training.evaluate import Evaluator
from pellucid.training.metrics import Metric
from pellucid.training.preparation import losses_by_output, watched_metric
from pellucid.training.step import TrainingStep, build_step


@dataclass(frozen=True)
class Course:
    """How a network is trained, whatever the seed, the rows and the numbers of its settings.

    Trainings of one course share what is compiled: a step for each size of mini-batch, and the evaluation.

    Attributes
    ----------
    network : Network
    losses : dict of Loss
        By output.
    optimizer : Optimizer or LBFGS
    epochs : int
    steps, batch_size : int or None
    schedule : Schedule or str or None
    regularizers : sequence of Regularizer
    clip_value, clip_norm : float or None
    metric : str
    patience : int or None
    min_improvement : float
    shuffle : bool
    executor : str
    evaluator : Evaluator
    beginnings : Beginnings
        The first parameters of its trainings.
    compiled : dict
        The steps that were compiled, by the size of their mini-batch.
    paces : dict
        What an epoch of a training took last, in seconds, by what it depends on.
    """

    network: Network
    losses: dict[str, Loss]
    optimizer: Optimizer | LBFGS
    epochs: int
    steps: int | None
    batch_size: int | None
    schedule: str | Schedule | None
    regularizers: Sequence[Regularizer]
    clip_value: float | None
    clip_norm: float | None
    metric: str
    patience: int | None
    min_improvement: float
    shuffle: bool
    executor: str
    evaluator: Evaluator
    beginnings: Beginnings = field(repr=False)
    compiled: dict[int, tuple[TrainingStep, EpochProgram]] = field(default_factory=dict, repr=False)
    paces: dict[tuple[int, ...], float] = field(default_factory=dict, repr=False)
    _watched: dict[bool, tuple[str, Metric, tuple[Metric, ...]]] = field(default_factory=dict, init=False, repr=False)

    @property
    def changes_arrays(self) -> bool:
        """Whether a training needs arrays of its own rows alone, rather than their numbers in shared arrays."""
        return isinstance(self.optimizer, LBFGS) or any(isinstance(one, AugmentArrays) for one in self.regularizers)

    def watched(self, validated: bool) -> tuple[str, Metric, tuple[Metric, ...]]:
        """Return the metric to judge by, its name with the output's where there are several, and all to record.

        Raises
        ------
        UsageError
            Where the metric that was chosen does not fit.
        """
        if validated not in self._watched:
            self._watched[validated] = watched_metric(self.losses, self.metric, self.evaluator.kinds, validated)
        return self._watched[validated]

    def step_for(self, batch: int) -> tuple[TrainingStep, EpochProgram]:
        """Return the step for mini-batches of this size, compiled when it is first asked for."""
        if batch not in self.compiled:
            assert isinstance(self.optimizer, Optimizer)
            step = build_step(
                self.network,
                self.losses,
                self.optimizer,
                batch=batch,
                regularizers=self.regularizers,
                clip_value=self.clip_value,
                clip_norm=self.clip_norm,
            )
            self.compiled[batch] = step, compile_epochs(step.form, self.executor)
        return self.compiled[batch]


def set_course(
    network: Network,
    loss: str | Loss | Mapping[str, str | Loss],
    optimizer: str | Optimizer | LBFGS,
    *,
    schedule: str | Schedule | None,
    regularizers: Sequence[Regularizer],
    metric: str,
    executor: str,
    **choices: Any,
) -> Course:
    """Return the course that was chosen, with what is given by name looked up.

    Raises
    ------
    UsageError
        Where something is not what it has to be, or does not go with the others.
    """
    losses = losses_by_output(network, loss)
    chosen = optimizer_called(optimizer) if isinstance(optimizer, str) else optimizer
    check_choices(chosen, schedule, regularizers, metric)
    return Course(
        network=network,
        losses=losses,
        optimizer=chosen,
        schedule=schedule,
        regularizers=regularizers,
        metric=metric,
        executor=executor,
        evaluator=Evaluator(network, losses, executor),
        beginnings=Beginnings(network),
        **choices,
    )
