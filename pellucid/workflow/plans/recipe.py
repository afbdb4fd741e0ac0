"""The recipe: how cells become features, what network is trained on them, and how."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pellucid.data.encoders.encoding import Encoding
from pellucid.data.encoders.settings import EncoderSettings
from pellucid.errors import UsageError, nearest
from pellucid.model.network import tabular_network
from pellucid.nn.losses import Loss, default_loss, loss_names
from pellucid.nn.network import Network
from pellucid.nn.regularizers import L1, L2, InputNoise, MaxNorm, Regularizer
from pellucid.optim.lbfgs import LBFGS
from pellucid.optim.optimizers import OPTIMIZERS
from pellucid.optim.schedules import Schedule
from pellucid.optim.transformation import Optimizer
from pellucid.training.metrics import metrics_for
from pellucid.workflow.plans.chosen import (
    AUTO,
    build_loss,
    build_optimizer,
    build_schedule,
    check_loss,
    count_blocks,
    has_learning_rate,
    takes_any_number,
)
from pellucid.workflow.plans.recipe_settings import RecipeSettings
from pellucid.workflow.plans.settings import check_settings


@dataclass(frozen=True)
class Recipe(RecipeSettings):
    """How cells become features, what network is trained on them, and how.

    Every field is a setting of a run: `pellucid init` lists them all with what they mean, and chapter 7 of the guide
    tells more. Their paths in ``run.toml`` and behind ``--set`` have a section each: ``encoders``, ``network``,
    ``loss``, ``optimizer``, ``schedule``, ``regularizers`` and ``training``.

    With L-BFGS and Rprop, which learn from all rows at once, `batch_size` is ignored; they have no learning rate, so
    that `learning_rate` is ignored too. L-BFGS needs a loss that does not change: there is no dropout then.

    Raises
    ------
    UsageError
        Where a setting is out of its range, or does not go with the others.

    Examples
    --------
    >>> Recipe(hidden=(64, 32), optimizer_name="adamw", optimizer_settings={"beta_1": 0.8}).optimizer()
    AdamW(learning_rate=0.003, beta_1=0.8, beta_2=0.999, epsilon=1e-08, weight_decay=0.01, decay_all=False)
    """

    def __post_init__(self) -> None:
        check_settings(self)
        if isinstance(self.activation, tuple) and len(self.activation) != len(self.hidden):
            raise UsageError(
                "not one activation for each hidden layer",
                where="network.activation",
                got=f"{len(self.activation)} for {len(self.hidden)} layers",
                fix="Give one for all layers, or as many as network.hidden has sizes.",
            )
        check_loss(self.loss_name, self.label_smoothing, self.loss_settings)
        self.optimizer()
        self.schedule()
        self._check_optimizer_goes_with_others()

    def _check_optimizer_goes_with_others(self) -> None:
        steps = self._is_lbfgs
        refused = {
            "regularizers.l1": self.l1 and not has_learning_rate(self.optimizer_name),
            "regularizers.max_norm": self.max_norm and steps,
            "regularizers.noise": self.noise and steps,
            "training.clip_norm": self.clip_norm and steps,
            "schedule.name": self.schedule_name != "constant" and not has_learning_rate(self.optimizer_name),
        }
        if wrong := [path for path, clashes in refused.items() if clashes]:
            fix = "Leave it as it is by default, or choose adam, for example."
            raise UsageError(f"this does not go with the optimizer {self.optimizer_name}", where=wrong[0], fix=fix)

    @property
    def _is_lbfgs(self) -> bool:
        return OPTIMIZERS[self.optimizer_name] is LBFGS

    @property
    def rows_per_step(self) -> int | None:
        """How many rows a step takes; None for all of them."""
        full = self._is_lbfgs or getattr(OPTIMIZERS[self.optimizer_name], "full_batch", False)
        return None if full or not self.batch_size else self.batch_size

    def encoders(self) -> EncoderSettings:
        """Return how cells become features."""
        return EncoderSettings(
            scaling=self.scaling,
            limit=self.limit,
            whitening=self.whitening,
            one_hot=self.one_hot,
            embedding_units=self.embedding_units,
            words=self.words,
            word_values=self.word_values,
        )

    def network(self, encoding: Encoding, outputs: int) -> Network:
        """Return the network for these features and so many numbers, logits or scores to predict.

        Losses that take several outputs for each target, such as one for each quantile, get them. The dtype is that of
        the encoding, if the recipe leaves it open.
        """
        blocks = 1 if self.loss_name == AUTO else count_blocks(build_loss(self.loss_name, self._of_loss()), outputs)
        return tabular_network(
            encoding,
            outputs * blocks,
            hidden=self.hidden,
            activation=self.activation,
            dropout=0.0 if self._is_lbfgs else self.dropout,
            shortcuts=self.shortcuts,
            layer_norm=self.layer_norm,
            initializer=self.initializer,
            dtype=None if self.dtype == AUTO else self.dtype,
        )

    def loss(self, task: str) -> Loss:
        """Return the loss for a task: "regression", "binary", "multiclass" or "multilabel".

        Raises
        ------
        UsageError
            Where the chosen loss is for another task.
        """
        name = default_loss(task).name if self.loss_name == AUTO else self.loss_name
        if name not in loss_names(task):
            fix = nearest(name, [AUTO, *loss_names(task)])
            raise UsageError(f"the loss {name} is not for the task {task}", where="loss.name", fix=fix)
        return build_loss(name, self._of_loss())

    def _of_loss(self) -> dict[str, Any]:
        return {"label_smoothing": self.label_smoothing, **self.loss_settings}

    def check_task(self, task: str) -> None:
        """Raise a UsageError where loss, metric or class weights are for another task."""
        self.loss(task)
        known = [found.name for found in metrics_for(task)]
        if self.metric not in known:
            what = f"the metric {self.metric} is not for the task {task}"
            raise UsageError(what, where="training.metric", fix=nearest(self.metric, known))
        if self.class_weight != "none" and task not in ("binary", "multiclass"):
            what = f"there are no classes to weigh in the task {task}"
            raise UsageError(what, where="training.class_weight", fix='Leave it at "none".')

    def standardizes(self, task: str) -> bool:
        """Say whether targets of a regression are to be standardized: not for a loss that takes no negative numbers."""
        return takes_any_number(self.loss(task))

    def regularizers(self, loss: Loss) -> list[Regularizer]:
        """Return what else training does: no L2 where it would spare all the weights that there are."""
        found: list[Regularizer] = []
        if self.l2 > 0 and (self.hidden or not loss.linear):
            found.append(L2(self.l2))
        if self.l1 > 0:
            found.append(L1(self.l1))
        if self.max_norm > 0:
            found.append(MaxNorm(self.max_norm))
        if self.noise > 0:
            found.append(InputNoise(self.noise))
        return found

    def optimizer(self) -> Optimizer | LBFGS:
        """Return the optimizer."""
        return build_optimizer(self.optimizer_name, self.learning_rate, self.optimizer_settings)

    def schedule(self) -> Schedule | None:
        """Return how the learning rate changes; None where it does not."""
        if self.schedule_name == "constant" and not self.schedule_settings:
            return None
        return build_schedule(self.schedule_name, self.schedule_settings, self.epochs)

    def fit_arguments(self, loss: Loss) -> dict[str, Any]:
        """Return what :func:`pellucid.fit` takes of the recipe, by its names there: all but the limit of time."""
        return {
            "loss": loss,
            "optimizer": self.optimizer(),
            "schedule": self.schedule(),
            "regularizers": self.regularizers(loss),
            "epochs": self.epochs,
            "batch_size": self.rows_per_step,
            "patience": self.patience or None,
            "metric": self.metric,
            "min_improvement": self.min_improvement,
            "clip_norm": self.clip_norm or None,
            "steps": self.steps or None,
            "executor": self.executor,
        }
