"""The encoders, the network and the arrays of a run, its training, and what it predicts for the test rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pellucid.data.dataset import Dataset
from pellucid.data.encoders.encoding import Encoding
from pellucid.data.encoders.fit import fit_encoders
from pellucid.data.role_checks import read_weights
from pellucid.data.tables.table import Table
from pellucid.data.targets import SCALE, TargetEncoding, fit_targets
from pellucid.errors import DataError, UsageError
from pellucid.model.build import build_model
from pellucid.model.model import Model
from pellucid.nn.losses import Loss
from pellucid.nn.network import Network
from pellucid.optim.lbfgs import LBFGS
from pellucid.training.evaluate import Evaluator, as_arrays
from pellucid.training.events import EpochEnded, Event
from pellucid.training.fit import fit
from pellucid.training.metrics import metric, metrics_for
from pellucid.training.result import Fit
from pellucid.workflow.division import TEST, TRAIN, VALIDATION, Parts
from pellucid.workflow.encode_rows import AT_ONCE, encode_rows
from pellucid.workflow.plans.plan import Plan
from pellucid.workflow.run_folder import CHECKPOINT_SECONDS
from pellucid.workflow.understanding import Understanding

MOST_TRAINING_ROWS = 4096
"""So many training rows tell the metric of the training part after each epoch."""


@dataclass(frozen=True, eq=False)
class Making:
    """What is trained, and on which rows. Made by :func:`prepare`.

    Attributes
    ----------
    found : Understanding
    plan : Plan
    parts : dict of ndarray
        The rows for ``train``, ``validation`` and ``test``.
    encoding : Encoding
    targets : TargetEncoding
    network : Network
    loss : Loss
    start : Model or None
        Where the training starts from.
    """

    found: Understanding
    plan: Plan
    parts: Parts
    encoding: Encoding
    targets: TargetEncoding
    network: Network
    loss: Loss
    start: Model | None = None

    def dataset(self, part: str) -> Dataset:
        """Return the examples of a part, encoded, with their weights."""
        rows, table = self.parts[part], self.found.table
        targets, weights = self.targets.encode(table.select(self.targets.names).take(rows)), self._weights(rows)
        if weights is not None and not weights.any():
            what = f"all {len(rows)} rows of the {part} part weigh 0"
            fix = "Take another seed or other shares, or weigh more rows."
            raise DataError(what, where=table.where(name=self.plan.weight), fix=fix)
        return Dataset(encode_rows(self.encoding, table, rows), targets, weights)

    def _weights(self, rows: np.ndarray) -> np.ndarray | None:
        """Return how much each row counts in training: its own weight times that of its class."""
        weights = None if self.found.weights is None else self.found.weights[rows]
        if self.plan.recipe.class_weight == "none":
            return weights
        balanced = self._class_weights()[self._classes(rows)]
        return balanced if weights is None else weights * balanced

    def _classes(self, rows: np.ndarray) -> np.ndarray:
        read = self.targets.read(self.found.table.select(self.targets.names).take(rows))
        return read.reshape(len(rows)).astype(np.int64)

    def _class_weights(self) -> np.ndarray:
        """Return the weight of each class: all classes together weigh the same in the training part."""
        rows, own = self.parts[TRAIN], self.found.weights
        held = np.bincount(self._classes(rows), None if own is None else own[rows], len(self.targets.classes))
        there = held > 0
        return np.where(there, held.sum() / (np.count_nonzero(there) * np.where(there, held, 1)), 1.0)

    def training_of(self) -> tuple[Dataset, dict[str, Any]]:
        """Return what is learned from, and what :func:`pellucid.fit` takes besides that its numbers depend on."""
        return self.dataset(TRAIN), {
            **self.plan.recipe.fit_arguments(self.loss),
            "validation": self.dataset(VALIDATION) if len(self.parts[VALIDATION]) else None,
            "seed": self.plan.seed,
            "start_from": self.start,
        }

    def fit(
        self,
        time_limit: float | None,
        progress: bool | None,
        checkpoint: Path | None = None,
        resume: bool = False,
    ) -> Fit:
        """Train; go on from the checkpoint where there is one and it is asked for."""
        learning, arguments = self.training_of()
        if isinstance(arguments["optimizer"], LBFGS):
            if resume:
                raise UsageError("L-BFGS cannot be gone on with", fix="Start anew, or choose another optimizer.")
            checkpoint = None
        return fit(
            self.network,
            learning,
            **arguments,
            time_limit=time_limit,
            on=self._metric_of_training(learning),
            progress=progress,
            checkpoint=checkpoint,
            checkpoint_seconds=CHECKPOINT_SECONDS,
            resume=resume,
        )

    def _metric_of_training(self, learning: Dataset) -> Callable[[Event], None]:
        """Return a handler that adds the metrics of training rows to each epoch's record."""
        losses = dict.fromkeys(self.network.outputs, self.loss)
        evaluator = Evaluator(self.network, losses, self.plan.recipe.executor)
        some = learning.take(np.arange(min(len(learning), MOST_TRAINING_ROWS)))
        arrays = as_arrays(self.network, losses, some)
        names = [found.name for found in metrics_for(self.loss.task) if found.name != "loss"][:1]
        names += [self.plan.recipe.metric] if self.plan.recipe.metric not in ("loss", *names) else []
        shown = [metric(name) for name in names]

        def add(event: Event) -> None:
            if isinstance(event, EpochEnded):
                told = evaluator.evaluate(event.parameters, arrays, shown)
                event.record |= {f"training_{name}": told[name] for name in names if name in told}

        return add

    def model(self, fitted: Fit) -> Model:
        """Return the model that a training has made."""
        provenance = {
            "table_sha256": self.found.digest,
            "rows": {name: len(rows) for name, rows in self.parts.items()},
            "seed": self.plan.seed,
        }
        return build_model(
            self.encoding,
            self.targets,
            self.network,
            self.loss,
            fitted.parameters,
            provenance=provenance,
            executor=self.plan.recipe.executor,
        )

    def rows_of(self, part: str) -> Table:
        """Return the rows of a part, of the test table where there is one, with the columns that are needed."""
        names = [*(column.name for column in self.encoding.front.columns), *self.targets.names]
        if part == TEST and self.found.test is not None:
            return self.found.test.select(names)
        return self.found.table.select(names).take(self.parts[part])

    def report_weights(self, part: str) -> np.ndarray | None:
        """Return how much each row of a part counts in the report; None where all count the same."""
        if self.plan.weight is None:
            return None
        if part == TEST and self.found.test is not None:
            return read_weights(self.found.test, self.plan.weight)
        assert self.found.weights is not None
        return self.found.weights[self.parts[part]]


def prepare(found: Understanding, plan: Plan, parts: Parts, start: Model | None = None) -> Making:
    """Fit encoders and targets on the training rows, and make the network and its loss.

    Parameters
    ----------
    found : Understanding
    plan : Plan
    parts : dict of ndarray
        The rows for ``train``, ``validation`` and ``test``.
    start : Model, optional
        A model to start from: its encoders and targets are taken over as they are.

    Raises
    ------
    DataError, UsageError
        Where columns, targets or settings do not fit.
    """
    recipe, train, task = plan.recipe, parts[TRAIN], found.task
    recipe.check_task(task.kind)
    loss = recipe.loss(task.kind)
    if start is not None:
        encoding, targets = start.encoding, start.targets
    else:
        encoding = fit_encoders(
            found.table, found.roles, task, train, found.dtype, settings=recipe.encoders(), weights=found.weights
        )
        targets = fit_targets(found.table, task, train, recipe.standardizes(task.kind), found.weights)
    made = Making(found, plan, parts, encoding, targets, recipe.network(encoding, targets.outputs), loss, start)
    if found.test is not None:
        _check_test(made, found.test)
    return made


def _check_test(made: Making, test: Table) -> None:
    """Read a table for the test, so that what is wrong with it is told before the training."""
    made.targets.read(test)
    made.report_weights(TEST)
    chosen = made.encoding.front.select(test)
    for start in range(0, len(test), AT_ONCE):
        made.encoding.front.read(chosen.take(slice(start, start + AT_ONCE)))


def in_own_unit(history: Sequence[dict[str, Any]], targets: TargetEncoding) -> list[dict[str, Any]]:
    """Return the history with the metrics of a single standardized target in its own unit."""
    if targets.task != "regression" or len(targets.names) != 1 or SCALE not in targets.arrays:
        return [dict(record) for record in history]
    scale = float(targets.arrays[SCALE][0])
    lengths = ("training_rmse", "validation_rmse", "training_mae", "validation_mae")
    return [{key: value * scale if key in lengths else value for key, value in record.items()} for record in history]
